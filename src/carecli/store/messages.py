"""Writes messages in bulk: staged in a temporary table and moved in one statement, so that indexing stays cheap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter

from carecli.domain.ids import message_key
from carecli.store.batches import in_parts
from carecli.store.driver import Connection

COLUMNS = (
    "id, ticket_id, account_id, external_id, kind, direction, visibility, channel, author_kind, author_name,"
    " author_email, author_customer_id, recipients, subject, sent_at, body_text, quoted_from, signature_from,"
    " message_id, in_reply_to, refs, delivery, failure, automatic, unread, language, operation_id"
)
_MARKS = ",".join("?" * len(COLUMNS.split(",")))
_STAGE = f"CREATE TEMP TABLE IF NOT EXISTS stage_message AS SELECT {COLUMNS} FROM message WHERE 0"


def existing(connection: Connection, account_id: int, external_ids: Sequence[str]) -> dict[str, int]:
    """Keys of the messages that are stored already, by external id."""
    found: dict[str, int] = {}
    for part, marks in in_parts(external_ids):
        found.update(
            connection.execute(
                f"SELECT external_id, id FROM message WHERE account_id = ? AND external_id IN ({marks})",
                (account_id, *part),
            )
        )
    return found


def free_key(connection: Connection, at: int, sequence: int, taken: set[int]) -> int:
    """A message key for an instant that neither the store nor ``taken`` has; adds it to ``taken``.

    The same instant and sequence give the same key unless it is taken, so that a repeated pull builds the same store.
    """
    key = message_key(at, sequence)
    while key in taken or connection.execute("SELECT 1 FROM message WHERE id = ?", (key,)).fetchone():
        key += 1
    taken.add(key)
    return key


def free_keys(connection: Connection, wanted: Sequence[tuple[int, int]]) -> list[int]:
    """As ``free_key`` for many (instant, sequence) pairs, in order."""
    first = [message_key(at, sequence) for at, sequence in wanted]
    stored: set[int] = set()
    for part, marks in in_parts(first):
        stored.update(row[0] for row in connection.execute(f"SELECT id FROM message WHERE id IN ({marks})", part))
    taken: set[int] = set()
    keys = []
    for key, (at, sequence) in zip(first, wanted, strict=True):
        if key in stored or key in taken:
            keys.append(free_key(connection, at, sequence, taken))
        else:
            taken.add(key)
            keys.append(key)
    return keys


def insert(connection: Connection, rows: Iterable[tuple[object, ...]]) -> int:
    """Inserts rows (in the order of ``COLUMNS``); returns how many. Must run inside a write transaction."""
    connection.execute(_STAGE)
    connection.executemany(f"INSERT INTO stage_message VALUES ({_MARKS})", rows)
    # One ascending INSERT … SELECT: row triggers under executemany make full text three times as expensive.
    count = connection.execute(
        f"INSERT INTO message ({COLUMNS}) SELECT {COLUMNS} FROM stage_message ORDER BY id"
    ).rowcount
    connection.execute("DELETE FROM stage_message")
    return count


def insert_attachments(connection: Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Inserts (message key, external id, file name, MIME type, bytes, sha256, content id) rows."""
    connection.executemany(
        "INSERT INTO attachment (message_id, external_id, filename, mime, bytes, sha256, content_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET filename = excluded.filename",
        rows,
    )


