"""Changes of fields on a real store: applied, taken back, and put on top of what a pull brings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carecli.domain.operation import Operation, OperationState, Signal, Verb
from carecli.domain.ticket import Priority, TicketStatus
from carecli.store import operations, tickets
from carecli.store.engine import Store
from carecli.sync import effects
from carecli.sync.merge import inverse
from workbench import T0, account, answer, ingest, intact, key_of, message, ticket

WATCHED = "status, status_category, status_label, priority, assignee_id, tags, snoozed_until, solved_at, closed_at, waiting_since"
TAGS = st.lists(st.sampled_from(["a", "b", "c", "größe"]), unique=True, max_size=3)
CHANGES = st.one_of(
    st.sampled_from(TicketStatus).map(lambda s: (Verb.STATUS, {"value": str(s)})),
    st.sampled_from(Priority).map(lambda p: (Verb.PRIORITY, {"value": str(p)})),
    st.sampled_from([None, "Ada", "Grace"]).map(lambda who: (Verb.ASSIGN, {"value": who})),
    st.tuples(TAGS, TAGS).map(lambda t: (Verb.TAG, {"add": t[0], "remove": t[1]})),
    st.sampled_from([None, T0 + 1, T0 + 2]).map(lambda at: (Verb.SNOOZE, {"value": at})),
)


def watched(store: Store, key: int) -> dict[str, object]:
    """Fields of a ticket as people see them; the order of tags means nothing."""
    found: dict[str, object] = dict(
        zip(WATCHED.split(", "), tickets.current(store.connection, key, WATCHED), strict=True)
    )
    found["tags"] = sorted(str(tag) for tag in effects.shown(store.connection, key, Verb.TAG))  # type: ignore[attr-defined]
    index = store.connection.execute("SELECT tag FROM ticket_tag WHERE ticket_id = ? ORDER BY tag", (key,))
    assert [row[0] for row in index] == found["tags"]
    return found


@pytest.fixture
def key(store: Store) -> int:
    """A ticket that waits, with tags."""
    ingest(store, account(store), ticket(tags=("a", "b"), priority=Priority.HIGH), message())
    return key_of(store)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(CHANGES, max_size=3), change=CHANGES)
def test_a_change_and_its_inverse_give_the_state_before(
    store: Store,
    key: int,
    before: list[tuple[Verb, dict[str, object]]],
    change: tuple[Verb, dict[str, object]],
) -> None:
    connection = store.connection
    connection.execute("BEGIN IMMEDIATE")
    for verb, payload in before:
        effects.apply(connection, key, verb, payload, T0 + 5)
    was = watched(store, key)
    verb, payload = change
    shown = effects.shown(connection, key, verb)
    changed = effects.apply(connection, key, verb, payload, T0 + 9)
    assert changed == (effects.shown(connection, key, verb) != shown)
    assert changed or watched(store, key) == was
    effects.apply(connection, key, verb, inverse(shown, verb, payload), T0 + 10)
    back = watched(store, key)
    # When a ticket ended is not kept: solving again what was solved is a new end.
    dates = {"solved_at": None, "closed_at": None}
    assert back | dates == was | dates
    assert (back["solved_at"] is None) == (was["solved_at"] is None)
    assert (back["closed_at"] is None) == (was["closed_at"] is None)
    connection.execute("ROLLBACK")


def test_solving_ends_the_wait_and_opening_again_brings_it_back(store: Store, key: int) -> None:
    before = watched(store, key)
    assert before["waiting_since"] == T0
    assert effects.apply(store.connection, key, Verb.STATUS, {"value": "solved"}, T0 + 5)
    solved = watched(store, key)
    assert (solved["waiting_since"], solved["solved_at"], solved["status_category"]) == (None, T0 + 5, "done")
    assert effects.apply(store.connection, key, Verb.STATUS, {"value": "closed"}, T0 + 6)
    closed = watched(store, key)
    assert (closed["solved_at"], closed["closed_at"]) == (T0 + 5, T0 + 6)
    assert effects.apply(store.connection, key, Verb.STATUS, {"value": "open"}, T0 + 7)
    assert watched(store, key) == before


def test_opening_what_was_answered_makes_nobody_wait(store: Store, key: int) -> None:
    ingest(store, account(store), answer(at=T0 + 3), cursor="c2")
    effects.apply(store.connection, key, Verb.STATUS, {"value": "solved"}, T0 + 5)
    effects.apply(store.connection, key, Verb.STATUS, {"value": "open"}, T0 + 6)
    assert watched(store, key)["waiting_since"] is None


def test_nothing_changes_when_it_is_so_already(store: Store, key: int) -> None:
    before = tickets.current(store.connection, key, WATCHED + ", updated_at")
    assert not effects.apply(store.connection, key, Verb.STATUS, {"value": "open"}, T0 + 5)
    assert not effects.apply(store.connection, key, Verb.TAG, {"add": ["a"], "remove": ["z"]}, T0 + 5)
    assert not effects.apply(store.connection, key, Verb.ASSIGN, {"value": None}, T0 + 5)
    assert tickets.current(store.connection, key, WATCHED + ", updated_at") == before


def test_a_stranger_becomes_an_agent_once(store: Store, key: int) -> None:
    for _ in (1, 2):
        effects.apply(store.connection, key, Verb.ASSIGN, {"value": "Ada"}, T0)
        effects.apply(store.connection, key, Verb.ASSIGN, {"value": None}, T0)
    assert store.connection.execute("SELECT count(*) FROM agent WHERE name = 'Ada'").fetchone() == (1,)


def made(store: Store, key: int, number: int, verb: Verb, payload: dict[str, object], state: OperationState) -> str:
    operation = Operation(f"OP{number}", "desk", verb, key, "desk:1", payload, state, 0, 0, T0)
    with store.write() as connection:
        effects.apply(connection, key, verb, payload, T0 + number)
        operations.add(connection, operation, account(store))
    return operation.id


@pytest.mark.parametrize(
    ("state", "stands"),
    [(s, s.name in {"HELD", "READY", "INFLIGHT", "UNKNOWN"}) for s in OperationState],
)
def test_a_pull_leaves_a_change_that_has_not_reached_the_vendor(
    store: Store, key: int, state: OperationState, stands: bool
) -> None:
    made(store, key, 1, Verb.PRIORITY, {"value": "urgent", "base": "low"}, state)
    made(store, key, 2, Verb.TAG, {"add": ["mine"], "remove": ["a"]}, state)
    remote = ticket(tags=("a", "theirs"), priority=Priority.LOW, updated_at=T0 + 50)
    ingest(store, account(store), remote, cursor="c2", now=T0 + 60)
    found = watched(store, key)
    assert found["priority"] == ("urgent" if stands else "low")
    assert found["tags"] == (["mine", "theirs"] if stands else ["a", "theirs"])
    assert intact(store)


def test_the_event_of_a_change_names_the_field_and_both_values(store: Store, key: int) -> None:
    operation = Operation("OP1", "desk", Verb.TAG, key, "desk:1", {}, OperationState.READY, 0, 0, T0, actor="Sam")
    effects.log(store.connection, operation, account(store), ["a"], ["a", "b"])
    sent = Operation("OP2", "desk", Verb.REPLY, key, "desk:1", {}, OperationState.READY, 0, 0, T0, actor="Sam")
    effects.log(store.connection, sent, account(store), None, 5)
    rows = store.connection.execute(
        "SELECT actor, origin, verb, field, old, new, operation_id FROM event WHERE actor = 'Sam' ORDER BY seq"
    ).fetchall()
    assert rows == [
        ("Sam", "cli", "changed", "tags", "a", "a, b", "OP1"),
        ("Sam", "cli", "reply", None, None, "5", "OP2"),
    ]


def waiting(store: Store, key: int, number: int, value: str, base: str, state: OperationState) -> str:
    """A change of priority as the services make it, in some state."""
    operation = Operation(
        f"OP{number}",
        "desk",
        Verb.PRIORITY,
        key,
        "desk:1",
        {"value": value, "base": base},
        state,
        0,
        0,
        T0,
        inverse={"value": base},
    )
    with store.write() as connection:
        effects.apply(connection, key, Verb.PRIORITY, operation.payload, T0 + number)
        operations.add(connection, operation, account(store))
    return operation.id


def pulled(store: Store, priority: Priority, version: int) -> None:
    """The vendor tells its priority."""
    ingest(store, account(store), ticket(priority=priority, updated_at=T0 + version), cursor=f"c{version}")


def priority(store: Store, key: int) -> object:
    return effects.shown(store.connection, key, Verb.PRIORITY)


def test_what_the_vendor_has_already_need_not_be_sent_or_doubted(store: Store, key: int) -> None:
    ready = waiting(store, key, 1, "urgent", "normal", OperationState.READY)
    unknown = waiting(store, key, 2, "urgent", "urgent", OperationState.UNKNOWN)
    pulled(store, Priority.URGENT, 50)
    assert [operations.get(store.connection, one).state for one in (ready, unknown)] == ["done", "done"]


def test_a_clash_shows_theirs_and_keeps_both_values(store: Store, key: int) -> None:
    first = waiting(store, key, 1, "urgent", "normal", OperationState.READY)
    pulled(store, Priority.LOW, 50)
    found = operations.get(store.connection, first)
    assert (found.state, found.error_code, found.payload["theirs"]) == ("conflict", "FIELD_CONFLICT", "low")
    assert priority(store, key) == "low"
    pulled(store, Priority.HIGH, 51)
    assert operations.get(store.connection, first).payload["theirs"] == "high"
    with store.write() as connection:
        assert not effects.take_from_sight(connection, operations.get(connection, first), T0 + 60)
    assert priority(store, key) == "high"


def test_a_change_whose_outcome_is_open_is_overtaken_when_the_vendor_tells_a_third_value(
    store: Store, key: int
) -> None:
    first = waiting(store, key, 1, "urgent", "normal", OperationState.UNKNOWN)
    assert not effects.overtaken(operations.get(store.connection, first))
    pulled(store, Priority.LOW, 50)
    assert priority(store, key) == "urgent"
    found = operations.get(store.connection, first)
    assert effects.overtaken(found)
    with store.write() as connection:
        effects.arrived(connection, found, T0 + 60)
    assert priority(store, key) == "low", "it had arrived, and was changed after that"


def test_under_way_only_a_third_value_is_news(store: Store, key: int) -> None:
    first = waiting(store, key, 1, "urgent", "normal", OperationState.INFLIGHT)
    pulled(store, Priority.NORMAL, 50)
    assert "theirs" not in operations.get(store.connection, first).payload
    with store.write() as connection:
        effects.arrived(connection, operations.get(connection, first), T0 + 55)
    assert priority(store, key) == "urgent"
    pulled(store, Priority.LOW, 60)
    assert operations.get(store.connection, first).payload["theirs"] == "low"


def test_what_came_later_is_based_on_what_ended(store: Store, key: int) -> None:
    first = waiting(store, key, 1, "urgent", "normal", OperationState.READY)
    second = waiting(store, key, 2, "low", "urgent", OperationState.READY)
    with store.write() as connection:
        gone = operations.get(connection, first)
        operations.move(connection, first, Signal.REJECTED, T0 + 5)
        assert not effects.take_from_sight(connection, gone, T0 + 5)
        rebased = operations.get(connection, second)
        assert (rebased.payload["base"], rebased.inverse) == ("normal", {"value": "normal"})
        operations.move(connection, first, Signal.AGAIN, T0 + 6)
        refused = replace(gone, state=OperationState.FAILED)
        effects.bring_to_sight(connection, refused, T0 + 6)
        back, first_now = operations.get(connection, second), operations.get(connection, first)
        assert (back.payload["base"], back.inverse) == ("urgent", {"value": "urgent"})
        assert first_now.inverse == {"value": "normal"}
    assert priority(store, key) == "low"


def test_a_text_and_a_change_without_a_ticket_have_nothing_in_sight(store: Store, key: int) -> None:
    text = Operation("OP1", "desk", Verb.NOTE, key, "desk:1", {}, OperationState.FAILED, 0, 0, T0)
    before = watched(store, key)
    nowhere = Operation("OP2", "desk", Verb.TAG, None, None, {"add": ["a"]}, OperationState.FAILED, 0, 0, T0)
    with store.write() as connection:
        for operation in (text, nowhere):
            effects.bring_to_sight(connection, operation, T0)
            assert not effects.take_from_sight(connection, operation, T0)
            assert not effects.overtaken(operation)
    assert watched(store, key) == before


def test_what_is_in_sight_is_not_stacked_again(store: Store, key: int) -> None:
    first = waiting(store, key, 1, "urgent", "normal", OperationState.UNKNOWN)
    second = waiting(store, key, 2, "low", "urgent", OperationState.READY)
    with store.write() as connection:
        effects.bring_to_sight(connection, operations.get(connection, first), T0 + 6)
        assert operations.get(connection, first).inverse == {"value": "normal"}
        assert operations.get(connection, second).inverse == {"value": "urgent"}
    assert priority(store, key) == "low"
