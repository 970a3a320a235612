import datetime as dt
import io
import itertools
import logging
import re
import signal
import socket
import ssl
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from jinja2 import meta
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import audit, clock, notifications
from portal.access import Refused, Role
from portal.i18n import LANGUAGES
from portal.notifications import (
    BACK_OFF,
    LEASE,
    MESSAGES,
    MOST_TRIES,
    NEUTRAL,
    Audience,
    ConsoleTransport,
    Delivered,
    NotDeclared,
    NotNow,
    Outgoing,
    SMTPTransport,
    Undeliverable,
    Words,
)
from portal.services import WEEKDAYS
from portal.store import ContactWay, Message, Service, Stores, Task
from portal.web.messages import SIGN_IN, TEMPLATES, Renderer, environment
from tests import conftest
from tests.staffed import a_colleague, a_person, a_service, a_way, acting
from tests.workers import a_worker, go

RENDER = Renderer("https://refer.example.org", "here")
EXAMPLES = {
    "code": "123456",
    "reference": "K7QF-2M9T-X",
    "by": "2026-11-30",
    "link": "https://refer.example.org/x",
    "token": "x" * 43,
    "words": "What the page listed.",
}
ALWAYS = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
CHANNELS = ("call", "text", "email", "post", "through-person", "come-back")


def example(template: str) -> dict[str, str]:
    declared = MESSAGES[template]
    return {key: EXAMPLES[key] for key in declared.details | declared.may}


@dataclass
class Kept:
    """Keeps what is sent, or fails as told."""

    sent: list[Outgoing] = field(default_factory=list)
    fault: Callable[[Outgoing], Exception | None] = lambda _: None

    def send(self, outgoing: Outgoing) -> None:
        if fault := self.fault(outgoing):
            raise fault
        self.sent.append(outgoing)


def outgoing(to: str = "zofia@inbox.example", subject: str = "Hello", body: str = "Words.\n") -> Outgoing:
    return Outgoing(uuid.UUID(int=7), to, Words(subject, body), "en")


def only(store: Session, table: type[Any]) -> Any:
    return store.scalars(select(table)).one()


# --- what the messages say --------------------------------------------------------------------------------------------

# No message names health, what kind of service this is, a need or a score (product 5, hazard H4). Stems, so that
# inflected words are found as well.
BANNED = {
    "en": "health wellbeing well-being social prescri link worker referr nhs doctor surgery medic clinic patient mental"
    " counsel therap diagnos symptom crisis suicid abus harm danger risk alert depress anxi lonel debt housing benefits"
    " carer score questionnaire treatment illness sick gp",
    "cy": "iechyd lles presgripsi cyfeirio atgyfeir meddyg gig clinig claf meddwl cwnsel therap argyfwng hunanladd"
    " cam-drin niwed perygl risg iselder unigrwydd dyled sgôr salwch",
    "pl": "zdrow dobrosta recept skierowa lekarz przychodni pacjent psych terap kryzys samobój przemoc krzywd"
    " ryzyk depres samotn dług wynik chorob leczen nfz",
    "ur": "صحت ڈاکٹر ریفرل ہسپتال مریض علاج بیمار خودکشی تشدد خطرہ ڈپریشن تنہائی قرض اسکور نسخہ",
}


def test_every_language_of_the_portal_has_a_list_of_banned_words() -> None:
    assert set(BANNED) == set(LANGUAGES)


def banned_in(text: str, language: str) -> list[str]:
    words = BANNED[language].replace("social prescri", "social_prescri").replace("link worker", "link_worker").split()
    plain = " ".join(text.casefold().split())
    return [word for word in words if re.search(rf"\b{re.escape(word.replace('_', ' '))}", plain)]


def test_the_lint_finds_what_it_is_for() -> None:
    assert banned_in("Your Social\nPrescribing referral", "en") == ["social_prescri", "referr"]
    assert banned_in("Pana skierowanie", "pl") == ["skierowa"]
    assert banned_in("We have what you sent us", "en") == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", MESSAGES)
def test_no_message_says_what_it_is_about(template: str, language: str) -> None:
    phones = ("", "01234 567890")
    for phone in phones:
        words = RENDER(template, language, {**example(template), "phone": phone, "service": "here"})
        everything = f"{words.subject}\n{words.body}".replace(EXAMPLES["link"], "").replace(
            RENDER.sign_in_of("here"), ""
        )
        for spoken in {language, "en"}:
            assert banned_in(everything, spoken) == []


