"""Drafts: what is not sent yet and what was discarded lately, with the text of the one in hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from carecli.domain.conversation import Draft, DraftMode
from carecli.tui.cells import block, line, width_of, wrap
from carecli.tui.keypress import KeyReader
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_list import LineList
from carecli.tui.widgets.line_view import Line, LineView, Page
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.widgets.surface import FixedLines
from carecli.tui.wording import DAY, ago, clock, some

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk

_KEPT = 7 * DAY
_MODES = {
    DraftMode.REPLY: "reply",
    DraftMode.NOTE: "note",
    DraftMode.FORWARD: "forward",
    DraftMode.NEW: "new message",
}


class Texts(LineList):
    """Drafts, two lines each: open ones first."""

    context = "drafts"
    item_height = 2

    def __init__(self, now: Callable[[], int], trouble: Callable[[Draft], str]) -> None:
        super().__init__(id="shelf-list")
        self._now = now
        self._trouble = trouble
        self.drafts: list[Draft] = []

    @property
    def current(self) -> Draft | None:
        """The draft in hand."""
        return self.drafts[self.cursor] if self.cursor < len(self.drafts) else None

    def item_count(self) -> int:
        """Drafts."""
        return len(self.drafts)

    def draw_item(self, index: int, width: int, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """What it is, where it goes and when it was written; then its first words."""
        draft, ink = self.drafts[index], self.ink
        gone = draft.discarded_at is not None
        edge: Piece = ("▌" if at_cursor else " ", ink.primary)
        style = ink.faint if gone else ink.accent if draft.mode is DraftMode.NOTE else ink.primary
        who = ", ".join(line(address.email) for address in draft.to[:2])
        trouble = "" if gone else self._trouble(draft)
        first = sides(
            [
                edge,
                (f" {_MODES[draft.mode]:<12}", style),
                (line(draft.ticket_ref or draft.account or "") + "  ", ink.faint if gone else ink.strong),
                (line(draft.subject or who), ink.faint if gone else ink.base),
                (f"  ! {trouble}" if trouble else "", ink.warn),
            ],
            [(f" {self._when(draft)} ", ink.faint)],
            width,
            ink.base,
        )
        files = f"▣ {some(len(draft.attachments), 'file')}  " if draft.attachments else ""
        words = line(draft.body) or "(no text yet)"
        return first, [edge, (" " * 13, ink.base), (files, ink.link), (words, ink.faint if gone else ink.dim)]

    def _when(self, draft: Draft) -> str:
        now = self._now()
        if draft.discarded_at is None:
            return ago(draft.updated_at, now)
        until = clock(draft.discarded_at + _KEPT, now).rpartition(" ")[0]
        return f"discarded, kept until {until}"


class Text(LineView):
    """All of the draft in hand."""

    def __init__(self) -> None:
        super().__init__(id="shelf-text")
        self.draft: Draft | None = None

    def compose_page(self, width: int, ink: Ink) -> Page:
        """Recipients, text, files."""
        draft = self.draft
        if draft is None:
            return Page()
        to = [f"To {', '.join(map(str, draft.to))}"] if draft.to else []
        cc = [f"Cc {', '.join(map(str, draft.cc))}"] if draft.cc else []
        lines = [Line([(" " + line(text), ink.faint)]) for text in (*to, *cc)]
        lines += [Line([(" " + text, ink.base)]) for text in wrap(block(draft.body), width - 2)]
        return Page(lines + [Line([(" ▣ " + line(path), ink.link)]) for path in draft.attachments])


class Ways(FixedLines):
    """The keys of the list; a click does the same."""

    def __init__(self, ways: Callable[[], list[tuple[str, str, str]]], take: Callable[[str], None]) -> None:
        super().__init__(id="shelf-ways")
        self._ways = ways
        self._take = take
        self._spans: list[tuple[int, int, str]] = []

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """One line below a blank one."""
        row: list[Piece] = [(" ", ink.base)]
        self._spans, at = [], 1
        for key, word, way in self._ways():
            row += [(key, ink.key), (f" {word}   ", ink.base)]
            size = width_of(f"{key} {word}")
            self._spans.append((at, at + size, way))
            at += size + 3
        return [[], row]

    def on_click(self, event: events.Click) -> None:
        """Take the way under the pointer."""
        for start, stop, way in self._spans:
            if event.y == 1 and start <= event.x < stop:
                self._take(way)


class Shelf(ModalScreen[tuple[str, str] | None]):
    """Gives back what to do with which draft; discarding and bringing back happen at once (``act``), here."""

    CSS_PATH = "../styles/above.tcss"

    def __init__(
        self,
        read: Callable[[], list[Draft]],
        trouble: Callable[[Draft], str],
        act: Callable[[str, str], None],
        desk: Desk,
    ) -> None:
        super().__init__()
        self._read = read
        self._act = act
        self._keymap = desk.keymap
        self._own, self._moves = KeyReader(desk.keymap), KeyReader(desk.keymap)
        self.list = Texts(desk.now, trouble)
        self.text = Text()
        self.ways = Ways(self._words, self.take)

    def compose(self) -> ComposeResult:
        """List, text, keys."""
        with Vertical(id="shelf") as box:
            box.border_title = "Drafts"
            yield self.list
            yield self.text
            yield self.ways

    def on_mount(self) -> None:
        """Show them."""
        self._renew()
        self.list.focus()

    def _renew(self) -> None:
        self.list.drafts = self._read()
        self.list.renew()
        self._show()

    def _show(self) -> None:
        self.text.draft = self.list.current
        self.text.renew()
        self.text.move_to(0)
        self.ways.redraw()

    def _words(self) -> list[tuple[str, str, str]]:
        shown = self._keymap.shown
        draft = self.list.current
        gone = draft is not None and draft.discarded_at is not None
        last = ("bring back", "restore") if gone else ("discard", "discard")
        ways = [("open", "open"), ("copy text", "copy"), ("move to a ticket", "move"), last] if draft else []
        return [*((shown(f"drafts.{way}"), word, way) for word, way in ways), ("esc", "close", "")]

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        if isinstance(event, LineList.Opened):
            self.take("open")
        else:
            self._show()

    def take_key(self, event: events.Key) -> bool:
        """Do something with the draft in hand, move, or close."""
        action, _ = self._own.read(event, "drafts")
        if action is not None and action.startswith("drafts."):
            self.take(action.removeprefix("drafts."))
            return True
        if action in ("app.quit", "app.help"):
            self.dismiss(None)
            return True
        moving, _ = self._moves.read(event, "inbox")
        moves: dict[str, Callable[[], object]] = {
            "move.down": partial(self.list.move_by, 1),
            "move.up": partial(self.list.move_by, -1),
            "move.half_down": partial(self.list.move_by, self.list.half_page()),
            "move.half_up": partial(self.list.move_by, -self.list.half_page()),
            "move.top": partial(self.list.move_to, 0),
            "move.bottom": partial(self.list.move_to, len(self.list.drafts) - 1),
            "app.back": partial(self.dismiss, None),
        }
        if moving in moves:
            moves[moving]()
        return True

    def take(self, way: str) -> None:
        """Do something with the draft in hand."""
        draft = self.list.current
        if draft is None or not way:
            self.dismiss(None)
            return
        if way in ("open", "move"):
            self.dismiss((way, draft.id))
            return
        self._act(way, draft.id)
        self._renew()
