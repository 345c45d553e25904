"""What happens without a key: the background sync's reports, other processes' changes, and passing time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from carecli.tui.messages import SyncReported

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk

_LOOK_EVERY = 1.0  # seconds between looks at the store
_AGE_EVERY = 20.0  # seconds between redraws of waits and deadlines


class Pulse:
    """Keeps a desk up to date."""

    def __init__(self, app: App[Any], desk: Desk) -> None:
        self._app = app
        self._desk = desk

    def start(self, *, sync: bool) -> None:
        """Begin looking; ``sync`` also starts the background sync."""
        self._desk.set_interval(_LOOK_EVERY, self.look)
        self._desk.set_interval(_AGE_EVERY, self.age)
        if sync:
            self._desk.ws.background.start(self._report)

    def _report(self, line: dict[str, Any]) -> None:
        """Called from the listening thread: only posts."""
        self._app.post_message(SyncReported(line))

    def look(self) -> None:
        """Show what another process or the sync changed."""
        self._desk.attempt(self._look)

    def _look(self) -> None:
        keeper = self._desk.keeper
        # What the keeper stores is a change too; only it can tell whether there was another one.
        if self._desk.ws.changed() and (keeper is None or not keeper.ask_others()):
            self.others_wrote()
        elif self._desk.untold:
            from carecli.tui.commands.deciding import tell

            tell(self._desk)

    def others_wrote(self) -> None:
        """Show what others changed, also in the text that is open and in what was sent from here."""
        from carecli.tui.commands.deciding import look_after
        from carecli.tui.commands.keeping import look_elsewhere
        from carecli.tui.screens.decide import Decide

        desk = self._desk
        desk.reload()
        look_elsewhere(desk)
        if isinstance(desk.app.screen, Decide):
            desk.app.screen.look()
        look_after(desk)

    def age(self) -> None:
        """Waits and deadlines have grown."""
        self._desk.inbox.renew()
        self._desk.head.redraw()
        self._desk.renew_health()
        self._desk.status.redraw()

    def reported(self, line: dict[str, Any]) -> None:
        """The sync said how far it is, or how it ended."""
        state, account = str(line.get("state", "")), str(line.get("account", ""))
        seen, total = line.get("seen"), line.get("total")
        if state == "pulling":
            many = f" {seen:,}" if isinstance(seen, int) and seen else ""
            of = f" of {total:,}" if many and isinstance(total, int) and total else ""
            self._desk.status.stand(progress=f"↻ {account}{many}{of}")
            return
        self._desk.status.stand(progress="")
        self._desk.renew_health()
        if state in ("error", "auth") and line.get("error"):
            self._desk.say(f"{account}: {line['error']}", "bad")
        self.look()
