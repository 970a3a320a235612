"""A person's own line as a small picture, as sentences, and as a table: three ways to say the same.

Plain values in: goals, scales and the staff's pages all use it. The range is always the whole range of what was asked,
so that a small change looks small. What is missing is a gap and never a nought; where the words or the way of answering
changed, the line is broken and the reason is said. Nothing is called good or bad here.

The picture runs from left to right in every language, as numbers do: each point carries its date.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel import dates
from flask import current_app
from markupsafe import Markup

from portal.i18n import LANGUAGES, N_, gettext, say_date, spoken

Number = int | Decimal

WIDE, HIGH = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 34, 300, 26, 118
"""The picture in its own units, which are pixels on a phone 360 wide; the line lies between these edges."""

NEAREST = 22
"""Two points stand at least this far apart, whatever their dates, so that their numbers can be read."""
MOST = 12
"""So many points fit; of more the last are drawn, and the table has them all."""
DATE_WIDE = 76
"""How much room a short date takes."""


@dataclass(frozen=True)
class Point:
    """One time that somebody answered. ``value`` is ``None`` when there is no number: a gap.

    ``label`` is the value as words ("7: quite a lot"), where it has any. ``broken``: why it may not be joined to the
    point before (a sentence, translated); empty when it may. ``note`` stands in the table beside it.
    """

    on: date
    value: Number | None
    label: str = ""
    broken: str = ""
    note: str = ""


@dataclass(frozen=True)
class Norm:
    """What people in general answer, with where that comes from. For staff alone: on the person's own page nobody is
    measured against others."""

    value: Number
    words: str


@dataclass(frozen=True)
class Chart:
    """What is to be drawn. ``code`` begins the ids and is unique on the page; ``lowest`` to ``highest`` is all that can
    be answered, and ``ends`` says in words what the two ends mean. ``language``: of the title, where it is another one
    than the page's; ``more``: sentences to say besides."""

    code: str
    title: str
    points: tuple[Point, ...]
    lowest: Number
    highest: Number
    ends: tuple[str, str] = ("", "")
    norm: Norm | None = None
    language: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Dot:
    x: int
    y: int
    value: str


@dataclass(frozen=True)
class _Stroke:
    path: str
    broken: bool


@dataclass(frozen=True)
class _Day:
    x: int
    words: str


