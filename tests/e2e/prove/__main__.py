"""The proof of "never lost, never doubled" on a real mail server: ``python -m e2e.prove [--short] [--only a,b]``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from e2e.prove.figures import LONG, SHORT, Figures, Scale, table, write
from e2e.prove.pulls import run_pull
from e2e.prove.pushes import run_faults, run_kills, run_two
from e2e.prove.soak import run_soak
from mail_peer import MailPeer, PeerUnavailableError

PAGE = Path(__file__).parents[3] / "docs" / "guarantees.md"
Run = Callable[[MailPeer, Path, int, Scale], Figures]
RUNS: dict[str, Run] = {
    "a": run_faults,
    "t": lambda peer, folder, seed, scale: run_faults(peer, folder, seed, scale, tls="starttls"),
    "b": run_kills,
    "c": run_two,
    "d": lambda peer, folder, seed, scale: run_pull(peer, folder, seed, mails=scale.mails, kills=scale.pull_kills),
    "e": lambda peer, folder, seed, scale: run_soak(peer, folder, seed, scale.soak_seconds),
}


def prove(peer: MailPeer, names: Iterable[str], seed: int, scale: Scale) -> list[Figures]:
    """Makes the runs of those names; each prints what it found as soon as it is over."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="carecli-prove-") as folder:
        for name in names:
            row = RUNS[name](peer, Path(folder), seed, scale)
            rows.append(row)
            print(table([row]), *(f"BROKEN {row.run}: {what}" for what in row.broken), sep="\n", flush=True)
    return rows


def main(words: list[str]) -> int:
    """Exit code: 0 when every promise held, 1 when one was broken, 2 when there is no mail server."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--short", action="store_true", help="about three minutes instead of an hour and a half")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default=",".join(RUNS), help="runs: a faults, t TLS, b kills, c two, d pull, e soak")
    parser.add_argument("--minutes", type=float, help="length of the soak")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.name}")
    taken = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # the mail server is ended on the way out
    scale = SHORT if taken.short else LONG
    if taken.minutes:
        scale = replace(scale, soak_seconds=taken.minutes * 60)
    try:
        peer = MailPeer()
    except PeerUnavailableError as reason:
        print(f"no mail server: {reason}", file=sys.stderr)
        return 2
    try:
        rows = prove(peer, taken.only.split(","), taken.seed, scale)
    finally:
        peer.stop()
    print(table(rows))
    if taken.write:
        write(PAGE, rows)
    return 1 if any(row.broken for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
