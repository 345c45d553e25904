"""Attachments brought to this machine: from where they were kept, else from the vendor."""

from __future__ import annotations

import re
from pathlib import Path

from carecli.config.paths import Paths


def safe_name(name: str) -> str:
    """A file name that cannot leave its folder and says what it is."""
    kept = re.sub(r"[^\w.\- ()\[\]]+", "_", name.replace("\\", "/").rpartition("/")[2]).strip(". ")
    return kept[-120:] or "attachment"


def bring(paths: Paths, attachment_id: int) -> str:
    """Path of an attachment on this machine. Slow: it may ask the vendor. Opens a workspace of its own, because
    workspaces are not shared between threads. Raises ``CareError``.
    """
    from carecli.bootstrap import open_workspace

    workspace = open_workspace(paths.home, paths.config_file, read_only=True)
    try:
        account, message, attachment, name, kept, _ = workspace.tickets.attachment(attachment_id)
        folder = Path(paths.cache_dir, "attachments", str(attachment_id))
        target = folder / safe_name(name)
        if kept and Path(kept).is_file():
            data = Path(kept).read_bytes()
        elif target.is_file():
            return str(target)
        else:
            data = workspace.syncing.fetch(account, message, attachment)
    finally:
        workspace.close()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.write_bytes(data)
    target.chmod(0o600)
    return str(target)
