"""The schema as SQLModel classes: what migrations are checked against and what is not hot reads through."""

from __future__ import annotations

from sqlalchemy import Computed, Index, UniqueConstraint, text
from sqlmodel import Column, Field, Integer, SQLModel

METADATA = SQLModel.metadata


class AccountTable(SQLModel, table=True):
    """A configured connection."""

    __tablename__ = "account"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    connector: str
    base_url: str | None = None
    state: str = Field(default="never", sa_column_kwargs={"server_default": text("'never'")})
    error: str | None = None
    last_sync_at: int | None = None
    next_number: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    blocked_until: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    created_at: int
    removed_at: int | None = None


class AgentTable(SQLModel, table=True):
    """A colleague, or me."""

    __tablename__ = "agent"
    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    name: str
    email: str | None = None
    is_me: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class OrganisationTable(SQLModel, table=True):
    """A company customers belong to."""

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    name: str
    domains: str = Field(default="[]", sa_column_kwargs={"server_default": text("'[]'")})
    tier: str | None = None


class CustomerTable(SQLModel, table=True):
    """A person outside, over all accounts."""

    __tablename__ = "customer"

    id: int | None = Field(default=None, primary_key=True)
    name: str | None = None
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id")
    language: str | None = None
    timezone: str | None = None
    tier: str | None = None
    vip: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    notes: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    tags: str = Field(default="[]", sa_column_kwargs={"server_default": text("'[]'")})
    custom: str = Field(default="{}", sa_column_kwargs={"server_default": text("'{}'")})
    last_contact_at: int | None = None
    created_at: int
    merged_into_id: int | None = Field(default=None, foreign_key="customer.id")


