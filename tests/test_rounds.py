import logging
import signal
import subprocess
import threading
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal import alerts, audit, clock, codes, drafts, rounds, services, throttle
from portal.access import Role
from portal.notifications import LEASE, Delivered, Outgoing, Words
from portal.store import Alert, AlertEvent, AuditSeal, Draft, Message, Referral, Service, Stores, Task, Tries
from tests.staffed import a_colleague, a_person, a_referral, a_service, a_way
from tests.workers import a_worker, go


@dataclass
class Kept:
    """Keeps what is sent; several threads may hand over at once."""

    sent: list[Outgoing] = field(default_factory=list)

    def send(self, outgoing: Outgoing) -> None:
        self.sent.append(outgoing)


def plainly(template: str, language: str, values: Mapping[str, object]) -> Words:
    return Words(template, language)


def an_alert(store: Session, service: Service) -> Alert:
    return alerts.raise_for(
        store,
        service,
        form_id=uuid.uuid4(),
        reference="K7QF2M9TX",
        question="urgency",
        answer="not-safe",
        rule="not-safe",
    )


def a_draft(store: Session, service: Service) -> Draft:
    draft = drafts.start(store, service, "self-referral", 1, "en", codes.new_key())
    draft.contact_if_unfinished = True
    store.add(draft)
    store.flush()
    return draft


def a_staffed_service(store: Session, slug: str = "here") -> Service:
    service = a_service(store, slug, out_of_hours="on-call")
    a_colleague(store, service, Role.MANAGER)
    a_colleague(store, service)
    return service


def rows(stores: Stores, table: type) -> int:
    with stores.reading.begin() as store:
        return store.scalar(select(func.count()).select_from(table)) or 0


def test_a_portal_without_services_has_nothing_to_do(stores: Stores) -> None:
    done = rounds.run(stores, Kept(), plainly)
    assert done.idle
    assert set(done.counts) == {*rounds.PARTS, "throttle-swept", "activities-taken-in"}


def test_one_round_does_everything_that_is_due_and_a_second_finds_nothing(stores: Stores) -> None:
    with stores.writing.begin() as store:
        for slug in ("here", "there"):
            service = a_staffed_service(store, slug)
            an_alert(store, service)
            a_draft(store, service)
            person = a_person(store, service)
            a_way(store, person)
            a_referral(store, person, uuid.uuid4())
        throttle.count(store, throttle.Kind.SIGN_IN_ADDRESS, "somebody")
    transport = Kept()
    with clock.later(timedelta(days=2)):
        done = rounds.run(stores, transport, plainly)
        assert done.counts == {
            "alerts-climbed": 2,
            "unfinished-forms": 2,
            "broken-promises": 2,
            "check-ins-asked": 0,
            "erasures-overdue": 0,
            "records-to-decide-about": 0,
            "comments-late": 0,
            "drafts-expired": 0,
            "visits-swept": 0,
            "audit-sealed": 2,
            "throttle-swept": 1,
            "activities-taken-in": 0,
        }
        assert (done.broken, done.gave_way) == ((), ())
        # For each service: the alert raised, the alert climbed, the promise broken.
        assert done.delivered == Delivered(sent=6)
        again = rounds.run(stores, transport, plainly)
        assert (again.broken, again.delivered) == ((), Delivered())
        assert not any(again.counts.values())
        assert again.idle
    with clock.later(timedelta(days=40)):
        assert rounds.run(stores, transport, plainly).counts["drafts-expired"] == 2
    kinds = Counter[str]()
    with stores.reading.begin() as store:
        for service in services.all_services(store):
            assert audit.verify(store, service.id) == []
        kinds.update(store.scalars(select(Task.kind)))
        assert {alert.closed_at for alert in store.scalars(select(Alert))} == {None}
        assert {referral.status for referral in store.scalars(select(Referral))} == {"submitted"}
    assert kinds == {"unfinished-form": 2, "promise-broken": 2}
    assert rows(stores, Draft) == 0
    assert rows(stores, Tries) == 0


