"""How much a link worker has to press, counted in a real browser on a small phone, with JavaScript and without it.

An action is one press of a link or a button. The test counts its own presses: it has no other way to press.
"""

import re
import uuid
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page
from sqlalchemy import select

from portal import clock, referrals
from portal.access import Role
from portal.caseload import contacts
from portal.store import Contact, Letter, Message, Referral, Service
from tests import lettered, world
from tests.browser.conftest import MakeContext, overflowing
from tests.browser.test_staff import when_they_sign_in
from tests.live import Live


@dataclass
class Presses:
    """A pair of hands that counts what it presses, and types nothing."""

    page: Page
    many: int = 0

    def link(self, name: str | re.Pattern[str]) -> None:
        self._press(self.page.get_by_role("link", name=name))

    def button(self, name: str) -> None:
        self._press(self.page.get_by_role("button", name=name, exact=True))

    def _press(self, what: Locator) -> None:
        self.many += 1
        with self.page.expect_navigation():
            what.first.click()
        assert overflowing(self.page) == [], self.page.url


@pytest.fixture(scope="module")
def worker(live: Live) -> world.Member:
    with live.stores.writing.begin() as store:
        service = world.a_service(store, phone="01632 960001")
        world.staff_member(store, service, Role.MANAGER)
        return world.staff_member(store, service, name="Lin")


def recorded(live: Live, referral_id: uuid.UUID) -> tuple[Referral, list[tuple[str, str]]]:
    """The case as it stands in the database, and its contacts: outcome and mechanism."""
    with live.stores.reading() as store:
        theirs = select(Contact).where(Contact.referral_id == referral_id).order_by(Contact.id)
        found = store.scalars(select(Referral).where(Referral.id == referral_id)).one()
        return found, [(one.outcome, one.mechanism) for one in store.scalars(theirs)]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_the_inbox_to_a_recorded_first_contact_it_is_three_actions(
    live: Live, new_context: MakeContext, worker: world.Member, scripts: bool
) -> None:
    with live.stores.writing.begin() as store:
        service = store.scalars(select(Service)).one()
        new = world.a_referral(store, service, first_name=f"Inbox{scripts}").id
    page = new_context(java_script_enabled=scripts).new_page()
    when_they_sign_in(page, worker)
    page.goto("/en/staff/inbox")
    hands = Presses(page)
    hands.link(f"Inbox{scripts}")
    hands.button("Accept: I take it")
    assert recorded(live, new)[1] == []
    hands.button("Spoke with them")
    assert hands.many == 3
    case, theirs = recorded(live, new)
    assert theirs == [("spoke", "telephone")]
    assert case.assigned_to == worker.actor.staff_id
    assert case.first_contact_at is not None
    assert case.first_contact_at == case.first_attempt_at == case.last_contact_at


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_today_to_a_recorded_contact_it_is_two_actions(
    live: Live, new_context: MakeContext, worker: world.Member, scripts: bool
) -> None:
    with live.stores.writing.begin() as store:
        service = store.scalars(select(Service)).one()
        new = world.a_referral(store, service, first_name=f"Today{scripts}")
        case = referrals.accept(store, service, worker.actor, new.id).id
        contacts.record(store, service, worker.actor, case, once="x", outcome="no-answer", next_due=clock.today())
    page = new_context(java_script_enabled=scripts).new_page()
    when_they_sign_in(page, worker)
    page.goto("/en/staff/today")
    hands = Presses(page)
    hands.link(re.compile(f"^Record a contact.*Today{scripts}$"))
    hands.button("Left a message")
    assert hands.many == 2
    found, theirs = recorded(live, case)
    assert theirs == [("no-answer", "telephone"), ("message-left", "telephone")]
    assert found.attempts == 2


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_a_closed_case_to_the_message_to_the_gp_it_is_two_actions(
    live: Live, new_context: MakeContext, worker: world.Member, scripts: bool
) -> None:
    with live.stores.writing.begin() as store:
        service = store.scalars(select(Service)).one()
        manager = world.staff_member(store, service, Role.MANAGER)
        case = lettered.taken(store, service, manager, worker, first_name=f"Closed{scripts}")
        lettered.risk(store, case)
        lettered.close(store, case)
        case_id, letter_id = case.referral.id, lettered.a_letter(store, case).id
    page = new_context(java_script_enabled=scripts).new_page()
    when_they_sign_in(page, worker)
    page.goto(f"/en/staff/referrals/{case_id}")
    hands = Presses(page)
    hands.link(re.compile("^Message to the GP$"))
    assert page.get_by_text("Please review her hearing aid.").is_visible()
    assert told(live, letter_id) == ("waiting", None, [])
    hands.button("Send")
    assert hands.many == 2
    assert page.get_by_text("Sent by email").is_visible()
    assert told(live, letter_id) == ("sent", lettered.ADDRESS, [lettered.ADDRESS])


def told(live: Live, letter_id: uuid.UUID) -> tuple[str, str | None, list[str]]:
    """The message as it stands in the database: its state, to whom it went, and what is in the outbox for it."""
    with live.stores.reading() as store:
        found = store.scalars(select(Letter).where(Letter.id == letter_id)).one()
        out = store.scalars(select(Message).where(Message.id == found.message_id)) if found.message_id else ()
        return found.state, found.sent_to, [one.address or "" for one in out]
