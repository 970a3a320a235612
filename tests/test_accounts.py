"""Staff accounts, called as the doors call them, on both databases."""

import base64
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import access, accounts, audit, clock, codes, services, throttle
from portal.access import Actor, Role
from portal.accounts import NotInvited, NotRecognised, NotTaken, NotWaiting, PasswordProblem, TooManyTries, passwords
from portal.accounts import second_factor as factor
from portal.store import AuditEvent, Invitation, Message, RecoveryCode, Service, SignIn, Staff, Stores
from portal.throttle import Kind

PASSWORD = "velvet anchor pigeon"
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ELSEWHERE = "198.51.100.9"
HERE = "203.0.113.7"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@dataclass
class Person:
    """Somebody with an account, and what they hold in their hands."""

    staff: Staff
    secret: str
    recovery: list[str]
    email: str

    @property
    def code(self) -> str:
        """What their phone shows now."""
        return accounts.code_now(self.secret)

    @property
    def actor(self) -> Actor:
        """They, without a sign-in: for acts that need none."""
        return Actor(self.staff.service_id, self.staff.id, self.staff.name, Role(self.staff.role))


@pytest.fixture
def service(store: Session) -> Service:
    return services.create(store, "st-ives", "St Ives Link Workers")


@pytest.fixture
def other_service(store: Session) -> Service:
    return services.create(store, "ely", "Ely Link Workers")


def _person(store: Session, service: Service, name: str, role: str) -> Person:
    email = f"{name.split()[0].lower()}@example.org"
    staff, secret, recovery = accounts.create_first(
        store, service, name=name, email=email, role=role, password=PASSWORD
    )
    return Person(staff, secret, recovery, email)


@pytest.fixture
def boss(store: Session, service: Service) -> Person:
    return _person(store, service, "Rosa Marchetti", "administrator")


@pytest.fixture
def worker(store: Session, service: Service) -> Person:
    return _person(store, service, "Amina Yusuf", "link-worker")


def _begin(
    store: Session,
    service: Service,
    email: str,
    password: str = PASSWORD,
    device: str | None = None,
    address: str | None = HERE,
) -> str:
    knocked = accounts.knock(store, service.id, email, device=device, address=address)
    return accounts.begin_sign_in(store, knocked, password)


def _sign_in(store: Session, service: Service, person: Person, device: str | None = None) -> accounts.SignedIn:
    waiting = _begin(store, service, person.email, device=device)
    return accounts.second_factor_given(store, service.id, waiting, person.code, device=device)


def _acts(store: Session, service: Service) -> list[str]:
    return list(
        store.scalars(select(AuditEvent.act).where(AuditEvent.service_id == service.id).order_by(AuditEvent.id))
    )


def _link(token: str) -> str:
    return f"https://refer.example.org/staff/join/{token}"


# --- passwords ------------------------------------------------------------------------------------------------------


def _problem(password: str) -> PasswordProblem | None:
    return accounts.password_problem(
        password, email="amina.yusuf@example.org", name="Amina Yusuf", service_name="St Ives Link Workers"
    )


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", PasswordProblem.MISSING),
        ("velvet anch", PasswordProblem.TOO_SHORT),
        ("\N{LATIN SMALL LIGATURE FFI}" * 4, PasswordProblem.COMMON),  # reads as twelve letters, four characters typed
        ("k" * 201, PasswordProblem.TOO_LONG),
        ("velvet anchor\x00 pigeon", PasswordProblem.UNREADABLE),
        ("velvet anchor \ud800 pigeon", PasswordProblem.UNREADABLE),
        ("velvet-amina-pigeon", PasswordProblem.OWN_WORDS),
        ("velvet-AM1NA-pigeon", PasswordProblem.OWN_WORDS),
        ("velvet-y.u.s.u.f-pigeon", PasswordProblem.OWN_WORDS),
        ("velvet pigeon ives", PasswordProblem.OWN_WORDS),
        ("velvet pigeon st", None),  # words of two and three letters stand inside too many others
        ("my front door key 7", PasswordProblem.OWN_WORDS),
        ("linkworkers at sea", PasswordProblem.OWN_WORDS),
        ("password1234", PasswordProblem.COMMON),
        ("Passw0rd2024!", PasswordProblem.COMMON),
        ("P@$$w0rd1234!", PasswordProblem.COMMON),
        ("L1verp00lFC1892!", PasswordProblem.COMMON),
        ("Qwertyuiop12", PasswordProblem.COMMON),
        ("1qaz2wsx3edc", PasswordProblem.COMMON),
        ("aaaaaaaaaaaa", PasswordProblem.COMMON),
        ("dragon dragon dragon", PasswordProblem.COMMON),
        ("Manchester-United-1999", PasswordProblem.COMMON),
        ("Jessica19870412", PasswordProblem.COMMON),
        ("październik2024", PasswordProblem.COMMON),
        ("079460 07946 0", PasswordProblem.COMMON),
        (PASSWORD, None),
        ("ہوا چراغ کتاب دریا", None),
        ("q7Rk!vP2mZx9", None),
        ("a", PasswordProblem.TOO_SHORT),
        ("kangaroo marmalade thirteen", None),
    ],
)
def test_a_password_is_taken_or_the_reason_is_said(password: str, problem: PasswordProblem | None) -> None:
    assert _problem(password) == problem


def test_every_problem_has_a_sentence() -> None:
    assert set(accounts.PASSWORD_SENTENCES) == set(PasswordProblem)


