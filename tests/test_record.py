"""What must be known and what is written down: risks, access needs, safeguarding, notes, the line of time, leaving
triage. Rooms on both databases."""

import importlib
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, clock, exports, people, referrals, tasks
from portal.access import Actor, Mine, Permission, Role
from portal.caseload import access_needs, contacts, notes, risks, safeguarding, timeline, triage
from portal.caseload.cases import Gone, Meanwhile, NotPossible
from portal.caseload.lists import RISK_KINDS
from portal.clock import today
from portal.i18n import say_date
from portal.journeys.access_needs import BY_CODE, CATEGORIES, SAID, TERMS
from portal.journeys.self_referral import ACCESS_NEEDS, SELF_REFERRAL
from portal.store import AccessNeed, AuditEvent, CaseNote, Referral, Risk, Safeguarding, ServiceUser, Stores
from portal.web.caseload.timeline import SAY
from portal.web.security import door
from tests import everything
from tests.cases import Case, a_case
from tests.everything import World, address, app_on, rules, visiting, visitor
from tests.inspector import InspectedClient
from tests.staffed import a_colleague
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

IN_A_YEAR = today() + timedelta(days=365)
CONCERN = "Bruises on both arms."
"""What stands in the safeguarding record of the world with one of everything."""


@pytest.fixture
def case(store: Session) -> Case:
    return a_case(store)


def open_risks(case: Case) -> list[str]:
    return [one.kind for one in risks.of_person(case.store, case.service.id, case.referral.person_id)]


def needs(case: Case, *, ended: bool = False) -> list[str]:
    rows = access_needs.of_person(case.store, case.service.id, case.referral.person_id, ended=ended)
    return [one.need for one in rows]


# Risks ---------------------------------------------------------------------------------------------------------------


def test_no_known_risks_is_said_once_and_ends_when_there_is_one(case: Case) -> None:
    assert not risks.is_said(case.store, case.referral)
    said = risks.none_known(case.store, case.amina, case.referral.id)
    assert risks.none_known(case.store, case.ben, case.referral.id).id == said.id
    assert risks.is_said(case.store, case.referral)
    mark = uuid.uuid4()
    for _ in range(2):
        risks.record(case.store, case.amina, case.referral.id, kind="pets", words="A large dog", risk_id=mark)
    assert open_risks(case) == ["pets"]
    assert said.ended_by == case.amina.staff_id
    with pytest.raises(NotPossible, match="risks-known"):
        risks.none_known(case.store, case.amina, case.referral.id)


def test_a_risk_is_ended_and_stays_and_then_somebody_must_say_again(case: Case) -> None:
    risk = risks.record(case.store, case.amina, case.referral.id, kind="falls-mobility")
    risks.end(case.store, case.ben, case.referral.id, risk.id)
    first = risk.ended_at
    risks.end(case.store, case.amina, case.referral.id, risk.id)
    assert (risk.ended_at, risk.ended_by) == (first, case.ben.staff_id)
    assert open_risks(case) == []
    assert not risks.is_said(case.store, case.referral)
    assert [one.id for one in risks.of_person(case.store, case.service.id, risk.person_id, ended=True)] == [risk.id]


