"""The texts a reader shows: help on the keys, an article, a customer's timeline, a first lesson."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from carecli.domain.conversation import Event, Visibility
from carecli.domain.knowledge import Article
from carecli.services.models import TimelineEntry
from carecli.tui.actions import ACTIONS, Facts, refusal
from carecli.tui.cells import block, cut, fit, line, wrap
from carecli.tui.keymap import Keymap, readable
from carecli.tui.panes.conversation_lines import event_words
from carecli.tui.screens.reader import Lay
from carecli.tui.theme import Ink
from carecli.tui.widgets.line_view import Line
from carecli.tui.widgets.strips import sides
from carecli.tui.wording import CHANNELS, ago, clock

_LEGEND = (
    ("●", "unread"),
    ("✎", "has a draft"),
    ("⇡", "change waits for the network"),
    ("≠", "something on it waits for you"),
    ("▲ ‼", "high, urgent"),
    ("○ ◔ ✗", "deadline: time left, soon, late"),
)


def help_text(keymap: Keymap, facts: Facts, context: str) -> Lay:
    """What applies in a context first, then everything, with the keys as they are bound now."""

    def lay(width: int, ink: Ink) -> list[Line]:
        out: list[Line] = []
        here = [a for a in ACTIONS if context in a.contexts or "global" in a.contexts]
        for group in dict.fromkeys(action.group for action in here):
            out += [Line(), Line([(" " + group, ink.strong)])]
            for action in (
                a for a in here if (a.group == group and not a.id.startswith("view.")) or a.id == f"view.{group}"
            ):
                keys = " ".join(readable(key) for key in keymap.keys[action.id])
                reason = refusal(action, facts)
                text = f"{action.title}: {reason}" if reason else action.what
                out.append(
                    Line([("  " + fit(keys or "palette", 14), ink.faint if reason or not keys else ink.key),
                          (cut(text, width - 18), ink.faint if reason else ink.base)])
                )  # fmt: skip
            if group == "Views":
                out.append(Line([("  " + fit("g1 … g9", 14), ink.key), ("Shows the view with that number.", ink.base)]))
                out.append(Line([("  " + fit("[ ]", 14), ink.key), ("Shows the view before or after.", ink.base)]))
        out += [Line(), Line([(" Signs", ink.strong)])]
        out += [Line([("  " + fit(sign, 14), ink.accent), (words, ink.base)]) for sign, words in _LEGEND]
        channels = ", ".join(f"{glyph} {word}" for glyph, word in CHANNELS.values())
        out += [Line([("  " + fit("", 14), ink.base), (text, ink.dim)]) for text in wrap(channels, width - 18)]
        out += [Line(), Line([(" Keys can be changed in keymap.toml; carecli keys check finds clashes.", ink.faint)])]
        return out

    return lay


def article_text(article: Article, now: int) -> Lay:
    """An article to read."""

    def lay(width: int, ink: Ink) -> list[Line]:
        standing = ["internal: not for customers"] if article.visibility is Visibility.INTERNAL else []
        standing += [] if article.verified else ["not verified"]
        standing += [f"from {line(article.source)}", f"changed {ago(article.updated_at, now)}"]
        out = [Line([(" " + text, ink.strong)]) for text in wrap(line(article.title), width - 2)]
        out += [Line([(" " + " · ".join(standing), ink.dim)])]
        out += [Line([(" " + line(article.url), ink.link)])] if article.url else []
        out += [Line()]
        return out + [Line([(" " + text, ink.base)]) for text in wrap(block(article.body_text), min(width, 100) - 2)]

    return lay


def timeline_text(entries: Sequence[TimelineEntry], now: int) -> Lay:
    """All that happened with a customer, newest first."""

    def lay(width: int, ink: Ink) -> list[Line]:
        out: list[Line] = []
        day = ""
        for entry in sorted(entries, key=lambda e: -e.at):
            shown = clock(entry.at, now).rpartition(" ")[0] or "Today"
            if shown != day:
                day = shown
                out += [Line(), Line([(f" {day}", ink.strong)])]
            internal = entry.visibility is Visibility.INTERNAL
            glyph = CHANNELS.get(entry.channel, CHANNELS["other"])[0]
            out.append(Line(sides(
                [(f"  {glyph} ", ink.second), (line(entry.author) or entry.kind, ink.accent if internal else ink.primary),
                 ("  " + line(entry.title), ink.base), ("  internal" if internal else "", ink.accent)],
                [(f"{line(entry.ref)}  {clock(entry.at, now)} ", ink.faint)], width, ink.base)))  # fmt: skip
            out += [Line([("    " + text, ink.dim)]) for text in wrap(line(entry.text), width - 6)[:2] if text]
        return out or [Line([(" Nothing has happened yet.", ink.dim)])]

    return lay


def event_of(values: Mapping[str, Any]) -> Event:
    """A past fact from its JSON."""
    at = round(datetime.fromisoformat(str(values["at"])).timestamp() * 1000)
    fields = {name: values.get(name) for name in ("verb", "field", "old", "new", "operation")}
    return Event(at, str(values.get("actor") or ""), str(values.get("origin") or ""), **fields)  # type: ignore[arg-type]


def history_text(past: Sequence[Mapping[str, Any]], now: int) -> Lay:
    """Every change of a ticket, newest first, by day."""
    events = sorted(map(event_of, reversed(past)), key=lambda event: -event.at)

    def lay(width: int, ink: Ink) -> list[Line]:
        out: list[Line] = []
        day = ""
        for event in events:
            shown = clock(event.at, now)
            date, _, hour = shown.rpartition(" ")
            if (date or "Today") != day:
                day = date or "Today"
                out += [Line(), Line([(f" {day}", ink.strong)])]
            who, _, what = event_words(event).partition(": ")
            origin = {"remote": "at the vendor"}.get(event.origin, event.origin)
            out.append(
                Line(sides([(f"  {hour:>5}  ", ink.faint), (f"{fit(who, 18)}  ", ink.primary), (what, ink.base)],
                           [(f" {origin} ", ink.faint)], width, ink.base))
            )  # fmt: skip
        return out or [Line(), Line([(" Nothing was changed yet.", ink.dim)])]

    return lay


def lesson_text(keymap: Keymap) -> Lay:
    """The first ten minutes."""
    key = keymap.shown
    steps = (
        (f"{key('move.down')} {key('move.up')}", "Move through the inbox. The longest wait is on top."),
        (key("move.open"), "Open the ticket; esc goes back."),
        (key("ticket.reply"), "Write a reply. The bar above the text says PUBLIC REPLY and to whom."),
        (key("draft.send"), "Then y sends. For ten seconds you can take it back with u."),
        (key("ticket.note"), "Write an internal note. The bar is another colour and says INTERNAL NOTE."),
        (
            key("ticket.assign") + " " + key("ticket.status") + " " + key("ticket.snooze"),
            "Assign, set the status, snooze.",
        ),
        (key("ticket.solve"), "Solve it and go on with the next one."),
        (key("mark.toggle") + " " + key("mark.all"), "Mark tickets, then change them all at once."),
        (key("edit.undo"), "Undo. Nearly everything can be taken back."),
        (key("app.search"), "Search everything, also offline."),
        (key("app.palette") + " " + key("app.help"), "Find any command; see the keys that apply here."),
    )

    def lay(width: int, ink: Ink) -> list[Line]:
        out = [Line(), Line([(" Ten minutes with the console", ink.strong)]), Line()]
        for keys, words in steps:
            out.append(Line([("  " + fit(keys, 10), ink.key), (cut(words, width - 14), ink.base)]))
            out.append(Line())
        return out

    return lay
