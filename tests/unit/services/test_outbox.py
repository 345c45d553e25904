"""What a person decides about operations that wait: every choice, and what it leaves behind."""

from __future__ import annotations

import pytest

from carecli.bootstrap import Workspace
from carecli.domain.conversation import DraftMode
from carecli.domain.errors import ConflictError
from carecli.domain.operation import NEEDS_PERSON, Operation, OperationState, Verb
from workbench import draft_of

S = OperationState


def reply(ws: Workspace, state: OperationState, *, solve: bool = False) -> Operation:
    """A reply in some state."""
    key = ws.tickets.find("desk:1001")
    made = ws.replies.make(draft_of(ws.replies.plan(key, DraftMode.REPLY), "words"), hold_seconds=0, solve=solve)[0]
    put(ws, made, state)
    return made


def put(ws: Workspace, made: Operation, state: OperationState) -> None:
    code = NEEDS_PERSON if state is S.UNKNOWN else None
    sql = "UPDATE operation SET state = ?, error_code = ? WHERE id = ?"
    ws.store.connection.execute(sql, (state, code, made.id))


@pytest.mark.parametrize(
    ("state", "choices"),
    [
        (S.HELD, ("edit", "discard", "send")),
        (S.READY, ("edit", "discard", "send")),
        (S.CONFLICT, ("edit", "discard", "send")),
        (S.FAILED, ("edit", "discard", "send")),
        (S.UNKNOWN, ("look", "discard", "send")),
        (S.INFLIGHT, ()),
        (S.DONE, ()),
        (S.CANCELLED, ()),
    ],
)
def test_what_can_be_done_about_a_text(ws: Workspace, state: OperationState, choices: tuple[str, ...]) -> None:
    made = reply(ws, state)
    assert ws.outbox.decision(made.id).choices == choices
    for choice in ("discard", "send", "look"):
        if choice not in choices:
            with pytest.raises(ConflictError):
                ws.outbox.resolve(made.id, choice)
            assert ws.outbox.get(made.id).state is state


@pytest.mark.parametrize("state", [S.CONFLICT, S.FAILED, S.UNKNOWN, S.HELD])
def test_sending_anyway_puts_it_back_in_line(ws: Workspace, state: OperationState) -> None:
    made = reply(ws, state)
    found = ws.outbox.resolve(made.id, "send")
    assert (found.state, found.error_code, found.not_before) == (S.READY, None, 0)


def test_sending_anyway_covers_what_was_there_and_nothing_later(ws: Workspace) -> None:
    made = reply(ws, S.CONFLICT)
    newest = ws.store.connection.execute("SELECT max(id) FROM message WHERE operation_id IS NULL").fetchone()[0]
    key = ws.tickets.find("desk:1001")
    ws.store.connection.execute("UPDATE message SET ticket_id = ? WHERE id = ?", (key, newest))
    assert ws.outbox.resolve(made.id, "send").base_message_id == max(newest, made.base_message_id or 0)


@pytest.mark.parametrize("state", [S.CONFLICT, S.FAILED, S.READY])
def test_discarding_keeps_the_text_for_a_week_and_takes_along_what_waited(ws: Workspace, state: OperationState) -> None:
    status = ws.tickets.get(ws.tickets.find("desk:1001")).status
    made = reply(ws, state, solve=True)
    ws.outbox.resolve(made.id, "discard")
    assert ws.outbox.pending() == []
    assert ws.drafts.list() == []
    assert [draft.body for draft in ws.drafts.list(discarded=True)] == ["words"]
    assert ws.tickets.get(made.ticket_id or 0).status == status


def test_giving_up_an_unknown_one_leaves_its_text_in_sight(ws: Workspace) -> None:
    made = reply(ws, S.UNKNOWN, solve=True)
    ws.outbox.resolve(made.id, "discard")
    assert ws.outbox.pending() == []
    said = ws.tickets.conversation(made.ticket_id or 0).messages
    assert [one.delivery for one in said if one.body_text == "words"] == ["cancelled"]


@pytest.mark.parametrize("choice", ["look", "retry"])
def test_an_unknown_one_is_looked_up_again_and_not_sent(ws: Workspace, choice: str) -> None:
    made = reply(ws, S.UNKNOWN)
    found = ws.outbox.retry(made.id) if choice == "retry" else ws.outbox.resolve(made.id, "look")
    assert (found.state, found.error_code, found.not_before) == (S.UNKNOWN, None, 0)


def change(ws: Workspace, state: OperationState, theirs: str = "low") -> Operation:
    key = ws.tickets.find("desk:1001")
    (made,) = ws.tickets.set_priority([key], "urgent")
    ws.store.connection.execute(
        "UPDATE operation SET state = ?, payload = json_set(payload, '$.theirs', ?) WHERE id = ?",
        (state, theirs, made.id),
    )
    ws.store.connection.execute("UPDATE ticket SET priority = ? WHERE id = ?", (theirs, key))
    return made


def test_both_sides_of_a_field_are_told(ws: Workspace) -> None:
    made = change(ws, S.CONFLICT)
    decision = ws.outbox.decision(made.id)
    assert decision.choices == ("theirs", "mine")
    (field,) = decision.fields
    assert (field.field, field.mine, field.theirs) == ("priority", "urgent", "low")
    assert decision.newer == ()


@pytest.mark.parametrize(("choice", "shown", "state"), [("mine", "urgent", S.READY), ("theirs", "low", S.CANCELLED)])
def test_one_side_is_kept(ws: Workspace, choice: str, shown: str, state: OperationState) -> None:
    made = change(ws, S.CONFLICT)
    assert ws.outbox.resolve(made.id, choice).state is state
    assert ws.tickets.get(made.ticket_id or 0).priority == shown


def test_only_texts_that_have_not_left_are_edited(ws: Workspace) -> None:
    made = reply(ws, S.CONFLICT)
    assert ws.outbox.edit(made.id, "other words").payload["body"] == "other words"
    put(ws, made, S.INFLIGHT)
    with pytest.raises(ConflictError) as late:
        ws.outbox.edit(made.id, "too late")
    assert late.value.code == "TOO_LATE"
    with pytest.raises(ConflictError):
        ws.outbox.edit(change(ws, S.READY).id, "no text")
    assert made.verb is Verb.REPLY
