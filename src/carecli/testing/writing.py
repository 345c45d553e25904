"""Checks of pushing through the real outbox: what is claimed works, nothing is doubled, refusals keep their words."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from carecli.connectors.spi.errors import Conflicting, Gone, Rejected, Retryable, Throttled, Unsupported
from carecli.connectors.spi.protocols import Verdict
from carecli.connectors.spi.records import FieldRequest, NoteRequest, PushResult, TicketHandle
from carecli.domain.operation import OperationState, Verb
from carecli.store.lookup import StoreLookup
from carecli.sync.requests import Request, request_for
from carecli.testing.bench import Bench
from carecli.testing.desk import Fault, HookMissingError

_FIELDS: dict[str, tuple[Verb, str, object]] = {
    "status": (Verb.STATUS, "status_write", "solved"),
    "priority": (Verb.PRIORITY, "priority_write", "high"),
    "assignee": (Verb.ASSIGN, "assign_write", None),
    "tags": (Verb.TAG, "tag_write", None),
    "snoozed_until": (Verb.SNOOZE, "snooze_native", None),
}
_KINDS = ("reply", "create", "note", "fields")


class WritingChecks:
    """Writing."""

    def test_a_reply_arrives_once(self, bench: Bench) -> None:
        """A reply reaches the customer once, and the pulled copy is public, outbound and carries its mark."""
        bench.needs("reply")
        ticket = bench.conversation()
        operation = bench.reply(ticket, "Your kit is on its way.")
        assert bench.settle(operation).state is OperationState.DONE
        assert bench.count_public("Your kit is on its way.") == 1
        bench.local.pull(bench.source())
        bench.local.pull_all(bench.source())
        found = bench.local.rows(
            "SELECT ticket_id, direction, visibility, operation_id FROM message WHERE body_text LIKE ?",
            "%Your kit is on its way.%",
        )
        mark = operation if bench.can.verification == "mark" else found[0][3]
        assert found == [(ticket, "out", "public", mark)]
        assert bench.count_public("Your kit is on its way.") == 1

    def test_a_first_message_opens_a_ticket(self, bench: Bench) -> None:
        """A first message reaches the customer once and comes back as a ticket of its own."""
        bench.needs("create")
        before = len(bench.local.rows("SELECT id FROM ticket"))
        operation = bench.create("We have news about your kit.")
        assert bench.settle(operation).state is OperationState.DONE
        assert bench.count_public("We have news about your kit.") == 1
        bench.local.pull(bench.source())
        assert bench.local.ticket_with("We have news about your kit.")
        assert len(bench.local.rows("SELECT id FROM ticket")) > before

    def test_a_forward_arrives_once(self, bench: Bench) -> None:
        """A forward reaches its recipient once, and the ticket keeps it."""
        bench.needs("forward")
        ticket = bench.conversation()
        text = "Could you look into this kit matter?"
        operation = bench.forward(ticket, text)
        assert bench.settle(operation).state is OperationState.DONE
        assert bench.count_public(text) == 1
        bench.local.pull(bench.source())
        assert bench.local.ticket_with(text)

    @pytest.mark.parametrize("name", _FIELDS)
    def test_a_claimed_field_change_arrives(self, bench: Bench, name: str) -> None:
        """A field that the vendor is said to take comes back changed with the next pull."""
        verb, capability, _ = _FIELDS[name]
        bench.needs(capability)
        ticket = bench.conversation()
        value = _value(bench, name)
        payload = {"add": ["kit-tag"], "remove": []} if verb is Verb.TAG else {"value": value}
        operation = bench.local.add(verb, ticket, payload)
        assert bench.settle(operation).state is OperationState.DONE, bench.local.operation(operation).last_error
        bench.local.pull(bench.source())
        if verb is Verb.TAG:
            assert "kit-tag" in bench.local.column(ticket, "tags")
        elif verb is Verb.ASSIGN:
            sql = "SELECT g.name FROM ticket t JOIN agent g ON g.id = t.assignee_id WHERE t.id = ?"
            assert bench.local.rows(sql, ticket) == [(value,)]
        else:
            assert bench.local.column(ticket, name) == value

    @pytest.mark.parametrize("name", _FIELDS)
    def test_an_unclaimed_field_change_is_refused(self, bench: Bench, name: str) -> None:
        """A field that the vendor is not said to take raises ``Unsupported``."""
        _, capability, value = _FIELDS[name]
        if bench.claims(capability):
            pytest.skip(f"the capability {capability} is claimed")
        writer = bench.writer()
        request = bench.request("fields", bench.conversation(), "")
        changes = {"tags_add": ["x"]} if name == "tags" else {name: value}
        with pytest.raises(Unsupported):
            writer.update_ticket(
                FieldRequest(
                    operation_id=request.operation_id, created_at=bench.now, ticket=request.ticket, changes=changes
                )
            )

    def test_an_attachment_makes_the_round_trip(self, bench: Bench) -> None:
        """A file on a reply arrives with it and can be fetched again, byte for byte."""
        bench.needs("attachments")
        bench.needs("reply")
        ticket = bench.conversation()
        content = bytes(range(256)) * 40
        operation = bench.reply(ticket, "The manual is attached.", files=[bench.file("Übersicht.bin", content)])
        assert bench.settle(operation).state is OperationState.DONE
        bench.local.pull(bench.source())
        ((message, file, size),) = bench.local.rows(
            "SELECT m.external_id, a.external_id, a.bytes FROM attachment a JOIN message m ON m.id = a.message_id"
            " WHERE a.filename = 'Übersicht.bin'"
        )
        assert size == len(content)
        lookup = StoreLookup(bench.local.store.connection, bench.local.account)
        assert bench.writer().fetch_attachment(message, file, lookup) == content

    @pytest.mark.parametrize("kind", _KINDS)
    def test_a_lost_answer_doubles_nothing(self, bench: Bench, kind: str) -> None:
        """The vendor acts and its answer is lost: found by its mark it is done; there is exactly one at the vendor."""
        ticket, text = _prepared(bench, kind), f"A {kind} whose answer is lost."
        operation = _queue(bench, kind, ticket, text)
        bench.script(Fault.LOST, "push")
        bench.local.push(bench.writer())
        state = bench.local.operation(operation).state
        assert state is OperationState.UNKNOWN, f"after a lost answer the operation is {state}: raise Ambiguous"
        bench.desk.heal()
        bench.now += 2_000
        found = bench.settle(operation)
        if bench.can.verification == "none":
            assert found.state is OperationState.UNKNOWN, "without verification a person decides"
        else:
            assert found.state is OperationState.DONE, found.last_error
        assert _count(bench, kind, ticket, text) == 1

    @pytest.mark.parametrize("kind", _KINDS)
    def test_verify_sees_marks_and_sends_nothing(self, bench: Bench, kind: str) -> None:
        """``verify`` finds what was sent, does not find what was not, and never sends."""
        ticket, text = _prepared(bench, kind), f"A {kind} to verify."
        operation = _queue(bench, kind, ticket, text)
        assert bench.settle(operation).state is OperationState.DONE
        sent = request_for(bench.local.store.connection, bench.local.operation(operation))
        other = bench.request(kind, ticket, f"A {kind} that was never sent.")
        if bench.can.verification == "none":
            for request in (sent, other):
                assert _verdict(bench, request) == "unsure", "it cannot verify, so it cannot know"
        else:
            assert isinstance(_found(bench, sent), PushResult)
            assert _verdict(bench, other) in ("absent", "unsure")
        assert _count(bench, kind, ticket, text) == 1
        assert bench.count_public(f"A {kind} that was never sent.") == 0

    @pytest.mark.parametrize("kind", _KINDS)
    @pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.DOWN])
    def test_what_the_vendor_cannot_take_now_arrives_later(self, bench: Bench, kind: str, fault: Fault) -> None:
        """A 429 or 5xx keeps the operation ready, for as long as the vendor asks; later it arrives exactly once."""
        ticket, text = _prepared(bench, kind), f"A {kind} for later ({fault})."
        operation = _queue(bench, kind, ticket, text)
        scripted = bench.script(fault, "push")
        error = bench.local.push(bench.writer()).error
        expected = Throttled if fault is Fault.THROTTLE else Retryable
        assert isinstance(error, expected), f"raise {expected.__name__}, not {error!r}"
        if fault is Fault.THROTTLE:
            assert error.retry_after == scripted.retry_after
        assert bench.local.operation(operation).state is OperationState.READY
        bench.desk.heal()
        bench.now += 600_000
        assert bench.settle(operation).state is OperationState.DONE
        assert _count(bench, kind, ticket, text) == 1

    @pytest.mark.parametrize("kind", _KINDS)
    def test_a_refusal_keeps_the_vendor_s_words(self, bench: Bench, kind: str) -> None:
        """A 4xx is ``Rejected`` at once, in the vendor's words, and never sent again by itself."""
        ticket, text = _prepared(bench, kind), f"A {kind} that is refused."
        scripted = bench.script(Fault.REJECT, "push")
        assert scripted.words, "script(REJECT) must return the words that the vendor uses"
        operation = _queue(bench, kind, ticket, text, **scripted.payload)
        for _ in range(2):
            bench.local.push(bench.writer())
            found = bench.local.operation(operation)
            assert found.state is OperationState.FAILED, f"it is {found.state}: raise Rejected"
            assert scripted.words in (found.last_error or "")
            bench.now += 600_000
        assert found.attempts == 1
        assert _count(bench, kind, ticket, text) == 0

    def test_a_stale_change_is_a_conflict(self, bench: Bench) -> None:
        """A change based on an old version raises ``Conflicting``; nothing is written."""
        bench.needs("preconditions")
        bench.needs("status_write")
        ticket = bench.conversation()
        bench.has("change_elsewhere")
        version = bench.local.column(ticket, "remote_version")
        assert version, "a connector with preconditions fills remote_version"
        bench.desk.change_elsewhere(bench.local.external(ticket))
        request = bench.request("fields", ticket, "")
        stale = FieldRequest(
            operation_id=request.operation_id,
            created_at=bench.now,
            ticket=request.ticket,
            changes={"status": "solved"},
            base_version=version,
        )
        with pytest.raises(Conflicting):
            bench.writer().update_ticket(stale)
        bench.local.pull(bench.source())
        assert bench.local.column(ticket, "status") != "solved"

    def test_a_ticket_that_is_gone_is_told(self, bench: Bench) -> None:
        """A write to a ticket that the vendor does not have raises ``Gone`` or ``Rejected``."""
        writer = bench.writer()
        handle = TicketHandle(external_id="no-such-ticket", number="0", subject="Gone")
        fields = FieldRequest(operation_id="0" * 26, created_at=bench.now, ticket=handle, changes={"status": "solved"})
        note = NoteRequest(operation_id="0" * 25 + "1", created_at=bench.now, ticket=handle, body_text="For nobody.")
        calls: list[Callable[[], PushResult]] = []
        calls += [lambda: writer.update_ticket(fields)] if bench.claims("status_write") else []
        calls += [lambda: writer.add_note(note)] if bench.claims("note") else []
        if not calls:
            pytest.skip("neither status_write nor note is at the vendor")
        for call in calls:
            with pytest.raises((Gone, Rejected)):
                call()


