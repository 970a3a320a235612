"""Service users: who they are, which ways to reach them are safe, what they allow, and who may be the same person.

Nothing is merged by itself; a merge can be undone exactly. What people say about contact is a rule: a way that is not
in the store is not allowed (product 5).
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from portal import access, audit, codes, reading, services, tasks
from portal.access import Actor
from portal.clock import now
from portal.held import derived, look_up_key
from portal.i18n import N_
from portal.journeys import ABSENCES, LEFT_BLANK, NOT_ASKED
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import (
    Alert,
    CheckIn,
    Comment,
    Confirmation,
    ErasureRequest,
    Goal,
    MeasureResponse,
    Merge,
    Message,
    Permission,
    PersonCode,
    Referral,
    Service,
    ServiceUser,
    Task,
    Visit,
)
from portal.store import ContactWay as ContactWay  # the doors name it in their types

SHARING = ("share_gp", "share_onward", "evaluation", "share_referrer")
"""The permission questions: their codes are the kinds of the data dictionary's 4.8."""

CHANNELS: dict[str, str] = {
    "call": N_("Phone call"),
    "text": N_("Text message"),
    "email": N_("Email"),
    "post": N_("Letter"),
    "through-person": N_("Through someone they trust"),
    "come-back": N_("They come back here, or we meet them"),
}

MATCHES: dict[str, str] = {
    "nhs-number": N_("same NHS number"),
    "name-and-birth": N_("same name and date of birth"),
    "phone": N_("same phone number"),
    "email": N_("same email address"),
    "name-and-year": N_("same name and year of birth"),
}
"""What two records may have in common, strongest first."""

_SAME_ADDRESS: dict[str, tuple[str, ...]] = {"phone": ("call", "text"), "email": ("email",)}
"""The ways whose address says who somebody is. A household shares its letters, many people meet in one library, and one
person may be trusted by several: those say nothing."""

LONGEST_NAME_KEY = 150

CODE_TRIES = 5


class Gone(LookupError):
    """There is no such record in this service."""


class NotMergeable(ValueError):
    """These two records cannot be merged, or this merge cannot be undone any more."""


