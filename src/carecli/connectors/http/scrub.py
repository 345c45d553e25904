"""Takes credentials out of what is traced, logged or told: the known values in every form they are written in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import httpx

from carecli.domain.redact import clean_line, without_secrets

LONGEST = 500
"""Characters of a vendor's words that are told."""

_SHORTEST = 4  # a shorter value would blot out ordinary words; no credential is that short
_TELLING = re.compile(r"(?i)token|key|secret|sig|pass|pwd|auth|code|credential|jwt|session|assertion|policy|hash")


def scrubbed(text: str, values: Iterable[str]) -> str:
    """One clean line of text without the values and without what looks like a credential."""
    text = clean_line(text)
    for form in sorted({form for value in values for form in _forms(value)}, key=len, reverse=True):
        text = text.replace(form, "***")
    return without_secrets(text)


def told(text: str, values: Iterable[str]) -> str:
    """A vendor's words as they are told to people: scrubbed, then cut."""
    text = scrubbed(text, values)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _forms(value: str) -> Iterator[str]:
    if len(value) < _SHORTEST:
        return
    raw = value.encode(errors="replace")
    yield from (value, clean_line(value), quote(value, safe=""), quote(value), quote_plus(value))
    yield json.dumps(value)[1:-1]
    yield repr(value)[1:-1]
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")


def address(url: httpx.URL, values: Iterable[str], *, own: bool) -> str:
    """An address for the trace: no sign-in, no fragment, and of the query only what cannot be a credential.

    On another host nothing of the query is shown: signed links carry their right of access there.
    """
    shown = [
        f"{name}={'***' if not own or _TELLING.search(name) else value}" for name, value in url.params.multi_items()
    ]
    port = f":{url.port}" if url.port else ""
    query = f"?{'&'.join(shown)}" if shown else ""
    return scrubbed(f"{url.scheme}://{url.host}{port}{url.path}{query}", values)
