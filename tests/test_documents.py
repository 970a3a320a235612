"""The generated pages say what the code does."""

import re
from pathlib import Path

import pytest

from portal.access import MAY, Permission, Role
from portal.instruments import catalogue
from tools import documents

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
