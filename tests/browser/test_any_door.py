"""Other doors in a real browser: a screen that clears itself, paper in large print, a page in two languages."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page

from portal import accounts, codes
from portal.access import Role
from tests import world
from tests.browser.conftest import MakeContext, overflowing
from tests.live import Live

EIGHTEEN_POINTS = 24  # in CSS pixels, 96 to 72


@pytest.fixture(scope="module")
def team(live: Live) -> dict[str, world.Member]:
    with live.stores.writing.begin() as store:
        service = world.a_service(store, phone="01632 960001")
        return {
            "manager": world.staff_member(store, service, Role.MANAGER),
            "worker": world.staff_member(store, service, Role.LINK_WORKER),
        }


@pytest.fixture
def screen(live: Live, team: dict[str, world.Member], new_context: MakeContext) -> BrowserContext:
    """A browser that is a kiosk."""
    key = codes.new_key()
    with live.stores.writing.begin() as store:
        accounts.make_kiosk(store, team["manager"].actor, "Waiting room", key)
    context = new_context()
    context.add_cookies([{"name": "kiosk", "value": key, "url": live.address}])
    return context


def _on(page: Page) -> None:
    with page.expect_navigation():
        page.click("form#page button.nhsuk-button:not([name])")


def test_a_screen_warns_then_clears_itself_and_back_shows_nothing(
    screen: BrowserContext, axe: Callable[[Page], None]
) -> None:
    page = screen.new_page()
    page.clock.install()
    page.goto("/en/kiosk")
    axe(page)
    page.click("main a.nhsuk-button >> nth=0")
    page.check('[value="me"]')
    assert page.locator('[name="device"]').count() == 0
    _on(page)
    page.fill("#postcode", "AB10 1AB")
    page.fill("#date_of_birth", "1965")
    page.clock.fast_forward(timedelta(minutes=2, seconds=10).seconds * 1000)
    page.click(".portal-lock button")  # it warns a minute before, and whoever is there goes on
    page.clock.fast_forward(timedelta(minutes=2, seconds=10).seconds * 1000)
    assert page.locator(".portal-lock").is_visible()
    assert page.input_value("#postcode") == "AB10 1AB"
    with page.expect_navigation(url="**/kiosk"):
        page.clock.fast_forward(timedelta(minutes=1).seconds * 1000)
    for _ in range(3):
        page.go_back()
        page.wait_for_load_state()
        assert "AB10" not in page.content()
    assert [one["name"] for one in screen.cookies() if one["name"] == "form"] == []


def test_in_large_print_every_word_is_18_points_or_more_and_the_sheet_fits(
    page: Page, live: Live, team: object
) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})  # A4 less its margins
    for path in ("/en/paper/form/large", "/ur/paper/form/large", "/en/paper/scales/ons4/large"):
        page.goto(path)
        sizes = page.evaluate(
            """() => [...document.querySelectorAll(".portal-paper *")]
                .filter((one) => one.checkVisibility())
                .filter((one) => [...one.childNodes].some((two) => two.nodeType === 3 && two.data.trim()))
                .map((one) => [parseFloat(getComputedStyle(one).fontSize), one.textContent.trim().slice(0, 40)])"""
        )
        assert len(sizes) > 20
        assert [one for one in sizes if one[0] < EIGHTEEN_POINTS] == [], path
        assert overflowing(page) == []
        assert not page.locator(".portal-paper__how").is_visible()
        assert not page.locator(".portal-bar").is_visible()


def test_a_page_in_two_languages_fits_a_small_phone(
    live: Live, team: dict[str, world.Member], new_context: MakeContext, axe: Callable[[Page], None]
) -> None:
    with live.stores.writing.begin() as store:
        member = team["worker"]
        knocked = accounts.knock(store, member.actor.service_id, member.email)
        waiting = accounts.begin_sign_in(store, knocked, member.password)
        code = member.recovery_codes.pop()
        token = accounts.second_factor_given(store, member.actor.service_id, waiting, code).token
    context = new_context(viewport={"width": 320, "height": 640})
    context.add_cookies([{"name": "staff", "value": token, "url": live.address}])
    page = context.new_page()
    page.goto("/en/staff/entry/")
    axe(page)
    page.check('[name="channel"][value="staff"]')
    page.check('[name="completed_by"][value="interpreter"]')
    page.check('[name="language"][value="ur"]')
    with page.expect_navigation():
        page.click("form[novalidate] button.nhsuk-button")
    for slug in ("safe-contact", "urgent", "sharing"):
        with page.expect_navigation():
            page.click(f'[value="to-{slug}"]')
        axe(page)
        assert overflowing(page) == []
        legend = page.locator("legend").first
        assert legend.locator('[lang="ur"][dir="rtl"]').count() == 1
