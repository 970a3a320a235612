"""The alerts desk: whose and which, page by page; raised by staff; talked over; the whole history on one page."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from portal import alerts, audit, clock
from portal.access import Actor, Permission, Refused, Role, may
from portal.alerts import CLOSED, EVERYBODYS, OPEN, OWN, TEAM, TO_TALK_OVER, NothingSaid
from portal.clock import now
from portal.referrals import Referral
from portal.store import Alert, AlertEvent, Message, Service, Staff, Stores
from tests.inspector import InspectedClient
from tests.staffed import a_colleague, acting
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of


@dataclass
class Here:
    """A service with a manager, Amina and Ben of the team North, and Cleo of no team."""

    store: Session
    service: Service
    manager: Staff
    amina: Staff
    ben: Staff
    cleo: Staff

    def alert(self, owner: Staff) -> Alert:
        """An alert that somebody has."""
        raised = alerts.raise_for(
            self.store,
            self.service,
            form_id=uuid.uuid4(),
            reference="K7QF2M9TX",
            question="urgency",
            answer="not-safe",
            rule="not-safe",
        )
        raised.owner_id = owner.id
        self.store.flush()
        return raised

    def closed(self, owner: Staff) -> Alert:
        """One that its owner has opened and closed."""
        alert = self.alert(owner)
        alerts.open_by_name(self.store, acting(owner), alert.id)
        alerts.close(self.store, acting(owner), alert.id, "Rang them.")
        return alert

    def desk(self, who: Staff, **asked: object) -> list[Alert]:
        return list(alerts.desk(self.store, acting(who), **asked))  # type: ignore[arg-type]


@pytest.fixture
def here(store: Session) -> Here:
    service = a_service(store)
    manager = a_colleague(store, service, Role.MANAGER)
    amina, ben, cleo = (a_colleague(store, service, name=name) for name in ("Amina", "Ben", "Cleo"))
    amina.team = ben.team = "North"
    store.flush()
    return Here(store, service, manager, amina, ben, cleo)


# The desk ------------------------------------------------------------------------------------------------------------


def test_mine_my_teams_and_everybodys_are_three_lists(here: Here) -> None:
    mine, bens, cleos = here.alert(here.amina), here.alert(here.ben), here.alert(here.cleo)
    elsewhere = a_service(here.store, "there")
    a_colleague(here.store, elsewhere, Role.MANAGER)
    a_referral(here.store, elsewhere, urgency="not-safe")
    assert here.desk(here.amina, whose=OWN) == [mine]
    assert set(here.desk(here.amina, whose=TEAM)) == {mine, bens}
    assert set(here.desk(here.amina, whose=EVERYBODYS)) == {mine, bens, cleos}
    assert here.desk(here.cleo, whose=TEAM) == [cleos]


def test_unopened_ones_come_first_and_closed_ones_the_latest_first(here: Here) -> None:
    with clock.later(-timedelta(hours=3)):
        opened, first = here.alert(here.amina), here.closed(here.amina)
        alerts.open_by_name(here.store, acting(here.amina), opened.id)
    unopened, second = here.alert(here.amina), here.closed(here.amina)
    assert here.desk(here.amina) == [unopened, opened]
    assert here.desk(here.amina, state=CLOSED) == [second, first]


@pytest.mark.parametrize("state", [OPEN, CLOSED, TO_TALK_OVER])
def test_pages_by_key_show_each_alert_once_also_when_many_fell_due_at_once(here: Here, state: str) -> None:
    with clock.at(now()):
        made = [here.closed(here.amina) if state == CLOSED else here.alert(here.amina) for _ in range(5)]
        for one in made[:2] if state == OPEN else ():
            alerts.open_by_name(here.store, acting(here.amina), one.id)
        for one in made if state == TO_TALK_OVER else ():
            alerts.ask_supervision(here.store, acting(here.amina), one.id)
    whole, found, after = here.desk(here.amina, state=state), list[Alert](), None
    while page := here.desk(here.amina, state=state, after=after, most=2):
        found += page
        after = page[-1].id
    assert found == whole
    assert len(found) == 5


def test_the_desk_opens_to_nobody_without_the_permission_and_in_no_unknown_way(here: Here) -> None:
    analyst = a_colleague(here.store, here.service, Role.ANALYST)
    with pytest.raises(Refused):
        here.desk(analyst)
    for asked in ({"whose": "x"}, {"state": "x"}):
        with pytest.raises(ValueError, match="x"):
            here.desk(here.amina, **asked)


def test_no_list_of_the_desk_reads_the_whole_table(stores: Stores) -> None:
    """However many alerts there ever were: each list walks an index of what it shows."""
    if stores.engine.dialect.name != "sqlite":
        pytest.skip("how PostgreSQL would walk depends on how much is there: bench/ measures that")
    with stores.writing() as store:
        service = a_service(store)
        amina = acting(a_colleague(store, service, Role.MANAGER))
        store.flush()
        for whose in (OWN, EVERYBODYS):
            for state in (OPEN, CLOSED, TO_TALK_OVER):
                plans = _plans(stores.engine, store, partial(alerts.desk, store, amina, whose=whose, state=state))
                assert all("SCAN alert" not in plan for plan in plans), (whose, state, plans)
        assert all("SCAN" not in plan for plan in _plans(stores.engine, store, lambda: alerts.waiting(store, amina)))


def _plans(engine: Engine, store: Session, act: Callable[[], object]) -> list[str]:
    asked: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, given: object, *_: object) -> None:
        asked.append((statement, given))

    event.listen(engine, "before_cursor_execute", note)
    act()
    event.remove(engine, "before_cursor_execute", note)
    raw = store.connection().exec_driver_sql
    about = [(statement, given) for statement, given in asked if "FROM alert" in statement]
    return [str(row[3]) for statement, given in about for row in raw(f"EXPLAIN QUERY PLAN {statement}", given)]  # type: ignore[arg-type]


# Raised by staff -----------------------------------------------------------------------------------------------------


def raised(here: Here, referral: Referral, words: str = "She whispered.", once: str = "one") -> Alert:
    return alerts.raise_by_staff(
        here.store,
        here.service,
        acting(here.amina),
        once=once,
        words=words,
        reference=referral.reference,
        referral_id=referral.id,
        person_id=referral.person_id,
    )


def test_a_worried_colleague_raises_an_alert_like_any_other(here: Here) -> None:
    referral = a_referral(here.store, here.service)
    alert = raised(here, referral)
    assert (alert.rule, alert.referral_id, alert.opened_at) == ("marked-by-staff", referral.id, None)
    assert alert.owner_id == here.manager.id
    (first,) = alerts.events_of(here.store, acting(here.amina), alert.id)
    assert (first.what, first.staff_id, first.what_was_done) == ("raised", here.amina.id, "She whispered.")
    with clock.later(timedelta(days=3)):
        assert alerts.escalate(here.store, here.service) == 1
    audited = audit.history_of(here.store, here.service.id, alert.id)[0]
    assert (audited.act, audited.actor_id) == ("raised alert", here.amina.id)
    assert "whispered" not in str(audited.details)
    assert len(here.store.scalars(select(Message).where(Message.template == "alert-waiting")).all()) >= 1


def test_two_presses_are_one_alert_and_the_next_page_is_another(here: Here) -> None:
    referral = a_referral(here.store, here.service)
    assert raised(here, referral) is raised(here, referral, "She whispered again.")
    assert raised(here, referral, once="two") is not raised(here, referral)
    events = here.store.scalars(select(AlertEvent).where(AlertEvent.what == "raised")).all()
    assert [one.what_was_done for one in events] == ["She whispered.", "She whispered."]


@pytest.mark.parametrize("words", ["", "  ", "x" * 4001])
def test_an_alert_without_words_is_none(here: Here, words: str) -> None:
    with pytest.raises(NothingSaid):
        raised(here, a_referral(here.store, here.service), words)


# Talked over ---------------------------------------------------------------------------------------------------------


def test_what_is_to_be_talked_over_waits_in_sight_until_a_supervisor_says_it_was(here: Here) -> None:
    alert = here.closed(here.amina)
    alerts.ask_supervision(here.store, acting(here.amina), alert.id)
    asked = alert.supervision_at
    alerts.ask_supervision(here.store, acting(here.ben), alert.id)
    assert (alert.supervision_at, alert.supervision_by) == (asked, here.amina.id)
    assert alerts.to_talk_over_count(here.store, here.service.id) == 1
    assert here.desk(here.manager, state=TO_TALK_OVER) == [alert]
    with pytest.raises(Refused):
        alerts.talked_over(here.store, acting(here.amina), alert.id)
    alerts.talked_over(here.store, acting(here.manager), alert.id)
    alerts.talked_over(here.store, acting(here.manager), alert.id)
    assert alert.supervised_by == here.manager.id
    assert here.desk(here.manager, state=TO_TALK_OVER) == []
    told = [one.what for one in alerts.events_of(here.store, acting(here.amina), alert.id)]
    assert told[-2:] == ["supervision-asked", "supervision-held"]
    alerts.ask_supervision(here.store, acting(here.ben), alert.id)
    assert (alert.supervision_by, alert.supervised_at) == (here.ben.id, None)


def test_supervision_of_another_services_alert_is_nothing(here: Here) -> None:
    stranger = acting(a_colleague(here.store, a_service(here.store, "there"), Role.MANAGER))
    alert = here.alert(here.amina)
    assert alerts.ask_supervision(here.store, stranger, alert.id) is None
    assert alerts.talked_over(here.store, stranger, alert.id) is None
    assert alert.supervision_at is None


def test_a_manager_leads_the_team_and_nobody_else() -> None:
    actors = {role: Actor(uuid.uuid4(), uuid.uuid4(), "", role) for role in Role}
    assert [role for role, actor in actors.items() if may(actor, Permission.LEAD_TEAM)] == [Role.MANAGER]


# On the pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def member(store: Session, here: Here) -> Member:
    found = staff_member(store, here.service, Role.MANAGER, name="Rosa")
    store.get_one(Staff, (here.service.id, found.actor.staff_id)).team = "North"
    store.flush()
    return found


def test_an_alert_raised_on_a_case_shows_who_said_what_and_everything_since(
    client: InspectedClient, here: Here, member: Member
) -> None:
    referral = a_referral(here.store, here.service)
    sign_in(client, here.store, member)
    page = f"/staff/referrals/{referral.id}/alert"
    assert press(client, page, "/alert", words=" ").status_code == 422
    answer = press(client, page, "/alert", words="She whispered.")
    assert answer.status_code == 303
    address = answer.headers["Location"]
    shown = words_of(client.get(address))
    assert "What a colleague saw or heard" in shown
    assert "Rosa on" in shown
    assert "She whispered." in shown
    assert press(client, address, "/supervision").status_code == 303
    assert "Rosa would like to talk this over" in words_of(client.get(address))
    assert "1 alert is to be talked over" in words_of(client.get("/staff/alerts"))
    press(client, address, "/talked-over")
    assert press(client, address, "/open").status_code == 303
    press(client, address, "/close", done="She is with her sister.")
    history = words_of(client.get(address)).partition("What happened")[2]
    for step in ("The alert was raised, Rosa: She whispered.", "To be talked over", "Talked over", "Opened", "Closed"):
        assert step in history
    assert "She whispered." in words_of(client.get(f"/staff/referrals/{referral.id}"))


def test_the_desk_is_looked_at_in_every_way(client: InspectedClient, here: Here, member: Member) -> None:
    here.alert(here.ben)
    here.closed(here.cleo)
    sign_in(client, here.store, member)
    both = {
        (whose, which): words_of(client.get(f"/staff/alerts?whose={whose}&which={which}"))
        for whose in (OWN, TEAM, EVERYBODYS)
        for which in (OPEN, CLOSED, TO_TALK_OVER)
    }
    assert "Ben" in both[TEAM, OPEN]
    assert "Your team: North." in both[TEAM, OPEN]
    assert "Cleo" not in both[TEAM, CLOSED]
    assert "Cleo" in both[EVERYBODYS, CLOSED]
    assert "None." in both[OWN, TO_TALK_OVER]
    for asked in ("whose=x", "which=x", "after=x"):
        assert client.get(f"/staff/alerts?{asked}").status_code == 404


def test_more_than_a_page_of_alerts_goes_on_behind_a_link(
    client: InspectedClient, here: Here, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.web.caseload import alerts as desk

    monkeypatch.setattr(desk, "PAGE", 2)
    for _ in range(3):
        here.alert(here.ben)
    sign_in(client, here.store, member)
    page = client.get("/staff/alerts").get_data(as_text=True)
    assert "More alerts" in page
    further = page.split("portal-pages__older")[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert words_of(client.get(further)).count("Ben") == 1
