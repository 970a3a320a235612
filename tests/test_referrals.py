"""Referrals: kept, taken in once, read, decided on; and what the clock does with them."""

import threading
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import access, alerts, audit, clock, codes, drafts, notifications, people, referrals, services, tasks
from portal.access import Role
from portal.caseload import contacts
from portal.i18n import LONDON
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import AlreadyDecided, Promise
from portal.services import ServiceSettings
from portal.store import (
    Draft,
    Message,
    Referral,
    ReferralChange,
    ReferralNeed,
    Service,
    ServiceUser,
    Stores,
    TurnedAway,
)
from tests.world import Member, a_draft, a_referral, a_service, staff_member

EARLIER = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def manager(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.MANAGER)


def page(store: Session, service: Service, draft: Draft, slug: str, **typed: object) -> referrals.Kept:
    step = SELF_REFERRAL.step(slug)
    assert step
    return referrals.keep(store, service, draft, step, typed, draft.language)


def count(store: Session, table: Any) -> int:
    return store.scalar(select(func.count()).select_from(table)) or 0


def contact(store: Session, service: Service, who: Member, referral: Referral, outcome: str) -> None:
    contacts.record(
        store, service, who.actor, referral.id, once=str(uuid.uuid4()), outcome=outcome, mechanism="telephone"
    )


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_what_could_not_be_read_is_kept_as_typed_and_harms_no_answer(
    store: Session, service: Service, manager: Member
) -> None:
    draft = a_draft(store, service, until="phone")
    before = draft.answers["phone"]
    kept = page(store, service, draft, "phone", phone=["07 nonsense"], voicemail_safe=["yes"])
    assert set(kept.problems) == {"phone"}
    assert draft.answers["phone"] == before
    assert draft.answers["voicemail_safe"] == "yes"
    assert draft.typed["phone"] == {"phone": ["07 nonsense"], "voicemail_safe": ["yes"]}
    page(store, service, draft, "phone", phone=["07700 900456"])
    assert draft.typed == {}


def test_a_changed_mind_leaves_no_ghosts(store: Session, service: Service, manager: Member) -> None:
    draft = a_draft(store, service, until="email", safe_ways=["call", "email"])
    assert "phone" in draft.answers
    page(store, service, draft, "safe-contact", safe_ways=["email"])
    assert "phone" not in draft.answers
    assert "zofia@inbox.example" in draft.answers.values()


def test_somebody_who_does_not_know_leaves_nothing_behind(store: Session, service: Service, manager: Member) -> None:
    draft = a_draft(store, service, until="where-you-live")
    with pytest.raises(referrals.KeepsNothing):
        page(store, service, draft, "who-for", referring_for="someone-who-does-not-know")
    assert count(store, Draft) == 0


def test_people_outside_the_rules_are_counted_once_and_never_stopped(store: Session) -> None:
    service = a_service(store, outcodes=["PE27"], minimum_age=18)
    staff_member(store, service, Role.MANAGER)
    draft = a_draft(store, service, until="where-you-live")
    page(store, service, draft, "where-you-live", postcode="AB10 1AB", date_of_birth="1965")
    for year in ("2015", "1965"):
        page(store, service, draft, "where-you-live", postcode="AB10 1AB", date_of_birth=year)
    a_referral(store, service)
    store.expire_all()
    assert {row.reason: row.count for row in store.scalars(select(TurnedAway))} == {"area": 2, "age": 1}
    assert count(store, Referral) == 1


def test_an_urgent_answer_raises_its_alert_when_it_is_saved(store: Session, service: Service, manager: Member) -> None:
    draft = a_draft(store, service, until="urgent", urgency="not-safe")
    waiting = alerts.waiting(store, manager.actor)
    assert [(alert.answer, alert.form_id, alert.referral_id) for alert in waiting] == [("not-safe", draft.id, None)]
    assert page(store, service, draft, "urgent", urgency="not-safe").alerted
    page(store, service, draft, "urgent", urgency="no")
    assert [alert.answer for alert in alerts.waiting(store, manager.actor)] == ["not-safe"]
    said = [event.answer for event in alerts.events_of(store, manager.actor, waiting[0].id)]
    assert said == ["not-safe", "no"]


