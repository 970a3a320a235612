"""A member of staff puts right what a person told of themselves, and writes down what they say about sharing. Rooms on
both databases; the doors, what is typed, two at once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, codes, exports, notifications, people, referrals
from portal.access import Actor, Refused, Role
from portal.caseload import access_needs, details, letters, onward
from portal.caseload.cases import Gone, Meanwhile
from portal.journeys import details as asked
from portal.journeys.details import DETAILS
from portal.store import (
    AccessNeed,
    AuditEvent,
    ContactWay,
    Message,
    Permission,
    Referral,
    Service,
    ServiceUser,
    Stores,
    Task,
)
from tests.arriving import Known, somebody
from tests.cases import Case, a_case
from tests.lived import reads
from tests.staffed import a_colleague, acting
from tests.visitor import Visitor
from tests.world import Member, a_service, sign_in, staff_member


def change(case: Case, part: str, actor: Actor | None = None, *, seen: str | None = None, **typed: object) -> Any:
    """What a worker saves on the page of a part: everything that stands there, with what they typed."""
    there = details.known(case.store, case.referral)
    page = {one.code: there.get(one.code, []) for one in asked.page(part).questions}
    answers, problems = asked.read(part, {**page, **typed})
    assert problems == {}
    return details.change(
        case.store,
        actor or case.amina,
        case.referral.id,
        part,
        answers,
        given_by=people.IN_WORDS,
        seen=details.mark(part, there) if seen is None else seen,
    )


def ways(case: Case) -> dict[str, ContactWay]:
    rows = people.ways_of(case.store, case.service.id, case.referral.person_id)
    return {way.channel: way for way in rows if way.allowed}


def person(case: Case) -> ServiceUser:
    return case.store.get_one(ServiceUser, (case.service.id, case.referral.person_id))


# Details -------------------------------------------------------------------------------------------------------------


def test_every_question_of_the_persons_own_page_stands_on_one_page_of_staff() -> None:
    own = [question.code for step in DETAILS.steps[1:] for question in step.questions]
    staff = [one.code for part in asked.PARTS if part != asked.HELPER for one in asked.page(part).questions]
    assert sorted(staff) == sorted(own)
    with pytest.raises(KeyError):
        asked.page("needs")


def test_what_depends_on_a_way_that_was_not_chosen_is_neither_missing_nor_kept() -> None:
    answers, problems = asked.read(asked.CONTACT, {"safe_ways": ["call"], "phone": "07700 900123", "email": "nonsense"})
    assert problems == {}
    assert "email" not in answers
    assert set(asked.read(asked.CONTACT, {"safe_ways": ["call", "email"]})[1]) == {"phone", "email"}
    assert set(asked.read(asked.PLACE, {"date_of_birth": "1965"})[1]) == {"postcode"}


def test_what_a_worker_was_told_counts_and_says_who_wrote_it_down(store: Session) -> None:
    case = a_case(store)
    assert change(case, asked.NAME, first_name="Sofia", preferred_name="Zo", pronouns="she/her")
    assert change(case, asked.PLACE, date_of_birth="28 3 1966", postcode="AB10 1AA") == ("born", "postcode")
    assert change(case, asked.GP, gp_registered="yes", nhs_number="999 123 4578") == ("nhs_number", "gp_registered")
    assert change(case, asked.LANGUAGE, spoken_language="ur", interpreter="spoken", access_needs=["large-print"])
    now = person(case)
    assert (now.first_name, now.preferred_name, now.born) == ("Sofia", "Zo", "1966-03-28")
    assert (now.nhs_number, now.spoken_language, now.interpreter) == ("9991234578", "ur", "spoken")
    (need,) = access_needs.of_person(store, case.service.id, now.id)
    assert (need.need, need.recorded_by) == ("large-print", case.amina.staff_id)
    events = store.scalars(select(AuditEvent).where(AuditEvent.act == "changed their details")).all()
    assert {(one.actor_id, one.details["given_by"]) for one in events} == {(case.amina.staff_id, people.IN_WORDS)}
    # Nobody has to be told what they wrote themselves, and what they know already is written down once.
    assert store.scalars(select(Task).where(Task.kind == "details-changed")).all() == []
    assert change(case, asked.NAME) == ()
    # The search finds the new name, and the form reads as it was corrected.
    hits = people.search(store, case.amina, "sofia")
    assert [hit.person.id for hit in hits.hits] == [now.id]
    mine = people.ways_of(store, case.service.id, now.id)
    assert referrals.answers_now(case.referral, now, mine)["first_name"] == "Sofia"


def test_a_number_that_is_not_safe_any_more_is_not_used_for_messages(store: Session) -> None:
    case = a_case(store, safe_ways=["text", "email"], phone="07700 900123", email="zo@inbox.example")
    for way in ways(case).values():
        people.confirm_way(store, case.amina, way.id)

    def tell(once: str) -> Message:
        return notifications.tell_person(
            store, case.service, case.referral.person_id, "referral-accepted", once=once, referral_id=case.referral.id
        )

    before = store.scalars(select(Message.id)).all()
    assert change(case, asked.CONTACT, safe_ways=["email"]) == ("safe_ways",)
    assert store.scalars(select(Message.id)).all() == before, "no message says that anything was changed"
    assert tell("one").channel == "email"
    assert change(case, asked.CONTACT, safe_ways=["email"], email="new@inbox.example") == ("safe_ways",)
    new = ways(case)["email"]
    assert (new.address, new.confirmed_at) == ("new@inbox.example", None)
    refused = tell("two")
    assert (refused.state, refused.refusal) == ("refused", "not-confirmed")
    shut = store.scalars(select(ContactWay).where(ContactWay.allowed.is_(False))).all()
    assert {one.channel for one in shut} == {"text", "email"}


def test_the_rule_about_a_way_is_put_right_and_the_way_keeps_its_confirmation(store: Session) -> None:
    case = a_case(store, safe_ways=["call"], voicemail_safe="yes")
    people.confirm_way(store, case.amina, ways(case)["call"].id)
    assert change(case, asked.CONTACT, voicemail_safe="no", others_may_answer="yes") == ("safe_ways",)
    call = ways(case)["call"]
    assert (call.voicemail, call.others_may_answer, call.confirmed_at is not None) == (False, "yes", True)


def test_who_helped_is_put_right_where_somebody_did_and_nowhere_else(store: Session) -> None:
    alone = a_case(store)
    assert asked.HELPER not in details.parts_of(alone.referral)
    with pytest.raises(ValueError, match="helper"):
        details.change(store, alone.amina, alone.referral.id, asked.HELPER, {}, given_by=people.IN_WORDS, seen="")


def test_the_number_of_whoever_helped_is_put_right(store: Session) -> None:
    case = a_case(store, referring_for="me-with-help", helper_organisation="Harbour")
    assert change(case, asked.HELPER, helper_contact="07700 900999", helper_relationship="housing") == (
        "helper_relationship",
        "helper_contact",
    )
    assert case.referral.answers["helper_contact"] == "07700 900999"
    assert case.referral.referrer_type == "housing"
    assert change(case, asked.HELPER) == ()


@pytest.mark.parametrize("given_by", ["", "guess"])
def test_how_it_was_told_is_one_of_a_list(store: Session, given_by: str) -> None:
    case = a_case(store)
    with pytest.raises(ValueError, match="name"):
        details.change(store, case.amina, case.referral.id, asked.NAME, {}, given_by=given_by, seen="")


def test_nobody_else_changes_anything(store: Session) -> None:
    case = a_case(store)
    analyst = acting(a_colleague(store, case.service, Role.ANALYST, name="Ana"))
    with pytest.raises(Gone):
        change(case, asked.NAME, case.elsewhere, first_name="Eve")
    with pytest.raises(Refused):
        change(case, asked.NAME, analyst, first_name="Eve")
    with pytest.raises(Refused):
        people.correct(store, case.service, case.referral.person_id, {"first_name": "Eve"}, actor=analyst)
    with pytest.raises(Refused):
        people.change_permission(store, case.service, person(case).id, "share_gp", "given", "en", analyst)
    assert person(case).first_name == "Zofia"


def test_of_two_who_save_at_once_the_second_sees_what_the_first_saved(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = a_case(store)
        seen = details.mark(asked.NAME, details.known(store, case.referral))
        referral_id, workers = case.referral.id, (case.amina, case.ben)
    clashes: list[tuple[str, object]] = []
    together = threading.Barrier(2)

    def save(actor: access.Actor, name: str) -> None:
        with stores.writing() as store:
            together.wait()
            try:
                details.change(
                    store,
                    actor,
                    referral_id,
                    asked.NAME,
                    {"first_name": name},
                    given_by=people.IN_WORDS,
                    seen=seen,
                )
                store.commit()
            except Meanwhile as clash:
                clashes.append((name, clash.now))

    names = ("Sofia", "Sophie")
    both = [threading.Thread(target=save, args=told) for told in zip(workers, names, strict=True)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    ((second, stands),) = clashes
    (first,) = set(names) - {second}
    assert stands == {"first_name": first}
    with stores.reading() as store:
        assert store.scalars(select(ServiceUser.first_name)).one() == first


def test_what_is_saved_meanwhile_from_another_case_of_the_same_person_is_not_saved_over(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = a_case(store)
        seen = details.mark(asked.NAME, details.known(store, case.referral))
        referral_id, person_id, service_id = case.referral.id, case.referral.person_id, case.service.id
        amina, ben = case.amina, case.ben
    said: list[object] = []

    def save() -> None:
        with stores.writing() as store:
            told = {"first_name": "Sophie"}
            try:
                details.change(store, amina, referral_id, asked.NAME, told, given_by=people.IN_WORDS, seen=seen)
                store.commit()
            except Meanwhile as clash:
                said.append(clash.now)

    worker = threading.Thread(target=save)
    with stores.writing.begin() as other:
        service = other.get_one(Service, service_id)
        people.correct(other, service, person_id, {"first_name": "Sofia"}, actor=ben, given_by=people.IN_WORDS)
        worker.start()
        worker.join(0.3)  # it waits for us, or it has read what was
    worker.join()
    assert said == [{"first_name": "Sofia"}]


# The interpreter -----------------------------------------------------------------------------------------------------


def test_an_interpreter_that_staff_found_becomes_the_answer_with_one_press_and_one_need(store: Session) -> None:
    case = a_case(store, interpreter="no")
    assert details.needs_interpreter(store, person(case)) == ""
    access_needs.add(store, case.amina, case.referral.id, need="bsl-interpreter", need_of="carer")
    assert details.needs_interpreter(store, person(case)) == "", "the need of their carer is no answer of theirs"
    access_needs.add(store, case.amina, case.referral.id, need="bsl-interpreter")
    assert details.needs_interpreter(store, person(case)) == "bsl"
    assert details.set_interpreter(store, case.ben, case.referral.id) == ("interpreter",)
    assert details.set_interpreter(store, case.ben, case.referral.id) == ()
    assert person(case).interpreter == "bsl"
    own = store.scalars(select(AccessNeed).where(AccessNeed.need_of == "self", AccessNeed.ended_at.is_(None))).all()
    assert [one.need for one in own] == ["bsl-interpreter"], "it is not written down a second time"


# Sharing -------------------------------------------------------------------------------------------------------------


def decide(case: Case, kind: str, decision: str, actor: Actor | None = None, **more: str) -> Permission | None:
    return people.change_permission(
        case.store, case.service, case.referral.person_id, kind, decision, "en", actor or case.amina, **more
    )


def decisions(case: Case, kind: str) -> list[tuple[str, str]]:
    rows = case.store.scalars(select(Permission).where(Permission.kind == kind).order_by(Permission.id))
    return [(one.decision, one.given_by) for one in rows]


def test_a_no_by_phone_is_a_no_and_each_answer_stays(store: Session) -> None:
    case = a_case(store)
    assert decisions(case, "share_gp") == [("left-blank", "person")]
    first = decide(case, "share_gp", "refused")
    assert first is not None
    assert (first.recorded_by, first.wording_version) == (case.amina.staff_id, 1)
    assert decide(case, "share_gp", "refused") is None, "pressed twice it is one act"
    assert decide(case, "share_gp", "withdrawn") is None, "what was never given cannot be taken back"
    decide(case, "share_gp", "given", given_by="person")
    decide(case, "share_gp", "refused", given_by="proxy")
    assert decisions(case, "share_gp") == [
        ("left-blank", "person"),
        ("refused", people.IN_WORDS),
        ("given", "person"),
        ("withdrawn", "proxy"),
    ]
    assert not people.allows(store, case.service.id, case.referral.person_id, "share_gp")
    with pytest.raises(ValueError, match="guess"):
        decide(case, "share_gp", "given", given_by="guess")
    with pytest.raises(ValueError, match="left-blank"):
        decide(case, "share_gp", "left-blank")


def test_a_yes_over_what_was_not_seen_does_not_count_and_a_no_does(store: Session) -> None:
    case = a_case(store, share_gp="yes")
    shown = people.permissions_of(store, case.service.id, case.referral.person_id)["share_gp"].id
    decide(case, "share_gp", "withdrawn", case.ben, seen=str(shown))
    with pytest.raises(people.SaidMeanwhile):
        decide(case, "share_gp", "given", seen=str(shown))
    assert not people.allows(store, case.service.id, case.referral.person_id, "share_gp")
    now = people.permissions_of(store, case.service.id, case.referral.person_id)["share_gp"].id
    assert decide(case, "share_gp", "given", seen=str(now))
    assert decide(case, "share_gp", "withdrawn", seen="a page that lay open")


def test_taken_back_by_phone_a_message_that_waits_and_a_referral_to_a_place_stop(store: Session) -> None:
    case = a_case(store, share_gp="yes", share_onward="yes")
    (letter,) = letters.wanted(store, case.service, case.amina, case.referral, "plan")
    led = onward.begin(
        store, case.amina, case.referral.id, once="led", kind="referral", need="loneliness", place="The choir"
    )
    decide(case, "share_gp", "withdrawn")
    decide(case, "share_onward", "withdrawn")
    (waits,) = letters.waiting(store, case.amina)
    assert (waits.letter.id, waits.why) == (letter.id, "not-allowed")
    assert letters.shown(store, case.service, case.amina, letter.id).document is None
    with pytest.raises(letters.NotAllowed):
        letters.send(store, case.service, case.amina, letter.id, seen="", how="print")
    with pytest.raises(onward.NotAllowed):
        onward.send(store, case.service, case.amina, led.id, fields=["name"], seen="", rules={}, to="Ann")
    decide(case, "share_gp", "given")
    (waits,) = letters.waiting(store, case.amina)
    assert waits.why != "not-allowed"


# The pages -----------------------------------------------------------------------------------------------------------


class Desk:
    """Amina at her desk, with a case that she has taken; Ben beside her, and a case that is his."""

    def __init__(self, app: Flask, store: Session) -> None:
        self.store, self.app = store, app
        self.service = a_service(store)
        staff_member(store, self.service, Role.MANAGER, name="Mo Manager")
        self.amina: Member = staff_member(store, self.service, name="Amina")
        self.ben: Member = staff_member(store, self.service, name="Ben")
        self.known = somebody(store, self.service, self.amina.actor, ways=("call", "email"))
        self.referral = self._taken(self.known, self.amina)
        self.bens = self._taken(somebody(store, self.service, None, first_name="Ida"), self.ben)
        store.commit()
        self.browser = self.signed_in(self.amina)

    def _taken(self, known: Known, by: Member) -> Referral:
        return referrals.accept(self.store, self.service, by.actor, known.referral.id)

    def signed_in(self, member: Member) -> Visitor:
        browser = Visitor(self.app)
        sign_in(browser.client, self.store, member)
        return browser

    def at(self, path: str) -> str:
        return f"/staff/referrals/{self.referral.id}{path}"


@pytest.fixture
def desk(app: Flask, store: Session) -> Iterator[Desk]:
    yield Desk(app, store)
    store.rollback()
    app.extensions["stores"].engine.dispose()


def test_a_worker_puts_right_how_somebody_is_reached_from_the_case(desk: Desk) -> None:
    browser = desk.browser.open(desk.at(""))
    browser.follow(browser.links()["Change how we reach them, or what they told us about themselves"])
    for said in ("Zofia", "Quarshie", "07700 900123", "AB10 1AB", "27 March 1965"):
        assert said in browser.words
    browser.follow(browser.links()["Change: Safe ways to reach them"])
    assert browser.fields()["phone"].replace(" ", "").endswith("7700900123")
    browser.press(safe_ways=["call", "text", "post"], phone="07700 900777", voicemail_safe="no")
    assert (browser.status, browser.errors) == (422, ["Type the address for letters"])
    assert browser.fields()["phone"] == "07700 900777"
    assert browser.fields().getlist("safe_ways") == ["call", "text", "post"]
    browser.press(post_address="2 New Street", phone="07700 900 777 777 777")
    assert browser.status == 422
    assert browser.fields()["post_address"] == "2 New Street"
    browser.press(phone="07700 900777")
    assert browser.here == desk.at("")
    for said in ("07700 900777", "2 New Street", "Leave no voice message.", "Nobody has shown yet that this is theirs"):
        assert said in browser.words
    assert "zofia@inbox.example" not in browser.words
    assert "They once allowed this, and do not any more: Email" in browser.words
    assert "Details changed: Safe ways to reach you" in browser.words


def test_how_they_told_must_be_chosen_and_a_dead_page_keeps_what_was_typed(desk: Desk) -> None:
    browser = desk.browser.open(desk.at("/details/name"))
    browser.press(first_name="Sofia", given_by="")
    assert (browser.status, browser.errors) == (422, ["Choose how they told you"])
    assert browser.fields()["first_name"] == "Sofia"
    browser.post(desk.at("/details/name"), {**browser.fields(), "csrf_token": "dead"})
    assert browser.status == 400
    assert browser.fields()["first_name"] == "Sofia"
    browser.press(given_by=people.IN_WORDS)
    assert browser.here == desk.at("")
    assert browser.open(desk.at("/details/needs")).status == 404
    assert browser.open(desk.at("/details/helper")).status == 404, "nobody helped with this form"


def test_another_practice_leads_on_to_its_code(desk: Desk) -> None:
    browser = desk.browser.open(desk.at("/details/gp")).press(gp_registered="yes", gp_practice="High Street")
    assert browser.here == desk.at("/gp-practice")


def test_two_workers_at_one_page_see_each_others_words(desk: Desk) -> None:
    one = desk.browser.open(desk.at("/details/name"))
    people.correct(desk.store, desk.service, desk.referral.person_id, {"preferred_name": "Zosia"})
    desk.store.commit()
    one.press(preferred_name="Zo")
    assert one.status == 409
    assert "Somebody else saved this while you were writing" in one.words
    assert "Zosia" in one.words
    assert one.fields()["preferred_name"] == "Zo"
    one.press()
    assert one.here == desk.at("")
    desk.store.expire_all()
    kept = desk.store.get_one(ServiceUser, (desk.service.id, desk.referral.person_id))
    assert kept.preferred_name == "Zo"


def test_the_gaps_of_the_case_lead_to_the_field_that_closes_them(desk: Desk) -> None:
    browser = desk.browser.open(desk.at(""))
    links = browser.links()
    interpreter, sharing = links["Whether they want an interpreter"], links["Whether their GP practice may be told"]
    assert interpreter.endswith("/details/language#interpreter")
    assert sharing.endswith("/sharing#share_gp")
    page = browser.follow(interpreter.split("#")[0])
    assert 'id="interpreter' in page.page.html
    page.press(interpreter="no")
    browser.follow(sharing.split("#")[0])
    assert 'id="share_gp"' in browser.page.html
    browser.press(say="share_gp refused " + _seen(browser, "share_gp refused"))
    links = browser.open(desk.at("")).links()
    assert "Whether they want an interpreter" not in links
    assert "Whether their GP practice may be told" not in links


def _seen(browser: Visitor, said: str) -> str:
    """The rest of the value of the button that begins so."""
    (value,) = [one.get("value", "") for one in browser.page.all("button") if one.get("value", "").startswith(said)]
    return value.removeprefix(said).strip()


def say(browser: Visitor, said: str, **more: str) -> Visitor:
    """Press the button for what they say."""
    return browser.press(to="/sharing", say=f"{said} {_seen(browser, said)}".strip(), **more)


def test_what_they_say_by_phone_is_written_down_on_the_case_and_they_see_who_did(desk: Desk) -> None:
    browser = say(desk.browser.open(desk.at("")), "share_gp given")
    assert browser.here == desk.at("/sharing")
    assert "Yes (in words, to one of us)" in browser.words
    assert "Amina" in browser.words
    say(browser, "share_gp withdrawn", given_by="person")
    assert "No: they took it back (in the form, on their own page or on paper)" in browser.words
    assert "They take it back" not in browser.words
    say(browser, "share_onward refused", given_by="guess")
    assert (browser.status, browser.errors) == (422, ["Choose how they told you"])
    browser.open(desk.at("/details/name")).press(preferred_name="Zo")
    looked = exports.who_looked(desk.store, desk.service, desk.referral.person_id)
    changed = {("Amina", "Changed what we may share"), ("Amina", "Changed the details")}
    assert changed <= {(one.name, one.what) for one in looked}
    key = codes.new_key()
    reads(desk.store, desk.service, desk.referral, desk.known.number, key=key)
    desk.store.commit()
    theirs = Visitor(desk.app)
    theirs.client.set_cookie(desk.app.config["VISIT_COOKIE"], key)
    page = theirs.open("/my")
    assert "Amina of our team wrote this down." in page.words
    # What they do themselves is nobody else's.
    page.press(to="/my/sharing", kind="share_gp", decision="given")
    assert "wrote this down" not in page.words


def test_a_yes_on_a_page_that_lay_open_while_they_said_no_asks_again(desk: Desk) -> None:
    browser = desk.browser.open(desk.at("/sharing"))
    args = (desk.store, desk.service, desk.referral.person_id, "share_gp", "refused", "en", desk.ben.actor)
    assert people.change_permission(*args)
    desk.store.commit()
    say(browser, "share_gp given")
    assert browser.status == 409
    assert "a moment ago" in browser.words
    assert "No (in words, to one of us)" in browser.words
    say(browser, "share_gp given")
    assert browser.here == desk.at("/sharing")
    assert people.allows(desk.store, desk.service.id, desk.referral.person_id, "share_gp")


@pytest.mark.parametrize("wrong", ["", "share_all given", "share_gp left-blank", "share_gp", "x y z a"])
def test_what_no_page_offers_changes_nothing(desk: Desk, wrong: str) -> None:
    browser = desk.browser.open(desk.at("/sharing"))
    browser.press(to="/sharing", say=wrong)
    assert browser.status == 400


def test_the_answer_about_an_interpreter_is_set_to_what_their_needs_say(desk: Desk) -> None:
    access_needs.add(desk.store, desk.amina.actor, desk.referral.id, need="bsl-interpreter")
    desk.store.commit()
    browser = desk.browser.open(desk.at(""))
    assert "They answered: Left blank. Their access needs say: Yes, British Sign Language." in browser.words
    browser.press(to="/interpreter")
    assert browser.here == desk.at("")
    assert "Their access needs say" not in browser.words
    desk.store.expire_all()
    kept = desk.store.get_one(ServiceUser, (desk.service.id, desk.referral.person_id))
    assert kept.interpreter == "bsl"


def test_a_colleagues_case_asks_for_the_reason_first(desk: Desk) -> None:
    for path in ("/details", "/details/contact", "/sharing"):
        browser = desk.browser.open(f"/staff/referrals/{desk.bens.id}{path}")
        assert browser.here == f"/staff/referrals/{desk.bens.id}/reason", path
    token = browser.token
    for path in ("/details/name", "/sharing", "/interpreter"):
        sent = {"csrf_token": token, "first_name": "Eve", "given_by": people.IN_WORDS, "say": "share_gp given"}
        browser.post(f"/staff/referrals/{desk.bens.id}{path}", sent)
        assert browser.here == f"/staff/referrals/{desk.bens.id}/reason", path
    desk.store.expire_all()
    assert desk.store.get_one(ServiceUser, (desk.service.id, desk.bens.person_id)).first_name == "Ida"
    assert not people.allows(desk.store, desk.service.id, desk.bens.person_id, "share_gp")
