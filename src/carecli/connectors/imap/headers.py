"""Header fields of a mail: unfolding, encoded words, parameters, addresses, Message-IDs and dates; all lenient."""

from __future__ import annotations

import binascii
import re
from calendar import timegm
from email.utils import getaddresses, mktime_tz, parsedate_tz
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from carecli.connectors.imap.charsets import text_of
from carecli.domain.conversation import Address
from carecli.domain.redact import clean_line

Fields = dict[str, list[bytes]]
"""Header fields by lower-case name: unfolded raw values, in order of appearance."""

_NAME = re.compile(rb"[!-9;-~]{1,200}[ \t]*")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_BLANK = re.compile(rb"\n\r?(?:\n|\Z)")
_FIRST_LINE = re.compile(rb"(?:From [^\n]*\n|>?From [^\n]*\n)?[!-9;-~]+[ \t]*:")
_LINE_OF_NO_FIELD = re.compile(rb"^(?![!-9;-~]+[ \t]*:|[ \t]|>?From )[^\n]", re.MULTILINE)
_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,30})?\?([bBqQ])\?([^?]*)\?=")
_GAP = re.compile(r"(\?=)\s+(=\?[^?\s]{1,90}\?[bBqQ]\?)")
_PARAM = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_MESSAGE_ID = re.compile(r"<([^<>]{1,500})>")
_PLAIN_IDS = re.compile(r"(?:\s*<[!-;=?-~]{1,500}>)+\s*")
_ONE_ADDRESS = re.compile(
    r"\s*(?:\"([^\"\\]*)\"|([^\"<>,;:@\\()\[\]]*))\s*<([^\s<>@,;:\"()\\]+@[^\s<>@,;:\"()\\]+)>\s*|\s*([^\s<>@,;:\"()\\]+@[^\s<>@,;:\"()\\]+)\s*"
)
_DATE = re.compile(
    rb"(?:\w{3}, +)?(0?[1-9]|[12]\d|3[01]) (\w{3}) (\d{4}) ([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60))? "
    rb"([+-])(\d\d)(\d\d)(?: +\([^()]*\))?"
)
_MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MAX_ADDRESSES = 500
_MAX_REFERENCES = 100


