"""A conversation laid out as lines: who spoke, to whom it was visible, text with quotes folded, files, changes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

from rich.style import Style

from carecli.domain.conversation import Event, Message, MessageKind, Visibility
from carecli.services.models import Conversation
from carecli.tui.cells import block, line, wrap
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_view import Line, Page
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.wording import CHANNELS, ago, clock, size, some

_DELIVERY = {
    "held": "⇡ held, can be undone",
    "queued": "⇡ queued",
    "sending": "⇡ sending",
    "failed": "✗ not sent",
    "cancelled": "cancelled",
}
_MAX_QUOTE = 4000  # lines of one message shown at most; nobody reads more in a terminal


@dataclass(frozen=True, slots=True)
class Reading:
    """How the reader wants the conversation shown."""

    quotes: bool = False
    events: bool = True


def lay_conversation(talk: Conversation, width: int, ink: Ink, now: int, reading: Reading) -> Page:
    """All lines of a conversation, oldest first; anchors are the first lines of messages."""
    page = Page()
    events = sorted(talk.events, key=lambda e: e.at) if reading.events else []
    position = 0
    for message in talk.messages:
        position = _lay_events(page, events, position, message.sent_at, width, ink, now)
        page.anchors.append(len(page.lines))
        lay_message(page, message, width, ink, now, reading)
        page.lines.append(Line())
    _lay_events(page, events, position, None, width, ink, now)
    if not talk.messages:
        page.lines.append(Line([("No messages are here yet. They arrive with the next sync (f5).", ink.dim)]))
    return page


def _lay_events(page: Page, events: list[Event], start: int, until: int | None, width: int, ink: Ink, now: int) -> int:
    position = start
    while position < len(events) and (until is None or events[position].at < until):
        for text in wrap(f"· {clock(events[position].at, now)}  {event_words(events[position])}", width - 2):
            page.lines.append(Line([("  " + text, ink.faint)]))
        position += 1
    if position > start:
        page.lines.append(Line())
    return position


def event_words(event: Event) -> str:
    """A change as a sentence fragment."""
    who = line(event.actor) or ("at the vendor" if event.origin == "remote" else "somebody")
    if event.field:
        return f"{who}: {event.field.replace('_', ' ')} {_change(event.old or '', event.new or '')}"
    return f"{who}: {event.verb.replace('_', ' ')}" + (f" {line(event.new)}" if event.new else "")


def _change(old: str, new: str) -> str:
    """``open → pending``; of two lists only what came and went."""
    if old[:1] == "[" or new[:1] == "[":
        try:
            before, after = json.loads(old or "[]"), json.loads(new or "[]")
        except ValueError:
            before, after = [], []
        changes = [f"+{item}" for item in after if item not in before] + [
            f"−{item}" for item in before if item not in after
        ]
        return line(" ".join(changes))
    old, new = line(old), line(new)
    return f"{old} → {new}" if old and new else (new or f"{old} taken off")


def _colours(message: Message, ink: Ink) -> tuple[Style, str, Style | None]:
    """Edge and name style, the word for the author, and the ground the message stands on."""
    if message.visibility is Visibility.INTERNAL:
        return ink.accent, "INTERNAL NOTE – not for the customer", ink.note
    words = {
        MessageKind.CUSTOMER: "customer",
        MessageKind.AGENT: "public reply",
        MessageKind.BOT: "bot",
        MessageKind.SYSTEM: "system",
        MessageKind.CALL: "call",
        MessageKind.SURVEY: "survey",
        MessageKind.SIDE: "side conversation",
        MessageKind.NOTE: "note",
    }
    word = words[message.kind]
    if message.kind in (MessageKind.BOT, MessageKind.SYSTEM) or message.automatic:
        return ink.faint, "automatic" if message.automatic else word, None
    return (ink.primary if message.kind is MessageKind.CUSTOMER else ink.good), word, None


def lay_message(page: Page, message: Message, width: int, ink: Ink, now: int, reading: Reading) -> None:
    """One message: who, to whom, how far it got, text, files."""
    edge_style, word, over = _colours(message, ink)
    edge: Piece = ("▎ ", edge_style)
    name = line(message.author.name or message.author.email or "Unknown")
    when = clock(message.sent_at, now)
    if now - message.sent_at < 86_400_000:
        when = f"{when} · {ago(message.sent_at, now)}" if width > 60 else when
    glyph = CHANNELS.get(message.channel, CHANNELS["other"])[0]
    head = sides(
        [
            edge,
            (name, edge_style + ink.strong if over is None else edge_style + Style(bold=True)),
            (f"  {word}", ink.dim if over is None else ink.accent),
        ],
        [(f"{glyph} {when} ", ink.faint)],
        width,
        ink.base,
    )
    page.lines.append(Line(head, over, message))
    for text in _recipients(message, width):
        page.lines.append(Line([edge, (text, ink.faint)], over))
    if problem := _DELIVERY.get(message.delivery):
        why = f": {line(message.failure)}" if message.failure else ""
        style = ink.bad if message.delivery == "failed" else ink.warn
        page.lines.extend(Line([edge, (part, style)], over) for part in wrap(problem + why, width - 3))
    _lay_body(page, message, width, ink, edge, over, reading)
    for attached in message.attachments:
        text = f"▣ {line(attached.filename)} · {size(attached.bytes)}"
        page.lines.append(Line([edge, (text, ink.link), ("  A opens", ink.faint)], over, attached))


def _recipients(message: Message, width: int) -> list[str]:
    """Who else got it, when that is more than one person."""
    if len(message.to) + len(message.cc) < 2:
        return []
    text = "to " + ", ".join(line(a.email) for a in message.to)
    if message.cc:
        text += "; cc " + ", ".join(line(a.email) for a in message.cc)
    return wrap(text, width - 3)[:2]


def _lay_body(
    page: Page, message: Message, width: int, ink: Ink, edge: Piece, over: Style | None, reading: Reading
) -> None:
    body = message.body_text
    cuts = sorted(
        {at for at in (message.quoted_from, message.signature_from) if at is not None and 0 <= at <= len(body)}
    )
    bounds = [0, *cuts, len(body)]
    for start, stop in pairwise(bounds):
        part = block(body[start:stop]).strip("\n")
        if not part:
            continue
        quoted = message.quoted_from is not None and start == message.quoted_from
        if quoted and not reading.quotes:
            count = part.count("\n") + 1
            page.lines.append(Line([edge, (f"⋯ {some(count, 'quoted line')}, h unfolds", ink.faint)], over))
            continue
        signed = message.signature_from is not None and start == message.signature_from
        style = ink.faint if signed or quoted else ink.base
        page.lines.extend(Line([edge, (text, style)], over) for text in wrap(part, width - 3)[:_MAX_QUOTE])
