"""``carecli search``: full text over everything."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.cli import flags, quick

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help='Words, "phrases", prefix*, -not, key:value')],
    limit: Annotated[int, typer.Option(min=0, help="0 for all")] = 50,
) -> None:
    """Search tickets, messages, customers and articles, newest first."""
    quick.search(flags.current(), {"": query, "limit": str(limit)})
