"""The doors for staff who type in what somebody says on the phone, says here, or wrote on paper.

The questions are the form's own, in the order of a call or of the paper; every press keeps what is on the page, and any
colleague goes on. Where the person speaks another language, each question stands in theirs, with the English beneath.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import alerts, codes, entries, i18n, referrals, services
from portal.access import Permission
from portal.drafts import Draft
from portal.i18n import LANGUAGES, N_, gettext
from portal.journeys import Kind, Problem, Question, Step
from portal.journeys.orders import Order, Section
from portal.journeys.self_referral import SELF_REFERRAL
from portal.web import forms, questions
from portal.web.on_paper import day_on_paper
from portal.web.questions import Shown
from portal.web.security import allow, keeps_typed

blueprint = Blueprint("entry", __name__, url_prefix="/staff/entry")


class Begin(forms.Form):
    """How the form comes to us."""

    channel = forms.OneOf(N_("How does the form come to you?"), missing=N_("Choose how the form comes to you"))
    completed_by = forms.OneOf(
        N_("Who answers?"),
        missing=N_("Choose who answers"),
        hint=N_("With an interpreter, each question stands in both languages on the next pages."),
    )
    language = forms.OneOf(
        N_("In which language do they answer?"),
        missing=N_("Choose a language"),
        hint=N_("The questions come in this language, with the English beneath."),
    )
    said_on = forms.Code(
        N_("The day on the paper, if it is not today"),
        longest=40,
        hint=N_("Only for a paper form. Such as 24 11 2026."),
    )


@dataclass(frozen=True)
class Part:
    """A section in the list beside a page: whether it is this one, and whether everything in it has been put."""

    section: Section
    here: bool
    done: bool


def _to(endpoint: str, **values: object) -> Response:
    return redirect(url_for(f"entry.{endpoint}", **values), 303)  # type: ignore[arg-type, return-value]


# Beginning, and what is not finished ---------------------------------------------------------------------------------


@blueprint.get("/")
@allow(Permission.ENTER_REFERRALS, audits=True)
def start() -> ResponseReturnValue:
    """Begin to type in a form, or go on with one that a colleague began."""
    return _start(Begin(formdata=None))


def _start(form: Begin) -> str:
    form.channel.choices = [(code, gettext(label)) for code, label in entries.CHANNELS.items()]
    form.completed_by.choices = [(code, gettext(label)) for code, label in entries.COMPLETED_BY.items()]
    form.language.choices = [
        (one.code, Markup('<span lang="{}" dir="{}">{}</span>').format(one.code, one.direction, one.autonym))
        for one in LANGUAGES.values()
    ]
    after = request.args.get("after", "")
    begun = entries.unfinished(g.store, g.actor, _id(after))
    return render_template(
        "entry/start.html",
        form=form,
        once=questions.printable(request.form.get("once", "")[:60]) or str(codes.new_id()),
        begun=begun,
        channels=entries.CHANNELS,
        further=_id(after) is not None,
        older=url_for("entry.start", after=begun[-1].draft.id) if len(begun) == MOST else "",
        open_now=services.may_take_referrals(g.store, g.service),
        done=request.args.get("done", ""),
    )


MOST = 50
"""Unfinished forms on a page."""


def _id(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None


@blueprint.post("/")
@allow(Permission.ENTER_REFERRALS)
@keeps_typed
def begin() -> ResponseReturnValue:
    """Begin; nothing has been asked yet."""
    form = Begin()
    page = _start(form)  # the choices that are offered stand in it
    day, wrong = (None, "")
    if form.sent():
        day, wrong = day_on_paper(form.said_on.data)
        if wrong:
            form.refuse("said_on", wrong)
        elif day and form.channel.data != "paper":
            form.refuse("said_on", gettext(N_("A day is only needed for a paper form. Take it out, or choose paper")))
        else:
            draft = entries.begin(
                g.store,
                g.service,
                g.actor,
                channel=form.channel.data,
                completed_by=form.completed_by.data,
                language=form.language.data,
                said_on=day,
                once=_id(request.form.get("once", "")),
            )
            return _to("page", entry_id=draft.id, slug=entries.order_of(draft).sections[0].slug)
    page = _start(form)
    return page, 400 if g.stale else 422


# One page ------------------------------------------------------------------------------------------------------------


def _find(entry_id: uuid.UUID, *, lock: bool = False) -> Draft | Response:
    """The form; or, when it has been sent meanwhile, on to what became of it."""
    try:
        if lock:
            return entries.find(g.store, g.actor, entry_id, lock=True)
        return entries.look(g.store, g.actor, entry_id)
    except entries.Gone:
        if entries.sent_as(g.store, g.actor, entry_id):
            return _to("sent", entry_id=entry_id)
        abort(404)


def _section(draft: Draft, slug: str) -> tuple[Order, Section]:
    order = entries.order_of(draft)
    return order, order.section(slug) or abort(404)


@blueprint.get("/<uuid:entry_id>/part/<slug>")
@allow(Permission.ENTER_REFERRALS, audits=True)
def page(entry_id: uuid.UUID, slug: str) -> ResponseReturnValue:
    """Some questions, and what to say aloud before them."""
    draft = _find(entry_id)
    if isinstance(draft, Response):
        return draft
    order, section = _section(draft, slug)
    step = order.page(section, draft.answers)
    typed = draft.typed.get(slug)
    problems = dict(_read(step, typed)) if typed else {}
    if request.args.get("missing") == "1":
        # Somebody has pressed Send: here it is what was still needed.
        here = {one.code for one in step.questions}
        problems |= {one.code: Problem.MISSING for one in entries.gaps(draft).missing if one.code in here}
    return _page(draft, step, section, typed=typed, problems=problems), 422 if problems else 200


def _read(step: Step, typed: Mapping[str, object]) -> Mapping[str, Problem]:
    return {code: problem for code, problem in step.read(typed)[1].items() if problem is not Problem.MISSING}


def _page(
    draft: Draft,
    step: Step,
    section: Section,
    *,
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    theirs: Mapping[str, Markup] = {},  # read only
    stale: bool = False,
) -> str:
    order = entries.order_of(draft)
    shown = show_both(step, draft.answers, typed, problems, draft.language)
    shown = [replace(one, hint=_with_note(order, step, one)) for one in shown]
    return render_template(
        "entry/page.html",
        draft=draft,
        heading=gettext(section.title),
        say=in_both(section.say, draft.language) if section.say else "",
        shown=shown,
        numbers=order.numbers if draft.source_channel == "paper" else {},
        count_words=questions.count_words,
        parts=_parts(order, draft, section),
        slug=section.slug,
        back=order.beside(section.slug, -1) is not None,
        stands=entries.stands(draft, step),
        theirs=theirs,
        channel=gettext(entries.CHANNELS[draft.source_channel]),
        elsewhere=g.settings.who_could_help if _outside(draft) else None,
        stale=stale,
    )


def _parts(order: Order, draft: Draft, here: Section | None) -> list[Part]:
    path = SELF_REFERRAL.path(draft.answers)
    on_path = {question.code for step in path for question in step.questions}
    return [
        Part(one, one is here, all(code in draft.answers for code in one.asks if code in on_path))
        for one in order.sections
    ]


def _outside(draft: Draft) -> bool:
    return "no" in (draft.answers.get("fits_area"), draft.answers.get("fits_age"), draft.answers.get("fits_age_by_day"))


def in_both(text: str, language: str) -> Markup | str:
    """A text of ours in the person's language, and in English beneath, each marked with its language and direction."""
    with i18n.speaking(language):
        said: Markup | str = gettext(text)
    if said == text:  # not translated yet: it is English, and stands there once
        language = "en"
    return _beneath(_in(language, said), text) if language != "en" else _in("en", said)


