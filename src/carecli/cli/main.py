"""Entry point: the quick path for reads, the command tree for everything else."""

from __future__ import annotations

import sys


def run() -> int:
    """Runs the command of this process and ends it; returns its exit code where other threads still work."""
    import gc

    # A command makes its modules and a page of rows, no garbage: the default looks for some every 700 objects.
    gc.set_threshold(50_000)
    code = main()
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
        _end(code)
    return code


def _end(code: int) -> None:
    """Ends the process without taking its modules apart one by one, which costs up to a fifth of a command's time."""
    import atexit
    import os

    atexit._run_exitfuncs()  # noqa: SLF001  (what the interpreter itself calls)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        pass
    os._exit(code)


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
