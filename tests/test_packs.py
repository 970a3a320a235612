"""Text packs: what is taken in, and each thing that is refused, with its sentence. The pack of this project's own is
made up in a language for private use; the official ones are read where they lie, and skipped where they do not."""

import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from portal import create_app, i18n, instruments, web
from portal.instruments import BadPack, Pack, Responses, WrongDefinition, catalogue, files, read_pack
from portal.instruments.packs import LARGEST, direction_of, forms_of, shaped, tag_problems, text_hash

ROOT = Path(__file__).parent.parent
MADE_UP = Path(__file__).parent / "fixtures" / "who5.qaa.json"
OFFICIAL = ROOT.parent / "shared" / "reference" / "text-packs"
PACKS = sorted(OFFICIAL.glob("*.json")) if OFFICIAL.is_dir() else []
official = pytest.mark.skipif(not PACKS, reason="the official texts are not part of this project")

Change = Callable[[dict[str, Any]], None]


def made_up() -> dict[str, Any]:
    return dict(json.loads(MADE_UP.read_bytes()))


def sealed(pack: dict[str, Any]) -> bytes:
    """The file, with the hash of what it says."""
    with suppress(KeyError, UnicodeEncodeError):
        pack["text_sha256"] = text_hash(pack)
    return json.dumps(pack).encode()


def problems(data: bytes) -> tuple[str, ...]:
    with pytest.raises(BadPack) as refused:
        read_pack(data, catalogue())
    return refused.value.problems


def taken(data: bytes) -> Pack:
    return read_pack(data, catalogue())


# What is taken in ----------------------------------------------------------------------------------------------------


def test_a_good_pack_gives_exactly_its_words() -> None:
    data = MADE_UP.read_bytes()
    pack = taken(data)
    assert (pack.instrument.key, pack.language, pack.serves) == ("who5", "qaa", ("who5",))
    assert pack.file_sha256 == hashlib.sha256(data).hexdigest()
    wording = pack.wording_for(pack.instrument)
    assert wording.items["who5_3"] == "Trinka trall"
    assert wording.options["answers"]["all_of_the_time"] == "Olla"
    assert wording.options["answers"]["at_no_time"] == "Tiv"
    assert wording.attribution.startswith("Made up")
    assert (wording.direction, wording.variant) == ("ltr", "Made-up for tests")
    assert pack.instrument.wording_hash(wording) == pack.text_sha256


def test_a_file_saved_with_a_byte_order_mark_is_still_the_same_text() -> None:
    assert taken(b"\xef\xbb\xbf" + MADE_UP.read_bytes()).text_sha256 == taken(MADE_UP.read_bytes()).text_sha256


def test_two_sources_count_only_where_the_portals_own_list_knows_of_them() -> None:
    pack = made_up() | {"status": "official-two-sources"}
    assert taken(sealed(pack)).status == "official-one-source", "nobody can sign by editing one word of the file"
    known = instruments.OfficialText("qaa", instruments.TextStatus.TWO_SOURCES)
    who5 = catalogue()["who5"]
    knowing = files.Catalogue((replace(who5, official_texts=(*who5.official_texts, known)),))
    assert read_pack(sealed(pack), knowing).status == "official-two-sources"
    assert read_pack(sealed(made_up()), knowing).status == "official-one-source"


def a_phq9() -> dict[str, Any]:
    return made_up() | {
        "instrument": "phq9",
        "licence": catalogue()["phq9"].licence.terms,
        "licence_url": None,
        "serves": ["phq2", "phq8", "phq9"],
        "items": [{"n": n, "text": f"Zeep {n}"} for n in range(1, 10)],
        "options": [{"value": value, "text": f"Moop {value}"} for value in range(4)],
    }


def test_the_short_forms_are_cut_from_the_long_one_and_the_eight_never_hold_the_ninth() -> None:
    pack = taken(sealed(a_phq9()))
    eight = pack.wording_for(catalogue()["phq8"])
    assert [*eight.items.values()] == [f"Zeep {n}" for n in range(1, 9)]
    assert "Zeep 9" not in repr(eight)
    assert [*pack.wording_for(catalogue()["phq2"]).items] == ["phq_1", "phq_2"]
    assert len(pack.wording_for(catalogue()["phq9"]).items) == 9
    with pytest.raises(KeyError):
        pack.wording_for(catalogue()["gad2"])


