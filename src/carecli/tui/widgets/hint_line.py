"""The footer: the keys that matter where the person is now; a click runs them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from carecli.tui.cells import width_of
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece
from carecli.tui.widgets.surface import FixedLines


class HintLine(FixedLines):
    """Keys with their words."""

    class Chosen(Message):
        """A hint was clicked."""

        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    def __init__(self) -> None:
        super().__init__(id="hints")
        self._hints: tuple[tuple[str, str, str], ...] = ()
        self._pending = ""
        self._spans: list[tuple[int, int, str]] = []

    def show(self, hints: Sequence[tuple[str, str, str]], pending: str = "") -> None:
        """Show (key, word, action) triples; ``pending`` are keys of a sequence pressed so far."""
        new = tuple(hints)
        if new != self._hints or pending != self._pending:
            self._hints, self._pending = new, pending
            self.redraw()

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """As many hints as fit."""
        pieces: list[Piece] = [(" ", ink.base)]
        self._spans = []
        at = 1
        if self._pending:
            pieces.append((self._pending + "… ", ink.match))
            at += width_of(self._pending) + 2
        for key, word, action_id in self._hints:
            size = width_of(key) + 1 + width_of(word) + 2
            if at + size > width:
                break
            pieces += [(key, ink.key), (" " + word + "  ", ink.dim)]
            self._spans.append((at, at + size - 2, action_id))
            at += size
        return [pieces]

    def on_click(self, event: events.Click) -> None:
        """Run the hint under the pointer."""
        for start, stop, action_id in self._spans:
            if start <= event.x < stop:
                self.post_message(self.Chosen(action_id))
