"""The one place that wires objects: paths → configuration → store → connectors → services."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from carecli.config import paths as config_paths
from carecli.config.load import load
from carecli.config.paths import Paths
from carecli.config.schema import OptionSpec, SecretSpec
from carecli.config.settings import Settings
from carecli.domain.errors import CareError
from carecli.services.context import Context
from carecli.store import faults
from carecli.store.engine import Store

if TYPE_CHECKING:
    from carecli.services.accounts import Accounts
    from carecli.services.customers import Customers
    from carecli.services.drafts import Drafts
    from carecli.services.inbox import Inbox, Views
    from carecli.services.knowledge import Knowledge
    from carecli.services.outbox import Outbox
    from carecli.services.replies import Replies
    from carecli.services.search import Search
    from carecli.services.syncing import Background, Syncing
    from carecli.services.tickets import Tickets


def _options(kind: str) -> Sequence[OptionSpec]:
    from carecli.connectors import registry

    return registry.load(kind).options


def _secrets(kind: str) -> Sequence[SecretSpec]:
    from carecli.connectors import registry

    return registry.load(kind).secrets


def load_settings(
    paths: Paths, environ: Mapping[str, str] = os.environ, flags: Mapping[str, str] | None = None
) -> Settings:
    """The validated settings in force. Raises ``ConfigError``."""
    return load(paths, environ, _options, _secrets, flags)


class Workspace:
    """Everything a front end works with. Services are made when they are first used.

    Not shared between threads: a worker opens its own.
    """

    def __init__(self, paths: Paths, settings: Settings, *, read_only: bool, origin: str) -> None:
        self.paths = paths
        self.settings = settings
        self.read_only = read_only
        if not read_only:
            config_paths.make_folders(paths)
        self.store = Store(paths.store_file, read_only=read_only)
        self.context = Context(self.store, settings, paths, settings.agent_name or _login_name(), origin)

    def close(self) -> None:
        """Closes the store and ends the background sync."""
        background = self.__dict__.get("background")
        if background is not None:
            background.stop()
        self.store.close()

    def changed(self) -> bool:
        """Whether another process changed the store since the last call; cheap enough for a timer."""
        return self.store.changed_elsewhere()

    def explain(self, error: BaseException) -> CareError | None:
        """The error for people behind a store exception."""
        return explain(error, self.paths.store_file)

    @cached_property
    def tickets(self) -> Tickets:
        """The ``tickets`` service."""
        from carecli.services.tickets import Tickets

        return Tickets(self.context)

    @cached_property
    def replies(self) -> Replies:
        """The ``replies`` service."""
        from carecli.services.replies import Replies

        return Replies(self.context)

    @cached_property
    def drafts(self) -> Drafts:
        """The ``drafts`` service."""
        from carecli.services.drafts import Drafts

        return Drafts(self.context)

    @cached_property
    def inbox(self) -> Inbox:
        """The ``inbox`` service."""
        from carecli.services.inbox import Inbox

        return Inbox(self.context)

    @cached_property
    def views(self) -> Views:
        """The ``views`` service."""
        from carecli.services.inbox import Views

        return Views(self.context)

    @cached_property
    def customers(self) -> Customers:
        """The ``customers`` service."""
        from carecli.services.customers import Customers

        return Customers(self.context)

    @cached_property
    def knowledge(self) -> Knowledge:
        """The ``knowledge`` service."""
        from carecli.services.knowledge import Knowledge

        return Knowledge(self.context)

    @cached_property
    def search(self) -> Search:
        """The ``search`` service."""
        from carecli.services.search import Search

        return Search(self.context)

    @cached_property
    def outbox(self) -> Outbox:
        """The ``outbox`` service."""
        from carecli.services.outbox import Outbox

        return Outbox(self.context)

    @cached_property
    def accounts(self) -> Accounts:
        """The ``accounts`` service."""
        from carecli.services.accounts import Accounts

        return Accounts(self.context)

    @cached_property
    def syncing(self) -> Syncing:
        """The ``syncing`` service."""
        from carecli.services.syncing import Syncing

        return Syncing(self.context, os.environ)

    @cached_property
    def background(self) -> Background:
        """The console's sync in a child process."""
        from carecli.services.syncing import Background

        paths = self.paths
        where = ["--home", paths.home] if paths.home else ["--config", paths.config_file]
        return Background(where)


def explain(error: BaseException, path: str) -> CareError | None:
    """The error for people behind an exception of the store; ``None`` when it is something else."""
    return faults.explain(error, path)


def _login_name() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "agent"


def find_paths(home: str | None = None, config: str | None = None) -> Paths:
    """Where everything lies, by flag, environment and XDG."""
    return config_paths.find(home, config, os.environ)


def open_workspace(
    home: str | None = None,
    config: str | None = None,
    *,
    read_only: bool = False,
    origin: str = "console",
    flags: Mapping[str, str] | None = None,
) -> Workspace:
    """Opens the workspace. Raises ``ConfigError`` and ``StoreError``."""
    paths = find_paths(home, config)
    return Workspace(paths, load_settings(paths, flags=flags), read_only=read_only, origin=origin)
