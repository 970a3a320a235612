"""A message back: what was gathered from the record becomes the sections of the standard, empty items left out.

A document is kept as it was sent and can be shown again for ever: everything it says stands in it, in words and, where
a machine needs it, as a code or a date. Nothing is looked up again.
"""

import textwrap
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from portal.i18n import LONDON, say_date, say_moment, speaking
from portal.letters import reaching, standard
from portal.letters.reaching import WayOf

NOT_REGISTERED, NOT_APPLICABLE, NOT_KNOWN = "V81997", "V81998", "V81999"
"""The national codes for people without a practice, for those who can have none, and for a practice that nobody
knows."""
NO_PRACTICE = {
    NOT_REGISTERED: "Not registered with a GP practice",
    NOT_APPLICABLE: "A GP practice does not apply",
    NOT_KNOWN: "GP practice not known",
}
NO_KNOWN_RISKS = "No known risks"
SERVICE = "Social prescribing"
OUTCOMES = {
    "1": "The case has ended",
    "2": "Another contact is planned",
    "3": "Another contact is to be arranged",
}
"""The national outcome of attendance, in words."""


# What is gathered ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PersonOf:
    """The person. ``born``: ISO 8601, a year alone where the person gave no more. ``ways``: those that they allow, in
    their order; ``preferred`` is the national code of the first of them."""

    id: uuid.UUID
    first_name: str
    family_name: str = ""
    preferred_name: str = ""
    pronouns: str = ""
    born: str = ""
    nhs_number: str = ""
    postcode: str = ""
    preferred: str = ""
    ways: tuple[WayOf, ...] = ()
    language: str = ""
    interpreter: bool | None = None

    def at(self, *channels: str) -> str:
        """Their own address on the first of these ways that they allow."""
        allowed = {way.channel: way.address for way in reversed(self.ways)}
        return next((allowed[one] for one in channels if allowed.get(one)), "")


@dataclass(frozen=True)
class PracticeOf:
    """The person's GP practice. ``code`` is never empty: see ``NO_PRACTICE``."""

    code: str = NOT_KNOWN
    name: str = ""


@dataclass(frozen=True)
class WorkerOf:
    """Somebody who works for the service."""

    id: uuid.UUID
    name: str
    role: str
    team: str = ""


@dataclass(frozen=True)
class ReferralOf:
    """The referral. ``status`` is ours (portal.referrals.STATUSES); ``because``: why it is on hold or was not taken.
    ``coded``: the code for the referral goes with this message, for it is the first one of the episode. ``related``:
    whoever referred them is no professional, but of their own people."""

    id: uuid.UUID
    status: str
    referred_at: datetime
    by: str
    by_role: str
    by_organisation: str
    by_contact: str
    self_made: bool
    reason: str = ""
    coded: bool = False
    because: str = ""
    related: bool = False


@dataclass(frozen=True)
class PermissionOf:
    """The permission under which the message goes. ``wording``: the question that was asked. ``how``: by whom it was
    given, in words, where it was not the person in their own form."""

    id: uuid.UUID
    wording: str
    at: datetime
    how: str = ""


@dataclass(frozen=True)
class AdjustmentOf:
    """What the person needs so that they can understand and take part. ``category`` in words. ``theirs``: their own
    need, not a carer's."""

    id: uuid.UUID
    category: str
    need: str
    since: date
    detail: str = ""
    theirs: bool = True


@dataclass(frozen=True)
class ContactOf:
    """A contact at which the person was reached. ``method``: the national code, empty where none is known.
    ``follows``: of OUTCOMES. ``near``: they met in one place."""

    id: uuid.UUID
    at: datetime
    outcome: str
    mechanism: str
    method: str
    near: bool
    follows: str
    location: str = ""
    worker: WorkerOf | None = None


@dataclass(frozen=True)
class SignpostOf:
    """Something that the person was told about."""

    id: uuid.UUID
    on: date
    name: str
    contact: str = ""
    reason: str = ""


@dataclass(frozen=True)
class ScoreOf:
    """One score, or one question that is its own score. ``value`` as it is shown; ``words``: the published band, or
    what the answer is called. ``amount``: a number that more or less of means something."""

    name: str
    value: str
    words: str = ""
    amount: bool = True


