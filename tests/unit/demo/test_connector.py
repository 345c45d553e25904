import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from carecli.connectors.demo.connector import DemoConnector
from carecli.connectors.demo.journal import Entry
from carecli.connectors.spi.errors import (
    Ambiguous,
    AuthNeeded,
    BadSetup,
    Conflicting,
    Gone,
    Rejected,
    Retryable,
    Throttled,
    Unsupported,
)
from carecli.connectors.spi.options import OptionValue
from carecli.connectors.spi.protocols import KnowledgeSource, LiveSource, Lookup, Secrets, TicketSource
from carecli.connectors.spi.records import (
    ArticleRecord,
    FieldRequest,
    MessageRecord,
    NoteRequest,
    OutgoingFile,
    Page,
    PushResult,
    RawRecord,
    ReplyRequest,
    TicketHandle,
    TicketRecord,
)
from carecli.domain.conversation import Address, Visibility
from carecli.domain.errors import CareError
from carecli.domain.ticket import Priority, TicketStatus

NOW = 1_795_370_000
NO_LOOKUP = cast("Lookup", None)
JO = Address("jo@example.com", "Jo")


def made(**options: OptionValue) -> DemoConnector:
    return DemoConnector("demo", {"tickets": 30, "now": NOW, **options}, cast("Secrets", None))


def pages(connector: DemoConnector, cursor: str | None = None, stream: str = "tickets") -> list[Page]:
    return list(connector.pull(stream, cursor, NO_LOOKUP, threading.Event()))


def handle(ticket: str | None = "t1001") -> TicketHandle:
    return TicketHandle(external_id=ticket, number=ticket and ticket[1:], subject="S")


def reply(op: str = "OP1", ticket: str | None = "t1001", text: str = "Hello Jo", **more: object) -> ReplyRequest:
    return ReplyRequest(operation_id=op, created_at=0, ticket=handle(ticket), body_text=text, to=(JO,), **more)  # type: ignore[arg-type]


def note(op: str = "OP2", ticket: str = "t1001") -> NoteRequest:
    return NoteRequest(operation_id=op, created_at=0, ticket=handle(ticket), body_text="between us")


def fields(op: str = "OP3", base: str | None = None, **changes: object) -> FieldRequest:
    return FieldRequest(operation_id=op, created_at=0, ticket=handle(), changes=changes, base_version=base)


def test_it_is_what_it_says() -> None:
    connector = made()
    assert isinstance(connector, TicketSource)
    assert isinstance(connector, KnowledgeSource)
    assert isinstance(connector, LiveSource)
    assert "Sam Rivera" in connector.check().identity
    with pytest.raises(Unsupported):
        pages(connector, stream="calls")
    connector.close()


def test_articles_come_once() -> None:
    first = pages(made(), stream="articles")
    assert all(isinstance(record, ArticleRecord) for record in first[0].records)
    assert not first[-1].more
    assert pages(made(), first[-1].cursor, "articles")[0].records == ()


def test_a_later_pull_sees_what_was_written(tmp_path: Path) -> None:
    state = str(tmp_path / "deep" / "demo.jsonl")
    cursor = pages(made(state_file=state))[-1].cursor
    writer = made(state_file=state)
    sent = writer.send_reply(
        reply(
            files=(OutgoingFile(filename="a.txt", mime="text/plain", content=b"\x00hello"),),
            cc=(Address("b@c.example"),),
        )
    )
    writer.add_note(note())
    changed = writer.update_ticket(
        fields(
            status="solved", priority="urgent", assignee="Priya Natarajan", tags_add=["vip", "new"], tags_remove=["x"]
        )
    )
    new = writer.send_reply(reply("OP4", None, subject="Hello", text="A new matter"))

    records = [record for page in pages(made(state_file=state), cursor) for record in page.records]
    messages = [record for record in records if isinstance(record, MessageRecord)]
    assert [(message.mark, message.visibility) for message in messages] == [
        ("OP1", Visibility.PUBLIC),
        ("OP2", Visibility.INTERNAL),
        ("OP4", Visibility.PUBLIC),
    ]
    assert messages[0].external_id == sent.external_id
    assert messages[0].cc == (Address("b@c.example"),)
    file = messages[0].attachments[0]
    assert (file.filename, file.bytes) == ("a.txt", 6)
    fresh = made(state_file=state)
    assert fresh.fetch_attachment(messages[0].external_id, file.external_id, NO_LOOKUP) == b"\x00hello"
    ticket = [record for record in records if isinstance(record, TicketRecord) and record.external_id == "t1001"][-1]
    assert (ticket.status, ticket.priority) == (TicketStatus.SOLVED, Priority.URGENT)
    assert ticket.assignee == "Priya Natarajan"
    assert ticket.solved_at is not None
    assert {"vip", "new"} <= set(ticket.tags)
    assert ticket.remote_version == changed.remote_version == "4"
    opened = [record for record in records if isinstance(record, TicketRecord)][-1]
    assert (opened.external_id, opened.number, opened.subject) == (new.external_id, new.number, "Hello")
    assert opened.number == "1031"
    assert opened.requester is not None
    assert opened.requester.emails == ("jo@example.com",)
    assert sum(isinstance(record, RawRecord) for record in records) == 4
    last = pages(made(state_file=state), cursor)[-1].cursor
    assert pages(made(state_file=state), last)[0].records == ()
    again = [record for page in pages(made(state_file=state)) for record in page.records]
    assert {"OP1", "OP2", "OP4"} <= {record.mark for record in again if isinstance(record, MessageRecord)}


