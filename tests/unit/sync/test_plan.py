"""What to do after a write went wrong: only a promise that nothing happened leads to a second try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.connectors.spi import errors as spi
from carecli.domain import errors
from carecli.domain.operation import Signal
from carecli.sync import plan

SIGNALS = [
    (spi.Retryable("x"), Signal.RETRY),
    (spi.Throttled("x", retry_after=5), Signal.RETRY),
    (spi.AuthNeeded("x"), Signal.RETRY),
    (spi.BadSetup("x"), Signal.RETRY),
    (spi.Ambiguous("x"), Signal.AMBIGUOUS),
    (errors.UnreachableError("x"), Signal.AMBIGUOUS),
    (spi.Conflicting("x"), Signal.STALE),
    (errors.ConflictError("x"), Signal.STALE),
    (spi.Rejected("x"), Signal.REJECTED),
    (spi.Gone("x"), Signal.REJECTED),
    (spi.Unsupported("x"), Signal.REJECTED),
    (errors.UsageError("x"), Signal.REJECTED),
    (ValueError("x"), Signal.AMBIGUOUS),
    (TimeoutError("x"), Signal.AMBIGUOUS),
    (KeyboardInterrupt(), Signal.AMBIGUOUS),
]


@pytest.mark.parametrize(("error", "signal"), SIGNALS, ids=lambda value: getattr(value, "value", type(value).__name__))
def test_what_an_error_says_about_a_write(error: BaseException, signal: Signal) -> None:
    assert plan.signal_for(error) is signal


@pytest.mark.parametrize("error", [error for error, _ in SIGNALS], ids=lambda error: type(error).__name__)
def test_only_the_whole_account_s_troubles_stop_it(error: BaseException) -> None:
    stops = isinstance(error, spi.Retryable | errors.AuthError | errors.ConfigError)
    assert plan.stops_account(error) is stops


@given(st.integers(-1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_lie_in_a_window_that_doubles_and_ends(attempts: int, chance: float) -> None:
    window = min(plan.LONGEST_BACKOFF_MS, plan.FIRST_BACKOFF_MS * 2 ** min(max(attempts - 1, 0), 20))
    assert 0 <= plan.backoff_ms(attempts, chance) < window
    assert plan.backoff_ms(attempts, 0.5) <= plan.backoff_ms(attempts + 1, 0.5)


def test_the_first_waits() -> None:
    assert [plan.backoff_ms(attempts, 0.5) for attempts in (1, 2, 3, 20)] == [1000, 2000, 4000, 150_000]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (spi.AuthNeeded("x"), "auth"),
        (spi.Retryable("x"), "unreachable"),
        (spi.Throttled("x"), "unreachable"),
        (spi.Rejected("x"), "error"),
        (ValueError("x"), "error"),
    ],
)
def test_how_an_account_stands_after_an_error(error: BaseException, state: str) -> None:
    assert plan.run_state(error) == state
