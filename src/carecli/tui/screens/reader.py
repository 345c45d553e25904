"""A long text above the desk: help, an article, a timeline."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from carecli.tui.keymap import Keymap
from carecli.tui.keypress import KeyReader, token_of
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_view import Line, LineView, Page

Lay = Callable[[int, Ink], list[Line]]


class Text(LineView):
    """The text, laid out by a function."""

    def __init__(self, lay: Lay) -> None:
        super().__init__(id="reader-text")
        self._lay_out = lay

    def compose_page(self, width: int, ink: Ink) -> Page:
        """Ask the function."""
        return Page(self._lay_out(width, ink))


class Reader(ModalScreen[str | None]):
    """Shows a text; keys in ``choices`` close it and give back their value."""

    CSS_PATH = "../styles/above.tcss"

    def __init__(
        self, title: str, lay: Lay, keymap: Keymap, choices: dict[str, str] | None = None, footer: str = "esc closes"
    ) -> None:
        super().__init__()
        self._title = title
        self._footer = footer
        self.text = Text(lay)
        self._choices = choices or {}
        self._keys = KeyReader(keymap)

    def compose(self) -> ComposeResult:
        """One box."""
        with Vertical(id="reader") as box:
            box.border_title = self._title
            box.border_subtitle = self._footer
            yield self.text

    def on_mount(self) -> None:
        """The text takes the keys."""
        self.text.focus()

    def take_key(self, event: events.Key) -> bool:
        """Scroll, close, or give back a choice."""
        token = token_of(event)
        if token in self._choices:
            self.dismiss(self._choices[token])
            return True
        action, taken = self._keys.read(event, "conversation")
        view = self.text
        moves: dict[str, Callable[[], None]] = {
            "move.down": lambda: view.move_by(1),
            "move.up": lambda: view.move_by(-1),
            "move.half_down": lambda: view.move_by(view.half_page()),
            "move.half_up": lambda: view.move_by(-view.half_page()),
            "move.top": lambda: view.move_to(0),
            "move.bottom": view.to_end,
            "app.back": self.close_reader,
            "app.help": self.close_reader,
            "app.quit": self.close_reader,
        }
        if action in moves:
            moves[action]()
        return taken

    def close_reader(self) -> None:
        """Close without a choice."""
        self.dismiss(None)
