"""The inbox as a window over any number of tickets: pages by keyset, totals from counters."""

from __future__ import annotations

from carecli.domain.query import parse
from carecli.services.context import Context
from carecli.services.models import Count, InboxRow, View
from carecli.services.views import BUILT_IN
from carecli.store import windows

PAGE = 100
CAP = 1000
_OPEN = ("new", "open")
_WAITING = ("pending", "on_hold")
_DONE = ("solved", "closed")


class InboxWindow:
    """A list of tickets that is read page by page; positions count from 0."""

    def __init__(self, context: Context, view: View) -> None:
        self._context = context
        self.view = view
        self._tree = parse(view.query)
        self._anchors: dict[int, tuple[int, int] | None] = {0: None}
        self.total = self._count()

    def _count(self) -> int:
        return windows.count(self._context.store.connection, self._tree, self._context.now())

    def refresh(self) -> bool:
        """Counts again and forgets page positions; whether the number changed."""
        before, self.total = self.total, self._count()
        self._anchors = {0: None}
        return before != self.total

    def rows(self, start: int, stop: int) -> list[InboxRow]:
        """Rows from ``start`` up to ``stop`` (exclusive), fewer at the end."""
        found: list[tuple[int, int]] = []
        for page in range(start // PAGE, max(stop - 1, start) // PAGE + 1):
            ids = self._page(page)
            low, high = max(start - page * PAGE, 0), stop - page * PAGE
            found += ids[low:high]
        by_id = windows.rows_by_id(self._context.store.connection, [ticket_id for _, ticket_id in found])
        return [inbox_row(by_id[ticket_id]) for _, ticket_id in found if ticket_id in by_id]

    def _page(self, page: int) -> list[tuple[int, int]]:
        connection, now = self._context.store.connection, self._context.now()
        order = self.view.order
        nearest = max(known for known in self._anchors if known <= page)
        last_page = max(self.total - 1, 0) // PAGE
        if page - nearest > last_page - page:
            # Nearer to the end: walk back from there.
            tail = self.total - page * PAGE
            ids = windows.page_ids(connection, self._tree, order, now, after=None, limit=max(tail, 0), backwards=True)
            ids = ids[:PAGE] if len(ids) >= tail else ids
        else:
            skip = (page - nearest) * PAGE
            after = self._anchors[nearest]
            ids = windows.page_ids(connection, self._tree, order, now, after=after, limit=skip + PAGE)
            for step in range(1, page - nearest + 1):
                if len(ids) >= step * PAGE:
                    self._anchors[nearest + step] = ids[step * PAGE - 1]
            ids = ids[skip:]
        if len(ids) == PAGE:
            self._anchors[page + 1] = ids[-1]
        return ids

    def index_of(self, ticket_id: int) -> int | None:
        """Position of a ticket in the list; ``None`` when it is not in it (any more)."""
        return windows.position(
            self._context.store.connection, self._tree, self.view.order, self._context.now(), ticket_id
        )


def inbox_row(values: tuple[object, ...]) -> InboxRow:
    """An inbox row from the store's columns."""
    row = InboxRow(*values)  # type: ignore[arg-type]
    return row._replace(unread=bool(row.unread), has_draft=bool(row.has_draft))


class Inbox:
    """Opens windows over views and queries."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def window(self, view: View | str) -> InboxWindow:
        """A window over a view, or over a query in wait order. Raises ``QueryError``."""
        chosen = view if isinstance(view, View) else View("query", view, view)
        return InboxWindow(self._context, chosen)


class Views:
    """Named queries and how many tickets they hold."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> tuple[View, ...]:
        """The views in order."""
        return tuple(View(name, title, query, order, key) for name, title, query, order, key in BUILT_IN)

    def counts(self) -> dict[str, Count]:
        """Tickets per view: from the counter table where it knows, else counted up to a cap."""
        connection, now = self._context.store.connection, self._context.now()
        kinds = windows.counters(connection)

        def total(statuses: tuple[str, ...], who: int | None = None, *, unread: bool = False) -> Count:
            number = sum(
                n
                for owner, status, is_unread, n in kinds
                if status in statuses and (who is None or owner == who) and (is_unread or not unread)
            )
            return Count(number, capped=False)

        every = _OPEN + _WAITING + _DONE
        counts = {
            "open": total(_OPEN),
            "mine": total(_OPEN + _WAITING, 2),
            "unassigned": total(_OPEN, 0),
            "unread": total(every, unread=True),
            "pending": total(_WAITING),
            "solved": total(_DONE),
            "everything": total(every),
        }
        for name, _, query, _, _ in BUILT_IN:
            if name not in counts:
                number = windows.count(connection, parse(query), now, CAP + 1)
                counts[name] = Count(min(number, CAP), capped=number > CAP)
        return counts
