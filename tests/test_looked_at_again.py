"""What is looked at again, a risk and an access need: still so until another day, in other words, two workers at once;
and language and needs with the rule of safe contact, once on each page."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, people, referrals
from portal.access import Role
from portal.caseload import access_needs, risks, timeline
from portal.caseload import today as desk_of_today
from portal.caseload.cases import Gone, Meanwhile, NotPossible
from portal.clock import today
from portal.i18n import say_date
from portal.people.access_needs import next_review
from portal.store import AccessNeed, Alert, Risk
from tests import everything
from tests.cases import Case, a_case
from tests.inspector import InspectedClient
from tests.world import Member, a_draft, a_referral, a_service, press, sign_in, staff_member, words_of

SOON = today() + timedelta(days=30)
LATER = today() + timedelta(days=60)


@pytest.fixture
def case(store: Session) -> Case:
    return a_case(store)


def a_risk(case: Case, **more: Any) -> Risk:
    given = {"kind": "pets", "words": "A large dog", "started": date(2026, 1, 5), **more}
    return risks.record(case.store, case.amina, case.referral.id, **given)


def still_so(case: Case, risk: Risk, **more: Any) -> Risk:
    given = {"version": risk.version, "words": risk.words or "", "review_due": SOON, **more}
    return risks.review(case.store, case.ben, case.referral.id, risk.id, **given)


def waits(case: Case) -> list[str]:
    return [line.why for line in desk_of_today.lines(case.store, case.amina)]


# Risks ---------------------------------------------------------------------------------------------------------------


def test_a_risk_that_is_still_so_has_another_day_and_leaves_today(case: Case) -> None:
    risk = a_risk(case, review_due=today())
    assert "A risk is to be looked at again." in waits(case)
    looked_at = still_so(case, risk)
    assert (looked_at.id, looked_at.started, looked_at.review_due) == (risk.id, date(2026, 1, 5), SOON)
    assert "A risk is to be looked at again." not in waits(case)
    acts = [event.act for event in audit.history_of(case.store, case.service.id, risk.id)]
    assert acts == ["recorded a risk", "reviewed a risk"]


def test_other_words_go_on_in_a_row_of_their_own_and_the_first_ones_stay(case: Case) -> None:
    risk = a_risk(case)
    now = still_so(case, risk, words="Two large dogs")
    assert (now.words, now.kind, now.started, now.recorded_by) == (
        "Two large dogs",
        "pets",
        date(2026, 1, 5),
        case.ben.staff_id,
    )
    assert (risk.words, risk.ended_by, risk.ended_at) == ("A large dog", case.ben.staff_id, now.created_at)
    assert risks.goes_on(risk, [now])
    assert [one.id for one in risks.of_person(case.store, case.service.id, risk.person_id)] == [now.id]
    line = timeline.page(case.store, case.amina, case.referral, most=500)
    assert [one.about_id for one in line.moments if one.kind == "risk"] == [now.id, risk.id]
    assert not [one for one in line.moments if one.kind == "risk-ended"], "it has not ended"
    risks.end(case.store, case.amina, case.referral.id, now.id)
    line = timeline.page(case.store, case.amina, case.referral, most=500)
    assert [one.about_id for one in line.moments if one.kind == "risk-ended"] == [now.id]


def test_in_a_later_referral_the_look_is_this_one_s(case: Case) -> None:
    risk = a_risk(case)
    again = a_referral(case.store, case.service, answers={"family_name": "Again"})
    people.merge(case.store, case.amina, case.referral.person_id, again.person_id)
    referrals.accept(case.store, case.service, case.amina, again.id)
    now = risks.review(
        case.store, case.amina, again.id, risk.id, version=risk.version, words="A large dog", review_due=today()
    )
    assert (now.referral_id, now.started) == (again.id, risk.started)
    assert "A risk is to be looked at again." in waits(case)


def test_pressed_twice_it_was_looked_at_once(case: Case) -> None:
    risk = a_risk(case)
    version = risk.version
    first = still_so(case, risk, words="Two large dogs", version=version)
    again = still_so(case, risk, words="Two large dogs", version=version)
    assert first.id == again.id
    assert len(case.store.scalars(select(Risk)).all()) == 2


def test_the_second_of_two_workers_sees_what_the_first_one_wrote(case: Case) -> None:
    risk = a_risk(case)
    version = risk.version
    first = still_so(case, risk, words="Two large dogs", version=version)
    with pytest.raises(Meanwhile) as meanwhile:
        still_so(case, risk, words="The dog is old now", version=version)
    assert meanwhile.value.now is first
    risks.end(case.store, case.amina, case.referral.id, first.id)
    with pytest.raises(Meanwhile) as meanwhile:
        still_so(case, first, words="The dog is old now")
    assert meanwhile.value.now is first


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"words": "x" * 151}, "words: too-long"),
        ({"review_due": date(2020, 1, 1)}, "review_due: past"),
        ({"review_due": date(2999, 1, 1)}, "review_due: too-far"),
    ],
)
def test_what_cannot_be_says_which_field_and_why(store: Session, wrong: dict[str, Any], why: str) -> None:
    case = a_case(store)
    risk = a_risk(case)
    with pytest.raises(NotPossible, match=why):
        still_so(case, risk, **wrong)
    assert (risk.words, risk.review_due, risk.ended_at) == ("A large dog", None, None)


def test_another_service_s_risks_and_needs_are_not_there_nor_is_no_known_risk_looked_at(case: Case) -> None:
    risk, none = a_risk(case), case.elsewhere
    need = access_needs.add(case.store, case.amina, case.referral.id, need="lip-reads")
    with pytest.raises(Gone):
        risks.review(case.store, none, case.referral.id, risk.id, version=1)
    with pytest.raises(Gone):
        access_needs.change(case.store, none, case.referral.id, need.id, version=1)
    risks.end(case.store, case.amina, case.referral.id, risk.id)
    said = risks.none_known(case.store, case.amina, case.referral.id)
    with pytest.raises(Gone):
        risks.review(case.store, case.amina, case.referral.id, said.id, version=1)


# Access needs --------------------------------------------------------------------------------------------------------


def changed(case: Case, need: AccessNeed, **more: Any) -> AccessNeed:
    given = {"version": need.version, "detail": need.detail or "", "if_not_met": need.if_not_met or "", **more}
    return access_needs.change(case.store, case.ben, case.referral.id, need.id, **given)


def test_the_words_and_the_day_of_an_access_need_are_put_right(case: Case) -> None:
    need = access_needs.add(case.store, case.amina, case.referral.id, need="lip-reads", detail="Sit in the lihgt")
    changed(case, need, detail="Sit in the light", review_due=SOON)
    assert (need.detail, need.review_due, need.reviewed_by) == ("Sit in the light", SOON, case.ben.staff_id)
    changed(case, need)
    assert need.review_due == next_review(today()), "left blank it is in a year"
    with pytest.raises(NotPossible, match="review_due: too-far"):
        changed(case, need, review_due=next_review(today()) + timedelta(days=1))
    with pytest.raises(NotPossible, match="review_due: past"):
        changed(case, need, review_due=today() - timedelta(days=1))


def test_what_the_person_wrote_of_their_needs_stays_as_they_wrote_it(store: Session) -> None:
    case = a_case(store, access_needs=["hearing"], access_detail="Slowly, please")
    rows = access_needs.of_person(store, case.service.id, case.referral.person_id)
    own = next(one for one in rows if access_needs.in_own_words(one))
    hearing = next(one for one in rows if not access_needs.in_own_words(one))
    changed(case, own, detail="Fast", if_not_met="They are lost", review_due=SOON)
    assert (own.detail, own.if_not_met, own.review_due) == ("Slowly, please", "They are lost", SOON)
    changed(case, hearing, detail="The left ear is better")
    people.correct(store, case.service, case.referral.person_id, {"access_needs": ["hearing"]})
    assert (hearing.detail, hearing.ended_at) == ("The left ear is better", None), "what staff found stays"


def test_two_workers_at_one_need_lose_nobody_s_words(case: Case) -> None:
    need = access_needs.add(case.store, case.amina, case.referral.id, need="lip-reads", detail="In the light")
    version = need.version
    for _ in range(2):
        changed(case, need, version=version, detail="By the window")
    with pytest.raises(Meanwhile):
        changed(case, need, version=version, detail="Face to face")
    assert need.detail == "By the window"
    access_needs.end(case.store, case.amina, case.referral.id, need.id)
    with pytest.raises(Meanwhile):
        changed(case, need, detail="Face to face")


# The pages -----------------------------------------------------------------------------------------------------------


class Desk:
    """Amina with a case, at her desk."""

    def __init__(self, client: InspectedClient, store: Session) -> None:
        self.store, self.client = store, client
        self.service = a_service(store)
        staff_member(store, self.service, Role.MANAGER)
        self.amina: Member = staff_member(store, self.service, name="Amina")
        self.ben: Member = staff_member(store, self.service, name="Ben")
        self.referral = a_referral(
            store, self.service, spoken_language="ur", interpreter="spoken", written_language="en"
        )
        referrals.accept(store, self.service, self.amina.actor, self.referral.id)
        store.commit()
        sign_in(client, store, self.amina)

    def at(self, path: str = "") -> str:
        return f"/staff/referrals/{self.referral.id}{path}"


@pytest.fixture
def desk(client: InspectedClient, store: Session) -> Iterator[Desk]:
    yield Desk(client, store)
    store.rollback()
    client.application.extensions["stores"].engine.dispose()


def test_a_late_form_about_a_risk_keeps_both_texts_and_then_saves(desk: Desk) -> None:
    risk = risks.record(desk.store, desk.amina.actor, desk.referral.id, kind="pets", words="A large dog")
    desk.store.commit()
    at = desk.at(f"/risks/{risk.id}")
    assert f'href="{at}"' in desk.client.get(desk.at()).get_data(as_text=True), "the case leads there"
    page = desk.client.get(at)
    assert "A large dog" in page.get_data(as_text=True)
    risks.review(desk.store, desk.ben.actor, desk.referral.id, risk.id, version=1, words="Two large dogs")
    desk.store.commit()
    token = {"csrf_token": everything.csrf(desk.client), "version": "1"}
    late = desk.client.post(at, data={**token, "words": "The dog is old", "review_due": SOON.isoformat()})
    assert late.status_code == 409
    assert "Two large dogs" in words_of(late)
    assert "The dog is old" in late.get_data(as_text=True)
    desk.store.expire_all()
    now = desk.store.scalars(select(Risk).where(Risk.ended_at.is_(None))).one()
    done = desk.client.post(
        desk.at(f"/risks/{now.id}"), data={**token, "version": now.version, "words": "Two dogs, old", "review_due": ""}
    )
    assert (done.status_code, done.headers["Location"]) == (303, desk.at("#risks"))
    said = words_of(desk.client.get(desk.at("/risks")))
    assert "Pets: Two dogs, old" in said
    assert f"Two large dogs (these words until {say_date(today(), weekday=False)})" in said
    desk.store.expire_all()
    now = desk.store.scalars(select(Risk).where(Risk.ended_at.is_(None))).one()
    wrong = press(desk.client, desk.at(f"/risks/{risk.id}"), f"/risks/{now.id}", words="Two dogs", review_due="soon")
    assert wrong.status_code == 422
    assert "Two dogs" in wrong.get_data(as_text=True)


def test_a_late_form_about_what_has_ended_keeps_the_words(desk: Desk) -> None:
    need = access_needs.add(desk.store, desk.amina.actor, desk.referral.id, need="lip-reads", detail="In the light")
    desk.store.commit()
    at = desk.at(f"/access-needs/{need.id}")
    assert press(desk.client, at, at, detail="By the window", review_due=SOON.isoformat()).status_code == 303
    said = words_of(desk.client.get(desk.at("/access-needs")))
    assert "By the window" in said
    assert f"To be looked at again on {say_date(SOON, weekday=False)}" in said
    year = press(desk.client, at, at, detail="By the window", review_due="1 1 2100")
    assert year.status_code == 422
    assert "That day is more than a year away" in words_of(year)
    access_needs.end(desk.store, desk.ben.actor, desk.referral.id, need.id)
    desk.store.commit()
    token = {"csrf_token": everything.csrf(desk.client), "version": "1"}
    late = desk.client.post(at, data={**token, "detail": "Face to face", "if_not_met": "", "review_due": ""})
    assert late.status_code == 409
    assert "A colleague has ended it meanwhile" in words_of(late)
    assert "Face to face" in words_of(late)


def test_outside_the_caseload_it_asks_why_first(desk: Desk) -> None:
    risk = risks.record(desk.store, desk.amina.actor, desk.referral.id, kind="pets")
    need = access_needs.add(desk.store, desk.amina.actor, desk.referral.id, need="lip-reads")
    desk.store.commit()
    sign_in(desk.client, desk.store, desk.ben)
    for path in (f"/risks/{risk.id}", f"/access-needs/{need.id}", "/onward/find", "/to-do"):
        answer = desk.client.get(desk.at(path))
        assert answer.status_code == 303, path
        assert "/reason" in answer.headers["Location"], path


# Language and needs with the rule of safe contact --------------------------------------------------------------------


def test_language_and_needs_stand_where_somebody_is_about_to_ring(desk: Desk) -> None:
    access_needs.add(desk.store, desk.amina.actor, desk.referral.id, need="lip-reads", detail="In the light")
    a_referral(desk.store, desk.service, first_name="Bea", urgency="not-safe", spoken_language="pl", interpreter="bsl")
    alert = desk.store.scalars(select(Alert)).one()
    desk.store.commit()
    for path in ("", "/contacts/new"):
        said = words_of(desk.client.get(desk.at(path)))
        top = said[said.index("How to reach this person safely") : said.index("Phone call")]
        assert "Language to speak: Urdu. Interpreter: Yes, for the language I speak. To read: English" in top, path
        assert "Access needs: Lip-reads (In the light)" in top, path
        assert said.replace("Access need: Lip-reads", "").count("Lip-reads") == 1, "and nowhere but in what happened"
    said = words_of(desk.client.get(f"/staff/alerts/{alert.id}"))
    assert "Language to speak: Polish. Interpreter: Yes, British Sign Language" in said
    assert said.count("Polish") == 1


def test_a_form_that_was_never_sent_says_them_too(desk: Desk) -> None:
    a_draft(
        desk.store,
        desk.service,
        "urgent",
        urgency="not-safe",
        spoken_language="pl",
        access_needs=["more-time"],
        access_detail="In the evening",
    )
    desk.store.commit()
    alert = desk.store.scalars(select(Alert)).one()
    said = words_of(desk.client.get(f"/staff/alerts/{alert.id}"))
    assert "Language to speak: Polish" in said
    assert "Access needs: More time; In the evening" in said
    assert (said.count("Polish"), said.count("More time")) == (1, 1)
