"""The first screen of somebody who has connected nothing yet."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

from carecli.tui.keymap import Keymap
from carecli.tui.keypress import KeyReader
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_list import LineList
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.widgets.surface import FixedLines

CHOICES: tuple[tuple[str, str, tuple[str, str]], ...] = (
    ("demo", "Try the demo", ("A believable week of tickets; nothing leaves this machine.", "carecli demo")),
    ("connect", "Connect an account", ("Mailbox or helpdesk; asks what it needs.", "carecli account add")),
    ("lesson", "Ten minutes of learning", ("The keys you will use every day.", "")),
    ("quit", "Quit", ("", "")),
)


class Greeting(FixedLines):
    """What this is, in three lines."""

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """Name and promise."""
        return (
            [("carecli", ink.strong + ink.primary)],
            [("One console for everything your customers write.", ink.base)],
            [("Never slow, never lost, never doubled.", ink.dim)],
        )


class Doors(LineList):
    """What to do first."""

    context = "inbox"
    item_height = 3

    def item_count(self) -> int:
        """Doors."""
        return len(CHOICES)

    def draw_item(self, index: int, width: int, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """Name, promise, command."""
        _, title, (promise, command) = CHOICES[index]
        edge: Piece = ("▌ " if at_cursor else "  ", self.ink.primary)
        head = sides([edge, (title, self.ink.strong)], [(command + " ", self.ink.key)], width, self.ink.base)
        return head, [edge, (promise, self.ink.dim)], [edge]


class Welcome(Screen[str]):
    """Gives back the door chosen."""

    AUTO_FOCUS = "#doors"

    def __init__(self, keymap: Keymap) -> None:
        super().__init__(id="welcome")
        self._keys = KeyReader(keymap)
        self.doors = Doors(id="doors")

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        with Vertical(id="welcome-box"):
            yield Greeting(id="greeting")
            yield self.doors

    def on_mount(self) -> None:
        """Show the doors."""
        self.doors.renew()

    def take_key(self, event: object) -> bool:
        """Move, choose, quit."""
        from textual import events

        if not isinstance(event, events.Key):
            return False
        action, taken = self._keys.read(event, "inbox")
        if action in ("move.down", "pane.next"):
            self.doors.move_by(1)
        elif action in ("move.up", "pane.previous"):
            self.doors.move_by(-1)
        elif action == "move.open":
            self.choose(self.doors.cursor)
        elif action in ("app.quit", "app.back"):
            self.app.exit(0)
        elif action is not None and action.startswith("pane."):
            self.doors.move_to(int(action[-1]) - 1)
        return taken

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        self.choose(event.index)

    def choose(self, index: int) -> None:
        """Tell the app."""
        self.app.call_later(self.app.welcome_chosen, CHOICES[index][0])  # type: ignore[attr-defined]
