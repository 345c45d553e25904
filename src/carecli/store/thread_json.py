"""One ticket with its messages and events as JSON text, made by SQLite itself (``ticket show`` is on the quick path)."""

from __future__ import annotations

from carecli.store.driver import Connection
from carecli.store.windows import instant, ticket_one_json

_PEOPLE = (
    "(SELECT json_group_array(json_object('email', value ->> 0, 'name', nullif(value ->> 1, '')))"
    " FROM json_each(m.recipients, '$.{0}'))"
)
MESSAGE_JSON = f"""json_object('id', CAST(m.id AS TEXT), 'kind', m.kind, 'direction', m.direction,
 'visibility', m.visibility, 'channel', m.channel,
 'author', json_object('kind', m.author_kind, 'name', m.author_name, 'email', m.author_email),
 'to', json({_PEOPLE.format("to")}), 'cc', json({_PEOPLE.format("cc")}), 'bcc', json({_PEOPLE.format("bcc")}),
 'subject', m.subject, 'sent_at', {instant("m.sent_at")}, 'body_text', m.body_text, 'message_id', m.message_id,
 'delivery', m.delivery, 'failure', m.failure,
 'automatic', json(CASE m.automatic WHEN 1 THEN 'true' ELSE 'false' END),
 'attachments', json((SELECT json_group_array(json_object('id', CAST(x.id AS TEXT), 'filename', x.filename,
   'mime', x.mime, 'bytes', x.bytes, 'sha256', x.sha256)) FROM attachment x WHERE x.message_id = m.id)))"""
EVENT_JSON = f"""json_object('at', {instant("e.at")}, 'actor', e.actor, 'origin', e.origin, 'verb', e.verb,
 'field', e.field, 'old', e.old, 'new', e.new, 'operation', e.operation_id)"""


def messages_json(connection: Connection, ticket_id: int) -> list[str]:
    """Messages of a ticket as JSON texts of the contract's shape, oldest first."""
    rows = connection.execute(f"SELECT {MESSAGE_JSON} FROM message m WHERE m.ticket_id = ? ORDER BY m.id", (ticket_id,))
    return [row[0] for row in rows]


def events_json(connection: Connection, ticket_id: int) -> list[str]:
    """Events of a ticket as JSON texts, oldest first."""
    rows = connection.execute(f"SELECT {EVENT_JSON} FROM event e WHERE e.ticket_id = ? ORDER BY e.seq", (ticket_id,))
    return [row[0] for row in rows]


def thread_json(connection: Connection, ticket_id: int, now: int) -> str:
    """The ticket object of the contract with ``messages`` and ``events`` added."""
    head = ticket_one_json(connection, ticket_id, now)
    messages = ",".join(messages_json(connection, ticket_id))
    events = ",".join(events_json(connection, ticket_id))
    return f'{head[:-1]},"messages":[{messages}],"events":[{events}]}}'
