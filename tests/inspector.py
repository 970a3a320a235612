"""Looks at every page of every test, so that no page has to be remembered.

`InspectedClient` is a Flask test client. Whatever a test asks for, the answer is looked over before the test gets it;
each defect is a sentence that says the fix. The rules are those of the house (tests), of WCAG 2.2 AA as far as they can
be read off the markup, and of the strict Content-Security-Policy. What only a browser can see (contrast, focus, reflow)
is the business of tests/browser.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

import brotli
import html5lib
from babel import Locale, UnknownLocaleError
from flask.testing import FlaskClient
from html5lib.constants import E as WHAT_WENT_WRONG
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from tests.ui_classes import missing_classes

INSPECTED: Counter[str] = Counter()  # pages inspected by this process, by status; tests/conftest.py adds them up

_NEED_A_LABEL = {"input", "select", "textarea"}
_NEED_NO_LABEL = {"hidden", "submit", "button", "image", "reset"}
_PHRASING_ONLY = {"p", "span", "label", "button", "a", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "bdi"}
_BLOCKS = {"div", "p", "ul", "ol", "dl", "table", "form", "fieldset", "section", "main", "header", "footer", "nav"}
_INTERACTIVE = {"a", "button", "input", "select", "textarea", "details"}
_POINTS_AT_IDS = ("for", "aria-describedby", "aria-labelledby", "aria-controls", "aria-owns", "list", "headers", "form")
_HOLDS_A_RESOURCE = {"src", "srcset", "poster", "data"}
_RESOURCE_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "apple-touch-icon", "prefetch"}
_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200e\u200f\u00ad"))
_RIGHT_TO_LEFT_BUT_UNKNOWN_TO_BABEL: frozenset[str] = frozenset({"ckb", "ps", "ug", "sd", "yi"})
_SAFE_REFERRERS = {"no-referrer", "same-origin", "strict-origin"}
_CSP_MUST = {
    "default-src": {"'none'"},
    "frame-ancestors": {"'none'"},
    "base-uri": {"'none'"},
    "form-action": {"'self'"},
}


class Defective(AssertionError):
    """A page or an answer breaks the rules; the message holds one line for each defect."""


@lru_cache(maxsize=32)
def _parsed(html: str) -> tuple[Element, list[Any]]:
    """The tree, and what was wrong with the text. The inspector, the visitor and the test itself ask for the same page
    one after another: nobody changes the tree."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    return parser.parse(html), parser.errors


class Page:
    """One HTML page, parsed once."""

    def __init__(self, html: str, address: str = "http://localhost/", status: int = 200) -> None:
        self.html = html
        self.address = address
        self.status = status
        self.root, self.parse_errors = _parsed(html)
        self.elements = [element for element in self.root.iter() if isinstance(element.tag, str)]
        self.parents = {child: parent for parent in self.elements for child in parent}
        self.ids = Counter(element.get("id", "") for element in self.elements if element.get("id") is not None)

    def all(self, *tags: str) -> list[Element]:
        """Every element with one of these names."""
        return [element for element in self.elements if element.tag in tags]

    def above(self, element: Element) -> Iterator[Element]:
        """Its parent, its parent's parent, and so on."""
        while (up := self.parents.get(element)) is not None:
            yield up
            element = up

    @property
    def title(self) -> str:
        """The words of <title>."""
        return _words(next(iter(self.all("title")), None))

    @property
    def heading(self) -> str:
        """The words of the first <h1>."""
        return _words(next(iter(self.all("h1")), None))

    @property
    def error_summary(self) -> Element | None:
        """The box at the top that lists what to correct."""
        return next((e for e in self.elements if "nhsuk-error-summary" in e.get("class", "").split()), None)


def _words(element: Element | None) -> str:
    if element is None:
        return ""
    return " ".join("".join(element.itertext()).translate(_ISOLATES).split())


def _show(element: Element) -> str:
    told = "".join(
        f' {name}="{value[:40]}"'
        for name, value in element.attrib.items()
        if name in {"id", "name", "type", "href", "class"}
    )
    return f"<{element.tag}{told}>"


