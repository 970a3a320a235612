"""What was acknowledged is there, once, with its outbox row: under repetition, and when web processes are killed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.durability import Outcome, send_all
from portal.access import Role
from portal.store import Referral
from tests import conftest, run, world
from tests.live import Live, serve


@contextlib.contextmanager
def a_portal(environment: dict[str, str], url: str, folder: Path) -> Iterator[Live]:
    with serve(environment, url, folder, workers=2) as live:
        with live.stores.writing.begin() as store:
            world.staff_member(store, world.a_service(store), Role.MANAGER)
        yield live


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_form_sent_three_times_at_once_is_one_referral(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    people = 300 if conftest.DEEP else 40
    with a_portal(environment, database_url, tmp_path) as live:
        outcome = send_all(live.address, live.stores, people=people, times=3)
    run.note("forms sent three times at once", people)
    assert outcome.whole, str(outcome)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_acknowledged_is_lost_when_web_processes_are_killed(
    environment: dict[str, str], postgresql_url: str, tmp_path: Path
) -> None:
    people, kills = (2000, 20) if conftest.DEEP else (150, 2)
    with a_portal(environment, postgresql_url, tmp_path) as live:
        outcome = send_all(live.address, live.stores, people=people, kills=kills, server=live.process.pid)
    run.note("web processes killed while sending", outcome.kills)
    assert outcome.kills == kills
    assert outcome.whole, str(outcome)


@pytest.mark.slow
def test_the_look_afterwards_notices_a_lost_referral(
    environment: dict[str, str], sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a referral taken away behind the portal's back must make the outcome bad."""
    from bench import durability

    look = durability._look

    def steal_one(stores: object, keys: list[str], outcome: Outcome) -> None:
        outcome.acknowledged[keys[0]] = "0000-0000-0"
        look(stores, keys, outcome)  # type: ignore[arg-type]

    monkeypatch.setattr(durability, "_look", steal_one)
    with a_portal(environment, sqlite_url, tmp_path) as live:
        outcome = send_all(live.address, live.stores, people=3)
        with live.stores.reading() as store:
            assert store.query(Referral).count() == 3
    assert outcome.lost == 1
    assert not outcome.whole
