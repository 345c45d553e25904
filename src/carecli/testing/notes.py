"""Checks of internal notes: no text of a note ever reaches the public, and only the note method can write one."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import pytest

from carecli.connectors.spi.errors import Unsupported
from carecli.connectors.spi.records import FieldRequest, NoteRequest, ReplyRequest
from carecli.domain.conversation import Visibility
from carecli.domain.operation import OperationState
from carecli.testing.bench import Bench, folded
from carecli.testing.desk import Fault

SECRET = "Between us: the kit customer is difficult."


class NoteChecks:
    """Notes."""

    def test_a_note_stays_inside(self, bench: Bench) -> None:
        """A note arrives once as a note; its text is in nothing public, and its pulled copy is internal."""
        bench.needs("note")
        ticket = bench.conversation()
        operation = bench.note(ticket, SECRET)
        assert bench.settle(operation).state is OperationState.DONE
        assert bench.count_notes(SECRET) == 1
        assert bench.count_public(SECRET) == 0
        for again in (bench.local.pull, bench.local.pull_all):
            again(bench.source())
            kinds = bench.local.rows("SELECT visibility, direction FROM message WHERE body_text LIKE ?", f"%{SECRET}%")
            assert kinds == [("internal", "internal")]

    def test_a_reply_beside_a_note_says_nothing_of_it(self, bench: Bench) -> None:
        """A reply and field changes on a ticket with notes carry none of their text."""
        bench.needs("note")
        bench.needs("reply")
        ticket = bench.conversation()
        assert bench.settle(bench.note(ticket, SECRET)).state is OperationState.DONE
        bench.local.pull(bench.source())
        assert bench.settle(bench.reply(ticket, "Thank you for waiting.")).state is OperationState.DONE
        assert bench.settle(bench.note(ticket, "One more note inside.")).state is OperationState.DONE
        assert bench.count_public("Thank you for waiting.") == 1
        assert bench.count_public(SECRET) == 0
        assert bench.count_public("One more note inside.") == 0
        assert bench.count_notes("Thank you for waiting.") == 0

    def test_only_the_note_method_takes_a_note(self, bench: Bench) -> None:
        """A note handed to any other method is refused, and nothing of it leaves."""
        writer = bench.writer()
        ticket = bench.conversation()
        note = bench.request("note", ticket, SECRET)
        assert isinstance(note, NoteRequest)
        with pytest.raises(Exception):  # noqa: B017, PT011  (any refusal will do)
            writer.send_reply(cast("ReplyRequest", note))
        with pytest.raises(Exception):  # noqa: B017, PT011
            writer.update_ticket(cast("FieldRequest", note))
        with suppress(Unsupported):
            assert writer.verify(note.operation_id, note) in ("absent", "unsure")
        assert bench.count_public(SECRET) == 0
        bench.local.pull(bench.source())
        assert bench.local.rows("SELECT id FROM message WHERE body_text LIKE ?", f"%{SECRET}%") == []

    def test_the_note_method_takes_no_reply(self, bench: Bench) -> None:
        """A public text handed to the note method does not become public."""
        bench.needs("note")
        writer = bench.writer()
        ticket = bench.conversation()
        reply = bench.request("reply", ticket, "A reply that took the wrong door.")
        with suppress(Exception):
            writer.add_note(cast("NoteRequest", reply))
        assert bench.count_public("A reply that took the wrong door.") == 0

    @pytest.mark.parametrize("fault", [Fault.LOST, Fault.DOWN, Fault.REJECT])
    def test_no_fault_makes_a_note_public(self, bench: Bench, fault: Fault) -> None:
        """A note whose answer is lost, that is refused or comes later stays inside all the same."""
        bench.needs("note")
        ticket = bench.conversation()
        bench.script(fault, "push")
        operation = bench.note(ticket, SECRET)
        bench.local.push(bench.writer())
        bench.desk.heal()
        bench.now += 600_000
        bench.settle(operation)
        bench.local.pull(bench.source())
        assert bench.count_public(SECRET) == 0
        seen = bench.local.rows("SELECT DISTINCT visibility FROM message WHERE body_text LIKE ?", f"%{SECRET}%")
        assert seen in ([], [(str(Visibility.INTERNAL),)])

    def test_errors_do_not_quote_a_note(self, bench: Bench) -> None:
        """What a failed note says to logs and people does not repeat its text."""
        bench.needs("note")
        ticket = bench.conversation()
        bench.script(Fault.REJECT, "push")
        operation = bench.note(ticket, SECRET)
        bench.local.push(bench.writer())
        assert folded(SECRET) not in folded(bench.local.operation(operation).last_error or "")
