"""Run d: a mailbox is read by a program that is killed again and again; the store must equal an undisturbed one."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path

from carecli.domain.ids import ulid
from carecli_process import run_carecli
from e2e.prove.desk import kill
from e2e.prove.figures import Figures
from mail_desk import SECRET, Desk
from mail_gates import ByteGate
from mail_peer import MailPeer

USER = "support@care.test"
COPIES = 40  # of mail that carecli sent before and whose way to Sent is still open

# What may differ, because it is a reading of the clock when the run happened, not something that was read.
CLOCK = {
    "account": {"created_at", "last_sync_at"},
    "customer": {"created_at"},
    "ticket": {"synced_at"},
    "sync_cursor": {"updated_at"},
    "set_aside": {"at"},
}
READ = {("event", "at"): "CASE WHEN verb = 'created' THEN at END"}  # other events happened when they were noticed
IDENTITY = {"message": ("external_id",), "ticket": ("external_id",), "raw_record": ("kind", "external_id")}
# Tables that are no record of what was read: SQLite's own, full text (checked by its own means), the lease, settings.
NO_RECORDS = ("sqlite_%", "fts_%", "lease", "setting")

Rows = Counter[tuple[object, ...]]


def run_pull(peer: MailPeer, folder: Path, seed: int, *, mails: int, kills: int) -> Figures:
    """Reads the same mailbox round after round until there were enough kills; compares after each round."""
    row = Figures("d: pull, kill -9")
    chance = random.Random(seed)
    started = time.monotonic()
    template = _mailbox(peer, folder, mails, chance)
    gate = ByteGate(peer.imap, seed, most=3_000_000)
    rounds = 0
    try:
        _restore(peer, template)
        calm = _desk(peer, folder / "calm", gate)
        begun = time.monotonic()
        calm.run("sync", "support", "--pull-only")
        whole = time.monotonic() - begun
        calm.run("sync", "support", "--pull-only")  # the copies that were moved to Sent are looked at once more
        expected = records(calm)
        row.operations = expected["message"].total()
        row.expect(row.operations > mails, "the copies of our own mail were not read")
        while row.kills.total() < kills:
            rounds += 1
            _restore(peer, template)
            desk = _desk(peer, folder / f"round-{rounds}", gate)
            gate.trouble = 0.15
            while row.kills.total() < kills:
                process = _start(desk)
                try:
                    process.wait(0.1 + whole * 1.1 * chance.random() ** 3)
                except subprocess.TimeoutExpired:
                    kill(process)
                    row.kills["anywhere"] += 1
                    continue
                if process.returncode == 0:
                    break
            gate.trouble = 0.0
            desk.run("sync", "support", "--pull-only")
            desk.run("sync", "support", "--pull-only")
            _compare(expected, records(desk), row, f"round {rounds}")
            for check in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
                row.expect(desk.sql(check) in ([("ok",)], []), f"round {rounds}: {check}")
            row.expect(_full_text(desk) == _full_text(calm), f"round {rounds}: full text differs")
            subprocess.run(["rm", "-rf", str(desk.home)], check=True)
    finally:
        gate.stop()
    row.faults = Counter({f"IMAP {name}": number for name, number in gate.counts.items()})
    row.seconds = time.monotonic() - started
    same = ", ".join(
        f"{number.total():,} {table}" for table, number in expected.items() if number and "identity of" not in table
    )
    row.notes.append(f"{rounds} stores, each compared with an undisturbed one record for record: {same}")
    return row


def _desk(peer: MailPeer, home: Path, gate: ByteGate) -> Desk:
    home.mkdir(parents=True)
    pairs = {"address": USER, "imap_host": peer.host, "imap_port": gate.port, "tls": "none", "timeout_seconds": 3}
    options = [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]
    run_carecli(["account", "add", "support", "--connector", "imap", *options], home)
    return Desk(home, peer)


def _start(desk: Desk) -> subprocess.Popen[bytes]:
    import sys

    from carecli_process import clean_environment

    environment = {**clean_environment(), **SECRET, "CARECLI_HOME": str(desk.home)}
    with (desk.home / "stderr.txt").open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "carecli", "sync", "support", "--pull-only"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )


def _mailbox(peer: MailPeer, folder: Path, mails: int, chance: random.Random) -> Path:
    """A mailbox as the seed writes it, with copies of our own sends in INBOX among the rest; kept aside."""
    home = peer.seed(mails)
    box = home / "Maildir" / "cur"
    times = sorted(int(file.name.partition(".")[0]) for file in box.iterdir())
    for number in range(COPIES):
        at = chance.choice(times)
        mark = ulid(at * 1000, chance.randbytes(10))
        raw = (
            f"From: Support <{USER}>\r\nTo: c{number}@customers.test\r\nSubject: Re: Matter {number}\r\n"
            f"Message-ID: <{mark}@care.test>\r\nDate: Mon, 05 Oct 2026 08:00:00 +0000\r\n\r\nOn its way, {number}.\r\n"
        ).encode()
        file = box / f"{at}.M{900_000 + number}P1.copy,S={len(raw)}:2,"
        file.write_bytes(raw)
    subprocess.run(["chown", "-R", "vmail:", str(home)], check=True)
    for name in ("INBOX", "Sent"):
        peer.count(USER, name)  # the server numbers the mails now, once for all rounds
    template = folder / "mailbox"
    peer.adm("kick", USER)
    subprocess.run(["cp", "-a", str(home), str(template)], check=True)
    return template


def _restore(peer: MailPeer, template: Path) -> None:
    peer.adm("kick", USER)
    home = peer.state / "mail" / USER
    subprocess.run(["rm", "-rf", str(home)], check=True)
    subprocess.run(["cp", "-a", str(template), str(home)], check=True)


def records(desk: Desk) -> dict[str, Rows]:
    """Every row of every table of records, without the readings of the clock; keys and ticket numbers included."""
    connection = sqlite3.connect(desk.home / "carecli.db")
    hidden = " AND ".join(f"name NOT LIKE '{name}'" for name in NO_RECORDS)
    tables = connection.execute(f"SELECT name FROM sqlite_schema WHERE type = 'table' AND {hidden} ORDER BY name")
    found: dict[str, Rows] = {}
    for (table,) in tables.fetchall():
        columns = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
        wanted = [column for column in columns if column not in CLOCK.get(table, ())]
        values = ", ".join(READ.get((table, column), column) for column in wanted)
        found[table] = Counter(connection.execute(f"SELECT {values} FROM {table}").fetchall())
    for table, names in IDENTITY.items():
        found[f"identity of {table}"] = Counter(
            connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
        )
    connection.close()
    return found


def _full_text(desk: Desk) -> list[list[tuple[object, ...]]]:
    words = ("parcel", "refund", "kettle", "SO-1", "bestellung")
    return [
        desk.sql(f"SELECT rowid FROM {table} WHERE {table} MATCH '\"{word}\"' ORDER BY rowid")
        for table in ("fts_message", "fts_ticket")
        for word in words
    ]


def _compare(expected: dict[str, Rows], found: dict[str, Rows], row: Figures, where: str) -> None:
    for table, wanted in expected.items():
        missing, extra = wanted - found[table], found[table] - wanted
        if table.startswith("identity"):
            row.lost += missing.total()
            row.doubled += extra.total()
        if missing or extra:
            samples = [repr(next(iter(each)))[:300] for each in (missing, extra) if each]
            row.expect(False, f"{where}: {table}: {missing.total()} missing, {extra.total()} extra, as {samples}")
