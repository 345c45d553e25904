from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from carecli.bootstrap import Workspace
from carecli.domain.ticket import TicketStatus
from carecli.tui.app import Console
from carecli.tui.panes.conversation import ConversationPane
from carecli.tui.screens.desk import Desk
from carecli.tui.screens.pick import Pick
from carecli.tui.screens.reader import Reader
from carecli.tui.screens.search import Search

Settled = Callable[[Pilot[int], Callable[[], bool]], Awaitable[None]]
Shown = Callable[[Desk], str]


async def test_first_frame_shows_all_panes(console: Any, shown: Shown) -> None:
    async with console((160, 45)) as (desk, _):
        text = shown(desk)
        for word in ("Views", "Inbox · Open", "Customer", "Knowledge", "synced"):
            assert word in text
        assert desk.talk is not None
        assert desk.talk.ticket.subject[:20] in text


async def test_moving_posts_a_message_and_shows_the_ticket(console: Any, settled: Settled) -> None:
    async with console() as (desk, pilot):
        first = desk.inbox.current_id
        await pilot.press("j")
        assert desk.inbox.cursor == 1
        assert desk.inbox.current_id != first
        await settled(pilot, lambda: desk.ticket_id == desk.inbox.current_id)
        await pilot.press("G")
        assert desk.inbox.cursor == desk.inbox.item_count() - 1
        await pilot.press("g", "g")
        assert desk.inbox.cursor == 0


