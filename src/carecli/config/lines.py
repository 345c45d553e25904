"""Line numbers of keys in a TOML text; ``tomllib`` tells none."""

from __future__ import annotations

import re

Key = tuple[str, ...]

_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.)?""")
# What can open or close a value that runs over several lines, or hide such a sign: comments and strings.
_TOKEN = re.compile(r"""#.*|\"\"\"|'''|"(?:[^"\\]|\\.)*"|'[^']*'|[\[\]{}]""")


class Lines:
    """Where the keys of a valid TOML text stand, counted from 1."""

    __slots__ = ("_found",)

    def __init__(self, text: str) -> None:
        self._found: dict[Key, int] = {}
        self._scan(text)

    def of(self, *key: str) -> int:
        """Line of a key, or of the nearest table around it; 1 when nothing of it is written."""
        for end in range(len(key), 0, -1):
            if (line := self._found.get(key[:end])) is not None:
                return line
        return 1

    def _scan(self, text: str) -> None:
        table: Key = ()
        depth, quote = 0, ""
        for number, line in enumerate(text.splitlines(), start=1):
            start = 0
            if not quote and not depth:
                stripped = line.strip()
                if not stripped or stripped.startswith("#"):
                    continue
                if stripped.startswith("["):
                    table, _ = _key(stripped.lstrip("["), 0)
                    self._note(table, number)
                    continue
                key, start = _key(line, 0)
                self._note(table + key, number)
            depth, quote = _after(line, start, depth, quote)

    def _note(self, key: Key, number: int) -> None:
        for end in range(1, len(key) + 1):
            self._found.setdefault(key[:end], number)


def _key(line: str, at: int) -> tuple[Key, int]:
    parts: list[str] = []
    while found := _PART.match(line, at):
        parts.append(next((part for part in found.groups()[:3] if part is not None), ""))
        at = found.end()
        if not found[4]:
            break
    return tuple(parts), at


def _after(line: str, at: int, depth: int, quote: str) -> tuple[int, str]:
    """Bracket depth and open triple quote behind a line."""
    while True:
        if quote:
            end = _closing(line, at, quote)
            if end < 0:
                return depth, quote
            at, quote = end, ""
        found = _TOKEN.search(line, at)
        if found is None:
            return depth, quote
        at = found.end()
        sign = found[0]
        if sign in {'"""', "'''"}:
            quote = sign
        elif sign in {"[", "{"}:
            depth += 1
        elif sign in {"]", "}"}:
            depth -= 1


def _closing(line: str, at: int, quote: str) -> int:
    """Index behind the closing triple quote, -1 when the text goes on; a backslash escapes in basic strings."""
    while at < len(line):
        if quote == '"""' and line[at] == "\\":
            at += 2
            continue
        if line.startswith(quote, at):
            at += 3
            while at < len(line) and line[at] == quote[0]:  # up to two quotes may stand right before the end
                at += 1
            return at
        at += 1
    return -1
