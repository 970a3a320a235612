"""The end of a case, the pause and the way back: in the room, on both databases, and on the pages."""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import alerts, audit, clock, measures, people, referrals, tasks
from portal.access import Actor, Refused, Role
from portal.caseload import closing, contacts, lists, notes, risks
from portal.caseload.closing import NeedsWords, NotClosed, NotOpen, TooFewAttempts, TooLate
from portal.clock import now, today
from portal.store import CheckIn, Closure, Letter, Message, Referral, ReferralChange, Service, Stores, Task
from tests.inspector import InspectedClient
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

ENDING = {"reason": "goals-met", "outcome_loneliness": "resolved", "summary": "All well.", "no_action": "y"}
ENDING |= {"person_summary": "Thank you."}
NOTHING_ASKED = {"no_action": True, "summary": "They found a walking group.", "person_summary": "Thank you."}


@dataclass
class Here:
    """A service with two workers and a manager, and one case that Amina has."""

    store: Session
    service: Service
    amina: Member
    ben: Member
    manager: Member

    def case(self, *, spoke: bool = True, **answers: Any) -> Referral:
        """A case that Amina took; she has spoken with the person, and said that she knows of no risks."""
        referral = a_referral(
            self.store, self.service, **{"email": "z@inbox.example", "safe_ways": ["email"], **answers}
        )
        people.confirm_way(
            self.store, self.amina.actor, people.ways_of(self.store, self.service.id, referral.person_id)[0].id
        )
        referrals.accept(self.store, self.service, self.amina.actor, referral.id)
        if spoke:
            self.tried(referral, "spoke")
            risks.none_known(self.store, self.amina.actor, referral.id)
        return referral

    def tried(self, referral: Referral, outcome: str = "no-answer") -> None:
        contacts.record(
            self.store, self.service, self.amina.actor, referral.id, once=str(uuid.uuid4()), outcome=outcome
        )

    def close(self, referral: Referral, actor: Actor | None = None, **said: Any) -> Closure:
        given: dict[str, Any] = {"reason": "goals-met", "outcomes": self.resolved(referral), **NOTHING_ASKED, **said}
        return closing.close(self.store, self.service, actor or self.amina.actor, referral.id, **given)

    def resolved(self, referral: Referral, outcome: str = "resolved") -> Mapping[str, str]:
        return dict.fromkeys(referrals.needs_of(self.store, referral), outcome)

    def reopen(self, referral: Referral, because: str = "They rang.") -> Referral:
        return closing.reopen(self.store, self.service, self.amina.actor, referral.id, because=because)

    def written(self, template: str) -> list[Message]:
        return list(self.store.scalars(select(Message).where(Message.template == template)))


@pytest.fixture
def here(store: Session) -> Here:
    service = a_service(store, contact_attempts=2)
    manager = staff_member(store, service, Role.MANAGER, name="Moss")
    return Here(
        store, service, staff_member(store, service, name="Amina"), staff_member(store, service, name="Ben"), manager
    )


# Closing -------------------------------------------------------------------------------------------------------------


def test_an_end_keeps_what_was_said_and_when_somebody_decides_about_keeping_it(here: Here) -> None:
    referral = here.case()
    follow_up = today() + timedelta(days=90)
    closure = here.close(referral, actions_person="Go on walking.", follow_up_due=follow_up)
    assert (referral.status, referral.reason) == ("closed", "goals-met")
    assert referral.closed_at
    assert closure.outcomes == {"loneliness": "resolved"}
    assert (closure.person_summary, closure.actions_person) == ("Thank you.", "Go on walking.")
    assert (closure.closed_by, closure.follow_up_due, closure.no_action) == (here.amina.actor.staff_id, follow_up, True)
    due = closure.retention_review_due
    assert due
    assert (due.year - today().year, closure.reopen_until) == (8, today() + closing.REOPEN_FOR)
    change = referrals.last_change(here.store, referral)
    assert change
    assert (change.became, change.reason, change.changed_by) == ("closed", "goals-met", here.amina.actor.staff_id)
    assert "closed a case" in [one.act for one in audit.history_of(here.store, here.service.id, referral.id)]


@pytest.mark.parametrize(("reason", "years"), [("not-eligible", 2), ("person-chose-to-stop", 2), ("moved-away", 8)])
def test_who_withdrew_or_was_never_eligible_is_kept_two_years(here: Here, reason: str, years: int) -> None:
    closure = here.close(here.case(), reason=reason)
    assert closure.retention_review_due
    assert closure.retention_review_due.year - today().year == years


