"""``carecli draft``: list, show, send and discard drafts."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from carecli.cli import flags, workspace
from carecli.cli.output import emit
from carecli.domain.conversation import Address, Draft

app = workspace.noun("List, show, send and discard drafts.")
COLUMNS = ("id", "mode", "ref", "to", "updated_at", "body")
One = Annotated[str, typer.Argument(metavar="ID")]


def _at(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))


def _people(addresses: tuple[Address, ...]) -> list[dict[str, str | None]]:
    return [{"email": address.email, "name": address.name or None} for address in addresses]


def _json(draft: Draft) -> str:
    body = {
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
        "created_at": _at(draft.created_at),
        "updated_at": _at(draft.updated_at),
        "discarded_at": _at(draft.discarded_at),
    }
    return json.dumps(body, ensure_ascii=False)


@app.command("list")
def list_(
    discarded: Annotated[bool, typer.Option("--discarded", help="Those of the last seven days")] = False,
) -> None:
    """List drafts, newest first."""
    with workspace.opened() as ws:
        emit([_json(draft) for draft in ws.drafts.list(discarded=discarded)], flags.current(), COLUMNS)


@app.command()
def show(draft: One) -> None:
    """Show a draft."""
    with workspace.opened() as ws:
        emit([_json(ws.drafts.get(draft))], flags.current(), COLUMNS, single=True)


@app.command()
def send(
    draft: One,
    anyway: Annotated[bool, typer.Option("--anyway", help="Send although somebody wrote in the meantime")] = False,
    hold: Annotated[int, typer.Option("--hold", min=0)] = 0,
    queue: Annotated[bool, typer.Option("--queue")] = False,
) -> None:
    """Send a draft."""
    with workspace.opened(writing=True) as ws:
        made = ws.replies.make(ws.drafts.get(draft), hold_seconds=hold, anyway=anyway)
        workspace.finish(ws, made, [], queue=queue)


@app.command()
def discard(draft: One) -> None:
    """Discard a draft; it is kept for seven days."""
    with workspace.opened(writing=True) as ws:
        ws.drafts.discard(draft)
        emit([_json(ws.drafts.get(draft))], flags.current(), COLUMNS, single=True)
