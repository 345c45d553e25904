"""Waiting for new mail: IDLE on INBOX over a connection of its own, or looking now and then where IDLE is missing."""

from __future__ import annotations

import threading
import time

from carecli.connectors.imap.session import FolderState, Session
from carecli.connectors.imap.worker import Stopped, Worker, cutting
from carecli.connectors.spi.errors import Retryable
from carecli.domain.errors import CareError

_STEP = 0.5  # seconds; a stop is noticed within one step
_RENEW = 24 * 60  # seconds; servers end an IDLE after 29 minutes (RFC 2177)
_LOOK = 15  # seconds between looks without IDLE
_QUICK = 0.05  # an empty answer faster than this says that the server hung up
_NEWS = (b"EXISTS", b"EXPUNGE", b"FETCH", b"VANISHED")


class Watcher:
    """Keeps one connection in IDLE between calls, so that nothing is missed while a pull runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._idling_since: float | None = None

    def wait(self, stop: threading.Event, timeout: float, seen: FolderState | None) -> bool:
        """Whether INBOX has news within ``timeout`` seconds; ``seen`` is the state that the last pull has read.

        Raises ``Retryable`` when the connection drops; the next call connects again.
        """
        try:
            with cutting(stop, self._session.cut):
                return self._wait(stop, time.monotonic() + timeout, seen)
        except Stopped:
            self._idling_since = None
            return False
        except CareError:
            self._idling_since = None
            self._session.cut()
            if stop.is_set():
                return False
            raise
        except (OSError, ValueError) as error:  # the socket was closed under a poll
            self._idling_since = None
            self._session.cut()
            if stop.is_set():
                return False
            raise Retryable("the connection that waits for new mail broke; nothing was lost") from error

    def _wait(self, stop: threading.Event, deadline: float, seen: FolderState | None) -> bool:
        if self._idling_since is None and self._begin(stop, seen):
            return True
        empty = 0
        while not stop.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not self._session.has("IDLE"):
                if self._look(stop, min(left, _LOOK)):
                    return True
                continue
            started = time.monotonic()
            answers = self._session.idle_answers(min(_STEP, left))
            if any(word in _NEWS for each in answers for word in each[:2]):
                return True
            if any(each[0] == b"BYE" for each in answers):
                raise Retryable("the server ended the connection that waits for new mail; nothing was lost")
            empty = empty + 1 if not answers and time.monotonic() - started < min(_QUICK, left) else 0
            if empty > 3:
                raise Retryable("the connection that waits for new mail broke; nothing was lost")
            if time.monotonic() - (self._idling_since or 0) > _RENEW:
                self._session.idle_end()
                self._session.idle_begin()
                self._idling_since = time.monotonic()
        return False

    def _begin(self, stop: threading.Event, seen: FolderState | None) -> bool:
        """Opens INBOX and starts IDLE; whether something came between the last pull and now."""
        worker = Worker("imap-idle", self._session.cut)
        try:
            now = worker.call(lambda: self._session.select("INBOX", again=True), stop)
        finally:
            worker.end()
        if self._session.has("IDLE"):
            self._session.idle_begin()
        self._idling_since = time.monotonic()
        return seen is not None and (now.uidvalidity, now.uidnext) != (seen.uidvalidity, seen.uidnext)

    def _look(self, stop: threading.Event, seconds: float) -> bool:
        before = self._session.select("INBOX")
        stop.wait(seconds)
        return not stop.is_set() and self._session.select("INBOX", again=True) != before

    def close(self) -> None:
        """Ends the connection."""
        self._session.cut()
        self._session.close()
        self._idling_since = None
