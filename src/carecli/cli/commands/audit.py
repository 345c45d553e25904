"""``carecli audit``: who changed what, on all tickets."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.cli import complete, flags, workspace
from carecli.cli.output import emit
from carecli.domain.errors import UsageError

app = workspace.noun("See who changed what.")
COLUMNS = ("at", "actor", "origin", "ref", "verb", "field", "old", "new")
ORIGINS = ("remote", "console", "cli", "macro", "hook", "rule")


@app.command("list")
def list_(
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="2h, 3d, today, 2026-10-31, …")] = "today",
    actor: Annotated[str | None, typer.Option("--actor", help="A name, or me", autocompletion=complete.agents)] = None,
    origin: Annotated[str | None, typer.Option("--origin", help=", ".join(ORIGINS))] = None,
    ref: Annotated[str | None, typer.Option("--ticket", metavar="REF", autocompletion=complete.refs)] = None,
    limit: Annotated[int, typer.Option(min=0, max=1_000_000_000, help="The newest; 0 for all")] = 0,
) -> None:
    """List changes, oldest first; 'audit list --actor me' is what you did today."""
    if origin is not None and origin not in ORIGINS:
        raise UsageError(f"'{origin}' is no origin", code="BAD_ORIGIN", help=f"One of: {', '.join(ORIGINS)}.")
    with workspace.opened() as ws:
        ticket = ws.tickets.find(ref, flags.current().account) if ref else None
        found = ws.audit.list_json(since=since, actor=actor, origin=origin, ticket=ticket, limit=limit)
        emit(found, flags.current(), COLUMNS)
