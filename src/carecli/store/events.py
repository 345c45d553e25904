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


def of_ticket(
    connection: Connection, ticket_id: int
) -> list[tuple[int, str, str, str, str | None, str | None, str | None, str | None]]:
    """(at, actor, origin, verb, field, old, new, operation) of a ticket, oldest first."""
    return connection.execute(
        "SELECT at, actor, origin, verb, field, old, new, operation_id FROM event WHERE ticket_id = ? ORDER BY seq",
        (ticket_id,),
    ).fetchall()


def since(connection: Connection, at: int, actor: str | None = None) -> list[str]:
    """Events of all tickets since an instant as JSON texts with the ticket's ref, oldest first."""
    rows = connection.execute(
        f"SELECT json_set({EVENT_JSON}, '$.ref', a.name || ':' || t.number) FROM event e"
        " LEFT JOIN ticket t ON t.id = e.ticket_id LEFT JOIN account a ON a.id = t.account_id"
        " WHERE e.at >= ?" + (" AND e.actor = ?" if actor else "") + " ORDER BY e.seq",
        (at, actor) if actor else (at,),
    )
    return [row[0] for row in rows]
