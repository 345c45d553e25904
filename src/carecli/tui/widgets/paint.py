"""Painting at once: a key's effect should not wait for the next tick of Textual's sixty-a-second screen timer."""

from __future__ import annotations

from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.widget import Widget


def paint_now(widget: Widget) -> None:
    """Write what a widget marked as changed straight to the terminal.

    The tick would come 8 ms later on average and would render everything that shares the screen with the widget. Only
    for widgets that nothing covers. Textual has no public call for this; when the ground is not as expected, the
    tick does the work.
    """
    place = _place_of(widget)
    if place is None:
        return
    region, clip = place
    screen, app = widget.screen, widget.app
    for dirty in widget._exchange_repaint_regions():  # noqa: SLF001
        shown = dirty.translate(region.offset).intersection(clip).intersection(region)
        if shown:
            strips = widget.render_lines(shown.translate(-region.offset))
            app._display(screen, LayoutUpdate([[strip] for strip in strips], shown))  # noqa: SLF001


def paint_rows(widget: Widget, first: int, last: int) -> bool:
    """Write lines ``first`` to ``last`` of a widget's content to the terminal; whether that could be done.

    Takes the strips from ``render_line``, past everything that a widget's frame, padding and tint would cost: only for
    widgets that draw their content to the last cell.
    """
    place = _place_of(widget)
    app = widget.app
    if place is None or app.native_ansi_color:
        return False
    region, clip = place
    left, top = widget.content_offset
    width, height = widget.size
    first, last = max(first, 0), min(last, height - 1)
    shown = Region(region.x + left, region.y + top + first, width, last - first + 1)
    if last < first or not clip.contains_region(shown) or not region.contains_region(shown):
        return False
    strips = [widget.render_line(y) for y in range(first, last + 1)]
    for wanted in app.get_line_filters():
        ground = widget.background_colors[1]
        strips = [strip.apply_filter(wanted, ground) for strip in strips]
    app._display(widget.screen, LayoutUpdate([[strip] for strip in strips], shown))  # noqa: SLF001
    # What Textual keeps of these lines is old now; it draws them again when it next paints the widget.
    widget._styles_cache.set_dirty(Region(0, top + first, width, last - first + 1))  # noqa: SLF001
    return True


def _place_of(widget: Widget) -> tuple[Region, Region] | None:
    """Where a widget stands and what of it is in sight; ``None`` when it cannot be painted now."""
    if not widget.is_attached:
        return None
    screen = widget.screen
    if not screen.is_current or screen._layout_required or widget.app._batch_count:  # noqa: SLF001
        return None
    return screen._compositor.visible_widgets.get(widget)  # noqa: SLF001
