"""The outbox: operations as rows, and what may go next."""

from __future__ import annotations

import json
from collections.abc import Mapping

from carecli.domain.errors import NotFoundError
from carecli.domain.operation import (
    LONGEST_WAIT_MS,
    NEEDS_PERSON,
    Operation,
    OperationState,
    Signal,
    Verb,
    advance,
    can,
)
from carecli.store.driver import Connection
from carecli.store.windows import instant

_FIELD_VERBS = "('status', 'priority', 'assign', 'tag', 'snooze')"
UNDO_SQL = f"""CASE WHEN p.state IN ('held', 'ready') OR (p.state = 'done' AND p.inverse IS NOT NULL
 AND (p.verb IN {_FIELD_VERBS} OR (p.verb = 'note' AND p.external_id IS NULL)))
 THEN 'carecli ticket undo ' || p.id END"""
"""The command that takes an operation back: while it waits, or when it changed fields, or is a note kept here."""
OPERATION_JSON = f"""json_object('id', p.id, 'account', a.name, 'verb', p.verb,
 'target', CASE WHEN t.id IS NULL THEN NULL ELSE a.name || ':' || t.number END, 'state', p.state,
 'attempts', p.attempts, 'not_before', {instant("nullif(p.not_before, 0)")}, 'created_at', {instant("p.created_at")},
 'last_error', p.last_error, 'external_id', p.external_id, 'undo', {UNDO_SQL})"""
_BATCH = "ifnull(json_extract(p.payload, '$.batch'), p.id)"
_UNDONE = "ifnull(json_extract(p.payload, '$.undone'), json_extract(p.payload, '$.batch'))"
_FROM = "operation p JOIN account a ON a.id = p.account_id LEFT JOIN ticket t ON t.id = p.ticket_id"
_COLUMNS = f"""p.id, a.name, p.verb, p.ticket_id, a.name || ':' || t.number, p.payload, p.state, p.attempts, p.not_before,
 p.created_at, p.base_message_id, p.depends_on, p.last_error, p.error_code, p.external_id, {UNDO_SQL}, p.actor, p.origin,
 p.inverse"""


def _operation(row: tuple[object, ...]) -> Operation:
    values = list(row)
    values[2] = Verb(str(row[2]))
    values[5] = json.loads(str(row[5]))
    values[6] = OperationState(str(row[6]))
    values[18] = json.loads(str(row[18])) if row[18] else {}
    return Operation(*values)  # type: ignore[arg-type]


def add(
    connection: Connection,
    operation: Operation,
    account_id: int,
) -> None:
    """Inserts an operation; belongs into the transaction of its local effect."""
    connection.execute(
        "INSERT INTO operation (id, account_id, verb, ticket_id, payload, base_message_id, not_before, depends_on, state,"
        " attempts, inverse, actor, origin, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)",
        (
            operation.id,
            account_id,
            operation.verb,
            operation.ticket_id,
            json.dumps(operation.payload, ensure_ascii=False),
            operation.base_message_id,
            operation.not_before,
            operation.depends_on,
            operation.state,
            json.dumps(operation.inverse, ensure_ascii=False) if operation.inverse else None,
            operation.actor,
            operation.origin,
            operation.created_at,
            operation.created_at,
        ),
    )


def get(connection: Connection, operation_id: str) -> Operation:
    """One operation; raises ``NotFoundError``."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.id = ?", (operation_id.upper(),)).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no operation {operation_id}", code="OPERATION_NOT_FOUND", help="See 'carecli outbox list'."
        )
    return _operation(row)


def json_of(connection: Connection, operation_ids: list[str]) -> list[str]:
    """Operations as JSON texts of the contract's shape, in the order asked for."""
    found = {}
    for operation_id in operation_ids:
        row = connection.execute(f"SELECT {OPERATION_JSON} FROM {_FROM} WHERE p.id = ?", (operation_id,)).fetchone()
        found[operation_id] = str(row[0])
    return [found[operation_id] for operation_id in operation_ids]


def list_json(connection: Connection, states: tuple[str, ...], limit: int) -> list[str]:
    """Operations in some states (all when empty) as JSON texts, oldest first."""
    where = f"WHERE p.state IN ({','.join('?' * len(states))})" if states else ""
    rows = connection.execute(
        f"SELECT {OPERATION_JSON} FROM (SELECT * FROM operation p {where} ORDER BY seq DESC LIMIT ?) p"
        " JOIN account a ON a.id = p.account_id LEFT JOIN ticket t ON t.id = p.ticket_id ORDER BY p.seq",
        (*states, limit or -1),
    )
    return [row[0] for row in rows]


