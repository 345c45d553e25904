"""Pushing the outbox against a scripted vendor: nothing lost, nothing doubled, nothing stale."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar, cast

import pytest

from carecli.connectors.demo.manifest import MANIFEST
from carecli.connectors.spi.errors import (
    Ambiguous,
    AuthNeeded,
    BadSetup,
    Conflicting,
    Rejected,
    Retryable,
    Throttled,
)
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Options
from carecli.connectors.spi.protocols import Lookup, Secrets, TicketSource, Verdict
from carecli.connectors.spi.records import FieldRequest, Health, NoteRequest, Page, PushResult, ReplyRequest
from carecli.domain.operation import NEEDS_PERSON, Operation, OperationState, Signal, Verb
from carecli.domain.ticket import Priority
from carecli.store import accounts, conversations, operations
from carecli.store.driver import connect
from carecli.store.engine import Store
from carecli.sync.lease import STALE_MS
from carecli.sync.push import VERIFY_AGAIN_MS, Pusher, PushTally
from carecli.sync.requests import Request
from workbench import MINUTE, T0, account, answer, ingest, intact, key_of, message, note, ticket

S = OperationState
OK = PushResult(external_id="v1", message_id="<v1@vendor>", remote_version="2")


class Vendor:
    """A vendor that answers as it is told and keeps what reaches it; ``watch`` runs while a request is under way."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, account: str = "desk", options: Options | None = None, secrets: Secrets | None = None) -> None:
        del account, options, secrets
        self.answers: list[PushResult | BaseException] = []
        self.verdicts: list[Verdict | BaseException] = []
        self.sent: list[Request] = []
        self.notes: list[NoteRequest] = []
        self.looked: list[str] = []
        self.watch: Callable[[Request], None] = lambda _: None

    def _take(self, request: Request) -> PushResult:
        self.watch(request)
        answer = self.answers.pop(0) if self.answers else OK
        self.sent.append(request)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def send_reply(self, request: ReplyRequest) -> PushResult:
        assert isinstance(request, ReplyRequest)
        return self._take(request)

    def add_note(self, request: NoteRequest) -> PushResult:
        assert isinstance(request, NoteRequest)
        self.notes.append(request)
        return self._take(request)

    def update_ticket(self, request: FieldRequest) -> PushResult:
        assert isinstance(request, FieldRequest)
        return self._take(request)

    def verify(self, operation_id: str, request: ReplyRequest | NoteRequest | FieldRequest) -> Verdict:
        assert request.operation_id == operation_id
        self.looked.append(operation_id)
        verdict = self.verdicts.pop(0)
        if isinstance(verdict, BaseException):
            raise verdict
        return verdict

    def check(self) -> Health:
        return Health(identity="me")

    def close(self) -> None:
        """Nothing to free."""

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        del stream, lookup, stop
        yield Page(records=(), cursor=cursor or "", more=False)

    def fetch_attachment(self, message: str, attachment: str, lookup: Lookup) -> bytes:
        del message, attachment, lookup
        return b""


