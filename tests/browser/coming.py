"""How made-up people come to their own page in a real browser: by the pages, or with a visit that the rooms opened."""

import uuid
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page
from sqlalchemy.orm import Session

from portal import codes
from portal.access import Role
from portal.referrals import Referral
from portal.store import Service
from tests import world
from tests.arriving import code_sent
from tests.browser.conftest import overflowing
from tests.live import Live
from tests.lived import reads, two_check_ins_and_two_goals

CONTINUE = "form#page button.nhsuk-button:not([name])"
VISIT = "me"


@dataclass(frozen=True)
class Team:
    """A service that works."""

    service_id: uuid.UUID
    manager: world.Member
    worker: world.Member

    def service(self, store: Session) -> Service:
        return store.get_one(Service, self.service_id)


def a_team(live: Live) -> Team:
    """A service with a manager and a link worker."""
    with live.stores.writing.begin() as store:
        service = world.a_service(store, phone="01632 960001", commissioned_by_nhs=True)
        manager = world.staff_member(store, service, Role.MANAGER, name="Mona")
        worker = world.staff_member(store, service, Role.LINK_WORKER, name="Lin")
        return Team(service.id, manager, worker)


@dataclass(frozen=True)
class Somebody:
    """Somebody with two check-ins and two goals, and what they hold: their email, their card."""

    person_id: uuid.UUID
    referral_id: uuid.UUID
    reference: str
    number: str
    email: str

    def referral(self, store: Session, team: Team) -> Referral:
        return store.get_one(Referral, (team.service_id, self.referral_id))


def somebody_with_a_page(live: Live, team: Team, email: str, **answers: str) -> Somebody:
    """Two check-ins and two goals lie behind them."""
    with live.stores.writing.begin() as store:
        service = team.service(store)
        referral, number = two_check_ins_and_two_goals(store, service, team.worker.actor, email=email, **answers)
        return Somebody(referral.person_id, referral.id, codes.show_reference(referral.reference), number, email)


def with_their_whole_page(context: BrowserContext, live: Live, team: Team, known: Somebody) -> Page:
    """A browser in which their page is open for reading; nothing is shown yet."""
    key = codes.new_key()
    with live.stores.writing.begin() as store:
        reads(store, team.service(store), known.referral(store, team), known.number, key=key)
    return with_key(context, live, key)


def with_key(context: BrowserContext, live: Live, key: str) -> Page:
    """A browser that holds the key of a visit."""
    context.add_cookies([{"name": VISIT, "value": key, "url": live.address, "httpOnly": True, "sameSite": "Lax"}])
    return context.new_page()


def when_they_come_by_email_and_card(page: Page, live: Live, known: Somebody, language: str = "en") -> None:
    """The whole way, on the pages: a code by email, then the number of their card."""
    page.goto(f"/{language}/your-page")
    page.fill("#email", known.email)
    press(page, "main form button")
    assert page.url.endswith("/your-page/code")
    with live.stores.reading() as store:
        page.fill("#code", code_sent(store))
    press(page, "main form button")
    assert page.url.endswith("/your-page/task"), page.url
    page.fill("#number", known.number)
    press(page, 'form[action$="/number"] button')
    assert page.url.endswith(f"/{language}/my"), page.url


def press(page: Page, what: str) -> None:
    """Press it, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.locator(what).first.click()


def then_it_fits(page: Page) -> None:
    """Nobody has to scroll sideways."""
    assert overflowing(page) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1, page.url
