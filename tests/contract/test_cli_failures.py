"""What a write answers when the vendor does not: refused, overtaken, lost on the way, throttled, signed out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carecli_process import run_carecli

Desk = Callable[..., Path]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Makes a synced demo desk, then gives it scripted failures."""

    def make(*fail: str) -> Path:
        home = tmp_path / "desk"
        home.mkdir()
        config = f"""[agent]\nname = "Sam Rivera"\n[accounts.desk]\nconnector = "demo"\ntickets = 12
state_file = {json.dumps(str(home / "state.jsonl"))}\n"""
        (home / "config.toml").write_text(config, "utf-8")
        run_carecli(["sync"], home)
        (home / "config.toml").write_text(f"{config}fail = {json.dumps(list(fail))}\n", "utf-8")
        return home

    return make


def kept(home: Path, operation: str) -> list[dict[str, Any]]:
    """What the desk kept of an operation."""
    entries = [json.loads(line) for line in (home / "state.jsonl").read_text("utf-8").splitlines()[1:]]
    return [entry for entry in entries if entry.get("op") == operation]


def note(home: Path, code: int) -> tuple[dict[str, Any], str]:
    """The operation of a note, and what was said on stderr."""
    done = run_carecli(["ticket", "note", "desk:1001", "--body", "between us", "--json"], home, code=code)
    (made,) = done.json
    return made, done.err


def state(home: Path, operation: str) -> str:
    found: str = run_carecli(["outbox", "show", operation, "--json"], home).json["state"]
    return found


def test_a_refusal_is_exit_6_and_can_be_sent_again(desk: Desk) -> None:
    home = desk("reject")
    made, err = note(home, 6)
    assert made["state"] == "failed"
    assert "refused" in made["last_error"]
    assert made["last_error"] in err
    assert kept(home, made["id"]) == []
    assert [one["id"] for one in run_carecli(["outbox", "list", "--json"], home).json] == [made["id"]]
    assert run_carecli(["doctor", "--json"], home, code=1).json
    assert run_carecli(["ticket", "show", "desk:1001", "--json"], home).json["sync_state"] == "conflict"
    (again,) = run_carecli(["outbox", "retry", made["id"], "--json"], home).json
    assert again["state"] == "done"
    assert len(kept(home, made["id"])) == 1


def test_a_refusal_can_be_discarded(desk: Desk) -> None:
    home = desk("reject")
    made, _ = note(home, 6)
    run_carecli(["outbox", "cancel", made["id"]], home)
    assert state(home, made["id"]) == "cancelled"
    shown = run_carecli(["ticket", "show", "desk:1001", "--json"], home).json
    assert "between us" not in [one["body_text"] for one in shown["messages"]]
    assert shown["sync_state"] == "clean"


def colleague(home: Path, tmp_path: Path) -> Path:
    """The home of a colleague who works on the same desk."""
    other = tmp_path / "colleague"
    other.mkdir()
    (other / "config.toml").write_text((home / "config.toml").read_text("utf-8").replace("Sam", "Kim"), "utf-8")
    run_carecli(["sync"], other)
    return other


def test_changes_of_different_fields_on_both_sides_merge(desk: Desk, tmp_path: Path) -> None:
    home = desk()
    other = colleague(home, tmp_path)
    run_carecli(["ticket", "tag", "desk:1001", "--add", "theirs"], other)
    run_carecli(["ticket", "status", "on_hold", "desk:1001"], other)
    run_carecli(["ticket", "tag", "desk:1001", "--add", "mine"], home)
    (made,) = run_carecli(["ticket", "priority", "urgent", "desk:1001", "--json"], home).json
    assert made["state"] == "done"
    for one in (home, other):
        run_carecli(["sync"], one)
        shown = run_carecli(["ticket", "show", "desk:1001", "--json"], one).json
        assert (shown["status"], shown["priority"]) == ("on_hold", "urgent")
        assert {"mine", "theirs"} <= set(shown["tags"])


