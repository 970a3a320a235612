"""The plan of a case: needs, goals and actions, agreeing, versions, two workers at once. On both databases."""

import re
import threading
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, audit, goals, referrals
from portal.access import Role
from portal.caseload import agreeing, care_plan, risks
from portal.caseload.care_plan import Meanwhile
from portal.caseload.cases import Gone, NotPossible
from portal.caseload.plan_content import beside, stamp
from portal.clock import today
from portal.store import AuditEvent, CarePlanVersion, PlanAction, Referral, Service, Stores
from tests.arriving import somebody
from tests.cases import Case, a_case
from tests.inspector import InspectedClient, Page
from tests.staffed import a_colleague, acting
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of


@pytest.fixture
def case(store: Session) -> Case:
    return a_case(store, needs=["loneliness"])


def plan_of(case: Case) -> care_plan.Plan:
    return care_plan.of_referral(case.store, case.amina, case.referral)


def agreed(case: Case, **more: Any) -> None:
    """Agreed with the person, as it stands."""
    if not risks.is_said(case.store, case.referral):
        risks.none_known(case.store, case.amina, case.referral.id)
    seen = plan_of(case).seen
    agreeing.agree(case.store, case.amina, case.referral.id, **{"agreed": "yes", "seen": seen, **more})


def saved(case: Case, strengths: str, *, seen: str = "", over: bool = False, by: Any = None) -> None:
    now = care_plan.says_plan(plan_of(case).row)
    actor = by or case.amina
    care_plan.save(
        case.store,
        actor,
        case.referral.id,
        strengths=strengths,
        review_due=now["review_due"],
        seen=seen or stamp(now),
        over=over,
    )


def acts_about(case: Case, about_id: uuid.UUID) -> list[str]:
    return [event.act for event in audit.history_of(case.store, case.service.id, about_id)]


# Needs, goals, actions -----------------------------------------------------------------------------------------------


def test_needs_of_the_form_and_of_staff_hold_goals_and_these_their_actions(case: Case) -> None:
    choir, debts = case.goal(), case.goal("To sleep without thinking of bills.", "money")
    care_plan.add_need(case.store, case.amina, case.referral.id, need="digital", words="Has a phone, fears it.")
    ring = care_plan.add_action(
        *(case.store, case.amina, case.referral.id, choir.id),
        words="Ring the choir",
        who="worker",
        due=today() + timedelta(days=3),
        sure=8,
        barriers="Stairs. Ask for the side door.",
    )
    plan = plan_of(case)
    assert [need.need for need in plan.needs] == ["loneliness", "digital", "money"]
    assert [need.row is not None for need in plan.needs] == [True, True, False], "money is named by a goal alone"
    assert [goal.line.goal.id for goal in plan.goals] == [choir.id, debts.id]
    assert plan.goals[0].actions == (ring,)
    assert (ring.status, ring.sure, ring.changed_by) == ("planned", 8, case.amina.staff_id)
    assert acts_about(case, ring.id) == ["added an action"]


def test_pressed_twice_it_is_one_action_and_one_need(case: Case) -> None:
    goal, mark = case.goal(), uuid.uuid4()
    for _ in range(2):
        care_plan.add_action(
            case.store, case.amina, case.referral.id, goal.id, action_id=mark, words="Go along", who="person"
        )
        care_plan.add_need(case.store, case.amina, case.referral.id, need="food", words="The bank is closed.")
    assert len(plan_of(case).goals[0].actions) == 1
    assert [need.need for need in plan_of(case).needs].count("food") == 1
    with pytest.raises(NotPossible, match="need: there-already"):
        care_plan.add_need(case.store, case.ben, case.referral.id, need="food", words="Other words")


BAD_ACTIONS: list[tuple[dict[str, Any], str]] = [
    ({"words": "  "}, "words: missing"),
    ({"words": "x" * 501}, "words: too-long"),
    ({"words": "a\0b"}, "words: unreadable"),
    ({"who": "nobody"}, "who: not-listed"),
    ({"who_name": "x" * 71}, "who_name: too-long"),
    ({"sure": 0}, "sure: not-listed"),
    ({"sure": 11}, "sure: not-listed"),
    ({"sure": True}, "sure: not-listed"),
    ({"status": "perhaps"}, "status: not-listed"),
    ({"review_due": date(2020, 1, 1)}, "review_due: past"),
    ({"barriers": "x" * 501}, "barriers: too-long"),
]