def _in(language: str, text: object) -> Markup | str:
    if language == i18n.spoken().code or not text:
        return text if isinstance(text, Markup) else Markup("{}").format(text)
    return Markup('<span lang="{}" dir="{}">{}</span>').format(language, LANGUAGES[language].direction, text)


def _beneath(theirs: object, english: object) -> Markup:
    return Markup("{}<br>{}").format(theirs, _in("en", english)) if english else Markup("{}").format(theirs)


def show_both(
    step: Step,
    answers: Mapping[str, object],
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    language: str,
) -> list[Shown]:
    """The questions of a page in the person's language, with the English beneath where that is another one. What is
    wrong is said in the reader's own."""
    shown = questions.show(step, answers, typed, problems, autofill=False)
    with i18n.speaking(language):
        theirs = {one.question.code: one for one in questions.show(step, answers, typed, {}, autofill=False)}
    both = language != "en"
    return (
        [
            replace(
                one,
                label=in_both(one.question.label, language),
                hint=in_both(one.question.hint, language) if one.question.hint else "",
                value=theirs[one.question.code].value,
                items=tuple(_item(one.question, item, language) for item in theirs[one.question.code].items)
                if one.question.kind is not Kind.LANGUAGE
                else _languages(one, theirs[one.question.code]),
                heading=False,
            )
            for one in shown
        ]
        if both or language != i18n.spoken().code
        else shown
    )


