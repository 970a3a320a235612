"""The doors of what people say about the service: public pages without a name, the same from a person's own page, and
the staff's pages of complaints, thanks, figures and "You said, we did".
"""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import codes, drafts, experience, i18n, referrals
from portal.access import Mine, Permission
from portal.clock import now
from portal.experience import Comment, Kind, Period
from portal.i18n import N_, gettext, say_month
from portal.journeys import Journey, Problem
from portal.journeys.experience import COMMENTS, EXPERIENCE, friends_and_family, read_page, reply_to
from portal.measures import Chosen
from portal.web import forms, questions
from portal.web.requests import came_from, visit_lock
from portal.web.security import allow, keeps_typed, mine, public

blueprint = Blueprint("experience", __name__)

PAGES: Mapping[str, Journey] = {EXPERIENCE.code: EXPERIENCE, **COMMENTS}
"""Where words may be written, by address."""
ALSO: Mapping[str, Kind] = {"what_helped": Kind.WHAT_HELPED, "could_be_better": Kind.COULD_BE_BETTER}
"""Which question makes which comment."""
TRAP = "website"
"""A field that people neither see nor reach, and that programs fill in."""
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
MAY_KNOW = N_("You may tell my link worker that it was me")
MAY_ANSWER_ME = N_("You may know that it was me. Then your answer is on my own page")


def _service() -> None:
    if g.service is None:
        abort(404)


def _nobody() -> None:
    """Whoever is signed in, or on their own page, in this browser: this page does not know, and leaves no trace that
    they were there at this moment."""
    _service()
    g.actor = g.visitor = None


def _form_key() -> str:
    """The random key of the form: as it was sent, or a new one."""
    sent = request.form.get("key", "")
    return sent if _KEY.fullmatch(sent) else codes.new_key()


def _typed(journey: Journey) -> dict[str, object]:
    return {question.code: request.form.getlist(question.code)[:60] for question in journey.questions}


