"""The event log: every change with who, from where, from what to what; and a ticket as it was."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from carecli.bootstrap import Workspace, open_workspace
from carecli.domain.conversation import DraftMode
from carecli.domain.errors import NotFoundError, UsageError
from workbench import draft_of


def events(ws: Workspace, **more: Any) -> list[tuple[Any, ...]]:
    found = [json.loads(text) for text in ws.audit.list_json(**more)]
    return [(e["actor"], e["origin"], e["ref"], e["verb"], e["field"], e["old"], e["new"]) for e in found]


def test_what_i_changed_today(ws: Workspace) -> None:
    key = ws.tickets.find("desk:1001")
    was = ws.tickets.get(key)
    (made,) = ws.tickets.set_priority([key], "urgent")
    ws.tickets.tag([key], ["x"], [])
    ws.tickets.undo()
    reply = ws.replies.make(draft_of(ws.replies.plan(key, DraftMode.REPLY), "words"), hold_seconds=60)[0]
    found = [json.loads(text) for text in ws.audit.today_json()]
    me, ref = "Sam Rivera", "desk:1001"
    tags = ", ".join(was.tags) if was.tags else ""
    assert [(e["verb"], e["field"], e["old"], e["new"]) for e in found] == [
        ("changed", "priority", str(was.priority), "urgent"),
        ("changed", "tags", tags, ", ".join([*was.tags, "x"])),
        ("changed", "tags", ", ".join([*was.tags, "x"]), tags),
        ("reply", None, None, None),
    ]
    assert {(e["actor"], e["origin"], e["ref"]) for e in found} == {(me, "console", ref)}
    assert (found[0]["operation"], found[3]["operation"]) == (made.id, reply.id)


def test_events_are_chosen_by_who_where_and_when(ws: Workspace) -> None:
    one, two = (ws.tickets.find(f"desk:{number}") for number in (1001, 1002))
    ws.tickets.set_priority([one, two], "urgent")
    assert len(events(ws, since="2h", actor="me")) == 2
    assert len(events(ws, since="2h", actor="me", ticket=one)) == 1
    assert [e[2] for e in events(ws, since="2h", actor="me", limit=1)] == ["desk:1002"]
    assert events(ws, since="2h", actor="somebody else") == []
    assert events(ws, actor="me", origin="cli") == []
    assert {e[1] for e in events(ws)} == {"remote", "console"}
    with pytest.raises(UsageError):
        events(ws, since="whenever")


def test_a_remote_change_is_an_event_with_names(ws: Workspace, home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.toml").write_text((home / "config.toml").read_text("utf-8").replace("Sam", "Kim"), "utf-8")
    colleague = open_workspace(str(other), origin="cli")
    colleague.syncing.run([], threading.Event())
    key = colleague.tickets.find("desk:1001")
    colleague.tickets.assign([key], None)
    colleague.tickets.tag([key], ["theirs"], [])
    colleague.syncing.run([], threading.Event())
    colleague.close()
    ws.tickets.set_priority([ws.tickets.find("desk:1001")], "urgent")
    ws.syncing.run([], threading.Event())
    found = {e[4]: e for e in events(ws, since="1h", origin="remote", ticket=ws.tickets.find("desk:1001"))}
    assert found["tags"][6].endswith("theirs")
    assert "priority" not in found, "our own change that waited is none of theirs"


def as_of(ws: Workspace, key: int, when: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ws.audit.as_of_json(key, when))
    return found


def test_a_ticket_as_it_was(ws: Workspace) -> None:
    key = ws.tickets.find("desk:1001")
    was = ws.tickets.get(key)
    said = len(ws.tickets.conversation(key).messages)
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    ws.tickets.set_priority([key], "urgent" if was.priority != "urgent" else "low")
    ws.tickets.set_status([key], "on_hold")
    ws.tickets.tag([key], ["later"], list(was.tags))
    ws.tickets.snooze([key], 1_900_000_000_000)
    ws.replies.make(draft_of(ws.replies.plan(key, DraftMode.NOTE), "a note"))
    now = as_of(ws, key, "now")
    assert (now["status"], now["tags"], len(now["messages"])) == ("on_hold", ["later"], said + 1)
    then = as_of(ws, key, before)
    assert (then["status"], then["priority"], then["tags"]) == (was.status, was.priority, list(was.tags))
    assert (then["snoozed_until"], then["message_count"], len(then["messages"])) == (None, said, said)
    assert {event["origin"] for event in then["events"]} == {"remote"}
    assert then["as_of"] == before


def test_a_ticket_before_it_was_known(ws: Workspace) -> None:
    with pytest.raises(NotFoundError) as early:
        as_of(ws, ws.tickets.find("desk:1001"), "2001-01-01")
    assert early.value.code == "NOT_YET"


def test_half_a_conversation(ws: Workspace) -> None:
    key = next(
        one
        for number in range(1001, 1013)
        if len(ws.tickets.conversation(one := ws.tickets.find(f"desk:{number}")).messages) > 2
    )
    messages = ws.tickets.conversation(key).messages
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(messages[0].sent_at / 1000 + 1))
    assert [one["body_text"] for one in as_of(ws, key, when)["messages"]] == [messages[0].body_text]


def test_the_status_of_a_mailbox_is_told_by_what_was_said(ws: Workspace) -> None:
    key = ws.tickets.find("desk:1001")
    ws.store.connection.execute("UPDATE ticket SET local_status = 1, status = 'open' WHERE id = ?", (key,))
    start = time.time() - 1
    ws.store.connection.execute("DELETE FROM event WHERE ticket_id = ?", (key,))
    ws.replies.make(draft_of(ws.replies.plan(key, DraftMode.REPLY), "We look into it."), hold_seconds=0)
    assert as_of(ws, key, "now")["status"] == "pending"
    ws.tickets.set_status([key], "solved")
    assert as_of(ws, key, "now")["status"] == "solved"
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start))
    assert as_of(ws, key, before)["status"] in ("new", "open", "pending")
