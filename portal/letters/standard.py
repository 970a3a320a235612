"""The sections and items of the standard that a message back can hold, declared once: path, conformance, cardinality,
type, the most characters, and where in our record each comes from. The page, the plain text, the FHIR document and the
checks follow.

Social Prescribing Information Standard v1.1 (January 2023), Professional Record Standards Body (PRSB); owned and
managed by NHS England from 1 January 2026. Contains public sector information licensed under the Open Government
Licence v3.0: https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/ The paths, conformance,
cardinalities and types are taken or adapted from that standard. Nobody has approved this use of it.

The standard's own list of what a message back holds was not to be had: ours is its sections 1, 2, 4, 6, 7, 8, 11, 14
and 16 to 19. Safeguarding is none of them. A message is in English whatever language the pages are in, for so is the
standard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

ATTRIBUTION = (
    "Headings from the Social Prescribing Information Standard v1.1 (PRSB; NHS England), "
    "Open Government Licence v3.0: https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
)


@dataclass(frozen=True)
class Item:
    """One item. ``conformance``: M (cannot be sent without), R (sent if we have it), O. ``path`` is below the section's
    or the part's own. ``longest``: the most characters, 0 for none. ``source``: where in our record it is from."""

    code: str
    label: str
    path: str
    conformance: str
    cardinality: str
    kind: str
    source: str
    longest: int = 0


@dataclass(frozen=True)
class Group:
    """A part that can be there several times: a record entry, or what lies within one."""

    code: str
    label: str
    path: str
    items: tuple[Item, ...]
    groups: tuple["Group", ...] = ()


@dataclass(frozen=True)
class Section:
    """A section. ``heading``: its code among the UK Core record standard headings, empty where there is none."""

    code: str
    number: int
    title: str
    conformance: str
    cardinality: str
    heading: str
    items: tuple[Item, ...] = ()
    groups: tuple[Group, ...] = ()


DEMOGRAPHICS = Section(
    "person",
    1,
    "Person demographics",
    "M",
    "1..1",
    "person-demographics",
    (
        Item("first-name", "First name", "Person name / Person first name", "M", "1..*", "string", "person's form", 35),
        Item(
            "family-name", "Family name", "Person name / Person family name", "M", "1..*", "string", "person's form", 35
        ),
        Item(
            "preferred-name",
            "Likes to be called",
            "Person name / Person preferred name",
            "R",
            "0..1",
            "string",
            "person's form",
            70,
        ),
        Item("born", "Date of birth", "Date of birth", "M", "1..1", "date", "person's form, when it is a whole date"),
        Item("pronouns", "Pronouns", "Pronoun", "O", "0..1", "string", "person's form"),
        Item("nhs-number", "NHS number", "NHS number", "R", "0..1", "string", "person's form", 10),
        Item(
            "nhs-number-status",
            "NHS number status",
            "NHS number status indicator",
            "R",
            "0..1",
            "string",
            "02 given by the person, not traced; 07 none",
            2,
        ),
        *(
            Item(f"address-{n}", "Address", f"Person's address / Address line {n}", "R", "0..1", "string", "letter", 35)
            for n in range(1, 6)
        ),
        Item("postcode", "Postcode", "Person's address / Postcode", "R", "0..1", "string", "person's form", 8),
        Item(
            "preferred-contact",
            "Best way to reach them",
            "Person's contact details / Preferred contact method",
            "R",
            "0..1",
            "string",
            "first safe way",
            1,
        ),
        Item(
            "phone",
            "Phone",
            "Person's contact details / Person's telephone number details / Person's telephone number",
            "R",
            "0..1",
            "string",
            "safe way: call or text",
            35,
        ),
        Item(
            "email",
            "Email",
            "Person's contact details / Person's email address details / Person's email address",
            "R",
            "0..1",
            "string",
            "safe way: email",
            255,
        ),
        Item(
            "contact-rule",
            "To reach them safely",
            "Person's contact details / Other contact information",
            "R",
            "0..1",
            "string",
            "safe ways: what was said about each, and which are not safe",
            255,
        ),
    ),
)

