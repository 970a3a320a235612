"""The plan of check-ins of a referral: what is due when, asking now, saying why nothing comes back, one more review."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import feedback, instruments, measures, people
from portal.access import Permission
from portal.clock import now, today
from portal.feedback import CheckIn
from portal.i18n import N_, gettext, language_name, ngettext, say_date
from portal.journeys.engine import SPOKEN_LANGUAGES
from portal.measures import NotPossible, TextState
from portal.referrals import Referral
from portal.web import forms
from portal.web.admin import NOT_A_DAY, read_day
from portal.web.caseload.door import blueprint, contact_of, read
from portal.web.check_ins import OCCASIONS
from portal.web.security import allow, keeps_typed

NOT_NOW: dict[str, str] = {
    "finished": N_("This check-in has ended already."),
    "not-accepted": N_("Somebody has to accept the referral first."),
    "past": N_("That day is past, or too little time is left to answer."),
    "too-soon": N_("It is too soon: they were asked, or answered, only a short while ago, or it has not opened yet."),
    "closed": N_("The service is closed now. Nobody gets a message outside opening hours."),
    "today-already": N_("They have had a message from us today. Ask again tomorrow."),
    "asked-enough": N_("They have been asked often enough. Ask them when you talk, or say why nothing will come back."),
    "nothing-to-ask": N_("There is nothing that we may ask in their language. Ask them with an interpreter."),
}
NOTHING_AT_THE_END = N_(
    "No check-in waits for the end of the support: none is planned, or it has been asked for already."
)
TEXTS: dict[TextState, str] = {
    TextState.NOT_LOADED: N_("An official text exists, and is not loaded."),
    TextState.WAITING: N_("A text is loaded, and waits for a signature."),
    TextState.REFUSED: N_("The text that was loaded has been refused."),
    TextState.NOT_IN_HOLDER_LIST: N_("It is not in the list of the rights holder."),
    TextState.NONE_FOUND: N_("No official text was found."),
}
OURS = N_("The words are our own, and are not translated yet.")
DONE: dict[str, str] = {
    "asked": N_("A message with a link is on its way to them."),
    "refused": N_("We may not write to them in any safe way. It is on the list of things to do: ask them yourself."),
    "said": N_("Nobody asks them about this any more."),
    "added": N_("The review is in the plan."),
    "ends": N_("The check-in for the end of the support comes on that day, or when it was due if that is sooner."),
}


FARTHEST = timedelta(days=730)
"""A review lies no farther ahead; what does is a slip of the hand."""
TOO_FAR = N_("That day is more than two years away. Choose an earlier one")


class Review(forms.Form):
    """One more review."""

    due = forms.Code(
        N_("On which day?"),
        longest=40,
        hint=N_("A day that you and the person have agreed, such as 24 11 2026."),
        missing=NOT_A_DAY,
    )


class End(forms.Form):
    """When the support is planned to end."""

    ends = forms.Code(
        N_("On which day does the support end?"),
        longest=40,
        hint=N_("The day that you plan, such as 24 11 2026. If the last review is due later, it comes on this day."),
        missing=NOT_A_DAY,
    )


class WhyNot(forms.Form):
    """Why nothing comes back."""

    why = forms.OneOf(N_("Why will nothing come back?"), missing=N_("Choose why"))


@dataclass(frozen=True)
class Planned:
    """A check-in of the plan, in words. ``open``: an answer still counts; ``may_ask``: a message may be sent."""

    check_in: CheckIn
    name: str
    state: str
    open: bool
    may_ask: bool


def plan_of(referral: Referral) -> list[Planned]:
    """Every check-in of a referral, by when it is due."""
    found = measures.of_referral(g.store, g.actor.service_id, referral.id)
    return [
        Planned(
            one,
            say_check_in(one),
            _state(one),
            feedback.is_open(one),
            measures.goes_on(referral.status, one.occasion, Referral.OPEN)
            and one.status in ("ready", "in-progress")
            and one.opens_at <= now(),
        )
        for one in found
    ]


def next_of(plan: Sequence[Planned]) -> Planned | None:
    """The one that comes next, or that has come and is not answered."""
    return next((one for one in plan if one.check_in.status in ("ready", "in-progress", "on-hold")), None)


def say_check_in(check_in: CheckIn) -> str:
    """Which one it is."""
    name = gettext(OCCASIONS[check_in.occasion])
    return f"{name} {check_in.number}" if check_in.occasion == "review" else name


def _state(one: CheckIn) -> str:
    if one.status == "completed" and one.completed_at:
        return gettext(N_("Answered on %(day)s"), day=say_date(one.completed_at, weekday=False))
    if one.status == "cancelled":
        return gettext(measures.WHY_NOT[one.why_not]) if one.why_not else gettext(N_("Ended"))
    due, ends = say_date(one.due_at, weekday=False), say_date(one.closes_at, weekday=False)
    if one.opens_at > now():
        return gettext(N_("Due on %(day)s"), day=due)
    if one.status == "in-progress":
        return gettext(N_("Begun, and not finished. Open until %(day)s"), day=ends)
    if one.handed_to_staff_at:
        return gettext(N_("They get no more messages about it: ask them yourself. Open until %(day)s"), day=ends)
    if one.status == "on-hold":
        return gettext(N_("Waits until another check-in is done. Due on %(day)s"), day=due)
    if one.asked_at:
        asked = gettext(N_("Asked on %(day)s"), day=say_date(one.asked_at, weekday=False))
        reminded = ngettext("%(num)s reminder", "%(num)s reminders", one.reminders) if one.reminders else ""
        return ". ".join(filter(None, (asked, reminded, gettext(N_("Open until %(day)s"), day=ends))))
    return gettext(N_("Due on %(day)s, and not asked yet"), day=due)


@dataclass(frozen=True)
class Missing:
    """A scale that is planned and cannot be asked in the person's language. ``where``: the text that is not loaded."""

    title: str
    state: str
    where: str


