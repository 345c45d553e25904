"""Outgoing mail: a reply request as RFC 5322 bytes and its recipients; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.utils import format_datetime

from carecli.connectors.imap.settings import Settings
from carecli.connectors.imap.threads import thread_name, without_prefix
from carecli.connectors.spi.errors import Rejected
from carecli.connectors.spi.records import OutgoingFile, QuotedMessage, ReplyRequest
from carecli.domain.conversation import Address
from carecli.domain.redact import clean_line, clean_text

_WIDTH = 76  # soft-broken lines end in a space, which makes 77 of the 78 columns RFC 5322 recommends
_POLICY = policy.SMTP.clone(cte_type="7bit")  # not every server takes 8-bit text
_REFERENCES = 20
_MAX_QUOTE = 50_000
_MIME = re.compile(r"[a-z0-9][\w!#$&^.+-]{0,80}/[a-z0-9][\w!#$&^.+-]{0,80}", re.ASCII)
_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_WORD = re.compile(r"[^ ]* +|[^ ]+")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@]+@[^\s<>()\[\],;:\\\"@]+")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that is ready to go. ``self_copy`` is the extra recipient whose copy proves acceptance (may be ``None``
    when the mailbox is a recipient anyway).
    """

    message_id: str
    content: bytes
    recipients: tuple[str, ...]
    self_copy: str | None


def message_id_of(operation_id: str, address: str) -> str:
    """The Message-ID that marks an operation: the same for every attempt."""
    return f"<{operation_id}@{_ascii_domain(address)}>"


def compose(request: ReplyRequest, settings: Settings) -> Outgoing:
    """Builds the mail for a reply, forward or new ticket.

    Raises ``Rejected`` (``NO_RECIPIENT``, ``BAD_ADDRESS``) when it cannot be addressed; nothing was sent then.
    """
    people = (*request.to, *request.cc, *request.bcc)
    if not people:
        raise Rejected(
            "this message has no recipient; it was kept and not sent",
            code="NO_RECIPIENT",
            help="Add an address and send it again.",
        )
    plain = tuple(dict.fromkeys(_plain(each) for each in people))
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _header(Address(settings.address, settings.from_name))
    for name, group in (("To", request.to), ("Cc", request.cc)):
        if group:
            mail[name] = [_header(each) for each in group]
    mail["Subject"] = subject_of(request)
    mail["Date"] = format_datetime(datetime.fromtimestamp(request.created_at / 1000, UTC))
    mail.set_content(flowed(_text_of(request, settings)), charset="utf-8", params={"format": "flowed"})
    for file in request.files:
        _attach(mail, file)
    message_id = message_id_of(request.operation_id, settings.address)
    own = _plain(Address(settings.address))
    return Outgoing(
        message_id=message_id,
        content=_ids(message_id, request, settings) + mail.as_bytes(),
        recipients=plain,
        self_copy=None if own.lower() in {each.lower() for each in plain} else own,
    )


def subject_of(request: ReplyRequest) -> str:
    """The subject line: an answer carries "Re: " once, what is given for a new mail or a forward stays as it is."""
    given = clean_line(request.subject or "")
    subject = given or clean_line(request.ticket.subject)
    forwarded = re.match(r"(?i)(?:fwd?|wg|tr|rv|i|enc|vb|doorst|转发|転送)\s*[:：]", given)
    if forwarded or (request.ticket.external_id is None and request.answers is None):
        return subject
    return f"Re: {without_prefix(subject)}".rstrip()


