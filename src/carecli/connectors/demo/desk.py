"""The demo desk: every ticket with its conversation, made from seed and index alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from random import Random
from typing import NamedTuple

from carecli.connectors.demo import goods, people, wording
from carecli.connectors.demo.calendar import DAY, HOUR, Calendar
from carecli.connectors.demo.scripts import LANGUAGES, Script, Turn, of_kind
from carecli.domain.ticket import TicketStatus

_PARTS: Mapping[str, frozenset[str]] = {
    "mail": frozenset({"email", "web_form", "phone"}),
    "chat": frozenset({"chat", "whatsapp", "sms"}),
    "social": frozenset({"social_public", "instagram"}),
}
_PARTS = {**_PARTS, "all": frozenset().union(*_PARTS.values())}
FIRST_NUMBER = {"all": 1001, "mail": 1001, "chat": 4001, "social": 7001}
_GOLDEN = 0.6180339887498949

# Shares of (new, open, pending, on hold, solved); the rest is closed. By age in hours.
_SHARES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (6, (0.38, 0.68, 0.83, 0.86, 1.0)),
    (48, (0.08, 0.30, 0.54, 0.62, 1.0)),
    (7 * 24, (0.01, 0.11, 0.26, 0.33, 0.84)),
    (1 << 30, (0.0, 0.03, 0.07, 0.09, 0.42)),
)
_STATES = (TicketStatus.NEW, TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.ON_HOLD, TicketStatus.SOLVED)

# Milliseconds between two messages: shortest and how much longer at most.
_GAPS = {"email": (14 * 60_000, 5 * HOUR), "web_form": (20 * 60_000, 6 * HOUR), "phone": (30 * 60_000, 8 * HOUR)}
_QUICK = (35_000, 6 * 60_000)


_ABLE = {
    language: tuple(name for _, name, languages in people.COLLEAGUES if language in languages)
    # Whoever opens the demo has enough to do.
    + ((people.ME, people.ME) if language == "en" else ())
    for language in LANGUAGES
}


class Said(NamedTuple):
    """One utterance with its time and text, before it becomes a message."""

    who: str
    at: int
    text: str
    agent: str


class Case(NamedTuple):
    """Everything about one ticket, before it becomes records. ``place`` counts from 0; instants in milliseconds."""

    place: int
    customer: int
    script: Script
    channel: str
    slots: Mapping[str, str]
    subject: str
    status: TicketStatus
    assignee: str | None
    created_at: int
    said: tuple[Said, ...]
    due_at: int | None
    twin: int | None
    rng: Random


class _Plan(NamedTuple):
    customer: int
    script: Script
    channel: str
    slots: Mapping[str, str]
    agent: str
    twin: int | None
    rng: Random


class Desk:
    """A seeded desk of a size; the same seed, size, part and ``now`` give the same cases."""

    def __init__(self, seed: int, tickets: int, part: str, now: int) -> None:
        self.seed = seed
        self.tickets = tickets
        self.part = part
        self.calendar = Calendar(now, tickets)
        self.channels = _PARTS[part]
        self.customers = max(60, tickets * 9 // 20)
        self._start = seed * 0.37 % 1.0

    @cached_property
    def _cases(self) -> dict[str, tuple[Script, ...]]:
        return {language: self._usable(language, "case") for language in LANGUAGES}

    def _usable(self, language: str, kind: str) -> tuple[Script, ...]:
        return tuple(script for script in of_kind(language, kind) if not self.channels.isdisjoint(script.channels))

    def case(self, index: int) -> Case:
        """The ticket of an index, from 0."""
        plan = self._plan(index)
        created = self.calendar.created(index)
        script, rng = plan.script, plan.rng
        status = self._status(index, created, script, rng)
        turns = _until(script.turns, status, rng)
        said = self._said(turns, plan, created)
        subject = script.subjects[index % len(script.subjects)].format_map(plan.slots)
        assignee = self._assignee(plan, status)
        return Case(
            place=index,
            customer=plan.customer,
            script=script,
            channel=plan.channel,
            slots=plan.slots,
            subject=subject,
            status=status,
            assignee=assignee,
            created_at=created,
            said=said,
            due_at=self._due(status, script, plan, said),
            twin=plan.twin,
            rng=rng,
        )

    def fresh(self, index: int, at: int) -> Case:
        """A ticket that arrives at an instant: one message, nobody has seen it."""
        plan = self._plan(index)
        first = _until(plan.script.turns, TicketStatus.NEW, plan.rng)[:1]
        said = (Said(first[0].who, at, first[0].text(plan.slots, plan.rng), plan.agent),)
        return Case(
            place=index,
            customer=plan.customer,
            script=plan.script,
            channel=plan.channel,
            slots=plan.slots,
            subject=plan.script.subjects[0].format_map(plan.slots),
            status=TicketStatus.NEW,
            assignee=None,
            created_at=at,
            said=said,
            due_at=at + 4 * HOUR if plan.script.priority in {"high", "urgent"} else None,
            twin=plan.twin,
            rng=plan.rng,
        )

    def _plan(self, index: int, *, may_twin: bool = True) -> _Plan:
        rng = Random(self.seed * 1_000_003 + index)  # noqa: S311  (the same desk for the same seed)
        if may_twin and index % 29 == 7 and index >= 29 and (plan := self._twin(index, rng)):
            return plan
        created = self.calendar.created(min(index, self.tickets - 1))
        customer = self._customer(index, rng)
        language = people.language_of(customer)
        script = self._script(index, language, customer, rng)
        agent = _agent(language, rng)
        slots = goods.slots(rng, customer, script.product, created, agent)
        return _Plan(customer, script, self._channel(script, customer, rng), slots, agent, None, rng)

    def _twin(self, index: int, rng: Random) -> _Plan | None:
        """The same customer once more on the same matter, because nobody answered fast enough."""
        first = self._plan(index - 2, may_twin=False)
        nudges = self._usable(people.language_of(first.customer), "nudge")
        if not nudges or first.script.kind != "case":
            return None
        script = nudges[int(rng.random() * len(nudges))]
        channel = self._channel(script, first.customer, rng)
        return _Plan(first.customer, script, channel, first.slots, first.agent, index - 2, rng)

    def _customer(self, index: int, rng: Random) -> int:
        if index % 41 == 11:
            return index // 41 % 3  # the VIPs write often
        return int(self.customers * rng.random() ** 1.35)

    def _script(self, index: int, language: str, customer: int, rng: Random) -> Script:
        storm = index - (self.tickets - self.calendar.storm)
        if storm == 0 and self.tickets >= 20:
            return of_kind("en", "problem")[0]
        if storm > 0 and rng.random() < 0.6 and (hit := self._usable(language, "incident")):
            return hit[int(rng.random() * len(hit))]
        cases = self._cases[language] or of_kind(language, "case")
        if index % 82 == 11 and (trade := [script for script in cases if "business" in script.tags]):
            return trade[index // 82 % len(trade)]
        # Steps of the golden ratio: neighbours never tell the same story.
        at = int((index * _GOLDEN + self._start) % 1.0 * len(cases))
        while "business" in cases[at].tags and people.customer(customer).organisation is None:
            at = (at + 1) % len(cases)
        return cases[at]

    def _channel(self, script: Script, customer: int, rng: Random) -> str:
        if script.kind == "problem":
            return "api"
        person = people.customer(customer)
        able = [
            channel
            for channel in script.channels
            if channel in self.channels and (person.phones or channel not in {"phone", "sms", "whatsapp"})
        ]
        return able[int(rng.random() * len(able))] if able else min(self.channels)

    def _status(self, index: int, created: int, script: Script, rng: Random) -> TicketStatus:
        if script.kind == "problem":
            return TicketStatus.OPEN
        age = (self.calendar.now - created) // HOUR
        point = rng.random()
        if script.kind == "incident":
            point *= 0.8  # nobody has an answer yet
        for limit, shares in _SHARES:
            if age < limit:
                for status, share in zip(_STATES, shares, strict=True):
                    if point < share:
                        return status
                return TicketStatus.CLOSED
        raise AssertionError(index)

    def _assignee(self, plan: _Plan, status: TicketStatus) -> str | None:
        free = {TicketStatus.NEW: 0.85, TicketStatus.OPEN: 0.2}.get(status, 0.0)
        return None if plan.rng.random() < free and plan.script.kind != "problem" else plan.agent

    def _said(self, turns: tuple[Turn, ...], plan: _Plan, created: int) -> tuple[Said, ...]:
        least, spread = _GAPS.get(plan.channel, _QUICK)
        offsets = [0]
        for turn in turns[1:]:
            step = 90_000 if turn.who in "NB" else least + int(plan.rng.random() ** 2 * spread)
            offsets.append(offsets[-1] + step)
        room = self.calendar.now - created - 20_000
        if offsets[-1] > room:
            offsets = [offset * room // offsets[-1] for offset in offsets]
        called = plan.channel == "phone" and turns[0].who == "C"
        said = [
            Said(
                "K" if called and not offset else turn.who,
                created + offset,
                turn.text(plan.slots, plan.rng),
                plan.agent,
            )
            for turn, offset in zip(turns, offsets, strict=True)
        ]
        if plan.channel == "web_form":  # the form answers at once that it has arrived
            said.insert(1, Said("B", created + 2_000, wording.RECEIVED[plan.script.language], plan.agent))
        return tuple(said)

    def _due(self, status: TicketStatus, script: Script, plan: _Plan, said: tuple[Said, ...]) -> int | None:
        if status not in {TicketStatus.NEW, TicketStatus.OPEN}:
            return None
        vip = people.customer(plan.customer).vip
        if not vip and script.priority not in {"high", "urgent"} and plan.rng.random() > 0.3:
            return None
        hours = 2 if script.priority == "urgent" else 4 if vip or script.priority == "high" else 24
        waits = next((one.at for one in reversed(said) if one.who in "CK"), said[-1].at)
        if self.calendar.now - waits > DAY:  # an old promise: half of them missed by now
            return self.calendar.now + int((plan.rng.random() - 0.5) * 10 * HOUR)
        return waits + hours * HOUR


def _agent(language: str, rng: Random) -> str:
    able = _ABLE[language]
    return able[int(rng.random() * len(able))]


def _until(turns: tuple[Turn, ...], status: TicketStatus, rng: Random) -> tuple[Turn, ...]:
    """The part of a dialogue that has happened when a ticket has that status."""
    answers = [at for at, turn in enumerate(turns) if turn.who == "A"]
    if status in {TicketStatus.SOLVED, TicketStatus.CLOSED} or not answers:
        return turns
    first = answers[0]
    if status is TicketStatus.NEW:
        return tuple(turn for turn in turns[:first] if turn.who != "N")
    if status is TicketStatus.OPEN:
        ends = [at for at, turn in enumerate(turns) if turn.who == "C" and at > first]
        end = ends[int(rng.random() * len(ends))] if ends and rng.random() < 0.7 else first - 1
    else:
        end = answers[int(rng.random() * len(answers))]
    while end + 1 < len(turns) and turns[end + 1].who == "N":
        end += 1
    return turns[: end + 1]
