"""Languages: catalogues that are complete and right in all that a machine can see, pages without a word left behind,
the banner and the English beneath while a language is a draft, and production that offers no draft by itself.

Whether a translation is good, no test can say: that takes a person who grew up with the language.
"""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from babel import dates
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from babel.support import NullTranslations
from flask import Flask

from portal import i18n
from portal.access import Role
from portal.clock import today
from portal.i18n import LANGUAGES, Language, gettext, language_name, ngettext, speaking
from portal.instruments import catalogue
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.engine import SPOKEN_LANGUAGES
from portal.journeys.self_referral import SELF_REFERRAL
from portal.web.messages import Renderer, environment
from tests import everything
from tests.everything import World, address, app_on, rules, visitor, who_comes, who_may
from tests.inspector import Page
from tests.visitor import Visitor
from tests.world import ANSWERS
from tools import catalogues

DRAFTS = [code for code, language in LANGUAGES.items() if not language.reviewed]


# Catalogues ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def template() -> Catalog:
    """What there is to translate now, gathered in memory."""
    return catalogues.gathered()


def _keys(catalogue: Catalog) -> set[tuple[object, str]]:
    return {(message.context, repr(message.id)) for message in catalogue if message.id}


@pytest.mark.slow
def test_the_template_holds_exactly_what_there_is_to_translate(template: Catalog) -> None:
    kept = catalogues.read(catalogues.TEMPLATE)
    assert _keys(kept) == _keys(template), "Run make catalogues, and translate what is new."


@pytest.mark.slow
@pytest.mark.parametrize("code", DRAFTS)
def test_a_catalogue_has_no_fault(template: Catalog, code: str) -> None:
    language = LANGUAGES[code]
    catalogue = catalogues.read(catalogues.place_of(language), language)
    assert catalogues.faults(catalogue, template, language) == []


def test_every_catalogue_belongs_to_a_language_and_every_language_but_english_has_one() -> None:
    there = {path.parent.parent.name for path in i18n.CATALOGUES.glob("*/LC_MESSAGES/messages.po")}
    assert there == set(LANGUAGES) - {"en"}


def test_a_catalogue_says_nothing_about_the_machine_it_was_made_on() -> None:
    for file in i18n.CATALOGUES.rglob("*.po*"):
        text = file.read_text("utf-8")
        assert not re.search(r"^#: /|POT-Creation-Date|Generated-By|Last-Translator", text, re.MULTILINE), file


def test_the_same_words_give_the_same_file(template: Catalog) -> None:
    once = catalogues.written(template)
    assert catalogues.written(read_po(io.BytesIO(once))) == once


def test_bringing_a_catalogue_up_keeps_what_is_translated_and_guesses_nothing(template: Catalog) -> None:
    language = LANGUAGES["pl"]
    before = catalogues.read(catalogues.place_of(language), language)
    after = catalogues.brought_up(language, template)
    for message in after:
        had = before.get(message.id, message.context) if message.id else None
        if had is not None:
            assert message.string == had.string
    assert [message.id for message in after if message.fuzzy and message.id] == []


SHAPES = {
    "en": [1, 0, 1, 1, 1, 1, 1, 1, 1, 1],
    "cy": [0, 1, 2, 3, 5, 4, 5, 5, 5, 5],
    "pl": [2, 0, 1, 1, 2, 2, 2, 2, 2, 2],
    "ur": [1, 0, 1, 1, 1, 1, 1, 1, 1, 1],
}
"""Which plural form 0, 1, 2, 3, 5, 6, 11, 21, 100 and 101 take: the languages reference, section 4, from CLDR."""


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_number_takes_the_plural_form_of_its_language(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "_catalogue", _with_numbered_forms)
    with speaking(code):
        forms = [ngettext("form 0", "form 1", count) for count in (0, 1, 2, 3, 5, 6, 11, 21, 100, 101)]
    assert [int(form.removeprefix("form ")) for form in forms] == SHAPES[code]


def _with_numbered_forms(code: str) -> NullTranslations:
    language = LANGUAGES[code]
    catalogue = Catalog(locale=code)
    catalogues.pin(catalogue, language)
    forms = tuple(f"form {number}" for number in range(catalogue.num_plurals))
    catalogue.add(("form 0", "form 1"), forms)
    return _compiled(catalogue)


