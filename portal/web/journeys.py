"""The doors of the forms: one page after another, save and come back, check, send; and what is asked after sending.

Every Continue, Back, Change and Save keeps what is on the page. The browser holds one random key and nothing else.
"""

from collections.abc import Mapping

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import alerts, codes, drafts, i18n, notifications, people, referrals, services, throttle
from portal.i18n import N_, gettext
from portal.journeys import Journey, Problem, Step, orders
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.self_referral import SELF_REFERRAL
from portal.web import check_ins, cookies, questions
from portal.web.cookies import Answer
from portal.web.requests import came_from
from portal.web.security import keeps_typed, public

blueprint = Blueprint("journeys", __name__)

FIRST = SELF_REFERRAL.steps[0].slug
KIOSK_MINUTES = 3
"""After so many minutes without a press a screen in a waiting room clears itself; a minute before, it warns."""


# The browser's key ---------------------------------------------------------------------------------------------------


def _key() -> str | None:
    return cookies.held(cookies.name_of("FORM_COOKIE"))


def _give_key(response: Answer, key: str, draft: drafts.Draft | None) -> Answer:
    """On a shared device the key goes with the browser's session; on an own one it stays as long as was asked for."""
    days = draft.keep_days if draft and draft.own_device else None
    return cookies.give(response, cookies.name_of("FORM_COOKIE"), key, days or None)


def _take_key(response: Answer) -> Answer:
    return cookies.clear(response, cookies.name_of("FORM_COOKIE"))


def _to(endpoint: str, **values: object) -> Response:
    return redirect(url_for(f"journeys.{endpoint}", **values), 303)  # type: ignore[arg-type, return-value]


def _draft(*, lock: bool = False) -> drafts.Draft | None:
    if g.service is None:
        abort(404)
    return drafts.find(g.store, g.service.id, SELF_REFERRAL.code, _key(), lock=lock)


def _is_locked(draft: drafts.Draft) -> bool:
    return drafts.is_locked(draft, _idle_minutes())


def _idle_minutes() -> int:
    """On a screen in a waiting room the next person stands there already."""
    minutes: int = KIOSK_MINUTES if g.get("kiosk") else g.settings.lock_minutes
    return minutes


def _lock_of(draft: drafts.Draft | None) -> "dict[str, object] | None":
    """What the page needs to clear itself when nobody is there; nothing on a person's own device."""
    if not g.get("kiosk") and (draft is None or draft.own_device):
        return None
    return lock()