@dataclass(frozen=True)
class Duplicate:
    """Somebody who may be the same person, and what matches."""

    person: ServiceUser
    matches: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Two records side by side, and what matches (of MATCHES)."""

    person: ServiceUser
    other: ServiceUser
    matches: tuple[str, ...]


def value_of(answers: Mapping[str, object], code: str) -> str | None:
    """The answer when it is a value; ``None`` for every kind of absence."""
    answer = answers.get(code)
    return str(answer) if answer is not None and answer not in ABSENCES else None


def add(store: Session, service: Service, answers: Mapping[str, object], language: str) -> ServiceUser:
    """A new person from the answers of a self-referral, with their contact ways and permissions."""
    first, family = str(answers["first_name"]), value_of(answers, "family_name")
    needs = answers.get("access_needs", NOT_ASKED)
    person = ServiceUser(
        service_id=service.id,
        id=codes.new_id(),
        first_name=first,
        family_name=family,
        preferred_name=value_of(answers, "preferred_name"),
        pronouns=value_of(answers, "pronouns"),
        # One letter can become many when it is taken apart; a key that is cut still finds the same name.
        name_key=reading.search_key(f"{first} {family or ''}")[:LONGEST_NAME_KEY],
        born=value_of(answers, "full_date_of_birth") or str(answers["date_of_birth"]),
        postcode=value_of(answers, "postcode"),
        no_fixed_address=bool(value_of(answers, "no_fixed_address")),
        nhs_number=value_of(answers, "nhs_number"),
        gp_registered=str(answers.get("gp_registered", NOT_ASKED)),
        gp_practice=value_of(answers, "gp_practice"),
        spoken_language=str(answers["spoken_language"]),
        written_language=str(answers.get("written_language", NOT_ASKED)),
        page_language=language,
        interpreter=str(answers.get("interpreter", NOT_ASKED)),
        access_needs=needs if isinstance(needs, list) else [],
        access_needs_absent=None if isinstance(needs, list) else str(needs),
        access_detail=value_of(answers, "access_detail"),
        about_you={},
    )
    store.add(person)
    store.flush()
    for way in ways_in(answers):
        way.service_id, way.person_id = service.id, person.id
        store.add(way)
    _add_permissions(store, person, answers, language)
    store.flush()
    return person


def ways_in(answers: Mapping[str, object]) -> list[ContactWay]:
    """The ways that these answers allow, in the order in which they are asked; not stored, and nobody's yet.

    An answer that is still missing leaves a way without its address.
    """
    addresses = {
        "call": value_of(answers, "phone"),
        "text": value_of(answers, "phone"),
        "email": value_of(answers, "email"),
        "post": value_of(answers, "post_address"),
        "through-person": value_of(answers, "trusted_contact"),
        "come-back": value_of(answers, "meeting_place"),
    }
    times = answers.get("phone_times")
    chosen = answers.get("safe_ways")
    found = []
    for channel in chosen if isinstance(chosen, list) else []:
        by_phone = channel in ("call", "text")
        found.append(
            ContactWay(
                channel=channel,
                address=addresses[channel],
                address_key=address_key(addresses[channel]),
                trusted_name=value_of(answers, "trusted_name") if channel == "through-person" else None,
                allowed=True,
                # Only a yes is a yes: a blank means no message and no name (product 5).
                voicemail=channel == "call" and answers.get("voicemail_safe") == "yes",
                say_who=answers.get("trusted_may_know" if channel == "through-person" else "may_say_who") == "yes",
                others_may_answer=str(answers.get("others_may_answer", NOT_ASKED)) if by_phone else NOT_ASKED,
                times=times if by_phone and isinstance(times, list) else [],
            )
        )
    return found


def address_key(address: str | None) -> str | None:
    """A keyed hash by which the same address is found again although it is stored encrypted."""
    return look_up_key("address", address.casefold()) if address else None


def _add_permissions(store: Session, person: ServiceUser, answers: Mapping[str, object], language: str) -> None:
    helped = answers.get("referring_for") != "me"
    for kind in SHARING:
        answer = answers.get(kind)
        if answer is None:
            continue  # not asked: no row, and no row means no
        store.add(
            Permission(
                service_id=person.service_id,
                person_id=person.id,
                kind=kind,
                decision={"yes": "given", "no": "refused"}.get(str(answer), str(answer)),
                wording=SELF_REFERRAL.question(kind).label,
                wording_version=SELF_REFERRAL.version,
                language=language,
                given_by="proxy" if helped and answers.get("referring_for") == "someone-who-agrees" else "person",
            )
        )


def permissions_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> dict[str, Permission]:
    """The permission that counts now, by kind: the latest row."""
    rows = access.rows_of(service_id, Permission).where(Permission.person_id == person_id).order_by(Permission.id)
    return {row.kind: row for row in store.scalars(rows)}


def allows(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, kind: str, *, hold: bool = False) -> bool:
    """Whether the person allows this now. No row means no. ``hold``: the person cannot change it before the present
    transaction ends, so that nothing leaves on a yes that was taken back meanwhile."""
    if hold:
        _held(store, service_id, person_id)
    found = permissions_of(store, service_id, person_id).get(kind)
    return found is not None and found.decision == "given"


def record_spoken_permission(store: Session, actor: Actor, person_id: uuid.UUID, kind: str) -> None:
    """Write down a permission that the person gave the worker in words. ``kind`` is one of SHARING (ValueError
    otherwise). Raises ``Gone``."""
    access.require(actor, access.Permission.DECIDE_REFERRAL)
    if kind not in SHARING:
        raise ValueError(kind)
    person = read(store, actor, person_id)
    store.add(
        Permission(
            service_id=actor.service_id,
            person_id=person.id,
            kind=kind,
            decision="given",
            wording=SELF_REFERRAL.question(kind).label,
            wording_version=SELF_REFERRAL.version,
            language=person.spoken_language,
            given_by="staff-recorded-verbal",
            recorded_by=actor.staff_id,
        )
    )
    audit.record(store, actor.service_id, actor, "recorded a permission", "service_user", person.id, kind=kind)
    store.flush()


def change_permission(
    store: Session,
    service: Service,
    person_id: uuid.UUID,
    kind: str,
    decision: str,
    language: str,
    actor: Actor | None = None,
) -> Permission | None:
    """The person changes what they allow: ``decision`` is given or withdrawn, and counts from now on.

    A new row with the words that were shown; the rows before stay. ``None`` when it stood so already. ``actor``: the
    member of staff whom the person told. Raises ``Gone``, and ValueError for a kind or decision that does not exist.
    """
    if kind not in SHARING or decision not in ("given", "withdrawn"):
        raise ValueError(f"{kind}: {decision}")
    if actor is not None:
        access.require(actor, access.Permission.DECIDE_REFERRAL)
    person = _held(store, service.id, person_id)
    before = permissions_of(store, service.id, person.id).get(kind)
    if (before is not None and before.decision == "given") == (decision == "given"):
        return None
    made = Permission(
        service_id=service.id,
        person_id=person.id,
        kind=kind,
        decision=decision,
        wording=SELF_REFERRAL.question(kind).label,
        wording_version=SELF_REFERRAL.version,
        language=language,
        given_by="staff-recorded-verbal" if actor else "person",
        recorded_by=actor.staff_id if actor else None,
    )
    store.add(made)
    act = "changed a permission"
    audit.record(store, service.id, actor, act, "service_user", person.id, kind=kind, decision=decision)
    store.flush()
    return made


def _held(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> ServiceUser:
    """The person's row, held until the end of the transaction: two browsers take turns. Raises ``Gone``."""
    found = store.get(ServiceUser, (service_id, person_id), with_for_update=True, populate_existing=True)
    if found is None:
        raise Gone
    return found