def _compiled(catalogue: Catalog) -> NullTranslations:
    from babel.messages.mofile import write_mo
    from babel.support import Translations

    file = io.BytesIO()
    write_mo(file, catalogue)
    file.seek(0)
    return Translations(file)


def test_no_safety_text_is_shown_without_its_mark() -> None:
    """A sentence written straight into the macro would be safety-critical and yet never reach the translators."""
    for file in (catalogues.TOP / "templates").rglob("*.html"):
        if file.name != "gallery.html":
            assert not re.search(r"""\bsafety\(\s*["']""", file.read_text("utf-8")), f"{file}: write safety(S_(…))"


def test_there_are_safety_texts_and_they_are_all_in_the_template(template: Catalog) -> None:
    safety = catalogues.safety_texts()
    assert len(safety) >= 20
    assert safety <= {str(message.id) for message in template}


# A catalogue with seeded mistakes: the checker's own control ----------------------------------------------------------

GOOD: list[tuple[Any, Any]] = [
    ("Hello %(name)s, your reference is %(ref)s", "Cześć %(name)s, twój numer to %(ref)s"),
    ("Call us on %(tel)s", "Zadzwoń do nas: %(tel)s"),
    ('Read <a href="/privacy">more</a>', 'Czytaj <a href="/privacy">więcej</a>'),
    ("This is <strong>free</strong>", "To jest <strong>bezpłatne</strong>"),
    ("We answer within 2 weeks", "Odpowiadamy w ciągu 2 tygodni"),
    ("Continue", "Dalej"),
    ("None of the time", "Nigdy"),
    ("Rarely", "Rzadko"),
    ("Call 999 or 111", "Zadzwoń pod 999 lub 111"),
    (("%(num)s day", "%(num)s days"), ("%(num)s dzień", "%(num)s dni", "%(num)s dni")),
    ("Send", "Wyślij"),
]
SEEDED: list[tuple[str, int, Any, str]] = [
    ("placeholder dropped", 0, "Cześć %(name)s", "placeholders"),
    ("placeholder renamed", 1, "Zadzwoń do nas: %(phone)s", "placeholders"),
    ("link changed to another site", 2, 'Czytaj <a href="https://evil.example">więcej</a>', "tags or links"),
    ("strong never closed", 3, "To jest <strong>bezpłatne", "tags or links"),
    ("2 weeks become 3", 4, "Odpowiadamy w ciągu 3 tygodni", "numbers"),
    ("empty", 5, "", "empty"),
    ("English copied", 6, "None of the time", "English text"),
    ("fuzzy, and wrong", 7, "Często", "fuzzy"),
    ("999 or 111 loses 111", 8, "Zadzwoń pod 999", "numbers"),
    ("one plural form of three", 9, ("%(num)s dzień",), "plural form"),
    ("trailing space", 10, "Wyślij ", "white space"),
]
MORE_SEEDED: list[tuple[str, int, Any, str]] = [
    ("an override of the direction", 10, "\u202eWyślij", "direction"),
    ("a plural form left empty", 9, ("%(num)s dzień", "%(num)s dni", ""), "empty plural form"),
    ("a plural form for many without its number", 9, ("dzień", "dni", "%(num)s dni"), "placeholders"),
    ("a number in other digits", 4, "Odpowiadamy w ciągu ٣ tygodni", "numbers"),
    ("a number in words where it must stand", 8, "Zadzwoń pod 999 lub sto jedenaście", "numbers"),
    ("much too long", 0, "%(name)s %(ref)s " + "bardzo długo" * 20, "longer"),
    ("a double placeholder", 1, "%(tel)s %(tel)s", "placeholders"),
    ("a percent sign added", 5, "Dalej %%", "placeholders"),
    ("markup added", 5, "<script>Dalej</script>", "tags or links"),
]


def _template() -> Catalog:
    made = Catalog()
    for source, _ in GOOD:
        made.add(source)
    return made


