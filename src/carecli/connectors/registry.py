"""Installed connectors, found through entry points: names import nothing, cards are loaded one by one."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from carecli.domain.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from carecli.connectors.spi.manifest import Manifest
    from carecli.connectors.spi.protocols import Connector

GROUP = "carecli.connectors"


BUILT_IN = {"demo": "carecli.connectors.demo.manifest", "imap": "carecli.connectors.imap.manifest"}
"""Our own kinds, so that a quick command need not read the metadata of every installed package."""


@cache
def _found() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # as slow as the rest of a quick command together

    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """Kinds of the installed connectors, sorted; imports none of them."""
    return tuple(sorted(_found()))


def load(kind: str) -> Manifest:
    """The card of one kind. Raises ``ConfigError`` when it is not installed or broken."""
    built_in = BUILT_IN.get(kind)
    if built_in is not None:
        return cast("Manifest", import_module(built_in).MANIFEST)
    point = _found().get(kind)
    if point is None:
        raise ConfigError(
            f"there is no connector '{kind}'",
            code="UNKNOWN_CONNECTOR",
            help=f"Installed: {', '.join(names())}. See 'carecli connector list'.",
        )
    try:
        manifest = point.load()
    except Exception as error:
        raise ConfigError(
            f"connector '{kind}' cannot be loaded: {error}",
            code="BROKEN_CONNECTOR",
            help="Reinstall the package that brings it.",
        ) from error
    return cast("Manifest", manifest)


def connector_class(manifest: Manifest) -> type[Connector]:
    """The class behind a card; this is what imports the network code."""
    module, _, name = manifest.connector.partition(":")
    return cast("type[Connector]", getattr(import_module(module), name))
