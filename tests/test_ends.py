"""What an end leaves to come and whom it tells: the follow-up that is asked once more, an end by the person themselves,
and referrals that nobody took."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, clock, codes, measures, people, referrals
from portal.access import Role, Tier
from portal.accounts import visits
from portal.caseload import closing, letters, lists, risks, today
from portal.caseload.closing import Closure
from portal.retention import keeping
from portal.store import Alert, AuditEvent, CheckIn, Letter, Message, Referral, Service, Staff, Stores, Task
from tests.asked import MONDAY, Kept, check_in, tick, with_email
from tests.inspector import InspectedClient, Page
from tests.test_feedback import PROTOCOL
from tests.visitor import Visitor
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

SAID: dict[str, Any] = {"summary": "They found a choir.", "person_summary": "Thank you.", "no_action": True}
ENDING = {"reason": "goals-met", "outcome_loneliness": "resolved", "summary": "All well.", "no_action": "y"}
ENDING |= {"person_summary": "Thank you."}
TWELVE_WEEKS = MONDAY + timedelta(days=84)
SIX_MONTHS = MONDAY + timedelta(days=183)
"""The day after it is due: on the day itself nothing else may have gone out, and the clock ticks at ten."""


@dataclass
class Here:
    """A service with a manager and two workers, in the spring of 2026."""

    store: Session
    service: Service
    manager: Member
    amina: Member
    ben: Member

    def case(self, **answers: Any) -> Referral:
        with clock.at(MONDAY):
            referral = with_email(self.store, self.service, self.amina.actor, **answers)
            referrals.accept(self.store, self.service, self.amina.actor, referral.id)
            risks.none_known(self.store, self.amina.actor, referral.id)
        return referral

    def sent(self, **answers: Any) -> Referral:
        return a_referral(self.store, self.service, answers=answers)

    def close(self, referral: Referral, **said: Any) -> Closure:
        outcomes = dict.fromkeys(referrals.needs_of(self.store, referral), "resolved")
        given: dict[str, Any] = {"reason": "goals-met", "outcomes": outcomes, "ask_later": True, **SAID, **said}
        if given["reason"] == "other":
            given["reason_text"] = "Made up."
        with clock.at(TWELVE_WEEKS):
            return closing.close(self.store, self.service, self.amina.actor, referral.id, **given)

    def follow_up(self, referral: Referral) -> CheckIn:
        return check_in(self.store, referral, "follow-up")

    def unfinished(self, referral: Referral) -> list[str]:
        found = measures.of_referral(self.store, self.service.id, referral.id)
        return [one.occasion for one in found if one.status in measures.UNFINISHED]

    def withdraw(self, referral: Referral) -> Referral:
        return closing.withdraw(self.store, self.service, referral.person_id, referral.id)

    def decline(self, referral: Referral, reason: str = "outside-area") -> Referral:
        word = "" if reason in ("died", "duplicate") else "We are sorry."
        return closing.decline(
            self.store, self.service, self.amina.actor, referral.id, reason=reason, text="", word=word
        )

    def letters(self, referral: Referral) -> list[tuple[str, str, str]]:
        theirs = select(Letter).where(Letter.referral_id == referral.id).order_by(Letter.recipient)
        return [(one.recipient, one.occasion, one.state) for one in self.store.scalars(theirs)]

    def ends(self, referral: Referral) -> list[Closure]:
        return list(closing.all_of(self.store, self.service.id, referral.id))

    def leaves(self, member: Member) -> None:
        self.store.get_one(Staff, (self.service.id, member.actor.staff_id)).state = "left"
        self.store.flush()


def a_world(store: Session) -> Here:
    with clock.at(MONDAY):
        service = a_service(store)
        manager = staff_member(store, service, Role.MANAGER, name="Moss")
        return Here(
            store,
            service,
            manager,
            staff_member(store, service, name="Amina"),
            staff_member(store, service, name="Ben"),
        )


@pytest.fixture
def here(store: Session) -> Here:
    return a_world(store)


def their_page(app: Flask, here: Here, referral: Referral) -> Visitor:
    """Their own page, as they came to it with their card."""
    key = codes.new_key()
    visits._open(here.store, referral, Tier.READ, visits.CARD, key, "en")
    here.store.commit()
    person = Visitor(app)
    person.client.set_cookie(app.config["VISIT_COOKIE"], key)
    return person.open("/my")


# The follow-up after the end -----------------------------------------------------------------------------------------


def test_an_end_leaves_the_follow_up_to_come_and_nothing_else(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    assert here.unfinished(referral) == ["follow-up"]
    ended = here.store.scalar(select(AuditEvent).where(AuditEvent.act == "closed a case"))
    assert ended
    assert ended.details["asks_later"] == "1"


def test_whoever_does_not_want_it_is_not_asked(here: Here) -> None:
    referral = here.case()
    here.close(referral, ask_later=False)
    assert here.unfinished(referral) == []
    assert here.follow_up(referral).why_not == "closed"


@pytest.mark.parametrize("reason", lists.codes_in(lists.CLOSURE_REASONS))
def test_each_reason_says_whether_somebody_is_asked_after_it(here: Here, reason: str) -> None:
    here.service.settings = {**here.service.settings, "contact_attempts": 1}
    referral = here.case()
    referral.attempts = 1
    here.close(referral, reason=reason)
    asked = {"goals-met", "partly-met", "moved-to-other-support", "needs-beyond-scope", "other"}
    assert here.unfinished(referral) == (["follow-up"] if reason in asked else [])


def test_whoever_withdraws_is_asked_nothing_more(here: Here) -> None:
    referral = here.case()
    here.withdraw(referral)
    assert here.unfinished(referral) == []
    assert here.follow_up(referral).why_not == "withdrawn"


def test_the_follow_up_is_asked_answered_and_read_after_the_end(stores: Stores, app: Flask) -> None:
    with stores.writing() as store:
        store.expire_on_commit = False
        here = a_world(store)
        referral = here.case()
        here.close(referral)
        store.commit()
    post = Kept()
    for moment in (TWELVE_WEEKS, SIX_MONTHS - timedelta(days=20), SIX_MONTHS):
        tick(stores, post, moment)
    asked = [one for _, one in post.sent if "/c/" in one.words.body]
    assert len(asked) == 1, "once, and not before it is due"
    with clock.at(SIX_MONTHS):
        person = Visitor(app).open(f"/c/{post.tokens()[0]}")
        person.press()
        assert person.status == 200
        for _ in range(10):
            if _answers(person):
                person.press(**_answers(person))
    with stores.writing() as store, clock.at(SIX_MONTHS):
        found = check_in(store, referral, "follow-up")
        assert (found.status, found.why_not) == ("completed", None)
        (line,) = [one for one in today.lines(store, here.amina.actor) if one.kind == "check-in"]
        assert line.referral_id == referral.id
        assert store.scalars(select(Task).where(Task.kind == "check-in-back")).all() == []
        client = InspectedClient(app, app.response_class)
        sign_in(client, store, here.amina)
        case = words_of(client.get(f"/staff/referrals/{referral.id}"))
        assert "Answered on 1 September 2026" in case


def _answers(person: Visitor, **said: str) -> dict[str, str]:
    """The first answer to everything that the page asks, unless something else is said."""
    radios = [one for one in person.page.all("input") if one.get("type") == "radio"]
    return {one.get("name") or "": one.get("value") or "" for one in reversed(radios)} | said


def test_no_other_check_in_of_a_closed_case_is_asked(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    stray = check_in(here.store, referral, "review", 2)
    stray.status, stray.why_not = "ready", None
    here.store.flush()
    with clock.at(TWELVE_WEEKS):
        assert measures.due_for(here.store, here.service.id, referral.person_id) == []
        measures.remind(here.store, here.service)
    assert (check_in(here.store, referral, "review", 2).why_not, here.unfinished(referral)) == ("closed", ["follow-up"])


def test_a_risky_answer_after_the_end_is_an_alert_that_somebody_has(here: Here, app: Flask) -> None:
    referral = here.case()
    measures.record_protocol(here.store, here.manager.actor, "phq9", PROTOCOL)
    measures.turn_on(here.store, here.manager.actor, "phq9")
    here.close(referral)
    asked = here.follow_up(referral)
    asked.scales = ["phq9"]
    with clock.at(SIX_MONTHS):
        token = measures.new_link(here.store, asked)
        here.store.commit()
        person = Visitor(app).open(f"/c/{token}")
        person.press()
        for _ in range(8):
            person.press(**_answers(person))
        person.press(**_answers(person, phq_9="several_days"))
        (alert,) = here.store.scalars(select(Alert))
        assert (alert.referral_id, alert.person_id) == (referral.id, referral.person_id)
        assert alert.owner_id in {one.actor.staff_id for one in (here.manager, here.amina, here.ben)}
        client = InspectedClient(app, app.response_class)
        sign_in(client, here.store, here.ben)
        assert client.get(f"/staff/alerts/{alert.id}").status_code == 200


def test_what_comes_back_when_the_worker_has_left_is_for_whoever_is_on_duty(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    here.leaves(here.amina)
    with clock.at(SIX_MONTHS):
        measures.mark_answered(here.store, here.service, here.follow_up(referral))
        (task,) = here.store.scalars(select(Task).where(Task.kind == "check-in-back"))
        assert (task.referral_id, task.assigned_to) == (referral.id, here.manager.actor.staff_id)
        assert "task" in {one.kind for one in today.lines(here.store, here.manager.actor)}


def test_what_does_not_come_back_when_the_worker_has_left_is_for_whoever_is_on_duty(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    here.leaves(here.amina)
    with clock.at(SIX_MONTHS):
        measures.hand_to_worker(here.store, here.service, here.follow_up(referral))
        (task,) = here.store.scalars(select(Task).where(Task.kind == "check-in-not-back"))
        assert task.assigned_to == here.manager.actor.staff_id


def test_the_person_reads_that_they_are_asked_once_more_and_stops_it_there(here: Here, app: Flask) -> None:
    referral = here.case()
    here.close(referral)
    here.store.commit()
    with clock.at(TWELVE_WEEKS + timedelta(days=1)):
        mine = their_page(app, here, referral)
        assert "We would like to ask you once more how you are, in August 2026." in mine.words
        mine.press("/not-again")
        assert mine.here == "/my"
        assert "ask you once more" not in mine.words
        here.store.commit()
        assert (here.follow_up(referral).status, here.follow_up(referral).why_not) == ("cancelled", "declined")
        assert "said no to being asked again" in [
            one.act for one in audit.history_of(here.store, here.service.id, here.follow_up(referral).id)
        ]


def test_only_what_is_theirs_and_has_ended_can_be_stopped_so(here: Here, app: Flask) -> None:
    referral, other = here.case(), here.case(first_name="Ada")
    here.close(other)
    here.store.commit()
    references = (referral.reference, other.reference, "")
    mine = their_page(app, here, referral)
    for reference in references:
        mine.post("/my/not-again", {"csrf_token": mine.token, "which": reference})
    assert len(here.unfinished(referral)) == 4
    assert here.unfinished(other) == ["follow-up"]


def test_opening_again_keeps_it_and_the_next_end_decides_anew(here: Here) -> None:
    referral = here.case()
    here.close(referral)
    with clock.at(TWELVE_WEEKS + timedelta(days=7)):
        closing.reopen(here.store, here.service, here.amina.actor, referral.id, because="They rang.")
    assert here.unfinished(referral) == ["follow-up"]
    here.withdraw(referral)
    assert here.unfinished(referral) == []


def test_a_death_that_another_case_tells_ends_it(here: Here) -> None:
    referral, again = here.case(), here.case(first_name="Ada")
    here.close(referral)
    people.merge(here.store, here.manager.actor, referral.person_id, again.person_id)
    here.close(again, reason="died", person_summary="")
    assert here.unfinished(referral) == []


def test_nobody_decides_about_keeping_a_record_while_they_are_to_be_asked(here: Here) -> None:
    referral = here.case()
    closure = here.close(referral)
    closure.retention_review_due = TWELVE_WEEKS.date()
    here.store.flush()
    with clock.at(SIX_MONTHS):
        assert keeping.ask(here.store, here.service) == 0
        measures.mark_answered(here.store, here.service, here.follow_up(referral))
        assert keeping.ask(here.store, here.service) == 1


# On the page of closing ----------------------------------------------------------------------------------------------


@pytest.fixture
def amina(app: Flask, here: Here) -> InspectedClient:
    client = InspectedClient(app, app.response_class)
    sign_in(client, here.store, here.amina)
    return client


def tick_of(page: Page) -> bool | None:
    """Whether the page offers to ask once more, and whether it proposes it."""
    found = [one for one in page.all("input") if one.get("name") == "ask_later"]
    return found[0].get("checked") is not None if found else None


def test_the_page_of_closing_proposes_it_in_plain_words(amina: InspectedClient, here: Here) -> None:
    referral = here.case()
    here.store.commit()
    with clock.at(TWELVE_WEEKS):
        sign_in(amina, here.store, here.amina)
        address = f"/staff/referrals/{referral.id}/close"
        page = amina.get(address)
        said = words_of(page)
        assert "Ask them once more how they are, in August 2026" in said
        assert "Take the tick out if they do not want it. It counts after “Done: they have what they wanted”," in said
        assert tick_of(Page(page.get_data(as_text=True))) is True
        ended = said[said.index("These check-ins end with the case") :]
        assert "Some time after" not in ended
        assert press(amina, address, "/close", **ENDING, ask_later="y").status_code == 303
    assert here.unfinished(referral) == ["follow-up"]


def test_a_tick_that_is_taken_out_counts(amina: InspectedClient, here: Here) -> None:
    referral = here.case()
    here.store.commit()
    with clock.at(TWELVE_WEEKS):
        sign_in(amina, here.store, here.amina)
        address = f"/staff/referrals/{referral.id}/close"
        assert press(amina, address, "/close", **ENDING).status_code == 303
    assert here.unfinished(referral) == []


def _may_not_be_written_to(here: Here, referral: Referral) -> None:
    people.correct(here.store, here.service, referral.person_id, {"safe_ways": ["call"], "phone": "+447700900123"})


def _said_no(here: Here, referral: Referral) -> None:
    measures.say_why_not(here.store, here.amina.actor, check_in(here.store, referral).id, "declined")


@pytest.mark.parametrize(
    ("before", "says"),
    [
        (_may_not_be_written_to, "We may not write to them about it."),
        (_said_no, "They did not want to answer a check-in before, so ask them first."),
    ],
)
def test_it_is_not_proposed_against_what_they_chose(
    amina: InspectedClient, here: Here, before: Callable[[Here, Referral], None], says: str
) -> None:
    referral = here.case()
    before(here, referral)
    here.store.commit()
    with clock.at(TWELVE_WEEKS):
        sign_in(amina, here.store, here.amina)
        page = amina.get(f"/staff/referrals/{referral.id}/close")
        assert says in words_of(page)
        assert tick_of(Page(page.get_data(as_text=True))) is False


def test_what_can_not_be_answered_any_more_is_not_offered(amina: InspectedClient, here: Here) -> None:
    referral = here.case()
    here.store.commit()
    with clock.at(MONDAY + timedelta(days=224)):
        sign_in(amina, here.store, here.amina)
        page = amina.get(f"/staff/referrals/{referral.id}/close")
        assert tick_of(Page(page.get_data(as_text=True))) is None
        assert press(amina, f"/staff/referrals/{referral.id}/close", "/close", **ENDING).status_code == 303


def test_it_can_be_asked_by_hand_after_the_end(amina: InspectedClient, here: Here) -> None:
    referral = here.case()
    here.close(referral)
    for message in here.store.scalars(select(Message)):  # they left long ago
        message.state, message.sent_at = "sent", MONDAY
    here.store.commit()
    with clock.at(SIX_MONTHS):
        sign_in(amina, here.store, here.amina)
        address = f"/staff/referrals/{referral.id}/plan"
        ask = f"/{here.follow_up(referral).id}/ask"
        assert press(amina, address, ask).status_code == 303
    here.store.commit()
    assert here.follow_up(referral).asked_at


# An end by the person ------------------------------------------------------------------------------------------------


def test_whoever_ends_what_was_begun_has_withdrawn_and_the_end_is_written_down(here: Here) -> None:
    referral = here.case(share_gp="yes", share_referrer="yes")
    taken_at, taken_by = referral.decided_at, referral.decided_by
    here.withdraw(here.withdraw(referral))
    assert (referral.status, referral.reason) == ("withdrawn", None)
    assert (referral.decided_at, referral.decided_by) == (taken_at, taken_by)
    (end,) = here.ends(referral)
    assert (end.reason, end.closed_by, end.outcomes) == ("person-chose-to-stop", None, {"loneliness": "unknown"})
    assert (end.summary, end.person_summary, end.no_action) == (None, None, False)
    assert end.retention_review_due == closing.years_from_today(2)
    assert here.letters(referral) == [("gp", "closing", "waiting")]  # they came by themselves: nobody referred them
    (change,) = [one for one in [referrals.last_change(here.store, referral)] if one]
    assert (change.became, change.reason, change.changed_by) == ("withdrawn", "withdrawn", None)


def test_who_withdraws_before_anybody_took_it_has_no_outcome_at_all(here: Here) -> None:
    referral = here.sent(share_gp="no")
    here.withdraw(referral)
    (end,) = here.ends(referral)
    assert (referral.status, end.outcomes, end.reason) == ("withdrawn", {}, "person-chose-to-stop")
    assert here.letters(referral) == []


def test_what_was_withdrawn_is_opened_again_and_ends_again(here: Here) -> None:
    referral = here.case()
    here.withdraw(referral)
    closing.reopen(here.store, here.service, here.amina.actor, referral.id, because="They rang.")
    assert referral.status == "accepted"
    here.withdraw(referral)
    assert [one.reopened_at is None for one in here.ends(referral)] == [False, True]


def test_the_page_of_a_withdrawn_case_says_who_ended_it_and_offers_the_message(
    amina: InspectedClient, here: Here
) -> None:
    referral = here.case(share_gp="yes")
    here.withdraw(referral)
    here.store.commit()
    case = words_of(amina.get(f"/staff/referrals/{referral.id}"))
    assert "The person has stopped it" in case
    assert "The person themselves" in case
    assert ": Not known" in case
    assert "Message to the GP" in case


# Referrals that nobody took ------------------------------------------------------------------------------------------

FROM_A_FRIEND = {
    "referring_for": "someone-who-agrees",
    "helper_name": "Ola",
    "helper_relationship": "family-friend-carer",
    "share_referrer": "yes",
}


@pytest.mark.parametrize("way", ["declined", "passed on", "withdrawn"])
@pytest.mark.parametrize(
    ("gp", "referrer", "waits"),
    [("yes", "yes", ["gp", "referrer"]), ("no", "yes", ["referrer"]), ("yes", "no", ["gp"]), ("no", "no", [])],
)
def test_whoever_may_be_told_waits_to_be_told_and_nobody_else(
    here: Here, way: str, gp: str, referrer: str, waits: list[str]
) -> None:
    referral = here.sent(**{**FROM_A_FRIEND, "share_gp": gp, "share_referrer": referrer, "share_onward": "yes"})
    if way == "declined":
        here.decline(referral)
    elif way == "passed on":
        given: dict[str, str] = {"to": "A club", "reason": "Nearer", "word": "They ring you."}
        closing.pass_on(here.store, here.service, here.amina.actor, referral.id, **given)
    else:
        here.withdraw(referral)
    assert here.letters(referral) == [(one, "closing", "waiting") for one in waits]


@pytest.mark.parametrize("reason", ["died", "duplicate"])
def test_nobody_is_told_of_a_death_or_of_a_form_sent_twice(here: Here, amina: InspectedClient, reason: str) -> None:
    referral = here.sent(**FROM_A_FRIEND, share_gp="yes")
    here.decline(referral, reason)
    here.store.commit()
    assert here.letters(referral) == []
    case = words_of(amina.get(f"/staff/referrals/{referral.id}"))
    assert "Prepare a message" not in case


@pytest.mark.parametrize(
    ("reason", "why", "years"),
    [
        ("outside-area", "not-eligible", 2),
        ("other", "other", 8),
        ("person-chose-to-stop", "person-chose-to-stop", 2),
        ("moved-away", "moved-away", 8),
        ("no-space", "not-eligible", 2),
        ("not-now", "person-chose-to-stop", 2),
    ],
)
def test_a_declined_referral_has_a_day_on_which_somebody_decides_about_keeping_it(
    here: Here, reason: str, why: str, years: int
) -> None:
    own = [
        {"code": "no-space", "label": "No space", "status": "not-eligible"},
        {"code": "not-now", "label": "Not now", "status": "declined"},
    ]
    here.service.settings = {
        **here.service.settings,
        **({"decline_reasons": own} if reason in ("no-space", "not-now") else {}),
    }
    referral = here.sent()
    here.decline(referral, reason)
    (end,) = here.ends(referral)
    assert (end.reason, end.outcomes, end.summary) == (why, {}, None)
    assert end.retention_review_due == closing.years_from_today(years)
    later = clock.now().replace(year=clock.now().year + years) + timedelta(days=1)
    with clock.at(later):
        assert keeping.ask(here.store, here.service) == 1


def test_a_message_about_a_declined_referral_waits_for_whoever_declined_it(here: Here, amina: InspectedClient) -> None:
    referral = here.sent(**FROM_A_FRIEND)
    here.decline(referral)
    here.store.commit()
    (line,) = [one for one in today.lines(here.store, here.amina.actor) if one.kind == "letter"]
    assert line.referral_id == referral.id
    assert [one for one in today.lines(here.store, here.ben.actor) if one.kind == "letter"] == []
    page = words_of(amina.get(f"/staff/referrals/{referral.id}"))
    assert "Message to whoever referred them" in page
    (letter,) = here.store.scalars(select(Letter))
    shown = letters.shown(here.store, here.service, here.amina.actor, letter.id)
    assert shown.document is not None
    assert words_of(amina.get(f"/staff/letters/{letter.id}"))


def test_the_word_to_the_person_is_read_once_however_the_referral_ended(
    here: Here, app: Flask, amina: InspectedClient
) -> None:
    referral = here.sent()
    here.decline(referral)
    here.store.commit()
    assert words_of(amina.get(f"/staff/referrals/{referral.id}")).count("We are sorry.") == 1
    assert their_page(app, here, referral).words.count("We are sorry.") == 1
    closing.reopen(here.store, here.service, here.amina.actor, referral.id, because="A mistake.")
    here.store.commit()
    assert "We are sorry." not in their_page(app, here, referral).words
