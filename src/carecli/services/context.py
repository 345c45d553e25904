"""What every service works with: the store, the settings, who acts, and the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carecli.config.paths import Paths
from carecli.config.settings import Settings
from carecli.domain import ids
from carecli.domain.errors import NotFoundError
from carecli.store import accounts, people, windows
from carecli.store.engine import Store

if TYPE_CHECKING:
    from carecli.connectors.spi.capabilities import Capabilities
    from carecli.connectors.spi.manifest import Manifest


def clock_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Context:
    """One face's view of the workspace. ``origin`` is console, cli, macro, hook or rule."""

    store: Store
    settings: Settings
    paths: Paths
    actor: str
    origin: str
    now: Callable[[], int] = clock_ms

    def new_id(self) -> str:
        """A fresh ULID."""
        return ids.ulid(self.now(), os.urandom(10))

    def find(self, ref: str, account: str | None = None) -> int:
        """Key of the ticket a reference names. Raises ``NotFoundError`` and ``UsageError``."""
        named, number = ids.split_ref(ref)
        return windows.find_ticket(self.store.connection, named or account, number)

    def manifest(self, account: str) -> Manifest:
        """The card of an account's connector. Raises ``NotFoundError`` for an account that is not configured."""
        found = self.settings.accounts.get(account)
        if found is None:
            raise NotFoundError(
                f"the account '{account}' is not configured any more; its tickets can only be read",
                code="ACCOUNT_NOT_CONFIGURED",
                help=f"carecli account add {account} --connector KIND brings it back.",
            )
        # Plugin discovery is slow, and the first frame needs no manifest.
        from carecli.connectors import registry

        return registry.load(found.connector)

    def capabilities(self, account: str) -> Capabilities:
        """What an account's connector can do."""
        return self.manifest(account).capabilities

    def own_addresses(self, account: str) -> frozenset[str]:
        """Our own addresses of an account, lower case."""
        found = self.settings.accounts.get(account)
        if found is None:
            return frozenset()
        aliases = found.options.get("aliases") or ()
        address = found.options.get("address")
        extra = aliases if isinstance(aliases, tuple | list) else ()
        return frozenset(str(a).lower() for a in (address, *extra) if a)

    def address(self, account: str) -> str | None:
        """The address what we send comes from."""
        found = self.settings.accounts.get(account)
        value = found.options.get("address") if found else None
        return str(value) if value else self.settings.agent_email

    def account_key(self, account: str) -> int:
        """Key of an account in the store; configured ones are made known when they are first used."""
        found = self.settings.accounts.get(account)
        if found is None:
            return accounts.key(self.store.connection, account)
        with self.store.write() as connection:
            base_url = found.options.get("base_url")
            return accounts.ensure(
                connection, account, found.connector, str(base_url) if base_url else None, self.now()
            )

    def me(self, account_id: int) -> int:
        """Key of the acting agent in an account, made when the vendor did not name one."""
        with self.store.write() as connection:
            known = people.me(connection, account_id)
            if known is not None:
                return known
            return people.agent(connection, account_id, "local:me", self.actor, self.settings.agent_email, me=True)


def require_account(settings: Settings, name: str) -> None:
    """Raises ``NotFoundError`` when an account is not configured, with what to do."""
    if name not in settings.accounts:
        known = ", ".join(settings.accounts) or "none yet"
        raise NotFoundError(
            f"there is no account '{name}' (configured: {known})",
            code="ACCOUNT_NOT_FOUND",
            help="carecli account add NAME --connector KIND",
        )
