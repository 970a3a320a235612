"""The look: our parts against upstream's fixtures, the style sheets against what they promise.

What needs a browser is in browser/test_look.py.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from typing import Any

import brotli
import pytest
from markupsafe import Markup

from portal.i18n import LANGUAGES
from tests.inspector import defects_of_page
from tests.ui_classes import CLASSES_IN_USE, UPSTREAM_CLASSES, missing_classes, styled_by
from tests.ui_gallery import FORM_PARTS, PUBLIC_PARTS, ROOT, STATIC, TEMPLATES, environment, gallery, ui
from tools.gather_classes import gather
from tools.vendor_look import COMPONENTS, MARK, OWN, minified, own_rules

FIXTURES = ROOT / "tests" / "fixtures" / "nhsuk"
SHEETS = ("portal-ltr.css", "portal-rtl.css", "staff-ltr.css", "staff-rtl.css")
Context = dict[str, Any]


# --- our parts against upstream's fixtures ---------------------------------------------------------------------------


class _Shape(HTMLParser):
    """A fragment as comparable events: the order of attributes and classes, and white space, do not count."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.events: list[object] = []
        self._skipped: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if (tag, attrs) == ("span", [("role", "text")]):
            self._skipped.append(tag)  # no valid ARIA role, so we leave it out
            return
        if self._skipped:
            self._skipped.append(tag)
        kept = [(name, value) for name, value in attrs if not _is_role_of_a_link(tag, name, value)]
        events = sorted((k, " ".join(sorted((v or "").split())) if k == "class" else v or "") for k, v in kept)
        self.events.append((tag, events))

    def handle_endtag(self, tag: str) -> None:
        if self._skipped and self._skipped.pop() == "span" and not self._skipped:
            return
        self.events.append("/" + tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.events.append(" ".join(data.split()))


def _is_role_of_a_link(tag: str, name: str, value: str | None) -> bool:
    """Upstream calls a link that looks like a button a button; it goes somewhere, so ours stays a link."""
    return tag == "a" and ((name, value) == ("role", "button") or (name, value) == ("data-module", "nhsuk-button"))


class _NotOffered(Exception):
    """The fixture uses an option that our part does not offer."""


def _text(given: object) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, dict):
        extra = set(given) - {"text", "html", "heading", "size", "level"}
        if not extra and ("text" in given or "html" in given):
            return Markup(given["html"]) if "html" in given else str(given["text"])  # noqa: S704  # a committed fixture
    if given in (None, ""):
        return ""
    raise _NotOffered


def _only(context: Context, *known: str) -> None:
    if set(context) - set(known):
        raise _NotOffered


def _headed(given: object) -> Context:
    """A label or legend: its words, its size, and whether it is the page's heading."""
    if isinstance(given, str):
        return {"words": given, "size": "", "heading": False}
    if not isinstance(given, dict) or set(given) - {"text", "heading", "size"}:
        raise _NotOffered
    words = given.get("heading", given.get("text"))
    return {"words": words, "size": given.get("size", ""), "heading": "heading" in given}


def _noted(context: Context) -> Context:
    if context.get("errorMessage") is True:
        raise _NotOffered
    return {"hint": _text(context.get("hint")), "error": _text(context.get("errorMessage"))}


_FIELD = ("label", "id", "name", "hint", "errorMessage", "value", "classes", "autocomplete", "disabled")


def _field(context: Context) -> tuple[list[Any], Context]:
    label = _headed(context["label"])
    attributes: Context = {key: context[key] for key in ("autocomplete", "disabled", "inputmode") if key in context}
    if context.get("spellcheck") is False:
        attributes["spellcheck"] = "false"
    look = {"size": label["size"], "heading": label["heading"], "classes": context.get("classes", "")}
    if look["classes"] and ("width" in context):
        raise _NotOffered
    return (
        [context.get("id", context["name"]), context["name"], label["words"]],
        {**_noted(context), **look, "attributes": attributes},
    )


def _input(parts: Any, context: Context) -> str:
    _only(context, *_FIELD, "type", "inputmode", "spellcheck", "width", "code")
    asked, how = _field(context)
    classes = [how.pop("classes"), f"nhsuk-input--width-{context['width']}" if "width" in context else ""]
    classes.append("nhsuk-input--code" if context.get("code") else "")
    how["classes"] = " ".join(filter(None, classes))
    return str(parts.input(*asked, context.get("value", ""), context.get("type", "text"), dir=None, **how))


