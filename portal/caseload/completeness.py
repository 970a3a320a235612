"""What is still missing in a case before the month ends: one list of checks, each with its reason and its standard.

Nothing blocks for it and nothing is filled in to please it: where the person was asked and did not want to say, nothing
is missing. It is shown as a share with its denominator, never as a colour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, goals, people
from portal.access import Actor, Permission
from portal.caseload import care_plan
from portal.caseload.lists import ONWARD_OVER, REACHED
from portal.caseload.triage import needs_to_review, risk_is_said
from portal.clock import now, today
from portal.i18n import N_
from portal.journeys import LEFT_BLANK, NOT_ASKED
from portal.measures import UNFINISHED
from portal.store import AccessNeed, CheckIn, Closure, Contact, Onward, Referral, ServiceUser


@dataclass(frozen=True)
class Known:
    """A case, as the checks look at it."""

    store: Session
    referral: Referral
    person: ServiceUser
    plan: care_plan.Plan

    @property
    def was_reached(self) -> bool:
        """Whether somebody has spoken with the person."""
        return self.referral.first_contact_at is not None


Look = Callable[[Known], bool | None]
"""Whether it is there; ``None`` where it does not count for this case."""


@dataclass(frozen=True)
class Check:
    """One thing that a case should have. ``why`` says why it matters, ``standard`` which standard asks for it, and in
    which of its parts; ``where`` names the page on which it is filled in (a code that the door knows)."""

    code: str
    label: str
    why: str
    standard: "tuple[tuple[str, str], ...]"
    where: str
    there: Look


@dataclass(frozen=True)
class Found:
    """What the checks found: those that count for this case, and of them those that are missing."""

    counted: Sequence[Check]
    missing: Sequence[Check]

    @property
    def there(self) -> int:
        """How many of the counted ones are there."""
        return len(self.counted) - len(self.missing)


def _assigned(case: Known) -> bool | None:
    return case.referral.assigned_to is not None


def _first_contact(case: Known) -> bool | None:
    return case.was_reached


def _next_step(case: Known) -> bool | None:
    return case.referral.next_due is not None if case.referral.status in ("accepted", "active") else None


def _risk(case: Known) -> bool | None:
    return risk_is_said(case.store, case.referral)


def _practice(case: Known) -> bool | None:
    return case.person.gp_practice_code is not None


def _access_asked(case: Known) -> bool | None:
    blank = case.person.access_needs_absent in (LEFT_BLANK, NOT_ASKED)
    any_row = access.rows_of(case.referral.service_id, AccessNeed).where(AccessNeed.person_id == case.person.id)
    return not blank or case.store.scalars(any_row.limit(1)).first() is not None


def _access_reviewed(case: Known) -> bool | None:
    return not needs_to_review(case.store, case.referral) if _has_access_needs(case) else None


def _has_access_needs(case: Known) -> bool:
    open_ones = access.rows_of(case.referral.service_id, AccessNeed).where(
        AccessNeed.person_id == case.person.id, AccessNeed.ended_at.is_(None)
    )
    return case.store.scalars(open_ones.limit(1)).first() is not None


def _access_met(case: Known) -> bool | None:
    if not _has_access_needs(case):
        return None
    reached = access.rows_of(case.referral.service_id, Contact).where(
        Contact.referral_id == case.referral.id, Contact.outcome.in_(REACHED)
    )
    last = case.store.scalars(reached.order_by(Contact.happened_at.desc(), Contact.id.desc()).limit(1)).first()
    return last.ais_met is not None if last else None


def _interpreter(case: Known) -> bool | None:
    return case.person.interpreter not in (LEFT_BLANK, NOT_ASKED)


def _need(case: Known) -> bool | None:
    return bool(case.plan.needs)


def _goal(case: Known) -> bool | None:
    return bool(case.plan.goals) if case.was_reached else None


def _action(case: Known) -> bool | None:
    working_on = [goal for goal in case.plan.goals if goal.line.goal.status == goals.ACTIVE]
    return all(goal.actions for goal in working_on) if working_on else None


def _agreed(case: Known) -> bool | None:
    if not case.plan.goals:
        return None
    row = case.plan.row
    return row is not None and row.agreed is not None and not case.plan.changed_since


def _plan_review(case: Known) -> bool | None:
    row = case.plan.row
    if row is None or row.agreed is None or not case.referral.is_open:
        return None
    return row.review_due is not None and row.review_due >= today()


def _check_ins(case: Known) -> bool | None:
    """Those that have been due: answered, or with a reason why not."""
    theirs = select(CheckIn.status).where(
        CheckIn.service_id == case.referral.service_id,
        CheckIn.referral_id == case.referral.id,
        CheckIn.due_at <= now(),
    )
    statuses = case.store.scalars(theirs).all()
    return not any(status in UNFINISHED for status in statuses) if statuses else None


def _onward(case: Known) -> bool | None:
    theirs = access.rows_of(case.referral.service_id, Onward).where(Onward.referral_id == case.referral.id)
    rows = case.store.scalars(theirs).all()
    asked = [one.status in ONWARD_OVER or (one.check_due is not None and one.check_due >= today()) for one in rows]
    return all(asked) if asked else None


def _share_gp(case: Known) -> bool | None:
    found = people.permissions_of(case.store, case.referral.service_id, case.person.id).get("share_gp")
    return found is not None and found.decision != LEFT_BLANK


def _summary(case: Known) -> bool | None:
    if case.referral.status != "closed":
        return None
    theirs = access.rows_of(case.referral.service_id, Closure).where(Closure.referral_id == case.referral.id)
    last = case.store.scalars(theirs.order_by(Closure.closed_at.desc(), Closure.id.desc()).limit(1)).first()
    return last is not None and bool(last.summary) and (last.no_action or bool(last.actions_professionals))


PRSB = N_("Social prescribing standard (PRSB)")
AIS = N_("Accessible Information Standard")
UK_CORE = N_("UK Core")
FIGURES = N_("Figures for commissioners")
OURS = N_("Our own rule")

CHECKS: tuple[Check, ...] = (
    Check(
        "worker",
        N_("Who looks after this case"),
        N_("The person has a name to ask for."),
        ((FIGURES, "6"),),
        "give",
        _assigned,
    ),
    Check(
        "first-contact",
        N_("A first contact"),
        N_("How long people wait is counted from it."),
        ((PRSB, "8"), (FIGURES, "4")),
        "contacts",
        _first_contact,
    ),
    Check(
        "next-step",
        N_("The next step and its day"),
        N_("Without a day nobody is reminded, and a person waits without knowing."),
        ((OURS, ""),),
        "contacts",
        _next_step,
    ),
    Check(
        "risk",
        N_("A risk, or that none is known"),
        N_("Whoever reads the message to the GP must know that somebody has asked."),
        ((PRSB, "17"),),
        "risks",
        _risk,
    ),
    Check(
        "gp-practice",
        N_("The code of their GP practice, or that they have none"),
        N_("The message goes to the right practice, and referrals are counted by practice."),
        ((PRSB, "2"), (FIGURES, "1")),
        "gp-practice",
        _practice,
    ),
    Check(
        "access-needs",
        N_("Whether they need anything to understand us"),
        N_("It is their right, and we have to ask."),
        ((AIS, ""), (PRSB, "4")),
        "access-needs",
        _access_asked,
    ),
    Check(
        "access-needs-reviewed",
        N_("Their access needs, looked at again"),
        N_("Needs change. They are looked at every year and each time somebody comes to us."),
        ((AIS, ""),),
        "access-needs",
        _access_reviewed,
    ),
    Check(
        "access-needs-met",
        N_("Whether their access needs were met at the last contact"),
        N_("A need that is written down and not met helps nobody."),
        ((AIS, ""), (FIGURES, "14")),
        "contacts",
        _access_met,
    ),
    Check(
        "interpreter",
        N_("Whether they want an interpreter"),
        N_("Without one some people cannot say what matters to them."),
        ((UK_CORE, ""), (FIGURES, "11")),
        "interpreter",
        _interpreter,
    ),
    Check(
        "need",
        N_("What they want help with"),
        N_("Goals, places that help and reports all begin with it."),
        ((PRSB, "9"), (FIGURES, "13")),
        "plan",
        _need,
    ),
    Check(
        "goal",
        N_("A goal in their own words"),
        N_("Without one nobody can say whether it got better for them."),
        ((PRSB, "19"), (FIGURES, "7")),
        "plan",
        _goal,
    ),
    Check(
        "action",
        N_("What is done for each goal"),
        N_("A goal moves when somebody does something: who, and by when."),
        ((PRSB, "19"),),
        "plan",
        _action,
    ),
    Check(
        "agreed",
        N_("That the plan as it stands is agreed, or why not"),
        N_("It is their plan. What changes is agreed again."),
        ((PRSB, "19"), (FIGURES, "7")),
        "agree",
        _agreed,
    ),
    Check(
        "plan-review",
        N_("A day on which the plan is looked at again"),
        N_("So that the plan does not grow old unseen."),
        ((PRSB, "19"),),
        "plan-change",
        _plan_review,
    ),
    Check(
        "check-ins",
        N_("Every check-in that was due: answered, or why not"),
        N_("Without the first answers no change can be shown later."),
        ((FIGURES, "9"),),
        "check-ins",
        _check_ins,
    ),
    Check(
        "onward",
        N_("What became of the places they were told about"),
        N_("It shows what works, and what there is not enough of."),
        ((PRSB, "14"), (FIGURES, "8, 13")),
        "onward",
        _onward,
    ),
    Check(
        "share-gp",
        N_("Whether their GP practice may be told"),
        N_("Nothing goes to the practice without their yes, and no answer means no."),
        ((PRSB, "6"),),
        "share-gp",
        _share_gp,
    ),
    Check(
        "summary",
        N_("A summary of the end, and what professionals are asked to do"),
        N_("“Nothing” is an answer. A blank is not."),
        ((PRSB, "11, 18"),),
        "closing",
        _summary,
    ),
)


def of_case(store: Session, actor: Actor, referral: Referral) -> Found:
    """What is there and what is missing in this case. A referral that nobody has taken, or that went elsewhere, is no
    case: nothing counts."""
    access.require(actor, Permission.READ_REFERRAL)
    if not (referral.is_open or referral.status == "closed"):
        return Found((), ())
    person = people.read(store, actor, referral.person_id)
    case = Known(store, referral, person, care_plan.of_referral(store, actor, referral))
    looked = [(check, check.there(case)) for check in CHECKS]
    return Found(
        tuple(check for check, there in looked if there is not None),
        tuple(check for check, there in looked if there is False),
    )
