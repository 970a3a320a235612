"""One made-up case from the first page to the message to the GP, through the doors: no fact is typed twice, and the
message holds everything that is known and nothing empty."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from fhir.resources.R4B import get_fhir_model_class
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import letters as standard
from portal.access import Role
from portal.clock import now
from portal.letters import Document, check_fhir
from portal.letters.standard import items
from portal.services import practices
from portal.store import Activity, CheckIn, Goal, Letter, Message, Onward, Practice, Referral, Service, Staff
from tests.lived import answer
from tests.test_letters import items_in
from tests.test_onward import an_activity
from tests.visitor import Typed, Visitor
from tests.world import Member, a_service, sign_in, staff_member

WHO_AND_HOW = ("csrf_token", "once", "seen", "version", "go")


class Typist(Visitor):
    """A browser that remembers every word that was typed into a field of a page, with the label of the field."""

    def __init__(self, app: Flask, typed: list[tuple[str, str]]) -> None:
        super().__init__(app)
        self.typed = typed

    def _label(self, ending: str, name: str) -> str:
        for one in self.form(ending).iter():
            if one.get("name") == name and (one.tag == "textarea" or one.get("type") in ("text", "email", "tel")):
                wanted = one.get("id")
                for label in self.page.all("label"):
                    if label.get("for") == wanted:
                        return " ".join("".join(label.itertext()).split())
        return ""

    def press(self, go: str = "", *, to: str = "", **given: Typed) -> "Visitor":
        for name, value in given.items():
            words = value if isinstance(value, str) else ""
            if words and name not in WHO_AND_HOW and (label := self._label(to, name)):
                self.typed.append((label, words))
        return super().press(go, to=to, **given)


def day(ahead: int) -> str:
    there = (now() + timedelta(days=ahead)).date()
    return f"{there.day} {there.month} {there.year}"


@dataclass
class Here:
    store: Session
    worker: Member
    activity: Activity
    practice: Practice
    person: Typist
    staff: Typist
    typed: list[tuple[str, str]]

    def case(self) -> Referral:
        self.store.expire_all()
        return self.store.scalars(select(Referral)).one()

    def one(self, ending: str) -> str:
        return f"/staff/referrals/{self.case().id}{ending}"


def make(app: Flask, store: Session) -> Here:
    service = a_service(store, phone="01234 567890")
    manager, worker = staff_member(store, service, Role.MANAGER), staff_member(store, service, name="Amina Yusuf")
    store.get_one(Staff, (service.id, worker.actor.staff_id)).team = "Team North"
    activity = an_activity(store, service, referrals_to="choir@group.example")
    practice = Practice(
        service_id=service.id, code="D81044", name="Harbour Surgery", name_key="harbour surgery", postcode="AB10 1AB"
    )
    store.add(practice)
    store.flush()
    practices.confirm_email(store, manager.actor, practice.id, "surgery@nhs.example", practice.version)
    store.commit()
    typed: list[tuple[str, str]] = []
    here = Here(store, worker, activity, practice, Typist(app, typed), Typist(app, typed), typed)
    sign_in(here.staff.client, store, worker)
    store.commit()
    return here


def test_a_case_from_the_first_page_to_the_message_to_the_gp(app: Flask, store: Session) -> None:
    here = make(app, store)
    person, staff = here.person, here.staff

    # The person refers themselves.
    person.refer(
        safe_ways=["call"],
        preferred_name="Zosia",
        pronouns="she/her",
        gp_registered="yes",
        gp_practice="Harbour",
        share_gp="yes",
        share_onward="yes",
    )
    person.press("send")
    case = here.case()

    # Inbox, accept, first contact: three presses.
    staff.open("/staff/inbox")
    staff.follow(next(where for where in staff.links().values() if where.endswith(str(case.id))))
    staff.press(to="accept")
    staff.press(to="contacts", outcome="spoke")
    assert staff.status == 200
    assert here.case().first_contact_at is not None

    # Triage: what helps them to hear, the risk, and the practice that fits the person's own words.
    staff.open(here.one("/access-needs")).press(
        to="access-needs", need="hearing-aid", need_of="self", detail="On the left, and it whistles."
    )
    assert staff.status == 200, staff.errors
    staff.open(here.one("/risks")).press(to="none-known")
    staff.open(here.one("/gp-practice"))
    assert "Harbour Surgery" in staff.words  # found by what the person called it
    staff.post(here.one("/gp-practice"), {"csrf_token": staff.token, "code": here.practice.code})
    assert here.case().status == "active"

    # The plan: a goal, an action, agreed.
    staff.open(here.one("/goals/add")).press(
        to="goals/add",
        goal_words="To sing with other people again.",
        importance="9",
        sure="7",
        closeness="3",
        completed_by="self",
        response_mode="phone",
    )
    goal = store.scalars(select(Goal)).one()
    staff.open(here.one(f"/care-plan/goals/{goal.id}/actions/add")).press(
        to="actions/add",
        words="Rings the choir and asks when they meet.",
        who="person",
        due=day(7),
        sure="8",
        barriers="The bus runs only twice a day.",
        review_due=day(14),
    )
    assert staff.status == 200, staff.errors
    staff.open(here.one("/care-plan/change")).press(
        to="care-plan/change", strengths="A good voice, and a neighbour who drives.", review_due=day(30)
    )
    staff.open(here.one("/care-plan/agree")).press(to="care-plan/agree", agreed="person")
    assert staff.status == 200, staff.errors

    # Two check-ins, two more contacts.
    for place, check_in in enumerate(_check_ins(store)):
        answer(store, _service(store), check_in, 3 + 4 * place)
        store.commit()
    for outcome in ("attended", "spoke"):
        staff.open(here.one("/contacts/new")).press(to="contacts", outcome=outcome)
        assert staff.status == 200, staff.errors

    # Two onward steps: one that moves nothing, one that moves what was listed.
    staff.open(here.one("/onward/new")).press(to="onward/new", kind="signpost", place="The lunch club")
    assert staff.status == 200, staff.errors
    staff.open(f"{here.one('/onward/new')}?activity={here.activity.id}").press(to="onward/new", kind="referral")
    staff.follow(f"{urlsplit(staff.path).path}?fields=name&fields=call")
    assert "Exactly this goes" in staff.words
    staff.press(to="send", how="email")
    assert store.scalars(select(Message).where(Message.template == "onward-referral")).one()
    for step in store.scalars(select(Onward).order_by(Onward.id)).all():
        status = {"signpost": "stopped", "referral": "attending"}[step.kind]
        staff.open(f"/staff/onward/{step.id}").press(to=str(step.id), status=status, barriers=["transport"])
        assert staff.status == 200, staff.errors

    # The end. What is known stands there already; two sentences are new.
    staff.open(here.one("/close"))
    assert "Tried: The lunch club" in staff.fields("close")["summary"]
    staff.press(
        to="close",
        reason="goals-met",
        outcome_loneliness="improved",
        actions_professionals="Please look at her hearing aid.",
        actions_person="Goes to the choir on Tuesdays.",
    )
    assert here.case().status == "closed", staff.errors

    # The message: two presses.
    staff.follow(here.one(""))
    staff.follow(staff.links()["Message to the GP"])
    staff.press(to="send", how="email")
    store.expire_all()
    letter = store.scalars(select(Letter)).one()
    assert (letter.state, letter.sent_to) == ("sent", "surgery@nhs.example")

    _nothing_was_typed_twice(here.typed)
    _the_message_holds_what_is_known(Document.of_json(letter.content or {}))


def _service(store: Session) -> Service:
    return store.scalars(select(Service)).one()


def _check_ins(store: Session) -> Sequence[CheckIn]:
    """The first two, both open now: a case of weeks is lived in a moment here."""
    found = store.scalars(select(CheckIn).order_by(CheckIn.due_at)).all()[:2]
    for one in found:
        one.opens_at, one.closes_at = now() - timedelta(days=1), now() + timedelta(days=9)
    store.commit()
    return found


def _nothing_was_typed_twice(typed: list[tuple[str, str]]) -> None:
    """No words twice, and no question for words twice, whoever typed the answer."""
    words = [" ".join(said.casefold().split()) for _, said in typed]
    assert len(words) > 12
    again = sorted({one for one in words if words.count(one) > 1})
    assert not again, f"typed twice: {again}"
    labels = [label for label, said in typed if not re.fullmatch(r"[0-9 ]+", said)]
    asked_again = sorted({one for one in labels if labels.count(one) > 1})
    assert not asked_again, f"asked for twice: {asked_again}"


NOT_KNOWN = {
    *("nhs-number", "referrer-role", "contact-location", "signpost-contact", "assessment-band", "email"),
    *("risk-comment", "risk-from", "action-who"),
    *(f"address-{line}" for line in range(1, 6)),
}
"""What nobody said of this person: everything else stands in the message."""


def _the_message_holds_what_is_known(document: Document) -> None:
    there = set(items_in(document.sections))
    assert there == set(items()) - NOT_KNOWN
    text = " ".join(standard.plain(document).split())
    for said in (
        "For professionals: Please look at her hearing aid.",
        "Likes to be called: Zosia",
        "GP practice Harbour Surgery, AB10 1AB",
        "Risks No known risks",
        "To sing with other people again.",
        "A good voice, and a neighbour who drives.",
        "The lunch club",
        "Uses a hearing aid: On the left, and it whistles",
        "To reach them safely: Calls: ",
        "Not safe: texts, email, letters.",
        "They allowed us to tell their GP practice, on ",
        "Agreed with the person: Yes",
    ):
        assert said in text, said
    assert text.count(": spoke with them") + text.count(": they came") == 3  # three contacts
    assert text.count("With: Amina Yusuf") == 1  # by the same worker, who is named once
    bundle = standard.fhir(document)
    assert check_fhir(bundle) == []
    get_fhir_model_class("Bundle").model_validate(bundle)
    for entry in bundle["entry"]:
        get_fhir_model_class(entry["resource"]["resourceType"]).model_validate(entry["resource"])
    assert json.dumps(bundle).count("871731000000106") == 1
