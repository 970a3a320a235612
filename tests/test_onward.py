"""Onward: three acts kept apart, of which one moves data, and that exactly as it was listed, under a permission."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, codes, notifications, people, referrals
from portal.access import Actor, Refused, Role
from portal.caseload import access_needs, lists, onward
from portal.clock import now, today
from portal.notifications import Outgoing
from portal.store import Activity, ActivityTag, Message, Onward, OnwardChange, Service, Stores, Task
from portal.web.messages import Renderer
from tests.inspector import InspectedClient
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

RENDER = Renderer("https://refer.example.org", "here")
GROUP = "choir@group.example"


def an_activity(store: Session, service: Service, **more: object) -> Activity:
    made = Activity(
        service_id=service.id,
        id=codes.new_id(),
        source_id=uuid.uuid4().hex,
        seen_at=now(),
        words_key="singing together",
        source={},
        **{"name": "Singing together", "description": "A choir for everybody.", "phone": "01234 567890", **more},
    )
    store.add(made)
    store.flush()
    store.add(ActivityTag(service_id=service.id, activity_id=made.id, kind="need", value="loneliness"))
    store.flush()
    return made


def a_case(store: Session, service: Service, worker: Actor, **answers: object) -> referrals.Referral:
    sent = a_referral(store, service, answers={"share_onward": "yes", "voicemail_safe": "no", **answers})
    return referrals.accept(store, service, worker, sent.id)


class World:
    def __init__(self, store: Session) -> None:
        self.store = store
        self.service = a_service(store)
        staff_member(store, self.service, Role.MANAGER)
        self.member: Member = staff_member(store, self.service)
        self.worker = self.member.actor
        self.activity = an_activity(store, self.service, referrals_to=GROUP)
        self.case = a_case(store, self.service, self.worker)

    def begin(self, **more: object) -> Onward:
        given = {"once": codes.new_key(), "kind": "referral", "need": "loneliness", "activity_id": self.activity.id}
        return onward.begin(self.store, self.worker, self.case.id, **{**given, **more})  # type: ignore[arg-type]

    def offered(self, one: Onward) -> list[onward.Shareable]:
        return onward.shareable(self.store, self.worker, one, self.rules())

    def rules(self) -> "dict[uuid.UUID, list[str]]":
        ways = people.ways_of(self.store, self.service.id, self.case.person_id)
        return {way.id: ["Leave no voice message."] for way in ways}

    def send(self, one: Onward, *fields: str, seen: str | None = None, **more: object) -> Onward:
        chosen = [each for each in self.offered(one) if each.code in fields]
        return onward.send(
            self.store,
            self.service,
            self.worker,
            one.id,
            fields=fields,
            seen=onward.seen_of(chosen) if seen is None else seen,
            rules=self.rules(),
            **more,  # type: ignore[arg-type]
        )


@pytest.fixture
def world(store: Session) -> World:
    return World(store)


def messages(store: Session) -> list[Message]:
    return list(store.scalars(select(Message).where(Message.template == "onward-referral")))


# The three acts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["signpost", "supported-self-referral"])
def test_telling_somebody_about_a_place_and_helping_them_to_ask_move_no_data(world: World, kind: str) -> None:
    one = world.begin(kind=kind)
    assert (one.status, one.shared, one.permission_id, one.message_id) == ("offered", {}, None, None)
    with pytest.raises(onward.NotPossible) as problem:
        onward.send(
            world.store, world.service, world.worker, one.id, fields=["name"], seen="", rules={}, to="Ann, by phone"
        )
    assert problem.value.problems == {"how": "no-data"}
    assert not messages(world.store)


def test_a_referral_gives_exactly_what_was_listed_and_keeps_it(world: World) -> None:
    one = world.begin(reason="She loves to sing.")
    sent = world.send(one, "name", "call")
    assert [each["code"] for each in sent.shared["fields"]] == ["name", "call"]
    assert [each["value"] for each in sent.shared["fields"]] == [
        "Zofia Quarshie",
        "07700 900123. Leave no voice message.",
    ]
    assert (sent.status, sent.sent_to, sent.permission_id is not None) == ("sent", GROUP, True)
    (message,) = messages(world.store)
    assert message.address == GROUP
    words = message.details["words"]
    assert "07700 900123" in words
    assert "AB10" not in words
    assert "She loves" not in words
    assert "1965" not in words


def test_a_rule_of_safe_contact_goes_along_with_the_way(world: World) -> None:
    offered = {each.code: each.value for each in world.offered(world.begin())}
    assert offered["call"].endswith("Leave no voice message.")
    assert "email" not in offered  # they allowed calls alone


def test_the_needs_that_go_are_those_of_the_record_whoever_found_them_and_none_that_has_ended(world: World) -> None:
    world.case = a_case(
        world.store, world.service, world.worker, access_needs=["large-print", "hearing"], interpreter="bsl"
    )
    here = world.store, world.worker, world.case.id
    for one in access_needs.of_person(world.store, world.service.id, world.case.person_id):
        if one.need in ("does-not-hear-well", "bsl-interpreter"):
            access_needs.end(*here, one.id)
    access_needs.add(*here, need="sans-serif-24pt", if_not_met="She cannot read it.")
    access_needs.add(*here, need="lip-reads", need_of="carer")
    said = {one.code: one.value for one in world.offered(world.begin())}
    assert said["access"] == (
        "Their carer: Lip-reads; Print of at least 24 point, sans serif: When it is not met: She cannot read it; "
        "Large print"
    )
    assert "interpreter" not in said


def test_what_changed_after_the_page_was_shown_is_listed_again_first(world: World) -> None:
    one = world.begin()
    seen = onward.seen_of([each for each in world.offered(one) if each.code == "call"])
    (way,) = people.ways_of(world.store, world.service.id, world.case.person_id)
    way.address = "+447700900999"
    world.store.flush()
    with pytest.raises(onward.OtherWords):
        world.send(one, "call", seen=seen)
    assert not messages(world.store)
    assert one.shared == {}


def test_without_permission_nothing_leaves_and_nothing_is_kept(world: World) -> None:
    one = world.begin()
    people.change_permission(world.store, world.service, world.case.person_id, "share_onward", "withdrawn", "en")
    with pytest.raises(onward.NotAllowed):
        world.send(one, "name")
    assert (one.shared, one.sent_to, one.status) == ({}, None, "offered")
    assert not messages(world.store)
    acts = [event.act for event in audit.history_of(world.store, world.service.id, one.id)]
    assert "was not allowed to send a referral" in acts


def test_no_row_of_permission_is_a_no(store: Session) -> None:
    world = World(store)
    world.case = referrals.accept(store, world.service, world.worker, a_referral(store, world.service).id)
    one = world.begin()
    with pytest.raises(onward.NotAllowed):
        world.send(one, "name")


def test_what_the_question_does_not_speak_of_needs_a_yes_of_its_own(world: World) -> None:
    one = world.begin()
    with pytest.raises(onward.NotPossible) as problem:
        world.send(one, "name", "need")
    assert problem.value.problems == {"fields": "not-agreed"}
    sent = world.send(one, "name", "need", agreed=True)
    assert sent.shared["agreed"] is True
    assert sent.shared["fields"][1]["value"] == "Feeling lonely or cut off"


@pytest.mark.parametrize(
    ("fields", "why"), [((), "missing"), (("nhs_number",), "not-listed"), (("email",), "not-listed")]
)
def test_only_what_is_declared_and_known_can_be_chosen(world: World, fields: tuple[str, ...], why: str) -> None:
    with pytest.raises(onward.NotPossible) as problem:
        world.send(world.begin(), *fields)
    assert problem.value.problems == {"fields": why}


def test_without_an_address_it_goes_by_hand_and_says_how(world: World) -> None:
    world.activity.referrals_to = None
    one = world.begin()
    with pytest.raises(onward.NotPossible) as problem:
        world.send(one, "name")
    assert problem.value.problems == {"how": "no-address"}
    sent = world.send(one, "name", to="Ann, by phone")
    assert (sent.sent_to, sent.status, sent.message_id) == ("Ann, by phone", "sent", None)
    assert not messages(world.store)


def test_pressed_twice_it_is_sent_once(world: World) -> None:
    one = world.begin()
    first = world.send(one, "name")
    kept = dict(first.shared)
    assert world.send(one, "name", "call").shared == kept
    assert len(messages(world.store)) == 1
    again = world.begin(once="same")
    assert world.begin(once="same").id == again.id


def test_a_permission_taken_back_before_the_message_leaves_stops_it(stores: Stores) -> None:
    with stores.writing.begin() as store:
        world = World(store)
        one = world.send(world.begin(), "name")
        people.change_permission(store, world.service, world.case.person_id, "share_onward", "withdrawn", "en")
        onward_id = one.id
    kept: list[Outgoing] = []

    class Keeps:
        def send(self, outgoing: Outgoing) -> None:
            kept.append(outgoing)

    notifications.deliver(stores, Keeps(), RENDER)
    assert GROUP not in [one.to for one in kept]
    with stores.writing.begin() as store:
        (message,) = messages(store)
        assert (message.state, message.refusal, message.details) == ("refused", "changed-mind", {})
        assert store.scalars(select(Task).where(Task.message_id == message.id)).one().kind == "message-failed"
        worker = Actor(message.service_id, world.worker.staff_id, "x", Role.LINK_WORKER)
        assert onward.line_of(store, onward.read(store, worker, onward_id)).not_sent


def test_with_the_permission_it_arrives_in_the_words_that_were_listed(stores: Stores) -> None:
    with stores.writing.begin() as store:
        world = World(store)
        world.send(world.begin(), "name", "call")
    kept: list[Outgoing] = []

    class Keeps:
        def send(self, outgoing: Outgoing) -> None:
            kept.append(outgoing)

    notifications.deliver(stores, Keeps(), RENDER)
    (arrived,) = [one for one in kept if one.to == GROUP]
    assert "Zofia" not in arrived.words.subject
    assert "Name: Zofia Quarshie" in arrived.words.body
    with stores.reading() as store:
        assert messages(store)[0].details == {}  # what it carried is forgotten; the case keeps it


def from_today(given: dict[str, object]) -> dict[str, object]:
    """So many days from today are a day: of the day of the test, for the list above it was read before midnight."""
    return {name: today() + value if isinstance(value, timedelta) else value for name, value in given.items()}


# Beginning -----------------------------------------------------------------------------------------------------------


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"kind": "parcel"}, {"kind": "not-listed"}),
        ({"need": "moon"}, {"need": "not-listed"}),
        ({"activity_id": None}, {"place": "missing"}),
        ({"check_due": -timedelta(days=1)}, {"check_due": "past"}),
        ({"check_due": timedelta(days=999)}, {"check_due": "too-far"}),
    ],
)
def test_what_cannot_be_is_said_by_its_field(world: World, given: dict[str, object], problem: dict[str, str]) -> None:
    with pytest.raises(onward.NotPossible) as found:
        world.begin(**from_today(given))
    assert found.value.problems == problem


def test_a_place_that_is_not_in_the_directory_is_free_text(world: World) -> None:
    one = world.begin(activity_id=None, place="The lunch club", provider="St Mary’s", kind="signpost")
    assert (one.activity_name, one.provider_name, one.check_due) == (
        "The lunch club",
        "St Mary’s",
        today() + timedelta(days=14),
    )


def test_an_activity_that_may_not_be_offered_is_not_there(world: World) -> None:
    world.activity.hidden = True
    world.store.flush()
    with pytest.raises(onward.Gone):
        world.begin()


def test_a_new_referral_is_no_case_yet(world: World) -> None:
    world.case = a_referral(world.store, world.service)
    with pytest.raises(onward.NotTaken):
        world.begin(kind="signpost")


def test_another_service_s_case_is_not_there(world: World) -> None:
    other = a_service(world.store, "there")
    stranger = staff_member(world.store, other).actor
    one = world.begin()
    with pytest.raises(onward.Gone):
        onward.begin(world.store, stranger, world.case.id, once="x", kind="signpost", need="loneliness", place="x")
    with pytest.raises(onward.Gone):
        onward.read(world.store, stranger, one.id)
    analyst = staff_member(world.store, world.service, Role.ANALYST).actor
    with pytest.raises(Refused):
        onward.read(world.store, analyst, one.id)


# What became of it ---------------------------------------------------------------------------------------------------


def test_the_closed_lists_are_those_of_the_data_dictionary() -> None:
    assert [one.code for one in lists.ONWARD_KINDS] == ["signpost", "supported-self-referral", "referral"]
    assert [one.code for one in lists.BARRIERS] == ["cost", "transport", "access", "health", "other"]
    assert len(lists.ONWARD_STATUSES) == 13
    assert all(one.definition for one in (*lists.ONWARD_STATUSES, *lists.ONWARD_KINDS))


def test_each_step_stays_and_the_first_day_there_is_kept(world: World) -> None:
    one = world.begin(kind="signpost")
    onward.became(world.store, world.worker, one.id, version=one.version, status="attended-once")
    onward.became(
        world.store,
        world.worker,
        one.id,
        version=one.version,
        status="stopped",
        barriers=["transport"],
        reason="The bus was cut.",
    )
    assert (one.status, one.attended_first_on, one.barriers, one.check_due) == ("stopped", today(), ["transport"], None)
    changes = onward.line_of(world.store, one).changes
    assert [each.status for each in changes] == ["offered", "attended-once", "stopped"]
    assert changes[-1].reason == "The bus was cut."


def test_two_workers_at_once_lose_nothing(world: World) -> None:
    one = world.begin(kind="signpost")
    seen = one.version
    onward.became(world.store, world.worker, one.id, version=seen, status="accepted")
    with pytest.raises(onward.Meanwhile):
        onward.became(world.store, world.worker, one.id, version=seen, status="declined")
    assert one.status == "accepted"


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"status": "sent"}, {"status": "not-listed"}),
        ({"status": "waitlisted"}, {"status": "not-listed"}),
        ({"status": "accepted", "barriers": ["moon"]}, {"barriers": "not-listed"}),
        ({"status": "accepted", "on": timedelta(days=1)}, {"on": "future"}),
        ({"status": "accepted", "on": -timedelta(days=1)}, {"on": "before"}),
        ({"status": "attending", "attended_first_on": timedelta(days=1)}, {"attended_first_on": "future"}),
        ({"status": "accepted", "check_due": -timedelta(days=1)}, {"check_due": "past"}),
    ],
)
def test_an_outcome_that_cannot_be_is_said_by_its_field(
    world: World, given: dict[str, object], problem: dict[str, str]
) -> None:
    one = world.begin(kind="signpost")
    with pytest.raises(onward.NotPossible) as found:
        onward.became(world.store, world.worker, one.id, version=one.version, **from_today(given))  # type: ignore[arg-type]
    assert found.value.problems == problem
    assert len(list(world.store.scalars(select(OnwardChange)))) == 1


def test_what_is_due_stands_in_my_day_until_it_is_over(world: World) -> None:
    one = world.begin(kind="signpost", check_due=today())
    assert [each.id for each in onward.due(world.store, world.worker)] == [one.id]
    other = staff_member(world.store, world.service).actor
    assert not onward.due(world.store, other)
    onward.became(world.store, world.worker, one.id, version=one.version, status="declined")
    assert not onward.due(world.store, world.worker)


def test_the_person_reads_what_was_told_about_them_and_no_word_of_the_worker(world: World) -> None:
    world.send(world.begin(reason="A worker's own words."), "name")
    (told,) = onward.for_person(world.store, world.service.id, world.case.person_id)
    assert told.given == (("Name", "Zofia Quarshie"),)
    assert told.given_on == today()
    assert "worker" not in repr(told)


# The pages -----------------------------------------------------------------------------------------------------------


def test_a_referral_goes_from_the_case_to_the_group_with_exactly_what_the_page_listed(
    client: InspectedClient, store: Session
) -> None:
    world = World(store)
    sign_in(client, store, world.member)
    found = client.get(f"/staff/referrals/{world.case.id}/onward/find")
    assert "Singing together" in words_of(found)
    address = f"/staff/referrals/{world.case.id}/onward/new?activity={world.activity.id}"
    begun = press(client, address, "new", kind="referral", need="loneliness", check_due="", reason="")
    assert begun.status_code == 422  # a day is asked for
    begun = press(client, address, "new", kind="referral", need="loneliness", check_due=today().isoformat(), reason="")
    assert begun.status_code == 303
    share = begun.headers["Location"]
    listed = client.get(f"{share}?fields=name&fields=call")
    page = words_of(listed)
    assert "Exactly this goes" in page
    assert "07700 900123. Leave no voice message. If someone else answers, do not say who we are." in page
    other = press(client, f"{share}?fields=name&fields=call", "send", how="email", fields=["name"])
    assert other.status_code == 409  # not what the page listed
    sent = press(client, f"{share}?fields=name&fields=call", "send", how="email", fields=["name", "call"])
    assert sent.status_code == 303
    done = words_of(client.get(sent.headers["Location"]))
    assert "What the group got" in done
    assert GROUP in done
    case = words_of(client.get(f"/staff/referrals/{world.case.id}"))
    assert "Details sent" in case


def test_without_permission_the_page_says_so_and_offers_to_ask(client: InspectedClient, store: Session) -> None:
    world = World(store)
    world.case = referrals.accept(store, world.service, world.worker, a_referral(store, world.service).id)
    one = world.begin()
    sign_in(client, store, world.member)
    address = f"/staff/onward/{one.id}/share?fields=name"
    page = words_of(client.get(address))
    assert "They have not allowed this" in page
    assert "Exactly this goes" not in page
    assert press(client, address, "permission").status_code == 422
    assert press(client, address, "permission", agreed="y").status_code == 303
    assert "Exactly this goes" in words_of(client.get(address))


def test_the_slip_is_in_the_language_of_the_person_and_names_nobody(client: InspectedClient, store: Session) -> None:
    world = World(store)
    world.service.settings = {**world.service.settings, "languages": ["pl"]}
    world.case = a_case(store, world.service, world.worker, written_language="pl")
    one = world.begin(kind="signpost")
    sign_in(client, store, world.member)
    slip = client.get(f"/staff/onward/{one.id}/slip")
    assert '<html lang="pl"' in slip.get_data(as_text=True)
    assert "Nobody has checked this translation yet." in words_of(slip)
    assert "01234 567890" in words_of(slip)
    assert "Zofia" not in words_of(slip)


def test_what_became_of_it_is_kept_from_the_page_and_a_mistake_keeps_what_was_typed(
    client: InspectedClient, store: Session
) -> None:
    world = World(store)
    one = world.begin(kind="signpost")
    sign_in(client, store, world.member)
    address = f"/staff/onward/{one.id}"
    wrong = press(client, address, str(one.id), status="attending", on="31 31 2026", reason="Goes every week.")
    assert wrong.status_code == 422
    assert "Goes every week." in words_of(wrong)
    old = client.get(address)
    assert old.status_code == 200
    good = press(client, address, str(one.id), status="service-full", barriers="cost", on=today().isoformat())
    assert good.status_code == 303
    assert "The group is full" in words_of(client.get(address))
