"""Finding a place from a case: the filters of the page of activities, what is known of the person set beforehand and in
no address, and what to leave out when nothing fits."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal import codes, people, referrals
from portal.access import Role
from portal.caseload import access_needs
from portal.clock import now
from portal.store import Activity, ActivityTag
from portal.web.activities import ANY, KnownOf, asked_for, wish
from tests.inspector import InspectedClient, Page
from tests.world import Member, a_referral, a_service, sign_in, staff_member, words_of

POSTCODE = "PE27 5BQ"
THEIRS = KnownOf(near=POSTCODE, language="ur", age=61, access=("step-free",))


def test_what_is_known_counts_until_something_else_is_chosen_or_it_is_left_out() -> None:
    def looked(**asked: str) -> dict[str, object]:
        return wish(asked_for(asked), THEIRS)

    known = looked(need="food")
    assert (known["need"], known["near"], known["language"], known["age"], known["access"]) == (
        *("food", POSTCODE, "ur", 61),
        ("step-free",),
    )
    chosen = looked(near="AB10", language="pl", age="40", access="hearing", miles="5", day="MO", free="y")
    assert chosen == {
        "need": None,
        "near": "AB10",
        "within_miles": 5,
        "language": "pl",
        "day": "MO",
        "free": True,
        "access": ("hearing",),
        "text": "",
        "age": 40,
    }
    without = looked(language=ANY, access=ANY, any_age="y")
    assert (without["language"], without["access"], without["age"]) == (None, (), None)
    assert wish(asked_for({"age": "²", "miles": "7"}))["age"] is None
    assert wish(asked_for({"miles": "7"}))["within_miles"] is None, "not one of those that are offered"
    assert wish(asked_for({"step_free": "y"}))["access"] == ("step-free",)


class Desk:
    """Amina with the case of somebody who speaks Urdu, needs a place without steps, and is 61."""

    def __init__(self, client: InspectedClient, store: Session) -> None:
        self.store, self.client = store, client
        self.service = a_service(store)
        staff_member(store, self.service, Role.MANAGER)
        self.amina: Member = staff_member(store, self.service, name="Amina")
        born = (now() - timedelta(days=61 * 365.25 + 30)).date()
        self.referral = a_referral(
            store,
            self.service,
            spoken_language="ur",
            date_of_birth=f"{born.day} {born.month} {born.year}",
            access_needs=["step-free", "braille"],
            needs=["loneliness"],
        )
        referrals.accept(store, self.service, self.amina.actor, self.referral.id)

    def an_activity(self, name: str, *, minimum_age: int | None = None, **tags: str) -> Activity:
        made = Activity(
            service_id=self.service.id,
            id=codes.new_id(),
            source_id=uuid.uuid4().hex,
            seen_at=now(),
            name=name,
            words_key=name.casefold(),
            minimum_age=minimum_age,
            source={},
        )
        self.store.add(made)
        self.store.flush()
        for kind, value in tags.items():
            tag = ActivityTag(service_id=self.service.id, activity_id=made.id, kind=kind, value=value)
            self.store.add(tag)
        self.store.flush()
        return made

    def begin(self) -> None:
        self.store.commit()
        sign_in(self.client, self.store, self.amina)

    @property
    def address(self) -> str:
        return f"/staff/referrals/{self.referral.id}/onward/find"

    def look(self, query: str = "") -> tuple[str, dict[str, str]]:
        """What the page says, and where its links lead, by their words."""
        answer = self.client.get(self.address + query)
        assert answer.status_code == 200
        page = Page(answer.get_data(as_text=True))
        links = {"".join(link.itertext()).strip(): link.get("href", "") for link in page.all("a")}
        return words_of(answer), links


@pytest.fixture
def desk(client: InspectedClient, store: Session) -> Iterator[Desk]:
    yield Desk(client, store)
    store.rollback()
    client.application.extensions["stores"].engine.dispose()


def test_what_fits_the_person_is_there_first_and_leads_to_the_form_in_one_press(desk: Desk) -> None:
    choir = desk.an_activity("Choir", need="loneliness", language="ur", access="step-free")
    desk.an_activity("Debt help", need="money", language="ur", access="step-free")
    desk.an_activity("English choir", need="loneliness", access="step-free")
    desk.an_activity("Upstairs", need="loneliness", language="ur")
    desk.an_activity("Over seventy", minimum_age=70, need="loneliness", language="ur", access="step-free")
    desk.begin()
    said, links = desk.look()
    assert "Only what fits them: Urdu, A place without steps, age 61." in said
    assert "Braille" not in said.split("Only what fits")[1], "no activity says that it has that"
    found = [name for name in ("Choir", "Debt help", "English choir", "Upstairs", "Over seventy") if name in links]
    assert found == ["Choir"]
    opened = desk.client.get(links["Choir"])
    assert opened.status_code == 200
    assert f"activity={choir.id}" in links["Choir"]
    assert "need=loneliness" in links["Choir"]
    said, links = desk.look(f"?need=&language={ANY}&access={ANY}&any_age=y")
    assert {"Choir", "Debt help", "English choir", "Upstairs", "Over seventy"} <= set(links)
    assert "Only what fits" not in said


def test_nothing_of_the_person_stands_in_an_address(desk: Desk) -> None:
    for number in range(25):
        desk.an_activity(f"Choir {number}", language="ur", access="step-free")
    desk.begin()
    postcode = people.read(desk.store, desk.amina.actor, desk.referral.person_id).postcode or ""
    lives = (postcode, postcode.replace(" ", "+"), postcode.replace(" ", "%20"), "near=")
    assert postcode
    said, links = desk.look("?need=")
    assert "More places" in links
    for address in links.values():
        assert not any(told in address for told in (*lives, "language", "age=61", "access=step")), address
    assert lives[0] not in said
    assert "need=&" in links["More places"] or links["More places"].endswith("need="), "it stays for any need"
    assert "Choir" in desk.look(links["More places"].removeprefix(desk.address))[0]


def test_when_nothing_fits_it_says_what_to_leave_out(desk: Desk) -> None:
    desk.an_activity("Chess", need="loneliness", language="ur")
    desk.an_activity("Step-free baking", need="money", access="step-free")
    desk.begin()
    said, links = desk.look()
    assert "Nothing was found that fits everything we know of them." in said
    assert "Whatever the place offers" in links
    assert "In any language" not in links, "that alone would find nothing"
    assert "Chess" in desk.look(links["Whatever the place offers"].removeprefix(desk.address))[1]
    said, links = desk.look("?need=food&any_age=y")
    assert set(links) >= {"Leave all of this out"}
    assert {"Chess", "Step-free baking"} <= set(desk.look(links["Leave all of this out"].removeprefix(desk.address))[1])
    assert "Try other words" in desk.look("?need=&text=zither")[0]


def test_a_language_and_a_need_of_which_no_activity_speaks_hide_nothing(desk: Desk) -> None:
    desk.an_activity("Chess", need="loneliness")
    access_needs.add(desk.store, desk.amina.actor, desk.referral.id, need="does-not-hear-well", need_of="carer")
    desk.begin()
    said, links = desk.look()
    assert "Chess" in links
    assert "Only what fits them: age 61." in said


def test_the_same_filters_stand_on_both_pages(desk: Desk) -> None:
    desk.an_activity("Chess", need="loneliness")
    desk.begin()

    def fields(address: str) -> set[str]:
        page = Page(desk.client.get(address).get_data(as_text=True))
        return {one.get("name", "") for tag in ("input", "select") for one in page.all(tag)} - {"csrf_token", ""}

    assert fields(desk.address) == fields("/staff/activities") | {"any_age"}
