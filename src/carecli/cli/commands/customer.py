"""``carecli customer``: find customers and read their history."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.cli import flags, workspace
from carecli.cli.output import emit

app = workspace.noun("Find customers and read their history.")


@app.command("list")
def list_(
    query: Annotated[str, typer.Argument(help="Part of a name, an address or a phone number")] = "",
    limit: Annotated[int, typer.Option(min=0, max=1_000_000_000, help="0 for all")] = 50,
) -> None:
    """List customers, last contact first."""
    with workspace.opened() as ws:
        emit(
            ws.customers.list_json(query, limit),
            flags.current(),
            ("id", "name", "emails", "tickets.open", "last_contact_at"),
        )


@app.command()
def show(customer: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show a customer."""
    with workspace.opened() as ws:
        text = ws.customers.show_json(_key(customer))
        emit(
            [text], flags.current(), ("id", "name", "emails", "phones", "organisation", "tier", "language"), single=True
        )


@app.command()
def timeline(
    customer: Annotated[str, typer.Argument(metavar="ID")],
    limit: Annotated[int, typer.Option(min=0, max=1_000_000_000, help="0 for all")] = 100,
) -> None:
    """Show everything that was said with a customer, newest first, over all accounts."""
    with workspace.opened() as ws:
        emit(
            ws.customers.timeline_json(_key(customer), limit),
            flags.current(),
            ("at", "ref", "kind", "author", "subject"),
        )


def _key(text: str) -> int:
    return workspace.local_key(text, "customer", "See 'carecli customer list'.")
