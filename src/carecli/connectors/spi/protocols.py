"""The protocols a connector implements. All calls are synchronous; the engine never calls one object from two threads.

A connector is made per account and run: ``Class(account, options, secrets)``. It opens its connections lazily, raises only
``spi.errors`` (anything else is a defect) and gives up within one second when ``stop`` is set.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Protocol, runtime_checkable

from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Options
from carecli.connectors.spi.records import (
    FieldRequest,
    Health,
    NoteRequest,
    Page,
    PushResult,
    ReplyRequest,
)

Verdict = PushResult | Literal["absent", "unsure"]
"""Answer of ``verify``: the result of the write that did happen, a certain "absent", or "unsure" (look again later)."""


class Secrets(Protocol):
    """Reads the account's secrets when they are needed; values are never kept longer than the call."""

    def get(self, name: str) -> str:
        """Value of a declared secret; raises ``AuthError`` with the command that mends it when there is none."""
        ...

    def put(self, name: str, value: str) -> None:
        """Stores a rotated token where the secret came from."""
        ...


class Lookup(Protocol):
    """What a connector may ask the local store while it maps records. Answers cover committed pages only."""

    def threads_of(self, keys: Sequence[str]) -> Mapping[str, tuple[str, bool]]:
        """For each known thread key: (external id of its ticket, whether a stored message bears that key itself)."""
        ...

    def participants(self, ticket: str) -> frozenset[str]:
        """Normalised e-mail addresses that wrote or received messages of a ticket (external id)."""
        ...

    def subject_of(self, ticket: str) -> str | None:
        """Subject of a ticket (external id)."""
        ...

    def places(self, folder: str, uidvalidity: int) -> Mapping[int, tuple[str, ...]]:
        """UIDs stored for a folder, with their flags."""
        ...

    def known_messages(self, external_ids: Sequence[str]) -> frozenset[str]:
        """Those of the messages (external ids) that are stored already."""
        ...

    def raw(self, kind: str, external_id: str) -> bytes | None:
        """The kept source of a record."""
        ...


@runtime_checkable
class Connector(Protocol):
    """What every connector has."""

    manifest: ClassVar[Manifest]

    def __init__(self, account: str, options: Options, secrets: Secrets) -> None: ...

    def check(self) -> Health:
        """Signs in and looks around; called by ``account test`` and ``doctor --online``."""
        ...

    def close(self) -> None:
        """Frees connections; called once, also after errors."""
        ...


@runtime_checkable
class Source(Connector, Protocol):
    """A connector that records are pulled from: tickets, knowledge, calls … by stream name."""

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        """Pages of a stream from a cursor on (``None``: from the beginning), the last one with ``more=False``.

        Each page's cursor makes the next run continue there; the same cursor twice yields nothing new. The engine
        commits a page before it asks for the next.
        """
        ...


@runtime_checkable
class TicketSource(Source, Protocol):
    """A helpdesk, mailbox or CRM: tickets in both directions."""

    def send_reply(self, request: ReplyRequest) -> PushResult:
        """Sends a public reply or forward, or opens a ticket (``request.ticket.external_id`` is ``None``)."""
        ...

    def add_note(self, request: NoteRequest) -> PushResult:
        """Adds an internal note; raises ``Unsupported`` when notes stay local."""
        ...

    def update_ticket(self, request: FieldRequest) -> PushResult:
        """Changes fields; raises ``Conflicting`` when the base version is stale."""
        ...

    def verify(self, operation_id: str, request: ReplyRequest | NoteRequest | FieldRequest) -> Verdict:
        """Looks for the mark of an operation whose answer was lost. Never sends anything."""
        ...

    def fetch_attachment(self, message: str, attachment: str, lookup: Lookup) -> bytes:
        """Bytes of an attachment (external ids of its message and itself)."""
        ...


@runtime_checkable
class Announcing(Protocol):
    """A connector that says when a write is about to take effect, so that what goes wrong before is known to be harmless.

    The engine sets ``before_effect``; the connector calls it once in each write, right before it makes the step after which
    the vendor may have acted. When it raises, that step must not be made, and the error is passed on.
    """

    before_effect: Callable[[], None]


@runtime_checkable
class KnowledgeSource(Source, Protocol):
    """A wiki, help centre or folder of articles; ``pull`` yields ``ArticleRecord``."""


@runtime_checkable
class LiveSource(Source, Protocol):
    """A source that says when there is something new."""

    def wait_for_news(self, stop: threading.Event, timeout: float) -> bool:
        """Blocks until the source has news (``True``), ``timeout`` seconds passed or ``stop`` is set (``False``)."""
        ...
