"""Choosing one thing of a list by typing a part of its name; also free text where that makes sense."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from carecli.tui.cells import fit, line, width_of
from carecli.tui.screens.finder import Finder
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece, sides


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: ``value`` is given back; a refused one stays listed and says why."""

    value: str
    label: str
    detail: str = ""
    key: str = ""
    refused: str = ""


def rank(text: str, label: str) -> int | None:
    """How well typed text fits a label (smaller is better): start, word start, inside, letters in order."""
    if not text:
        return 0
    typed, name = text.casefold(), label.casefold()
    if name.startswith(typed):
        return 0
    if f" {typed}" in name:
        return 1
    if typed in name:
        return 2
    position = -1
    for char in typed:
        position = name.find(char, position + 1)
        if position < 0:
            return None
    return 3


def _rank_of(text: str, choice: Choice) -> int | None:
    """The rank by label, else by the words beside it."""
    by_label = rank(text, choice.label)
    if by_label is None and len(text) > 2 and text.casefold() in choice.detail.casefold():
        return 4
    return by_label


class Pick(Finder[str]):
    """Gives back the value chosen. ``free`` turns typed text that matches nothing into a value (or ``None``)."""

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        placeholder: str = "type to narrow",
        free: Callable[[str], Choice | None] | None = None,
    ) -> None:
        super().__init__(title, placeholder)
        self._choices = choices
        self._free = free
        self.shown: list[Choice] = []

    def search(self, text: str) -> None:
        """Narrow the list."""
        text = text.strip()
        ranked = [(r, n, c) for n, c in enumerate(self._choices) if (r := _rank_of(text, c)) is not None]
        self.shown = [choice for _, _, choice in sorted(ranked, key=lambda item: item[:2])]
        extra = self._free(text) if self._free and text else None
        if extra is not None and not any(c.label.casefold() == text.casefold() for c in self.shown):
            weak = not self.shown or rank(text, self.shown[0].label) in (None, 3)
            self.shown.insert(0 if weak else len(self.shown), extra)

    def count(self) -> int:
        """Choices left."""
        return len(self.shown)

    def draw(self, index: int, width: int, ink: Ink, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """Label, then detail or the reason it is refused, then its key."""
        choice = self.shown[index]
        label = fit(line(choice.label), min(30, max(width_of(choice.label), 22)))
        style = ink.faint if choice.refused else ink.base
        left = [
            ("▌" if at_cursor else " ", ink.primary),
            (" " + label + "  ", style),
            (line(choice.refused or choice.detail), ink.warn if choice.refused else ink.dim),
        ]
        return [sides(left, [(f" {choice.key} ", ink.key)] if choice.key else [], width, ink.base)]

    def choose(self, index: int | None, text: str) -> None:
        """Give the value back; a refused choice stays."""
        if index is not None and not self.shown[index].refused:
            self.dismiss(self.shown[index].value)