def test_what_nobody_knew_of_last_time_says_nothing_of_this_time_and_a_known_risk_does(case: Case) -> None:
    risks.none_known(case.store, case.amina, case.referral.id)
    again = a_referral(case.store, case.service, answers={"family_name": "Again"})
    people.merge(case.store, case.amina, case.referral.person_id, again.person_id)
    referrals.accept(case.store, case.service, case.amina, again.id)
    assert not risks.is_said(case.store, again)
    risks.none_known(case.store, case.amina, again.id)
    assert open_risks(case) == ["none-known"], "the earlier one has ended: it is said anew"
    risks.record(case.store, case.amina, case.referral.id, kind="infection")
    assert risks.is_said(case.store, again)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"kind": "none-known"}, "kind: not-listed"),
        ({"kind": "other"}, "words: missing"),
        ({"words": "x" * 151}, "words: too-long"),
        ({"started": date(2999, 1, 1)}, "started: future"),
        ({"review_due": date(2020, 1, 1)}, "review_due: past"),
    ],
)
def test_a_risk_that_cannot_be_says_which_field_and_why(store: Session, wrong: dict[str, Any], why: str) -> None:
    case = a_case(store)
    with pytest.raises(NotPossible, match=why):
        risks.record(store, case.amina, case.referral.id, **{"kind": "pets", **wrong})
    assert store.scalars(select(Risk)).all() == []
    with pytest.raises(Gone):
        risks.record(store, case.elsewhere, case.referral.id, kind="pets")


# Leaving triage ------------------------------------------------------------------------------------------------------


def known(case: Case, what: str) -> None:
    """One of the things that triage waits for."""
    if what == "first-contact":
        case.reached()
    elif what == "risk":
        risks.none_known(case.store, case.amina, case.referral.id)
    elif what == "access-needs":
        for one in access_needs.to_review(case.store, case.referral):
            access_needs.review(case.store, case.amina, case.referral.id, one.id)
    else:
        triage.set_practice(case.store, case.amina, case.referral.id, "a81 001")


@pytest.mark.parametrize("last", triage.MISSING)
def test_a_case_is_under_way_when_the_last_thing_is_known_whichever_it_is(store: Session, last: str) -> None:
    case = a_case(store, access_needs=["hearing"])
    for need in access_needs.of_person(store, case.service.id, case.referral.person_id):
        need.review_due = today()
    assert triage.missing(store, case.referral) == list(triage.MISSING)
    for what in triage.MISSING:
        if what != last:
            known(case, what)
    assert case.referral.status == "accepted"
    assert triage.missing(store, case.referral) == [last]
    known(case, last)
    assert case.referral.status == "active"
    assert triage.missing(store, case.referral) == []


