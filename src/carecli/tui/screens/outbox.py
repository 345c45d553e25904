"""The outbox: everything that is not finished, what needs a person first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carecli.domain.operation import Operation, OperationState
from carecli.tui.cells import line
from carecli.tui.matters import change_words
from carecli.tui.screens.finder import Finder
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.wording import ago, some

_STATES = {
    OperationState.CONFLICT: ("≠ stopped", 0),
    OperationState.FAILED: ("✗ refused", 0),
    OperationState.UNKNOWN: ("? unknown", 0),
    OperationState.HELD: ("⇡ held", 1),
    OperationState.INFLIGHT: ("⇡ leaving", 1),
    OperationState.READY: ("⇡ queued", 2),
}


class OutboxList(Finder[str]):
    """Gives back the id of the operation chosen."""

    item_height = 2
    hint = "enter decides · esc close"

    def __init__(self, pending: Sequence[Operation], subjects: Mapping[str, str], now: int) -> None:
        super().__init__(f"Outbox · {some(len(pending), 'change')}", "type to narrow")
        self._pending = sorted(pending, key=lambda one: _STATES.get(one.state, ("", 3))[1])
        self._subjects = subjects
        self._now = now
        self.shown: list[Operation] = []

    def search(self, text: str) -> None:
        """Narrow by reference, subject, text or state."""
        words = text.casefold().split()
        self.shown = [one for one in self._pending if all(word in self._sought(one) for word in words)]

    def _sought(self, one: Operation) -> str:
        parts = (one.state, one.account, one.target, self._subjects.get(one.id), one.payload.get("body"), one.verb)
        return " ".join(str(part or "") for part in parts).casefold()

    def count(self) -> int:
        """Operations left."""
        return len(self.shown)

    def draw(self, index: int, width: int, ink: Ink, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """State, what and where; then why it waits, or its text."""
        one = self.shown[index]
        word, rank = _STATES.get(one.state, (one.state.value, 3))
        edge: Piece = ("▌" if at_cursor else " ", ink.primary)
        style = ink.bad if rank == 0 else ink.good if rank == 1 else ink.dim
        first = sides(
            [
                edge,
                (f" {word:<10}", style),
                (f"{change_words(one)}  ", ink.strong),
                (f"{line(one.target or one.account)}  ", ink.primary),
                (line(self._subjects.get(one.id, "")), ink.base),
            ],
            [(f" {ago(one.created_at, self._now)} ", ink.faint)],
            width,
            ink.base,
        )
        why = [(line(one.last_error) + "  ", ink.warn)] if one.last_error else []
        return first, [edge, (" " * 11, ink.base), *why, (line(str(one.payload.get("body") or "")), ink.dim)]

    def nothing(self) -> Sequence[str]:
        """Words for nothing left."""
        return ("Nothing like that waits.",)

    def note(self) -> str:
        """How many need somebody."""
        person = sum(1 for one in self._pending if _STATES.get(one.state, ("", 3))[1] == 0)
        return f"{person} {'needs' if person == 1 else 'need'} you · {self.hint}" if person else self.hint

    def choose(self, index: int | None, text: str) -> None:
        """Give the operation back."""
        if index is not None:
            self.dismiss(self.shown[index].id)