def test_the_same_field_changed_on_both_sides_is_a_conflict_with_both_values(desk: Desk, tmp_path: Path) -> None:
    home = desk()
    other = colleague(home, tmp_path)
    run_carecli(["ticket", "priority", "low", "desk:1001"], other)
    done = run_carecli(["ticket", "priority", "urgent", "desk:1001", "--json"], home, code=7)
    (made,) = done.json
    assert (made["state"], made["last_error"]) == ("conflict", "priority was changed to low in the meantime")
    assert '"code": "FIELD_CONFLICT"' in done.err
    assert run_carecli(["ticket", "show", "desk:1001", "--json"], home).json["priority"] == "low"
    decision = run_carecli(["outbox", "show", made["id"]], home).out
    assert "mine  urgent" in decision
    assert "theirs  low" in decision
    run_carecli(["outbox", "resolve", made["id"], "--keep", "mine"], home)
    run_carecli(["sync"], other)
    assert run_carecli(["ticket", "show", "desk:1001", "--json"], other).json["priority"] == "urgent"


def test_a_reply_that_a_colleague_overtook_stops_even_when_nothing_was_pulled(desk: Desk, tmp_path: Path) -> None:
    home = desk()
    other = colleague(home, tmp_path)
    run_carecli(["ticket", "reply", "desk:1001", "--body", "I take care of it."], other)
    done = run_carecli(["ticket", "reply", "desk:1001", "--body", "Me too.", "--json"], home, code=7)
    (made,) = done.json
    assert made["state"] == "conflict"
    assert '"code": "STALE_REPLY"' in done.err
    assert "I take care of it." in run_carecli(["outbox", "show", made["id"]], home).out
    assert not kept(home, made["id"])
    run_carecli(["outbox", "resolve", made["id"], "--send"], home)
    assert len(kept(home, made["id"])) == 1


def test_a_conflict_is_exit_7_and_waits_for_a_person(desk: Desk) -> None:
    home = desk("stale", "stale", "stale")
    done = run_carecli(["ticket", "priority", "urgent", "desk:1001", "--json"], home, code=7)
    (made,) = done.json
    assert made["state"] == "conflict"
    run_carecli(["sync"], home)
    assert state(home, made["id"]) == "conflict"
    (again,) = run_carecli(["outbox", "resolve", made["id"], "--keep", "mine", "--json"], home).json
    assert again["state"] == "done"
    assert len(kept(home, made["id"])) == 1


def test_a_conflict_can_be_decided_for_the_other_side(desk: Desk) -> None:
    home = desk("stale", "stale", "stale")
    before = run_carecli(["ticket", "show", "desk:1001", "--json"], home).json["priority"]
    wanted = "low" if before != "low" else "high"
    (made,) = run_carecli(["ticket", "priority", wanted, "desk:1001", "--json"], home, code=7).json
    (ended,) = run_carecli(["outbox", "resolve", made["id"], "--keep", "theirs", "--json"], home).json
    assert ended["state"] == "cancelled"
    assert run_carecli(["ticket", "show", "desk:1001", "--json"], home).json["priority"] == before


def test_a_lost_answer_is_exit_9_and_ends_once(desk: Desk) -> None:
    home = desk("lose")
    made, _ = note(home, 9)
    assert (made["state"], made["attempts"]) == ("unknown", 1)
    run_carecli(["sync"], home)
    assert state(home, made["id"]) == "done"
    assert len(kept(home, made["id"])) == 1
    shown = run_carecli(["ticket", "show", "desk:1001", "--json"], home).json
    assert [one["body_text"] for one in shown["messages"]].count("between us") == 1
    assert shown["sync_state"] == "clean"


def test_a_broken_line_is_no_error(desk: Desk) -> None:
    home = desk("drop")
    made, err = note(home, 0)
    assert (made["state"], made["attempts"]) == ("ready", 1)
    assert made["not_before"]
    assert err == ""
    (again,) = run_carecli(["outbox", "retry", made["id"], "--json"], home).json
    assert again["state"] == "done"
    assert len(kept(home, made["id"])) == 1


def test_throttled_rests_the_account_and_loses_nothing(desk: Desk) -> None:
    home = desk("throttle")
    made, _ = note(home, 0)
    assert made["state"] == "ready"
    second = run_carecli(["ticket", "tag", "desk:1002", "--add", "x", "--json"], home).json[0]
    assert second["attempts"] == 0  # the account rests
    assert kept(home, second["id"]) == []


