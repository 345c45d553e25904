"""Drafts: short transactions of their own, so that saving one never waits for anything."""

from __future__ import annotations

import json

from carecli.domain.conversation import Address, Draft, DraftMode
from carecli.store.driver import Connection

# ``json.dumps`` makes an encoder at each call when it is told anything; a sync calls this for every message.
_encode = json.JSONEncoder(ensure_ascii=False).encode
KEPT_MS = 7 * 86_400_000
COLUMNS = (
    "id, ticket_id, ticket_ref, account, agent, mode, recipients, subject, body, attachments, actions, base_message_id,"
    " created_at, updated_at, discarded_at"
)


def pack_recipients(to: tuple[Address, ...], cc: tuple[Address, ...], bcc: tuple[Address, ...]) -> str:
    """Recipients as the JSON text that messages and drafts store."""
    lists = {"to": to, "cc": cc, "bcc": bcc}
    return _encode({name: [[a.email, a.name] for a in addresses] for name, addresses in lists.items() if addresses})


def unpack_recipients(text: str) -> tuple[tuple[Address, ...], tuple[Address, ...], tuple[Address, ...]]:
    """To, Cc and Bcc of a stored JSON text."""
    lists = json.loads(text)
    to, cc, bcc = (tuple(Address(email, name) for email, name in lists.get(key, ())) for key in ("to", "cc", "bcc"))
    return to, cc, bcc


def from_row(row: tuple[object, ...]) -> Draft:
    """A draft from its columns, in the order of ``COLUMNS``."""
    to, cc, bcc = unpack_recipients(str(row[6]))
    return Draft(
        id=str(row[0]),
        ticket_id=row[1],  # type: ignore[arg-type]
        ticket_ref=row[2],  # type: ignore[arg-type]
        account=row[3],  # type: ignore[arg-type]
        agent=str(row[4]),
        mode=DraftMode(str(row[5])),
        to=to,
        cc=cc,
        bcc=bcc,
        subject=row[7],  # type: ignore[arg-type]
        body=str(row[8]),
        attachments=tuple(json.loads(str(row[9]))),
        actions=tuple((verb, value) for verb, value in json.loads(str(row[10]))),
        base_message_id=row[11],  # type: ignore[arg-type]
        created_at=row[12],  # type: ignore[arg-type]
        updated_at=row[13],  # type: ignore[arg-type]
        discarded_at=row[14],  # type: ignore[arg-type]
    )


def save(connection: Connection, draft: Draft) -> None:
    """Inserts or replaces a draft by its id."""
    connection.execute(
        f"INSERT INTO draft ({COLUMNS}) VALUES ({','.join('?' * 15)}) ON CONFLICT (id) DO UPDATE SET"
        " ticket_id = excluded.ticket_id, ticket_ref = excluded.ticket_ref, account = excluded.account,"
        " recipients = excluded.recipients, subject = excluded.subject, body = excluded.body,"
        " attachments = excluded.attachments, actions = excluded.actions, base_message_id = excluded.base_message_id,"
        " updated_at = excluded.updated_at, discarded_at = excluded.discarded_at",
        (
            draft.id,
            draft.ticket_id,
            draft.ticket_ref,
            draft.account,
            draft.agent,
            draft.mode,
            pack_recipients(draft.to, draft.cc, draft.bcc),
            draft.subject,
            draft.body,
            json.dumps(draft.attachments),
            json.dumps(draft.actions, ensure_ascii=False),
            draft.base_message_id,
            draft.created_at,
            draft.updated_at,
            draft.discarded_at,
        ),
    )


