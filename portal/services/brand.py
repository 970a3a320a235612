"""How a service looks: one colour, whose contrast is measured, and a small logo, which is drawn anew.

A logo is a PNG that staff bring. Nothing of the file is kept but its pixels: every chunk that is not needed to draw it
(texts, places, times, profiles, animations) is dropped, the pixels are unpacked within a limit and packed again. So it
can carry neither words about whoever made it nor anything that a browser would run. It is shown on wide screens only:
a phone never loads it (docs: performance B1).
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from portal.i18n import N_

# Colour --------------------------------------------------------------------------------------------------------------

COLOUR = r"#[0-9a-fA-F]{6}"
NEEDED = 4.5
"""Contrast of words in their usual size (WCAG 2.2, 1.4.3 AA)."""

PAPER = ("#ffffff", "#fbfaf7")
"""What stands under words in this colour: white cards and the page itself (``--page`` in tools/look/app.css). As a
button it has white words on it, which is the first of these once more."""


def contrast(one: str, other: str) -> float:
    """The contrast of two colours ``#rrggbb``, 1.0 to 21.0 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def least_contrast(colour: str) -> float:
    """The lowest contrast that the colour has anywhere on our pages: as a button with white words, and as words."""
    return min(contrast(colour, paper) for paper in PAPER)


def shown(ratio: float) -> str:
    """A ratio in words, rounded down, so that it never looks as if it were enough."""
    return f"{int(ratio * 10) / 10:.1f}"


def nearest(colour: str) -> str:
    """The nearest colour of the same tone that passes: only darker, in as small a step as there is."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    for step in range(1000, -1, -1):
        darker = "#" + "".join(f"{part * step // 1000:02x}" for part in (red, green, blue))
        if least_contrast(darker) >= NEEDED:
            return darker
    raise AssertionError("black passes")


# Logo ----------------------------------------------------------------------------------------------------------------

LARGEST_FILE = 60_000
LARGEST = 12_000
"""Bytes: of the file that is brought, and of what is kept of it."""

LONGEST_SIDE = 1_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class BadLogo(ValueError):
    """This picture cannot be used. ``said``: the sentence (for gettext); ``given`` stands in it."""

    def __init__(self, said: str, **given: Any) -> None:
        super().__init__(said % given if given else said)
        self.said, self.given = said, given


NOT_PNG = N_("Choose a picture in the PNG format. Its name ends in .png")
BROKEN = N_("This picture is damaged. Save it as PNG once more, and try again")
INTERLACED = N_("Save the picture without interlacing, and try again")
TOO_LARGE = N_("Choose a smaller picture. Its file can have %(kilobytes)s kilobytes at most")
TOO_WIDE = N_("Choose a smaller picture. It can be %(side)s dots wide and high at most")


def drawn_anew(file: bytes) -> bytes:
    """The same picture as a PNG of our own making. Raises BadLogo."""
    if not file.startswith(_SIGNATURE):
        raise BadLogo(NOT_PNG)
    if len(file) > LARGEST_FILE:
        raise BadLogo(TOO_LARGE, kilobytes=LARGEST_FILE // 1000)
    parts: dict[bytes, bytes] = {}
    for name, data in _chunks(file):
        if name == b"IDAT":
            parts[name] = parts.get(name, b"") + data
        elif name in (b"IHDR", b"PLTE", b"tRNS") and name not in parts:
            parts[name] = data
    header, pixels = parts.get(b"IHDR", b""), _pixels(parts)
    kept = [(b"IHDR", header)]
    kept += [(name, parts[name]) for name in _colours_of(header, parts)]
    kept += [(b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    made = _SIGNATURE + b"".join(_chunk(name, data) for name, data in kept)
    if len(made) > LARGEST:
        raise BadLogo(TOO_LARGE, kilobytes=LARGEST // 1000)
    return made


def _chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 12 <= len(file):
        length = int.from_bytes(file[at : at + 4], "big")
        name, data = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        check = file[at + 8 + length : at + 12 + length]
        if len(data) != length or check != zlib.crc32(name + data).to_bytes(4, "big"):
            raise BadLogo(BROKEN)
        yield name, data
        if name == b"IEND":
            return
        at += 12 + length
    raise BadLogo(BROKEN)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _pixels(parts: dict[bytes, bytes]) -> bytes:
    """The unpacked rows, exactly as many bytes as the header says: a bomb is stopped at that length."""
    header = parts.get(b"IHDR", b"")
    if len(header) != 13:
        raise BadLogo(BROKEN)
    width, height, bits, kind, packing, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise BadLogo(TOO_WIDE, side=LONGEST_SIDE)
    if bits not in _BITS.get(kind, ()) or packing or filtering or interlaced > 1:
        raise BadLogo(BROKEN)
    if interlaced:
        raise BadLogo(INTERLACED)
    row = 1 + (width * _CHANNELS[kind] * bits + 7) // 8
    unpacking = zlib.decompressobj()
    try:
        pixels = unpacking.decompress(parts.get(b"IDAT", b""), row * height + 1)
    except zlib.error:
        raise BadLogo(BROKEN) from None
    if len(pixels) != row * height or any(pixels[start] > 4 for start in range(0, len(pixels), row)):
        raise BadLogo(BROKEN)
    return pixels


def _colours_of(header: bytes, parts: dict[bytes, bytes]) -> list[bytes]:
    """Whether palette and transparency belong to a picture of this kind. Raises BadLogo when they are wrong."""
    bits, kind = header[8], header[9]
    palette, through = parts.get(b"PLTE", b""), parts.get(b"tRNS")
    wanted: list[bytes] = []
    if kind == 3:
        if not palette or len(palette) % 3 or len(palette) // 3 > 2**bits:
            raise BadLogo(BROKEN)
        wanted.append(b"PLTE")
    if through is not None and kind in (0, 2, 3):
        fits = len(through) <= len(palette) // 3 if kind == 3 else len(through) == (2 if kind == 0 else 6)
        if not fits:
            raise BadLogo(BROKEN)
        wanted.append(b"tRNS")
    return wanted


def as_text(file: bytes) -> str:
    """A picture that staff brought, as it is kept among the settings. Raises BadLogo."""
    return base64.b64encode(drawn_anew(file)).decode()


def kept(text: str) -> str:
    """A kept picture, checked once more: whoever edits settings at the command line goes the same way. Raises
    BadLogo."""
    try:
        return as_text(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as wrong:
        if isinstance(wrong, BadLogo):
            raise
        raise BadLogo(NOT_PNG) from None


def picture(text: str) -> bytes:
    """The bytes of a kept picture."""
    return base64.b64decode(text)
