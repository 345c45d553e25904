"""The views that ship: named queries. Light on purpose, because ``ticket list --view`` loads it."""

from __future__ import annotations

BUILT_IN: tuple[tuple[str, str, str, str, str], ...] = (
    ("open", "Open", "is:open", "wait", "1"),
    ("mine", "Mine", "is:mine -is:done", "wait", "2"),
    ("unassigned", "Unassigned", "is:unassigned is:open", "wait", "3"),
    ("risk", "SLA at risk", "sla:risk", "wait", "4"),
    ("unread", "Unread", "is:unread", "wait", "5"),
    ("pending", "Waiting on others", "is:waiting", "updated", "6"),
    ("snoozed", "Snoozed", "is:snoozed", "updated", "7"),
    ("solved", "Solved", "is:done", "updated", "8"),
    ("everything", "Everything", "", "updated", "9"),
)
"""(name, title, query, order, digit after ``g``)."""


def built_in(name: str) -> tuple[str, str] | None:
    """(query, order) of a shipped view."""
    for known, _, query, order, _ in BUILT_IN:
        if known == name:
            return query, order
    return None
