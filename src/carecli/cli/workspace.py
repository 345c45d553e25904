"""What commands share: the open workspace, references and ids, bodies, and printing of operations."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

import click
import typer

from carecli.bootstrap import Workspace, open_workspace
from carecli.cli import errors, flags
from carecli.cli.output import emit
from carecli.domain.errors import (
    CareError,
    ConflictError,
    PartialError,
    RejectedError,
    UnreachableError,
    UsageError,
)
from carecli.domain.operation import Operation, OperationState

OPERATION_COLUMNS = ("id", "verb", "target", "state", "last_error")
_REFUSED: dict[OperationState, type[CareError]] = {
    OperationState.FAILED: RejectedError,
    OperationState.CONFLICT: ConflictError,
    OperationState.UNKNOWN: UnreachableError,
}


@contextlib.contextmanager
def opened(*, writing: bool = False, plans: bool = False) -> Iterator[Workspace]:
    """The workspace of this call; configuration warnings go to stderr once.

    ``writing`` and ``plans`` as in ``may_write``.
    """
    taken = flags.current()
    if writing:
        may_write(plans=plans)
    workspace = open_workspace(taken.home, taken.config, read_only=taken.read_only, origin="cli")
    try:
        for warning in workspace.settings.warnings:
            errors.say(f"carecli: {warning.message}")
        yield workspace
    finally:
        workspace.close()


def may_write(*, plans: bool = False) -> None:
    """Raises ``UsageError`` READ_ONLY under ``--read-only``, and NO_DRY_RUN under ``--dry-run`` for a command that has
    nothing to show without doing it (``plans`` says that it has).
    """
    taken = flags.current()
    if taken.read_only:
        raise UsageError("--read-only forbids this command", code="READ_ONLY", help="Leave the flag out to write.")
    if not plans:
        must_do()


def must_do() -> None:
    """Raises ``UsageError`` NO_DRY_RUN under ``--dry-run``: the command has nothing to show without doing it."""
    if flags.current().dry_run:
        raise UsageError(
            "this command has no dry run; nothing was done", code="NO_DRY_RUN", help="Leave --dry-run out."
        )


def expand(words: Sequence[str]) -> list[str]:
    """References or ids, with ``-`` replaced by the lines of standard input. Raises ``UsageError`` when none is left."""
    found: list[str] = []
    for word in words:
        if word == "-":
            found += [line.strip() for line in sys.stdin if line.strip()]
        else:
            found.append(word)
    return list(dict.fromkeys(found))


def local_key(text: str, noun: str, help: str) -> int:  # noqa: A002
    """The key a person typed; numbers that no store can hold name nothing. Raises ``UsageError`` BAD_ID."""
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"'{text}' is no {noun} id", code="BAD_ID", help=help)
    return int(text) if len(text) <= 18 else -1


def body_text(body: str | None, body_file: str | None) -> str:
    """The text of a reply or note: the option, the file (``-``: standard input), or the editor on a terminal.

    Raises ``UsageError`` NO_BODY off a terminal, BAD_FILE for a file that cannot be read.
    """
    if body is not None:
        return body
    if body_file == "-":
        return sys.stdin.read()
    if body_file is not None:
        try:
            with open(body_file, encoding="utf-8") as stream:
                return stream.read()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the file {body_file} cannot be read: {error}", code="BAD_FILE", help="Nothing was sent."
            ) from error
    if not sys.stdin.isatty() or not sys.stdout.isatty() or flags.current().no_input:
        raise UsageError(
            "there is no text", code="NO_BODY", help="Use --body TEXT, or --body-file FILE (- reads standard input)."
        )
    editor = os.environ.get("CARECLI_EDITOR") or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    text = click.edit("", editor=editor, extension=".md")
    if not text or not text.strip():
        raise UsageError("the text is empty; nothing was sent", code="NO_BODY")
    return text


def each_ref(workspace: Workspace, refs: Sequence[str]) -> tuple[list[int], list[CareError]]:
    """Ticket keys of the references that exist, and the errors of the others."""
    found, missed = [], []
    for ref in expand(refs):
        try:
            found.append(workspace.tickets.find(ref, flags.current().account))
        except CareError as error:
            missed.append(error)
    return found, missed


def push(workspace: Workspace, made: Sequence[Operation], *, queue: bool) -> CareError | None:
    """Tries to push the accounts of some operations; an error that a person must mend comes back."""
    if queue or not any(operation.state is OperationState.READY for operation in made):
        return None
    names = list(dict.fromkeys(operation.account for operation in made))
    for report in workspace.syncing.push(names):
        if report.error is not None and report.error.exit_code in (3, 10):
            return report.error
    return None


def finish(workspace: Workspace, made: Sequence[Operation], missed: Sequence[CareError], *, queue: bool = True) -> None:
    """Pushes, prints the operations as they stand then, reports errors and ends with the contract's exit code."""
    taken = flags.current()
    blocked = push(workspace, made, queue=queue)
    emit(workspace.outbox.json_of(list(made)), taken, OPERATION_COLUMNS)
    sys.stdout.flush()
    now = [workspace.outbox.get(operation.id) for operation in made]
    for operation in now:
        if operation.state in _REFUSED:
            errors.report(_refusal(operation), taken)
    if blocked is not None:
        for error in missed:
            errors.report(error, taken)
        raise typer.Exit(errors.report(blocked, taken))
    _end(
        missed,
        {_REFUSED[operation.state].exit_code if operation.state in _REFUSED else 0 for operation in now},
        len(made) + len(missed),
    )


def _refusal(operation: Operation) -> CareError:
    """Why an operation did not get through, as an error with the operation's own code."""
    kind = _REFUSED[operation.state]
    words = operation.last_error or f"it is {operation.state}"
    return kind(
        f"{operation.target or operation.id}: {words}",
        code=operation.error_code or kind.code,
        help=f"It is kept: carecli outbox show {operation.id}",
    )


def planned(operations: Sequence[Operation], missed: Sequence[CareError] = ()) -> None:
    """Prints what a write would do (``--dry-run``), and ends as it would for the references that are missing."""
    from carecli.services.tickets import as_json

    emit([as_json(operation) for operation in operations], flags.current(), ("verb", "target", "state"))
    if missed:
        _end(missed, {0} if operations else set(), len(operations) + len(missed))


def _end(missed: Sequence[CareError], codes: set[int], total: int) -> None:
    """Reports what could not be done and ends with the contract's exit code."""
    taken = flags.current()
    for error in missed:
        errors.report(error, taken)
    codes = codes | {error.exit_code for error in missed}
    if len(codes) > 1 and total > 1:
        if missed:
            errors.report(PartialError(f"{len(missed)} of {total} could not be done"), taken)
        raise typer.Exit(8)
    raise typer.Exit(codes.pop() if codes else 0)


def noun(help: str) -> typer.Typer:  # noqa: A002
    """A Typer application for one noun, without rich and without Typer's own completion."""
    return typer.Typer(
        help=help,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
