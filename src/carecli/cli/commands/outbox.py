"""``carecli outbox``: what waits to be sent, and decisions about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from carecli.bootstrap import Workspace
from carecli.cli import errors, flags, workspace
from carecli.cli.output import emit
from carecli.domain.errors import CareError, UsageError
from carecli.domain.operation import Operation, OperationState

app = workspace.noun("See what waits to be sent, and decide about it.")
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Operation ids; - reads them from stdin")]
Queue = Annotated[bool, typer.Option("--queue", help="Leave it for the next sync")]


@app.command("list")
def list_(
    state: Annotated[list[str] | None, typer.Option("--state", help="Only this state (repeatable)")] = None,
    every: Annotated[bool, typer.Option("--all", help="Finished ones too")] = False,
    limit: Annotated[int, typer.Option(min=0, max=1_000_000_000, help="0 for all")] = 0,
) -> None:
    """List operations that are not finished, oldest first."""
    states = tuple(state or (tuple(OperationState) if every else ()))
    for one in states:
        if one not in tuple(OperationState):
            raise UsageError(f"'{one}' is no state", help=f"One of: {', '.join(OperationState)}.")
    with workspace.opened() as ws:
        emit(ws.outbox.list_json(states, limit), flags.current(), workspace.OPERATION_COLUMNS)


@app.command()
def show(operation: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show an operation, and what can be done about it."""
    with workspace.opened() as ws:
        decision = ws.outbox.decision(operation)
        if flags.current().output == "table" and not flags.current().fields:
            from carecli.cli.reading import print_decision

            print_decision(decision, flags.current())
            return
        emit(ws.outbox.json_of([decision.operation]), flags.current(), workspace.OPERATION_COLUMNS, single=True)


@app.command()
def retry(operations: Ids, queue: Queue = False) -> None:
    """Try operations again that failed or wait for a decision."""
    _each(operations, lambda ws, one: ws.outbox.retry(one.id), queue=queue)


@app.command()
def cancel(operations: Ids) -> None:
    """Take operations back before they leave."""
    _each(operations, lambda ws, one: ws.outbox.cancel(one.id), queue=True)


def _each(operations: list[str], act: Callable[[Workspace, Operation], Operation], *, queue: bool) -> None:
    with workspace.opened(writing=True, plans=True) as ws:
        made: list[Operation] = []
        missed: list[CareError] = []
        for one in workspace.expand(operations):
            try:
                found = ws.outbox.get(one)
                made.append(found if flags.current().dry_run else act(ws, found))
            except CareError as error:  # one that is too late must not keep the others
                missed.append(error)
        if flags.current().dry_run:
            workspace.planned(made, missed)
            return
        workspace.finish(ws, made, missed, queue=queue)


@app.command()
def edit(
    operation: Annotated[str, typer.Argument(metavar="ID")],
    body: Annotated[str | None, typer.Option("--body")] = None,
    body_file: Annotated[str | None, typer.Option("--body-file")] = None,
) -> None:
    """Replace the text of an operation that has not left."""
    with workspace.opened(writing=True, plans=True) as ws:
        found = ws.outbox.get(operation)
        text = workspace.body_text(body, body_file)
        if flags.current().dry_run:
            workspace.planned([found])
            return
        made = ws.outbox.edit(operation, text)
        workspace.finish(ws, [made], [])


@app.command()
def resolve(
    operation: Annotated[str, typer.Argument(metavar="ID")],
    send: Annotated[bool, typer.Option("--send", help="Send anyway")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Do not send")] = False,
    edit_: Annotated[bool, typer.Option("--edit", help="Turn it back into a draft")] = False,
    keep: Annotated[str | None, typer.Option("--keep", help="mine or theirs")] = None,
    queue: Queue = False,
) -> None:
    """Decide about an operation that waits for you."""
    if keep not in (None, "mine", "theirs") or sum((send, discard, edit_, keep is not None)) != 1:
        raise UsageError("choose one", help="--send, --discard, --edit, --keep mine or --keep theirs.")
    with workspace.opened(writing=True, plans=True) as ws:
        made = ws.outbox.get(operation)
        if flags.current().dry_run:
            workspace.planned([made])
            return
        if edit_:
            draft = ws.replies.unsend(operation)
            errors.say(f"carecli: the text is draft {draft.id}; see 'carecli draft show {draft.id}'")
            made = ws.outbox.get(operation)
        else:
            made = ws.outbox.resolve(operation, keep or ("send" if send else "discard"))
        workspace.finish(ws, [made], [], queue=queue)
