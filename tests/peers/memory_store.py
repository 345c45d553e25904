"""A store in memory for connector tests: keeps what pages bring and answers the lookups connectors may make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carecli.connectors.spi.records import (
    FlagsChanged,
    MessageRecord,
    Page,
    PlaceRecord,
    PlacesGone,
    RawRecord,
    TicketRecord,
    TicketsJoined,
)
from carecli.domain.ids import normal_email


class MemoryStore:
    """Implements ``Lookup``; ``commit`` takes a page as the engine would."""

    def __init__(self) -> None:
        self.tickets: dict[str, TicketRecord] = {}
        self.messages: dict[str, MessageRecord] = {}
        self.sources: dict[str, bytes] = {}
        self.keys: dict[str, tuple[str, bool]] = {}
        self.people: dict[str, set[str]] = {}
        self.where: dict[tuple[str, int], dict[int, tuple[str, tuple[str, ...]]]] = {}
        self.joined: dict[str, str] = {}
        self.cursor: str | None = None

    def ticket_of(self, ticket: str) -> str:
        while ticket in self.joined:
            ticket = self.joined[ticket]
        return ticket

    def commit(self, page: Page) -> None:
        for record in page.records:
            match record:
                case RawRecord():
                    self.sources[record.external_id] = record.body
                case TicketRecord():
                    assert record.external_id not in self.tickets
                    self.tickets[record.external_id] = record
                case MessageRecord():
                    self._message(record)
                case PlaceRecord():
                    assert record.message in self.messages
                    at = self.where.setdefault((record.folder, record.uidvalidity), {})
                    at[record.uid] = (record.message, record.flags)
                case PlacesGone():
                    at = self.where.get((record.folder, record.uidvalidity), {})
                    for uid in record.uids or tuple(at):
                        at.pop(uid, None)
                case FlagsChanged():
                    at = self.where[record.folder, record.uidvalidity]
                    at[record.uid] = (at[record.uid][0], record.flags)
                case TicketsJoined():
                    self.joined[record.absorbed] = record.survivor
                    self.people.setdefault(record.survivor, set()).update(self.people.get(record.absorbed, ()))
                case _:
                    raise AssertionError(record)
        self.cursor = page.cursor

    def _message(self, record: MessageRecord) -> None:
        assert record.external_id not in self.messages, "a message came twice"
        assert self.ticket_of(record.ticket) in self.tickets
        self.messages[record.external_id] = record
        for key, owned in record.thread_keys:
            if owned or key not in self.keys:
                self.keys[key] = (record.ticket, owned)
        emails = [*record.author.emails, *(each.email for each in (*record.to, *record.cc))]
        self.people.setdefault(record.ticket, set()).update(map(normal_email, emails))

    def places_in(self, folder: str) -> dict[int, tuple[str, ...]]:
        """UIDs and flags of a folder over all validities."""
        return {uid: flags for (name, _), at in self.where.items() if name == folder for uid, (_, flags) in at.items()}

    def threads_of(self, keys: Sequence[str]) -> Mapping[str, tuple[str, bool]]:
        return {key: (self.ticket_of(self.keys[key][0]), self.keys[key][1]) for key in keys if key in self.keys}

    def participants(self, ticket: str) -> frozenset[str]:
        return frozenset(self.people.get(ticket, ()))

    def subject_of(self, ticket: str) -> str | None:
        found = self.tickets.get(ticket)
        return found.subject if found else None

    def places(self, folder: str, uidvalidity: int) -> Mapping[int, tuple[str, ...]]:
        return {uid: flags for uid, (_, flags) in self.where.get((folder, uidvalidity), {}).items()}

    def known_messages(self, external_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(each for each in external_ids if each in self.messages)

    def raw(self, kind: str, external_id: str) -> bytes | None:
        return self.sources.get(external_id) if kind == "message" else None
