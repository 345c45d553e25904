"""Turns a query tree into SQL conditions on ``ticket t``. Light on purpose: it is on the start-up path."""

from __future__ import annotations

from carecli.domain.errors import UsageError
from carecli.domain.query import Node

Condition = tuple[str, list[object]]
DAY = 86_400_000
_UNITS = {"m": 60_000, "h": 3_600_000, "d": DAY, "w": 7 * DAY}
_COLUMN = {
    "status": "t.status",
    "priority": "t.priority",
    "channel": "t.channel",
    "type": "t.type",
    "lang": "t.language",
}
_IS = {
    "open": "t.status_category = 'open'",
    "waiting": "t.status_category = 'waiting'",
    "done": "t.status_category = 'done'",
    "unread": "t.unread = 1",
    "snoozed": "t.snoozed_until IS NOT NULL",
    "mine": "t.assignee_id IN (SELECT id FROM agent WHERE is_me = 1)",
    "unassigned": "t.assignee_id IS NULL",
    "vip": "t.requester_id IN (SELECT id FROM customer WHERE vip = 1)",
    "escalated": "t.escalation_level > 0",
}
_HAS = {
    "attachment": "t.id IN (SELECT m.ticket_id FROM attachment x JOIN message m ON m.id = x.message_id)",
    "note": "t.id IN (SELECT ticket_id FROM message WHERE kind = 'note')",
    "draft": "t.id IN (SELECT ticket_id FROM draft WHERE discarded_at IS NULL AND ticket_id IS NOT NULL)",
}
_LONGEST = 10_000_000  # of any unit: more than anybody has waited, and far from the end of 64 bits
RISK_MS = 2 * _UNITS["h"]


def fts_text(node: Node) -> str:
    """An FTS5 expression for a word, phrase or prefix; quoting keeps the text from being read as FTS5 syntax."""
    quoted = fts_quoted(str(node[1]))
    return quoted + " *" if node[0] == "prefix" else quoted


def fts_quoted(text: str) -> str:
    """A text as one FTS5 string; a NUL would end the expression for FTS5, whatever follows."""
    return '"' + text.replace("\x00", " ").replace('"', '""') + '"'


