"""Strips made from pieces of text and style, cut and padded to a width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from carecli.tui.cells import cut, width_of

Piece = tuple[str, Style]
"""Text that is already safe to print, with its style."""


def strip_of(pieces: Sequence[Piece], width: int, base: Style, over: Style | None = None) -> Strip:
    """One line of exactly ``width`` cells; ``over`` (a cursor's or note's ground) is laid on top of every piece."""
    segments: list[Segment] = []
    left = width
    for text, style in pieces:
        if left <= 0:
            break
        size = width_of(text)
        if size > left:
            text = cut(text, left)  # noqa: PLW2901
            size = width_of(text)
        # Pieces on a ground of their own (a lit match) keep it.
        plain = over is not None and style.bgcolor == base.bgcolor
        segments.append(Segment(text, style + over if plain else style))
        left -= size
    if left > 0:
        segments.append(Segment(" " * left, base + over if over else base))
    return Strip(segments, width)


def sides(first: Sequence[Piece], last: Sequence[Piece], width: int, base: Style) -> list[Piece]:
    """Pieces pushed to the two ends of a line; the right side gives way last."""
    right = sum(width_of(text) for text, _ in last)
    room = max(0, width - right - 1)
    out: list[Piece] = []
    for text, style in first:
        if room <= 0:
            break
        shown = cut(text, room)
        out.append((shown, style))
        room -= width_of(shown)
    gap = width - right - sum(width_of(text) for text, _ in out)
    return [*out, (" " * max(gap, 0), base), *last]
