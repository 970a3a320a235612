"""The scales: their words are exact or absent, their scores are the published ones, and a change is called by its name.

tests/instruments/ holds the published worked examples and the pins: `texts.csv` is the SHA-256 of every shipped text,
`wordings.csv` of every wording as it is stored beside a response. A text that changes needs a new version, never a
new pin.
"""

import csv
import hashlib
import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from portal import instruments
from portal.instruments import (
    Instrument,
    LicenceRecord,
    Mode,
    NotAnAnswer,
    Obstacle,
    Recorded,
    Response,
    State,
    TextStatus,
    Unlike,
    Verdict,
    Wording,
    WrongDefinition,
    catalogue,
    files,
    paired,
)

EXAMPLES = Path(__file__).parent / "instruments"
GATED = {"swemwbs", "wemwbs14", "djg6", "eq5d5l", "mycaw", "reqol10", "icecap-a", "lsns6"}
OTHERS = {"texts", "wordings", "goals", "gas", "gas_table", "swemwbs_table", "fft", "finance-single"} | {
    "paired",
    "reliable_change",
    "regression_to_mean",
}
MONDAY = date(2026, 11, 16)


def rows(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of(key: str) -> Instrument:
    return catalogue()[key]


def answers(key: str, *values: int | None) -> dict[str, int | None]:
    return dict(zip((item.code for item in of(key).items), values, strict=True))


def numbers(text: str) -> list[int | None]:
    return [None if one == "-" else int(one) for one in text.split()]


# --- worked examples ----------------------------------------------------------------------------------------------


def examples() -> Iterator[tuple[str, dict[str, str]]]:
    for file in sorted(EXAMPLES.glob("*.csv")):
        if file.stem not in OTHERS:
            yield from ((file.stem, row) for row in rows(file.stem))


@pytest.mark.parametrize(("key", "row"), [pytest.param(*one, id=f"{one[0]}-{n}") for n, one in enumerate(examples())])
def test_the_published_example_comes_out(key: str, row: dict[str, str]) -> None:
    """An empty cell under an item is a missing answer; under a score it says nothing; "none" says no score."""
    instrument = of(key)
    given = {name.split()[1]: int(cell) if cell else None for name, cell in row.items() if name.startswith("item ")}
    if "refused" in row.values():
        with pytest.raises(NotAnAnswer):
            instruments.score(instrument, given)
        return
    scores, reached = instruments.score(instrument, given), instruments.reached(instrument, given)
    words = {None: "none", True: "true", False: "false"}
    for name, cell in row.items():
        about, _, code = name.partition(" ")
        if cell and about == "score":
            assert scores[code].value == (None if cell == "none" else Decimal(cell)), name
        elif cell and about == "band":
            assert (scores[code].band or "none") == cell, name
        elif cell and about == "reached":
            assert words[reached[code]] == cell, name
        elif about == "risk":
            assert bool(instruments.risks(instrument, given)) is (cell == "true")


def test_every_scale_with_a_scorer_has_worked_examples() -> None:
    with_examples = {file.stem for file in EXAMPLES.glob("*.csv")}
    scored = {key for key, instrument in catalogue().items() if instrument.scores}
    assert scored - with_examples == {"lsns6"}, "none are published for it"


def test_a_score_without_published_examples_follows_its_rule() -> None:
    lubben = of("lsns6")
    assert instruments.score(lubben, answers("lsns6", 0, 1, 2, 3, 4, 5))["total"].value == 15
    assert instruments.reached(lubben, answers("lsns6", 2, 2, 2, 2, 2, 1)) == {"at_risk": True}
    assert instruments.reached(lubben, answers("lsns6", 2, 2, 2, 2, 2, 2)) == {"at_risk": False}


@pytest.mark.parametrize("row", rows("swemwbs_table"), ids=lambda row: str(row["raw"]))
def test_every_line_of_the_metric_table(row: dict[str, str]) -> None:
    instrument, raw = of("swemwbs"), int(row["raw"])
    # The same sum from quite different answers.
    each, more = divmod(raw, 7)
    given = answers("swemwbs", *([each + 1] * more + [each] * (7 - more)))
    scores = instruments.score(instrument, given)
    assert scores["raw"].value == raw
    assert scores["metric"].value == Decimal(row["metric"])
    assert str(scores["metric"].value) == row["metric"], "printed as published, with both decimals"


def test_the_metric_table_has_all_its_lines() -> None:
    assert [int(row["raw"]) for row in rows("swemwbs_table")] == list(range(7, 36))


@pytest.mark.parametrize("row", rows("goals"), ids=lambda row: str(row["first"]))
def test_goals_move_one_by_one_and_a_goal_rated_once_is_left_out(row: dict[str, str]) -> None:
    moved = instruments.goal_change(of("goals"), numbers(row["first"]), numbers(row["latest"]))
    assert list(moved.changes) == numbers(row["changes"])
    assert moved.mean == Decimal(row["mean"])
    assert moved.complete_goals == int(row["complete_goals"])


def test_goals_that_were_never_rated_twice_have_no_mean() -> None:
    moved = instruments.goal_change(of("goals"), [3, None], [None, 5])
    assert (moved.mean, moved.complete_goals) == (None, 0)


@pytest.mark.parametrize(
    ("first", "latest", "refused"),
    [([1, 2], [3], ValueError), ([1] * 4, [2] * 4, ValueError), ([11], [3], NotAnAnswer), ([1], [-1], NotAnAnswer)],
)
def test_goals_that_do_not_fit_are_refused(
    first: list[int | None], latest: list[int | None], refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        instruments.goal_change(of("goals"), first, latest)


@pytest.mark.parametrize("row", rows("gas"), ids=lambda row: f"{row['levels']}, weights {row['weights']}")
def test_goal_attainment(row: dict[str, str]) -> None:
    weights = [int(weight) for weight in row["weights"].split()]
    assert str(instruments.gas(of("gas"), numbers(row["levels"]), weights)) == row["t"]


@pytest.mark.parametrize("row", rows("gas_table"), ids=lambda row: f"{row['goals']} goals, sum {row['sum']}")
def test_every_cell_of_the_goal_attainment_table(row: dict[str, str]) -> None:
    goals, total = int(row["goals"]), int(row["sum"])
    ways = [way for way in itertools.combinations_with_replacement(range(-2, 3), goals) if sum(way) == total]
    assert ways
    assert {str(instruments.gas(of("gas"), way, [1] * goals)) for way in ways} == {row["t"]}


def test_a_goal_without_a_level_gives_no_attainment_score() -> None:
    assert instruments.gas(of("gas"), [1, None], [1, 1]) is None
    assert instruments.gas(of("gas"), [], []) is None


@pytest.mark.parametrize(
    ("levels", "weights", "refused"),
    [([3], [1], NotAnAnswer), ([1], [0], ValueError), ([1, 1], [1], ValueError)],
)
def test_attainment_that_is_not_on_the_scale_is_refused(
    levels: list[int | None], weights: list[int], refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        instruments.gas(of("gas"), levels, weights)


def test_a_scale_without_goals_has_no_goal_scores() -> None:
    with pytest.raises(ValueError, match="no score of the kind gas"):
        instruments.gas(of("ons4"), [1], [1])
    with pytest.raises(ValueError, match="no score of the kind mean-of-goals"):
        instruments.goal_change(of("ons4"), [1], [1])


# --- shares -------------------------------------------------------------------------------------------------------


def test_friends_and_family_is_two_shares_of_all_answers_and_never_a_mean() -> None:
    (row,) = rows("fft")
    counts = {name.split()[1]: int(cell) for name, cell in row.items() if name.startswith("count ")}
    found = instruments.shares(of("fft"), counts)
    assert {f"share {code}": str(share.percent) for code, share in found.items()} == {
        name: cell for name, cell in row.items() if name.startswith("share ")
    }
    assert {share.answers for share in found.values()} == {10}, "those who don't know are in the denominator"
    assert instruments.score(of("fft"), {}) == {}
    assert {option.value for option in of("fft").options("experience")} == {None}, "nothing to take a mean of"


def test_managing_money_is_the_share_of_each_answer_and_never_a_mean() -> None:
    counts = {row["option"]: int(row["count"]) for row in rows("finance-single")}
    found = instruments.shares(of("finance-single"), counts)
    assert {code: str(share.percent) for code, share in found.items()} == {
        row["option"]: row["share"] for row in rows("finance-single")
    }
    assert {share.answers for share in found.values()} == {10}, "the missing answer is in no denominator"
    assert instruments.score(of("finance-single"), {"managing": 3}) == {}


def test_a_share_of_nobody_is_no_share() -> None:
    assert instruments.shares(of("fft"), {})["positive_pct"].percent is None


def test_shares_round_half_up_as_on_paper() -> None:
    assert instruments.shares(of("fft"), {"good": 1, "poor": 15})["positive_pct"].percent == Decimal("6.3")


@pytest.mark.parametrize("counts", [{"excellent": 1}, {"good": -1}])
def test_answers_that_were_not_on_the_form_are_not_counted(counts: dict[str, int]) -> None:
    with pytest.raises(NotAnAnswer):
        instruments.shares(of("fft"), counts)


# --- missing is never zero ----------------------------------------------------------------------------------------


def complete(instrument: Instrument) -> dict[str, int | None]:
    return {item.code: instrument.options(item.code)[0].value for item in instrument.items}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_no_answer_at_all_is_no_score_at_all(key: str) -> None:
    assert {score.value for score in instruments.score(of(key), {}).values()} <= {None}
    assert set(instruments.reached(of(key), {}).values()) <= {None}


@pytest.mark.parametrize("key", sorted(set(catalogue()) - {"fft"}))
def test_each_missing_item_takes_its_scores_away_unless_the_authors_say_otherwise(key: str) -> None:
    instrument = of(key)
    for item in instrument.items:
        scores = instruments.score(instrument, {**complete(instrument), item.code: None})
        for code, score in scores.items():
            rule = instrument.score_by_code[code]
            assert (score.value is None) is (item.code in rule.items and not rule.most_missing), f"{code}, {item.code}"


def test_only_the_loneliness_scale_of_de_jong_gierveld_may_lack_an_item() -> None:
    lacking = [
        (key, rule.code) for key, instrument in catalogue().items() for rule in instrument.scores if rule.most_missing
    ]
    assert lacking == [("djg6", "total")]


# --- what is not an answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("forged", [-1, 4, 99, True, 1.0, "1", Decimal(1)])
def test_a_value_that_is_not_on_the_form_is_refused(forged: int) -> None:
    given = {**complete(of("phq8")), "phq_1": forged}
    for ask in (instruments.score, instruments.reached, instruments.risks):
        with pytest.raises(NotAnAnswer) as refused:
            ask(of("phq8"), given)
        assert "99" not in str(refused.value), "a refusal may reach a log"


def test_an_item_of_another_scale_is_refused() -> None:
    with pytest.raises(NotAnAnswer):
        instruments.score(of("phq8"), {"phq_9": 1})


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_answer_on_the_form_is_taken_for_what_it_is(key: str) -> None:
    instrument = of(key)
    for item in instrument.items:
        for option in instrument.options(item.code):
            scores = instruments.score(instrument, {item.code: option.value})
            own = [rule.code for rule in instrument.scores if rule.items == (item.code,) and rule.code in scores]
            assert [scores[code].value for code in own] == [option.value] * len(own)


# --- bands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_where_bands_are_published_every_value_has_exactly_one(key: str) -> None:
    instrument = of(key)
    for rule in instrument.scores:
        bands = [instruments.band(instrument, rule.code, value) for value in instrument.possible(rule.code)]
        if rule.bands:
            assert None not in bands
            order = [band.code for band in rule.bands]
            assert bands == sorted(bands, key=lambda code: order.index(str(code)))
        else:
            assert set(bands) <= {None}


@pytest.mark.parametrize(
    ("key", "code", "value", "expected"),
    [
        ("ons4", "anxious", 1, "very-low"),
        ("ons4", "anxious", 2, "low"),
        ("ons4", "anxious", 5, "medium"),
        ("ons4", "anxious", 6, "high"),
        ("ons4", "happy", 6, "medium"),
        ("ons4", "happy", 9, "very-high"),
        ("phq9", "total", 9, "mild"),
        ("phq9", "total", 14, "moderate"),
        ("phq9", "total", 19, "moderately-severe"),
        ("gad7", "total", 4, "minimal"),
        ("gad7", "total", 9, "mild"),
        ("gad7", "total", 14, "moderate"),
        ("djg6", "total", 1, "not-lonely"),
        ("djg6", "total", 4, "moderately-lonely"),
        ("djg6", "total", 5, "severely-lonely"),
        ("swemwbs", "metric", Decimal("27.03"), "medium"),
        ("swemwbs", "raw", 21, None),
    ],
)
def test_band_edges(key: str, code: str, value: int, expected: str | None) -> None:
    assert instruments.band(of(key), code, value) == expected


def test_no_value_has_no_band_and_an_impossible_value_is_refused() -> None:
    assert instruments.band(of("phq9"), "total", None) is None
    with pytest.raises(NotAnAnswer):
        instruments.band(of("phq9"), "total", 28)
    with pytest.raises(KeyError):
        instruments.band(of("ons4"), "total", 4)


# --- traps --------------------------------------------------------------------------------------------------------


def test_ons4_is_four_answers_and_never_a_total() -> None:
    assert list(instruments.score(of("ons4"), answers("ons4", 4, 5, 8, 6))) == [
        "satisfied",
        "worthwhile",
        "happy",
        "anxious",
    ]
    assert {rule.kind for rule in of("ons4").scores} == {instruments.Kind.NONE}


def test_anxiety_is_stored_as_it_was_asked_and_higher_is_worse() -> None:
    assert of("ons4").score_by_code["anxious"].direction is instruments.Direction.HIGHER_WORSE
    assert instruments.score(of("ons4"), {"anxious": 10})["anxious"].value == 10


def test_who5_twelve_is_low_and_thirteen_is_not() -> None:
    low = {
        raw: instruments.reached(of("who5"), answers("who5", *([3] * (raw - 10) + [2] * (15 - raw))))["low_wellbeing"]
        for raw in range(10, 16)
    }
    assert low == {10: True, 11: True, 12: True, 13: False, 14: False, 15: False}


def test_one_low_answer_of_who5_is_not_low_wellbeing() -> None:
    reached = instruments.reached(of("who5"), answers("who5", 5, 5, 5, 5, 1))
    assert (reached["item_flag"], reached["low_wellbeing"]) == (True, False)
    assert instruments.reached(of("who5"), answers("who5", 2, 2, 2, 2, 2))["item_flag"] is False


def test_phq8_never_asks_item_nine_and_nor_does_phq2() -> None:
    full = [item.code for item in of("phq9").items]
    assert [item.code for item in of("phq8").items] == full[:8]
    assert [item.code for item in of("phq2").items] == full[:2]
    assert "phq_9" not in of("phq8").wordings["en"].items
    assert of("phq8").risk == ()


def test_a_short_form_has_the_words_of_the_longer_one() -> None:
    for short, longer in (("phq8", "phq9"), ("phq2", "phq9"), ("gad2", "gad7")):
        mine, theirs = of(short).wordings["en"], of(longer).wordings["en"]
        assert mine.items.items() <= theirs.items.items()
        assert (mine.options, mine.instruction) == (theirs.options, theirs.instruction)
        assert of(short).licence == of(longer).licence


def test_item_nine_needs_a_person_at_once_whatever_else_is_filled_in() -> None:
    phq9 = of("phq9")
    for value in (1, 2, 3):
        assert instruments.risks(phq9, {"phq_9": value}) == ("phq_9",)
    assert instruments.score(phq9, {"phq_9": 2})["total"].value is None
    assert instruments.risks(phq9, {**answers("phq9", *[3] * 9), "phq_9": 0}) == ()
    assert instruments.risks(phq9, {"phq_9": None}) == ()
    assert instruments.risks(phq9, {}) == ()


def test_gad_says_not_at_all_and_not_not_at_all_sure() -> None:
    for key in ("gad7", "gad2"):
        zero = next(option.code for option in of(key).option_sets["answers"] if option.value == 0)
        assert of(key).wordings["en"].options["answers"][zero] == "Not at all"


def test_phq_and_gad_keep_their_own_lists_of_answers() -> None:
    stored = {path.stem: path.read_text("utf-8") for path in files.DATA.glob("*.toml")}
    assert "[wording.en.options.answers]" in stored["phq9"]
    assert "[wording.en.options.answers]" in stored["gad7"]


def test_the_direct_loneliness_question_never_enters_the_sum() -> None:
    sums = {
        instruments.score(of("gss-loneliness"), answers("gss-loneliness", 2, 1, 3, direct))["indirect"].value
        for direct in (None, 1, 2, 3, 4, 5)
    }
    assert sums == {6}


def test_the_direct_loneliness_question_has_five_answers_of_its_own() -> None:
    assert len(of("gss-loneliness").options("lonely")) == 5
    assert len(of("gss-loneliness").options("isolated")) == 3


def test_the_two_week_scales_are_not_repeated_inside_two_weeks() -> None:
    two_weeks = {key for key, one in catalogue().items() if one.not_again_within_days == 14}
    said = {
        key
        for key, one in catalogue().items()
        if {item.recall for item in one.items} & {"last two weeks", "last 2 weeks"}
    }
    assert two_weeks == said
    assert {"who5", "phq8", "gad7", "swemwbs"} <= two_weeks
    assert not instruments.may_be_asked_again(of("who5"), MONDAY, MONDAY + timedelta(days=13))
    assert instruments.may_be_asked_again(of("who5"), MONDAY, MONDAY + timedelta(days=14))
    assert instruments.may_be_asked_again(of("ons4"), MONDAY, MONDAY)


def test_ons4_is_never_answered_for_somebody_and_not_by_children() -> None:
    assert of("ons4").proxy is False
    assert (of("ons4").min_age, of("gss-loneliness").min_age) == (16, 16)


# --- words: exact or absent ---------------------------------------------------------------------------------------


def texts(wording: Wording) -> Iterator[tuple[str, str]]:
    for place, text in (("instruction", wording.instruction), ("stem", wording.stem)):
        if text:
            yield place, text
    yield from ((f"item {code}", text) for code, text in wording.items.items())
    for option_set, labels in wording.options.items():
        yield from ((f"option {option_set} {code}", text) for code, text in labels.items())
    yield from ((f"free text {code}", text) for code, text in wording.free_text.items())


def test_every_shipped_text_is_exact_to_the_byte() -> None:
    pinned = {
        (row["instrument"], row["version"], row["language"], row["place"]): row["sha256"] for row in rows("texts")
    }
    shipped = {
        (one.key, one.version, language, place): hashlib.sha256(text.encode()).hexdigest()
        for one in catalogue().versions()
        for language, wording in one.wordings.items()
        for place, text in texts(wording)
    }
    changed = sorted(key for key in pinned.keys() & shipped.keys() if pinned[key] != shipped[key])
    assert changed == [], "These are not the published words. Other words are a new version, in a new file."
    assert shipped.keys() == pinned.keys()


def test_a_wording_never_changes_under_its_version() -> None:
    pinned = {(row["instrument"], row["version"], row["language"]): row["sha256"] for row in rows("wordings")}
    now = {
        (one.key, one.version, language): one.wording_hash(wording)
        for one in catalogue().versions()
        for language, wording in one.wordings.items()
    }
    assert now == pinned, "A changed wording is a new version: add a file, keep the old one, add a pin."


def test_the_hash_notices_every_change_of_words_values_and_language() -> None:
    for key in ("who5", "ons4", "fft", "gss-loneliness"):
        one = of(key)
        wording = one.wordings["en"]
        item = one.items[0].code
        labels = wording.options[one.items[0].option_set]
        first = next(iter(labels))
        option_set = one.option_sets[one.items[0].option_set]
        turned = {**one.option_sets, one.items[0].option_set: option_set[::-1]}
        others = {
            one.wording_hash(replace(wording, language="pl")),
            one.wording_hash(replace(wording, instruction=wording.instruction + " ")),
            one.wording_hash(replace(wording, stem="Over the last month")),
            one.wording_hash(replace(wording, free_text={"more": "Anything else?"})),
            one.wording_hash(replace(wording, items={**wording.items, item: wording.items[item] + "\u0301"})),
            one.wording_hash(
                replace(wording, options={**wording.options, one.items[0].option_set: {**labels, first: "Other"}})
            ),
            replace(one, version="2").wording_hash(wording),
            replace(one, option_sets=turned).wording_hash(wording),
        }
        assert len(others - {one.wording_hash(wording)}) == 8, key


def test_the_hash_is_the_one_that_a_pack_of_official_words_carries() -> None:
    """The canonical JSON of the text-pack format, worked out here by itself: loaded packs and our words must agree."""
    one, words = of("gad7"), of("gad7").wordings["en"]
    pack = {
        "instrument": "gad7",
        "version": "1",
        "language": "en",
        "instructions": words.instruction,
        "items": [{"n": n, "text": words.items[f"gad_{n}"]} for n in range(1, 8)],
        "options": [
            {"value": option.value, "text": words.options["answers"][option.code]} for option in one.options("gad_1")
        ],
    }
    blob = json.dumps(pack, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert one.wording_hash(words) == hashlib.sha256(blob.encode("utf-8")).hexdigest()


def test_only_english_ships() -> None:
    assert {language for one in catalogue().values() for language in one.languages()} == {"en"}


def test_gated_scales_come_without_a_single_word() -> None:
    gated = {key for key, one in catalogue().items() if one.state is State.GATED}
    assert gated == GATED
    for key in gated:
        assert of(key).wordings == {}
        assert not of(key).licence.ships_text
        assert "wording" not in (files.DATA / f"{key}.toml").read_text("utf-8")
        assert instruments.wording(of(key), "en") is None


def test_scales_come_as_the_decision_says() -> None:
    states = {
        state: {key for key, one in catalogue().items() if one.state is state} for state in (State.ON, State.LOCKED)
    }
    assert states == {State.ON: {"ons4", "gss-loneliness", "who5", "goals", "fft"}, State.LOCKED: {"phq9"}}
    off = {key for key, one in catalogue().items() if one.state is State.OFF}
    assert off == {"phq2", "phq8", "gad2", "gad7", "gas", "activity-single", "finance-single"}
    assert of("fft").only_for == "nhs-commissioned"
    assert of("fft").anonymous
    assert len(catalogue()) == 21


def test_words_are_never_borrowed_from_another_language() -> None:
    for one in catalogue().values():
        assert instruments.wording(one, "pl") is None
        assert instruments.wording(one, "en-GB") is None


def polish(key: str) -> Wording:
    """Made-up words that fit a scale."""
    one = of(key)
    english = one.wordings.get("en")
    labels = english.options if english else {name: {o.code: "x" for o in all} for name, all in one.option_sets.items()}
    return Wording(
        "pl",
        "Zdanie",
        {item.code: f"Zdanie {n}" for n, item in enumerate(one.items)},
        {name: {code: f"Słowo {code}" for code in codes} for name, codes in labels.items()},
        free_text=dict.fromkeys(one.free_text, "Zdanie"),
    )


def test_official_words_that_a_service_has_loaded_are_shown_and_never_over_ours() -> None:
    brought = polish("who5")
    assert instruments.wording(of("who5"), "pl", Recorded(wordings={"pl": brought})) == brought
    english = instruments.wording(of("who5"), "en", Recorded(wordings={"en": replace(brought, language="en")}))
    assert english == of("who5").wordings["en"]
    assert instruments.wording(of("who5"), "ur", Recorded(wordings={"ur": brought})) is None, "wrongly labelled"


@pytest.mark.parametrize(
    "change",
    [
        {"items": {"who5_1": "Zdanie"}},
        {"items": {**polish("who5").items, "who5_6": "Zdanie"}},
        {"items": {**polish("who5").items, "who5_2": "  "}},
        {"options": {}},
        {"options": {"answers": {"at_no_time": "Nigdy"}}},
        {"options": {**polish("who5").options, "others": {"one": "Jeden"}}},
        {"free_text": {"why": "Dlaczego?"}},
    ],
)
def test_words_with_something_missing_or_too_much_are_no_words(change: dict[str, dict[str, str]]) -> None:
    brought = replace(polish("who5"), **change)  # type: ignore[arg-type]
    assert list(instruments.wording_problems(of("who5"), brought)) != []
    assert instruments.wording(of("who5"), "pl", Recorded(wordings={"pl": brought})) is None


def test_a_range_names_both_its_ends_or_none() -> None:
    one, words = of("ons4"), polish("ons4")
    for labels, fits in (({"0": "a", "10": "b"}, True), ({"0": "a", "5": "m", "10": "b"}, True), ({"0": "a"}, False)):
        brought = replace(words, options={**words.options, "happy": labels})
        assert (list(instruments.wording_problems(one, brought)) == []) is fits
    without = replace(words, options={name: labels for name, labels in words.options.items() if name != "happy"})
    assert list(instruments.wording_problems(one, without)) == []


def test_staff_learn_that_an_official_text_exists_and_where() -> None:
    (welsh,) = instruments.official_texts(of("ons4"), "cy")
    assert (welsh.status, welsh.where) == (TextStatus.NOT_HELD, "https://llyw.cymru")
    (german,) = instruments.official_texts(of("who5"), "de")
    assert german.status is TextStatus.NOT_HELD
    assert german.where.startswith("https://www.who.int/")
    assert {text.language for text in instruments.official_texts(of("phq8"), "pt")} == {"pt-PT", "pt-BR"}
    assert instruments.official_texts(of("swemwbs"), "so")[0].language == "*"
    assert instruments.official_texts(of("who5"), "xx") == ()


def test_every_text_on_a_page_has_its_line_to_print() -> None:
    for key, one in catalogue().items():
        if one.wordings and one.items:
            assert one.licence.print_line or one.own_wording, key
    assert of("who5").licence.own_file
    assert not of("ons4").licence.own_file


# --- the data files -----------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data files, to change."""
    folder = tmp_path / "data"
    shutil.copytree(files.DATA, folder)
    return folder


def test_everything_else_works_without_the_who5_folder(data: Path) -> None:
    shutil.rmtree(data / "who5")
    assert set(catalogue()) - set(files.read(data)) == {"who5"}


def test_words_with_a_licence_of_their_own_do_not_come_without_it(data: Path) -> None:
    (data / "who5" / "LICENSE").unlink()
    with pytest.raises(WrongDefinition, match="LICENSE"):
        files.read(data)


def test_the_licence_beside_the_words_is_the_one_they_name() -> None:
    licence = (files.DATA / "who5" / "LICENSE").read_text("utf-8")
    assert of("who5").licence.url in licence
    assert " ".join(licence.split()).count(of("who5").licence.print_line) == 1


def test_a_new_version_stands_beside_the_old_one(data: Path) -> None:
    newer = (data / "ons4.toml").read_text("utf-8").replace('version = "1"', 'version = "2"')
    (data / "ons4-v2.toml").write_text(newer.replace("nowadays?", "these days?"), "utf-8")
    found = files.read(data)
    assert found["ons4"].version == "2"
    old = found.version("ons4", "1")
    assert old == of("ons4")
    assert found["ons4"].wording_hash(found["ons4"].wordings["en"]) != old.wording_hash(old.wordings["en"])
    with pytest.raises(KeyError):
        found.version("ons4", "3")


@pytest.mark.parametrize(
    ("file", "was", "becomes", "told"),
    [
        ("ons4", 'key = "ons4"', 'key = "ons5"', "name it so"),
        ("ons4", 'version = "1"', 'version = "2"', "name it so"),
        ("ons4", 'title = "ONS personal wellbeing (ONS4)"', 'title = ""', "no key, version, title"),
        ("ons4", 'state = "on"', 'state = "perhaps"', "cannot be read"),
        ("ons4", "min_age = 16", "min_aeg = 16", "cannot be read"),
        ("ons4", "range = [0, 10]", "range = [0, 0]", "fewer than two"),
        ("ons4", 'code = "worthwhile"', 'code = "satisfied"', "item satisfied twice"),
        ("ons4", "highest = 4 }", "highest = 5 }", "5 is in 2 bands"),
        ("ons4", "lowest = 5, highest = 6", "lowest = 6, highest = 6", "5 is in 0 bands"),
        ("ons4", "lowest = 9, highest = 10", "lowest = 9, highest = 11", "cannot be reached"),
        ("ons4", "band_source = ", 'share_of = []\nband_source = "" # ', "bands without a source"),
        ("ons4", 'items = ["satisfied"]', 'items = ["satisfied", "happy"]', "exactly one item"),
        ("ons4", 'items = ["satisfied"]', 'items = ["satisfaction"]', "not there: satisfaction"),
        ("ons4", 'items = ["satisfied"]', "items = []", "has no items"),
        ("ons4", 'terms = "Open Government Licence v3.0 (unverified)"', 'terms = ""', "has no licence"),
        ("ons4", "print_line = ", "url2 = ", "cannot be read"),
        ("ons4", "ships_text = true", "ships_text = false", "does not let us pass on"),
        ("ons4", "[wording.en", "[wording.cy", "has no English words"),
        ("ons4", 'year = "April', 'year = "" # "April', "without its year"),
        ("ons4", 'source = "ONS, Measuring', 'source = "" # ', "Norm on satisfied without a source"),
        ("ons4", '[[norms]]\nscore = "happy"', '[[norms]]\nscore = "total"', "Norm on total, which is no score"),
        ("ons4", '"norms.happy"', '"norms.total"', "calls norms.total unverified"),
        ("ons4", '"licence.terms"', '"licence.words"', "calls licence.words unverified"),
        ("phq9", 'kind = "sum"', 'kind = "sum"\nmost_missing = 1', "may not miss items"),
        ("phq9", 'kind = "sum"', 'kind = "sum"\nrho = 0.3', "rho belongs"),
        ("phq9", '{ code = "not_at_all", value = 0 }', '{ code = "not_at_all" }', "needs a value"),
        ("phq9", '{ code = "not_at_all", value = 0 }', '{ code = "not_at_all", value = 1 }', "a value twice"),
        ("phq9", '{ code = "not_at_all", value = 0 }', '{ code = "several_days", value = 0 }', "have a code"),
        ("phq9", "by = 6", "by = 0", "a change that is nothing"),
        ("phq9", 'score = "total"\nby', 'score = "sum"\nby', "ReliableChange on sum"),
        ("phq9", 'item = "phq_9"', 'item = "phq_10"', "watches phq_10"),
        ("phq9", 'state = "locked"', 'state = "on"', "asks about risk and is not locked"),
        ("phq9", "protocol = [", "protocol = [] # ", "is locked exactly"),
        ("phq9", 'options = "answers"', 'options = "replies"', "has no answers"),
        ("phq9", "at_least = 10", "about = 10", "cannot be read"),
        ("swemwbs", "35 = 35.00", "", "every sum from lowest to highest"),
        ("swemwbs", "9 = 11.25", "9 = 9.01", "every sum from lowest to highest"),
        ("swemwbs", 'state = "gated"', 'state = "off"', "is gated exactly when"),
        ("swemwbs", "sources = [", "sources = []\nunused = [", "cannot be read"),
        ("djg6", "counts = [2, 3]", "counts = [3, 4]", "which answers of djg_3 count"),
        ("djg6", "counts = [2, 3]", "", "which answers of djg_3 count"),
        ("djg6", 'code = "social"', 'code = "emotional"', "score emotional twice"),
        ("fft", '"very_good", "good"]', '"very_good", "great"]', "shares of its own answers"),
        ("phq8", '"phq_8"]', '"phq_10"]', "cannot be read"),
    ],
)
def test_a_mistake_in_a_data_file_stops_the_start(data: Path, file: str, was: str, becomes: str, told: str) -> None:
    path = data / f"{file}.toml"
    before = path.read_text("utf-8")
    assert was in before
    path.write_text(before.replace(was, becomes), "utf-8")
    with pytest.raises(WrongDefinition, match=told):
        files.read(data)


def test_words_kept_under_another_language_are_noticed() -> None:
    swapped = replace(of("ons4"), wordings={"en": of("ons4").wordings["en"], "cy": of("ons4").wordings["en"]})
    assert "keeps en words under cy" in list(instruments.problems(swapped))


def test_an_item_without_answers_and_a_scale_without_sources_are_noticed() -> None:
    assert "item phq_1 has no answers" in list(instruments.problems(replace(of("phq9"), option_sets={}, scores=())))
    assert "names no source" in list(instruments.problems(replace(of("ons4"), sources=())))
    silent = replace(of("ons4"), licence=replace(of("ons4").licence, print_line=""))
    assert list(instruments.problems(silent)) == ["has no line to print under its words"]


def test_a_threshold_of_change_needs_a_score_with_a_better_end() -> None:
    days = replace(of("activity-single"), change=instruments.ReliableChange("days", 2, "Somebody"))
    assert list(instruments.problems(days)) == ["score days has no better end, or a change that is nothing"]


def test_what_is_published_cannot_be_written_over() -> None:
    words = of("who5").wordings["en"]
    for mapping in (words.items, words.options, words.options["answers"], of("who5").wordings, of("who5").option_sets):
        with pytest.raises(TypeError):
            mapping["new"] = "words"  # type: ignore[index]
    with pytest.raises(TypeError):
        of("swemwbs").score_by_code["metric"].table[7] = Decimal(8)  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        of("who5").version = "2"  # type: ignore[misc]


def test_the_catalogue_is_read_once() -> None:
    assert catalogue() is catalogue()


# --- one person, two occasions ------------------------------------------------------------------------------------


def response(
    key: str, *values: int | None, days: int = 0, mode: Mode = Mode.SELF, wording: str = "a", version: str = "1"
) -> Response:
    return Response(version, wording, mode, MONDAY + timedelta(days=days), answers(key, *values))


@pytest.mark.parametrize(
    ("key", "code", "before", "after", "verdict"),
    [
        ("phq9", "total", [2] * 9, [2] * 6 + [0] * 3, Verdict.BETTER),
        ("phq9", "total", [2] * 9, [2] * 6 + [1, 0, 0], Verdict.NO_RELIABLE_CHANGE),
        ("phq9", "total", [0] * 9, [1] * 6 + [0] * 3, Verdict.WORSE),
        ("phq9", "total", [0] * 9, [1] * 5 + [0] * 4, Verdict.NO_RELIABLE_CHANGE),
        ("gad7", "total", [1] * 7, [1] * 3 + [0] * 4, Verdict.BETTER),
        ("gad7", "total", [1] * 7, [1] * 4 + [0] * 3, Verdict.NO_RELIABLE_CHANGE),
        ("gad7", "total", [0] * 7, [1] * 4 + [0] * 3, Verdict.WORSE),
        ("who5", "percent", [2] * 5, [3, 3, 3, 2, 2], Verdict.BETTER),
        ("who5", "percent", [2] * 5, [3, 3, 2, 2, 2], Verdict.NO_RELIABLE_CHANGE),
        ("who5", "percent", [3, 3, 3, 2, 2], [2] * 5, Verdict.WORSE),
        ("who5", "raw", [0] * 5, [5] * 5, None),
        ("phq8", "total", [3] * 8, [0] * 8, None),
        ("ons4", "happy", [5] * 4, [10] * 4, None),
        ("gss-loneliness", "indirect", [3, 3, 3, 1], [1, 1, 1, 5], None),
        ("activity-single", "days", [0], [7], None),
    ],
)
def test_better_and_worse_are_said_only_where_a_threshold_is_published(
    key: str, code: str, before: list[int], after: list[int], verdict: Verdict | None
) -> None:
    found = instruments.change(of(key), code, response(key, *before), response(key, *after, days=84))
    assert found.verdict is verdict
    assert found.difference is not None
    assert found.unlike == frozenset()


def test_the_changes_that_count_are_the_published_ones() -> None:
    assert {(key, one.change.score): str(one.change.by) for key, one in catalogue().items() if one.change} == {
        ("gad7", "total"): "4",
        ("phq9", "total"): "6",
        ("swemwbs", "metric"): "2.87",
        ("who5", "percent"): "10",
    }


def test_two_people_of_twelve_moved_reliably_and_nobody_got_worse() -> None:
    """The published worked example: the mean moves, but two people do."""
    raw = {row["metric"]: int(row["raw"]) for row in rows("swemwbs_table")}

    def given(metric: str, days: int = 0) -> Response:
        each, more = divmod(raw[f"{Decimal(metric):.2f}"], 7)
        return response("swemwbs", *([each + 1] * more + [each] * (7 - more)), days=days)

    verdicts = [
        instruments.change(of("swemwbs"), "metric", given(row["before"]), given(row["after"], 84)).verdict
        for row in rows("paired")
    ]
    assert len(verdicts) == 12
    assert verdicts.count(Verdict.BETTER) == 2
    assert verdicts.count(Verdict.WORSE) == 0
    assert verdicts.count(Verdict.NO_RELIABLE_CHANGE) == 10


def test_a_difference_of_decimals_is_exact() -> None:
    earlier, later = response("swemwbs", *[2] * 7), response("swemwbs", *[4] * 7, days=84)
    assert instruments.change(of("swemwbs"), "metric", earlier, later).difference == Decimal("9.71")


@pytest.mark.parametrize(
    ("earlier", "unlike"),
    [
        (response("phq9", *[3] * 9, mode=Mode.TELEPHONE), {Unlike.MODE}),
        (response("phq9", *[3] * 9, wording="b"), {Unlike.WORDING}),
        (response("phq9", *[3] * 9, wording="b", mode=Mode.INTERPRETER), {Unlike.MODE, Unlike.WORDING}),
    ],
)
def test_other_words_or_another_way_of_answering_are_said_and_give_no_verdict(
    earlier: Response, unlike: set[Unlike]
) -> None:
    found = instruments.change(of("phq9"), "total", earlier, response("phq9", *[0] * 9, days=84))
    assert (found.difference, found.verdict) == (-27, None)
    assert found.unlike == unlike


def test_answers_to_another_version_are_not_subtracted() -> None:
    later = response("phq9", *[0] * 9, days=84, version="2")
    found = instruments.change(replace(of("phq9"), version="2"), "total", response("phq9", *[3] * 9), later)
    assert (found.earlier, found.difference, found.verdict) == (None, None, None)
    assert Unlike.VERSION in found.unlike


def test_a_monday_and_a_saturday_are_not_alike_when_the_question_is_about_yesterday() -> None:
    monday, saturday = response("ons4", 5, 5, 5, 5), response("ons4", 7, 7, 7, 7, days=82)
    assert instruments.change(of("ons4"), "happy", monday, saturday).unlike == {Unlike.WEEKDAY}
    assert instruments.change(of("ons4"), "anxious", monday, saturday).unlike == {Unlike.WEEKDAY}
    assert instruments.change(of("ons4"), "satisfied", monday, saturday).unlike == frozenset()
    assert instruments.change(of("ons4"), "happy", monday, response("ons4", 7, 7, 7, 7, days=84)).unlike == frozenset()


def test_without_a_score_there_is_no_change() -> None:
    found = instruments.change(
        of("phq9"), "total", response("phq9", None, *[3] * 8), response("phq9", *[0] * 9, days=84)
    )
    assert (found.earlier, found.later, found.difference, found.verdict) == (None, 0, None, None)
    found = instruments.change(
        of("phq9"), "total", response("phq9", *[0] * 9), response("phq9", None, *[3] * 8, days=84)
    )
    assert (found.earlier, found.later, found.difference, found.verdict) == (0, None, None, None)


def test_categories_are_never_subtracted() -> None:
    earlier, later = response("gss-loneliness", 1, 1, 1, 1), response("gss-loneliness", 1, 1, 1, 5, days=84)
    assert instruments.change(of("gss-loneliness"), "direct", earlier, later).difference is None


def test_occasions_come_in_the_order_of_time() -> None:
    with pytest.raises(ValueError, match="before the earlier"):
        instruments.change(of("phq9"), "total", response("phq9", *[0] * 9, days=1), response("phq9", *[0] * 9))


# --- what keeps a scale closed ------------------------------------------------------------------------------------

PROTOCOL = dict.fromkeys(catalogue()["phq9"].protocol, "Written down")
LICENCE = LicenceRecord("W-1", "A service", date(2026, 1, 1), date(2026, 12, 31), declared=True)
WORDS = {"pl": polish("swemwbs")}


def obstacles(
    key: str,
    recorded: Recorded | None = None,
    language: str = "en",
    age: int | None = None,
    by_proxy: bool = False,
) -> set[Obstacle]:
    given = recorded or Recorded()
    return set(instruments.obstacles(of(key), given, language=language, today=MONDAY, age=age, by_proxy=by_proxy))


def test_the_default_set_is_open_from_the_start_and_nothing_else() -> None:
    assert {key for key in catalogue() if not obstacles(key)} == {"ons4", "gss-loneliness", "who5", "goals"}
    assert obstacles("fft") == {Obstacle.NOT_FOR_THIS_SERVICE}
    assert obstacles("fft", Recorded(commissioned_by=frozenset({"nhs-commissioned"}))) == set()
    assert obstacles("ons4", Recorded(turned_on=False)) == {Obstacle.NOT_TURNED_ON}
    assert obstacles("phq8", Recorded(turned_on=True)) == set()


def test_item_nine_stays_locked_until_the_whole_protocol_is_written() -> None:
    assert obstacles("phq9") == {Obstacle.NOT_TURNED_ON, Obstacle.PROTOCOL_INCOMPLETE}
    assert obstacles("phq9", Recorded(turned_on=True)) == {Obstacle.PROTOCOL_INCOMPLETE}
    assert len(PROTOCOL) == 6
    for part in PROTOCOL:
        for written in ("", "  ", "-", ".", "\u200b", "\u3164", "\uffa0 \u2800"):
            lacking = Recorded(turned_on=True, protocol={**PROTOCOL, part: written})
            assert obstacles("phq9", lacking) == {Obstacle.PROTOCOL_INCOMPLETE}
            assert instruments.missing_from_protocol(of("phq9"), lacking.protocol) == (part,)
    assert obstacles("phq9", Recorded(protocol=PROTOCOL)) == {Obstacle.NOT_TURNED_ON}
    assert obstacles("phq9", Recorded(turned_on=True, protocol=PROTOCOL)) == set()


@pytest.mark.parametrize(
    ("licence", "obstacle"),
    [
        (None, Obstacle.NO_LICENCE),
        (replace(LICENCE, number=" "), Obstacle.LICENCE_INCOMPLETE),
        (replace(LICENCE, holder=""), Obstacle.LICENCE_INCOMPLETE),
        (replace(LICENCE, declared=False), Obstacle.LICENCE_INCOMPLETE),
        (replace(LICENCE, since=MONDAY + timedelta(days=1)), Obstacle.LICENCE_NOT_YET),
        (replace(LICENCE, until=MONDAY - timedelta(days=1)), Obstacle.LICENCE_EXPIRED),
        (replace(LICENCE, since=MONDAY, until=MONDAY), None),
    ],
)
def test_a_gated_scale_opens_with_a_licence_that_holds_today(
    licence: LicenceRecord | None, obstacle: Obstacle | None
) -> None:
    recorded = Recorded(turned_on=True, licence=licence, wordings=WORDS)
    assert obstacles("swemwbs", recorded, "pl") == ({obstacle} if obstacle else set())


@pytest.mark.parametrize("key", sorted(GATED))
def test_a_gated_scale_without_the_services_own_words_cannot_be_shown(key: str) -> None:
    assert obstacles(key, Recorded(turned_on=True, licence=LICENCE)) == {Obstacle.NO_WORDS}


def test_a_slot_whose_questions_nobody_knows_never_opens() -> None:
    nothing = Recorded(turned_on=True, licence=LICENCE, wordings={"en": Wording("en", "", {}, {})})
    assert obstacles("reqol10", nothing) == {Obstacle.NO_WORDS}


def test_a_scale_is_closed_in_a_language_without_its_official_words() -> None:
    assert obstacles("who5", language="ur") == {Obstacle.NO_WORDS}


def test_children_and_people_who_answer_for_somebody_are_kept_from_a_scale_that_is_not_for_them() -> None:
    assert obstacles("ons4", age=15) == {Obstacle.TOO_YOUNG}
    assert obstacles("ons4", age=16) == set()
    assert obstacles("who5", age=15) == set(), "no age is published for it; the service's own holds"
    assert obstacles("ons4", by_proxy=True) == {Obstacle.NO_PROXY}
    assert obstacles("fft", Recorded(commissioned_by=frozenset({"nhs-commissioned"})), by_proxy=True) == set()


# --- groups -------------------------------------------------------------------------------------------------------


def test_the_published_paired_example_comes_out() -> None:
    pairs = rows("paired")
    found = paired.paired_change([float(row["before"]) for row in pairs], [float(row["after"]) for row in pairs])
    assert found.pairs == 12
    expected = {
        "mean_before": 19.1083,
        "sd_before": 2.7595,
        "mean_after": 20.2775,
        "sd_after": 2.6317,
        "mean_change": 1.1692,
        "sd_change": 1.5048,
        "standard_error": 0.4344,
        "t": 2.6915,
        "srm": 0.7770,
        "d_av": 0.4337,
        "g_av": 0.4035,
        "correlation": 0.8452,
    }
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected, abs=1e-4)
    assert found.interval == pytest.approx((0.2131, 2.1253), abs=1e-4)


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (10, 2.2281), (11, 2.2010), (29, 2.0452)]
)
def test_the_t_of_a_small_group(freedom: int, t: float) -> None:
    assert paired.t_quantile(freedom) == pytest.approx(t, abs=1e-4)


def test_with_many_people_t_comes_down_to_the_normal_curve() -> None:
    assert paired.t_quantile(5000) == pytest.approx(1.9604, abs=1e-4)


@pytest.mark.parametrize("row", rows("reliable_change"), ids=lambda row: f"sd {row['sd']}")
def test_the_threshold_of_reliable_change(row: dict[str, str]) -> None:
    sd, reliability = float(row["sd"]), float(row["reliability"])
    sem = paired.error_of_measurement(sd, reliability)
    assert sem == pytest.approx(float(row["sem"]), abs=1e-4)
    assert sem * 2**0.5 == pytest.approx(float(row["s_diff"]), abs=1e-4)
    assert paired.reliable_threshold(sd, reliability) == pytest.approx(float(row["threshold"]), abs=1e-4)


@pytest.mark.parametrize("row", rows("regression_to_mean"), ids=lambda row: f"from {row['baseline']}")
def test_people_who_start_low_rise_by_themselves(row: dict[str, str]) -> None:
    start = float(row["baseline"])
    expected = paired.expected_without_effect(float(row["mean"]), start, float(row["r"]))
    assert expected == pytest.approx(float(row["expected"]))
    assert expected - start == pytest.approx(float(row["rise"]))


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        (4, (False, False, True)),
        (5, (True, False, True)),
        (9, (True, False, True)),
        (10, (True, True, True)),
        (29, (True, True, True)),
        (30, (True, True, False)),
    ],
)
def test_small_numbers_are_not_shown_as_if_they_were_large(people: int, shown: tuple[bool, bool, bool]) -> None:
    allowed = paired.showable(people)
    assert (allowed.group, allowed.mean_and_interval, allowed.too_few_to_say) == shown


def test_where_nothing_varies_nothing_is_divided_by_it() -> None:
    still = paired.paired_change([3.0, 3.0], [5.0, 5.0])
    assert (still.mean_change, still.interval) == (2.0, (2.0, 2.0))
    assert (still.t, still.srm, still.d_av, still.g_av, still.correlation) == (None,) * 5


def test_what_cannot_be_worked_out_is_refused() -> None:
    for before, after in (([1.0], [2.0]), ([1.0, 2.0], [1.0, 2.0, 3.0])):
        with pytest.raises(ValueError, match="pairs"):
            paired.paired_change(before, after)
    for sd, reliability in ((-1.0, 0.5), (1.0, 1.5), (1.0, -0.1)):
        with pytest.raises(ValueError, match="reliability"):
            paired.reliable_threshold(sd, reliability)
    with pytest.raises(ValueError, match="freedom"):
        paired.t_quantile(0)
