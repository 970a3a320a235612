"""A published scale as a journey: for every scale and every option the code that is kept is the option that was chosen,
in both directions; the words are the scale's to the letter, its answers in the order of the form."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from portal import i18n
from portal.instruments import Instrument, Wording, catalogue
from portal.journeys import DONT_KNOW, LEFT_BLANK, PREFER_NOT_TO_SAY, Journey, Problem
from portal.journeys.wellbeing_check import direction_in, recall_of, slug_of, wellbeing_check
from portal.reading import Unreadable
from portal.web import questions
from tests.inspector import Page

SHIPPED = [one for one in catalogue().versions() if "en" in one.wordings and one.items]
RTL = "ur"


def in_made_up_words(instrument: Instrument, language: str = RTL) -> Wording:
    """Words that are nobody's, right to left: each one says what it stands for, so that none can be mistaken."""
    english = instrument.wordings["en"]
    return Wording(
        language,
        "ہدایت",
        {item.code: f"سوال {item.code}" for item in instrument.items},
        {name: {code: f"جواب {code}" for code in labels} for name, labels in english.options.items()},
        stem="مدت" if english.stem else "",
        free_text=dict.fromkeys(english.free_text, "لفظ"),
        direction="rtl",
    )


def words_of(instrument: Instrument, language: str) -> Wording:
    return instrument.wordings["en"] if language == "en" else in_made_up_words(instrument)


def every_item() -> Iterator[object]:
    for instrument in SHIPPED:
        for language in ("en", RTL):
            for item in instrument.items:
                yield pytest.param(instrument, language, item.code, id=f"{instrument.key}-{language}-{item.code}")


@pytest.fixture(scope="module")
def pages() -> Environment:
    """The parts that pages are made of."""
    folder = Path(__file__).parent.parent / "templates"
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, extensions=["jinja2.ext.i18n"])
    made.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    return made


def drawn(pages: Environment, journey: Journey, item: str) -> Page:
    """The question as a page draws it, in the language now spoken."""
    step = journey.step(slug_of(item))
    assert step
    (shown,) = questions.show(step, {}, None, {}, autofill=False)
    ui = pages.get_template("ui.html").module
    question = ui.choices(shown.form, item, item, shown.label, shown.items, heading=True)  # type: ignore[attr-defined]
    spoken = i18n.spoken()
    return Page(f'<html lang="{spoken.code}" dir="{spoken.direction}"><body>{question}</body></html>')


@pytest.mark.parametrize(("instrument", "language", "item"), [*every_item()])
def test_the_code_that_is_kept_is_the_option_that_was_chosen(
    pages: Environment, instrument: Instrument, language: str, item: str
) -> None:
    wording = words_of(instrument, language)
    journey = wellbeing_check(instrument, wording)
    question = journey.question(item)
    with i18n.speaking(language):
        page = drawn(pages, journey, item)
    labels = {label.get("for"): " ".join("".join(label.itertext()).split()) for label in page.all("label")}
    inputs = [one for one in page.all("input") if one.get("type") == "radio"]
    options = instrument.options(item)
    ours = {PREFER_NOT_TO_SAY, DONT_KNOW}
    # The order is the form's, whatever the direction.
    assert [one.get("value") for one in inputs if one.get("value") not in ours] == [one.code for one in options]
    assert not [one for one in inputs if one.get("checked") is not None]
    said = wording.options.get(instrument.item_by_code[item].option_set, {})
    for option, radio in zip(options, inputs, strict=False):
        label = labels[radio.get("id")]
        assert question.read(radio.get("value")) == option.code
        assert said.get(option.code, "") in label
        if option.value is not None:
            assert re.findall(r"(?<!\d)\d+(?!\d)", label.replace(said.get(option.code, ""), "", 1)) == [
                str(option.value)
            ]
            assert question.choice(option.code).value == option.value  # type: ignore[union-attr]


@pytest.mark.parametrize("instrument", SHIPPED, ids=lambda one: one.key)
def test_one_item_stands_on_a_page_and_nothing_is_required(instrument: Instrument) -> None:
    journey = wellbeing_check(instrument, instrument.wordings["en"])
    assert [[question.code for question in step.questions] for step in journey.steps] == [
        [item.code] for item in instrument.items
    ]
    for step in journey.steps:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", step.slug)
        (question,) = step.questions
        assert step.read({}) == ({question.code: LEFT_BLANK}, {})
        assert question.read(PREFER_NOT_TO_SAY) == PREFER_NOT_TO_SAY
        assert not question.alert_for(question.choices[-1].code)


@pytest.mark.parametrize("instrument", SHIPPED, ids=lambda one: one.key)
def test_forged_doubled_and_out_of_range_values_are_refused(instrument: Instrument) -> None:
    journey = wellbeing_check(instrument, instrument.wordings["en"])
    for question in journey.questions:
        for raw, problem in (
            ("11", Problem.NOT_A_CHOICE),
            ("-1", Problem.NOT_A_CHOICE),
            ("1.0", Problem.NOT_A_CHOICE),
            ("not-asked", Problem.NOT_A_CHOICE),
            ("left-blank", Problem.NOT_A_CHOICE),
            ("x" * 5000, Problem.TOO_LONG),
            ([question.choices[0].code, question.choices[1].code], Problem.CHOOSE_ONE_ONLY),
        ):
            with pytest.raises(Unreadable) as refused:
                question.read(raw)
            assert refused.value.problem is problem, f"{question.code}: {str(raw)[:20]}"


