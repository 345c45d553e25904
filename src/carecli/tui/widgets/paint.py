"""Painting at once: a key's effect should not wait for the next tick of Textual's sixty-a-second screen timer."""

from __future__ import annotations

from textual._compositor import LayoutUpdate
from textual.widget import Widget


def paint_now(widget: Widget) -> None:
    """Write what a widget marked as changed straight to the terminal.

    The tick would come 8 ms later on average and would render everything that shares the screen with the widget. Only
    for widgets that nothing covers. Textual has no public call for this; when the ground is not as expected, the
    tick does the work.
    """
    if not widget.is_attached:
        return
    screen, app = widget.screen, widget.app
    if not screen.is_current or screen._layout_required or app._batch_count:  # noqa: SLF001
        return
    place = screen._compositor.visible_widgets.get(widget)  # noqa: SLF001
    if place is None:
        return
    region, clip = place
    for dirty in widget._exchange_repaint_regions():  # noqa: SLF001
        shown = dirty.translate(region.offset).intersection(clip).intersection(region)
        if shown:
            strips = widget.render_lines(shown.translate(-region.offset))
            app._display(screen, LayoutUpdate([[strip] for strip in strips], shown))  # noqa: SLF001
