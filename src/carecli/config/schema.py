"""Every setting, declared once: name, type, default and one line for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Value = str | int | bool | tuple[str, ...] | None
"""What a setting can hold; lists become tuples, ``None`` is "not set"."""


class OptionSpec(Protocol):
    """What the configuration needs to know about an option; connectors' option declarations fit without an import.

    ``type`` is one of str, int, bool, list, path, choice.
    """

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def default(self) -> Value: ...
    @property
    def required(self) -> bool: ...
    @property
    def choices(self) -> tuple[str, ...]: ...
    @property
    def doc(self) -> str: ...


class SecretSpec(Protocol):
    """What the configuration needs to know about a credential field."""

    @property
    def name(self) -> str: ...
    @property
    def doc(self) -> str: ...
    @property
    def required(self) -> bool: ...


class ConnectorSpec(Protocol):
    """What the configuration needs to know about a connector kind; manifests fit without an import."""

    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def options(self) -> Sequence[OptionSpec]: ...
    @property
    def secrets(self) -> Sequence[SecretSpec]: ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of ours. ``name`` is ``section.key``, of an account the key alone; ``minimum`` bounds integers."""

    name: str
    doc: str
    type: str = "str"
    default: Value = None
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None


SECTIONS: tuple[tuple[str, str], ...] = (
    ("agent", "Who you are: colleagues and customers see this."),
    ("console", "How the console looks and behaves."),
    ("sync", "How often accounts are synchronised."),
)
"""Section names with their line of documentation, in the order of the example file."""

SETTINGS: tuple[Setting, ...] = (
    Setting("agent.name", "Your name as customers read it"),
    Setting("agent.email", "Your own e-mail address"),
    Setting("console.theme", "Colour theme; the palette lists them all", default="dark"),
    Setting("console.mark_read_on_open", "Opening a ticket marks it read", type="bool", default=False),
    Setting("console.undo_seconds", "Seconds a send waits, to be undone", type="int", default=10, minimum=0),
    Setting("sync.interval_seconds", "Seconds between two synchronisations", type="int", default=60, minimum=1),
    Setting(
        "sync.stale_after_seconds",
        "Seconds without a synchronisation after which an account counts as stale",
        type="int",
        default=900,
        minimum=1,
    ),
)

ACCOUNT_SETTINGS: tuple[Setting, ...] = (
    Setting("connector", "Kind of the connection; 'carecli connector list' shows them", required=True),
    Setting("undo_seconds", "Seconds a send from this account waits, to be undone", type="int", minimum=0),
)
"""What every account section can hold, whatever its connector."""

_SECRET_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "api_key",
    "apikey",
    "private_key",
    "credential",
)


def looks_secret(name: str) -> bool:
    """Whether a key is named like a credential, which never is a configuration value."""
    name = name.lower().replace("-", "_")
    return any(
        name == word or name.endswith("_" + word) for word in (*_SECRET_WORDS, *(w + "s" for w in _SECRET_WORDS))
    )
