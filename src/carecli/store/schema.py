"""Opens the store: a cheap version check; creation and migration only when they are due."""

from __future__ import annotations

import os

from carecli.domain.errors import StoreError
from carecli.store.driver import Connection, DatabaseError, OperationalError, connect

VERSION = 1
"""Schema version this program reads and writes; equals the number of migrations."""


def version_of(connection: Connection) -> int:
    """Schema version of an open file; 0 for an empty one."""
    row = connection.execute("PRAGMA user_version").fetchone()
    return int(row[0])


def open_existing(path: str, *, read_only: bool = False) -> Connection | None:
    """A connection when the file is there and current; ``None`` when it must be created or migrated first.

    Raises ``StoreError`` STORE_NEWER when a newer program made it; the file is not touched.
    """
    if not os.path.exists(path):
        return None
    connection = connect(path, read_only=read_only)
    try:
        found = version_of(connection)
    except (DatabaseError, OperationalError):
        connection.close()
        raise
    if found == VERSION:
        return connection
    connection.close()
    if found > VERSION:
        raise StoreError(
            f"the store was made by a newer carecli (schema {found}, this program knows {VERSION}); it was not touched",
            code="STORE_NEWER",
            help="Upgrade carecli, or point --home at another folder.",
        )
    return None


def open_or_make(path: str, *, read_only: bool = False) -> Connection:
    """A connection to a current store, made or migrated (after a backup) when needed.

    Raises ``StoreError``: STORE_NEWER, STORE_MISSING (read-only and not there), STORE_OLD (read-only and older).
    """
    connection = open_existing(path, read_only=read_only)
    if connection is not None:
        return connection
    if read_only:
        there = os.path.exists(path)
        raise StoreError(
            f"the store {path} {'needs a migration' if there else 'does not exist'} and --read-only forbids writing",
            code="STORE_OLD" if there else "STORE_MISSING",
            help="Run the command once without --read-only.",
        )
    from carecli.store.upgrade import upgrade

    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    upgrade(path)
    return connect(path)
