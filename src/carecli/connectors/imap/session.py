"""One signed-in IMAP connection: selecting, listing, fetching, searching and moving, on top of IMAPClient."""

from __future__ import annotations

import imaplib
import re
import socket
from calendar import timegm
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from carecli.connectors.imap.faults import folder_fault, sign_in_fault, translated
from carecli.connectors.imap.settings import Settings, require_starttls, tls_context
from carecli.connectors.spi.errors import Gone, Retryable
from carecli.connectors.spi.protocols import Secrets

_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^()]*)\)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_ARRIVED = re.compile(rb'\bINTERNALDATE "([ \d]\d-\w{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4})"')
_QUOTED_BODY = re.compile(rb'BODY\[\] "((?:[^"\\]|\\.)*)"', re.DOTALL)
_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_SENT_NAMES = (
    "sent",
    "sent items",
    "sent messages",
    "sent mail",
    "gesendet",
    "gesendete elemente",
    "enviados",
    "envoyés",
)
_SEARCH_WINDOW = 50_000  # UIDs of one SEARCH: its answer is one line, and lines are limited to a million bytes


@dataclass(frozen=True, slots=True)
class FolderState:
    """What SELECT says about a folder; ``modseq`` is ``None`` on servers without CONDSTORE."""

    uidvalidity: int
    uidnext: int
    modseq: int | None
    exists: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One message in a folder: UID, arrival in milliseconds since 1970 UTC, size in bytes, flags."""

    uid: int
    arrived: int
    size: int
    flags: tuple[str, ...]


class Session:
    """A lazily opened connection. Raises only ``spi.errors``; after an error the next call opens a new connection."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.settings = settings
        self._secrets = secrets
        self._client: IMAPClient | None = None
        self._selected: tuple[str, bool] | None = None
        self._state: FolderState | None = None
        self._special: dict[str, str] | None = None
        self.capabilities: frozenset[str] = frozenset()
        self.qresync = False
        self._ended = False
        self._broken = False

    def has(self, capability: str) -> bool:
        """Whether the server offers a capability (known once signed in)."""
        return capability in self.capabilities

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Translates faults, and drops a connection whose state is unknown after one."""
        try:
            with translated(self.settings.imap):
                yield
        except Retryable:
            self._drop()
            raise

    def open(self) -> IMAPClient:
        """The signed-in client, connecting when needed."""
        if self._broken:
            self._drop()
        if self._client is None:
            if self._ended:
                raise Retryable("stopped on request; what was read before is kept")
            with self._guard():
                self._client = self._connect()
        return self._client

    def _connect(self) -> IMAPClient:
        at = self.settings.imap
        context = tls_context(self.settings) if at.tls != "none" else None
        client = IMAPClient(
            at.host, at.port, ssl=at.tls == "implicit", ssl_context=context, timeout=self.settings.timeout
        )
        client._imap.debug = 0  # noqa: SLF001  (IMAPClient formats every line for its log, sign-in included)
        try:
            if at.tls == "starttls":
                require_starttls(at, offered=client.has_capability("STARTTLS"))
                client.starttls(context)
            self._sign_in(client)
            self.capabilities = frozenset(name.decode("ascii", "replace").upper() for name in client.capabilities())
            self.qresync = False
            if self.has("ENABLE"):
                wanted = "QRESYNC" if self.has("QRESYNC") else "CONDSTORE" if self.has("CONDSTORE") else ""
                enabled = client.enable(wanted) if wanted else ()
                self.qresync = b"QRESYNC" in enabled
        except BaseException:
            with suppress(Exception):
                client.shutdown()
            raise
        return client

    def _sign_in(self, client: IMAPClient) -> None:
        user = self.settings.username
        try:
            if self.settings.auth == "xoauth2":
                client.oauth2_login(user, self._secrets.get("token"))
                return
            password = self._secrets.get("password")
            if password.isascii() and user.isascii():
                client.login(user, password)
            else:
                client.plain_login(user, password)
        except (LoginError, imaplib.IMAP4.error) as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            raise sign_in_fault(self.settings.imap, self.settings.account, error) from error

    @property
    def _wire(self) -> imaplib.IMAP4:
        """The standard library's connection under IMAPClient: its literals come without a Python parser per byte."""
        wire: imaplib.IMAP4 = self.open()._imap  # noqa: SLF001
        return wire

    def select(self, folder: str, *, write: bool = False, again: bool = False) -> FolderState:
        """Opens a folder (read-only unless ``write``). Raises ``Gone`` when there is none."""
        if self._selected == (folder, write) and self._state and self._client and not again:
            return self._state
        client = self.open()
        with self._guard():
            self._selected = None
            try:
                answer = client.select_folder(folder, readonly=not write)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise folder_fault(self.settings.imap, folder, error) from error
        self._state = FolderState(
            uidvalidity=int(answer.get(b"UIDVALIDITY", 0)),
            uidnext=int(answer.get(b"UIDNEXT", 0)),
            modseq=int(answer[b"HIGHESTMODSEQ"]) if self.has("CONDSTORE") and answer.get(b"HIGHESTMODSEQ") else None,
            exists=int(answer.get(b"EXISTS", 0)),
        )
        self._selected = (folder, write)
        return self._state

    def special(self, use: str) -> str | None:
        r"""Name of the folder with a special use (RFC 6154) such as ``\Sent``; sent mail also by its usual names."""
        if self._special is None:
            client = self.open()
            found: dict[str, str] = {}
            with self._guard():
                for flags, delimiter, name in client.list_folders():
                    for flag in flags:
                        found.setdefault(flag.decode("ascii", "replace").lower(), name)
                    leaf = name.rsplit((delimiter or b"/").decode("ascii", "replace"), 1)[-1].lower()
                    if leaf in _SENT_NAMES:
                        found.setdefault("sent by name", name)
            found.setdefault("\\sent", found.get("sent by name", ""))
            self._special = found
        return self._special.get(use.lower()) or None

    def sent_folder(self) -> str | None:
        """The folder of sent mail: as configured, else by special use; ``None`` when there is none."""
        return self.settings.sent_folder or self.special("\\Sent")

    def _fetch(self, uids: str, items: str) -> list[object]:
        with self._guard():
            status, data = self._wire.uid("FETCH", uids, items)
            if status != "OK":
                raise Retryable(f"the {self.settings.imap} refused to list mail: {data!r}", help="Try again later.")
        return list(data)

    def listing(self, uids: str) -> list[Listed]:
        """Messages of the open folder in a UID set, without their text."""
        found = []
        for line in self._fetch(uids, "(UID FLAGS INTERNALDATE RFC822.SIZE)"):
            if not isinstance(line, bytes):
                continue
            uid, size, when = _UID.search(line), _SIZE.search(line), _ARRIVED.search(line)
            if uid and size:
                found.append(Listed(int(uid[1]), _milliseconds(when[1]) if when else 0, int(size[1]), _flags(line)))
        return found

    def flags(self, uids: str, since: int | None = None) -> tuple[dict[int, tuple[str, ...]], list[int]]:
        """Flags by UID (only those changed since a mod-sequence, when given), and the UIDs that vanished since then."""
        items = "(UID FLAGS)"
        if since is not None:
            items += f" (CHANGEDSINCE {since}{' VANISHED' if self.qresync else ''})"
            with self._guard():
                self._wire.response("VANISHED")  # forget what earlier commands left
        lines = self._fetch(uids, items)
        found: dict[int, tuple[str, ...]] = {}
        for line in lines:
            if isinstance(line, bytes) and (uid := _UID.search(line)):
                found[int(uid[1])] = _flags(line)
        gone: list[int] = []
        if since is not None:
            _, vanished = self._wire.response("VANISHED")
            for entry in vanished or ():
                if isinstance(entry, bytes):
                    gone.extend(_expand(entry.rpartition(b" ")[2]))
        return found, gone

    def sources(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """(UID, source) of messages of the open folder; those that are gone are left out."""
        for item in self._fetch(uid_set(uids), "(UID BODY.PEEK[])"):
            head = item[0] if isinstance(item, tuple) else item
            if not isinstance(head, bytes) or b"BODY[]" not in head:
                continue
            uid = _UID.search(head)
            if uid is None:
                continue
            if isinstance(item, tuple):
                yield int(uid[1]), item[1]
            else:
                quoted = _QUOTED_BODY.search(head)
                yield int(uid[1]), re.sub(rb"\\(.)", rb"\1", quoted[1], flags=re.DOTALL) if quoted else b""

    def search_all(self, criteria: list[object], uidnext: int) -> list[int]:
        """UIDs of the open folder that match, asked for in windows, because one answer is one line."""
        if not uidnext:
            return self.search(criteria)
        found: list[int] = []
        for low in range(1, max(uidnext, 2), _SEARCH_WINDOW):
            found += self.search(["UID", f"{low}:{low + _SEARCH_WINDOW - 1}", *criteria])
        return found

    def search(self, criteria: list[object]) -> list[int]:
        """UIDs of the open folder that match IMAP search criteria."""
        client = self.open()
        with self._guard():
            return [int(uid) for uid in client.search(criteria)]

    def recent_uid(self, message_id: str, state: FolderState, count: int) -> int | None:
        """UID of a mail with that Message-ID among the last ``count`` of the open folder."""
        if not state.exists:
            return None
        wanted = message_id.encode("ascii")
        with self._guard():
            low = max(1, state.exists - count + 1)
            status, data = self._wire.fetch(f"{low}:*", "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        for item in data if status == "OK" else ():
            if isinstance(item, tuple) and wanted in item[1] and (uid := _UID.search(item[0])):
                return int(uid[1])
        return None

    def mark_seen(self, uids: Sequence[int]) -> None:
        r"""Sets ``\Seen``; the folder must be open for writing."""
        client = self.open()
        with self._guard():
            client.add_flags(list(uids), [b"\\Seen"], silent=True)

    def remove(self, uids: Sequence[int]) -> None:
        """Removes messages from the open folder; without UIDPLUS they stay marked, so that no other mail goes too."""
        client = self.open()
        with self._guard():
            client.add_flags(list(uids), [b"\\Deleted"], silent=True)
            if self.has("UIDPLUS"):
                client.uid_expunge(list(uids))

    def move(self, uid: int, folder: str) -> tuple[int, int] | None:
        """Moves a message; its new (UIDVALIDITY, UID) where the server tells (RFC 4315).

        Raises ``Gone`` when somebody else moved or removed it at the same moment (EXPUNGEISSUED, RFC 5530).
        """
        client = self.open()
        with self._guard():
            self._wire.response("COPYUID")  # forget what earlier commands left
            try:
                if self.has("MOVE"):
                    client.move([uid], folder)
                else:
                    client.copy([uid], folder)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if "[EXPUNGEISSUED]" not in str(error).upper():
                    raise
                raise Gone(f"another program moved a mail to '{folder}' at the same moment") from error
            _, told = self._wire.response("COPYUID")
        if not self.has("MOVE"):
            self.remove([uid])
        words = told[-1].split() if told and told[-1] else []
        return (int(words[0]), int(words[2])) if len(words) == 3 and words[2].isdigit() else None

    def idle_begin(self) -> None:
        """Asks the server to report changes of the open folder as they happen (RFC 2177)."""
        client = self.open()
        with self._guard():
            client.idle()

    def idle_answers(self, seconds: float) -> list[tuple[object, ...]]:
        """What the server reported within that many seconds."""
        client = self.open()
        with self._guard():
            return list(client.idle_check(seconds))

    def idle_end(self) -> None:
        """Ends IDLE; what was reported meanwhile is not lost, the server repeats it as the folder's state."""
        client = self.open()
        with self._guard():
            client.idle_done()

    def cut(self) -> None:
        """Breaks the connection at once, from any thread; a call in progress fails and its thread tidies up."""
        client = self._client
        if client is not None:
            self._broken = True
            with suppress(Exception):
                # the plain socket's method: the TLS layer's own is not safe while another thread reads
                socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)

    def _drop(self) -> None:
        """Forgets the connection and closes its socket."""
        client, self._client, self._selected, self._special = self._client, None, None, None
        self._broken = False
        if client is not None:
            with suppress(Exception):
                client.shutdown()

    def end(self) -> None:
        """Breaks the connection for good: somebody asked to stop."""
        self._ended = True
        self.cut()

    def close(self) -> None:
        """Signs out politely if that is possible at once."""
        client = self._client
        if client is not None and not self._broken:
            with suppress(Exception):
                client.socket().settimeout(2)
                client.logout()
        self._drop()


def uid_set(uids: Iterable[int]) -> str:
    """UIDs as an IMAP sequence set with ranges: 1, 2, 3, 7 → ``1:3,7``."""
    pieces: list[str] = []
    start = last = -1
    for uid in sorted(uids):
        if uid == last + 1 and start >= 0:
            last = uid
            continue
        if start >= 0:
            pieces.append(f"{start}:{last}" if last > start else str(start))
        start = last = uid
    if start >= 0:
        pieces.append(f"{start}:{last}" if last > start else str(start))
    return ",".join(pieces)


def _expand(text: bytes) -> Iterator[int]:
    for piece in text.split(b","):
        low, _, high = piece.partition(b":")
        if low.isdigit():
            last = int(high) if high.isdigit() else int(low)
            yield from range(min(int(low), last), max(int(low), last) + 1)


def _flags(line: bytes) -> tuple[str, ...]:
    found = _FLAGS.search(line)
    return _split_flags(found[1]) if found else ()


@lru_cache(maxsize=256)
def _split_flags(words: bytes) -> tuple[str, ...]:
    return tuple(sorted(each for each in words.decode("ascii", "replace").split() if each != "\\Recent"))


def _milliseconds(when: bytes) -> int:
    """An INTERNALDATE (``01-Feb-2026 10:00:00 +0100``) as milliseconds since 1970 UTC."""
    year, month, day = int(when[7:11]), _MONTHS.get(when[3:6], 1), int(when[:2])
    clock = timegm((year, month, day, int(when[12:14]), int(when[15:17]), int(when[18:20])))
    offset = int(when[22:24]) * 3600 + int(when[24:26]) * 60
    return (clock + (offset if when[21:22] == b"-" else -offset)) * 1000
