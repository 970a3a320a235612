"""The needs of the Accessible Information Standard, and what the choices of our form say in them.

Categories and terms are the data dictionary's 4.5 (DAPB1605 Amd 30/2025 v4.0); the terms are to be checked against the
four refsets before they are exported with a code. Where a person's choice says less than any term of the standard
("I do not hear well" names no support, "Braille" no grade), it is kept as a term of our own: staff ask, and record what
was found. Nothing is guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.i18n import N_

SUPPORT, PROFESSIONAL, CONTACT, FORMAT = (
    "communication-support",
    "communication-professional",
    "contact-method",
    "information-format",
)
ENVIRONMENT, OTHER = "environment", "other"

CATEGORIES: dict[str, str] = {
    SUPPORT: N_("Support to communicate"),
    PROFESSIONAL: N_("Somebody who helps to communicate"),
    CONTACT: N_("A special way of getting in touch"),
    FORMAT: N_("Information in a special form"),
    ENVIRONMENT: N_("The place"),
    OTHER: N_("Something else"),
}
"""ais_category. The first four are the standard's; its refsets hold their terms."""

IN_THEIR_WORDS = "in-their-words"


@dataclass(frozen=True)
class AccessTerm:
    """One need. ``ours``: it is no term of the standard. ``ask``: what is still to be asked, where the person's choice
    leaves it open."""

    category: str
    code: str
    label: str
    ours: bool = False
    ask: str = ""


def _standard(category: str, terms: Iterable[tuple[str, str]]) -> tuple[AccessTerm, ...]:
    return tuple(AccessTerm(category, code, label) for code, label in terms)