def read(store: Session, actor: Actor, person_id: uuid.UUID) -> ServiceUser:
    """A person of the actor's service. Raises ``Gone``."""
    access.require(actor, access.Permission.READ_REFERRAL)
    found = store.scalar(access.rows_of(actor.service_id, ServiceUser).where(ServiceUser.id == person_id))
    if found is None:
        raise Gone
    return found


FACTS = (
    "first_name",
    "family_name",
    "preferred_name",
    "pronouns",
    "date_of_birth",
    "postcode",
    "nhs_number",
    "gp_practice",
    "spoken_language",
    "written_language",
    "interpreter",
)
"""The questions by which a person's record is compared with another one's."""


def facts_of(person: ServiceUser) -> dict[str, object]:
    """What the record says, as answers to the questions FACTS."""
    told = {code: getattr(person, code) for code in FACTS if code != "date_of_birth"}
    return {**told, "date_of_birth": person.born}


# What the person corrects themselves ----------------------------------------------------------------------------------

_AS_TOLD = ("first_name", "family_name", "preferred_name", "pronouns", "postcode", "nhs_number", "gp_registered")
_AS_TOLD_TOO = ("gp_practice", "spoken_language", "written_language", "interpreter", "access_detail")


TELLS = frozenset(
    {
        *(*_AS_TOLD, *_AS_TOLD_TOO, "date_of_birth", "full_date_of_birth", "no_fixed_address", "access_needs"),
        *(
            "safe_ways",
            "phone",
            "may_say_who",
            "others_may_answer",
            "phone_times",
            "voicemail_safe",
            "email",
            "post_address",
        ),
        *("trusted_name", "trusted_contact", "trusted_may_know", "meeting_place"),
    }
)
"""The questions that ``told_by`` answers."""


def told_by(person: ServiceUser, ways: Sequence[ContactWay]) -> dict[str, object]:
    """What the record says, as answers to the questions of the self-referral. A blank is left out."""
    told: dict[str, object] = {code: getattr(person, code) for code in (*_AS_TOLD, *_AS_TOLD_TOO)}
    told |= {
        "date_of_birth": person.born,
        "no_fixed_address": ["yes"] if person.no_fixed_address else None,
        "access_needs": person.access_needs if person.access_needs_absent is None else person.access_needs_absent,
        **_told_of_ways([way for way in ways if way.allowed]),
    }
    return {code: answer for code, answer in told.items() if answer not in (None, "", LEFT_BLANK, NOT_ASKED)}


def known_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> dict[str, object]:
    """What we know of a person, as answers to the questions of the form. Raises ``Gone``."""
    person = store.get(ServiceUser, (service_id, person_id))
    if person is None:
        raise Gone
    return told_by(person, ways_of(store, service_id, person_id))


def _told_of_ways(ways: Sequence[ContactWay]) -> dict[str, object]:
    told: dict[str, object] = {"safe_ways": [way.channel for way in ways]}
    for way in ways:
        yes_or_no = "yes" if way.say_who else "no"
        if way.channel in ("call", "text"):
            told |= {"phone": way.address, "may_say_who": yes_or_no, "others_may_answer": way.others_may_answer}
            told["phone_times"] = list(way.times) or None
        if way.channel == "call":
            told["voicemail_safe"] = "yes" if way.voicemail else "no"
        if way.channel == "through-person":
            told |= {"trusted_name": way.trusted_name, "trusted_contact": way.address, "trusted_may_know": yes_or_no}
        if asked := {"email": "email", "post": "post_address", "come-back": "meeting_place"}.get(way.channel):
            told[asked] = way.address
    return told


