"""How a person comes to their own page: by email and code, by their card, by a code from their link worker, or by the
link in a message. And the staff's side of it: a code to hand over, and reading off and on.

Nothing here says whether somebody is known. The link's page is the same for every link, and only a press of its button
changes anything.
"""

import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal import accounts, codes, demo, entries, i18n, measures, people, reading, referrals
from portal.access import TASKS, Mine, Permission, Tier, Visitor
from portal.i18n import N_, gettext
from portal.journeys.engine import SAY
from portal.web import check_ins, cookies
from portal.web.forms import Code, Email, Form, OneOf, Tick
from portal.web.requests import came_from, give_visit, take_visit, visit_lock
from portal.web.security import allow, entrance, keeps_typed, mine, public

blueprint = Blueprint("visits", __name__)

NOT_SIX = N_("Type the 6 numbers of the code")
NOT_A_REFERENCE = N_("Type the reference from your card, like K7QF-2M9T-1")
NOT_TWELVE = N_("Type the 12 digits of the return number from your card")
WRONG_CODE = N_("This code is not right, or it is too old. Check it, or ask for a new one")
WHICH_OF_YOU = N_("More than one person uses this email. Type your reference as well")
WRONG_PAIR = N_("This reference and code do not go together, or the code is too old. Check both, or ask for a new code")
WRONG_CARD = N_(
    "We cannot open a page with this reference and number. Check both. "
    "If you have confirmed your email with us, ask for a code by email"
)
WRONG_NUMBER = N_("We cannot open your page with this number. Check it with your card, or ask your link worker")

TASK_NAMES: dict[str, str] = {
    "check-in": N_("Answer a few questions about how you are"),
    "goal": N_("Say what you would like to be different"),
    "details": N_("Change your address, phone number or email"),
}
_LONGEST = 60


# Forms ---------------------------------------------------------------------------------------------------------------


class AskForm(Form):
    """To which address."""

    email = Email(N_("Your email address"), longest=300, missing=N_("Enter your email address"))


class CodeForm(Form):
    """The code from the email."""

    code = Code(N_("Code"), longest=_LONGEST, missing=NOT_SIX, hint=N_("6 numbers, from the email."))
    reference = Code(
        N_("Reference (only if more than one person uses this email)"),
        longest=_LONGEST,
        hint=N_("It is on your card, like K7QF-2M9T-1. Leave it blank if only you use this email."),
    )


class CardForm(Form):
    """Both numbers of the card."""

    reference = Code(N_("Reference"), longest=_LONGEST, missing=NOT_A_REFERENCE, hint=N_("Like K7QF-2M9T-1."))
    number = Code(
        N_("Return number"), longest=_LONGEST, missing=NOT_TWELVE, hint=N_("12 digits, like 123 456 789 012.")
    )


class WorkerCodeForm(Form):
    """The card's reference, and the code on the worker's slip."""

    reference = Code(N_("Reference"), longest=_LONGEST, missing=NOT_A_REFERENCE, hint=N_("Like K7QF-2M9T-1."))
    code = Code(N_("Code"), longest=_LONGEST, missing=NOT_SIX, hint=N_("6 numbers, from your link worker."))


class NumberForm(Form):
    """The card, after a code."""

    number = Code(
        N_("Return number"), longest=_LONGEST, missing=NOT_TWELVE, hint=N_("12 digits, like 123 456 789 012.")
    )


class TaskForm(Form):
    """What to do with this code."""

    task = OneOf(N_("Choose one thing"), missing=N_("Choose what you would like to do"))


class ReadingForm(Form):
    """Reading on again."""

    agreed = Tick(
        N_("I talked with them in person, and they want this"),
        missing=N_("Tick this when you have talked with them in person and they want this"),
    )


# Reading what was typed: each gives the plain form, or refuses the field with a sentence of its own -----------------


def _code(form: Form) -> str:
    if codes.read_code(form["code"].data) is None:
        form.refuse("code", gettext(NOT_SIX))
    return str(form["code"].data)


def _reference(form: Form) -> str:
    found = codes.read_reference(form["reference"].data)
    if found is None:
        form.refuse("reference", gettext(NOT_A_REFERENCE))
    return found or ""


def _number(form: Form) -> str:
    found = codes.read_return_number(form["number"].data)
    if found is None:
        form.refuse("number", gettext(NOT_TWELVE))
    return found or ""


