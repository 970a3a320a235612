"""A person's own line: the picture, the sentences and the table say the same, and none of them says more."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.i18n import LANGUAGES, speaking
from portal.web import charts
from portal.web.charts import Chart, Norm, Point
from tests.inspector import Page

DAY = date(2026, 3, 2)
SVG = "{http://www.w3.org/2000/svg}"


def point(weeks: int, value: int | None, **more: str) -> Point:
    return Point(DAY + timedelta(weeks=weeks), value, **more)


def a_chart(*points: Point, **more: object) -> Chart:
    return Chart("c", "How close", points, **{"lowest": 0, "highest": 10, **more})  # type: ignore[arg-type]


def drawn(app: Flask, chart: Chart, language: str = "en", **how: bool) -> Page:
    """The chart alone on a page of its own."""
    with app.test_request_context("/"), speaking(language):
        return Page(f"<!doctype html><html><body>{charts.chart(chart, **how)}</body></html>")


def of_class(page: Page, name: str) -> list[str]:
    return ["".join(e.itertext()) for e in page.elements if f"portal-chart__{name}" in e.get("class", "").split()]


def strokes(page: Page) -> list[str]:
    return [e.get("class", "") for e in page.all(SVG + "path") if "portal-chart__line" in e.get("class", "")]


def caption(page: Page) -> str:
    return " ".join("".join(page.all("figcaption")[0].itertext()).split())


def heights(page: Page) -> list[int]:
    return [int(dot.get("cy", "")) for dot in page.all(SVG + "circle")]


def test_every_answer_is_a_dot_with_its_number_joined_in_the_order_of_time(app: Flask) -> None:
    page = drawn(app, a_chart(point(0, 3), point(6, 5), point(12, 4)))
    assert of_class(page, "value") == ["3", "5", "4"]
    assert strokes(page) == ["portal-chart__line"] * 2
    first, second, third = (int(dot.get("cx", "")) for dot in page.all(SVG + "circle"))
    assert first < second < third
    assert second - first == pytest.approx(third - second, abs=1)


def test_the_range_is_the_whole_range_and_not_that_of_the_answers(app: Flask) -> None:
    assert heights(drawn(app, a_chart(point(0, 0), point(6, 10)))) == [charts.BOTTOM, charts.TOP]
    near = heights(drawn(app, a_chart(point(0, 5), point(6, 6))))
    assert near[0] - near[1] == pytest.approx((charts.BOTTOM - charts.TOP) / 10, abs=1)


def test_what_is_missing_is_a_gap_and_never_a_nought(app: Flask) -> None:
    page = drawn(app, a_chart(point(0, 3), point(6, None), point(12, 4)))
    assert of_class(page, "value") == ["3", "4"]
    assert strokes(page) == []
    assert charts.BOTTOM not in heights(page)
    assert "No answer on: 13 April 2026." in caption(page)
    rows = ["".join(row.itertext()) for row in page.all("tr")]
    assert rows[2] == "13 April 2026No answer"


def test_a_line_breaks_where_two_answers_are_not_alike_and_says_why_once(app: Flask) -> None:
    why = "The words changed."
    page = drawn(app, a_chart(point(0, 3), point(6, 5, broken=why), point(12, 4, broken=why), point(18, 4)))
    assert [("--broken" in one) for one in strokes(page)] == [True, True, False]
    assert caption(page).count(why) == 1


def test_the_picture_has_a_name_and_the_sentences_describe_it(app: Flask) -> None:
    page = drawn(app, a_chart(point(0, 3), point(6, 5)))
    picture = page.all(SVG + "svg")[0]
    assert picture.get("role") == "img"
    words = {e.get("id"): "".join(e.itertext()) for e in page.elements if e.get("id")}
    assert words[picture.get("aria-labelledby")] == "How close"
    said = " ".join(words[picture.get("aria-describedby")].split())
    assert said == ("First answer: 3, on 2 March 2026. Now: 5, on 13 April 2026. The numbers go from 0 to 10.")


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([], "There is no answer yet."),
        ([point(0, None)], "There is no answer yet."),
        ([point(0, 4)], "One answer so far: 4, on 2 March 2026."),
        (
            [point(0, 4), point(6, 5), point(12, 2)],
            "First answer: 4, on 2 March 2026. Last time: 5, on 13 April 2026. Now: 2, on 25 May 2026.",
        ),
    ],
)
def test_the_sentences_say_what_there_is(points: list[Point], said: str) -> None:
    assert " ".join(charts.sentences(a_chart(*points))).startswith(said)


def test_better_and_worse_are_said_in_the_same_words() -> None:
    up = " ".join(charts.sentences(a_chart(point(0, 2), point(6, 8))))
    down = " ".join(charts.sentences(a_chart(point(0, 8), point(6, 2))))
    assert re.sub(r"[28]\b", "x", up) == re.sub(r"[28]\b", "x", down)


def test_the_ends_are_said_in_the_words_of_the_form() -> None:
    said = charts.sentences(a_chart(point(0, 2), ends=("not at all", "completely")))
    assert "0 means: \u2068not at all\u2069. 10 means: \u2068completely\u2069." in said


def test_the_words_of_an_answer_keep_their_own_direction() -> None:
    said = charts.sentences(a_chart(point(0, 2, label="ہمیشہ")))[0]
    assert "\u2068ہمیشہ\u2069" in said


def test_only_where_a_norm_is_given_is_there_its_line(app: Flask) -> None:
    plain = drawn(app, a_chart(point(0, 3)))
    assert "portal-chart__norm" not in plain.html
    page = drawn(app, a_chart(point(0, 3), norm=Norm(Decimal("7.45"), "United Kingdom, 2023")))
    assert "portal-chart__norm" in page.html
    assert "Thin line: United Kingdom, 2023." in caption(page)


def test_of_very_many_answers_the_last_are_drawn_and_the_table_has_all(app: Flask) -> None:
    page = drawn(app, a_chart(*(point(week, 5) for week in range(20))))
    assert len(page.all(SVG + "circle")) == charts.MOST
    assert len(page.all("tr")) == 1 + 20
    assert "The picture shows the last 12 answers. The table shows all." in caption(page)


def test_the_table_has_a_third_column_only_when_there_is_something_to_know(app: Flask) -> None:
    plain = drawn(app, a_chart(point(0, 3)))
    assert [cell.get("scope") for cell in plain.all("th")][:2] == ["col", "col"]
    assert len(plain.all("thead")[0].findall(".//th")) == 2
    noted = drawn(app, a_chart(point(0, 3, note="Answered by phone.")))
    assert len(noted.all("thead")[0].findall(".//th")) == 3
    assert drawn(app, a_chart(point(0, 3)), table=False).all("table") == []


def test_the_table_waits_behind_a_press_and_the_sentences_do_not(app: Flask) -> None:
    page = drawn(app, a_chart(point(0, 3), point(6, 5)))
    (table,) = page.all("table")
    assert "details" in [up.tag for up in page.above(table)]
    assert "details" not in [up.tag for up in page.above(page.all("figcaption")[0])]


def test_what_is_said_of_most_answers_is_said_once(app: Flask) -> None:
    with app.test_request_context("/"):
        assert charts.once(["By web.", "By web."]) == ("By web.", ["", ""])
        usual, left = charts.once(["By web.", "By phone.", "By web."])
        assert usual == "If the table says nothing else: By web."
        assert left == ["", "By phone.", ""]


def test_what_is_said_of_no_more_answers_than_anything_else_stays_beside_each(app: Flask) -> None:
    with app.test_request_context("/"):
        for notes in ([], [""], ["By web."], ["By web.", "By phone."], ["By web.", "By web.", ""]):
            assert charts.once(notes) == ("", notes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_runs_from_left_to_right_in_every_language_and_says_so_where_words_do_not(
    app: Flask, language: str
) -> None:
    page = drawn(app, a_chart(point(0, 3), point(12, 5)), language)
    picture = page.all(SVG + "svg")[0]
    assert page.parents[picture].get("dir") == "ltr"
    xs = [int(dot.get("cx", "")) for dot in page.all(SVG + "circle")]
    assert xs == sorted(xs)
    rtl = LANGUAGES[language].direction == "rtl"
    dates = [one for one in page.all(SVG + "text") if one.get("y") == str(charts.HIGH - 10)]
    assert [one.get("direction") for one in dates] == (["rtl", "rtl"] if rtl else [None, None])


def test_a_title_in_another_language_says_which(app: Flask) -> None:
    shown = drawn(app, a_chart(point(0, 3), language="ur"), titled=True)
    title = next(e for e in shown.elements if e.get("id") == "c-t")
    assert (title.tag, title.get("lang"), title.get("dir")) == ("p", "ur", "rtl")


@given(
    st.lists(st.tuples(st.integers(0, 2000), st.none() | st.integers(0, 10)), max_size=charts.MOST),
)
def test_no_number_lies_on_another_and_nothing_leaves_the_picture(told: list[tuple[int, int | None]]) -> None:
    days = sorted(DAY + timedelta(days=after) for after, _ in told)
    places = charts._places(days)
    assert all(charts.LEFT <= x <= charts.RIGHT for x in places)
    assert all(later - earlier >= charts.NEAREST - 1 for earlier, later in zip(places, places[1:], strict=False))
    points = [Point(day, value) for day, (_, value) in zip(days, told, strict=True)]
    for dot in charts._dots(a_chart(*points), points, places):
        assert charts.TOP <= dot.y <= charts.BOTTOM
    ends = [(day.x - 30, day.x + 30) for day in charts._days(points, places)]
    assert all(low >= 0 and high <= charts.WIDE for low, high in ends)
    assert all(one[1] <= two[0] for one, two in zip(ends, ends[1:], strict=False))


def test_a_chart_is_small_and_holds_nothing_that_the_policy_forbids(app: Flask) -> None:
    with app.test_request_context("/"):
        html = charts.chart(a_chart(*(point(6 * turn, turn) for turn in range(4))), table=False)
    assert len(html) < 2_000
    assert "style=" not in html
    assert not re.search(r"<style|<script|\son\w+=", html)


@pytest.mark.parametrize(
    ("value", "said"), [(3, "3"), (100, "100"), (Decimal("20.730"), "20.73"), (Decimal("7.0"), "7"), (0, "0")]
)
def test_a_number_is_written_without_noughts_that_say_nothing(value: int | Decimal, said: str) -> None:
    assert charts.said(value) == said
