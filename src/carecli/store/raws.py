"""Keeps the vendor's own form of records, compressed, and records that were set aside."""

from __future__ import annotations

from collections.abc import Iterable

import zstandard

from carecli.store.driver import Connection


def packed(records: Iterable[tuple[str, str, bytes]]) -> list[tuple[str, str, bytes]]:
    """(kind, external id, bytes) rows with their bytes compressed, for ``save``."""
    # Zstandard level 1: a fifth of zlib's time for the same space. A compressor belongs to one thread.
    compress = zstandard.ZstdCompressor(level=1).compress
    return [(kind, external_id, compress(body)) for kind, external_id, body in records]


def save(connection: Connection, account_id: int, records: Iterable[tuple[str, str, bytes]]) -> None:
    """Stores ``packed`` records; a newer form replaces the older."""
    connection.executemany(
        "INSERT INTO raw_record (account_id, kind, external_id, encoding, body) VALUES (?, ?, ?, 'zstd', ?)"
        " ON CONFLICT DO UPDATE SET body = excluded.body, encoding = excluded.encoding",
        [(account_id, *record) for record in records],
    )


def read(connection: Connection, account_id: int, kind: str, external_id: str) -> bytes | None:
    """The kept bytes of a record."""
    row = connection.execute(
        "SELECT body FROM raw_record WHERE account_id = ? AND kind = ? AND external_id = ?",
        (account_id, kind, external_id),
    ).fetchone()
    return zstandard.ZstdDecompressor().decompress(row[0]) if row else None


def set_aside(
    connection: Connection, account_id: int, kind: str, external_id: str, reason: str, raw: bytes, now: int
) -> None:
    """Keeps a record that could not be read, with its reason."""
    connection.execute(
        "INSERT INTO set_aside (account_id, kind, external_id, reason, raw, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET reason = excluded.reason, at = excluded.at",
        (account_id, kind, external_id, reason, zstandard.ZstdCompressor(level=1).compress(raw), now),
    )


def list_set_aside(connection: Connection) -> list[tuple[str, str, str, str, int]]:
    """(account, kind, external id, reason, at) of all records that were set aside."""
    return connection.execute(
        "SELECT a.name, s.kind, s.external_id, s.reason, s.at FROM set_aside s JOIN account a ON a.id = s.account_id"
        " ORDER BY s.at DESC"
    ).fetchall()
