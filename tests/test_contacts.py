"""Contacts and attempts: what is recorded, what it counts for, who may change it, what the person reads; and the pages
on which this is done.
"""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import audit, clock, codes, measures, people, referrals
from portal.access import Actor, Refused, Role
from portal.caseload import contacts, lists
from portal.caseload.lists import Listed, codes_in
from portal.i18n import LONDON
from portal.store import AccessNeed, CarePlan, CaseNote, CheckIn, Contact, Letter, Referral, Service, Stores, Task
from portal.web.caseload.contacts import read_time
from tests.arriving import somebody
from tests.inspector import InspectedClient, Page
from tests.lived import reads
from tests.test_my import _browser
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Team:
    store: Session
    service: Service
    amina: Member
    ben: Member

    def case(self, **answers: Any) -> Referral:
        """A referral that Amina has accepted."""
        return referrals.accept(
            self.store, self.service, self.amina.actor, a_referral(self.store, self.service, **answers).id
        )

    def record(self, referral: Referral, outcome: str = "spoke", *, once: str = "", **more: Any) -> Contact:
        once = once or uuid.uuid4().hex
        return contacts.record(
            self.store, self.service, self.amina.actor, referral.id, once=once, outcome=outcome, **more
        )

    def change(self, contact: Contact, **fields: object) -> Contact:
        return contacts.change(self.store, self.service, self.amina.actor, contact.id, contact.version, **fields)


@pytest.fixture
def team(store: Session) -> Team:
    service = a_service(store)
    staff_member(store, service, Role.MANAGER)
    amina, ben = staff_member(store, service, name="Amina"), staff_member(store, service, name="Ben")
    store.commit()
    return Team(store, service, amina, ben)


def figures(referral: Referral) -> tuple[datetime | None, datetime | None, datetime | None, int]:
    return referral.first_attempt_at, referral.first_contact_at, referral.last_contact_at, referral.attempts


# --- the lists -------------------------------------------------------------------------------------------------------


def test_every_list_has_each_code_once_with_a_label() -> None:
    for entries in (one for one in vars(lists).values() if _is_list(one)):
        assert len(codes_in(entries)) == len(set(codes_in(entries)))
        assert all(one.label for one in entries)


def _is_list(one: object) -> bool:
    return isinstance(one, tuple) and bool(one) and isinstance(one[0], Listed)


def test_every_outcome_result_and_answer_about_access_says_what_it_means() -> None:
    for entries in (lists.ATTEMPT_OUTCOMES, lists.CONTACT_RESULTS, lists.ACCESS_MET):
        assert all(one.definition for one in entries)


def test_the_national_code_of_a_mechanism_is_that_of_the_standard_and_a_video_call_has_none() -> None:
    assert {one.code: one.national for one in lists.MECHANISMS} == {
        "face-to-face": "01",
        "telephone": "02",
        "talk-type": "04",
        "email": "05",
        "text": "09",
        "instant-message": "10",
        "video": "",
        "other": "98",
    }


def test_every_way_that_a_person_can_allow_has_a_mechanism() -> None:
    assert set(lists.MECHANISM_OF_CHANNEL) == set(people.CHANNELS)
    assert set(lists.MECHANISM_OF_CHANNEL.values()) <= set(codes_in(lists.MECHANISMS))


# --- counting --------------------------------------------------------------------------------------------------------


