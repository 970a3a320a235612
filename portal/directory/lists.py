"""The closed lists of the directory, each declared once: form, check, page and report follow from them."""

import re
from dataclasses import dataclass

from portal.i18n import N_
from portal.journeys.self_referral import ACCESS_NEEDS, NEEDS

DAYS: dict[str, str] = {
    "MO": N_("Monday"),
    "TU": N_("Tuesday"),
    "WE": N_("Wednesday"),
    "TH": N_("Thursday"),
    "FR": N_("Friday"),
    "SA": N_("Saturday"),
    "SU": N_("Sunday"),
}
"""Weekdays by their code (RFC 5545 BYDAY)."""

STATUSES: dict[str, str] = {
    "active": N_("Running"),
    "inactive": N_("Not running"),
    "defunct": N_("Closed for good"),
    "temporarily-closed": N_("Closed for now"),
}
"""Our codes of a status; the standard writes the last one with a space."""

FREE: dict[str, str] = {"yes": N_("Free"), "no": N_("Costs money")}

ATTENDING: dict[str, str] = {
    "in-person": N_("In person"),
    "online": N_("Online"),
    "phone": N_("By phone"),
    "home": N_("They come to your home"),
}

PLACE_KINDS = ("physical", "postal", "virtual")
FREQUENCIES = ("WEEKLY", "MONTHLY")

NEED_CODES = tuple(need.code for need in NEEDS)
ACCESS: dict[str, str] = {
    need.code: need.label
    for need in ACCESS_NEEDS
    if need.code in ("large-print", "easy-read", "braille", "audio", "hearing", "sight", "step-free")
}
"""The access needs that a place can meet; the others a person brings an own answer for."""


# What words mean -----------------------------------------------------------------------------------------------------

NEED_WORDS: dict[str, tuple[str, ...]] = {
    "loneliness": ("lonel", "befriend", "isolat", "social club", "social group", "coffee morning", "companion"),
    "mood-stress": ("mental", "wellbeing", "well-being", "counsel", "anxi", "depress", "stress", "talking therap"),
    "money": ("money", "debt", "benefit", "financ", "budget", "pension", "welfare right"),
    "housing": ("housing", "homeless", "tenan", "shelter", "accommodation"),
    "work-training": ("employ", "job", "volunteer", "training", "work experience", "career", "skills"),
    "food": ("food", "meal", "lunch", "cooking", "pantry"),
    "energy": ("energy", "fuel", "heating", "warm home", "warm space"),
    "caring": ("carer", "caring for", "respite"),
    "bereavement": ("bereave", "grief", "loss of"),
    "relationships": ("relationship", "family support", "mediation", "couples"),
    "long-term-condition": (
        *("disab", "long term condition", "long-term condition", "chronic", "pain", "dementia", "stroke", "diabet"),
        *("cancer", "sensory", "autis"),
    ),
    "getting-active": (
        *(
            "exercise",
            "walk",
            "sport",
            "fitness",
            "swim",
            "yoga",
            "dance",
            "active",
            "gym",
            "physical activity",
            "tai chi",
        ),
    ),
    "healthy-living": ("smok", "alcohol", "drug", "weight", "addict", "substance", "healthy", "nutrition"),
    "transport": ("transport", "community car", "bus ", "travel", "shopmobility"),
    "digital": ("digital", "computer", "internet", "it skills", "tablet"),
    "language": ("esol", "english class", "learn english", "english language", "conversation"),
    "legal": ("legal", "immigra", "asylum", "refugee", "law cent"),
    "safety": ("domestic", "abuse", "violence", "safeguard"),
    "parenting": ("parent", "toddler", "baby", "babies", "family hub", "child", "pregnan", "postnatal"),
}
"""Which beginnings of words in the name of a topic mean which need. A service can say otherwise for each topic."""

_STARTS = {
    need: re.compile(r"(?<!\w)(?:" + "|".join(re.escape(word) for word in words) + ")")
    for need, words in NEED_WORDS.items()
}

ACCESS_WORDS: dict[str, tuple[str, ...]] = {
    "step-free": ("wheelchair", "step-free", "step free", "level access", "ramp", "lift ", "lifts", "mobility scooter"),
    "hearing": ("hearing loop", "induction loop", "hearing aid", "british sign language", "bsl", "t-coil"),
    "sight": ("guide dog", "visual impairment", "visually impaired", "tactile"),
    "large-print": ("large print",),
    "easy-read": ("easy read", "easyread"),
    "braille": ("braille",),
    "audio": ("audio description", "audio version", "audio guide"),
}
_NOT = re.compile(r"\b(no|not|non|without|limited|unable|cannot|unfortunately|inaccessible|nor|never)\b|n't|n’t")

