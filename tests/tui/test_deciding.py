"""What waits for a person: nothing stale goes out unseen, every way out is one key, and nothing is lost on any of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carecli.bootstrap import Workspace
from carecli.domain.conversation import Address, Draft, DraftMode
from carecli.domain.operation import Operation, OperationState
from carecli.tui.commands.deciding import decide
from carecli.tui.screens.decide import Decide
from carecli.tui.screens.outbox import OutboxList
from hands import Settled, Shown, begin_reply, customer_writes, mail_ticket, send_reply, set_operation


def deciding(desk: Any) -> bool:
    return isinstance(desk.app.screen, Decide)


async def stopped(desk: Any, pilot: Any, settled: Settled, workspace: Workspace) -> int:
    """A customer writes while a reply is written; sending it comes to the screen."""
    ticket_id = await begin_reply(desk, pilot, settled)
    customer_writes(workspace, ticket_id)
    await pilot.press("ctrl+s")
    await settled(pilot, lambda: deciding(desk))
    await pilot.pause()
    return ticket_id


def sent_reply(workspace: Workspace, ticket_id: int, folder: Path | None = None) -> Operation:
    """A reply with everything a reply can have, as an operation."""
    plan = workspace.replies.plan(ticket_id, DraftMode.REPLY)
    files: tuple[str, ...] = ()
    if folder is not None:
        (folder / "label.txt").write_text("label", "utf-8")
        files = (str(folder / "label.txt"),)
    draft = Draft(
        "", ticket_id, None, None, workspace.context.actor, DraftMode.REPLY, plan.to, (Address("boss@example.com"),), (),
        plan.subject, "It left today", files, (("status", "solved"),), plan.newest_message_id, 0, 0, None,
    )  # fmt: skip
    return workspace.replies.send(draft)


async def test_the_new_message_stands_above_the_text(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    for size in ((80, 24), (160, 45)):
        async with console(size) as (desk, pilot):
            await stopped(desk, pilot, settled, workspace)
            screen = shown(desk)
            assert "NOT SENT – Vera Visitor wrote after you last looked" in screen
            assert screen.index("Please cancel it") < screen.index("YOUR REPLY") < screen.index("It left today")
            assert screen.index("It left today") < screen.index("send anyway")
            assert workspace.outbox.pending() == []
            await pilot.press("d")
            await settled(pilot, lambda: desk.composer is None)


async def test_edit_goes_back_to_the_text_and_what_was_shown_counts_as_seen(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        await stopped(desk, pilot, settled, workspace)
        await pilot.press("e")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"; cancelled", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("y")
        await settled(pilot, lambda: desk.held is not None)
        assert desk.held is not None
        assert desk.held.payload["body"] == "It left today; cancelled"
        assert not desk.held.payload["anyway"], "the guard stays on for what comes next"
        assert workspace.outbox.decision(desk.held.id).newer == ()


async def test_send_anyway_is_reviewed_like_any_other_text(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        await stopped(desk, pilot, settled, workspace)
        await pilot.press("s")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("y")
        await settled(pilot, lambda: desk.held is not None)


async def test_news_between_review_and_yes_stops_it_too(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        customer_writes(workspace, ticket_id)
        await pilot.press("y")
        await settled(pilot, lambda: deciding(desk))
        assert workspace.outbox.pending() == []
        await pilot.press("s")
        await settled(pilot, lambda: desk.held is not None)


async def test_a_choice_does_not_count_when_one_more_message_came(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await stopped(desk, pilot, settled, workspace)
        customer_writes(workspace, ticket_id, "No, wait")
        await pilot.press("s")
        await pilot.pause()
        assert deciding(desk)
        assert "look again before you decide" in shown(desk)
        assert "No, wait" in shown(desk)
        await pilot.press("s")
        await settled(pilot, lambda: desk.ask_bar.display)


async def test_discard_keeps_the_text_for_seven_days(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        await stopped(desk, pilot, settled, workspace)
        await pilot.press("d")
        await settled(pilot, lambda: desk.composer is None)
        assert [draft.body for draft in workspace.drafts.list(discarded=True)] == ["It left today"]


async def test_news_in_the_undo_window_come_up_when_the_hands_are_still(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carecli.tui.commands.deciding._STILL", 0.2)
    monkeypatch.setattr("carecli.tui.commands.deciding._REST", 600)
    async with console() as (desk, pilot):
        ticket_id = await send_reply(desk, pilot, settled)
        await pilot.press("1", "i")
        await settled(pilot, lambda: desk.context == "composer")
        customer_writes(workspace, ticket_id)
        desk.app.pulse.others_wrote()
        assert desk.untold, "it is known"
        assert not deciding(desk), "nobody is interrupted while writing"
        assert "needs you" in desk.status.said
        await pilot.press("escape")
        await settled(pilot, lambda: desk.composer is None)
        await settled(pilot, lambda: (desk.app.pulse.look(), deciding(desk))[1])
        await pilot.press("d")
        assert deciding(desk), "a key that was meant for something else does nothing"
        await settled(pilot, lambda: "NOT SENT" in shown(desk))
        desk.app.screen._awake = 0.0
        await pilot.press("e")
        await settled(pilot, lambda: desk.context == "composer")
        assert desk.composer.text_area.text == "It left today"
        assert workspace.outbox.pending() == []


async def test_a_refused_text_comes_back_with_everything(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown, tmp_path: Path
) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        made = sent_reply(workspace, ticket_id, tmp_path)
        set_operation(workspace, made.id, state="failed", last_error="550 no such user", attempts=1)
        desk.reload()
        await settled(pilot, lambda: "REFUSED" in shown(desk))
        assert "! decides" in shown(desk)
        await pilot.press("!")
        await settled(pilot, lambda: deciding(desk))
        await pilot.pause()
        assert "550 no such user" in shown(desk)
        assert "label.txt" in shown(desk)
        await pilot.press("e")
        await settled(pilot, lambda: desk.context == "composer")
        draft = desk.composer.current()
        assert draft.body == "It left today"
        assert draft.cc == (Address("boss@example.com"),)
        assert [Path(path).name for path in draft.attachments] == ["label.txt"]
        assert draft.actions == (("status", "solved"),)
        assert workspace.outbox.pending() == []


@pytest.mark.parametrize(("key", "state"), [("s", OperationState.READY), ("d", OperationState.CANCELLED)])
async def test_a_refused_text_is_tried_again_or_given_up(
    console: Any, workspace: Workspace, settled: Settled, key: str, state: OperationState
) -> None:
    async with console() as (desk, pilot):
        made = sent_reply(workspace, mail_ticket(desk))
        set_operation(workspace, made.id, state="failed", last_error="550 no such user")
        decide(desk, made.id)
        await settled(pilot, lambda: deciding(desk))
        await pilot.press(key)
        await settled(pilot, lambda: workspace.outbox.get(made.id).state is state)
        kept = [draft.body for draft in workspace.drafts.list(discarded=True)]
        assert kept == ([] if key == "s" else ["It left today"])


async def test_sending_again_what_may_have_arrived_is_asked_about(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        made = sent_reply(workspace, mail_ticket(desk))
        set_operation(workspace, made.id, state="unknown", last_error="the line was cut", not_before=0)
        decide(desk, made.id)
        await settled(pilot, lambda: deciding(desk))
        await pilot.pause()
        assert "nobody knows whether your reply arrived" in shown(desk)
        assert "the line was cut" in shown(desk)
        await pilot.press("s")
        await settled(pilot, lambda: "TWICE" in shown(desk))
        await pilot.press("n")
        await pilot.pause()
        assert workspace.outbox.get(made.id).state is OperationState.UNKNOWN
        await pilot.press("s")
        await settled(pilot, lambda: "TWICE" in shown(desk))
        await pilot.press("y")
        await settled(pilot, lambda: workspace.outbox.get(made.id).state is OperationState.READY)


async def test_looking_again_and_leaving_it(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        made = sent_reply(workspace, ticket_id)
        later = desk.now() + 60_000
        set_operation(workspace, made.id, state="unknown", last_error="the line was cut", not_before=later)
        decide(desk, made.id)
        await settled(pilot, lambda: deciding(desk))
        await pilot.press("l")
        await settled(pilot, lambda: workspace.outbox.get(made.id).not_before == 0)
        assert workspace.outbox.get(made.id).state is OperationState.UNKNOWN
        decide(desk, made.id)
        await settled(pilot, lambda: deciding(desk))
        await pilot.press("d")
        await settled(pilot, lambda: workspace.outbox.get(made.id).state is OperationState.CANCELLED)
        said = workspace.tickets.conversation(ticket_id).messages
        assert said[-1].body_text == "It left today", "it may have arrived, so it stays in sight"


@pytest.mark.parametrize(("key", "state"), [("m", OperationState.READY), ("t", OperationState.CANCELLED)])
async def test_both_sides_of_a_field_stand_side_by_side(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown, key: str, state: OperationState
) -> None:
    async with console() as (desk, pilot):
        (made,) = workspace.tickets.set_priority([mail_ticket(desk)], "urgent")
        payload = dict(made.payload) | {"base": "normal", "theirs": "low"}
        set_operation(workspace, made.id, state="conflict", payload=json.dumps(payload), last_error="both changed it")
        desk.reload()
        await pilot.press("!")
        await settled(pilot, lambda: deciding(desk))
        await settled(pilot, lambda: "CHANGED ON BOTH SIDES" in shown(desk))
        (row,) = [text for text in shown(desk).splitlines() if "Urgent" in text and "Low" in text]
        assert row.index("Normal") < row.index("Urgent") < row.index("Low")
        await pilot.press(key)
        await settled(pilot, lambda: workspace.outbox.get(made.id).state is state)


async def test_the_outbox_shows_what_needs_somebody_first(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        first = mail_ticket(desk)
        sent_reply(workspace, first)
        made = sent_reply(workspace, mail_ticket(desk, first))
        set_operation(workspace, made.id, state="failed", last_error="550 no such user")
        desk.reload()
        await pilot.press("g", "o")
        await settled(pilot, lambda: isinstance(desk.app.screen, OutboxList))
        await pilot.pause()
        assert [one.state for one in desk.app.screen.shown] == ["failed", "held"]
        assert "1 needs you" in shown(desk)
        await pilot.press("enter")
        await settled(pilot, lambda: deciding(desk))
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(desk.app.screen, OutboxList))
        assert [one.state for one in desk.app.screen.shown] == ["held"]
        await pilot.press("enter")
        await settled(pilot, lambda: deciding(desk))
        await pilot.press("escape")
        await settled(pilot, lambda: isinstance(desk.app.screen, OutboxList))


async def test_the_key_for_deciding_says_when_there_is_nothing(console: Any) -> None:
    async with console() as (desk, pilot):
        await pilot.press("!")
        assert "nothing waits for you" in desk.status.said


async def test_a_second_text_is_kept_when_the_first_comes_back(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await send_reply(desk, pilot, settled, "first")
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"second", "escape")
        await settled(pilot, lambda: desk.composer is None)
        await pilot.press("u")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        assert desk.composer.text_area.text == "first"
        assert {draft.body for draft in workspace.drafts.list()} == {"first", "second"}
        assert {draft.ticket_id for draft in workspace.drafts.list()} == {ticket_id}


async def test_an_answer_from_another_window_is_told_before_a_second_one_leaves(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled)
        plan = workspace.replies.plan(ticket_id, DraftMode.REPLY)
        assert desk.composer is not None
        mine = desk.composer.hand_over()
        assert workspace.drafts.answered_since(mine) is None
        elsewhere = replace(mine, id="", body="already answered", to=plan.to)
        workspace.replies.send(elsewhere, hold_seconds=0)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert "This ticket was answered at" in shown(desk)
        assert workspace.drafts.unseen(mine) == (), "our own words are no news"


async def test_a_second_answer_right_after_the_first_is_not_stopped(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        await send_reply(desk, pilot, settled, "first")
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"second", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert not any(tone == "warn" for tone, _ in desk.ask_bar.lines)
        await pilot.press("y")
        await settled(pilot, lambda: len(workspace.outbox.pending()) == 2)