# --- sending ---------------------------------------------------------------------------------------------------------


def test_sending_makes_everything_in_one_go(store: Session, service: Service, manager: Member) -> None:
    referral = a_referral(store, service, needs=["money", "loneliness"], urgency="being-hurt", safe_ways=["email"])
    assert referral.status == "submitted"
    assert referral.referrer_type == "self"
    assert [need.need for need in store.scalars(select(ReferralNeed).order_by(ReferralNeed.id))] == [
        "loneliness",
        "money",
    ], "in the order of the list, whatever the order of the ticks"
    alert = alerts.of_referral(store, manager.actor, referral.id)[0]
    assert alert.person_id == referral.person_id
    assert [message.template for message in notifications.told(store, manager.actor, referral.person_id)] == [
        "referral-received"
    ]
    assert count(store, Draft) == 0
    assert [event.act for event in audit.history_of(store, service.id, referral.id)] == ["submitted a referral"]


def test_a_form_with_a_gap_is_not_sent(store: Session, service: Service, manager: Member) -> None:
    draft = a_draft(store, service, until="phone")
    with pytest.raises(referrals.Incomplete) as gap:
        referrals.submit(store, service, draft, codes.new_key())
    assert gap.value.slug == "language-and-access"
    assert count(store, ServiceUser) == 0


def test_who_filled_it_in_is_kept_by_their_role(store: Session, service: Service, manager: Member) -> None:
    for who, role in (("me-with-help", "vcse"), ("someone-who-agrees", "vcse"), ("me", "self")):
        assert a_referral(store, service, referring_for=who).referrer_type == role


def test_the_browser_that_sent_it_sees_it_for_a_day_and_the_card_always_opens_it(
    store: Session, service: Service, manager: Member
) -> None:
    key = codes.new_key()
    draft = referrals.begin(store, service, "en", key)
    typed = {**a_draft(store, service, until="").answers}
    drafts.keep(store, service, draft, typed)
    number = drafts.card(store, draft, key).number
    referral = referrals.submit(store, service, draft, key)
    assert referrals.sent_by(store, service.id, key) is referral
    assert referrals.sent_by(store, service.id, codes.new_key()) is None
    assert referrals.sent_by(store, service.id, None) is None
    with clock.later(timedelta(hours=25)):
        assert referrals.sent_by(store, service.id, key) is None
        assert referrals.sent_with(store, service.id, referral.reference, number) is referral
    assert referrals.sent_with(store, service.id, referral.reference, codes.return_number_from(codes.new_key())) is None
    elsewhere = a_service(store, "elsewhere")
    assert referrals.sent_with(store, elsewhere.id, referral.reference, number) is None


def test_three_sends_at_once_are_one_referral(stores: Stores) -> None:
    key = codes.new_key()
    with stores.writing.begin() as store:
        service = a_service(store)
        staff_member(store, service, Role.MANAGER)
        draft = referrals.begin(store, service, "en", key)
        drafts.keep(store, service, draft, a_draft(store, service, until="").answers)
        service_id = service.id
    sent: list[uuid.UUID] = []
    start = threading.Barrier(3)

    def send() -> None:
        start.wait()
        with stores.writing.begin() as store:
            here = store.get_one(Service, service_id)
            found = drafts.find(store, service_id, SELF_REFERRAL.code, key, lock=True)
            if found:
                referrals.submit(store, here, found, key)
        with stores.reading() as store:
            referral = referrals.sent_by(store, service_id, key)
            assert referral
            sent.append(referral.id)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 3
    assert len(set(sent)) == 1
    with stores.reading() as store:
        assert count(store, Referral) == 1
        assert count(store, ServiceUser) == 1
        assert count(store, Message) == 1


# --- the inbox and the promise ---------------------------------------------------------------------------------------


def london(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=LONDON)  # the 1st is a Sunday


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (london(6), Promise(5, 0, late=False)),  # a Friday: five working days until the next
        (london(8), Promise(5, 0, late=False)),
        (london(9), Promise(4, 0, late=False)),
        (london(12), Promise(1, 0, late=False)),
        (london(13), Promise(0, 0, late=False)),
        (london(13, 18), Promise(0, 0, late=True)),
        (london(14), Promise(0, 1, late=True)),
        (london(16), Promise(0, 3, late=True)),
    ],
)
def test_a_promise_is_counted_in_working_days_before_and_in_days_after(moment: datetime, expected: Promise) -> None:
    settings = ServiceSettings()
    due = services.promise_due(settings, london(6))
    assert due.astimezone(LONDON) == london(13, 17)
    with clock.at(moment.astimezone(UTC)):
        assert referrals.promise_of(settings, due) == expected


