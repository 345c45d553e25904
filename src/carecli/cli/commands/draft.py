"""``carecli draft``: list, show, send, discard and restore drafts."""

from __future__ import annotations

from typing import Annotated

import typer

from carecli.cli import flags, workspace
from carecli.cli.output import emit_values, instant
from carecli.domain.conversation import Address, Draft

app = workspace.noun("List, show, send and discard drafts.")
COLUMNS = ("id", "mode", "ref", "to", "updated_at", "body")
One = Annotated[str, typer.Argument(metavar="ID")]


def _people(addresses: tuple[Address, ...]) -> list[dict[str, str | None]]:
    return [{"email": address.email, "name": address.name or None} for address in addresses]


def _shape(draft: Draft) -> dict[str, object]:
    return {
        "id": draft.id,
        "ref": draft.ticket_ref,
        "account": draft.account,
        "agent": draft.agent,
        "mode": str(draft.mode),
        "to": _people(draft.to),
        "cc": _people(draft.cc),
        "bcc": _people(draft.bcc),
        "subject": draft.subject,
        "body": draft.body,
        "attachments": list(draft.attachments),
        "actions": [list(action) for action in draft.actions],
        "created_at": instant(draft.created_at),
        "updated_at": instant(draft.updated_at),
        "discarded_at": instant(draft.discarded_at),
    }


@app.command("list")
def list_(
    discarded: Annotated[bool, typer.Option("--discarded", help="Those of the last seven days")] = False,
) -> None:
    """List drafts, newest first."""
    with workspace.opened() as ws:
        emit_values([_shape(draft) for draft in ws.drafts.list(discarded=discarded)], flags.current(), COLUMNS)


@app.command()
def show(draft: One) -> None:
    """Show a draft."""
    with workspace.opened() as ws:
        emit_values([_shape(ws.drafts.get(draft))], flags.current(), COLUMNS, single=True)


@app.command()
def send(
    draft: One,
    anyway: Annotated[bool, typer.Option("--anyway", help="Send although somebody wrote in the meantime")] = False,
    hold: Annotated[int, typer.Option("--hold", min=0)] = 0,
    queue: Annotated[bool, typer.Option("--queue")] = False,
) -> None:
    """Send a draft."""
    with workspace.opened(writing=True, plans=True) as ws:
        found = ws.drafts.get(draft)
        if flags.current().dry_run:
            workspace.planned([ws.replies.planned(found)])
            return
        made = ws.replies.make(found, hold_seconds=hold, anyway=anyway)
        workspace.finish(ws, made, [], queue=queue)


@app.command()
def discard(draft: One) -> None:
    """Discard a draft; it is kept for seven days."""
    with workspace.opened(writing=True, plans=True) as ws:
        if not flags.current().dry_run:
            ws.drafts.discard(draft)
        emit_values([_shape(ws.drafts.get(draft))], flags.current(), COLUMNS, single=True)


@app.command()
def restore(draft: One) -> None:
    """Bring a discarded draft back."""
    with workspace.opened(writing=True, plans=True) as ws:
        if not flags.current().dry_run:
            ws.drafts.restore(draft)
        emit_values([_shape(ws.drafts.get(draft))], flags.current(), COLUMNS, single=True)
