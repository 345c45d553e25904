"""``carecli db``: back up, check and migrate the local store."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from carecli.bootstrap import find_paths
from carecli.cli import flags, workspace
from carecli.cli.output import emit, write
from carecli.services import upkeep

app = workspace.noun("Back up, check and migrate the local store.")


def _store_file() -> str:
    return find_paths(flags.current().home, flags.current().config).store_file


def _emit(body: dict[str, object], plain: str) -> None:
    if flags.current().output == "table":
        write(plain + "\n")
    else:
        emit([json.dumps(body, ensure_ascii=False)], flags.current(), tuple(body), single=True)


@app.command()
def path() -> None:
    """Print where the store lies."""
    _emit({"path": _store_file()}, _store_file())


@app.command()
def backup(file: Annotated[str, typer.Argument(metavar="FILE")]) -> None:
    """Copy the store into a new file while it is in use."""
    size = upkeep.backup(_store_file(), file)
    _emit({"path": file, "bytes": size}, f"{file} ({size:,} bytes)")


@app.command()
def check() -> None:
    """Check that the store is intact."""
    found = upkeep.check(_store_file())
    _emit(found, "\n".join(f"{name}: {value}" for name, value in found.items()))
    if not found["ok"]:
        from carecli.domain.errors import StoreError

        raise StoreError(
            "the store is damaged",
            code="STORE_DAMAGED",
            help=f"Restore a backup (see {_store_file()}.*.bak), or move it away and run 'carecli sync --full'.",
        )


@app.command()
def migrate() -> None:
    """Bring the store to this program's schema; a backup is made first."""
    found = upkeep.migrate(_store_file())
    _emit(found, f"schema {found['schema']}" + (f", backup {found['backup']}" if found["backup"] else ""))
