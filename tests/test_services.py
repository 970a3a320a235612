import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal import audit, clock, services
from portal.access import Refused, Role
from portal.services import BadDuty, BadService, BadSettings, NobodyThere, ServiceSettings, read_settings
from portal.services.brand import contrast
from portal.services.checked import _READ
from tests.pictures import a_picture
from tests.staffed import a_colleague, a_service, acting

LONDON = ZoneInfo("Europe/London")
ALWAYS = {day: [["00:00", "24:00"]] for day in services.WEEKDAYS}


def london(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LONDON)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_service_that_says_nothing_has_every_default() -> None:
    assert read_settings({}) == ServiceSettings()
    assert [span.opens.hour for span in ServiceSettings().opening_hours["monday"]] == [9]
    assert ServiceSettings().opening_hours["sunday"] == ()


def test_every_setting_has_a_reader_and_every_reader_a_setting() -> None:
    assert set(_READ) == set(ServiceSettings.__dataclass_fields__)


GOOD: dict[str, Any] = {
    "phone": "01234 567890",
    "email": "hello@Charity.example",
    "opening_hours": {"monday": [["13:00", "17:00"], ["09:00", "12:30"]], "saturday": [["22:00", "02:00"]]},
    "closed_days": ["2026-12-25", "2026-12-28"],
    "promise_working_days": 3,
    "alert_minutes": {"duty": 45, "deputy": 20, "manager": 15},
    "out_of_hours": "on-call",
    "outcodes": ["pe27", "PE28 ", "PE27"],
    "minimum_age": 16,
    "languages": ["cy", "ur"],
    "helplines": [{"name": "Samaritans", "phone": "116 123"}],
    "who_could_help": [{"name": "Your council", "words": "They know every group near you."}],
    "decline_reasons": ["other", {"code": "no-interpreter", "label": "No interpreter"}],
    "brand_colour": "#005A8C",
    "exit_url": "https://www.example.org/weather",
    "lock_minutes": 15,
    "draft_days": 14,
    "check_ins": {
        "occasions": [
            {"occasion": "baseline", "opens": -14, "due": 0, "closes": 14, "scales": ["ons4", "goals", "ons4"]},
            {"occasion": "review", "opens": 14, "due": 20, "closes": 30, "scales": ["ons4"]},
            {"occasion": "review", "opens": 30, "due": 40, "closes": 50, "scales": ["who5"], "or_planned_end": True},
        ],
        "reminder_days": [5],
        "hand_over_days": 4,
        "least_days_between_asks": 21,
        "most_asks": 4,
        "per_days": 180,
    },
    "link_days": 7,
    "commissioned_by_nhs": True,
    "complaint_acknowledge_days": 2,
    "complaint_answer_days": 15,
    "contact_attempts": 4,
    "practices": ["d81044", "D81044", "Y01234"],
    "publish_activities": True,
    "activity_fresh_days": 90,
    "teams": ["North", "South"],
    "retention_years": 6,
    "retired_reasons": [{"code": "too-far", "label": "Too far away"}],
    "closure_reasons": ["died", {"code": "support-complete", "label": "All done"}],
    "logo": base64.b64encode(a_picture()).decode(),
}


def test_good_settings_are_read_as_they_are_meant() -> None:
    read = read_settings(GOOD)
    assert [span.opens.hour for span in read.opening_hours["monday"]] == [9, 13]
    assert read.email == "hello@charity.example"
    assert read.outcodes == ("PE27", "PE28")
    assert read.closed_days == {date(2026, 12, 25), date(2026, 12, 28)}
    assert read.helplines[0].phone == "116 123"
    assert [reason.status for reason in read.decline_reasons] == ["not-eligible", "not-eligible"]
    assert read.reason("no-interpreter") is read.decline_reasons[1]
    assert read.reason("duplicate") is None
    assert read.brand_colour == "#005a8c"
    assert [(one.occasion, one.number, one.scales) for one in read.check_ins.occasions] == [
        ("baseline", 1, ("ons4", "goals")),
        ("review", 1, ("ons4",)),
        ("review", 2, ("who5",)),
    ]
    assert [one.or_planned_end for one in read.check_ins.occasions] == [False, False, True]
    assert (read.check_ins.reminder_days, read.check_ins.most_asks, read.link_days) == ((5,), 4, 7)
    assert set(GOOD) == set(_READ), "give the new setting a good example here"