def test_two_acts_at_once_that_complete_triage_together_complete_it(stores: Stores) -> None:
    """Both are written, and neither is kept yet, when each of them looks whether triage is done."""
    with stores.writing.begin() as store:
        case = a_case(store)
        case.reached()
        referral_id, person_id, amina = case.referral.id, case.referral.person_id, case.amina
    # SQLite lets one write at a time: there the second begins when the first is kept.
    one_at_a_time = stores.engine.dialect.name == "sqlite"
    written, looked = threading.Barrier(2), threading.Barrier(2)

    def do(act: str) -> None:
        with stores.writing.begin() as store:
            referral = store.get_one(Referral, (amina.service_id, referral_id))
            if act == "risk":
                store.add(
                    Risk(
                        service_id=amina.service_id,
                        person_id=person_id,
                        referral_id=referral_id,
                        kind=risks.NONE_KNOWN,
                        started=today(),
                        recorded_by=amina.staff_id,
                    )
                )
            else:
                store.get_one(ServiceUser, (amina.service_id, person_id)).gp_practice_code = triage.NOT_KNOWN
            store.flush()
            if not one_at_a_time:
                written.wait()
            triage.settle(store, amina, referral)
            if not one_at_a_time:
                # Whoever looked first keeps it only when the other has looked too, unless that one has to wait.
                with suppress(threading.BrokenBarrierError):
                    looked.wait(timeout=0.5)

    both = [threading.Thread(target=do, args=(act,)) for act in ("risk", "practice")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with stores.reading() as store:
        assert store.get_one(Referral, (amina.service_id, referral_id)).status == "active"


@pytest.mark.parametrize(
    ("typed", "read"),
    [("A81001", "A81001"), (" a 81001", "A81001"), ("Ａ８１００１", "A81001"), ("V81997", "V81997")]
    + [(wrong, None) for wrong in ("", "A8100", "A810011", "81001", "W91001A", "A81001\0", "Surgery")],
)
def test_the_code_of_a_practice_is_read_as_people_type_it(typed: str, read: str | None) -> None:
    assert triage.read_practice(typed) == read


def test_the_practice_is_kept_by_its_code_and_the_audit_names_the_code_alone(case: Case) -> None:
    for wrong in ("none", "A81"):
        with pytest.raises(NotPossible, match="code: not-listed"):
            triage.set_practice(case.store, case.amina, case.referral.id, wrong)
    person = triage.set_practice(case.store, case.amina, case.referral.id, "A81001", "The Densham Surgery")
    assert (person.gp_practice_code, person.gp_practice) == ("A81001", "The Densham Surgery")
    with pytest.raises(Gone):
        triage.set_practice(case.store, case.elsewhere, case.referral.id, "A81001")


# Access needs --------------------------------------------------------------------------------------------------------


def test_every_choice_of_the_form_is_a_need_of_the_list_and_no_code_stands_twice() -> None:
    choices = {one.code for one in ACCESS_NEEDS if not one.alone}
    signing = {
        one.code for one in SELF_REFERRAL.question("interpreter").choices if "Sign" in one.label or "sign" in one.label
    }
    assert set(SAID) == choices | signing
    assert len(BY_CODE) == len(TERMS)
    assert {one.category for one in TERMS} == set(CATEGORIES)
    assert set(SAID.values()) <= set(BY_CODE)
    assert all(
        one.ask for one in TERMS if one.ours and one.code in SAID.values() and one.category in list(CATEGORIES)[:4]
    )
    assert max(len(one.code) for one in TERMS) <= 60


def test_the_migration_gave_everybody_the_needs_that_the_form_gives_now() -> None:
    migration = importlib.import_module("portal.store.migrations.versions.0003_cases_and_directory")
    assert {said: (BY_CODE[need].category, need) for said, need in SAID.items()} == migration.SAID


def test_what_somebody_chooses_in_the_form_stands_as_needs_to_be_looked_at_in_a_year(store: Session) -> None:
    case = a_case(store, access_needs=["hearing", "step-free"], interpreter="bsl", access_detail="A chair with arms")
    assert needs(case) == ["does-not-hear-well", "bsl-interpreter", "step-free", "in-their-words"]
    rows = access_needs.of_person(store, case.service.id, case.referral.person_id)
    assert {one.review_due for one in rows} == {people.access_needs.next_review(today())}
    assert rows[-1].detail == "A chair with arms"
    assert access_needs.to_review(store, case.referral) == []
    plain = a_referral(store, case.service, answers={"access_needs": ["none"]})
    assert access_needs.of_person(store, case.service.id, plain.person_id) == []


def test_what_somebody_takes_back_ends_and_what_staff_found_stays(store: Session) -> None:
    case = a_case(store, access_needs=["hearing", "audio"], access_detail="Slowly")
    access_needs.add(store, case.amina, case.referral.id, need="lip-reads", detail="Sit in the light")
    people.correct(store, case.service, case.referral.person_id, {"access_needs": ["audio"], "access_detail": "Slowly"})
    assert needs(case) == ["lip-reads", "audio", "in-their-words"]
    assert needs(case, ended=True) == ["does-not-hear-well"]
    people.correct(store, case.service, case.referral.person_id, {"access_detail": "Very slowly"})
    assert needs(case, ended=True) == ["does-not-hear-well", "in-their-words"]
    people.correct(store, case.service, case.referral.person_id, {"pronouns": "they"})
    assert needs(case) == ["lip-reads", "audio", "in-their-words"]


def test_a_need_is_raised_when_its_day_comes_and_at_each_new_episode(store: Session) -> None:
    case = a_case(store, access_needs=["hearing"])
    (need,) = access_needs.of_person(store, case.service.id, case.referral.person_id)
    with clock.later(timedelta(days=366)):
        assert access_needs.to_review(store, case.referral) == [need]
        access_needs.review(store, case.ben, case.referral.id, need.id)
        assert access_needs.to_review(store, case.referral) == []
        assert need.review_due > today() + timedelta(days=360)
    with clock.later(timedelta(days=400)):
        again = a_referral(store, case.service)
        people.merge(store, case.amina, case.referral.person_id, again.person_id)
        referrals.accept(store, case.service, case.amina, again.id)
        assert access_needs.to_review(store, again) == [need], "nobody has looked since they came again"
        assert "access-needs" in triage.missing(store, again)


@pytest.mark.parametrize("day", [date(2028, 2, 29), date(2027, 2, 28), date(2026, 12, 31)])
def test_a_year_later_is_a_day_that_there_is(day: date) -> None:
    assert people.access_needs.next_review(day) - day in (timedelta(days=365), timedelta(days=366))


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"need": "telepathy"}, "need: not-listed"),
        ({"need_of": "dog"}, "need_of: not-listed"),
        ({"need": "other-need"}, "detail: missing"),
        ({"detail": "x" * 501}, "detail: too-long"),
        ({"if_not_met": "x" * 501}, "if_not_met: too-long"),
    ],
)
def test_a_need_that_cannot_be_says_which_field_and_why(store: Session, wrong: dict[str, Any], why: str) -> None:
    case = a_case(store)
    with pytest.raises(NotPossible, match=why):
        access_needs.add(store, case.amina, case.referral.id, **{"need": "lip-reads", **wrong})
    assert store.scalars(select(AccessNeed)).all() == []


