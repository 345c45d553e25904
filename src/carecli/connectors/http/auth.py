"""How a request is signed: bearer token, Basic, or a key in a header; the values come from the account's secrets."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from carecli.connectors.http.verdicts import SIGN_IN_HELP
from carecli.connectors.spi.errors import AuthNeeded
from carecli.connectors.spi.protocols import Secrets

_KEPT = 30.0  # seconds: reading a secret can mean a program that asks a password manager


class Auth(Protocol):
    """Signs requests to the vendor's own host."""

    def headers(self, stop: threading.Event | None) -> Mapping[str, str]:
        """The headers that sign a request; raises ``AuthNeeded`` when there is nothing to sign with."""
        ...

    def renew(self, stop: threading.Event | None) -> bool:
        """After a 401: whether there are other credentials now, so that one more try makes sense."""
        ...

    def values(self) -> Collection[str]:
        """Everything in use that must not be shown."""
        ...


class _Kept:
    """A secret for the length of a burst of calls."""

    def __init__(self, secrets: Secrets, name: str, clock: Callable[[], float]) -> None:
        self._secrets = secrets
        self._name = name
        self._clock = clock
        self._value = ""
        self._until = 0.0

    def get(self) -> str:
        """The value; read again when the last reading is too long ago."""
        if not self._value or self._clock() >= self._until:
            self._value = self._secrets.get(self._name)
            self._until = self._clock() + _KEPT
        return self._value

    def read_again(self) -> bool:
        """Whether the value has changed where it is kept."""
        before, self._value = self._value, ""
        return self.get() != before

    def in_use(self) -> tuple[str, ...]:
        """The value, if one was read."""
        return (self._value,) if self._value else ()


class ApiKey:
    """A secret in a header of its own, after a ``prefix``: ``Authorization: Bearer …``, ``x-api-key: …``."""

    def __init__(
        self,
        secrets: Secrets,
        secret: str,
        *,
        header: str,
        prefix: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = _Kept(secrets, secret, clock)
        self._header = header
        self._prefix = prefix

    def headers(self, stop: threading.Event | None) -> Mapping[str, str]:
        """One header."""
        return {self._header: fitting(self._prefix + self._kept.get())}

    def renew(self, stop: threading.Event | None) -> bool:
        """Whether somebody signed in again meanwhile."""
        return self._kept.read_again()

    def values(self) -> Collection[str]:
        """The key."""
        return self._kept.in_use()


def bearer(secrets: Secrets, secret: str = "token", *, scheme: str = "Bearer") -> ApiKey:  # noqa: S107  (a field's name)
    """A token that does not change; some vendors call the scheme otherwise (``token`` in Request Tracker)."""
    return ApiKey(secrets, secret, header="Authorization", prefix=f"{scheme} ")


class Basic:
    """User and password. ``as_user``: the secret is the user (Freshdesk: any password does)."""

    def __init__(
        self,
        secrets: Secrets,
        secret: str,
        *,
        user: str = "",
        as_user: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = _Kept(secrets, secret, clock)
        self._user = user
        self._as_user = as_user

    def headers(self, stop: threading.Event | None) -> Mapping[str, str]:
        """The Basic header, in UTF-8 (RFC 7617)."""
        return {"Authorization": f"Basic {self._encoded(self._kept.get())}"}

    def _encoded(self, secret: str) -> str:
        pair = f"{secret}:X" if self._as_user else f"{self._user}:{secret}"
        return base64.b64encode(pair.encode()).decode()

    def renew(self, stop: threading.Event | None) -> bool:
        """Whether somebody signed in again meanwhile."""
        return self._kept.read_again()

    def values(self) -> Collection[str]:
        """The password, and the pair as it is sent."""
        return [form for value in self._kept.in_use() for form in (value, self._encoded(value))]


class NoAuth:
    """For what is open to all."""

    def headers(self, stop: threading.Event | None) -> Mapping[str, str]:
        """None."""
        return {}

    def renew(self, stop: threading.Event | None) -> bool:
        """There is nothing to renew."""
        return False

    def values(self) -> Collection[str]:
        """None."""
        return ()


def fitting(value: str) -> str:
    """A header's value, if it is one; a line break or a letter beyond ASCII in a token is a mistake of copying."""
    if value.isascii() and value.isprintable():
        return value
    raise AuthNeeded("the credential holds characters that no token has; nothing was sent", help=SIGN_IN_HELP)
