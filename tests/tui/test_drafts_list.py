"""The list of drafts: open, discard, bring back, move, copy."""

from __future__ import annotations

from typing import Any

import pytest

from carecli.bootstrap import Workspace
from carecli.domain.conversation import DraftMode
from carecli.tui.screens.drafts import Shelf
from carecli.tui.screens.pick import Pick
from hands import Settled, Shown, begin_reply, ticket_goes


async def put_away(desk: Any, pilot: Any, settled: Settled, text: str = "half a reply") -> int:
    ticket_id = await begin_reply(desk, pilot, settled, text)
    await pilot.press("escape")
    await settled(pilot, lambda: desk.composer is None)
    return ticket_id


async def open_list(desk: Any, pilot: Any, settled: Settled) -> Shelf:
    await pilot.press("g", "d")
    await settled(pilot, lambda: isinstance(desk.app.screen, Shelf))
    await pilot.pause()
    screen = desk.app.screen
    assert isinstance(screen, Shelf)
    return screen


async def test_discarded_and_brought_back(console: Any, workspace: Workspace, settled: Settled, shown: Shown) -> None:
    async with console() as (desk, pilot):
        ticket_id = await put_away(desk, pilot, settled)
        await open_list(desk, pilot, settled)
        assert shown(desk).count("half a reply") == 2, "in the list, and in full below"
        await pilot.press("d")
        await settled(pilot, lambda: workspace.drafts.list() == [])
        assert "kept until" in shown(desk)
        await pilot.press("b")
        await settled(pilot, lambda: len(workspace.drafts.list()) == 1)
        await pilot.press("d", "enter")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        assert desk.ticket_id == ticket_id
        assert desk.composer.text_area.text == "half a reply"
        assert workspace.drafts.list(discarded=True) == []


async def test_a_draft_of_a_deleted_ticket_moves_to_another(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await put_away(desk, pilot, settled)
        ticket_goes(workspace, ticket_id)
        desk.app.pulse.others_wrote()
        await open_list(desk, pilot, settled)
        assert "deleted at the vendor" in shown(desk)
        await pilot.press("enter")
        await settled(pilot, lambda: isinstance(desk.app.screen, Pick))
        await pilot.press(*"move", "enter")
        await settled(pilot, lambda: isinstance(desk.app.screen, Pick) and "Move the text" in shown(desk))
        await pilot.press(*"demo:1035", "enter")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        target = workspace.tickets.find("demo:1035")
        assert desk.ticket_id == target
        assert desk.composer.text_area.text == "half a reply"
        assert desk.composer.draft.to == workspace.replies.plan(target, DraftMode.REPLY).to, "never the old recipients"
        assert [draft.ticket_id for draft in workspace.drafts.list()] == [target]
        assert len(workspace.drafts.list(discarded=True)) == 1


async def test_copy_takes_the_whole_text(console: Any, settled: Settled, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr("carecli.tui.clipboard.copy", lambda text, _: copied.append(text))
    async with console() as (desk, pilot):
        await put_away(desk, pilot, settled)
        shelf = await open_list(desk, pilot, settled)
        await pilot.press("j", "k", "y")
        assert copied == ["half a reply"]
        assert desk.app.screen is shelf
        await pilot.press("escape")
        await settled(pilot, lambda: desk.app.screen is desk)


async def test_no_drafts_says_so(console: Any) -> None:
    async with console() as (desk, pilot):
        await pilot.press("g", "d")
        assert desk.status.said == "No drafts"
