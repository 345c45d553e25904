"""Search for people: hits with the ticket to open."""

from __future__ import annotations

from carecli.services import reads
from carecli.services.context import Context
from carecli.services.models import Hit


class Search:
    """Full text over tickets, messages, customers and articles."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def find(self, query: str, limit: int = 50) -> list[Hit]:
        """Hits of a query, newest first. Raises ``QueryError``."""
        rows = reads.hits(self._context.store.connection, query, limit, self._context.now())
        return [Hit(*row) for row in rows]
