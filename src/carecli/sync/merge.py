"""Three-way merge of a ticket's fields: what we want, what it was based on, what the vendor has now. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from carecli.domain.operation import OperationState, Verb

Value = object
"""A field's value in the words of payloads: text, a number or nothing; for tags a list."""


class Outcome(StrEnum):
    """What becomes of a change when the vendor's value is known."""

    KEEP = "keep"  # the vendor has what it was based on: it still applies
    SAME = "same"  # the vendor has what we want already
    CLASH = "clash"  # both sides changed it


@dataclass(frozen=True, slots=True)
class Merged:
    """The values to show after the merge, by verb, and the outcome of each change that is still to be sent."""

    values: Mapping[Verb, Value]
    outcomes: Sequence[Outcome | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a field. ``base`` is the value its author saw (tags need none: they merge as sets)."""

    verb: Verb
    state: OperationState
    base: Value
    payload: Mapping[str, object]


def wanted(before: Value, verb: Verb, payload: Mapping[str, object]) -> Value:
    """The value a payload leads to from a present value: tags merge as add and remove sets, others replace."""
    if verb is not Verb.TAG:
        return payload["value"]
    present, add, remove = _tags(before), _tags(payload.get("add")), _tags(payload.get("remove"))
    return [*(tag for tag in present if tag not in remove), *(tag for tag in add if tag not in present)]


def inverse(before: Value, verb: Verb, payload: Mapping[str, object]) -> dict[str, object]:
    """The payload that takes a change of fields back."""
    if verb is not Verb.TAG:
        return {"value": before}
    present, add, remove = _tags(before), _tags(payload.get("add")), _tags(payload.get("remove"))
    return {"add": [tag for tag in remove if tag in present], "remove": [tag for tag in add if tag not in present]}


def merge(theirs: Mapping[Verb, Value], changes: Sequence[Change]) -> Merged:
    """Puts changes that have not reached the vendor, oldest first, on top of the values it has now.

    A change that is under way is shown as if it had arrived; one that clashes leaves the vendor's value in sight. Each
    change is compared with what the ones before it lead to, as its author saw them.
    """
    values = dict(theirs)
    outcomes: list[Outcome | None] = []
    for change in changes:
        present = values[change.verb]
        after = wanted(present, change.verb, change.payload)
        if change.state in (OperationState.CONFLICT, OperationState.FAILED):
            outcomes.append(None)
            continue
        if change.state is not OperationState.READY:
            outcomes.append(None)
        elif _alike(after, present):
            outcomes.append(Outcome.SAME)
        elif change.verb is Verb.TAG or present == change.base:
            outcomes.append(Outcome.KEEP)
        else:
            outcomes.append(Outcome.CLASH)
            continue
        values[change.verb] = after
    return Merged(values, outcomes)


def unwound(present: Value, verb: Verb, inverses: Sequence[Mapping[str, object]]) -> Value:
    """The value before changes that are shown already, from their inverses, oldest first."""
    for payload in reversed(inverses):
        present = wanted(present, verb, payload)
    return present


def _alike(one: Value, other: Value) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    return one == other


def _tags(value: object) -> list[str]:
    return [str(tag) for tag in value] if isinstance(value, (list, tuple)) else []
