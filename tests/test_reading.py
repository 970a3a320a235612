"""What people type, in the ways they really type it, and every bad input we know of."""

import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from itertools import product

import pytest
from babel import Locale
from babel.dates import format_date
from hypothesis import example, given
from hypothesis import strategies as st
from nhs_number.constants import REGION_ENGLAND_WALES_IOM, REGION_NORTHERN_IRELAND, REGION_SCOTLAND
from nhs_number.generate import generate
from nhs_number.validate import is_valid

from portal import reading
from portal.reading import Problem, Unreadable

TODAY = date(2026, 11, 22)
# The first digit of some scripts in which people here count; Unicode lays out each as ten in a row.
ZEROS = {"Arabic": 0x660, "Persian and Urdu": 0x6F0, "Bengali": 0x9E6, "Gurmukhi": 0xA66, "full-width": 0xFF10}

anything = st.text(st.characters(exclude_categories=[]))  # lone surrogates too, which hypothesis leaves out by itself
past = st.dates(date(1907, 1, 1), TODAY)


def in_digits_of(zero: int, plain: str) -> str:
    return "".join(chr(zero + int(one)) if one in "0123456789" else one for one in plain)


def problem_of(read: Callable[[], object]) -> Problem:
    with pytest.raises(Unreadable) as refused:
        read()
    return refused.value.problem


READERS: dict[str, Callable[[str], str]] = {
    "text": lambda raw: reading.text(raw, 4_000, lines=True),
    "one line": lambda raw: reading.text(raw, 35),
    "birth": lambda raw: reading.birth(raw, TODAY),
    "postcode": reading.postcode,
    "phone": reading.phone,
    "email": reading.email,
    "nhs number": reading.nhs_number,
}


@pytest.mark.parametrize("problem", Problem)
def test_a_refusal_says_why_and_never_what_was_typed(problem: Problem) -> None:
    refused = Unreadable(problem)
    assert refused.problem is problem
    assert str(refused) == problem.value


# --- every reader -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))
@given(raw=anything | st.text("0123456789 /-.+()@٠۱২５", max_size=20) | st.text("019/ -JanMarchmaja ", max_size=20))
def test_a_reader_gives_a_lasting_value_or_refuses(read: Callable[[str], str], raw: str) -> None:
    try:
        value = read(raw)
    except Unreadable:
        return
    if value:
        assert read(value) == value, "reading the kept value again must change nothing"
    value.encode()  # no lone surrogate, which no database takes
    assert "\0" not in value


BAD = {
    "NUL": "\0",
    "NUL inside": "1965\0",
    "a lone surrogate": "\ud800",
    "half a pair inside": "a\udfff@example.org",
    "200 combining marks": "a" + "\u0301" * 200,
    "an override": "\u202e",
    "an override around": "\u202eAda\u202c",
    "100 kB": "a" * 100_000,
    "100 kB of digits": "1" * 100_000,
    "100 kB of spaces": "1" + " " * 100_000 + "1",
    "100 kB of marks in the wrong order": "a" + "\u0301\u0323" * 50_000,
    "broken bytes": "\ufffd",
    "a noncharacter": "\uffff",
    "escape codes": "\x1b[2J",
    "C1": "\x9b",
    "a formula": "=cmd|' /C calc'!A0",
    "markup": "<script>alert(1)</script>",
    "superscript digits": "²²²²",
    "other numbers": "Ⅳ½五",
    "an unassigned code point": "\u0378",
}


@pytest.mark.parametrize("raw", BAD.values(), ids=list(BAD))
@pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))
def test_bad_input_is_read_or_refused_and_soon(read: Callable[[str], str], raw: str) -> None:
    began = time.process_time()
    with suppress(Unreadable):
        read(raw).encode()
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("read", [READERS[name] for name in READERS if name not in {"text", "one line"}])
@pytest.mark.parametrize("raw", ["", " ", "\n", "\u200f", "\u00a0\u3000"])
def test_nothing_typed_is_missing(read: Callable[[str], str], raw: str) -> None:
    assert problem_of(lambda: read(raw)) is Problem.MISSING


@pytest.mark.parametrize("raw", [None, "", " \t\r\n", "\u200b", "\u202e\u202c", "\ufeff", "\u3000", "\u3164\u2800"])
def test_what_cannot_be_seen_is_blank(raw: str | None) -> None:
    assert reading.is_blank(raw)


