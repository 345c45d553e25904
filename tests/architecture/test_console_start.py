"""What the console loads before its first frame: every module there is time that a person waits for the screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, json, sys
from carecli.cli import quick  # what the command line has loaded when it opens the console
from carecli.cli.flags import Flags
from carecli.bootstrap import open_workspace
from carecli.tui.app import Console

class Watched(Console):
    frames = []
    def post_display_hook(self):
        self.frames.append([self.desk.inbox.item_count(), sorted(sys.modules)])

async def main():
    app = Watched(open_workspace(sys.argv[1]), sync=False)
    async with app.run_test(size=(120, 40)) as pilot:
        while not app.frames:
            await pilot.pause(0.01)
        print(json.dumps(app.frames[0]))

asyncio.run(main())
"""
LATER = {
    "alembic",
    "click",
    "httpx",
    "imapclient",
    "importlib.metadata",
    "keyring",
    "msgspec",
    "multiprocessing",
    "pydantic",
    "selectolax",
    "sqlalchemy",
    "sqlite3",
    "sqlmodel",
    "tomlkit",
    "typer",
    "carecli.cli.tree",
    "carecli.config.edit",
    "carecli.config.secrets",
    "carecli.domain.knowledge",
    "carecli.services.customers",
    "carecli.services.knowledge",
    "carecli.services.syncing",
    "carecli.tui.commands.table",
    "carecli.tui.panes.composer",
}


def test_the_first_frame_waits_for_nothing_that_can_come_later(demo_copy: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(demo_copy)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "CARECLI_HOME": str(demo_copy)},
        timeout=60,
    )
    tickets, modules = json.loads(done.stdout)
    assert tickets > 0, "the first frame holds the inbox"
    assert set(modules) & LATER == set()
