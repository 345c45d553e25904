"""Marking tickets, and taking changes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from carecli.domain.errors import CareError
from carecli.domain.operation import Operation
from carecli.tui.wording import STATUS, some

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk


def _toggle(desk: Desk) -> None:
    desk.inbox.toggle_mark()
    desk.renew_place()


def _range(desk: Desk) -> None:
    desk.inbox.toggle_range()
    desk.renew_place()


def _all(desk: Desk) -> None:
    desk.inbox.mark_all()
    desk.renew_place()
    if desk.inbox.all_marked:
        desk.say(f"All {some(desk.inbox.item_count(), 'ticket')} of this view are marked; esc lets go")


def described(operations: list[Operation]) -> str:
    """What operations did, shortly."""
    first = operations[0]
    value = first.payload.get("status") or first.payload.get("value")
    words = STATUS.get(str(value), "") if value else ""
    many = f" on {some(len(operations), 'ticket')}" if len(operations) > 1 else ""
    return f"{first.verb.value} {words}".strip() + many


def _undo(desk: Desk) -> None:
    from carecli.tui.commands.writing import unsend

    if desk.held is not None and desk.held.not_before > desk.now():
        unsend(desk)
        return
    try:
        done = desk.ws.tickets.undo(None)
    except CareError as error:
        desk.say(error.message, "warn")
        return
    desk.reload()
    desk.say(
        f"Taken back: {described(done)} · ctrl+r does it again" if done else "Nothing to undo", "good" if done else ""
    )


def _redo(desk: Desk) -> None:
    try:
        done = desk.ws.tickets.redo()
    except CareError as error:
        desk.say(error.message, "warn")
        return
    desk.reload()
    desk.say(f"Done again: {described(done)}" if done else "Nothing to do again", "good" if done else "")


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "mark.toggle": _toggle,
    "mark.range": _range,
    "mark.all": _all,
    "edit.undo": _undo,
    "edit.redo": _redo,
}
