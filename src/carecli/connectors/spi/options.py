"""Options and secrets of a connector, declared once: config key, wizard field and command line flag come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

OptionType = Literal["str", "int", "bool", "list", "path", "choice"]
OptionValue = str | int | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of an account section; ``doc`` is one line for people."""

    name: str
    doc: str
    type: OptionType = "str"
    default: OptionValue = None
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Secret:
    """One credential field; its value never is a configuration value. ``name`` is lower case, for example ``password``."""

    name: str
    doc: str
    required: bool = True


Options = Mapping[str, OptionValue]
"""Validated options of one account: every declared option is present, defaults filled in."""
