"""A link worker's morning in a real browser on a small phone: sign in, see who is first, accept."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page
from pyotp.totp import TOTP
from sqlalchemy import select

from portal import clock, rounds
from portal.access import Role
from portal.store import Alert, Referral, Service
from tests import world
from tests.browser.conftest import EACH_LANGUAGE, MakeContext, overflowing
from tests.live import Live


@pytest.fixture(scope="module")
def team(live: Live) -> dict[str, world.Member]:
    with live.stores.writing.begin() as store:
        service = world.a_service(store, phone="01632 960001")
        return {
            "manager": world.staff_member(store, service, Role.MANAGER, name="Mona"),
            "worker": world.staff_member(store, service, Role.LINK_WORKER, name="Lin"),
            "administrator": world.staff_member(store, service, Role.ADMINISTRATOR, name="Ada"),
        }


def when_they_sign_in(page: Page, member: world.Member, language: str = "en") -> None:
    page.goto(f"/{language}/staff/sign-in")
    page.fill("#email", member.email)
    page.fill("#password", member.password)
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")
    page.fill("#code", member.recovery_codes.pop())
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")


def then_the_accessibility_baseline_is_met(page: Page, axe: Callable[[Page], None]) -> None:
    axe(page)
    assert overflowing(page) == []


def test_a_link_worker_signs_in_with_totp_sees_the_new_one_first_and_accepts_in_three_actions(
    live: Live, page: Page, team: dict[str, world.Member]
) -> None:
    with live.stores.writing.begin() as store:
        service = store.scalars(select(Service)).one()
        with clock.later(timedelta(days=-20)):
            oldest = world.a_referral(store, service, first_name="Oldest", what_matters="میں اکیلی ہوں")
        world.a_referral(store, service, first_name="Newest")
        wanted = oldest.id
    worker = team["worker"]
    page.goto("/en/staff/sign-in")
    page.fill("#email", worker.email)
    page.fill("#password", worker.password)
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")
    page.fill("#code", TOTP(worker.secret).now())
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")
    assert page.url.endswith("/staff/today"), page.url
    with page.expect_navigation():
        page.get_by_role("link", name="Inbox", exact=True).click()  # action one: the inbox is open
    first = page.locator("table a").first
    assert "Oldest" in first.inner_text()
    row = page.locator("tbody tr").first.inner_text()
    assert "میں اکیلی ہوں" in row
    assert "late" in row.lower(), row
    with page.expect_navigation():
        first.click()  # action two
    headings = page.locator("h2").all_inner_texts()
    assert headings.index("In their own words") < headings.index("Help with"), headings
    assert page.locator(".portal-words").first.inner_text() == "میں اکیلی ہوں"
    with page.expect_navigation():
        page.get_by_role("button", name="Accept").click()  # action three
    with live.stores.reading() as store:
        accepted = store.scalars(select(Referral).where(Referral.id == wanted)).one()
        assert accepted.status == "accepted"
        assert accepted.assigned_to == worker.actor.staff_id


@pytest.mark.slow
@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_signing_in_and_what_waits_in_a_hurry_is_accessible_on_a_small_phone(
    live: Live, page: Page, team: dict[str, world.Member], axe: Callable[[Page], None], language: str
) -> None:
    with live.stores.writing.begin() as store:
        service = store.scalars(select(Service)).one()
        kept = world.a_referral(store, service, language=language, first_name=f"Kept{language}", urgency="not-safe")
        twin = world.a_referral(store, service, language=language, first_name=f"Kept{language}")
        world.a_draft(store, service, "urgent", language=language, urgency="being-hurt")
        alert = store.scalars(select(Alert).order_by(Alert.id.desc())).first()
        assert alert is not None
        case, other, person, unsent = kept.id, twin.id, kept.person_id, alert.id
    page.goto(f"/{language}/staff/sign-in")
    then_the_accessibility_baseline_is_met(page, axe)
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")
    then_the_accessibility_baseline_is_met(page, axe)  # the error
    when_they_sign_in(page, team["manager"], language)
    # Everything else, as it stands in a world in which there is one of each: test_every_page.py.
    for path in (
        f"alerts/{unsent}",
        f"referrals/{case}",
        f"referrals/{other}/merge/{person}",
    ):
        answer = page.goto(f"/{language}/staff/{path}")
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        then_the_accessibility_baseline_is_met(page, axe)
    page.goto(f"/{language}/staff/referrals/{case}/decline")
    with page.expect_navigation():
        page.locator("main form").last.locator("button.nhsuk-button").first.click()
    then_the_accessibility_baseline_is_met(page, axe)  # the error
    page.goto(f"/{language}/staff/referrals/{case}/no-such-page")
    then_the_accessibility_baseline_is_met(page, axe)


def test_with_the_clock_moved_an_unopened_alert_climbs_and_nothing_is_closed(live: Live) -> None:
    with live.stores.writing.begin() as store:
        service = store.scalars(select(Service)).one()
        world.a_draft(store, service, "urgent", urgency="not-safe")
        alert = store.scalars(select(Alert).order_by(Alert.id.desc())).first()
        assert alert is not None
        which = alert.id
        positions = [alert.position]

    class Nowhere:
        def send(self, outgoing: object) -> None:
            """Messages are not what is looked at here."""

    from portal.web.messages import Renderer

    render = Renderer(live.settings.public_url, live.settings.service)
    for days in (3, 6, 9, 12):
        with clock.later(timedelta(days=days)):
            rounds.run(live.stores, Nowhere(), render)
            with live.stores.reading() as store:
                found = store.scalars(select(Alert).where(Alert.id == which)).one()
                positions.append(found.position)
                assert found.owner_id is not None
                assert found.closed_at is None
                assert found.opened_at is None
    assert positions == ["duty", "deputy", "manager", "manager", "manager"]


def test_a_signed_out_browser_shows_nothing_any_more(
    live: Live, new_context: MakeContext, team: dict[str, world.Member]
) -> None:
    page = new_context().new_page()
    when_they_sign_in(page, team["administrator"])
    page.goto("/en/staff/team")
    assert page.url.endswith("/staff/team")
    page.locator(".portal-menu summary").press("Enter")
    with page.expect_navigation():
        page.locator('form[action$="sign-out"] button').click()
    page.goto("/en/staff/team")
    assert "/sign-in" in page.url
    page.go_back()
    assert "Mona" not in page.inner_text("body")
