"""Erasure at the doors: who may, what the page says, what must be typed, and what is left when it is done."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import alerts, clock, codes, retention
from portal.access import Role
from portal.referrals import Referral
from portal.store import Alert, AuditEvent, ErasureRequest, Service, ServiceUser, Stores
from tests.inspector import InspectedClient, Page
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store, "st-ives")


@pytest.fixture
def manager(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.MANAGER, name="Rosa Marchetti")


@pytest.fixture
def referral(store: Session, service: Service, manager: Member) -> Referral:
    made = a_referral(store, service)
    store.commit()
    return made


@pytest.fixture
def asked(store: Session, service: Service, referral: Referral) -> str:
    """The address of the page of an open request."""
    request = retention.ask_erasure(store, service, referral.person_id)
    store.commit()
    return f"/staff/erasures/{request.id}"


@pytest.fixture
def running(client: InspectedClient, store: Session, manager: Member) -> InspectedClient:
    """A browser in which the manager is signed in."""
    sign_in(client, store, manager)
    return client


def how_many(store: Session) -> int:
    store.commit()
    return store.scalar(select(func.count()).select_from(ServiceUser)) or 0


def token_of(drawn: TestResponse) -> str:
    """The token of a page that was drawn earlier."""
    fields = Page(drawn.get_data(as_text=True)).all("input")
    return next(field.get("value", "") for field in fields if field.get("name") == "csrf_token")


def then(client: InspectedClient, done: TestResponse) -> TestResponse:
    """Where an act leads."""
    assert done.status_code == 303
    return client.get(done.location or "")


def test_the_list_says_who_asked_and_by_when_we_answer(
    running: InspectedClient, store: Session, asked: str, referral: Referral
) -> None:
    said = words_of(running.get("/staff/erasures"))
    assert "Zofia" in said
    assert codes.show_reference(referral.reference) in said
    assert "23 December 2026" in said
    assert "Late" not in said
    store.scalars(select(ErasureRequest)).one().due_at = MORNING - timedelta(days=1)
    store.commit()
    assert "22 November 2026 Late" in words_of(running.get("/staff/erasures"))


def test_a_manager_erases_by_typing_the_reference_and_nothing_of_the_person_is_on_any_page(
    running: InspectedClient, store: Session, asked: str, referral: Referral
) -> None:
    case, reference = f"/staff/referrals/{referral.id}", referral.reference
    done = then(running, press(running, asked, "erase", reference=codes.show_reference(reference).lower(), told="y"))
    assert "Nobody is waiting for an answer." in words_of(done)
    assert "Erased on" in words_of(done)
    assert "Rosa Marchetti" in words_of(done)
    assert how_many(store) == 0
    assert running.get(case).status_code == 404
    for page in ("/staff/inbox", "/staff/tasks", "/staff/erasures", asked):
        assert "Zofia" not in words_of(running.get(page))
    acts = [(row.act, row.actor_id) for row in store.scalars(select(AuditEvent).order_by(AuditEvent.id))]
    assert "erased a person" in [act for act, who in acts if who]


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "y"), ("K7QF-2M9T-1", "y"), ("Zofia", "y"), ("REFERENCE", "")],
    ids=["nothing typed", "another reference", "a name", "the person was not told"],
)
def test_without_the_reference_and_the_promise_nothing_is_erased(
    running: InspectedClient, store: Session, asked: str, referral: Referral, typed: str, told: str
) -> None:
    given = {"reference": typed.replace("REFERENCE", referral.reference), **({"told": told} if told else {})}
    again = press(running, asked, "erase", **given)
    assert again.status_code == 422
    assert "There is a problem" in words_of(again)
    assert how_many(store) == 1


def test_an_open_alert_is_shown_instead_of_the_button_and_is_heard_before_the_press(
    running: InspectedClient, store: Session, service: Service, manager: Member
) -> None:
    referral = a_referral(store, service, first_name="Bea", urgency="not-safe")
    request = retention.ask_erasure(store, service, referral.person_id)
    alert = store.scalars(select(Alert)).one()
    store.commit()
    address = f"/staff/erasures/{request.id}"
    page = running.get(address)
    assert "Close the alert with what was done." in words_of(page)
    assert "Erase this person’s record for ever" not in words_of(page)
    assert f"/staff/alerts/{alert.id}" in page.get_data(as_text=True)
    assert "An alert is open" in words_of(running.get("/staff/erasures"))
    # It was raised after the page was drawn: the room says no, and the page says why.
    alerts.open_by_name(store, manager.actor, alert.id)
    alerts.close(store, manager.actor, alert.id, "Rang: safe.")
    store.commit()
    drawn = running.get(address)
    alert.closed_at = None
    store.commit()
    late = running.post(
        f"{address}/erase", data={"csrf_token": token_of(drawn), "reference": referral.reference, "told": "y"}
    )
    assert late.status_code == 409
    assert "Close the alert with what was done." in words_of(late)
    assert how_many(store) == 1


def test_a_refusal_needs_words_and_keeps_the_record(
    running: InspectedClient, store: Session, asked: str, referral: Referral
) -> None:
    assert press(running, asked, "refuse", word=" ").status_code == 422
    done = then(running, press(running, asked, "refuse", word="The court asked for it."))
    assert "Refused on" in words_of(done)
    assert "The court asked for it." in words_of(running.get(asked))
    assert how_many(store) == 1


def test_what_a_colleague_decided_meanwhile_stands(
    running: InspectedClient, store: Session, asked: str, referral: Referral, manager: Member
) -> None:
    drawn = running.get(asked)
    request = store.scalars(select(ErasureRequest)).one()
    retention.refuse_erasure(store, manager.actor, request.id, "The court asked for it.")
    store.commit()
    late = running.post(
        f"{asked}/erase", data={"csrf_token": token_of(drawn), "reference": referral.reference, "told": "y"}
    )
    assert late.status_code == 409
    assert "Refused on" in words_of(late)
    late = running.post(f"{asked}/refuse", data={"csrf_token": token_of(drawn), "word": "Another reason."})
    assert late.status_code == 409
    assert how_many(store) == 1


def test_a_link_worker_writes_the_request_down_and_decides_nothing(
    client: InspectedClient, store: Session, service: Service, referral: Referral
) -> None:
    worker = staff_member(store, service)
    sign_in(client, store, worker)
    start = f"/staff/referrals/{referral.id}/erase"
    assert "Nothing is erased now." in words_of(client.get(start))
    done = then(client, press(client, start, "erase"))
    assert "A manager decides." in words_of(done)
    assert "See the request, and decide" not in words_of(done)
    request = store.scalars(select(ErasureRequest)).one()
    assert (request.state, request.asked_by) == ("asked", worker.actor.staff_id)
    assert client.get("/staff/erasures").status_code == 403
    assert client.get(f"/staff/erasures/{request.id}").status_code == 403
    inbox = client.get("/staff/inbox")
    assert "Someone asked us to erase their record" in words_of(inbox)
    assert "/staff/erasures" not in inbox.get_data(as_text=True)
    assert how_many(store) == 1


def test_a_manager_goes_on_from_the_case_to_the_decision(
    running: InspectedClient, store: Session, referral: Referral
) -> None:
    start = f"/staff/referrals/{referral.id}/erase"
    assert "What will happen" in words_of(then(running, press(running, start, "erase")))
    assert "See the request, and decide" in words_of(running.get(start))
    assert "/staff/erasures" in running.get("/staff/inbox").get_data(as_text=True)
    assert running.get(f"/staff/referrals/{codes.new_id()}/erase").status_code == 404


@pytest.mark.both_databases
def test_whose_page_was_open_in_another_tab_finds_nothing_and_nothing_fails(
    running: InspectedClient, store: Session, asked: str, referral: Referral
) -> None:
    address = f"/staff/referrals/{referral.id}"
    case = running.get(address)
    reference = referral.reference
    press(running, asked, "erase", reference=reference, told="y")
    assert running.post(f"{address}/accept", data={"csrf_token": token_of(case)}).status_code == 404
    assert how_many(store) == 0


def test_the_page_keeps_what_was_typed_when_its_token_has_died(
    running: InspectedClient, store: Session, asked: str, referral: Referral
) -> None:
    stale = running.post(f"{asked}/refuse", data={"csrf_token": "old", "word": "The court asked for it."})
    assert stale.status_code == 422
    assert "The court asked for it." in stale.get_data(as_text=True)
    stale = running.post(f"{asked}/erase", data={"csrf_token": "old", "reference": referral.reference, "told": "y"})
    assert stale.status_code == 422
    assert how_many(store) == 1


def test_nothing_is_left_in_the_files_once_the_worker_came_by(
    running: InspectedClient, store: Session, stores: Stores, asked: str, referral: Referral
) -> None:
    press(running, asked, "erase", reference=referral.reference, told="y")
    store.close()
    assert retention.wipe_traces(stores)
