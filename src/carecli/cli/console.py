"""Opens the console."""

from __future__ import annotations

import gc
import sys

from carecli.cli.flags import Flags
from carecli.domain.errors import UsageError


def open_console(flags: Flags) -> int:
    """Runs the console on the configured workspace; returns its exit code. Raises ``UsageError`` off a terminal."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError(
            "the console needs a terminal", code="NO_TERMINAL", help="Run a command instead: see 'carecli --help'."
        )
    # Until the first frame everything stays alive: collecting would cost a fifth of the start. The console enables it.
    gc.disable()
    from carecli.bootstrap import open_workspace
    from carecli.tui.app import run

    workspace = open_workspace(flags.home, flags.config, read_only=flags.read_only)
    try:
        code, wish = run(workspace)
    finally:
        workspace.close()
    if wish == "demo":
        from carecli.cli.commands.demo import play

        return play(flags)
    return code
