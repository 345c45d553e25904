"""Jump mode: letters over panes and views; one key goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk


class Jump(ModalScreen[str | None]):
    """Gives back the action that goes where the person pointed."""

    CSS_PATH = "../styles/above.tcss"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.targets: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """One small label a target."""
        panes = zip(
            "asdf", (self._desk.inbox, self._desk.conversation, self._desk.customer, self._desk.knowledge), strict=True
        )
        for number, (letter, widget) in enumerate(panes, 1):
            self.targets[letter] = f"pane.{number}"
            region = widget.region
            at = (
                (region.x + region.width // 2, region.y)
                if widget.is_on_screen
                else (2 + number * 5, self._desk.size.height - 3)
            )
            yield self._label(letter, at)
        bar = self._desk.view_bar
        for row, start, _, name in bar.spans:
            digit = next((view.hotkey for view in self._desk.views if view.name == name), None)
            if digit:
                self.targets[digit] = f"view.{digit}"
                yield self._label(digit, (bar.region.x + start, bar.region.y + row))

    def _label(self, letter: str, at: tuple[int, int]) -> Static:
        label = Static(f" {letter} ", classes="jump", markup=False)
        label.styles.offset = at
        return label

    def on_key(self, event: events.Key) -> None:
        """Go, or leave."""
        event.stop()
        self.dismiss(self.targets.get(event.character or ""))

    def on_click(self) -> None:
        """Leave."""
        self.dismiss(None)
