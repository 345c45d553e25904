"""How fast a vendor wants to be called, read from the headers of its answers. Pure: the clock is an argument."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 3600.0
"""Seconds; a header that asks for more is wrong, or nothing a program should wait for in one piece."""

_WINDOW = 60.0  # seconds of a window whose length the vendor does not tell; most count by the minute
_RESERVE = 0.1  # share of each window that reading leaves to what people send
_UNIX_FROM = 1e8  # smaller numbers are seconds from now, larger ones points in time
_MILLIS_FROM = 1e11  # larger numbers are milliseconds

_NUMBER = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*(?:[,;].*)?", re.ASCII)
_PART = re.compile(r"(?:^|[;,\s])(limit|total|remaining|resets?|q|r|t|w)\s*=\s*\"?(\d{1,15}(?:\.\d{1,9})?)", re.ASCII)
_FIELDS = {"total": "limit", "q": "limit", "r": "remaining", "t": "reset", "resets": "reset"}
_PLAIN = re.compile(r"(?:x-)?rate-?limit(?:-(limit|total|remaining|reset))?(?:-(minute|hour|day|second))?")
_SPANS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_NAMED = re.compile(r"[a-z]+-ratelimit-[a-z0-9-]+")  # one for each kind of call: "zendesk-ratelimit-tickets-index"


@dataclass(frozen=True, slots=True)
class Window:
    """One allowance: how many calls are left of how many, until when (Unix seconds), and whether it binds all calls."""

    limit: float | None
    remaining: float
    ends: float
    everything: bool = True


def seconds_from(value: str, now: float) -> float | None:
    """Seconds from now that a Retry-After or reset header means, ``None`` when it means nothing.

    Read are seconds, Unix times in seconds or milliseconds, HTTP dates and ISO 8601; the past is 0.
    """
    number = _NUMBER.fullmatch(value)
    if number:
        amount = float(number[1])
        if amount >= _MILLIS_FROM:
            amount /= 1000
        return _bounded(amount - now if amount >= _UNIX_FROM else amount)
    moment = _moment(value.strip())
    return None if moment is None else _bounded(moment - now)


def _moment(text: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError, OSError):
            continue
    return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def windows(headers: Mapping[str, str], now: float) -> Mapping[str, Window]:
    """The allowances that an answer tells of, by name; header names in lower case."""
    found: dict[str, dict[str, float]] = {}
    for name, value in headers.items():
        plain = _PLAIN.fullmatch(name)
        if plain:
            # The old and the new names ("x-ratelimit-…", "ratelimit-…") tell of the same allowance.
            window = found.setdefault(plain[2] or "", {})
            if plain[1] is None:
                window.update(_parts(value, now))
            elif plain[1] == "reset":
                seconds = seconds_from(value, now)
                if seconds is not None:
                    window["reset"] = seconds
            elif number := _NUMBER.fullmatch(value):
                window["limit" if plain[1] == "total" else plain[1]] = float(number[1])
        elif _NAMED.fullmatch(name):
            found.setdefault(name, {}).update(_parts(value, now))
    return {
        name: Window(
            limit=window.get("limit"),
            remaining=window["remaining"],
            ends=now + window.get("reset", _SPANS.get(name, _WINDOW)),
            everything=not _NAMED.fullmatch(name),
        )
        for name, window in found.items()
        if "remaining" in window
    }


def _parts(value: str, now: float) -> dict[str, float]:
    """Of "limit=100, remaining=5, reset=30", and of the newer '"default";r=5;t=30' (IETF draft)."""
    whole = _NUMBER.fullmatch(value)
    if whole:  # Zendesk's "x-rate-limit: 700"
        return {"limit": float(whole[1])}
    parts: dict[str, float] = {}
    for name, amount in _PART.findall(value.lower()):
        field = _FIELDS.get(name, name)
        parts[field] = (seconds_from(amount, now) or 0.0) if field == "reset" else float(amount)
    return parts


def retry_after(headers: Mapping[str, str], now: float) -> int | None:
    """Whole seconds to wait after a refusal: as the vendor says, else until its used-up window ends, else ``None``."""
    for name in ("retry-after", "x-ratelimit-retry-after", "x-rate-limit-retry-after", "ratelimit-retry-after"):
        seconds = seconds_from(headers[name], now) if name in headers else None
        if seconds is not None:
            return math.ceil(seconds)
    used_up = [window.ends - now for window in windows(headers, now).values() if window.remaining < 1]
    return math.ceil(max(used_up)) if used_up and _tells_when(headers) else None


def _tells_when(headers: Mapping[str, str]) -> bool:
    return any("reset" in name or "reset" in value or ";t=" in value for name, value in headers.items())


def pause(window: Window, now: float, *, urgent: bool) -> float:
    """Seconds to wait before the next call within a window.

    With plenty left nobody waits; what is left of the reserve is spread over the rest of the window, and nothing goes
    once it is used up. ``urgent`` calls (what a person sends) may use the reserve without waiting.
    """
    rest = min(max(window.ends - now, 0.0), LONGEST_PAUSE)
    if rest == 0.0 or (urgent and not window.everything):
        return 0.0
    if window.remaining < 1:
        return rest
    if urgent or window.limit is None or window.remaining > window.limit * _RESERVE:
        return 0.0
    return rest / (window.remaining + 1)


class Governor:
    """Holds the calls of one account back so that the vendor need not refuse them."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}
        self._quiet_until = 0.0
        self._quiet_from = 0.0

    def feed(self, headers: Mapping[str, str], now: float, *, refused: bool = False) -> None:
        """Learns from an answer; ``refused``: it was a refusal for too many calls."""
        self._windows = {name: window for name, window in self._windows.items() if window.ends > now}
        self._windows.update(windows(headers, now))
        if refused and (seconds := retry_after(headers, now)):
            self._quiet_from, self._quiet_until = now, now + seconds

    def pause(self, now: float, *, urgent: bool = False) -> float:
        """Seconds to wait before the next call; a clock that was set back ends all waiting."""
        quiet = self._quiet_until - now if self._quiet_from <= now else 0.0
        waits = [pause(window, now, urgent=urgent) for window in self._windows.values()]
        return min(max(quiet, 0.0, *waits), LONGEST_PAUSE)
