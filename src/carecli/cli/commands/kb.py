"""``carecli kb``: search and read knowledge articles."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.cli import complete, flags, workspace
from carecli.cli.output import emit_one, emit_values, instant
from carecli.domain.knowledge import Article

app = workspace.noun("Search and read knowledge articles.")
COLUMNS = ("id", "visibility", "title", "snippet")


def _article(article: Article, **more: object) -> dict[str, object]:
    body: dict[str, object] = {
        "id": str(article.id),
        "source": article.source,
        "title": article.title,
        "url": article.url,
        "language": article.language,
        "visibility": str(article.visibility),
        "updated_at": instant(article.updated_at),
        "verified": article.verified,
        "body_text": article.body_text,
    }
    return body | more


def _found(pairs: list[tuple[Article, str]]) -> list[dict[str, object]]:
    plain = [(article, " ".join(snippet.replace("\x02", "").replace("\x03", "").split())) for article, snippet in pairs]
    return [
        _article(article, score=round(1 / (1 + rank), 4), snippet=snippet)
        for rank, (article, snippet) in enumerate(plain)
    ]


@app.command()
def search(query: str, limit: Annotated[int, typer.Option(min=1)] = 20) -> None:
    """Search articles, best first."""
    with workspace.opened() as ws:
        emit_values(_found(ws.knowledge.search(query, limit)), flags.current(), COLUMNS)


@app.command()
def suggest(ref: Annotated[str, typer.Argument(metavar="REF", autocompletion=complete.refs)], limit: int = 5) -> None:
    """Suggest articles for a ticket."""
    with workspace.opened() as ws:
        ticket = ws.tickets.find(ref, flags.current().account)
        emit_values(_found(ws.knowledge.suggest(ticket, limit)), flags.current(), COLUMNS)


@app.command("list")
def list_(limit: Annotated[int, typer.Option(min=0, max=1_000_000_000, help="0 for all")] = 0) -> None:
    """List articles by title."""
    with workspace.opened() as ws:
        emit_values(
            [_article(article) for article in ws.knowledge.list(limit)], flags.current(), ("id", "visibility", "title")
        )


@app.command()
def show(article: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show an article."""
    key = workspace.local_key(article, "article", "See 'carecli kb list'.")
    with workspace.opened() as ws:
        found = ws.knowledge.get(key)
        emit_one(_article(found), flags.current(), f"{found.title}\n\n{found.body_text}")
