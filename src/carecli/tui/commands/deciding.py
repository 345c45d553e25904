"""What waits to be sent and what needs a person: the outbox, decisions, and news about texts that were sent here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from carecli.domain.errors import CareError, NotFoundError
from carecli.domain.operation import NEEDS_PERSON, OperationState
from carecli.tui.commands.sending import TEXTS, WAITS, show_held, take_back, unsend

if TYPE_CHECKING:
    from carecli.domain.operation import Operation
    from carecli.tui.matters import Matter
    from carecli.tui.screens.desk import Desk

_STILL = 1.5  # seconds without a key before a screen may come up by itself
_REST = 0.7  # seconds in which such a screen takes no key: it was meant for what was there before


def waiting_on(desk: Desk, ticket_id: int | None) -> list[Operation]:
    """Operations of a ticket that wait for a person, oldest first."""
    return [one for one in desk.ws.outbox.pending() if one.ticket_id == ticket_id and one.state in WAITS]


def notice(desk: Desk) -> str:
    """What the head of the open ticket says about something that waits for a person (empty: nothing does)."""
    if desk.talk is None or desk.talk.ticket.sync_state != "conflict":
        return ""
    found = waiting_on(desk, desk.ticket_id)
    if not found:
        return ""
    from carecli.tui.matters import matter_of

    matter = matter_of(desk.ws.outbox.decision(found[0].id), "", desk.now())
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{matter.headline}{more} · {desk.keymap.shown('ticket.decide') or 'palette'} decides"


def decide(desk: Desk, operation_id: str, *, after: Callable[[], None] | None = None, rest: float = 0.0) -> None:
    """Show an operation with its ways out; ``after`` follows when it is settled or left for later."""
    from carecli.tui.screens.decide import Decide

    seen: list[int] = []

    def renew() -> Matter:
        from carecli.tui.matters import matter_of

        found = desk.ws.outbox.decision(operation_id)
        seen[:] = [message.id for message in found.newer]
        return matter_of(found, _subject(desk, found.operation), desk.now())

    def chosen(choice: str | None) -> None:
        if choice is not None:
            settle(desk, operation_id, choice, seen[-1] if seen else None)
        if after is not None and choice != "edit":
            after()

    desk.app.push_screen(Decide(renew, desk.keymap, desk.now, rest=rest), partial(desk.attempt_with, chosen))


def settle(desk: Desk, operation_id: str, choice: str, seen: int | None) -> None:
    """Do what a person decided. ``seen`` is the newest message they were shown."""
    operation = desk.ws.outbox.get(operation_id)
    text = operation.verb in TEXTS
    if choice == "edit":
        unsend(desk, operation_id)
        if seen is not None and desk.composer is not None:
            desk.call_after_refresh(desk.composer.saw, seen)
        return
    if choice == "discard" and text and operation.state is not OperationState.UNKNOWN:
        draft = take_back(desk, operation_id)
        desk.ws.drafts.discard(draft.id)
        words = f"Not sent; the text is kept for 7 days ({desk.keymap.shown('app.drafts')})"
    else:
        desk.ws.outbox.resolve(operation_id, choice)
        words = {
            "send": "It goes out now",
            "mine": "Yours is kept and goes out",
            "theirs": "Theirs is kept",
            "look": "carecli looks for it now",
        }.get(choice, "Given up")
        if choice in ("send", "look"):
            desk.watched.add(operation_id)
    show_held(desk)
    desk.ws.background.nudge()
    desk.reload()
    desk.say(words, "good")


def _subject(desk: Desk, operation: Operation) -> str:
    if operation.ticket_id is None:
        return str(operation.payload.get("subject") or "")
    try:
        return desk.ws.tickets.get(operation.ticket_id).subject
    except NotFoundError:
        return ""


def outbox(desk: Desk) -> None:
    """Show everything that is not finished; enter decides about one, and comes back."""
    from carecli.tui.screens.outbox import OutboxList

    def chosen(operation_id: str | None) -> None:
        if operation_id:
            decide(desk, operation_id, after=partial(outbox, desk))

    pending = desk.ws.outbox.pending()
    if not pending:
        desk.say("Nothing waits to be sent", "good")
        return
    subjects = {one.id: _subject(desk, one) for one in pending[:500]}
    desk.app.push_screen(OutboxList(pending, subjects, desk.now()), partial(desk.attempt_with, chosen))


def _decide_here(desk: Desk) -> None:
    found = waiting_on(desk, desk.subject_id)
    if found:
        decide(desk, found[0].id)
    else:
        outbox(desk)


def look_after(desk: Desk) -> None:
    """Texts that were sent from here: when one is stopped or refused, its author hears of it."""
    for operation_id in list(desk.watched):
        try:
            found = desk.ws.outbox.decision(operation_id)
        except CareError:
            desk.watched.discard(operation_id)
            continue
        state = found.operation.state
        lost = state is OperationState.UNKNOWN and found.operation.error_code == NEEDS_PERSON
        stopped = lost or state in (OperationState.CONFLICT, OperationState.FAILED)
        if stopped or (found.newer and state in (OperationState.HELD, OperationState.READY)):
            desk.watched.discard(operation_id)
            desk.untold.append(operation_id)
            if desk.held is not None and desk.held.id == operation_id:
                show_held(desk)
                desk.watched.discard(operation_id)
            desk.app.bell()
            key = desk.keymap.shown("ticket.decide") or "palette"
            desk.say(f"{found.operation.target}: your text needs you · {key} decides", "bad")
        elif state in (OperationState.DONE, OperationState.CANCELLED):
            desk.watched.discard(operation_id)
    tell(desk)


def tell(desk: Desk) -> None:
    """Show what was stopped, as soon as the person's hands are still and nothing else is on the screen."""
    while desk.untold:
        operation_id = desk.untold[0]
        state = desk.ws.outbox.get(operation_id).state
        if state not in WAITS and state not in (OperationState.HELD, OperationState.READY):
            desk.untold.pop(0)
            continue
        busy = desk.app.screen is not desk or desk.composer is not None or desk.ask_bar.display
        if not busy and monotonic() - desk.last_key >= _STILL:
            desk.untold.pop(0)
            decide(desk, operation_id, rest=_REST)
        return


HANDLERS: dict[str, Callable[[Desk], None]] = {"app.outbox": outbox, "ticket.decide": _decide_here}
