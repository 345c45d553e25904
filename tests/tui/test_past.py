"""The past: history, today's changes, undo as one step, and what a person is told who leaves."""

from __future__ import annotations

from typing import Any

from carecli.bootstrap import Workspace
from carecli.domain.operation import OperationState
from carecli.tui.commands.sending import parting
from carecli.tui.screens.reader import Reader
from carecli.tui.screens.today import Today
from hands import Settled, Shown, mail_ticket, send_reply, set_operation


async def test_the_history_of_a_ticket(console: Any, workspace: Workspace, settled: Settled, shown: Shown) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        workspace.tickets.set_priority([ticket_id], "urgent")
        workspace.tickets.tag([ticket_id], ["vip"], [])
        await pilot.press("H")
        await settled(pilot, lambda: isinstance(desk.app.screen, Reader))
        await pilot.pause()
        screen = shown(desk)
        assert "→ urgent" in screen
        assert "vip" in screen
        assert "Today" in screen
        assert screen.index("vip") < screen.index("→ urgent"), "newest first"


async def test_what_i_changed_today_leads_to_the_ticket(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        workspace.tickets.set_priority([ticket_id], "urgent")
        desk.inbox.move_to(desk.inbox.cursor + 3)
        await pilot.press("colon", *"what i changed", "enter")
        await settled(pilot, lambda: isinstance(desk.app.screen, Today))
        await pilot.pause()
        assert "→ urgent" in shown(desk)
        await pilot.press(*"urgent", "enter")
        await settled(pilot, lambda: desk.ticket_id == ticket_id)


async def test_a_bulk_change_is_taken_back_and_done_again_as_one_step(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ids = [desk.inbox.row(index).id for index in range(3)]
        before = [workspace.tickets.get(one).status for one in ids]
        await pilot.press("space", "space", "space", "s")
        await pilot.press(*"on hold", "enter")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("y")
        await settled(pilot, lambda: [workspace.tickets.get(one).status for one in ids] == ["on_hold"] * 3)
        await pilot.press("u")
        await settled(pilot, lambda: [workspace.tickets.get(one).status for one in ids] == before)
        assert "3 tickets" in desk.status.said
        await pilot.press("ctrl+r")
        await settled(pilot, lambda: [workspace.tickets.get(one).status for one in ids] == ["on_hold"] * 3)
        assert "3 tickets" in desk.status.said


async def test_nothing_to_undo_is_said_calmly(console: Any) -> None:
    async with console() as (desk, pilot):
        await pilot.press("u")
        assert desk.status.said.casefold().startswith("there is nothing to undo")


async def test_undo_after_the_window_still_gives_the_text_back(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        await send_reply(desk, pilot, settled, "still here")
        (held,) = workspace.outbox.pending()
        set_operation(workspace, held.id, state="ready", not_before=0)
        desk.held = None
        await pilot.press("u")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        assert desk.composer.text_area.text == "still here"
        assert workspace.outbox.pending() == []


async def test_solving_with_a_reply_is_one_step(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        before = workspace.tickets.get(ticket_id).status
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"done", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("s")
        await settled(pilot, lambda: desk.held is not None)
        assert workspace.tickets.get(ticket_id).status == "solved"
        await pilot.press("u")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        assert desk.composer.text_area.text == "done"
        assert workspace.tickets.get(ticket_id).status == before
        assert workspace.outbox.pending() == []


async def test_leaving_with_a_held_text_asks_and_keeps_it(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        await send_reply(desk, pilot, settled)
        await pilot.press("q")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert "1 message is still held" in desk.ask_bar.lines[0][1]
        await pilot.press("n")
        await pilot.pause()
        assert desk.app.is_running
        assert parting(desk) == ("1 message is still held or queued; carecli sync sends it, and so does the console.")
        await pilot.press("q")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("y")
    assert [one.state for one in workspace.outbox.pending()] == [OperationState.HELD]


async def test_a_text_held_when_the_console_was_left_counts_down_again(
    console: Any, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        await send_reply(desk, pilot, settled)
    async with console() as (desk, pilot):
        await settled(pilot, lambda: desk.held is not None)
        assert "u to undo" in shown(desk)


async def test_two_held_texts_count_down_one_after_the_other(console: Any, settled: Settled, shown: Shown) -> None:
    async with console() as (desk, pilot):
        first = await send_reply(desk, pilot, settled, "one")
        await pilot.press("1")
        mail_ticket(desk, first)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"two", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("y")
        await settled(pilot, lambda: "2 are held" in shown(desk))
        await pilot.press("u")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        assert desk.composer.text_area.text == "two"
        assert desk.held is not None
        assert desk.held.payload["body"] == "one"