def in_states(connection: Connection, account_id: int | None, states: tuple[OperationState, ...]) -> list[Operation]:
    """Operations of an account (or all) in some states, oldest first."""
    marks = ",".join("?" * len(states))
    account = " AND p.account_id = ?" if account_id is not None else ""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.state IN ({marks}){account} ORDER BY p.seq",
        (*states, *((account_id,) if account_id is not None else ())),
    )
    return [_operation(row) for row in rows]


def next_ready(connection: Connection, account_id: int, now: int) -> Operation | None:
    """The oldest operation that may go: due, its ticket has nothing older open, and what it depends on is done."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.account_id = ? AND p.state = 'ready'"
        f" AND (p.not_before <= ? OR p.not_before > ? + {LONGEST_WAIT_MS})"
        " AND NOT EXISTS (SELECT 1 FROM operation q WHERE q.ticket_id = p.ticket_id AND q.seq < p.seq"
        "   AND q.state NOT IN ('done', 'cancelled')"
        # A change of a field that waits for a person must not keep a customer waiting for the text behind it.
        f"   AND NOT (q.state IN ('failed', 'conflict') AND q.verb IN {_FIELD_VERBS} AND q.verb <> p.verb))"
        " AND (p.depends_on IS NULL OR EXISTS (SELECT 1 FROM operation d WHERE d.id = p.depends_on AND d.state = 'done'))"
        " ORDER BY p.seq LIMIT 1",
        (account_id, now, now),
    ).fetchone()
    return _operation(row) if row else None


def next_due_at(connection: Connection, account_id: int, now: int) -> int | None:
    """Earliest instant at which a waiting operation may go; ``None``: nothing waits.

    What is held and was made after ``now``, or waits longer than anything does, may go at once: the clock was set back.
    """
    row = connection.execute(
        "SELECT min(CASE WHEN state = 'held' AND created_at > ?1"
        f" OR state <> 'held' AND not_before > ?1 + {LONGEST_WAIT_MS} THEN 0 ELSE not_before END)"
        " FROM operation WHERE account_id = ?2 AND (state IN ('held', 'ready')"
        f" OR state = 'unknown' AND error_code IS NOT '{NEEDS_PERSON}')",
        (now, account_id),
    ).fetchone()
    return row[0] if row and row[0] is not None else None


def move(connection: Connection, operation_id: str, signal: Signal, now: int, **fields: object) -> OperationState:
    """Moves an operation on from the state it is in at this moment, and sets columns; returns the new state.

    Belongs into a write transaction, so that nobody moves it in between. Raises ``IllegalTransitionError`` when somebody
    moved it before.
    """
    row = connection.execute("SELECT state FROM operation WHERE id = ?", (operation_id,)).fetchone()
    state = advance(OperationState(row[0]), signal)
    settings = "".join(f", {name} = :{name}" for name in fields)
    connection.execute(
        f"UPDATE operation SET state = :state, updated_at = :now{settings} WHERE id = :id",
        fields | {"state": state, "now": now, "id": operation_id},
    )
    return state


def postpone(connection: Connection, operation_id: str, not_before: int, **fields: object) -> None:
    """Sets when an operation is looked at again (and other columns); its state stays."""
    settings = "".join(f", {name} = :{name}" for name in fields)
    connection.execute(
        f"UPDATE operation SET not_before = :not_before{settings} WHERE id = :id",
        fields | {"not_before": not_before, "id": operation_id},
    )


def set_base_message(connection: Connection, operation_id: str, key: int) -> None:
    """Notes the newest message that the author of a text has seen by now."""
    connection.execute("UPDATE operation SET base_message_id = ? WHERE id = ?", (key, operation_id))


def set_payload(connection: Connection, operation_id: str, payload: Mapping[str, object]) -> None:
    """Replaces the payload (a person edited it, or decided to send anyway)."""
    connection.execute(
        "UPDATE operation SET payload = ? WHERE id = ?", (json.dumps(payload, ensure_ascii=False), operation_id)
    )


def last_undoable(connection: Connection, actor: str) -> list[str]:
    """Ids of what a person's newest command did that can be undone, newest first."""
    undoable = f"p.actor = ? AND {UNDO_SQL} IS NOT NULL AND json_extract(p.payload, '$.undoes') IS NULL"
    row = connection.execute(
        f"SELECT {_BATCH} FROM operation p WHERE {undoable} ORDER BY p.seq DESC LIMIT 1", (actor,)
    ).fetchone()
    if row is None:
        return []
    rows = connection.execute(
        f"SELECT p.id FROM operation p WHERE {undoable} AND {_BATCH} = ? ORDER BY p.seq DESC", (actor, row[0])
    )
    return [one[0] for one in rows]


