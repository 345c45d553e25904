"""Names of things: ULIDs sort by time, message keys rise, references split in one way only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.domain.errors import UsageError
from carecli.domain.ids import message_key, split_ref, ulid

MILLISECONDS = st.integers(0, (1 << 48) - 1)
ENTROPY = st.binary(min_size=10, max_size=10)


@given(MILLISECONDS, MILLISECONDS, ENTROPY, ENTROPY)
def test_ulids_sort_by_time_and_then_by_entropy(first: int, second: int, one: bytes, other: bytes) -> None:
    assert (ulid(first, one) < ulid(second, other)) == ((first, one) < (second, other))


@given(MILLISECONDS, ENTROPY)
def test_a_ulid_is_26_characters_that_nobody_confuses(at: int, entropy: bytes) -> None:
    made = ulid(at, entropy)
    assert len(made) == 26
    assert not set(made) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert made[0] <= "7"


def test_the_ulid_of_the_specification() -> None:
    assert ulid(1469918176385, bytes(10)) == "01ARYZ6S41" + "0" * 16
    assert ulid((1 << 48) - 1, b"\xff" * 10) == "7" + "Z" * 25


@pytest.mark.parametrize(("at", "entropy"), [(-1, bytes(10)), (1 << 48, bytes(10)), (0, bytes(9)), (0, bytes(11))])
def test_what_does_not_fit_into_a_ulid_is_refused(at: int, entropy: bytes) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        ulid(at, entropy)


@given(MILLISECONDS, MILLISECONDS, st.integers(), st.integers())
def test_message_keys_rise_with_time(first: int, second: int, one: int, other: int) -> None:
    if first < second:
        assert message_key(first, one) < message_key(second, other)
    assert message_key(first, one) >> 12 == first


@given(st.integers(max_value=0), st.integers(0, 4095))
def test_times_before_1970_count_as_1970(at: int, sequence: int) -> None:
    assert message_key(at, sequence) == sequence


@given(st.integers(0, 1 << 50))
def test_a_message_key_fits_into_the_store(at: int) -> None:
    assert 0 <= message_key(at, 4095) < 1 << 63


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("support:12", ("support", "12")),
        (" jsm:SUP-12\n", ("jsm", "SUP-12")),
        ("12", (None, "12")),
        ("INC0010023", (None, "INC0010023")),
    ],
)
def test_references(text: str, found: tuple[str | None, str]) -> None:
    assert split_ref(text) == found


@pytest.mark.parametrize("text", ["", "  ", "support:", ":12", ":"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        split_ref(text)
    assert caught.value.code == "BAD_REF"
