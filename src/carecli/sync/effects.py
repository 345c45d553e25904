"""What an operation changes in the local store: at once when it is made, again after a pull while it is pending, and
back when it is undone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from carecli.domain.operation import Operation, OperationState, Signal, Verb
from carecli.domain.ticket import StatusCategory, TicketStatus, category_of
from carecli.store import events, operations, people, tickets
from carecli.store.driver import Connection
from carecli.sync.merge import OUT_OF_SIGHT, Change, Outcome, alike, inverse, merge, unwound, wanted

_CONFLICT = OperationState.CONFLICT
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


def _agent_key(connection: Connection, ticket_id: int, name: object) -> int | None:
    if name is None:
        return None
    account_id = int(str(tickets.current(connection, ticket_id, "account_id")[0]))
    known = people.agent_named(connection, account_id, str(name))
    return known or people.agent(connection, account_id, f"local:{name}", str(name), None, me=False)


def log(connection: Connection, operation: Operation, account_id: int, old: object, new: object) -> None:
    """Appends the event of a change a person made."""
    words = [in_words(value) for value in (old, new)]
    field = FIELDS.get(operation.verb)
    events.add(
        connection,
        [
            (operation.created_at, account_id, operation.ticket_id, operation.actor, operation.origin)
            + (("changed", field) if field else (str(operation.verb), None))
            + (words[0], words[1], operation.id)
        ],
    )


def log_status(connection: Connection, operation: Operation, account_id: int, old: str, new: str) -> None:
    """Appends the event of a status that changed because of a text: sent, or taken back."""
    log(connection, replace(operation, verb=Verb.STATUS), account_id, old, new)


def fields(connection: Connection, ticket_id: int) -> dict[str, object]:
    """The fields of a ticket that both sides change, by name, as ``shown``."""
    *values, agent = tickets.current(connection, ticket_id, "status, priority, subject, tags, assignee_id")
    values[3:] = json.loads(str(values[3])), people.agent_name(connection, int(str(agent))) if agent else None
    return dict(zip(("status", "priority", "subject", "tags", "assignee"), values, strict=True))


def bring_to_sight(connection: Connection, operation: Operation, now: int) -> None:
    """Shows a change again that is to reach the vendor after all; later changes of the field are based on it again.

    ``operation`` is as it was before that was decided: one whose outcome was open is in sight already.
    """
    if operation.ticket_id is None or operation.verb not in FIELDS or operation.state not in OUT_OF_SIGHT:
        return
    if operation.verb is Verb.TAG:
        above = _above(connection, operation)
        base = unwound(shown(connection, operation.ticket_id, Verb.TAG), Verb.TAG, [one.inverse for one in above])
        _restack(connection, operation.ticket_id, base, [operation, *above], now)
        return
    later = _later(connection, operation)
    if later is not None:
        operations.set_inverse(connection, operation.id, later.inverse)
        _rebase(connection, later, operation.payload.get("value"), {"value": operation.payload.get("value")})
        return
    before = shown(connection, operation.ticket_id, operation.verb)
    if apply(connection, operation.ticket_id, operation.verb, operation.payload, now):
        operations.set_inverse(connection, operation.id, inverse(before, operation.verb, operation.payload))


def in_words(value: object) -> str | None:
    """A field's value as the event log keeps it."""
    return ", ".join(value) if isinstance(value, list) else None if value is None else str(value)


def take_from_sight(connection: Connection, operation: Operation, now: int) -> bool:
    """Shows a ticket's field as it was before a change that will not reach the vendor; whether that changed anything.

    What was changed after it stays: a later change is based on what this one was based on. ``operation`` is as it was
    before it ended; one that waited for a person was out of sight already.
    """
    if operation.ticket_id is None or not operation.inverse or operation.state in OUT_OF_SIGHT:
        return False
    if operation.verb is Verb.TAG:
        above = _above(connection, operation)
        base = unwound(
            shown(connection, operation.ticket_id, Verb.TAG), Verb.TAG, [one.inverse for one in (operation, *above)]
        )
        return _restack(connection, operation.ticket_id, base, above, now)
    later = _later(connection, operation)
    if later is not None:
        _rebase(connection, later, operation.payload.get("base"), operation.inverse)
        return False
    return apply(connection, operation.ticket_id, operation.verb, operation.inverse, now)


def _above(connection: Connection, operation: Operation) -> list[Operation]:
    """The changes of the same field that were made after a change and are in sight, oldest first."""
    if operation.ticket_id is None:
        return []
    pending = operations.pending_fields(connection, operation.ticket_id, after=operation.id)
    return [one for one in pending if one.verb is operation.verb and one.state is not _CONFLICT and one.inverse]


def _later(connection: Connection, operation: Operation) -> Operation | None:
    """The next change of the same field after a change, in sight."""
    return next(iter(_above(connection, operation)), None)


