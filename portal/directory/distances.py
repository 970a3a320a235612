"""How far away something is: by a list of postcodes that the service has loaded, else by the directory's own places."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.store import Stores


@dataclass(frozen=True)
class Where:
    """A point. ``rough``: the middle of a postcode district."""

    latitude: float
    longitude: float
    rough: bool = False


def where_is(store: Session, service_id: uuid.UUID, typed: str) -> Where | None:
    """Where a postcode or a postcode district is; ``None`` when nobody here knows, never a guess."""
    raise NotImplementedError


def import_postcodes(
    stores: Stores,
    service_id: uuid.UUID,
    rows: Iterable[Mapping[str, str]],
    *,
    areas: frozenset[str] = frozenset(),
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Load a list of postcodes (columns as the ONS names them: pcds or pcd, lat, long, doterm)."""
    raise NotImplementedError