def _sent(form: Form) -> bool:
    return request.method == "POST" and form.sent()


def _page(name: str, form: Form, until: datetime | None = None, **given: Any) -> tuple[str, int]:
    """A page of this door. ``until``: there were too many tries, and from when on the next one counts."""
    status = 429 if until else 200
    if request.method == "POST" and not until:
        status = 400 if g.stale else 422
    given = {"demonstration": _demonstration() if name in ("sign_in", "card") else [], **given}
    return render_template(f"visits/{name}.html", form=form, until=until, stale=g.get("stale", False), **given), status


def _demonstration() -> list[Any]:
    """The cards of made-up people whose page one can open, in a demonstration; nobody's anywhere else."""
    if not current_app.config["DEMONSTRATION"]:
        return []
    return list(demo.cards(g.store, g.service))


# In ------------------------------------------------------------------------------------------------------------------


def home_of(visitor: Visitor) -> str:
    """Where a visit begins: its one task, the choice of it, or the whole page."""
    what = Mine.READ_PAGE if visitor.tier is Tier.READ else TASKS.get(visitor.task or "")
    endpoint = entrance(current_app, what) if what else None
    return url_for(endpoint or "visits.choose")


def _let_in(visitor: Visitor, key: str) -> ResponseReturnValue:
    # A form's token from before must not work afterwards, and neither must the visit that was here before.
    _leave_the_one_before(visitor)
    return give_visit(redirect(home_of(visitor), 303), key)


def _leave_the_one_before(visitor: Visitor) -> None:
    session.clear()
    if g.visitor is not None:
        accounts.end(g.store, g.visitor)
    g.visitor = visitor


def _here() -> None:
    if g.service is None:
        abort(404)


@blueprint.route("/your-page", methods=["GET", "POST"])
@public
@keeps_typed
def sign_in() -> ResponseReturnValue:
    """Ask for a code by email, or choose another way."""
    _here()
    if request.method != "POST" and g.visitor is not None:
        return redirect(home_of(g.visitor), 303)
    form = AskForm()
    if _sent(form):
        key = cookies.held(cookies.name_of("ASKED_COOKIE")) or codes.new_key()
        try:
            accounts.ask_code(g.store, g.service, form.email.data, key, address=came_from())
        except reading.Unreadable as unreadable:
            form.refuse("email", gettext(SAY[unreadable.problem]))
        except accounts.TooManyTries as stopped:
            return _page("sign_in", form, stopped.until)
        else:
            onward = redirect(url_for("visits.code"), 303)
            return cookies.give(onward, cookies.name_of("ASKED_COOKIE"), key)
    return _page("sign_in", form)


@blueprint.route("/your-page/code", methods=["GET", "POST"])
@public
@keeps_typed
def code() -> ResponseReturnValue:
    """The code from the email: it works in the browser that asked for it."""
    _here()
    asked = cookies.held(cookies.name_of("ASKED_COOKIE"))
    if not asked:
        return redirect(url_for("visits.sign_in"), 303)
    form = CodeForm()
    if _sent(form):
        typed = _code(form)
        reference = _reference(form) if form.reference.data else None
        if not form.problems():
            key = codes.new_key()
            try:
                found = accounts.code_given(
                    g.store,
                    g.service,
                    asked,
                    typed,
                    key,
                    language=i18n.spoken().code,
                    reference=reference,
                    address=came_from(),
                )
            except accounts.NeedsReference:
                form.refuse("reference", gettext(WHICH_OF_YOU))
            except accounts.TooManyTries as stopped:
                return _page("code", form, stopped.until)
            else:
                if found:
                    return _let_in(found, key)
                form.refuse("code", gettext(WRONG_CODE))
    return _page("code", form)


@blueprint.route("/your-page/worker-code", methods=["GET", "POST"])
@public
@keeps_typed
def worker_code() -> ResponseReturnValue:
    """The reference, and a code that a link worker gave."""
    _here()
    form = WorkerCodeForm()
    if _sent(form):
        reference, typed = _reference(form), _code(form)
        if not form.problems():
            key = codes.new_key()
            try:
                found = accounts.worker_code_given(
                    g.store, g.service, reference, typed, key, language=i18n.spoken().code, address=came_from()
                )
            except accounts.TooManyTries as stopped:
                return _page("worker_code", form, stopped.until)
            if found:
                return _let_in(found, key)
            form.refuse("code", gettext(WRONG_PAIR))
    return _page("worker_code", form)


