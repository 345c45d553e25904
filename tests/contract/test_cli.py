"""The command line contract by subprocess: exit codes, output formats, references, writes and their undoing."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carecli_process import Done, run_carecli

MACHINE = {"code", "message", "help", "exit_code", "retry_after"}


def rows(home: Path, sql: str) -> list[Any]:
    """What the store says."""
    connection = sqlite3.connect(home / "carecli.db")
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


def some(home: Path, query: str, count: int = 1) -> list[str]:
    """References of tickets of a query."""
    found = run_carecli(["ticket", "list", query, "--limit", str(count), "-q"], home).out.split()
    assert len(found) == count
    return found


def account(home: Path, name: str, **options: object) -> None:
    """Adds a demo account to the configuration."""
    lines = [f"[accounts.{name}]", 'connector = "demo"', *(f"{key} = {json.dumps(v)}" for key, v in options.items())]
    with (home / "config.toml").open("a", encoding="utf-8") as stream:
        stream.write("\n" + "\n".join(lines) + "\n")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two small demo desks with the same numbers."""
    home = tmp_path / "two"
    home.mkdir()
    (home / "config.toml").write_text('[agent]\nname = "Sam Rivera"\n', "utf-8")
    for name in ("east", "west"):
        account(home, name, tickets=12, state_file=str(home / f"{name}.jsonl"))
    run_carecli(["sync", "--json"], home)
    return home


