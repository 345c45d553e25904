"""Entry point: the quick path for reads, the command tree for everything else."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    from carecli.cli import quick

    try:
        code = quick.run(arguments)
        if code is None:
            from carecli.cli import tree

            code = tree.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed_pipe()
    except KeyboardInterrupt:
        return 130
    return code


def _closed_pipe() -> int:
    """The reader went away (``| head``): that is no error. Python must not try to flush to it at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
