"""Setting a service up without code, as those who run it see it. Every page is inspected by the client."""

import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import clock, services
from portal.access import Role
from portal.services import ServiceSettings, texts
from portal.store import AuditEvent, Practice, Service
from portal.web.setup.groups import BY_CODE, GROUPS, LABELS, OTHER_PAGES
from tests.inspector import InspectedClient, Page
from tests.pictures import a_picture
from tests.world import Member, a_service, sign_in, staff_member, words_of

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@pytest.fixture
def service(store: Session) -> Service:
    made = a_service(store, "st-ives")
    store.commit()
    return made


@pytest.fixture
def boss(store: Session, service: Service) -> Member:
    made = staff_member(store, service, Role.ADMINISTRATOR, name="Rosa Marchetti")
    store.commit()
    return made


@pytest.fixture
def running(client: InspectedClient, store: Session, boss: Member) -> InspectedClient:
    """A browser in which the administrator is signed in."""
    sign_in(client, store, boss)
    return client


def fields_of(response: TestResponse, action: str) -> dict[str, Any]:
    """What stands in the form whose action ends so: as a browser would send it."""
    page = Page(response.get_data(as_text=True))
    form = next(one for one in page.all("form") if (one.get("action") or "").endswith(action))
    found: dict[str, Any] = {}
    for one in form.iter():
        name = one.get("name")
        if not name or one.tag == "button":
            continue
        if one.tag == "textarea":
            found[name] = (one.text or "").removeprefix("\n")
        elif one.tag == "select":
            chosen = [each.get("value") for each in one.iter() if each.tag == "option" and "selected" in each.attrib]
            every = [each.get("value") for each in one.iter() if each.tag == "option"]
            found[name] = (chosen or every)[0]
        elif one.get("type") in ("checkbox", "radio"):
            if "checked" in one.attrib:
                found.setdefault(name, []).append(one.get("value"))
        elif one.get("type") != "file":
            found[name] = one.get("value", "")
    return found


def keep(client: InspectedClient, code: str, typed: Mapping[str, Any]) -> TestResponse:
    """Change a page as a browser does: everything that stands there is sent, with what is typed."""
    address = f"/staff/set-up/{code}"
    sent = fields_of(client.get(address), address) | dict(typed)
    return client.post(address, data={name: value for name, value in sent.items() if value is not None})


def kept(store: Session, service: Service) -> ServiceSettings:
    store.rollback()
    store.expire_all()
    return services.settings_of(store.get_one(Service, service.id))


def hrefs(response: TestResponse) -> list[str]:
    return [link.get("href", "") for link in Page(response.get_data(as_text=True)).all("a")]


# Every setting has a page --------------------------------------------------------------------------------------------


def test_every_setting_of_a_service_is_on_a_page_and_has_a_name() -> None:
    shown = [box.name for group in GROUPS for box in group.boxes if box.name != "name"]
    assert len(shown) == len(set(shown))
    assert set(shown) | OTHER_PAGES == set(ServiceSettings.__dataclass_fields__)
    assert set(ServiceSettings.__dataclass_fields__) <= set(LABELS)


def test_a_page_that_is_sent_as_it_stands_keeps_what_counted(
    running: InspectedClient, store: Session, service: Service
) -> None:
    """What a page shows is what is kept: no setting changes by being looked at and saved."""
    before = kept(store, service)
    for group in GROUPS:
        answered = keep(running, group.code, {})
        assert answered.status_code == 303, group.code
        assert answered.location == f"/staff/set-up?done={group.code}"
    after = kept(store, service)
    assert after.closure_reasons  # now written down one by one, in our order
    assert [one.code for one in after.closure_reasons] == [code for code, _ in BY_CODE["reasons"].boxes[1].ours]  # type: ignore[attr-defined]
    for name in set(ServiceSettings.__dataclass_fields__) - {"closure_reasons"}:
        assert getattr(after, name) == getattr(before, name), name


