"""The state machine of pending writes: where every signal leads, and what can never happen."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from carecli.domain.operation import (
    FINAL,
    SENDS,
    IllegalTransitionError,
    Operation,
    OperationState,
    Signal,
    Verb,
    advance,
    can,
)

S, G = OperationState, Signal


@pytest.mark.parametrize("state", list(OperationState))
@pytest.mark.parametrize("signal", list(Signal))
def test_a_signal_is_taken_or_refused_and_never_both(state: OperationState, signal: Signal) -> None:
    if can(state, signal):
        assert advance(state, signal) in OperationState
    else:
        with pytest.raises(IllegalTransitionError, match=f"is {state} cannot take '{signal}'"):
            advance(state, signal)


def test_nothing_moves_what_is_finished_but_a_note_that_is_kept_here() -> None:
    assert {(s, g) for s in FINAL for g in Signal if can(s, g)} == {(S.DONE, G.RETRACT)}


@pytest.mark.parametrize("state", [S.CONFLICT, S.FAILED])
def test_only_a_person_or_a_mark_moves_what_waits_for_a_person(state: OperationState) -> None:
    assert {signal for signal in Signal if can(state, signal)} == {G.AGAIN, G.CANCEL, G.FOUND}


def test_only_start_leads_to_inflight_and_only_from_ready() -> None:
    ways = {(s, g) for s in OperationState for g in Signal if can(s, g) and advance(s, g) is S.INFLIGHT}
    assert ways == {(S.READY, G.START)}


def test_what_is_in_flight_cannot_be_taken_back_or_started_again() -> None:
    assert not can(S.INFLIGHT, G.CANCEL)
    assert not can(S.INFLIGHT, G.START)
    assert not can(S.UNKNOWN, G.START)


def test_every_open_state_leads_to_an_end() -> None:
    reached = set(FINAL)
    while True:
        more = {s for s in OperationState for g in Signal if can(s, g) and advance(s, g) in reached} - reached
        if not more:
            break
        reached |= more
    assert reached == set(OperationState)


def test_only_texts_to_customers_are_sends() -> None:
    assert {Verb.REPLY, Verb.CREATE, Verb.FORWARD} == SENDS


def test_an_operation_has_sensible_blanks() -> None:
    made = Operation("ID", "a", Verb.NOTE, 1, "a:1", {}, S.READY, 0, 0, 0)
    assert (made.base_message_id, made.depends_on, made.undo, made.origin, dict(made.inverse)) == (
        None,
        None,
        None,
        "cli",
        {},
    )


class Life(RuleBasedStateMachine):
    """An operation with a vendor that may or may not have kept what was sent; a person never sends a second copy."""

    def __init__(self) -> None:
        super().__init__()
        self.state = OperationState.HELD
        self.kept = 0
        self.asked_again = 0

    def go(self, signal: Signal) -> None:
        self.state = advance(self.state, signal)

    @precondition(lambda self: can(self.state, G.DUE))
    @rule()
    def due(self) -> None:
        self.go(G.DUE)

    @precondition(lambda self: can(self.state, G.START))
    @rule(
        outcome=st.sampled_from(
            [(G.ACCEPTED, 1), (G.RETRY, 0), (G.AMBIGUOUS, 0), (G.AMBIGUOUS, 1), (G.REJECTED, 0), (G.STALE, 0)]
        )
    )
    def send(self, outcome: tuple[Signal, int]) -> None:
        self.go(G.START)
        signal, kept = outcome
        self.kept += kept
        self.go(signal)

    @precondition(lambda self: self.state is S.UNKNOWN)
    @rule()
    def look(self) -> None:
        self.go(G.FOUND if self.kept else G.ABSENT)

    @precondition(lambda self: self.state in (S.CONFLICT, S.FAILED))
    @rule()
    def again(self) -> None:
        self.go(G.AGAIN)
        self.asked_again += 1

    @precondition(lambda self: can(self.state, G.CANCEL) and self.state is not S.UNKNOWN)
    @rule()
    def cancel(self) -> None:
        self.go(G.CANCEL)

    @precondition(lambda self: self.state in FINAL)
    @rule(signal=st.sampled_from(list(Signal)))
    def too_late(self, signal: Signal) -> None:
        assert not can(self.state, signal) or signal is G.RETRACT

    @invariant()
    def nothing_is_doubled(self) -> None:
        assert self.kept <= 1

    @invariant()
    def done_means_kept_and_cancelled_means_not(self) -> None:
        if self.state is S.DONE:
            assert self.kept == 1
        if self.state is S.CANCELLED:
            assert self.kept == 0


TestLife = Life.TestCase
