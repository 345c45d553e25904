"""Reads customers: lists, records and one timeline over all accounts."""

from __future__ import annotations

import json

from carecli.domain.customer import Customer, Identity, IdentityKind
from carecli.store.driver import Connection
from carecli.store.query_sql import fts_quoted
from carecli.store.windows import instant

_VALUES = (
    "(SELECT json_group_array(value) FROM (SELECT DISTINCT i.value FROM identity i WHERE i.customer_id = c.id"
    " AND i.kind {0} ORDER BY i.id))"
)
_OPEN = "count(*) FILTER (WHERE t.status_category <> 'done')"
CUSTOMER_JSON = f"""json_object('id', CAST(c.id AS TEXT), 'name', c.name, 'emails', json({_VALUES.format("= 'email'")}),
 'phones', json({_VALUES.format("= 'phone'")}), 'handles', json((SELECT json_group_array(kind || ':' || value) FROM
 (SELECT DISTINCT i.kind, i.value FROM identity i WHERE i.customer_id = c.id
  AND i.kind NOT IN ('email', 'phone', 'vendor_user', 'crm_contact')))),
 'organisation', o.name, 'language', c.language, 'timezone', c.timezone, 'tier', c.tier, 'tags', json(c.tags),
 'tickets', (SELECT json_object('open', {_OPEN}, 'total', count(*)) FROM ticket t
  WHERE t.requester_id = c.id AND t.hidden = 0),
 'last_contact_at', {instant("c.last_contact_at")},
 'identities', json((SELECT json_group_array(json_object('account', a.name, 'kind', i.kind, 'value', i.value,
  'verified', json(CASE i.verified WHEN 1 THEN 'true' ELSE 'false' END),
  'shared', json(CASE i.shared WHEN 1 THEN 'true' ELSE 'false' END)))
  FROM identity i JOIN account a ON a.id = i.account_id WHERE i.customer_id = c.id)),
 'custom', json(c.custom))"""
_FROM = "customer c LEFT JOIN organisation o ON o.id = c.organisation_id"
_TIMELINE = """FROM message m JOIN ticket t ON t.id = m.ticket_id JOIN account a ON a.id = m.account_id
 WHERE t.requester_id = ? AND t.hidden = 0 ORDER BY m.id DESC LIMIT ?"""


def _matching(text: str) -> tuple[str, list[object]]:
    if not text.strip():
        return "1", []
    if len(text.strip()) >= 3:
        return "c.id IN (SELECT rowid FROM fts_customer WHERE fts_customer MATCH ?)", [fts_quoted(text.strip())]
    return "c.name LIKE ?", [f"{text.strip()}%"]


def list_json(connection: Connection, text: str, limit: int) -> list[str]:
    """Customers whose name or contact points contain a text, last contact first, as JSON texts."""
    where, values = _matching(text)
    rows = connection.execute(
        f"SELECT {CUSTOMER_JSON} FROM {_FROM} WHERE c.merged_into_id IS NULL AND {where}"
        " ORDER BY c.last_contact_at DESC, c.id LIMIT ?",
        (*values, limit or -1),
    )
    return [row[0] for row in rows]


def one_json(connection: Connection, customer_id: int) -> str | None:
    """One customer as JSON text; a merged-away one leads to its survivor."""
    row = connection.execute(
        f"SELECT {CUSTOMER_JSON} FROM {_FROM} WHERE c.id = (SELECT ifnull(merged_into_id, id) FROM customer WHERE id = ?)",
        (customer_id,),
    ).fetchone()
    return row and str(row[0])


def get(connection: Connection, customer_id: int) -> Customer | None:
    """One customer as a domain value."""
    row = connection.execute(
        "SELECT c.id, c.name, o.name, c.language, c.timezone, c.tier, c.vip, c.notes, c.tags, c.last_contact_at, c.custom,"
        " (SELECT count(*) FROM ticket t WHERE t.requester_id = c.id AND t.hidden = 0 AND t.status_category <> 'done'),"
        " (SELECT count(*) FROM ticket t WHERE t.requester_id = c.id AND t.hidden = 0)"
        f" FROM {_FROM} WHERE c.id = (SELECT ifnull(merged_into_id, id) FROM customer WHERE id = ?)",
        (customer_id,),
    ).fetchone()
    if row is None:
        return None
    identities = tuple(
        Identity(account, IdentityKind(kind), value, raw, bool(verified), bool(shared))
        for account, kind, value, raw, verified, shared in connection.execute(
            "SELECT a.name, i.kind, i.value, i.raw, i.verified, i.shared FROM identity i JOIN account a"
            " ON a.id = i.account_id WHERE i.customer_id = ? ORDER BY i.id",
            (row[0],),
        )
    )
    return Customer(
        id=row[0],
        name=row[1],
        organisation=row[2],
        language=row[3],
        timezone=row[4],
        tier=row[5],
        vip=bool(row[6]),
        notes=row[7],
        tags=tuple(json.loads(row[8])),
        identities=identities,
        tickets_open=row[11],
        tickets_total=row[12],
        last_contact_at=row[9],
        custom=json.loads(row[10]),
    )


def timeline(connection: Connection, customer_id: int, limit: int) -> list[tuple[object, ...]]:
    """(at, kind, ticket, ref, subject, body, visibility, channel, author) of a customer's messages, newest first."""
    return connection.execute(
        "SELECT m.sent_at, m.kind, t.id, a.name || ':' || t.number, t.subject, m.body_text, m.visibility, m.channel,"
        f" ifnull(m.author_name, ifnull(m.author_email, '')) {_TIMELINE}",
        (customer_id, limit or -1),
    ).fetchall()


def timeline_json(connection: Connection, customer_id: int, limit: int) -> list[str]:
    """The timeline as JSON texts, newest first."""
    rows = connection.execute(
        f"SELECT json_object('at', {instant('m.sent_at')}, 'kind', m.kind, 'ref', a.name || ':' || t.number,"
        " 'subject', t.subject, 'visibility', m.visibility, 'channel', m.channel, 'direction', m.direction,"
        f" 'author', ifnull(m.author_name, m.author_email), 'body_text', m.body_text) {_TIMELINE}",
        (customer_id, limit or -1),
    )
    return [row[0] for row in rows]
