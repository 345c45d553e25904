"""Exactly one copy of what we sent lies in the folder of sent mail, also when two programs put it away at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from carecli.connectors.imap.connector import ImapConnector
from carecli.connectors.imap.manifest import MANIFEST
from carecli.connectors.imap.session import Session
from carecli.connectors.imap.settings import settings_of
from carecli.connectors.imap.settle import keep_one, settle
from carecli.domain.ids import ulid
from mail_peer import MailPeer
from memory_store import MemoryStore

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("mail")]
USER = "agent3@care.test"


class Password:
    def get(self, name: str) -> str:
        return MailPeer.password if name == "password" else ""

    def put(self, name: str, value: str) -> None:
        raise AssertionError(name, value)


def options(peer: MailPeer) -> dict[str, Any]:
    found: dict[str, Any] = {option.name: option.default for option in MANIFEST.options}
    return found | {"address": USER, "imap_host": peer.host, "imap_port": peer.imap, "tls": "none"}


def saved(peer: MailPeer, number: int, *, folders: tuple[str, ...] = ("INBOX",)) -> str:
    message_id = f"<{ulid(1_790_000_000_000, number.to_bytes(10))}@care.test>"
    raw = f"From: {USER}\r\nTo: c@customers.test\r\nSubject: Re: {number}\r\nMessage-ID: {message_id}\r\n\r\nYes.\r\n"
    for folder in folders:
        peer.save(raw.encode(), USER, folder)
    return message_id


def copies(peer: MailPeer, message_id: str, folder: str = "Sent") -> int:
    return len(peer.adm("search", "-u", USER, "mailbox", folder, "HEADER", "Message-ID", message_id).splitlines())


@pytest.fixture
def sessions(mail_peer: MailPeer) -> list[Session]:
    mail_peer.empty(USER)
    return [Session(settings_of("support", options(mail_peer)), Password()) for _ in range(2)]


def test_two_programs_move_the_same_copy_at_once(mail_peer: MailPeer, sessions: list[Session]) -> None:
    for session in sessions:
        session.select("INBOX")
    for number in range(20):
        message_id = saved(mail_peer, number)
        uid = number + 1
        together = threading.Barrier(2)

        def work(session: Session, uid: int = uid, name: str = message_id, start: threading.Barrier = together) -> None:
            session.select("INBOX", again=True)
            start.wait(10)
            settle(session, "INBOX", uid, name)
            keep_one(session, name)

        threads = [threading.Thread(target=work, args=(session,)) for session in sessions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert (copies(mail_peer, message_id), copies(mail_peer, message_id, "INBOX")) == (1, 0)
    for session in sessions:
        session.close()


def test_a_twin_in_the_sent_folder_is_removed_by_the_next_pull(mail_peer: MailPeer, sessions: list[Session]) -> None:
    del sessions  # only the empty mailbox is wanted
    message_id = saved(mail_peer, 99, folders=("Sent", "Sent"))
    assert copies(mail_peer, message_id) == 2
    connector = ImapConnector("support", options(mail_peer), Password())
    store = MemoryStore()
    for page in connector.pull("mail", None, store, threading.Event()):
        store.commit(page)
    connector.close()
    assert copies(mail_peer, message_id) == 1
    assert [message.message_id for message in store.messages.values()] == [message_id]
