"""What the pages of the staff's door share: one referral, how to reach its person, what they said, and to whom to give
something.
"""

import uuid
from collections.abc import Mapping

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import access, alerts, people, referrals
from portal.access import Permission
from portal.caseload import access_needs
from portal.caseload import reach as reaching
from portal.caseload.access_needs import AccessNeed
from portal.caseload.lists import NEED_OF, entry
from portal.i18n import N_, gettext
from portal.journeys.access_needs import BY_CODE
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral, Unsent
from portal.web import forms, questions, safe_contact
from portal.web.safe_contact import SafeContact

blueprint = Blueprint("caseload", __name__, url_prefix="/staff")


REACH = (
    "first_name",
    "family_name",
    "preferred_name",
    "pronouns",
    "date_of_birth",
    "postcode",
    "helper_name",
    "helper_relationship",
    "helper_contact",
)
"""The answers of an unsent form that help to reach somebody safely, beside the rule of safe contact; the rest stays
theirs until they send it."""
TYPED = (
    *REACH,
    "spoken_language",
    "access_detail",
    "phone",
    "email",
    "post_address",
    "trusted_name",
    "trusted_contact",
    "meeting_place",
)
"""What is shown of an unsent form as it was typed, where we could not read it."""


def staff_names() -> Mapping[uuid.UUID, str]:
    """The name of everybody who works or has worked here, asked once a request."""
    found: Mapping[uuid.UUID, str] | None = g.get("staff_names")
    if found is None:
        found = g.staff_names = referrals.staff_names(g.store, g.actor)
    return found


class Give(forms.Form):
    """To whom."""

    to = forms.Listed(N_("Give it to"), missing=N_("Choose somebody"))


def colleagues(form: Give, *, without: uuid.UUID | None = None) -> Give:
    """The form with everybody to whom something may be given, except one."""
    there = [(str(one), name) for one, name in referrals.colleagues(g.store, g.actor).items() if one != without]
    form.to.choices = [("", gettext(N_("Choose somebody"))), *there]
    return form


@blueprint.app_context_processor
def _waiting_alerts() -> dict[str, object]:
    """For the layout of the staff's pages: how many alerts nobody has opened yet."""
    actor = g.get("actor")
    if g.get("failed") or not request.path.startswith("/staff") or not access.may(actor, Permission.HANDLE_ALERTS):
        return {}
    return {"alerts_waiting": alerts.unopened_count(g.store, actor.service_id)}


def a_place() -> uuid.UUID | None:
    """Behind which row a page of a list begins; ``None`` for the first page, and for what cannot be read."""
    try:
        return uuid.UUID(request.args.get("after", ""))
    except ValueError:
        return None


def before_reading(referral_id: uuid.UUID) -> Response | None:
    """The way to "why do you need to read it?", when this referral is not part of the actor's own work and no reason
    was given; ``None`` when it opens, or is not there. What somebody typed while it was open to them is still taken."""
    found = _standing(referral_id)
    if found is None or found.opens:
        return None
    looking = request.method in ("GET", "HEAD")
    if not looking and reaching.read_lately(g.store, g.actor, referral_id):
        return None
    wanted = request.script_root + request.path if looking else None
    return redirect(url_for("caseload.reason", referral_id=referral_id, next=wanted), 303)  # type: ignore[return-value]


def _standing(referral_id: uuid.UUID) -> reaching.Standing | None:
    """Asked once a request, however many pages and parts of it ask."""
    asked: dict[uuid.UUID, reaching.Standing | None] = g.setdefault("standings", {})
    if referral_id not in asked:
        asked[referral_id] = reaching.of_referral(g.store, g.actor, referral_id)
    return asked[referral_id]


def read(referral_id: uuid.UUID) -> Referral:
    """A referral, or 404; the reading is written down. One that is not part of the actor's own work asks why first."""
    if asks_why := before_reading(referral_id):
        abort(asks_why)
    try:
        return referrals.read(g.store, g.actor, referral_id)
    except referrals.Gone:
        abort(404)


def to_case(referral_id: uuid.UUID) -> ResponseReturnValue:
    """On to the page of a referral; to one's own caseload, when the case has just been given to somebody else."""
    g.pop("standings", None)
    found = _standing(referral_id)
    if found and not found.opens:
        return redirect(url_for("caseload.caseload_list"), 303)
    return redirect(url_for("caseload.case", referral_id=referral_id), 303)


def contact_of(referral: Referral) -> SafeContact:
    """How to reach the person safely, in which language, and what they need to understand."""
    ways = people.ways_of(g.store, g.actor.service_id, referral.person_id)
    answers = referrals.answers_now(referral, people.read(g.store, g.actor, referral.person_id), ways)
    needs = access_needs.of_person(g.store, g.actor.service_id, referral.person_id)
    return safe_contact.in_words(referrals.name_to_use(answers), ways, answers, [say_whole_need(one) for one in needs])


def say_access_need(need: AccessNeed) -> str:
    """A need in a few words; one that stands only in the person's own words says these."""
    term = BY_CODE.get(need.need)
    if need.detail and need.need in access_needs.NEEDS_WORDS:
        return need.detail
    return gettext(term.label) if term else need.need


def say_whole_need(need: AccessNeed) -> str:
    """A need with what exactly it is, or what is still to be asked, and whose it is when it is not the person's own."""
    said, whose, term = say_access_need(need), entry(NEED_OF, need.need_of), BY_CODE.get(need.need)
    more = [need.detail or (gettext(term.ask) if term and term.ask else "")]
    more = [words for words in more if words and words != said]
    if whose and whose.code != "self":
        more.insert(0, gettext(whose.label))
    return f"{said} ({', '.join(more)})" if more else said


def answers_now(referral: Referral) -> "dict[str, object]":
    """What the form says, with what the person has corrected on their own page since."""
    ways = people.ways_of(g.store, g.actor.service_id, referral.person_id)
    return referrals.answers_now(referral, people.read(g.store, g.actor, referral.person_id), ways)


def say_answer(code: str, answers: Mapping[str, object]) -> Markup:
    """What was answered to a question of the form."""
    return questions.in_words(SELF_REFERRAL.question(code), answers)


def contact_of_unsent(unsent: Unsent | None) -> SafeContact | None:
    """How to reach somebody safely whose form was never sent."""
    if unsent is None:
        return None
    return safe_contact.of_answers(referrals.name_to_use(unsent.answers), unsent.answers)


def reach(answers: Mapping[str, object]) -> list[tuple[str, Markup]]:
    """What has been said that helps to reach somebody safely; what was not asked yet is left out."""
    return [
        (gettext(SELF_REFERRAL.question(code).name), say_answer(code, answers)) for code in REACH if code in answers
    ]


def unread_of(unsent: Unsent | None) -> list[tuple[str, str]]:
    """What was typed that may help, although we could not read it."""
    typed = unsent.unread if unsent else {}
    return [
        (gettext(SELF_REFERRAL.question(code).name), forms.showable(typed[code])[:200])
        for code in TYPED
        if code in typed
    ]
