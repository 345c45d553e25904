"""Hot reads: list pages, counts and exact look-ups in plain SQL. Loads nothing but the driver and the query compiler."""

from __future__ import annotations

from carecli.domain.errors import NotFoundError, UsageError
from carecli.domain.query import Node
from carecli.store.driver import Connection
from carecli.store.query_sql import condition

_AT = "CASE WHEN {0} IS NULL THEN NULL ELSE strftime('%Y-%m-%dT%H:%M:%SZ', {0} / 1000, 'unixepoch') END"


def instant(column: str) -> str:
    """SQL that prints a millisecond column as ISO 8601 UTC with Z, or null."""
    return _AT.format(column)


def _identity(kind: str) -> str:
    return (
        "(SELECT i.value FROM identity i WHERE i.customer_id = t.requester_id"
        f" AND i.kind = '{kind}' ORDER BY i.id LIMIT 1)"
    )


TICKET_JSON = f"""json_object(
 'ref', a.name || ':' || t.number, 'number', t.number, 'account', a.name, 'subject', t.subject,
 'status', t.status, 'status_category', t.status_category, 'status_label', ifnull(t.status_label, t.status),
 'priority', t.priority, 'channel', t.channel, 'type', t.type,
 'requester', json_object('id', CAST(t.requester_id AS TEXT), 'name', c.name,
   'email', {_identity("email")}, 'phone', {_identity("phone")}),
 'organisation', o.name, 'assignee', g.name, 'team', t.team, 'tags', json(t.tags),
 'created_at', {instant("t.created_at")}, 'updated_at', {instant("t.updated_at")},
 'solved_at', {instant("t.solved_at")}, 'waiting_since', {instant("t.waiting_since")},
 'snoozed_until', {instant("t.snoozed_until")}, 'unread', json(CASE t.unread WHEN 1 THEN 'true' ELSE 'false' END),
 'message_count', t.message_count, 'url', t.url, 'sync_state', t.sync_state,
 'sla', CASE WHEN t.due_at IS NULL THEN json('[]') ELSE json_array(json_object(
   'metric', 'resolution', 'due_at', {instant("t.due_at")}, 'remaining_seconds', (t.due_at - :now) / 1000,
   'state', CASE WHEN t.status_category = 'done' THEN CASE WHEN ifnull(t.solved_at, 0) <= t.due_at THEN 'met'
     ELSE 'breached' END WHEN t.due_at <= :now THEN 'breached' ELSE 'running' END, 'source', 'vendor')) END,
 'custom', json(t.custom))"""

_JOINS = """ticket t JOIN account a ON a.id = t.account_id LEFT JOIN customer c ON c.id = t.requester_id
 LEFT JOIN agent g ON g.id = t.assignee_id LEFT JOIN organisation o ON o.id = t.organisation_id"""

ORDERS = {
    "wait": "t.wait_key, t.id",
    "updated": "t.updated_at DESC, t.id DESC",
    "created": "t.created_at DESC, t.id DESC",
}

_ORDER_COLUMN = {"wait": ("t.wait_key", False), "updated": ("t.updated_at", True), "created": ("t.created_at", True)}


def _where(tree: Node | None, now: int) -> tuple[str, dict[str, object]]:
    """The condition with its values renamed to :v0, :v1 … so that it can stand beside :now."""
    text, values = condition(tree, now)
    pieces = text.split("?")
    named = pieces[0]
    for index, piece in enumerate(pieces[1:]):
        named += f":v{index}{piece}"
    return named, {f"v{index}": value for index, value in enumerate(values)}


_RARE = {"unread": "ix_ticket_unread_wait", "snoozed": "ix_ticket_snoozed", "sla": "ix_ticket_due"}