def _textarea(parts: Any, context: Context) -> str:
    _only(context, *_FIELD, "rows")
    asked, how = _field(context)
    return str(parts.textarea(*asked, context.get("value", ""), context.get("rows", 5), dir=None, **how))


def _plural(context: Context, name: str, attribute: str) -> Context:
    given = context.get(name, {})
    forms = {"": given} if isinstance(given, str) else {f".{form}": words for form, words in given.items()}
    return {attribute + form: words for form, words in forms.items()}


def _character_count(parts: Any, context: Context) -> str:
    texts = ("charactersUnderLimitText", "charactersAtLimitText", "charactersOverLimitText", "textareaDescriptionText")
    _only(context, *_FIELD, "rows", "maxlength", *texts)
    if "maxlength" not in context:
        raise _NotOffered
    asked, how = _field(context)
    said = context.get("textareaDescriptionText", "You can enter up to %{count} characters")
    count = {"info": said.replace("%{count}", str(context["maxlength"]))}
    count |= _plural(context, "charactersUnderLimitText", "characters-under-limit")
    count |= _plural(context, "charactersAtLimitText", "characters-at-limit")
    count |= _plural(context, "charactersOverLimitText", "characters-over-limit")
    how |= {"maxlength": context["maxlength"], "count": count}
    return str(parts.textarea(*asked, context.get("value", ""), context.get("rows", 5), dir=None, **how))


def _items(context: Context) -> list[Context]:
    chosen = context.get("values", [context.get("value")])
    items: list[Context] = []
    for given in context["items"]:
        if given.keys() == {"divider"} and given["divider"] is not True:
            items.append({"divider": given["divider"]})
            continue
        _only(given, "value", "text", "hint", "checked", "behaviour", "disabled", "selected")
        items.append(
            {
                "value": given["value"],
                "text": given["text"],
                "hint": _text(given.get("hint")),
                "checked": given.get("checked", given.get("selected", given["value"] in chosen)),
                "exclusive": given.get("behaviour") == "exclusive",
                "disabled": given.get("disabled", False),
                "attributes": {"disabled": given.get("disabled", False)},
            }
        )
    return items


def _choices(kind: str) -> Callable[[Any, Context], str]:
    def draw(parts: Any, context: Context) -> str:
        known = ("fieldset", "idPrefix", "name", "items", "hint", "errorMessage", "classes", "value", "values")
        _only(context, *known)
        if "name" not in context:
            raise _NotOffered
        fieldset = context.get("fieldset") or {"legend": ""}
        _only(fieldset, "legend")
        legend = _headed(fieldset["legend"])
        return str(
            parts.choices(
                kind,
                context.get("idPrefix", context["name"]),
                context["name"],
                legend["words"],
                _items(context),
                size=legend["size"],
                heading=legend["heading"],
                classes=context.get("classes", ""),
                **_noted(context),
            )
        )

    return draw


def _select(parts: Any, context: Context) -> str:
    _only(context, *_FIELD, "items")
    asked, how = _field(context)
    return str(parts.select(*asked, _items(context), **how))


def _button(parts: Any, context: Context) -> str:
    _only(context, "text", "variant", "small", "href", "name", "value", "preventDoubleClick", "classes")
    variant = context.get("variant", "")
    if variant not in ("", "secondary", "warning"):
        raise _NotOffered
    guard = context.get("preventDoubleClick")
    attributes = {} if guard is None else {"data-prevent-double-click": str(guard).lower()}
    known = {key: context[key] for key in ("name", "value", "href", "small", "classes") if key in context}
    return str(parts.button(context["text"], variant=variant, attributes=attributes, **known))


def _back_link(parts: Any, context: Context) -> str:
    _only(context, "text", "href", "type")
    if "href" in context:
        return str(parts.back_link(context["href"], context["text"]))
    drawn = str(parts.back_button(context["text"], name="", value=""))
    return drawn[drawn.index('<button class="nhsuk-back-link') :]


def _error_summary(parts: Any, context: Context) -> str:
    _only(context, "heading", "errorList")
    problems = [one for one in context["errorList"] if one]
    if any("html" in one for one in problems):
        raise _NotOffered
    return str(parts.error_summary(_text(context["heading"]), problems))


def _details(parts: Any, context: Context) -> str:
    _only(context, "summary", "text", "html", "open")
    if "text" not in context and "html" not in context:
        raise _NotOffered
    words = _text({key: context[key] for key in ("text", "html") if key in context})
    return str(parts.details(_text(context["summary"]), words, context.get("open", False)))


