"""What a mail says and carries: picks the readable text of a part tree and lists the rest as attachments."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from carecli.connectors.imap.charsets import text_of
from carecli.connectors.imap.headers import decode_words, first, header_text
from carecli.connectors.imap.mime import Part, split
from carecli.connectors.spi.records import AttachmentRecord
from carecli.domain.redact import clean_line, clean_text

_EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "message/rfc822": ".eml",
    "message/delivery-status": ".txt",
    "message/global-delivery-status": ".txt",
    "message/disposition-notification": ".txt",
    "text/rfc822-headers": ".txt",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/json": ".json",
    "application/ms-tnef": ".dat",
    "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "image/heic": ".heic",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "video/mp4": ".mp4",
}
_STEMS = {
    "text/calendar": "invite",
    "message/rfc822": "message",
    "message/delivery-status": "delivery-status",
    "text/rfc822-headers": "headers",
    "application/ms-tnef": "winmail",
    "application/pgp-signature": "signature",
}
_MIME = re.compile(r"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}", re.ASCII)
# Whatever clean_text would change: one look is cheaper than its two passes, and most mail is clean.
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MAX_NAME = 150


@dataclass(frozen=True, slots=True)
class Body:
    """The readable text of a mail and what else hangs on it; ``text`` is clean and has no trailing white space."""

    text: str
    attachments: tuple[AttachmentRecord, ...]


def charset_hint(root: Part) -> str | None:
    """The charset of raw 8-bit header fields: usually the one that the first part declares. ``None`` without such."""
    if root.source[: root.start].isascii():
        return None
    if not root.children:
        return root.params.get("charset")
    return next((leaf.params["charset"] for leaf in root.leaves() if "charset" in leaf.params), None)


def body_of(root: Part) -> Body:
    """Text and attachments of a mail."""
    texts: list[str] = []
    files: list[AttachmentRecord] = []
    _collect(root, texts, files)
    text = "\n\n".join(texts) if len(texts) > 1 else "".join(texts)
    text = text.replace("\r\n", "\n")
    return Body((clean_text(text) if _UNCLEAN.search(text) else text).rstrip(), tuple(files))


def _collect(part: Part, texts: list[str], files: list[AttachmentRecord]) -> None:
    if part.children:
        if part.mime == "multipart/alternative":
            _alternative(part, texts, files)
        else:
            for child in part.children:
                _collect(child, texts, files)
    elif _is_body(part):
        text = readable(part)
        if text.strip():
            texts.append(text)
    else:
        files.append(attachment_of(part))


def _alternative(part: Part, texts: list[str], files: list[AttachmentRecord]) -> None:
    """Plain text wins when it says anything; otherwise the last alternative that does (RFC 2046, section 5.1.4)."""
    variants: list[tuple[Part, str]] = []
    for child in part.children:
        leaf = child
        while leaf.children and leaf.mime.startswith("multipart/"):
            leaf = leaf.children[0]
        if _is_body(leaf) and leaf.mime == "text/plain":
            text = readable(leaf)
            if text.strip():
                variants.insert(0, (child, text))
                break
    chosen = variants[0][0] if variants else None
    if variants:
        texts.append(variants[0][1])
    for child in part.children if chosen else reversed(part.children):
        if child is chosen:
            continue
        own_texts: list[str] = []
        if chosen is not None and not child.children and _is_body(child):
            continue
        _collect(child, own_texts, files)
        if chosen is None and own_texts:
            chosen = child
            texts.extend(own_texts)


def _is_body(part: Part) -> bool:
    if part.mime not in ("text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown") and (
        not part.mime.startswith("multipart/")
    ):
        return False
    word, params = part.disposition()
    return word != "attachment" and "filename" not in params and "name" not in part.params


def readable(part: Part) -> str:
    """Text of a text part: decoded, HTML made plain, format=flowed joined (RFC 3676)."""
    text = text_of(part.content(), part.params.get("charset"))
    if part.mime == "text/html":
        from carecli.connectors.imap.hypertext import text_of_html

        return text_of_html(text)
    if part.mime in ("text/enriched", "text/richtext"):
        return re.sub(r"<[^<>\n]{1,80}>", "", text.replace("<<", "<"))
    if part.params.get("format", "").lower() == "flowed":
        return unflowed(text, delete_space=part.params.get("delsp", "").lower() == "yes")
    return text


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Joins the soft-broken lines of format=flowed text (RFC 3676, section 4)."""
    result: list[list[str]] = []
    open_depth = -1
    for line in text.replace("\r\n", "\n").split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:]
        content = content.removeprefix(" ")
        soft = content.endswith(" ") and content != "-- "
        kept = content[:-1] if soft and delete_space else content
        if open_depth == depth and content != "-- ":
            result[-1].append(kept)
        else:
            result.append([">" * depth + " " if depth else "", kept])
        open_depth = depth if soft else -1
    return "\n".join("".join(pieces) for pieces in result)


def attachment_of(part: Part) -> AttachmentRecord:
    """The record of a leaf that is no body text; its external id is the IMAP part number."""
    content = part.content()
    mime = part.mime if _MIME.fullmatch(part.mime) else "application/octet-stream"
    content_id = header_text(first(part.fields, "content-id")).strip("<> ") or None
    return AttachmentRecord(
        external_id=part.path,
        filename=_filename(part, content, mime),
        mime=mime,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content_id=content_id,
    )


def content_of(root: Part, path: str) -> bytes | None:
    """Bytes of the leaf with an IMAP part number; ``None`` when there is no such leaf."""
    return next((leaf.content() for leaf in root.leaves() if leaf.path == path), None)


def _filename(part: Part, content: bytes, mime: str) -> str:
    _, params = part.disposition()
    name = bare_name(decode_words(params.get("filename") or part.params.get("name") or ""))
    if not name and mime == "message/rfc822":
        inner = split(content[:65536])
        name = bare_name(header_text(first(inner.fields, "subject")).replace("/", "-").replace(":", "-"))
        name = f"{name[:80]}.eml" if name else ""
    if name:
        return name
    stem = _STEMS.get(mime) or f"attachment-{part.path}"
    return stem + _EXTENSIONS.get(mime, ".bin")


def bare_name(name: str) -> str:
    """A file name without folders, drive, control characters or leading dots; at most 150 characters; may be empty."""
    line = clean_line(name.replace("\x00", "")).replace("\\", "/").rpartition("/")[2]
    line = line.rpartition(":")[2].strip().lstrip(". ").rstrip(". ")
    if len(line) > _MAX_NAME:
        stem, dot, extension = line.rpartition(".")
        keep = len(extension) + 1 if dot and len(extension) <= 10 else 0
        line = (stem if keep else line)[: _MAX_NAME - keep] + (f".{extension}" if keep else "")
    return line
