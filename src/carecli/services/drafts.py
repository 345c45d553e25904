"""Drafts: kept while people write, found again after anything."""

from __future__ import annotations

from dataclasses import replace

from carecli.domain.conversation import Draft, DraftMode
from carecli.domain.errors import NotFoundError
from carecli.services.context import Context
from carecli.store import conversations, drafts


class Drafts:
    """Saves, finds and discards drafts of the acting agent."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def save(self, draft: Draft) -> Draft:
        """Stores a draft durably (its own short transaction); an empty id gets a fresh one."""
        now = self._context.now()
        made = replace(
            draft,
            id=draft.id or self._context.new_id(),
            agent=draft.agent or self._context.actor,
            created_at=draft.created_at or now,
            updated_at=now,
        )
        if made.ticket_id is not None and made.ticket_ref is None:
            ticket = conversations.ticket(self._store.connection, made.ticket_id)
            made = replace(made, ticket_ref=ticket.ref if ticket else None, account=ticket.account if ticket else None)
        with self._store.write() as connection:
            open_one = drafts.find(connection, made.ticket_id, made.agent, made.mode) if made.ticket_id else None
            if open_one is not None and open_one.id != made.id:
                # Another window writes the same reply: both texts are kept, the older one among the discarded.
                drafts.discard(connection, open_one.id, now)
            drafts.save(connection, made)
        return made

    def find(self, ticket_id: int | None, mode: DraftMode) -> Draft | None:
        """The open draft of a ticket in a mode."""
        return drafts.find(self._store.connection, ticket_id, self._context.actor, mode)

    def get(self, draft_id: str) -> Draft:
        """One draft, discarded ones included. Raises ``NotFoundError``."""
        found = drafts.get(self._store.connection, draft_id)
        if found is None:
            raise NotFoundError(
                f"there is no draft {draft_id}", code="DRAFT_NOT_FOUND", help="See 'carecli draft list'."
            )
        return found

    def list(self, *, discarded: bool = False) -> list[Draft]:
        """Open drafts, newest first; or those discarded in the last seven days."""
        return drafts.every(self._store.connection, discarded=discarded)

    def discard(self, draft_id: str) -> None:
        """Discards a draft; it is kept for seven days."""
        self.get(draft_id)
        with self._store.write() as connection:
            drafts.discard(connection, draft_id, self._context.now())
