"""The link worker's pages: on one service with a manager and two link workers, made through rooms and seen by a client
that inspects every page."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import pytest
from sqlalchemy.orm import Session

from portal import alerts, audit, clock, codes, people, referrals, tasks
from portal.access import Role
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Alert, ContactWay, Referral, Service
from tests.inspector import InspectedClient, Page
from tests.world import (
    Member,
    a_draft,
    a_referral,
    a_service,
    person_of,
    press,
    sign_in,
    staff_member,
    words_of,
)


@dataclass
class Team:
    store: Session
    service: Service
    manager: Member
    amina: Member

    @cached_property
    def ben(self) -> Member:
        """A colleague, for the tests that need one: making an account is slow on purpose."""
        return staff_member(self.store, self.service, name="Ben")


@pytest.fixture
def team(store: Session) -> Team:
    service = a_service(store)
    manager = staff_member(store, service, Role.MANAGER, name="Mo Manager")
    amina = staff_member(store, service, name="Amina")
    store.commit()
    return Team(store, service, manager, amina)


@pytest.fixture
def worker(client: InspectedClient, store: Session, team: Team) -> Iterator[InspectedClient]:
    """Amina's browser."""
    sign_in(client, store, team.amina)
    yield client
    store.rollback()
    client.application.extensions["stores"].engine.dispose()


def made(store: Session, team: Team, **answers: object) -> Referral:
    referral = a_referral(store, team.service, answers=answers)
    store.commit()
    return referral


def case_of(referral: Referral) -> str:
    return f"/staff/referrals/{referral.id}"


def in_order(text: str, *parts: str) -> bool:
    place = 0
    for part in parts:
        place = text.find(part, place)
        if place < 0:
            return False
    return True


# --- the inbox -------------------------------------------------------------------------------------------------------


def test_an_empty_inbox_says_so(worker: InspectedClient) -> None:
    said = words_of(worker.get("/staff/inbox"))
    assert "Nobody new is waiting." in said
    assert "You have not taken anybody yet." in said


def test_the_oldest_promise_comes_first_with_what_is_needed_to_choose(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    made(store, team, first_name="Late", what_matters="رو به راه نیستم", spoken_language="fa", interpreter="spoken")
    with clock.later(timedelta(days=3)):
        referral = made(store, team, first_name="Newer", preferred_name="Nuru", what_matters="word " * 60)
        sign_in(worker, store, team.amina)
        said = words_of(worker.get("/staff/inbox"))
    assert in_order(said, "Late", "رو به راه نیستم", "Persian. Interpreter: Yes", "Nuru")
    assert "2 people are waiting" in said
    assert "Newer" not in said, "the name that they asked us to use stands there, and no other"
    assert codes.show_reference(referral.reference) in said
    assert "Feeling lonely or cut off" in said
    assert "word …" not in said
    assert "word…" in said
    assert "working days left" in said


def test_a_broken_promise_is_said_in_days(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team)
    for beyond, words in (
        (timedelta(hours=1), "It was due earlier today"),
        (timedelta(days=1), "1 day late"),
        (timedelta(days=4), "4 days late"),
        (-timedelta(hours=1), "Today is the last day"),
        (-timedelta(days=1), "1 working day left"),
    ):
        with clock.later(referral.due_at + beyond - clock.now()):
            sign_in(worker, store, team.amina)
            assert words in words_of(worker.get("/staff/inbox"))


def test_a_long_inbox_has_every_referral_on_one_page_only(worker: InspectedClient, store: Session, team: Team) -> None:
    everybody = {a_referral(store, team.service, urgency="not-safe" if n % 9 == 0 else "").id for n in range(30)}
    store.commit()
    address, seen = "/staff/inbox", list[str]()
    while address:
        page = Page(worker.get(address).get_data(as_text=True))
        rows = (link for link in page.all("a") if any(up.tag == "table" for up in page.above(link)))
        links = [link.get("href", "") for link in rows]
        seen += [link.rsplit("/", 1)[-1] for link in links if "/referrals/" in link]
        address = next((link.get("href", "") for link in page.all("a") if link.get("rel") == "next"), "")
    assert len(seen) == 30
    assert {uuid.UUID(one) for one in seen} == everybody


def test_a_long_list_of_things_to_do_has_a_page_of_its_own(worker: InspectedClient, store: Session, team: Team) -> None:
    for _ in range(12):
        a_referral(store, team.service)
    inbox = words_of(worker.get("/staff/inbox"))
    assert inbox.count("Tell them that we have their form") == 3 * 10, "each is said on its button and its link as well"
    assert "See 2 more things to do" in inbox
    assert words_of(worker.get("/staff/tasks")).count("Tell them that we have their form") == 3 * 12


def test_nonsense_for_a_page_is_the_first_page(worker: InspectedClient, store: Session, team: Team) -> None:
    made(store, team)
    for after in ("%00", "zzz", str(uuid.uuid4())):
        assert "1 person is waiting." in words_of(worker.get(f"/staff/inbox?after={after}"))


def test_unopened_alerts_stand_on_top_for_everybody(
    app: object, worker: InspectedClient, store: Session, team: Team
) -> None:
    made(store, team, first_name="Calm")
    made(store, team, first_name="Scared", urgency="being-hurt")
    said = words_of(worker.get("/staff/inbox"))
    assert in_order(said, "Alerts that nobody has opened", "Someone is hurting them", "Mo Manager", "Scared", "Calm")
    assert "waiting 0 minutes" in said
    assert "To be opened by" in said
    sign_in(worker, store, team.ben)
    assert "Someone is hurting them" in words_of(worker.get("/staff/inbox"))


def test_somebody_we_may_know_is_marked(worker: InspectedClient, store: Session, team: Team) -> None:
    made(store, team)
    assert "Perhaps known already" not in words_of(worker.get("/staff/inbox"))
    made(store, team, first_name="Sophie", date_of_birth="1970")
    said = words_of(worker.get("/staff/inbox"))
    assert said.count("Perhaps known already same phone number") == 2, "and by what"


def test_what_is_to_be_done_goes_when_it_is_done(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team)
    said = words_of(worker.get("/staff/inbox"))
    assert "Tell them that we have their form" in said
    waiting = tasks.open_tasks(store, team.amina.actor)
    store.commit()
    assert press(worker, "/staff/inbox", f"/tasks/{waiting[0].id}/done").status_code == 303
    assert "Nothing to do here." in words_of(worker.get("/staff/inbox"))
    assert worker.post(f"/staff/tasks/{uuid.uuid4()}/done", data=token(worker, case_of(referral))).status_code == 404


def token(client: InspectedClient, address: str) -> dict[str, str]:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(address).get_data(as_text=True))
    assert found
    return {"csrf_token": found[1]}


