"""One run over the mailbox: looks what is new, fetches it ahead in pages, and turns it into records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from carecli.connectors.imap.cursor import decode, encode
from carecli.connectors.imap.mapping import is_from_us, records_of
from carecli.connectors.imap.parse import Mail, parse
from carecli.connectors.imap.plan import NewMail, Plan, Planner, in_order, pages_of
from carecli.connectors.imap.session import FolderState, Session
from carecli.connectors.imap.settle import Settled, keep_one, settle
from carecli.connectors.imap.threads import Threader
from carecli.connectors.imap.worker import Stopped, Task, Worker, cutting
from carecli.connectors.spi.errors import Gone, Retryable
from carecli.connectors.spi.protocols import Lookup
from carecli.connectors.spi.records import Page, PlaceRecord, RawRecord, Record

_CHANGES_PER_PAGE = 1000
_CLOSING = 0.3  # seconds for a polite goodbye; a stop must take less than one

Fetched = dict[tuple[str, int], tuple[Mail, bytes]]
"""Each fetched mail, parsed and as its source, by (folder, UID)."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A fetched and parsed mail with the place it was found in."""

    at: NewMail
    mail: Mail
    source: bytes


class Pull:
    """One pull over a session of its own. ``inbox`` is the state of INBOX that this run has read up to."""

    def __init__(self, session: Session, lookup: Lookup, stop: threading.Event) -> None:
        self._session = session
        self._ours = session.settings.ours
        self._lookup = lookup
        self._stop = stop
        self._worker = Worker("imap-pull", session.end)
        self._threader = Threader(lookup, self._ours)
        self._sent: str | None = None
        self.inbox: FolderState | None = None

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """The pages of this run; ends without a last page when it is stopped. Raises ``spi.errors``."""
        try:
            with cutting(self._stop, self._session.end):
                yield from self._pages(cursor)
        except Stopped:
            return
        except Exception:
            if self._stop.is_set():
                return  # the fault is our own cut
            raise
        finally:
            closing = self._worker.start(self._session.close)
            self._worker.end()
            closing.wait(_CLOSING)

    def _pages(self, cursor: str | None) -> Iterator[Page]:
        self._worker.call(self._session.open, self._stop)
        plan = self._plan(decode(cursor))
        between = encode(plan.kept)
        total = len(plan.new)
        for start in range(0, len(plan.changes), _CHANGES_PER_PAGE):
            records = tuple(plan.changes[start : start + _CHANGES_PER_PAGE])
            yield Page(records=records, cursor=between, more=True, seen=0, total=total)
        seen = 0
        for mails, fetched in self._fetched(plan):
            seen += len(mails)
            yield Page(records=tuple(self._records(mails, fetched)), cursor=between, more=True, seen=seen, total=total)
            if self._stop.is_set():
                return
        self.inbox = next((state for name, state in plan.states.items() if name.upper() == "INBOX"), None)
        yield Page(records=(), cursor=encode(plan.states), more=bool(plan.missing), seen=seen, total=total)
        if plan.missing:
            raise plan.missing[0]

    def _plan(self, old: dict[str, FolderState]) -> Plan:
        session = self._session
        planner = Planner(session, self._lookup)
        plan = planner.plan
        self._sent = session.sent_folder()
        # Within one second what we sent comes first: nobody answers faster, but a delivery report may return.
        folders = dict.fromkeys((*((self._sent,) if self._sent else ()), *session.settings.folders))
        for order, folder in enumerate(folders):
            try:
                planner.look_at(folder, order, old.get(folder))
            except Gone as error:  # the other folders are still read; the error comes last
                plan.missing.append(error)
                if folder in old:
                    plan.kept[folder] = plan.states[folder] = old[folder]
        plan.new = in_order(plan.new)
        return plan

    def _fetched(self, plan: Plan) -> Iterator[tuple[list[NewMail], Fetched]]:
        """Pages of mail, each fetched and parsed while the one before is stored (SQLite lets other threads work)."""
        waiting: tuple[list[NewMail], Task[Fetched]] | None = None
        for mails in pages_of(plan.new):
            task = self._worker.start(lambda mails=mails: self._fetch(mails))  # type: ignore[misc]
            if waiting is not None:
                yield waiting[0], self._worker.finish(waiting[1], self._stop)
            waiting = (mails, task)
        if waiting is not None:
            yield waiting[0], self._worker.finish(waiting[1], self._stop)

    def _fetch(self, mails: list[NewMail]) -> Fetched:
        found: Fetched = {}
        for folder in dict.fromkeys(mail.folder for mail in mails):
            here = [mail for mail in mails if mail.folder == folder]
            if self._session.select(folder).uidvalidity != here[0].uidvalidity:
                raise Retryable(
                    f"folder '{folder}' was rebuilt by the server while it was read; what was read before is kept",
                    help="The next sync reads it again.",
                )
            arrived = {mail.listed.uid: mail.listed.arrived for mail in here}
            for uid, source in self._session.sources(list(arrived)):
                if uid in arrived:
                    found[folder, uid] = (parse(source, arrived[uid]), source)
        return found

    def _records(self, mails: list[NewMail], fetched: Fetched) -> Iterator[Record]:
        read: list[_Read] = []
        for at in mails:
            found = fetched.pop((at.folder, at.listed.uid), None)
            if found is not None:  # else it was expunged between listing and fetching
                read.append(_Read(at, *found))
        known = set(self._lookup.known_messages([each.mail.sha256 for each in read]))
        self._threader.begin([each.mail for each in read if each.mail.sha256 not in known])
        for each in read:
            place: PlaceRecord | None = _place_of(each)
            settled = self._settled(each, again=each.mail.sha256 in known)
            if settled is not None and settled.outcome == "removed":
                continue  # the copy in the sent folder is the mail; it comes on its own
            if settled is not None and settled.outcome == "moved":
                place = _place_after(each, settled)
            if each.mail.sha256 not in known:
                known.add(each.mail.sha256)
                yield RawRecord(kind="message", external_id=each.mail.sha256, body=each.source)
                yield from records_of(
                    each.mail,
                    self._threader.place(each.mail),
                    self._ours,
                    from_sent=each.at.folder == self._sent,
                    seen="\\Seen" in each.at.listed.flags,
                )
            if place is not None:
                yield place

    def _settled(self, each: _Read, *, again: bool) -> Settled | None:
        """Moves the copy to ourselves of mail that carecli sent; ``None`` for all other mail, and for mail in the sent
        folder, where only one of it stays (``again``: this mail was read before).
        """
        mail, at = each.mail, each.at
        if not mail.message_id or not self._ours.mark_of(mail.message_id):
            return None
        if at.folder == self._sent:
            if again:  # its twin is there already: two programs moved it, and the last one died before it could look
                twin = mail.message_id
                self._worker.call(lambda: keep_one(self._session, twin), self._stop)
            return None
        if at.folder.upper() != "INBOX" and "\\Seen" in at.listed.flags:
            return None  # somebody filed it there
        if not is_from_us(mail, self._ours):
            return None
        message_id = mail.message_id

        def put_away() -> Settled:
            result = settle(self._session, at.folder, at.listed.uid, message_id)
            keep_one(self._session, message_id)
            return result

        return self._worker.call(put_away, self._stop)


def _place_of(each: _Read) -> PlaceRecord:
    return PlaceRecord(
        message=each.mail.sha256,
        folder=each.at.folder,
        uidvalidity=each.at.uidvalidity,
        uid=each.at.listed.uid,
        flags=each.at.listed.flags,
    )


def _place_after(each: _Read, settled: Settled) -> PlaceRecord | None:
    if settled.folder is None or settled.uid is None:
        return None  # the next run finds it in the sent folder
    flags = tuple(sorted({*each.at.listed.flags, "\\Seen"}))
    return PlaceRecord(
        message=each.mail.sha256,
        folder=settled.folder,
        uidvalidity=settled.uidvalidity,
        uid=settled.uid,
        flags=flags,
    )
