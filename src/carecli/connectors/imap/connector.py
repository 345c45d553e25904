"""The mailbox connector: reads over IMAP, sends over SMTP, and proves each send by the copy that comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar, NoReturn

from carecli.connectors.imap.bodies import content_of
from carecli.connectors.imap.compose import compose, message_id_of
from carecli.connectors.imap.faults import unconfirmed
from carecli.connectors.imap.live import Watcher
from carecli.connectors.imap.manifest import MANIFEST
from carecli.connectors.imap.mime import split
from carecli.connectors.imap.pull import Pull
from carecli.connectors.imap.session import FolderState, Session
from carecli.connectors.imap.settings import settings_of
from carecli.connectors.imap.settle import find, keep_one, settle
from carecli.connectors.imap.submit import Submission
from carecli.connectors.imap.worker import Task, Worker
from carecli.connectors.spi.errors import Gone, Unsupported
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Options
from carecli.connectors.spi.protocols import Lookup, Secrets, Verdict
from carecli.connectors.spi.records import (
    FieldRequest,
    Health,
    NoteRequest,
    Page,
    PushResult,
    ReplyRequest,
)
from carecli.domain.errors import CareError

_COPY_WAIT = 2.0  # seconds a send waits for its own copy; a later copy is settled by the next pull
_COPY_STEP = 0.15
_RECENT = 40  # messages at the end of INBOX among which a fresh copy is looked for
_FEATURES = (
    ("CONDSTORE", "no CONDSTORE: flags of all mail are compared at every sync"),
    ("QRESYNC", "no QRESYNC: removed mail is found by comparing lists"),
    ("IDLE", "no IDLE: new mail is looked for every 15 seconds"),
    ("MOVE", "no MOVE: sent mail is copied and removed"),
    ("UIDPLUS", "no UIDPLUS: removed copies stay marked as deleted"),
)


class ImapConnector:
    """A mailbox whose threads are tickets. Implements ``TicketSource`` and ``LiveSource``; one stream, ``mail``."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, account: str, options: Options, secrets: Secrets) -> None:
        self._settings = settings_of(account, options)
        self._secrets = secrets
        self._desk = Session(self._settings, secrets)
        self._smtp = Submission(self._settings, secrets)
        self._watcher = Watcher(Session(self._settings, secrets))
        self._inbox: FolderState | None = None
        self._tried: dict[str, float] = {}

    def check(self) -> Health:
        """Signs in to both servers; notes say what the IMAP server lacks. Raises ``spi.errors``."""
        self._desk.open()
        self._smtp.open()
        notes = [note for name, note in _FEATURES if not self._desk.has(name)]
        if self._desk.sent_folder() is None:
            notes.append("no folder of sent mail was found: set sent_folder")
        for folder in self._settings.folders:
            self._desk.select(folder)
        return Health(identity=f"{self._settings.username} ({self._settings.address})", notes=tuple(notes))

    def close(self) -> None:
        """Ends all connections."""
        self._watcher.close()
        self._smtp.close()
        self._desk.close()

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        """Pages of changed and new mail, in order of arrival over all folders. Raises ``spi.errors``."""
        if stream != "mail":
            raise Unsupported(f"a mailbox has no '{stream}'", help="Its only stream is 'mail'.")
        run = Pull(Session(self._settings, self._secrets), lookup, stop)
        for page in run.pages(cursor):
            self._inbox = run.inbox or self._inbox
            yield page

    def send_reply(self, request: ReplyRequest) -> PushResult:
        """Sends a reply, forward or first message; its copy is put away as soon as it comes back.

        Raises ``Rejected``, ``Retryable``, ``AuthNeeded`` (nothing was sent) or ``Ambiguous``.
        """
        mail = compose(request, self._settings)
        self._tried[request.operation_id] = time.time()
        self._smtp.send(mail)
        self._briefly(lambda: self._await_copy(mail.message_id))
        return PushResult(message_id=mail.message_id)

    def _briefly(self, call: Callable[[], object]) -> None:
        """Makes a call that may fail or be late without harm: the next pull does the same work."""
        worker = Worker("imap-copy", self._desk.cut)
        task: Task[object] = worker.start(call)
        worker.end()
        if not task.wait(_COPY_WAIT + 0.5):
            self._desk.cut()

    def _await_copy(self, message_id: str) -> None:
        deadline = time.monotonic() + _COPY_WAIT
        try:
            while time.monotonic() < deadline:
                state = self._desk.select("INBOX", again=True)
                uid = self._desk.recent_uid(message_id, state, _RECENT)
                if uid is not None:
                    settle(self._desk, "INBOX", uid, message_id)
                    keep_one(self._desk, message_id)
                    return
                time.sleep(_COPY_STEP)
        except CareError:
            return

    def add_note(self, request: NoteRequest) -> PushResult:
        """Always raises ``Unsupported``: a mailbox has no place for internal notes."""
        _no("notes stay local", request)

    def update_ticket(self, request: FieldRequest) -> PushResult:
        """Always raises ``Unsupported``: status and fields of mail tickets are local."""
        _no("fields stay local", request)

    def verify(self, operation_id: str, request: ReplyRequest | NoteRequest | FieldRequest) -> Verdict:
        """Looks for the copy of a send whose answer was lost, and puts it away. Raises ``spi.errors``.

        Mail may be under way for days, so its absence is never certain: the answer is the result or "unsure", never
        "absent". Once ``verify_wait_seconds`` have passed since the attempt (as far as this object made it; else since
        the person decided), it raises ``Ambiguous``, which says what a person can do.
        """
        if not isinstance(request, ReplyRequest):
            return "absent"  # never left this machine
        message_id = message_id_of(operation_id, self._settings.address)
        found = False
        uses = ("\\Junk", "\\Archive", "\\All", "\\Trash")
        folders = (self._desk.sent_folder(), "INBOX", *self._settings.folders, *map(self._desk.special, uses))
        for folder in dict.fromkeys(each for each in folders if each):
            try:
                self._desk.select(folder, again=True)
            except Gone:
                continue
            uids = find(self._desk, message_id, thorough=True)
            if uids and (folder == "INBOX" or folder == self._desk.special("\\Junk")):
                for uid in uids:
                    settle(self._desk, folder, uid, message_id)
                keep_one(self._desk, message_id)
            found = found or bool(uids)
        if found:
            return PushResult(message_id=message_id)
        waited = time.time() - self._tried.get(operation_id, request.created_at / 1000)
        if waited >= self._settings.verify_wait_seconds:
            raise unconfirmed(self._settings.smtp, operation_id, waited)
        return "unsure"

    def fetch_attachment(self, message: str, attachment: str, lookup: Lookup) -> bytes:
        """Bytes of an attachment, from the kept source. Raises ``Gone`` when the source or the part is not there."""
        source = lookup.raw("message", message)
        content = content_of(split(source), attachment) if source is not None else None
        if content is None:
            raise Gone(
                "this attachment is no longer kept here",
                help="Run 'carecli sync --full' to read the mailbox again.",
            )
        return content

    def wait_for_news(self, stop: threading.Event, timeout: float) -> bool:
        """Waits for changes of INBOX on a connection of its own. Raises ``Retryable`` when that drops."""
        return self._watcher.wait(stop, timeout, self._inbox)


def _no(reason: str, request: NoteRequest | FieldRequest) -> NoReturn:
    raise Unsupported(
        f"{reason}: a mailbox cannot keep them (operation {request.operation_id})",
        help="They are kept in the local store.",
    )
