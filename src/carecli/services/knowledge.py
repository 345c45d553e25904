"""Knowledge: articles found for a ticket or a text."""

from __future__ import annotations

import re

from carecli.domain.errors import NotFoundError
from carecli.domain.knowledge import Article
from carecli.domain.query import parse
from carecli.services.context import Context
from carecli.store import articles, conversations, search
from carecli.store.search import Row

_WORD = re.compile(r"\w{4,}")
_LOOKED_AT = 40
_MOST_WORDS = 12
_WEAKEST = 0.4


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
        words = list(dict.fromkeys(_WORD.findall(f"{ticket.subject} {first[:400]}".lower())))[:_LOOKED_AT]
        telling = self._telling(words)
        if not telling:
            return []
        match = " OR ".join(f'"{word}"' for word in telling)
        rows = search.articles(self._connection, match, limit)
        # Far weaker than the best one is noise, and noise teaches people to look away.
        return self._pairs([row for row in rows if row[6] >= rows[0][6] * _WEAKEST])

    def _telling(self, words: list[str]) -> list[str]:
        """The rarest of some words among the articles; words that stand in a fifth of them tell nothing."""
        total = articles.count(self._connection)
        found = {word: search.article_frequency(self._connection, word) for word in words}
        known = [word for word in words if 0 < found[word] <= max(total // 5, 2)]
        return sorted(known, key=lambda word: found[word])[:_MOST_WORDS]

    def search(self, text: str, limit: int = 20) -> list[tuple[Article, str]]:
        """Articles that match a query, best first. Raises ``QueryError``."""
        match, _, _ = search.split(parse(text))
        return self._found(match, limit) if match else []

    def _found(self, match: str, limit: int) -> list[tuple[Article, str]]:
        return self._pairs(search.articles(self._connection, match, limit))

    def _pairs(self, rows: list[Row]) -> list[tuple[Article, str]]:
        pairs = []
        for row in rows:
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