# Notes ---------------------------------------------------------------------------------------------------------------


def test_a_note_is_never_changed_and_what_puts_it_right_is_read_by_the_same_people(case: Case) -> None:
    mark = uuid.uuid4()
    shared = notes.write(case.store, case.amina, case.referral.id, words="Choir on Monday", shared=True, note_id=mark)
    assert notes.write(case.store, case.amina, case.referral.id, words="Choir", shared=True, note_id=mark) is shared
    hidden = notes.write(case.store, case.amina, case.referral.id, words="Fears the stairs", shared=False)
    right = notes.write(
        case.store, case.ben, case.referral.id, words="Choir on Tuesday", shared=False, corrects=shared.id
    )
    silent = notes.write(case.store, case.ben, case.referral.id, words="Fears lifts", shared=True, corrects=hidden.id)
    assert (right.shared, silent.shared) == (True, False)
    told = {one.note.id: one.corrected_by for one in notes.of_referral(case.store, case.amina, case.referral.id)}
    assert told == {shared.id: right, hidden.id: silent, right.id: None, silent.id: None}
    theirs = notes.shared_with(case.store, case.service.id, case.referral.person_id)
    assert [one.words for one in theirs] == ["Choir on Tuesday"]
    assert shared.words == "Choir on Monday"


def test_a_note_of_another_case_is_not_there(case: Case) -> None:
    note = notes.write(case.store, case.amina, case.referral.id, words="Rang", shared=False)
    other = a_referral(case.store, case.service)
    with pytest.raises(Gone):
        notes.find(case.store, case.amina, other, note.id)
    with pytest.raises(Gone):
        notes.write(case.store, case.amina, other.id, words="Wrong", shared=False, corrects=note.id)
    with pytest.raises(Gone):
        notes.write(case.store, case.elsewhere, case.referral.id, words="Stranger", shared=False)
    with pytest.raises(NotPossible, match="words: missing"):
        notes.write(case.store, case.amina, case.referral.id, words=" \u200b ", shared=False)


# Safeguarding --------------------------------------------------------------------------------------------------------


def granted(case: Case) -> Actor:
    """A worker whom a manager lets read."""
    staff = a_colleague(case.store, case.service, name="Granted")
    staff.safeguarding = True
    case.store.flush()
    return Actor(
        staff.service_id,
        *(staff.id, staff.name, Role.LINK_WORKER),
        granted=frozenset({Permission.READ_SAFEGUARDING}),
    )


