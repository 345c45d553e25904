"""Reads and writes the facts of a stored ticket that follow from its messages."""

from __future__ import annotations

from dataclasses import replace

from carecli.domain.conversation import Direction, MessageKind, Visibility
from carecli.domain.ticket import TicketStatus
from carecli.store import messages, tickets
from carecli.store.driver import Connection
from carecli.sync.follow import Facts, Spoken, follow


def read_facts(connection: Connection, ticket_id: int) -> Facts:
    """The facts of a ticket as they are stored."""
    row = list(tickets.current(connection, ticket_id, tickets.FACTS))
    row[0] = TicketStatus(str(row[0]))
    row[6], row[12] = bool(row[6]), bool(row[12])
    return Facts(*row)  # type: ignore[arg-type]


def write_facts(connection: Connection, ticket_id: int, facts: Facts) -> None:
    """Stores the facts of a ticket."""
    tickets.update(
        connection,
        ticket_id,
        {
            "status": str(facts.status),
            "waiting_since": facts.waiting_since,
            "first_response_at": facts.first_response_at,
            "last_customer_at": facts.last_customer_at,
            "last_agent_at": facts.last_agent_at,
            "solved_at": facts.solved_at,
            "unread": int(facts.unread),
            "message_count": facts.message_count,
            "customer_message_count": facts.customer_message_count,
            "agent_reply_count": facts.agent_reply_count,
            "reopen_count": facts.reopen_count,
            "updated_at": facts.updated_at,
        },
    )


def refollow(connection: Connection, ticket_id: int) -> None:
    """Recomputes the facts of a ticket from all its messages (after two threads were joined)."""
    facts = read_facts(connection, ticket_id)
    empty = replace(
        facts,
        waiting_since=None,
        first_response_at=None,
        last_customer_at=None,
        last_agent_at=None,
        unread=False,
        message_count=0,
        customer_message_count=0,
        agent_reply_count=0,
    )
    rows = messages.spoken(connection, ticket_id)
    spoken = [
        Spoken(MessageKind(row[0]), Direction(row[1]), Visibility(row[2]), bool(row[3]), bool(row[4]), row[5])
        for row in rows
    ]
    write_facts(connection, ticket_id, follow(empty, spoken))
