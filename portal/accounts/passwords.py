"""Which passwords are taken, and how they are kept. Knows no database and no person beyond what it is handed.

A password is refused when it is short, when it is built from the person's or the service's own words, or when it is
**common in kind**: made of what people usually make passwords from. ``common_passwords.txt`` holds those words (not
passwords that leaked somewhere: no third party's list is copied here), and ``_effort`` reads a password as words,
years, runs along the keyboard, repeats and the usual replaced letters, and adds up what is left to guess. So a thousand
words stand for millions of passwords, and the rule can be explained. It is no proof of a good password; the second
factor and the throttle stand behind it.
"""

import base64
import os
import threading
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.i18n import N_

SHORTEST = 12  # characters; ASVS 6.2.1 asks for 8, and the longer one needs no rules about kinds of characters
LONGEST = 200  # ASVS 6.2.9 asks for 64 at least; without an end a password could be a megabyte to hash

_WORDS_FILE = Path(__file__).with_name("common_passwords.txt")


class PasswordProblem(StrEnum):
    """Why a password is not taken."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    OWN_WORDS = "own-words"
    COMMON = "common"


SENTENCES: dict[PasswordProblem, str] = {
    PasswordProblem.MISSING: N_("Choose a password"),
    PasswordProblem.UNREADABLE: N_("Choose a password of letters, numbers and signs you can see"),
    PasswordProblem.TOO_SHORT: N_("Choose a longer password. It needs 12 characters or more"),
    PasswordProblem.TOO_LONG: N_("Choose a shorter password. It can have 200 characters at most"),
    PasswordProblem.OWN_WORDS: N_("Choose a password without your name, your email or the name of the service in it"),
    PasswordProblem.COMMON: N_("Choose a password that is harder to guess. Try three or more unusual words"),
}

_SAID_LIKE_OUR_NAME = ("frontdoor", "socialprescribing", "linkworker")


def problem(password: str, *, email: str, name: str, service_name: str) -> PasswordProblem | None:
    """Why this password is not taken from this person here; ``None`` when it is."""
    if not password:
        return PasswordProblem.MISSING
    if len(password) > LONGEST:
        return PasswordProblem.TOO_LONG
    if any(unicodedata.category(character) in {"Cc", "Cs", "Cn", "Co"} for character in password):
        return PasswordProblem.UNREADABLE
    if len(_settled(password)) < SHORTEST:
        return PasswordProblem.TOO_SHORT
    if _holds_own_words(password, email, name, service_name):
        return PasswordProblem.OWN_WORDS
    return PasswordProblem.COMMON if is_common(password) else None


def is_common(password: str) -> bool:
    """Whether a password is common in kind. One without any letter always is: it is a date or a telephone number."""
    return not any(character.isalpha() for character in password) or any(
        _effort(reading) < _ENOUGH for reading in _readings(password)
    )


# --- own words ------------------------------------------------------------------------------------------------------

_SHORTEST_OWN = 4  # "Ann" and "Li" stand inside too many other words


def _holds_own_words(password: str, email: str, name: str, service_name: str) -> bool:
    local = email.partition("@")[0]
    parts = [local, *_split(local), *_split(name), _joined(name), *_split(service_name), _joined(service_name)]
    own = {_joined(part) for part in parts} | set(_SAID_LIKE_OUR_NAME)
    readings = [_joined(back) for reading in _readings(password) for back in _read_back(reading)]
    return any(word in reading for word in own if len(word) >= _SHORTEST_OWN for reading in readings)


def _split(text: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in text).split()


def _joined(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


# --- common in kind -------------------------------------------------------------------------------------------------

# What a guesser must still find out, in words of a list of about a thousand (10 bits each). Three and more are 30 bits
# on top of what stands around them.
_ENOUGH = 3.0
_WORD = 1.0
_PATTERN = 0.5  # a year, a run along the keyboard, a repeat: few of them are ever used
_DIGIT = 0.25
_SIGN = 0.125
_LETTER = 1.0  # a letter that belongs to no word we know

_REPLACED: tuple[str, ...] = ("4a", "@a", "3e", "1i", "!i", "0o", "5s", "$s", "7t", "+t", "8b", "9g", "6g", "2z", "(c")
_AS_LETTERS = str.maketrans({pair[0]: pair[1] for pair in _REPLACED})
_ONE_AS_L = str.maketrans({pair[0]: pair[1] for pair in _REPLACED} | {"1": "l", "!": "l", "|": "l"})

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb6yhn")
_AZERTY_AND_QWERTZ = ("azertyuiop", "qwertzuiop", "qsdfghjklm", "yxcvbnm", "wxcvbn")
_SIGNS_ON_DIGITS = ("!@#$%^&*()", '!"£$%^&*()')
_SHORTEST_RUN = 3
_EARLIEST, _LATEST = 1860, 2039  # from the founding of football clubs to the years to come
_LONGEST_REPEAT = 12
_LONGEST_RUN = 26  # the alphabet


@cache
def common_words() -> frozenset[str]:
    """The words that passwords are usually made of (``common_passwords.txt``), in small letters."""
    lines = _WORDS_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def _longest_word() -> int:
    return max(len(word) for word in common_words())


@cache
def _runs() -> frozenset[str]:
    """Every piece of three keys or more along a row, forwards and backwards."""
    rows = (*_ROWS, *_AZERTY_AND_QWERTZ, *_SIGNS_ON_DIGITS)
    pieces: set[str] = set()
    for row in (*rows, *(row[::-1] for row in rows)):
        for start in range(len(row)):
            pieces.update(row[start:end] for end in range(start + _SHORTEST_RUN, len(row) + 1))
    return frozenset(pieces)


def _settled(password: str) -> str:
    """The one form of a password, however the keyboard made its letters (NIST SP 800-63B section 5.1.1.2: NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _readings(password: str) -> set[str]:
    """A password in small letters, with its accents and without."""
    plain = _settled(password).casefold()
    return {plain, "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))}


def _read_back(text: str) -> set[str]:
    """A text as it is, and with the signs that stand for letters read as those letters."""
    return {text, text.translate(_AS_LETTERS), text.translate(_ONE_AS_L)}


def _effort(text: str, known: dict[str, float] | None = None) -> float:
    """The least that is left to guess, over all ways of reading the text as pieces, from left to right. ``known`` holds
    the efforts of repeated pieces for as long as one text is read: nothing of a password is kept longer.
    """
    known = {} if known is None else known
    if text not in known:
        least = [0.0] + [float("inf")] * len(text)
        for start in range(len(text)):
            for end, cost in _pieces(text, start, known):
                least[end] = min(least[end], least[start] + cost)
        known[text] = least[-1]
    return known[text]


def _pieces(text: str, start: int, known: dict[str, float]) -> Iterator[tuple[int, float]]:
    """The pieces that begin here: where each ends, and what it costs to guess."""
    yield start + 1, _alone(text[start])
    for end in range(start + 2, min(len(text), start + _longest_word()) + 1):
        piece = text[start:end]
        if any(character.isalpha() for character in piece) and not common_words().isdisjoint(_read_back(piece)):
            yield end, _WORD
    for end in range(start + _SHORTEST_RUN, min(len(text), start + _LONGEST_RUN) + 1):
        if text[start:end] in _runs():
            yield end, _PATTERN
    if _is_year(text[start : start + 4]):
        yield start + 4, _PATTERN
    yield from _repeats(text, start, known)


def _repeats(text: str, start: int, known: dict[str, float]) -> Iterator[tuple[int, float]]:
    """The same again and again: a little for how often, and half of what it costs once, since what people repeat is
    short and plain (three letters are 14 bits, not 30)."""
    for length in range(1, _LONGEST_REPEAT + 1):
        piece = text[start : start + length]
        end = start + length
        while len(piece) == length and text.startswith(piece, end):
            end += length
            if end - start >= _SHORTEST_RUN:
                yield end, _PATTERN + _effort(piece, known) / 2


def _alone(character: str) -> float:
    if character.isdecimal():
        return _DIGIT
    return _LETTER if character.isalpha() else _SIGN


def _is_year(four: str) -> bool:
    return len(four) == 4 and four.isascii() and four.isdecimal() and _EARLIEST <= int(four) <= _LATEST


# --- how they are kept ----------------------------------------------------------------------------------------------

# argon2id with the second recommended set of RFC 9106 section 4: 64 MiB, 3 passes, 4 lanes (argon2-cffi's own default).
# When a later version raises it, every password is hashed anew the next time it is right.
_hasher = PasswordHasher()
# 64 MiB each: a hundred people signing in at nine in the morning must not need 6 GiB. The others wait their turn.
AT_ONCE = 2
_turns = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str) -> str:
    """What the store keeps of a password. Slow: some 100 ms and 64 MiB."""
    with _turns:
        return _hasher.hash(_bytes(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password that ``kept`` came from. Without ``kept`` (nobody has this email, or there is no
    password yet) the same work is done, and the answer is no.
    """
    too_long = len(password) > LONGEST
    with _turns:
        try:
            right = _hasher.verify(kept or _nobodys(), _bytes("" if too_long else password))
        except (VerificationError, InvalidHashError):
            return False
    return right and bool(kept) and not too_long


def is_outdated(kept: str) -> bool:
    """Whether ``kept`` was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    return _settled(password).encode("utf-8", "surrogatepass")


def _nobodys() -> str:
    """A hash that no password has, of the same cost as today's real ones."""

    def part(length: int) -> str:
        return base64.b64encode(os.urandom(length)).decode().rstrip("=")

    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${cost}${part(_hasher.salt_len)}${part(_hasher.hash_len)}"
