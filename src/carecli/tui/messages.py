"""What workers and child processes tell the screens: past facts, posted as messages."""

from __future__ import annotations

from typing import Any

from textual.message import Message


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
