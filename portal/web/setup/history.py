"""What was changed, by whom and when."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from portal import services
from portal.access import ROLE_NAMES, Permission, Role
from portal.i18n import N_, gettext
from portal.services import ServiceSettings, read_settings, texts
from portal.services.changes import ACTS, Change, page
from portal.web.security import allow
from portal.web.setup import blueprint
from portal.web.setup.boxes import Box
from portal.web.setup.groups import GROUPS, LABELS

OURS = N_("Not set: ours counts")
HIDDEN = N_("Changed. What it was and is now is not written here, for it may be somebody’s own")


@blueprint.get("/changes")
@allow(Permission.READ_AUDIT)
def changes() -> ResponseReturnValue:
    """The newest changes, or those before one of them."""
    found, older = page(g.store, g.actor, before=_before())
    return render_template(
        "setup/changes.html", changes=[(one, gettext(ACTS[one.act]), rows_of(one)) for one in found], older=older
    )


def _before() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get("before", ""))
    except ValueError:
        return None


def rows_of(change: Change) -> list[tuple[str, str, str]]:
    """What a change was about, line by line: what, before, after."""
    rows = []
    for name in dict.fromkeys([*change.what, *change.values]):
        label = gettext(LABELS.get(name, name))
        if name in change.values:
            old, new = (_said(name, value) for value in change.values[name])
            rows.append((label, old, new))
        else:
            rows.append((label, "", gettext(HIDDEN)))
    if place := texts.BY_CODE.get(str(change.details.get("place", ""))):
        number = gettext("wording %(number)s", number=change.details["number"])
        rows.append((gettext(place.name), "", f"{change.details['language']}, {number}"))
    return rows


def _said(name: str, value: Any) -> str:
    """A value as its own page would say it."""
    if value is None:
        return gettext(OURS) if name in ServiceSettings.__dataclass_fields__ else ""
    if name == "role":
        return gettext(ROLE_NAMES[Role(value)])
    box = _BOXES.get(name)
    if box is None:
        return str(value)
    try:
        return box.said(read_settings({name: value}))
    except services.BadSettings:  # it was right when it was saved, by rules of that time
        return str(value)


_BOXES: Mapping[str, Box] = {box.name: box for group in GROUPS for box in group.boxes if box.name != "name"}
