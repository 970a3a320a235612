"""When something fails, people still learn who can help, and staff get back what they wrote."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal import clock, referrals
from portal.access import Role
from tests import world
from tests.inspector import InspectedClient

WORDS = "We talked for an hour about her garden."


def test_a_member_of_staff_who_was_signed_out_meanwhile_gets_their_words_back(
    client: InspectedClient, store: Session
) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER)
    referral = world.a_referral(store, service)
    world.sign_in(client, store, worker)
    page = f"/staff/referrals/{referral.id}/decline"
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))
    assert token
    with clock.later(timedelta(hours=13)):
        answer = client.post(page, data={"csrf_token": token[1], "reason": "other", "word": WORDS})
    assert answer.status_code == 401
    assert WORDS in answer.get_data(as_text=True)
    assert token[1] not in answer.get_data(as_text=True)


def test_words_of_the_public_are_on_no_error_page(client: InspectedClient, store: Session) -> None:
    world.staff_member(store, world.a_service(store), Role.MANAGER)
    store.commit()
    answer = client.post("/refer/saved", data={"go": WORDS})
    assert answer.status_code == 400
    assert WORDS not in answer.get_data(as_text=True)


def test_words_that_another_site_sends_are_on_no_error_page(client: InspectedClient, store: Session) -> None:
    world.staff_member(store, world.a_service(store), Role.MANAGER)
    store.commit()
    for address in ("/goals/new/your-goal", "/my/feedback/complaint"):
        own = client.post(address, data={"goal_words": WORDS})
        assert (own.status_code, WORDS in own.get_data(as_text=True)) == (401, True)
        foreign = client.post(address, data={"goal_words": WORDS}, headers={"Sec-Fetch-Site": "cross-site"})
        assert (foreign.status_code, WORDS in foreign.get_data(as_text=True)) == (401, False)


def test_a_page_that_failed_still_names_who_can_help(
    app: Flask, store: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.staff_member(store, world.a_service(store), Role.MANAGER)
    store.commit()

    def fails(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(referrals, "median_days_to_first_contact", fails)
    app.config["SHOW_ERROR_PAGES"] = True
    answer = app.test_client().get("/")
    assert answer.status_code == 500
    for number in ("999", "111", "116123"):
        assert f'href="tel:{number}"' in answer.get_data(as_text=True)
