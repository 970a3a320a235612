"""Forms of the staff's pages: fields that read what was typed through ``portal.reading`` and are drawn by ``ui.html``.

WTForms stays inside this module. A form declares its fields with ``N_`` texts, which are translated where they are
drawn; what is wrong is said in a kind sentence, what was typed stays (passwords never), and nothing that a database
would choke on gets past a field. The pages of the public journeys draw their questions themselves (``web.questions``).
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from flask import current_app, g
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import fields as wtf
from wtforms.validators import StopValidation

from portal import i18n, reading
from portal.i18n import N_, gettext
from portal.journeys.engine import SAY
from portal.reading import Problem
from portal.web.questions import count_words

OPEN_TOO_LONG = N_("This page was open for a long time. What you wrote is still here. Please press the button again")
TOO_LONG_SECRET = N_("That is too long. It can have %(longest)s characters at most")


class _Catalogue:
    """WTForms' own messages, from our catalogues."""

    def gettext(self, message: str) -> str:
        return gettext(message)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return i18n.ngettext(one, many, count)


def showable(typed: str) -> str:
    """What was typed, without the characters that no page can hold: it is shown again, not kept."""
    return "".join(
        character for character in typed if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )


# Fields --------------------------------------------------------------------------------------------------------------


class _Reads(wtf.StringField):
    """A field with words in it: ``data`` is the canonical text, never ``None``; what was typed is shown again.

    ``missing``: the sentence when nothing is there (without one it may be left blank). ``longest``: characters.
    """

    lines = False
    data: str

    def __init__(self, label: str, *, longest: int = 150, missing: str = "", hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, description=hint, **kwargs)
        self.longest, self.missing = longest, missing

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed. Raises ``ValueError`` with the sentence, which WTForms keeps as the field's error."""
        self.data = ""
        try:
            self.data = self.read(valuelist[0] if valuelist else "")
        except reading.Unreadable as unreadable:
            raise ValueError(self.say(unreadable.problem)) from None

    def read(self, typed: str) -> str:
        """The canonical text. Raises ``reading.Unreadable``."""
        return reading.text(typed, self.longest, lines=self.lines)

    def say(self, problem: Problem) -> str:
        """The sentence for a problem."""
        if problem is Problem.MISSING and self.missing:
            return gettext(self.missing)
        return gettext(SAY[problem], longest=f"{self.longest:,}")

    def pre_validate(self, form: Any) -> None:
        """Nothing there although something is needed."""
        if self.process_errors:
            raise StopValidation
        if self.missing and not self.data:
            raise StopValidation(gettext(self.missing))

    def _value(self) -> str:
        return showable(self.raw_data[0]) if self.raw_data else self.data or ""


class Words(_Reads):
    """One line of words."""


class LongWords(_Reads):
    """Several lines of words."""

    lines = True


class Email(_Reads):
    """An email address as it was typed: what counts as the same address is the room's business."""


class Code(_Reads):
    """A code of digits or letters: left-to-right on every page."""


class Secret(wtf.PasswordField):
    """A password: neither changed nor ever sent back. ``longest``: characters; without ``missing`` it may be empty."""

    def __init__(self, label: str, *, longest: int, missing: str, hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, description=hint, **kwargs)
        self.longest, self.missing = longest, missing

    def pre_validate(self, form: Any) -> None:
        """Nothing there, or far too much."""
        if not self.data and self.missing:
            raise StopValidation(gettext(self.missing))
        if len(self.data or "") > self.longest:
            raise StopValidation(gettext(TOO_LONG_SECRET, longest=self.longest))


class _Chooses(wtf.SelectField):
    """One of the choices, which the door sets, translated, on every request: ``choices = [(code, text), …]``; ``means``
    is what stands beside them, by the code."""

    data: str
    choices: Sequence[tuple[str, str]]
    means: Mapping[str, str] = MappingProxyType({})

    def __init__(self, label: str, *, missing: str, hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, description=hint, validate_choice=False, choices=[], **kwargs)
        self.missing = missing

    def pre_validate(self, form: Any) -> None:
        """Nothing chosen, or something that is not offered. Without a sentence for that, nothing is as good."""
        if self.data in {code for code, _ in self.choices if code}:
            return
        if self.missing:
            raise StopValidation(gettext(self.missing))
        self.data = ""


class OneOf(_Chooses):
    """One of a few, all in sight."""


class Listed(_Chooses):
    """One of many, in a list that opens."""


class SomeOf(wtf.SelectMultipleField):
    """Any number of a few, all in sight; none is fine. ``data`` is a list, of what is offered only."""

    data: list[str]
    choices: Sequence[tuple[str, str]]
    means: Mapping[str, str] = MappingProxyType({})

    def __init__(self, label: str, *, hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, description=hint, validate_choice=False, choices=[], **kwargs)

    def pre_validate(self, form: Any) -> None:
        """What is not offered was not chosen on this page."""
        offered = {code for code, _ in self.choices}
        self.data = [code for code in dict.fromkeys(self.data or ()) if code in offered]


