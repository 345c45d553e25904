"""One sync of one account: pull, push, and pull once more when something went out. The report is the contract's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.protocols import Connector, Source, TicketSource
from carecli.domain.errors import CareError
from carecli.domain.redact import clean_line, without_secrets
from carecli.store import accounts
from carecli.store.engine import Store
from carecli.sync import plan
from carecli.sync.apply import Tally
from carecli.sync.pull import pull
from carecli.sync.push import Pusher, PushTally

Notify = Callable[[Mapping[str, object]], None]
"""Takes progress: {"account", "state", "seen", "total", "error"}."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One configured account as the sync sees it; ``connect`` makes a fresh connector."""

    name: str
    manifest: Manifest
    base_url: str | None
    connect: Callable[[], Connector]


@dataclass(frozen=True, slots=True)
class Context:
    """What a run needs from outside: the clock (milliseconds), randomness, its name in leases, where progress goes."""

    clock: Callable[[], int]
    chance: Callable[[], float]
    holder: str
    notify: Notify


@dataclass(frozen=True, slots=True)
class Report:
    """How the sync of one account ended; counts are records changed locally."""

    account: str
    state: str
    tickets: int
    messages: int
    customers: int
    articles: int
    pushed: int
    conflicts: int
    failed: int
    set_aside: int
    seconds: float
    error: CareError | None

    def as_json(self) -> dict[str, object]:
        """The report in the contract's shape."""
        return {
            "account": self.account,
            "state": self.state,
            "tickets": self.tickets,
            "messages": self.messages,
            "customers": self.customers,
            "articles": self.articles,
            "calls": 0,
            "pushed": self.pushed,
            "conflicts": self.conflicts,
            "failed": self.failed,
            "set_aside": self.set_aside,
            "seconds": round(self.seconds),
            "error": self.error and self.error.message,
        }


def sync_account(
    store: Store,
    endpoint: Endpoint,
    context: Context,
    stop: threading.Event,
    *,
    connector: Connector | None = None,
    full: bool = False,
    pulling: bool = True,
    pushing: bool = True,
) -> Report:
    """Syncs one account; errors of the vendor end in the report, the store's own errors are raised.

    A ``connector`` handed in is used and left open (watching keeps one); otherwise one is made and closed.
    """
    started = context.clock()
    with store.write() as connection:
        account_id = accounts.ensure(connection, endpoint.name, endpoint.manifest.kind, endpoint.base_url, started)
        if full:
            accounts.drop_cursors(connection, account_id)
    pulled, pushed = Tally(), PushTally()
    error: CareError | None = None
    own = None
    try:
        source = connector or endpoint.connect()
        own = None if connector else source
        if pulling and isinstance(source, Source):
            pulled = _pull(store, account_id, source, endpoint, context, stop)
        if pushing and isinstance(source, TicketSource):
            pusher = Pusher(
                store,
                account_id,
                source,
                holder=context.holder,
                clock=context.clock,
                chance=context.chance,
                look=lambda: _look(store, account_id, source, endpoint, context, stop),
            )
            pushed = pusher.run(stop)
            if pushed.pushed and pulling:
                context.notify({"account": endpoint.name, "state": "pushed", "seen": pushed.pushed, "total": None})
                again = _pull(store, account_id, source, endpoint, context, stop)
                pulled = _sum(pulled, again)
            error = pushed.error
    except CareError as caught:
        if caught.exit_code == 11:  # the store's own trouble is not the account's
            raise
        error = caught
    except Exception as caught:
        if type(caught).__module__ in ("sqlite3", "_sqlite3"):
            raise
        text = clean_line(without_secrets(str(caught)))
        error = CareError(
            f"the connector failed: {type(caught).__name__}: {text}",
            code="CONNECTOR_DEFECT",
            help="What was read so far is kept. Report this with 'carecli sync -vv'.",
        )
    finally:
        if own is not None:
            own.close()
    state = plan.run_state(error) if error else "partial" if pulled.set_aside or pushed.failed else "ok"
    ended = context.clock()
    with store.write() as connection:
        accounts.record_run(
            connection,
            account_id,
            "ok" if state == "partial" else state,
            error.message if error else None,
            ended if error is None and pulling and not stop.is_set() else None,
        )
    context.notify(
        {"account": endpoint.name, "state": state, "seen": 0, "total": None, "error": error and error.message}
    )
    return Report(
        account=endpoint.name,
        state=state,
        tickets=len(pulled.tickets),
        messages=pulled.messages,
        customers=len(pulled.customers),
        articles=pulled.articles,
        pushed=pushed.pushed,
        conflicts=pushed.conflicts,
        failed=pushed.failed,
        set_aside=pulled.set_aside,
        seconds=(ended - started) / 1000,
        error=error,
    )


def _pull(
    store: Store, account_id: int, source: Source, endpoint: Endpoint, context: Context, stop: threading.Event
) -> Tally:
    def progress(seen: int, total: int | None) -> None:
        context.notify({"account": endpoint.name, "state": "pulling", "seen": seen, "total": total})

    return pull(store, account_id, source, endpoint.manifest.streams, stop=stop, clock=context.clock, progress=progress)


def _look(
    store: Store, account_id: int, source: Source, endpoint: Endpoint, context: Context, stop: threading.Event
) -> None:
    """Reads what is new before something goes out, so that it is compared with what is true now."""
    pull(store, account_id, source, endpoint.manifest.ticket_streams, stop=stop, clock=context.clock)


def _sum(first: Tally, second: Tally) -> Tally:
    return Tally(
        tickets=first.tickets | second.tickets,
        messages=first.messages + second.messages,
        customers=first.customers | second.customers,
        articles=first.articles + second.articles,
        set_aside=first.set_aside + second.set_aside,
    )
