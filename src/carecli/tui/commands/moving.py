"""Moving: rows, lines, panes, views."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from carecli.tui.widgets.line_list import LineList
from carecli.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk


def _by(desk: Desk, rows: int, *, halves: bool = False) -> None:
    focused = desk.focused
    if isinstance(focused, LineList | LineView):
        focused.move_by(rows * focused.half_page() if halves else rows)


def _top(desk: Desk) -> None:
    if isinstance(desk.focused, LineList | LineView):
        desk.focused.move_to(0)


def _bottom(desk: Desk) -> None:
    if isinstance(desk.focused, LineList):
        desk.focused.move_to(desk.focused.item_count() - 1)
    elif isinstance(desk.focused, LineView):
        desk.focused.to_end()


def _open(desk: Desk) -> None:
    if desk.focused is desk.inbox:
        ticket_id = desk.inbox.current_id
        if ticket_id is not None:
            open_ticket(desk, ticket_id)
    elif desk.focused is desk.knowledge:
        from carecli.tui.commands.looking import read_article

        if desk.knowledge.current is not None:
            read_article(desk, desk.knowledge.current)
    elif desk.focused is desk.customer:
        desk.run_action_id("ticket.timeline")


def open_ticket(desk: Desk, ticket_id: int) -> None:
    """Show a ticket and go to its conversation; it is marked read only when the person wants that."""
    desk.go_to_ticket(ticket_id)
    if desk.ws.settings.mark_read_on_open:
        desk.ws.tickets.mark_read([ticket_id], read=True)
        desk.inbox.reload()


def _back(desk: Desk) -> None:
    if desk.pane in ("customer", "knowledge"):
        desk.go("conversation")
    elif desk.pane == "conversation":
        desk.go("inbox")
    elif desk.inbox.clear_marks():
        desk.renew_place()


def _pane(desk: Desk, name: str) -> None:
    if name == "conversation" and desk.composer is not None and desk.focused is desk.conversation:
        desk.composer.text_area.focus()
        return
    desk.go(name)


def _cycle(desk: Desk, step: int) -> None:
    stops = ["inbox", "conversation", *(["composer"] if desk.composer else []), "customer", "knowledge"]
    here = desk.pane if desk.context != "composer" else "composer"
    name = stops[(stops.index(here) + step) % len(stops)]
    if name == "composer" and desk.composer is not None:
        desk.composer.text_area.focus()
    else:
        desk.go(name)


def _view_number(desk: Desk, digit: str) -> None:
    view = next((view for view in desk.views if view.hotkey == digit), None)
    if view is None:
        desk.say(f"No view has the number {digit}", "warn")
        return
    desk.show_view(view.name)
    desk.go("inbox")


def _view_step(desk: Desk, step: int) -> None:
    names = [view.name for view in desk.views]
    if names and desk.inbox.view is not None:
        desk.show_view(names[(names.index(desk.inbox.view.name) + step) % len(names)])


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "move.down": partial(_by, rows=1),
    "move.up": partial(_by, rows=-1),
    "move.half_down": partial(_by, rows=1, halves=True),
    "move.half_up": partial(_by, rows=-1, halves=True),
    "move.top": _top,
    "move.bottom": _bottom,
    "move.open": _open,
    "app.back": _back,
    "pane.next": partial(_cycle, step=1),
    "pane.previous": partial(_cycle, step=-1),
    "pane.1": partial(_pane, name="inbox"),
    "pane.2": partial(_pane, name="conversation"),
    "pane.3": partial(_pane, name="customer"),
    "pane.4": partial(_pane, name="knowledge"),
    **{f"view.{n}": partial(_view_number, digit=str(n)) for n in range(1, 10)},
    "view.next": partial(_view_step, step=1),
    "view.previous": partial(_view_step, step=-1),
}
