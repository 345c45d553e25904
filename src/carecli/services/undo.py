"""Undo and redo: what waits is cancelled, what reached the vendor is changed back by an operation of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from carecli.domain.errors import CareError, ConflictError, ForbiddenError, NotFoundError
from carecli.domain.operation import Operation, OperationState, Signal, Verb, can
from carecli.services.context import Context
from carecli.services.taking_back import take_back, too_late
from carecli.store import accounts, operations, tickets
from carecli.sync import effects

_BOOKKEEPING = frozenset({"base", "batch", "undoes", "undone", "theirs"})


class Changes(Protocol):
    """What makes a change of fields."""

    def change(
        self, ids: list[int], verb: Verb, payload: Mapping[str, object], *, batch: str | None = None
    ) -> list[Operation]:
        """Changes a field of tickets."""
        ...


class Undo:
    """Takes back what the acting person did, the newest first, one command at a time."""

    def __init__(self, context: Context, changes: Changes) -> None:
        self._context = context
        self._store = context.store
        self._changes = changes

    def undo(self, operation_id: str | None = None) -> list[Operation]:
        """Takes an operation back; without an id all that the person's last command did.

        Raises ``NotFoundError`` NOTHING_TO_UNDO, ``ForbiddenError`` NOT_UNDOABLE, ``ConflictError`` CHANGED_SINCE (somebody
        changed the field after that) or TOO_LATE. When some of several cannot be taken back, the others are.
        """
        batch = self._context.new_id()
        return self._each(self.undoes(operation_id), lambda operation: self._undo(operation, batch))

    def redo(self) -> list[Operation]:
        """Does again what the last undo took back. Raises ``NotFoundError`` NOTHING_TO_REDO, else as ``undo``."""
        batch = self._context.new_id()
        return self._each(self.undoes(redo=True), lambda operation: self._redo(operation, batch))

    def undoes(self, operation_id: str | None = None, *, redo: bool = False) -> list[Operation]:
        """The operations that ``undo`` (or ``redo``) would take back, in that order. Raises as they do when there is none."""
        connection, actor = self._store.connection, self._context.actor
        if operation_id is not None:
            return [operations.get(connection, operation_id)]
        found = (operations.last_undone if redo else operations.last_undoable)(connection, actor)
        if not found:
            what = "redo" if redo else "undo"
            raise NotFoundError(f"there is nothing to {what}", code=f"NOTHING_TO_{what.upper()}")
        return [operations.get(connection, one) for one in found]

    def _each(self, chosen: list[Operation], act: Callable[[Operation], Operation]) -> list[Operation]:
        made: list[Operation] = []
        missed: list[CareError] = []
        for operation in chosen:
            try:
                made.append(act(operation))
            except (ConflictError, ForbiddenError) as error:
                missed.append(error)
        if missed and not made:
            raise missed[0]
        return made

    def _undo(self, operation: Operation, batch: str) -> Operation:
        if operation.verb not in effects.FIELDS:
            return take_back(self._context, operation)
        if not operation.inverse or operation.ticket_id is None:
            raise ForbiddenError(
                f"operation {operation.id} cannot be undone: it changed nothing, or was undone already",
                code="NOT_UNDOABLE",
                help="carecli ticket history REF shows what happened.",
            )
        return cancel_change(self._context, operation, batch) or self._change_back(operation, batch, undoes=True)

    def _redo(self, operation: Operation, batch: str) -> Operation:
        if operation.state is not OperationState.CANCELLED:
            return self._cancel_undo(operation) or self._change_back(operation, batch, undoes=False)
        assert operation.ticket_id is not None  # noqa: S101  (changes of fields have a ticket)
        payload = {name: value for name, value in operation.payload.items() if name not in _BOOKKEEPING}
        made = self._changes.change([operation.ticket_id], operation.verb, payload, batch=batch)[0]
        with self._store.write() as connection:
            operations.set_payload(connection, operation.id, dict(operation.payload) | {"undone": None})
        return made

    def _cancel_undo(self, operation: Operation) -> Operation | None:
        """Cancels an undo that has not left, so that its change can be undone again; ``None`` when it has left."""
        cancelled = cancel_change(self._context, operation)
        if cancelled is not None:
            with self._store.write() as connection:
                back = {name: value for name, value in operation.payload.items() if name not in _BOOKKEEPING}
                operations.set_inverse(connection, str(operation.payload["undoes"]), back)
        return cancelled

    def _change_back(self, operation: Operation, batch: str, *, undoes: bool) -> Operation:
        assert operation.ticket_id is not None  # noqa: S101  (changes of fields have a ticket)
        present = effects.shown(self._store.connection, operation.ticket_id, operation.verb)
        if operation.verb is not Verb.TAG and present != operation.payload["value"]:
            field, value = effects.FIELDS[operation.verb], effects.in_words(present) or "none"
            raise ConflictError(
                f"{operation.target}: {field} was changed to {value} since then; it was left so",
                code="CHANGED_SINCE",
                help="Set it to what it should be.",
            )
        payload = dict(operation.inverse) | ({"undoes": operation.id} if undoes else {})
        made = self._changes.change([operation.ticket_id], operation.verb, payload, batch=batch)[0]
        with self._store.write() as connection:
            operations.forget_inverse(connection, operation.id)
        return made


def cancel_change(context: Context, operation: Operation, batch: str | None = None) -> Operation | None:
    """Cancels a change of fields that has not left; ``None`` when it has. ``batch`` is the undo that redo brings back.

    Raises ``ConflictError`` TOO_LATE while it is being sent.
    """
    now = context.now()
    account_id = accounts.key(context.store.connection, operation.account)
    with context.store.write() as connection:
        # Read again under the lock: the sync may have begun to send it a moment ago.
        operation = operations.get(connection, operation.id)
        if operation.state is OperationState.INFLIGHT:
            raise too_late(operation)
        if operation.ticket_id is None or not can(operation.state, Signal.CANCEL):
            return None
        before = effects.shown(connection, operation.ticket_id, operation.verb)
        operations.move(connection, operation.id, Signal.CANCEL, now)
        if operation.state not in (OperationState.CONFLICT, OperationState.FAILED):  # those are out of sight already
            effects.take_from_sight(connection, operation, now)
        after = effects.shown(connection, operation.ticket_id, operation.verb)
        if before != after:
            effects.log(connection, operation, account_id, before, after)
        operations.forget_inverse(connection, operation.id)
        operations.set_payload(connection, operation.id, dict(operation.payload) | {"undone": batch})
        tickets.mark_sync_state(connection, operation.ticket_id)
    return operations.get(context.store.connection, operation.id)
