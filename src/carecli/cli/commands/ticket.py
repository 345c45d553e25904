"""``carecli ticket``: list, read, answer and change tickets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from carecli.bootstrap import Workspace
from carecli.cli import complete, flags, quick, workspace
from carecli.cli.output import emit, emit_one
from carecli.domain.conversation import Address, Draft, DraftMode
from carecli.domain.errors import CareError, ForbiddenError, NotFoundError, UsageError
from carecli.domain.operation import Operation, Verb

app = workspace.noun("List, read, answer and change tickets.")
Refs = Annotated[
    list[str], typer.Argument(help="account:number; - reads them from stdin", autocompletion=complete.refs)
]
Queue = Annotated[bool, typer.Option("--queue", help="Leave it for the next sync")]
Body = Annotated[str | None, typer.Option("--body", help="The text")]
BodyFile = Annotated[str | None, typer.Option("--body-file", help="A file with the text; - is standard input")]
Hold = Annotated[int, typer.Option("--hold", min=0, help="Seconds before it leaves; until then it can be undone")]
Attach = Annotated[list[str] | None, typer.Option("--attach", help="A file to attach (repeatable)")]


@app.command("list")
def list_(
    query: Annotated[str, typer.Argument(help="Query: words, status:open, assignee:me, tag:x, created:7d …")] = "",
    view: Annotated[str | None, typer.Option(autocompletion=complete.views)] = None,
    status: Annotated[str | None, typer.Option(autocompletion=complete.statuses)] = None,
    assignee: Annotated[str | None, typer.Option(autocompletion=complete.agents, help="me, none or a name")] = None,
    tag: Annotated[str | None, typer.Option(autocompletion=complete.tags)] = None,
    limit: Annotated[int, typer.Option(min=0, help="0 for all")] = 50,
) -> None:
    """List tickets, last changed first (a view brings its own order)."""
    options = {"": query, "limit": str(limit)}
    options |= {k: v for k, v in (("view", view), ("status", status), ("assignee", assignee), ("tag", tag)) if v}
    quick.ticket_list(flags.current(), options)


@app.command()
def show(
    refs: Annotated[list[str], typer.Argument(metavar="REF", autocompletion=complete.refs)],
    at: Annotated[
        str | None, typer.Option("--at", metavar="WHEN", help="As it was: 2h (ago), yesterday, 2026-10-31T14:30")
    ] = None,
) -> None:
    """Show a ticket with its conversation, or as it was at a time."""
    for ref in workspace.expand(refs):
        if at is None:
            quick.ticket_show(flags.current(), {"": ref})
            continue
        with workspace.opened() as ws:
            text = ws.audit.as_of_json(ws.tickets.find(ref, flags.current().account), at)
        quick.print_one(text, flags.current())


@app.command()
def new(
    to: Annotated[list[str], typer.Option("--to", help="Recipient (repeatable)")],
    subject: Annotated[str, typer.Option("--subject")],
    cc: Annotated[list[str] | None, typer.Option("--cc")] = None,
    body: Body = None,
    body_file: BodyFile = None,
    attach: Attach = None,
    hold: Hold = 0,
    queue: Queue = False,
) -> None:
    """Open a ticket by writing to a customer (with --account)."""
    with workspace.opened(writing=True, plans=True) as ws:
        account = flags.current().account or _only_account(ws)
        ws.replies.plan(None, DraftMode.NEW, account=account)
        text = workspace.body_text(body, body_file)
        draft = _draft(ws, None, DraftMode.NEW, text, to, cc, attach, account=account, subject=subject)
        if flags.current().dry_run:
            workspace.planned([ws.replies.planned(draft)])
            return
        made = ws.replies.make(draft, hold_seconds=hold)
        workspace.finish(ws, made, [], queue=queue)


@app.command()
def reply(
    refs: Refs,
    body: Body = None,
    body_file: BodyFile = None,
    all_: Annotated[bool, typer.Option("--all", help="Reply to everybody")] = False,
    to: Annotated[list[str] | None, typer.Option("--to", help="Instead of the requester")] = None,
    cc: Annotated[list[str] | None, typer.Option("--cc")] = None,
    bcc: Annotated[list[str] | None, typer.Option("--bcc")] = None,
    attach: Attach = None,
    solve: Annotated[bool, typer.Option("--solve", help="Solve the ticket once it is sent")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Send although somebody wrote in the meantime")] = False,
    hold: Hold = 0,
    queue: Queue = False,
) -> None:
    """Answer the customer."""
    _write(
        refs, DraftMode.REPLY, body, body_file, attach, hold, queue, to, cc, bcc, all_=all_, solve=solve, anyway=anyway
    )


@app.command()
def note(
    refs: Refs, body: Body = None, body_file: BodyFile = None, attach: Attach = None, queue: Queue = False
) -> None:
    """Add an internal note; the customer never sees it."""
    _write(refs, DraftMode.NOTE, body, body_file, attach, 0, queue)


def _write(
    refs: Sequence[str],
    mode: DraftMode,
    body: str | None,
    body_file: str | None,
    attach: Sequence[str] | None,
    hold: int,
    queue: bool,
    to: Sequence[str] | None = None,
    cc: Sequence[str] | None = None,
    bcc: Sequence[str] | None = None,
    *,
    all_: bool = False,
    solve: bool = False,
    anyway: bool = False,
) -> None:
    with workspace.opened(writing=True, plans=True) as ws:
        if "-" in refs and body_file == "-":
            raise UsageError("standard input cannot be both the references and the text", code="STDIN_TWICE")
        tickets, missed = workspace.each_ref(ws, refs)
        text = workspace.body_text(body, body_file) if tickets else ""
        if flags.current().dry_run:
            texts = [_draft(ws, ticket, mode, text, to, cc, attach, bcc=bcc, all_=all_) for ticket in tickets]
            workspace.planned([ws.replies.planned(draft) for draft in texts], missed)
            return
        made: list[Operation] = []
        for ticket in tickets:
            try:
                draft = _draft(ws, ticket, mode, text, to, cc, attach, bcc=bcc, all_=all_)
                made += ws.replies.make(draft, hold_seconds=hold, solve=solve, anyway=anyway)
            except CareError as error:
                missed.append(error)
        ws.tickets.as_one(made)
        workspace.finish(ws, made, missed, queue=queue)


def _draft(
    ws: Workspace,
    ticket: int | None,
    mode: DraftMode,
    text: str,
    to: Sequence[str] | None,
    cc: Sequence[str] | None,
    attach: Sequence[str] | None,
    *,
    bcc: Sequence[str] | None = None,
    account: str | None = None,
    subject: str | None = None,
    all_: bool = False,
) -> Draft:
    plan = ws.replies.plan(ticket, mode, everybody=all_, account=account)
    return Draft(
        id="",
        ticket_id=ticket,
        ticket_ref=None,
        account=account or plan.account,
        agent=ws.context.actor,
        mode=mode,
        to=_addresses(to) if to else plan.to,
        cc=plan.cc + _addresses(cc or ()),
        bcc=_addresses(bcc or ()),
        subject=subject or plan.subject,
        body=text,
        attachments=tuple(attach or ()),
        actions=(),
        base_message_id=plan.newest_message_id,
        created_at=0,
        updated_at=0,
        discarded_at=None,
    )


def _addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    if not texts:
        return ()
    from email.utils import getaddresses

    return tuple(Address(email, name) for name, email in getaddresses(list(texts)) if email)


def _only_account(ws: Workspace) -> str:
    names = tuple(ws.settings.accounts)
    if len(names) == 1:
        return names[0]
    raise UsageError(
        "which account?", code="ACCOUNT_NEEDED", help=f"Add --account NAME, one of: {', '.join(names) or 'none yet'}."
    )


def _change(
    refs: Sequence[str],
    queue: bool,
    change: Callable[[Workspace, list[int]], list[Operation]],
    verb: Verb,
    payload: dict[str, object],
) -> None:
    with workspace.opened(writing=True, plans=True) as ws:
        tickets, missed = workspace.each_ref(ws, refs)
        if flags.current().dry_run:
            workspace.planned(ws.tickets.plan(tickets, verb, payload), missed)
            return
        made: list[Operation] = []
        for ticket in tickets:
            try:
                made += change(ws, [ticket])
            except UsageError:
                raise
            except CareError as error:
                missed.append(error)
        ws.tickets.as_one(made)
        workspace.finish(ws, made, missed, queue=queue)


@app.command()
def status(
    value: Annotated[str, typer.Argument(metavar="STATUS", autocompletion=complete.statuses)],
    refs: Refs,
    queue: Queue = False,
) -> None:
    """Set the status: new, open, pending, on_hold, solved or closed."""
    _change(refs, queue, lambda ws, ids: ws.tickets.set_status(ids, value), Verb.STATUS, {"value": value})


@app.command()
def priority(
    value: Annotated[str, typer.Argument(metavar="PRIORITY", autocompletion=complete.priorities)],
    refs: Refs,
    queue: Queue = False,
) -> None:
    """Set the priority: none, low, normal, high or urgent."""
    _change(refs, queue, lambda ws, ids: ws.tickets.set_priority(ids, value), Verb.PRIORITY, {"value": value})


@app.command()
def assign(
    who: Annotated[str, typer.Argument(metavar="WHO", autocompletion=complete.agents, help="me, none or a name")],
    refs: Refs,
    queue: Queue = False,
) -> None:
    """Assign to me, a colleague, or none."""
    value = None if who == "none" else who
    _change(refs, queue, lambda ws, ids: ws.tickets.assign(ids, value), Verb.ASSIGN, {"value": value})


@app.command()
def tag(
    refs: Refs,
    add: Annotated[list[str] | None, typer.Option("--add", autocompletion=complete.tags)] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", autocompletion=complete.tags)] = None,
    queue: Queue = False,
) -> None:
    """Add and remove tags; others stay."""
    _change(
        refs,
        queue,
        lambda ws, ids: ws.tickets.tag(ids, add or [], remove or []),
        Verb.TAG,
        {"add": add or [], "remove": remove or []},
    )


@app.command("next")
def next_() -> None:
    """Show the ticket to work on next."""
    with workspace.opened() as ws:
        found = ws.tickets.next_best()
        if found is None:
            raise NotFoundError("nothing waits for you", code="NOTHING_WAITS")
        quick.ticket_show(flags.current(), {"": ws.tickets.get(found).ref})


@app.command("open")
def open_(ref: Annotated[str, typer.Argument(metavar="REF", autocompletion=complete.refs)]) -> None:
    """Open the ticket in the web browser."""
    with workspace.opened() as ws:
        ticket = ws.tickets.get(ws.tickets.find(ref, flags.current().account))
        if not ticket.url:
            raise ForbiddenError(f"{ticket.ref} has no web page", code="NO_WEB_PAGE", help="Mailboxes have none.")
        emit_one({"ref": ticket.ref, "url": ticket.url}, flags.current(), ticket.url)
        if not flags.current().dry_run:
            typer.launch(ticket.url)


@app.command()
def history(ref: Annotated[str, typer.Argument(metavar="REF", autocompletion=complete.refs)]) -> None:
    """Show what happened to a ticket, oldest first."""
    with workspace.opened() as ws:
        texts = ws.tickets.history_json(ws.tickets.find(ref, flags.current().account))
        emit(texts, flags.current(), ("at", "actor", "origin", "verb", "field", "old", "new"))


@app.command()
def undo(
    operation: Annotated[str | None, typer.Argument(metavar="[OPERATION]")] = None,
    redo: Annotated[bool, typer.Option("--redo", help="Take the last undo back")] = False,
    queue: Queue = False,
) -> None:
    """Take back the last change, or an operation by its id."""
    with workspace.opened(writing=True, plans=True) as ws:
        if flags.current().dry_run:
            workspace.planned(ws.tickets.undoes(operation, redo=redo))
            return
        made = ws.tickets.redo() if redo else ws.tickets.undo(operation)
        workspace.finish(ws, made, [], queue=queue)
