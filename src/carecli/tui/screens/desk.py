"""The desk: inbox, conversation, customer record and knowledge, with the composer below the conversation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from carecli.bootstrap import Workspace
from carecli.domain.errors import CareError
from carecli.domain.operation import Operation
from carecli.domain.ticket import SyncState
from carecli.services.models import Conversation, Hit
from carecli.tui.actions import ACTIONS, BY_ID, refusal
from carecli.tui.keymap import Keymap, readable
from carecli.tui.keypress import KeyReader
from carecli.tui.panes.conversation import ConversationPane, TicketHead
from carecli.tui.panes.customer import CustomerPane
from carecli.tui.panes.inbox import InboxPane
from carecli.tui.panes.knowledge import KnowledgePane
from carecli.tui.screens.arrange import TALL, DeskLayout, columns_of
from carecli.tui.widgets.ask_bar import Answer, AskBar
from carecli.tui.widgets.hint_line import HintLine
from carecli.tui.widgets.line_list import LineList
from carecli.tui.widgets.status_line import StatusLine
from carecli.tui.widgets.view_bar import ViewBar

if TYPE_CHECKING:
    from carecli.tui.keeper import Keeper
    from carecli.tui.panes.composer import Composer

T = TypeVar("T")
_PREVIEW_AFTER = 0.05  # seconds the cursor must rest before its ticket is shown
PANES = ("inbox", "conversation", "customer", "knowledge")


def wall_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Desk(Screen[None]):
    """Where the work is done. Commands (``carecli.tui.commands``) act on its parts."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]  # noqa: RUF012 - Textual declares it so
    AUTO_FOCUS = "#inbox"

    def __init__(self, workspace: Workspace, keymap: Keymap, now: Callable[[], int] = wall_clock) -> None:
        super().__init__(id="desk")
        self._desk_layout = DeskLayout()
        self.ws = workspace
        self.keymap = keymap
        self.now = now
        self.keys = KeyReader(keymap)
        self.inbox = InboxPane(workspace, now)
        self.head = TicketHead(now)
        self.conversation = ConversationPane(now)
        self.customer = CustomerPane(now)
        self.knowledge = KnowledgePane(now)
        self.middle = Vertical(self.head, self.conversation, id="middle")
        self.view_bar = ViewBar()
        self.hints = HintLine()
        self.status = StatusLine(now)
        self.ask_bar = AskBar()
        self.views = workspace.views.all()
        self.ticket_id: int | None = None
        self.talk: Conversation | None = None
        self.composer: Composer | None = None
        self.keeper: Keeper | None = None
        self.held: Operation | None = None
        self.watched: set[str] = set()
        self.untold: list[str] = []
        self.last_key = 0.0
        self.hits: list[Hit] = []
        self.hit_at = 0
        self.last_change: tuple[str, Callable[[Sequence[int]], list[Operation]]] | None = None
        self._preview: Timer | None = None

    def compose(self) -> ComposeResult:
        """All parts side by side; the layout knows which are shown where."""
        # Textual sets the class only after the first layout; the first frame must not jump.
        self.set_class(self.app.size.height >= TALL, "-tall")
        yield self.view_bar
        yield self.inbox
        yield self.middle
        yield self.customer
        yield self.knowledge
        yield self.ask_bar
        yield self.hints
        yield self.status

    @property
    def layout(self) -> DeskLayout:
        """Where the parts stand."""
        return self._desk_layout

    def on_mount(self) -> None:
        """Read what the first frame shows."""
        if self.views:
            self.show_view(self.views[0].name)
        self.renew_health()
        if problems := self.keymap.problems:
            more = f" (and {len(problems) - 1} more; carecli keys check)" if len(problems) > 1 else ""
            self.say(f"keymap.toml: {problems[0].text}{more}", "warn")

    # Keys and actions

    @property
    def context(self) -> str:
        """Where the person is, as the keymap names it."""
        if self.composer is not None and self.composer.has_focus_within:
            return "composer"
        return getattr(self.focused, "context", "global")

    def take_key(self, event: events.Key) -> bool:
        """Run what a key means here; whether it meant anything."""
        context = self.context
        self.last_key = event.time
        if self._typed_ahead(event):
            return True
        if context not in (*PANES, "composer", "global"):
            return False
        waiting = self.keys.pending
        action, taken = self.keys.read(event, context)
        if self.keys.pending != waiting:
            self.renew_hints()
        if action is not None:
            self.run_action_id(action)
        return taken

    def _typed_ahead(self, event: events.Key) -> bool:
        """Whether a key was meant for what the key before it opened: fast hands are quicker than a screen."""
        if self.app.screen is not self:
            self.app.post_message(events.Key(event.key, event.character))
            return True
        composer = self.composer
        if composer is not None and (composer.ready_at is None or event.time < composer.ready_at):
            composer.type_ahead(event)
            return True
        return False

    def on_key(self, event: events.Key) -> None:
        """Keys of widgets that are not ours (the composer's fields)."""
        if self.take_key(event):
            event.stop()
            event.prevent_default()

    def run_action_id(self, action_id: str) -> None:
        """Run an action, or say why it cannot run now."""
        from carecli.tui.commands.table import HANDLERS

        action = BY_ID[action_id]
        if reason := refusal(action, self):
            self.say(f"{action.title}: {reason}", "warn")
            return
        self.attempt(partial(HANDLERS[action_id], self))

    def attempt(self, work: Callable[[], None]) -> None:
        """Do something; what goes wrong is told, and the console goes on."""
        try:
            work()
        except Exception as error:
            shown = error if isinstance(error, CareError) else self.ws.explain(error)
            if shown is None:
                raise
            self.say(f"{shown.message} {shown.help}".strip(), "bad")

    def attempt_with(self, work: Callable[[T], None], value: T) -> None:
        """As ``attempt``, with what a screen gave back."""
        self.attempt(partial(work, value))

    def lack(self, need: str) -> str | None:
        """Why a need of an action is not met now."""
        if need == "ticket":
            return None if self.target_ids(limit=1) else "no ticket is selected"
        if need == "later":
            return "not available yet"
        if need == "hits":
            return None if self.hits else "nothing was searched yet"
        if need == "repeat":
            return None if self.last_change else "nothing was changed yet"
        if need == "article":
            return None if self.knowledge.current else "no article is selected"
        if need == "waiting":
            waits = any(one.needs_person or one.queued for one in self.status.standing.health)
            return None if waits else "nothing waits for you"
        if need == "accounts":
            return None if self.status.standing.health else "no account is connected"
        ticket_id = self.subject_id
        return self.ws.tickets.capability(ticket_id, need) if ticket_id is not None else None

    def say(self, text: str, tone: str = "") -> None:
        """Tell the person something on the status line."""
        self.status.say(text, tone)

    def ask(self, lines: Sequence[tuple[str, str]], answers: Sequence[Answer]) -> None:
        """Ask something that one key answers; the focus comes back afterwards."""
        back = self.focused

        def after() -> None:
            if back is not None and back.is_attached:
                back.focus()
            else:
                self.inbox.focus()

        safe = [replace(answer, run=partial(self.attempt, answer.run)) for answer in answers]
        self.ask_bar.ask(lines, safe, after)

    # Tickets

    @property
    def subject_id(self) -> int | None:
        """The one ticket a command is about."""
        if self.focused is self.inbox or self.ticket_id is None:
            return self.inbox.current_id if self.inbox.current_id is not None else self.ticket_id
        return self.ticket_id

    def target_ids(self, limit: int | None = None) -> list[int]:
        """The tickets a change is about: the marked ones, else the one in hand."""
        if self.inbox.marked_count() and self.focused is self.inbox:
            return self.inbox.marked_ids() if limit is None else [1][:limit]
        subject = self.subject_id
        return [] if subject is None else [subject]

    def show_view(self, name: str) -> None:
        """Show a view and its first ticket."""
        view = next((view for view in self.views if view.name == name), None)
        if view is None:
            return
        self.inbox.show(view)
        self.view_bar.show(self.views, self.ws.views.counts(), name)
        self.show_ticket(self.inbox.current_id)

    def show_ticket(self, ticket_id: int | None, *, again: bool = False) -> None:
        """Show a ticket in the middle and on the right; ``again`` keeps the reader's place."""
        if ticket_id == self.ticket_id and not again and self.talk is not None:
            self.renew_place()
            return
        same = again and ticket_id == self.ticket_id
        if self.composer is not None and ticket_id != self.composer.draft.ticket_id and not same:
            from carecli.tui.commands.writing import close_composer

            close_composer(self, quiet=False)
        self.ticket_id = ticket_id
        try:
            self.talk = self.ws.tickets.conversation(ticket_id) if ticket_id is not None else None
        except CareError as error:
            self.talk = None
            self.say(error.message, "bad")
        row = self.inbox.current
        near = row if row is not None and row.id == ticket_id else None
        self.head.show(self.talk, near.due_at if near else None, bool(near and near.has_draft), self._notice())
        self.conversation.show(self.talk, keep_place=same)
        self.renew_place()
        self.call_after_refresh(self.show_sides)

    def _notice(self) -> str:
        """What on this ticket waits for a person."""
        if self.talk is None or self.talk.ticket.sync_state is not SyncState.CONFLICT:
            return ""
        from carecli.tui.commands.deciding import notice

        return notice(self)

    def show_sides(self) -> None:
        """Fill the record and the suggestions, when they can be seen."""
        talk = self.talk
        if self.columns < 3 and not self.layout.drawer and self.pane not in ("customer", "knowledge"):
            return
        try:
            known = talk is not None and talk.customer_id is not None
            record = self.ws.customers.record(talk.customer_id) if known and talk and talk.customer_id else None
            self.customer.show(record, self.ticket_id)
            self.knowledge.show(self.ws.knowledge.suggest(talk.ticket.id) if talk is not None else ())
        except CareError as error:
            self.say(error.message, "bad")

    def go_to_ticket(self, ticket_id: int, *, focus: bool = True) -> None:
        """Show a ticket wherever it is, and go to its conversation."""
        self.inbox.select(ticket_id)
        self.show_ticket(ticket_id)
        if focus:
            self.go("conversation")

    @on(LineList.Moved, "#inbox")
    def _cursor_moved(self, event: LineList.Moved) -> None:
        event.stop()
        if isinstance(event, LineList.Opened):
            self.run_action_id("move.open")
            return
        if self._preview is not None:
            self._preview.stop()
        self._preview = self.set_timer(_PREVIEW_AFTER, lambda: self.show_ticket(self.inbox.current_id))

    @on(LineList.Opened, "#knowledge")
    def _article_opened(self, event: LineList.Opened) -> None:
        event.stop()
        self.run_action_id("move.open")

    # Panes

    @property
    def columns(self) -> int:
        """How many columns stand side by side."""
        return columns_of(self.size)

    @property
    def pane(self) -> str:
        """The pane the person is in."""
        context = self.context
        return "conversation" if context not in PANES else context

    def go(self, pane: str) -> None:
        """Move to a pane and make it visible."""
        self._arrange_for(pane)
        widget: Widget = {"inbox": self.inbox, "customer": self.customer, "knowledge": self.knowledge}.get(
            pane, self.conversation
        )
        widget.focus()

    def _arrange_for(self, pane: str) -> None:
        """Show a pane; with too few columns this hides another."""
        drawer = pane in ("customer", "knowledge") and self.columns == 2
        if (pane, drawer) != (self.layout.pane, self.layout.drawer):
            self.layout.pane, self.layout.drawer = pane, drawer
            if self.columns < 3:
                # A child's request: only that makes the screen forget where it had placed its parts.
                self.inbox.refresh(layout=True)
                self.call_after_refresh(self.show_sides)

    def on_descendant_focus(self) -> None:
        """Panes and footer follow the focus."""
        focused = self.focused
        if focused in (self.inbox, self.conversation, self.customer, self.knowledge) and focused is not None:
            self._arrange_for(str(focused.id))
        self.renew_hints()

    # What is shown around the panes

    def renew_hints(self) -> None:
        """Show the keys that matter here."""
        context = self.context
        near = [a for a in ACTIONS if a.hint and context in a.contexts]
        wide = [a for a in ACTIONS if a.hint and "global" in a.contexts]
        shown = [(self.keymap.shown(a.id), a.hint, a.id) for a in (*near, *wide) if self.keymap.shown(a.id)]
        self.hints.show(shown, "".join(readable(key) for key in self.keys.pending))

    def renew_place(self) -> None:
        """Say where the person is."""
        view, inbox = self.inbox.view, self.inbox
        at = f"{inbox.cursor + 1:,}/{inbox.item_count():,}" if inbox.item_count() else "0"
        self.status.stand(place=f"{view.title if view else ''} {at}", marked=inbox.marked_count())

    def renew_health(self) -> None:
        """Ask how the accounts are."""
        self.status.stand(health=tuple(self.ws.accounts.health()), outbox_key=self.keymap.shown("app.outbox"))

    def reload(self) -> None:
        """The store changed: read again what is on the screen; nothing moves under the cursor."""
        self.inbox.reload()
        name = self.inbox.view.name if self.inbox.view else ""
        self.view_bar.show(self.views, self.ws.views.counts(), name)
        shown = self.ticket_id if self.ticket_id is not None else self.inbox.current_id
        self.show_ticket(shown, again=True)
        self.renew_health()
        self.renew_place()
