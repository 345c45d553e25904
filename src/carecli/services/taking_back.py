"""Takes back a text that has not left: its message disappears and the ticket is as it was."""

from __future__ import annotations

from dataclasses import replace

from carecli.domain.errors import ConflictError
from carecli.domain.operation import Operation, OperationState, Signal, Verb, can
from carecli.domain.ticket import TicketStatus
from carecli.services.context import Context
from carecli.store import accounts, events, messages, operations, tickets
from carecli.store.driver import Connection
from carecli.sync import effects
from carecli.sync.facts import refollow


def take_back(context: Context, operation: Operation) -> Operation:
    """Cancels a text that has not left: its message disappears, the ticket is as it was.

    Raises ``ConflictError`` TOO_LATE once it left.
    """
    now = context.now()
    with context.store.write() as connection:
        # Read again under the lock: the sync may have begun to send it a moment ago.
        operation = operations.get(connection, operation.id)
        if not can_be_taken_back(operation):
            raise too_late(operation)
        signal = Signal.RETRACT if operation.state is OperationState.DONE else Signal.CANCEL
        operations.move(connection, operation.id, signal, now, inverse=None)
        cancel_dependents(connection, operation, now)
        messages.remove_of_operation(connection, operation.id)
        if operation.ticket_id is not None:
            if operation.verb is Verb.CREATE:
                tickets.tombstone(connection, operation.ticket_id, "cancelled", None)
            else:
                is_now = effects.shown(connection, operation.ticket_id, Verb.STATUS)
                refollow(connection, operation.ticket_id)
                status = operation.inverse.get("status")
                # A mailbox's status followed from the reply; what was set after that, or by a vendor, stays.
                local = tickets.current(connection, operation.ticket_id, "local_status")[0]
                status = status if local and is_now == TicketStatus.PENDING else None
                if status:
                    tickets.update(connection, operation.ticket_id, {"status": status, "solved_at": None})
                if status and status != is_now:
                    account_id = accounts.key(connection, operation.account)
                    undone = replace(operation, created_at=now, actor=context.actor, origin=context.origin)
                    effects.log_status(connection, undone, account_id, str(is_now), str(status))
            events.add(
                connection,
                [_event(context, operation, now)],
            )
            tickets.mark_sync_state(connection, operation.ticket_id)
    return operations.get(context.store.connection, operation.id)


def cancel_dependents(connection: Connection, operation: Operation, now: int) -> None:
    """Cancels what waits for an operation that will not happen; belongs into the transaction that cancels that."""
    for dependent in operations.dependents(connection, operation.id):
        if can(dependent.state, Signal.CANCEL):
            effects.take_from_sight(connection, dependent, now)
            operations.move(connection, dependent.id, Signal.CANCEL, now, inverse=None)


def can_be_taken_back(operation: Operation) -> bool:
    """Whether a text has not left: it waits, or is a note that is kept here."""
    if operation.state is OperationState.DONE:
        return operation.verb is Verb.NOTE and operation.external_id is None
    return operation.state is not OperationState.UNKNOWN and can(operation.state, Signal.CANCEL)


def too_late(operation: Operation) -> ConflictError:
    """The error for an operation that is on its way, or over."""
    return ConflictError(
        f"operation {operation.id} is {operation.state}: it cannot be taken back any more",
        code="TOO_LATE",
        help=f"carecli outbox show {operation.id} tells where it stands.",
    )


def _event(context: Context, operation: Operation, now: int) -> tuple[object, ...]:
    where = (now, accounts.key(context.store.connection, operation.account), operation.ticket_id)
    return (*where, context.actor, context.origin, "taken_back", None, None, None, operation.id)