def test_a_pack_that_does_not_serve_a_form_gives_it_no_words() -> None:
    pack = taken(sealed(a_phq9() | {"serves": ["phq8"]}))
    with pytest.raises(KeyError):
        pack.wording_for(catalogue()["phq9"])


def test_which_forms_belong_together_follows_from_their_items() -> None:
    assert [form.key for form in forms_of(catalogue()["phq9"], catalogue())] == ["phq9", "phq2", "phq8"]
    assert [form.key for form in forms_of(catalogue()["gad7"], catalogue())] == ["gad7", "gad2"]
    assert [form.key for form in forms_of(catalogue()["who5"], catalogue())] == ["who5"]


# What is refused -----------------------------------------------------------------------------------------------------


def put(**parts: Any) -> Change:
    return lambda pack: pack.update(parts)


def without(key: str) -> Change:
    return lambda pack: pack.pop(key)


def item(place: int, **parts: Any) -> Change:
    return lambda pack: pack["items"][place].update(parts)


def option(place: int, **parts: Any) -> Change:
    return lambda pack: pack["options"][place].update(parts)


def swap(key: str, one: int, other: int) -> Change:
    def change(pack: dict[str, Any]) -> None:
        pack[key][one], pack[key][other] = pack[key][other], pack[key][one]

    return change


def urdu(**parts: Any) -> Change:
    """The same made-up words in Arabic letters, called Urdu."""
    words = {
        "language": "ur",
        "language_name": "Urdu",
        "direction": "rtl",
        "instructions": "ببب",
        "items": [{"n": n, "text": "تتت"} for n in range(1, 6)],
        "options": [{"value": value, "text": "ثثث"} for value in range(5, -1, -1)],
    }
    return put(**{**words, **parts})


