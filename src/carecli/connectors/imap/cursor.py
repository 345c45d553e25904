"""The pull cursor: what every folder looked like when it was last read to the end."""

from __future__ import annotations

import json
from collections.abc import Mapping

from carecli.connectors.imap.session import FolderState


def decode(cursor: str | None) -> dict[str, FolderState]:
    """Folder states of a cursor; none for an absent or foreign cursor, which only means reading the lists again."""
    try:
        folders = json.loads(cursor or "{}").get("folders", {})
        return {str(name): FolderState(*state) for name, state in folders.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def encode(states: Mapping[str, FolderState]) -> str:
    """The cursor for folder states."""
    folders = {name: [at.uidvalidity, at.uidnext, at.modseq, at.exists] for name, at in sorted(states.items())}
    return json.dumps({"folders": folders}, ensure_ascii=False, separators=(",", ":"))
