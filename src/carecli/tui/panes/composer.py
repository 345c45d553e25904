"""The composer: a text below the conversation, with who will read it in words, and its draft always saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from carecli.domain.conversation import Address, Draft, DraftMode, Visibility
from carecli.domain.ticket import Channel
from carecli.services.models import ReplyPlan
from carecli.tui.cells import line
from carecli.tui.keeper import Keeper, Sheet
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.widgets.surface import FixedLines
from carecli.tui.wording import CHANNELS, some

_ADDRESS = re.compile(r"\s*(?:\"?([^\"<>]*?)\"?\s*<([^<>\s]+@[^<>\s]+)>|([^<>\s,;]+@[^<>\s,;]+))\s*$")


def parse_addresses(text: str) -> tuple[tuple[Address, ...], list[str]]:
    """Addresses in a comma-separated text, and the parts that are none."""
    good: list[Address] = []
    bad: list[str] = []
    for part in re.findall(r'(?:"[^"]*"|[^,;"])+', text):
        if not part.strip():
            continue
        match = _ADDRESS.match(part)
        if match:
            good.append(Address(match[2] or match[3], (match[1] or "").strip()))
        else:
            bad.append(part.strip())
    return tuple(good), bad


def shown_addresses(addresses: Sequence[Address]) -> str:
    """Addresses as a text that ``parse_addresses`` reads back the same."""
    return ", ".join(f'"{a.name}" <{a.email}>' if re.search(r"[,;]", a.name) else str(a) for a in addresses)


def banner_words(plan: ReplyPlan, to: Sequence[Address], person: str = "") -> str:
    """Who will read the text, in words that cannot be mistaken."""
    if plan.visibility is Visibility.INTERNAL:
        return "INTERNAL NOTE – the customer will not see this"
    kind = {DraftMode.FORWARD: "FORWARD", DraftMode.NEW: "NEW MESSAGE"}.get(plan.mode, "PUBLIC REPLY")
    who = line(person) if person and not to else ""
    who = who or ", ".join(line(a.email) for a in to[:2]) + (f" and {len(to) - 2} more" if len(to) > 2 else "")
    medium = CHANNELS.get(plan.channel, CHANNELS["other"])[1]
    return f"{kind} to {who or 'nobody yet'} ({medium})"


class Banner(FixedLines):
    """The words above the text."""

    def __init__(self) -> None:
        super().__init__(id="banner")
        self.words = ""
        self.internal = False

    def ground(self, ink: Ink) -> Piece:
        """Two colours, beside the two wordings."""
        return "", ink.note_banner if self.internal else ink.reply_banner

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """One line."""
        style = self.ground(ink)[1]
        return [sides([(" " + self.words, style)], [("note " if self.internal else "public ", style)], width, style)]


class Foot(FixedLines):
    """Characters, files, and whether the draft is saved."""

    def __init__(self) -> None:
        super().__init__(id="foot")
        self.pieces: tuple[list[tuple[str, str]], str] = ([], "")

    def draw(self, width: int, ink: Ink) -> Sequence[Sequence[Piece]]:
        """One line."""
        tones = {"bad": ink.bad, "warn": ink.warn, "": ink.dim, "link": ink.link}
        left: list[Piece] = [(" " + text + " ", tones[tone]) for tone, text in self.pieces[0]]
        return [sides(left, [(self.pieces[1] + " ", ink.faint)], width, ink.base)]


class Composer(Vertical):
    """Banner, recipients, text, foot. Every change goes to the keeper at once, which stores it soon."""

    context = "composer"

    class Asked(Message):
        """A marker was typed that opens a picker: ``??`` knowledge or ``@@`` a colleague."""

        def __init__(self, marker: str) -> None:
            super().__init__()
            self.marker = marker

    def __init__(self, plan: ReplyPlan, sheet: Sheet, keeper: Keeper, now: Callable[[], int], person: str = "") -> None:
        # No id: the one that is being put away may still be there when the next one opens.
        super().__init__(classes=f"composer {'-note' if plan.visibility is Visibility.INTERNAL else '-public'}")
        self.plan = plan
        self.sheet = sheet
        self.draft = sheet.draft
        self.ready_at: float | None = None
        self._ahead: list[events.Key] = []
        self.person = "" if self.mail else person
        self._keeper = keeper
        self._now = now
        waits = sheet.due is not None and sheet.written is not sheet.draft
        self._state = self._saving() if waits else "draft saved" if sheet.before is not None else ""

    @property
    def mail(self) -> bool:
        """Whether the text goes to addresses; chats and the like go back to where they came from."""
        if self.plan.visibility is Visibility.INTERNAL:
            return False
        return self.plan.channel is Channel.EMAIL or self.plan.mode in (DraftMode.NEW, DraftMode.FORWARD)

    def compose(self) -> ComposeResult:
        """Recipients only where there are any."""
        yield Banner()
        if self.mail:
            yield from self._field("To", "to", shown_addresses(self.draft.to))
            yield from self._field("Cc", "cc", shown_addresses(self.draft.cc))
            if self.plan.mode in (DraftMode.NEW, DraftMode.FORWARD):
                yield from self._field("Subject", "subject", self.draft.subject or "")
        yield TextArea(self.draft.body, id="text", soft_wrap=True, show_line_numbers=False, compact=True)
        yield Foot()

    def _field(self, label: str, name: str, value: str) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static(label, markup=False)
            yield Input(value, id=name, compact=True)

    def on_mount(self) -> None:
        """Put the cursor at the end of what was written before."""
        text = self.text_area
        text.move_cursor(text.document.end)
        field = self.query_one("#to", Input) if self._needs_recipient() else text
        field.focus()
        self.ready_at = monotonic()
        for key in self._ahead:
            self.type_ahead(key)
        self._describe()

    def type_ahead(self, key: events.Key) -> None:
        """Take a key that was pressed before the fields were there."""
        if self.ready_at is None:
            self._ahead.append(key)
            return
        typed = "\n" if key.key == "enter" else key.character if key.is_printable else None
        if typed is None:
            return
        field = self.query_one("#to", Input) if self._needs_recipient() else self.text_area
        if isinstance(field, Input):
            field.insert_text_at_cursor(typed)
        else:
            field.insert(typed)

    def _needs_recipient(self) -> bool:
        return self.plan.mode in (DraftMode.NEW, DraftMode.FORWARD) and not self.draft.to

    @property
    def text_area(self) -> TextArea:
        """The text being written."""
        return self.query_one("#text", TextArea)

    def current(self) -> Draft:
        """The draft as it stands on the screen."""
        draft = replace(self.draft, body=self.text_area.text, updated_at=self._now())
        if not self.mail:
            return draft
        to, _ = parse_addresses(self.query_one("#to", Input).value)
        cc, _ = parse_addresses(self.query_one("#cc", Input).value)
        subjects = self.query("#subject")
        subject = subjects.first(Input).value if subjects else draft.subject
        return replace(draft, to=to, cc=cc, subject=subject)

    def bad_addresses(self) -> list[str]:
        """Recipients that are no addresses."""
        if not self.mail:
            return []
        return [bad for name in ("#to", "#cc") for bad in parse_addresses(self.query_one(name, Input).value)[1]]

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """A key was typed: save soon, count, and see whether a marker was typed."""
        event.stop()
        self._touched()
        row, column = event.text_area.cursor_location
        typed = event.text_area.document.get_line(row)[max(0, column - 2) : column]
        if typed in ("??", "@@"):
            event.text_area.delete((row, column - 2), (row, column))
            self.post_message(self.Asked(typed))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Recipients were changed."""
        event.stop()
        self._touched()

    def _touched(self) -> None:
        current = self.current()
        if (current.body, current.to, current.cc, current.subject) == (
            self.draft.body, self.draft.to, self.draft.cc, self.draft.subject
        ):  # fmt: skip
            self._describe()
            return
        self._hand_over(current)

    def _hand_over(self, draft: Draft) -> None:
        self.draft = draft
        self._state = self._saving()
        self._keeper.put(self.sheet, draft)
        self._describe()

    def _saving(self) -> str:
        problem = self.sheet.problem
        return f"not saved yet: {line(problem)}" if problem else "saving…"

    def hand_over(self) -> Draft:
        """The draft as it stands, with the id and the ticket it is stored under; what changed goes to the keeper."""
        if self.ready_at is not None:
            self._touched()
        stored = self.sheet.before
        return replace(self.draft, id=self.sheet.id, ticket_id=stored.ticket_id if stored else self.draft.ticket_id)

    def stored(self, how: str) -> None:
        """The keeper stored the draft, or (``empty``) found nothing to store."""
        self._state = "" if how == "empty" else "draft saved"
        self._describe()

    def not_stored(self) -> None:
        """The draft could not be stored yet; the keeper goes on trying."""
        self._state = self._saving()
        self._describe()

    def load(self, draft: Draft) -> None:
        """Show the draft as another window left it."""
        self.draft = draft
        text = self.text_area
        place = None if text.cursor_at_end_of_text else text.cursor_location
        text.load_text(draft.body)
        text.move_cursor(place or text.document.end)
        if self.mail:
            for name, people in (("#to", draft.to), ("#cc", draft.cc)):
                self.query_one(name, Input).value = shown_addresses(people)
            for field in self.query("#subject").results(Input):
                field.value = draft.subject or ""
        self._describe()

    def saw(self, message_id: int) -> None:
        """Its author has seen the conversation up to a message: the send guard begins behind it."""
        self._hand_over(replace(self.draft, base_message_id=message_id))

    def attach(self, path: str) -> None:
        """Add a file."""
        self._hand_over(replace(self.current(), attachments=(*self.draft.attachments, path)))

    def insert(self, text: str) -> None:
        """Put text at the cursor."""
        self.text_area.insert(text)
        self.text_area.focus()

    def next_field(self) -> None:
        """Move between text, To and Cc."""
        fields = [self.text_area, *self.query(Input)]
        focused = self.screen.focused
        place = fields.index(focused) if focused in fields else -1
        fields[(place + 1) % len(fields)].focus()

    def _describe(self) -> None:
        if self.ready_at is None or not self.query(Foot):
            return  # not there yet, or there no more
        banner, foot = self.query_one(Banner), self.query_one(Foot)
        current = self.current()
        words = banner_words(self.plan, current.to, self.person)
        if words != banner.words:
            banner.words, banner.internal = words, self.plan.visibility is Visibility.INTERNAL
            banner.redraw()
        left: list[tuple[str, str]] = []
        count, limit = len(current.body), self.plan.limit
        if limit is None:
            left.append(("", some(count, "character")))
        else:
            tone = "bad" if count > limit else "warn" if count > limit * 0.9 else ""
            left.append((tone, f"{count:,} / {limit:,}" + (" too long" if count > limit else "")))
        left += [("bad", f"no address: {line(bad)}") for bad in self.bad_addresses()[:1]]
        left += [("link", "▣ " + line(Path(path).name)) for path in current.attachments]
        left += [("link", f"+ {line(verb)} {line(value)}") for verb, value in current.actions]
        state = self._state or "draft is kept as you type"
        new = (left, state)
        if new != foot.pieces:
            foot.pieces = new
            foot.redraw()
