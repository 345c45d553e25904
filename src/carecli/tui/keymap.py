"""Which key does what: the defaults, what keymap.toml changes, and what is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from carecli.tui.actions import ACTIONS, BY_ID, CONTEXTS, Action

_NAMED = frozenset(
    [
        "escape",
        "enter",
        "tab",
        "space",
        "backspace",
        "delete",
        "insert",
        "home",
        "end",
        "pageup",
        "pagedown",
        "up",
        "down",
        "left",
        "right",
    ]
    + [f"f{n}" for n in range(1, 25)]
)
_MODIFIED = re.compile(
    r"(?:(?:ctrl|alt|shift)\+)+(?:[a-z0-9]|" + "|".join(sorted(_NAMED, key=len, reverse=True)) + r"|[^\s\w])$"
)
_UNTELLABLE = frozenset(
    ("ctrl+enter", "alt+enter", "shift+enter", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "alt+f", "alt+b", "ctrl+space")
)
"""Keys that many terminals send as other keys or not at all."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a keymap; ``kind`` is unknown-action, bad-key, unreliable-key, clash, shadowed or unreadable."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Keymap:
    """Keys of every action after the person's changes; ``table`` maps context → key sequence → action id."""

    keys: Mapping[str, tuple[str, ...]]
    table: Mapping[str, Mapping[tuple[str, ...], str]]
    prefixes: Mapping[str, frozenset[tuple[str, ...]]]
    problems: tuple[Problem, ...] = field(default=())

    def find(self, context: str, pressed: tuple[str, ...]) -> str | None:
        """The action a sequence means in a context, nearest context first."""
        return self.table[context].get(pressed) or (self.table["global"].get(pressed) if context != "global" else None)

    def begins(self, context: str, pressed: tuple[str, ...]) -> bool:
        """Whether more keys could make the sequence an action."""
        return pressed in self.prefixes[context] or pressed in self.prefixes["global"]

    def shown(self, action_id: str) -> str:
        """The first key of an action as people read it (empty when it has none)."""
        keys = self.keys.get(action_id, ())
        return readable(keys[0]) if keys else ""


def readable(keys: str) -> str:
    """A key sequence for the screen: ``g g`` → ``gg``, ``escape`` → ``esc``."""
    parts = keys.split(" ")
    short = {"escape": "esc", "pagedown": "pgdn", "pageup": "pgup", "delete": "del"}
    arrows = {"up": "↑", "down": "↓", "left": "←", "right": "→"}
    return "".join(arrows.get(part, short.get(part, part)) for part in parts)


def is_key(name: str) -> bool:
    """Whether one part of a sequence names a key."""
    if len(name) == 1:
        return name.isprintable() and not name.isspace()
    return name in _NAMED or bool(_MODIFIED.match(name))


def build(changes: Mapping[str, tuple[str, ...]] | None = None, problems: Iterable[Problem] = ()) -> Keymap:
    """The keymap of the defaults with changes laid over them; never raises, it collects problems."""
    found = list(problems)
    keys = {action.id: action.keys for action in ACTIONS}
    changed: set[str] = set()
    for name, wanted in (changes or {}).items():
        if name not in BY_ID:
            found.append(Problem("unknown-action", f"'{name}' is no action; '?' in the console lists them"))
            continue
        good = tuple(key for key in wanted if _accept(name, key, found))
        keys[name] = good if good or not wanted else keys[name]
        changed.add(name)
    table: dict[str, dict[tuple[str, ...], str]] = {context: {} for context in CONTEXTS}
    # Changed actions claim their keys first, so that a person's choice wins over a default.
    for action in sorted(ACTIONS, key=lambda a: a.id not in changed):
        for key in keys[action.id]:
            for context in action.contexts:
                _claim(table[context], context, tuple(key.split(" ")), action, found)
    prefixes = {context: _prefixes(table[context], context, found) for context in CONTEXTS}
    _hidden(table, changed, found)
    lost = {(a, k) for c in CONTEXTS for k, a in table[c].items()}
    shown = {name: tuple(key for key in given if (name, tuple(key.split(" "))) in lost) for name, given in keys.items()}
    return Keymap(shown, table, prefixes, tuple(dict.fromkeys(found)))


