"""The ``demo`` connector: a support desk without a network, for trying out and for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import ClassVar, cast

import msgspec

from carecli.connectors.demo import people
from carecli.connectors.demo.articles import articles
from carecli.connectors.demo.journal import Entry
from carecli.connectors.demo.manifest import MANIFEST
from carecli.connectors.demo.server import Server, Setup
from carecli.connectors.spi.errors import (
    Ambiguous,
    AuthNeeded,
    Conflicting,
    Rejected,
    Retryable,
    Throttled,
    Unsupported,
)
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Options
from carecli.connectors.spi.protocols import Lookup, Secrets, Verdict
from carecli.connectors.spi.records import (
    FieldRequest,
    Health,
    NoteRequest,
    Page,
    PushResult,
    Record,
    ReplyRequest,
)
from carecli.domain.ticket import Priority, TicketStatus

PAGE = 200
_FIELDS = frozenset({"status", "priority", "assignee", "team", "subject", "tags_add", "tags_remove"})


class _Cursor(msgspec.Struct, omit_defaults=True):
    """Where a pull stands: end of the week, next index, entries read of which journal, news made and when."""

    now: int
    next: int = 0
    journal: str = ""
    read: int = 0
    news: int = 0
    news_at: int = 0


class DemoConnector:
    """Implements tickets, knowledge and live news; see the option ``fail`` for scripted failures.

    Source of all texts: the package's own ``data`` folder.
    """

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, account: str, options: Options, secrets: Secrets) -> None:
        self.account = account
        self._secrets = secrets
        self._live = bool(options.get("live"))
        self.before_effect: Callable[[], None] = lambda: None
        self._fail = cast("tuple[str, ...]", options.get("fail") or ())
        self._setup = Setup(
            seed=cast("int", options.get("seed", 7)),
            tickets=max(cast("int", options.get("tickets", 400)), 1),
            part=cast("str", options.get("part") or "all"),
            now=cast("int", options.get("now") or 0),
            base_url=cast("str", options.get("base_url") or "https://demo.invalid"),
            state_file=cast("str | None", options.get("state_file") or None),
        )
        self._opened: Server | None = None
        self._next_news = 0.0
        self._has_news = False

    @property
    def _server(self) -> Server:
        if self._opened is None:
            self._opened = Server(self._setup)
        return self._opened

    def check(self) -> Health:
        """Tells who is signed in: the demo's own agent."""
        notes = ("Invented people and texts; nothing leaves this machine.",)
        return Health(identity=f"{people.ME} <{people.agent_email(people.ME)}>", notes=notes)

    def close(self) -> None:
        """Forgets the desk; a state file stays."""
        self._opened = None

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        """Pages of ``articles`` or ``tickets``; the desk first, then what has happened since."""
        del lookup
        self._maybe_fail(pulling=True)
        if stream == "articles":
            return self._articles(cursor)
        if stream == "tickets":
            return self._tickets(cursor, stop)
        raise Unsupported(f"the demo has no stream '{stream}'", help=f"It has {', '.join(MANIFEST.streams)}.")

    def send_reply(self, request: ReplyRequest) -> PushResult:
        """Keeps a public message, or opens a ticket; refuses texts that are too long for the channel."""
        server = self._server
        server.journal.refresh()
        ticket = request.ticket.external_id
        channel = "email" if ticket is None else server.channel(ticket)
        limit = MANIFEST.capabilities.max_chars.get(channel)
        if limit is not None and len(request.body_text) > limit:
            raise Rejected(
                f"{channel} takes {limit} characters, this message has {len(request.body_text)}; it was not sent",
                help="Shorten it, or answer by another channel.",
            )
        at = server.clock()
        entry = Entry(
            kind="reply" if ticket is not None else "create",
            at=at,
            op=request.operation_id,
            ticket=ticket or server.mapper.external_id(server.next_ticket(at)),
            text=request.body_text,
            subject=request.subject if ticket is None else None,
            to=request.to,
            cc=request.cc,
            bcc=request.bcc,
            files=request.files,
        )
        return self._accept(entry)

    def add_note(self, request: NoteRequest) -> PushResult:
        """Keeps an internal note."""
        ticket = self._known(request.ticket.external_id)
        return self._accept(
            Entry(
                kind="note",
                at=self._server.clock(),
                op=request.operation_id,
                ticket=ticket,
                text=request.body_text,
                files=request.files,
            )
        )

    def update_ticket(self, request: FieldRequest) -> PushResult:
        """Changes fields; raises ``Conflicting`` when somebody else changed the ticket after ``base_version``."""
        ticket = self._known(request.ticket.external_id)
        changes = _checked(request)
        base = request.base_version
        if base is not None and base.isdigit() and self._server.changed_by_others(ticket, int(base)):
            raise Conflicting(
                f"ticket {request.ticket.number} has changed since it was read; nothing was written",
                help="Look at the new version, then decide again.",
            )
        encoded = {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in changes.items()}
        at = self._server.clock()
        return self._accept(Entry(kind="fields", at=at, op=request.operation_id, ticket=ticket, changes=encoded))

    def verify(self, operation_id: str, request: ReplyRequest | NoteRequest | FieldRequest) -> Verdict:
        """Looks for the operation's mark in the journal; this is always certain."""
        del request
        self._server.journal.refresh()
        for number, entry in enumerate(self._server.journal.entries):
            if entry.op == operation_id:
                return self._result(entry, number)
        return "absent"

    def fetch_attachment(self, message: str, attachment: str, lookup: Lookup) -> bytes:
        """Bytes of an attachment, made from its name."""
        del lookup
        self._server.journal.refresh()
        return self._server.file(message, attachment)

    def wait_for_news(self, stop: threading.Event, timeout: float) -> bool:
        """With ``live``: ``True`` every 20 to 40 seconds. Otherwise waits and says ``False``."""
        if not self._live:
            stop.wait(timeout)
            return False
        now = time.monotonic()
        if not self._next_news:
            self._next_news = now + 20 + 20 * Random(int(now)).random()  # noqa: S311  (not for secrets)
        if stop.wait(max(min(timeout, self._next_news - now), 0)) or time.monotonic() < self._next_news:
            return False
        self._next_news = 0.0
        self._has_news = True
        return True

    def _articles(self, cursor: str | None) -> Iterator[Page]:
        if cursor is not None:
            yield Page(records=(), cursor=cursor, more=False)
            return
        found = articles(self._server.journal.now, self._setup.base_url)
        yield Page(records=found, cursor=f"articles:{len(found)}", more=False, seen=len(found), total=len(found))

    def _tickets(self, cursor: str | None, stop: threading.Event) -> Iterator[Page]:
        server = self._server
        server.journal.refresh()
        at = msgspec.json.decode(cursor, type=_Cursor) if cursor else _Cursor(server.journal.now)
        if at.journal != server.journal.name:  # written by a process that kept nothing
            at.journal, at.read = server.journal.name, 0
        yield from self._made(server, at, stop)
        if stop.is_set():
            return
        if self._live and at.next >= self._setup.tickets:
            self._make_news(server, at)
        entries = server.journal.entries
        while True:
            records: list[Record] = []
            while at.read < len(entries) and len(records) < PAGE:
                records.extend(server.records_of(at.read, at.now))
                at.read += 1
            more = at.read < len(entries)
            total = self._setup.tickets
            yield Page(records=tuple(records), cursor=_text(at), more=more, seen=total, total=total)
            if not more or stop.is_set():
                return

    def _made(self, server: Server, at: _Cursor, stop: threading.Event) -> Iterator[Page]:
        """Pages of the desk as it was made."""
        desk = server.desk(at.now)
        while at.next < desk.tickets and not stop.is_set():
            records: list[Record] = [*people.agents(), *people.organisations()] if at.next == 0 else []
            end = min(at.next + PAGE, desk.tickets)
            for index in range(at.next, end):
                records.extend(server.mapper.records(desk.case(index)))
            at.next = end
            yield Page(records=tuple(records), cursor=_text(at), more=True, seen=end, total=desk.tickets)

    def _make_news(self, server: Server, at: _Cursor) -> None:
        """At most one piece of news for each pull, and none within 20 seconds of the last."""
        clock = server.clock()
        if not at.news_at:
            at.news_at = clock
        if self._has_news or clock - at.news_at >= 20_000:
            self._has_news = False
            at.news += 1
            at.news_at = clock
            server.news(at.news, at.now, clock)

    def _known(self, ticket: str | None) -> str:
        self._server.journal.refresh()
        self._server.channel(ticket or "")  # raises Gone
        return ticket or ""

    def _accept(self, entry: Entry) -> PushResult:
        word = self._maybe_fail(pulling=False)
        self.before_effect()
        number = self._server.journal.append(entry)
        if word == "lose":
            raise Ambiguous(
                "the connection broke before the answer came; the demo may have kept the write",
                help="carecli looks for it before anything is sent again.",
            )
        return self._result(entry, number)

    def _result(self, entry: Entry, number: int) -> PushResult:
        message = f"{entry.ticket}-j{number}" if entry.kind != "fields" else None
        return PushResult(
            external_id=entry.ticket if entry.kind in {"create", "fields"} else message,
            message_id=f"<{message}@larkfield-home.example>" if message and entry.kind != "note" else None,
            remote_version=str(self._server.version(entry.ticket)),
            number=entry.ticket.removeprefix("t") if entry.kind == "create" else None,
        )

    def _maybe_fail(self, *, pulling: bool) -> str | None:
        """Uses up the next scripted failure of its sort: raises it, or returns ``lose``."""
        journal = self._server.journal if self._fail else None
        if journal is None:
            return None
        used = {entry.word for entry in journal.entries if entry.kind == "failed"}
        for place, word in enumerate(self._fail):
            if place not in used and word.startswith("pull-") is pulling:
                journal.append(Entry(kind="failed", at=self._server.clock(), word=place))
                return _scripted(word.removeprefix("pull-"))
        return None


def _scripted(word: str) -> str:
    match word:
        case "reject":
            raise Rejected("the demo refused this write, as it was told to", help="Edit it, or discard it.")
        case "throttle":
            raise Throttled("the demo asks for fewer calls, as it was told to", help="Wait.", retry_after=2)
        case "drop":
            raise Retryable("the connection broke before anything was sent", help="It is tried again by itself.")
        case "auth":
            raise AuthNeeded("the demo's sign-in has expired, as it was told to", help="Run: carecli account login")
        case "stale":
            raise Conflicting("somebody else changed the ticket, as the demo was told", help="Look, then decide again.")
        case _:
            return word


def _checked(request: FieldRequest) -> dict[str, object]:
    """The changes, once they are all known to make sense."""
    changes = dict(request.changes)
    if unknown := changes.keys() - _FIELDS:
        raise Unsupported(f"the demo cannot change {', '.join(sorted(unknown))}; nothing was written")
    allowed: dict[str, list[str]] = {"status": [*TicketStatus], "priority": [*Priority]}
    for key, values in allowed.items():
        if key in changes and changes[key] not in values:
            raise Rejected(f"{key} must be one of {', '.join(values)}; nothing was written")
    return changes


def _text(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
