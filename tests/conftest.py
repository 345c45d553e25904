"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from carecli.store.engine import Store
from carecli_process import run_carecli
from mail_peer import MailPeer, PeerUnavailableError

# The same examples in every run, and no clock in the verdict: a slow machine is no defect.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def mail_peer() -> Iterator[MailPeer]:
    """A real Dovecot and Postfix, one for each test process; skips with the reason where that cannot be."""
    try:
        peer = MailPeer()
    except PeerUnavailableError as reason:
        pytest.skip(f"no mail server: {reason}")
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def demo_built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo workspace of 400 tickets that nobody writes to; copy it before changing it."""
    home = tmp_path_factory.mktemp("demo")
    run_carecli(["demo", "--build", "--home", str(home), "--json"], home)
    return home


@pytest.fixture(scope="session")
def demo_home(demo_built: Path) -> Path:
    """A demo workspace for reading."""
    return demo_built


@pytest.fixture
def demo_copy(demo_built: Path, tmp_path: Path) -> Path:
    """A demo workspace of its own, for writing."""
    home = tmp_path / "demo"
    shutil.copytree(demo_built, home)
    config = home / "config.toml"
    config.write_text(config.read_text("utf-8").replace(str(demo_built), str(home)), "utf-8")
    return home


@pytest.fixture(scope="session")
def empty_store_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store file that was just made; copy it before writing to it."""
    file = tmp_path_factory.mktemp("store") / "carecli.db"
    made = Store(str(file))
    made.connection.execute("PRAGMA wal_checkpoint(truncate)")
    made.close()
    return file


@pytest.fixture
def store(empty_store_file: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty store of its own."""
    file = tmp_path / "carecli.db"
    shutil.copyfile(empty_store_file, file)
    opened = Store(str(file))
    yield opened
    opened.close()