TYPED: dict[str, tuple[dict[str, Any], str, Any]] = {
    "contact": ({"phone": "01234 567890"}, "phone", "01234 567890"),
    "promise": ({"promise_working_days": "٣"}, "promise_working_days", 3),
    "directory": ({"publish_activities": "y"}, "publish_activities", True),
    "teams": ({"teams": "North\r\n\r\n South "}, "teams", ("North", "South")),
    "languages": ({"languages": ["pl", "cy"]}, "languages", ("pl", "cy")),
    "keeping": ({"retention_years": "6"}, "retention_years", 6),
    "area": ({"outcodes": "pe27, PE28\npe29"}, "outcodes", ("PE27", "PE28", "PE29")),
}


@pytest.mark.parametrize("code", TYPED)
def test_what_is_typed_is_kept(running: InspectedClient, store: Session, service: Service, code: str) -> None:
    typed, name, value = TYPED[code]
    assert keep(running, code, typed).status_code == 303
    assert getattr(kept(store, service), name) == value


def test_hours_are_typed_as_people_type_them(running: InspectedClient, store: Session, service: Service) -> None:
    typed = {
        "opening_hours-monday": "9-12.30, 1pm to 5pm",
        "opening_hours-tuesday": "08:30–16:00 and 18:00 until 24:00",
        "opening_hours-wednesday": "",
        "opening_hours-saturday": "22:00 to 02:00",
        "closed_days": "25 12 2026\n28/12/26",
    }
    assert keep(running, "hours", typed).status_code == 303
    settings = kept(store, service)
    said = {
        day: [f"{one.opens:%H:%M}-{one.closes:%H:%M}" for one in spans] for day, spans in settings.opening_hours.items()
    }
    assert said["monday"] == ["09:00-12:30", "13:00-17:00"]
    assert said["tuesday"] == ["08:30-16:00", "18:00-00:00"]
    assert said["wednesday"] == []
    assert said["saturday"] == ["22:00-02:00"]
    assert sorted(day.isoformat() for day in settings.closed_days) == ["2026-12-25", "2026-12-28"]


def test_helplines_are_added_and_taken_out_row_by_row(
    running: InspectedClient, store: Session, service: Service
) -> None:
    row = {"helplines-2-name": "Night line", "helplines-2-phone": "01234 567890", "helplines-2-words": "All night."}
    assert keep(running, "help", row).status_code == 303
    (line,) = kept(store, service).helplines
    assert (line.name, line.phone, line.words) == ("Night line", "01234 567890", "All night.")
    assert "Night line" in words_of(running.get("/staff/set-up"))
    keep(running, "help", {"helplines-1-name": "", "helplines-1-phone": "", "helplines-1-words": ""})
    assert kept(store, service).helplines == ()


def test_reasons_are_ordered_switched_off_worded_and_never_forgotten(
    running: InspectedClient, store: Session, service: Service
) -> None:
    own = {
        "decline_reasons-12-label": "No interpreter",
        "decline_reasons-12-used": "y",
        "decline_reasons-12-place": "1",
    }
    off = {"decline_reasons-2-used": None, "closure_reasons-2-used": None}
    words = {"closure_reasons-1-label": "All done", "closure_reasons-1-place": "99"}
    assert keep(running, "reasons", own | off | words).status_code == 303
    settings = kept(store, service)
    codes = [one.code for one in settings.decline_reasons]
    assert codes[0] in ("no-interpreter", "outside-area")
    assert "no-interpreter" in codes
    assert "outside-age" not in codes
    assert settings.named_reason("outside-age")
    closing = services.as_chosen(_ours(), settings.closure_reasons)
    assert closing[-1] == ("goals-met", "All done")
    assert "partly-met" not in dict(closing)
    # The service's own reason is renamed, then no longer used: its code and its name stay.
    keep(running, "reasons", {"decline_reasons-12-label": "No interpreter to be had"})
    assert kept(store, service).reason("no-interpreter").label == "No interpreter to be had"  # type: ignore[union-attr]
    keep(running, "reasons", {"decline_reasons-12-used": None})
    settings = kept(store, service)
    assert settings.reason("no-interpreter") is None
    assert settings.named_reason("no-interpreter").label == "No interpreter to be had"  # type: ignore[union-attr]


def _ours() -> Any:
    from portal.caseload.lists import CLOSURE_REASONS

    return CLOSURE_REASONS