def test_without_a_file_writes_live_as_long_as_the_object() -> None:
    connector = made()
    cursor = pages(connector)[-1].cursor
    connector.send_reply(reply())
    page = pages(connector, cursor)[0]
    assert any(isinstance(record, MessageRecord) and record.mark == "OP1" for record in page.records)
    assert pages(connector, page.cursor)[0].records == ()
    other = made()
    assert pages(other, page.cursor)[0].records == ()
    other.add_note(note())
    assert pages(other, page.cursor)[0].records != ()
    created = other.send_reply(reply("OP9", None))
    assert created.number is not None
    assert int(created.number) > 11_000


def test_a_note_never_becomes_public() -> None:
    connector = made()
    cursor = pages(connector)[-1].cursor
    result = connector.add_note(note())
    assert result.message_id is None
    for record in pages(connector, cursor)[0].records:
        if isinstance(record, MessageRecord):
            assert record.visibility is Visibility.INTERNAL
            assert record.to == ()


def test_a_lost_answer_is_found_again_and_sent_only_once(tmp_path: Path) -> None:
    state = str(tmp_path / "demo.jsonl")
    connector = made(fail=("lose",), state_file=state)
    with pytest.raises(Ambiguous):
        connector.send_reply(reply())
    verdict = made(fail=("lose",), state_file=state).verify("OP1", reply())
    assert isinstance(verdict, PushResult)
    assert verdict.external_id == "t1001-j1"
    assert verdict == connector.verify("OP1", reply())
    assert connector.verify("OP2", note()) == "absent"
    made(fail=("lose",), state_file=state).add_note(note())


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("reject", Rejected),
        ("throttle", Throttled),
        ("drop", Retryable),
        ("auth", AuthNeeded),
        ("stale", Conflicting),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
def test_scripted_failures_are_used_up_in_order(word: str, error: type[CareError], kept: bool, tmp_path: Path) -> None:
    state = str(tmp_path / "demo.jsonl") if kept else None
    connector = made(fail=(word, "drop"), state_file=state)
    with pytest.raises(error):
        connector.update_ticket(fields(status="open"))
    assert connector.verify("OP3", fields()) == "absent"
    if kept:
        connector = made(fail=(word, "drop"), state_file=state)
    with pytest.raises(Retryable):
        connector.send_reply(reply())
    connector.send_reply(reply())
    assert isinstance(connector.verify("OP1", reply()), PushResult)


def test_reads_fail_when_told_to() -> None:
    connector = made(fail=("pull-throttle", "pull-auth", "reject"))
    with pytest.raises(Throttled) as caught:
        pages(connector)
    assert caught.value.retry_after == 2
    with pytest.raises(AuthNeeded):
        pages(connector, stream="articles")
    assert pages(connector)
    with pytest.raises(Rejected):
        connector.add_note(note())


def test_a_change_by_others_is_a_conflict_and_an_own_one_is_not() -> None:
    connector = made()
    pages(connector)
    connector.update_ticket(fields("OP1", "1", status="open"))
    connector.update_ticket(fields("OP2", "1", priority="high"))
    connector._server.journal.append(Entry(kind="news", ticket="t1001", text="Hello?", at=NOW * 1000))
    with pytest.raises(Conflicting):
        connector.update_ticket(fields("OP3", "3", status="solved"))
    connector.update_ticket(fields("OP4", "4", status="solved"))
    connector.update_ticket(fields("OP5", None, status="open"))


