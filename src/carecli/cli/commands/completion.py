"""``carecli completion SHELL``: print a completion script."""

from __future__ import annotations

from typing import Annotated

import typer
from click.shell_completion import get_completion_class

from carecli.cli.output import write
from carecli.domain.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def completion(shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish")]) -> None:
    """Print a completion script; for bash: source <(carecli completion bash)."""
    import click

    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"'{shell}' is no known shell", help="One of: bash, zsh, fish.")
    script = found(click.Command("carecli"), {}, "carecli", "_CARECLI_COMPLETE")
    write(script.source())