def test_a_service_may_keep_a_case_for_fewer_years_and_a_leap_day_has_a_day_after(here: Here) -> None:
    here.service.settings = {**here.service.settings, "retention_years": 1}
    with clock.at(clock.now().replace(year=2028, month=2, day=29)):
        assert closing.review_due(here.service, "not-eligible") == date(2029, 3, 1)
        assert closing.review_due(here.service, "goals-met") == date(2029, 3, 1)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({"reason": "tired"}, "reason"),
        ({"reason": "other"}, "reason_text"),
        ({"reason_text": "x" * 501}, "reason_text"),
        ({"summary": "  "}, "summary"),
        ({"person_summary": ""}, "person_summary"),
        ({"no_action": False}, "actions_professionals"),
        ({"actions_professionals": "Please look at the pills."}, "no_action"),
        ({"outcomes": {}}, "outcome:loneliness"),
        ({"outcomes": {"loneliness": "fine"}}, "outcome:loneliness"),
        ({"follow_up_due": date(2020, 1, 1)}, "follow_up_due"),
        ({"follow_up_due": date(2999, 1, 1)}, "follow_up_due"),
        ({"reason": "died", "follow_up_due": date(2026, 12, 1)}, "follow_up_due"),
    ],
)
def test_nothing_that_must_be_said_is_left_out(here: Here, said: dict[str, Any], missing: str) -> None:
    referral = here.case()
    with pytest.raises(NeedsWords) as problem:
        here.close(referral, **said)
    assert str(problem.value) == missing
    assert referral.is_open


def test_what_is_asked_of_professionals_stands_in_place_of_the_tick(here: Here) -> None:
    closure = here.close(here.case(), no_action=False, actions_professionals="Please review the pills.")
    assert (closure.actions_professionals, closure.no_action) == ("Please review the pills.", False)


def test_a_risk_or_that_none_is_known_is_said_before_the_end(here: Here) -> None:
    referral = here.case(spoke=False)
    with pytest.raises(NeedsWords, match="no_known_risks"):
        here.close(referral)
    here.close(referral, no_known_risks=True)
    assert risks.is_said(here.store, referral)


def test_we_could_not_reach_them_only_after_the_services_number_of_attempts(here: Here) -> None:
    referral = here.case(spoke=False)
    said: dict[str, Any] = {
        "reason": "could-not-contact",
        "no_known_risks": True,
        "outcomes": here.resolved(referral, "unknown"),
    }
    with pytest.raises(TooFewAttempts) as few:
        here.close(referral, **said)
    assert few.value.left == 2
    here.tried(referral)
    with pytest.raises(TooFewAttempts, match="1"):
        here.close(referral, **said)
    here.tried(referral)
    here.close(referral, **said)
    assert {one.why_not for one in measures.of_referral(here.store, here.service.id, referral.id)} == {"not-reached"}


def test_nobody_is_asked_any_more_and_the_last_check_in_says_that_they_did_not_want_it(here: Here) -> None:
    referral = here.case()
    around = closing.beside(here.store, here.service, here.amina.actor, referral)
    assert around.at_the_end
    assert (around.at_the_end.occasion, around.at_the_end.number) == ("review", 2)
    here.close(referral, check_in_declined=True)
    ended = {(one.occasion, one.number): one for one in measures.of_referral(here.store, here.service.id, referral.id)}
    assert {one.status for one in ended.values()} == {"cancelled"}
    assert ended.pop(("review", 2)).why_not == "declined"
    assert {one.why_not for one in ended.values()} == {"closed"}
    with clock.later(timedelta(days=100)):
        assert measures.remind(here.store, here.service) == 0
    assert here.written("check-in-due") == []


def test_the_person_is_told_and_no_message_says_what_it_was(here: Here) -> None:
    here.close(here.case())
    (message,) = here.written("case-closed")
    assert (message.state, message.channel, message.details) == ("waiting", "email", {})


@pytest.mark.parametrize("reason", ["died", "duplicate"])
def test_nobody_is_written_to_who_died_or_was_sent_twice(here: Here, reason: str) -> None:
    referral = here.case()
    closure = here.close(referral, reason=reason, person_summary="", actions_person="")
    assert here.written("case-closed") == []
    assert closure.person_summary is None
    if reason == "died":
        assert {one.state for one in here.store.scalars(select(Message))} == {"refused"}
        assert {one.template: one.refusal for one in here.written("referral-accepted")} == {
            "referral-accepted": "not-needed"
        }
        assert here.store.scalar(select(func.count()).select_from(Task).where(Task.done_at.is_(None))) == 0
        assert {one.why_not for one in here.store.scalars(select(CheckIn))} == {"died"}