ATTENDING_WORDS: dict[str, tuple[str, ...]] = {
    "online": ("online", "virtual", "video", "zoom", "remote", "teams meeting"),
    "phone": ("phone",),
    "home": ("home visit", "at home", "your home"),
    "in-person": ("person", "venue", "face to face", "face-to-face"),
}


def needs_of(words: str) -> frozenset[str]:
    """Which needs these words (the name of a topic, or of an activity) mean."""
    plain = words.casefold() + " "
    return frozenset(need for need, start in _STARTS.items() if start.search(plain))


def access_of(words: str) -> frozenset[str]:
    """Which access needs are met by what is said of a place. A sentence with a "no" in it promises nothing."""
    found: set[str] = set()
    for sentence in re.split(r"[.;\n!?]", words.casefold()):
        if not _NOT.search(sentence):
            found |= {code for code, said in ACCESS_WORDS.items() if any(word in sentence + " " for word in said)}
    return frozenset(found)


def attending_of(words: str) -> frozenset[str]:
    """How one can take part, out of the source's own words."""
    plain = words.casefold()
    return frozenset(code for code, said in ATTENDING_WORDS.items() if any(word in plain for word in said))


# What can be wrong with a row ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a row of a feed. ``refuses``: the row is not taken."""

    code: str
    label: str
    refuses: bool = True


FAULTS: dict[str, Fault] = {
    fault.code: fault
    for fault in (
        Fault("not-json", N_("It is not JSON, or breaks off in the middle")),
        Fault("not-an-object", N_("It is not an object with fields")),
        Fault("too-large", N_("It is far too large")),
        Fault("too-deep", N_("It is nested too deeply")),
        Fault("no-id", N_("It has no id")),
        Fault("bad-id", N_("Its id is not text of at most 100 characters")),
        Fault("no-name", N_("It has no name")),
        Fault("no-status", N_("It does not say whether it is active")),
        Fault("bad-status", N_("Its status is none that the standard has")),
        Fault("duplicate", N_("Its id has come before in this feed; the first one counts")),
        Fault("no-service", N_("It names a place, and no activity that is there")),
        Fault("wrong-type", N_("A field has the wrong type and was left out"), refuses=False),
        Fault("too-long", N_("A text is too long and was cut"), refuses=False),
        Fault("unreadable", N_("A text cannot be read and was left out"), refuses=False),
        Fault("bad-date", N_("A date cannot be read and was left out"), refuses=False),
        Fault("bad-number", N_("A number makes no sense and was left out"), refuses=False),
        Fault("bad-email", N_("An email address cannot be one and was left out"), refuses=False),
        Fault("bad-url", N_("An address of a page cannot be one and was left out"), refuses=False),
        Fault("bad-place", N_("A point is not in or near the United Kingdom and was left out"), refuses=False),
        Fault("bad-postcode", N_("A postcode cannot be one and was left out"), refuses=False),
        Fault("bad-day", N_("A day of the week cannot be read and was left out"), refuses=False),
        Fault("too-many", N_("A list is too long and was cut"), refuses=False),
        Fault("encoding", N_("Its letters are not UTF-8 and were read as Windows letters"), refuses=False),
        Fault("no-detail", N_("Its own page could not be fetched; what the list says was taken"), refuses=False),
    )
}
"""Everything that the report of a run can say of a row. The stored codes are for ever."""

ERRORS: dict[str, str] = {
    "not-reached": N_("Nobody answers at this address."),
    "refused-address": N_("This address is not allowed: it must be https, and in the open internet."),
    "answered-badly": N_("The server there answered with an error."),
    "moved-too-often": N_("The server there sends us on and on."),
    "too-slow": N_("The server there is too slow."),
    "too-much": N_("More came than we take in."),
    "not-a-feed": N_("What came is no list of activities by the Open Referral UK standard."),
    "compressed": N_("What came is packed in a way that we do not open."),
    "circle": N_("The pages of this feed go in a circle; what came before was taken."),
    "too-many-pages": N_("This feed has more pages than we take in."),
    "broke-off": N_("The feed broke off in the middle; what came before was taken."),
    "shrank": N_(
        "The feed has less than half of what it had. What is missing was left as it is, in case this is a fault."
    ),
    "stopped": N_("It could not be finished. Please try again."),
}
"""Why a run failed, or did less than it should. The stored codes are for ever."""

RUN_STATES: dict[str, str] = {
    "waiting": N_("Waiting"),
    "running": N_("Being taken in"),
    "done": N_("Done"),
    "failed": N_("Failed"),
}
