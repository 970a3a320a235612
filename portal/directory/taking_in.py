"""Taking in a feed or a file, in batches, one run at a time."""

import uuid
from collections.abc import Callable
from typing import BinaryIO

from portal.store import Stores


def take_in(
    stores: Stores,
    service_id: uuid.UUID,
    run_id: uuid.UUID,
    file: BinaryIO,
    *,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> None:
    """Take in a file, row by row; every batch is a transaction of its own, and the run says how far it is."""
    raise NotImplementedError