def _catalogue(spoilt: int | None = None, words: Any = None, *, fuzzy: bool = False) -> Catalog:
    """As it comes from a file, so that what a file cannot say is not said here."""
    made = Catalog(locale="pl")
    catalogues.pin(made, LANGUAGES["pl"])
    for number, (source, said) in enumerate(GOOD):
        flags = ["fuzzy"] if fuzzy and number == spoilt else []
        made.add(source, words if number == spoilt else said, flags=flags)
    file = io.BytesIO()
    write_po(file, made)
    file.seek(0)
    return read_po(file, locale="pl")


def test_a_catalogue_without_mistakes_has_no_fault() -> None:
    assert catalogues.faults(_catalogue(), _template(), LANGUAGES["pl"]) == []


@pytest.mark.parametrize(("mistake", "number", "words", "said"), SEEDED + MORE_SEEDED, ids=lambda one: str(one)[:30])
def test_a_seeded_mistake_is_found_and_nothing_else(mistake: str, number: int, words: Any, said: str) -> None:
    found = catalogues.faults(_catalogue(number, words, fuzzy="fuzzy" in mistake), _template(), LANGUAGES["pl"])
    assert len(found) == 1, found
    assert said in found[0]


def test_the_twelfth_mistake_an_arabic_file_with_two_plural_forms_is_found() -> None:
    forms = "n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5"
    arabic = Language("ar", "العربية", "Arabic", f"nplurals=6; plural=({forms});")
    catalogue = Catalog(locale="ar")
    catalogue.mime_headers = [("Plural-Forms", "nplurals=2; plural=(n != 1);")]
    assert any("plural rule" in fault for fault in catalogues.faults(catalogue, Catalog(), arabic))


def test_missing_and_left_over_messages_are_found() -> None:
    catalogue, template = _catalogue(), _template()
    template.add("Something new")
    catalogue.add("Something gone", "Coś")
    found = catalogues.faults(catalogue, template, LANGUAGES["pl"])
    assert [fault.partition(": ")[2] for fault in found] == [
        "is no longer asked for; run make catalogues",
        "is missing; run make catalogues",
    ]


def test_a_form_that_one_number_alone_reaches_may_say_it_in_words() -> None:
    said = ("jeden dzień", "%(num)s dni", "%(num)s dni")
    assert catalogues.faults(_catalogue(9, said), _template(), LANGUAGES["pl"]) == []
    assert [len(only) for only in catalogues.reached_by(LANGUAGES["cy"])] == [1, 1, 1, 1, 1, 0]


def test_the_digits_of_every_script_are_the_same_number() -> None:
    assert catalogues.numbers("Call ۹۹۹ or १११") == catalogues.numbers("999, 111")
    assert catalogues.numbers("4,000") == catalogues.numbers("4 000") == catalogues.numbers("4000")


# A pseudo-language: every message in brackets -------------------------------------------------------------------------


class Bracketed(NullTranslations):
    """A language in which every message is itself, in brackets; a colon at its end stays outside, as titles need it."""

    def gettext(self, message: str) -> str:
        return f"⟦{message[:-1]}⟧:" if message.endswith(":") else f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


PSEUDO = "pl"  # bracketed in its stead, so that dates and names of languages are not English either


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "_catalogue", lambda code: Bracketed() if code == PSEUDO else NullTranslations())


def _ours() -> list[str]:
    """Words that need no translation: names, what people typed, dates and names of languages from CLDR."""
    typed = [str(value) for value in ANSWERS.values() if isinstance(value, str)]
    with speaking(PSEUDO):
        locale = i18n.spoken().locale
        languages = [name for code in SPOKEN_LANGUAGES if (name := locale.languages.get(code.replace("-", "_")))]
        texts = [text.language for scale in catalogue().values() for text in scale.official_texts]
        languages += [language_name(code) for code in texts if code != "*"]
    months = dates.get_month_names("wide", locale=PSEUDO).values()
    days = dates.get_day_names("wide", locale=PSEUDO).values()
    teams = ["North"]  # as the services of tests/everything.py have named it: an option of a list holds no element
    return sorted({*typed, *languages, *months, *days, *teams}, key=len, reverse=True)


TOLD = ("title", "aria-label", "alt", "placeholder", "content")


