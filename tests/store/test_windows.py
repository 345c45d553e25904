"""Hot reads: keyset pages add up to the list, every shipped view walks an index, JSON has the contract's shape."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carecli.connectors.spi.records import Record
from carecli.domain.errors import NotFoundError, UsageError
from carecli.domain.operation import Operation, OperationState, Verb
from carecli.domain.query import parse
from carecli.domain.ticket import TicketStatus, category_of
from carecli.services import reads
from carecli.services.views import BUILT_IN
from carecli.store import operations, windows
from carecli.store.engine import Store
from carecli.store.thread_json import thread_json
from workbench import MINUTE, T0, account, answer, ingest, key_of, message, note, ticket

NOW = T0 + 1000 * MINUTE
ORDERS = sorted(windows.ORDERS)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TICKET = [
    *(
        "ref",
        "number",
        "account",
        "subject",
        "status",
        "status_category",
        "status_label",
        "priority",
        "channel",
        "type",
    ),
    *(
        "requester",
        "organisation",
        "assignee",
        "team",
        "tags",
        "created_at",
        "updated_at",
        "solved_at",
        "waiting_since",
    ),
    *("snoozed_until", "unread", "message_count", "url", "sync_state", "sla", "custom"),
]
MESSAGE = {
    *(
        "id",
        "kind",
        "direction",
        "visibility",
        "channel",
        "author",
        "to",
        "cc",
        "bcc",
        "subject",
        "sent_at",
        "body_text",
    ),
    *("message_id", "delivery", "attachments"),
}
EVENT = ["at", "actor", "origin", "verb", "field", "old", "new", "operation"]
OPERATION = [
    *("id", "account", "verb", "target", "state", "attempts", "not_before", "created_at", "last_error", "external_id"),
    "undo",
]


def tickets(count: int) -> list[Record]:
    """Tickets of which several share each instant, so that ties are met."""
    return [
        ticket(
            f"t{n}",
            status=list(TicketStatus)[n % 6],
            created_at=T0 + n % 7 * MINUTE,
            updated_at=T0 + n * 5 % 11 * MINUTE,
            due_at=T0 + n * MINUTE if n % 3 else None,
            snoozed_until=NOW + n if n % 10 == 0 else None,
        )
        for n in range(count)
    ]


@pytest.fixture
def many(store: Store) -> Store:
    """Sixty tickets, half of them with somebody who waits."""
    said = [message(f"m{n}", f"t{n}", T0 + n % 5 * MINUTE, unread=n % 4 == 0) for n in range(0, 60, 2)]
    ingest(store, account(store), *tickets(60), *said)
    return store


def walk(store: Store, text: str, order: str, size: int, *, backwards: bool) -> list[tuple[int, int]]:
    """The whole list, page by page."""
    found: list[tuple[int, int]] = []
    after: tuple[int, int] | None = None
    while True:
        part = windows.page_ids(store.connection, parse(text), order, NOW, after=after, limit=size, backwards=backwards)
        if not part:
            return found
        found = part + found if backwards else found + part
        after = found[0] if backwards else found[-1]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("text", ["", "is:open", "-is:done", "sla:risk"])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_add_up_to_the_list_in_both_directions(many: Store, order: str, text: str, size: int) -> None:
    whole = [row[1] for row in windows.page_ids(many.connection, parse(text), order, NOW, after=None, limit=1000)]
    refs = windows.ticket_refs(many.connection, parse(text), order, 0, NOW)
    assert len(refs) == windows.count(many.connection, parse(text), NOW) > 0
    assert [key_of(many, ref.partition(":")[2]) for ref in refs] == whole
    for backwards in (False, True):
        found = walk(many, text, order, size, backwards=backwards)
        assert [ticket_id for _, ticket_id in found] == whole
    places = [windows.position(many.connection, parse(text), order, NOW, ticket_id) for ticket_id in whole]
    assert places == list(range(len(whole)))


def test_the_orders_are_what_they_say(many: Store) -> None:
    shown = [json.loads(t) for t in windows.ticket_json(many.connection, None, "wait", 0, NOW)]
    waiting = [t["waiting_since"] for t in shown if t["waiting_since"]]
    assert waiting == sorted(waiting)
    assert [t["waiting_since"] is None for t in shown] == sorted(t["waiting_since"] is None for t in shown)
    rest = [t["updated_at"] for t in shown if not t["waiting_since"]]
    assert rest == sorted(rest, reverse=True)
    for order, name in (("updated", "updated_at"), ("created", "created_at")):
        dates = [json.loads(t)[name] for t in windows.ticket_json(many.connection, None, order, 0, NOW)]
        assert dates == sorted(dates, reverse=True)


def test_what_is_not_in_the_list_has_no_place(many: Store) -> None:
    assert windows.position(many.connection, parse("status:solved"), "wait", NOW, key_of(many, "1")) is None


def plan_of(store: Store, text: str, order: str, after: tuple[int, int] | None) -> list[str]:
    """What SQLite does for a page of a query."""
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    windows.page_ids(store.connection, parse(text), order, NOW, after=after, limit=100)
    store.connection.set_trace_callback(None)
    return [row[3] for row in store.connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}")]


QUERIES = [(name, query, order) for name, _, query, order, _ in BUILT_IN]
QUERIES += [("requester", "customer:5", "updated"), ("status", "status:open", "updated")]


@pytest.mark.parametrize(("name", "text", "order"), QUERIES, ids=[name for name, *_ in QUERIES])
@pytest.mark.parametrize("after", [None, (T0, 5)], ids=["first", "next"])
def test_every_shipped_view_walks_an_index(
    many: Store, name: str, text: str, order: str, after: tuple[int, int] | None
) -> None:
    steps = plan_of(many, text, order, after)
    assert any("USING" in step and "INDEX" in step for step in steps), steps
    assert not [step for step in steps if re.fullmatch(r"SCAN t", step)], steps
    if name not in SORTED:
        assert not [step for step in steps if "TEMP B-TREE" in step], steps


SORTED = {
    "requester",  # one customer's tickets are few; the keyset compares (updated_at, id), the index ends with updated_at
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["status", "assign", "unread", "hide", "insert", "delete"]),
            st.integers(0, 5),
            st.integers(0, 5),
        ),
        max_size=30,
    )
)
def test_the_counters_are_what_counting_finds(store: Store, steps: list[tuple[str, int, int]]) -> None:
    connection = store.connection
    key = account(store)
    connection.execute("BEGIN IMMEDIATE")
    for name in ("a1", "a2"):
        connection.execute("INSERT INTO agent (account_id, external_id, name) VALUES (?, ?, ?)", (key, name, name))
    agents = [None, *(row[0] for row in connection.execute("SELECT id FROM agent"))]
    made = 0
    for act, which, value in steps:
        row = connection.execute("SELECT id FROM ticket ORDER BY id LIMIT 1 OFFSET ?", (which,)).fetchone()
        status = list(TicketStatus)[value]
        if act == "insert" or row is None:
            made += 1
            connection.execute(
                "INSERT INTO ticket (account_id, external_id, number, subject, type, status, status_category, priority,"
                " channel, created_at, updated_at, assignee_id, hidden) VALUES (?, ?, ?, 's', 'question', ?, ?, 'none',"
                " 'email', 0, 0, ?, ?)",
                (key, f"x{made}", f"x{made}", status, category_of(status), agents[value % 3], value % 2),
            )
        elif act == "status":
            connection.execute("UPDATE ticket SET status = ? WHERE id = ?", (status, row[0]))
        elif act == "assign":
            connection.execute("UPDATE ticket SET assignee_id = ? WHERE id = ?", (agents[value % 3], row[0]))
        elif act == "unread":
            connection.execute("UPDATE ticket SET unread = ? WHERE id = ?", (value % 2, row[0]))
        elif act == "hide":
            connection.execute("UPDATE ticket SET hidden = ? WHERE id = ?", (value % 2, row[0]))
        else:
            connection.execute("DELETE FROM ticket WHERE id = ?", (row[0],))
    kept = connection.execute("SELECT * FROM counter WHERE number <> 0 ORDER BY 1, 2, 3, 4").fetchall()
    counted = connection.execute(
        "SELECT account_id, ifnull(assignee_id, 0), status, unread, count(*) FROM ticket WHERE hidden = 0"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    ).fetchall()
    connection.execute("ROLLBACK")
    assert kept == counted


def assert_times(value: object, name: str = "") -> None:
    """Instants end in Z and durations are integers, wherever they stand."""
    if isinstance(value, dict):
        for key, inner in value.items():
            assert_times(inner, key)
    elif isinstance(value, list):
        for inner in value:
            assert_times(inner, name)
    elif name == "at" or name.endswith(("_at", "_since", "_until")) or name == "not_before":
        assert value is None or INSTANT.fullmatch(str(value)), (name, value)
    elif name.endswith("_seconds"):
        assert type(value) is int, (name, value)
    elif name == "id":
        assert value is None or isinstance(value, str), value


def test_a_ticket_has_the_contract_s_shape(many: Store) -> None:
    for text in windows.ticket_json(many.connection, None, "updated", 0, NOW):
        shown = json.loads(text)
        assert list(shown) == TICKET
        assert list(shown["requester"]) == ["id", "name", "email", "phone"]
        assert all(set(sla) == {"metric", "due_at", "remaining_seconds", "state", "source"} for sla in shown["sla"])
        assert type(shown["unread"]) is bool
        assert type(shown["message_count"]) is int
        assert_times(shown)


def test_a_conversation_has_the_contract_s_shape(store: Store) -> None:
    ingest(store, account(store), ticket(), message(), answer(at=T0 + 5), note(at=T0 + 9))
    shown = json.loads(thread_json(store.connection, key_of(store), NOW))
    assert list(shown) == [*TICKET, "messages", "events"]
    assert [one["kind"] for one in shown["messages"]] == ["customer", "agent", "note"]
    for one in shown["messages"]:
        assert set(one) >= MESSAGE
        assert list(one["author"]) == ["kind", "name", "email"]
    assert [list(event) for event in shown["events"]] == [EVENT]
    assert_times(shown)


@pytest.mark.parametrize(
    ("status", "solved_at", "due", "state"),
    [
        ("open", None, 5, "running"),
        ("open", None, -5, "breached"),
        ("solved", NOW - 10 * MINUTE, -5, "met"),
        ("solved", NOW, -5, "breached"),
    ],
)
def test_how_a_deadline_stands(store: Store, status: str, solved_at: int | None, due: int, state: str) -> None:
    late = ticket(status=TicketStatus(status), solved_at=solved_at, due_at=NOW + due * MINUTE)
    ingest(store, account(store), late)
    (sla,) = json.loads(windows.ticket_one_json(store.connection, key_of(store), NOW))["sla"]
    assert (sla["state"], sla["remaining_seconds"], sla["source"]) == (state, due * 60, "vendor")


def test_an_operation_has_the_contract_s_shape(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket())
    made = Operation("OP1", "desk", Verb.REPLY, key_of(store), "desk:1", {}, OperationState.HELD, 0, NOW, T0)
    with store.write() as connection:
        operations.add(connection, made, key)
        operations.add(connection, made.__class__("OP2", "desk", Verb.NOTE, None, None, {}, made.state, 0, 0, T0), key)
    first, second = (json.loads(text) for text in operations.list_json(store.connection, (), 0))
    assert list(first) == list(second) == OPERATION
    assert (first["target"], first["undo"]) == ("desk:1", "carecli ticket undo OP1")
    assert (second["target"], second["not_before"]) == (None, None)
    assert_times([first, second])


def test_references_lead_to_one_ticket_or_say_why_not(store: Store) -> None:
    ingest(store, account(store, "mail"), ticket("t1"), ticket("t2"))
    ingest(store, account(store, "chat"), ticket("t1"))
    find = windows.find_ticket
    assert find(store.connection, None, "2") == key_of(store, "2")
    assert find(store.connection, "mail", "1") != find(store.connection, "chat", "1")
    with pytest.raises(UsageError, match="1 could be mail:1, chat:1") as caught:
        find(store.connection, None, "1")
    assert caught.value.code == "AMBIGUOUS_REF"
    with pytest.raises(NotFoundError, match="no ticket chat:2"):
        find(store.connection, "chat", "2")


ODD = [
    "customer:²",
    "customer:99999999999999999999999",
    "created:²d",
    "created:99999999999999999999d",
    "wait:>٣h",
    "created:2026-²",
    "created:99999999999-01",
    "created:2026-13",
    "created:2026-10-05-1",
    "created:-5",
    "solved:2026..",
    "updated:..2026",
    "wait:soon",
    '""',
    '"\x00"',
    "a\x00b",
    '"*"',
    "^a",
    "NEAR",
    "a:1 support:12",
    "from:%_'",
    'tag:"a,b"',
    "team:none",
    "org:x lang:de in:title",
    "assignee:me,none,Ada",
    "?",
    "\udcff caf\udce9",
    "tag:\udcff",
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(ODD),
            st.sampled_from(["is:open", "-has:note", "(", ")", "or", "-", "sla:risk", "created:>", "wait:<"]),
            st.text(max_size=6),
        ),
        max_size=4,
    ).map(" ".join)
)
def test_no_query_makes_the_store_fail(many: Store, text: str) -> None:
    run_query(many, text)


@pytest.mark.parametrize("text", ODD)
def test_no_odd_query_makes_the_store_fail(many: Store, text: str) -> None:
    run_query(many, text)


def run_query(store: Store, text: str) -> None:
    """A query is answered or refused as a mistake, in a list and in a search."""
    with suppress(UsageError):
        windows.ticket_refs(store.connection, parse(text), "wait", 5, NOW)
    with suppress(UsageError):
        reads.hits(store.connection, text, 5, NOW)


def test_completion_offers_what_starts_with_the_word(many: Store) -> None:
    complete = windows.complete
    assert complete(many.connection, "account", "d") == ["desk"]
    assert complete(many.connection, "ref", "desk:5")[0].startswith("desk:5")
    assert complete(many.connection, "ref", "x") == []
    assert complete(many.connection, "tag", "") == []
    assert complete(many.connection, "agent", "") == []
