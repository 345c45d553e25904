"""A question above the footer, answered with one key: the review before a send, and confirmations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Size

from carecli.tui.cells import width_of, wrap
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece
from carecli.tui.widgets.surface import FixedLines


@dataclass(frozen=True, slots=True)
class Answer:
    """One possible answer; a refused one stays listed and says why."""

    key: str
    word: str
    run: Callable[[], None]
    refused: str = ""


class AskBar(FixedLines):
    """Takes the focus until it is answered; escape runs the last answer."""

    can_focus = True
    context = "ask"

    def __init__(self) -> None:
        super().__init__(id="ask")
        self.lines: tuple[tuple[str, str], ...] = ()
        self.answers: tuple[Answer, ...] = ()
        self.display = False
        self._spans: list[tuple[int, int, Answer]] = []
        self._after: Callable[[], None] | None = None

    def ask(self, lines: Sequence[tuple[str, str]], answers: Sequence[Answer], after: Callable[[], None]) -> None:
        """Show lines of (tone, text) with answers below; ``after`` gives the focus back."""
        self.lines, self.answers, self._after = tuple(lines), tuple(answers), after
        self.display = True
        self._drawn_for = None
        self.refresh(layout=True)
        self.focus()

    def close(self) -> None:
        """Hide and give the focus back."""
        self.display = False
        self.answers = ()
        if self._after is not None:
            after, self._after = self._after, None
            after()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines of the question and one for the answers."""
        return sum(len(wrap(text, width - 2)) for _, text in self.lines) + 1

    def ground(self, ink: Ink) -> Piece:
        """The bar's own ground."""
        return "", ink.base + ink.cursor_away

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """Question, then answers."""
        over = ink.cursor_away
        tones = {"warn": ink.warn, "block": ink.bad, "public": ink.primary, "note": ink.accent}
        out: list[list[Piece]] = []
        for tone, text in self.lines:
            sign = {"warn": "! ", "block": "✗ "}.get(tone, "")
            for part in wrap(sign + text, width - 2):
                out.append([(" " + part, tones.get(tone, ink.strong) + over)])  # noqa: PERF401 - nested lines read better
        row: list[Piece] = [(" ", ink.base + over)]
        self._spans = []
        at = 1
        for answer in self.answers:
            word = f" {answer.word}" + (f" ({answer.refused})" if answer.refused else "") + "   "
            row += [(answer.key, ink.key + over if not answer.refused else ink.faint + over), (word, ink.base + over)]
            size = width_of(answer.key + word)
            self._spans.append((at, at + size - 3, answer))
            at += size
        out.append(row)
        return out

    def on_key(self, event: events.Key) -> None:
        """Take the answer; every other key is held back so that nothing happens by accident."""
        event.stop()
        event.prevent_default()
        key = event.character if event.character and event.character.isprintable() else event.key
        chosen = next((answer for answer in self.answers if answer.key == key), None)
        if chosen is None and event.key == "escape" and self.answers:
            chosen = self.answers[-1]
        if chosen is not None:
            self._take(chosen)

    def on_click(self, event: events.Click) -> None:
        """Take the answer under the pointer."""
        if event.y != self.size.height - 1:
            return
        for start, stop, answer in self._spans:
            if start <= event.x < stop:
                self._take(answer)
                return

    def _take(self, answer: Answer) -> None:
        if answer.refused:
            return
        self.close()
        answer.run()
