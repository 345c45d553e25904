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


def unexpected(error: Exception, flags: Flags) -> int:
    """Prints an error that no command foresaw, the store's and the system's in words for people; returns its exit code."""
    import os

    from carecli.bootstrap import explain, find_paths
    from carecli.domain.redact import clean_line, without_secrets

    found = explain(error, find_paths(flags.home, flags.config).store_file)
    if found is None and isinstance(error, OSError) and error.errno is not None:
        found = CareError(
            f"{error.filename or 'a file'}: {os.strerror(error.errno)}",
            code="OS_ERROR",
            help="Nothing more was changed. Check the path, its permissions and the free space.",
        )
    if found is None:
        found = CareError(
            f"{type(error).__name__}: {clean_line(without_secrets(str(error)))}",
            help="This is a defect of carecli. Repeat with -vv and report what it prints.",
        )
    if flags.verbose > 1:
        import traceback

        sys.stderr.write(without_secrets("".join(traceback.format_exception(error))))
    return report(found, flags)


def say(text: str) -> None:
    """One note to stderr."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (BrokenPipeError, UnicodeEncodeError):
        return
