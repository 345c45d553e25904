"""Trouble with the file: locked, read-only, full, damaged. Each has its code, and the store stays intact."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carecli.domain.errors import StoreError
from carecli.services import upkeep
from carecli.store import faults
from carecli.store.driver import Error, connect
from carecli.store.engine import Store
from workbench import T0, account, dump, ingest, intact, message, ticket


def code_of(error: BaseException, path: str = "x.db") -> str:
    found = faults.explain(error, path)
    assert found is not None
    assert found.exit_code == 11
    assert found.help
    return found.code


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A small file system of its own; skips where this user may not mount."""
    done = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A folder nobody can write to: by its mode, or by its mount for the superuser, whom modes do not stop."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)
        return
    outside = folder.parent / "outside"
    shutil.copytree(folder, outside)
    with mounted(folder, "-o", "size=16m"):
        shutil.copytree(outside, folder, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield


def test_a_store_that_somebody_holds_is_locked(store: Store) -> None:
    other = connect(store.path)
    other.execute("BEGIN IMMEDIATE")
    store.connection.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(Error) as caught, store.write():
        pass
    assert code_of(caught.value) == "STORE_LOCKED"
    assert not store.connection.in_transaction
    other.execute("ROLLBACK")
    other.close()
    with store.write():
        pass


def test_a_file_that_is_no_database_is_damaged_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "carecli.db"
    file.write_bytes(b"This is a letter, not a store. " * 200)
    before = file.read_bytes()
    for read_only in (True, False):
        with pytest.raises(StoreError) as caught:
            Store(str(file), read_only=read_only)
        assert (caught.value.code, caught.value.exit_code) == ("STORE_DAMAGED", 11)
    assert file.read_bytes() == before
    with pytest.raises(StoreError) as caught:
        upkeep.check(str(file))
    assert caught.value.code == "STORE_DAMAGED"


def test_damage_in_the_middle_is_found_and_named(store: Store) -> None:
    ingest(store, account(store), *(ticket(f"t{n}") for n in range(200)))
    root = store.connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ticket'").fetchone()[0]
    size = store.connection.execute("PRAGMA page_size").fetchone()[0]
    store.connection.execute("PRAGMA wal_checkpoint(truncate)")
    store.close()
    with open(store.path, "r+b") as stream:
        stream.seek((root - 1) * size)
        stream.write(b"\xff" * size)
    assert upkeep.check(store.path)["ok"] is False
    broken = Store(store.path)
    with pytest.raises(Error) as caught:
        broken.connection.execute("SELECT count(subject) FROM ticket").fetchone()
    assert code_of(caught.value) == "STORE_DAMAGED"
    broken.close()


def test_an_intact_store_passes_its_check(store: Store) -> None:
    ingest(store, account(store), ticket(), message())
    assert upkeep.check(store.path) == {"path": store.path, "ok": True, "schema": 1, "problems": []}


def test_a_full_disk_keeps_the_store_as_it_was(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket(), message())
    before = dump(store)
    pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
    store.connection.execute(f"PRAGMA max_page_count = {pages}")
    big = [message(f"b{n}", at=T0 + n, body_text=f"{n} " * 5000) for n in range(40)]
    with pytest.raises(Error) as caught:
        ingest(store, key, *big, cursor="c2")
    assert code_of(caught.value) == "STORE_FULL"
    assert dump(store) == before
    store.connection.execute("PRAGMA max_page_count = 1000000")
    assert intact(store)
    ingest(store, key, *big, cursor="c2")
    assert store.connection.execute("SELECT count(*) FROM message").fetchone() == (41,)


def test_a_real_full_disk_keeps_the_store_as_it_was(empty_store_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "-o", "size=1536k"):
        shutil.copyfile(empty_store_file, folder / "carecli.db")
        store = Store(str(folder / "carecli.db"))
        key = account(store)
        ingest(store, key, ticket(), message())
        before = dump(store)
        big = [message(f"b{n}", at=T0 + n, body_text=f"{n} " * 20_000) for n in range(60)]
        with pytest.raises(Error) as caught:
            ingest(store, key, *big, cursor="c2")
        assert code_of(caught.value) == "STORE_FULL"
        assert dump(store) == before
        assert store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store.close()


def test_making_a_store_on_a_full_disk_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "-o", "size=64k"):
        with pytest.raises(StoreError) as caught:
            Store(str(folder / "carecli.db"))
        assert caught.value.code == "STORE_FULL"


def test_a_folder_that_cannot_be_written_can_be_read(store: Store, tmp_path: Path) -> None:
    ingest(store, account(store), ticket(), message())
    store.close()
    folder = tmp_path / "away"
    folder.mkdir()
    shutil.copyfile(store.path, folder / "carecli.db")
    file = str(folder / "carecli.db")
    with unwritable(folder):
        reader = Store(file, read_only=True)
        assert reader.connection.execute("SELECT subject FROM ticket").fetchall() == [("Subject of t1",)]
        reader.close()
        with pytest.raises(StoreError) as caught:
            Store(str(folder / "new.db"))
        assert (caught.value.code, caught.value.exit_code) == ("STORE_READ_ONLY", 11)


def test_writing_to_a_store_opened_for_reading_is_refused(store: Store) -> None:
    reader = Store(store.path, read_only=True)
    with pytest.raises(Error) as caught, reader.write() as connection:
        connection.execute("DELETE FROM account")
    assert code_of(caught.value) == "STORE_READ_ONLY"
    reader.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (sqlite3.IntegrityError("UNIQUE constraint failed"), "STORE_REFUSED"),
        (sqlite3.InterfaceError("odd"), "STORE_UNAVAILABLE"),
        (sqlite3.OperationalError("disk I/O error"), "STORE_FULL"),
        (sqlite3.DatabaseError("database disk image is malformed"), "STORE_DAMAGED"),
    ],
)
def test_every_error_of_sqlite_is_explained(error: Exception, code: str) -> None:
    assert code_of(error) == code


def test_other_errors_are_not_the_store_s() -> None:
    assert faults.explain(ValueError("locked"), "x.db") is None
    assert faults.explain(OSError(errno.ENOSPC, "full"), "x.db") is None


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EROFS, "STORE_READ_ONLY"), (errno.ENOSPC, "STORE_FULL"), (errno.ENAMETOOLONG, "STORE_UNAVAILABLE")],
)
def test_errors_of_the_file_system_while_opening_are_explained(number: int, code: str) -> None:
    found = faults.explain_opening(OSError(number, "x"), "x.db")
    assert found is not None
    assert found.code == code
