"""The outbox for people: what waits, why, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carecli.domain.errors import ConflictError
from carecli.domain.operation import SENDS, Operation, OperationState, Signal, can
from carecli.services.context import Context
from carecli.services.models import Decision, FieldConflict
from carecli.services.taking_back import can_be_taken_back, cancel_dependents, take_back, too_late
from carecli.services.undo import cancel_change
from carecli.store import conversations, messages, operations, tickets
from carecli.sync import effects
from carecli.sync.effects import FIELDS

if TYPE_CHECKING:
    from carecli.domain.conversation import Message

_OPEN = tuple(state for state in OperationState if state not in ("done", "cancelled"))


class Outbox:
    """Lists, retries, cancels and resolves operations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def pending(self) -> list[Operation]:
        """Operations that are not finished, oldest first."""
        return operations.in_states(self._store.connection, None, _OPEN)

    def get(self, operation_id: str) -> Operation:
        """One operation. Raises ``NotFoundError``."""
        return operations.get(self._store.connection, operation_id)

    def list_json(self, states: tuple[str, ...], limit: int) -> list[str]:
        """Operations as JSON texts: open ones without ``states``."""
        return operations.list_json(self._store.connection, states or tuple(str(state) for state in _OPEN), limit)

    def json_of(self, made: list[Operation]) -> list[str]:
        """Operations, as they stand now, in the contract's shape."""
        return operations.json_of(self._store.connection, [operation.id for operation in made])

    def retry(self, operation_id: str) -> Operation:
        """Puts an operation back in line; one whose outcome is unknown is only looked up again, never sent twice.

        Raises ``ConflictError`` when it is not waiting.
        """
        operation = self.get(operation_id)
        if operation.state is OperationState.UNKNOWN:
            return self._look(operation)
        return self._again(operation)

    def _look(self, operation: Operation) -> Operation:
        with self._store.write() as connection:
            operations.postpone(connection, operation.id, 0, error_code=None)
        return self.get(operation.id)

    def _again(self, operation: Operation, *, anyway: bool = False) -> Operation:
        now = self._context.now()
        with self._store.write() as connection:
            operation = operations.get(connection, operation.id)
            if operation.state is OperationState.READY:
                operations.postpone(connection, operation.id, 0)
            elif can(operation.state, Signal.AGAIN):
                if anyway:
                    operations.set_payload(connection, operation.id, _meant(operation))
                operations.move(
                    connection, operation.id, Signal.AGAIN, now, not_before=0, last_error=None, error_code=None
                )
                effects.bring_to_sight(connection, operation, now)
            else:
                raise ConflictError(
                    f"operation {operation.id} is {operation.state}; there is nothing to retry", code="NOT_WAITING"
                )
            if operation.verb in SENDS:
                messages.set_delivery(connection, operation.id, "queued")
            if operation.ticket_id is not None:
                tickets.mark_sync_state(connection, operation.ticket_id)
        return self.get(operation.id)

    def cancel(self, operation_id: str) -> Operation:
        """Takes an operation back before it leaves. Raises ``ConflictError`` TOO_LATE."""
        operation = self.get(operation_id)
        if operation.verb not in FIELDS:
            return take_back(self._context, operation)
        cancelled = cancel_change(self._context, operation)
        if cancelled is None:
            raise too_late(operation)
        return cancelled

    def resolve(self, operation_id: str, choice: str) -> Operation:
        """Decides about an operation that waits: ``send`` (anyway), ``discard``, ``mine``, ``theirs`` or ``look`` (again).

        Raises ``ConflictError`` when it is not waiting, or that choice is none of its ``Decision.choices``.
        """
        operation = self.get(operation_id)
        wanted = {"mine": "send", "theirs": "discard"}.get(choice, choice)
        if wanted == "look" and operation.state is OperationState.UNKNOWN:
            return self._look(operation)
        if wanted == "send":
            return self._again(operation, anyway=True)
        if wanted != "discard":
            raise ConflictError(f"operation {operation.id} is {operation.state}; it is known", code="NOT_WAITING")
        if operation.state is OperationState.UNKNOWN and operation.verb not in FIELDS:
            # A person looked and decided; the text may have left, so the message stays in the conversation.
            with self._store.write() as connection:
                operations.move(connection, operation.id, Signal.CANCEL, self._context.now())
                cancel_dependents(connection, operation, self._context.now())
                messages.set_delivery(connection, operation.id, "cancelled")
                if operation.ticket_id is not None:
                    tickets.mark_sync_state(connection, operation.ticket_id)
            return self.get(operation.id)
        return self.cancel(operation.id)

    def decision(self, operation_id: str) -> Decision:
        """What a person needs to decide about an operation. Raises ``NotFoundError``."""
        operation = self.get(operation_id)
        newer: tuple[Message, ...] = ()
        if operation.verb in SENDS and operation.ticket_id is not None and operation.base_message_id is not None:
            said = conversations.messages(self._store.connection, operation.ticket_id)
            unseen = messages.newer_public(self._store.connection, operation.ticket_id, operation.base_message_id)
            newer = tuple(message for message in said if message.id in unseen)
        return Decision(operation, newer, _fields(operation), _choices(operation))

    def edit(self, operation_id: str, body: str) -> Operation:
        """Replaces the text of an operation that has not left. Raises ``ConflictError`` TOO_LATE."""
        with self._store.write() as connection:
            operation = operations.get(connection, operation_id)
            if not can_be_taken_back(operation) or operation.verb in FIELDS:
                raise too_late(operation)
            operations.set_payload(connection, operation.id, dict(operation.payload) | {"body": body})
            messages.set_body(connection, operation.id, body)
        return self.get(operation_id)


def _meant(operation: Operation) -> dict[str, object]:
    """The payload of an operation that a person wants in spite of what came in between."""
    if operation.verb not in FIELDS:
        return dict(operation.payload) | {"anyway": True}
    return dict(operation.payload) | {"base": operation.payload.get("theirs", operation.payload.get("base"))}


def _choices(operation: Operation) -> tuple[str, ...]:
    """What a person can do about an operation, the safest first."""
    text = operation.verb not in FIELDS
    if operation.state is OperationState.CONFLICT:
        return ("edit", "discard", "send") if text else ("theirs", "mine")
    if operation.state is OperationState.FAILED:
        return ("edit", "discard", "send") if text else ("discard", "send")
    if operation.state is OperationState.UNKNOWN:
        return ("look", "discard", "send")
    if operation.state in (OperationState.HELD, OperationState.READY):
        return ("edit", "discard", "send") if text else ("discard",)
    return ()


def _fields(operation: Operation) -> tuple[FieldConflict, ...]:
    """The field an operation in conflict is about; the sync leaves the vendor's value in the payload."""
    if operation.verb not in FIELDS or "theirs" not in operation.payload:
        return ()
    base, mine, theirs = (_shown(operation.payload.get(name)) for name in ("base", "value", "theirs"))
    return (FieldConflict(FIELDS[operation.verb], base, mine, theirs),)


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