def missing_words(referral: Referral, plan: Sequence[Planned]) -> tuple[str, list[Missing]]:
    """The language that the person likes to read, and the planned scales that have no words in it here."""
    person = people.read(g.store, g.actor, referral.person_id)
    language, age = person.written_language, measures.age_of(person, today())
    if language == "en" or language == "other" or language not in SPOKEN_LANGUAGES:
        return "", []
    wanted: dict[str, None] = {}
    for one in plan:
        if one.open:
            found = measures.not_available(g.store, g.service, one.check_in, language=language, age=age)
            wanted |= dict.fromkeys(found)
    states = measures.text_states(g.store, g.service) if wanted else {}
    shown = []
    for scale in wanted:
        line = next((one for one in states.get(scale, ()) if one.language == language), None)
        state = TEXTS.get(line.state, "") if line else TEXTS[TextState.NONE_FOUND]
        if instruments.catalogue()[scale].own_wording:
            state = OURS
        where = line.where if line and line.state is TextState.NOT_LOADED else ""
        shown.append(Missing(instruments.catalogue()[scale].title, gettext(state) if state else "", where))
    return language_name(language), shown


# The page of the plan ------------------------------------------------------------------------------------------------


def _page(referral: Referral, form: Review | End | None = None, problem: str = "") -> str:
    """``form``: the one that was sent, if it has a mistake."""
    review = form if isinstance(form, Review) else Review(formdata=None)
    end = form if isinstance(form, End) else End(formdata=None)
    return render_template(
        "caseload/plan.html",
        referral=referral,
        contact=contact_of(referral),
        plan=plan_of(referral),
        form=form or review,
        review=review,
        end=end,
        problem=problem,
        done=gettext(DONE[told]) if (told := request.args.get("done", "")) in DONE else "",
    )


def _to_plan(referral_id: uuid.UUID, done: str) -> ResponseReturnValue:
    return redirect(url_for("caseload.plan", referral_id=referral_id, done=done), 303)


def _check_in(referral: Referral, check_in_id: uuid.UUID) -> CheckIn:
    """A check-in of this very referral; of any other one there is none."""
    try:
        return feedback.find(g.store, g.actor.service_id, check_in_id, referral.id)
    except feedback.Gone:
        abort(404)


