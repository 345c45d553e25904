"""Search over everything: results as you type, with the words that matched lit up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carecli.domain.errors import CareError
from carecli.services.models import Hit
from carecli.tui.cells import line
from carecli.tui.panes.knowledge import marked
from carecli.tui.screens.finder import Finder
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.wording import clock, some

_KIND = {"ticket": "ticket", "message": "message", "customer": "person", "article": "article", "note": "note"}


class Search(Finder[tuple[list[Hit], int]]):
    """Gives back all hits and the place of the one chosen."""

    item_height = 2
    debounce = 0.06

    def __init__(self, find: Callable[[str], Sequence[Hit]], now: Callable[[], int], text: str = "") -> None:
        super().__init__("Search", 'refund from:jane status:open "exact words" -tag:spam', text)
        self._find = find
        self._now = now
        self.hits: list[Hit] = []
        self._problem = ""

    def search(self, text: str) -> None:
        """Ask the store."""
        self._problem = ""
        if not text.strip():
            self.hits = []
            return
        try:
            self.hits = list(self._find(text))
        except CareError as error:
            self.hits = []
            self._problem = f"{error.message} {error.help}".strip()

    def count(self) -> int:
        """Results."""
        return len(self.hits)

    def draw(self, index: int, width: int, ink: Ink, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """What it is and its title, then the passage."""
        hit = self.hits[index]
        edge: Piece = ("▌" if at_cursor else " ", ink.primary)
        head: list[Piece] = [edge, (f" {_KIND.get(hit.kind, hit.kind)} ", ink.second), (line(hit.title), ink.strong)]
        if hit.ref:
            head.append(("  " + line(hit.ref), ink.faint))
        first = sides(head, [(f" {clock(hit.at, self._now())} ", ink.faint)], width, ink.base)
        return first, [edge, (" ", ink.base), *marked(hit.snippet, ink.dim, ink.match)]

    def nothing(self) -> Sequence[str]:
        """Words for an empty field, a query that cannot be read, and no result."""
        if self._problem:
            return ("This search cannot be read:", self._problem)
        if not self.typed.strip():
            return ("Type to search tickets, messages, people and articles.", "All accounts, all years, also offline.")
        return ("Nothing found.", "Try fewer words, or a part of a word with * at its end.")

    def note(self) -> str:
        """How many there are."""
        if not self.hits:
            return self.hint
        many = some(len(self.hits), "result") if len(self.hits) < 50 else "the newest 50 results"
        return f"{many} · {self.hint} · then n/N for the next"

    def choose(self, index: int | None, text: str) -> None:
        """Give the hits back."""
        if index is not None:
            self.dismiss((self.hits, index))