PRACTICE = Section(
    "practice",
    2,
    "GP practice",
    "M",
    "1..1",
    "gp-practice",
    groups=(
        Group(
            "practice-entry",
            "",
            "GP practice record entry",
            (
                Item(
                    "practice-details",
                    "Practice",
                    "GP practice details",
                    "R",
                    "0..1",
                    "text",
                    "list of practices, or as the person said",
                    150,
                ),
                Item(
                    "practice-code",
                    "Practice code",
                    "GP practice identifier",
                    "M",
                    "1..1",
                    "string",
                    "ODS code that staff found; V81997 not registered, V81998 not applicable, V81999 not known",
                    6,
                ),
            ),
        ),
    ),
)

REQUIREMENTS = Section(
    "requirements",
    4,
    "Individual requirements",
    "R",
    "0..1",
    "individual-requirements",
    groups=(
        Group(
            "requirement",
            "",
            "Reasonable adjustment / Reasonable adjustment record entry",
            (
                Item(
                    "adjustment-flag",
                    "Needs an adjustment",
                    "Reasonable adjustment flag",
                    "R",
                    "0..1",
                    "boolean",
                    "access need: of the person themselves",
                ),
                Item(
                    "adjustment",
                    "Need",
                    "Reasonable adjustment / Free text",
                    "R",
                    "0..1",
                    "text",
                    "access need: the term of the Accessible Information Standard, or ours",
                    150,
                ),
                Item(
                    "adjustment-detail",
                    "More about it",
                    "Reasonable adjustment additional detail",
                    "R",
                    "0..1",
                    "string",
                    "access need: detail, and what follows when it is not met",
                ),
            ),
        ),
    ),
)

CONSENT = Section(
    "consent",
    6,
    "Consent",
    "R",
    "0..1",
    "consent-for-information-sharing",
    (
        Item(
            "consent",
            "Permission",
            "Consent for information sharing",
            "R",
            "0..1",
            "string",
            "permission: whom we may tell, since when, how it was given",
        ),
    ),
)

REFERRAL = Section(
    "referral",
    7,
    "Referral details",
    "M",
    "1..1",
    "reason-for-referral",
    groups=(
        Group(
            "referral-entry",
            "",
            "Referral details record entry",
            (
                Item("referred-on", "Date", "Date", "R", "0..1", "datetime", "when the form was sent"),
                Item(
                    "referrer-name",
                    "Referred by",
                    "Referrer details / Name",
                    "M",
                    "1..1",
                    "string",
                    "the person, or who filled in for them",
                    70,
                ),
                Item(
                    "referrer-role",
                    "Who they are",
                    "Referrer details / Role",
                    "R",
                    "0..1",
                    "text",
                    "form: who the helper is",
                ),
                Item(
                    "referrer-service",
                    "Service of the referrer",
                    "Referrer details / Service / Free text",
                    "R",
                    "0..1",
                    "text",
                    "Self-referral, or form: where the helper works",
                    150,
                ),
                Item(
                    "referrer-organisation",
                    "Organisation of the referrer",
                    "Referrer details / Organisation / Free text",
                    "R",
                    "0..1",
                    "text",
                    "Self, or form: where the helper works",
                    150,
                ),
                Item(
                    "referrer-contact",
                    "Contact of the referrer",
                    "Referrer details / Contact details",
                    "M",
                    "1..1",
                    "string",
                    "first safe way with its rule, or form: the helper's contact when it is their work",
                    70,
                ),
                Item("method", "How", "Referral method", "R", "0..1", "text", "7 for a self-referral"),
                Item(
                    "reason",
                    "Reason, in the person's words",
                    "Reason for referral / Free text",
                    "R",
                    "0..1",
                    "text",
                    "first 150 characters of what matters",
                    150,
                ),
                Item("to-name", "Referred to", "Referral to / Name", "R", "0..1", "string", "link worker", 70),
                Item("to-role", "Role", "Referral to / Role", "R", "0..1", "text", "role of the worker"),
                Item("to-team", "Team", "Referral to / Team", "R", "0..1", "text", "team of the worker", 150),
                Item(
                    "to-service",
                    "Service",
                    "Referral to / Service / Free text",
                    "R",
                    "0..1",
                    "text",
                    "Social prescribing",
                    150,
                ),
                Item(
                    "to-organisation",
                    "Organisation",
                    "Referral to / Organisation / Free text",
                    "R",
                    "0..1",
                    "text",
                    "name of the service",
                    150,
                ),
                Item(
                    "to-contact",
                    "Contact",
                    "Referral to / Contact details",
                    "R",
                    "0..1",
                    "string",
                    "phone or email of the service",
                    70,
                ),
            ),
        ),
    ),
)

