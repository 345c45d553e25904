"""Writes tickets: upserts from a sync, the facts that follow a conversation, and local changes of fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from carecli.domain.ticket import TicketStatus, category_of
from carecli.store import drafts
from carecli.store.batches import in_parts
from carecli.store.driver import Connection

SYNCED = (
    "subject, type, status, status_category, status_label, status_raw, hold_reason, resolution, priority, priority_raw,"
    " channel, requester_id, organisation_id, assignee_id, team, tags, custom, created_at, updated_at, solved_at,"
    " closed_at, snoozed_until, due_at, language, url, escalation_level, remote_version, local_status"
)
_NAMES = SYNCED.replace(" ", "").split(",")
_MARKS = ",".join("?" * (len(_NAMES) + 4))
_SETTINGS = ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "created_at")
_DIFFERENT = " OR ".join(f"ticket.{name} IS NOT excluded.{name}" for name in _NAMES if name != "created_at")
_UPSERT = (
    f"INSERT INTO ticket (account_id, external_id, number, synced_at, {SYNCED}) VALUES ({_MARKS})"
    f" ON CONFLICT (account_id, external_id) DO UPDATE SET {_SETTINGS}, hidden = 0, synced_at = excluded.synced_at"
    f" WHERE {_DIFFERENT} OR ticket.hidden = 1"
)
FACTS = (
    "status, waiting_since, first_response_at, last_customer_at, last_agent_at, solved_at, unread, message_count,"
    " customer_message_count, agent_reply_count, reopen_count, updated_at, local_status"
)
_FOLLOWED = (
    "waiting_since, first_response_at, last_customer_at, last_agent_at, unread, message_count, customer_message_count,"
    " agent_reply_count, reopen_count"
)
COLUMNS = f"id, account_id, external_id, number, synced_at, {SYNCED}, {_FOLLOWED}"
_ORDER = COLUMNS.replace(" ", "").split(",")
_STAGE = f"CREATE TEMP TABLE IF NOT EXISTS stage_ticket AS SELECT {COLUMNS} FROM ticket WHERE 0"


def next_key(connection: Connection) -> int:
    """The key that the next ticket will get."""
    return int(connection.execute("SELECT ifnull(max(id), 0) + 1 FROM ticket").fetchone()[0])


def row_of(values: tuple[object, ...]) -> dict[str, object]:
    """A row of ``upsert`` by column name, ready for ``insert`` once it has its key and facts."""
    return dict(zip(("account_id", "external_id", "number", "synced_at", *_NAMES), values, strict=True))


def insert(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts new tickets with their facts and tags; one ascending statement keeps full text and counters cheap."""
    connection.execute(_STAGE)
    connection.executemany(
        f"INSERT INTO stage_ticket VALUES ({','.join('?' * len(_ORDER))})",
        [tuple(row[name] for name in _ORDER) for row in rows],
    )
    connection.execute(f"INSERT INTO ticket ({COLUMNS}) SELECT {COLUMNS} FROM stage_ticket ORDER BY id")
    connection.execute("DELETE FROM stage_ticket")
    connection.executemany(
        "INSERT OR IGNORE INTO ticket_tag VALUES (?, ?)",
        [(tag, row["id"]) for row in rows if row["tags"] != "[]" for tag in json.loads(str(row["tags"]))],
    )


def facts(connection: Connection, ticket_ids: Sequence[int]) -> dict[int, tuple[object, ...]]:
    """The ``FACTS`` of some tickets by key."""
    found: dict[int, tuple[object, ...]] = {}
    for part, marks in in_parts(ticket_ids):
        for row in connection.execute(f"SELECT id, {FACTS} FROM ticket WHERE id IN ({marks})", part):
            found[row[0]] = row[1:]
    return found