def test_a_check_in_is_added_to_the_plan(running: InspectedClient, store: Session, service: Service) -> None:
    at = "check_ins-occasions-5"
    new = {
        f"{at}-occasion": "follow-up",
        f"{at}-opens": "300",
        f"{at}-due": "310",
        f"{at}-closes": "330",
        f"{at}-scales": ["ons4"],
        "check_ins-reminder-2": "",
        "check_ins-most_asks": "5",
    }
    assert keep(running, "check-ins", new).status_code == 303
    plan = kept(store, service).check_ins
    assert [(one.occasion, one.due) for one in plan.occasions][-1] == ("follow-up", 310)
    assert (plan.reminder_days, plan.most_asks) == ((3,), 5)


# Bad input -----------------------------------------------------------------------------------------------------------

WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("contact", {"name": " "}, "name", "Enter the name of the service"),
    ("contact", {"phone": "call us"}, "phone", "such as 01234 567890"),
    ("contact", {"email": "nobody"}, "email", "such as hello@example.org"),
    ("hours", {"opening_hours-friday": "when we like"}, "opening_hours-friday", "“when we like” is not one"),
    ("hours", {"opening_hours-friday": "9 to 5"}, "opening_hours-friday", "Is “9 to 5” in the afternoon?"),
    ("hours", {"opening_hours-friday": "9:00-13:00, 12:00-17:00"}, "opening_hours-friday", "These times overlap"),
    ("hours", {"opening_hours-friday": "9:00 to 25:00"}, "opening_hours-friday", "“25:00” is not one"),
    ("hours", {f"opening_hours-{day}": "" for day in services.WEEKDAYS}, "opening_hours-monday", "at least one time"),
    ("hours", {"closed_days": "25 12 2026\nChristmas"}, "closed_days", "“Christmas” is not a day"),
    ("promise", {"promise_working_days": "soon"}, "promise_working_days", "a whole number from 1 to 30"),
    ("promise", {"contact_attempts": "0"}, "contact_attempts", "a whole number from 1 to 20"),
    ("promise", {"contact_attempts": "9" * 5000}, "contact_attempts", "a whole number from 1 to 20"),
    ("area", {"outcodes": "PE27\nSW1A 1AA"}, "outcodes", "“1AA” is not one"),
    ("area", {"practices": "the surgery"}, "practices", "“the” is not one"),
    ("area", {"who_could_help-1-words": "Somebody"}, "who_could_help-1-name", "Enter a name"),
    ("languages", {"languages": ["tlh"]}, "languages", "Select languages from the list"),
    ("alerts", {"alert_minutes-deputy": "1000"}, "alert_minutes-deputy", "a whole number from 5 to 480"),
    ("alerts", {"out_of_hours": "never"}, "out_of_hours", "Select what happens while you are closed"),
    ("help", {"helplines-2-name": "Night line"}, "helplines-2-phone", "Enter a phone number"),
    ("help", {"exit_url": "http://weather.example"}, "exit_url", "begins with https://"),
    ("help", {"exit_url": "https://weather.example/\x00"}, "exit_url", ""),
    (
        "reasons",
        {"decline_reasons-12-used": "y", "decline_reasons-12-label": "x" * 101},
        "decline_reasons-12-label",
        "at most 100",
    ),
    (
        "reasons",
        {f"decline_reasons-{n}-used": None for n in range(1, 12)},
        "decline_reasons-1-used",
        "at least one reason",
    ),
    ("reasons", {"closure_reasons-3-label": "y" * 200}, "closure_reasons-3-label", "at most 100"),
    ("keeping", {"lock_minutes": "-5"}, "lock_minutes", "a whole number from 2 to 120"),
    ("directory", {"activity_fresh_days": "3"}, "activity_fresh_days", "from 7 to 730"),
    ("teams", {"teams": "x" * 61}, "teams", "at most 60 characters"),
    ("check-ins", {"check_ins-occasions-2-due": "1"}, "check_ins-occasions-2-due", "opens on day 35, asks on 1"),
    (
        "check-ins",
        {"check_ins-occasions-2-opens": "3"},
        "check_ins-occasions-2-opens",
        "before the one above it closes on day 14",
    ),
    (
        "check-ins",
        {"check_ins-occasions-1-occasion": "review"},
        "check_ins-occasions-1-opens",
        "Only the first check-in",
    ),
    (
        "check-ins",
        {"check_ins-occasions-2-occasion": "baseline"},
        "check_ins-occasions-1-occasion",
        "There can be only one of it",
    ),
    ("check-ins", {"check_ins-occasions-2-scales": None}, "check_ins-occasions-2-scales", "at least one scale"),
    ("check-ins", {"check_ins-occasions-2-due": "soon"}, "check_ins-occasions-2-due", "from -60 to 1100"),
    ("check-ins", {"check_ins-reminder-1": "1"}, "check_ins-reminder-1", "from 2 to 60"),
    ("check-ins", {"check_ins-most_asks": "0"}, "check_ins-most_asks", "from 1 to 52"),
    (
        "check-ins",
        {"check_ins-occasions-2-or_planned_end": "y"},
        "check_ins-occasions-3-or_planned_end",
        "Only one check-in",
    ),
]


