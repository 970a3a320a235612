"""Reading outside one's own work: what belongs to it, why first, and that no page forgets to ask."""

import re
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal import access, alerts, clock, exports, referrals, tasks
from portal.access import Role
from portal.caseload import reach
from portal.caseload.lists import READING_REASONS
from portal.clock import now
from portal.store import Alert, AuditEvent, ReadingReason, Referral, Service, Staff
from tests.everything import csrf
from tests.inspector import InspectedClient
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def worker(store: Session, service: Service) -> Member:
    return staff_member(store, service)


@pytest.fixture
def other(store: Session, service: Service) -> Member:
    return staff_member(store, service)


@pytest.fixture
def boss(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.MANAGER)


@pytest.fixture
def theirs(store: Session, service: Service, other: Member, boss: Member) -> Referral:
    """A case of a colleague's."""
    return referrals.accept(store, service, other.actor, a_referral(store, service).id)


def in_team(store: Session, member: Member, team: str | None) -> None:
    store.get_one(Staff, (member.actor.service_id, member.actor.staff_id)).team = team
    store.flush()


# What belongs to one's own work --------------------------------------------------------------------------------------


def test_a_new_referral_is_everybody_s_and_an_accepted_one_is_whose_it_is(
    store: Session, service: Service, worker: Member, other: Member, boss: Member
) -> None:
    sent = a_referral(store, service)
    assert reach.within(store, worker.actor, sent.person_id)
    referrals.accept(store, service, other.actor, sent.id)
    assert not reach.within(store, worker.actor, sent.person_id)
    assert reach.within(store, other.actor, sent.person_id)
    sent.status = "closed"
    assert reach.within(store, other.actor, sent.person_id), "closing takes nobody's own case away"
    assert not reach.within(store, worker.actor, sent.person_id)


def test_an_open_case_that_nobody_here_has_is_everybody_s(
    store: Session, worker: Member, other: Member, theirs: Referral
) -> None:
    store.get_one(Staff, (theirs.service_id, other.actor.staff_id)).state = "left"
    store.flush()
    assert reach.within(store, worker.actor, theirs.person_id)
    theirs.status = "closed"
    assert not reach.within(store, worker.actor, theirs.person_id)


def test_a_manager_reads_their_team_s_and_one_without_a_team_everybody_s(
    store: Session, other: Member, boss: Member, theirs: Referral
) -> None:
    assert reach.within(store, boss.actor, theirs.person_id)
    in_team(store, boss, "North")
    assert not reach.within(store, boss.actor, theirs.person_id)
    in_team(store, other, "North")
    assert reach.within(store, boss.actor, theirs.person_id)


def test_an_alert_that_nobody_has_opened_is_everybody_s_and_then_whose_it_is(
    store: Session, service: Service, worker: Member, other: Member, boss: Member
) -> None:
    sent = a_referral(store, service, urgency="being-hurt")
    referrals.accept(store, service, boss.actor, sent.id)
    assert reach.within(store, worker.actor, sent.person_id)
    raised = store.scalars(access.rows_of(service.id, Alert)).one()
    alerts.open_by_name(store, other.actor, raised.id)
    store.flush()
    assert reach.within(store, other.actor, sent.person_id)
    assert not reach.within(store, worker.actor, sent.person_id)


def test_something_to_do_that_was_given_to_me_is_my_work_until_it_is_done(
    store: Session, service: Service, worker: Member, other: Member, theirs: Referral
) -> None:
    for number, (assigned, expected) in enumerate(((other, False), (worker, True), (None, False))):
        task = tasks.add(
            store, service.id, tasks.Kind.DETAILS_CHANGED, once=f"number {number}", due_at=now(),
            person_id=theirs.person_id, assigned_to=assigned.actor.staff_id if assigned else None,
        )  # fmt: skip
        assert reach.within(store, worker.actor, theirs.person_id) is expected
        tasks.done(store, other.actor, task.id)
        assert not reach.within(store, worker.actor, theirs.person_id)


def test_as_many_queries_for_a_page_of_people_as_for_one(
    store: Session, service: Service, worker: Member, boss: Member
) -> None:
    some = [referrals.accept(store, service, boss.actor, a_referral(store, service).id).person_id for _ in range(3)]
    mine = referrals.accept(store, service, worker.actor, a_referral(store, service).id).person_id
    assert reach.within_each(store, worker.actor, [*some, mine]) == {mine}
    assert reach.within_each(store, worker.actor, []) == set()