def test_attempts_count_until_somebody_is_reached_and_begin_anew_after_it(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        assert figures(case) == (None, None, None, 0)
        team.record(case, "no-answer")
    with clock.at(MONDAY + DAY):
        team.record(case, "message-left")
        team.record(case, "cancelled-by-service")
        team.record(case, "cancelled-by-person")
        assert figures(case) == (MONDAY, None, None, 2), "what somebody cancelled is no attempt"
    with clock.at(MONDAY + 2 * DAY):
        team.record(case, "spoke")
        assert figures(case) == (MONDAY, MONDAY + 2 * DAY, MONDAY + 2 * DAY, 0)
    with clock.at(MONDAY + 3 * DAY):
        team.record(case, "did-not-attend")
        team.record(case, "wrong-number")
    with clock.at(MONDAY + 4 * DAY):
        team.record(case, "attended")
        assert figures(case) == (MONDAY, MONDAY + 2 * DAY, MONDAY + 4 * DAY, 0)
        team.record(case, "no-answer")
        assert case.attempts == 1


def test_whoever_gets_in_touch_with_us_did_not_have_to_be_tried(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, "message-left", direction="in")
        assert figures(case) == (None, None, None, 0), "a message that they left is no attempt of ours"
        team.record(case, "spoke", direction="in")
        assert figures(case) == (MONDAY, MONDAY, MONDAY, 0)


def test_with_a_professional_alone_nobody_was_reached(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, "spoke", with_whom=["professional"])
        assert case.first_contact_at is None
        assert case.first_attempt_at == MONDAY
        team.record(case, "spoke", with_whom=["supporter", "professional"])
        assert case.first_contact_at == MONDAY


def test_a_contact_of_another_day_is_counted_on_that_day(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
    with clock.at(MONDAY + 5 * DAY):
        team.record(case, "spoke", next_step="Ring again", next_due=date(2026, 3, 9))
        team.record(case, "no-answer", happened_at=MONDAY + DAY, next_step="Ring in the evening")
        assert figures(case) == (MONDAY + DAY, MONDAY + 5 * DAY, MONDAY + 5 * DAY, 0)
        assert (case.next_step, case.next_due) == ("Ring again", date(2026, 3, 9)), "of the latest contact"
        assert [one.outcome for one in contacts.of_referral(team.store, team.amina.actor, case.id)] == [
            "spoke",
            "no-answer",
        ]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("said", "problems"),
    [
        ({"happened_at": MONDAY + timedelta(minutes=1)}, {"happened_at": "future"}),
        ({"happened_at": MONDAY - timedelta(minutes=1)}, {"happened_at": "before-referral"}),
        ({"next_due": date(2026, 3, 1)}, {"next_due": "past"}),
        ({"next_due": date(2028, 3, 2)}, {"next_due": "too-far"}),
        ({"minutes": 0}, {"minutes": "out-of-range"}),
        ({"minutes": 721}, {"minutes": "out-of-range"}),
        ({"notes": "x" * 8001}, {"notes": "too-long"}),
        ({"next_step": "x" * 301, "shared_note": "\ud800"}, {"next_step": "too-long", "shared_note": "unreadable"}),
        ({"outcome": "won"}, {"outcome": "not-listed"}),
        ({"mechanism": "11"}, {"mechanism": "not-listed"}),
        ({"direction": ""}, {"direction": "not-listed"}),
        ({"location": "moon", "results": ["plan-made", "x"]}, {"location": "not-listed", "results": "not-listed"}),
        ({"with_whom": ["person", "cat"], "ais_met": "maybe"}, {"with_whom": "not-listed", "ais_met": "not-listed"}),
    ],
)
def test_what_cannot_be_is_told_by_the_field_and_nothing_is_kept(
    team: Team, said: dict[str, Any], problems: dict[str, str]
) -> None:
    with clock.at(MONDAY):
        case = team.case()
        with pytest.raises(contacts.NotPossible) as refused:
            team.record(case, **{"outcome": "spoke", **said})
    assert refused.value.problems == problems
    assert team.store.scalar(select(func.count()).select_from(Contact)) == 0


def test_the_same_press_is_one_contact_and_another_page_or_worker_is_another(team: Team) -> None:
    case, other = team.case(), team.case()
    first = team.record(case, "no-answer", once="a")
    assert team.record(case, "spoke", once="a").id == first.id
    assert case.attempts == 1
    ids = {first.id, team.record(case, once="b").id, team.record(other, once="a").id}
    ids.add(contacts.record(team.store, team.service, team.ben.actor, case.id, once="a", outcome="spoke").id)
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("ways", "mechanism"),
    [(("call", "email"), "telephone"), (("email",), "email"), (("text",), "text"), (("come-back",), "face-to-face")],
)
def test_the_way_that_the_person_allowed_is_meant_unless_another_is_said(
    team: Team, ways: tuple[str, ...], mechanism: str
) -> None:
    case = team.case(safe_ways=list(ways))
    assert team.record(case).mechanism == mechanism
    assert team.record(case, mechanism="video").mechanism == "video"


def test_a_referral_that_nobody_has_taken_has_no_contacts_yet(team: Team) -> None:
    new = a_referral(team.store, team.service)
    with pytest.raises(contacts.NotTaken):
        team.record(new)


