"""Instants as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.domain.errors import UsageError
from carecli.domain.instants import parse_instant

NOW = 1_795_370_400_000  # 2026-11-22T18:00:00Z
DAY = 86_400_000


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone two hours east of Greenwich."""
    monkeypatch.setenv("TZ", "XST-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("now", NOW),
        ("30m", NOW - 1_800_000),
        ("2h", NOW - 7_200_000),
        (" 3D ", NOW - 3 * DAY),
        ("1w", NOW - 7 * DAY),
        ("today", NOW - 20 * 3_600_000),  # it is 20:00 here
        ("yesterday", NOW - 44 * 3_600_000),
        ("2026-11-22", NOW - 20 * 3_600_000),
        ("2026-11-22T19:30", NOW - 1_800_000),
        ("2026-11-22T17:30Z", NOW - 1_800_000),
        ("2026-11-22 17:30:00+00:00", NOW - 1_800_000),
    ],
)
def test_what_people_write(text: str, found: int) -> None:
    assert parse_instant(text, NOW) == found


@pytest.mark.parametrize(
    "text", ["", "soon", "h", "2x", "-3d", "٣d", "100001d", "2026-13-01", "2026-11-22T25:00", "0001-01-01"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse_instant(text, NOW)
    assert wrong.value.code == "BAD_TIME"


@given(st.text(max_size=12))
def test_any_text_is_a_time_or_told(text: str) -> None:
    with suppress(UsageError):
        assert isinstance(parse_instant(text, NOW), int)
