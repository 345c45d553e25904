"""Reads and writes the facts of a stored ticket that follow from its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from carecli.domain.conversation import Direction, MessageKind, Visibility
from carecli.domain.ticket import TicketStatus, category_of
from carecli.store import messages, tickets
from carecli.store.driver import Connection
from carecli.sync.follow import Facts, Spoken, follow


def read_facts(connection: Connection, ticket_id: int) -> Facts:
    """The facts of a ticket as they are stored."""
    return facts_of(tickets.current(connection, ticket_id, tickets.FACTS))


def facts_of(values: Sequence[object]) -> Facts:
    """Facts from the columns of a ticket, in the order of ``tickets.FACTS``."""
    row = list(values)
    row[0] = TicketStatus(str(row[0]))
    row[6], row[12] = bool(row[6]), bool(row[12])
    return Facts(*row)  # type: ignore[arg-type]


def first_facts(row: Mapping[str, object]) -> Facts:
    """The facts of a ticket of which nothing was heard yet, from its columns."""
    return Facts(
        status=TicketStatus(str(row["status"])),
        waiting_since=None,
        first_response_at=None,
        last_customer_at=None,
        last_agent_at=None,
        solved_at=row["solved_at"],  # type: ignore[arg-type]
        unread=False,
        message_count=0,
        customer_message_count=0,
        agent_reply_count=0,
        reopen_count=0,
        updated_at=row["updated_at"],  # type: ignore[arg-type]
        local_status=bool(row["local_status"]),
    )


def columns_of(facts: Facts) -> dict[str, object]:
    """The columns of a ticket that hold its facts."""
    return {
        "status": str(facts.status),
        "status_category": str(category_of(facts.status)),
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
    }


def write_facts(connection: Connection, ticket_id: int, facts: Facts) -> None:
    """Stores the facts of a ticket."""
    tickets.set_facts(connection, [columns_of(facts) | {"id": ticket_id}])


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
    write_facts(connection, ticket_id, follow(empty, spoken_of(connection, ticket_id)))


def spoken_of(connection: Connection, ticket_id: int) -> list[Spoken]:
    """The messages of a ticket as far as its facts depend on them, in order."""
    return [
        Spoken(MessageKind(row[0]), Direction(row[1]), Visibility(row[2]), bool(row[3]), bool(row[4]), row[5])
        for row in messages.spoken(connection, ticket_id)
    ]
