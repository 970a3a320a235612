"""Small made-up pictures, drawn here: nothing is read from a file."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes) -> bytes:
    """One part of a PNG with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def a_picture(
    width: int = 4,
    height: int = 2,
    *,
    bits: int = 8,
    kind: int = 2,
    interlaced: int = 0,
    pixels: bytes | None = None,
    more: bytes = b"",
) -> bytes:
    """A PNG in one colour; ``kind`` 0 grey, 2 colours, 3 palette, 4 grey and transparent, 6 colours and transparent.
    ``more``: further chunks before the pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(kind, 1)
    row = b"\x00" + b"\x00" * ((width * channels * bits + 7) // 8)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced)
    data = zlib.compress(row * height if pixels is None else pixels)
    return SIGNATURE + chunk(b"IHDR", header) + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")