@given(start=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)), days=st.integers(1, 30))
def test_a_fresh_promise_has_as_many_working_days_left_as_were_promised(start: datetime, days: int) -> None:
    settings = services.read_settings({"promise_working_days": days})
    with clock.at(start):
        assert referrals.promise_of(settings, services.promise_due(settings, start)) == Promise(days, 0, late=False)


def test_the_inbox_pages_by_key_with_alerts_first(store: Session, service: Service, manager: Member) -> None:
    with clock.at(datetime(2026, 11, 3, 12, tzinfo=UTC)):
        for number in range(9):
            with clock.later(timedelta(days=number // 3)):
                a_referral(store, service, urgency="not-safe" if number % 4 == 0 else "")
        everything = [line.referral.id for line in referrals.inbox(store, manager.actor)]
        assert len(set(everything)) == 9
        lines = referrals.inbox(store, manager.actor)
        assert [line.unopened_alert for line in lines] == [True] * 3 + [False] * 6
        for part in (lines[:3], lines[3:]):
            due = [(line.referral.due_at, line.referral.id) for line in part]
            assert due == sorted(due)
        for most in (1, 2, 4):
            paged: list[uuid.UUID] = []
            while more := referrals.inbox(store, manager.actor, paged[-1] if paged else None, most):
                paged += [line.referral.id for line in more]
            assert paged == everything
        assert referrals.waiting_count(store, manager.actor) == 9


def test_only_those_who_care_for_people_read_the_inbox(store: Session, service: Service, manager: Member) -> None:
    for role in (Role.ADMINISTRATOR, Role.ANALYST):
        actor = staff_member(store, service, role).actor
        referral = a_referral(store, service)
        for act in (
            partial(referrals.inbox, store, actor),
            partial(referrals.mine, store, actor),
            partial(referrals.colleagues, store, actor),
            partial(referrals.read, store, actor, referral.id),
            partial(referrals.accept, store, service, actor, referral.id),
            partial(referrals.read_alert, store, actor, referral.id),
        ):
            with pytest.raises(access.Refused):
                act()


# --- deciding --------------------------------------------------------------------------------------------------------


def test_accepting_gives_it_an_owner_and_tells_the_person(store: Session, service: Service, manager: Member) -> None:
    worker = staff_member(store, service)
    referral = a_referral(store, service, safe_ways=["email"])
    email = people.ways_of(store, service.id, referral.person_id)[0]
    people.confirm_way(store, manager.actor, email.id)
    referrals.accept(store, service, worker.actor, referral.id)
    assert (referral.status, referral.assigned_to) == ("accepted", worker.actor.staff_id)
    assert [line.referral.id for line in referrals.mine(store, worker.actor)] == [referral.id]
    assert referrals.inbox(store, worker.actor) == []
    newest = notifications.told(store, manager.actor, referral.person_id)[0]
    assert (newest.template, newest.state, newest.address) == ("referral-accepted", "waiting", "zofia@inbox.example")


def test_a_decision_is_made_once(store: Session, service: Service, manager: Member) -> None:
    worker = staff_member(store, service)
    referral = a_referral(store, service, share_onward="yes")
    with pytest.raises(AlreadyDecided):
        referrals.give_to(store, manager.actor, referral.id, worker.actor.staff_id)
    referrals.accept(store, service, worker.actor, referral.id)
    given = (store, service, manager.actor, referral.id)
    for decide in (
        partial(referrals.accept, *given),
        partial(referrals.decline, *given, reason="other", text="", word="No"),
        partial(referrals.pass_on, *given, to="a", reason="b", word="c"),
    ):
        with pytest.raises(AlreadyDecided) as late:
            decide()
        assert late.value.referral.decided_by == worker.actor.staff_id
    changes = store.scalars(select(ReferralChange).order_by(ReferralChange.created_at))
    assert [one.became for one in changes] == ["submitted", "accepted"]


def test_two_who_accept_at_once_are_one_who_has_it(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        workers = [staff_member(store, service, Role.MANAGER).actor for _ in range(2)]
        service_id, referral_id = service.id, a_referral(store, service).id
    start = threading.Barrier(2)
    told: list[str] = []

    def accept(actor: access.Actor) -> None:
        start.wait()
        try:
            with stores.writing.begin() as store:
                referrals.accept(store, store.get_one(Service, service_id), actor, referral_id)
            told.append("mine")
        except AlreadyDecided:
            told.append("too late")

    threads = [threading.Thread(target=accept, args=(actor,)) for actor in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["mine", "too late"]


@pytest.mark.sweep
@pytest.mark.parametrize("reason", [reason.code for reason in services.REASONS])
def test_each_reason_leads_to_its_status_and_tells_only_who_needs_to_know(
    store: Session, service: Service, manager: Member, reason: str
) -> None:
    referral = a_referral(store, service)
    known = ServiceSettings().reason(reason)
    assert known
    needs_word = referrals.tells_the_person(known)
    assert needs_word == (reason not in ("died", "duplicate"))

    def decline(word: str) -> Referral:
        return referrals.decline(store, service, manager.actor, referral.id, reason=reason, text=" Note ", word=word)

    if needs_word:
        with pytest.raises(referrals.NeedsWords, match="word"):
            decline(" ")
    decline(" Kind words " if needs_word else "")
    assert referral.status == known.status
    assert referral.reason_text == "Note"
    assert referral.word_to_person == ("Kind words" if needs_word else None)
    told = [message.template for message in notifications.told(store, manager.actor, referral.person_id)]
    assert ("referral-decided" in told) == needs_word
    assert all("Kind words" not in str(m.details) for m in notifications.told(store, manager.actor, referral.person_id))


def test_an_unknown_reason_declines_nobody(store: Session, service: Service, manager: Member) -> None:
    referral = a_referral(store, service)
    with pytest.raises(referrals.NeedsWords, match="reason"):
        referrals.decline(store, service, manager.actor, referral.id, reason="\x00", text="", word="No")
    assert referral.status == "submitted"


def test_nothing_is_passed_on_without_the_persons_yes(store: Session, service: Service, manager: Member) -> None:
    for answer, allowed in (("yes", True), ("no", False), ("", False)):
        referral = a_referral(store, service, share_onward=answer)
        if allowed:
            referrals.pass_on(store, service, manager.actor, referral.id, to=" The garden ", reason="Plants", word="Go")
            assert (referral.status, referral.passed_to) == ("passed-on", "The garden")
        else:
            with pytest.raises(referrals.NotAllowed):
                referrals.pass_on(store, service, manager.actor, referral.id, to="a", reason="b", word="c")
            assert referral.status == "submitted"
        for name in ("to", "reason", "word"):
            words = {"to": "a", "reason": "b", "word": "c", name: " "}
            with pytest.raises(referrals.NeedsWords, match=name):
                referrals.pass_on(store, service, manager.actor, referral.id, **words)


def test_it_is_given_only_to_a_colleague_who_reads_referrals(store: Session, service: Service, manager: Member) -> None:
    worker, analyst = staff_member(store, service, name="Amina"), staff_member(store, service, Role.ANALYST)
    elsewhere = a_service(store, "elsewhere")
    stranger = staff_member(store, elsewhere)
    referral = a_referral(store, service)
    assert set(referrals.colleagues(store, worker.actor)) == {
        manager.actor.staff_id,
        worker.actor.staff_id,
    }
    for nobody in (analyst.actor.staff_id, stranger.actor.staff_id, codes.new_id()):
        with pytest.raises(referrals.NotThere):
            referrals.accept(store, service, manager.actor, referral.id, nobody)
        assert referral.status == "submitted"
    referrals.accept(store, service, manager.actor, referral.id, worker.actor.staff_id)
    for _ in range(2):
        referrals.give_to(store, worker.actor, referral.id, manager.actor.staff_id)
    acts = [one for one in audit.history_of(store, service.id, referral.id) if one.act == referrals.GAVE]
    both = (manager.actor.staff_id, worker.actor.staff_id)
    assert [(one.actor_id, one.details["to"]) for one in acts] == [(both[0], str(both[1])), (both[1], str(both[0]))]


def test_another_services_records_are_not_there(store: Session, service: Service, manager: Member) -> None:
    elsewhere = a_service(store, "elsewhere")
    boss = staff_member(store, elsewhere, Role.MANAGER)
    theirs = a_referral(store, elsewhere, urgency="not-safe")
    alert = alerts.waiting(store, boss.actor)[0]
    for look in (
        lambda: referrals.read(store, manager.actor, theirs.id),
        lambda: referrals.accept(store, service, manager.actor, theirs.id),
        lambda: referrals.merge(store, manager.actor, theirs.id, theirs.person_id),
        lambda: referrals.read_alert(store, manager.actor, alert.id),
        lambda: referrals.read_task(store, manager.actor, alert.id),
    ):
        with pytest.raises(referrals.Gone):
            look()
    assert referrals.of_person(store, manager.actor, theirs.person_id) == []
    assert referrals.draft_of_alert(store, manager.actor, alert) is None
    assert referrals.inbox(store, manager.actor, after=theirs.id) == []


# --- what the clock does ---------------------------------------------------------------------------------------------


def test_a_broken_promise_becomes_a_managers_task_once_and_closes_nothing(
    store: Session, service: Service, manager: Member
) -> None:
    referral = a_referral(store, service)
    assert referrals.report_broken_promises(store, service) == 0
    with clock.later(referral.due_at - clock.now() + timedelta(minutes=1)):
        assert referrals.report_broken_promises(store, service) == 1
        assert referrals.report_broken_promises(store, service) == 0
        broken = [task for task in tasks.open_tasks(store, manager.actor) if task.kind == "promise-broken"]
        assert [(task.assigned_to, task.referral_id) for task in broken] == [(manager.actor.staff_id, referral.id)]
    with clock.later(timedelta(days=400)):
        referrals.report_broken_promises(store, service)
        assert referral.status == "submitted"


def test_who_asked_for_it_is_contacted_when_they_do_not_finish(
    store: Session, service: Service, manager: Member
) -> None:
    asked, silent = a_draft(store, service, until="phone"), a_draft(store, service, until="phone")
    asked.contact_if_unfinished = True
    assert referrals.ask_about_unfinished(store, service) == 0
    with clock.later(timedelta(hours=25)):
        assert referrals.ask_about_unfinished(store, service) == 1
        assert referrals.ask_about_unfinished(store, service) == 0
        task = tasks.open_tasks(store, manager.actor)[0]
        assert task.draft_id == asked.id != silent.id
        unsent = referrals.draft_of_task(store, manager.actor, task)
        assert unsent
        assert unsent.answers["phone"] == "+447700900123"
        assert referrals.of_draft(store, manager.actor, task.draft_id) is None


def test_the_waiting_time_is_said_only_when_enough_people_were_reached(
    store: Session, service: Service, manager: Member
) -> None:
    for number in range(10):
        with clock.at(EARLIER):
            referral = a_referral(store, service)
            referrals.accept(store, service, manager.actor, referral.id)
            contact(store, service, manager, referral, "no-answer")
            assert referrals.median_days_to_first_contact(store, service) is None
        with clock.at(EARLIER + timedelta(days=number)):
            contact(store, service, manager, referral, "spoke")
    with clock.at(EARLIER + timedelta(days=10)):
        assert referrals.median_days_to_first_contact(store, service) == 5
    with clock.at(EARLIER + timedelta(days=100)):
        assert referrals.median_days_to_first_contact(store, service) is None


def test_whoever_waited_longest_counts_for_the_waiting_time(store: Session, service: Service, manager: Member) -> None:
    with clock.at(EARLIER):
        slow, never = (a_referral(store, service) for _ in range(2))
        for referral in (slow, never):
            referrals.accept(store, service, manager.actor, referral.id)
    with clock.at(EARLIER + timedelta(days=200)):
        contact(store, service, manager, slow, "spoke")
        contact(store, service, manager, never, "no-answer")
        assert referrals.median_days_to_first_contact(store, service, least=1) == 200
        assert referrals.median_days_to_first_contact(store, service, least=2) is None
