"""Identifiers, references, numbers and keys: each against its published rule, and against every slip of a hand."""

import hashlib
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import codes

ROOT = Path(__file__).parent.parent
crockford = st.text(codes.CROCKFORD, min_size=8, max_size=8)
references = crockford.map(lambda eight: eight + codes._check_character(eight))
# The first digit of some scripts in which people here count; Unicode lays out each as ten in a row.
ZEROS = {"Arabic": 0x660, "Persian and Urdu": 0x6F0, "Bengali": 0x9E6, "Gurmukhi": 0xA66, "full-width": 0xFF10}


def in_digits_of(zero: int, plain: str) -> str:
    return "".join(chr(zero + int(one)) if one in "0123456789" else one for one in plain)


# --- identifiers ------------------------------------------------------------------------------------------------------


def test_an_identifier_is_laid_out_as_in_the_rfc() -> None:
    # RFC 9562 appendix A.6: 22 February 2022, 14:22:22 in New York; rand_a and rand_b as printed there.
    moment = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    random_part = 0xCC3 << 62 | 0x18C4DC0C0C07398F
    made = codes._version_7(int(moment.timestamp() * 1000), random_part)
    assert made == uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
def test_every_identifier_says_its_version_and_variant_and_keeps_all_its_bits(milliseconds: int, random: int) -> None:
    made = codes._version_7(milliseconds, random)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == milliseconds
    assert (made.int >> 64 & 0xFFF) << 62 | made.int & (1 << 62) - 1 == random


def test_a_new_identifier_carries_the_present_time() -> None:
    before = datetime.now(UTC).timestamp() * 1000
    made = codes._Sequence().next()
    assert before - 1 <= made.int >> 80 <= datetime.now(UTC).timestamp() * 1000


