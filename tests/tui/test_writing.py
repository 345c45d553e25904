from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from carecli.bootstrap import Workspace
from carecli.domain.conversation import Address, DraftMode
from carecli.domain.operation import OperationState, Verb
from carecli.tui.panes.composer import Banner, parse_addresses
from carecli.tui.screens.desk import Desk

Settled = Callable[[Pilot[int], Callable[[], bool]], Awaitable[None]]
Shown = Callable[[Desk], str]


def mail_ticket(desk: Desk) -> int:
    """Puts the cursor on an e-mail ticket."""
    for index in range(desk.inbox.item_count()):
        row = desk.inbox.row(index)
        if row is not None and row.channel == "email":
            desk.inbox.move_to(index)
            return row.id
    raise AssertionError("the demo has e-mail tickets")


async def test_reply_is_held_and_undo_brings_everything_back(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        await pilot.press("r")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        composer = desk.composer
        assert composer is not None
        assert composer.query_one(Banner).words.startswith("PUBLIC REPLY to ")
        assert "(e-mail)" in composer.query_one(Banner).words
        await pilot.press(*"Hello", "enter", *"there")
        await settled(pilot, lambda: workspace.drafts.find(ticket_id, DraftMode.REPLY) is not None)
        composer.query_one("#cc", Input).value = "boss@example.com"
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert "PUBLIC REPLY" in desk.ask_bar.lines[0][1]
        await pilot.press("y")
        await settled(pilot, lambda: desk.held is not None)
        assert desk.composer is None
        assert "Sending in" in shown(desk)
        assert [o.verb for o in workspace.outbox.pending()] == [Verb.REPLY]
        await pilot.press("u")
        await settled(pilot, lambda: desk.composer is not None and desk.composer.is_mounted)
        await settled(pilot, lambda: desk.composer is not None and desk.composer.text_area.text == "Hello\nthere")
        assert desk.composer is not None
        assert desk.composer.current().cc == (Address("boss@example.com"),)
        assert "Sending in" not in shown(desk)
        held = [o for o in workspace.outbox.pending() if o.state in (OperationState.HELD, OperationState.READY)]
        assert held == []


async def test_note_says_so_and_is_another_colour(console: Any, settled: Settled, shown: Shown) -> None:
    async with console() as (desk, pilot):
        await pilot.press("i")
        await settled(pilot, lambda: desk.composer is not None and desk.context == "composer")
        assert desk.composer is not None
        assert "INTERNAL NOTE – the customer will not see this" in shown(desk)
        assert desk.composer.has_class("-note")
        assert not desk.composer.query(Input)
        await pilot.press(*"check with Bo", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert "INTERNAL NOTE" in desk.ask_bar.lines[0][1]


async def test_escape_keeps_the_draft_and_reply_finds_it(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"half a sent", "escape")
        await settled(pilot, lambda: desk.composer is None)
        draft = workspace.drafts.find(ticket_id, DraftMode.REPLY)
        assert draft is not None
        assert draft.body == "half a sent"
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        assert desk.composer is not None
        assert desk.composer.text_area.text == "half a sent"


async def test_empty_text_and_placeholder_cannot_be_sent(
    console: Any, workspace: Workspace, settled: Settled, shown: Shown
) -> None:
    async with console() as (desk, pilot):
        mail_ticket(desk)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert any(kind == "block" for kind, _ in desk.ask_bar.lines)
        await pilot.press("y")
        assert desk.ask_bar.display
        assert not workspace.outbox.pending()
        await pilot.press("e")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"Dear {{name}}", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert "{{name}}" in shown(desk)


async def test_discard_asks_nothing_but_keeps_seven_days(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"never mind", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("n")
        await settled(pilot, lambda: desk.composer is None)
        assert workspace.drafts.find(ticket_id, DraftMode.REPLY) is None
        assert len(workspace.drafts.list(discarded=True)) == 1


async def test_moving_to_another_ticket_puts_the_composer_away(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ticket_id = mail_ticket(desk)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"to the first")
        other = desk.inbox.row(desk.inbox.cursor + 3)
        assert other is not None
        desk.go_to_ticket(other.id)
        await settled(pilot, lambda: desk.composer is None)
        draft = workspace.drafts.find(ticket_id, DraftMode.REPLY)
        assert draft is not None
        assert draft.body == "to the first"


async def test_knowledge_goes_in_by_two_question_marks(console: Any, settled: Settled) -> None:
    from carecli.tui.screens.articles import Articles

    async with console() as (desk, pilot):
        await pilot.press("i")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"See ", "question_mark", "question_mark")
        await settled(pilot, lambda: isinstance(desk.app.screen, Articles))
        articles = desk.app.screen
        assert isinstance(articles, Articles)
        await pilot.press(*"refund")
        await settled(pilot, lambda: articles.count() > 0)
        await pilot.press("enter")
        assert desk.composer is not None
        composer = desk.composer
        await settled(pilot, lambda: len(composer.text_area.text) > 10)
        assert composer.text_area.text.startswith("See ")
        assert "??" not in composer.text_area.text


async def test_an_internal_article_never_goes_into_a_public_reply(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    from carecli.domain.conversation import Visibility
    from carecli.tui.commands.looking import insert

    async with console() as (desk, pilot):
        mail_ticket(desk)
        internal = next(a for a, _ in workspace.knowledge.search("refund") if a.visibility is Visibility.INTERNAL)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        insert(desk, internal, "excerpt")
        assert desk.composer is not None
        assert desk.composer.text_area.text == ""
        assert "internal" in desk.status.said


async def test_the_countdown_ends_and_the_sync_is_told(
    console: Any, workspace: Workspace, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[bool] = []
    monkeypatch.setattr(workspace.background, "nudge", lambda: nudged.append(True))
    async with console() as (desk, pilot):
        mail_ticket(desk)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press(*"Hello", "ctrl+s")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("y")
        await settled(pilot, lambda: desk.held is not None)
        later = desk.now() + 60_000
        monkeypatch.setattr(desk.status, "_now", lambda: later)
        await settled(pilot, lambda: bool(nudged))
        assert desk.held is None


def test_addresses() -> None:
    good, bad = parse_addresses('Jo A <jo@x.de>, "B, C" <b@x.de>; plain@x.de, nonsense')
    assert Address("jo@x.de", "Jo A") in good
    assert Address("plain@x.de") in good
    assert "nonsense" in bad


async def test_keys_typed_ahead_of_the_composer_reach_it(console: Any, settled: Settled) -> None:
    async with console() as (desk, pilot):
        for key in ("r", "H", "e", "y", "space", "r", "x"):
            desk.app.post_message(events.Key(key, " " if key == "space" else key))
        await settled(pilot, lambda: desk.composer is not None and desk.composer.ready_at is not None)
        await settled(pilot, lambda: desk.composer.text_area.text == "Hey rx")


async def test_keys_typed_ahead_of_the_search_reach_it(console: Any, settled: Settled) -> None:
    async with console() as (desk, pilot):
        for key in ("slash", *"order"):
            desk.app.post_message(events.Key(key, "/" if key == "slash" else key))
        await settled(pilot, lambda: desk.app.screen is not desk and desk.app.screen.typed == "order")
        assert desk.composer is None
