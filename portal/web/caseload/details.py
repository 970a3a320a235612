"""What the person told of themselves, put right by a member of staff whom they told: the form's own questions, a part
on one page, filled in with what we know."""

import uuid
from collections.abc import Mapping
from dataclasses import replace

from flask import abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import people
from portal.access import Permission
from portal.caseload import details
from portal.caseload.details import Gone, Meanwhile
from portal.i18n import N_, gettext
from portal.journeys import LEFT_BLANK, Problem, Question, Step
from portal.journeys import details as asked
from portal.journeys.orders import PAPER
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web import forms, questions
from portal.web.caseload.door import blueprint, read, to_case
from portal.web.caseload.record import case_page, to_part
from portal.web.questions import Shown
from portal.web.security import allow, keeps_typed

TITLES: dict[str, str] = {
    asked.CONTACT: N_("Safe ways to reach them"),
    asked.NAME: N_("Their name"),
    asked.LANGUAGE: N_("Language and support"),
    asked.PLACE: N_("Where they live, and their date of birth"),
    asked.GP: N_("Their GP practice and NHS number"),
    asked.HELPER: N_("About the person who is helping"),
}

TOLD: dict[str, str] = {
    people.IN_WORDS: N_("They said it to me, on the phone or in person"),
    "person": N_("They wrote it down themselves"),
    "proxy": N_("Somebody said it for them, and they know about it"),
}
"""How a member of staff was told, by the codes of GIVEN_BY."""


class Told(forms.Form):
    """How a member of staff was told."""

    given_by = forms.OneOf(N_("How did they tell you?"), missing=N_("Choose how they told you"))

    def offer(self) -> "Told":
        """Set what may be chosen; what is most often true is chosen beforehand."""
        self.given_by.choices = [(code, gettext(TOLD[code])) for code in people.GIVEN_BY]
        if not self.is_submitted():
            self.given_by.data = people.IN_WORDS
        return self


def _part_of(referral: Referral, slug: str) -> Step:
    if slug not in details.parts_of(referral):
        abort(404)
    return asked.page(slug)


@blueprint.get("/referrals/<uuid:referral_id>/details")
@allow(Permission.READ_REFERRAL, audits=True)
def details_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What the person told of themselves, as it stands now."""
    referral = read(referral_id)
    known = details.known(g.store, referral)
    parts = [
        (slug, gettext(TITLES[slug]), [(gettext(one.name), _in_words(one.code, known)) for one in _asked(slug, known)])
        for slug in details.parts_of(referral)
    ]
    return case_page("details", referral, parts=parts)


def _in_words(code: str, known: Mapping[str, object]) -> Markup:
    return questions.said(SELF_REFERRAL.question(code), known.get(code, LEFT_BLANK))


def _asked(slug: str, known: Mapping[str, object]) -> tuple[Question, ...]:
    """The questions of a part without those that what is known leaves out, such as an address for a way not chosen."""
    found = asked.page(slug).questions
    path = asked.DETAILS.path({**known, "change": [slug]})
    on_path = {question.code for step in path for question in step.questions}
    return tuple(one for one in found if slug == asked.HELPER or one.code in on_path)


@blueprint.get("/referrals/<uuid:referral_id>/details/<slug>")
@allow(Permission.WORK_ON_CASE, audits=True)
def details_part(referral_id: uuid.UUID, slug: str) -> ResponseReturnValue:
    """One part of it, to be put right."""
    referral = read(referral_id)
    return _page(referral, _part_of(referral, slug), Told(formdata=None))


def _page(
    referral: Referral,
    step: Step,
    told: Told,
    *,
    typed: Mapping[str, object] | None = None,
    problems: Mapping[str, Problem] = {},  # read only
    theirs: Mapping[str, object] = {},  # read only
) -> str:
    known = details.known(g.store, referral)
    shown = [_with_note(step, one) for one in questions.show(step, known, typed, problems, autofill=False)]
    wrong = [{"text": one.error, "href": f"#{one.question.code}"} for one in shown if one.error]
    # What stands there now has been seen with this page; what was typed is kept over it with the next press.
    seen = details.mark(step.slug, known) if typed is None or theirs else request.form.get("seen", "")[:16]
    return case_page(
        "details_part",
        referral,
        heading=gettext(TITLES[step.slug]),
        shown=shown,
        told=told.offer(),
        form=told,
        wrong=wrong + told.problems(),
        seen=seen,
        theirs=[
            (gettext(SELF_REFERRAL.question(code).name), questions.said(SELF_REFERRAL.question(code), said))
            for code, said in theirs.items()
        ],
        ways=step.slug == asked.CONTACT,
        count_words=questions.count_words,
        back=url_for("caseload.details_of", referral_id=referral.id),
    )


def _with_note(step: Step, one: Shown) -> Shown:
    """A question with the answer of this page on which it depends: everything stands on one page."""
    depends = PAPER.depends(one.question.code)
    if depends is None or depends.question not in step.questions:
        return one
    choices = ", ".join(gettext(choice.label) for choice in depends.choices)
    note = gettext(N_("Only if they chose: %(choices)s."), choices=choices)
    return replace(one, hint=Markup("{} {}").format(note, one.hint))


@blueprint.post("/referrals/<uuid:referral_id>/details/<slug>")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def change_details(referral_id: uuid.UUID, slug: str) -> ResponseReturnValue:
    """Keep one part of it. What could not be read is said, and everything typed still stands there."""
    referral = read(referral_id)
    step, told = _part_of(referral, slug), Told().offer()
    typed: dict[str, object] = {one.code: request.form.getlist(one.code)[:60] for one in step.questions}
    answers, problems = asked.read(slug, typed)
    if not told.sent() or problems:
        return _page(referral, step, told, typed=typed, problems=problems), 400 if g.stale else 422
    try:
        changed = details.change(
            g.store,
            g.actor,
            referral.id,
            slug,
            answers,
            given_by=told.given_by.data,
            seen=request.form.get("seen", ""),
        )
    except Meanwhile as meanwhile:
        theirs = meanwhile.now if isinstance(meanwhile.now, dict) else {}
        return _page(referral, step, told, typed=typed, theirs=theirs), 409
    except (Gone, people.Gone):
        abort(404)
    if "gp_practice" in changed:
        # The code belongs to the practice that it was: the right one is found next.
        return redirect(url_for("caseload.gp_practice", referral_id=referral.id), 303)
    return to_case(referral.id)


# The interpreter: the answer and the access needs --------------------------------------------------------------------


@blueprint.post("/referrals/<uuid:referral_id>/interpreter")
@allow(Permission.WORK_ON_CASE)
def set_interpreter(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Make the answer say what their access needs say."""
    referral = read(referral_id)
    try:
        details.set_interpreter(g.store, g.actor, referral.id)
    except (Gone, people.Gone):
        abort(404)
    return to_part(referral, "access-needs")
