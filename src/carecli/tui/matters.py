"""What a waiting operation says to a person at a glance: what happened, what both sides have, and the ways out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carecli.domain.conversation import DraftMode
from carecli.domain.operation import OperationState, Verb
from carecli.tui.cells import line
from carecli.tui.wording import PRIORITY, STATUS, ago, some

if TYPE_CHECKING:
    from carecli.domain.conversation import Draft, Message
    from carecli.domain.operation import Operation
    from carecli.services.models import Conversation, Decision, FieldConflict

_TEXT = {
    Verb.REPLY: "reply",
    Verb.NOTE: "note",
    Verb.CREATE: "message",
    Verb.FORWARD: "forward",
}
_STALE = "STALE_REPLY"


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: ``choice`` is what is done; ``warning`` is asked about first (empty: it is done at once)."""

    choice: str
    word: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something to decide. ``tone`` is bad, warn or calm; ``said`` are the vendor's own words."""

    title: str
    headline: str
    tone: str
    facts: tuple[str, ...] = ()
    said: str = ""
    newer: tuple[Message, ...] = ()
    fields: tuple[FieldConflict, ...] = ()
    text: str = ""
    text_title: str = ""
    extras: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()

    @property
    def heart(self) -> tuple[object, ...]:
        """What a choice depends on: when this has changed, the person must look again."""
        return tuple(message.id for message in self.newer), tuple(way.choice for way in self.ways), self.fields


def authors(messages: Sequence[Message]) -> str:
    """Who wrote, in words: one or two names, then how many more."""
    names = list(dict.fromkeys(line(m.author.name or m.author.email or "somebody") for m in messages))
    if len(names) > 2:
        return f"{names[0]} and {len(names) - 1} others"
    return " and ".join(names) or "somebody"


def matter_of_draft(draft: Draft, newer: tuple[Message, ...], talk: Conversation | None) -> Matter:
    """A reply that is overtaken before it was sent."""
    subject = talk.ticket.subject if talk is not None else draft.subject or ""
    return Matter(
        title=f"{line(draft.ticket_ref or '')} · {line(subject)}",
        headline=f"✗ NOT SENT – {authors(newer)} wrote after you last looked",
        tone="bad",
        facts=("Your text is kept. Read what is new, then decide.",),
        newer=newer,
        text=draft.body,
        text_title=f"YOUR REPLY{_to([a.email for a in draft.to])} – not sent",
        extras=_extras(draft.attachments, draft.actions),
        ways=(Way("edit", "edit"), Way("send", "send anyway"), Way("discard", "discard (kept 7 days)")),
    )


def matter_of(decision: Decision, subject: str, now: int) -> Matter:
    """An operation of the outbox."""
    operation = decision.operation
    name = _TEXT.get(operation.verb)
    headline, tone, facts = _standing(decision, now)
    payload: Mapping[str, object] = operation.payload
    said = operation.last_error or "" if operation.state in (OperationState.FAILED, OperationState.UNKNOWN) else ""
    if operation.state is OperationState.CONFLICT and operation.error_code != _STALE and name is not None:
        said = operation.last_error or ""
    return Matter(
        title=f"{line(operation.target or operation.account)} · {line(subject)}",
        headline=headline,
        tone=tone,
        facts=facts,
        said=line(said),
        newer=decision.newer if name is not None else (),
        fields=decision.fields,
        text=str(payload.get("body") or "") if name is not None else "",
        text_title=_text_title(operation, name, stopped=bool(decision.newer)),
        extras=_extras(_files(payload), _pairs(payload.get("actions"))),
        ways=tuple(_way(choice, operation, stopped=bool(decision.newer)) for choice in decision.choices),
    )


def field_value(field: str, value: str) -> str:
    """A field's value as people read it."""
    words = {"status": STATUS, "priority": PRIORITY}.get(field, {})
    return words.get(value, line(value))


def change_words(operation: Operation) -> str:
    """What an operation does, shortly: ``reply``, ``status Solved``, ``tags +vip −new``."""
    if operation.verb in _TEXT:
        return _TEXT[operation.verb]
    payload = operation.payload
    if operation.verb is Verb.TAG:
        return "tags " + " ".join(_signed("+", payload.get("add")) + _signed("−", payload.get("remove")))
    value = payload.get("value")
    if operation.verb is Verb.SNOOZE:
        return "snooze" if value else "wake up"
    return f"{operation.verb.value} {field_value(operation.verb.value, str(value)) if value else 'nobody'}"