def _value(bench: Bench, name: str) -> object:
    if name == "assignee":
        if bench.desk.colleague is None:
            raise HookMissingError("set colleague on the desk: the name of an agent that a ticket can be assigned to")
        return bench.desk.colleague
    if name == "snoozed_until":
        return (bench.started // 1000 + 86_400) * 1000
    return _FIELDS[name][2]


def _prepared(bench: Bench, kind: str) -> int:
    """A ticket to write to; skips when this kind of write is not claimed."""
    bench.needs("status_write" if kind == "fields" else kind)
    return bench.conversation()


def _queue(bench: Bench, kind: str, ticket: int, text: str, **more: object) -> str:
    if kind == "reply":
        return bench.reply(ticket, text, **more)
    if kind == "create":
        return bench.create(text, **more)
    if kind == "note":
        return bench.note(ticket, text)
    return bench.local.add(Verb.STATUS, ticket, {"value": "solved"} | more)


def _count(bench: Bench, kind: str, ticket: int, text: str) -> int:
    """How many of the write are at the vendor."""
    if kind == "note":
        return bench.count_notes(text)
    if kind == "fields":
        bench.local.pull_all(bench.source())
        return int(bench.local.column(ticket, "status") == "solved")
    return bench.count_public(text)


def _verdict(bench: Bench, request: Request) -> Verdict:
    try:
        return bench.writer().verify(request.operation_id, request)
    except Unsupported:
        return "unsure"


def _found(bench: Bench, request: Request) -> Verdict:
    """The verdict on something that was sent; a mail may still be under way."""
    deadline = time.monotonic() + 10
    while not isinstance(verdict := _verdict(bench, request), PushResult) and time.monotonic() < deadline:
        time.sleep(0.1)
    return verdict
