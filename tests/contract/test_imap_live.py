"""The mailbox connector against a real Dovecot and Postfix."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from carecli.connectors.imap.connector import ImapConnector
from carecli.connectors.imap.manifest import MANIFEST
from carecli.connectors.spi.errors import Ambiguous, AuthNeeded, BadSetup, Gone, Rejected, Retryable, Unsupported
from carecli.connectors.spi.protocols import LiveSource, TicketSource
from carecli.connectors.spi.records import (
    FlagsChanged,
    MessageRecord,
    NoteRequest,
    OutgoingFile,
    Page,
    PlaceRecord,
    PlacesGone,
    PushResult,
    QuotedMessage,
    ReplyRequest,
    TicketHandle,
)
from carecli.domain.conversation import Address, AuthorKind, Direction, MessageKind
from carecli.domain.ids import ulid
from mail_peer import FaultProxy, MailPeer
from memory_store import MemoryStore

pytestmark = pytest.mark.peer

SUPPORT = "support@care.test"
Proxies = Callable[[int], FaultProxy]


class Password:
    def __init__(self, value: str) -> None:
        self.value = value

    def get(self, name: str) -> str:
        assert name == "password"
        return self.value

    def put(self, name: str, value: str) -> None:
        raise AssertionError(name, value)


def connector(peer: MailPeer, *, user: str = SUPPORT, password: str = "", **changes: Any) -> ImapConnector:
    options = {option.name: option.default for option in MANIFEST.options}
    options |= {
        "address": user,
        "imap_host": peer.host,
        "imap_port": peer.imaps,
        "smtp_port": peer.submission,
        "smtp_tls": "starttls",
        "ca_file": str(peer.ca),
        "timeout_seconds": 10,
    }
    return ImapConnector("support", options | changes, Password(password or peer.password))


def sync(source: ImapConnector, store: MemoryStore, *, pages: int | None = None) -> list[Page]:
    """Pulls and commits, page by page; ``pages`` stops after so many, as a killed process would."""
    seen: list[Page] = []
    for page in source.pull("mail", store.cursor, store, threading.Event()):
        store.commit(page)
        seen.append(page)
        if pages is not None and len(seen) >= pages:
            break
    return seen


def messages(pages: list[Page]) -> list[MessageRecord]:
    return [record for page in pages for record in page.records if isinstance(record, MessageRecord)]


def mail(subject: str, text: str = "hello", *, sender: str = "jane@customers.test", more: str = "") -> bytes:
    name = hashlib.sha256(f"{subject}{text}{time.time_ns()}".encode()).hexdigest()[:16]
    return (
        f"From: Jane <{sender}>\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMessage-ID: <{name}@customers.test>\r\n"
        f"{more}\r\n{text}\r\n"
    ).encode()


def operation(number: int) -> str:
    return ulid(int(time.time() * 1000), number.to_bytes(10))


def imap(peer: MailPeer, user: str = SUPPORT) -> IMAPClient:
    client = IMAPClient(peer.host, peer.imaps, ssl_context=peer.tls())
    client.login(user, peer.password)
    return client


@pytest.fixture
def box(mail_peer: MailPeer) -> Iterator[ImapConnector]:
    """A connector to an empty mailbox."""
    mail_peer.empty(SUPPORT)
    mail_peer.empty("customers@care.test")
    source = connector(mail_peer)
    yield source
    source.close()


@pytest.fixture
def proxied(mail_peer: MailPeer) -> Iterator[Proxies]:
    """Makes fault proxies in front of ports and ends them."""
    made: list[FaultProxy] = []

    def make(port: int) -> FaultProxy:
        made.append(mail_peer.proxy(port))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def seeded(mail_peer: MailPeer) -> Path:
    return mail_peer.seed(2000)


def truth_of(home: Path) -> list[dict[str, Any]]:
    """What the seed says, with the hash of each mail as it comes over the wire (IMAP sends CRLF line ends)."""
    rows = [json.loads(line) for line in (home / "truth.jsonl").read_text().splitlines()]
    for row in rows:
        folder = home / "Maildir" / (".Sent/cur" if row["folder"] == "Sent" else "cur")
        stem = row["file"].partition(":")[0]
        source = next(folder.glob(f"{stem}*")).read_bytes()
        row["wire"] = hashlib.sha256(re.sub(rb"\r?\n", b"\r\n", source)).hexdigest()
    return rows


def test_full_pull_brings_every_mail_once_and_threads_it(mail_peer: MailPeer, seeded: Path) -> None:
    source, store = connector(mail_peer), MemoryStore()
    pages = sync(source, store)
    rows = truth_of(seeded)
    assert {row["wire"] for row in rows} == set(store.messages)
    assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
    assert pages[-1].seen == pages[-1].total == len(rows)
    for row in rows:
        message = store.messages[row["wire"]]
        assert message.message_id == (row["mid"] and "".join(row["mid"].split()))
        assert (message.direction is Direction.OUT) == (row["folder"] == "Sent")
        assert message.body_text.strip()
        assert store.sources[row["wire"]]
    _check_threads(rows, store)
    began = time.perf_counter()
    again = sync(source, store)
    assert time.perf_counter() - began < 1
    assert [page.records for page in again] == [()]
    source.close()


def _check_threads(rows: list[dict[str, Any]], store: MemoryStore) -> None:
    """A mail's headers allow threading when its In-Reply-To, References or reported original name a Message-ID or
    reference of an earlier mail of its true thread; it must then lie in a ticket with one of those mails.
    """
    by_thread: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_thread[row["thread"]].append(row)
    allowed = right = 0
    for thread in by_thread.values():
        seen: dict[str, set[str]] = defaultdict(set)
        for row in thread:
            message = store.messages[row["wire"]]
            ticket = store.ticket_of(message.ticket)
            names = {message.in_reply_to, message.bounce_of, *message.references} - {None}
            near = {each for name in names for each in seen[str(name)]}
            if near:
                allowed += 1
                right += ticket in {store.ticket_of(each) for each in near}
            for name in names | {message.message_id}:
                seen[str(name)].add(message.ticket)
    mixed: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        mixed[store.ticket_of(store.messages[row["wire"]].ticket)].add(row["thread"])
    strangers = sum(len(each) > 1 for each in mixed.values())
    print(f"threading: {right} of {allowed} mails whose headers allow it; {strangers} tickets mix threads")
    assert allowed > len(rows) / 2
    assert right / allowed >= 0.99
    assert strangers == 0


@pytest.mark.usefixtures("seeded")
def test_a_killed_pull_resumes_exactly(mail_peer: MailPeer) -> None:
    undisturbed, store = MemoryStore(), MemoryStore()
    source = connector(mail_peer)
    sync(source, undisturbed)
    for _ in range(3):
        sync(source, store, pages=2)
    sync(source, store)
    assert store.messages.keys() == undisturbed.messages.keys()
    assert store.where == undisturbed.where
    assert {key: store.ticket_of(value.ticket) for key, value in store.messages.items()} == {
        key: undisturbed.ticket_of(value.ticket) for key, value in undisturbed.messages.items()
    }
    source.close()


@pytest.mark.usefixtures("seeded")
def test_stop_is_honoured_and_nothing_is_said_to_be_complete(mail_peer: MailPeer) -> None:
    source, store, stop = connector(mail_peer), MemoryStore(), threading.Event()
    pages = []
    for page in source.pull("mail", None, store, stop):
        store.commit(page)
        pages.append(page)
        stop.set()
    assert len(pages) == 1
    assert pages[0].more
    sync(source, store)
    assert len(store.messages) == 2000
    source.close()


@pytest.mark.usefixtures("seeded")
def test_a_connection_that_is_cut_again_and_again_loses_and_doubles_nothing(
    mail_peer: MailPeer, proxied: Proxies
) -> None:
    proxy, store = proxied(mail_peer.imaps), MemoryStore()
    source = connector(mail_peer, imap_port=proxy.port)
    cuts = 0
    for size in (1, 5_000, 400_000, 900_000, 2_500_000, 0):
        proxy.set(cut_down=size)
        try:
            sync(source, store)
        except Retryable:
            cuts += 1
    assert cuts == 5
    assert len(store.messages) == 2000
    assert sync(source, store)[-1].records == ()
    source.close()


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("fault", [{"mode": "hang"}, {"stall": 1}])
def test_stop_ends_a_pull_while_the_server_is_silent(
    mail_peer: MailPeer, proxied: Proxies, fault: dict[str, Any]
) -> None:
    proxy, stop = proxied(mail_peer.imaps), threading.Event()
    source = connector(mail_peer, imap_port=proxy.port)
    if "mode" in fault:
        proxy.set(**fault)
    else:
        threading.Timer(0.15, proxy.set, kwargs=fault).start()
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    pages = list(source.pull("mail", None, MemoryStore(), stop))
    assert time.monotonic() - began < 1.5
    assert all(page.more for page in pages)
    source.close()


def test_a_submission_that_breaks_is_ambiguous_only_at_its_end(
    mail_peer: MailPeer, proxied: Proxies, box: ImapConnector
) -> None:
    mail_peer.deliver(mail("Fragile"))
    store = MemoryStore()
    (question,) = messages(sync(box, store))
    proxy = proxied(mail_peer.submission)
    source = connector(mail_peer, smtp_port=proxy.port)
    big = OutgoingFile(filename="big.bin", mime="application/octet-stream", content=bytes(400_000))
    proxy.set(cut_up=200_000)
    for number in (20, 21):
        with pytest.raises(Retryable):
            source.send_reply(reply_to(question, number, files=(big,)))
    proxy.set(cut_up=0)
    source.send_reply(reply_to(question, 22, files=(big,)))
    time.sleep(0.5)
    assert mail_peer.count("customers@care.test") == 1
    source.close()


@pytest.mark.parametrize("lacking", [(), ("QRESYNC",), ("CONDSTORE", "QRESYNC", "ENABLE", "MOVE", "UIDPLUS", "IDLE")])
def test_new_flagged_moved_and_removed_mail(
    mail_peer: MailPeer, box: ImapConnector, monkeypatch: pytest.MonkeyPatch, lacking: tuple[str, ...]
) -> None:
    offered = IMAPClient.capabilities
    monkeypatch.setattr(
        IMAPClient,
        "capabilities",
        lambda client: tuple(each for each in offered(client) if each.decode() not in lacking),
    )
    store = MemoryStore()
    for number in range(5):
        mail_peer.save(mail(f"case {number}"))
    assert len(messages(sync(box, store))) == 5
    assert sorted(store.places_in("INBOX")) == [1, 2, 3, 4, 5]
    assert sync(box, store)[-1].records == ()

    mail_peer.save(mail("case 6"))
    new = messages(sync(box, store))
    assert [each.subject for each in new] == ["case 6"]
    assert new[0].unread

    client = imap(mail_peer)
    client.select_folder("INBOX")
    client.add_flags([2], [b"\\Seen", b"\\Flagged"])
    changed = [record for page in sync(box, store) for record in page.records]
    assert [type(each) for each in changed] == [FlagsChanged]
    assert store.places_in("INBOX")[2] == ("\\Flagged", "\\Seen")

    client.delete_messages([1])
    client.expunge()
    gone = [record for page in sync(box, store) for record in page.records]
    assert gone == [PlacesGone(folder="INBOX", uidvalidity=gone[0].uidvalidity, uids=(1,))]  # type: ignore[union-attr]
    assert len(store.messages) == 6

    client.copy([3], "Sent")
    client.delete_messages([3])
    client.expunge()
    moved = [record for page in sync(box, store) for record in page.records]
    assert {type(each) for each in moved} == {PlacesGone, PlaceRecord}
    assert list(store.places_in("Sent")) == [1]
    assert sorted(store.places_in("INBOX")) == [2, 4, 5, 6]

    client.delete_messages([4])
    client.expunge()
    mail_peer.save(mail("case 7"))  # as many messages as before, yet others
    sync(box, store)
    assert sorted(store.places_in("INBOX")) == [2, 5, 6, 7]
    assert sync(box, store)[-1].records == ()
    client.logout()


def test_uidvalidity_change_brings_no_message_twice(mail_peer: MailPeer, box: ImapConnector) -> None:
    store = MemoryStore()
    for number in range(3):
        mail_peer.save(mail(f"case {number}"))
    sync(box, store)
    before = dict(store.messages)
    mail_peer.adm("mailbox", "update", "--uid-validity", "987654321", "-u", SUPPORT, "INBOX")
    pages = sync(box, store)
    assert messages(pages) == []
    assert store.messages == before
    assert list(store.places("INBOX", 987654321)) == [1, 2, 3]
    assert len(store.places_in("INBOX")) == 3


@pytest.mark.usefixtures("seeded")
def test_since_reads_only_newer_mail(mail_peer: MailPeer) -> None:
    source, store = connector(mail_peer, since="2026-10-25"), MemoryStore()
    sync(source, store)
    assert 0 < len(store.messages) < 2000
    assert sync(source, store)[-1].records == ()
    source.close()


def test_dropped_connections_are_made_anew(mail_peer: MailPeer, box: ImapConnector) -> None:
    store = MemoryStore()
    box.check()
    assert not box.wait_for_news(threading.Event(), 0.1)
    mail_peer.adm("kick", SUPPORT)
    time.sleep(0.2)
    mail_peer.save(mail("after the kick"))
    with pytest.raises(Retryable):
        box.wait_for_news(threading.Event(), 10)
    assert len(messages(sync(box, store))) == 1
    assert isinstance(box.wait_for_news(threading.Event(), 0.1), bool)


def test_news_are_pushed_and_stop_ends_the_wait(mail_peer: MailPeer, box: ImapConnector) -> None:
    store, stop = MemoryStore(), threading.Event()
    sync(box, store)
    assert not box.wait_for_news(stop, 0.2)
    timer = threading.Timer(0.3, mail_peer.save, [mail("news")])
    timer.start()
    began = time.monotonic()
    assert box.wait_for_news(stop, 10)
    assert time.monotonic() - began < 4
    timer.join()
    assert len(messages(sync(box, store))) == 1
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    while not stop.is_set():
        box.wait_for_news(stop, 30)
    assert time.monotonic() - began < 1.5


def test_mail_between_pull_and_wait_is_news(mail_peer: MailPeer, box: ImapConnector) -> None:
    store = MemoryStore()
    sync(box, store)
    mail_peer.save(mail("in between"))
    began = time.monotonic()
    assert box.wait_for_news(threading.Event(), 10)
    assert time.monotonic() - began < 1


def reply_to(message: MessageRecord, number: int, **changes: Any) -> ReplyRequest:
    request: dict[str, Any] = {
        "operation_id": operation(number),
        "created_at": int(time.time() * 1000),
        "ticket": TicketHandle(external_id=message.ticket, number="1", subject=message.subject or ""),
        "body_text": "Grüße aus Köln,\n\nyour parcel is on its way. " + "word " * 40,
        "to": tuple(Address(each) for each in message.author.emails),
        "answers": QuotedMessage(
            author=message.author.name or "",
            sent_at=message.sent_at,
            body_text=message.body_text,
            message_id=message.message_id,
            references=message.references,
        ),
    }
    return ReplyRequest(**(request | changes))


def test_a_reply_arrives_once_threads_and_lies_in_sent_once(mail_peer: MailPeer, box: ImapConnector) -> None:
    store = MemoryStore()
    mail_peer.deliver(mail("Where is my order?", "It is late."))
    (question,) = messages(sync(box, store))
    content = bytes(range(256)) * 40
    request = reply_to(
        question, 1, files=(OutgoingFile(filename="Übersicht.pdf", mime="application/pdf", content=content),)
    )
    result = box.send_reply(request)
    assert result.message_id == f"<{request.operation_id}@care.test>"

    assert mail_peer.wait_for("customers@care.test", 1) == 1
    (sent,) = messages(sync(box, store))
    assert mail_peer.count(SUPPORT, "Sent") == 1
    assert mail_peer.count(SUPPORT, "INBOX") == 1
    assert sent.ticket == question.ticket
    assert (sent.direction, sent.kind, sent.mark) == (Direction.OUT, MessageKind.AGENT, request.operation_id)
    assert sent.subject == "Re: Where is my order?"
    assert sent.body_text.startswith(request.body_text.rstrip())
    assert sent.quoted_from is not None
    assert sent.body_text[sent.quoted_from :].startswith("On ")
    assert sent.in_reply_to == question.message_id
    (place,) = [record for at in store.where.values() for record in at.values() if record[0] == sent.external_id]
    assert "\\Seen" in place[1]
    (file,) = sent.attachments
    assert (file.filename, file.sha256) == ("Übersicht.pdf", hashlib.sha256(content).hexdigest())
    assert box.fetch_attachment(sent.external_id, file.external_id, store) == content
    assert sync(box, store)[-1].records == ()
    assert isinstance(box.verify(request.operation_id, request), PushResult)
    time.sleep(0.3)
    assert mail_peer.count("customers@care.test", "INBOX") == 1


def test_a_late_copy_is_put_away_by_the_pull(
    mail_peer: MailPeer, box: ImapConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImapConnector, "_briefly", lambda *_: None)
    store = MemoryStore()
    mail_peer.deliver(mail("Late copy"))
    (question,) = messages(sync(box, store))
    request = reply_to(question, 2)
    assert box.verify(request.operation_id, request) == "unsure"
    box.send_reply(request)
    mail_peer.wait_for(SUPPORT, 2)
    (sent,) = messages(sync(box, store))
    assert (sent.mark, sent.direction, sent.ticket) == (request.operation_id, Direction.OUT, question.ticket)
    assert mail_peer.count(SUPPORT, "Sent") == 1
    assert mail_peer.count(SUPPORT, "INBOX") == 1
    sync(box, store)
    assert len(store.messages) == 2
    assert len(store.places_in("Sent")) == 1


def test_a_send_without_a_copy_is_for_a_person_once_the_wait_is_over(
    mail_peer: MailPeer, box: ImapConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_peer.deliver(mail("Vanished"))
    (question,) = messages(sync(box, MemoryStore()))
    fresh = reply_to(question, 30)
    assert box.verify(fresh.operation_id, fresh) == "unsure"
    old = reply_to(question, 31, created_at=int(time.time() * 1000) - 601_000)
    with pytest.raises(Ambiguous, match="within 10 minutes; it may or may not have been sent") as caught:
        box.verify(old.operation_id, old)
    assert f"carecli outbox resolve {old.operation_id} --send|--discard" in caught.value.help
    impatient = connector(mail_peer, verify_wait_seconds=0)
    with pytest.raises(Ambiguous):
        impatient.verify(fresh.operation_id, fresh)
    impatient.close()

    def lost(*_: object) -> None:
        raise Ambiguous("no answer")

    # Written long ago, sent just now: the wait begins with the attempt.
    with monkeypatch.context() as patched:
        patched.setattr("carecli.connectors.imap.submit.Submission.send", lost)
        with pytest.raises(Ambiguous):
            box.send_reply(old)
    assert box.verify(old.operation_id, old) == "unsure"
    box.send_reply(old)
    mail_peer.wait_for("customers@care.test", 1)
    late = connector(mail_peer)
    assert isinstance(late.verify(old.operation_id, old), PushResult)
    late.close()


def test_verify_finds_the_copy_and_settles_it(
    mail_peer: MailPeer, box: ImapConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImapConnector, "_briefly", lambda *_: None)
    mail_peer.deliver(mail("Unanswered"))
    (question,) = messages(sync(box, MemoryStore()))
    request = reply_to(question, 3)
    box.send_reply(request)
    mail_peer.wait_for(SUPPORT, 2)
    assert box.verify(request.operation_id, request) == PushResult(message_id=f"<{request.operation_id}@care.test>")
    assert mail_peer.count(SUPPORT, "Sent") == 1
    assert mail_peer.count(SUPPORT, "INBOX") == 1


def test_a_provider_that_keeps_sent_mail_itself_makes_no_second_copy(
    mail_peer: MailPeer, box: ImapConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImapConnector, "_briefly", lambda *_: None)
    store = MemoryStore()
    mail_peer.deliver(mail("Autosave"))
    (question,) = messages(sync(box, store))
    request = reply_to(question, 4)
    box.send_reply(request)
    mail_peer.wait_for(SUPPORT, 2)
    client = imap(mail_peer)
    client.select_folder("INBOX", readonly=True)
    client.copy([2], "Sent")
    client.logout()
    sync(box, store)
    sync(box, store)
    assert mail_peer.count(SUPPORT, "Sent") == 1
    assert mail_peer.count(SUPPORT, "INBOX") == 1
    assert len(store.messages) == 2


def test_a_refused_recipient_stops_the_whole_send(mail_peer: MailPeer, box: ImapConnector) -> None:
    mail_peer.deliver(mail("Refused"))
    (question,) = messages(sync(box, MemoryStore()))
    request = reply_to(question, 5, cc=(Address("nobody@care.test"),))
    with pytest.raises(Rejected, match=r"nobody@care\.test.*550"):
        box.send_reply(request)
    with pytest.raises(Rejected) as none:
        box.send_reply(reply_to(question, 6, to=()))
    assert none.value.code == "NO_RECIPIENT"
    time.sleep(0.3)
    assert mail_peer.count("customers@care.test") == 0


def test_a_bounce_returns_to_the_ticket_of_its_original(mail_peer: MailPeer, box: ImapConnector) -> None:
    store = MemoryStore()
    request = ReplyRequest(
        operation_id=operation(7),
        created_at=int(time.time() * 1000),
        ticket=TicketHandle(external_id=None, number=None, subject="Your refund"),
        subject="Your refund",
        body_text="Here it is.",
        to=(Address("bounce1@customers.test"),),
    )
    box.send_reply(request)
    mail_peer.wait_for(SUPPORT, 1)
    time.sleep(0.5)
    sync(box, store)
    sync(box, store)
    kinds = {each.kind: each for each in store.messages.values()}
    report, sent = kinds[MessageKind.SYSTEM], kinds[MessageKind.AGENT]
    assert report.bounce_of == sent.message_id == f"<{request.operation_id}@care.test>"
    assert report.ticket == sent.ticket
    assert report.automatic
    assert report.author_kind is AuthorKind.SYSTEM
    assert "5." in (report.failure or "")
    assert [each.requester and each.requester.emails for each in store.tickets.values()] == [
        ("bounce1@customers.test",)
    ]


def test_our_plus_addresses_and_lists_are_no_customers(mail_peer: MailPeer, box: ImapConnector) -> None:
    store = MemoryStore()
    mail_peer.save(mail("from ourselves", sender="support+team@care.test"))
    mail_peer.save(mail("from a list", more="List-Id: <news.customers.test>\r\n"))
    sync(box, store)
    by_subject = {each.subject: each for each in store.messages.values()}
    assert by_subject["from ourselves"].direction is Direction.OUT
    assert by_subject["from a list"].author_kind is AuthorKind.THIRD_PARTY
    assert all(each.requester is None for each in store.tickets.values())


def test_signing_in(mail_peer: MailPeer, tmp_path: Path) -> None:
    good = connector(mail_peer)
    assert isinstance(good, TicketSource)
    assert isinstance(good, LiveSource)
    assert good.check().identity == f"{SUPPORT} ({SUPPORT})"
    assert good.check().notes == ()
    good.close()
    plain = connector(mail_peer, imap_tls="starttls", imap_port=mail_peer.imap)
    assert plain.check().notes == ()
    plain.close()
    with pytest.raises(AuthNeeded) as wrong:
        connector(mail_peer, password="wrong").check()
    assert wrong.value.code == "AUTH_FAILED"
    for change in ({"imap_host": "no-such-host.invalid"}, {"imap_port": 1}):
        with pytest.raises(Retryable):
            connector(mail_peer, **change).check()
    with pytest.raises(BadSetup) as untrusted:
        connector(mail_peer, ca_file=None).check()
    assert untrusted.value.code == "TLS_CERTIFICATE"
    with pytest.raises(BadSetup) as plaintext:
        connector(mail_peer, imap_host="mail.example.com", tls="none")
    assert plaintext.value.code == "TLS_REQUIRED"
    with pytest.raises(BadSetup) as handshake:
        connector(mail_peer, imap_port=mail_peer.imap).check()
    assert handshake.value.code == "TLS_HANDSHAKE"
    with pytest.raises(BadSetup):
        connector(mail_peer, ca_file=str(tmp_path / "none.pem")).check()


@pytest.mark.usefixtures("box")
def test_a_folder_that_vanished_is_told_after_the_others_were_read(mail_peer: MailPeer) -> None:
    mail_peer.save(mail("still read"))
    source, store = connector(mail_peer, folders=("Gone away", "INBOX")), MemoryStore()
    with pytest.raises(Gone, match="Gone away"):
        sync(source, store)
    assert len(store.messages) == 1
    source.close()


def test_what_a_mailbox_cannot_do(box: ImapConnector) -> None:
    note = NoteRequest(
        operation_id=operation(8),
        created_at=0,
        ticket=TicketHandle(external_id="thread:0", number="1", subject=""),
        body_text="secret",
    )
    with pytest.raises(Unsupported, match="notes stay local"):
        box.add_note(note)
    with pytest.raises(Unsupported):
        list(box.pull("calls", None, MemoryStore(), threading.Event()))
    with pytest.raises(Gone):
        box.fetch_attachment("0", "1", MemoryStore())
