"""A desk, its connectors, and local stores that the real sync engine fills: what every check works with."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from carecli.connectors.spi.protocols import Lookup, Source, TicketSource
from carecli.connectors.spi.records import (
    FieldRequest,
    Health,
    NoteRequest,
    OutgoingFile,
    Page,
    ReplyRequest,
    TicketHandle,
)
from carecli.domain.ids import ulid
from carecli.domain.operation import FINAL, Operation, OperationState, Verb
from carecli.store import accounts, operations
from carecli.store.engine import Store
from carecli.sync.apply import Tally
from carecli.sync.pull import pull
from carecli.sync.push import Pusher, PushTally
from carecli.testing.desk import Desk, Fault, HookMissingError, Scripted, Side
from carecli.testing.stores import dump, empty_store

MOST_PAGES = 10_000
MOST_SECONDS = 120
STOP_LIMIT = 1.5
"""Seconds until a stop must have worked: one, and half of one for a busy machine."""
_ROUND_MS = 20_000
_ROUNDS = 60
Die = tuple[int, str]
"""Where a pull is killed: before or after the page of a number (from 1) is stored."""


class KilledError(KeyboardInterrupt):
    """The process died here."""


class EndlessError(KeyboardInterrupt):
    """A pull did not end; an interrupt, so that nobody takes it for the connector's own error."""


class NoLookup:
    """A store that knows nothing; implements ``spi.protocols.Lookup``."""

    def threads_of(self, keys: Sequence[str]) -> Mapping[str, tuple[str, bool]]:
        """No thread is known."""
        return {}

    def participants(self, ticket: str) -> frozenset[str]:
        """Nobody is known."""
        return frozenset()

    def subject_of(self, ticket: str) -> str | None:
        """No ticket is known."""
        return None

    def places(self, folder: str, uidvalidity: int) -> Mapping[int, tuple[str, ...]]:
        """No place is known."""
        return {}

    def known_messages(self, external_ids: Sequence[str]) -> frozenset[str]:
        """No message is known."""
        return frozenset()

    def raw(self, kind: str, external_id: str) -> bytes | None:
        """Nothing is kept."""
        return None


class _Watched:
    """A source seen through a window: keeps its pages, kills it where it should die, and notices when it never ends."""

    def __init__(self, source: Source, die: Die | None) -> None:
        self.manifest = source.manifest
        self.pages: list[tuple[str, Page]] = []
        self._source = source
        self._die = die

    def check(self) -> Health:
        return self._source.check()

    def close(self) -> None:
        self._source.close()

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        deadline = time.monotonic() + MOST_SECONDS
        for page in self._source.pull(stream, cursor, lookup, stop):
            self.pages.append((stream, page))
            if self._die == (len(self.pages), "before"):
                raise KilledError
            if len(self.pages) > MOST_PAGES or time.monotonic() > deadline:
                raise EndlessError(f"stream '{stream}' had not ended after {len(self.pages)} pages")
            yield page

    def stored(self, _seen: int, _total: int | None) -> None:
        if self._die == (len(self.pages), "after"):
            raise KilledError