def correct(
    store: Session, service: Service, person_id: uuid.UUID, answers: Mapping[str, object], *, keep_blanks: bool = False
) -> tuple[str, ...]:
    """The person corrects their own details: ``answers`` to questions of the self-referral, as they were read. Only
    what was asked changes; the codes of what did.

    ``keep_blanks``: the page showed nothing of what we know, so a blank there says nothing and changes nothing. A way
    that is no longer safe is shut and not forgotten; a new address is unconfirmed until it is shown to be theirs. The
    audit names the fields alone, and a task tells the staff. Raises ``Gone``.
    """
    person = _held(store, service.id, person_id)
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
    audit.record(store, service.id, None, "changed their details", "service_user", person.id, fields=changed)
    tasks.add(
        store,
        service.id,
        "details-changed",
        once=f"details-changed:{codes.new_id()}",
        due_at=services.promise_due(services.settings_of(service), now()),
        person_id=person.id,
        referral_id=_latest_referral(store, person),
        details={"fields": changed},
    )
    store.flush()
    return tuple(changed)


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


def compare(store: Session, actor: Actor, person_id: uuid.UUID, other_id: uuid.UUID) -> Comparison:
    """Two people side by side; the reading of the other record is written down. Raises ``Gone``."""
    access.require(actor, access.Permission.MERGE_PEOPLE)
    person, other = read(store, actor, person_id), read(store, actor, other_id)
    if person.id == other.id:
        raise Gone
    audit.record(store, actor.service_id, actor, "compared people", "service_user", other.id, beside=str(person.id))
    alike = [one for one in possible_duplicates(store, person) if one.person.id == other.id]
    return Comparison(person, other, alike[0].matches if alike else ())


def ways_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[ContactWay]:
    """The ways that the person gave, in the order in which they are asked."""
    rows = store.scalars(access.rows_of(service_id, ContactWay).where(ContactWay.person_id == person_id)).all()
    return sorted(rows, key=lambda way: (list(CHANNELS).index(way.channel), way.id))


def confirm_way(store: Session, actor: Actor, way_id: uuid.UUID) -> ContactWay:
    """The worker has shown that this address is the person's own. Confirmed twice, the first time stays.

    Raises ``Gone``, also for a way that is not allowed or has no address.
    """
    access.require(actor, access.Permission.CONFIRM_CONTACT)
    mine = access.rows_of(actor.service_id, ContactWay).where(ContactWay.id == way_id, ContactWay.allowed)
    way = store.scalar(mine)
    if way is None or way.channel == "come-back":
        raise Gone
    if way.confirmed_at:
        return way
    way.confirmed_at = now()
    audit.record(
        store, actor.service_id, actor, "confirmed a contact way", "service_user", way.person_id, channel=way.channel
    )
    store.flush()
    return way


# Confirming by a code ------------------------------------------------------------------------------------------------


def new_confirmation(store: Session, way: ContactWay, minutes: int = 10) -> str:
    """A new six-digit code for this address; codes before it stop working. The code is to be sent, never shown."""
    store.execute(
        update(Confirmation)
        .where(Confirmation.service_id == way.service_id, Confirmation.contact_way_id == way.id)
        .values(used_at=now())
    )
    code = codes.new_code()
    made = codes.new_id()
    store.add(
        Confirmation(
            service_id=way.service_id,
            id=made,
            contact_way_id=way.id,
            code_hash=codes.slow_digest(code, made.bytes, derived("confirmation")),
            expires_at=now() + timedelta(minutes=minutes),
        )
    )
    store.flush()
    return code


def confirm_by_code(store: Session, way: ContactWay, typed: str) -> bool:
    """Whether the typed code is right; then the address is confirmed. Five wrong tries burn the code."""
    open_ones = access.rows_of(way.service_id, Confirmation).where(
        Confirmation.contact_way_id == way.id, Confirmation.used_at.is_(None), Confirmation.expires_at > now()
    )
    asked = store.scalar(open_ones.order_by(Confirmation.id.desc()).limit(1).with_for_update())
    if asked is None or asked.tries >= CODE_TRIES:
        return False
    asked.tries += 1
    code = codes.read_code(typed)
    if code is None or not codes.slow_match(code, asked.id.bytes, derived("confirmation"), asked.code_hash):
        return False
    asked.used_at = way.confirmed_at = now()
    audit.record(
        store, way.service_id, None, "confirmed a contact way", "service_user", way.person_id, channel=way.channel
    )
    store.flush()
    return True


