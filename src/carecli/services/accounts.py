"""Accounts: add, test, sign in, remove, and how they are doing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from carecli.config.load import check_account_name, parse_options
from carecli.connectors import registry
from carecli.connectors.spi.manifest import Manifest
from carecli.domain.errors import CareError, ConfigError, UsageError
from carecli.services.context import Context, require_account
from carecli.services.models import AccountHealth
from carecli.store import accounts

if TYPE_CHECKING:
    from carecli.config.secrets import SecretReader


class Accounts:
    """The configured accounts."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def require(self, name: str) -> None:
        """Raises ``NotFoundError`` when an account is not configured."""
        require_account(self._context.settings, name)

    def health(self) -> list[AccountHealth]:
        """Configured accounts in the order of the configuration; "stale" when the last good sync is too long ago."""
        known = {row[0]: row for row in accounts.health(self._context.store.connection)}
        limit = self._context.now() - self._context.settings.stale_after_seconds * 1000
        shown = []
        for name, section in self._context.settings.accounts.items():
            row = known.get(name)
            if row is None:
                shown.append(AccountHealth(name, section.connector, "never", None, None, 0, 0))
                continue
            _, connector, state, last, error, queued, needs = row
            if state == "ok" and (last or 0) < limit:
                state = "stale"
            shown.append(AccountHealth(name, connector, state, last, error, queued, needs))
        return shown

    def check(self, name: str, connector: str, options: Mapping[str, str]) -> None:
        """Validates a new account without adding it. Raises ``ConfigError`` and ``UsageError``."""
        if name in self._context.settings.accounts:
            raise UsageError(
                f"there is an account '{name}' already",
                code="ACCOUNT_EXISTS",
                help=f"Change it with 'carecli config edit', or remove it first: carecli account remove {name}",
            )
        check_account_name(name)
        parse_options(registry.load(connector).options, options)

    def add(self, name: str, connector: str, options: Mapping[str, str]) -> None:
        """Adds an account section to the configuration. Raises as ``check``."""
        from carecli.config import edit  # the console asks for health before its first frame

        self.check(name, connector, options)
        values = parse_options(registry.load(connector).options, options)
        given = {key: value for key, value in values.items() if key in options}
        edit.add_account(self._context.paths, name, connector, given)

    def remove(self, name: str) -> None:
        """Removes an account: its section, its secrets, and its tickets from the lists (history stays in the store)."""
        from carecli.config import edit

        with suppress(CareError):  # a secret that cannot be forgotten must not keep the account alive
            self.forget_secrets(name)
        edit.remove_account(self._context.paths, name)
        with self._context.store.write() as connection:
            key = accounts.ensure(
                connection, name, self._context.settings.accounts[name].connector, None, self._context.now()
            )
            accounts.remove(connection, key, self._context.now())

    def unfinished(self, name: str) -> int:
        """How many operations of an account have not reached the vendor."""
        return sum(h.queued + h.needs_person for h in self.health() if h.name == name)

    def _manifest(self, name: str) -> Manifest:
        return registry.load(self._context.settings.accounts[name].connector)

    def _secrets(self, name: str) -> SecretReader:
        from carecli.config.secrets import SecretReader

        section = self._context.settings.accounts[name].section
        return SecretReader(name, self._manifest(name).secrets, section, self._context.paths, os.environ)

    def secret_name(self, name: str) -> str:
        """The secret an account signs in with. Raises ``ConfigError`` NO_SECRET when its connector needs none."""
        secrets = self._manifest(name).secrets
        if not secrets:
            raise ConfigError(f"account '{name}' needs no secret", code="NO_SECRET", help="carecli account test NAME")
        wanted = "token" if self._context.settings.accounts[name].options.get("auth") == "xoauth2" else secrets[0].name
        return wanted if any(secret.name == wanted for secret in secrets) else secrets[0].name

    def missing_secret(self, name: str) -> bool:
        """Whether an account has no secret yet although its connector signs in with one."""
        if not self._manifest(name).secrets:
            return False
        return self._secrets(name).source(self.secret_name(name)) is None

    def probe(self, name: str) -> str:
        """Where a secret would be kept: keyring or file; asked before the secret is."""
        return self._secrets(name).probe()

    def variable(self, name: str, field: str | None) -> str:
        """The environment variable that gives a secret."""
        return f"CARECLI_SECRET_{name.upper().replace('-', '_')}_{(field or self.secret_name(name)).upper()}"

    def keep_secret(self, name: str, field: str, value: str, *, allow_file: bool) -> None:
        """Keeps a secret. Raises ``ConfigError``."""
        known = [secret.name for secret in self._manifest(name).secrets]
        if field not in known:
            raise UsageError(f"'{field}' is no secret of {name}", help=f"One of: {', '.join(known)}.")
        self._secrets(name).put(field, value, allow_file=allow_file)

    def forget_secrets(self, name: str) -> None:
        """Forgets the kept secrets of an account."""
        self._secrets(name).forget()
