"""How the service looks: its colour, whose contrast is measured, and a small logo."""

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import services
from portal.access import Permission
from portal.i18n import N_, gettext
from portal.services import BadSettings, ChangedMeanwhile, brand
from portal.web.forms import Code, Form
from portal.web.security import allow, keeps_typed
from portal.web.setup import blueprint

CHOOSE = N_("Choose a picture first")


class ColourForm(Form):
    """The service's own colour."""

    brand_colour = Code(
        N_("Colour"),
        longest=20,
        hint=N_("As # and six digits or letters from a to f, such as #005a8c. Leave it blank for ours."),
    )


@blueprint.route("/look", methods=["GET", "POST"])
@allow(Permission.CHANGE_SERVICE)
@keeps_typed
def look() -> ResponseReturnValue:
    """The colour. One that is too light to read is refused, with the nearest that works."""
    form = ColourForm()
    if request.method != "POST":
        form.brand_colour.data = g.settings.brand_colour or ""
        return _page(form, 200)
    if form.sent():
        try:
            colour = form.brand_colour.data
            services.change(g.store, g.actor, {"brand_colour": colour or None}, was=request.form.get("was", ""))
        except BadSettings as bad:
            fault = bad.faults["brand_colour"]
            form.refuse("brand_colour", gettext(fault.said, **fault.given))
        except ChangedMeanwhile:
            g.settings = services.settings_of(g.service)
            return _page(form, 409, meanwhile=True)
        else:
            return redirect(url_for("setup.look", done="colour"), 303)
    return _page(form, 422)


@blueprint.post("/look/logo")
@allow(Permission.CHANGE_SERVICE, files=("logo",))
def bring_logo() -> ResponseReturnValue:
    """Take in a logo: only its pixels are kept."""
    brought = request.files.get("logo")
    file = brought.read(brand.LARGEST_FILE + 1) if brought and brought.filename else b""
    if not file:
        return _refused(gettext(CHOOSE))
    try:
        services.change(g.store, g.actor, {"logo": brand.as_text(file)})
    except brand.BadLogo as bad:
        return _refused(gettext(bad.said, **bad.given))
    return redirect(url_for("setup.look", done="logo"), 303)


@blueprint.post("/look/logo/remove")
@allow(Permission.CHANGE_SERVICE)
def remove_logo() -> ResponseReturnValue:
    """No logo any more."""
    services.change(g.store, g.actor, {"logo": None})
    return redirect(url_for("setup.look", done="no-logo"), 303)


def _refused(sentence: str) -> ResponseReturnValue:
    form = ColourForm(formdata=None)
    form.brand_colour.data = g.settings.brand_colour or ""
    return _page(form, 422, logo_error=sentence)


def _page(form: ColourForm, status: int, *, logo_error: str = "", meanwhile: bool = False) -> tuple[str, int]:
    colour = g.settings.brand_colour
    return render_template(
        "setup/look.html",
        form=form,
        problems=form.problems() + ([{"text": logo_error, "href": "#logo"}] if logo_error else []),
        logo_error=logo_error,
        meanwhile=meanwhile,
        now_kept=colour,
        ratio=brand.shown(brand.least_contrast(colour)) if colour else "",
        has_logo=bool(g.settings.logo),
        kilobytes=brand.LARGEST // 1000,
        was=services.fingerprint(g.service, ["brand_colour"]),
        done=request.args.get("done", ""),
    ), status
