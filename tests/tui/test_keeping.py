"""What is typed is kept: while the store is held, beside other windows, and when its ticket goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from carecli.bootstrap import Workspace, open_workspace
from carecli.domain.conversation import Address, DraftMode
from carecli.store.engine import Store
from carecli.tui.panes.composer import Foot, parse_addresses, shown_addresses
from hands import Settled, begin_reply, customer_writes, mail_ticket, ticket_goes


@pytest.fixture
def second(workspace: Workspace) -> Iterator[Workspace]:
    """The same person in another window."""
    found = open_workspace(workspace.paths.home)
    yield found
    found.close()


def stored(workspace: Workspace, ticket_id: int) -> str:
    found = workspace.drafts.find(ticket_id, DraftMode.REPLY)
    return found.body if found else ""


async def test_keys_echo_at_once_while_another_program_holds_the_store(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    holder = Store(workspace.paths.store_file)
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled, "first ")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "first ")
        holder.connection.execute("BEGIN IMMEDIATE")
        await pilot.press(*"second")
        composer = desk.composer
        assert composer is not None
        assert composer.text_area.text == "first second"
        await settled(pilot, lambda: "not saved yet" in composer.query_one(Foot).pieces[1])
        await pilot.press(*" third")
        assert composer.text_area.text == "first second third"
        assert stored(workspace, ticket_id) == "first "
        await pilot.press("escape")
        await settled(pilot, lambda: desk.composer is None)
        assert "as soon as the store is free" in desk.status.said
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        composer = desk.composer
        assert composer is not None
        assert composer.text_area.text == "first second third", "what is not stored yet is not forgotten"
        assert composer.query_one(Foot).pieces[1] != "draft saved"
        holder.connection.execute("ROLLBACK")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "first second third")
        await settled(pilot, lambda: composer.query_one(Foot).pieces[1] == "draft saved")
    holder.close()


async def test_leaving_waits_for_the_last_keys(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled, "the very last key")
    assert stored(workspace, ticket_id) == "the very last key"


async def test_quitting_is_refused_while_a_text_cannot_be_stored(
    console: Any, workspace: Workspace, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carecli.tui.commands.sending._BEFORE_SENDING", 0.1)
    holder = Store(workspace.paths.store_file)
    async with console() as (desk, pilot):
        await begin_reply(desk, pilot, settled, "a")
        holder.connection.execute("BEGIN IMMEDIATE")
        await pilot.press(*"bc", "ctrl+q")
        await settled(pilot, lambda: "not stored yet" in desk.status.said)
        assert desk.app.is_running
        holder.connection.execute("ROLLBACK")
    holder.close()


async def test_no_text_leaves_no_draft(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        mail_ticket(desk)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        await pilot.press("space", "escape")
        await settled(pilot, lambda: desk.composer is None)
    assert workspace.drafts.list() == []
    assert workspace.drafts.list(discarded=True) == []


async def test_a_text_that_was_cleared_is_among_the_discarded(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled, "precious")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "precious")
        assert desk.composer is not None
        desk.composer.text_area.text = ""
        await settled(pilot, lambda: workspace.drafts.list() == [])
        assert [draft.body for draft in workspace.drafts.list(discarded=True)] == ["precious"]
        await pilot.press(*"anew")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "anew")
        assert workspace.drafts.list(discarded=True) == []


async def test_two_windows_that_write_one_draft_keep_both_texts(
    console: Any, workspace: Workspace, second: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled, "from here")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "from here")
        theirs = second.drafts.find(ticket_id, DraftMode.REPLY)
        assert theirs is not None
        holder = Store(workspace.paths.store_file)
        holder.connection.execute("BEGIN IMMEDIATE")
        await pilot.press(*" and on")  # not stored yet …
        holder.connection.execute(
            "UPDATE draft SET body = 'from there', updated_at = updated_at + 7 WHERE id = ?", (theirs.id,)
        )
        holder.connection.execute("COMMIT")  # … when the other window's text is
        holder.close()
        await settled(pilot, lambda: len(workspace.drafts.list()) == 2)
        await settled(pilot, lambda: "Another window" in desk.status.said)
        await pilot.press(*"!")
        await settled(pilot, lambda: {d.body for d in workspace.drafts.list()} == {"from here and on!", "from there"})
        assert {d.ticket_id for d in workspace.drafts.list()} == {ticket_id}


async def test_what_another_window_writes_shows_here(
    console: Any, workspace: Workspace, second: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled, "from here")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "from here")
        theirs = second.drafts.find(ticket_id, DraftMode.REPLY)
        assert theirs is not None
        kept = second.drafts.save(replace(theirs, body="from there", cc=(Address("bo@example.com"),)), theirs)
        assert kept.how == "saved"
        desk.app.pulse.others_wrote()
        assert desk.composer is not None
        assert desk.composer.text_area.text == "from there"
        assert desk.composer.query_one("#cc", Input).value == "bo@example.com"
        await pilot.press(*" again")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "from there again")
        assert len(workspace.drafts.list()) == 1


async def test_a_text_sent_from_another_window_is_not_left_open_here(
    console: Any, workspace: Workspace, second: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled, "once")
        await settled(pilot, lambda: stored(workspace, ticket_id) == "once")
        theirs = second.drafts.find(ticket_id, DraftMode.REPLY)
        assert theirs is not None
        second.replies.send(theirs)
        desk.app.pulse.others_wrote()
        await settled(pilot, lambda: desk.composer is None)
        assert "sent from another window" in desk.status.said
        assert workspace.drafts.list() == []


async def test_a_second_window_that_begins_anew_takes_nobodys_place(workspace: Workspace, second: Workspace) -> None:
    ticket_id = workspace.tickets.find("demo:1001")
    plan = workspace.replies.plan(ticket_id, DraftMode.NOTE)
    from carecli.domain.conversation import Draft

    def begun(body: str) -> Draft:
        return Draft("", ticket_id, None, None, "", DraftMode.NOTE, (), (), (), None, body, (), (), 1, 0, 0, None)

    assert plan.ticket_id == ticket_id
    first = workspace.drafts.save(begun("mine"))
    other = second.drafts.save(begun("mine too"))
    assert (first.how, other.how) == ("saved", "beside")
    assert [d.ticket_id for d in workspace.drafts.list()] == [ticket_id, ticket_id]
    workspace.drafts.discard(first.draft.id)
    found = workspace.drafts.find(ticket_id, DraftMode.NOTE)
    assert found is not None
    assert found.body == "mine too"
    back = workspace.drafts.restore(first.draft.id)
    assert back.discarded_at is None
    assert len(workspace.drafts.list()) == 2


async def test_the_text_goes_along_when_its_ticket_is_merged(
    console: Any, workspace: Workspace, settled: Settled
) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled, "for whoever reads it")
        other = next(row.id for index in range(9) if (row := desk.inbox.row(index)) is not None and row.id != ticket_id)
        await settled(pilot, lambda: stored(workspace, ticket_id) != "")
        ticket_goes(workspace, ticket_id, other)
        desk.app.pulse.others_wrote()
        await settled(pilot, lambda: desk.composer is not None and desk.composer.ready_at is not None)
        assert desk.ticket_id == other
        assert desk.composer is not None
        assert desk.composer.text_area.text == "for whoever reads it"
        await pilot.press(*"!")
        await settled(pilot, lambda: "for whoever reads it!" in stored(workspace, other))


async def test_an_old_draft_says_what_came_since(console: Any, workspace: Workspace, settled: Settled) -> None:
    async with console() as (desk, pilot):
        ticket_id = await begin_reply(desk, pilot, settled)
        await pilot.press("escape")
        await settled(pilot, lambda: desk.composer is None)
        customer_writes(workspace, ticket_id)
        await pilot.press("r")
        await settled(pilot, lambda: desk.context == "composer")
        assert "1 message came in since" in desk.status.said


def test_names_with_commas_stay_whole() -> None:
    people = (Address("jo@example.com", "Doe, Jo"), Address("b@example.com", "Bo"), Address("c@example.com"))
    assert parse_addresses(shown_addresses(people)) == (people, [])