def test_what_cannot_be_is_said_at_its_field_and_everything_typed_stays(
    running: InspectedClient, store: Session, service: Service
) -> None:
    before = kept(store, service)
    for code, typed, field, sentence in WRONG:
        shown = keep(running, code, typed)
        assert shown.status_code == 422, (code, typed)
        assert f"#{field}" in hrefs(shown), (code, typed, [one for one in hrefs(shown) if one.startswith("#")])
        assert sentence in words_of(shown), (code, typed, words_of(shown)[:600])
        there = fields_of(shown, f"/staff/set-up/{code}")
        for name, value in typed.items():
            was_typed = [] if value is None else [value] if isinstance(value, str) else value
            still = there.get(name, [])
            still = [still] if isinstance(still, str) else still
            if name != "languages" and value != "never":  # what is not offered cannot be shown as chosen
                assert still == [one.replace("\x00", "") for one in was_typed], (code, name)
    assert kept(store, service) == before


def test_a_setting_is_never_worded_for_developers_on_a_page(running: InspectedClient) -> None:
    for code, typed, *_ in WRONG:
        said = words_of(keep(running, code, typed))
        assert " must be " not in said, (code, typed)
        assert " must have " not in said, (code, typed)


def test_a_page_that_does_not_exist_is_not_there(running: InspectedClient) -> None:
    assert running.get("/staff/set-up/nothing").status_code == 404
    assert running.get("/staff/set-up/texts/nothing/en").status_code == 404
    assert running.get("/staff/set-up/texts/definition/tlh").status_code == 404


# Two at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_of_two_who_save_a_page_the_second_sees_both_and_nothing_is_lost(
    running: InspectedClient, store: Session, service: Service, boss: Member
) -> None:
    address = "/staff/set-up/promise"
    mine = fields_of(running.get(address), address) | {"promise_working_days": "9"}
    services.change(store, boss.actor, {"promise_working_days": 3})
    store.commit()
    late = running.post(address, data=mine)
    assert late.status_code == 409
    assert "Somebody else has changed this page meanwhile" in words_of(late)
    assert "Working days until we get in touch 3" in words_of(late)
    again = fields_of(late, address)
    assert again["promise_working_days"] == "9"
    assert kept(store, service).promise_working_days == 3
    assert running.post(address, data=again).status_code == 303
    assert kept(store, service).promise_working_days == 9


def test_another_page_changed_meanwhile_stands_in_nobodys_way(
    running: InspectedClient, store: Session, service: Service, boss: Member
) -> None:
    address = "/staff/set-up/promise"
    mine = fields_of(running.get(address), address) | {"promise_working_days": "9"}
    services.change(store, boss.actor, {"minimum_age": 16}, name="Another name")
    store.commit()
    assert running.post(address, data=mine).status_code == 303
    assert (kept(store, service).promise_working_days, kept(store, service).minimum_age) == (9, 16)


