"""What a service decides about scales: the locks, the licences, the texts. The rooms on both databases, the commands,
and the doors, each of whose pages the client inspects."""

import json
import os
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import cli, clock, instruments, measures, services
from portal.access import Actor, Refused, Role
from portal.i18n import LANGUAGES
from portal.instruments import BadPack, Obstacle, Responses, State, catalogue
from portal.measures import CannotDo, Question, TextState, scales
from portal.store import AuditEvent, ScaleText, Service, ServiceScale, Stores
from portal.web import logs
from portal.web import scales as door
from tests.inspector import InspectedClient, Page
from tests.staffed import a_colleague, a_service, acting
from tests.test_packs import MADE_UP, OFFICIAL, a_phq9, made_up, official, sealed
from tests.world import press, sign_in, staff_member, words_of
from tools.catalogues import gathered

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = MORNING.date()
DOCUMENT = json.loads(MADE_UP.read_bytes())["source_sha256"]
PROTOCOL = {
    "responder": "Amina Yusuf",
    "deputy": "Moss Example",
    "hours": "Monday to Friday, 9 to 5",
    "target_time": "One hour",
    "out_of_hours": "The page says whom to ring; we ring at nine",
    "clinical_safety_owner": "Rosa Marchetti",
}
SEVEN = [Question(f"Gleep {n}", ("Na", "Ne", "Ni", "No", "Nu")) for n in range(1, 8)]

Keep = Callable[[], Any]
Run = Callable[..., int]


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def boss(store: Session, service: Service) -> Actor:
    return acting(a_colleague(store, service, Role.ADMINISTRATOR, name="Rosa Marchetti"))


def two_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal's list knows of two sources of the made-up language."""
    from dataclasses import replace

    who5 = catalogue()["who5"]
    known = instruments.OfficialText("qaa", instruments.TextStatus.TWO_SOURCES, "https://example.org/list")
    knowing = {**catalogue()} | {"who5": replace(who5, official_texts=(*who5.official_texts, known))}
    made = instruments.Catalogue(tuple(knowing.values()))
    monkeypatch.setattr(instruments, "catalogue", lambda: made)


def another(**changes: Any) -> bytes:
    """The made-up pack with other words."""
    return sealed(made_up() | {"instructions": "Blorp anew:", **changes})


def brought(store: Session, service: Service, data: bytes | None = None, actor: Actor | None = None) -> ScaleText:
    return measures.import_text(
        store, service, MADE_UP.read_bytes() if data is None else data, reviewer="Ola Nowak", actor=actor
    )


def signed(store: Session, service: Service, actor: Actor | None = None, **changes: Any) -> ScaleText:
    given: dict[str, Any] = {"name": "Ola Nowak", "day": TODAY, "document_sha256": DOCUMENT} | changes
    return measures.sign_text(store, service, "who5", "qaa", actor=actor, **given)


def licensed(store: Session, boss: Actor, scale: str = "swemwbs", until: date = TODAY + timedelta(days=30)) -> None:
    measures.record_licence(
        store, boss, scale, number="W-1", holder="The Service", since=TODAY, until=until, declared=True
    )


def bring(store: Session, boss: Actor, scale: str = "swemwbs", language: str = "en", **changes: Any) -> ScaleText:
    given: dict[str, Any] = {"instruction": "Blorp:", "questions": SEVEN, "declared": True} | changes
    return measures.bring_text(store, boss, scale, language, **given)


@pytest.mark.parametrize("around", ["{}", "9. {}?", " {} …"])
def test_the_question_behind_the_lock_is_not_asked_under_another_scales_name(
    store: Session, service: Service, boss: Actor, around: str
) -> None:
    licensed(store, boss, "reqol10")
    behind = instruments.catalogue()["phq9"].wordings["en"].items["phq_9"].upper()
    asked = [Question("How are you?", ("Well", "Not well")), Question(around.format(behind), ("No", "Yes"))]
    with pytest.raises(CannotDo) as refused:
        measures.bring_text(store, boss, "reqol10", "en", instruction="Please answer.", questions=asked, declared=True)
    assert "needs a risk protocol" in refused.value.problems["questions"]


def acts(store: Session) -> list[str]:
    return [*store.scalars(select(AuditEvent.act).order_by(AuditEvent.id))]


def line(store: Session, service: Service, scale: str, language: str) -> measures.TextLine:
    return next(one for one in measures.text_states(store, service)[scale] if one.language == language)


# As it comes ---------------------------------------------------------------------------------------------------------


def test_a_new_service_offers_the_default_set_and_nothing_else(store: Session, service: Service) -> None:
    assert measures.offered(store, service) == ("goals", "gss-loneliness", "ons4", "who5")
    paid = a_service(store, "paid", commissioned_by_nhs=True)
    assert measures.offered(store, paid) == ("fft", "goals", "gss-loneliness", "ons4", "who5")


def test_a_scale_is_shown_in_its_own_words_or_not_at_all(store: Session, service: Service) -> None:
    english = measures.choose(store, service, "who5", language="en")
    assert english
    assert (english.text_status, english.wording.direction) == ("shipped", "ltr")
    assert english.wording_hash == english.instrument.wording_hash(english.instrument.wordings["en"])
    for language in ("cy", "pl", "ur", "de", "en-GB", ""):
        assert measures.choose(store, service, "who5", language=language) is None
    assert measures.obstacles_of(store, service, "who5", language="pl") == (Obstacle.NO_WORDS,)
    assert measures.choose(store, service, "ons4", language="en", age=15) is None
    assert measures.choose(store, service, "ons4", language="en", by_proxy=True) is None
    assert measures.choose(store, service, "no-such-scale", language="en") is None
    actor = acting(a_colleague(store, service, Role.MANAGER))
    with pytest.raises(KeyError):
        measures.turn_off(store, actor, "no-such-scale")


def test_the_words_of_an_answer_are_found_again(store: Session, service: Service) -> None:
    for scale in ("who5", "goals"):
        chosen = measures.choose(store, service, scale, language="en")
        assert chosen
        assert measures.words_of(store, service.id, scale, "1", "en", chosen.wording_hash) == chosen.wording


