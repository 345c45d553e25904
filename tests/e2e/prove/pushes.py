"""Runs a, b and c: hundreds of replies and notes pushed through faults, through kill -9, and by two programs at once."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from pathlib import Path

from carecli.bootstrap import open_workspace
from e2e.prove.desk import ProofDesk, Trigger, kill
from e2e.prove.figures import Figures, Scale
from e2e.prove.truth import CUSTOMERS, at_rest, compare, mails
from mail_peer import MailPeer

AT_THE_END = "while the server confirmed"
_MAX_ROUNDS = 60


def run_faults(peer: MailPeer, folder: Path, seed: int, scale: Scale, *, tls: str = "none") -> Figures:
    """Run a: pushed again and again while connections fail at random, then to the end without faults."""
    name = "a: faults" if tls == "none" else "a: faults under TLS"
    row = Figures(name)
    desk = _desk(peer, folder, "billing" if tls == "none" else "agent3", seed, scale, tls)
    started = time.monotonic()
    try:
        desk.trouble(0.75 if tls == "none" else 1.0, 0.3)
        for number in range(3 * scale.fault_rounds):
            hit = desk.plain is None or bool(desk.plain.counts["answer lost"])
            if hit and (number >= scale.fault_rounds or not desk.open_operations()):
                break
            if not hit:
                _enough(desk)
            if number % 6:  # a pull would settle doubts before a push has to look for their marks
                if number % 3 == 0:
                    desk.hurry()
                desk.sync("--push-only")
            else:
                desk.sync()
        _finish(desk, row)
        row.expect(desk.plain is None or row.faults["SMTP answer lost"], "no answer to the end of a mail was lost")
        row.expect(desk.plain is None or row.doubts, "no outcome was ever in doubt: the faults missed the point")
    finally:
        desk.close()
    row.seconds = time.monotonic() - started
    return row


def run_kills(peer: MailPeer, folder: Path, seed: int, scale: Scale) -> Figures:
    """Run b: as run a with fewer faults, and the pushing program is killed again and again."""
    row = Figures("b: kill -9")
    desk = _desk(peer, folder, "agent1", seed, scale, "none")
    started = time.monotonic()
    try:
        desk.trouble(0.3, 0.15, linger=0.15)
        while row.kills.total() < scale.kills or (not row.kills[AT_THE_END] and row.kills.total() < 4 * scale.kills):
            _one_life(desk, row, desk.chance, scale.kills - row.kills.total(), "sync")
            if row.kills.total() % 5 == 4:
                desk.hurry()
        _finish(desk, row)
        row.expect(row.kills[AT_THE_END], "no kill fell between the end of a mail and its answer")
    finally:
        desk.close()
    row.seconds = time.monotonic() - started
    return row


def run_two(peer: MailPeer, folder: Path, seed: int, scale: Scale) -> Figures:
    """Run c: two programs on one store, one watching, one starting over, both killed at random."""
    row = Figures("c: two pushers, kill -9")
    desk = _desk(peer, folder, "agent2", seed, scale, "none")
    started = time.monotonic()
    lock = threading.Lock()

    def lives(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        while row.kills.total() < scale.kills:
            with lock:
                _enough(desk)
                if chance.random() < 0.2:
                    desk.hurry()
            _one_life(desk, row, chance, scale.kills - row.kills.total(), *(("sync", "watch")[number],), lock=lock)

    try:
        desk.trouble(0.25, 0.1, linger=0.15)
        threads = [threading.Thread(target=lives, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _finish(desk, row, pushers=2)
    finally:
        desk.close()
    row.seconds = time.monotonic() - started
    return row


def _desk(peer: MailPeer, folder: Path, user: str, seed: int, scale: Scale, tls: str) -> ProofDesk:
    desk = ProofDesk(folder / f"{user}-{tls}", peer, user, seed, tls=tls)
    desk.write_customers(scale.tickets)
    desk.queue(scale.operations)
    return desk


def _enough(desk: ProofDesk) -> None:
    """There is always something to push while programs are killed."""
    if len(desk.open_operations()) < 6:
        desk.queue(20)


_PHASES = {
    "ending": AT_THE_END,
    "body": "in the text",
    "request": "in the envelope",
    "signing in": "while signing in",
}


def _one_life(
    desk: ProofDesk, row: Figures, chance: random.Random, kills_left: int, kind: str, lock: threading.Lock | None = None
) -> None:
    """Starts a program and kills it at a random moment, unless it ends before."""
    if lock is None:
        _enough(desk)
    most = max(1, min(6, 2 * len(desk.open_operations()) // max(1, kills_left)))
    trigger = Trigger(desk.plain, chance, most)
    words: tuple[str, ...] = ("sync", "support", "--watch", "2") if kind == "watch" else ("sync", "support")
    if kind == "sync" and chance.random() < 0.5:
        words += ("--push-only",)
    process = desk.spawn(*words)
    if trigger.wait(process):
        phase = desk.plain.phase() if desk.plain is not None else ""
        kill(process)
        row.kills[_PHASES.get(phase, "elsewhere")] += 1
    else:
        process.wait()
    if lock is None:
        desk.ended(process)
    else:
        with lock:
            desk.ended(process)


def _finish(desk: ProofDesk, row: Figures, pushers: int = 1) -> None:
    """Pushes without faults until the outbox is settled; a person decides what no program can know."""
    row.faults = desk.faults()
    desk.trouble(0.0)
    if desk.plain is not None:
        desk.plain.hold = 0.0
    before: dict[str, str] = {}
    still = 0
    reasons: Counter[str] = Counter()
    for _ in range(_MAX_ROUNDS):
        desk.hurry()
        _sync_with(desk, pushers, *(("--push-only",) if not before else ()))
        left = desk.open_operations()
        if not left:
            break
        still = still + 1 if left == before else 0
        before = left
        if still >= 2:  # looked for twice, without faults
            reasons += _ask_a_person(desk, row)
    _sync_with(desk, pushers)  # brings the last copies to their place
    row.doubts = len(desk.doubts)
    row.for_a_person = reasons.total()
    row.notes.append(f"of {row.doubts} outcomes in doubt {row.doubts - row.for_a_person} were settled by machine")
    row.notes += [f"left for a person ({number}): {reason}" for reason, number in reasons.most_common()]
    compare(desk, row)


def _sync_with(desk: ProofDesk, pushers: int, *words: str) -> None:
    others = [desk.spawn("sync", "support", *words) for _ in range(pushers - 1)]
    desk.sync(*words)
    for other in others:
        other.wait()
        desk.ended(other)


def _ask_a_person(desk: ProofDesk, row: Figures) -> Counter[str]:
    """Decides as a person would who asked the customer: what did not arrive is sent again."""
    at_rest(desk.peer, row)
    arrived = {mail.message_id for mail in mails(desk.peer, CUSTOMERS)}
    reasons: Counter[str] = Counter()
    rows = desk.sql(
        "SELECT id, state, last_error, error_code FROM operation WHERE state IN ('unknown', 'failed', 'conflict')"
    )
    workspace = open_workspace(str(desk.home), origin="cli")
    try:
        for operation, state, error, code in rows:
            there = f"<{operation}@care.test>" in arrived
            row.expect(not there, f"{operation} is {state} although the customer has it ({code}: {error})")
            row.expect(state == "unknown", f"{operation} is {state} ({code}: {error})")
            words = re.sub(r" [0-9.]+:\d+", "", str(error).partition(" (")[0].partition(";")[0])
            reasons[f"{state}, the customer has {'it' if there else 'nothing'}, {words}"] += 1
            workspace.outbox.resolve(str(operation), "discard" if there else "send")
    finally:
        workspace.close()
    return reasons
