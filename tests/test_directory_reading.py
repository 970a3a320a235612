import json
import random
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal import reading
from portal.directory import lists, plain, shapes, streaming
from portal.directory.shapes import Refused, Taken
from portal.directory.streaming import BrokeOff, NotAFeed, Row
from tests.feeds import a_row, an_id

TODAY = date(2026, 11, 22)


def in_pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def rows_of(content: bytes, size: int = 7) -> list[Row]:
    return list(streaming.rows(in_pieces(content, size)))


def read(**other: Any) -> Taken:
    return shapes.read(a_row(**other), TODAY)


def notes(taken: Taken) -> set[tuple[str, str]]:
    return set(taken.notes)


# Rows out of JSON ----------------------------------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(values, max_size=6), st.integers(1, 40), st.booleans())
def test_rows_come_out_as_they_went_in_however_they_are_cut(rows: list[Any], size: int, ascii_only: bool) -> None:
    content = json.dumps(rows, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return
    assert [row.value for row in rows_of(content, size)] == rows


@given(st.binary(max_size=200), st.integers(1, 30))
def test_bytes_without_sense_never_do_more_than_fail(content: bytes, size: int) -> None:
    with suppress(NotAFeed, BrokeOff):
        rows_of(content, size)


@pytest.mark.parametrize("name", streaming.ROWS)
def test_a_page_has_its_rows_under_one_name_and_says_the_rest_of_itself(name: str) -> None:
    page = {"total_pages": 3, name: [{"id": "a"}, {"id": "b"}], "last_page": False, "note": "}]"}
    rows = streaming.rows(in_pieces(json.dumps(page).encode(), 5))
    assert [row.value for row in rows] == page[name]
    assert rows.about == {"total_pages": 3, "last_page": False, "note": "}]"}


def test_a_single_activity_is_one_row() -> None:
    assert [row.value for row in rows_of(json.dumps(a_row()).encode())] == [a_row()]


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-32-le"]
)
def test_wide_letters_are_known_by_their_first_bytes(encoding: str) -> None:
    rows = [{"id": "a", "name": "Caffè ☕"}]
    assert [row.value for row in rows_of(json.dumps(rows, ensure_ascii=False).encode(encoding))] == rows


def test_a_row_in_windows_letters_is_read_and_reported() -> None:
    content = b'[{"name": "\xe9t\xe9"}, {"name": "\xc3\xa9t\xc3\xa9"}]'
    assert rows_of(content) == [Row({"name": "été"}, "", True), Row({"name": "été"})]


def test_what_is_wrong_with_one_row_does_not_hurt_the_next() -> None:
    far_too_large = {"text": 'x\\"' * streaming.MOST_BYTES}
    long_list = {"list": [0] * streaming.MOST_BYTES}
    deep = "[" * (streaming.DEEPEST + 1) + "]" * (streaming.DEEPEST + 1)
    whole = ",".join(
        [json.dumps({"n": 1}), json.dumps(far_too_large), '{"n": NaN}', deep, json.dumps(long_list), '{"n":2}']
    )
    found = rows_of(f"[{whole}]".encode(), 65_536)
    assert [row.fault for row in found] == ["", "too-large", "not-json", "too-deep", "too-large", ""]
    assert [row.value for row in found if not row.fault] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    "content", [b"", b"  ", b"<html>", b"null", b"12", b'"a"', b'{"a": 1}', b"{,}", b'{"a" 1}', b"{"]
)
def test_what_is_no_feed_is_refused(content: bytes) -> None:
    with pytest.raises((NotAFeed, BrokeOff)):
        rows_of(content)


def test_what_breaks_off_has_given_the_rows_before() -> None:
    rows = iter(streaming.rows([b'[{"id": 1}, {"id": 2}, {"id"']))
    assert [next(rows).value, next(rows).value] == [{"id": 1}, {"id": 2}]
    with pytest.raises(BrokeOff):
        next(rows)


@pytest.mark.parametrize("content", [b"[1 2]", b"[1", b'["a', b"[" + b"1" * 2000 + b"]", b'{"contents": [], 5}'])
def test_json_that_goes_wrong_breaks_off(content: bytes) -> None:
    with pytest.raises((NotAFeed, BrokeOff)):
        rows_of(content)


# Words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<p>Tea &amp; talk</p><p>Free</p>", "Tea & talk\n\nFree"),
        ("<script>alert(1)</script>Tea", "Tea"),
        ("<style>p{}</style>Tea<br>now", "Tea\nnow"),
        ("&lt;b&gt;Tea&lt;/b&gt;", "Tea"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Tea", "Tea"),
        ("<ul><li>one</li><li>two</li></ul>", "• one\n• two"),
        ("5 < 6 & 7 > 3", "5 < 6 & 7 > 3"),
        ('<a href="javascript:alert(1)" onclick="x">Tea</a>', "Tea"),
        ("Tea\x00\x07 now\u202e", "Tea now"),
        ("<img src=x onerror=alert(1)>", ""),
    ],
)
def test_markup_becomes_plain_words(markup: str, words: str) -> None:
    assert plain.text(markup, 100, lines=True)[0] == words


