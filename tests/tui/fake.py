"""A small in-memory workspace for developing the console; the same shape as the real one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from carecli.domain.conversation import (
    Address,
    Attachment,
    Author,
    AuthorKind,
    Delivery,
    Direction,
    Draft,
    DraftMode,
    Event,
    Message,
    MessageKind,
    Visibility,
)
from carecli.domain.customer import Customer, Identity, IdentityKind
from carecli.domain.knowledge import Article
from carecli.domain.operation import Operation, OperationState, Verb
from carecli.domain.ticket import (
    Channel,
    Priority,
    Requester,
    SyncState,
    Ticket,
    TicketStatus,
    TicketType,
)
from carecli.services.models import (
    AccountHealth,
    Conversation,
    Count,
    CustomerRecord,
    Hit,
    InboxRow,
    ReplyPlan,
    TimelineEntry,
    View,
)

NOW = 1_795_000_000_000
M, H, D = 60_000, 3_600_000, 86_400_000

PEOPLE = (
    ("Jo Álvarez", "Northwind Bikes", "es"), ("Mei-Ling Chen 陳美玲", "Lantern Tea", "zh"), ("Samuel Okafor", None, "en"),
    ("Ingrid Sørensen", "Fjord Outfitters", "nb"), ("Raúl Peña 🚲", None, "es"), ("山田 太郎", "桜商事", "ja"),
    ("Priya Raman", "Helix Labs", "en"), ("Tom Becker", "Becker & Söhne", "de"), ("Leila Haddad", None, "fr"),
)  # fmt: skip
SUBJECTS = (
    "Charged twice for October", "Where is my order 48213?", "Cannot sign in since the update", "[bold]Invoice[/] missing \x1b[31mred",
    "配送状況を教えてください", "Refund still not here 😡", "Wheel arrived bent", "How do I export my data?", "Change the delivery address",
    "Feature request: dark mode", "Webhook returns 502 every night", "Cancel my plan please",
)  # fmt: skip


def message(number: int, at: int, who: str, text: str, kind: MessageKind = MessageKind.CUSTOMER) -> Message:
    note = kind is MessageKind.NOTE
    quote = text.find("\n> ")
    return Message(
        id=number, kind=kind,
        direction=Direction.INTERNAL if note else Direction.IN if kind is MessageKind.CUSTOMER else Direction.OUT,
        visibility=Visibility.INTERNAL if note else Visibility.PUBLIC, channel=Channel.EMAIL,
        author=Author(AuthorKind.AGENT if kind is not MessageKind.CUSTOMER else AuthorKind.PERSON, who, None),
        to=(), cc=(), bcc=(), subject=None, sent_at=at, body_text=text, quoted_from=quote + 1 if quote >= 0 else None,
        signature_from=None, message_id=None, delivery=Delivery.SENT, failure=None, automatic=False,
        attachments=(Attachment(number, "receipt.pdf", "application/pdf", 48_000, None),) if kind is MessageKind.CUSTOMER else (),
    )  # fmt: skip


@dataclass
class Settings:
    agent_name: str = "Ana"
    actor: str = "Ana"
    theme: str = "dark"
    mark_read_on_open: bool = False


class Window:
    def __init__(self, ws: FakeWorkspace, view: View | str) -> None:
        self._ws, self._view, self._ids = ws, view, list[int]()
        self.refresh()

    def refresh(self) -> bool:
        name = self._view.name if isinstance(self._view, View) else "all"
        rows = [t for t in self._ws.all if t.status not in (TicketStatus.SOLVED,) or name == "all"]
        if name == "mine":
            rows = [t for t in rows if t.assignee == "Ana"]
        if name == "empty":
            rows = []
        rows = [t for t in rows if not t.snoozed_until]
        old, self._ids = self._ids, [t.id for t in sorted(rows, key=lambda t: t.waiting_since or 2 * NOW)]
        return old != self._ids

    @property
    def total(self) -> int:
        return len(self._ids)

    def rows(self, start: int, stop: int) -> list[InboxRow]:
        return [self._ws.row(i) for i in self._ids[start:stop]]

    def index_of(self, ticket_id: int) -> int | None:
        return self._ids.index(ticket_id) if ticket_id in self._ids else None


class FakeWorkspace:
    """One object plays every service."""

    def __init__(self, count: int = 60, *, accounts: bool = True) -> None:
        self.settings = Settings()
        self.paths = None
        self.context = Settings()
        self.all: list[Ticket] = []
        self.talks: dict[int, list[Message]] = {}
        self.saved: dict[str, Draft] = {}
        self.ops: list[Operation] = []
        self.before: list[dict[int, Ticket]] = []
        self.dirty = False
        self.nudged = 0
        self.connected = accounts
        self.clock: Callable[[], int] = lambda: NOW
        self._serial = itertools.count(1)
        for name in ("views", "inbox", "tickets", "replies", "drafts", "customers", "outbox", "accounts", "background"):
            setattr(self, name, self)
        self.knowledge, self.search = FakeKnowledge(), FakeSearch(self)
        channels = [
            Channel.EMAIL,
            Channel.CHAT,
            Channel.EMAIL,
            Channel.PHONE,
            Channel.WHATSAPP,
            Channel.EMAIL,
            Channel.WEB_FORM,
        ]
        for n in range(count):
            name, org, _ = PEOPLE[n % len(PEOPLE)]
            waiting = NOW - (n * 41 % 97) * 31 * M if n % 5 else None
            self.all.append(Ticket(
                id=n + 1, account=("support", "shop", "berlin")[n % 3], number=str(1200 + n), subject=SUBJECTS[n % len(SUBJECTS)],
                status=TicketStatus.OPEN if waiting else TicketStatus.PENDING, status_label=None,
                priority=list(Priority)[(n * 7) % 5], channel=channels[n % len(channels)], type=TicketType.QUESTION,
                requester=Requester(n % len(PEOPLE) + 1, name, f"p{n % len(PEOPLE)}@example.com", None), organisation=org,
                assignee=(None, "Ana", "Bo")[n % 3], team=None, tags=("billing", "vip")[: n % 3], created_at=NOW - 3 * D,
                updated_at=NOW - n * M, solved_at=None, waiting_since=waiting, snoozed_until=None, unread=n % 2 == 0,
                message_count=3, url="https://example.com/t", sync_state=SyncState.CLEAN))  # fmt: skip
            self.talks[n + 1] = [
                message(n * 10 + 1, NOW - 2 * D, name, "Hello,\n\nI was charged twice for October. Could you look into this? "
                        "I attached the receipt from my bank, it shows both amounts on the same day.\n\nThanks\nJo"),
                message(n * 10 + 2, NOW - D, "Bo", "Hi Jo,\n\nI am sorry about that. I can see both payments and have asked our "
                        "payment provider to return one of them.\n\nKind regards\nBo\n> Hello,\n> I was charged twice\n> for October.",
                        MessageKind.AGENT),
                message(n * 10 + 3, NOW - D + H, "Ana", "Provider confirmed: duplicate capture, refund id 7731. Watch until Friday.",
                        MessageKind.NOTE),
                message(n * 10 + 4, NOW - 3 * H, name, "It is Thursday and I still do not see it. \x1b[31mWhen\x07 will it arrive? [bold]Please[/bold]"),
            ]  # fmt: skip

    # views, accounts, background
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def explain(self, error: BaseException) -> None:
        return None

    def all_views(self) -> tuple[View, ...]:
        names = (
            ("waiting", "Waiting on us"), ("mine", "Mine"), ("unassigned", "Unassigned"), ("risk", "SLA at risk"), ("unread", "Unread"),
            ("pending", "Pending reached"), ("snoozed", "Snoozed"), ("empty", "Mentions"), ("all", "Everything"),
        )  # fmt: skip
        return tuple(View(name, title, "", hotkey=str(n)) for n, (name, title) in enumerate(names, 1))

    def health(self) -> list[AccountHealth]:
        if not self.connected:
            return []
        return [
            AccountHealth("support", "demo", "ok", NOW - 40_000, None, 0, 0),
            AccountHealth("shop", "demo", "ok", NOW - 40_000, None, 0, 0),
            AccountHealth("berlin", "imap", "auth", NOW - H, "sign in", 1, 0),
        ]

    def start(self, on_line: Any) -> None: ...
    def stop(self) -> None: ...
    def nudge(self) -> None:
        self.nudged += 1

    def counts(self) -> dict[str, Count]:
        return {v.name: Count(Window(self, v).total, capped=False) for v in self.all_views()}

    def window(self, view: View | str) -> Window:
        return Window(self, view)

    def changed(self) -> bool:
        was, self.dirty = self.dirty, False
        return was

    # tickets
    def row(self, i: int) -> InboxRow:
        t = self.get(i)
        due = t.waiting_since + 26 * H if t.waiting_since else None
        return InboxRow(t.id, t.account, t.number, t.subject, t.status, None, t.priority, t.channel, t.requester.name or "", t.assignee,
                        t.unread, t.waiting_since, t.updated_at, due, t.snoozed_until, 4, t.sync_state,
                        any(d.ticket_id == i for d in self.saved.values()))  # fmt: skip

    def get(self, i: int) -> Ticket:
        return self.all[i - 1]

    def find(self, ticket_id: Any, mode: Any = None) -> Any:
        found = (d for d in self.saved.values() if d.ticket_id == ticket_id and d.mode == mode and not d.discarded_at)
        return next(found, None)

    def conversation(self, i: int) -> Conversation:
        event = Event(NOW - D + 2 * H, "Ana", "console", "changed", "status", "new", "open", None)
        return Conversation(self.get(i), tuple(self.talks[i]), (event,), self.get(i).requester.id)

    def change(self, ids: Sequence[int], verb: Verb, **fields: Any) -> list[Operation]:
        self.before.append({i: self.get(i) for i in ids})
        ops = []
        for i in ids:
            self.all[i - 1] = replace(self.get(i), **fields)
            ops.append(self.operation(verb, i, OperationState.READY, 0))
        self.ops += ops
        return ops

    def operation(self, verb: Verb, i: int | None, state: OperationState, not_before: int) -> Operation:
        return Operation(f"OP{next(self._serial)}", "support", verb, i, None, {}, state, 0, not_before, NOW)

    def set_status(self, ids: Sequence[int], status: TicketStatus) -> list[Operation]:
        return self.change(ids, Verb.STATUS, status=status)

    def set_priority(self, ids: Sequence[int], p: Priority) -> list[Operation]:
        return self.change(ids, Verb.PRIORITY, priority=p)

    def assign(self, ids: Sequence[int], who: str | None) -> list[Operation]:
        return self.change(ids, Verb.ASSIGN, assignee=who)

    def tag(self, ids: Sequence[int], add: Sequence[str], remove: Sequence[str]) -> list[Operation]:
        out: list[Operation] = []
        for i in ids:
            kept = (set(self.get(i).tags) | set(add)) - set(remove)
            out += self.change([i], Verb.TAG, tags=tuple(sorted(kept)))
        return out

    def snooze(self, ids: Sequence[int], until: int | None) -> list[Operation]:
        return self.change(ids, Verb.SNOOZE, snoozed_until=until)

    def mark_read(self, ids: Sequence[int], read: bool = True) -> list[Operation]:
        return self.change(ids, Verb.READ, unread=not read)

    def undo(self, operation_id: str | None = None) -> list[Operation]:
        if not self.before:
            return []
        for i, t in self.before.pop().items():
            self.all[i - 1] = t
        return [self.ops.pop()]

    def redo(self) -> list[Operation]:
        return []

    def agents(self, account: str) -> list[str]:
        return ["Ana", "Bo", "Chidi"]

    def tags(self) -> list[str]:
        return ["billing", "refund", "vip"]

    def capability(self, i: int, name: str) -> str | None:
        return "the vendor has closed this ticket" if i == 7 and name == "status" else None

    def next_best(self) -> int | None:
        return 4

    # replies, drafts, customers
    def plan(
        self, ticket_id: int | None, mode: DraftMode, *, all: bool = False, account: str | None = None
    ) -> ReplyPlan:
        note = mode is DraftMode.NOTE
        to = () if note or ticket_id is None else (Address(self.get(ticket_id).requester.email or ""),)
        return ReplyPlan(ticket_id, account or "support", mode, Visibility.INTERNAL if note else Visibility.PUBLIC, Channel.EMAIL,
                         to, (), None, None, 1, 10, None)  # fmt: skip

    def warnings(self, plan: ReplyPlan, body: str, attachments: Sequence[str]) -> list[tuple[str, str]]:
        out = [("warn", "The text mentions an attachment, but none is attached")] if "attach" in body else []
        return out + ([("block", "A placeholder is not filled in: {{name}}")] if "{{" in body else [])

    def send(
        self, draft: Draft, *, hold_seconds: int | None = None, solve: bool = False, anyway: bool = False
    ) -> Operation:
        self.saved.pop(draft.id, None)
        op = replace(
            self.operation(Verb.REPLY, draft.ticket_id, OperationState.HELD, self.clock() + 10_000),
            payload={"draft": draft},
        )
        self.ops.append(op)
        return op

    def unsend(self, operation_id: str) -> Draft:
        op = next(o for o in self.ops if o.id == operation_id)
        self.ops.remove(op)
        draft = op.payload["draft"]
        assert isinstance(draft, Draft)
        return self.save(draft)

    def save(self, draft: Draft) -> Draft:
        kept = draft if draft.id else replace(draft, id=f"D{next(self._serial)}")
        self.saved[kept.id] = kept
        return kept

    def list(self) -> list[Draft]:
        return [*self.saved.values()]

    def discard(self, draft_id: str) -> None:
        self.saved.pop(draft_id, None)

    def record(self, i: int) -> CustomerRecord:
        name, org, language = PEOPLE[i - 1]
        mail = Identity("support", IdentityKind.EMAIL, f"p{i}@example.com", f"p{i}@example.com", True, False)
        phone = Identity("support", IdentityKind.PHONE, "+34600100200", "+34 600 100 200", True, False)
        rows = [self.row(t.id) for t in self.all if t.requester.id == i]
        customer = Customer(i, name, org, language, "Europe/Madrid", "Gold", i == 1, "Prefers short answers. Paid by invoice until 2025.",
                            ("wholesale",), (mail, phone), len(rows), len(rows) + 2, NOW - 3 * H, {"plan": "Team", "seats": 25})  # fmt: skip
        return CustomerRecord(customer, tuple(rows[:5]), tuple(rows[5:]))

    def timeline(self, i: int) -> list[TimelineEntry]:
        return [TimelineEntry(NOW - n * D, "message", 1, "support:1200", "Charged twice", "I was charged twice", Visibility.PUBLIC,
                              Channel.EMAIL, "Jo") for n in range(5)]  # fmt: skip

    def pending(self) -> list[Operation]:
        return self.ops

    def cancel(self, operation_id: str) -> None: ...
    def retry(self, operation_id: str) -> None: ...
    def resolve(self, operation_id: str, choice: str) -> None: ...


class Views:
    def __init__(self, ws: FakeWorkspace) -> None:
        self._ws = ws
        self.all, self.counts = ws.all_views, ws.counts


class FakeKnowledge:
    articles = (
        Article(1, "wiki", "Duplicate charges: what to check", "https://kb.example.com/1", "en", Visibility.PUBLIC, NOW - D, True,
                "A charge can show twice while it is pending.\n\n1. Open the payment\n2. Look for a second capture\n3. Refund it"),
        Article(2, "wiki", "How long refunds take", "https://kb.example.com/2", "en", Visibility.PUBLIC, NOW - 30 * D, True,
                "Refunds reach a card within five working days."),
        Article(3, "wiki", "Who to call at the payment provider", None, "en", Visibility.INTERNAL, NOW - 9 * D, False, "Internal numbers."),
    )  # fmt: skip

    def suggest(self, ticket_id: int) -> list[tuple[Article, str]]:
        return [(a, "…the \x02charge\x03 can show twice while it is pending…") for a in self.articles]

    def search(self, text: str) -> list[tuple[Article, str]]:
        return [(a, a.body_text) for a in self.articles if text.lower() in (a.title + a.body_text).lower()]

    def get(self, article_id: int) -> Article:
        return self.articles[article_id - 1]


class FakeSearch:
    def __init__(self, ws: FakeWorkspace) -> None:
        self._ws = ws

    def find(self, query: str, limit: int = 50) -> list[Hit]:
        return [Hit("message", t.ref, self._ws.talks[t.id][3].id, t.subject, f"…still do not see it \x02{query}\x03 please…", t.updated_at, 1.0, t.id)
                for t in self._ws.all if query.lower() in t.subject.lower()][:limit]  # fmt: skip


def fake(count: int = 60, *, accounts: bool = True) -> Any:
    ws = FakeWorkspace(count, accounts=accounts)
    ws.views = Views(ws)  # type: ignore[attr-defined]
    return ws