CONTACTS = Section(
    "contacts",
    8,
    "Contacts with professionals",
    "R",
    "0..1",
    "contact-with-professionals",
    groups=(
        Group(
            "contact",
            "Contact",
            "Contacts with professionals record entry",
            (
                Item("contact-at", "When", "Date and time of contact", "R", "0..1", "datetime", "contact"),
                Item(
                    "contact-location",
                    "Where",
                    "Location of contact / Free text",
                    "R",
                    "0..1",
                    "text",
                    "contact: location",
                    150,
                ),
                Item("seen-by", "Seen by", "Seen by / Name", "R", "0..1", "string", "contact: worker", 70),
                Item("seen-by-role", "Role", "Seen by / Role", "R", "0..1", "text", "role of the worker"),
                Item(
                    "responsible",
                    "Responsible",
                    "Responsible professional / Name",
                    "R",
                    "0..1",
                    "string",
                    "link worker of the case",
                    70,
                ),
                Item("contact-type", "What came of it", "Contact type", "R", "0..1", "text", "contact: outcome", 150),
                Item(
                    "consultation",
                    "How",
                    "Consultation method",
                    "R",
                    "0..1",
                    "string",
                    "contact: mechanism, by its national code",
                    2,
                ),
                Item(
                    "contact-outcome",
                    "What follows",
                    "Outcome of contact",
                    "R",
                    "0..1",
                    "string",
                    "1 ended, 2 another contact planned, 3 to be arranged",
                    1,
                ),
            ),
        ),
    ),
)

SUMMARY = Section(
    "summary",
    11,
    "Clinical summary",
    "R",
    "0..1",
    "clinical-summary",
    (
        Item(
            "summary",
            "Summary",
            "Clinical summary",
            "R",
            "0..1",
            "text",
            "closing: summary; what was tried and what became of it; needs at the end",
        ),
    ),
)

SIGNPOSTS = Section(
    "signposts",
    14,
    "Signpost details",
    "R",
    "0..1",
    "signpost-details",
    groups=(
        Group(
            "signpost",
            "Signpost",
            "Signpost details record entry",
            (
                Item("signpost-on", "Date", "Date", "R", "0..1", "date", "onward: the day"),
                Item(
                    "signpost-service",
                    "Told about",
                    "Signpost to / Service / Free text",
                    "R",
                    "0..1",
                    "text",
                    "onward: activity",
                    150,
                ),
                Item(
                    "signpost-contact",
                    "Contact",
                    "Signpost to / Contact details",
                    "R",
                    "0..1",
                    "string",
                    "directory",
                    150,
                ),
                Item(
                    "signpost-reason",
                    "Reason",
                    "Reason for signpost / Free text",
                    "R",
                    "0..1",
                    "text",
                    "onward: need",
                    150,
                ),
            ),
        ),
    ),
)

ASSESSMENTS = Section(
    "assessments",
    16,
    "Assessments",
    "O",
    "0..1",
    "assessments",
    groups=(
        Group(
            "assessment",
            "Assessment",
            "Assessments record entry",
            (
                Item("assessment-type", "Kind", "Assessment type", "R", "0..1", "text", "answered by the person", 150),
                Item(
                    "assessment-name",
                    "Name",
                    "Structured assessment / Structured assessment name / Free text",
                    "R",
                    "0..1",
                    "text",
                    "title of the scale",
                    150,
                ),
                Item(
                    "assessment-summary",
                    "When",
                    "Assessment summary",
                    "R",
                    "0..1",
                    "text",
                    "day of the answers; first or latest",
                    250,
                ),
                Item(
                    "assessment-score",
                    "Score",
                    "Structured assessment / Assessment result / Assessment score / Free text",
                    "R",
                    "0..1",
                    "text",
                    "which score",
                    150,
                ),
                Item(
                    "assessment-value",
                    "Value",
                    "Structured assessment / Assessment result / Value",
                    "R",
                    "0..1",
                    "quantity",
                    "score by the published rule",
                ),
                Item(
                    "assessment-band",
                    "Band",
                    "Structured assessment / Assessment result / Ordinal / Free text",
                    "R",
                    "0..1",
                    "text",
                    "published band",
                    150,
                ),
                Item(
                    "assessment-comment",
                    "Note",
                    "Comment",
                    "R",
                    "0..1",
                    "string",
                    "source of the bands; line of the rights holder",
                ),
            ),
            (
                Group(
                    "subscale",
                    "",
                    "Structured assessment / Subscale result",
                    (
                        Item(
                            "subscale-score",
                            "Question or part",
                            "Subscale score / Free text",
                            "R",
                            "0..1",
                            "text",
                            "words of the question; never a sum of single questions",
                            150,
                        ),
                        Item("subscale-value", "Value", "Value", "R", "0..1", "quantity", "answer"),
                        Item(
                            "subscale-band",
                            "Band",
                            "Ordinal / Free text",
                            "R",
                            "0..1",
                            "text",
                            "published band, or the answer's own words",
                            150,
                        ),
                    ),
                ),
            ),
        ),
    ),
)