def _inset_text(parts: Any, context: Context) -> str:
    _only(context, "text", "html")
    return str(parts.inset_text(_text(context)))


def _callout(parts: Any, context: Context) -> str:
    _only(context, "heading", "text", "html")
    if "heading" not in context:
        raise _NotOffered
    return str(parts.callout(_text(context["heading"]), _text({**context, "heading": ""}), level=3))


def _panel(parts: Any, context: Context) -> str:
    _only(context, "heading", "text", "html")
    heading = context["heading"]
    if isinstance(heading, dict) and set(heading) - {"text", "level"}:
        raise _NotOffered
    level = heading.get("level", 1) if isinstance(heading, dict) else 1
    return str(parts.panel(_text(heading), _text({**context, "heading": ""}), level))


def _tag(parts: Any, context: Context) -> str:
    _only(context, "text", "colour", "html")
    if context.get("colour") is False:
        raise _NotOffered
    return str(parts.tag(_text({k: v for k, v in context.items() if k != "colour"}), context.get("colour", "")))


def _notification_banner(parts: Any, context: Context) -> str:
    _only(context, "text", "variant", "title")
    success = context.get("variant") == "success"
    title = _text(context.get("title", "Success" if success else "Important"))
    return str(parts.notification_banner(title, context["text"], success))


def _summary_list(parts: Any, context: Context) -> str:
    _only(context, "rows", "border")
    rows = []
    for given in context["rows"]:
        _only(given, "key", "value", "actions")
        actions = given.get("actions", {}).get("items", []) if isinstance(given.get("actions", {}), dict) else []
        if len(actions) > 1 or ("actions" in given and not actions):
            raise _NotOffered
        row: Context = {"key": _text(given["key"]), "value": _text(given["value"]), "dir": None}
        if actions:
            _only(actions[0], "href", "text", "visuallyHiddenText", "type")
            row["change"] = {"text": actions[0]["text"], "of": actions[0]["visuallyHiddenText"]}
            row["change"] |= {key: actions[0][key] for key in ("href",) if key in actions[0]}
        rows.append(row)
    return str(parts.summary_list(rows, context.get("border", True)))


def _cell(given: object) -> Context:
    if isinstance(given, str):
        return {"text": given}
    if not isinstance(given, dict):
        raise _NotOffered
    _only(given, "text", "html", "format")
    text = {"text": _text({key: value for key, value in given.items() if key != "format"})}
    return text | ({"numeric": given["format"] == "numeric"} if "format" in given else {})


def _table(parts: Any, context: Context) -> str:
    _only(context, "caption", "head", "rows", "firstCellIsHeader", "responsive")
    caption = context["caption"]
    if isinstance(caption, dict) and set(caption) - {"text", "size"}:
        raise _NotOffered
    size = caption.get("size", "") if isinstance(caption, dict) else ""
    head = [_cell(one) for one in context["head"]]
    rows = [[_cell(one) for one in row] for row in context["rows"]]
    if any(len(row) != len(head) for row in rows):
        raise _NotOffered
    words = caption["text"] if isinstance(caption, dict) else caption
    first = context.get("firstCellIsHeader", False)
    return str(parts.table(words, head, rows, size, first, context.get("responsive", False)))


TWINS: dict[str, tuple[Callable[[Any, Context], str], int]] = {
    # component: how its options are handed to our part, and how many fixtures that can be compared there are at least
    "back-link": (_back_link, 3),
    "button": (_button, 16),
    "character-count": (_character_count, 16),
    "checkboxes": (_choices("checkboxes"), 17),
    "details": (_details, 6),
    "error-summary": (_error_summary, 7),
    "input": (_input, 31),
    "inset-text": (_inset_text, 2),
    "notification-banner": (_notification_banner, 5),
    "panel": (_panel, 6),
    "radios": (_choices("radios"), 17),
    "select": (_select, 15),
    "summary-list": (_summary_list, 6),
    "tables": (_table, 9),
    "tag": (_tag, 13),
    "textarea": (_textarea, 14),
    "warning-callout": (_callout, 4),
}


@pytest.mark.parametrize("component", TWINS)
def test_our_part_is_upstreams_twin(component: str) -> None:
    draw, at_least = TWINS[component]
    parts, compared = ui(), 0
    for fixture in json.loads((FIXTURES / f"{component}.json").read_text("utf-8")):
        if fixture["name"].endswith("via call block"):
            continue  # what it shows is not in its options
        try:
            ours = draw(parts, fixture["context"])
        except _NotOffered:
            continue
        compared += 1
        assert _Shape(ours).events == _Shape(fixture["html"]).events, f"{fixture['name']}: {ours}"
    assert compared >= at_least, f"only {compared} fixtures were compared"


