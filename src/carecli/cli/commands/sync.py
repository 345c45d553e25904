"""``carecli sync``: bring accounts and the local store into step."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from carecli.bootstrap import Workspace
from carecli.cli import complete, errors, flags, workspace
from carecli.cli.output import table, write
from carecli.domain.errors import PartialError, UsageError

if TYPE_CHECKING:
    from carecli.sync.run import Report

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
COLUMNS = ("account", "state", "tickets", "messages", "customers", "pushed", "conflicts", "failed", "seconds", "error")
SHOW_AFTER_SECONDS = 0.3


class _Progress:
    """A line of counts on stderr for people: only on a terminal, only once it takes long."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._shown = False
        self._on = sys.stderr.isatty() and not flags.current().machine

    def __call__(self, news: Mapping[str, object]) -> None:
        if not self._on or time.monotonic() - self._started < SHOW_AFTER_SECONDS or news["state"] != "pulling":
            return
        seen, total = news.get("seen"), news.get("total")
        share = f"{seen:,} of {total:,}" if total else f"{seen:,}"
        rest = ""
        if isinstance(seen, int) and isinstance(total, int) and 0 < seen <= total:
            left = (time.monotonic() - self._started) / seen * (total - seen)
            rest = f", about {left:.0f} s left"
        sys.stderr.write(f"\r\x1b[K{news['account']}: {share}{rest}  (ctrl+c stops; what was read is kept)")
        sys.stderr.flush()
        self._shown = True

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@app.command()
def sync(
    accounts: Annotated[
        list[str] | None, typer.Argument(metavar="[ACCOUNT]…", autocompletion=complete.accounts)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: every 60 s, at once where the connector has news")
    ] = False,
    interval: Annotated[
        int | None, typer.Option("--interval", min=1, help="Seconds between looks while watching")
    ] = None,
    pull_only: Annotated[bool, typer.Option("--pull-only")] = False,
    push_only: Annotated[bool, typer.Option("--push-only")] = False,
    follow_parent: Annotated[bool, typer.Option("--follow-parent", hidden=True)] = False,
) -> None:
    """Pull what is new and push what waits: --watch [SECONDS] goes on until ctrl+c."""
    if pull_only and push_only:
        raise UsageError("--pull-only and --push-only exclude each other", help="Leave both out for both.")
    names = list(accounts or [])
    with workspace.opened(writing=True) as ws:
        spans = [name for name in names if name.isdigit()]  # --watch 30: no account name begins with a digit
        if watch and spans:
            interval = max(1, int(spans[-1]))
            names = [name for name in names if name not in spans]
        if not ws.settings.accounts:
            errors.say("carecli: no account is configured; start with: carecli account add NAME --connector KIND")
        stop = threading.Event()
        _end_on_signals(stop)
        if watch:
            seconds = interval or ws.settings.sync_interval_seconds
            _watch(ws, names, stop, seconds, pulling=not push_only, pushing=not pull_only, follow_parent=follow_parent)
            return
        progress = _Progress()
        try:
            reports = ws.syncing.run(
                names, stop, full=full, pulling=not push_only, pushing=not pull_only, notify=progress
            )
        finally:
            progress.clear()
        _print(reports)
        if stop.is_set():
            raise typer.Exit(130)
        raise typer.Exit(_exit_code(reports))


def _end_on_signals(stop: threading.Event) -> None:
    def end(_number: int, _frame: object) -> None:
        if stop.is_set():  # asked twice: the network may hang
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)


def _print(reports: list[Report]) -> None:
    taken = flags.current()
    rows = [report.as_json() for report in reports]
    if taken.output == "json":
        write(json.dumps({"accounts": rows}, ensure_ascii=False) + "\n")
    elif taken.output == "jsonl":
        write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    elif taken.output == "ids":
        write("".join(f"{row['account']}\n" for row in rows))
    else:
        cells = [["" if row[name] is None else str(row[name]) for name in COLUMNS] for row in rows]
        if taken.output == "csv":
            import csv

            csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *cells])
        else:
            table([name.upper() for name in COLUMNS], cells, taken)


def _exit_code(reports: list[Report]) -> int:
    failed = [report for report in reports if report.error is not None]
    taken = flags.current()
    if not failed:
        if any(report.failed for report in reports):
            return 6
        return 7 if any(report.conflicts for report in reports) else 0
    first = failed[0].error
    assert first is not None  # noqa: S101  (filtered above)
    if len(failed) < len(reports):
        names = ", ".join(report.account for report in failed)
        return errors.report(PartialError(f"{names}: {first.message}", help=first.help), taken)
    return errors.report(first, taken)


def _watch(
    ws: Workspace,
    names: list[str],
    stop: threading.Event,
    seconds: int,
    *,
    pulling: bool,
    pushing: bool,
    follow_parent: bool,
) -> None:
    nudge = threading.Event()
    if follow_parent:
        threading.Thread(target=_listen, args=(stop, nudge), daemon=True).start()
    lock = threading.Lock()

    def notify(news: Mapping[str, object]) -> None:
        if follow_parent:
            with lock:
                write(json.dumps(news) + "\n")
                sys.stdout.flush()

    def reported(report: Report) -> None:
        if follow_parent:
            return
        changed = report.tickets or report.messages or report.pushed or report.conflicts or report.failed
        if changed or report.error is not None or flags.current().machine:
            with lock:
                _print_line(report)

    ws.syncing.watch(
        names, stop, nudge, interval=seconds, notify=notify, reported=reported, pulling=pulling, pushing=pushing
    )


def _print_line(report: Report) -> None:
    if flags.current().machine:
        write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    else:
        words = report.error.message if report.error else f"{report.messages} messages, {report.pushed} sent"
        write(f"{time.strftime('%H:%M:%S')} {report.account}: {words}\n")
    sys.stdout.flush()


def _listen(stop: threading.Event, nudge: threading.Event) -> None:
    """The console speaks through standard input; its end is ours."""
    for line in sys.stdin:
        if line.strip() == "nudge":
            nudge.set()
    stop.set()
