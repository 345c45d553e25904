"""What the measurements share: rows of the table, child processes with their CPU time and memory, interleaving."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Row:
    """One line of the table: ``ours`` and ``peer`` in ``unit``; the goal bounds their ratio, or ``ours`` without a peer."""

    goal: str
    what: str
    ours: float
    peer: float | None
    unit: str
    limit: float | None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's."""
        return self.ours / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; ``None`` without a goal."""
        if self.limit is None:
            return None
        value = self.ours if self.ratio is None else self.ratio
        return value <= self.limit


@dataclass(frozen=True)
class Spent:
    """What a finished process took: seconds of wall clock and CPU, and its peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """The environment of a measured process: this source tree, no settings of the caller, byte code kept."""
    dropped = ("CARECLI_", "PYTHONDONTWRITEBYTECODE")  # a user's installation is compiled
    clean = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    clean["PYTHONPATH"] = str(SOURCE)
    if home is not None:
        clean["CARECLI_HOME"] = str(home)
    return clean | more


def spend(command: Sequence[str], env: Mapping[str, str]) -> Spent:
    """Runs a command to its end and tells what it took. Raises ``RuntimeError`` when it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{list(command)}: exit {process.returncode}: {errors.read()[-500:]!r}")
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def interleaved(runs: Mapping[str, Callable[[], Spent]], rounds: int) -> dict[str, Spent]:
    """The median of each figure over rounds in which every variant runs once, so that all meet the same noise."""
    for run in runs.values():  # once for byte code and page cache
        run()
    found: dict[str, list[Spent]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    return {
        name: Spent(
            statistics.median(each.wall for each in spent),
            statistics.median(each.cpu for each in spent),
            statistics.median(each.memory for each in spent),
        )
        for name, spent in found.items()
    }


def carecli(*arguments: str) -> list[str]:
    """The command line of ``python -m carecli``."""
    return [sys.executable, "-m", "carecli", *arguments]


def script(*arguments: str) -> list[str]:
    """The same as the installed console script does it (pip's own text, without its file)."""
    return [sys.executable, "-c", "import sys; from carecli.cli.main import run; sys.exit(run())", *arguments]


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| goal | what | ours | peer | ratio | limit | met |", "|---|---|--:|--:|--:|--:|---|"]
    for row in rows:
        peer = "" if row.peer is None else _number(row.peer, row.unit)
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        limit = "" if row.limit is None else f"≤ {row.limit:g}" + ("×" if row.ratio is not None else f" {row.unit}")
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        what = row.what + (f" ({row.note})" if row.note else "")
        lines.append(f"| {row.goal} | {what} | {_number(row.ours, row.unit)} | {peer} | {ratio} | {limit} | {met} |")
    return "\n".join(lines)


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"
