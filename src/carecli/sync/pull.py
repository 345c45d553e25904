"""Pulls the streams of one account page by page; each page and its cursor are one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, cast

from carecli.connectors.spi.protocols import Lookup, Source
from carecli.connectors.spi.records import Page
from carecli.domain.errors import CareError, StoreError
from carecli.domain.redact import clean_line, without_secrets
from carecli.store import accounts
from carecli.store.driver import Error, InterfaceError, ProgrammingError
from carecli.store.engine import Store
from carecli.store.lookup import StoreLookup
from carecli.sync.apply import PageWriter, Tally

Clock = Callable[[], int]
Progress = Callable[[int, int | None], None]
"""Called with (records seen, total or None) after each page."""
SAME_PAGES = 3
"""How often a connector may yield the same page again before it counts as stuck."""
EMPTY_PAGES = 10_000
"""How many empty pages may follow each other (a vendor may be read day by day)."""


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

    Raises what the connector raises, and ``CareError`` CONNECTOR_DEFECT when it does not keep to the protocol; pages
    stored before that stay.
    """
    writer = PageWriter(store.connection, account_id)
    lookup = _Lookup(StoreLookup(store.connection, account_id))
    for stream in streams:
        cursor = accounts.cursor(store.connection, account_id, stream)
        for page in _pages(source, stream, cursor, lookup, stop):
            if page.records or page.cursor != cursor:
                writer.write(page, stream, clock())
                cursor = page.cursor
            progress(page.seen, page.total)
            if stop.is_set() or not page.more:
                break
        if stop.is_set():
            break
    return writer.tally


def _pages(source: Source, stream: str, cursor: str | None, lookup: _Lookup, stop: threading.Event) -> Iterator[Page]:
    """The pages of a connector, as long as they are pages and get on."""
    course = _Course(stream)
    pages: Any = _asked(lambda: iter(source.pull(stream, cursor, cast("Lookup", lookup), stop)), lookup)
    try:
        while (page := _asked(lambda: next(pages, None), lookup)) is not None:
            course.takes(page)
            yield page
    finally:
        if hasattr(pages, "close"):
            with suppress(Exception):
                pages.close()
    if not stop.is_set():
        raise _defect(f"stream '{stream}' ended without a last page")


def _asked(call: Callable[[], Any], lookup: _Lookup) -> Any:
    """What a connector answers. Nothing that it raises is taken for our own store's trouble or for the end."""
    try:
        return call()
    except (StoreError, Error) as error:
        if error is lookup.error and not isinstance(error, InterfaceError | ProgrammingError):
            raise
        raise _defect(f"{type(error).__name__}: {error}") from error
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise _defect(f"it tried to end the program ({type(error).__name__})") from error


class _Course:
    """Follows the pages of one stream: each must be a page, and all together must lead somewhere."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._before: Page | None = None
        self._left: set[str] = set()
        self._same = 0
        self._empty = 0

    def takes(self, page: Page) -> None:
        """Raises ``CareError`` CONNECTOR_DEFECT for what is no page, and for pages that lead nowhere."""
        if not _is_page(page):
            raise _defect(f"stream '{self._stream}' yielded something that is no page ({type(page).__name__})")
        before, self._before = self._before, page
        if before is None:
            return
        if page.cursor != before.cursor:
            if page.cursor in self._left:
                raise _defect(f"stream '{self._stream}' goes back to a cursor that it had left")
            self._left.add(before.cursor)
        again = page == before or (page.records and page.records == before.records)
        self._same = self._same + 1 if again else 0
        self._empty = 0 if page.records else self._empty + 1
        if page.more and (self._same >= SAME_PAGES or self._empty >= EMPTY_PAGES):
            raise _defect(f"stream '{self._stream}' yields the same page again and again")


def _is_page(page: object) -> bool:
    return (
        isinstance(page, Page)
        and isinstance(page.records, tuple)
        and isinstance(page.cursor, str)
        and page.cursor.isascii() | (page.cursor.encode("utf-8", "replace").decode() == page.cursor)
        and isinstance(page.more, bool)
        and isinstance(page.seen, int)
        and isinstance(page.total, int | None)
    )


def _defect(what: str) -> CareError:
    return CareError(
        f"the connector failed: {clean_line(without_secrets(what))[:500]}",
        code="CONNECTOR_DEFECT",
        help="What was read so far is kept. Report this to the connector's author.",
    )


class _Lookup:
    """The store's answers to the connector; ``error`` is the last one that the store raised, not the connector."""

    def __init__(self, lookup: StoreLookup) -> None:
        self._lookup = lookup
        self.error: BaseException | None = None

    def __getattr__(self, name: str) -> Callable[..., object]:
        asked = getattr(self._lookup, name)

        def ask(*arguments: object) -> object:
            try:
                return asked(*arguments)
            except Exception as error:
                self.error = error
                raise

        return ask