def _through(tree: Node | None, order: str = "") -> str:
    """The index of a query's rare condition, if it has one: without statistics SQLite would walk all tickets instead.

    With an order (of a page) only an index that is in this order.
    """
    if tree is None:
        return ""
    if tree[0] == "and":
        return next((found for part in tree[1] if (found := _through(part, order))), "")  # type: ignore[attr-defined]
    if tree[0] != "field" or len(tree[3]) != 1:  # type: ignore[arg-type]
        return ""
    condition_of = tree[3][0] if tree[1] == "is" else tree[1]  # type: ignore[index]
    index = _RARE.get(str(condition_of))
    fits = not order or (order, condition_of) in (("wait", "unread"), ("updated", "snoozed"))
    return f" INDEXED BY {index}" if index and fits else ""


def ticket_json(connection: Connection, tree: Node | None, order: str, limit: int, now: int) -> list[str]:
    """Tickets as JSON texts of the contract's shape; ``limit`` 0 means all."""
    where, values = _where(tree, now)
    values |= {"now": now, "limit": limit or -1}
    # The page is cut before the joins: only its rows pay for them.
    rows = connection.execute(
        f"SELECT {TICKET_JSON} FROM {_JOINS} WHERE t.id IN (SELECT t.id FROM ticket t WHERE t.hidden = 0"
        f" AND {where} ORDER BY {ORDERS[order]} LIMIT :limit) ORDER BY {ORDERS[order]}",
        values,
    )
    return [row[0] for row in rows]


def ticket_refs(connection: Connection, tree: Node | None, order: str, limit: int, now: int) -> list[str]:
    """References of tickets, for scripts."""
    where, values = _where(tree, now)
    rows = connection.execute(
        f"SELECT a.name || ':' || t.number FROM ticket t JOIN account a ON a.id = t.account_id"
        f" WHERE t.hidden = 0 AND {where} ORDER BY {ORDERS[order]} LIMIT :limit",
        values | {"limit": limit or -1},
    )
    return [row[0] for row in rows]


def ticket_one_json(connection: Connection, ticket_id: int, now: int) -> str:
    """One ticket as JSON text."""
    sql = f"SELECT {TICKET_JSON} FROM {_JOINS} WHERE t.id = :id"
    row = connection.execute(sql, {"id": ticket_id, "now": now}).fetchone()
    return str(row[0])


def find_ticket(connection: Connection, account: str | None, number: str) -> int:
    """Key of the ticket a reference names; a merged-away one leads to its survivor.

    Raises ``UsageError`` AMBIGUOUS_REF when several accounts have a bare number, ``NotFoundError`` when none has.
    """
    sql = (
        "SELECT ifnull(t.merged_into_id, t.id), a.name FROM ticket t JOIN account a ON a.id = t.account_id"
        " WHERE t.number = ? AND a.removed_at IS NULL"
    )
    rows = connection.execute(sql + (" AND a.name = ?" if account else ""), (number, account) if account else (number,))
    found = rows.fetchall()
    shown = f"{account}:{number}" if account else number
    if not found:
        raise NotFoundError(
            f"there is no ticket {shown} in the local store",
            code="TICKET_NOT_FOUND",
            help="See 'carecli ticket list'; 'carecli sync' brings in what is new.",
        )
    if len(found) > 1:
        choices = ", ".join(f"{name}:{number}" for _, name in found)
        raise UsageError(f"{number} could be {choices}", code="AMBIGUOUS_REF", help="Name the account too.")
    return int(found[0][0])


ROW_COLUMNS = f"""t.id, a.name, t.number, t.subject, t.status, t.status_label, t.priority, t.channel,
 ifnull(c.name, ifnull({_identity("email")}, ifnull({_identity("phone")}, ''))), g.name, t.unread, t.waiting_since,
 t.updated_at, t.due_at, t.snoozed_until, t.message_count, t.sync_state,
 EXISTS (SELECT 1 FROM draft d WHERE d.ticket_id = t.id AND d.discarded_at IS NULL)"""
"""Columns of one inbox row, in the order of ``services.models.InboxRow``."""


def rows_by_id(connection: Connection, ids: list[int]) -> dict[int, tuple[object, ...]]:
    """Inbox rows of some tickets, by key."""
    marks = ",".join("?" * len(ids))
    rows = connection.execute(f"SELECT {ROW_COLUMNS} FROM {_JOINS} WHERE t.id IN ({marks})", ids)
    return {row[0]: row for row in rows}


