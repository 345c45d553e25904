"""Creates, migrates and copies the store; a migration (Alembic) makes a backup first when there is something to lose."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from carecli.store.schema import VERSION

_PATIENCE = 60  # seconds to wait for another process that makes or migrates the same store


def sqlite_facts() -> tuple[str, bool]:
    """Version of the SQLite library, and whether it was built with full text search (FTS5)."""
    with sqlite3.connect(":memory:") as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    return sqlite3.sqlite_version, "ENABLE_FTS5" in options


def backup(path: str, target: str) -> None:
    """Copies a live store page by page into a new file (mode 0600) that is complete or not there at all.

    Raises ``FileExistsError`` when the target exists.
    """
    if os.path.exists(target):
        raise FileExistsError(target)
    partial = f"{target}.partial"
    os.close(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
    source, copy = sqlite3.connect(path), sqlite3.connect(partial)
    try:
        source.backup(copy)
        # A copy stands alone: it needs no -wal beside it.
        copy.execute("PRAGMA journal_mode = delete")
    except BaseException:
        copy.close()
        os.unlink(partial)
        raise
    finally:
        source.close()
        copy.close()
    os.replace(partial, target)


def _use_wal(connection: Connection) -> None:
    """Lets readers go on while one writes; it is kept in the file.

    This switch refuses at once where other locks wait, so of two first starts one has to try again.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = wal")
        except DBAPIError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def upgrade(path: str) -> str | None:
    """Brings the store to this program's schema; returns the path of the backup it made, if any.

    Two processes may try at once: the write lock lets one do it and the other find it done.
    """
    fresh = not os.path.exists(path) or os.path.getsize(path) == 0
    if fresh:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    saved = None
    if not fresh:
        with sqlite3.connect(path) as probe:
            found = probe.execute("PRAGMA user_version").fetchone()[0]
        probe.close()
        saved = f"{path}.schema{found}.bak"
        if os.path.exists(saved):
            os.unlink(saved)
        backup(path, saved)
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path, timeout=_PATIENCE), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _manual(dbapi: sqlite3.Connection, _record: object) -> None:
        dbapi.isolation_level = None  # Alembic and the lines below say BEGIN themselves

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.connect() as connection:
            _use_wal(connection)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if connection.exec_driver_sql("PRAGMA user_version").scalar() != VERSION:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
            connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        raise error.orig or error from error  # callers know SQLite's errors only
    finally:
        engine.dispose()
    return saved