@blueprint.route("/your-page/card", methods=["GET", "POST"])
@public
@keeps_typed
def card() -> ResponseReturnValue:
    """Both numbers of the card: for people to whom no code can be sent."""
    _here()
    form = CardForm()
    if _sent(form):
        reference, number = _reference(form), _number(form)
        if not form.problems():
            key = codes.new_key()
            try:
                found = accounts.card_alone(
                    g.store, g.service, reference, number, key, language=i18n.spoken().code, address=came_from()
                )
            except accounts.TooManyTries as stopped:
                return _page("card", form, stopped.until)
            if found:
                return _let_in(found, key)
            form.refuse("reference", gettext(WRONG_CARD))
    return _page("card", form)


# What to do with a code ----------------------------------------------------------------------------------------------


@blueprint.route("/your-page/task", methods=["GET", "POST"])
@public
@keeps_typed
def choose() -> ResponseReturnValue:
    """One task for writing, or the return number for the whole page. Nothing of what is known is shown."""
    _here()
    if g.visitor is None:
        return redirect(url_for("visits.sign_in"), 303)
    if home_of(g.visitor) != url_for("visits.choose"):
        return redirect(home_of(g.visitor), 303)
    form, due = _task_form()
    if _sent(form):
        task = form.task.data
        check_in_id = due[0].id if task == "check-in" else None
        try:
            g.visitor = accounts.choose_task(g.store, g.visitor, task, check_in_id)
        except accounts.Bound:
            return redirect(url_for("visits.choose"), 303)
        return redirect(home_of(g.visitor), 303)
    return _choice(form, NumberForm(formdata=None))


def _task_form() -> tuple[TaskForm, Any]:
    form, due = TaskForm(), measures.due_for(g.store, g.service.id, g.visitor.person_id)
    form.task.choices = [(code, gettext(name)) for code, name in TASK_NAMES.items() if due or code != "check-in"]
    return form, due


def _choice(form: TaskForm, number: NumberForm, until: datetime | None = None) -> ResponseReturnValue:
    return _page(
        "choose",
        form,
        until,
        number=number,
        problems=form.problems() + number.problems(),
        may_add_card=accounts.may_add_card(g.store, g.visitor),
        lock=visit_lock(),
    )


@blueprint.post("/your-page/number")
@public
@keeps_typed
def number() -> ResponseReturnValue:
    """The return number, after a code: the whole page."""
    _here()
    if g.visitor is None or not accounts.may_add_card(g.store, g.visitor):
        return redirect(url_for("visits.sign_in"), 303)
    form = NumberForm()
    if _sent(form):
        typed, key = _number(form), codes.new_key()
        if not form.problems():
            try:
                found = accounts.card_given(g.store, g.service, g.visitor, typed, key, address=came_from())
            except accounts.TooManyTries as stopped:
                return _choice(_task_form_again(), form, stopped.until)
            if found:
                return _let_in(found, key)
            form.refuse("number", gettext(WRONG_NUMBER))
    return _choice(_task_form_again(), form)


def _task_form_again() -> TaskForm:
    form = TaskForm(formdata=None)
    form.task.choices = _task_form()[0].task.choices
    return form


# While there, and out ------------------------------------------------------------------------------------------------


@blueprint.post("/your-page/still-here")
@public
def still_here() -> ResponseReturnValue:
    """Somebody is there: the idle time starts anew (as with every request of a visit)."""
    return Response(status=204, mimetype="text/plain")


@blueprint.get("/your-page/locked")
@public
def locked() -> ResponseReturnValue:
    """The screen is cleared, and this browser holds nothing any more."""
    return take_visit(current_app.make_response(render_template("visits/locked.html")))


@blueprint.post("/your-page/leave")
@public
def leave() -> ResponseReturnValue:
    """Out; pressed again, or after the visit has ended by itself, it still leads out."""
    if g.visitor is not None:
        accounts.end(g.store, g.visitor)
    session.clear()
    return take_visit(redirect(url_for("public.start"), 303))


@blueprint.route("/your-page/reading-off", methods=["GET", "POST"])
@mine(Mine.TURN_READING_OFF)
def reading_off() -> ResponseReturnValue:
    """What it means that nobody can open the page for reading; then do it."""
    if request.method != "POST":
        return render_template("visits/reading_off.html", lock=visit_lock())
    accounts.set_reading(g.store, g.service.id, g.visitor.person_id, False)
    session.clear()
    return take_visit(current_app.make_response(render_template("visits/reading_is_off.html")))


