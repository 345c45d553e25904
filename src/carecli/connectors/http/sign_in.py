"""Signing a person in: in the browser, answered on a loopback address of this machine, or with a code on any device."""

from __future__ import annotations

import hmac
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from carecli.connectors.http.tokens import GrantRefused, TokenEndpoint, Tokens
from carecli.connectors.http.verdicts import SIGN_IN_HELP, Stopped
from carecli.connectors.spi.errors import AuthNeeded, BadSetup, Retryable
from carecli.domain.redact import clean_line

_POLL = 0.1  # seconds between looks at the stop event
_PATH = "/callback"
_DONE = "You can close this page and go back to carecli."
_SLOWER = 5.0  # seconds that "slow_down" adds (RFC 8628, section 3.5)
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class _Landing(ThreadingHTTPServer):
    """Waits for one answer with the right state; everything else that comes is turned away."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, state: str) -> None:
        super().__init__(("127.0.0.1", port), _Visit)
        self.state = state
        self.answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


class _Visit(BaseHTTPRequestHandler):
    timeout = 5
    server: _Landing

    def do_GET(self) -> None:
        """Takes the answer; a page with another state was not asked for by this sign-in."""
        split = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(split.query).items()}
        right = split.path == _PATH and hmac.compare_digest(query.get("state", "").encode(), self.server.state.encode())
        self._say(*((200, _DONE) if right else (404, "This is not the page.")))
        if right:
            self.server.answers.put(query)

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it)
        """Says nothing: the address holds the code."""


def in_browser(
    endpoint: TokenEndpoint,
    show: Callable[[str], None],
    stop: threading.Event | None = None,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    seconds: float = 300.0,
) -> Tokens:
    """Tokens after a person agreed in the browser (authorization code with PKCE, RFC 8252).

    ``show`` opens the address it gets, or shows it. ``port`` and ``host`` (``localhost`` for vendors that want it so)
    must be those that were registered with the vendor; 0 takes any free port.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    app = endpoint.application
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    try:
        landing = _Landing(port, state)
    except OSError:
        landing = None
    if landing is None:
        raise BadSetup(f"port {port} of this machine is in use", help="End what uses it, then sign in again.")
    redirect = f"http://{host}:{landing.server_address[1]}{_PATH}"
    thread = threading.Thread(target=landing.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        challenge = {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
        more = {**challenge, **app.more}
        show(prepare_grant_uri(app.authorize_url, app.client_id, "code", redirect, app.scope, state, **more))
        answer = _awaited(landing, stop, seconds, endpoint.vendor)
    finally:
        landing.shutdown()
        landing.server_close()
        thread.join(5)
    if "code" not in answer:
        words = clean_line(answer.get("error_description") or answer.get("error") or "no")[:300]
        raise AuthNeeded(f"{endpoint.vendor} says: {words}", help=SIGN_IN_HELP)
    return endpoint.tokens(
        "authorization_code", stop, code=answer["code"], redirect_uri=redirect, code_verifier=verifier
    )


def _awaited(landing: _Landing, stop: threading.Event | None, seconds: float, vendor: str) -> dict[str, str]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if stop is not None and stop.is_set():
            raise Stopped(f"{vendor}'s sign-in was not waited for")
        try:
            return landing.answers.get(timeout=_POLL)
        except queue.Empty:
            continue
    raise AuthNeeded(f"nobody signed in at {vendor} within {seconds:.0f} s", help=SIGN_IN_HELP)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person types in, and where; ``complete`` is an address that holds the code already, where given."""

    code: str
    address: str
    complete: str = ""
    seconds: float = field(default=0.0, compare=False)


def on_a_device(
    endpoint: TokenEndpoint, show: Callable[[DeviceCode], None], stop: threading.Event | None = None
) -> Tokens:
    """Tokens after a person typed a code in on any device (RFC 8628)."""
    app = endpoint.application
    form = {"scope": app.scope} if app.scope else {}
    said = endpoint.ask(app.device_url, urlencode(form), stop, ())
    try:
        device, interval, life = str(said["device_code"]), float(said.get("interval", 5)), float(said["expires_in"])
        address = str(said.get("verification_uri") or said["verification_url"])
        shown = DeviceCode(
            clean_line(str(said["user_code"])),
            clean_line(address),
            clean_line(str(said.get("verification_uri_complete", ""))),
            life,
        )
    except (KeyError, TypeError, ValueError):
        shown = None
    if shown is None:
        raise Retryable(f"{endpoint.vendor}'s sign-in answered with something that makes no sense")
    show(shown)
    end = time.monotonic() + life
    while time.monotonic() < end:
        if (stop or threading.Event()).wait(interval):
            raise Stopped(f"{endpoint.vendor}'s sign-in was not waited for")
        try:
            return endpoint.tokens(_DEVICE_GRANT, stop, device_code=device)
        except GrantRefused as refused:
            if refused.reason not in ("authorization_pending", "slow_down"):
                raise
            interval += _SLOWER if refused.reason == "slow_down" else 0.0
    raise AuthNeeded(f"nobody signed in at {endpoint.vendor} before the code ended", help=SIGN_IN_HELP)
