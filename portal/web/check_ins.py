"""The doors of check-ins: a person answers the scales that are due, one item on a page; staff type in what was answered
elsewhere.

No address holds an id: which check-in it is, the visit knows. A visit for one task shows nothing from before it began.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import accounts, alerts, codes, feedback, goals, i18n, measures, referrals
from portal.access import Mine, Permission, Tier
from portal.feedback import COMPLETED_BY, RESPONSE_MODES, CheckIn, Open
from portal.i18n import N_, gettext
from portal.journeys import ABSENCES, Choice, Kind, Problem, Question, Step
from portal.journeys.goal_setting import CLOSENESS, GOAL_SETTING
from portal.referrals import Alert, Referral
from portal.web import cookies, questions
from portal.web.on_paper import day_on_paper, say_day
from portal.web.requests import give_visit, visit_lock
from portal.web.scales import STATUSES
from portal.web.security import allow, keeps_typed, mine, public

blueprint = Blueprint("check_ins", __name__)

WHO = Step(
    "who",
    (
        Question(
            "completed_by",
            N_("Is somebody helping you with these questions?"),
            Kind.ONE_OF,
            (
                Choice("self", N_("No, I answer on my own")),
                Choice("supporter-reading", N_("Somebody reads them to me")),
                Choice("interpreter", N_("An interpreter helps me")),
            ),
            hint=N_("If you leave this blank, we take it that you answer on your own."),
        ),
    ),
    title=N_("Who is answering"),
)
"""Asked once, beneath the first question."""

OCCASIONS: dict[str, str] = {
    "baseline": N_("At the start"),
    "review": N_("Review"),
    "closure": N_("At the end"),
    "follow-up": N_("Some time after the end"),
}


# Which pages there are -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One page of a check-in: an item of a scale, or a goal to rate. ``answer`` is what was said there, if anything;
    ``shown`` what of it this visitor may see again."""

    scale: str
    step: Step
    answer: str | None
    shown: str | None
    opened: Open | None = None
    goal: goals.Goal | None = None

    @property
    def question(self) -> Question:
        """The one question of the page."""
        return self.step.questions[0]

    @property
    def address(self) -> str:
        """Where it is; it says neither whose it is nor which check-in."""
        return url_for("check_ins.page", scale=self.scale, slug=self.step.slug)

    @property
    def heading(self) -> str:
        """What the page's title begins with."""
        exact = self.question.exact
        if exact is None:
            return gettext(self.question.label)
        return f"{exact.recall} {self.question.label}".strip()


def _check_in() -> CheckIn | None:
    """The check-in that this visit is for; for the whole page the one that is due, else the one answered last."""
    visitor = g.visitor
    if visitor.check_in_id:
        try:
            return feedback.find(g.store, visitor.service_id, visitor.check_in_id)
        except feedback.Gone:
            return None
    if due := measures.due_for(g.store, visitor.service_id, visitor.person_id):
        return due[0]
    theirs = measures.of_person(g.store, visitor.service_id, visitor.person_id)
    answered = [one for one in theirs if one.completed_at]
    return max(answered, key=lambda one: one.completed_at or one.due_at, default=None)


def _pages(check_in: CheckIn, opened: Sequence[Open], *, every: bool = False) -> list[Page]:
    """The pages in order. ``every``: also those whose words may not be shown any more, for what is still sent."""
    since = feedback.shown_from(g.store, g.visitor)
    pages = _goal_pages(check_in, every=every)
    for one in opened:
        if not (one.shown or every):
            continue
        said = feedback.answers_of(g.store, one.response) if one.response else {}
        seen = feedback.answers_of(g.store, one.response, since=since) if one.response and since else said
        pages += [
            Page(one.scale, step, said.get(code), seen.get(code), opened=one)
            for step in one.journey.steps
            for code in (step.questions[0].code,)
        ]
    return pages