@given(st.text(max_size=60))
def test_no_tag_is_left_and_nothing_that_cannot_be_shown(words: str) -> None:
    kept, _ = plain.text(f"<b>{words}</b><script>{words}", 500, lines=True)
    assert "<script" not in kept.lower()
    assert plain.text(kept, 500, lines=True)[0] == kept or "&" in kept or "<" in kept
    assert not any(character in kept for character in "\x00\x07\ufffd")


def test_a_text_that_is_too_long_is_cut_and_said_to_be() -> None:
    assert plain.text("word " * 100, 20) == ("word word word word…", "too-long")
    assert plain.text("x" * 2_000_000, 8000)[1] == "too-long"
    assert plain.text("a" + "\u0301" * 50, 100) == ("", "unreadable")


@example("".join(map(chr, range(128))))
@example("a`b")
@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80))
def test_the_short_way_to_a_key_is_the_same_key(words: str) -> None:
    assert plain.key(words) == reading.search_key(words)


def test_what_words_mean() -> None:
    assert lists.needs_of("Befriending and social groups") == {"loneliness"}
    assert "money" in lists.needs_of("Debt advice")
    assert lists.needs_of("Unemployed") == frozenset()
    assert lists.access_of("Wheelchair access. Induction loop available") == {"step-free", "hearing"}
    assert lists.access_of("There is no wheelchair access. Braille signs") == {"braille"}
    assert lists.attending_of("Online or by telephone") == {"online", "phone"}


# A row ---------------------------------------------------------------------------------------------------------------


def test_a_whole_row_is_read() -> None:
    taken = read()
    assert taken.name == "Walking group 1"
    assert (taken.free, taken.phone, taken.minimum_age) == ("yes", "01632 960 123", 18)
    assert taken.provider
    assert taken.provider.name == "River Walks"
    (place,) = taken.places
    assert (place.city, place.postcode, place.latitude) == ("St Ives", "PE27 5AD", 52.3233)
    assert taken.times[0].days == ("TU", "TH")
    assert taken.tags == {
        *(("day", "TU"), ("day", "TH"), ("language", "ur"), ("access", "step-free"), ("access", "hearing")),
    }
    assert taken.topics == ("Exercise and sport",)
    assert taken.notes == ()
    assert "contacts" not in taken.source