def test_of_another_service_there_is_nothing(team: Team) -> None:
    case = team.case()
    contact = team.record(case)
    there = a_service(team.store, "there")
    stranger = staff_member(team.store, there).actor
    with pytest.raises(contacts.Gone):
        contacts.record(team.store, there, stranger, case.id, once="x", outcome="spoke")
    with pytest.raises(contacts.Gone):
        contacts.find(team.store, stranger, contact.id)
    assert contacts.of_referral(team.store, stranger, case.id) == []
    assert contacts.shared_with(team.store, there.id, case.person_id) == []


def test_only_whoever_works_with_people_records_contacts(team: Team) -> None:
    case = team.case()
    analyst = staff_member(team.store, team.service, Role.ANALYST).actor
    with pytest.raises(Refused):
        contacts.record(team.store, team.service, analyst, case.id, once="x", outcome="spoke")


def test_the_audit_keeps_codes_and_the_fields_that_changed_and_no_words(team: Team) -> None:
    case = team.case()
    contact = team.record(case, notes="She cried.")
    team.change(contact, notes="She was sad.", shared_note="It was good to talk.", minutes=20)
    events = audit.history_of(team.store, team.service.id, contact.id)
    assert [(one.act, one.details) for one in events] == [
        ("recorded a contact", {"outcome": "spoke", "mechanism": "telephone"}),
        ("changed a contact", {"fields": ["minutes", "notes", "shared_note"]}),
    ]


def test_nobody_is_asked_to_tell_what_the_person_has_heard_by_being_reached(team: Team) -> None:
    def untold() -> list[str]:
        waiting = select(Task).where(Task.done_at.is_(None), Task.kind == "tell-the-person").order_by(Task.id)
        return [str(one.details["template"]) for one in team.store.scalars(waiting)]

    case, other = team.case(), team.case()
    both = ["referral-received", "referral-accepted"]
    assert untold() == both + both, "they have no email"
    team.record(case, "message-left")
    assert untold() == both + both
    team.record(case, "spoke")
    assert untold() == both
    assert team.record(other, "spoke", with_whom=["professional"])
    assert untold() == both


def test_an_agreed_plan_is_told_to_the_gp_as_soon_as_the_person_has_been_reached(team: Team) -> None:
    case = team.case(share_gp="yes", gp_registered="yes", gp_practice="The Practice")
    plan = CarePlan(service_id=case.service_id, referral_id=case.id, person_id=case.person_id, agreed="yes")
    team.store.add(plan)
    team.record(case, "no-answer")
    assert team.store.scalars(select(Letter)).all() == []
    team.record(case, "spoke")
    assert [(one.recipient, one.occasion) for one in team.store.scalars(select(Letter))] == [("gp", "plan")]


# --- changing --------------------------------------------------------------------------------------------------------


def test_only_the_author_changes_a_contact(team: Team) -> None:
    contact = team.record(team.case(), notes="Mine.")
    with pytest.raises(contacts.NotYours):
        contacts.change(team.store, team.service, team.ben.actor, contact.id, contact.version, notes="His.")
    assert contact.notes == "Mine."


def test_what_was_changed_meanwhile_is_shown_and_not_overwritten(team: Team) -> None:
    contact = team.record(team.case())
    version = contact.version
    team.change(contact, notes="From one window.")
    with pytest.raises(contacts.Meanwhile) as meanwhile:
        contacts.change(team.store, team.service, team.amina.actor, contact.id, version, notes="From another.")
    assert meanwhile.value.contact.notes == "From one window."
    # What is the same as it stands is no change: pressed twice, nothing is wrong.
    contacts.change(team.store, team.service, team.amina.actor, contact.id, version, notes="From one window.")