def _ids(message_id: str, request: ReplyRequest, settings: Settings) -> bytes:
    """Message-ID, In-Reply-To and References as raw lines: the library would encode long ids beyond recognition."""
    answers = request.answers
    references: list[str] = []
    lines = [f"Message-ID: {message_id}"]
    if answers and answers.message_id and _ID.fullmatch(answers.message_id):
        lines.append(f"In-Reply-To: {answers.message_id}")
        references = [each for each in answers.references if _ID.fullmatch(each) and each != answers.message_id]
        references = [*references[:1], *references[1:][-_REFERENCES:], answers.message_id]
    elif request.ticket.external_id:
        name = thread_name(request.ticket.external_id, _ascii_domain(settings.address))
        references = [name] if name else []
    if references:
        lines.append("References: " + "\r\n ".join(references))
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _text_of(request: ReplyRequest, settings: Settings) -> str:
    parts = [clean_text(request.body_text).rstrip()]
    if settings.signature.strip():
        parts.append("-- \n" + clean_text(settings.signature).strip())
    if request.answers and settings.quote_original and request.answers.body_text.strip():
        parts.append(_quotation(request.answers))
    return "\n\n".join(parts) + "\n"


def _quotation(original: QuotedMessage) -> str:
    when = datetime.fromtimestamp(original.sent_at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = clean_text(original.body_text)[:_MAX_QUOTE].rstrip().split("\n")
    quoted = "\n".join(f">{line}" if line.startswith(">") else f"> {line}" for line in lines)
    return f"On {when}, {clean_line(original.author)} wrote:\n{quoted}"


def flowed(text: str) -> str:
    """Text as format=flowed (RFC 3676): long lines are broken softly and come back whole at the reader."""
    result: list[str] = []
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        if line == "-- ":
            result.append(line)
            continue
        mark = ">" * depth
        content = line[depth:].rstrip()
        if depth:
            content = content.removeprefix(" ")
        pieces = _pieces(content, _WIDTH - depth - 2)
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            stuffed = " " if depth or piece.startswith((" ", ">", "From ")) else ""
            result.append(f"{mark}{stuffed if piece or not depth else ''}{piece.rstrip() if last else piece}")
    return "\n".join(result)


def _pieces(line: str, width: int) -> list[str]:
    """Cuts a line after spaces, so that every piece but the last ends in the space that makes it a soft break."""
    pieces = [""]
    for word in _WORD.findall(line):
        if pieces[-1] and len(pieces[-1]) + len(word.rstrip(" ")) > width:
            pieces.append("")
        pieces[-1] += word
    return pieces


def _attach(mail: EmailMessage, file: OutgoingFile) -> None:
    mime = file.mime.lower()
    # Mails and multiparts may not be base64 (RFC 2046, section 5.2.1), so they travel as plain files, byte for byte.
    if not _MIME.fullmatch(mime) or mime.startswith(("message/", "multipart/")):
        mime = "application/octet-stream"
    main, _, sub = mime.partition("/")
    mail.add_attachment(file.content, maintype=main, subtype=sub, filename=clean_line(file.filename) or "attachment")


def _plain(address: Address) -> str:
    """The bare address for the envelope. Raises ``Rejected`` for anything that is not exactly one address."""
    email = address.email.strip()
    local, _, _ = email.rpartition("@")
    if not _ADDRESS.fullmatch(email) or not local.isascii() or not email.isprintable():
        raise Rejected(
            f"'{clean_line(address.email)[:100]}' is not an e-mail address that can be written to; nothing was sent",
            code="BAD_ADDRESS",
            help="Correct the address and send it again.",
        )
    return f"{local}@{_ascii_domain(email)}"


def _ascii_domain(email: str) -> str:
    domain = email.strip().rpartition("@")[2]
    try:
        return domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise Rejected(
            f"'{clean_line(email)[:100]}' has a domain that cannot exist; nothing was sent",
            code="BAD_ADDRESS",
            help="Correct the address and send it again.",
        ) from None


def _header(address: Address) -> HeaderAddress:
    return HeaderAddress(clean_line(address.name), addr_spec=_plain(address))


def envelope(outgoing: Outgoing) -> Iterable[tuple[str, bool]]:
    """Every envelope recipient and whether it must be accepted (the copy to ourselves need not be)."""
    yield from ((each, True) for each in outgoing.recipients)
    if outgoing.self_copy:
        yield outgoing.self_copy, False
