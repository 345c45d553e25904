"""Answers what a connector may ask the store while it maps records (``connectors.spi.protocols.Lookup``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carecli.store import messages, raws
from carecli.store.batches import in_parts
from carecli.store.driver import Connection


class StoreLookup:
    """The store as one account's connector sees it."""

    def __init__(self, connection: Connection, account_id: int) -> None:
        self._connection = connection
        self._account_id = account_id

    def threads_of(self, keys: Sequence[str]) -> Mapping[str, tuple[str, bool]]:
        """For each known thread key: (external id of its ticket, whether a stored message bears it)."""
        found: dict[str, tuple[str, bool]] = {}
        for part, marks in in_parts(keys):
            for key, external_id, owned in self._connection.execute(
                "SELECT k.key, ifnull(s.external_id, t.external_id), k.owned FROM thread_key k JOIN ticket t"
                " ON t.id = k.ticket_id LEFT JOIN ticket s ON s.id = t.merged_into_id"
                f" WHERE k.account_id = ? AND k.key IN ({marks})",
                (self._account_id, *part),
            ):
                found[key] = (external_id, bool(owned))
        return found

    def participants(self, ticket: str) -> frozenset[str]:
        """Addresses that wrote or received messages of a ticket."""
        rows = self._connection.execute(
            "SELECT lower(m.author_email) FROM message m JOIN ticket t ON t.id = m.ticket_id"
            " WHERE t.account_id = :account AND t.external_id = :ticket AND m.author_email IS NOT NULL UNION"
            " SELECT lower(p.value ->> 0) FROM message m JOIN ticket t ON t.id = m.ticket_id,"
            " json_each(m.recipients) l, json_each(l.value) p WHERE t.account_id = :account AND t.external_id = :ticket",
            {"account": self._account_id, "ticket": ticket},
        )
        return frozenset(row[0] for row in rows)

    def subject_of(self, ticket: str) -> str | None:
        """Subject of a ticket."""
        row = self._connection.execute(
            "SELECT subject FROM ticket WHERE account_id = ? AND external_id = ?", (self._account_id, ticket)
        ).fetchone()
        return row and str(row[0])

    def places(self, folder: str, uidvalidity: int) -> Mapping[int, tuple[str, ...]]:
        """Stored UIDs of a folder with their flags."""
        rows = self._connection.execute(
            "SELECT uid, flags FROM message_location WHERE account_id = ? AND folder = ? AND uidvalidity = ?",
            (self._account_id, folder, uidvalidity),
        )
        return {uid: tuple(flags.split()) for uid, flags in rows}

    def known_messages(self, external_ids: Sequence[str]) -> frozenset[str]:
        """Those of the messages that are stored already."""
        return frozenset(messages.existing(self._connection, self._account_id, external_ids))

    def raw(self, kind: str, external_id: str) -> bytes | None:
        """The kept source of a record."""
        return raws.read(self._connection, self._account_id, kind, external_id)
