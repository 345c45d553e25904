"""A desk on the real mail server for one run: its account behind gates, queued texts, processes to run and to kill."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

from carecli.bootstrap import open_workspace
from carecli.domain.conversation import Draft, DraftMode
from carecli_process import clean_environment
from mail_desk import SECRET, Desk
from mail_gates import ByteGate, Gate, SmtpGate
from mail_peer import MailPeer

OPEN = "state NOT IN ('done', 'cancelled')"
NETWORK_LIMIT = 3  # seconds; the gates' stalls are longer
_BAD_WORDS = re.compile(r"Traceback|locked|CONNECTOR_DEFECT|malformed|INTERNAL|IllegalTransition")
_EXITS = frozenset({0, 6, 7, 9, -9, -15, 130})  # fine, refused, conflicts, unreachable, killed, ended


@dataclass(frozen=True, slots=True)
class Text:
    """One queued reply or note; ``token`` stands in its body and nowhere else."""

    operation: str
    ticket: int
    note: bool
    token: str


class ProofDesk(Desk):
    """One account of one store. ``smtp`` and ``imap`` are the gates in front of the server."""

    def __init__(self, home: Path, peer: MailPeer, user: str, seed: int, *, tls: str = "none") -> None:
        super().__init__(home, peer)
        self.user, self.tls = user, tls
        self.address = f"{user}@care.test"
        self.chance = random.Random(f"{seed} {user}")
        self.marker = f"{self.chance.getrandbits(32):08x}"
        self.note_word = f"inside-{self.marker}"
        peer.empty(self.address)
        self.imap = ByteGate(peer.imap, seed + 1)
        self.plain = SmtpGate(peer.submission, seed + 2, self.note_word.encode()) if tls == "none" else None
        self.smtp: Gate = self.plain or ByteGate(peer.submission, seed + 2, 9000)
        self.texts: list[Text] = []
        self.doubts: set[str] = set()
        self.complaints: Counter[str] = Counter()
        self._processes = 0
        home.mkdir(parents=True, exist_ok=True)
        pairs = {
            "address": self.address,
            "imap_host": peer.host,
            "imap_port": self.imap.port,
            "smtp_host": peer.host,
            "smtp_port": self.smtp.port,
            "tls": tls,
            "ca_file": peer.ca,
            "timeout_seconds": NETWORK_LIMIT,
        }
        options = [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]
        self.run("account", "add", "support", "--connector", "imap", *options)

    def close(self) -> None:
        """Ends the gates."""
        self.imap.stop()
        self.smtp.stop()

    def trouble(self, smtp: float, imap: float | None = None, linger: float = 0.0) -> None:
        """How likely a connection gets a fault from now on."""
        self.smtp.trouble, self.imap.trouble = smtp, smtp if imap is None else imap
        if self.plain is not None:
            self.plain.linger = linger

    def faults(self) -> Counter[str]:
        """What the gates did so far."""
        named = Counter({f"SMTP {name}": number for name, number in self.smtp.counts.items()})
        return named + Counter({f"IMAP {name}": number for name, number in self.imap.counts.items()})

    def write_customers(self, count: int) -> None:
        """Mails of that many customers lie in the mailbox and in the store."""
        with IMAPClient(self.peer.host, self.peer.imap, ssl=False) as client:
            client.login(self.address, self.peer.password)
            for number in range(count):
                name = f"c{number}.{self.marker}"
                client.append(
                    "INBOX",
                    f"From: Customer {number} <{name}@customers.test>\r\nTo: {self.address}\r\n"
                    f"Subject: Matter {number} of {self.marker}\r\nMessage-ID: <{name}@customers.test>\r\n"
                    f"Date: Mon, 05 Oct 2026 08:00:00 +0000\r\n\r\nWhere is parcel {number}?\r\n".encode(),
                )
        self.run("sync", "support")
        assert self.sql("SELECT count(*) FROM ticket") == [(count,)]

    def queue(self, count: int) -> None:
        """Queues replies and notes over all tickets in random order; one in six is a note."""
        tickets = [int(str(row[0])) for row in self.sql("SELECT id FROM ticket ORDER BY id")]
        workspace = open_workspace(str(self.home), origin="cli")
        try:
            for number in range(len(self.texts), len(self.texts) + count):
                ticket = self.chance.choice(tickets)
                note = self.chance.random() < 1 / 6
                token = f"{self.note_word if note else 'answer-' + self.marker}-{number:05d}"
                mode = DraftMode.NOTE if note else DraftMode.REPLY
                plan = workspace.replies.plan(ticket, mode)
                draft = Draft(
                    id="",
                    ticket_id=ticket,
                    ticket_ref=None,
                    account=plan.account,
                    agent=workspace.context.actor,
                    mode=mode,
                    to=plan.to,
                    cc=plan.cc,
                    bcc=(),
                    subject=plan.subject,
                    body=f"Hello,\n\n{token}\n" + "It is on its way.\n" * self.chance.randrange(40),
                    attachments=(),
                    actions=(),
                    base_message_id=plan.newest_message_id,
                    created_at=0,
                    updated_at=0,
                    discarded_at=None,
                )
                made = workspace.replies.send(draft, hold_seconds=0)
                self.texts.append(Text(made.id, ticket, note, token))
        finally:
            workspace.close()

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts ``carecli`` with what it says on standard error kept for ``heard``."""
        self._processes += 1
        environment = {**clean_environment(), **SECRET, "CARECLI_HOME": str(self.home)}
        errors = self.home / f"stderr-{self._processes}.txt"
        with errors.open("wb") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", "carecli", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
            )

    def ended(self, process: subprocess.Popen[bytes]) -> None:
        """Notes what a process left behind, and which operations are in doubt now."""
        if process.returncode not in _EXITS:
            self.complaints[f"exit code {process.returncode}"] += 1
        self.look_for_doubts()

    def look_for_doubts(self) -> None:
        """Remembers every operation whose outcome was unknown at some time."""
        rows = self.sql("SELECT id, error_code FROM operation WHERE state IN ('unknown', 'inflight')")
        self.doubts |= {str(row[0]) for row in rows}
        self.complaints.update("unexpected error of a send" for row in rows if row[1] == "UNEXPECTED")

    def sync(self, *arguments: str, seconds: float = 120) -> None:
        """One ``carecli sync`` to its end."""
        process = self.spawn("sync", "support", *arguments)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.complaints["a sync that hung"] += 1
            process.kill()
            process.wait()
        self.ended(process)

    def change(self, sql: str, *values: object) -> None:
        """Changes the store from outside, as time passing would."""
        connection = sqlite3.connect(self.home / "carecli.db", timeout=30)
        with connection:
            connection.execute(sql, values)
        connection.close()

    def hurry(self) -> None:
        """Lets the waiting times between tries pass."""
        self.change("UPDATE operation SET not_before = 0 WHERE state IN ('ready', 'unknown') AND not_before > 0")

    def open_operations(self) -> dict[str, str]:
        """States of the operations that are not finished, by id."""
        return dict(self.sql(f"SELECT id, state FROM operation WHERE {OPEN} ORDER BY seq"))  # type: ignore[arg-type]

    def heard(self) -> Counter[str]:
        """Everything that should not have been said or seen: words on standard error, exit codes, a damaged store."""
        found = Counter(self.complaints)
        files = [*self.home.glob("stderr-*.txt"), *self.home.rglob("log/*")]
        for file in files:
            for line in file.read_text("utf-8", "replace").splitlines():
                if _BAD_WORDS.search(line):
                    found[f"{file.name}: {line[:160]}"] += 1
        for check in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
            found.update(f"{check}: {row}" for row in self.sql(check) if row != ("ok",))
        return found


