"""The conversation of the ticket in hand, with its head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from textual import events
from textual.message import Message as TextualMessage

from carecli.domain.conversation import Attachment
from carecli.services.models import Conversation
from carecli.tui.cells import fit, line
from carecli.tui.panes.conversation_lines import Reading, lay_conversation
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_view import Line, LineView, Page
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.widgets.surface import FixedLines
from carecli.tui.wording import PRIORITY, STATUS, clock, deadline


class TicketHead(FixedLines):
    """Subject and standing of the ticket in hand."""

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__(id="head")
        self._now = now
        self._talk: Conversation | None = None
        self._due: int | None = None
        self._draft = False
        self._notice = ""

    def show(self, talk: Conversation | None, due: int | None, has_draft: bool, notice: str = "") -> None:
        """Show another ticket, or none; ``notice`` says what on it waits for a person."""
        self._talk, self._due, self._draft, self._notice = talk, due, has_draft, notice
        self.redraw()

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """Subject, standing, rule."""
        if self._talk is None:
            return ()
        ticket = self._talk.ticket
        words, level = deadline(self._due, self._now())
        style = {"late": ink.bad, "soon": ink.warn}.get(level, ink.good)
        status = ticket.status_label or STATUS[ticket.status]
        parts: list[Piece] = [
            (" " + line(ticket.ref), ink.primary),
            (" · " + line(status), ink.base),
        ]
        if ticket.priority in ("high", "urgent"):
            parts.append((f" · {PRIORITY[ticket.priority]}", ink.bad if ticket.priority == "urgent" else ink.warn))
        parts.append((" · " + (line(ticket.assignee) if ticket.assignee else "nobody assigned"), ink.dim))
        if ticket.snoozed_until and ticket.snoozed_until > self._now():
            parts.append((f" · snoozed until {clock(ticket.snoozed_until, self._now())}", ink.second))
        if ticket.tags:
            parts.append(("  " + " ".join(f"#{line(tag)}" for tag in ticket.tags), ink.second))
        state = {
            "pending": "⇡ not synced yet ",
            "conflict": "! needs you ",
            "tombstone": "† deleted there ",
        }
        right: list[Piece] = [
            (state.get(ticket.sync_state, ""), ink.warn),
            ("✎ draft " if self._draft else "", ink.accent),
        ]
        return (
            sides(
                [(" " + (line(ticket.subject) or "(no subject)"), ink.strong)], [(words + " ", style)], width, ink.base
            ),
            sides(parts, right, width, ink.base),
            [(fit(f" {self._notice}", width), ink.alarm)] if self._notice else [("─" * width, ink.faint)],
        )


class ConversationPane(LineView):
    """All that was said, newest in sight."""

    context = "conversation"

    class Picked(TextualMessage):
        """An attachment was clicked."""

        def __init__(self, attachment: Attachment) -> None:
            super().__init__()
            self.attachment = attachment

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__(id="conversation")
        self._now = now
        self.talk: Conversation | None = None
        self.reading = Reading()
        self._to_newest = False

    def show(self, talk: Conversation | None, *, keep_place: bool = False) -> None:
        """Show another conversation at its newest message, or the same one again where the reader was."""
        at_end = self.is_vertical_scroll_end
        self.talk = talk
        self._to_newest = not keep_place or at_end
        self.renew()
        if self.page.lines:
            self._place()

    def toggle(self, *, quotes: bool = False, events: bool = False) -> None:
        """Fold or unfold quotes, show or hide events."""
        self.reading = replace(self.reading, quotes=self.reading.quotes ^ quotes, events=self.reading.events ^ events)
        self.renew()

    def go_to_message(self, message_id: int) -> None:
        """Scroll to one message."""
        for message, anchor in zip(self.talk.messages if self.talk else (), self.page.anchors, strict=False):
            if message.id == message_id:
                self.move_to(anchor)

    def compose_page(self, width: int, ink: Ink) -> Page:
        """Lay the conversation out."""
        if self.talk is None:
            return Page([Line(), Line([("  Choose a ticket on the left; enter opens it.", ink.dim)])])
        return lay_conversation(self.talk, width, ink, self._now(), self.reading)

    def on_resize(self) -> None:
        """Wrap again; the newest message stays in sight when it was."""
        super().on_resize()
        self._place()

    def _place(self) -> None:
        if not self._to_newest or self.size.height == 0:
            return
        last = self.page.anchors[-1] if self.page.anchors else 0
        end = max(0, len(self.page.lines) - self.size.height)
        self.move_to(min(last, end) if len(self.page.lines) - last > self.size.height else end)

    def on_click(self, event: events.Click) -> None:
        """A click on a file opens it."""
        number = event.y + round(self.scroll_y)
        if not 0 <= number < len(self.page.lines):
            return
        target = self.page.lines[number].target
        if isinstance(target, Attachment):
            self.post_message(self.Picked(target))
