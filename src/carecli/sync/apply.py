"""Writes a page of records and its cursor in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from carecli.connectors.spi.records import (
    AgentRecord,
    ArticleRecord,
    MessageRecord,
    OrganisationRecord,
    Page,
    PersonRecord,
    RawRecord,
    Record,
    SetAside,
    TicketRecord,
    TicketsJoined,
    Tombstone,
)
from carecli.domain.redact import clean_line, clean_text, clean_value
from carecli.domain.ticket import StatusCategory, TicketStatus, category_of
from carecli.store import accounts, articles, events, messages, operations, people, raws, tickets
from carecli.store.driver import Connection, savepoint, write
from carecli.sync import effects
from carecli.sync.apply_messages import MessageWriter
from carecli.sync.apply_people import PersonWriter
from carecli.sync.apply_places import write_places
from carecli.sync.facts import columns_of, facts_of, first_facts, refollow
from carecli.sync.follow import Spoken, follow
from carecli.sync.sound import BROKEN, in_order, name_of, require_sound, sound

_UNHEARD: dict[str, object] = {
    "waiting_since": None,
    "first_response_at": None,
    "last_customer_at": None,
    "last_agent_at": None,
    "unread": 0,
    "message_count": 0,
    "customer_message_count": 0,
    "agent_reply_count": 0,
    "reopen_count": 0,
}


@dataclass(slots=True)
class Tally:
    """What a run changed locally: distinct tickets, messages, customers and articles, and records set aside."""

    tickets: set[int] = field(default_factory=set)
    messages: int = 0
    customers: set[int] = field(default_factory=set)
    articles: int = 0
    set_aside: int = 0


class PageWriter:
    """Applies the pages of one account and run; ``tally`` counts what they changed."""

    def __init__(self, connection: Connection, account_id: int, me: str | None = None) -> None:
        self._connection = connection
        self._account_id = account_id
        self._me = me
        self._agents: dict[str, int | None] = {}
        self.tally = Tally()

    def write(self, page: Page, stream: str, now: int) -> None:
        """Stores a page and the cursor behind it, or neither. Raises the store's errors.

        A page is written in batches; when a record breaks one, the page is written again record by record, so that
        only that record is set aside.
        """
        try:
            runs = [self._whole(page, stream, now)]
        except BROKEN:
            runs = self._piecewise(page, stream, now)
        for run in runs:
            self._agents = run.agents
            run.commit()

    def _whole(self, page: Page, stream: str, now: int) -> _PageRun:
        require_sound(page.records)
        # Packed before the lock is taken: it is a fifth of the work, and other programs wait for the lock.
        sources = raws.packed((r.kind, r.external_id, r.body) for r in page.records if isinstance(r, RawRecord))
        with write(self._connection):
            run = self._run(now, self._agents)
            run.apply(page.records)
            raws.save(self._connection, self._account_id, sources)
            accounts.save_cursor(self._connection, self._account_id, stream, page.cursor, now)
        return run

    def _piecewise(self, page: Page, stream: str, now: int) -> list[_PageRun]:
        """Writes a page that holds broken records, in ever smaller pieces around them."""
        aside = self._run(now, self._agents)
        whole: list[Record] = []
        with write(self._connection):
            for record in in_order(page.records):
                try:
                    whole.append(sound(record))
                except BROKEN as error:
                    aside.set_aside(*name_of(record), repr(error), b"")
            runs = [aside]
            if whole:
                self._pieces(whole, runs)
            accounts.save_cursor(self._connection, self._account_id, stream, page.cursor, now)
        return runs

    def _pieces(self, records: list[Record], runs: list[_PageRun]) -> None:
        """Adds the runs that write some records; when they break one, each half is tried alone."""
        run = runs[-1].next()
        try:
            with savepoint(self._connection):
                run.apply(records)
                sources = [(r.kind, r.external_id, r.body) for r in records if isinstance(r, RawRecord)]
                raws.save(self._connection, self._account_id, raws.packed(sources))
        except BROKEN as error:
            if len(records) == 1:
                run = runs[-1].next()
                run.set_aside(*name_of(records[0]), repr(error), b"")
                runs.append(run)
                return
            middle = len(records) // 2
            self._pieces(records[:middle], runs)
            self._pieces(records[middle:], runs)
        else:
            runs.append(run)

    def _run(self, now: int, agents: dict[str, int | None]) -> _PageRun:
        return _PageRun(self._connection, self._account_id, now, dict(agents), self.tally)


class _PageRun:
    def __init__(
        self,
        connection: Connection,
        account_id: int,
        now: int,
        agents: dict[str, int | None],
        tally: Tally,
    ) -> None:
        self._connection = connection
        self._account_id = account_id
        self._now = now
        self.agents = agents
        self._tally = tally
        self._people = PersonWriter(connection, account_id, now)
        self._tickets: dict[str, int] = {}
        self._new: dict[int, dict[str, object]] = {}
        self._touched: set[int] = set()
        self._pending: set[int] = set()
        self._overwritten: set[int] = set()
        self._keys: dict[str, int] = {}
        self._events: list[tuple[object, ...]] = []
        self._count = Tally()

    def next(self) -> _PageRun:
        """A run for more records of the same page, which knows the agents that this one met."""
        return _PageRun(self._connection, self._account_id, self._now, dict(self.agents), self._tally)

    def commit(self) -> None:
        """Adds what this page changed to the run's tally; called once the transaction stands."""
        self._tally.tickets |= self._touched
        self._tally.customers |= self._people.store.changed
        self._tally.messages += self._count.messages
        self._tally.articles += self._count.articles
        self._tally.set_aside += self._count.set_aside

    def apply(self, records: Sequence[Record]) -> None:
        self._pending = operations.tickets_with_pending_fields(self._connection, self._account_id)
        by_kind: dict[type, list[Record]] = {}
        for record in records:
            by_kind.setdefault(type(record), []).append(record)
        self._people.expect(records)
        for kind, act in (
            (OrganisationRecord, self._people.organisation),
            (AgentRecord, self._agent),
            (PersonRecord, self._people.person),
            (ArticleRecord, self._article),
        ):
            for record in by_kind.get(kind, ()):
                act(record)  # type: ignore[arg-type]  # each takes the kind beside it
        self._adopt_tickets(by_kind)
        self._known_tickets(by_kind)
        for record in by_kind.get(TicketRecord, ()):
            self._ticket(record)  # type: ignore[arg-type]  # they lie under their kind
        writer = MessageWriter(self._connection, self._account_id, self._tickets, self._people.person, self.set_aside)
        writer.read([r for r in by_kind.get(MessageRecord, ()) if isinstance(r, MessageRecord)])
        for customer_id, at in writer.contacts.items():
            self._people.store.contacted(customer_id, at)
        self._follow(writer.spoken)
        self._insert()
        self._keys = writer.store()
        self._count.messages += writer.changed
        self._touched |= writer.touched
        for record in by_kind.get(TicketsJoined, ()):
            self._join(record)  # type: ignore[arg-type]
        for record in by_kind.get(Tombstone, ()):
            self._tombstone(record)  # type: ignore[arg-type]
        self._touched |= write_places(self._connection, self._account_id, by_kind, self._keys)
        for record in by_kind.get(SetAside, ()):
            assert isinstance(record, SetAside)  # noqa: S101  (narrows the type)
            self.set_aside(record.kind, record.external_id, record.reason, record.raw)
        for ticket_id in self._overwritten & self._pending:
            effects.merge_pending(self._connection, ticket_id, self._now)
        self._people.store.finish()
        events.add(self._connection, self._events)

    def set_aside(self, kind: str, external_id: str, reason: str, raw: bytes) -> None:
        """Keeps a record that could not be read, with its reason."""
        reason = clean_line(reason)[:500]
        raws.set_aside(self._connection, self._account_id, clean_line(kind), external_id, reason, raw, self._now)
        self._count.set_aside += 1

    def _agent(self, record: AgentRecord) -> None:
        self.agents[record.external_id] = people.agent(
            self._connection, self._account_id, record.external_id, record.name, _line(record.email), me=record.is_me
        )

    def _article(self, record: ArticleRecord) -> None:
        row = (
            self._account_id,
            record.external_id,
            clean_line(record.source),
            clean_line(record.title),
            clean_text(record.body_text),
            _line(record.url),
            _line(record.language),
            str(record.visibility),
            int(record.verified),
            record.updated_at,
        )
        self._count.articles += articles.upsert(self._connection, row)

    def _known_tickets(self, by_kind: dict[type, list[Record]]) -> None:
        wanted = [record.external_id for record in by_kind.get(TicketRecord, ()) if isinstance(record, TicketRecord)]
        wanted += [record.ticket for record in by_kind.get(MessageRecord, ()) if isinstance(record, MessageRecord)]
        for record in by_kind.get(TicketsJoined, ()):
            wanted += [record.survivor, record.absorbed]  # type: ignore[union-attr]
        self._tickets = tickets.known(self._connection, self._account_id, list(dict.fromkeys(wanted)))

    def _adopt_tickets(self, by_kind: dict[type, list[Record]]) -> None:
        """Pulled copies of our own sends: a ticket that was made here learns its id, a lost answer is found."""
        for record in by_kind.get(MessageRecord, ()):
            assert isinstance(record, MessageRecord)  # noqa: S101  (narrows the type)
            if record.mark is None:
                continue
            ours = messages.of_operation(self._connection, record.mark)
            if ours is None:
                continue
            _, ticket_id, external_id = ours
            if external_id.startswith("op:") and external_id != record.ticket:
                tickets.adopt(self._connection, ticket_id, record.ticket, None)
            if operations.settle_found(self._connection, record.mark, record.external_id, self._now):
                tickets.mark_sync_state(self._connection, ticket_id)

    def _agent_key(self, external_id: str | None) -> int | None:
        if external_id is None:
            return None
        if external_id not in self.agents:
            self.agents[external_id] = people.agent_named(self._connection, self._account_id, external_id)
        return self.agents[external_id]

    def _ticket(self, record: TicketRecord) -> None:
        requester = self._people.person(record.requester) if record.requester else None
        known = self._tickets.get(record.external_id)
        status = record.status or TicketStatus.NEW
        tags = list(dict.fromkeys(clean_line(tag) for tag in record.tags))
        number = _line(record.number)
        if number is None:
            if known is not None:
                return  # the connector keeps no state of this ticket; what we have stands
            number = str(accounts.take_numbers(self._connection, self._account_id, 1))
        row = (
            self._account_id,
            record.external_id,
            number,
            self._now,
            clean_line(record.subject)[:1000],
            str(record.type),
            str(status),
            str(category_of(status)),
            _line(record.status_label),
            _line(record.status_raw),
            str(record.hold_reason),
            str(record.resolution),
            str(record.priority),
            _line(record.priority_raw),
            str(record.channel),
            requester,
            self._people.store.organisation(record.organisation, None) if record.organisation else None,
            self._agent_key(record.assignee),
            _line(record.team),
            json.dumps(tags, ensure_ascii=False),
            json.dumps(clean_value(record.custom), ensure_ascii=False),
            record.created_at,
            record.updated_at,
            record.solved_at,
            record.closed_at,
            record.snoozed_until,
            record.due_at,
            _line(record.language),
            _line(record.url),
            record.escalation_level,
            record.remote_version,
            int(record.status is None),
        )
        if known is None:
            known = self._make(record, row)
        else:
            if known in self._new:
                self._insert()
            before = effects.fields(self._connection, known)
            if known in self._pending and known not in self._overwritten:
                before |= effects.before_pending(self._connection, known)
            changed = tickets.upsert(self._connection, row)
            if changed or known in self._pending:
                self._overwritten.add(known)
            if not changed:
                return
            for name, new in effects.fields(self._connection, known).items():
                if before[name] != new:
                    self._event(self._now, known, "changed", name, before[name], new)
            tickets.set_tags(self._connection, known, tags)
            if category_of(status) is StatusCategory.DONE:
                tickets.update(self._connection, known, {"waiting_since": None})
        self._touched.add(known)

    def _make(self, record: TicketRecord, row: tuple[object, ...]) -> int:
        """Key of a new ticket; it is written once its messages have been read, with the facts that follow from them."""
        made = max(self._new) + 1 if self._new else tickets.next_key(self._connection)
        self._new[made] = tickets.row_of(row) | {"id": made}
        self._tickets[record.external_id] = made
        self._event(record.created_at, made, "created", None, None, None)
        return made

    def _insert(self) -> None:
        """Writes the customers and tickets that are new."""
        self._people.store.flush()
        rows, self._new = list(self._new.values()), {}
        if rows:
            tickets.insert(self._connection, [_UNHEARD | row for row in rows])

    def _event(self, at: int, ticket_id: int, verb: str, name: str | None, old: object, new: object) -> None:
        words = [effects.in_words(value) for value in (old, new)]
        self._events.append((at, self._account_id, ticket_id, "", "remote", verb, name, words[0], words[1], None))

    def _follow(self, heard: dict[int, list[Spoken]]) -> None:
        stored = tickets.facts(self._connection, [ticket_id for ticket_id in heard if ticket_id not in self._new])
        rows = []
        for ticket_id, spoken in heard.items():
            new = self._new.get(ticket_id)
            facts = first_facts(new) if new is not None else facts_of(stored[ticket_id])
            after = follow(facts, spoken)
            if facts.local_status and category_of(facts.status) is StatusCategory.DONE and after.status != facts.status:
                self._event(spoken[-1].at, ticket_id, "changed", "status", facts.status, after.status)
            if category_of(after.status) is StatusCategory.DONE:
                after = replace(after, waiting_since=None)
            if new is not None:
                new.update(columns_of(after))
            else:
                rows.append(columns_of(after) | {"id": ticket_id})
            self._touched.add(ticket_id)
        tickets.set_facts(self._connection, rows)

    def _join(self, record: TicketsJoined) -> None:
        survivor, absorbed = self._tickets.get(record.survivor), self._tickets.get(record.absorbed)
        if survivor is None or absorbed is None or survivor == absorbed:
            return
        tickets.join(self._connection, survivor, absorbed)
        self._event(self._now, survivor, "merged", None, str(absorbed), None)
        refollow(self._connection, survivor)
        self._tickets[record.absorbed] = survivor
        self._touched |= {survivor, absorbed}

    def _tombstone(self, record: Tombstone) -> None:
        found = tickets.known(
            self._connection,
            self._account_id,
            [record.external_id, *([record.merged_into] if record.merged_into else [])],
        )
        ticket_id = found.get(record.external_id)
        if ticket_id is not None:
            tickets.tombstone(
                self._connection, ticket_id, clean_line(record.reason), found.get(record.merged_into or "")
            )
            self._event(self._now, ticket_id, "removed", None, None, clean_line(record.reason))
            self._touched.add(ticket_id)


def _line(text: str | None) -> str | None:
    return None if text is None else clean_line(text)
