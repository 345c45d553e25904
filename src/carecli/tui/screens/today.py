"""What the person changed today: newest first, narrowed as one types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carecli.tui.cells import line
from carecli.tui.panes.conversation_lines import event_words
from carecli.tui.screens.finder import Finder
from carecli.tui.screens.texts import event_of
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.wording import clock, some


class Today(Finder[str]):
    """Gives back the reference of the ticket chosen."""

    hint = "enter goes to the ticket · esc close"

    def __init__(self, events: Sequence[Mapping[str, Any]], now: int) -> None:
        super().__init__(f"What I changed today · {some(len(events), 'change')}", "type to narrow")
        self._now = now
        self._rows = [(str(one.get("ref") or ""), event_of(one)) for one in reversed(events)]
        self.shown = self._rows

    def search(self, text: str) -> None:
        """Narrow by reference or words."""
        words = text.casefold().split()
        self.shown = [
            (ref, event)
            for ref, event in self._rows
            if all(word in f"{ref} {event_words(event)}".casefold() for word in words)
        ]

    def count(self) -> int:
        """Changes left."""
        return len(self.shown)

    def draw(self, index: int, width: int, ink: Ink, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """When, where, what."""
        ref, event = self.shown[index]
        edge: Piece = ("▌" if at_cursor else " ", ink.primary)
        what = event_words(event).partition(": ")[2]
        left = [edge, (f" {clock(event.at, self._now)}  ", ink.faint), (f"{line(ref):<14}  ", ink.primary)]
        return [sides([*left, (what, ink.base)], [(f" {line(event.origin)} ", ink.faint)], width, ink.base)]

    def choose(self, index: int | None, text: str) -> None:
        """Give the reference back."""
        if index is not None and self.shown[index][0]:
            self.dismiss(self.shown[index][0])
