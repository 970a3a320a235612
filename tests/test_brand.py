"""The colour of a service and its logo: contrast measured, pictures drawn anew."""

import random
import re
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.services import brand
from portal.services.brand import BadLogo
from tests.pictures import SIGNATURE, a_picture, chunk

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_what_the_guideline_says() -> None:
    assert brand.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert brand.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert brand.contrast("#005eb8", "#ffffff") == brand.contrast("#ffffff", "#005eb8") > brand.NEEDED


@pytest.mark.parametrize("colour", ["#777777", "#949494", "#767676"])
def test_what_only_just_fails_on_white_or_on_the_page_is_made_darker(colour: str) -> None:
    assert brand.nearest(colour) < colour
    assert brand.contrast(brand.nearest(colour), "#fbfaf7") >= 4.5


def test_a_colour_that_only_just_fails_never_looks_as_if_it_passed() -> None:
    assert brand.shown(4.49999) == "4.4"


@given(COLOURS)
def test_the_nearest_colour_passes_and_is_the_colour_itself_where_that_passes(colour: str) -> None:
    found = brand.nearest(colour)
    assert re.fullmatch(brand.COLOUR, found)
    assert brand.least_contrast(found) >= brand.NEEDED
    assert (found == colour) == (brand.least_contrast(colour) >= brand.NEEDED)


@pytest.mark.parametrize(
    ("kind", "bits", "more"),
    [
        (0, 1, b""),
        (0, 8, chunk(b"tRNS", b"\x00\x01")),
        (2, 8, b""),
        (2, 16, chunk(b"tRNS", b"\x00" * 6)),
        (3, 8, chunk(b"PLTE", b"\x01\x02\x03" * 4) + chunk(b"tRNS", b"\x00\x01")),
        (4, 8, b""),
        (6, 8, b""),
    ],
)
def test_each_kind_of_picture_is_drawn_anew_and_once_more_alike(kind: int, bits: int, more: bytes) -> None:
    made = brand.drawn_anew(a_picture(kind=kind, bits=bits, more=more))
    assert brand.drawn_anew(made) == made
    assert brand.picture(brand.as_text(made)) == made
    assert brand.kept(brand.as_text(made)) == brand.as_text(made)


def test_nothing_of_a_file_is_kept_but_its_pixels() -> None:
    gossip = b"".join(
        chunk(name, b"Rosa at home")
        for name in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"acTL", b"fdAT", b"PLTE")
    )
    plain = brand.drawn_anew(a_picture())
    assert brand.drawn_anew(a_picture(more=gossip) + b"<script>alert(1)</script>") == plain
    assert b"Rosa" not in plain


def _without(picture: bytes, name: bytes) -> bytes:
    at = picture.index(name) - 4
    length = int.from_bytes(picture[at : at + 4], "big")
    return picture[:at] + picture[at + 12 + length :]


BROKEN: dict[str, bytes] = {
    "no header": _without(a_picture(), b"IHDR"),
    "no pixels": _without(a_picture(), b"IDAT"),
    "no end": _without(a_picture(), b"IEND"),
    "cut off": a_picture()[:40],
    "a wrong checksum": a_picture()[:-1] + b"x",
    "nothing but its name": SIGNATURE,
    "too few pixels": a_picture(pixels=b"\x00" * 3),
    "too many pixels": a_picture(pixels=b"\x00" * 500_000),
    "pixels that do not unpack": SIGNATURE + a_picture()[8:33] + chunk(b"IDAT", b"nonsense") + chunk(b"IEND", b""),
    "a filter that there is not": a_picture(1, 1, pixels=b"\x05\x00\x00\x00"),
    "depths that there are not": a_picture(bits=4),
    "a kind that there is not": a_picture(kind=5),
    "a palette without colours": a_picture(kind=3),
    "a palette that is cut": a_picture(kind=3, more=chunk(b"PLTE", b"\x01\x02")),
    "more colours than can be": a_picture(kind=3, bits=1, more=chunk(b"PLTE", b"\x01\x02\x03" * 3)),
    "more transparent than colours": a_picture(
        kind=3, more=chunk(b"PLTE", b"\x01\x02\x03") + chunk(b"tRNS", b"\x00\x00")
    ),
    "a transparency of another kind": a_picture(kind=2, more=chunk(b"tRNS", b"\x00")),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_damaged_picture_is_refused(what: str) -> None:
    with pytest.raises(BadLogo, match="damaged"):
        brand.drawn_anew(BROKEN[what])


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", "ends in .png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "ends in .png"),
        (b"\xff\xd8\xff\xe0 a photograph", "ends in .png"),
        (a_picture(0, 2), "dots wide"),
        (a_picture(1001, 1, pixels=b""), "dots wide"),
        (a_picture(2, 0), "dots wide"),
        (a_picture(interlaced=1), "interlacing"),
        (a_picture() + b"\x00" * brand.LARGEST_FILE, "60 kilobytes"),
    ],
)
def test_a_picture_that_cannot_be_used_says_what_to_do(file: bytes, sentence: str) -> None:
    with pytest.raises(BadLogo, match=sentence):
        brand.drawn_anew(file)


def test_a_picture_that_stays_large_is_refused() -> None:
    chance = random.Random(1)  # noqa: S311  # a made-up picture
    rows = b"".join(b"\x00" + chance.randbytes(120 * 3) for _ in range(120))
    noisy = a_picture(120, 120, pixels=rows)
    assert brand.LARGEST < len(noisy) < brand.LARGEST_FILE
    with pytest.raises(BadLogo, match="12 kilobytes"):
        brand.drawn_anew(noisy)


def test_a_bomb_is_stopped_at_the_length_that_its_header_names() -> None:
    """Forty megabytes of noughts in forty kilobytes: never unpacked."""
    bomb = a_picture(4, 2, pixels=b"\x00" * 40_000_000)
    assert len(bomb) < brand.LARGEST_FILE
    tracemalloc.start()
    with pytest.raises(BadLogo):
        brand.drawn_anew(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


@given(st.binary(max_size=300), st.booleans())
def test_whatever_is_brought_is_a_picture_or_is_refused(data: bytes, signed: bool) -> None:
    with suppress(BadLogo):
        assert brand.drawn_anew(SIGNATURE + data if signed else data).startswith(SIGNATURE)


@given(st.text(max_size=40))
def test_what_is_kept_is_checked_as_what_is_brought(text: str) -> None:
    with pytest.raises(BadLogo):
        brand.kept(text)