def names_in(file: Path) -> set[str]:
    return meta.find_undeclared_variables(environment().parse(file.read_text("utf-8")))


@pytest.mark.parametrize("template", MESSAGES)
def test_a_template_uses_only_what_is_declared(template: str) -> None:
    declared = MESSAGES[template]
    used = names_in(TEMPLATES / f"{template}.txt")
    used.discard("_")
    assert used <= declared.details | declared.may | set(NEUTRAL)
    assert declared.details <= used, "declared, but never said"


def test_no_detail_can_carry_a_name_or_words_of_a_person() -> None:
    details = {key for template in MESSAGES.values() for key in template.details | template.may}
    assert details == set(EXAMPLES), "a new detail: can it hold a name, a need, a score or a person's words?"
    saying = {template.code for template in MESSAGES.values() if "words" in template.details}
    assert saying == {"message-back", "onward-referral"}
    for template in MESSAGES.values():
        about_them = template.audience is Audience.PROFESSIONAL
        assert about_them == ("words" in template.details) == bool(template.permission), template.code


def test_every_template_is_a_message_and_every_message_a_template() -> None:
    assert {file.stem for file in TEMPLATES.glob("*.txt")} == set(MESSAGES)
    for file in (TEMPLATES / "parts").iterdir():
        assert names_in(file) - {"_"} <= set(NEUTRAL)


@pytest.mark.parametrize("template", MESSAGES)
def test_a_draft_language_carries_the_english_beneath(template: str) -> None:
    values = {**example(template), "phone": "01234 567890", "service": "here"}
    english = RENDER(template, "en", values)
    assert english.subject
    assert "\n" not in english.subject
    assert "None" not in english.body
    for code, language in LANGUAGES.items():
        said = RENDER(template, code, values)
        assert said.body.endswith(english.body)
        assert (said.body == english.body) == language.reviewed


def test_a_person_is_told_a_day_only_when_there_is_one() -> None:
    values = {"reference": "K7QF-2M9T-X", "phone": "", "service": "here"}
    assert "K7QF-2M9T-X" in RENDER("referral-received", "en", values).body
    assert " by " not in RENDER("referral-received", "en", values).body
    with_day = RENDER("referral-received", "en", {**values, "by": "2026-11-30"})
    assert "by Monday 30 November 2026" in with_day.body


def test_staff_are_sent_to_the_sign_in_page_of_their_own_service() -> None:
    values: dict[str, object] = {"phone": "", "service": "here"}
    assert "https://refer.example.org/staff/sign-in\n" in RENDER("alert-waiting", "en", values).body
    values["service"] = "there"
    assert "https://refer.example.org/at/there/staff/sign-in\n" in RENDER("alert-waiting", "en", values).body


def test_a_person_is_sent_to_a_page_of_their_own_service_in_their_own_language() -> None:
    values: dict[str, object] = {"phone": "", "service": "here", "token": "abc-_9"}
    assert "https://refer.example.org/en/c/abc-_9\n" in RENDER("check-in-due", "en", values).body
    polish = RENDER("check-in-reminder", "pl", {**values, "service": "there"}).body
    assert "https://refer.example.org/at/there/pl/c/abc-_9\n" in polish
    assert "https://refer.example.org/at/there/en/c/abc-_9\n" in polish.partition("----------")[2]
    assert RENDER.check_in_of("here", "xx") == "https://refer.example.org/en/c/"


def test_the_sign_in_page_in_a_message_is_a_real_page(app: Flask) -> None:
    assert SIGN_IN in {rule.rule for rule in app.url_map.iter_rules("sign_in.sign_in")}


# --- who may be told --------------------------------------------------------------------------------------------------