def _goal_pages(check_in: CheckIn, *, every: bool) -> list[Page]:
    """The goals to be rated: in a visit for one task there are none, for a goal's own words are what came before.

    A goal keeps its number whatever becomes of the others: what is sent belongs to the goal that stood on the page.
    """
    if g.visitor.tier is not Tier.READ or feedback.GOALS not in check_in.scales:
        return []
    rated = goals.rated_in(g.store, g.service.id, check_in.id)
    theirs = [line.goal for line in goals.of_person(g.store, g.service.id, check_in.person_id)]
    pages = []
    for number, goal in enumerate(sorted(theirs, key=lambda goal: (goal.created_at, goal.id)), 1):
        if not (every or goal.status == goals.ACTIVE):
            continue
        said = rated.get(goal.id)
        answer = None if said is None else said.absent or str(said.rating)
        step = Step(f"goal-{number}", (GOAL_SETTING.question(CLOSENESS),))
        pages.append(Page(feedback.GOALS, step, answer, answer, goal=goal))
    return pages


def _look(check_in: CheckIn) -> list[Page]:
    return _pages(check_in, feedback.look(g.store, g.service, check_in, language=i18n.spoken().code))


def _gap(pages: Sequence[Page]) -> Page | None:
    """The first page that was never put to the person."""
    return next((one for one in pages if one.answer is None), None)


def _to(endpoint: str, **values: object) -> Response:
    return redirect(url_for(f"check_ins.{endpoint}", **values), 303)  # type: ignore[arg-type, return-value]


# Answering -----------------------------------------------------------------------------------------------------------


def first_page(check_in: CheckIn) -> ResponseReturnValue:
    """The first question of a check-in, as the answer to the press that opened it: ``g.visitor`` is its visit.
    Nothing is written before the first answer."""
    if not feedback.is_open(check_in):
        return _done_page(check_in)
    pages = _look(check_in)
    gap = _gap(pages)
    if gap:
        return _show(check_in, pages, gap)
    return _nothing_to_ask(check_in) if not pages else _show(check_in, pages, pages[-1])


@blueprint.get("/check-in")
@mine(Mine.ANSWER_CHECK_IN, entrance=True)
def start() -> ResponseReturnValue:
    """Where a check-in begins, and goes on."""
    check_in = _check_in()
    return first_page(check_in) if check_in else _nothing_due()


def _nothing_due() -> ResponseReturnValue:
    return render_template("check_ins/nothing_due.html", goals=False, lock=visit_lock())


@blueprint.get("/check-in/<scale>/<slug>")
@mine(Mine.ANSWER_CHECK_IN)
def page(scale: str, slug: str) -> ResponseReturnValue:
    """One question."""
    check_in = _check_in()
    if check_in is None or not feedback.is_open(check_in):
        return _to("done")
    pages = _look(check_in)
    here = _find(pages, scale, slug)
    # A page that is not asked any more, or never was: on with what is.
    return _show(check_in, pages, here) if here else _to("start")


def _find(pages: Sequence[Page], scale: str, slug: str) -> Page | None:
    return next((one for one in pages if (one.scale, one.step.slug) == (scale, slug)), None)


def _show(
    check_in: CheckIn,
    pages: Sequence[Page],
    here: Page,
    *,
    typed: Mapping[str, object] | None = None,
    problems: Mapping[str, Problem] | None = None,
    stale: bool = False,
) -> str:
    code = here.question.code
    answers = {code: here.shown} if here.shown else {}
    shown = questions.show(here.step, answers, typed, problems or {}, autofill=False)
    if feedback.ways(g.store, check_in) is None or WHO.questions[0].code in (problems or {}):
        shown += questions.show(WHO, {}, typed, problems or {}, autofill=False)
    place = [one.address for one in pages].index(here.address) + 1
    exact = here.question.exact
    return render_template(
        "check_ins/page.html",
        step=here.step,
        heading=here.heading,
        shown=shown,
        count_words=questions.count_words,
        back=place > 1,
        stale=stale,
        action=here.address,
        place=place,
        many=len(pages),
        opening=questions.exact_words(exact, exact.opening) if exact else "",
        goal=here.goal,
        licence=here.opened.instrument.licence.print_line if here.opened else "",
        attribution=here.opened.chosen.wording.attribution if here.opened else "",
        lock=visit_lock(),
    )


def _typed(step: Step) -> dict[str, object]:
    return {question.code: request.form.getlist(question.code)[:60] for question in step.questions}


