"""Runs network calls of one connection beside the caller, so that a stop is honoured while a server keeps silent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL = 0.1  # seconds between looks at the stop event


class Stopped(Exception):
    """The caller asked to stop; the connection was cut."""


class Task(Generic[T]):
    """A call that is running or waits for its turn."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._done = threading.Event()
        self._value: T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Makes the call; the worker's thread does this."""
        try:
            self._value = self._call()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def wait(self, seconds: float) -> bool:
        """Whether the call is finished, after at most that long."""
        return self._done.wait(seconds)

    def value(self) -> T:
        """What the call returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]


class Worker:
    """One thread that makes calls in order. ``cut`` breaks the connection they use and must be safe from any thread."""

    def __init__(self, name: str, cut: Callable[[], None]) -> None:
        self._cut = cut
        self._tasks: queue.SimpleQueue[Task[object] | None] = queue.SimpleQueue()
        # A daemon, because a connection attempt that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.run()

    def start(self, call: Callable[[], T]) -> Task[T]:
        """Queues a call."""
        task = Task(call)
        self._tasks.put(task)  # type: ignore[arg-type]
        return task

    def finish(self, task: Task[T], stop: threading.Event) -> T:
        """Result of a call; raises ``Stopped`` (and cuts the connection) when ``stop`` is set first."""
        while not task.wait(_POLL):
            if stop.is_set():
                self._cut()
                raise Stopped
        return task.value()

    def call(self, call: Callable[[], T], stop: threading.Event) -> T:
        """Makes a call and waits for it; see ``finish``."""
        return self.finish(self.start(call), stop)

    def end(self) -> None:
        """Ends the thread after the calls that are queued."""
        self._tasks.put(None)


@contextmanager
def cutting(stop: threading.Event, cut: Callable[[], None]) -> Iterator[None]:
    """Breaks a connection as soon as ``stop`` is set, while the caller itself may be waiting for the server."""
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            if stop.wait(_POLL):
                if not done.is_set():
                    cut()
                return

    thread = threading.Thread(target=watch, name="imap-stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
