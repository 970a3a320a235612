"""The doors of paper: the form and the scales, to print and fill in by hand, in normal and in large print.

Everything is worked out from the questions themselves, in the order and with the numbers of the screens into which
staff type it. The words of a scale are the official ones of one language, or none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import feedback, i18n, instruments, measures, services
from portal.i18n import N_, gettext, language_name
from portal.instruments import Instrument, State
from portal.journeys import Kind, Question
from portal.journeys.orders import PAPER
from portal.journeys.wellbeing_check import wellbeing_check
from portal.web import questions
from portal.web.addresses import address_in
from portal.web.requests import offered_codes
from portal.web.security import public

blueprint = Blueprint("paper", __name__)

LINES = {Kind.TEXT: 1, Kind.PHONE: 1, Kind.EMAIL: 1, Kind.LANGUAGE: 1, Kind.POSTCODE: 1}
"""How many lines there are to write on; a longer text has one for each so many characters that it may have."""
CHARACTERS_A_LINE = 120
MOST_LINES = 16
HINTS: Mapping[Kind, str] = {
    Kind.LANGUAGE: N_("Write the language."),
    Kind.SOME_OF: N_("Tick all that fit."),
    Kind.ONE_OF: N_("Tick one."),
}
"""What is done on paper, where a screen does it by itself."""
ON_A_SCREEN = frozenset({"safe_ways", "phone_times", "access_needs", "needs"})
"""Questions whose own hint says already how many may be chosen."""


@dataclass(frozen=True)
class Printed:
    """One question on paper. ``boxes`` are the answers to be ticked, ``lines`` how many there are to write on,
    ``squares`` the groups of single boxes for figures (how many, and what stands beneath)."""

    number: int
    label: str | Markup
    hint: str | Markup
    note: str
    boxes: tuple[tuple[str | Markup, str | Markup], ...]
    lines: int
    squares: tuple[tuple[int, str], ...]


def _printed(number: int, question: Question, note: str = "") -> Printed:
    english = questions.english_of(question.label) if question.safety else ""
    how = "" if question.code in ON_A_SCREEN else gettext(HINTS[question.kind]) if question.kind in HINTS else ""
    own = gettext(question.hint) if question.hint else ""
    return Printed(
        number,
        questions.label(question),
        Markup(" ").join(part for part in (english, own, how) if part),
        note,
        tuple((text, hint) for text, hint in _boxes(question)),
        _lines(question),
        _squares(question),
    )


def _boxes(question: Question) -> "list[tuple[str | Markup, str | Markup]]":
    if question.kind not in (Kind.ONE_OF, Kind.SOME_OF):
        return []
    return [
        (
            questions.exact_words(question.exact, choice.exact)
            if question.exact and choice in question.choices
            else gettext(choice.label),
            (questions.english_of(choice.label) if choice.safety else "") or gettext(choice.hint),
        )
        for choice in question.all_choices
    ]


def _lines(question: Question) -> int:
    if question.kind is Kind.LONG_TEXT:
        return min(MOST_LINES, max(3, -(-question.longest // CHARACTERS_A_LINE)))
    return LINES.get(question.kind, 0)


def _squares(question: Question) -> tuple[tuple[int, str], ...]:
    if question.kind is Kind.BIRTH:
        return ((2, gettext(N_("Day"))), (2, gettext(N_("Month"))), (4, gettext(N_("Year"))))
    return ((3, ""), (3, ""), (4, "")) if question.kind is Kind.NHS_NUMBER else ()


# The pages -----------------------------------------------------------------------------------------------------------


@blueprint.before_request
def _of_a_service() -> None:
    if g.service is None:
        abort(404)


@blueprint.get("/paper")
@public
def index() -> ResponseReturnValue:
    """What there is on paper, in which languages, in normal and in large print."""
    return render_template(
        "paper/index.html",
        scales=[(scale, instruments.catalogue()[scale].title, _why_not(scale)) for scale in _scales()],
        languages=[(i18n.LANGUAGES[code], _in(code, "paper.form")) for code in offered_codes()],
    )


@blueprint.get("/paper/form")
@public
def form() -> ResponseReturnValue:
    """The form, to print."""
    return _form(large=False)


@blueprint.get("/paper/form/large")
@public
def large_form() -> ResponseReturnValue:
    """The form in large print."""
    return _form(large=True)


def _form(*, large: bool) -> str:
    return render_template(
        "paper/form.html",
        large=large,
        sections=[
            (section, [_printed(PAPER.numbers[one.code], one, _note(one)) for one in page.questions])
            for section in PAPER.sections
            for page in (PAPER.page(section, printed=True),)
        ],
        helplines=g.settings.helplines,
        send_to=_own_words("paper-address"),
        responsible=_own_words("responsible"),
        address=_web_address(),
        other=url_for("paper.form" if large else "paper.large_form"),
    )


def _in(code: str, endpoint: str, **values: str) -> str:
    return address_in(request.environ, code, url_for(endpoint, **values))  # type: ignore[arg-type]


def _own_words(place: str) -> list[str]:
    """What the service has written for this place, in this language or else in English; by paragraph."""
    for code in (i18n.spoken().code, "en"):
        if words := services.texts.words(g.store, g.service, place, code):
            return [part for part in words.split("\n") if part.strip()]
    return []


def _web_address() -> str:
    address: str = current_app.config["PUBLIC_URL"] + url_for("public.start").rstrip("/")
    return address.split("://", 1)[-1]


def _note(question: Question) -> str:
    """When a question is for some people only: by which answer."""
    depends = PAPER.depends(question.code)
    if depends is None:
        return ""
    return gettext(
        N_("Only if you ticked this in question %(number)s: %(choices)s."),
        number=PAPER.numbers[depends.question.code],
        choices=", ".join(gettext(choice.label) for choice in depends.choices),
    )


# Scales --------------------------------------------------------------------------------------------------------------


def _scales() -> tuple[str, ...]:
    """The scales that this service uses and that have items to be answered."""
    offered = measures.offered(g.store, g.service)
    return tuple(scale for scale in offered if instruments.catalogue()[scale].items)


def _why_not(scale: str) -> str:
    """Why a scale cannot be printed here, in a sentence; empty when it can."""
    instrument = instruments.catalogue()[scale]
    if not _may_print(instrument):
        return gettext(N_("Its licence does not let us print it. Ask your link worker."))
    if measures.choose(g.store, g.service, scale, language=i18n.spoken().code) is None:
        name = language_name(i18n.spoken().code)
        return gettext(N_("There are no official words of it in this language: %(language)s."), language=name)
    return ""


def _may_print(instrument: Instrument) -> bool:
    """Words that come with the portal may be printed by everybody; those of a licence of the service's own may not."""
    return instrument.licence.ships_text and instrument.state is not State.GATED


