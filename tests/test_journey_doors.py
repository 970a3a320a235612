"""Whole journeys through the doors, as a visitor without JavaScript walks them; every page on the way is inspected."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import clock, codes, drafts, i18n, throttle
from portal.access import Role
from portal.journeys import LEFT_BLANK
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import (
    Alert,
    AlertEvent,
    AuditEvent,
    ContactWay,
    Draft,
    Message,
    Permission,
    Referral,
    Service,
    ServiceUser,
    Stores,
    TurnedAway,
)
from tests import staffed, visitor
from tests.visitor import Visitor

PROXY = "someone-who-agrees"


@pytest.fixture
def here(stores: Stores) -> Service:
    """A service that takes referrals."""
    with stores.writing.begin() as store:
        service = staffed.a_service(store, outcodes=["AB10"], minimum_age=18, phone="01632 960 123")
        staffed.a_colleague(store, service, Role.MANAGER)
        store.flush()
        store.expunge_all()
    return service


@pytest.fixture
def anna(app: Flask, here: Service) -> Visitor:
    """A visitor of that service."""
    return Visitor(app)


@pytest.fixture
def look(stores: Stores) -> Any:
    """Looks into the store: a context that gives a Session."""

    @contextmanager
    def looking() -> Iterator[Session]:
        with stores.reading() as store:
            yield store

    return looking


def count(look: Any, table: Any) -> int:
    with look() as store:
        return store.scalar(select(func.count()).select_from(table)) or 0


def only(look: Any, table: Any) -> Any:
    with look() as store:
        return store.scalars(select(table)).one()


# From the first page to the reference --------------------------------------------------------------------------------


def test_somebody_refers_themselves(anna: Visitor, look: Any) -> None:
    anna.open("/").carry_on()
    assert anna.here == "/refer/who-for"
    anna.refer().press()
    assert anna.here == "/refer/sent"
    referral = only(look, Referral)
    assert codes.show_reference(referral.reference) in anna.words
    assert referral.answers["what_matters"] == "I would like to meet people."
    assert referral.referrer_type == "self"
    assert count(look, Draft) == 0


def test_only_the_five_required_answers_and_a_need_are_enough(anna: Visitor, look: Any) -> None:
    anna.refer(
        family_name="",
        postcode="",
        no_fixed_address=["yes"],
        date_of_birth="1965",
        safe_ways=["come-back"],
        phone="",
        what_matters="",
    ).press()
    assert anna.here == "/refer/sent"
    person = only(look, ServiceUser)
    assert (person.first_name, person.family_name, person.born) == ("Zofia", None, "1965")
    assert only(look, Referral).answers["postcode"] is None
    way = only(look, ContactWay)
    assert (way.channel, way.address) == ("come-back", None)


def test_one_who_comes_back_themselves_receives_nothing(anna: Visitor, look: Any) -> None:
    anna.already(safe_ways=["come-back"]).press()
    with look() as store:
        sent = store.scalars(select(Message).where(Message.refusal.is_(None))).all()
    assert [message.template for message in sent if message.template == "referral-received"] == []


def test_with_help_the_helper_is_asked_about_and_what_they_may_hear(anna: Visitor, look: Any) -> None:
    anna.refer(referring_for="me-with-help", share_referrer="yes").press()
    referral = only(look, Referral)
    assert referral.answers["helper_name"] == "Sam Okoro"
    assert referral.referrer_type == "vcse"
    with look() as store:
        given = store.scalars(select(Permission)).all()
    assert {one.kind: (one.decision, one.given_by) for one in given if one.kind == "share_referrer"} == {
        "share_referrer": ("given", "person")
    }


def test_somebody_who_agrees_can_be_referred_by_another(anna: Visitor, look: Any) -> None:
    anna.already(referring_for=PROXY, share_gp="yes").press()
    assert only(look, Referral).answers["referring_for"] == PROXY
    with look() as store:
        given = store.scalars(select(Permission)).all()
    assert {one.given_by for one in given} == {"proxy"}


@pytest.mark.parametrize("filled_in_before", [False, True])
def test_of_somebody_who_does_not_know_nothing_is_kept(anna: Visitor, look: Any, filled_in_before: bool) -> None:
    if filled_in_before:
        anna.already(until="safe-contact", referring_for=PROXY)
        assert count(look, Draft) == 1
    anna.open("/refer/who-for").press(referring_for="someone-who-does-not-know")
    assert anna.here == "/refer/ask-them-first"
    assert anna.key is None
    for table in (Draft, Referral, ServiceUser, Alert, Message, TurnedAway):
        assert count(look, table) == 0, table.__name__


def test_one_who_does_not_know_yet_may_be_asked_and_the_form_begun_anew(anna: Visitor, look: Any) -> None:
    anna.open("/refer/who-for").press(referring_for="someone-who-does-not-know")
    anna.open("/refer/who-for").refer(referring_for=PROXY).press()
    assert count(look, Referral) == 1


@pytest.mark.parametrize(
    ("answers", "counted"),
    [
        ({"postcode": "ZE1 0AA"}, {"area"}),
        ({"date_of_birth": "1 2 2015"}, {"age"}),
        ({"postcode": "ZE1 0AA", "date_of_birth": "2016"}, {"area", "age"}),
    ],
)
def test_outside_area_or_age_is_no_dead_end(
    anna: Visitor, look: Any, answers: dict[str, str], counted: set[str]
) -> None:
    anna.refer(until="who-could-help", **answers)
    anna.press()
    assert anna.here == "/refer/name"
    anna.open("/refer/where-you-live").press()
    anna.refer(**answers).press()
    assert anna.here == "/refer/sent"
    with look() as store:
        turned = store.scalars(select(TurnedAway)).all()
    assert {(row.reason, row.count) for row in turned} == {(reason, 1) for reason in counted}
    assert not {"person_id", "draft_id", "referral_id"} & set(TurnedAway.__table__.columns.keys())


def test_a_year_alone_near_the_lowest_age_asks_for_the_day_and_takes_none(anna: Visitor, look: Any) -> None:
    year = str(clock.today().year - 18)
    anna.refer(until="full-date-of-birth", date_of_birth=year)
    anna.press()
    assert anna.here == "/refer/name"
    anna.open("/refer/full-date-of-birth").press(full_date_of_birth=f"31 12 {year}")
    expected = "who-could-help" if clock.today() < clock.today().replace(month=12, day=31) else "name"
    assert anna.here == f"/refer/{expected}"


def test_the_first_page_that_cannot_be_skipped_is_where_one_who_jumps_ahead_lands(anna: Visitor) -> None:
    assert anna.open("/refer/urgent").here == "/refer/who-for"
    assert anna.open("/refer/check-your-answers").here == "/refer/who-for"
    anna.refer(until="safe-contact")
    assert anna.open("/refer/sharing").here == "/refer/safe-contact"


def test_a_page_that_comes_too_early_is_kept_all_the_same(anna: Visitor, look: Any) -> None:
    token = anna.open("/refer/who-for").token
    anna.post("/refer/what-matters", {"csrf_token": token, "what_matters": "Written at once"})
    assert anna.here == "/refer/who-for"
    assert only(look, Draft).answers["what_matters"] == "Written at once"


def test_the_day_of_birth_sent_alone_is_kept_and_breaks_nothing(anna: Visitor) -> None:
    token = anna.open("/refer/who-for").token
    anna.post("/refer/full-date-of-birth", {"csrf_token": token, "full_date_of_birth": "27 3 1965"})
    assert anna.here == "/refer/who-for"
    assert anna.status == 200


# Back, Save, Change --------------------------------------------------------------------------------------------------


def test_back_keeps_what_was_typed_and_goes_one_page_back(anna: Visitor, look: Any) -> None:
    anna.already(until="what-matters")
    anna.press("back", what_matters="Half a sent")
    assert anna.here == "/refer/language-and-access"
    assert only(look, Draft).answers["what_matters"] == "Half a sent"
    anna.press("back").press("back").press("back")
    assert anna.here == "/refer/name"
    assert anna.fields()["first_name"] == "Zofia"


def test_back_from_the_first_page_leads_to_the_start(anna: Visitor) -> None:
    assert anna.open("/refer/who-for").press("back").here == "/"


def test_back_from_an_empty_page_scolds_nobody(anna: Visitor) -> None:
    anna.already(until="name").press("back", first_name="")
    anna.open("/refer/name")
    assert anna.status == 200
    assert anna.errors == []


def test_what_could_not_be_read_is_on_the_page_again_after_going_back(anna: Visitor) -> None:
    anna.already(until="phone").press("back", phone="07700 nine")
    assert anna.here == "/refer/safe-contact"
    anna.press()
    assert anna.here == "/refer/phone"
    assert anna.fields()["phone"] == "07700 nine"
    assert anna.errors == ["Type a phone number, like 07700 900123"]


def test_an_answer_that_could_not_be_read_is_not_sent_as_the_one_before_it(anna: Visitor, look: Any) -> None:
    anna.already()
    anna.open("/refer/phone?change=1").press(phone="0770 oops")
    assert anna.status == 422
    anna.open("/refer/check-your-answers")
    assert anna.here == "/refer/phone"
    assert anna.fields()["phone"] == "0770 oops"
    fields = {"csrf_token": anna.token}
    anna.post("/refer/check-your-answers", fields)
    assert count(look, Referral) == 0
    assert anna.here == "/refer/phone"
    anna.press(phone="07700 900999")
    assert anna.here == "/refer/check-your-answers"
    anna.press()
    assert only(look, ContactWay).address == "+447700900999"


def test_a_mistake_names_the_field_and_keeps_the_rest_of_the_page(anna: Visitor) -> None:
    anna.already(until="where-you-live")
    anna.press(postcode="nowhere", date_of_birth="31 2 1990")
    assert anna.status == 422
    assert len(anna.errors) == 2
    assert (anna.fields()["postcode"], anna.fields()["date_of_birth"]) == ("nowhere", "31 2 1990")
    assert anna.words.count("Error:") == 2  # each beside its field; the title has the third


def test_change_returns_straight_to_the_check(anna: Visitor, look: Any) -> None:
    anna.already()
    change = next(address for words, address in anna.links().items() if words == "Change First name")
    anna.follow(change).press(first_name="Ola")
    assert anna.here == "/refer/check-your-answers"
    assert only(look, Draft).answers["first_name"] == "Ola"


def test_change_removes_what_no_longer_applies_asks_what_now_does_and_nothing_else(anna: Visitor, look: Any) -> None:
    anna.already()
    before = dict(only(look, Draft).answers)
    anna.open("/refer/safe-contact?change=1").press(safe_ways=["email"])
    assert anna.here == "/refer/email"
    anna.press(email="zofia@inbox.example")
    assert anna.here == "/refer/check-your-answers"
    after = dict(only(look, Draft).answers)
    asked_by = {step.slug: {one.code for one in step.questions} for step in SELF_REFERRAL.steps}
    assert before.keys() - after.keys() == asked_by["phone"]
    assert after.keys() - before.keys() == asked_by["email"]
    assert {code for code in before.keys() & after.keys() if before[code] != after[code]} == {"safe_ways"}
    assert "07700 900123" not in anna.words


def test_change_at_the_first_page_asks_the_helper_s_pages_one_after_another(anna: Visitor) -> None:
    anna.already()
    anna.open("/refer/who-for?change=1").press(referring_for="me-with-help")
    assert anna.here == "/refer/helper"
    anna.press(helper_name="Sam", helper_relationship="vcse", helper_contact="sam@charity.example")
    assert anna.here == "/refer/sharing-with-helper"
    assert anna.press().here == "/refer/check-your-answers"


def test_a_mistake_while_changing_still_leads_back_to_the_check(anna: Visitor) -> None:
    anna.already()
    anna.open("/refer/phone?change=1").press(phone="x")
    assert anna.status == 422
    assert anna.press(phone="07700 900123").here == "/refer/check-your-answers"


def test_every_answer_is_on_the_check_and_none_of_them_empty(anna: Visitor) -> None:
    anna.already()
    for cell in (one for one in anna.page.all("dd") if "value" in one.get("class", "")):
        assert "".join(cell.itertext()).strip()
    draft_asks = {one.name for step in SELF_REFERRAL.path({"safe_ways": ["call"]}) for one in step.questions}
    for name in draft_asks:
        assert name in anna.words


# Saving and coming back ----------------------------------------------------------------------------------------------


def _saved(anna: Visitor, until: str = "safe-contact") -> tuple[str, str]:
    anna.already(until=until).press("save")
    assert anna.here == "/refer/saved"
    return anna.press("card").card()


def test_a_form_is_carried_on_in_another_browser_with_the_card_alone(anna: Visitor, app: Flask, look: Any) -> None:
    reference, number = _saved(anna, until="phone")
    elsewhere = Visitor(app).open("/carry-on")
    elsewhere.press(reference=reference, number=number)
    assert elsewhere.here == "/refer/phone"
    assert elsewhere.open("/refer/name").fields()["first_name"] == "Zofia"
    elsewhere.refer().press()
    assert elsewhere.here == "/refer/sent"
    assert only(look, Referral).reference == codes.read_reference(reference)


def test_the_browser_that_had_the_form_before_holds_nothing_any_more(anna: Visitor, app: Flask, look: Any) -> None:
    reference, number = _saved(anna)
    Visitor(app).open("/carry-on").press(reference=reference, number=number)
    assert anna.open("/refer/name").here == "/refer/who-for"
    assert anna.fields().get("referring_for") is None
    assert anna.open("/refer/saved").here == "/carry-on"
    with look() as store:
        kept = store.scalars(select(Draft)).one()
        assert kept.key_hash != codes.digest(anna.key or "")


def test_pages_are_no_longer_shown_again_once_opened_elsewhere_but_the_card_still_works(
    anna: Visitor, app: Flask
) -> None:
    card = dict(zip(("reference", "number"), _saved(anna), strict=True))
    for _ in range(2):
        assert Visitor(app).open("/carry-on").press(**card).here == "/refer/safe-contact"


@pytest.mark.parametrize(
    "as_typed",
    [
        lambda reference, number: (reference.lower(), number.replace(" ", "")),
        lambda reference, number: (reference.replace("-", " "), number.replace(" ", "-")),
        lambda reference, number: (f"  {reference}\t", number.translate({48 + n: 0x06F0 + n for n in range(10)})),
    ],
)
def test_a_card_is_taken_as_people_type_it(anna: Visitor, app: Flask, as_typed: Any) -> None:
    reference, number = as_typed(*_saved(anna))
    assert Visitor(app).open("/carry-on").press(reference=reference, number=number).here == "/refer/safe-contact"


def test_a_wrong_card_gets_a_kind_sentence_and_stays_on_the_page(anna: Visitor, app: Flask) -> None:
    reference, _ = _saved(anna)
    other = Visitor(app).open("/carry-on").press(reference=reference, number="123 456 789 012")
    assert other.status == 422
    assert other.errors == ["We cannot find a form with this reference and number. Check both, or start a new form"]
    assert (other.fields()["reference"], other.fields()["number"]) == (reference, "123 456 789 012")
    assert other.key is None
    other.press(reference="K7QF", number="one two")
    assert len(other.errors) == 2


def test_an_unknown_reference_and_a_wrong_number_are_answered_alike(anna: Visitor, app: Flask) -> None:
    reference, _ = _saved(anna)
    unknown = codes.show_reference(codes.new_reference())
    answers = []
    for tried in (reference, unknown):
        other = Visitor(app).open("/carry-on").press(reference=tried, number="123 456 789 012")
        answers.append(re.sub(r'value="[^"]*"', "", other.response.get_data(as_text=True)))
    assert answers[0] == answers[1]


@pytest.mark.slow
def test_a_hundred_wrong_cards_of_an_attacker_do_not_keep_the_right_one_out(anna: Visitor, app: Flask) -> None:
    reference, number = _saved(anna)
    attacker = Visitor(app).open("/carry-on")
    fields = attacker.fields()
    for guess in range(100):
        attacker.post("/carry-on", {**fields, "reference": reference, "number": f"{guess:012d}"})
        assert attacker.status == 422
    assert Visitor(app).open("/carry-on").press(reference=reference, number=number).here == "/refer/safe-contact"


def test_an_attacker_who_has_used_up_all_tries_keeps_the_right_card_out_nowhere_else(
    anna: Visitor, app: Flask, here: Service, stores: Stores
) -> None:
    reference, number = _saved(anna)
    limit = throttle.LIMITS[throttle.Kind.RETURN_CARD].most
    with stores.writing.begin() as store:
        for _ in range(limit):
            drafts.count_try(store, here.id, codes.read_reference(reference) or "", "198.51.100.66")
    attacker, anna_elsewhere = Visitor(app), Visitor(app)
    attacker.client.environ_base["HTTP_X_FORWARDED_FOR"] = "198.51.100.66"
    anna_elsewhere.client.environ_base["HTTP_X_FORWARDED_FOR"] = "198.51.100.7"
    assert attacker.open("/carry-on").press(reference=reference, number="000000000000").status == 429
    again = anna_elsewhere.open("/carry-on").press(reference=reference, number=number)
    assert again.here == "/refer/safe-contact"


def test_a_new_number_makes_the_old_card_useless(anna: Visitor, app: Flask) -> None:
    reference, number = _saved(anna)
    other = Visitor(app).open("/carry-on").press(reference=reference, number=number)
    new = other.open("/refer/saved").press("new-number").card()
    assert new[0] == reference
    assert new[1] != number
    third = Visitor(app).open("/carry-on").press(reference=reference, number=number)
    assert third.status == 422
    assert third.press(reference=reference, number=new[1]).here == "/refer/safe-contact"


def test_looking_at_the_saved_page_makes_no_card(anna: Visitor, look: Any) -> None:
    anna.already(until="name").press("save")
    anna.open("/refer/saved").open("/refer/saved")
    assert only(look, Draft).return_hash is None


def test_please_contact_me_can_be_taken_back(anna: Visitor, look: Any) -> None:
    anna.already(until="phone").press("save").press("contact-me")
    assert only(look, Draft).contact_if_unfinished is True
    anna.press("do-not-contact-me")
    assert only(look, Draft).contact_if_unfinished is False


def test_nobody_is_contacted_before_a_safe_way_is_known(anna: Visitor, look: Any) -> None:
    anna.already(until="name").press("save")
    assert "contact-me" not in anna.response.get_data(as_text=True)
    anna.post("/refer/saved", {"csrf_token": anna.token, "go": "contact-me"})
    assert only(look, Draft).contact_if_unfinished is False


def test_the_card_of_a_form_that_was_sent_says_so(anna: Visitor, app: Flask) -> None:
    anna.already().press()
    reference, number = anna.card()
    other = Visitor(app).open("/carry-on").press(reference=reference, number=number)
    assert other.status == 200
    assert other.page.heading == "This form has been sent"
    assert other.key is None


def test_a_form_that_has_expired_is_not_there(anna: Visitor, app: Flask) -> None:
    reference, number = _saved(anna)
    with clock.later(timedelta(days=400)):
        assert anna.open("/refer/name").here == "/refer/who-for"
        other = Visitor(app).open("/carry-on").press(reference=reference, number=number)
        assert other.status == 422


# A shared computer ---------------------------------------------------------------------------------------------------

IDLE = timedelta(minutes=22, seconds=1)


def test_after_twenty_two_idle_minutes_the_screen_is_locked_and_the_form_kept(
    anna: Visitor, app: Flask, look: Any
) -> None:
    reference, number = _saved(anna)
    with clock.later(timedelta(minutes=21)):
        assert anna.open("/refer/name").here == "/refer/name"
    with clock.later(IDLE):
        anna.open("/refer/name")
        assert anna.here == "/refer/locked"
        assert anna.key is None
        assert "Zofia" not in anna.words
        assert Visitor(app).open("/carry-on").press(reference=reference, number=number).here == "/refer/safe-contact"


@pytest.mark.parametrize("page", ["name", "check-your-answers", "saved", "urgent/help"])
def test_no_page_with_answers_opens_on_a_locked_screen(anna: Visitor, page: str) -> None:
    anna.already(urgency="not-safe")
    with clock.later(IDLE):
        assert anna.open(f"/refer/{page}").here in ("/refer/locked", "/help-now")
        assert "Zofia" not in anna.words


def test_what_is_typed_on_a_locked_screen_is_kept_but_nothing_is_shown(anna: Visitor, look: Any) -> None:
    anna.already(until="what-matters")
    with clock.later(IDLE):
        anna.press(what_matters="Typed after a long pause")
        assert anna.here == "/refer/locked"
        assert anna.key is None
    assert only(look, Draft).answers["what_matters"] == "Typed after a long pause"


@pytest.mark.parametrize("go", ["new-number", "contact-me", "card"])
def test_the_page_of_the_card_unlocks_nothing_on_a_locked_screen(anna: Visitor, app: Flask, go: str) -> None:
    reference, number = _saved(anna)
    token = anna.token
    with clock.later(IDLE):
        anna.post("/refer/saved", {"csrf_token": token, "go": go})
        assert anna.here == "/refer/locked"
        assert anna.key is None
        assert Visitor(app).open("/carry-on").press(reference=reference, number=number).here == "/refer/safe-contact"


def test_nothing_is_sent_from_a_locked_screen(anna: Visitor, look: Any) -> None:
    anna.already()
    with clock.later(IDLE):
        assert anna.press().here == "/refer/locked"
    assert count(look, Referral) == 0


def test_somebody_who_says_they_are_there_is_not_locked_out(anna: Visitor) -> None:
    anna.already(until="name")
    token = anna.token
    with clock.later(timedelta(minutes=21)):
        assert anna.client.post("/refer/still-here", data={"csrf_token": token}).status_code == 204
    with clock.later(timedelta(minutes=42)):
        assert anna.open("/refer/name").here == "/refer/name"


def test_the_page_that_locks_itself_saves_first(anna: Visitor, look: Any) -> None:
    anna.already(until="what-matters").press("lock", what_matters="Half a thou")
    assert anna.here == "/refer/locked"
    assert anna.key is None
    assert only(look, Draft).answers["what_matters"] == "Half a thou"


def test_an_own_phone_stays_open_for_a_day_and_on_request_for_fourteen(anna: Visitor) -> None:
    anna.already(until="name", device="own")
    with clock.later(timedelta(hours=23)):
        assert anna.open("/refer/name").here == "/refer/name"
    with clock.later(timedelta(hours=25)):
        assert anna.open("/refer/name").here == "/refer/locked"


def test_on_request_an_own_phone_stays_open_for_fourteen_days(anna: Visitor) -> None:
    anna.already(until="name", device="own").press("save", first_name="Zofia").press("keep-14-days")
    with clock.later(timedelta(days=13)):
        assert anna.open("/refer/name").here == "/refer/name"


def test_a_form_opened_by_its_card_is_on_a_shared_device_until_said_otherwise(anna: Visitor, app: Flask) -> None:
    anna.already(until="name", device="own").press("save", first_name="Zofia")
    reference, number = anna.press("card").card()
    other = Visitor(app).open("/carry-on").press(reference=reference, number=number)
    with clock.later(IDLE):
        assert other.open("/refer/name").here == "/refer/locked"


def test_the_way_out_leads_where_the_installation_says_unless_the_service_says_otherwise(
    app: Flask, here: Service, stores: Stores
) -> None:
    app.config["EXIT_URL"] = "https://www.example.org/news"
    assert app.test_client().get("/exit").location == "https://www.example.org/news"
    with stores.writing.begin() as store:
        service = store.get_one(Service, here.id)
        service.settings = {**service.settings, "exit_url": "https://www.example.org/garden"}
    assert app.test_client().get("/exit").location == "https://www.example.org/garden"


def test_leaving_clears_the_browser_and_keeps_the_form(anna: Visitor, look: Any) -> None:
    anna.already(until="name")
    left = anna.client.get("/exit")
    assert left.status_code == 302
    assert not str(left.location).startswith("http://localhost")
    assert "storage" in left.headers["Clear-Site-Data"]
    assert anna.key is None
    assert anna.open("/refer/name").here == "/refer/who-for"
    assert count(look, Draft) == 1


def test_what_was_sent_from_a_shared_computer_is_not_there_for_the_next_person(anna: Visitor) -> None:
    anna.already().press()
    reference, _ = anna.card()
    with clock.later(timedelta(hours=2)):
        for page in ("/refer/sent", "/about-you/ethnic-group", "/refer/your-email"):
            anna.open(page)
            assert reference not in anna.words
            assert anna.here == "/carry-on"


# Sending -------------------------------------------------------------------------------------------------------------


def test_sent_three_times_it_is_one_referral_with_one_reference(anna: Visitor, look: Any) -> None:
    anna.already()
    fields = anna.fields()
    words = []
    for _ in range(3):
        anna.post("/refer/check-your-answers", fields)
        assert anna.here == "/refer/sent"
        words.append(anna.card())
    assert len(set(words)) == 1
    assert (count(look, Referral), count(look, ServiceUser)) == (1, 1)


def test_sent_again_after_a_lost_answer_it_shows_the_same_reference(anna: Visitor, look: Any) -> None:
    anna.already()
    fields = anna.fields()
    # The answer never arrives: the browser knows no more than before, and sends once more.
    lost = anna.client.post("/refer/check-your-answers", data=fields)
    assert lost.status_code == 303
    assert "reference" not in lost.get_data(as_text=True).lower()
    anna.post("/refer/check-your-answers", fields)
    assert codes.show_reference(only(look, Referral).reference) in anna.words


def test_going_back_after_sending_leads_to_the_reference(anna: Visitor) -> None:
    anna.already().press()
    card = anna.card()
    assert anna.open("/refer/check-your-answers").here == "/refer/sent"
    assert anna.card() == card


def test_an_unfinished_form_cannot_be_sent(anna: Visitor, look: Any) -> None:
    token = anna.already(until="name").token
    anna.post("/refer/check-your-answers", {"csrf_token": token})
    assert anna.here == "/refer/name"
    assert count(look, Referral) == 0


def test_the_day_promised_is_on_the_page(anna: Visitor, look: Any) -> None:
    anna.already().press()
    assert i18n.say_date(only(look, Referral).due_at) in anna.words


# Somebody else's key; a dead token -----------------------------------------------------------------------------------


def test_with_somebody_else_s_key_guessed_wrong_there_is_nothing(anna: Visitor, app: Flask, look: Any) -> None:
    anna.already(until="name")
    other = Visitor(app)
    for key in ("x", "", "../../etc/passwd", codes.new_key(), only(look, Draft).key_hash, "ü" * 20, "a" * 3000):
        other.client.set_cookie(app.config["FORM_COOKIE"], key)
        assert other.open("/refer/name").here == "/refer/who-for"
        assert other.open("/refer/saved").here == "/carry-on"


def test_a_key_opens_its_own_form_in_its_own_service_only(anna: Visitor, app: Flask, stores: Stores) -> None:
    with stores.writing.begin() as store:
        staffed.a_colleague(store, staffed.a_service(store, "there"), Role.MANAGER)
    anna.prefix = "/at/here"
    anna.already(until="name")
    assert anna.open("/refer/name").here == "/refer/name"
    anna.prefix = "/at/there"
    assert anna.open("/refer/name").here == "/refer/who-for"


def test_a_card_opens_its_form_in_its_own_service_only(anna: Visitor, app: Flask, stores: Stores) -> None:
    with stores.writing.begin() as store:
        staffed.a_colleague(store, staffed.a_service(store, "there"), Role.MANAGER)
    anna.prefix = "/at/here"
    reference, number = _saved(anna)
    other = Visitor(app, "/at/there").open("/carry-on").press(reference=reference, number=number)
    assert other.status == 422


def test_a_page_whose_token_has_died_comes_back_with_what_was_typed(anna: Visitor, look: Any) -> None:
    anna.already(until="what-matters")
    fields = anna.fields()
    anna.client.delete_cookie(anna.client.application.config["SESSION_COOKIE_NAME"])
    anna.post("/refer/what-matters", {**fields, "what_matters": "Long and dear words", "needs": "food"})
    assert anna.status == 400
    assert anna.fields()["what_matters"] == "Long and dear words"
    assert anna.fields()["needs"] == "food"
    assert only(look, Draft).answers.get("what_matters") is None
    anna.press()
    assert anna.here == "/refer/urgent"
    assert only(look, Draft).answers["what_matters"] == "Long and dear words"


def test_a_check_page_whose_token_has_died_asks_to_send_once_more(anna: Visitor, look: Any) -> None:
    anna.already()
    anna.client.delete_cookie(anna.client.application.config["SESSION_COOKIE_NAME"])
    anna.post("/refer/check-your-answers", {"csrf_token": "dead"})
    assert anna.status == 400
    assert count(look, Referral) == 0
    assert anna.press().here == "/refer/sent"


@pytest.mark.parametrize("token", ["", "forged", "IjEyMyI.x.y", "\x00", "a" * 5000])
def test_a_forged_token_changes_nothing(anna: Visitor, look: Any, token: str) -> None:
    anna.already(until="name")
    anna.post("/refer/name", {"csrf_token": token, "first_name": "Forged"})
    assert anna.status == 400
    assert "first_name" not in only(look, Draft).answers


# When someone is not safe --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["not-safe", "being-hurt"])
@pytest.mark.parametrize("go", ["", "back", "save"])
def test_an_urgent_answer_shows_who_can_help_whatever_button_is_pressed_and_goes_on(
    anna: Visitor, look: Any, answer: str, go: str
) -> None:
    anna.already(until="urgent").press(go, urgency=answer)
    assert anna.here == "/refer/urgent/help"
    for number in ("999", "111", "116 123"):
        assert number in anna.words
    assert count(look, Alert) == 1
    anna.carry_on()
    assert anna.here == {"": "/refer/gp", "back": "/refer/what-matters", "save": "/refer/saved"}[go]


def test_the_alert_is_there_although_the_form_is_never_sent(anna: Visitor, look: Any) -> None:
    anna.already(until="urgent").press(urgency="not-safe")
    alert = only(look, Alert)
    assert alert.owner_id is not None
    assert alert.due_at > clock.now() - timedelta(minutes=1)
    assert alert.opened_at is None
    assert alert.referral_id is None
    assert count(look, Referral) == 0


def test_the_alert_is_there_even_when_urgency_is_the_first_thing_said(anna: Visitor, look: Any) -> None:
    token = anna.open("/refer/who-for").token
    anna.post("/refer/urgent", {"csrf_token": token, "urgency": "being-hurt"})
    assert anna.here == "/refer/urgent/help"
    assert count(look, Alert) == 1
    assert anna.carry_on().here == "/refer/who-for"


def test_an_urgent_answer_while_the_screen_is_locked_still_raises_the_alert(anna: Visitor, look: Any) -> None:
    anna.already(until="urgent")
    with clock.later(IDLE):
        anna.press(urgency="not-safe")
        assert anna.here == "/help-now"
        assert anna.key is None
    assert count(look, Alert) == 1


def test_a_changed_urgent_answer_leaves_the_first_one_visible(anna: Visitor, look: Any) -> None:
    anna.already(urgency="not-safe")
    anna.open("/refer/urgent?change=1").press(urgency="no")
    assert anna.here == "/refer/check-your-answers"
    alert = only(look, Alert)
    assert alert.answer == "not-safe"
    with look() as store:
        events = [event.what for event in store.scalars(select(AlertEvent).order_by(AlertEvent.id))]
    assert len(events) == len(set(events)) >= 2
    anna.press()
    assert only(look, Referral).urgency == "no"
    assert only(look, Alert).referral_id == only(look, Referral).id


def test_the_same_urgent_answer_given_again_is_one_alert(anna: Visitor, look: Any) -> None:
    anna.already(until="urgent")
    for _ in range(3):
        anna.open("/refer/urgent").press(urgency="not-safe")
    assert count(look, Alert) == 1


def test_an_urgent_answer_changes_nothing_about_what_may_be_sent(anna: Visitor, look: Any) -> None:
    anna.already(urgency="being-hurt").press()
    assert anna.here == "/refer/sent"


def test_help_is_one_press_away_on_every_page(anna: Visitor) -> None:
    for slug in visitor.pages_of(SELF_REFERRAL):
        anna.open(f"/refer/{slug}")
        assert anna.links()["Need help now?"].endswith("/help-now")
        assert anna.links()["Exit this page"].endswith("/exit")


# Languages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["cy", "pl", "ur"])
def test_switching_the_language_in_the_middle_keeps_everything(anna: Visitor, look: Any, code: str) -> None:
    anna.already(until="phone").press(phone="not a number")
    before = dict(only(look, Draft).answers)
    anna.follow(next(a.get("href", "") for a in anna.page.all("a") if a.get("lang") == code))
    assert anna.path.startswith(f"/{code}/refer/phone")
    assert anna.page.root.get("lang") == code
    assert anna.fields()["phone"] == "not a number"
    assert only(look, Draft).answers == before
    anna.prefix = f"/{code}"
    anna.press(phone="07700 900123").refer()
    assert anna.press().here == "/refer/sent"
    assert only(look, Referral).language == code


@pytest.mark.parametrize("code", ["cy", "pl", "ur"])
def test_the_whole_form_in_each_language_stores_the_same_codes(anna: Visitor, look: Any, code: str) -> None:
    anna.prefix = f"/{code}"
    anna.refer(urgency="soon").press()
    assert anna.here == "/refer/sent"
    answers = only(look, Referral).answers
    assert (answers["referring_for"], answers["safe_ways"], answers["urgency"]) == ("me", ["call"], "soon")


def test_switching_the_language_while_changing_an_answer_still_leads_back_to_the_check(anna: Visitor) -> None:
    anna.already().open("/refer/name?change=1")
    anna.follow(next(a.get("href", "") for a in anna.page.all("a") if a.get("lang") == "ur"))
    assert anna.press().path == "/ur/refer/check-your-answers"


# What may be told after sending --------------------------------------------------------------------------------------


def test_a_little_more_about_you_is_kept_page_by_page_and_every_page_may_be_skipped(anna: Visitor, look: Any) -> None:
    anna.already().press()
    anna.follow(anna.links()["Tell us a little more"])
    for slug in visitor.pages_of(ABOUT_YOU):
        if slug == "daily-life":
            continue
        assert anna.here == f"/about-you/{slug}"
        anna.press(**({"religion": "none"} if slug == "religion" else {}))
    assert anna.here == "/refer/sent"
    told = only(look, ServiceUser).about_you
    assert told["religion"] == "none"
    assert told["gender_identity"] == LEFT_BLANK
    assert "activity_limitation" not in told


def test_a_condition_leads_to_one_more_question_and_a_changed_mind_takes_it_away(anna: Visitor, look: Any) -> None:
    anna.already().press()
    anna.open("/about-you/health").press(long_term_condition="yes")
    assert anna.here == "/about-you/daily-life"
    anna.press(activity_limitation="a-lot")
    assert only(look, ServiceUser).about_you["activity_limitation"] == "a-lot"
    anna.open("/about-you/health").press(long_term_condition="no")
    assert anna.here == "/about-you/home-and-work"
    assert "activity_limitation" not in only(look, ServiceUser).about_you


def test_about_you_is_for_the_browser_that_sent_the_form(anna: Visitor, app: Flask) -> None:
    anna.already().press()
    assert Visitor(app).open("/about-you/religion").here == "/carry-on"


def test_an_email_address_is_confirmed_by_a_code(anna: Visitor, look: Any) -> None:
    anna.already(safe_ways=["email"]).press()
    anna.press("send-code", to="your-email")
    assert anna.here == "/refer/your-email"
    with look() as store:
        message = store.scalars(select(Message).where(Message.template == "confirm-code")).one()
        code = str(message.details["code"])
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert anna.press(code=wrong).status == 422
    assert only(look, ContactWay).confirmed_at is None
    assert anna.press(code=f"{code[:3]} {code[3:]}").here == "/refer/sent"
    assert only(look, ContactWay).confirmed_at is not None


def test_before_its_code_an_address_receives_nothing_else(anna: Visitor, look: Any) -> None:
    anna.already(safe_ways=["email"]).press()
    anna.press("send-code", to="your-email")
    with look() as store:
        sent = store.scalars(
            select(Message).where(Message.person_id.is_not(None), Message.refusal.is_(None), Message.channel == "email")
        ).all()
    assert {message.template for message in sent} == {"confirm-code"}


# Written down, and not ----------------------------------------------------------------------------------------------


def test_no_answer_is_in_a_cookie_an_address_or_the_audit(anna: Visitor, look: Any) -> None:
    words = ("Zofia", "Quarshie", "900123", "AB10", "meet people", "1965")
    anna.already().press()
    held = " ".join(cookie.value for cookie in anna.client._cookies.values())  # type: ignore[union-attr]
    assert held
    assert not [word for word in words if word in held]
    with look() as store:
        written = " ".join(str(vars(event)) for event in store.scalars(select(AuditEvent)))
    assert not [word for word in words if word in written]


def test_looking_at_the_pages_of_a_form_stores_nothing(anna: Visitor, look: Any) -> None:
    for slug in visitor.pages_of(SELF_REFERRAL):
        anna.open(f"/refer/{slug}")
    anna.open("/carry-on").open("/refer/saved").open("/refer/sent")
    assert count(look, Draft) == 0
    assert anna.key is None


def test_a_service_that_nobody_manages_takes_no_forms_and_says_so(app: Flask, stores: Stores) -> None:
    with stores.writing.begin() as store:
        staffed.a_service(store, phone="01632 960 123")
    lost = Visitor(app).open("/refer/who-for")
    assert lost.here == "/"
    assert "We cannot take forms yet" in lost.words