class IdentityTable(SQLModel, table=True):
    """One way to recognise a customer in one account."""

    __tablename__ = "identity"
    __table_args__ = (
        Index("ix_identity_customer", "customer_id"),
        Index("ix_identity_value", "value"),
        UniqueConstraint("account_id", "kind", "value"),
    )

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id")
    account_id: int = Field(foreign_key="account.id")
    kind: str
    value: str
    raw: str
    verified: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    shared: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class TicketTable(SQLModel, table=True):
    """One matter of one customer in one account."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_updated", "hidden", "updated_at", "id"),
        Index("ix_ticket_wait", "hidden", "wait_key", "id"),
        Index("ix_ticket_status_updated", "hidden", "status", "updated_at", "id"),
        Index("ix_ticket_category_wait", "hidden", "status_category", "wait_key", "id"),
        Index("ix_ticket_assignee_wait", "hidden", "assignee_id", "status_category", "wait_key", "id"),
        Index("ix_ticket_unread_wait", "wait_key", "id", sqlite_where=text("unread = 1 AND hidden = 0")),
        Index(
            "ix_ticket_due",
            "due_at",
            "id",
            sqlite_where=text("due_at IS NOT NULL AND hidden = 0 AND status_category <> 'done'"),
        ),
        Index("ix_ticket_snoozed", "updated_at", "id", sqlite_where=text("snoozed_until IS NOT NULL AND hidden = 0")),
        Index("ix_ticket_requester", "requester_id", "updated_at"),
        Index("ix_ticket_merged", "merged_into_id", sqlite_where=text("merged_into_id IS NOT NULL")),
        UniqueConstraint("account_id", "number"),
        UniqueConstraint("account_id", "external_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    number: str
    subject: str
    type: str
    status: str
    status_category: str
    status_label: str | None = None
    status_raw: str | None = None
    hold_reason: str = Field(default="none", sa_column_kwargs={"server_default": text("'none'")})
    resolution: str = Field(default="none", sa_column_kwargs={"server_default": text("'none'")})
    priority: str
    priority_raw: str | None = None
    channel: str
    requester_id: int | None = Field(default=None, foreign_key="customer.id")
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id")
    assignee_id: int | None = Field(default=None, foreign_key="agent.id")
    team: str | None = None
    tags: str = Field(default="[]", sa_column_kwargs={"server_default": text("'[]'")})
    custom: str = Field(default="{}", sa_column_kwargs={"server_default": text("'{}'")})
    created_at: int
    updated_at: int
    solved_at: int | None = None
    closed_at: int | None = None
    waiting_since: int | None = None
    first_response_at: int | None = None
    last_customer_at: int | None = None
    last_agent_at: int | None = None
    snoozed_until: int | None = None
    due_at: int | None = None
    unread: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    message_count: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    customer_message_count: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    agent_reply_count: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    reopen_count: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    language: str | None = None
    url: str | None = None
    escalation_level: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    merged_into_id: int | None = Field(default=None, foreign_key="ticket.id")
    remote_version: str | None = None
    local_status: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    synced_at: int | None = None
    sync_state: str = Field(default="clean", sa_column_kwargs={"server_default": text("'clean'")})
    hidden: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    wait_key: int | None = Field(
        default=None,
        sa_column=Column(
            Integer,
            Computed(
                "CASE WHEN waiting_since IS NULL THEN 9000000000000000 - updated_at ELSE waiting_since END",
                persisted=False,
            ),
        ),
    )


class TicketTagTable(SQLModel, table=True):
    """A tag on a ticket."""

    __tablename__ = "ticket_tag"
    __table_args__ = (Index("ix_ticket_tag_ticket", "ticket_id"),)

    tag: str = Field(primary_key=True)
    ticket_id: int = Field(primary_key=True, foreign_key="ticket.id", ondelete="CASCADE")


class MessageTable(SQLModel, table=True):
    """One message of a ticket; its key rises with time."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_ticket", "ticket_id", "id"),
        Index("ix_message_message_id", "account_id", "message_id", sqlite_where=text("message_id IS NOT NULL")),
        Index("ix_message_operation", "operation_id", sqlite_where=text("operation_id IS NOT NULL")),
        Index("ix_message_customer", "author_customer_id", sqlite_where=text("author_customer_id IS NOT NULL")),
        UniqueConstraint("account_id", "external_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id")
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    kind: str
    direction: str
    visibility: str
    channel: str
    author_kind: str
    author_name: str | None = None
    author_email: str | None = None
    author_customer_id: int | None = Field(default=None, foreign_key="customer.id")
    recipients: str = Field(default="{}", sa_column_kwargs={"server_default": text("'{}'")})
    subject: str | None = None
    sent_at: int
    body_text: str
    quoted_from: int | None = None
    signature_from: int | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    refs: str | None = None
    delivery: str
    failure: str | None = None
    automatic: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    unread: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    language: str | None = None
    operation_id: str | None = None


