from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from carecli.tui import keymap
from carecli.tui.actions import ACTIONS, BY_ID
from carecli.tui.commands.table import HANDLERS

AS_LISTED = {
    "j": "move.down", "k": "move.up", "G": "move.bottom", "enter": "move.open", "escape": "app.back", "/": "app.search",
    "n": "find.next", "N": "find.previous", "r": "ticket.reply", "i": "ticket.note", "f": "ticket.forward",
    "m": "ticket.macro", "a": "ticket.assign", "s": "ticket.status", "p": "ticket.priority", "t": "ticket.tag",
    "z": "ticket.snooze", "e": "ticket.escalate", "x": "ticket.solve", "w": "ticket.next", "space": "mark.toggle",
    "V": "mark.range", "*": "mark.all", ".": "ticket.again", "u": "edit.undo", "ctrl+r": "edit.redo",
    "o": "ticket.browser", "y": "ticket.copy", "E": "ticket.editor", "T": "ticket.timeline", "L": "ticket.call",
    "K": "pane.4", "f5": "app.sync", "?": "app.help", "ctrl+p": "app.palette", ":": "app.palette", "q": "app.quit",
    "ctrl+d": "move.half_down", "ctrl+u": "move.half_up", "tab": "pane.next", "ctrl+o": "app.jump",
}  # fmt: skip


@pytest.mark.parametrize(("key", "action"), AS_LISTED.items())
def test_default_keys(key: str, action: str) -> None:
    assert keymap.build().find("inbox", (key,)) == action


def test_defaults_have_no_problem_and_every_action_can_run() -> None:
    assert keymap.build().problems == ()
    assert {a.id for a in ACTIONS if "later" not in a.needs} <= set(HANDLERS)
    assert set(HANDLERS) <= set(BY_ID)
    assert all(action.title and action.what.endswith(".") for action in ACTIONS)


def write(folder: Path, text: str) -> keymap.Keymap:
    path = folder / "keymap.toml"
    path.write_text(text, encoding="utf-8")
    return keymap.load(path)


def test_a_key_is_changed_and_the_old_one_is_free(tmp_path: Path) -> None:
    found = write(tmp_path, '[keys]\n"ticket.reply" = ["f9", "ctrl+y"]\n')
    assert found.find("inbox", ("f9",)) == "ticket.reply"
    assert found.find("inbox", ("r",)) is None
    assert found.shown("ticket.reply") == "f9"
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('[keys]\n"ticket.reply" = "i"\n', "clash"),
        ('[keys]\n"ticket.replly" = "i"\n', "unknown-action"),
        ('[keys]\n"ticket.reply" = "hyper+r"\n', "bad-key"),
        ('[keys]\n"ticket.reply" = 7\n', "bad-key"),
        ('[keys]\n"ticket.reply" = "ctrl+enter"\n', "unreliable-key"),
        ('[keys]\n"ticket.reply" = "g"\n', "shadowed"),
        ('[keys]\n"ticket.reply" = "f5"\n', "shadowed"),
        ("[keys\n", "unreadable"),
    ],
)
def test_problems_are_told(tmp_path: Path, text: str, kind: str) -> None:
    assert kind in {problem.kind for problem in write(tmp_path, text).problems}


def test_the_changed_action_wins_a_clash(tmp_path: Path) -> None:
    found = write(tmp_path, '[keys]\n"ticket.reply" = "i"\n')
    assert found.find("inbox", ("i",)) == "ticket.reply"
    assert found.shown("ticket.note") == ""


def test_a_missing_file_is_the_defaults(tmp_path: Path) -> None:
    assert keymap.load(tmp_path / "none.toml") == keymap.build()
    assert keymap.load(None).problems == ()


def test_reference_names_every_action() -> None:
    text = keymap.key_reference()
    assert all(f"`{action.id}`" in text for action in ACTIONS)
    assert len(keymap.rows(keymap.build())) == len(ACTIONS)


def test_keymap_needs_no_textual() -> None:
    script = "import sys, carecli.tui.keymap as k; k.key_reference(); print(any(m in sys.modules for m in ('textual', 'rich')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