@blueprint.post("/check-in/<scale>/<slug>")
@mine(Mine.ANSWER_CHECK_IN)
@keeps_typed
def keep(scale: str, slug: str) -> ResponseReturnValue:
    """Keep one answer, whichever button was pressed."""
    check_in = _check_in()
    if check_in is None:
        return _to("start")
    if g.stale:
        return _stale(check_in, scale, slug)
    who, wrong = _who()
    opened = feedback.begin(
        g.store,
        g.service,
        check_in,
        language=i18n.spoken().code,
        completed_by=who,
        only="" if feedback.is_open(check_in) else scale,
    )
    here = _find(_pages(check_in, opened, every=True), scale, slug)
    if here is None:
        return _to("start")
    raw = {} if request.form.get("go") == "skip" else _typed(here.step)
    kept = _keep(check_in, here, raw)
    g.alerted = kept.alerted
    pages = _pages(check_in, opened)
    if request.form.get("go") == "lock":
        return redirect(url_for("visits.locked"), 303)
    problems = {**kept.problems, **wrong}
    if kept.alerted and here.opened:
        return _help_first(here, _leads_to(check_in, pages, here, kept).location)
    if problems and request.form.get("go") not in ASIDE and _find(pages, scale, slug):
        return _show(check_in, pages, here, typed={**raw, **_typed(WHO)}, problems=problems), 422
    return _leads_to(check_in, pages, here, kept)


ASIDE = ("save", "back")
"""Buttons that lead elsewhere than on; what is chosen is kept all the same, and no mistake holds anybody back."""


def _who() -> tuple[str | None, Mapping[str, Problem]]:
    """Who answers, where the page asked it."""
    answers, problems = WHO.read(_typed(WHO))
    said = answers.get("completed_by")
    return (str(said) if said in COMPLETED_BY else None), problems


def _keep(check_in: CheckIn, here: Page, raw: Mapping[str, object]) -> feedback.Kept:
    if here.opened:
        return feedback.keep(g.store, g.service, check_in, here.opened, here.step, raw)
    answers, problems = here.step.read(raw)
    late = not feedback.is_open(check_in)
    blank_again = here.answer is not None and answers.get(CLOSENESS) in ABSENCES and not raw.get(CLOSENESS)
    if here.goal and not problems and not blank_again:
        said = feedback.ways(g.store, check_in)
        rating, absent = goals.number_of(answers[CLOSENESS])
        goals.rate(
            g.store,
            g.service,
            here.goal.id,
            check_in.person_id,
            rating,
            absent,
            check_in_id=None if late else check_in.id,
            completed_by=said[0] if said else "self",
            language=i18n.spoken().code,
        )
    return feedback.Kept(problems, late=late)


def _stale(check_in: CheckIn, scale: str, slug: str) -> ResponseReturnValue:
    """The form's token has died with its session: the page comes back with what was chosen, nothing is kept yet. So it
    does when another device has finished meanwhile: sent again, the answer is kept beside what counts."""
    pages = _look(check_in)
    here = _find(pages, scale, slug)
    if here is None:
        return _to("start")
    return _show(check_in, pages, here, typed={**_typed(here.step), **_typed(WHO)}, stale=True), 400


def _help_first(here: Page, onward: str) -> str:
    """On the very answer: who can help right now, and when a person of the service will read this; then Continue."""
    response = here.opened.response if here.opened else None
    return render_template(
        "journeys/help_first.html",
        expected=alerts.expected_for_form(g.store, g.service.id, response.id) if response else None,
        helplines=g.settings.helplines,
        onward=onward,
        lock=visit_lock(),
    )


def _leads_to(check_in: CheckIn, pages: Sequence[Page], here: Page, kept: feedback.Kept) -> Response:
    go = request.form.get("go", "")
    if kept.late:
        return _to("done", beside=1)
    if go == "save":
        return _to("later")
    places = [one.address for one in pages]
    place = places.index(here.address) if here.address in places else len(places)
    if go == "back":
        return redirect(places[place - 1] if place else url_for("check_ins.start"), 303)  # type: ignore[return-value]
    if place + 1 < len(places):
        return redirect(places[place + 1], 303)  # type: ignore[return-value]
    # A page before it may have been passed over by its address alone.
    if gap := _gap(_look(check_in)):
        return redirect(gap.address, 303)  # type: ignore[return-value]
    feedback.finish(g.store, g.service, check_in)
    return _to("done")


@blueprint.get("/check-in/later")
@mine(Mine.ANSWER_CHECK_IN)
def later() -> ResponseReturnValue:
    """What is answered is kept; how to come back."""
    return render_template("check_ins/later.html", onward=url_for("check_ins.start"), lock=visit_lock())