# The link in a message -----------------------------------------------------------------------------------------------


@blueprint.get("/c/<token>")
@public
def link(token: str) -> ResponseReturnValue:
    """A neutral page with one button, the same for every link. It looks nothing up and changes nothing."""
    _here()
    return render_template("visits/link.html", stale=False)


@blueprint.post("/c/<token>")
@public
@keeps_typed
def open_link(token: str) -> ResponseReturnValue:
    """The press of the button spends the link, and its answer is the first question itself.

    A browser that keeps no cookies has no token either: the same page comes back and says so, and nothing is spent.
    """
    _here()
    if g.stale or not _pressed():
        return render_template("visits/link.html", stale=g.stale), 400 if g.stale else 200
    check_in = measures.open_link(g.store, g.service.id, token)
    if check_in is None:
        if g.visitor is not None and g.visitor.check_in_id:
            return redirect(home_of(g.visitor), 303)  # the page was loaded again, or the button pressed twice
        return render_template("visits/link_over.html"), 410
    key = codes.new_key()
    visitor = accounts.open_for_check_in(g.store, g.service, check_in, key, i18n.spoken().code)
    _leave_the_one_before(visitor)
    return give_visit(current_app.make_response(check_ins.first_page(check_in)), key)


def _pressed() -> bool:
    """Whether a form was sent, as a press of a button does. A script that fetches, and a browser or scanner that loads
    ahead, say so."""
    ahead = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"))
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and not any(
        word in said.lower() for said in ahead for word in ("prefetch", "prerender", "preview")
    )


# The staff's side ----------------------------------------------------------------------------------------------------


@blueprint.get("/staff/referrals/<uuid:referral_id>/their-page")
@allow(Permission.CONFIRM_CONTACT, audits=True)
def access_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """A code to hand over in person, and whether the person's page can be read at all."""
    return _access(_read(referral_id), ReadingForm(formdata=None))


def _read(referral_id: uuid.UUID) -> referrals.Referral:
    try:
        return referrals.read(g.store, g.actor, referral_id)
    except referrals.Gone:
        abort(404)


def _access(referral: referrals.Referral, form: ReadingForm, **given: Any) -> ResponseReturnValue:
    person = people.read(g.store, g.actor, referral.person_id)
    return _page(
        "access_of",
        form,
        referral=referral,
        person=person.preferred_name or person.first_name,
        reading=person.reading,
        without_card=entries.may_make_card(g.store, referral),
        done=request.args.get("done", ""),
        **given,
    )


@blueprint.post("/staff/referrals/<uuid:referral_id>/code")
@allow(Permission.CONFIRM_CONTACT)
def issue_code(referral_id: uuid.UUID) -> ResponseReturnValue:
    """A code for the person in front of the worker, shown once."""
    referral = _read(referral_id)
    try:
        made = accounts.issue_code(g.store, g.actor, referral.person_id, referral.id)
    except accounts.NotHere:
        abort(404)
    return render_template("visits/issued.html", referral=referral, code=made, days=accounts.WORKER_CODE_LIVES.days)


@blueprint.post("/staff/referrals/<uuid:referral_id>/card")
@allow(Permission.CONFIRM_CONTACT)
def make_card(referral_id: uuid.UUID) -> ResponseReturnValue:
    """A card for somebody whose case came from another service, shown once."""
    referral = _read(referral_id)
    try:
        made = entries.make_card(g.store, g.actor, referral.id)
    except entries.Gone:
        return redirect(url_for("visits.access_of", referral_id=referral.id), 303)
    return render_template("visits/card_made.html", referral=referral, number=made.number)


@blueprint.post("/staff/referrals/<uuid:referral_id>/reading")
@allow(Permission.CONFIRM_CONTACT)
@keeps_typed
def set_reading(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Reading off at once; on again only after talking with the person."""
    referral = _read(referral_id)
    form = ReadingForm()
    on = request.form.get("go") == "on"
    if g.stale or (on and not form.sent()):
        return _access(referral, form)
    accounts.set_reading(g.store, g.service.id, referral.person_id, on, g.actor)
    return redirect(url_for("visits.access_of", referral_id=referral.id, done="on" if on else "off"), 303)