@dataclass(frozen=True)
class AssessmentOf:
    """One scale answered on one day. ``when``: first or latest, in words. ``single``: the scale has one score."""

    id: uuid.UUID
    name: str
    on: date
    when: str
    scores: tuple[ScoreOf, ...]
    single: bool
    comment: str = ""


@dataclass(frozen=True)
class RiskOf:
    """A risk. ``kind`` in words."""

    id: uuid.UUID
    kind: str
    since: date
    words: str = ""


@dataclass(frozen=True)
class ActionOf:
    """What somebody does for a goal; a first step has no status. ``who`` and ``status`` in words, ``status_code`` as we
    keep it. ``when``: as somebody said it, where no day is known."""

    id: uuid.UUID
    words: str
    who: str
    status: str = ""
    status_code: str = ""
    changed_at: datetime | None = None
    who_code: str = ""
    name: str = ""
    due: date | None = None
    when: str = ""
    barriers: str = ""
    sure: int | None = None
    review: date | None = None


@dataclass(frozen=True)
class GoalOf:
    """A goal. ``status_code``: active, on-hold, completed."""

    id: uuid.UUID
    words: str
    status: str
    status_code: str
    since: date
    importance: int | None = None
    stands: str = ""
    actions: tuple[ActionOf, ...] = ()


@dataclass(frozen=True)
class NeedOf:
    """A need with its goals. ``resolved``: it is over."""

    id: uuid.UUID
    name: str
    words: str = ""
    resolved: bool = False
    goals: tuple[GoalOf, ...] = ()


@dataclass(frozen=True)
class PlanOf:
    """The plan. ``agreed``: yes, no, or empty."""

    id: uuid.UUID
    strengths: str = ""
    agreed: str = ""
    agreed_name: str = ""
    why_not: str = ""
    updated: datetime | None = None
    review: date | None = None


@dataclass(frozen=True)
class Gathered:
    """Everything that a message can say, from one person's record; safeguarding has no place in it. ``about`` and
    ``end``: the service's words on what this is, and at the end of a message."""

    letter_id: uuid.UUID
    service_id: uuid.UUID
    service: str
    recipient: str
    occasion: str
    made_at: datetime
    author: WorkerOf
    person: PersonOf
    practice: PracticeOf
    referral: ReferralOf
    service_contact: str = ""
    about: str = ""
    end: str = ""
    narrow: bool = False
    responsible: WorkerOf | None = None
    permission: PermissionOf | None = None
    adjustments: tuple[AdjustmentOf, ...] = ()
    contacts: tuple[ContactOf, ...] = ()
    summary: tuple[str, ...] = ()
    signposts: tuple[SignpostOf, ...] = ()
    assessments: tuple[AssessmentOf, ...] = ()
    risks: tuple[RiskOf, ...] = ()
    no_known_risks: bool = False
    actions_professionals: str = ""
    actions_person: str = ""
    plan: PlanOf | None = None
    needs: tuple[NeedOf, ...] = ()


# What is made of it --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """What one item says: in words, and as a code, an ISO date or a number where a machine can use one."""

    item: str
    text: str
    coded: str = ""

    @property
    def label(self) -> str:
        """What stands before it."""
        return standard.items()[self.item].label


