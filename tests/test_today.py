"""Today: what waits for whom, why it says so, what is pressed, and that a long list costs no more than a short one."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from portal import alerts, clock, codes, measures, referrals, tasks
from portal.access import Role
from portal.caseload import contacts, today
from portal.caseload.today import TodayLine
from portal.store import (
    AccessNeed,
    Alert,
    CarePlan,
    Closure,
    Letter,
    Onward,
    Referral,
    Risk,
    Service,
    Staff,
)
from tests.inspector import InspectedClient, Page
from tests.world import Member, a_draft, a_referral, a_service, sign_in, staff_member, words_of

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = date(2026, 3, 2)


@dataclass
class Team:
    store: Session
    service: Service
    manager: Member
    amina: Member
    ben: Member

    def case(self, name: str = "Zofia", by: Member | None = None, **answers: Any) -> Referral:
        new = a_referral(self.store, self.service, first_name=name, **answers)
        return referrals.accept(self.store, self.service, (by or self.amina).actor, new.id)

    def record(self, case: Referral, outcome: str = "spoke", by: Member | None = None, **more: Any) -> None:
        contacts.record(
            self.store,
            self.service,
            (by or self.amina).actor,
            case.id,
            once=uuid.uuid4().hex,
            outcome=outcome,
            **more,
        )

    def everything(self, who: Member | None = None) -> list[TodayLine]:
        return today.lines(self.store, (who or self.amina).actor)

    def lines(self, who: Member | None = None) -> list[TodayLine]:
        """Everything but what must be told because nobody here has an email: that stands on every page."""
        return [line for line in self.everything(who) if line.kind != "message"]

    def said(self, who: Member | None = None) -> list[tuple[str, str, str]]:
        """Kind, name and reason of every line."""
        return [(one.kind, one.about, one.why) for one in self.lines(who)]


@pytest.fixture
def team(store: Session) -> Team:
    service = a_service(store)
    manager = staff_member(store, service, Role.MANAGER, name="Mo")
    amina, ben = staff_member(store, service, name="Amina"), staff_member(store, service, name="Ben")
    store.commit()
    return Team(store, service, manager, amina, ben)


def test_where_nothing_waits_there_is_nothing(team: Team) -> None:
    assert team.lines() == []


# --- alerts ----------------------------------------------------------------------------------------------------------


def test_an_alert_that_nobody_opened_stands_first_on_everybodys_page(team: Team) -> None:
    with clock.at(MONDAY):
        team.case("Ada")
        a_draft(team.store, team.service, "urgent", urgency="not-safe")
        alert = team.store.scalars(select(Alert)).one()
        for who in (team.amina, team.ben, team.manager):
            line = team.lines(who)[0]
            assert line.kind == "alert"
            assert line.why.endswith("Nobody has opened it yet.")
            assert (line.action.endpoint, line.action.args) == ("caseload.alert", {"alert_id": alert.id})
            assert not line.late
    with clock.at(MONDAY + 3 * DAY):
        assert team.lines()[0].late
        alerts.open_by_name(team.store, team.amina.actor, alert.id)
        assert team.lines()[0].why.endswith("Say what was done, to close it.")
        assert not any(line.kind == "alert" for line in team.lines(team.ben)), "it is Amina's now"
        alerts.close(team.store, team.amina.actor, alert.id, "Rang, and they are safe.")
        assert not any(line.kind == "alert" for line in team.lines())


# --- promises --------------------------------------------------------------------------------------------------------


def test_a_promise_comes_up_before_it_breaks_and_goes_when_somebody_takes_the_referral(team: Team) -> None:
    with clock.at(MONDAY):
        new = a_referral(team.store, team.service)
        assert team.lines() == [], "there is time yet"
        due = new.due_at
    with clock.at(due - DAY):
        assert team.said() == [("promise", "Zofia", "What we promised ends soon.")]
        assert team.lines(team.ben) == team.lines(), "nobody has it, so everybody sees it"
    with clock.at(due - timedelta(hours=1)):
        assert team.said() == [("promise", "Zofia", "Today is the last day of what we promised.")]
    with clock.at(due + DAY):
        (line,) = team.lines()
        assert line.late
        assert line.why == "We promised to be in touch by then, and nobody has taken it."
        referrals.accept(team.store, team.service, team.ben.actor, new.id)
        assert team.lines() == []


# --- cases -----------------------------------------------------------------------------------------------------------


def test_a_case_is_new_to_whoever_took_it_until_they_have_tried_to_reach_the_person(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        assert team.said() == [
            ("given", "Zofia", "It was accepted on 2 March 2026. Nobody has tried to reach them yet.")
        ]
        assert team.lines()[0].action.endpoint == "caseload.new_contact"
        assert team.lines(team.ben) == []
        team.record(case, "no-answer", next_due=TODAY + 3 * DAY)
        assert team.lines() == []
        referrals.give_to(team.store, team.amina.actor, case.id, team.ben.actor.staff_id)
        assert team.said(team.ben) == [
            ("given", "Zofia", "It was given to you. You have not been in touch with them yet.")
        ]
        assert team.lines() == []


def test_a_case_opened_again_comes_up_until_its_worker_is_in_touch(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, next_due=TODAY + 9 * DAY)
        team.store.add(_closure(team, case, reopened_at=MONDAY + DAY))
    with clock.at(MONDAY + 2 * DAY):
        assert team.said() == [
            ("given", "Zofia", "It was opened again on 3 March 2026. You have not been in touch since.")
        ]
        team.record(case, next_due=TODAY + 9 * DAY)
        assert team.lines() == []


def _closure(team: Team, case: Referral, **more: Any) -> Closure:
    return Closure(
        **{
            "service_id": case.service_id,
            "referral_id": case.id,
            "person_id": case.person_id,
            "reason": "goals-met",
            "outcomes": {},
            "closed_at": MONDAY,
            "closed_by": team.amina.actor.staff_id,
            "retention_review_due": date(2034, 3, 2),
            **more,
        }
    )


def test_a_contact_is_due_on_its_day_with_the_next_step_as_the_reason(team: Team) -> None:
    with clock.at(MONDAY):
        late, here, later = team.case("Late"), team.case("Here"), team.case("Later")
        team.record(late, next_due=TODAY + DAY, next_step="Ask about the bus")
        team.record(here, next_due=TODAY + 2 * DAY)
        team.record(later, next_due=TODAY + 3 * DAY)
    with clock.at(MONDAY + 2 * DAY):
        assert team.said() == [
            ("contact", "Late", "Next step: Ask about the bus"),
            ("contact", "Here", "You meant to be in touch."),
        ]
        assert [line.late for line in team.lines()] == [True, False]
        assert [line.due for line in team.lines()] == [TODAY + DAY, TODAY + 2 * DAY]
        assert {line.action.endpoint for line in team.lines()} == {"caseload.new_contact"}


def test_a_case_without_a_next_step_is_not_forgotten(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case)
        assert team.said() == [("contact", "Zofia", "No next step is written down.")]
        case.status = "on-hold"
        team.store.flush()
        assert team.lines() == [], "on hold, nothing has to be next"
        case.next_due = TODAY
        team.store.flush()
        assert team.said() == [("contact", "Zofia", "It was on hold until this day.")]


def test_after_as_many_attempts_as_the_service_makes_it_says_so(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        for _ in range(2):
            team.record(case, "no-answer", next_due=TODAY, next_step="Ring")
        assert team.said() == [("contact", "Zofia", "Next step: Ring")]
        team.record(case, "message-left", next_due=TODAY, next_step="Ring")
        assert team.said() == [
            ("contact", "Zofia", "Next step: Ring 3 attempts in vain. Decide with your team how to go on.")
        ]


# --- check-ins that came back ----------------------------------------------------------------------------------------


def test_a_check_in_that_came_back_waits_for_its_worker_to_look_at_it(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, next_due=TODAY + 9 * DAY)
        check_in = measures.of_referral(team.store, team.service.id, case.id)[0]
        check_in.status, check_in.completed_at = "completed", MONDAY
        team.store.flush()
    with clock.at(MONDAY + DAY):
        (line,) = team.lines()
        assert (line.kind, line.why) == (
            "check-in",
            "They answered a check-in on Monday 2 March 2026. You have not seen it yet.",
        )
        assert line.action.args == {"referral_id": case.id, "_anchor": "check-ins"}
        today.looked(team.store, team.ben.actor, case)
        assert len(team.lines()) == 1, "a colleague's look is not mine"
        today.looked(team.store, team.amina.actor, case)
        team.store.flush()
        assert team.lines() == []


# --- to be looked at again -------------------------------------------------------------------------------------------


def test_what_is_to_be_looked_at_again_comes_up_on_its_day_for_whoever_has_the_case(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, next_due=TODAY + 60 * DAY)
        _to_look_at(team, case, TODAY + 5 * DAY)
        assert team.lines() == []
    with clock.at(MONDAY + 6 * DAY):
        assert [one.why for one in team.lines()] == [
            "What they need to understand is to be checked again.",
            "Ask how it went at another place.",
            "The plan is to be looked at again.",
            "A risk is to be looked at again.",
        ]
        assert {one.kind for one in team.lines()} == {"follow-up"}
        assert all(one.late for one in team.lines())
        assert team.lines(team.ben) == []
        for row in (*team.store.scalars(select(AccessNeed)), *team.store.scalars(select(Risk))):
            row.ended_at = MONDAY
        for plan in team.store.scalars(select(CarePlan)):
            plan.review_due = None
        for onward in team.store.scalars(select(Onward)):
            onward.check_due = None
        team.store.flush()
        assert team.lines() == []


def _to_look_at(team: Team, case: Referral, day: date) -> None:
    whose = {"service_id": case.service_id, "person_id": case.person_id}
    by = team.amina.actor.staff_id
    team.store.add_all(
        [
            CarePlan(**whose, referral_id=case.id, review_due=day),
            AccessNeed(**whose, category="format", need="braille", review_due=day),
            Risk(**whose, referral_id=case.id, kind="other", started=day, recorded_by=by, review_due=day),
            Onward(
                **whose,
                referral_id=case.id,
                once=uuid.uuid4().hex,
                kind="signpost",
                activity_name="A choir",
                need="loneliness",
                made_on=day,
                made_by=by,
                shared={},
                status="offered",
                status_on=day,
                barriers=[],
                check_due=day,
            ),
        ]
    )
    team.store.flush()


def test_whoever_closed_a_case_is_reminded_to_ask_how_they_are(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        case.status, case.closed_at = "closed", MONDAY
        team.store.add(_closure(team, case, follow_up_due=TODAY + 5 * DAY))
        team.store.flush()
    with clock.at(MONDAY + 5 * DAY):
        (line,) = team.lines()
        assert line.why == "The case is closed, and you meant to ask how they are."
        assert line.action.endpoint == "caseload.new_contact"
        team.record(case)
        assert team.lines() == [], "they were asked"


# --- letters, messages, tasks ----------------------------------------------------------------------------------------


def test_a_letter_that_waits_is_a_line_of_whoever_has_the_case(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        team.record(case, next_due=TODAY + 9 * DAY)
        whose = {"service_id": case.service_id, "person_id": case.person_id, "referral_id": case.id}
        team.store.add(Letter(**whose, recipient="gp", occasion="plan", state="waiting"))
        team.store.add(Letter(**whose, recipient="referrer", occasion="plan", state="sent"))
        team.store.flush()
        assert team.said() == [("letter", "Zofia", "A message to the GP waits to be sent.")]
        assert team.lines(team.ben) == []


def test_tasks_are_mine_and_nobodys_and_what_could_not_be_sent_stands_apart(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        for number, (kind, to) in enumerate(
            (
                (tasks.Kind.MESSAGE_FAILED, None),
                (tasks.Kind.DETAILS_CHANGED, team.amina),
                (tasks.Kind.PERSON_WITHDREW, team.ben),
            )
        ):
            tasks.add(
                team.store,
                team.service.id,
                kind,
                once=f"made up {number}",
                due_at=MONDAY,
                person_id=case.person_id,
                referral_id=case.id,
                assigned_to=to.actor.staff_id if to else None,
            )
        there = [line for line in team.everything() if line.kind in ("message", "task")]
        found = [(line.kind, line.why) for line in there if not line.why.startswith("Tell them")]
        assert found == [
            ("message", "A message did not arrive."),
            ("task", "The person changed their own details."),
        ]
        assert {line.action.endpoint for line in there} == {"caseload.case"}


def test_what_is_asked_of_nobody_by_name_about_a_case_is_asked_of_whoever_has_the_case(team: Team) -> None:
    with clock.at(MONDAY):
        new = a_referral(team.store, team.service)

        def who_is_asked(what: str) -> set[str]:
            members = (team.amina, team.ben)
            return {who.actor.name for who in members if what in [line.why for line in team.everything(who)]}

        assert who_is_asked("Tell them that we have their form.") == {"Amina", "Ben"}
        case = referrals.accept(team.store, team.service, team.ben.actor, new.id)
        assert who_is_asked("Tell them that we have their form.") == {"Ben"}
        assert who_is_asked("Tell them that somebody has taken their referral.") == {"Ben"}
        referrals.give_to(team.store, team.ben.actor, case.id, team.amina.actor.staff_id)
        assert who_is_asked("Tell them that we have their form.") == {"Amina"}
        assert who_is_asked("Tell them who looks after them now.") == {"Amina"}
        team.store.get_one(Staff, (team.service.id, team.amina.actor.staff_id)).state = "left"
        about: dict[str, Any] = {"person_id": case.person_id, "referral_id": case.id}
        changed = tasks.Kind.DETAILS_CHANGED
        task = tasks.add(team.store, team.service.id, changed, once="late", due_at=MONDAY, **about)
        assert task.assigned_to is None, "nobody who has left is asked"


def test_a_task_about_a_form_leads_to_what_they_wrote(team: Team) -> None:
    with clock.at(MONDAY):
        draft = a_draft(team.store, team.service, "safe-contact")
        kind = tasks.Kind.UNFINISHED_FORM
        task = tasks.add(team.store, team.service.id, kind, once="x", due_at=MONDAY, draft_id=draft.id)
        (line,) = team.lines()
        assert (line.action.endpoint, line.action.args) == ("caseload.task", {"task_id": task.id})
        assert line.about == ""
    with clock.at(MONDAY + DAY):
        assert team.lines()[0].late


# --- whose rows ------------------------------------------------------------------------------------------------------


def test_nothing_of_another_service_is_ever_on_it(team: Team) -> None:
    with clock.at(MONDAY):
        case = team.case()
        _to_look_at(team, case, TODAY)
        a_referral(team.store, team.service, urgency="not-safe")
        there = a_service(team.store, "there")
        stranger = staff_member(team.store, there, Role.MANAGER)
    with clock.at(MONDAY + 30 * DAY):
        assert team.lines()
        assert team.lines(stranger) == []


def test_whoever_may_not_work_on_cases_has_nothing_of_them(team: Team) -> None:
    a_referral(team.store, team.service, urgency="not-safe")
    assert team.lines(staff_member(team.store, team.service, Role.ADMINISTRATOR)) == []


# --- long lists ------------------------------------------------------------------------------------------------------


def test_a_long_list_is_cut_counted_and_costs_as_many_queries_as_a_short_one(team: Team) -> None:
    asked: list[str] = []
    event.listen(team.store.get_bind(), "before_cursor_execute", lambda *told: asked.append(told[2]))
    with clock.at(MONDAY):
        _many(team, 3)
        few, short = _count(team, asked)
        _many(team, 14)
        many, long = _count(team, asked)
        assert few == many == len(today.KINDS) + 1, "one for each kind, and one for the service"
        assert short["contact"].cut == 0
        group = long["contact"]
        assert (len(group.lines), group.many, group.cut, group.or_more) == (5, 17, 12, False)
        _many(team, today.COUNTED)
        group = _count(team, asked)[1]["contact"]
        assert (group.many, group.or_more) == (today.COUNTED, True)


def _count(team: Team, asked: list[str]) -> tuple[int, dict[str, today.Group]]:
    team.store.flush()
    team.store.expire_all()
    asked.clear()
    groups = today.groups(team.store, team.amina.actor)
    return len(asked), {one.code: one for one in groups}


def _many(team: Team, number: int) -> None:
    """Further cases of Amina's that wait for a contact."""
    like = team.store.scalars(select(Referral).limit(1)).first() or team.case()
    copied = {
        column.key: getattr(like, column.key)
        for column in Referral.__mapper__.column_attrs
        if column.key not in ("id", "created_at", "version")
    }
    for _ in range(number):
        own = codes.new_id()
        fresh = {"id": own, "draft_id": own, "reference": own.hex[-9:], "sent_key_hash": own.hex, "next_due": TODAY}
        team.store.add(Referral(**{**copied, **fresh}))
    team.store.flush()


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture
def worker(client: InspectedClient, team: Team) -> Iterator[InspectedClient]:
    """Amina's browser."""
    sign_in(client, team.store, team.amina)
    yield client
    team.store.rollback()
    client.application.extensions["stores"].engine.dispose()


