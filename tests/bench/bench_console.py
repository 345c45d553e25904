"""First frame and key-to-paint of the console in a pseudo-terminal, against an empty Textual app and DataTable.

Run: python tests/bench/bench_console.py [rounds]. Rounds are interleaved, so that a busy machine disturbs all alike.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

PRESSES = 10  # within the rows in sight, down and up again

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("READY")
Empty().run()
"""
TABLE = """
from textual.app import App
from textual.widgets import DataTable
class Table(App):
    def compose(self):
        yield DataTable(cursor_type="row")
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("wait", "due", "requester", "subject", "assignee", "account")
        table.add_rows([("3h", "12m left", f"Person {n}", f"READY subject {n}", "Ana", "support") for n in range(1000)])
Table().run()
"""
CONSOLE = """
import gc, sys
gc.disable()
from carecli.bootstrap import open_workspace
from carecli.tui.app import Console
Console(open_workspace(sys.argv[1]), sync=len(sys.argv) > 2).run()
"""


class Terminal:
    """A program in a pseudo-terminal of 120 by 40."""

    def __init__(self, program: str, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environ,
        )
        os.close(slave)

    def until(self, marker: bytes, seconds: float = 30.0) -> float:
        """Milliseconds since the start until the marker was painted."""
        seen = b""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if select.select([self.master], [], [], 0.5)[0]:
                seen += os.read(self.master, 65536)
                if marker in seen:
                    return (time.perf_counter() - self.started) * 1000
        raise TimeoutError(seen[-2000:].decode(errors="replace"))

    def quiet(self, seconds: float = 0.12) -> None:
        """Read on until nothing more is painted."""
        while select.select([self.master], [], [], seconds)[0]:
            os.read(self.master, 65536)

    def key(self, key: bytes) -> float:
        """Milliseconds from a key to the first byte of its paint."""
        self.quiet()
        begun = time.perf_counter()
        os.write(self.master, key)
        select.select([self.master], [], [], 5)
        return (time.perf_counter() - begun) * 1000

    def press(self, key: bytes) -> None:
        """Press a key without measuring."""
        os.write(self.master, key)
        self.quiet(0.01)

    def close(self) -> None:
        """End the program."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


PROGRAMS = {
    "empty Textual app": (EMPTY, b"READY", ()),
    "DataTable, 1,000 rows": (TABLE, b"READY", (b"\x1b[B", b"\x1b[A")),
    "console": (CONSOLE, b"Inbox", (b"j", b"k")),
    "console, sync running": (CONSOLE, b"Inbox", (b"j", b"k")),
}


def build(home: str) -> str:
    """A demo workspace of 400 tickets."""
    command = [sys.executable, "-m", "carecli", "demo", "--build", "--home", home]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return home


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    folder = tempfile.TemporaryDirectory()
    home = sys.argv[2] if len(sys.argv) > 2 else build(folder.name)
    frames: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    keys: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    scrolls: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, (program, marker, key) in PROGRAMS.items():
            given = [home] if name.startswith("console") else []
            terminal = Terminal(program, *given, *(["sync"] if "sync" in name else []))
            try:
                frames[name].append(terminal.until(marker))
                if key:
                    terminal.quiet(0.6)
                    for _ in range(2):
                        keys[name] += [terminal.key(one) for one in key for _ in range(PRESSES)]
                    for _ in range(45):
                        terminal.press(key[0])
                    scrolls[name] += [terminal.key(key[0]) for _ in range(PRESSES)]
            finally:
                terminal.close()
    empty = statistics.median(frames["empty Textual app"])
    table = statistics.median(keys["DataTable, 1,000 rows"])
    rolled = statistics.median(scrolls["DataTable, 1,000 rows"])
    print(
        f"{'program':24} {'frame ms':>9} {'x empty':>8} {'key ms':>8} {'x table':>8} {'p95':>8} {'scroll':>8} {'x table':>8}"
    )
    for name in PROGRAMS:
        frame = statistics.median(frames[name])
        row = f"{name:24} {frame:9.0f} {frame / empty:8.2f}"
        if keys[name]:
            median = statistics.median(keys[name])
            row += f" {median:8.2f} {median / table:8.2f} {sorted(keys[name])[int(len(keys[name]) * 0.95)]:8.2f}"
            slide = statistics.median(scrolls[name])
            row += f" {slide:8.2f} {slide / rolled:8.2f}"
        print(row)


if __name__ == "__main__":
    main()
