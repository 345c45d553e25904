"""How a ticket looks in the inbox: on one line where there is room, on two where there is not."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from carecli.services.models import InboxRow
from carecli.tui.cells import cut, fit, line, width_of
from carecli.tui.theme import Ink
from carecli.tui.widgets.strips import Piece, sides
from carecli.tui.wording import CHANNELS, PRIORITY_MARK, STATUS, clock, deadline, span

_SYNC = {"pending": "⇡", "conflict": "≠", "tombstone": "†"}


def _lead(row: InboxRow, marked: bool, at_cursor: bool, ink: Ink) -> list[Piece]:
    """Cursor edge, mark and unread dot: three cells."""
    edge = ("▌", ink.primary) if at_cursor else (" ", ink.base)
    if marked:
        return [edge, ("✓", ink.accent), ("●" if row.unread else " ", ink.primary)]
    return [edge, ("●" if row.unread else " ", ink.primary), (" ", ink.base)]


def _level(level: str, ink: Ink) -> Style:
    return {"late": ink.bad, "soon": ink.warn, "fine": ink.good}.get(level, ink.dim)


def _wait(row: InboxRow, now: int) -> str:
    return span(now - row.waiting_since) if row.waiting_since is not None else ""


def _due(row: InboxRow, now: int) -> tuple[str, str]:
    if row.snoozed_until is not None and row.snoozed_until > now:
        return f"z {clock(row.snoozed_until, now)}", "fine"
    words, level = deadline(row.due_at, now)
    if words or row.waiting_since is not None:
        return words, level
    return (row.status_label or STATUS.get(row.status, row.status)).lower(), ""


def _flags(row: InboxRow) -> str:
    return ("✎ " if row.has_draft else "") + (_SYNC[row.sync_state] + " " if row.sync_state in _SYNC else "")


def _subject(row: InboxRow, ink: Ink) -> list[Piece]:
    mark = PRIORITY_MARK.get(row.priority)
    pieces: list[Piece] = []
    if flags := _flags(row):
        pieces.append((flags, ink.accent))
    if mark:
        pieces.append((mark + " ", ink.bad if row.priority == "urgent" else ink.warn))
    pieces.append((line(row.subject) or "(no subject)", ink.base if row.unread else ink.dim))
    return pieces


def short_name(name: str, width: int) -> str:
    """A person's name in a few cells: whole, or the first name."""
    name = line(name)
    return name if width_of(name) <= width else cut(name.split(" ")[0], width)


def _owner(row: InboxRow, me: str, width: int, ink: Ink) -> Piece:
    if row.assignee is None:
        return "nobody", ink.faint
    return ("you", ink.primary) if row.assignee == me else (short_name(row.assignee, width), ink.dim)


def draw_two_lines(
    row: InboxRow, width: int, ink: Ink, now: int, marked: bool, at_cursor: bool, me: str, badges: bool
) -> Sequence[Sequence[Piece]]:
    """Who waits and how long, then what about and whose it is."""
    words, level = _due(row, now)
    name = line(row.requester) or "Unknown"
    first = sides(
        [*_lead(row, marked, at_cursor, ink), (name, ink.strong if row.unread else ink.base)],
        [(" " + words, _level(level, ink)), (fit(_wait(row, now), 5, right=True), ink.dim), (" ", ink.base)],
        width,
        ink.base,
    )
    who, who_style = _owner(row, me, 12, ink)
    badge = cut(line(row.account), 10) if badges else ""
    glyph = CHANNELS.get(row.channel, CHANNELS["other"])[0]
    second = sides(
        [("▌" if at_cursor else " ", ink.primary), ("  ", ink.base), (glyph + " ", ink.second), *_subject(row, ink)],
        [
            (" " + who, who_style),
            ((" · " + badge) if badge else "", ink.faint),
            (" ", ink.base),
        ],
        width,
        ink.base,
    )
    return first, second


def draw_one_line(
    row: InboxRow, width: int, ink: Ink, now: int, marked: bool, at_cursor: bool, me: str, badges: bool
) -> Sequence[Sequence[Piece]]:
    """Everything in columns."""
    words, level = _due(row, now)
    wide = width >= 110
    glyph = CHANNELS.get(row.channel, CHANNELS["other"])[0]
    requester = 24 if wide else 16 if width >= 90 else 14
    owner, badge = (12, 12) if wide else (8, 8) if width >= 90 else (6, 7)
    who, who_style = _owner(row, me, owner, ink)
    left: list[Piece] = [
        *_lead(row, marked, at_cursor, ink),
        (fit(_wait(row, now), 4, right=True) + " ", ink.dim),
        (fit(words, 11) + " ", _level(level, ink)),
        (glyph + " ", ink.second),
        (fit(line(row.requester) or "Unknown", requester) + " ", ink.strong if row.unread else ink.base),
        *_subject(row, ink),
    ]
    right: list[Piece] = [
        (" " + fit(who, owner), who_style),
        (" " + fit(line(row.account), badge) if badges else "", ink.faint),
        (" ", ink.base),
    ]
    return [sides(left, right, width, ink.base)]
