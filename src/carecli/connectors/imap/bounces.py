"""Mail that no person wrote just now: delivery reports (RFC 3464) and automatic messages (RFC 3834)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from carecli.connectors.imap.charsets import text_of
from carecli.connectors.imap.headers import Fields, fields_of, first, header_text, own_message_id
from carecli.connectors.imap.mime import Part, split
from carecli.domain.redact import clean_line

_MACHINES = re.compile(r"(?i)^(?:mailer-daemon|postmaster|mail-daemon|bounces?|delivery-failure|mdaemon)(?:[+=.-]|@|$)")
_BULK = frozenset({"bulk", "auto_reply", "auto-reply", "junk", "list"})
_ORIGINAL_ID = re.compile(rb"(?im)^[ \t>]*message-id:[ \t\r\n]*(<[^<>\r\n]{1,500}>)")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_MAX_FAILURE = 500


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report: what failed in the server's words, and the Message-ID it is about (where it says so)."""

    original: str | None
    failure: str
    failed: bool


def report_of(root: Part, sender: str) -> Report | None:
    """The delivery report in a mail; ``None`` when it is none. ``sender`` is the From address."""
    status = None
    original = None
    for leaf in root.leaves():
        if leaf.mime in ("message/delivery-status", "message/global-delivery-status"):
            status = leaf
        elif leaf.mime in ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"):
            original = leaf
    machine = bool(_MACHINES.match(sender)) or first(root.fields, "return-path").strip() == b"<>"
    reported = root.mime == "multipart/report" and root.params.get("report-type", "delivery-status") in (
        "delivery-status",
        "",
    )
    if not (status and (machine or reported)) and not (machine and _says_undelivered(root)):
        return None
    found = _failure(status.content()) if status else ("", True)
    text, failed = found
    name = _original_id(root, original)
    if not text:
        text = header_text(first(root.fields, "subject"))
        if match := _STATUS.search(text_of(root.source[root.start : root.start + 8000])):
            text = f"{match[1]} {text}"
    return Report(name, clean_line(text)[:_MAX_FAILURE], failed)


def _says_undelivered(root: Part) -> bool:
    if "x-failed-recipients" in root.fields:
        return True
    subject = header_text(first(root.fields, "subject")).lower()
    return any(
        word in subject
        for word in ("undeliver", "delivery status", "returned mail", "delivery fail", "failure notice", "unzustellbar")
    )


def _failure(content: bytes) -> tuple[str, bool]:
    """Status and diagnostic of each failed recipient, and whether any delivery failed for good."""
    words: list[str] = []
    failed = False
    for block in re.split(rb"\r?\n[ \t]*\r?\n", content):
        fields = fields_of(block, 0, len(block))
        if "final-recipient" not in fields and "status" not in fields:
            continue
        action = header_text(first(fields, "action")).lower()
        if action in ("delivered", "relayed", "expanded"):
            continue
        failed = failed or action in ("failed", "")
        words.append(
            " ".join(
                part
                for part in (
                    header_text(first(fields, "status")),
                    _after_type(fields, "diagnostic-code"),
                    f"({_after_type(fields, 'final-recipient')})" if "final-recipient" in fields else "",
                )
                if part
            )
        )
    return "; ".join(words), failed


def _after_type(fields: Fields, name: str) -> str:
    text = header_text(first(fields, name))
    return text.partition(";")[2].strip() if ";" in text else text


def _original_id(root: Part, original: Part | None) -> str | None:
    if original is not None:
        inner = split(original.content())
        fields = inner.fields or {}
        name = own_message_id(first(fields, "message-id"))
        if name:
            return name
    # old mailers quote the header block in their text
    found = _ORIGINAL_ID.search(root.source, root.start, root.end)
    return own_message_id(found[1]) if found else None


def is_automatic(fields: Fields) -> bool:
    """Whether no person wrote a mail just now (RFC 3834, section 5, and what senders do instead)."""
    submitted = first(fields, "auto-submitted").lower().partition(b";")[0].strip()
    if submitted and submitted != b"no":
        return True
    if first(fields, "precedence").decode("ascii", "ignore").strip().lower() in _BULK:
        return True
    if first(fields, "return-path").strip() == b"<>":
        return True
    return any(name in fields for name in ("x-autoreply", "x-autorespond", "list-id"))


def is_machine(address: str) -> bool:
    """Whether an address belongs to a mail system and not to a person."""
    return bool(_MACHINES.match(address))