TERMS: tuple[AccessTerm, ...] = (
    *_standard(
        SUPPORT,
        (
            ("bsl", N_("Uses British Sign Language")),
            ("sign-language", N_("Uses another sign language")),
            ("makaton", N_("Uses Makaton")),
            ("lip-reads", N_("Lip-reads")),
            ("hearing-aid", N_("Uses a hearing aid")),
            ("written-communication-preferred", N_("Prefers writing to speaking")),
            ("uses-communication-device", N_("Uses a communication device")),
            ("alternative-communication-skill", N_("Uses another way to communicate")),
            ("personal-communication-passport", N_("Has a Personal Communication Passport")),
            ("personal-audio-recorder", N_("Records what is said")),
            ("citizen-advocate", N_("Has a citizen advocate")),
            ("legal-advocate", N_("Has a legal advocate")),
            ("cued-speech-transliterator", N_("Needs a cued speech transliterator")),
            ("deafblind-intervener", N_("Needs a deafblind intervener")),
            ("deafblind-manual-alphabet", N_("Uses the deafblind manual alphabet")),
            ("electronic-note-taker", N_("Needs an electronic note taker")),
            ("manual-note-taker", N_("Needs a manual note taker")),
            ("lipspeaker", N_("Needs a lipspeaker")),
            ("speech-to-text-reporter", N_("Needs a speech-to-text reporter")),
            ("telecommunications-device-deaf", N_("Uses a telecommunications device for deaf people")),
        ),
    ),
    AccessTerm(
        SUPPORT, "does-not-hear-well", N_("Does not hear well"), ours=True, ask=N_("Ask what helps them to hear.")
    ),
    AccessTerm(
        SUPPORT, "speaking-is-hard", N_("Speaking is hard"), ours=True, ask=N_("Ask how they like to say things.")
    ),
    *_standard(
        PROFESSIONAL,
        (
            ("bsl-interpreter", N_("British Sign Language interpreter")),
            ("sign-supported-english-interpreter", N_("Sign Supported English interpreter")),
            ("makaton-interpreter", N_("Makaton interpreter")),
            ("hands-on-signing-interpreter", N_("Hands-on signing interpreter")),
            ("visual-frame-interpreter", N_("Visual frame interpreter")),
            ("deafblind-block-alphabet-interpreter", N_("Deafblind block alphabet interpreter")),
            ("deafblind-manual-alphabet-interpreter", N_("Deafblind manual alphabet interpreter")),
            ("deafblind-haptic-interpreter", N_("Deafblind haptic interpreter")),
            ("deafblind-communicator-guide", N_("Deafblind communicator guide")),
            ("sighted-guide", N_("Sighted guide")),
            ("lip-speaker", N_("Lip speaker")),
            ("note-taker-by-hand", N_("Note taker who writes by hand")),
            ("speech-to-text-reporter-present", N_("Speech-to-text reporter who is there")),
            ("advocate", N_("An advocate: somebody to speak up for them")),
        ),
    ),
    AccessTerm(
        PROFESSIONAL,
        "interpreter-other-signing",
        N_("Interpreter for another way of signing"),
        ours=True,
        ask=N_("Ask which way of signing."),
    ),
    *_standard(
        CONTACT,
        (
            ("telephone", N_("By telephone")),
            ("text-message", N_("By text message")),
            ("by-email", N_("By email")),
            ("letter", N_("By letter")),
            ("text-relay", N_("By text relay")),
            ("via-carer", N_("Through a carer")),
            ("audible-alert", N_("With an audible alert")),
            ("visual-alert", N_("With a visual alert")),
            ("tactile-alert", N_("With a tactile alert")),
        ),
    ),
    *_standard(
        FORMAT,
        (
            ("easy-read", N_("Easy Read")),
            ("sans-serif-20pt", N_("Print of at least 20 point, sans serif")),
            ("sans-serif-24pt", N_("Print of at least 24 point, sans serif")),
            ("sans-serif-28pt", N_("Print of at least 28 point, sans serif")),
            ("braille-grade-1", N_("Braille, grade 1")),
            ("braille-grade-2", N_("Braille, grade 2")),
            ("moon", N_("Moon")),
            ("audio-recording", N_("An audio recording")),
            ("electronic-audio", N_("An audio file")),
            ("electronic-downloadable", N_("A file to download")),
            ("information-by-email", N_("Information by email")),
            ("makaton-symbols", N_("Information in Makaton")),
            ("verbally", N_("Information said aloud")),
            ("third-party-read-out", N_("Somebody reads it out to them")),
            ("cassette", N_("A cassette")),
            ("cd", N_("A CD")),
            ("dvd", N_("A DVD")),
            ("usb", N_("A USB stick")),
        ),
    ),
    AccessTerm(FORMAT, "large-print", N_("Large print"), ours=True, ask=N_("Ask which size: 20, 24 or 28 point.")),
    AccessTerm(FORMAT, "braille", N_("Braille"), ours=True, ask=N_("Ask which grade.")),
    AccessTerm(FORMAT, "audio", N_("Audio"), ours=True, ask=N_("Ask whether a recording, a file or somebody reading.")),
    AccessTerm(
        FORMAT, "does-not-see-well", N_("Does not see well"), ours=True, ask=N_("Ask in what form they can read best.")
    ),
    AccessTerm(
        FORMAT,
        "reading-is-hard",
        N_("Reading or writing is hard"),
        ours=True,
        ask=N_("Ask what helps: Easy Read, reading it out, a recording."),
    ),
    AccessTerm(ENVIRONMENT, "step-free", N_("A place without steps"), ours=True),
    AccessTerm(ENVIRONMENT, "other-place", N_("Something else about the place"), ours=True),
    AccessTerm(OTHER, "more-time", N_("More time"), ours=True),
    AccessTerm(OTHER, IN_THEIR_WORDS, N_("In their own words"), ours=True),
    AccessTerm(OTHER, "other-need", N_("Another need"), ours=True),
)
"""ais_need by category. A term that the standard has in two categories has a code of its own in each."""

BY_CODE: dict[str, AccessTerm] = {term.code: term for term in TERMS}

SAID: dict[str, str] = {
    "large-print": "large-print",
    "easy-read": "easy-read",
    "braille": "braille",
    "audio": "audio",
    "hearing": "does-not-hear-well",
    "sight": "does-not-see-well",
    "speech": "speaking-is-hard",
    "reading": "reading-is-hard",
    "step-free": "step-free",
    "advocate": "advocate",
    "more-time": "more-time",
    "bsl": "bsl-interpreter",
    "other-sign": "interpreter-other-signing",
}
"""The need that a choice of our form is (``access_needs``, and the two ways of signing of ``interpreter``). An
interpreter for a spoken language is no need of this standard."""

INTERPRETS: dict[str, str] = {
    need: said for said, need in SAID.items() if said in ("bsl", "other-sign")
} | dict.fromkeys(
    (
        "sign-supported-english-interpreter",
        "makaton-interpreter",
        "hands-on-signing-interpreter",
        "visual-frame-interpreter",
        "deafblind-block-alphabet-interpreter",
        "deafblind-manual-alphabet-interpreter",
        "deafblind-haptic-interpreter",
    ),
    "other-sign",
)
"""What a need that staff found says in answer to the form's question about an interpreter (``interpreter``)."""

DETAIL = "access-detail"
"""What stands in ``said`` for the words that the person wrote beside their choices."""
