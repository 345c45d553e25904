"""What several tests of the console do: go to a mail ticket, write, and let others write meanwhile."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from carecli.bootstrap import Workspace
from carecli.connectors.spi.records import PersonRecord, Tombstone
from carecli.store.engine import Store
from carecli.tui.screens.desk import Desk
from workbench import ingest, message

Settled = Callable[[Pilot[int], Callable[[], bool]], Awaitable[None]]
Shown = Callable[[Desk], str]


def mail_ticket(desk: Desk, *others: int) -> int:
    """Puts the cursor on an e-mail ticket."""
    for index in range(desk.inbox.item_count()):
        row = desk.inbox.row(index)
        if row is not None and row.channel == "email" and row.id not in others:
            desk.inbox.move_to(index)
            return row.id
    raise AssertionError("the demo has e-mail tickets")


async def begin_reply(desk: Desk, pilot: Pilot[int], settled: Settled, text: str = "It left today") -> int:
    """Writes a reply and leaves it open."""
    ticket_id = mail_ticket(desk)
    await pilot.press("r")
    await settled(pilot, lambda: desk.context == "composer")
    await pilot.press(*text)
    return ticket_id


async def send_reply(desk: Desk, pilot: Pilot[int], settled: Settled, text: str = "It left today") -> int:
    """Writes a reply and sends it; it is held."""
    ticket_id = await begin_reply(desk, pilot, settled, text)
    await pilot.press("ctrl+s")
    await settled(pilot, lambda: desk.ask_bar.display)
    await pilot.press("y")
    await settled(pilot, lambda: desk.held is not None)
    return ticket_id


def _where(store: Store, ticket_id: int) -> tuple[int, str]:
    row = store.connection.execute("SELECT account_id, external_id FROM ticket WHERE id = ?", (ticket_id,)).fetchone()
    return int(row[0]), str(row[1])


def customer_writes(
    workspace: Workspace, ticket_id: int, text: str = "Please cancel it", name: str = "Vera Visitor"
) -> None:
    """A message comes in, as if another process had synced."""
    other = Store(workspace.paths.store_file)
    account, ticket = _where(other, ticket_id)
    at = time.time_ns() // 1_000_000
    author = PersonRecord(name=name, emails=("vera@example.com",))
    ingest(other, account, message(f"news-{time.time_ns()}", ticket, at, body_text=text, author=author), now=at)
    other.close()


def ticket_goes(workspace: Workspace, ticket_id: int, into: int | None = None) -> None:
    """The vendor deletes a ticket, or merges it into another."""
    other = Store(workspace.paths.store_file)
    account, ticket = _where(other, ticket_id)
    survivor = _where(other, into)[1] if into is not None else None
    ingest(other, account, Tombstone(external_id=ticket, reason="merged" if into else "deleted", merged_into=survivor))
    other.close()


def set_operation(workspace: Workspace, operation_id: str, **columns: object) -> None:
    """An operation comes to stand somewhere, as if the sync had brought it there."""
    names = ", ".join(f"{name} = ?" for name in columns)
    with workspace.store.write() as connection:
        connection.execute(f"UPDATE operation SET {names} WHERE id = ?", (*columns.values(), operation_id))
        connection.execute(
            "UPDATE ticket SET sync_state = 'conflict' WHERE id = (SELECT ticket_id FROM operation WHERE id = ?)",
            (operation_id,),
        )
