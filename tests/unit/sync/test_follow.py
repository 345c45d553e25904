"""What a conversation says about its ticket: who waits, since when, and the status where the vendor has none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carecli.domain.conversation import Direction, MessageKind, Visibility
from carecli.domain.ticket import StatusCategory, TicketStatus, category_of
from carecli.sync.follow import Facts, Spoken, follow

KINDS = {
    "customer": (MessageKind.CUSTOMER, Direction.IN, Visibility.PUBLIC, False),
    "auto_reply": (MessageKind.CUSTOMER, Direction.IN, Visibility.PUBLIC, True),
    "agent": (MessageKind.AGENT, Direction.OUT, Visibility.PUBLIC, False),
    "acknowledgement": (MessageKind.BOT, Direction.OUT, Visibility.PUBLIC, True),
    "note": (MessageKind.NOTE, Direction.INTERNAL, Visibility.INTERNAL, False),
    "bounce": (MessageKind.SYSTEM, Direction.IN, Visibility.PUBLIC, False),
    "event": (MessageKind.SYSTEM, Direction.INTERNAL, Visibility.PUBLIC, False),
}


def said(name: str, at: int, *, unread: bool = False) -> Spoken:
    kind, direction, visibility, automatic = KINDS[name]
    return Spoken(kind, direction, visibility, automatic, unread, at)


def facts(status: TicketStatus = TicketStatus.NEW, *, local: bool = True) -> Facts:
    return Facts(status, None, None, None, None, None, False, 0, 0, 0, 0, 0, local)


def after(*words: str, start: Facts | None = None) -> Facts:
    """Facts after messages one second apart."""
    return follow(start or facts(), [said(word, 1000 * (place + 1)) for place, word in enumerate(words)])


NAMES = st.sampled_from(sorted(KINDS))
SPOKEN = st.builds(said, NAMES, st.integers(1, 50), unread=st.booleans())
TALKS = st.lists(SPOKEN, max_size=25)
IN_ORDER = TALKS.map(lambda talk: sorted(talk, key=lambda one: one.at))
STARTS = st.builds(lambda status, local: facts(status, local=local), st.sampled_from(TicketStatus), st.booleans())


@given(STARTS, TALKS)
def test_counts_are_counts(start: Facts, talk: list[Spoken]) -> None:
    found = follow(start, talk)
    assert found.message_count == len(talk)
    assert found.customer_message_count == sum(
        one.direction is Direction.IN and not one.automatic and one.kind is not MessageKind.SYSTEM for one in talk
    )
    assert found.agent_reply_count == sum(one.direction is Direction.OUT and not one.automatic for one in talk)


@given(STARTS, TALKS)
def test_what_is_given_stays_as_it_is(start: Facts, talk: list[Spoken]) -> None:
    before = replace(start)
    follow(start, talk)
    assert start == before


@given(STARTS, IN_ORDER, st.integers(0, 25))
def test_a_conversation_can_be_followed_in_parts(start: Facts, talk: list[Spoken], cut: int) -> None:
    assert follow(follow(start, talk[:cut]), talk[cut:]) == follow(start, talk)


@given(STARTS, IN_ORDER)
def test_nobody_waits_after_an_answer(start: Facts, talk: list[Spoken]) -> None:
    assert follow(start, [*talk, said("agent", 51)]).waiting_since is None


@given(STARTS, IN_ORDER)
def test_an_automatic_answer_or_a_note_keeps_the_customer_waiting(start: Facts, talk: list[Spoken]) -> None:
    before = follow(start, talk)
    for word in ("note", "acknowledgement", "auto_reply"):
        found = follow(before, [said(word, 51)])
        assert (found.waiting_since, found.status) == (before.waiting_since, before.status)


@given(IN_ORDER)
def test_the_wait_began_with_the_first_message_that_has_no_answer(talk: list[Spoken]) -> None:
    found = follow(facts(), talk)
    waiting: int | None = None
    for one in talk:
        if one.direction is Direction.OUT and not one.automatic:
            waiting = None
        elif one.direction is Direction.IN and not one.automatic and one.kind is not MessageKind.SYSTEM:
            waiting = one.at if waiting is None else waiting
    assert found.waiting_since == waiting


@given(IN_ORDER, st.sampled_from([TicketStatus.SOLVED, TicketStatus.CLOSED]))
def test_a_solved_ticket_stays_solved_until_a_customer_writes(talk: list[Spoken], status: TicketStatus) -> None:
    quiet = [one for one in talk if one.kind not in (MessageKind.CUSTOMER, MessageKind.SYSTEM) or one.automatic]
    start = replace(facts(status), customer_message_count=1, solved_at=1)
    assert follow(start, quiet).status is status
    again = follow(start, [*quiet, said("customer", 51)])
    assert again.status is TicketStatus.OPEN
    assert (again.reopen_count, again.solved_at, again.waiting_since) == (1, None, 51)


@given(st.sampled_from(TicketStatus), TALKS)
def test_a_status_the_vendor_keeps_is_never_touched(status: TicketStatus, talk: list[Spoken]) -> None:
    found = follow(facts(status, local=False), talk)
    assert (found.status, found.solved_at, found.reopen_count, found.updated_at) == (status, None, 0, 0)
    if category_of(status) is StatusCategory.DONE:
        assert found.waiting_since is None


def test_the_first_message_makes_a_new_ticket_or_one_that_was_read_elsewhere() -> None:
    assert follow(facts(), [said("customer", 5, unread=True)]).status is TicketStatus.NEW
    assert follow(facts(), [said("customer", 5)]).status is TicketStatus.OPEN


def test_a_new_ticket_stays_new_until_somebody_answers() -> None:
    first = follow(facts(), [said("customer", 5, unread=True)])
    assert follow(first, [said("customer", 6)]).status is TicketStatus.NEW
    assert follow(first, [said("agent", 6)]).status is TicketStatus.PENDING


def test_question_answer_question() -> None:
    found = after("customer", "agent", "customer", "customer")
    assert found.status is TicketStatus.OPEN
    assert (found.first_response_at, found.waiting_since) == (2000, 3000)
    assert (found.last_customer_at, found.last_agent_at, found.updated_at) == (4000, 2000, 4000)


def test_we_may_write_first() -> None:
    found = after("agent", "customer")
    assert found.first_response_at is None
    assert (found.status, found.waiting_since) == (TicketStatus.OPEN, 2000)


def test_a_late_message_from_before_our_answer_changes_nothing_but_counts() -> None:
    answered = after("customer", "agent")
    late = follow(answered, [said("customer", 1500)])
    assert (late.status, late.waiting_since, late.customer_message_count) == (TicketStatus.PENDING, None, 2)


def test_a_late_answer_from_before_the_last_question_ends_no_wait() -> None:
    late = follow(after("customer"), [said("agent", 500)])
    assert (late.status, late.waiting_since) == (TicketStatus.OPEN, 1000)


def test_an_answer_does_not_reopen_what_is_solved() -> None:
    assert after("agent", start=facts(TicketStatus.SOLVED)).status is TicketStatus.SOLVED


@pytest.mark.parametrize("status", [TicketStatus.PENDING, TicketStatus.ON_HOLD, TicketStatus.SOLVED])
def test_a_bounce_gives_the_ticket_back_to_us(status: TicketStatus) -> None:
    found = after("bounce", start=replace(facts(status), solved_at=1))
    assert (found.status, found.solved_at, found.customer_message_count) == (TicketStatus.OPEN, None, 0)


def test_a_bounce_on_an_open_ticket_or_at_a_vendor_changes_no_status() -> None:
    assert after("bounce", start=facts(TicketStatus.NEW)).status is TicketStatus.NEW
    assert after("bounce", start=facts(TicketStatus.PENDING, local=False)).status is TicketStatus.PENDING


def test_unread_stays_until_somebody_reads() -> None:
    assert follow(facts(), [said("customer", 1, unread=True), said("customer", 2)]).unread
    assert not follow(facts(), [said("agent", 1, unread=True)]).unread


def test_an_event_of_the_system_is_only_counted() -> None:
    assert after("event") == replace(facts(), message_count=1, updated_at=1000)
