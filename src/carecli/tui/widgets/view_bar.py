"""Views with their counts above the inbox: a grid where there is room, one line where there is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.geometry import Size
from textual.message import Message

from carecli.services.models import Count, View
from carecli.tui.cells import cut, fit, line, width_of
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece
from carecli.tui.widgets.surface import FixedLines

_GRID_FROM_HEIGHT = 30  # rows of the screen


class ViewBar(FixedLines):
    """All views, the current one lit."""

    class Chosen(Message):
        """A view was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="views")
        self.border_title = "Views"
        self._views: tuple[View, ...] = ()
        self._counts: Mapping[str, Count] = {}
        self._current = ""
        self.spans: list[tuple[int, int, int, str]] = []

    def show(self, views: Sequence[View], counts: Mapping[str, Count], current: str) -> None:
        """Show these views and numbers."""
        new = (tuple(views), dict(counts), current)
        if new == (self._views, self._counts, self._current):
            return
        grown = len(new[0]) != len(self._views)
        self._views, self._counts, self._current = new
        self._drawn_for = None
        self.refresh(layout=grown)

    def _columns(self, width: int) -> int:
        return 1 if width < 36 else 2 if width < 96 else 4

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines needed at a width."""
        if viewport.height < _GRID_FROM_HEIGHT:
            return 1
        columns = self._columns(width)
        return max(1, -(-len(self._views) // columns))

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """Grid or single line."""
        self.spans = []
        return [self._one_line(width, ink)] if self.size.height <= 1 else self._grid(width, ink)

    def _number(self, view: View) -> str:
        count = self._counts.get(view.name)
        if count is None:
            return ""
        return f"{count.number:,}{'+' if count.capped else ''}"

    def _grid(self, width: int, ink: Ink) -> list[list[Piece]]:
        columns = self._columns(width)
        cell = width // columns
        rows = -(-len(self._views) // columns)
        lines: list[list[Piece]] = [[] for _ in range(rows)]
        for place, view in enumerate(self._views):
            column, row = divmod(place, rows)
            here = view.name == self._current
            number = self._number(view)
            title = cell - 5 - max(5, width_of(number))
            over = ink.cursor if here else ink.base
            lines[row] += [
                (("▌" if here else " ") + fit(view.hotkey or "", 1) + " ", (ink.primary if here else ink.faint) + over),
                (fit(line(view.title), title), (ink.strong if here else ink.base) + over),
                (fit(number, max(5, width_of(number)), right=True) + " ", (ink.primary if here else ink.dim) + over),
                (" ", ink.base),
            ]
            self.spans.append((row, column * cell, (column + 1) * cell, view.name))
        return lines

    def _one_line(self, width: int, ink: Ink) -> list[Piece]:
        """The current view first in sight, its neighbours as far as they fit."""
        texts = [f" {view.hotkey or ''} {line(view.title)} {self._number(view)} " for view in self._views]
        start = next((n for n, view in enumerate(self._views) if view.name == self._current), 0)
        total = sum(width_of(text) for text in texts)
        if total <= width:
            start = 0
        else:
            while start > 0 and sum(width_of(text) for text in texts[start - 1 :]) <= width:
                start -= 1
        pieces: list[Piece] = [("‹", ink.faint)] if start else []
        at = len(pieces)
        for text, view in list(zip(texts, self._views, strict=True))[start:]:
            if at >= width:
                break
            shown = cut(text, width - at)
            here = view.name == self._current
            pieces.append((shown, ink.strong + ink.cursor if here else ink.dim))
            self.spans.append((0, at, at + width_of(shown), view.name))
            at += width_of(shown)
        return pieces

    def on_click(self, event: events.Click) -> None:
        """Choose the view under the pointer."""
        for row, start, stop, name in self.spans:
            if event.y == row and start <= event.x < stop:
                self.post_message(self.Chosen(name))
