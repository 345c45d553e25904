"""Plans a text before it is written: who it would reach, within which limits, and what to look at before sending."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carecli.domain.conversation import Address, Direction, DraftMode, Visibility
from carecli.domain.errors import NotFoundError
from carecli.domain.operation import Verb
from carecli.domain.ticket import Channel, Ticket
from carecli.services.context import Context
from carecli.services.models import ReplyPlan
from carecli.store import conversations, drafts, messages

VERB = {
    DraftMode.REPLY: Verb.REPLY,
    DraftMode.NOTE: Verb.NOTE,
    DraftMode.FORWARD: Verb.FORWARD,
    DraftMode.NEW: Verb.CREATE,
}
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
_ATTACHED = re.compile(
    r"\b(attach(ed|ment|ments|ing)?|enclosed|anbei|angehängt|im anhang|ci-joint|pièce jointe|adjunt[oa]s?|allegat[oi]|bijlage)\b",
    re.IGNORECASE,
)


class ReplyPlans:
    """Plans replies, notes, forwards and new tickets; writes nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def plan(
        self,
        ticket_id: int | None,
        mode: DraftMode,
        *,
        everybody: bool = False,
        account: str | None = None,
    ) -> ReplyPlan:
        """Who a text would reach, within which limits, and whether it can be sent at all."""
        connection = self._store.connection
        ticket = conversations.ticket(connection, ticket_id) if ticket_id is not None else None
        name = ticket.account if ticket else account or ""
        refusal, limit, channel = None, None, ticket.channel if ticket else Channel.EMAIL
        try:
            can_do = self._context.capabilities(name)
            allowed = {
                DraftMode.REPLY: can_do.reply,
                DraftMode.NOTE: can_do.note != "none",
                DraftMode.FORWARD: can_do.forward,
                DraftMode.NEW: can_do.create,
            }[mode]
            refusal = None if allowed else f"this connector cannot {VERB[mode]}"
            limit = can_do.max_chars.get(str(channel))
        except NotFoundError as error:
            refusal = error.message
        to, cc = self._recipients(ticket, everybody=everybody) if ticket and mode is DraftMode.REPLY else ((), ())
        if mode is DraftMode.REPLY and channel is Channel.EMAIL and not to and refusal is None:
            refusal = "nobody to reply to: no address is known for this ticket"
        subject = ticket.subject if ticket else None
        if subject and mode is DraftMode.FORWARD:
            subject = f"Fwd: {subject}"
        account_settings = self._context.settings.accounts.get(name)
        undo = account_settings.undo_seconds if account_settings else self._context.settings.undo_seconds
        return ReplyPlan(
            ticket_id=ticket_id,
            account=name,
            mode=mode,
            visibility=Visibility.INTERNAL if mode is DraftMode.NOTE else Visibility.PUBLIC,
            channel=channel,
            to=to,
            cc=cc,
            subject=subject,
            limit=limit,
            newest_message_id=conversations.newest_message(connection, ticket_id) if ticket_id is not None else None,
            undo_seconds=undo,
            refusal=refusal,
        )

    def _recipients(self, ticket: Ticket, *, everybody: bool) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
        connection = self._store.connection
        own = self._context.own_addresses(ticket.account)
        answered = messages.to_answer(connection, ticket.id)
        main: Address | None = None
        # The requester, not whoever wrote last: an answer must not slip to somebody in copy.
        if ticket.requester.email:
            main = Address(ticket.requester.email, ticket.requester.name or "")
        to: list[Address] = [main] if main else []
        cc: list[Address] = []
        if answered is not None:
            direction, stored, email, author = messages.recipients_of(connection, answered)
            was_to, was_cc, _ = drafts.unpack_recipients(stored)
            if not to:
                outgoing = direction == Direction.OUT
                to = list(was_to) if outgoing else [Address(email, author or "")] if email else []
            if everybody:
                if email and direction == Direction.IN:
                    to.append(Address(email, author or ""))
                to += was_to
                cc += was_cc
        to = _without(to, own, ())
        return tuple(to), tuple(_without(cc, own, to))

    def warnings(self, plan: ReplyPlan, body: str, attachments: Sequence[str]) -> list[tuple[str, str]]:
        """What to look at before sending: ("block", text) forbids it, ("warn", text) asks."""
        found: list[tuple[str, str]] = []
        if not body.strip() and not attachments:
            found.append(("block", "The text is empty."))
        placeholder = _PLACEHOLDER.search(body)
        if placeholder:
            found.append(("block", f"The placeholder {placeholder[0]} is not filled in."))
        if plan.limit is not None and len(body) > plan.limit:
            found.append(("block", f"{len(body)} characters; {plan.channel} takes {plan.limit}."))
        if plan.refusal:
            found.append(("block", plan.refusal))
        if _ATTACHED.search(body) and not attachments:
            found.append(("warn", "The text speaks of an attachment, but there is none."))
        return found


def _without(addresses: Sequence[Address], own: frozenset[str], others: Sequence[Address]) -> list[Address]:
    """Addresses without our own ones, those in ``others`` and repeats."""
    seen = set(own) | {address.email.lower() for address in others}
    kept = []
    for address in addresses:
        if address.email.lower() not in seen:
            seen.add(address.email.lower())
            kept.append(address)
    return kept
