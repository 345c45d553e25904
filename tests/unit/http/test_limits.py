"""What vendors say about their limits, in all its forms, and how long to wait for it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.connectors.http.limits import LONGEST_PAUSE, Governor, Window, pause, retry_after, seconds_from, windows

NOW = 1_790_000_000.0
moments = st.integers(min_value=0, max_value=4_000_000_000)
waits = st.integers(min_value=0, max_value=3600)


@given(waits)
def test_all_forms_of_a_moment_mean_the_same(wait: int) -> None:
    then = datetime.fromtimestamp(NOW + wait, UTC)
    forms = [str(wait), f"{NOW + wait:.0f}", f"{(NOW + wait) * 1000:.0f}", format_datetime(then, usegmt=True)]
    forms += [then.isoformat(), then.strftime("%Y-%m-%dT%H:%MZ") if then.second == 0 else then.isoformat()]
    assert {seconds_from(form, NOW) for form in forms} == {float(wait)}


@given(st.text() | st.from_regex(r"[0-9]{1,25}"), moments)
def test_any_header_is_survived(text: str, now: int) -> None:
    seconds = seconds_from(text, now)
    assert seconds is None or 0 <= seconds <= LONGEST_PAUSE
    governor = Governor()
    names = (
        "retry-after",
        "x-ratelimit-remaining",
        "x-ratelimit-limit",
        "x-ratelimit-reset",
        "ratelimit",
        "acme-ratelimit-x",
    )
    governor.feed(dict.fromkeys(names, text), now, refused=True)
    assert 0 <= governor.pause(now) <= LONGEST_PAUSE


@given(st.dictionaries(st.sampled_from(["ratelimit", "x-rate-limit", "retry-after", "etag"]), st.text()), moments)
def test_retry_after_is_whole_seconds_or_nothing(headers: dict[str, str], now: int) -> None:
    found = retry_after(headers, now)
    assert found is None or (isinstance(found, int) and found >= 0)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ratelimit-limit": "700", "ratelimit-remaining": "0", "ratelimit-reset": "46"}, (700, 0, 46)),
        ({"x-rate-limit": "700", "x-rate-limit-remaining": "699"}, (700, 699, 60)),
        ({"x-ratelimit-total": "200", "x-ratelimit-remaining": "5"}, (200, 5, 60)),
        (
            {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "9", "x-ratelimit-reset": f"{NOW + 8:.0f}"},
            (100, 9, 8),
        ),
        ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "2026-09-21T14:13Z"}, (None, 9, 0)),
        ({"ratelimit": "limit=100, remaining=50, reset=30"}, (100, 50, 30)),
        ({"ratelimit": '"default";r=50;t=30'}, (None, 50, 30)),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "7"}, (100, 7, 60)),
        ({"x-ratelimit-limit-minute": "400", "x-ratelimit-remaining-minute": "3"}, (400, 3, 60)),
        ({"zendesk-ratelimit-tickets-index": "total=100; remaining=99; resets=46"}, (100, 99, 46)),
    ],
)
def test_every_vendor_s_form_is_read(headers: dict[str, str], expected: tuple[Any, ...]) -> None:
    (window,) = windows(headers, NOW).values()
    assert (window.limit, window.remaining) == expected[:2]
    assert expected[2] == 0 or window.ends == NOW + expected[2]


any_window = st.builds(
    Window,
    limit=st.none() | st.integers(0, 10_000),
    remaining=st.integers(0, 10_000),
    ends=st.integers(int(NOW) - 100, int(NOW) + 10_000),
    everything=st.booleans(),
)


@given(any_window, st.booleans())
def test_a_pause_is_bounded_and_ends_with_its_window(window: Window, urgent: bool) -> None:
    seconds = pause(window, NOW, urgent=urgent)
    assert 0 <= seconds <= min(LONGEST_PAUSE, max(window.ends - NOW, 0))
    assert pause(window, window.ends, urgent=urgent) == 0


@given(any_window, st.integers(1, 100))
def test_less_left_never_means_a_shorter_pause(window: Window, fewer: int) -> None:
    less = Window(window.limit, max(window.remaining - fewer, 0), window.ends, window.everything)
    assert pause(less, NOW, urgent=False) >= pause(window, NOW, urgent=False)
    assert pause(window, NOW, urgent=True) <= pause(window, NOW, urgent=False)


@given(st.integers(10, 1000), st.integers(1, 600))
def test_who_waits_as_told_is_never_refused(limit: int, length: int) -> None:
    """A vendor that counts calls in a window, and a reader that pauses as the governor says."""
    now, left, governor = NOW, limit, Governor()
    ends = NOW + length
    for _ in range(min(limit * 2, 300)):
        now += governor.pause(now)
        if now >= ends:
            left, ends = limit, now + length
        assert left > 0
        left -= 1
        told = {"ratelimit-limit": str(limit), "ratelimit-remaining": str(left), "ratelimit-reset": f"{ends - now:.9f}"}
        governor.feed(told, now)


def test_a_refusal_holds_everything_until_its_time() -> None:
    governor = Governor()
    governor.feed({"retry-after": "30"}, NOW, refused=True)
    assert governor.pause(NOW, urgent=True) == 30
    assert governor.pause(NOW + 30, urgent=True) == 0
    assert governor.pause(NOW - 5) == 0, "the clock was set back"


def test_a_refusal_without_seconds_waits_for_the_window() -> None:
    assert retry_after({"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOW + 12:.0f}"}, NOW) == 12
    assert retry_after({"x-ratelimit-remaining": "0"}, NOW) is None
    assert retry_after({}, NOW) is None


def test_a_limit_of_one_kind_of_call_does_not_hold_what_people_send() -> None:
    governor = Governor()
    governor.feed({"zendesk-ratelimit-incremental": "total=10; remaining=0; resets=40"}, NOW)
    assert governor.pause(NOW) == 40
    assert governor.pause(NOW, urgent=True) == 0
