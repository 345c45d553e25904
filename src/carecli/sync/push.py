"""Pushes the outbox of one account: one lease, one operation at a time, "inflight" on the disk before the request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from carecli.connectors.spi.errors import Retryable
from carecli.connectors.spi.protocols import TicketSource, Verdict
from carecli.connectors.spi.records import FieldRequest, NoteRequest, PushResult, ReplyRequest
from carecli.domain.errors import AuthError, CareError
from carecli.domain.operation import SENDS, Operation, OperationState, Signal, Verb, advance
from carecli.domain.redact import clean_line, without_secrets
from carecli.store import accounts, messages, operations, tickets
from carecli.store.engine import Store
from carecli.sync import plan
from carecli.sync.requests import Request, request_for

LEASE_STALE_MS = 60_000
VERIFY_AGAIN_MS = 15_000
_DELIVERY = {
    OperationState.DONE: "sent",
    OperationState.READY: "queued",
    OperationState.INFLIGHT: "sending",
    OperationState.UNKNOWN: "sending",
    OperationState.CONFLICT: "failed",
    OperationState.FAILED: "failed",
}


@dataclass(slots=True)
class PushTally:
    """How a push ended: operations done, left for a person, and the error that stopped the account, if any."""

    pushed: int = 0
    conflicts: int = 0
    failed: int = 0
    unknown: int = 0
    error: CareError | None = None


class Pusher:
    """Pushes what is due for one account. ``holder`` names this process in the lease; ``chance`` gives [0, 1)."""

    def __init__(
        self,
        store: Store,
        account_id: int,
        connector: TicketSource,
        *,
        holder: str,
        clock: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._store = store
        self._connection = store.connection
        self._account_id = account_id
        self._connector = connector
        self._holder = holder
        self._clock = clock
        self._chance = chance
        self.tally = PushTally()

    def run(self, stop: threading.Event) -> PushTally:
        """Pushes until nothing more is due, the account must rest, or ``stop`` is set."""
        now = self._clock()
        if accounts.blocked_until(self._connection, self._account_id) > now:
            return self.tally
        if not self._lease():
            return self.tally
        try:
            self._settle_unknown()
            while not stop.is_set() and self.tally.error is None:
                self._release_held()
                if not self._lease():
                    break
                operation = operations.next_ready(self._connection, self._account_id, self._clock())
                if operation is None:
                    break
                self._push(operation)
        finally:
            with self._store.write() as connection:
                accounts.drop_lease(connection, self._account_id, self._holder)
        return self.tally

    def _lease(self) -> bool:
        with self._store.write() as connection:
            return accounts.take_lease(connection, self._account_id, self._holder, self._clock(), LEASE_STALE_MS)

    def _release_held(self) -> None:
        now = self._clock()
        held = operations.in_states(self._connection, self._account_id, (OperationState.HELD,))
        for operation in held:
            if operation.not_before <= now:
                self._move(operation, Signal.DUE)

    def _settle_unknown(self) -> None:
        """Looks for the marks of operations whose outcome nobody knows. Whoever was in flight died: we hold the lease."""
        for operation in operations.in_states(self._connection, self._account_id, (OperationState.INFLIGHT,)):
            self._move(operation, Signal.AMBIGUOUS, last_error="the program ended before the answer came")
        now = self._clock()
        for operation in operations.in_states(self._connection, self._account_id, (OperationState.UNKNOWN,)):
            if operation.not_before > now:
                continue
            try:
                verdict = self._connector.verify(operation.id, request_for(self._connection, operation))
            except Exception as error:
                self._note(operation, error)
                if self._stops(error):
                    return
                continue
            self._settle(operation, verdict)

    def _settle(self, operation: Operation, verdict: Verdict) -> None:
        if isinstance(verdict, PushResult):
            self._done(operation, Signal.FOUND, verdict)
        elif verdict == "absent":
            self._move(operation, Signal.ABSENT, not_before=0)
        else:
            self.tally.unknown += 1
            with self._store.write() as connection:
                operations.set_state(
                    connection,
                    operation.id,
                    OperationState.UNKNOWN,
                    self._clock(),
                    not_before=self._clock() + VERIFY_AGAIN_MS,
                )

    def _push(self, operation: Operation) -> None:
        if self._is_stale(operation):
            self.tally.conflicts += 1
            self._move(
                operation,
                Signal.STALE,
                last_error="somebody wrote after what you had read",
                error_code="STALE_REPLY",
            )
            return
        try:
            request = request_for(self._connection, operation)
        except CareError as error:
            self.tally.failed += 1
            self._move(operation, Signal.REJECTED, last_error=error.message, error_code=error.code)
            return
        self._move(operation, Signal.START, attempts=operation.attempts + 1)
        operation = operations.get(self._connection, operation.id)
        try:
            result = self._send(request)
        except Exception as error:
            self._failed(operation, error)
        else:
            self._done(operation, Signal.ACCEPTED, result)

    def _send(self, request: Request) -> PushResult:
        if isinstance(request, NoteRequest):
            return self._connector.add_note(request)
        if isinstance(request, ReplyRequest):
            return self._connector.send_reply(request)
        assert isinstance(request, FieldRequest)  # noqa: S101  (the union is closed)
        return self._connector.update_ticket(request)

    def _is_stale(self, operation: Operation) -> bool:
        if operation.verb is not Verb.REPLY or operation.base_message_id is None or operation.ticket_id is None:
            return False
        if operation.payload.get("anyway"):
            return False
        return bool(messages.newer_public(self._connection, operation.ticket_id, operation.base_message_id))

    def _failed(self, operation: Operation, error: BaseException) -> None:
        signal = plan.signal_for(error)
        text = clean_line(without_secrets(str(error)))[:1000] or type(error).__name__
        code = error.code if isinstance(error, CareError) else "UNEXPECTED"
        fields: dict[str, object] = {"last_error": text, "error_code": code}
        now = self._clock()
        if signal is Signal.RETRY:
            wait = plan.backoff_ms(operation.attempts, self._chance())
            if isinstance(error, CareError) and error.retry_after:
                wait = error.retry_after * 1000
            fields["not_before"] = now + wait
        elif signal is Signal.AMBIGUOUS:
            fields["not_before"] = now + 1_000
            self.tally.unknown += 1
        elif signal is Signal.STALE:
            self.tally.conflicts += 1
        else:
            self.tally.failed += 1
        self._move(operation, signal, **fields)
        self._stops(error)

    def _stops(self, error: BaseException) -> bool:
        """Whether an error ends this run; notes on the account why and until when."""
        if not plan.stops_account(error) or not isinstance(error, CareError):
            return False
        with self._store.write() as connection:
            if isinstance(error, Retryable) and error.throttled:
                until = self._clock() + (error.retry_after or 60) * 1000
                accounts.block(connection, self._account_id, until)
            if isinstance(error, AuthError):
                accounts.record_run(connection, self._account_id, "auth", error.message, None)
        self.tally.error = error
        return True

    def _note(self, operation: Operation, error: BaseException) -> None:
        with self._store.write() as connection:
            operations.set_state(
                connection,
                operation.id,
                OperationState.UNKNOWN,
                self._clock(),
                last_error=clean_line(without_secrets(str(error)))[:1000],
                not_before=self._clock() + VERIFY_AGAIN_MS,
            )
        self.tally.unknown += 1

    def _move(self, operation: Operation, signal: Signal, **fields: object) -> None:
        state = advance(operation.state, signal)
        with self._store.write() as connection:
            operations.set_state(connection, operation.id, state, self._clock(), **fields)
            if operation.verb in SENDS:
                messages.set_delivery(connection, operation.id, _DELIVERY[state], _words(state, fields))
            if operation.ticket_id is not None:
                tickets.mark_sync_state(connection, operation.ticket_id)

    def _done(self, operation: Operation, signal: Signal, result: PushResult) -> None:
        state = advance(operation.state, signal)
        with self._store.write() as connection:
            operations.set_state(
                connection,
                operation.id,
                state,
                self._clock(),
                last_error=None,
                error_code=None,
                external_id=result.external_id or result.message_id,
            )
            messages.set_delivery(connection, operation.id, "sent", None, result.message_id)
            if result.external_id and operation.verb in (Verb.REPLY, Verb.NOTE, Verb.FORWARD):
                messages.set_external_id(connection, operation.id, result.external_id)
            if operation.ticket_id is not None:
                if result.message_id:
                    key = (self._account_id, result.message_id, operation.ticket_id, 0)
                    messages.insert_thread_keys(connection, [key])
                if operation.verb is Verb.CREATE and result.external_id:
                    tickets.adopt(connection, operation.ticket_id, result.external_id, result.number)
                if result.remote_version:
                    tickets.update(connection, operation.ticket_id, {"remote_version": result.remote_version})
                tickets.mark_sync_state(connection, operation.ticket_id)
        self.tally.pushed += 1


def _words(state: OperationState, fields: dict[str, object]) -> str | None:
    if state in (OperationState.FAILED, OperationState.CONFLICT):
        return str(fields.get("last_error") or state)
    return None
