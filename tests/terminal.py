"""A terminal of its own (tmux) with the console in it, driven as a person would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from carecli_process import clean_environment
from mail_desk import until


class Terminal:
    """Runs the console on a home; ``close`` ends the terminal and what runs in it."""

    def __init__(self, home: Path, columns: int, rows: int, environment: Mapping[str, str] | None = None) -> None:
        self._socket = f"carecli-{uuid.uuid4().hex[:8]}"
        self._environment = {
            **clean_environment(),
            **(environment or {}),
            "CARECLI_HOME": str(home),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        # Whatever the console leaves behind stays to be read.
        command = f"{sys.executable} -m carecli; sleep 60"
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments], capture_output=True, text=True, env=self._environment, check=True
        )
        return done.stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def keys(self, *names: str) -> None:
        self.tmux("send-keys", *names)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)

    def shows(self, text: str, seconds: float = 20) -> None:
        until(seconds, f"{text!r} on the screen", lambda: text in self.screen(), self.screen)

    def kill_console(self) -> None:
        """Ends the console as a crash would: no handler runs, nothing is written any more."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        for child in Path(f"/proc/{shell}/task/{shell}/children").read_text("ascii").split():
            os.kill(int(child), signal.SIGKILL)

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)