WRONG: list[tuple[Change, str]] = [
    (put(format="text-pack/2"), "The format must be text-pack/1."),
    (without("format"), "The format must be text-pack/1."),
    (put(colour="red"), "A text pack has no part “colour”. Ask whoever made the file."),
    (put(instrument="who6"), "The portal has no scale “who6”."),
    (put(instrument=5), "The portal has no scale “5”."),
    (put(version="2"), "The file is for version “2” of WHO-5 Well-Being Index, and the portal has version “1”."),
    (put(version=1), "and the portal has version “1”. Words of another version belong to other questions."),
    (put(instrument="swemwbs"), "need a licence. Bring them on the page of that scale, not in a text pack."),
    (put(instrument="ons4"), "A text pack has one list of answers."),
    (put(instrument="gss-loneliness"), "A text pack has one list of answers."),
    (put(instrument="fft"), "A text pack has one list of answers."),
    (put(instrument="gas"), "A text pack has one list of answers."),
    (put(instrument="phq8"), "PHQ-8 is a short form: bring the pack of PHQ-9, which serves it too."),
    (without("language"), "The language is missing."),
    (put(language=" "), "The language is missing."),
    (put(language="en"), "English words come with the portal."),
    (put(language="en-GB"), "English words come with the portal."),
    (put(language="PL"), "“PL” is not a language tag such as pl, zh-Hans or pt-BR (BCP 47)."),
    (put(language="zh-hans"), "“zh-hans” is not a language tag"),
    (put(language="polish"), "“polish” is not a language tag"),
    (put(language="pl_PL"), "“pl_PL” is not a language tag"),
    (put(language="x-" + "y" * 40), "is not a language tag"),
    (put(language="xx"), "“xx” is not the tag of a language that the portal knows."),
    (put(language="it", language_name="Polish"), "and the file calls the language Polish. One of them is wrong."),
    (put(language="ur", direction="rtl"), "Most letters of the text are not those in which Urdu (ur) is written."),
    (urdu(direction="ltr"), "Urdu (ur) is written from right to left: the direction must be rtl."),
    (
        urdu(language="fr", language_name="French"),
        "French (fr) is written from left to right: the direction must be ltr.",
    ),
    (urdu(language="fa", language_name="Urdu"), "The language tag is fa, and the file calls the language Urdu."),
    (put(direction="up"), "The direction must be ltr (left to right) or rtl (right to left)."),
    (without("direction"), "The direction must be ltr (left to right) or rtl (right to left)."),
    (put(status="official"), "The status must be official-two-sources or official-one-source."),
    (without("status"), "The status must be official-two-sources or official-one-source."),
    (put(language="cy", language_name="Welsh"), "has no official text in Welsh: it is not in the list of the rights"),
    (put(language="pt-BR", language_name="Portuguese"), "Nobody else’s translation is used."),
    (lambda pack: pack["items"].pop(), "WHO-5 Well-Being Index has 5 questions. Missing here: 5."),
    (lambda pack: pack["items"].append({"n": 6, "text": "More"}), "has 5 questions. Not on the form: 6."),
    (item(2, n=2), "has 5 questions. Here twice: 2."),
    (item(2, n=True), "Not on the form: True."),
    (item(2, n="3"), "Not on the form: 3."),
    (swap("items", 0, 1), "The questions of WHO-5 Well-Being Index stand in another order than 1 to 5."),
    (item(0, text=" "), "Question 1 is empty."),
    (item(0, text=None), "Question 1 is missing."),
    (item(0, text=7), "Question 1 must be text."),
    (item(0, text="Z" * 1_001), "Question 1 is too long: it can have 1,000 characters at most."),
    (item(0, more="Z"), "Question 1 must have “n” and “text”, and nothing else."),
    (lambda pack: pack["items"].__setitem__(1, "Zilly"), "Question 2 must have “n” and “text”, and nothing else."),
    (put(items="Zilly"), "“items” is missing, or is not a list."),
    (without("items"), "“items” is missing, or is not a list."),
    (swap("options", 1, 4), "(5, 4, 3, 2, 1, 0). Swapped here: answers 2, 5."),
    (
        lambda pack: pack["options"].pop(),
        "have the values 5, 4, 3, 2, 1, 0, in this order. Here they have: 5, 4, 3, 2, 1.",
    ),
    (option(0, value=6), "Here they have: 6, 4, 3, 2, 1, 0."),
    (option(0, value=5.0), "Here they have: 5.0, 4, 3, 2, 1, 0."),
    (option(4, value=True), "Here they have: 5, 4, 3, 2, True, 0."),
    (option(0, value=None), "Here they have: –, 4, 3, 2, 1, 0."),
    (put(options=[]), "Here they have: –."),
    (option(5, text=""), "Answer 6 is empty."),
    (option(5, label="x"), "Answer 6 must have “value” and “text”, and nothing else."),
    (without("options"), "“options” is missing, or is not a list."),
    (put(instructions=""), "“instructions” is empty."),
    (put(source_url=""), "“source_url” is empty."),
    (without("source_url"), "“source_url” is missing."),
    (put(source_url="ftp://example.org"), "“source_url” must be the address of the official document."),
    (put(source_url="https://example.org/a b"), "“source_url” must be the address of the official document."),
    (put(source_sha256="abc"), "“source_sha256” must be 64 digits and letters from a to f, or null."),
    (without("source_sha256"), "“source_sha256” is missing. Where there is none, it says null."),
    (put(source_sha256=5), "“source_sha256” must be text."),
    (without("licence"), "“licence” is missing."),
    (put(licence=" "), "“licence” is empty."),
    (
        put(licence="CC BY 4.0"),
        "The licence differs from that of WHO-5 Well-Being Index: it must read “CC BY-NC-SA 3.0",
    ),
    (put(licence_url="https://example.org/"), "The address of the licence differs from that of WHO-5 Well-Being Index"),
    (without("attribution"), "“attribution” is missing."),
    (put(attribution="A" * 501), "“attribution” is too long: it can have 500 characters at most."),
    (put(serves=[]), "“serves” must name forms of WHO-5 Well-Being Index, each once: who5."),
    (put(serves=["who5", "who5"]), "“serves” must name forms of WHO-5 Well-Being Index, each once: who5."),
    (put(serves=["phq9"]), "“serves” must name forms of WHO-5 Well-Being Index, each once: who5."),
    (put(serves=[["who5"]]), "“serves” must name forms of WHO-5 Well-Being Index, each once: who5."),
    (put(serves="who5"), "“serves” is missing, or is not a list."),
    (put(notes="none"), "“notes” is missing, or is not a list."),
    (put(notes=[5]), "“notes” and “unscored” must be lists."),
    (put(unscored={}), "“notes” and “unscored” must be lists."),
    (without("agreement"), "“agreement” is missing: it says which words a second copy agrees with."),
    (put(variant="A" * 101), "“variant” is too long"),
    (item(0, text="Zilly\u0007"), "“items, text” holds signs that no page can show."),
    (put(notes=["\ud800"]), "“notes” holds signs that no page can show."),
    (put(text_sha256=None), "“text_sha256” is missing: without it nobody can see whether the words were changed"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG, ids=lambda one: one if isinstance(one, str) else "")
def test_each_thing_that_is_wrong_has_its_sentence(change: Change, sentence: str) -> None:
    pack = made_up()
    change(pack)
    data = json.dumps(pack).encode() if pack["text_sha256"] is None else sealed(pack)
    said = problems(data)
    assert any(sentence in one for one in said), said


@pytest.mark.parametrize(
    "change",
    [
        item(1, text="Mubble mook."),
        option(1, text="Olla  nik"),
        put(instructions="Blorp"),
        put(language="qab"),
        swap("options", 0, 1),
        swap("items", 0, 1),
    ],
)
def test_a_word_that_was_changed_on_the_way_is_noticed(change: Change) -> None:
    pack = made_up()
    change(pack)
    assert any(
        "The words are not those that “text_sha256” was made from." in one
        for one in problems(json.dumps(pack).encode())
    )


MACHINES: list[Change] = [
    put(notes=["Machine-translated from English."]),
    put(notes=["auto translated"]),
    put(notes=["Automatically translated, then read by a colleague"]),
    put(notes=["Translated with DeepL"]),
    put(notes=["translation by a machine"]),
    put(notes=["Google Translate"]),
    put(adaptation="AI-generated wording for items 2 and 3"),
    put(variant="machine translation"),
    put(transcribed_from="somebody, using ChatGPT"),
    put(status="machine-translated"),
    put(machine_translated=True),
    put(machine_translated=False),
    put(agreement={"items": [], "options": False, "with": [], "remarks": "computer-assisted translation"}),
    put(agreement={"auto_translated": True}),
    item(0, machine_translation=True),
    put(notes=["Not checked: machine translated"]),
]


@pytest.mark.parametrize("change", MACHINES)
def test_a_machines_words_are_refused_wherever_the_file_says_so(change: Change) -> None:
    pack = made_up()
    change(pack)
    assert any("a machine took part in the translation" in one for one in problems(sealed(pack)))


@pytest.mark.parametrize(
    "note", ["Never machine-translated.", "It was not translated by a machine.", "Automatic doors"]
)
def test_a_note_that_no_machine_was_used_is_no_mark(note: str) -> None:
    if "not translated by" in note:
        note = "It was not machine translated."
    assert taken(sealed(made_up() | {"notes": [note]}))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b"nothing", "cannot be read as JSON"),
        (b"[" * 40_000, "cannot be read as JSON"),
        (b'{"version": NaN}', "cannot be read as JSON"),
        (b"[]", "it must hold one JSON object"),
        (b"5", "it must hold one JSON object"),
        (b'{"format": "text-pack/1", "format": "text-pack/1"}', "The file says “format” twice"),
        (b'{"items": [{"n": 1, "n": 2}]}', "The file says “n” twice"),
        ("{}".encode("utf-16"), "The file is not UTF-8 text."),
        (b'{"a": "\xff"}', "The file is not UTF-8 text."),
        (b" " * (LARGEST + 1), "The file is too large. A text pack has at most 50,000 bytes."),
        (b"{}", "“instructions” is missing."),
    ],
)
def test_a_file_that_is_no_pack_is_refused(data: bytes, sentence: str) -> None:
    assert any(sentence in one for one in problems(data))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    pack = made_up() | {"status": "official", "licence": "none", "source_url": "", "colour": "red"}
    pack["items"].pop()
    assert len(problems(json.dumps(pack).encode())) == 6