def test_reading_the_longest_password_takes_no_time() -> None:
    begun = time.perf_counter()
    for password in ("a" * 200, "ab" * 100, "abcdefghijkl" * 16, "passwordlove1" * 15):
        passwords.is_common(password)
    assert time.perf_counter() - begun < 10  # milliseconds here; trying all ways would take years


def test_the_common_words_are_in_the_form_they_are_compared_in() -> None:
    words = passwords.common_words()
    assert len(words) > 1500
    assert all(word == word.casefold() and word.isalnum() for word in words)


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password() -> None:
    assert passwords.matches("cafe\N{COMBINING ACUTE ACCENT} anchor pigeon", passwords.hashed("café anchor pigeon"))


def test_what_is_kept_of_a_password_is_argon2id_and_different_each_time() -> None:
    one, two = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert one.startswith("$argon2id$v=19$")
    assert one != two


@pytest.mark.usefixtures("real_hashes")
def test_the_real_hashes_use_the_recommended_memory() -> None:
    from argon2.profiles import RFC_9106_LOW_MEMORY

    kept = passwords.hashed(PASSWORD)
    assert f"m={RFC_9106_LOW_MEMORY.memory_cost},t={RFC_9106_LOW_MEMORY.time_cost}" in kept


def test_nobody_has_the_password_of_nobody() -> None:
    assert not passwords.matches(PASSWORD, None)
    assert not passwords.matches("", "")
    assert not passwords.matches(PASSWORD, "not a hash at all")


def test_a_password_too_long_to_be_taken_is_not_hashed_either(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []

    class Measuring(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            hashed.append(len(password))
            return super().verify(hash, password)

    kept = passwords.hashed(PASSWORD)
    monkeypatch.setattr(passwords, "_hasher", Measuring(time_cost=1, memory_cost=64, parallelism=1))
    assert not passwords.matches("k" * 2_000_000, kept)
    assert hashed == [0]


# --- the second factor ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "code"),
    # RFC 6238 appendix B, SHA-1. Its codes have eight digits; ours are the last six of them (RFC 4226 section 5.3).
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(second: int, code: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    with clock.at(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)):
        assert accounts.code_now(secret) == code[-6:]
        assert factor.step_of(secret, code[-6:]) == second // 30


def test_a_clock_may_be_half_a_minute_wrong_and_no_more() -> None:
    secret = factor.new_secret()
    code = accounts.code_now(secret)
    for seconds, right in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        with clock.later(timedelta(seconds=seconds)):
            assert (factor.step_of(secret, code) is not None) is right, seconds


def test_the_app_is_told_who_and_where() -> None:
    address = accounts.address_for_app("ABC", email="amina@example.org", service_name="St Ives")
    assert address.startswith("otpauth://totp/St%20Ives:amina%40example.org?secret=ABC")


# --- signing in -----------------------------------------------------------------------------------------------------


def test_password_and_code_open_the_door(store: Session, service: Service, worker: Person) -> None:
    signed_in = _sign_in(store, service, worker)
    actor = accounts.actor_for(store, service.id, signed_in.token)
    assert actor == signed_in.actor
    assert actor is not None
    assert (actor.staff_id, actor.role) == (worker.staff.id, Role.LINK_WORKER)
    assert _acts(store, service)[-1] == "signed in"


def test_an_email_may_be_typed_in_any_case_and_with_spaces(store: Session, service: Service, worker: Person) -> None:
    assert _begin(store, service, "  AMINA@Example.ORG ")


def test_a_code_may_be_typed_with_spaces_and_in_other_digits(store: Session, service: Service, worker: Person) -> None:
    waiting = _begin(store, service, worker.email)
    arabic = worker.code.translate({ord(str(digit)): chr(0x0660 + digit) for digit in range(10)})
    assert accounts.second_factor_given(store, service.id, waiting, f" {arabic[:3]} {arabic[3:]} ")


def test_the_password_alone_opens_nothing(store: Session, service: Service, worker: Person) -> None:
    waiting = _begin(store, service, worker.email)
    assert accounts.is_waiting(store, service.id, waiting)
    assert accounts.actor_for(store, service.id, waiting) is None


def test_the_token_changes_when_the_code_is_given_and_the_old_one_is_dead(
    store: Session, service: Service, worker: Person
) -> None:
    waiting = _begin(store, service, worker.email)
    signed_in = accounts.second_factor_given(store, service.id, waiting, worker.code)
    assert signed_in.token != waiting
    assert len(base64.urlsafe_b64decode(signed_in.token + "=")) == 32
    assert accounts.actor_for(store, service.id, waiting) is None
    assert not accounts.is_waiting(store, service.id, waiting)
    with pytest.raises(NotWaiting):
        accounts.second_factor_given(store, service.id, waiting, worker.code)


def test_no_token_stands_in_the_database(store: Session, service: Service, worker: Person) -> None:
    signed_in = _sign_in(store, service, worker)
    kept = store.scalars(select(SignIn.token_hash)).all()
    assert signed_in.token not in kept
    assert codes.digest(signed_in.token) in kept


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("amina@example.org", "velvet anchor pigeons"),
        ("amina@example.org", ""),
        ("nobody@example.org", PASSWORD),
        ("not an email", PASSWORD),
        ("", PASSWORD),
        ("amina@example.org\x00", PASSWORD),
        ("\ud800@example.org", PASSWORD),
        ("amina@example.org", "\ud800" * 12),
        ("amina@example.org", "k" * 100_000),
        ("a" * 100_000, PASSWORD),
    ],
)
def test_what_is_wrong_is_never_said(
    store: Session, service: Service, worker: Person, email: str, password: str
) -> None:
    with pytest.raises(NotRecognised) as refused:
        _begin(store, service, email, password)
    assert str(refused.value) == ""
    event = store.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.act, event.reason) == ("was refused", "password")


