"""What is told of a person's access needs to anybody outside: what the record has open, whoever found it, and nothing
that has ended. A message to the GP, a referral to a group and a move to another service all tell this.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.caseload import access_needs
from portal.i18n import N_, gettext
from portal.journeys import LEFT_BLANK, NOT_ASKED
from portal.journeys.access_needs import BY_CODE, CATEGORIES, DETAIL, INTERPRETS, OTHER, SAID
from portal.journeys.self_referral import SELF_REFERRAL
from portal.letters.document import fit
from portal.people.access_needs import FIELDS as FIELDS
from portal.store import AccessNeed, ServiceUser


@dataclass(frozen=True)
class Shared:
    """A need as somebody outside reads it: the term and its category, and what was written beside it, with what follows
    when it is not met."""

    need: AccessNeed
    category: str
    label: str
    detail: str

    @property
    def words(self) -> str:
        """Both in one."""
        return f"{self.label}: {self.detail}" if self.detail else self.label


def of_person(store: Session, person: ServiceUser) -> list[Shared]:
    """The open needs of a person in the order of the list, in the language now spoken."""
    return [_shared(one) for one in access_needs.of_person(store, person.service_id, person.id)]


def _shared(one: AccessNeed) -> Shared:
    term = BY_CODE.get(one.need)
    label = gettext(term.label) if term else one.need
    if one.need_of == "carer":
        label = gettext(N_("Their carer: %(need)s"), need=label)
    otherwise = f"{gettext(N_('When it is not met:'))} {one.if_not_met}" if one.if_not_met else ""
    return Shared(
        one, gettext(CATEGORIES.get(one.category, CATEGORIES[OTHER])), label, _sentences((one.detail or "", otherwise))
    )


def _sentences(said: Iterable[str]) -> str:
    return ". ".join(one.strip().rstrip(".") for one in said if one.strip())


_CHOICE = {need: said for said, need in SAID.items()}
_SIGNING = frozenset(INTERPRETS.values())


def as_answers(store: Session, person: ServiceUser) -> dict[str, object]:
    """The same as answers to the questions of the form (``FIELDS``), for whoever takes a form: a choice where the form
    has one, words where it has none. A question that nothing is known for is left out."""
    found = of_person(store, person)
    interpreter = "" if person.interpreter in _SIGNING else person.interpreter
    chosen: list[str] = []
    words: list[str] = []
    for one in found:
        own = one.need.need_of == "self"
        choice, signing = (_CHOICE.get(one.need.need, ""), INTERPRETS.get(one.need.need)) if own else ("", None)
        if signing and interpreter not in ("spoken", *_SIGNING):
            interpreter = signing
        elif signing:
            choice = ""
        elif choice:
            chosen.append(choice)
        if one.need.said == DETAIL:
            words.append(one.detail)
        elif one.detail or not choice:
            words.append(one.words)
    # "None of these" and "I would rather not say" stay what they are, until somebody finds a need.
    said_none = [] if found else [one for one in person.access_needs if one not in SAID]
    told: dict[str, object] = {
        "interpreter": interpreter,
        "access_needs": chosen or said_none or (not found and person.access_needs_absent) or [],
        "access_detail": fit(_sentences(words), SELF_REFERRAL.question("access_detail").longest)[0],
    }
    return {code: told[code] for code in FIELDS if told[code] not in ("", LEFT_BLANK, NOT_ASKED)}
