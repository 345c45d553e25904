"""A list of any length drawn by line: pages of rows are fetched when they come into sight, moves repaint two rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from carecli.tui.widgets.paint import paint_now, paint_rows
from carecli.tui.widgets.strips import Piece, strip_of
from carecli.tui.widgets.surface import Surface


class LineList(Surface):
    """A list with a cursor; subclasses say how many items there are and how one looks."""

    item_height = 1

    class Moved(Message):
        """The cursor went to another item."""

        def __init__(self, source: LineList, index: int) -> None:
            super().__init__()
            self.source = source
            self.index = index

        @property
        def control(self) -> LineList:
            """The list it happened in."""
            return self.source

    class Opened(Moved):
        """An item was opened by mouse."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self._drawn: dict[tuple[int, bool], list[Strip]] = {}
        self._drawn_for: tuple[int, str, bool, int] = (0, "", False, 0)

    @abstractmethod
    def item_count(self) -> int:
        """How many items there are."""

    @abstractmethod
    def draw_item(self, index: int, width: int, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """The lines of one item."""

    def empty_lines(self) -> Sequence[str]:
        """What to say when there are no items."""
        return ()

    def item_is_marked(self, index: int) -> bool:
        """Whether an item stands on the marked ground."""
        return False

    @property
    def looks_focused(self) -> bool:
        """Whether the cursor is drawn bright."""
        return self.has_focus

    # Drawing

    def fit_size(self) -> None:
        """Tell the scroll bar how long the list is."""
        self.virtual_size = Size(0, self.item_count() * self.item_height)

    def renew(self) -> None:
        """The items changed: draw everything again, keeping the cursor inside."""
        self._drawn.clear()
        self.cursor = max(0, min(self.cursor, self.item_count() - 1))
        self.fit_size()
        self.refresh()

    def renew_item(self, index: int) -> None:
        """One item looks different now."""
        self._drawn.pop((index, True), None)
        self._drawn.pop((index, False), None)
        self.refresh_lines(index * self.item_height, self.item_height)

    def render_line(self, y: int) -> Strip:
        """One line of the viewport."""
        width = self.size.width
        key = (width, self.app.theme, self.looks_focused, self.item_height)
        if key != self._drawn_for:
            self._drawn_for = key
            self._drawn.clear()
        index, offset = divmod(y + round(self.scroll_y), self.item_height)
        if index >= self.item_count():
            return self._blank_line(y, width)
        at_cursor = index == self.cursor
        strips = self._drawn.get((index, at_cursor))
        if strips is None:
            if len(self._drawn) > 2000:
                self._drawn.clear()
            strips = self._drawn[index, at_cursor] = self._draw(index, width, at_cursor)
        return strips[offset] if offset < len(strips) else strip_of((), width, self.ink.base)

    def _draw(self, index: int, width: int, at_cursor: bool) -> list[Strip]:
        ink = self.ink
        over = None
        if at_cursor:
            over = ink.cursor if self.looks_focused else ink.cursor_away
        elif self.item_is_marked(index):
            over = ink.mark
        return [strip_of(pieces, width, ink.base, over) for pieces in self.draw_item(index, width, at_cursor)]

    def _blank_line(self, y: int, width: int) -> Strip:
        ink = self.ink
        if not self.item_count():
            words = self.empty_lines()
            top = max(1, min(3, self.size.height // 4))
            if 0 <= y - top < len(words):
                return strip_of([("  " + words[y - top], ink.dim if y > top else ink.base)], width, ink.base)
        return strip_of((), width, ink.base)

    # Moving

    def move_to(self, index: int, *, quiet: bool = False) -> None:
        """Put the cursor on an item and bring it into sight; only the two rows concerned are painted again."""
        count = self.item_count()
        index = max(0, min(index, count - 1)) if count else 0
        old, self.cursor = self.cursor, index
        scrolled = self._show(index)
        if old == index:
            return
        if quiet or scrolled or not self._paint_items(old, index):
            height = self.item_height
            self.refresh_lines(old * height, height)
            self.refresh_lines(index * height, height)
            if not quiet:
                paint_now(self)
        if not quiet:
            self.post_message(self.Moved(self, index))

    def _paint_items(self, old: int, index: int) -> bool:
        """Paint two items at once; whether that could be done."""
        height, top = self.item_height, round(self.scroll_y)
        low, high = sorted((old * height - top, index * height - top))
        if high - low == height:
            return paint_rows(self, low, high + height - 1)
        return paint_rows(self, low, low + height - 1) and paint_rows(self, high, high + height - 1)

    def _show(self, index: int) -> bool:
        """Bring an item into sight; whether the list had to move."""
        height, view = self.item_height, self.size.height
        top = round(self.scroll_y)
        if index * height < top:
            self.scroll_to(y=index * height, animate=False, force=True, immediate=True)
            return True
        if (index + 1) * height > top + view:
            self.scroll_to(y=(index + 1) * height - view, animate=False, force=True, immediate=True)
            return True
        return False

    def move_by(self, count: int) -> None:
        """Move the cursor some items on."""
        self.move_to(self.cursor + count)

    def half_page(self) -> int:
        """Items in half of what is in sight."""
        return max(1, self.size.height // self.item_height // 2)

    # Mouse and focus

    def item_at(self, y: int) -> int | None:
        """The item under a line of the viewport."""
        index = (y + round(self.scroll_y)) // self.item_height
        return index if 0 <= index < self.item_count() else None

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        index = self.item_at(event.y)
        if index is None:
            return
        again = index == self.cursor
        self.move_to(index)
        if again or event.chain > 1:
            self.post_message(self.Opened(self, index))

    def on_focus(self) -> None:
        """The cursor brightens."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor dims."""
        self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor in sight when the widget shrinks."""
        if self.item_count():
            self._show(self.cursor)
