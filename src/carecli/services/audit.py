"""The event log for people: who changed what, and a ticket as it was at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from carecli.domain.errors import NotFoundError
from carecli.domain.instants import parse_instant
from carecli.domain.ticket import TicketStatus, category_of
from carecli.services.context import Context
from carecli.store import events, thread_json, tickets
from carecli.sync.facts import first_facts, spoken_of
from carecli.sync.follow import Spoken, follow

# What a past state cannot tell: it is computed from what came later, too.
_UNKNOWN_THEN = ("unread", "waiting_since", "sla", "sync_state")


class Audit:
    """Reads the event log; nothing writes to it but what changes tickets, and nothing is ever removed from it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection = context.store.connection

    def list_json(
        self,
        *,
        since: str | None = None,
        actor: str | None = None,
        origin: str | None = None,
        ticket: int | None = None,
        limit: int = 0,
    ) -> list[str]:
        """Events as JSON texts with the ``ref`` of their ticket, oldest first; the newest ``limit`` (0: all).

        ``since`` is an instant as people write it; ``actor`` ``me`` is the acting person. Raises ``UsageError`` BAD_TIME.
        """
        start = parse_instant(since, self._context.now()) if since else 0
        who = self._context.actor if actor == "me" else actor
        return events.list_json(self._connection, start, actor=who, origin=origin, ticket_id=ticket, limit=limit)

    def today_json(self) -> list[str]:
        """What the acting person changed since midnight, oldest first."""
        return self.list_json(since="today", actor="me")

    def as_of_json(self, ticket_id: int, when: str) -> str:
        """A ticket as it was at an instant: its fields then, what had been said, what had been done.

        What cannot be told of the past is null. Raises ``NotFoundError`` NOT_YET for a time before it was known here.
        """
        at = parse_instant(when, self._context.now())
        body: dict[str, Any] = json.loads(thread_json.thread_json(self._connection, ticket_id, at))
        past = events.of_ticket(self._connection, ticket_id)
        said = dict(events.message_instants(self._connection, ticket_id))
        body["messages"] = [one for one in body["messages"] if said[int(one["id"])] <= at]
        if not body["messages"] and not any(event[0] <= at for event in past):
            raise NotFoundError(
                f"{body['ref']} was not known at that time",
                code="NOT_YET",
                help=f"Its first trace here is of {body['created_at']}.",
            )
        body["events"] = [event for event, row in zip(body["events"], past, strict=True) if row[0] <= at]
        for seen_at, _, _, verb, field, old, _, _ in reversed(past):
            if seen_at <= at or verb != "changed":
                continue
            body |= _field(str(field), old)
        if tickets.current(self._connection, ticket_id, "local_status")[0]:
            body |= _field("status", self._replayed(ticket_id, past, at))
        body |= dict.fromkeys(_UNKNOWN_THEN)
        for name in ("solved_at", "updated_at"):
            body[name] = body[name] if (body[name] or "~") <= _iso(at) else None
        return json.dumps(body | {"message_count": len(body["messages"]), "as_of": _iso(at)}, ensure_ascii=False)

    def _replayed(self, ticket_id: int, past: list[events.Row], at: int) -> str:
        """The status of a mailbox's ticket: it follows from what was said, and from what people set in between."""
        facts = first_facts({"status": "new", "solved_at": None, "updated_at": 0, "local_status": True})
        turns: list[tuple[int, Spoken | str]] = [(one.at, one) for one in spoken_of(self._connection, ticket_id)]
        turns += [(e[0], str(e[6])) for e in past if e[3:5] == ("changed", "status") and e[2] != "remote"]
        for when, turn in sorted(turns, key=lambda pair: pair[0]):
            if when > at:
                break
            facts = follow(facts, [turn]) if isinstance(turn, Spoken) else replace(facts, status=TicketStatus(turn))
        return str(facts.status)


def _field(name: str, value: str | None) -> dict[str, object]:
    """A field of the ticket object with an earlier value of the event log, and what hangs on it."""
    if name == "tags":
        return {"tags": value.split(", ") if value else []}
    if name == "status":
        return {
            "status": value,
            "status_label": value,
            "status_category": str(category_of(TicketStatus(value or "new"))),
        }
    if name == "snoozed_until":
        return {name: _iso(int(value)) if value else None}
    return {name: value} if name in ("priority", "subject", "assignee") else {}


def _iso(milliseconds: int) -> str:
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))