# --- the rules: each takes a page and yields sentences ---------------------------------------------------------------


def _well_formed(page: Page) -> Iterator[str]:
    for (line, column), code, values in page.parse_errors[:5]:
        text = page.html.splitlines()[line - 1].strip()[:80] if 0 < line <= len(page.html.splitlines()) else ""
        yield f"Write valid HTML at line {line}, column {column}: {WHAT_WENT_WRONG[code] % values} Near: {text}"
    if not page.html.lstrip().lower().startswith("<!doctype html>"):
        yield "Begin the page with <!doctype html>."


def _nested_rightly(page: Page) -> Iterator[str]:
    for element in page.all(*_BLOCKS):
        if (up := page.parents.get(element)) is not None and up.tag in _PHRASING_ONLY and up.tag != "a":
            yield f"Take {_show(element)} out of {_show(up)}: only words and inline elements may stand there."
    for element in page.all("ul", "ol"):
        for child in element:
            if child.tag not in {"li", "script", "template"}:
                yield f"Put {_show(child)} into an <li>: {_show(element)} may hold list items only."
    for element in page.all("li"):
        if (up := page.parents.get(element)) is None or up.tag not in {"ul", "ol", "menu"}:
            yield f"Put {_show(element)} into a <ul> or <ol>."


def _one_thing_to_press(page: Page) -> Iterator[str]:
    for element in page.all(*_INTERACTIVE):
        for up in page.above(element):
            if up.tag in {"a", "button"}:
                yield f"Take {_show(element)} out of {_show(up)}: one thing to press cannot hold another."


def _one_heading(page: Page) -> Iterator[str]:
    headings = page.all("h1")
    if len(headings) != 1:
        yield f"Give the page exactly one <h1>; it has {len(headings)}."
    elif not page.heading:
        yield "Put words into the <h1>."
    last = 0
    for element in page.all("h1", "h2", "h3", "h4", "h5", "h6"):
        level = int(str(element.tag)[1])
        # The error summary's h2 stands above the h1 by design (NHS and GOV.UK alike).
        if level > last + 1 and last:
            yield f"Make {_show(element)} “{_words(element)}” an <h{last + 1}>: heading levels must not skip."
        last = max(level, 1) if last else level


def _title(page: Page) -> Iterator[str]:
    if not page.title:
        yield "Give the page a <title>."
        return
    if not page.heading:
        return
    plain = page.title.startswith(page.heading)
    marked = bool(re.match(rf"[^:]+:\s*{re.escape(page.heading)}", page.title))
    if page.error_summary is not None:
        if plain or not marked:
            yield f"Begin the title with “Error: ” and the <h1> “{page.heading}”; it is “{page.title}”."
    elif not plain:
        yield f"Begin the title with the <h1> “{page.heading}”; it is “{page.title}”."
    if page.title == page.heading:
        yield f"End the title “{page.title}” with “ – ” and the name of the service."


def _ids(page: Page) -> Iterator[str]:
    for name, times in page.ids.items():
        if times > 1:
            yield f'Give each element its own id: "{name}" is there {times} times.'
        if not name or re.search(r"\s", name):
            yield f"Give the id {name!r} a name without spaces."
    for element in page.elements:
        for attribute in _POINTS_AT_IDS:
            for name in element.get(attribute, "").split():
                if name not in page.ids:
                    yield f'Point {attribute}="{name}" of {_show(element)} at an id that is on the page.'


def _labels(page: Page) -> Iterator[str]:
    labelled = {element.get("for") for element in page.all("label") if _words(element)}
    for element in page.all(*_NEED_A_LABEL):
        if element.tag == "input" and element.get("type", "text") in _NEED_NO_LABEL:
            continue
        named = (
            element.get("id") in labelled
            or (element.get("aria-label") or "").strip()
            or any(_words(e) for e in page.elements if e.get("id") in element.get("aria-labelledby", "").split())
            or any(up.tag == "label" and _words(up) for up in page.above(element))
        )
        if not named:
            yield f"Give {_show(element)} a <label for> with words in it."
    yield from _groups(page)


