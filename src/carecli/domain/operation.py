"""Pending writes: every effect on the outside world is one operation, and this is its state machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class OperationState(StrEnum):
    """Where an operation stands."""

    HELD = "held"
    READY = "ready"
    INFLIGHT = "inflight"
    UNKNOWN = "unknown"
    DONE = "done"
    CONFLICT = "conflict"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    """What an operation does to a ticket."""

    REPLY = "reply"
    NOTE = "note"
    CREATE = "create"
    FORWARD = "forward"
    STATUS = "status"
    PRIORITY = "priority"
    ASSIGN = "assign"
    TAG = "tag"
    SNOOZE = "snooze"
    READ = "read"


SENDS = frozenset({Verb.REPLY, Verb.CREATE, Verb.FORWARD})
"""Verbs that put text before a customer: they get the undo window and the send guard."""


class Signal(StrEnum):
    """What can happen to an operation."""

    DUE = "due"  # its not_before has come
    START = "start"  # committed before the request leaves
    ACCEPTED = "accepted"  # the vendor confirmed it
    RETRY = "retry"  # nothing reached the vendor, or it said "later"
    AMBIGUOUS = "ambiguous"  # the answer was lost, or the process died in flight
    REJECTED = "rejected"  # the vendor refused it
    STALE = "stale"  # somebody changed what it was based on
    FOUND = "found"  # its mark, or what it asks for, is at the vendor
    ABSENT = "absent"  # verify is sure there is no mark
    CANCEL = "cancel"  # a person took it back
    RETRACT = "retract"  # a person took a note back that is kept here only
    AGAIN = "again"  # a person wants it sent (again)


class IllegalTransitionError(ValueError):
    """A signal that an operation in that state cannot take."""


_NEXT: Mapping[tuple[OperationState, Signal], OperationState] = {
    (OperationState.HELD, Signal.DUE): OperationState.READY,
    (OperationState.HELD, Signal.CANCEL): OperationState.CANCELLED,
    (OperationState.DONE, Signal.RETRACT): OperationState.CANCELLED,
    (OperationState.HELD, Signal.AGAIN): OperationState.READY,
    (OperationState.READY, Signal.START): OperationState.INFLIGHT,
    (OperationState.READY, Signal.CANCEL): OperationState.CANCELLED,
    (OperationState.READY, Signal.STALE): OperationState.CONFLICT,
    (OperationState.READY, Signal.REJECTED): OperationState.FAILED,
    (OperationState.READY, Signal.FOUND): OperationState.DONE,
    (OperationState.INFLIGHT, Signal.ACCEPTED): OperationState.DONE,
    (OperationState.INFLIGHT, Signal.RETRY): OperationState.READY,
    (OperationState.INFLIGHT, Signal.AMBIGUOUS): OperationState.UNKNOWN,
    (OperationState.INFLIGHT, Signal.REJECTED): OperationState.FAILED,
    (OperationState.INFLIGHT, Signal.STALE): OperationState.CONFLICT,
    (OperationState.UNKNOWN, Signal.FOUND): OperationState.DONE,
    (OperationState.UNKNOWN, Signal.ABSENT): OperationState.READY,
    (OperationState.UNKNOWN, Signal.AGAIN): OperationState.READY,
    (OperationState.UNKNOWN, Signal.CANCEL): OperationState.CANCELLED,
    (OperationState.CONFLICT, Signal.FOUND): OperationState.DONE,
    (OperationState.CONFLICT, Signal.AGAIN): OperationState.READY,
    (OperationState.CONFLICT, Signal.CANCEL): OperationState.CANCELLED,
    (OperationState.FAILED, Signal.FOUND): OperationState.DONE,
    (OperationState.FAILED, Signal.AGAIN): OperationState.READY,
    (OperationState.FAILED, Signal.CANCEL): OperationState.CANCELLED,
}

FINAL = frozenset({OperationState.DONE, OperationState.CANCELLED})
LONGEST_WAIT_MS = 300_000
"""No operation waits longer between two tries; one that seems to was put off before the clock was set back."""
NOTHING_SENT = "NOTHING_SENT"
"""Error code of an operation in flight of which nothing has had an effect yet: it can be tried again without a doubt."""
NEEDS_PERSON = "NEEDS_PERSON"
"""Error code of an unknown operation that no connector can find out about: a person looks and decides."""


def advance(state: OperationState, signal: Signal) -> OperationState:
    """The state after a signal; raises ``IllegalTransitionError`` when that signal makes no sense there."""
    try:
        return _NEXT[state, signal]
    except KeyError:
        raise IllegalTransitionError(f"an operation that is {state} cannot take '{signal}'") from None


def can(state: OperationState, signal: Signal) -> bool:
    """Whether an operation in that state can take that signal."""
    return (state, signal) in _NEXT


@dataclass(frozen=True, slots=True)
class Operation:
    """One outbox entry. ``id`` is a ULID; instants are milliseconds; ``undo`` is the command that takes it back."""

    id: str
    account: str
    verb: Verb
    ticket_id: int | None
    target: str | None
    payload: Mapping[str, object]
    state: OperationState
    attempts: int
    not_before: int
    created_at: int
    base_message_id: int | None = None
    depends_on: str | None = None
    last_error: str | None = None
    error_code: str | None = None
    external_id: str | None = None
    undo: str | None = None
    actor: str = ""
    origin: str = "cli"
    inverse: Mapping[str, object] = field(default_factory=dict)