class MessageLocationTable(SQLModel, table=True):
    """A place of a message in a mailbox."""

    __tablename__ = "message_location"
    __table_args__ = (
        Index("ix_message_location_message", "message_id"),
        UniqueConstraint("account_id", "folder", "uidvalidity", "uid"),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    message_id: int = Field(foreign_key="message.id", ondelete="CASCADE")
    folder: str
    uidvalidity: int
    uid: int
    flags: str = Field(default="", sa_column_kwargs={"server_default": text("''")})


class ThreadKeyTable(SQLModel, table=True):
    """A name (Message-ID or subject token) under which mail finds its ticket."""

    __tablename__ = "thread_key"
    __table_args__ = (Index("ix_thread_key_ticket", "ticket_id"),)

    account_id: int = Field(primary_key=True, foreign_key="account.id")
    key: str = Field(primary_key=True)
    ticket_id: int = Field(foreign_key="ticket.id")
    owned: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class AttachmentTable(SQLModel, table=True):
    """A file on a message."""

    __tablename__ = "attachment"
    __table_args__ = (UniqueConstraint("message_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", ondelete="CASCADE")
    external_id: str
    filename: str
    mime: str
    bytes: int
    sha256: str | None = None
    content_id: str | None = None
    local_path: str | None = None
    fetch: str = Field(default="none", sa_column_kwargs={"server_default": text("'none'")})


class SyncCursorTable(SQLModel, table=True):
    """How far a stream of an account was read."""

    __tablename__ = "sync_cursor"

    account_id: int = Field(primary_key=True, foreign_key="account.id")
    stream: str = Field(primary_key=True)
    value: str
    updated_at: int


class RawRecordTable(SQLModel, table=True):
    """The vendor's own form of a record, compressed."""

    __tablename__ = "raw_record"
    __table_args__ = (UniqueConstraint("account_id", "kind", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    kind: str
    external_id: str
    encoding: str
    body: bytes


class SetAsideTable(SQLModel, table=True):
    """A record that could not be read, with its reason."""

    __tablename__ = "set_aside"
    __table_args__ = (UniqueConstraint("account_id", "kind", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    kind: str
    external_id: str
    reason: str
    raw: bytes | None = None
    at: int


class OperationTable(SQLModel, table=True):
    """One outbox entry."""

    __tablename__ = "operation"
    __table_args__ = (
        Index("ix_operation_open", "account_id", "seq", sqlite_where=text("state NOT IN ('done', 'cancelled')")),
        Index("ix_operation_ticket", "ticket_id", "seq"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    account_id: int = Field(foreign_key="account.id")
    verb: str
    ticket_id: int | None = Field(default=None, foreign_key="ticket.id")
    payload: str
    base_message_id: int | None = None
    base_version: str | None = None
    not_before: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    depends_on: str | None = None
    state: str
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    last_error: str | None = None
    error_code: str | None = None
    external_id: str | None = None
    inverse: str | None = None
    actor: str
    origin: str
    created_at: int
    updated_at: int


class DraftTable(SQLModel, table=True):
    """A text that is being written."""

    __tablename__ = "draft"
    __table_args__ = (
        Index(
            "ux_draft_open",
            "ticket_id",
            "agent",
            "mode",
            unique=True,
            sqlite_where=text("discarded_at IS NULL AND ticket_id IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    ticket_id: int | None = None
    ticket_ref: str | None = None
    account: str | None = None
    agent: str
    mode: str
    recipients: str = Field(default="{}", sa_column_kwargs={"server_default": text("'{}'")})
    subject: str | None = None
    body: str
    attachments: str = Field(default="[]", sa_column_kwargs={"server_default": text("'[]'")})
    actions: str = Field(default="[]", sa_column_kwargs={"server_default": text("'[]'")})
    base_message_id: int | None = None
    created_at: int
    updated_at: int
    discarded_at: int | None = None


class EventTable(SQLModel, table=True):
    """One past fact; append-only."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_ticket", "ticket_id", "seq", sqlite_where=text("ticket_id IS NOT NULL")),
        Index("ix_event_at", "at"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    at: int
    account_id: int | None = None
    ticket_id: int | None = None
    customer_id: int | None = None
    actor: str
    origin: str
    verb: str
    field: str | None = None
    old: str | None = None
    new: str | None = None
    operation_id: str | None = None


class LeaseTable(SQLModel, table=True):
    """Who pushes an account right now."""

    __tablename__ = "lease"

    account_id: int | None = Field(default=None, primary_key=True, foreign_key="account.id")
    holder: str
    heartbeat_at: int


class ArticleTable(SQLModel, table=True):
    """A knowledge article."""

    __tablename__ = "article"
    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    source: str
    title: str
    body_text: str
    url: str | None = None
    language: str | None = None
    visibility: str
    verified: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    updated_at: int
    hidden: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class CounterTable(SQLModel, table=True):
    """How many tickets there are of a kind, kept by triggers."""

    __tablename__ = "counter"

    account_id: int = Field(primary_key=True)
    assignee_id: int = Field(primary_key=True)
    status: str = Field(primary_key=True)
    unread: int = Field(primary_key=True)
    number: int


class SettingTable(SQLModel, table=True):
    """A value the program remembers."""

    __tablename__ = "setting"

    key: str = Field(primary_key=True)
    value: str
