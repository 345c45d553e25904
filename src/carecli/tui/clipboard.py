"""The clipboard: the system's own tool where there is one, else OSC 52 (wrapped for tmux and screen)."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

_TOOLS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("pbcopy", (), ""),
    ("wl-copy", (), "WAYLAND_DISPLAY"),
    ("xclip", ("-selection", "clipboard"), "DISPLAY"),
    ("xsel", ("--clipboard", "--input"), "DISPLAY"),
    ("clip.exe", (), "WSL_DISTRO_NAME"),
)
_LIMIT = 74_994  # bytes of base64 that common terminals still take in one OSC 52


def osc52(text: str, environ: Mapping[str, str]) -> str:
    """The escape sequence that asks the terminal to copy a text."""
    data = base64.b64encode(text.encode("utf-8", "replace"))[:_LIMIT].decode()
    sequence = f"\x1b]52;c;{data}\a"
    if environ.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("TERM", "").startswith("screen"):
        return f"\x1bP{sequence}\x1b\\"
    return sequence


def native_tool(environ: Mapping[str, str]) -> list[str] | None:
    """The system's copy command, unless we are on another machine over SSH."""
    if environ.get("SSH_CONNECTION"):
        return None
    for name, arguments, needs in _TOOLS:
        if (not needs or environ.get(needs)) and (path := shutil.which(name)):
            return [path, *arguments]
    return None


def copy(text: str, write: Callable[[str], None]) -> str:
    """Copy a text; ``write`` sends an escape sequence to the terminal. Returns how it was done."""
    command = native_tool(os.environ)
    if command is not None:
        try:
            subprocess.run(command, input=text.encode(), timeout=2, check=True, capture_output=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            pass
        else:
            return "clipboard"
    write(osc52(text, os.environ))
    return "terminal clipboard"
