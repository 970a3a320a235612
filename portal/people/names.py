"""The parts of a person's name by which they are found, in any script: made from the name, never typed.

A part belongs to the record that it was made from, also when that record became one with another: its old name then
finds the record that was kept, and undoing the merge gives back exactly what there was.
"""

from sqlalchemy.orm import Session

from portal import access, reading
from portal.store import NamePart, ServiceUser

LONGEST_PART = 70


def parts_of(*names: str | None) -> tuple[str, ...]:
    """The parts of these names as they are searched, each once: "Ana-María O'Neill" gives ana, maria, oneill."""
    found = dict.fromkeys(part[:LONGEST_PART] for name in names for part in reading.search_key(name or "").split())
    return tuple(found)


def keep_parts(store: Session, person: ServiceUser) -> None:
    """Bring a person's name parts in step with their names, the one they are called by too."""
    wanted = set(parts_of(person.first_name, person.family_name, person.preferred_name))
    there = store.scalars(access.rows_of(person.service_id, NamePart).where(NamePart.person_id == person.id)).all()
    for row in there:
        if row.part not in wanted:
            store.delete(row)
    for part in sorted(wanted - {row.part for row in there}):
        store.add(NamePart(service_id=person.service_id, person_id=person.id, part=part))
    store.flush()