def _words_to_say(page: Page) -> Iterator[str]:
    for element in page.all("button", "a"):
        pictures = [e.get("alt") or e.get("aria-label") for e in element.iter() if isinstance(e.tag, str)]
        if element.get("href") is None and element.tag == "a":
            continue
        if not _words(element) and not any(pictures):
            yield f"Put words into {_show(element)}: a screen reader has nothing to say."
    for element in page.all("img"):
        if element.get("alt") is None:
            yield f'Give {_show(element)} an alt text, or alt="" when it only decorates.'
    for element in page.all("fieldset"):
        legends = [child for child in element if child.tag == "legend"]
        if len(legends) != 1 or not _words(legends[0]):
            yield f"Give {_show(element)} one <legend> with words, as its first child."


def _groups(page: Page) -> Iterator[str]:
    """Several radios or checkboxes of one name are one question, and the question is the legend."""
    kinds = {"radio", "checkbox"}
    names = Counter(e.get("name") for e in page.all("input") if e.get("type") in kinds)
    for element in page.all("input"):
        name = element.get("name")
        if (
            element.get("type") in kinds
            and names[name] > 1
            and not any(up.tag == "fieldset" for up in page.above(element))
        ):
            yield f'Put the choices named "{name}" into one <fieldset> with a <legend>.'
            names[name] = 0


def _error_summary(page: Page) -> Iterator[str]:
    summary = page.error_summary
    if summary is None:
        if page.status == 422:
            yield "Put an error summary at the top of a page answered with 422."
        if any("nhsuk-error-message" in e.get("class", "").split() for e in page.elements):
            yield "Put an error summary at the top: there is an error message below."
        return
    links = list(summary.iter("a"))
    if not links:
        yield "Let the error summary link to the field of each error."
    for element in links:
        target = element.get("href", "")
        if not target.startswith("#"):
            yield f"Let the error summary's link “{_words(element)}” point at a field of this page, not at {target!r}."
        elif target[1:] not in page.ids:
            yield f"Let the error summary's link “{_words(element)}” point at an id that is there; {target} is not."
    if page.status < 400:
        yield f"Answer a page with an error summary with status 422, not {page.status}."


def direction_of(language: str) -> str:
    """rtl or ltr, from the language tag."""
    primary = language.split("-")[0].lower()
    if primary in _RIGHT_TO_LEFT_BUT_UNKNOWN_TO_BABEL:
        return "rtl"
    try:
        return Locale.parse(language, sep="-").text_direction
    except (UnknownLocaleError, ValueError):
        try:
            return Locale.parse(primary).text_direction
        except (UnknownLocaleError, ValueError):
            return "ltr"


def _language(page: Page) -> Iterator[str]:
    language, direction = page.root.get("lang", ""), page.root.get("dir", "")
    if not language:
        yield "Say the page's language: <html lang>."
    elif direction != direction_of(language):
        yield f'Write <html lang="{language}" dir="{direction_of(language)}">; dir is "{direction}".'
    for element in page.elements:
        if element is page.root or not (own := element.get("lang")):
            continue
        if direction_of(own) != direction and element.get("dir") != direction_of(own):
            yield f'Add dir="{direction_of(own)}" to {_show(element)}, which is in another direction (lang="{own}").'


def _forms(page: Page) -> Iterator[str]:
    for form in page.all("form"):
        fields = {e.get("name"): e.get("value", "") for e in form.iter("input")}
        if form.get("method", "get").lower() == "post":
            if not fields.get("csrf_token"):
                yield f"Put the hidden csrf_token into {_show(form)} with action {form.get('action')!r}."
        elif "csrf_token" in fields:
            yield f"Take the csrf_token out of {_show(form)}: a GET form would put it into the address."
        if form.get("action") is not None and not _same_origin(page, form.get("action", "")):
            yield f"Send the form to our own origin, not to {form.get('action')}."
    for element in page.all("input"):
        if element.get("type") == "password" and element.get("value"):
            yield f"Do not send the password back in {_show(element)}."