class Trigger:
    """Says when to kill: after a time, or once the gate has seen a phase so many times, and a little later."""

    def __init__(self, gate: SmtpGate | None, chance: random.Random, most: int) -> None:
        self._reached = threading.Event()
        self._gate = gate
        kind = chance.random()
        self._left = chance.randrange(1, most + 1)
        self._later = chance.uniform(0, 0.3) if kind > 0.65 else 0.0
        self._phase = "ending" if kind < 0.4 else chance.choice(("request", "body", "request", "signing in"))
        self._limit = 10.0
        if gate is None or kind < 0.2:
            self._limit = chance.uniform(0.05, 1.5)
        if gate is not None:
            gate.hold = 0.0
            gate.watchers.append(self._saw)

    def _saw(self, phase: str) -> None:
        if phase == self._phase:
            self._left -= 1
            if self._left <= 0:
                if phase == "ending" and self._gate is not None:
                    self._gate.hold = 1.0  # however busy this machine is, the kill comes before the answer
                self._reached.set()

    def wait(self, process: subprocess.Popen[bytes]) -> bool:
        """Waits for the moment; whether the process is still there then."""
        deadline = time.monotonic() + self._limit
        while process.poll() is None and time.monotonic() < deadline:
            if self._reached.wait(0.01):
                time.sleep(self._later)
                break
        if self._gate is not None:
            self._gate.watchers.remove(self._saw)
        return process.poll() is None


def kill(process: subprocess.Popen[bytes]) -> None:
    """``kill -9``."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
