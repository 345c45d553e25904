"""The outbox for people: what waits, why, and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from carecli.domain.errors import ConflictError
from carecli.domain.operation import SENDS, Operation, OperationState, Signal, advance, can
from carecli.services.context import Context
from carecli.services.models import Decision, FieldConflict
from carecli.services.taking_back import take_back
from carecli.store import conversations, messages, operations, tickets
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
        """Puts an operation back in line. Raises ``ConflictError`` when it is not waiting for a person."""
        return self._again(self.get(operation_id))

    def _again(self, operation: Operation, *, anyway: bool = False) -> Operation:
        if operation.state is OperationState.READY:
            with self._store.write() as connection:
                operations.set_state(connection, operation.id, OperationState.READY, self._context.now(), not_before=0)
            return self.get(operation.id)
        if not can(operation.state, Signal.AGAIN):
            raise ConflictError(
                f"operation {operation.id} is {operation.state}; there is nothing to retry", code="NOT_WAITING"
            )
        state = advance(operation.state, Signal.AGAIN)
        with self._store.write() as connection:
            if anyway:
                operations.set_payload(connection, operation.id, dict(operation.payload) | {"anyway": True})
            operations.set_state(
                connection, operation.id, state, self._context.now(), not_before=0, last_error=None, error_code=None
            )
            if operation.verb in SENDS:
                messages.set_delivery(connection, operation.id, "queued")
            if operation.ticket_id is not None:
                tickets.mark_sync_state(connection, operation.ticket_id)
        return self.get(operation.id)

    def cancel(self, operation_id: str) -> Operation:
        """Takes an operation back before it leaves. Raises ``ConflictError`` TOO_LATE."""
        from carecli.services.tickets import Tickets

        operation = self.get(operation_id)
        if operation.verb in FIELDS and can(operation.state, Signal.CANCEL):
            return Tickets(self._context).undo(operation.id)[0]
        return take_back(self._context, operation)

    def resolve(self, operation_id: str, choice: str) -> Operation:
        """Ends a conflict: ``send`` (anyway), ``discard``, ``mine`` or ``theirs``."""
        operation = self.get(operation_id)
        if choice in ("send", "mine"):
            return self._again(operation, anyway=True)
        if operation.state is OperationState.UNKNOWN:
            # A person looked and decided; the text may have left, so the message stays in the conversation.
            with self._store.write() as connection:
                operations.set_state(connection, operation.id, OperationState.CANCELLED, self._context.now())
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
        operation = self.get(operation_id)
        if operation.state not in (
            OperationState.HELD,
            OperationState.READY,
            OperationState.CONFLICT,
            OperationState.FAILED,
        ):
            raise ConflictError(f"operation {operation.id} is {operation.state}; it cannot be edited", code="TOO_LATE")
        changed = replace(operation, payload=dict(operation.payload) | {"body": body})
        with self._store.write() as connection:
            operations.set_payload(connection, operation.id, changed.payload)
            messages.set_body(connection, operation.id, body)
        return self.get(operation.id)


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
