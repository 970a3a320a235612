"""Paper: what is printed is what is asked, in the same order and with the same numbers as on the screens into which it
is typed; a scale comes in its official words or not at all; what was written counts on the day that stands on it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import feedback, i18n, instruments, measures, reading, services
from portal.access import Role
from portal.clock import now, today
from portal.i18n import LANGUAGES, gettext
from portal.journeys.orders import ONLY_WHEN_UNSURE, PAPER
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import CheckIn, MeasureResponse, Referral, Stores
from tests.asked import check_in
from tests.test_any_door import begun, signed_in
from tests.visitor import Visitor
from tests.world import Member, a_referral, a_service, staff_member


class World:
    """A service that has written where a paper form goes, its manager and a worker, and a case."""

    manager: Member
    worker: Member
    referral: Referral

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        with stores.writing.begin() as store:
            self.service = a_service(store, phone="01632 960 123")
            self.manager = staff_member(store, self.service, Role.MANAGER)
            self.worker = staff_member(store, self.service)
            for place, words in (("paper-address", "Freepost MADE UP\nAB10 1AB"), ("responsible", "Made Up Trust")):
                services.texts.write(store, self.manager.actor, place, "en", words, number=0)
            self.referral = a_referral(store, self.service)
            store.flush()
            store.expunge_all()

    @contextmanager
    def look(self) -> Iterator[Session]:
        with self.stores.writing.begin() as store:
            store.add(self.service)
            yield store
            store.flush()
            store.expunge_all()


@pytest.fixture
def world(stores: Stores) -> World:
    return World(stores)


@pytest.fixture
def anna(app: Flask, world: World) -> Visitor:
    app.config["SERVICE"] = "here"
    return Visitor(app)


def blocks(there: Visitor) -> list[Element]:
    """The printed questions that have a number."""
    found = [one for one in there.page.elements if one.get("class") == "portal-paper__question"]
    return [one for one in found if re.match(r"\d+\.", said(one))]


def said(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def boxes(block: Element) -> int:
    return sum(1 for one in block.iter("li") if any("portal-paper__box" in (two.get("class") or "") for two in one))


# The form -------------------------------------------------------------------------------------------------------------


def test_the_paper_asks_every_question_in_every_language_with_its_boxes_and_number(
    app: Flask, world: World, anna: Visitor
) -> None:
    asked = [code for section in PAPER.sections for code in section.asks if code not in ONLY_WHEN_UNSURE]
    for code, language in LANGUAGES.items():
        there = Visitor(app, f"/{code}")
        for path in ("/paper/form", "/paper/form/large"):
            there.open(path)
            assert there.status == 200
            assert there.page.root.get("dir") == language.direction
            printed = blocks(there)
            assert len(printed) == len(asked) == len(PAPER.numbers)
            for question_code, block in zip(asked, printed, strict=True):
                question = SELF_REFERRAL.question(question_code)
                with i18n.speaking(code):
                    label = gettext(question.label)
                assert said(block).startswith(f"{PAPER.numbers[question_code]}. ")
                assert " ".join(label.split()) in said(block)
                if question.kind.value in ("one-of", "some-of"):
                    assert boxes(block) == len(question.all_choices), question_code


def test_the_paper_says_when_a_question_is_for_some_only_by_the_number_of_the_other(anna: Visitor) -> None:
    anna.open("/paper/form")
    email = next(block for block in blocks(anna) if "Email address" in said(block))
    assert f"Only if you ticked this in question {PAPER.numbers['safe_ways']}: Email." in said(email)
    helper = next(block for block in blocks(anna) if "Helper’s name" in said(block))
    assert "Only if you ticked this in question 1: Me, and someone is helping me fill it in" in said(helper)


def test_the_paper_has_room_to_write_privacy_words_help_and_where_to_send_it(anna: Visitor) -> None:
    anna.open("/paper/form")
    matters = next(block for block in blocks(anna) if "What would you like help with?" in said(block))
    lines = [one for one in matters.iter("div") if one.get("class") == "portal-paper__line"]
    assert len(lines) == 16
    for words in ("Freepost MADE UP", "Made Up Trust", "If you are not safe now, do not wait for us", "116 123"):
        assert words in anna.words
    assert "Date on which you fill this in" in anna.words
    assert "Nobody else can, unless you say yes" in anna.words


def test_a_service_that_wrote_no_address_says_whom_to_ask(app: Flask, stores: Stores) -> None:
    with stores.writing.begin() as store:
        a_service(store, "bare", phone="01632 960 999")
    there = Visitor(app, "/at/bare").open("/paper/form")
    assert "Or call us and ask where to send it: 01632 960 999" in there.words


def test_paper_is_an_equal_way_from_the_first_page_and_in_every_language(anna: Visitor) -> None:
    anna.open("/")
    anna.follow(anna.links()["Use paper instead"])
    assert anna.status == 200
    links = anna.links()
    assert links["Print the form"] == "/paper/form"
    assert links["Print the form in large print"] == "/paper/form/large"
    assert links["اردو"] == "/ur/paper/form" or "/ur/paper/form" in links.values()


def test_large_print_is_at_least_18_points_in_every_part() -> None:
    from portal.web import STATIC

    sheet = (STATIC / "staff-ltr.css").read_text()
    assert re.search(r"\.portal-paper--large\s*\{\s*font-size:\s*18pt", sheet)
    assert re.search(r"\.portal-paper--large \*\s*\{\s*font-size:\s*inherit", sheet)  # the browser test measures it
    assert re.search(r"@page\s*\{[^}]*size:\s*A4", sheet)


def test_there_is_no_paper_without_a_service(app: Flask) -> None:
    assert Visitor(app).open("/paper").status == 404


def test_the_screens_for_a_paper_form_have_its_order_and_its_numbers(app: Flask, world: World, anna: Visitor) -> None:
    anna.open("/paper/form")
    printed = [said(block).split(".")[0] for block in blocks(anna)]
    amina = begun(signed_in(app, world.worker), channel="paper")
    shown: list[str] = []
    for _ in PAPER.sections:
        labels = [one for tag in ("label", "legend") for one in amina.page.all(tag)]
        wanted = [said(one) for one in amina.page.elements if one in labels]
        shown += [found[1] for one in wanted if (found := re.match(r"(\d+)\. ", one))]
        amina.press()
    assert shown == printed


# Scales ---------------------------------------------------------------------------------------------------------------


def test_a_scale_is_printed_in_its_official_words_with_its_licence_line(anna: Visitor) -> None:
    anna.open("/paper/scales/ons4")
    words = instruments.catalogue()["ons4"].wordings["en"]
    printed = blocks(anna)
    assert len(printed) == len(words.items)
    for block, item in zip(printed, words.items.values(), strict=True):
        assert item in said(block)
        assert boxes(block) == 11 + 2
    assert instruments.catalogue()["ons4"].licence.print_line in anna.words
    assert anna.open("/paper/scales/ons4/large").status == 200


def test_a_scale_without_words_in_a_language_says_so_and_names_where_there_are_some(
    app: Flask, world: World, anna: Visitor
) -> None:
    there = Visitor(app, "/ur").open("/paper/scales/ons4")
    assert there.status == 200
    assert blocks(there) == []
    assert "/en/paper/scales/ons4" in there.links().values()


def test_a_scale_of_a_licence_of_the_service_s_own_is_not_printed(world: World, anna: Visitor) -> None:
    with world.look() as store:
        day = today()
        boss = staff_member(store, world.service, Role.ADMINISTRATOR).actor
        measures.record_licence(store, boss, "swemwbs", number="1", holder="Us", since=day, until=day, declared=True)
        measures.bring_text(
            store,
            boss,
            "swemwbs",
            "en",
            instruction="Blorp:",
            questions=[measures.Question(f"Gleep {n}", tuple("abcde")) for n in range(1, 8)],
            declared=True,
        )
        if "swemwbs" not in measures.offered(store, world.service):
            measures.turn_on(store, world.manager.actor, "swemwbs")
        assert "swemwbs" in measures.offered(store, world.service)
    anna.open("/paper/scales/swemwbs")
    assert "Its licence does not let us print it" in anna.words
    assert "Gleep" not in anna.words
    assert "Its licence does not let us print it" in anna.open("/paper").words


def test_a_scale_that_the_service_does_not_use_is_not_there(anna: Visitor) -> None:
    assert anna.open("/paper/scales/phq9").status == 404  # off until there is a risk protocol
    assert anna.open("/paper/scales/nonsense").status == 404


# What was written counts on the day that stands on it -----------------------------------------------------------------


def _enter(amina: Visitor, world: World, one: CheckIn, said_on: str, value: str = "7") -> Visitor:
    amina.open(f"/staff/referrals/{world.referral.id}/check-ins/{one.id}/scales/ons4")
    return amina.press(completed_by="self", response_mode="paper", said_on=said_on, satisfied=value)


def test_the_screen_of_a_scale_has_the_numbers_of_the_paper(app: Flask, world: World) -> None:
    with world.look() as store:
        one = check_in(store, world.referral)
    amina = signed_in(app, world.worker)
    amina.open(f"/staff/referrals/{world.referral.id}/check-ins/{one.id}/scales/ons4")
    numbered = [said(one) for one in amina.page.all("legend") if re.match(r"\d+\. ", said(one))]
    assert [one.split(".")[0] for one in numbered] == ["1", "2", "3", "4"]


def test_an_answer_on_paper_counts_on_the_day_that_stands_on_it(app: Flask, world: World) -> None:
    with world.look() as store:
        one = check_in(store, world.referral)
    day = today() - timedelta(days=9)
    amina = signed_in(app, world.worker)
    _enter(amina, world, one, f"{day.day} {day.month} {day.year}")
    assert amina.status == 200
    with world.look() as store:
        answered = feedback.of_check_in(store, check_in(store, world.referral))[0]
        assert (answered.response.said_on, answered.on) == (day, day)
    amina.open(f"/staff/referrals/{world.referral.id}/check-ins/{one.id}/scales/ons4")
    assert amina.fields()["said_on"] == f"{day.day} {day.month} {day.year}"


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (-1, "The day on the paper cannot be after today"),
        (367, "Check the year. This day is more than a year ago"),
        (None, "Enter a date, such as 24 11 2026"),
    ],
)
def test_a_day_that_cannot_be_true_is_said_and_everything_stays_typed(
    app: Flask, world: World, days: int | None, sentence: str
) -> None:
    with world.look() as store:
        one = check_in(store, world.referral)
    typed = "some day" if days is None else f"{today() - timedelta(days=days):%d %m %Y}"
    amina = _enter(signed_in(app, world.worker), world, one, typed)
    assert amina.status == 422
    assert amina.errors == [sentence]
    fields = amina.fields()
    assert (fields["said_on"], fields["satisfied"], fields["response_mode"]) == (typed, "7", "paper")
    with world.look() as store:
        assert store.scalars(select(MeasureResponse)).all() == []
        with pytest.raises(reading.Unreadable):
            feedback.begin(
                store,
                world.service,
                check_in(store, world.referral),
                language="en",
                entered_by=world.worker.actor.staff_id,
                said_on=today() + timedelta(days=1),
            )


def test_what_was_written_first_stands_first_on_a_line_whenever_it_was_typed_in(world: World) -> None:
    """The review came back on the web; the first paper was found in a drawer afterwards."""
    with world.look() as store:
        first = check_in(store, world.referral)
        again = CheckIn(
            service_id=first.service_id,
            person_id=first.person_id,
            referral_id=first.referral_id,
            occasion="review",
            number=1,
            scales=["ons4"],
            opens_at=now(),
            due_at=now(),
            closes_at=now() + timedelta(days=9),
        )
        store.add(again)
        store.flush()
        for one, value, said_on in ((again, "8", None), (first, "3", today() - timedelta(days=30))):
            made = feedback.begin(
                store,
                world.service,
                one,
                language="en",
                completed_by="self",
                response_mode="paper" if said_on else "web",
                entered_by=world.worker.actor.staff_id if said_on else None,
                said_on=said_on,
                only="ons4",
            )
            opened = next(two for two in made if two.scale == "ons4")
            step = opened.one_page.steps[0]
            feedback.keep(store, world.service, one, opened, step, {"satisfied": [value]})
        line = next(
            one
            for one in feedback.lines_of(store, world.service.id, first.person_id)
            if one.scale == "ons4" and one.score == "satisfied"
        )
        assert [(point.value, point.on) for point in line.points] == [(3, today() - timedelta(days=30)), (8, today())]
