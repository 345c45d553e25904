"""What has happened at the demo's imaginary server since it was made: a list in memory, or a file of JSON lines."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from carecli.connectors.spi.errors import BadSetup
from carecli.connectors.spi.records import OutgoingFile
from carecli.domain.conversation import Address

SENT = frozenset({"reply", "note", "create"})


class Entry(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One thing that happened. ``kind``: reply, note, create, fields, news (from outside), failed (a scripted failure).

    ``op`` is the operation's mark, ``index`` the desk's index of a ticket that news opened, ``word`` the place in the
    list of scripted failures that was used up.
    """

    kind: str
    at: int = 0
    op: str = ""
    ticket: str = ""
    text: str = ""
    subject: str | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    files: tuple[OutgoingFile, ...] = ()
    changes: dict[str, msgspec.Raw] = {}
    index: int = -1
    word: int = -1


class _Head(msgspec.Struct):
    """First line of the file: the journal's name and the end of the desk's week."""

    journal: str
    now: int


class Journal:
    """Entries in order; with a file, what one process appends is seen by the others after ``refresh``."""

    def __init__(self, file: str | None, now: int) -> None:
        self._file = Path(file) if file else None
        self._read = 0
        self._decoder = msgspec.json.Decoder(Entry)
        self.entries: list[Entry] = []
        self.name = secrets.token_hex(6)
        self.now = now
        if self._file is not None:
            self._open(self._file)
            self.refresh()

    @property
    def kept(self) -> bool:
        """Whether entries outlive this process."""
        return self._file is not None

    def append(self, entry: Entry) -> int:
        """Adds an entry; returns its number, from 0."""
        if self._file is None:
            self.entries.append(entry)
            return len(self.entries) - 1
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, msgspec.json.encode(entry) + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unusable(self._file, error) from error
        self.refresh()
        # Another process may have added something in between.
        return max(number for number, there in enumerate(self.entries) if there == entry)

    def refresh(self) -> None:
        """Reads what other processes have added; a line that is still being written waits."""
        if self._file is None:
            return
        try:
            with self._file.open("rb") as stream:
                stream.seek(self._read)
                content = stream.read()
        except OSError as error:
            raise _unusable(self._file, error) from error
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                if self._read == 0:
                    head = msgspec.json.decode(line, type=_Head)
                    self.name, self.now = head.journal, head.now
                else:
                    self.entries.append(self._decoder.decode(line))
            except msgspec.DecodeError as error:
                raise _unusable(self._file, error) from error
            self._read += len(line)

    def _open(self, file: Path) -> None:
        """Makes the file in one step, so that no process ever sees one without its first line."""
        if file.exists():
            return
        fresh = file.with_name(f".{file.name}.{self.name}")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, msgspec.json.encode(_Head(self.name, self.now)) + b"\n")
            finally:
                os.close(descriptor)
            try:
                os.link(fresh, file)
            except FileExistsError:
                return  # another process was faster: its file holds
            finally:
                fresh.unlink()
        except OSError as error:
            raise _unusable(file, error) from error


def _unusable(file: Path, error: Exception) -> BadSetup:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a state file of the demo"
    return BadSetup(
        f"the demo's state file {file} cannot be used: {reason}; nothing was changed",
        help="Name another file with the option state_file, or delete this one to begin anew.",
    )
