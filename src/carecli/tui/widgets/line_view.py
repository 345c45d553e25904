"""A text of any length drawn by line: lines are plain pieces, strips are made when they come into sight."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from carecli.tui.theme import Ink
from carecli.tui.widgets.paint import paint_now
from carecli.tui.widgets.strips import Piece, strip_of
from carecli.tui.widgets.surface import Surface


@dataclass(slots=True)
class Line:
    """One line of a text; ``over`` is the ground it stands on, ``target`` what a click or enter on it means."""

    pieces: Sequence[Piece] = ()
    over: Style | None = None
    target: object = None


@dataclass(slots=True)
class Page:
    """All lines of a text, and the line numbers where its parts begin."""

    lines: list[Line] = field(default_factory=list)
    anchors: list[int] = field(default_factory=list)


class LineView(Surface):
    """A scrolled text; ``compose_page`` lays it out for a width."""

    context = "conversation"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.page = Page()
        self._laid_for: tuple[int, str] = (0, "")
        self._strips: dict[int, Strip] = {}

    @abstractmethod
    def compose_page(self, width: int, ink: Ink) -> Page:
        """Lay the text out for a width."""

    def renew(self) -> None:
        """The text changed: lay it out again."""
        self._laid_for = (0, "")
        self._lay()
        self.refresh()

    def _lay(self) -> None:
        width = self.inner
        key = (width, self.app.theme)
        if width <= 0 or key == self._laid_for:
            return
        self._laid_for = key
        self._strips.clear()
        self.page = self.compose_page(width, self.ink)
        self.virtual_size = Size(0, len(self.page.lines))

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._lay()

    def render_line(self, y: int) -> Strip:
        """One line of the viewport."""
        if self._laid_for[1] != self.app.theme:
            self._lay()
        number = y + round(self.scroll_y)
        width = self.size.width
        if number >= len(self.page.lines):
            return strip_of((), width, self.ink.base)
        strip = self._strips.get(number)
        if strip is None or strip.cell_length != width:
            line = self.page.lines[number]
            strip = self._strips[number] = strip_of(line.pieces, width, self.ink.base, line.over)
        return strip

    def move_by(self, count: int) -> None:
        """Scroll some lines."""
        self.scroll_to(y=self.scroll_y + count, animate=False, force=True, immediate=True)
        paint_now(self)

    def move_to(self, line: int) -> None:
        """Scroll so that a line is the first in sight."""
        self.scroll_to(y=line, animate=False, force=True, immediate=True)

    def to_end(self) -> None:
        """Scroll to the last line."""
        self.move_to(max(0, len(self.page.lines) - self.size.height))

    def half_page(self) -> int:
        """Half of the lines in sight."""
        return max(1, self.size.height // 2)
