"""From a case of the demo desk to records: ticket, conversation and the kept source."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from carecli.connectors.demo import paper, people, wording
from carecli.connectors.demo.desk import FIRST_NUMBER, Case, Said
from carecli.connectors.spi.records import MessageRecord, PersonRecord, RawRecord, Record, TicketRecord
from carecli.domain.conversation import Address, AuthorKind, Delivery, Direction, MessageKind, Visibility
from carecli.domain.ticket import Channel, HoldReason, Priority, Resolution, TicketStatus, TicketType

_LABELS = {
    TicketStatus.NEW: "New",
    TicketStatus.OPEN: "In progress",
    TicketStatus.PENDING: "Waiting for customer",
    TicketStatus.ON_HOLD: "On hold",
    TicketStatus.SOLVED: "Solved",
    TicketStatus.CLOSED: "Closed",
}
_DONE = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED})
_SHOP = Address(email=people.SHOP_ADDRESS, name=people.SHOP_NAME)
_SHOP_PERSON = PersonRecord(name=people.SHOP_NAME, emails=(people.SHOP_ADDRESS,), shared=True)
_MONITOR = PersonRecord(name="Checkout monitoring", emails=("monitoring@larkfield-home.example",), shared=True)
_CHANNELS = {channel.value: channel for channel in Channel}
_TYPES = {kind.value: kind for kind in TicketType}
_PRIORITIES = {priority.value: priority for priority in Priority}
_MAIL = frozenset({"email", "web_form"})


class Mapper:
    """Turns cases of one desk into records."""

    def __init__(self, part: str, base_url: str) -> None:
        self._first = FIRST_NUMBER[part]
        self._url = base_url.rstrip("/")
        self._colleagues = {
            name: PersonRecord(external_id=key, name=name, emails=(people.agent_email(name),))
            for key, name, _ in people.COLLEAGUES
        }

    def external_id(self, index: int) -> str:
        """External id of the ticket of an index."""
        return f"t{self._first + index}"

    def index_of(self, external_id: str) -> int | None:
        """Index of a ticket by its external id, ``None`` when it is none of the desk's."""
        number = external_id.removeprefix("t")
        return int(number) - self._first if number.isdigit() else None

    def url(self, number: str) -> str:
        """Where a browser would show a ticket."""
        return f"{self._url}/tickets/{number}"

    def records(self, case: Case) -> list[Record]:
        """Ticket, messages in order, and the ticket's source."""
        ticket = self.ticket(case)
        messages = self.messages(case, ticket)
        return [ticket, *messages, self.raw(ticket, len(messages))]

    def ticket(self, case: Case, changes: Mapping[str, object] | None = None) -> TicketRecord:
        """The ticket alone, with the values that writes have changed since."""
        script = case.script
        number = str(self._first + case.place)
        person = _MONITOR if case.script.kind == "problem" else people.customer(case.customer)
        updated = case.said[-1].at
        done = case.status in _DONE
        tags = script.tags
        if person.vip:
            tags = (*tags, "vip")
        if case.twin is not None:
            tags = (*tags, "possible-duplicate")
        values: dict[str, object] = {
            "external_id": f"t{number}",
            "number": number,
            "subject": case.subject,
            "channel": _CHANNELS[case.channel],
            "created_at": case.created_at,
            "updated_at": updated,
            **status_values(case.status, updated),
            "hold_reason": _hold(case),
            "resolution": (Resolution.ANSWERED if script.type == "question" else Resolution.FIXED)
            if done
            else Resolution.NONE,
            "priority": _priority(case, person),
            "type": _TYPES[script.type],
            "requester": person,
            "organisation": person.organisation,
            "assignee": case.assignee,
            "team": script.team,
            "tags": tags,
            "custom": {"order": case.slots["order"], "product": case.slots["product"], "sentiment": script.mood},
            "due_at": case.due_at,
            "language": script.language,
            "url": self.url(number),
            "escalation_level": 1 if "escalated" in script.tags and not done else 0,
            "remote_version": "1",
        }
        if changes:
            values.update(changes)
        return TicketRecord(**values)  # type: ignore[arg-type]  # the keys above are the fields of the record

    def messages(self, case: Case, ticket: TicketRecord) -> list[MessageRecord]:
        """The conversation, oldest first; the last one from outside is unread while nobody has answered it."""
        found: list[MessageRecord] = []
        answer: Said | None = None
        last = max(at for at, said in enumerate(case.said) if said.who in "CK")
        waiting = case.status is TicketStatus.NEW or (case.status is TicketStatus.OPEN and case.rng.random() < 0.6)
        for at, said in enumerate(case.said):
            unread = waiting and at == last
            found.append(self._message(case, ticket, at, said, answer, unread=unread))
            if said.who == "A":
                answer = said
        return found

    def raw(self, ticket: TicketRecord, messages: int) -> RawRecord:
        """The source of a ticket as the demo's server would send it."""
        body = {
            "id": ticket.external_id,
            "number": ticket.number,
            "subject": ticket.subject,
            "state": ticket.status_raw,
            "channel": ticket.channel,
            "requester": ticket.requester.external_id if ticket.requester else None,
            "tags": ticket.tags,
            "fields": ticket.custom,
            "articles": messages,
            "version": ticket.remote_version,
        }
        return RawRecord(kind="ticket", external_id=ticket.external_id, body=msgspec.json.encode(body))

    def _message(
        self, case: Case, ticket: TicketRecord, at: int, said: Said, answer: Said | None, *, unread: bool
    ) -> MessageRecord:
        person = ticket.requester or _MONITOR
        mail = case.channel in _MAIL
        inside = said.who in "AN"
        text, quoted_from, signature_from = said.text, None, None
        language = case.script.language
        if mail and said.who == "A":
            text, signature_from = wording.signed(text, said.agent, language)
        elif mail and said.who == "C":
            chance = case.rng.random()
            if chance > 0.7 and at:
                signature_from = len(text) + 2
                text = f"{text}\n\n{wording.PHONE[language]}"
            if answer is not None and chance < 0.75:
                text, quoted_from = wording.quoting(text, people.SHOP_NAME, answer.at, answer.text, language)
        key = f"{ticket.external_id}-{at + 1}"
        theirs = Address(email=person.emails[0], name=person.name or "") if person.emails else None
        return MessageRecord(
            external_id=key,
            ticket=ticket.external_id,
            kind=_KINDS[said.who],
            direction=_DIRECTIONS[said.who],
            visibility=Visibility.INTERNAL if said.who == "N" else Visibility.PUBLIC,
            channel=Channel.INTERNAL if said.who == "N" else ticket.channel,
            author_kind=_AUTHORS[said.who],
            author=self._colleagues[said.agent] if inside else _SHOP_PERSON if said.who == "B" else person,
            sent_at=said.at,
            body_text=text,
            to=((theirs,) if said.who in "AB" and theirs else (_SHOP,) if said.who == "C" else ()) if mail else (),
            subject=(case.subject if not at else f"Re: {case.subject}") if mail and said.who != "N" else None,
            quoted_from=quoted_from,
            signature_from=signature_from,
            message_id=f"<{key}@larkfield-home.example>" if mail and said.who != "N" else None,
            delivery=Delivery.DELIVERED if said.who == "A" else Delivery.NOT_TRACKED,
            automatic=said.who == "B",
            unread=unread,
            language=language if said.who != "N" else "en",
            attachments=tuple(
                paper.attachment(key, name.replace("INVOICE", case.slots["invoice"])) for name in case.script.files
            )
            if not at and case.channel != "sms"
            else (),
        )