# Why -----------------------------------------------------------------------------------------------------------------


def test_a_reason_opens_for_a_working_day_and_is_written_down(
    store: Session, worker: Member, other: Member, theirs: Referral
) -> None:
    standing = reach.of_referral(store, worker.actor, theirs.id)
    assert standing
    assert not standing.opens
    for reason, words, missing in (("", "", "reason"), ("curious", "x", "reason"), ("other", " \u200b ", "words")):
        with pytest.raises(reach.NeedsWords, match=missing):
            reach.give_reason(store, worker.actor, theirs.person_id, reason, words)
    reach.give_reason(store, worker.actor, theirs.person_id, "covering")
    opened = reach.of_referral(store, worker.actor, theirs.id)
    assert opened
    assert (opened.opens, opened.within, opened.because) == (True, False, "covering")
    with clock.later(reach.HOLDS + timedelta(minutes=1)):
        again = reach.of_referral(store, worker.actor, theirs.id)
        assert again
        assert not again.opens
    third = staff_member(store, store.get_one(Service, theirs.service_id))
    elsewhere = reach.of_referral(store, third.actor, theirs.id)
    assert elsewhere
    assert not elsewhere.opens, "one worker's reason is nobody else's"
    acts = store.scalars(access.rows_of(theirs.service_id, AuditEvent).where(AuditEvent.about_id == theirs.person_id))
    assert [(row.act, row.reason) for row in acts if row.actor_id == worker.actor.staff_id] == [
        ("gave a reason for reading", "covering")
    ]


def test_the_page_asks_why_first_shows_nothing_of_the_person_and_then_leads_on(
    client: InspectedClient, store: Session, service: Service, worker: Member, theirs: Referral
) -> None:
    sign_in(client, store, worker)
    asked = client.get(f"/staff/referrals/{theirs.id}/give")
    assert asked.status_code == 303
    assert asked.location.startswith(f"/staff/referrals/{theirs.id}/reason?next=/staff/referrals/{theirs.id}/give")
    page = words_of(client.get(asked.location))
    assert "Why do you need to read this record?" in page
    for hidden in ("Zofia", "Quarshie", "I would like to meet people", "07700"):
        assert hidden not in page
    wrong = press(client, asked.location, "/reason", reason="other", words="")
    assert wrong.status_code == 422
    assert "Say in a few words what it is" in words_of(wrong)
    blank = press(client, asked.location, "/reason", words="Something that I typed")
    assert blank.status_code == 422
    assert "Something that I typed" in words_of(blank)
    onward = press(client, asked.location, "/reason", reason="other", words="Her sister rang.")
    assert (onward.status_code, onward.location) == (303, f"/staff/referrals/{theirs.id}/give")
    assert client.get(f"/staff/referrals/{theirs.id}").status_code == 200
    store.expire_all()
    reason = store.scalars(access.rows_of(service.id, ReadingReason)).one()
    assert (reason.reason, reason.words) == ("other", "Her sister rang.")
    looks = exports.who_looked(store, service, theirs.person_id)
    assert [(one.name, one.why) for one in looks] == [(worker.actor.name, "Something else")]


def test_what_was_typed_while_the_case_was_open_is_taken_and_nothing_else(
    client: InspectedClient, store: Session, service: Service, worker: Member, other: Member, boss: Member
) -> None:
    sent = referrals.accept(store, service, worker.actor, a_referral(store, service).id)
    sign_in(client, store, worker)
    page = client.get(f"/staff/referrals/{sent.id}/give")
    assert page.status_code == 200
    referrals.give_to(store, boss.actor, sent.id, other.actor.staff_id)
    sent.decided_by = boss.actor.staff_id
    store.commit()
    assert client.get(f"/staff/referrals/{sent.id}/give").status_code == 303
    form = {"csrf_token": csrf(client), "to": str(boss.actor.staff_id)}
    given = client.post(f"/staff/referrals/{sent.id}/give", data=form)
    assert (given.status_code, given.location) == (303, "/staff/caseload")
    with clock.later(reach.HOLDS + timedelta(minutes=1)):
        again = client.post(f"/staff/referrals/{sent.id}/give", data=form)
        assert again.status_code != 200
        assert again.location != "/staff/caseload", "a working day later nothing is taken any more"