def test_whoever_works_with_people_writes_a_concern_and_few_read_it(case: Case) -> None:
    mark = uuid.uuid4()
    for _ in range(2):
        safeguarding.record(case.store, case.service, case.amina, case.referral.id, concern=CONCERN, concern_id=mark)
    assert safeguarding.open_count(case.store, case.service.id, case.referral.person_id) == 1
    with pytest.raises(access.Refused):
        safeguarding.read(case.store, case.amina, case.referral)
    reader = granted(case)
    for actor in (case.manager, reader):
        assert [one.concern for one in safeguarding.read(case.store, actor, case.referral)] == [CONCERN]
    assert [one.name for one in safeguarding.readers(case.store, case.service.id)] == ["Granted", "Mo Manager"]
    acts = case.store.scalars(select(AuditEvent).where(AuditEvent.about_id == mark).order_by(AuditEvent.id)).all()
    assert [one.act for one in acts] == ["recorded a safeguarding concern", *["read a safeguarding concern"] * 2]
    (task,) = [one for one in tasks.open_tasks(case.store, case.manager) if one.kind == tasks.Kind.SAFEGUARDING]
    assert task.assigned_to == case.manager.staff_id
    assert (task.person_id, task.referral_id) == (None, None), "what hangs on the person is told in their copy"


def test_what_was_done_is_written_by_readers_one_after_the_other(case: Case) -> None:
    concern = safeguarding.record(case.store, case.service, case.amina, case.referral.id, concern=CONCERN)
    reader, version = granted(case), concern.version
    with pytest.raises(access.Refused):
        safeguarding.say_what_was_done(
            case.store, case.amina, case.referral.id, concern.id, words="Rang", version=version
        )
    safeguarding.say_what_was_done(
        case.store, case.manager, case.referral.id, concern.id, words="Rang the council", version=version
    )
    with pytest.raises(Meanwhile) as clash:
        safeguarding.say_what_was_done(
            case.store, reader, case.referral.id, concern.id, words="Rang the police", version=version
        )
    assert clash.value.now is concern
    assert concern.action_taken == "Rang the council"
    safeguarding.end(case.store, case.manager, case.referral.id, concern.id)
    assert safeguarding.open_count(case.store, case.service.id, case.referral.person_id) == 0
    assert [one.id for one in safeguarding.read(case.store, reader, case.referral)] == [concern.id]


# The line of time ----------------------------------------------------------------------------------------------------


def test_every_kind_of_moment_has_its_words() -> None:
    assert set(SAY) == set(timeline.KINDS)


def busy(case: Case) -> None:
    """A case in which much has happened."""
    case.reached()
    case.goal()
    for number in range(4):
        contacts.record(
            *(case.store, case.service, case.amina, case.referral.id), once=f"{number}", outcome="no-answer"
        )
        note = notes.write(case.store, case.amina, case.referral.id, words=f"Note {number}", shared=number % 2 == 0)
    notes.write(case.store, case.ben, case.referral.id, words="Better", shared=False, corrects=note.id)
    risk = risks.record(case.store, case.amina, case.referral.id, kind="pets")
    risks.end(case.store, case.amina, case.referral.id, risk.id)
    safeguarding.record(case.store, case.service, case.amina, case.referral.id, concern=CONCERN)
    referrals.give_to(case.store, case.amina, case.referral.id, case.ben.staff_id)


def test_the_line_of_time_has_everything_once_newest_first_in_pages(case: Case) -> None:
    busy(case)
    whole = timeline.page(case.store, case.amina, case.referral, most=500)
    assert whole.older == ""
    times = [one.at for one in whole.moments]
    assert times == sorted(times, reverse=True)
    kinds = {one.kind for one in whole.moments}
    assert {"status", "given", "contact", "note", "goal", "risk", "risk-ended", "permission", "message"} <= kinds
    paged, place = list[timeline.Moment](), ""
    while True:
        part = timeline.page(case.store, case.amina, case.referral, before=place, most=3)
        assert len(part.moments) <= 3
        paged += part.moments
        if not part.older:
            break
        place = part.older
    assert [(one.kind, one.about_id) for one in paged] == [(one.kind, one.about_id) for one in whole.moments]
    assert CONCERN not in str(whole)
    assert "safeguarding" not in str(whole)