@pytest.mark.parametrize("raw", ["-", "0", "।", "\u0301", "\0"])
def test_what_can_be_seen_or_must_be_refused_is_not_blank(raw: str) -> None:
    assert not reading.is_blank(raw)


# --- text -------------------------------------------------------------------------------------------------------------

WORDS = {
    "Urdu with its joiner": "می‌خواہم دوبارہ",
    "Bengali": "আমি ভালো আছি",
    "Panjabi": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ",
    "a family in one emoji": "👩‍👩‍👧",
    "an isolate around a number": "فون \u206607700 900123\u2069",
    "a mark of direction": "\u200fسلام",
    "Vietnamese": "Nguyễn Thị Hồng",
    "Tibetan stacks": "རྐྱེན",
    "Hebrew with points": "בְּרֵאשִׁית",
}


@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
def test_words_of_real_scripts_are_kept_whole(words: str) -> None:
    assert reading.text(words, 4_000) == unicodedata.normalize("NFC", words)


def test_text_is_kept_in_one_form_whichever_way_it_was_typed() -> None:
    assert reading.text("Zoe\u0308", 4) == "Zoë"


def test_length_counts_code_points_after_composing() -> None:
    assert reading.text("e\u0301" * 35, 35) == "é" * 35
    assert problem_of(lambda: reading.text("a" * 36, 35)) is Problem.TOO_LONG


def test_spaces_around_do_not_count() -> None:
    assert reading.text("  " * 50 + "Ada" + "\u3000\u200b\n", 3) == "Ada"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029"])
def test_line_ends_of_every_kind_become_one(end: str) -> None:
    assert reading.text(f"one{end}two", 100, lines=True) == "one\ntwo"
    assert reading.text(f"one {end}{end} two", 100) == "one two"


def test_tabs_stay_in_long_text_and_become_spaces_in_a_line() -> None:
    assert reading.text("a\t\tb", 100, lines=True) == "a\t\tb"
    assert reading.text("a\t\tb", 100) == "a b"


def test_spaces_inside_a_line_are_as_typed() -> None:
    assert reading.text("Ada  Lovelace", 100) == "Ada  Lovelace"


@pytest.mark.parametrize("turning", ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e"])
def test_what_would_turn_the_page_around_is_dropped(turning: str) -> None:
    assert reading.text(f"A{turning}da", 100) == "Ada"


@pytest.mark.parametrize("control", [*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0)), "\ud800"])
def test_control_characters_are_refused_but_line_ends_and_tabs(control: str) -> None:
    if control in "\t\n\r":
        assert reading.text(f"a{control}b", 9, lines=True)
    else:
        assert problem_of(lambda: reading.text(f"a{control}b", 9, lines=True)) is Problem.UNREADABLE_CHARACTERS


@pytest.mark.parametrize("noncharacter", ["\ufffd", "\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001ffff", "\U0010fffe"])
def test_broken_bytes_and_noncharacters_are_refused(noncharacter: str) -> None:
    assert problem_of(lambda: reading.text(noncharacter, 9)) is Problem.UNREADABLE_CHARACTERS


def test_ten_marks_on_a_letter_are_read_and_eleven_are_not() -> None:
    assert reading.text("a" + "\u0325" * 10 + "b" + "\u0325" * 10, 100)
    assert problem_of(lambda: reading.text("a" + "\u0325" * 11, 100)) is Problem.TOO_MANY_MARKS


def test_invisible_joiners_do_not_hide_a_tower_of_marks() -> None:
    assert problem_of(lambda: reading.text("a" + "\u0325\u200d" * 11, 100)) is Problem.TOO_MANY_MARKS


def test_only_invisible_text_is_no_text() -> None:
    assert reading.text("\u200f \u200d", 9, lines=True) == ""


@given(anything)
def test_nothing_that_is_read_breaks_the_line(raw: str) -> None:
    try:
        line = reading.text(raw, 4_000)
    except Unreadable:
        return
    assert len(line.splitlines()) <= 1
    assert line == line.strip()


@given(st.integers(0, 10**12), st.sampled_from(list(ZEROS.values())))
def test_digits_of_every_script_are_read(number: int, zero: int) -> None:
    assert reading.digits(in_digits_of(zero, f"a{number}b")) == f"a{number}b"