def test_phq8_never_shows_item_nine(pages: Environment) -> None:
    phq8, phq9 = catalogue()["phq8"], catalogue()["phq9"]
    ninth = phq9.wordings["en"].items["phq_9"]
    journey = wellbeing_check(phq8, phq8.wordings["en"])
    assert len(journey.steps) == 8
    assert journey.step("phq-9") is None
    for item in phq8.items:
        assert ninth not in drawn(pages, journey, item.code).html
    assert len(wellbeing_check(phq9, phq9.wordings["en"]).steps) == 9


def test_the_time_that_is_asked_about_stands_above_each_item(pages: Environment) -> None:
    who5, phq8 = catalogue()["who5"], catalogue()["phq8"]
    for instrument, recall in ((who5, "Over the last two weeks"), (phq8, phq8.wordings["en"].instruction)):
        journey = wellbeing_check(instrument, instrument.wordings["en"])
        for item in instrument.items:
            words = " ".join("".join(drawn(pages, journey, item.code).all("legend")[0].itertext()).split())
            assert words == f"{recall} {instrument.wordings['en'].items[item.code]}"


def test_the_instruction_stands_on_the_first_page_and_never_twice() -> None:
    for instrument in SHIPPED:
        wording = instrument.wordings["en"]
        openings = [one.exact.opening for one in wellbeing_check(instrument, wording).questions if one.exact]
        told_above_each = recall_of(instrument, wording) == wording.instruction
        assert openings == ["" if told_above_each else wording.instruction, *[""] * (len(instrument.items) - 1)]


def test_a_form_that_asks_about_different_times_says_them_in_its_items() -> None:
    ons4 = catalogue()["ons4"]
    assert recall_of(ons4, ons4.wordings["en"]) == ""
    gss = catalogue()["gss-loneliness"]
    assert recall_of(gss, gss.wordings["en"]) == ""


def test_numbers_are_eleven_choices_with_the_words_of_their_ends() -> None:
    ons4 = catalogue()["ons4"]
    question = wellbeing_check(ons4, ons4.wordings["en"]).question("happy")
    assert [choice.exact for choice in question.choices] == [
        "0: not at all happy",
        *map(str, range(1, 10)),
        "10: completely happy",
    ]
    assert [choice.code for choice in question.all_choices[-2:]] == [DONT_KNOW, PREFER_NOT_TO_SAY]


def test_the_words_of_a_scale_never_pass_through_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def shout(text: str, **_values: object) -> str:
        asked.append(text)
        return "TRANSLATED"

    monkeypatch.setattr("portal.web.questions.gettext", shout)
    monkeypatch.setattr("portal.journeys.engine.gettext", shout)
    who5 = catalogue()["who5"]
    words = who5.wordings["en"]
    with i18n.speaking("pl"):
        for step in wellbeing_check(who5, words).steps:
            (shown,) = questions.show(step, {}, None, {}, autofill=False)
            (question,) = step.questions
            assert words.items[question.code] in shown.label
            assert [item["text"] for item in shown.items[len(question.choices) :]] == ["TRANSLATED"]
            for choice, item in zip(question.choices, shown.items, strict=False):
                assert choice.label in str(item["text"])
                assert question.say(choice.code) == f"{choice.label} ({choice.value})"
    of_the_scale = {*words.items.values(), *words.options["answers"].values(), words.stem, words.instruction}
    assert asked
    assert not of_the_scale & set(asked)


def test_words_in_another_language_than_the_page_are_marked(pages: Environment) -> None:
    who5 = catalogue()["who5"]
    english = wellbeing_check(who5, who5.wordings["en"])
    with i18n.speaking("ur"):
        marked = drawn(pages, english, "who5_1").all("span")
    inner = [one for one in marked if one.get("lang")]
    assert {(one.get("lang"), one.get("dir")) for one in inner} == {("en", "ltr")}
    assert len(inner) == 2 + len(who5.options("who5_1"))  # the stem, the item, each answer
    with i18n.speaking("en"):
        assert not [one for one in drawn(pages, english, "who5_1").all("span") if one.get("lang")]
    urdu = wellbeing_check(who5, in_made_up_words(who5))
    with i18n.speaking("en"):
        inner = [one for one in drawn(pages, urdu, "who5_1").all("span") if one.get("lang")]
    assert {(one.get("lang"), one.get("dir")) for one in inner} == {("ur", "rtl")}


def test_words_that_do_not_say_their_direction_run_as_their_language_is_written() -> None:
    who5 = catalogue()["who5"]
    silent = replace(in_made_up_words(who5), direction="")
    assert direction_in(silent) == "rtl"
    assert direction_in(replace(silent, language="fa")) == "rtl"
    assert direction_in(replace(silent, language="pl")) == "ltr"
    assert direction_in(replace(silent, language="pl", direction="rtl")) == "rtl"


def test_a_worker_has_the_whole_form_on_one_page_in_its_order() -> None:
    for instrument in SHIPPED:
        journey = wellbeing_check(instrument, instrument.wordings["en"], one_page=True)
        (step,) = journey.steps
        assert [question.code for question in step.questions] == [item.code for item in instrument.items]
        apart = wellbeing_check(instrument, instrument.wordings["en"]).questions
        assert step.questions == apart
