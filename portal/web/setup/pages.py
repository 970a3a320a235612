"""The overview, and the page of each group."""

from collections.abc import Mapping
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import i18n, services
from portal.access import Permission
from portal.i18n import N_, gettext
from portal.services import BadService, BadSettings, ChangedMeanwhile, Fault, practices
from portal.web.forms import OPEN_TOO_LONG, showable
from portal.web.security import allow, keeps_typed
from portal.web.setup import blueprint
from portal.web.setup.boxes import DAY_NAMES, Box, NotTurned, Practices, Typed, first
from portal.web.setup.groups import BY_CODE, GROUPS, NAME, Group
from portal.web.setup.reasons import DeclineReasons

NAME_NEEDED = N_("Enter the name of the service, with at most 150 characters")

ELSEWHERE = {"team": "admin.staff", "rota": "admin.rota", "texts": "setup.texts"}
"""Things to do that are not on a page of this blueprint's groups."""


@blueprint.get("")
@allow(Permission.CHANGE_SERVICE)
def overview() -> ResponseReturnValue:
    """What is missing before the service may open, and every page."""
    steps = services.opening.steps(g.store, g.service)
    return render_template(
        "setup/overview.html",
        missing=[(step, _address(step.page)) for step in steps if step.needed and not step.done],
        to_look_at=[(step, _address(step.page)) for step in steps if not step.needed and not step.done],
        groups=[(group, _said(group)) for group in GROUPS],
        done=request.args.get("done", ""),
    )


def _address(page: str) -> str:
    return url_for(ELSEWHERE[page]) if page in ELSEWHERE else url_for("setup.group", group_code=page)


def _said(group: Group) -> list[tuple[str, str]]:
    return [(gettext(box.label), _says(box)) for box in group.boxes]


def _says(box: Box) -> str:
    return g.service.name if box is NAME else box.said(g.settings)


@blueprint.get("/<group_code>")
@allow(Permission.CHANGE_SERVICE)
def group(group_code: str) -> ResponseReturnValue:
    """One page of settings."""
    found = BY_CODE.get(group_code) or abort(404)
    return _page(found, _kept(found), {}), 200


def _kept(found: Group) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {}
    for box in found.boxes:
        kept |= {NAME.name: [g.service.name]} if box is NAME else box.typed(g.settings)
    return kept


@blueprint.post("/<group_code>")
@allow(Permission.CHANGE_SERVICE)
@keeps_typed
def save(group_code: str) -> ResponseReturnValue:
    """Keep a page of settings. What was typed stays when something is wrong, or when somebody was faster."""
    found = BY_CODE.get(group_code) or abort(404)
    sent: Typed = dict(request.form.lists())
    typed: Typed = {name: [showable(value) for value in values] for name, values in sent.items()}
    if g.stale:
        return _page(found, typed, {found.boxes[0].field("", typed): Fault(OPEN_TOO_LONG)}), 422
    if request.form.get("go") == "find":
        return _page(found, typed, {}, looked_for=first(typed, "practices-find")), 200
    try:
        _save(found, sent)
    except NotTurned as bad:
        return _page(found, typed, bad.faults), 422
    except BadService:
        return _page(found, typed, {NAME.name: Fault(NAME_NEEDED)}), 422
    except BadSettings as bad:
        boxes = {box.name: box for box in found.boxes}
        faults = {
            boxes[name].field(fault.where, typed) if name in boxes else found.boxes[0].name: fault
            for name, fault in bad.faults.items()
        }
        return _page(found, typed, faults), 422
    except ChangedMeanwhile:
        g.settings = services.settings_of(g.service)
        return _page(found, typed, {}, meanwhile=_said(found)), 409
    return redirect(url_for("setup.overview", done=found.code), 303)


def _save(found: Group, typed: Typed) -> None:
    wanted: dict[str, Any] = {}
    for box in found.boxes:
        if box is not NAME:
            wanted[box.name] = box.read(typed)
        if isinstance(box, DeclineReasons):
            wanted["retired_reasons"] = box.retired(typed)
    name = first(typed, NAME.name) if NAME in found.boxes else None
    services.change(g.store, g.actor, wanted, name=name, was=first(typed, "was"))


def _practice_names(found: Group, typed: Typed) -> list[tuple[str, str]]:
    """The practices whose codes stand on the page, by name, as far as the list of practices has them."""
    codes = [code for box in found.boxes if isinstance(box, Practices) for code in box.read(typed)][:100]
    known = [(code, practices.by_code(g.store, g.service.id, code.strip().upper())) for code in codes]
    return [(one.code, one.name) for _, one in known if one]


def _names(found: Group) -> list[str]:
    more = ["retired_reasons"] if any(isinstance(box, DeclineReasons) for box in found.boxes) else []
    return [*(box.name for box in found.boxes), *more]


def _page(
    found: Group,
    typed: Typed,
    faults: Mapping[str, Fault],
    *,
    looked_for: str = "",
    meanwhile: list[tuple[str, str]] | None = None,
) -> str:
    errors = {field: gettext(fault.said, **fault.given) for field, fault in faults.items()}
    problems = [{"text": words, "href": f"#{field}"} for field, words in errors.items()]
    return render_template(
        "setup/group.html",
        group=found,
        typed=typed,
        one=lambda name: first(typed, name),
        errors=errors,
        problems=problems,
        meanwhile=meanwhile,
        was=services.fingerprint(g.service, _names(found)),
        day_names=DAY_NAMES,
        every_language=list(i18n.LANGUAGES.values()),
        looked_for=looked_for,
        found_practices=practices.search(g.store, g.service.id, looked_for) if looked_for else (),
        practice_names=_practice_names(found, typed),
    )
