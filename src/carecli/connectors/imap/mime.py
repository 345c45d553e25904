"""The parts of a mail: splits RFC 5322 source bytes into a tree by offsets, without copying, and decodes leaves.

The standard library's parser reads line by line and takes most of a first sync's time; this one searches for
boundaries and is compared with it in the tests.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from carecli.connectors.imap.headers import Fields, body_start, fields_of, first, lenient_base64, parameters

_MAX_DEPTH = 40
_MAX_PARTS = 2000
_MAX_MISSES = 20_000  # occurrences of a boundary that are none


@dataclass(slots=True)
class Part:
    """One entity of a mail. ``path`` is its IMAP part number; ``start`` and ``end`` bound its body in ``source``."""

    path: str
    source: bytes
    fields: Fields
    start: int
    end: int
    mime: str
    params: dict[str, str]
    children: list[Part] = field(default_factory=list)

    def disposition(self) -> tuple[str, dict[str, str]]:
        """Content-Disposition: its word (empty when there is none) and parameters."""
        return parameters(first(self.fields, "content-disposition"))

    def content(self) -> bytes:
        """The decoded body. Never raises: what cannot be decoded comes as it is."""
        raw = self.source[self.start : self.end]
        encoding = first(self.fields, "content-transfer-encoding").lower().split(b";")[0].strip()
        if encoding == b"base64":
            return lenient_base64(raw)
        if encoding == b"quoted-printable":
            return binascii.a2b_qp(raw)
        if encoding in (b"x-uuencode", b"uuencode", b"x-uue"):
            return _uudecode(raw)
        return raw

    def leaves(self) -> Iterator[Part]:
        """The entities that hold content, in order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def split(source: bytes) -> Part:
    """The tree of a mail. Accepts any bytes: what is no mail is one text part."""
    if b"\n" not in source and b"\r" in source:
        source = source.replace(b"\r", b"\n")
    return _Splitter(source).entity((0, len(source)), "", "text/plain", 0)


class _Splitter:
    """Splits one source; stops at limits no honest mail reaches."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.budget = _MAX_PARTS

    def entity(self, bounds: tuple[int, int], path: str, default: str, depth: int) -> Part:
        start, end = bounds
        head_end, body = body_start(self.source, start, end)
        fields = fields_of(self.source, start, head_end)
        mime, params = parameters(first(fields, "content-type"))
        if "/" not in mime.strip("/"):
            mime = default
        part = Part(path or "1", self.source, fields, body, end, mime, params)
        if mime.startswith("multipart/") and depth < _MAX_DEPTH:
            below = "message/rfc822" if mime == "multipart/digest" else "text/plain"
            prefix = f"{path}." if path else ""
            for number, inner in enumerate(self.ranges(part), start=1):
                part.children.append(self.entity(inner, f"{prefix}{number}", below, depth + 1))
        return part

    def ranges(self, part: Part) -> list[tuple[int, int]]:
        """Bounds of the entities between the delimiters of a multipart (RFC 2046, section 5.1.1)."""
        boundary = part.params.get("boundary", "").rstrip()
        if not boundary:
            return []
        source, end = self.source, part.end
        delimiter = b"--" + boundary.encode("utf-8", "replace")
        found: list[tuple[int, int]] = []
        begin = -1
        position = part.start
        misses = 0
        while self.budget > 0:
            at = source.find(delimiter, position, end)
            if at < 0:
                break
            after = at + len(delimiter)
            line_end = source.find(b"\n", after, end)
            line_end = end if line_end < 0 else line_end
            rest = source[after : min(line_end, after + 80)].strip()
            if (at > part.start and source[at - 1] != 10) or rest not in (b"", b"--"):
                position = after
                misses += 1
                if misses > _MAX_MISSES:
                    break
                continue
            if begin >= 0:
                found.append((begin, _without_line_end(source, begin, at)))
                self.budget -= 1
            if rest:
                return found
            begin = position = min(line_end + 1, end)
        if begin >= 0:  # the closing delimiter is missing: the mail was cut, or its sender is sloppy
            found.append((begin, end))
        return found


def _without_line_end(source: bytes, begin: int, end: int) -> int:
    if end > begin and source[end - 1] == 10:
        end -= 1
        if end > begin and source[end - 1] == 13:
            end -= 1
    return end


def _uudecode(raw: bytes) -> bytes:
    result: list[bytes] = []
    for line in raw.splitlines():
        if not line or line.startswith((b"begin ", b"end", b"`")):
            continue
        try:
            result.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(result)