async def test_opening_leaves_the_ticket_unread_and_escape_goes_back(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        row = desk.inbox.current
        assert row is not None
        assert row.unread
        await pilot.press("enter")
        assert isinstance(desk.focused, ConversationPane)
        assert workspace.tickets.get(row.id).unread
        await pilot.press("escape")
        await settled(pilot, lambda: desk.focused is desk.inbox)


async def test_views_by_number_and_bracket(console: Any) -> None:
    async with console() as (desk, pilot):
        await pilot.press("g", "2")
        assert desk.inbox.view is not None
        assert desk.inbox.view.name == "mine"
        await pilot.press("]")
        assert desk.inbox.view.name == "unassigned"


async def test_status_of_one_ticket_then_undo(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = desk.inbox.current_id
        assert ticket_id is not None
        before = workspace.tickets.get(ticket_id).status
        await pilot.press("s")
        assert isinstance(desk.app.screen, Pick)
        await pilot.press(*"pend", "enter")
        await settled(pilot, lambda: workspace.tickets.get(ticket_id).status is TicketStatus.PENDING)
        await pilot.press("u")
        await settled(pilot, lambda: workspace.tickets.get(ticket_id).status is before)
        assert "Taken back" in desk.status.said


async def test_bulk_change_asks_and_says_what_will_change(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        await pilot.press("space", "space", "space")
        assert desk.inbox.marked_count() == 3
        ids = desk.inbox.marked_ids()
        await pilot.press("t", *"urgent-case", "enter")
        await settled(pilot, lambda: desk.ask_bar.display)
        assert "3 tickets of 3 marked" in desk.ask_bar.lines[0][1]
        assert all("urgent-case" not in workspace.tickets.get(i).tags for i in ids)
        await pilot.press("n")
        assert not desk.ask_bar.display
        await pilot.press("t", *"urgent-case", "enter")
        await settled(pilot, lambda: desk.ask_bar.display)
        await pilot.press("y")
        await settled(pilot, lambda: all("urgent-case" in workspace.tickets.get(i).tags for i in ids))
        assert desk.inbox.marked_count() == 0


async def test_range_and_all(console: Any) -> None:
    async with console() as (desk, pilot):
        await pilot.press("V", "j", "j", "V")
        assert desk.inbox.marked_count() == 3
        await pilot.press("escape")
        assert desk.inbox.marked_count() == 0
        await pilot.press("*")
        assert desk.inbox.marked_count() == desk.inbox.item_count() == len(desk.inbox.marked_ids())


async def test_repeat_applies_the_last_change_to_the_next_ticket(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        await pilot.press("t", *"seen", "enter")
        await settled(pilot, lambda: desk.last_change is not None)
        await pilot.press("j", "full_stop")
        second = desk.inbox.current_id
        assert second is not None
        await settled(pilot, lambda: "seen" in workspace.tickets.get(second).tags)


async def test_solve_and_next(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = desk.inbox.current_id
        assert ticket_id is not None
        total = desk.inbox.item_count()
        await pilot.press("x")
        await settled(pilot, lambda: desk.inbox.item_count() == total - 1)
        assert workspace.tickets.get(ticket_id).status is TicketStatus.SOLVED
        assert desk.ticket_id == desk.inbox.current_id != ticket_id


async def test_a_new_ticket_does_not_move_the_row_under_the_cursor(console: Any, workspace: Workspace) -> None:
    async with console((160, 30)) as (desk, pilot):
        await pilot.press(*"jjjjjjjjjjjjjjjj")
        kept, top = desk.inbox.current_id, desk.inbox.scroll_y
        y = desk.inbox.cursor * desk.inbox.item_height - top
        above = desk.inbox.row(0)
        assert above is not None
        workspace.tickets.set_status([above.id], "solved")
        desk.reload()
        await pilot.pause()
        assert desk.inbox.current_id == kept
        assert desk.inbox.cursor * desk.inbox.item_height - desk.inbox.scroll_y == y


async def test_search_opens_a_result_and_n_goes_on(console: Any, settled: Settled) -> None:
    async with console() as (desk, pilot):
        await pilot.press("slash")
        search = desk.app.screen
        assert isinstance(search, Search)
        await pilot.press(*"status:open", "space", *"kettle")
        await settled(pilot, lambda: search.count() > 1)
        await pilot.press("enter")
        await settled(pilot, lambda: desk.app.screen is desk)
        assert len(desk.hits) > 1
        await pilot.press("n")
        assert desk.hit_at == 1


async def test_a_bad_query_is_explained(console: Any, settled: Settled, shown: Shown) -> None:
    async with console() as (desk, pilot):
        await pilot.press("slash", *'status:open "half')
        await settled(pilot, lambda: "Nothing found" in shown(desk) or "cannot be read" in shown(desk))


async def test_help_and_palette_show_keys_and_reasons(console: Any, shown: Shown, settled: Settled) -> None:
    async with console() as (desk, pilot):
        await pilot.press("question_mark")
        assert isinstance(desk.app.screen, Reader)
        assert "Internal note" not in shown(desk) or "i" in shown(desk)
        await pilot.press("escape")
        await settled(pilot, lambda: desk.app.screen is desk)
        await pilot.press("colon", *"macro")
        assert "not available yet" in shown(desk)
        await pilot.press("enter")
        assert isinstance(desk.app.screen, Pick)
        await pilot.press("escape")
        await settled(pilot, lambda: desk.app.screen is desk)
        await pilot.press("m")
        assert "not available yet" in desk.status.said


async def test_next_best_timeline_and_knowledge(console: Any, settled: Settled, shown: Shown) -> None:
    async with console((200, 60)) as (desk, pilot):
        await pilot.press("w")
        await settled(pilot, lambda: desk.focused is desk.conversation)
        await pilot.press("T")
        assert isinstance(desk.app.screen, Reader)
        await pilot.press("escape")
        await settled(pilot, lambda: desk.app.screen is desk)
        await settled(pilot, lambda: desk.knowledge.item_count() > 0)
        await pilot.press("K", "enter")
        await settled(pilot, lambda: isinstance(desk.app.screen, Reader))
        assert "from " in shown(desk)


async def test_another_process_changes_the_store(console: Any, demo_copy: Any, settled: Settled) -> None:
    from carecli.bootstrap import open_workspace

    async with console() as (desk, pilot):
        ticket_id = desk.inbox.current_id
        assert ticket_id is not None
        total = desk.inbox.item_count()
        other = open_workspace(str(demo_copy), origin="cli")
        other.tickets.set_status([ticket_id], "solved")
        other.close()
        app = desk.app
        assert isinstance(app, Console)
        assert app.pulse is not None
        app.pulse.look()
        await settled(pilot, lambda: desk.inbox.item_count() == total - 1)


@pytest.mark.parametrize(
    "subject", ["[bold]not markup[/bold]", "x\x1b[31mred\x07\x9b2J", "a\u202egnp.exe", "配送 🚲 " * 9]
)
async def test_text_from_outside_is_only_text(
    console: Any, shown: Shown, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console((80, 24)) as (desk, pilot):
        window = desk.inbox.window
        assert window is not None
        real = type(window).rows
        monkeypatch.setattr(
            type(window), "rows", lambda self, a, b: [row._replace(subject=subject) for row in real(self, a, b)]
        )
        assert desk.talk is not None
        talk = replace(desk.talk, ticket=replace(desk.talk.ticket, subject=subject, tags=(subject,)))
        desk.inbox.reload()
        desk.conversation.show(talk)
        desk.head.show(talk, None, has_draft=False)
        await pilot.pause()
        text = shown(desk)
        assert not any(char in text for char in "\x1b\x07\x9b\u202e")
        if subject.startswith("["):
            assert "[bold]" in text
        widths = {sum(s.cell_length for s in strip) for strip in desk._compositor.render_strips()}
        assert widths == {80}


@pytest.mark.parametrize(
    ("size", "seen", "unseen"),
    [
        ((80, 24), ("Inbox",), ("Customer", "Knowledge")),
        ((120, 36), ("Inbox", "Views"), ("Customer", "Knowledge")),
        ((200, 60), ("Inbox", "Views", "Customer", "Knowledge"), ()),
    ],
)
async def test_sizes(
    console: Any, shown: Shown, settled: Settled, size: tuple[int, int], seen: tuple[str, ...], unseen: tuple[str, ...]
) -> None:
    async with console(size) as (desk, pilot):
        text = shown(desk)
        assert all(f" {word}" in text for word in seen)
        assert not any(f" {word} " in text for word in unseen)
        await pilot.press("3")
        await settled(pilot, lambda: " Customer" in shown(desk))
        await pilot.press("escape", "escape")
        await settled(pilot, lambda: desk.focused is desk.inbox)


async def test_resize_keeps_place_and_panes(console: Any, shown: Shown, settled: Settled) -> None:
    async with console((200, 60)) as (desk, pilot):
        await pilot.press(*"jjjjjjjj", "enter")
        kept = desk.inbox.current_id
        for size in ((80, 24), (120, 36), (140, 30), (40, 12), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert desk.inbox.current_id == kept
            assert desk.size == size
        await settled(pilot, lambda: "Knowledge" in shown(desk))


async def test_jump_goes_to_a_pane(console: Any, settled: Settled) -> None:
    async with console((200, 60)) as (desk, pilot):
        await pilot.press("ctrl+o")
        await pilot.pause()
        await pilot.press("d")
        await settled(pilot, lambda: desk.focused is desk.customer)


async def test_welcome_when_nothing_is_connected(tmp_path: Any) -> None:
    from carecli.bootstrap import open_workspace
    from carecli.tui.screens.welcome import Welcome

    workspace = open_workspace(str(tmp_path / "empty"))
    app = Console(workspace, sync=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, Welcome)
        await pilot.press("j", "j", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Reader)
        await pilot.press("escape")
        await pilot.press("q")
    workspace.close()


async def test_the_first_door_leads_to_the_demo(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from carecli.bootstrap import open_workspace
    from carecli.cli import console as opening
    from carecli.cli.flags import Flags

    workspace = open_workspace(str(tmp_path / "empty"))
    app = Console(workspace, sync=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
    workspace.close()
    assert (app.return_value, app.wish) == (0, "demo")

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("carecli.tui.app.run", lambda _: (0, app.wish))
    monkeypatch.setattr("carecli.cli.commands.demo.play", lambda _: 7)
    flags = Flags()
    flags.home = str(tmp_path / "empty")
    assert opening.open_console(flags) == 7


@pytest.mark.parametrize("theme", ["care-dark", "care-light", "care-contrast", "ansi-dark", "textual-light", "dracula"])
async def test_every_theme_paints(console: Any, shown: Shown, theme: str) -> None:
    async with console((120, 36)) as (desk, pilot):
        desk.app.theme = theme
        await pilot.pause()
        assert "Inbox" in shown(desk)