def told_and_delivered(stores: Stores, ways: list[tuple[str, bool, bool]], template: str) -> tuple[list[str], str, int]:
    """Tell one new person: the addresses that were really written to, the state, the number of tasks."""
    with stores.writing.begin() as store:
        # Open day and night: what leaves in opening hours only must leave now.
        service = store.scalars(select(Service)).first() or a_service(store, opening_hours=ALWAYS)
        person = a_person(store, service)
        kept = [
            a_way(store, person, channel, address=f"{channel}-{number}@inbox.example", allowed=yes, confirmed=shown)
            for number, (channel, yes, shown) in enumerate(ways)
        ]
        if MESSAGES[template].carries_code:
            message = notifications.send_code(store, service, kept[0], "123456", template)
        else:
            message = notifications.tell_person(
                store, service, person.id, template, once=str(person.id), details=example(template)
            )
        message_id, person_id = message.id, person.id
    transport = Kept()
    notifications.deliver(stores, transport, RENDER)
    with stores.reading.begin() as store:
        state = store.scalars(select(Message).where(Message.id == message_id)).one().state
        asked = store.scalar(select(func.count()).select_from(Task).where(Task.person_id == person_id)) or 0
    return [sent.to for sent in transport.sent], state, asked


FOR_PEOPLE = [code for code, template in MESSAGES.items() if template.audience is Audience.PERSON]
SETTINGS = list(itertools.product(CHANNELS, (True, False), (True, False)))


def the_matrix(stores: Stores, settings: list[tuple[str, bool, bool]]) -> int:
    """Every template to everybody with one way, and with every further way beside an email that is not allowed."""
    tried = 0
    for template in FOR_PEOPLE:
        code, unconfirmed = MESSAGES[template].carries_code, MESSAGES[template].unconfirmed
        for one in settings:
            for ways in ([one], [("email", False, True), one]):
                if code and len(ways) > 1:
                    continue
                channel, allowed, confirmed = ways[-1]
                safe = channel == "email" and allowed and (confirmed or unconfirmed)
                addresses, state, asked = told_and_delivered(stores, ways, template)
                expected = [f"email-{len(ways) - 1}@inbox.example"] if safe else []
                assert addresses == expected, f"{template} left for {addresses}, although {ways}"
                assert state == ("sent" if safe else "refused")
                assert asked == (0 if safe or code else 1)
                tried += 1
    return tried


@pytest.mark.slow
def test_no_message_ever_leaves_on_a_way_that_is_not_safe(stores: Stores) -> None:
    codes = sum(MESSAGES[template].carries_code for template in FOR_PEOPLE)
    # What is safe is decided in the room: PostgreSQL need not see more than one channel of it each time.
    whole = conftest.DEEP or stores.engine.dialect.name == "sqlite"
    settings = SETTINGS if whole else [one for one in SETTINGS if one[0] == "email"]
    assert the_matrix(stores, settings) == len(settings) * (2 * len(FOR_PEOPLE) - codes)


@pytest.mark.sweep
@pytest.mark.parametrize("setting", [("email", False, True), ("email", True, False), ("call", True, True)])
def test_the_matrix_goes_red_when_the_guard_is_taken_away(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, bool, bool]
) -> None:
    assert the_matrix(stores, [setting]) > 0
    monkeypatch.setattr(notifications, "_allows", lambda way, template: True)
    with pytest.raises(AssertionError, match="although"):
        the_matrix(stores, [setting])


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("ways", "refusal"),
    [
        ([], "no-way"),
        ([("email", False, True), ("call", False, True)], "not-allowed"),
        ([("email", True, False), ("call", True, True)], "not-confirmed"),
        ([("email", False, True), ("text", True, True)], "no-transport"),
        ([("post", True, True), ("come-back", True, True)], "no-transport"),
        ([("come-back", True, False)], "come-back-only"),
    ],
)
def test_a_refusal_says_why_and_becomes_one_task(
    store: Session, ways: list[tuple[str, bool, bool]], refusal: str
) -> None:
    service = a_service(store)
    person = a_person(store, service)
    for channel, allowed, confirmed in ways:
        a_way(store, person, channel, allowed=allowed, confirmed=confirmed)
    for _ in range(2):  # told again, it is the same message, the same refusal and the same task
        message = notifications.tell_person(store, service, person.id, "referral-accepted", once="a")
    assert (message.state, message.refusal, message.address) == ("refused", refusal, None)
    task = only(store, Task)
    assert (task.kind, task.person_id, task.message_id) == ("tell-the-person", person.id, message.id)
    assert task.details == {"template": "referral-accepted", "reason": refusal}
    store.flush()
    acts = [(event.act, event.details["refusal"]) for event in audit.history_of(store, service.id, message.id)]
    assert acts == [("refused message", refusal)]


