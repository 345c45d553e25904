"""What a conversation says about its ticket: who waits, since when, and (for mailboxes) the status. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from carecli.domain.conversation import Direction, MessageKind, Visibility
from carecli.domain.ticket import StatusCategory, TicketStatus, category_of


@dataclass(slots=True)
class Facts:
    """What follows from the messages of a ticket. Instants are milliseconds. ``follow`` leaves what it is given as it is.

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
    after = replace(facts)
    for one in spoken:
        _hear(after, one)
    return after


def _hear(facts: Facts, one: Spoken) -> None:
    facts.message_count += 1
    if facts.local_status:
        facts.updated_at = max(facts.updated_at, one.at)
    if one.visibility is Visibility.INTERNAL:
        return
    if one.direction is Direction.OUT:
        if not one.automatic:
            _hear_reply(facts, one.at)
    elif one.direction is Direction.IN:
        facts.unread = facts.unread or one.unread
        if one.kind is MessageKind.SYSTEM:
            _hear_bounce(facts)
        elif not one.automatic:
            _hear_customer(facts, one)


def _hear_reply(facts: Facts, at: int) -> None:
    facts.agent_reply_count += 1
    facts.last_agent_at = max(facts.last_agent_at or 0, at)
    if facts.first_response_at is None and facts.last_customer_at is not None:
        facts.first_response_at = at
    if at >= (facts.last_customer_at or 0):
        facts.waiting_since = None
        if facts.local_status and category_of(facts.status) is StatusCategory.OPEN:
            facts.status = TicketStatus.PENDING


def _hear_customer(facts: Facts, one: Spoken) -> None:
    # Mailboxes tell whole seconds: an answer within the second of our reply is the newer one.
    newest = one.at // 1000 >= (facts.last_agent_at or 0) // 1000
    first = facts.customer_message_count == 0 and facts.agent_reply_count == 0
    done = category_of(facts.status) is StatusCategory.DONE
    facts.customer_message_count += 1
    facts.last_customer_at = max(facts.last_customer_at or 0, one.at)
    if not newest:
        return
    if facts.local_status:
        if first:
            facts.status = TicketStatus.NEW if one.unread else TicketStatus.OPEN
        elif done:
            facts.reopen_count += 1
            facts.solved_at = facts.waiting_since = None
            facts.status = TicketStatus.OPEN
        elif facts.status is not TicketStatus.NEW:
            facts.status = TicketStatus.OPEN
    elif done:
        return  # the vendor decides what reopens its tickets
    if facts.waiting_since is None:
        facts.waiting_since = one.at


def _hear_bounce(facts: Facts) -> None:
    # The customer never got our answer, so the ticket is nobody's but ours again.
    if facts.local_status and category_of(facts.status) is not StatusCategory.OPEN:
        facts.status = TicketStatus.OPEN
        facts.solved_at = None