# Duplicates and merging ----------------------------------------------------------------------------------------------


def possible_duplicates(store: Session, person: ServiceUser) -> list[Duplicate]:
    """People of the same service who may be the same person, strongest match first. Shown to staff only."""
    return duplicates_of_each(store, person.service_id, [person])[person.id]


def duplicates_of_each(
    store: Session, service_id: uuid.UUID, everybody: Sequence[ServiceUser]
) -> dict[uuid.UUID, list[Duplicate]]:
    """``possible_duplicates`` for many people in three queries, however many they are."""
    mine = _addresses_of(store, service_id, ContactWay.person_id.in_([person.id for person in everybody]))
    keys = {key for ways in mine.values() for _, key in ways}
    numbers = {person.nhs_number for person in everybody if person.nhs_number}
    by_address = select(ContactWay.person_id).where(
        ContactWay.service_id == service_id, ContactWay.address_key.in_(keys), _by_itself()
    )
    alike = [
        ServiceUser.name_key.in_({person.name_key for person in everybody}),
        ServiceUser.nhs_number.in_(numbers),
        ServiceUser.id.in_(by_address),
    ]
    others = store.scalars(
        access.rows_of(service_id, ServiceUser)
        .where(ServiceUser.merged_into.is_(None), or_(*alike))
        .order_by(ServiceUser.id)
    ).all()
    theirs = _addresses_of(store, service_id, ContactWay.address_key.in_(keys) & _by_itself())
    return {person.id: _duplicates(person, others, mine, theirs) for person in everybody}


def _by_itself() -> ColumnElement[bool]:
    return ContactWay.channel.in_([channel for channels in _SAME_ADDRESS.values() for channel in channels])


def _addresses_of(
    store: Session, service_id: uuid.UUID, which: ColumnElement[bool]
) -> dict[uuid.UUID, set[tuple[str, str]]]:
    """(match, key of the address) of people's ways, by person. The addresses themselves are not decrypted for it."""
    match_of = {channel: match for match, channels in _SAME_ADDRESS.items() for channel in channels}
    rows = select(ContactWay.person_id, ContactWay.channel, ContactWay.address_key).where(
        ContactWay.service_id == service_id, ContactWay.address_key.is_not(None), which
    )
    found: dict[uuid.UUID, set[tuple[str, str]]] = {}
    for person_id, channel, key in store.execute(rows):
        if key and channel in match_of:
            found.setdefault(person_id, set()).add((match_of[channel], key))
    return found


def _duplicates(
    person: ServiceUser,
    others: Sequence[ServiceUser],
    mine: Mapping[uuid.UUID, set[tuple[str, str]]],
    theirs: Mapping[uuid.UUID, set[tuple[str, str]]],
) -> list[Duplicate]:
    found = []
    for other in others:
        shared = {match for match, _ in mine.get(person.id, set()) & theirs.get(other.id, set())}
        if other.id != person.id and (matches := _matches(person, other, shared)):
            found.append(Duplicate(other, matches))
    order = list(MATCHES)
    return sorted(found, key=lambda one: (order.index(one.matches[0]), one.person.id))


def _matches(person: ServiceUser, other: ServiceUser, shared: set[str]) -> tuple[str, ...]:
    same_name = person.name_key == other.name_key
    # Many people give the year alone: it fits a whole date of that year, and two different days do not.
    one_year_only = min(len(person.born), len(other.born)) == 4
    facts = {
        "nhs-number": bool(person.nhs_number) and person.nhs_number == other.nhs_number,
        "name-and-birth": same_name and not one_year_only and person.born == other.born,
        "name-and-year": same_name and one_year_only and person.born[:4] == other.born[:4],
        **{match: match in shared for match in _SAME_ADDRESS},
    }
    return tuple(match for match in MATCHES if facts[match])


_MOVED: tuple[Any, ...] = (
    *(Referral, ContactWay, Permission, Alert, Task, Message),
    *(CheckIn, MeasureResponse, Goal, Comment, ErasureRequest, Visit, PersonCode),
)
"""Every table that hangs on a person: a merge moves these rows, and its undoing moves exactly these back."""

_QUIET = "no longer allowed"
"""Where a merge remembers the ways that it shut."""


