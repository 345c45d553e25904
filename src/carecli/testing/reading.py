"""Checks of pulling: ordered, repeatable, resumable, terminating, and calm when the vendor is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from carecli.connectors.spi.errors import Gone, Retryable, Throttled
from carecli.connectors.spi.protocols import LiveSource, TicketSource
from carecli.connectors.spi.records import MessageRecord, PlaceRecord, TicketRecord
from carecli.testing.bench import STOP_LIMIT, Bench, KilledError, Local, folded, lookup_nothing, within
from carecli.testing.desk import Fault

_THREE = ("The first of three kits.", "The second of three kits.", "The third of three kits.")


class ReadingChecks:
    """Reading."""

    def test_what_a_customer_says_is_pulled(self, bench: Bench) -> None:
        """What is new at the vendor comes with the next pull, and only once."""
        bench.has("say")
        bench.local.pull(bench.source())
        bench.desk.say("Is there a kit in blue?")
        bench.local.pull(bench.source())
        assert sum("Is there a kit in blue?" in text for text in bench.local.texts()) == 1
        assert bench.local.rows("SELECT reason FROM set_aside") == []

    def test_a_pull_ends_and_says_so(self, bench: Bench) -> None:
        """Each stream ends by itself: ``more`` is true on all pages but the last; nothing is set aside."""
        _fill(bench)
        bench.local.pull(bench.source())
        for stream in bench.desk.manifest.streams:
            pages = [page for name, page in bench.local.pages if name == stream]
            assert pages, f"stream '{stream}' yielded no page; the last one must come even when it is empty"
            assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
            assert all(page.cursor for page in pages)
            assert all(page.seen <= page.total for page in pages if page.total is not None)
        assert bench.local.rows("SELECT reason FROM set_aside") == []

    def test_pages_are_ordered(self, bench: Bench) -> None:
        """A ticket comes before its messages, a message before its places, and what was said first comes first."""
        _fill(bench)
        if "say" not in bench.desk.impossible:
            for text in _THREE:
                bench.desk.say(text)
        bench.local.pull(bench.source())
        tickets: set[str] = set()
        messages: set[str] = set()
        said: list[str] = []
        for _, page in bench.local.pages:
            for record in page.records:
                if isinstance(record, TicketRecord):
                    tickets.add(record.external_id)
                elif isinstance(record, MessageRecord):
                    assert record.ticket in tickets, f"message {record.external_id} comes before its ticket"
                    messages.add(record.external_id)
                    said += [text for text in _THREE if text in folded(record.body_text)]
                elif isinstance(record, PlaceRecord):
                    assert record.message in messages, f"a place comes before its message {record.message}"
        assert said == [text for text in _THREE if text in said]

    def test_a_pull_is_repeatable(self, bench: Bench) -> None:
        """Two connectors that read everything build the same store."""
        _fill(bench)
        other = bench.another()
        bench.local.pull(bench.source())
        other.pull(bench.source())
        _same(other, bench.local)

    def test_the_same_cursor_twice_changes_nothing(self, bench: Bench) -> None:
        """Pulling again from the last cursor, or everything from the beginning, changes no row."""
        _fill(bench)
        bench.local.pull(bench.source())
        before = bench.local.dump()
        for again in (bench.local.pull, bench.local.pull, bench.local.pull_all):
            tally = again(bench.source())
            assert (tally.tickets, tally.messages, tally.customers, tally.articles) == (set(), 0, set(), 0)
            assert bench.local.dump() == before

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_a_pull_that_is_killed_resumes(self, bench: Bench, place: str) -> None:
        """Killed before or after any page is stored, the next run ends in the store of an undisturbed one."""
        _fill(bench)
        bench.local.pull(bench.source())
        count = len(bench.local.pages)
        assert count >= 3, f"fill() made {count} pages; make it three or more"
        for number in range(1, count + 1):
            killed = bench.another()
            with pytest.raises(KilledError):
                killed.pull(bench.source(), die=(number, place))
            killed.pull(bench.source())
            _same(killed, bench.local)
            killed.store.close()

    def test_a_pull_killed_again_and_again_resumes(self, bench: Bench) -> None:
        """Killed after every single page, the pull still gets to its end."""
        _fill(bench)
        bench.local.pull(bench.source())
        killed = bench.another()
        for _ in range(len(bench.local.pages) + 1):
            try:
                killed.pull(bench.source(), die=(1, "after"))
            except KilledError:
                continue
            break
        killed.pull(bench.source())
        _same(killed, bench.local)

    def test_claimed_articles_come(self, bench: Bench) -> None:
        """A connector that claims knowledge brings articles, with their visibility, title and text."""
        bench.needs("knowledge")
        _fill(bench)
        bench.local.pull(bench.source())
        found = bench.local.rows("SELECT title, body_text, visibility FROM article")
        assert found
        assert all(title and text and visibility in ("public", "internal") for title, text, visibility in found)

    def test_absence_is_not_deletion(self, bench: Bench) -> None:
        """A ticket deleted at the vendor becomes a tombstone where that is claimed; its history stays in any case."""
        ticket = bench.conversation("Please delete this kit.")
        bench.has("delete")
        external_id = bench.local.external(ticket)
        bench.desk.delete(external_id)
        for again in (bench.local.pull, bench.local.pull_all):
            again(bench.source())
            assert any("Please delete this kit." in text for text in bench.local.texts()), "history was lost"
            assert bench.local.external(ticket) == external_id
            gone = bench.local.column(ticket, "sync_state") == "tombstone"
            assert gone == bench.can.tombstones, (
                "say tombstones=True in the capabilities if deletions are told, else no"
            )

    def test_an_unknown_word_survives(self, bench: Bench) -> None:
        """A status, priority, type or channel nobody has heard of fails no page; the vendor's word is kept."""
        local = [getattr(bench.can, name) for name in ("status_write", "priority_write")]
        if all(each in ("local", "none") for each in local):
            pytest.skip("the vendor keeps no status and no priority (status_write and priority_write are local)")
        ticket = bench.conversation()
        bench.has("strange")
        word = bench.desk.strange()
        for again in (bench.local.pull, bench.local.pull_all):
            tally = again(bench.source())
            assert tally.set_aside == 0, bench.local.rows("SELECT reason FROM set_aside")
            kept = bench.local.rows("SELECT status_raw, priority_raw, custom FROM ticket")
            assert any(word in str(row) for row in kept), f"'{word}' is kept in neither status_raw nor priority_raw"
        bench.needs("reply")
        operation = bench.reply(ticket, "An answer after the strange word.")
        assert bench.settle(operation).state == "done"
        bench.local.pull(bench.source())
        assert any(word in str(row) for row in bench.local.rows("SELECT status_raw, priority_raw, custom FROM ticket"))

    def test_throttled_reads_say_for_how_long(self, bench: Bench) -> None:
        """A 429 is ``Throttled`` with the vendor's seconds; the next pull goes on."""
        bench.has("say")
        scripted = bench.script(Fault.THROTTLE, "pull")
        with pytest.raises(Throttled) as caught:
            bench.local.pull(bench.source())
        assert caught.value.retry_after == scripted.retry_after
        _goes_on(bench)

    def test_a_vendor_that_is_down_is_retryable(self, bench: Bench) -> None:
        """A 5xx or a refused connection is ``Retryable``; the next pull goes on."""
        bench.has("say")
        bench.script(Fault.DOWN, "pull")
        with pytest.raises(Retryable):
            bench.local.pull(bench.source())
        _goes_on(bench)

    def test_garbage_is_survived(self, bench: Bench) -> None:
        """Bytes that make no sense are ``Retryable`` or set aside, never another exception; the next pull goes on."""
        bench.has("say")
        bench.script(Fault.GARBAGE, "pull")
        with suppress(Retryable):
            bench.local.pull(bench.source())
        _goes_on(bench)

    def test_a_stop_is_honoured(self, bench: Bench) -> None:
        """A pull that is told to stop ends within a second, and does not say that it was complete."""
        _fill(bench)
        stop = threading.Event()
        pages = []

        def read() -> None:
            for page in bench.source().pull(bench.desk.manifest.streams[-1], None, lookup_nothing(), stop):
                pages.append(page)
                stop.set()
                since.append(time.monotonic())

        since: list[float] = []
        within(60, read)
        assert time.monotonic() - since[0] < STOP_LIMIT
        assert len(pages) <= 2
        assert pages[-1].more, "it was stopped in the middle, yet says more=False"

    def test_a_stop_is_honoured_while_the_vendor_is_silent(self, bench: Bench) -> None:
        """A pull that waits for the vendor ends within a second of being told to stop."""
        bench.script(Fault.SILENT, "pull")
        source, stop = bench.source(), threading.Event()
        stopper = threading.Timer(0.4, stop.set)
        stopper.start()
        within(
            0.4 + STOP_LIMIT,
            lambda: _quietly(lambda: list(source.pull(bench.desk.manifest.streams[-1], None, lookup_nothing(), stop))),
        )
        stopper.join()

    def test_news_are_told(self, bench: Bench) -> None:
        """``wait_for_news`` says yes when a customer writes while it waits or between two calls."""
        bench.needs("live_events")
        bench.has("say", "news")
        source, stop = bench.source(), threading.Event()
        assert isinstance(source, LiveSource)
        bench.local.pull(source)
        source.wait_for_news(stop, 0.2)
        bench.desk.say("News of a kit.")
        assert source.wait_for_news(stop, 15)

    def test_waiting_for_news_stops(self, bench: Bench) -> None:
        """``wait_for_news`` says no after its time, and ends within a second of being told to stop."""
        bench.needs("live_events")
        source, stop = bench.source(), threading.Event()
        assert isinstance(source, LiveSource)
        bench.local.pull(source)
        within(5, lambda: source.wait_for_news(stop, 0.2))
        stopper = threading.Timer(0.3, stop.set)
        stopper.start()

        def wait() -> None:
            while not stop.is_set():
                source.wait_for_news(stop, 30)

        within(0.3 + STOP_LIMIT, wait)
        stopper.join()

    def test_an_attachment_that_is_gone_is_told(self, bench: Bench) -> None:
        """Asking for an attachment that does not exist raises ``Gone``."""
        bench.needs("attachments")
        source = bench.source()
        assert isinstance(source, TicketSource)
        with pytest.raises(Gone):
            source.fetch_attachment("no-such-message", "no-such-file", lookup_nothing())


def _fill(bench: Bench) -> None:
    bench.has("fill")
    bench.desk.fill()


def _same(one: Local, other: Local) -> None:
    ours, theirs = one.dump(), other.dump()
    for table in theirs:
        assert ours[table] == theirs[table], f"table {table} differs"


def _goes_on(bench: Bench) -> None:
    bench.desk.heal()
    bench.desk.say("Still there, kit?")
    bench.local.pull(bench.source())
    assert any("Still there, kit?" in text for text in bench.local.texts())


def _quietly(call: Callable[[], object]) -> None:
    """Makes a call whose vendor is at fault: ``Retryable`` is as good as an early end."""
    with suppress(Retryable):
        call()
