"""A connector that does everything wrong on request: what the engine must survive."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast

from carecli.connectors.spi.capabilities import Capabilities
from carecli.connectors.spi.errors import Retryable
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.protocols import Lookup, Verdict
from carecli.connectors.spi.records import (
    AgentRecord,
    ArticleRecord,
    AttachmentRecord,
    FieldRequest,
    FlagsChanged,
    Health,
    MessageRecord,
    NoteRequest,
    Page,
    PersonRecord,
    PlaceRecord,
    PlacesGone,
    PushResult,
    RawRecord,
    Record,
    ReplyRequest,
    SetAside,
    TicketRecord,
    TicketsJoined,
    Tombstone,
)
from carecli.domain.conversation import Address, AuthorKind, Direction, MessageKind, Visibility
from carecli.domain.errors import StoreError
from carecli.domain.ticket import Channel, TicketStatus

AT = 1_795_000_000_000
CONTROL = "a\x1b[2J\x07\x00b\u202ec\x9bd\r\ne"
MANIFEST = Manifest(
    kind="hostile",
    title="Hostile",
    summary="Does everything wrong.",
    connector="carecli.testing.hostile:HostileConnector",
    streams=("tickets",),
    capabilities=Capabilities(reply=True, note="remote", create=True, status_write="direct", verification="mark"),
    tested_against=(("itself", "documentation only"),),
)


def good(number: int = 1, **more: Any) -> tuple[Record, ...]:
    """A ticket with a message, as they should be; ``more`` are other fields of the message."""
    person = PersonRecord(name="Jo", emails=("jo@example.com",))
    ticket = TicketRecord(
        external_id=f"t{number}",
        number=str(number),
        subject=f"Subject {number}",
        channel=Channel.EMAIL,
        created_at=AT,
        updated_at=AT,
        status=TicketStatus.OPEN,
        requester=person,
    )
    fields: dict[str, Any] = {
        "external_id": f"m{number}",
        "ticket": f"t{number}",
        "kind": MessageKind.CUSTOMER,
        "direction": Direction.IN,
        "visibility": Visibility.PUBLIC,
        "channel": Channel.EMAIL,
        "author_kind": AuthorKind.PERSON,
        "author": person,
        "sent_at": AT + number,
        "body_text": f"Text {number}",
    }
    return ticket, MessageRecord(**(fields | more))


def _ticket(**more: Any) -> Record:
    fields: dict[str, Any] = {
        "external_id": "bad",
        "subject": "Bad",
        "channel": Channel.EMAIL,
        "created_at": AT,
        "updated_at": AT,
        "number": "99",
        "status": TicketStatus.OPEN,
    }
    return TicketRecord(**(fields | more))


def _message(**more: Any) -> Record:
    return good(1, **({"external_id": "bad"} | more))[1]


def _any(value: object) -> Record:
    return cast("Record", value)


def _deep() -> dict[str, object]:
    deep: dict[str, object] = {}
    for _ in range(20_000):
        deep = {"x": deep}
    return deep


GARBAGE: dict[str, Callable[[], Record]] = {
    "nothing": lambda: _any(None),
    "a text": lambda: _any("ticket"),
    "a mapping": lambda: _any({"external_id": "t9"}),
    "a class": lambda: _any(TicketRecord),
    "a page": lambda: _any(Page(records=(), cursor="x", more=False)),
    "a ticket without an id": lambda: _ticket(external_id=None),
    "a ticket with a list as id": lambda: _ticket(external_id=["a"]),
    "a ticket with a number as number": lambda: _ticket(number=7),
    "a ticket with a number that is taken": lambda: _ticket(number="1"),
    "a ticket with an unknown status": lambda: _ticket(status="parked"),
    "a ticket without a subject": lambda: _ticket(subject=None),
    "a ticket of the year 300 million": lambda: _ticket(created_at=1 << 70),
    "a ticket with a date as text": lambda: _ticket(created_at="yesterday"),
    "a ticket with an object in custom": lambda: _ticket(custom={"x": object()}),
    "a ticket with an abyss in custom": lambda: _ticket(custom=_deep()),
    "a ticket with tags that are no texts": lambda: _ticket(tags=(1, None)),
    "a ticket with half a character": lambda: _ticket(external_id="\ud800"),
    "a ticket of nobody": lambda: _ticket(requester="Jo"),
    "a ticket of a person with a list as name": lambda: _ticket(requester=PersonRecord(name=cast("str", []))),
    "a message without a body": lambda: _message(body_text=None),
    "a message of bytes": lambda: _message(body_text=b"text"),
    "a message for nobody knows whom": lambda: _message(visibility="everybody"),
    "a message without visibility": lambda: _message(visibility=None),
    "a public note": lambda: _message(kind=MessageKind.NOTE),
    "a message of no ticket": lambda: _message(ticket="t404"),
    "a message of the year 300 million": lambda: _message(sent_at=1 << 60),
    "a message with a fraction of an instant": lambda: _message(sent_at=1.5),
    "a message with a file without a name": lambda: _message(
        attachments=(AttachmentRecord(external_id="x", filename=cast("str", None), mime="a/b", bytes=1),)
    ),
    "a message to a text": lambda: _message(to=("jo@example.com",)),
    "a message to an address of numbers": lambda: _message(to=(Address(cast("str", 1)),)),
    "a place of numbers": lambda: PlaceRecord(message=cast("str", 1), folder="INBOX", uidvalidity=1, uid=1),
    "a place beyond all mailboxes": lambda: PlaceRecord(message="m1", folder="INBOX", uidvalidity=1, uid=1 << 65),
    "flags of nothing": lambda: FlagsChanged(folder="INBOX", uidvalidity=1, uid=cast("int", "x"), flags=()),
    "no places": lambda: PlacesGone(folder=cast("str", None), uidvalidity=1, uids=cast("Any", "abc")),
    "a join of nothing": lambda: TicketsJoined(survivor=cast("str", None), absorbed=cast("str", {})),
    "a tombstone of nothing": lambda: Tombstone(external_id=cast("str", []), reason="x"),
    "a source that is a text": lambda: RawRecord(kind="ticket", external_id="t1", body=cast("bytes", "{}")),
    "an article without a date": lambda: ArticleRecord(
        external_id="k",
        source="x",
        title="x",
        body_text="x",
        visibility=Visibility.PUBLIC,
        updated_at=cast("int", None),
    ),
    "an agent without a name": lambda: AgentRecord(external_id="a", name=cast("str", None)),
    "a person that is no person": lambda: PersonRecord(emails=cast("Any", 5)),
    "something set aside for no reason": lambda: SetAside(
        kind="x", external_id=cast("str", None), reason=cast("str", None)
    ),
}
"""Records that make no sense, by what they are."""


def control() -> tuple[Record, ...]:
    """Records in which every text holds control characters and direction overrides."""
    person = PersonRecord(
        external_id=CONTROL, name=CONTROL, emails=(f"{CONTROL}@example.com",), language=CONTROL, tier=CONTROL
    )
    file = AttachmentRecord(external_id="x", filename=CONTROL, mime=CONTROL, bytes=1, content_id=CONTROL)
    return (
        AgentRecord(external_id="a1", name=CONTROL, email=CONTROL),
        ArticleRecord(
            external_id="k1",
            source=CONTROL,
            title=CONTROL,
            body_text=CONTROL,
            visibility=Visibility.PUBLIC,
            updated_at=AT,
            url=CONTROL,
            language=CONTROL,
        ),
        _ticket(
            external_id="t1",
            subject=CONTROL,
            number=CONTROL,
            status_label=CONTROL,
            status_raw=CONTROL,
            priority_raw=CONTROL,
            team=CONTROL,
            tags=(CONTROL,),
            custom={CONTROL: CONTROL},
            language=CONTROL,
            url=CONTROL,
            remote_version="v1",
            requester=person,
            organisation=CONTROL,
        ),
        _message(
            external_id="m1",
            author=person,
            subject=CONTROL,
            body_text=CONTROL,
            failure=CONTROL,
            message_id=CONTROL,
            in_reply_to=CONTROL,
            references=(CONTROL,),
            language=CONTROL,
            to=(Address(CONTROL, CONTROL),),
            attachments=(file,),
        ),
        Tombstone(external_id="t1", reason=CONTROL),
        SetAside(kind=CONTROL, external_id=CONTROL, reason=CONTROL),
    )


class _Clinging:
    """Pages that will not be closed."""

    def __init__(self, pages: Iterator[Page]) -> None:
        self._pages = pages

    def __iter__(self) -> Iterator[Page]:
        return self

    def __next__(self) -> Page:
        return next(self._pages)

    def close(self) -> None:
        raise RuntimeError("I will not close")


def _repeats() -> Iterator[Page]:
    while True:
        yield Page(records=good(1), cursor="c1", more=True)


def _turns_in_circles() -> Iterator[Page]:
    while True:
        for number in (1, 2, 3):
            yield Page(records=good(number), cursor=f"c{number}", more=True)


def _counts_for_ever() -> Iterator[Page]:
    number = 0
    while True:
        number += 1
        yield Page(records=good(1), cursor=f"c{number}", more=True, seen=number)


def _is_empty_for_ever() -> Iterator[Page]:
    yield Page(records=good(1), cursor="c1", more=True)
    number = 0
    while True:
        number += 1
        yield Page(records=(), cursor=f"e{number}", more=True)


def _stands_still() -> Iterator[Page]:
    yield Page(records=good(1), cursor="c1", more=True)
    while True:
        yield Page(records=(), cursor="c1", more=True)


def _ends_in_the_middle() -> Iterator[Page]:
    yield Page(records=good(1), cursor="c1", more=True)


def _then(what: object) -> Callable[[], Iterator[Page]]:
    """One good page, then something else: an exception to raise, or a thing to yield."""

    def pages() -> Iterator[Page]:
        yield Page(records=good(1), cursor="c1", more=True)
        if isinstance(what, BaseException):
            raise what
        yield cast("Page", what)

    return pages


def _page(**more: Any) -> Page:
    fields: dict[str, Any] = {"records": good(2), "cursor": "c2", "more": False}
    return Page(**(fields | more))


DEFECTS: dict[str, Callable[[], Any]] = {
    "yields the same page for ever": _repeats,
    "turns in circles": _turns_in_circles,
    "yields the same records under ever new cursors": _counts_for_ever,
    "yields empty pages for ever": _is_empty_for_ever,
    "stands still": _stands_still,
    "ends in the middle": _ends_in_the_middle,
    "clings to its pages": lambda: _Clinging(_repeats()),
    "returns nothing": lambda: None,
    "returns a number": lambda: 5,
    "yields nothing": _then(None),
    "yields a mapping": _then({"records": []}),
    "yields a text": _then("page"),
    "has no cursor": _then(_page(cursor=None)),
    "has a number as cursor": _then(_page(cursor=7)),
    "has half a character as cursor": _then(_page(cursor="\ud800")),
    "has a text for more": _then(_page(more="no")),
    "has an endless count": _then(_page(seen=float("inf"))),
    "has no records": _then(_page(records=None)),
    "has a number of records": _then(_page(records=3)),
    "times out": _then(TimeoutError("no answer")),
    "divides by zero": _then(ZeroDivisionError()),
    "fails an assertion": _then(AssertionError("never")),
    "stops the iteration": _then(StopAsyncIteration()),
    "recurses too deeply": _then(RecursionError("deep")),
    "runs out of memory": _then(MemoryError()),
    "ends the program": _then(SystemExit(3)),
    "ends itself": _then(GeneratorExit()),
    "has trouble with a database of its own": _then(sqlite3.OperationalError("disk I/O error")),
    "blames our store": _then(StoreError("the store is damaged", code="STORE_DAMAGED")),
    "says its password": _then(ValueError("password=hunter2 \x1b[2J")),
}
"""What a pull can do wrong after its first good page; each must end as CONNECTOR_DEFECT with that page kept."""

VERDICTS: dict[str, object] = {
    "nothing": None,
    "a word": "probably",
    "yes": True,
    "a number": 404,
    "a mapping": {"external_id": "v1"},
    "a class": PushResult,
    "no verdict at all": ValueError("who knows"),
    "later": Retryable("later"),
}
"""Answers of ``verify`` that are none."""


class HostileConnector:
    """Does what it is told to: ``pages`` for a pull, ``answer`` for a write, ``verdict`` for a verify.

    Exceptions among them are raised. ``sent`` counts the writes that reached it.
    """

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self, pages: Callable[[], Any] | None = None, answer: object = None, verdict: object = "unsure"
    ) -> None:
        self._pages = pages
        self.answer = answer
        self.verdict = verdict
        self.sent: list[str] = []
        self.closed = False

    def check(self) -> Health:
        """Claims to be somebody."""
        return Health(identity=CONTROL)

    def close(self) -> None:
        """Is closed."""
        self.closed = True

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        """Whatever it was told to yield; ``stop`` is ignored."""
        if self._pages is None:
            return iter((Page(records=(), cursor=cursor or "c0", more=False),))
        return cast("Iterator[Page]", self._pages())

    def _told(self, what: object) -> Any:
        if isinstance(what, BaseException):
            raise what
        return what

    def send_reply(self, request: ReplyRequest) -> PushResult:
        """Counts the request and answers as told."""
        self.sent.append(request.operation_id)
        return cast("PushResult", self._told(self.answer))

    def add_note(self, request: NoteRequest) -> PushResult:
        """Counts the request and answers as told."""
        self.sent.append(request.operation_id)
        return cast("PushResult", self._told(self.answer))

    def update_ticket(self, request: FieldRequest) -> PushResult:
        """Counts the request and answers as told."""
        self.sent.append(request.operation_id)
        return cast("PushResult", self._told(self.answer))

    def verify(self, operation_id: str, request: ReplyRequest | NoteRequest | FieldRequest) -> Verdict:
        """Says what it was told to say."""
        return cast("Verdict", self._told(self.verdict))

    def fetch_attachment(self, message: str, attachment: str, lookup: Lookup) -> bytes:
        """Something that is no file."""
        return cast("bytes", "no bytes")
