"""Customers as services: record, timeline, lists."""

from __future__ import annotations

from carecli.domain.conversation import Visibility
from carecli.domain.errors import NotFoundError
from carecli.domain.query import parse
from carecli.domain.ticket import Channel
from carecli.services.context import Context
from carecli.services.inbox import inbox_row
from carecli.services.models import CustomerRecord, InboxRow, TimelineEntry
from carecli.store import customers, windows

SHOWN = 20


class Customers:
    """Reads customers over all accounts."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection = context.store.connection

    def record(self, customer_id: int) -> CustomerRecord:
        """A customer with open and past tickets (the newest twenty of each). Raises ``NotFoundError``."""
        found = customers.get(self._connection, customer_id)
        if found is None:
            raise _unknown(customer_id)
        return CustomerRecord(found, self._tickets(found.id, "-is:done"), self._tickets(found.id, "is:done"))

    def _tickets(self, customer_id: int, condition: str) -> tuple[InboxRow, ...]:
        tree = parse(f"customer:{customer_id} {condition}")
        ids = windows.page_ids(self._connection, tree, "updated", self._context.now(), after=None, limit=SHOWN)
        by_id = windows.rows_by_id(self._connection, [ticket_id for _, ticket_id in ids])
        return tuple(inbox_row(by_id[ticket_id]) for _, ticket_id in ids)

    def timeline(self, customer_id: int, limit: int = 200) -> list[TimelineEntry]:
        """What happened with a customer over all accounts and channels, newest first."""
        return [
            TimelineEntry(at, kind, ticket_id, ref, title, text, Visibility(visibility), Channel(channel), author)  # type: ignore[arg-type]
            for at, kind, ticket_id, ref, title, text, visibility, channel, author in customers.timeline(
                self._connection, customer_id, limit
            )
        ]

    def list_json(self, text: str, limit: int) -> list[str]:
        """Customers as JSON texts, last contact first."""
        return customers.list_json(self._connection, text, limit)

    def show_json(self, customer_id: int) -> str:
        """One customer as JSON text. Raises ``NotFoundError``."""
        found = customers.one_json(self._connection, customer_id)
        if found is None:
            raise _unknown(customer_id)
        return found

    def timeline_json(self, customer_id: int, limit: int) -> list[str]:
        """The timeline as JSON texts. Raises ``NotFoundError`` for an unknown customer."""
        self.show_json(customer_id)
        return customers.timeline_json(self._connection, customer_id, limit)


def _unknown(customer_id: int) -> NotFoundError:
    return NotFoundError(
        f"there is no customer {customer_id}", code="CUSTOMER_NOT_FOUND", help="See 'carecli customer list'."
    )
