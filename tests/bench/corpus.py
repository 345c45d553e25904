"""Makes demo stores of any size and keeps them under the temporary folder, one for each version of the source."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from measure import SOURCE, carecli, environment

NOW = "1793404800"


def _version() -> str:
    """A name for the code that decides what a store holds."""
    digest = hashlib.sha256()
    for part in ("connectors/demo", "store", "sync"):
        for file in sorted((SOURCE / "carecli" / part).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def demo_store(tickets: int) -> Path:
    """The home of a demo store with that many tickets; made once, then kept. Copy it before writing to it."""
    home = Path(tempfile.gettempdir()) / f"carecli-bench-{_version()}-{tickets}"
    if (home / "built").exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    command = carecli("demo", "--build", "--tickets", str(tickets), "--home", str(home), "--json")
    done = subprocess.run(
        command, env=environment(CARECLI_ACCOUNTS_DEMO_NOW=NOW), capture_output=True, text=True, check=True
    )
    (home / "built").write_text(done.stdout, "utf-8")
    return home


def copy_of(home: Path, target: Path) -> Path:
    """A copy of a store's home for writing."""
    shutil.copytree(home, target)
    config = target / "config.toml"
    config.write_text(config.read_text("utf-8").replace(str(home), str(target)), "utf-8")
    return target


def any_ref(home: Path) -> str:
    """The reference of some open ticket."""
    command = carecli("ticket", "list", "status:open channel:email", "--limit", "1", "--json")
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)[0]["ref"])