@pytest.mark.parametrize(
    ("line", "exit_code", "error"),
    [
        (["ticket", "list", "status:odd"], 2, "BAD_QUERY"),
        (["ticket", "list", "created:soon"], 2, "BAD_QUERY"),
        (["ticket", "list", "--colour", "red"], 2, "USAGE"),
        (["ticket", "list", "--limit", "many"], 2, "USAGE"),
        (["ticket", "list", "--limit", "²"], 2, "USAGE"),
        (["ticket", "frobnicate"], 2, "USAGE"),
        (["frobnicate"], 2, "USAGE"),
        (["ticket", "show", "demo:"], 2, "BAD_REF"),
        (["ticket", "show"], 2, "USAGE"),
        (["ticket", "list", "-o", "yaml"], 2, "USAGE"),
        (["search", " "], 2, "EMPTY_QUERY"),
        (["ticket", "status", "odd", "demo:1001"], 2, "BAD_STATUS"),
        (["ticket", "priority", "odd", "demo:1001"], 2, "BAD_PRIORITY"),
        (["ticket", "tag", "demo:1001"], 2, "NO_TAGS"),
        (["ticket", "reply", "demo:1001"], 2, "NO_BODY"),
        (["ticket", "note", "demo:1001"], 2, "NO_BODY"),
        (["ticket", "note", "demo:1001", "--body", "  "], 2, "NOT_SENDABLE"),
        (["ticket", "reply", "demo:1001", "--body", "Dear {{name}}"], 2, "NOT_SENDABLE"),
        (["ticket", "reply", "demo:1001", "--body-file", "nowhere.txt"], 2, "BAD_FILE"),
        (["ticket", "reply", "-", "--body-file", "-"], 2, "STDIN_TWICE"),
        (["ticket", "note", "demo:1001", "--body", "x", "--attach", "nowhere.pdf"], 2, "BAD_ATTACHMENT"),
        (["ticket", "status", "open", "demo:1001", "--read-only"], 2, "READ_ONLY"),
        (["customer", "show", "Jo"], 2, "BAD_ID"),
        (["customer", "show", "²"], 2, "BAD_ID"),
        (["kb", "show", "²"], 2, "BAD_ID"),
        (["sync", "--pull-only", "--push-only"], 2, "USAGE"),
        (["outbox", "resolve", "X"], 2, "USAGE"),
        (["outbox", "list", "--state", "odd"], 2, "USAGE"),
        (["completion", "tcsh"], 2, "USAGE"),
        ([], 2, "NO_TERMINAL"),
        (["demo"], 2, "NO_TERMINAL"),
        (["account", "add", "demo", "--connector", "demo"], 2, "ACCOUNT_EXISTS"),
        (["ticket", "show", "demo:404"], 5, "TICKET_NOT_FOUND"),
        (["ticket", "show", "404"], 5, "TICKET_NOT_FOUND"),
        (["ticket", "show", "other:1001"], 5, "TICKET_NOT_FOUND"),
        (["ticket", "list", "--view", "nowhere"], 5, "VIEW_NOT_FOUND"),
        (["ticket", "assign", "Nobody Known", "demo:1001"], 5, "AGENT_NOT_FOUND"),
        (["ticket", "status", "open", "demo:404"], 5, "TICKET_NOT_FOUND"),
        (["ticket", "undo"], 5, "NOTHING_TO_UNDO"),
        (["ticket", "undo", "01ARYZ6S410000000000000000"], 5, "OPERATION_NOT_FOUND"),
        (["customer", "show", "999999"], 5, "CUSTOMER_NOT_FOUND"),
        (["customer", "show", "9" * 30], 5, "CUSTOMER_NOT_FOUND"),
        (["kb", "show", "9" * 30], 5, "ARTICLE_NOT_FOUND"),
        (["draft", "show", "X"], 5, "DRAFT_NOT_FOUND"),
        (["draft", "restore", "X"], 5, "DRAFT_NOT_FOUND"),
        (["account", "show", "other"], 5, "ACCOUNT_NOT_FOUND"),
        (["sync", "other"], 5, "ACCOUNT_NOT_FOUND"),
        (["account", "add", "Bad_Name", "--connector", "demo"], 10, "BAD_ACCOUNT_NAME"),
        (["account", "add", "new", "--connector", "demo", "--set", "seeds=1"], 10, "UNKNOWN_OPTION"),
        (["account", "login", "demo"], 10, "NO_SECRET"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_an_error_is_one_line_of_json_with_its_exit_code(
    demo_home: Path, line: list[str], exit_code: int, error: str
) -> None:
    done = run_carecli([*line, "--json"], demo_home, code=exit_code)
    assert done.out in ("", "[]\n")  # a write prints its operations, even when there are none
    (only,) = done.err.splitlines()
    found = json.loads(only)["error"]
    assert set(found) == MACHINE
    assert (found["code"], found["exit_code"], found["retry_after"]) == (error, exit_code, None)
    assert found["message"]


def test_a_flag_without_its_value_is_a_mistake(demo_home: Path) -> None:
    assert run_carecli(["--json", "ticket", "list", "--home"], demo_home, code=2).error["code"] == "USAGE"


def test_an_error_for_people_says_what_to_do(demo_home: Path) -> None:
    done = run_carecli(["ticket", "show", "demo:404"], demo_home, code=5)
    assert done.err.startswith("carecli: there is no ticket demo:404")
    assert "See 'carecli ticket list'" in done.err
    assert done.err.rstrip().endswith("[TICKET_NOT_FOUND]")
    assert "{" not in done.err


def test_an_empty_list_is_a_success(demo_home: Path, tmp_path: Path) -> None:
    assert run_carecli(["ticket", "list", "tag:nowhere", "--json"], demo_home).json == []
    assert run_carecli(["ticket", "list", "--json"], tmp_path / "fresh").json == []
    assert run_carecli(["search", "kettle", "-o", "jsonl"], tmp_path / "fresh").out == ""
    assert run_carecli(["outbox", "list", "--json"], demo_home).json == []


def test_not_a_capability_is_forbidden(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    account(home, "desk", tickets=5, base_url="")
    run_carecli(["sync"], home)
    ref = some(home, "")[0]
    connection = sqlite3.connect(home / "carecli.db")
    connection.execute("UPDATE ticket SET url = NULL")
    connection.commit()
    connection.close()
    assert run_carecli(["ticket", "open", ref, "--json"], home, code=4).error["code"] == "NO_WEB_PAGE"


def test_a_store_that_is_damaged_or_newer_is_exit_11(demo_copy: Path) -> None:
    store = demo_copy / "carecli.db"
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    for line in (["ticket", "list"], ["view", "list"], ["sync"], ["db", "migrate"]):
        assert run_carecli([*line, "--json"], demo_copy, code=11).error["code"] == "STORE_NEWER"
    store.write_bytes(b"no store at all " * 100)
    for line in (["ticket", "list"], ["view", "list"], ["sync"]):
        assert run_carecli([*line, "--json"], demo_copy, code=11).error["code"] == "STORE_DAMAGED"
    assert run_carecli(["doctor", "--json"], demo_copy, code=1).json


def test_a_closed_pipe_is_no_error(demo_home: Path) -> None:
    line = f"'{sys.executable}' -m carecli ticket list --limit 0 --json | head -c 10; echo \" ${{PIPESTATUS[0]}}\""
    environment = {**os.environ, "CARECLI_HOME": str(demo_home)}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.endswith(" 0\n")
    assert done.stderr == ""


def test_an_interrupted_watch_ends_with_130_or_0(demo_copy: Path) -> None:
    environment = {**os.environ, "CARECLI_HOME": str(demo_copy)}
    process = subprocess.Popen(
        [sys.executable, "-m", "carecli", "sync", "--watch", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["account"] == "demo"  # it runs
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (0, 130)


# Output


def test_flags_go_before_or_after_the_noun(demo_home: Path) -> None:
    fields = ["--fields", "ref,subject"]  # what does not change while the clock goes on
    wanted = run_carecli(["ticket", "list", "--limit", "3", "--json", *fields], demo_home).out
    elsewhere = demo_home / "nowhere"
    for line in (
        ["--json", "ticket", "list", "--limit", "3"],
        ["ticket", "--json", "list", "--limit=3"],
        ["-o", "json", "ticket", "list", "--limit", "3"],
        ["ticket", "list", "--output=json", "--limit", "3"],
        ["--no-color", "--yes", "--no-input", "ticket", "list", "--json", "--limit", "3"],
    ):
        assert run_carecli([*line, *fields], demo_home).out == wanted
        assert run_carecli([*fields, *line], demo_home).out == wanted
    for line in (["--home", str(demo_home), "view", "list"], ["view", "list", f"--home={demo_home}"]):
        assert run_carecli([*line, "--json"], elsewhere).json


def test_every_format_tells_the_same(demo_home: Path) -> None:
    line = ["ticket", "list", "is:open", "--limit", "5"]
    whole = run_carecli([*line, "--json"], demo_home).json
    refs = [row["ref"] for row in whole]
    lines = run_carecli([*line, "-o", "jsonl"], demo_home).out.splitlines()
    steady = [{k: v for k, v in row.items() if k != "sla"} for row in whole]  # seconds remain, and run
    assert [{k: v for k, v in json.loads(text).items() if k != "sla"} for text in lines] == steady
    assert run_carecli([*line, "-q"], demo_home).out.split() == refs
    assert run_carecli([*line, "-o", "ids"], demo_home).out.split() == refs
    read = list(csv.DictReader(io.StringIO(run_carecli([*line, "-o", "csv"], demo_home).out)))
    assert [row["ref"] for row in read] == refs
    assert [row["subject"] for row in read] == [row["subject"] for row in whole]
    table = run_carecli(line, demo_home).out.splitlines()
    assert table[0].split()[:3] == ["REF", "STATUS", "PRIORITY"]
    assert [text.split()[0] for text in table[1:]] == refs
    assert "\x1b" not in "".join(table)


def test_fields_are_chosen(demo_home: Path) -> None:
    line = ["ticket", "list", "--limit", "2", "--fields", "ref,requester.name,nowhere"]
    found = run_carecli([*line, "--json"], demo_home).json
    assert [list(row) for row in found] == [["ref", "requester.name", "nowhere"]] * 2
    assert found[0]["requester.name"]
    assert found[0]["nowhere"] is None
    assert run_carecli([*line, "-o", "csv"], demo_home).out.startswith("ref,requester.name,nowhere\n")
    shown = run_carecli(["ticket", "show", "demo:1001", "--json", "--fields", "ref,messages"], demo_home).json
    assert list(shown) == ["ref", "messages"]


def test_text_that_looks_like_a_flag_is_text(demo_copy: Path) -> None:
    line = ["ticket", "note", "demo:1001", "--body", "--json", "--queue", "-q"]
    assert len(run_carecli(line, demo_copy).out.split()) == 1
    shown = run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json
    assert shown["messages"][-1]["body_text"] == "--json"


# References


def test_a_bare_number_serves_where_only_one_account_has_it(demo_home: Path, two: Path) -> None:
    assert run_carecli(["ticket", "show", "1001", "--json"], demo_home).json["ref"] == "demo:1001"
    error = run_carecli(["ticket", "show", "1001", "--json"], two, code=2).error
    assert error["code"] == "AMBIGUOUS_REF"
    assert "east:1001" in error["message"]
    assert "west:1001" in error["message"]
    shown = run_carecli(["ticket", "show", "1001", "--account", "west", "--json"], two).json
    assert shown["ref"] == "west:1001"
    only = run_carecli(["ticket", "list", "--account", "west", "--json"], two).json
    assert {row["account"] for row in only} == {"west"}


def test_references_come_from_standard_input(demo_copy: Path) -> None:
    refs = some(demo_copy, "is:open", 3)
    line = ["ticket", "priority", "urgent", "-", "--queue", "--json"]
    made = run_carecli(line, demo_copy, stdin="\n".join([*refs, "", refs[0]]) + "\n").json
    assert [one["target"] for one in made] == refs
    shown = run_carecli(["ticket", "show", "-", "-o", "jsonl"], demo_copy, stdin="\n".join(refs)).out
    assert [json.loads(text)["ref"] for text in shown.splitlines()] == refs


def test_some_that_are_missing_are_a_part(demo_copy: Path) -> None:
    ref = some(demo_copy, "status:open")[0]
    done = run_carecli(["ticket", "status", "pending", ref, "demo:404", "--queue", "--json"], demo_copy, code=8)
    assert [one["target"] for one in done.json] == [ref]
    errors = [json.loads(text)["error"]["code"] for text in done.err.splitlines()]
    assert errors == ["TICKET_NOT_FOUND", "PARTIAL"]


# Writes


def operations(done: Done) -> list[Any]:
    found: list[Any] = done.json
    return found


def test_a_dry_run_prints_the_plan_and_changes_nothing(demo_copy: Path) -> None:
    before = rows(demo_copy, "SELECT count(*), sum(updated_at) FROM ticket")
    for verb, line in (
        ("status", ["status", "solved", "demo:1001", "demo:1002"]),
        ("priority", ["priority", "low", "demo:1001", "demo:1002"]),
        ("assign", ["assign", "me", "demo:1001", "demo:1002"]),
        ("tag", ["tag", "demo:1001", "demo:1002", "--add", "x"]),
        ("note", ["note", "demo:1001", "demo:1002", "--body", "x"]),
        ("reply", ["reply", "demo:1001", "demo:1002", "--body", "x"]),
    ):
        made = operations(run_carecli(["ticket", *line, "--dry-run", "--json"], demo_copy))
        assert [(one["id"], one["state"], one["verb"]) for one in made] == [(None, "planned", verb)] * 2
        assert [one["target"] for one in made] == ["demo:1001", "demo:1002"]
    assert rows(demo_copy, "SELECT count(*), sum(updated_at) FROM ticket") == before
    assert rows(demo_copy, "SELECT count(*) FROM operation") == [(0,)]
    assert rows(demo_copy, "SELECT count(*) FROM message WHERE operation_id IS NOT NULL") == [(0,)]


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        (["status", "odd", "demo:1001"], 2),
        (["priority", "odd", "demo:1001"], 2),
        (["tag", "demo:1001"], 2),
        (["assign", "Nobody Known", "demo:1001"], 5),
        (["note", "demo:1001", "--body", " "], 2),
        (["reply", "demo:1001", "--body", "Dear {{name}}"], 2),
        (["status", "open", "demo:404"], 5),
        (["status", "open", "demo:404", "demo:1001"], 8),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_dry_run_refuses_what_the_run_would_refuse(demo_home: Path, line: list[str], exit_code: int) -> None:
    run_carecli(["ticket", *line, "--dry-run", "--json"], demo_home, code=exit_code)


def test_a_write_is_pushed_at_once_and_can_be_undone(demo_copy: Path) -> None:
    ref = some(demo_copy, "status:open")[0]
    (made,) = operations(run_carecli(["ticket", "status", "solved", ref, "--json"], demo_copy))
    assert (made["state"], made["verb"], made["target"], made["attempts"]) == ("done", "status", ref, 1)
    assert made["undo"] == f"carecli ticket undo {made['id']}"
    assert run_carecli(["ticket", "show", ref, "--json"], demo_copy).json["status"] == "solved"
    (undone,) = operations(run_carecli([*made["undo"].split()[1:], "--json"], demo_copy))
    assert (undone["state"], undone["verb"]) == ("done", "status")
    shown = run_carecli(["ticket", "show", ref, "--json"], demo_copy).json
    assert (shown["status"], shown["sync_state"]) == ("open", "clean")
    assert run_carecli(["ticket", "undo", made["id"], "--json"], demo_copy, code=4).error["code"] == "NOT_UNDOABLE"
    run_carecli(["ticket", "undo", "--redo"], demo_copy)
    assert run_carecli(["ticket", "show", ref, "--json"], demo_copy).json["status"] == "solved"
    events = run_carecli(["ticket", "history", ref, "--json"], demo_copy).json
    ours = [(event["old"], event["new"]) for event in events if event["origin"] == "cli" and event["field"] == "status"]
    assert ours == [("open", "solved"), ("solved", "open"), ("open", "solved")]


def test_queued_waits_for_the_next_sync(demo_copy: Path) -> None:
    (made,) = operations(run_carecli(["ticket", "priority", "urgent", "demo:1001", "--queue", "--json"], demo_copy))
    assert (made["state"], made["attempts"]) == ("ready", 0)
    assert run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json["sync_state"] == "pending"
    assert [one["id"] for one in run_carecli(["outbox", "list", "--json"], demo_copy).json] == [made["id"]]
    (report,) = run_carecli(["sync", "--json"], demo_copy).json["accounts"]
    assert (report["pushed"], report["state"]) == (1, "ok")
    assert run_carecli(["outbox", "show", made["id"], "--json"], demo_copy).json["state"] == "done"


def test_a_held_reply_can_be_taken_back(demo_copy: Path) -> None:
    ref = some(demo_copy, "status:open channel:email")[0]
    before = run_carecli(["ticket", "show", ref, "--json"], demo_copy).json
    line = ["ticket", "reply", ref, "--body", "Dear customer", "--hold", "600", "--json"]
    (made,) = operations(run_carecli(line, demo_copy))
    assert (made["state"], made["attempts"]) == ("held", 0)
    assert made["not_before"] > made["created_at"]
    run_carecli(["sync"], demo_copy)
    assert run_carecli(["outbox", "show", made["id"], "--json"], demo_copy).json["state"] == "held"
    shown = run_carecli(["ticket", "show", ref, "--json"], demo_copy).json
    assert (shown["messages"][-1]["delivery"], shown["messages"][-1]["body_text"]) == ("held", "Dear customer")
    (undone,) = operations(run_carecli(["ticket", "undo", "--json"], demo_copy))
    assert (undone["id"], undone["state"]) == (made["id"], "cancelled")
    after = run_carecli(["ticket", "show", ref, "--json"], demo_copy).json
    assert len(after["messages"]) == len(before["messages"])
    changing = {"events", "updated_at", "unread", "sla"}
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }


def test_reply_and_solve_go_in_that_order(demo_copy: Path) -> None:
    ref = some(demo_copy, "status:open channel:email")[0]
    made = operations(run_carecli(["ticket", "reply", ref, "--body", "Solved now.", "--solve", "--json"], demo_copy))
    assert [(one["verb"], one["state"]) for one in made] == [("reply", "done"), ("status", "done")]
    journal = (demo_copy / "demo-desk.jsonl").read_text("utf-8").splitlines()[1:]
    assert [json.loads(entry)["op"] for entry in journal] == [one["id"] for one in made]
    shown = run_carecli(["ticket", "show", ref, "--json"], demo_copy).json
    assert shown["status"] == "solved"
    assert shown["messages"][-1]["visibility"] == "public"
    assert made[0]["undo"] is None  # it has left
    run_carecli(["sync"], demo_copy)
    again = run_carecli(["ticket", "show", ref, "--json"], demo_copy).json
    assert len(again["messages"]) == len(shown["messages"])
    assert again["status"] == "solved"


def test_a_note_stays_inside(demo_copy: Path) -> None:
    line = ["ticket", "note", "demo:1001", "--body-file", "-", "--json"]
    (made,) = operations(run_carecli(line, demo_copy, stdin="between us\n"))
    assert (made["verb"], made["state"]) == ("note", "done")
    shown = run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json["messages"][-1]
    assert (shown["visibility"], shown["kind"], shown["direction"]) == ("internal", "note", "internal")
    entry = json.loads((demo_copy / "demo-desk.jsonl").read_text("utf-8").splitlines()[-1])
    assert entry["kind"] == "note"
    assert "INTERNAL NOTE" in run_carecli(["ticket", "show", "demo:1001"], demo_copy).out


def test_tags_are_added_and_removed(demo_copy: Path) -> None:
    before = run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json["tags"]
    run_carecli(["ticket", "tag", "demo:1001", "--add", "one", "--add", "two"], demo_copy)
    assert run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json["tags"] == [*before, "one", "two"]
    run_carecli(["ticket", "tag", "demo:1001", "--remove", "one", "--remove", "nowhere"], demo_copy)
    assert run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json["tags"] == [*before, "two"]
    assert run_carecli(["ticket", "list", "tag:two", "-q"], demo_copy).out == "demo:1001\n"
    run_carecli(["sync"], demo_copy)
    assert run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json["tags"] == [*before, "two"]


def test_tickets_are_assigned(demo_copy: Path) -> None:
    def assignee() -> object:
        return run_carecli(["ticket", "show", "demo:1001", "--json"], demo_copy).json["assignee"]

    run_carecli(["ticket", "assign", "me", "demo:1001"], demo_copy)
    assert assignee() == "Sam Rivera"
    assert "demo:1001" in run_carecli(["ticket", "list", "assignee:me", "--limit", "0", "-q"], demo_copy).out.split()
    run_carecli(["ticket", "assign", "none", "demo:1001"], demo_copy)
    assert assignee() is None
    other = next(row[0] for row in rows(demo_copy, "SELECT name FROM agent WHERE is_me = 0"))
    run_carecli(["ticket", "assign", other.upper(), "demo:1001"], demo_copy)
    assert assignee() == other


def test_a_new_ticket_learns_its_number(demo_copy: Path) -> None:
    line = ["ticket", "new", "--to", "Ann <ann@example.com>", "--subject", "Hello", "--body", "Dear Ann", "--json"]
    (made,) = operations(run_carecli(line, demo_copy))
    assert (made["verb"], made["state"]) == ("create", "done")
    shown = run_carecli(["ticket", "show", made["target"], "--json"], demo_copy).json
    assert (shown["subject"], shown["requester"]["email"]) == ("Hello", "ann@example.com")
    assert shown["number"].isdigit()
    run_carecli(["sync"], demo_copy)
    assert len(run_carecli(["ticket", "list", "from:ann@example.com", "-q"], demo_copy).out.split()) == 1


# Configuration


def test_an_unknown_key_is_a_warning_with_the_nearest_one(demo_copy: Path) -> None:
    config = demo_copy / "config.toml"
    text = config.read_text("utf-8").replace("seed = 7", "sead = 7")
    config.write_text(text, "utf-8")
    line = text.splitlines().index("sead = 7") + 1
    done = run_carecli(["view", "list", "--json"], demo_copy)
    assert done.json
    assert f"config.toml:{line}: unknown key 'accounts.demo.sead'; did you mean 'seed'?" in done.err
    (warning,) = run_carecli(["config", "validate", "--json"], demo_copy).json["warnings"]
    assert (warning["key"], warning["line"], warning["nearest"]) == ("accounts.demo.sead", line, "seed")


def test_a_wrong_type_is_exit_10_with_the_line(demo_copy: Path) -> None:
    config = demo_copy / "config.toml"
    text = config.read_text("utf-8").replace("seed = 7", 'seed = "seven"')
    config.write_text(text, "utf-8")
    line = text.splitlines().index('seed = "seven"') + 1
    for command in (["config", "validate"], ["sync"], ["account", "list"]):
        error = run_carecli([*command, "--json"], demo_copy, code=10).error
        assert f"config.toml:{line}" in error["message"]


def test_the_environment_goes_before_the_file(demo_home: Path) -> None:
    shown = run_carecli(
        ["config", "show", "--origin", "--json"], demo_home, environment={"CARECLI_AGENT_NAME": "Ada"}
    ).json
    (name,) = [row for row in shown if row["name"] == "agent.name"]
    assert (name["value"], name["origin"]) == ("Ada", "environment CARECLI_AGENT_NAME")


def test_demo_build_needs_a_home(tmp_path: Path) -> None:
    done = run_carecli(["demo", "--build", "--json"], tmp_path, environment={"CARECLI_HOME": ""}, code=2)
    assert done.error["code"] == "HOME_NEEDED"
    made = run_carecli(["demo", "--build", "--home", str(tmp_path / "d"), "--tickets", "5", "--json"], tmp_path).json
    assert made["tickets"] == 5
    assert (tmp_path / "d" / "carecli.db").stat().st_mode & 0o777 == 0o600


def test_backup_and_check(demo_copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    made = run_carecli(["db", "backup", str(target), "--json"], demo_copy).json
    assert made["bytes"] == target.stat().st_size > 0
    assert run_carecli(["db", "backup", str(target), "--json"], demo_copy, code=2).error["code"] == "FILE_EXISTS"
    assert run_carecli(["db", "check", "--json"], demo_copy).json["ok"] is True
    other = tmp_path / "other"
    shutil.copytree(demo_copy, other)
    shutil.copyfile(target, other / "carecli.db")
    refs = run_carecli(["ticket", "list", "--limit", "0", "-q"], demo_copy).out
    assert run_carecli(["ticket", "list", "--limit", "0", "-q"], other).out == refs


def test_an_account_is_added_listed_and_removed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run_carecli(["account", "list", "--json"], home).json == []
    line = ["account", "add", "desk", "--connector", "demo", "--set", "tickets=6", "--json"]
    assert run_carecli([*line, "--dry-run"], home).json["state"] == "planned"
    assert run_carecli(["account", "list", "--json"], home).json == []
    assert run_carecli(line, home).json["name"] == "desk"
    assert run_carecli(["account", "test", "desk", "--json"], home).json["state"] == "ok"
    run_carecli(["sync", "desk"], home)
    assert len(run_carecli(["ticket", "list", "-q"], home).out.split()) == 6
    run_carecli(["ticket", "note", "desk:1001", "--body", "x", "--queue"], home)
    assert run_carecli(["account", "remove", "desk", "--json"], home, code=2).error["code"] == "UNFINISHED"
    run_carecli(["account", "remove", "desk", "--yes"], home)
    assert run_carecli(["account", "list", "--json"], home).json == []
    assert run_carecli(["ticket", "list", "--json"], home).json == []


def test_who_changed_what_and_a_ticket_as_it_was(demo_copy: Path) -> None:
    ref = some(demo_copy, "status:open priority:normal")[0]
    run_carecli(["ticket", "priority", "urgent", ref, "--queue"], demo_copy)
    (event,) = run_carecli(["audit", "list", "--actor", "me", "--json"], demo_copy).json
    assert (event["ref"], event["origin"], event["field"], event["new"]) == (ref, "cli", "priority", "urgent")
    assert run_carecli(["audit", "list", "--ticket", ref, "--origin", "cli", "-q"], demo_copy).out.strip()
    assert "urgent" in run_carecli(["audit", "list", "--actor", "me"], demo_copy).out
    assert run_carecli(["ticket", "show", ref, "--at", "now", "--json"], demo_copy).json["priority"] == "urgent"
    then = run_carecli(["ticket", "show", ref, "--at", "10m", "--json"], demo_copy).json
    assert (then["priority"], then["sla"]) == ("normal", None)
    for line, code, error in (
        (["audit", "list", "--since", "whenever"], 2, "BAD_TIME"),
        (["audit", "list", "--origin", "mars"], 2, "BAD_ORIGIN"),
        (["ticket", "show", ref, "--at", "2001-01-01"], 5, "NOT_YET"),
    ):
        assert run_carecli([*line, "--json"], demo_copy, code=code).error["code"] == error


@pytest.mark.parametrize(
    "line",
    [
        ["sync"],
        ["account", "logout", "demo"],
        ["config", "init"],
        ["db", "migrate"],
        ["db", "backup", "x.db"],
        ["db", "rescue"],
        ["demo", "--build"],
    ],
)
def test_a_dry_run_without_anything_to_show_is_refused_and_does_nothing(demo_copy: Path, line: list[str]) -> None:
    before = sorted((file.name, file.stat().st_mtime_ns) for file in demo_copy.iterdir() if file.is_file())
    assert run_carecli([*line, "--dry-run", "--json"], demo_copy, code=2).error["code"] == "NO_DRY_RUN"
    assert sorted((file.name, file.stat().st_mtime_ns) for file in demo_copy.iterdir() if file.is_file()) == before


def test_dry_runs_plan_and_do_nothing(demo_copy: Path) -> None:
    ref = some(demo_copy, "status:open priority:normal")[0]
    (made,) = run_carecli(["ticket", "priority", "high", ref, "--queue", "--json"], demo_copy).json
    for line in (
        ["ticket", "undo"],
        ["outbox", "cancel", made["id"]],
        ["outbox", "retry", made["id"]],
        ["outbox", "resolve", made["id"], "--discard"],
        ["ticket", "status", "solved", ref],
    ):
        (planned,) = run_carecli([*line, "--dry-run", "--json"], demo_copy).json
        assert (planned["id"], planned["state"], planned["target"]) == (None, "planned", ref)
    (still,) = run_carecli(["outbox", "list", "--json"], demo_copy).json
    assert (still["id"], still["state"]) == (made["id"], "ready")


def test_a_bulk_change_is_undone_and_redone_at_once(demo_copy: Path) -> None:
    refs = some(demo_copy, "status:open", 5)
    run_carecli(["ticket", "status", "solved", *refs, "--queue"], demo_copy)
    assert len(run_carecli(["ticket", "undo", "--queue", "--json"], demo_copy).json) == 5
    assert len(some(demo_copy, "status:open", 5)) == 5
    assert len(run_carecli(["ticket", "undo", "--redo", "--queue", "--json"], demo_copy).json) == 5


def test_an_operation_that_is_not_there_does_not_keep_the_others(demo_copy: Path) -> None:
    refs = some(demo_copy, "status:open", 2)
    ids = run_carecli(["ticket", "status", "solved", *refs, "--queue", "-q"], demo_copy).out.split()
    done = run_carecli(["outbox", "cancel", ids[0], "01NOWHERE", ids[1], "--json"], demo_copy, code=8)
    assert [one["state"] for one in done.json] == ["cancelled", "cancelled"]
    assert "OPERATION_NOT_FOUND" in done.err
    assert run_carecli(["outbox", "retry", "01NOWHERE", "--json"], demo_copy, code=5).error["code"] == (
        "OPERATION_NOT_FOUND"
    )