def test_our_own_words_follow_the_language_of_the_pages(
    store: Session, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    goals = catalogue()["goals"].wordings["en"]
    words = [*goals.items.values(), *(label for labels in goals.options.values() for label in labels.values())]
    assert {*words} <= {message.id for message in gathered()}, "the translators would not see them"
    lacking = words[0]
    monkeypatch.setattr(
        scales, "gettext", lambda text, **values: text if scales_language() == "pl" and text == lacking else text[::-1]
    )
    urdu = measures.choose(store, service, "goals", language="ur")
    assert urdu
    assert measures.words_of(store, service.id, "goals", "1", "ur", urdu.wording_hash) == urdu.wording
    assert line(store, service, "goals", "ur").state is TextState.IN_USE
    assert line(store, service, "goals", "pl").state is TextState.NONE_FOUND
    assert (urdu.text_status, urdu.wording.direction) == ("own-wording", "rtl")
    assert urdu.wording.items["goal_rating"] == goals.items["goal_rating"][::-1]
    assert measures.choose(store, service, "goals", language="pl") is None, "half a translation is none"
    assert measures.choose(store, service, "who5", language="ur") is None, "only our own words are translated"
    english = measures.choose(store, service, "goals", language="en")
    assert english
    assert english.text_status == "own-wording"


def scales_language() -> str:
    from portal.i18n import spoken

    return spoken().code


def test_a_scale_can_be_turned_off_and_on_again(store: Session, service: Service, boss: Actor) -> None:
    measures.turn_off(store, boss, "who5")
    assert "who5" not in measures.offered(store, service)
    assert measures.choose(store, service, "who5", language="en") is None
    measures.turn_on(store, boss, "who5")
    measures.turn_on(store, boss, "phq8")
    assert {"who5", "phq8"} <= set(measures.offered(store, service))
    assert acts(store)[-3:] == ["turned scale off", "turned scale on", "turned scale on"]
    assert store.scalars(select(ServiceScale.changed_by)).all() == [boss.staff_id, boss.staff_id]


def test_goal_scaling_is_turned_on_although_it_asks_nobody_anything(
    store: Session, service: Service, boss: Actor
) -> None:
    assert measures.standing(store, service, "gas") == (Obstacle.NOT_TURNED_ON,)
    measures.turn_on(store, boss, "gas")
    assert "gas" in measures.offered(store, service)
    assert "gas" not in measures.text_states(store, service)


def test_the_friends_and_family_question_is_for_services_that_the_nhs_pays_for(
    store: Session, service: Service, boss: Actor
) -> None:
    with pytest.raises(CannotDo, match="only for services that the NHS pays for"):
        measures.turn_on(store, boss, "fft")


@pytest.mark.parametrize("role", [Role.LINK_WORKER, Role.ANALYST])
def test_only_those_who_run_the_service_decide(store: Session, service: Service, role: Role) -> None:
    other = acting(a_colleague(store, service, role))
    for act in every_act(store, service, other):
        with pytest.raises(Refused):
            act()
    assert store.scalars(select(ServiceScale)).all() == []
    assert store.scalars(select(ScaleText)).all() == []


def test_nobody_decides_for_another_service(store: Session, service: Service, boss: Actor) -> None:
    elsewhere = a_service(store, "there")
    theirs = brought(store, elsewhere)
    with pytest.raises(Refused):
        brought(store, elsewhere, another(), boss)
    with pytest.raises(Refused):
        signed(store, elsewhere, boss)
    assert measures.refuse_text(store, boss, theirs.id, "Not ours") is None
    assert measures.text_of(store, boss, theirs.id) is None
    assert theirs.state == "waiting"
    measures.turn_off(store, boss, "who5")
    assert "who5" in measures.offered(store, elsewhere)


def every_act(store: Session, service: Service, actor: Actor) -> list[Keep]:
    return [
        lambda: measures.turn_on(store, actor, "phq9"),
        lambda: measures.turn_off(store, actor, "who5"),
        lambda: measures.record_protocol(store, actor, "phq9", PROTOCOL),
        lambda: licensed(store, actor),
        lambda: brought(store, service, actor=actor),
        lambda: signed(store, service, actor),
        lambda: measures.refuse_text(store, actor, uuid.uuid4(), "No"),
        lambda: measures.text_of(store, actor, uuid.uuid4()),
        lambda: bring(store, actor),
    ]


# The lock ------------------------------------------------------------------------------------------------------------


def test_the_ninth_question_opens_only_with_the_whole_protocol(store: Session, service: Service, boss: Actor) -> None:
    assert set(catalogue()["phq9"].protocol) == set(PROTOCOL)
    for lacking in PROTOCOL:
        measures.record_protocol(store, boss, "phq9", PROTOCOL | {lacking: "  "})
        with pytest.raises(CannotDo, match="The risk protocol is not complete"):
            measures.turn_on(store, boss, "phq9")
        assert measures.choose(store, service, "phq9", language="en") is None
    measures.record_protocol(store, boss, "phq9", PROTOCOL)
    assert measures.choose(store, service, "phq9", language="en") is None, "complete is not yet turned on"
    measures.turn_on(store, boss, "phq9")
    chosen = measures.choose(store, service, "phq9", language="en")
    assert chosen
    assert len(chosen.wording.items) == 9


@pytest.mark.sweep
@pytest.mark.parametrize("part", PROTOCOL)
def test_a_part_taken_out_of_the_protocol_locks_again(store: Session, service: Service, boss: Actor, part: str) -> None:
    measures.record_protocol(store, boss, "phq9", PROTOCOL)
    measures.turn_on(store, boss, "phq9")
    measures.record_protocol(store, boss, "phq9", {key: words for key, words in PROTOCOL.items() if key != part})
    assert measures.choose(store, service, "phq9", language="en") is None
    assert measures.standing(store, service, "phq9") == (Obstacle.NOT_TURNED_ON, Obstacle.PROTOCOL_INCOMPLETE)
    measures.record_protocol(store, boss, "phq9", PROTOCOL)
    assert measures.choose(store, service, "phq9", language="en") is None, "somebody has to turn it on again"


def test_whoever_writes_into_the_table_does_not_open_it_either(store: Session, service: Service) -> None:
    store.add(
        ServiceScale(service_id=service.id, scale="phq9", turned_on=True, protocol={"responder": "X"}, licence={})
    )
    store.add(ServiceScale(service_id=service.id, scale="swemwbs", turned_on=True, protocol={}, licence={}))
    store.flush()
    assert measures.choose(store, service, "phq9", language="en") is None
    assert measures.choose(store, service, "swemwbs", language="en") is None
    assert not {"phq9", "swemwbs"} & set(measures.offered(store, service))


def test_a_protocol_names_two_people_and_what_can_be_read(store: Session, service: Service, boss: Actor) -> None:
    for wrong, sentence in (
        ({"deputy": "AMINA yusuf"}, "Name somebody else as deputy"),
        ({"hours": "x" * 301}, "at most"),
        ({"hours": "\u0000"}, "cannot be read"),
    ):
        with pytest.raises(CannotDo, match=sentence):
            measures.record_protocol(store, boss, "phq9", PROTOCOL | wrong)
    measures.record_protocol(store, boss, "phq9", PROTOCOL | {"more": "not a part"})
    assert "more" not in (measures.recorded(store, service, "phq9").protocol or {})
    with pytest.raises(CannotDo, match="needs no risk protocol"):
        measures.record_protocol(store, boss, "phq8", PROTOCOL)
    with pytest.raises(KeyError):
        measures.record_protocol(store, boss, "no-such-scale", PROTOCOL)


def test_a_text_of_the_long_form_does_not_unlock_it(store: Session, service: Service, boss: Actor) -> None:
    brought(store, service, sealed(a_phq9()))
    measures.sign_text(store, service, "phq9", "qaa", name="Ola", day=TODAY, document_sha256=DOCUMENT, actor=boss)
    measures.turn_on(store, boss, "phq8")
    eight = measures.choose(store, service, "phq8", language="qaa")
    assert eight
    assert "Zeep 9" not in repr(eight)
    assert len(eight.wording.items) == 8
    assert measures.choose(store, service, "phq9", language="qaa") is None
    assert measures.choose(store, service, "phq2", language="qaa") is None, "not turned on"


# Licences ------------------------------------------------------------------------------------------------------------


def test_a_gated_scale_opens_with_licence_and_text_and_shuts_when_the_licence_ends(
    store: Session, service: Service, boss: Actor
) -> None:
    with pytest.raises(CannotDo, match="Record the licence first"):
        bring(store, boss)
    licensed(store, boss)
    with pytest.raises(CannotDo, match="Its words are not here"):
        measures.turn_on(store, boss, "swemwbs")
    text = bring(store, boss)
    measures.turn_on(store, boss, "swemwbs")
    chosen = measures.choose(store, service, "swemwbs", language="en")
    assert chosen
    assert (chosen.text_status, chosen.wording_hash) == ("licensed", text.text_sha256)
    answers: Responses = dict.fromkeys(chosen.instrument.item_by_code, 5)
    assert str(instruments.score(chosen.instrument, answers)["metric"].value) == "35.00"
    last = TODAY + timedelta(days=30)
    assert measures.choose(store, service, "swemwbs", language="en", today=last)
    late = last + timedelta(days=1)
    assert measures.choose(store, service, "swemwbs", language="en", today=late) is None
    assert measures.standing(store, service, "swemwbs", today=late) == (Obstacle.LICENCE_EXPIRED,)
    assert "swemwbs" not in measures.offered(store, service, today=late)
    with clock.at(MORNING + timedelta(days=31)):
        assert measures.choose(store, service, "swemwbs", language="en") is None
        with pytest.raises(CannotDo, match="The licence has run out"):
            measures.turn_on(store, boss, "swemwbs")
    assert measures.choose(store, service, "swemwbs", language="en", today=TODAY - timedelta(days=1)) is None


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": " "}, "number"),
        ({"holder": ""}, "holder"),
        ({"holder": "H" * 151}, "holder"),
        ({"since": TODAY - timedelta(days=9), "until": TODAY - timedelta(days=1)}, "until"),
        ({"since": TODAY + timedelta(days=9), "until": TODAY + timedelta(days=8)}, "until"),
        ({"declared": False}, "declared"),
    ],
)
def test_half_a_licence_is_none(
    store: Session, service: Service, boss: Actor, changes: dict[str, Any], field: str
) -> None:
    given: dict[str, Any] = {"number": "1", "holder": "H", "since": TODAY, "until": TODAY, "declared": True} | changes
    with pytest.raises(CannotDo) as refused:
        measures.record_licence(store, boss, "swemwbs", **given)
    assert [*refused.value.problems] == [field]
    assert measures.recorded(store, service, "swemwbs").licence is None


