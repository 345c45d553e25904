"""``carecli db``: back up, check and migrate the local store."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.bootstrap import find_paths
from carecli.cli import flags, workspace
from carecli.cli.output import emit_one
from carecli.domain.errors import StoreError
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
            help=f"Restore a backup (see {_store_file()}.*.bak), or move it away and run 'carecli sync --full'.",
        )


@app.command()
def migrate() -> None:
    """Bring the store to this program's schema; a backup is made first."""
    workspace.may_write()
    found = upkeep.migrate(_store_file())
    emit_one(
        found, flags.current(), f"schema {found['schema']}" + (f", backup {found['backup']}" if found["backup"] else "")
    )