class Tick(wtf.BooleanField):
    """A single box to tick. ``missing``: the sentence when it must be ticked and is not."""

    def __init__(self, label: str, *, missing: str = "", hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, description=hint, **kwargs)
        self.missing = missing

    def pre_validate(self, form: Any) -> None:
        """Not ticked although it must be."""
        if self.missing and not self.data:
            raise StopValidation(gettext(self.missing))


# Drawing -------------------------------------------------------------------------------------------------------------


def _ui(name: str) -> Callable[..., Markup]:
    drawn: Callable[..., Markup] = getattr(current_app.jinja_env.get_template("ui.html").module, name)
    return drawn


def _told(field: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What every macro takes: the hint, the error, and how the label looks."""
    look: dict[str, Any] = {key: given.pop(key) for key in ("size", "heading", "classes") if key in given}
    hint = given.pop("hint", "") or gettext(field.description)
    return {**look, "hint": hint, "error": field.errors[0] if field.errors else ""}


def _label(field: Any) -> str:
    return gettext(field.label.text)


def _draw_line(field: Any, given: dict[str, Any]) -> Markup:
    kind = {Email: "email", Secret: "password"}.get(type(field), "text")
    told = _told(field, given)
    value = "" if isinstance(field, Secret) else field._value()
    direction = "ltr" if isinstance(field, Code) else given.pop("dir", "")
    return _ui("input")(
        field.id, field.name, _label(field), value, given.pop("type", kind), dir=direction, **told, attributes=given
    )


def _draw_lines(field: LongWords, given: dict[str, Any]) -> Markup:
    told = _told(field, given)
    return _ui("textarea")(
        field.id,
        field.name,
        _label(field),
        field._value(),
        rows=given.pop("rows", 4),
        maxlength=field.longest,
        count=count_words(field.longest),
        **told,
        attributes=given,
    )


def _items(field: OneOf | SomeOf, chosen: Sequence[str]) -> list[dict[str, object]]:
    return [
        {"value": code, "text": text, "hint": field.means.get(code, ""), "checked": code in chosen}
        for code, text in field.choices
    ]


def _draw_radios(field: OneOf, given: dict[str, Any]) -> Markup:
    items = _items(field, [field.data])
    return _ui("choices")("radios", field.id, field.name, _label(field), items, **_told(field, given))


def _draw_boxes(field: SomeOf, given: dict[str, Any]) -> Markup:
    items = _items(field, field.data or [])
    return _ui("choices")("checkboxes", field.id, field.name, _label(field), items, **_told(field, given))


def _draw_list(field: Listed, given: dict[str, Any]) -> Markup:
    items = [(code, text, code == field.data) for code, text in field.choices]
    return _ui("select")(field.id, field.name, _label(field), items, **_told(field, given), attributes=given)


def _draw_tick(field: Tick, given: dict[str, Any]) -> Markup:
    items = [("y", _label(field), bool(field.data))]
    return _ui("choices")("checkboxes", field.id, field.name, "", items, **_told(field, given))


_DRAW: tuple[tuple[type, Callable[[Any, dict[str, Any]], Markup]], ...] = (
    (OneOf, _draw_radios),
    (Listed, _draw_list),
    (SomeOf, _draw_boxes),
    (Tick, _draw_tick),
    (LongWords, _draw_lines),
    (Secret, _draw_line),
    (_Reads, _draw_line),
)


class Form(FlaskForm):
    """A form of ours. A template draws a field by calling it: ``{{ form.word(rows=6) }}``, and writes the hidden
    ``csrf_token`` itself, as in every form of a page: a page may hold several forms, and an id only once. The token is
    checked for every POST by ``web.security``, before the view runs."""

    class Meta(FlaskForm.Meta):
        """How WTForms speaks, and who draws."""

        def get_translations(self, form: Any) -> _Catalogue:
            return _Catalogue()

        def render_field(self, field: Any, render_kw: Mapping[str, Any]) -> Markup:
            for kind, draw in _DRAW:
                if isinstance(field, kind):
                    return draw(field, dict(render_kw))
            drawn: Markup = super().render_field(field, render_kw)
            return drawn

    def sent(self) -> bool:
        """Whether the form was sent and every field can be read and is there. With a dead token it was not sent."""
        return bool(self.is_submitted()) and not g.get("stale", False) and bool(self.validate())

    def refuse(self, name: str, sentence: str) -> None:
        """Say at a field what the room found wrong with it (a translated sentence)."""
        field = self[name]
        field.errors = [*field.errors, sentence]

    def problems(self) -> list[dict[str, str]]:
        """For ``ui.error_summary``: each links to its field. A form whose token has died says what to do instead."""
        if g.get("stale", False) and any(field.raw_data is not None for field in self):
            first = next(field for field in self if field.name != "csrf_token")
            return [{"text": gettext(OPEN_TOO_LONG), "href": f"#{first.id}"}]
        return [
            {"text": field.errors[0], "href": f"#{field.id}"}
            for field in self
            if field.errors and field.name != "csrf_token"
        ]
