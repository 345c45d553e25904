"""Knowledge: articles suggested for the open ticket, ready to be quoted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.style import Style

from carecli.domain.conversation import Visibility
from carecli.tui.cells import line
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_list import LineList
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.wording import ago

if TYPE_CHECKING:
    from carecli.domain.knowledge import Article


class KnowledgePane(LineList):
    """Suggested articles."""

    context = "knowledge"
    item_height = 2

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__(id="knowledge")
        self._now = now
        self.found: Sequence[tuple[Article, str]] = ()
        self.border_title = "Knowledge"

    def show(self, found: Sequence[tuple[Article, str]]) -> None:
        """Show other suggestions."""
        self.found = found
        self.cursor = 0
        self.border_subtitle = "suggested" if found else ""
        self.renew()

    @property
    def current(self) -> Article | None:
        """The article under the cursor."""
        return self.found[self.cursor][0] if 0 <= self.cursor < len(self.found) else None

    def item_count(self) -> int:
        """Articles suggested."""
        return len(self.found)

    def draw_item(self, index: int, width: int, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """Title, and the passage that fits."""
        article, snippet = self.found[index]
        return draw_article(article, snippet, width, self.ink, at_cursor, self._now())

    def empty_lines(self) -> Sequence[str]:
        """Words for no suggestion."""
        return ("No article matches this ticket.", "Find one with : and “Search knowledge”.")


def draw_article(
    article: Article, snippet: str, width: int, ink: Ink, at_cursor: bool, now: int
) -> Sequence[Sequence[Piece]]:
    """An article in a list: title with its standing, then the passage that matched."""
    edge = ("▌" if at_cursor else " ", ink.primary)
    internal = article.visibility is Visibility.INTERNAL
    state = "internal " if internal else ("" if article.verified else "unverified ")
    first = sides(
        [edge, (line(article.title), ink.base if not internal else ink.accent)],
        [(" " + state, ink.accent), (ago(article.updated_at, now) + " ", ink.faint) if width > 60 else ("", ink.faint)],
        width,
        ink.base,
    )
    return first, [edge, (" ", ink.base), *marked(snippet or article.body_text[:200], ink.dim, ink.match)]


def marked(snippet: str, plain: Style, match: Style) -> list[Piece]:
    """A snippet with its matches (between U+0002 and U+0003) on the match style."""
    out: list[Piece] = []
    for number, part in enumerate(snippet.split("\x02")):
        inside, ended, after = part.partition("\x03")
        if number and ended:
            out.append((_spaced(inside), match))
            out.append((_spaced(after), plain))
        else:
            out.append((_spaced(part), plain))
    return [(text, style) for text, style in out if text]


def _spaced(text: str) -> str:
    """``line`` that keeps one blank at either end."""
    body = line(text.replace("**", "").replace("`", ""))
    if not body:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + body + (" " if text[-1].isspace() else "")
