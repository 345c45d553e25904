"""Writes the messages of a page: rows, attachments, thread keys, and what they say about their tickets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from zlib import crc32

from carecli.connectors.spi.records import MessageRecord, PersonRecord
from carecli.domain.conversation import Address
from carecli.domain.ids import SEQUENCE_BITS, normal_email
from carecli.domain.redact import clean_line, clean_text
from carecli.store import messages
from carecli.store.drafts import pack_recipients
from carecli.store.driver import Connection
from carecli.sync.follow import Spoken

_MARKED = re.compile(r"<[0-9A-HJKMNP-TV-Z]{26}@")


class MessageWriter:
    """Stores messages whose tickets are known; gathers ``touched`` tickets, ``spoken`` by ticket, ``contacts`` by
    customer and how many rows ``changed``.
    """

    def __init__(
        self,
        connection: Connection,
        account_id: int,
        tickets: dict[str, int],
        person: Callable[[PersonRecord], int | None],
        set_aside: Callable[[str, str, str, bytes], None],
    ) -> None:
        self._connection = connection
        self._account_id = account_id
        self._tickets = tickets
        self._person = person
        self._set_aside = set_aside
        self.touched: set[int] = set()
        self.spoken: dict[int, list[Spoken]] = {}
        self.contacts: dict[int, int] = {}
        self.changed = 0
        self._stored: dict[str, int] = {}
        self._new: list[tuple[MessageRecord, int, tuple[object, ...]]] = []
        self._names: list[tuple[object, ...]] = []

    def read(self, records: Sequence[MessageRecord]) -> None:
        """Gathers what messages say; brings stored ones up to date. ``store`` writes the new ones."""
        self._stored = messages.existing(self._connection, self._account_id, [r.external_id for r in records])
        fresh: set[str] = set()
        for record in records:
            ticket_id = self._tickets.get(record.ticket)
            if ticket_id is None:
                self._set_aside("message", record.external_id, f"its ticket {record.ticket} is not known", b"")
                continue
            self._names += [(self._account_id, key, ticket_id, int(owned)) for key, owned in record.thread_keys]
            if record.external_id in fresh:
                continue
            if record.external_id in self._stored:
                self._changed_message(self._stored[record.external_id], record, ticket_id)
                continue
            if record.mark:
                adopted = messages.adopt(self._connection, record.mark, record.external_id, record.message_id)
                if adopted is not None:
                    self._stored[record.external_id] = adopted
                    self.changed += 1
                    self.touched.add(ticket_id)
                    continue
            self._new.append((record, *self._message_row(record, ticket_id)))
            fresh.add(record.external_id)
            self.spoken.setdefault(ticket_id, []).append(_spoken(record))
            if record.bounce_of:
                messages.mark_bounced(
                    self._connection, self._account_id, record.bounce_of, clean_line(record.failure or "not delivered")
                )

    def store(self) -> dict[str, int]:
        """Writes the new messages, once their tickets and authors stand; returns the keys of all by external id."""
        rows, attached = [], []
        wanted = [(at, _sequence(record.external_id)) for record, at, _ in self._new]
        for (record, _, row), key in zip(self._new, messages.free_keys(self._connection, wanted), strict=True):
            self._stored[record.external_id] = key
            rows.append((key, *row))
            attached += [
                (key, a.external_id, clean_line(a.filename)[:255], clean_line(a.mime), a.bytes, a.sha256, a.content_id)
                for a in record.attachments
            ]
        if rows:
            self.changed += messages.insert(self._connection, rows)
        messages.insert_attachments(self._connection, attached)
        messages.insert_thread_keys(self._connection, self._names)
        return self._stored

    def _changed_message(self, key: int, record: MessageRecord, ticket_id: int) -> None:
        changed = messages.update(
            self._connection,
            key,
            clean_text(record.body_text),
            str(record.delivery),
            record.failure and clean_line(record.failure),
        )
        if changed:
            self.changed += 1
            self.touched.add(ticket_id)

    def _after_what_it_answers(self, record: MessageRecord) -> int:
        """When a message reached us. Mailboxes tell whole seconds, our own sends milliseconds: an answer or a delivery
        report that came within the second must still stand behind what it is about.
        """
        at = record.received_at if record.received_at is not None else record.sent_at
        about = record.bounce_of or record.in_reply_to
        if record.mark or about is None or not _MARKED.match(about):
            return at
        answered = messages.key_of(self._connection, self._account_id, about)
        arrived = answered >> SEQUENCE_BITS if answered is not None else 0
        return arrived + 1 if 0 <= arrived - at < 1000 else at

    def _message_row(self, record: MessageRecord, ticket_id: int) -> tuple[int, tuple[object, ...]]:
        at = self._after_what_it_answers(record)
        author = self._person(record.author) if record.author_kind == "person" else None
        if author is not None:
            self.contacts[author] = max(self.contacts.get(author, 0), at)
        email = normal_email(clean_line(record.author.emails[0])) if record.author.emails else None
        body = clean_text(record.body_text)
        kept = body == record.body_text
        return at, (
            ticket_id,
            self._account_id,
            record.external_id,
            str(record.kind),
            str(record.direction),
            str(record.visibility),
            str(record.channel),
            str(record.author_kind),
            clean_line(record.author.name) if record.author.name else None,
            email,
            author,
            pack_recipients(_clean(record.to), _clean(record.cc), _clean(record.bcc)),
            clean_line(record.subject) if record.subject is not None else None,
            record.sent_at,
            body,
            record.quoted_from if kept else None,
            record.signature_from if kept else None,
            record.message_id,
            record.in_reply_to,
            " ".join(record.references) or None,
            str(record.delivery),
            record.failure and clean_line(record.failure),
            int(record.automatic),
            int(record.unread),
            record.language and clean_line(record.language),
            record.mark,
        )


def _clean(addresses: Sequence[Address]) -> tuple[Address, ...]:
    return tuple(Address(clean_line(one.email), clean_line(one.name)) for one in addresses)


def _sequence(external_id: str) -> int:
    """Twelve bits of an external id that tell messages of one millisecond apart, the same in every run."""
    return crc32(external_id.encode("utf-8", "replace")) & 0xFFF


def _spoken(record: MessageRecord) -> Spoken:
    at = record.received_at if record.received_at is not None else record.sent_at
    return Spoken(record.kind, record.direction, record.visibility, record.automatic, record.unread, at)