@pytest.mark.parametrize(
    "place", ["x", "1-", "1" + "0" * 18 + "-" + "a" * 32, "-1-a", "9" * 17 + "-" + "f" * 32, "%00"]
)
def test_a_place_that_is_none_is_the_beginning_or_empty_and_never_a_fault(store: Session, place: str) -> None:
    case = a_case(store)
    assert timeline.page(store, case.amina, case.referral, before=place).moments


# The pages -----------------------------------------------------------------------------------------------------------


class Desk:
    """Amina at her desk, with a case that she has taken."""

    def __init__(self, client: InspectedClient, store: Session) -> None:
        self.store, self.client = store, client
        self.service = a_service(store)
        self.manager: Member = staff_member(store, self.service, Role.MANAGER, name="Mo Manager")
        self.amina: Member = staff_member(store, self.service, name="Amina")
        self.referral = a_referral(store, self.service, access_needs=["hearing"])
        referrals.accept(store, self.service, self.amina.actor, self.referral.id)
        store.commit()
        sign_in(client, store, self.amina)

    def at(self, path: str = "") -> str:
        return f"/staff/referrals/{self.referral.id}{path}"

    def page(self, path: str = "") -> str:
        return words_of(self.client.get(self.at(path)))


@pytest.fixture
def desk(client: InspectedClient, store: Session) -> Iterator[Desk]:
    yield Desk(client, store)
    store.rollback()
    client.application.extensions["stores"].engine.dispose()


def test_what_triage_waits_for_is_one_press_each_on_the_case_page(desk: Desk) -> None:
    assert "Before this case is under way" in desk.page()
    assert press(desk.client, desk.at(), "/risks/none-known").status_code == 303
    assert press(desk.client, desk.at(), "/gp-practice", code="V81999").status_code == 303
    assert press(desk.client, desk.at(), "/contacts", outcome="spoke").status_code == 303
    said = desk.page()
    assert "Before this case is under way" not in said
    assert "Under way" in said
    assert "No known risks." in said


def test_a_risk_is_written_on_its_page_and_ended_with_a_press(desk: Desk) -> None:
    wrong = press(desk.client, desk.at("/risks"), "/risks", kind="other", words="", started="soon")
    assert wrong.status_code == 422
    assert "Enter a date" in words_of(wrong)
    done = press(
        desk.client, desk.at("/risks"), "/risks", kind="pets", words="A large dog", review_due=IN_A_YEAR.isoformat()
    )
    assert done.status_code == 303
    assert "Pets: A large dog" in desk.page()
    told = words_of(desk.client.get(desk.at("/risks")))
    assert f"To be looked at again on {say_date(IN_A_YEAR, weekday=False)}" in told
    conflict = desk.client.post(desk.at("/risks/none-known"), data={"csrf_token": everything.csrf(desk.client)})
    assert conflict.status_code == 409
    assert press(desk.client, desk.at(), "/end").status_code == 303
    assert "Risks that have ended" in desk.page()