def _try(act: Callable[[], object]) -> str:
    """Do it; why it cannot be done now, in words, or nothing."""
    try:
        act()
    except NotPossible as problem:
        return gettext(NOT_NOW[str(problem)])
    except measures.Gone:
        abort(404)
    return ""


@blueprint.get("/referrals/<uuid:referral_id>/plan")
@allow(Permission.READ_REFERRAL, audits=True)
def plan(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Every check-in with its state, one more review, and when the support ends."""
    return _page(read(referral_id))


def _day(form: Review | End, name: str) -> date | None:
    """The day that was typed; ``None`` when it is none that can be planned, which the form then says."""
    if not form.sent():
        return None
    day = read_day(form[name].data)
    if day is None or day - today() > FARTHEST:
        form.refuse(name, gettext(NOT_A_DAY if day is None else TOO_FAR))
        return None
    return day


@blueprint.post("/referrals/<uuid:referral_id>/plan")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def add_review(referral_id: uuid.UUID) -> ResponseReturnValue:
    """One more review, on a day that was agreed."""
    referral, form = read(referral_id), Review()
    day = _day(form, "due")
    if day is None:
        return _page(referral, form), 422
    if problem := _try(lambda: measures.add_review(g.store, g.actor, referral.id, day)):
        form.refuse("due", problem)
        return _page(referral, form), 422
    return _to_plan(referral.id, "added")


@blueprint.post("/referrals/<uuid:referral_id>/plan/end")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def plan_end(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The support is planned to end on a day: the check-in for the end comes then, if that is sooner."""
    referral, form = read(referral_id), End()
    day = _day(form, "ends")
    if day is None:
        return _page(referral, form), 422
    found: list[CheckIn | None] = []
    problem = _try(lambda: found.append(measures.plan_end(g.store, g.actor, referral.id, day)))
    if not problem and found == [None]:
        problem = gettext(NOTHING_AT_THE_END)
    if problem:
        form.refuse("ends", problem)
        return _page(referral, form), 422
    return _to_plan(referral.id, "ends")


@blueprint.post("/referrals/<uuid:referral_id>/plan/<uuid:check_in_id>/ask")
@allow(Permission.DECIDE_REFERRAL)
def ask_now(referral_id: uuid.UUID, check_in_id: uuid.UUID) -> ResponseReturnValue:
    """Ask the person now, by the same rules as the clock."""
    referral = read(referral_id)
    check_in = _check_in(referral, check_in_id)
    if problem := _try(lambda: measures.ask_now(g.store, g.actor, check_in.id)):
        return _page(referral, problem=problem), 409
    return _to_plan(referral.id, "refused" if check_in.handed_to_staff_at else "asked")


def _why_not_page(referral: Referral, check_in: CheckIn, form: WhyNot) -> str:
    return render_template(
        "caseload/why_not.html",
        referral=referral,
        contact=contact_of(referral),
        check_in=check_in,
        name=say_check_in(check_in),
        form=form,
    )


def _why_not_form() -> WhyNot:
    form = WhyNot()
    form.why.choices = [(code, gettext(measures.WHY_NOT[code])) for code in measures.SAID_BY_STAFF]
    return form


@blueprint.get("/referrals/<uuid:referral_id>/plan/<uuid:check_in_id>/why-not")
@allow(Permission.DECIDE_REFERRAL, audits=True)
def why_not(referral_id: uuid.UUID, check_in_id: uuid.UUID) -> ResponseReturnValue:
    """Why nothing will come back."""
    referral = read(referral_id)
    return _why_not_page(referral, _check_in(referral, check_in_id), _why_not_form())


@blueprint.post("/referrals/<uuid:referral_id>/plan/<uuid:check_in_id>/why-not")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def say_why_not(referral_id: uuid.UUID, check_in_id: uuid.UUID) -> ResponseReturnValue:
    """Nobody asks about it any more."""
    referral = read(referral_id)
    check_in, form = _check_in(referral, check_in_id), _why_not_form()
    if not form.sent():
        return _why_not_page(referral, check_in, form), 422
    if problem := _try(lambda: measures.say_why_not(g.store, g.actor, check_in.id, form.why.data)):
        return _page(referral, problem=problem), 409
    return _to_plan(referral.id, "said")
