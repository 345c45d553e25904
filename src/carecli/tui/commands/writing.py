"""Writing to customers and colleagues: composer, review, the held send, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from carecli.domain.conversation import Draft, DraftMode, Visibility
from carecli.domain.errors import CareError, ConflictError
from carecli.domain.operation import OperationState
from carecli.tui.cells import line
from carecli.tui.widgets.ask_bar import Answer
from carecli.tui.wording import some

if TYPE_CHECKING:
    from carecli.services.models import ReplyPlan
    from carecli.tui.panes.composer import Composer
    from carecli.tui.screens.desk import Desk


def write(desk: Desk, mode: DraftMode, *, everybody: bool = False, account: str | None = None) -> None:
    """Open the composer on a ticket (or on a new conversation), with the draft that was begun before."""
    ticket_id = desk.subject_id if mode is not DraftMode.NEW else None
    if ticket_id is not None and ticket_id != desk.ticket_id:
        desk.show_ticket(ticket_id)
    plan = desk.ws.replies.plan(ticket_id, mode, everybody=everybody, account=account)
    if plan.refusal:
        desk.say(plan.refusal, "warn")
        return
    draft = desk.ws.drafts.find(ticket_id, mode) or new_draft(desk, plan)
    open_composer(desk, plan, draft)


def new_draft(desk: Desk, plan: ReplyPlan) -> Draft:
    """An empty draft as the plan has it."""
    now = desk.now()
    return Draft(
        id="",
        ticket_id=plan.ticket_id,
        ticket_ref=desk.talk.ticket.ref if desk.talk and plan.ticket_id == desk.talk.ticket.id else None,
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


def open_composer(desk: Desk, plan: ReplyPlan, draft: Draft) -> None:
    """Show a draft below the conversation."""
    from carecli.tui.panes.composer import Composer

    old = desk.composer
    if old is not None:
        if old.draft.ticket_id == draft.ticket_id and old.plan.mode is plan.mode and old.draft.id == draft.id:
            if old.ready_at is not None:
                old.text_area.focus()
            return
        close_composer(desk)
    person = desk.talk.ticket.requester.name or "" if desk.talk and plan.ticket_id is not None else ""
    composer = Composer(plan, draft, desk.ws.drafts.save, desk.now, person)
    desk.composer = composer
    desk.go("conversation")
    desk.middle.mount(composer)
    if draft.id and draft.body:
        desk.say("Your draft, as you left it")


def close_composer(desk: Desk, *, quiet: bool = True, save: bool = True) -> None:
    """Put the composer away; what was written stays a draft."""
    composer = desk.composer
    if composer is None:
        return
    draft = composer.save_now() if save and composer.is_mounted else composer.draft
    desk.composer = None
    composer.remove()
    if not quiet and draft.body.strip():
        desk.say("Draft kept")


def _keep(desk: Desk) -> None:
    close_composer(desk, quiet=False)
    desk.go("conversation")
    desk.reload()


def _review(desk: Desk) -> None:
    composer = desk.composer
    if composer is None:
        return
    draft = composer.save_now()
    plan = composer.plan
    internal = plan.visibility is Visibility.INTERNAL
    lines, blocked = review_lines(desk, composer, draft)
    send = partial(_send, desk, composer, draft)
    answers = [Answer("y", "add note" if internal else "send", send, blocked)]
    if plan.mode is DraftMode.REPLY:
        answers.append(Answer("s", "send and solve", partial(send, solve=True), blocked))
    answers += [
        Answer("e", "edit", partial(_edit, composer)),
        Answer("p", "keep draft", lambda: _keep(desk)),
        Answer("n", "discard (kept 7 days)", lambda: _discard(desk, draft)),
        Answer("esc", "back", partial(_edit, composer)),
    ]
    desk.ask(lines, answers)


def review_lines(desk: Desk, composer: Composer, draft: Draft) -> tuple[list[tuple[str, str]], str]:
    """What stands in the review bar, and why it cannot be sent (empty: it can)."""
    from carecli.tui.panes.composer import banner_words

    plan = composer.plan
    internal = plan.visibility is Visibility.INTERNAL
    facts = [some(len(draft.body), "character")]
    facts += [some(len(draft.attachments), "file")] if draft.attachments else []
    facts += [f"cc {', '.join(line(a.email) for a in draft.cc)}"] if draft.cc else []
    lines = [
        ("note" if internal else "public", f"{banner_words(plan, draft.to, composer.person)} · {' · '.join(facts)}")
    ]
    found = [(kind, text) for kind, text in desk.ws.replies.warnings(plan, draft.body, draft.attachments)]
    if composer.mail and not draft.to:
        found.append(("block", "Nobody would get it: fill in To"))
    found += [("block", f"'{line(bad)}' is no address") for bad in composer.bad_addresses()]
    blocked = "not yet" if any(kind == "block" for kind, _ in found) else ""
    return lines + found, blocked


def _edit(composer: Composer) -> None:
    composer.text_area.focus()


def _send(desk: Desk, composer: Composer, draft: Draft, *, solve: bool = False, anyway: bool = False) -> None:
    internal = composer.plan.visibility is Visibility.INTERNAL
    try:
        operation = desk.ws.replies.send(draft, solve=solve, anyway=anyway)
    except ConflictError as error:
        desk.ask(
            [("warn", error.message), ("", error.help)],
            [
                Answer("y", "send anyway", lambda: _send(desk, composer, draft, solve=solve, anyway=True)),
                Answer("e", "edit", partial(_edit, composer)),
                Answer("n", "discard (kept 7 days)", lambda: _discard(desk, draft)),
                Answer("esc", "back", partial(_edit, composer)),
            ],
        )
        return
    except CareError as error:
        desk.say(f"{error.message} {error.help} The draft is kept.".strip(), "bad")
        composer.text_area.focus()
        return
    close_composer(desk, save=False)
    desk.go("conversation")
    place = desk.inbox.cursor
    desk.reload()
    # An answered ticket sinks in the list; the cursor stays where the next one comes up.
    desk.inbox.move_to(place, quiet=True)
    desk.renew_place()
    if operation.state is OperationState.HELD and operation.not_before > desk.now():
        desk.held = operation
        verb = "Adding note" if internal else "Sending"
        key = desk.keymap.shown("edit.undo") or "palette"
        desk.status.count_down(operation.not_before, f"{verb} in {{}} s – {key} to undo", lambda: _sent(desk))
    else:
        desk.say("Note added" if internal else "Reply is on its way", "good")
        desk.ws.background.nudge()


def _sent(desk: Desk) -> None:
    held, desk.held = desk.held, None
    if held is not None:
        desk.ws.background.nudge()
        desk.say("On its way", "good")


def unsend(desk: Desk) -> None:
    """Take a held text back into the composer, with everything it had."""
    held = desk.held
    if held is None:
        return
    draft = desk.ws.replies.unsend(held.id)
    desk.held = None
    desk.status.stop_count()
    if draft.ticket_id is not None:
        desk.inbox.select(draft.ticket_id)
        desk.show_ticket(draft.ticket_id)
    resume(desk, draft)
    desk.say("Not sent; here is your text again", "good")


def resume(desk: Desk, draft: Draft) -> None:
    """Open a draft where it belongs."""
    if draft.ticket_id is not None and draft.ticket_id != desk.ticket_id:
        desk.go_to_ticket(draft.ticket_id)
    plan = desk.ws.replies.plan(draft.ticket_id, draft.mode, account=draft.account)
    open_composer(desk, plan, draft)


def _discard(desk: Desk, draft: Draft) -> None:
    close_composer(desk, save=False)
    if draft.id:
        desk.ws.drafts.discard(draft.id)
    desk.go("conversation")
    desk.reload()
    desk.say("Draft discarded; it is kept for 7 days")


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
    composer.save_now()
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


def _drafts(desk: Desk) -> None:
    from carecli.tui.screens.pick import Choice, Pick
    from carecli.tui.wording import ago

    drafts = {draft.id: draft for draft in desk.ws.drafts.list()}
    if not drafts:
        desk.say("No drafts")
        return
    choices = [
        Choice(one.id, line(one.ticket_ref or one.subject or "new conversation"),
               f"{one.mode.value} · {ago(one.updated_at, desk.now())} · {line(one.body)[:60]}")
        for one in drafts.values()
    ]  # fmt: skip

    def chosen(value: str | None) -> None:
        if value:
            resume(desk, drafts[value])

    desk.app.push_screen(Pick("Drafts", choices), chosen)


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "ticket.reply": partial(write, mode=DraftMode.REPLY),
    "ticket.reply_all": partial(write, mode=DraftMode.REPLY, everybody=True),
    "ticket.note": partial(write, mode=DraftMode.NOTE),
    "ticket.forward": partial(write, mode=DraftMode.FORWARD),
    "ticket.editor": _editor,
    "app.new": _new,
    "app.drafts": _drafts,
    "draft.send": _review,
    "draft.keep": _keep,
    "draft.editor": _editor,
    "draft.attach": _attach,
    "draft.field": _field,
}
