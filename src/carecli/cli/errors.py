"""The only writer to stderr: errors with code, text and the next step; notes and progress for people."""

from __future__ import annotations

import sys

from carecli.cli.flags import Flags
from carecli.domain.errors import CareError


def report(error: CareError, flags: Flags) -> int:
    """Prints an error; returns its exit code."""
    if flags.machine:
        import json

        body = {
            "code": error.code,
            "message": error.message,
            "help": error.help,
            "exit_code": error.exit_code,
            "retry_after": error.retry_after,
        }
        say(json.dumps({"error": body}, ensure_ascii=False))
    else:
        say(f"carecli: {error.message}" + (f"\n  {error.help}" if error.help else "") + f"\n  [{error.code}]")
    return error.exit_code


def say(text: str) -> None:
    """One note to stderr."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (BrokenPipeError, UnicodeEncodeError):
        return
