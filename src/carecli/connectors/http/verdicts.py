"""What an answer means: which error of the SPI a status is, in the vendor's own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from carecli.connectors.http.wire import Broken
from carecli.connectors.spi.errors import (
    Ambiguous,
    AuthNeeded,
    BadSetup,
    Conflicting,
    Gone,
    Rejected,
    Retryable,
    Throttled,
    Unsupported,
)
from carecli.domain.errors import CareError

SIGN_IN_HELP = "Run: carecli account login, then try again. What was queued is kept."
_DEPTH = 4
_WORDS = (
    "message",
    "error_description",
    "description",
    "detail",
    "title",
    "error",
    "errorMessages",
    "errors",
    "reason",
)


class Stopped(Retryable):
    """The caller was told to stop before an answer came; nothing was changed. A pull ends quietly on it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor answered: header names in lower case, ``reading`` as the request was meant."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    vendor: str = "the vendor"
    reading: bool = True
    encoding: str = "utf-8"

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        try:
            return self.content.decode(self.encoding, errors="replace")
        except LookupError:  # an encoding nobody knows
            return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The body, decoded. A body that makes no sense is ``Retryable`` for a read and ``Ambiguous`` for a write."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            lost = Retryable if self.reading else Ambiguous
        raise lost(f"{self.vendor} answered {self.status} with something that is not JSON")


def plain_words(answer: Answer) -> str:
    """The vendor's words in an error's body: the usual places in JSON, short plain text, else nothing."""
    kind = answer.headers.get("content-type", "")
    if "html" in kind or answer.content.lstrip()[:1] == b"<":
        return ""
    try:
        found = list(_said(json.loads(answer.content), 0))
    except (ValueError, RecursionError):
        return answer.text if answer.content[:1] not in (b"{", b"[") else ""
    return "; ".join(dict.fromkeys(found))


def _said(value: object, depth: int) -> list[str]:
    """Texts of an error, outermost first; a mapping of field names to texts keeps the names."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if depth > _DEPTH:
        return []
    if isinstance(value, list):
        return [text for inner in value[:10] for text in _said(inner, depth + 1)]
    if isinstance(value, Mapping):
        known = [name for name in _WORDS if value.get(name)]
        if known:
            field_name = value.get("field")
            texts = [text for name in known for text in _said(value[name], depth + 1)]
            return [f"{field_name}: {texts[0]}", *texts[1:]] if isinstance(field_name, str) and texts else texts
        if depth > 0:
            return [f"{name}: {text}" for name, inner in list(value.items())[:10] for text in _said(inner, depth + 1)]
    return []


def _no_opinion(_: Answer) -> CareError | None:
    return None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is special about a vendor: its ``name`` in sentences, where its ``words`` stand in an error's body, and a
    ``verdict`` of its own on an answer (any status), ``None`` where the usual one holds.
    """

    name: str
    words: Callable[[Answer], str] = plain_words
    verdict: Callable[[Answer], CareError | None] = _no_opinion


def judged(answer: Answer, words: str, wait: int | None) -> CareError:
    """The error that a status from 300 on is. ``words`` are safe to tell; ``wait``: seconds the vendor asks for."""
    status, vendor = answer.status, answer.vendor
    said = f"{vendor} says: {words}" if words else f"{vendor} answered {status} {_phrase(status)}".rstrip()
    match status:
        case 401:
            return AuthNeeded(said, help=SIGN_IN_HELP)
        case 403:
            return Unsupported(said, help="Ask an administrator whether this sign-in may do that.")
        case 404 | 410:
            return Gone(said)
        case 407:
            return BadSetup("the proxy wants a sign-in", help="Put it into the address of the proxy (HTTPS_PROXY).")
        case 409 | 412:
            return Conflicting(said)
        case 425:
            return Retryable(said, retry_after=wait)
        case 429:
            return Throttled(said, retry_after=wait)
        case 503 if "retry-after" in answer.headers:
            return Retryable(said, retry_after=wait)
    if status == 408 or status >= 500:
        return Retryable(said, retry_after=wait) if answer.reading else Ambiguous(said)
    if status in (307, 308):
        return BadSetup(f"{vendor} has moved to another address", help="Correct the address of the account.")
    if status < 400:
        if answer.reading:
            return BadSetup(f"{vendor} points to another address", help="Check the address of the account.")
        return Ambiguous(f"{vendor} pointed to another address instead of an answer")
    return Rejected(said)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def unanswered(broken: Broken, vendor: str, *, reading: bool) -> CareError:
    """The error that a missing answer is."""
    words = f"{vendor} {broken.why}"
    if broken.sent and not reading:
        return Ambiguous(f"{words} after the request was sent")
    if broken.trouble == "stopped":
        return Stopped(words)
    if broken.trouble == "setup":
        return BadSetup(words, help="Check the address, the CA file and the proxy of the account.")
    if broken.trouble == "size":
        return Rejected(words)
    return Retryable(words if reading else f"{words}; nothing was sent")