# --- one referral ----------------------------------------------------------------------------------------------------


def test_from_the_inbox_to_an_accepted_referral_in_three_actions(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    referral = made(store, team, first_name="Zofia")
    inbox = Page(worker.get("/staff/inbox").get_data(as_text=True))  # 1
    address = next(link.get("href", "") for link in inbox.all("a") if "/referrals/" in link.get("href", ""))
    accepted = press(worker, address, "/accept")  # 2 opens it, 3 accepts it
    assert accepted.status_code == 303
    assert accepted.location == case_of(referral)
    assert referral.status == "accepted"
    assert referral.assigned_to == team.amina.actor.staff_id
    said = words_of(worker.get("/staff/inbox"))
    assert in_order(said, "Nobody new is waiting.", "My people", "Zofia")


def test_the_way_back_is_to_where_the_case_stands(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team)

    def back() -> str:
        page = Page(worker.get(case_of(referral)).get_data(as_text=True))
        return next(link.get("href", "") for link in page.all("a") if link.get("class") == "nhsuk-back-link")

    assert back() == "/staff/inbox"
    press(worker, case_of(referral), "/accept")
    assert back() == "/staff/caseload"


def test_safe_contact_comes_first_then_alerts_then_their_own_words(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    referral = made(
        store,
        team,
        preferred_name="Zo",
        what_matters="I miss my sister.\nMusic helps.",
        urgency="not-safe",
        interpreter="bsl",
        access_needs=["step-free", "more-time"],
    )
    said = words_of(worker.get(case_of(referral)))
    assert in_order(
        said,
        "How to reach this person safely",
        "Name to use: Zo",
        "Language to speak: English. Interpreter: Yes, British Sign Language",
        "Access needs:",
        "British Sign Language interpreter",
        "A place without steps",
        "More time",
        "07700 900123",
        "Is not safe, or might hurt themselves",
        "I miss my sister. Music helps.",
        "Feeling lonely or cut off",
        "Accept: I take it",
        "Everything they said",
        "27 March 1965",
    )


@pytest.mark.parametrize(
    ("answers", "says", "does_not_say"),
    [
        (
            {"safe_ways": ["call"], "voicemail_safe": "no", "others_may_answer": "yes"},
            ["Leave no voice message.", "do not say who we are", "Someone else may pick up", "any time in our opening"],
            ["Shown to be theirs"],
        ),
        (
            {
                "safe_ways": ["call", "text"],
                "voicemail_safe": "yes",
                "may_say_who": "yes",
                "others_may_answer": "no",
                "phone_times": ["weekend", "weekday-morning"],
            },
            ["You may leave a voice message.", "you may say who we are", "Nobody else picks up", "Weekday mornings"],
            ["do not say who we are", "Leave no voice message."],
        ),
        ({"safe_ways": ["text"]}, ["Do not say who we are.", "They did not say whether"], ["voice message."]),
        ({"safe_ways": ["call"], "others_may_answer": "dont-know"}, ["They do not know whether someone else"], []),
        ({"safe_ways": ["email"]}, ["zofia@inbox.example", "Write nothing about why", "Not allowed: Phone call"], []),
        ({"safe_ways": ["post"]}, ["1 Made Up Street", "Use a plain envelope"], ["07700"]),
        ({"safe_ways": ["through-person"]}, ["Ola", "Do not tell them what it is about."], []),
        (
            {"safe_ways": ["through-person"], "trusted_may_know": "yes"},
            ["You may tell them what it is about."],
            ["Do not tell"],
        ),
        (
            {"safe_ways": ["come-back"], "meeting_place": "The library, on Tuesdays"},
            ["The library, on Tuesdays", "Do not get in touch."],
            ["Confirm it is theirs"],
        ),
    ],
)
def test_each_rule_of_safe_contact_is_said_in_words(
    worker: InspectedClient,
    store: Session,
    team: Team,
    answers: dict[str, object],
    says: list[str],
    does_not_say: list[str],
) -> None:
    referral = made(store, team, **answers)
    banner = words_of(worker.get(case_of(referral))).split("Reference")[0]
    for words in says:
        assert words in banner
    for words in does_not_say:
        assert words not in banner
    allowed = answers["safe_ways"]
    assert isinstance(allowed, list)
    forbidden = banner.split("Not allowed:")[1]
    for channel, name in people.CHANNELS.items():
        assert (name in forbidden) == (channel not in [*allowed, "come-back"])


def test_a_way_is_confirmed_by_one_press(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team)
    way = people.ways_of(store, team.service.id, referral.person_id)[0]
    store.commit()
    assert press(worker, case_of(referral), f"/ways/{way.id}/confirm").status_code == 303
    said = words_of(worker.get(case_of(referral)))
    assert "Shown to be theirs on" in said
    assert "Confirm it is theirs" not in said


def test_a_way_of_somebody_else_is_not_confirmed_from_here(worker: InspectedClient, store: Session, team: Team) -> None:
    referral, other = made(store, team), made(store, team, first_name="Other")
    way = people.ways_of(store, team.service.id, other.person_id)[0]
    store.commit()
    answered = worker.post(f"{case_of(referral)}/ways/{way.id}/confirm", data=token(worker, case_of(referral)))
    assert answered.status_code == 404
    store.expire_all()
    assert store.get_one(ContactWay, (way.service_id, way.id)).confirmed_at is None


def test_no_question_has_an_empty_answer(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team, referring_for="me-with-help", what_matters="", gp_registered="dont-know")
    page = Page(worker.get(case_of(referral)).get_data(as_text=True))
    cells = page.all("dd")
    assert len(cells) > 30
    assert all("".join(cell.itertext()).strip() for cell in cells)
    said = words_of(worker.get(case_of(referral)))
    assert "Sam Okoro" in said
    assert "I don’t know" in said
    assert "Not asked, because of other answers:" in said
    assert "Left blank, so no" in said


def test_somebody_who_would_rather_not_say_is_never_a_yes(worker: InspectedClient, store: Session, team: Team) -> None:
    """Each optional coded question may be declined; no way to reach somebody and no sharing follows from that."""
    declined = {
        question.code: "prefer-not-to-say"
        for question in SELF_REFERRAL.questions
        if question.may_decline and question.code != "needs"
    }
    assert len(declined) >= 10
    referral = made(store, team, **declined)
    said = words_of(worker.get(case_of(referral)))
    assert "I’d rather not say" in said
    assert "Chose not to say, so no" in said
    ways = people.ways_of(store, referral.service_id, referral.person_id)
    assert not any(way.voicemail or way.say_who for way in ways)
    assert not any(people.allows(store, referral.service_id, referral.person_id, kind) for kind in people.SHARING)


def test_every_optional_question_with_answers_to_choose_from_may_be_declined() -> None:
    """Product 3. Not the one tick box, and not the list of needs: own words or the list, one of them is enough."""
    for question in SELF_REFERRAL.questions:
        if question.kind.coded and not question.required and question.code not in ("no_fixed_address", "needs"):
            assert question.may_decline, question.code


def test_first_answers_stay_beside_changed_ones(worker: InspectedClient, store: Session, team: Team) -> None:
    key = codes.new_key()
    draft = a_draft(store, team.service, until="urgent", urgency="being-hurt")
    step = next(step for step in SELF_REFERRAL.steps if step.slug == "urgent")
    referrals.keep(store, team.service, draft, step, {"urgency": "no"}, "en")
    while gap := SELF_REFERRAL.first_gap(draft.answers):
        referrals.keep(store, team.service, draft, gap, {}, "en")
    referral = referrals.submit(store, team.service, draft, key)
    store.commit()
    said = words_of(worker.get(case_of(referral)))
    assert in_order(said, "Someone is hurting me", "Later the answer was changed to: No")


def test_reading_is_written_down_and_an_unknown_referral_looks_like_another_services(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    elsewhere = a_service(store, "elsewhere")
    staff_member(store, elsewhere, Role.MANAGER)
    theirs = a_referral(store, elsewhere)
    ours = made(store, team)
    worker.get(case_of(ours))
    acts = [event.act for event in audit.history_of(store, team.service.id, ours.id)]
    assert acts.count("read a referral") == 1
    unknown = uuid.uuid4()
    pages = []
    for one in (theirs.id, unknown):
        answered = worker.get(f"/staff/referrals/{one}")
        assert answered.status_code == 404
        pages.append(answered.get_data(as_text=True).replace(str(one), "?"))
    assert pages[0] == pages[1]
    for ending in ("accept", "give", "decline", "pass-on", "permission", f"merge/{uuid.uuid4()}"):
        fields = {**token(worker, case_of(ours)), "agreed": "y"}
        assert worker.post(f"/staff/referrals/{theirs.id}/{ending}", data=fields).status_code == 404
    store.rollback()
    assert not [one for one in audit.history_of(store, elsewhere.id, theirs.id) if one.actor_id]


# --- deciding --------------------------------------------------------------------------------------------------------


def test_the_slower_of_two_is_told_who_was_faster(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team)
    fields = token(worker, case_of(referral))
    referrals.accept(store, team.service, team.ben.actor, referral.id)
    store.commit()
    for ending in ("accept", "decline", "pass-on"):
        typed = {"reason": "other", "word": "w", "to": "t"}
        answered = worker.post(f"{case_of(referral)}/{ending}", data={**fields, **typed})
        assert answered.status_code == 409
        assert in_order(words_of(answered), "Somebody has decided", "Accepted: Ben")
    assert "/reason" in worker.get(f"{case_of(referral)}/decline").location, "now it is a colleague's"
    assert referral.assigned_to == team.ben.actor.staff_id


def test_a_new_referral_is_accepted_by_giving_it(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team)
    address = f"{case_of(referral)}/give"
    assert press(worker, address, "/give", to=team.ben.actor.staff_id).status_code == 303
    assert referral.assigned_to == team.ben.actor.staff_id
    assert press(worker, address, "/give", to=team.amina.actor.staff_id).status_code == 303
    said = words_of(worker.get(case_of(referral)))
    assert in_order(
        said,
        "Ending, pausing, moving",
        "What happened",
        "Given to a colleague: Amina",
        "Given to a colleague: Ben",
        "Accepted",
        "New",
    )


@pytest.mark.parametrize("to", ["", "zzz", "\x00", str(uuid.UUID(int=7))])
def test_it_is_given_only_to_somebody_who_is_there(
    worker: InspectedClient, store: Session, team: Team, to: str
) -> None:
    referral = made(store, team)
    answered = press(worker, f"{case_of(referral)}/give", "/give", to=to)
    assert answered.status_code == 422
    assert "Choose somebody" in words_of(answered)
    assert referral.status == "submitted"


def test_declining_needs_a_reason_and_a_word_and_keeps_what_was_typed(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    referral = made(store, team)
    address = f"{case_of(referral)}/decline"
    answered = press(worker, address, "/decline", text="Private note")
    assert answered.status_code == 422
    assert "Choose a reason" in words_of(answered)
    assert "Private note" in answered.get_data(as_text=True)
    answered = press(worker, address, "/decline", reason="outside-area", text="Private note")
    assert answered.status_code == 422
    assert "Write a word to the person" in words_of(answered)
    assert "checked" in answered.get_data(as_text=True)
    assert press(worker, address, "/decline", reason="outside-area", word="Try the one near you.").status_code == 303
    said = words_of(worker.get(case_of(referral)))
    assert in_order(said, "Declined", "Decided byAmina", "Lives outside our area", "Try the one near you.")
    assert "Tell them what was decided" in words_of(worker.get("/staff/inbox"))


@pytest.mark.parametrize("reason", ["died", "duplicate"])
def test_nobody_is_told_what_is_no_news_to_them(
    worker: InspectedClient, store: Session, team: Team, reason: str
) -> None:
    referral = made(store, team)
    assert press(worker, f"{case_of(referral)}/decline", "/decline", reason=reason).status_code == 303
    assert "Tell them what was decided" not in words_of(worker.get("/staff/inbox"))


BAD = ["a\x00b", "e" + "\u0301" * 200, "\ufffd", "x" * 100_000]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.both_databases
def test_bad_input_gets_a_kind_sentence(worker: InspectedClient, store: Session, team: Team, bad: str) -> None:
    referral = made(store, team, share_onward="yes", urgency="not-safe")
    alert = alerts.of_referral(store, team.amina.actor, referral.id)[0]
    store.commit()
    for address, ending, field in (
        (f"{case_of(referral)}/decline", "/decline", "text"),
        (f"{case_of(referral)}/decline", "/decline", "word"),
        (f"{case_of(referral)}/pass-on", "/pass-on", "to"),
        (f"{case_of(referral)}/pass-on", "/pass-on", "word"),
    ):
        typed: dict[str, object] = {"reason": "other", "to": "Them", "word": "Kind words", field: bad}
        answered = press(worker, address, ending, **typed)
        assert answered.status_code == 422
        assert "There is a problem" in words_of(answered)
    press(worker, f"/staff/alerts/{alert.id}", "/open")
    answered = press(worker, f"/staff/alerts/{alert.id}", "/close", done=bad)
    assert answered.status_code == 422
    assert referral.status == "submitted"


def test_a_dead_token_loses_no_words(worker: InspectedClient, store: Session, team: Team) -> None:
    referral = made(store, team)
    typed = {"csrf_token": "gone", "reason": "other", "word": "I typed this for long"}
    answered = worker.post(f"{case_of(referral)}/decline", data=typed)
    assert answered.status_code == 422
    assert "I typed this for long" in answered.get_data(as_text=True)
    assert "open for a long time" in words_of(answered)
    assert referral.status == "submitted"


def test_without_a_permission_nothing_is_passed_on_until_the_person_has_said_yes(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    referral = made(store, team)
    address = f"{case_of(referral)}/pass-on"
    fields = token(worker, address)
    page = words_of(worker.get(address))
    assert "Please ask them first" in page
    assert "may we give them your name and how to reach you?" in page
    assert "Who will help them now?" not in page
    typed = {**fields, "to": "The garden", "reason": "They like plants", "word": "Ask for Jo"}
    assert worker.post(address, data=typed).status_code == 422
    assert press(worker, address, "/permission").status_code == 422
    assert referral.status == "submitted"
    assert press(worker, address, "/permission", agreed="y").location == address
    del typed["csrf_token"]
    assert press(worker, address, "/pass-on", **typed).status_code == 303
    said = words_of(worker.get(case_of(referral)))
    assert in_order(said, "Passed on", "The garden", "They like plants", "Ask for Jo")
    assert "Yes (in words, to one of us)" in said


# --- possible duplicates ---------------------------------------------------------------------------------------------


def test_two_records_are_compared_merged_and_given_back(worker: InspectedClient, store: Session, team: Team) -> None:
    first = made(store, team, first_name="Zofia", gp_practice="Riverside", safe_ways=["call"])
    second = made(store, team, first_name="Zofia", gp_practice="Hilltop", safe_ways=["email"])
    old, new = person_of(store, first).id, person_of(store, second).id
    store.commit()
    said = words_of(worker.get(case_of(second)))
    assert "same name and date of birth" in said
    address = f"{case_of(second)}/merge/{old}"
    assert address in worker.get(case_of(second)).get_data(as_text=True)
    side_by_side = words_of(worker.get(address))
    assert in_order(side_by_side, "What matches: same name and date of birth", "Hilltop", "Riverside", "Different")
    assert in_order(side_by_side, "NHS number", "Left blank", "Left blank", "Not known of both")
    assert press(worker, address, f"/merge/{old}").status_code == 303
    merged = words_of(worker.get(case_of(second)))
    assert codes.show_reference(first.reference) in merged, "their other referral is named"
    assert "Perhaps we know this person already" not in merged
    assert "They once allowed this, and do not any more: Phone call" in merged
    assert second.person_id == old
    assert worker.post(address, data=token(worker, "/staff/inbox")).status_code == 409, "merged twice is merged once"
    undo = press(worker, case_of(second), "/undo-merge/" + str(people.merges_of(store, team.amina.actor, old)[0].id))
    assert undo.status_code == 303
    assert second.person_id == new
    assert "Perhaps we know this person already" in words_of(worker.get(case_of(second)))


def test_comparing_is_written_down_and_stays_in_the_service(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    elsewhere = a_service(store, "elsewhere")
    staff_member(store, elsewhere, Role.MANAGER)
    theirs = a_referral(store, elsewhere)
    first, second = made(store, team), made(store, team)
    worker.get(f"{case_of(second)}/merge/{first.person_id}")
    written = audit.history_of(store, team.service.id, first.person_id)
    assert [event.act for event in written if event.actor_id] == ["compared people"]
    for person in (theirs.person_id, uuid.uuid4(), second.person_id):
        assert worker.get(f"{case_of(second)}/merge/{person}").status_code == 404
        posted = worker.post(f"{case_of(second)}/merge/{person}", data=token(worker, "/staff/inbox"))
        assert posted.status_code == (409 if person == second.person_id else 404)


# --- alerts ----------------------------------------------------------------------------------------------------------


def test_an_alert_is_there_with_what_helps_although_the_form_was_never_sent(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    draft = a_draft(
        store,
        team.service,
        until="urgent",
        preferred_name="Zo",
        safe_ways=["call", "come-back"],
        voicemail_safe="no",
        meeting_place="The café on Mill Road",
        urgency="not-safe",
        what_matters="My secret garden",
    )
    store.commit()
    alert = alerts.waiting(store, team.amina.actor)[0]
    store.commit()
    said = words_of(worker.get(f"/staff/alerts/{alert.id}"))
    for words in ("Name to use: Zo", "07700 900123", "Leave no voice message.", "The café on Mill Road", "AB10 1AB"):
        assert words in said
    assert "I am not safe, or I might hurt myself" in said
    assert "They have not sent their form." in said
    assert "My secret garden" not in said, "what does not help to reach them stays theirs until they send it"
    acts = [event.act for event in audit.history_of(store, team.service.id, draft.id)]
    assert "read an unsent form" in acts
    assert alerts.waiting(store, team.amina.actor)[0].opened_at is None, "looking stops no clock"


def test_what_we_could_not_read_is_shown_as_it_was_typed(worker: InspectedClient, store: Session, team: Team) -> None:
    draft = a_draft(store, team.service, until="safe-contact", safe_ways=["call"])
    step = SELF_REFERRAL.step("phone")
    assert step
    referrals.keep(store, team.service, draft, step, {"phone": ["0770 nine\x00"]}, "en")
    urgent = SELF_REFERRAL.step("urgent")
    assert urgent
    referrals.keep(store, team.service, draft, urgent, {"urgency": "being-hurt"}, "en")
    store.commit()
    alert = alerts.waiting(store, team.amina.actor)[0]
    store.commit()
    said = words_of(worker.get(f"/staff/alerts/{alert.id}"))
    assert "They chose this, but have not said the number or address yet." in said
    assert in_order(said, "Typed, but we could not read it", "0770 nine")


def test_an_alert_is_opened_by_name_handed_over_and_closed_with_what_was_done(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    made(store, team, urgency="not-safe")
    alert = alerts.waiting(store, team.amina.actor)[0]
    store.commit()
    address = f"/staff/alerts/{alert.id}"
    assert "1 alert is waiting to be opened" in words_of(worker.get(case_of_alert(store, alert)))
    early = worker.post(f"{address}/close", data={**token(worker, address), "done": "Called them"})
    assert early.status_code == 422
    assert "Open the alert first" in words_of(early)
    assert "Called them" in early.get_data(as_text=True)
    assert press(worker, address, "/open").status_code == 303
    assert "1 alert is waiting" not in words_of(worker.get("/staff/inbox"))
    assert in_order(words_of(worker.get("/staff/alerts")), "Mine", "Opened", "The team’s", "Nobody else has an alert.")
    assert press(worker, address, "/close").status_code == 422
    assert press(worker, address, "/hand-over", to="zzz").status_code == 422
    assert press(worker, address, "/hand-over", to=team.ben.actor.staff_id).status_code == 303
    assert in_order(words_of(worker.get("/staff/alerts")), "You have no alert.", "The team’s", "Ben", "Not opened")
    press(worker, address, "/open")
    assert press(worker, address, "/close", done="Spoke with them. Safe with a friend.").status_code == 303
    said = words_of(worker.get(address))
    assert in_order(said, "Closed by Amina", "Spoke with them. Safe with a friend.", "What happened", "Handed over")
    assert in_order(words_of(worker.get("/staff/alerts?which=closed")), "Closed", "Amina")


def case_of_alert(store: Session, alert: Alert) -> str:
    assert alert.referral_id
    return f"/staff/referrals/{alert.referral_id}"


def test_an_alert_of_another_service_is_not_there(worker: InspectedClient, store: Session, team: Team) -> None:
    elsewhere = a_service(store, "elsewhere")
    boss = staff_member(store, elsewhere, Role.MANAGER)
    a_referral(store, elsewhere, urgency="not-safe")
    store.commit()
    theirs = alerts.waiting(store, boss.actor)[0].id
    store.commit()
    for one in (theirs, uuid.uuid4()):
        assert worker.get(f"/staff/alerts/{one}").status_code == 404
        for ending, typed in (("open", {}), ("close", {"done": "x"}), ("hand-over", {"to": team.ben.actor.staff_id})):
            fields = {**token(worker, "/staff/inbox"), **typed}
            assert worker.post(f"/staff/alerts/{one}/{ending}", data=fields).status_code == 404
    assert alerts.waiting(store, boss.actor)[0].opened_at is None


# --- tasks -----------------------------------------------------------------------------------------------------------


def test_somebody_who_asked_for_it_can_be_reached_before_they_finish(
    worker: InspectedClient, store: Session, team: Team
) -> None:
    draft = a_draft(store, team.service, until="phone")
    draft.contact_if_unfinished = True
    store.commit()
    with clock.later(timedelta(days=2)):
        assert referrals.ask_about_unfinished(store, team.service) == 1
        store.commit()
        sign_in(worker, store, team.amina)
        task = tasks.open_tasks(store, team.amina.actor)[0]
        store.commit()
        assert f"/staff/tasks/{task.id}" in worker.get("/staff/inbox").get_data(as_text=True)
        said = words_of(worker.get(f"/staff/tasks/{task.id}"))
        assert in_order(said, "Contact someone who did not finish", "Name to use: Zofia", "07700 900123")
        assert press(worker, f"/staff/tasks/{task.id}", "/done").status_code == 303
        assert worker.get(f"/staff/tasks/{uuid.uuid4()}").status_code == 404


# --- who may come in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.ANALYST])
def test_who_does_not_care_for_people_reads_none_of_this(
    client: InspectedClient, store: Session, team: Team, role: Role
) -> None:
    referral = made(store, team, urgency="not-safe")
    somebody = staff_member(store, team.service, role)
    sign_in(client, store, somebody)
    for address in ("/staff/inbox", case_of(referral), "/staff/alerts"):
        assert client.get(address).status_code == 403


def test_a_page_costs_as_many_queries_for_many_as_for_few(worker: InspectedClient, store: Session, team: Team) -> None:
    from sqlalchemy import event

    counted: list[str] = []
    engine = worker.application.extensions["stores"].engine
    event.listen(engine, "before_cursor_execute", lambda *given: counted.append(given[2]))
    numbers = []
    for _ in range(2):
        for _ in range(8):
            a_referral(store, team.service, safe_ways=["email"])
        store.commit()
        counted.clear()
        worker.get("/staff/inbox")
        numbers.append(len(counted))
    assert numbers[0] == numbers[1]
