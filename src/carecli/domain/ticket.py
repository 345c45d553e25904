"""Tickets: the closed sets of values every vendor maps to, and the ticket as people see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class StatusCategory(StrEnum):
    """The bucket a status falls into; logic uses the bucket, the screen shows the vendor's label."""

    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"


class TicketStatus(StrEnum):
    """Canonical status of a ticket."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    SOLVED = "solved"
    CLOSED = "closed"


class Priority(StrEnum):
    """Canonical priority; ``NONE`` is "not set"."""

    NONE = "none"
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Channel(StrEnum):
    """The way a customer talks to us."""

    EMAIL = "email"
    PHONE = "phone"
    VOICEMAIL = "voicemail"
    CHAT = "chat"
    WHATSAPP = "whatsapp"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    TELEGRAM = "telegram"
    LINE = "line"
    SMS = "sms"
    SOCIAL_PUBLIC = "social_public"
    WEB_FORM = "web_form"
    PORTAL = "portal"
    API = "api"
    IN_PERSON = "in_person"
    INTERNAL = "internal"
    OTHER = "other"


class TicketType(StrEnum):
    """What a ticket is about."""

    QUESTION = "question"
    INCIDENT = "incident"
    PROBLEM = "problem"
    TASK = "task"
    REQUEST = "request"
    ORDER = "order"
    COMPLAINT = "complaint"
    FEEDBACK = "feedback"
    OTHER = "other"


class HoldReason(StrEnum):
    """Who or what an on-hold ticket waits for."""

    NONE = "none"
    CUSTOMER = "customer"
    THIRD_PARTY = "third_party"
    INTERNAL = "internal"
    CHANGE = "change"
    PROBLEM = "problem"
    SCHEDULED = "scheduled"


class Resolution(StrEnum):
    """How a ticket ended."""

    NONE = "none"
    FIXED = "fixed"
    ANSWERED = "answered"
    WORKAROUND = "workaround"
    DUPLICATE = "duplicate"
    MERGED = "merged"
    SPAM = "spam"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NO_RESPONSE = "no_response"


class SyncState(StrEnum):
    """How the local copy of a ticket stands to the vendor's."""

    CLEAN = "clean"
    PENDING = "pending"
    CONFLICT = "conflict"
    TOMBSTONE = "tombstone"


_CATEGORY: Mapping[TicketStatus, StatusCategory] = {
    TicketStatus.NEW: StatusCategory.OPEN,
    TicketStatus.OPEN: StatusCategory.OPEN,
    TicketStatus.PENDING: StatusCategory.WAITING,
    TicketStatus.ON_HOLD: StatusCategory.WAITING,
    TicketStatus.SOLVED: StatusCategory.DONE,
    TicketStatus.CLOSED: StatusCategory.DONE,
}


def category_of(status: TicketStatus) -> StatusCategory:
    """Category of a canonical status."""
    return _CATEGORY[status]


@dataclass(frozen=True, slots=True)
class Requester:
    """The customer a ticket is from, as far as a list row needs it."""

    id: int | None
    name: str | None
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as the front ends see it.

    Instants are integer milliseconds since 1970 UTC; absent is ``None``. ``id`` is the local key, ``number`` the
    vendor's own number (e-mail threads get one per account), ``ref`` is ``account:number``.
    """

    id: int
    account: str
    number: str
    subject: str
    status: TicketStatus
    status_label: str | None
    priority: Priority
    channel: Channel
    type: TicketType
    requester: Requester
    organisation: str | None
    assignee: str | None
    team: str | None
    tags: tuple[str, ...]
    created_at: int
    updated_at: int
    solved_at: int | None
    waiting_since: int | None
    snoozed_until: int | None
    unread: bool
    message_count: int
    url: str | None
    sync_state: SyncState
    custom: Mapping[str, object] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """How people and scripts name the ticket: ``account:number``."""
        return f"{self.account}:{self.number}"

    @property
    def status_category(self) -> StatusCategory:
        """The bucket of the status."""
        return category_of(self.status)