def _lock() -> "dict[str, object]":
    """A screen that was left is cleared: others may come to it."""
    if g.get("visitor"):
        return visit_lock()
    return {
        "minutes": g.settings.lock_minutes,
        "warn": int(drafts.LOCK_GRACE.total_seconds() // 60),
        "still_here": "",
        "away": url_for("experience.hub"),
    }


def _page(
    journey: Journey,
    typed: Mapping[str, object] | None = None,
    problems: Mapping[str, Problem] | None = None,
    *,
    template: str = "experience/write.html",
    **more: object,
) -> str:
    step = journey.steps[0]
    return render_template(
        template,
        step=step,
        heading=gettext(step.heading),
        shown=questions.show(step, {}, typed, problems or {}, autofill=False),
        count_words=questions.count_words,
        key=_form_key(),
        trap=TRAP,
        lock=_lock(),
        **{"stale": False, "caught": False, "throttled": False, "may_know": "", "known": False, **more},
    )


def _turned_back(show: Callable[..., str], *, count: bool = True) -> ResponseReturnValue | None:
    """The page again, with all that was typed, when it must not be kept yet: the token has died, a program filled in
    the trap, or too many came from this address. A person who falls into the trap presses the button once more."""
    if g.stale:
        return show(stale=True), 400
    if request.form.get(TRAP):
        return show(caught=True), 422
    if count and experience.too_many(g.store, g.service, came_from()):
        return show(throttled=True), 429
    return None


# Written without a name ----------------------------------------------------------------------------------------------


@blueprint.get("/feedback")
@public
def hub() -> ResponseReturnValue:
    """Every way to tell us how we did, the telephone among them."""
    _nobody()
    asked = experience.fft(g.store, g.service, i18n.spoken().code)
    published = bool(experience.published(g.store, g.service.id))
    return render_template("experience/hub.html", asks_fft=asked is not None, published=published)


@blueprint.get("/feedback/thank-you")
@public
def thanks() -> ResponseReturnValue:
    """It has reached us."""
    _nobody()
    return render_template("experience/thanks.html", comment=None, number="")


@blueprint.get("/feedback/friends-and-family")
@public
def fft() -> ResponseReturnValue:
    """The Friends and Family question, in its own words."""
    _nobody()
    return _fft_page(_asked())


@blueprint.post("/feedback/friends-and-family")
@public
@keeps_typed
def give_fft() -> ResponseReturnValue:
    """Keep an answer that leads to nobody."""
    _nobody()
    chosen = _asked()
    journey = friends_and_family(chosen.instrument, chosen.wording)
    typed = _typed(journey)
    answers, problems = read_page(journey, typed)

    def show(**more: Any) -> str:
        return _fft_page(chosen, typed, problems, **more)

    if turned_back := _turned_back(show, count=not problems):
        return turned_back
    if problems:
        return show(), 422
    (item,) = chosen.instrument.items
    experience.give_fft(
        g.store,
        g.service,
        str(answers[item.code]),
        *(str(said) if (said := answers.get(code)) else None for code in ("why", "better")),
        language=i18n.spoken().code,
        mode="web",
        once=_form_key(),
    )
    return redirect(url_for("experience.thanks"), 303)


def _asked() -> Chosen:
    return experience.fft(g.store, g.service, i18n.spoken().code) or abort(404)


def _fft_page(
    chosen: Chosen,
    typed: Mapping[str, object] | None = None,
    problems: Mapping[str, Problem] | None = None,
    **more: Any,
) -> str:
    return _page(
        friends_and_family(chosen.instrument, chosen.wording),
        typed,
        problems,
        template="experience/friends_and_family.html",
        foreign=chosen.wording.language != i18n.spoken().code,
        opening=questions.exact_words,
        licence=chosen.instrument.licence.print_line,
        **more,
    )


@blueprint.get("/feedback/<slug>")
@public
def write(slug: str) -> ResponseReturnValue:
    """What helped and what could be better, a complaint, or thanks."""
    _nobody()
    return _page(PAGES.get(slug) or abort(404))


@blueprint.post("/feedback/<slug>")
@public
@keeps_typed
def send(slug: str) -> ResponseReturnValue:
    """Keep it, without a name."""
    _nobody()
    return _send(PAGES.get(slug) or abort(404))


def _send(journey: Journey, *, may_know: str = "") -> ResponseReturnValue:
    typed = _typed(journey)
    answers, problems = read_page(journey, typed)
    known = bool(may_know and request.form.get("may_know"))

    def show(**more: Any) -> str:
        return _page(journey, typed, problems, may_know=may_know, known=known, **more)

    if turned_back := _turned_back(show, count=not problems):
        return turned_back
    if problems:
        return show(), 422
    key, person_id = _form_key(), g.visitor.person_id if known else None
    language = i18n.spoken().code
    if journey is EXPERIENCE:
        for code, kind in ALSO.items():
            if words := answers.get(code):
                experience.comment(
                    g.store, g.service, kind, str(words), language=language, once=key, person_id=person_id
                )
        return redirect(url_for("experience.my_thanks" if g.visitor else "experience.thanks"), 303)
    said = experience.comment(
        g.store,
        g.service,
        journey.code,
        str(answers["comment_words"]),
        language=language,
        once=key,
        person_id=person_id,
        reply_to=reply_to(answers),
    )
    # The two numbers stand nowhere else, so the page itself is the answer.
    number = "" if known else experience.number_of(key)
    return render_template("experience/thanks.html", comment=said, number=number, lock=_lock(), **_dates(said))


def _dates(said: Comment) -> dict[str, object]:
    return {"acknowledge_by": experience.acknowledge_by(g.service, said), "answer_by": said.due_at}


@blueprint.get("/feedback/answer")
@public
def answer() -> ResponseReturnValue:
    """Where the two numbers open our answer."""
    _nobody()
    return _answer_page("", "", {})


@blueprint.post("/feedback/answer")
@public
@keeps_typed
def open_answer() -> ResponseReturnValue:
    """Reference and number open what was written and what we answered."""
    _nobody()
    typed, typed_number = request.form.get("reference", "")[:60], request.form.get("number", "")[:60]
    if g.stale:
        return _answer_page(typed, typed_number, {}), 400
    reference, number = codes.read_reference(typed), codes.read_return_number(typed_number)
    problems = {}
    if reference is None:
        problems["reference"] = gettext(N_("Type the reference that we gave you, like K7QF-2M9T-1"))
    if number is None:
        problems["number"] = gettext(N_("Type the 12 digits of the number that we gave you"))
    if reference and number:
        try:
            drafts.count_try(g.store, g.service.id, reference, came_from())
        except drafts.Throttled:
            return _answer_page(typed, typed_number, {}, throttled=True), 429
        if found := experience.with_card(g.store, g.service.id, reference, number):
            return render_template("experience/answered.html", comment=found, lock=_lock(), **_dates(found))
        problems["reference"] = gettext(N_("We cannot find anything with this reference and number. Check both"))
    return _answer_page(typed, typed_number, problems), 422


def _answer_page(reference: str, number: str, problems: Mapping[str, str], *, throttled: bool = False) -> str:
    return render_template(
        "experience/answer.html",
        reference=questions.printable(reference),
        number=questions.printable(number),
        problems=problems,
        throttled=throttled,
    )


@blueprint.get("/you-said-we-did")
@public
def you_said() -> ResponseReturnValue:
    """What people said, and what was done about it."""
    _service()
    lines = experience.published(g.store, g.service.id)
    return render_template("experience/you_said.html", lines=lines, languages=i18n.LANGUAGES)


# Written on the person's own page ------------------------------------------------------------------------------------


@blueprint.get("/my/feedback/<slug>")
@mine(Mine.READ_PAGE)
def my_write(slug: str) -> ResponseReturnValue:
    """The same as for everybody; whether we may know who it was is the person's choice, and not chosen beforehand."""
    journey = PAGES.get(slug) or abort(404)
    return _page(journey, may_know=_may_know(journey))


@blueprint.post("/my/feedback/<slug>")
@mine(Mine.READ_PAGE)
@keeps_typed
def my_send(slug: str) -> ResponseReturnValue:
    """Keep it; under the person's name only when they said so."""
    journey = PAGES.get(slug) or abort(404)
    return _send(journey, may_know=_may_know(journey))


@blueprint.get("/my/feedback-thank-you")
@mine(Mine.READ_PAGE)
def my_thanks() -> ResponseReturnValue:
    """It has reached us."""
    return render_template("experience/thanks.html", comment=None, number="", lock=_lock())


def _may_know(journey: Journey) -> str:
    return gettext(MAY_KNOW if journey is EXPERIENCE else MAY_ANSWER_ME)


# The staff: complaints and thanks ------------------------------------------------------------------------------------


class Reply(forms.Form):
    """What we answer."""

    words = forms.LongWords(
        N_("Our answer"),
        longest=4000,
        missing=N_("Write the answer"),
        hint=N_("Plain and kind: what you found, what you are sorry for, what changes. They read exactly these words."),
    )


class HandOver(forms.Form):
    """To whom."""

    to = forms.Listed(N_("Give it to"), missing=N_("Choose somebody"))


class SaidAndDone(forms.Form):
    """One line of the public page."""

    said = forms.Words(
        N_("You said"),
        longest=experience.LONGEST_LINE,
        missing=N_("Write what people said"),
        hint=N_("In your own words. No names, and nothing by which somebody could be known."),
    )
    did = forms.Words(N_("We did"), longest=experience.LONGEST_LINE, missing=N_("Write what you did"))
    language = forms.Listed(N_("Language of these words"), missing=N_("Choose a language"))


def _choosing(form: HandOver) -> HandOver:
    there = [(str(one.id), one.name) for one in experience.able(g.store, g.actor.service_id)]
    form.to.choices = [("", gettext(N_("Choose somebody"))), *there]
    return form


@blueprint.get("/staff/comments")
@allow(Permission.HANDLE_COMMENTS)
def comments() -> ResponseReturnValue:
    """Complaints and thanks: what waits, the most urgent first; then what is closed."""
    return render_template(
        "experience/comments.html",
        waiting=experience.waiting(g.store, g.actor),
        closed=experience.closed(g.store, g.actor),
        names=referrals.staff_names(g.store, g.actor),
        kinds=experience.KIND_NAMES,
        moment=now(),
    )


@blueprint.get("/staff/comments/<uuid:comment_id>")
@allow(Permission.HANDLE_COMMENTS, audits=True)
def comment(comment_id: uuid.UUID) -> ResponseReturnValue:
    """One complaint, or thanks."""
    return _comment_page(comment_id, Reply(), HandOver())


def _comment_page(comment_id: uuid.UUID, replying: Reply, handing: HandOver) -> str:
    found = experience.read(g.store, g.actor, comment_id) or abort(404)
    return render_template(
        "experience/comment.html",
        comment=found,
        kind=gettext(experience.KIND_NAMES[found.kind]),
        names=referrals.staff_names(g.store, g.actor),
        replying=replying,
        handing=_choosing(handing),
        moment=now(),
        **_dates(found),
    )


def _to(comment_id: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("experience.comment", comment_id=comment_id), 303)


@blueprint.post("/staff/comments/<uuid:comment_id>/acknowledge")
@allow(Permission.HANDLE_COMMENTS)
def acknowledge(comment_id: uuid.UUID) -> ResponseReturnValue:
    """The writer knows that we have it."""
    experience.acknowledge(g.store, g.actor, comment_id) or abort(404)
    return _to(comment_id)


@blueprint.post("/staff/comments/<uuid:comment_id>/hand-over")
@allow(Permission.HANDLE_COMMENTS)
@keeps_typed
def hand_over(comment_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody else answers it."""
    form = _choosing(HandOver())
    experience.read(g.store, g.actor, comment_id) or abort(404)
    if form.sent():
        try:
            experience.hand_over(g.store, g.actor, comment_id, uuid.UUID(form.to.data))
            return _to(comment_id)
        except experience.NotThere:  # they left between the page and the press
            form.refuse("to", gettext(N_("Choose somebody")))
    return _comment_page(comment_id, Reply(formdata=None), form), 400 if g.stale else 422


@blueprint.post("/staff/comments/<uuid:comment_id>/reply")
@allow(Permission.HANDLE_COMMENTS)
@keeps_typed
def reply(comment_id: uuid.UUID) -> ResponseReturnValue:
    """Answer it."""
    form = Reply()
    experience.read(g.store, g.actor, comment_id) or abort(404)
    if form.sent():
        experience.reply(g.store, g.actor, comment_id, form.words.data)
        return _to(comment_id)
    return _comment_page(comment_id, form, HandOver(formdata=None)), 400 if g.stale else 422


@blueprint.post("/staff/comments/<uuid:comment_id>/close")
@allow(Permission.HANDLE_COMMENTS)
def close(comment_id: uuid.UUID) -> ResponseReturnValue:
    """It is over; a complaint only when it was answered."""
    try:
        experience.close(g.store, g.actor, comment_id) or abort(404)
    except experience.NotAnswered:
        abort(409)
    return redirect(url_for("experience.comments"), 303)


# The staff: figures, and You said, we did ----------------------------------------------------------------------------


@blueprint.get("/staff/experience")
@allow(Permission.READ_EXPERIENCE, audits=True)
def figures() -> ResponseReturnValue:
    """Shares of the Friends and Family answers, and what people wrote, without names."""
    return render_template(
        "experience/figures.html",
        periods=experience.fft_figures(g.store, g.actor),
        say_period=say_period,
        least=experience.LEAST_SHOWN,
        said=experience.fft_words(g.store, g.actor),
        heard=experience.heard(g.store, g.actor),
        kinds=experience.KIND_NAMES,
    )


def say_period(period: Period) -> str:
    """A month, or the first and the last of several."""
    if period.first == period.last:
        return say_month(period.first)
    return gettext(N_("%(first)s to %(last)s"), first=say_month(period.first), last=say_month(period.last))


@blueprint.get("/staff/you-said-we-did")
@allow(Permission.HANDLE_COMMENTS)
def edit_you_said() -> ResponseReturnValue:
    """What stands on the public page, and a form for one line more."""
    return _you_said_page(_said_form())


@blueprint.post("/staff/you-said-we-did")
@allow(Permission.HANDLE_COMMENTS)
@keeps_typed
def publish() -> ResponseReturnValue:
    """Put a line on the public page."""
    form = _said_form()
    if not form.sent():
        return _you_said_page(form), 400 if g.stale else 422
    experience.you_said(g.store, g.actor, form.said.data, form.did.data, language=form.language.data)
    return redirect(url_for("experience.edit_you_said"), 303)


@blueprint.post("/staff/you-said-we-did/<uuid:said_id>/withdraw")
@allow(Permission.HANDLE_COMMENTS)
def withdraw(said_id: uuid.UUID) -> ResponseReturnValue:
    """Take a line off the public page."""
    experience.withdraw_said(g.store, g.actor, said_id) or abort(404)
    return redirect(url_for("experience.edit_you_said"), 303)


def _said_form() -> SaidAndDone:
    form = SaidAndDone(language=i18n.spoken().code)
    form.language.choices = [(code, i18n.language_name(code)) for code in i18n.LANGUAGES]
    return form


def _you_said_page(form: SaidAndDone) -> str:
    lines = experience.published(g.store, g.actor.service_id)
    return render_template("experience/edit_you_said.html", form=form, lines=lines, languages=i18n.LANGUAGES)