def test_what_needs_no_licence_takes_none_and_no_words_either(store: Session, boss: Actor) -> None:
    with pytest.raises(CannotDo, match="needs no licence"):
        licensed(store, boss, "who5")
    with pytest.raises(CannotDo, match="come with the portal, or in a text pack"):
        bring(store, boss, "who5")


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"questions": SEVEN[:6]}, "has 7 questions. Here are 6."),
        ({"questions": []}, "has 7 questions. Here are 0."),
        ({"questions": [*SEVEN[:6], Question("Gleep 7", ("Na", "Ne"))]}, "Question 7 has 2 answers. It can have: 5."),
        ({"questions": [*SEVEN[:6], Question(" ", SEVEN[0].answers)]}, "Question 7 or one of its answers is empty."),
        ({"questions": [*SEVEN[:6], Question("Gleep 7", ("Na", "", "Ni", "No", "Nu"))]}, "Question 7 or one of its"),
        ({"questions": [*SEVEN[:6], Question("Gleep 7", ("Na", "Na", "Ni", "No", "Nu"))]}, "the same answer twice"),
        ({"questions": [*SEVEN[:6], Question("Gleep 7", ("Nu", "No", "Ni", "Ne", "Na"))]}, "Here they differ."),
        ({"questions": [*SEVEN[:6], Question("G" * 1_001, SEVEN[0].answers)]}, "at most"),
        ({"instruction": "\u0000"}, "cannot be read"),
        ({"declared": False}, "A text that was translated here is not this scale"),
    ],
)
def test_a_licensed_text_that_does_not_fit_is_refused(
    store: Session, boss: Actor, changes: dict[str, Any], sentence: str
) -> None:
    licensed(store, boss)
    with pytest.raises(CannotDo, match=sentence):
        bring(store, boss, **changes)
    with pytest.raises(CannotDo, match="is not a language tag"):
        bring(store, boss, language="Klingon")
    assert store.scalars(select(ScaleText)).all() == []


def test_a_licensed_text_lives_in_the_database_and_another_takes_its_place(
    store: Session, service: Service, boss: Actor
) -> None:
    licensed(store, boss)
    first = bring(store, boss)
    second = bring(store, boss, instruction="Blorp anew:")
    urdu = bring(store, boss, language="ur")
    assert (first.state, second.state, urdu.state) == ("replaced", "on", "on")
    measures.turn_on(store, boss, "swemwbs")
    chosen = measures.choose(store, service, "swemwbs", language="ur")
    assert chosen
    assert chosen.wording.direction == "rtl"
    again = bring(store, boss)
    assert (again.id, again.state, second.state) == (first.id, "on", "replaced")
    words = measures.words_of(store, service.id, "swemwbs", "1", "en", second.text_sha256)
    assert words
    assert words.instruction == "Blorp anew:"
    measures.refuse_text(store, boss, again.id, "Not the licensed edition")
    assert measures.choose(store, service, "swemwbs", language="en") is None
    assert line(store, service, "swemwbs", "en").state is TextState.REFUSED


def test_a_range_takes_the_labels_of_its_ends_or_of_every_value_or_none(
    store: Session, service: Service, boss: Actor
) -> None:
    licensed(store, boss, "eq5d5l")
    five = tuple("abcde")
    questions = [*(Question(f"Gleep {n}", five) for n in range(1, 6)), Question("Gleep 6", ("worst", "best"))]
    bring(store, boss, "eq5d5l", questions=questions)
    measures.turn_on(store, boss, "eq5d5l")
    chosen = measures.choose(store, service, "eq5d5l", language="en")
    assert chosen
    assert dict(chosen.wording.options[catalogue()["eq5d5l"].items[-1].code]) == {"0": "worst", "100": "best"}
    assert dict(chosen.wording.options["eq5d5l_1"]) == {"1": "a", "2": "b", "3": "c", "4": "d", "5": "e"}
    licensed(store, boss, "mycaw")
    bring(store, boss, "mycaw", questions=[Question(f"Gleep {n}", ()) for n in range(3)])
    measures.turn_on(store, boss, "mycaw")
    assert measures.choose(store, service, "mycaw", language="en")
    with pytest.raises(CannotDo, match="It can have: 0, 2, 7"):
        bring(store, boss, "mycaw", questions=[Question(f"Gleep {n}", ("a", "b", "c")) for n in range(3)])