def test_two_who_have_nothing_in_common_are_not_laid_side_by_side_to_read_one_of_them(
    client: InspectedClient, store: Session, service: Service, worker: Member, other: Member, boss: Member
) -> None:
    mine = referrals.accept(store, service, worker.actor, a_referral(store, service).id)
    alike = referrals.accept(store, service, other.actor, a_referral(store, service).id)
    unlike = referrals.accept(
        store, service, other.actor, a_referral(store, service, first_name="Ada", phone="07700 900999").id
    )
    sign_in(client, store, worker)
    assert client.get(f"/staff/referrals/{mine.id}/merge/{alike.person_id}").status_code == 200
    assert client.get(f"/staff/referrals/{mine.id}/merge/{unlike.person_id}").status_code == 404


def test_reasons_have_codes_that_fit() -> None:
    assert all(len(one.code) <= 30 for one in READING_REASONS)


def test_nobody_s_record_is_opened_beside_another_by_its_address_alone(
    client: InspectedClient, store: Session, service: Service
) -> None:
    worker, colleague = staff_member(store, service), staff_member(store, service)
    mine = referrals.accept(store, service, worker.actor, a_referral(store, service).id)
    sent = a_referral(store, service, first_name="Somebody", family_name="Else", phone="07700 900999")
    theirs = referrals.accept(store, service, colleague.actor, sent.id)
    store.commit()
    sign_in(client, store, worker)
    beside = f"/staff/referrals/{mine.id}/merge/{theirs.person_id}"
    assert client.get(beside).status_code == 404
    reach.give_reason(store, worker.actor, theirs.person_id, "same-person")
    store.commit()
    assert client.get(beside).status_code == 200


# What a manager reads of it ------------------------------------------------------------------------------------------


def test_a_manager_reads_who_read_whose_record_and_why_newest_first(
    client: InspectedClient, store: Session, service: Service, worker: Member, other: Member, boss: Member
) -> None:
    cases = [referrals.accept(store, service, other.actor, a_referral(store, service, first_name=one).id)
             for one in ("Ada", "Bea")]  # fmt: skip
    reach.give_reason(store, worker.actor, cases[0].person_id, "covering")
    reach.give_reason(store, worker.actor, cases[1].person_id, "other", "She stood <in> the hall.")
    there = a_service(store, "there")
    stranger, away = staff_member(store, there, name="Stranger"), staff_member(store, there)
    theirs = referrals.accept(store, there, away.actor, a_referral(store, there, first_name="Elsewhere").id)
    reach.give_reason(store, stranger.actor, theirs.person_id, "complaint")
    store.commit()
    sign_in(client, store, boss)
    assert "/staff/readings" in client.get("/staff/team").get_data(as_text=True)
    page = client.get("/staff/readings")
    said = words_of(page)
    assert said.index("Bea") < said.index("Ada")
    assert "She stood <in> the hall." in said
    assert "I am covering for a colleague" in said
    assert f"/staff/referrals/{cases[0].id}" in page.get_data(as_text=True)
    assert "Elsewhere" not in said
    assert "Stranger" not in said


def test_only_a_manager_reads_who_read_what(store: Session, service: Service, worker: Member) -> None:
    administrator = staff_member(store, service, Role.ADMINISTRATOR)
    for member in (worker, administrator):
        with pytest.raises(access.Refused):
            reach.all_reasons(store, member.actor)


def test_the_readings_come_a_page_at_a_time_in_as_many_queries_however_many(
    client: InspectedClient, store: Session, service: Service, worker: Member, theirs: Referral, boss: Member
) -> None:
    made = [reach.give_reason(store, worker.actor, theirs.person_id, "other", f"Number {number}.")
            for number in range(60)]  # fmt: skip
    store.commit()
    first = reach.all_reasons(store, boss.actor, most=25)
    assert [one.row.id for one in first] == [one.id for one in made[:-26:-1]]
    sign_in(client, store, boss)
    seen: list[str] = []
    address = "/staff/readings"
    for _ in range(3):
        page = client.get(address)
        seen += re.findall(r"Number (\d+)\.", words_of(page))
        address = next(iter(re.findall(r'href="(/staff/readings\?after=[^"]+)"', page.get_data(as_text=True))), "")
    assert seen == [str(number) for number in reversed(range(60))]
    assert address == ""
    assert client.get("/staff/readings?after=nonsense").status_code == 200