def test_identifiers_are_unique_and_in_the_order_of_making() -> None:
    made = [codes.new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_identifiers_keep_their_order_when_the_machines_clock_is_set_back() -> None:
    with mock.patch("portal.codes.time.time_ns", side_effect=[2_000_000_000, 1_000_000_000, 1_000_000_000]):
        sequence = codes._Sequence()
        first, second, third = sequence.next(), sequence.next(), sequence.next()
    assert first < second < third


def test_a_full_millisecond_runs_over_into_the_next_one() -> None:
    sequence = codes._Sequence()
    with mock.patch("portal.codes.time.time_ns", return_value=1_000_000):
        sequence._last = 1 << 74 | (1 << 74) - 1
        made = sequence.next()
    assert made.int >> 80 == 2
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_threads_never_make_the_same_identifier() -> None:
    made: list[uuid.UUID] = []
    threads = [threading.Thread(target=lambda: made.extend([codes.new_id() for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_a_forked_process_does_not_count_on_from_its_parent() -> None:
    # In a process of its own: forking a test runner that has threads is not safe.
    program = """
import os
from portal import codes
codes.new_id()
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    print(codes._sequence._last)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert printed.stdout.strip() == "0"


# --- references -------------------------------------------------------------------------------------------------------


def test_a_new_reference_reads_back_and_shows_in_groups() -> None:
    reference = codes.new_reference()
    assert len(reference) == codes.REFERENCE_LENGTH
    assert codes.read_reference(reference) == reference
    shown = codes.show_reference(reference)
    assert [len(group) for group in shown.split("-")] == [4, 4, 1]
    assert codes.read_reference(shown) == reference


def test_the_example_shows_as_on_the_card() -> None:
    assert codes.show_reference("K7QF2M9TX") == "K7QF-2M9T-X"


def test_a_check_character_worked_out_by_hand() -> None:
    # From the right, every other value doubled and its two base-32 digits added up: 1 gives 2; 32 - 2 = 30, which is Y.
    assert codes._check_character("00000001") == "Y"
    # Z is 31: 62 is 1 and 30 in base 32, so 31; 32 - 31 = 1.
    assert codes._check_character("0000000Z") == "1"


@given(references, st.integers(0, 8), st.sampled_from(codes.CROCKFORD))
def test_one_wrong_character_is_always_found(reference: str, place: int, other: str) -> None:
    wrong = reference[:place] + other + reference[place + 1 :]
    assert codes.read_reference(wrong) == (reference if wrong == reference else None)


@given(references, st.integers(0, 7))
def test_two_neighbours_changing_places_are_found_unless_they_are_0_and_z(reference: str, place: int) -> None:
    first, second = reference[place], reference[place + 1]
    swapped = reference[:place] + second + first + reference[place + 2 :]
    missed = swapped == reference or {first, second} == {"0", "Z"}
    assert codes.read_reference(swapped) == (swapped if missed else None)


@given(references, st.sampled_from(list(ZEROS.values())), st.data())
def test_a_reference_is_read_however_it_is_typed(reference: str, zero: int, data: st.DataObject) -> None:
    typed = ""
    for character in in_digits_of(zero, reference):
        ways = {character, character.lower(), *{"0": "Oo", "1": "IiLl"}.get(character, "")}
        if character.isascii():
            ways.add(chr(ord(character) + 0xFEE0))  # its full-width form
        typed += data.draw(st.sampled_from(sorted(ways)))
        typed += data.draw(st.sampled_from(["", "", " ", "-", "–", "\u00a0", "\u200f", "−"]))
    assert codes.read_reference(typed) == reference


@pytest.mark.parametrize(
    "typed", ["", " ", "K7QF-2M9T", "U7QF-2M9T-X", "K7QF-2M9T-X-X", "ß7QF2M9T1", "9" * 100_000, "\ud800"]
)
def test_what_is_no_reference_is_not_read(typed: str) -> None:
    assert codes.read_reference(typed) is None


def test_a_typed_o_and_i_and_l_are_what_was_printed() -> None:
    reference = "01010101" + codes._check_character("01010101")
    assert codes.read_reference("oIOl-OLoi-" + reference[-1]) == reference


# --- return numbers ---------------------------------------------------------------------------------------------------


def test_a_key_always_gives_the_same_return_number() -> None:
    # Fixed here, because cards already printed must stay right after any change of this module.
    assert codes.return_number_from("a") == "376019023392"
    assert codes.return_number_from("b") == "119073366192"


def test_values_too_large_are_thrown_away_and_not_folded_back() -> None:
    blocks = [bytes([255] * 32), (10**12).to_bytes(5, "big") + bytes(27), (10**12 - 1).to_bytes(5, "big") + bytes(27)]
    with mock.patch("portal.codes.hmac.digest", side_effect=blocks) as derive:
        assert codes.return_number_from("any") == "999999999999"
    assert len({call.args[1] for call in derive.call_args_list}) == 3  # a new block each time


def test_return_numbers_are_spread_evenly() -> None:
    firsts = Counter(codes.return_number_from(str(key))[0] for key in range(20_000))
    # 2,000 expected of each; 250 is more than five standard deviations. The keys are fixed, so this cannot flicker.
    assert set(firsts) == set("0123456789")
    assert all(abs(count - 2_000) < 250 for count in firsts.values())


@given(st.text(min_size=1))
def test_a_return_number_reads_back_from_any_key(key: str) -> None:
    number = codes.return_number_from(key)
    assert codes.read_return_number(codes.show_return_number(number)) == number


def test_a_return_number_shows_in_threes() -> None:
    assert codes.show_return_number("123456789012") == "123 456 789 012"


@pytest.mark.parametrize("zero", ZEROS.values(), ids=list(ZEROS))
def test_a_return_number_is_read_in_the_digits_of_any_script(zero: int) -> None:
    assert codes.read_return_number(in_digits_of(zero, " 123-456 789–012\u200f")) == "123456789012"


@pytest.mark.parametrize("typed", ["", "12345678901", "1234567890123", "12345678901O", "½" * 12, "-", "²" * 12 + "x"])
def test_what_is_no_return_number_is_not_read(typed: str) -> None:
    assert codes.read_return_number(typed) is None


# --- six-digit and recovery codes -------------------------------------------------------------------------------------


def test_a_new_code_has_six_digits_and_reads_back() -> None:
    made = {codes.new_code() for _ in range(50)}
    assert len(made) > 40
    assert all(codes.read_code(f"{code[:3]} {code[3:]}") == code for code in made)


def test_a_code_that_begins_with_zeros_keeps_them() -> None:
    with mock.patch("portal.codes.secrets.randbelow", return_value=42):
        assert codes.new_code() == "000042"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a"])
def test_what_is_no_code_is_not_read(typed: str) -> None:
    assert codes.read_code(typed) is None


def test_a_new_recovery_code_shows_in_two_groups_and_reads_back() -> None:
    code = codes.new_recovery_code()
    shown = codes.show_recovery_code(code)
    assert [len(group) for group in shown.split("-")] == [5, 5]
    assert codes.read_recovery_code(f" {shown.lower()} ") == code


@pytest.mark.parametrize("typed", ["", "ABCDE-FGHJ", "ABCDE-FGHJK-M", "ABCDE-FGHJU", "?"])
def test_what_is_no_recovery_code_is_not_read(typed: str) -> None:
    assert codes.read_recovery_code(typed) is None


def test_a_tower_of_marks_costs_no_time() -> None:
    began = time.process_time()
    assert codes.read_reference("a" + "\u0301\u0323" * 50_000) is None
    assert time.process_time() - began < 0.5


@given(st.text())
def test_no_reader_falls_over_anything_typed(typed: str) -> None:
    readers: list[tuple[Callable[[str], str | None], int]] = [
        (codes.read_reference, codes.REFERENCE_LENGTH),
        (codes.read_return_number, codes.RETURN_NUMBER_LENGTH),
        (codes.read_code, codes.CODE_LENGTH),
        (codes.read_recovery_code, codes.RECOVERY_CODE_LENGTH),
    ]
    for read, length in readers:
        code = read(typed)
        assert code is None or (len(code) == length and set(code) <= set(codes.CROCKFORD) and read(code) == code)


# --- keys and digests -------------------------------------------------------------------------------------------------


def test_new_keys_are_long_differ_and_fit_an_address() -> None:
    made = {codes.new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(len(key) == 43 and key.replace("-", "").replace("_", "").isalnum() for key in made)


def test_a_digest_is_sha_256() -> None:
    # FIPS 180-2 appendix B.1, the message "abc".
    assert codes.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_slow_digest_matches_only_the_same_secret_salt_and_pepper() -> None:
    kept = codes.slow_digest("123456789012", b"salt", b"pepper")
    assert codes.slow_match("123456789012", b"salt", b"pepper", kept)
    assert not codes.slow_match("123456789013", b"salt", b"pepper", kept)
    assert not codes.slow_match("123456789012", b"tlas", b"pepper", kept)
    assert not codes.slow_match("123456789012", b"salt", b"reppep", kept)
    assert not codes.slow_match("123456789012", b"salt", b"pepper", kept.replace("scrypt-13-8-1", "scrypt-1-1-1"))


@pytest.mark.usefixtures("real_hashes")
def test_a_slow_digest_stays_the_same_and_does_not_hold_the_secret() -> None:
    # Fixed here, because digests already in a store must stay right after any change of this module.
    kept = codes.slow_digest("123456", b"a", b"b")
    assert kept == "scrypt-13-8-1$904ba2d2e1c590463ed8e96ed61b6e88d4f5ed09827cc21e9859916de4ec3c53"


def test_the_slow_function_is_the_one_in_the_rfc() -> None:
    # RFC 7914 section 12, second vector, so that the name of the recipe means what it says on this machine.
    expected = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da"
    made = hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=48)
    assert made.hex() == expected


@pytest.mark.parametrize(("salt", "pepper"), [(b"", b"pepper"), (b"salt", b"")])
def test_a_short_secret_is_never_kept_without_salt_and_pepper(salt: bytes, pepper: bytes) -> None:
    with pytest.raises(ValueError, match="salt and a pepper"):
        codes.slow_digest("123456", salt, pepper)
