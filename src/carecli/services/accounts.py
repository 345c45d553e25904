"""Accounts: how they are doing."""

from __future__ import annotations

from carecli.services.context import Context
from carecli.services.models import AccountHealth
from carecli.store import accounts


class Accounts:
    """Health of the configured accounts."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def health(self) -> list[AccountHealth]:
        """Configured accounts in the order of the configuration; "stale" when the last good sync is too long ago."""
        known = {row[0]: row for row in accounts.health(self._context.store.connection)}
        limit = self._context.now() - self._context.settings.stale_after_seconds * 1000
        shown = []
        for name, section in self._context.settings.accounts.items():
            row = known.get(name)
            if row is None:
                shown.append(AccountHealth(name, section.connector, "never", None, None, 0, 0))
                continue
            _, connector, state, last, error, queued, needs = row
            if state == "ok" and (last or 0) < limit:
                state = "stale"
            shown.append(AccountHealth(name, connector, state, last, error, queued, needs))
        return shown
