"""Cases change hands: to another service, to a colleague, a whole caseload; and what the person reads of it."""

import re
import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import accounts, alerts, audit, clock, entries, people, referrals, tasks
from portal.access import Actor, Refused, Role
from portal.caseload import access_needs, closing, contacts, moving
from portal.caseload.closing import NeedsWords, NotOpen
from portal.clock import now, today
from portal.i18n import speaking
from portal.referrals import NotAllowed, NotThere
from portal.store import Alert, CaseMove, Message, Permission, Referral, Service, ServiceUser, Stores, Task
from portal.web.my import say_standing
from tests.inspector import InspectedClient
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

WORD = "They are nearer to you."


@dataclass
class Here:
    """Two services; here two workers and a manager."""

    store: Session
    service: Service
    other: Service
    amina: Member
    ben: Member
    manager: Member
    boss: Member
    there: Member

    def case(self, actor: Actor | None = None, **answers: Any) -> Referral:
        referral = a_referral(self.store, self.service, **{"share_onward": "yes", **answers})
        return referrals.accept(self.store, self.service, actor or self.amina.actor, referral.id)

    def listed(self, referral: Referral) -> str:
        return moving.listed_as(moving.fields(self.store, self.amina.actor, referral))

    def move(self, referral: Referral, **said: Any) -> CaseMove:
        given: dict[str, Any] = {"listed": self.listed(referral), "urgency": "no", "word": WORD, "no_action": True}
        to = str(said.pop("to", "there"))
        return moving.move(self.store, self.service, self.amina.actor, referral.id, to, **{**given, **said})

    def arrived(self, move: CaseMove) -> Referral:
        theirs = select(Referral).where(Referral.service_id == self.other.id, Referral.reference == move.to_reference)
        return self.store.scalars(theirs).one()

    def standing(self, referral: Referral) -> str:
        with speaking("en"):
            return " ".join(say_standing(referrals.standing(self.store, self.service, referral)))


def a_world(store: Session) -> Here:
    service, other = a_service(store, minimum_age=18), a_service(store, "there")
    manager = staff_member(store, service, Role.MANAGER, name="Moss")
    there = staff_member(store, other, Role.MANAGER, name="Theo")
    boss = staff_member(store, service, Role.ADMINISTRATOR, name="Rosa")
    amina, ben = staff_member(store, service, name="Amina"), staff_member(store, service, name="Ben")
    return Here(store, service, other, amina, ben, manager, boss, there)


@pytest.fixture
def here(store: Session) -> Here:
    return a_world(store)


# To another service --------------------------------------------------------------------------------------------------


def test_a_moved_case_is_a_new_referral_there_and_has_ended_here(here: Here) -> None:
    referral = here.case(urgency="not-safe", share_gp="yes", evaluation="yes")
    move = here.move(referral)
    arrived = here.arrived(move)
    assert arrived.reference != referral.reference
    assert (arrived.status, arrived.source_channel) == ("submitted", "staff")
    assert (referral.status, referral.passed_to) == ("passed-on", "Service there")
    assert arrived.answers["what_matters"] == referral.answers["what_matters"]
    closure = closing.latest(here.store, here.service.id, referral.id)
    assert closure
    assert (closure.reason, closure.person_summary, closure.no_action) == ("moved-to-other-support", WORD, True)
    assert closure.retention_review_due
    assert "moved a case" in [one.act for one in audit.history_of(here.store, here.service.id, referral.id)]


