"""What is written in the console of a real terminal: it outlives a crash, and nothing stale goes out."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carecli.connectors.demo.journal import Entry, Journal
from carecli_process import run_carecli
from mail_desk import until
from terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

Open = Callable[[], Terminal]


@pytest.fixture
def console(demo_copy: Path) -> Iterator[Open]:
    opened: list[Terminal] = []

    def start() -> Terminal:
        opened.append(Terminal(demo_copy, 120, 36))
        opened[-1].shows("Inbox")
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(home / "carecli.db")
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def customer_writes(home: Path, ticket: str, text: str) -> None:
    """Something new at the vendor, and a sync of another process that brings it."""
    Journal(str(home / "demo-desk.jsonl"), 0).append(
        Entry(kind="news", at=int(time.time() * 1000), ticket=ticket, text=text)
    )
    run_carecli(["sync", "--pull-only"], home)


def ticket_of_draft(home: Path) -> str:
    query = "SELECT t.external_id FROM draft d JOIN ticket t ON t.id = d.ticket_id"
    until(10, "the draft in the store", lambda: rows(home, query))
    return str(rows(home, query)[0][0])


def test_a_draft_outlives_kill_nine(console: Open, demo_copy: Path) -> None:
    screen = console()
    screen.keys("r")
    screen.shows("PUBLIC REPLY")
    screen.type("The parcel left today; it is with you on Friday.")
    screen.shows("Friday.")
    screen.shows("draft saved")
    screen.kill_console()
    (body,) = rows(demo_copy, "SELECT body FROM draft WHERE discarded_at IS NULL")[0]
    assert body == "The parcel left today; it is with you on Friday."
    again = console()
    again.keys("g", "d")
    again.shows("The parcel left today")
    again.keys("Enter")
    again.shows("PUBLIC REPLY")
    again.shows("it is with you on Friday.")


def test_a_crash_in_the_middle_of_typing_costs_at_most_the_last_keys(console: Open, demo_copy: Path) -> None:
    screen = console()
    screen.keys("r")
    screen.shows("PUBLIC REPLY")
    typed = "".join(f"word{number:03d} " for number in range(60))
    seen: list[tuple[float, int]] = []
    for start in range(0, len(typed), 8):
        screen.type(typed[start : start + 8])
        shown = re.findall(r"word(\d{3})", screen.screen())
        seen.append((time.monotonic(), max(map(int, shown), default=-1)))
    killed = time.monotonic()
    screen.kill_console()
    until(10, "the last keys", lambda: rows(demo_copy, "SELECT 1 FROM draft"))
    (body,) = rows(demo_copy, "SELECT body FROM draft WHERE discarded_at IS NULL")[0]
    assert typed.startswith(str(body))
    # Everything that was on the screen half a second before the end is in the store.
    promised = max((word for at, word in seen if at <= killed - 0.5), default=-1)
    assert promised < 0 or f"word{promised:03d}" in str(body)


def test_mail_that_comes_while_an_answer_is_written_stops_it(console: Open, demo_copy: Path) -> None:
    screen = console()
    screen.keys("r")
    screen.shows("PUBLIC REPLY")
    screen.type("It left today.")
    screen.shows("draft saved")
    customer_writes(demo_copy, ticket_of_draft(demo_copy), "Please cancel the order instead.")
    screen.keys("C-s")
    screen.shows("NOT SENT")
    screen.shows("Please cancel the order instead.")
    screen.shows("It left today.")
    assert rows(demo_copy, "SELECT count(*) FROM operation") == [(0,)]
    screen.keys("e")
    screen.shows("PUBLIC REPLY")
    screen.type(" I cancel it.")
    screen.keys("C-s")
    screen.shows("send and solve")
    screen.keys("y")
    screen.shows("u to undo")


def test_mail_that_comes_in_the_undo_window_stops_the_answer(console: Open, demo_copy: Path) -> None:
    screen = console()
    screen.keys("r")
    screen.shows("PUBLIC REPLY")
    screen.type("It left today.")
    screen.shows("draft saved")
    ticket = ticket_of_draft(demo_copy)
    screen.keys("C-s")
    screen.shows("send and solve")
    screen.keys("y")
    screen.shows("u to undo")
    customer_writes(demo_copy, ticket, "Please cancel the order instead.")
    screen.shows("NOT SENT")
    screen.shows("Please cancel the order instead.")

    def discarded() -> bool:
        # The keys rest for a moment, so that nothing is chosen by a hand that was still typing.
        screen.keys("d")
        return "the text is kept for 7 days" in screen.screen()

    until(15, "the end of the matter", discarded)
    until(15, "no operation left to send", lambda: rows(demo_copy, "SELECT state FROM operation") == [("cancelled",)])
    assert "It left today." in str(rows(demo_copy, "SELECT body FROM draft WHERE discarded_at IS NOT NULL"))
    assert "It left today." not in (demo_copy / "demo-desk.jsonl").read_text("utf-8")


def test_leaving_in_the_undo_window_loses_nothing_and_says_so(console: Open, demo_copy: Path) -> None:
    screen = console()
    screen.keys("r")
    screen.shows("PUBLIC REPLY")
    screen.type("It left today.")
    screen.keys("C-s")
    screen.shows("send and solve")
    screen.keys("y")
    screen.shows("u to undo")
    screen.keys("q")
    screen.shows("1 message is still held")
    screen.keys("y")
    screen.shows("1 message is still held or queued")
    assert rows(demo_copy, "SELECT state FROM operation") == [("held",)]
    again = console()
    again.shows("u to undo")
    again.keys("u")
    again.shows("PUBLIC REPLY")
    again.shows("It left today.")