RISKS = Section(
    "risks",
    17,
    "Risks",
    "M",
    "1..1",
    "risk-mitigation",
    groups=(
        Group(
            "risk",
            "Risk",
            "Risks record entry",
            (
                Item("risk", "Risk", "Risk / Free text", "R", "0..1", "text", "risk: kind, or that none is known", 150),
                Item("risk-from", "Since", "Start date of risk", "R", "0..1", "date", "risk: started"),
                Item("risk-comment", "Note", "Comment", "R", "0..1", "string", "risk: words", 150),
            ),
        ),
    ),
)

ACTIONS = Section(
    "actions",
    18,
    "Plan and requested actions",
    "R",
    "0..1",
    "plan-and-requested-actions",
    groups=(
        Group(
            "requested",
            "",
            "Plan and requested actions record entry",
            (
                Item(
                    "actions-professionals",
                    "For professionals",
                    "Actions for professionals",
                    "R",
                    "0..1",
                    "text",
                    "closing, or typed for this message; never blank",
                ),
                Item(
                    "actions-person",
                    "For the person or their carer",
                    "Actions for person or their carer",
                    "R",
                    "0..1",
                    "text",
                    "closing; else what the person and their carer will do by the plan",
                ),
                Item(
                    "agreed-all",
                    "Agreed with the person",
                    "Agreed with the person or their legitimate representative",
                    "R",
                    "0..1",
                    "text",
                    "plan: agreed",
                ),
            ),
        ),
    ),
)

_ACTION = Group(
    "action",
    "Action",
    "Actions and activities",
    (
        Item("action", "What", "What / Free text", "R", "0..1", "text", "plan action, or goal: first step"),
        Item("action-who", "Who", "Who / Name", "R", "0..1", "text", "plan action: name", 70),
        Item("action-role", "Whose action", "Who / Role", "R", "0..1", "text", "plan action: who"),
        Item("action-when", "By when", "When", "R", "0..1", "datetime", "plan action: due, or goal: by when, as said"),
        Item(
            "action-strategies",
            "What may get in the way",
            "Suggested strategies",
            "R",
            "0..1",
            "text",
            "plan action: barriers",
        ),
        Item("action-status", "Status", "Status / Free text", "R", "0..1", "text", "plan action: status"),
        Item(
            "action-confidence",
            "How sure they are (1 to 10)",
            "Confidence",
            "R",
            "0..1",
            "decimal",
            "plan action, or first step: sure",
        ),
        Item("action-updated", "Last changed", "Date last updated", "R", "0..1", "datetime", "plan action: changed"),
        Item("action-review", "Looked at again", "Review date", "R", "0..1", "datetime", "plan action: review"),
    ),
)
_GOAL = Group(
    "goal",
    "Goal",
    "Goals and hopes",
    (
        Item("goal", "Goal, in the person's words", "Free text", "R", "0..1", "text", "goal: words"),
        Item(
            "goal-importance",
            "How important (1 to 10)",
            "Goal importance score",
            "R",
            "0..1",
            "decimal",
            "goal: importance",
        ),
        Item("goal-status", "Status", "Goal status", "R", "0..1", "text", "goal: status"),
        Item(
            "goal-outcome",
            "Where it stands",
            "Outcomes / Free text",
            "R",
            "0..1",
            "text",
            "goal: the person's own first and latest rating",
        ),
    ),
    (_ACTION,),
)