def test_the_sentences_come_in_the_language_that_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Brackets:
        def gettext(self, message: str) -> str:
            return f"[{message}]"

    monkeypatch.setattr(i18n, "_catalogue", lambda code: Brackets())
    pack = made_up() | {"status": "official", "machine": "auto translated", "source_url": "", "language": "xx"}
    pack["options"].pop()
    pack["items"].pop()
    said = problems(sealed(pack))
    assert len(said) > 5
    assert all(one[0] == "[" and one[-1] == "]" for one in said), said


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(made_up())), json_like)
def test_whatever_stands_in_a_part_the_answer_is_words_or_sentences(part: str, value: Any) -> None:
    pack = made_up() | {part: value}
    said: tuple[str, ...] = ("taken",)
    try:
        read_pack(json.dumps(pack).encode(), catalogue())
    except BadPack as bad:
        said = bad.problems
    assert said
    assert all(one.strip() for one in said)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_stumble(data: bytes) -> None:
    with pytest.raises(BadPack):
        read_pack(data, catalogue())


# Languages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        ("ar", "rtl"),
        ("fa", "rtl"),
        ("ur", "rtl"),
        ("ps", "rtl"),
        ("ckb", "rtl"),
        ("sd", "rtl"),
        ("pa-Arab", "rtl"),
        ("he", "rtl"),
        ("ar-TN", "rtl"),
        ("ur-Latn", "ltr"),
        ("pa", "ltr"),
        ("pl", "ltr"),
        ("zh-Hans", "ltr"),
        ("so", "ltr"),
        ("qaa", ""),
        ("x-made-up", ""),
    ],
)
def test_the_direction_follows_from_the_script_of_the_language(tag: str, direction: str) -> None:
    assert direction_of(tag) == direction
    assert [*tag_problems(tag)] == []


