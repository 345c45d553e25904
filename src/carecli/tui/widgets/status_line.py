"""The last line of the screen: health of the accounts, what waits, where we are, and what just happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.style import Style
from textual.timer import Timer

from carecli.services.models import AccountHealth
from carecli.tui.cells import cut, line, width_of
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.widgets.surface import FixedLines
from carecli.tui.wording import ago, some

_SAID_SECONDS = 6.0
_STATE_WORDS = {
    "stale": "not synced lately",
    "auth": "must sign in again",
    "unreachable": "offline",
    "error": "sync error",
    "never": "not synced yet",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the status line says when nothing special happens."""

    health: tuple[AccountHealth, ...] = ()
    place: str = ""
    marked: int = 0
    progress: str = ""
    outbox_key: str = ""


class StatusLine(FixedLines):
    """One line, always there."""

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__(id="status")
        self._now = now
        self.standing = Standing()
        self.said = ""
        self._tone = ""
        self._timer: Timer | None = None
        self._due: int | None = None
        self._sending = ""
        self._ticker: Timer | None = None

    def stand(self, **changes: object) -> None:
        """Change parts of the standing; paints only when something is different."""
        new = replace(self.standing, **changes)  # type: ignore[arg-type]
        if new != self.standing:
            self.standing = new
            self.redraw()

    def say(self, text: str, tone: str = "") -> None:
        """Show a message for a while; ``tone`` is empty, good, warn or bad."""
        self.said, self._tone = line(text), tone
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_SAID_SECONDS, self._forget)
        self.redraw()

    def count_down(self, due_at: int, words: str, over: Callable[[], None]) -> None:
        """Show ``words`` with the seconds left (``{}``) until an instant, then call ``over``."""
        self.stop_count()
        self._due, self._sending = due_at, words

        def tick() -> None:
            if self._due is not None and self._now() >= self._due:
                self.stop_count()
                over()
            self.redraw()

        self._ticker = self.set_interval(0.5, tick)
        self.redraw()

    def stop_count(self) -> None:
        """End the countdown."""
        self._due = None
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        self.redraw()

    @property
    def counting(self) -> str:
        """The countdown as it reads now (empty when there is none)."""
        if self._due is None:
            return ""
        return self._sending.format(max(0, -(-(self._due - self._now()) // 1000)))

    def _forget(self) -> None:
        self.said = ""
        self.redraw()

    def ground(self, ink: Ink) -> Piece:
        """The bar's own ground."""
        return "", ink.bar

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """Health and queue on the left, place on the right; news over it."""
        bar = ink.bar
        right: list[Piece] = []
        if self.standing.marked:
            right.append((f" {some(self.standing.marked, 'ticket')} marked ", ink.accent + _ground(bar)))
        right.append((f" {self.standing.place} ", bar))
        if counting := self.counting:
            left: list[Piece] = [(f" {counting} ", ink.sending), (" ", bar)]
        else:
            left = [(" ", bar)]
        if self.said:
            tone = {"good": ink.good, "warn": ink.warn, "bad": ink.bad}.get(self._tone, ink.strong)
            sign = {"good": "✓ ", "warn": "! ", "bad": "✗ "}.get(self._tone, "")
            left.append((sign + self.said, tone + _ground(bar)))
        else:
            left += self._health(ink, width - sum(width_of(text) for text, _ in right) - 2)
        return [sides(left, right, width, bar)]

    def _health(self, ink: Ink, room: int) -> list[Piece]:
        ground = _ground(ink.bar)
        out: list[Piece] = []
        standing = self.standing
        for one in standing.health:
            if one.state == "ok":
                continue
            style = ink.warn if one.state in ("stale", "never") else ink.bad
            out.append((f"✗ {line(one.name)} {_STATE_WORDS.get(one.state, one.state)}  ", style + ground))
        good = [line(one.name) for one in standing.health if one.state == "ok"]
        if good:
            names = cut(" ".join(good), max(8, room // 2)) if len(good) < 4 else some(len(good), "account")
            out.append(("● ", ink.good + ground))
            out.append((names + "  ", ink.bar))
        queued = sum(one.queued for one in standing.health)
        person = sum(one.needs_person for one in standing.health)
        last = max((one.last_sync_at or 0 for one in standing.health), default=0)
        if standing.progress:
            out.append((standing.progress + "  ", ink.primary + ground))
        elif standing.health and not good:
            out.append((f"offline, {queued} queued  " if queued else "offline  ", ink.bar))
        elif last:
            out.append((f"synced {ago(last, self._now())}  ", ink.bar))
        if queued and good:
            out.append((f"⇡ {queued} queued  ", ink.accent + ground))
        if person:
            verb = "needs" if person == 1 else "need"
            out.append((f"! {person} {verb} you ({standing.outbox_key})  ", ink.bad + ground))
        return out


def _ground(style: Style) -> Style:
    """Only the background of a style."""
    return Style(bgcolor=style.bgcolor) if style.bgcolor else Style(reverse=style.reverse)
