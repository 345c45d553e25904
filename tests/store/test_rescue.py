"""A damaged store is put aside, and the texts that only it has are carried over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carecli.bootstrap import open_workspace
from carecli.domain.conversation import DraftMode
from carecli.domain.errors import NotFoundError, UsageError
from carecli.services import upkeep
from carecli.store.engine import Store
from carecli_process import run_carecli
from workbench import draft_of


@pytest.fixture
def written(demo_copy: Path) -> Path:
    """A demo desk with a draft, a discarded draft, a reply that waits and one that left."""
    ws = open_workspace(str(demo_copy), origin="cli")
    keys = [ws.tickets.find(ref) for ref in run_carecli(["ticket", "list", "status:open", "-q"], demo_copy).out.split()]
    able = [key for key in keys if ws.tickets.capability(key, "reply") is None][:4]
    drafts = [draft_of(ws.replies.plan(key, DraftMode.REPLY), f"text {place}") for place, key in enumerate(able)]
    ws.drafts.save(drafts[0])
    ws.drafts.discard(ws.drafts.save(drafts[1]).draft.id)
    ws.replies.make(drafts[2], hold_seconds=0)
    left = ws.replies.make(drafts[3], hold_seconds=0)[0]
    ws.store.connection.execute("UPDATE operation SET state = 'done' WHERE id = ?", (left.id,))
    ws.close()
    return demo_copy


def damage(file: Path, table: str) -> None:
    """Overwrites the root page of a table."""
    store = Store(str(file))
    root = store.connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    size = store.connection.execute("PRAGMA page_size").fetchone()[0]
    store.connection.execute("PRAGMA wal_checkpoint(truncate)")
    store.close()
    with file.open("r+b") as stream:
        stream.seek((root - 1) * size)
        stream.write(b"\xff" * size)


def test_texts_are_carried_over_and_nothing_is_sent(written: Path) -> None:
    damage(written / "carecli.db", "message")
    done = run_carecli(["ticket", "show", "demo:1001", "--json"], written, code=11)
    assert (done.error["code"], "db rescue" in done.error["help"]) == ("STORE_DAMAGED", True)
    assert run_carecli(["db", "rescue", "--json"], written, code=2).error["code"] == "NO_CONSENT"
    found = run_carecli(["db", "rescue", "--yes", "--json"], written).json
    assert (found["drafts"], found["texts"], found["unreadable"]) == (2, 1, 0)
    assert Path(found["aside"]).exists()
    assert run_carecli(["db", "check", "--json"], written).json["ok"]
    bodies = {draft["body"]: draft["ref"] for draft in run_carecli(["draft", "list", "--json"], written).json}
    assert sorted(bodies) == ["text 0", "text 2"]
    assert all(ref.startswith("demo:") for ref in bodies.values())
    assert [d["body"] for d in run_carecli(["draft", "list", "--discarded", "--json"], written).json] == ["text 1"]
    assert run_carecli(["outbox", "list", "--json"], written).json == []
    run_carecli(["sync", "--full"], written)
    assert len(run_carecli(["ticket", "list", "-q", "--limit", "0"], written).out.split()) == 400


def test_a_backup_is_where_it_starts_from(written: Path, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup.db")
    run_carecli(["db", "backup", backup], written)
    run_carecli(["ticket", "note", "demo:1001", "--body", "after the backup", "--queue"], written)
    damage(written / "carecli.db", "ticket")
    found = run_carecli(["db", "rescue", "--from", backup, "--yes", "--json"], written).json
    assert found["from"] == backup
    assert "after the backup" in [draft["body"] for draft in run_carecli(["draft", "list", "--json"], written).json]
    assert run_carecli(["ticket", "show", "demo:1001", "--json"], written).json["ref"] == "demo:1001"


def test_what_cannot_be_read_is_counted(written: Path) -> None:
    damage(written / "carecli.db", "draft")
    found = upkeep.rescue(str(written / "carecli.db"))
    assert (found["drafts"], found["texts"]) == (0, 1)
    assert found["unreadable"]


def test_texts_that_make_no_sense_are_counted(written: Path) -> None:
    store = Store(str(written / "carecli.db"))
    store.connection.execute("UPDATE operation SET payload = '{}' WHERE state <> 'done'")
    store.connection.execute("UPDATE draft SET mode = 'song' WHERE body = 'text 0'")
    store.close()
    found = upkeep.rescue(str(written / "carecli.db"))
    assert (found["drafts"], found["texts"], found["unreadable"]) == (1, 0, 2)


def test_what_is_no_store_is_put_aside_whole(tmp_path: Path) -> None:
    file = tmp_path / "carecli.db"
    with pytest.raises(NotFoundError):
        upkeep.rescue(str(file))
    file.write_bytes(b"no store at all " * 100)
    with pytest.raises(UsageError, match="is no intact store"):
        upkeep.rescue(str(file), str(tmp_path / "nowhere.db"))
    found = upkeep.rescue(str(file))
    assert Path(str(found["aside"])).read_bytes() == b"no store at all " * 100
    assert json.loads(json.dumps(found))["texts"] == 0