def test_every_vendored_fixture_has_a_twin() -> None:
    assert set(TWINS) == set(COMPONENTS) == {file.stem for file in FIXTURES.glob("*.json")}


# --- what every part keeps to ----------------------------------------------------------------------------------------

HOSTILE = "\"><script>alert(1)</script><b a='"


def test_words_that_people_typed_are_never_markup() -> None:
    parts = ui()
    typed = [
        parts.input("a", "a", HOSTILE, HOSTILE, hint=HOSTILE, error=HOSTILE, attributes={"placeholder": HOSTILE}),
        parts.textarea("a", "a", HOSTILE, HOSTILE, maxlength=9, count={"info": HOSTILE, "x.other": HOSTILE}),
        parts.choices("radios", "a", "a", HOSTILE, [(HOSTILE, HOSTILE), {"value": "b", "text": "B", "hint": HOSTILE}]),
        parts.select("a", "a", HOSTILE, [(HOSTILE, HOSTILE)]),
        parts.button(HOSTILE, "go", value=HOSTILE),
        parts.error_summary(HOSTILE, [{"text": HOSTILE, "href": HOSTILE}]),
        parts.details(HOSTILE, HOSTILE),
        parts.inset_text(HOSTILE),
        parts.callout(HOSTILE, HOSTILE),
        parts.panel(HOSTILE, HOSTILE),
        parts.tag(HOSTILE),
        parts.notification_banner(HOSTILE, HOSTILE),
        parts.summary_list([{"key": HOSTILE, "value": HOSTILE, "change": {"href": HOSTILE, "of": HOSTILE}}]),
        parts.table(HOSTILE, [HOSTILE], [[HOSTILE]]),
        parts.pagination(HOSTILE, older={"href": HOSTILE, "text": HOSTILE}),
        parts.tel(HOSTILE),
        parts.code(HOSTILE),
    ]
    for drawn in typed:
        assert "<script" not in drawn
        assert "<b " not in drawn


def test_free_text_takes_its_own_direction_and_codes_stay_left_to_right() -> None:
    parts = ui(LANGUAGES["ur"])
    assert 'dir="auto"' in parts.input("name", "name", "Name")
    assert 'dir="auto"' in parts.textarea("more", "more", "More")
    for kind in ("tel", "email", "number"):
        assert 'dir="ltr"' in parts.input("a", "a", "A", type=kind)
    assert 'dir="ltr"' in parts.input("postcode", "postcode", "Postcode", dir="ltr")
    assert parts.tel("+44 1632 960") == '<a href="tel:+441632960"><bdi dir="ltr">+44 1632 960</bdi></a>'
    rows = parts.summary_list([{"key": "Code", "value": "K7QM-2WXP", "dir": "ltr"}, ("Name", "Ann")])
    assert '<bdi dir="ltr">K7QM-2WXP</bdi>' in rows
    assert "<bdi>Ann</bdi>" in rows


def test_a_new_line_that_somebody_typed_first_is_kept() -> None:
    # The first new line inside a textarea is dropped by every browser.
    assert ">\n\nhello</textarea>" in ui().textarea("a", "a", "A", "\nhello")


def test_the_enter_key_goes_on_and_not_back() -> None:
    first, second = re.findall(r"<button[^>]*>", ui().back_button(enter_name="go", enter_value="next"))
    assert 'value="next"' in first
    assert 'aria-hidden="true"' in first
    assert 'tabindex="-1"' in first
    assert 'value="back"' in second


def test_words_of_safety_stand_in_english_too_until_the_language_is_checked() -> None:
    drafted = ui(LANGUAGES["ur"]).safety("If you are in danger, call %(number)s.", number=999)
    assert '<div class="portal-english" lang="en" dir="ltr">If you are in danger, call 999.</div>' in drafted
    assert ui().safety("If you are in danger, call %(number)s.", number=999).count("999") == 1


def test_values_in_words_of_safety_are_not_markup() -> None:
    drawn = ui(LANGUAGES["cy"]).safety("Ask for %(name)s.", name=HOSTILE)
    assert "<script" not in drawn
    assert drawn.count("&lt;script") == 2


