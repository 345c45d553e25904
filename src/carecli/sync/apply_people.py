"""Turns the people of a page into customers: looks everybody up at once, and applies each record once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from carecli.connectors.spi.records import (
    MessageRecord,
    OrganisationRecord,
    PersonRecord,
    Record,
    TicketRecord,
)
from carecli.domain.redact import clean_value
from carecli.store import people
from carecli.store.driver import Connection


class PersonWriter:
    """Applies the people of one page. ``store`` holds what is to be written."""

    def __init__(self, connection: Connection, account_id: int, now: int) -> None:
        self.store = people.People(connection, account_id, now)
        self._met: dict[int, int] = {}
        self._latest: dict[int, int] = {}

    def expect(self, records: Sequence[Record]) -> None:
        """Looks up everybody in a page at once."""
        self.store.expect(_contact_points(records))

    def organisation(self, record: OrganisationRecord) -> None:
        """Makes an organisation or brings it up to date."""
        self.store.organisation(record.external_id, record.name, json.dumps(record.domains), record.tier)

    def person(self, record: PersonRecord) -> int | None:
        """Key of the customer a record is about; ``None`` when it names no contact point."""
        # A conversation repeats its people; one record is applied again only after another one of the same customer.
        met = self._met.get(id(record))
        if met is not None and self._latest[met] == id(record):
            return met
        facts: dict[str, object] = {
            "language": record.language,
            "timezone": record.timezone,
            "tier": record.tier,
            "vip": int(record.vip) or None,
            "notes": record.notes or None,
            "tags": json.dumps(clean_value(record.tags), ensure_ascii=False) if record.tags else None,
            "custom": json.dumps(clean_value(record.custom), ensure_ascii=False) if record.custom else None,
        }
        if record.organisation:
            facts["organisation_id"] = self.store.organisation(record.organisation, None)
        found = self.store.customer(
            external_id=record.external_id, name=record.name, points=_points(record), shared=record.shared, facts=facts
        )
        if found is not None:
            self._met[id(record)] = found
            self._latest[found] = id(record)
        return found


def _points(record: PersonRecord) -> list[tuple[str, str]]:
    points = [("email", value) for value in record.emails]
    points += [("phone", value) for value in record.phones]
    points += [(str(kind), value) for kind, value in record.handles]
    return points


def _contact_points(records: Sequence[Record]) -> Iterator[people.Key]:
    """The contact points of everybody in a page."""
    seen: set[int] = set()
    for record in records:
        person = record if isinstance(record, PersonRecord) else None
        if isinstance(record, TicketRecord):
            person = record.requester
        elif isinstance(record, MessageRecord) and record.author_kind == "person":
            person = record.author
        if person is not None and id(person) not in seen:
            seen.add(id(person))
            yield from people.keys_of(person.external_id, _points(person))
