"""One request over the network, made beside its caller: announced before it leaves, left behind when told to stop."""

from __future__ import annotations

import logging
import queue
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Literal

import httpx

_POLL = 0.1  # seconds between looks at the stop event
_GATE = "http11.send_request_headers.started"  # the line (and TLS) stands; nothing of the request has left

Trouble = Literal["line", "stopped", "setup", "size"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for each step of a request and for all of it, and the most bytes of an answer."""

    connect: float = 10.0
    silence: float = 30.0
    whole: float = 300.0
    most_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request; ``body`` is what httpx takes: ``json``, ``data``, ``files`` or ``content``."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, whole: header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    encoding: str = "utf-8"


class Broken(Exception):
    """No answer came. ``sent``: the vendor may have seen the request. Its text is for people and free of secrets."""

    def __init__(self, why: str, trouble: Trouble = "line", *, sent: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.trouble = trouble
        self.sent = sent


class _NotSent(Exception):
    """The gate stayed shut."""


class _Call:
    """One request in a thread of its own. Only the caller opens the gate, so only the caller knows that it was sent."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._news: queue.SimpleQueue[Literal["ready"] | Answered | Broken] = queue.SimpleQueue()
        self._go: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._left = threading.Event()
        self._sent = False

    def gate(self, event: str, info: Mapping[str, Any]) -> None:
        """Waits for the caller before the first byte; httpx calls this. A tunnel through a proxy is no request yet."""
        if event == _GATE and info["request"].method != b"CONNECT":
            self._news.put("ready")
            if not self._go.get():
                raise _NotSent

    def run(self, client: httpx.Client, request: httpx.Request) -> None:
        """Makes the request and tells the caller; a client that was left behind is closed here."""
        outcome: Answered | Broken
        try:
            outcome = self._answer(client, request)
        except _NotSent:
            outcome = Broken("was not sent")
        except Exception as error:
            outcome = _broken(error)
        self._news.put(outcome)
        if self._left.is_set():
            client.close()

    def _answer(self, client: httpx.Client, request: httpx.Request) -> Answered | Broken:
        response = client.send(request, stream=True, follow_redirects=False)
        try:
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > self._most:
                    return Broken(f"answered with more than {self._most // 1024} KiB", "size")
        finally:
            response.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answered(response.status_code, headers, bytes(content), response.charset_encoding or "utf-8")

    def wait(self, stop: threading.Event | None, announce: Callable[[], None], seconds: float) -> Answered:
        """The answer; raises ``Broken``, or what ``announce`` raised (then nothing was sent)."""
        try:
            return self._wait(stop, announce, time.monotonic() + seconds)
        except BaseException:
            self._go.put(False)
            raise

    def _wait(self, stop: threading.Event | None, announce: Callable[[], None], end: float) -> Answered:
        while True:
            stopped = stop is not None and stop.is_set()
            if stopped or time.monotonic() > end:
                self._left.set()
                if stopped:
                    raise Broken("was not waited for", "stopped", sent=self._sent)
                raise Broken("took too long", sent=self._sent)
            try:
                news = self._news.get(timeout=_POLL)
            except queue.Empty:
                continue
            if isinstance(news, Answered):
                return news
            if isinstance(news, Broken):
                raise Broken(news.why, news.trouble, sent=self._sent)
            if not (stop is not None and stop.is_set()):
                announce()
                self._sent = True
                self._go.put(True)

    @property
    def left(self) -> bool:
        """Whether the thread still uses the client."""
        return self._left.is_set()


class Wire:
    """The connections of one account: HTTP/1.1, kept alive, through the proxies that the environment names."""

    def __init__(self, *, agent: str, ca_file: str | None = None, limits: Limits | None = None) -> None:
        self._agent = agent
        self._ca_file = ca_file
        self._limits = limits or Limits()
        self._client: httpx.Client | None = None

    def exchange(
        self, sending: Outgoing, stop: threading.Event | None = None, announce: Callable[[], None] = lambda: None
    ) -> Answered:
        """Sends one request, right after ``announce`` was called here, and returns any answer; raises ``Broken``."""
        call = _Call(self._limits.most_bytes)
        client = self._opened()
        request = self._built(client, sending, call)
        # A daemon, because a look-up of a name that hangs must not keep the program from ending.
        thread = threading.Thread(target=call.run, args=(client, request), name="carecli-http", daemon=True)
        thread.start()
        try:
            return call.wait(stop, announce, self._limits.whole)
        finally:
            if call.left:
                self._client = None
                if not thread.is_alive():
                    client.close()

    def _built(self, client: httpx.Client, sending: Outgoing, call: _Call) -> httpx.Request:
        try:
            return client.build_request(
                sending.method,
                sending.url,
                headers=dict(sending.headers),
                extensions={"trace": call.gate},
                **sending.body,
            )
        except (UnicodeError, ValueError, TypeError, httpx.InvalidURL):
            problem = "cannot be put into a request"  # the error's own words could hold what did not fit
        raise Broken(problem, "setup")

    def _opened(self) -> httpx.Client:
        if self._client is None:
            # Their logs hold whole addresses and headers; ``HttpClient.trace`` is the log that is safe to read.
            for name in ("httpx", "httpcore"):
                logging.getLogger(name).setLevel(logging.WARNING)
            limits = self._limits
            try:
                self._client = httpx.Client(
                    verify=self._verified(),
                    timeout=httpx.Timeout(limits.silence, connect=limits.connect),
                    headers={"User-Agent": self._agent},
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # a session would outlive the sign-in
                )
            except (ImportError, ValueError, httpx.InvalidURL):
                problem = "cannot use the proxy that the environment names"
            except OSError as error:  # also ssl.SSLError
                problem = f"cannot use the CA file {self._ca_file}: {error.strerror or 'it holds no certificate'}"
            else:
                return self._client
            raise Broken(problem, "setup")
        return self._client

    def _verified(self) -> ssl.SSLContext:
        context = httpx.create_ssl_context()
        if self._ca_file:
            context.load_verify_locations(cafile=self._ca_file)
        return context

    def close(self) -> None:
        """Closes all connections; the next request opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _broken(error: Exception) -> Broken:
    """A failure in our own words: those of httpx can quote addresses and headers."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Broken(f"shows a certificate that is not trusted ({cause.verify_message})", "setup")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Broken("has an address that cannot be used", "setup")
    if isinstance(error, httpx.ProxyError):
        return Broken("cannot be reached through the proxy")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Broken("cannot be reached")
    if isinstance(error, httpx.TimeoutException):
        return Broken("kept silent")
    if isinstance(error, httpx.DecodingError):
        return Broken("answered in an encoding that makes no sense")
    return Broken("broke the connection off")
