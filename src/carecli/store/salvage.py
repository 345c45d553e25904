"""Reads what can still be read of a damaged store: the texts that no vendor has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from carecli.domain.conversation import Draft, DraftMode
from carecli.store.drafts import COLUMNS, from_row
from carecli.store.driver import Error

_MODES = {"reply": "reply", "note": "note", "create": "new", "forward": "forward"}


class Salvage:
    """Texts out of a damaged file; ``unreadable`` counts the places that could not be read."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        self.unreadable = 0

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def drafts(self) -> Iterator[Draft]:
        """Drafts, open and discarded, without their tickets' keys: those belong to the damaged file."""
        for row in self._rows("draft", COLUMNS, "1"):
            try:
                yield from_row((row[0], None, *row[2:]))
            except (ValueError, TypeError):
                self.unreadable += 1

    def texts(self) -> Iterator[Draft]:
        """Texts that had not left, and notes that were kept here only, as drafts."""
        only_here = (
            "verb IN ('reply', 'note', 'create', 'forward') AND (state NOT IN ('done', 'cancelled')"
            " OR verb = 'note' AND state = 'done' AND external_id IS NULL)"
        )
        for row in self._rows("operation", "id, account_id, verb, ticket_id, payload, actor, created_at", only_here):
            operation_id, account_id, verb, ticket_id, payload, actor, at = row
            try:
                said = json.loads(str(payload))
                account = self._one("SELECT name FROM account WHERE id = ?", account_id)
                number = self._one("SELECT number FROM ticket WHERE id = ?", ticket_id)
                yield from_row(
                    (
                        operation_id,
                        None,
                        f"{account}:{number}" if account and number and verb != "create" else None,
                        account,
                        actor,
                        str(DraftMode(_MODES[str(verb)])),
                        json.dumps({name: said.get(name) or [] for name in ("to", "cc", "bcc")}),
                        said.get("subject"),
                        said["body"],
                        json.dumps([file["path"] for file in said.get("files") or ()]),
                        json.dumps(said.get("actions") or []),
                        None,
                        at,
                        at,
                        None,
                    )
                )
            except (ValueError, KeyError, TypeError):
                self.unreadable += 1

    def _one(self, sql: str, key: object) -> object:
        try:
            row = self._connection.execute(sql, (key,)).fetchone()
        except Error:
            return None
        return row and row[0]

    def _rows(self, table: str, columns: str, where: str) -> Iterator[tuple[object, ...]]:
        """Rows from both ends of a table up to the damage between them."""
        seen: set[object] = set()
        for order in ("ASC", "DESC"):
            try:
                for row in self._connection.execute(
                    f"SELECT {columns} FROM {table} WHERE {where} ORDER BY rowid {order}"
                ):
                    if row[0] not in seen:
                        seen.add(row[0])
                        yield row
            except Error:
                self.unreadable += 1
            else:
                return