_KINDS = {
    "C": MessageKind.CUSTOMER,
    "A": MessageKind.AGENT,
    "N": MessageKind.NOTE,
    "B": MessageKind.BOT,
    "K": MessageKind.CALL,
}
_DIRECTIONS = {
    "C": Direction.IN,
    "A": Direction.OUT,
    "N": Direction.INTERNAL,
    "B": Direction.OUT,
    "K": Direction.IN,
}
_AUTHORS = {
    "C": AuthorKind.PERSON,
    "A": AuthorKind.AGENT,
    "N": AuthorKind.AGENT,
    "B": AuthorKind.BOT,
    "K": AuthorKind.PERSON,
}


def _hold(case: Case) -> HoldReason:
    if case.status is not TicketStatus.ON_HOLD:
        return HoldReason.NONE
    if case.script.kind == "incident":
        return HoldReason.PROBLEM
    return HoldReason.THIRD_PARTY if "delivery" in case.script.tags else HoldReason.INTERNAL


def _priority(case: Case, person: PersonRecord) -> Priority:
    priority = _PRIORITIES[case.script.priority]
    if person.vip and priority in {Priority.LOW, Priority.NORMAL, Priority.NONE}:
        return Priority.HIGH
    if priority is Priority.NORMAL and case.place % 6 == 5:
        return Priority.LOW
    return priority


def status_values(status: TicketStatus, at: int) -> dict[str, object]:
    """The fields of a ticket that follow its status, reached at an instant."""
    return {
        "status": status,
        "status_label": _LABELS[status],
        "status_raw": status.value,
        "solved_at": at if status in _DONE else None,
        "closed_at": at if status is TicketStatus.CLOSED else None,
    }


def said_status(word: str, at: int) -> dict[str, object]:
    """As ``status_values`` for a word of the server; one that nobody knows counts as open and is kept."""
    if word in set(TicketStatus):
        return status_values(TicketStatus(word), at)
    return status_values(TicketStatus.OPEN, at) | {"status_label": word, "status_raw": word}


def said_priority(word: str) -> dict[str, object]:
    """The fields of a ticket for a priority in the server's word; an unknown one is none, and kept."""
    return {"priority": Priority(word) if word in set(Priority) else Priority.NONE, "priority_raw": word}


def person_of(address: Address) -> PersonRecord:
    """A person of whom only an address is known."""
    return PersonRecord(name=address.name or None, emails=(address.email,))