def test_the_first_safe_email_is_used(store: Session) -> None:
    service = a_service(store)
    person = a_person(store, service)
    a_way(store, person, address="shared@inbox.example", confirmed=False)
    a_way(store, person, address="own@inbox.example")
    message = notifications.tell_person(store, service, person.id, "referral-accepted", once="a")
    assert (message.state, message.channel, message.address) == ("waiting", "email", "own@inbox.example")
    assert store.scalar(select(func.count()).select_from(Task)) == 0


def test_nobody_elses_ways_are_used(store: Session) -> None:
    service = a_service(store)
    a_way(store, a_person(store, service))
    message = notifications.tell_person(store, service, a_person(store, service).id, "referral-accepted", once="a")
    assert message.refusal == "no-way"


def change_to_not_allowed(store: Session, way: ContactWay) -> None:
    way.allowed = False


def change_to_another_address(store: Session, way: ContactWay) -> None:
    way.address = "new@inbox.example"


def take_away(store: Session, way: ContactWay) -> None:
    store.delete(way)


@pytest.mark.parametrize("changed_mind", [change_to_not_allowed, change_to_another_address, take_away])
def test_a_mind_changed_while_the_message_waits_is_respected(
    stores: Stores, changed_mind: Callable[[Session, ContactWay], None]
) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        person = a_person(store, service)
        way = a_way(store, person)
        notifications.tell_person(store, service, person.id, "referral-accepted", once="a")
    with stores.writing.begin() as store:
        changed_mind(store, store.merge(way))
    transport = Kept()
    assert notifications.deliver(stores, transport, RENDER) == Delivered(refused=1)
    assert transport.sent == []
    with stores.reading.begin() as store:
        message = only(store, Message)
        assert (message.state, message.refusal, message.address) == ("refused", "changed-mind", None)
        assert only(store, Task).kind == "tell-the-person"


def test_a_person_is_told_in_the_language_they_read_or_used(store: Session) -> None:
    service = a_service(store, languages=["ur"])
    for reads, pages, language in (
        ("ur", "en", "ur"),
        ("cy", "ur", "ur"),  # Welsh is a draft that this service does not offer
        ("left-blank", "pl", "pl"),  # they used the pages in Polish, when that was offered
        ("so", "xx", "en"),
    ):
        person = a_person(store, service, reads=reads, pages=pages)
        a_way(store, person)
        message = notifications.tell_person(store, service, person.id, "referral-accepted", once=reads)
        assert message.language == language


def test_only_declared_messages_with_declared_details_are_taken(store: Session) -> None:
    service = a_service(store)
    person = a_person(store, service)
    for template, details in (
        ("good-morning", {}),
        ("alert-waiting", {}),
        ("confirm-code", {"code": "123456"}),
        ("sign-in-code", {"code": "123456"}),
        ("referral-received", {}),
        ("referral-received", {"reference": "x", "name": "Zofia"}),
    ):
        with pytest.raises(NotDeclared):
            notifications.tell_person(store, service, person.id, template, once="a", details=details)
    with pytest.raises(NotDeclared):
        notifications.tell_staff(store, service, person.id, "referral-accepted", once="a")
    with pytest.raises(NotDeclared):
        notifications.tell_address(store, service, "a@b.example", "alert-waiting", once="a")


