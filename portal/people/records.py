"""A new person from the answers of a form, and what a record says as answers to the form's questions."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from portal import codes, reading
from portal.journeys import LEFT_BLANK, NOT_ASKED
from portal.people import access_needs
from portal.people.names import keep_parts
from portal.people.rows import Gone, address_key, value_of, ways_of
from portal.people.sharing import add_permissions
from portal.store import ContactWay, Service, ServiceUser

LONGEST_NAME_KEY = 150


def add(
    store: Session,
    service: Service,
    answers: Mapping[str, object],
    language: str,
    *,
    recorded_by: uuid.UUID | None = None,
    spoken: bool = False,
) -> ServiceUser:
    """A new person from the answers of a self-referral, with their contact ways and permissions. ``recorded_by`` and
    ``spoken`` as in ``add_permissions``."""
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
    access_needs.follow(store, person, recorded_by)
    add_permissions(store, person, answers, language, recorded_by=recorded_by, spoken=spoken)
    keep_parts(store, person)
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
