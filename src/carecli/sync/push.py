"""Pushes the outbox of one account: one lease, one operation at a time, "inflight" on the disk before the request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from carecli.connectors.spi.errors import Ambiguous, Retryable
from carecli.connectors.spi.protocols import Announcing, TicketSource, Verdict
from carecli.connectors.spi.records import FieldRequest, NoteRequest, PushResult, ReplyRequest
from carecli.domain.errors import AuthError, CareError
from carecli.domain.operation import (
    NEEDS_PERSON,
    NOTHING_SENT,
    SENDS,
    IllegalTransitionError,
    Operation,
    OperationState,
    Signal,
    Verb,
    can,
)
from carecli.domain.redact import clean_line, without_secrets
from carecli.store import accounts, messages, operations, tickets
from carecli.store.driver import Connection
from carecli.store.engine import Store
from carecli.sync import effects, plan
from carecli.sync.lease import Lease
from carecli.sync.merge import OUT_OF_SIGHT
from carecli.sync.requests import Request, request_for
from carecli.sync.sound import sound_result

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
    """Pushes what is due for one account.

    ``holder`` names this thread in the lease; ``chance`` gives [0, 1); ``look`` reads what is new at the vendor (``None``:
    it cannot be read, or was read just now).
    """

    def __init__(
        self,
        store: Store,
        account_id: int,
        connector: TicketSource,
        *,
        holder: str,
        clock: Callable[[], int],
        chance: Callable[[], float],
        look: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._connection = store.connection
        self._account_id = account_id
        self._connector = connector
        self._lease = Lease(store, account_id, holder, clock)
        self._clock = clock
        self._chance = chance
        self._look = look
        self._looked_at: int | None = None
        self._sending: Operation | None = None
        self.tally = PushTally()

    def run(self, stop: threading.Event) -> PushTally:
        """Pushes until nothing more is due, the account must rest, or ``stop`` is set."""
        rest = accounts.blocked_until(self._connection, self._account_id) - self._clock()
        if 0 < rest <= plan.LONGEST_REST_MS or not self._lease.take():
            return self.tally
        if isinstance(self._connector, Announcing):
            self._connector.before_effect = self._about_to_act
        try:
            self._settle_unknown()
            while not stop.is_set() and self.tally.error is None:
                self._release_held()
                operation = operations.next_ready(self._connection, self._account_id, self._clock())
                if operation is None or not self._push(operation):
                    break
        finally:
            if isinstance(self._connector, Announcing):
                self._connector.before_effect = _nothing
            self._lease.drop()
        return self.tally

    def _release_held(self) -> None:
        now = self._clock()
        held = operations.in_states(self._connection, self._account_id, (OperationState.HELD,))
        for operation in held:
            if operation.not_before <= now or operation.created_at > now:  # the clock was set back
                self._move(operation, Signal.DUE, not_before=0)

    def _settle_unknown(self) -> None:
        """Looks for the marks of operations whose outcome nobody knows. Whoever was in flight died: we hold the lease."""
        for operation in operations.in_states(self._connection, self._account_id, (OperationState.INFLIGHT,)):
            if operation.error_code == NOTHING_SENT:
                words = "the program ended before anything was sent"
                self._move(operation, Signal.RETRY, not_before=0, last_error=words, error_code=None)
            else:
                words = "the program ended before the answer came"
                self._move(operation, Signal.AMBIGUOUS, not_before=0, last_error=words)
        now = self._clock()
        for operation in operations.in_states(self._connection, self._account_id, (OperationState.UNKNOWN,)):
            if now < operation.not_before <= now + plan.LONGEST_BACKOFF_MS or operation.error_code == NEEDS_PERSON:
                continue
            if self._connector.manifest.capabilities.verification == "none":
                words = "this connector cannot find out whether it arrived"
                self._ask(operation, f"{operation.last_error or 'the answer was lost'}; {words}")
                continue
            try:
                verdict = self._connector.verify(operation.id, request_for(self._connection, operation))
                if not isinstance(verdict, str):
                    verdict = sound_result(verdict)
            except Ambiguous as error:
                self._ask(operation, error.message)
            except (Exception, SystemExit) as error:
                # Why it is in doubt is what a person needs to know, not that it could not be looked up just now.
                self._verify_later(operation, operation.last_error or _in_words(error))
                if self._stops(error):
                    return
            else:
                self._settle(operation, verdict)

    def _settle(self, operation: Operation, verdict: Verdict) -> None:
        if isinstance(verdict, PushResult):
            self._done(operation, verdict)
        elif verdict == "absent":
            self._move(operation, Signal.ABSENT, not_before=0)
        else:
            self._verify_later(operation, operation.last_error)

    def _ask(self, operation: Operation, words: str) -> None:
        """Leaves an operation to a person: no program can know what became of it."""
        self.tally.unknown += 1
        with self._store.write() as connection:
            operations.postpone(connection, operation.id, 0, last_error=words[:1000], error_code=NEEDS_PERSON)

    def _verify_later(self, operation: Operation, words: str | None) -> None:
        self.tally.unknown += 1
        with self._store.write() as connection:
            operations.postpone(connection, operation.id, self._clock() + VERIFY_AGAIN_MS, last_error=words)

    def _push(self, operation: Operation) -> bool:
        """Sends one operation; whether to go on (not, when the account is no longer ours)."""
        if self._look is not None and plan.must_look(operation, self._looked_at, self._clock()):
            return self._look_first(operation, self._look)
        if self._is_stale(operation):
            self.tally.conflicts += 1
            words = "somebody wrote after what you had read"
            self._move(operation, Signal.STALE, last_error=words, error_code="STALE_REPLY")
            return True
        if effects.overtaken(operation):
            self.tally.conflicts += 1
            with self._store.write() as connection, suppress(IllegalTransitionError):
                effects.clash(connection, operation, operation.inverse["value"], self._clock())
                effects.take_from_sight(connection, operation, self._clock())
                tickets.mark_sync_state(connection, operation.ticket_id or 0)
            return True
        try:
            request = request_for(self._connection, operation)
        except CareError as error:
            self.tally.failed += 1
            self._move(operation, Signal.REJECTED, last_error=error.message, error_code=error.code)
            return True
        with self._store.write() as connection:
            # In one transaction: the account is ours, and nobody took the operation back since it was read.
            if not self._lease.renew(connection):
                return False
            if not can(operations.get(connection, operation.id).state, Signal.START):
                return True
            code = NOTHING_SENT if isinstance(self._connector, Announcing) else None
            self._write(connection, operation, Signal.START, attempts=operation.attempts + 1, error_code=code)
        self._sending = operation = operations.get(self._connection, operation.id)
        try:
            result = sound_result(self._send(request))
        except (Exception, SystemExit) as error:
            self._failed(operation, error)
        else:
            self._done(operation, result)
        return True

    def _about_to_act(self) -> None:
        """The connector is about to make the step after which the vendor may have acted.

        Raises ``Retryable`` when the operation is no longer ours to send: this process slept, and another took over.
        """
        sending = self._sending
        if sending is None:
            return
        with self._store.write() as connection:
            now = operations.get(connection, sending.id)
            ours = now.state is OperationState.INFLIGHT and now.attempts == sending.attempts
            if not ours or not self._lease.renew(connection):
                raise Retryable("another program has taken over; nothing was sent from here", help="Nothing to do.")
            operations.postpone(connection, sending.id, now.not_before, error_code=None)

    def _look_first(self, operation: Operation, look: Callable[[], None]) -> bool:
        """Reads what is new; the operation is then chosen afresh, because that may have changed what goes."""
        try:
            look()
        except CareError as error:
            if error.exit_code == 11:  # the store's own trouble
                raise
            # Nothing left: it goes once the vendor can be read again.
            wait = plan.backoff_ms(operation.attempts + 1, self._chance())
            with self._store.write() as connection:
                operations.postpone(connection, operation.id, self._clock() + wait, last_error=_in_words(error))
            if not self._stops(error):
                self.tally.error = error
            return True
        self._looked_at = self._clock()
        return True

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
        acted = operations.get(self._connection, operation.id).error_code != NOTHING_SENT
        signal = plan.signal_for(error, acted=acted)
        fields: dict[str, object] = {
            "last_error": _in_words(error),
            "error_code": error.code if isinstance(error, CareError) else "UNEXPECTED",
        }
        now = self._clock()
        if signal is Signal.STALE and self._look is not None and plan.can_merge(operation, error):
            # Somebody else changed the ticket, perhaps in other fields: the look merges, and this is tried again.
            self._looked_at = None
            signal = Signal.RETRY
            fields["not_before"] = now
        elif signal is Signal.RETRY:
            wait = plan.backoff_ms(operation.attempts, self._chance())
            wait = min(plan.asked_to_wait_ms(error) or wait, plan.LONGEST_BACKOFF_MS)
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
            if isinstance(error, Retryable) and (error.throttled or plan.asked_to_wait_ms(error)):
                until = self._clock() + (plan.asked_to_wait_ms(error) or 60_000)
                accounts.block(connection, self._account_id, until)
            if isinstance(error, AuthError):
                accounts.record_run(connection, self._account_id, "auth", error.message, None)
        self.tally.error = error
        return True

    def _move(self, operation: Operation, signal: Signal, **fields: object) -> None:
        """Moves an operation on, unless somebody else moved it in the meantime."""
        with self._store.write() as connection, suppress(IllegalTransitionError):
            self._write(connection, operation, signal, **fields)

    def _write(self, connection: Connection, operation: Operation, signal: Signal, **fields: object) -> None:
        now = self._clock()
        state = operations.move(connection, operation.id, signal, now, **fields)
        if operation.verb in SENDS:
            messages.set_delivery(connection, operation.id, _DELIVERY[state], _words(state, fields))
        elif state in OUT_OF_SIGHT and operation.verb in effects.FIELDS:
            effects.take_from_sight(connection, operation, now)
        if operation.ticket_id is not None:
            tickets.mark_sync_state(connection, operation.ticket_id)

    def _done(self, operation: Operation, result: PushResult) -> None:
        with self._store.write() as connection:
            # Somebody who took the lease over may hold it for unknown by now; the answer is here all the same.
            state = operations.get(connection, operation.id).state
            signal = Signal.ACCEPTED if state is OperationState.INFLIGHT else Signal.FOUND
            external_id = result.external_id or result.message_id
            fields = {"last_error": None, "error_code": None, "external_id": external_id}
            if can(state, signal):
                operations.move(connection, operation.id, signal, self._clock(), **fields)
                effects.arrived(connection, operation, self._clock())
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


def _nothing() -> None:
    """Nobody is told."""


def _in_words(error: BaseException) -> str:
    text = error.message if isinstance(error, CareError) else str(error)
    return clean_line(without_secrets(text))[:1000] or type(error).__name__


def _words(state: OperationState, fields: dict[str, object]) -> str | None:
    if state in (OperationState.FAILED, OperationState.CONFLICT):
        return str(fields.get("last_error") or state)
    return None