def test_a_code_and_an_invitation_are_forgotten_once_they_have_left(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        way = a_way(store, a_person(store, service), confirmed=False)
        notifications.send_code(store, service, way, "123456")
        notifications.tell_address(
            store, service, "new@staff.example", "invitation", once="i", details=example("invitation")
        )
    transport = Kept()
    assert notifications.deliver(stores, transport, RENDER) == Delivered(sent=2)
    assert "123456" in transport.sent[0].words.subject
    with stores.reading.begin() as store:
        assert [message.details for message in store.scalars(select(Message))] == [{}, {}]


def test_each_code_is_a_message_of_its_own(store: Session) -> None:
    service = a_service(store)
    way = a_way(store, a_person(store, service), confirmed=False)
    notifications.send_code(store, service, way, "123456")
    notifications.send_code(store, service, way, "654321")
    assert store.scalar(select(func.count()).select_from(Message)) == 2


def test_whoever_has_left_is_told_nothing(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        stays, leaves = a_colleague(store, service), a_colleague(store, service)
        gone = a_colleague(store, service, state="left")
        for staff in (stays, leaves, gone):
            notifications.tell_staff(store, service, staff.id, "alert-waiting", once=str(staff.id))
        address = stays.email
    with stores.writing.begin() as store:
        store.merge(leaves).state = "left"
    transport = Kept()
    assert notifications.deliver(stores, transport, RENDER) == Delivered(sent=1, refused=1)
    assert [sent.to for sent in transport.sent] == [address]
    with stores.reading.begin() as store:
        refusals = Counter(message.refusal for message in store.scalars(select(Message)))
        assert refusals == {None: 1, "not-staff": 2}


def test_staff_see_what_a_person_was_told(store: Session) -> None:
    service, other = a_service(store), a_service(store, "there")
    person = a_person(store, service)
    a_way(store, person)
    first = notifications.tell_person(store, service, person.id, "referral-accepted", once="a")
    second = notifications.tell_person(store, service, person.id, "referral-decided", once="b")
    assert list(notifications.told(store, acting(a_colleague(store, service)), person.id)) == [second, first]
    assert list(notifications.told(store, acting(a_colleague(store, other)), person.id)) == []
    with pytest.raises(Refused):
        notifications.told(store, acting(a_colleague(store, service, Role.ANALYST)), person.id)


# --- delivery ---------------------------------------------------------------------------------------------------------


def write_to_staff(stores: Stores, number: int = 1, *, template: str = "alert-waiting") -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        staff = a_colleague(store, service)
        for each in range(number):
            notifications.tell_staff(store, service, staff.id, template, once=str(each))


def test_a_message_of_a_transaction_that_failed_is_never_sent(stores: Stores) -> None:
    write_to_staff(stores)
    with stores.writing() as store:
        service = store.scalars(select(Service)).one()
        notifications.tell_address(
            store, service, "ghost@staff.example", "invitation", once="ghost", details=example("invitation")
        )
        store.rollback()
    transport = Kept()
    assert notifications.deliver(stores, transport, RENDER) == Delivered(sent=1)
    assert "ghost@staff.example" not in [sent.to for sent in transport.sent]
    assert notifications.deliver(stores, transport, RENDER) == Delivered()


def test_a_message_is_tried_again_by_the_declared_pauses_and_then_has_failed(stores: Stores) -> None:
    write_to_staff(stores)
    transport = Kept(fault=lambda _: NotNow("smtp-451"))
    with clock.at(clock.now()):
        for pause in (timedelta(0), *BACK_OFF):
            with clock.later(pause - timedelta(seconds=1)):
                assert pause == timedelta(0) or notifications.deliver(stores, transport, RENDER) == Delivered()
            with clock.later(pause):
                moment = clock.now()
                tried = notifications.deliver(stores, transport, RENDER)
                with stores.writing.begin() as store:
                    message = only(store, Message)
                    assert message.last_error == "smtp-451"
                    if message.state == "waiting":
                        assert tried == Delivered(later=1)
                        assert message.run_at == moment + BACK_OFF[message.attempts - 1]
                        message.run_at -= moment - clock.now() + pause  # so that each pause is measured by itself
    with stores.reading.begin() as store:
        message = only(store, Message)
        assert (message.state, message.attempts, message.leased_until) == ("failed", MOST_TRIES, None)
        assert only(store, Task).kind == "message-failed"
    assert notifications.deliver(stores, Kept(), RENDER) == Delivered()


def test_what_can_never_arrive_fails_at_once_and_becomes_a_task(stores: Stores) -> None:
    write_to_staff(stores)
    assert notifications.deliver(stores, Kept(fault=lambda _: Undeliverable("smtp-550")), RENDER) == Delivered(failed=1)
    with stores.reading.begin() as store:
        assert (only(store, Message).state, only(store, Message).last_error) == ("failed", "smtp-550")
        assert only(store, Task).details == {"template": "alert-waiting", "reason": "smtp-550"}


def test_one_poisoned_message_stops_no_other(stores: Stores) -> None:
    write_to_staff(stores, 25)

    turns = itertools.count()

    def poisoned(template: str, language: str, values: Mapping[str, object]) -> Words:
        return RENDER(template, language, values) if next(turns) else Words("x", str(1 / 0))

    assert notifications.deliver(stores, Kept(), poisoned) == Delivered(sent=24, later=1)
    with clock.later(BACK_OFF[0]):
        assert notifications.deliver(stores, Kept(), RENDER) == Delivered(sent=1)


def test_a_message_that_kills_its_workers_is_given_up(stores: Stores) -> None:
    write_to_staff(stores)
    for turn in range(MOST_TRIES):
        with clock.later(turn * (LEASE + timedelta(seconds=1))), stores.writing.begin() as store:
            assert len(notifications.claim(store)) == 1  # and here the worker dies
    transport = Kept()
    with clock.later(MOST_TRIES * (LEASE + timedelta(seconds=1))):
        assert notifications.deliver(stores, transport, RENDER) == Delivered(failed=1)
    assert transport.sent == []
    with stores.reading.begin() as store:
        assert only(store, Message).last_error == "crash"


def test_what_one_worker_holds_no_other_takes_until_the_lease_is_over(stores: Stores) -> None:
    write_to_staff(stores, 3)
    with stores.writing.begin() as store:
        assert len(notifications.claim(store, 2)) == 2
    assert notifications.deliver(stores, Kept(), RENDER) == Delivered(sent=1)
    with clock.later(LEASE + timedelta(seconds=1)):
        assert notifications.deliver(stores, Kept(), RENDER, most=1) == Delivered(sent=1)
        assert notifications.deliver(stores, Kept(), RENDER) == Delivered(sent=1)


def test_a_worker_so_slow_that_another_took_over_writes_nothing(stores: Stores) -> None:
    write_to_staff(stores)

    def meanwhile(_: Outgoing) -> None:
        if not inner.sent:
            with clock.later(2 * LEASE):
                assert notifications.deliver(stores, inner, RENDER) == Delivered(sent=1)

    inner = Kept()
    assert notifications.deliver(stores, Kept(fault=meanwhile), RENDER) == Delivered()
    with stores.reading.begin() as store:
        assert (only(store, Message).state, only(store, Message).attempts) == ("sent", 2)


def test_a_lease_that_runs_short_is_renewed_before_sending(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    write_to_staff(stores, 3)
    monkeypatch.setattr(notifications, "SENDING_TAKES", 2 * LEASE)
    leases: list[dt.datetime | None] = []

    def look(each: Outgoing) -> None:
        with stores.reading.begin() as store:
            leases.append(store.scalar(select(Message.leased_until).where(Message.id == each.message_id)))

    assert notifications.deliver(stores, Kept(fault=look), RENDER) == Delivered(sent=3)
    assert len(set(leases)) == 3  # claimed together, each renewed when its turn came


@pytest.mark.parametrize("sending_takes", [0 * LEASE, 2 * LEASE], ids=["not-renewed", "renewed"])
def test_a_lease_that_ran_out_before_its_turn_is_not_used(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, sending_takes: timedelta
) -> None:
    write_to_staff(stores, 2)
    monkeypatch.setattr(notifications, "SENDING_TAKES", sending_takes)
    inner, outer = Kept(), Kept()

    def meanwhile(_: Outgoing) -> None:
        with clock.later(3 * LEASE):
            notifications.deliver(stores, inner, RENDER)

    outer.fault = meanwhile
    assert notifications.deliver(stores, outer, RENDER) == Delivered()
    assert len(inner.sent) == 2
    assert len(outer.sent) == 1


def test_nothing_of_a_message_is_in_the_log(stores: Stores, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "portal")
    with stores.writing.begin() as store:
        service = a_service(store)
        person = a_person(store, service)
        a_way(store, person)
        notifications.tell_person(
            store, service, person.id, "referral-received", once="a", details=example("referral-received")
        )

    def fault(each: Outgoing) -> Exception:
        return RuntimeError(f"{each.to} {each.words}")

    notifications.deliver(stores, Kept(fault=fault), RENDER)
    with clock.later(timedelta(days=1)):
        notifications.deliver(stores, Kept(fault=lambda each: Undeliverable("smtp-550")), RENDER)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    for secret in ("zofia", "inbox.example", "K7QF", "Thank you"):
        assert secret not in caplog.text
    with stores.reading.begin() as store:
        assert only(store, Message).last_error == "smtp-550"
    assert "zofia" not in repr(outgoing())
    assert "Hello" not in repr(outgoing())


@pytest.mark.slow
def test_several_workers_deliver_everything_although_one_is_killed(
    stores: Stores, environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    many = 500 if conftest.DEEP else 200
    write_to_staff(stores, many)
    file = tmp_path / "sent"
    workers = [a_worker(environment, database_url, file, die_after=number) for number in (37, None, None)]
    go(workers)
    assert [worker.returncode for worker in workers] == [-signal.SIGKILL, 0, 0]
    transport = Kept()
    with clock.later(LEASE + timedelta(seconds=1)):
        last = notifications.deliver(stores, transport, RENDER)
    sent = Counter([*file.read_text().split(), *(str(each.message_id) for each in transport.sent)])
    with stores.reading.begin() as store:
        rows = store.scalars(select(Message)).all()
        assert {str(row.id) for row in rows} == set(sent)  # each at least once
        assert {row.state for row in rows} == {"sent"}
        assert all(row.sent_at for row in rows)
        assert len(rows) == many
    assert 1 <= last.sent <= notifications.BATCH
    assert sum(sent.values()) == many + 1  # only what was in the dying worker's hand was sent twice


# --- the ways out -----------------------------------------------------------------------------------------------------


def test_the_console_shows_a_message_whole() -> None:
    stream = io.StringIO()
    ConsoleTransport(stream).send(outgoing())
    assert stream.getvalue() == "--- to zofia@inbox.example: Hello\nWords.\n---\n"
    assert ConsoleTransport().stream is sys.stdout


class Inbox:
    """A real mail server's inbox, which answers as it is told."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.to: list[str] = []
        self.answers: dict[str, str] = {}

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.letters.append(envelope.content)
        self.to.extend(envelope.rcpt_tos)
        return "250 OK"


class MailServer(Controller):
    """A real mail server on a free port of this machine; with ``tls`` it knows STARTTLS."""

    tls: ssl.SSLContext | None = None

    def __init__(self, inbox: Inbox, tls_from_the_start: ssl.SSLContext | None = None) -> None:
        super().__init__(inbox, hostname="127.0.0.1", port=0, ssl_context=tls_from_the_start)

    def factory(self) -> Server:
        return Server(self.handler, tls_context=self.tls, enable_SMTPUTF8=True)

    def _trigger_server(self) -> None:
        """Look whether it listens, as the original does, but on the port that it really got, and with TLS too."""
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        with ExitStack() as opened:
            line = opened.enter_context(socket.create_connection(("127.0.0.1", self.port), 5))
            if self.ssl_context is not None:
                anybody = ssl.create_default_context()
                anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
                line = opened.enter_context(anybody.wrap_socket(line))
            assert line.recv(1024).startswith(b"220")


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def mail_server(inbox: Inbox) -> Iterator[SMTPTransport]:
    controller = MailServer(inbox)
    controller.start()
    yield SMTPTransport("127.0.0.1", controller.port, "none", "post@portal.example")
    controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The contexts of a server and of a client who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    moment = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "cert.pem"))


def test_a_message_reaches_a_real_mail_server(mail_server: SMTPTransport, inbox: Inbox, stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store, phone="01234 567890")
        person = a_person(store, service, reads="ur", pages="ur")
        a_way(store, person)
        message = notifications.tell_person(
            store, service, person.id, "referral-received", once="a", details=example("referral-received")
        )
        message_id = message.id
    assert notifications.deliver(stores, mail_server, RENDER) == Delivered(sent=1)
    mail = message_from_bytes(inbox.letters[0], policy=policy.default)
    assert inbox.to == ["zofia@inbox.example"]
    assert mail["To"] == "zofia@inbox.example"
    assert mail["From"] == "post@portal.example"
    assert mail["Message-ID"] == f"<{message_id}@portal.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "ur"
    words = mail.get_content()
    assert "K7QF-2M9T-X" in words
    assert "call 01234 567890" in words


@pytest.mark.parametrize(
    ("step", "answer", "expected"),
    [
        ("RCPT", "550 5.1.1 zofia@inbox.example unknown", Undeliverable("smtp-550")),
        ("RCPT", "451 4.3.0 later", NotNow("smtp-451")),
        ("DATA", "554 5.7.1 we do not like zofia", Undeliverable("smtp-554")),
        ("DATA", "452 4.2.2 full", NotNow("smtp-452")),
        ("MAIL", "550 5.7.1 you may not send here", NotNow("smtp-550")),
        ("MAIL", "421 4.3.2 closing", NotNow("smtp-421")),
    ],
)
def test_what_a_server_answers_decides_whether_to_try_again(
    mail_server: SMTPTransport, inbox: Inbox, step: str, answer: str, expected: Exception
) -> None:
    inbox.answers[step] = answer
    with pytest.raises(type(expected)) as raised:
        mail_server.send(outgoing())
    assert str(raised.value) == str(expected)
    assert inbox.letters == []


def test_no_server_means_not_now() -> None:
    with pytest.raises(NotNow, match="ConnectionRefusedError"):
        SMTPTransport("127.0.0.1", 1, "none", "post@portal.example").send(outgoing())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_cannot_protect_the_way_gets_nothing(
    mail_server: SMTPTransport, inbox: Inbox, security: str
) -> None:
    open_way = SMTPTransport(mail_server.host, mail_server.port, security, mail_server.sender)
    with pytest.raises(NotNow):
        open_way.send(outgoing())
    assert inbox.letters == []


def test_starttls_protects_the_way_and_a_stranger_is_not_trusted(
    inbox: Inbox, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    controller = MailServer(inbox)
    controller.tls = certificate[0]
    controller.start()
    try:
        port = controller.port
        with pytest.raises(NotNow, match="SSLCertVerificationError"):
            SMTPTransport("localhost", port, "starttls", "post@portal.example").send(outgoing())
        assert inbox.letters == []
        SMTPTransport("localhost", port, "starttls", "post@portal.example", context=certificate[1]).send(outgoing())
        assert len(inbox.letters) == 1
        with pytest.raises(NotNow):  # a server that knows no passwords cannot be signed in to
            SMTPTransport(
                "localhost", port, "starttls", "post@portal.example", "me", "secret", context=certificate[1]
            ).send(outgoing())
    finally:
        controller.stop()


def test_tls_from_the_start_reaches_the_server(
    inbox: Inbox, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    controller = MailServer(inbox, certificate[0])
    controller.start()
    try:
        port = controller.port
        SMTPTransport("localhost", port, "tls", "post@portal.example", context=certificate[1]).send(outgoing())
        assert len(inbox.letters) == 1
    finally:
        controller.stop()


@pytest.mark.parametrize(
    "to",
    [
        "zofia@inbox.example\r\nBcc: everybody@inbox.example",
        "zofia@inbox.example, other@inbox.example",
        "Zofia <zofia@inbox.example>",
        "zofia",
        "zofia@inbox.example\x00",
        "a@b@c",
        "",
        ".zofia@inbox.example",
    ],
)
def test_an_address_that_is_more_than_an_address_never_reaches_the_server(
    mail_server: SMTPTransport, inbox: Inbox, to: str
) -> None:
    with pytest.raises(Undeliverable):
        mail_server.send(outgoing(to))
    assert inbox.letters == []


def test_no_subject_can_write_a_header(mail_server: SMTPTransport, inbox: Inbox) -> None:
    mail_server.send(outgoing(subject="Hello\r\nBcc: everybody@inbox.example\n\nBody \x00"))
    mail = message_from_bytes(inbox.letters[0], policy=policy.default)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hello Bcc: everybody@inbox.example Body"
    assert inbox.to == ["zofia@inbox.example"]


def test_a_line_that_begins_with_a_dot_and_a_long_line_arrive_whole(mail_server: SMTPTransport, inbox: Inbox) -> None:
    body = ".\n.hidden\n" + "word " * 400 + "\nزوفیا\n"
    mail_server.send(outgoing(body=body))
    mail = message_from_bytes(inbox.letters[0], policy=policy.default)
    assert mail.get_content().replace("\r\n", "\n") == body
    assert max(len(line) for line in inbox.letters[0].splitlines()) <= 998  # RFC 5322


def test_the_same_message_sent_twice_has_the_same_id(mail_server: SMTPTransport, inbox: Inbox) -> None:
    mail_server.send(outgoing())
    mail_server.send(outgoing())
    ids = {message_from_bytes(letter)["Message-ID"] for letter in inbox.letters}
    assert len(inbox.letters) == 2
    assert len(ids) == 1
