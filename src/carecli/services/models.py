"""What services hand to the front ends beyond the domain: rows, plans, counts and hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from carecli.domain.conversation import Address, DraftMode, Event, Message, Visibility
    from carecli.domain.customer import Customer
    from carecli.domain.operation import Operation
    from carecli.domain.ticket import Channel, Ticket


class InboxRow(NamedTuple):
    """One line of the inbox; plain values so that a page of 200 costs nothing. Instants in milliseconds."""

    id: int
    account: str
    number: str
    subject: str
    status: str
    status_label: str | None
    priority: str
    channel: str
    requester: str
    assignee: str | None
    unread: bool
    waiting_since: int | None
    updated_at: int
    due_at: int | None
    snoozed_until: int | None
    message_count: int
    sync_state: str
    has_draft: bool


class Count(NamedTuple):
    """A number that may be capped: ``capped`` reads as "at least"."""

    number: int
    capped: bool


@dataclass(frozen=True, slots=True)
class View:
    """A named query. ``order`` is wait, updated or created; ``hotkey`` is the digit after ``g``."""

    name: str
    title: str
    query: str
    order: str = "wait"
    hotkey: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A ticket with all that was said and done, oldest first."""

    ticket: Ticket
    messages: tuple[Message, ...]
    events: tuple[Event, ...]
    customer_id: int | None


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """Who a text would reach and within which limits, before it is written.

    ``visibility`` and ``medium`` word the composer's banner; ``limit`` is characters (``None``: no limit).
    ``refusal`` says why this connector cannot do it (``None``: it can).
    """

    ticket_id: int | None
    account: str
    mode: DraftMode
    visibility: Visibility
    channel: Channel
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str | None
    limit: int | None
    newest_message_id: int | None
    undo_seconds: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One field that both sides changed: what it was, what we want, what it is at the vendor now, in words for people."""

    field: str
    base: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person needs to decide about an operation that waits for them.

    ``newer`` are the messages (oldest first) that its author had not seen; ``fields`` the fields both sides changed.
    ``choices`` are what ``Outbox.resolve`` takes for it, the safest first: send, edit, discard, mine, theirs, look.
    """

    operation: Operation
    newer: tuple[Message, ...]
    fields: tuple[FieldConflict, ...]
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer with the tickets around them."""

    customer: Customer
    open_tickets: tuple[InboxRow, ...]
    past_tickets: tuple[InboxRow, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened with a customer, over all accounts and channels."""

    at: int
    kind: str
    ticket_id: int
    ref: str
    title: str
    text: str
    visibility: Visibility
    channel: Channel
    author: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result; ``snippet`` marks matches with U+0002 and U+0003 around them."""

    kind: str
    ref: str | None
    id: int
    title: str
    snippet: str
    at: int
    score: float
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """How an account is doing; ``state`` is ok, stale, auth, unreachable, error or never (no sync yet)."""

    name: str
    connector: str
    state: str
    last_sync_at: int | None
    error: str | None
    queued: int
    needs_person: int