def test_shared_and_unshared_notes_stand_apart_and_nothing_is_chosen_beforehand(desk: Desk) -> None:
    missing = press(desk.client, desk.at("/notes"), "/notes", words="Likes mornings")
    assert missing.status_code == 422
    assert "Choose who reads it" in words_of(missing)
    assert "Likes mornings" in missing.get_data(as_text=True)
    for who, words in (("staff", "Fears the stairs"), ("person", "Choir on Monday")):
        assert press(desk.client, desk.at("/notes"), "/notes", who_reads=who, words=words).status_code == 303
    said = desk.page()
    for_staff, for_person = said.index("Only staff read these"), said.index("The person reads these")
    assert for_staff < said.index("Fears the stairs") < for_person < said.index("Choir on Monday")
    note = desk.store.scalars(select(CaseNote).where(CaseNote.shared)).one()
    right = press(desk.client, desk.at(f"/notes/{note.id}/correct"), "/correct", words="Choir on Tuesday")
    assert right.status_code == 303
    assert "Put right on" in desk.page()


def test_without_the_permission_only_that_something_is_written_and_whom_to_ask(desk: Desk) -> None:
    address = desk.at("/safeguarding")
    assert press(desk.client, address, "/safeguarding", concern="").status_code == 422
    assert press(desk.client, address, "/safeguarding", concern=CONCERN).status_code == 303
    for path in ("", "/safeguarding"):
        said = desk.page(path)
        assert "Mo Manager" in said
        assert CONCERN not in said
    assert "Something is written down here about safeguarding" in desk.page()
    assert desk.client.get(desk.at("/safeguarding/read")).status_code == 403
    sign_in(desk.client, desk.store, desk.manager)
    read = desk.client.get(desk.at("/safeguarding/read"))
    assert CONCERN in words_of(read)
    assert press(desk.client, desk.at("/safeguarding/read"), "/done", words="Rang the council").status_code == 303
    concern = desk.store.scalars(select(Safeguarding)).one()
    stale = desk.client.post(
        desk.at(f"/safeguarding/{concern.id}/done"),
        data={"csrf_token": everything.csrf(desk.client), "words": "Rang the police", "version": "1"},
    )
    assert stale.status_code == 409
    assert "Rang the council" in words_of(stale)
    assert "Rang the police" in stale.get_data(as_text=True)


def test_a_practice_is_found_by_what_the_person_called_it_or_by_its_code(desk: Desk) -> None:
    bad = press(desk.client, desk.at("/gp-practice"), "/gp-practice", code="Surgery")
    assert bad.status_code == 422
    assert press(desk.client, desk.at("/gp-practice"), "/gp-practice", code="a81 001").status_code == 303
    person = desk.store.get_one(ServiceUser, (desk.service.id, desk.referral.person_id))
    desk.store.refresh(person)
    assert person.gp_practice_code == "A81001"


def test_the_line_of_time_is_a_page_that_goes_on(desk: Desk) -> None:
    case = Case(desk.store, desk.service, desk.amina.actor, desk.amina.actor, desk.manager.actor, desk.referral)
    for number in range(40):
        notes.write(desk.store, desk.amina.actor, desk.referral.id, words=f"Note {number}", shared=False)
    case.reached()
    desk.store.commit()
    first = desk.client.get(desk.at("/timeline"))
    assert "Note 39" in words_of(first)
    assert "Note 1 " not in words_of(first)
    older = first.get_data(as_text=True).split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "Note 3" in words_of(desk.client.get(older.replace("&amp;", "&")))
    assert "Everything that happened" in desk.page()


def test_what_one_person_did_several_times_at_once_is_one_line_and_each_of_them_is_kept(desk: Desk) -> None:
    case = Case(desk.store, desk.service, desk.amina.actor, desk.amina.actor, desk.manager.actor, desk.referral)
    for number in range(5):
        contacts.record(case.store, case.service, case.amina, case.referral.id, once=f"{number}", outcome="no-answer")
    contacts.record(case.store, case.service, case.amina, case.referral.id, once="x", outcome="spoke", notes="Well.")
    with clock.later(timedelta(hours=1)):
        contacts.record(case.store, case.service, case.amina, case.referral.id, once="y", outcome="no-answer")
        desk.store.commit()
        sign_in(desk.client, desk.store, desk.amina)
        said = words_of(desk.client.get(desk.at("/timeline")))
    assert said.count("No answer: Phone call") == 2, "what came an hour later is another line"
    assert said.count("(5 times)") == 1
    assert "Well." in said
    kept = timeline.page(desk.store, desk.amina.actor, desk.referral, most=500).moments
    assert sum(one.kind == "contact" for one in kept) == 7