def test_a_part_that_fails_stops_no_other_and_tells_the_log_only_its_kind(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with stores.writing.begin() as store:
        for slug in ("here", "there"):
            an_alert(store, a_staffed_service(store, slug))
        first = services.find(store, "here")
        assert first is not None
        first_id = first.id

    def broken(store: Session, service: Service) -> int:
        if service.id == first_id:
            service.name = "half done"
            store.flush()
            raise RuntimeError("what somebody typed")
        return alerts.escalate(store, service)

    monkeypatch.setitem(rounds.PARTS, "alerts-climbed", broken)
    with clock.later(timedelta(hours=2)), caplog.at_level(logging.INFO):
        done = rounds.run(stores, Kept(), plainly)
    assert done.broken == ("alerts-climbed",)
    assert not done.idle
    assert done.counts["alerts-climbed"] == 1
    assert done.counts["audit-sealed"] == 2
    assert done.delivered == Delivered(sent=3)
    assert "alerts-climbed" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "typed" not in caplog.text
    with stores.reading.begin() as store:
        assert store.get_one(Service, first_id).name != "half done"


@pytest.mark.parametrize("meeting", [StaleDataError(), IntegrityError("", {}, Exception())])
def test_where_two_workers_meet_one_gives_way(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, meeting: Exception
) -> None:
    with stores.writing.begin() as store:
        an_alert(store, a_staffed_service(store))

    def met(*_: object) -> int:
        raise meeting

    monkeypatch.setitem(rounds.PARTS, "audit-sealed", met)
    done = rounds.run(stores, Kept(), plainly)
    assert (done.gave_way, done.broken) == (("audit-sealed",), ())
    assert done.delivered == Delivered(sent=1)


def test_a_broken_outbox_stops_no_alert(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    with stores.writing.begin() as store:
        an_alert(store, a_staffed_service(store))

    def broken(*_: object) -> Delivered:
        raise OSError("no disk")

    monkeypatch.setattr("portal.notifications.deliver", broken)
    with clock.later(timedelta(hours=2)):
        done = rounds.run(stores, Kept(), plainly)
    assert done.broken == ("messages",)
    assert done.counts["alerts-climbed"] == 1


@pytest.mark.slow
def test_several_workers_at_once_do_everything_once(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_staffed_service(store)
        for _ in range(20):
            an_alert(store, service)
            a_draft(store, service)
        service_id = service.id
    transport, ready = Kept(), threading.Barrier(4)
    done: list[rounds.Round] = []

    def work() -> None:
        ready.wait()
        done.append(rounds.run(stores, transport, plainly))

    with clock.later(timedelta(days=2)):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done.append(rounds.run(stores, transport, plainly))  # what a worker gave way for is done in the next round
    assert len(done) == 5
    assert [each.broken for each in done] == [()] * 5
    sent = Counter(each.message_id for each in transport.sent)
    assert set(sent.values()) == {1}
    assert len(sent) == rows(stores, Message) == 40
    with stores.reading.begin() as store:
        assert Counter(store.scalars(select(AlertEvent.what))) == {"raised": 20, "climbed": 20}
        assert Counter(store.scalars(select(Task.kind))) == {"unfinished-form": 20}
        assert {message.state for message in store.scalars(select(Message))} == {"sent"}
        assert audit.verify(store, service_id) == []


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_round_loses_nothing(
    stores: Stores, environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    with stores.writing.begin() as store:
        service = a_staffed_service(store)
        for _ in range(12):
            an_alert(store, service)
    file = tmp_path / "sent"
    workers: list[subprocess.Popen[bytes]] = [a_worker(environment, database_url, file, die_after=4)]
    go(workers)
    assert workers[0].returncode == -signal.SIGKILL
    transport = Kept()
    with clock.later(LEASE + timedelta(seconds=1)):
        assert rounds.run(stores, transport, plainly).delivered == Delivered(sent=9)
    sent = Counter([*file.read_text().split(), *(str(each.message_id) for each in transport.sent)])
    assert (len(sent), sum(sent.values())) == (12, 13)
    assert rows(stores, Alert) == 12
    assert rows(stores, AuditSeal) >= 1
