import json
from pathlib import Path

import pytest
from sqlalchemy import select

from portal import cli
from portal.store import Activity, PostcodePlace, Stores
from tests.feeds import a_place, a_row, paged, serving


@pytest.fixture
def command(stores: Stores, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    for name, value in {**environment, "PORTAL_DATABASE_URL": database_url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("portal.web.logs.start", lambda level: None)


@pytest.mark.usefixtures("command")
def test_a_file_is_taken_in_with_progress_and_a_report(
    stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_place(stores)
    file = tmp_path / "feed.json"
    file.write_text(json.dumps([a_row(1), a_row(2), {"name": "no id"}]))
    assert cli.main(["import-activities", str(file), "--name", "Council"]) == 0
    said = capsys.readouterr()
    assert "3 rows" in said.err
    assert "2 new, 0 changed, 0 same, 0 gone, 1 refused" in said.out
    assert "1 × It has no id" in said.out
    assert "page 1, row 3, id -: no-id" in said.out
    with stores.reading() as store:
        assert len(store.scalars(select(Activity)).all()) == 2
    assert cli.main(["import-activities", str(file), "--name", "Council"]) == 0
    assert "0 new, 0 changed, 2 same" in capsys.readouterr().out


@pytest.mark.usefixtures("command")
def test_a_feed_that_is_none_ends_with_what_to_do(
    stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_place(stores)
    file = tmp_path / "feed.json"
    file.write_text("<html>")
    assert cli.main(["import-activities", str(file)]) == 1
    assert "To do: What came is no list of activities" in capsys.readouterr().out
    assert cli.main(["import-activities", str(tmp_path / "nowhere.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.usefixtures("command")
def test_an_address_must_be_in_the_open_internet_unless_all_is_made_up(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_place(stores)
    with serving(paged([a_row(1)])) as served:
        assert cli.main(["import-activities", served.base]) == 2
        assert "must be https" in capsys.readouterr().err
        assert cli.main(["import-activities", served.base.replace("http", "https")]) == 1
        assert "not allowed" in capsys.readouterr().out
        assert served.asked == []
        monkeypatch.setenv("PORTAL_ENVIRONMENT", "demonstration")
        assert cli.main(["import-activities", served.base, "--name", "Here"]) == 0


@pytest.mark.usefixtures("command")
def test_a_list_of_postcodes_is_loaded(stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_place(stores)
    file = tmp_path / "postcodes.csv"
    file.write_text("pcds,lat,long,doterm\nPE27 5AD,52.3233,-0.0741,\nCB1 1AA,52.2,0.13,\n")
    assert cli.main(["import-postcodes", str(file), "--areas", "pe27"]) == 0
    assert "1 postcodes are known" in capsys.readouterr().out
    with stores.reading() as store:
        assert set(store.scalars(select(PostcodePlace.postcode))) == {"PE27 5AD", "PE27"}
    file.write_text("a,b\n1,2\n")
    assert cli.main(["import-postcodes", str(file)]) == 2
    assert "is no list of postcodes" in capsys.readouterr().err
    assert cli.main(["import-postcodes", str(tmp_path / "nowhere.csv")]) == 2
