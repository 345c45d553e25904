"""``carecli doctor``: check the installation, the store and the accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.cli import flags
from carecli.cli.output import emit_values

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def doctor(online: Annotated[bool, typer.Option("--online", help="Sign in to every account too")] = False) -> None:
    """Check the installation, the store and the accounts; exit 1 if a check fails."""
    from carecli.bootstrap import diagnose

    checks = diagnose(flags.current().home, flags.current().config, online=online)
    rows = [{"check": c.name, "ok": c.ok, "detail": c.detail, "help": c.help} for c in checks]
    emit_values(rows, flags.current(), ("check", "ok", "detail", "help"))
    raise typer.Exit(0 if all(c.ok for c in checks) else 1)