PLAN = Section(
    "plan",
    19,
    "Care and support plan",
    "R",
    "1..1",
    "",
    (
        Item("strengths", "Strengths", "Strengths / Free text", "R", "0..1", "text", "plan: strengths"),
        Item(
            "plan-agreed",
            "Agreed with the person",
            "Agreed with person or legitimate representative / Person or legitimate representative",
            "R",
            "0..1",
            "boolean",
            "plan: agreed",
        ),
        Item(
            "plan-agreed-name",
            "Agreed by",
            "Agreed with person or legitimate representative / Person full name",
            "R",
            "0..1",
            "string",
            "plan: who agreed",
            70,
        ),
        Item(
            "plan-updated",
            "Plan last changed",
            "Date this plan was last updated",
            "R",
            "0..1",
            "datetime",
            "plan: latest version",
        ),
        Item("plan-review", "Looked at again", "Planned review date/interval", "R", "0..1", "datetime", "plan: review"),
        Item(
            "plan-responsible",
            "Responsible for the review",
            "Responsibility for review / Name",
            "R",
            "0..1",
            "text",
            "link worker",
            70,
        ),
        Item(
            "plan-responsible-role",
            "Role",
            "Responsibility for review / Role",
            "R",
            "0..1",
            "text",
            "role of the worker",
        ),
        Item(
            "plan-responsible-contact",
            "Contact",
            "Responsibility for review / Contact details",
            "R",
            "0..1",
            "string",
            "phone of the service",
            35,
        ),
    ),
    (
        Group(
            "need",
            "Need",
            "Needs, concerns or problems",
            (Item("need", "Need", "Free text", "R", "0..1", "text", "need: name, and the worker's words"),),
            (_GOAL,),
        ),
    ),
)

SECTIONS: tuple[Section, ...] = (
    ACTIONS,
    REFERRAL,
    SUMMARY,
    RISKS,
    REQUIREMENTS,
    PLAN,
    CONTACTS,
    SIGNPOSTS,
    ASSESSMENTS,
    DEMOGRAPHICS,
    PRACTICE,
    CONSENT,
)
"""In the order in which a message shows them. The standard wants what is asked of anybody first (PRSB 18) and leaves
the rest open: why they came, how it went, which risks there are and what the person needs so that they can take part
stand before what is looked up."""

NARROW = {
    "actions": ("actions-professionals", "actions-person", "agreed-all"),
    "person": ("first-name", "family-name", "preferred-name"),
    "referral": (
        *("referred-on", "referrer-name", "to-name", "to-role", "to-team", "to-service", "to-organisation"),
        "to-contact",
    ),
    "consent": ("consent",),
}
"""What somebody who helped is told, section by section, when it is not their work in health or social care: the person
allowed that they hear how it goes, not the record."""

NO_ACTION = "No action is needed from you."
NEEDS_ADJUSTMENT = "1108111000000107"
"""SNOMED CT: requires reasonable adjustments for health and care access (Equality Act 2010)."""


@cache
def sections() -> dict[str, Section]:
    """Every section by its code."""
    return {one.code: one for one in SECTIONS}


def _within(groups: tuple[Group, ...]) -> Iterator[Group]:
    for group in groups:
        yield group
        yield from _within(group.groups)


@cache
def groups() -> dict[str, Group]:
    """Every part by its code, at whatever depth."""
    return {group.code: group for one in SECTIONS for group in _within(one.groups)}


@cache
def items() -> dict[str, Item]:
    """Every item by its code."""
    own = {item.code: item for one in SECTIONS for item in one.items}
    return own | {item.code: item for group in groups().values() for item in group.items}


def paths() -> Iterator[tuple[str, Item]]:
    """Every item with its whole path in the standard."""

    def below(path: str, found: tuple[Group, ...]) -> Iterator[tuple[str, Item]]:
        for group in found:
            here = f"{path} / {group.path}"
            yield from ((f"{here} / {item.path}", item) for item in group.items)
            yield from below(here, group.groups)

    for one in SECTIONS:
        title = "Clinical Summary" if one is SUMMARY else one.title  # as the standard writes it
        yield from ((f"{title} / {item.path}", item) for item in one.items)
        yield from below(title, one.groups)
