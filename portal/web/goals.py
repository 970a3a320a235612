"""The doors of goals: written page by page, seen and rated by the person; the same with them by a worker; goal
attainment scaling by trained workers.

A visit for this one task writes a goal and sees nothing that was there before. Every Continue keeps what is on the
page.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.routing import BuildError

from portal import accounts, codes, feedback, goals, i18n, people, referrals
from portal.access import Actor, Mine, Permission, Tier
from portal.caseload import care_plan
from portal.goals import ACHIEVE, ACTIVE, PUT_ASIDE, TAKE_UP, Draft, Goal, GoalLine, GoalRating
from portal.i18n import N_, gettext, language_name, ngettext
from portal.instruments import GoalChange, Unlike
from portal.journeys import LEFT_BLANK, Problem, Step
from portal.journeys.engine import NOT_KNOWN, PREFER_NOT
from portal.journeys.goal_setting import CLOSENESS, GOAL_SETTING, REVISED
from portal.referrals import Referral
from portal.web import charts, cookies, forms, questions, safe_contact
from portal.web.requests import give_visit, take_visit, visit_lock
from portal.web.security import allow, keeps_typed, mine, public

blueprint = Blueprint("goals", __name__)

FIRST = GOAL_SETTING.steps[0].slug
RATING = replace(
    GOAL_SETTING.steps[-1],
    title=N_("How is it going?"),
    why=N_("So that you can see how it goes. There is no right answer."),
    notice="the-goal",
)
"""The page on which one goal is rated: the question of the last page, with the goal above it."""

THREE = N_(
    "You have three goals at the moment, and three at a time is the most. Before another one can start, one of them "
    "has to be achieved or set aside."
)
"""What the fourth goal is told; the same to the person on every page."""
THEIR_THREE = N_(
    "This person has three goals at the moment, and three at a time is the most. Before another one can start, one of "
    "them has to be achieved or set aside."
)
CHANGED_MEANWHILE = N_("Somebody changed this goal while you were writing")
OTHER_WORDS = N_("The question was asked in another language than the time before.")
OTHER_WAY = N_("It was answered in another way than the time before.")
BY_STAFF = N_("Written down by a link worker.")
BY_YOU = N_("You answered here.")
GAS_SOURCE = N_(
    "T = 50 + 10 × Σ(weight × level) ÷ √(0.7 × Σ(weight²) + 0.3 × (Σ weight)²), after Kiresuk and Sherman; the formula "
    "printed in Turner-Stokes 2009 was wrong and has an erratum. 50 means: as expected. Not a number for the person."
)
WHO_ANSWERED: dict[str, str] = {
    "self": N_("They said it themselves"),
    "supporter-reading": N_("Somebody read the question to them"),
    "interpreter": N_("An interpreter helped"),
}
ENDS = {ACHIEVE: N_("I have achieved it"), PUT_ASIDE: N_("Set it aside for now"), TAKE_UP: N_("Take it up again")}
THEIR_ENDS = {
    ACHIEVE: N_("They have achieved it"),
    PUT_ASIDE: N_("Set it aside for now"),
    TAKE_UP: N_("Take it up again"),
}
"""What the buttons beneath a goal say: to the person, and to staff."""
WORD_OF_CHANGE = f"any('{ACHIEVE}', '{PUT_ASIDE}', '{TAKE_UP}')"


# What both sides show ------------------------------------------------------------------------------------------------


def needs_in_words(goal: Goal) -> str:
    """The need that a goal belongs to."""
    return GOAL_SETTING.question("goal_need").say(goal.need)


def rows_of(goal: Goal) -> list[tuple[Step, str, str]]:
    """What is said of a goal beside its words: the page that asks, the short name, and the answer."""
    answers = goals.answers_of(goal)
    return [
        (step, gettext(question.name), question.say(answers[question.code]))
        for step in REVISED
        for question in step.questions
    ]


def chart_of(line: GoalLine, number: int = 1, *, staff: bool = False) -> charts.Chart:
    """A goal's own line. ``number``: which goal of the page it is. ``staff``: say also who answered, and how."""
    scale = goals.rating_scale()
    (item,) = scale.items
    values = [option.value for option in scale.options(item.code) if option.value is not None]
    usual, notes = charts.once(_notes(line, staff=staff))
    words = [choice.hint for choice in GOAL_SETTING.question(CLOSENESS).choices]
    return charts.Chart(
        code=f"goal-{number}",
        title=gettext(N_("How close this goal was, over time")),
        points=tuple(_points(line, notes)),
        lowest=min(values),
        highest=max(values),
        ends=(gettext(words[0]), gettext(words[-1])),
        more=(usual,) if usual else (),
    )


def _notes(line: GoalLine, *, staff: bool) -> list[str]:
    """How each answer came about. The person is told only where somebody else wrote for them."""
    if staff:
        return [_how_in_words(one) for one in line.counted]
    if any(one.entered_by for one in line.counted):
        return [gettext(BY_STAFF if one.entered_by else BY_YOU) for one in line.counted]
    return ["" for _ in line.counted]


