"""The short form of the proof of "never lost, never doubled" on a real mail server; ``make prove`` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.prove.__main__ import RUNS
from e2e.prove.figures import SHORT, table
from mail_peer import MailPeer

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("mail")]


@pytest.mark.parametrize("name", [*RUNS])
def test_the_promises_hold(mail_peer: MailPeer, tmp_path: Path, name: str) -> None:
    row = RUNS[name](mail_peer, tmp_path, 7, SHORT)
    print(table([row]))
    assert row.broken == []
