"""The customer record: who is writing, how to reach them, and what else they have open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import events
from textual.message import Message

from carecli.domain.customer import Customer, Identity
from carecli.services.models import CustomerRecord, InboxRow
from carecli.tui.cells import block, line, wrap
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_view import Line, LineView, Page
from carecli.tui.widgets.strips import sides
from carecli.tui.wording import STATUS, ago, some

_KIND_GLYPH = {"email": "✉", "phone": "☎", "whatsapp": "W", "messenger": "M", "instagram": "◉", "telegram": "➤"}


class CustomerPane(LineView):
    """The record of the customer in hand."""

    context = "customer"

    class Picked(Message):
        """One of the customer's tickets was chosen."""

        def __init__(self, ticket_id: int) -> None:
            super().__init__()
            self.ticket_id = ticket_id

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__(id="customer")
        self._now = now
        self._record: CustomerRecord | None = None
        self._ticket_id: int | None = None
        self.border_title = "Customer"

    def show(self, record: CustomerRecord | None, ticket_id: int | None) -> None:
        """Show another customer, or nobody."""
        if record is self._record and ticket_id == self._ticket_id:
            return
        self._record, self._ticket_id = record, ticket_id
        self.renew()
        self.move_to(0)

    def compose_page(self, width: int, ink: Ink) -> Page:
        """Lay the record out."""
        if self._record is None:
            return Page([Line([(" No customer is known for this ticket.", ink.dim)])])
        return lay_record(self._record, self._ticket_id, width, ink, self._now())

    def on_click(self, event: events.Click) -> None:
        """A click on a ticket opens it."""
        number = event.y + round(self.scroll_y)
        if 0 <= number < len(self.page.lines) and isinstance(target := self.page.lines[number].target, int):
            self.post_message(self.Picked(target))


def lay_record(record: CustomerRecord, ticket_id: int | None, width: int, ink: Ink, now: int) -> Page:
    """All lines of a customer record."""
    customer = record.customer
    out: list[Line] = []
    name = line(customer.name or "Unknown person")
    out.append(
        Line(sides([(" " + name, ink.strong)], [("★ VIP " if customer.vip else "", ink.accent)], width, ink.base))
    )
    facts = [line(part) for part in (customer.organisation, customer.tier) if part]
    if facts:
        out.append(Line([(" " + " · ".join(facts), ink.base)]))
    place = [part for part in (local_time(customer.timezone, now), line(customer.language or "")) if part]
    if place:
        out.append(Line([(" " + " · ".join(place), ink.dim)]))
    if customer.last_contact_at:
        out.append(Line([(f" last contact {ago(customer.last_contact_at, now)}", ink.dim)]))
    if customer.tags:
        out.append(Line([(" " + " ".join(f"#{line(tag)}" for tag in customer.tags), ink.second)]))
    out.append(Line())
    out.extend(_contacts(customer.identities, ink))
    if customer.notes:
        out.append(Line())
        out.extend(Line([(" " + text, ink.accent)], ink.note) for text in wrap(block(customer.notes), width - 2))
    out.extend(_custom(customer, width, ink))
    for title, rows in (("open", record.open_tickets), ("past", record.past_tickets)):
        total = customer.tickets_open if title == "open" else customer.tickets_total - customer.tickets_open
        out += [Line(), Line([(f" {some(max(total, len(rows)), f'{title} ticket')}", ink.strong)])]
        out.extend(_ticket(row, ticket_id, width, ink, now) for row in rows[:12])
    out += [Line(), Line([(" T", ink.key), (" timeline over all accounts", ink.faint)])]
    return Page(out)


def _contacts(identities: Sequence[Identity], ink: Ink) -> list[Line]:
    out: list[Line] = []
    seen: set[tuple[str, str]] = set()
    for one in identities:
        if one.kind in ("vendor_user", "crm_contact", "external") or (one.kind, one.value) in seen:
            continue
        seen.add((one.kind, one.value))
        shared = "  shared mailbox" if one.shared else ""
        out.append(
            Line([(f" {_KIND_GLYPH.get(one.kind, '·')} ", ink.second), (line(one.raw), ink.base), (shared, ink.faint)])
        )
    return out


def _custom(customer: Customer, width: int, ink: Ink) -> list[Line]:
    if not customer.custom:
        return []
    out = [Line()]
    for key, value in list(customer.custom.items())[:12]:
        out.append(
            Line(sides([(f" {line(str(key))}", ink.dim)], [(line(str(value)) + " ", ink.base)], width, ink.base))
        )
    return out


def _ticket(row: InboxRow, ticket_id: int | None, width: int, ink: Ink, now: int) -> Line:
    here = row.id == ticket_id
    status = row.status_label or STATUS.get(row.status, row.status)
    pieces = sides(
        [(" ▸ " if here else "   ", ink.primary), (line(row.subject) or "(no subject)", ink.base if here else ink.dim)],
        [(f" {line(status).lower()} {ago(row.updated_at, now).replace(' ago', '')} ", ink.faint)],
        width,
        ink.base,
    )
    return Line(pieces, target=row.id)


def local_time(zone: str | None, now: int) -> str:
    """The customer's wall clock, or nothing when the zone is unknown here."""
    if not zone:
        return ""
    from zoneinfo import ZoneInfo

    try:
        there = datetime.fromtimestamp(now / 1000, ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        return line(zone)
    return f"{there:%a %H:%M} in {line(zone).rpartition('/')[2].replace('_', ' ')}"
