"""The palette: every action by name, with its key, so that people learn the keys from it."""

from __future__ import annotations

from carecli.tui.actions import ACTIONS, Facts, refusal
from carecli.tui.keymap import Keymap
from carecli.tui.screens.pick import Choice, Pick

_UNLISTED = ("move.", "view.", "draft.", "pane.", "decide.", "drafts.")


def choices(keymap: Keymap, facts: Facts, views: dict[str, str]) -> list[Choice]:
    """All actions worth naming; ``views`` maps a hotkey digit to the title of its view."""
    out = [
        Choice(action.id, action.title, action.what, keymap.shown(action.id), refusal(action, facts) or "")
        for action in ACTIONS
        if not action.id.startswith(_UNLISTED) and action.id != "app.palette"
    ]
    out.sort(key=lambda choice: bool(choice.refused))
    for digit, title in views.items():
        out.append(Choice(f"view.{digit}", f"View: {title}", "Shows this view.", keymap.shown(f"view.{digit}")))
    return out


def palette(keymap: Keymap, facts: Facts, views: dict[str, str]) -> Pick:
    """The screen that gives back an action id."""
    return Pick("Commands", choices(keymap, facts, views), "what do you want to do?")