def whole_number(text: str) -> int | None:
    """A number of plain digits that fits into SQLite with room to calculate; ``None`` when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def condition(node: Node | None, now: int) -> Condition:
    """SQL text with bound values for a tree; "1" for no query. ``now`` is milliseconds."""
    if node is None:
        return "1", []
    kind = node[0]
    if kind in ("and", "or"):
        texts, values = [], []
        for part in node[1]:  # type: ignore[attr-defined]
            text, bound = condition(part, now)
            texts.append(text)
            values += bound
        return "(" + f" {kind} ".join(texts) + ")", values
    if kind == "not":
        text, values = condition(node[1], now)  # type: ignore[arg-type]
        return f"NOT ifnull({text}, 0)", values
    if kind == "field":
        return _field(str(node[1]), str(node[2]), node[3], now)  # type: ignore[arg-type]
    return _text(node)


def _text(node: Node) -> Condition:
    match = fts_text(node)
    word = str(node[1])
    account, colon, number = word.rpartition(":")
    if colon and number.isdigit():
        exact = "(t.number = ? AND t.account_id = (SELECT id FROM account WHERE name = ?))"
        return exact, [number, account]
    bodies = "SELECT m.ticket_id FROM fts_message f JOIN message m ON m.id = f.rowid WHERE fts_message MATCH ?"
    titles = "SELECT rowid FROM fts_ticket WHERE fts_ticket MATCH ?"
    return f"(t.id IN ({bodies}) OR t.id IN ({titles}))", [match, match]


def _field(key: str, operator: str, values: tuple[str, ...], now: int) -> Condition:
    marks = ",".join("?" * len(values))
    if key in _COLUMN:
        return f"{_COLUMN[key]} IN ({marks})", list(values)
    if key == "is":
        return "(" + " OR ".join(_IS[value] for value in values) + ")", []
    if key == "has":
        return "(" + " OR ".join(_HAS[value] for value in values) + ")", []
    if key == "sla":
        limit = now if values[0] == "breached" else now + RISK_MS
        return "(t.due_at IS NOT NULL AND t.due_at <= ? AND t.status_category <> 'done')", [limit]
    if key == "tag":
        return f"t.id IN (SELECT ticket_id FROM ticket_tag WHERE tag IN ({marks}))", list(values)
    if key == "account":
        return f"t.account_id IN (SELECT id FROM account WHERE name IN ({marks}))", list(values)
    if key == "assignee":
        return _assignee(values)
    if key == "team":
        return ("t.team IS NULL", []) if values == ("none",) else (f"t.team IN ({marks})", list(values))
    if key == "customer":
        numbers = [whole_number(value) for value in values]
        return f"t.requester_id IN ({marks})", [-1 if number is None else number for number in numbers]
    if key == "org":
        return f"t.organisation_id IN (SELECT id FROM organisation WHERE name IN ({marks}) COLLATE nocase)", list(
            values
        )
    if key == "from":
        like = [f"%{value}%" for value in values]
        each = " OR ".join("c.name LIKE ? OR i.value LIKE ?" for _ in values)
        people = f"SELECT c.id FROM customer c LEFT JOIN identity i ON i.customer_id = c.id WHERE {each}"
        return (
            f"t.requester_id IN ({people})",
            [pattern for pattern in like for _ in (0, 1)],
        )
    if key == "in":
        return "1", []
    if key == "wait":
        return _wait(operator, values[0], now)
    return _when(key, operator, values[0], now)


def _assignee(values: tuple[str, ...]) -> Condition:
    texts, bound = [], []
    for value in values:
        if value == "me":
            texts.append(_IS["mine"])
        elif value == "none":
            texts.append(_IS["unassigned"])
        else:
            texts.append("t.assignee_id IN (SELECT id FROM agent WHERE name = ? COLLATE nocase OR email = ?)")
            bound += [value, value]
    return "(" + " OR ".join(texts) + ")", list(bound)


def span_ms(text: str) -> int | None:
    """Milliseconds of a span such as 30m, 2h, 7d or 1w; ``None`` when it is none."""
    number = whole_number(text[:-1])
    if number is None or number > _LONGEST or text[-1] not in _UNITS:
        return None
    return number * _UNITS[text[-1]]


def _wait(operator: str, value: str, now: int) -> Condition:
    span = span_ms(value)
    if span is None:
        raise UsageError(f"'{value}' is not a span", code="BAD_QUERY", help="Write wait:>2h, wait:<30m or wait:>3d.")
    return f"(t.waiting_since IS NOT NULL AND t.waiting_since {'>' if '<' in operator else '<='} ?)", [now - span]


def _when(key: str, operator: str, value: str, now: int) -> Condition:
    column = f"t.{key}_at"
    span = span_ms(value)
    if span is not None:
        # "created:>7d" is older than seven days, as with wait; plain "7d" means within the last seven days.
        return f"{column} {'<' if '>' in operator else '>='} ?", [now - span]
    start, end = _range(key, value, now)
    if operator == ":":
        return f"({column} >= ? AND {column} < ?)", [start, end]
    bound = {">": end, ">=": start, "<": start, "<=": end}[operator]
    return f"{column} {'>=' if '>' in operator else '<'} ?", [bound]


def _range(key: str, value: str, now: int) -> tuple[int, int]:
    if value in ("today", "yesterday"):
        start = now // DAY * DAY - (DAY if value == "yesterday" else 0)
        return start, start + DAY
    first, dots, last = value.partition("..")
    try:
        start, end = _day(first)
        if dots:
            end = _day(last)[1] if last else now + 100 * DAY
    except ValueError:
        raise UsageError(
            f"'{value}' is not a date", code="BAD_QUERY", help=f"Write {key}:7d, {key}:today, {key}:2026-10-31 or a..b."
        ) from None
    return start, end


def _day(text: str) -> tuple[int, int]:
    if not text.replace("-", "").isascii() or not text.replace("-", "").isdigit():
        raise ValueError(text)
    parts = [int(part) for part in text.split("-")]
    if not 1 <= len(parts) <= 3 or not 1970 <= parts[0] <= 9999:
        raise ValueError(text)
    year, month, day = (*parts, *(0, 0))[:3]
    if month > 12 or day > 31 or (len(parts) > 1 and month < 1) or (len(parts) > 2 and day < 1):
        raise ValueError(text)
    start = _epoch(year, month or 1, day or 1)
    if len(parts) == 3:
        return start, start + DAY
    if len(parts) == 2:
        return start, _epoch(year + month // 12, month % 12 + 1, 1)
    return start, _epoch(year + 1, 1, 1)


def _epoch(year: int, month: int, day: int) -> int:
    """Milliseconds at the start of a day, UTC; days-from-civil by counting March-based years (no datetime import)."""
    year -= month <= 2
    era_year = year % 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = year // 400 * 146097 + era_year * 365 + era_year // 4 - era_year // 100 + day_of_year - 719468
    return days * DAY