# Everywhere ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return everything.build(environment, migrated_sqlite, tmp_path_factory.mktemp("record") / "portal.sqlite")


@pytest.fixture
def whole(world: World, environment: dict[str, str], tmp_path: Path) -> Iterator[Flask]:
    file = tmp_path / "portal.sqlite"
    shutil.copy(world.file, file)
    app = app_on(environment, file)
    yield app
    app.extensions["stores"].engine.dispose()


READ_HERE = {"caseload.read_safeguarding"}
"""The only page on which a concern may be read."""


ABOUT_SOMEBODY = {"referral_id", "onward_id", "letter_id", "alert_id"}
NO_PAGE_ABOUT_THEM = {"caseload.reason", "caseload.letter_print", "caseload.letter_text", "caseload.onward_slip"}
"""The page that stands before the record, and what is printed or copied for somebody else."""


def test_access_needs_stand_on_every_page_of_staff_about_the_person(whole: Flask, world: World) -> None:
    worker = world.members[Role.LINK_WORKER].actor
    with whole.extensions["stores"].writing.begin() as store:
        for referral in store.scalars(select(Referral).where(Referral.service_id == worker.service_id)).all():
            access_needs.add(store, worker, referral.id, need="tactile-alert")
    client, silent, twice = visitor(whole, world, Role.MANAGER), [], []
    for rule in rules(whole, staff=True, method="GET"):
        if not rule.arguments & ABOUT_SOMEBODY or rule.endpoint in NO_PAGE_ABOUT_THEM:
            continue
        page = client.get(address(whole, world, rule))
        if page.status_code == 200 and page.mimetype == "text/html" and "With a tactile alert" not in words_of(page):
            silent.append(rule.endpoint)
        if page.mimetype == "text/html" and words_of(page).count("Access needs:") > 1:
            twice.append(rule.endpoint)
    assert (silent, twice) == ([], [])


def test_a_concern_is_on_no_page_but_one_and_the_person_never_learns_that_it_is_there(
    whole: Flask, world: World
) -> None:
    for role in (Role.LINK_WORKER, Role.MANAGER, Role.ADMINISTRATOR, Role.ANALYST):
        client = visitor(whole, world, role)
        for rule in rules(whole, staff=True, method="GET"):
            if rule.endpoint not in READ_HERE:
                page = client.get(address(whole, world, rule)).get_data(as_text=True)
                assert CONCERN not in page, f"{rule.endpoint} shows it to {role}"
    for rule in rules(whole, method="GET"):
        if isinstance(door(whole, rule.endpoint), Mine):
            page = visiting(whole, world, "read").get(address(whole, world, rule)).get_data(as_text=True)
            assert "Bruises" not in page, rule.endpoint
            assert "safeguarding" not in page.casefold(), rule.endpoint


def test_neither_the_copy_nor_who_looked_says_anything_of_a_concern(case: Case) -> None:
    safeguarding.record(case.store, case.service, case.amina, case.referral.id, concern=CONCERN)
    safeguarding.read(case.store, case.manager, case.referral)
    copy = exports.everything(case.store, case.service, case.referral.person_id)
    for told in (exports.as_json(copy), exports.as_csv(copy)):
        assert "Bruises" not in told
        assert "safeguarding" not in told.casefold()
    assert "safeguarding" not in str(exports.who_looked(case.store, case.service, case.referral.person_id)).casefold()


def test_every_kind_of_risk_fits_its_column_and_none_says_that_there_is_none() -> None:
    assert all(len(one.code) <= 30 for one in RISK_KINDS)
    assert risks.NONE_KNOWN not in {one.code for one in RISK_KINDS}
