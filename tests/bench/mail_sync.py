"""A first sync of 10,000 mails from a real Dovecot, against a plain script: imaplib fetches, ``email`` parses.

The script reads the same folders over the same TLS, one UID FETCH of ``BODY.PEEK[]`` for each 250 mails, gives every
mail to ``email.message_from_bytes`` (policy compat32), walks its parts and decodes the payload of the text parts. It
stores nothing. Ours also threads, stores, indexes for full text and keeps the sources.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

from measure import Row, Spent, carecli, environment, spend

from mail_peer import MailPeer, PeerUnavailableError

BASELINE = """
import email, imaplib, ssl, sys
host, port, ca, user, password = sys.argv[1:6]
box = imaplib.IMAP4_SSL(host, int(port), ssl_context=ssl.create_default_context(cafile=ca))
box.login(user, password)
seen = 0
for folder in sys.argv[6:]:
    box.select(folder, readonly=True)
    uids = box.uid("SEARCH", None, "ALL")[1][0].split()
    for start in range(0, len(uids), 250):
        _, data = box.uid("FETCH", b",".join(uids[start:start + 250]).decode(), "(UID BODY.PEEK[])")
        for item in data:
            if not isinstance(item, tuple):
                continue
            mail = email.message_from_bytes(item[1])
            for part in mail.walk():
                if part.get_content_maintype() == "text":
                    part.get_payload(decode=True)
            seen += 1
box.logout()
assert seen == COUNT, seen
"""
CONFIG = """[accounts.mail]
connector = "imap"
address = "support@care.test"
imap_host = "{host}"
imap_port = {port}
ca_file = "{ca}"
"""


def rows(mails: int, rounds: int) -> list[Row]:
    """First and second sync of a seeded mailbox; one row that says why when there is no server here."""
    try:
        peer = MailPeer()
    except PeerUnavailableError as reason:
        return [Row("G1", f"not measured: {reason}", 0, None, "s", None)]
    try:
        peer.seed(mails)
        return _measured(peer, mails, rounds)
    finally:
        peer.stop()


def _measured(peer: MailPeer, mails: int, rounds: int) -> list[Row]:
    script = [sys.executable, "-c", BASELINE.replace("COUNT", str(mails)), peer.host, str(peer.imaps), str(peer.ca)]
    script += ["support@care.test", peer.password, "INBOX", "Sent"]
    ours: list[Spent] = []
    theirs: list[Spent] = []
    again: list[Spent] = []
    for _ in range(rounds):
        theirs.append(spend(script, environment()))
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            text = CONFIG.format(host=peer.host, port=peer.imaps, ca=peer.ca)
            (home / "config.toml").write_text(text, "utf-8")
            env = environment(home, CARECLI_SECRET_MAIL_PASSWORD=peer.password)
            spend(carecli("account", "list"), env)  # makes the empty store, as "account add" would
            ours.append(spend(carecli("sync", "--json"), env))
            again.append(spend(carecli("sync", "--json"), env))
    what = f"first sync of {mails:,} mails"
    return [
        Row("G1", f"{what}, CPU", _best(ours, _cpu), _best(theirs, _cpu), "s CPU", 1.6),
        Row("G1", f"{what}, wall", _best(ours, _wall), _best(theirs, _wall), "s", 1.6),
        Row("G1", "second sync, nothing new, wall", _best(again, _wall), None, "s", 1),
    ]


def _best(spent: list[Spent], figure: Callable[[Spent], float]) -> float:
    """The least of a few runs: noise only adds."""
    return min(figure(each) for each in spent)


def _cpu(spent: Spent) -> float:
    return spent.cpu


def _wall(spent: Spent) -> float:
    return spent.wall
