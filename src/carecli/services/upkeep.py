"""Upkeep of the store: backup, check, migrate."""

from __future__ import annotations

import os
import time

from carecli.domain.errors import NotFoundError, UsageError
from carecli.store import faults
from carecli.store.driver import Error, connect
from carecli.store.schema import VERSION, open_existing, version_of


def _require(path: str) -> None:
    if not os.path.exists(path):
        raise NotFoundError(f"there is no store at {path} yet", code="STORE_MISSING", help="Any sync makes it.")


def backup(path: str, target: str) -> int:
    """Copies the store, in use or not, into a new file; returns its size in bytes.

    Raises ``UsageError`` when the target exists or its folder does not, ``StoreError`` when the store cannot be read.
    """
    from carecli.store.upgrade import backup as copy

    _require(path)
    if not os.path.isdir(os.path.dirname(os.path.abspath(target))):
        raise UsageError(f"the folder of {target} does not exist", code="BAD_FILE", help="Make it first.")
    try:
        copy(path, target)
    except FileExistsError:
        raise UsageError(f"{target} is there already; it was not touched", code="FILE_EXISTS") from None
    except Error as error:
        raise faults.explain(error, path) or error from error
    return os.path.getsize(target)


def check(path: str) -> dict[str, object]:
    """Proves that the file is intact: SQLite's integrity and foreign keys, and the full text against its content."""
    _require(path)
    try:
        connection = connect(path)
    except Error as error:
        raise faults.explain(error, path) or error from error
    problems: list[str] = []
    version = None
    try:
        version = version_of(connection)
        problems += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        problems += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        for name in ("fts_message", "fts_ticket", "fts_article") if version == VERSION else ():
            try:
                connection.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)")
            except Error as error:
                problems.append(f"{name}: {error}")
    except Error as error:
        problems.append(str(error))
    finally:
        connection.close()
    return {"path": path, "ok": not problems, "schema": version, "problems": problems[:50]}


def rescue(path: str, backup_file: str | None = None) -> dict[str, object]:
    """Puts the store aside, makes a new one (or copies a backup), and carries over the texts that no vendor has.

    Drafts, texts that had not left and notes that were kept here only become drafts: nothing is sent by itself, because a
    damaged store is no witness of what was. Raises ``UsageError`` for a backup that is none, ``NotFoundError`` for no store.
    """
    from carecli.store import drafts
    from carecli.store.engine import Store
    from carecli.store.salvage import Salvage
    from carecli.store.upgrade import backup as copy

    _require(path)
    if backup_file is not None and not (os.path.isfile(backup_file) and check(backup_file)["ok"]):
        raise UsageError(f"{backup_file} is no intact store", code="BAD_FILE", help="Nothing was done.")
    aside = f"{path}.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.replace(path + suffix, aside + suffix)
    if backup_file is not None:
        copy(backup_file, path)
    store = Store(path)
    counts = {"drafts": 0, "texts": 0}
    salvage = None
    try:
        salvage = Salvage(aside)
        for name, found in (("drafts", salvage.drafts()), ("texts", salvage.texts())):
            for draft in found:
                with store.write() as connection:
                    if drafts.get(connection, draft.id) is None:
                        drafts.save(connection, draft)
                        counts[name] += 1
    finally:
        unreadable = salvage.unreadable if salvage else 0
        if salvage is not None:
            salvage.close()
        store.close()
    return {"path": path, "aside": aside, "from": backup_file, **counts, "unreadable": unreadable}


def migrate(path: str) -> dict[str, object]:
    """Makes or migrates the store; raises ``StoreError`` STORE_NEWER for a newer one, untouched."""
    from carecli.store.upgrade import upgrade

    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    saved = None
    try:
        connection = open_existing(path)
        if connection is None:
            saved = upgrade(path)
        else:
            connection.close()
    except Error as error:
        raise faults.explain(error, path) or error from error
    return {"path": path, "schema": VERSION, "backup": saved}
