"""What is to be done: mine before everybody's, on the case, back to where it was pressed, handed over, written down by
one of us for a day."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, referrals, tasks
from portal.access import Refused, Role
from portal.caseload import reach, to_do
from portal.caseload import today as desk_of_today
from portal.caseload.cases import Gone, NotPossible
from portal.clock import now, today
from portal.store import Staff, Task
from tests import everything
from tests.cases import Case, a_case
from tests.inspector import InspectedClient
from tests.staffed import a_colleague, acting
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

WORDS = "Ask the library about the door"


@pytest.fixture
def case(store: Session) -> Case:
    return a_case(store)


def written(case: Case, *, days: int = 0, to: uuid.UUID | None = None, once: str = "one") -> Task:
    due = today() + timedelta(days=days)
    return to_do.write(case.store, case.amina, case.referral.id, once=once, words=WORDS, due=due, to=to)


def on_today(case: Case, actor: object) -> list[str]:
    return [line.why for line in desk_of_today.lines(case.store, actor)]  # type: ignore[arg-type]


# Written down by one of us -------------------------------------------------------------------------------------------


def test_what_one_of_us_writes_down_is_on_today_from_its_day_on(case: Case) -> None:
    written(case, once="now")
    written(case, days=1, once="tomorrow")
    assert on_today(case, case.amina).count(f"{WORDS}.") == 1
    assert f"{WORDS}." not in on_today(case, case.ben)
    assert len(tasks.of_referral(case.store, case.amina, case.referral.id)) >= 2, "on the case both stand at once"
    line = next(one for one in desk_of_today.lines(case.store, case.amina) if WORDS in one.why)
    assert (line.late, line.action.endpoint) == (False, "caseload.case")


def test_it_is_one_however_often_it_is_sent_and_says_who_asked(case: Case) -> None:
    first = written(case, to=case.ben.staff_id)
    assert written(case, to=case.ben.staff_id) is first
    assert (first.assigned_to, first.asked_by) == (case.ben.staff_id, case.amina.staff_id)
    assert f"{WORDS}." in on_today(case, case.ben)
    (event,) = audit.history_of(case.store, case.service.id, first.id)
    assert (event.act, event.actor_id, WORDS in str(event.details)) == ("asked for task", case.amina.staff_id, False)
    case.store.flush()
    kept = case.store.execute(text("SELECT words FROM task WHERE words IS NOT NULL")).scalar_one()
    assert WORDS.encode() not in bytes(kept), "what stands in the file is unreadable"


@pytest.mark.parametrize(
    ("words", "days", "why"),
    [("", 0, "words: missing"), ("x" * 301, 0, "words: too-long"), (WORDS, -1, "due: past"), (WORDS, 800, "too-far")],
)
def test_what_cannot_be_says_which_field_and_why(store: Session, words: str, days: int, why: str) -> None:
    case = a_case(store)
    due = today() + timedelta(days=days)
    with pytest.raises(NotPossible, match=why):
        to_do.write(store, case.amina, case.referral.id, once="one", words=words, due=due)
    assert store.scalars(select(Task).where(Task.kind == "by-hand")).all() == []


def test_another_service_is_not_there_and_who_does_not_care_for_people_may_not(case: Case) -> None:
    with pytest.raises(Gone):
        to_do.write(case.store, case.elsewhere, case.referral.id, once="one", words=WORDS, due=today())
    with pytest.raises(to_do.NotThere):
        written(case, to=case.elsewhere.staff_id)
    task = written(case)
    assert tasks.hand_over(case.store, case.elsewhere, task.id, case.elsewhere.staff_id) is None
    analyst = acting(a_colleague(case.store, case.service, Role.ANALYST))
    with pytest.raises(Refused):
        tasks.hand_over(case.store, analyst, task.id, case.ben.staff_id)
    with pytest.raises(Refused):
        to_do.write(case.store, analyst, case.referral.id, once="two", words=WORDS, due=today())
    with pytest.raises(to_do.NotThere):
        to_do.hand_over(case.store, case.amina, task, analyst.staff_id)


# Handing over --------------------------------------------------------------------------------------------------------


def test_a_task_that_is_handed_over_is_a_colleague_s_and_it_is_written_down(case: Case) -> None:
    task = written(case)
    to_do.hand_over(case.store, case.amina, task, case.ben.staff_id)
    assert f"{WORDS}." in on_today(case, case.ben)
    assert f"{WORDS}." not in on_today(case, case.amina)
    assert audit.history_of(case.store, case.service.id, task.id)[-1].details == {"to": str(case.ben.staff_id)}
    tasks.done(case.store, case.ben, task.id)
    to_do.hand_over(case.store, case.ben, task, case.amina.staff_id)
    assert task.assigned_to == case.ben.staff_id, "what is done stays as it is"


def test_a_colleague_who_has_left_gets_nothing(case: Case) -> None:
    task = written(case)
    case.store.get_one(Staff, (case.service.id, case.ben.staff_id)).state = "left"
    case.store.flush()
    with pytest.raises(to_do.NotThere):
        to_do.hand_over(case.store, case.amina, task, case.ben.staff_id)


def test_nobody_opens_a_case_to_themselves_by_a_task(case: Case) -> None:
    person = case.referral.person_id
    for_ben = written(case)
    assert not reach.within(case.store, case.ben, person)
    to_do.write(case.store, case.ben, case.referral.id, once="own", words=WORDS, due=today())
    assert not reach.within(case.store, case.ben, person), "what they write for themselves opens nothing"
    with pytest.raises(to_do.NotYours):
        to_do.hand_over(case.store, case.ben, for_ben, case.ben.staff_id)
    to_do.hand_over(case.store, case.amina, for_ben, case.ben.staff_id)
    assert reach.within(case.store, case.ben, person), "what a colleague gives them does"


# Mine, and everybody's -----------------------------------------------------------------------------------------------


def test_mine_are_those_that_i_have_and_those_that_nobody_has_in_their_order(store: Session) -> None:
    service = a_service(store)
    amina, ben = (acting(a_colleague(store, service, name=name)) for name in ("Amina", "Ben"))
    whose = [amina.staff_id, None, ben.staff_id, None, amina.staff_id]
    rows = [
        tasks.add(
            store, service.id, "message-failed", once=f"{n}", due_at=now() + timedelta(hours=n), assigned_to=staff
        )
        for n, staff in enumerate(whose)
    ]
    own = [rows[0], rows[1], rows[3], rows[4]]
    assert list(tasks.open_tasks(store, amina, whose=tasks.OWN)) == own
    assert list(tasks.open_tasks(store, amina)) == rows
    first = tasks.open_tasks(store, amina, most=3, whose=tasks.OWN)
    assert [*first, *tasks.open_tasks(store, amina, first[-1].id, most=3, whose=tasks.OWN)] == own


# The pages -----------------------------------------------------------------------------------------------------------


class Desk:
    """Amina with a case, Ben with none."""

    def __init__(self, client: InspectedClient, store: Session) -> None:
        self.store, self.client = store, client
        self.service = a_service(store)
        staff_member(store, self.service, Role.MANAGER)
        self.amina: Member = staff_member(store, self.service, name="Amina")
        self.ben: Member = staff_member(store, self.service, name="Ben")
        self.referral = a_referral(store, self.service)
        referrals.accept(store, self.service, self.amina.actor, self.referral.id)
        store.commit()
        sign_in(client, store, self.amina)

    def at(self, path: str = "") -> str:
        return f"/staff/referrals/{self.referral.id}{path}"

    def write(self, to: Member | None = None, **more: str) -> Task:
        given = {"words": WORDS, "due": today().isoformat(), "to": str((to or self.amina).actor.staff_id), **more}
        done = press(self.client, self.at("/to-do"), "/to-do", **given)
        assert (done.status_code, done.headers["Location"]) == (303, self.at("#to-do"))
        self.store.expire_all()
        return self.store.scalars(select(Task).where(Task.kind == "by-hand").order_by(Task.id.desc())).all()[0]

    def done(self, task: Task, back: str) -> str:
        token = {"csrf_token": everything.csrf(self.client), "back": back}
        return self.client.post(f"/staff/tasks/{task.id}/done", data=token).headers["Location"]


@pytest.fixture
def desk(client: InspectedClient, store: Session) -> Iterator[Desk]:
    yield Desk(client, store)
    store.rollback()
    client.application.extensions["stores"].engine.dispose()


def test_the_case_lists_what_is_to_be_done_and_done_leads_back_to_where_it_was_pressed(desk: Desk) -> None:
    task = desk.write()
    said = words_of(desk.client.get(desk.at()))
    assert said.count(WORDS) == 3, "itself, on its button and on its link"
    answer = press(desk.client, desk.at(), f"/tasks/{task.id}/done")
    assert answer.headers["Location"] == desk.at("#to-do")
    assert WORDS not in words_of(desk.client.get(desk.at()))
    places = {"inbox": "/staff/inbox", "mine": "/staff/tasks", "task": f"/staff/tasks/{task.id}"}
    for back, place in {**places, "everybodys": "/staff/tasks?whose=everybodys"}.items():
        assert desk.done(task, back) == place
    for back in ("", "https://evil.example", "//evil.example", "/staff/../x", "case\n"):
        assert desk.done(task, back) == "/staff/tasks", back


def test_a_task_without_a_case_never_leads_to_one(desk: Desk) -> None:
    task = tasks.add(desk.store, desk.service.id, "cases-without-worker", once="x", due_at=now())
    desk.store.commit()
    assert desk.done(task, "case") == "/staff/tasks"


def test_what_a_colleague_wrote_is_read_by_those_whose_task_or_case_it_is(desk: Desk) -> None:
    task = desk.write()
    sign_in(desk.client, desk.store, desk.ben)
    for address in ("/staff/tasks?whose=everybodys", "/staff/inbox", f"/staff/tasks/{task.id}"):
        said = words_of(desk.client.get(address))
        assert WORDS not in said, address
        assert "Something that one of us wrote down to do" in said, address
    assert "Something that one of us" not in words_of(desk.client.get("/staff/tasks")), "it is not mine"
    token = {"csrf_token": everything.csrf(desk.client), "to": str(desk.ben.actor.staff_id)}
    asked = desk.client.post(f"/staff/tasks/{task.id}/hand-over", data=token)
    assert "/reason" in asked.headers["Location"]
    reach.give_reason(desk.store, desk.ben.actor, desk.referral.person_id, "covering")
    desk.store.commit()
    assert WORDS in words_of(desk.client.get(f"/staff/tasks/{task.id}"))
    taken = desk.client.post(f"/staff/tasks/{task.id}/hand-over", data=token)
    assert taken.status_code == 422
    assert "This is about a case that a colleague has" in words_of(taken)


def test_a_task_is_handed_over_on_its_page(desk: Desk) -> None:
    task = desk.write()
    page = f"/staff/tasks/{task.id}"
    assert f'href="{page}#hand-over"' in desk.client.get("/staff/tasks").get_data(as_text=True)
    assert press(desk.client, page, "/hand-over", to="").status_code == 422
    assert press(desk.client, page, "/hand-over", to=str(desk.ben.actor.staff_id)).status_code == 303
    assert WORDS not in words_of(desk.client.get("/staff/tasks"))
    said = words_of(desk.client.get("/staff/tasks?whose=everybodys"))
    assert f"By {today().day}" in said
    assert "Asked by Amina" in said
    sign_in(desk.client, desk.store, desk.ben)
    assert WORDS in words_of(desk.client.get("/staff/today"))
    assert WORDS in words_of(desk.client.get(desk.at()))


def test_a_form_that_is_wrong_keeps_what_was_typed(desk: Desk) -> None:
    for wrong in ({"due": "soon"}, {"due": "1 1 2020"}, {"to": ""}, {"to": str(uuid.uuid4())}, {"words": ""}):
        given = {"words": WORDS, "due": today().isoformat(), "to": str(desk.amina.actor.staff_id), **wrong}
        answer = press(desk.client, desk.at("/to-do"), "/to-do", **given)
        assert answer.status_code == 422, wrong
        assert wrong.get("words", WORDS) in answer.get_data(as_text=True)
