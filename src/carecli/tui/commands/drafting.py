"""Texts that are not sent yet: the list of drafts, opening one where it belongs, moving it, bringing one back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from carecli.domain.conversation import Draft, DraftMode
from carecli.domain.errors import CareError, NotFoundError
from carecli.domain.ticket import SyncState
from carecli.tui.cells import line
from carecli.tui.commands.keeping import keeper_of
from carecli.tui.commands.writing import new_draft, open_composer
from carecli.tui.keeper import Sheet

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk
    from carecli.tui.screens.pick import Choice

_BEFORE_LISTING = 0.5  # seconds the store may take for the last keys


def resume(desk: Desk, draft: Draft) -> None:
    """Open a draft where it belongs; a discarded one is brought back, one without its ticket asks where to."""
    if draft.discarded_at is not None:
        draft = desk.ws.drafts.restore(draft.id)
    if trouble := homeless(desk, draft):
        desk.say(trouble, "warn")
        _where_to(desk, draft, trouble)
        return
    if draft.ticket_id is not None and draft.ticket_id != desk.ticket_id:
        desk.go_to_ticket(draft.ticket_id)
    plan = desk.ws.replies.plan(draft.ticket_id, draft.mode, account=draft.account)
    if plan.refusal and not (plan.refusal.startswith("nobody") and draft.to):
        _where_to(desk, draft, plan.refusal)
        return
    open_composer(desk, plan, Sheet(draft, draft))


def homeless(desk: Desk, draft: Draft) -> str:
    """Why a draft cannot be opened on its ticket (empty: it can)."""
    if draft.mode is DraftMode.NEW:
        return ""
    ref = line(draft.ticket_ref or "its ticket")
    if draft.ticket_id is None:
        return f"{ref} is not in the store any more; the text is kept"
    try:
        ticket = desk.ws.tickets.get(draft.ticket_id)
    except NotFoundError:
        return f"{ref} is not in the store any more; the text is kept"
    return f"{ref} was deleted at the vendor; the text is kept" if ticket.sync_state is SyncState.TOMBSTONE else ""


def _where_to(desk: Desk, draft: Draft, trouble: str) -> None:
    from carecli.tui.screens.pick import Choice, Pick

    choices = [
        Choice("move", "Move to another ticket", "the text opens there, as a reply to its customer"),
        Choice("copy", "Copy the text"),
        Choice("discard", "Discard", "kept for 7 days"),
    ]

    def chosen(way: str | None) -> None:
        if way:
            act(desk, way, draft.id)

    desk.app.push_screen(Pick(trouble, choices), partial(desk.attempt_with, chosen))


def act(desk: Desk, way: str, draft_id: str) -> None:
    """Do something with a draft of the list."""
    draft = desk.ws.drafts.get(draft_id)
    if way == "open":
        resume(desk, draft)
    elif way == "copy":
        from carecli.tui.commands.looking import copy_text

        copy_text(desk, draft.body, "The text is copied")
    elif way == "move":
        _move(desk, draft)
    elif way == "discard":
        if desk.composer is not None and desk.composer.sheet.id == draft_id:
            from carecli.tui.commands.writing import close_composer

            close_composer(desk, save=False)
        desk.ws.drafts.discard(draft_id)
        desk.reload()
    elif way == "restore":
        desk.ws.drafts.restore(draft_id)
        desk.reload()


def _move(desk: Desk, draft: Draft) -> None:
    """Put a text on another ticket, to that ticket's customer; the old draft goes to the discarded ones."""
    from carecli.tui.screens.pick import Choice, Pick

    def found(text: str) -> Choice | None:
        try:
            ticket = desk.ws.tickets.get(desk.ws.tickets.find(text))
        except CareError:
            return None
        return Choice(ticket.ref, line(ticket.ref), line(ticket.subject))

    def chosen(ref: str | None) -> None:
        if ref:
            move(desk, draft, desk.ws.tickets.find(ref))

    rows = [row for index in range(min(desk.inbox.item_count(), 50)) if (row := desk.inbox.row(index)) is not None]
    choices = [Choice(f"{r.account}:{r.number}", f"{r.account}:{r.number}", line(r.subject)) for r in rows]
    desk.app.push_screen(
        Pick("Move the text to", choices, "a ticket's number", found), partial(desk.attempt_with, chosen)
    )


def move(desk: Desk, draft: Draft, ticket_id: int) -> None:
    """Open a draft's text on another ticket."""
    desk.go_to_ticket(ticket_id)
    mode = DraftMode.REPLY if draft.mode is DraftMode.NEW else draft.mode
    plan = desk.ws.replies.plan(ticket_id, mode)
    if plan.refusal:
        desk.say(plan.refusal, "warn")
        return
    made = replace(new_draft(desk, plan), body=draft.body, attachments=draft.attachments, actions=draft.actions)
    sheet = Sheet(made, None)
    keeper = keeper_of(desk)
    keeper.put(sheet, made)
    if keeper.flush(_BEFORE_LISTING):
        desk.ws.drafts.discard(draft.id)
    open_composer(desk, plan, sheet)


def _drafts(desk: Desk) -> None:
    from carecli.tui.screens.drafts import Shelf

    if desk.keeper is not None:
        desk.keeper.flush(_BEFORE_LISTING)
    service = desk.ws.drafts

    def read() -> list[Draft]:
        return [*service.list(), *service.list(discarded=True)]

    def chosen(result: tuple[str, str] | None) -> None:
        if result is not None:
            act(desk, *result)

    if not read():
        desk.say("No drafts")
        return
    shelf = Shelf(read, partial(homeless, desk), lambda way, key: desk.attempt(partial(act, desk, way, key)), desk)
    desk.app.push_screen(shelf, partial(desk.attempt_with, chosen))


def _on_shelf(desk: Desk, way: str) -> None:
    from carecli.tui.screens.drafts import Shelf

    if isinstance(desk.app.screen, Shelf):
        desk.app.screen.take(way)


def _on_decision(desk: Desk, choice: str) -> None:
    from carecli.tui.screens.decide import Decide

    if isinstance(desk.app.screen, Decide):
        desk.app.screen.take(choice)


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "app.drafts": _drafts,
    **{f"drafts.{way}": partial(_on_shelf, way=way) for way in ("open", "copy", "move", "discard", "restore")},
    **{
        f"decide.{choice}": partial(_on_decision, choice=choice)
        for choice in ("edit", "send", "discard", "mine", "theirs", "look")
    },
}
