"""The one place that wires objects: paths → configuration → store → connectors → services."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

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
    from carecli.services.audit import Audit
    from carecli.services.customers import Customers
    from carecli.services.doctor import Check
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

    def demo(self, tickets: int, seed: int, *, live: bool) -> None:
        """Configures the demo desk in an empty workspace."""
        from carecli.config import edit

        options: dict[str, Any] = {"tickets": tickets, "seed": seed, "live": live}
        options["state_file"] = os.path.join(
            self.paths.home or os.path.dirname(self.paths.store_file), "demo-desk.jsonl"
        )
        edit.set_value(self.paths, "agent.name", self.settings.agent_name or "Sam Rivera")
        edit.add_account(self.paths, "demo", "demo", options)

    def set_aside(self) -> list[tuple[str, str, str, str, int]]:
        """Records that could not be read: (account, kind, external id, reason, at)."""
        from carecli.store.raws import list_set_aside

        return list_set_aside(self.store.connection)

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
    def audit(self) -> Audit:
        """The ``audit`` service."""
        from carecli.services.audit import Audit

        return Audit(self.context)

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


def connector_cards() -> list[dict[str, Any]]:
    """The cards of all installed connectors, as plain values."""
    from carecli.connectors import registry

    return [connector_card(kind) for kind in registry.names()]


def connector_card(kind: str) -> dict[str, Any]:
    """The card of one connector, as plain values. Raises ``ConfigError`` for an unknown kind."""
    from carecli.connectors import registry

    card = registry.load(kind)
    return {
        "kind": card.kind,
        "title": card.title,
        "summary": card.summary,
        "experimental": card.experimental,
        "streams": list(card.streams),
        "auth": list(card.auth),
        "capabilities": list(card.capabilities.names()),
        "options": [
            {
                "name": option.name,
                "type": option.type,
                "default": list(option.default) if isinstance(option.default, tuple) else option.default,
                "required": option.required,
                "choices": list(option.choices),
                "doc": option.doc,
            }
            for option in card.options
        ],
        "secrets": [{"name": s.name, "required": s.required, "doc": s.doc} for s in card.secrets],
        "tested_against": [{"what": what, "evidence": evidence} for what, evidence in card.tested_against],
    }


def example_config() -> str:
    """Text of ``config.example.toml``, from the declared settings and the built-in connectors."""
    from carecli.config.example import example
    from carecli.connectors import registry

    return example([registry.load(kind) for kind in sorted(registry.BUILT_IN)])


def setting_rows() -> list[dict[str, Any]]:
    """Every setting there is: name, type, default, meaning; options of built-in connectors included."""
    from carecli.config.schema import ACCOUNT_SETTINGS, SETTINGS
    from carecli.connectors import registry

    rows = [_setting(setting.name, setting) for setting in SETTINGS]
    rows += [_setting(f"accounts.NAME.{setting.name}", setting) for setting in ACCOUNT_SETTINGS]
    for kind in sorted(registry.BUILT_IN):
        rows += [_setting(f"accounts.NAME.{option.name}", option, kind) for option in registry.load(kind).options]
    return rows


def _setting(name: str, spec: OptionSpec, connector: str | None = None) -> dict[str, Any]:
    default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    choices = list(spec.choices)
    return {
        "name": name,
        "type": spec.type,
        "default": default,
        "choices": choices,
        "doc": spec.doc,
        "connector": connector,
    }


def diagnose(home: str | None, config: str | None, *, online: bool) -> list[Check]:
    """All checks of ``carecli doctor``; nothing is written, and nothing is contacted unless ``online``."""
    from carecli.services import doctor, upkeep

    paths = find_paths(home, config)
    checks = doctor.machine() + doctor.files(paths)

    def configuration() -> str:
        settings = load_settings(paths)
        return f"{len(settings.accounts)} accounts, {len(settings.warnings)} warnings"

    def store() -> str:
        if not os.path.exists(paths.store_file):
            return "not there yet"
        found = upkeep.check(paths.store_file)
        if not found["ok"]:
            raise CareError(str(found["problems"]), help="Run 'carecli db check'.")
        return f"intact, schema {found['schema']}"

    checks.append(doctor.attempt("configuration", configuration))
    checks.append(doctor.attempt("store", store))
    if not all(check.ok for check in checks[-2:]) or not os.path.exists(paths.store_file):
        return checks
    workspace = open_workspace(home, config, read_only=True)
    try:
        for health in workspace.accounts.health():
            words = health.error or health.state
            checks.append(doctor.Check(f"account {health.name}", health.state not in ("auth", "error"), words))
            if workspace.accounts.missing_secret(health.name):
                helped = f"Run: carecli account login {health.name}"
                checks.append(doctor.Check(f"secret of {health.name}", False, "none found", helped))
            if online:
                checks.append(doctor.attempt(f"sign-in {health.name}", partial(_sign_in, workspace, health.name)))
        set_aside = workspace.set_aside()
        checks.append(
            doctor.Check(
                "records set aside",
                not set_aside,
                f"{len(set_aside)}"
                + "".join(
                    f"; {account} {kind} {external_id[:16]}: {reason}"
                    for account, kind, external_id, reason, _ in set_aside[:5]
                ),
            )
        )
        waiting = workspace.outbox.pending()
        needs = [operation for operation in waiting if operation.state in ("conflict", "failed", "unknown")]
        checks.append(
            doctor.Check(
                "outbox",
                not needs,
                f"{len(waiting)} open, {len(needs)} need you",
                "carecli outbox list" if needs else "",
            )
        )
    finally:
        workspace.close()
    return checks


def _sign_in(workspace: Workspace, name: str) -> str:
    return workspace.syncing.test(name)[0]
