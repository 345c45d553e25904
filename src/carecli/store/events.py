"""The event log: append-only facts about tickets. It holds no bodies."""

from __future__ import annotations

from collections.abc import Iterable

from carecli.store.driver import Connection
from carecli.store.thread_json import EVENT_JSON

_INSERT = (
    "INSERT INTO event (at, account_id, ticket_id, actor, origin, verb, field, old, new, operation_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def add(connection: Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Appends (at, account, ticket, actor, origin, verb, field, old, new, operation) rows."""
    connection.executemany(_INSERT, rows)


Row = tuple[int, str, str, str, str | None, str | None, str | None, str | None]
"""(at, actor, origin, verb, field, old, new, operation)."""


def of_ticket(connection: Connection, ticket_id: int) -> list[Row]:
    """Events of a ticket, oldest first."""
    return connection.execute(
        "SELECT at, actor, origin, verb, field, old, new, operation_id FROM event WHERE ticket_id = ? ORDER BY seq",
        (ticket_id,),
    ).fetchall()


def list_json(
    connection: Connection,
    start: int,
    *,
    actor: str | None = None,
    origin: str | None = None,
    ticket_id: int | None = None,
    limit: int = 0,
) -> list[str]:
    """Events since an instant as JSON texts with the ticket's ref, oldest first; the newest ``limit`` of them (0: all)."""
    chosen = {"e.at >= ?": start, "e.actor = ?": actor, "e.origin = ?": origin, "e.ticket_id = ?": ticket_id}
    where = {condition: value for condition, value in chosen.items() if value is not None}
    rows = connection.execute(
        f"SELECT json_set({EVENT_JSON}, '$.ref', a.name || ':' || t.number) FROM"
        f" (SELECT * FROM event e WHERE {' AND '.join(where)} ORDER BY e.at DESC, e.seq DESC LIMIT ?) e"
        " LEFT JOIN ticket t ON t.id = e.ticket_id LEFT JOIN account a ON a.id = t.account_id ORDER BY e.at, e.seq",
        (*where.values(), limit or -1),
    )
    return [row[0] for row in rows]


def message_instants(connection: Connection, ticket_id: int) -> list[tuple[int, int]]:
    """(key, when it was written) of the messages of a ticket."""
    return connection.execute("SELECT id, sent_at FROM message WHERE ticket_id = ?", (ticket_id,)).fetchall()
