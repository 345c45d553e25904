"""Accounts as the store knows them: keys, health, numbers, cursors, leases."""

from __future__ import annotations

from carecli.domain.errors import NotFoundError
from carecli.store.driver import Connection


def ensure(connection: Connection, name: str, connector: str, base_url: str | None, now: int) -> int:
    """Key of the account of that name, made (or brought back) when it is not there."""
    connection.execute(
        "INSERT INTO account (name, connector, base_url, created_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET connector = excluded.connector, base_url = excluded.base_url,"
        " removed_at = NULL WHERE connector <> excluded.connector OR base_url IS NOT excluded.base_url"
        " OR removed_at IS NOT NULL",
        (name, connector, base_url, now),
    )
    return key(connection, name)


def key(connection: Connection, name: str) -> int:
    """Key of an account; raises ``NotFoundError``."""
    row = connection.execute("SELECT id FROM account WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no account '{name}'", code="ACCOUNT_NOT_FOUND", help="See 'carecli account list'."
        )
    return int(row[0])


def names(connection: Connection) -> dict[int, str]:
    """Names by key, removed accounts included (their tickets stay)."""
    return dict(connection.execute("SELECT id, name FROM account").fetchall())


def health(connection: Connection) -> list[tuple[str, str, str, int | None, str | None, int, int]]:
    """(name, connector, state, last sync, error, queued operations, operations that need a person) per account."""
    return connection.execute(
        "SELECT a.name, a.connector, a.state, a.last_sync_at, a.error,"
        " (SELECT count(*) FROM operation o WHERE o.account_id = a.id AND o.state IN ('held', 'ready', 'inflight')),"
        " (SELECT count(*) FROM operation o WHERE o.account_id = a.id AND o.state IN ('conflict', 'failed', 'unknown'))"
        " FROM account a WHERE a.removed_at IS NULL ORDER BY a.name"
    ).fetchall()


def record_run(connection: Connection, account_id: int, state: str, error: str | None, now: int | None) -> None:
    """Notes how a sync ended; ``now`` is set only when the account was read to its end."""
    connection.execute(
        "UPDATE account SET state = ?, error = ?, last_sync_at = ifnull(?, last_sync_at) WHERE id = ?",
        (state, error, now, account_id),
    )


def remove(connection: Connection, account_id: int, now: int) -> None:
    """Takes the account off the lists; its tickets stay readable until they are erased."""
    connection.execute("UPDATE account SET removed_at = ? WHERE id = ?", (now, account_id))
    connection.execute("UPDATE ticket SET hidden = 1 WHERE account_id = ?", (account_id,))
    connection.execute("DELETE FROM sync_cursor WHERE account_id = ?", (account_id,))


def block(connection: Connection, account_id: int, until: int) -> None:
    """Stops all work of an account until an instant (the vendor asked for it)."""
    connection.execute("UPDATE account SET blocked_until = ? WHERE id = ?", (until, account_id))


def blocked_until(connection: Connection, account_id: int) -> int:
    """Instant before which the account rests; 0 when it does not."""
    return int(connection.execute("SELECT blocked_until FROM account WHERE id = ?", (account_id,)).fetchone()[0])


def take_numbers(connection: Connection, account_id: int, how_many: int) -> int:
    """First of a run of ticket numbers that belong to the caller from now on; never given out twice."""
    row = connection.execute(
        "UPDATE account SET next_number = next_number + ? WHERE id = ? RETURNING next_number", (how_many, account_id)
    ).fetchone()
    return int(row[0]) - how_many


def cursor(connection: Connection, account_id: int, stream: str) -> str | None:
    """How far a stream was read; ``None``: not at all."""
    row = connection.execute(
        "SELECT value FROM sync_cursor WHERE account_id = ? AND stream = ?", (account_id, stream)
    ).fetchone()
    return row and str(row[0])


def save_cursor(connection: Connection, account_id: int, stream: str, value: str, now: int) -> None:
    """Stores a cursor; belongs into the transaction of its page."""
    connection.execute(
        "INSERT INTO sync_cursor VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value,"
        " updated_at = excluded.updated_at",
        (account_id, stream, value, now),
    )


def drop_cursors(connection: Connection, account_id: int) -> None:
    """Forgets how far the account was read: the next pull starts over."""
    connection.execute("DELETE FROM sync_cursor WHERE account_id = ?", (account_id,))


def lease_holder(connection: Connection, account_id: int) -> str | None:
    """Who may push the account now; ``None``: nobody."""
    row = connection.execute("SELECT holder FROM lease WHERE account_id = ?", (account_id,)).fetchone()
    return row and str(row[0])


def take_lease(connection: Connection, account_id: int, holder: str, now: int, stale_ms: int) -> bool:
    """Whether ``holder`` may push the account now: the lease is free, ours, without a heartbeat for longer than
    ``stale_ms`` (negative: whatever its age), or dated that far in the future (the clock was set back).
    """
    row = connection.execute(
        "INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET holder = excluded.holder,"
        " heartbeat_at = excluded.heartbeat_at WHERE lease.holder = excluded.holder"
        " OR lease.heartbeat_at < excluded.heartbeat_at - ? OR lease.heartbeat_at > excluded.heartbeat_at + ?"
        " RETURNING holder",
        (account_id, holder, now, stale_ms, stale_ms),
    ).fetchone()
    return row is not None


def beat(connection: Connection, account_id: int, holder: str, now: int) -> None:
    """A sign of life of the holder; nothing happens when somebody else holds the lease."""
    connection.execute(
        "UPDATE lease SET heartbeat_at = ? WHERE account_id = ? AND holder = ?", (now, account_id, holder)
    )


def drop_lease(connection: Connection, account_id: int, holder: str) -> None:
    """Gives the lease back."""
    connection.execute("DELETE FROM lease WHERE account_id = ? AND holder = ?", (account_id, holder))