def merge(store: Session, actor: Actor, kept_id: uuid.UUID, merged_id: uuid.UUID) -> Merge:
    """Make two records one: everything of ``merged_id`` moves to ``kept_id``. Raises ``Gone`` or ``NotMergeable``.

    What the person said last about safe contact counts: ways that only the earlier record has are not allowed any more.
    """
    access.require(actor, access.Permission.MERGE_PEOPLE)
    kept, merged = _both(store, actor, kept_id, merged_id)
    if kept.id == merged.id or kept.merged_into or merged.merged_into:
        raise NotMergeable
    moved: dict[str, list[str]] = {_QUIET: _quieten(store, kept, merged)}
    for table in _MOVED:
        rows = store.scalars(access.rows_of(actor.service_id, table).where(table.person_id == merged.id)).all()
        moved[table.__tablename__] = [str(row.id) for row in rows]
        for row in rows:
            row.person_id = kept.id
    merged.merged_into = kept.id
    done = Merge(
        service_id=actor.service_id,
        id=codes.new_id(),
        kept_id=kept.id,
        merged_id=merged.id,
        moved=moved,
        merged_by=actor.staff_id,
    )
    store.add(done)
    audit.record(store, actor.service_id, actor, "merged people", "service_user", kept.id, merged=str(merged.id))
    store.flush()
    return done


def _both(store: Session, actor: Actor, *ids: uuid.UUID) -> list[ServiceUser]:
    """People by these ids, locked in one order whoever asks, so that two merges at once take turns. Raises ``Gone``."""
    access.require(actor, access.Permission.READ_REFERRAL)
    rows = access.rows_of(actor.service_id, ServiceUser).where(ServiceUser.id.in_(ids)).order_by(ServiceUser.id)
    locked = store.scalars(rows.with_for_update().execution_options(populate_existing=True))
    found = {person.id: person for person in locked}
    if not found.keys() >= set(ids):
        raise Gone
    return [found[one] for one in ids]


def _quieten(store: Session, kept: ServiceUser, merged: ServiceUser) -> list[str]:
    """Shut the ways of whichever record spoke about contact first; their ids. A way once said to be safe may have
    become dangerous, and the person has since said which ways are."""
    ways = {person.id: ways_of(store, person.service_id, person.id) for person in (kept, merged)}
    last = {one: max((way.id for way in theirs if way.allowed), default=None) for one, theirs in ways.items()}
    if last[kept.id] is None or last[merged.id] is None:
        return []
    earlier = min(last, key=lambda one: str(last[one]))
    shut = [way for way in ways[earlier] if way.allowed]
    for way in shut:
        way.allowed = False
    return [str(way.id) for way in shut]


def merges_of(store: Session, actor: Actor, person_id: uuid.UUID) -> Sequence[Merge]:
    """Merges into this person that are not undone, latest first: only the latest can be undone."""
    access.require(actor, access.Permission.READ_REFERRAL)
    mine = access.rows_of(actor.service_id, Merge).where(Merge.kept_id == person_id, Merge.undone_at.is_(None))
    return store.scalars(mine.order_by(Merge.id.desc())).all()


def undo_merge(store: Session, actor: Actor, merge_id: uuid.UUID) -> Merge:
    """Give both people back exactly what each had. Merges are undone latest first, so that nothing lies in between.

    What has come since (a new referral, a new permission) stays with the record that was kept. Raises ``Gone``, or
    ``NotMergeable`` when the merge was undone already or another one came after it.
    """
    access.require(actor, access.Permission.MERGE_PEOPLE)
    done = store.scalar(access.rows_of(actor.service_id, Merge).where(Merge.id == merge_id))
    if done is None:
        raise Gone
    kept, merged = _both(store, actor, done.kept_id, done.merged_id)
    store.refresh(done)
    latest = merges_of(store, actor, kept.id)[:1]
    if kept.merged_into or [one.id for one in latest] != [done.id]:
        raise NotMergeable
    shut = [uuid.UUID(one) for one in done.moved.get(_QUIET, [])]
    for way in store.scalars(access.rows_of(actor.service_id, ContactWay).where(ContactWay.id.in_(shut))):
        way.allowed = True
    for table in _MOVED:
        ids = [uuid.UUID(one) for one in done.moved.get(table.__tablename__, [])]
        for row in store.scalars(access.rows_of(actor.service_id, table).where(table.id.in_(ids))):
            row.person_id = merged.id
    merged.merged_into = None
    done.undone_at, done.undone_by = now(), actor.staff_id
    audit.record(store, actor.service_id, actor, "undid a merge", "service_user", done.kept_id, merged=str(merged.id))
    store.flush()
    return done