@blueprint.get("/check-in/done")
@mine(Mine.ANSWER_CHECK_IN)
def done() -> ResponseReturnValue:
    """Thank you, and what happens next."""
    check_in = _check_in()
    if check_in is None:
        return _nothing_due()
    if feedback.is_open(check_in):
        return _to("start")
    return _done_page(check_in, beside=request.args.get("beside") == "1")


def _done_page(check_in: CheckIn, *, beside: bool = False) -> str:
    reads = g.visitor.tier is Tier.READ
    together, unlike = _now_and_then(check_in) if reads else ([], False)
    return render_template(
        "check_ins/done.html",
        check_in=check_in,
        beside=beside,
        together=together,
        unlike=unlike,
        goals=feedback.GOALS in check_in.scales and not reads,
        lock=visit_lock(),
    )


@dataclass(frozen=True)
class NowAndThen:
    """What was asked, what was said last time, and what is said now: the item's own answers, never a verdict."""

    asked: str | Markup
    then: str
    now: str


def _now_and_then(check_in: CheckIn) -> tuple[list[tuple[str | Markup, list[NowAndThen]]], bool]:
    """The answers last time and now, beneath the time that they are about, which is said once for a scale; and whether
    words or ways of answering differ between the two."""
    answered = feedback.responses_of(g.store, g.service.id, check_in.person_id)
    together: list[tuple[str | Markup, list[NowAndThen]]] = []
    unlike = False
    for one in (one for one in answered if one.check_in.id == check_in.id):
        before = [two for two in answered if two.response.scale == one.response.scale and two.counts]
        before = [two for two in before if two.on <= one.on and two.response.id != one.response.id]
        last = max(before, key=lambda two: two.on, default=None)
        if last is None:
            continue
        alike = [(two.response.wording_hash, feedback.mode_of(two.response)) for two in (last, one)]
        unlike = unlike or alike[0] != alike[1]
        words = feedback.questions_of(g.store, g.service, one.response.id, i18n.spoken().code)
        said_then = {item.item: item.counts for item in last.items}
        for item in one.items:
            then = said_then.get(item.item)
            if item.counts and then and (question := words.get(item.item)):
                said = [questions.said(question, answer.code) for answer in (then, item.counts)]
                about, asked = questions.about_and_label(question)
                if not together or together[-1][0] != about:
                    together.append((about, []))
                together[-1][1].append(NowAndThen(asked, *said))
    return together, unlike


# When there are no words in the person's language (product 9) ---------------------------------------------------------


def _nothing_to_ask(check_in: CheckIn) -> ResponseReturnValue:
    missing = feedback.without_words(g.store, g.service, check_in, i18n.spoken().code)
    if not missing:
        goals_wait = feedback.GOALS in check_in.scales and g.visitor.tier is not Tier.READ
        return render_template("check_ins/nothing_due.html", goals=goals_wait, lock=visit_lock())
    return render_template(
        "check_ins/without_words.html",
        titles=[one.title for one in missing],
        handed_on=check_in.handed_to_staff_at is not None,
        lock=visit_lock(),
    )


@blueprint.post("/check-in/without-words")
@mine(Mine.ANSWER_CHECK_IN)
def without_words() -> ResponseReturnValue:
    """The English with an interpreter, or a link worker's help; nothing is forced."""
    check_in = _check_in()
    if check_in is None or not feedback.is_open(check_in):
        return _to("done")
    if request.form.get("go") == "interpreter":
        language = i18n.spoken().code
        feedback.begin(g.store, g.service, check_in, language=language, completed_by="interpreter")
    elif request.form.get("go") == "worker":
        measures.hand_to_worker(g.store, g.service, check_in)
    return _to("start")


# Right after the form was sent ----------------------------------------------------------------------------------------


@blueprint.post("/check-in/now")
@public
def now() -> ResponseReturnValue:
    """The browser that has just sent a form opens the first check-in: one visit, for that task."""
    if g.service is None:
        abort(404)
    key = cookies.held(cookies.name_of("FORM_COOKIE"))
    referral = referrals.sent_by(g.store, g.service.id, key)
    check_in = first_of(referral.id) if referral else None
    if check_in is None:
        return redirect(url_for("journeys.sent"), 303)
    fresh = codes.new_key()
    if g.visitor is not None:
        accounts.end(g.store, g.visitor)
    g.visitor = accounts.open_for_check_in(g.store, g.service, check_in, fresh, i18n.spoken().code, via="sent")
    return give_visit(current_app.make_response(first_page(check_in)), fresh)


