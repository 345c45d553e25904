"""``carecli db``: back up, check and migrate the local store."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from carecli.bootstrap import find_paths
from carecli.cli import errors, flags, workspace
from carecli.cli.output import emit_one
from carecli.domain.errors import StoreError, UsageError
from carecli.services import upkeep

app = workspace.noun("Back up, check and migrate the local store.")


def _store_file() -> str:
    return find_paths(flags.current().home, flags.current().config).store_file


@app.command()
def path() -> None:
    """Print where the store lies."""
    emit_one({"path": _store_file()}, flags.current(), _store_file())


@app.command()
def backup(file: Annotated[str, typer.Argument(metavar="FILE")]) -> None:
    """Copy the store into a new file while it is in use."""
    workspace.must_do()
    size = upkeep.backup(_store_file(), file)
    emit_one({"path": file, "bytes": size}, flags.current(), f"{file} ({size:,} bytes)")


@app.command()
def check() -> None:
    """Check that the store is intact."""
    found = upkeep.check(_store_file())
    emit_one(found, flags.current(), "\n".join(f"{name}: {value}" for name, value in found.items()))
    if not found["ok"]:
        raise StoreError(
            "the store is damaged",
            code="STORE_DAMAGED",
            help="carecli db rescue puts it aside and carries over what can be read (--from BACKUP: on top of a backup).",
        )


@app.command()
def rescue(
    backup_file: Annotated[
        str | None, typer.Option("--from", metavar="BACKUP", help="Start from this backup instead of an empty store")
    ] = None,
) -> None:
    """Put a damaged store aside, start anew, and carry over the texts that only it has."""
    workspace.may_write()
    if not flags.current().yes:
        ask = sys.stdin.isatty() and not flags.current().no_input
        if not ask or not typer.confirm(f"Put {_store_file()} aside and start anew?", default=False, err=True):
            raise UsageError(
                "nothing was done", code="NO_CONSENT", help="Repeat with --yes; the damaged store is kept beside it."
            )
    found = upkeep.rescue(_store_file(), backup_file)
    plain = (
        f"{found['drafts']} drafts and {found['texts']} unsent texts carried over; the old store is {found['aside']}"
    )
    emit_one(found, flags.current(), plain)
    errors.say("carecli: next: carecli sync --full; what was carried over: carecli draft list")


@app.command()
def migrate() -> None:
    """Bring the store to this program's schema; a backup is made first."""
    workspace.may_write()
    found = upkeep.migrate(_store_file())
    emit_one(
        found, flags.current(), f"schema {found['schema']}" + (f", backup {found['backup']}" if found["backup"] else "")
    )
