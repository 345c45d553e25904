"""What connectors hand over and take back: pages of records on the way in, requests and results on the way out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from carecli.domain.conversation import Address, AuthorKind, Delivery, Direction, MessageKind, Visibility
from carecli.domain.customer import IdentityKind
from carecli.domain.ticket import Channel, HoldReason, Priority, Resolution, TicketStatus, TicketType


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records: immutable, keyword only, made in C."""


class PersonRecord(_Record, frozen=True, kw_only=True):
    """A person outside: requester, author, contact. ``emails`` and ``phones`` as received; the store normalises them.

    ``shared`` marks addresses behind which several people sit; they never become a key for merging.
    """

    external_id: str | None = None
    name: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    handles: tuple[tuple[IdentityKind, str], ...] = ()
    organisation: str | None = None
    language: str | None = None
    timezone: str | None = None
    tier: str | None = None
    vip: bool = False
    notes: str = ""
    tags: tuple[str, ...] = ()
    shared: bool = False
    custom: Mapping[str, object] = {}


class AttachmentRecord(_Record, frozen=True, kw_only=True):
    """A file on a message. ``external_id`` finds it again at the vendor (for mail: the MIME part number).

    ``filename`` is a bare name, already free of folders and control characters; ``bytes`` is the decoded size.
    """

    external_id: str
    filename: str
    mime: str
    bytes: int
    sha256: str | None = None
    content_id: str | None = None


class MessageRecord(_Record, frozen=True, kw_only=True):
    """One message of a ticket. Instants are milliseconds since 1970 UTC; ``body_text`` is clean text.

    ``external_id`` is unique per account (for mail: the SHA-256 of the source). ``ticket`` is the external id of its
    ticket. ``received_at`` is when it reached us, where that is known better than by ``sent_at`` (mail: INTERNALDATE);
    messages are ordered by it. ``mark`` is the id of our own operation when the message carries it. ``bounce_of`` is
    the Message-ID that this delivery report is about. ``thread_keys`` are the names (Message-IDs, subject tokens) under
    which later mail finds this ticket: (key, owned), where owned says that this very message bears the name.
    """

    external_id: str
    ticket: str
    kind: MessageKind
    direction: Direction
    visibility: Visibility
    channel: Channel
    author_kind: AuthorKind
    author: PersonRecord
    sent_at: int
    body_text: str
    received_at: int | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str | None = None
    quoted_from: int | None = None
    signature_from: int | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    delivery: Delivery = Delivery.NOT_TRACKED
    failure: str | None = None
    automatic: bool = False
    unread: bool = False
    language: str | None = None
    attachments: tuple[AttachmentRecord, ...] = ()
    mark: str | None = None
    bounce_of: str | None = None
    thread_keys: tuple[tuple[str, bool], ...] = ()


class PlaceRecord(_Record, frozen=True, kw_only=True):
    """A place of a message in a mailbox: one message can lie in several. ``message`` is its external id."""

    message: str
    folder: str
    uidvalidity: int
    uid: int
    flags: tuple[str, ...] = ()


class PlacesGone(_Record, frozen=True, kw_only=True):
    """Places that no longer exist; the messages stay (absence is not deletion). ``uids`` empty: all of that validity."""

    folder: str
    uidvalidity: int
    uids: tuple[int, ...] = ()


class FlagsChanged(_Record, frozen=True, kw_only=True):
    """New flags of a known place."""

    folder: str
    uidvalidity: int
    uid: int
    flags: tuple[str, ...]


class TicketRecord(_Record, frozen=True, kw_only=True):
    """One ticket. ``number`` ``None``: the store gives the account's next number. ``status`` ``None``: the status is
    local and follows the conversation (``sync.follow``). ``*_raw`` keep the vendor's own words.
    """

    external_id: str
    subject: str
    channel: Channel
    created_at: int
    updated_at: int
    number: str | None = None
    status: TicketStatus | None = None
    status_label: str | None = None
    status_raw: str | None = None
    hold_reason: HoldReason = HoldReason.NONE
    resolution: Resolution = Resolution.NONE
    priority: Priority = Priority.NONE
    priority_raw: str | None = None
    type: TicketType = TicketType.QUESTION
    requester: PersonRecord | None = None
    organisation: str | None = None
    assignee: str | None = None
    team: str | None = None
    tags: tuple[str, ...] = ()
    custom: Mapping[str, object] = {}
    solved_at: int | None = None
    closed_at: int | None = None
    snoozed_until: int | None = None
    due_at: int | None = None
    language: str | None = None
    url: str | None = None
    escalation_level: int = 0
    remote_version: str | None = None


