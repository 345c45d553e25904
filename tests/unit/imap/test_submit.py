from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from carecli.connectors.imap.compose import Outgoing
from carecli.connectors.imap.manifest import MANIFEST
from carecli.connectors.imap.settings import settings_of
from carecli.connectors.imap.submit import Submission
from carecli.connectors.spi.errors import Ambiguous, AuthNeeded, BadSetup, Rejected, Retryable

HANG_UP = ""


class Server:
    """An SMTP server on loopback that follows a script: answers by command, ``HANG_UP`` ends the connection."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.mails: list[tuple[list[str], bytes]] = []
        self.connections = 0
        self.chunks = b""
        self.extensions = ["AUTH PLAIN LOGIN XOAUTH2", "8BITMIME", "SIZE 1000000"]
        self.signed_in: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rwb") as wire:
                try:
                    self._talk(wire)
                except OSError:
                    continue

    def _say(self, wire: Any, command: str, default: str) -> bool:
        text = self.answers.get(command, default)
        if text == HANG_UP:
            return False
        wire.write(text.encode() + b"\r\n")
        wire.flush()
        return True

    def _talk(self, wire: Any) -> None:
        if not self._say(wire, "CONNECT", "220 ready"):
            return
        recipients: list[str] = []
        while line := wire.readline().decode("latin-1").strip():
            word = line[:4].upper()
            if word == "EHLO":
                lines = ["test", *self.extensions]
                text = "\r\n".join(f"250{' ' if each == lines[-1] else '-'}{each}" for each in lines)
                if not self._say(wire, "EHLO", text):
                    return
            elif word == "AUTH":
                self.signed_in.append(line)
                if not self._say(wire, "AUTH", "235 welcome"):
                    return
            elif word == "RCPT":
                address = line.partition("<")[2].rstrip(">")
                recipients.append(address)
                if not self._say(wire, f"RCPT {address}", "250 fine"):
                    return
            elif word == "DATA":
                if not self._say(wire, "DATA", "354 go on"):
                    return
                if self.answers.get("DATA", "354").startswith("354"):
                    content = b""
                    while not content.endswith(b"\r\n.\r\n"):
                        more = wire.readline()
                        if not more:
                            return
                        content += more
                        if self.answers.get("MIDDLE") == HANG_UP and len(content) > 100:
                            return
                    self.mails.append((list(recipients), content))
                    if not self._say(wire, "DOT", "250 queued"):
                        return
                recipients.clear()
            elif word == "BDAT":
                size = int(line.split()[1])
                if not self._say(wire, "CHUNK" if "LAST" not in line else "LAST", self._chunk(wire, size)):
                    return
                if "LAST" in line:
                    self.mails.append((list(recipients), self.chunks))
                    self.chunks = b""
            elif word in ("RSET", "MAIL", "NOOP"):
                recipients.clear()
                if not self._say(wire, word, "250 fine"):
                    return
            elif word == "QUIT":
                self._say(wire, "QUIT", "221 bye")
                return

    def _chunk(self, wire: Any, size: int) -> str:
        self.chunks += wire.read(size)
        return "250 got it"

    def close(self) -> None:
        self._listener.close()


class Secret:
    def get(self, name: str) -> str:
        return f"the {name}"

    def put(self, name: str, value: str) -> None:
        raise AssertionError(name, value)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def submission(server: Server, **changes: Any) -> Submission:
    options = {option.name: option.default for option in MANIFEST.options}
    options |= {"address": "support@care.test", "imap_host": "127.0.0.1", "smtp_port": server.port, "tls": "none"}
    options["timeout_seconds"] = 2
    return Submission(settings_of("support", options | changes), Secret())


def outgoing(content: bytes = b"Subject: x\r\n\r\n.dot\r\nend\r\n", *to: str) -> Outgoing:
    return Outgoing("<1@care.test>", content, to or ("jane@c.test", "joe@c.test"), "support@care.test")


def test_an_accepted_mail(server: Server) -> None:
    smtp = submission(server)
    smtp.send(outgoing())
    smtp.send(outgoing())
    smtp.close()
    assert (
        server.mails
        == [(["jane@c.test", "joe@c.test", "support@care.test"], b"Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n")] * 2
    )
    assert server.connections == 1


def test_a_quiet_connection_that_died_is_made_anew(server: Server) -> None:
    smtp = submission(server)
    smtp.send(outgoing())
    server.answers["NOOP"] = HANG_UP
    smtp.send(outgoing())
    smtp.close()
    assert (len(server.mails), server.connections) == (2, 2)


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("CONNECT", "421 too busy", Retryable),
        ("CONNECT", HANG_UP, Retryable),
        ("EHLO", HANG_UP, Retryable),
        ("AUTH", "535 5.7.8 wrong", AuthNeeded),
        ("AUTH", "454 4.7.0 try again", Retryable),
        ("MAIL", "550 not you", Rejected),
        ("MAIL", "452 full", Retryable),
        ("MAIL", HANG_UP, Retryable),
        ("RCPT joe@c.test", "550 no such user", Rejected),
        ("RCPT joe@c.test", "450 greylisted", Retryable),
        ("RCPT joe@c.test", "421 shutting down", Retryable),
        ("RCPT joe@c.test", HANG_UP, Retryable),
        ("DATA", "554 no", Rejected),
        ("DATA", "451 later", Retryable),
        ("DATA", HANG_UP, Retryable),
        ("DOT", "554 spam", Rejected),
        ("DOT", "451 later", Retryable),
        ("DOT", "421 shutting down", Retryable),
        ("DOT", HANG_UP, Ambiguous),
        ("DOT", "gibberish", Ambiguous),
    ],
)
def test_every_answer_has_its_recovery(server: Server, command: str, answer: str, error: type[Exception]) -> None:
    server.answers[command] = answer
    smtp = submission(server)
    with pytest.raises(error) as raised:
        smtp.send(outgoing())
    if answer[:1].isdigit() and command.startswith(("RCPT", "DOT", "DATA", "MAIL")):
        assert answer[4:] in str(raised.value)
    if command.startswith("RCPT") and error is Rejected:
        assert "joe@c.test" in str(raised.value)
    assert type(raised.value) is error
    if command != "DOT":
        assert server.mails == []
    server.answers.clear()
    smtp.send(outgoing())
    smtp.close()


def test_a_break_before_the_final_dot_is_safe_to_repeat(server: Server) -> None:
    server.answers["MIDDLE"] = HANG_UP
    smtp = submission(server)
    with pytest.raises((Retryable, Ambiguous)) as raised:
        smtp.send(outgoing(b"Subject: x\r\n\r\n" + b"line of text\r\n" * 2_000_000))
    assert type(raised.value) is Retryable
    assert server.mails == []
    smtp.close()


def test_silence_after_the_final_dot_is_ambiguous(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def silent(_self: Server, wire: Any, command: str, default: str) -> bool:
        if command == "DOT":
            release.wait(10)
            return False
        wire.write(default.encode() + b"\r\n")
        wire.flush()
        return True

    monkeypatch.setattr(Server, "_say", silent)
    smtp = submission(server, timeout_seconds=1)
    with pytest.raises(Ambiguous):
        smtp.send(outgoing())
    release.set()
    smtp.close()


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("CHUNK", HANG_UP, Retryable),
        ("CHUNK", "451 later", Retryable),
        ("CHUNK", "552 too big", Rejected),
        ("LAST", HANG_UP, Ambiguous),
        ("LAST", "554 spam", Rejected),
    ],
)
def test_with_chunking_only_the_last_bytes_are_in_doubt(
    server: Server, command: str, answer: str, error: type[Exception]
) -> None:
    server.extensions.append("CHUNKING")
    smtp = submission(server)
    server.answers[command] = answer
    with pytest.raises(error) as raised:
        smtp.send(outgoing())
    assert type(raised.value) is error
    server.answers.clear()
    server.mails.clear()
    server.chunks = b""
    smtp.send(outgoing())
    smtp.close()
    assert [content for _, content in server.mails] == [b"Subject: x\r\n\r\n.dot\r\nend\r\n"]


def test_the_copy_to_ourselves_may_be_refused(server: Server) -> None:
    server.answers["RCPT support@care.test"] = "550 not to yourself"
    smtp = submission(server)
    smtp.send(outgoing())
    smtp.close()
    assert len(server.mails) == 1


def test_tokens_sign_in(server: Server) -> None:
    smtp = submission(server, auth="xoauth2")
    smtp.open()
    smtp.close()
    word, way, token = server.signed_in[0].split()
    assert (word, way) == ("AUTH", "XOAUTH2")
    assert base64.b64decode(token) == b"user=support@care.test\1auth=Bearer the token\1\1"


def test_servers_without_sign_in_or_encryption(server: Server) -> None:
    with pytest.raises(BadSetup) as plain:
        submission(server, smtp_tls="starttls").open()
    assert plain.value.code == "TLS_REQUIRED"
    assert server.signed_in == []
    with pytest.raises(BadSetup) as wrong_port:
        submission(server, smtp_tls="implicit").open()
    assert wrong_port.value.code == "TLS_HANDSHAKE"
    server.extensions = ["8BITMIME"]
    with pytest.raises(BadSetup) as no_auth:
        submission(server).open()
    assert no_auth.value.code == "SMTP_NO_AUTH"


def test_nobody_listens(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Retryable):
        submission(server, smtp_port=port).open()
