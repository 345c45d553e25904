"""Painting at once: a key's effect should not wait for the next tick of Textual's sixty-a-second screen timer."""

from __future__ import annotations

from textual.widget import Widget


def paint_now(widget: Widget) -> None:
    """Paint what a widget marked as changed, without waiting for the tick (on average 8 ms away).

    Textual has no public call for this; the tick itself does the same two steps.
    """
    if not widget.is_attached:
        return
    screen = widget.screen
    if screen.is_current and not screen._layout_required and not widget.app._batch_count:  # noqa: SLF001
        screen._compositor.update_widgets({widget})  # noqa: SLF001
        screen._compositor_refresh()  # noqa: SLF001
