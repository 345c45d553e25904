"""Who may push an account: the living, one at a time; the dead are replaced at once, the silent after a while."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from carecli.store import accounts
from carecli.store.engine import Store
from carecli.sync import lease
from carecli.sync.lease import HUNG_MS, STALE_MS, Lease, holder_name, stale_after
from workbench import T0, account


def named(process: int, started: object, machine: str | None = None) -> str:
    """The name of a holder."""
    mine = holder_name().split(":")
    return ":".join([machine or mine[0], str(process), str(started), "1"])


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Another process."""
    made = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield made
    made.kill()
    made.wait()


def started(process: int) -> int:
    found = lease._started(process)
    assert found is not None
    return found


def test_this_thread_is_alive_and_has_a_name_of_its_own() -> None:
    names = [holder_name()]
    thread = threading.Thread(target=lambda: names.append(holder_name()))
    thread.start()
    thread.join()
    assert len(set(names)) == 2
    assert [stale_after(name) for name in names] == [HUNG_MS, HUNG_MS]


def test_a_dead_process_is_replaced_at_once(child: subprocess.Popen[bytes]) -> None:
    name = named(child.pid, started(child.pid))
    assert stale_after(name) == HUNG_MS
    child.kill()
    deadline = time.monotonic() + 10
    while stale_after(name) != -1 and time.monotonic() < deadline:  # it need not be reaped for that
        time.sleep(0.01)
    assert stale_after(name) == -1


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only /proc tells when a process started")
def test_another_process_with_the_number_of_a_dead_one_does_not_keep_its_lease(child: subprocess.Popen[bytes]) -> None:
    assert stale_after(named(child.pid, started(child.pid) - 1)) == -1


@pytest.mark.parametrize("name", ["dead", "", ":::", "elsewhere/1/2:1:1:1", "x:y"])
def test_who_cannot_be_looked_at_is_judged_by_the_heartbeat(name: str) -> None:
    assert stale_after(name) == STALE_MS


def test_where_nothing_tells_when_a_process_started_its_number_must_do(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_proc(path: str, *_: object, **__: object) -> None:
        raise FileNotFoundError(path)

    monkeypatch.setattr("builtins.open", without_proc)
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    assert lease._started(child.pid) == 0
    child.kill()
    child.wait()
    assert lease._started(child.pid) is None


def test_a_process_of_somebody_else_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("builtins.open", forbidden)
    assert lease._started(1) == 0
    monkeypatch.setattr("builtins.open", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    monkeypatch.setattr(os, "kill", forbidden)
    assert lease._started(1) == 0


def test_one_at_a_time(store: Store) -> None:
    key = account(store)
    one, two = (Lease(store, key, named(os.getpid(), started(os.getpid()), None) + n, lambda: T0) for n in "12")
    assert (one.take(), two.take(), one.take()) == (True, False, True)
    one.drop()
    assert (two.take(), one.take()) == (True, False)
    two.drop()
    assert accounts.lease_holder(store.connection, key) is None


@pytest.mark.parametrize(("later", "taken"), [(HUNG_MS, False), (HUNG_MS + 1, True), (-HUNG_MS - 1, True)])
def test_a_living_process_without_a_heartbeat_is_given_ten_minutes(store: Store, later: int, taken: bool) -> None:
    key = account(store)
    with store.write() as connection:
        accounts.take_lease(connection, key, named(os.getpid(), started(os.getpid())), T0, STALE_MS)
    assert Lease(store, key, "me", lambda: T0 + later).take() is taken


def test_the_dead_leave_their_lease_whatever_the_clock_says(store: Store, child: subprocess.Popen[bytes]) -> None:
    key = account(store)
    with store.write() as connection:
        accounts.take_lease(connection, key, named(child.pid, started(child.pid)), T0, STALE_MS)
    mine = Lease(store, key, "me", lambda: T0)
    assert not mine.take()
    child.kill()
    child.wait()
    assert mine.take()


def test_the_heart_beats_while_something_takes_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.01)
    key, now = account(store), [T0]
    held = Lease(store, key, "me", lambda: now[0])
    assert held.take()
    now[0] = T0 + 5_000
    deadline = time.monotonic() + 10
    seen = 0
    while seen != now[0] and time.monotonic() < deadline:
        seen = store.connection.execute("SELECT heartbeat_at FROM lease").fetchone()[0]
        time.sleep(0.005)
    held.drop()
    assert seen == now[0]
    time.sleep(0.05)
    assert store.connection.execute("SELECT count(*) FROM lease").fetchone() == (0,)
