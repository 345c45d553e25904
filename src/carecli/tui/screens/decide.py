"""Deciding about something that waits for a person: what is new above, their own text below, one key for each way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from carecli.tui.cells import block, fit, width_of, wrap
from carecli.tui.keymap import Keymap
from carecli.tui.keypress import KeyReader
from carecli.tui.matters import Matter, field_value
from carecli.tui.panes.conversation_lines import Reading, lay_message
from carecli.tui.theme import Ink
from carecli.tui.widgets.ask_bar import Answer, AskBar
from carecli.tui.widgets.line_view import Line, LineView, Page
from carecli.tui.widgets.strips import Piece
from carecli.tui.widgets.surface import FixedLines
from carecli.tui.wording import some

_TEXT_AT_LEAST = 4  # lines of one's own text that stay in sight below long news


class Head(FixedLines):
    """What happened, on a ground that cannot be missed, and the facts below it."""

    def __init__(self) -> None:
        super().__init__(id="decide-head")
        self.matter: Matter | None = None

    def tall(self, width: int) -> int:
        """Lines it needs."""
        return 2 + sum(len(wrap(fact, width - 2)) for fact in self._facts())

    def _facts(self) -> list[str]:
        matter = self.matter
        if matter is None:
            return []
        said = [f"“{matter.said}”"] if matter.said else []
        return [*said, *(fact for fact in matter.facts if fact)]

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """Headline, ticket, facts."""
        if self.matter is None:
            return ()
        ground = {"bad": ink.alarm, "warn": ink.note_banner}.get(self.matter.tone, ink.sending)
        out: list[list[Piece]] = [[(fit(" " + self.matter.headline, width), ground)]]
        out.append([(" " + self.matter.title, ink.strong)])
        for number, fact in enumerate(self._facts()):
            style = ink.bad if self.matter.said and number == 0 else ink.dim
            out += [[(" " + part, style)] for part in wrap(fact, width - 2)]
        return out


class News(LineView):
    """What the person has not seen yet: messages, or the values of a field on both sides."""

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__(id="decide-news")
        self._now = now
        self.matter: Matter | None = None

    def compose_page(self, width: int, ink: Ink) -> Page:
        """Messages as in the conversation; fields side by side."""
        page = Page()
        if self.matter is None:
            return page
        for message in self.matter.newer:
            lay_message(page, message, width, ink, self._now(), Reading())
            page.lines.append(Line())
        for one in self.matter.fields:
            values = [
                ("BEFORE", one.base, ink.dim),
                ("MINE", one.mine, ink.primary),
                ("THEIRS", one.theirs, ink.accent),
            ]
            column = max(12, (width - 2) // 3)
            shown = [wrap(field_value(one.field, value), column - 2) for _, value, _ in values]
            page.lines.append(Line([(" " + one.field.replace("_", " ").capitalize(), ink.strong)]))
            page.lines.append(Line([(fit(" " + name, column), style) for name, _, style in values]))
            page.lines.append(Line([(" " + "─" * (column - 2) + " ", ink.faint) for _ in values]))
            for row in range(max(len(parts) for parts in shown)):
                cells = [(parts[row] if row < len(parts) else "", values[at][2]) for at, parts in enumerate(shown)]
                page.lines.append(Line([(fit(" " + text, column), style + Style(bold=True)) for text, style in cells]))
            page.lines.append(Line())
        if page.lines:
            page.lines.pop()
        return page


class Mine(LineView):
    """The person's own text."""

    def __init__(self) -> None:
        super().__init__(id="decide-mine")
        self.matter: Matter | None = None

    def compose_page(self, width: int, ink: Ink) -> Page:
        """Text, files, staged actions."""
        if self.matter is None:
            return Page()
        lines = [Line([(" " + text, ink.base)]) for text in wrap(block(self.matter.text), width - 2)]
        return Page(lines + [Line([(" " + text, ink.link)]) for text in self.matter.extras])


class Ways(FixedLines):
    """The ways out with their keys; a click takes one."""

    def __init__(self, keymap: Keymap, take: Callable[[str], None]) -> None:
        super().__init__(id="decide-ways")
        self._keymap = keymap
        self._take = take
        self._spans: list[tuple[int, int, str]] = []
        self.matter: Matter | None = None
        self.said = ""

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """One line of keys; what was said stands above it."""
        row: list[Piece] = [(" ", ink.base)]
        at = 1
        self._spans = []
        ways = self.matter.ways if self.matter else ()
        shown = [(self._keymap.shown(f"decide.{way.choice}"), way.word, way.choice) for way in ways]
        for key, word, choice in [*shown, ("esc", "later", "")]:
            row += [(key, ink.key), (f" {word}   ", ink.base)]
            size = width_of(f"{key} {word}")
            self._spans.append((at, at + size, choice))
            at += size + 3
        return [[(" " + self.said, ink.warn)], row]

    def on_click(self, event: events.Click) -> None:
        """Take the way under the pointer."""
        for start, stop, choice in self._spans:
            if event.y == 1 and start <= event.x < stop:
                self._take(choice)


