"""WHO-5 has a licence of its own, and an installation may leave its folder out: everything else works without it, also
where somebody had been asked it before."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import feedback, measures, referrals, services
from portal.access import Mine, Role
from portal.instruments import catalogue, files
from portal.services import BadSettings
from portal.store import Service
from portal.web.security import door
from tests import asked, everything, world
from tests.everything import World, address, app_on, rules, visiting, visitor

WITHOUT = ["ons4", "gss-loneliness", "goals"]
ONLY_WHO5 = {
    "occasions": [
        {"occasion": "baseline", "opens": -14, "due": 0, "closes": 14, "scales": ["who5", "ons4"]},
        {"occasion": "review", "opens": 30, "due": 40, "closes": 50, "scales": ["who5"]},
    ]
}


@contextmanager
def taken_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The portal as it is after somebody has removed the folder."""
    shutil.copytree(files.DATA, folder)
    shutil.rmtree(folder / "who5")
    monkeypatch.setattr(files, "DATA", folder)
    monkeypatch.setattr(services, "_settings", {})
    catalogue.cache_clear()
    try:
        yield
    finally:
        monkeypatch.undo()
        catalogue.cache_clear()


@pytest.fixture
def gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with taken_out(tmp_path / "data", monkeypatch):
        yield


def test_the_usual_plan_leaves_it_out_and_the_rest_is_asked(store: Session, gone: None) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = asked.a_case(store, service, worker)
    first, *_, follow_up = measures.of_referral(store, service.id, referral.id)
    assert (first.scales, follow_up.scales) == (WITHOUT, WITHOUT)
    opened = feedback.begin(store, service, first, language="en")
    assert [one.scale for one in opened] == ["ons4", "gss-loneliness"]
    assert "who5" not in measures.offered(store, service)


def test_whoever_plans_it_by_name_is_told(store: Session, gone: None) -> None:
    service = world.a_service(store)
    boss = world.staff_member(store, service, Role.ADMINISTRATOR).actor
    with pytest.raises(BadSettings, match="must ask scales that the portal has .*, not 'who5'"):
        services.change(store, boss, {"check_ins": ONLY_WHO5})


def test_a_plan_saved_before_goes_on_without_it(
    store: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = world.a_service(store, check_ins=ONLY_WHO5)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = asked.with_email(store, service, worker)
    (first,) = measures.of_referral(store, service.id, referral.id)
    assert first.scales == ["who5", "ons4"]
    with taken_out(tmp_path / "data", monkeypatch):
        assert [one.scales for one in services.settings_of(service).check_ins.occasions] == [("ons4",), ("goals",)]
        assert [one.scale for one in feedback.begin(store, service, first, language="en")] == ["ons4"]
        referrals.accept(store, service, worker, referral.id)
        assert measures.of_referral(store, service.id, referral.id)[-1].scales == ["goals"]
        measures.remind(store, service)


def test_settings_that_were_never_right_are_still_refused(store: Session) -> None:
    service = world.a_service(store)
    several: list[object] = [[], {"occasions": {}}, {"occasions": [1]}, {"most_asks": 0}]
    for wrong in [*several, {"occasions": [{"scales": [["ons4"]]}]}]:
        service.settings = {"check_ins": wrong}
        with pytest.raises(BadSettings):
            services.settings_of(service)


@pytest.fixture
def lived_in(environment: dict[str, str], migrated_sqlite: Path, tmp_path: Path) -> World:
    """A world in which WHO-5 was asked and answered, and a text of it was taken in."""
    made = everything.build(environment, migrated_sqlite, tmp_path / "portal.sqlite")
    app = app_on(environment, made.file)
    with app.extensions["stores"].writing.begin() as store:
        service = store.scalars(select(Service).where(Service.slug == "here")).one()
        for check_in in measures.of_referral(store, service.id, uuid.UUID(made.ids["here"]["referral_id"])):
            (one,) = [one for one in feedback.begin(store, service, check_in, language="en") if one.scale == "who5"]
            step = one.journey.steps[0]
            raw = {question.code: question.choices[0].code for question in step.questions}
            assert not feedback.keep(store, service, check_in, one, step, raw).problems
    app.extensions["stores"].engine.dispose()
    return made


def pages(app: Flask, made: World) -> Iterator[tuple[str, int]]:
    """Every page, by whoever may see most of it."""
    for rule in rules(app, method="GET"):
        wanted = door(app, rule.endpoint)
        kinds = ("read", "check-in") if isinstance(wanted, Mine) else ("",)
        clients = [visiting(app, made, kind) for kind in kinds]
        clients += [visitor(app, made, role) for role in (Role.MANAGER, Role.ADMINISTRATOR)]
        for client in clients:
            yield rule.rule, client.get(address(app, made, rule)).status_code


@pytest.mark.slow
def test_every_page_comes_up_without_it_where_it_was_answered_before(
    lived_in: World, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with taken_out(tmp_path / "data", monkeypatch):
        app = app_on(environment, lived_in.file)
        seen = list(pages(app, lived_in))
        assert [one for one in seen if one[1] >= 500] == []
        assert sum(status == 200 for _, status in seen) > 60
        app.extensions["stores"].engine.dispose()
