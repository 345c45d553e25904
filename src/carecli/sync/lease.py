"""The lease of an account: one process at a time pushes it, known by its heartbeat and by whether it still lives."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress

from carecli.store import accounts
from carecli.store.driver import Connection
from carecli.store.engine import Store

HEARTBEAT_SECONDS = 15.0
STALE_MS = 60_000
"""Without a heartbeat for so long, a holder on another machine is taken for dead."""
HUNG_MS = 600_000
"""A holder that lives on this machine is given longer: it may be suspended in the middle of a send, and mail servers
give up on such a connection within that time."""


def holder_name() -> str:
    """This thread's name in leases: machine, process, when the process started, thread."""
    return f"{_machine()}:{os.getpid()}:{_started(os.getpid()) or 0}:{threading.get_ident()}"


def stale_after(holder: str) -> int:
    """Milliseconds without a heartbeat after which another process may take over from a holder; -1: it is dead."""
    machine, _, rest = holder.partition(":")
    process, _, rest = rest.partition(":")
    started = rest.partition(":")[0]
    if machine != _machine() or not process.isdigit():
        return STALE_MS
    now = _started(int(process))
    return HUNG_MS if now is not None and str(now) == started else -1


def _machine() -> str:
    """Names the machine, its boot and the space of process numbers: only there does a process number tell anything."""
    boot, space = "", ""
    with suppress(OSError):
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read(8)
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    return f"{os.uname().nodename}/{boot}/{space}"


def _started(process: int) -> int | None:
    """When a process started, in clock ticks since boot (0: not known here); ``None``: there is no such process."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        # proc(5): field 3 is the state (Z: dead, not yet reaped), field 22 the start time.
        return None if fields[0] in "ZX" else int(fields[19])
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return None
    except OSError:
        return 0
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 0
    return 0


class Lease:
    """The right to push one account. While it is held, a thread renews it, so that a slow send does not lose it."""

    def __init__(self, store: Store, account_id: int, holder: str, clock: Callable[[], int]) -> None:
        self._store = store
        self._account_id = account_id
        self._holder = holder
        self._clock = clock
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self) -> bool:
        """Whether the account is ours to push now."""
        with self._store.write() as connection:
            taken = self.renew(connection)
        if taken and self._thread is None:
            self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
            self._thread.start()
        return taken

    def renew(self, connection: Connection) -> bool:
        """Whether the account is still ours, with a fresh heartbeat; belongs into a write transaction."""
        holder = accounts.lease_holder(connection, self._account_id)
        stale = STALE_MS if holder in (None, self._holder) else stale_after(str(holder))
        return accounts.take_lease(connection, self._account_id, self._holder, self._clock(), stale)

    def drop(self) -> None:
        """Gives the lease back."""
        self._done.set()
        with self._store.write() as connection:
            accounts.drop_lease(connection, self._account_id, self._holder)

    def _beat(self) -> None:
        store: Store | None = None
        try:
            while not self._done.wait(HEARTBEAT_SECONDS):
                with suppress(Exception):  # a full disk or a long lock: the next beat may come through
                    store = store or Store(self._store.path)
                    with store.write() as connection:
                        accounts.beat(connection, self._account_id, self._holder, self._clock())
        finally:
            if store is not None:
                store.close()