@pytest.mark.sweep
@pytest.mark.parametrize(("wrong", "why"), BAD_ACTIONS, ids=[why for _, why in BAD_ACTIONS])
def test_an_action_that_cannot_be_says_which_field_and_why(store: Session, wrong: dict[str, Any], why: str) -> None:
    case = a_case(store)
    with pytest.raises(NotPossible, match=why):
        care_plan.add_action(
            case.store, case.amina, case.referral.id, case.goal().id, **{"words": "Go", "who": "person", **wrong}
        )
    assert store.scalars(select(PlanAction)).all() == []


def test_ending_a_goal_leaves_its_actions_and_says_which_still_run(case: Case) -> None:
    goal = case.goal()
    for words, status in (("Ring", "done"), ("Go along", "in-progress"), ("Write", "planned")):
        care_plan.add_action(
            case.store, case.amina, case.referral.id, goal.id, words=words, who="person", status=status
        )
    ended = care_plan.become(case.store, case.amina, case.referral.id, goal.id, goals.PUT_ASIDE)
    assert [one.words for one in ended.left_over] == ["Write", "Go along"]
    assert care_plan.end_actions(case.store, case.amina, case.referral.id, goal.id, "stopped") == 2
    assert [one.status for one in plan_of(case).goals[0].actions] == ["done", "stopped", "stopped"]
    with pytest.raises(NotPossible, match="status: not-listed"):
        care_plan.end_actions(case.store, case.amina, case.referral.id, goal.id, "planned")


def test_another_service_has_no_plan_here_and_an_analyst_has_no_part_in_it(case: Case) -> None:
    goal = case.goal()
    action = care_plan.add_action(case.store, case.amina, case.referral.id, goal.id, words="Go", who="person")
    stranger, analyst = case.elsewhere, acting(a_colleague(case.store, case.service, Role.ANALYST))
    with pytest.raises(Gone):
        care_plan.set_action(case.store, stranger, case.referral.id, action.id, "done")
    with pytest.raises(Gone):
        care_plan.action_of(case.store, stranger, a_referral(case.store, case.service), action.id)
    with pytest.raises(access.Refused):
        care_plan.set_action(case.store, analyst, case.referral.id, action.id, "done")
    with pytest.raises(access.Refused):
        care_plan.of_referral(case.store, analyst, case.referral)
    assert action.status == "planned"


# Agreeing and versions -----------------------------------------------------------------------------------------------


def test_a_plan_is_agreed_only_when_a_risk_or_none_was_said(case: Case) -> None:
    case.goal()
    with pytest.raises(agreeing.RiskNotSaid):
        agreeing.agree(case.store, case.amina, case.referral.id, agreed="yes", seen=plan_of(case).seen)
    agreed(case, review_due=today() + timedelta(days=30))
    plan = plan_of(case)
    assert plan.agreed
    assert plan.row is not None
    assert (plan.row.agreed, plan.row.agreed_by, plan.row.number) == ("yes", "person", 1)
    assert plan.row.review_due == today() + timedelta(days=30)


def test_whoever_decides_for_somebody_has_a_name_and_a_no_has_a_reason(case: Case) -> None:
    risks.none_known(case.store, case.amina, case.referral.id)
    for wrong, why in (
        ({"agreed": "yes", "by": "representative", "name": " "}, "name: missing"),
        ({"agreed": "no"}, "why_not: missing"),
        ({"agreed": "perhaps"}, "agreed: not-listed"),
        ({"agreed": "yes", "by": "neighbour"}, "by: not-listed"),
        ({"agreed": "yes", "review_due": date(2020, 1, 1)}, "review_due: past"),
    ):
        said: dict[str, Any] = {"seen": plan_of(case).seen, **wrong}
        with pytest.raises(NotPossible, match=why):
            agreeing.agree(case.store, case.amina, case.referral.id, **said)
    agreed(case, by="representative", name="Rosa, attorney")
    assert plan_of(case).content["agreement"]["name"] == "Rosa, attorney"
    agreed(case, agreed="no", why_not="They want more time.")
    row = plan_of(case).row
    assert row is not None
    assert (row.agreed, row.agreed_by, row.agreed_name, row.why_not_agreed) == (
        *("no", None, None),
        "They want more time.",
    )