def _nothing_inline(page: Page) -> Iterator[str]:
    for element in page.elements:
        if element.tag == "script" and element.get("src") is None and element.get("type") != "application/json":
            yield "Move the inline <script> into a file under static/: the policy blocks it."
        if element.tag == "style":
            yield "Move the inline <style> into a style sheet: the policy blocks it."
        for name, value in element.attrib.items():
            if name == "style":
                yield f"Move style= of {_show(element)} into a style sheet: the policy blocks it."
            if str(name).startswith("on"):
                yield f"Move {name}= of {_show(element)} into a script file: the policy blocks it."
            typed = name == "value" and element.tag == "input"  # what people type stands there as they typed it
            if not typed and re.match(r"\s*(javascript|vbscript):", value, re.IGNORECASE):
                yield f"Take the script out of {name}= of {_show(element)}."


def _same_origin(page: Page, address: str) -> bool:
    here, there = urlsplit(page.address), urlsplit(urljoin(page.address, address.strip()))
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)


def _own_resources(page: Page) -> Iterator[str]:
    for element in page.elements:
        asked = [element.get(name, "") for name in _HOLDS_A_RESOURCE if element.get(name)]
        if element.tag == "link" and _RESOURCE_LINKS.intersection(element.get("rel", "").lower().split()):
            asked.append(element.get("href", ""))
        for address in asked:
            for one in re.split(r",\s+", address):
                if not one.startswith("data:image/") and not _same_origin(page, one.split()[0]):
                    yield f"Serve {one} of {_show(element)} ourselves: no page may ask another origin."
        if element.tag == "meta" and element.get("http-equiv", "").lower() == "refresh":
            yield "Take out the <meta http-equiv=refresh>: it moves people on while they read."
        if element.tag in {"iframe", "object", "embed"}:
            yield f"Take out {_show(element)}: nothing of other people's runs inside our pages."


def _styled(page: Page) -> Iterator[str]:
    if missing := missing_classes(page.html):
        yield (
            f"Draw {', '.join(sorted(missing))}: the style sheet of this page has no rule for it. "
            "Run: python -m tools.gather_classes && python -m tools.vendor_look"
        )


def _usable(page: Page) -> Iterator[str]:
    viewport = next((e.get("content", "") for e in page.all("meta") if e.get("name") == "viewport"), "")
    if "width=device-width" not in viewport.replace(" ", ""):
        yield 'Add <meta name="viewport" content="width=device-width, initial-scale=1">.'
    if re.search(r"user-scalable\s*=\s*(no|0)|maximum-scale", viewport):
        yield "Let people zoom: take user-scalable and maximum-scale out of the viewport."
    if len(page.all("main")) != 1:
        yield f"Give the page exactly one <main>; it has {len(page.all('main'))}."
    for element in page.elements:
        if element.get("tabindex", "0").lstrip("-").isdigit() and int(element.get("tabindex", "0")) > 0:
            yield f"Take the tabindex above 0 away from {_show(element)}: it breaks the order of the keyboard."
        if element.get("autofocus") is not None:
            yield f"Take autofocus away from {_show(element)}: it skips what stands above it."
        if element.tag == "a" and element.get("target") == "_blank" and "noopener" not in element.get("rel", ""):
            yield f'Add rel="noopener" to {_show(element)}, or let it open here.'
    words = _words(next(iter(page.all("body")), None))
    for element in page.all("textarea"):
        words = words.replace(_words(element), "")  # what people type stands there as they typed it
    if found := re.search(r"%\([a-z_]+\)[sd]|\{\{|\{%|%\{", words):
        yield f"Fill in the placeholder {found[0]!r}: people can see it."


RULES: tuple[Callable[[Page], Iterable[str]], ...] = (
    _well_formed,
    _nested_rightly,
    _one_thing_to_press,
    _one_heading,
    _title,
    _ids,
    _labels,
    _words_to_say,
    _error_summary,
    _language,
    _forms,
    _nothing_inline,
    _own_resources,
    _styled,
    _usable,
)


