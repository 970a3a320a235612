"""People who are asked how they are, for tests of the plan, the links and the year: cases made through the rooms, a way
to let the clock do its work at any moment, and words of a scale that nobody else has."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock, measures, notifications, people, referrals, services
from portal.access import Actor
from portal.instruments import catalogue
from portal.notifications import Delivered, Outgoing
from portal.referrals import Referral
from portal.store import CheckIn, Service, Stores
from portal.web.messages import Renderer
from tests import world

LONDON = ZoneInfo("Europe/London")
RENDER = Renderer("https://refer.example.org", "here")
MONDAY = datetime(2026, 3, 2, 10, tzinfo=LONDON)
"""An ordinary morning, when services are open."""


@dataclass
class Kept:
    """Keeps what is sent, and when; refuses while ``broken``."""

    sent: list[tuple[datetime, Outgoing]] = field(default_factory=list)
    broken: bool = False

    def send(self, outgoing: Outgoing) -> None:
        if self.broken:
            raise notifications.NotNow("made up")
        self.sent.append((clock.now(), outgoing))

    def tokens(self) -> list[str]:
        """The secrets of the links that were sent, oldest first."""
        words = [one.words.body.split() for _, one in self.sent]
        return [word.rpartition("/c/")[2] for body in words for word in body if "/c/" in word]


def with_email(store: Session, service: Service, actor: Actor, **answers: object) -> Referral:
    """A referral by somebody who may be written to by email; sent, and not decided."""
    referral = world.a_referral(store, service, answers={"safe_ways": ["email"], **answers})
    for way in people.ways_of(store, service.id, referral.person_id):
        if way.channel == "email":
            people.confirm_way(store, actor, way.id)
    return referral


def a_case(store: Session, service: Service, actor: Actor, **answers: object) -> Referral:
    """The same, accepted now."""
    referral = with_email(store, service, actor, **answers)
    return referrals.accept(store, service, actor, referral.id)


def check_in(store: Session, referral: Referral, occasion: str = "baseline", number: int = 1) -> CheckIn:
    """One check-in of a referral as it is now."""
    wanted = select(CheckIn).where(
        CheckIn.referral_id == referral.id, CheckIn.occasion == occasion, CheckIn.number == number
    )
    return store.scalars(wanted.execution_options(populate_existing=True)).one()


def tick(stores: Stores, transport: Kept, moment: datetime) -> tuple[int, Delivered]:
    """What the clock does at a moment: the plan of every service, then the post."""
    with clock.at(moment):
        with stores.writing.begin() as store:
            moved = sum(measures.remind(store, service) for service in services.all_services(store))
        return moved, notifications.deliver(stores, transport, RENDER)


def days(many: float) -> timedelta:
    """So many days."""
    return timedelta(days=many)


def made_up_words(language: str, direction: str = "ltr") -> bytes:
    """A text pack of WHO-5 with words that are nobody's."""
    who5 = catalogue()["who5"]
    (options,) = who5.option_sets.values()
    letters = "بجدہو" if direction == "rtl" else "bcdfg"
    whole = {
        "format": "text-pack/1",
        "instrument": "who5",
        "version": who5.version,
        "language": language,
        "language_name": "Made up",
        "variant": None,
        "direction": direction,
        "status": "official-two-sources",
        "source_url": "https://example.org/made-up",
        "source_sha256": "0" * 64,
        "transcribed_from": "made up for a test",
        "licence": "CC BY-NC-SA 3.0 IGO",
        "licence_url": "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/",
        "attribution": "World Health Organization. Made up for a test. Licence: CC BY-NC-SA 3.0 IGO.",
        "serves": ["who5"],
        "instructions": letters[0] * 4,
        "items": [{"n": n, "text": letters[n - 1] * 5} for n in range(1, 6)],
        "options": [
            {"value": option.value, "text": letters[0] * (n + 1) + letters[1]} for n, option in enumerate(options)
        ],
        "agreement": {"items": [1, 2, 3, 4, 5], "options": True, "with": ["made up"], "remarks": ""},
        "adaptation": None,
        "notes": [],
    }
    hashed = ("instrument", "version", "language", "instructions", "items", "options")
    blob = json.dumps({key: whole[key] for key in hashed}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    whole["text_sha256"] = hashlib.sha256(blob.encode()).hexdigest()
    return json.dumps(whole, ensure_ascii=False).encode()


def with_made_up_words(store: Session, service: Service, language: str, direction: str = "ltr") -> None:
    """The service has WHO-5 in this language."""
    data = made_up_words(language, direction)
    text = measures.import_text(store, service, data, reviewer="Made Up", actor=None)
    if text.state != "on":
        day, document = clock.today(), "0" * 64
        measures.sign_text(
            store, service, "who5", language, name="Made Up", day=day, document_sha256=document, actor=None
        )