def pending_fields(connection: Connection, ticket_id: int, *, after: str | None = None) -> list[Operation]:
    """Changes of a ticket's fields that have not reached the vendor (those made after another), oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.ticket_id = ?"
        f" AND p.verb IN {_FIELD_VERBS}"
        " AND p.state IN ('held', 'ready', 'inflight', 'unknown', 'conflict')"
        " AND p.seq > ifnull((SELECT seq FROM operation WHERE id = ?), 0) ORDER BY p.seq",
        (ticket_id, after),
    )
    return [_operation(row) for row in rows]


def tickets_with_pending_fields(connection: Connection, account_id: int) -> set[int]:
    """Tickets of an account that ``pending_fields`` would find something for."""
    rows = connection.execute(
        "SELECT DISTINCT ticket_id FROM operation WHERE account_id = ? AND state NOT IN ('done', 'cancelled')"
        f" AND verb IN {_FIELD_VERBS}",
        (account_id,),
    )
    return {row[0] for row in rows}


def settle_found(connection: Connection, operation_id: str, external_id: str, now: int) -> bool:
    """A pull saw the mark of an operation: it is done, whatever was thought of it; whether that was news."""
    row = connection.execute("SELECT state FROM operation WHERE id = ?", (operation_id,)).fetchone()
    # In flight, its own process will say so; the answer carries more than the mark.
    if row is None or not can(OperationState(row[0]), Signal.FOUND):
        return False
    move(connection, operation_id, Signal.FOUND, now, last_error=None, error_code=None, external_id=external_id)
    return True


def last_undone(connection: Connection, actor: str) -> list[str]:
    """Ids of what a person's newest undo cancelled, or changed back, and nothing has brought back; oldest first."""
    undone = (
        "p.actor = ? AND (p.state = 'cancelled' AND json_extract(p.payload, '$.undone') IS NOT NULL"
        " OR p.state <> 'cancelled' AND p.inverse IS NOT NULL AND json_extract(p.payload, '$.undoes') IS NOT NULL)"
    )
    row = connection.execute(f"SELECT max({_UNDONE}) FROM operation p WHERE {undone}", (actor,)).fetchone()
    rows = connection.execute(
        f"SELECT p.id FROM operation p WHERE {undone} AND {_UNDONE} = ? ORDER BY p.seq", (actor, row[0])
    )
    return [one[0] for one in rows]


def set_batch(connection: Connection, operation_ids: list[str], batch: str) -> None:
    """Notes that operations were made by one command."""
    sql = "UPDATE operation SET payload = json_set(payload, '$.batch', ?) WHERE id = ?"
    connection.executemany(sql, [(batch, one) for one in operation_ids])


def set_inverse(connection: Connection, operation_id: str, inverse: Mapping[str, object]) -> None:
    """Replaces the payload that takes a change back."""
    text = json.dumps(inverse, ensure_ascii=False) if inverse else None
    connection.execute("UPDATE operation SET inverse = ? WHERE id = ?", (text, operation_id))


def forget_inverse(connection: Connection, operation_id: str) -> None:
    """An operation that was undone cannot be undone again."""
    connection.execute("UPDATE operation SET inverse = NULL WHERE id = ?", (operation_id,))


def depend(connection: Connection, operation_id: str, on: str) -> None:
    """Makes an operation wait until another is done."""
    connection.execute("UPDATE operation SET depends_on = ? WHERE id = ?", (on, operation_id))


def dependents(connection: Connection, operation_id: str) -> list[Operation]:
    """The open operations that wait for another."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.depends_on = ? AND p.state NOT IN ('done', 'cancelled')",
        (operation_id,),
    )
    return [_operation(row) for row in rows]
