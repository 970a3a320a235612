"""Two workers at the same plan: nobody's words are lost. The second sees both texts and chooses: theirs, what stands
there now, or both, one below the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from portal.caseload.care_plan import Meanwhile
from portal.i18n import gettext, say_moment
from portal.web import forms
from portal.web.caseload.record import (
    name_of,
)

MINE, BOTH = "mine", "both"
"""What the second of two workers chooses; anything else that is sent is a first try."""


@dataclass(frozen=True)
class Clash:
    """Somebody else saved while this page was open: who, when, and what stands there now, by the form's labels."""

    by: str
    at: str
    rows: tuple[tuple[str, str], ...]


def seen() -> str:
    return request.form.get("seen", "")[:16]


def clash_of(form: forms.Form, meanwhile: Meanwhile, say: Callable[[Mapping[str, Any]], Mapping[str, str]]) -> Clash:
    """What stands there now, in words, where it differs from what was written here."""
    rows = [
        (gettext(form[name].label.text), said)
        for name, said in say(meanwhile.says).items()
        if said != _in_words(form[name])
    ]
    return Clash(name_of(meanwhile.by), say_moment(meanwhile.at) if meanwhile.at else "", tuple(rows))


def _in_words(field: Any) -> str:
    if isinstance(field, (forms.Listed, forms.OneOf)):
        return dict(field.choices).get(field.data, "")
    return str(field.data or "")


def put_together(form: forms.Form, says: Mapping[str, Any]) -> None:
    """What stands there now and what was written here, one below the other, in every field of words."""
    for field in form:
        theirs = says.get(field.name)
        if isinstance(field, forms.LongWords) and theirs and field.data and field.data != theirs:
            field.data = f"{theirs}\n\n{field.data}"
            field.raw_data = [field.data]
        elif isinstance(field, forms.LongWords) and theirs and not field.data:
            field.data = theirs
            field.raw_data = [theirs]


def chosen() -> str:
    return request.form.get("keep", "")
