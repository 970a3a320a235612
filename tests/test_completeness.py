"""What is still missing in a case: every check sees its gap and sees it filled, and every link leads to a page."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock, measures, people, referrals
from portal.access import Role
from portal.caseload import access_needs, agreeing, care_plan, completeness, contacts, risks, triage
from portal.caseload.completeness import CHECKS
from portal.clock import today
from portal.store import CheckIn, Closure, Onward, Referral
from portal.web.caseload.case import FILLED_ON
from tests.cases import Case, a_case
from tests.inspector import InspectedClient, Page
from tests.world import a_referral, a_service, sign_in, staff_member, words_of

ASKED = {"access_needs": ["hearing"], "interpreter": "no", "share_gp": "yes", "needs": ["loneliness"]}


def missing(case: Case) -> set[str]:
    return {one.code for one in completeness.of_case(case.store, case.amina, case.referral).missing}


def counted(case: Case) -> set[str]:
    return {one.code for one in completeness.of_case(case.store, case.amina, case.referral).counted}


def _contact(case: Case, *, outcome: str = "spoke", ais_met: str | None = "yes", days: int | None = 7) -> None:
    next_due = today() + timedelta(days=days) if days else None
    contacts.record(
        *(case.store, case.service, case.amina, case.referral.id),
        once=f"{outcome} {ais_met} {days}",
        outcome=outcome,
        ais_met=ais_met,
        next_due=next_due,
    )


def _goal_with_action(case: Case) -> None:
    goal = case.goal()
    care_plan.add_action(case.store, case.amina, case.referral.id, goal.id, words="Ring the choir", who="worker")


def _agree(case: Case) -> None:
    seen = care_plan.of_referral(case.store, case.amina, case.referral).seen
    day = today() + timedelta(days=60)
    agreeing.agree(case.store, case.amina, case.referral.id, agreed="yes", seen=seen, review_due=day)


def whole(case: Case) -> None:
    """Everything that a case should have."""
    _contact(case)
    risks.none_known(case.store, case.amina, case.referral.id)
    triage.set_practice(case.store, case.amina, case.referral.id, "A81001")
    _goal_with_action(case)
    _agree(case)
    for one in measures.of_referral(case.store, case.service.id, case.referral.id):
        if one.due_at <= clock.now():
            measures.say_why_not(case.store, case.amina, one.id, "declined")


def test_the_list_of_checks_is_whole_and_each_is_filled_in_somewhere() -> None:
    assert len({one.code for one in CHECKS}) == len(CHECKS)
    assert {one.where for one in CHECKS} == set(FILLED_ON)
    assert all(one.label and one.why and one.standard for one in CHECKS)


def test_a_case_with_everything_lacks_nothing_and_says_of_how_much(store: Session) -> None:
    case = a_case(store, ASKED)
    found = completeness.of_case(store, case.amina, case.referral)
    assert len(found.missing) > 0
    assert found.there == len(found.counted) - len(found.missing)
    whole(case)
    found = completeness.of_case(store, case.amina, case.referral)
    assert [one.code for one in found.missing] == []
    assert found.there == len(found.counted) > 12


def _unassigned(case: Case) -> None:
    case.referral.assigned_to = None


def _no_next_day(case: Case) -> None:
    with clock.later(timedelta(minutes=5)):
        _contact(case, days=None)


def _risk_ended(case: Case) -> None:
    (one,) = risks.of_person(case.store, case.service.id, case.referral.person_id)
    risks.end(case.store, case.amina, case.referral.id, one.id)


def _raised(case: Case) -> None:
    for one in access_needs.of_person(case.store, case.service.id, case.referral.person_id):
        one.review_due = today()


def _not_asked_whether_met(case: Case) -> None:
    with clock.later(timedelta(minutes=5)):
        _contact(case, ais_met=None)


def _blank(column: str, value: str | None) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        setattr(people.read(case.store, case.amina, case.referral.person_id), column, value)

    return do


def _goal_without_action(case: Case) -> None:
    case.goal("To swim.")


def _old_review(case: Case) -> None:
    row = care_plan.of_referral(case.store, case.amina, case.referral).row
    assert row is not None
    row.review_due = today() - timedelta(days=1)


def _check_in_was_due(case: Case) -> None:
    *_, last = measures.of_referral(case.store, case.service.id, case.referral.id)
    last.due_at = clock.now() - timedelta(days=1)


def _onward_unasked(case: Case) -> None:
    case.store.add(
        Onward(
            service_id=case.service.id,
            person_id=case.referral.person_id,
            referral_id=case.referral.id,
            once="one",
            kind="signpost",
            activity_name="Choir",
            need="loneliness",
            made_on=today(),
            made_by=case.amina.staff_id,
            shared={},
            status="offered",
            status_on=today(),
            barriers=[],
        )
    )


GAPS: list[tuple[str, Callable[[Case], None]]] = [
    ("worker", _unassigned),
    ("next-step", _no_next_day),
    ("risk", _risk_ended),
    ("gp-practice", _blank("gp_practice_code", None)),
    ("access-needs-reviewed", _raised),
    ("access-needs-met", _not_asked_whether_met),
    ("interpreter", _blank("interpreter", "left-blank")),
    ("action", _goal_without_action),
    ("agreed", _goal_without_action),
    ("plan-review", _old_review),
    ("check-ins", _check_in_was_due),
    ("onward", _onward_unasked),
]


@pytest.mark.parametrize(("code", "spoil"), GAPS, ids=[f"{code}-{spoil.__name__}" for code, spoil in GAPS])
def test_each_gap_is_seen_when_it_opens(store: Session, code: str, spoil: Callable[[Case], None]) -> None:
    case = a_case(store, ASKED)
    whole(case)
    spoil(case)
    store.flush()
    assert code in missing(case)


def test_what_was_left_blank_in_the_form_is_missing_and_what_they_would_not_say_is_not(store: Session) -> None:
    case = a_case(store, needs=["loneliness"])
    assert {"access-needs", "interpreter", "share-gp", "first-contact"} <= missing(case)
    silent = a_referral(
        store,
        case.service,
        answers={
            **dict.fromkeys(("access_needs", "interpreter", "share_gp"), "prefer-not-to-say"),
            "needs": ["money"],
        },
    )
    referrals.accept(store, case.service, case.amina, silent.id)
    case.referral = silent
    assert not {"access-needs", "interpreter", "share-gp"} & missing(case)


def test_what_does_not_count_for_a_case_is_in_neither_number(store: Session) -> None:
    case = a_case(store, needs=["loneliness"])
    assert not {"goal", "agreed", "plan-review", "onward", "access-needs-met", "summary"} & counted(case)
    new = a_referral(store, case.service)
    found = completeness.of_case(store, case.amina, new)
    assert (list(found.counted), list(found.missing)) == ([], [])


def test_an_end_without_a_summary_is_a_gap(store: Session) -> None:
    case = a_case(store, ASKED)
    whole(case)
    referrals.set_status(store, case.amina, case.referral, "closed")
    assert "summary" in missing(case)
    ended = Closure(
        service_id=case.service.id,
        person_id=case.referral.person_id,
        referral_id=case.referral.id,
        reason="goals-met",
        outcomes={},
        summary="Sings again.",
        no_action=True,
        closed_at=clock.now(),
        closed_by=case.amina.staff_id,
        retention_review_due=today(),
    )
    store.add(ended)
    store.flush()
    assert "summary" not in missing(case)
    assert "next-step" not in counted(case)


def test_every_gap_on_the_page_leads_to_a_page_that_opens(client: InspectedClient, store: Session) -> None:
    service = a_service(store)
    staff_member(store, service, Role.MANAGER)
    amina = staff_member(store, service, name="Amina")
    referral = a_referral(store, service, needs=["loneliness"])
    referrals.accept(store, service, amina.actor, referral.id)
    for one in store.scalars(select(CheckIn).where(CheckIn.referral_id == referral.id)):
        one.due_at = clock.now() - timedelta(days=1)
    store.commit()
    sign_in(client, store, amina)
    answer = client.get(f"/staff/referrals/{referral.id}")
    found = completeness.of_case(store, amina.actor, store.get_one(Referral, (service.id, referral.id)))
    assert f"{found.there} of {len(found.counted)} things are there." in words_of(answer)
    for gap in found.missing:
        assert gap.why in words_of(answer)
        assert all(name in words_of(answer) for name, _ in gap.standard), gap.code
    page = Page(answer.get_data(as_text=True))
    titles = {one.label for one in found.missing}
    links = {"".join(link.itertext()).strip(): link.get("href", "") for link in page.all("a")}
    assert titles <= set(links)
    for title in titles:
        where, _, part = links[title].partition("#")
        there = client.get(where)
        assert there.status_code == 200
        ids = {one.get("id") for one in Page(there.get_data(as_text=True)).elements}
        assert not part or part in ids, title
    store.rollback()
    client.application.extensions["stores"].engine.dispose()
