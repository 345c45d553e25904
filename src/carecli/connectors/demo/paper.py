"""Attachments of the demo: small but real PNG, PDF and CSV files, the same bytes for the same name."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from carecli.connectors.spi.records import AttachmentRecord

_MIME = {"png": "image/png", "pdf": "application/pdf", "csv": "text/csv"}


def attachment(key: str, filename: str) -> AttachmentRecord:
    """The card of a file."""
    return AttachmentRecord(
        external_id=f"{key}:{filename}",
        filename=filename,
        mime=_MIME[filename.rpartition(".")[2]],
        bytes=len(content(filename)),
    )


@lru_cache(maxsize=256)
def content(filename: str) -> bytes:
    """The bytes of a file, made from its name."""
    kind = filename.rpartition(".")[2]
    if kind == "png":
        return _png(zlib.crc32(filename.encode()))
    if kind == "pdf":
        return _pdf(filename.removesuffix(".pdf").replace("-", " ").title())
    return _csv(zlib.crc32(filename.encode()))


def _png(seed: int) -> bytes:
    """A picture of a box on a table, 96 x 64 pixels, in colours of its own (PNG specification, 8-bit RGB)."""
    red, green, blue = 90 + seed % 100, 90 + seed // 100 % 100, 90 + seed // 10_000 % 100
    rows = bytearray()
    for y in range(64):
        rows.append(0)
        for x in range(96):
            box = 24 <= x < 72 and 18 <= y < 52
            dent = box and abs(x - 60) + abs(y - 26) < 9
            shade = 40 if dent else (170 if box else 225 - y)
            rows += bytes(((red + shade) // 2, (green + shade) // 2, (blue + shade) // 2))
    head = struct.pack(">IIBBBBB", 96, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    )


def _pdf(title: str) -> bytes:
    """A one-page document (ISO 32000-1, 7.5) with a title and three lines."""
    lines = (title, "Larkfield Home Ltd", "14 Mill Lane, Norwich", "Thank you for your order.")
    text = "BT /F1 16 Tf 72 760 Td 22 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Font << /F1 5 0 R >> >>",
    )
    body = "%PDF-1.4\n"
    places = []
    for number, words in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{words}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    body += f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\n"
    return f"{body}startxref\n{body.index('xref')}\n%%EOF\n".encode("ascii")


def _csv(seed: int) -> bytes:
    """A log of a router: time, band, signal, event."""
    lines = ["time,band,signal_dbm,event"]
    for at in range(24):
        lost = (seed >> at % 16) & 7 == 0
        band = "5 GHz" if at % 3 else "2.4 GHz"
        lines.append(f"{at:02}:{seed % 60:02},{band},{-48 - (seed >> at % 8) % 30},{'link lost' if lost else 'ok'}")
    return ("\r\n".join(lines) + "\r\n").encode()
