"""Undo and redo: by command, before and after the vendor has it, and never over somebody else's change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carecli.bootstrap import Workspace
from carecli.domain.conversation import DraftMode
from carecli.domain.errors import ConflictError, ForbiddenError, NotFoundError
from carecli.domain.operation import OperationState, Verb
from carecli.domain.ticket import Ticket
from carecli.sync.run import Report
from workbench import draft_of

Push = Callable[[], Report]
DONE, READY, CANCELLED = OperationState.DONE, OperationState.READY, OperationState.CANCELLED


def keys(ws: Workspace, count: int) -> list[int]:
    """Tickets that are open."""
    found = [ws.tickets.find(f"desk:{1001 + place}") for place in range(12)]
    return [key for key in found if ws.tickets.get(key).status in ("new", "open", "pending")][:count]


def fields(ticket: Ticket) -> tuple[object, ...]:
    return ticket.status, ticket.priority, ticket.tags, ticket.assignee


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("verb", [Verb.STATUS, Verb.PRIORITY, Verb.TAG, Verb.ASSIGN, Verb.SNOOZE])
def test_every_change_of_a_command_is_taken_back_and_done_again_at_once(
    ws: Workspace, push: Push, verb: Verb, pushed: bool
) -> None:
    chosen = keys(ws, 3)
    before = [fields(ws.tickets.get(key)) for key in chosen]
    made = {
        Verb.STATUS: lambda: ws.tickets.set_status(chosen, "on_hold"),
        Verb.PRIORITY: lambda: ws.tickets.set_priority(chosen, "urgent"),
        Verb.TAG: lambda: ws.tickets.tag(chosen, ["one", "two"], []),
        Verb.ASSIGN: lambda: [*ws.tickets.assign(chosen, None), *ws.tickets.assign(chosen, "me")][3:],
        Verb.SNOOZE: lambda: ws.tickets.snooze(chosen, 1_900_000_000_000),
    }[verb]()
    assert len(made) == 3
    after = [fields(ws.tickets.get(key)) for key in chosen]
    assert (after != before) is (verb is not Verb.SNOOZE)
    for _ in range(2):
        if pushed:
            push()
        undone = ws.tickets.undo()
        assert len(undone) == 3
        assert {one.state for one in undone} == ({DONE} if verb is Verb.SNOOZE else {READY if pushed else CANCELLED})
        if verb is not Verb.ASSIGN:
            assert [fields(ws.tickets.get(key)) for key in chosen] == before
        if pushed:
            push()
        assert len(ws.tickets.redo()) == 3
        assert [fields(ws.tickets.get(key)) for key in chosen] == after


def test_commands_are_taken_back_one_after_the_other(ws: Workspace) -> None:
    one, two = keys(ws, 2)
    was = [fields(ws.tickets.get(key)) for key in (one, two)]
    ws.tickets.set_priority([one], "urgent")
    ws.tickets.set_status([one, two], "on_hold")
    ws.tickets.tag([two], ["x"], [])
    assert [len(ws.tickets.undo()) for _ in range(3)] == [1, 2, 1]
    assert [fields(ws.tickets.get(key)) for key in (one, two)] == was
    with pytest.raises(NotFoundError) as nothing:
        ws.tickets.undo()
    assert nothing.value.code == "NOTHING_TO_UNDO"
    assert [len(ws.tickets.redo()) for _ in range(3)] == [1, 2, 1]
    with pytest.raises(NotFoundError) as nothing:
        ws.tickets.redo()
    assert nothing.value.code == "NOTHING_TO_REDO"
    assert ws.tickets.get(one).priority == "urgent"


def test_what_changed_since_is_left(ws: Workspace, push: Push) -> None:
    one, two = keys(ws, 2)
    ws.tickets.set_status([one, two], "on_hold")
    push()
    ws.store.connection.execute(
        "UPDATE ticket SET status = 'pending', status_category = 'waiting' WHERE id = ?", (one,)
    )
    assert [made.ticket_id for made in ws.tickets.undo()] == [two]
    ws.tickets.set_status([one], "solved")
    push()
    ws.store.connection.execute("UPDATE ticket SET status = 'open', status_category = 'open' WHERE id = ?", (one,))
    with pytest.raises(ConflictError, match="changed to open since then") as changed:
        ws.tickets.undo()
    assert changed.value.code == "CHANGED_SINCE"


def test_a_change_that_is_under_way_is_too_late_to_cancel(ws: Workspace) -> None:
    (made,) = ws.tickets.set_status(keys(ws, 1), "on_hold")
    ws.store.connection.execute("UPDATE operation SET state = 'inflight' WHERE id = ?", (made.id,))
    with pytest.raises(ConflictError) as late:
        ws.tickets.undo(made.id)
    assert late.value.code == "TOO_LATE"


def test_an_operation_is_undone_once(ws: Workspace, push: Push) -> None:
    (made,) = ws.tickets.set_status(keys(ws, 1), "on_hold")
    push()
    ws.tickets.undo(made.id)
    with pytest.raises(ForbiddenError) as twice:
        ws.tickets.undo(made.id)
    assert twice.value.code == "NOT_UNDOABLE"


def test_redo_of_an_undo_that_waits_leaves_the_change_to_be_undone_again(ws: Workspace, push: Push) -> None:
    (key,) = keys(ws, 1)
    was = ws.tickets.get(key).status
    ws.tickets.set_status([key], "on_hold")
    push()
    ws.tickets.undo()
    assert [one.state for one in ws.tickets.redo()] == [CANCELLED]
    assert ws.tickets.get(key).status == "on_hold"
    ws.tickets.undo()
    push()
    assert ws.tickets.get(key).status == was


def test_a_cancelled_change_below_another_leaves_the_other_on_what_was_there(ws: Workspace, push: Push) -> None:
    (key,) = keys(ws, 1)
    was = ws.tickets.get(key).priority
    first = ws.tickets.set_priority([key], "urgent")[0]
    ws.tickets.set_priority([key], "low")
    ws.outbox.cancel(first.id)
    assert ws.tickets.get(key).priority == "low"
    assert push().conflicts == 0
    ws.tickets.undo()
    assert ws.tickets.get(key).priority == was


def test_a_text_that_is_taken_back_is_a_draft_again(ws: Workspace) -> None:
    (key,) = keys(ws, 1)
    status = ws.tickets.get(key).status
    plan = ws.replies.plan(key, DraftMode.REPLY)

    made = ws.replies.make(draft_of(plan, "Dear customer"), hold_seconds=60, solve=True)
    assert [one.verb for one in made] == [Verb.REPLY, Verb.STATUS]
    assert len(ws.tickets.undo()) >= 1
    (draft,) = ws.drafts.list()
    assert (draft.body, draft.ticket_id) == ("Dear customer", key)
    assert [one.email for one in draft.to] == [one.email for one in plan.to]
    assert ws.tickets.get(key).status == status
    assert ws.outbox.pending() == []


def test_a_cancelled_change_of_tags_below_another_leaves_what_was_there(ws: Workspace) -> None:
    (key,) = keys(ws, 1)
    ws.tickets.tag([key], ["a"], list(ws.tickets.get(key).tags))
    ws.store.connection.execute("UPDATE operation SET state = 'done'")
    first = ws.tickets.tag([key], ["b"], ["a"])[0]
    second = ws.tickets.tag([key], ["a"], [])[0]
    assert ws.tickets.get(key).tags == ("b", "a")
    ws.outbox.cancel(first.id)
    assert ws.tickets.get(key).tags == ("a",)
    ws.outbox.cancel(second.id)
    assert ws.tickets.get(key).tags == ("a",)
