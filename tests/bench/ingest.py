"""How fast tickets are taken in: a demo desk through the whole sync, against bare inserts of the rows that it made."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import corpus
from measure import Row, Spent, carecli, environment, spend

TABLES = (
    "account",
    "agent",
    "organisation",
    "customer",
    "identity",
    "ticket",
    "ticket_tag",
    "message",
    "attachment",
    "event",
)
PAGE = 5_000
"""Rows of one insert and transaction."""


def rows(tickets: int, rounds: int) -> list[Row]:
    """CPU of taking in that many tickets, and of the ceiling."""
    built = corpus.demo_store(tickets)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ours = [_take_in(home / f"ours{each}", tickets) for each in range(rounds)]
        idle = [_take_in(home / f"idle{each}", 1) for each in range(rounds)]
        peer = [_ceiling(built, home / f"peer{each}") for each in range(rounds)]
    cpu = min(each.cpu for each in ours) - min(each.cpu for each in idle)
    messages = json.loads((built / "built").read_text("utf-8"))["messages"]
    what = f"{tickets:,} tickets, {messages:,} messages"
    note = f"{tickets / cpu:,.0f} tickets per CPU second; start and schema taken off"
    return [
        Row("G4", f"taken in: {what}", cpu, min(each.cpu for each in peer), "s CPU", None, note),
        Row("G4", f"demo --build, wall: {what}", min(each.wall for each in ours), None, "s", None),
    ]


def _take_in(home: Path, tickets: int) -> Spent:
    command = carecli("demo", "--build", "--tickets", str(tickets), "--home", str(home), "--json")
    spent = spend(command, environment(CARECLI_ACCOUNTS_DEMO_NOW=corpus.NOW))
    shutil.rmtree(home)
    return spent


def _ceiling(built: Path, home: Path) -> Spent:
    """Copies every row of a store into an empty one: sqlite3 alone, rows ready, the same indexes and full text."""
    subprocess.run(carecli("config", "path"), env=environment(home), check=True, capture_output=True)
    subprocess.run(carecli("view", "list", "--json"), env=environment(home), check=True, capture_output=True)
    spent = spend([sys.executable, __file__, str(built / "carecli.db"), str(home / "carecli.db")], environment())
    shutil.rmtree(home)
    return spent


def _copy(source: str, target: str) -> None:
    """Reads the rows first, so that the inserts alone are left; the process tells the CPU of both, reading is little."""
    there = sqlite3.connect(source)
    here = sqlite3.connect(target, isolation_level=None)
    here.execute("PRAGMA synchronous = full")
    here.execute("PRAGMA cache_size = -32000")
    triggers = here.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_fts_insert'")
    for (name,) in triggers.fetchall():
        here.execute(f"DROP TRIGGER {name}")
    for table in TABLES:
        columns = [name for _, name, *_, hidden in there.execute(f"PRAGMA table_xinfo({table})") if not hidden]
        order = "id" if "id" in columns else "1"
        marks = ",".join("?" * len(columns))
        found = there.execute(f"SELECT {','.join(columns)} FROM {table} ORDER BY {order}")
        while part := found.fetchmany(PAGE):
            here.execute("BEGIN IMMEDIATE")
            here.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", part)
            if table in ("message", "ticket"):
                texts = ("body_text", "subject") if table == "message" else ("subject", "number")
                low, high = part[0][0], part[-1][0]
                here.execute(
                    f"INSERT INTO fts_{table} (rowid, {','.join(texts)}) SELECT id, {','.join(texts)} FROM {table}"
                    " WHERE id BETWEEN ? AND ? ORDER BY id",
                    (low, high),
                )
            here.execute("COMMIT")
    here.execute("BEGIN IMMEDIATE")
    names = "account_id, kind, external_id, encoding, body"
    raws = there.execute(f"SELECT {names} FROM raw_record").fetchall()
    here.executemany(f"INSERT INTO raw_record ({names}) VALUES (?, ?, ?, ?, ?)", raws)
    here.execute("COMMIT")
    here.close()


if __name__ == "__main__":
    _copy(*sys.argv[1:3])
    os._exit(0)
