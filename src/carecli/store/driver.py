"""The one place that opens SQLite. Hot paths import this module, so it imports next to nothing itself."""

from __future__ import annotations

# The C module alone: the sqlite3 package adds datetime adapters that nothing here uses and that cost start-up time.
import _sqlite3
import os
from _sqlite3 import (
    Connection,
    Cursor,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)

Error = _sqlite3.Error
BUSY_MS = 10_000

__all__ = [
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "OperationalError",
    "ProgrammingError",
    "connect",
    "savepoint",
    "write",
]


def connect(path: str, *, read_only: bool = False, create: bool = False) -> Connection:
    """A connection in autocommit mode with the store's pragmas.

    ``read_only`` opens without write access (also of the file's folder). Without ``create`` a missing file is an
    ``OperationalError``. New files get mode 0600.
    """
    if create and not os.path.exists(path):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    mode = "ro" if read_only else "rw"
    if read_only and _cannot_change(path):
        mode += "&immutable=1"
    connection = _sqlite3.connect(
        f"file:{quoted}?mode={mode}", uri=True, isolation_level=None, cached_statements=200, timeout=BUSY_MS / 1000
    )
    connection.execute("PRAGMA foreign_keys = on")
    # FULL: an operation must be on the disk as "inflight" before its request leaves, also when the power fails.
    connection.execute("PRAGMA synchronous = full")
    connection.execute("PRAGMA cache_size = -32000")
    connection.execute("PRAGMA temp_store = memory")  # bulk writes are staged in temporary tables of one page
    return connection


def _cannot_change(path: str) -> bool:
    """Whether nobody here can write the store (a read-only mount, a folder of somebody else) and nothing lies in a
    write-ahead log: only then SQLite may read it without the shared memory file that it could not make.
    """
    if os.access(os.path.dirname(path) or ".", os.W_OK):
        return False
    log = f"{path}-wal"
    return not os.path.exists(log) or os.path.getsize(log) == 0


class write:  # noqa: N801  (reads as a verb: "with write(connection)")
    """A transaction that takes the write lock at once (``BEGIN IMMEDIATE``), commits at the end, rolls back on errors.

    Nested use joins the outer transaction.
    """

    __slots__ = ("_connection", "_outer")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outer = False

    def __enter__(self) -> Connection:
        self._outer = self._connection.in_transaction
        if not self._outer:
            self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._outer:
            return
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


class savepoint:  # noqa: N801  (reads as a verb, as above)
    """Part of a transaction that can fail alone: rolled back on errors, which go on to the caller."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Connection:
        self._connection.execute("SAVEPOINT part")
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self._connection.execute("ROLLBACK TO part")
        self._connection.execute("RELEASE part")
