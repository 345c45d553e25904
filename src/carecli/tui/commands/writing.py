"""Writing to customers and colleagues: the composer and what goes into it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from carecli.domain.conversation import Draft, DraftMode
from carecli.services.drafts import is_blank
from carecli.tui.commands.keeping import keeper_of
from carecli.tui.keeper import Sheet
from carecli.tui.wording import some

if TYPE_CHECKING:
    from carecli.services.models import ReplyPlan
    from carecli.tui.screens.desk import Desk

_A_MOMENT = 0.3  # seconds; the keeper goes on behind the screen when the store is held longer


def write(desk: Desk, mode: DraftMode, *, everybody: bool = False, account: str | None = None) -> None:
    """Open the composer on a ticket (or on a new conversation), with the draft that was begun before."""
    ticket_id = desk.subject_id if mode is not DraftMode.NEW else None
    if ticket_id is not None and ticket_id != desk.ticket_id:
        desk.show_ticket(ticket_id)
    plan = desk.ws.replies.plan(ticket_id, mode, everybody=everybody, account=account)
    if plan.refusal:
        desk.say(plan.refusal, "warn")
        return
    keeper = keeper_of(desk)
    keeper.flush(_A_MOMENT)
    sheet = keeper.waiting(ticket_id, mode)
    if sheet is None:
        found = desk.ws.drafts.find(ticket_id, mode)
        sheet = Sheet(found or new_draft(desk, plan), found)
    open_composer(desk, plan, sheet)


def new_draft(desk: Desk, plan: ReplyPlan) -> Draft:
    """An empty draft as the plan has it."""
    now = desk.now()
    ticket = desk.talk.ticket if desk.talk and plan.ticket_id == desk.talk.ticket.id else None
    return Draft(
        id=desk.ws.context.new_id(),
        ticket_id=plan.ticket_id,
        ticket_ref=ticket.ref if ticket else None,
        account=plan.account,
        agent=desk.ws.context.actor,
        mode=plan.mode,
        to=plan.to,
        cc=plan.cc,
        bcc=(),
        subject=plan.subject,
        body="",
        attachments=(),
        actions=(),
        base_message_id=plan.newest_message_id,
        created_at=now,
        updated_at=now,
        discarded_at=None,
    )


def open_composer(desk: Desk, plan: ReplyPlan, sheet: Sheet) -> None:
    """Show a text below the conversation."""
    from carecli.tui.panes.composer import Composer

    old = desk.composer
    if old is not None:
        if old.sheet.id == sheet.id:
            if old.ready_at is not None:
                old.text_area.focus()
            return
        close_composer(desk)
    person = desk.talk.ticket.requester.name or "" if desk.talk and plan.ticket_id is not None else ""
    composer = Composer(plan, sheet, keeper_of(desk), desk.now, person)
    desk.composer = composer
    desk.go("conversation")
    desk.middle.mount(composer)
    if sheet.before is None or not sheet.draft.body:
        return
    if newer := len(desk.ws.drafts.unseen(sheet.draft)):
        desk.say(f"Your draft, as you left it · {some(newer, 'message')} came in since", "warn")
    else:
        desk.say("Your draft, as you left it")


def close_composer(desk: Desk, *, quiet: bool = True, save: bool = True) -> None:
    """Put the composer away; what was written stays a draft."""
    composer = desk.composer
    if composer is None:
        return
    keeper = keeper_of(desk)
    draft = composer.draft
    if save:
        draft = composer.hand_over()
        keeper.flush(_A_MOMENT)
    else:
        keeper.forget(composer.sheet)
    desk.composer = None
    composer.remove()
    if not quiet and not is_blank(draft):
        desk.say("The draft is stored as soon as the store is free" if keeper.unsaved else "Draft kept")


def _keep(desk: Desk) -> None:
    close_composer(desk, quiet=False)
    desk.go("conversation")
    desk.reload()


def _editor(desk: Desk) -> None:
    if desk.composer is None:
        write(desk, DraftMode.REPLY)
        desk.call_after_refresh(_edit_outside, desk)
    else:
        _edit_outside(desk)


def _edit_outside(desk: Desk) -> None:
    from carecli.tui import editor

    composer = desk.composer
    if composer is None:
        return
    try:
        with desk.app.suspend():
            text = editor.edit(composer.text_area.text)
    except OSError as error:
        desk.say(str(error), "warn")
        return
    composer.text_area.load_text(text)
    composer.text_area.move_cursor(composer.text_area.document.end)
    composer.hand_over()
    desk.refresh(layout=True)


def _attach(desk: Desk) -> None:
    from carecli.tui.screens.pick import Choice, Pick

    def free(text: str) -> Choice | None:
        path = Path(text).expanduser()
        return Choice(str(path), text, "attach this file", refused="" if path.is_file() else "no such file")

    def chosen(value: str | None) -> None:
        if value and desk.composer is not None:
            desk.composer.attach(value)
            desk.composer.text_area.focus()

    desk.app.push_screen(Pick("Attach a file", (), "path of the file", free), chosen)


def _field(desk: Desk) -> None:
    if desk.composer is not None:
        desk.composer.next_field()


def _new(desk: Desk) -> None:
    from carecli.tui.screens.pick import Choice, Pick

    accounts = [one.name for one in desk.ws.accounts.health()]

    def chosen(account: str | None) -> None:
        if account:
            write(desk, DraftMode.NEW, account=account)

    if len(accounts) == 1:
        chosen(accounts[0])
        return
    desk.app.push_screen(Pick("Write from", [Choice(name, name) for name in accounts]), chosen)


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "ticket.reply": partial(write, mode=DraftMode.REPLY),
    "ticket.reply_all": partial(write, mode=DraftMode.REPLY, everybody=True),
    "ticket.note": partial(write, mode=DraftMode.NOTE),
    "ticket.forward": partial(write, mode=DraftMode.FORWARD),
    "ticket.editor": _editor,
    "app.new": _new,
    "draft.keep": _keep,
    "draft.editor": _editor,
    "draft.attach": _attach,
    "draft.field": _field,
}
