"""A connector's card: what it is called, what it needs, what it can do, and where its code is. Imports no network code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carecli.connectors.spi.capabilities import Capabilities
from carecli.connectors.spi.options import Option, Secret

Evidence = Literal["live server", "vendor OpenAPI", "recorded", "documentation only"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Card of one connector kind.

    ``connector`` is ``module:Class``, imported only when an account of this kind is used. ``streams`` are the names of
    what ``pull`` can be asked for, in the order to pull them. ``tested_against`` are (what, evidence) pairs.
    """

    kind: str
    title: str
    summary: str
    connector: str
    streams: tuple[str, ...]
    capabilities: Capabilities
    options: tuple[Option, ...] = ()
    secrets: tuple[Secret, ...] = ()
    auth: tuple[str, ...] = ()
    tested_against: tuple[tuple[str, Evidence], ...] = ()

    @property
    def ticket_streams(self) -> tuple[str, ...]:
        """The streams that tell of tickets; ``articles`` is the name of the one that tells of knowledge."""
        return tuple(stream for stream in self.streams if stream != "articles")

    @property
    def experimental(self) -> bool:
        """Whether nothing but documentation stands behind this connector."""
        return all(evidence == "documentation only" for _, evidence in self.tested_against)
