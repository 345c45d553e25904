import struct
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

import pytest

from carecli.connectors.demo import calendar, paper, people
from carecli.connectors.demo.connector import DemoConnector
from carecli.connectors.demo.desk import Desk
from carecli.connectors.spi.options import OptionValue
from carecli.connectors.spi.records import (
    AgentRecord,
    MessageRecord,
    OrganisationRecord,
    Page,
    RawRecord,
    Record,
    TicketRecord,
)
from carecli.domain.conversation import Direction, MessageKind, Visibility
from carecli.domain.ticket import Channel, Priority, TicketStatus

NOW = 1_795_370_000
R = TypeVar("R", bound=Record)


class NoSecrets:
    def get(self, name: str) -> str:
        raise AssertionError(name)

    def put(self, name: str, value: str) -> None:
        raise AssertionError(name, len(value))


class NoLookup:
    def threads_of(self, keys: object) -> dict[str, tuple[str, bool]]:
        raise AssertionError(keys)

    def participants(self, ticket: str) -> frozenset[str]:
        raise AssertionError(ticket)

    def subject_of(self, ticket: str) -> str | None:
        raise AssertionError(ticket)

    def places(self, folder: str, uidvalidity: int) -> dict[int, tuple[str, ...]]:
        raise AssertionError(folder, uidvalidity)

    def known_messages(self, external_ids: object) -> frozenset[str]:
        raise AssertionError(external_ids)

    def raw(self, kind: str, external_id: str) -> bytes | None:
        raise AssertionError(kind, external_id)


def pages(cursor: str | None = None, **options: OptionValue) -> Iterator[Page]:
    connector = DemoConnector("demo", {"tickets": 400, "now": NOW, **options}, NoSecrets())
    return connector.pull("tickets", cursor, NoLookup(), threading.Event())


def pulled(**options: OptionValue) -> list[Record]:
    return [record for page in pages(None, **options) for record in page.records]


def of(kind: type[R], records: list[Record]) -> list[R]:
    return [record for record in records if isinstance(record, kind)]


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return pulled()


def test_the_same_seed_gives_the_same_desk(records: list[Record]) -> None:
    assert pulled() == records
    assert pulled(seed=8) != records


def test_pages_are_of_200_and_can_be_taken_up_anywhere() -> None:
    whole = list(pages(tickets=500))
    assert [len(of(TicketRecord, list(page.records))) for page in whole] == [200, 200, 100, 0]
    assert [page.more for page in whole] == [True, True, True, False]
    assert [page.seen for page in whole] == [200, 400, 500, 500]
    for at, page in enumerate(whole):
        rest = [record for later in pages(page.cursor, tickets=500) for record in later.records]
        assert rest == [record for later in whole[at + 1 :] for record in later.records]


def test_the_last_cursor_yields_nothing_new() -> None:
    last = list(pages())[-1].cursor
    again = list(pages(last))
    assert [(page.records, page.more) for page in again] == [((), False)]
    assert again[0].cursor != ""


def test_a_set_stop_ends_the_pull() -> None:
    connector = DemoConnector("demo", {"tickets": 1000, "now": NOW}, NoSecrets())
    stop = threading.Event()
    found = []
    for page in connector.pull("tickets", None, NoLookup(), stop):
        found.append(page)
        stop.set()
    assert len(found) == 1


def test_a_ticket_comes_before_its_messages(records: list[Record]) -> None:
    seen: set[str] = set()
    for record in records:
        if isinstance(record, TicketRecord):
            seen.add(record.external_id)
        elif isinstance(record, MessageRecord):
            assert record.ticket in seen
    assert len(seen) == 400
    assert len(of(RawRecord, records)) == 400
    keys = [message.external_id for message in of(MessageRecord, records)]
    assert len(keys) == len(set(keys))


def test_no_text_has_a_placeholder_left(records: list[Record]) -> None:
    texts = [message.body_text for message in of(MessageRecord, records)]
    texts += [ticket.subject for ticket in of(TicketRecord, records)]
    assert not [text for text in texts if "{" in text or "}" in text or "[[" in text or not text.strip()]