def _points(line: GoalLine, notes: Sequence[str]) -> Sequence[charts.Point]:
    found: list[charts.Point] = []
    before: GoalRating | None = None
    for one, note in zip(line.counted, notes, strict=True):
        broken = _unlike_in_words(before, one) if before is not None and one.rating is not None else ""
        found.append(
            charts.Point(
                on=one.created_at.astimezone(i18n.LONDON).date(),
                value=one.rating,
                label="" if one.absent is None else GOAL_SETTING.question(CLOSENESS).say(one.absent),
                broken=broken,
                note=note,
            )
        )
        before = one if one.rating is not None else before
    return found


def _how_in_words(rating: GoalRating) -> str:
    who, how = WHO_ANSWERED[rating.completed_by], feedback.RESPONSE_MODES[rating.response_mode]
    parts = (gettext(who), gettext(how), language_name(rating.language), gettext(BY_STAFF) if rating.entered_by else "")
    return "; ".join(part.rstrip(".") for part in parts if part) + "."


def _unlike_in_words(before: GoalRating, after: GoalRating) -> str:
    why = goals.unlike(before, after)
    words = {Unlike.WORDING: OTHER_WORDS, Unlike.MODE: OTHER_WAY}
    return " ".join(gettext(words[one]) for one in words if one in why)


def shown(lines: Sequence[GoalLine], *, staff: bool = False) -> list[dict[str, object]]:
    """Each goal ready for a page: its line as a picture, sentences and a table."""
    return [
        {
            "line": line,
            "goal": line.goal,
            "need": needs_in_words(line.goal),
            "status": gettext(goals.STATUSES[line.goal.status]),
            "active": line.goal.status == ACTIVE,
            "chart": charts.chart(chart_of(line, number, staff=staff)),
        }
        for number, line in enumerate(lines, 1)
    ]


def _typed(step: Step) -> dict[str, object]:
    return {question.code: request.form.getlist(question.code)[:60] for question in step.questions}


