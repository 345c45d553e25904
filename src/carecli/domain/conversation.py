"""Conversations: messages, who wrote them, who may see them, and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from carecli.domain.ticket import Channel


class Visibility(StrEnum):
    """Who may see a message. Required everywhere: there is no default, because the wrong one reaches a customer."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Direction(StrEnum):
    """Which way a message went."""

    IN = "in"
    OUT = "out"
    INTERNAL = "internal"


class MessageKind(StrEnum):
    """What sort of message it is."""

    CUSTOMER = "customer"
    AGENT = "agent"
    NOTE = "note"
    BOT = "bot"
    SYSTEM = "system"
    CALL = "call"
    SURVEY = "survey"
    SIDE = "side"


class AuthorKind(StrEnum):
    """What sort of author wrote a message."""

    PERSON = "person"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"
    THIRD_PARTY = "third_party"


class Delivery(StrEnum):
    """How far a message got."""

    DRAFT = "draft"
    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_TRACKED = "not_tracked"


class DraftMode(StrEnum):
    """What a draft becomes when it is sent."""

    REPLY = "reply"
    NOTE = "note"
    FORWARD = "forward"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Address:
    """One e-mail address with its display name (empty when there is none)."""

    email: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a message."""

    kind: AuthorKind
    name: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that hangs on a message; ``bytes`` is its size, ``sha256`` is ``None`` until it was fetched."""

    id: int
    filename: str
    mime: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation as the front ends see it.

    ``body_text`` is clean text. ``quoted_from`` and ``signature_from`` are offsets into it where the quoted history
    and the signature begin (``None``: there is none). ``message_id`` is the e-mail Message-ID with its angle brackets.
    ``automatic`` marks auto-replies and bulk mail (RFC 3834), which are never answered automatically.
    """

    id: int
    kind: MessageKind
    direction: Direction
    visibility: Visibility
    channel: Channel
    author: Author
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str | None
    sent_at: int
    body_text: str
    quoted_from: int | None
    signature_from: int | None
    message_id: str | None
    delivery: Delivery
    failure: str | None
    automatic: bool
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One past fact about a ticket; ``origin`` is remote, console, cli, macro, hook or rule."""

    at: int
    actor: str
    origin: str
    verb: str
    field: str | None
    old: str | None
    new: str | None
    operation: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that is being written, keyed (ticket, agent, mode); it outlives the ticket.

    ``base_message_id`` is the key of the newest message the agent had seen when writing began (the send guard's base).
    ``attachments`` are paths of files on this machine.
    """

    id: str
    ticket_id: int | None
    ticket_ref: str | None
    account: str | None
    agent: str
    mode: DraftMode
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str | None
    body: str
    attachments: tuple[str, ...]
    actions: tuple[tuple[str, str], ...]
    base_message_id: int | None
    created_at: int
    updated_at: int
    discarded_at: int | None
