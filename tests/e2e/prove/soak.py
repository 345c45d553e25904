"""Run e: the console, two watching programs and a writer on one store for minutes, with the real mail server."""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from carecli_process import clean_environment
from e2e.prove.desk import ProofDesk, Text
from e2e.prove.figures import Figures
from e2e.prove.truth import compare
from mail_desk import SECRET
from mail_peer import MailPeer

_KEYS = ("Down", "Down", "Down", "Up", "Enter", "Escape", "Tab", "PageDown", "Home")
_HEADLESS = """
import asyncio, random, sys
from carecli.bootstrap import open_workspace
from carecli.tui.app import Console

async def main():
    app = Console(open_workspace(sys.argv[1]))
    async with app.run_test(size=(120, 36)) as pilot:
        while True:
            await pilot.press(random.choice(("down", "up", "enter", "escape")))
            await pilot.pause(0.5)

asyncio.run(main())
"""


class _Console:
    """The console in a terminal (tmux), or without a screen where there is no tmux."""

    def __init__(self, desk: ProofDesk) -> None:
        self._socket = f"carecli-{uuid.uuid4().hex[:8]}"
        self._headless: subprocess.Popen[bytes] | None = None
        self._environment = {**clean_environment(), **SECRET, "CARECLI_HOME": str(desk.home)}
        self._environment |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        if shutil.which("tmux") is None:
            command = [sys.executable, "-c", _HEADLESS, str(desk.home)]
            self._headless = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)
            self.pid = self._headless.pid
            return
        self._tmux(
            "new-session", "-d", "-x", "120", "-y", "36", f"{sys.executable} -m carecli; echo ended $?; sleep 9999"
        )
        time.sleep(1.5)
        shell = int(self._tmux("display-message", "-p", "#{pane_pid}").strip())
        self.pid = next(iter(children(shell)), shell)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, env=self._environment, check=False
        )
        return done.stdout

    def press(self, chance: random.Random) -> None:
        """One key that looks around and changes nothing."""
        if self._headless is None:
            self._tmux("send-keys", chance.choice(_KEYS))

    def close(self) -> str:
        """Ends the console; returns what it left on the screen, or how it ended by itself."""
        if self._headless is not None:
            alive = self._headless.poll() is None
            self._headless.kill()
            self._headless.wait()
            return "ended 0" if alive else "the console died"
        self._tmux("send-keys", "Escape", "Escape", "q")
        deadline = time.monotonic() + 10
        while "ended" not in (screen := self._tmux("capture-pane", "-p")) and time.monotonic() < deadline:
            time.sleep(0.2)
            if deadline - time.monotonic() < 5:
                self._tmux("send-keys", "Escape", "q")
        self._tmux("kill-server")
        return screen


def children(pid: int) -> list[int]:
    """Child processes, from /proc."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def resident(pid: int) -> float | None:
    """Resident memory in megabytes."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    return None


def run_soak(peer: MailPeer, folder: Path, seed: int, seconds: float) -> Figures:
    """Everything at once; then counts, and looks for complaints and for memory that grew."""
    row = Figures("e: soak")
    peer.empty("support@care.test")
    desk = ProofDesk(folder / "soak", peer, "support", seed)
    started = time.monotonic()
    memory: dict[str, list[float]] = defaultdict(list)
    try:
        desk.write_customers(30)
        console = _Console(desk)
        watchers = [desk.spawn("sync", "--watch", "2") for _ in range(2)]
        named = {"console": console.pid, "watcher 1": watchers[0].pid, "watcher 2": watchers[1].pid}
        stop = threading.Event()
        acts: Counter[str] = Counter()
        writer = threading.Thread(target=_write, args=(desk, random.Random(seed), stop, acts))
        writer.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            its_sync = dict(zip(("console's sync",), children(console.pid), strict=False))
            for name, pid in (named | its_sync).items():
                if (size := resident(pid)) is not None:
                    memory[name].append(size)
            console.press(desk.chance)
            time.sleep(0.5)
        stop.set()
        writer.join(120)
        row.expect(not writer.is_alive(), "the writer hangs")
        row.expect(all(watcher.poll() is None for watcher in watchers), "a watching program ended by itself")
        screen = console.close()
        row.expect("ended 0" in screen, f"the console ended badly: {screen[-300:]}")
        for watcher in watchers:
            watcher.terminate()
            watcher.wait(20)
            row.expect(watcher.returncode in (0, -15), f"a watching program ended with {watcher.returncode}")
        for _ in range(20):
            desk.sync()
            if not desk.open_operations():
                break
        compare(desk, row)
        said = _said(desk)
        row.expect(not said, f"said on standard error: {said[:3]}")
    finally:
        desk.close()
    row.faults = desk.faults()
    row.seconds = time.monotonic() - started
    row.notes.append("the writer: " + ", ".join(f"{number} {name}" for name, number in acts.most_common()))
    for name, sizes in memory.items():
        _flat(row, name, sizes)
    return row


