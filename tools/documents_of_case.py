"""The part of the data dictionary that no form asks: the closed lists of a case, the needs of the Accessible
Information Standard, and the items of a message back. Each is declared once, in the code; here is only where it is
stored."""

from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

from portal.caseload import letters, lists, triage
from portal.caseload.lists import Listed
from portal.journeys import access_needs
from portal.letters import standard

Lists = Mapping[str, Sequence[Listed]]

STORED: Mapping[str, tuple[str, ...]] = {
    "ATTEMPT_OUTCOMES": ("contact.outcome",),
    "DIRECTIONS": ("contact.direction",),
    "MECHANISMS": ("contact.mechanism",),
    "LOCATIONS": ("contact.location",),
    "WITH_WHOM": ("contact.with_whom",),
    "CONTACT_RESULTS": ("contact.results",),
    "ACCESS_MET": ("contact.ais_met",),
    "ONWARD_KINDS": ("onward.kind",),
    "ONWARD_STATUSES": ("onward.status", "onward_change.status"),
    "BARRIERS": ("onward.barriers", "onward_change.barriers"),
    "READING_REASONS": ("reading_reason.reason",),
    "CLOSURE_REASONS": ("closure.reason", "referral_change.reason"),
    "NEED_OUTCOMES": ("closure.outcomes",),
    "HOLD_REASONS": ("referral_change.reason",),
    "RISK_KINDS": ("risk.kind",),
    "NEED_STATUSES": ("referral_need.status",),
    "ACTION_WHO": ("plan_action.who",),
    "ACTION_STATUSES": ("plan_action.status",),
    "AGREED_BY": ("care_plan.agreed_by",),
    "NEED_OF": ("access_need.need_of",),
    "RECIPIENTS": ("letter.recipient",),
    "OCCASIONS": ("letter.occasion",),
    "BY_HAND": ("letter.how",),
}
"""The columns (table.column) in which the codes of each list stand."""

NOT_STORED = frozenset({"WHY"})
"""Lists that are worked out each time."""

BESIDE: Mapping[str, str] = {
    "RISK_KINDS": f"Also `{triage.NONE_KNOWN}`: that no risk is known.",
    "BY_HAND": f"Also `{letters.EMAIL}`: by email, through the outbox.",
}
"""A code of a column that its list does not hold, because nobody chooses it there."""


def lists_of(*modules: ModuleType) -> dict[str, Sequence[Listed]]:
    """Every closed list of these modules, by the name under which it is declared."""
    found = ((name, value) for module in modules for name, value in vars(module).items())
    return {
        name: value
        for name, value in found
        if isinstance(value, tuple) and value and all(isinstance(one, Listed) for one in value)
    }


def closed_lists() -> dict[str, Sequence[Listed]]:
    """Every closed list of a case whose codes are stored. Raises ``KeyError`` for one of which nobody says where."""
    found = {name: each for name, each in lists_of(lists, letters).items() if name not in NOT_STORED}
    if unsaid := sorted(set(found) - set(STORED)):
        raise KeyError(f"Say in tools/documents_of_case.py where these are stored: {', '.join(unsaid)}")
    return {name: found[name] for name in STORED}


def _cell(words: object) -> str:
    return str(words).replace("|", "\\|").replace("\n", " ")


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def of_case() -> Iterator[str]:
    """The lines of the closed lists."""
    yield "\n## Closed lists of a case\n"
    yield "Staff choose from these; a service may use its own words for the reasons of closing, the code stays.\n"
    for name, entries in closed_lists().items():
        yield f"\n### {name.lower().replace('_', '-')}\n"
        stored = ", ".join(f"`{column}`" for column in STORED[name])
        yield f"Stored in {stored}." + (f" {BESIDE[name]}" if name in BESIDE else "") + "\n"
        national = any(one.national for one in entries)
        yield from _head("Code", "Label", "Means", *(["National code"] if national else []))
        for one in entries:
            more = [f"`{one.national}`" if one.national else ""] if national else []
            yield _row(f"`{one.code}`", one.label, one.definition, *more)


def of_access() -> Iterator[str]:
    """The lines of the access needs."""
    yield "\n## Access needs\n"
    yield (
        "Stored in `access_need.category` and `access_need.need`. A term of our own is kept where the person's choice "
        "says less than any term of the Accessible Information Standard. No term has a code of a terminology yet.\n"
    )
    said: dict[str, list[str]] = {}
    for choice, code in access_needs.SAID.items():
        said.setdefault(code, []).append(f"`{choice}`")
    yield from _head("Category", "Code", "Label", "Whose term", "By this choice of the form", "Still to ask")
    for term in access_needs.TERMS:
        whose = "ours" if term.ours else "the standard's"
        chosen = ", ".join(said.get(term.code, ()))
        yield _row(f"`{term.category}`", f"`{term.code}`", term.label, whose, chosen, term.ask)


def of_letters() -> Iterator[str]:
    """The lines of what a message back can hold."""
    yield "\n## Message back to a GP or referrer\n"
    yield f"{standard.ATTRIBUTION}\n"
    yield (
        "M: the standard calls it mandatory, R: required where it is known, O: optional. An item that is not known is "
        "left out; a mandatory one that is not known is named on the page. Nothing is stored twice: what was sent is "
        "kept whole in `letter.content`.\n"
    )
    sections = ", ".join(f"{one.number} {one.title}" for one in sorted(standard.SECTIONS, key=lambda one: one.number))
    yield f"Sections: {sections}.\n"
    yield from _head("Item", "Path in the standard", "", "How many", "Format", "Where from")
    for path, item in standard.paths():
        length = f", up to {item.longest} characters" if item.longest else ""
        yield _row(f"`{item.code}`", path, item.conformance, item.cardinality, item.kind + length, item.source)


def lines() -> Iterator[str]:
    """Everything that the forms do not ask."""
    yield from of_case()
    yield from of_access()
    yield from of_letters()