def test_whoever_has_left_is_refused_like_anybody(
    store: Session, service: Service, boss: Person, worker: Person
) -> None:
    accounts.leave(store, boss.actor, worker.staff.id)
    with pytest.raises(NotRecognised):
        _begin(store, service, worker.email)


def test_an_account_opens_only_its_own_service(
    store: Session, service: Service, other_service: Service, worker: Person
) -> None:
    with pytest.raises(NotRecognised):
        _begin(store, other_service, worker.email)
    signed_in = _sign_in(store, service, worker)
    assert accounts.actor_for(store, other_service.id, signed_in.token) is None
    waiting = _begin(store, service, worker.email)
    with pytest.raises(NotWaiting):
        accounts.second_factor_given(store, other_service.id, waiting, worker.code)


def test_the_same_work_is_done_for_an_email_nobody_has(
    store: Session, service: Service, worker: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: one comparison of the same cost, whether or not the email is known."""
    done: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            done.append(str(hash).split("$")[3])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=2, memory_cost=128, parallelism=1))
    worker.staff.password_hash = passwords.hashed(PASSWORD)
    store.flush()
    for email in (worker.email, "nobody@example.org"):
        with pytest.raises(NotRecognised):
            _begin(store, service, email, "wrong velvet anchor")
    assert done == ["m=128,t=2,p=1"] * 2


def test_a_password_kept_with_old_settings_is_hashed_anew(
    store: Session, service: Service, worker: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = worker.staff.password_hash
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=128, parallelism=1))
    _begin(store, service, worker.email)
    assert worker.staff.password_hash != before
    assert "m=128,t=2,p=1" in worker.staff.password_hash
    assert _begin(store, service, worker.email)


def test_a_password_replaced_while_it_was_compared_does_not_count(
    store: Session, service: Service, worker: Person
) -> None:
    knocked = accounts.knock(store, service.id, worker.email)
    worker.staff.password_hash = passwords.hashed("another anchor pigeon")
    store.flush()
    with pytest.raises(NotRecognised):
        accounts.begin_sign_in(store, knocked, PASSWORD)


def test_a_sign_in_waits_ten_minutes_for_its_code(store: Session, service: Service, worker: Person) -> None:
    waiting = _begin(store, service, worker.email)
    with clock.later(timedelta(minutes=10, seconds=1)), pytest.raises(NotWaiting):
        accounts.second_factor_given(store, service.id, waiting, worker.code)


# --- codes are used once --------------------------------------------------------------------------------------------


def test_a_code_that_was_seen_once_is_dead(store: Session, service: Service, worker: Person) -> None:
    code = worker.code
    first, second = _begin(store, service, worker.email), _begin(store, service, worker.email)
    accounts.second_factor_given(store, service.id, first, code)
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(store, service.id, second, code)
    with clock.later(timedelta(seconds=30)):
        assert accounts.second_factor_given(store, service.id, second, worker.code)


def test_one_code_on_its_way_twice_at_the_same_moment_opens_once(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = services.create(store, "st-ives", "St Ives")
        worker = _person(store, service, "Amina Yusuf", "link-worker")
        service_id, staff_id, code = service.id, worker.staff.id, worker.code
    with stores.reading() as one, stores.reading() as other:
        seen_by_one = one.get_one(Staff, (service_id, staff_id))
        seen_by_other = other.get_one(Staff, (service_id, staff_id))
        one.expunge(seen_by_one)
        other.expunge(seen_by_other)
    opened = []
    for seen in (seen_by_one, seen_by_other):  # both have read the step before either has spent it
        with stores.writing.begin() as store:
            store.add(seen)
            opened.append(factor.spend_code(store, seen, code))
    assert opened == [True, False]


def test_a_recovery_code_opens_once(store: Session, service: Service, worker: Person) -> None:
    typed = f" {worker.recovery[3][:5].lower()}-{worker.recovery[3][5:].lower()} "
    signed_in = accounts.second_factor_given(store, service.id, _begin(store, service, worker.email), typed)
    assert signed_in.codes_left == 9
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(store, service.id, _begin(store, service, worker.email), typed)


def test_recovery_codes_are_ten_different_ones_kept_by_a_slow_hash(
    store: Session, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    worker = _person(store, service, "Amina Yusuf", "link-worker")
    assert len(set(worker.recovery)) == 10
    kept = store.scalars(select(RecoveryCode.code_hash)).all()
    assert len(set(kept)) == 10
    assert all(one.startswith("scrypt") for one in kept)
    assert accounts.second_factor_given(store, service.id, _begin(store, service, worker.email), worker.recovery[9])


def test_nobody_elses_recovery_code_opens(store: Session, service: Service, boss: Person, worker: Person) -> None:
    waiting = _begin(store, service, worker.email)
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(store, service.id, waiting, boss.recovery[0])


def test_new_recovery_codes_need_a_code_and_end_the_old_ones(store: Session, service: Service, worker: Person) -> None:
    with pytest.raises(NotRecognised):
        accounts.new_recovery_codes(store, worker.actor, "000 000")
    fresh = accounts.new_recovery_codes(store, worker.actor, worker.code)
    assert not set(fresh) & set(worker.recovery)
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(store, service.id, _begin(store, service, worker.email), worker.recovery[0])
    assert accounts.second_factor_given(store, service.id, _begin(store, service, worker.email), fresh[0])


@pytest.mark.sweep
@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "\x00" * 6, "۱۲۳", "K7QF2M9TXA", "x" * 10_000])
def test_what_is_no_code_is_refused_kindly(store: Session, service: Service, worker: Person, typed: str) -> None:
    waiting = _begin(store, service, worker.email)
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(store, service.id, waiting, typed)


# --- guessing -------------------------------------------------------------------------------------------------------


def _attack(store: Session, service: Service, email: str, times: int, address: str = ELSEWHERE) -> int:
    """Wrong passwords from a browser nobody knows; how many were looked at."""
    looked_at = 0
    for _ in range(times):
        try:
            _begin(store, service, email, "guessed velvet anchor", address=address)
        except NotRecognised:
            looked_at += 1
        except TooManyTries:
            pass
    return looked_at


@pytest.mark.parametrize("address", [HERE, ELSEWHERE], ids=["from the same address", "from another"])
def test_a_hundred_wrong_tries_shut_nobody_out(store: Session, service: Service, worker: Person, address: str) -> None:
    assert _attack(store, service, worker.email, 100, address) == 100
    assert _sign_in(store, service, worker)


def test_a_browser_that_has_been_here_gets_in_however_many_others_try(
    store: Session, service: Service, worker: Person
) -> None:
    device = _sign_in(store, service, worker).device
    assert _attack(store, service, worker.email, 130, HERE) == 120
    for _ in range(600):
        throttle.count(store, Kind.SIGN_IN_ADDRESS, HERE)
    with pytest.raises(TooManyTries):
        _begin(store, service, worker.email)
    with clock.later(timedelta(seconds=30)):
        assert _sign_in(store, service, worker, device)


def test_guessing_is_slowed_even_over_many_addresses(store: Session, service: Service, worker: Person) -> None:
    looked_at = sum(_attack(store, service, worker.email, 1, f"198.51.100.{number % 250}") for number in range(125))
    assert looked_at == 120


def test_guessing_on_the_persons_own_browser_is_slowed_too(store: Session, service: Service, worker: Person) -> None:
    device = _sign_in(store, service, worker).device
    for _ in range(30):
        with pytest.raises(NotRecognised):
            _begin(store, service, worker.email, "guessed velvet anchor", device=device)
    with pytest.raises(TooManyTries) as stopped:
        _begin(store, service, worker.email, device=device)
    assert stopped.value.until == MORNING + timedelta(minutes=15)


def test_sixty_people_behind_one_address_all_get_in(store: Session, service: Service) -> None:
    everybody = []
    for number in range(60):  # 180 tries and 60 sign-ins in a quarter of an hour
        staff = Staff(
            service_id=service.id,
            name=f"Person {number}",
            email=f"person{number}@example.org",
            role="link-worker",
            password_hash=passwords.hashed(PASSWORD),
            totp_secret=factor.new_secret(),
        )
        store.add(staff)
        everybody.append(Person(staff, staff.totp_secret, [], staff.email))
    store.flush()
    for person in everybody:
        assert _attack(store, service, person.email, 2, HERE) == 2
        assert _sign_in(store, service, person)


def test_an_unknown_email_is_throttled_like_a_known_one(store: Session, service: Service) -> None:
    assert _attack(store, service, "nobody@example.org", 122) == 120


def test_a_flood_is_written_down_once(store: Session, service: Service, worker: Person) -> None:
    _attack(store, service, worker.email, 125)
    reasons = store.scalars(select(AuditEvent.reason).where(AuditEvent.act == "was refused")).all()
    assert reasons.count("too-many-sign-in-unknown") == 1
    assert reasons.count("password") == 120


def _fill(store: Session, service: Service, email: str) -> None:
    """What 120 wrong passwords from browsers nobody knows leave behind, without their hashing."""
    for _ in range(120):
        throttle.count(store, Kind.SIGN_IN_UNKNOWN, f"{service.id}:{email}")


def test_a_forged_device_cookie_gives_no_count_of_its_own(store: Session, service: Service, worker: Person) -> None:
    number = "a" * 43
    _fill(store, service, worker.email)
    for device in ("", "x", ".....", number, f"{number}.{'0' * 32}", "\x00", number * 2000, number + ".g" * 32):
        with pytest.raises(TooManyTries):
            _begin(store, service, worker.email, device=device)


def test_a_device_cookie_counts_for_its_own_account_only(
    store: Session, service: Service, boss: Person, worker: Person
) -> None:
    device = _sign_in(store, service, boss).device
    _fill(store, service, worker.email)
    with pytest.raises(TooManyTries):
        _begin(store, service, worker.email, device=device)


def test_a_shared_computer_knows_both_who_use_it(
    store: Session, service: Service, boss: Person, worker: Person
) -> None:
    first = _sign_in(store, service, boss).device
    both = _sign_in(store, service, worker, first).device
    for person in (boss, worker):
        _fill(store, service, person.email)
        with clock.later(timedelta(seconds=30)):
            assert _sign_in(store, service, person, both)


def test_the_device_cookie_says_nothing_and_stays_short(store: Session, service: Service, worker: Person) -> None:
    device: str | None = None
    for number in range(7):
        with clock.later(timedelta(seconds=30 * number)):
            device = _sign_in(store, service, worker, device).device
    assert device is not None
    assert "amina" not in device
    assert len(device) < 250


def test_five_wrong_codes_burn_the_sign_in(store: Session, service: Service, worker: Person) -> None:
    waiting = _begin(store, service, worker.email)
    wrong = f"{(int(worker.code) + 1) % 10**6:06d}"
    for _ in range(5):
        with pytest.raises(NotRecognised):
            accounts.second_factor_given(store, service.id, waiting, wrong)
    with pytest.raises(NotWaiting):
        accounts.second_factor_given(store, service.id, waiting, worker.code)
    assert accounts.second_factor_given(store, service.id, _begin(store, service, worker.email), worker.code)


def test_whoever_has_the_password_cannot_try_all_codes(store: Session, service: Service, worker: Person) -> None:
    device = _sign_in(store, service, worker).device
    for _ in range(6):
        waiting = _begin(store, service, worker.email)
        for _ in range(5):
            with pytest.raises(NotRecognised):
                accounts.second_factor_given(store, service.id, waiting, "000 000")
    waiting = _begin(store, service, worker.email)
    with pytest.raises(TooManyTries):
        accounts.second_factor_given(store, service.id, waiting, worker.code)
    # The person, on the browser they always use, is not shut out by that.
    with clock.later(timedelta(seconds=30)):
        assert _sign_in(store, service, worker, device)


def test_a_burnt_sign_in_stays_burnt_also_for_a_code_that_was_on_its_way(
    store: Session, service: Service, worker: Person
) -> None:
    waiting = _begin(store, service, worker.email)
    pending = store.scalars(select(SignIn)).one()
    for _ in range(5):
        throttle.count(store, Kind.SECOND_FACTOR_ONCE, str(pending.id))
    with pytest.raises(NotWaiting):
        accounts.second_factor_given(store, service.id, waiting, worker.code)


def test_a_sign_in_that_ends_while_its_code_is_read_does_not_open(
    store: Session, service: Service, boss: Person, worker: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = _begin(store, service, worker.email)
    read = factor.spend_code

    def meanwhile(*given: Any) -> bool:
        accounts.revoke_all(store, boss.actor, worker.staff.id)
        return read(*given)

    monkeypatch.setattr(factor, "spend_code", meanwhile)
    with pytest.raises(NotWaiting):
        accounts.second_factor_given(store, service.id, waiting, worker.code)
    assert accounts.own_sign_ins(store, worker.actor) == []


# --- while signed in ------------------------------------------------------------------------------------------------


def _committed(stores: Stores) -> tuple[uuid.UUID, Person, accounts.SignedIn]:
    with stores.writing() as store:
        store.expire_on_commit = False
        service = services.create(store, "st-ives", "St Ives")
        worker = _person(store, service, "Amina Yusuf", "link-worker")
        signed_in = _sign_in(store, service, worker)
        store.commit()
        return service.id, worker, signed_in


def _is_in(stores: Stores, service_id: uuid.UUID, token: str, after: timedelta) -> bool:
    with clock.later(after), stores.reading() as store:
        return accounts.actor_for(store, service_id, token) is not None


def test_a_sign_in_ends_after_half_an_hour_of_nothing(stores: Stores) -> None:
    service_id, _worker, signed_in = _committed(stores)
    assert _is_in(stores, service_id, signed_in.token, timedelta(minutes=29))
    assert not _is_in(stores, service_id, signed_in.token, timedelta(minutes=31))


def test_whoever_keeps_working_stays_in_until_twelve_hours_are_over(stores: Stores) -> None:
    service_id, _worker, signed_in = _committed(stores)
    for minutes in range(0, 12 * 60, 20):
        with clock.later(timedelta(minutes=minutes)):
            accounts.touch(stores, signed_in.actor)
        assert _is_in(stores, service_id, signed_in.token, timedelta(minutes=minutes))
    with clock.later(timedelta(hours=12)):
        accounts.touch(stores, signed_in.actor)
    assert not _is_in(stores, service_id, signed_in.token, timedelta(hours=12, minutes=1))


def test_a_touch_writes_at_most_once_a_minute(stores: Stores) -> None:
    _service_id, _worker, signed_in = _committed(stores)

    def seen() -> datetime:
        with stores.reading() as store:
            return store.scalars(select(SignIn.seen_at).where(SignIn.id == signed_in.actor.sign_in_id)).one()

    with clock.later(timedelta(seconds=59)):
        accounts.touch(stores, signed_in.actor)
    assert seen() == MORNING
    with clock.later(timedelta(seconds=60)):
        accounts.touch(stores, signed_in.actor)
    assert seen() == MORNING + timedelta(seconds=60)


def test_a_touch_never_brings_a_sign_in_back_to_life(stores: Stores) -> None:
    service_id, _worker, signed_in = _committed(stores)
    with clock.later(timedelta(minutes=31)):
        accounts.touch(stores, signed_in.actor)
    assert not _is_in(stores, service_id, signed_in.token, timedelta(minutes=32))


def test_touching_without_a_sign_in_does_nothing(stores: Stores) -> None:
    _service_id, worker, signed_in = _committed(stores)
    accounts.touch(stores, replace(signed_in.actor, sign_in_id=None))
    accounts.touch(stores, replace(signed_in.actor, sign_in_id=worker.staff.id))


def test_signing_out_ends_this_sign_in_and_no_other(store: Session, service: Service, worker: Person) -> None:
    one = _sign_in(store, service, worker)
    with clock.later(timedelta(seconds=30)):
        other = _sign_in(store, service, worker)
    accounts.sign_out(store, one.actor)
    assert accounts.actor_for(store, service.id, one.token) is None
    assert accounts.actor_for(store, service.id, other.token)
    assert "signed out" in _acts(store, service)


def test_signing_out_without_a_sign_in_is_no_error(store: Session, service: Service, worker: Person) -> None:
    signed_in = _sign_in(store, service, worker)
    accounts.sign_out(store, worker.actor)
    assert accounts.actor_for(store, service.id, signed_in.token)


def test_own_sign_ins_are_listed_and_can_be_ended_one_by_one(
    store: Session, service: Service, boss: Person, worker: Person
) -> None:
    one = _sign_in(store, service, worker)
    with clock.later(timedelta(seconds=30)):
        other = _sign_in(store, service, worker)
        others = _sign_in(store, service, boss)
    _begin(store, service, worker.email)  # waits for its code: no sign-in yet
    assert [each.id for each in accounts.own_sign_ins(store, one.actor)] == [
        other.actor.sign_in_id,
        one.actor.sign_in_id,
    ]
    assert other.actor.sign_in_id is not None
    assert others.actor.sign_in_id is not None
    assert accounts.revoke(store, one.actor, other.actor.sign_in_id)
    assert accounts.actor_for(store, service.id, other.token) is None
    assert not accounts.revoke(store, one.actor, other.actor.sign_in_id)
    assert not accounts.revoke(store, one.actor, others.actor.sign_in_id)
    assert accounts.actor_for(store, service.id, others.token)


@pytest.mark.parametrize("end", ["leave", "revoke_all", "replace_second_factor"])
def test_every_sign_in_dies_at_once(store: Session, service: Service, boss: Person, worker: Person, end: str) -> None:
    signed_in = _sign_in(store, service, worker)
    waiting = _begin(store, service, worker.email)
    if end == "leave":
        accounts.leave(store, boss.actor, worker.staff.id)
    elif end == "revoke_all":
        accounts.revoke_all(store, boss.actor, worker.staff.id)
    else:
        accounts.replace_second_factor(store, boss.actor, worker.staff.id, link=_link)
    assert accounts.actor_for(store, service.id, signed_in.token) is None
    assert not accounts.is_waiting(store, service.id, waiting)


def test_a_changed_role_counts_at_once(store: Session, service: Service, boss: Person, worker: Person) -> None:
    signed_in = _sign_in(store, service, worker)
    accounts.change_role(store, boss.actor, worker.staff.id, "analyst")
    actor = accounts.actor_for(store, service.id, signed_in.token)
    assert actor is not None
    assert actor.role == Role.ANALYST


def test_a_refusal_can_be_written_down(store: Session, service: Service, worker: Person) -> None:
    accounts.record_refusal(store, service.id, worker.actor, "read referral", reason="role")
    event = store.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.act, event.actor_id, event.actor_kind, event.reason) == (
        "was refused",
        worker.staff.id,
        "staff",
        "role",
    )


# --- joining --------------------------------------------------------------------------------------------------------


def _join(store: Session, service: Service, token: str, **other: str) -> list[str]:
    given = {"name": "Jan Nowak", "password": PASSWORD, "code": accounts.code_now(accounts.offered_secret(token))}
    return accounts.accept(store, service, token, **(given | other))


def test_an_invitation_lets_somebody_in_and_they_can_sign_in(store: Session, service: Service, boss: Person) -> None:
    invited = accounts.invite(store, boss.actor, "Jan@Example.org", "manager", link=_link)
    recovery = _join(store, service, invited.token)
    staff = store.scalars(select(Staff).where(Staff.email == "jan@example.org")).one()
    assert (staff.name, staff.role, staff.state) == ("Jan Nowak", "manager", "active")
    jan = Person(staff, accounts.offered_secret(invited.token), recovery, staff.email)
    with clock.later(timedelta(seconds=30)):
        assert _sign_in(store, service, jan)
    assert {"invited staff", "joined"} <= set(_acts(store, service))


def test_the_code_used_for_joining_does_not_sign_in_as_well(store: Session, service: Service, boss: Person) -> None:
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    _join(store, service, invited.token)
    waiting = _begin(store, service, "jan@example.org")
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(
            store, service.id, waiting, accounts.code_now(accounts.offered_secret(invited.token))
        )


def test_an_invitation_is_sent_with_its_link_and_no_token_is_kept(
    store: Session, service: Service, boss: Person
) -> None:
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    message = store.scalars(select(Message)).one()
    assert (message.template, message.address) == ("invitation", "jan@example.org")
    assert message.details == {"link": _link(invited.token), "by": "2026-11-30"}
    assert invited.invitation.token_hash == codes.digest(invited.token)
    assert len(base64.urlsafe_b64decode(invited.token + "=")) >= 16


def test_looking_at_an_invitation_changes_nothing(store: Session, service: Service, boss: Person) -> None:
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    for _ in range(3):
        assert accounts.invitation_for(store, service.id, invited.token) is not None
    assert not store.dirty
    assert _join(store, service, invited.token)


def test_a_used_old_withdrawn_or_forged_link_opens_nothing(
    store: Session, service: Service, other_service: Service, boss: Person
) -> None:
    older = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    newer = accounts.invite(store, boss.actor, "jan@example.org", "link-worker", link=_link)
    for token in (older.token, "forged", "", codes.new_key(), "x" * 10_000):
        with pytest.raises(NotInvited):
            _join(store, service, token)
    with pytest.raises(NotInvited):
        _join(store, other_service, newer.token)
    with clock.later(timedelta(days=7)), pytest.raises(NotInvited):
        _join(store, service, newer.token)
    _join(store, service, newer.token)
    with pytest.raises(NotInvited):
        _join(store, service, newer.token)
    withdrawn = accounts.invite(store, boss.actor, "ewa@example.org", "manager", link=_link)
    assert accounts.withdraw(store, boss.actor, withdrawn.invitation.id)
    assert not accounts.withdraw(store, boss.actor, withdrawn.invitation.id)
    with pytest.raises(NotInvited):
        _join(store, service, withdrawn.token)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"name": "  \N{ZERO WIDTH SPACE}"}, {"name"}),
        ({"name": "x" * 151}, {"name"}),
        ({"name": "A\x00"}, {"name"}),
        ({"name": "A" + "\N{COMBINING ACUTE ACCENT}" * 200}, {"name"}),
        ({"password": "password1234"}, {"password"}),
        ({"password": "jan nowak is great"}, {"password"}),
        ({"code": "000000"}, {"code"}),
        ({"code": ""}, {"code"}),
        ({"name": "", "password": "", "code": "x"}, {"name", "password", "code"}),
    ],
)
def test_what_cannot_be_taken_is_said_all_at_once_and_the_link_lives(
    store: Session, service: Service, boss: Person, given: dict[str, str], fields: set[str]
) -> None:
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    with pytest.raises(NotTaken) as refused:
        _join(store, service, invited.token, **given)
    assert set(refused.value.problems) == fields
    assert _join(store, service, invited.token)


def test_codes_cannot_be_tried_for_ever_while_joining(store: Session, service: Service, boss: Person) -> None:
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    for _ in range(60):
        with pytest.raises(NotTaken):
            _join(store, service, invited.token, code="000000")
    with pytest.raises(TooManyTries):
        _join(store, service, invited.token)


def test_an_invitation_withdrawn_while_somebody_joins_lets_nobody_in(
    store: Session, service: Service, boss: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    slow = passwords.hashed

    def meanwhile(password: str) -> str:
        accounts.withdraw(store, boss.actor, invited.invitation.id)
        return slow(password)

    monkeypatch.setattr(passwords, "hashed", meanwhile)
    with pytest.raises(NotInvited):
        _join(store, service, invited.token)
    assert store.scalars(select(Staff).where(Staff.email == "jan@example.org")).all() == []


def test_codes_cannot_be_tried_for_ever_for_new_recovery_codes(
    store: Session, service: Service, worker: Person
) -> None:
    for _ in range(20):
        with pytest.raises(NotRecognised):
            accounts.new_recovery_codes(store, worker.actor, "000 000")
    with pytest.raises(TooManyTries):
        accounts.new_recovery_codes(store, worker.actor, worker.code)


def test_the_secret_for_the_app_is_the_same_on_every_loading_and_another_for_every_link() -> None:
    token = codes.new_key()
    assert accounts.offered_secret(token) == accounts.offered_secret(token)
    assert accounts.offered_secret(token) != accounts.offered_secret(codes.new_key())
    assert len(base64.b32decode(accounts.offered_secret(token))) == 20


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("email", "role", "fields"),
    [
        ("", "manager", {"email"}),
        ("not an email", "manager", {"email"}),
        ("a@example.org\nBcc: b@example.org", "manager", {"email"}),
        ("jan@example.org", "chief", {"role"}),
        ("", "", {"email", "role"}),
        ("rosa@example.org", "manager", {"email"}),
    ],
)
def test_an_invitation_that_cannot_be_is_refused(
    store: Session, service: Service, boss: Person, email: str, role: str, fields: set[str]
) -> None:
    with pytest.raises(NotTaken) as refused:
        accounts.invite(store, boss.actor, email, role, link=_link)
    assert set(refused.value.problems) == fields
    assert store.scalar(select(func.count()).select_from(Invitation)) == 0


def test_whoever_left_can_be_invited_again_and_keeps_their_record(
    store: Session, service: Service, boss: Person, worker: Person
) -> None:
    accounts.leave(store, boss.actor, worker.staff.id)
    invited = accounts.invite(store, boss.actor, worker.email, "manager", link=_link)
    _join(store, service, invited.token, name="Amina Yusuf-Khan", password="another anchor pigeon")
    assert (worker.staff.state, worker.staff.role, worker.staff.name) == ("active", "manager", "Amina Yusuf-Khan")


def test_a_lost_phone_gets_a_new_one_by_a_link_and_the_old_one_is_dead(
    store: Session, service: Service, boss: Person, worker: Person
) -> None:
    made = accounts.replace_second_factor(store, boss.actor, worker.staff.id, link=_link)
    assert made is not None
    assert accounts.has_to_join_again(worker.staff)
    with pytest.raises(NotRecognised):
        _begin(store, service, worker.email)
    accounts.change_role(store, boss.actor, worker.staff.id, "analyst")
    recovery = _join(store, service, made.token, name="Amina Yusuf", password="another anchor pigeon")
    assert worker.staff.role == "analyst"
    waiting = _begin(store, service, worker.email, "another anchor pigeon")
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(store, service.id, waiting, worker.code)
    with pytest.raises(NotRecognised):
        accounts.second_factor_given(store, service.id, waiting, worker.recovery[0])
    assert accounts.second_factor_given(store, service.id, waiting, recovery[0])


@pytest.mark.sweep
@pytest.mark.parametrize("given", [{"name": ""}, {"email": "x"}, {"role": "chief"}, {"password": "short"}])
def test_the_command_line_keeps_the_same_rules(store: Session, service: Service, given: dict[str, str]) -> None:
    right = {"name": "Jan Nowak", "email": "jan@example.org", "role": "manager", "password": PASSWORD}
    with pytest.raises(NotTaken) as refused:
        accounts.create_first(store, service, **(right | given))
    assert set(refused.value.problems) == set(given)


def test_two_accounts_cannot_share_an_email(store: Session, service: Service, worker: Person) -> None:
    with pytest.raises(NotTaken):
        accounts.create_first(
            store, service, name="Another", email="AMINA@example.org", role="manager", password=PASSWORD
        )


# --- the team -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["link-worker", "manager", "analyst"])
def test_only_an_administrator_runs_the_team(store: Session, service: Service, boss: Person, role: str) -> None:
    nobody = replace(boss.actor, role=Role(role))
    for act in (
        lambda: accounts.invite(store, nobody, "jan@example.org", "manager", link=_link),
        lambda: accounts.withdraw(store, nobody, boss.staff.id),
        lambda: accounts.change_role(store, nobody, boss.staff.id, "manager"),
        lambda: accounts.leave(store, nobody, boss.staff.id),
        lambda: accounts.replace_second_factor(store, nobody, boss.staff.id, link=_link),
    ):
        with pytest.raises(access.Refused):
            act()
    with pytest.raises(access.Refused):
        accounts.revoke_all(store, replace(nobody, staff_id=codes.new_id()), boss.staff.id)
    assert accounts.revoke_all(store, nobody, boss.staff.id) == 0  # one's own are always one's own


def test_the_last_manager_and_the_last_administrator_stay(store: Session, service: Service, boss: Person) -> None:
    manager = _person(store, service, "Jan Nowak", "manager")
    for person in (boss, manager):
        with pytest.raises(NotTaken) as refused:
            accounts.leave(store, boss.actor, person.staff.id)
        assert set(refused.value.problems) == {"staff"}
        with pytest.raises(NotTaken) as refused:
            accounts.change_role(store, boss.actor, person.staff.id, "link-worker")
        assert set(refused.value.problems) == {"role"}
    second = _person(store, service, "Ewa Lis", "manager")
    assert accounts.leave(store, boss.actor, manager.staff.id)
    with pytest.raises(NotTaken):
        accounts.leave(store, boss.actor, second.staff.id)


def test_whoever_leaves_is_taken_off_the_rota(store: Session, service: Service, boss: Person, worker: Person) -> None:
    services.set_duty(store, boss.actor, "duty", worker.staff.id, MORNING)
    services.set_duty(store, boss.actor, "deputy", worker.staff.id, MORNING + timedelta(days=3))
    manager = _person(store, service, "Jan Nowak", "manager")
    theirs = services.set_duty(store, boss.actor, "manager", manager.staff.id, MORNING)
    with clock.later(timedelta(hours=1)):
        accounts.leave(store, boss.actor, worker.staff.id)
        assert [turn.id for turn in services.rota(store, service.id)] == [theirs.id]


def test_whoever_may_no_longer_see_alerts_is_taken_off_the_rota(
    store: Session, service: Service, boss: Person, worker: Person
) -> None:
    services.set_duty(store, boss.actor, "duty", worker.staff.id, MORNING)
    with clock.later(timedelta(hours=1)):
        accounts.change_role(store, boss.actor, worker.staff.id, "manager")
        assert services.rota(store, service.id)
        _person(store, service, "Jan Nowak", "manager")
        accounts.change_role(store, boss.actor, worker.staff.id, "analyst")
        assert services.rota(store, service.id) == []


def test_another_services_people_are_not_there(
    store: Session, service: Service, other_service: Service, boss: Person, worker: Person
) -> None:
    stranger = _person(store, other_service, "Olga Petrenko", "administrator")
    assert accounts.change_role(store, stranger.actor, worker.staff.id, "manager") is None
    assert accounts.leave(store, stranger.actor, worker.staff.id) is None
    assert accounts.revoke_all(store, stranger.actor, worker.staff.id) is None
    assert accounts.replace_second_factor(store, stranger.actor, worker.staff.id, link=_link) is None
    assert accounts.colleague(store, stranger.actor, worker.staff.id) is None
    assert [each.id for each in accounts.colleagues(store, stranger.actor)] == [stranger.staff.id]
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    assert not accounts.withdraw(store, stranger.actor, invited.invitation.id)
    assert accounts.open_invitations(store, stranger.actor) == []
    assert [each.id for each in accounts.open_invitations(store, boss.actor)] == [invited.invitation.id]


def test_an_unknown_role_changes_nothing(store: Session, service: Service, boss: Person, worker: Person) -> None:
    with pytest.raises(NotTaken):
        accounts.change_role(store, boss.actor, worker.staff.id, "chief")
    assert worker.staff.role == "link-worker"
    assert accounts.change_role(store, boss.actor, worker.staff.id, "link-worker") is worker.staff
    assert "changed role" not in _acts(store, service)


def test_nobody_leaves_twice(store: Session, service: Service, boss: Person, worker: Person) -> None:
    assert accounts.leave(store, boss.actor, worker.staff.id)
    assert accounts.leave(store, boss.actor, worker.staff.id) is None
    assert accounts.change_role(store, boss.actor, worker.staff.id, "manager") is None
    assert accounts.replace_second_factor(store, boss.actor, worker.staff.id, link=_link) is None


def test_those_who_left_stand_last(store: Session, service: Service, boss: Person, worker: Person) -> None:
    accounts.leave(store, boss.actor, worker.staff.id)
    assert [each.name for each in accounts.colleagues(store, boss.actor)] == ["Rosa Marchetti", "Amina Yusuf"]


def test_nothing_personal_stands_in_the_audit(store: Session, service: Service, boss: Person, worker: Person) -> None:
    _sign_in(store, service, worker)
    _attack(store, service, worker.email, 3)
    invited = accounts.invite(store, boss.actor, "jan@example.org", "manager", link=_link)
    _join(store, service, invited.token)
    accounts.leave(store, boss.actor, worker.staff.id)
    store.flush()
    for event in store.scalars(select(AuditEvent)).all():
        said = f"{event.act} {event.reason} {event.details}".lower()
        for personal in ("example.org", "amina", "jan nowak", "rosa", HERE, ELSEWHERE):
            assert personal not in said
    assert audit.verify(store, service.id) == []