def test_only_what_was_listed_goes_along(here: Here) -> None:
    referral = here.case(urgency="not-safe", share_gp="yes", evaluation="yes")
    given = moving.fields(here.store, here.amina.actor, referral)
    assert not {"urgency", "share_gp", "share_onward", "evaluation", "share_referrer", "device"} & set(given)
    contacts.record(
        here.store, here.service, here.amina.actor, referral.id, once="x", outcome="spoke", notes="Between us"
    )
    move = here.move(referral)
    arrived = here.arrived(move)
    assert set(move.shared) == {*given, "urgency"}
    told = {code: said for code, said in arrived.answers.items() if code in given}
    assert told == given
    person = here.store.get_one(ServiceUser, (here.other.id, arrived.person_id))
    allowed = here.store.scalars(select(Permission).where(Permission.service_id == here.other.id))
    assert {one.decision for one in allowed} <= {"left-blank"}
    assert person.id != referral.person_id
    assert here.store.scalars(select(Alert).where(Alert.service_id == here.other.id)).all() == []
    assert contacts.of_referral(here.store, here.there.actor, arrived.id) == []


def test_the_needs_that_go_along_are_those_of_the_record(here: Here) -> None:
    """What staff found goes as an answer where the form has one, else in words; what has ended does not go."""
    referral = here.case(access_needs=["large-print", "hearing"], access_detail="By the door.", interpreter="bsl")
    case = here.store, here.amina.actor, referral.id
    for one in access_needs.of_person(here.store, here.service.id, referral.person_id):
        if one.need in ("does-not-hear-well", "bsl-interpreter"):
            access_needs.end(*case, one.id)
    access_needs.add(*case, need="easy-read")
    access_needs.add(*case, need="lip-reads", detail="In good light.")
    access_needs.add(*case, need="interpreter-other-signing")
    arrived = here.arrived(here.move(referral))
    told = {code: arrived.answers.get(code) for code in people.access_needs.FIELDS}
    assert told == {
        "access_needs": ["easy-read", "large-print"],
        "access_detail": "Lip-reads: In good light. By the door",
        "interpreter": "other-sign",
    }
    person = here.store.scalars(select(ServiceUser).where(ServiceUser.service_id == here.other.id)).one()
    there = [one.need for one in access_needs.of_person(here.store, here.other.id, person.id)]
    assert there == ["interpreter-other-signing", "easy-read", "large-print", "in-their-words"]


def test_who_needs_nothing_says_so_there_too(here: Here) -> None:
    given = moving.fields(here.store, here.amina.actor, here.case(access_needs=["none"]))
    assert given["access_needs"] == ["none"]
    given = moving.fields(here.store, here.amina.actor, here.case(access_needs="prefer-not-to-say"))
    assert given["access_needs"] == "prefer-not-to-say"


def test_whoever_is_not_safe_today_raises_the_alert_of_the_other_service(here: Here) -> None:
    move = here.move(here.case(), urgency="not-safe")
    (alert,) = alerts.waiting(here.store, here.there.actor)
    assert (alert.reference, alert.referral_id) == (move.to_reference, here.arrived(move).id)


def test_nothing_moves_without_the_persons_yes(here: Here) -> None:
    referral = here.case(share_onward="no")
    with pytest.raises(NotAllowed):
        here.move(referral)
    people.record_spoken_permission(here.store, here.amina.actor, referral.person_id, "share_onward")
    move = here.move(referral)
    row = here.store.get_one(Permission, (here.service.id, move.permission_id))
    assert (row.kind, row.decision) == ("share_onward", "given")


def test_what_was_listed_counts_also_when_details_change_meanwhile(here: Here) -> None:
    referral = here.case()
    listed = here.listed(referral)
    known = people.known_of(here.store, here.service.id, referral.person_id)
    people.correct(here.store, here.service, referral.person_id, {**known, "first_name": "Zosia"})
    with pytest.raises(moving.OtherWords):
        here.move(referral, listed=listed)
    assert referral.is_open
    move = here.move(referral)
    assert here.arrived(move).answers["first_name"] == "Zosia"


@pytest.mark.parametrize("to", ["here", "nowhere", "empty"])
def test_a_case_moves_only_to_another_service_that_takes_referrals(here: Here, to: str) -> None:
    a_service(here.store, "empty")
    with pytest.raises(moving.NotThere):
        here.move(here.case(), to=to)