@dataclass(frozen=True)
class Part:
    """A section, or a part of one: its own values, and the parts below. ``id`` is that of the row it is from. ``facts``
    are codes that nobody reads: how a machine is told the same."""

    code: str
    values: tuple[Value, ...] = ()
    parts: tuple["Part", ...] = ()
    id: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its heading."""
        found = standard.sections().get(self.code)
        return found.title if found else standard.groups()[self.code].label

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not self.values and not self.parts

    def text_of(self, item: str) -> str:
        """What an item says here; empty when it is not here."""
        return next((value.text for value in self.values if value.item == item), "")

    def code_of(self, item: str) -> str:
        """The code, date or number of an item; empty when it has none."""
        return next((value.coded for value in self.values if value.item == item), "")

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "code": self.code,
            "id": self.id,
            "facts": dict(self.facts),
            "values": [[value.item, value.text, value.coded] for value in self.values],
            "parts": [part.to_json() for part in self.parts],
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> "Part":
        """As it was kept. An item or a part that is not declared any more is not shown any more."""
        known = standard.items()
        below = (cls.of_json(part) for part in kept["parts"])
        return cls(
            kept["code"],
            tuple(Value(*value) for value in kept["values"] if value[0] in known),
            tuple(part for part in below if part.code in standard.groups()),
            kept["id"],
            dict(kept["facts"]),
        )


@dataclass(frozen=True)
class Document:
    """A message back, section by section, in the order in which it is shown."""

    id: str
    title: str
    made_at: str
    recipient: str
    sections: tuple[Part, ...]
    facts: Mapping[str, str] = field(default_factory=dict)

    def section(self, code: str) -> Part | None:
        """One section; ``None`` when it would have been empty."""
        return next((one for one in self.sections if one.code == code), None)

    @property
    def on(self) -> str:
        """When it was made, in words."""
        with speaking("en"):
            return say_moment(datetime.fromisoformat(self.made_at))

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "id": self.id,
            "title": self.title,
            "made_at": self.made_at,
            "recipient": self.recipient,
            "facts": dict(self.facts),
            "sections": [one.to_json() for one in self.sections],
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> "Document":
        """As it was kept."""
        sections = (Part.of_json(one) for one in kept["sections"])
        there = tuple(one for one in sections if one.code in standard.sections())
        return cls(kept["id"], kept["title"], kept["made_at"], kept["recipient"], there, dict(kept["facts"]))


TITLES = {
    "plan": "Social prescribing: the plan",
    "closing": "Social prescribing: the end of the support",
    "update": "Social prescribing: how it is going",
}


def build(gathered: Gathered) -> Document:
    """The message: every item that is known and no empty one, what is asked of anybody first."""
    with speaking("en"):
        made = {
            "actions": _actions(gathered),
            "person": _person(gathered.person),
            "practice": _practice(gathered.practice),
            "referral": _referral(gathered),
            "contacts": _part("contacts", parts=(_contact(one, gathered) for one in gathered.contacts)),
            "summary": _summary(gathered),
            "signposts": _part("signposts", parts=(_signpost(one) for one in gathered.signposts)),
            "assessments": _part("assessments", parts=(_assessment(one) for one in gathered.assessments)),
            "risks": _risks(gathered),
            "requirements": _part("requirements", parts=(_adjustment(one) for one in gathered.adjustments)),
            "consent": _consent(gathered),
            "plan": _plan(gathered),
        }
    shown = [made[one.code] for one in standard.SECTIONS]
    if gathered.narrow:
        shown = [_narrowed(one) for one in shown if one.code in standard.NARROW]
    return Document(
        str(gathered.letter_id),
        TITLES.get(gathered.occasion, TITLES["update"]),
        gathered.made_at.isoformat(),
        gathered.recipient,
        tuple(one for one in shown if not one.empty),
        _facts(gathered),
    )


def _facts(gathered: Gathered) -> dict[str, str]:
    """What a machine needs and no section says: who wrote it, for which service, the codes of language and status."""
    return {
        "service": gathered.service,
        "service_id": str(gathered.service_id),
        "service_contact": gathered.service_contact,
        "about": gathered.about,
        "end": gathered.end,
        "author": gathered.author.name,
        "author_id": str(gathered.author.id),
        "author_role": gathered.author.role,
        "person_id": str(gathered.person.id),
        "born": "" if gathered.narrow else gathered.person.born,
        "language": "" if gathered.narrow else gathered.person.language,
        "interpreter": ""
        if gathered.narrow or gathered.person.interpreter is None
        else str(gathered.person.interpreter).lower(),
        "referral_id": str(gathered.referral.id),
        "status": gathered.referral.status,
        "because": "" if gathered.narrow else gathered.referral.because,
        "coded": "yes" if gathered.referral.coded else "",
        "narrow": "yes" if gathered.narrow else "",
    }


def missing(document: Document) -> list[str]:
    """The mandatory items that the message cannot hold because nobody knows them, by code. Risks are none of these: no
    message goes without them."""
    if document.facts.get("narrow"):
        return []
    there = {value.item for one in document.sections for value in _values(one)}
    return [item.code for _, item in standard.paths() if item.conformance == "M" and item.code not in there]


def _values(part: Part) -> Iterator[Value]:
    yield from part.values
    for below in part.parts:
        yield from _values(below)


# One section after the other -----------------------------------------------------------------------------------------


def _part(
    code: str,
    values: Mapping[str, object] | None = None,
    parts: Iterable[Part] = (),
    row: uuid.UUID | None = None,
    **facts: str,
) -> Part:
    """Values are words, or (words, code); what is empty is left out, and so is a part that is empty."""
    said = []
    for item, given in (values or {}).items():
        text, coded = given if isinstance(given, tuple) else (given, "")
        if text not in (None, ""):
            said.append(Value(item, str(text), str(coded)))
    below = tuple(part for part in parts if not part.empty)
    return Part(code, tuple(said), below, str(row) if row else "", facts)


def _day(day: date | None) -> tuple[str, str]:
    return (say_date(day, weekday=False), day.isoformat()) if day else ("", "")


def _moment(moment: datetime | None) -> tuple[str, str]:
    return (say_moment(moment), moment.astimezone(LONDON).isoformat(timespec="seconds")) if moment else ("", "")


def _number(number: int | None) -> tuple[str, str]:
    return (str(number), str(number)) if number is not None else ("", "")


def fit(words: str, longest: int) -> tuple[str, str]:
    """What fits an item, whole words, and the rest."""
    words = words.strip()
    if not longest or len(words) <= longest:
        return words, ""
    between = max(words.rfind(" ", 0, longest), words.rfind("\n", 0, longest))
    cut = words[:between].rstrip() if between > 0 else words[: longest - 1]
    return f"{cut}…", words[len(cut) :].strip()


def _cut(item: str, words: str) -> str:
    return fit(words, standard.items()[item].longest)[0]


def _actions(gathered: Gathered) -> Part:
    plan = gathered.plan
    agreed = {"yes": "Yes", "no": "No"}.get(plan.agreed if plan else "", "")
    if plan and plan.why_not and agreed == "No":
        agreed = f"No: {plan.why_not}"
    told = {
        "actions-professionals": gathered.actions_professionals or standard.NO_ACTION,
        "actions-person": gathered.actions_person or "\n".join(_theirs(gathered.needs)),
        "agreed-all": agreed,
    }
    return _part("actions", parts=[_part("requested", told)])


def _theirs(needs: Sequence[NeedOf]) -> Iterator[str]:
    """What the person and those who care for them will do by the plan, as far as it is not over."""
    for need in needs:
        for goal in need.goals:
            for action in goal.actions:
                if action.status_code in ("planned", "in-progress") and action.who_code in ("person", "carer"):
                    yield action.words


_PREFERRED = {
    "1": "Letter",
    "3": "Telephone",
    "4": "Email",
    "6": "Telephone, through someone they trust",
    "9": "Text message",
}


def _person(person: PersonOf) -> Part:
    whole = date.fromisoformat(person.born) if len(person.born) == 10 else None
    lines = textwrap.wrap(" ".join(person.at("post").split()), 35)[:5]
    told: dict[str, object] = {
        "first-name": person.first_name,
        "family-name": person.family_name,
        "preferred-name": person.preferred_name,
        "born": _day(whole),
        "pronouns": person.pronouns,
        "nhs-number": (_in_threes(person.nhs_number), person.nhs_number),
        "nhs-number-status": ("Given by the person, not traced", "02") if person.nhs_number else ("Not known", "07"),
        **{f"address-{place}": line for place, line in enumerate(lines, 1)},
        "postcode": person.postcode,
        "preferred-contact": (_PREFERRED.get(person.preferred, ""), person.preferred),
        "phone": person.at("call", "text"),
        "email": person.at("email"),
        "contact-rule": reaching.rule(person.ways),
    }
    times = next((way.times for way in person.ways if way.times), "")
    return _part("person", told, row=person.id, ways=" ".join(way.channel for way in person.ways), times=times)


def _in_threes(number: str) -> str:
    return f"{number[:3]} {number[3:6]} {number[6:]}" if number else ""


def _practice(practice: PracticeOf) -> Part:
    name = NO_PRACTICE.get(practice.code, practice.name)
    if practice.code == NOT_KNOWN and practice.name:
        name = f"{name}. The person calls it {practice.name}"
    told = {"practice-details": _cut("practice-details", name), "practice-code": (practice.code, practice.code)}
    return _part("practice", parts=[_part("practice-entry", told)])


def _referral(gathered: Gathered) -> Part:
    made, to = gathered.referral, gathered.responsible
    told: dict[str, object] = {
        "referred-on": _moment(made.referred_at),
        "referrer-name": _cut("referrer-name", made.by),
        "referrer-role": made.by_role,
        "referrer-service": "Self-referral" if made.self_made else _cut("referrer-service", made.by_organisation),
        "referrer-organisation": "Self" if made.self_made else _cut("referrer-organisation", made.by_organisation),
        "referrer-contact": _referrer_contact(gathered),
        "method": ("Self referral", "7") if made.self_made else "",
        "reason": _cut("reason", " ".join(made.reason.split())),
        "to-name": _cut("to-name", to.name) if to else "",
        "to-role": to.role if to else "",
        "to-team": to.team if to else "",
        "to-service": SERVICE,
        "to-organisation": gathered.service,
        "to-contact": _cut("to-contact", gathered.service_contact),
    }
    kept = _part("referral-entry", told, row=made.id, related="yes" if made.related else "")
    return _part("referral", parts=[kept])


def _referrer_contact(gathered: Gathered) -> str:
    """A person who came by themselves is reached by their own first way, never without what they said about it."""
    made, longest = gathered.referral, standard.items()["referrer-contact"].longest
    own = reaching.contact(gathered.person.ways, longest) if made.self_made else made.by_contact
    return _cut("referrer-contact", own or gathered.service_contact)


def _consent(gathered: Gathered) -> Part:
    given = gathered.permission
    if given is None:
        return _part("consent")
    whom = "their GP practice" if gathered.recipient == "gp" else "whoever referred them"
    said = f"They allowed us to tell {whom}, on {say_date(given.at, weekday=False)}"
    told = {"consent": f"{said}, {given.how}" if given.how else said}
    return _part("consent", told, row=given.id, wording=given.wording, at=_moment(given.at)[1])


def _adjustment(one: AdjustmentOf) -> Part:
    told: dict[str, object] = {
        "adjustment-flag": ("Yes", standard.NEEDS_ADJUSTMENT) if one.theirs else "",
        "adjustment": _cut("adjustment", one.need),
        "adjustment-detail": one.detail,
    }
    return _part("requirement", told, row=one.id, since=one.since.isoformat(), category=one.category)


def _contact(one: ContactOf, gathered: Gathered) -> Part:
    told: dict[str, object] = {
        "contact-at": _moment(one.at),
        "contact-location": one.location,
        "seen-by": _cut("seen-by", one.worker.name) if one.worker else "",
        "seen-by-role": one.worker.role if one.worker else "",
        "responsible": _cut("responsible", gathered.responsible.name) if gathered.responsible else "",
        "contact-type": one.outcome,
        "consultation": (one.mechanism, one.method),
        "contact-outcome": (OUTCOMES[one.follows], one.follows),
    }
    return _part(
        "contact", told, row=one.id, near="yes" if one.near else "", worker=str(one.worker.id) if one.worker else ""
    )


def _summary(gathered: Gathered) -> Part:
    return _part("summary", {"summary": "\n".join(filter(None, gathered.summary))})


def _signpost(one: SignpostOf) -> Part:
    told: dict[str, object] = {
        "signpost-on": _day(one.on),
        "signpost-service": _cut("signpost-service", one.name),
        "signpost-contact": _cut("signpost-contact", one.contact),
        "signpost-reason": one.reason,
    }
    return _part("signpost", told, row=one.id)


def _assessment(one: AssessmentOf) -> Part:
    told: dict[str, object] = {
        "assessment-type": "Answered by the person",
        "assessment-name": one.name,
        "assessment-summary": (f"{say_date(one.on, weekday=False)} ({one.when})", one.on.isoformat()),
    }
    parts: list[Part] = []
    if one.single and len(one.scores) == 1:
        score = one.scores[0]
        told |= {
            "assessment-score": _cut("assessment-score", score.name),
            "assessment-value": (score.value, score.value if score.amount else ""),
            "assessment-band": score.words,
        }
    else:
        parts = [
            _part(
                "subscale",
                {
                    "subscale-score": _cut("subscale-score", score.name),
                    "subscale-value": (score.value, score.value if score.amount else ""),
                    "subscale-band": score.words,
                },
            )
            for score in one.scores
        ]
    told["assessment-comment"] = one.comment
    return _part("assessment", told, parts, row=one.id)


def _risks(gathered: Gathered) -> Part:
    parts = [part for one in gathered.risks for part in _risk(one)]
    if not parts and gathered.no_known_risks:
        parts = [_part("risk", {"risk": NO_KNOWN_RISKS}, none="yes")]
    return _part("risks", parts=parts)


def _risk(one: RiskOf) -> Iterator[Part]:
    """A risk; what does not fit one note stands in further ones beside it, and nowhere else: who may not read of risks
    finds nothing of them in another section."""
    note, rest = fit(one.words, standard.items()["risk-comment"].longest)
    yield _part("risk", {"risk": one.kind, "risk-from": _day(one.since), "risk-comment": note}, row=one.id)
    while rest:
        row = uuid.uuid5(one.id, rest)
        note, rest = fit(rest, standard.items()["risk-comment"].longest)
        yield _part("risk", {"risk": f"{one.kind}, continued", "risk-comment": note}, row=row)


def _plan(gathered: Gathered) -> Part:
    plan, told = gathered.plan, {}
    if plan:
        told = {
            "strengths": plan.strengths,
            "plan-agreed": (
                {"yes": "Yes", "no": "No"}.get(plan.agreed, ""),
                {"yes": "true", "no": "false"}.get(plan.agreed, ""),
            ),
            "plan-agreed-name": _cut("plan-agreed-name", plan.agreed_name) if plan.agreed == "yes" else "",
            "plan-updated": _moment(plan.updated),
            "plan-review": _day(plan.review),
        }
        if plan.review and gathered.responsible:
            told |= {
                "plan-responsible": _cut("plan-responsible", gathered.responsible.name),
                "plan-responsible-role": gathered.responsible.role,
                "plan-responsible-contact": _cut("plan-responsible-contact", gathered.service_contact),
            }
    return _part("plan", told, (_need(one) for one in gathered.needs), plan.id if plan else None)


def _need(one: NeedOf) -> Part:
    told = {"need": f"{one.name}: {one.words}" if one.words else one.name}
    return _part(
        "need", told, (_goal(goal) for goal in one.goals), one.id, status="resolved" if one.resolved else "active"
    )


def _goal(one: GoalOf) -> Part:
    told: dict[str, object] = {
        "goal": one.words,
        "goal-importance": _number(one.importance),
        "goal-status": (one.status, one.status_code),
        "goal-outcome": one.stands,
    }
    actions = (_action(action) for action in one.actions)
    return _part("goal", told, actions, one.id, since=one.since.isoformat())


def _action(one: ActionOf) -> Part:
    told: dict[str, object] = {
        "action": one.words,
        "action-who": _cut("action-who", one.name),
        "action-role": one.who,
        "action-when": _day(one.due) if one.due else one.when,
        "action-strategies": one.barriers,
        "action-status": (one.status, one.status_code),
        "action-confidence": _number(one.sure),
        "action-updated": _moment(one.changed_at),
        "action-review": _day(one.review),
    }
    return _part("action", told, row=one.id)


def _narrowed(part: Part) -> Part:
    """What somebody may read who only hears how it goes."""
    keep = standard.NARROW[part.code]
    own = tuple(value for value in part.values if value.item in keep)
    below = tuple(
        replace(one, values=tuple(value for value in one.values if value.item in keep), parts=()) for one in part.parts
    )
    return replace(part, values=own, parts=tuple(one for one in below if not one.empty))