class Decide(ModalScreen[str | None]):
    """Gives back the choice (``None``: later). ``renew`` reads the matter as it stands; what is new is shown before a
    choice counts. ``rest`` is for how many seconds keys are ignored, when nobody asked for the screen.
    """

    CSS_PATH = "../styles/above.tcss"

    def __init__(
        self, renew: Callable[[], Matter], keymap: Keymap, now: Callable[[], int], *, rest: float = 0.0
    ) -> None:
        super().__init__()
        self._renew = renew
        self._own, self._moves = KeyReader(keymap), KeyReader(keymap)
        self._awake = monotonic() + rest
        self.matter = renew()
        self.head = Head()
        self.news = News(now)
        self.mine = Mine()
        self.ask_bar = AskBar()
        self.ways = Ways(keymap, self.take)

    def compose(self) -> ComposeResult:
        """From top to bottom in the order it is read."""
        yield self.head
        yield self.news
        yield self.mine
        yield self.ask_bar
        yield self.ways

    def on_mount(self) -> None:
        """Show it; the news take the keys that scroll."""
        self._show()
        (self.news if self.matter.newer or self.matter.fields else self.mine).focus()

    def on_resize(self) -> None:
        """Share the room."""
        self.call_after_refresh(self._share)

    def look(self) -> bool:
        """Read the matter again; whether something to decide about has changed."""
        matter = self._renew()
        if matter == self.matter:
            return False
        changed = matter.heart != self.matter.heart
        self.matter = matter
        self._show()
        return changed

    def _show(self) -> None:
        matter = self.matter
        for part in (self.head, self.news, self.mine, self.ways):
            part.matter = matter
        count = len(matter.newer)
        self.news.border_title = (
            f"NEW SINCE YOU LAST LOOKED · {some(count, 'message')}" if count else "CHANGED ON BOTH SIDES"
        )
        self.news.display = bool(count or matter.fields)
        self.mine.border_title = matter.text_title
        self.mine.display = bool(matter.text or matter.extras)
        for fixed in (self.head, self.ways):
            fixed.redraw()
        for view in (self.news, self.mine):
            view.renew()
        self.call_after_refresh(self._share)

    def _share(self) -> None:
        """News get the room they need, the own text at least a few lines."""
        width, height = self.size
        self.head.styles.height = head = self.head.tall(width)
        for view in (self.news, self.mine):
            view.renew()
        room = height - head - 2 - (self.ask_bar.size.height if self.ask_bar.display else 0)
        news = len(self.news.page.lines) + 2 if self.news.display else 0
        mine = len(self.mine.page.lines) + 2 if self.mine.display else 0
        if news + mine > room:
            mine = min(mine, max(_TEXT_AT_LEAST + 2, room - news, room // 3))
        self.news.styles.height = max(0, min(news, room - mine))
        self.mine.styles.height = max(0, min(mine, room))

    def take_key(self, event: events.Key) -> bool:
        """Choose, scroll, or leave for later."""
        if monotonic() < self._awake:
            return True
        action, _ = self._own.read(event, "decide")
        if action is not None and action.startswith("decide."):
            self.take(action.removeprefix("decide."))
            return True
        if action in ("app.quit", "app.help"):
            self.dismiss(None)
            return True
        moving, _ = self._moves.read(event, "conversation")
        view = self.focused if isinstance(self.focused, LineView) else self.news
        moves: dict[str, Callable[[], object]] = {
            "move.down": partial(view.move_by, 1),
            "move.up": partial(view.move_by, -1),
            "move.half_down": partial(view.move_by, view.half_page()),
            "move.half_up": partial(view.move_by, -view.half_page()),
            "move.top": partial(view.move_to, 0),
            "move.bottom": view.to_end,
            "pane.next": self.focus_next,
            "pane.previous": self.focus_previous,
            "app.back": partial(self.dismiss, None),
        }
        if moving in moves:
            moves[moving]()
        return True

    def take(self, choice: str) -> None:
        """Take a way out, unless something has changed under the person's eyes or must be asked about."""
        if not choice:
            self.dismiss(None)
            return
        if self.look():
            self._say("Something has changed just now: look again before you decide.")
            return
        way = next((way for way in self.matter.ways if way.choice == choice), None)
        if way is None:
            self._say("That is not possible here.")
        elif way.warning:
            back = self.focused

            def yes() -> None:
                self.dismiss(choice)

            def after() -> None:
                if back is not None:
                    back.focus()

            self.ask_bar.ask([("warn", way.warning)], [Answer("y", way.word, yes), Answer("n", "no", after)], after)
            self.call_after_refresh(self._share)
        else:
            self.dismiss(choice)

    def _say(self, words: str) -> None:
        self.ways.said = words
        self.ways.redraw()
