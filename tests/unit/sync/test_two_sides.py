"""Two sides and a bad line between them: whatever happens in whatever order, nothing is lost, doubled or stale."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from carecli.config.paths import Paths, find
from carecli.config.settings import AccountSettings, Settings, Sourced
from carecli.connectors.demo.manifest import MANIFEST
from carecli.connectors.spi.errors import Ambiguous, Conflicting, Rejected, Retryable, Throttled
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Options
from carecli.connectors.spi.protocols import Lookup, Secrets, Verdict
from carecli.connectors.spi.records import FieldRequest, Health, NoteRequest, Page, PushResult, Record, ReplyRequest
from carecli.domain import ids
from carecli.domain.conversation import Address, Draft, DraftMode
from carecli.domain.errors import CareError
from carecli.domain.operation import FINAL, Operation, OperationState, Verb
from carecli.domain.ticket import Priority, TicketStatus
from carecli.services.context import Context
from carecli.services.outbox import Outbox
from carecli.services.replies import Replies
from carecli.services.tickets import Tickets
from carecli.store import operations
from carecli.store.engine import Store
from carecli.sync.pull import pull
from carecli.sync.push import Pusher
from workbench import T0, account, answer, intact, message, note, ticket

NUMBERS = ("1", "2")
STATUSES = ["open", "pending", "on_hold", "solved"]
PRIORITIES = ["low", "normal", "high"]
TAGS = ["a", "b", "c"]
FIELDS = {"status": STATUSES, "priority": PRIORITIES}
FAULTS = ["before", "after", "neither", "both", "reject", "throttle", "die before", "die after"]


class Killed(BaseException):
    """The process ends in the middle of a request."""


class Said(NamedTuple):
    """One message at the vendor; ``op`` is empty for customers and colleagues."""

    ticket: str
    op: str
    public: bool


class Vendor:
    """Keeps tickets with versions, tells what changed, and fails as it is told at the worst moments."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, account: str = "desk", options: Options | None = None, secrets: Secrets | None = None) -> None:
        del account, options, secrets
        self.fields: dict[str, dict[str, Any]] = {
            number: {"status": "open", "priority": "normal", "tags": ["a"], "version": 1} for number in NUMBERS
        }
        self.said = [Said(number, "", public=True) for number in NUMBERS]
        self.feed = [*NUMBERS]
        self.marks: set[str] = set()
        self.faults: list[str] = []
        self.before_write: Callable[[str], None] = lambda _: None

    def others(self, number: str) -> int:
        """How many public messages customers and colleagues wrote."""
        return sum(1 for one in self.said if one.ticket == number and one.public and not one.op)

    def speak(self, number: str, op: str = "", *, public: bool = True) -> None:
        self.said.append(Said(number, op, public))
        self.touch(number)

    def change(self, number: str, **values: object) -> None:
        self.fields[number] |= values
        self.touch(number)

    def touch(self, number: str) -> None:
        self.fields[number]["version"] += 1
        self.feed.append(number)

    def _acts(self, number: str, op: str, act: Callable[[], None]) -> PushResult:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            raise Retryable("no line")
        if fault == "throttle":
            raise Throttled("slow down", retry_after=3)
        if fault == "reject":
            raise Rejected("we do not like it")
        if fault == "die before":
            raise Killed
        if fault == "neither":
            raise Ambiguous("no answer")
        self.before_write(op)
        act()
        if fault == "die after":
            raise Killed
        if fault in ("after", "both"):
            raise Ambiguous("no answer")
        return PushResult(external_id=f"{number}-{op}", remote_version=str(self.fields[number]["version"]))

    def _number(self, request: ReplyRequest | NoteRequest | FieldRequest) -> str:
        assert request.ticket.external_id is not None
        return request.ticket.external_id.removeprefix("t")

    def send_reply(self, request: ReplyRequest) -> PushResult:
        number = self._number(request)
        return self._acts(number, request.operation_id, lambda: self.speak(number, request.operation_id))

    def add_note(self, request: NoteRequest) -> PushResult:
        number = self._number(request)
        return self._acts(number, request.operation_id, lambda: self.speak(number, request.operation_id, public=False))

    def update_ticket(self, request: FieldRequest) -> PushResult:
        number = self._number(request)
        if request.base_version != str(self.fields[number]["version"]):
            raise Conflicting("somebody changed it")
        changes = dict(request.changes)
        if "tags_add" in changes:
            added, removed = changes.pop("tags_add"), changes.pop("tags_remove")
            assert isinstance(added, list)
            assert isinstance(removed, list)
            kept = [tag for tag in self.fields[number]["tags"] if tag not in removed]
            changes["tags"] = [*kept, *(tag for tag in added if tag not in kept)]
        return self._acts(number, request.operation_id, lambda: self._set(number, request.operation_id, changes))

    def _set(self, number: str, op: str, changes: dict[str, object]) -> None:
        self.marks.add(op)
        self.change(number, **changes)

    def verify(self, operation_id: str, request: ReplyRequest | NoteRequest | FieldRequest) -> Verdict:
        number = self._number(request)
        if any(one.op == operation_id for one in self.said) or operation_id in self.marks:
            return PushResult(external_id=f"{number}-{operation_id}", remote_version=None)
        return "absent"

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        del stream, lookup, stop
        start, heard = (int(part) for part in (cursor or "0 0").split())
        records: list[Record] = []
        for number in dict.fromkeys(self.feed[start:]):
            values = self.fields[number]
            records.append(
                ticket(
                    f"t{number}",
                    status=TicketStatus(values["status"]),
                    priority=Priority(values["priority"]),
                    tags=tuple(values["tags"]),
                    remote_version=str(values["version"]),
                    updated_at=T0 + len(self.feed),
                )
            )
        for place, one in enumerate(self.said[heard:], heard):
            make = message if not one.op else answer if one.public else note
            key = f"{one.ticket}-{one.op}" if one.op else f"m{place}"
            records.append(make(key, f"t{one.ticket}", T0 + 1000 * place, mark=one.op or None))
        yield Page(records=tuple(records), cursor=f"{len(self.feed)} {len(self.said)}", more=False)

    def check(self) -> Health:
        return Health(identity="me")

    def close(self) -> None:
        """Nothing to free."""

    def fetch_attachment(self, message: str, attachment: str, lookup: Lookup) -> bytes:
        del message, attachment, lookup
        return b""


