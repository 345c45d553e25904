"""``carecli keys``: print the console's keys, or check the keymap."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.bootstrap import find_paths
from carecli.cli import flags
from carecli.cli.output import emit_values
from carecli.domain.errors import ConfigError, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def keys(what: Annotated[str, typer.Argument(metavar="[check]")] = "") -> None:
    """Print the console's keys as they are bound; 'keys check' reports clashes."""
    from carecli.tui import keymap

    if what not in ("", "check"):
        raise UsageError(f"'{what}' is not known here", help="carecli keys, or carecli keys check.")
    loaded = keymap.load(find_paths(flags.current().home, flags.current().config).keymap_file)
    if what == "check":
        rows = [{"kind": one.kind, "problem": one.text} for one in loaded.problems]
        emit_values(rows, flags.current(), ("kind", "problem"))
        if loaded.problems:
            raise ConfigError(f"the keymap has {len(loaded.problems)} problems", code="KEYMAP_INVALID")
        return
    emit_values(
        keymap.rows(loaded),
        flags.current(),
        ("keys", "action", "title", "context"),
    )
