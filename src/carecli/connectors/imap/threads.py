"""Which ticket a mail belongs to: by what it answers, then by a subject token with a sender check, else a new one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from carecli.connectors.imap.ours import Ours
from carecli.connectors.imap.parse import Mail
from carecli.connectors.spi.protocols import Lookup
from carecli.connectors.spi.records import TicketsJoined
from carecli.domain.conversation import Address
from carecli.domain.ids import normal_email

_PREFIX = re.compile(
    r"(?i)^\s*(?:re|aw|antw|antwort|sv|vs|r|rif|ref|res|odp|ynt|yan|bls|vá|atb|sz|ats|vl|отв|ответ|на|відп|σχετ|απ|"
    r"השב|תגובה|رد|回复|回覆|答复|答覆|返信|답장|회신|trả lời|tl|"
    r"fw|fwd|wg|tr|rv|enc|i|vb|doorst|vs|vl|pd|ilt|továbbítás|пересл|fwd|πρθ|הועבר|"
    r"إعادة توجيه|转发|轉寄|轉發|転送|전달)"
    r"\s*(?:[\[(（]?\d{1,3}[\])）]?|\^\d{1,3})?\s*[:：]\s*"
)
_TOKEN = re.compile(r"\[\s*([\w.-]{0,60}?)[ \t]*#(\d{1,18})\s*\]")
_THREAD_NAME = re.compile(r"<t\.([0-9a-f]{32})@([^<>@\s]+)>")


def bare_subject(subject: str) -> str:
    """A subject for comparison: without reply and forward prefixes (of many languages) and tokens, case folded."""
    text = _TOKEN.sub(" ", subject)
    while True:
        shorter = _PREFIX.sub("", text, count=1)
        if shorter == text:
            return " ".join(text.split()).casefold()
        text = shorter


def without_prefix(subject: str) -> str:
    """A subject without its leading reply and forward prefixes, otherwise as it was written."""
    while True:
        shorter = _PREFIX.sub("", subject, count=1)
        if shorter == subject:
            return subject.strip()
        subject = shorter


def tokens_of(subject: str) -> tuple[str, ...]:
    """Thread keys of the ticket tokens in a subject: ``[care.test #12]`` → ``token:care.test#12``."""
    return tuple(dict.fromkeys(f"token:{word.lower()}#{number}" for word, number in _TOKEN.findall(subject)))


def thread_name(ticket: str, domain: str) -> str | None:
    """A reference that names a thread itself, for answers to mail without Message-ID; ``None``: no thread of ours."""
    kind, _, digest = ticket.partition(":")
    return f"<t.{digest}@{domain}>" if kind == "thread" and len(digest) == 32 else None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a mail goes: ticket, whether it starts it, tickets that it joins, and the keys it leaves behind."""

    ticket: str
    new: bool
    joined: tuple[TicketsJoined, ...]
    keys: tuple[tuple[str, bool], ...]


class Threader:
    """Places the mails of one page after another; remembers what the page itself adds, because lookups see only
    committed pages.
    """

    def __init__(self, lookup: Lookup, ours: Ours) -> None:
        self._lookup = lookup
        self._ours = ours
        self._keys: dict[str, tuple[str, bool]] = {}
        self._subjects: dict[str, str] = {}
        self._stored_subjects: dict[str, str | None] = {}
        self._people: dict[str, set[str]] = {}
        self._absorbed: dict[str, str] = {}

    def begin(self, mails: Sequence[Mail]) -> None:
        """Starts a page: asks the store once for every key of its mails."""
        wanted = dict.fromkeys(key for mail in mails for key in _all_keys(mail))
        self._keys = dict(self._lookup.threads_of(list(wanted))) if wanted else {}
        self._subjects.clear()
        self._stored_subjects.clear()
        self._people.clear()
        self._absorbed.clear()

    def place(self, mail: Mail) -> Placement:
        """Decides on one mail; mails must come in order of arrival."""
        known = self._by_references(mail)
        own = self._keys.get(mail.message_id) if mail.message_id else None
        if own is not None and (not own[1] or self._same_mail(mail, self._now(own[0]))):
            known.append(self._now(own[0]))
        distinct = [each for each in dict.fromkeys(known) if self._agrees(mail, each)] or self._by_token(mail)
        new = not distinct
        ticket = f"thread:{mail.sha256[:32]}" if new else distinct[0]
        joined: tuple[TicketsJoined, ...] = ()
        if len(distinct) > 1:
            ticket, joined = self._join(mail, distinct)
        return Placement(ticket, new, joined, self._remember(mail, ticket, new=new))

    def _now(self, ticket: str) -> str:
        return self._absorbed.get(ticket, ticket)

    def _by_references(self, mail: Mail) -> list[str]:
        names = [mail.report.original] if mail.report and mail.report.original else []
        names += [*mail.in_reply_to, *reversed(mail.references)]
        found: list[str] = []
        for name in names:
            entry = self._keys.get(name)
            ticket = entry[0] if entry else self._named(name)
            if ticket is not None:
                found.append(self._now(ticket))
        return found

    def _named(self, name: str) -> str | None:
        match = _THREAD_NAME.fullmatch(name)
        if not match or match[2].lower() not in self._ours.domains:
            return None
        ticket = f"thread:{match[1]}"
        return ticket if self._subject(ticket) is not None else None

    def _by_token(self, mail: Mail) -> list[str]:
        for token in tokens_of(mail.subject):
            entry = self._keys.get(token)
            if entry and self._writers(mail) & self._participants(self._now(entry[0])):
                return [self._now(entry[0])]
        return []

    def _agrees(self, mail: Mail, ticket: str) -> bool:
        """Whether a mail may follow its references into a ticket: by subject or by people.

        Message-IDs repeat and References are forged or reused; a stranger with another subject never lands in
        somebody's thread. Delivery reports and automatic answers have subjects of their own and are trusted.
        """
        if mail.automatic or mail.report is not None:
            return True
        subject = self._subject(ticket)
        if subject is None or bare_subject(subject) == bare_subject(mail.subject):
            return True
        return bool((self._writers(mail) or self._everybody(mail)) & self._participants(ticket))

    def _same_mail(self, mail: Mail, ticket: str) -> bool:
        """Whether a repeated Message-ID is the same mail on another way here, and not a stranger's."""
        subject = self._subject(ticket)
        return (
            subject is not None
            and bare_subject(subject) == bare_subject(mail.subject)
            and (bool(self._writers(mail) & self._participants(ticket)) or not self._everybody(mail))
        )

    def _join(self, mail: Mail, tickets: list[str]) -> tuple[str, tuple[TicketsJoined, ...]]:
        """Joins threads that one mail refers to, if subject and people agree; else stays in the nearest one.

        References are written oldest first, so the ticket that is named earliest is the older one.
        """
        target = tickets[0]
        same = [target]
        for other in tickets[1:]:
            one, two = self._subject(target), self._subject(other)
            if one is None or two is None or bare_subject(one) != bare_subject(two):
                continue
            if self._participants(target) & self._participants(other):
                same.append(other)
        if len(same) == 1:
            return target, ()
        order: list[str] = []
        for name in (*mail.references, *mail.in_reply_to, mail.message_id or ""):
            entry = self._keys.get(name)
            if entry and self._now(entry[0]) in same:
                order.append(self._now(entry[0]))
        survivor = next((each for each in order if each not in self._subjects), order[0] if order else target)
        joined = []
        for each in same:
            if each != survivor:
                joined.append(TicketsJoined(survivor=survivor, absorbed=each))
                self._people.setdefault(survivor, set()).update(self._participants(each))
                self._absorbed = {
                    old: survivor if new == each else new for old, new in (*self._absorbed.items(), (each, each))
                }
        return survivor, tuple(joined)

    def _subject(self, ticket: str) -> str | None:
        found = self._subjects.get(ticket)
        if found is None:
            if ticket not in self._stored_subjects:
                self._stored_subjects[ticket] = self._lookup.subject_of(ticket)
            found = self._stored_subjects[ticket]
        return found

    def _participants(self, ticket: str) -> set[str]:
        """Everybody in a thread but ourselves."""
        committed = self._lookup.participants(ticket) if ticket not in self._subjects else frozenset()
        return {each for each in committed if not self._ours.has(each)} | self._people.get(ticket, set())

    def _writers(self, mail: Mail) -> set[str]:
        """Who proves to belong to a thread: the sender, or for our own mail its recipients."""
        sender = (mail.sender,) if mail.sender else ()
        if mail.sender and self._ours.has(mail.sender.email) and not self._ours.others(mail.reply_to):
            return self._plain((*mail.to, *mail.cc, *mail.bcc))
        return self._plain((*sender, *mail.reply_to))

    def _everybody(self, mail: Mail) -> set[str]:
        sender = (mail.sender,) if mail.sender else ()
        return self._plain((*sender, *mail.reply_to, *mail.to, *mail.cc, *mail.bcc))

    def _plain(self, people: Iterable[Address]) -> set[str]:
        return {normal_email(each.email) for each in self._ours.others(people)}

    def _remember(self, mail: Mail, ticket: str, *, new: bool) -> tuple[tuple[str, bool], ...]:
        if new:
            self._subjects[ticket] = mail.subject
        self._people.setdefault(ticket, set()).update(self._everybody(mail))
        keys: list[tuple[str, bool]] = []
        if mail.message_id:
            entry = self._keys.get(mail.message_id)
            if entry is None or self._now(entry[0]) == ticket or not entry[1]:
                keys.append((mail.message_id, True))
                self._keys[mail.message_id] = (ticket, True)
        reported = (mail.report.original,) if mail.report and mail.report.original else ()
        for key in dict.fromkeys((*mail.references, *mail.in_reply_to, *reported, *tokens_of(mail.subject))):
            entry = self._keys.get(key)
            if key != mail.message_id and (entry is None or self._now(entry[0]) == ticket):
                keys.append((key, False))
                self._keys.setdefault(key, (ticket, False))
        return tuple(keys)


def _all_keys(mail: Mail) -> Iterable[str]:
    if mail.report and mail.report.original:
        yield mail.report.original
    if mail.message_id:
        yield mail.message_id
    yield from mail.in_reply_to
    yield from mail.references
    yield from tokens_of(mail.subject)
