"""What a connector can do, readable without connecting; front ends and the outbox ask before they act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StatusWrite = Literal["direct", "transition", "local", "none"]
Verification = Literal["mark", "read_back", "none"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capability record of a connector (class level).

    ``local`` writes are kept in the local store only, because the vendor has no such field. ``verification`` says how
    an ambiguous write is looked up: by its own mark, by reading back, or not at all (then a person decides).
    ``lag_seconds`` is how far a pull re-reads behind its cursor. ``max_chars`` and ``reply_window_seconds`` are by
    channel. ``tombstones``: deletions at the vendor are told. Everything not listed is a "no".
    """

    reply: bool = False
    note: Literal["remote", "local", "none"] = "none"
    create: bool = False
    forward: bool = False
    attachments: bool = False
    status_write: StatusWrite = "none"
    priority_write: Literal["direct", "local", "none"] = "none"
    assign_write: Literal["direct", "local", "none"] = "none"
    tag_write: Literal["direct", "local", "none"] = "none"
    snooze_native: bool = False
    merge: Literal["direct", "local", "none"] = "none"
    split: bool = False
    redact: bool = False
    presence: bool = False
    native_sla: bool = False
    knowledge: bool = False
    live_events: bool = False
    preconditions: bool = False
    tombstones: bool = False
    verification: Verification = "none"
    lag_seconds: int = 0
    max_attachment_bytes: int | None = None
    max_chars: Mapping[str, int] = field(default_factory=dict)
    reply_window_seconds: Mapping[str, int] = field(default_factory=dict)
    required_on_solve: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """The capabilities this connector has, as stable words for JSON and people, sorted."""
        words: list[str] = []
        for name in self.__slots__:
            value = getattr(self, name)
            if value is True:
                words.append(name)
            elif isinstance(value, str) and value != "none":
                words.append(f"{name}:{value}")
        return tuple(sorted(words))
