"""Builds the request of an operation from its payload and the store; notes and public texts never share a path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from carecli.connectors.spi.records import (
    FieldRequest,
    NoteRequest,
    OutgoingFile,
    QuotedMessage,
    ReplyRequest,
    TicketHandle,
)
from carecli.domain.conversation import Address
from carecli.domain.errors import RejectedError
from carecli.domain.operation import Operation, Verb
from carecli.store import messages, tickets
from carecli.store.driver import Connection

Request = ReplyRequest | NoteRequest | FieldRequest


def request_for(connection: Connection, operation: Operation) -> Request:
    """The request of an operation, the same each time it is built.

    Raises ``RejectedError`` ATTACHMENT_GONE when a file it should carry is no longer there.
    """
    handle = _handle(connection, operation)
    payload: dict[str, Any] = dict(operation.payload)
    if operation.verb is Verb.NOTE:
        return NoteRequest(
            operation_id=operation.id,
            created_at=operation.created_at,
            ticket=handle,
            body_text=str(payload["body"]),
            files=_files(payload.get("files", ())),
        )
    if operation.verb in (Verb.REPLY, Verb.CREATE, Verb.FORWARD):
        answers = payload.get("answers")
        return ReplyRequest(
            operation_id=operation.id,
            created_at=operation.created_at,
            ticket=handle,
            body_text=str(payload["body"]),
            to=_addresses(payload.get("to", ())),
            cc=_addresses(payload.get("cc", ())),
            bcc=_addresses(payload.get("bcc", ())),
            subject=payload.get("subject"),
            answers=_quoted(connection, int(answers)) if answers else None,
            files=_files(payload.get("files", ())),
        )
    return FieldRequest(
        operation_id=operation.id,
        created_at=operation.created_at,
        ticket=handle,
        changes=_changes(operation.verb, payload),
        base_version=_base_version(connection, operation),
    )


def _base_version(connection: Connection, operation: Operation) -> str | None:
    """The version that the change was last merged with: the pull that brought it found nothing that clashes."""
    if operation.ticket_id is None:
        return None
    found = tickets.current(connection, operation.ticket_id, "remote_version")[0]
    return None if found is None else str(found)


def _handle(connection: Connection, operation: Operation) -> TicketHandle:
    if operation.ticket_id is None or operation.verb is Verb.CREATE:
        return TicketHandle(external_id=None, number=None, subject=str(operation.payload.get("subject") or ""))
    external_id, number, subject = tickets.current(connection, operation.ticket_id, "external_id, number, subject")
    return TicketHandle(external_id=str(external_id), number=str(number), subject=str(subject))


def _addresses(pairs: Sequence[Sequence[str]]) -> tuple[Address, ...]:
    return tuple(Address(email, name) for email, name in pairs)


def _quoted(connection: Connection, key: int) -> QuotedMessage | None:
    row = messages.for_quote(connection, key)
    if row is None:
        return None
    author, sent_at, body, message_id, references = row
    return QuotedMessage(
        author=author,
        sent_at=sent_at,
        body_text=body,
        message_id=message_id,
        references=tuple(references.split()) if references else (),
    )


def _files(entries: Sequence[dict[str, str]]) -> tuple[OutgoingFile, ...]:
    files = []
    for entry in entries:
        try:
            with open(entry["path"], "rb") as stream:
                files.append(OutgoingFile(filename=entry["filename"], mime=entry["mime"], content=stream.read()))
        except OSError as error:
            raise RejectedError(
                f"the attachment {entry['filename']} is gone ({os.strerror(error.errno or 0)}); nothing was sent",
                code="ATTACHMENT_GONE",
                help="Cancel the operation and write the reply again with the file.",
            ) from error
    return tuple(files)


def _changes(verb: Verb, payload: dict[str, Any]) -> dict[str, object]:
    if verb is Verb.TAG:
        return {"tags_add": list(payload.get("add") or ()), "tags_remove": list(payload.get("remove") or ())}
    names = {Verb.STATUS: "status", Verb.PRIORITY: "priority", Verb.ASSIGN: "assignee", Verb.SNOOZE: "snoozed_until"}
    return {names[verb]: payload["value"]}
