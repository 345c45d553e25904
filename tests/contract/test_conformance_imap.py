"""The mailbox connector passes the conformance suite against a real Dovecot and Postfix."""

from __future__ import annotations

import email
import email.policy
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from typing import Any, ClassVar, NamedTuple

import pytest
from imapclient import IMAPClient

from carecli.connectors.imap import plan, submit
from carecli.connectors.imap.connector import ImapConnector
from carecli.connectors.imap.manifest import MANIFEST
from carecli.domain.conversation import Address
from carecli.testing import ConnectorContract, Desk, Fault, FixedSecrets, Scripted, Side, options_of
from mail_peer import FaultProxy, MailPeer

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("mail")]

SUPPORT = "support@care.test"
CUSTOMERS = "customers@care.test"
WRONG = "no-such-password"


class Ways(NamedTuple):
    """The ways to the servers, each with faults to switch on."""

    imap: FaultProxy
    smtp: FaultProxy


class MailDesk(Desk):
    manifest = MANIFEST
    manifest_at = "carecli.connectors.imap.manifest:MANIFEST"
    customer = Address("jane@customers.test", "Jane")
    secret_values = (MailPeer.password, WRONG)
    impossible: ClassVar[Mapping[str, str]] = {
        "throttle": "IMAP and SMTP have no answer that asks for fewer calls and says for how long",
    }

    def __init__(self, peer: MailPeer, ways: Ways, patch: pytest.MonkeyPatch) -> None:
        self._peer = peer
        self._ways = ways
        self._patch = patch
        self._password = peer.password
        self._said = 0

    def connector(self, *, good: bool = True) -> ImapConnector:
        options = options_of(
            MANIFEST,
            address=SUPPORT,
            imap_host=self._peer.host,
            imap_port=self._ways.imap.port,
            smtp_port=self._ways.smtp.port,
            smtp_tls="starttls",
            ca_file=str(self._peer.ca),
            timeout_seconds=10,
        )
        return ImapConnector("kit", options, FixedSecrets(password=self._password if good else WRONG))

    def _mail(self, text: str, subtype: str = "plain") -> bytes:
        self._said += 1
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"] = f"{self.customer.name} <{self.customer.email}>"
        mail["To"] = SUPPORT
        mail["Subject"] = f"Matter {self._said}"
        mail["Message-ID"] = f"<{time.time_ns()}.{self._said}@customers.test>"
        mail.set_content(text, subtype=subtype, charset="utf-8", cte="base64")
        return bytes(mail)

    def say(self, text: str) -> None:
        self._peer.save(self._mail(text))

    def say_html(self, html: str) -> None:
        self._peer.save(self._mail(html, "html"))

    def fill(self) -> None:
        with self._client() as client:
            for number in range(17):
                client.append("INBOX", self._mail(f"Mail {number}\n\nwith some text."))

    def _client(self) -> IMAPClient:
        client = IMAPClient(self._peer.host, self._peer.imaps, ssl_context=self._peer.tls())
        client.login(SUPPORT, self._peer.password)
        return client

    def delete(self, ticket: str) -> None:
        with self._client() as client:
            client.select_folder("INBOX")
            client.delete_messages(client.search(["ALL"]))
            client.expunge()

    def public(self) -> Sequence[str]:
        self._delivered()
        folder = self._peer.state / "mail" / CUSTOMERS / "Maildir"
        texts = []
        for file in (*folder.glob("new/*"), *folder.glob("cur/*")):
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = mail.get_body(("plain",))
            assert body is not None
            texts.append(f"{mail['Subject']}\n{body.get_content()}")
        return texts

    def _delivered(self) -> None:
        """Waits until Postfix has nothing under way."""
        spool = self._peer.state / "spool"
        deadline = time.monotonic() + 15
        while any(path.is_file() for name in ("maildrop", "incoming", "active") for path in (spool / name).rglob("*")):
            assert time.monotonic() < deadline, "Postfix does not deliver"
            time.sleep(0.02)

    def script(self, fault: Fault, on: Side) -> Scripted:
        way = self._ways.imap if on == "pull" else self._ways.smtp
        if fault is Fault.AUTH:
            self._password = WRONG
        elif fault in (Fault.DOWN, Fault.SILENT):
            way.set(mode="refuse" if fault is Fault.DOWN else "hang")
        elif fault is Fault.GARBAGE:
            self._peer.save(b"\x00\xff\xfeFrom nobody\x80\r\n" + os.urandom(2000))
        elif fault is Fault.REJECT:
            return Scripted(words="nobody@care.test", payload={"cc": [["nobody@care.test", ""]]})
        else:
            self._lose_answers()
        return Scripted()

    def _lose_answers(self) -> None:
        chunk = submit._chunk

        def lost(server: Any, data: bytes, *, last: bool) -> tuple[int, bytes]:
            answer = chunk(server, data, last=last)
            if last:
                server.close()
                raise ConnectionResetError
            return answer

        self._patch.setattr(submit, "_chunk", lost)

    def heal(self) -> None:
        self._password = self._peer.password
        self._patch.undo()
        for way in self._ways:
            way.set(reset=1)


@pytest.fixture(scope="module")
def ways(mail_peer: MailPeer) -> Iterator[Ways]:
    made = Ways(mail_peer.proxy(mail_peer.imaps), mail_peer.proxy(mail_peer.submission))
    yield made
    for way in made:
        way.stop()


class TestMailbox(ConnectorContract):
    @pytest.fixture
    def desk(self, mail_peer: MailPeer, ways: Ways, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
        for user in (SUPPORT, CUSTOMERS):
            mail_peer.empty(user)
        monkeypatch.setattr(plan, "PAGE_MAILS", 5)
        with pytest.MonkeyPatch.context() as patch:
            yield MailDesk(mail_peer, ways, patch)
