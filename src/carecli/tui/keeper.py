"""Keeps what is being written: a thread with a store of its own saves drafts, so that no key ever waits for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from carecli.domain.errors import CareError

if TYPE_CHECKING:
    from carecli.domain.conversation import Draft, DraftMode
    from carecli.services.drafts import Drafts, Kept
    from carecli.store.engine import Store

_AFTER = 0.25  # seconds after the first unsaved key; a key is on the disk within 500 ms
_AGAIN = 0.1  # seconds until a save that failed is tried again


class Sheet:
    """One text on its way to the store: as it is on the screen, and as it was stored last (``before``; ``None``: never).

    ``written`` is the text of the screen that the last save took.
    """

    def __init__(self, draft: Draft, before: Draft | None) -> None:
        self.id = draft.id
        self.draft = draft
        self.before = before
        self.written: Draft | None = None
        self.due: float | None = None
        self.problem = ""


class Keeper:
    """Saves sheets in the background. ``open_store`` is called in its thread; ``told`` too, after each save (with how it
    went) and when one fails (with ``None``; the reason is the sheet's ``problem``, and it is tried again).
    """

    def __init__(
        self,
        open_store: Callable[[], tuple[Drafts, Store]],
        told: Callable[[Sheet, Kept | None], None],
        changed: Callable[[], None],
        explain: Callable[[BaseException], CareError | None],
    ) -> None:
        self._open_store = open_store
        self._told = told
        self._changed = changed
        self._explain = explain
        self._wake = threading.Condition()
        self._dirty: list[Sheet] = []
        self._busy: Sheet | None = None
        self._hurry = False
        self._asked = False
        self._ending = False
        self._thread: threading.Thread | None = None
        self._saves = 0

    def put(self, sheet: Sheet, draft: Draft) -> None:
        """Take a text as it stands now; it is stored soon."""
        with self._wake:
            sheet.draft = draft
            if sheet not in self._dirty:
                sheet.due = monotonic() + _AFTER
                self._dirty.append(sheet)
                self._wake.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="drafts", daemon=True)
                self._thread.start()

    def flush(self, seconds: float) -> bool:
        """Store everything now; whether that was done within the time (it goes on afterwards)."""
        with self._wake:
            if not self._dirty and self._busy is None:
                return True
            self._hurry = True
            self._wake.notify_all()
            done = self._wake.wait_for(lambda: not self._dirty and self._busy is None, seconds)
            self._hurry = not done
            return done

    def forget(self, sheet: Sheet) -> None:
        """Save a sheet no more: it was sent or discarded."""
        with self._wake:
            if sheet in self._dirty:
                self._dirty.remove(sheet)
            self._wake.wait_for(lambda: self._busy is not sheet, 1.0)
            if sheet in self._dirty:
                self._dirty.remove(sheet)

    def waiting(self, ticket_id: int | None, mode: DraftMode) -> Sheet | None:
        """The sheet of a ticket and mode that is not stored yet."""
        with self._wake:
            here = [*self._dirty, *([self._busy] if self._busy else [])]
        return next((one for one in here if (one.draft.ticket_id, one.draft.mode) == (ticket_id, mode)), None)

    @property
    def unsaved(self) -> int:
        """How many texts are not stored yet."""
        with self._wake:
            return len({id(one) for one in (*self._dirty, *([self._busy] if self._busy else []))})

    def ask_others(self) -> bool:
        """Find out whether the change that was noticed is somebody else's, and say so by ``changed``.

        Whether there was a need to ask: without a save of ours since the last time, it is somebody else's.
        """
        with self._wake:
            if not self._saves:
                return False
            self._saves = 0
            self._asked = True
            self._wake.notify_all()
            return True

    def close(self, seconds: float = 2.0) -> bool:
        """Store everything and end; whether everything is stored."""
        done = self.flush(seconds)
        with self._wake:
            self._ending = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        return done

    # In the thread

    def _run(self) -> None:
        drafts: Drafts | None = None
        store: Store | None = None
        while True:
            sheet, asked = self._next()
            if sheet is None and not asked:
                break
            kept: Kept | None = None
            try:
                if drafts is None or store is None:
                    drafts, store = self._open_store()
                if asked and store.changed_elsewhere():
                    self._changed()
                if sheet is not None:
                    taken = sheet.draft
                    kept = drafts.save(replace(taken, id=sheet.id), sheet.before)
                    sheet.written = taken
            except Exception as error:
                if sheet is not None:
                    self._failed(sheet, error)
            if sheet is not None and kept is not None:
                self._saved(sheet, kept)
        if store is not None:
            store.close()

    def _next(self) -> tuple[Sheet | None, bool]:
        """The next sheet that is due, and whether somebody asked about others; neither at the end."""
        with self._wake:
            while True:
                asked, self._asked = self._asked, False
                now = monotonic()
                due = [one for one in self._dirty if (one.due or 0) <= now or (self._hurry and not one.problem)]
                if due:
                    self._busy = due[0]
                    self._dirty.remove(due[0])
                    return due[0], asked
                if asked or (self._ending and not self._dirty):
                    return None, asked
                pending = [one.due or 0 for one in self._dirty]
                self._wake.wait(max(0.0, min(pending) - now) if pending else None)

    def _saved(self, sheet: Sheet, kept: Kept) -> None:
        with self._wake:
            self._busy = None
            self._saves += 1
            self._hurry = self._hurry and bool(self._dirty)
            sheet.problem = ""
            if kept.how != "empty" or kept.draft.discarded_at is not None:
                sheet.before, sheet.id = kept.draft, kept.draft.id
            self._wake.notify_all()
        self._told(sheet, kept)

    def _failed(self, sheet: Sheet, error: BaseException) -> None:
        found = error if isinstance(error, CareError) else self._explain(error)
        with self._wake:
            self._busy = None
            first = not sheet.problem
            busy = found is not None and found.code == "STORE_LOCKED"
            words = found.message if found else f"{type(error).__name__}: {error}"
            sheet.problem = "the store is busy" if busy else words
            sheet.due = monotonic() + _AGAIN
            if sheet not in self._dirty:
                self._dirty.append(sheet)
            self._wake.notify_all()
        if first:
            self._told(sheet, None)
