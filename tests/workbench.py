"""What tests of the store and the sync build with: records as a connector makes them, and a store to put them in."""

from __future__ import annotations

from typing import Any

from carecli.connectors.spi.records import MessageRecord, Page, PersonRecord, Record, TicketRecord
from carecli.domain.conversation import AuthorKind, Direction, Draft, MessageKind, Visibility
from carecli.domain.ticket import Channel, TicketStatus
from carecli.services.models import ReplyPlan
from carecli.store import accounts
from carecli.store.engine import Store
from carecli.sync.apply import PageWriter
from carecli.testing import stores

dump, intact = stores.dump, stores.intact
T0 = 1_795_000_000_000
"""An instant in milliseconds, the start of most tests."""
MINUTE = 60_000
JO = PersonRecord(name="Jo Doe", emails=("Jo@Example.com",))


def ticket(external_id: str = "t1", **more: Any) -> TicketRecord:
    """A ticket of a helpdesk that keeps statuses of its own."""
    return TicketRecord(
        **{
            "external_id": external_id,
            "number": external_id.removeprefix("t"),
            "subject": f"Subject of {external_id}",
            "channel": Channel.EMAIL,
            "created_at": T0,
            "updated_at": T0,
            "status": TicketStatus.OPEN,
            "requester": JO,
            **more,
        }
    )


def message(external_id: str = "m1", ticket: str = "t1", at: int = T0, **more: Any) -> MessageRecord:
    """A public message of a customer."""
    return MessageRecord(
        **{
            "external_id": external_id,
            "ticket": ticket,
            "kind": MessageKind.CUSTOMER,
            "direction": Direction.IN,
            "visibility": Visibility.PUBLIC,
            "channel": Channel.EMAIL,
            "author_kind": AuthorKind.PERSON,
            "author": JO,
            "sent_at": at,
            "body_text": f"Text of {external_id}",
            **more,
        }
    )


def answer(external_id: str = "r1", ticket: str = "t1", at: int = T0, **more: Any) -> MessageRecord:
    """A public message of ours."""
    ours = PersonRecord(name="Sam", emails=("sam@desk.example",))
    return message(
        external_id,
        ticket,
        at,
        **{"kind": MessageKind.AGENT, "direction": Direction.OUT, "author_kind": AuthorKind.AGENT, "author": ours}
        | more,
    )


def note(external_id: str = "n1", ticket: str = "t1", at: int = T0, **more: Any) -> MessageRecord:
    """An internal note."""
    return answer(
        external_id,
        ticket,
        at,
        **{"kind": MessageKind.NOTE, "direction": Direction.INTERNAL, "visibility": Visibility.INTERNAL} | more,
    )


def page(*records: Record, cursor: str = "c1", more: bool = False) -> Page:
    """A page of records with the cursor behind it."""
    return Page(records=records, cursor=cursor, more=more)


def account(store: Store, name: str = "desk", kind: str = "demo") -> int:
    """Key of an account, made when it is not there."""
    with store.write() as connection:
        return accounts.ensure(connection, name, kind, None, T0)


def ingest(store: Store, account_id: int, *records: Record, cursor: str = "c1", now: int = T0) -> PageWriter:
    """Stores one page; the writer tells what it changed."""
    writer = PageWriter(store.connection, account_id)
    writer.write(page(*records, cursor=cursor), "tickets", now)
    return writer


def key_of(store: Store, number: str = "1") -> int:
    """Key of the ticket of a number."""
    return int(store.connection.execute("SELECT id FROM ticket WHERE number = ?", (number,)).fetchone()[0])


def draft_of(plan: ReplyPlan, body: str) -> Draft:
    """A draft as the composer makes it."""
    return Draft(
        id="",
        ticket_id=plan.ticket_id,
        ticket_ref=None,
        account=plan.account,
        agent="",
        mode=plan.mode,
        to=plan.to,
        cc=plan.cc,
        bcc=(),
        subject=plan.subject,
        body=body,
        attachments=(),
        actions=(),
        base_message_id=plan.newest_message_id,
        created_at=0,
        updated_at=0,
        discarded_at=None,
    )
