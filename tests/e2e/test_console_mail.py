"""The console in a real terminal on a real mailbox: find a customer, answer by keyboard, look into the customer's mailbox."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mail_desk import SECRET, Desk, inbox_of, options, until
from mail_peer import MailPeer
from terminal import Terminal

pytestmark = [
    pytest.mark.peer,
    pytest.mark.xdist_group("mail"),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


@pytest.fixture(params=[(80, 24), (120, 36), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def terminal(request: pytest.FixtureRequest, mail_peer: MailPeer, tmp_path: Path) -> Iterator[tuple[Terminal, Desk]]:
    desk = Desk(tmp_path / "home", mail_peer)
    desk.run("account", "add", "support", "--connector", "imap", *options(mail_peer), "--set", "since=2026-11-20")
    columns, rows = request.param
    opened = Terminal(desk.home, columns, rows, SECRET)
    yield opened, desk
    opened.close()


def test_a_customer_is_answered_by_keyboard_alone(terminal: tuple[Terminal, Desk]) -> None:
    screen, desk = terminal
    name = f"Viola{uuid.uuid4().hex[:6]}"
    screen.shows("support")
    desk.peer.deliver(
        f"From: {name} <{name.lower()}@customers.test>\r\nTo: support@care.test\r\nSubject: Order of {name}\r\n"
        f"Message-ID: <{name}@customers.test>\r\n\r\nWhere is it?\r\n".encode()
    )
    screen.shows(name)  # the background sync brought it, nobody pressed a key
    screen.keys("/")
    screen.type(f"order of {name.lower()}")
    screen.shows("enter choose")
    screen.keys("Enter")
    screen.shows("Where is it?")
    screen.keys("r")
    screen.shows("PUBLIC REPLY")
    screen.type(f"It left today, {name}.")
    screen.shows(f"It left today, {name}.")
    screen.keys("C-s")
    screen.shows("send and solve")
    screen.keys("y")
    screen.shows("u to undo")

    def answers() -> list[str]:
        mails = inbox_of(desk.peer, "customers@care.test")
        bodies = [mail.get_body(("plain",)) for mail in mails if mail["In-Reply-To"] == f"<{name}@customers.test>"]
        return [body.get_content() for body in bodies if body is not None]

    until(30, "the answer in the customer's mailbox", answers)
    screen.keys("q")
    assert len(answers()) == 1
    assert f"It left today, {name}." in answers()[0]
    sent = desk.run("ticket", "list", name, "--json").json[0]
    assert sent["status"] == "pending"
