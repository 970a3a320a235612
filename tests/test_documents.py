"""The generated pages say what the code does."""

import re
from pathlib import Path

import pytest

from portal.access import MAY, Permission, Role
from portal.caseload import letters, lists
from portal.caseload.lists import Listed
from portal.instruments import catalogue
from portal.journeys import access_needs
from portal.letters import standard
from portal.store import Base
from tools import documents, documents_of_case

ROOT = Path(__file__).parent.parent


def test_the_generated_pages_are_what_the_code_says() -> None:
    assert documents.out_of_date() == [], "Run: python -m tools.documents"


def test_a_changed_permission_makes_the_page_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**MAY, Permission.READ_AUDIT: frozenset(Role)}
    monkeypatch.setattr(documents, "MAY", changed)
    assert documents.out_of_date() == ["permissions.md"]


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = []
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert len(pages) > 10
    assert broken == []


def test_the_page_of_scales_has_every_code_and_no_words_of_anybody() -> None:
    page = (documents.FOLDER / "scales.md").read_text("utf-8")
    for scale in catalogue().versions():
        assert f"## {scale.key}, version {scale.version}\n" in page
        assert [item.code for item in scale.items if f"| `{item.code}` |" not in page] == []
        words = [text for wording in scale.wordings.values() for text in wording.items.values()]
        assert [text for text in words if text in page] == []


def test_every_closed_list_of_a_case_says_where_its_codes_stand() -> None:
    declared = set(documents_of_case.lists_of(lists, letters)) - documents_of_case.NOT_STORED
    assert declared == set(documents_of_case.STORED)
    columns = {f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.columns}
    told = {column for each in documents_of_case.STORED.values() for column in each}
    assert told - columns == set()


def test_a_list_of_which_nobody_says_where_it_is_stored_stops_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "WEATHER", (Listed("sun", "Sun"),), raising=False)
    with pytest.raises(KeyError, match="WEATHER"):
        documents.dictionary()


def test_the_dictionary_has_every_code_of_a_case_every_access_need_and_every_item_of_a_message() -> None:
    page = (documents.FOLDER / "data-dictionary.md").read_text("utf-8")
    codes = [(name, one) for name, each in documents_of_case.closed_lists().items() for one in each]
    assert [(name, one.code) for name, one in codes if f"| `{one.code}` | {one.label} |" not in page] == []
    terms = [term for term in access_needs.TERMS if f"| `{term.category}` | `{term.code}` | {term.label} |" not in page]
    assert terms == []
    items = list(standard.paths())
    assert len(items) > 50
    assert [item.code for path, item in items if f"| `{item.code}` | {path} | {item.conformance} |" not in page] == []


def test_a_changed_list_of_a_case_makes_the_dictionary_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "DIRECTIONS", (*lists.DIRECTIONS, Listed("sideways", "Sideways")))
    assert documents.out_of_date() == ["data-dictionary.md"]