def _signed(sign: str, tags: object) -> list[str]:
    return [f"{sign}{line(str(tag))}" for tag in tags] if isinstance(tags, list | tuple) else []


def _standing(decision: Decision, now: int) -> tuple[str, str, tuple[str, ...]]:
    """Headline, tone and facts by state."""
    operation = decision.operation
    name = _TEXT.get(operation.verb)
    what = f"your {name}" if name else f"your change ({change_words(operation)})"
    left = -(-(operation.not_before - now) // 1000)
    again = f"It is tried again in {left} s." if left > 0 else "It goes out with the next sync."
    if decision.newer and operation.state in (OperationState.CONFLICT, OperationState.HELD, OperationState.READY):
        late = f"{authors(decision.newer)} wrote after you last looked"
        return f"✗ NOT SENT – {late}", "bad", ("Your text is kept. Read what is new, then decide.",)
    match operation.state:
        case OperationState.CONFLICT if name is None:
            fields = " and ".join(one.field for one in decision.fields) or operation.verb.value
            return f"≠ NOT CHANGED – {fields} was changed on both sides", "bad", (line(operation.last_error or ""),)
        case OperationState.CONFLICT:
            return f"✗ NOT SENT – {what} was stopped", "bad", ()
        case OperationState.FAILED:
            return f"✗ REFUSED – {line(operation.account)} did not take {what}", "bad", ()
        case OperationState.UNKNOWN:
            tried = f"It left {ago(operation.created_at, now)}; no answer came back."
            looks = f"carecli looks for it again in {left} s." if left > 0 else "carecli looks for it at each sync."
            return f"? UNKNOWN – nobody knows whether {what} arrived", "warn", (f"{tried} {looks}",)
        case OperationState.HELD:
            return f"⇡ HELD – {what} goes out in {max(left, 0)} s", "calm", ()
        case OperationState.READY:
            tries = (f"Tried {some(operation.attempts, 'time')}.",) if operation.attempts else ()
            return f"⇡ QUEUED – {what} waits for its turn", "calm", (*tries, again)
        case OperationState.INFLIGHT:
            return f"⇡ ON ITS WAY – {what} is being sent", "calm", ()
        case _:
            return f"{operation.state.value.upper()} – {what}", "calm", ("Nothing is left to decide.",)


def _way(choice: str, operation: Operation, *, stopped: bool) -> Way:
    text = operation.verb in _TEXT
    unknown = operation.state is OperationState.UNKNOWN
    sends = {
        OperationState.CONFLICT: "send anyway",
        OperationState.FAILED: "try again",
        OperationState.UNKNOWN: "send again",
    }
    if choice == "send":
        twice = "If the first one did arrive, it will be there TWICE. Look into the ticket at the vendor first."
        return Way(
            choice, sends.get(operation.state, "send anyway" if stopped else "send now"), twice if unknown else ""
        )
    if choice == "discard":
        if unknown:
            return Way(choice, "leave it, never send again")
        return Way(choice, "discard (kept 7 days)" if text else "give the change up")
    return Way(choice, {"mine": "keep mine", "theirs": "keep theirs", "look": "look again"}.get(choice, choice))


def _text_title(operation: Operation, name: str | None, *, stopped: bool) -> str:
    if name is None:
        return ""
    to = [address for address, _ in _pairs(operation.payload.get("to"))]
    standing = {
        OperationState.CONFLICT: "not sent",
        OperationState.FAILED: "not sent",
        OperationState.UNKNOWN: "perhaps sent",
    }.get(operation.state, "not sent" if stopped else "not sent yet")
    if operation.payload.get("mode") == DraftMode.NOTE:
        return f"YOUR INTERNAL NOTE – {standing}"
    return f"YOUR {name.upper()}{_to(to)} – {standing}"


def _to(addresses: Sequence[str]) -> str:
    more = f" and {len(addresses) - 2} more" if len(addresses) > 2 else ""
    return f" to {', '.join(line(a) for a in addresses[:2])}{more}" if addresses else ""


def _pairs(value: object) -> list[tuple[str, str]]:
    return [(str(one), str(other)) for one, other in value] if isinstance(value, list | tuple) else []


def _files(payload: Mapping[str, object]) -> list[str]:
    files = payload.get("files")
    return [str(one["filename"]) for one in files] if isinstance(files, list) else []


def _extras(files: Sequence[str], actions: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    shown = [f"▣ {line(path.rpartition('/')[2])}" for path in files]
    return tuple(shown + [f"+ {line(verb)} {line(value)}" for verb, value in actions])