@pytest.mark.parametrize("layout", ["public", "staff"])
@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_gallery_is_a_good_page_in_both_directions(layout: str, language: str) -> None:
    show = None if layout == "staff" else FORM_PARTS | PUBLIC_PARTS
    html = gallery(layout, language, show).replace("<title>", "<title>Error: ")
    assert defects_of_page(html, status=422) == []
    assert missing_classes(html) == set()


def _public_page(**how: Any) -> str:
    """A page as short as can be, in the public layout."""
    language = how.pop("language", "en")
    source = (
        '{% extends "layouts/public.html" %}{% block title %}A{% endblock %}{% block main %}<h1>A</h1>{% endblock %}'
    )
    return environment(LANGUAGES[language], **how).from_string(source).render()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_public_page_offers_help_the_way_out_the_telephone_and_the_other_languages(language: str) -> None:
    html = _public_page(language=language)
    for address in ("/public/help_now", "/public/exit", "tel:01632960123", "/public/privacy", "/public/translations"):
        assert f'href="{address}"' in html
    for other in LANGUAGES.values():
        assert f'lang="{other.code}" dir="{other.direction}"' in html
        assert other.autonym in html


def test_a_draft_language_says_so_in_english_too_and_leads_to_english() -> None:
    draft, checked = _public_page(language="pl"), _public_page(language="en")
    assert '<p lang="en" dir="ltr">Nobody has checked this translation yet.' in draft
    assert 'href="/en/refer">Read this page in English' in draft
    assert "portal-draft" not in checked
    assert checked.count("(not yet checked)") == sum(not language.reviewed for language in LANGUAGES.values())


def test_a_page_without_a_service_has_a_header_all_the_same() -> None:
    assert "Front Door</bdi>" in _public_page(service=None)


def test_staff_see_waiting_alerts_above_everything_and_can_leave() -> None:
    html = gallery("staff", alerts_waiting=1)
    assert "1 alert is waiting to be opened" in html
    assert html.index("portal-alarm") < html.index("<main")
    assert '<form class="portal-signed-in" method="post" action="/sign_in/sign_out">' in html
    assert "portal-alarm" not in gallery("staff", alerts_waiting=0)
    assert "portal-nav" not in environment(actor=None).from_string('{% extends "layouts/staff.html" %}').render()


def test_the_four_places_of_every_day_stand_in_sight_and_the_others_in_a_menu() -> None:
    html = gallery("staff", alerts_waiting=3)
    before, menu = html.split('<details class="nhsuk-details portal-menu">')
    menu = menu.split("</details>")[0]
    for address in ("/caseload/today", "/caseload/inbox", "/caseload/caseload_list", "/caseload/alerts_list"):
        assert f'href="{address}"' in before
        assert f'href="{address}"' not in menu
    assert '<span class="portal-count">3</span>' in before
    for address in ("/caseload/tasks_list", "/setup/overview", "/sign_in/account", "/sign_in/sign_out"):
        assert f'"{address}"' in menu


# --- the style sheets ------------------------------------------------------------------------------------------------


@cache
def _sheet(name: str) -> str:
    return (STATIC / name).read_text("utf-8")


def test_no_template_uses_a_class_that_was_purged() -> None:
    in_use = json.loads(CLASSES_IN_USE.read_text("utf-8"))
    upstream = set(json.loads(UPSTREAM_CLASSES.read_text("utf-8")))
    for look, found in gather().items():
        missing = (set(found) - set(in_use[look])) & upstream
        assert not missing, f"{sorted(missing)}: run `python -m tools.gather_classes && python -m tools.vendor_look`"


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_class_in_use_is_styled_in_both_directions(sheet: str) -> None:
    look = "public" if sheet.startswith("portal") else "staff"
    upstream = set(json.loads(UPSTREAM_CLASSES.read_text("utf-8")))
    in_use = set(json.loads(CLASSES_IN_USE.read_text("utf-8"))[look]) & upstream
    unstyled = in_use - styled_by(sheet)
    assert not unstyled, f"purged although in use: {sorted(unstyled)}"


def test_a_page_that_shows_a_purged_class_is_noticed() -> None:
    page = '<link rel="stylesheet" href="/static/portal-ltr.css?v=1"><p class="nhsuk-tabs nhsuk-body of-our-own">'
    assert missing_classes(page) == {"nhsuk-tabs"}


