"""Texts that the service puts into its own words, place by place and language by language."""

from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import Permission
from portal.i18n import LANGUAGES, N_, gettext
from portal.services import texts as room
from portal.services.texts import BadText, Place, TextChanged
from portal.web.forms import Form, LongWords
from portal.web.requests import offered_codes
from portal.web.security import allow, keeps_typed
from portal.web.setup import blueprint

EASY = 11
"""The reading age that our pages are written for (product 1)."""


class WordsForm(Form):
    """One text."""

    words = LongWords(
        N_("Your own words"),
        longest=room.LONGEST,
        hint=N_("Plain words. Leave a line blank to begin a new paragraph."),
    )


@blueprint.get("/texts")
@allow(Permission.CHANGE_SERVICE)
def texts() -> ResponseReturnValue:
    """Every place, and in which languages the service has its own words."""
    return render_template(
        "setup/texts.html",
        places=room.PLACES,
        written=room.written(g.store, g.service),
        to_write=[LANGUAGES[code] for code in offered_codes()],
        done=request.args.get("done", ""),
    )


def _place(place_code: str, language_code: str) -> Place:
    if language_code not in LANGUAGES:
        abort(404)
    return room.BY_CODE.get(place_code) or abort(404)


@blueprint.get("/texts/<place_code>/<language_code>")
@allow(Permission.CHANGE_SERVICE)
def text(place_code: str, language_code: str) -> ResponseReturnValue:
    """One text in one language: what stands there, and every wording before it."""
    place = _place(place_code, language_code)
    form, now = WordsForm(formdata=None), room.current(g.store, g.service, place.code, language_code)
    form.words.data = (now.words if now else "") or room.ours(place.code, language_code)
    return _page(place, language_code, form, now), 200


@blueprint.post("/texts/<place_code>/<language_code>")
@allow(Permission.CHANGE_SERVICE)
@keeps_typed
def write(place_code: str, language_code: str) -> ResponseReturnValue:
    """Look at it first (go=look), or keep it as the next wording."""
    place = _place(place_code, language_code)
    form, now = WordsForm(), room.current(g.store, g.service, place.code, language_code)
    if not form.sent():
        return _page(place, language_code, form, now), 422
    try:
        if request.form.get("go") == "look":
            preview = room.checked(place.code, form.words.data)
            return _page(place, language_code, form, now, preview=preview, number=_number()), 200
        room.write(g.store, g.actor, place.code, language_code, form.words.data, number=_number())
    except BadText as bad:
        form.refuse("words", gettext(bad.said, **bad.given))
        return _page(place, language_code, form, now), 422
    except TextChanged as changed:
        return _page(place, language_code, form, changed.now, meanwhile=True), 409
    return redirect(url_for("setup.texts", done="kept"), 303)


@blueprint.post("/texts/<place_code>/<language_code>/ours")
@allow(Permission.CHANGE_SERVICE)
def take_ours(place_code: str, language_code: str) -> ResponseReturnValue:
    """Our words again, or none where we have none."""
    place = _place(place_code, language_code)
    form, now = WordsForm(formdata=None), room.current(g.store, g.service, place.code, language_code)
    form.words.data = now.words if now else ""
    try:
        room.take_ours(g.store, g.actor, place.code, language_code, number=_number())
    except BadText as bad:
        form.refuse("words", gettext(bad.said, **bad.given))
        return _page(place, language_code, form, now), 422
    except TextChanged as changed:
        return _page(place, language_code, form, changed.now, meanwhile=True), 409
    return redirect(url_for("setup.texts", done="ours"), 303)


def _number() -> int:
    typed = request.form.get("number", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else -1


def _page(
    place: Place,
    language_code: str,
    form: WordsForm,
    now: Any,
    *,
    preview: str = "",
    meanwhile: bool = False,
    number: int | None = None,
) -> str:
    english = language_code == "en"
    shown = form.words.data or ""
    return render_template(
        "setup/text.html",
        place=place,
        in_language=LANGUAGES[language_code],
        form=form,
        problems=form.problems(),
        theirs=bool(now and now.words),
        may_take_ours=bool(now and now.words) and not (place.needed and english),
        now_kept=((now.words if now else "") or room.ours(place.code, language_code)) if meanwhile else "",
        meanwhile=meanwhile,
        ours=room.ours(place.code, language_code),
        preview=preview,
        age=room.reading_age(shown) if english else None,
        easy=EASY,
        number=number if number is not None else now.number if now else 0,
        history=room.history(g.store, g.actor, place.code, language_code),
    )
