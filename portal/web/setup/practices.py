"""The GP practices of a service: one added or put right, and a whole list brought as a file."""

import io
import uuid
from collections.abc import Iterable

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import Permission
from portal.i18n import N_, gettext
from portal.services import practices
from portal.services.practices import NotTaken, Practice, Report
from portal.web.forms import Code, Form, Tick, Words, showable
from portal.web.security import allow, keeps_typed
from portal.web.setup import blueprint

WRONG: dict[tuple[str, str], str] = {
    ("code", "missing"): N_("Enter the code of the practice"),
    ("code", "unreadable"): N_("Enter the code as a letter and five digits, such as D81044"),
    ("name", "missing"): N_("Enter the name of the practice"),
    ("name", "unreadable"): N_("Enter a name of at most 150 letters, without signs that cannot be read"),
    ("postcode", "unreadable"): N_("Enter a whole postcode, such as AB10 1AB, or leave it blank"),
}
WHY_NOT: dict[str, str] = {
    "code": N_("the code is not a letter and five digits"),
    "name": N_("it has no name that can be kept"),
    "twice": N_("the code stands in the file twice, and the first counts"),
}
"""Why a row of a file was not taken."""
CHOOSE = N_("Choose a file first")
TOO_LARGE = N_("The file is too large. It may have 8 MB at most")
NO_LIST = N_("This is no list of practices: it needs columns with codes and names, and commas between them")
MEANWHILE = N_(
    "Somebody else has changed this practice meanwhile. What it says now stands above. Save again to keep yours"
)
DONE: dict[str, str] = {
    "added": N_("The practice is in the list."),
    "known": N_("The list has a practice with this code already. This is it."),
    "kept": N_("What you changed is kept."),
}


class PracticeForm(Form):
    """What the list says of a practice."""

    name = Words(N_("Name"), longest=practices.LONGEST_NAME)
    postcode = Code(N_("Postcode"), longest=12)


class NewPractice(PracticeForm):
    """A practice that the list does not have."""

    code = Code(N_("National code"), longest=12, hint=N_("A letter and five digits, such as D81044 (its ODS code)."))


class OldPractice(PracticeForm):
    """One that it has."""

    closed = Tick(N_("It has closed, so nobody finds it any more"))


@blueprint.get("/practices")
@allow(Permission.CHANGE_SERVICE)
def all_practices() -> ResponseReturnValue:
    """The list: found by name, postcode or code; and a file with many."""
    return _list_page(), 200


def _list_page(error: str = "", report: Report | None = None) -> str:
    text = request.args.get("text", "")[:100]
    counts = [request.args.get(name, "") for name in ("added", "changed", "same")]
    brought = [int(one) for one in counts if one.isascii() and one.isdigit() and len(one) < 9]
    return render_template(
        "setup/practices.html",
        text=showable(text),
        found=practices.search(g.store, g.service.id, text, closed=True),
        any_there=practices.any_there(g.store, g.service.id),
        is_closed=practices.is_closed,
        error=error,
        problems=[{"text": error, "href": "#file"}] if error else [],
        brought=_came_of(*brought) if len(brought) == len(counts) else "",
        report=_came_of(report.added, report.changed, report.same) if report else "",
        refused=report.refused if report else 0,
        bad=[(one.line, one.code, gettext(WHY_NOT[one.why])) for one in report.bad] if report else [],
    )


def _came_of(added: int, changed: int, same: int) -> str:
    said = N_("New: %(added)s. Changed: %(changed)s. As before: %(same)s.")
    return gettext(said, added=f"{added:,}", changed=f"{changed:,}", same=f"{same:,}")


@blueprint.post("/practices/file")
@allow(Permission.CHANGE_SERVICE, files=("file",), largest=practices.LARGEST_FILE + 1024 * 1024)
def bring_practices() -> ResponseReturnValue:
    """Take in a list. Rows that cannot be taken are shown; taken in again, the same file changes nothing."""
    brought = request.files.get("file")
    if brought is None or not brought.filename:
        return _list_page(gettext(CHOOSE)), 422
    file = brought.stream
    if file.seek(0, 2) > practices.LARGEST_FILE:
        return _list_page(gettext(TOO_LARGE)), 422
    file.seek(0)
    try:
        report = practices.take_in(g.store, g.actor, _lines(file.read()))
    except practices.NotAList:
        return _list_page(gettext(NO_LIST)), 422
    if report.refused:
        return _list_page(report=report), 200
    counts = {"added": report.added, "changed": report.changed, "same": report.same}
    return redirect(url_for("setup.all_practices", **counts), 303)  # type: ignore[arg-type]


def _lines(file: bytes) -> Iterable[str]:
    return io.StringIO(file.decode("utf-8-sig", "replace"), newline="")


@blueprint.route("/practices/new", methods=["GET", "POST"])
@allow(Permission.CHANGE_SERVICE)
@keeps_typed
def add_practice() -> ResponseReturnValue:
    """One that the list does not have."""
    form = NewPractice()
    if request.method != "POST":
        return _one_page(form, None), 200
    if form.sent():
        given = {name: form[name].data for name in ("code", "name", "postcode")}
        try:
            made = practices.add(g.store, g.actor, **given)
        except NotTaken as refused:
            _refuse(form, refused)
        except practices.Known as known:
            return _to(known.practice.id, "known")
        else:
            return _to(made.id, "added")
    return _one_page(form, None), 422


@blueprint.route("/practices/<uuid:practice_id>", methods=["GET", "POST"])
@allow(Permission.CHANGE_SERVICE)
@keeps_typed
def one_practice(practice_id: uuid.UUID) -> ResponseReturnValue:
    """Put one right."""
    try:
        row = practices.read(g.store, g.actor, practice_id)
    except practices.Gone:
        abort(404)
    form = OldPractice()
    if request.method != "POST":
        form.name.data, form.postcode.data = row.name, row.postcode or ""
        form.closed.data = practices.is_closed(row)
        return _one_page(form, row), 200
    if form.sent():
        version = request.form.get("version", "")
        try:
            practices.correct(
                g.store,
                g.actor,
                row.id,
                int(version) if version.isascii() and version.isdigit() else 0,
                name=form.name.data,
                postcode=form.postcode.data,
                closed=bool(form.closed.data),
            )
        except NotTaken as refused:
            _refuse(form, refused)
        except practices.Changed as changed:
            form.refuse("name", gettext(MEANWHILE))
            return _one_page(form, changed.practice, as_it_is=True), 409
        else:
            return _to(row.id, "kept")
    return _one_page(form, row), 422


def _refuse(form: PracticeForm, refused: NotTaken) -> None:
    for name, why in refused.problems.items():
        form.refuse(name, gettext(WRONG[name, why]))


def _to(practice_id: uuid.UUID, done: str) -> ResponseReturnValue:
    return redirect(url_for("setup.one_practice", practice_id=practice_id, done=done), 303)


def _one_page(form: PracticeForm, practice: Practice | None, *, as_it_is: bool = False) -> str:
    done = DONE.get(request.args.get("done", ""), "")
    return render_template(
        "setup/practice.html",
        form=form,
        practice=practice,
        as_it_is=as_it_is,
        problems=form.problems(),
        said=gettext(done) if done and request.method != "POST" else "",
    )