class TicketsJoined(_Record, frozen=True, kw_only=True):
    """Two threads turned out to be one: ``absorbed`` moves into ``survivor`` (external ids)."""

    survivor: str
    absorbed: str


class Tombstone(_Record, frozen=True, kw_only=True):
    """The vendor says that a ticket is deleted, spam or merged away."""

    external_id: str
    reason: str
    merged_into: str | None = None


class OrganisationRecord(_Record, frozen=True, kw_only=True):
    """A company customers belong to."""

    external_id: str
    name: str
    domains: tuple[str, ...] = ()
    tier: str | None = None


class AgentRecord(_Record, frozen=True, kw_only=True):
    """A colleague; ``is_me`` marks the signed-in one."""

    external_id: str
    name: str
    email: str | None = None
    is_me: bool = False


class ArticleRecord(_Record, frozen=True, kw_only=True):
    """One knowledge article, body as clean Markdown."""

    external_id: str
    source: str
    title: str
    body_text: str
    visibility: Visibility
    updated_at: int
    url: str | None = None
    language: str | None = None
    verified: bool = False


class RawRecord(_Record, frozen=True, kw_only=True):
    """The vendor's own form of a record (JSON, or RFC 5322 source), kept so a better mapping needs no download.

    ``kind`` is ticket, message, customer, article …; ``body`` is the exact bytes.
    """

    kind: str
    external_id: str
    body: bytes


class SetAside(_Record, frozen=True, kw_only=True):
    """A record that could not be read: kept with its reason while the page goes on."""

    kind: str
    external_id: str
    reason: str
    raw: bytes = b""


Record = (
    PersonRecord
    | OrganisationRecord
    | AgentRecord
    | TicketRecord
    | MessageRecord
    | PlaceRecord
    | PlacesGone
    | FlagsChanged
    | TicketsJoined
    | Tombstone
    | ArticleRecord
    | RawRecord
    | SetAside
)


class Page(_Record, frozen=True, kw_only=True):
    """Records and the cursor behind them; both are stored in one transaction.

    ``records`` are applied in order (a ticket before its messages, a message before its places). ``cursor`` is opaque
    to the engine. ``seen`` and ``total`` feed the progress display (``total`` ``None``: unknown).
    """

    records: tuple[Record, ...]
    cursor: str
    more: bool
    seen: int = 0
    total: int | None = None


class TicketHandle(_Record, frozen=True, kw_only=True):
    """The ticket a write is about, as the vendor knows it; ``new`` tickets have no external id."""

    external_id: str | None
    number: str | None
    subject: str


class QuotedMessage(_Record, frozen=True, kw_only=True):
    """The message that a reply answers, for the quoted original."""

    author: str
    sent_at: int
    body_text: str
    message_id: str | None
    references: tuple[str, ...] = ()


class OutgoingFile(_Record, frozen=True, kw_only=True):
    """A file to attach: bare name, MIME type and exact bytes."""

    filename: str
    mime: str
    content: bytes


class _Write(_Record, frozen=True, kw_only=True):
    """What every write carries: our operation id (a ULID, the idempotency mark) and when the person decided."""

    operation_id: str
    created_at: int
    ticket: TicketHandle


class ReplyRequest(_Write, frozen=True, kw_only=True):
    """A public message to a customer: reply, new ticket or forward. There is no way to put a note in here."""

    body_text: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str | None = None
    answers: QuotedMessage | None = None
    files: tuple[OutgoingFile, ...] = ()


class NoteRequest(_Write, frozen=True, kw_only=True):
    """An internal note; only ``add_note`` takes it."""

    body_text: str
    files: tuple[OutgoingFile, ...] = ()


class FieldRequest(_Write, frozen=True, kw_only=True):
    """A change of fields: ``changes`` maps status, priority, assignee, tags_add, tags_remove … to the new value."""

    changes: Mapping[str, object]
    base_version: str | None = None


class PushResult(_Record, frozen=True, kw_only=True):
    """What the vendor answered to a write it accepted. ``external_id`` of the message or ticket, where known."""

    external_id: str | None = None
    message_id: str | None = None
    remote_version: str | None = None
    number: str | None = None


class Health(_Record, frozen=True, kw_only=True):
    """Answer of a live check: who is signed in, and notes for people (for example missing server features)."""

    identity: str
    notes: tuple[str, ...] = ()
