"""The secrets that this process holds: given once at the start, never in the database, never printed.

Everything keyed (audit, look-up keys, slow hashes, encrypted columns) is derived from here, one label for each use, so
that no two uses share a key.
"""

import hashlib
import hmac
from collections.abc import Mapping

_secret = b""
_encryption_keys: dict[int, bytes] = {}


class NotHeld(RuntimeError):
    """A secret was asked for before the start gave one."""


def hold(secret: str, encryption_keys: Mapping[int, bytes]) -> None:
    """Take the installation's secret and its encryption keys (32 bytes each, ids 1 to 255)."""
    global _secret
    _secret = secret.encode()
    _encryption_keys.clear()
    _encryption_keys.update(encryption_keys)


def derived(label: str) -> bytes:
    """The 32-byte key for one use. Raises ``NotHeld`` before the start."""
    if not _secret:
        raise NotHeld("call portal.held.hold first")
    return hmac.digest(_secret, b"front-door " + label.encode(), hashlib.sha256)


def look_up_key(label: str, value: str) -> str:
    """A keyed hash by which an equal value is found again, without the value (64 hexadecimal digits)."""
    return hmac.new(derived(label), value.encode(), hashlib.sha256).hexdigest()


def encryption_keys() -> Mapping[int, bytes]:
    """Keys by id: the highest encrypts, all decrypt, so that a key can be replaced while running."""
    if not _encryption_keys:
        raise NotHeld("call portal.held.hold first")
    return _encryption_keys