@blueprint.get("/paper/scales/<scale>")
@public
def scale_on_paper(scale: str) -> ResponseReturnValue:
    """A scale, to print, in its official words of this language."""
    return _scale(scale, large=False)


@blueprint.get("/paper/scales/<scale>/large")
@public
def large_scale(scale: str) -> ResponseReturnValue:
    """A scale in large print."""
    return _scale(scale, large=True)


def _scale(scale: str, *, large: bool) -> str:
    if scale not in _scales():
        abort(404)
    instrument = instruments.catalogue()[scale]
    chosen = None if _why_not(scale) else measures.choose(g.store, g.service, scale, language=i18n.spoken().code)
    if chosen is None:
        there = [
            code for code in feedback.languages_of(g.store, g.service, scale) if code in offered_codes()
        ] * _may_print(instrument)
        return render_template(
            "paper/not_printed.html",
            title=instrument.title,
            why=_why_not(scale),
            languages=[(i18n.LANGUAGES[code], _in(code, "paper.scale_on_paper", scale=scale)) for code in there],
        )
    step = wellbeing_check(chosen.instrument, chosen.wording, one_page=True).steps[0]
    exact = step.questions[0].exact
    return render_template(
        "paper/scale.html",
        large=large,
        title=chosen.instrument.title,
        opening=questions.exact_words(exact, exact.opening) if exact else "",
        printed=[_printed(number, one) for number, one in enumerate(step.questions, 1)],
        licence=chosen.instrument.licence.print_line,
        attribution=chosen.wording.attribution,
        risky=bool(chosen.instrument.risk),
        helplines=g.settings.helplines,
        send_to=_own_words("paper-address"),
        other=url_for("paper.scale_on_paper" if large else "paper.large_scale", scale=scale),
    )