# What was changed ----------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_what_was_changed_is_told_with_who_and_when_old_and_new(
    running: InspectedClient, store: Session, service: Service
) -> None:
    keep(running, "promise", {"promise_working_days": "3"})
    keep(running, "promise", {"promise_working_days": "4"})
    keep(running, "contact", {"phone": "01234 999999"})
    said = words_of(running.get("/staff/set-up/changes"))
    assert "Rosa Marchetti" in said
    assert "Working days until we get in touch Before 3 Now 4" in said
    assert "999999" not in said
    assert "it may be somebody’s own" in said
    details = [event.details for event in store.scalars(select(AuditEvent).where(AuditEvent.act == "changed service"))]
    store.rollback()
    assert "999999" not in str(details)


def test_a_long_list_of_changes_has_pages(running: InspectedClient, store: Session, boss: Member) -> None:
    for days in range(1, 31):
        services.change(store, boss.actor, {"promise_working_days": days})
        services.change(store, boss.actor, {"minimum_age": days})
    store.commit()
    newest = running.get("/staff/set-up/changes")
    older = next(one for one in hrefs(newest) if "before=" in one)
    assert "Before 29 Now 30" in words_of(newest)
    oldest = running.get(older)
    assert "Before 29 Now 30" not in words_of(oldest)
    assert "The service was made" in words_of(oldest)
    assert running.get("/staff/set-up/changes?before=nothing").status_code == 200


# Before the service opens --------------------------------------------------------------------------------------------


def test_a_new_service_is_told_what_is_missing_until_nothing_is(
    running: InspectedClient, store: Session, service: Service, boss: Member
) -> None:
    said = words_of(running.get("/staff/set-up"))
    assert "Before you open" in said
    assert "A manager has joined" in said
    assert "An administrator has joined" not in said
    manager = staff_member(store, service, Role.MANAGER)
    worker = staff_member(store, service)
    services.set_duty(store, manager.actor, "duty", worker.actor.staff_id, MORNING)
    for place in ("responsible", "lawful-basis"):
        texts.write(store, boss.actor, place, "en", "The Charity, 1 Made Up Street.", number=0)
    store.commit()
    for code, typed in (
        ("contact", {"phone": "01234 567890"}),
        *((group, {}) for group in ("hours", "promise", "area", "alerts")),
    ):
        keep(running, code, typed)
    said = words_of(running.get("/staff/set-up"))
    assert "Nothing is missing" in said
    assert "Before you open" not in said
    assert "Local help in a crisis is named" in said


# Practices -----------------------------------------------------------------------------------------------------------


def test_a_practice_is_found_by_name_without_losing_what_was_typed(
    running: InspectedClient, store: Session, service: Service
) -> None:
    store.add(Practice(service_id=service.id, code="D81044", name="The Quays Surgery", name_key="the quays surgery"))
    store.commit()
    address = "/staff/set-up/area"
    typed = fields_of(running.get(address), address) | {"outcodes": "PE27", "practices-find": "quays", "go": "find"}
    shown = running.post(address, data=typed)
    assert "D81044 The Quays Surgery" in words_of(shown)
    again = fields_of(shown, address)
    assert again["outcodes"] == "PE27"
    assert running.post(address, data=again | {"practices-add": ["D81044"]}).status_code == 303
    assert kept(store, service).practices == ("D81044",)
    assert "The Quays Surgery" in words_of(running.get(address))
    nothing = running.post(address, data=typed | {"practices-find": "zzz", "was": again["was"]})
    assert "No practice with this name" in words_of(nothing)


@pytest.mark.parametrize(
    ("outcode", "practice", "fits"),
    [("PE27", None, "yes"), ("AB10", "D81044", "yes"), ("AB10", "D99999", "no"), ("AB10", None, "unsure")],
)
def test_somebody_is_outside_only_when_neither_home_nor_practice_fits(
    outcode: str, practice: str | None, fits: str
) -> None:
    both = services.read_settings({"outcodes": ["PE27"], "practices": ["D81044"]})
    assert both.fits_area(outcode, practice) == fits
    assert ServiceSettings().fits_area("AB10") == "yes"
    assert services.read_settings({"outcodes": ["PE27"]}).fits_area("AB10") == "no"


# Colour and logo -----------------------------------------------------------------------------------------------------


