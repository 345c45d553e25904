"""The HTTP client of one account: signs, holds back, tries reads again, and says what went wrong as the SPI does."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from carecli import __version__
from carecli.connectors.http import limits, scrub
from carecli.connectors.http.auth import Auth
from carecli.connectors.http.verdicts import Answer, Dialect, Stopped, judged, unanswered
from carecli.connectors.http.wire import Answered, Broken, Limits, Outgoing, Wire
from carecli.connectors.spi.errors import BadSetup, Rejected, Retryable, Throttled
from carecli.domain.errors import CareError

AGENT = f"carecli/{__version__}"
_MOST_REDIRECTS = 5
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_MOVED = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long reads are tried again: so many attempts, with waits (seconds) that together stay within a budget."""

    attempts: int = 4
    first: float = 0.5
    longest: float = 8.0
    budget: float = 20.0


class HttpClient:
    """Calls one vendor for one account. Not for two threads at once, like the connector that owns it.

    ``before_effect`` is called right before a write leaves, as ``spi.protocols.Announcing`` asks. ``trace`` gets a line
    for every call, free of secrets. ``calls`` counts them. Every method raises only errors of ``spi.errors``, and what
    the account's secrets and ``before_effect`` raise.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        dialect: Dialect,
        *,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        limits_of: Limits | None = None,
        patience: Patience | None = None,
        trace: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.base_url = checked_base(base_url, dialect.name)
        self.before_effect: Callable[[], None] = _nothing
        self.trace = trace
        self.calls = 0
        self._auth = auth
        self._dialect = dialect
        self._headers = dict(headers or {})
        self._wire = Wire(agent=AGENT, ca_file=ca_file, limits=limits_of)
        self._patience = patience or Patience()
        self._governor = limits.Governor()
        self._clock = clock
        self._chance = chance

    def __repr__(self) -> str:
        return f"HttpClient({self._dialect.name!r})"

    def request(
        self,
        method: str,
        where: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        stop: threading.Event | None = None,
        reading: bool | None = None,
        **body: Any,
    ) -> Answer:
        """A call of the vendor's interface; see ``url_of`` for ``where``. Any status below 300, and 304, is returned.

        ``reading``: it changes nothing that anybody sees, whatever its method (a search by POST, the upload of a file
        that nothing refers to yet), so it is not announced and may be sent again; otherwise GET and HEAD read and
        everything else writes. ``body`` is one of ``json``, ``data``, ``files``, ``content``.
        """
        url = self.url_of(where)
        if params:
            url = url.copy_merge_params({name: value for name, value in params.items() if value is not None})
        reads = method in ("GET", "HEAD") if reading is None else reading
        sending = Outgoing(method, url, {"Accept": "application/json", **self._headers, **(headers or {})}, body)
        return self._persist(sending, stop, reading=reads, anywhere=False)

    def fetch(self, url: str, stop: threading.Event | None = None) -> bytes:
        """A file by its address, on whatever host. Credentials go along only to the vendor's own."""
        whole = self._read_url(url)
        if whole.is_relative_url:
            whole = self.url_of(url)
        self._check_safe(whole)
        return self._persist(Outgoing("GET", whole, {"Accept": "*/*"}), stop, reading=True, anywhere=True).content

    def url_of(self, where: str) -> httpx.URL:
        """Where a call goes: a path below ``base_url``, or the path and query of a whole link (``next_page``).

        A link's host is never followed: it can name a host the credentials are not meant for.
        """
        link = self._read_url(where)
        # An id that holds ".." must not turn one call into another; "mailto:" and the like are no addresses of calls.
        if {".", ".."} & set(link.path.split("/")) or (link.scheme and not link.host):
            raise Rejected(f"{self._dialect.name} gave an address that cannot be called; nothing was sent")
        if link.host:
            return self.base_url.copy_with(raw_path=link.raw_path)
        base = self.base_url.raw_path.rstrip(b"/")
        return self.base_url.copy_with(raw_path=base + b"/" + link.raw_path.lstrip(b"/"))

    def close(self) -> None:
        """Closes the connections."""
        self._wire.close()

    def _read_url(self, text: str) -> httpx.URL:
        try:
            return httpx.URL(text)
        except (httpx.InvalidURL, UnicodeError, ValueError):
            problem = f"{self._dialect.name} gave an address that cannot be read; nothing was sent"
        raise Rejected(problem)

    def _check_safe(self, url: httpx.URL) -> None:
        # This machine is called only for a vendor on this machine: a link must not reach what listens here.
        at_home = self.base_url.host in _LOOPBACK
        if (url.host in _LOOPBACK and not at_home) or (
            url.scheme != "https" and not (at_home and url.host in _LOOPBACK)
        ):
            raise Rejected(f"{self._dialect.name} gave an address that is not safe to call; nothing was sent")

    def _own(self, url: httpx.URL) -> bool:
        return (url.scheme, url.host, _port(url)) == (self.base_url.scheme, self.base_url.host, _port(self.base_url))

    def _persist(self, sending: Outgoing, stop: threading.Event | None, *, reading: bool, anywhere: bool) -> Answer:
        """Sends until there is an answer to go on with; only reads are sent again, within the patience."""
        waited, tries, redirects, renewed = 0.0, 0, 0, False
        while True:
            own = self._own(sending.url)
            outcome = self._once(sending, stop, reading=reading, own=own)
            if isinstance(outcome, Answer):
                moved = self._redirected(sending, outcome, anywhere=anywhere)
                if moved is not None and redirects < _MOST_REDIRECTS:
                    sending, redirects = moved, redirects + 1
                    continue
                if outcome.status == 401 and own and not renewed:
                    renewed = True
                    if self._auth.renew(stop):
                        continue
                error = self._verdict(outcome)
                if error is None:
                    return outcome
            else:
                error = outcome
            tries += 1
            wait = self._wait_for(error, tries, waited) if reading else None
            if wait is None:
                raise error
            waited += wait
            self._rest(wait, stop)

    def _once(self, sending: Outgoing, stop: threading.Event | None, *, reading: bool, own: bool) -> Answer | CareError:
        """One call: what came back, or the error that the missing answer is."""
        if own:
            self._hold_back(stop, urgent=not reading)
            signed = {**sending.headers, **self._auth.headers(stop)}
        else:
            signed = {"Accept": sending.headers.get("Accept", "*/*")}
        announce = _nothing if reading else self._announced
        started = time.perf_counter()
        self.calls += 1
        try:
            came = self._wire.exchange(Outgoing(sending.method, sending.url, signed, sending.body), stop, announce)
        except Broken as broken:
            self._tell(sending, broken.why, started, own=own)
            return unanswered(broken, self._dialect.name, reading=reading)
        self._tell(sending, f"{came.status}", started, came, own=own)
        if own:
            self._governor.feed(came.headers, self._clock(), refused=came.status in (429, 503))
        return Answer(came.status, came.headers, came.content, self._dialect.name, reading, came.encoding)

    def _announced(self) -> None:
        self.before_effect()

    def _verdict(self, answer: Answer) -> CareError | None:
        error = self._dialect.verdict(answer)
        if error is None and (answer.status < 300 or answer.status == 304):
            return None
        if error is None:
            words = scrub.told(self._words(answer), self._auth.values())
            return judged(answer, words, limits.retry_after(answer.headers, self._clock()))
        values = self._auth.values()
        safe = type(error)(
            scrub.told(error.message, values), help=error.help, retry_after=error.retry_after, code=error.code
        )
        return safe if isinstance(safe, CareError) else error

    def _words(self, answer: Answer) -> str:
        try:
            return self._dialect.words(answer)
        except Exception:  # a body that nobody foresaw must not hide what the status says
            return ""

    def _redirected(self, sending: Outgoing, answer: Answer, *, anywhere: bool) -> Outgoing | None:
        """Where a read goes on; ``None``: it does not. A write is never sent to an address that was not asked for."""
        if answer.status not in _MOVED or sending.method not in ("GET", "HEAD") or "location" not in answer.headers:
            return None
        try:
            target = sending.url.join(answer.headers["location"])
        except (httpx.InvalidURL, UnicodeError, ValueError):
            return None
        if not self._own(target):
            if not anywhere:
                return None
            self._check_safe(target)
        return Outgoing(sending.method, target, sending.headers)

    def _wait_for(self, error: CareError, tries: int, waited: float) -> float | None:
        """Seconds until a read is tried again, ``None``: it is not."""
        if not isinstance(error, Retryable) or isinstance(error, Stopped) or tries >= self._patience.attempts:
            return None
        window = min(self._patience.longest, self._patience.first * 2.0 ** (tries - 1))
        wait = window * self._chance() if error.retry_after is None else float(error.retry_after)
        return wait if waited + wait <= self._patience.budget else None

    def _hold_back(self, stop: threading.Event | None, *, urgent: bool) -> None:
        pause = self._governor.pause(self._clock(), urgent=urgent)
        if pause > self._patience.longest:
            words = f"{self._dialect.name} allows no more calls for {math.ceil(pause)} s; nothing was sent"
            raise Throttled(words, retry_after=math.ceil(pause))
        self._rest(pause, stop)

    def _rest(self, seconds: float, stop: threading.Event | None) -> None:
        if seconds > 0 and (stop or threading.Event()).wait(seconds):
            raise Stopped(f"{self._dialect.name} was not waited for")

    def _tell(
        self, sending: Outgoing, outcome: str, started: float, came: Answered | None = None, *, own: bool
    ) -> None:
        if self.trace is not None:
            where = scrub.address(sending.url, self._auth.values(), own=own)
            size = f" {len(came.content)} B" if came else ""
            self.trace(f"{sending.method} {where} {outcome} {(time.perf_counter() - started) * 1000:.0f} ms{size}")


def checked_base(text: str, vendor: str) -> httpx.URL:
    """The address of an account; raises ``BadSetup``. Without encryption only this machine can be called."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise BadSetup(f"the address of {vendor} is none", help="It looks like https://example.com.")
    if url.userinfo or url.query or url.fragment:
        raise BadSetup(f"the address of {vendor} holds more than host and path", help="Keep https://host/path of it.")
    if url.scheme == "http" and url.host not in _LOOPBACK:
        raise BadSetup(f"the address of {vendor} has no encryption", help="Write https:// instead of http://.")
    return url


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


def _nothing() -> None:
    """The write is nobody's to announce."""