def test_what_is_no_decimal_digit_stays() -> None:
    assert reading.digits("²½Ⅳ五") == "²½Ⅳ五"


# --- date of birth ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        *("27/3/1965", "27/03/1965", "27.3.65", "27-3-1965", "27 3 1965", "27\u20113\u20111965", " 27 / 3 / 1965 "),
        *("1965-03-27", "1965/3/27", "27031965", "19650327", "270365", "27/3/65", "3/27/1965"),
        *("27 March 1965", "27 march 65", "March 27 1965", "March 27th, 1965", "27th of March 1965", "27Mar1965"),
        *("the 27th of March, 1965", "27-Mar-1965", "1965 March 27", "27 Mar. 1965"),
        *("27 Mawrth 1965", "27 o Fawrth 1965", "27ain o Fawrth 1965", "27 marca 1965 r.", "27 marzec 1965"),
        *("27 مارچ 1965", "۲۷ مارچ ۱۹۶۵ء", "٢٧ آذار ١٩٦٥", "27 de março de 1965", "27 de marzo de 1965"),
        *("২৭ মার্চ ১৯৬৫", "১৯৬৫-০৩-২৭", "２７／３／１９６５", "1965年3月27日", "27 三月 1965", "27 martie 1965"),
    ],
)
def test_a_date_of_birth_is_read_as_people_write_it(raw: str) -> None:
    assert reading.birth(raw, TODAY) == "1965-03-27"


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("10 września 1980", "1980-09-10"),
        ("10 wrzesnia 1980", "1980-09-10"),  # typed without the accents
        ("10 o Fai 1980", "1980-05-10"),
        ("5 كانون الثاني 1990", "1990-01-05"),  # two words for one month
        ("Sept 5 1990", "1990-09-05"),
        ("3/4/1970", "1970-04-03"),  # day first, as in the UK
        ("29.2.64", "1964-02-29"),
        ("20111220", "2011-12-20"),  # as day, month, year it would be in the year 1220
        ("20011910", "1910-01-20"),  # as year, month, day it would be month 19
        ("22/11/2026", "2026-11-22"),
    ],
)
def test_a_date_that_could_be_misread_is_read_the_likely_way(raw: str, read: str) -> None:
    assert reading.birth(raw, TODAY) == read


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        *(("1/1/65", "1965-01-01"), ("1/1/00", "2000-01-01"), ("22/11/26", "2026-11-22"), ("23/11/26", "1926-11-23")),
        *(("1/1/27", "1927-01-01"), ("1/1/99", "1999-01-01"), ("29/2/28", "1928-02-29")),
    ],
)
def test_two_digits_are_the_latest_year_not_in_the_future(raw: str, read: str) -> None:
    assert reading.birth(raw, TODAY) == read


@pytest.mark.parametrize("raw", ["1965", "۱۹۶۵", " 1965. "])
def test_a_year_alone_is_enough(raw: str) -> None:
    assert reading.birth(raw, TODAY) == "1965"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "31/2/1965",
            "29/2/1965",
            "29.2.27",
            "0/1/1965",
            "13/13/13",
            "32 March 1965",
            "27 March",
            "March 1965",
            "March",
        ),
        *("27/3", "27/3/965", "27/3/19655", "27 3 19 65", "27 March April 1965", "yesterday", "65", "1", "-", "?"),
        *("27/3/1965 12:00", "123456789", "99999999", "310265", "27 xyz 1965", "²7/3/1965x", "1/1/0000", "²²²²x"),
    ],
)
def test_what_is_no_date_is_refused(raw: str) -> None:
    assert problem_of(lambda: reading.birth(raw, TODAY)) is Problem.NOT_A_DATE


@pytest.mark.parametrize("raw", ["23/11/2026", "2027", "1 January 2030", "01012030", "9999", "1/12/2026"])
def test_a_birth_in_the_future_is_refused(raw: str) -> None:
    # The last one: read as in the United States it would be past, but nobody may be given another birthday in silence.
    assert problem_of(lambda: reading.birth(raw, TODAY)) is Problem.DATE_IN_FUTURE


@pytest.mark.parametrize("raw", ["1/1/1800", "1865", "0000", "1344/1/7", "22/11/1905", "1904", "01010001"])
def test_a_birth_more_than_120_years_ago_is_refused(raw: str) -> None:
    assert problem_of(lambda: reading.birth(raw, TODAY)) is Problem.DATE_TOO_LONG_AGO


