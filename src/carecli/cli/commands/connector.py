"""``carecli connector``: the kinds of accounts and what they can do."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.bootstrap import connector_card, connector_cards
from carecli.cli import complete, flags, workspace
from carecli.cli.output import emit_values, write

app = workspace.noun("List the kinds of accounts and what they can do.")


@app.command("list")
def list_() -> None:
    """List the installed connectors."""
    emit_values(connector_cards(), flags.current(), ("kind", "title", "experimental", "summary"))


@app.command()
def show(kind: Annotated[str, typer.Argument(metavar="KIND", autocompletion=complete.kinds)]) -> None:
    """Show what a connector can do, its options, and what it was tested against."""
    card = connector_card(kind)
    taken = flags.current()
    if taken.output != "table" or taken.fields:
        emit_values([card], taken, ("kind",), single=True)
        return
    lines = [f"{card['kind']}: {card['title']}", str(card["summary"]), "", "Options (--set KEY=VALUE):"]
    for option in card["options"]:
        need = " (required)" if option["required"] else f" [{option['default']}]" if option["default"] else ""
        lines.append(f"  {option['name']:<20} {option['doc']}{need}")
    lines += ["", "Secrets:"] + [f"  {secret['name']:<20} {secret['doc']}" for secret in card["secrets"]]
    lines += ["", f"Signs in by: {', '.join(card['auth']) or 'nothing'}", "", "Can do:"]
    lines += [f"  {name}" for name in card["capabilities"]]
    lines += ["", "Tested against:"] + [f"  {t['what']} ({t['evidence']})" for t in card["tested_against"]]
    write("\n".join(lines) + "\n")