def first_of(referral_id: uuid.UUID) -> CheckIn | None:
    """The check-in at the start, as long as it can be answered."""
    planned = measures.of_referral(g.store, g.service.id, referral_id)
    return next((one for one in planned if one.occasion == "baseline" and feedback.is_open(one)), None)


# What staff type in ---------------------------------------------------------------------------------------------------


def _how(opened: Open) -> Step:
    """Who answered and how, for whoever types it in. In somebody's place only where the scale's publisher allows it."""
    who = [Choice(code, label) for code, label in COMPLETED_BY.items() if code != "proxy" or opened.instrument.proxy]
    how = [Choice(code, label) for code, label in RESPONSE_MODES.items() if code != "web"]
    return Step(
        "how",
        (
            Question(
                "completed_by",
                N_("Who answers?"),
                Kind.ONE_OF,
                tuple(who),
                required=True,
                missing=N_("Say who answers"),
            ),
            Question(
                "response_mode",
                N_("How do the answers come to you?"),
                Kind.ONE_OF,
                tuple(how),
                required=True,
                missing=N_("Say how the answers come to you"),
            ),
        ),
        title=N_("Who answers, and how"),
    )


def _read(referral_id: uuid.UUID, check_in_id: uuid.UUID) -> tuple[Referral, CheckIn]:
    try:
        check_in = feedback.find(g.store, g.actor.service_id, check_in_id, referral_id)
        return referrals.read(g.store, g.actor, referral_id), check_in
    except (feedback.Gone, referrals.Gone):
        abort(404)


def _words(scale: str) -> str:
    """The language whose words are read out: the one that was asked for, if there are any; else English."""
    asked = request.values.get("words", "")
    return asked if asked in feedback.languages_of(g.store, g.service, scale) else "en"


def _open_for_staff(check_in: CheckIn, scale: str) -> Open:
    opened = feedback.look(g.store, g.service, check_in, language=_words(scale), read_out=True)
    return next((one for one in opened if one.scale == scale and one.shown), None) or abort(404)


@dataclass(frozen=True)
class ShownItem:
    """What was answered to one item, for staff: what counts, what was said before, what came after the end, and the
    alerts that it raised."""

    asked: str
    counts: str
    earlier: list[str]
    late: list[str]
    alerts: list[uuid.UUID]


def _shown_items(answered: feedback.Answered, raised: Sequence[Alert]) -> list[ShownItem]:
    words = feedback.questions_of(g.store, g.service, answered.response.id, i18n.spoken().code)

    def say(item: str, said: feedback.Said) -> str:
        question = words.get(item)
        return questions.said(question, said.code) if question else said.code

    return [
        ShownItem(
            questions.label(words[one.item]) if one.item in words else one.item,
            say(one.item, one.counts) if one.counts else gettext(N_("Not asked")),
            [say(one.item, said) for said in one.earlier],
            [say(one.item, said) for said in one.late],
            [alert.id for alert in raised if alert.question == f"{answered.response.scale}:{one.item}"],
        )
        for one in answered.items
    ]


@blueprint.get("/staff/referrals/<uuid:referral_id>/check-ins/<uuid:check_in_id>")
@allow(Permission.READ_REFERRAL, audits=True)
def entry(referral_id: uuid.UUID, check_in_id: uuid.UUID) -> ResponseReturnValue:
    """One check-in: what was answered, and what may be typed in for the person."""
    referral, check_in = _read(referral_id, check_in_id)
    opened = feedback.look(g.store, g.service, check_in, language="en", read_out=True)
    answered = feedback.of_check_in(g.store, check_in)
    raised = alerts.of_referral(g.store, g.actor, referral.id)
    return render_template(
        "check_ins/entry.html",
        statuses=STATUSES,
        referral=referral,
        check_in=check_in,
        occasion=gettext(OCCASIONS[check_in.occasion]),
        is_open=feedback.is_open(check_in),
        opened=[one for one in opened if one.shown],
        answered=[
            (
                one.instrument.title if one.instrument else one.response.scale,
                one.response,
                gettext(COMPLETED_BY[one.response.completed_by]),
                gettext(RESPONSE_MODES[one.response.response_mode]),
                _shown_items(one, [alert for alert in raised if alert.form_id == one.response.id]),
            )
            for one in answered
        ],
        raised=request.args.get("raised") == "1",
        beside=request.args.get("beside") == "1",
    )


