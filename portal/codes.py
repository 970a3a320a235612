"""Identifiers, references, numbers and keys: how each is made, shown to a person, read back, and kept as a digest.

Two kinds of secret, kept in two ways. A **key** is long and random, so a plain SHA-256 keeps it (`digest`). A **number
or code** that a person can copy by hand is short enough to try them all, so it is kept by scrypt under a pepper that is
not in the database (`slow_digest`). Every reader forgives what hands, phones and keyboards do, and returns None when
what was typed cannot be right. This module knows neither the database nor the clock: identifiers keep their
order by themselves even when a test moves the clock.
"""

import hashlib
import hmac
import os
import secrets
import threading
import time
import unicodedata
import uuid

# --- identifiers ------------------------------------------------------------------------------------------------------

_RANDOM_BITS = 74  # RFC 9562 section 5.7: 12 bits rand_a and 62 bits rand_b


class _Sequence:
    """Version 7 identifiers of one process, each greater than the one before (RFC 9562 section 6.2, method 2:
    within a millisecond the random part goes up by a random step, so the next one cannot be guessed).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0  # milliseconds and random part together, as one number

    def next(self) -> uuid.UUID:
        # A fresh random part keeps its top bit free: room to count up before the millisecond would have to change.
        fresh = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
        step = 1 + secrets.randbits(32)
        with self._lock:
            # In the same millisecond, or when the machine's clock was set back, go on from the last one instead.
            same_or_back = fresh >> _RANDOM_BITS <= self._last >> _RANDOM_BITS
            self._last = self._last + step if same_or_back else fresh
            number = self._last
        return _version_7(number >> _RANDOM_BITS, number & (1 << _RANDOM_BITS) - 1)


def _version_7(milliseconds: int, random_part: int) -> uuid.UUID:
    """Lay out the fields as RFC 9562 section 5.7 does: 48 bits time, version, 12 bits, variant, 62 bits."""
    high, low = random_part >> 62, random_part & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low)


_sequence = _Sequence()


def _start_anew() -> None:
    # Two web processes forked from one parent would otherwise count on from the same number.
    global _sequence
    _sequence = _Sequence()


os.register_at_fork(after_in_child=_start_anew)


def new_id() -> uuid.UUID:
    """A new primary key: UUID version 7, in order of making within this process."""
    return _sequence.next()


# --- references -------------------------------------------------------------------------------------------------------

# Crockford's base 32: no I, L, O (read as 1, 1, 0) and no U. https://www.crockford.com/base32.html
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")
REFERENCE_LENGTH = 9
_LONGEST_TYPED = 200  # nobody types more around a code; refuse the rest before spending time on it


def new_reference() -> str:
    """A new public reference: 8 random characters (40 bits) and a check character, without hyphens.

    The check character (Luhn, modulo 32) finds every single wrong character and every swap of two neighbours
    except 0 with Z. The reference is no secret: it opens nothing alone.
    """
    characters = _random_crockford(REFERENCE_LENGTH - 1)
    return characters + _check_character(characters)


def show_reference(reference: str) -> str:
    """A reference in groups, easy to read out: "K7QF2M9TX" becomes "K7QF-2M9T-1"."""
    return f"{reference[:4]}-{reference[4:8]}-{reference[8:]}"


def read_reference(typed: str) -> str | None:
    """The reference a person typed or read out; None when it has the wrong length or its check fails.

    Forgives case, spaces, hyphens, O for 0, I and L for 1, full-width letters and the digits of any script.
    """
    characters = _crockford(typed)
    if characters is None or len(characters) != REFERENCE_LENGTH:
        return None
    return characters if _check_character(characters[:-1]) == characters[-1] else None


def _random_crockford(length: int) -> str:
    return "".join(secrets.choice(CROCKFORD) for _ in range(length))


def _check_character(characters: str) -> str:
    base = len(CROCKFORD)
    total = 0
    for place, character in enumerate(reversed(characters)):
        value = CROCKFORD.index(character)
        if place % 2 == 0:
            value = sum(divmod(value * 2, base))
        total += value
    return CROCKFORD[-total % base]


def _crockford(typed: str) -> str | None:
    plain = _without_spacing(typed).upper().translate(_READ_AS)
    return plain if plain and set(plain) <= set(CROCKFORD) else None


def _without_spacing(typed: str) -> str:
    """Drop what only groups or is invisible (spaces, dashes, marks of direction); digits of any script to ASCII."""
    if len(typed) > _LONGEST_TYPED:
        return ""
    return "".join(
        str(unicodedata.decimal(character, character))
        for character in unicodedata.normalize("NFKC", typed)
        if not character.isspace()
        and unicodedata.category(character) not in {"Pd", "Cf"}
        and character != "\N{MINUS SIGN}"
    )


# --- numbers and codes a person copies by hand ------------------------------------------------------------------------

RETURN_NUMBER_LENGTH = 12
CODE_LENGTH = 6
RECOVERY_CODE_LENGTH = 10
_RETURN_NUMBER_LABEL = b"front-door/return-number/1"


def return_number_from(key: str) -> str:
    """The 12-digit return number that belongs to a browser's random key (from `new_key`), always the same one.

    So the browser that holds the key can be shown its number again while the server keeps only a digest. It is
    derived with HMAC-SHA256 in counter mode (the expand step of HKDF, RFC 5869; the key is random enough to
    need no extract step). Values past the last whole number are thrown away, so every number is equally likely.
    """
    counter = 0
    while True:
        block = hmac.digest(key.encode(), _RETURN_NUMBER_LABEL + counter.to_bytes(4, "big"), "sha256")
        value = int.from_bytes(block[:5], "big")  # 40 bits: just above 10 to the 12th, so about 1 in 11 is refused
        if value < 10**RETURN_NUMBER_LENGTH:
            return f"{value:0{RETURN_NUMBER_LENGTH}d}"
        counter += 1


def show_return_number(number: str) -> str:
    """A return number in groups of three: "123456789012" becomes "123 456 789 012"."""
    return " ".join(number[start : start + 3] for start in range(0, len(number), 3))


def read_return_number(typed: str) -> str | None:
    """The 12 digits a person typed, in any script's digits, with any spaces or dashes; None when not 12 digits."""
    return _digits_of_length(typed, RETURN_NUMBER_LENGTH)