def test_a_slot_gets_the_shape_of_the_text_that_was_brought() -> None:
    slot = catalogue()["reqol10"]
    made = shaped(slot, [2, 3])
    assert [len(made.options(item.code)) for item in made.items] == [2, 3]
    assert made.scores == ()
    assert made.version.startswith("1+")
    assert shaped(slot, [2, 3]).version == made.version != shaped(slot, [3, 2]).version
    assert len(shaped(slot, [12] * 40).version) <= 20, "it must fit its column"


# The start -----------------------------------------------------------------------------------------------------------


def test_a_wrong_definition_stops_the_start(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = (files.DATA / "phq9.toml").read_text("utf-8")
    (tmp_path / "phq9.toml").write_text(right.replace("highest = 4 }", "highest = 5 }"), "utf-8")
    monkeypatch.setattr(files, "DATA", tmp_path)
    monkeypatch.setattr(web, "open_doors", lambda given: pytest.fail("the doors were opened all the same"))
    files.catalogue.cache_clear()
    try:
        with pytest.raises(WrongDefinition, match=r"phq9\.toml score total: 5 is in 2 bands"):
            create_app(settings)
    finally:
        files.catalogue.cache_clear()


# The official texts --------------------------------------------------------------------------------------------------


@official
def test_all_official_packs_are_taken_in_with_their_hash_and_fit_every_form_they_serve() -> None:
    assert len(PACKS) == 43
    statuses = []
    for file in PACKS:
        pack = taken(file.read_bytes())
        assert pack.status == pack.whole["status"], file.name
        statuses.append(pack.status)
        for key in pack.serves:
            form = catalogue()[key]
            wording = pack.wording_for(form)
            assert [*instruments.wording_problems(form, wording)] == [], (file.name, key)
            assert (form.wording_hash(wording) == pack.text_sha256) == (form is pack.instrument), (file.name, key)
    assert (statuses.count("official-two-sources"), statuses.count("official-one-source")) == (12, 31)


@official
@pytest.mark.parametrize(("language", "direction"), [("pl", "ltr"), ("ur", "rtl"), ("ar", "rtl")])
def test_the_official_well_being_index_scores_the_option_chosen(language: str, direction: str) -> None:
    raw = json.loads((OFFICIAL / f"who5.{language}.json").read_bytes())
    pack = taken((OFFICIAL / f"who5.{language}.json").read_bytes())
    wording = pack.wording_for(pack.instrument)
    assert wording.direction == direction
    for item in pack.instrument.items:
        for choice in pack.instrument.options(item.code):
            label = wording.options["answers"][choice.code]
            assert next(one["value"] for one in raw["options"] if one["text"] == label) == choice.value
            assert (value := choice.value) is not None
            answers: Responses = dict.fromkeys(pack.instrument.item_by_code, value)
            found = instruments.score(pack.instrument, answers)
            assert (found["raw"].value, found["percent"].value) == (5 * value, 20 * value)


@official
def test_no_official_text_stands_in_the_projects_own_files() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    own = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    texts = {one["text"] for file in PACKS for one in json.loads(file.read_bytes())["items"] if len(one["text"]) > 12}
    for file in own:
        if file.suffix in {".woff2", ".png", ".br", ".gz"} or not file.is_file():
            continue
        said = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), file.read_text("utf-8", "ignore"))
        found = [text for text in texts if text in said]
        assert not found, f"{file.relative_to(ROOT)} holds words of an official text"
