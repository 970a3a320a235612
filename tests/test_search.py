"""Finding a person: by parts of a name in any script, by numbers, by a date; also under a name of a record that became
one with another. What is typed stands in no address and in no audit row."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from portal import access, codes, people
from portal.access import Role
from portal.people.searching import LOOKED_AT
from portal.store import AuditEvent, NamePart, Service, ServiceUser
from tests.inspector import InspectedClient
from tests.world import Member, a_referral, a_service, person_of, press, sign_in, staff_member, words_of


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def worker(store: Session, service: Service) -> Member:
    return staff_member(store, service)


def found(store: Session, worker: Member, typed: str) -> list[str]:
    """The first names of whoever was found."""
    return [hit.person.first_name for hit in people.search(store, worker.actor, typed).hits]


def test_a_name_is_found_by_the_beginning_of_every_part_in_any_order_and_any_script(
    store: Session, service: Service, worker: Member
) -> None:
    for first, family in (
        ("Ana-María", "O'Neill"), ("Ola", "Nowak"), ("Łukasz", "Nowak"), ("محمد", "علي"), ("美玲", "王"),
        ("Ömer", "Çelik"), ("ଅନିତା", "ଦାସ"),
    ):  # fmt: skip
        a_referral(store, service, first_name=first, family_name=family)
    a_referral(store, service, first_name="Thea", preferred_name="Teddy")
    assert found(store, worker, "maria oneil") == ["Ana-María"]
    assert found(store, worker, "O’NEILL ana") == ["Ana-María"]
    assert sorted(found(store, worker, "now")) == ["Ola", "Łukasz"]
    assert found(store, worker, "lukasz now") == ["Łukasz"]
    assert found(store, worker, "علي محمد") == ["محمد"]
    assert found(store, worker, "王") == ["美玲"]
    assert found(store, worker, "celik o") == ["Ömer"]
    assert found(store, worker, "ଅନି") == ["ଅନିତା"]
    assert found(store, worker, "ted") == ["Thea"]
    assert found(store, worker, "ola lukasz") == []
    assert found(store, worker, "owak") == [], "a part is found by its beginning"
    assert found(store, worker, "no_ak") == found(store, worker, "now%") == []


def test_one_line_takes_a_reference_a_phone_number_an_address_an_nhs_number_or_a_date(
    store: Session, service: Service, worker: Member
) -> None:
    sent = a_referral(
        store,
        service,
        safe_ways=["call", "email", "through-person"],
        date_of_birth="27 3 1965",
        nhs_number="9434765919",
    )
    person_of(store, sent).nhs_number = "4010232137"
    other = a_referral(store, service, first_name="Ada", phone="07700 900987", date_of_birth="1965")
    assert found(store, worker, codes.show_reference(sent.reference).lower()) == ["Zofia"]
    assert found(store, worker, "+44 7700 900123") == ["Zofia"]
    assert found(store, worker, "٠٧٧٠٠ ٩٠٠١٢٣") == ["Zofia"]
    assert found(store, worker, "07700 900456") == [], "the number of somebody they trust says nothing about them"
    assert found(store, worker, "Zofia@INBOX.example") == ["Zofia"]
    assert found(store, worker, "401 023 2137") == ["Zofia"]
    assert found(store, worker, "27 March 1965") == ["Zofia"]
    assert sorted(found(store, worker, "1965")) == ["Ada", "Zofia"]
    assert found(store, worker, "quarshie 27/3/1965 zof") == [], "a date stands before or behind the name"
    assert found(store, worker, "quarshie zof 27/3/1965") == ["Zofia"]
    assert found(store, worker, "1965 ada") == ["Ada"]
    assert found(store, worker, "ada 27 3 1965") == ["Ada"], "beside a name the year alone fits a whole date"
    assert found(store, worker, "zofia 1966") == []
    hit = people.search(store, worker.actor, other.reference).hits[0]
    assert hit.matched == ("reference",)


def test_nothing_that_could_be_searched_for_is_said_kindly(store: Session, service: Service, worker: Member) -> None:
    for typed in ("", "   ", "-", "\u200b", "\x00", "'", "%", "? !"):
        with pytest.raises(people.NothingToSearch):
            people.search(store, worker.actor, typed)
    assert found(store, worker, "x" * 5_000) == []
    assert found(store, worker, "a " * 90) == []
    with pytest.raises(access.Refused):
        people.search(store, staff_member(store, service, Role.ANALYST).actor, "zofia")


def test_a_name_is_in_step_after_a_correction(store: Session, service: Service, worker: Member) -> None:
    person = person_of(store, a_referral(store, service, first_name="Zofia", family_name="Quarshie"))
    people.correct(store, service, person.id, {"family_name": "Nowak", "preferred_name": "Zosia"})
    assert found(store, worker, "quarshie") == []
    assert found(store, worker, "zosia nowak") == ["Zofia"]
    parts = store.scalars(access.rows_of(service.id, NamePart).where(NamePart.person_id == person.id)).all()
    assert sorted(one.part for one in parts) == ["nowak", "zofia", "zosia"]


def test_the_name_of_a_record_that_became_another_s_finds_that_one_until_the_merge_is_undone(
    store: Session, service: Service, worker: Member
) -> None:
    kept, merged, first = (
        person_of(store, a_referral(store, service, first_name=name, family_name=family, safe_ways=["post"]))
        for name, family in (("Zofia", "Quarshie"), ("Sophie", "Kwarshy"), ("Zosia", "Kwarsi"))
    )
    once = people.merge(store, worker.actor, merged.id, first.id)
    done = people.merge(store, worker.actor, kept.id, merged.id)
    for typed in ("sophie", "kwarsi zosia", "zofia"):
        hits = people.search(store, worker.actor, typed).hits
        assert [hit.person.id for hit in hits] == [kept.id], typed
    assert people.search(store, worker.actor, "sophie").hits[0].found_as == "Sophie Kwarshy"
    assert people.search(store, worker.actor, "zofia").hits[0].found_as == ""
    people.correct(store, service, kept.id, {"family_name": "Nowak"})
    assert found(store, worker, "kwarshy") == ["Zofia"], "a correction touches only the name that it corrects"
    people.undo_merge(store, worker.actor, done.id)
    people.undo_merge(store, worker.actor, once.id)
    assert found(store, worker, "kwarshy") == ["Sophie"]
    assert found(store, worker, "kwarsi") == ["Zosia"]


def test_another_service_s_people_are_not_found(store: Session, service: Service, worker: Member) -> None:
    there = a_service(store, "there")
    staff_member(store, there)
    theirs = a_referral(store, there, first_name="Zofia", nhs_number="")
    for typed in ("zofia", theirs.reference, "07700 900123", "27 3 1965"):
        assert found(store, worker, typed) == []


def test_a_search_says_when_there_are_more_and_looks_at_no_more_than_it_says(
    store: Session, service: Service, worker: Member
) -> None:
    person = person_of(store, a_referral(store, service, first_name="Rare", family_name="Zzyzx"))
    told = [column.key for column in inspect(ServiceUser).column_attrs if column.key not in ("id", "created_at")]
    columns = {key: getattr(person, key) for key in told}
    crowd = [ServiceUser(**columns | {"id": codes.new_id(), "first_name": "Ann"}) for _ in range(LOOKED_AT + 5)]
    store.add_all(crowd)
    store.flush()
    store.add_all(NamePart(service_id=service.id, person_id=one.id, part="ann") for one in crowd)
    store.flush()
    many = people.search(store, worker.actor, "ann")
    assert (len(many.hits), many.more) == (people.MOST_FOUND, True)
    one = people.search(store, worker.actor, "r zzyzx")
    assert ([hit.person.first_name for hit in one.hits], one.more) == (["Rare"], False)


def test_the_page_tells_what_matched_and_keeps_what_was_typed_out_of_addresses_and_audit(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    sent = a_referral(store, service, first_name="Zofia", family_name="Quarshie")
    sign_in(client, store, worker)
    assert "Whom are you looking for" in words_of(client.get("/staff/search"))
    answered = press(client, "/staff/search", typed="quarsh 1965")
    said = words_of(answered)
    assert answered.status_code == 200
    for words in ("Zofia Quarshie", "Born 1965", "Found by: name, date of birth", codes.show_reference(sent.reference)):
        assert words in said
    assert answered.request.query_string == b""
    nobody = press(client, "/staff/search", typed="Nobody Here")
    assert "We found nobody" in words_of(nobody)
    assert 'value="Nobody Here"' in nobody.get_data(as_text=True)
    wrong = press(client, "/staff/search", typed="?")
    assert wrong.status_code == 422
    assert "We cannot search for that" in words_of(wrong)
    store.commit()
    rows = store.scalars(access.rows_of(service.id, AuditEvent).where(AuditEvent.act == "searched for people")).all()
    assert [(row.details["by"], len(row.details["found"])) for row in rows] == [(["name", "born"], 1), (["name"], 0)]
    assert "quarsh" not in str([row.details for row in rows]).lower()