def test_the_oldest_birth_that_is_taken() -> None:
    assert reading.birth("23/11/1905", TODAY) == "1905-11-23"
    assert reading.birth("1905", TODAY) == "1905"


@given(past, st.sampled_from(reading.MONTH_LOCALES), st.sampled_from(["long", "d MMM y", "d MMMM y", "d LLLL y"]))
def test_a_birth_reads_back_as_every_language_writes_it(born: date, locale: str, style: str) -> None:
    assert reading.birth(format_date(born, style, locale=locale), TODAY) == born.isoformat()


@given(
    past,
    st.sampled_from(["{d}/{m}/{y}", "{y}-{m}-{d}", "{d:02}{m:02}{y}", "{d} {m} {y}"]),
    st.sampled_from(list(ZEROS)),
)
def test_a_birth_in_figures_reads_back_in_every_script(born: date, style: str, script: str) -> None:
    typed = in_digits_of(ZEROS[script], style.format(d=born.day, m=born.month, y=born.year))
    assert reading.birth(typed, TODAY) == born.isoformat()


def test_no_word_means_two_months() -> None:
    meant: dict[str, set[int]] = {}
    for locale in reading.MONTH_LOCALES:
        tables = Locale.parse(locale).months
        for context, width in product(("format", "stand-alone"), ("wide", "abbreviated")):
            for month, written in tables[context][width].items():
                meant.setdefault(reading.search_key(written).rstrip("."), set()).add(month)
    assert len(meant) > 200
    assert {word: months for word, months in meant.items() if len(months) > 1} == {}


# --- age --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birth", "day", "ages"),
    [
        ("1965-03-27", date(2026, 3, 26), (60, 60)),
        ("1965-03-27", date(2026, 3, 27), (61, 61)),
        # Born on 29 February: a year older on 1 March of a common year, on the day itself in a leap year.
        ("2008-02-29", date(2026, 2, 28), (17, 17)),
        ("2008-02-29", date(2026, 3, 1), (18, 18)),
        ("2008-02-29", date(2028, 2, 29), (20, 20)),
        # The year alone: not yet, or already, had this year's birthday.
        ("2008", date(2026, 6, 1), (17, 18)),
        ("2008", date(2026, 1, 1), (17, 18)),
        ("2008", date(2026, 12, 31), (18, 18)),
        ("2026", date(2026, 6, 1), (0, 0)),
    ],
)
def test_age_counts_birthdays(birth: str, day: date, ages: tuple[int, int]) -> None:
    assert reading.age_on(birth, day) == ages


@given(past, past)
def test_the_age_of_a_year_holds_the_age_of_each_of_its_days(born: date, day: date) -> None:
    exact, same = reading.age_on(born.isoformat(), day)
    youngest, oldest = reading.age_on(str(born.year), day)
    assert exact == same
    assert youngest <= exact <= oldest <= youngest + 1


@given(past, st.integers(0, 40_000))
def test_nobody_grows_younger(born: date, days: int) -> None:
    later = born + timedelta(days=days)
    assert reading.age_on(born.isoformat(), later) <= reading.age_on(born.isoformat(), later + timedelta(days=1))


# --- postcode ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        # One of each shape that Royal Mail gives as examples.
        *((shape, shape) for shape in ("M1 1AA", "M60 1NW", "CR2 6XH", "DN55 1PT", "W1A 1HQ", "EC1A 1BB", "SW1A 1AA")),
        *(("GIR 0AA", "GIR 0AA"), ("gir oaa", "GIR 0AA")),  # codespell:ignore gir
        *(("zz993vz", "ZZ99 3VZ"), ("BF1 3AA", "BF1 3AA")),
        *(("sw1a1aa", "SW1A 1AA"), (" s w1 a1a a ", "SW1A 1AA"), ("SW1A-1AA", "SW1A 1AA"), ("SW1A 1AA.", "SW1A 1AA")),
        *(("ＳＷ１Ａ　１ＡＡ", "SW1A 1AA"), ("SW١A ١AA", "SW1A 1AA")),
        # O and 0, I or L and 1, where the place decides.
        *(("SWIA IAA", "SW1A 1AA"), ("swla laa", "SW1A 1AA"), ("0X1 1AA", "OX1 1AA"), ("OXI IAA", "OX1 1AA")),
        *(("BS10 OAA", "BS10 0AA"), ("S01 2AB", "SO1 2AB"), ("SO1 2AB", "SO1 2AB"), ("PO1 2AB", "PO1 2AB")),
        *(("IP1 1AA", "IP1 1AA"), ("1P1 1AA", "IP1 1AA"), ("L1 8JQ", "L1 8JQ"), ("LL11 1AA", "LL11 1AA")),
        # An area that exists is preferred: there is none called EL.
        *(
            ("el1 1aa", "E11 1AA"),
            ("B11 1AA", "B11 1AA"),
            ("BI1 1AA", "B11 1AA"),
            ("CR0 2AA", "CR0 2AA"),
            ("CRO 2AA", "CR0 2AA"),
        ),
    ],
)
def test_a_postcode_is_read_as_people_write_it(raw: str, read: str) -> None:
    assert reading.postcode(raw) == read


