"""A home that is connected to the real mailbox, and looks into the mailboxes behind it."""

from __future__ import annotations

import email
import email.policy
import sqlite3
import time
from pathlib import Path

from carecli_process import Done, run_carecli
from mail_peer import MailPeer

SECRET = {"CARECLI_SECRET_SUPPORT_PASSWORD": MailPeer.password}


def options(peer: MailPeer) -> list[str]:
    pairs = {
        "address": "support@care.test",
        "imap_host": peer.host,
        "imap_port": peer.imap,
        "smtp_host": peer.host,
        "smtp_port": peer.submission,
        "tls": "starttls",
        "ca_file": peer.ca,
    }
    return [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]


class Desk:
    """A home connected to the real mailbox."""

    def __init__(self, home: Path, peer: MailPeer) -> None:
        self.home, self.peer = home, peer

    def run(self, *arguments: str, stdin: str = "", code: int | None = 0) -> Done:
        return run_carecli(list(arguments), self.home, stdin=stdin, code=code, environment=SECRET)

    def sql(self, query: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.home / "carecli.db") as connection:
            rows = connection.execute(query).fetchall()
        connection.close()
        return rows


def inbox_of(peer: MailPeer, user: str) -> list[email.message.EmailMessage]:
    folder = peer.state / "mail" / user / "Maildir"
    files = [*folder.glob("new/*"), *folder.glob("cur/*")]
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]


def until(seconds: float, what: str, found: object, seen: object = str) -> None:
    """Waits until ``found()`` is true; other programs deliver the mail, so there is nothing to wait on but time."""
    deadline = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{seen()}"  # type: ignore[operator]
        time.sleep(0.05)
