"""The three-way merge: nothing of either side is overwritten unseen, and tags merge as sets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carecli.domain.operation import OperationState, Verb
from carecli.sync.merge import Change, Outcome, inverse, merge, unwound, wanted

S = OperationState
VALUES = st.sampled_from(["new", "open", "pending", "solved", None])
TAGS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)
SINGLE = st.sampled_from([Verb.STATUS, Verb.PRIORITY, Verb.ASSIGN, Verb.SNOOZE])
TAG_PAYLOAD = st.fixed_dictionaries({"add": TAGS, "remove": TAGS})


def change(verb: Verb, base: object, payload: dict[str, Any], state: OperationState = S.READY) -> Change:
    return Change(verb, state, base, payload)


@given(SINGLE, VALUES, VALUES, VALUES)
def test_one_change_of_one_field(verb: Verb, base: object, mine: object, theirs: object) -> None:
    merged = merge({verb: theirs}, [change(verb, base, {"value": mine})])
    if theirs == mine:
        assert merged.outcomes == [Outcome.SAME]
        assert merged.values == {verb: mine}
    elif theirs == base:
        assert merged.outcomes == [Outcome.KEEP]
        assert merged.values == {verb: mine}
    else:
        assert merged.outcomes == [Outcome.CLASH]
        assert merged.values == {verb: theirs}


@given(TAGS, TAG_PAYLOAD)
def test_tags_never_clash_and_keep_what_the_other_side_did(theirs: list[str], payload: dict[str, list[str]]) -> None:
    merged = merge({Verb.TAG: theirs}, [change(Verb.TAG, None, payload)])
    found = merged.values[Verb.TAG]
    assert isinstance(found, list)
    assert set(found) == (set(theirs) - set(payload["remove"])) | set(payload["add"])
    assert len(found) == len(set(found))
    assert merged.outcomes == [Outcome.SAME if set(found) == set(theirs) else Outcome.KEEP]


@given(SINGLE, st.lists(VALUES, min_size=2, max_size=6))
def test_a_chain_of_changes_applies_when_nobody_else_wrote(verb: Verb, values: list[object]) -> None:
    changes = [change(verb, base, {"value": mine}) for base, mine in pairwise(values)]
    merged = merge({verb: values[0]}, changes)
    assert Outcome.CLASH not in merged.outcomes
    assert merged.values == {verb: values[-1]}


@given(VALUES, VALUES, TAGS, TAG_PAYLOAD)
def test_other_fields_do_not_matter(theirs: object, mine: object, tags: list[str], payload: dict[str, Any]) -> None:
    merged = merge(
        {Verb.STATUS: theirs, Verb.TAG: tags, Verb.PRIORITY: "high"},
        [change(Verb.STATUS, theirs, {"value": mine}), change(Verb.TAG, None, payload)],
    )
    assert Outcome.CLASH not in merged.outcomes
    assert (merged.values[Verb.STATUS], merged.values[Verb.PRIORITY]) == (mine, "high")


@given(SINGLE, VALUES, VALUES, VALUES, st.sampled_from(list(OperationState)))
def test_only_what_waits_is_judged(
    verb: Verb, base: object, mine: object, theirs: object, state: OperationState
) -> None:
    merged = merge({verb: theirs}, [change(verb, base, {"value": mine}, state)])
    settled = state is S.READY or (state is S.UNKNOWN and theirs == mine)
    assert (merged.outcomes[0] is None) == (not settled)
    if state in (S.INFLIGHT, S.UNKNOWN, S.HELD):  # perhaps it has arrived: it is shown as if it had
        assert merged.values == {verb: mine}
    if state in (S.CONFLICT, S.FAILED):
        assert merged.values == {verb: theirs}


@given(SINGLE, st.lists(VALUES, min_size=1, max_size=5), VALUES)
def test_changes_are_unwound_to_what_was_there(verb: Verb, values: list[object], first: object) -> None:
    present, inverses = first, []
    for value in values:
        inverses.append(inverse(present, verb, {"value": value}))
        present = wanted(present, verb, {"value": value})
    assert unwound(present, verb, inverses) == first


@given(TAGS, st.lists(TAG_PAYLOAD, min_size=1, max_size=4))
def test_tags_are_unwound_to_what_was_there(first: list[str], payloads: list[dict[str, list[str]]]) -> None:
    present: object = first
    inverses = []
    for payload in payloads:
        inverses.append(inverse(present, Verb.TAG, payload))
        present = wanted(present, Verb.TAG, payload)
    back = unwound(present, Verb.TAG, inverses)
    assert isinstance(back, list)
    assert set(back) == set(first)


def test_missing_tags_are_none() -> None:
    assert wanted(None, Verb.TAG, {}) == []
    assert inverse(None, Verb.TAG, {"add": ["a"]}) == {"add": [], "remove": ["a"]}