def test_a_letter_waits_only_where_the_person_allows_it(here: Here) -> None:
    here.close(here.case(share_gp="no"))
    assert here.store.scalars(select(Letter)).all() == []
    here.close(here.case(share_gp="yes", first_name="Ada"))
    (letter,) = here.store.scalars(select(Letter))
    assert (letter.recipient, letter.occasion, letter.state) == ("gp", "closing", "waiting")


def test_what_stands_open_beside_a_case_goes_on(here: Here) -> None:
    referral = here.case(urgency="not-safe")
    task = tasks.add(here.store, here.service.id, "details-changed", once="x", due_at=now(), referral_id=referral.id)
    around = closing.beside(here.store, here.service, here.amina.actor, referral)
    assert [one.rule for one in around.alerts] == ["not-safe"]
    assert task in around.tasks
    here.close(referral)
    assert [one.closed_at for one in alerts.of_referral(here.store, here.amina.actor, referral.id)] == [None]
    assert task.done_at is None


def test_whoever_closes_second_is_shown_what_the_first_did(here: Here) -> None:
    referral = here.case()
    first = here.close(referral)
    with pytest.raises(NotOpen) as late:
        here.close(referral, here.ben.actor, reason="tired")
    assert (late.value.closure, late.value.referral) == (first, referral)
    assert closing.all_of(here.store, here.service.id, referral.id) == [first]