def _flat(row: Figures, name: str, sizes: list[float]) -> None:
    """Compares the memory of the first and the last quarter of the time after the program has started."""
    begun = sizes[max(4, len(sizes) // 10) :]
    if len(begun) < 8:
        row.expect(False, f"too few looks at the memory of the {name}")
        return
    quarter = len(begun) // 4
    means = [statistics.mean(begun[at * quarter : (at + 1) * quarter]) for at in range(4)]
    row.notes.append(f"memory of the {name}, MB by quarter: " + ", ".join(f"{mean:.0f}" for mean in means))
    grown = f"the memory of the {name} grew from {means[0]:.0f} to {means[3]:.0f} MB"
    row.expect(means[3] <= means[0] * 1.2 + 8, grown)


def _said(desk: ProofDesk) -> list[str]:
    return [line for file in desk.home.glob("stderr-*.txt") for line in file.read_text("utf-8").splitlines() if line]


def _write(desk: ProofDesk, chance: random.Random, stop: threading.Event, acts: Counter[str]) -> None:
    """Replies, notes and changes by command, and new customers, until ``stop``."""
    tickets = [(str(ref), int(str(key))) for ref, key in desk.sql("SELECT 'support:' || number, id FROM ticket")]
    lock = threading.Lock()

    def text(ref: str, key: int, verb: str) -> None:
        note = verb == "note"
        with lock:
            number = len(desk.texts)
            token = f"{desk.note_word if note else 'answer-' + desk.marker}-{number:05d}"
        more = ["--queue"] if chance.random() < 0.5 and not note else []
        made = desk.run("ticket", verb, ref, "--body", f"Hello,\n\n{token}\n", "--json", *more, code=None)
        if made.code not in (0, 9):
            desk.complaints[f"ticket {verb}: exit code {made.code}: {made.err[-200:]}"] += 1
            return
        desk.texts.append(Text(made.json[0]["id"], key, note, token))

    def change(ref: str, _key: int, verb: str) -> None:
        status = chance.choice(("open", "pending"))
        words = {"status": ("status", status, ref), "tag": ("tag", ref, "--add", f"t{number}")}
        done = desk.run("ticket", *words[verb], "--json", code=None)
        if done.code:
            desk.complaints[f"ticket {verb}: exit code {done.code}: {done.err[-200:]}"] += 1

    def customer(_ref: str, _key: int, _verb: str) -> None:
        name = f"n{number}.{desk.marker}"
        desk.peer.save(
            f"From: {name}@customers.test\r\nTo: {desk.address}\r\nSubject: New {name}\r\n"
            f"Message-ID: <{name}@customers.test>\r\n\r\nHello?\r\n".encode(),
            desk.address,
        )

    todo: list[tuple[str, Callable[[str, int, str], None]]] = [
        *[("reply", text)] * 5,
        ("note", text),
        ("status", change),
        ("tag", change),
        ("customer", customer),
    ]
    number = 0
    while not stop.is_set():
        number += 1
        verb, act = chance.choice(todo)
        act(*chance.choice(tickets), verb)
        acts[verb] += 1
        stop.wait(chance.uniform(0, 0.5))