def test_nobody_agrees_to_what_they_have_not_seen(case: Case) -> None:
    goal = case.goal()
    seen = plan_of(case).seen
    care_plan.add_action(case.store, case.ben, case.referral.id, goal.id, words="Ring", who="worker")
    risks.none_known(case.store, case.amina, case.referral.id)
    with pytest.raises(Meanwhile):
        agreeing.agree(case.store, case.amina, case.referral.id, agreed="yes", seen=seen)
    assert not plan_of(case).agreed


def test_from_the_day_it_is_agreed_every_change_keeps_the_whole_plan(case: Case) -> None:
    goal = case.goal()
    action = care_plan.add_action(case.store, case.amina, case.referral.id, goal.id, words="Ring", who="worker")
    saved(case, "Sings")
    assert care_plan.versions(case.store, case.amina, case.referral) == [], "nobody has agreed to anything yet"
    agreed(case)
    agreed(case)  # pressed twice
    need = plan_of(case).needs[0].row
    assert need is not None
    care_plan.set_action(case.store, case.ben, case.referral.id, action.id, "done")
    care_plan.set_action(case.store, case.ben, case.referral.id, action.id, "done")
    saved(case, "Sings, and cooks for ten")
    care_plan.change_need(
        *(case.store, case.ben, case.referral.id, need.id),
        status="improving",
        words="",
        seen=stamp(care_plan.says_need(need)),
    )
    care_plan.become(case.store, case.amina, case.referral.id, goal.id, goals.ACHIEVE)
    kept = care_plan.versions(case.store, case.amina, case.referral)
    assert [one.number for one in kept] == [5, 4, 3, 2, 1]
    assert [one.content["act"] for one in kept] == [*["changed"] * 4, "agreed"]
    first, last = kept[-1].content, kept[0].content
    assert first["strengths"] == "Sings"
    assert first["needs"][0]["goals"][0]["actions"][0]["status"] == "planned"
    assert last["needs"][0]["status"] == "improving"
    assert last["needs"][0]["goals"][0]["status"] == goals.ACHIEVED
    assert plan_of(case).changed_since
    agreed(case)
    assert not plan_of(case).changed_since


def test_a_goal_that_the_person_changes_makes_a_version_without_a_name(case: Case) -> None:
    goal = case.goal()
    agreed(case)
    goals.become(case.store, case.service.id, case.referral.person_id, goal.id, goals.PUT_ASIDE)
    care_plan.goals_changed(case.store, case.service.id, case.referral.person_id, None)
    care_plan.goals_changed(case.store, case.service.id, case.referral.person_id, None)
    latest, *_ = care_plan.versions(case.store, case.amina, case.referral)
    assert (latest.number, latest.made_by) == (2, None)


def test_two_versions_beside_each_other_say_what_came_went_and_changed(case: Case) -> None:
    goal = case.goal()
    action = care_plan.add_action(case.store, case.amina, case.referral.id, goal.id, words="Ring", who="worker")
    agreed(case)
    care_plan.set_action(case.store, case.amina, case.referral.id, action.id, "done")
    care_plan.add_need(case.store, case.amina, case.referral.id, need="food")
    new, _, old = care_plan.versions(case.store, case.amina, case.referral)
    said = {(one.kind, (one.after or one.before).key): one for one in beside(old.content, new.content)}  # type: ignore[union-attr]
    assert said["action", str(action.id)].differs
    assert said["need", "food"].before is None
    assert said["need", "food"].differs
    assert not said["goal", str(goal.id)].differs
    back = [(one.kind, one.after is None) for one in beside(new.content, old.content)]
    assert ("need", True) in back, "what is only in the earlier one is shown as taken out"
    assert [kind for kind, _ in back] == ["strengths", "need", "goal", "action", "need", "review", "agreement"]


