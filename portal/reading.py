"""What people type, read into the one form we keep. Pure functions: no clock, no database, nothing remembered.

People type as their phone, keyboard and habit have it: other scripts' digits, full-width letters, spaces where we
would have none. Each reader forgives all it can and returns the canonical value; what it cannot read it refuses by
raising `Unreadable` with a `Problem`, which is a stored code. The kind sentence for each problem belongs to the
journey, in the person's language.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale
    from phonenumbers import PhoneNumber


class Problem(StrEnum):
    """Why an answer could not be read or taken. The value is the stored code and never changes its meaning."""

    MISSING = "missing"
    UNREADABLE_CHARACTERS = "unreadable-characters"
    TOO_LONG = "too-long"
    TOO_MANY_MARKS = "too-many-marks"
    NOT_A_DATE = "not-a-date"
    DATE_IN_FUTURE = "date-in-future"
    DATE_TOO_LONG_AGO = "date-too-long-ago"
    NOT_A_POSTCODE = "not-a-postcode"
    NOT_A_PHONE = "not-a-phone"
    NOT_AN_EMAIL = "not-an-email"
    NOT_AN_NHS_NUMBER = "not-an-nhs-number"
    NOT_A_CHOICE = "not-a-choice"
    CHOOSE_ONE_ONLY = "choose-one-only"
    NONE_AND_SOME = "none-and-some"


class Unreadable(ValueError):
    """What was typed could not be read; `problem` says why. It never carries what was typed: that could reach a log."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


# --- text -------------------------------------------------------------------------------------------------------------

MOST_MARKS = 10  # combining marks on one base; no script needs so many, a page is unreadable with more

