"""Drafts: kept while people write, found again after anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

from carecli.domain.conversation import Delivery, Direction, Draft, DraftMode, Message
from carecli.domain.errors import CareError, NotFoundError
from carecli.services.context import Context
from carecli.store import conversations, drafts, messages
from carecli.store.driver import Connection


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft as it is stored now, and how that went.

    ``how`` is saved; empty (there is no text, so nothing is open; what stood there before is among the discarded);
    beside (another text has the place); parted (another window wrote this draft too, so this text became one of its
    own); or again (another window had sent or removed it, and this text is kept all the same).
    """

    draft: Draft
    how: str


class Drafts:
    """Saves, finds and discards drafts of the acting agent."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def save(self, draft: Draft, before: Draft | None = None) -> Kept:
        """Stores a draft durably, in its own short transaction; an empty id gets a fresh one.

        ``before`` is the draft as the caller last read or saved it (``None``: it is new). What somebody else stored
        since is never overwritten: both texts stay.
        """
        with self._store.write() as connection:
            stored = drafts.get(connection, draft.id) if draft.id else None
            ours = stored is not None and before is not None and _same_version(stored, before)
            if is_blank(draft):
                return self._empty(connection, draft, stored if ours else None)
            made = self._complete(connection, draft)
            how = "saved" if stored is not None or before is None else "again"
            if stored is not None and ours:
                made = replace(made, updated_at=max(made.updated_at, stored.updated_at + 1))
            elif stored is not None:
                if _same_text(stored, made):
                    return Kept(self._homed(stored), how)
                made, how = replace(made, id=self._context.new_id(), created_at=made.updated_at), "parted"
            place = drafts.holder(connection, made)
            taken = place is not None and place != made.id
            if taken and how == "saved" and stored is None:
                how = "beside"
            drafts.save(connection, replace(made, ticket_id=None) if taken else made)
        return Kept(made, how)

    def _empty(self, connection: Connection, draft: Draft, stored: Draft | None) -> Kept:
        if stored is None or stored.discarded_at is not None:
            return Kept(replace(draft, discarded_at=stored.discarded_at) if stored else draft, "empty")
        now = self._context.now()
        drafts.discard(connection, stored.id, now)
        return Kept(replace(draft, updated_at=stored.updated_at, discarded_at=now), "empty")

    def _complete(self, connection: Connection, draft: Draft) -> Draft:
        """The draft with everything a row needs, on the ticket that its own was merged into."""
        now = self._context.now()
        made = replace(
            draft,
            id=draft.id or self._context.new_id(),
            agent=draft.agent or self._context.actor,
            created_at=draft.created_at or now,
            updated_at=now,
            discarded_at=None,
            ticket_id=drafts.survivor(connection, draft.ticket_id),
        )
        if made.ticket_id is not None and (made.ticket_ref is None or made.ticket_id != draft.ticket_id):
            ticket = conversations.ticket(connection, made.ticket_id)
            made = replace(made, ticket_ref=ticket.ref if ticket else None, account=ticket.account if ticket else None)
        return made

    def _homed(self, draft: Draft) -> Draft:
        """The draft with its ticket, also when another draft has its place there."""
        if draft.ticket_id is None and draft.ticket_ref is not None:
            try:
                return replace(draft, ticket_id=self._context.find(draft.ticket_ref))
            except CareError:  # the ticket is gone, the text is not
                return draft
        return draft

    def find(self, ticket_id: int | None, mode: DraftMode) -> Draft | None:
        """The open draft of a ticket in a mode."""
        found = drafts.find(self._store.connection, ticket_id, self._context.actor, mode)
        return found and self._homed(found)

    def get(self, draft_id: str) -> Draft:
        """One draft, discarded ones included. Raises ``NotFoundError``."""
        found = drafts.get(self._store.connection, draft_id)
        if found is None:
            raise NotFoundError(
                f"there is no draft {draft_id}", code="DRAFT_NOT_FOUND", help="See 'carecli draft list'."
            )
        return self._homed(found)

    def list(self, *, discarded: bool = False) -> list[Draft]:
        """Open drafts, newest first; or those discarded in the last seven days."""
        return [self._homed(draft) for draft in drafts.every(self._store.connection, discarded=discarded)]

    def discard(self, draft_id: str) -> None:
        """Discards a draft; it is kept for seven days."""
        found = self.get(draft_id)
        with self._store.write() as connection:
            drafts.discard(connection, found.id, self._context.now())

    def restore(self, draft_id: str) -> Draft:
        """Brings a discarded draft back; one that is open stays as it is. Raises ``NotFoundError``."""
        found = self.get(draft_id)
        if found.discarded_at is not None:
            with self._store.write() as connection:
                drafts.restore(connection, found, self._context.now())
        return self.get(found.id)

    def unseen(self, draft: Draft) -> tuple[Message, ...]:
        """Public messages that were written on the draft's ticket after what its author had seen, oldest first."""
        if draft.mode is not DraftMode.REPLY or draft.ticket_id is None or draft.base_message_id is None:
            return ()
        connection = self._store.connection
        ticket_id = drafts.survivor(connection, draft.ticket_id) or draft.ticket_id
        unseen = messages.newer_public(connection, ticket_id, draft.base_message_id)
        if not unseen:
            return ()
        return tuple(message for message in conversations.messages(connection, ticket_id) if message.id in unseen)

    def answered_since(self, draft: Draft) -> int | None:
        """When this ticket was answered after the draft was begun, in another window or by a colleague."""
        if draft.mode is not DraftMode.REPLY or draft.ticket_id is None:
            return None
        return max(
            (
                message.sent_at
                for message in conversations.messages(self._store.connection, draft.ticket_id)
                if message.sent_at > draft.created_at
                and message.direction is Direction.OUT
                and message.delivery is not Delivery.CANCELLED
            ),
            default=None,
        )


def is_blank(draft: Draft) -> bool:
    """Whether nothing was written yet: what the plan of a reply fills in by itself does not count."""
    if draft.body.strip() or draft.attachments or draft.actions:
        return False
    if draft.mode in (DraftMode.REPLY, DraftMode.NOTE):
        return True
    named = draft.to or draft.cc or draft.bcc
    return not named and not (draft.mode is DraftMode.NEW and draft.subject)


def _same_version(stored: Draft, before: Draft) -> bool:
    return (stored.updated_at, stored.discarded_at) == (before.updated_at, before.discarded_at)


def _same_text(one: Draft, other: Draft) -> bool:
    def written(draft: Draft) -> tuple[object, ...]:
        return draft.to, draft.cc, draft.bcc, draft.subject, draft.body, draft.attachments, draft.actions

    return one.discarded_at is None and written(one) == written(other)
