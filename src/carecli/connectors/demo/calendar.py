"""When things happen at the demo desk: busy days, quiet nights, and a storm in the last hours."""

from __future__ import annotations

import time
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

HOUR = 3_600_000
DAY = 24 * HOUR
STORM = 5 * HOUR

_BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 7, 12, 16, 18, 17, 14, 14, 15, 15, 14, 12, 10, 9, 8, 6, 4, 2)
_BY_WEEKDAY = (12, 11, 10, 10, 9, 6, 4)


class Calendar:
    """Spreads ``tickets`` over the time before ``now`` (milliseconds): a week, or longer for a large desk."""

    def __init__(self, now: int, tickets: int) -> None:
        self.now = now
        self.tickets = tickets
        self.days = max(7, min(1095, tickets // 150))
        self.storm = min(60, tickets * 6 // 100)  # the last ones, all of this morning
        self._start = now - self.days * DAY
        hours = self.days * 24 - STORM // HOUR
        first = self._start // HOUR
        self._sums = list(
            accumulate(_BY_HOUR[(first + at) % 24] * _BY_WEEKDAY[((first + at) // 24 + 3) % 7] for at in range(hours))
        )

    def created(self, index: int) -> int:
        """When the ticket of an index was made; rises with the index."""
        calm = self.tickets - self.storm
        if index >= calm:
            return self.now - STORM + 600_000 + (STORM - 900_000) * (index - calm) // self.storm
        point = (index + 0.5) / calm * self._sums[-1]
        hour = bisect_right(self._sums, point)
        before = self._sums[hour - 1] if hour else 0
        share = (point - before) / (self._sums[hour] - before)
        return self._start + int((hour + share) * HOUR)


def stamp(milliseconds: int, language: str) -> str:
    """Date and time as mail programs of a language write them above a quoted message."""
    hour, minute = divmod(milliseconds // 60_000 % 1440, 60)
    return f"{_day(milliseconds // DAY, language)} {hour:02}:{minute:02}"


def date(milliseconds: int, language: str) -> str:
    """A date as people of a language write it, without the time."""
    return _day(milliseconds // DAY, language)


@lru_cache(maxsize=4096)
def _day(days: int, language: str) -> str:
    at = time.gmtime(days * 86_400)
    if language == "ja":
        return f"{at.tm_year}/{at.tm_mon:02}/{at.tm_mday:02}"
    separator = "." if language in {"de", "pl"} else "-" if language == "nl" else "/"
    return f"{at.tm_mday:02}{separator}{at.tm_mon:02}{separator}{at.tm_year}"
