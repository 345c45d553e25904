from __future__ import annotations

import threading
import time

import pytest

from carecli.connectors.imap.cursor import decode, encode
from carecli.connectors.imap.plan import PAGE_BYTES, PAGE_MAILS, NewMail, compare, gone, in_order, pages_of
from carecli.connectors.imap.session import FolderState, Listed, uid_set
from carecli.connectors.imap.worker import Stopped, Worker, cutting
from carecli.connectors.spi.records import FlagsChanged, PlacesGone


def new(uid: int, *, arrived: int = 0, size: int = 1, folder: str = "INBOX", order: int = 1) -> NewMail:
    return NewMail(folder, 1, order, Listed(uid, arrived, size, ()))


def test_cursors_come_back_and_foreign_ones_mean_nothing() -> None:
    states = {"INBOX": FolderState(1, 2, 3, 4), "Gesendete Öbjekte": FolderState(5, 6, None, 0)}
    assert decode(encode(states)) == states
    for foreign in (None, "", "{}", "[1]", "nonsense", '{"folders":{"INBOX":[1]}}', '{"folders":3}'):
        assert decode(foreign) == {}


def test_new_mail_comes_in_order_of_arrival_over_all_folders() -> None:
    mails = [new(3, arrived=20), new(1, arrived=10), new(9, arrived=10, folder="Sent", order=0), new(2, arrived=10)]
    assert [(each.folder, each.listed.uid) for each in in_order(mails)] == [
        ("Sent", 9),
        ("INBOX", 1),
        ("INBOX", 2),
        ("INBOX", 3),
    ]


def test_pages_are_bounded_by_count_and_size() -> None:
    assert [len(page) for page in pages_of([new(n) for n in range(PAGE_MAILS * 2 + 1)])] == [PAGE_MAILS, PAGE_MAILS, 1]
    big = [new(1), new(2, size=PAGE_BYTES * 3), new(3), new(4, size=PAGE_BYTES - 1), new(5)]
    assert [[each.listed.uid for each in page] for page in pages_of(big)] == [[1], [2], [3, 4], [5]]
    assert list(pages_of([])) == []


def test_flags_and_removals() -> None:
    stored = {1: ("\\Seen",), 2: (), 3: ("b", "a")}
    found = {1: (), 2: (), 3: ("a", "b"), 4: ("x",)}
    assert list(compare("INBOX", 7, stored, found)) == [FlagsChanged(folder="INBOX", uidvalidity=7, uid=1, flags=())]
    assert gone("INBOX", 7, []) == []
    assert gone("INBOX", 7, [3, 1]) == [PlacesGone(folder="INBOX", uidvalidity=7, uids=(1, 3))]


@pytest.mark.parametrize(
    ("uids", "text"), [([], ""), ([5], "5"), ([3, 1, 2], "1:3"), ([1, 3, 4, 9], "1,3:4,9"), ([0, 1], "0:1")]
)
def test_uid_sets(uids: list[int], text: str) -> None:
    assert uid_set(uids) == text


def test_a_call_that_hangs_is_cut_within_a_second() -> None:
    cut, stop = threading.Event(), threading.Event()
    worker = Worker("test", cut.set)
    assert worker.call(lambda: 5, stop) == 5
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        worker.call(lambda: cut.wait(10), stop)
    assert time.monotonic() - began < 1
    worker.end()


def test_errors_of_a_call_come_to_the_caller() -> None:
    def fail() -> None:
        raise KeyError("x")

    worker = Worker("test", lambda: None)
    with pytest.raises(KeyError):
        worker.call(fail, threading.Event())
    worker.end()


def test_a_connection_is_cut_when_the_caller_itself_waits() -> None:
    cut, stop = threading.Event(), threading.Event()
    with cutting(stop, cut.set):
        stop.set()
        assert cut.wait(1)
    later, stop = threading.Event(), threading.Event()
    with cutting(stop, later.set):
        pass
    stop.set()
    assert not later.wait(0.3)
