"""Keys and kinds of values of every JSON the contract names, against the kept shapes; and both tiers print the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carecli.cli import flags, quick, tree
from carecli.cli.nouns import NOUNS
from carecli_process import run_carecli

SHAPES = Path(__file__).parent / "shapes.json"


def shape(values: list[Any]) -> Any:
    """Keys in order, and for each the kinds of values that were seen."""
    kinds: set[str] = set()
    objects = [value for value in values if isinstance(value, dict)]
    lists = [item for value in values if isinstance(value, list) for item in value]
    for value in values:
        if not isinstance(value, dict):
            kinds.add(type(value).__name__)
    found: dict[str, Any] = {}
    if objects:
        for one in objects:
            assert list(one) == list(objects[0])
        found["keys"] = {key: shape([one[key] for one in objects]) for key in objects[0]}
    if "list" in kinds and lists:
        found["items"] = shape(lists)
    if not found:
        return " | ".join(sorted(kinds))
    return ({"kinds": " | ".join(sorted(kinds))} if kinds else {}) | found


def misfits(found: Any, kept: Any, where: str) -> list[str]:
    """Where a shape differs: keys must be the same, kinds may be fewer (the demo's week ends today, whenever that is)."""
    seen: dict[str, Any] = {"kinds": found} if isinstance(found, str) else found
    known: dict[str, Any] = {"kinds": kept} if isinstance(kept, str) else kept
    wrong: list[str] = []
    kinds, allowed = (set(one.get("kinds", "").split(" | ")) - {""} for one in (seen, known))
    if kinds - allowed:
        wrong.append(f"{where}: {', '.join(sorted(kinds - allowed))}, not {', '.join(sorted(allowed))}")
    if "keys" in seen:
        if list(seen["keys"]) != list(known.get("keys", {})):
            return [*wrong, f"{where}: keys {list(seen['keys'])}, not {list(known.get('keys', {}))}"]
        for key, inner in seen["keys"].items():
            wrong += misfits(inner, known["keys"][key], f"{where}.{key}")
    if "items" in seen:
        wrong += misfits(seen["items"], known.get("items", ""), f"{where}[]")
    return wrong


def test_misfits_are_found() -> None:
    kept = shape([{"a": 1, "b": [{"c": None}, {"c": "x"}]}])
    assert misfits(shape([{"a": 2, "b": [{"c": "y"}]}]), kept, "x") == []
    assert misfits(shape([{"a": 2, "b": []}]), kept, "x") == []
    assert misfits(shape([{"a": None, "b": [{"c": 1.5}]}]), kept, "x") == [
        "x.a: NoneType, not int",
        "x.b[].c: float, not NoneType, str",
    ]
    assert misfits(shape([{"a": 2}]), kept, "x") == ["x: keys ['a'], not ['a', 'b']"]


def looks(home: Path) -> dict[str, Any]:
    """A sample of every shape, from a workspace in which something happened."""

    def ask(*line: str, code: int = 0) -> Any:
        return run_carecli([*line, "--json"], home, code=code).json

    undone = ask("ticket", "tag", "demo:1001", "--add", "shape", "--queue") + ask(
        "ticket", "note", "demo:1002", "--body", "x"
    )
    held = ask("ticket", "reply", "demo:1003", "--body", "Dear customer", "--hold", "600")
    tickets = ask("ticket", "list", "--limit", "0")
    shown = [ask("ticket", "show", ticket["ref"]) for ticket in tickets if ticket["message_count"] > 3][:25]
    attached = ask("ticket", "list", "has:attachment", "--limit", "3")
    shown += [ask("ticket", "show", ref) for ref in ["demo:1001", *(ticket["ref"] for ticket in attached)]]
    for ticket in [*tickets, *shown]:
        ticket["custom"] = {}  # its keys are the vendor's
    customers = ask("customer", "list", "--limit", "0")
    for customer in customers:
        customer["custom"] = {}
    return {
        "ticket": tickets,
        "ticket show": shown,
        "customer": customers,
        "search hit": ask("search", "kettle") + ask("search", "Inês"),
        "operation": undone + held,
        "article": ask("kb", "list"),
        "article hit": ask("kb", "search", "kettle"),
        "sync": [ask("sync")],
        "account": ask("account", "list"),
        "error": [run_carecli(["ticket", "show", "demo:404", "--json"], home, code=5).error],
    }


def test_json_has_the_kept_shapes(demo_copy: Path) -> None:
    found = {name: shape(values) for name, values in looks(demo_copy).items()}
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("KEEP_SHAPES"):
        SHAPES.write_text(text, "utf-8")
    kept = json.loads(SHAPES.read_text("utf-8"))
    assert list(found) == list(kept)
    wrong = [line for name in found for line in misfits(found[name], kept[name], name)]
    assert wrong == [], "if this is an addition to the contract: KEEP_SHAPES=1 pytest tests/contract/test_cli_shapes.py"


CONTRACT = {
    "ticket": "ref number account subject status status_category status_label priority channel type requester organisation"
    " assignee team tags created_at updated_at solved_at waiting_since snoozed_until unread message_count url sync_state sla"
    " custom",
    "ticket show": "messages events ref",
    "customer": "id name emails phones handles organisation language timezone tier tags tickets last_contact_at identities"
    " custom",
    "search hit": "kind ref id title snippet at score",
    "operation": "id account verb target state attempts not_before created_at last_error external_id undo",
    "article": "id source title url language visibility updated_at verified body_text",
    "article hit": "id title score snippet body_text",
    "sync": "accounts",
    "account": "name connector base_url state last_sync_at capabilities",
    "error": "code message help exit_code retry_after",
}


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_the_kept_shapes_hold_what_the_contract_names(name: str) -> None:
    kept = json.loads(SHAPES.read_text("utf-8"))
    assert set(CONTRACT[name].split()) <= set(kept[name]["keys"])


def test_the_sync_report_holds_what_the_contract_names() -> None:
    (report,) = [json.loads(SHAPES.read_text("utf-8"))["sync"]["keys"]["accounts"]["items"]["keys"]]
    names = "account state tickets messages customers articles calls pushed conflicts failed set_aside seconds error"
    assert list(report) == names.split()


LINES = [
    ["ticket", "list"],
    ["ticket", "list", "--limit", "3"],
    ["ticket", "list", "is:open kettle", "--limit", "0"],
    ["ticket", "list", "--view", "mine"],
    ["ticket", "list", "--view", "risk", "--limit=5"],
    ["ticket", "list", "--status", "open", "--assignee", "none", "--limit", "7"],
    ["ticket", "list", "--assignee", "Sam Rivera", "--tag", "vat"],
    ["ticket", "list", "--account", "demo", "--limit", "2"],
    ["ticket", "list", "tag:nowhere"],
    ["ticket", "list", "status:odd"],
    ["ticket", "list", "--view", "nowhere"],
    ["ticket", "list", "--fields", "ref,sla", "--limit", "2"],
    ["ticket", "show", "demo:1001"],
    ["ticket", "show", "1002"],
    ["ticket", "show", "demo:404"],
    ["ticket", "show", "demo:"],
    ["search", "kettle"],
    ["search", "kettle -tea is:open", "--limit", "4"],
    ["search", '"'],
    ["search", ""],
]


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv", "ids"])
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_the_quick_path_and_the_tree_print_the_same(
    demo_home: Path,
    line: list[str],
    output: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CARECLI_HOME", str(demo_home))
    monkeypatch.setattr(quick, "_now", lambda: 1_795_400_000_000)
    arguments = [*line, "-o", output]

    def run(path: Callable[[list[str]], int | None]) -> tuple[int | None, str, str]:
        code = path(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    flags.use(flags.Flags())
    by_tree = run(tree.run)
    by_quick = run(quick.run)
    if by_quick[0] is None:  # it leaves the line to the tree
        assert by_quick[1:] == ("", "")
        return
    assert by_quick == by_tree


def test_the_quick_path_takes_the_lines_it_is_for(demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARECLI_HOME", str(demo_home))
    for line in (["ticket", "list"], ["ticket", "show", "demo:1001"], ["search", "x"], ["--help"], ["--version"]):
        assert quick.run(line) == 0
    for line in (["ticket", "list", "--limit", "x"], ["ticket", "show", "-"], ["sync"], ["ticket", "list", "-v"]):
        assert quick.run(line) is None


def verbs() -> list[list[str]]:
    """Every noun, and every noun with each of its verbs."""
    root = tree._Root("carecli")
    found: list[list[str]] = [[]]
    for noun in sorted(NOUNS):
        found.append([noun])
        command = root.get_command(None, noun)  # type: ignore[arg-type]
        found += [[noun, verb] for verb in sorted(getattr(command, "commands", {}))]
    return found


@pytest.mark.parametrize("line", verbs(), ids=lambda line: " ".join(line) or "carecli")
def test_every_noun_and_verb_has_help(
    line: list[str], capsys: pytest.CaptureFixture[str], demo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARECLI_HOME", str(demo_home))
    flags.use(flags.Flags())
    for word in ("--help", "-h"):
        arguments = [*line, word]
        code = quick.run(arguments)
        assert (tree.run(arguments) if code is None else code) == 0
        said = capsys.readouterr()
        assert said.out.startswith("Usage: carecli")
        assert said.err == ""


def test_the_overview_names_every_noun_and_flag() -> None:
    from carecli.cli.help import overview

    text = overview()
    assert all(f"  {noun} " in text for noun in NOUNS)
    for flag in ("--home", "--config", "--account", "--output", "--json", "-q", "--fields", "--dry-run", "--yes"):
        assert flag in text
    for flag in ("--no-input", "--read-only", "--no-color", "--verbose", "--version", "--help"):
        assert flag in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str, demo_home: Path) -> None:
    script = run_carecli(["completion", shell], demo_home).out
    assert "_CARECLI_COMPLETE" in script
    assert "carecli" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("carecli ticket show dem", "plain,demo:1"),
        ("carecli ticket sho", "plain,show"),
        ("carecli tick", "plain,ticket"),
        ("carecli ticket status so", "plain,solved"),
        ("carecli ticket list --view ris", "plain,risk"),
        ("carecli ticket assign m", "plain,me"),
        ("carecli account show d", "plain,demo"),
        ("carecli ticket tag demo:1001 --add va", "plain,vat"),
        ("carecli connector show de", "plain,demo"),
    ],
)
def test_completion_offers(words: str, offered: str, demo_home: Path) -> None:
    environment = {**os.environ, "CARECLI_HOME": str(demo_home), "_CARECLI_COMPLETE": "bash_complete"}
    environment |= {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "carecli"], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.startswith(offered)
    assert done.stderr == ""


def test_completion_without_a_store_is_silent(tmp_path: Path) -> None:
    environment = {**os.environ, "CARECLI_HOME": str(tmp_path), "_CARECLI_COMPLETE": "bash_complete"}
    environment |= {"COMP_WORDS": "carecli ticket show d", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "carecli"], capture_output=True, text=True, env=environment, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")
