"""``carecli view``: the views and how many tickets they hold."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.cli import complete, flags, quick, workspace
from carecli.cli.output import emit_values

app = workspace.noun("List the views and how many tickets they hold.")


@app.command("list")
def list_() -> None:
    """List the views with their counts."""
    with workspace.opened() as ws:
        counts = ws.views.counts()
        rows = [
            {
                "name": view.name,
                "title": view.title,
                "query": view.query,
                "order": view.order,
                "hotkey": f"g{view.hotkey}" if view.hotkey else None,
                "count": counts[view.name].number,
                "capped": counts[view.name].capped,
            }
            for view in ws.views.all()
        ]
        emit_values(rows, flags.current(), ("name", "title", "count", "hotkey"))


@app.command()
def show(
    view: Annotated[str, typer.Argument(autocompletion=complete.views)],
    limit: Annotated[int, typer.Option(min=0, help="0 for all")] = 50,
) -> None:
    """List the tickets of a view."""
    quick.ticket_list(flags.current(), {"view": view, "limit": str(limit)})
