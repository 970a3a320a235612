"""The whole way, in a real browser on a small phone: from the start page to the link worker's inbox."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import func, select

from portal.access import Role
from portal.store import Alert, Draft, Referral, Service
from tests import world
from tests.browser.conftest import EACH_LANGUAGE, MakeContext, Wire, overflowing
from tests.live import Live

CONTINUE = "form#page button.nhsuk-button:not([name])"
LANGUAGES = ("en", "cy", "pl", "ur")


@pytest.fixture(scope="module", autouse=True)
def somebody_is_there(live: Live) -> None:
    with live.stores.writing.begin() as store:
        world.staff_member(store, world.a_service(store, phone="01632 960001"), Role.MANAGER)


def given_the_first_page(page: Page, language: str = "en") -> None:
    page.goto(f"/{language}/")
    page.click("main a.nhsuk-button")


def when_they_answer(page: Page, *, press: str = CONTINUE, **answers: Any) -> None:
    for name, given in answers.items():
        for value in given if isinstance(given, list) else [given]:
            field = page.locator(f'[name="{name}"]').first
            kind = field.get_attribute("type") or field.evaluate("field => field.tagName.toLowerCase()")
            if kind in ("radio", "checkbox"):
                page.check(f'[name="{name}"][value="{value}"]')
            elif kind == "select":
                field.select_option(str(value))
            else:
                field.fill(str(value))
    with page.expect_navigation():
        page.click(press)


FIRST_FIVE: list[dict[str, Any]] = [
    {"referring_for": "me"},
    {"postcode": "ab10 1ab", "date_of_birth": "27 3 1965"},
    {"first_name": "زہرہ"},
    {"safe_ways": ["call", "come-back"]},
    {"phone": "۰۷۷۰۰ ۹۰۰۱۲۳"},
]
THE_REST: list[dict[str, Any]] = [
    {"meeting_place": ""},
    {"spoken_language": "ur", "interpreter": "spoken"},
    {"what_matters": "میں اکیلی ہوں", "needs": ["loneliness"]},
    {"urgency": "no"},
    {},
    {"share_gp": "yes"},
]


def card_of(page: Page) -> tuple[str, str]:
    codes = page.locator(".portal-card__code").all_inner_texts()
    assert len(codes) == 2, codes
    return codes[0], codes[1]


def then_the_accessibility_baseline_is_met(page: Page, axe: Callable[[Page], None]) -> None:
    axe(page)
    assert overflowing(page) == []


def test_the_whole_referral_in_urdu_without_javascript_carried_on_with_the_card_alone(
    live: Live, new_context: MakeContext
) -> None:
    first = new_context(java_script_enabled=False, locale="ur").new_page()
    given_the_first_page(first, "ur")
    assert first.get_attribute("html", "dir") == "rtl"
    for answers in FIRST_FIVE[:-1]:
        when_they_answer(first, **answers)
    when_they_answer(first, press='button[value="save"]', **FIRST_FIVE[-1])
    first.click('button[value="card"]')
    reference, number = card_of(first)

    second = new_context(java_script_enabled=False, locale="ur").new_page()
    second.goto("/ur/carry-on")
    when_they_answer(second, press="main form button.nhsuk-button", reference=reference.lower(), number=number)
    for answers in THE_REST:
        when_they_answer(second, **answers)
    assert second.url.endswith("/ur/refer/check-your-answers")
    assert "میں اکیلی ہوں" in second.inner_text("main")
    second.click("main form button.nhsuk-button")
    assert second.url.endswith("/ur/refer/sent")
    assert reference in second.inner_text("main")

    first.goto("/ur/refer/check-your-answers")
    assert "/carry-on" in first.url or "/who-for" in first.url, "the first browser holds nothing any more"
    with live.stores.reading() as store:
        referral = store.scalars(select(Referral).where(Referral.reference == reference.replace("-", ""))).one()
        assert referral.language == "ur"
        assert referral.answers["phone"] == "+447700900123"


def test_three_quick_presses_are_one_referral(live: Live, page: Page) -> None:
    given_the_first_page(page)
    for answers in [*FIRST_FIVE, *THE_REST]:
        when_they_answer(page, **answers)
    with live.stores.reading() as store:
        before = store.scalar(select(func.count()).select_from(Referral)) or 0
    page.locator("main form button.nhsuk-button").click(click_count=3, no_wait_after=True)
    page.wait_for_url("**/refer/sent")
    with live.stores.reading() as store:
        assert store.scalar(select(func.count()).select_from(Referral)) == before + 1


def test_a_risk_answer_shows_help_and_the_alert_is_there_although_nothing_is_sent(live: Live, page: Page) -> None:
    given_the_first_page(page)
    for answers in [*FIRST_FIVE, *THE_REST[:3]]:
        when_they_answer(page, **answers)
    reference_before = page.url
    when_they_answer(page, urgency="not-safe")
    assert "/urgent/help" in page.url, reference_before
    assert page.locator('a[href="tel:999"]').count() == 1
    page.click("main a.nhsuk-button")
    assert page.url.endswith("/refer/gp")
    with live.stores.reading() as store:
        alert = store.scalars(select(Alert).order_by(Alert.id.desc())).first()
        assert alert is not None
        assert alert.owner_id is not None
        assert alert.referral_id is None
        assert store.scalar(select(func.count()).select_from(Draft).where(Draft.id == alert.form_id)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_every_page_and_error_of_the_form_is_accessible(page: Page, axe: Callable[[Page], None], language: str) -> None:
    for path in ("", "help-now", "privacy", "what-we-share", "accessibility", "about-the-translations", "carry-on",
                 "data-dictionary", "poster", "refer/ask-them-first", "refer/locked", "no-such-page"):  # fmt: skip
        page.goto(f"/{language}/{path}")
        then_the_accessibility_baseline_is_met(page, axe)
    given_the_first_page(page, language)
    helped: list[dict[str, Any]] = [
        {"referring_for": "me-with-help"},
        {"helper_name": "Sam", "helper_relationship": "vcse", "helper_contact": "01632 960002"},
        {"no_fixed_address": "yes", "date_of_birth": "1990"},
        {"first_name": "Ann"},
        {"safe_ways": ["call", "email", "post", "through-person", "come-back"]},
        {"phone": "07700 900123"},
        {"email": "ann@example.com"},
        {"post_address": "1 Made Up Street"},
        {"trusted_name": "Ola", "trusted_contact": "07700 900456"},
        {},
        {"spoken_language": language},
        {"what_matters": "I would like company."},
        {"urgency": "being-hurt"},
    ]
    for answers in helped:
        slug = page.url.rsplit("/", 1)[-1]
        with page.expect_navigation():  # nothing chosen: the error page, where the page has something it needs
            page.click(CONTINUE)
        then_the_accessibility_baseline_is_met(page, axe)
        if page.url.rsplit("/", 1)[-1] == slug:
            when_they_answer(page, **answers)
            then_the_accessibility_baseline_is_met(page, axe)
    page.goto(f"/{language}/refer/urgent")
    when_they_answer(page, urgency="being-hurt")
    then_the_accessibility_baseline_is_met(page, axe)  # the help page
    with page.expect_navigation():
        page.click("main a.nhsuk-button")
    for _ in range(3):
        then_the_accessibility_baseline_is_met(page, axe)
        with page.expect_navigation():
            page.click(CONTINUE)
    then_the_accessibility_baseline_is_met(page, axe)  # check your answers
    page.goto(f"/{language}/refer/saved")
    then_the_accessibility_baseline_is_met(page, axe)
    with page.expect_navigation():
        page.click('button[value="card"]')
    then_the_accessibility_baseline_is_met(page, axe)
    page.goto(f"/{language}/refer/check-your-answers")
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")
    then_the_accessibility_baseline_is_met(page, axe)  # sent
    page.goto(f"/{language}/about-you/ethnic-group")
    while "/about-you/" in page.url:
        then_the_accessibility_baseline_is_met(page, axe)
        with page.expect_navigation():
            page.click(CONTINUE)


@pytest.mark.parametrize("javascript", [True, False])
def test_the_form_can_be_filled_in_with_the_keyboard_alone(new_context: MakeContext, javascript: bool) -> None:
    page = new_context(java_script_enabled=javascript, is_mobile=False, has_touch=False).new_page()
    page.goto("/en/")
    _tab_to(page, "main a.nhsuk-button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/who-for")
    _tab_to(page, "#referring_for")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")  # Enter anywhere in a form means Continue
    page.wait_for_url("**/where-you-live")
    _tab_to(page, "#no_fixed_address")
    page.keyboard.press("Space")
    _tab_to(page, "#date_of_birth")
    page.keyboard.type("1965")
    page.keyboard.press("Enter")
    page.wait_for_url("**/name")
    _tab_to(page, "#first_name")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    page.wait_for_url("**/safe-contact")
    _tab_to(page, '[value="come-back"]')
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/meeting-place")
    _tab_to(page, CONTINUE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/language-and-access")
    _tab_to(page, CONTINUE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/what-matters")
    _tab_to(page, "#what_matters")
    page.keyboard.type("Company")
    _tab_to(page, CONTINUE)
    page.keyboard.press("Enter")
    for slug in ("urgent", "gp", "sharing"):
        page.wait_for_url(f"**/{slug}")
        _tab_to(page, CONTINUE)
        page.keyboard.press("Enter")
    page.wait_for_url("**/check-your-answers")
    _tab_to(page, "main form button.nhsuk-button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sent")


def _tab_to(page: Page, what: str) -> None:
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.locator(what).first.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"The Tab key never reaches {what} on {page.url}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_visit_is_at_most_14_kb(wire: Callable[..., Wire], language: str) -> None:
    measuring = wire(locale="en-GB")
    first = measuring.visit(f"/{language}/")
    assert first <= 14_000, measuring.sizes
    assert len(measuring.sizes) <= 4, measuring.sizes


@pytest.mark.slow
@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_a_later_page_is_at_most_3_kb(wire: Callable[..., Wire], language: str) -> None:
    measuring = wire(locale="en-GB")
    measuring.visit(f"/{language}/")
    page = measuring.page
    page.goto(f"/{language}/refer/who-for", wait_until="networkidle")
    answers = [*FIRST_FIVE, *THE_REST]
    largest = 0
    for number in range(len(answers)):
        page.wait_for_load_state("networkidle")  # what the page before it still counts does not belong to this one
        measuring.sizes.clear()
        page.reload(wait_until="networkidle")
        slug = page.url.rsplit("/", 1)[-1]
        spent = sum(size for address, size in measuring.sizes.items() if "/static/" not in address)
        largest = max(largest, spent)
        assert spent <= 3_000, (slug, measuring.sizes)
        when_they_answer(page, **answers[number])
    assert largest > 500, "nothing was measured"


@pytest.mark.parametrize("language", ["en", "ur"])
def test_nothing_is_wider_than_320_pixels(new_context: MakeContext, language: str) -> None:
    page = new_context(viewport={"width": 320, "height": 640}).new_page()
    given_the_first_page(page, language)
    for answers in [*FIRST_FIVE, *THE_REST]:
        assert overflowing(page) == []
        when_they_answer(page, **answers)
    assert overflowing(page) == []


def test_exit_clears_the_browser_and_leaves(
    live: Live, browser: Browser, new_context: MakeContext, watched: object
) -> None:
    context: BrowserContext = new_context()
    page = context.new_page()
    given_the_first_page(page)
    when_they_answer(page, referring_for="me")
    assert any(cookie.get("name") == "form" for cookie in context.cookies())
    answer = context.request.get("/exit", max_redirects=0)
    assert answer.status == 302
    assert not answer.headers["location"].startswith(live.address)
    assert not [cookie for cookie in context.cookies() if cookie.get("name") == "form"]
    page.goto("/en/refer/where-you-live")
    assert page.url.endswith("/who-for")


def test_nothing_about_a_person_is_in_cookies_addresses_or_storage(new_context: MakeContext) -> None:
    context = new_context()
    page = context.new_page()
    marker = "Canarywharf"
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url + request.headers.get("referer", "")))
    given_the_first_page(page)
    for answers in [{**one, **({"first_name": marker} if "first_name" in one else {})} for one in FIRST_FIVE]:
        when_they_answer(page, **answers)
    told = [f"{cookie.get('name')}={cookie.get('value')}" for cookie in context.cookies()]
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept == "[{},{}]"
    for personal in (marker, "7700", "900123", "1965", "AB10"):
        assert not [one for one in [*told, *addresses] if re.search(personal, one, re.IGNORECASE)]
    assert all(len(one) <= 200 for one in told), told


@pytest.fixture(autouse=True)
def _one_service(live: Live) -> None:
    with live.stores.reading() as store:
        assert store.scalar(select(func.count()).select_from(Service)) == 1