def _item(question: Question, item: Mapping[str, object], language: str) -> dict[str, object]:
    choice = question.choice(item["value"])
    if choice is None:
        return dict(item)
    hint = in_both(choice.hint, language) if choice.hint else ""
    return {**item, "text": in_both(choice.label, language), "hint": hint}


def _languages(one: Shown, theirs: Shown) -> tuple[dict[str, object], ...]:
    """A list that opens holds words alone: it stays in the reader's language; what is proposed is the person's."""
    chosen = {str(item["value"]) for item in theirs.items if item["checked"]}
    return tuple({**item, "checked": str(item["value"]) in chosen} for item in one.items)


def _with_note(order: Order, step: Step, one: Shown) -> Markup | str:
    """The hint, and before it, when another answer decides about the question, which."""
    depends = order.depends(one.question.code)
    if depends is None:
        return one.hint
    choices = ", ".join(gettext(choice.label) for choice in depends.choices)
    number = order.numbers[depends.question.code]
    note = (
        gettext(N_("Only if question %(number)s has: %(choices)s."), number=number, choices=choices)
        if order.code == "paper"
        else gettext(N_("Only if they chose: %(choices)s."), choices=choices)
    )
    return Markup("{} {}").format(note, one.hint)


@blueprint.post("/<uuid:entry_id>/part/<slug>")
@allow(Permission.ENTER_REFERRALS)
@keeps_typed
def keep(entry_id: uuid.UUID, slug: str) -> ResponseReturnValue:
    """Keep a page, whichever button was pressed."""
    draft = _find(entry_id, lock=True)
    if isinstance(draft, Response):
        return draft
    order, section = _section(draft, slug)
    step = order.page(section, draft.answers)
    raw: dict[str, object] = {one.code: request.form.getlist(one.code)[:60] for one in step.questions}
    if g.stale:
        return _page(draft, step, section, typed=raw, problems={}, stale=True), 400
    if request.form.get("stands") != entries.stands(draft, step) and (theirs := entries.differs(draft, step, raw)):
        # A colleague has kept something else here since the page was opened: both are shown, and nothing is lost.
        kept = {one.code: questions.said(one, draft.answers[one.code]) for one in theirs}
        return _page(draft, step, section, typed=raw, problems=_read(step, raw), theirs=kept), 409
    go = request.form.get("go", "")
    try:
        kept_now = entries.keep(g.store, g.service, g.actor, draft, step, raw, stops=go == "stop")
    except referrals.KeepsNothing:
        return _to("start", done="nothing")
    if kept_now.alerted:
        return _to("help_first", entry_id=draft.id, then=_then(go, order, section))
    if kept_now.problems and go not in ("stop", "back") and not go.startswith(GO_TO):
        return _page(draft, step, section, typed=raw, problems=kept_now.problems), 422
    return _leads_to(draft, _then(go, order, section))


GO_TO = "to-"
"""A button that leads to another section begins so; what is on the page is kept first."""


def _then(go: str, order: Order, section: Section) -> str:
    """Where a press leads: the slug of a section, ``check``, or nothing for the list."""
    if go == "stop":
        return ""
    if go.startswith(GO_TO):
        wanted = go.removeprefix(GO_TO)
        return wanted if order.section(wanted) else "check"
    following = order.beside(section.slug, -1 if go == "back" else 1)
    return following.slug if following else "check"


def _leads_to(draft: Draft, then: str) -> Response:
    if not then:
        return _to("start", done="kept")
    return _to("check", entry_id=draft.id) if then == "check" else _to("page", entry_id=draft.id, slug=then)