def _accept(name: str, key: str, found: list[Problem]) -> bool:
    parts = key.split(" ")
    if not key or not all(is_key(part) for part in parts):
        found.append(Problem("bad-key", f"{name}: '{key}' is no key; write for example 'r', 'ctrl+d', 'f5' or 'g g'"))
        return False
    found.extend(
        Problem("unreliable-key", f"{name}: many terminals cannot send '{part}'; choose another key")
        for part in parts
        if part in _UNTELLABLE
    )
    return True


def _claim(
    bound: dict[tuple[str, ...], str], context: str, sequence: tuple[str, ...], action: Action, found: list[Problem]
) -> None:
    holder = bound.setdefault(sequence, action.id)
    if holder != action.id:
        key = readable(" ".join(sequence))
        found.append(Problem("clash", f"'{key}' is both {holder} and {action.id} ({context}); {holder} has it"))


def _prefixes(bound: Mapping[tuple[str, ...], str], context: str, found: list[Problem]) -> frozenset[tuple[str, ...]]:
    starts = {sequence[:n] for sequence in bound for n in range(1, len(sequence))}
    found.extend(
        Problem(
            "shadowed", f"'{readable(' '.join(s))}' ({bound[s]}, {context}) also begins a longer key and waits for it"
        )
        for s in sorted(starts & set(bound))
    )
    return frozenset(starts)


def _hidden(table: Mapping[str, Mapping[tuple[str, ...], str]], changed: set[str], found: list[Problem]) -> None:
    """Report keys of global actions that a nearer context takes, where a person's change caused it."""
    for context in CONTEXTS[:-1]:
        for sequence, name in table[context].items():
            other = table["global"].get(sequence)
            if other and other != name and {name, other} & changed:
                key = readable(" ".join(sequence))
                found.append(
                    Problem("shadowed", f"'{key}' is {name} in the {context}, so {other} is out of reach there")
                )


def load(path: str | Path | None) -> Keymap:
    """The keymap with the changes of a keymap.toml (``[keys]``: action = key or list of keys); a missing file is none."""
    path = Path(path) if path is not None else None
    if path is None or not path.is_file():
        return build()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return build(problems=[Problem("unreadable", f"{path.name}: {error}; the default keys are in use")])
    section = raw.get("keys", {})
    problems: list[Problem] = []
    changes: dict[str, tuple[str, ...]] = {}
    for name, value in section.items() if isinstance(section, dict) else ():
        given = [value] if isinstance(value, str) else value
        if isinstance(given, list) and all(isinstance(key, str) for key in given):
            changes[name] = tuple(key for key in given if key)
        else:
            problems.append(Problem("bad-key", f"{name}: write a key or a list of keys"))
    return build(changes, problems)


def rows(keymap: Keymap) -> list[dict[str, str]]:
    """Every action with its keys as they are bound, for tables and scripts."""
    return [
        {
            "keys": ", ".join(readable(key) for key in keymap.keys[action.id]),
            "action": action.id,
            "title": action.title,
            "context": ", ".join(action.contexts),
        }
        for action in ACTIONS
    ]


def key_reference() -> str:
    """All actions with their default keys as Markdown, for docs/keys.md."""
    keymap = build()
    lines = [
        "# Keys",
        "",
        "Every key can be changed in `keymap.toml` next to the configuration; `carecli keys check` reports clashes.",
        "",
        "```toml",
        "[keys]",
        '"ticket.reply" = "r"',
        '"move.top" = ["g g", "home"]',
        "```",
    ]
    for group in dict.fromkeys(action.group for action in ACTIONS):
        lines += ["", f"## {group}", "", "| Key | Action | What it does | Where |", "|---|---|---|---|"]
        for action in (a for a in ACTIONS if a.group == group):
            keys = " ".join(f"`{readable(key)}`" for key in keymap.keys[action.id]) or "–"
            where = ", ".join(action.contexts) if action.contexts != CONTEXTS[:4] else "all lists"
            what = action.what + (" Not available yet." if "later" in action.needs else "")
            lines.append(f"| {keys.replace('|', chr(92) + '|')} | `{action.id}` {action.title} | {what} | {where} |")
    return "\n".join(lines) + "\n"
