"""Runs carecli in a process of its own, as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error on standard error, from its JSON line."""
        line = next(line for line in self.err.splitlines() if line.startswith('{"error"'))
        return json.loads(line)["error"]


def clean_environment() -> dict[str, str]:
    """The environment without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CARECLI_")}


def run_carecli(
    arguments: list[str],
    home: Path,
    *,
    stdin: str = "",
    code: int | None = 0,
    environment: dict[str, str] | None = None,
) -> Done:
    """Runs one command on a home; asserts its exit code unless ``code`` is ``None``."""
    done = subprocess.run(
        [sys.executable, "-m", "carecli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**clean_environment(), "CARECLI_HOME": str(home), **(environment or {})},
        timeout=120,
        check=False,
    )
    found = Done(done.returncode, done.stdout, done.stderr)
    if code is not None:
        assert found.code == code, f"{arguments}: exit {found.code}, {found.err[-2000:]}{found.out[-500:]}"
    return found