@pytest.mark.parametrize(
    "raw",
    [
        "SW1A",
        "SW1A 1A",
        "SW1A 1AAA",
        "1AA SW1A",
        "QX1 1AA",
        "SW1A 1CA",
        "SW1A 1AK",
        "AB123 1AA",
        "90210",
        "ZZ99 3WZ",
        "?",
    ],
)
def test_what_is_no_postcode_is_refused(raw: str) -> None:
    assert problem_of(lambda: reading.postcode(raw)) is Problem.NOT_A_POSTCODE


def test_an_area_we_do_not_know_is_taken_when_the_shape_is_right() -> None:
    assert reading.postcode("aa1 1aa") == "AA1 1AA"


@given(st.from_regex(reading._POSTCODE, fullmatch=True).filter(lambda plain: reading._has_area(plain)))
def test_a_rightly_typed_postcode_is_never_changed(plain: str) -> None:
    assert reading.postcode(plain.lower()).replace(" ", "") == plain


@pytest.mark.parametrize(("postcode", "half"), [("SW1A 1AA", "SW1A"), ("M1 1AA", "M1"), ("ZZ99 3VZ", "ZZ99")])
def test_the_outward_half_names_the_district(postcode: str, half: str) -> None:
    assert reading.outward(postcode) == half


# --- phone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        *("07700 900123", "07700900123", "(07700) 900-123", "07700.900.123", "+44 7700 900123", "+44 (0)7700 900123"),
        *(
            "0044 7700 900123",
            "07700–900–123",
            "٠٧٧٠٠ ٩٠٠١٢٣",
            "۰۷۷۰۰۹۰۰۱۲۳",
            "０７７００　９００１２３",
            "+٤٤٧٧٠٠٩٠٠١٢٣",
        ),
        *("\u202a07700 900123\u202c", "\u206607700 900123\u2069", "7700 900123", "07700\u2011900123", "07700/900123"),
    ],
)
def test_a_mobile_number_is_read_as_people_write_it(raw: str) -> None:
    assert reading.phone(raw) == "+447700900123"


# Numbers Ofcom keeps for drama and never gives to anyone ("Telephone numbers for use in TV and radio drama").
DRAMA = {
    "01632 960001": "+441632960001",
    "0113 496 0999": "+441134960999",
    "0114 496 0000": "+441144960000",
    "0115 496 0000": "+441154960000",
    "0116 496 0000": "+441164960000",
    "0117 496 0000": "+441174960000",
    "0118 496 0000": "+441184960000",
    "0121 496 0000": "+441214960000",
    "0131 496 0000": "+441314960000",
    "0141 496 0000": "+441414960000",
    "0151 496 0000": "+441514960000",
    "0161 496 0000": "+441614960000",
    "020 7946 0001": "+442079460001",
    "0191 498 0000": "+441914980000",
    "028 9649 6000": "+442896496000",
    "029 2018 0000": "+442920180000",
    "07700 900999": "+447700900999",
    "0808 157 0192": "+448081570192",
    "03069 990001": "+443069990001",
}


@pytest.mark.parametrize(("raw", "e164"), DRAMA.items())
def test_numbers_kept_for_drama_are_read(raw: str, e164: str) -> None:
    assert reading.phone(raw) == e164
    assert reading.phone(reading.show_phone(e164)) == e164


