"""Takes back a text that has not left: its message disappears and the ticket is as it was."""

from __future__ import annotations

from carecli.domain.errors import ConflictError
from carecli.domain.operation import Operation, OperationState, Signal, Verb, can
from carecli.services.context import Context
from carecli.store import accounts, events, messages, operations, tickets
from carecli.sync.facts import refollow


def take_back(context: Context, operation: Operation) -> Operation:
    """Cancels a text that has not left: its message disappears, the ticket is as it was.

    Raises ``ConflictError`` TOO_LATE once it left.
    """
    waiting = operation.state in (
        OperationState.HELD,
        OperationState.READY,
        OperationState.CONFLICT,
        OperationState.FAILED,
    )
    local_note = (
        operation.verb is Verb.NOTE and operation.external_id is None and operation.state is OperationState.DONE
    )
    if not (waiting and can(operation.state, Signal.CANCEL)) and not local_note:
        raise ConflictError(
            f"operation {operation.id} is {operation.state}: it cannot be taken back any more",
            code="TOO_LATE",
            help="carecli outbox show ID tells where it stands.",
        )
    now = context.now()
    with context.store.write() as connection:
        operations.set_state(connection, operation.id, OperationState.CANCELLED, now, inverse=None)
        for dependent in operations.dependents(connection, operation.id):
            operations.set_state(connection, dependent, OperationState.CANCELLED, now)
        messages.remove_of_operation(connection, operation.id)
        if operation.ticket_id is not None:
            if operation.verb is Verb.CREATE:
                tickets.tombstone(connection, operation.ticket_id, "cancelled", None)
            else:
                refollow(connection, operation.ticket_id)
                status = operation.inverse.get("status")
                if status:
                    tickets.update(connection, operation.ticket_id, {"status": status, "solved_at": None})
            events.add(
                connection,
                [_event(context, operation, now)],
            )
            tickets.mark_sync_state(connection, operation.ticket_id)
    return operations.get(context.store.connection, operation.id)


def _event(context: Context, operation: Operation, now: int) -> tuple[object, ...]:
    where = (now, accounts.key(context.store.connection, operation.account), operation.ticket_id)
    return (*where, context.actor, context.origin, "taken_back", None, None, None, operation.id)
