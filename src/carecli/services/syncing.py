"""Syncing as a service: one run over accounts, a push after a write, a watch, and the console's child process."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from carecli.config.paths import Paths
from carecli.config.secrets import SecretReader
from carecli.config.settings import Settings
from carecli.connectors import registry
from carecli.services.context import Context, clock_ms, require_account
from carecli.store.engine import Store
from carecli.sync.lease import holder_name
from carecli.sync.run import Context as RunContext
from carecli.sync.run import Endpoint, Report, sync_account

OnLine = Callable[[dict[str, object]], None]
MOST_AT_ONCE = 4


def endpoints(settings: Settings, paths: Paths, names: Sequence[str], environ: Mapping[str, str]) -> list[Endpoint]:
    """Accounts as the sync sees them, all of them without ``names``. Raises ``NotFoundError`` for an unknown one."""
    made = []
    for name in names or tuple(settings.accounts):
        require_account(settings, name)
        made.append(endpoint(settings, paths, name, environ))
    return made


def endpoint(settings: Settings, paths: Paths, name: str, environ: Mapping[str, str]) -> Endpoint:
    """One configured account as the sync sees it; the connector's code is loaded when it connects."""
    account = settings.accounts[name]
    manifest = registry.load(account.connector)
    secrets = SecretReader(name, manifest.secrets, account.section, paths, environ)
    base_url = account.options.get("base_url")
    return Endpoint(
        name=name,
        manifest=manifest,
        base_url=str(base_url) if base_url else None,
        connect=lambda: registry.connector_class(manifest)(name, account.options, secrets),
    )


class Syncing:
    """Runs syncs in this process."""

    def __init__(self, context: Context, environ: Mapping[str, str]) -> None:
        self._context = context
        self._environ = environ

    def _run_context(self, notify: Callable[[Mapping[str, object]], None]) -> RunContext:
        holder = holder_name()
        return RunContext(clock=clock_ms, chance=random.random, holder=holder, notify=notify)

    def endpoints(self, names: Sequence[str] = ()) -> list[Endpoint]:
        """The configured accounts, or some of them. Raises ``NotFoundError``."""
        return endpoints(self._context.settings, self._context.paths, names, self._environ)

    def run(
        self,
        names: Sequence[str],
        stop: threading.Event,
        *,
        full: bool = False,
        pulling: bool = True,
        pushing: bool = True,
        notify: Callable[[Mapping[str, object]], None] = lambda _: None,
    ) -> list[Report]:
        """Syncs accounts, several at once; reports in the order asked for. Raises the store's errors."""
        chosen = self.endpoints(names)

        def work(one: Endpoint) -> Report:
            store = Store(self._context.paths.store_file)
            try:
                return sync_account(
                    store, one, self._run_context(notify), stop, full=full, pulling=pulling, pushing=pushing
                )
            finally:
                store.close()

        if len(chosen) == 1:
            return [work(chosen[0])]
        with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as pool:
            return list(pool.map(work, chosen))

    def push(self, names: Sequence[str]) -> list[Report]:
        """Pushes what is due for accounts, after a write."""
        return self.run(names, threading.Event(), pulling=False)

    def watch(
        self,
        names: Sequence[str],
        stop: threading.Event,
        nudge: threading.Event,
        *,
        interval: float,
        notify: Callable[[Mapping[str, object]], None],
        reported: Callable[[Report], None],
        pulling: bool = True,
        pushing: bool = True,
    ) -> None:
        """Keeps accounts in step until ``stop`` is set."""
        from carecli.sync.schedule import watch

        watch(
            lambda: Store(self._context.paths.store_file),
            self.endpoints(names),
            self._run_context(notify),
            stop,
            interval=interval,
            nudge=nudge,
            reported=reported,
            pulling=pulling,
            pushing=pushing,
        )

    def test(self, name: str) -> tuple[str, tuple[str, ...]]:
        """Signs in to an account: (identity, notes). Raises what the connector raises."""
        connector = self.endpoints([name])[0].connect()
        try:
            health = connector.check()
        finally:
            connector.close()
        return health.identity, health.notes

    def fetch(self, account: str, message: str, attachment: str) -> bytes:
        """Bytes of an attachment, from the kept source or the vendor."""
        from carecli.connectors.spi.protocols import TicketSource
        from carecli.store import accounts
        from carecli.store.lookup import StoreLookup

        connector = self.endpoints([account])[0].connect()
        try:
            assert isinstance(connector, TicketSource)  # noqa: S101  (only tickets have attachments)
            key = accounts.key(self._context.store.connection, account)
            return connector.fetch_attachment(message, attachment, StoreLookup(self._context.store.connection, key))
        finally:
            connector.close()


class Background:
    """The console's sync: a child process, so that no key waits for it. It ends when the console does."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = [sys.executable, "-m", "carecli", *arguments, "sync", "--watch", "--follow-parent"]
        self._process: subprocess.Popen[str] | None = None

    def start(self, on_line: OnLine) -> None:
        """Starts the child; ``on_line`` gets its progress from a thread."""
        if self._process is not None:
            return
        self._process = subprocess.Popen(  # noqa: S603  (our own program)
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(self._process, on_line), daemon=True).start()

    @staticmethod
    def _listen(process: subprocess.Popen[str], on_line: OnLine) -> None:
        import json

        assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
        for line in process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            on_line(said)

    def nudge(self) -> None:
        """Asks for a sync now."""
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write("nudge\n")
                self._process.stdin.flush()
            except OSError:
                self._process = None

    def stop(self) -> None:
        """Ends the child: politely, then by signal."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(timeout=2)
        except (OSError, subprocess.TimeoutExpired):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
