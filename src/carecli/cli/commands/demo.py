"""``carecli demo``: the console on a private, throw-away workspace."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from typing import Annotated

import typer

from carecli.bootstrap import open_workspace
from carecli.cli import errors, flags, workspace
from carecli.cli.output import emit_values
from carecli.domain.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def demo(
    tickets: Annotated[int, typer.Option("--tickets", min=1, help="How many tickets the week has")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Another number, another week")] = 7,
    build: Annotated[bool, typer.Option("--build", help="Fill --home DIR with the demo and exit")] = False,
) -> None:
    """Open the console on a demo desk: no account, no network, nothing is kept."""
    taken = flags.current()
    workspace.may_write()
    if build:
        home = taken.home or os.environ.get("CARECLI_HOME")
        if not home:
            raise UsageError("--build needs a folder", code="HOME_NEEDED", help="carecli demo --build --home DIR")
        emit_values(
            [_fill(home, tickets, seed, live=False)],
            taken,
            ("home", "tickets", "messages", "seconds"),
            single=True,
        )
        return
    import sys

    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("the console needs a terminal", code="NO_TERMINAL", help="carecli demo --build --home DIR")
    raise typer.Exit(play(taken, tickets, seed))


def play(taken: flags.Flags, tickets: int = 400, seed: int = 7) -> int:
    """Opens the console on a fresh demo desk; returns its exit code."""
    from carecli.cli.console import open_console

    home = tempfile.mkdtemp(prefix="carecli-demo-")
    try:
        errors.say("carecli: preparing the demo …")
        _fill(home, tickets, seed, live=True)
        taken.home, taken.config = home, None
        return open_console(taken)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _fill(home: str, tickets: int, seed: int, *, live: bool) -> dict[str, object]:
    started = time.monotonic()
    os.makedirs(home, mode=0o700, exist_ok=True)
    with_accounts = open_workspace(home, origin="cli")
    try:
        if not with_accounts.settings.accounts:
            with_accounts.demo(tickets, seed, live=live)
    finally:
        with_accounts.close()
    ws = open_workspace(home, origin="cli")
    try:
        reports = ws.syncing.run([], threading.Event(), pushing=False)
    finally:
        ws.close()
    for report in reports:
        if report.error is not None:
            raise report.error
    return {
        "home": home,
        "tickets": sum(report.tickets for report in reports),
        "messages": sum(report.messages for report in reports),
        "customers": sum(report.customers for report in reports),
        "articles": sum(report.articles for report in reports),
        "seconds": round(time.monotonic() - started),
    }