def defects_of_page(html: str, address: str = "http://localhost/", status: int = 200) -> list[str]:
    """Everything wrong with a page's markup, as sentences that say the fix."""
    page = Page(html, address, status)
    return [sentence for rule in RULES for sentence in rule(page)]


# --- headers ---------------------------------------------------------------------------------------------------------


def defects_of_headers(headers: Headers, *, html: bool, static: bool) -> list[str]:
    """Everything wrong with an answer's headers. A static file needs fewer: it holds nobody's words."""
    found = []
    if headers.get("X-Content-Type-Options") != "nosniff":
        found.append("Send X-Content-Type-Options: nosniff.")
    if static:
        return found
    found += _defects_of_policy(headers.get("Content-Security-Policy", ""))
    if headers.get("Referrer-Policy") not in _SAFE_REFERRERS:
        found.append(f"Send Referrer-Policy: one of {', '.join(sorted(_SAFE_REFERRERS))}.")
    if html and "no-store" not in headers.get("Cache-Control", ""):
        found.append("Send Cache-Control: no-store with every page: the next person at this device must not find it.")
    for cookie in headers.getlist("Set-Cookie"):
        name = cookie.partition("=")[0]
        for need in ("HttpOnly", "SameSite"):
            if need.lower() not in cookie.lower():
                found.append(f"Set the cookie {name} with {need}.")
    return found


def _defects_of_policy(policy: str) -> Iterator[str]:
    if not policy:
        yield "Send a Content-Security-Policy."
        return
    rules = {words[0]: set(words[1:]) for part in policy.split(";") if (words := part.split())}
    for directive, wanted in _CSP_MUST.items():
        if rules.get(directive) != wanted:
            yield f"Say {directive} {' '.join(wanted)} in the Content-Security-Policy."
    loose = {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"}
    for directive, sources in rules.items():
        for source in sorted(sources & loose):
            yield f"Take {source} out of {directive} in the Content-Security-Policy."


# --- the client ------------------------------------------------------------------------------------------------------


_CHANGES_EACH_TIME = re.compile(r'(?<=name="csrf_token" value=")[^"]+|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b')
_faultless: set[bytes] = set()


def _likeness(html: str, address: str, status: int) -> bytes:
    """The same for two pages that differ only in their token and in which ids of rows they name: ids are counted, so
    that one id in two places is still one id in two places."""
    counted: dict[str, str] = {}
    plain = _CHANGES_EACH_TIME.sub(lambda found: counted.setdefault(found[0], f"id-{len(counted)}"), html)
    here = urlsplit(address)
    return hashlib.sha256(f"{here.scheme}://{here.netloc} {status} {plain}".encode()).digest()


def _defects_of_new_page(html: str, address: str, status: int) -> list[str]:
    """As `defects_of_page`, but a page that was found without a fault is not gone through again."""
    likeness = _likeness(html, address, status)
    if likeness in _faultless:
        return []
    if not (found := defects_of_page(html, address, status)):
        _faultless.add(likeness)
    return found


def inspect(response: TestResponse) -> None:
    """Look an answer over. Raises Defective with every defect found."""
    address = response.request.url
    html = response.mimetype == "text/html"
    static = response.request.path.startswith("/static/")
    found = defects_of_headers(response.headers, html=html, static=static)
    has_page = html and response.request.method not in ("HEAD", "OPTIONS") and not 300 <= response.status_code < 400
    if has_page:
        INSPECTED[str(response.status_code)] += 1
        found += _defects_of_new_page(_text(response), address, response.status_code)
    if found:
        lines = "".join(f"\n  - {sentence}" for sentence in found)
        raise Defective(f"{response.request.method} {address} answered {response.status_code}:{lines}")


def _text(response: TestResponse) -> str:
    data = response.get_data()
    if response.headers.get("Content-Encoding") == "br":
        data = brotli.decompress(data)
    return data.decode("utf-8")


class InspectedClient(FlaskClient):
    """A visitor who looks every answer over before handing it on."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """As Flask's, and raises Defective when the answer breaks the rules."""
        response = super().open(*args, **kwargs)
        inspect(response)
        return response