@given(st.integers(0, 999))
def test_every_mobile_number_kept_for_drama_is_read_and_shown(last: int) -> None:
    shown = f"07700 900{last:03d}"
    assert reading.show_phone(reading.phone(shown)) == shown


@pytest.mark.parametrize(
    ("raw", "e164", "shown"),
    [
        ("+48 512 345 678", "+48512345678", "+48 512 345 678"),
        ("0092 300 1234567", "+923001234567", "+92 300 1234567"),
        ("+353 1 234 5678", "+35312345678", "+353 1 234 5678"),
        ("0800 1111", "+448001111", "0800 1111"),  # short, and real: Childline
        ("020 7946 0001", "+442079460001", "020 7946 0001"),
    ],
)
def test_other_numbers_are_read_and_shown(raw: str, e164: str, shown: str) -> None:
    assert reading.phone(raw) == e164
    assert reading.show_phone(e164) == shown


@pytest.mark.parametrize(
    "raw",
    [
        *("999", "112", "111", "07700 90012", "07700 9001234", "900123", "+44", "+", "+999 123456789", "00000000000"),
        *("+441111111111", "09098 790001", "+1 900 555 0123", "0800 FLOWERS", "07700 900123 ext 4", "07700 900123x4"),
        *("07700+900123", "+48 1", "060 0000 0000", "ada@example.org", "07700 900123, 07700 900124", "*#06#"),
    ],
)
def test_what_is_no_number_to_call_or_text_is_refused(raw: str) -> None:
    assert problem_of(lambda: reading.phone(raw)) is Problem.NOT_A_PHONE


# --- email ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada.Lovelace+portal@EXAMPLE.com ", "Ada.Lovelace+portal@example.com"),
        ("\u2066ada@example.org\u2069", "ada@example.org"),
        ("\u200fada@example.org\u200f", "ada@example.org"),
        ("\u202aada@example.org\u202c", "ada@example.org"),
        ("łucja@przykład.example", "łucja@przykład.example"),
        ("zoe\u0308@example.org", "zoë@example.org"),
        ("ada@xn--przykad-rjb.example", "ada@przykład.example"),
        ("o'brien@example.org", "o'brien@example.org"),
    ],
)
def test_an_email_address_is_read_as_people_write_it(raw: str, read: str) -> None:
    assert reading.email(raw) == read


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "ada",
            "ada@",
            "@example.org",
            "ada@example",
            "ada@@example.org",
            "ada example@example.org",
            "ada@exam ple.org",
        ),
        *(
            "ada@example.org, bob@example.org",
            "Ada <ada@example.org>",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "a..b@example.org",
        ),
        *("ada@example..org", ".ada@example.org", '"a b"@example.org', "a" * 65 + "@example.org", "07700 900123"),
        *("a@" + "b" * 64 + ".org", "a" * 60 + "@" + ".".join(["b" * 60] * 4) + ".org", "a@" + "b." * 200 + "org"),
    ],
)
def test_what_is_no_address_is_refused(raw: str) -> None:
    assert problem_of(lambda: reading.email(raw)) is Problem.NOT_AN_EMAIL


@pytest.mark.parametrize(
    "raw", ["ada@example.org\r\nBcc: eve@example.org", "ada@example.org\n", "\rada@example.org", "a\0@b.org"]
)
def test_an_address_cannot_carry_a_line_of_its_own(raw: str) -> None:
    assert problem_of(lambda: reading.email(raw)) is Problem.UNREADABLE_CHARACTERS


# --- NHS number -------------------------------------------------------------------------------------------------------


def test_the_published_example_of_the_check_digit() -> None:
    # "943 476 5919" is worked through in the explanations of modulus 11 that go round; 9 to 3 weights 10 to 2: 299, and
    # 299 leaves 2 over 11, 11 - 2 = 9.
    assert reading._modulus_11("943476591") == 9
    assert reading.nhs_number("943 476 5919", made_up=True) == "9434765919"


@pytest.mark.parametrize(
    "raw", ["401 023 2137", "4010232137", "401-023-2137", " 401–023–2137 ", "٤٠١ ٠٢٣ ٢١٣٧", "４０１０２３２１３７"]
)
def test_an_nhs_number_is_read_as_people_write_it(raw: str) -> None:
    assert reading.nhs_number(raw) == "4010232137"


