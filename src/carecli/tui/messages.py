"""What workers and child processes tell the screens: past facts, posted as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from carecli.services.drafts import Kept
    from carecli.tui.keeper import Sheet


class SyncReported(Message):
    """The background sync said something."""

    def __init__(self, line: dict[str, Any]) -> None:
        super().__init__()
        self.line = line


class FileFetched(Message):
    """An attachment lies on this machine now."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


class WorkFailed(Message):
    """Work behind the screen ended with an error people should read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class DraftKept(Message):
    """A text that is being written was stored (``kept`` says how), or could not be yet (``None``)."""

    def __init__(self, sheet: Sheet, kept: Kept | None) -> None:
        super().__init__()
        self.sheet = sheet
        self.kept = kept


class OthersWrote(Message):
    """Another process changed the store."""
