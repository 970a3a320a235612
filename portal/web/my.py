"""The doors of the person's own page: where their referral stands, goals, check-ins, what is shared, their details, who
has looked, a copy of everything, and the ways to stop.

Nobody is measured here: a person sees their own answers in the words of the form and their own line, never a total, a
band or a comparison (trust H11), and nothing is praised or warned of. What others may do, staff do elsewhere.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import (
    codes,
    drafts,
    experience,
    exports,
    feedback,
    goals,
    letters,
    measures,
    people,
    referrals,
    retention,
    services,
)
from portal.access import Mine, Tier
from portal.caseload import closing, contacts
from portal.caseload import letters as told_letters
from portal.clock import today
from portal.feedback import Answered
from portal.i18n import LONDON, N_, gettext, say_date, say_month, spoken
from portal.journeys import Problem, Question, Step
from portal.journeys.details import DETAILS
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral, Standing
from portal.web import charts, questions
from portal.web import goals as goal_pages
from portal.web.caseload import letters as letter_pages
from portal.web.caseload import onward as onward_pages
from portal.web.caseload import plan_words
from portal.web.requests import visit_lock
from portal.web.security import keeps_typed, mine

blueprint = Blueprint("my", __name__)


def _to(endpoint: str, **values: object) -> Response:
    return redirect(url_for(f"my.{endpoint}", **values), 303)  # type: ignore[arg-type, return-value]


# The page ------------------------------------------------------------------------------------------------------------


@blueprint.get("/my")
@mine(Mine.READ_PAGE, entrance=True)
def page() -> ResponseReturnValue:
    """Everything at a glance."""
    person_id = g.visitor.person_id
    theirs = referrals.of_one(g.store, g.service.id, person_id)
    due = measures.due_for(g.store, g.service.id, person_id)
    return render_template(
        "my/page.html",
        forms=[_form(one) for one in theirs],
        due=[say_date(one.closes_at, weekday=False) for one in due],
        notes=contacts.shared_with(g.store, g.service.id, person_id),
        places=onward_pages.for_person(person_id),
        told=letter_pages.for_person(person_id),
        plans=plan_words.for_person(g.service.id, person_id),
        goals=goal_pages.shown(goals.of_person(g.store, g.service.id, person_id)),
        scales=list(_scales(feedback.responses_of(g.store, g.service.id, person_id))),
        sharing=_sharing(theirs),
        comments=experience.of_person(g.store, g.service.id, person_id),
        erasure=_erasure(),
        may_stop=any(referrals.standing(g.store, g.service, one).open for one in theirs),
        lock=visit_lock(),
    )


@blueprint.get("/my/told/<uuid:letter_id>")
@mine(Mine.READ_PAGE)
def letter(letter_id: uuid.UUID) -> ResponseReturnValue:
    """What we told their GP, or whoever helped them: as it was sent."""
    try:
        told = told_letters.one_for_person(g.store, g.service.id, g.visitor.person_id, letter_id)
    except told_letters.Gone:
        abort(404)
    heading = gettext(letter_pages.FOR_PERSON[told.recipient], day=say_date(told.at, weekday=False))
    left_out = told_letters.NOT_ON_THE_PAGE
    return render_template(
        "my/letter.html",
        heading=heading,
        sheet=letters.sheet(told.document),
        left_out=left_out,
        leaves_out=any(told.document.section(code) for code in left_out),
        lock=visit_lock(),
    )


# Where it stands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """One referral on the page: when it was sent, its reference, what to say about it, and the service's own words:
    about the end, and about what the person may do themselves. ``asks``: somebody asks them once more."""

    reference: str
    sent: date
    said: tuple[str, ...]
    word: str
    to_do: str
    asks: bool


def _form(referral: Referral) -> Form:
    standing = referrals.standing(g.store, g.service, referral)
    said = tuple(say_standing(standing))
    if standing.code == "closed":
        ours = services.texts.words(g.store, g.service, "closing", spoken().code)
        said = (said[0], *(part for part in ours.split("\n\n") if part), *said[1:])
    sent = referral.referred_at.astimezone(LONDON).date()
    return Form(referral.reference, sent, said, standing.word, standing.to_do, standing.asks_on is not None)


WAITING = N_("We have your form. A person will get in touch with you by %(day)s, in a way that you chose.")
LATE = N_("We said that we would get in touch by %(day)s. We are late, and we are sorry.")
TOLD = N_("A manager has been told. You do not have to do anything. Your form is safe with us.")
BEING_TOLD = N_("A manager is being told. You do not have to do anything. Your form is safe with us.")
TAKEN = N_("Your link worker is %(name)s.")
TAKEN_BY_NOBODY_YET = N_("We said yes. You will have a link worker. We tell you here who it is.")
NEXT = N_("What happens next: your link worker gets in touch with you, in a way that you chose.")
UNDER_WAY = N_(
    "What happens next: what you and your link worker have agreed. You can get in touch with us at any time."
)
UNDER_WAY_BY = N_("What happens next: your link worker plans to get in touch with you by %(day)s.")
PAUSED = N_("We have paused for now. You can get in touch with us at any time, and we go on.")
PAUSED_UNTIL = N_("What happens next: your link worker looks at it again on %(day)s.")
AGAIN = N_("We opened this again on %(day)s.")
PASSED_ON = N_("We asked somebody else to help you: %(name)s.")
PASSED_ON_NEXT = N_("What happens next: they get in touch with you. If they do not, tell us.")
MOVED = N_("They have what you told us in your form, as you allowed. You do not have to say it all again.")
MOVED_NUMBER = N_("Your number there is %(reference)s.")
MOVED_CARD = N_("Your card from us does not open your page there. Ask them for a card when they get in touch.")
ENDED_HERE = N_("Here it ended on %(day)s.")
COME_BACK_BY = N_("If you want our help again by %(day)s, tell us. We then go on, and you do not fill in a new form.")
ENDED: dict[str, str] = {
    "not-eligible": N_("We cannot help you with this. That was decided on %(day)s."),
    "withdrawn": N_("This ended on %(day)s, because you do not want it any more. We ask you nothing more about it."),
    "closed": N_("This ended on %(day)s."),
    "duplicate": N_("You sent this form twice. We go on with the other one. You do not have to do anything."),
}
COME_BACK = N_("You can ask for help again at any time.")
ASKS = N_("We would like to ask you once more how you are, in %(month)s. You do not have to answer.")
ASKS_NOW = N_("We would like to ask you once more how you are. You do not have to answer.")


def say_standing(standing: Standing) -> Iterator[str]:
    """Where a referral stands and what happens next by when, in the language now spoken."""
    if standing.by:
        late = standing.code == "late"
        yield gettext(LATE if late else WAITING, day=say_date(standing.by))
        if late:
            yield gettext(TOLD if standing.manager_told else BEING_TOLD)
        return
    ended = say_date(standing.since) if standing.since else ""
    if standing.code in ("accepted", "active", "on-hold"):
        yield from _say_open(standing)
    elif standing.code == "passed-on":
        yield gettext(PASSED_ON, name=standing.passed_to)
        if standing.there:
            yield gettext(MOVED)
            yield gettext(MOVED_NUMBER, reference=codes.show_reference(standing.there))
            yield gettext(MOVED_CARD)
        yield gettext(PASSED_ON_NEXT)
        if standing.there:
            yield gettext(ENDED_HERE, day=ended)
    else:
        yield gettext(ENDED[standing.code], day=ended)
        if standing.asks_on:
            later = standing.asks_on > today()
            yield gettext(ASKS, month=say_month(standing.asks_on)) if later else gettext(ASKS_NOW)
        if standing.until and standing.until >= today():
            yield gettext(COME_BACK_BY, day=say_date(standing.until, weekday=False))
        if standing.code != "duplicate":
            yield gettext(COME_BACK)


def _say_open(standing: Standing) -> Iterator[str]:
    """While somebody works with the person: who, and what comes next."""
    if standing.again:
        yield gettext(AGAIN, day=say_date(standing.again, weekday=False))
    yield gettext(TAKEN, name=standing.worker) if standing.worker else gettext(TAKEN_BY_NOBODY_YET)
    if standing.code == "on-hold":
        yield gettext(PAUSED)
        if standing.until:
            yield gettext(PAUSED_UNTIL, day=say_date(standing.until))
    elif standing.code == "accepted":
        yield gettext(NEXT)
    else:
        by = say_date(standing.next_by) if standing.next_by else ""
        yield gettext(UNDER_WAY_BY, day=by) if by else gettext(UNDER_WAY)


# Check-ins: their own answers, last time and now ---------------------------------------------------------------------


Table = tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]
"""The heads of the columns, and the rows."""


@dataclass(frozen=True)
class Scale:
    """One set of questions: the answers side by side, the older ones, and a line for each question that has one."""

    title: str
    about: Markup
    source: str
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    older: tuple["Table", ...]
    said: tuple[str, ...]
    lines: tuple[Markup, ...]


TITLES: dict[str, str] = {
    "ons4": N_("Your life"),
    "who5": N_("How you have been"),
    "gss-loneliness": N_("Being with other people"),
}
"""What the questions are about, in plain words; whose they are stands beneath them. Any other has its own title."""

NO_ANSWER = N_("No answer")
OTHER_WORDS = N_("On %(day)s the words of the questions were not quite the same as before, so compare with care.")
OTHER_WAY = N_("On %(day)s you answered in another way than before, such as by phone or with help. Compare with care.")
OTHER_WEEKDAY = N_("This question is about one day. The days were not the same day of the week.")


def _scales(answered: Sequence[Answered]) -> Iterator[Scale]:
    """By scale, in the order in which the person first met them. What came after the end counts for nothing here."""
    by_scale: dict[str, list[Answered]] = {}
    for one in answered:
        if one.counts and one.instrument is not None:
            by_scale.setdefault(one.response.scale, []).append(one)
    for number, times in enumerate(by_scale.values()):
        yield _scale(number, sorted(times, key=lambda one: (one.on, one.response.id)))


def _scale(number: int, times: Sequence[Answered]) -> Scale:
    last, latest = times[-2:], times[-1]
    asked = {id(one): feedback.questions_of(g.store, g.service, one.response.id, spoken().code) for one in times}
    items = [one.item for one in latest.items if one.item in asked[id(latest)]]
    instrument = latest.instrument
    assert instrument is not None  # noqa: S101  # nothing else gets here

    def said(one: Answered, item: str) -> object:
        counts = next((each.counts for each in one.items if each.item == item), None)
        question = asked[id(one)].get(item)
        return questions.said(question, counts.code) if counts and question else gettext(NO_ANSWER)

    def table(which: Sequence[Answered], head: Sequence[str]) -> Table:
        rows = tuple((_asked(asked[id(latest)][item]), *(said(one, item) for one in which)) for item in items)
        return (gettext(N_("Question")), *head), rows

    days = [say_date(one.on, weekday=False) for one in times]
    head, rows = table(last, _last_and_now(days))
    older = [table([one], [day]) for one, day in zip(times[:-2], days, strict=False)]
    wording = asked[id(latest)]
    exact = next((wording[item].exact for item in items), None)
    lines = [
        _line(f"line-{number}-{place}", wording[item], times, item)
        for place, item in enumerate(items)
        if _has_a_line(wording[item], times, item)
    ]
    return Scale(
        title=gettext(TITLES.get(instrument.key, instrument.title)),
        about=questions.exact_words(exact, exact.recall) if exact and exact.recall else Markup(""),
        source=instrument.licence.print_line,
        head=head,
        rows=rows,
        older=tuple(reversed(older)),
        said=tuple(dict.fromkeys(_broken(one, two) for one, two in pairwise(times) if _broken(one, two))),
        lines=tuple(lines),
    )


def _asked(question: Question) -> str | Markup:
    """The question alone: the time that it is about stands above the table once."""
    return questions.exact_words(question.exact, question.label) if question.exact else gettext(question.label)


def _last_and_now(days: Sequence[str]) -> list[str]:
    if len(days) == 1:
        return [gettext(N_("Your answer, %(day)s"), day=days[0])]
    return [gettext(N_("Last time, %(day)s"), day=days[-2]), gettext(N_("Now, %(day)s"), day=days[-1])]


def _broken(before: Answered, after: Answered) -> str:
    """Why two occasions are not quite alike, in a sentence; empty when they are."""
    day = say_date(after.on, weekday=False)
    one, two = before.response, after.response
    if (one.scale_version, one.wording_hash) != (two.scale_version, two.wording_hash):
        return gettext(OTHER_WORDS, day=day)
    return gettext(OTHER_WAY, day=day) if feedback.mode_of(one) is not feedback.mode_of(two) else ""


def _value(one: Answered, item: str) -> int | None:
    return one.values.get(item)


def _has_a_line(question: Question, times: Sequence[Answered], item: str) -> bool:
    """Two numbers at least, on a range of more than yes and no."""
    values = [choice.value for choice in question.choices if choice.value is not None]
    amounts = len(values) == len(question.choices) > 2
    return amounts and sum(_value(one, item) is not None for one in times) > 1


def _line(code: str, question: Question, times: Sequence[Answered], item: str) -> Markup:
    ends = sorted((choice.value, choice) for choice in question.choices if choice.value is not None)
    (low, lowest), (high, highest) = ends[0], ends[-1]
    weekday = any(
        one.instrument.item_by_code[item].weekday_matters and one.on.weekday() != two.on.weekday()
        for one, two in pairwise(times)
        if one.instrument is not None and item in one.instrument.item_by_code
    )
    points = [
        charts.Point(
            one.on,
            _value(one, item),
            broken=_broken(before, one) if before else "",
        )
        for before, one in zip([None, *times], times, strict=False)
    ]
    own = question.exact.language if question.exact and question.exact.language != spoken().code else ""
    drawn = charts.Chart(
        code=code,
        title=question.label,
        points=tuple(points),
        lowest=low,
        highest=high,
        ends=(lowest.label, highest.label),
        language=own,
        more=(gettext(OTHER_WEEKDAY),) if weekday else (),
    )
    return charts.chart(drawn, table=False, titled=True)


# What is shared ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shared:
    """One thing that may be shared: what it is, whether it is allowed now, and since when that stands; ``by``: the
    member of staff who wrote it down, empty where the person did."""

    kind: str
    question: str
    name: str
    allowed: bool
    since: date | None
    by: str


def _sharing(theirs: Sequence[Referral]) -> list[Shared]:
    rows = people.permissions_of(g.store, g.service.id, g.visitor.person_id)
    helped = any(one.answers.get("referring_for") != "me" for one in theirs)
    return [
        Shared(
            kind,
            SELF_REFERRAL.question(kind).label,
            gettext(SELF_REFERRAL.question(kind).name),
            kind in rows and rows[kind].decision == "given",
            rows[kind].created_at.astimezone(LONDON).date() if kind in rows else None,
            people.written_down_by(g.store, rows[kind]) if kind in rows else "",
        )
        for kind in people.SHARING
        if kind != "share_referrer" or helped or kind in rows
    ]


@blueprint.post("/my/sharing")
@mine(Mine.CHANGE_SHARING)
def share() -> ResponseReturnValue:
    """One switch: yes, or no. It counts from now on."""
    kind, decision = request.form.get("kind", ""), request.form.get("decision", "")
    try:
        people.change_permission(g.store, g.service, g.visitor.person_id, kind, decision, spoken().code)
    except ValueError:
        abort(400)
    return redirect(url_for("my.page", _anchor="sharing"), 303)


# Their details: the form's own questions -----------------------------------------------------------------------------

FIRST = DETAILS.steps[0]


def _reads() -> bool:
    return bool(g.visitor.tier is Tier.READ)


def _key() -> str:
    """Details that are being changed belong to the visit in which they are."""
    return f"{DETAILS.code}:{g.visitor.visit_id}"


def _draft(*, lock: bool = False) -> drafts.Draft | None:
    return drafts.find(g.store, g.service.id, DETAILS.code, _key(), lock=lock)


def _known() -> dict[str, object]:
    """What we know already: shown to whoever may read the page, and to nobody who came for one task."""
    return people.known_of(g.store, g.service.id, g.visitor.person_id) if _reads() else {}


@blueprint.get("/my/details")
@mine(Mine.CHANGE_DETAILS, entrance=True)
def details() -> ResponseReturnValue:
    """What to change."""
    return _step_page(FIRST, _draft(), None, {})


@blueprint.get("/my/details/<slug>")
@mine(Mine.CHANGE_DETAILS)
def detail(slug: str) -> ResponseReturnValue:
    """One page of what is to be changed."""
    here = DETAILS.step(slug) or abort(404)
    draft = _draft()
    if not DETAILS.may_open(slug, draft.answers if draft else {}):
        return _to("details")
    typed = draft.typed.get(slug) if draft else None
    problems = here.read(typed)[1] if typed else {}
    problems = {code: problem for code, problem in problems.items() if problem is not Problem.MISSING}
    return _step_page(here, draft, typed, problems), 422 if problems else 200


def _step_page(
    here: Step,
    draft: drafts.Draft | None,
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    *,
    stale: bool = False,
) -> str:
    answers = {**_known(), **(draft.answers if draft else {})}
    return render_template(
        "my/detail.html",
        step=here,
        heading=gettext(here.heading),
        shown=questions.show(here, answers, typed, problems, autofill=False),
        count_words=questions.count_words,
        action=url_for("my.change_detail", slug=here.slug),
        back=here is not FIRST,
        stale=stale,
        blank=not _reads() and here is not FIRST,
        home=_home(),
        lock=visit_lock(),
    )


def _home() -> str:
    return url_for("my.page") if _reads() else ""


@blueprint.post("/my/details/<slug>")
@mine(Mine.CHANGE_DETAILS)
@keeps_typed
def change_detail(slug: str) -> ResponseReturnValue:
    """Keep one page of what is to be changed; nothing of it counts yet."""
    here = DETAILS.step(slug) or abort(404)
    draft = _draft(lock=True)
    raw = {question.code: request.form.getlist(question.code)[:60] for question in here.questions}
    if g.stale:
        return _step_page(here, draft, raw, {}, stale=True), 400
    if draft is None:
        if here is not FIRST:
            return _to("details")
        draft = drafts.start(g.store, g.service, DETAILS.code, DETAILS.version, spoken().code, _key())
        draft.referral_id = g.visitor.referral_id
    answers, problems = here.read(raw)
    typed = {one: fields for one, fields in draft.typed.items() if one != slug}
    if problems:
        typed[slug] = dict(raw)
    drafts.keep(g.store, g.service, draft, DETAILS.on_path({**draft.answers, **answers}), typed)
    if request.form.get("go") == "back":
        before = DETAILS.before(slug, draft.answers)
        return _to("detail", slug=before.slug) if before and before is not FIRST else _to("details")
    if problems:
        return _step_page(here, draft, raw, problems), 422
    following = DETAILS.after(slug, draft.answers)
    return _to("detail", slug=following.slug) if following else _to("check")


def _gap(draft: drafts.Draft) -> Step | None:
    gap = DETAILS.first_gap(draft.answers)
    return next((one for one in DETAILS.path(draft.answers) if one is gap or one.slug in draft.typed), None)


@blueprint.get("/my/details/check-your-answers")
@mine(Mine.CHANGE_DETAILS)
def check() -> ResponseReturnValue:
    """What will be changed, before it is."""
    draft = _draft()
    if draft is None:
        return _to("details")
    if gap := _gap(draft):
        return _to("detail", slug=gap.slug)
    parts = [
        (step, [(question, questions.in_words(question, draft.answers)) for question in step.questions])
        for step in DETAILS.path(draft.answers)
        if step is not FIRST
    ]
    return render_template("my/check.html", parts=parts, blank=not _reads(), home=_home(), lock=visit_lock())


@blueprint.post("/my/details/check-your-answers")
@mine(Mine.CHANGE_DETAILS)
def correct() -> ResponseReturnValue:
    """Now it counts. Pressed twice, it is changed once."""
    draft = _draft(lock=True)
    if draft is None:
        return _to("corrected")
    if gap := _gap(draft):
        return _to("detail", slug=gap.slug)
    # Whoever was shown nothing has taken nothing out by leaving it blank.
    people.correct(g.store, g.service, g.visitor.person_id, draft.answers, keep_blanks=not _reads())
    drafts.drop(g.store, draft)
    return _to("corrected")


@blueprint.get("/my/details/saved")
@mine(Mine.CHANGE_DETAILS)
def corrected() -> ResponseReturnValue:
    """It is changed."""
    return render_template("my/corrected.html", home=_home(), lock=visit_lock())


# Who has looked, and a copy of everything ----------------------------------------------------------------------------


@blueprint.get("/my/who-looked")
@mine(Mine.READ_PAGE)
def looked() -> ResponseReturnValue:
    """Who of the staff has read what, and when."""
    found = exports.who_looked(g.store, g.service, g.visitor.person_id)
    rows = [(say_date(one.on, weekday=False), one.name, one.role, one.what, one.why) for one in found]
    return render_template("my/looked.html", rows=rows, lock=visit_lock())


def _copy(form: str) -> exports.Everything:
    exports.write_down(g.store, g.service.id, g.visitor.person_id, form)
    return exports.everything(g.store, g.service, g.visitor.person_id)


@blueprint.get("/my/copy")
@mine(Mine.DOWNLOAD, audits=True)
def copy() -> ResponseReturnValue:
    """Everything that is kept, as a page to read and to print."""
    return render_template("my/copy.html", copy=_copy("page"), lock=visit_lock())


@blueprint.get("/my/copy.json")
@mine(Mine.DOWNLOAD, audits=True)
def copy_json() -> ResponseReturnValue:
    """The same for machines."""
    return _file(exports.as_json(_copy("json")), "application/json", "json")


@blueprint.get("/my/copy.csv")
@mine(Mine.DOWNLOAD, audits=True)
def copy_csv() -> ResponseReturnValue:
    """The same for a spreadsheet."""
    # With its mark, so that every spreadsheet reads the letters of every language.
    return _file("\N{ZERO WIDTH NO-BREAK SPACE}" + exports.as_csv(_copy("csv")), "text/csv", "csv")


def _file(text: str, kind: str, ending: str) -> Response:
    # The name of the file says nothing of what it is: it stays behind on a shared device.
    name = f"copy-{today().isoformat()}.{ending}"
    return Response(
        text.encode(),
        content_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# Stopping ------------------------------------------------------------------------------------------------------------


def _open_forms() -> list[Referral]:
    theirs = referrals.of_one(g.store, g.service.id, g.visitor.person_id)
    return [one for one in theirs if referrals.standing(g.store, g.service, one).open]


@blueprint.get("/my/stop")
@mine(Mine.WITHDRAW)
def stop() -> ResponseReturnValue:
    """ "I do not want this any more": what that means, before it is done."""
    forms = _open_forms()
    if not forms:
        return _to("page")
    return render_template("my/stop.html", forms=[_form(one) for one in forms], lock=visit_lock())


@blueprint.post("/my/stop")
@mine(Mine.WITHDRAW)
def stopped() -> ResponseReturnValue:
    """The person ends their own referral: the one whose button was pressed."""
    for one in _open_forms():
        if one.reference == request.form.get("which"):
            with suppress(referrals.AlreadyDecided):  # staff ended it a moment ago: the page says how it stands
                closing.withdraw(g.store, g.service, g.visitor.person_id, one.id)
    return _to("page")


@blueprint.post("/my/not-again")
@mine(Mine.WITHDRAW)
def not_again() -> ResponseReturnValue:
    """The person does not want to be asked once more after the end."""
    for one in referrals.of_one(g.store, g.service.id, g.visitor.person_id):
        if one.reference == request.form.get("which") and not one.is_open:
            measures.not_again(g.store, g.service, g.visitor.person_id, one.id)
    return _to("page")


def _erasure() -> str:
    """What became of the wish to be erased, in a sentence; empty when there was none."""
    asked = retention.latest_request(g.store, g.service.id, g.visitor.person_id)
    if asked is None:
        return ""
    if asked.state == "refused":
        said = N_("You asked us to erase your record. We could not. This is why: %(reason)s")
        return gettext(said, reason=asked.reason or "")
    said = N_("You asked us to erase your record. We answer by %(day)s.")
    return gettext(said, day=say_date(asked.due_at, weekday=False))


@blueprint.get("/my/erase")
@mine(Mine.ASK_ERASURE)
def erase() -> ResponseReturnValue:
    """What erasing means, before it is asked for."""
    return render_template("my/erase.html", asked=_erasure(), lock=visit_lock())


@blueprint.post("/my/erase")
@mine(Mine.ASK_ERASURE)
def ask_to_erase() -> ResponseReturnValue:
    """Ask to be erased. Asked twice it is one request."""
    retention.ask_erasure(g.store, g.service, g.visitor.person_id)
    return _to("erase")
