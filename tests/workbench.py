"""What tests of the store and the sync build with: records as a connector makes them, and a store to put them in."""

from __future__ import annotations

from typing import Any

from carecli.connectors.spi.records import MessageRecord, Page, PersonRecord, Record, TicketRecord
from carecli.domain.conversation import AuthorKind, Direction, MessageKind, Visibility
from carecli.domain.ticket import Channel, TicketStatus
from carecli.store import accounts
from carecli.store.engine import Store
from carecli.sync.apply import PageWriter

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


def dump(store: Store, *, without: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, to compare two states of a store."""
    names = [
        row[0]
        for row in store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        if not row[0].startswith(("fts_", "sqlite_")) and row[0] not in without
    ]
    return {name: sorted(store.connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}


def intact(store: Store) -> bool:
    """Whether SQLite finds nothing wrong with the file, its references and its full text."""
    found = store.connection.execute("PRAGMA integrity_check").fetchall()
    for name in ("fts_message", "fts_ticket", "fts_article"):
        store.connection.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)")
    return found == [("ok",)] and not store.connection.execute("PRAGMA foreign_key_check").fetchall()
