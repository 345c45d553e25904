"""Keeps accounts in step: one thread an account that pulls on news or on time, one that pushes what becomes due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from carecli.connectors.spi.protocols import Connector, LiveSource
from carecli.domain.errors import CareError
from carecli.store import accounts, operations
from carecli.store.engine import Store
from carecli.sync.run import Context, Endpoint, Report, sync_account

PUSH_POLL_SECONDS = 0.3
RETRY_SECONDS = (1, 2, 5, 10, 30)

Reported = Callable[[Report], None]


def watch(
    open_store: Callable[[], Store],
    endpoints: Sequence[Endpoint],
    context: Context,
    stop: threading.Event,
    *,
    interval: float,
    nudge: threading.Event,
    reported: Reported,
    pulling: bool = True,
    pushing: bool = True,
) -> None:
    """Runs until ``stop`` is set. ``nudge`` makes every account pull at once. Each thread has its own store."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[Endpoint], None], endpoint: Endpoint) -> None:
        try:
            work(endpoint)
        except BaseException as error:  # the store failed: nothing goes on without it
            failures.append(error)
            stop.set()

    nudges = {endpoint.name: threading.Event() for endpoint in endpoints}

    def puller(endpoint: Endpoint) -> None:
        own = nudges[endpoint.name]
        _pull_loop(open_store, endpoint, context, stop, interval, own, reported, pushing=pushing and not pulling)

    def pusher(endpoint: Endpoint) -> None:
        _push_loop(open_store, endpoint, context, stop, reported)

    threads = []
    for endpoint in endpoints:
        if pulling:
            threads.append(threading.Thread(target=guarded, args=(puller, endpoint), name=f"pull-{endpoint.name}"))
        if pushing:
            threads.append(threading.Thread(target=guarded, args=(pusher, endpoint), name=f"push-{endpoint.name}"))
    for thread in threads:
        thread.daemon = True
        thread.start()
    while any(thread.is_alive() for thread in threads) and not stop.is_set():
        if nudge.wait(0.25):
            nudge.clear()
            for one in nudges.values():
                one.set()
    for thread in threads:
        thread.join(timeout=2)
    if failures:
        raise failures[0]


def _pull_loop(
    open_store: Callable[[], Store],
    endpoint: Endpoint,
    context: Context,
    stop: threading.Event,
    interval: float,
    nudge: threading.Event,
    reported: Reported,
    *,
    pushing: bool,
) -> None:
    store = open_store()
    connector: Connector | None = None
    misses = 0
    try:
        while not stop.is_set():
            try:
                connector = connector or endpoint.connect()
                report = sync_account(store, endpoint, context, stop, connector=connector, pushing=pushing)
            except CareError as error:
                if error.exit_code == 11:
                    raise
                report = sync_account_failed(endpoint, error)
            reported(report)
            store.rest()
            nudge.clear()
            if report.error is not None:
                _close(connector)
                connector = None
                _wait(stop, nudge, RETRY_SECONDS[min(misses, len(RETRY_SECONDS) - 1)])
                misses += 1
                continue
            misses = 0
            try:
                _await_news(connector, stop, nudge, interval)
            except CareError:
                _close(connector)
                connector = None
    finally:
        _close(connector)
        store.close()


def sync_account_failed(endpoint: Endpoint, error: CareError) -> Report:
    """The report of an account that could not even be opened."""
    from carecli.sync.plan import run_state

    return Report(endpoint.name, run_state(error), 0, 0, 0, 0, 0, 0, 0, 0, 0.0, error)


def _await_news(connector: Connector | None, stop: threading.Event, nudge: threading.Event, interval: float) -> None:
    if not isinstance(connector, LiveSource):
        _wait(stop, nudge, interval)
        return
    waited = 0.0
    # Short waits, so that a nudge is heard soon; the connector keeps its subscription between them.
    while waited < interval and not stop.is_set() and not nudge.is_set():
        slice_seconds = min(1.0, interval - waited)
        if connector.wait_for_news(stop, slice_seconds):
            return
        waited += slice_seconds


def _wait(stop: threading.Event, nudge: threading.Event, seconds: float) -> None:
    waited = 0.0
    while waited < seconds and not stop.is_set() and not nudge.is_set():
        stop.wait(min(0.25, seconds - waited))
        waited += 0.25


def _push_loop(
    open_store: Callable[[], Store], endpoint: Endpoint, context: Context, stop: threading.Event, reported: Reported
) -> None:
    store = open_store()
    try:
        with store.write() as connection:
            account_id = accounts.ensure(
                connection, endpoint.name, endpoint.manifest.kind, endpoint.base_url, context.clock()
            )
        rest_until = 0.0
        while not stop.is_set():
            now = context.clock()
            due = operations.next_due_at(store.connection, account_id, now)
            if due is not None and due <= now and time.monotonic() >= rest_until:
                report = sync_account(store, endpoint, context, stop, pulling=False)
                if report.pushed or report.conflicts or report.failed or report.error:
                    reported(report)
                store.rest()
                rest_until = time.monotonic() + (5 if report.error or not report.pushed else 0)
            stop.wait(PUSH_POLL_SECONDS)
    finally:
        store.close()


def _close(connector: Connector | None) -> None:
    if connector is not None:
        with suppress(Exception):  # the connection is lost anyway; the next round opens a new one
            connector.close()
