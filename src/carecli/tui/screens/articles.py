"""Searching the knowledge articles while writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carecli.domain.knowledge import Article
from carecli.tui.panes.knowledge import draw_article
from carecli.tui.screens.finder import Finder
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece


class Articles(Finder[int]):
    """Gives back the key of the article chosen."""

    item_height = 2
    debounce = 0.06
    hint = "enter inserts the link, or reads it when nothing is being written · esc close"

    def __init__(
        self,
        find: Callable[[str], Sequence[tuple[Article, str]]],
        suggested: Sequence[tuple[Article, str]],
        now: Callable[[], int],
    ) -> None:
        super().__init__("Knowledge", "search the articles")
        self._find = find
        self._suggested = suggested
        self._now = now
        self._found: Sequence[tuple[Article, str]] = suggested

    def search(self, text: str) -> None:
        """Ask the store; suggestions stand while nothing is typed."""
        self._found = self._find(text) if text.strip() else self._suggested

    def count(self) -> int:
        """Articles found."""
        return len(self._found)

    def draw(self, index: int, width: int, ink: Ink, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """An article on two lines."""
        article, snippet = self._found[index]
        return draw_article(article, snippet, width, ink, at_cursor, self._now())

    def choose(self, index: int | None, text: str) -> None:
        """Give the article back."""
        if index is not None:
            self.dismiss(self._found[index][0].id)
