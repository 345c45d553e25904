"""What an operation changes in the local store: at once when it is made, again after a pull while it is pending, and
back when it is undone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from carecli.domain.operation import Operation, Verb
from carecli.domain.ticket import StatusCategory, TicketStatus, category_of
from carecli.store import events, operations, people, tickets
from carecli.store.driver import Connection

FIELDS = {
    Verb.STATUS: "status",
    Verb.PRIORITY: "priority",
    Verb.ASSIGN: "assignee",
    Verb.TAG: "tags",
    Verb.SNOOZE: "snoozed_until",
}


def shown(connection: Connection, ticket_id: int, verb: Verb) -> object:
    """The present value of the field a verb changes, in the words of its payload (agents by name, tags as a list)."""
    if verb is Verb.ASSIGN:
        return people.assignee(connection, ticket_id)
    value = tickets.current(connection, ticket_id, FIELDS[verb])[0]
    return json.loads(str(value)) if verb is Verb.TAG else value


def apply(connection: Connection, ticket_id: int, verb: Verb, payload: Mapping[str, object], now: int) -> bool:
    """Applies a change of fields to the local ticket; whether it changed anything."""
    before = shown(connection, ticket_id, verb)
    after = wanted(before, verb, payload)
    if after == before:
        return False
    if verb is Verb.STATUS:
        status = TicketStatus(str(after))
        done = category_of(status) is StatusCategory.DONE
        was = tickets.current(
            connection, ticket_id, "solved_at, closed_at, waiting_since, last_customer_at, last_agent_at"
        )
        waits = None if done else was[2] or (was[3] if (was[3] or 0) > (was[4] or 0) else None)  # type: ignore[operator]
        fields: dict[str, object] = {
            "status": str(status),
            "status_label": None,
            "solved_at": (was[0] or now) if done else None,
            "closed_at": now if status is TicketStatus.CLOSED else None,
            "waiting_since": waits,
        }
    elif verb is Verb.ASSIGN:
        fields = {"assignee_id": _agent_key(connection, ticket_id, after)}
    else:
        fields = {FIELDS[verb]: after}
    tickets.update(connection, ticket_id, fields | {"updated_at": now})
    return True


def wanted(before: object, verb: Verb, payload: Mapping[str, object]) -> object:
    """The value a payload leads to from a present value: tags merge as add and remove sets, others replace."""
    if verb is not Verb.TAG:
        return payload["value"]
    assert isinstance(before, list)  # noqa: S101  (narrows the type)
    remove = payload.get("remove") or []
    add = payload.get("add") or []
    assert isinstance(remove, (list, tuple))  # noqa: S101
    assert isinstance(add, (list, tuple))  # noqa: S101
    return [*(tag for tag in before if tag not in remove), *(tag for tag in add if tag not in before)]


def _agent_key(connection: Connection, ticket_id: int, name: object) -> int | None:
    if name is None:
        return None
    account_id = int(str(tickets.current(connection, ticket_id, "account_id")[0]))
    known = people.agent_named(connection, account_id, str(name))
    return known or people.agent(connection, account_id, f"local:{name}", str(name), None, me=False)


def inverse(before: object, verb: Verb, payload: Mapping[str, object]) -> dict[str, object]:
    """The payload that takes a change of fields back."""
    if verb is not Verb.TAG:
        return {"value": before}
    assert isinstance(before, list)  # noqa: S101  (narrows the type)
    add, remove = payload.get("add") or [], payload.get("remove") or []
    return {
        "add": [tag for tag in remove if tag in before],  # type: ignore[attr-defined]
        "remove": [tag for tag in add if tag not in before],  # type: ignore[attr-defined]
    }


def log(connection: Connection, operation: Operation, account_id: int, old: object, new: object) -> None:
    """Appends the event of a change a person made."""
    words = [", ".join(v) if isinstance(v, list) else None if v is None else str(v) for v in (old, new)]
    field = FIELDS.get(operation.verb)
    events.add(
        connection,
        [
            (operation.created_at, account_id, operation.ticket_id, operation.actor, operation.origin)
            + (("changed", field) if field else (str(operation.verb), None))
            + (words[0], words[1], operation.id)
        ],
    )


def reapply_pending(connection: Connection, ticket_id: int, now: int) -> None:
    """Puts changes that have not reached the vendor yet on top of what was just pulled."""
    for pending in operations.pending_fields(connection, ticket_id):
        apply(connection, ticket_id, pending.verb, pending.payload, now)