@pytest.mark.parametrize("scale", sorted(key for key in catalogue() if scales._is_slot(catalogue()[key])))
def test_a_slot_whose_questions_nobody_publishes_takes_its_shape_from_the_licensed_text(
    store: Session, service: Service, boss: Actor, scale: str
) -> None:
    licensed(store, boss, scale)
    for wrong in ([], [Question("Gleep", ("only one",))], [Question("Gleep", tuple("abcdefghijklm"))]):
        with pytest.raises(CannotDo):
            bring(store, boss, scale, questions=wrong)
    text = bring(store, boss, scale, questions=[Question("Gleep", ("a", "b")), Question("Gloop", ("x", "y", "z"))])
    measures.turn_on(store, boss, scale)
    chosen = measures.choose(store, service, scale, language="en")
    assert chosen
    assert [*chosen.wording.items.values()] == ["Gleep", "Gloop"]
    assert chosen.wording.options["item_2"]["answer_3"] == "z"
    assert [option.code for option in chosen.instrument.options("item_2")] == ["answer_1", "answer_2", "answer_3"]
    assert instruments.score(chosen.instrument, {"item_1": None}) == {}, "shown and stored, never scored"
    bring(store, boss, scale, questions=[Question("Gleep", ("a", "b"))])
    older = measures.instrument_of(store, service.id, scale, text.scale_version)
    assert older == chosen.instrument, "old answers keep their shape"
    words = measures.words_of(store, service.id, scale, text.scale_version, "en", chosen.wording_hash)
    assert words == chosen.wording
    assert measures.words_of(store, service.id, scale, text.scale_version, "en", "0" * 64) is None
    with pytest.raises(KeyError):
        measures.instrument_of(store, uuid.uuid4(), scale, text.scale_version)


# Text packs ----------------------------------------------------------------------------------------------------------


def test_a_text_from_one_source_stays_off_until_somebody_has_signed(
    store: Session, service: Service, boss: Actor
) -> None:
    text = brought(store, service, actor=boss)
    assert (text.state, text.status, text.reviewer) == ("waiting", "official-one-source", "Ola Nowak")
    assert (text.imported_by, text.pack) == (boss.staff_id, made_up())
    assert measures.choose(store, service, "who5", language="qaa") is None
    assert line(store, service, "who5", "qaa").state is TextState.WAITING
    signed(store, service, boss)
    assert (text.state, text.signed_name, text.signed_on) == ("on", "Ola Nowak", TODAY)
    assert (text.document_sha256, text.signed_by) == (DOCUMENT, boss.staff_id)
    chosen = measures.choose(store, service, "who5", language="qaa")
    assert chosen
    assert (chosen.text_status, chosen.wording_hash) == ("official-one-source", text.text_sha256)
    assert line(store, service, "who5", "qaa").state is TextState.IN_USE
    assert acts(store)[-2:] == ["imported scale text", "signed scale text"]


def test_a_text_from_two_sources_is_on_at_once(
    store: Session, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert line(store, service, "who5", "pl").state is TextState.NOT_LOADED
    two_sources(monkeypatch)
    text = brought(store, service, sealed(made_up() | {"status": "official-two-sources"}))
    assert (text.state, text.imported_by) == ("on", None)
    chosen = measures.choose(store, service, "who5", language="qaa")
    assert chosen
    assert chosen.text_status == "official-two-sources"
    kinds = store.scalars(select(AuditEvent.actor_kind).where(AuditEvent.act == "imported scale text")).all()
    assert [*kinds] == ["system"]


def test_nobody_turns_a_text_on_by_editing_its_status(store: Session, service: Service) -> None:
    text = brought(store, service, sealed(made_up() | {"status": "official-two-sources"}))
    assert (text.state, text.status) == ("waiting", "official-one-source")


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"day": TODAY + timedelta(days=1)}, "day"),
        ({"day": date(1970, 1, 1)}, "day"),
        ({"document_sha256": "abc"}, "document_sha256"),
        ({"document_sha256": "g" * 64}, "document_sha256"),
        ({"document_sha256": "0" * 64}, "document_sha256"),
    ],
)
def test_half_a_signature_is_none(
    store: Session, service: Service, boss: Actor, changes: dict[str, Any], field: str
) -> None:
    text = brought(store, service)
    with pytest.raises(CannotDo) as refused:
        signed(store, service, boss, **changes)
    assert [*refused.value.problems] == [field]
    assert (text.state, text.signed_name) == ("waiting", None)


def test_a_document_whose_hash_nobody_knows_is_taken_from_who_signs(store: Session, service: Service) -> None:
    brought(store, service, sealed(made_up() | {"source_sha256": None}))
    assert signed(store, service, document_sha256=" " + "AB" * 32).document_sha256 == "ab" * 32


def test_nothing_is_signed_that_does_not_wait(store: Session, service: Service) -> None:
    with pytest.raises(CannotDo, match="waits for a signature"):
        signed(store, service)
    brought(store, service)
    signed(store, service)
    with pytest.raises(CannotDo, match="waits for a signature"):
        signed(store, service)
    with pytest.raises(KeyError):
        measures.sign_text(
            store, service, "no-such-scale", "qaa", name="O", day=TODAY, document_sha256=DOCUMENT, actor=None
        )


def test_a_short_forms_name_finds_the_text_that_serves_it(store: Session, service: Service) -> None:
    brought(store, service, sealed(a_phq9()))
    text = measures.sign_text(
        store, service, "phq2", "qaa", name="Ola", day=TODAY, document_sha256=DOCUMENT, actor=None
    )
    assert (text.scale, text.state) == ("phq9", "on")
    assert {line(store, service, form, "qaa").state for form in ("phq2", "phq8", "phq9")} == {TextState.IN_USE}