def test_an_outcome_put_right_is_counted_anew(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        contact = team.record(case, "spoke")
        assert case.first_contact_at == MONDAY
        team.change(contact, outcome="no-answer", next_step="Ring again", next_due=date(2026, 3, 4))
        assert figures(case) == (MONDAY, None, None, 1)
        assert (case.next_step, case.next_due) == ("Ring again", date(2026, 3, 4))
    with clock.at(MONDAY + 9 * DAY):
        team.change(contact, notes="Added later: the day of the next step is past now, and that is no mistake.")
        with pytest.raises(contacts.NotPossible):
            team.change(contact, happened_at=MONDAY - DAY)


# --- after the end ---------------------------------------------------------------------------------------------------


def closed(team: Team, case: Referral, moment: datetime) -> None:
    """The case ends; how is another room's business."""
    case.status, case.closed_at = "closed", moment
    team.store.flush()


def test_a_contact_of_a_case_that_has_been_closed_meanwhile_is_kept_and_stands_after_the_end(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, "no-answer")
        closed(team, case, MONDAY + DAY)
    with clock.at(MONDAY + 2 * DAY):
        late = team.record(case, "spoke", notes="She rang back.", next_due=date(2026, 3, 20))
        assert contacts.after_the_end(case, late)
        assert figures(case) == (MONDAY, None, None, 1), "first contact never lies behind the end"
        assert case.next_due is None
        before = team.record(case, "attended", happened_at=MONDAY + timedelta(hours=5))
        assert not contacts.after_the_end(case, before)
        assert case.first_contact_at == MONDAY + timedelta(hours=5), "what was before the end still counts"
        case.status, case.closed_at = "active", None
        contacts.counted(team.store, team.service, case)
        assert case.last_contact_at == MONDAY + 2 * DAY, "when it is opened again, there is no end"
        assert case.next_due == date(2026, 3, 20)


def test_a_referral_that_ended_otherwise_has_its_end_on_the_day_of_the_decision(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
    with clock.at(MONDAY + DAY):
        referrals.withdraw(team.store, team.service, case.person_id, case.id)
    with clock.at(MONDAY + 2 * DAY):
        assert contacts.after_the_end(case, team.record(case, "spoke"))
        assert case.first_contact_at is None


# --- the check-ins count from the first contact ----------------------------------------------------------------------


def due(team: Team, case: Referral) -> dict[str, date]:
    rows = measures.of_referral(team.store, team.service.id, case.id)
    return {f"{one.occasion} {one.number}": one.due_at.astimezone(LONDON).date() for one in rows}


def test_check_ins_nobody_was_asked_about_are_dated_from_the_first_contact(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        planned = due(team, case)
        asked = next(
            one for one in measures.of_referral(team.store, team.service.id, case.id) if one.occasion == "baseline"
        )
        asked.asked_at = asked.last_asked_at = MONDAY
        team.record(case, "no-answer")
        assert due(team, case) == planned, "an attempt is no contact"
    with clock.at(MONDAY + 10 * DAY):
        contact = team.record(case, "spoke")
        moved = {name: day + (timedelta(0) if name == "baseline 1" else 10 * DAY) for name, day in planned.items()}
        assert due(team, case) == moved
        team.change(contact, happened_at=MONDAY + 8 * DAY)
        assert due(team, case)["review 1"] == planned["review 1"] + 8 * DAY
        team.change(contact, outcome="no-answer")
        assert due(team, case) == planned, "nobody was reached after all"


def test_the_first_check_in_stays_open_to_whoever_could_answer_it_already(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
    with clock.at(MONDAY + 3 * DAY):
        team.record(case, "spoke")
        baseline = measures.of_referral(team.store, team.service.id, case.id)[0]
        assert baseline.opens_at == MONDAY
        assert due(team, case)["baseline 1"] == date(2026, 3, 5)


def test_what_somebody_put_on_a_day_by_hand_stays_there(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        measures.add_review(team.store, team.amina.actor, case.id, date(2026, 4, 20))
        measures.plan_end(team.store, team.amina.actor, case.id, date(2026, 5, 4))
    with clock.at(MONDAY + 4 * DAY):
        team.record(case, "spoke")
    found = due(team, case)
    assert (found["review 3"], found["review 2"]) == (date(2026, 4, 20), date(2026, 5, 4))
    assert found["follow-up 1"] == date(2026, 3, 6) + timedelta(days=182)


def test_a_contact_written_down_months_late_ends_no_check_in(team: Team) -> None:
    with clock.at(MONDAY):
        new = a_referral(team.store, team.service)
    with clock.at(MONDAY + 90 * DAY):
        case = referrals.accept(team.store, team.service, team.amina.actor, new.id)
        planned = due(team, case)
        team.record(case, "spoke", happened_at=MONDAY + DAY)
        found = due(team, case)
        assert found["review 1"] == planned["review 1"], "it would have been over before it began"
        assert found["follow-up 1"] < planned["follow-up 1"]
        assert {one.status for one in team.store.scalars(select(CheckIn))} == {"ready"}


# --- two at once -----------------------------------------------------------------------------------------------------


def test_two_workers_at_once_are_both_kept_and_both_counted(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        staff_member(store, service, Role.MANAGER)
        workers = [staff_member(store, service).actor for _ in range(2)]
        case_id = referrals.accept(store, service, workers[0], a_referral(store, service).id).id
        service_id = service.id
    together = threading.Barrier(2)
    faults: list[BaseException] = []

    def ring(worker: Actor) -> None:
        try:
            with stores.writing() as store:
                together.wait(10)
                here = store.get_one(Service, service_id)
                for number in range(3):
                    contacts.record(store, here, worker, case_id, once=str(number), outcome="no-answer")
                store.commit()
        except BaseException as fault:  # told by the test
            faults.append(fault)

    threads = [threading.Thread(target=ring, args=(worker,)) for worker in workers]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert faults == []
    with stores.reading() as store:
        assert store.get_one(Referral, (service_id, case_id)).attempts == 6


# --- what the person reads -------------------------------------------------------------------------------------------


def test_the_person_reads_what_is_shared_and_never_the_notes(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, notes="For us.", shared_note="We talked about the garden.")
        team.record(case, notes="For us alone.")
    with clock.at(MONDAY + DAY):
        wrong = _note(team, case, "You start on Monday.", shared=True)
        _note(team, case, "Not for them.", shared=False)
    with clock.at(MONDAY + 2 * DAY):
        _note(team, case, "You start on Tuesday.", shared=True, corrects=wrong.id)
        other = team.case()
        team.record(other, shared_note="For somebody else.")
        _note(team, other, "Also for somebody else.", shared=True)
    shared = contacts.shared_with(team.store, team.service.id, case.person_id)
    assert [(one.at, one.by, one.words) for one in shared] == [
        (MONDAY + 2 * DAY, "Amina", "You start on Tuesday."),
        (MONDAY, "Amina", "We talked about the garden."),
    ]


def _note(team: Team, case: Referral, words: str, *, shared: bool, corrects: uuid.UUID | None = None) -> CaseNote:
    note = CaseNote(
        service_id=case.service_id,
        referral_id=case.id,
        person_id=case.person_id,
        words=words,
        shared=shared,
        written_by=team.amina.actor.staff_id,
        corrects=corrects,
    )
    team.store.add(note)
    team.store.flush()
    return note


# --- the pages -------------------------------------------------------------------------------------------------------


@pytest.fixture
def worker(client: InspectedClient, team: Team) -> Iterator[InspectedClient]:
    """Amina's browser."""
    sign_in(client, team.store, team.amina)
    yield client
    team.store.rollback()
    client.application.extensions["stores"].engine.dispose()


def page_of(case: Referral) -> str:
    return f"/staff/referrals/{case.id}"


def only_contact(team: Team) -> Contact:
    team.store.rollback()
    return team.store.scalars(select(Contact)).one()


WHOLE = {
    "outcome": "spoke",
    "mechanism": "telephone",
    "direction": "out",
    "time": "",
    "minutes": "",
    "notes": "",
    "shared_note": "",
    "next_step": "",
    "next_due": "",
}


def test_one_press_on_the_page_of_the_case_records_a_contact_and_leads_to_its_own_page(
    worker: InspectedClient, team: Team
) -> None:
    case = team.case()
    answer = press(worker, page_of(case), "/contacts", outcome="no-answer")
    contact = only_contact(team)
    assert (contact.outcome, contact.mechanism, contact.direction, contact.with_whom) == (
        "no-answer",
        "telephone",
        "out",
        ["person"],
    )
    assert contact.safe_followed
    assert answer.status_code == 303
    assert answer.location.startswith(f"{page_of(case)}/contacts/{contact.id}")
    said = words_of(worker.get(answer.location))
    assert "The contact is recorded." in said
    assert said.index("How to reach this person safely") < said.index("What came of it?")


def test_the_rule_of_safe_contact_stands_above_every_outcome_and_pressing_says_it_was_kept(
    worker: InspectedClient, team: Team
) -> None:
    case = team.case()
    for address in (page_of(case), f"{page_of(case)}/contacts/new"):
        page = Page(worker.get(address).get_data(as_text=True))
        said = "".join(page.all("body")[0].itertext())
        assert said.index("How to reach this person safely") < said.index("by pressing you say that you kept to the")
        values = [one.get("value") for one in page.all("button") if one.get("name") == "outcome"]
        assert values == list(codes_in(lists.ATTEMPT_OUTCOMES))
        for one in lists.ATTEMPT_OUTCOMES:
            assert one.definition in said, "the definition stands beside it"


def test_pressed_twice_it_is_one_contact(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    page = Page(worker.get(page_of(case)).get_data(as_text=True))
    form = next(one for one in page.all("form") if (one.get("action") or "").endswith("/contacts"))
    typed = {one.get("name", ""): one.get("value", "") for one in form.iter("input")} | {"outcome": "spoke"}
    first, second = (worker.post(f"{page_of(case)}/contacts", data=typed) for _ in range(2))
    assert first.location == second.location
    only_contact(team)


def test_everything_is_written_down_at_once(worker: InspectedClient, team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case(access_needs=["large-print"], spoken_language="ur", interpreter="spoken")
        team.store.commit()
    with clock.at(MONDAY + 10 * DAY):
        sign_in(worker, team.store, team.amina)
        typed = WHOLE | {"day": "4 3 2026", "time": "2.30pm", "minutes": "٢٠", "with_whom": ["person", "supporter"]}
        typed |= {"results": ["plan-made"], "location": "home", "interpreter": "yes", "access_met": "no"}
        typed |= {"next_step": "Ring Ola", "next_due": "13/3/26", "notes": "A\nB", "shared_note": "Well done."}
        token = _token(worker, f"{page_of(case)}/contacts/new")
        answer = worker.post(f"{page_of(case)}/contacts", data={**token, **typed})
        assert answer.status_code == 303, words_of(answer)
        said = words_of(worker.get(page_of(case)))
        shown = words_of(worker.get(answer.location))
    contact = only_contact(team)
    assert contact.happened_at == datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
    assert (contact.minutes, contact.with_whom, contact.results) == (20, ["person", "supporter"], ["plan-made"])
    assert (contact.location, contact.interpreter_used, contact.ais_met) == ("home", True, "no")
    assert (contact.next_step, contact.next_due) == ("Ring Ola", date(2026, 3, 13))
    assert (contact.notes, contact.shared_note) == ("A\nB", "Well done.")
    assert "Next step: Ring Ola" in said
    assert "Shared with the person: Well done." in said
    assert "Did an interpreter help?" in shown


def _token(client: InspectedClient, address: str) -> dict[str, str]:
    page = Page(client.get(address).get_data(as_text=True))
    return {"csrf_token": next(one.get("value", "") for one in page.all("input") if one.get("name") == "csrf_token")}


def test_an_interpreter_and_a_need_are_asked_about_only_where_there_is_one(worker: InspectedClient, team: Team) -> None:
    plain, wants, needs = team.case(), team.case(interpreter="no", spoken_language="pl"), team.case(access_needs="none")
    asked = {one.id: words_of(worker.get(f"{page_of(one)}/contacts/new")) for one in (plain, wants, needs)}
    assert [("Did an interpreter help?" in asked[one.id]) for one in (plain, wants, needs)] == [False, True, False]
    question = "Did they get what they need to understand and be understood?"
    assert not any(question in said for said in asked.values())
    team.store.add(
        AccessNeed(
            service_id=team.service.id,
            person_id=needs.person_id,
            category="format",
            need="braille",
            review_due=date(2030, 1, 1),
        )
    )
    assert question in words_of(worker.get(f"{page_of(needs)}/contacts/new"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"day": "31 2 2026"}, "Enter a date"),
        ({"day": "3 3 2026"}, "That moment has not come yet. Enter when it was"),
        ({"day": "1 3 2026"}, "That is before their form came in, on 2 March 2026. Enter a later day or time"),
        ({"time": "25:00"}, "Enter a time such as 14:30, or leave it blank"),
        ({"time": "half past"}, "Enter a time such as 14:30, or leave it blank"),
        ({"next_due": "1 3 2026"}, "That day is past. Enter today or a later day"),
        ({"next_due": "soon"}, "Enter a date"),
        ({"next_due": "1 3 2031"}, "That day is more than two years away."),
        ({"minutes": "a while"}, "Enter the whole minutes, from 1 to 720, or leave it blank"),
        ({"minutes": "100000"}, "Enter the whole minutes, from 1 to 720, or leave it blank"),
        ({"outcome": "won"}, "Choose what came of it"),
        ({"mechanism": "pigeon"}, "Choose how"),
        ({"direction": ""}, "Choose who got in touch"),
        ({"notes": "x" * 8001, "shared_note": "x" * 2001}, "characters or fewer"),
    ],
)
def test_a_bad_form_is_told_in_a_precise_sentence_and_everything_typed_stays(
    worker: InspectedClient, team: Team, typed: dict[str, str], sentence: str
) -> None:
    with clock.at(MONDAY):
        case = team.case()
        sign_in(worker, team.store, team.amina)
        sent = {**_token(worker, f"{page_of(case)}/contacts/new"), **WHOLE, "day": "2 3 2026", "next_step": "Ring Ola."}
        answer = worker.post(f"{page_of(case)}/contacts", data={**sent, **typed})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert sentence in words_of(answer), words_of(answer)
    assert 'value="Ring Ola."' in page
    chosen = ("outcome", "mechanism", "direction")
    assert all(value in page for name, value in typed.items() if name not in chosen)
    assert team.store.scalar(select(func.count()).select_from(Contact)) == 0


def test_what_is_typed_outlives_a_token_that_has_died(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    answer = worker.post(f"{page_of(case)}/contacts", data={**WHOLE, "day": "1 1 2020", "notes": "Long words."})
    assert answer.status_code == 422
    assert "Long words." in words_of(answer)
    assert "This page was open for a long time" in words_of(answer)


def test_a_contact_is_completed_later_and_its_second_is_kept(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    contact = team.record(case, "spoke")
    was, address = contact.happened_at, f"{page_of(case)}/contacts/{contact.id}"
    team.store.commit()
    page = Page(worker.get(address).get_data(as_text=True))
    held = {one.get("name", ""): one.get("value", "") for one in page.all("input") if one.get("type") == "text"}
    typed = WHOLE | {"day": held["day"], "time": held["time"], "notes": "Added.", "with_whom": "person"}
    answer = press(worker, address, str(contact.id), **typed)
    assert answer.status_code == 303, words_of(answer)
    assert "What you changed is kept." in words_of(worker.get(answer.location))
    contact = only_contact(team)
    assert (contact.notes, contact.happened_at) == ("Added.", was)


def test_a_colleague_reads_a_contact_and_cannot_change_it(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    contact = contacts.record(
        team.store, team.service, team.ben.actor, case.id, once="x", outcome="spoke", notes="Ben's own words."
    )
    address = f"{page_of(case)}/contacts/{contact.id}"
    said = words_of(worker.get(address))
    assert "Ben's own words." in said
    assert "Ben recorded this. Only they can change it." in said
    token = _token(worker, f"{page_of(case)}/contacts/new")
    assert worker.post(address, data={**token, **WHOLE, "day": "1 1 2026"}).status_code in (403, 422)
    sent = {**token, **WHOLE, "day": f"{clock.today():%d %m %Y}", "version": "1", "notes": "Other words."}
    assert worker.post(address, data=sent).status_code == 403
    assert only_contact(team).notes == "Ben's own words."


def test_two_windows_of_one_worker_lose_no_words(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    contact = team.record(case, "spoke", notes="First.")
    address, version = f"{page_of(case)}/contacts/{contact.id}", contact.version
    team.change(contact, notes="From the other window.")
    typed = WHOLE | {"day": f"{clock.today():%d %m %Y}", "version": str(version), "notes": "From this window."}
    answer = worker.post(address, data={**_token(worker, address), **typed, "with_whom": "person"})
    assert answer.status_code == 409
    said = words_of(answer)
    assert "This contact was changed while you were writing." in said
    assert "From the other window." in said
    assert "From this window." in said
    page = Page(answer.get_data(as_text=True))
    now_there = next(one.get("value", "") for one in page.all("input") if one.get("name") == "version")
    again = worker.post(address, data={**_token(worker, address), **typed, "version": now_there, "with_whom": "person"})
    assert again.status_code == 303
    assert only_contact(team).notes == "From this window."


def test_a_form_sent_after_the_case_was_closed_is_kept_and_the_page_says_so(
    worker: InspectedClient, team: Team
) -> None:
    case = team.case()
    token = _token(worker, f"{page_of(case)}/contacts/new")
    closed(team, case, clock.now())
    typed = WHOLE | {"day": f"{clock.today():%d %m %Y}", "notes": "She rang back.", "with_whom": "person"}
    answer = worker.post(f"{page_of(case)}/contacts", data={**token, **typed})
    assert answer.status_code == 303
    said = words_of(worker.get(answer.location))
    assert "The contact is recorded." in said
    assert "This case ended on" in said
    assert "stands after the end" in said
    assert "She rang back." in said
    on_case = words_of(worker.get(page_of(case)))
    assert "After the end" in on_case
    assert "Press what came of it" not in on_case, "nothing to press on a closed case"


def test_a_contact_of_a_referral_that_nobody_has_taken_stays_on_the_page(worker: InspectedClient, team: Team) -> None:
    new, case = a_referral(team.store, team.service), team.case()
    token = _token(worker, f"{page_of(case)}/contacts/new")
    assert worker.get(f"{page_of(new)}/contacts/new").location == page_of(new)
    typed = {**token, **WHOLE, "day": f"{clock.today():%d %m %Y}", "notes": "I rang."}
    answer = worker.post(f"{page_of(new)}/contacts", data=typed)
    assert answer.status_code == 409
    assert "Accept it first" in words_of(answer)
    assert "I rang." in words_of(answer)


def test_a_contact_of_another_case_is_not_there(worker: InspectedClient, team: Team) -> None:
    case, other = team.case(), team.case()
    contact = team.record(case)
    assert worker.get(f"{page_of(other)}/contacts/{contact.id}").status_code == 404
    assert worker.get(f"{page_of(case)}/contacts/{uuid.uuid4()}").status_code == 404


def test_a_case_shows_the_latest_contacts_and_all_of_them_have_a_page(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    for number in range(8):
        team.record(case, "no-answer", notes=f"Attempt {number}.")
    said = words_of(worker.get(page_of(case))).split("Record a contact of another day")[0]
    assert [number for number in range(8) if f"Attempt {number}." in said] == [5, 6, 7]
    assert "See all 8 contacts" in said
    for number in range(8, 23):
        team.record(case, "no-answer", notes=f"Attempt {number}.")
    first = worker.get(f"{page_of(case)}/contacts")
    older = first.get_data(as_text=True).split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    pages = [words_of(first), words_of(worker.get(older))]
    assert [[number for number in range(23) if f"Attempt {number}." in page] for page in pages] == [
        list(range(3, 23)),
        [0, 1, 2],
    ]
    assert "First page" in pages[1]
    nonsense = words_of(worker.get(f"{page_of(case)}/contacts?after=%00"))
    assert "Attempt 22." in nonsense


def test_a_case_says_where_it_stands_and_how_often_they_were_tried(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    for _ in range(8):
        team.record(case, "no-answer")
    assert "8 attempts in vain since they were last reached." in words_of(worker.get(page_of(case)))
    assert "Decide with your team how to go on." in words_of(worker.get(page_of(case)))


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("14:30", "14:30"),
        (" 14.30 ", "14:30"),
        ("1430", "14:30"),
        ("9", "09:00"),
        ("2pm", "14:00"),
        ("12am", "00:00"),
        ("12.15 PM", "12:15"),
        ("١٤:٣٠", "14:30"),
        ("13pm", None),
        ("24:00", None),
        ("9:5", None),
        ("now", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_people_type_it(typed: str, read: str | None) -> None:
    found = read_time(typed)
    assert (f"{found:%H:%M}" if found else None) == read


# --- the person's own page -------------------------------------------------------------------------------------------


def test_their_own_page_shows_what_was_shared_with_them_by_name_and_day(app: Flask, team: Team) -> None:
    with clock.at(MONDAY):
        known = somebody(team.store, team.service, team.amina.actor)
        case = referrals.accept(team.store, team.service, team.amina.actor, known.referral.id)
        key = codes.new_key()
        reads(team.store, team.service, case, known.number, key=key)
        browser = _browser(app, team.store, key)
        assert "Notes shared with you" not in browser.open("/my").words
        team.record(case, notes="For us alone.", shared_note="You said that the garden helps.")
        said = browser.open("/my").words
    assert "Notes shared with you On 2 March 2026 Amina wrote: You said that the garden helps." in said
    assert "For us alone." not in said