def _restack(connection: Connection, ticket_id: int, base: object, changes: Sequence[Operation], now: int) -> bool:
    """Puts changes of tags on top of a value anew, each with the inverse that leads back from there."""
    value = base
    for change in changes:
        operations.set_inverse(connection, change.id, inverse(value, Verb.TAG, change.payload))
        value = wanted(value, Verb.TAG, change.payload)
    return apply(
        connection, ticket_id, Verb.TAG, _payload(Verb.TAG, shown(connection, ticket_id, Verb.TAG), value), now
    )


def _rebase(connection: Connection, operation: Operation, base: object, back: Mapping[str, object]) -> None:
    operations.set_payload(connection, operation.id, dict(operation.payload) | {"base": base})
    operations.set_inverse(connection, operation.id, back)


def before_pending(connection: Connection, ticket_id: int) -> dict[str, object]:
    """What the vendor was last known to have in the fields of a ticket that changes are waiting for, by field."""
    pending = [one for one in operations.pending_fields(connection, ticket_id) if one.state is not _CONFLICT]
    values = {}
    for verb in {change.verb for change in pending}:
        inverses = [change.inverse for change in pending if change.verb is verb and change.inverse]
        values[FIELDS[verb]] = unwound(shown(connection, ticket_id, verb), verb, inverses)
    return values


def merge_pending(connection: Connection, ticket_id: int, now: int) -> None:
    """Puts changes that have not reached the vendor on top of what was just pulled, and settles those that clash."""
    pending = operations.pending_fields(connection, ticket_id)
    theirs = {verb: shown(connection, ticket_id, verb) for verb in {one.verb for one in pending}}
    changes = [Change(one.verb, one.state, one.payload.get("base"), one.payload) for one in pending]
    merged = merge(theirs, changes)
    for operation, outcome, before in zip(pending, merged.outcomes, merged.before, strict=True):
        if outcome is Outcome.SAME:
            operations.move(connection, operation.id, Signal.FOUND, now, last_error=None, error_code=None)
        elif outcome is Outcome.CLASH:
            clash(connection, operation, theirs[operation.verb], now)
        elif operation.state is _CONFLICT and operation.verb is not Verb.TAG:
            operations.set_payload(connection, operation.id, dict(operation.payload) | {"theirs": before})
        elif not alike(before, wanted(before, operation.verb, operation.payload)):
            # Taking it back must lead to what the vendor has now, not to what it had then.
            operations.set_inverse(connection, operation.id, inverse(before, operation.verb, operation.payload))
            if operation.state is OperationState.UNKNOWN or _changed_under_way(operation, before):
                operations.set_payload(connection, operation.id, dict(operation.payload) | {"theirs": before})
    for verb, value in merged.values.items():
        apply(connection, ticket_id, verb, _payload(verb, theirs[verb], value), now)
    tickets.mark_sync_state(connection, ticket_id)


def _changed_under_way(operation: Operation, theirs: object) -> bool:
    """Whether the vendor has neither what a change that is being sent was based on nor what it wants."""
    known = operation.payload.get("base", theirs)
    return operation.state is OperationState.INFLIGHT and operation.verb is not Verb.TAG and theirs != known


def arrived(connection: Connection, operation: Operation, now: int) -> None:
    """A change is at the vendor; when a later value was pulled before that was known, that value is shown."""
    payload = operations.get(connection, operation.id).payload
    if operation.ticket_id is None or operation.verb not in FIELDS or "theirs" not in payload:
        return
    if _later(connection, operation) is None:
        present = shown(connection, operation.ticket_id, operation.verb)
        apply(
            connection, operation.ticket_id, operation.verb, _payload(operation.verb, present, payload["theirs"]), now
        )


def overtaken(operation: Operation) -> bool:
    """Whether the vendor's value was found changed while the outcome of this change was open."""
    if operation.verb is Verb.TAG or operation.verb not in FIELDS or not operation.inverse:
        return False
    return operation.inverse.get("value") != operation.payload.get("base", operation.inverse.get("value"))


def clash(connection: Connection, operation: Operation, theirs: object, now: int) -> None:
    """Leaves a change that both sides made to a person, with the vendor's value."""
    words = f"{FIELDS[operation.verb]} was changed to {'none' if theirs is None else theirs} in the meantime"
    operations.move(connection, operation.id, Signal.STALE, now, last_error=words, error_code="FIELD_CONFLICT")
    operations.set_payload(connection, operation.id, dict(operation.payload) | {"theirs": theirs})


def _payload(verb: Verb, before: object, after: object) -> dict[str, object]:
    """The payload that leads from one value to another."""
    if not isinstance(before, list) or not isinstance(after, list) or verb is not Verb.TAG:
        return {"value": after}
    return {"add": [tag for tag in after if tag not in before], "remove": [tag for tag in before if tag not in after]}