class Bench:
    """A store with two tickets, a vendor, and a clock that stands until it is moved."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.account = account(store)
        ingest(store, self.account, ticket("t1"), ticket("t2"), message("m1", "t1"), message("m2", "t2"))
        self.now = T0 + MINUTE
        self.vendor = Vendor()
        self._made = 0

    def add(
        self, verb: Verb = Verb.REPLY, number: str = "1", state: OperationState = S.READY, **more: Any
    ) -> Operation:
        """An operation in the outbox."""
        self._made += 1
        payload = {Verb.STATUS: {"value": "solved"}, Verb.TAG: {"add": ["x"], "remove": []}}.get(
            verb, {"body": f"text {self._made}", "to": [["jo@example.com", "Jo"]], "files": []}
        )
        made = Operation(
            f"OP{self._made}",
            "desk",
            verb,
            key_of(self.store, number),
            f"desk:{number}",
            payload | more.pop("payload", {}),
            state,
            0,
            more.pop("not_before", 0),
            T0,
        )
        with self.store.write() as connection:
            operations.add(connection, replace(made, **more), self.account)
        return made

    def pusher(self, holder: str = "me", chance: float = 0.5) -> Pusher:
        """A pusher of one process."""
        vendor = self.vendor
        assert isinstance(vendor, TicketSource)
        return Pusher(self.store, self.account, vendor, holder=holder, clock=lambda: self.now, chance=lambda: chance)

    def push(self) -> PushTally:
        """One run of the outbox."""
        return self.pusher().run(threading.Event())

    def get(self, operation: Operation) -> Operation:
        """An operation as it stands now."""
        return operations.get(self.store.connection, operation.id)

    def state(self, operation: Operation) -> OperationState:
        """Where an operation stands now."""
        return self.get(operation).state

    def sync_state(self, number: str = "1") -> str:
        """How a ticket stands to the vendor."""
        row = self.store.connection.execute("SELECT sync_state FROM ticket WHERE number = ?", (number,)).fetchone()
        return str(row[0])


@pytest.fixture
def bench(store: Store) -> Bench:
    """Two tickets and a vendor."""
    return Bench(store)


def test_what_the_vendor_accepts_is_done(bench: Bench) -> None:
    reply, tags = bench.add(), bench.add(Verb.TAG)
    tally = bench.push()
    assert (tally.pushed, tally.failed, tally.conflicts, tally.error) == (2, 0, 0, None)
    assert [bench.state(reply), bench.state(tags)] == [S.DONE, S.DONE]
    found = bench.get(reply)
    assert (found.external_id, found.attempts, found.last_error) == ("v1", 1, None)
    assert bench.sync_state() == "clean"
    version = bench.store.connection.execute("SELECT remote_version FROM ticket WHERE number = '1'").fetchone()
    assert version == ("2",)
    key = bench.store.connection.execute("SELECT ticket_id FROM thread_key WHERE key = '<v1@vendor>'").fetchone()
    assert key == (key_of(bench.store),)
    assert intact(bench.store)


def test_inflight_is_on_the_disk_before_the_request_leaves(bench: Bench) -> None:
    operation = bench.add()
    seen: list[tuple[str, int]] = []

    def look(request: Request) -> None:
        other = connect(bench.store.path, read_only=True)
        seen.extend(other.execute("SELECT state, attempts FROM operation WHERE id = ?", (request.operation_id,)))
        other.close()

    bench.vendor.watch = look
    bench.push()
    assert seen == [("inflight", 1)]
    assert bench.state(operation) is S.DONE


def test_what_did_not_reach_the_vendor_is_tried_again_later(bench: Bench) -> None:
    operation = bench.add()
    bench.vendor.answers = [Retryable("the line broke")]
    tally = bench.push()
    found = bench.get(operation)
    assert (found.state, found.attempts, found.last_error) == (S.READY, 1, "the line broke")
    assert found.not_before > bench.now
    assert tally.error is not None
    assert bench.push().pushed == 0  # not yet
    assert len(bench.vendor.sent) == 1
    bench.now = found.not_before
    assert bench.push().pushed == 1
    assert bench.get(operation).attempts == 2


def test_the_wait_the_vendor_asks_for_is_kept(bench: Bench) -> None:
    operation = bench.add()
    bench.vendor.answers = [Retryable("later", retry_after=90)]
    bench.push()
    assert bench.get(operation).not_before == bench.now + 90_000


def test_throttled_stops_all_work_of_the_account(bench: Bench) -> None:
    first, second = bench.add(), bench.add(Verb.TAG, "2")
    bench.vendor.answers = [Throttled("slow down", retry_after=30)]
    tally = bench.push()
    assert [bench.state(first), bench.state(second)] == [S.READY, S.READY]
    assert tally.error is not None
    assert accounts.blocked_until(bench.store.connection, bench.account) == bench.now + 30_000
    bench.now += 29_999
    assert bench.push().pushed == 0
    assert len(bench.vendor.sent) == 1
    bench.now += 1
    assert bench.push().pushed == 2


def test_throttled_without_a_time_rests_a_minute(bench: Bench) -> None:
    bench.add()
    bench.vendor.answers = [Throttled("slow down")]
    bench.push()
    assert accounts.blocked_until(bench.store.connection, bench.account) == bench.now + MINUTE


@pytest.mark.parametrize("error", [Ambiguous("no answer"), ValueError("defect"), TimeoutError()])
def test_an_unclear_outcome_is_unknown_and_never_sent_again_unseen(bench: Bench, error: Exception) -> None:
    operation = bench.add()
    bench.vendor.answers = [error]
    tally = bench.push()
    assert (bench.state(operation), tally.unknown, tally.failed) == (S.UNKNOWN, 1, 0)
    assert bench.get(operation).last_error == (str(error) or type(error).__name__)
    assert bench.sync_state() == "conflict"
    bench.now += 2000
    bench.vendor.verdicts = [OK]
    assert bench.push().pushed == 1
    assert bench.state(operation) is S.DONE
    assert len(bench.vendor.sent) == 1
    assert bench.sync_state() == "clean"


def test_what_the_vendor_surely_lacks_is_sent_again(bench: Bench) -> None:
    operation = bench.add()
    bench.vendor.answers = [Ambiguous("no answer")]
    bench.push()
    bench.now += 2000
    bench.vendor.verdicts = ["absent"]
    assert bench.push().pushed == 1
    assert (bench.state(operation), len(bench.vendor.sent), bench.get(operation).attempts) == (S.DONE, 2, 2)
    assert bench.vendor.sent[0] == bench.vendor.sent[1]


def test_while_the_vendor_is_unsure_nothing_is_sent(bench: Bench) -> None:
    operation = bench.add()
    bench.vendor.answers = [Ambiguous("no answer")]
    bench.push()
    bench.now += 2000
    bench.vendor.verdicts = ["unsure", OK]
    assert bench.push().unknown == 1
    assert bench.get(operation).not_before == bench.now + VERIFY_AGAIN_MS
    bench.push()
    assert len(bench.vendor.looked) == 1  # it does not ask before its time
    bench.now += VERIFY_AGAIN_MS
    bench.push()
    assert (bench.state(operation), len(bench.vendor.sent)) == (S.DONE, 1)


@pytest.mark.parametrize(
    ("error", "stops"), [(Retryable("line"), True), (AuthNeeded("expired"), True), (ValueError("token=abc"), False)]
)
def test_a_look_that_fails_leaves_it_unknown(bench: Bench, error: Exception, stops: bool) -> None:
    operation = bench.add(state=S.UNKNOWN)
    other = bench.add(Verb.TAG, "2")
    bench.vendor.verdicts = [error]
    tally = bench.push()
    assert bench.state(operation) is S.UNKNOWN
    assert "abc" not in (bench.get(operation).last_error or "")
    assert (tally.error is not None) is stops
    assert bench.state(other) is (S.READY if stops else S.DONE)
    assert not [request for request in bench.vendor.sent if request.operation_id == operation.id]


def test_throttled_while_looking_stops_the_account_too(bench: Bench) -> None:
    bench.add(state=S.UNKNOWN)
    bench.vendor.verdicts = [Throttled("slow down", retry_after=30)]
    bench.push()
    assert accounts.blocked_until(bench.store.connection, bench.account) == bench.now + 30_000


def test_found_in_flight_after_a_crash_is_looked_up_before_anything_is_sent(bench: Bench) -> None:
    died = bench.add(state=S.INFLIGHT)
    bench.vendor.verdicts = ["absent"]
    order: list[str] = []
    bench.vendor.watch = lambda request: order.extend([*bench.vendor.looked, f"sent {request.operation_id}"])
    assert bench.push().pushed == 1
    assert order == [died.id, f"sent {died.id}"]
    assert bench.state(died) is S.DONE


def test_found_in_flight_and_kept_by_the_vendor_is_not_sent_again(bench: Bench) -> None:
    died = bench.add(state=S.INFLIGHT)
    bench.vendor.verdicts = [OK]
    assert bench.push().pushed == 1
    assert (bench.state(died), bench.vendor.sent) == (S.DONE, [])


def test_a_process_that_dies_in_flight_leaves_inflight(bench: Bench) -> None:
    operation = bench.add()
    bench.vendor.answers = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        bench.push()
    assert bench.state(operation) is S.INFLIGHT
    bench.vendor.verdicts = [OK]
    bench.push()
    assert (bench.state(operation), len(bench.vendor.sent)) == (S.DONE, 1)


def test_a_refusal_keeps_the_vendor_s_words_and_the_text(bench: Bench) -> None:
    operation, other = bench.add(), bench.add(Verb.TAG, "2")
    bench.vendor.answers = [Rejected("Subject\x1b[2J is too long")]
    tally = bench.push()
    found = bench.get(operation)
    assert (found.state, found.last_error, found.error_code) == (S.FAILED, "Subject[2J is too long", "REJECTED")
    assert found.payload["body"] == "text 1"
    assert (tally.failed, tally.pushed, tally.error) == (1, 1, None)
    assert bench.state(other) is S.DONE
    assert bench.sync_state() == "conflict"


def test_a_failed_precondition_waits_for_a_person(bench: Bench) -> None:
    operation = bench.add(Verb.STATUS)
    bench.vendor.answers = [Conflicting("changed since")]
    tally = bench.push()
    assert (bench.state(operation), tally.conflicts, tally.failed) == (S.CONFLICT, 1, 0)


@pytest.mark.parametrize(("error", "state"), [(AuthNeeded("expired"), "auth"), (BadSetup("certificate"), "never")])
def test_what_the_account_must_mend_keeps_operations_ready(bench: Bench, error: Exception, state: str) -> None:
    first, second = bench.add(), bench.add(Verb.TAG, "2")
    bench.vendor.answers = [error]
    tally = bench.push()
    assert tally.error is error
    assert [bench.state(first), bench.state(second)] == [S.READY, S.READY]
    assert len(bench.vendor.sent) == 1
    assert accounts.health(bench.store.connection)[0][2] == state


def test_operations_of_a_ticket_go_in_order_and_stop_at_the_first_that_cannot(bench: Bench) -> None:
    first, second, elsewhere = bench.add(), bench.add(Verb.STATUS), bench.add(Verb.TAG, "2")
    bench.vendor.answers = [Rejected("no")]
    bench.push()
    assert [bench.state(one) for one in (first, second, elsewhere)] == [S.FAILED, S.READY, S.DONE]
    assert [request.operation_id for request in bench.vendor.sent] == [first.id, elsewhere.id]


def test_the_status_waits_for_the_reply_it_depends_on(bench: Bench) -> None:
    reply = bench.add(state=S.HELD, not_before=T0 + 5 * MINUTE)
    solve = bench.add(Verb.STATUS, "2", depends_on=reply.id)
    assert bench.push().pushed == 0
    bench.now = T0 + 5 * MINUTE
    assert bench.push().pushed == 2
    assert [request.operation_id for request in bench.vendor.sent] == [reply.id, solve.id]


def test_a_held_text_does_not_leave_before_its_time(bench: Bench) -> None:
    held = bench.add(state=S.HELD, not_before=T0 + 2 * MINUTE)
    later = bench.add(Verb.STATUS)
    bench.push()
    assert [bench.state(held), bench.state(later), bench.vendor.sent] == [S.HELD, S.READY, []]


def test_who_does_not_hold_the_lease_pushes_nothing(bench: Bench) -> None:
    operation = bench.add()
    inner: list[PushTally] = []
    bench.vendor.watch = lambda _: inner.append(bench.pusher("other").run(threading.Event()))
    bench.push()
    assert inner == [PushTally()]
    assert (bench.state(operation), len(bench.vendor.sent)) == (S.DONE, 1)
    assert bench.store.connection.execute("SELECT count(*) FROM lease").fetchone() == (0,)


@pytest.mark.parametrize(("age", "pushed"), [(STALE_MS, 0), (STALE_MS + 1, 1), (-STALE_MS, 0), (-STALE_MS - 1, 1)])
def test_a_lease_is_taken_over_when_it_is_stale_or_from_the_future(bench: Bench, age: int, pushed: int) -> None:
    bench.add()
    with bench.store.write() as connection:
        assert accounts.take_lease(connection, bench.account, "dead", bench.now - age, STALE_MS)
    assert bench.push().pushed == pushed


def test_a_pusher_that_lost_its_lease_stops(bench: Bench) -> None:
    first, second = bench.add(), bench.add(Verb.TAG, "2")

    def steal(_: Request) -> None:
        bench.store.connection.execute("UPDATE lease SET holder = 'other'")

    bench.vendor.watch = steal
    bench.push()
    assert [bench.state(first), bench.state(second)] == [S.DONE, S.READY]
    assert bench.store.connection.execute("SELECT holder FROM lease").fetchone() == ("other",)


def test_stop_leaves_the_rest_for_later(bench: Bench) -> None:
    bench.add()
    second = bench.add(Verb.TAG, "2")
    stop = threading.Event()
    bench.vendor.watch = lambda _: stop.set()
    assert bench.pusher().run(stop).pushed == 1
    assert bench.state(second) is S.READY


def newest(bench: Bench) -> int:
    row = bench.store.connection.execute("SELECT max(id) FROM message WHERE ticket_id = ?", (key_of(bench.store),))
    return int(row.fetchone()[0])


@pytest.mark.parametrize("late", [message("m9", at=T0 + 9), answer("r9", at=T0 + 9)], ids=["customer", "colleague"])
def test_a_reply_that_was_overtaken_stops(bench: Bench, late: Any) -> None:
    reply = bench.add(base_message_id=newest(bench))
    ingest(bench.store, bench.account, late, cursor="c2")
    tally = bench.push()
    found = bench.get(reply)
    assert (found.state, found.error_code, tally.conflicts, bench.vendor.sent) == (S.CONFLICT, "STALE_REPLY", 1, [])


def test_a_reply_goes_anyway_when_a_person_says_so(bench: Bench) -> None:
    reply = bench.add(base_message_id=newest(bench), payload={"anyway": True})
    ingest(bench.store, bench.account, message("m9", at=T0 + 9), cursor="c2")
    bench.push()
    assert bench.state(reply) is S.DONE


@pytest.mark.parametrize(
    "late", [note("n9", at=T0 + 9), message("m9", at=T0 + 9, automatic=True)], ids=["note", "auto-reply"]
)
def test_a_note_or_an_automatic_reply_overtakes_nothing(bench: Bench, late: Any) -> None:
    reply = bench.add(base_message_id=newest(bench))
    ingest(bench.store, bench.account, late, cursor="c2")
    bench.push()
    assert bench.state(reply) is S.DONE


def test_notes_are_not_guarded(bench: Bench) -> None:
    written = bench.add(Verb.NOTE, base_message_id=newest(bench))
    ingest(bench.store, bench.account, message("m9", at=T0 + 9), cursor="c2")
    bench.push()
    assert bench.state(written) is S.DONE


def test_a_note_goes_through_add_note_and_is_in_no_public_request(bench: Bench) -> None:
    bench.add()
    bench.add(Verb.NOTE, payload={"body": "between us"})
    bench.add(Verb.STATUS)
    bench.push()
    assert [request.body_text for request in bench.vendor.notes] == ["between us"]
    public = [request for request in bench.vendor.sent if not isinstance(request, NoteRequest)]
    assert len(public) == 2
    assert "between us" not in repr(public)


@pytest.mark.parametrize(
    "error",
    [
        Rejected("refused: Authorization: Bearer s3cr3t"),
        Retryable("https://x.example/?access_token=s3cr3t failed"),
        ValueError("{'password': 's3cr3t'}"),
    ],
)
def test_secrets_in_an_error_are_not_kept(bench: Bench, error: Exception) -> None:
    operation = bench.add()
    bench.vendor.answers = [error]
    bench.push()
    kept = bench.store.connection.execute("SELECT * FROM operation WHERE id = ?", (operation.id,)).fetchone()
    assert "s3cr3t" not in repr(kept)
    assert "***" in str(bench.get(operation).last_error)


def test_a_file_that_is_gone_fails_before_anything_is_sent(bench: Bench) -> None:
    files = [{"filename": "a.txt", "mime": "text/plain", "path": f"{bench.store.path}.nowhere"}]
    operation = bench.add(payload={"files": files})
    tally = bench.push()
    found = bench.get(operation)
    assert (found.state, found.error_code, tally.failed) == (S.FAILED, "ATTACHMENT_GONE", 1)
    assert bench.vendor.sent == []


def test_what_is_sent_is_what_was_written(bench: Bench) -> None:
    file = f"{bench.store.path}.txt"
    with open(file, "wb") as stream:
        stream.write(b"\x00bytes")
    answered = newest(bench)
    files = [{"filename": "a.txt", "mime": "text/plain", "path": file}]
    bench.add(payload={"files": files, "answers": answered, "cc": [["x@example.com", ""]], "subject": "Re: S"})
    bench.push()
    (request,) = bench.vendor.sent
    assert isinstance(request, ReplyRequest)
    assert (request.ticket.external_id, request.ticket.number) == ("t1", "1")
    assert request.files[0].content == b"\x00bytes"
    assert request.answers is not None
    assert request.answers.author == "Jo Doe <jo@example.com>"
    assert [str(address) for address in (*request.to, *request.cc)] == ["Jo <jo@example.com>", "x@example.com"]


@pytest.mark.parametrize(
    ("verb", "payload", "changes"),
    [
        (Verb.STATUS, {"value": "solved"}, {"status": "solved"}),
        (Verb.PRIORITY, {"value": "high"}, {"priority": "high"}),
        (Verb.ASSIGN, {"value": None}, {"assignee": None}),
        (Verb.TAG, {"add": ["a"], "remove": []}, {"tags_add": ["a"], "tags_remove": []}),
        (Verb.SNOOZE, {"value": 5}, {"snoozed_until": 5}),
    ],
)
def test_fields_are_sent_with_the_version_they_were_merged_with(
    bench: Bench, verb: Verb, payload: dict[str, object], changes: dict[str, object]
) -> None:
    ingest(bench.store, bench.account, ticket("t1", remote_version="7"), cursor="c7")
    bench.add(verb, payload=payload)
    bench.push()
    (request,) = bench.vendor.sent
    assert isinstance(request, FieldRequest)
    assert (request.changes, request.base_version) == (changes, "7")


def test_a_new_ticket_learns_its_number(bench: Bench) -> None:
    operation = bench.add(Verb.CREATE, "2", payload={"subject": "Hello"})
    bench.vendor.answers = [PushResult(external_id="t77", number="77")]
    bench.push()
    (request,) = bench.vendor.sent
    assert (request.ticket.external_id, request.ticket.subject) == (None, "Hello")
    assert bench.get(operation).target == "desk:77"


class Announcer(Vendor):
    """A vendor whose connector says when the deciding step comes."""

    def __init__(self) -> None:
        super().__init__()
        self.before_effect: Callable[[], None] = lambda: None
        self.early: BaseException | None = None

    def _take(self, request: Request) -> PushResult:
        if self.early is not None:
            error, self.early = self.early, None
            raise error
        self.before_effect()
        return super()._take(request)


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture
def announced(bench: Bench) -> Bench:
    """A bench whose connector announces."""
    bench.vendor = Announcer()
    return bench


@pytest.mark.parametrize("verb", [Verb.REPLY, Verb.NOTE, Verb.STATUS])
def test_a_program_that_ended_before_the_deciding_step_left_nothing_to_doubt(announced: Bench, verb: Verb) -> None:
    operation = announced.add(verb, payload={"base": "open"})
    announced.vendor.early = KilledError()  # type: ignore[attr-defined]
    with pytest.raises(KilledError):
        announced.push()
    assert (announced.state(operation), announced.get(operation).error_code) == (S.INFLIGHT, "NOTHING_SENT")
    assert announced.push().pushed == 1
    assert (announced.state(operation), announced.get(operation).error_code) == (S.DONE, None)
    assert announced.vendor.looked == []


def test_a_program_that_ended_after_it_leaves_a_doubt(announced: Bench) -> None:
    operation = announced.add()
    announced.vendor.answers = [KilledError()]
    with pytest.raises(KilledError):
        announced.push()
    assert (announced.state(operation), announced.get(operation).error_code) == (S.INFLIGHT, None)
    announced.vendor.verdicts = ["unsure"]
    announced.push()
    assert announced.state(operation) is S.UNKNOWN
    assert len(announced.vendor.sent) == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Ambiguous("broke off"), S.READY),
        (OSError("broke off"), S.READY),
        (ValueError("a defect"), S.FAILED),
        (Rejected("no"), S.FAILED),
        (SystemExit(3), S.FAILED),
    ],
)
def test_what_breaks_before_the_deciding_step_is_known_to_be_harmless(
    announced: Bench, error: BaseException, state: OperationState
) -> None:
    operation = announced.add()
    announced.vendor.early = error  # type: ignore[attr-defined]
    announced.push()
    assert announced.state(operation) is state
    assert announced.vendor.sent == []


def test_who_slept_while_another_took_over_sends_nothing(announced: Bench) -> None:
    operation = announced.add()
    inner = Vendor()

    def sleep_and_wake() -> None:
        announced.store.connection.execute("UPDATE lease SET holder = 'other'")
        announced.store.connection.execute("UPDATE operation SET state = 'ready'")

    class Sleeper(Announcer):
        def send_reply(self, request: ReplyRequest) -> PushResult:
            sleep_and_wake()
            return super().send_reply(request)

    announced.vendor = Sleeper()
    announced.push()
    assert announced.vendor.sent == inner.sent == []
    assert announced.state(operation) is S.READY


@pytest.mark.parametrize(
    "answer",
    [None, "done", PushResult(external_id=cast("str", {"id": 1})), PushResult(message_id=cast("str", 5))],
)
def test_an_answer_that_is_none_is_a_doubt(bench: Bench, answer: object) -> None:
    operation = bench.add()
    bench.vendor.answers = [cast("PushResult", answer)]
    bench.push()
    assert bench.state(operation) is S.UNKNOWN
    bench.now += MINUTE
    bench.vendor.verdicts = [cast("Verdict", answer)]
    bench.push()
    assert bench.state(operation) is S.UNKNOWN


@pytest.mark.parametrize("asked", ["soon", -5, float("nan"), float("inf"), True, 0, None])
def test_a_wait_that_makes_no_sense_is_ours_to_choose(bench: Bench, asked: Any) -> None:
    operation = bench.add()
    bench.vendor.answers = [Throttled("slower", retry_after=asked)]
    bench.push()
    assert bench.state(operation) is S.READY
    assert accounts.blocked_until(bench.store.connection, bench.account) == bench.now + 60_000


def without_verification(bench: Bench) -> None:
    manifest = replace(MANIFEST, capabilities=replace(MANIFEST.capabilities, verification="none"))

    class Blind(Vendor):
        """A vendor that nothing can be asked."""

    Blind.manifest = manifest
    bench.vendor = Blind()


def test_a_connector_that_cannot_verify_stops_and_asks(bench: Bench) -> None:
    without_verification(bench)
    first, second = bench.add(), bench.add(Verb.NOTE)
    bench.vendor.answers = [Ambiguous("no answer")]
    bench.push()
    bench.now += MINUTE
    for _ in range(3):
        bench.now += MINUTE
        bench.push()
    found = bench.get(first)
    assert (found.state, found.error_code) == (S.UNKNOWN, NEEDS_PERSON)
    assert "cannot find out whether it arrived" in (found.last_error or "")
    assert bench.vendor.looked == []
    assert (bench.state(second), len(bench.vendor.sent)) == (S.READY, 1)
    assert (
        operations.next_due_at(bench.store.connection, bench.account, bench.now) == 0
    )  # the note, which waits behind it


def test_a_mark_that_never_comes_is_left_to_a_person(bench: Bench) -> None:
    operation = bench.add()
    bench.vendor.answers = [Ambiguous("no answer")]
    bench.push()
    bench.now += MINUTE
    bench.vendor.verdicts = [Ambiguous("no copy came back within ten minutes")]
    bench.push()
    found = bench.get(operation)
    assert (found.state, found.error_code) == (S.UNKNOWN, NEEDS_PERSON)
    assert found.last_error == "no copy came back within ten minutes"
    assert operations.next_due_at(bench.store.connection, bench.account, bench.now) is None
    bench.push()
    assert bench.vendor.looked == [operation.id]


def looking(bench: Bench, look: Callable[[], None]) -> Pusher:
    vendor = bench.vendor
    assert isinstance(vendor, TicketSource)
    return Pusher(
        bench.store,
        bench.account,
        vendor,
        holder="me",
        clock=lambda: bench.now,
        chance=lambda: 0.5,
        look=look,
    )


def test_one_look_holds_for_a_while(bench: Bench) -> None:
    base = conversations.newest_message(bench.store.connection, key_of(bench.store))
    for verb in (Verb.NOTE, Verb.REPLY, Verb.STATUS, Verb.REPLY):
        bench.add(verb, payload={"base": "open"}, base_message_id=base if verb is Verb.REPLY else None)
    seen: list[int] = []
    looking(bench, lambda: seen.append(len(bench.vendor.sent))).run(threading.Event())
    assert seen == [1]  # notes are not guarded, and what follows within seconds needs no second look
    assert len(bench.vendor.sent) == 4


def test_what_a_look_finds_stops_the_reply(bench: Bench) -> None:
    base = conversations.newest_message(bench.store.connection, key_of(bench.store))
    reply, other = bench.add(base_message_id=base), bench.add(Verb.NOTE, "2")
    news = message("m9", "t1", T0 + 5 * MINUTE)

    def look() -> None:
        ingest(bench.store, bench.account, news, cursor="c9")

    looking(bench, look).run(threading.Event())
    assert [bench.state(reply), bench.state(other)] == [S.CONFLICT, S.DONE]


def test_when_nothing_can_be_looked_at_nothing_guarded_goes(bench: Bench) -> None:
    base = conversations.newest_message(bench.store.connection, key_of(bench.store))
    reply = bench.add(base_message_id=base)

    def fail() -> None:
        raise Retryable("the line is down")

    tally = looking(bench, fail).run(threading.Event())
    assert isinstance(tally.error, Retryable)
    found = bench.get(reply)
    assert (found.state, found.last_error, found.attempts) == (S.READY, "the line is down", 0)
    assert found.not_before > bench.now
    assert bench.vendor.sent == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_refused_version_is_merged_and_tried_again(bench: Bench, times: int) -> None:
    operation = bench.add(Verb.STATUS, payload={"base": "open"})
    bench.vendor.answers = [Conflicting("changed")] * times

    def look() -> None:
        record = ticket("t1", remote_version=str(bench.now), tags=("theirs",))
        ingest(bench.store, bench.account, record, cursor=f"c{bench.now}")

    looking(bench, look).run(threading.Event())
    assert bench.state(operation) is S.DONE
    assert len(bench.vendor.sent) == times + 1


def test_a_version_that_is_refused_for_ever_is_left_to_a_person(bench: Bench) -> None:
    operation = bench.add(Verb.STATUS, payload={"base": "open"})
    bench.vendor.answers = [Conflicting("changed") for _ in range(9)]
    looking(bench, lambda: None).run(threading.Event())
    assert bench.state(operation) is S.CONFLICT
    assert len(bench.vendor.sent) == 3


def test_a_field_that_waits_for_a_person_does_not_keep_a_text(bench: Bench) -> None:
    status = bench.add(Verb.STATUS, payload={"base": "open"}, state=S.CONFLICT)
    again, reply = bench.add(Verb.STATUS, payload={"base": "open"}), bench.add()
    bench.push()
    assert [bench.state(one) for one in (status, again, reply)] == [S.CONFLICT, S.READY, S.READY]
    with bench.store.write() as connection:
        operations.move(connection, again.id, Signal.CANCEL, bench.now)
    bench.push()
    assert bench.state(reply) is S.DONE


def test_what_was_cancelled_a_moment_ago_does_not_leave(bench: Bench) -> None:
    base = conversations.newest_message(bench.store.connection, key_of(bench.store))
    reply = bench.add(base_message_id=base)

    def cancel() -> None:
        with bench.store.write() as connection:
            operations.move(connection, reply.id, Signal.CANCEL, bench.now)

    looking(bench, cancel).run(threading.Event())
    assert (bench.state(reply), bench.vendor.sent) == (S.CANCELLED, [])


def test_a_change_that_was_overtaken_while_its_outcome_was_open_waits_for_a_person(bench: Bench) -> None:
    operation = bench.add(Verb.PRIORITY, payload={"value": "urgent", "base": "normal"}, inverse={"value": "normal"})
    bench.vendor.answers = [Ambiguous("no answer")]
    bench.push()
    ingest(bench.store, bench.account, ticket("t1", priority=Priority.LOW), cursor="c9")
    bench.now += MINUTE
    bench.vendor.verdicts = ["absent"]
    tally = bench.push()
    found = bench.get(operation)
    assert (tally.conflicts, found.state, found.error_code) == (1, S.CONFLICT, "FIELD_CONFLICT")
    assert (found.payload["theirs"], len(bench.vendor.sent)) == ("low", 1)
    assert bench.store.connection.execute("SELECT priority FROM ticket WHERE number = '1'").fetchone() == ("low",)


@pytest.mark.parametrize("back", [MINUTE, 60 * MINUTE, 60 * 24 * 365 * MINUTE])
def test_a_clock_that_is_set_back_keeps_nothing_waiting(bench: Bench, back: int) -> None:
    held = bench.add(state=S.HELD, not_before=T0 + 2 * MINUTE)
    bench.now = T0 - back
    assert operations.next_due_at(bench.store.connection, bench.account, bench.now) == 0
    bench.push()
    assert bench.state(held) is S.DONE


def test_a_rest_that_was_noted_before_the_clock_was_set_back_does_not_last(bench: Bench) -> None:
    operation = bench.add()
    bench.vendor.answers = [Throttled("slower", retry_after=60)]
    bench.push()
    assert bench.push() == PushTally()
    bench.now -= 48 * 60 * MINUTE
    bench.store.connection.execute("UPDATE operation SET not_before = 0")
    bench.push()
    assert bench.state(operation) is S.DONE


def test_a_clock_that_is_set_forward_sends_once(bench: Bench) -> None:
    operation = bench.add(state=S.HELD, not_before=T0 + 10 * MINUTE)
    bench.push()
    assert bench.state(operation) is S.HELD
    bench.now += 400 * 24 * 60 * MINUTE
    bench.push()
    bench.push()
    assert (bench.state(operation), len(bench.vendor.sent)) == (S.DONE, 1)
