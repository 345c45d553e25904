"""Whether records are what their types say: a connector is somebody else's code, and types do not bind at run time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from carecli.connectors.spi.records import (
    AgentRecord,
    ArticleRecord,
    FlagsChanged,
    MessageRecord,
    OrganisationRecord,
    PersonRecord,
    PlaceRecord,
    PlacesGone,
    RawRecord,
    Record,
    SetAside,
    TicketRecord,
    TicketsJoined,
    Tombstone,
)
from carecli.domain.conversation import Direction, MessageKind, Visibility
from carecli.domain.redact import clean_line
from carecli.domain.ticket import TicketStatus
from carecli.store.driver import DataError, IntegrityError, InterfaceError, ProgrammingError

BROKEN = (
    msgspec.MsgspecError,
    IntegrityError,
    DataError,  # too large for the store
    InterfaceError,  # a value of a type the store does not know
    ProgrammingError,  # the same, in other versions of Python
    OverflowError,  # an integer of more than 64 bits
    RecursionError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
)
"""What a record that makes no sense raises, here or on its way into the store."""
ORDER = (
    OrganisationRecord,
    AgentRecord,
    PersonRecord,
    ArticleRecord,
    TicketRecord,
    MessageRecord,
    RawRecord,
    TicketsJoined,
    Tombstone,
    PlacesGone,
    PlaceRecord,
    FlagsChanged,
    SetAside,
)
"""All kinds of records, in the order in which a page is applied."""
_PLACE: dict[type, int] = {kind: place for place, kind in enumerate(ORDER)}


def require_sound(records: Iterable[Record]) -> None:
    """Raises one of ``BROKEN`` unless every record is one, with values of the declared types; enums are enums."""
    for record in records:
        sound(record)
        if isinstance(record, MessageRecord):
            enums = (record.visibility.__class__, record.direction.__class__, record.kind.__class__)
            if enums != (Visibility, Direction, MessageKind):
                raise TypeError("visibility, direction or kind is a plain text")
        elif isinstance(record, TicketRecord) and record.status.__class__ not in (TicketStatus, type(None)):
            raise TypeError("status is a plain text")


def sound(record: Record) -> Record:
    """The record with values of the declared types (a plain text becomes the enum it names); raises one of ``BROKEN``."""
    kind = type(record)
    if kind not in _PLACE:
        raise TypeError(f"{kind.__name__} is no kind of record")
    plain = msgspec.to_builtins(record, builtin_types=(bytes,))
    checked: Record = msgspec.convert(plain, kind, builtin_types=(bytes,))
    return checked


def in_order(records: Iterable[Record]) -> list[Record]:
    """Records as a page applies them; what is no record comes last."""
    return sorted(records, key=lambda record: _PLACE.get(type(record), len(ORDER)))


def name_of(record: Record) -> tuple[str, str]:
    """Kind and id of a record that is set aside, whatever it is."""
    kind = type(record).__name__.removesuffix("Record").lower()
    external_id = getattr(record, "external_id", None) or getattr(record, "message", None) or ""
    return clean_line(kind)[:100], clean_line(str(external_id))[:200] or "?"
