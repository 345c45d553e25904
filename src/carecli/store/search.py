"""Full text search, newest first and bounded. Light on purpose: ``carecli search`` is on the start-up path."""

from __future__ import annotations

from carecli.domain.query import Node
from carecli.store.driver import Connection
from carecli.store.query_sql import condition, fts_quoted, fts_text

MARK_START, MARK_END = "\x02", "\x03"
"""Around a match in a snippet; clean text never contains them."""
Row = tuple[str, str | None, int, str, str, int, float, int | None]
"""(kind, ref, id, title, snippet, at, score, ticket key)."""


def split(tree: Node | None) -> tuple[str | None, Node | None, str]:
    """An FTS5 expression, the remaining ticket conditions, and the plain text of a query tree.

    Words joined by "and" go to the full text index; everything else stays a condition on the ticket.
    """
    if tree is None:
        return None, None, ""
    parts: tuple[Node, ...] = tree[1] if tree[0] == "and" else (tree,)  # type: ignore[assignment]
    words = [part for part in parts if part[0] in ("word", "phrase", "prefix")]
    alternatives = [part for part in parts if part[0] == "or" and _only_words(part)]
    rest = tuple(part for part in parts if part not in words and part not in alternatives)
    texts = [fts_text(part) for part in words]
    texts += ["(" + " OR ".join(fts_text(word) for word in part[1]) + ")" for part in alternatives]  # type: ignore[attr-defined]
    plain = " ".join(str(part[1]) for part in words)
    condition_tree: Node | None = None
    if rest:
        condition_tree = rest[0] if len(rest) == 1 else ("and", rest)
    return (" AND ".join(texts) or None), condition_tree, plain


def _only_words(node: Node) -> bool:
    return all(part[0] in ("word", "phrase", "prefix") for part in node[1])  # type: ignore[attr-defined]


def messages(connection: Connection, match: str, rest: Node | None, limit: int, now: int) -> list[Row]:
    """Messages newest first, one transaction of reads, with their ticket and a snippet."""
    where, values = condition(rest, now)
    # The keys are found first; snippets are made for the page alone, because they read the whole text.
    rows = connection.execute(
        "SELECT f.rowid FROM fts_message f"
        + ("" if rest is None else " JOIN message m ON m.id = f.rowid JOIN ticket t ON t.id = m.ticket_id")
        + f" WHERE fts_message MATCH ? AND {where} ORDER BY f.rowid DESC LIMIT ?",
        (match, *values, limit),
    ).fetchall()
    keys = [row[0] for row in rows]
    if not keys:
        return []
    marks = ",".join("?" * len(keys))
    return connection.execute(
        "SELECT 'message', a.name || ':' || t.number, m.id, t.subject,"
        f" snippet(fts_message, -1, '{MARK_START}', '{MARK_END}', '…', 16), m.sent_at, 0.0, t.id"
        " FROM fts_message f JOIN message m ON m.id = f.rowid JOIN ticket t ON t.id = m.ticket_id"
        f" JOIN account a ON a.id = t.account_id WHERE fts_message MATCH ? AND f.rowid IN ({marks})"
        " AND (t.hidden = 0 OR t.sync_state = 'tombstone') ORDER BY m.id DESC",
        (match, *keys),
    ).fetchall()


def tickets(connection: Connection, match: str | None, rest: Node | None, limit: int, now: int) -> list[Row]:
    """Tickets by subject or number (or by conditions alone), last changed first."""
    where, values = condition(rest, now)
    text = "t.id IN (SELECT rowid FROM fts_ticket WHERE fts_ticket MATCH ?)" if match else "1"
    return connection.execute(
        "SELECT 'ticket', a.name || ':' || t.number, t.id, t.subject, ifnull(c.name, ''), t.updated_at, 0.0, t.id"
        " FROM ticket t JOIN account a ON a.id = t.account_id LEFT JOIN customer c ON c.id = t.requester_id"
        f" WHERE t.hidden = 0 AND {text} AND {where} ORDER BY t.updated_at DESC LIMIT ?",
        (*((match,) if match else ()), *values, limit),
    ).fetchall()


def customers(connection: Connection, text: str, limit: int) -> list[Row]:
    """Customers whose name or contact points contain the text (three characters or more)."""
    if len(text.strip()) < 3:
        return []
    quoted = fts_quoted(text.strip())
    return connection.execute(
        "SELECT 'customer', NULL, c.id, ifnull(c.name, f.text), f.text, ifnull(c.last_contact_at, c.created_at), 0.0, NULL"
        " FROM fts_customer f JOIN customer c ON c.id = f.rowid WHERE fts_customer MATCH ? AND c.merged_into_id IS NULL"
        " ORDER BY c.last_contact_at DESC LIMIT ?",
        (quoted, limit),
    ).fetchall()


def articles(connection: Connection, match: str, limit: int) -> list[Row]:
    """Knowledge articles by relevance (there are few enough to rank all of them)."""
    return connection.execute(
        f"SELECT 'article', NULL, a.id, a.title, snippet(fts_article, 1, '{MARK_START}', '{MARK_END}', '…', 16),"
        " a.updated_at, -bm25(fts_article, 5.0, 1.0), NULL FROM fts_article f JOIN article a ON a.id = f.rowid"
        " WHERE fts_article MATCH ? AND a.hidden = 0 ORDER BY bm25(fts_article, 5.0, 1.0) LIMIT ?",
        (match, limit),
    ).fetchall()


def article_frequency(connection: Connection, word: str, cap: int = 1000) -> int:
    """How many articles have a word, at most ``cap``."""
    quoted = '"' + word.replace('"', '""') + '"'
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM fts_article WHERE fts_article MATCH ? LIMIT ?)", (quoted, cap)
    ).fetchone()
    return int(row[0])
