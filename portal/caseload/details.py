"""A member of staff corrects what a person told of themselves: names, ways to reach them, where they live, language,
NHS number, who helped.

It is the same as on the person's own page (``people.correct``): the same questions and checks, a way that is no longer
safe is shut at once, a new address is unconfirmed until it is shown to be theirs, and no message says that anything was
changed. Whoever wrote it down, and how they were told, stands in the audit.
"""

import json
import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from portal import audit, codes, people
from portal.access import Actor
from portal.caseload.access_needs import of_person
from portal.caseload.cases import Gone as Gone
from portal.caseload.cases import Meanwhile as Meanwhile
from portal.caseload.cases import held, person_of, service_of
from portal.caseload.triage import settle
from portal.journeys import LEFT_BLANK, NOT_ASKED, details
from portal.journeys.access_needs import INTERPRETS
from portal.people import GIVEN_BY
from portal.people.correcting import CHANGED
from portal.people.rows import held as person_held
from portal.store import Referral, ServiceUser

__all__ = ["Gone", "Meanwhile", "change", "known", "mark", "needs_interpreter", "parts_of", "set_interpreter"]

_HELPER = tuple(question.code for question in details.page(details.HELPER).questions)


def parts_of(referral: Referral) -> tuple[str, ...]:
    """What can be corrected of this referral: who helped only where somebody did."""
    return tuple(one for one in details.PARTS if one != details.HELPER or referral.referrer_type != "self")


def known(store: Session, referral: Referral) -> dict[str, object]:
    """What we know now, as answers to the questions of every part. A blank is left out."""
    person = person_of(store, referral)
    told = people.told_by(person, people.ways_of(store, referral.service_id, person.id))
    helped = {code: referral.answers.get(code) for code in _HELPER}
    return told | {code: said for code, said in helped.items() if _said(said) is not None}


def _said(answer: object) -> object:
    return None if answer in (LEFT_BLANK, NOT_ASKED, "") else answer


def mark(part: str, answers: Mapping[str, object]) -> str:
    """What a page of a part was shown with: when it differs, somebody has changed something meanwhile."""
    shown = [answers.get(question.code) for question in details.page(part).questions]
    return codes.digest(json.dumps(shown, sort_keys=True))[:16]


def change(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    part: str,
    answers: Mapping[str, object],
    *,
    given_by: str,
    seen: str,
) -> tuple[str, ...]:
    """Keep what the person told: ``answers`` as ``details.read`` gives them, ``given_by`` of GIVEN_BY, ``seen`` the
    mark of the page. The codes of what changed; nothing when it stood so already.

    Raises ``Gone``, ``Refused``, ValueError for a part or way of telling that does not exist, and ``Meanwhile`` with
    what stands there now, by question, when somebody else has saved something else since the page was opened.
    """
    referral = held(store, actor, referral_id)
    if part not in parts_of(referral) or given_by not in GIVEN_BY:
        raise ValueError(f"{part}: {given_by}")
    # The person may be at it themselves: their own page takes turns here too.
    person_held(store, referral.service_id, referral.person_id)
    there = known(store, referral)
    other = {code: there.get(code) for code, said in answers.items() if _said(said) != there.get(code)}
    if other and seen != mark(part, there):
        raise Meanwhile(other)
    if part == details.HELPER:
        return _change_helper(store, actor, referral, answers, tuple(other), given_by)
    service = service_of(store, referral)
    changed = people.correct(store, service, referral.person_id, answers, actor=actor, given_by=given_by)
    settle(store, actor, referral)
    return changed


def _change_helper(
    store: Session,
    actor: Actor,
    referral: Referral,
    answers: Mapping[str, object],
    changed: Sequence[str],
    given_by: str,
) -> tuple[str, ...]:
    """Who helped stands in the form alone, and is put right there."""
    if changed:
        referral.answers = {**referral.answers, **{code: answers[code] for code in changed}}
        referral.referrer_type = str(referral.answers["helper_relationship"])
        fields = list(changed)
        audit.record(store, actor.service_id, actor, CHANGED, "referral", referral.id, fields=fields, given_by=given_by)
        store.flush()
    return tuple(changed)


# The interpreter: what the person answered, and what was found with them ---------------------------------------------


def needs_interpreter(store: Session, person: ServiceUser) -> str:
    """What the answer about an interpreter would be by the person's own open access needs, where it is another one;
    empty where nothing contradicts it. The lists, contacts, moves and messages go by the answer."""
    rows = [one for one in of_person(store, person.service_id, person.id) if one.need_of == "self"]
    wanted = [INTERPRETS[one.need] for one in rows if one.need in INTERPRETS]
    return wanted[0] if wanted and person.interpreter not in wanted else ""


def set_interpreter(store: Session, actor: Actor, referral_id: uuid.UUID) -> tuple[str, ...]:
    """Make the answer say what their access needs say; pressed twice it is one act. Raises ``Gone``, ``Refused``."""
    referral = held(store, actor, referral_id)
    person = person_held(store, referral.service_id, referral.person_id)
    wanted = needs_interpreter(store, person)
    if not wanted:
        return ()
    service, told = service_of(store, referral), {"interpreter": wanted}
    return people.correct(store, service, person.id, told, actor=actor, given_by=people.IN_WORDS)
