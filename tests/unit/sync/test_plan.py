"""What to do after a write went wrong: only a promise that nothing happened leads to a second try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.connectors.spi import errors as spi
from carecli.domain import errors
from carecli.domain.operation import Operation, OperationState, Signal, Verb
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


@pytest.mark.parametrize(
    ("error", "signal"),
    [
        (spi.Ambiguous("x"), Signal.RETRY),
        (errors.UnreachableError("x"), Signal.RETRY),
        (OSError("x"), Signal.RETRY),
        (ValueError("x"), Signal.REJECTED),
        (spi.Rejected("x"), Signal.REJECTED),
        (spi.Conflicting("x"), Signal.STALE),
        (spi.Retryable("x"), Signal.RETRY),
    ],
)
def test_what_an_error_says_before_the_deciding_step(error: BaseException, signal: Signal) -> None:
    assert plan.signal_for(error, acted=False) is signal


def operation(verb: Verb, base: int | None = None, attempts: int = 0) -> Operation:
    return Operation("OP", "desk", verb, 1, "desk:1", {}, OperationState.READY, attempts, 0, 0, base_message_id=base)


@pytest.mark.parametrize("verb", list(Verb))
def test_only_what_can_be_stale_needs_a_look(verb: Verb) -> None:
    field = verb in (Verb.STATUS, Verb.PRIORITY, Verb.ASSIGN, Verb.TAG)
    assert plan.must_look(operation(verb), None, 100) is field
    assert plan.must_look(operation(verb, base=5), None, 100) is (field or verb is Verb.REPLY)
    assert plan.can_merge(operation(verb, attempts=1), spi.Conflicting("x")) is field
    assert not plan.can_merge(operation(verb, attempts=plan.MOST_MERGES), spi.Conflicting("x"))
    assert not plan.can_merge(operation(verb, attempts=1), spi.Rejected("x"))


@pytest.mark.parametrize(
    ("age", "again"), [(0, False), (plan.LOOK_AGAIN_MS - 1, False), (plan.LOOK_AGAIN_MS, True), (-1, True)]
)
def test_a_look_holds_for_some_seconds_by_any_clock(age: int, again: bool) -> None:
    assert plan.must_look(operation(Verb.STATUS), 1_000_000, 1_000_000 + age) is again


@given(st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.integers()))
def test_a_wait_that_was_asked_for_is_a_day_at_most(asked: object) -> None:
    error = spi.Throttled("x")
    error.retry_after = asked  # type: ignore[assignment]
    found = plan.asked_to_wait_ms(error)
    assert 0 <= found <= 86_400_000
    if isinstance(asked, int) and not isinstance(asked, bool) and 0 < asked < 86_400:
        assert found == asked * 1000
    assert plan.asked_to_wait_ms(ValueError()) == 0
