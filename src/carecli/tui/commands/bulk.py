"""Marking tickets, and taking changes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from carecli.domain.errors import NotFoundError
from carecli.domain.operation import Operation
from carecli.tui.wording import some

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
    """What operations did, shortly; a bulk change as one thing."""
    from carecli.tui.matters import change_words

    words = list(dict.fromkeys(change_words(one) for one in operations))
    what = words[0] if len(words) == 1 else "changes"
    return f"{what} on {some(len(operations), 'ticket')}" if len(operations) > 1 else what


def _undo(desk: Desk) -> None:
    from carecli.tui.commands.sending import TEXTS, take_back, unsend

    if desk.held is not None and desk.held.not_before > desk.now():
        unsend(desk, desk.held.id)
        return
    # Solving with a reply is one step: the reply is what comes back, and with it the change that waited for it.
    texts = [one for one in desk.ws.tickets.undoes() if one.verb in TEXTS]
    if texts:
        for one in texts[:-1]:
            take_back(desk, one.id)
        unsend(desk, texts[-1].id)
        return
    done = desk.ws.tickets.undo(None)
    desk.reload()
    again = desk.keymap.shown("edit.redo") or "palette"
    desk.say(f"Taken back: {described(done)} · {again} does it again", "good")


def _redo(desk: Desk) -> None:
    done = desk.ws.tickets.redo()
    desk.reload()
    desk.say(f"Done again: {described(done)}", "good")


def _gently(work: Callable[[Desk], None]) -> Callable[[Desk], None]:
    """Having nothing to take back is no error."""

    def run(desk: Desk) -> None:
        try:
            work(desk)
        except NotFoundError as error:
            desk.say(error.message[:1].upper() + error.message[1:], "warn")

    return run


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "mark.toggle": _toggle,
    "mark.range": _range,
    "mark.all": _all,
    "edit.undo": _gently(_undo),
    "edit.redo": _gently(_redo),
}
