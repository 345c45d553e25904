"""How long a new process of carecli takes, against ``python -c "import sqlite3"``; CPU time, variants interleaved."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import corpus
from measure import Row, Spent, carecli, environment, interleaved, script, spend

BASELINE = [sys.executable, "-c", "import sqlite3"]
READS = ("view list", "outbox list", "draft list", "customer list", "account list", "config show", "kb list")
HELPS = ("--help", "ticket --help")


def hot(tickets: int, rounds: int) -> list[Row]:
    """``ticket list --json`` on a large store: CPU against the baseline, and its peak memory."""
    home = corpus.demo_store(tickets)
    words = ("ticket", "list", "--json")
    found = _run(home, {"script": script(*words), "module": carecli(*words)}, rounds)
    where = f"{tickets:,} tickets"
    rows = [
        _row("G2", f"ticket list --json, console script, {where}", found["script"], found, 1.5),
        _row("G2", f"ticket list --json, python -m carecli, {where}", found["module"], found, 1.5),
    ]
    memory = max(found["script"].memory, found["module"].memory)
    return [*rows, Row("G2", f"ticket list --json, peak memory, {where}", memory, None, "MB", 40)]


def local(tickets: int, rounds: int) -> list[Row]:
    """Other reads, help, and writes that only queue."""
    with tempfile.TemporaryDirectory() as folder:
        home = corpus.copy_of(corpus.demo_store(tickets), Path(folder) / "home")
        ref = corpus.any_ref(home)
        lines = {line: [*line.split(), "--json"] for line in READS}
        lines |= {line: line.split() for line in HELPS}
        lines["ticket note --queue"] = ["ticket", "note", ref, "--body", "x", "--queue"]
        lines["ticket status --queue"] = ["ticket", "status", "solved", ref, "--queue"]
        lines["ticket reply --queue"] = ["ticket", "reply", ref, "--body", "x", "--queue"]
        found = _run(home, {name: script(*words) for name, words in lines.items()}, rounds)
        return [_row("G3", name, found[name], found, 6) for name in lines]


def _run(home: Path, commands: dict[str, Sequence[str]] | dict[str, list[str]], rounds: int) -> dict[str, Spent]:
    env = environment(home)
    runs = {"baseline": partial(spend, BASELINE, env)}
    runs |= {name: partial(spend, command, env) for name, command in commands.items()}
    return interleaved(runs, rounds)


def _row(goal: str, what: str, spent: Spent, found: dict[str, Spent], limit: float) -> Row:
    return Row(goal, what, spent.cpu * 1000, found["baseline"].cpu * 1000, "ms CPU", limit)
