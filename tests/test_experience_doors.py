"""The pages on which people say how they find a service, as a visitor without JavaScript uses them, and the staff's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import brotli
import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from portal import accounts, clock, codes, experience, tasks, throttle
from portal.access import Role
from portal.store import AuditEvent, Comment, FriendsAndFamily, Service, Stores, Visit, YouSaid
from portal.web import experience as door
from tests.arriving import code_sent, somebody
from tests.inspector import InspectedClient
from tests.visitor import Visitor
from tests.world import a_service, press, sign_in, staff_member, words_of

MOST_BYTES = 3_000
NEITHER = [
    "Type the reference that we gave you, like K7QF-2M9T-1",
    "Type the 12 digits of the number that we gave you",
]


@dataclass
class Here:
    """A service that the NHS pays for, and its telephone."""

    service: Service
    stores: Stores

    @contextmanager
    def look(self) -> Iterator[Session]:
        with self.stores.reading() as store:
            yield store

    def comments(self) -> list[Comment]:
        with self.look() as store:
            return list(store.scalars(select(Comment).order_by(Comment.id)))

    def answers(self) -> list[FriendsAndFamily]:
        with self.look() as store:
            return list(store.scalars(select(FriendsAndFamily)))


@pytest.fixture
def here(stores: Stores) -> Here:
    with stores.writing.begin() as store:
        service = a_service(store, commissioned_by_nhs=True, phone="01632 960 123")
        staff_member(store, service, Role.MANAGER)
        store.flush()
        store.expunge_all()
    return Here(service, stores)


@pytest.fixture
def anna(app: Flask, here: Here) -> Visitor:
    return Visitor(app)


# --- for everybody ----------------------------------------------------------------------------------------------------


def test_the_first_page_names_every_way_the_telephone_among_them(anna: Visitor) -> None:
    links = anna.open("/feedback").links()
    for wanted in ("friends-and-family", "experience", "complaint", "compliment", "answer"):
        assert any(address.endswith(f"/feedback/{wanted}") for address in links.values()), wanted
    assert "01632 960 123" in anna.words
    assert any(address.endswith("/help-now") for address in links.values())


def test_the_start_page_leads_there(anna: Visitor) -> None:
    anna.open("/")
    assert anna.links()["Tell us how we did"].endswith("/feedback")


@pytest.mark.parametrize("slug", ["experience", "complaint", "compliment", "friends-and-family"])
def test_every_page_of_words_says_whom_to_call_and_fits_one_round_of_a_slow_line(
    app: Flask, here: Here, slug: str
) -> None:
    for prefix in ("", "/ur"):
        client = app.test_client()
        answer = client.get(f"{prefix}/feedback/{slug}", headers={"Accept-Encoding": "br"})
        page = brotli.decompress(answer.get_data()).decode()
        assert "/help-now" in page
        assert "If you are not safe, do not wait for us." in page
        head = sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
        assert len(answer.get_data()) + head <= MOST_BYTES, f"{prefix}{slug}: {len(answer.get_data())} and {head}"


def test_what_helped_is_kept_without_a_name(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/experience").press(what_helped="The walk.", could_be_better="The tea.")
    assert anna.here == "/feedback/thank-you"
    found = {one.kind: (one.words, one.person_id, one.owner_id) for one in here.comments()}
    assert found == {"what-helped": ("The walk.", None, None), "could-be-better": ("The tea.", None, None)}


def test_nothing_written_is_said_kindly(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/experience").press()
    assert (anna.status, anna.errors) == (422, ["Write what helped you, or what could be better"])
    anna.open("/feedback/complaint").press(comment_reply="contact")
    assert anna.status == 422
    assert anna.errors == [
        "Write what happened", "Write how we can get in touch with you, or choose another answer",
    ]  # fmt: skip
    assert here.comments() == []


def test_a_complaint_gives_two_numbers_that_open_our_answer(anna: Visitor, here: Here, app: Flask) -> None:
    anna.open("/feedback/complaint").press(comment_words="Nobody rang me.", comment_reply="here")
    assert anna.status == 200
    assert "A manager reads it by" in anna.words
    reference, number = anna.card()
    ola = Visitor(app).open("/feedback/answer").press(reference=reference, number=number)
    assert "We have not answered yet" in ola.words
    assert "Nobody rang me." in ola.words
    (found,) = here.comments()
    with here.stores.writing.begin() as store:
        manager = staff_member(store, here.service, Role.MANAGER).actor
        experience.acknowledge(store, manager, found.id)
    again = Visitor(app).open("/feedback/answer").press(reference=reference.lower(), number=number.replace(" ", ""))
    assert "A person has read it" in again.words
    with here.stores.writing.begin() as store:
        experience.reply(store, manager, found.id, "We are sorry. We ring today.")
    last = Visitor(app).open("/feedback/answer").press(reference=reference, number=number)
    assert "We are sorry. We ring today." in last.words
    assert reference.replace("-", "") not in last.path
    assert re.sub(r"\s", "", number) not in last.path


@pytest.mark.parametrize(
    ("reference", "number", "said"),
    [
        ("", "", NEITHER),
        ("K7QF-2M9T-1", "123 456 789 012", ["We cannot find anything with this reference and number. Check both"]),
        ("zzz\x00", "12", NEITHER),
    ],
)
def test_wrong_numbers_open_nothing_and_stay_on_the_page(
    anna: Visitor, reference: str, number: str, said: list[str]
) -> None:
    anna.open("/feedback/answer").press(reference=reference, number=number)
    assert (anna.status, anna.errors) == (422, said)


def test_numbers_tried_too_often_from_one_address_wait(
    anna: Visitor, monkeypatch: pytest.MonkeyPatch, here: Here
) -> None:
    monkeypatch.setattr(
        throttle, "LIMITS", {**throttle.LIMITS, throttle.Kind.RETURN_CARD: throttle.Limit(3, timedelta(hours=1))}
    )
    for _ in range(3):
        anna.open("/feedback/answer").press(reference="K7QF-2M9T-1", number="123456789012")
        assert anna.status == 422
    anna.press(reference="K7QF-2M9T-1", number="123456789012")
    assert anna.status == 429
    assert "Please wait an hour" in anna.words


def test_a_complaint_sent_three_times_is_one_with_the_same_two_numbers(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/complaint")
    fields = anna.fields()
    fields["comment_words"] = "Nobody rang me."
    cards = [anna.post("/feedback/complaint", fields).card() for _ in range(3)]
    assert len(set(cards)) == 1
    assert len(here.comments()) == 1


def test_every_form_has_a_key_of_its_own_and_a_made_up_one_is_not_taken(anna: Visitor, here: Here) -> None:
    keys = {str(anna.open("/feedback/complaint").fields()["key"]) for _ in range(3)}
    assert len(keys) == 3
    anna.press(comment_words="One.", key="a")
    first = anna.card()
    assert anna.open("/feedback/complaint").press(comment_words="Two.", key="a").card()[1] != first[1]


def test_a_dead_token_loses_nothing(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/complaint")
    key = anna.fields()["key"]
    anna.press(comment_words="Nobody rang me.", csrf_token="dead", comment_reply="contact", comment_reply_to="Ring me")
    assert anna.status == 400
    assert "What you wrote is still here. Please press Send again." in anna.words
    again = anna.fields()
    assert (again["comment_words"], again["comment_reply_to"], again["key"]) == ("Nobody rang me.", "Ring me", key)
    assert here.comments() == []
    anna.press()
    assert [one.reply_to for one in here.comments()] == ["Ring me"]


def test_who_falls_into_the_trap_for_programs_presses_once_more(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/complaint").press(comment_words="Nobody rang me.", **{door.TRAP: "https://spam.example"})
    assert anna.status == 422
    assert here.comments() == []
    assert anna.fields()[door.TRAP] == ""
    anna.press()
    assert [one.words for one in here.comments()] == ["Nobody rang me."]


def test_who_sends_too_much_keeps_what_they_wrote(anna: Visitor, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experience, "too_many", lambda *_: True)
    anna.open("/feedback/complaint").press(comment_words="Nobody rang me.")
    assert anna.status == 429
    assert anna.fields()["comment_words"] == "Nobody rang me."
    assert "or call us" in anna.words
    assert here.comments() == []


def test_where_people_write_from_is_what_is_counted(anna: Visitor, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(experience, "too_many", lambda store, service, address: asked.append(address))
    told = {"X-Forwarded-For": "203.0.113.7"}
    for address, good in (("complaint", {"comment_words": "Late."}), ("friends-and-family", {"experience": "good"})):
        fields = anna.open(f"/feedback/{address}").fields()
        anna.post(f"/feedback/{address}", fields, headers=told)
        assert anna.status == 422
        for name, value in good.items():
            fields[name] = value
        anna.post(f"/feedback/{address}", fields, headers=told)
    assert asked == ["203.0.113.7"] * 2, "a page that goes back to its writer is not counted"


def test_a_page_that_does_not_exist_is_not_found(anna: Visitor) -> None:
    for slug in ("praise", "thank-you-very-much"):
        assert anna.open(f"/feedback/{slug}").status == 404


def test_without_a_service_there_are_no_such_pages(app: Flask, stores: Stores) -> None:
    for address in ("/feedback", "/feedback/complaint", "/feedback/friends-and-family", "/you-said-we-did"):
        assert Visitor(app).open(address).status == 404


# --- the Friends and Family question ----------------------------------------------------------------------------------


def test_the_question_stands_in_its_own_words_and_one_answer_is_enough(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/friends-and-family")
    for words in (
        "Thinking about the service we provide",
        "Overall, how was your experience of our service?",
        "Neither good nor poor",
        "Please can you tell us why you gave your answer?",
        "Please tell us about anything that we could have done better",
        "NHS England. © Crown copyright. Open Government Licence v3.0.",
    ):
        assert words in anna.words
    anna.press(experience="very_good", why="Kind people.")
    assert anna.here == "/feedback/thank-you"
    (row,) = here.answers()
    assert (row.answer, row.why, row.better, row.mode, row.language) == ("very_good", "Kind people.", None, "web", "en")


def test_no_answer_chosen_is_said_kindly_and_the_words_stay(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/friends-and-family").press(why="Kind people.")
    assert (anna.status, anna.errors) == (422, ["Choose one of the answers"])
    assert anna.fields()["why"] == "Kind people."
    anna.press(experience="excellent")
    assert (anna.status, here.answers()) == (422, [])


def test_a_triple_click_is_one_answer(anna: Visitor, here: Here) -> None:
    fields = anna.open("/feedback/friends-and-family").fields()
    fields["experience"] = "good"
    for _ in range(3):
        anna.post("/feedback/friends-and-family", fields)
    assert len(here.answers()) == 1


@pytest.mark.parametrize("language", ["ur", "pl", "cy"])
def test_in_another_language_the_page_says_that_the_question_is_english_and_offers_other_words(
    app: Flask, here: Here, language: str
) -> None:
    anna = Visitor(app, f"/{language}").open("/feedback/friends-and-family")
    spans = [one for one in anna.page.all("span") if one.get("lang") == "en"]
    said = {"".join(one.itertext()): one.get("dir") for one in spans}
    assert said.get("Overall, how was your experience of our service?") == "ltr"
    assert said.get("Very good") == "ltr"
    assert any(address.endswith(f"/{language}/feedback/experience") for address in anna.links().values())
    assert "nhsuk-card--warning" in anna.page.html
    anna.press(experience="poor")
    assert [(row.answer, row.language) for row in here.answers()] == [("poor", "en")]


def test_a_service_that_the_nhs_does_not_pay_does_not_ask(app: Flask, stores: Stores) -> None:
    with stores.writing.begin() as store:
        a_service(store, "charity")
    anna = Visitor(app, "/at/charity").open("/feedback")
    assert not any("friends-and-family" in address for address in anna.links().values())
    assert anna.open("/feedback/friends-and-family").status == 404


def test_whoever_is_here_leaves_no_trace_beside_their_answer(app: Flask, here: Here) -> None:
    """Somebody with an open visit to their own page, and signed in as staff, answers: nothing of theirs is read or
    written, and nothing is given to their browser."""
    key, anna = _reading(app, here)
    with here.stores.writing.begin() as store:
        member = staff_member(store, here.service)
        knocked = accounts.knock(store, here.service.id, member.email)
        opened = accounts.second_factor_given(
            store,
            here.service.id,
            accounts.begin_sign_in(store, knocked, member.password),
            member.recovery_codes.pop(),
        )
    anna.client.set_cookie(app.config["SIGN_IN_COOKIE"], opened.token)
    anna.open("/feedback/friends-and-family")
    with clock.later(timedelta(minutes=9)):
        with here.look() as store:
            visits = [(one.seen_at, one.ended_at) for one in store.scalars(select(Visit))]
            before = store.scalar(select(func.count()).select_from(AuditEvent))
        written: list[str] = []
        engine = app.extensions["stores"].engine
        event.listen(engine, "before_cursor_execute", lambda _c, _cu, said, *_: written.append(said.split("(")[0]))
        anna.press(experience="poor", why="I may not say.")
        assert anna.here == "/feedback/thank-you"
        assert key
        assert "Set-Cookie" not in {name for name, value in anna.response.headers.items() if "session" not in value}
        with here.look() as store:
            assert [(one.seen_at, one.ended_at) for one in store.scalars(select(Visit))] == visits
            assert store.scalar(select(func.count()).select_from(AuditEvent)) == before
    inserts = {said for said in written if said.startswith(("INSERT", "UPDATE"))}
    # The count of tries is of the network address, and of every page on which people write.
    tables = {said.split()[2 if said.startswith("INSERT") else 1] for said in inserts}
    assert tables == {"friends_and_family", "tries"}
    assert len(here.answers()) == 1


# --- from the person's own page ---------------------------------------------------------------------------------------


def _reading(app: Flask, here: Here) -> tuple[str, Visitor]:
    """Somebody on their own page, with all of it open."""
    key, browser = codes.new_key(), codes.new_key()
    with here.stores.writing.begin() as store:
        service = store.get_one(Service, here.service.id)
        known = somebody(store, service, staff_member(store, service).actor)
        accounts.ask_code(store, service, known.email, browser)
        came = accounts.code_given(store, service, browser, code_sent(store), codes.new_key(), language="en")
        assert came
        assert accounts.card_given(store, service, came, known.number, key)
    anna = Visitor(app)
    anna.client.set_cookie(app.config["VISIT_COOKIE"], key)
    return key, anna


def test_on_their_own_page_too_nobody_is_named_unless_they_say_so(app: Flask, here: Here) -> None:
    _, anna = _reading(app, here)
    anna.open("/my/feedback/experience")
    ticks = [one for one in anna.page.all("input") if one.get("type") == "checkbox"]
    assert [one.get("checked") for one in ticks] == [None]
    anna.press(what_helped="The walk.")
    assert anna.here == "/my/feedback-thank-you"
    anna.open("/my/feedback/experience").press(what_helped="The tea.", may_know="y")
    named = {one.words: one.person_id is not None for one in here.comments()}
    assert named == {"The walk.": False, "The tea.": True}


def test_a_complaint_under_a_name_is_answered_on_the_own_page_and_without_one_by_numbers(
    app: Flask, here: Here
) -> None:
    _, anna = _reading(app, here)
    anna.open("/my/feedback/complaint").press(comment_words="Named.", may_know="y")
    assert "You will find our answer on your own page." in anna.words
    anna.open("/my/feedback/complaint").press(comment_words="Not named.")
    assert len(anna.card()) == 2
    assert [one.person_id is not None for one in here.comments()] == [True, False]


def test_nobody_is_named_by_sending_the_tick_without_a_visit(anna: Visitor, here: Here) -> None:
    anna.open("/feedback/complaint")
    fields = anna.fields()
    fields["comment_words"], fields["may_know"] = "Hello.", "y"
    anna.post("/feedback/complaint", fields)
    assert [one.person_id for one in here.comments()] == [None]
    anna.post("/my/feedback/complaint", fields)
    assert len(here.comments()) == 1


def test_the_question_that_leads_to_nobody_is_not_on_the_own_page(app: Flask, here: Here) -> None:
    _, anna = _reading(app, here)
    assert anna.open("/my/feedback/friends-and-family").status == 404
    assert anna.open("/my/feedback/fft").status == 404


# --- the staff --------------------------------------------------------------------------------------------------------


@pytest.fixture
def boss(client: InspectedClient, here: Here) -> Iterator[InspectedClient]:
    """A manager who is signed in; ``here.stores`` looks beside them."""
    with here.stores.writing() as store:
        member = staff_member(store, here.service, Role.MANAGER, name="Bo Manager")
        sign_in(client, store, member)
        yield client


def _complaint(here: Here, words: str = "Nobody rang me.", **more: object) -> Comment:
    with here.stores.writing.begin() as store:
        service = store.get_one(Service, here.service.id)
        found = experience.comment(
            store,
            service,
            "complaint",
            words,
            language="en",
            once=codes.new_key(),
            **more,  # type: ignore[arg-type]
        )
        store.flush()
        store.expunge_all()
    return found


def _now(here: Here, comment: Comment) -> Comment:
    with here.look() as store:
        return store.get_one(Comment, (comment.service_id, comment.id))


def test_a_complaint_is_acknowledged_answered_and_closed(boss: InspectedClient, here: Here) -> None:
    found = _complaint(here, reply_to="Ring 07700 900123")
    page = words_of(boss.get("/staff/comments"))
    assert "Nothing is waiting here." not in page
    assert codes.show_reference(found.reference) in page
    assert " answers it." in page
    address = f"/staff/comments/{found.id}"
    shown = words_of(boss.get(address))
    for words in ("Nobody rang me.", "Ring 07700 900123", "Acknowledge by"):
        assert words in shown
    press(boss, address, "acknowledge")
    assert _now(here, found).acknowledged_at
    assert press(boss, address, "reply", words=" ").status_code == 422
    assert "Write the answer" in words_of(press(boss, address, "reply", words=""))
    press(boss, address, "reply", words="We are sorry.")
    assert _now(here, found).reply == "We are sorry."
    assert "Close it when you have told them in the way that they gave." in words_of(boss.get(address))
    press(boss, address, "close")
    assert _now(here, found).closed_at
    assert "Closed" in words_of(boss.get("/staff/comments"))


def test_a_complaint_without_an_answer_has_no_close_and_takes_none(boss: InspectedClient, here: Here) -> None:
    found = _complaint(here)
    page = boss.get(f"/staff/comments/{found.id}").get_data(as_text=True)
    assert f"/staff/comments/{found.id}/close" not in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    closed = boss.post(f"/staff/comments/{found.id}/close", data={"csrf_token": token[1]})
    assert closed.status_code == 409
    assert _now(here, found).closed_at is None


def test_a_complaint_is_handed_over(boss: InspectedClient, here: Here) -> None:
    found = _complaint(here)
    with here.stores.writing.begin() as store:
        other = staff_member(store, here.service, Role.MANAGER).actor.staff_id
    address = f"/staff/comments/{found.id}"
    assert press(boss, address, "hand-over", to="").status_code == 422
    press(boss, address, "hand-over", to=str(other))
    assert _now(here, found).owner_id == other


def test_words_of_an_answer_survive_a_dead_token(boss: InspectedClient, here: Here) -> None:
    found = _complaint(here)
    answer = boss.post(f"/staff/comments/{found.id}/reply", data={"words": "We are very sorry."})
    assert answer.status_code == 400
    assert "We are very sorry." in words_of(answer)
    assert _now(here, found).reply is None


def test_the_task_of_a_complaint_leads_to_it(boss: InspectedClient, here: Here) -> None:
    found = _complaint(here)
    page = boss.get(f"/staff/tasks?whose={tasks.EVERYBODYS}").get_data(as_text=True)
    assert f'href="/staff/comments/{found.id}"' in page


def test_what_helped_is_no_comment_to_be_answered(boss: InspectedClient, here: Here) -> None:
    with here.stores.writing.begin() as store:
        service = store.get_one(Service, here.service.id)
        said = experience.comment(store, service, "what-helped", "The walk.", language="en", once="x").id
    assert boss.get(f"/staff/comments/{said}").status_code == 404
    assert "The walk." in words_of(boss.get("/staff/experience"))


def test_the_figures_hide_small_numbers(boss: InspectedClient, here: Here) -> None:
    with clock.at(datetime(2026, 9, 10, 12, tzinfo=UTC)), here.stores.writing.begin() as store:
        service = store.get_one(Service, here.service.id)
        for answer, number in (("very_good", 6), ("good", 2), ("poor", 1), ("dont_know", 1)):
            for _ in range(number):
                experience.give_fft(
                    store, service, answer, "Kind people.", None, language="en", mode="web", once=codes.new_key()
                )
    with clock.at(datetime(2026, 9, 20, 12, tzinfo=UTC)):
        assert "There are no answers of a whole month yet." in words_of(boss.get("/staff/experience"))
    page = words_of(boss.get("/staff/experience"))
    assert "September 2026" in page
    assert "80.0% (8 of 10)" in page
    assert "10.0%" not in page
    assert page.count("hidden") >= 2
    assert "Kind people." in page


def test_you_said_we_did_is_published_and_taken_off(boss: InspectedClient, here: Here, app: Flask) -> None:
    page = words_of(boss.get("/staff/you-said-we-did"))
    assert "without names" in page
    press(boss, "/staff/you-said-we-did", said="The form is long.", did="It is shorter.", language="en")
    anna = Visitor(app).open("/you-said-we-did")
    assert "The form is long." in anna.words
    assert "It is shorter." in anna.words
    assert any(address.endswith("/you-said-we-did") for address in anna.open("/feedback").links().values())
    refused = press(boss, "/staff/you-said-we-did", said="Only said.", did="", language="en")
    assert refused.status_code == 422
    assert "Only said." in refused.get_data(as_text=True)
    press(boss, "/staff/you-said-we-did", "withdraw")
    assert "The form is long." not in anna.open("/you-said-we-did").words
    with here.look() as store:
        assert store.scalars(select(YouSaid)).one().withdrawn_at


def test_a_line_in_another_language_keeps_its_direction(app: Flask, here: Here) -> None:
    with here.stores.writing.begin() as store:
        manager = staff_member(store, here.service, Role.MANAGER).actor
        experience.you_said(store, manager, "فارم لمبا ہے۔", "اب چھوٹا ہے۔", language="ur")
    page = Visitor(app).open("/you-said-we-did").page
    assert [(one.get("lang"), one.get("dir")) for one in page.all("p") if one.get("lang") == "ur"] == [
        ("ur", "rtl")
    ] * 2


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_shows_only_what_opens(client: InspectedClient, here: Here, role: Role) -> None:
    with here.stores.writing() as store:
        sign_in(client, store, staff_member(store, here.service, role))
        page = client.get("/staff/account").get_data(as_text=True)
    assert ("/staff/comments" in page) == (role is Role.MANAGER)
    assert ("/staff/experience" in page) == (role is not Role.LINK_WORKER)