def _said(element: Element, own: set[str]) -> Iterator[str]:
    """Everything an element says: words and the attributes that are read out. What has a language of its own, and what
    stands apart because people wrote it, is left out."""
    if element.tag in ("script", "style", "bdi") or element.get("lang") or element.get("dir") == "ltr":
        return
    if "portal-words" in element.get("class", "").split() and element.get("dir") == "auto":
        return
    yield from (element.get(name, "") for name in TOLD if element.tag != "meta" or element.get("name") == "description")
    yield from (value for name, value in element.attrib.items() if str(name).startswith("data-i18n."))
    if element.tag == "textarea":
        return
    yield element.text or ""
    for child in element:
        yield from _said(child, own)
        yield child.tail or ""


def unbracketed(html: str, names: list[str]) -> list[str]:
    """The words of a page that did not go through the catalogue."""
    page = Page(html)
    left = []
    for part in (*page.all("title", "meta"), *page.all("body"), *page.all("template")):
        said = "\n".join(_said(part, set()))
        if part.tag == "title" and page.heading:  # it begins with the heading, which is looked at where it stands
            said = said.replace(page.heading, " ")
        for _ in range(5):  # a message may hold another one
            said = re.sub(r"⟦[^⟦⟧]*⟧", " ", said)
        for name in names:
            said = said.replace(name, " ")
        said = re.sub(r"%\{count\}|– Service \w+|Front Door|Service \w+", " ", said)
        left += [" ".join(line.split()) for line in said.splitlines() if re.search(r"[^\W\d_]{2,}", line)]
    return left


def test_the_check_for_brackets_finds_words_left_behind() -> None:
    page = "<!doctype html><title>⟦Here⟧ – Service here</title><body><p>⟦One ⟦two⟧⟧ three</p><input aria-label='four'>"
    assert sorted(unbracketed(page, [])) == ["four", "three"]
    assert unbracketed("<title>Mine – Service here</title><h1 lang=en>Mine</h1>⟦x⟧", []) == []
    assert unbracketed("<title>Yours</title><h1>Mine</h1>", []) == ["Yours", "Mine"]
    assert unbracketed("<title>⟦a⟧</title><body><p lang=en>English</p><bdi>Name</bdi>⟦x⟧ 12 %", []) == []