def test_a_refused_text_is_not_used_and_waits_when_it_comes_again(
    store: Session, service: Service, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_sources(monkeypatch)
    data = sealed(made_up() | {"status": "official-two-sources"})
    text = brought(store, service, data)
    with pytest.raises(CannotDo, match="Enter why"):
        measures.refuse_text(store, boss, text.id, " ")
    assert measures.refuse_text(store, boss, text.id, "Item 2 reads\notherwise in print") is text
    assert measures.choose(store, service, "who5", language="qaa") is None
    assert line(store, service, "who5", "qaa").state is TextState.REFUSED
    assert brought(store, service, data) is text
    assert (text.state, text.refused_because) == ("waiting", None), "two sources or not: somebody had a reason"
    assert measures.refuse_text(store, boss, uuid.uuid4(), "No") is None
    assert acts(store).count("refused scale text") == 1


def test_the_same_text_twice_is_one_text_and_other_words_are_another(store: Session, service: Service) -> None:
    first = brought(store, service)
    assert brought(store, service) is first
    signed(store, service)
    assert brought(store, service) is first
    assert first.state == "on", "what is signed stays signed"
    second = brought(store, service, another())
    assert (first.state, second.state) == ("on", "waiting")
    states = [one.state for one in measures.text_states(store, service)["who5"] if one.language == "qaa"]
    assert states == [TextState.IN_USE, TextState.WAITING]
    signed(store, service)
    assert (first.state, second.state) == ("replaced", "on")
    words = measures.words_of(store, service.id, "who5", "1", "qaa", first.text_sha256)
    assert words, "old answers keep their words"
    assert words.instruction == made_up()["instructions"]
    assert brought(store, service) is first
    assert (first.state, second.state) == ("on", "replaced"), "it had been signed"
    third = brought(store, service, another(instructions="Third:"))
    fourth = brought(store, service, another(instructions="Fourth:"))
    assert (third.state, fourth.state) == ("replaced", "waiting"), "one at most waits for a signature"


def test_a_text_of_two_sources_that_came_as_one_is_on(
    store: Session, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_sources(monkeypatch)
    text = brought(store, service)
    assert text.state == "waiting"
    assert brought(store, service, sealed(made_up() | {"status": "official-two-sources"})) is text
    assert (text.state, text.status, text.pack["status"]) == ("on", "official-two-sources", "official-two-sources")


def test_a_bad_pack_and_a_missing_reviewer_are_said_together(store: Session, service: Service) -> None:
    bad = json.dumps(made_up() | {"licence": "none"}).encode()
    with pytest.raises(BadPack) as refused:
        measures.import_text(store, service, bad, reviewer=" ", actor=None)
    assert len(refused.value.problems) == 2
    with pytest.raises(BadPack, match="Enter who has reviewed this text"):
        measures.import_text(store, service, MADE_UP.read_bytes(), reviewer="", actor=None)
    assert store.scalars(select(ScaleText)).all() == []


def test_a_text_of_an_older_version_is_kept_and_not_shown(
    store: Session, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    brought(store, service)
    chosen_hash = signed(store, service).text_sha256
    newer = replace(catalogue()["who5"], version="2")
    both = instruments.Catalogue((*catalogue().versions(), newer))
    monkeypatch.setattr(instruments, "catalogue", lambda: both)
    assert measures.choose(store, service, "who5", language="qaa") is None
    assert measures.words_of(store, service.id, "who5", "1", "qaa", chosen_hash)


def test_two_texts_signed_at_the_same_moment_leave_one_in_use(stores: Stores) -> None:
    with stores.writing.begin() as store:
        here = a_service(store)
        actor = acting(a_colleague(store, here, Role.ADMINISTRATOR))
        licensed(store, actor)
    ready = threading.Barrier(2)
    failed: list[BaseException] = []

    def bring_it(words: str) -> None:
        try:
            ready.wait()
            with clock.at(MORNING), stores.writing.begin() as store:
                bring(store, actor, instruction=words)
        except BaseException as problem:
            failed.append(problem)

    both = [threading.Thread(target=bring_it, args=(words,)) for words in ("Blip:", "Blop:")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failed == []
    with stores.reading() as store:
        assert sorted(store.scalars(select(ScaleText.state))) == ["on", "replaced"]


def test_the_same_pack_twice_at_the_same_moment_is_one_text(stores: Stores) -> None:
    with stores.writing.begin() as store:
        a_service(store)
    ready = threading.Barrier(2)
    failed: list[BaseException] = []

    def bring_it() -> None:
        try:
            ready.wait()
            with stores.writing.begin() as store:
                brought(store, store.scalars(select(Service)).one())
        except BaseException as problem:
            failed.append(problem)

    both = [threading.Thread(target=bring_it) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failed == []
    with stores.reading() as store:
        assert [*store.scalars(select(ScaleText.state))] == ["waiting"]


# What staff are told -------------------------------------------------------------------------------------------------


def test_staff_are_told_of_official_texts_that_are_not_loaded(store: Session, service: Service) -> None:
    welsh = line(store, service, "ons4", "cy")
    assert (welsh.state, welsh.where != "") == (TextState.NOT_LOADED, True)
    german = line(store, service, "who5", "de")
    assert german.state is TextState.NOT_LOADED
    assert german.where.startswith("https://www.who.int/")
    assert line(store, service, "who5", "pl").where.endswith("who-5_polish.pdf?sfvrsn=4df8e167_3")
    assert line(store, service, "who5", "cy").state is TextState.NOT_IN_HOLDER_LIST
    assert line(store, service, "gad7", "cy").state is TextState.NONE_FOUND
    assert line(store, service, "gss-loneliness", "ur").state is TextState.NONE_FOUND
    assert line(store, service, "swemwbs", "en").state is TextState.NOT_LOADED
    assert line(store, service, "icecap-a", "en").state is TextState.NONE_FOUND
    assert line(store, service, "phq2", "lt").state is TextState.NOT_LOADED


def test_every_scale_says_something_in_every_language_of_the_pages(store: Session, service: Service) -> None:
    states = measures.text_states(store, service)
    for scale, lines in states.items():
        assert set(LANGUAGES) <= {one.language for one in lines}, scale
        assert lines[0].language == "en"
        english = TextState.IN_USE if catalogue()[scale].state is not State.GATED else lines[0].state
        assert lines[0].state is english
    assert set(catalogue()) - set(states) == {"gas"}


# The official texts --------------------------------------------------------------------------------------------------


@official
@pytest.mark.parametrize(
    ("language", "direction", "comes"), [("pl", "ltr", "on"), ("ur", "rtl", "waiting"), ("ar", "rtl", "waiting")]
)
def test_the_official_well_being_index_is_taken_in_shown_and_scored(
    store: Session, service: Service, language: str, direction: str, comes: str
) -> None:
    data = (OFFICIAL / f"who5.{language}.json").read_bytes()
    text = brought(store, service, data)
    assert text.state == comes
    if comes == "waiting":
        assert measures.choose(store, service, "who5", language=language) is None
        measures.sign_text(
            store,
            service,
            "who5",
            language,
            name="Made Up",
            day=TODAY,
            document_sha256=text.pack["source_sha256"],
            actor=None,
        )
    chosen = measures.choose(store, service, "who5", language=language)
    assert chosen
    assert chosen.wording.direction == direction
    assert chosen.wording_hash == json.loads(data)["text_sha256"]
    answers: Responses = dict(zip(chosen.instrument.item_by_code, (3, 3, 2, 2, 2), strict=True))
    assert instruments.score(chosen.instrument, answers)["percent"].value == 48


@official
def test_all_official_texts_are_taken_in(store: Session, service: Service) -> None:
    files = sorted(OFFICIAL.glob("*.json"))
    states = [brought(store, service, file.read_bytes()).state for file in files]
    assert (states.count("on"), states.count("waiting")) == (12, 31)
    assert line(store, service, "phq8", "pl").state is TextState.IN_USE
    assert line(store, service, "gad2", "lt").state is TextState.WAITING


# The commands --------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], database_url: str, stores: Stores) -> Run:
    """Runs a command on this test's database, in which there is a service."""
    with stores.writing.begin() as store:
        a_service(store)
    monkeypatch.setattr(logs, "start", lambda level=0: None)
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)
    for name, value in {**environment, "PORTAL_DATABASE_URL": database_url}.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: cli.main(arguments)


SIGNED = ("--name", "Ola Nowak", "--date", "2026-11-20", "--document-sha256", DOCUMENT)


def test_the_commands_take_a_text_in_and_sign_it(here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    assert here("import-text", str(MADE_UP), "--reviewer", "Ola Nowak", "--service", "here") == 0
    assert "It is off until a native speaker has compared it" in capsys.readouterr().out
    assert here("scales") == 0
    said = capsys.readouterr().out
    assert "phq9 (PHQ-9): It is turned off. The risk protocol is not complete." in said
    assert "who5 (WHO-5 Well-Being Index): on" in said
    assert "  qaa  waiting  official-one-source  Made-up for tests  https://example.org/made-up-form.pdf" in said
    assert "  cy  not-in-holder-list  https://www.who.int/" in said.replace("  not-in-holder-list  not-in", "  not-in")
    assert here("sign-text", "who5", "qaa", *SIGNED) == 0
    assert "in use from now" in capsys.readouterr().out
    assert here("import-text", str(MADE_UP), "--reviewer", "Ola Nowak") == 0
    assert "It is in use from now." in capsys.readouterr().out
    with stores.reading() as store:
        text = store.scalars(select(ScaleText)).one()
        assert (text.state, text.signed_on, text.imported_by) == ("on", date(2026, 11, 20), None)
        assert {*store.scalars(select(AuditEvent.actor_kind).where(AuditEvent.about == "scale_text"))} == {"system"}


def test_the_commands_refuse_with_sentences(
    here: Run, stores: Stores, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(made_up() | {"licence": "none", "source_url": ""}), "utf-8")
    huge = tmp_path / "huge.json"
    huge.write_bytes(b" " * 3_000_000)
    for arguments, sentence in (
        (("import-text", str(bad), "--reviewer", "Ola"), "- “source_url” is empty."),
        (("import-text", str(bad), "--reviewer", "Ola"), "- The licence differs from that of WHO-5"),
        (("import-text", str(huge), "--reviewer", "Ola"), "- The file is too large."),
        (("import-text", str(MADE_UP), "--reviewer", " "), "- Enter who has reviewed this text"),
        (("import-text", str(tmp_path / "none.json"), "--reviewer", "Ola"), "cannot be read: No such file"),
        (("import-text", str(tmp_path), "--reviewer", "Ola"), "cannot be read: Is a directory"),
        (("import-text", str(MADE_UP), "--reviewer", "Ola", "--service", "no"), "There is no service with the short"),
        (("sign-text", "who5", "qaa", *SIGNED), "No text of this scale waits for a signature in this language."),
        (("sign-text", "who6", "qaa", *SIGNED), "There is no scale who6."),
        (("scales", "--service", "no"), "There is no service with the short name no."),
    ):
        assert here(*arguments) == 2, arguments
        assert sentence in capsys.readouterr().err, arguments
    assert here("import-text", str(MADE_UP), "--reviewer", "Ola") == 0
    assert here("sign-text", "who5", "qaa", *SIGNED[:-1], "0" * 64) == 2
    assert "This is another document" in capsys.readouterr().err
    for wrong in (("import-text", str(MADE_UP)), ("sign-text", "who5", "qaa", *SIGNED[:3], "20.11.", *SIGNED[4:])):
        with pytest.raises(SystemExit) as stopped:
            here(*wrong)
        assert stopped.value.code == 2
    with stores.reading() as store:
        assert [*store.scalars(select(ScaleText.state))] == ["waiting"]


def test_no_command_and_no_settings_file_opens_the_lock(
    here: Run, stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "phq9.qaa.json"
    pack.write_bytes(sealed(a_phq9()))
    here("import-text", str(pack), "--reviewer", "Ola")
    here("sign-text", "phq9", "qaa", *SIGNED)
    settings = tmp_path / "settings.json"
    for wanted in (
        {"scales": {"phq9": True}},
        {"scales": ["phq9"]},
        {"protocol": PROTOCOL},
        {"phq9": "on"},
        {"check_ins": {"scales": ["phq9"]}},
        {"commissioned_by_nhs": True},
    ):
        settings.write_text(json.dumps(wanted), "utf-8")
        here("change-service", str(settings))
    commands = next(one for one in cli.parser()._actions if hasattr(one, "choices") and one.choices)
    assert not [name for name in commands.choices or () if re.search("turn|protocol|unlock|licence", str(name))]
    capsys.readouterr()
    with stores.reading() as store:
        found = services.find(store, "here")
        assert found
        assert "phq9" not in measures.offered(store, found)
        for language in ("en", "qaa"):
            assert measures.choose(store, found, "phq9", language=language) is None


# The doors -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def running(client: InspectedClient, store: Session, service: Service) -> InspectedClient:
    """A browser in which the administrator is signed in."""
    sign_in(client, store, staff_member(store, service, Role.ADMINISTRATOR, name="Rosa Marchetti"))
    return client


def fresh(store: Session) -> Service:
    store.rollback()
    store.expire_all()
    return store.scalars(select(Service)).one()


@pytest.mark.both_databases
def test_the_list_says_what_is_on_and_why_the_others_are_not(running: InspectedClient, store: Session) -> None:
    said = words_of(running.get("/staff/scales"))
    assert "PHQ-9 State Locked Why It is turned off. The risk protocol is not complete." in said
    assert "Needs a licence" in said
    assert "WHO-5 Well-Being Index State On Why Nothing stands against it." in said
    assert "A text waits for a signature" not in said
    press(running, "/staff/scales/text-pack", pack=MADE_UP.read_text("utf-8"), reviewer="Ola")
    assert "A text waits for a signature" in words_of(running.get("/staff/scales"))


@pytest.mark.parametrize("scale", sorted(catalogue()))
def test_every_scale_has_a_page_with_its_licence(running: InspectedClient, scale: str) -> None:
    for language in ("en", "ur"):
        page = running.get(f"/{language}/staff/scales/{scale}" if language != "en" else f"/staff/scales/{scale}")
        assert page.status_code == 200
        said = words_of(page)
        licence = catalogue()[scale].licence
        assert " ".join(licence.terms.split()) in said
        assert " ".join(licence.print_line.split()) in said
    assert running.get("/staff/scales/no-such-scale").status_code == 404


def test_only_languages_with_words_stand_in_sight(running: InspectedClient) -> None:
    page = Page(running.get("/staff/scales/who5").get_data(as_text=True))
    (folded,) = (one for one in page.all("details") if "portal-menu" not in one.get("class", ""))
    rows = ["".join(row.itertext()).split()[1] for row in page.all("tr")[1:]]
    assert rows == ["English"]
    told = "".join(folded.itertext())
    assert "An official text exists, and is not loaded" in told
    assert "Urdu" in told
    # Each language stands once, here or there.
    assert "State On Turn it off" in words_of(running.get("/staff/scales/who5"))
    assert "English" not in {"".join(line.itertext()).split()[0].rstrip(",") for line in folded.findall(".//li")}


def test_the_page_says_where_an_official_text_is(running: InspectedClient) -> None:
    page = Page(running.get("/staff/scales/ons4").get_data(as_text=True))
    assert "An official text exists, and is not loaded" in "".join(page.all("body")[0].itertext())
    assert any((link.get("href") or "").startswith("https://") for link in page.all("a"))


def test_a_scale_is_turned_off_and_on_by_its_buttons(running: InspectedClient, store: Session) -> None:
    assert "This scale is off." in words_of(running.get(press(running, "/staff/scales/who5", "/off").location))
    assert "who5" not in measures.offered(store, fresh(store))
    assert "This scale is on." in words_of(running.get(press(running, "/staff/scales/who5", "/on").location))
    assert "who5" in measures.offered(store, fresh(store))


def test_the_lock_opens_by_its_own_form_alone(running: InspectedClient, store: Session) -> None:
    refused = press(running, "/staff/scales/phq9", "/on")
    assert refused.status_code == 422
    assert "The risk protocol is not complete" in words_of(refused)
    half = PROTOCOL | {"deputy": ""}
    press(running, "/staff/scales/phq9/protocol", **half)
    assert press(running, "/staff/scales/phq9", "/on").status_code == 422
    said = words_of(running.get("/staff/scales/phq9"))
    assert "Amina Yusuf" in said
    assert "Missing" in said
    same = press(running, "/staff/scales/phq9/protocol", **PROTOCOL | {"deputy": "amina yusuf"})
    assert same.status_code == 422
    assert "Name somebody else as deputy" in words_of(same)
    assert press(running, "/staff/scales/phq9/protocol", **PROTOCOL).status_code == 303
    assert press(running, "/staff/scales/phq9", "/on").status_code == 303
    assert "phq9" in measures.offered(store, fresh(store))
    press(running, "/staff/scales/phq9/protocol", **half)
    assert "phq9" not in measures.offered(store, fresh(store))
    assert running.get("/staff/scales/who5/protocol").status_code == 404


@pytest.mark.parametrize("role", [None, *Role])
def test_no_role_and_no_form_gets_round_the_lock(
    client: InspectedClient, store: Session, service: Service, role: Role | None
) -> None:
    """Every act of this door, by everybody, with whatever might seem to unlock; only the whole protocol is not sent."""
    brought(store, service, sealed(a_phq9()))
    text = measures.sign_text(store, service, "phq9", "qaa", name="O", day=TODAY, document_sha256=DOCUMENT, actor=None)
    text_id = str(text.id)
    store.commit()
    if role:
        sign_in(client, store, staff_member(store, service, role))
    token = next(
        field.get("value", "")
        for field in Page(client.get("/carry-on").get_data(as_text=True)).all("input")
        if field.get("name") == "csrf_token"
    )
    everything = {part: words for part, words in PROTOCOL.items() if part != "out_of_hours"} | {
        "turned_on": "y",
        "state": "on",
        "protocol": "complete",
        "declared": "y",
        "number": "1",
        "holder": "H",
        "since": "1 1 2026",
        "until": "1 1 2100",
        "language": "en",
        "instruction": "I",
        "because": "B",
        "questions": "\n".join(f"Q{n}" for n in range(9)),
        "answers": "a\nb\nc\nd",
        "scale": "phq9",
        "pack": sealed(a_phq9()).decode(),
        "reviewer": "R",
        "name": "N",
        "day": "1 1 2026",
        "compared": "y",
    }
    app = client.application
    acts = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("scales.")]
    posted = 0
    for rule in (one for one in acts if "POST" in (one.methods or ())):
        given = {name: {"scale_key": "phq9", "text_id": text_id}[name] for name in rule.arguments}
        for out_of_hours in ({}, {"out_of_hours": ""}, {"out_of_hours": " \u200b "}):
            address = app.url_map.bind("localhost").build(rule.endpoint, given)
            answered = client.post(address, data={"csrf_token": token, **everything, **out_of_hours})
            assert answered.status_code < 500
            posted += 1
            here = fresh(store)
            for language in ("en", "qaa"):
                assert measures.choose(store, here, "phq9", language=language) is None, rule.rule
            store.rollback()
    assert posted == 24


def test_a_gated_scale_is_opened_page_by_page(running: InspectedClient, store: Session) -> None:
    assert running.get("/staff/scales/who5/licence").status_code == 404
    assert running.get("/staff/scales/who5/words").status_code == 404
    typed = {"number": "W-1", "holder": "The Service", "since": "23 11 2026", "until": "24 11 2026", "declared": "y"}
    for wrong, sentence in (
        ({"since": "soon"}, "Enter a date, such as 24 11 2026"),
        ({"until": "1 11 2026"}, "Enter a last day that is not before the first day"),
        ({"declared": ""}, "Without a licence this scale may not be used"),
    ):
        given = {name: value for name, value in (typed | wrong).items() if value}
        refused = press(running, "/staff/scales/swemwbs/licence", **given)
        assert refused.status_code == 422
        assert sentence in words_of(refused)
    words = {
        "language": "ur",
        "instruction": "Blorp:",
        "questions": "\n".join(f"Gleep {n}" for n in range(1, 8)),
        "answers": "Na\nNe\nNi\nNo\nNu",
        "declared": "y",
    }
    early = press(running, "/staff/scales/swemwbs/words", **words)
    assert "Record the licence first." in words_of(early)
    assert press(running, "/staff/scales/swemwbs/licence", **typed).status_code == 303
    few = press(running, "/staff/scales/swemwbs/words", **words | {"questions": "Gleep 1", "language": "klingon"})
    assert few.status_code == 422
    assert "has 7 questions. Here are 1." in words_of(few)
    assert "is not a language tag" in words_of(few)
    done = press(running, "/staff/scales/swemwbs/words", **words)
    page = Page(running.get(done.location).get_data(as_text=True))
    shown = next(one for one in page.all("div") if one.get("lang") == "ur")
    assert shown.get("dir") == "rtl"
    assert "Gleep 7" in "".join(shown.itertext())
    assert press(running, "/staff/scales/swemwbs", "/on").status_code == 303
    assert "swemwbs" in measures.offered(store, fresh(store))
    assert "24 November 2026" in words_of(running.get("/staff/scales/swemwbs"))
    with clock.at(MORNING + timedelta(days=2)):
        sign_in(running, store, staff_member(store, fresh(store), Role.ADMINISTRATOR))
        assert "The licence has run out." in words_of(running.get("/staff/scales/swemwbs"))
        assert "swemwbs" not in measures.offered(store, fresh(store))


def test_questions_with_answers_of_their_own_are_pasted_in_blocks(running: InspectedClient, store: Session) -> None:
    licence = {"number": "1", "holder": "S", "since": "1 11 2026", "until": "24 11 2026", "declared": "y"}
    press(running, "/staff/scales/reqol10/licence", **licence)
    assert "It takes the shape of the text that you bring" in words_of(running.get("/staff/scales/reqol10/words"))
    typed = {"language": "en", "instruction": "", "declared": "y"}
    blocks = "\r\n \r\nGleep\r\nNa\r\n Ne \r\n\r\n\r\nGloop\r\nNi\r\nNo\r\nNu\r\n"
    done = press(running, "/staff/scales/reqol10/words", **typed, questions=blocks)
    assert done.status_code == 303
    assert press(running, "/staff/scales/reqol10", "/on").status_code == 303
    chosen = measures.choose(store, fresh(store), "reqol10", language="en")
    assert chosen
    assert [*chosen.wording.items.values()] == ["Gleep", "Gloop"]
    assert [*chosen.wording.options["item_1"].values()] == ["Na", "Ne"]
    assert "Gloop" in words_of(running.get(done.location))


def test_a_pasted_pack_keeps_every_byte_of_its_words(running: InspectedClient, store: Session) -> None:
    """Unicode would write some letters in another way (NFC), and a browser ends lines in another way."""
    pack = made_up() | {"instructions": "Blo\u0301rp \u09a1\u09bc \u09dc:"}
    pasted = json.dumps(json.loads(sealed(pack)), indent=1, ensure_ascii=False).replace("\n", "\r\n")
    done = press(running, "/staff/scales/text-pack", pack=pasted, reviewer="Ola Nowak")
    assert done.status_code == 303, words_of(done)
    fresh(store)
    assert store.scalars(select(ScaleText)).one().pack["instructions"] == pack["instructions"]


def test_a_bad_pack_is_refused_with_all_its_sentences_and_stays_on_the_page(running: InspectedClient) -> None:
    bad = json.dumps(made_up() | {"licence": "none", "status": "official", "notes": ["Auto-translated <b>"]})
    refused = press(running, "/staff/scales/text-pack", pack=bad, reviewer="Ola")
    said = words_of(refused)
    assert refused.status_code == 422
    assert "The licence differs from that of WHO-5" in said
    assert "The status must be official-two-sources or official-one-source." in said
    assert "a machine took part in the translation" in said
    page = Page(refused.get_data(as_text=True))
    assert json.loads("".join(next(one for one in page.all("textarea")).itertext())) == json.loads(bad)
    nothing = press(running, "/staff/scales/text-pack", pack="", reviewer="")
    assert "Paste the text pack" in words_of(nothing)
    assert "Enter who has reviewed this text" in words_of(nothing)
    huge = press(running, "/staff/scales/text-pack", pack="x" * 60_000, reviewer="Ola")
    assert huge.status_code == 422


def test_a_waiting_text_is_compared_signed_and_later_refused_on_its_page(
    running: InspectedClient, store: Session
) -> None:
    address = press(running, "/staff/scales/text-pack", pack=MADE_UP.read_text("utf-8"), reviewer="Ola").location.split(
        "?"
    )[0]
    said = words_of(running.get(address))
    for shown in ("Waiting for a signature", "Trinka trall", "Olla nik (4)", "Every word of it is made up.", DOCUMENT):
        assert shown in said
    typed = {"name": "Ola Nowak", "day": "22 11 2026", "document_sha256": DOCUMENT, "compared": "y"}
    for wrong, sentence in (
        ({"name": ""}, "Enter the name of the person who compared the texts"),
        ({"day": "1 1 2027"}, "It may not be in the future"),
        ({"day": "soon"}, "Enter a date, such as 24 11 2026"),
        ({"document_sha256": "12"}, "64 digits and letters from a to f"),
        ({"document_sha256": "0" * 64}, "This is another document"),
        ({"compared": ""}, "Tick the box, if it is true. Until then the text stays off"),
    ):
        given = {name: value for name, value in (typed | wrong).items() if value}
        refused = press(running, address, "/sign", **given)
        assert refused.status_code == 422
        assert sentence in words_of(refused)
    assert measures.choose(store, fresh(store), "who5", language="qaa") is None
    assert press(running, address, "/sign", **typed).status_code == 303
    assert measures.choose(store, fresh(store), "who5", language="qaa")
    said = words_of(running.get(address))
    assert "Ola Nowak" in said
    assert "Sunday 22 November 2026" in said
    assert "Enter why this text is not to be used" in words_of(press(running, address, "/refuse", because=""))
    assert press(running, address, "/refuse", because="Item 2").status_code == 303
    assert measures.choose(store, fresh(store), "who5", language="qaa") is None
    assert "Item 2" in words_of(running.get(address))


def test_a_signature_for_a_text_that_no_longer_waits_signs_no_other(running: InspectedClient, store: Session) -> None:
    first = press(running, "/staff/scales/text-pack", pack=MADE_UP.read_text("utf-8"), reviewer="Ola").location
    token = next(
        one.get("value", "")
        for one in Page(running.get(first).get_data(as_text=True)).all("input")
        if one.get("name") == "csrf_token"
    )
    press(running, "/staff/scales/text-pack", pack=another().decode(), reviewer="Ola")
    typed = {"csrf_token": token, "name": "O", "day": "22 11 2026", "document_sha256": DOCUMENT, "compared": "y"}
    late = running.post(first.split("?")[0] + "/sign", data=typed)
    assert late.status_code == 422
    assert "No text of this scale waits for a signature" in words_of(late)
    for act in ("sign", "refuse"):
        empty = running.post(f"{first.split('?')[0]}/{act}", data={"csrf_token": token})
        assert empty.status_code == 422, "the form has gone from the page, and its sentences lead to the state"
    assert measures.choose(store, fresh(store), "who5", language="qaa") is None


def test_the_menu_leads_those_who_may_to_the_scales(client: InspectedClient, store: Session, service: Service) -> None:
    staff_member(store, service, Role.MANAGER)
    sign_in(client, store, staff_member(store, service, Role.LINK_WORKER))
    links = [one.get("href") for one in Page(client.get("/staff/inbox").get_data(as_text=True)).all("a")]
    assert "/staff/scales" not in links
    sign_in(client, store, staff_member(store, service, Role.MANAGER))
    links = [one.get("href") for one in Page(client.get("/staff/inbox").get_data(as_text=True)).all("a")]
    assert "/staff/scales" in links


def test_every_part_of_a_protocol_has_a_field() -> None:
    wanted = {part for instrument in catalogue().values() for part in instrument.protocol}
    assert wanted == set(door.PARTS)
    assert set(door.STATES) == set(TextState)
    assert set(scales.OBSTACLES) == set(Obstacle)
