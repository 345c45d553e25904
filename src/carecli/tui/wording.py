"""How instants, waits, deadlines and the closed sets of values read on the screen."""

from __future__ import annotations

from datetime import datetime

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

CHANNELS: dict[str, tuple[str, str]] = {
    "email": ("✉", "e-mail"),
    "phone": ("☎", "phone"),
    "voicemail": ("☎", "voicemail"),
    "chat": ("❞", "chat"),
    "whatsapp": ("W", "WhatsApp"),
    "messenger": ("M", "Messenger"),
    "instagram": ("◉", "Instagram"),
    "telegram": ("➤", "Telegram"),
    "line": ("L", "LINE"),
    "sms": ("S", "SMS"),
    "social_public": ("#", "public post"),
    "web_form": ("▤", "web form"),
    "portal": ("▥", "portal"),
    "api": ("⚙", "API"),
    "in_person": ("☺", "in person"),
    "internal": ("⌂", "internal"),
    "other": ("·", "other"),
}

STATUS: dict[str, str] = {
    "new": "New",
    "open": "Open",
    "pending": "Pending",
    "on_hold": "On hold",
    "solved": "Solved",
    "closed": "Closed",
}

PRIORITY: dict[str, str] = {"none": "not set", "low": "Low", "normal": "Normal", "high": "High", "urgent": "Urgent"}
PRIORITY_MARK: dict[str, str] = {"high": "▲", "urgent": "‼"}


def span(milliseconds: int) -> str:
    """A stretch of time in at most four characters: ``45s``, ``12m``, ``3h``, ``6d``, ``14w``."""
    seconds = max(0, milliseconds) // 1000
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 2 * 86400:
        return f"{seconds // 3600}h"
    if seconds < 60 * 86400:
        return f"{seconds // 86400}d"
    return f"{seconds // (7 * 86400)}w"


def ago(then: int, now: int) -> str:
    """``just now``, ``40 s ago``, ``3 h ago``, ``6 d ago``."""
    seconds = max(0, now - then) // 1000
    if seconds < 10:
        return "just now"
    text = span(now - then)
    return f"{text[:-1]} {text[-1:].replace('m', 'min')} ago"


def deadline(due_at: int | None, now: int) -> tuple[str, str]:
    """A service deadline as glyph with word, and its level (``late``, ``soon``, ``fine`` or empty)."""
    if due_at is None:
        return "", ""
    left = due_at - now
    if left < 0:
        return f"✗ {span(-left)} late", "late"
    if left < HOUR:
        return f"◔ {span(left)} left", "soon"
    return f"○ {span(left)} left", "fine"


def clock(at: int, now: int) -> str:
    """A local time as short as it stays clear: ``14:02``, ``Tue 14:02``, ``3 Nov 14:02``, ``3 Nov 2025``."""
    then, today = datetime.fromtimestamp(at / 1000), datetime.fromtimestamp(now / 1000)  # noqa: DTZ006
    days = (today.date() - then.date()).days
    if days == 0:
        return f"{then:%H:%M}"
    if 0 < days < 7:
        return f"{then:%a %H:%M}"
    if then.year == today.year:
        return f"{then.day} {then:%b %H:%M}"
    return f"{then.day} {then:%b %Y}"


def size(count: int) -> str:
    """Bytes for people: ``812 B``, ``48 kB``, ``2.1 MB``."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count // 1000} kB"
    return f"{count / 1_000_000:.1f} MB"


def some(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 ticket``, ``214 tickets``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def names(text: str | None, fallback: str) -> str:
    """A name, or the words for having none."""
    return text or fallback
