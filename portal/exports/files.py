"""The copy as files."""

import csv
import io
import json

from portal.exports.tree import FORMAT, VERSION, Everything


def as_json(copy: Everything) -> str:
    """The copy for machines: keys that stay as they are, codes beside words."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "service": copy.service,
            "made_at": copy.made_at.isoformat(),
            "language": copy.language,
            "sections": {
                section.code: {
                    "title": section.title,
                    "records": [
                        {
                            "id": entry.id,
                            "when": entry.when.isoformat(),
                            "fields": {
                                one.code: {"name": one.name, "value": one.value, "words": one.words}
                                for one in entry.fields
                            },
                        }
                        for entry in section.entries
                    ],
                }
                for section in copy.sections
            },
            "left_out": [
                {"why": one.reason.value, "words": one.words, "fields": one.fields, "times": one.times}
                for one in copy.left_out
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


COLUMNS = ("section", "record", "field", "code", "value", "when")


def as_csv(copy: Everything) -> str:
    """The copy for a spreadsheet: one line for each field. ``code`` is what stands in the store, ``value`` the words.
    Each cell is kept from being taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for section in copy.sections:
        for entry in section.entries:
            for one in entry.fields:
                coded = "" if one.value is None else _coded(one.value)
                line = (section.code, entry.id, one.code, coded, one.words, entry.when.isoformat())
                writer.writerow([harmless(cell) for cell in line])
    for left in copy.left_out:
        line = ("left-out", left.reason.value, ", ".join(left.fields), str(left.times), left.words, "")
        writer.writerow([harmless(cell) for cell in line])
    return out.getvalue()


def _coded(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP ASVS 1.2.10)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\0")) else cell