@blueprint.get("/<uuid:entry_id>/help")
@allow(Permission.ENTER_REFERRALS, audits=True)
def help_first(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Who can help right now, to be read out; then on."""
    draft = _find(entry_id)
    if isinstance(draft, Response):
        return draft
    then = request.args.get("then", "")
    if then and then != "check" and entries.order_of(draft).section(then) is None:
        then = "check"
    return render_template(
        "entry/help.html",
        expected=alerts.expected_for_form(g.store, g.service.id, draft.id),
        helplines=g.settings.helplines,
        spoken=draft.source_channel != "paper",
        onward=_leads_to(draft, then).location,
    )


# Checking and sending ------------------------------------------------------------------------------------------------


@blueprint.get("/<uuid:entry_id>/check")
@allow(Permission.ENTER_REFERRALS, audits=True)
def check(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Everything that was typed, what is still missing, then send."""
    draft = _find(entry_id)
    return draft if isinstance(draft, Response) else _check(draft)


def _check(draft: Draft, *, stale: bool = False) -> str:
    order, found = entries.order_of(draft), entries.gaps(draft)
    answers = SELF_REFERRAL.on_path(draft.answers)
    asked = {question.code for step in SELF_REFERRAL.path(answers) for question in step.questions}
    rows = [
        (
            section,
            [
                (one, questions.in_words(one, answers))
                for one in map(SELF_REFERRAL.question, section.asks)
                if one.code in asked
            ],
        )
        for section in order.sections
    ]
    return render_template(
        "entry/check.html",
        draft=draft,
        rows=[(section, lines) for section, lines in rows if lines],
        missing=[_gap(order, one, gettext(one.missing) or _needs_one(one)) for one in found.missing],
        unread=[_gap(order, one, gettext(one.name)) for one in found.unread],
        unasked=[_gap(order, one, gettext(one.name)) for one in found.unasked],
        elsewhere=g.settings.who_could_help if _outside(draft) else None,
        stale=stale,
    )


def _needs_one(question: Question) -> str:
    step = next(step for step in SELF_REFERRAL.steps if question.code in step.one_needed)
    return gettext(step.one_needed_missing)


def _gap(order: Order, question: Question, text: str) -> tuple[str, str, str]:
    """The section's slug, the question's code and what to say."""
    return order.section_of(question.code).slug, question.code, text


@blueprint.post("/<uuid:entry_id>/check")
@allow(Permission.ENTER_REFERRALS)
@keeps_typed
def send(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Send. The number is shown once, to be read out or printed."""
    draft = _find(entry_id, lock=True)
    if isinstance(draft, Response):
        return draft
    if g.stale:
        return _check(draft, stale=True), 400
    try:
        made = entries.send(g.store, g.service, g.actor, entry_id)
    except entries.NotComplete as incomplete:
        first = next(iter(incomplete.gaps.missing + incomplete.gaps.unread))
        slug = entries.order_of(draft).section_of(first.code).slug
        return _to("page", entry_id=draft.id, slug=slug, missing=1)
    return _sent(made, entry_id)


def _sent(made: entries.Sent, entry_id: uuid.UUID) -> str:
    return render_template(
        "entry/sent.html",
        referral=made.referral,
        number=made.number,
        entry_id=entry_id,
        spoken=made.referral.source_channel != "paper",
    )


@blueprint.get("/<uuid:entry_id>/sent")
@allow(Permission.ENTER_REFERRALS, audits=True)
def sent(entry_id: uuid.UUID) -> ResponseReturnValue:
    """What a form became."""
    try:
        return _sent(entries.look_sent(g.store, g.actor, entry_id), entry_id)
    except entries.Gone:
        abort(404)


@blueprint.post("/<uuid:entry_id>/sent")
@allow(Permission.ENTER_REFERRALS)
def new_number(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Another return number; the one before stops working."""
    try:
        return _sent(entries.new_number(g.store, g.actor, entry_id), entry_id)
    except entries.Gone:
        abort(404)


@blueprint.post("/<uuid:entry_id>/throw-away")
@allow(Permission.ENTER_REFERRALS)
def throw_away(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Nothing is to come of this form."""
    draft = _find(entry_id, lock=True)
    if isinstance(draft, Response):
        return draft
    entries.throw_away(g.store, g.actor, draft)
    return _to("start", done="thrown-away")
