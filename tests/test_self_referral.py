"""The self-referral as it is declared: what is asked of whom, what must be answered, and what the room works out."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock, codes, referrals
from portal.access import Role
from portal.journeys import LEFT_BLANK, Kind
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people import SHARING
from portal.store import Draft, Service, TurnedAway
from portal.web.questions import INPUT
from tests.staffed import a_colleague, a_service
from tests.world import a_draft

DAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def here(store: Session) -> Service:
    service = a_service(store, minimum_age=18, outcodes=["AB10", "AB11"])
    a_colleague(store, service, Role.MANAGER)
    return service


def asked(**answers: object) -> set[str]:
    """The pages on the path of these answers."""
    return {step.slug for step in SELF_REFERRAL.path(answers)}


# What is asked -------------------------------------------------------------------------------------------------------

ALWAYS = {
    "who-for", "where-you-live", "name", "safe-contact", "language-and-access", "what-matters", "urgent", "gp",
    "sharing",
}  # fmt: skip


def test_everybody_is_asked_these_and_one_who_refers_themselves_nothing_else() -> None:
    assert asked() == ALWAYS
    assert asked(referring_for="me") == ALWAYS


@pytest.mark.parametrize("who", ["me-with-help", "someone-who-agrees"])
def test_where_there_is_a_helper_they_are_asked_about(who: str) -> None:
    assert asked(referring_for=who) - ALWAYS == {"helper", "sharing-with-helper"}


@pytest.mark.parametrize(
    ("way", "pages"),
    [
        ("call", {"phone"}),
        ("text", {"phone"}),
        ("email", {"email"}),
        ("post", {"letters"}),
        ("through-person", {"someone-you-trust"}),
        ("come-back", {"meeting-place"}),
    ],
)
def test_each_safe_way_asks_what_it_needs_and_nothing_more(way: str, pages: set[str]) -> None:
    assert asked(safe_ways=[way]) - ALWAYS == pages


@pytest.mark.parametrize("fits", [{"fits_age": "no"}, {"fits_age_by_day": "no"}, {"fits_area": "no"}])
def test_whoever_is_outside_is_told_who_could_help(fits: dict[str, str]) -> None:
    assert asked(**fits) - ALWAYS == {"who-could-help"}


def test_the_whole_date_is_asked_only_when_the_year_leaves_it_open() -> None:
    assert "full-date-of-birth" in asked(fits_age="unsure")
    assert "full-date-of-birth" not in asked(fits_age="yes") | asked(fits_age="no")


def test_only_what_nobody_can_do_without_must_be_answered() -> None:
    always = {step.slug for step in SELF_REFERRAL.steps} & ALWAYS
    must = {one.code for step in SELF_REFERRAL.steps if step.slug in always for one in step.questions if one.required}
    assert must == {"referring_for", "date_of_birth", "first_name", "safe_ways", "spoken_language"}
    assert not any(question.required for question in ABOUT_YOU.questions)


def test_nobody_needs_an_email_a_phone_or_an_address() -> None:
    without = asked(referring_for="me", safe_ways=["come-back"])
    questions = [one for step in SELF_REFERRAL.steps if step.slug in without for one in step.questions if one.required]
    assert not {one.kind for one in questions} & {Kind.EMAIL, Kind.PHONE, Kind.POSTCODE}


def test_safety_is_asked_with_its_english_beneath_and_nothing_is_ticked_before() -> None:
    assert SELF_REFERRAL.question("urgency").safety
    for code in SHARING:
        assert SELF_REFERRAL.question(code).safety
        assert not SELF_REFERRAL.question(code).prefilled
    prefilled = [question.code for question in SELF_REFERRAL.questions if question.prefilled]
    assert prefilled == ["spoken_language"]


def test_an_answer_that_raises_an_alert_is_marked_as_safety_critical() -> None:
    for question in (*SELF_REFERRAL.questions, *ABOUT_YOU.questions):
        for choice in question.choices:
            assert bool(choice.alert) == choice.safety, f"{question.code}: {choice.code}"


def test_every_one_line_question_can_be_drawn() -> None:
    lines = {one.kind for one in (*SELF_REFERRAL.questions, *ABOUT_YOU.questions)}
    assert lines - set(INPUT) <= {Kind.ONE_OF, Kind.SOME_OF, Kind.LANGUAGE, Kind.LONG_TEXT}


def test_names_are_as_long_as_the_record_standard_and_words_as_long_as_promised() -> None:
    assert SELF_REFERRAL.question("first_name").longest == SELF_REFERRAL.question("family_name").longest == 35
    assert SELF_REFERRAL.question("what_matters").longest == 4000


# What the room works out ---------------------------------------------------------------------------------------------


def kept(store: Session, here: Service, slug: str, draft: Draft | None = None, **raw: object) -> Draft:
    draft = draft or referrals.begin(store, here, "en", codes.new_key())
    step = SELF_REFERRAL.step(slug)
    assert step
    return referrals.keep(store, here, draft, step, raw, "en").draft


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("born", "age", "area", "postcode"),
    [
        ("23 11 2008", "yes", "yes", "AB10 1AB"),
        ("24 11 2008", "no", "yes", "ab111aa"),
        ("2007", "yes", "no", "AB12 1AB"),
        ("2008", "unsure", "no", "ZE1 0AA"),
        ("2009", "no", "yes", "AB10 1AB"),
    ],
)
def test_age_and_area_are_worked_out_for_this_service(
    store: Session, here: Service, born: str, age: str, area: str, postcode: str
) -> None:
    with clock.at(DAY):
        draft = kept(store, here, "where-you-live", date_of_birth=born, postcode=postcode)
    assert (draft.answers["fits_age"], draft.answers["fits_area"]) == (age, area)


@pytest.mark.parametrize(("day", "fits"), [("23 11 2008", "yes"), ("24 11 2008", "no")])
def test_the_whole_date_decides_where_the_year_could_not(store: Session, here: Service, day: str, fits: str) -> None:
    with clock.at(DAY):
        draft = kept(store, here, "where-you-live", date_of_birth="2008", postcode="AB10 1AB")
        kept(store, here, "full-date-of-birth", draft, full_date_of_birth=day)
        assert draft.answers["fits_age_by_day"] == fits
        assert ("who-could-help" in asked(**draft.answers)) is (fits == "no")


def test_a_changed_date_leaves_nothing_of_the_old_one(store: Session, here: Service) -> None:
    with clock.at(DAY):
        draft = kept(store, here, "where-you-live", date_of_birth="2008", postcode="ZE1 0AA")
        kept(store, here, "full-date-of-birth", draft, full_date_of_birth="24 11 2008")
        kept(store, here, "where-you-live", draft, date_of_birth="1965", no_fixed_address=["yes"])
    assert (draft.answers["fits_age"], draft.answers["fits_area"]) == ("yes", "yes")
    assert "fits_age_by_day" not in draft.answers
    assert "full_date_of_birth" not in draft.answers
    assert draft.answers["postcode"] is None


def test_a_service_without_an_area_takes_everybody(store: Session) -> None:
    service = a_service(store, "everywhere")
    draft = kept(store, service, "where-you-live", date_of_birth="1965", postcode="ZE1 0AA")
    assert draft.answers["fits_area"] == "yes"


def test_whose_practice_may_belong_to_us_is_not_sent_elsewhere_for_the_postcode(store: Session) -> None:
    service = a_service(store, "practices", outcodes=["AB10"], practices=["D81044"])
    draft = kept(store, service, "where-you-live", date_of_birth="1965", postcode="ZE1 0AA")
    assert draft.answers["fits_area"] == "unsure"
    assert "who-could-help" not in asked(**draft.answers)


def test_the_turned_away_are_counted_once_a_form_by_month_and_reason(store: Session, here: Service) -> None:
    with clock.at(DAY):
        for _ in range(2):
            draft = kept(store, here, "where-you-live", date_of_birth="2015", postcode="AB10 1AB")
            kept(store, here, "where-you-live", draft, date_of_birth="1965", postcode="ZE1 0AA")
            kept(store, here, "where-you-live", draft, date_of_birth="2015", postcode="ZE1 0AA")
    rows = {(row.month.isoformat(), row.reason): row.count for row in store.scalars(select(TurnedAway))}
    assert rows == {("2026-11-01", "age"): 2, ("2026-11-01", "area"): 2}


def test_what_was_shown_and_left_blank_is_not_what_was_never_asked(store: Session, here: Service) -> None:
    draft = a_draft(store, here, "gp")
    assert draft.answers["gp_registered"] == LEFT_BLANK
    assert draft.answers["gp_practice"] is None
    assert "share_gp" not in draft.answers
    assert "email" not in draft.answers