def find(connection: Connection, ticket_id: int | None, agent: str, mode: DraftMode) -> Draft | None:
    """The open draft of an agent on a ticket in a mode: its first one, else one beside it (see ``beside``)."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM draft WHERE ticket_id IS ? AND agent = ? AND mode = ? AND discarded_at IS NULL"
        " ORDER BY updated_at DESC LIMIT 1",
        (ticket_id, agent, mode),
    ).fetchone()
    if row is not None:
        return from_row(row)
    return next(iter(beside(connection, ticket_id, agent, mode)), None) if ticket_id is not None else None


def beside(connection: Connection, ticket_id: int, agent: str, mode: DraftMode) -> list[Draft]:
    """Open drafts of a ticket that another one had taken the place of: they keep the reference, not the key.

    A second window makes one, and so does a merge of two tickets that both had a draft. Newest first.
    """
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM draft WHERE ticket_id IS NULL AND agent = ? AND mode = ? AND discarded_at IS NULL"
        " AND ticket_ref IN (SELECT a.name || ':' || t.number FROM ticket t JOIN account a ON a.id = t.account_id"
        " WHERE t.id = ? OR t.merged_into_id = ?) ORDER BY updated_at DESC",
        (agent, mode, ticket_id, ticket_id),
    )
    return [from_row(row) for row in rows]


def survivor(connection: Connection, ticket_id: int | None) -> int | None:
    """The ticket a draft belongs to now: the one its ticket was merged into, else the ticket itself."""
    row = connection.execute("SELECT ifnull(merged_into_id, id) FROM ticket WHERE id = ?", (ticket_id,)).fetchone()
    return int(row[0]) if row else ticket_id


def holder(connection: Connection, draft: Draft) -> str | None:
    """Id of the open draft that has the place of this one (itself, another, or nobody)."""
    row = connection.execute(
        "SELECT id FROM draft WHERE ticket_id = ? AND agent = ? AND mode = ? AND discarded_at IS NULL",
        (draft.ticket_id, draft.agent, draft.mode),
    ).fetchone()
    return row and str(row[0])


def put_beside(connection: Connection, draft_id: str | None) -> None:
    """Gives the place of an open draft on its ticket free; it stays open, and keeps the ticket's ref."""
    connection.execute("UPDATE draft SET ticket_id = NULL WHERE id = ? AND ticket_id IS NOT NULL", (draft_id,))


def follow(connection: Connection, absorbed: int, to: int) -> None:
    """Drafts of a ticket that was merged into another go with it. With one of the same agent and mode on both tickets,
    both texts stay, one of them beside the other.
    """
    connection.execute("UPDATE OR IGNORE draft SET ticket_id = ? WHERE ticket_id = ?", (to, absorbed))
    connection.execute("UPDATE draft SET ticket_id = NULL WHERE ticket_id = ?", (absorbed,))


def get(connection: Connection, draft_id: str) -> Draft | None:
    """A draft by its id, discarded ones included."""
    row = connection.execute(f"SELECT {COLUMNS} FROM draft WHERE id = ?", (draft_id.upper(),)).fetchone()
    return from_row(row) if row else None


def every(connection: Connection, *, discarded: bool = False) -> list[Draft]:
    """Open drafts (or the discarded ones), newest first."""
    where = "IS NOT NULL" if discarded else "IS NULL"
    rows = connection.execute(f"SELECT {COLUMNS} FROM draft WHERE discarded_at {where} ORDER BY updated_at DESC")
    return [from_row(row) for row in rows]


def discard(connection: Connection, draft_id: str, now: int) -> bool:
    """Discards a draft; it is kept for seven days. Older discarded ones go for good."""
    changed = connection.execute(
        "UPDATE draft SET discarded_at = ? WHERE id = ? AND discarded_at IS NULL", (now, draft_id)
    ).rowcount
    connection.execute("DELETE FROM draft WHERE discarded_at < ?", (now - KEPT_MS,))
    return changed > 0


def restore(connection: Connection, draft: Draft, now: int) -> None:
    """Brings a discarded draft back: into its place, or beside the draft that took it meanwhile."""
    place = draft.ticket_id if holder(connection, draft) in (None, draft.id) else None
    connection.execute(
        "UPDATE draft SET discarded_at = NULL, ticket_id = ?, updated_at = ? WHERE id = ?",
        (place, max(now, draft.updated_at + 1), draft.id),
    )


def delete(connection: Connection, draft_id: str) -> None:
    """Removes a draft that became an operation (its text lives on there)."""
    connection.execute("DELETE FROM draft WHERE id = ?", (draft_id,))