@pytest.mark.parametrize(
    "raw",
    [
        *("401 023 2138", "401 032 2137", "401 023 213", "401 023 21377", "401 023 213X", "1111111111", "0000000000"),
        *("²²²²²²²²²²", "ABCDEFGHIJ", "4444444444"),
    ],
)
def test_what_is_no_nhs_number_is_refused(raw: str) -> None:
    assert problem_of(lambda: reading.nhs_number(raw)) is Problem.NOT_AN_NHS_NUMBER
    assert problem_of(lambda: reading.nhs_number(raw, made_up=True)) is Problem.NOT_AN_NHS_NUMBER


def test_numbers_kept_for_tests_are_taken_only_for_made_up_people() -> None:
    for number in generate(quantity=50):
        assert number.startswith("9")
        assert reading.nhs_number(number, made_up=True) == number
        with pytest.raises(Unreadable):
            reading.nhs_number(number)


@given(st.integers(0, 10**9 - 1))
def test_we_take_the_numbers_that_another_program_calls_given_to_people(nine: int) -> None:
    number = f"{nine:09d}{reading._modulus_11(f'{nine:09d}') % 10}"  # where no check digit exists, a wrong one
    regions = (REGION_ENGLAND_WALES_IOM, REGION_NORTHERN_IRELAND, REGION_SCOTLAND)
    expected = any(is_valid(number, for_region=region) for region in regions) and len(set(number)) > 1
    try:
        taken = reading.nhs_number(number) == number
    except Unreadable:
        taken = False
    assert taken is expected


@given(st.integers(0, 9), st.integers(0, 9))
def test_one_wrong_digit_is_always_found(place: int, other: int) -> None:
    number = "4010232137"
    wrong = f"{number[:place]}{other}{number[place + 1 :]}"
    assert (reading._modulus_11(wrong[:9]) == int(wrong[9])) is (wrong == number)


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        *(
            ("0101010000", True),
            ("3112990000", True),
            ("2902000000", True),
            ("2902010000", False),
            ("3104010000", False),
        ),
        *(("0013010000", False), ("0100000000", False), ("3113000000", False), ("3199999999", False)),
        *(("3200000000", True), ("3999999999", True), ("4000000000", True), ("4999999999", True)),
        *(("5000000000", False), ("5999999999", False), ("6000000000", True), ("7999999999", True)),
        *(("8000000000", False), ("8999999999", False), ("9000000000", False), ("9999999999", False)),
    ],
)
def test_only_numbers_in_a_range_given_to_people_are_taken(number: str, taken: bool) -> None:
    assert reading._given_to_people(number, made_up=False) is taken


# --- names, to be found -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(
            ("José", "jose"),
            ("Łukasz Żółć", "LUKASZ ZOLC"),
            ("Nguyễn", "Nguyen"),
            ("Straße", "STRASSE"),
            ("Ørsted", "orsted"),
        ),
        *(
            ("O’Brien", "O'Brien"),
            ("O'Brien", "obrien"),
            ("Anne-Marie", "anne  marie"),
            ("  Ada  ", "Ada"),
            ("ＡＤＡ", "ada"),
        ),
        *(("İbrahim", "ibrahim"), ("Σωκράτης", "ΣΩΚΡΑΤΗΣ"), ("Ἀθηνᾶ", "αθηνα"), ("Пётр", "петр"), ("Siân", "Sian")),
        *(
            ("محمّد", "محمد"),
            ("علي", "علی"),
            ("كريم", "کریم"),
            ("محمـــد", "محمد"),
            ("می‌نا", "مینا"),
            ("Æthel", "aethel"),
        ),
    ],
)
def test_a_name_is_found_however_it_is_typed(one: str, other: str) -> None:
    assert reading.search_key(one) == reading.search_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("কমল", "কামাল"),  # Bengali: vowel signs are letters
        ("ਰਾਮ", "ਰਮ"),
        ("कमल", "कमला"),
        ("がく", "かく"),  # Japanese: voiced or not is another sound
        ("سارا", "سارہ"),
        ("Ana", "Anna"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert reading.search_key(one) != reading.search_key(other)


@given(anything)
@example("İ")
@example("ǰ\u0323")
def test_a_search_key_of_a_key_is_the_key(name: str) -> None:
    key = reading.search_key(name)
    assert reading.search_key(key) == key