def page_ids(
    connection: Connection,
    tree: Node | None,
    order: str,
    now: int,
    *,
    after: tuple[int, int] | None,
    limit: int,
    backwards: bool = False,
) -> list[tuple[int, int]]:
    """(sort key, ticket key) pairs of a page behind ``after`` (exclusive), or before it when ``backwards``.

    Always in list order; a keyset walk, so any depth costs the same.
    """
    column, falling = _ORDER_COLUMN[order]
    where, values = _where(tree, now)
    down = falling != backwards
    if after is not None:
        where += f" AND ({column}, t.id) {'<' if down else '>'} (:key, :id)"
        values |= {"key": after[0], "id": after[1]}
    direction = "DESC" if down else "ASC"
    rows = connection.execute(
        f"SELECT {column}, t.id FROM ticket t{_through(tree, order)} WHERE t.hidden = 0 AND {where}"
        f" ORDER BY {column} {direction}, t.id {direction} LIMIT :limit",
        values | {"limit": limit},
    ).fetchall()
    return rows[::-1] if backwards else rows


def count(connection: Connection, tree: Node | None, now: int, cap: int | None = None) -> int:
    """Number of tickets of a query, at most ``cap`` when given."""
    where, values = _where(tree, now)
    inner = f"SELECT 1 FROM ticket t{_through(tree)} WHERE t.hidden = 0 AND {where}"
    inner += f" LIMIT {cap}" if cap else ""
    return int(connection.execute(f"SELECT count(*) FROM ({inner})", values).fetchone()[0])


def counters(connection: Connection) -> list[tuple[int, str, int, int]]:
    """(assignee is: 2 me, 1 someone, 0 nobody; status; unread; number) from the counter table."""
    return connection.execute(
        "SELECT CASE WHEN k.assignee_id = 0 THEN 0 WHEN ifnull(g.is_me, 0) THEN 2 ELSE 1 END, k.status, k.unread,"
        " sum(k.number) FROM counter k LEFT JOIN agent g ON g.id = k.assignee_id GROUP BY 1, 2, 3"
    ).fetchall()


def complete(connection: Connection, column: str, prefix: str, limit: int = 50) -> list[str]:
    """Values for shell and console completion: refs, tags, agents, accounts or teams that start with a prefix."""
    sources = {
        "account": "SELECT name FROM account WHERE removed_at IS NULL AND name LIKE ? ORDER BY name LIMIT ?",
        "agent": "SELECT DISTINCT name FROM agent WHERE name LIKE ? ORDER BY name LIMIT ?",
        "tag": "SELECT DISTINCT tag FROM ticket_tag WHERE tag LIKE ? ORDER BY tag LIMIT ?",
        "ref": "SELECT a.name || ':' || t.number AS ref FROM ticket t JOIN account a ON a.id = t.account_id"
        " WHERE t.hidden = 0 AND ref LIKE ? ORDER BY t.updated_at DESC LIMIT ?",
    }
    escaped = prefix.replace("%", "").replace("_", "")
    return [row[0] for row in connection.execute(sources[column], (f"{escaped}%", limit))]


def position(connection: Connection, tree: Node | None, order: str, now: int, ticket_id: int) -> int | None:
    """How many tickets of a query stand before one in list order; ``None`` when it is not in the list."""
    column, falling = _ORDER_COLUMN[order]
    where, values = _where(tree, now)
    found = connection.execute(
        f"SELECT {column} FROM ticket t WHERE t.hidden = 0 AND {where} AND t.id = :id", values | {"id": ticket_id}
    ).fetchone()
    if found is None:
        return None
    row = connection.execute(
        f"SELECT count(*) FROM ticket t WHERE t.hidden = 0 AND {where}"
        f" AND ({column}, t.id) {'>' if falling else '<'} (:key, :id)",
        values | {"key": found[0], "id": ticket_id},
    ).fetchone()
    return int(row[0])
