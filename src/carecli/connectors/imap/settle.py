"""The copy to ourselves of mail we sent: moved to the folder of sent mail, exactly one of it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from carecli.connectors.imap.session import Session
from carecli.connectors.spi.errors import Gone

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SLACK = timedelta(days=2)  # clocks and time zones differ


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a copy: moved to the sent folder (with its new UID where the server says so), removed because
    one is there already, or left where it is.
    """

    outcome: Literal["moved", "removed", "kept"]
    folder: str | None = None
    uidvalidity: int = 0
    uid: int | None = None


def settle(session: Session, folder: str, uid: int, message_id: str) -> Settled:
    """Puts one copy where it belongs. Safe to repeat, and safe when another process does the same at that moment."""
    sent = session.sent_folder()
    if sent is None or sent == folder:
        return Settled("kept")
    try:
        session.select(sent, again=True)
        there = find(session, message_id)
    except Gone:
        return Settled("kept")
    session.select(folder, write=True)
    session.mark_seen([uid])
    if there:
        session.remove([uid])
        return Settled("removed")
    try:
        pair = session.move(uid, sent)
    except Gone:  # another program was quicker
        return Settled("removed")
    return Settled("moved", sent, *pair) if pair else Settled("moved")


def keep_one(session: Session, message_id: str) -> None:
    """Removes all but the first copy from the sent folder.

    Two programs that move the same copy at the same moment can bring two, also with MOVE: Dovecot copies first and
    removes then. Whoever looks last sees both, and everybody keeps the one with the lowest UID.
    """
    sent = session.sent_folder()
    if sent is None:
        return
    session.select(sent, write=True, again=True)
    copies = sorted(find(session, message_id))
    if len(copies) > 1:
        session.remove(copies[1:])


def find(session: Session, message_id: str, *, thorough: bool = False) -> list[int]:
    """UIDs in the open folder of mail with one of our Message-IDs.

    The time in the id narrows the search, which spares the server reading every header; ``thorough`` looks at
    everything when that finds nothing (a clock may have been wrong).
    """
    criteria: list[object] = ["HEADER", "Message-ID", message_id]
    day = _made_on(message_id)
    if day is None:
        return session.search(criteria)
    found = session.search(["SINCE", day.date(), *criteria])
    return session.search(criteria) if thorough and not found else found


def _made_on(message_id: str) -> datetime | None:
    match = re.match(r"<([0-9A-Z]{10})[0-9A-Z]{16}@", message_id)
    if not match:
        return None
    milliseconds = 0
    for char in match[1]:
        milliseconds = milliseconds * 32 + _CROCKFORD.find(char)
    with suppress(ValueError, OverflowError, OSError):
        return min(datetime.fromtimestamp(milliseconds / 1000, UTC), datetime.now(UTC)) - _SLACK
    return None