@blueprint.get("/staff/referrals/<uuid:referral_id>/check-ins/<uuid:check_in_id>/scales/<scale>")
@allow(Permission.READ_REFERRAL, audits=True)
def entry_of_scale(referral_id: uuid.UUID, check_in_id: uuid.UUID, scale: str) -> ResponseReturnValue:
    """A scale on one page, in the order of the form."""
    referral, check_in = _read(referral_id, check_in_id)
    return _entry_page(referral, check_in, _open_for_staff(check_in, scale), {}, {})


def _entry_page(
    referral: Referral,
    check_in: CheckIn,
    opened: Open,
    typed: Mapping[str, object],
    problems: Mapping[str, Problem],
    *,
    wrong_day: str = "",
    stale: bool = False,
) -> str:
    step, how = opened.one_page.steps[0], _how(opened)
    said = feedback.answers_of(g.store, opened.response) if opened.response else {}
    ways = feedback.ways(g.store, check_in)
    now_said = dict(zip(("completed_by", "response_mode"), ways, strict=True)) if ways else {}
    before = say_day(opened.response.said_on) if opened.response else ""
    exact = step.questions[0].exact
    return render_template(
        "check_ins/enter.html",
        referral=referral,
        check_in=check_in,
        opened=opened,
        heading=opened.instrument.title,
        how=questions.show(how, now_said, typed or None, problems, autofill=False),
        shown=questions.show(step, said, typed or None, problems, autofill=False),
        opening=questions.exact_words(exact, exact.opening) if exact else "",
        licence=opened.instrument.licence.print_line,
        attribution=opened.chosen.wording.attribution,
        words=opened.chosen.wording.language,
        languages=feedback.languages_of(g.store, g.service, opened.scale) if opened.response is None else (),
        is_open=feedback.is_open(check_in),
        said_on=before if not typed else questions.printable(str(typed["said_on"])),
        wrong_day=wrong_day,
        stale=stale,
    )


@blueprint.post("/staff/referrals/<uuid:referral_id>/check-ins/<uuid:check_in_id>/scales/<scale>")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def enter(referral_id: uuid.UUID, check_in_id: uuid.UUID, scale: str) -> ResponseReturnValue:
    """Keep what the person answered elsewhere, as staff typed it in."""
    referral, check_in = _read(referral_id, check_in_id)
    one = _open_for_staff(check_in, scale)
    how = _how(one)
    step = one.one_page.steps[0]
    typed: dict[str, object] = {**_typed(how), **_typed(step), "said_on": request.form.get("said_on", "")[:40]}
    if g.stale:
        return _entry_page(referral, check_in, one, typed, {}, stale=True), 400
    ways, problems = how.read(typed)
    said_on, wrong_day = day_on_paper(str(typed["said_on"]))
    if problems or wrong_day:
        problems = {**problems, **step.read(typed)[1]}
        return _entry_page(referral, check_in, one, typed, problems, wrong_day=wrong_day), 422
    opened = feedback.begin(
        g.store,
        g.service,
        check_in,
        language=_words(scale),
        completed_by=str(ways["completed_by"]),
        response_mode=str(ways["response_mode"]),
        entered_by=g.actor.staff_id,
        said_on=said_on,
        only=scale,
    )
    made = next(two for two in opened if two.scale == scale)
    kept = feedback.keep(g.store, g.service, check_in, made, step, typed, actor=g.actor)
    if kept.problems:
        return _entry_page(referral, check_in, made, typed, kept.problems), 422
    told = {"raised": 1 if kept.alerted else None, "beside": 1 if kept.late else None}
    return _to("entry", referral_id=referral.id, check_in_id=check_in.id, **told)


@blueprint.post("/staff/referrals/<uuid:referral_id>/check-ins/<uuid:check_in_id>/finish")
@allow(Permission.DECIDE_REFERRAL)
def finish(referral_id: uuid.UUID, check_in_id: uuid.UUID) -> ResponseReturnValue:
    """All is typed in that will come."""
    referral, check_in = _read(referral_id, check_in_id)
    feedback.finish(g.store, g.service, check_in, actor=g.actor)
    return _to("entry", referral_id=referral.id, check_in_id=check_in.id)
