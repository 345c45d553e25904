"""Changes of tickets: status, priority, assignee, tags, snooze; on one ticket or on all marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from carecli.domain.operation import Operation
from carecli.domain.ticket import Priority, TicketStatus
from carecli.tui.screens.pick import Choice, Pick
from carecli.tui.widgets.ask_bar import Answer
from carecli.tui.wording import DAY, HOUR, MINUTE, PRIORITY, STATUS, clock, some

if TYPE_CHECKING:
    from carecli.tui.screens.desk import Desk

Change = Callable[[Sequence[int]], list[Operation]]
_ASK_FROM = 2  # tickets; one ticket is changed at once, more are asked about


def apply(desk: Desk, words: str, change: Change, *, need: str = "", again: bool = True) -> None:
    """Change the tickets in hand; several are shown with what will and will not change, and asked about first."""
    ids = desk.target_ids()
    if not ids:
        return
    if len(ids) < _ASK_FROM:
        _run(desk, words, change, ids, again=again)
        return
    refused: dict[str, list[int]] = {}
    for ticket_id in ids:
        if need and (reason := desk.ws.tickets.capability(ticket_id, need)):
            refused.setdefault(reason, []).append(ticket_id)
    lost = {ticket_id for those in refused.values() for ticket_id in those}
    possible = [ticket_id for ticket_id in ids if ticket_id not in lost]
    lines = [("", f"{words}: {some(len(possible), 'ticket')} of {len(ids):,} marked will change. u takes it back.")]
    lines += [("warn", f"{some(len(those), 'ticket')} will not: {reason}") for reason, those in refused.items()]
    desk.ask(
        lines,
        [
            Answer("y", "change", lambda: _run(desk, words, change, possible, again=again), "" if possible else "none"),
            Answer("n", "leave as it is", lambda: desk.say("Nothing was changed")),
        ],
    )


def _run(desk: Desk, words: str, change: Change, ids: Sequence[int], *, again: bool) -> None:
    from carecli.domain.errors import CareError

    try:
        done = change(ids)
    except CareError as error:
        desk.say(f"{error.message} {error.help}".strip(), "bad")
        return
    if again:
        desk.last_change = (words, change)
    desk.inbox.clear_marks()
    desk.reload()
    where = "" if len(ids) == 1 else f" on {some(len(ids), 'ticket')}"
    desk.say(f"{words}{where} · u undoes" if done else f"{words}: it is so already", "good" if done else "")


def _status(desk: Desk) -> None:
    choices = [Choice(status.value, STATUS[status]) for status in TicketStatus if status is not TicketStatus.NEW]

    def chosen(value: str | None) -> None:
        if value is not None:
            set_status(desk, TicketStatus(value))

    desk.app.push_screen(Pick(_title(desk, "Status"), choices), chosen)


def set_status(desk: Desk, status: TicketStatus) -> None:
    """Set the status of the tickets in hand."""
    apply(desk, f"Status {STATUS[status]}", lambda ids: desk.ws.tickets.set_status(ids, status), need="status")


def _priority(desk: Desk) -> None:
    choices = [Choice(p.value, PRIORITY[p].capitalize()) for p in reversed(Priority)]

    def chosen(value: str | None) -> None:
        if value is not None:
            wanted = Priority(value)
            words = f"Priority {PRIORITY[wanted]}"
            apply(desk, words, lambda ids: desk.ws.tickets.set_priority(ids, wanted), need="priority")

    desk.app.push_screen(Pick(_title(desk, "Priority"), choices), chosen)


def _assign(desk: Desk) -> None:
    account = desk.talk.ticket.account if desk.talk else ""
    me = desk.ws.context.actor
    names = [name for name in desk.ws.tickets.agents(account) if name != me]
    choices = [Choice(me, me, "you"), *(Choice(name, name) for name in names), Choice("", "Nobody", "takes it off")]

    def chosen(value: str | None) -> None:
        if value is not None:
            words = f"Assigned to {value}" if value else "Assigned to nobody"
            apply(desk, words, lambda ids: desk.ws.tickets.assign(ids, value or None), need="assign")

    desk.app.push_screen(Pick(_title(desk, "Assign"), choices), chosen)


def parse_tags(text: str) -> tuple[list[str], list[str]]:
    """Words to add and, with a minus in front, to take off."""
    words = [word.strip("#,") for word in text.replace(",", " ").split()]
    add = [word for word in words if word and not word.startswith("-")]
    return add, [word[1:] for word in words if word.startswith("-") and len(word) > 1]


def _tag(desk: Desk) -> None:
    here = set(desk.talk.ticket.tags) if desk.talk else set()
    choices = [Choice(f"-{tag}", f"-{tag}", "takes it off") for tag in sorted(here)]
    choices += [Choice(tag, tag, "adds it") for tag in desk.ws.tickets.tags() if tag not in here]

    def free(text: str) -> Choice | None:
        add, remove = parse_tags(text)
        if not add and not remove:
            return None
        parts = [f"adds {', '.join(add)}"] if add else []
        parts += [f"takes off {', '.join(remove)}"] if remove else []
        return Choice(text, text, " and ".join(parts))

    def chosen(value: str | None) -> None:
        if value is not None:
            add, remove = parse_tags(value)
            words = "Tags " + " ".join([*(f"+{tag}" for tag in add), *(f"-{tag}" for tag in remove)])
            apply(desk, words, lambda ids: desk.ws.tickets.tag(ids, add, remove), need="tag")

    desk.app.push_screen(Pick(_title(desk, "Tags"), choices, "billing -vip", free), chosen)


def snooze_times(now: int) -> list[tuple[str, int]]:
    """The usual times to come back to a ticket."""
    today = datetime.fromtimestamp(now / 1000)  # noqa: DTZ006
    morning = today.replace(hour=9, minute=0, second=0, microsecond=0)

    def instant(moment: datetime) -> int:
        return int(moment.timestamp() * 1000)

    monday = morning + timedelta(days=7 - today.weekday())
    out = [("In 2 hours", now + 2 * HOUR), ("In 4 hours", now + 4 * HOUR)]
    out += [("Tomorrow morning", instant(morning + timedelta(days=1))), ("Monday morning", instant(monday))]
    return [*out, ("In a week", instant(morning + timedelta(days=7)))]


def parse_stretch(text: str) -> int | None:
    """``90m``, ``2h``, ``3d``, ``1w`` in milliseconds; ``None`` when it is none of these."""
    units = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
    number, unit = text.strip().lstrip("+")[:-1], text.strip()[-1:].lower()
    return int(number) * units[unit] if number.isdecimal() and unit in units and int(number) < 10_000 else None


def _snooze(desk: Desk) -> None:
    now = desk.now()
    choices = [
        Choice(str(at), name, clock(at, now) if at - now < 0 else f"{_when(at)}") for name, at in snooze_times(now)
    ]
    choices.append(Choice("", "Wake up now", "takes the snooze off"))

    def free(text: str) -> Choice | None:
        stretch = parse_stretch(text)
        return None if stretch is None else Choice(str(now + stretch), text, _when(now + stretch))

    def chosen(value: str | None) -> None:
        if value is not None:
            until = int(value) if value else None
            words = f"Snoozed until {_when(until)}" if until else "Awake"
            apply(desk, words, lambda ids: desk.ws.tickets.snooze(ids, until))

    desk.app.push_screen(Pick(_title(desk, "Snooze"), choices, "2h, 3d, 1w…", free), chosen)


def _when(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000)  # noqa: DTZ006
    return f"{moment:%a} {moment.day} {moment:%b %H:%M}"


def _solve(desk: Desk) -> None:
    ids = desk.target_ids()
    if len(ids) > 1:
        set_status(desk, TicketStatus.SOLVED)
        return
    place, was_reading = desk.inbox.cursor, desk.pane == "conversation"
    ticket_id = ids[0]
    desk.ws.tickets.set_status([ticket_id], TicketStatus.SOLVED)
    desk.inbox.reload()
    if desk.inbox.current_id == ticket_id:
        desk.inbox.move_to(place + 1, quiet=True)
    else:
        desk.inbox.move_to(place, quiet=True)
    desk.reload()
    desk.show_ticket(desk.inbox.current_id)
    desk.go("conversation" if was_reading else "inbox")
    desk.say("Solved · u undoes", "good")


def _next_best(desk: Desk) -> None:
    from carecli.tui.commands.moving import open_ticket

    ticket_id = desk.ws.tickets.next_best()
    if ticket_id is None:
        desk.say("Nothing waits for you. Well done.", "good")
    else:
        open_ticket(desk, ticket_id)


def _read(desk: Desk) -> None:
    row = desk.inbox.current
    read = row is None or row.unread
    ids = desk.target_ids()
    desk.ws.tickets.mark_read(ids, read=read)
    desk.inbox.clear_marks()
    desk.reload()
    desk.say(f"{some(len(ids), 'ticket')} marked {'read' if read else 'unread'}")


def _again(desk: Desk) -> None:
    if desk.last_change is not None:
        apply(desk, desk.last_change[0], desk.last_change[1])


def _title(desk: Desk, what: str) -> str:
    ids = desk.target_ids()
    if len(ids) > 1:
        return f"{what} · {some(len(ids), 'ticket')}"
    return f"{what} · {desk.talk.ticket.ref}" if desk.talk and ids == [desk.ticket_id] else what


HANDLERS: dict[str, Callable[[Desk], None]] = {
    "ticket.status": _status,
    "ticket.priority": _priority,
    "ticket.assign": _assign,
    "ticket.tag": _tag,
    "ticket.snooze": _snooze,
    "ticket.solve": _solve,
    "ticket.next": _next_best,
    "ticket.read": _read,
    "ticket.again": _again,
}