def test_what_makes_no_sense_is_refused() -> None:
    connector = made()
    calls: list[tuple[type[CareError], Callable[[], object]]] = [
        (Rejected, lambda: connector.update_ticket(fields(status="waiting"))),
        (Rejected, lambda: connector.update_ticket(fields(priority=5))),
        (Unsupported, lambda: connector.update_ticket(fields(colour="red"))),
        (Gone, lambda: connector.send_reply(reply(ticket="t9999"))),
        (Gone, lambda: connector.add_note(note(ticket="x"))),
        (Gone, lambda: connector.fetch_attachment("t1001-1", "t1001-2:a.png", NO_LOOKUP)),
        (Gone, lambda: connector.fetch_attachment("t1001-1", "t1001-1:a.exe", NO_LOOKUP)),
        (Gone, lambda: connector.fetch_attachment("t1001-j0", "t1001-j0:a.png", NO_LOOKUP)),
    ]
    for error, call in calls:
        with pytest.raises(error):
            call()
    assert pages(connector)[-1].records == ()


def test_a_text_that_is_too_long_for_its_channel_is_refused() -> None:
    connector = made(tickets=400)
    sms = next(
        record
        for page in pages(connector)
        for record in page.records
        if isinstance(record, TicketRecord) and record.channel == "sms"
    )
    with pytest.raises(Rejected, match="160"):
        connector.send_reply(reply(ticket=sms.external_id, text="x" * 161))
    connector.send_reply(reply(ticket=sms.external_id, text="x" * 160))


def test_a_reply_opens_a_new_ticket_and_later_news_reopen_it() -> None:
    connector = made(tickets=400)
    found = [record for page in pages(connector) for record in page.records if isinstance(record, TicketRecord)]
    new = next(ticket for ticket in found if ticket.status is TicketStatus.NEW)
    cursor = pages(connector)[-1].cursor
    connector.send_reply(reply(ticket=new.external_id))
    connector.update_ticket(
        FieldRequest(operation_id="X", created_at=0, ticket=handle(new.external_id), changes={"status": "pending"})
    )
    connector._server.journal.append(Entry(kind="news", ticket=new.external_id, text="Thanks!", at=NOW * 1000))
    states = [record.status for record in pages(connector, cursor)[0].records if isinstance(record, TicketRecord)]
    assert states == [TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.OPEN]


def test_live_news_keep_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [float(NOW)]
    monkeypatch.setattr("time.time", lambda: clock[0])
    connector = made(now=0, live=True, tickets=100)
    cursor = pages(connector)[-1].cursor
    assert pages(connector, cursor)[-1].records == ()
    kinds = set()
    marks = set()
    for _ in range(24):
        clock[0] += 31
        page = pages(connector, cursor)[-1]
        cursor = page.cursor
        messages = [record for record in page.records if isinstance(record, MessageRecord)]
        assert len(messages) == 1
        assert messages[0].unread
        marks.add(messages[0].external_id)
        ticket = page.records[0]
        assert isinstance(ticket, TicketRecord)
        assert ticket.status in {TicketStatus.NEW, TicketStatus.OPEN}
        kinds.add(ticket.status)
        assert pages(connector, cursor)[-1].records == ()
    assert len(kinds) == 2
    assert len(marks) == 24


def test_waiting_for_news(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += timeout or 0
            return self.is_set()

    stop = Stop()
    connector = made(live=True)
    assert [connector.wait_for_news(stop, 10) for _ in range(5)].count(True) == 1
    cursor = pages(connector)[-1].cursor
    assert connector.wait_for_news(stop, 60)
    assert 120 < clock[0] < 200
    assert pages(connector, cursor)[-1].records
    assert not made().wait_for_news(stop, 5)
    stop.set()
    assert not connector.wait_for_news(stop, 60)


def test_a_state_file_is_private_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "demo.jsonl"
    made(state_file=str(state)).add_note(note())
    assert state.stat().st_mode & 0o777 == 0o600
    assert json.loads(state.read_text(encoding="utf-8").splitlines()[1])["op"] == "OP2"
    assert [file.name for file in tmp_path.iterdir()] == ["demo.jsonl"]
    foreign = tmp_path / "letter.txt"
    foreign.write_text("Dear all,\n", encoding="utf-8")
    with pytest.raises(BadSetup):
        made(state_file=str(foreign)).add_note(note())
    with pytest.raises(BadSetup):
        made(state_file=str(tmp_path)).add_note(note())
    with pytest.raises(BadSetup):
        made(state_file=str(foreign / "x")).add_note(note())
    assert foreign.read_text(encoding="utf-8") == "Dear all,\n"


def test_a_half_written_line_waits(tmp_path: Path) -> None:
    state = tmp_path / "demo.jsonl"
    connector = made(state_file=str(state))
    connector.add_note(note())
    with state.open("ab") as stream:
        stream.write(b'{"kind":"note","op":"OP7","ticket":"t1001",')
        stream.flush()
        assert connector.verify("OP7", note()) == "absent"
        stream.write(b'"text":"x"}\n')
        stream.flush()
        assert connector.verify("OP7", note()) != "absent"
