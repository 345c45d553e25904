"""What a conversation says about its ticket: who waits, since when, and (for mailboxes) the status. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from carecli.domain.conversation import Direction, MessageKind, Visibility
from carecli.domain.ticket import StatusCategory, TicketStatus, category_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What follows from the messages of a ticket. Instants are milliseconds.

    ``local_status``: the vendor has no status of its own (mailboxes), so it follows the conversation.
    """

    status: TicketStatus
    waiting_since: int | None
    first_response_at: int | None
    last_customer_at: int | None
    last_agent_at: int | None
    solved_at: int | None
    unread: bool
    message_count: int
    customer_message_count: int
    agent_reply_count: int
    reopen_count: int
    updated_at: int
    local_status: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message, as far as the facts depend on it; ``at`` is when it reached us."""

    kind: MessageKind
    direction: Direction
    visibility: Visibility
    automatic: bool
    unread: bool
    at: int


def follow(facts: Facts, spoken: Iterable[Spoken]) -> Facts:
    """The facts after more messages, in the order in which they arrived."""
    for one in spoken:
        facts = _after(facts, one)
    return facts


def _after(facts: Facts, one: Spoken) -> Facts:
    facts = replace(facts, message_count=facts.message_count + 1)
    if facts.local_status:
        facts = replace(facts, updated_at=max(facts.updated_at, one.at))
    if one.visibility is Visibility.INTERNAL:
        return facts
    if one.direction is Direction.OUT:
        return facts if one.automatic else _after_reply(facts, one.at)
    if one.direction is Direction.IN:
        facts = replace(facts, unread=facts.unread or one.unread)
        if one.kind is MessageKind.SYSTEM:
            return _after_bounce(facts)
        if not one.automatic:
            return _after_customer(facts, one)
    return facts


def _after_reply(facts: Facts, at: int) -> Facts:
    answered = at >= (facts.last_customer_at or 0)
    status = facts.status
    if facts.local_status and answered and category_of(status) is StatusCategory.OPEN:
        status = TicketStatus.PENDING
    return replace(
        facts,
        agent_reply_count=facts.agent_reply_count + 1,
        last_agent_at=max(facts.last_agent_at or 0, at),
        first_response_at=facts.first_response_at or (at if facts.last_customer_at else None),
        waiting_since=None if answered else facts.waiting_since,
        status=status,
    )


def _after_customer(facts: Facts, one: Spoken) -> Facts:
    newest = one.at >= (facts.last_agent_at or 0)
    first = facts.customer_message_count == 0 and facts.agent_reply_count == 0
    facts = replace(
        facts,
        customer_message_count=facts.customer_message_count + 1,
        last_customer_at=max(facts.last_customer_at or 0, one.at),
    )
    if not facts.local_status:
        waits = newest and category_of(facts.status) is not StatusCategory.DONE
        return replace(facts, waiting_since=(facts.waiting_since or one.at) if waits else facts.waiting_since)
    if not newest:
        return facts
    if first:
        status = TicketStatus.NEW if one.unread else TicketStatus.OPEN
        return replace(facts, status=status, waiting_since=one.at)
    if category_of(facts.status) is StatusCategory.DONE:
        facts = replace(facts, reopen_count=facts.reopen_count + 1, solved_at=None, waiting_since=None)
    status = facts.status if facts.status is TicketStatus.NEW else TicketStatus.OPEN
    return replace(facts, status=status, waiting_since=facts.waiting_since or one.at)


def _after_bounce(facts: Facts) -> Facts:
    # The customer never got our answer, so the ticket is nobody's but ours again.
    if facts.local_status and category_of(facts.status) is not StatusCategory.OPEN:
        return replace(facts, status=TicketStatus.OPEN, solved_at=None)
    return facts
