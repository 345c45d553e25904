"""SMTP submission with an exact answer: sent, not sent, or (only at the end of DATA) impossible to know."""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Callable
from contextlib import suppress

from carecli.connectors.imap.compose import Outgoing, envelope
from carecli.connectors.imap.faults import sign_in_fault, translated, words_of
from carecli.connectors.imap.settings import Settings, require_starttls, tls_context
from carecli.connectors.spi.errors import Ambiguous, BadSetup, Rejected, Retryable
from carecli.connectors.spi.protocols import Secrets

_LAST = 2  # bytes of the chunk that ends a mail: its last line end; some servers dislike an empty one
_LEADING_DOT = re.compile(rb"(?m)^\.")
_IDLE_LIMIT = 20  # seconds after which a quiet connection is made anew


class Submission:
    """A signed-in SMTP connection, opened when needed and kept for the next mail."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._server: smtplib.SMTP | None = None
        self._used = 0.0
        self.before_effect: Callable[[], None] = lambda: None

    def open(self) -> smtplib.SMTP:
        """The signed-in connection. Raises ``AuthNeeded``, ``Retryable`` or ``BadSetup``."""
        if self._server is not None and (time.monotonic() - self._used > _IDLE_LIMIT or not self._alive()):
            self.close()
        if self._server is None:
            with translated(self._settings.smtp):
                try:
                    self._server = self._connect()
                except smtplib.SMTPException as error:
                    raise Retryable(
                        f"the {self._settings.smtp} does not take mail now: {_words(error)}; nothing was sent",
                        help="The next sync tries again.",
                    ) from error
        self._used = time.monotonic()
        return self._server

    def _alive(self) -> bool:
        try:
            return self._server is not None and self._server.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _connect(self) -> smtplib.SMTP:
        at, settings = self._settings.smtp, self._settings
        context = tls_context(settings) if at.tls != "none" else None
        if at.tls == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(at.host, at.port, timeout=settings.timeout, context=context)
        else:
            server = smtplib.SMTP(at.host, at.port, timeout=settings.timeout)
        try:
            server.ehlo_or_helo_if_needed()
            if at.tls == "starttls":
                require_starttls(at, offered=server.has_extn("starttls"))
                server.starttls(context=context)
                server.ehlo()
            self._sign_in(server)
        except BaseException:
            with suppress(Exception):
                server.close()
            raise
        return server

    def _sign_in(self, server: smtplib.SMTP) -> None:
        settings = self._settings
        user = settings.username
        try:
            if settings.auth == "xoauth2":
                token = f"user={user}\1auth=Bearer {self._secrets.get('token')}\1\1"
                server.auth("XOAUTH2", lambda _challenge=None: token)
            else:
                server.login(user, self._secrets.get("password"))
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:
                raise Retryable(
                    f"the {settings.smtp} lets nobody in for now: {_words(error)}; nothing was sent",
                    help="The next sync tries again.",
                ) from error
            raise sign_in_fault(settings.smtp, settings.account, _words(error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise BadSetup(
                f"the {settings.smtp} offers no way to sign in; nothing was sent",
                code="SMTP_NO_AUTH",
                help="Use the provider's submission port (587 or 465).",
            ) from error
        except UnicodeEncodeError as error:
            raise sign_in_fault(settings.smtp, settings.account, "the password must be ASCII for SMTP") from error

    def send(self, outgoing: Outgoing) -> None:
        """Sends one mail.

        Raises ``Rejected`` (refused, nothing was sent), ``Retryable`` (nothing was sent) or ``Ambiguous`` (the answer
        to the end of DATA never came).
        """
        server = self.open()
        try:
            self._send(server, outgoing)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Retryable(
                f"the {self._settings.smtp} broke off before it had the whole message ({_words(error)}); "
                "nothing was sent, the message is kept",
                help="The next sync tries again.",
            ) from error
        except Ambiguous:
            self.close()
            raise
        except (Rejected, Retryable):
            with suppress(OSError, smtplib.SMTPException):
                server.rset()
            raise

    def _send(self, server: smtplib.SMTP, outgoing: Outgoing) -> None:
        options = [f"SIZE={len(outgoing.content)}"] if server.has_extn("size") else []
        self._expect(server.mail(self._settings.address, options), "the sender")
        for recipient, needed in envelope(outgoing):
            answer = server.rcpt(recipient)
            if needed:
                self._expect(answer, f"the recipient {recipient}")
        if server.has_extn("chunking"):
            self._expect(_chunk(server, outgoing.content[:-_LAST], last=False), "the message")
            answer = self._finish(lambda: _chunk(server, outgoing.content[-_LAST:], last=True))
        else:
            self._expect(server.docmd("DATA"), "the message", good=354)
            lines = _LEADING_DOT.sub(b"..", outgoing.content)
            server.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
            answer = self._finish(lambda: _final_dot(server))
        self._expect(answer, "the message")

    def _finish(self, last_step: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """Makes the step after which the server may have accepted; its missing answer is ambiguous.

        Everything before it can be repeated. With CHUNKING (RFC 3030) the server has confirmed the text by then, so
        that only a break within these last bytes leaves a doubt; with DATA it is a break since the text left us.
        """
        try:
            self.before_effect()
        except BaseException:
            # In the middle of DATA no command would be one: only a closed line leaves the mail unfinished.
            server, self._server = self._server, None
            if server is not None:
                server.close()
            raise
        try:
            answer = last_step()
        except (OSError, smtplib.SMTPException) as error:
            raise self._doubt(error) from error
        if answer[0] < 0:
            raise self._doubt(smtplib.SMTPException("unreadable answer"))
        return answer

    def _doubt(self, error: BaseException) -> Ambiguous:
        return Ambiguous(
            f"the connection to the {self._settings.smtp} broke while it confirmed the message ({_words(error)}); "
            "it may or may not have been sent, and is kept",
            help="The next sync looks for the copy that comes back; 'carecli outbox list' shows what it found.",
        )

    def _expect(self, answer: tuple[int, bytes], what: str, good: int = 250) -> None:
        code, words = answer
        if code == good or (good == 250 and 200 <= code < 300):
            return
        said = f"{code} {words_of(words.decode('utf-8', 'replace'))}"
        if code in (-1, 421):
            raise smtplib.SMTPServerDisconnected(said)
        if 400 <= code < 500:
            raise Retryable(
                f"the {self._settings.smtp} does not take {what} now: {said}; nothing was sent, the message is kept",
                help="The next sync tries again.",
            )
        raise Rejected(
            f"the {self._settings.smtp} refused {what}: {said}; nothing was sent, the message is kept",
            help="Correct the message or its recipients and send it again.",
        )

    def close(self) -> None:
        """Ends the connection; faults while closing mean nothing."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()


def _chunk(server: smtplib.SMTP, data: bytes, *, last: bool) -> tuple[int, bytes]:
    server.send(b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data)
    return server.getreply()


def _final_dot(server: smtplib.SMTP) -> tuple[int, bytes]:
    server.send(b".\r\n")
    return server.getreply()


def _words(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return words_of(f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}")
    return words_of(error) or type(error).__name__
