"""Pulls the streams of one account page by page; each page and its cursor are one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from carecli.connectors.spi.protocols import Source
from carecli.store import accounts
from carecli.store.engine import Store
from carecli.store.lookup import StoreLookup
from carecli.sync.apply import PageWriter, Tally

Clock = Callable[[], int]
Progress = Callable[[int, int | None], None]
"""Called with (records seen, total or None) after each page."""


def pull(
    store: Store,
    account_id: int,
    source: Source,
    streams: Sequence[str],
    *,
    stop: threading.Event,
    clock: Clock,
    progress: Progress = lambda _seen, _total: None,
) -> Tally:
    """Reads all streams to their end, or until ``stop`` is set; returns what changed locally.

    Raises what the connector raises; pages stored before that stay.
    """
    writer = PageWriter(store.connection, account_id)
    lookup = StoreLookup(store.connection, account_id)
    for stream in streams:
        cursor = accounts.cursor(store.connection, account_id, stream)
        for page in source.pull(stream, cursor, lookup, stop):
            if page.records or page.cursor != cursor:
                writer.write(page, stream, clock())
                cursor = page.cursor
            progress(page.seen, page.total)
            if stop.is_set() or not page.more:
                break
        if stop.is_set():
            break
    return writer.tally
