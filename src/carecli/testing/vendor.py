"""A scripted vendor: an HTTP server on loopback, stateful, that records every request and misbehaves when told to."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

_GARBAGE = b'{"ok": tru\xff\x00\x1b[2J<html>'
_LONGEST = 60.0  # seconds that a silent answer is kept back at most


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: header names in lower case, ``query`` with the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def writes(self) -> bool:
        """Whether it changes something, by its method."""
        return self.method not in ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor says; a ``body`` that is not bytes is sent as JSON."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        """The body as bytes and its media type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        return (b"" if self.body is None else json.dumps(self.body).encode()), "application/json"


@dataclass(slots=True)
class Trouble:
    """One scripted fault: which requests meet it (``only``) and how often (``times``, ``None``: until ``heal``).

    ``answer`` is said instead of the right one. ``act``: the vendor does what was asked all the same. ``cut``: the
    connection ends instead of an answer. ``seconds``: it waits so long first.
    """

    answer: Answer | None = None
    act: bool = False
    cut: bool = False
    seconds: float = 0.0
    times: int | None = None
    only: Callable[[Request], bool] = lambda _: True

    @classmethod
    def refuse(cls, words: str = "token expired", **more: Any) -> Trouble:
        """401: the sign-in is not good (any more)."""
        return cls(Answer({"error": words}, 401), **more)

    @classmethod
    def throttle(cls, retry_after: int, **more: Any) -> Trouble:
        """429 with Retry-After in seconds."""
        return cls(Answer({"error": "slow down"}, 429, {"Retry-After": str(retry_after)}), **more)

    @classmethod
    def error(cls, status: int = 503, words: str = "out of order", **more: Any) -> Trouble:
        """Any other status with words: 5xx for a vendor that is down, 4xx for one that refuses."""
        return cls(Answer({"error": words}, status), **more)

    @classmethod
    def lose(cls, **more: Any) -> Trouble:
        """The vendor acts, and the connection ends before its answer."""
        return cls(act=True, cut=True, **more)

    @classmethod
    def drop(cls, **more: Any) -> Trouble:
        """The connection ends and nothing happened."""
        return cls(cut=True, **more)

    @classmethod
    def silent(cls, **more: Any) -> Trouble:
        """The vendor takes the request and never answers."""
        return cls(cut=True, seconds=_LONGEST, **more)

    @classmethod
    def slow(cls, seconds: float, **more: Any) -> Trouble:
        """The right answer, late."""
        return cls(act=True, seconds=seconds, **more)

    @classmethod
    def garbage(cls, body: bytes = _GARBAGE, **more: Any) -> Trouble:
        """200 with a body that makes no sense."""
        return cls(Answer(body), **more)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, vendor: ScriptedVendor) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.vendor = vendor
        self.open: set[socket.socket] = set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; what a route raised was recorded and answered with 500."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it)
        """Says nothing: ``ScriptedVendor.requests`` is the log."""

    def _serve(self) -> None:
        split = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=split.path,
            query=dict(parse_qsl(split.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        answer = self.server.vendor.take(request)
        if answer is None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        body, kind = answer.encoded()
        self.send_response(answer.status)
        for name, value in {"Content-Type": kind, **answer.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815  (the base class names them)


class ScriptedVendor:
    """Subclass it: keep state in attributes and add routes with ``on``; routes run one at a time.

    ``url`` is its address; ``requests`` holds every request that came, ``errors`` what routes raised (answered with
    500). With ``token`` set, a request without ``Authorization: Bearer`` and that token is answered with 401. Use it
    as a context manager, or call ``stop``.
    """

    def __init__(self) -> None:
        self.token: str | None = None
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = []
        self._troubles: list[Trouble] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="scripted-vendor", daemon=True
        )
        self._thread.start()

    def on(self, method: str, path: str, route: Callable[..., Answer]) -> None:
        """Answers a method and path with a function; ``{name}`` in the path is handed to it by name.

        Example: ``self.on("GET", "/tickets/{number}", self.ticket)`` calls ``self.ticket(request, number="7")``.
        """
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        self._routes.append((method, re.compile(pattern), route))

    def script(self, trouble: Trouble) -> None:
        """Adds a fault; the oldest that fits a request is the one it meets."""
        with self._lock:
            self._troubles.append(trouble)

    def heal(self) -> None:
        """Ends all faults."""
        with self._lock:
            self._troubles.clear()

    def take(self, request: Request) -> Answer | None:
        """What a request is answered with; ``None``: nothing, the connection ends. The server's threads call this."""
        with self._lock:
            self.requests.append(request)
            trouble = self._meets(request)
        if trouble is not None and trouble.seconds:
            self._ended.wait(trouble.seconds)
        if trouble is None or trouble.act:
            with self._lock:
                answer = self._answer(request)
            if trouble is None or not (trouble.cut or trouble.answer):
                return answer
        return None if trouble.cut else trouble.answer

    def _meets(self, request: Request) -> Trouble | None:
        for trouble in self._troubles:
            if trouble.only(request):
                if trouble.times is not None:
                    trouble.times -= 1
                    if trouble.times <= 0:
                        self._troubles.remove(trouble)
                return trouble
        return None

    def _answer(self, request: Request) -> Answer:
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer({"error": "not signed in"}, 401)
        for method, pattern, route in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                try:
                    return route(request, **match.groupdict())
                except Exception as error:  # a route's mistake is the test's to see, not the connector's to meet
                    self.errors.append(error)
                    return Answer({"error": repr(error)}, 500)
        return Answer({"error": f"there is no {request.method} {request.path}"}, 404)

    def stop(self) -> None:
        """Ends the server and every connection."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
