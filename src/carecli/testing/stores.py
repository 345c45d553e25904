"""Stores for tests: made fast, compared row by row, and checked for damage."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from carecli.store.engine import Store


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "empty.db")
        made = Store(str(file))
        made.connection.execute("PRAGMA wal_checkpoint(truncate)")
        made.close()
        return file.read_bytes()


def empty_store(file: Path) -> Store:
    """A new store in a file; much faster than making its schema each time. Close it after use."""
    file.write_bytes(_empty())
    file.chmod(0o600)
    return Store(str(file))


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
