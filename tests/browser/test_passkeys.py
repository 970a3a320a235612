"""A passkey in a real browser, with an authenticator that Chromium itself plays (Web Authentication, section 11)."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, CDPSession, Page
from sqlalchemy import select

from portal.store import Passkey
from tests import world
from tests.browser.conftest import MakeContext, overflowing
from tests.live import Live


def with_a_phone_at_hand(context: BrowserContext, page: Page, *, verified: bool = True) -> CDPSession:
    """A device that shows who it is when it is asked."""
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable", {"enableUI": False})
    how = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": how})
    return device


def named(live: Live) -> str:
    """The address by name: a passkey never belongs to the number of a network."""
    return live.address.replace("127.0.0.1", "localhost")


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def test_somebody_adds_a_passkey_and_signs_in_with_nothing_else(
    live: Live, new_context: MakeContext, axe: Callable[[Page], None]
) -> None:
    with live.stores.writing.begin() as store:
        worker = world.staff_member(store, world.a_service(store, "passkeys"), name="Lin")
    address = f"{named(live)}/at/passkeys"
    context = new_context(named(live))
    page = context.new_page()
    with_a_phone_at_hand(context, page)
    page.goto(f"{address}/en/staff/sign-in")
    sign_in_here(page, worker)
    page.goto(f"{address}/en/staff/account")
    press(page, "Add a passkey")
    axe(page)
    assert overflowing(page) == []
    page.fill("#name", "My work phone")
    press(page, "Make the passkey")
    assert "My work phone" in page.locator("main").inner_text()
    with live.stores.reading() as store:
        assert [row.name for row in store.scalars(select(Passkey))] == ["My work phone"]
    page.get_by_text("Menu", exact=True).click()
    press(page, "Sign out")
    press(page, "Sign in with a passkey")
    axe(page)
    press(page, "Use my passkey")
    assert page.url.endswith("/staff/today"), page.url


def sign_in_here(page: Page, member: world.Member) -> None:
    page.fill("#email", member.email)
    page.fill("#password", member.password)
    press(page, "Continue")
    page.fill("#code", member.recovery_codes.pop())
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_device_that_does_not_know_who_sits_there_is_told_kindly(live: Live, new_context: MakeContext) -> None:
    with live.stores.writing.begin() as store:
        world.a_service(store, "unverified")
    address = f"{named(live)}/at/unverified"
    context = new_context(named(live))
    page = context.new_page()
    with_a_phone_at_hand(context, page, verified=False)
    page.goto(f"{address}/en/staff/sign-in")
    press(page, "Sign in with a passkey")
    assert not page.locator("[data-sorry]").is_visible()
    page.get_by_role("button", name="Use my passkey").click()
    page.locator("[data-sorry]").wait_for(state="visible")


def test_without_javascript_the_page_says_how_to_go_on(live: Live, new_context: MakeContext) -> None:
    with live.stores.writing.begin() as store:
        world.a_service(store, "plain")
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{live.address}/at/plain/en/staff/sign-in")
    press(page, "Sign in with a passkey")
    assert "needs JavaScript" in page.locator("main").inner_text()
    assert not page.get_by_role("button", name="Use my passkey").is_visible()
