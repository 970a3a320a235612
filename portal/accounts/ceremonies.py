"""Sign-ins under way that need an answer from elsewhere: a passkey's, or that of an organisation's provider.

What must be remembered meanwhile (a challenge, a state, a verifier) stands here, encrypted, and never in the browser,
which holds a random key. It is used once and works for ten minutes.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal import codes
from portal.clock import now
from portal.store import Ceremony

LASTS = timedelta(minutes=10)
"""As long as a sign-in waits for its second factor (ASVS 6.5.5)."""


def begin(
    store: Session, service_id: uuid.UUID, kind: str, held: Mapping[str, Any], staff_id: uuid.UUID | None = None
) -> str:
    """Remember what was asked; the key for the browser. ``kind``: passkey-new, passkey, provider, provider-again."""
    store.execute(delete(Ceremony).where(Ceremony.expires_at < now()).execution_options(synchronize_session=False))
    key = codes.new_key()
    store.add(
        Ceremony(
            service_id=service_id,
            kind=kind,
            key_hash=codes.digest(key),
            staff_id=staff_id,
            held=dict(held),
            expires_at=now() + LASTS,
        )
    )
    store.flush()
    return key


def spend(store: Session, service_id: uuid.UUID, kind: str, key: str) -> Ceremony | None:
    """What was asked under this key, for the one request that gets it; ``None`` when it is over, used or another's."""
    mine = (
        Ceremony.service_id == service_id,
        Ceremony.kind == kind,
        Ceremony.key_hash == codes.digest(key),
        Ceremony.expires_at > now(),
    )
    found = store.scalar(select(Ceremony).where(*mine))
    if found is None:
        return None
    store.expunge(found)
    gone = store.execute(
        delete(Ceremony).where(*mine).returning(Ceremony.id).execution_options(synchronize_session=False)
    ).all()
    return found if gone else None