def set_facts(connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
    """Stores facts: mappings of ``id``, ``status_category`` and the names in ``FACTS``."""
    connection.executemany(
        "UPDATE ticket SET status = :status, status_category = :status_category, waiting_since = :waiting_since,"
        " first_response_at = :first_response_at, last_customer_at = :last_customer_at,"
        " last_agent_at = :last_agent_at, solved_at = :solved_at, unread = :unread, message_count = :message_count,"
        " customer_message_count = :customer_message_count, agent_reply_count = :agent_reply_count,"
        " reopen_count = :reopen_count, updated_at = :updated_at WHERE id = :id",
        rows,
    )


def known(connection: Connection, account_id: int, external_ids: Sequence[str]) -> dict[str, int]:
    """Keys of stored tickets by external id."""
    found: dict[str, int] = {}
    for part, marks in in_parts(external_ids):
        found.update(
            connection.execute(
                f"SELECT external_id, ifnull(merged_into_id, id) FROM ticket WHERE account_id = ? AND external_id IN ({marks})",
                (account_id, *part),
            )
        )
    return found


def upsert(connection: Connection, row: tuple[object, ...]) -> bool:
    """Writes one ticket (account, external id, number, synced_at, then ``SYNCED``); whether anything changed."""
    return connection.execute(_UPSERT, row).rowcount > 0


def current(connection: Connection, ticket_id: int, columns: str) -> tuple[object, ...]:
    """Some columns of one ticket."""
    row: tuple[object, ...] = connection.execute(f"SELECT {columns} FROM ticket WHERE id = ?", (ticket_id,)).fetchone()
    return row


def set_tags(connection: Connection, ticket_id: int, tags: Iterable[str]) -> None:
    """Replaces the tag index of a ticket (the column is written by the caller's update)."""
    connection.execute("DELETE FROM ticket_tag WHERE ticket_id = ?", (ticket_id,))
    connection.executemany("INSERT OR IGNORE INTO ticket_tag VALUES (?, ?)", [(tag, ticket_id) for tag in tags])


def update(connection: Connection, ticket_id: int, fields: Mapping[str, object]) -> None:
    """Sets columns of one ticket; status brings its category along, tags their index."""
    values = dict(fields)
    if "status" in values:
        values["status_category"] = str(category_of(TicketStatus(str(values["status"]))))
    if "tags" in values:
        tags = values["tags"]
        assert isinstance(tags, (list, tuple))  # noqa: S101  (narrows the type)
        set_tags(connection, ticket_id, tags)
        values["tags"] = json.dumps(list(tags), ensure_ascii=False)
    settings = ", ".join(f"{name} = :{name}" for name in values)
    connection.execute(f"UPDATE ticket SET {settings} WHERE id = :ticket", values | {"ticket": ticket_id})


def refresh_unread(connection: Connection, ticket_ids: Iterable[int]) -> None:
    """Recomputes the unread mark of tickets from their messages."""
    connection.executemany(
        "UPDATE ticket SET unread = EXISTS (SELECT 1 FROM message WHERE ticket_id = ticket.id AND unread = 1)"
        " WHERE id = ?",
        [(ticket_id,) for ticket_id in ticket_ids],
    )


def mark_read(connection: Connection, ticket_id: int, *, read: bool) -> None:
    """Marks a ticket's inbound messages read, or its newest one unread."""
    if read:
        connection.execute("UPDATE message SET unread = 0 WHERE ticket_id = ? AND unread = 1", (ticket_id,))
    else:
        connection.execute(
            "UPDATE message SET unread = 1 WHERE id = (SELECT max(id) FROM message WHERE ticket_id = ?"
            " AND direction = 'in')",
            (ticket_id,),
        )
    refresh_unread(connection, [ticket_id])


def join(connection: Connection, survivor: int, absorbed: int) -> None:
    """Moves everything of one ticket into another; the absorbed one stays as a pointer, its number is not reused."""
    for table in ("message", "operation", "thread_key"):
        connection.execute(f"UPDATE {table} SET ticket_id = ? WHERE ticket_id = ?", (survivor, absorbed))
    drafts.follow(connection, absorbed, survivor)
    connection.execute("UPDATE ticket SET merged_into_id = ? WHERE merged_into_id = ?", (survivor, absorbed))
    connection.execute(
        "UPDATE ticket SET merged_into_id = ?, hidden = 1, resolution = 'merged' WHERE id = ?", (survivor, absorbed)
    )


def tombstone(connection: Connection, ticket_id: int, reason: str, merged_into: int | None) -> None:
    """Marks a ticket as gone at the vendor; history, drafts and operations stay."""
    connection.execute(
        "UPDATE ticket SET sync_state = 'tombstone', hidden = 1, status_raw = ?, merged_into_id = ? WHERE id = ?",
        (reason, merged_into, ticket_id),
    )
    if merged_into is not None:
        drafts.follow(connection, ticket_id, merged_into)
        connection.execute("UPDATE ticket SET merged_into_id = ? WHERE merged_into_id = ?", (merged_into, ticket_id))


def mark_sync_state(connection: Connection, ticket_id: int) -> None:
    """Sets clean, pending or conflict by what the outbox holds for the ticket."""
    connection.execute(
        "UPDATE ticket SET sync_state = CASE"
        " WHEN EXISTS (SELECT 1 FROM operation WHERE ticket_id = ticket.id AND state IN ('conflict', 'failed', 'unknown'))"
        " THEN 'conflict'"
        " WHEN EXISTS (SELECT 1 FROM operation WHERE ticket_id = ticket.id AND state IN ('held', 'ready', 'inflight'))"
        " THEN 'pending' ELSE 'clean' END WHERE id = ? AND sync_state <> 'tombstone'",
        (ticket_id,),
    )


def all_tags(connection: Connection) -> list[str]:
    """Tags in use, most used first."""
    return [row[0] for row in connection.execute("SELECT tag FROM ticket_tag GROUP BY tag ORDER BY count(*) DESC, tag")]


def adopt(connection: Connection, ticket_id: int, external_id: str, number: str | None) -> None:
    """Gives a ticket that was made here the vendor's own id and number."""
    connection.execute(
        "UPDATE OR IGNORE ticket SET external_id = ?, number = ifnull(?, number) WHERE id = ?",
        (external_id, number, ticket_id),
    )


def make(
    connection: Connection,
    account_id: int,
    *,
    external_id: str,
    number: str,
    subject: str,
    requester_id: int | None,
    now: int,
    local_status: bool,
) -> int:
    """A ticket that was opened here; the vendor's id and number come with the first answer."""
    row = connection.execute(
        "INSERT INTO ticket (account_id, external_id, number, subject, type, status, status_category, priority, channel,"
        " requester_id, created_at, updated_at, local_status) VALUES (?, ?, ?, ?, 'question', 'open', 'open', 'none',"
        " 'email', ?, ?, ?, ?) RETURNING id",
        (account_id, external_id, number, subject, requester_id, now, now, int(local_status)),
    ).fetchone()
    return int(row[0])
