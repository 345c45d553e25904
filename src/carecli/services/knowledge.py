"""Knowledge: articles found for a ticket or a text."""

from __future__ import annotations

import re

from carecli.domain.errors import NotFoundError
from carecli.domain.knowledge import Article
from carecli.domain.query import parse
from carecli.services.context import Context
from carecli.store import articles, conversations, search

_WORD = re.compile(r"\w{4,}")
_MOST_WORDS = 12


class Knowledge:
    """Reads and searches the synced articles."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection = context.store.connection

    def suggest(self, ticket_id: int, limit: int = 5) -> list[tuple[Article, str]]:
        """Articles that fit a ticket, best first, each with a snippet: any word of its subject and first message."""
        ticket = conversations.ticket(self._connection, ticket_id)
        if ticket is None:
            return []
        said = conversations.messages(self._connection, ticket_id)
        first = next((m.body_text[: m.quoted_from] for m in said if m.direction == "in"), "")
        words = list(dict.fromkeys(_WORD.findall(f"{ticket.subject} {first[:400]}".lower())))[:_MOST_WORDS]
        if not words:
            return []
        match = " OR ".join(f'"{word}"' for word in words)
        return self._found(match, limit)

    def search(self, text: str, limit: int = 20) -> list[tuple[Article, str]]:
        """Articles that match a query, best first. Raises ``QueryError``."""
        match, _, _ = search.split(parse(text))
        return self._found(match, limit) if match else []

    def _found(self, match: str, limit: int) -> list[tuple[Article, str]]:
        pairs = []
        for row in search.articles(self._connection, match, limit):
            article = articles.get(self._connection, row[2])
            if article is not None:
                pairs.append((article, row[4]))
        return pairs

    def get(self, article_id: int) -> Article:
        """One article. Raises ``NotFoundError``."""
        found = articles.get(self._connection, article_id)
        if found is None:
            raise NotFoundError(
                f"there is no article {article_id}", code="ARTICLE_NOT_FOUND", help="See 'carecli kb list'."
            )
        return found

    def list(self, limit: int) -> list[Article]:
        """Articles by title."""
        return articles.every(self._connection, limit)
