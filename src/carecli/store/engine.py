"""The store as one object: a connection, a clock-free unit of work, and the signal that somebody else changed it."""

from __future__ import annotations

import os

from carecli.store import faults
from carecli.store.driver import Connection, Error, write
from carecli.store.schema import open_or_make


class Store:
    """One open store. Not shared between threads: a worker opens its own.

    Opening raises ``StoreError`` with a code that names the cause (locked, read-only, full, damaged, newer).
    """

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self.path = path
        # What cannot be written can still be read; a write then fails with a store error of its own.
        self.read_only = read_only or (os.path.exists(path) and not os.access(path, os.W_OK))
        try:
            self.connection: Connection = open_or_make(path, read_only=self.read_only)
            self._seen = self._data_version()
        except (Error, OSError) as error:
            found = faults.explain_opening(error, path)
            raise found or error from error

    def write(self) -> write:
        """A transaction that holds the write lock: ``with store.write() as connection``."""
        return write(self.connection)

    def _data_version(self) -> int:
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def wait_at_most(self, milliseconds: int) -> None:
        """How long this connection waits for another one's write before it gives up."""
        self.connection.execute(f"PRAGMA busy_timeout = {int(milliseconds)}")

    def changed_elsewhere(self) -> bool:
        """Whether another connection committed since the last call."""
        now = self._data_version()
        changed, self._seen = now != self._seen, now
        return changed

    def rest(self) -> None:
        """Gives back the memory of the page cache; for a connection that will be quiet for a while."""
        self.connection.execute("PRAGMA shrink_memory")

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()
