"""What really lies in the mailboxes, and how it compares with what carecli believes."""

from __future__ import annotations

import email
import email.policy
import re
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from e2e.prove.desk import ProofDesk
from e2e.prove.figures import Figures
from mail_peer import MailPeer

CUSTOMERS = "customers@care.test"
_TOKEN = re.compile(r"(?:answer|inside)-[0-9a-f]{8}-\d{5}")


@dataclass(frozen=True, slots=True)
class Found:
    """One mail in a mailbox."""

    uid: int
    arrived: datetime
    message_id: str
    tokens: tuple[str, ...]


def mails(peer: MailPeer, user: str, folder: str = "INBOX") -> list[Found]:
    """All mail of a folder in the order of arrival."""
    with IMAPClient(peer.host, peer.imap, ssl=False) as client:
        client.login(user, peer.password)
        client.select_folder(folder, readonly=True)
        uids = client.search(["ALL"])
        answers: dict[int, dict[bytes, Any]] = {}
        for start in range(0, len(uids), 500):
            answers |= client.fetch(uids[start : start + 500], ["INTERNALDATE", "BODY.PEEK[]"])
    found = []
    for uid in sorted(answers):
        mail = email.message_from_bytes(answers[uid][b"BODY[]"], policy=email.policy.default)
        body = mail.get_body(("plain",))
        tokens = _TOKEN.findall(body.get_content()) if body is not None else []
        found.append(Found(uid, answers[uid][b"INTERNALDATE"], str(mail["Message-ID"]), tuple(tokens)))
    return found


def at_rest(peer: MailPeer, row: Figures, seconds: float = 20) -> None:
    """Waits until the server has delivered everything it took."""
    deadline = time.monotonic() + seconds
    quiet = 0
    waiting: list[str] = []
    while time.monotonic() < deadline:
        queues = [peer.state / "spool" / name for name in ("maildrop", "incoming", "active", "deferred")]
        waiting = [f"{path.parent.name}/{path.name}" for each in queues for path in each.rglob("*") if path.is_file()]
        quiet = 0 if waiting else quiet + 1
        if quiet >= 3:
            return
        time.sleep(0.1)
    row.expect(False, f"the mail server still has mail in its queue: {waiting[:5]}")


def everywhere(peer: MailPeer, word: bytes) -> int:
    """How many mails on the whole server contain a word, in any mailbox or folder."""
    import base64

    # A body in base64 hides its words: three ways to align them.
    forms = [word, *(base64.b64encode(b"\0" * shift + word)[4 if shift else 0 : -4] for shift in range(3))]
    files = [file for file in Path(peer.state / "mail").rglob("*") if file.parent.name in ("new", "cur")]
    return sum(any(form in file.read_bytes() for form in forms) for file in files)


def compare(desk: ProofDesk, row: Figures) -> None:
    """Fills a row with the counts by Message-ID and by body, and notes which promises were broken."""
    peer = desk.peer
    at_rest(peer, row)
    replies = {f"<{text.operation}@care.test>": text for text in desk.texts if not text.note}
    notes = [text for text in desk.texts if text.note]
    states = {str(name): str(state) for name, state in desk.sql("SELECT id, state FROM operation")}
    arrived = [mail for mail in mails(peer, CUSTOMERS) if mail.message_id in replies]
    in_sent = [mail for mail in mails(peer, desk.address, "Sent") if mail.message_id in replies]
    in_inbox = [mail for mail in mails(peer, desk.address) if mail.message_id in replies]

    by_id = Counter(mail.message_id for mail in arrived)
    by_body = Counter(token for mail in mails(peer, CUSTOMERS) for token in mail.tokens if desk.marker in token)
    kept = Counter(mail.message_id for mail in in_sent)
    done = {name for name, text in replies.items() if states.get(text.operation) == "done"}
    row.operations = len(desk.texts)
    row.sent = len(done)
    row.at_recipients = len(arrived)
    row.in_sent = len(in_sent)
    missing = {name for name in done if not by_id[name] or not by_body[replies[name].token]}
    row.lost = len(missing) + sum(text.operation not in states for text in desk.texts)
    row.doubled = sum(max(by_id[name], by_body[text.token], kept[name], 1) - 1 for name, text in replies.items())
    row.expect(set(by_id) <= done, f"{len(set(by_id) - done)} mails arrived that carecli does not know to be sent")
    row.expect(set(kept) == done, f"Sent holds {len(kept)} of {len(done)} sent mails")
    row.expect(not in_inbox, f"{len(in_inbox)} copies of our own mail stayed in INBOX")
    mixed = [mail for mail in arrived if set(mail.tokens) != {replies[mail.message_id].token}]
    row.expect(not mixed, f"{len(mixed)} mails carry another text than the one that was queued")

    row.notes_outside = everywhere(peer, desk.note_word.encode())
    if desk.plain is not None:
        row.notes_outside += desk.plain.seen_forbidden
        twice = {name: number for name, number in desk.plain.accepted.items() if number > 1}
        row.expect(not twice, f"the server accepted {len(twice)} mails more than once: {twice}")
    here = Counter(row[0] for row in desk.sql("SELECT body_text FROM message WHERE kind = 'note'"))
    kept_notes = sum(number for text, number in here.items() if desk.note_word in str(text))
    row.expect(kept_notes == len(notes), f"{kept_notes} of {len(notes)} notes are in the store")

    row.out_of_order = _out_of_order(desk, replies_in(arrived, by="uid")) + _out_of_order(
        desk, replies_in(in_sent, by="arrived")
    )
    for name in ("lost", "doubled", "notes_outside", "out_of_order"):
        row.expect(getattr(row, name) == 0, f"{name}: {getattr(row, name)}")
    left = {state: number for state, number in Counter(states.values()).items() if state != "done"}
    row.expect(not left, f"operations that are not done: {left}")
    heard = desk.heard()
    row.expect(not heard, f"said or seen: {dict(heard.most_common(5))}")


def replies_in(found: list[Found], *, by: str) -> dict[str, object]:
    """When each mail arrived, by Message-ID: its UID, or the second of its arrival."""
    return {mail.message_id: getattr(mail, by) for mail in found}


def _out_of_order(desk: ProofDesk, when: dict[str, object]) -> int:
    """How many answers arrived before an older one of the same ticket."""
    newest: dict[int, object] = {}
    wrong = 0
    for text in desk.texts:
        at = when.get(f"<{text.operation}@care.test>")
        if at is None:
            continue
        if text.ticket in newest and at < newest[text.ticket]:  # type: ignore[operator]
            wrong += 1
        newest[text.ticket] = at
    return wrong
