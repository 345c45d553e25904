"""The engine survives a connector that does everything wrong: what is good is kept, the rest is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from carecli.connectors.spi.errors import Ambiguous
from carecli.connectors.spi.protocols import Connector
from carecli.connectors.spi.records import Page, PushResult, Record
from carecli.domain.operation import Operation, OperationState, Verb
from carecli.store import accounts, operations, raws
from carecli.store.engine import Store
from carecli.sync import pull as pulling
from carecli.sync.run import Context, Endpoint, Report, sync_account
from carecli.testing.hostile import DEFECTS, GARBAGE, MANIFEST, VERDICTS, HostileConnector, control, good
from workbench import T0, intact, key_of

SECRETS = ("hunter2", "\x1b")


class Clock:
    now = T0

    def __call__(self) -> int:
        return self.now


CLOCK = Clock()


@pytest.fixture(autouse=True)
def clock() -> None:
    CLOCK.now = T0


def sync(store: Store, connector: Connector, name: str = "bad", **more: Any) -> Report:
    context = Context(clock=CLOCK, chance=lambda: 0.5, holder="me", notify=lambda _: None)
    endpoint = Endpoint(name, MANIFEST, None, lambda: connector)
    return sync_account(store, endpoint, context, more.pop("stop", threading.Event()), **more)


def one_page(*records: Record) -> HostileConnector:
    return HostileConnector(lambda: iter((Page(records=records, cursor="c1", more=False),)))


def numbers(store: Store) -> list[str]:
    return [row[0] for row in store.connection.execute("SELECT number FROM ticket ORDER BY number")]


@pytest.mark.parametrize("what", DEFECTS)
def test_a_pull_that_goes_wrong_ends_and_keeps_what_was_good(
    store: Store, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(pulling, "EMPTY_PAGES", 20)
    report = sync(store, HostileConnector(DEFECTS[what]))
    assert report.error is not None
    assert report.error.code == "CONNECTOR_DEFECT"
    assert report.error.message
    assert report.error.help
    assert not any(secret in report.error.message for secret in SECRETS)
    assert report.state == "error"
    if not what.startswith("returns"):
        assert "1" in numbers(store)
        key = accounts.key(store.connection, "bad")
        assert accounts.cursor(store.connection, key, "tickets")
    assert intact(store)
    other = sync(store, one_page(*good(7)), name="well")
    assert (other.state, other.error) == ("ok", None)


@pytest.mark.parametrize("what", GARBAGE)
def test_a_record_that_makes_no_sense_is_set_aside_alone(store: Store, what: str) -> None:
    garbage = GARBAGE[what]()
    report = sync(store, one_page(*good(1), garbage, *good(2)))
    assert report.error is None, report.error
    assert (report.state, report.set_aside) == ("partial", 1)
    assert numbers(store) == ["1", "2"]
    assert store.connection.execute("SELECT count(*) FROM message").fetchone() == (2,)
    ((account, kind, external_id, reason, _),) = raws.list_set_aside(store.connection)
    assert account == "bad"
    assert kind
    assert external_id
    assert reason
    assert intact(store)
    again = sync(store, one_page(*good(1), garbage, *good(2)))
    assert (again.tickets, again.messages) == (0, 0)
    assert len(raws.list_set_aside(store.connection)) == 1


def test_a_page_of_nothing_but_garbage_moves_the_cursor_on(store: Store) -> None:
    report = sync(store, one_page(*good(1), *(make() for make in GARBAGE.values())))
    assert report.error is None
    assert report.set_aside == len(GARBAGE)
    assert numbers(store) == ["1"]
    assert intact(store)


def test_enums_as_plain_texts_are_understood(store: Store) -> None:
    note = good(1, visibility="internal", kind="note", direction="internal")
    report = sync(store, one_page(*note))
    assert report.error is None
    assert report.set_aside == 0
    found = store.connection.execute("SELECT visibility, kind FROM message").fetchall()
    assert found == [("internal", "note")]
    counts = store.connection.execute("SELECT customer_message_count, unread FROM ticket").fetchall()
    assert counts == [(0, 0)]


def test_control_characters_stop_at_the_boundary(store: Store) -> None:
    report = sync(store, one_page(*control()))
    assert report.error is None
    names = [row[0] for row in store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    # The vendor's own names of things must go back to it as they came.
    exact = {"external_id", "value", "message_id", "in_reply_to", "refs", "content_id"}
    for name in names:
        if name.startswith(("fts_", "sqlite_", "raw_record")):
            continue
        where = " WHERE kind <> 'vendor_user'" if name == "identity" else ""
        cursor = store.connection.execute(f"SELECT * FROM {name}{where}")
        columns = [column[0] for column in cursor.description]
        for row in cursor:
            for column, value in zip(columns, row, strict=True):
                if isinstance(value, str) and column not in exact:
                    assert not set("\x1b\x07\x00\x9b\u202e") & set(value), f"{name}.{column}"
                    assert "\\u001b" not in value, f"{name}.{column}"


def test_huge_texts_do_no_harm(store: Store) -> None:
    report = sync(store, one_page(*good(1, body_text="kettle " * 3_000_000, subject="s" * 100_000)))
    assert report.error is None
    assert report.messages == 1
    assert intact(store)


def test_a_stop_that_is_ignored_ends_after_the_page(store: Store) -> None:
    stop = threading.Event()

    def pages() -> Iterator[Page]:
        number = 0
        while True:
            number += 1
            if number == 3:
                stop.set()
            yield Page(records=good(number), cursor=f"c{number}", more=True)

    report = sync(store, HostileConnector(pages), stop=stop)
    assert report.error is None
    assert numbers(store) == ["1", "2", "3"]


def test_the_store_s_own_trouble_is_not_the_connector_s(store: Store) -> None:
    class Asking(HostileConnector):
        def pull(self, stream: str, cursor: str | None, lookup: Any, stop: threading.Event) -> Iterator[Page]:
            lookup.subject_of("t1")
            yield Page(records=(), cursor="c1", more=False)

    assert sync(store, Asking()).error is None
    store.connection.execute("ALTER TABLE ticket RENAME TO elsewhere")
    with pytest.raises(Exception, match="no such table"):
        sync(store, Asking())


def queued(store: Store) -> Operation:
    sync(store, one_page(*good(1)), pushing=False)
    made = Operation(
        "0" * 26, "bad", Verb.REPLY, key_of(store), "bad:1", {"body": "text", "to": []}, OperationState.READY, 0, 0, T0
    )
    with store.write() as connection:
        operations.add(connection, made, accounts.key(connection, "bad"))
    return made


@pytest.mark.parametrize("what", VERDICTS)
def test_a_verdict_that_is_none_leads_to_no_second_send(store: Store, what: str) -> None:
    operation = queued(store)
    connector = HostileConnector(answer=Ambiguous("no answer"), verdict=VERDICTS[what])
    for _ in range(5):
        sync(store, connector)
        CLOCK.now += 600_000
    assert connector.sent == [operation.id]
    assert operations.get(store.connection, operation.id).state is OperationState.UNKNOWN
    connector.verdict = PushResult(external_id="v1")
    sync(store, connector)
    assert operations.get(store.connection, operation.id).state is OperationState.DONE
    assert intact(store)


@pytest.mark.parametrize("answer", [ValueError("odd"), KeyError("x"), TimeoutError(), None, "sent", 5])
def test_an_answer_that_is_none_leads_to_no_second_send(store: Store, answer: object) -> None:
    operation = queued(store)
    connector = HostileConnector(answer=answer, verdict="unsure")
    for _ in range(5):
        sync(store, connector)
        CLOCK.now += 600_000
    assert connector.sent == [operation.id]
    assert operations.get(store.connection, operation.id).state is OperationState.UNKNOWN
    assert intact(store)