def test_a_move_that_cannot_be_finished_leaves_nothing_anywhere(here: Here) -> None:
    referral = here.case()
    for said in ({"word": " "}, {"no_action": False}, {"urgency": "perhaps"}):
        with pytest.raises(NeedsWords):
            here.move(referral, **said)
    assert referral.is_open
    assert here.store.scalars(select(Referral).where(Referral.service_id == here.other.id)).all() == []
    assert here.store.scalars(select(CaseMove)).all() == []


def test_a_case_moves_once(here: Here) -> None:
    referral = here.case()
    here.move(referral)
    with pytest.raises(NotOpen):
        here.move(referral, listed="")


def test_two_who_move_at_once_make_one_referral_there(stores: Stores) -> None:
    with stores.writing() as store:
        store.expire_on_commit = False
        here = a_world(store)
        referral = here.case()
        listed = here.listed(referral)
        store.commit()
    ready, refused = threading.Barrier(2), list[str]()

    def press_move(actor: Actor) -> None:
        ready.wait()
        with stores.writing.begin() as store:
            try:
                moving.move(
                    store,
                    here.service,
                    actor,
                    referral.id,
                    "there",
                    listed=listed,
                    urgency="no",
                    word=WORD,
                    no_action=True,
                )
            except NotOpen as late:
                refused.append(late.referral.status)

    both = [threading.Thread(target=press_move, args=(one.actor,)) for one in (here.amina, here.ben)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert refused == ["passed-on"]
    with stores.reading() as store:
        assert len(store.scalars(select(Referral).where(Referral.service_id == here.other.id)).all()) == 1


# To a colleague ------------------------------------------------------------------------------------------------------


def test_a_case_given_on_takes_its_tasks_along_and_the_person_is_told(here: Here) -> None:
    referral = here.case()
    task = tasks.add(
        here.store,
        here.service.id,
        "details-changed",
        once="x",
        due_at=now(),
        referral_id=referral.id,
        assigned_to=here.amina.actor.staff_id,
    )
    referrals.give_to(here.store, here.amina.actor, referral.id, here.ben.actor.staff_id)
    assert (referral.assigned_to, task.assigned_to) == (here.ben.actor.staff_id, here.ben.actor.staff_id)
    told = select(Message).where(Message.template == "case-given")
    assert len(here.store.scalars(told).all()) == 1
    referrals.give_to(here.store, here.amina.actor, referral.id, here.ben.actor.staff_id)
    assert len(here.store.scalars(told).all()) == 1


def test_whoever_leaves_with_open_cases_leaves_a_task_and_a_manager_gives_them_on_in_one_act(here: Here) -> None:
    first, second, kept = here.case(), here.case(first_name="Ada"), here.case(here.ben.actor, first_name="Bea")
    accounts.leave(here.store, here.boss.actor, here.amina.actor.staff_id)
    asked = select(Task).where(Task.kind == "cases-without-worker", Task.done_at.is_(None))
    (task,) = here.store.scalars(asked)
    assert task.assigned_to == here.manager.actor.staff_id
    manager = here.manager.actor
    assert list(moving.nobodys(here.store, manager)) == [first, second]
    assert list(moving.nobodys(here.store, manager, after=first.id)) == [second]
    gone, ben = moving.holders(here.store, manager)
    assert (gone.name, gone.many, gone.here) == ("Amina", 2, False)
    assert (ben.name, ben.many, ben.here) == ("Ben", 1, True)
    with pytest.raises(NotThere):
        moving.give_all(here.store, manager, gone.staff_id, here.amina.actor.staff_id)
    assert moving.give_all(here.store, manager, gone.staff_id, here.ben.actor.staff_id) == 2
    assert {one.assigned_to for one in (first, second, kept)} == {here.ben.actor.staff_id}
    assert here.store.scalars(asked).all() == []
    assert moving.nobodys(here.store, manager) == []
    assert referrals.GAVE in [one.act for one in audit.history_of(here.store, here.service.id, first.id)]
    acts = audit.history_of(here.store, here.service.id, here.amina.actor.staff_id)
    assert [one.details["many"] for one in acts if one.act == "gave a caseload"] == [2]


def test_whoever_works_with_cases_no_more_leaves_them_in_sight_and_nobody_without_cases_is_a_task(here: Here) -> None:
    referral = here.case()
    accounts.change_role(here.store, here.boss.actor, here.amina.actor.staff_id, "analyst")
    accounts.leave(here.store, here.boss.actor, here.ben.actor.staff_id)
    (task,) = here.store.scalars(select(Task).where(Task.kind == "cases-without-worker"))
    assert task.details == {"staff": str(here.amina.actor.staff_id)}
    assert list(moving.nobodys(here.store, here.manager.actor)) == [referral]


def test_only_whoever_leads_the_team_gives_on_caseloads(here: Here) -> None:
    for act in (
        lambda: moving.holders(here.store, here.amina.actor),
        lambda: moving.nobodys(here.store, here.amina.actor),
        lambda: moving.give_all(here.store, here.amina.actor, None, here.ben.actor.staff_id),
    ):
        with pytest.raises(Refused):
            act()


# What the person reads -----------------------------------------------------------------------------------------------


def test_the_person_reads_where_it_stands_at_every_state(here: Here) -> None:
    referral = here.case()
    assert "Your link worker is Amina. What happens next: your link worker gets in touch" in here.standing(referral)
    referrals.set_status(here.store, here.amina.actor, referral, "active")
    assert "what you and your link worker have agreed" in here.standing(referral)
    referral.next_due = today()
    assert "plans to get in touch with you by" in here.standing(referral)
    closing.hold(here.store, here.amina.actor, referral.id, reason="unwell", until=today())
    paused = here.standing(referral)
    assert "We have paused for now" in paused
    assert "looks at it again on" in paused
    assert "not well" not in paused
    closing.close(
        here.store,
        here.service,
        here.amina.actor,
        referral.id,
        reason="goals-met",
        outcomes={"loneliness": "resolved"},
        summary="For the GP alone",
        person_summary="Thank you.",
        actions_person="Keep walking.",
        no_action=True,
        no_known_risks=True,
    )
    ended = referrals.standing(here.store, here.service, referral)
    assert (ended.code, ended.word, ended.to_do) == ("closed", "Thank you.", "Keep walking.")
    assert "If you want our help again by" in here.standing(referral)
    closing.reopen(here.store, here.service, here.amina.actor, referral.id, because="Staff words")
    again = here.standing(referral)
    assert "We opened this again on" in again
    assert "Staff words" not in again
    assert referrals.standing(here.store, here.service, referral).word == ""


def test_the_person_reads_both_that_it_goes_on_there_and_that_it_ended_here(here: Here) -> None:
    referral = here.case()
    move = here.move(referral)
    said = here.standing(referral)
    assert "We asked somebody else to help you: Service there." in said
    assert move.to_reference[:4] in said
    assert "Ask them for a card" in said
    assert "Here it ended on" in said
    assert referrals.standing(here.store, here.service, referral).word == WORD


def test_a_moved_person_has_no_card_there_until_their_worker_there_makes_one(here: Here) -> None:
    moved = here.move(here.case(email="z@inbox.example", safe_ways=["email"]))
    arrived = here.arrived(moved)
    assert arrived.return_hash is None
    assert entries.may_make_card(here.store, arrived)
    with pytest.raises(referrals.Gone):
        entries.make_card(here.store, here.amina.actor, arrived.id)
    first = entries.make_card(here.store, here.there.actor, arrived.id).number
    card = (arrived.reference, first, "a new key")
    assert accounts.card_alone(here.store, here.other, *card, language="en")
    again = entries.make_card(here.store, here.there.actor, arrived.id).number
    assert again != first
    assert accounts.card_alone(here.store, here.other, *card, language="en") is None, "the one before stops working"
    with clock.later(timedelta(days=2)):
        assert not entries.may_make_card(here.store, arrived)
        with pytest.raises(entries.Gone):
            entries.make_card(here.store, here.there.actor, arrived.id)
    assert "made a card for a moved case" in [
        one.act for one in audit.history_of(here.store, here.other.id, arrived.id)
    ]


def test_nobody_who_had_a_card_is_made_another_one(here: Here) -> None:
    mine = here.case()
    assert not entries.may_make_card(here.store, mine)
    with pytest.raises(entries.Gone):
        entries.make_card(here.store, here.amina.actor, mine.id)


# On the pages --------------------------------------------------------------------------------------------------------


def test_everything_that_goes_stands_on_the_page_before_it_is_sent(client: InspectedClient, here: Here) -> None:
    sign_in(client, here.store, here.amina)
    referral = here.case(share_onward="no")
    here.store.commit()
    address = f"/staff/referrals/{referral.id}/move"
    page = words_of(client.get(address))
    assert "I would like to meet people." in page
    assert "Please ask them first" in page
    assert press(client, address, "/permission", agreed="").status_code == 422
    assert press(client, address, "/permission", agreed="y").status_code == 303
    said = {"to": "there", "urgency": "no", "word": WORD}
    assert "tick that nothing is asked" in words_of(press(client, address, "/move", **said))
    changed = press(client, address, "/move", **said, no_action="y", listed="something else")
    assert changed.status_code == 409
    assert "Nothing has been sent" in words_of(changed)
    assert WORD in changed.get_data(as_text=True)
    assert press(client, address, "/move", **said, no_action="y").status_code == 303
    case = words_of(client.get(f"/staff/referrals/{referral.id}"))
    assert "Moved to Service there, where its reference is" in case
    late = client.get(address)
    assert late.status_code == 409


def test_a_manager_gives_a_whole_caseload_on_a_page(client: InspectedClient, here: Here) -> None:
    referral = here.case()
    accounts.leave(here.store, here.boss.actor, here.amina.actor.staff_id)
    sign_in(client, here.store, here.manager)
    page = words_of(client.get("/staff/caseloads"))
    assert "Zofia" in page
    assert "does not work with cases here any more" in page
    assert press(client, "/staff/caseloads", "/caseloads").status_code == 422
    whose = str(here.amina.actor.staff_id)
    assert press(client, "/staff/caseloads", "/caseloads", whose=whose, to=whose).status_code == 422
    to = str(here.ben.actor.staff_id)
    assert press(client, "/staff/caseloads", "/caseloads", whose=whose, to=to).status_code == 303
    here.store.expire_all()
    assert referral.assigned_to == here.ben.actor.staff_id
    assert "None. Every open case has somebody" in words_of(client.get("/staff/caseloads"))
    assert client.get("/staff/caseloads?after=x").status_code == 404
    assert client.get(f"/staff/caseloads?after={uuid.uuid4()}").status_code == 200


def test_the_page_shows_the_numbers_of_the_card_once(client: InspectedClient, here: Here) -> None:
    arrived = here.case()
    arrived.source_channel, arrived.return_hash = "staff", None  # as one that another service has moved here
    here.store.commit()
    sign_in(client, here.store, here.amina)
    page = f"/staff/referrals/{arrived.id}/their-page"
    assert "their card from there opens nothing here" in words_of(client.get(page))
    made = press(client, page, "/card")
    assert made.status_code == 200
    shown = words_of(made)
    assert re.search(r"Return number\s*\d{3} \d{3} \d{3} \d{3}", shown)
    mine = here.case()
    here.store.commit()
    assert "their card from there" not in words_of(client.get(f"/staff/referrals/{mine.id}/their-page"))
