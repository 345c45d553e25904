"""Knowledge articles: stored copies, and suggestions for a ticket."""

from __future__ import annotations

from carecli.domain.conversation import Visibility
from carecli.domain.knowledge import Article
from carecli.store.driver import Connection

_COLUMNS = "id, source, title, url, language, visibility, updated_at, verified, body_text"


def upsert(connection: Connection, row: tuple[object, ...]) -> bool:
    """Writes (account, external id, source, title, body, url, language, visibility, verified, updated_at)."""
    return (
        connection.execute(
            "INSERT INTO article (account_id, external_id, source, title, body_text, url, language, visibility, verified,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, external_id) DO UPDATE SET"
            " source = excluded.source, title = excluded.title, body_text = excluded.body_text, url = excluded.url,"
            " language = excluded.language, visibility = excluded.visibility, verified = excluded.verified,"
            " updated_at = excluded.updated_at WHERE article.title <> excluded.title"
            " OR article.body_text <> excluded.body_text OR article.visibility <> excluded.visibility"
            " OR article.verified <> excluded.verified OR article.updated_at <> excluded.updated_at",
            row,
        ).rowcount
        > 0
    )


def _article(row: tuple[object, ...]) -> Article:
    values = list(row)
    values[5] = Visibility(str(row[5]))
    values[7] = bool(row[7])
    return Article(*values)  # type: ignore[arg-type]


def get(connection: Connection, article_id: int) -> Article | None:
    """One article."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM article WHERE id = ?", (article_id,)).fetchone()
    return _article(row) if row else None


def every(connection: Connection, limit: int) -> list[Article]:
    """Articles by title."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM article WHERE hidden = 0 ORDER BY title LIMIT ?", (limit or -1,))
    return [_article(row) for row in rows]


def count(connection: Connection) -> int:
    """Number of articles."""
    return int(connection.execute("SELECT count(*) FROM article WHERE hidden = 0").fetchone()[0])
