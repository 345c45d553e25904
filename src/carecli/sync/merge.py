"""Three-way merge of a ticket's fields: what we want, what it was based on, what the vendor has now. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from carecli.domain.operation import OperationState, Verb

Value = object
"""A field's value in the words of payloads: text, a number or nothing; for tags a list."""


OUT_OF_SIGHT = (OperationState.CONFLICT, OperationState.FAILED)
"""A change that waits for a person leaves the vendor's value in sight."""


class Outcome(StrEnum):
    """What becomes of a change when the vendor's value is known."""

    KEEP = "keep"  # the vendor has what it was based on: it still applies
    SAME = "same"  # the vendor has what we want already
    CLASH = "clash"  # both sides changed it


@dataclass(frozen=True, slots=True)
class Merged:
    """The values to show after the merge, by verb; for each change its outcome (``None``: it is not for us to say) and the
    value it was put on top of.
    """

    values: Mapping[Verb, Value]
    outcomes: Sequence[Outcome | None]
    before: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a field. ``base`` is the value its author saw (tags need none: they merge as sets)."""

    verb: Verb
    state: OperationState
    base: Value
    payload: Mapping[str, object]


def wanted(before: Value, verb: Verb, payload: Mapping[str, object]) -> Value:
    """The value a payload leads to from a present value: tags merge as add and remove sets, others replace.

    A tag that is added and removed at once stays.
    """
    if verb is not Verb.TAG:
        return payload["value"]
    present, add, remove = _tags(before), _tags(payload.get("add")), _tags(payload.get("remove"))
    kept = [tag for tag in present if tag in add or tag not in remove]
    return [*kept, *(tag for tag in add if tag not in present)]


def inverse(before: Value, verb: Verb, payload: Mapping[str, object]) -> dict[str, object]:
    """The payload that takes a change of fields back."""
    if verb is not Verb.TAG:
        return {"value": before}
    present, add, remove = _tags(before), _tags(payload.get("add")), _tags(payload.get("remove"))
    gone = [tag for tag in remove if tag in present and tag not in add]
    return {"add": gone, "remove": [tag for tag in add if tag not in present]}


def merge(theirs: Mapping[Verb, Value], changes: Sequence[Change]) -> Merged:
    """Puts changes that have not reached the vendor, oldest first, on top of the values it has now.

    A change that is under way is shown as if it had arrived; one that clashes leaves the vendor's value in sight. Each
    change is compared with what the ones before it lead to, as its author saw them.
    """
    values = dict(theirs)
    outcomes: list[Outcome | None] = []
    before: list[Value] = []
    for change in changes:
        present = values[change.verb]
        after = wanted(present, change.verb, change.payload)
        outcome = _judge(change, present, after)
        outcomes.append(outcome)
        before.append(present)
        if outcome is not Outcome.CLASH and change.state not in OUT_OF_SIGHT:
            values[change.verb] = after
    return Merged(values, outcomes, before)


def _judge(change: Change, present: Value, after: Value) -> Outcome | None:
    if change.state in (OperationState.READY, OperationState.UNKNOWN) and alike(after, present):
        return Outcome.SAME
    if change.state is not OperationState.READY:
        return None
    return Outcome.KEEP if change.verb is Verb.TAG or present == change.base else Outcome.CLASH


def unwound(present: Value, verb: Verb, inverses: Sequence[Mapping[str, object]]) -> Value:
    """The value before changes that are shown already, from their inverses, oldest first."""
    for payload in reversed(inverses):
        present = wanted(present, verb, payload)
    return present


def alike(one: Value, other: Value) -> bool:
    """Whether two values are the same; the order of tags does not matter."""
    if isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    return one == other


def _tags(value: object) -> list[str]:
    return [str(tag) for tag in value] if isinstance(value, (list, tuple)) else []
