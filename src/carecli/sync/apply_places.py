"""Writes where messages lie in mailboxes: new places, places that are gone, flags that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carecli.connectors.spi.records import FlagsChanged, PlaceRecord, PlacesGone, Record
from carecli.store import messages, tickets
from carecli.store.driver import Connection

SEEN = "\\Seen"


def write_places(
    connection: Connection, account_id: int, by_kind: Mapping[type, Sequence[Record]], keys: Mapping[str, int]
) -> set[int]:
    """Applies the places of a page; ``keys`` are its messages by external id. Returns tickets whose unread mark may have
    changed.
    """
    for gone in by_kind.get(PlacesGone, ()):
        assert isinstance(gone, PlacesGone)  # noqa: S101  (narrows the type)
        messages.drop_places(connection, account_id, gone.folder, gone.uidvalidity, gone.uids)
    placed = [record for record in by_kind.get(PlaceRecord, ()) if isinstance(record, PlaceRecord)]
    wanted = [place.message for place in placed if place.message not in keys]
    known = {**keys, **messages.existing(connection, account_id, wanted)}
    messages.insert_places(
        connection,
        [
            (account_id, known[place.message], place.folder, place.uidvalidity, place.uid, " ".join(place.flags))
            for place in placed
            if place.message in known
        ],
    )
    stale = set()
    for flags in by_kind.get(FlagsChanged, ()):
        assert isinstance(flags, FlagsChanged)  # noqa: S101  (narrows the type)
        ticket_id = messages.set_flags(
            connection,
            account_id,
            flags.folder,
            flags.uidvalidity,
            flags.uid,
            " ".join(flags.flags),
            seen=SEEN in flags.flags,
        )
        if ticket_id is not None:
            stale.add(ticket_id)
    tickets.refresh_unread(connection, stale)
    return stale
