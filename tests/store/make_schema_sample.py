"""Writes tests/store/data/schema-NNNN.sql: a small store of this program's schema as SQL text, kept for later versions.

Run it once for every new schema version: ``python tests/store/make_schema_sample.py``.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from carecli.store.engine import Store
from carecli.store.schema import VERSION

T0 = 1_795_000_000_000
ROWS = f"""
INSERT INTO account (id, name, connector, created_at) VALUES (1, 'support', 'demo', {T0});
INSERT INTO agent (id, account_id, external_id, name, is_me) VALUES (1, 1, 'a1', 'Sam Rivera', 1);
INSERT INTO customer (id, name, created_at) VALUES (1, 'Jo Doe', {T0});
INSERT INTO identity (customer_id, account_id, kind, value, raw) VALUES (1, 1, 'email', 'jo@example.com', 'Jo@Example.com');
INSERT INTO fts_customer (rowid, text) VALUES (1, 'Jo Doe jo@example.com');
INSERT INTO ticket (id, account_id, external_id, number, subject, type, status, status_category, priority, channel,
 requester_id, assignee_id, tags, created_at, updated_at, waiting_since, unread, message_count)
 VALUES (1, 1, 't1', '1', 'The kettle leaks', 'question', 'open', 'open', 'high', 'email', 1, 1, '["kettle"]',
 {T0}, {T0}, {T0}, 1, 2);
INSERT INTO ticket_tag VALUES ('kettle', 1);
INSERT INTO message (id, ticket_id, account_id, external_id, kind, direction, visibility, channel, author_kind,
 author_name, sent_at, body_text, delivery, unread) VALUES ({T0 << 12}, 1, 1, 'm1', 'customer', 'in', 'public', 'email',
 'person', 'Jo Doe', {T0}, 'It leaks — grüßt Jo', 'not_tracked', 1);
INSERT INTO message (id, ticket_id, account_id, external_id, kind, direction, visibility, channel, author_kind,
 author_name, sent_at, body_text, delivery) VALUES ({(T0 + 1) << 12}, 1, 1, 'n1', 'note', 'internal', 'internal',
 'internal', 'agent', 'Sam Rivera', {T0 + 1}, 'between us', 'not_tracked');
INSERT INTO sync_cursor VALUES (1, 'tickets', 'c1', {T0});
INSERT INTO operation (id, account_id, verb, ticket_id, payload, state, actor, origin, created_at, updated_at)
 VALUES ('01ARYZ6S410000000000000000', 1, 'status', 1, '{{"value": "solved"}}', 'ready', 'Sam Rivera', 'cli', {T0}, {T0});
INSERT INTO draft (id, ticket_id, agent, mode, body, created_at, updated_at)
 VALUES ('01ARYZ6S410000000000000001', 1, 'Sam Rivera', 'reply', 'Dear Jo', {T0}, {T0});
INSERT INTO event (at, account_id, ticket_id, actor, origin, verb) VALUES ({T0}, 1, 1, '', 'remote', 'created');
"""


def quoted(value: object) -> str:
    """A value as SQL text."""
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    return "'" + str(value).replace("'", "''") + "'"


def dump(connection: sqlite3.Connection) -> Iterator[str]:
    """The store as statements. SQLite's own dump writes the schema table of virtual tables by hand; this one does not."""
    schema = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    ).fetchall()
    virtual = [name for kind, name, sql in schema if kind == "table" and sql.startswith("CREATE VIRTUAL")]
    shadows = tuple(f"{name}_" for name in virtual)
    plain = [
        name
        for kind, name, _ in schema
        if kind == "table" and name not in virtual and not name.startswith((*shadows, "sqlite_"))
    ]
    yield from (sql for kind, name, sql in schema if kind == "table" and name in (*plain, *virtual))
    for name in plain:
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA table_info({name})"))
        for row in connection.execute(f"SELECT {columns} FROM {name}"):
            yield f"INSERT INTO {name} ({columns}) VALUES ({', '.join(map(quoted, row))})"
    yield from (
        f"INSERT INTO fts_customer (rowid, text) VALUES ({row[0]}, {quoted(row[1])})"
        for row in connection.execute("SELECT rowid, text FROM fts_customer")
    )
    yield from (f"INSERT INTO {name} ({name}) VALUES ('rebuild')" for name in virtual if name != "fts_customer")
    yield "INSERT INTO fts_message (fts_message, rank) VALUES ('hashsize', 16777216)"
    yield from (sql for kind, _, sql in schema if kind in ("index", "trigger"))


def main() -> None:
    """Makes the store in a temporary folder and writes its dump."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/carecli.db"
        made = Store(file)
        made.connection.executescript(ROWS)
        made.close()
        connection = sqlite3.connect(file)
        lines = [f"PRAGMA user_version = {VERSION}", "BEGIN", *dump(connection), "COMMIT"]
        connection.close()
    target = Path(__file__).parent / "data" / f"schema-{VERSION:04}.sql"
    target.write_text("".join(f"{line};\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