def test_the_page_shows_every_line_with_its_reason_and_one_thing_to_press_and_each_opens(
    worker: InspectedClient, team: Team
) -> None:
    case = team.case()
    team.record(case, next_due=clock.today(), next_step="Ask about the bus")
    _to_look_at(team, case, clock.today())
    a_draft(team.store, team.service, "urgent", urgency="not-safe")
    team.case("Ola")
    tasks.add(team.store, team.service.id, tasks.Kind.COMPLAINT, once="x", due_at=clock.now(), details={"comment": "x"})
    page = worker.get("/staff/today")
    said = words_of(page)
    lines = team.everything()
    assert all(line.why in said for line in lines)
    assert said.index("Alerts") < said.index("Contacts due") < said.index("To be looked at again")
    listed = [item.find("p/a") for item in Page(page.get_data(as_text=True)).all("li")]
    links = [link.get("href") or "" for link in listed if link is not None]
    assert len(links) == len(lines)
    for link in dict.fromkeys(links):
        assert worker.get(link.partition("#")[0]).status_code == 200, link


def test_where_nothing_waits_the_page_says_so(worker: InspectedClient) -> None:
    assert "Nothing waits for you now." in words_of(worker.get("/staff/today"))


def test_a_long_list_says_how_many_more_there_are(worker: InspectedClient, team: Team) -> None:
    _many(team, 13)
    team.store.execute(update(Referral).values(next_due=clock.today()))
    page = worker.get("/staff/today")
    assert re.search(r"\b[89] more wait\.", words_of(page))
    assert "/staff/today?show=contact" in page.get_data(as_text=True)
    all_of_them = words_of(worker.get("/staff/today?show=contact"))
    assert all_of_them.count("Record a contact") >= 13
    assert "more wait" not in all_of_them
    assert "Contacts due" in words_of(worker.get("/staff/today?show=%00")), "nonsense is the whole page"


