"""A desk of two synced demo tickets for the services, with a push that can be called."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carecli.bootstrap import Workspace, open_workspace
from carecli.sync.run import Report

Push = Callable[[], Report]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a demo desk of twelve tickets."""
    state = json.dumps(str(tmp_path / "state.jsonl"))
    (tmp_path / "config.toml").write_text(
        f'[agent]\nname = "Sam Rivera"\n[accounts.desk]\nconnector = "demo"\ntickets = 12\nstate_file = {state}\n',
        "utf-8",
    )
    return tmp_path


@pytest.fixture
def ws(home: Path) -> Iterator[Workspace]:
    """The synced desk."""
    opened = open_workspace(str(home), origin="console")
    opened.syncing.run([], threading.Event())
    yield opened
    opened.close()


@pytest.fixture
def push(ws: Workspace) -> Push:
    """Pushes and pulls."""
    return lambda: ws.syncing.run([], threading.Event())[0]