def test_the_week_is_believable(records: list[Record]) -> None:
    tickets = of(TicketRecord, records)
    assert {ticket.language for ticket in tickets} >= {"en", "de", "fr", "es", "it", "nl", "pl", "pt", "ja"}
    assert {ticket.channel for ticket in tickets} >= {
        Channel.EMAIL, Channel.CHAT, Channel.WHATSAPP, Channel.SMS, Channel.PHONE, Channel.WEB_FORM, Channel.INSTAGRAM,
        Channel.SOCIAL_PUBLIC,
    }  # fmt: skip
    assert {ticket.status for ticket in tickets} == set(TicketStatus)
    assert {ticket.priority for ticket in tickets} == set(Priority) - {Priority.NONE}
    assert {ticket.custom["sentiment"] for ticket in tickets} >= {"angry", "confused", "grateful", "anxious"}
    subjects = Counter(ticket.subject for ticket in tickets)
    assert len(subjects) >= 290
    assert subjects.most_common(1)[0][1] <= 6
    mine = [ticket for ticket in tickets if ticket.assignee == people.ME]
    assert len(mine) >= 40
    assert sum(ticket.status in {TicketStatus.OPEN, TicketStatus.PENDING} for ticket in mine) >= 8
    created = [ticket.created_at for ticket in tickets]
    assert created == sorted(created)
    assert (NOW * 1000 - created[0]) // calendar.DAY == 6
    assert all(ticket.updated_at <= NOW * 1000 for ticket in tickets)


def test_there_is_a_running_incident_with_one_problem(records: list[Record]) -> None:
    tickets = of(TicketRecord, records)
    incident = [ticket for ticket in tickets if "incident-checkout" in ticket.tags]
    assert len(incident) >= 12
    assert all(NOW * 1000 - ticket.created_at < 6 * calendar.HOUR for ticket in incident)
    assert len([ticket for ticket in incident if ticket.type == "problem"]) == 1


def test_some_promises_are_due_and_some_are_broken(records: list[Record]) -> None:
    due = [ticket.due_at - NOW * 1000 for ticket in of(TicketRecord, records) if ticket.due_at is not None]
    assert sum(left < 0 for left in due) >= 3
    assert sum(0 < left < 8 * calendar.HOUR for left in due) >= 3


def test_customers_come_back_and_some_write_twice_on_one_matter(records: list[Record]) -> None:
    tickets = of(TicketRecord, records)
    by_customer = Counter(ticket.requester.external_id for ticket in tickets if ticket.requester)
    assert sum(count > 1 for count in by_customer.values()) >= 60
    vips = {ticket.requester.name for ticket in tickets if ticket.requester and ticket.requester.vip}
    assert "Eleanor Whitcombe" in vips
    twins = [ticket for ticket in tickets if "possible-duplicate" in ticket.tags]
    assert len(twins) >= 5
    for twin in twins:
        first = next(ticket for ticket in tickets if ticket.number == str(int(twin.number or 0) - 2))
        assert first.requester == twin.requester
        assert first.custom["order"] == twin.custom["order"]


def test_conversations_tell_who_may_read_them(records: list[Record]) -> None:
    messages = of(MessageRecord, records)
    for message in messages:
        inside = message.kind is MessageKind.NOTE
        assert (message.visibility is Visibility.INTERNAL) is inside
        assert (message.direction is Direction.INTERNAL) is inside
        if inside:
            assert not message.to
            assert message.message_id is None
    notes = {message.body_text for message in messages if message.kind is MessageKind.NOTE}
    public = "\n".join(message.body_text for message in messages if message.visibility is Visibility.PUBLIC)
    assert len(notes) >= 20
    assert not [note for note in notes if note in public]


def test_quotes_and_signatures_stand_where_the_offsets_say(records: list[Record]) -> None:
    quoted = [message for message in of(MessageRecord, records) if message.quoted_from is not None]
    signed = [message for message in of(MessageRecord, records) if message.signature_from is not None]
    assert len(quoted) >= 20
    assert len(signed) >= 100
    for message in quoted:
        assert message.quoted_from is not None
        assert "\n> " in message.body_text[message.quoted_from :]
        assert "\n> " not in message.body_text[: message.quoted_from]
    for message in signed:
        assert message.signature_from is not None
        assert message.body_text[message.signature_from - 2 : message.signature_from] == "\n\n"