def test_a_line_says_how_late_it_is_and_whose_it_is_only_when_that_is_somebody_else(
    worker: InspectedClient, team: Team
) -> None:
    case = team.case()
    team.record(case, next_due=clock.today())
    case.next_due = clock.today() - 3 * DAY
    a_draft(team.store, team.service, "urgent", urgency="not-safe")
    kind = tasks.Kind.COMPLAINT
    tasks.add(team.store, team.service.id, kind, once="x", due_at=clock.now() + 3 * DAY, details={"comment": "x"})
    page = Page(worker.get("/staff/today").get_data(as_text=True))
    lines = {group: " ".join("".join(part.itertext()).split()) for group, part in _by_group(page)}
    assert "3 days late" in lines["contact"]
    assert "Amina" not in lines["contact"]
    assert "Mo" in lines["alert"], "the manager has it"
    assert "Nobody has it" in lines["task"]


def _by_group(page: Page) -> Iterator[tuple[str, Any]]:
    for around in page.elements:
        for heading, following in pairwise(around):
            if heading.tag == "h2" and heading.get("id"):
                yield heading.get("id", ""), following


def test_looking_at_the_case_takes_its_check_in_off_the_page(worker: InspectedClient, team: Team) -> None:
    case = team.case()
    team.record(case, next_due=clock.today() + 9 * DAY)
    check_in = measures.of_referral(team.store, team.service.id, case.id)[0]
    check_in.status, check_in.completed_at = "completed", clock.now()
    team.store.commit()
    assert "They answered a check-in" in words_of(worker.get("/staff/today"))
    worker.get(f"/staff/referrals/{case.id}/contacts/new")
    assert "They answered a check-in" in words_of(worker.get("/staff/today")), "there the answers are not shown"
    worker.get(f"/staff/referrals/{case.id}")
    assert "They answered a check-in" not in words_of(worker.get("/staff/today"))


@pytest.mark.parametrize(
    ("role", "first"),
    [(Role.LINK_WORKER, "/staff/today"), (Role.MANAGER, "/staff/today"), (Role.ADMINISTRATOR, "/staff/team")],
)
def test_the_address_of_the_staff_leads_to_the_first_page_of_each_role(
    client: InspectedClient, team: Team, role: Role, first: str
) -> None:
    sign_in(client, team.store, staff_member(team.store, team.service, role))
    assert client.get("/staff/").location == first
    client.application.extensions["stores"].engine.dispose()
