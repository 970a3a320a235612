"""What made-up people say about the service: the Friends and Family question, comments with their answers, and what was
done about them."""

import random
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from portal import clock, codes, experience
from portal.access import Role
from portal.demo import made_up
from portal.demo.past import Act, Past
from portal.i18n import LONDON
from portal.store import Service

A_MONTH = 13
"""How many answers to the Friends and Family question every month has: enough that its figures show."""
_GOOD = (("very_good", 9), ("good", 5), ("neither_good_nor_poor", 2), ("poor", 1), ("dont_know", 1))


class Saying:
    """What is said, put into the order of the past."""

    def __init__(self, past: Past, seed: int) -> None:
        self.past = past
        self.chance = random.Random(seed + 2)  # noqa: S311 (stories, not secrets)

        # Each is written once.
        self.why_good, self.why_not_good = list(made_up.WHY_GOOD), list(made_up.WHY_NOT_GOOD)
        self.better = list(made_up.COULD_BE_BETTER)

    def _writes(self, left: list[str]) -> str:
        return left.pop() if left and self.chance.random() < 0.3 else ""

    def plan(self) -> None:
        """Everything that will be said."""
        self._friends_and_family()
        for remark in made_up.REMARKS:
            self.past.at(self._days_ago(remark.days), self._says(remark))
        for number, (said, did) in enumerate(made_up.YOU_SAID):
            days = 70 - 25 * number
            moment = self.past.working(self._days_ago(days), 60, 200)
            self.past.at(moment, self._publishes(said, did, leaves=self._days_ago(12) if number == 0 else None))

    def _days_ago(self, days: float) -> datetime:
        return self.past.ends - timedelta(days=days)

    def _friends_and_family(self) -> None:
        month = self.past.begins.astimezone(LONDON).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        while month < self.past.ends:
            following = (month + timedelta(days=32)).replace(day=1)
            first, last = (moment.astimezone(UTC) for moment in (max(month, self.past.begins), following))
            for _ in range(A_MONTH):
                self.past.at(first + (last - first) * self.chance.uniform(0.05, 0.95), self._answers_fft())
            month = following

    def _answers_fft(self) -> Act:
        answers = [answer for answer, share in _GOOD for _ in range(share)]
        answer = self.chance.choice(answers)
        why = self._writes(self.why_good if answer.endswith("good") else self.why_not_good)
        better = self._writes(self.better)
        mode = self.chance.choice(["web", "web", "paper"])

        def act(store: Session, service: Service) -> None:
            experience.give_fft(store, service, answer, why, better, language="en", mode=mode, once=codes.new_key())

        return act

    def _says(self, remark: made_up.Remark) -> Act:
        def act(store: Session, service: Service) -> None:
            found = experience.comment(
                store, service, remark.kind, remark.words, language=remark.language, once=codes.new_key()
            )
            if remark.kind in experience.ANSWERED:
                reply = made_up.ANSWER if remark.kind == experience.Kind.COMPLAINT else made_up.THANKS
                self.past.at(self.past.working(clock.now(), 60, 400), self._acknowledges(found))
                later = self.past.working(clock.now() + timedelta(days=4), 60, 400)
                self.past.at(later, self._replies(found, reply))

        return act

    def _acknowledges(self, found: experience.Comment) -> Act:
        comment_id = found.id

        def act(store: Session, _service: Service) -> None:
            experience.read(store, self.past.one_of(Role.MANAGER), comment_id)
            experience.acknowledge(store, self.past.one_of(Role.MANAGER), comment_id)

        return act

    def _replies(self, found: experience.Comment, words: str) -> Act:
        comment_id = found.id

        def act(store: Session, _service: Service) -> None:
            manager = self.past.one_of(Role.MANAGER)
            experience.reply(store, manager, comment_id, words)
            experience.close(store, manager, comment_id)

        return act

    def _publishes(self, said: str, did: str, leaves: datetime | None) -> Act:
        def act(store: Session, _service: Service) -> None:
            row = experience.you_said(store, self.past.one_of(Role.MANAGER), said, did, language="en")
            if leaves:
                self.past.at(leaves, withdraws(row.id))

        def withdraws(row_id: uuid.UUID) -> Act:
            def act(store: Session, _service: Service) -> None:
                experience.withdraw_said(store, self.past.one_of(Role.MANAGER), row_id)

            return act

        return act
