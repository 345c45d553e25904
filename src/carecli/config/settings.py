"""The settings in force, each with the place it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from carecli.config.schema import Value


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value and its origin: ``flag``, ``environment CARECLI_X``, ``FILE:LINE`` or ``default``."""

    value: Value
    origin: str


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """Something in the configuration that has no effect. ``line`` is ``None`` for the environment."""

    message: str
    key: str
    line: int | None
    nearest: str | None


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account section. ``options`` holds every option the connector declares, defaults filled in.

    ``section`` holds the keys as written (the secret reader takes ``<field>_command`` from it), ``values`` every
    setting with its origin.
    """

    name: str
    connector: str
    options: Mapping[str, Value]
    undo_seconds: int
    section: Mapping[str, object]
    values: Mapping[str, Sourced]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force. ``values`` is by dotted name, accounts by their name in the order of the file."""

    values: Mapping[str, Sourced]
    accounts: Mapping[str, AccountSettings]
    warnings: tuple[ConfigWarning, ...]
    file: str
    file_exists: bool

    def __getitem__(self, name: str) -> Value:
        return self.values[name].value

    @property
    def agent_name(self) -> str | None:
        """Name of the person at the keyboard."""
        return cast("str | None", self["agent.name"])

    @property
    def agent_email(self) -> str | None:
        """E-mail address of the person at the keyboard."""
        return cast("str | None", self["agent.email"])

    @property
    def theme(self) -> str:
        """Name of the console's theme."""
        return cast("str", self["console.theme"])

    @property
    def mark_read_on_open(self) -> bool:
        """Whether opening a ticket marks it read."""
        return cast("bool", self["console.mark_read_on_open"])

    @property
    def undo_seconds(self) -> int:
        """Seconds the console holds a send."""
        return cast("int", self["console.undo_seconds"])

    @property
    def sync_interval_seconds(self) -> int:
        """Seconds between two synchronisations."""
        return cast("int", self["sync.interval_seconds"])

    @property
    def stale_after_seconds(self) -> int:
        """Seconds after which an account without a synchronisation counts as stale."""
        return cast("int", self["sync.stale_after_seconds"])

    def rows(self) -> tuple[tuple[str, Sourced], ...]:
        """Every setting as (dotted name, value with origin), for ``config show --origin``."""
        own = tuple(self.values.items())
        return own + tuple(
            (f"accounts.{account.name}.{key}", value)
            for account in self.accounts.values()
            for key, value in account.values.items()
        )
