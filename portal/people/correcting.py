"""A person corrects their own details, or a member of staff does whom they told."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal import access, audit, codes, reading, services, tasks
from portal.access import Actor
from portal.clock import now
from portal.journeys import LEFT_BLANK, NOT_ASKED
from portal.people import access_needs
from portal.people.names import keep_parts
from portal.people.records import LONGEST_NAME_KEY, told_by, ways_in
from portal.people.rows import held, value_of, ways_of
from portal.store import ContactWay, Referral, Service, ServiceUser

CHANGED = "changed their details"
"""The act of the audit, whoever wrote it down."""


def correct(
    store: Session,
    service: Service,
    person_id: uuid.UUID,
    answers: Mapping[str, object],
    *,
    keep_blanks: bool = False,
    actor: Actor | None = None,
    given_by: str = "",
) -> tuple[str, ...]:
    """The person corrects their own details: ``answers`` to questions of the self-referral, as they were read. Only
    what was asked changes; the codes of what did.

    ``keep_blanks``: the page showed nothing of what we know, so a blank there says nothing and changes nothing. A way
    that is no longer safe is shut and not forgotten; a new address is unconfirmed until it is shown to be theirs. The
    audit names the fields alone. A task tells the staff, unless it is one of them who wrote it down: ``actor``, whom
    the person told in a way of GIVEN_BY (``given_by``). Raises ``Gone``, ``Refused``.
    """
    if actor is not None:
        access.require(actor, access.Permission.WORK_ON_CASE)
    person = held(store, service.id, person_id)
    given = dict(answers)
    if keep_blanks:
        given = {code: said for code, said in answers.items() if said not in (None, LEFT_BLANK)}
        given = _rules_unseen(told_by(person, ways_of(store, service.id, person.id)), given) | given
    before = {code: getattr(person, code) for code in _COLUMNS}
    for column, value in _columns(person, given).items():
        setattr(person, column, value)
    changed = [code for code in _COLUMNS if getattr(person, code) != before[code] and code != "name_key"]
    if "safe_ways" in given and _replace_ways(store, person, ways_in(given)):
        changed.append("safe_ways")
    if not changed:
        return ()
    person.corrected_at = now()
    keep_parts(store, person)
    if any(code in changed for code in access_needs.FIELDS):
        access_needs.follow(store, person, actor.staff_id if actor else None)
    told = {"given_by": given_by} if actor else {}
    audit.record(store, service.id, actor, CHANGED, "service_user", person.id, fields=changed, **told)
    if actor is None:
        _tell_staff(store, service, person, changed)
    store.flush()
    return tuple(changed)


def _tell_staff(store: Session, service: Service, person: ServiceUser, changed: Sequence[str]) -> None:
    tasks.add(
        store,
        service.id,
        "details-changed",
        once=f"details-changed:{codes.new_id()}",
        due_at=services.promise_due(services.settings_of(service), now()),
        person_id=person.id,
        referral_id=_latest_referral(store, person),
        details={"fields": list(changed)},
    )


_RULES = {
    "phone": ("voicemail_safe", "may_say_who", "others_may_answer", "phone_times"),
    "trusted_contact": ("trusted_may_know",),
}
"""What was said about using an address, by the question that asks for the address."""


def _rules_unseen(known: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """What was said before about the same address: a blank on a page that shows nothing leaves it as it is."""
    return {
        rule: known[rule]
        for address, rules in _RULES.items()
        for rule in rules
        if address in given and given[address] == known.get(address) and rule in known
    }


_COLUMNS = (
    *("first_name", "family_name", "preferred_name", "pronouns", "name_key", "born", "postcode", "no_fixed_address"),
    *("nhs_number", "gp_registered", "gp_practice", "spoken_language", "written_language", "interpreter"),
    *("access_needs", "access_needs_absent", "access_detail"),
)
_FREE = ("family_name", "preferred_name", "pronouns", "postcode", "nhs_number", "gp_practice", "access_detail")
_CODED = ("first_name", "gp_registered", "spoken_language", "written_language", "interpreter")


def _columns(person: ServiceUser, given: Mapping[str, object]) -> dict[str, Any]:
    """What these answers put into a person's row."""
    found: dict[str, Any] = {code: value_of(given, code) for code in _FREE if code in given}
    found |= {code: str(given[code]) for code in _CODED if code in given}
    if "first_name" in found or "family_name" in found:
        whole = f"{found.get('first_name', person.first_name)} {found.get('family_name', person.family_name) or ''}"
        found["name_key"] = reading.search_key(whole)[:LONGEST_NAME_KEY]
    if born := value_of(given, "date_of_birth"):
        found["born"] = born
    if "no_fixed_address" in given:
        found["no_fixed_address"] = bool(value_of(given, "no_fixed_address"))
    if "access_needs" in given:
        needs = given["access_needs"]
        found["access_needs"] = needs if isinstance(needs, list) else []
        found["access_needs_absent"] = None if isinstance(needs, list) else str(needs)
    return found


def _replace_ways(store: Session, person: ServiceUser, new: Sequence[ContactWay]) -> bool:
    """Whether anything changed. A way with the same address stays, with its confirmation and the new rules."""
    there = {way.channel: way for way in ways_of(store, person.service_id, person.id) if way.allowed}
    changed = False
    for way in new:
        old = there.pop(way.channel, None)
        if old is not None and old.address == way.address:
            for rule in ("trusted_name", "voicemail", "say_who", "others_may_answer", "times"):
                if _said(getattr(old, rule)) != _said(getattr(way, rule)):
                    setattr(old, rule, getattr(way, rule))
                    changed = True
            continue
        if old is not None:
            old.allowed = False
        way.service_id, way.person_id, changed = person.service_id, person.id, True
        store.add(way)
    for old in there.values():
        old.allowed, changed = False, True
    store.flush()
    return changed


def _said(value: object) -> object:
    return None if value in (LEFT_BLANK, NOT_ASKED) else value


def _latest_referral(store: Session, person: ServiceUser) -> uuid.UUID | None:
    theirs = access.rows_of(person.service_id, Referral).where(Referral.person_id == person.id)
    found = store.scalar(theirs.order_by(Referral.id.desc()).limit(1))
    return found.id if found else None