class Local:
    """One local store with the account under test; reads and writes it as the product does."""

    def __init__(self, file: Path, bench: Bench) -> None:
        self.store: Store = empty_store(file)
        self._bench = bench
        self._manifest = bench.desk.manifest
        with self.store.write() as connection:
            self.account = accounts.ensure(connection, "kit", self._manifest.kind, None, bench.started)
        self.pages: list[tuple[str, Page]] = []

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.store.connection.execute(sql, values).fetchall()

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows, but for the cursors (they are the connector's own matter) and counters of nought."""
        state = dump(self.store, without=("sync_cursor", "lease"))
        state["counter"] = [row for row in state["counter"] if row[-1]]
        return state

    def pull(self, source: Source, *, stop: threading.Event | None = None, die: Die | None = None) -> Tally:
        """One pull of all streams by the engine; ``pages`` are what it brought. Raises what the engine raises."""
        watched = _Watched(source, die)
        try:
            return pull(
                self.store,
                self.account,
                cast("Source", watched),
                self._manifest.streams,
                stop=stop or threading.Event(),
                clock=lambda: self._bench.started,
                progress=watched.stored,
            )
        except EndlessError as endless:
            pytest.fail(f"{endless}; the last page must say more=False")
        finally:
            self.pages = watched.pages

    def pull_all(self, source: Source) -> Tally:
        """Forgets how far the account was read, and pulls it from the beginning."""
        with self.store.write() as connection:
            accounts.drop_cursors(connection, self.account)
        return self.pull(source)

    def push(self, source: TicketSource) -> PushTally:
        """One run of the outbox by the engine."""
        pusher = Pusher(
            self.store, self.account, source, holder="kit", clock=lambda: self._bench.now, chance=lambda: 0.5
        )
        return pusher.run(threading.Event())

    def add(self, verb: Verb, ticket: int | None, payload: Mapping[str, object]) -> str:
        """Puts an operation into the outbox; returns its id."""
        made = Operation(
            ulid(self._bench.now, os.urandom(10)),
            "kit",
            verb,
            ticket,
            None,
            payload,
            OperationState.READY,
            0,
            0,
            self._bench.now,
        )
        with self.store.write() as connection:
            operations.add(connection, made, self.account)
        return made.id

    def operation(self, operation_id: str) -> Operation:
        """An operation as it stands now."""
        return operations.get(self.store.connection, operation_id)

    def texts(self) -> list[str]:
        """The texts of all messages and articles, white space folded."""
        found = self.rows("SELECT body_text FROM message UNION ALL SELECT body_text FROM article")
        return [folded(row[0]) for row in found]

    def ticket_with(self, text: str) -> int:
        """Key of the ticket with a message that holds a text; fails when there is none."""
        for ticket_id, body in self.rows("SELECT ticket_id, body_text FROM message ORDER BY id"):
            if folded(text) in folded(body):
                return int(ticket_id)
        pytest.fail(f"no pulled message holds the text {text[:60]!r}")

    def external(self, ticket: int) -> str:
        """External id of a ticket."""
        return str(self.rows("SELECT external_id FROM ticket WHERE id = ?", ticket)[0][0])

    def column(self, ticket: int, name: str) -> Any:
        """One column of a ticket."""
        return self.rows(f"SELECT {name} FROM ticket WHERE id = ?", ticket)[0][0]


class Bench:
    """One check's surroundings. ``local`` is its store; ``now`` (milliseconds) stands until it is moved."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.can = desk.manifest.capabilities
        self.started = self.now = int(time.time() * 1000)
        self._folder = folder
        self._made: list[Source] = []
        self._locals: list[Local] = []
        self.local = self.another()

    def close(self) -> None:
        """Closes what was opened, and heals the desk."""
        with suppress(HookMissingError):
            self.desk.heal()
        for source in self._made:
            source.close()
        for local in self._locals:
            local.store.close()

    def another(self) -> Local:
        """Another local store of the same account."""
        self._locals.append(Local(self._folder / f"kit-{len(self._locals)}.db", self))
        return self._locals[-1]

    def source(self, *, good: bool = True) -> Source:
        """A new connector; it is closed at the end."""
        self._made.append(self.desk.connector(good=good))
        return self._made[-1]

    def writer(self, *, good: bool = True) -> TicketSource:
        """A new connector that tickets can be written with; skips for one that has no tickets."""
        source = self.source(good=good)
        if not isinstance(source, TicketSource):
            pytest.skip(f"'{self.desk.manifest.kind}' has no tickets to write to")
        return source

    def has(self, *hooks: str) -> None:
        """Skips when the vendor has no such thing, for the reason the author gave."""
        for hook in hooks:
            if hook in self.desk.impossible:
                pytest.skip(f"{hook}: {self.desk.impossible[hook]}")

    def claims(self, name: str) -> bool:
        """Whether the capabilities say that the vendor itself takes such a write."""
        return getattr(self.can, name) in (True, "remote", "direct", "transition")

    def needs(self, name: str) -> None:
        """Skips when a capability is not claimed."""
        if not self.claims(name):
            pytest.skip(f"the capability {name} is {getattr(self.can, name)!r}")

    def script(self, fault: Fault, on: Side) -> Scripted:
        """Makes the vendor misbehave; skips where it cannot."""
        self.has(str(fault), f"{fault} on {on}", "script")
        return self.desk.script(fault, on)

    def conversation(self, text: str = "Where is my kit order?") -> int:
        """A customer writes and we pull: key of the ticket."""
        self.has("say")
        self.desk.say(text)
        self.local.pull(self.source())
        return self.local.ticket_with(text)

    def request(self, kind: str, ticket: int | None, text: str) -> ReplyRequest | NoteRequest | FieldRequest:
        """A request by hand: reply, create, note or fields; ``ticket`` is a local key."""
        handle = TicketHandle(external_id=None, number=None, subject="About your kit")
        if ticket is not None and kind != "create":
            external_id, number, subject = self.local.rows(
                "SELECT external_id, number, subject FROM ticket WHERE id = ?", ticket
            )[0]
            handle = TicketHandle(external_id=external_id, number=number, subject=subject)
        common: dict[str, Any] = {
            "operation_id": ulid(self.now, os.urandom(10)),
            "created_at": self.now,
            "ticket": handle,
        }
        if kind == "note":
            return NoteRequest(body_text=text, **common)
        if kind == "fields":
            return FieldRequest(changes={"status": "solved"}, **common)
        subject = "About your kit" if kind == "create" else None
        return ReplyRequest(body_text=text, to=(self.desk.customer,), subject=subject, **common)

    def reply(self, ticket: int, text: str, **more: object) -> str:
        """Queues a reply; returns its operation."""
        answers = self.local.rows("SELECT max(id) FROM message WHERE ticket_id = ? AND direction = 'in'", ticket)[0][0]
        return self.local.add(Verb.REPLY, ticket, self._outgoing(text) | {"answers": answers} | more)

    def create(self, text: str, **more: object) -> str:
        """Queues a first message to a customer; returns its operation."""
        return self.local.add(Verb.CREATE, None, self._outgoing(text) | {"subject": "About your kit"} | more)

    def forward(self, ticket: int, text: str) -> str:
        """Queues a forward; returns its operation."""
        return self.local.add(Verb.FORWARD, ticket, self._outgoing(text) | {"subject": "Fwd: a kit matter"})

    def note(self, ticket: int, text: str) -> str:
        """Queues an internal note; returns its operation."""
        return self.local.add(Verb.NOTE, ticket, {"body": text, "files": []})

    def _outgoing(self, text: str) -> dict[str, object]:
        who = self.desk.customer
        return {"body": text, "to": [[who.email, who.name]], "cc": [], "bcc": [], "files": []}

    def file(self, name: str, content: bytes) -> dict[str, str]:
        """A file to attach, as the outbox keeps it."""
        path = self._folder / "to attach"
        path.write_bytes(content)
        return {"path": str(path), "filename": name, "mime": "application/octet-stream"}

    def settle(self, operation_id: str) -> Operation:
        """Pushes with new connectors, as later runs would, until an operation is done or waits for a person."""
        for _ in range(_ROUNDS if self.can.verification != "none" else 3):
            self.local.push(self.writer())
            found = self.local.operation(operation_id)
            if found.state in FINAL or found.state in (OperationState.FAILED, OperationState.CONFLICT):
                break
            if found.state is OperationState.UNKNOWN:
                time.sleep(0.05)  # what was accepted may still be under way
            self.now += _ROUND_MS
        return self.local.operation(operation_id)

    def count_public(self, text: str) -> int:
        """How often a text reached the public."""
        self.has("public")
        return sum(folded(text) in folded(each) for each in self.desk.public())

    def count_notes(self, text: str) -> int:
        """How often the vendor keeps a text as an internal note."""
        self.has("notes")
        return sum(folded(text) in folded(each) for each in self.desk.notes())


def folded(text: str) -> str:
    """Text with white space folded: mail wraps lines, vendors trim."""
    return " ".join(text.split())


def within(seconds: float, call: Any) -> None:
    """Fails when a call takes longer; the call goes on in a thread of its own, so that it cannot hang the tests."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="kit-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        pytest.fail(f"it had not come back after {seconds} s")
    if errors:
        raise errors[0]


def attached(name: str, content: bytes) -> OutgoingFile:
    """A file to attach to a request made by hand."""
    return OutgoingFile(filename=name, mime="application/octet-stream", content=content)


def lookup_nothing() -> Lookup:
    """A lookup that knows nothing."""
    return cast("Lookup", NoLookup())
