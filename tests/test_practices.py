"""The list of GP practices: taken in from a file, found without asking anybody, and the addresses that a manager has
confirmed."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from config import Settings
from portal import audit, cli, held, reading
from portal.access import Refused, Role
from portal.services import practices
from portal.services.practices import Report
from portal.store import Practice, Service, Stores, open_store
from tests.inspector import InspectedClient, Page
from tests.world import a_service, press, sign_in, staff_member, words_of

LIST = """Code,Name,Postcode,Close date,Email
D81044,HARBOUR SURGERY,PE27 5BQ,,harbour@nhs.example
D81045,Św. Anna Medical Centre,CB1 1AA,,
W91001,Canolfan Feddygol Môn,LL77 7AA,20200131,
X,No code,PE1 1AA,,
D81046,,PE1 1AA,,
D81044,Harbour Surgery again,PE1 1AA,,

D81047,Bad postcode practice,nowhere,not a day,not an address
"""
EPRACCUR = '"A81001","THE DENSHAM SURGERY","Y63","QHM","THE HEALTH CENTRE","","","","","TS18 1HU","19740401","","A"\n'


def take(stores: Stores, text: str, told: "list[int] | None" = None) -> Report:
    with stores.writing.begin() as store:
        service = store.scalar(select(Practice.service_id).limit(1)) or a_service(store).id

    def tell(report: Report) -> None:
        if told is not None:
            told.append(report.seen)

    return practices.import_practices(stores, service, text.splitlines(keepends=True), tell)


def all_of(store: Session) -> dict[str, Practice]:
    return {one.code: one for one in store.scalars(select(Practice))}


def test_good_rows_are_taken_in_and_bad_ones_are_told_by_their_line(stores: Stores) -> None:
    told: list[int] = []
    report = take(stores, LIST, told)
    assert (report.seen, report.added, report.refused) == (7, 4, 3)
    assert [(one.line, one.code, one.why) for one in report.bad] == [
        (5, "X", "code"),
        (6, "D81046", "name"),
        (7, "D81044", "twice"),
    ]
    assert told == [7]
    with stores.reading() as store:
        found = all_of(store)
        assert set(found) == {"D81044", "D81045", "W91001", "D81047"}
        assert found["D81044"].email == "harbour@nhs.example"
        assert found["D81044"].email_confirmed_at is None  # a list confirms nothing
        assert found["W91001"].closed_on == date(2020, 1, 31)
        assert (found["D81047"].postcode, found["D81047"].email, found["D81047"].closed_on) == (None, None, None)


def test_taken_in_again_only_what_has_changed_changes(stores: Stores) -> None:
    take(stores, LIST)
    again = take(stores, LIST)
    assert (again.added, again.changed, again.same) == (0, 0, 4)
    moved = take(stores, LIST.replace("CB1 1AA", "CB2 2AA"))
    assert (moved.added, moved.changed, moved.same) == (0, 1, 3)


def test_a_confirmed_address_stays_until_the_list_has_another_one(stores: Stores) -> None:
    take(stores, LIST)
    with stores.writing.begin() as store:
        one = all_of(store)["D81044"]
        manager = staff_member(store, store.get_one(Service, one.service_id), Role.MANAGER).actor
        practices.confirm_email(store, manager, one.id, "harbour@nhs.example", one.version)
    take(stores, LIST)
    with stores.reading() as store:
        assert practices.address_of(all_of(store)["D81044"]) == "harbour@nhs.example"
    take(stores, LIST.replace("harbour@nhs", "other@nhs"))
    with stores.reading() as store:
        assert practices.address_of(all_of(store)["D81044"]) == ""


def test_the_list_of_the_nhs_has_no_heading(stores: Stores) -> None:
    assert take(stores, EPRACCUR).added == 1
    with stores.reading() as store:
        (one,) = all_of(store).values()
        assert (one.code, one.name, one.postcode) == ("A81001", "THE DENSHAM SURGERY", "TS18 1HU")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Code,Town\nD81044,St Ives\n"])
def test_a_file_that_is_no_list_is_refused(stores: Stores, text: str) -> None:
    with pytest.raises(practices.NotAList):
        take(stores, text)


def test_many_rows_are_taken_in_batch_by_batch(stores: Stores) -> None:
    rows = "".join(f"D{number:05d},Practice {number},PE1 1AA\n" for number in range(1200))
    told: list[int] = []
    assert take(stores, "code,name,postcode\n" + rows, told).added == 1200
    assert told == [500, 1000, 1200]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("harbour", ["D81044"]),
        ("surgery HARBOUR", ["D81044"]),
        ("sw anna", ["D81045"]),
        ("d81045", ["D81045"]),
        ("PE27", ["D81044"]),
        ("pe275bq", ["D81044"]),
        ("Môn", []),  # closed
        ("%", []),
        ("", []),
    ],
)
def test_a_practice_is_found_by_words_of_its_name_its_code_or_its_postcode(
    stores: Stores, typed: str, found: list[str]
) -> None:
    take(stores, LIST)
    with stores.reading() as store:
        service = all_of(store)["D81044"].service_id
        assert [one.code for one in practices.search(store, service, typed)] == found
        assert practices.any_there(store, service)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Harbour surgery", ["D81044"]),
        ("Dr Smith, the Harbour practice, St Ives", ["D81044"]),  # no name has all of it
        ("Św. Anna, medical centre by the church", ["D81045"]),
        ("the surgery by the church", []),  # nothing of its own
        ("Harbour or Anna, Medical", ["D81044", "D81045"]),
        ("Môn, the old one", []),  # closed
        ("", []),
    ],
)
def test_what_a_person_calls_their_practice_finds_those_that_they_may_mean(
    stores: Stores, said: str, found: list[str]
) -> None:
    take(stores, LIST)
    with stores.reading() as store:
        service = all_of(store)["D81044"].service_id
        assert [one.code for one in practices.like(store, service, said)] == found


def test_only_a_manager_confirms_an_address_and_it_is_written_down(store: Session) -> None:
    service = a_service(store)
    manager, worker = (staff_member(store, service, role).actor for role in (Role.MANAGER, Role.LINK_WORKER))
    one = Practice(service_id=service.id, code="D81044", name="Harbour", name_key="harbour")
    store.add(one)
    store.flush()
    with pytest.raises(Refused):
        practices.confirm_email(store, worker, one.id, "a@nhs.example", one.version)
    with pytest.raises(reading.Unreadable):
        practices.confirm_email(store, manager, one.id, "not an address", one.version)
    with pytest.raises(practices.Changed):
        practices.confirm_email(store, manager, one.id, "a@nhs.example", one.version + 1)
    practices.confirm_email(store, manager, one.id, "a@nhs.example", one.version)
    assert (practices.address_of(one), one.email_confirmed_by) == ("a@nhs.example", manager.staff_id)
    practices.confirm_email(store, manager, one.id, "", one.version)
    assert (practices.address_of(one), one.email_confirmed_at) == ("", None)
    acts = [event.act for event in audit.history_of(store, service.id, one.id)]
    assert acts == ["confirmed the address of a practice", "took the address of a practice away"]
    stranger = staff_member(store, a_service(store, "there"), Role.MANAGER).actor
    with pytest.raises(practices.Gone):
        practices.confirm_email(store, stranger, one.id, "a@nhs.example", one.version)


def test_the_page_finds_a_practice_and_confirms_its_address(client: InspectedClient, store: Session) -> None:
    service = a_service(store)
    manager = staff_member(store, service, Role.MANAGER)
    sign_in(client, store, manager)
    assert "The list is empty. Add a practice, or bring a list" in words_of(client.get("/staff/practices"))
    one = Practice(service_id=service.id, code="D81044", name="Harbour", name_key="harbour")
    store.add(one)
    store.commit()
    found = client.get("/staff/practices?text=harbour").get_data(as_text=True)
    address = f"/staff/practices/{one.id}"
    assert address in found
    unsure = press(client, address, str(one.id), email="a@nhs.example")
    assert unsure.status_code == 422
    assert "a@nhs.example" in unsure.get_data(as_text=True)
    assert press(client, address, str(one.id), email="nowhere", sure="y").status_code == 422
    assert press(client, address, str(one.id), email="a@nhs.example", sure="y").status_code == 303
    assert "Messages go to a@nhs.example" in words_of(client.get(address))
    assert press(client, address, str(one.id), email="").status_code == 303
    sign_in(client, store, staff_member(store, service))
    assert client.get(address).status_code == 403


# Set up on a page ----------------------------------------------------------------------------------------------------

AT = "/staff/set-up/practices"


@pytest.fixture(params=[Role.MANAGER, Role.ADMINISTRATOR])
def runs_it(client: InspectedClient, store: Session, request: pytest.FixtureRequest) -> Service:
    """A service whose manager, or administrator, has signed in."""
    service = a_service(store)
    staff_member(store, service, Role.MANAGER)
    sign_in(client, store, staff_member(store, service, request.param))
    return service


def bring(client: InspectedClient, file: bytes, name: str = "list.csv") -> TestResponse:
    """Choose a file on the page, and press the button."""
    token = Page(client.get(AT).get_data(as_text=True)).all("input")
    fields = {one.get("name"): one.get("value") for one in token if one.get("name") == "csrf_token"}
    return client.post(f"{AT}/file", data={**fields, "file": (BytesIO(file), name)})


@pytest.mark.usefixtures("runs_it")
def test_a_practice_is_added_found_put_right_and_closed(client: InspectedClient, store: Session) -> None:
    added = press(client, f"{AT}/new", "/new", code=" d81044 ", name="Harbour Surgery", postcode="pe275bq")
    assert added.status_code == 303
    (one,) = store.scalars(select(Practice))
    assert (one.code, one.name, one.name_key, one.postcode) == (
        "D81044",
        "Harbour Surgery",
        "harbour surgery",
        "PE27 5BQ",
    )
    assert (one.email, one.email_confirmed_at) == (None, None)
    store.commit()
    address = f"{AT}/{one.id}"
    assert address in client.get(f"{AT}?text=harbour").get_data(as_text=True)
    assert press(client, address, str(one.id), name="Hill Surgery", postcode="", closed="y").status_code == 303
    store.refresh(one)
    assert (one.name, one.name_key, one.postcode) == ("Hill Surgery", "hill surgery", None)
    assert practices.is_closed(one)
    assert practices.search(store, one.service_id, "hill") == []
    store.commit()
    assert "It has closed" in words_of(client.get(f"{AT}?text=hill")), "so that it can be opened again"
    assert press(client, address, str(one.id), name="Hill Surgery").status_code == 303
    store.refresh(one)
    assert one.closed_on is None
    assert [event.act for event in audit.history_of(store, one.service_id, one.id)][0] == "added a practice"


@pytest.mark.usefixtures("runs_it")
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"code": ""}, "Enter the code of the practice"),
        ({"code": "81044"}, "Enter the code as a letter and five digits"),
        ({"code": "D81044X"}, "Enter the code as a letter and five digits"),
        ({"name": " "}, "Enter the name of the practice"),
        ({"postcode": "nowhere"}, "Enter a whole postcode"),
    ],
)
def test_what_cannot_be_kept_is_said_and_stays(
    client: InspectedClient, store: Session, typed: dict[str, str], says: str
) -> None:
    given = {"code": "D81044", "name": "Harbour Surgery", "postcode": "PE27 5BQ", **typed}
    refused = press(client, f"{AT}/new", "/new", **given)
    assert refused.status_code == 422
    assert says in words_of(refused)
    assert store.scalars(select(Practice)).all() == []


def test_a_code_that_is_there_leads_to_its_practice(client: InspectedClient, store: Session, runs_it: Service) -> None:
    one = Practice(service_id=runs_it.id, code="D81044", name="Harbour", name_key="harbour")
    store.add(one)
    store.commit()
    there = press(client, f"{AT}/new", "/new", code="D81044", name="Another name")
    assert (there.status_code, there.location) == (303, f"{AT}/{one.id}?done=known")
    assert "The list has a practice with this code already." in words_of(client.get(there.location))
    store.refresh(one)
    assert one.name == "Harbour"


def test_whoever_saves_second_sees_what_the_first_has_saved(
    client: InspectedClient, store: Session, runs_it: Service
) -> None:
    one = Practice(service_id=runs_it.id, code="D81044", name="Harbour", name_key="harbour")
    store.add(one)
    store.commit()
    late = press(client, f"{AT}/{one.id}", str(one.id), name="Mine", version="7")
    assert late.status_code == 409
    assert "Somebody else has changed this practice meanwhile." in words_of(late)
    assert 'value="Mine"' in late.get_data(as_text=True)


@pytest.mark.usefixtures("runs_it")
def test_the_published_list_is_brought_on_the_page(client: InspectedClient, store: Session) -> None:
    brought = bring(client, EPRACCUR.encode())
    assert brought.status_code == 303
    assert "New: 1. Changed: 0. As before: 0." in words_of(client.get(brought.location))
    assert all_of(store)["A81001"].name == "THE DENSHAM SURGERY"
    again = bring(client, EPRACCUR.encode())
    assert "New: 0. Changed: 0. As before: 1." in words_of(client.get(again.location))


@pytest.mark.usefixtures("runs_it")
def test_bad_rows_are_told_by_line_and_the_others_are_taken(client: InspectedClient, store: Session) -> None:
    said = words_of(bring(client, LIST.encode("utf-8-sig")))
    assert "New: 4. Changed: 0. As before: 0. 3 rows were not taken." in said
    assert "Line 5, X : the code is not a letter and five digits" in said.replace("X:", "X :")
    assert len(all_of(store)) == 4


@pytest.mark.usefixtures("runs_it")
@pytest.mark.parametrize(
    ("file", "name", "says"),
    [
        (b"a,b\n1,2\n", "list.csv", "This is no list of practices"),
        (b"code,name\nD81044," + b'"' + b"x" * 200_000 + b'"\n', "list.csv", "This is no list of practices"),
        (b"", "", "Choose a file first"),
        (b"x" * 250_001, "list.csv", "The file is too large"),
    ],
)
def test_what_is_no_list_changes_nothing(
    client: InspectedClient, store: Session, monkeypatch: pytest.MonkeyPatch, file: bytes, name: str, says: str
) -> None:
    monkeypatch.setattr(practices, "LARGEST_FILE", 250_000)
    refused = bring(client, file, name)
    assert refused.status_code == 422
    assert says in words_of(refused)
    assert store.scalars(select(Practice)).all() == []


def test_another_service_s_practice_is_not_there(client: InspectedClient, store: Session, runs_it: Service) -> None:
    one = Practice(service_id=a_service(store, "there").id, code="D81044", name="Harbour", name_key="harbour")
    store.add(one)
    store.commit()
    assert client.get(f"{AT}/{one.id}").status_code == 404
    assert str(one.id) not in client.get(f"{AT}?text=harbour").get_data(as_text=True)
    assert press(client, f"{AT}/new", "/new", code="D81044", name="Ours").status_code == 303
    assert {each.service_id for each in store.scalars(select(Practice))} == {one.service_id, runs_it.id}


def test_a_link_worker_does_not_set_the_list_up(client: InspectedClient, store: Session) -> None:
    service = a_service(store)
    worker = staff_member(store, service)
    sign_in(client, store, worker)
    assert client.get(AT).status_code == 403
    for act in (
        lambda: practices.add(store, worker.actor, code="D81044", name="Harbour"),
        lambda: practices.take_in(store, worker.actor, [EPRACCUR]),
    ):
        with pytest.raises(Refused):
            act()


def test_the_command_takes_in_a_file_and_reports_bad_rows(
    environment: dict[str, str],
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings.from_environment({**environment, "PORTAL_DATABASE_URL": sqlite_url})
    held.hold(settings.secret_key, settings.encryption_keys)
    opened = open_store(sqlite_url)
    with opened.writing.begin() as store:
        a_service(store)
    opened.engine.dispose()
    file = tmp_path / "practices.csv"
    file.write_text(LIST, "utf-8")
    for name, value in {**environment, "PORTAL_DATABASE_URL": sqlite_url}.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["import-practices", str(file)]) == 0
    said = capsys.readouterr().out
    assert "7 rows: 4 added, 0 changed, 0 same, 3 refused" in said
    assert "line 5, code X: the code must be a letter and five digits" in said
    assert cli.main(["import-practices", str(tmp_path / "nothing.csv")]) == 2
    file.write_text("a,b\n1,2\n", "utf-8")
    assert cli.main(["import-practices", str(file)]) == 2
