"""A field to type into and what is found below it: the common shape of palette, pickers and search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input

from carecli.tui.theme import Ink
from carecli.tui.widgets.line_list import LineList
from carecli.tui.widgets.strips import Piece
from carecli.tui.widgets.surface import FixedLines

T = TypeVar("T")


class Found(LineList):
    """The list below the field; it asks the finder how items look."""

    can_focus = False
    context = "finder"

    def __init__(self, finder: Finder[T], height: int) -> None:
        super().__init__(id="found")
        self.item_height = height
        self._finder = finder

    @property
    def looks_focused(self) -> bool:
        """The cursor is always bright: the field above steers it."""
        return True

    def item_count(self) -> int:
        """Items found."""
        return self._finder.count()

    def draw_item(self, index: int, width: int, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """One item."""
        return self._finder.draw(index, width, self.ink, at_cursor)

    def empty_lines(self) -> Sequence[str]:
        """Words for nothing found."""
        return self._finder.nothing()


class Note(FixedLines):
    """The line at the bottom of a finder."""

    def __init__(self) -> None:
        super().__init__(id="found-note")
        self.text = ""

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """One line."""
        return [[(" " + self.text, ink.faint)]]

    def say(self, text: str) -> None:
        """Show other words."""
        if text != self.text:
            self.text = text
            self.redraw()


class Finder(ModalScreen[T | None]):
    """Subclasses say what is found for a text, how it looks, and what choosing it gives back."""

    CSS_PATH = "../styles/above.tcss"
    item_height = 1
    debounce = 0.0
    hint = "↑↓ move · enter choose · esc close"

    def __init__(self, title: str, placeholder: str = "", text: str = "") -> None:
        super().__init__()
        self._title = title
        self._placeholder = placeholder
        self._text = text
        self._waiting: Timer | None = None
        self.list = Found(self, self.item_height)

    def compose(self) -> ComposeResult:
        """Field, list, note."""
        with Vertical(id="finder") as box:
            box.border_title = self._title
            yield Input(self._text, placeholder=self._placeholder, id="field", compact=True)
            yield self.list
            yield Note()

    def on_mount(self) -> None:
        """Show what there is before anything is typed."""
        self.query_one(Input).focus()
        self._search_now()

    @abstractmethod
    def search(self, text: str) -> None:
        """Find items for a text."""

    @abstractmethod
    def count(self) -> int:
        """Items found."""

    @abstractmethod
    def draw(self, index: int, width: int, ink: Ink, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """Lines of an item."""

    def nothing(self) -> Sequence[str]:
        """Words for nothing found."""
        return ("Nothing matches.",)

    def note(self) -> str:
        """Words below the list."""
        return self.hint

    @abstractmethod
    def choose(self, index: int | None, text: str) -> None:
        """An item was chosen, or (``None``) enter was pressed with nothing to choose."""

    @property
    def typed(self) -> str:
        """What stands in the field."""
        return self.query_one(Input).value

    @on(Input.Changed)
    def _field_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._waiting is not None:
            self._waiting.stop()
        if self.debounce:
            self._waiting = self.set_timer(self.debounce, self._search_now)
        else:
            self._search_now()

    def _search_now(self) -> None:
        self.search(self.typed)
        self.list.cursor = 0
        self.list.renew()
        self.list.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.query_one(Note).say(self.note())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
            if self.debounce:
                self._search_now()
        self.choose(self.list.cursor if self.count() else None, self.typed)

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        if isinstance(event, LineList.Opened):
            self.choose(event.index, self.typed)
        else:
            self.query_one(Note).say(self.note())

    def on_key(self, event: events.Key) -> None:
        """Keys that steer the list while the field has the focus."""
        moves = {
            "down": 1,
            "up": -1,
            "ctrl+n": 1,
            "pagedown": self.list.half_page() * 2,
            "pageup": -self.list.half_page() * 2,
        }
        if event.key in moves:
            self.list.move_by(moves[event.key])
        elif event.key in ("escape", "ctrl+p"):
            self.dismiss(None)
        elif event.is_printable and event.character:
            # Typed before the field had the focus; what the field takes itself never comes here.
            self.query_one(Input).insert_text_at_cursor(event.character)
        else:
            return
        event.stop()
        event.prevent_default()