def test_the_person_reads_what_they_agreed_and_not_what_was_changed_since(case: Case) -> None:
    goal = case.goal()
    action = care_plan.add_action(case.store, case.amina, case.referral.id, goal.id, words="Ring", who="worker")
    assert care_plan.for_person(case.store, case.service.id, case.referral.person_id) == []
    agreed(case)
    care_plan.change_action(
        *(case.store, case.ben, case.referral.id, action.id),
        words="Ring, if she wants it",
        seen=stamp(care_plan.says_action(action)),
    )
    (theirs,) = care_plan.for_person(case.store, case.service.id, case.referral.person_id)
    assert theirs.content["needs"][0]["goals"][0]["actions"][0]["words"] == "Ring"
    assert theirs.changed_since
    assert theirs.agreed_on == today()


# Two workers at once -------------------------------------------------------------------------------------------------


def test_of_two_workers_who_save_at_once_the_second_sees_both_and_nothing_is_lost(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = a_case(store)
        seen = stamp(care_plan.says_plan(None))
        referral_id, workers = case.referral.id, (case.amina, case.ben)
    clashes: list[tuple[str, Meanwhile]] = []
    together = threading.Barrier(2)

    def write(actor: access.Actor) -> None:
        with stores.writing() as store:
            together.wait()
            try:
                care_plan.save(
                    store, actor, referral_id, strengths=f"Words of {actor.name}", review_due=None, seen=seen
                )
                store.commit()
            except Meanwhile as clash:
                clashes.append((actor.name, clash))

    both = [threading.Thread(target=write, args=(actor,)) for actor in workers]
    for one in both:
        one.start()
    for one in both:
        one.join()
    ((second, clash),) = clashes
    first = next(actor for actor in workers if actor.name != second)
    assert clash.says["strengths"] == f"Words of {first.name}"
    assert clash.by == first.staff_id
    with stores.writing.begin() as store:
        actor = next(actor for actor in workers if actor.name == second)
        care_plan.save(*(store, actor, referral_id), strengths="Mine", review_due=None, seen=clash.seen, over=True)
    with stores.reading() as store:
        kept = store.scalars(select(CarePlanVersion).order_by(CarePlanVersion.number)).all()
        assert [one.content["strengths"] for one in kept] == [f"Words of {first.name}", "Mine"]


def test_two_workers_who_begin_a_plan_at_once_begin_one(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = a_case(store)
        goal_id, referral_id, workers = case.goal().id, case.referral.id, (case.amina, case.ben)
    failed: list[BaseException] = []
    together = threading.Barrier(2)

    def write(actor: access.Actor) -> None:
        with stores.writing() as store:
            together.wait()
            try:
                for number in range(3):
                    care_plan.add_action(
                        store, actor, referral_id, goal_id, words=f"{actor.name} {number}", who="worker"
                    )
                    store.commit()
            except BaseException as fault:
                failed.append(fault)

    both = [threading.Thread(target=write, args=(actor,)) for actor in workers]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert failed == []
    with stores.reading() as store:
        assert len(store.scalars(select(PlanAction)).all()) == 6


def test_a_need_and_an_action_that_somebody_else_saved_meanwhile_are_not_written_over(case: Case) -> None:
    action = care_plan.add_action(case.store, case.amina, case.referral.id, case.goal().id, words="Ring", who="worker")
    need = plan_of(case).needs[0].row
    assert need is not None
    seen_action, seen_need = stamp(care_plan.says_action(action)), stamp(care_plan.says_need(need))
    care_plan.change_action(case.store, case.ben, case.referral.id, action.id, words="Ring on Monday", seen=seen_action)
    care_plan.change_need(case.store, case.ben, case.referral.id, need.id, status="open", words="Ben's", seen=seen_need)
    with pytest.raises(Meanwhile) as clash:
        care_plan.change_action(
            case.store, case.amina, case.referral.id, action.id, words="Ring on Friday", seen=seen_action
        )
    assert clash.value.says["words"] == "Ring on Monday"
    assert clash.value.by == case.ben.staff_id
    with pytest.raises(Meanwhile):
        care_plan.change_need(
            case.store, case.amina, case.referral.id, need.id, status="open", words="Amina's", seen=seen_need
        )
    # The same words from both are no quarrel.
    care_plan.change_action(
        case.store, case.amina, case.referral.id, action.id, words="Ring on Monday", seen=seen_action
    )


def test_no_word_of_a_plan_is_in_the_audit(case: Case) -> None:
    goal = case.goal("To sing again.")
    care_plan.add_action(case.store, case.amina, case.referral.id, goal.id, words="Ring Rosa", who="worker")
    saved(case, "Sings like Ella")
    agreed(case)
    case.store.flush()
    told = str([(one.act, one.details) for one in case.store.scalars(select(AuditEvent))])
    assert not any(word in told for word in ("sing", "Rosa", "Ella"))


# The pages -----------------------------------------------------------------------------------------------------------


class Desk:
    """Amina at her desk, with a case that she has taken."""

    def __init__(self, client: InspectedClient, store: Session) -> None:
        self.store, self.client = store, client
        self.service: Service = a_service(store)
        staff_member(store, self.service, Role.MANAGER, name="Mo Manager")
        self.amina: Member = staff_member(store, self.service, name="Amina")
        self.known = somebody(store, self.service, self.amina.actor, needs=["loneliness"])
        self.referral: Referral = referrals.accept(store, self.service, self.amina.actor, self.known.referral.id)
        self.case = Case(store, self.service, self.amina.actor, self.amina.actor, self.amina.actor, self.referral)
        self.goal = self.case.goal()
        store.commit()
        sign_in(client, store, self.amina)

    def at(self, path: str = "") -> str:
        return f"/staff/referrals/{self.referral.id}/care-plan{path}"


@pytest.fixture
def desk(client: InspectedClient, store: Session) -> Iterator[Desk]:
    yield Desk(client, store)
    store.rollback()
    client.application.extensions["stores"].engine.dispose()


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def test_a_plan_is_written_agreed_and_compared_on_its_pages(desk: Desk) -> None:
    client, action_page = desk.client, desk.at(f"/goals/{desk.goal.id}/actions/add")
    assert (
        press(client, desk.at("/needs/add"), "/needs/add", need="digital", words="Fears the phone").status_code == 303
    )
    added = press(client, action_page, "/actions/add", words="Ring the choir", who="worker", status="planned", sure="8")
    assert added.status_code == 303
    plan = words_of(client.get(desk.at()))
    for said in ("Feeling lonely", "To sing again.", "Ring the choir", "8 of 10 sure", "Fears the phone", "Not agreed"):
        assert said in plan
    refused = press(client, desk.at("/agree"), "/agree", agreed="person")
    assert refused.status_code == 422
    assert "write down a risk, or say that none is known" in words_of(refused)
    assert press(client, desk.at("/agree"), "/agree", agreed="person", none_known="y").status_code == 303
    done = press(client, desk.at(), "/done")
    assert done.status_code == 303
    beside_each_other = words_of(client.get(desk.at("/versions")))
    assert "Version 2 beside version 1" in beside_each_other
    assert "1 thing differs." in beside_each_other
    assert "Ring the choir (Planned)" in beside_each_other
    assert "Ring the choir (Done)" in beside_each_other
    assert "Version 1" in words_of(client.get(desk.at("/versions?number=1")))
    assert client.get(desk.at("/versions?number=99999999&before=x")).status_code == 200
    assert "Changed since" in words_of(client.get(desk.at()))


def test_versions_that_somebody_made_at_once_stand_in_one_line_with_each_of_them_behind_it(desk: Desk) -> None:
    assert "No version has been kept yet." in words_of(desk.client.get(desk.at("/versions")))
    goal: dict[str, Any] = {"words": "Ring the choir", "who": "worker"}
    for _ in range(2):
        care_plan.add_action(desk.store, desk.amina.actor, desk.referral.id, desk.goal.id, **goal)
    desk.store.commit()
    assert press(desk.client, desk.at("/agree"), "/agree", agreed="person", none_known="y").status_code == 303
    for _ in range(2):
        assert press(desk.client, desk.at(), "/done").status_code == 303
    page = desk.client.get(desk.at("/versions"))
    said = words_of(page)
    assert said.count("(2 times)") == 1
    assert "Each of these versions" in said
    assert "What stayed the same" in said
    links = [link.get("href", "") for link in Page(page.get_data(as_text=True)).all("a")]
    assert any(link.endswith("versions?number=2") for link in links), "each is there still"
    whole = words_of(desk.client.get(desk.at("/versions?number=3&before=1")))
    assert "Version 3 beside version 1" in whole
    assert "2 things differ." in whole


def test_the_second_of_two_workers_sees_both_texts_and_chooses(desk: Desk) -> None:
    def other(words: str) -> None:
        saved(desk.case, words)
        desk.store.commit()

    def sent(page: str, **typed: str) -> Any:
        token = field(page, "csrf_token")
        data = {"csrf_token": token, "seen": field(page, "seen"), "review_due": "", **typed}
        return desk.client.post(desk.at("/change"), data=data)

    opened = desk.client.get(desk.at("/change")).get_data(as_text=True)
    other("She bakes.")
    clash = sent(opened, strengths="He sings.")
    assert clash.status_code == 409
    said = words_of(clash)
    for both in ("She bakes.", "He sings.", "Somebody else saved this", "Amina saved it", "Leave what is saved now"):
        assert both in said
    again = clash.get_data(as_text=True)
    assert sent(again, strengths="He sings.", keep="both").status_code == 303
    now = care_plan.says_plan(plan_of(desk.case).row)["strengths"]
    assert now == "She bakes.\n\nHe sings."
    desk.store.rollback()
    opened = desk.client.get(desk.at("/change")).get_data(as_text=True)
    other("She swims.")
    clash = sent(opened, strengths="He paints.")
    assert sent(clash.get_data(as_text=True), strengths="He paints.", keep="mine").status_code == 303
    kept = [one.content["strengths"] for one in care_plan.versions(desk.store, desk.amina.actor, desk.referral)]
    assert "She swims." in kept, "what was written over is in a version"
    assert care_plan.says_plan(plan_of(desk.case).row)["strengths"] == "He paints."


def test_a_page_that_lay_open_too_long_keeps_what_was_typed(desk: Desk) -> None:
    kept = desk.client.post(
        desk.at(f"/goals/{desk.goal.id}/actions/add"), data={"words": "Ring the choir", "who": "worker"}
    )
    assert kept.status_code == 422
    assert "Ring the choir" in kept.get_data(as_text=True)
    assert "This page was open for a long time" in words_of(kept)


def test_what_is_wrong_is_said_and_everything_typed_is_still_there(desk: Desk) -> None:
    page = desk.at(f"/goals/{desk.goal.id}/actions/add")
    wrong = press(desk.client, page, "/actions/add", words="Ring", who="worker", status="planned", due="soon")
    assert wrong.status_code == 422
    assert "Enter a date, such as 24 11 2026" in words_of(wrong)
    assert 'value="soon"' in wrong.get_data(as_text=True)
    assert desk.store.scalars(select(PlanAction)).all() == []


def test_setting_a_goal_aside_offers_to_end_what_is_still_to_be_done(desk: Desk) -> None:
    care_plan.add_action(desk.store, desk.amina.actor, desk.referral.id, desk.goal.id, words="Go along", who="person")
    desk.store.commit()
    assert press(desk.client, desk.at(), "/set-aside").status_code == 303
    assert "1 action is still open. Does it end too?" in words_of(desk.client.get(desk.at()))
    assert press(desk.client, desk.at(), "/end-actions", status="stopped").status_code == 303
    assert "still open" not in words_of(desk.client.get(desk.at()))


def test_the_plan_of_another_case_is_not_there(desk: Desk) -> None:
    other = a_referral(desk.store, desk.service)
    action = care_plan.add_action(
        desk.store, desk.amina.actor, desk.referral.id, desk.goal.id, words="Go along", who="person"
    )
    desk.store.commit()
    address = f"/staff/referrals/{other.id}/care-plan/actions/{action.id}"
    assert desk.client.get(address).status_code == 404
    assert desk.client.get(desk.at(f"/needs/{uuid.uuid4()}")).status_code == 404


def test_the_case_page_folds_and_has_an_index_whose_links_lead_somewhere(desk: Desk) -> None:
    page = Page(desk.client.get(f"/staff/referrals/{desk.referral.id}").get_data(as_text=True))
    (index,) = [one for one in page.all("nav") if one.get("class") == "portal-index"]
    ids = {one.get("id") for one in page.all("h2")}
    links = [one.get("href", "") for one in index.iter("a")]
    assert len(links) > 12
    assert {link.removeprefix("#") for link in links} <= ids
    assert len(page.all("details")) > 4
