"""The common ground of line-drawn widgets: inks, key hand-over to the desk, and fixed lines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from carecli.tui.theme import Ink, ink_of
from carecli.tui.widgets.strips import Piece, strip_of

if TYPE_CHECKING:
    from typing import Protocol

    class KeyTaker(Protocol):
        """A screen that understands keys."""

        def take_key(self, event: events.Key) -> bool:
            """Run what a key means; whether it meant anything."""
            ...


class Surface(ScrollView):
    """A focusable scroll view that draws lines itself; ``context`` names it in the keymap."""

    context = "inbox"
    can_focus = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._ink: Ink | None = None
        self._ink_theme = ""

    @property
    def ink(self) -> Ink:
        """The inks of the current theme."""
        if self._ink is None or self._ink_theme != self.app.theme:
            self._ink_theme = self.app.theme
            self._ink = ink_of(self.app)
        return self._ink

    @property
    def inner(self) -> int:
        """Cells of one line."""
        return self.scrollable_content_region.width

    def on_key(self, event: events.Key) -> None:
        """Hand keys to the screen at once, without bubbling through every container."""
        take = getattr(self.screen, "take_key", None)
        if take is not None and take(event):
            event.stop()
            event.prevent_default()


class FixedLines(Widget):
    """A few lines that never scroll; ``draw`` says what stands in them."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []
        self._drawn_for: tuple[int, int, str] | None = None

    @abstractmethod
    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """Pieces of each line."""

    def ground(self, ink: Ink) -> Piece:
        """The style that fills the rest of the lines (its text is ignored)."""
        return "", ink.base

    def redraw(self) -> None:
        """Draw again at the next paint."""
        self._drawn_for = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        size = self.size
        key = (size.width, size.height, self.app.theme)
        ink = ink_of(self.app)
        base = self.ground(ink)[1]
        if key != self._drawn_for:
            self._drawn_for = key
            self._strips = [strip_of(pieces, size.width, base) for pieces in self.draw(size.width, ink)]
        return self._strips[y] if y < len(self._strips) else strip_of((), size.width, base)
