"""RFC 5322 source bytes as a ``Mail``: pure, and never an exception; a mail nobody can read keeps its raw text."""

from __future__ import annotations

import hashlib

import msgspec

from carecli.connectors.imap.bodies import body_of, charset_hint
from carecli.connectors.imap.bounces import Report, is_automatic, report_of
from carecli.connectors.imap.charsets import text_of
from carecli.connectors.imap.headers import (
    addresses,
    first,
    header_text,
    instant,
    message_ids,
    own_message_id,
)
from carecli.connectors.imap.mime import Part, split
from carecli.connectors.imap.quotes import marks_of
from carecli.connectors.spi.records import AttachmentRecord
from carecli.domain.conversation import Address
from carecli.domain.redact import clean_text

_DAY = 86_400_000
_OLDEST = 315_532_800_000  # 1980: earlier dates are clocks that were never set
_MAX_SUBJECT = 1000
UNREADABLE = "(unreadable mail)"
"""Subject of a mail that could not be read as one; its text is the raw source."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail as far as tickets need it. ``sha256`` names it; ``sent_at`` is in milliseconds since 1970 UTC."""

    sha256: str
    sent_at: int
    text: str
    subject: str = ""
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    quoted_from: int | None = None
    signature_from: int | None = None
    attachments: tuple[AttachmentRecord, ...] = ()
    automatic: bool = False
    mailing_list: bool = False
    report: Report | None = None
    language: str | None = None


def parse(source: bytes, arrived: int) -> Mail:
    """Reads a mail; ``arrived`` (milliseconds) stands in for a missing or impossible date. Never raises."""
    name = hashlib.sha256(source).hexdigest()
    try:
        return _read(split(source), name, arrived)
    except Exception:  # whatever a sender invents next: the mail is still there, as raw text
        text = clean_text(text_of(source)).rstrip()
        return Mail(sha256=name, sent_at=arrived, text=text, subject=UNREADABLE)


def _read(root: Part, name: str, arrived: int) -> Mail:
    fields = root.fields
    hint = charset_hint(root)
    senders = addresses(first(fields, "from"), hint) or addresses(first(fields, "sender"), hint)
    sender = senders[0] if senders else None
    body = body_of(root)
    quoted, signature = marks_of(body.text)
    language = header_text(first(fields, "content-language")).partition(",")[0].strip().lower()
    return Mail(
        sha256=name,
        sent_at=_sent_at(first(fields, "date"), arrived),
        text=body.text,
        subject=header_text(first(fields, "subject"), hint)[:_MAX_SUBJECT],
        sender=sender,
        reply_to=addresses(first(fields, "reply-to"), hint),
        to=_all(fields.get("to"), hint),
        cc=_all(fields.get("cc"), hint),
        bcc=_all(fields.get("bcc"), hint),
        message_id=own_message_id(first(fields, "message-id")),
        in_reply_to=message_ids(first(fields, "in-reply-to")),
        references=message_ids(b" ".join(fields.get("references", ()))),
        quoted_from=quoted,
        signature_from=signature,
        attachments=body.attachments,
        automatic=is_automatic(fields),
        mailing_list="list-id" in fields,
        report=report_of(root, sender.email if sender else ""),
        language=language if 1 < len(language) < 36 and language.isascii() else None,
    )


def _all(values: list[bytes] | None, hint: str | None) -> tuple[Address, ...]:
    if not values:
        return ()
    return addresses(values[0] if len(values) == 1 else b", ".join(values), hint)


def _sent_at(date: bytes, arrived: int) -> int:
    sent = instant(date)
    return arrived if sent is None or sent < _OLDEST or sent > arrived + _DAY else sent
