"""Decides what to do after a write went wrong, and when to try again. Pure."""

from __future__ import annotations

from carecli.connectors.spi.errors import Ambiguous, Conflicting, Retryable
from carecli.domain.errors import AuthError, CareError, ConfigError, ConflictError, UnreachableError
from carecli.domain.operation import LONGEST_WAIT_MS, Operation, Signal, Verb

LOOK_AGAIN_MS = 5_000
MOST_MERGES = 3
FIRST_BACKOFF_MS = 2_000
LONGEST_BACKOFF_MS = LONGEST_WAIT_MS
LONGEST_REST_MS = 86_400_000
"""No vendor's wish for rest lasts longer; a rest that seems to was noted before the clock was set back."""


def signal_for(error: BaseException, *, acted: bool = True) -> Signal:
    """What an error of a write says about it.

    Only errors that promise "nothing happened" lead to a retry; an unknown exception may have come after the vendor
    acted, so it is ambiguous. ``acted`` is ``False`` when the connector is known not to have made the deciding step yet:
    then a broken line is tried again, and a defect is one that nothing came of.
    """
    if isinstance(error, Ambiguous):
        return Signal.AMBIGUOUS if acted else Signal.RETRY
    if isinstance(error, Retryable | AuthError | ConfigError):
        return Signal.RETRY
    if isinstance(error, Conflicting | ConflictError):
        return Signal.STALE
    if isinstance(error, CareError) and not isinstance(error, UnreachableError):
        return Signal.REJECTED
    if not acted:
        return Signal.RETRY if isinstance(error, UnreachableError | OSError) else Signal.REJECTED
    return Signal.AMBIGUOUS


def backoff_ms(attempts: int, chance: float) -> int:
    """Milliseconds to wait before the next try: full jitter over an exponential window.

    ``chance`` is a random number in [0, 1). Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    window = min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** min(max(attempts - 1, 0), 20))
    return int(window * chance)


def asked_to_wait_ms(error: BaseException) -> int:
    """Milliseconds that the vendor asked to wait, at most a day; 0: it did not, or not in a way that makes sense."""
    seconds = getattr(error, "retry_after", None)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        return 0
    return int(min(seconds * 1000, LONGEST_REST_MS))


def stops_account(error: BaseException) -> bool:
    """Whether an error concerns the whole account, so that its other operations need not be tried now."""
    return isinstance(error, Retryable | AuthError | ConfigError)


def must_look(operation: Operation, looked_at: int | None, now: int) -> bool:
    """Whether to read what is new at the vendor before an operation goes: what answers somebody or changes a field must
    not go out stale; a look holds for a few seconds.
    """
    guarded = operation.verb is Verb.REPLY and operation.base_message_id is not None
    field = operation.verb in (Verb.STATUS, Verb.PRIORITY, Verb.ASSIGN, Verb.TAG)
    if not guarded and not field:
        return False
    return looked_at is None or not looked_at <= now < looked_at + LOOK_AGAIN_MS


def can_merge(operation: Operation, error: BaseException) -> bool:
    """Whether a change that the vendor refused as stale may be tried again after a look at what is there now."""
    field = operation.verb in (Verb.STATUS, Verb.PRIORITY, Verb.ASSIGN, Verb.TAG)
    return field and isinstance(error, Conflicting) and operation.attempts < MOST_MERGES


def run_state(error: BaseException) -> str:
    """The account state (contract: ok, partial, auth, unreachable, error) that an error of a pull leads to."""
    if isinstance(error, AuthError):
        return "auth"
    if isinstance(error, UnreachableError):
        return "unreachable"
    return "error"
