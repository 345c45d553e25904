"""OAuth tokens of an account and the vendor's token endpoint that gives them out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from carecli.connectors.http import limits, scrub
from carecli.connectors.http.client import AGENT, checked_base
from carecli.connectors.http.verdicts import SIGN_IN_HELP, Answer, judged, plain_words, unanswered
from carecli.connectors.http.wire import Broken, Limits, Outgoing, Wire
from carecli.connectors.spi.errors import AuthNeeded, BadSetup, Retryable
from carecli.connectors.spi.protocols import Secrets
from carecli.domain.errors import CareError

EARLY = 60.0
"""Seconds before its end at which a token is renewed; of a short-lived one a tenth of its life."""


_LIMITS = Limits(silence=15.0, whole=20.0, most_bytes=1024 * 1024)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a vendor gave out. ``stale_at`` (Unix seconds) is when to renew the access token, 0: never."""

    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    stale_at: float = 0.0

    def fresh(self, now: float) -> bool:
        """Whether the access token can be used."""
        return bool(self.access) and (self.stale_at == 0.0 or now < self.stale_at)

    def packed(self) -> str:
        """The tokens as one secret, so that they are kept and replaced together."""
        return json.dumps({"access": self.access, "refresh": self.refresh, "stale_at": self.stale_at})

    @classmethod
    def unpacked(cls, secret: str) -> Tokens:
        """From a kept secret; one that was not made by ``packed`` is a refresh token."""
        try:
            kept = json.loads(secret)
            return cls(str(kept["access"]), str(kept["refresh"]), float(kept["stale_at"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls(refresh=secret.strip())


@dataclass(frozen=True, slots=True)
class Application:
    """carecli as the vendor knows it. ``client_secret`` names the secret field that holds it, if there is one.

    ``method`` is how the application shows who it is (RFC 6749, section 2.3); ``more`` goes along when a person signs in.
    """

    client_id: str
    token_url: str
    authorize_url: str = ""
    device_url: str = ""
    scope: str = ""
    client_secret: str = ""
    method: Literal["none", "client_secret_basic", "client_secret_post"] = "none"
    more: Mapping[str, str] = field(default_factory=dict)


class GrantRefused(AuthNeeded):
    """The token endpoint refused; ``reason`` is its code (RFC 6749, section 5.2)."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, help=SIGN_IN_HELP)
        self.reason = reason


class TokenEndpoint:
    """Asks a vendor for tokens. ``trace`` gets a line for every call, without its content."""

    def __init__(
        self,
        vendor: str,
        application: Application,
        secrets: Secrets,
        *,
        ca_file: str | None = None,
        trace: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.vendor = vendor
        self.application = application
        self.clock = clock
        self._secrets = secrets
        self._ca_file = ca_file
        self._trace = trace

    def __repr__(self) -> str:
        return f"TokenEndpoint({self.vendor!r})"

    def tokens(self, grant: str, stop: threading.Event | None, **fields: str) -> Tokens:
        """Tokens for a grant; raises ``GrantRefused`` when the vendor says no."""
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        asked = self.clock()
        said = self.ask(
            self.application.token_url, prepare_token_request(grant, **fields), stop, tuple(fields.values())
        )
        access = said.get("access_token")
        if not isinstance(access, str) or not access:
            raise Retryable(f"{self.vendor} gave no access token")
        refresh = said.get("refresh_token")
        return Tokens(
            access=access,
            # A vendor that does not rotate says nothing of the refresh token: the old one stays good.
            refresh=refresh if isinstance(refresh, str) and refresh else fields.get("refresh_token", ""),
            stale_at=_stale_at(said.get("expires_in"), asked),
        )

    def ask(self, url: str, body: str, stop: threading.Event | None, hidden: tuple[str, ...]) -> dict[str, Any]:
        """Posts a form to an endpoint of the vendor and returns its JSON; ``hidden`` values are never told."""
        from authlib.oauth2.auth import ClientAuth

        target = checked_base(url, f"{self.vendor}'s sign-in")
        app = self.application
        secret = self._secrets.get(app.client_secret) if app.client_secret else ""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            signer = ClientAuth(app.client_id, secret, app.method)
            _, headers, body = signer.prepare("POST", url, headers, body)
        except UnicodeError:
            body = ""
        if not body:
            raise BadSetup(f"the client secret for {self.vendor} holds characters that no such secret has")
        values = (*hidden, secret, f"{app.client_id}:{secret}") if secret else hidden
        answer = self._posted(target, headers, body, stop)
        if answer.status >= 300:
            raise self._refusal(answer, values)
        said = answer.json()
        if not isinstance(said, dict):
            raise Retryable(f"{answer.vendor} answered with something that makes no sense")
        if "error" in said and "access_token" not in said:  # some vendors refuse with 200
            raise self._refusal(answer, values)
        return said

    def _posted(self, url: httpx.URL, headers: Mapping[str, str], body: str, stop: threading.Event | None) -> Answer:
        sending = Outgoing("POST", url, headers, {"content": body.encode()})
        wire = Wire(agent=AGENT, ca_file=self._ca_file, limits=_LIMITS)  # one for each call: there are few
        try:
            came = wire.exchange(sending, stop)
        except Broken as broken:
            self._tell(url, broken.why)
            # Tokens can be asked for again: nothing of a ticket depends on the answer that was lost.
            error = unanswered(broken, f"{self.vendor}'s sign-in", reading=True)
        else:
            self._tell(url, f"{came.status}")
            return Answer(came.status, came.headers, came.content, f"{self.vendor}'s sign-in", True, came.encoding)
        finally:
            wire.close()
        raise error

    def _tell(self, url: httpx.URL, outcome: str) -> None:
        if self._trace is not None:
            self._trace(f"POST {scrub.address(url, (), own=False)} {outcome}")

    def _refusal(self, answer: Answer, values: tuple[str, ...]) -> CareError:
        words = scrub.told(plain_words(answer), values)
        try:
            reason = str(json.loads(answer.content)["error"])
        except (ValueError, TypeError, KeyError, RecursionError):
            reason = ""
        if answer.status == 429 or answer.status >= 500:
            return judged(answer, words, limits.retry_after(answer.headers, self.clock()))
        if reason in ("temporarily_unavailable", "server_error"):
            return Retryable(f"{answer.vendor} says: {words}")
        return GrantRefused(f"{answer.vendor} says: {words or answer.status}", reason)

    def client_secret(self) -> tuple[str, ...]:
        """The client secret, where there is one, to keep it out of what is shown."""
        return (self._secrets.get(self.application.client_secret),) if self.application.client_secret else ()


def _stale_at(life: object, asked: float) -> float:
    try:
        seconds = float(life)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0  # the vendor does not say; a 401 will
    if not 0 < seconds < 10**9:
        return 0.0
    return asked + seconds - min(EARLY, seconds / 10)
