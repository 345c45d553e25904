"""Shell completion of values: references, accounts, agents, tags, views; straight from the store."""

from __future__ import annotations

import os


def _values(column: str, incomplete: str) -> list[str]:
    from carecli.config.paths import find
    from carecli.services import reads

    try:
        connection = reads.open_reader(find(None, None, os.environ).store_file)
        return reads.complete(connection, column, incomplete) if connection else []
    except Exception:  # a completion that fails must not disturb the line being typed
        return []


def refs(incomplete: str) -> list[str]:
    """Ticket references."""
    return _values("ref", incomplete)


def accounts(incomplete: str) -> list[str]:
    """Account names."""
    return _values("account", incomplete)


def agents(incomplete: str) -> list[str]:
    """Who a ticket can be assigned to."""
    return [word for word in ("me", "none") if word.startswith(incomplete)] + _values("agent", incomplete)


def tags(incomplete: str) -> list[str]:
    """Tags in use."""
    return _values("tag", incomplete)


def views(incomplete: str) -> list[str]:
    """Names of views."""
    from carecli.services.views import BUILT_IN

    return [name for name, *_ in BUILT_IN if name.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    """Statuses."""
    from carecli.domain.ticket import TicketStatus

    return [status for status in TicketStatus if status.startswith(incomplete)]


def priorities(incomplete: str) -> list[str]:
    """Priorities."""
    from carecli.domain.ticket import Priority

    return [priority for priority in Priority if priority.startswith(incomplete)]


def kinds(incomplete: str) -> list[str]:
    """Connector kinds."""
    from carecli.connectors import registry

    return [kind for kind in registry.names() if kind.startswith(incomplete)]