def chart(drawn: Chart, *, table: bool = True, titled: bool = False) -> Markup:
    """The picture, the sentences and, unless the page has one of its own, the table. ``titled``: the title stands above
    it, where nothing else on the page says it."""
    shown = drawn.points[-MOST:]
    places = _places([point.on for point in shown])
    parts = current_app.jinja_env.get_template("parts/chart.html").module
    drawn_by: Callable[..., Markup] = getattr(parts, "chart")  # noqa: B009  # the module's macros are not typed
    return drawn_by(
        drawn,
        frame={"wide": WIDE, "high": HIGH, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        dots=list(_dots(drawn, shown, places)),
        strokes=list(_strokes(drawn, shown, places)),
        days=list(_days(shown, places)),
        norm_at=_height(drawn, drawn.norm.value) if drawn.norm else 0,
        ends=(said(drawn.lowest), said(drawn.highest)),
        rtl=spoken().direction == "rtl",
        direction=LANGUAGES[drawn.language].direction if drawn.language in LANGUAGES else "ltr",
        sentences=sentences(drawn),
        table=_table(drawn) if table and drawn.points else None,
        titled=titled,
    )


def said(value: Number) -> str:
    """A number as it is written here: Latin digits, no noughts behind the point that say nothing."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def short_date(day: date) -> str:
    """A date that fits under a point, such as "3 Mar 27"."""
    return dates.format_date(day, "d MMM yy", locale=spoken().locale)


# In words ------------------------------------------------------------------------------------------------------------


def sentences(drawn: Chart) -> list[str]:
    """The same as the picture, in plain sentences that praise nothing and warn of nothing."""
    answered = [point for point in drawn.points if point.value is not None]
    found = []
    if not answered:
        found.append(gettext(N_("There is no answer yet.")))
    elif len(answered) == 1:
        found.append(gettext(N_("One answer so far: %(value)s, on %(day)s."), **_of(answered[0])))
    else:
        found.append(gettext(N_("First answer: %(value)s, on %(day)s."), **_of(answered[0])))
        if len(answered) > 2:
            found.append(gettext(N_("Last time: %(value)s, on %(day)s."), **_of(answered[-2])))
        found.append(gettext(N_("Now: %(value)s, on %(day)s."), **_of(answered[-1])))
    found.append(_range_of(drawn))
    if missing := [say_date(point.on, weekday=False) for point in drawn.points if point.value is None]:
        found.append(gettext(N_("No answer on: %(days)s."), days="; ".join(missing)))
    # The same reason is given once, however often the line breaks.
    found += dict.fromkeys(point.broken for point in drawn.points if point.broken)
    found += drawn.more
    if len(drawn.points) > MOST:
        found.append(gettext(N_("The picture shows the last %(most)s answers. The table shows all."), most=MOST))
    return found


def once(notes: Sequence[str]) -> tuple[str, list[str]]:
    """What most of the notes say, as a sentence to say once; and what is then left to say beside each answer."""
    told = [note for note in notes if note]
    if len(told) < 2 or "" in notes:
        return "", list(notes)
    usual, times = Counter(told).most_common(1)[0]
    if times == len(notes):
        return usual, ["" for _ in notes]
    if times == 1:
        return "", list(notes)
    return gettext(N_("If the table says nothing else: %(how)s"), how=usual), [
        "" if note == usual else note for note in notes
    ]


def _of(point: Point) -> dict[str, str]:
    return {"value": _words(point), "day": say_date(point.on, weekday=False)}


def _words(point: Point) -> str:
    if point.value is None:
        return point.label or gettext(N_("No answer"))
    return _isolated(point.label) if point.label else said(point.value)


def _isolated(words: str) -> str:
    """Words of a scale may be in another script than the sentence: they keep their own direction."""
    return f"\N{FIRST STRONG ISOLATE}{words}\N{POP DIRECTIONAL ISOLATE}"


def _range_of(drawn: Chart) -> str:
    low, high = said(drawn.lowest), said(drawn.highest)
    if any(drawn.ends):
        lowest, highest = (_isolated(words) for words in drawn.ends)
        ends = {"low": low, "lowest": lowest, "high": high, "highest": highest}
        return gettext(N_("%(low)s means: %(lowest)s. %(high)s means: %(highest)s."), **ends)
    return gettext(N_("The numbers go from %(low)s to %(high)s."), low=low, high=high)


def _table(drawn: Chart) -> "dict[str, list[object]]":
    """Head and rows; the last column is there only when it says anything."""
    head, told = [gettext(N_("Date")), gettext(N_("Answer")), gettext(N_("What to know"))], rows(drawn)
    columns = 3 if any(note for _, _, note in told) else 2
    return {"head": [*head[:columns]], "rows": [list(row[:columns]) for row in told]}


def rows(drawn: Chart) -> list[tuple[str, str, str]]:
    """The table: date, answer, and what is to be known about it. The oldest first, as in the picture."""
    return [
        (say_date(point.on, weekday=False), _words(point), " ".join(filter(None, (point.note, point.broken))))
        for point in drawn.points
    ]


# As a picture --------------------------------------------------------------------------------------------------------


def _places(days: Sequence[date]) -> list[int]:
    """Where each day stands: as far apart as in time, but never so near that numbers lie on each other."""
    if len(days) < 2:
        return [(LEFT + RIGHT) // 2 for _ in days]
    whole = max((days[-1] - days[0]).days, 1)
    # What the least distances take is dealt out first; the rest of the width is time.
    gaps = [(later - earlier).days / whole for earlier, later in zip(days, days[1:], strict=False)]
    width = RIGHT - LEFT - 8
    free = width - NEAREST * len(gaps)
    at, places = float(LEFT + 8), [LEFT + 8]
    for gap in gaps:
        at += NEAREST + gap * free if days[0] != days[-1] else width / len(gaps)
        places.append(round(at))
    return places


def _height(drawn: Chart, value: Number) -> int:
    part = float(value - drawn.lowest) / float(drawn.highest - drawn.lowest)
    return round(BOTTOM - part * (BOTTOM - TOP))


def _dots(drawn: Chart, shown: Sequence[Point], places: Sequence[int]) -> Iterator[_Dot]:
    for point, x in zip(shown, places, strict=True):
        if point.value is not None:
            yield _Dot(x, _height(drawn, point.value), said(point.value))


def _strokes(drawn: Chart, shown: Sequence[Point], places: Sequence[int]) -> Iterator[_Stroke]:
    """From each point to the next; none across a gap."""
    both = list(zip(shown, places, strict=True))
    for (before, x), (after, next_x) in zip(both, both[1:], strict=False):
        if before.value is not None and after.value is not None:
            y, next_y = _height(drawn, before.value), _height(drawn, after.value)
            yield _Stroke(f"M{x} {y}L{next_x} {next_y}", bool(after.broken))


def _days(shown: Sequence[Point], places: Sequence[int]) -> Iterator[_Day]:
    """The dates that fit: the first, the last, and those between that touch neither."""
    both = list(zip((point.on for point in shown), places, strict=True))
    if not both:
        return
    # The first and the last keep within the picture; whoever is between keeps away from both.
    half = DATE_WIDE // 2
    first_at = max(both[0][1], half)
    last_at = min(both[-1][1], WIDE - half)
    if len(both) > 1 and both[0][0] == both[-1][0]:
        yield _Day((first_at + last_at) // 2, short_date(both[0][0]))
        return
    taken = first_at
    yield _Day(first_at, short_date(both[0][0]))
    for day, x in both[1:-1]:
        if x - taken >= DATE_WIDE and last_at - x >= DATE_WIDE:
            taken = x
            yield _Day(x, short_date(day))
    if len(both) > 1:
        yield _Day(last_at, short_date(both[-1][0]))
