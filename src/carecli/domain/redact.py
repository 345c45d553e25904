"""Text from outside made safe: no control characters, and secrets taken out of what is logged or shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

# C0 and C1 controls but tab and newline, DEL, and Unicode's direction overrides and isolates, which can disguise text
# (Unicode Technical Report 36, section 2.7); lone surrogates cannot be encoded.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SECRET = re.compile(
    r"(?i)(bearer\s+|basic\s+|\btoken[\"']?[=:\s]\s*[\"']?|"
    r"(?:\b|_)(?:password|passwd|secret|api[_-]?key|access_token|refresh_token|client_secret)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"',;&]+"
)
_MAX_COMBINING = 4


def clean_text(text: str) -> str:
    """Text for the screen and the store: line ends become newlines, control characters vanish, tabs stay."""
    if text.isprintable():  # one pass in C for most short texts
        return text
    return _CONTROL.sub("", _NEWLINES.sub("\n", text))


def clean_line(text: str) -> str:
    """One line for a list or a header: as ``clean_text``, with white space folded to single spaces."""
    return " ".join(clean_text(text).split())


def clean_value(value: object) -> object:
    """A value of JSON's kinds in which every text, keys included, went through ``clean_text``."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean_value(inner) for inner in value]
    return value


def calm_combining(text: str) -> str:
    """Text in which no base character carries more than four combining marks (floods break column widths)."""
    if text.isascii():
        return text
    kept: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run <= _MAX_COMBINING:
            kept.append(char)
    return "".join(kept)


def without_secrets(text: str) -> str:
    """Text in which values that look like credentials are replaced by ``***``; for logs and error messages."""
    return _SECRET.sub(r"\1***", text)