@pytest.mark.parametrize("sheet", SHEETS)
def test_nothing_of_the_nhs_identity_ships(sheet: str) -> None:
    for forbidden in ("frutiger", "@font-face", "assets.nhs.uk", "#005eb8", "#003087", "#0072ce", "url(", "@import"):
        assert forbidden not in _sheet(sheet).lower()
    named = {file.name.removesuffix(".br").removesuffix(".gz") for file in STATIC.rglob("*nhs*")}
    assert named == {"nhsuk-frontend-LICENSE.txt"}


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_shipped_sheet_ends_with_our_own_rules_as_they_are_now(sheet: str) -> None:
    ours = _sheet(sheet).partition(f"{MARK}\n")[2].strip()
    assert ours == own_rules(sheet.partition("-")[0]), "run `python -m tools.vendor_look --own`"


def test_upstreams_licence_ships_with_its_rules() -> None:
    licence = (STATIC / "nhsuk-frontend-LICENSE.txt").read_text("utf-8")
    assert "Permission is hereby granted" in licence
    assert (FIXTURES / "LICENSE.txt").read_text("utf-8") == licence
    taken = json.loads((ROOT / "tools" / "look" / "upstream.json").read_text("utf-8"))
    for sheet in SHEETS:
        assert _sheet(sheet).startswith(f"/*! nhsuk-frontend {taken['version']}, MIT")


def test_our_own_rules_know_neither_left_nor_right() -> None:
    physical = r"(?<![\w-])(?:(?:margin|padding|border)-)?(?:left|right|float)\s*:|text-align:\s*(?:left|right)"
    for names in OWN.values():
        for name in names:
            css = (ROOT / "tools" / "look" / name).read_text("utf-8")
            assert re.findall(physical, css) == []


def test_the_minifier_keeps_what_matters() -> None:
    assert minified("/* why */ a > b , c:not(d) {\n color: red;\n margin: 0 auto ;}\n") == (
        "a>b,c:not(d){color:red;margin:0 auto}"
    )


# --- colours ---------------------------------------------------------------------------------------------------------


def _light(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    full = colour.lstrip("#")
    full = "".join(sign * 2 for sign in full) if len(full) == 3 else full
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_light(one), _light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _colours() -> dict[str, str]:
    found = re.search(r":root\{([^}]*)\}", own_rules("portal"))
    assert found
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})", found[1]))


@pytest.mark.parametrize(
    ("ink", "paper", "at_least"),
    [
        ("ink", "page", 7.0),
        ("ink", "focus", 7.0),
        ("quiet", "page", 4.5),
        ("quiet", "mist", 4.5),
        ("quiet", "draft", 4.5),
        ("brand", "page", 4.5),
        ("brand", "mist", 4.5),
        ("brand", "white", 4.5),
        ("brand-text", "brand", 4.5),
        ("brand-text", "brand-dark", 4.5),
        ("brand-dark", "mist", 4.5),
        ("visited", "page", 4.5),
        ("visited", "mist", 4.5),
        ("alarm", "page", 4.5),
        ("white", "alarm", 4.5),
        ("white", "done", 4.5),
        ("quiet", "white", 3.0),  # the edge of a box to write in
        ("ink", "page", 3.0),  # the edge of what has the focus
    ],
)
def test_words_and_edges_can_be_told_from_what_they_stand_on(ink: str, paper: str, at_least: float) -> None:
    colours = _colours() | {"white": "#ffffff", "draft": "#fff4cf"}
    assert contrast(colours[ink], colours[paper]) >= at_least


def test_contrast_is_counted_as_wcag_says() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


def test_every_colour_named_is_given() -> None:
    given = set(_colours())
    for sheet in SHEETS:
        assert set(re.findall(r"var\(--([\w-]+)\)", _sheet(sheet))) <= given


# --- bytes -----------------------------------------------------------------------------------------------------------


def _sent(data: bytes, quality: int = 11) -> int:
    return len(brotli.compress(data, quality=quality))


@pytest.mark.parametrize(
    ("name", "budget"),
    [
        ("portal-ltr.css", 7_500),
        ("portal-rtl.css", 7_500),
        ("staff-ltr.css", 9_000),
        ("staff-rtl.css", 9_000),
        ("init.js", 2_000),
        ("favicon.svg", 250),
    ],
)
def test_each_file_keeps_to_its_share_of_the_first_visit(name: str, budget: int) -> None:
    assert _sent((STATIC / name).read_bytes()) <= budget


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_round_every_page_is_light(language: str) -> None:
    # What the pages themselves may weigh is asserted on the wire, in the browser; this leaves them the greater part.
    assert _sent(_public_page(language=language).encode(), quality=5) <= 1_300


def test_no_template_holds_what_the_policy_forbids() -> None:
    for template in TEMPLATES.rglob("*.html"):
        source = template.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", source), template
