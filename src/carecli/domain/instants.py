"""Instants as people write them: a date, a time, or how long ago."""

from __future__ import annotations

from datetime import datetime, timedelta

from carecli.domain.errors import UsageError

_UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_LONGEST = 100_000


def parse_instant(text: str, now: int) -> int:
    """Milliseconds of an instant: ``2h`` (ago; m, h, d, w), ``now``, ``today``, ``yesterday``, or an ISO 8601 date or time.

    What names no zone is the local time of this machine; a day means its beginning. Raises ``UsageError`` BAD_TIME.
    """
    word = text.strip().lower()
    if word == "now":
        return now
    if word[-1:] in _UNITS and word[:-1].isascii() and word[:-1].isdigit() and int(word[:-1]) <= _LONGEST:
        return now - int(word[:-1]) * _UNITS[word[-1]]
    try:
        if word in ("today", "yesterday"):
            day = datetime.fromtimestamp(now / 1000).astimezone().date() - timedelta(days=word == "yesterday")
            found = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (a local midnight, as its reader means it)
        else:
            found = datetime.fromisoformat(text.strip())
        return round(found.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"'{text}' is not a time",
            code="BAD_TIME",
            help="Write 2h (ago), 3d, today, yesterday, 2026-10-31, 2026-10-31T14:30 or 2026-10-31T14:30Z.",
        ) from None