@pytest.fixture(scope="module")
def world(environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return everything.build(environment, migrated_sqlite, tmp_path_factory.mktemp("languages") / "portal.sqlite")


@pytest.fixture(scope="module")
def portal(world: World, environment: dict[str, str]) -> Flask:
    return app_on(environment, world.file)


def public_pages(app: Flask, language: str) -> Iterator[tuple[str, str]]:
    """Every page for the public in every state that looks different: (what it is, HTML)."""
    prefix = f"/{language}"
    there = Visitor(app, prefix)

    def seen(what: str, there: Visitor) -> tuple[str, str]:
        return f"{what} → {there.path}", there.response.get_data(as_text=True)

    for path in ("/", "/help-now", "/privacy", "/what-we-share", "/accessibility", "/about-the-translations"):
        yield seen(path, there.open(path))
    for path in ("/data-dictionary", "/poster", "/carry-on", "/refer/locked", "/refer/ask-them-first", "/nope"):
        yield seen(path, there.open(path))
    for path in ("/paper", "/paper/form", "/paper/form/large", "/paper/scales/ons4", "/kiosk"):
        yield seen(path, there.open(path))
    yield seen("a card that cannot be read", there.open("/carry-on").press(reference="x", number="y"))
    yield seen("a card nobody has", there.open("/carry-on").press(reference="00000000-0", number="1" * 12))
    for helped in ("me", "someone-who-agrees"):
        yield from _form_pages(there, seen, helped)
    yield seen("check", there.open("/refer/check-your-answers"))
    there.client.delete_cookie(app.config["SESSION_COOKIE_NAME"])
    yield seen("check, dead token", there.post(f"{prefix}/refer/check-your-answers", {}))
    yield seen("page, dead token", there.post(f"{prefix}/refer/name", {}))
    yield seen("400", there.post(f"{prefix}/carry-on", {}))
    yield seen("415", there.post(f"{prefix}/carry-on", json={}))
    yield seen("405", there.post(f"{prefix}/privacy", {}))
    yield seen("saved", there.open("/refer/saved"))
    yield seen("card", there.press("card"))
    yield seen("contact me", there.press("contact-me"))
    card = dict(zip(("reference", "number"), there.card(), strict=True))
    yield seen("sent", there.open("/refer/check-your-answers").press())
    yield seen("email", there.press("send-code", to="your-email"))
    yield seen("wrong code", there.press(code="x"))
    yield seen("again", there.open("/refer/again"))
    for step in ABOUT_YOU.steps:
        yield seen(step.slug, there.open(f"/about-you/{step.slug}"))
    yield seen("too long", there.open("/about-you/ethnic-group").press(ethnic_group_words="x" * 200))
    yield seen("already sent", there.open("/carry-on").press(**card))


def _fill_in(there: Visitor, helped: str) -> None:
    """A form that leads through every page."""
    there.client.delete_cookie(there.client.application.config["FORM_COOKIE"])
    there.fill_in(
        referring_for=helped,
        device="own",
        date_of_birth=str(today().year - 18),
        postcode="ZE1 0AA",
        safe_ways=["call", "text", "email", "post", "through-person", "come-back"],
        urgency="not-safe",
        access_needs=["none"],
    )


Seen = Callable[[str, Visitor], tuple[str, str]]


def _form_pages(there: Visitor, seen: Seen, helped: str) -> Iterator[tuple[str, str]]:
    filled = False
    for step in SELF_REFERRAL.steps:
        if not filled:
            _fill_in(there, helped)
        filled = True
        yield seen(step.slug, there.open(f"/refer/{step.slug}"))
        if there.here.endswith(step.slug) and step.questions:
            yield seen(f"change {step.slug}", there.open(f"/refer/{step.slug}?change=1"))
            bad = {one.code: ["\x01"] if one.kind.value != "long-text" else ["x" * 5000] for one in step.questions}
            token = there.token
            yield seen("wrong", there.post(f"{there.prefix}/refer/{step.slug}", {**bad, "csrf_token": token}))
            filled = there.status == 422  # what is refused changes nothing in the form
            yield seen("blank", there.post(f"{there.prefix}/refer/{step.slug}", {"csrf_token": token}))
            filled = filled and there.status == 422
    _fill_in(there, helped)
    yield seen("help first", there.open("/refer/urgent/help"))


def staff_pages(app: Flask, world: World, language: str) -> Iterator[tuple[str, str]]:
    """Every page for staff, as managers and link workers see it, or who else may, and its forms sent with nothing in
    them. No file, no page that only leads on, and not the slip, which is in the language of the person."""
    for rule in rules(app, staff=True, method="GET"):
        for role in dict.fromkeys((Role.MANAGER, Role.LINK_WORKER, who_may(app, rule))):
            client = visitor(app, world, role)
            response = client.get(f"/{language}{address(app, world, rule)}")
            on_paper = rule.endpoint == "caseload.onward_slip" and response.status_code == 200
            if response.mimetype == "text/html" and not response.location and not on_paper:
                yield f"{role}: {rule.rule}", response.get_data(as_text=True)
    for rule in rules(app, staff=True, method="POST"):
        client = visitor(app, world, who_may(app, rule))
        page = client.get(f"/{language}/carry-on").get_data(as_text=True)
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
        if getattr(app.view_functions[rule.endpoint], "keeps_typed", False) or rule.endpoint.endswith("hand_over"):
            response = client.post(f"/{language}{address(app, world, rule)}", data={"csrf_token": token, "x": "1"})
            if response.status_code == 422:
                yield f"wrong: {rule.rule}", response.get_data(as_text=True)
    stranger = visitor(app, world, None)
    for path in ("/staff/sign-in", "/staff/join/" + "A" * 43):
        yield path, stranger.get(f"/{language}{path}").get_data(as_text=True)


@pytest.mark.slow
def test_no_word_of_a_public_page_is_left_behind(portal: Flask, bracketed: None) -> None:
    names, looked = _ours(), 0
    wrong = []
    for what, html in public_pages(portal, PSEUDO):
        looked += 1
        wrong += [f"{what}: {line}" for line in unbracketed(html, names)]
    assert sorted(set(wrong)) == []
    assert looked > 80


@pytest.mark.slow
def test_no_word_of_a_staff_page_is_left_behind(portal: Flask, world: World, bracketed: None) -> None:
    names, looked = [*_ours(), *_staff_words(world)], 0
    wrong = []
    for what, html in staff_pages(portal, world, PSEUDO):
        looked += 1
        wrong += [f"{what}: {line}" for line in unbracketed(html, names)]
    assert sorted(set(wrong)) == []
    assert looked > 60


def _staff_words(world: World) -> list[str]:
    people = [member.actor.name for member in world.members.values()]
    others = ["Link-worker", "Manager", "new-here", "staff.example", "inbox.example", "worker-", "Bea", "Cleo", "Ola"]
    return [*people, *others]


@pytest.mark.parametrize("name", sorted(path.stem for path in (catalogues.TOP / "templates/messages").glob("*.txt")))
def test_no_word_of_a_message_is_left_behind(name: str, bracketed: None) -> None:
    from portal.notifications import MESSAGES

    declared = MESSAGES[name]
    details = dict.fromkeys({*declared.details, *declared.may}, "123")
    values = {**details, "by": "2026-11-23", "link": "123", "phone": "01632 960 123", "service": "here"}
    environment.cache_clear()
    said = Renderer("http://localhost")(name, PSEUDO, values)
    own = said.body.split("----------")[0]
    for text in (said.subject, own):
        for _ in range(3):
            text = re.sub(r"⟦[^⟦⟧]*⟧|http\S+", " ", text)
        assert not re.search(r"[^\W\d_]{2,}", text), text


# Drafts say so, in both languages -------------------------------------------------------------------------------------

BANNER = "Nobody has checked this translation yet. Some words may be wrong."


def _banner(html: str) -> list[tuple[str | None, str]]:
    page = Page(html)
    boxes = [one for one in page.elements if "portal-draft" in one.get("class", "").split()]
    return [(part.get("lang"), "".join(part.itertext()).strip()) for box in boxes for part in box.iter("p")]


@pytest.mark.slow
@pytest.mark.parametrize("code", DRAFTS)
def test_every_page_of_a_draft_language_says_so_in_both_languages(portal: Flask, world: World, code: str) -> None:
    with speaking(code):
        own = gettext(BANNER)
    looked = 0
    refused = (visitor(portal, world, Role.ANALYST), "/staff/inbox")
    pages = ((who_comes(portal, world, rule), address(portal, world, rule)) for rule in rules(portal, method="GET"))
    for client, path in (refused, *pages):
        response = client.get(f"/{code}{path}")
        if response.mimetype != "text/html" or response.location or path.endswith("/slip"):
            continue  # a slip is in the language of the person, whatever the worker reads
        looked += 1
        said = _banner(response.get_data(as_text=True))
        assert [lang for lang, _ in said] == [None, "en"], path
        assert said[0][1] == own
        assert said[1][1].startswith(BANNER)
    assert looked > 60


def test_a_checked_language_has_no_banner(portal: Flask, world: World) -> None:
    for path in ("/en/", "/en/refer/who-for", "/en/staff/sign-in", "/en/nope"):
        assert _banner(visitor(portal, world, None).get(path).get_data(as_text=True)) == []


def test_a_language_that_becomes_checked_loses_its_banner(
    portal: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = Language("pl", "Polski", "Polish", LANGUAGES["pl"].plurals, reviewed=True)
    monkeypatch.setitem(LANGUAGES, "pl", checked)
    page = visitor(portal, world, None).get("/pl/help-now").get_data(as_text=True)
    assert _banner(page) == []
    assert 'lang="en" dir="ltr"' not in page.replace('<a lang="en" dir="ltr"', "")


# Safety texts have their English beneath ------------------------------------------------------------------------------


def _english_parts(page: Page) -> list[str]:
    return [
        "".join(one.itertext()) for one in page.elements if one.get("lang") == "en" and one.tag not in ("html", "a")
    ]


def _fixed_part(text: str) -> str:
    """The longest piece of a text without placeholders."""
    return max(re.split(r"%\(\w+\)s", text), key=len).strip()


@pytest.mark.slow
@pytest.mark.parametrize("code", DRAFTS)
def test_every_safety_text_in_a_draft_language_has_its_english_beneath(portal: Flask, code: str) -> None:
    safety = sorted(catalogues.safety_texts())
    with speaking(code):
        own = {english: _fixed_part(gettext(english)) for english in safety}
    met: set[str] = set()
    for what, html in public_pages(portal, code):
        page = Page(html)
        words = "".join(page.all("body")[0].itertext())
        beneath = " ".join(_english_parts(page))
        if any(page in what for page in ("check-your-answers", "again", "data-dictionary")):
            continue  # a summary of answers or of questions: nothing is asked there and nothing is decided
        for english, said in own.items():
            if said in words:
                met.add(english)
                assert _fixed_part(english) in beneath, f"{what}: {english!r} stands without its English"
    assert len(met) >= 15, f"only {len(met)} safety texts were met"


# Direction, and what production offers -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_runs_in_the_direction_of_its_language(portal: Flask, world: World, code: str) -> None:
    page = Page(visitor(portal, world, None).get(f"/{code}/refer/who-for").get_data(as_text=True))
    assert (page.root.get("lang"), page.root.get("dir")) == (code, "rtl" if code == "ur" else "ltr")


def test_the_languages_are_offered_by_their_own_names_in_their_own_direction(portal: Flask, world: World) -> None:
    page = Page(visitor(portal, world, None).get("/pl/").get_data(as_text=True))
    nav = next(one for one in page.all("nav") if "portal-languages" in one.get("class", ""))
    shown = [(one.get("lang"), one.get("dir"), "".join(one.itertext())) for one in nav.iter() if one.get("lang")]
    assert shown == [(one.code, one.direction, one.autonym) for one in LANGUAGES.values()]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("ur", "ur"),
        ("cy-GB,cy;q=0.9,en;q=0.8", "cy"),
        ("fr, pl;q=0.5", "pl"),
        ("xx", "en"),
        ("", "en"),
        ("*", "en"),
        ("ur;q=0, pl", "pl"),
        ("pl;q=0.1, cy;q=0.9", "cy"),
    ],
)
def test_without_a_language_in_the_address_the_browser_s_wish_decides(
    portal: Flask, world: World, header: str, code: str
) -> None:
    page = visitor(portal, world, None).get("/help-now", headers={"Accept-Language": header})
    assert Page(page.get_data(as_text=True)).root.get("lang") == code


