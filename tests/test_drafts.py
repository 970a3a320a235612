"""Forms in progress: opened by a key or by a card, locked by the clock, deleted when their time is over."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import alerts, clock, codes, drafts, referrals, throttle
from portal.access import Role
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Alert, AuditEvent, Draft, Service
from tests.staffed import a_colleague, a_service, acting
from tests.world import a_draft

JOURNEY = SELF_REFERRAL.code


@pytest.fixture
def here(store: Session) -> Service:
    service = a_service(store, lock_minutes=20, draft_days=30)
    a_colleague(store, service, Role.MANAGER)
    return service


def kept(store: Session, service: Service, key: str = "k" * 43, **answers: object) -> Draft:
    """A draft in the store, with these answers."""
    draft = drafts.start(store, service, JOURNEY, 1, "en", key)
    drafts.keep(store, service, draft, answers)
    return draft


def count(store: Session, table: type) -> int:
    return store.scalar(select(func.count()).select_from(table)) or 0


# Keys ----------------------------------------------------------------------------------------------------------------


def test_nothing_is_stored_before_the_first_answer(store: Session, here: Service) -> None:
    drafts.start(store, here, JOURNEY, 1, "en", codes.new_key())
    assert count(store, Draft) == 0


def test_a_key_opens_its_own_draft_and_no_other(store: Session, here: Service) -> None:
    mine, yours = codes.new_key(), codes.new_key()
    draft = kept(store, here, mine, first_name="Zofia")
    kept(store, here, yours, first_name="Ola")
    assert drafts.find(store, here.id, JOURNEY, mine) is draft
    for wrong in (None, "", codes.new_key(), mine[:-1], mine + "x", draft.key_hash, draft.reference):
        assert drafts.find(store, here.id, JOURNEY, wrong) is None


def test_a_key_is_for_one_service_and_one_journey(store: Session, here: Service) -> None:
    key = codes.new_key()
    kept(store, here, key)
    assert drafts.find(store, a_service(store, "there").id, JOURNEY, key) is None
    assert drafts.find(store, here.id, "about-you", key) is None


def test_neither_the_key_nor_the_number_is_in_the_store_nor_an_answer_in_plain_words(
    store: Session, here: Service
) -> None:
    key = codes.new_key()
    draft = kept(store, here, key, first_name="Zofia")
    number = drafts.card(store, draft, key).number
    store.flush()
    row = store.connection().exec_driver_sql("SELECT * FROM draft").mappings().one()
    written = " ".join(str(value) for value in row.values())
    for secret in (key, number, "Zofia"):
        assert secret not in written


def test_answers_replace_those_before_and_what_was_typed_stays_until_it_is_replaced(
    store: Session, here: Service
) -> None:
    draft = kept(store, here, a=1, b=2)
    drafts.keep(store, here, draft, {"a": 3}, {"phone": {"phone": ["x"]}})
    assert (draft.answers, draft.typed) == ({"a": 3}, {"phone": {"phone": ["x"]}})
    drafts.keep(store, here, draft, {"a": 4})
    assert draft.typed == {"phone": {"phone": ["x"]}}
    drafts.keep(store, here, draft, {"a": 4}, {})
    assert draft.typed == {}


# The clock -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "days", "after", "locked"),
    [
        (False, 1, timedelta(minutes=21, seconds=59), False),
        (False, 1, timedelta(minutes=22, seconds=1), True),
        (True, 1, timedelta(hours=23, minutes=59), False),
        (True, 1, timedelta(days=1, seconds=1), True),
        (True, 14, timedelta(days=13, hours=23), False),
        (True, 14, timedelta(days=14, seconds=1), True),
    ],
)
def test_a_draft_locks_when_nobody_is_there(
    store: Session, here: Service, own: bool, days: int, after: timedelta, locked: bool
) -> None:
    draft = kept(store, here)
    draft.own_device, draft.keep_days = own, days
    with clock.later(after):
        assert drafts.is_locked(draft, 20) is locked


def test_a_sign_of_life_starts_the_time_anew(store: Session, here: Service) -> None:
    draft = kept(store, here)
    with clock.later(timedelta(minutes=20)):
        drafts.touch(here, draft)
    with clock.later(timedelta(minutes=41)):
        assert not drafts.is_locked(draft, 20)


def test_a_draft_is_not_there_after_its_days_and_each_step_gives_it_new_ones(store: Session, here: Service) -> None:
    key = codes.new_key()
    draft = kept(store, here, key)
    with clock.later(timedelta(days=29)):
        assert drafts.find(store, here.id, JOURNEY, key) is draft
        drafts.touch(here, draft)
        store.flush()
    with clock.later(timedelta(days=58)):
        assert drafts.find(store, here.id, JOURNEY, key) is draft
    with clock.later(timedelta(days=60)):
        assert drafts.find(store, here.id, JOURNEY, key) is None


def test_what_is_over_is_deleted_and_written_down(store: Session, here: Service) -> None:
    kept(store, here, codes.new_key())
    with clock.later(timedelta(days=15)):
        young = kept(store, here, codes.new_key())
    assert drafts.expire(store, here) == 0
    with clock.later(timedelta(days=31)):
        assert drafts.expire(store, here) == 1
        assert store.scalars(select(Draft)).all() == [young]
    assert count_acts(store, "expired a draft") == 1


def count_acts(store: Session, act: str) -> int:
    return store.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.act == act)) or 0


def test_a_draft_with_an_alert_that_nobody_has_closed_is_kept_until_somebody_has(store: Session, here: Service) -> None:
    worker = acting(a_colleague(store, here))
    a_draft(store, here, "urgent", urgency="not-safe")
    alert = store.scalars(select(Alert)).one()
    with clock.later(timedelta(days=100)):
        assert drafts.expire(store, here) == 0
        alerts.open_by_name(store, worker, alert.id)
        assert drafts.expire(store, here) == 0
        alerts.close(store, worker, alert.id, "Rang, and they are safe.")
        assert drafts.expire(store, here) == 1
    assert count(store, Alert) == 1


def test_one_service_s_time_deletes_nothing_of_another(store: Session, here: Service) -> None:
    there = a_service(store, "there", draft_days=30)
    kept(store, there, codes.new_key())
    with clock.later(timedelta(days=31)):
        assert drafts.expire(store, here) == 0


# The card ------------------------------------------------------------------------------------------------------------


def test_the_card_is_the_same_each_time_the_browser_that_began_asks(store: Session, here: Service) -> None:
    key = codes.new_key()
    draft = kept(store, here, key)
    first = drafts.card(store, draft, key)
    assert drafts.card(store, draft, key) == first
    assert codes.read_reference(codes.show_reference(first.reference)) == first.reference
    assert len(first.number) == 12


def test_a_card_opens_its_draft_in_another_browser_and_closes_the_first(store: Session, here: Service) -> None:
    old, new = codes.new_key(), codes.new_key()
    draft = kept(store, here, old)
    draft.own_device = True
    card = drafts.card(store, draft, old)
    assert drafts.resume(store, here, card.reference, card.number, new) is draft
    assert drafts.find(store, here.id, JOURNEY, new) is draft
    assert drafts.find(store, here.id, JOURNEY, old) is None
    assert draft.own_device is False
    # The number cannot be shown again there, and still holds.
    assert drafts.card(store, draft, new) == drafts.Card(card.reference, "")
    assert drafts.resume(store, here, card.reference, card.number, codes.new_key()) is draft


WRONG: dict[str, Callable[[drafts.Card], tuple[str, str]]] = {
    "wrong number": lambda card: (card.reference, f"{(int(card.number) + 1) % 10**12:012d}"),
    "wrong reference": lambda card: (codes.new_reference(), card.number),
    "no number": lambda card: (card.reference, ""),
    "swapped": lambda card: (card.number, card.reference),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_card_that_is_not_right_opens_nothing(store: Session, here: Service, how: str) -> None:
    key = codes.new_key()
    draft = kept(store, here, key)
    reference, number = WRONG[how](drafts.card(store, draft, key))
    store.flush()
    assert drafts.resume(store, here, reference, number, codes.new_key()) is None
    assert drafts.find(store, here.id, JOURNEY, key) is draft


def test_a_card_is_for_one_service(store: Session, here: Service) -> None:
    key = codes.new_key()
    card = drafts.card(store, kept(store, here, key), key)
    assert drafts.resume(store, a_service(store, "there"), card.reference, card.number, codes.new_key()) is None


def test_without_a_card_no_number_opens_a_draft(store: Session, here: Service) -> None:
    key = codes.new_key()
    draft = kept(store, here, key)
    assert draft.return_hash is None
    number = codes.return_number_from(key)
    assert drafts.resume(store, here, draft.reference, number, codes.new_key()) is None


def test_two_drafts_with_the_same_number_have_different_hashes(store: Session, here: Service) -> None:
    key = codes.new_key()
    one, two = kept(store, here, codes.new_key()), kept(store, here, codes.new_key())
    for draft in (one, two):
        drafts.card(store, draft, key)
    assert one.return_hash != two.return_hash


def test_a_new_number_ends_the_old_one(store: Session, here: Service) -> None:
    old, new = codes.new_key(), codes.new_key()
    draft = kept(store, here, old)
    card = drafts.card(store, draft, old)
    drafts.resume(store, here, card.reference, card.number, new)
    fresh = drafts.new_number(store, draft, new)
    assert drafts.resume(store, here, card.reference, card.number, codes.new_key()) is None
    assert drafts.resume(store, here, fresh.reference, fresh.number, codes.new_key()) is draft


def test_tries_are_counted_for_each_reference_and_begin_anew_after_an_hour(store: Session, here: Service) -> None:
    limit = throttle.LIMITS[throttle.Kind.RETURN_CARD]
    assert limit.most > 100
    with clock.at(clock.now().replace(minute=0, second=1)):
        for _ in range(limit.most):
            drafts.count_try(store, here.id, "A" * 9)
        with pytest.raises(drafts.Throttled):
            drafts.count_try(store, here.id, "A" * 9)
        drafts.count_try(store, here.id, "B" * 9)
        with clock.later(timedelta(hours=1)):
            drafts.count_try(store, here.id, "A" * 9)


# Nothing kept --------------------------------------------------------------------------------------------------------


def test_dropping_leaves_nothing(store: Session, here: Service) -> None:
    drafts.drop(store, kept(store, here))
    assert count(store, Draft) == 0


def test_somebody_who_does_not_know_may_still_be_in_danger_so_the_alert_stays(store: Session, here: Service) -> None:
    draft = a_draft(store, here, "urgent", urgency="not-safe")
    who_for = SELF_REFERRAL.steps[0]
    with pytest.raises(referrals.KeepsNothing):
        referrals.keep(store, here, draft, who_for, {"referring_for": "someone-who-does-not-know"}, "en")
    store.flush()
    assert count(store, Draft) == 0
    assert count(store, Alert) == 1
