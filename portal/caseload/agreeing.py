"""Agreeing a plan with the person, or with somebody who may decide for them; or why it is not agreed (PRSB 19)."""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from portal import audit
from portal.access import Actor
from portal.caseload import care_plan, letters, risks
from portal.caseload.care_plan import LONGEST_NAME, CarePlan, Meanwhile
from portal.caseload.cases import NotPossible, held, plain, service_of
from portal.caseload.lists import AGREED_BY, codes_in
from portal.clock import now, today

LONGEST_WHY = 500


class RiskNotSaid(ValueError):
    """A plan is agreed only when a risk is recorded, or that none is known."""


def agree(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    agreed: str,
    seen: str,
    by: str = "person",
    name: str = "",
    why_not: str = "",
    review_due: date | None = None,
) -> CarePlan:
    """Write down that the plan is agreed (``yes``: by the person, or by a representative with a name), or why it is not
    (``no``). ``seen``: the stamp of the plan that lay before them (``Plan.seen``): nobody agrees to what they have not
    seen. Makes a version, and whoever is to be told gets a message that waits. Agreed twice, it is agreed once.

    Raises ``Gone``, ``NotPossible`` (agreed, by: not-listed; name, why_not: missing, too-long, unreadable; review_due:
    past), ``RiskNotSaid`` and ``Meanwhile`` (with nothing in ``says``: the page shows the plan as it is now).
    """
    problems: dict[str, str] = {}
    yes = agreed == "yes"
    if agreed not in ("yes", "no"):
        problems["agreed"] = "not-listed"
    if yes and by not in codes_in(AGREED_BY):
        problems["by"] = "not-listed"
    their_name = plain(name, LONGEST_NAME, "name", problems, needed=yes and by == "representative")
    because = plain(why_not, LONGEST_WHY, "why_not", problems, needed=agreed == "no")
    if review_due and review_due < today():
        problems["review_due"] = "past"
    if problems:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    plan = care_plan.of_referral(store, actor, referral)
    wanted = (agreed, by if yes else None, (their_name or None) if yes else None, None if yes else because)
    row = plan.row
    if row and not plan.changed_since and _says(row) == wanted and review_due in (None, row.review_due):
        return row
    if plan.seen != seen:
        raise Meanwhile({}, plan.seen)
    if not risks.is_said(store, referral):
        raise RiskNotSaid
    care_plan.adopt_needs(store, actor, referral)
    row = care_plan.begun(store, referral)
    row.agreed, row.agreed_by, row.agreed_name, row.why_not_agreed = wanted
    row.agreed_at = now()
    if review_due:
        row.review_due = review_due
    act = care_plan.AGREED if yes else care_plan.NOT_AGREED
    audit.record(
        store, actor.service_id, actor, "agreed a plan" if yes else "did not agree a plan", "care_plan", row.id
    )
    care_plan.note(store, actor, referral, act)
    if yes and referral.first_contact_at is not None:
        letters.wanted(store, service_of(store, referral), actor, referral, "plan")
    return row


def _says(row: CarePlan) -> tuple[str | None, ...]:
    return (row.agreed, row.agreed_by, row.agreed_name, row.why_not_agreed)
