"""First frame, key to paint and memory of the console, against an empty Textual app, DataTable and aerc.

All run in a pseudo-terminal of 120 by 40, in interleaved rounds, so that a busy machine disturbs all alike. Run by
itself: python tests/bench/bench_console.py [rounds] [home of a demo store].
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import corpus
from measure import Row, environment, table

PRESSES = 10  # within the rows in sight, down and up again
_SEQUENCE = re.compile(rb"\x1b(\[[0-9;?<>=]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()].|[=>])")

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

    def __init__(self, command: Sequence[str], env: dict[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environ = {**environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environ,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - aerc opens /dev/tty; no threads here
        )
        os.close(slave)

    def until(self, marker: bytes, seconds: float = 60.0) -> float:
        """Milliseconds since the start until the marker was painted."""
        seen = b""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if select.select([self.master], [], [], 0.5)[0]:
                seen += os.read(self.master, 65536)
                if marker in _SEQUENCE.sub(b"", seen):
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

    def cpu(self) -> float:
        """Milliseconds of CPU the program has spent."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Megabytes of memory the program holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024

    def close(self) -> None:
        """End the program."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


@dataclass
class Program:
    """A program to measure: what it shows when it is ready, and the keys that move down and up in its list."""

    command: Sequence[str]
    marker: bytes
    keys: tuple[bytes, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    frames: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    presses: list[float] = field(default_factory=list)
    scrolls: list[float] = field(default_factory=list)
    memories: list[float] = field(default_factory=list)

    def run(self, *, first_frame_only: bool = False) -> None:
        """Measure once."""
        terminal = Terminal(self.command, self.env)
        try:
            self.frames.append(terminal.until(self.marker))
            self.cpus.append(terminal.cpu())
            terminal.quiet(0.6)
            self.memories.append(terminal.memory())
            if self.keys and not first_frame_only:
                for _ in range(2):
                    self.presses += [terminal.key(one) for one in self.keys for _ in range(PRESSES)]
                for _ in range(45):
                    terminal.press(self.keys[0])
                self.scrolls += [terminal.key(self.keys[0]) for _ in range(PRESSES)]
        finally:
            terminal.close()


def maildir(mails: int) -> Path:
    """A Maildir of that many small mails; made once, then kept."""
    home = Path(tempfile.gettempdir()) / f"carecli-bench-maildir-{mails}"
    if not (home / "built").exists():
        shutil.rmtree(home, ignore_errors=True)
        for name in ("cur", "new", "tmp"):
            (home / "mail" / "INBOX" / name).mkdir(parents=True)
        for number in range(mails):
            text = (
                f"From: Person {number} <person{number}@example.org>\nTo: help@example.com\n"
                f"Subject: READY subject {number}\nMessage-ID: <{number}@example.org>\n"
                f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime(1_700_000_000 + number * 60))}\n"
                "Content-Type: text/plain\n\nWhere is my parcel?\n"
            )
            (home / "mail" / "INBOX" / "cur" / f"{1_700_000_000 + number * 60}.{number}.host:2,S").write_text(text)
        (home / "built").touch()
    return home


def aerc(mails: int) -> Program | None:
    """The mail reader aerc on a Maildir; ``None`` where it is not installed."""
    program = shutil.which("aerc")
    if program is None:
        return None
    home = maildir(mails)
    settings = home / "config" / "aerc"
    settings.mkdir(parents=True, exist_ok=True)
    account = f"[bench]\nsource = maildir://{home / 'mail'}\ndefault = INBOX\nfrom = Help <help@example.com>\n"
    (settings / "accounts.conf").write_text(account)
    (settings / "accounts.conf").chmod(0o600)
    for name in ("aerc.conf", "binds.conf"):
        shipped = Path("/usr/share/aerc") / name
        (settings / name).write_text(shipped.read_text() if shipped.exists() else "")
    places = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home / "cache"), "HOME": str(home)}
    return Program([program], b"READY", (b"j", b"k"), places)


def rows(home: Path, tickets: int, rounds: int) -> list[Row]:
    """First frame, keys and memory on a large store."""
    with tempfile.TemporaryDirectory() as folder:
        return _measured(corpus.copy_of(home, Path(folder) / "home"), tickets, rounds)


def _measured(home: Path, tickets: int, rounds: int) -> list[Row]:
    python = [sys.executable, "-c"]
    empty = Program([*python, EMPTY], b"READY")
    grid = Program([*python, TABLE], b"READY", (b"\x1b[B", b"\x1b[A"))
    console = Program([*python, CONSOLE, str(home)], b"Inbox", (b"j", b"k"))
    syncing = Program([*python, CONSOLE, str(home), "sync"], b"Inbox", (b"j", b"k"))
    mail = aerc(tickets)
    for program in (empty, grid, console):  # once for byte code and page cache
        program.run(first_frame_only=True)
        program.frames.clear()
        program.cpus.clear()
    for number in range(rounds):
        for program in (empty, grid, console, syncing):
            program.run()
        if mail is not None and number < 3:
            mail.run()
    return _rows(empty, grid, console, syncing, mail, f"{tickets:,} tickets")


def _rows(
    empty: Program, grid: Program, console: Program, syncing: Program, mail: Program | None, where: str
) -> list[Row]:
    middle = statistics.median
    frame, pressed, held = middle(console.frames), middle(console.presses), middle(console.memories)
    shown = f"console, {where}"
    found = [
        Row("T1", f"{shown}: first frame, by an empty Textual app", frame, middle(empty.frames), "ms", 1.4),
        Row("T1", f"{shown}: CPU to the first frame", middle(console.cpus), middle(empty.cpus), "ms CPU", 1.4),
        Row("T3", f"{shown}: key to paint, by DataTable's of 1,000", pressed, middle(grid.presses), "ms", 0.5),
        Row(
            "T3",
            f"{shown}: key to paint, p95",
            _p95(console.presses),
            None,
            "ms",
            16,
            f"DataTable {_p95(grid.presses):.1f}",
        ),
        Row(
            "T3", f"{shown}: key that scrolls, by DataTable's", middle(console.scrolls), middle(grid.scrolls), "ms", 0.5
        ),
        Row("T3", f"{shown}: key while a sync runs, by idle", middle(syncing.presses), pressed, "ms", 1.25),
        Row("T4", f"{shown}: memory, by an empty Textual app", held, middle(empty.memories), "MB", 2),
    ]
    if mail is not None:
        found += [
            Row("T2", f"{shown}: first frame, by aerc's with as many mails", frame, middle(mail.frames), "ms", 0.2),
            Row("T3", f"{shown}: key to paint, by aerc's", pressed, middle(mail.presses), "ms", 0.5),
            Row("T4", f"{shown}: memory, by aerc's", held, middle(mail.memories), "MB", 0.4),
        ]
    return found


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    given = Path(sys.argv[2]) if len(sys.argv) > 2 else corpus.demo_store(100_000)
    print(table(rows(given, 100_000, int(sys.argv[1]) if len(sys.argv) > 1 else 5)))