def _offered(app: Flask, world: World) -> list[str]:
    page = Page(visitor(app, world, None).get("/en/help-now").get_data(as_text=True))
    navs = [one for one in page.all("nav") if "portal-languages" in one.get("class", "")]
    return [one.get("lang", "") for nav in navs for one in nav.iter() if one.get("lang")]


@pytest.fixture
def production(world: World, environment: dict[str, str]) -> Any:
    """The portal with the settings of production, as far as languages go."""

    def made(*named: str) -> Flask:
        app = app_on(environment, world.file)
        app.config["OFFER_ALL_LANGUAGES"] = False
        app.config["LANGUAGES"] = named
        return app

    return made


def test_production_offers_no_draft_by_itself(production: Any, world: World) -> None:
    app = production()
    assert _offered(app, world) == []  # English alone needs no switch
    for code in DRAFTS:
        assert visitor(app, world, None).get(f"/{code}/help-now").status_code == 404
        page = visitor(app, world, None).get("/help-now", headers={"Accept-Language": code}).get_data(as_text=True)
        assert Page(page).root.get("lang") == "en"


def test_production_offers_a_draft_that_is_named_and_it_still_says_so(production: Any, world: World) -> None:
    app = production("ur")
    assert _offered(app, world) == ["en", "ur"]
    page = visitor(app, world, None).get("/ur/help-now").get_data(as_text=True)
    assert len(_banner(page)) == 2
    assert visitor(app, world, None).get("/pl/help-now").status_code == 404


def test_only_a_person_s_yes_makes_a_language_checked() -> None:
    """Changing this line needs the review that the decision record asks for."""
    assert [code for code, language in LANGUAGES.items() if language.reviewed] == ["en"]