def test_two_who_close_at_the_same_moment_make_one_end(stores: Stores) -> None:
    with stores.writing() as store:
        store.expire_on_commit = False
        service = a_service(store)
        manager = staff_member(store, service, Role.MANAGER)
        amina = staff_member(store, service)
        here = Here(store, service, amina, amina, manager)
        referral = here.case()
        outcomes = here.resolved(referral)
        store.commit()
    ready, done = threading.Barrier(2), list[str]()

    def press_close(actor: Actor, words: str) -> None:
        ready.wait()
        with stores.writing.begin() as store:
            try:
                said: dict[str, Any] = {**NOTHING_ASKED, "summary": words}
                closing.close(store, service, actor, referral.id, reason="goals-met", outcomes=outcomes, **said)
                done.append("closed")
            except NotOpen as late:
                done.append((late.closure.summary if late.closure else None) or "nothing")

    both = [
        threading.Thread(target=press_close, args=(one.actor, words))
        for one, words in ((amina, "One."), (manager, "Two."))
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert "closed" in done
    with stores.reading() as store:
        (kept,) = store.scalars(select(Closure))
        assert sorted(done) == sorted(["closed", kept.summary or ""])


def test_a_case_of_another_service_cannot_be_ended_and_an_analyst_ends_none(here: Here) -> None:
    referral = here.case()
    elsewhere = staff_member(here.store, a_service(here.store, "there"), Role.MANAGER)
    with pytest.raises(referrals.Gone):
        here.close(referral, elsewhere.actor)
    analyst = staff_member(here.store, here.service, Role.ANALYST)
    with pytest.raises(Refused):
        here.close(referral, analyst.actor)


# Again ---------------------------------------------------------------------------------------------------------------


def test_a_step_agreed_before_the_end_is_not_the_next_one_of_a_case_opened_again(here: Here) -> None:
    referral = here.case()
    due = today() + timedelta(days=3)
    agreed: dict[str, Any] = {"outcome": "spoke", "next_step": "Ring the choir", "next_due": due}
    for number, goes_on in enumerate((True, False, True)):
        if goes_on:
            again = {**agreed, "once": f"contact {number}"}
            contacts.record(here.store, here.service, here.amina.actor, referral.id, **again)
            assert (referral.next_step, referral.next_due) == ("Ring the choir", due)
        else:
            here.close(referral)
            here.reopen(referral)
            assert (referral.next_step, referral.next_due) == (None, None)


def test_a_case_goes_on_where_it_ended_and_its_end_stays_in_the_record(here: Here) -> None:
    referral = here.case()
    referrals.set_status(here.store, here.amina.actor, referral, "active")
    closure = here.close(referral)
    here.reopen(referral)
    assert (referral.status, referral.closed_at, referral.assigned_to) == ("active", None, here.amina.actor.staff_id)
    assert (closure.reopened_because, closure.reopened_by) == ("They rang.", here.amina.actor.staff_id)
    assert (closure.retention_review_due, closure.summary) == (None, "They found a walking group.")
    assert len(here.written("case-reopened")) == 1
    with pytest.raises(NotClosed):
        here.reopen(referral)
    second = here.close(referral, summary="Again.")
    assert closing.all_of(here.store, here.service.id, referral.id) == [closure, second]
    assert len(here.written("case-closed")) == 2


def test_of_the_check_ins_only_a_follow_up_that_can_still_be_answered_comes_back(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    here.reopen(referral)
    back = [one for one in measures.of_referral(here.store, here.service.id, referral.id) if one.status == "ready"]
    assert [one.occasion for one in back] == ["follow-up"]
    here.close(referral)
    with clock.later(timedelta(days=150)):
        here.reopen(referral)
        assert back[0].status == "ready"
        here.close(referral)
    with clock.later(timedelta(days=300)):
        here.reopen(referral)
        assert back[0].status == "cancelled"


def test_too_late_is_too_late_and_a_reason_is_needed(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    with pytest.raises(NeedsWords, match="because"):
        here.reopen(referral, "  ")
    with clock.later(closing.REOPEN_FOR + timedelta(days=1)), pytest.raises(TooLate):
        here.reopen(referral)


def test_what_was_declined_by_mistake_is_taken_up_as_a_new_case(here: Here) -> None:
    referral = a_referral(here.store, here.service)
    referrals.decline(
        here.store, here.service, here.ben.actor, referral.id, reason="other", text="", word="We cannot help."
    )
    here.reopen(referral)
    assert (referral.status, referral.assigned_to) == ("accepted", here.amina.actor.staff_id)
    assert referral.word_to_person is None
    planned = measures.of_referral(here.store, here.service.id, referral.id)
    assert "review" in {one.occasion for one in planned if one.status == "ready"}


# A pause -------------------------------------------------------------------------------------------------------------


def test_a_pause_has_a_reason_and_a_day_and_nobody_is_asked_meanwhile(here: Here) -> None:
    referral = here.case()
    until = today() + timedelta(days=60)
    closing.hold(here.store, here.amina.actor, referral.id, reason="other", words="A long trip", until=until)
    change = referrals.last_change(here.store, referral)
    assert change
    assert (referral.status, referral.next_due) == ("on-hold", until)
    assert (change.reason, change.words, change.until) == ("other", "A long trip", until)
    with clock.later(timedelta(days=43)):
        measures.remind(here.store, here.service)
    assert here.written("check-in-due") == []
    closing.resume(here.store, here.service, here.amina.actor, referral.id)
    assert referral.status == change.was
    assert closing.resume(here.store, here.service, here.amina.actor, referral.id).status == change.was
    changes = here.store.scalar(select(func.count()).where(ReferralChange.referral_id == referral.id))
    assert changes == len({"submitted", "accepted", "on-hold", "resumed"}) + (change.was == "active")


@pytest.mark.parametrize(
    ("said", "missing"),
    [({"reason": "bored"}, "reason"), ({"reason": "other"}, "words"), ({"until": None}, "until")],
)
def test_a_pause_without_a_reason_or_a_day_is_none(here: Here, said: dict[str, Any], missing: str) -> None:
    referral = here.case()
    given: dict[str, Any] = {"reason": "unwell", "until": today(), **said}
    with pytest.raises(NeedsWords, match=missing):
        closing.hold(here.store, here.amina.actor, referral.id, **given)


def test_a_closed_case_neither_pauses_nor_goes_on(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    with pytest.raises(NotOpen):
        closing.hold(here.store, here.amina.actor, referral.id, reason="unwell", until=today())
    with pytest.raises(NotOpen):
        closing.resume(here.store, here.service, here.amina.actor, referral.id)


def test_asking_again_later_is_done_once(here: Here) -> None:
    referral = here.case()
    assert closing.followed_up(here.store, here.amina.actor, referral.id) is None
    here.close(referral, follow_up_due=today())
    closure = closing.followed_up(here.store, here.amina.actor, referral.id)
    assert closure
    first = closure.followed_up_at
    assert first
    closing.followed_up(here.store, here.amina.actor, referral.id)
    assert closure.followed_up_at == first
    acts = [one.act for one in audit.history_of(here.store, here.service.id, referral.id)]
    assert acts.count("followed up after the end") == 1


# On the pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def amina(client: InspectedClient, here: Here) -> InspectedClient:
    sign_in(client, here.store, here.amina)
    return client


def test_the_page_writes_down_what_is_known_and_closes_with_it(amina: InspectedClient, here: Here) -> None:
    referral = here.case(urgency="not-safe")
    address = f"/staff/referrals/{referral.id}"
    said = words_of(amina.get(f"{address}/close"))
    for known in ("They asked for help with: Feeling lonely or cut off.", "We were in contact once", "No known risks."):
        assert known in said
    assert "An alert is open" in said
    assert "One check-in waits for the end" in said
    empty = press(amina, f"{address}/close", "/close", summary="My long words")
    assert empty.status_code == 422
    assert "Choose why the case ends" in words_of(empty)
    assert "My long words" in words_of(empty)
    told = {"reason": "goals-met", "outcome_loneliness": "resolved", "follow_up": ""} | NOTHING_ASKED
    wrong = press(amina, f"{address}/close", "/close", **told, actions_professionals="Please ring.")
    assert "take out the tick" in words_of(wrong)
    assert press(amina, f"{address}/close", "/close", **told).status_code == 303
    case = words_of(amina.get(address))
    assert "Nothing is asked of them." in case
    assert "Feeling lonely or cut off: Resolved" in case
    assert press(amina, f"{address}/reopen", "/reopen", because="They rang.").status_code == 303
    assert "Opened again by Amina" in words_of(amina.get(address))


def test_what_professionals_read_is_proposed_in_english_whatever_the_worker_reads(
    amina: InspectedClient, here: Here
) -> None:
    page = words_of(amina.get(f"/ur/staff/referrals/{here.case().id}/close"))
    assert "They asked for help with: Feeling lonely or cut off." in page
    assert "We were in contact once, on " in page


def test_what_was_typed_too_late_is_kept_as_a_note(amina: InspectedClient, here: Here) -> None:
    referral = here.case()
    address = f"/staff/referrals/{referral.id}"
    page = amina.get(f"{address}/close").get_data(as_text=True)
    here.close(referral, here.ben.actor, summary="Ben was here.")
    here.store.commit()
    token = page.split('name="csrf_token" value="')[-1].split('"')[0]
    late = amina.post(
        f"{address}/close",
        data={"csrf_token": token, "reason": "other", "summary": "What Amina knows", "follow_up": ""},
    )
    assert late.status_code == 409
    said = words_of(late)
    assert "Ben was here." in said
    assert "What Amina knows" in said
    kept = {"csrf_token": token, "once": "one", "words": "What Amina knows"}
    assert amina.post(f"{address}/keep-words", data=kept).status_code == 303
    assert amina.post(f"{address}/keep-words", data=kept).status_code == 303
    here.store.expire_all()
    (note,) = [one.note for one in notes.of_referral(here.store, here.amina.actor, referral.id)]
    assert (note.words, note.shared) == ("What Amina knows", False)


def test_how_many_attempts_are_left_and_how_to_go_on_is_said(amina: InspectedClient, here: Here) -> None:
    referral = here.case(spoke=False)
    here.tried(referral)
    address = f"/staff/referrals/{referral.id}/close"
    assert "can be chosen after 1 more attempt" in words_of(amina.get(address))
    told = {"reason": "could-not-contact", "outcome_loneliness": "unknown", "follow_up": "", "no_known_risks": "y"}
    refused = press(amina, address, "/close", **told, **NOTHING_ASKED)
    assert refused.status_code == 422
    assert "Try 1 more time first" in words_of(refused)


def test_a_pause_and_its_end_are_two_presses_on_the_case(amina: InspectedClient, here: Here) -> None:
    referral = here.case()
    address = f"/staff/referrals/{referral.id}"
    assert "Enter a day" in words_of(press(amina, f"{address}/hold", "/hold", reason="unwell", until="soon"))
    day = today() + timedelta(days=30)
    assert press(amina, f"{address}/hold", "/hold", reason="unwell", until=day.isoformat()).status_code == 303
    said = words_of(amina.get(address))
    assert said.index("On hold. They are not well, or in hospital") < said.index("Go on with this case")
    assert said.index("Go on with this case") < said.index("Record a contact"), "where it says so, at the top"
    assert press(amina, address, "/resume").status_code == 303
    assert press(amina, f"{address}/close", "/close", **ENDING, follow_up=day.isoformat()).status_code == 303
    assert "To be asked again on" in words_of(amina.get(address))
    assert press(amina, address, "/followed-up").status_code == 303
    assert "To be asked again on" not in words_of(amina.get(address))
    assert "On hold. They" not in words_of(amina.get(address))


def test_what_was_declined_by_mistake_has_a_way_back_on_its_page(amina: InspectedClient, here: Here) -> None:
    referral = a_referral(here.store, here.service)
    referrals.decline(here.store, here.service, here.amina.actor, referral.id, reason="other", text="", word="Sorry.")
    assert "Open this case again" in words_of(amina.get(f"/staff/referrals/{referral.id}"))


def test_every_reason_and_outcome_says_what_it_means_where_the_label_does_not() -> None:
    assert all(one.definition for one in (*lists.CLOSURE_REASONS, *lists.NEED_OUTCOMES))