def lock() -> "dict[str, object]":
    """What a page needs to clear itself when nobody is there. Where no scripts run nobody can be warned: there the next
    press finds nothing (``_is_locked``)."""
    kiosk = g.get("kiosk") is not None
    return {
        "minutes": _idle_minutes(),
        "warn": 1 if kiosk else int(drafts.LOCK_GRACE.total_seconds() // 60),
        "still_here": url_for("journeys.still_here"),
        "away": url_for("journeys.locked"),
    }


# One page ------------------------------------------------------------------------------------------------------------


def _show(
    journey: Journey,
    step: Step,
    draft: drafts.Draft | None,
    answers: Mapping[str, object],
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    **more: object,
) -> str:
    return render_template(
        "journeys/step.html",
        journey=journey,
        step=step,
        heading=gettext(step.heading),
        shown=questions.show(step, answers, typed, problems, autofill=bool(draft and draft.own_device)),
        count_words=questions.count_words,
        lock=more.pop("lock", None) or _lock_of(draft),
        elsewhere=g.settings.who_could_help,
        **more,
    )


def _typed(step: Step) -> dict[str, object]:
    return {question.code: request.form.getlist(question.code)[:60] for question in step.questions}


@blueprint.get("/refer/<slug>")
@public
def step(slug: str) -> ResponseReturnValue:
    """One page of the self-referral."""
    here = _here(slug)
    draft = _draft()
    if draft and _is_locked(draft):
        return _take_key(_to("locked"))
    # A form that was begun goes on whatever becomes of the staff: nothing that was typed is lost.
    if draft is None and not services.may_take_referrals(g.store, g.service):
        return redirect(url_for("public.start"))
    answers = draft.answers if draft else {}
    if not SELF_REFERRAL.may_open(slug, answers):
        gap = SELF_REFERRAL.first_gap(answers)
        return _to("step", slug=gap.slug) if gap else _to("check")
    typed = draft.typed.get(slug) if draft else None
    problems = here.read(typed)[1] if typed else {}
    # A page that was left empty with Back is no mistake; what could not be read is one still.
    problems = {code: problem for code, problem in problems.items() if problem is not Problem.MISSING}
    page = _referral_page(here, draft, typed, problems)
    return page, 422 if problems else 200


def _here(slug: str) -> Step:
    """The page at this address; a screen of ours is nobody's own, so it does not ask about that."""
    here = SELF_REFERRAL.step(slug) or abort(404)
    return orders.without(here, orders.NOT_THEIRS) if g.get("kiosk") else here


def _came() -> drafts.Came:
    """Through which door a form comes that begins in this browser."""
    if kiosk := g.get("kiosk"):
        return drafts.Came("kiosk", kiosk_id=kiosk.id, given=orders.NOT_THEIRS)
    return drafts.WEB


def _referral_page(
    here: Step,
    draft: drafts.Draft | None,
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    *,
    stale: bool = False,
) -> str:
    return _show(
        SELF_REFERRAL,
        here,
        draft,
        draft.answers if draft else {},
        typed,
        problems,
        back=here.slug != FIRST,
        stale=stale,
        may_save=True,
        action=url_for("journeys.keep", slug=here.slug, change=1 if _changing() else None),
    )


def _changing() -> bool:
    """Whether the page was opened with Change: it stays in the address, so that another language keeps it."""
    return request.args.get("change") == "1"


def _gap(draft: drafts.Draft) -> Step | None:
    """The first page that still lacks an answer or holds something typed that could not be read: what was said there
    before it must not be sent in its place."""
    gap = SELF_REFERRAL.first_gap(draft.answers)
    return next((one for one in SELF_REFERRAL.path(draft.answers) if one is gap or one.slug in draft.typed), None)


@blueprint.post("/refer/<slug>")
@public
@keeps_typed
def keep(slug: str) -> ResponseReturnValue:
    """Keep a page, whichever button was pressed."""
    here = _here(slug)
    draft, key = _draft(lock=True), _key()
    if g.stale and g.get("kiosk"):
        # A screen of ours was cleared since: what stands on this page is somebody else's.
        return _take_key(_to("locked"))
    if g.stale:
        # The form's token has died with its session: the page comes back with what was typed, nothing is kept yet.
        return _referral_page(here, draft, _typed(here), {}, stale=True), 400
    if draft is None and not services.may_take_referrals(g.store, g.service):
        return redirect(url_for("public.start"), 303)
    fresh = draft is None
    if draft is None or key is None:
        key = codes.new_key()
        draft = referrals.begin(g.store, g.service, i18n.spoken().code, key, _came())
    locked = not fresh and _is_locked(draft)
    raw = _typed(here)
    try:
        kept = referrals.keep(g.store, g.service, draft, here, raw, i18n.spoken().code)
    except referrals.KeepsNothing:
        return _take_key(_to("ask_them_first"))
    if locked:
        # Somebody who is not safe sees who can help, whatever else has happened meanwhile (product 6).
        return _take_key(redirect(url_for("public.help_now"), 303) if kept.alerted else _to("locked"))
    answer = _after(here, kept, raw)
    if isinstance(answer, Response):
        return _give_key(answer, key, draft) if request.form.get("go") != "lock" else _take_key(answer)
    made = current_app.make_response(answer)
    return _give_key(made, key, draft)


def _after(here: Step, kept: referrals.Kept, raw: Mapping[str, object]) -> ResponseReturnValue:
    go = request.form.get("go", "")
    if go == "lock":
        return _to("locked")
    if kept.alerted:
        # Whatever was pressed: first who can help, then where it leads.
        return _to("help_first", slug=here.slug, change=1 if _changing() else None, then=go if go in ASIDE else None)
    if kept.problems and go not in ASIDE:
        return _referral_page(here, kept.draft, raw, kept.problems), 422
    return _leads_to(go, here.slug, kept.draft)


ASIDE = ("save", "back")
"""Buttons that lead elsewhere than on; what is typed is kept all the same, and no mistake holds anybody back."""


def _leads_to(go: str, slug: str, draft: drafts.Draft) -> Response:
    if go == "save":
        return _to("saved")
    if go == "back":
        return _back_from(slug, draft)
    return _onward(slug, draft)


def _back_from(slug: str, draft: drafts.Draft) -> Response:
    if _changing() and not _gap(draft):
        return _to("check")
    before = SELF_REFERRAL.before(slug, draft.answers)
    if before is None:
        return redirect(url_for("public.start"))  # type: ignore[return-value]
    return _to("step", slug=before.slug, change=1 if _changing() else None)


def _onward(slug: str, draft: drafts.Draft) -> Response:
    """The next page. After Change: only what is now missing, then straight back to the check."""
    gap = _gap(draft)
    if _changing():
        return _to("step", slug=gap.slug, change=1) if gap else _to("check")
    if not SELF_REFERRAL.may_open(slug, draft.answers):
        # This page came from a form whose earlier answers are not here any more: what was typed is kept all the same.
        return _to("step", slug=gap.slug) if gap else _to("check")
    following = SELF_REFERRAL.after(slug, draft.answers)
    return _to("step", slug=following.slug) if following else _to("check")


@blueprint.get("/refer/<slug>/help")
@public
def help_first(slug: str) -> ResponseReturnValue:
    """Who can help right now, and when a person of the service will read this; then Continue."""
    draft = _draft()
    if draft is None or SELF_REFERRAL.step(slug) is None:
        return redirect(url_for("public.help_now"))
    if _is_locked(draft):
        return _take_key(_to("locked"))
    expected = alerts.expected_for_form(g.store, g.service.id, draft.id)
    following = _leads_to(request.args.get("then", ""), slug, draft)
    return render_template(
        "journeys/help_first.html",
        expected=expected,
        helplines=g.settings.helplines,
        onward=following.location,
        lock=_lock_of(draft),
    )


@blueprint.get("/refer/ask-them-first")
@public
def ask_them_first() -> ResponseReturnValue:
    """Nothing was kept; how to ask the person."""
    return render_template("journeys/ask_them_first.html", first=url_for("journeys.step", slug=FIRST))


# Saving and coming back ----------------------------------------------------------------------------------------------


@blueprint.get("/refer/saved")
@public
def saved() -> ResponseReturnValue:
    """The return card."""
    draft, key = _draft(), _key()
    if draft is None or key is None:
        return _to("carry_on")
    if _is_locked(draft):
        return _take_key(_to("locked"))
    known = draft.return_hash is not None
    number = codes.return_number_from(key) if known else ""
    shown = number if known and drafts.number_opens(draft.id, draft.return_hash, number) else ""
    gap = _gap(draft)
    return render_template(
        "journeys/saved.html",
        reference=draft.reference,
        number=shown,
        known=known,
        draft=draft,
        can_contact=bool(draft.answers.get("safe_ways")),
        onward=url_for("journeys.step", slug=gap.slug) if gap else url_for("journeys.check"),
        keep_until=draft.expires_at,
        lock=_lock_of(draft),
    )


@blueprint.post("/refer/saved")
@public
def make_card() -> ResponseReturnValue:
    """Make the card, or another one; note whether to get in touch when the form stays unfinished."""
    draft, key = _draft(lock=True), _key()
    if draft is None or key is None:
        return _to("carry_on")
    if _is_locked(draft):
        # Else whoever finds this page on a screen that was left could open the form again, and shut its writer out.
        return _take_key(_to("locked"))
    go = request.form.get("go", "")
    if go == "new-number":
        drafts.new_number(g.store, draft, key)
    elif go == "contact-me":
        draft.contact_if_unfinished = bool(draft.answers.get("safe_ways"))
    elif go == "do-not-contact-me":
        draft.contact_if_unfinished = False
    elif go == "keep-14-days" and draft.own_device:
        draft.keep_days = drafts.OWN_DEVICE_DAYS[1]
    else:
        drafts.card(g.store, draft, key)
    drafts.touch(g.service, draft)
    g.store.flush()
    return _give_key(_to("saved"), key, draft)


@blueprint.post("/refer/still-here")
@public
def still_here() -> ResponseReturnValue:
    """Somebody is there: the idle time starts anew."""
    draft = _draft(lock=True)
    if draft and not _is_locked(draft):
        drafts.touch(g.service, draft)
        g.store.flush()
    return Response(status=204, mimetype="text/plain")


@blueprint.get("/refer/locked")
@public
def locked() -> ResponseReturnValue:
    """The screen is cleared; the draft is kept."""
    return _take_key(current_app.make_response(render_template("journeys/locked.html")))


@blueprint.get("/carry-on")
@public
def carry_on() -> ResponseReturnValue:
    """Reopen a saved form with the return card."""
    return render_template("journeys/carry_on.html", reference="", number="", problems={}, throttled=False)


@blueprint.post("/carry-on")
@public
def resume() -> ResponseReturnValue:
    """The card opens the form here; the browser that had it before holds nothing any more."""
    if g.service is None:
        abort(404)
    typed, typed_number = request.form.get("reference", ""), request.form.get("number", "")
    reference, number = codes.read_reference(typed[:60]), codes.read_return_number(typed_number[:60])
    problems = {}
    if reference is None:
        problems["reference"] = gettext(N_("Type the reference from your card, like K7QF-2M9T-1"))
    if number is None:
        problems["number"] = gettext(N_("Type the 12 digits of the return number from your card"))
    if reference and number:
        try:
            drafts.count_try(g.store, g.service.id, reference, came_from())
        except drafts.Throttled:
            return _card_page(typed, typed_number, {}, throttled=True), 429
        key = codes.new_key()
        if draft := drafts.resume(g.store, g.service, reference, number, key):
            gap = _gap(draft)
            onward = _to("step", slug=gap.slug) if gap else _to("check")
            return _give_key(onward, key, draft)
        if found := referrals.sent_with(g.store, g.service.id, reference, number):
            return render_template("journeys/already_sent.html", referral=found)
        problems["reference"] = gettext(
            N_("We cannot find a form with this reference and number. Check both, or start a new form")
        )
    return _card_page(typed, typed_number, problems, throttled=False), 422


def _card_page(reference: str, number: str, problems: Mapping[str, str], *, throttled: bool) -> str:
    reference, number = questions.printable(reference[:60]), questions.printable(number[:60])
    return render_template(
        "journeys/carry_on.html", reference=reference, number=number, problems=problems, throttled=throttled
    )


# Checking and sending ------------------------------------------------------------------------------------------------


@blueprint.get("/refer/check-your-answers")
@public
def check() -> ResponseReturnValue:
    """Every answer with a Change link, then send."""
    draft = _draft()
    if draft is None:
        return _to("sent") if _sent() else _to("step", slug=FIRST)
    if _is_locked(draft):
        return _take_key(_to("locked"))
    if gap := _gap(draft):
        return _to("step", slug=gap.slug, change=1)
    return _check_page(draft)


def _check_page(draft: drafts.Draft, *, stale: bool = False) -> str:
    parts = [
        (part, [(question, questions.in_words(question, draft.answers)) for question in part.questions])
        for part in SELF_REFERRAL.path(draft.answers)
        if part.questions
    ]
    return render_template("journeys/check.html", parts=parts, lock=_lock_of(draft), stale=stale)


@blueprint.post("/refer/check-your-answers")
@public
@keeps_typed
def send() -> ResponseReturnValue:
    """Send. Pressed three times, or again after a lost connection, it is one referral with the same reference."""
    draft, key = _draft(lock=True), _key()
    if draft is None or key is None:
        return _to("sent") if _sent() else _to("carry_on")
    if g.stale:
        return _check_page(draft, stale=True), 400
    if _is_locked(draft):
        return _take_key(_to("locked"))
    if gap := _gap(draft):
        return _to("step", slug=gap.slug, change=1)
    try:
        referrals.submit(g.store, g.service, draft, key)
    except referrals.Incomplete as incomplete:
        return _to("step", slug=incomplete.slug)
    return _to("sent")


def _sent() -> referrals.Referral | None:
    if g.service is None:
        abort(404)
    return referrals.sent_by(g.store, g.service.id, _key())


@blueprint.get("/refer/sent")
@public
def sent() -> ResponseReturnValue:
    """The reference, what happens next and by when, the return card, and what may still be told."""
    referral = _sent()
    if referral is None:
        return _to("carry_on")
    number = codes.return_number_from(_key() or "")
    email = _unconfirmed_email(referral)
    return render_template(
        "journeys/sent.html",
        referral=referral,
        number=number if drafts.number_opens(referral.draft_id, referral.return_hash, number) else "",
        about_you=url_for("journeys.about_you", slug=ABOUT_YOU.steps[0].slug),
        told=bool(referrals.about_you_of(g.store, referral)),
        may_confirm=email is not None,
        how_are_you=check_ins.first_of(referral.id) is not None,
        lock=_lock_after(referral),
    )


def _lock_after(referral: referrals.Referral) -> "dict[str, object] | None":
    """After sending, a shared screen clears itself as before."""
    if referrals.on_own_device(referral):
        return None
    return lock()


@blueprint.get("/refer/again")
@public
def again() -> ResponseReturnValue:
    """Another referral by the same person: is this still right?"""
    referral = _sent()
    if referral is None:
        return _to("step", slug=FIRST)
    known = {code: answer for code, answer in referral.answers.items() if code not in referrals.ASKED_ANEW}
    parts = [
        (part, [(question, questions.in_words(question, known)) for question in part.questions])
        for part in SELF_REFERRAL.path(known)
        if part.questions and all(question.code in known for question in part.questions)
    ]
    return render_template("journeys/again.html", parts=parts, lock=_lock_after(referral))


@blueprint.post("/refer/again")
@public
def begin_again() -> ResponseReturnValue:
    """Start another form with what is known; only the rest is asked."""
    referral = _sent()
    if referral is None:
        return _to("step", slug=FIRST)
    key = codes.new_key()
    draft = referrals.begin_again(g.store, g.service, referral, i18n.spoken().code, key)
    gap = SELF_REFERRAL.first_gap(draft.answers)
    onward = _to("step", slug=gap.slug) if gap and request.form.get("go") != "change" else _to("step", slug=FIRST)
    return _give_key(onward, key, draft)


# Confirming the email address: nothing but a code goes to an address that is not confirmed ----------------------------


def _unconfirmed_email(referral: referrals.Referral) -> people.ContactWay | None:
    ways = people.ways_of(g.store, g.service.id, referral.person_id)
    return next((way for way in ways if way.channel == "email" and way.allowed and way.confirmed_at is None), None)


@blueprint.get("/refer/your-email")
@public
def your_email() -> ResponseReturnValue:
    """Type the code from the email."""
    referral = _sent()
    if referral is None or _unconfirmed_email(referral) is None:
        return _to("sent")
    return render_template("journeys/your_email.html", problem="", typed="", sent=request.args.get("sent") == "1")


@blueprint.post("/refer/your-email")
@public
def confirm_email() -> ResponseReturnValue:
    """Send a code, or check the one that was typed."""
    referral = _sent()
    way = _unconfirmed_email(referral) if referral else None
    if referral is None or way is None:
        return _to("sent")
    if request.form.get("go") == "send-code":
        # By the address and not by the form: a hundred forms with one address are still one mailbox.
        if throttle.count(g.store, throttle.Kind.CONFIRM_CODE, f"{g.service.id}:{way.address_key}"):
            problem = gettext(N_("We have sent three codes already. Please wait an hour and try again"))
            return render_template("journeys/your_email.html", problem=problem, typed="", sent=False), 429
        notifications.send_code(g.store, g.service, way, people.new_confirmation(g.store, way))
        return _to("your_email", sent=1)
    typed = request.form.get("code", "")
    if people.confirm_by_code(g.store, way, typed[:60]):
        return _to("sent")
    problem = gettext(N_("This code is not right, or it is too old. Check it, or ask for a new one"))
    shown = questions.printable(typed)
    return render_template("journeys/your_email.html", problem=problem, typed=shown, sent=True), 422


# A little more about you ---------------------------------------------------------------------------------------------


@blueprint.get("/about-you/<slug>")
@public
def about_you(slug: str) -> ResponseReturnValue:
    """One page of the equality questions; each may be skipped."""
    here = ABOUT_YOU.step(slug) or abort(404)
    referral = _sent()
    if referral is None:
        return _to("carry_on")
    answers = referrals.about_you_of(g.store, referral)
    return _about_you_page(referral, here, answers, None, {})


def _about_you_page(
    referral: referrals.Referral,
    here: Step,
    answers: Mapping[str, object],
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    *,
    stale: bool = False,
) -> str:
    return _show(
        ABOUT_YOU,
        here,
        None,
        answers,
        typed,
        problems,
        back=True,
        stale=stale,
        lock=_lock_after(referral),
        may_save=False,
        action=url_for("journeys.keep_about_you", slug=here.slug),
    )


@blueprint.post("/about-you/<slug>")
@public
@keeps_typed
def keep_about_you(slug: str) -> ResponseReturnValue:
    """Keep one page of the equality questions."""
    here = ABOUT_YOU.step(slug) or abort(404)
    referral = _sent()
    if referral is None:
        return _to("carry_on")
    raw = _typed(here)
    if g.stale:
        return _about_you_page(referral, here, {}, raw, {}, stale=True), 400
    problems = referrals.keep_about_you(g.store, g.service, referral, here, raw)
    answers = referrals.about_you_of(g.store, referral)
    if request.form.get("go") == "back":
        before = ABOUT_YOU.before(slug, answers)
        return _to("about_you", slug=before.slug) if before else _to("sent")
    if problems:
        return _about_you_page(referral, here, answers, raw, problems), 422
    following = ABOUT_YOU.after(slug, answers)
    return _to("about_you", slug=following.slug) if following else _to("sent", thanks=1)
