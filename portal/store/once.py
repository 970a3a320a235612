"""Writing something exactly once, although two processes may want to write it at the same moment."""

from typing import TypeVar

from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.store.database import Base

Row = TypeVar("Row", bound=Base)


def write_once(store: Session, row: Row, same: Select[Row]) -> tuple[Row, bool]:
    """The row that ``same`` finds, or ``row`` newly written, and whether it was new.

    ``same`` must select by the columns of a unique constraint: when another transaction writes the same row first, the
    database refuses ours, and theirs is returned.
    """
    if found := store.scalar(same):
        return found, False
    try:
        with store.begin_nested():
            store.add(row)
    except IntegrityError:
        # Theirs, or something else that the database refused: then there is nothing to find, and the refusal stands.
        if found := store.scalar(same):
            return found, False
        raise
    return row, True