def _uuid_of(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None


def _plan_follows(person_id: uuid.UUID, actor: Actor | None = None) -> None:
    """A plan that is agreed keeps a version when one of its goals changes, whoever changes it."""
    care_plan.goals_changed(g.store, g.service.id, person_id, actor)


def _version_of() -> int:
    """The version of the goal that a page was filled in over; -1 when it does not say."""
    typed = request.form.get("version", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1


# Writing a goal ------------------------------------------------------------------------------------------------------


@blueprint.post("/goals/begin")
@public
def begin() -> ResponseReturnValue:
    """From the page that says that the form was sent: the browser that sent it may write a goal, and nothing else."""
    if g.service is None:
        abort(404)
    referral = referrals.sent_by(g.store, g.service.id, cookies.held(cookies.name_of("FORM_COOKIE")))
    if referral is None:
        return redirect(url_for("visits.sign_in"), 303)
    there = g.visitor is not None and g.visitor.person_id == referral.person_id
    if there and (g.visitor.tier is Tier.READ or g.visitor.task == "goal"):
        return _to("new")
    key = codes.new_key()
    accounts.open_for_goal(g.store, g.service, referral.person_id, referral.id, key, i18n.spoken().code)
    return give_visit(_to("new"), key)


def _to(endpoint: str, **values: Any) -> Response:
    return redirect(url_for(f"goals.{endpoint}", **values), 303)  # type: ignore[return-value]


def _key() -> str:
    """A goal in progress belongs to the visit in which it is written."""
    return f"{GOAL_SETTING.code}:{g.visitor.visit_id}"


def _draft(*, lock: bool = False) -> Draft | None:
    return goals.draft_of(g.store, g.service.id, _key(), lock=lock)


def _reads() -> bool:
    return bool(g.visitor.tier is Tier.READ)


def _proposed(draft: Draft | None) -> dict[str, object]:
    """The need of the referral, when it was only one: proposed to whoever may see what was said before."""
    answers = dict(draft.answers) if draft else {}
    if "goal_need" not in answers and _reads():
        answers["goal_need"] = goals.proposed_need(g.store, g.service.id, g.visitor.referral_id)
    return answers


@blueprint.get("/goals/new")
@mine(Mine.SET_GOAL, entrance=True)
def new() -> ResponseReturnValue:
    """A goal is begun, or gone on with in the same visit."""
    draft = _draft()
    gap = goals.gap_of(draft) if draft else GOAL_SETTING.steps[0]
    return _page(gap or GOAL_SETTING.steps[-1], draft)


@blueprint.get("/goals/new/<slug>")
@mine(Mine.SET_GOAL)
def step(slug: str) -> ResponseReturnValue:
    """One page of a goal."""
    here = GOAL_SETTING.step(slug) or abort(404)
    draft = _draft()
    if not GOAL_SETTING.may_open(slug, draft.answers if draft else {}):
        return _to("new")
    return _page(here, draft)


def _page(here: Step, draft: Draft | None) -> ResponseReturnValue:
    typed = draft.typed.get(here.slug) if draft else None
    problems = here.read(typed)[1] if typed else {}
    problems = {code: problem for code, problem in problems.items() if problem is not Problem.MISSING}
    return _draw(here, draft, typed, problems), 422 if problems else 200


def _draw(
    here: Step,
    draft: Draft | None,
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    *,
    stale: bool = False,
) -> str:
    return _step_page(
        here,
        _proposed(draft),
        typed,
        problems,
        action=url_for("goals.keep", slug=here.slug),
        back=True,
        stale=stale,
        hidden={"form": str(draft.id) if draft else ""},
        may_save=True,
    )


def _step_page(
    here: Step,
    answers: Mapping[str, object],
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    **more: object,
) -> str:
    return render_template(
        "goals/step.html",
        journey=GOAL_SETTING,
        step=here,
        heading=gettext(here.heading),
        shown=questions.show(here, answers, typed, problems, autofill=False),
        count_words=questions.count_words,
        lock=visit_lock(),
        **{"stale": False, "back": False, "may_save": False, "goal": None, "meanwhile": (), **more},
    )


@blueprint.get("/goals/saved")
@mine(Mine.SET_GOAL)
def saved() -> ResponseReturnValue:
    """What was written is kept, and how it can be gone on with."""
    return render_template("goals/saved.html", lock=visit_lock())


@blueprint.post("/goals/new/<slug>")
@mine(Mine.SET_GOAL)
@keeps_typed
def keep(slug: str) -> ResponseReturnValue:
    """Keep a page, whichever button was pressed; after the last one it is a goal."""
    here = GOAL_SETTING.step(slug) or abort(404)
    raw = _typed(here)
    if g.stale:
        return _draw(here, _draft(), raw, {}, stale=True), 400
    # Two browsers of one person take turns: what both begin is one draft, and never a fourth goal.
    goals.hold(g.store, g.service.id, g.visitor.person_id)
    draft = _draft(lock=True)
    if draft is None and _became_a_goal():
        return _to("kept")
    language = i18n.spoken().code
    draft = draft or goals.begin(g.store, g.service, g.visitor.referral_id, language, _key())
    done = goals.keep(g.store, g.service, draft, here, raw, language)
    go = request.form.get("go", "")
    if go == "lock":
        return take_visit(redirect(url_for("visits.locked"), 303))
    if go == "save":
        return _to("listed" if _reads() else "saved")
    if go == "back":
        before = GOAL_SETTING.before(slug, draft.answers)
        return _to("step", slug=before.slug) if before else _to("listed" if _reads() else "saved")
    if done.problems:
        return _draw(here, draft, raw, done.problems), 422
    following = GOAL_SETTING.after(slug, draft.answers)
    return _to("step", slug=following.slug) if following else _finish(draft)


def _became_a_goal() -> bool:
    """Whether this page was sent already and its goal is there: the button was pressed twice."""
    made = _uuid_of(request.form.get("form", ""))
    return made is not None and goals.is_there(g.store, g.service.id, g.visitor.person_id, made)


def _finish(draft: Draft) -> Response:
    try:
        goals.finish(g.store, g.service, draft, g.visitor.person_id)
    except goals.Unfinished as unfinished:
        return _to("step", slug=unfinished.slug)
    except goals.TooMany:
        return _to("waiting")
    _plan_follows(g.visitor.person_id)
    return _to("kept")


@blueprint.get("/goals/waiting")
@mine(Mine.SET_GOAL)
def waiting() -> ResponseReturnValue:
    """A fourth goal waits, as it was typed, until one of the three has ended."""
    draft = _draft()
    if draft is None:
        return _to("new")
    room = goals.may_set_another(g.store, g.service.id, g.visitor.person_id)
    return render_template("goals/waiting.html", draft=draft, three=THREE, room=room, reads=_reads(), lock=visit_lock())


@blueprint.post("/goals/waiting")
@mine(Mine.SET_GOAL)
def finish() -> ResponseReturnValue:
    """Try again to make it a goal."""
    goals.hold(g.store, g.service.id, g.visitor.person_id)
    draft = _draft(lock=True)
    return _finish(draft) if draft else _to("new")


@blueprint.get("/goals/kept")
@mine(Mine.SET_GOAL)
def kept() -> ResponseReturnValue:
    """The goal is kept. Nothing of it is shown to whoever may only write."""
    return render_template("goals/kept.html", reads=_reads(), lock=visit_lock())


# The person's own goals ----------------------------------------------------------------------------------------------


def _mine_of(goal_id: uuid.UUID) -> GoalLine:
    try:
        return goals.one_of(g.store, g.service.id, g.visitor.person_id, goal_id)
    except goals.Gone:
        abort(404)


@blueprint.get("/goals")
@mine(Mine.CHANGE_GOALS)
def listed() -> ResponseReturnValue:
    """All goals, each with its own line."""
    lines = goals.of_person(g.store, g.service.id, g.visitor.person_id)
    return render_template(
        "goals/list.html",
        goals=shown(lines),
        three=THREE if len([line for line in lines if line.goal.status == ACTIVE]) >= goals.MOST_ACTIVE else "",
        unfinished=goals.unfinished(g.store, g.service.id, g.visitor.person_id),
        my_page=_my_page(),
        lock=visit_lock(),
    )


def _my_page() -> str:
    try:
        return url_for("my.page")
    except BuildError:
        return ""


@blueprint.post("/goals/go-on")
@mine(Mine.CHANGE_GOALS)
def go_on() -> ResponseReturnValue:
    """Go on with a goal that was begun in another visit."""
    goals.go_on(g.store, g.service, g.visitor.person_id, _key())
    return _to("new")


@blueprint.get("/goals/<uuid:goal_id>")
@mine(Mine.CHANGE_GOALS)
def one(goal_id: uuid.UUID) -> ResponseReturnValue:
    """One goal, with everything that was said of it."""
    return _one_page(_mine_of(goal_id), "")


def _one_page(line: GoalLine, problem: str) -> str:
    return render_template(
        "goals/one.html",
        rows=rows_of(line.goal),
        history=history_of(line),
        ends=ENDS,
        problem=problem,
        lock=visit_lock(),
        **shown([line])[0],
    )


def history_of(line: GoalLine) -> list[dict[str, object]]:
    """What became of a goal, oldest first, with what it said before."""
    return [
        {"at": change.created_at, "what": gettext(goals.CHANGES[change.what]), "before": _before_in_words(change)}
        for change in line.changes
    ]


def _before_in_words(change: goals.GoalChange) -> list[tuple[str, str]]:
    """What a goal said before it was changed: by the short names of the questions."""
    before = change.before or {}
    told = []
    for column, code in goals.COLUMNS.items():
        absent = before.get("absent", {}).get(column)
        if column in before:
            question = GOAL_SETTING.question(code)
            value = before[column]
            said = absent or (str(value) if isinstance(value, int) else value)
            told.append((gettext(question.name), question.say(said)))
    return told


@blueprint.get("/goals/<uuid:goal_id>/rate")
@mine(Mine.CHANGE_GOALS)
def rate(goal_id: uuid.UUID) -> ResponseReturnValue:
    """How close today?"""
    return _rate_page(_mine_of(goal_id), None, {})


def _rate_page(
    line: GoalLine, typed: Mapping[str, object] | None, problems: Mapping[str, Problem], *, stale: bool = False
) -> str:
    return _step_page(
        RATING,
        {},
        typed,
        problems,
        action=url_for("goals.rated", goal_id=line.goal.id),
        stale=stale,
        goal=line.goal,
        hidden={},
        leave=url_for("goals.listed"),
    )


@blueprint.post("/goals/<uuid:goal_id>/rate")
@mine(Mine.CHANGE_GOALS)
@keeps_typed
def rated(goal_id: uuid.UUID) -> ResponseReturnValue:
    """Keep how close it is today."""
    line = _mine_of(goal_id)
    raw = _typed(RATING)
    if g.stale:
        return _rate_page(line, raw, {}, stale=True), 400
    answers, problems = RATING.read(raw)
    if problems:
        return _rate_page(line, raw, problems), 422
    rating, absent = goals.number_of(answers[CLOSENESS])
    goals.rate(g.store, g.service, goal_id, g.visitor.person_id, rating, absent, language=i18n.spoken().code)
    return _left_with(_to("one", goal_id=goal_id))


def _left_with(answer: Response) -> Response:
    """Where a page leads, or the cleared screen when nobody was there any more."""
    if request.form.get("go") == "lock":
        return take_visit(redirect(url_for("visits.locked"), 303))  # type: ignore[return-value]
    return answer


@blueprint.get("/goals/<uuid:goal_id>/change/<slug>")
@mine(Mine.CHANGE_GOALS)
def change(goal_id: uuid.UUID, slug: str) -> ResponseReturnValue:
    """Say one part of a goal anew."""
    here = _revised(slug)
    return _change_page(_mine_of(goal_id).goal, here, None, {})


def _revised(slug: str) -> Step:
    return next((one for one in REVISED if one.slug == slug), None) or abort(404)


def _change_page(
    goal: Goal,
    here: Step,
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    *,
    stale: bool = False,
    meanwhile: Sequence[tuple[str, str]] = (),
) -> str:
    return _step_page(
        here,
        goals.answers_of(goal),
        typed,
        problems,
        action=url_for("goals.changed", goal_id=goal.id, slug=here.slug),
        stale=stale,
        goal=goal,
        meanwhile=meanwhile,
        changed_meanwhile=CHANGED_MEANWHILE,
        hidden={"version": str(goal.version)},
        leave=url_for("goals.one", goal_id=goal.id),
    )


@blueprint.post("/goals/<uuid:goal_id>/change/<slug>")
@mine(Mine.CHANGE_GOALS)
@keeps_typed
def changed(goal_id: uuid.UUID, slug: str) -> ResponseReturnValue:
    """Keep it; what it said before stays in the record."""
    here = _revised(slug)
    goal = _mine_of(goal_id).goal
    raw = _typed(here)
    if g.stale:
        return _change_page(goal, here, raw, {}, stale=True), 400
    answers, problems = here.read(raw)
    if problems:
        return _change_page(goal, here, raw, problems), 422
    try:
        goals.revise(
            g.store,
            g.service.id,
            g.visitor.person_id,
            goal_id,
            {**goals.answers_of(goal), **answers},
            version=_version_of(),
            language=i18n.spoken().code,
        )
    except goals.Changed as changed:
        said = goals.answers_of(changed.goal)
        now = [(gettext(one.name), one.say(said[one.code])) for one in here.questions]
        return _change_page(changed.goal, here, raw, {}, meanwhile=now), 409
    _plan_follows(g.visitor.person_id)
    return _left_with(_to("one", goal_id=goal_id))


@blueprint.post(f"/goals/<uuid:goal_id>/<{WORD_OF_CHANGE}:what>")
@mine(Mine.CHANGE_GOALS)
def become(goal_id: uuid.UUID, what: str) -> ResponseReturnValue:
    """Achieved, set aside, or taken up again."""
    line = _mine_of(goal_id)
    try:
        goals.become(g.store, g.service.id, g.visitor.person_id, goal_id, what)
    except goals.TooMany:
        return _one_page(line, gettext(THREE)), 422
    _plan_follows(g.visitor.person_id)
    return _to("one", goal_id=goal_id)


# Staff, with the person ----------------------------------------------------------------------------------------------


def _numbers(code: str) -> list[tuple[str, str]]:
    """The numbers of a question and the ways of giving none, for a list; nothing said is chosen before."""
    question = GOAL_SETTING.question(code)
    listed = [(one.code, f"{one.label}: {gettext(one.hint)}" if one.hint else one.label) for one in question.choices]
    return [
        (LEFT_BLANK, question.say(LEFT_BLANK)),
        *listed,
        *((one.code, gettext(one.label)) for one in (NOT_KNOWN, PREFER_NOT)),
    ]


class Words(forms.Form):
    """A goal in the person's words."""

    goal_words = forms.LongWords(
        N_("What would the person like to be different?"),
        longest=GOAL_SETTING.question("goal_words").longest,
        missing=N_("Write it down in the person’s own words"),
        hint=N_("In their own words, in any language."),
    )
    goal_need = forms.Listed(N_("What does it have most to do with?"), missing=N_("Choose a need"))
    importance = forms.Listed(N_("How much does it matter to them?"), missing=N_("Choose one"))
    goal_why = forms.LongWords(N_("Why does it matter?"), longest=GOAL_SETTING.question("goal_why").longest)
    first_step = forms.LongWords(N_("A small first step"), longest=GOAL_SETTING.question("first_step").longest)
    by_when = forms.Words(N_("When?"), longest=GOAL_SETTING.question("by_when").longest)
    sure = forms.Listed(N_("How sure are they that they can take it?"), missing=N_("Choose one"))

    def offer(self) -> None:
        """Set what may be chosen."""
        needs = GOAL_SETTING.question("goal_need").choices
        self.goal_need.choices = [
            ("", gettext(N_("Choose a need"))),
            *((one.code, gettext(one.label)) for one in needs),
        ]
        for code in goals.NUMBERS:
            self[code].choices = _numbers(code)

    def answers(self) -> dict[str, object]:
        """As the pages would have read them: what was left blank is no value."""
        return {code: self[code].data or None for code in goals.COLUMNS.values()}

    def fill(self, goal: Goal) -> None:
        """Begin with what the goal says now."""
        for code, answer in goals.answers_of(goal).items():
            self[code].data = answer or ""


class Close(forms.Form):
    """How close the person says they are."""

    closeness = forms.Listed(N_("How close to this goal are they today, in their own view?"), missing=N_("Choose one"))

    def offer(self) -> None:
        """Set what may be chosen."""
        self.closeness.choices = _numbers(CLOSENESS)


class How(forms.Form):
    """How the person said it."""

    completed_by = forms.OneOf(N_("Who answered?"), missing=N_("Choose who answered"))
    response_mode = forms.OneOf(N_("How?"), missing=N_("Choose how"))

    def offer(self) -> None:
        """Set what may be chosen."""
        self.completed_by.choices = [(code, gettext(words)) for code, words in WHO_ANSWERED.items()]
        modes = [code for code in goals.MODES if code != "web"]
        self.response_mode.choices = [(code, gettext(feedback.RESPONSE_MODES[code])) for code in modes]


class Rate(Close, How):
    """A rating, and how the person gave it."""

    def offer(self) -> None:
        """Set what may be chosen."""
        Close.offer(self)
        How.offer(self)


class Add(Words, Rate):
    """A new goal with its first rating."""

    def offer(self) -> None:
        """Set what may be chosen."""
        Words.offer(self)
        Rate.offer(self)


class Scale(forms.Form):
    """What the five levels of a goal would look like, how much it weighs, and where it stands at the start."""

    much_less = forms.LongWords(
        N_("−2: much less than expected"),
        longest=goals.LONGEST_LEVEL,
        missing=N_("Write what this level would look like"),
    )
    less = forms.LongWords(
        N_("−1: less than expected"), longest=goals.LONGEST_LEVEL, missing=N_("Write what this level would look like")
    )
    expected = forms.LongWords(
        N_("0: as expected"), longest=goals.LONGEST_LEVEL, missing=N_("Write what this level would look like")
    )
    more = forms.LongWords(
        N_("+1: more than expected"), longest=goals.LONGEST_LEVEL, missing=N_("Write what this level would look like")
    )
    much_more = forms.LongWords(
        N_("+2: much more than expected"),
        longest=goals.LONGEST_LEVEL,
        missing=N_("Write what this level would look like"),
    )
    weight = forms.OneOf(
        N_("Weight"), missing=N_("Choose a weight from 1 to 4"), hint=N_("How much it matters, times how hard it is.")
    )
    baseline = forms.OneOf(N_("Where does it stand now?"), missing=N_("Choose −2 or −1"))

    def offer(self) -> None:
        """Set what may be chosen."""
        self.weight.choices = [(str(weight), str(weight)) for weight in goals.WEIGHTS]
        self.baseline.choices = [
            (str(level), gettext(self[LEVEL_FIELDS[level]].label.text)) for level in goals.BASELINES
        ]

    def levels(self) -> dict[int, str]:
        """The texts by level."""
        return {level: self[name].data for level, name in LEVEL_FIELDS.items()}


LEVEL_FIELDS = {-2: "much_less", -1: "less", 0: "expected", 1: "more", 2: "much_more"}


class Level(forms.Form):
    """The level that a goal is at."""

    level = forms.OneOf(N_("Which level is this goal at today?"), missing=N_("Choose one of the five levels"))


def _read(referral_id: uuid.UUID) -> Referral:
    try:
        return referrals.read(g.store, g.actor, referral_id)
    except referrals.Gone:
        abort(404)


def _line_of(referral: Referral, goal_id: uuid.UUID) -> GoalLine:
    try:
        return goals.one_of(g.store, g.service.id, referral.person_id, goal_id)
    except goals.Gone:
        abort(404)


def _staff_page(name: str, referral: Referral, **more: object) -> str:
    ways = people.ways_of(g.store, g.actor.service_id, referral.person_id)
    contact = safe_contact.in_words(referrals.name_to_use(referral.answers), ways)
    return render_template(f"goals/{name}.html", referral=referral, contact=contact, **more)


def _to_list(referral_id: uuid.UUID) -> Response:
    return _to("staff_list", referral_id=referral_id)


def for_staff(referral: Referral) -> dict[str, object]:
    """What ``goals/parts/staff_list.html`` shows, on the case page and on the page of goals."""
    lines = goals.of_person(g.store, g.service.id, referral.person_id)
    active = [line for line in lines if line.goal.status == ACTIVE]
    moved = goals.mean_of(active)
    told = shown(lines, staff=True)
    scaled = {one.goal.id: one for one in goals.scaled_of(g.store, g.service.id, referral.person_id)}
    for one in told:
        goal: Goal = one["goal"]  # type: ignore[assignment]
        one["rows"] = [(name, said) for _, name, said in rows_of(goal)[2:] if said]
        one["scaled"] = scaled.get(goal.id)
    return {
        "goals": told,
        "mean": _mean_in_words(moved) if moved.mean is not None else "",
        "full": gettext(THEIR_THREE) if len(active) >= goals.MOST_ACTIVE else "",
        "ends": THEIR_ENDS,
        "gas_on": goals.gas_is_on(g.store, g.service.id),
        "gas_source": gettext(GAS_SOURCE),
        "t_now": goals.attainment(g.store, g.service.id, referral.person_id),
        "t_start": goals.attainment_at_start(g.store, g.service.id, referral.person_id),
        "level_words": {level: gettext(getattr(Scale, name).args[0]) for level, name in LEVEL_FIELDS.items()},
    }


def _mean_in_words(moved: GoalChange) -> str:
    mean = f"{moved.mean.normalize():+f}" if moved.mean is not None else ""
    return ngettext(
        "Beside the line above: the change of the %(num)s active goal with two ratings is %(mean)s.",
        "Beside the lines above: the mean change of the %(num)s active goals with two ratings is %(mean)s.",
        moved.complete_goals,
        mean=f"\N{LEFT-TO-RIGHT ISOLATE}{mean}\N{POP DIRECTIONAL ISOLATE}",
    )


@blueprint.get("/staff/referrals/<uuid:referral_id>/goals")
@allow(Permission.READ_REFERRAL, audits=True)
def staff_list(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The person's goals."""
    referral = _read(referral_id)
    return _staff_page("staff", referral, problem="", **for_staff(referral))


@blueprint.get("/staff/referrals/<uuid:referral_id>/goals/add")
@allow(Permission.READ_REFERRAL, audits=True)
def staff_new(referral_id: uuid.UUID) -> ResponseReturnValue:
    """A goal, written down with the person."""
    return _add_page(_read(referral_id), Add())


def _add_page(referral: Referral, form: Add) -> str:
    form.offer()
    if not form.is_submitted():
        asked = request.args.get("need", "")
        offered = {code for code, _ in form.goal_need.choices}
        proposed = asked if asked and asked in offered else goals.proposed_need(g.store, g.service.id, referral.id)
        form.goal_need.data = proposed or ""
    once = request.form.get("once", "")[:60] or str(codes.new_id())
    return _staff_page("staff_add", referral, form=form, once=questions.printable(once))


def _once() -> uuid.UUID | None:
    """The same goal for the same page, however often its button is pressed."""
    made = request.form.get("once", "")
    return uuid.uuid5(g.actor.staff_id, made) if made and len(made) <= 60 else None


@blueprint.post("/staff/referrals/<uuid:referral_id>/goals/add")
@allow(Permission.READ_REFERRAL)
@keeps_typed
def staff_add(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it. A fourth is told why not, and stays on the page."""
    referral, form = _read(referral_id), Add()
    form.offer()
    if not form.sent():
        return _add_page(referral, form), 422
    try:
        goals.set_goal(
            g.store,
            g.service,
            referral.person_id,
            referral.id,
            {**form.answers(), CLOSENESS: form.closeness.data},
            i18n.spoken().code,
            g.actor,
            goal_id=_once(),
            completed_by=form.completed_by.data,
            response_mode=form.response_mode.data,
        )
    except goals.TooMany:
        form.refuse("goal_words", gettext(THEIR_THREE))
        return _add_page(referral, form), 422
    _plan_follows(referral.person_id, g.actor)
    return _to_list(referral_id)


@blueprint.get("/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/rate")
@allow(Permission.READ_REFERRAL, audits=True)
def staff_rate(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """How close the person says they are."""
    referral = _read(referral_id)
    return _staff_rate_page(referral, _line_of(referral, goal_id), Rate())


def _staff_rate_page(referral: Referral, line: GoalLine, form: Rate) -> str:
    form.offer()
    return _staff_page("staff_rate", referral, goal=line.goal, form=form)


@blueprint.post("/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/rate")
@allow(Permission.READ_REFERRAL)
@keeps_typed
def staff_rated(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it, with who answered and how."""
    referral = _read(referral_id)
    line, form = _line_of(referral, goal_id), Rate()
    form.offer()
    if not form.sent():
        return _staff_rate_page(referral, line, form), 422
    rating, absent = goals.number_of(form.closeness.data)
    goals.rate(
        g.store,
        g.service,
        goal_id,
        referral.person_id,
        rating,
        absent,
        completed_by=form.completed_by.data,
        response_mode=form.response_mode.data,
        language=i18n.spoken().code,
        entered_by=g.actor,
    )
    return _to_list(referral_id)


@blueprint.get("/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/change")
@allow(Permission.READ_REFERRAL, audits=True)
def staff_change(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """Say a goal anew, with the person."""
    referral = _read(referral_id)
    line, form = _line_of(referral, goal_id), Words()
    form.fill(line.goal)
    return _staff_change_page(referral, line, form)


def _staff_change_page(
    referral: Referral, line: GoalLine, form: Words, meanwhile: Sequence[tuple[str, str]] = ()
) -> str:
    form.offer()
    return _staff_page(
        "staff_change",
        referral,
        goal=line.goal,
        history=[one for one in history_of(line) if one["before"]],
        form=form,
        meanwhile=meanwhile,
        changed_meanwhile=CHANGED_MEANWHILE,
    )


@blueprint.post("/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/change")
@allow(Permission.READ_REFERRAL)
@keeps_typed
def staff_changed(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it; what it said before stays in the record."""
    referral = _read(referral_id)
    line, form = _line_of(referral, goal_id), Words()
    form.offer()
    if not form.sent():
        return _staff_change_page(referral, line, form), 422
    try:
        goals.revise(
            g.store,
            g.service.id,
            referral.person_id,
            goal_id,
            form.answers(),
            version=_version_of(),
            language=i18n.spoken().code,
            actor=g.actor,
        )
    except goals.Changed as changed:
        words = GOAL_SETTING.question("goal_words")
        now = [
            (gettext(words.name), changed.goal.words),
            *((name, said) for _, name, said in rows_of(changed.goal)[1:]),
        ]
        return _staff_change_page(referral, line, form, now), 409
    _plan_follows(referral.person_id, g.actor)
    return _to_list(referral_id)


@blueprint.post(f"/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/<{WORD_OF_CHANGE}:what>")
@allow(Permission.READ_REFERRAL)
def staff_become(referral_id: uuid.UUID, goal_id: uuid.UUID, what: str) -> ResponseReturnValue:
    """Achieved, set aside, or taken up again, as the person wants it."""
    referral = _read(referral_id)
    _line_of(referral, goal_id)
    try:
        goals.become(g.store, g.service.id, referral.person_id, goal_id, what, g.actor)
    except goals.TooMany:
        return _staff_page("staff", referral, problem=gettext(THEIR_THREE), **for_staff(referral)), 422
    _plan_follows(referral.person_id, g.actor)
    return _to_list(referral_id)


# Goal attainment scaling ---------------------------------------------------------------------------------------------


@blueprint.get("/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/scale")
@allow(Permission.SCALE_GOALS, audits=True)
def staff_scale(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """The five levels of a goal and the one it is at."""
    referral = _read(referral_id)
    line = _line_of(referral, goal_id)
    form, scaled = Scale(formdata=None), _scaled(referral, goal_id)
    if scaled:
        for level, name in LEVEL_FIELDS.items():
            form[name].data = scaled.attainment.levels[str(level)]
        form.weight.data, form.baseline.data = str(scaled.attainment.weight), str(scaled.attainment.baseline)
    return _scale_page(referral, line, form, Level(formdata=None))


def _scaled(referral: Referral, goal_id: uuid.UUID) -> goals.Scaled | None:
    found = goals.scaled_of(g.store, g.service.id, referral.person_id)
    return next((one for one in found if one.goal.id == goal_id), None)


def _scale_page(referral: Referral, line: GoalLine, form: Scale, level: Level) -> str:
    scaled = _scaled(referral, line.goal.id)
    # Without the five texts there is no level to choose: the problem is the texts.
    wrong_level = [{**one, "href": one["href"] if scaled else f"#{form.much_less.id}"} for one in level.problems()]
    form.offer()
    texts = scaled.attainment.levels if scaled else {}
    level.level.choices = [
        (code, Markup("{:+d}: <bdi>{}</bdi>").format(int(code), text))
        for code, text in sorted(texts.items(), key=lambda one: int(one[0]))
    ]
    return _staff_page(
        "staff_scale",
        referral,
        goal=line.goal,
        form=form,
        level=level,
        scaled=scaled,
        allowed=goals.may_scale(g.store, g.actor),
        gas_on=goals.gas_is_on(g.store, g.service.id),
        gas_source=gettext(GAS_SOURCE),
        problems=form.problems() + wrong_level,
    )


@blueprint.post("/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/scale")
@allow(Permission.SCALE_GOALS)
@keeps_typed
def staff_scaled(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """Keep the five levels."""
    referral = _read(referral_id)
    line, form = _line_of(referral, goal_id), Scale()
    form.offer()
    if not form.sent():
        return _scale_page(referral, line, form, Level(formdata=None)), 422
    try:
        goals.scale(g.store, g.actor, goal_id, int(form.weight.data), int(form.baseline.data), form.levels())
    except (goals.NotTrained, goals.NotOffered):
        return _scale_page(referral, line, form, Level(formdata=None)), 403
    return _to("staff_scale", referral_id=referral_id, goal_id=goal_id)


@blueprint.post("/staff/referrals/<uuid:referral_id>/goals/<uuid:goal_id>/level")
@allow(Permission.SCALE_GOALS)
@keeps_typed
def staff_level(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """Keep the level that the goal is at."""
    referral = _read(referral_id)
    line, form = _line_of(referral, goal_id), Level()
    form.level.choices = [(str(level), "") for level in LEVEL_FIELDS]
    if not form.sent():
        return _scale_page(referral, line, Scale(formdata=None), form), 422
    try:
        goals.level(g.store, g.actor, goal_id, int(form.level.data))
    except (goals.NotTrained, goals.NotOffered):
        return _scale_page(referral, line, Scale(formdata=None), form), 403
    except goals.NotScaled as wrong:
        form.refuse("level", gettext(next(iter(wrong.problems.values()))))
        return _scale_page(referral, line, Scale(formdata=None), form), 422
    return _to_list(referral_id)