def insert_places(connection: Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Inserts (account, message key, folder, uidvalidity, uid, flags) rows."""
    connection.executemany(
        "INSERT INTO message_location (account_id, message_id, folder, uidvalidity, uid, flags)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET flags = excluded.flags, message_id = excluded.message_id",
        rows,
    )


def drop_places(connection: Connection, account_id: int, folder: str, uidvalidity: int, uids: Sequence[int]) -> None:
    """Forgets places; the messages stay. Without ``uids``: all places of that folder validity."""
    if uids:
        connection.executemany(
            "DELETE FROM message_location WHERE account_id = ? AND folder = ? AND uidvalidity = ? AND uid = ?",
            [(account_id, folder, uidvalidity, uid) for uid in uids],
        )
    else:
        connection.execute(
            "DELETE FROM message_location WHERE account_id = ? AND folder = ? AND uidvalidity = ?",
            (account_id, folder, uidvalidity),
        )


def set_flags(
    connection: Connection, account_id: int, folder: str, uidvalidity: int, uid: int, flags: str, *, seen: bool
) -> int | None:
    """Stores new flags of a place and whether its inbound message is unread; returns the ticket whose unread mark may
    have changed.
    """
    row = connection.execute(
        "UPDATE message_location SET flags = ? WHERE account_id = ? AND folder = ? AND uidvalidity = ? AND uid = ?"
        " AND flags <> ? RETURNING message_id",
        (flags, account_id, folder, uidvalidity, uid, flags),
    ).fetchone()
    if row is None:
        return None
    changed = connection.execute(
        "UPDATE message SET unread = ? WHERE id = ? AND direction = 'in' AND unread <> ? RETURNING ticket_id",
        (int(not seen), row[0], int(not seen)),
    ).fetchone()
    return changed and int(changed[0])


def adopt(connection: Connection, operation_id: str, external_id: str, message_id: str | None) -> int | None:
    """Joins a pulled copy to the local message of our own operation; returns its key, ``None`` if there is none."""
    row = connection.execute(
        "UPDATE message SET external_id = ?, message_id = ifnull(?, message_id), delivery = 'sent', failure = NULL"
        " WHERE operation_id = ? RETURNING id",
        (external_id, message_id, operation_id),
    ).fetchone()
    return row and int(row[0])


def mark_bounced(connection: Connection, account_id: int, message_id: str, failure: str) -> bool:
    """Marks the message that a delivery report is about as failed."""
    return (
        connection.execute(
            "UPDATE message SET delivery = 'failed', failure = ? WHERE account_id = ? AND message_id = ?"
            " AND direction = 'out'",
            (failure, account_id, message_id),
        ).rowcount
        > 0
    )


def insert_thread_keys(connection: Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Inserts (account, key, ticket, owned) rows; the first ticket of a key keeps it, a message's own name marks it."""
    connection.executemany(
        "INSERT INTO thread_key VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET owned = max(owned, excluded.owned)",
        sorted(rows, key=itemgetter(1)),  # in the order of the table: neighbours share its pages
    )


def update(connection: Connection, key: int, body: str, delivery: str, failure: str | None) -> bool:
    """Brings a stored message up to date; whether anything changed. The delivery of our own sends is ours to know."""
    return (
        connection.execute(
            "UPDATE message SET body_text = :body, delivery = :delivery, failure = :failure WHERE id = :id"
            " AND (body_text <> :body OR (delivery <> :delivery AND operation_id IS NULL))",
            {"id": key, "body": body, "delivery": delivery, "failure": failure},
        ).rowcount
        > 0
    )


def spoken(connection: Connection, ticket_id: int) -> list[tuple[str, str, str, int, int, int]]:
    """(kind, direction, visibility, automatic, unread, arrival in milliseconds) of a ticket's messages, in order."""
    return connection.execute(
        "SELECT kind, direction, visibility, automatic, unread, id >> 12 FROM message WHERE ticket_id = ? ORDER BY id",
        (ticket_id,),
    ).fetchall()


def for_quote(connection: Connection, key: int) -> tuple[str, int, str, str | None, str | None] | None:
    """(author, sent at, body, Message-ID, references) of a message that is answered."""
    row: tuple[str, int, str, str | None, str | None] | None = connection.execute(
        "SELECT CASE WHEN author_name IS NULL THEN ifnull(author_email, '') WHEN author_email IS NULL THEN author_name"
        " ELSE author_name || ' <' || author_email || '>' END, sent_at, body_text, message_id, refs FROM message"
        " WHERE id = ?",
        (key,),
    ).fetchone()
    return row


def newer_public(connection: Connection, ticket_id: int, base: int) -> frozenset[int]:
    """Keys of the public messages that did not come from this store and arrived after ``base``; automatic mail does not
    count. A colleague's carecli leaves its mark, too: only operations known here are ours.
    """
    rows = connection.execute(
        "SELECT id FROM message m WHERE ticket_id = ? AND id > ? AND automatic = 0 AND visibility = 'public'"
        " AND (operation_id IS NULL OR NOT EXISTS (SELECT 1 FROM operation p WHERE p.id = m.operation_id))",
        (ticket_id, base),
    )
    return frozenset(row[0] for row in rows)


def of_operation(connection: Connection, operation_id: str) -> tuple[int, int, str] | None:
    """(message key, ticket key, external id of the ticket) of the local message of an operation."""
    row: tuple[int, int, str] | None = connection.execute(
        "SELECT m.id, t.id, t.external_id FROM message m JOIN ticket t ON t.id = m.ticket_id WHERE m.operation_id = ?",
        (operation_id,),
    ).fetchone()
    return row


def set_delivery(
    connection: Connection, operation_id: str, delivery: str, failure: str | None = None, message_id: str | None = None
) -> None:
    """How far the message of an operation got."""
    connection.execute(
        "UPDATE message SET delivery = ?, failure = ?, message_id = ifnull(?, message_id) WHERE operation_id = ?",
        (delivery, failure, message_id, operation_id),
    )


def set_external_id(connection: Connection, operation_id: str, external_id: str) -> None:
    """Notes the vendor's id of a message we sent, unless the pulled copy brought it already."""
    connection.execute(
        "UPDATE OR IGNORE message SET external_id = ? WHERE operation_id = ? AND external_id LIKE 'op:%'",
        (external_id, operation_id),
    )


def remove_of_operation(connection: Connection, operation_id: str) -> None:
    """Removes the local message of an operation that was taken back before it left."""
    connection.execute("DELETE FROM message WHERE operation_id = ?", (operation_id,))


def to_answer(connection: Connection, ticket_id: int) -> int | None:
    """Key of the message a reply answers: the newest from a customer, else the newest public one."""
    row = connection.execute(
        "SELECT id FROM message WHERE ticket_id = ? AND visibility = 'public' AND kind <> 'system'"
        " ORDER BY direction = 'in' AND automatic = 0 DESC, id DESC LIMIT 1",
        (ticket_id,),
    ).fetchone()
    return row and int(row[0])


def recipients_of(connection: Connection, key: int) -> tuple[str, str, str | None, str | None]:
    """(direction, recipients as stored, author's address, author's name) of a message."""
    row: tuple[str, str, str | None, str | None] = connection.execute(
        "SELECT direction, recipients, author_email, author_name FROM message WHERE id = ?", (key,)
    ).fetchone()
    return row


def set_body(connection: Connection, operation_id: str, body: str) -> None:
    """Changes the text of a message that has not left."""
    connection.execute("UPDATE message SET body_text = ? WHERE operation_id = ?", (body, operation_id))


def key_of(connection: Connection, account_id: int, message_id: str) -> int | None:
    """Key of the message with a Message-ID."""
    row = connection.execute(
        "SELECT id FROM message WHERE account_id = ? AND message_id = ?", (account_id, message_id)
    ).fetchone()
    return row and int(row[0])