def test_what_is_emptied_is_empty() -> None:
    read = read_settings({"phone": " ", "email": "", "brand_colour": ""})
    assert (read.phone, read.email, read.brand_colour) == ("", "", None)


def test_drafts_are_offered_only_when_switched_on_by_name() -> None:
    read = read_settings({"languages": ["cy"]})
    assert [read.offers(code) for code in ("en", "cy", "ur", "xx")] == [True, True, False, False]


def an_occasion(**more: Any) -> dict[str, Any]:
    return {"occasion": "baseline", "opens": -14, "due": 0, "closes": 14, "scales": ["ons4"], **more}


BAD: list[tuple[str, Any, str]] = [
    ("phone", 1234, "must be text"),
    ("phone", "call me", "must be a phone number"),
    ("phone", "0" * 31, "at most 30"),
    ("email", "nobody", "must be an email address"),
    ("email", "a@b.example\r\nBcc: c@d.example", "must be an email address"),
    ("opening_hours", [], "must name days"),
    ("opening_hours", {"someday": []}, "must name days"),
    ("opening_hours", {}, "at least one time"),
    ("opening_hours", {"monday": []}, "at least one time"),
    ("opening_hours", {"monday": ["09:00"]}, "must be a list of at most 2"),
    ("opening_hours", {"monday": [["09:00"]]}, "pairs of times"),
    ("opening_hours", {"monday": [["9am", "17:00"]]}, "times such as 09:00, not '9am'"),
    ("opening_hours", {"monday": [["09:00", "25:00"]]}, "not '25:00'"),
    ("opening_hours", {"monday": [["09:00", "13:00"], ["12:00", "17:00"]]}, "overlap on Monday"),
    ("opening_hours", {"monday": [["09:00", "02:00"], ["12:00", "17:00"]]}, "overlap on Monday"),
    ("closed_days", "2026-12-25", "must be a list"),
    ("closed_days", ["25 December"], "dates such as 2026-12-25"),
    ("closed_days", [20261225], "dates such as 2026-12-25"),
    ("promise_working_days", 0, "from 1 to 30"),
    ("complaint_acknowledge_days", 0, "from 1 to 20"),
    ("complaint_answer_days", 131, "from 1 to 130"),
    ("promise_working_days", "5", "whole number"),
    ("promise_working_days", True, "whole number"),
    ("alert_minutes", {"duty": 60}, "each of: duty, deputy, manager"),
    ("alert_minutes", {"duty": 60, "deputy": 30, "manager": 100_000}, "from 5 to 480"),
    ("out_of_hours", "never", "next-opening, on-call"),
    ("outcodes", ["SW1A 1AA"], "not 'SW1A 1AA'"),
    ("outcodes", [27], "not 27"),
    ("minimum_age", -1, "from 0 to 120"),
    ("languages", ["xx"], "not 'xx'"),
    ("languages", [["cy"]], "not ['cy']"),
    ("helplines", [{"name": "Samaritans"}], "a phone number"),
    ("helplines", ["Samaritans"], "a name, a phone number and words"),
    ("who_could_help", [{"words": "Somebody"}], "a name"),
    ("who_could_help", [{"name": "x", "url": "y"}], "nothing else"),
    ("decline_reasons", [], "at least one reason"),
    ("decline_reasons", ["because"], "not 'because'"),
    ("decline_reasons", [{"code": "No!", "label": "x"}], "small letters"),
    ("decline_reasons", [{"code": "no", "label": " "}], "a label"),
    ("decline_reasons", [{"code": "no"}], "a code and a label"),
    ("decline_reasons", [{"code": "no", "label": "No", "status": "lost"}], "statuses out of"),
    ("brand_colour", "red", "such as #005a8c"),
    ("brand_colour", "#ffff00", "too light"),
    ("exit_url", "http://example.org", "https://"),
    ("exit_url", "https://me:pw@example.org", "https://"),
    ("exit_url", "https://[", "https://"),
    ("lock_minutes", 1, "from 2 to 120"),
    ("draft_days", 91, "from 1 to 90"),
    ("link_days", 15, "from 1 to 14"),
    ("contact_attempts", 0, "from 1 to 20"),
    ("practices", ["The Surgery"], "not 'The Surgery'"),
    ("publish_activities", "yes", "true or false"),
    ("activity_fresh_days", 3, "from 7 to 730"),
    ("teams", ["North", " "], "a name"),
    ("retention_years", 0, "from 1 to 30"),
    ("check_ins", [], "must have for the plan"),
    ("check_ins", {"reminders": 9}, "and nothing else"),
    ("check_ins", {"reminder_days": [3, 3, 3]}, "(reminder_days) must be a list of at most 2"),
    ("check_ins", {"reminder_days": [1]}, "(reminder_days) must be a whole number from 2 to 60"),
    ("check_ins", {"hand_over_days": 0}, "(hand_over_days) must be a whole number from 1 to 60"),
    ("check_ins", {"least_days_between_asks": 0}, "from 1 to 365"),
    ("check_ins", {"most_asks": 53}, "from 1 to 52"),
    ("check_ins", {"per_days": 6}, "from 7 to 730"),
    ("check_ins", {"occasions": {}}, "(occasions) must be a list of at most 12"),
    ("check_ins", {"occasions": ["baseline"]}, "for each check-in closes, due, occasion, opens, scales"),
    ("check_ins", {"occasions": [an_occasion(scale="ons4")]}, "and nothing else"),
    ("check_ins", {"occasions": [an_occasion(occasion="party")]}, "baseline, review, closure, follow-up"),
    ("check_ins", {"occasions": [an_occasion(occasion="review", opens=0)]}, "must begin with the baseline"),
    ("check_ins", {"occasions": [an_occasion(), an_occasion(opens=14, due=20, closes=30)]}, "and have one only"),
    ("check_ins", {"occasions": [an_occasion(due="soon")]}, "a whole number from -60 to 1100"),
    ("check_ins", {"occasions": [an_occasion(closes=1101)]}, "a whole number from -60 to 1100"),
    ("check_ins", {"occasions": [an_occasion(opens=1)]}, "not 1, 0, 14"),
    ("check_ins", {"occasions": [an_occasion(closes=0)]}, "not -14, 0, 0"),
    ("check_ins", {"occasions": [an_occasion(due=-1)]}, "before the referral is accepted"),
    ("check_ins", {"occasions": [an_occasion(), an_occasion(occasion="review")]}, "before the referral is accepted"),
    (
        "check_ins",
        {"occasions": [an_occasion(closes=1), an_occasion(occasion="review", opens=0)]},
        "day 0, before the one before it closes",
    ),
    ("check_ins", {"occasions": [an_occasion(occasion="review", opens=-1)]}, "before the referral is accepted"),
    ("check_ins", {"occasions": [an_occasion(or_planned_end="yes")]}, "true or false for or_planned_end"),
    ("check_ins", {"occasions": [an_occasion(or_planned_end=True)]}, "never true for the baseline"),
    (
        "check_ins",
        {
            "occasions": [
                an_occasion(),
                an_occasion(occasion="review", opens=14, due=20, closes=30, or_planned_end=True),
                an_occasion(occasion="closure", opens=30, due=40, closes=50, or_planned_end=True),
            ]
        },
        "bring one check-in forward",
    ),
    ("check_ins", {"occasions": [an_occasion(scales=[])]}, "at least one scale"),
    ("check_ins", {"occasions": [an_occasion(scales=["happiness"])]}, "not 'happiness'"),
    ("check_ins", {"occasions": [an_occasion(scales=[["ons4"]])]}, "not ['ons4']"),
    ("check_ins", {"occasions": [an_occasion(scales=["fft"])]}, "not 'fft'"),
    ("check_ins", {"occasions": [an_occasion(scales=["gas"])]}, "not 'gas'"),
    ("alerts_off", True, "is not a setting"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_a_bad_setting_is_refused_with_a_sentence_that_says_what_to_do(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings({name: value})
    assert list(refused.value.problems) == [name]
    assert sentence in refused.value.problems[name]
    assert refused.value.problems[name].startswith(name)
    assert refused.value.problems[name].endswith(".")


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings({"phone": 1, "minimum_age": "x", "outcodes": ["PE27"]})
    assert set(refused.value.problems) == {"phone", "minimum_age"}


def test_contrast_is_the_published_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#ffffff") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # WCAG's well-known lightest grey


# --- hours ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [(2026, 1, 12), (2026, 7, 13)], ids=["winter", "summer"])
def test_nine_to_five_is_nine_to_five_in_winter_and_in_summer(day: tuple[int, int, int]) -> None:
    nine_to_five = ServiceSettings()
    assert not services.is_open(nine_to_five, london(*day, 8, 59))
    assert services.is_open(nine_to_five, london(*day, 9))
    assert services.is_open(nine_to_five, london(*day, 16, 59))
    assert not services.is_open(nine_to_five, london(*day, 17))


def test_after_friday_comes_monday_and_after_a_closed_monday_tuesday() -> None:
    friday_evening = london(2026, 11, 27, 18)
    assert services.next_opening(ServiceSettings(), friday_evening) == london(2026, 11, 30, 9)
    closed = read_settings({"closed_days": ["2026-11-30"]})
    assert services.next_opening(closed, friday_evening) == london(2026, 12, 1, 9)


def test_an_open_service_opens_next_at_this_very_moment() -> None:
    noon = london(2026, 11, 27, 12)
    assert services.next_opening(ServiceSettings(), noon) == noon


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    nights = read_settings({"opening_hours": {"saturday": [["22:00", "02:00"]]}, "closed_days": ["2026-12-05"]})
    assert services.is_open(nights, london(2026, 11, 29, 1))  # early on Sunday
    assert not services.is_open(nights, london(2026, 11, 29, 2))
    assert not services.is_open(nights, london(2026, 12, 5, 23))  # the closed Saturday
    assert not services.is_open(nights, london(2026, 12, 6, 1))  # and its night
    assert services.next_opening(nights, london(2026, 11, 29, 2)) == london(2026, 12, 12, 22)


def test_minutes_are_counted_only_while_open() -> None:
    nine_to_five = ServiceSettings()
    assert services.after_open_minutes(nine_to_five, london(2026, 11, 27, 16), 60) == london(2026, 11, 27, 17)
    assert services.after_open_minutes(nine_to_five, london(2026, 11, 27, 16, 30), 60) == london(2026, 11, 30, 9, 30)
    assert services.after_open_minutes(nine_to_five, london(2026, 11, 28, 12), 60) == london(2026, 11, 30, 10)
    assert services.after_open_minutes(nine_to_five, london(2026, 11, 27, 16), 8 * 60 + 61) == london(2026, 12, 1, 9, 1)


def test_the_hour_that_spring_leaves_out_is_not_waited_for() -> None:
    nights = read_settings({"opening_hours": {"saturday": [["23:00", "04:00"]]}})
    spring, autumn = london(2026, 3, 28, 23), london(2026, 10, 24, 23)
    closes_in_spring = services.after_open_minutes(nights, spring, 4 * 60)
    closes_in_autumn = services.after_open_minutes(nights, autumn, 6 * 60)
    assert closes_in_spring == london(2026, 3, 29, 4)  # five hours on the wall, four to wait
    assert closes_in_autumn == london(2026, 10, 25, 4)  # five on the wall, six to wait


def test_a_span_inside_the_hour_that_spring_leaves_out_harms_nothing() -> None:
    odd = read_settings({"opening_hours": {"sunday": [["01:30", "02:15"]]}})
    assert services.open_on(odd, date(2026, 3, 29)) == []
    assert services.next_opening(odd, london(2026, 3, 29)) == london(2026, 4, 5, 1, 30)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda each: each.replace(tzinfo=UTC))


@given(start=MOMENTS, minutes=st.integers(0, 5000))
def test_a_service_that_never_closes_counts_every_minute(start: datetime, minutes: int) -> None:
    always = read_settings({"opening_hours": ALWAYS})
    assert services.is_open(always, start)
    assert services.after_open_minutes(always, start, minutes) == start + timedelta(minutes=minutes)


@given(
    start=MOMENTS.map(lambda each: each.replace(second=0, microsecond=0)),
    minutes=st.integers(1, 600),
    opens=st.integers(3, 20),
    closes=st.integers(3, 23),
    days=st.sets(st.sampled_from(services.WEEKDAYS), min_size=1),
    closed=st.integers(0, 6),
)
def test_counting_minutes_agrees_with_watching_the_clock_on_the_wall(
    start: datetime, minutes: int, opens: int, closes: int, days: set[str], closed: int
) -> None:
    shut = (start + timedelta(days=closed)).astimezone(LONDON).date()
    settings = read_settings(
        {
            "opening_hours": {day: [[f"{opens:02}:00", f"{closes:02}:00"]] for day in days},
            "closed_days": [shut.isoformat()],
        }
    )

    def watched(moment: datetime) -> bool:
        wall = moment.astimezone(LONDON)
        day = wall.date() if closes > opens or wall.hour >= opens else wall.date() - timedelta(days=1)
        inside = opens <= wall.hour < closes if closes > opens else wall.hour >= opens or wall.hour < closes
        return inside and services.WEEKDAYS[day.weekday()] in days and day != shut

    moment, left = start, minutes
    while left:
        assert services.is_open(settings, moment) == watched(moment)
        if watched(moment):
            left -= 1
            moment += timedelta(minutes=1)
        else:  # hurry to the next full hour: nothing opens in between
            moment += timedelta(minutes=60 - moment.minute)
    assert services.after_open_minutes(settings, start, minutes) == moment


def test_the_promise_names_the_end_of_the_nth_working_day() -> None:
    five = ServiceSettings()
    assert services.promise_due(five, london(2026, 11, 27, 16)) == london(2026, 12, 4, 17)  # Friday to Friday
    assert services.promise_due(five, london(2026, 11, 29, 3)) == london(2026, 12, 4, 17)  # from Sunday too
    christmas = read_settings({"closed_days": ["2026-12-25", "2026-12-28", "2027-01-01"]})
    assert services.promise_due(christmas, london(2026, 12, 24, 10)) == london(2027, 1, 5, 17)


def test_the_promise_keeps_its_hour_when_clocks_change() -> None:
    due = services.promise_due(ServiceSettings(), london(2026, 3, 26, 12))
    assert due == datetime(2026, 4, 2, 16, tzinfo=UTC)
    assert due.astimezone(LONDON).hour == 17


def test_the_promise_counts_days_in_london() -> None:
    late_in_summer = datetime(2026, 7, 12, 23, 30, tzinfo=UTC)  # half past midnight on Monday there
    one_day = read_settings({"promise_working_days": 1})
    assert services.promise_due(one_day, late_in_summer) == london(2026, 7, 14, 17)


@pytest.mark.parametrize("closes", ["24:00", "02:00"])
def test_the_promise_never_names_the_day_after(closes: str) -> None:
    late = read_settings({"opening_hours": {"monday": [["12:00", closes]]}, "promise_working_days": 1})
    assert services.promise_due(late, london(2026, 11, 27)).astimezone(LONDON).date() == date(2026, 11, 30)


def test_an_alert_waits_for_opening_or_runs_all_night_as_the_service_has_decided() -> None:
    saturday = london(2026, 11, 28, 12)
    waits, runs = ServiceSettings(), read_settings({"out_of_hours": "on-call"})
    assert services.alert_due(waits, saturday, "duty") == london(2026, 11, 30, 10)
    assert services.alert_due(runs, saturday, "duty") == london(2026, 11, 28, 13)
    assert services.alert_starts(waits, saturday) == london(2026, 11, 30, 9)
    assert services.alert_starts(runs, saturday) == saturday


# --- services ---------------------------------------------------------------------------------------------------------


def test_a_service_is_found_by_its_short_name_and_the_first_without_one(store: Session) -> None:
    assert services.find(store) is None
    first = a_service(store, "here")
    second = a_service(store, "there", phone="01234 567890")
    assert services.find(store) is first
    assert services.find(store, "there") is second
    assert services.find(store, "nowhere") is None
    assert list(services.all_services(store)) == [first, second]
    assert services.settings_of(second).phone == "01234 567890"


def test_a_short_name_must_fit_in_an_address(store: Session) -> None:
    for slug in ("", "Here", "a b", "a--b", "-a", "a/b", "x" * 61):
        with pytest.raises(BadService, match="small letters"):
            services.create(store, slug, "A name")


def test_two_services_cannot_share_a_short_name_nor_have_no_name(store: Session) -> None:
    a_service(store, "here")
    with pytest.raises(BadService, match="already"):
        a_service(store, "here")
    with pytest.raises(BadService, match="name of at most"):
        services.create(store, "there", "  ")
    with pytest.raises(BadSettings):
        services.create(store, "there", "There", {"phone": "?"})


def test_a_manager_changes_settings_and_the_audit_tells_old_and_new_but_of_what_may_be_somebodys_own(
    store: Session,
) -> None:
    service = a_service(store, phone="01234 567890")
    manager = acting(a_colleague(store, service, Role.MANAGER))
    services.change(store, manager, {"phone": "01234 999999", "minimum_age": 16}, name="New  name")
    assert services.settings_of(service).phone == "01234 999999"
    assert service.name == "New name"
    services.change(store, manager, {"phone": None})
    assert services.settings_of(service).phone == ""
    store.flush()
    acts = [event for event in audit.history_of(store, service.id, service.id) if event.act == "changed service"]
    assert [event.details["changed"] for event in acts] == [["minimum_age", "phone", "name"], ["phone"]]
    assert acts[0].details["values"] == {"minimum_age": [None, 16], "name": ["Service here", "New name"]}
    assert "999999" not in str([event.details for event in acts])


def test_a_bad_change_changes_nothing(store: Session) -> None:
    service = a_service(store, phone="01234 567890")
    manager = acting(a_colleague(store, service, Role.MANAGER))
    with pytest.raises(BadSettings):
        services.change(store, manager, {"phone": "?"})
    assert services.settings_of(service).phone == "01234 567890"


@pytest.mark.parametrize("role", [Role.LINK_WORKER, Role.ANALYST])
def test_who_does_not_run_the_service_changes_neither_settings_nor_rota(store: Session, role: Role) -> None:
    service = a_service(store)
    actor = acting(a_colleague(store, service, role))
    doings: list[Callable[[], object]] = [
        lambda: services.change(store, actor, {}),
        lambda: services.set_duty(store, actor, "duty", actor.staff_id, clock.now()),
        lambda: services.end_duty(store, actor, actor.staff_id),
    ]
    for doing in doings:
        with pytest.raises(Refused):
            doing()


# --- rota -------------------------------------------------------------------------------------------------------------


def test_the_rota_decides_who_is_on_duty(store: Session) -> None:
    service = a_service(store)
    manager, ann, ben = (a_colleague(store, service, role) for role in (Role.MANAGER, *[Role.LINK_WORKER] * 2))
    start = clock.now()
    day = timedelta(days=1)
    always = services.set_duty(store, acting(manager), "duty", ann.id, start - day)
    tomorrow = services.set_duty(store, acting(manager), "duty", ben.id, start + day, start + 2 * day)
    assert services.holder(store, service.id, "duty", start) == ann.id
    assert services.holder(store, service.id, "duty", start + day) == ben.id  # the turn begun last
    assert services.holder(store, service.id, "duty", start + 2 * day) == ann.id
    assert list(services.rota(store, service.id)) == [always, tomorrow]
    services.end_duty(store, acting(manager), tomorrow.id)
    assert services.holder(store, service.id, "duty", start + day) == ann.id
    assert list(services.rota(store, service.id)) == [always]
    assert services.end_duty(store, acting(manager), always.id) is always
    ended_at = always.ends_at
    assert services.end_duty(store, acting(manager), always.id) is always  # ended already
    assert always.ends_at == ended_at
    assert services.holder(store, service.id, "duty", clock.now()) == manager.id


def test_without_a_rota_the_chain_ends_with_whoever_works_here(store: Session) -> None:
    service = a_service(store)

    def on_duty() -> object:
        return services.holder(store, service.id, "duty", clock.now())

    with pytest.raises(NobodyThere):
        on_duty()
    a_colleague(store, service, Role.MANAGER, state="left")
    with pytest.raises(NobodyThere):
        on_duty()
    analyst = a_colleague(store, service, Role.ANALYST)
    assert on_duty() == analyst.id
    worker = a_colleague(store, service, Role.LINK_WORKER)
    assert on_duty() == worker.id
    first_manager = a_colleague(store, service, Role.MANAGER)
    a_colleague(store, service, Role.MANAGER)
    assert on_duty() == first_manager.id
    services.set_duty(store, acting(first_manager), "deputy", worker.id, clock.now() - timedelta(hours=1))
    assert on_duty() == worker.id  # the next position up
    assert services.holder(store, service.id, "manager", clock.now()) == first_manager.id


def test_somebody_who_left_holds_nothing_although_the_rota_says_so(store: Session) -> None:
    service = a_service(store)
    manager, gone = a_colleague(store, service, Role.MANAGER), a_colleague(store, service)
    services.set_duty(store, acting(manager), "duty", gone.id, clock.now() - timedelta(hours=1))
    gone.state = "left"
    store.flush()
    assert services.holder(store, service.id, "duty", clock.now()) == manager.id


def test_a_bad_turn_is_refused_with_a_sentence(store: Session) -> None:
    service, other = a_service(store), a_service(store, "there")
    manager, worker = a_colleague(store, service, Role.MANAGER), a_colleague(store, service)
    gone, stranger = a_colleague(store, service, state="left"), a_colleague(store, other)
    analyst = a_colleague(store, service, Role.ANALYST)
    actor, start = acting(manager), clock.now()
    for position, staff, ends, sentence in (
        ("king", worker, None, "one of the positions"),
        ("duty", worker, start, "end after it starts"),
        ("duty", gone, None, "active link worker"),
        ("duty", stranger, None, "active link worker"),
        ("duty", analyst, None, "active link worker"),
        ("manager", worker, None, "active manager"),
    ):
        with pytest.raises(BadDuty, match=sentence):
            services.set_duty(store, actor, position, staff.id, start, ends)
    assert services.end_duty(store, actor, worker.id) is None


def test_a_service_takes_no_forms_without_a_manager(store: Session) -> None:
    service = a_service(store)
    a_colleague(store, service)
    assert not services.may_take_referrals(store, service)
    manager = a_colleague(store, service, Role.MANAGER)
    assert services.may_take_referrals(store, service)
    manager.state = "left"
    store.flush()
    assert not services.may_take_referrals(store, service)