def new_code() -> str:
    """A new six-digit code for signing in; it is used once, within minutes."""
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"


def read_code(typed: str) -> str | None:
    """The six digits a person typed, in any script's digits, with any spaces or dashes; None when it is not six."""
    return _digits_of_length(typed, CODE_LENGTH)


def new_recovery_code() -> str:
    """A new recovery code for staff who lost their phone: 10 random characters (50 bits), without the hyphen."""
    return _random_crockford(RECOVERY_CODE_LENGTH)


def show_recovery_code(code: str) -> str:
    """A recovery code in two groups: "K7QF2M9TXA" becomes "K7QF2-M9TXA"."""
    return f"{code[:5]}-{code[5:]}"


def read_recovery_code(typed: str) -> str | None:
    """The recovery code a person typed, forgiven as in `read_reference`; None when it has the wrong length."""
    characters = _crockford(typed)
    return characters if characters is not None and len(characters) == RECOVERY_CODE_LENGTH else None


def _digits_of_length(typed: str, length: int) -> str | None:
    plain = _without_spacing(typed)
    return plain if len(plain) == length and plain.isascii() and plain.isdecimal() else None


# --- keys and digests -------------------------------------------------------------------------------------------------

# scrypt with N 2^13, r 8, p 1: 8 MiB and some 20 ms a try. The pepper and the throttle, not the time, carry the weight,
# since there are only 10 to the 12th return numbers. The recipe's name is stored with each digest, so that a stronger
# one can be added and the old digests still be known for what they are.
_RECIPE = "scrypt-13-8-1"
_COST = 2**13


def new_key() -> str:
    """A new secret of 256 bits as 43 characters that may stand in a cookie or an address."""
    return secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """What the store keeps of a key from `new_key`: SHA-256 in hex. Only for long random secrets."""
    return hashlib.sha256(key.encode()).hexdigest()


def slow_digest(secret: str, salt: bytes, pepper: bytes) -> str:
    """What the store keeps of a return number, six-digit code or recovery code (already read into its plain form).

    `salt` is random, kept beside it; `pepper` comes from the settings and is never in the database, so that a
    stolen copy of the database alone is not enough to try them all. Raises ValueError when either is empty.
    """
    if not salt or not pepper:
        raise ValueError("A short secret needs both a salt and a pepper.")
    keyed = hmac.digest(pepper, secret.encode(), "sha256")
    return f"{_RECIPE}${hashlib.scrypt(keyed, salt=salt, n=_COST, r=8, p=1, dklen=32).hex()}"


def slow_match(secret: str, salt: bytes, pepper: bytes, kept: str) -> bool:
    """Whether `secret` is the one `kept` came from; takes the same time for a near miss as for a far one."""
    return hmac.compare_digest(slow_digest(secret, salt, pepper).encode(), kept.encode())