def test_a_form_answers_by_itself(records: list[Record]) -> None:
    bots = [message for message in of(MessageRecord, records) if message.kind is MessageKind.BOT]
    assert len(bots) >= 20
    assert all(message.automatic and message.direction is Direction.OUT for message in bots)


def test_unread_is_only_what_waits_for_an_answer(records: list[Record]) -> None:
    unread = [message for message in of(MessageRecord, records) if message.unread]
    assert len(unread) >= 20
    assert all(message.direction is Direction.IN for message in unread)
    assert len({message.ticket for message in unread}) == len(unread)


def test_times_rise_within_a_conversation(records: list[Record]) -> None:
    last: dict[str, int] = {}
    for message in of(MessageRecord, records):
        assert message.sent_at >= last.get(message.ticket, 0)
        last[message.ticket] = message.sent_at


def test_colleagues_and_organisations_come_first(records: list[Record]) -> None:
    assert [agent.name for agent in of(AgentRecord, records) if agent.is_me] == ["Sam Rivera"]
    assert len(of(OrganisationRecord, records)) >= 10
    assert isinstance(records[0], AgentRecord)


def test_customers_do_not_share_contact_points() -> None:
    found = [people.customer(index) for index in range(5000)]
    emails = [email for person in found for email in person.emails]
    phones = [phone for person in found for phone in person.phones]
    handles = [handle for person in found for handle in person.handles]
    for values in (emails, phones, handles):
        assert [value for value, count in Counter(values).items() if count > 1] == []
    assert all(email.isascii() and " " not in email and email.endswith(".example") for email in emails)


def test_parts_share_customers_and_not_channels() -> None:
    customers = {}
    for part, channels in (
        ("mail", {"email", "web_form", "phone", "api"}),
        ("chat", {"chat", "whatsapp", "sms", "api"}),
    ):
        tickets = of(TicketRecord, pulled(part=part))
        assert {ticket.channel.value for ticket in tickets} <= channels
        customers[part] = {ticket.requester.external_id for ticket in tickets if ticket.requester}
    assert len(customers["mail"] & customers["chat"]) > 50
    assert of(TicketRecord, pulled(part="social", tickets=30))


@pytest.mark.parametrize("tickets", [1, 2, 19, 20, 30, 3000])
def test_every_size_works(tickets: int) -> None:
    found = of(TicketRecord, pulled(tickets=tickets))
    assert len(found) == tickets


def test_a_large_desk_reaches_back_for_years_and_is_made_anywhere_at_once() -> None:
    desk = Desk(7, 100_000, "all", NOW * 1000)
    assert desk.calendar.days > 600
    assert desk.case(0).created_at < desk.case(50_000).created_at < desk.case(99_999).created_at < NOW * 1000


def test_attachments_are_real_files(records: list[Record]) -> None:
    connector = DemoConnector("demo", {"tickets": 400, "now": NOW}, NoSecrets())
    kinds = set()
    for message in of(MessageRecord, records):
        for attachment in message.attachments:
            content = connector.fetch_attachment(message.external_id, attachment.external_id, NoLookup())
            assert len(content) == attachment.bytes
            kinds.add(attachment.mime)
            if attachment.mime == "image/png":
                assert content.startswith(b"\x89PNG\r\n\x1a\n")
                head = struct.unpack(">II", content[16:24])
                start = content.index(b"IDAT") + 4
                size = struct.unpack(">I", content[start - 8 : start - 4])[0]
                assert len(zlib.decompress(content[start : start + size])) == (head[0] * 3 + 1) * head[1]
            elif attachment.mime == "application/pdf":
                assert content.startswith(b"%PDF-1.4")
                table = int(content.split(b"startxref\n")[1].split()[0])
                assert content[table : table + 4] == b"xref"
    assert kinds == {"image/png", "application/pdf", "text/csv"}
    assert paper.content("a.csv").startswith(b"time,band")
