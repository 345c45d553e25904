"""Tickets and hits as text for people."""

from __future__ import annotations

from carecli.cli.flags import Flags
from carecli.cli.output import colour, instant, write
from carecli.domain.redact import clean_line, clean_text

TYPE_CHECKING = False  # importing typing takes longer than printing a ticket
if TYPE_CHECKING:
    from carecli.services.models import Decision, FieldConflict


def hit_json(row: tuple[str, str | None, int, str, str, int, float, int | None]) -> str:
    """A search hit in the contract's shape."""
    import json

    kind, ref, key, title, snippet, at, score, _ = row
    plain = " ".join(snippet.replace("\x02", "").replace("\x03", "").split())
    hit = {
        "kind": kind,
        "ref": ref,
        "id": str(key),
        "title": title,
        "snippet": plain,
        "at": instant(at),
        "score": round(score, 4),
    }
    return json.dumps(hit, ensure_ascii=False)


def print_ticket(text: str, flags: Flags) -> None:
    """Prints a ticket with its conversation, oldest message first."""
    import json

    ticket = json.loads(text)
    bold, dim, plain = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if colour(flags) else ("", "", "")
    who = ticket["requester"]
    name = " ".join(part for part in (who["name"], f"<{who['email']}>" if who["email"] else None) if part)
    lines = [f"{bold}{ticket['ref']}  {clean_line(ticket['subject'])}{plain}"]
    facts = [
        ("status", ticket["status_label"] or ticket["status"]),
        ("priority", ticket["priority"]),
        ("channel", ticket["channel"]),
        ("from", name),
        ("assignee", ticket["assignee"]),
        ("team", ticket["team"]),
        ("tags", ", ".join(ticket["tags"])),
        ("created", ticket["created_at"]),
        ("waiting since", ticket["waiting_since"]),
    ]
    lines += [f"{dim}{label:>14}{plain}  {clean_line(str(value))}" for label, value in facts if value]
    for message in ticket["messages"]:
        author = message["author"]["name"] or message["author"]["email"] or message["author"]["kind"]
        word = "INTERNAL NOTE" if message["visibility"] == "internal" else message["direction"].upper()
        delivery = (
            f" · {message['delivery']}" if message["delivery"] not in ("not_tracked", "sent", "delivered") else ""
        )
        lines += ["", f"{bold}── {message['sent_at']} · {word} · {clean_line(author)}{delivery}{plain}"]
        lines.append(clean_text(message["body_text"]).rstrip())
        lines += [f"{dim}   📎 {clean_line(a['filename'])} ({a['bytes']} bytes){plain}" for a in message["attachments"]]
    write("\n".join(lines) + "\n")


_WAYS = {
    "edit": "outbox resolve {} --edit       back into a draft",
    "send": "outbox resolve {} --send       send it all the same",
    "discard": "outbox resolve {} --discard    do not send it",
    "mine": "outbox resolve {} --keep mine",
    "theirs": "outbox resolve {} --keep theirs",
    "look": "outbox retry {}                look for it again; nothing is sent twice",
}


def print_decision(decision: Decision, flags: Flags) -> None:
    """Prints an operation with what a person needs to decide about it."""
    operation = decision.operation
    bold, dim, plain = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if colour(flags) else ("", "", "")
    lines = [f"{bold}{operation.verb} of {operation.target or operation.account}: {operation.state}{plain}"]
    waits = operation.not_before if operation.state in ("held", "ready") else 0
    facts = [
        ("id", operation.id),
        ("made", f"{instant(operation.created_at)} by {operation.actor}"),
        ("attempts", operation.attempts),
        ("not before", instant(waits) if waits else None),
        ("why", operation.last_error),
    ]
    facts += [pair for field in decision.fields for pair in _sides(field)]
    lines += [f"{dim}{label:>14}{plain}  {clean_line(str(value))}" for label, value in facts if value]
    body = operation.payload.get("body")
    if isinstance(body, str):
        lines += ["", f"{bold}── text{plain}", clean_text(body).rstrip()]
    for message in decision.newer:
        author = message.author.name or message.author.email or str(message.author.kind)
        lines += ["", f"{bold}── said since: {instant(message.sent_at)} · {clean_line(author)}{plain}"]
        lines.append(clean_text(message.body_text).rstrip())
    if decision.choices:
        lines += ["", f"{bold}── what you can do{plain}"]
        lines += [f"carecli {_WAYS[choice].format(operation.id)}" for choice in decision.choices]
    write("\n".join(lines) + "\n")


def _sides(field: FieldConflict) -> list[tuple[str, str]]:
    return [(f"{field.field} was", field.base), ("mine", field.mine), ("theirs", field.theirs)]
