"""The person's own editor for longer texts."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path


def command(environ: Mapping[str, str]) -> list[str] | None:
    """The editor to run: $VISUAL, $EDITOR, or the first that is installed."""
    for name in ("VISUAL", "EDITOR"):
        if value := environ.get(name, "").strip():
            return shlex.split(value)
    return next(([name] for name in ("sensible-editor", "nano", "vim", "vi") if shutil.which(name)), None)


def edit(text: str) -> str:
    """Let the person edit a text; the caller has given the terminal free. Raises ``OSError`` with words for people."""
    words = command(os.environ)
    if words is None:
        raise OSError("No editor is set; put one into $EDITOR")
    with tempfile.TemporaryDirectory(prefix="carecli-") as folder:
        path = Path(folder, "reply.md")
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        try:
            code = subprocess.run([*words, str(path)], check=False).returncode  # noqa: S603
        except OSError as error:
            raise OSError(f"The editor '{words[0]}' could not be started: {error.strerror}") from error
        if code:
            raise OSError(f"The editor ended with code {code}; the text is as it was")
        edited = path.read_text(encoding="utf-8", errors="replace")
    return edited.removesuffix("\n") if not text.endswith("\n") else edited
