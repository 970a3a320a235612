"""Texts that a service puts into its own words: the places, their versions, who reads them where."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, clock, services
from portal.access import Actor, Refused, Role
from portal.i18n import LANGUAGES
from portal.services import texts
from portal.services.texts import PLACES, BadText, TextChanged
from portal.store import Service, ServiceText
from tests.inspector import InspectedClient
from tests.staffed import a_colleague, a_service, acting
from tests.test_setup import fields_of, hrefs
from tests.world import a_service as a_real_service
from tests.world import sign_in, staff_member, words_of

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OURS = "A link worker is a person who listens"
THEIRS = "We walk with you.\n\nIt is free."


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def manager(store: Session, service: Service) -> Actor:
    return acting(a_colleague(store, service, Role.MANAGER, name="Rosa Marchetti"))


# The room ------------------------------------------------------------------------------------------------------------


def test_every_place_has_a_code_of_its_own_that_fits_and_our_words_are_short_enough() -> None:
    assert len({place.code for place in PLACES}) == len(PLACES)
    for place in PLACES:
        assert len(place.code) <= 40
        said = texts.ours(place.code, "en")
        assert len(said) <= texts.LONGEST
        assert not place.most_words or len(said.split()) <= place.most_words
        assert not (place.needed and place.ours), "what we can write ourselves is not needed of a service"


def test_until_a_service_writes_ours_stands_there_in_each_language(store: Session, service: Service) -> None:
    assert texts.words(store, service, "definition", "en").startswith(OURS)
    assert texts.words(store, service, "definition", "pl") == texts.ours("definition", "pl")
    assert texts.words(store, service, "lawful-basis", "en") == ""
    with pytest.raises(KeyError):
        texts.words(store, service, "nothing", "en")


def test_the_services_words_count_in_their_language_and_each_wording_stays(
    store: Session, service: Service, manager: Actor
) -> None:
    texts.write(store, manager, "definition", "en", "First wording.", number=0)
    texts.write(store, manager, "definition", "en", f"  {THEIRS}\r\n\r\n\r\n", number=1)
    assert texts.words(store, service, "definition", "en") == THEIRS
    assert texts.words(store, service, "definition", "pl") == texts.ours("definition", "pl")
    assert texts.shown(store, service, "en", "definition", "link-worker") == {"definition": THEIRS, "link-worker": ""}
    kept = texts.history(store, manager, "definition", "en")
    assert [(one.text.number, one.by, one.text.words) for one in kept] == [
        (2, "Rosa Marchetti", THEIRS),
        (1, "Rosa Marchetti", "First wording."),
    ]
    acts = [(event.act, event.details) for event in audit.history_of(store, service.id, service.id)]
    assert ("changed text", {"place": "definition", "language": "en", "number": 2}) in acts
    assert "walk with you" not in str(acts)


def test_ours_come_back_and_theirs_stay_in_the_history(store: Session, service: Service, manager: Actor) -> None:
    assert texts.take_ours(store, manager, "definition", "en", number=0) is None
    texts.write(store, manager, "definition", "en", THEIRS, number=0)
    texts.take_ours(store, manager, "definition", "en", number=1)
    assert texts.words(store, service, "definition", "en").startswith(OURS)
    assert texts.shown(store, service, "en", "definition")["definition"].startswith(OURS)
    assert "en" not in texts.written(store, service)["definition"]
    texts.write(store, manager, "definition", "en", "Again.", number=2)
    assert [one.text.words for one in texts.history(store, manager, "definition", "en")] == ["Again.", "", THEIRS]


def test_what_people_have_a_right_to_know_cannot_be_emptied(store: Session, service: Service, manager: Actor) -> None:
    assert {place.code for place in texts.missing(store, service)} == {"responsible", "lawful-basis"}
    for place in ("responsible", "lawful-basis"):
        texts.write(store, manager, place, "en", "The Charity.", number=0)
        with pytest.raises(BadText, match="right to know"):
            texts.write(store, manager, place, "en", " \n ", number=1)
        with pytest.raises(BadText, match="right to know"):
            texts.take_ours(store, manager, place, "en", number=1)
        assert texts.words(store, service, place, "en") == "The Charity."
    assert texts.missing(store, service) == []


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Write something here"),
        ("​\n", "Write something here"),
        ("word " * 101, "There are 101"),
        ("x" * 4001, "4000 characters"),
        ("a\x00b", "cannot be read"),
        ("a\ud800b", "cannot be read"),
    ],
)
def test_words_that_cannot_be_kept_say_why(
    store: Session, service: Service, manager: Actor, typed: str, sentence: str
) -> None:
    with pytest.raises(BadText, match=sentence):
        texts.write(store, manager, "definition", "en", typed, number=0)
    assert store.scalars(select(ServiceText)).all() == []


def test_of_two_who_write_the_second_is_told_and_overwrites_nothing(
    store: Session, service: Service, manager: Actor
) -> None:
    texts.write(store, manager, "definition", "en", "Theirs.", number=0)
    with pytest.raises(TextChanged) as told:
        texts.write(store, manager, "definition", "en", "Mine.", number=0)
    assert told.value.now is not None
    assert told.value.now.words == "Theirs."
    with pytest.raises(TextChanged):
        texts.take_ours(store, manager, "definition", "en", number=0)
    again = texts.write(store, manager, "definition", "en", "Theirs.", number=0)
    assert again.number == 1, "the same words twice are one wording"
    assert texts.words(store, service, "definition", "en") == "Theirs."


@pytest.mark.parametrize("role", [Role.LINK_WORKER, Role.ANALYST])
def test_only_who_runs_the_service_writes(store: Session, service: Service, role: Role) -> None:
    somebody = acting(a_colleague(store, service, role))
    for act in (
        lambda: texts.write(store, somebody, "definition", "en", "x", number=0),
        lambda: texts.take_ours(store, somebody, "definition", "en", number=0),
        lambda: texts.history(store, somebody, "definition", "en"),
    ):
        with pytest.raises(Refused):
            act()


def test_another_services_words_are_not_ours(store: Session, service: Service, manager: Actor) -> None:
    other = a_service(store, "there")
    texts.write(store, manager, "definition", "en", THEIRS, number=0)
    assert texts.words(store, other, "definition", "en").startswith(OURS)
    assert texts.shown(store, other, "en", "definition")["definition"].startswith(OURS)
    assert texts.history(store, acting(a_colleague(store, other, Role.MANAGER)), "definition", "en") == []


def test_how_old_somebody_must_be_to_read_it_with_ease_is_a_hint_that_follows_the_words() -> None:
    assert texts.reading_age("Short.") is None
    easy = "We meet you. We talk. You say what you want. We go with you. It is free. You can stop at any time you like."
    hard = (
        "Following comprehensive multidisciplinary consideration of individual circumstances, practitioners facilitate "
        "personalised interventions addressing psychosocial determinants of wellbeing throughout communities "
        "nationally everywhere."
    )
    low, high = texts.reading_age(easy), texts.reading_age(hard)
    assert low is not None
    assert high is not None
    assert low <= 8 < 18 <= high
    ours = texts.reading_age(texts.ours("definition", "en"))
    assert ours is not None
    assert ours <= 14


@given(st.text())
def test_a_reading_age_never_fails(text: str) -> None:
    age = texts.reading_age(text)
    assert age is None or age >= 5


# On the pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def running(client: InspectedClient, store: Session) -> InspectedClient:
    """A browser in which a manager of a service is signed in."""
    service = a_real_service(store, "st-ives")
    boss = staff_member(store, service, Role.MANAGER, name="Rosa Marchetti")
    store.commit()
    sign_in(client, store, boss)
    return client


def _write(client: InspectedClient, place: str, typed: str, language: str = "en", **more: str):  # type: ignore[no-untyped-def]
    address = f"/staff/set-up/texts/{place}/{language}"
    return client.post(address, data=fields_of(client.get(address), address) | {"words": typed} | more)


def test_what_is_written_stands_on_the_public_pages_as_plain_text(running: InspectedClient) -> None:
    for place, typed, public in (
        ("definition", "We <b>walk</b> with you & yours.", "/"),
        ("link-worker", "They listen.", "/"),
        ("what-happens-next", "Aisha rings you.", "/"),
        ("responsible", "The Charity, 1 Made Up Street.", "/privacy"),
        ("lawful-basis", "It is our task by law.", "/privacy"),
        ("help-now", "The café is open until ten.", "/help-now"),
        ("definition", "We walk with you.", "/poster"),
        ("definition", "We walk far with you.", "/staff/help"),
        ("link-worker", "They go along.", "/staff/help"),
    ):
        assert _write(running, place, typed).status_code == 303
        shown = running.get(public)
        assert typed in words_of(shown)
        assert "<b>walk" not in shown.get_data(as_text=True)
    assert OURS not in words_of(running.get("/"))
    assert "your own words" in words_of(running.get("/staff/set-up/texts"))


def test_a_text_is_looked_at_before_it_is_kept(running: InspectedClient) -> None:
    shown = _write(running, "definition", "One.\n\nTwo.", go="look")
    assert shown.status_code == 200
    assert "This is how it will look One. Two." in words_of(shown)
    assert "<p>One.</p>" in shown.get_data(as_text=True)
    assert OURS in words_of(running.get("/"))
    address = "/staff/set-up/texts/definition/en"
    assert running.post(address, data=fields_of(shown, address)).status_code == 303
    assert "One. Two." in words_of(running.get("/"))


def test_ours_are_one_press_away_and_the_history_says_who_wrote_when(running: InspectedClient) -> None:
    _write(running, "definition", "Ours is yours.")
    address = "/staff/set-up/texts/definition/en"
    page = running.get(address)
    assert "23 November 2026" in words_of(page)
    assert "Rosa Marchetti" in words_of(page)
    assert running.post(f"{address}/ours", data=fields_of(page, "/ours")).status_code == 303
    assert OURS in words_of(running.get("/"))
    assert "Ours again" in words_of(running.get(address))


def test_what_cannot_be_kept_stays_typed_with_a_sentence_at_the_box(running: InspectedClient) -> None:
    for typed in (" ", "word " * 101, "x" * 4001):
        shown = _write(running, "definition", typed)
        assert shown.status_code == 422
        assert "#words" in hrefs(shown)
        assert fields_of(shown, "/definition/en")["words"] == typed
    page = running.get("/staff/set-up/texts/responsible/en")
    assert "/ours" not in page.get_data(as_text=True)


def test_of_two_writers_the_second_sees_both_texts(running: InspectedClient, store: Session) -> None:
    address = "/staff/set-up/texts/definition/en"
    mine = fields_of(running.get(address), address) | {"words": "Mine."}
    _write(running, "definition", "Theirs.")
    late = running.post(address, data=mine)
    assert late.status_code == 409
    assert "Theirs." in words_of(late)
    again = fields_of(late, address)
    assert again["words"] == "Mine."
    assert running.post(address, data=again).status_code == 303
    assert "Mine." in words_of(running.get("/"))
    strange = running.post(address, data=again | {"words": "Third.", "number": "one"})
    assert strange.status_code == 409


def test_words_in_a_language_that_runs_the_other_way_keep_their_direction(running: InspectedClient) -> None:
    assert _write(running, "definition", "ہم آپ کے ساتھ چلتے ہیں۔", "ur").status_code == 303
    page = running.get("/staff/set-up/texts/definition/ur").get_data(as_text=True)
    assert '<p lang="ur" dir="rtl">' in page
    assert "ہم آپ کے ساتھ" in words_of(running.get("/ur/"))
    assert OURS in words_of(running.get("/en/"))
    assert set(LANGUAGES) >= {"ur"}


def test_the_same_definition_stands_wherever_it_is_asked_for(store: Session, service: Service, manager: Actor) -> None:
    assert services.texts is texts
    texts.write(store, manager, "definition", "en", THEIRS, number=0)
    assert (
        texts.words(store, service, "definition", "en") == texts.shown(store, service, "en", "definition")["definition"]
    )