def body_start(source: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the header block of an entity ends and where its body starts (offsets)."""
    if source.startswith((b"\n", b"\r\n"), start, end):
        return start, start + (1 if source[start] == 10 else 2)
    if not _FIRST_LINE.match(source, start, end):
        return start, start
    blank = _BLANK.search(source, start, end)
    if blank:
        return blank.start() + 1, blank.end()
    # No empty line at all: what does not look like a field is the body, so that its text is not swallowed.
    other = _LINE_OF_NO_FIELD.search(source, start, end)
    return (other.start(), other.start()) if other else (end, end)


def fields_of(source: bytes, start: int, end: int) -> Fields:
    """Fields of a header block; lines that are no fields are skipped."""
    found: Fields = {}
    block = source[start:end]
    if b"\n " in block or b"\n\t" in block:
        block = _FOLD.sub(b" ", block)
    for line in block.split(b"\n"):
        raw, colon, value = line.partition(b":")
        name = _name(raw) if colon else None
        if name is not None:
            found.setdefault(name, []).append(value.strip())
    return found


@lru_cache(maxsize=1024)
def _name(raw: bytes) -> str | None:
    """Lower-case name of a field; ``None`` for what cannot be one."""
    return raw.strip(b" \t").decode("ascii").lower() if _NAME.fullmatch(raw) else None


def first(fields: Fields, name: str) -> bytes:
    """First value of a field, empty when there is none."""
    values = fields.get(name)
    return values[0] if values else b""


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(text.encode("latin-1", "replace"), header=True)
    return lenient_base64(text.encode("ascii", "ignore"))


_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def lenient_base64(data: bytes) -> bytes:
    """Decodes base64 with foreign characters, missing or misplaced padding, or a cut end. Never raises."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        kept = _NOT_BASE64.sub(b"", data)
        kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def decode_words(text: str) -> str:
    """Replaces encoded words (RFC 2047) by what they mean; broken ones stay as they are.

    Neighbours in one charset are joined before they are decoded, because many senders cut characters in two.
    """
    if "=?" not in text:
        return text
    text = _GAP.sub(r"\1\2", _GAP.sub(r"\1\2", text))
    pieces: list[str] = []
    pending = b""
    charset = ""
    last = 0
    for match in _WORD.finditer(text):
        between = text[last : match.start()]
        if pending and (between or match[1].lower() != charset):
            pieces.append(text_of(pending, charset))
            pending = b""
        pieces.append(between)
        charset = match[1].lower()
        pending += _word_bytes(match[2], match[3])
        last = match.end()
    if pending:
        pieces.append(text_of(pending, charset))
    pieces.append(text[last:])
    return "".join(pieces)


def header_text(value: bytes, hint: str | None = None) -> str:
    """One clean line of text from a raw header value; ``hint`` is the charset of raw 8-bit text."""
    if not value:
        return ""
    text = decode_words(text_of(value, hint=hint))
    return " ".join(text.split()) if text.isprintable() else clean_line(text)


@lru_cache(maxsize=512)
def parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """Main value (lower case) and parameters of a Content-Type or Content-Disposition (RFC 2231 continuations too)."""
    text = text_of(value)
    main, _, _ = text.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, raw in _PARAM.findall(text):
        content = raw.strip()
        if content[:1] == '"':
            content = content.strip('"').replace('\\"', '"').replace("\\\\", "\\")
        key = name.lower()
        if "*" not in key:
            plain.setdefault(key, content)
            continue
        base, _, number = key.partition("*")
        encoded = key.endswith("*")
        digits = number.rstrip("*")
        pieces.setdefault(base, {})[int(digits) if digits.isdecimal() and len(digits) < 5 else 0] = (content, encoded)
    for base, parts in pieces.items():
        plain[base] = _extended(parts)
    return main.strip().lower(), plain


def _extended(parts: dict[int, tuple[str, bool]]) -> str:
    charset = ""
    data = b""
    for index in sorted(parts):
        content, encoded = parts[index]
        if encoded and index == min(parts) and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        data += unquote_to_bytes(content) if encoded else content.encode("utf-8", "replace")
    return text_of(data, charset or "utf-8")


@lru_cache(maxsize=4096)
def addresses(value: bytes, hint: str | None = None) -> tuple[Address, ...]:
    """Addresses of a raw From, To, Cc or Reply-To value, names decoded; what is no address is left out."""
    text = text_of(value, hint=hint)
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _ONE_ADDRESS.match(text, position)
        if not match or (match.end() < len(text) and text[match.end()] != ","):
            try:
                found = [pair for pair in getaddresses([text]) if "@" in pair[1]]
                if not found:  # some versions of Python refuse a whole list with semicolons in it
                    found = getaddresses([text.replace(";", ",").rstrip(", ")])
            except Exception:  # the standard parser trips over some malformed input; addresses are never worth a mail
                found = [("", plain) for plain in re.findall(r"[^\s<>@,;:\"()\\]+@[^\s<>@,;:\"()\\]+", text)]
            break
        found.append((match[1] or match[2] or "", match[3] or match[4]))
        position = match.end() + 1
    result: list[Address] = []
    for name, email in found[:_MAX_ADDRESSES]:
        bare = clean_line(email).replace(" ", "")
        if "@" in bare.strip("@"):
            result.append(Address(bare, clean_line(decode_words(name)).strip("\"' ")))
    return tuple(result)


def message_ids(value: bytes) -> tuple[str, ...]:
    """Message-IDs of a References or In-Reply-To value, each with its angle brackets, without repeats.

    Beyond 100 the first and the newest are kept.
    """
    if not value:
        return ()
    text = text_of(value)
    if _PLAIN_IDS.fullmatch(text):
        found = list(dict.fromkeys(text.replace("><", "> <").split()))
    else:
        found = list(dict.fromkeys(f"<{''.join(clean_line(bare).split())}>" for bare in _MESSAGE_ID.findall(text)))
    if len(found) > _MAX_REFERENCES:
        found = [found[0], *found[1 - _MAX_REFERENCES :]]
    return tuple(name for name in found if name != "<>")


def own_message_id(value: bytes) -> str | None:
    """The Message-ID with its angle brackets; ``None`` when the mail has no usable one."""
    found = message_ids(value)
    if found:
        return found[0]
    bare = "".join(header_text(value).split()).strip("<>")
    return f"<{bare}>" if "@" in bare and len(bare) < 500 else None


def instant(value: bytes) -> int | None:
    """Milliseconds since 1970 UTC of a Date value; ``None`` when it makes no sense."""
    if usual := _DATE.fullmatch(value):
        day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = usual.groups(b"0")
        number = _MONTHS.get(month.lower())
        if number and int(year) >= 1970:
            offset = int(zone_hours) * 3600 + int(zone_minutes) * 60
            clock = timegm((int(year), number, int(day), int(hour), int(minute), int(second)))
            return (clock + (offset if sign == b"-" else -offset)) * 1000
    try:
        parsed = parsedate_tz(text_of(value))
        seconds = mktime_tz(parsed) if parsed and parsed[0] >= 1970 else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return int(seconds * 1000) if seconds is not None else None
