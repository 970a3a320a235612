"""The 90 days in which the demonstration happened: what comes next, who works here, and the post."""

import heapq
import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from portal import clock, services
from portal.access import Actor, Role
from portal.i18n import LONDON
from portal.notifications import Outgoing, Render, Words
from portal.store import Service, Stores

DAYS = 90

Act = Callable[[Session, Service], None]


class Post:
    """Where messages of the past go: nobody made up has a real letter box. The links in them are kept for a moment, as
    whoever opens the letter has them."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._token = ""
        self._arrived: list[tuple[str, str]] = []

    def render(self, template: str, language: str, values: Mapping[str, Any]) -> Words:
        """The words of a message, as for the worker."""
        self._token = str(values.get("token", ""))
        return self._render(template, language, values)

    def send(self, outgoing: Outgoing) -> None:
        """Nothing leaves."""
        if self._token:
            self._arrived.append((outgoing.to, self._token))

    def arrived(self) -> list[tuple[str, str]]:
        """The addresses and links of what has come since the last look."""
        found, self._arrived = self._arrived, []
        return found


class Past:
    """What happens next is at the top of the heap; the clock of the whole process moves with it."""

    def __init__(self, stores: Stores, render: Render, seed: int) -> None:
        self.stores, self.post = stores, Post(render)
        self.chance = random.Random(seed)  # noqa: S311 (stories, not secrets)
        self.ends = clock.now()
        self.begins = self.ends - timedelta(days=DAYS)
        self.coming: list[tuple[datetime, int, Act]] = []
        self.number = count()
        self.service_id = uuid.UUID(int=0)
        self.settings = services.ServiceSettings()
        self.actors: dict[str, Actor] = {}

    def at(self, moment: datetime, act: Act) -> None:
        """Something will happen; what would be in the future has not happened yet."""
        if moment < self.ends:
            heapq.heappush(self.coming, (moment, next(self.number), act))

    def go_on(self) -> None:
        """Let everything happen that is to come, in the order of time."""
        while self.coming:
            moment, _, act = heapq.heappop(self.coming)
            with clock.at(moment), self.stores.writing.begin() as store:
                act(store, store.get_one(Service, self.service_id))

    def working(self, moment: datetime, soonest: int, latest: int) -> datetime:
        """Some minutes after the service is open next."""
        return services.next_opening(self.settings, moment) + timedelta(minutes=self.chance.randint(soonest, latest))

    def desk(self, day: date, number: int = 0) -> datetime:
        """When the one with this number in the list of staff sits down to work on that day."""
        return datetime.combine(day, time(14, 40 + 9 * number), LONDON).astimezone(UTC)

    def last_sitting(self) -> datetime:
        """When somebody sits down for the last time before the demonstration begins."""
        day = self.ends.astimezone(LONDON).date()
        while not services.open_on(self.settings, day) or self.desk(day) >= self.ends:
            day -= timedelta(days=1)
        return self.desk(day)

    def one_of(self, role: Role) -> Actor:
        """The first of the staff with this role."""
        return next(actor for actor in self.actors.values() if actor.role is role)