# Embeddings and overrides turn the text around them as well. Isolates, LRM, RLM, ALM, ZWJ and ZWNJ stay: Persian, Urdu,
# Sinhala and emoji need them, and they end where the text ends.
_TURNING = re.compile("[\u202a-\u202e]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_SPACING = re.compile("[ \n\t]+")
# U+3000 is the last space in Unicode. A set for strip(), since a pattern for "spaces at the end" takes quadratic time.
_AROUND = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\ufeff"


# Letters and marks by their category, and nothing to be seen: the fillers of Hangul, the joiner of graphemes, the blank
# of Braille.
_UNSEEN = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")


def is_blank(raw: str | None) -> bool:
    """Whether nothing that can be seen was typed: no text, or only spaces and invisible formatting."""
    return raw is None or all(
        character.isspace() or character in _UNSEEN or unicodedata.category(character) == "Cf" for character in raw
    )


def text(raw: str, longest: int, *, lines: bool = False) -> str:
    """Words as the person wrote them, in Unicode NFC, without spaces around; "" when nothing visible was typed.

    With `lines`, line breaks and tabs stay; without, each run of them becomes one space. `longest` counts code points
    of the result. Raises Unreadable: unreadable-characters (control characters, half of a surrogate pair, U+FFFD where
    bytes were not text), too-many-marks, too-long.
    """
    plain = _TURNING.sub("", _LINE_ENDS.sub("\n", raw))
    # Marks are counted before normalising: sorting thousands of marks on one letter takes quadratic time.
    _refuse_unreadable(plain)
    plain = unicodedata.normalize("NFC", plain)
    if not lines:
        plain = _SPACING.sub(lambda run: " " if {"\n", "\t"} & set(run[0]) else run[0], plain)
    plain = plain.strip(_AROUND)
    if is_blank(plain):
        return ""
    if len(plain) > longest:
        raise Unreadable(Problem.TOO_LONG)
    return plain


def digits(raw: str) -> str:
    """The same text with the decimal digits of every script (Arabic, Bengali, full-width …) as 0 to 9."""
    return "".join(str(unicodedata.decimal(character, character)) for character in raw)


def _refuse_unreadable(plain: str) -> None:
    marks = 0
    for character in plain:
        category = unicodedata.category(character)
        if category in {"Cc", "Cs"} and character not in "\n\t":
            raise Unreadable(Problem.UNREADABLE_CHARACTERS)
        if character == "\N{REPLACEMENT CHARACTER}" or _is_noncharacter(character):
            raise Unreadable(Problem.UNREADABLE_CHARACTERS)
        if category[0] == "M":
            marks += 1
        elif category != "Cf":  # an invisible joiner between marks does not begin a new letter
            marks = 0
        if marks > MOST_MARKS:
            raise Unreadable(Problem.TOO_MANY_MARKS)


def _is_noncharacter(character: str) -> bool:
    """Code points Unicode keeps for programs' own use; XML and some databases refuse them (Unicode section 23.7)."""
    return ord(character) & 0xFFFE == 0xFFFE or "\ufdd0" <= character <= "\ufdef"


def _typed(raw: str, problem: Problem, longest: int = 100) -> str:
    """Common first step of the readers below: visible, on one line, of sensible length, digits as 0 to 9."""
    if is_blank(raw):
        raise Unreadable(Problem.MISSING)
    if len(raw) > longest:
        raise Unreadable(problem)
    return digits(unicodedata.normalize("NFKC", text(raw, longest)))


def _joined(typed: str) -> str:
    """Without spaces, dashes, full stops and invisible formatting."""
    return "".join(
        character
        for character in typed
        if not character.isspace()
        and unicodedata.category(character) not in {"Pd", "Cf"}
        and character not in ".\u2212"
    )


# --- date of birth ----------------------------------------------------------------------------------------------------

OLDEST = 120  # years; the oldest age ever proved is 122, and a slip of the finger is far more likely than 121

# Locales whose month names are understood, whatever language the page is in: more than we show pages in, since people
# write the month as they say it. Arabic has three sets of names (Gulf and Egypt, the Levant and Iraq, the Maghreb),
# Persian two. No word means two months among these; a test watches that.
MONTH_LOCALES = (
    *("en_GB", "en", "cy", "pl", "ur", "ro", "pa", "pa_Arab", "bn", "gu"),
    *("ar", "ar_SY", "ar_DZ", "fa", "fa_AF", "ps", "ckb", "so", "pt", "es", "zh"),
)

# After "o" (of) Welsh softens the first letter of a month, so this is the usual way to write a date. Not in CLDR.
_SOFTENED = {"fawrth": 3, "fai": 5, "fehefin": 6, "orffennaf": 7, "fedi": 9, "dachwedd": 11, "ragfyr": 12}

# Words and endings that stand around day and year and say nothing: English, Welsh, Polish, Portuguese and Spanish,
# Romanian, the sign of the Christian era in Urdu, and the ending that links day and month in Kurdish.
_ENGLISH_FILLERS = "the of st nd rd th"  # codespell:ignore nd
_FILLERS = f"{_ENGLISH_FILLERS} o af ail il ydd fed eg ain r rok roku dnia de del do a ul lea din anul ء ی"
_SAY_NOTHING = frozenset(_FILLERS.split())

_CHINESE_MARKS = re.compile("(?<=[0-9])[年月日号號]")


def birth(raw: str, today: date) -> str:
    """A date of birth as "1965-03-27", or "1965" when only the year was typed.

    Reads 27/3/1965, 27 March 1965, March 27 1965, 27th of March 1965, 1965-03-27, 27031965, any script's digits and
    the month names of `MONTH_LOCALES`. Day comes before month, as in the UK, unless there is no such month. Two digits
    are the latest year that is not in the future: in 2026, 65 is 1965, 26 is 2026 or 1926, and 27 is 1927; the page
    that shows the answers back shows four digits. Raises Unreadable: missing, not-a-date, date-in-future,
    date-too-long-ago (more than 120 years).
    """
    typed = _typed(raw, Problem.NOT_A_DATE)
    numbers, words = _parts(typed)
    possible = list(_read_as(numbers, words))
    if not possible:
        raise Unreadable(Problem.NOT_A_DATE)
    refused = []
    for year, month_and_day in possible:
        try:
            return _a_birth(year, month_and_day, today)
        except Unreadable as unreadable:
            refused.append(unreadable)
    # What is nearest to a date explains most: "in the future" says more than "not a date".
    raise min(refused, key=lambda each: each.problem is Problem.NOT_A_DATE)


WRITTEN_WITHIN = timedelta(days=366)
"""How old a paper may be that is typed in: a day before that is a slip of the pen in the year."""


def written_on(day: date, today: date) -> date:
    """The day that stands on a paper, if it can be true. Raises Unreadable: date-in-future, date-too-long-ago."""
    if day > today:
        raise Unreadable(Problem.DATE_IN_FUTURE)
    if day < today - WRITTEN_WITHIN:
        raise Unreadable(Problem.DATE_TOO_LONG_AGO)
    return day


def age_on(birth: str, day: date) -> tuple[int, int]:
    """The youngest and the oldest age in whole years that someone of this `birth` (from the function `birth`) can have
    on `day`; the same twice when the full date is known.

    A person born on 29 February becomes a year older on 1 March of a common year, as in the law of England and Wales.
    """
    if len(birth) == 4:
        born_last, born_first = date(int(birth), 12, 31), date(int(birth), 1, 1)
    else:
        born_last = born_first = date.fromisoformat(birth)
    return _age(born_last, day), _age(born_first, day)


def _age(born: date, day: date) -> int:
    return max(0, day.year - born.year - ((day.month, day.day) < (born.month, born.day)))


def _parts(typed: str) -> tuple[list[str], list[str]]:
    """The numbers, and the words that say something. Marks belong to words: Indic vowels are marks."""
    numbers, words = [], []
    for kind, run in itertools.groupby(_CHINESE_MARKS.sub(" ", typed), key=_kind):
        if kind == "number":
            numbers.append("".join(run))
        elif kind == "word":
            words.append("".join(run))
    words = [word for word in map(search_key, words) if word and word not in _SAY_NOTHING]
    return numbers, words


def _kind(character: str) -> str:
    if character in "0123456789":
        return "number"
    return "word" if unicodedata.category(character)[0] in "LM" or character in "\u200c\u200d" else "between"


_Reading = tuple[str, tuple[int, int] | None]  # year as typed; month and day, or None when only the year was typed


def _read_as(numbers: list[str], words: list[str]) -> Iterator[_Reading]:
    """Every way to read the parts as a date, the likeliest first. Not yet checked against the calendar."""
    if words:
        month = _months().get(" ".join(words))
        if month is not None and len(numbers) == 2:
            first, last = numbers
            day, year = (last, first) if len(first) == 4 else (first, last)
            yield from _in_order(year, str(month), day)
    elif len(numbers) == 3:
        first, second, third = numbers
        if len(first) == 4:
            yield from _in_order(first, second, third)
        else:
            swapped = int(second) > 12  # there is no such month, so this was typed as in the United States
            yield from _in_order(third, first if swapped else second, second if swapped else first)
    elif len(numbers) == 1:
        yield from _run_together(numbers[0])


def _run_together(number: str) -> Iterator[_Reading]:
    if len(number) == 4:
        yield number, None
    elif len(number) in {6, 8}:
        yield from _in_order(number[4:], number[2:4], number[:2])
        if len(number) == 8:
            yield from _in_order(number[:4], number[4:6], number[6:])


def _in_order(year: str, month: str, day: str) -> Iterator[_Reading]:
    if len(year) in {2, 4} and len(month) <= 2 and len(day) <= 2:
        yield year, (int(month), int(day))


def _a_birth(year: str, month_and_day: tuple[int, int] | None, today: date) -> str:
    if month_and_day is None:
        born = year
        in_future = int(year) > today.year
    else:
        exact = _on_calendar(year, month_and_day, today)
        born = exact.isoformat()
        in_future = exact > today
    if in_future:
        raise Unreadable(Problem.DATE_IN_FUTURE)
    if int(born[:4]) == 0 or age_on(born, today)[0] > OLDEST:
        raise Unreadable(Problem.DATE_TOO_LONG_AGO)
    return born


def _on_calendar(year: str, month_and_day: tuple[int, int], today: date) -> date:
    this_century = today.year // 100 * 100
    years = [int(year)] if len(year) == 4 else [this_century + int(year), this_century - 100 + int(year)]
    dates = [each for each in (_date_or_none(one, *month_and_day) for one in years) if each is not None]
    if not dates:
        raise Unreadable(Problem.NOT_A_DATE)
    return next((each for each in dates if each <= today), dates[-1])


def _date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def _months() -> dict[str, int]:
    """Every way to write a month, as search keys: full and short, alone and inside a date."""
    from babel import Locale  # 20 ms and much memory: only for who writes the month as a word

    months = dict(_SOFTENED)
    for locale in map(Locale.parse, MONTH_LOCALES):
        for month, written in _written_months(locale):
            words = _parts(written)[1]
            if words:  # Chinese writes months as numbers too
                months.setdefault(" ".join(words), month)
    return months


def _written_months(locale: "Locale") -> Iterator[tuple[int, str]]:
    from babel.dates import format_date

    for context, width in itertools.product(("format", "stand-alone"), ("wide", "abbreviated")):
        yield from locale.months[context][width].items()
    for month in range(1, 13):  # a whole date too: some languages add an ending to the month there
        yield month, format_date(date(1965, month, 27), "long", locale=locale)


# --- postcode ---------------------------------------------------------------------------------------------------------

# BS 7666's shape with Royal Mail's rules for which letter may stand where (PAF Programmers' Guide, "postcode format").
_POSTCODE = re.compile(
    "(?:[A-PR-UWYZ][A-HK-Y]?[1-9]?[0-9]|[A-PR-UWYZ][0-9][ABCDEFGHJKPSTUW]|[A-PR-UWYZ][A-HK-Y][0-9][ABEHMNPRVWXY])"
    "[0-9][ABD-HJLNP-UW-Z]{2}"
)
# Two that follow no rule: the old Girobank, and "no fixed abode" (NHS Data Dictionary, default postcodes).
_POSTCODES_BY_NAME = frozenset({"GIR0AA", "ZZ993VZ"})
_AREA_NAMES = """
    AB AL B BA BB BD BF BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY
    G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR
    NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA
    WC WD WF WN WR WS WV YO ZE
"""
_AREAS = frozenset(_AREA_NAMES.split())
_LOOK_ALIKE = {"0": "0O", "O": "O0", "1": "1I", "I": "I1", "L": "L1"}


def postcode(raw: str) -> str:
    """A UK postcode in capitals with its space: "SW1A 1AA". Its shape is checked, not whether it exists.

    Forgives case, spaces, dashes, and O for 0, I or L for 1 where the place decides which it is; a postcode area that
    exists is preferred over one that does not. Raises Unreadable: missing, not-a-postcode.
    """
    plain = _joined(_typed(raw, Problem.NOT_A_POSTCODE)).upper()
    if not 5 <= len(plain) <= 7:
        raise Unreadable(Problem.NOT_A_POSTCODE)
    readings = ["".join(each) for each in itertools.product(*(_LOOK_ALIKE.get(one, one) for one in plain))]
    shaped = [each for each in readings if each in _POSTCODES_BY_NAME or _POSTCODE.fullmatch(each)]
    if not shaped:
        raise Unreadable(Problem.NOT_A_POSTCODE)
    # Of equally good ones the first wins, and the product begins with what was really typed.
    best = min(shaped, key=lambda each: (not _has_area(each), _changes(plain, each)))
    return f"{best[:-3]} {best[-3:]}"


def outward(postcode: str) -> str:
    """The first half of a postcode from `postcode`, which names a district of some thousands of homes: "SW1A"."""
    return postcode.partition(" ")[0]


def _has_area(plain: str) -> bool:
    return plain in _POSTCODES_BY_NAME or re.split("[0-9]", plain, maxsplit=1)[0] in _AREAS


def _changes(typed: str, read: str) -> int:
    return sum(one != other for one, other in zip(typed, read, strict=True))


# --- phone ------------------------------------------------------------------------------------------------------------

_PHONE_CHARACTERS = frozenset("0123456789+()/")


def phone(raw: str) -> str:
    """A phone number in E.164: "+447700900123". A number without a country is read as one of the United Kingdom.

    Possible is enough, since new ranges open all the time and the numbers Ofcom keeps for drama, which our made-up
    people have, are never in use. Refused: letters and extensions (E.164 has no place for them), emergency and short
    numbers, and premium-rate numbers, which would cost whoever calls back. Raises Unreadable: missing, not-a-phone.
    """
    import phonenumbers  # 100 ms to import: only for those who give a number

    plain = _joined(_typed(raw, Problem.NOT_A_PHONE))
    if not set(plain) <= _PHONE_CHARACTERS:
        raise Unreadable(Problem.NOT_A_PHONE)
    try:
        number = phonenumbers.parse(plain, "GB")
    except phonenumbers.NumberParseException:
        raise Unreadable(Problem.NOT_A_PHONE) from None
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    premium = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.PREMIUM_RATE
    if not possible or premium or not (phonenumbers.is_valid_number(number) or _is_sane(number)):
        raise Unreadable(Problem.NOT_A_PHONE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_sane(number: "PhoneNumber") -> bool:
    """For numbers in no range we know: not one digit repeated and, in this country, the usual length and start."""
    national = str(number.national_number)
    if len(set(national)) == 1:
        return False
    return number.country_code != 44 or (len(national) == 10 and national[0] in "12378")


def show_phone(e164: str) -> str:
    """A number from `phone` as people here write it: "07700 900123", or "+48 512 345 678" from abroad."""
    import phonenumbers

    number = phonenumbers.parse(e164)
    here = number.country_code == 44
    style = phonenumbers.PhoneNumberFormat.NATIONAL if here else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


# --- email ------------------------------------------------------------------------------------------------------------

LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3: a path of 256 octets, less its two angle brackets
# Copying out of a right-to-left text brings these along at the ends.
_MARKS_OF_DIRECTION = "\u200e\u200f\u061c\u2066\u2067\u2068\u2069\u200b\ufeff "


def email(raw: str) -> str:
    """An email address: the domain in lower case, all in NFC; the part before the @ as typed, since only its owner's
    server knows what case means there. Its shape is checked, not whether anybody reads mail there; example.org is
    taken. Raises Unreadable: missing, unreadable-characters (a line break would let someone write the message's
    headers), not-an-email.
    """
    from email_validator import EmailNotValidError, validate_email  # only for those who give an address

    if is_blank(raw):
        raise Unreadable(Problem.MISSING)
    if "\r" in raw or "\n" in raw:
        raise Unreadable(Problem.UNREADABLE_CHARACTERS)
    if len(raw) > LONGEST_EMAIL + 50:
        raise Unreadable(Problem.NOT_AN_EMAIL)
    typed = text(raw, LONGEST_EMAIL + 50).strip(_MARKS_OF_DIRECTION)
    try:
        return validate_email(typed, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        raise Unreadable(Problem.NOT_AN_EMAIL) from None


# --- NHS number -------------------------------------------------------------------------------------------------------


def nhs_number(raw: str, *, made_up: bool = False) -> str:
    """An NHS number (England, Wales, Isle of Man), H&C number (Northern Ireland) or CHI number (Scotland), 10 digits.

    Checked: the modulus 11 digit, and that the number lies in a range given to people (NHS Data Dictionary, "NHS
    number"). Numbers from 9 on are kept for tests and taken only with `made_up`, for demonstrations; one digit repeated
    is never taken. Spaces and dashes are forgiven. Raises Unreadable: missing, not-an-nhs-number.
    """
    plain = _joined(_typed(raw, Problem.NOT_AN_NHS_NUMBER))
    if len(plain) != 10 or not (plain.isascii() and plain.isdecimal()) or len(set(plain)) == 1:
        raise Unreadable(Problem.NOT_AN_NHS_NUMBER)
    if _modulus_11(plain[:9]) != int(plain[9]) or not _given_to_people(plain, made_up):
        raise Unreadable(Problem.NOT_AN_NHS_NUMBER)
    return plain


def _modulus_11(nine: str) -> int:
    """The check digit; 10 (no number is issued then) can equal no digit."""
    remainder = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
    return (11 - remainder) % 11


def _given_to_people(number: str, made_up: bool) -> bool:
    if number[0] == "9":
        return made_up
    day, month, year = int(number[:2]), int(number[2:4]), int(number[4:6])
    in_scotland = _date_or_none(2000 + year, month, day)  # begins with the date of birth; leap years fall alike in 1900
    return in_scotland is not None or number[0] in "467" or "32" <= number[:2] <= "39"


# --- names, to be found -----------------------------------------------------------------------------------------------

# Letters that Unicode does not take apart, but that people without them on the keyboard type as these.
_PLAIN_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
    # One letter each, but Arabic, Persian and Urdu keyboards have different ones.
    | {"ي": "ی", "ى": "ی", "ك": "ک", "\N{ARABIC TATWEEL}": ""}
    | dict.fromkeys("'’‘ʼʻ`´", "")
)
_SCRIPTS_WITH_ACCENTS = ("LATIN", "GREEK", "CYRILLIC")
_ARABIC_VOWELS = re.compile("[\u064b-\u0652\u0670]")  # written or left out as one likes


def search_key(name: str) -> str:
    """A name as it is searched and compared, in any script: no case, no accents, no apostrophes, single spaces.

    Accents go only where they are accents (Latin, Greek, Cyrillic) and Arabic short vowels where they are optional;
    an Indic vowel sign is a letter of its own and stays. Not for showing. Same key twice: `search_key` of a key is it.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()).translate(_PLAIN_LETTERS)
    kept = []
    accents_go = False
    for character in _ARABIC_VOWELS.sub("", folded):
        category = unicodedata.category(character)
        if category == "Cf" or (category == "Mn" and accents_go):
            continue
        if category[0] != "M":
            accents_go = unicodedata.name(character, "").startswith(_SCRIPTS_WITH_ACCENTS)
        kept.append(" " if category == "Pd" else character)
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))
