"""The house rules that a machine can check: sizes, first lines, what a quick command loads."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "carecli"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST = 400
EXEMPT = {
    # One class a table, nothing else; splitting it would hide which table points at which.
    "store/tables.py",
}
SMALL = {"tui/app.py": 300, "cli/main.py": 300}


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_module_says_in_its_first_line_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring, f"{name(path)} has no docstring"
    assert docstring.splitlines()[0].strip()


def test_no_file_is_too_long() -> None:
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    long = {file: lines for file, lines in lengths.items() if lines > SMALL.get(file, LONGEST) and file not in EXEMPT}
    assert long == {}


def test_the_exemptions_are_still_needed() -> None:
    for file in EXEMPT:
        assert len((SOURCE / file).read_text("utf-8").splitlines()) > LONGEST


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
    assert {name(path) for path in FILES if path.stem in empty} == set()


def loaded_after(arguments: list[str], home: Path) -> set[str]:
    """Modules in memory after a command ran in a process of its own."""
    script = (
        "import sys, json, io\n"
        "from carecli.cli.main import main\n"
        "out, sys.stdout = sys.stdout, io.StringIO()\n"
        f"code = main({arguments!r})\n"
        "json.dump([code, sorted(sys.modules)], out)\n"
    )
    environment = {**os.environ, "CARECLI_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    code, modules = json.loads(done.stdout)
    assert code == 0, done.stderr
    return set(modules)


HEAVY = {
    "sqlmodel",
    "sqlalchemy",
    "textual",
    "httpx",
    "alembic",
    "pydantic",
    "rich",
    "typer",
    "click",
    "imapclient",
    "msgspec",
    "asyncio",
    "importlib.metadata",
    "dataclasses",
    "tomllib",
    "tomlkit",
    "keyring",
    "selectolax",
}


@pytest.mark.parametrize(
    "arguments",
    [
        ["ticket", "list", "--json"],
        ["ticket", "list", "status:open kettle", "--limit", "5", "--json"],
        ["ticket", "list", "--view", "mine", "-q"],
        ["ticket", "show", "demo:1001", "--json"],
        ["search", "kettle", "--json"],
        ["--help"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_a_quick_command_loads_nothing_heavy(arguments: list[str], demo_home: Path) -> None:
    modules = loaded_after(arguments, demo_home)
    assert modules & HEAVY == set()


def test_ticket_list_as_json_does_not_even_load_json(demo_home: Path) -> None:
    modules = loaded_after(["ticket", "list", "--json"], demo_home)
    # The measuring script imports json itself, so its decoder cannot be told apart; our own modules can.
    ours = {module for module in modules if module.startswith("carecli.")}
    assert ours <= {
        "carecli.cli",
        "carecli.cli.main",
        "carecli.cli.quick",
        "carecli.cli.flags",
        "carecli.cli.output",
        "carecli.config",
        "carecli.config.paths",
        "carecli.domain",
        "carecli.domain.errors",
        "carecli.domain.ids",
        "carecli.domain.query",
        "carecli.services",
        "carecli.services.reads",
        "carecli.services.views",
        "carecli.store",
        "carecli.store.driver",
        "carecli.store.faults",
        "carecli.store.query_sql",
        "carecli.store.schema",
        "carecli.store.search",
        "carecli.store.windows",
    }


@pytest.mark.parametrize(
    "arguments", [["view", "list", "--json"], ["outbox", "list", "--json"], ["draft", "list", "--json"]]
)
def test_other_local_commands_load_neither_orm_nor_network_nor_screen(arguments: list[str], demo_home: Path) -> None:
    modules = loaded_after(arguments, demo_home)
    assert (
        modules & {"sqlmodel", "sqlalchemy", "textual", "httpx", "alembic", "imapclient", "pydantic", "rich"} == set()
    )


def test_importing_carecli_loads_nothing_else_of_ours() -> None:
    script = "import carecli, sys; print([m for m in sys.modules if m.startswith('carecli')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['carecli']"
