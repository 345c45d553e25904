"""What there is to do in a mailbox: compares folders with the cursor and the store, and orders the new mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from carecli.connectors.imap.session import FolderState, Listed, Session, uid_set
from carecli.connectors.spi.protocols import Lookup
from carecli.connectors.spi.records import FlagsChanged, PlacesGone

PAGE_MAILS = 400  # written within a tenth of a second, the longest that other programs should wait for the store
PAGE_BYTES = 4_000_000
_ALL = "1:*"

Stored = Mapping[int, tuple[str, ...]]
"""Flags of the stored places of a folder, by UID."""

_CHUNK = 5000  # UIDs in one command, so that its line stays short


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to fetch: where it lies and what the listing says about it."""

    folder: str
    uidvalidity: int
    order: int
    listed: Listed


@dataclass(slots=True)
class Plan:
    """Everything one run has to do. ``states`` become the cursor when all of it is done."""

    states: dict[str, FolderState] = field(default_factory=dict)
    kept: dict[str, FolderState] = field(default_factory=dict)
    changes: list[FlagsChanged | PlacesGone] = field(default_factory=list)
    new: list[NewMail] = field(default_factory=list)
    missing: list[Exception] = field(default_factory=list)


def compare(folder: str, validity: int, stored: Stored, found: Stored) -> Iterator[FlagsChanged]:
    """Flag changes of the stored places among what the server reports."""
    for uid, flags in found.items():
        known = stored.get(uid)
        if known is not None and set(known) != set(flags):
            yield FlagsChanged(folder=folder, uidvalidity=validity, uid=uid, flags=flags)


def gone(folder: str, validity: int, uids: Iterable[int]) -> list[PlacesGone]:
    """The record for places that vanished; none for no UIDs, because an empty set would mean all of them."""
    ordered = tuple(sorted(uids))
    return [PlacesGone(folder=folder, uidvalidity=validity, uids=ordered)] if ordered else []


def in_order(mails: Iterable[NewMail]) -> list[NewMail]:
    """New mail by arrival over all folders, so that what caused an answer comes before the answer."""
    return sorted(mails, key=lambda mail: (mail.listed.arrived, mail.order, mail.listed.uid))


def pages_of(mails: Sequence[NewMail]) -> Iterator[list[NewMail]]:
    """Cuts ordered mail into pages bounded by count and by bytes (one larger mail makes a page of its own)."""
    page: list[NewMail] = []
    size = 0
    for mail in mails:
        if page and (len(page) >= PAGE_MAILS or size + mail.listed.size > PAGE_BYTES):
            yield page
            page, size = [], 0
        page.append(mail)
        size += mail.listed.size
    if page:
        yield page


class Planner:
    """Looks at one folder after another and adds what is to do to ``plan``."""

    def __init__(self, session: Session, lookup: Lookup) -> None:
        self.plan = Plan()
        self._session = session
        self._lookup = lookup

    def look_at(self, folder: str, order: int, was: FolderState | None) -> None:
        """Adds one folder; ``was`` is its state in the cursor. Raises ``Gone`` when there is no such folder."""
        plan = self.plan
        now = self._session.select(folder, again=True)
        plan.states[folder] = now
        if was is not None and was.uidvalidity != now.uidvalidity:
            plan.changes.append(PlacesGone(folder=folder, uidvalidity=was.uidvalidity))
            was = None
        elif was is not None:
            plan.kept[folder] = was
            if was == now and now.modseq is not None and now.uidnext:
                return
        stored = self._lookup.places(folder, now.uidvalidity)
        if was is not None and was.modseq is not None and now.modseq is not None and was.uidnext:
            listed = self._changes_since(folder, was, now, stored)
        else:
            listed = self._everything(folder, now, stored)
        plan.new += [NewMail(folder, now.uidvalidity, order, each) for each in listed if each.uid not in stored]

    def _changes_since(self, folder: str, was: FolderState, now: FolderState, stored: Stored) -> list[Listed]:
        session, validity = self._session, now.uidvalidity
        listed: list[Listed] = []
        if now.uidnext != was.uidnext:
            # "n:*" answers with the last message even when it lies below n (RFC 3501, section 6.4.8)
            listed = [each for each in session.listing(f"{was.uidnext}:*") if each.uid >= was.uidnext]
        if now.modseq != was.modseq and was.exists:
            flags, vanished = session.flags(_ALL, since=was.modseq)
            self.plan.changes += compare(folder, validity, stored, flags)
            self.plan.changes += gone(folder, validity, [uid for uid in vanished if uid in stored])
        if not session.qresync and now.exists != was.exists + len(listed):
            present = set(session.search_all(["ALL"], now.uidnext)) if now.exists else set()
            self.plan.changes += gone(folder, validity, [uid for uid in stored if uid not in present])
        since = session.settings.since
        return [each for each in listed if since is None or _day(each.arrived) >= since]

    def _everything(self, folder: str, now: FolderState, stored: Stored) -> list[Listed]:
        session, validity, since = self._session, now.uidvalidity, self._session.settings.since
        listed: list[Listed] = []
        if now.exists and since is None:
            listed = session.listing(_ALL)
        elif now.exists and since is not None:
            uids = session.search_all(["SINCE", since], now.uidnext)
            for start in range(0, len(uids), _CHUNK):
                listed += session.listing(uid_set(uids[start : start + _CHUNK]))
        present = {each.uid: each.flags for each in listed}
        self.plan.changes += compare(folder, validity, stored, present)
        lowest = min(present, default=0) if since is not None else 0
        self.plan.changes += gone(folder, validity, [uid for uid in stored if uid >= lowest and uid not in present])
        return listed


def _day(arrived: int) -> date:
    return datetime.fromtimestamp(arrived / 1000, UTC).date()
