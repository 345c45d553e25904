"""Reads one ticket with all its messages, for the screen (domain values) and for scripts (JSON)."""

from __future__ import annotations

import json

from carecli.domain.conversation import (
    Attachment,
    Author,
    AuthorKind,
    Delivery,
    Direction,
    Event,
    Message,
    MessageKind,
    Visibility,
)
from carecli.domain.ticket import Channel, Priority, Requester, SyncState, Ticket, TicketStatus, TicketType
from carecli.store import events
from carecli.store.drafts import unpack_recipients
from carecli.store.driver import Connection


def ticket(connection: Connection, ticket_id: int) -> Ticket | None:
    """One ticket as a domain value."""
    row = connection.execute(
        "SELECT t.id, a.name, t.number, t.subject, t.status, t.status_label, t.priority, t.channel, t.type,"
        " t.requester_id, c.name,"
        " (SELECT value FROM identity i WHERE i.customer_id = c.id AND i.kind = 'email' ORDER BY i.id LIMIT 1),"
        " (SELECT value FROM identity i WHERE i.customer_id = c.id AND i.kind = 'phone' ORDER BY i.id LIMIT 1),"
        " o.name, g.name, t.team, t.tags, t.created_at, t.updated_at, t.solved_at, t.waiting_since, t.snoozed_until,"
        " t.unread, t.message_count, t.url, t.sync_state, t.custom FROM ticket t JOIN account a ON a.id = t.account_id"
        " LEFT JOIN customer c ON c.id = t.requester_id LEFT JOIN agent g ON g.id = t.assignee_id"
        " LEFT JOIN organisation o ON o.id = t.organisation_id WHERE t.id = ?",
        (ticket_id,),
    ).fetchone()
    if row is None:
        return None
    return Ticket(
        id=row[0],
        account=row[1],
        number=row[2],
        subject=row[3],
        status=TicketStatus(row[4]),
        status_label=row[5],
        priority=Priority(row[6]),
        channel=Channel(row[7]),
        type=TicketType(row[8]),
        requester=Requester(row[9], row[10], row[11], row[12]),
        organisation=row[13],
        assignee=row[14],
        team=row[15],
        tags=tuple(json.loads(row[16])),
        created_at=row[17],
        updated_at=row[18],
        solved_at=row[19],
        waiting_since=row[20],
        snoozed_until=row[21],
        unread=bool(row[22]),
        message_count=row[23],
        url=row[24],
        sync_state=SyncState(row[25]),
        custom=json.loads(row[26]),
    )


def messages(connection: Connection, ticket_id: int) -> tuple[Message, ...]:
    """Messages of a ticket as domain values, oldest first."""
    attached: dict[int, list[Attachment]] = {}
    for row in connection.execute(
        "SELECT x.message_id, x.id, x.filename, x.mime, x.bytes, x.sha256 FROM attachment x JOIN message m"
        " ON m.id = x.message_id WHERE m.ticket_id = ? ORDER BY x.id",
        (ticket_id,),
    ):
        attached.setdefault(row[0], []).append(Attachment(*row[1:]))
    rows = connection.execute(
        "SELECT id, kind, direction, visibility, channel, author_kind, author_name, author_email, recipients, subject,"
        " sent_at, body_text, quoted_from, signature_from, message_id, delivery, failure, automatic FROM message"
        " WHERE ticket_id = ? ORDER BY id",
        (ticket_id,),
    )
    return tuple(_message(row, tuple(attached.get(row[0], ()))) for row in rows)


def _message(row: tuple[object, ...], attachments: tuple[Attachment, ...]) -> Message:
    to, cc, bcc = unpack_recipients(str(row[8]))
    return Message(
        id=row[0],  # type: ignore[arg-type]
        kind=MessageKind(str(row[1])),
        direction=Direction(str(row[2])),
        visibility=Visibility(str(row[3])),
        channel=Channel(str(row[4])),
        author=Author(AuthorKind(str(row[5])), row[6], row[7]),  # type: ignore[arg-type]
        to=to,
        cc=cc,
        bcc=bcc,
        subject=row[9],  # type: ignore[arg-type]
        sent_at=row[10],  # type: ignore[arg-type]
        body_text=str(row[11]),
        quoted_from=row[12],  # type: ignore[arg-type]
        signature_from=row[13],  # type: ignore[arg-type]
        message_id=row[14],  # type: ignore[arg-type]
        delivery=Delivery(str(row[15])),
        failure=row[16],  # type: ignore[arg-type]
        automatic=bool(row[17]),
        attachments=attachments,
    )


def ticket_events(connection: Connection, ticket_id: int) -> tuple[Event, ...]:
    """Events of a ticket as domain values, oldest first."""
    return tuple(Event(*row) for row in events.of_ticket(connection, ticket_id))


def newest_message(connection: Connection, ticket_id: int) -> int:
    """Key of the newest message of a ticket that did not come from this store; 0: there is none.

    Ours are left out because their keys come from this machine's clock: one that is ahead of the vendor's would hide
    what customers write next.
    """
    row = connection.execute(
        "SELECT ifnull(max(id), 0) FROM message m WHERE ticket_id = ? AND (operation_id IS NULL"
        " OR NOT EXISTS (SELECT 1 FROM operation p WHERE p.id = m.operation_id))",
        (ticket_id,),
    ).fetchone()
    return int(row[0])


def attachment(connection: Connection, attachment_id: int) -> tuple[str, str, str, str, str | None, str] | None:
    """(account, external id of the message, of the attachment, file name, local path, MIME type)."""
    row: tuple[str, str, str, str, str | None, str] | None = connection.execute(
        "SELECT a.name, m.external_id, x.external_id, x.filename, x.local_path, x.mime FROM attachment x"
        " JOIN message m ON m.id = x.message_id JOIN account a ON a.id = m.account_id WHERE x.id = ?",
        (attachment_id,),
    ).fetchone()
    return row
