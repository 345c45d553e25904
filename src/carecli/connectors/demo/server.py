"""The demo's imaginary server: the desk as it was made, and everything that was written to it since."""

from __future__ import annotations

import time
from random import Random
from typing import NamedTuple, cast

import msgspec

from carecli.connectors.demo import paper, people
from carecli.connectors.demo.desk import Case, Desk
from carecli.connectors.demo.journal import SENT, Entry, Journal
from carecli.connectors.demo.mapping import Mapper, person_of, said_priority, said_status, status_values
from carecli.connectors.demo.scripts import of_kind
from carecli.connectors.spi.errors import Gone
from carecli.connectors.spi.records import AttachmentRecord, MessageRecord, PersonRecord, Record, TicketRecord
from carecli.domain.conversation import AuthorKind, Delivery, Direction, MessageKind, Visibility
from carecli.domain.ticket import Channel, Priority, TicketStatus


class Setup(NamedTuple):
    """The options that make a desk. ``now`` is seconds, 0 is the real clock."""

    seed: int
    tickets: int
    part: str
    now: int
    base_url: str
    state_file: str | None


class Server:
    """Answers for one desk; what it holds beyond the seed is in its journal."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.mapper = Mapper(setup.part, setup.base_url)
        self.journal = Journal(setup.state_file, self._real_now())
        self._desk: Desk | None = None
        self._author = PersonRecord(external_id="a1", name=people.ME, emails=(people.agent_email(people.ME),))

    def _real_now(self) -> int:
        return (self.setup.now or int(time.time())) * 1000

    def clock(self) -> int:
        """Instant of the next entry, in milliseconds; with a fixed ``now`` each entry is one second later."""
        if self.setup.now:
            return (self.setup.now + 1 + len(self.journal.entries)) * 1000
        return int(time.time() * 1000)

    def desk(self, now: int) -> Desk:
        """The desk whose week ends at an instant."""
        if self._desk is None or self._desk.calendar.now != now:
            self._desk = Desk(self.setup.seed, self.setup.tickets, self.setup.part, now)
        return self._desk

    def version(self, ticket: str) -> int:
        """How often a ticket has changed, from 1."""
        return 1 + sum(1 for entry in self.journal.entries if entry.ticket == ticket and entry.kind != "failed")

    def changed_by_others(self, ticket: str, since: int) -> bool:
        """Whether somebody else changed a ticket after a version."""
        changes = [entry for entry in self.journal.entries if entry.ticket == ticket and entry.kind != "failed"]
        return any(not entry.op for entry in changes[max(since - 1, 0) :])

    def channel(self, ticket: str) -> str:
        """Channel of a ticket. Raises ``Gone`` when there is none of that id."""
        opened = self._opened(ticket)
        if opened is not None and opened.kind == "create":
            return "email"
        index = opened.index if opened is not None else self.mapper.index_of(ticket)
        if index is None or (opened is None and not 0 <= index < self.setup.tickets):
            raise Gone(f"the demo desk has no ticket {ticket}", help="Synchronise the account, then look again.")
        return self.desk(self.journal.now).case(index).channel

    def next_ticket(self, at: int) -> int:
        """Index for a ticket that is opened now. Without a file it comes from the clock, so that runs never meet."""
        opened = sum(1 for entry in self.journal.entries if entry.kind == "create" or entry.index >= 0)
        start = 0 if self.journal.kept else 10_000 + at // 1000 % 1_000_000
        return self.setup.tickets + start + opened

    def news(self, ordinal: int, now: int, at: int) -> Entry:
        """Something new from outside, added to the journal: a ticket, or one more message on an open one."""
        rng = Random(self.setup.seed * 7_919 + ordinal)  # noqa: S311  (the same news for the same seed)
        desk = self.desk(now)
        if rng.random() < 0.5:
            for _ in range(24):
                index = max(desk.tickets - 1 - int(rng.random() * 200), 0)
                case = desk.case(index)
                follows = of_kind(case.script.language, "follow")
                if case.status in {TicketStatus.OPEN, TicketStatus.PENDING} and follows:
                    turn = follows[int(rng.random() * len(follows))].turns[0]
                    text = turn.text(case.slots, rng)
                    return self._added(Entry(kind="news", at=at, ticket=self.mapper.external_id(index), text=text))
        index = self.next_ticket(at)
        case = desk.fresh(index, at)
        return self._added(
            Entry(kind="news", at=at, ticket=self.mapper.external_id(index), text=case.said[0].text, index=index)
        )

    def records_of(self, number: int, now: int) -> list[Record]:
        """What the entry of a number (from 0) means for somebody who pulls: the ticket as it is, and the message."""
        entry = self.journal.entries[number]
        if entry.kind == "failed":
            return []
        opened = self._opened(entry.ticket)
        case = self._case(entry.ticket, opened, now)
        ticket = self._ticket(entry.ticket, opened, case, number)
        found: list[Record] = [ticket]
        if entry is opened and case is not None:
            found.extend(self.mapper.messages(case, ticket))
        elif entry.kind in SENT or entry.text:
            found.append(self._message(entry, number, ticket))
        found.append(self.mapper.raw(ticket, number))
        return found

    def file(self, message: str, attachment: str) -> bytes:
        """Bytes of an attachment. Raises ``Gone`` when there is none."""
        owner, _, name = attachment.partition(":")
        if owner == message and name:
            ticket, _, place = message.partition("-")
            if place.startswith("j"):
                number = int(place[1:]) if place[1:].isdigit() else len(self.journal.entries)
                for file in (file for entry in self.journal.entries[number : number + 1] for file in entry.files):
                    if file.filename == name:
                        return file.content
            elif self.mapper.index_of(ticket) is not None and name.rpartition(".")[2] in {"png", "pdf", "csv"}:
                return paper.content(name)
        raise Gone(f"the demo desk has no attachment {attachment}", help="Synchronise the account, then look again.")

    def _added(self, entry: Entry) -> Entry:
        self.journal.append(entry)
        return entry

    def _opened(self, ticket: str) -> Entry | None:
        """The entry that opened a ticket, ``None`` when it belongs to the desk from the start."""
        for entry in self.journal.entries:
            if entry.ticket == ticket and (entry.kind == "create" or entry.index >= 0):
                return entry
        return None

    def _case(self, ticket: str, opened: Entry | None, now: int) -> Case | None:
        if opened is None:
            return self.desk(now).case(self.mapper.index_of(ticket) or 0)
        return self.desk(now).fresh(opened.index, opened.at) if opened.kind == "news" else None

    def _ticket(self, ticket: str, opened: Entry | None, case: Case | None, number: int) -> TicketRecord:
        if case is not None:
            base = self.mapper.ticket(case)
        else:
            assert opened is not None  # noqa: S101  (a ticket without a case was created by an entry)
            base = TicketRecord(
                external_id=ticket,
                number=ticket.removeprefix("t"),
                subject=opened.subject or "(no subject)",
                channel=Channel.EMAIL,
                created_at=opened.at,
                updated_at=opened.at,
                requester=person_of(opened.to[0]) if opened.to else None,
                assignee=people.ME,
                priority=Priority.NORMAL,
                url=self.mapper.url(ticket.removeprefix("t")),
                **status_values(TicketStatus.PENDING, opened.at),  # type: ignore[arg-type]  # fields of the record
            )
        changes: dict[str, object] = {}
        tags = list(base.tags)
        version = 1
        status = base.status
        for entry in self.journal.entries[: number + 1]:
            if entry.ticket != ticket or entry.kind == "failed":
                continue
            version += 1
            changes["updated_at"] = entry.at
            values = {key: msgspec.json.decode(raw) for key, raw in entry.changes.items()}
            if (entry.kind == "reply" and status is TicketStatus.NEW) or (entry.kind == "news" and entry is not opened):
                values["status"] = "open"
            removed = values.pop("tags_remove", ())
            tags = [*(tag for tag in tags if tag not in removed), *values.pop("tags_add", ())]
            if "status" in values:
                changes.update(said_status(values.pop("status"), entry.at))
                status = cast("TicketStatus", changes["status"])
            if "priority" in values:
                changes.update(said_priority(values.pop("priority")))
            changes.update(values)
        changes["tags"] = tuple(dict.fromkeys(tags))
        changes["remote_version"] = str(version)
        return msgspec.structs.replace(base, **changes)

    def _message(self, entry: Entry, number: int, ticket: TicketRecord) -> MessageRecord:
        key = f"{entry.ticket}-j{number}"
        outside = entry.kind == "news"
        note = entry.kind == "note"
        mail = ticket.channel in {Channel.EMAIL, Channel.WEB_FORM}
        return MessageRecord(
            external_id=key,
            ticket=entry.ticket,
            kind=MessageKind.CUSTOMER if outside else MessageKind.NOTE if note else MessageKind.AGENT,
            direction=Direction.IN if outside else Direction.INTERNAL if note else Direction.OUT,
            visibility=Visibility.INTERNAL if note else Visibility.PUBLIC,
            channel=Channel.INTERNAL if note else ticket.channel,
            author_kind=AuthorKind.PERSON if outside else AuthorKind.AGENT,
            author=(ticket.requester or PersonRecord()) if outside else self._author,
            sent_at=entry.at,
            body_text=entry.text,
            to=entry.to,
            cc=entry.cc,
            bcc=entry.bcc,
            subject=entry.subject or (f"Re: {ticket.subject}" if mail and not note else None),
            message_id=f"<{key}@larkfield-home.example>" if mail and not note else None,
            delivery=Delivery.NOT_TRACKED if outside or note else Delivery.DELIVERED,
            unread=outside,
            attachments=tuple(
                AttachmentRecord(
                    external_id=f"{key}:{file.filename}",
                    filename=file.filename,
                    mime=file.mime,
                    bytes=len(file.content),
                )
                for file in entry.files
            ),
            mark=entry.op or None,
        )