def test_the_names_of_the_elder_standard_are_read() -> None:
    row = a_row(
        attributes=None,
        schedules=None,
        service_taxonomys=[{"id": "x", "taxonomy": {"id": "y", "name": "Debt advice"}}],
        regular_schedules=[{"id": "z", "byday": "MO", "opens_at": "09:00"}],
        languages=[{"id": "l", "language": "Polish"}],
    )
    location = row["service_at_locations"][0]["location"]
    location["physical_addresses"] = location.pop("addresses")
    location["accessibility_for_disabilities"] = [{"id": "a", "accessibility": "Ramp"}]
    del location["accessibility"]
    taken = shapes.read(row, TODAY)
    assert taken.topics == ("Debt advice",)
    assert taken.places[0].postcode == "PE27 5AD"
    assert {("day", "MO"), ("language", "pl"), ("access", "step-free")} <= taken.tags


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ([], "not-an-object"),
        ("text", "not-an-object"),
        (None, "not-an-object"),
        (a_row(id=None), "no-id"),
        (a_row(id=""), "no-id"),
        (a_row(id=["a"]), "bad-id"),
        (a_row(id="x" * 101), "bad-id"),
        (a_row(id="a\nb"), "bad-id"),
        (a_row(name=None), "no-name"),
        (a_row(name=7), "no-name"),
        (a_row(name="<b></b>"), "no-name"),
        (a_row(status=None), "no-status"),
        (a_row(status="open"), "bad-status"),
        (a_row(status=True), "bad-status"),
        ({"id": "a", "location": {}}, "no-service"),
        ({"id": "a", "service_id": "b"}, "no-service"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(row: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        shapes.read(row, TODAY)
    assert refused.value.code == code
    assert lists.FAULTS[code].refuses


@pytest.mark.parametrize(
    ("other", "note"),
    [
        ({"description": ["a"]}, ("description", "wrong-type")),
        ({"email": "not an address"}, ("email", "bad-email")),
        ({"url": "javascript:alert(1)"}, ("url", "bad-url")),
        ({"url": "https://user:word@x.example/"}, ("url", "bad-url")),
        ({"minimum_age": -1}, ("minimum_age", "bad-number")),
        ({"minimum_age": "many"}, ("minimum_age", "wrong-type")),
        ({"minimum_age": 60, "maximum_age": 50}, ("maximum_age", "bad-number")),
        ({"assured_date": "yesterday"}, ("assured_date", "bad-date")),
        ({"last_modified": "2026-13-01"}, ("last_modified", "bad-date")),
        ({"organization": "River"}, ("organization", "wrong-type")),
        ({"schedules": {"byday": "MO"}}, ("schedules", "wrong-type")),
        ({"schedules": ["MO"]}, ("schedules", "wrong-type")),
        ({"schedules": [{"id": "s", "byday": "XX"}]}, ("byday", "bad-day")),
        ({"schedules": [{"id": "s"}] * 60}, ("schedules", "too-many")),
        ({"cost_options": [{"id": "c", "amount": "a lot"}]}, ("amount", "wrong-type")),
        ({"service_at_locations": [{"id": "p", "location": 5}]}, ("location", "wrong-type")),
    ],
)
def test_a_field_that_cannot_be_read_costs_that_field_alone(other: dict[str, Any], note: tuple[str, str]) -> None:
    taken = read(**other)
    assert note in notes(taken)
    assert not lists.FAULTS[note[1]].refuses
    assert taken.name == "Walking group 1"


@pytest.mark.parametrize(("latitude", "longitude"), [(0, 0), (-0.0741, 52.3233), (100, 101), ("north", 0), (None, 0.1)])
def test_a_point_that_cannot_be_here_is_no_point(latitude: Any, longitude: Any) -> None:
    row = a_row()
    row["service_at_locations"][0]["location"].update(latitude=latitude, longitude=longitude)
    assert shapes.read(row, TODAY).places[0].latitude is None


def test_a_row_of_a_place_carries_its_activity() -> None:
    whole = a_row()
    (at,) = whole.pop("service_at_locations")
    taken = shapes.read({**at, "service": whole}, TODAY)
    assert taken.one_place
    assert taken.source_id == an_id(1)
    assert [place.source_id for place in taken.places] == [at["id"]]


@pytest.mark.parametrize(
    ("other", "free"),
    [
        ({"cost_options": [{"id": "c", "amount": 0}]}, "yes"),
        ({"cost_options": [{"id": "c", "amount": 0}, {"id": "d", "amount": 5}]}, "no"),
        ({"cost_options": [{"id": "c", "amount": 5, "valid_to": "2020-01-01"}]}, ""),
        ({"cost_options": None, "fees": "Free"}, "yes"),
        ({"cost_options": None, "fees": "No charge, donations welcome"}, "yes"),
        ({"cost_options": None, "fees": "£3.50 a week, free tea"}, "no"),
        ({"cost_options": None, "fees": "Ask us"}, ""),
        ({"cost_options": None}, ""),
    ],
)
def test_free_is_said_only_where_the_source_says_it(other: dict[str, Any], free: str) -> None:
    assert read(**other).free == free


def test_a_day_of_a_time_that_is_over_is_no_day_to_go() -> None:
    assert ("day", "MO") not in read(schedules=[{"id": "s", "byday": "MO", "valid_to": "2026-01-01"}]).tags
    assert ("day", "MO") in read(schedules=[{"id": "s", "byday": "2MO", "freq": "MONTHLY"}]).tags


def test_what_changes_in_a_row_changes_its_digest() -> None:
    assert read().digest == read().digest
    assert read().digest != read(description="Otherwise").digest


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(a_row())), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*sorted(a_row()), "location", "service"]), json_like, max_size=8))
def test_no_row_whatever_its_types_does_more_than_be_refused(row: dict[str, Any]) -> None:
    with suppress(Refused):
        shapes.read({**a_row(), **row}, TODAY)


def test_a_few_thousand_rows_of_every_kind_are_read() -> None:
    chance = random.Random(7)  # noqa: S311 (made-up rows)
    for _ in range(300):
        row = a_row(chance.randrange(1000))
        for name in chance.sample(sorted(row), 4):
            row[name] = chance.choice([None, 5, "text", [], {}, [{}], [[]], True, "2026-01-01", "£5"])
        try:
            taken = shapes.read(row, TODAY)
        except Refused:
            continue
        assert len(taken.name) <= 150
        assert len(json.dumps(taken.source)) <= 17_000


def test_what_we_keep_for_others_is_bounded() -> None:
    taken = read(funding=[{"id": "f", "source": "x" * 900}] * 50)
    assert len(json.dumps(taken.source)) <= 16_000
    assert any(code == "too-long" for _, code in taken.notes)


def test_bytes_that_begin_like_other_letters_are_not_mistaken() -> None:
    assert [row.value for row in rows_of(b'[{"a":"b"}]', 1)] == [{"a": "b"}]
