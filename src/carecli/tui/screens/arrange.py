"""Where the desk's parts stand at each width; one flat arrangement, so that nothing lies under anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement

if TYPE_CHECKING:
    from textual.widget import Widget

WIDE, TWO = 140, 100  # columns from which three, two panes stand side by side
TALL = 30  # rows from which views have a box of their own
DRAWER = 48  # columns of the drawer between one and three panes


def columns_of(size: Size) -> int:
    """How many columns stand side by side."""
    return 3 if size.width >= WIDE else 2 if size.width >= TWO else 1


def left_width(size: Size) -> int:
    """Width of views and inbox."""
    columns = columns_of(size)
    if columns == 1:
        return size.width
    return min(76, max(52, size.width * 36 // 100)) if columns == 3 else max(44, size.width * 44 // 100)


def right_width(size: Size) -> int:
    """Width of record and knowledge."""
    columns = columns_of(size)
    return size.width if columns == 1 else DRAWER if columns == 2 else min(50, max(34, size.width * 24 // 100))


def regions(size: Size, pane: str, drawer: bool, views: int, ask: int) -> dict[str, Region]:
    """Region of each part that is shown; ``views`` and ``ask`` are the lines these want."""
    width, height = size
    columns = columns_of(size)
    right_shown = columns == 3 or drawer or (columns == 1 and pane in ("customer", "knowledge"))
    body = max(1, height - 2 - ask)
    out: dict[str, Region] = {}
    left, right = left_width(size), right_width(size)
    drawn = columns == 2 and drawer
    if (columns > 1 and not drawn) or pane == "inbox":
        top = views + 2 if height >= TALL else 1
        out["views"] = Region(0, 0, left, top)
        out["inbox"] = Region(0, top, left, max(1, body - top))
    if columns > 1 or pane == "conversation":
        # The drawer takes the inbox's place: two readable panes instead of three narrow ones.
        start = left if columns > 1 and not drawn else 0
        end = width - right if right_shown and columns > 1 else width
        out["middle"] = Region(start, 0, max(1, end - start), body)
    if right_shown and (columns > 1 or pane in ("customer", "knowledge")):
        upper = body * 3 // 5
        out["customer"] = Region(width - right, 0, right, upper)
        out["knowledge"] = Region(width - right, upper, right, body - upper)
    if ask:
        out["ask"] = Region(0, body, width, ask)
    out["hints"] = Region(0, height - 2, width, 1)
    out["status"] = Region(0, height - 1, width, 1)
    return out


class DeskLayout(Layout):
    """Places the desk's parts by their ids; parts without a place are not shown."""

    name = "desk"

    def __init__(self) -> None:
        self.pane = "inbox"
        self.drawer = False

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Placements of the parts that are shown."""
        del greedy
        by_id = {child.id: child for child in children}
        views, ask = by_id.get("views"), by_id.get("ask")
        inside = left_width(size) - 2
        lines = views.get_content_height(size, parent.app.size, inside) if views is not None else 0
        asked = ask.get_content_height(size, parent.app.size, size.width) if ask is not None and ask.display else 0
        return [
            WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, by_id[name])
            for name, region in regions(size, self.pane, self.drawer, lines, asked).items()
            if name in by_id
        ]
