"""Measures carecli against its goals and prints one Markdown table. Figures never fail anything: it always exits 0.

CPU seconds are those of the measured process (getrusage), variants run interleaved on the same machine, and ratios are
what counts.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_console
import corpus
import ingest
import mail_sync
import startup
from measure import Row, table


def _parts(chosen: argparse.Namespace) -> dict[str, Callable[[], list[Row]]]:
    return {
        "mail": lambda: mail_sync.rows(chosen.mails, max(chosen.rounds // 3, 1)),
        "hot": lambda: startup.hot(chosen.tickets, chosen.rounds),
        "local": lambda: startup.local(chosen.small, chosen.rounds),
        "console": lambda: bench_console.rows(
            corpus.demo_store(chosen.tickets), chosen.tickets, max(chosen.rounds // 2, 1)
        ),
        "ingest": lambda: ingest.rows(chosen.ingest, max(chosen.rounds // 3, 1)),
    }


def main() -> int:
    """Runs the chosen parts."""
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("parts", nargs="*", help="mail, hot, local, console, ingest (default: all)")
    reading.add_argument("--rounds", type=int, default=7, help="rounds of each short measurement")
    reading.add_argument("--tickets", type=int, default=100_000, help="tickets of the large store")
    reading.add_argument("--small", type=int, default=2_000, help="tickets of the store that is written to")
    reading.add_argument("--ingest", type=int, default=20_000, help="tickets that are taken in")
    reading.add_argument("--mails", type=int, default=10_000, help="mails of the mailbox")
    reading.add_argument("--json", metavar="FILE", help="also write the rows as JSON")
    chosen = reading.parse_args()
    known = _parts(chosen)
    rows: list[Row] = []
    for name in chosen.parts or known:
        if name not in known:
            sys.stderr.write(f"there is no part '{name}'; one of: {', '.join(known)}\n")
            continue
        sys.stderr.write(f"measuring: {name} …\n")
        try:
            rows += known[name]()
        except Exception as error:
            rows.append(Row("", f"{name} failed: {type(error).__name__}: {error}", 0, None, "", None))
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}\n")
    print(table(rows))
    if chosen.json:
        body = [vars(row) | {"ratio": row.ratio, "met": row.met} for row in rows]
        Path(chosen.json).write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
