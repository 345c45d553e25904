"""The inbox: one list over all accounts, paged from the store, with marks that survive refreshes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carecli.bootstrap import Workspace
from carecli.services.inbox import InboxWindow
from carecli.services.models import InboxRow, View
from carecli.tui.cells import fit, line
from carecli.tui.panes.inbox_rows import draw_one_line, draw_two_lines
from carecli.tui.widgets.line_list import LineList
from carecli.tui.widgets.strips import Piece
from carecli.tui.wording import some

_PAGE = 100
_ONE_LINE_FROM = 78  # cells; narrower lists show a ticket on two lines


class InboxPane(LineList):
    """The tickets of the current view."""

    context = "inbox"
    item_height = 2

    def __init__(self, workspace: Workspace, now: Callable[[], int]) -> None:
        super().__init__(id="inbox")
        self._ws = workspace
        self._now = now
        self._me = workspace.context.actor
        self.badges = len(workspace.settings.accounts) > 1
        self.view: View | None = None
        self.window: InboxWindow | None = None
        self.marks: set[int] = set()
        self.all_marked = False
        self.range_from: int | None = None
        self.compact = False
        self._pages: dict[int, Sequence[InboxRow]] = {}
        self._total = 0

    # Data

    def show(self, view: View) -> None:
        """Show a view from its start."""
        self.view = view
        self.window = self._ws.inbox.window(view)
        self._pages.clear()
        self._total = self.window.total
        self.forget_marks()
        self.cursor = 0
        self._title()
        self.renew()
        if self.is_attached and self.is_mounted:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def reload(self) -> None:
        """Read the window again; the ticket under the cursor stays there, at the same height of the screen."""
        if self.window is None:
            return
        kept, index, top = self.current_id, self.cursor, round(self.scroll_y)
        self.window.refresh()
        self._pages.clear()
        self._total = self.window.total
        found = self.window.index_of(kept) if kept is not None else None
        self._title()
        if found is not None and found != index:
            self.cursor = found
            self.renew()
            self.scroll_to(
                y=max(0, top + (found - index) * self.item_height), animate=False, force=True, immediate=True
            )
        else:
            self.renew()

    def row(self, index: int) -> InboxRow | None:
        """One row, fetched with its page."""
        if self.window is None or not 0 <= index < self._total:
            return None
        number, offset = divmod(index, _PAGE)
        page = self._pages.get(number)
        if page is None:
            if len(self._pages) > 20:
                self._pages.clear()
            page = self._pages[number] = self.window.rows(number * _PAGE, (number + 1) * _PAGE)
        return page[offset] if offset < len(page) else None

    @property
    def current(self) -> InboxRow | None:
        """The row under the cursor."""
        return self.row(self.cursor)

    @property
    def current_id(self) -> int | None:
        """The ticket under the cursor."""
        row = self.current
        return row.id if row else None

    def select(self, ticket_id: int) -> bool:
        """Put the cursor on a ticket; whether this view has it."""
        index = self.window.index_of(ticket_id) if self.window else None
        if index is None:
            return False
        self.move_to(index, quiet=True)
        return True

    # Marks

    def forget_marks(self) -> None:
        """Nothing is marked any more."""
        self.marks.clear()
        self.all_marked = False
        self.range_from = None

    def clear_marks(self) -> bool:
        """Take all marks off; whether there were any."""
        had = bool(self.marks) or self.all_marked or self.range_from is not None
        self.forget_marks()
        if had:
            self.renew()
        return had

    def marked_ids(self) -> list[int]:
        """Marked tickets in list order, the range under the cursor included."""
        if self.all_marked and self.window is not None:
            return [row.id for start in range(0, self._total, 1000) for row in self.window.rows(start, start + 1000)]
        ids = set(self.marks)
        if self.range_from is not None:
            low, high = sorted((self.range_from, self.cursor))
            ids |= {row.id for index in range(low, high + 1) if (row := self.row(index))}
        if not ids or self.window is None:
            return sorted(ids)
        return sorted(ids, key=lambda i: (self.window.index_of(i) if self.window else 0) or 0)

    def marked_count(self) -> int:
        """How many tickets are marked."""
        if self.all_marked:
            return self._total
        extra = abs(self.range_from - self.cursor) + 1 if self.range_from is not None else 0
        return len(self.marks) + extra

    def toggle_mark(self) -> None:
        """Mark the ticket under the cursor, or take its mark off, and go on."""
        ticket_id = self.current_id
        if ticket_id is None:
            return
        self.all_marked = False
        self.marks ^= {ticket_id}
        self.renew_item(self.cursor)
        self.move_by(1)

    def toggle_range(self) -> None:
        """Begin a range at the cursor, or end it and keep its tickets marked."""
        if self.range_from is None:
            self.range_from = self.cursor
        else:
            self.marks = set(self.marked_ids())
            self.range_from = None
        self.renew()

    def mark_all(self) -> None:
        """Mark every ticket of the view, or none."""
        self.all_marked = not self.all_marked
        self.marks.clear()
        self.range_from = None
        self.renew()

    def move_to(self, index: int, *, quiet: bool = False) -> None:
        """Move; an open range is drawn again as it grows."""
        super().move_to(index, quiet=quiet)
        if self.range_from is not None:
            self.renew()

    # Drawing

    def item_count(self) -> int:
        """Tickets in the view."""
        return self._total

    def item_is_marked(self, index: int) -> bool:
        """Whether a row stands on the marked ground."""
        if self.all_marked:
            return True
        if self.range_from is not None and min(self.range_from, self.cursor) <= index <= max(
            self.range_from, self.cursor
        ):
            return True
        row = self.row(index)
        return row is not None and row.id in self.marks

    def draw_item(self, index: int, width: int, at_cursor: bool) -> Sequence[Sequence[Piece]]:
        """One ticket on one or two lines."""
        row = self.row(index)
        if row is None:
            return ()
        draw = draw_one_line if self.item_height == 1 else draw_two_lines
        marked = self.item_is_marked(index)
        return draw(row, width, self.ink, self._now(), marked, at_cursor, self._me, self.badges)

    def empty_lines(self) -> Sequence[str]:
        """Words for an empty view."""
        if self.window is None:
            return ("Loading…",)
        title = self.view.title if self.view else "This view"
        return (
            f"Nothing in “{line(title)}”.",
            "Press ] or g with a number for another view,",
            "or / to search everything.",
        )

    def on_resize(self) -> None:
        """One line a ticket when there is room for it, two when there is not."""
        self.choose_height()
        super().on_resize()

    def choose_height(self) -> None:
        """Set the rows' height from the width and the person's wish."""
        height = 1 if self.compact or self.size.width >= _ONE_LINE_FROM else 2
        if height != self.item_height:
            self.item_height = height
            self.renew()
            self._show(self.cursor)

    def _title(self) -> None:
        if self.view is not None:
            self.border_title = f"Inbox · {fit(self.view.title, len(self.view.title))}"
            self.border_subtitle = some(self._total, "ticket")