def settings_of() -> Settings:
    """Settings with one account."""
    desk = AccountSettings("desk", "demo", {}, 0, {}, {})
    names = ("agent.name", "agent.email", "console.undo_seconds")
    return Settings({name: Sourced(None, "default") for name in names}, {"desk": desk}, (), "", file_exists=False)


class Counting(Context):
    """Gives ids that are the same in every run."""

    made = 0

    def new_id(self) -> str:
        Counting.made += 1
        return ids.ulid(self.now(), Counting.made.to_bytes(10, "big"))


class TwoSides(RuleBasedStateMachine):
    """An agent works, colleagues and customers work, the line fails, the process dies, people decide."""

    template: ClassVar[Path | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="two-sides-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108
        self.now = T0 + 1_000_000

    @initialize()
    def begin(self) -> None:
        file = self.folder / "carecli.db"
        if TwoSides.template is None:
            TwoSides.template = Path(tempfile.mkdtemp()) / "carecli.db"
            made = Store(str(TwoSides.template))
            made.connection.execute("PRAGMA wal_checkpoint(truncate)")
            made.close()
        shutil.copyfile(TwoSides.template, file)
        self.store = Store(str(file))
        self.account = account(self.store)
        paths: Paths = find(str(self.folder), None, {})
        context = Counting(self.store, settings_of(), paths, "Sam", "cli", now=lambda: self.now)
        self.tickets, self.replies, self.outbox = Tickets(context), Replies(context), Outbox(context)
        self.vendor = Vendor()
        Counting.made = 0
        self.vendor.before_write = self.about_to_write
        self.seen: dict[str, int] = {}
        self.broken: list[str] = []
        self.sent_again: dict[str, int] = {}
        self.given_up: set[str] = set()
        self.pull()
        self.keys = {
            number: int(
                self.store.connection.execute("SELECT id FROM ticket WHERE number = ?", (number,)).fetchone()[0]
            )
            for number in NUMBERS
        }

    def about_to_write(self, op: str) -> None:
        """The promise about staleness, checked at the moment at which something reaches the vendor."""
        operation = operations.get(self.store.connection, op)
        assert operation.target is not None
        number = operation.target.partition(":")[2]
        if operation.verb is Verb.REPLY and self.vendor.others(number) != self.seen[op]:
            self.broken.append("a reply went out that had not seen everything")
        if operation.verb in (Verb.STATUS, Verb.PRIORITY):
            there = self.vendor.fields[number][str(operation.verb)]
            if there not in (operation.payload["base"], operation.payload["value"]):
                self.broken.append("a change overwrote one that nobody here had seen")

    def heard(self, key: int) -> int:
        """How many public messages of others are known here."""
        sql = "SELECT count(*) FROM message WHERE ticket_id = ? AND operation_id IS NULL AND visibility = 'public'"
        return int(self.store.connection.execute(sql, (key,)).fetchone()[0])

    def every(self) -> list[Operation]:
        rows = self.store.connection.execute("SELECT id FROM operation ORDER BY seq")
        return [operations.get(self.store.connection, row[0]) for row in rows]

    def pick(self, place: int, *states: OperationState) -> Operation | None:
        found = [one for one in self.every() if one.state in states]
        return found[place % len(found)] if found else None

    @rule(number=st.sampled_from(NUMBERS), mode=st.sampled_from([DraftMode.REPLY, DraftMode.NOTE]), solve=st.booleans())
    def write(self, number: str, mode: DraftMode, solve: bool) -> None:
        key = self.keys[number]
        draft = Draft(
            id="",
            ticket_id=key,
            ticket_ref=None,
            account=None,
            agent="",
            mode=mode,
            to=(Address("jo@example.com", "Jo"),),
            cc=(),
            bcc=(),
            subject=None,
            body="words",
            attachments=(),
            actions=(),
            base_message_id=self.tickets.newest_message(key),
            created_at=0,
            updated_at=0,
            discarded_at=None,
        )
        here = self.heard(key)
        made = self.replies.make(draft, hold_seconds=5 if solve else 0, solve=solve and mode is DraftMode.REPLY)
        self.seen[made[0].id] = here

    @rule(numbers=st.sampled_from([("1",), ("2",), NUMBERS]), status=st.sampled_from(STATUSES))
    def set_status(self, numbers: tuple[str, ...], status: str) -> None:
        self.tickets.set_status([self.keys[number] for number in numbers], status)

    @rule(number=st.sampled_from(NUMBERS), priority=st.sampled_from(PRIORITIES))
    def set_priority(self, number: str, priority: str) -> None:
        self.tickets.set_priority([self.keys[number]], priority)

    @rule(number=st.sampled_from(NUMBERS), add=st.sampled_from(TAGS), remove=st.sampled_from(TAGS))
    def tag(self, number: str, add: str, remove: str) -> None:
        self.tickets.tag([self.keys[number]], [add], [remove])

    @rule(redo=st.booleans())
    def undo(self, redo: bool) -> None:
        with suppress(CareError):
            self.tickets.redo() if redo else self.tickets.undo()

    @rule(place=st.integers(0, 9))
    def cancel(self, place: int) -> None:
        found = self.pick(place, OperationState.HELD, OperationState.READY, OperationState.FAILED)
        if found is not None:
            with suppress(CareError):
                self.outbox.cancel(found.id)

    @rule(place=st.integers(0, 9), chosen=st.integers(0, 2))
    def decide(self, place: int, chosen: int) -> None:
        found = self.pick(place, OperationState.CONFLICT, OperationState.FAILED, OperationState.UNKNOWN)
        if found is None:
            return
        choices = self.outbox.decision(found.id).choices
        choice = choices[chosen % len(choices)]
        if choice == "edit":
            self.replies.unsend(found.id)
            return
        self.outbox.resolve(found.id, choice)
        if choice == "send":
            if found.verb is Verb.REPLY and found.ticket_id is not None:  # the person saw what is here now, no more
                self.seen[found.id] = self.heard(found.ticket_id)
            if found.state is OperationState.UNKNOWN:
                self.sent_again[found.id] = self.sent_again.get(found.id, 0) + 1
        if choice == "discard" and found.state is OperationState.UNKNOWN:
            self.given_up.add(found.id)

    @rule(number=st.sampled_from(NUMBERS))
    def somebody_writes(self, number: str) -> None:
        self.vendor.speak(number)

    @rule(number=st.sampled_from(NUMBERS), name=st.sampled_from(sorted(FIELDS)), place=st.integers(0, 3))
    def somebody_changes(self, number: str, name: str, place: int) -> None:
        values = FIELDS[name]
        self.vendor.change(number, **{name: values[place % len(values)]})

    @rule(number=st.sampled_from(NUMBERS), tag=st.sampled_from(TAGS))
    def somebody_tags(self, number: str, tag: str) -> None:
        tags = self.vendor.fields[number]["tags"]
        self.vendor.change(number, tags=[t for t in tags if t != tag] if tag in tags else [*tags, tag])

    @rule()
    def pull(self) -> None:
        pull(self.store, self.account, self.vendor, ("tickets",), stop=threading.Event(), clock=lambda: self.now)

    def look(self) -> None:
        if self.blind:
            raise Retryable("nothing can be read")
        self.pull()

    @rule(
        faults=st.lists(st.sampled_from(FAULTS), max_size=3),
        seconds=st.sampled_from([1, 10, 400, -100, -7200]),
        blind=st.booleans(),
    )
    def push(self, faults: list[str], seconds: int, blind: bool = False) -> None:
        self.now += seconds * 1000
        self.blind = blind
        self.vendor.faults = list(faults)
        pusher = Pusher(
            self.store,
            self.account,
            self.vendor,
            holder="me",
            clock=lambda: self.now,
            chance=lambda: 0.5,
            look=self.look,
        )
        with suppress(Killed):
            pusher.run(threading.Event())
        self.vendor.faults = []

    @invariant()
    def nothing_is_doubled(self) -> None:
        if not hasattr(self, "store"):
            return
        assert not self.broken
        counts: dict[str, int] = {}
        for one in self.vendor.said:
            if one.op:
                counts[one.op] = counts.get(one.op, 0) + 1
        for op, count in counts.items():
            assert count <= 1 + self.sent_again.get(op, 0), f"{op} reached the vendor {count} times"
        for operation in self.every():
            there = counts.get(operation.id, 0)
            if operation.verb in (Verb.REPLY, Verb.NOTE):
                if operation.state is OperationState.DONE:
                    assert there, "it is done, and nowhere"
                doubtful = operation.id in self.given_up or operation.id in self.sent_again
                if operation.state is OperationState.CANCELLED and not doubtful:
                    assert not there, "it was taken back, and is there"
        for one in self.vendor.said:
            if one.op:
                verb = operations.get(self.store.connection, one.op).verb
                assert one.public is (verb is Verb.REPLY), "a note got out"

    @invariant()
    def texts_of_a_ticket_keep_their_order(self) -> None:
        if not hasattr(self, "store"):
            return
        place = {operation.id: seq for seq, operation in enumerate(self.every())}
        for number in NUMBERS:
            ours = [place[one.op] for one in self.vendor.said if one.op and one.ticket == number]
            first = list(dict.fromkeys(ours))
            assert first == sorted(first) or self.sent_again

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.settle()
            self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settle(self) -> None:
        """The line is good again and the person discards what waits: both sides end up the same."""
        for _ in range(60):
            self.push([], 4000)
            for one in self.every():
                state = self.outbox.get(one.id).state  # the one before may have taken it along
                if state in (OperationState.CONFLICT, OperationState.FAILED, OperationState.UNKNOWN):
                    self.outbox.resolve(one.id, "discard")
            if all(one.state in FINAL for one in self.every()):
                break
        self.pull()
        self.nothing_is_doubled()
        left = [(one.id, one.verb, one.state, one.last_error) for one in self.every() if one.state not in FINAL]
        assert not left, f"never settled: {left}"
        for number in NUMBERS:
            found = self.tickets.get(self.keys[number])
            there = self.vendor.fields[number]
            assert (found.status, found.priority) == (there["status"], there["priority"])
            assert set(found.tags) == set(there["tags"])
        assert intact(self.store)


# Shrinking a run of dozens of steps takes many minutes; what was found is told as it was found.
STEADY = (Phase.explicit, Phase.generate)
TestTwoSides = TwoSides.TestCase
TestTwoSides.settings = settings(max_examples=60, stateful_step_count=40, report_multiple_bugs=False, phases=STEADY)