def test_a_colour_that_is_too_light_is_refused_with_its_contrast_and_the_nearest_that_works(
    running: InspectedClient, store: Session, service: Service
) -> None:
    address = "/staff/set-up/look"
    typed = fields_of(running.get(address), address) | {"brand_colour": "#5aa0d0"}
    shown = running.post(address, data=typed)
    assert shown.status_code == 422
    said = words_of(shown)
    nearest = services.brand.nearest("#5aa0d0")
    assert "is 2.7 to 1, and 4.5 to 1 is needed" in said
    assert nearest in said
    assert fields_of(shown, address)["brand_colour"] == "#5aa0d0"
    assert running.post(address, data=typed | {"brand_colour": nearest}).status_code == 303
    assert kept(store, service).brand_colour == nearest
    assert nearest in running.get("/brand.css").get_data(as_text=True)


def _bring(client: InspectedClient, file: bytes, name: str = "logo.png") -> TestResponse:
    token = fields_of(client.get("/staff/set-up/look"), "/logo")["csrf_token"]
    return client.post(
        "/staff/set-up/look/logo",
        data={"csrf_token": token, "logo": (io.BytesIO(file), name)},
        content_type="multipart/form-data",
    )


def test_a_logo_is_drawn_anew_and_loads_on_wide_screens_only(
    app: Flask, running: InspectedClient, store: Session, service: Service
) -> None:
    from tests.pictures import chunk

    secret = chunk(b"tEXt", b"Author\x00Rosa, 1 Home Street")
    assert _bring(running, a_picture(40, 20, more=secret)).location == "/staff/set-up/look?done=logo"
    served = running.get("/logo.png")
    assert (served.status_code, served.mimetype) == (200, "image/png")
    assert served.get_data() == services.brand.drawn_anew(a_picture(40, 20))
    assert b"Home Street" not in served.get_data()
    sheet = running.get("/brand.css").get_data(as_text=True)
    assert sheet.index("@media(min-width:48em)") < sheet.index("/logo.png")
    assert "/logo.png" not in running.get("/").get_data(as_text=True)
    assert "/brand.css" in running.get("/").get_data(as_text=True)
    page = fields_of(running.get("/staff/set-up/look"), "/logo/remove")
    assert running.post("/staff/set-up/look/logo/remove", data=page).status_code == 303
    assert running.get("/logo.png").status_code == 404
    assert running.get("/brand.css").status_code == 404


def test_a_picture_that_cannot_be_a_logo_says_why(running: InspectedClient, store: Session, service: Service) -> None:
    for file, sentence in (
        (b"", "Choose a picture first"),
        (b"<svg onload='alert(1)'/>", "Its name ends in .png"),
        (a_picture(1001, 1), "1000 dots wide and high"),
        (a_picture() + b"x" * 60_000, "60 kilobytes"),
    ):
        shown = _bring(running, file)
        assert shown.status_code == 422
        assert sentence in words_of(shown)
        assert "#logo" in hrefs(shown)
    assert kept(store, service).logo == ""


def test_a_file_is_refused_everywhere_else(running: InspectedClient) -> None:
    address = "/staff/set-up/teams"
    token = fields_of(running.get(address), address)["csrf_token"]
    for where, name in ((address, "teams"), ("/staff/set-up/look/logo", "other")):
        data = {"csrf_token": token, name: (io.BytesIO(a_picture()), "logo.png")}
        assert running.post(where, data=data, content_type="multipart/form-data").status_code == 400
    assert running.post(f"{address}x", data={"csrf_token": token}).status_code == 404


def test_a_page_that_was_open_too_long_keeps_what_was_typed_and_saves_nothing(
    running: InspectedClient, store: Session, service: Service
) -> None:
    before = kept(store, service)
    for found in GROUPS:
        address = f"/staff/set-up/{found.code}"
        typed = fields_of(running.get(address), address) | {"csrf_token": "dead"}
        shown = running.post(address, data=typed)
        assert shown.status_code == 422, found.code
        assert "This page was open for a long time" in words_of(shown)
    assert running.head("/staff/set-up/look").status_code == 200
    assert kept(store, service) == before
