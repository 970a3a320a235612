"""The parts, the layouts and init.js in a real browser, without the portal.

The gallery is handed to the browser as the portal would serve it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PHONE, Watched, axe_violations, overflowing
from tests.ui_gallery import FORM_PARTS, PUBLIC_PARTS, environment, gallery
from tools.look_gallery import SITE, serve

LOCK = {"minutes": 20, "warn": 2, "still_here": "/still-here", "away": "/left"}
# A screen so high that nothing scrolls: a scroll that comes late counts as a sign that somebody is there.
ALONE = {"clock": True, "height": 9000}
QUIET_PARTS = (FORM_PARTS | PUBLIC_PARTS) - {"error_summary"}

Show = Callable[..., Page]


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """Shows the gallery: `show("staff", "ur", width=1000, lock=LOCK)`. No error may come up in the console."""
    made: list[BrowserContext] = []
    watched = Watched()

    def make(layout: str = "public", language: str = "en", *, width: int = 360, **how: Any) -> Page:
        browser_options = how.pop("context", {})
        size = {"width": width, "height": how.pop("height", 740)}
        context = browser.new_context(**{**PHONE, "viewport": size, **browser_options})
        watched.watch(context, SITE)
        made.append(context)
        page = context.new_page()
        page.clock.install() if how.pop("clock", False) else None
        serve(page, gallery(layout, language, **how))
        return page

    yield make
    for context in made:
        context.close()
    assert watched.problems == [], "\n".join(watched.problems)


@pytest.mark.parametrize("width", [320, 360, 1000])
@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("layout", ["public", "staff"])
def test_every_part_is_accessible_and_fits(show: Show, layout: str, language: str, width: int) -> None:
    # Parts that only staff pages show have no rules in the public sheet.
    page = show(layout, language, width=width, show=None if layout == "staff" else FORM_PARTS | PUBLIC_PARTS)
    assert overflowing(page) == []
    if width == 360:
        assert axe_violations(page) == []


# Links inside words are excepted, as in WCAG 2.5.8.
TARGETS = """() => {
    const big = 'button,.nhsuk-button,input,select,textarea,.portal-bar a';
    const inWords = '[aria-hidden],p,.nhsuk-skip-link,.nhsuk-error-summary,.nhsuk-summary-list,details';
    return [...document.querySelectorAll('a,button,input:not([type=hidden]),select,textarea,summary')]
        .filter(e => !e.closest(inWords))
        .map(e => [e, e.getBoundingClientRect()])
        .filter(([e, box]) => box.width < 24 || box.height < (e.matches(big) ? 44 : 24))
        .map(([e, box]) => `${e.outerHTML.slice(0, 90)} ${box.width} x ${box.height}`);
}"""


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("layout", ["public", "staff"])
def test_a_thumb_hits_what_it_aims_at(show: Show, layout: str, language: str) -> None:
    page = show(layout, language, show=None if layout == "staff" else FORM_PARTS | PUBLIC_PARTS)
    assert page.evaluate(TARGETS) == []


COVERED = """() => {
    const e = document.activeElement, box = e.getBoundingClientRect();
    if (e === document.body) return 'end';
    const style = getComputedStyle(e), label = e.labels?.[0] && getComputedStyle(e.labels[0], '::before');
    const points = [[.5, .5], [.1, .5], [.9, .5], [.5, .2], [.5, .8]];
    const seen = points.some(([x, y]) => {
        const hit = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
        if (!hit) return false;
        return e.contains(hit) || e.labels?.[0]?.contains(hit) || hit.contains(e) && !hit.closest('.portal-bar');
    });
    const marked = [style, label].some(
        s => s && (parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none' || s.boxShadow !== 'none'));
    return `${e.outerHTML.slice(0, 80)}|${seen ? '' : 'hidden under the bar'}|${marked ? '' : 'focus not to be seen'}`;
}"""


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
@pytest.mark.parametrize("language", ["en", "ur"])
def test_what_has_the_focus_is_seen_and_never_under_the_bar(show: Show, language: str, key: str) -> None:
    page = show("public", language, show=QUIET_PARTS)
    if key != "Tab":
        page.evaluate("document.querySelector('footer li:last-child a').focus()")
    stops = []
    for _ in range(60):
        page.keyboard.press(key)
        told = page.evaluate(COVERED)
        if told == "end":
            break
        assert told.endswith("||"), told
        stops.append(told)
    assert len(stops) > 25


def test_the_skip_link_passes_over_all_that_stands_on_every_page(show: Show) -> None:
    page = show(show=QUIET_PARTS)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#maincontent') !== null")


def test_the_error_summary_takes_the_focus_and_leads_to_the_field(show: Show) -> None:
    page = show()
    expect(page.locator(".nhsuk-error-summary")).to_be_focused()
    page.locator(".nhsuk-error-summary a").click()
    expect(page.locator("#who")).to_be_focused()


def test_characters_are_counted_as_the_server_counts_them_and_said_in_the_pages_language(show: Show) -> None:
    page = show("public", "ur", clock=True)
    field, info = page.locator("#matters"), page.locator("#matters-info")
    expect(info).to_have_text("آپ 400 حروف تک لکھ سکتے ہیں")
    field.fill("😀\n😀")  # two faces and a new line are three characters, whatever UTF-16 says
    expect(info).to_have_text("باقی حروف: 397")
    field.fill("a" * 1402)
    expect(info).to_have_text("زیادہ حروف: 1,002")
    live = page.locator("#matters-info + [aria-live=polite]")
    expect(live).to_be_empty()
    page.clock.run_for(1100)
    expect(live).to_have_text("زیادہ حروف: 1,002")
    field.fill("")
    expect(info).to_have_text("آپ 400 حروف تک لکھ سکتے ہیں")


def test_none_of_these_unticks_the_others_and_the_other_way_round(show: Show) -> None:
    page = show()
    one, alone = page.locator("#needs"), page.locator("#needs-4")
    expect(one).to_be_checked()
    alone.check()
    expect(one).not_to_be_checked()
    one.check()
    expect(alone).not_to_be_checked()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_enter_key_goes_on_and_never_back(browser: Browser, javascript: bool) -> None:
    words = environment().from_string(
        """{% extends "layouts/public.html" %}{% block title %}Name{% endblock %}
        {% block before_main %}{{ ui.back_button(form="page", enter_name="go", enter_value="next") }}{% endblock %}
        {% block main %}<form id="page" action="/sent">{{ ui.input("name", "name", "Name") }}</form>{% endblock %}"""
    )
    context = browser.new_context(**PHONE, java_script_enabled=javascript)
    page = context.new_page()
    serve(page, words.render())
    page.locator("#name").fill("Ann")
    page.locator("#name").press("Enter")
    page.wait_for_url("**/sent?go=next&name=Ann")
    page.get_by_role("button", name="Back").click()
    page.wait_for_url("**/sent?go=back&name=")
    context.close()


def test_a_triple_click_sends_once(show: Show) -> None:
    page = show(show=QUIET_PARTS)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.evaluate("document.querySelector('form[novalidate]').action = 'javascript-free'")
    page.route("**/javascript-free", lambda route: None)  # the answer never comes
    button = page.locator("form[novalidate] [name=go]")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    for _ in range(3):
        page.mouse.click(box["x"] + 9, box["y"] + 9)
        page.wait_for_timeout(100)
    assert sent.count("POST") == 1


def test_three_times_escape_leaves_and_back_does_not_lead_here(show: Show) -> None:
    page = show(show=QUIET_PARTS)
    before = page.evaluate("history.length")
    for _ in range(2):
        page.keyboard.press("Escape")
    assert page.url == f"{SITE}/"
    page.keyboard.press("Escape")
    page.wait_for_url("**/public/exit")
    assert page.evaluate("history.length") == before


def test_escape_now_and_then_is_only_escape(show: Show) -> None:
    page = show(show=QUIET_PARTS, clock=True)
    for _ in range(4):
        page.keyboard.press("Escape")
        page.clock.run_for(3000)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    assert page.url == f"{SITE}/"


def test_the_way_out_works_without_javascript(show: Show) -> None:
    page = show(show=QUIET_PARTS, context={"java_script_enabled": False})
    page.locator(".portal-exit").click()
    assert page.url == f"{SITE}/public/exit"


def test_an_idle_page_warns_then_saves_what_is_typed_and_clears_the_screen(show: Show) -> None:
    page = show(show=QUIET_PARTS, lock=LOCK, **ALONE)
    page.locator("#matters").fill("My garden")
    page.clock.run_for("17:59")
    expect(page.locator(".portal-lock")).to_have_count(0)
    page.clock.run_for(2000)
    expect(page.get_by_role("alert")).to_contain_text("Are you still there?")
    expect(page.get_by_role("button", name="I'm still here")).to_be_focused()
    assert axe_violations(page) == []
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    with page.expect_navigation():  # what is still on its way would keep the browser from closing the page
        page.clock.run_for("02:01")
    assert "matters=My+garden" in sent[0]
    assert sent[0].endswith("go=lock")


def test_somebody_who_is_still_there_loses_nothing_and_the_server_is_told(show: Show) -> None:
    page = show(show=QUIET_PARTS, lock=LOCK, **ALONE)
    told: list[str | None] = []
    page.on("request", lambda asked: told.append(asked.headers.get("x-csrftoken")) if "still" in asked.url else None)
    page.locator("#matters").focus()
    for _ in range(3):
        page.clock.run_for("18:30")
        page.get_by_role("button", name="I'm still here").click()
        expect(page.locator(".portal-lock")).to_have_count(0)
        expect(page.locator("#matters")).to_be_focused()
    assert told == ["made-up-token"] * 3
    page.clock.run_for("17:00")
    page.keyboard.press("a")
    page.clock.run_for("17:00")
    assert page.url == f"{SITE}/"


def test_a_page_without_a_form_is_left_when_nobody_is_there(show: Show) -> None:
    page = show(show=frozenset({"panel"}), lock=LOCK, **ALONE)
    page.evaluate("document.querySelector('form').remove()")
    page.clock.run_for("20:01")
    page.wait_for_url("**/left")


def test_chosen_and_not_chosen_differ_in_forced_colours(show: Show) -> None:
    page = show(show=QUIET_PARTS, context={"forced_colors": "active"})
    for kind in ("radios", "checkboxes"):
        chosen = page.locator(f".nhsuk-{kind}__input:checked + label").first
        other = page.locator(f".nhsuk-{kind}__input:not(:checked) + label").first
        mark = "e => getComputedStyle(e, '::after').opacity"
        assert (chosen.evaluate(mark), other.evaluate(mark)) == ("1", "0")
        assert chosen.screenshot() != other.screenshot()


def test_nothing_moves_for_those_who_want_it_still(show: Show) -> None:
    page = show(context={"reduced_motion": "reduce"})
    assert page.evaluate("document.getAnimations().length") == 0


def test_paper_shows_the_words_and_not_the_buttons(show: Show) -> None:
    page = show(show=QUIET_PARTS)
    page.emulate_media(media="print")
    for gone in (".portal-bar", ".portal-languages", ".portal-footer", ".nhsuk-button >> nth=0"):
        expect(page.locator(gone)).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    after_a_link = page.evaluate("getComputedStyle(document.querySelector('.nhsuk-link'), '::after').content")
    assert after_a_link in ("none", "normal"), "upstream prints the English word Link after each"


@pytest.mark.parametrize("language", ["en", "ur"])
def test_text_spaced_out_by_its_reader_is_never_cut(show: Show, language: str) -> None:
    page = show("public", language, show=QUIET_PARTS)
    page.evaluate(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.insertRule('*{line-height: 1.5; letter-spacing: .12em !important; word-spacing: .16em !important }');
            sheet.insertRule('p { margin-bottom: 2em !important }');
            document.adoptedStyleSheets = [sheet];
        }"""
    )
    assert overflowing(page) == []
    cut = page.evaluate(
        """() => [...document.querySelectorAll('body *:not(input,textarea,select)')]
            .filter(e => getComputedStyle(e).overflow === 'hidden' && e.scrollHeight > e.clientHeight + 2)
            .filter(e => !e.closest('.nhsuk-u-visually-hidden,.nhsuk-skip-link,[aria-hidden]'))
            .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert cut == []