def test_signed_out_is_exit_3_and_keeps_the_operation(desk: Desk) -> None:
    home = desk("auth")
    done = run_carecli(["ticket", "note", "desk:1001", "--body", "x", "--json"], home, code=3)
    (made,) = done.json
    assert made["state"] == "ready"
    assert (done.error["code"], done.error["exit_code"]) == ("AUTH_FAILED", 3)
    assert run_carecli(["account", "show", "desk", "--json"], home).json["state"] == "auth"


@pytest.mark.parametrize(
    ("word", "exit_code", "state", "code"),
    [
        ("pull-auth", 3, "auth", "AUTH_FAILED"),
        ("pull-drop", 9, "unreachable", "UNREACHABLE"),
        ("pull-throttle", 9, "unreachable", "RATE_LIMITED"),
    ],
)
def test_a_sync_that_fails_says_how(desk: Desk, word: str, exit_code: int, state: str, code: str) -> None:
    home = desk(word)
    done = run_carecli(["sync", "--json"], home, code=exit_code)
    (report,) = done.json["accounts"]
    assert report["state"] == state
    assert report["error"] == done.error["message"]
    assert done.error["code"] == code
    assert done.error["retry_after"] == (2 if word == "pull-throttle" else None)
    assert run_carecli(["account", "list", "--json"], home).json[0]["state"] == state
    run_carecli(["sync", "--json"], home)
    assert run_carecli(["account", "list", "--json"], home).json[0]["state"] == "ok"


def test_one_of_several_accounts_that_fails_is_a_part(desk: Desk) -> None:
    home = desk("pull-auth")
    with (home / "config.toml").open("a", encoding="utf-8") as stream:
        stream.write('[accounts.other]\nconnector = "demo"\ntickets = 5\n')
    done = run_carecli(["sync", "--json"], home, code=8)
    assert {report["account"]: report["state"] for report in done.json["accounts"]} == {"desk": "auth", "other": "ok"}
    assert done.error["code"] == "PARTIAL"


def test_some_writes_that_fail_are_a_part(desk: Desk) -> None:
    home = desk("reject")
    done = run_carecli(["ticket", "tag", "desk:1001", "desk:1002", "--add", "x", "--json"], home, code=8)
    assert [one["state"] for one in done.json] == ["failed", "done"]


def test_a_text_too_long_for_its_channel_is_refused_before_it_leaves(demo_copy: Path) -> None:
    ref = run_carecli(["ticket", "list", "channel:whatsapp", "--limit", "1", "-q"], demo_copy).out.strip()
    done = run_carecli(["ticket", "reply", ref, "--body", "x" * 5000, "--json"], demo_copy, code=2)
    assert done.error["code"] == "NOT_SENDABLE"
    assert "4096" in done.error["message"]


def test_a_reply_that_was_overtaken_is_exit_7(desk: Desk) -> None:
    home = desk()
    ref = run_carecli(["ticket", "list", "channel:email", "--limit", "1", "-q"], home).out.strip()
    line = ["ticket", "reply", ref, "--body", "Dear customer", "--queue", "--json"]
    (made,) = run_carecli(line, home).json
    entry = {"kind": "news", "at": 4_000_000_000_000, "ticket": f"t{ref.partition(':')[2]}", "text": "One more thing"}
    with (home / "state.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")
    (report,) = run_carecli(["sync", "--json"], home, code=7).json["accounts"]
    assert (report["conflicts"], report["pushed"]) == (1, 0)
    assert state(home, made["id"]) == "conflict"
    assert kept(home, made["id"]) == []
    (sent,) = run_carecli(["outbox", "resolve", made["id"], "--send", "--json"], home).json
    assert sent["state"] == "done"
    assert len(kept(home, made["id"])) == 1


def test_an_overtaken_reply_can_become_a_draft_again(desk: Desk) -> None:
    home = desk("reject")
    ref = run_carecli(["ticket", "list", "channel:email", "--limit", "1", "-q"], home).out.strip()
    (made,) = run_carecli(["ticket", "reply", ref, "--body", "Dear customer", "--json"], home, code=6).json
    run_carecli(["outbox", "resolve", made["id"], "--edit", "--json"], home)
    (draft,) = run_carecli(["draft", "list", "--json"], home).json
    assert (draft["ref"], draft["body"], draft["mode"]) == (ref, "Dear customer", "reply")
    (sent,) = run_carecli(["draft", "send", draft["id"], "--json"], home).json
    assert sent["state"] == "done"
    assert run_carecli(["draft", "list", "--json"], home).json == []
