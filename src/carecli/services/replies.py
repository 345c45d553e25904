"""Replies, notes, forwards and new tickets: from a draft to an operation, and back while there is time."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from carecli.domain.conversation import (
    Address,
    Direction,
    Draft,
    DraftMode,
    MessageKind,
    Visibility,
)
from carecli.domain.customer import IdentityKind
from carecli.domain.errors import ConflictError, ForbiddenError, NotFoundError, UsageError
from carecli.domain.operation import Operation, OperationState, Signal, Verb, can
from carecli.domain.redact import clean_line, clean_text
from carecli.domain.ticket import Channel, Ticket
from carecli.services.context import Context, require_account
from carecli.services.models import ReplyPlan
from carecli.store import accounts, conversations, drafts, events, messages, operations, people, tickets
from carecli.sync.facts import read_facts, refollow, write_facts
from carecli.sync.follow import Spoken, follow

_VERB = {
    DraftMode.REPLY: Verb.REPLY,
    DraftMode.NOTE: Verb.NOTE,
    DraftMode.FORWARD: Verb.FORWARD,
    DraftMode.NEW: Verb.CREATE,
}
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
_ATTACHED = re.compile(
    r"\b(attach(ed|ment|ments|ing)?|enclosed|anbei|angehängt|im anhang|ci-joint|pièce jointe|adjunt[oa]s?|allegat[oi]|bijlage)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.?[^@\s<>,;\"]*")


class Replies:
    """Plans and sends what a person writes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def plan(
        self,
        ticket_id: int | None,
        mode: DraftMode,
        *,
        all: bool = False,
        account: str | None = None,
    ) -> ReplyPlan:
        """Who a text would reach, within which limits, and whether it can be sent at all."""
        connection = self._store.connection
        ticket = conversations.ticket(connection, ticket_id) if ticket_id is not None else None
        name = ticket.account if ticket else account or ""
        refusal, limit, channel = None, None, ticket.channel if ticket else Channel.EMAIL
        try:
            can_do = self._context.capabilities(name)
            allowed = {
                DraftMode.REPLY: can_do.reply,
                DraftMode.NOTE: can_do.note != "none",
                DraftMode.FORWARD: can_do.forward,
                DraftMode.NEW: can_do.create,
            }[mode]
            refusal = None if allowed else f"this connector cannot {_VERB[mode]}"
            limit = can_do.max_chars.get(str(channel))
        except NotFoundError as error:
            refusal = error.message
        to, cc = self._recipients(ticket, all=all) if ticket and mode is DraftMode.REPLY else ((), ())
        if mode is DraftMode.REPLY and channel is Channel.EMAIL and not to and refusal is None:
            refusal = "nobody to reply to: no address is known for this ticket"
        subject = ticket.subject if ticket else None
        if subject and mode is DraftMode.FORWARD:
            subject = f"Fwd: {subject}"
        account_settings = self._context.settings.accounts.get(name)
        undo = account_settings.undo_seconds if account_settings else self._context.settings.undo_seconds
        return ReplyPlan(
            ticket_id=ticket_id,
            account=name,
            mode=mode,
            visibility=Visibility.INTERNAL if mode is DraftMode.NOTE else Visibility.PUBLIC,
            channel=channel,
            to=to,
            cc=cc,
            subject=subject,
            limit=limit,
            newest_message_id=conversations.newest_message(connection, ticket_id) if ticket_id is not None else None,
            undo_seconds=undo,
            refusal=refusal,
        )

    def _recipients(self, ticket: Ticket, *, all: bool) -> tuple[tuple[Address, ...], tuple[Address, ...]]:  # noqa: A002
        connection = self._store.connection
        own = self._context.own_addresses(ticket.account)
        answered = messages.to_answer(connection, ticket.id)
        main: Address | None = None
        # The requester, not whoever wrote last: an answer must not slip to somebody in copy.
        if ticket.requester.email:
            main = Address(ticket.requester.email, ticket.requester.name or "")
        to: list[Address] = [main] if main else []
        cc: list[Address] = []
        if answered is not None:
            direction, stored, email, author = messages.recipients_of(connection, answered)
            was_to, was_cc, _ = drafts.unpack_recipients(stored)
            if not to:
                outgoing = direction == Direction.OUT
                to = list(was_to) if outgoing else [Address(email, author or "")] if email else []
            if all:
                if email and direction == Direction.IN:
                    to.append(Address(email, author or ""))
                to += was_to
                cc += was_cc
        to = _without(to, own, ())
        return tuple(to), tuple(_without(cc, own, to))

    def warnings(self, plan: ReplyPlan, body: str, attachments: Sequence[str]) -> list[tuple[str, str]]:
        """What to look at before sending: ("block", text) forbids it, ("warn", text) asks."""
        found: list[tuple[str, str]] = []
        if not body.strip() and not attachments:
            found.append(("block", "The text is empty."))
        placeholder = _PLACEHOLDER.search(body)
        if placeholder:
            found.append(("block", f"The placeholder {placeholder[0]} is not filled in."))
        if plan.limit is not None and len(body) > plan.limit:
            found.append(("block", f"{len(body)} characters; {plan.channel} takes {plan.limit}."))
        if plan.refusal:
            found.append(("block", plan.refusal))
        if _ATTACHED.search(body) and not attachments:
            found.append(("warn", "The text speaks of an attachment, but there is none."))
        return found

    def send(
        self, draft: Draft, *, hold_seconds: int | None = None, solve: bool = False, anyway: bool = False
    ) -> Operation:
        """Turns a draft into an operation: held for ``hold_seconds`` (``None``: the account's undo window for public
        texts), shown in the conversation at once. ``anyway`` passes the send guard.

        Raises ``UsageError`` (empty, no recipients, unfilled placeholder, bad file), ``ForbiddenError``.
        """
        operations_made = self.make(draft, hold_seconds=hold_seconds, solve=solve, anyway=anyway)
        return operations_made[0]

    def make(
        self, draft: Draft, *, hold_seconds: int | None = None, solve: bool = False, anyway: bool = False
    ) -> list[Operation]:
        """As ``send``; returns the operation and, with ``solve``, the change of status that waits for it."""
        context, connection = self._context, self._store.connection
        ticket = conversations.ticket(connection, draft.ticket_id) if draft.ticket_id is not None else None
        account = ticket.account if ticket else draft.account or ""
        require_account(context.settings, account)
        self._check(draft, account, ticket)
        now = context.now()
        operation_id = context.new_id()
        files = self._keep_files(operation_id, draft.attachments)
        public = draft.mode is not DraftMode.NOTE
        hold = (
            self.plan(draft.ticket_id, draft.mode, account=account).undo_seconds
            if hold_seconds is None
            else hold_seconds
        )
        local = not public and context.capabilities(account).note == "local"
        state = OperationState.DONE if local else OperationState.HELD if hold and public else OperationState.READY
        account_id = context.account_key(account)
        context.me(account_id)
        answers = messages.to_answer(connection, ticket.id) if ticket else None
        payload: dict[str, Any] = {
            "body": clean_text(draft.body),
            "to": _pairs(draft.to),
            "cc": _pairs(draft.cc),
            "bcc": _pairs(draft.bcc),
            "subject": clean_line(draft.subject) if draft.subject else None,
            "files": files,
            "answers": answers if draft.mode in (DraftMode.REPLY, DraftMode.FORWARD) else None,
            "anyway": anyway,
            "mode": str(draft.mode),
            "actions": [list(action) for action in draft.actions],
        }
        operation = Operation(
            id=operation_id,
            account=account,
            verb=_VERB[draft.mode],
            ticket_id=draft.ticket_id,
            target=ticket.ref if ticket else None,
            payload=payload,
            state=state,
            attempts=0,
            not_before=now + hold * 1000 if state is OperationState.HELD else 0,
            created_at=now,
            base_message_id=draft.base_message_id,
            actor=context.actor,
            origin=context.origin,
        )
        with self._store.write():
            if ticket is None:
                operation = replace(operation, ticket_id=self._new_ticket(operation, draft, account_id))
            assert operation.ticket_id is not None  # noqa: S101  (set just above)
            facts = read_facts(connection, operation.ticket_id)
            before = {"status": str(facts.status), "unread": facts.unread}
            operations.add(connection, replace(operation, inverse=before), account_id)
            self._show(operation, draft, account_id, ticket.channel if ticket else Channel.EMAIL)
            events.add(
                connection,
                [
                    (now, account_id, operation.ticket_id, context.actor, context.origin, str(operation.verb))
                    + (None, None, None, operation.id)
                ],
            )
            drafts.delete(connection, draft.id)
            tickets.mark_sync_state(connection, operation.ticket_id)
        made = [operations.get(connection, operation.id)]
        if solve:
            made.append(self._solve_after(made[0]))
        return made

    def _solve_after(self, reply: Operation) -> Operation:
        from carecli.services.tickets import Tickets

        assert reply.ticket_id is not None  # noqa: S101  (a sent reply has its ticket)
        solved = Tickets(self._context).set_status([reply.ticket_id], "solved")[0]
        if solved.state is OperationState.READY:
            with self._store.write() as connection:
                operations.depend(connection, solved.id, reply.id)
        return operations.get(self._store.connection, solved.id)

    def _check(self, draft: Draft, account: str, ticket: Ticket | None) -> None:
        plan = self.plan(draft.ticket_id, draft.mode, account=account)
        blocked = [text for kind, text in self.warnings(plan, draft.body, draft.attachments) if kind == "block"]
        if plan.refusal and not (plan.refusal.startswith("nobody") and draft.to):
            raise ForbiddenError(plan.refusal, code="UNSUPPORTED", help="Nothing was sent; the draft is kept.")
        blocked = [text for text in blocked if text != plan.refusal]
        if blocked:
            raise UsageError(
                " ".join(blocked), code="NOT_SENDABLE", help="Nothing was sent. Mend the text and send again."
            )
        if draft.mode is DraftMode.NOTE:
            return
        mail = ticket is None or ticket.channel is Channel.EMAIL
        if mail and not draft.to:
            raise UsageError(
                "there is nobody to send to", code="NO_RECIPIENT", help="Add a recipient: the ticket has no address."
            )
        for address in (*draft.to, *draft.cc, *draft.bcc):
            if not _ADDRESS.fullmatch(address.email):
                raise UsageError(
                    f"'{clean_line(address.email)}' is not an e-mail address",
                    code="BAD_ADDRESS",
                    help="Nothing was sent.",
                )

    def _keep_files(self, operation_id: str, paths: Sequence[str]) -> list[dict[str, object]]:
        """Copies files into the workspace, so that a file moved or changed later still goes out as it was."""
        kept: list[dict[str, object]] = []
        for path in paths:
            name = os.path.basename(path)
            folder = os.path.join(self._context.paths.attachments_dir, "outbox", operation_id, str(len(kept)))
            try:
                os.makedirs(folder, mode=0o700, exist_ok=True)
                target = os.path.join(folder, name)
                shutil.copyfile(path, target)
                with open(target, "rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError as error:
                raise UsageError(
                    f"the file {path} cannot be attached: {error.strerror}",
                    code="BAD_ATTACHMENT",
                    help="Nothing was sent. Check the path.",
                ) from error
            mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
            size = os.path.getsize(target)
            kept.append({"filename": name, "mime": mime, "path": target, "sha256": digest, "bytes": size})
        return kept

    def _new_ticket(self, operation: Operation, draft: Draft, account_id: int) -> int:
        connection, now = self._store.connection, operation.created_at
        finder = people.People(connection, account_id, now)
        first = draft.to[0]
        requester = finder.customer(
            external_id=None, name=first.name or None, points=[(IdentityKind.EMAIL, first.email)], shared=False
        )
        finder.finish()
        local_status = self._context.capabilities(operation.account).status_write == "local"
        number = str(accounts.take_numbers(connection, account_id, 1)) if local_status else f"new-{operation.id[-8:]}"
        return tickets.make(
            connection,
            account_id,
            external_id=f"op:{operation.id}",
            number=number,
            subject=clean_line(draft.subject or "")[:1000],
            requester_id=requester,
            now=now,
            local_status=local_status,
        )

    def _show(self, operation: Operation, draft: Draft, account_id: int, channel: Channel) -> None:
        """Puts the text into the conversation at once; its delivery says how far it got."""
        connection, now = self._store.connection, operation.created_at
        assert operation.ticket_id is not None  # noqa: S101  (set by the caller)
        note = draft.mode is DraftMode.NOTE
        key = messages.free_key(connection, now, 0, set())
        delivery = {OperationState.HELD: "held", OperationState.READY: "queued"}.get(operation.state, "not_tracked")
        row = (
            key,
            operation.ticket_id,
            account_id,
            f"op:{operation.id}",
            "note" if note else "agent",
            "internal" if note else "out",
            "internal" if note else "public",
            str(Channel.INTERNAL if note else channel),
            "agent",
            self._context.actor,
            self._context.address(operation.account),
            None,
            drafts.pack_recipients(draft.to, draft.cc, draft.bcc),
            draft.subject,
            now,
            clean_text(draft.body),
            None,
            None,
            None,
            None,
            None,
            delivery,
            None,
            0,
            0,
            None,
            operation.id,
        )
        messages.insert(connection, [row])
        files: Sequence[Any] = operation.payload.get("files") or ()  # type: ignore[assignment]
        messages.insert_attachments(
            connection,
            [
                (key, f"file:{index}", f["filename"], f["mime"], f["bytes"], f["sha256"], None)
                for index, f in enumerate(files)
            ],
        )
        spoken = Spoken(
            MessageKind.NOTE if note else MessageKind.AGENT,
            Direction.INTERNAL if note else Direction.OUT,
            Visibility.INTERNAL if note else Visibility.PUBLIC,
            automatic=False,
            unread=False,
            at=now,
        )
        if not note:
            tickets.mark_read(connection, operation.ticket_id, read=True)
        write_facts(connection, operation.ticket_id, follow(read_facts(connection, operation.ticket_id), [spoken]))

    def unsend(self, operation_id: str) -> Draft:
        """Takes a waiting text back into a draft, with recipients, attachments and staged actions.

        Raises ``ConflictError`` TOO_LATE once it left.
        """
        operation = operations.get(self._store.connection, operation_id)
        take_back(self._context, operation)
        payload: dict[str, Any] = dict(operation.payload)
        now = self._context.now()
        ticket = conversations.ticket(self._store.connection, operation.ticket_id or -1)
        draft = Draft(
            id=self._context.new_id(),
            ticket_id=operation.ticket_id if operation.verb is not Verb.CREATE else None,
            ticket_ref=ticket.ref if ticket and operation.verb is not Verb.CREATE else None,
            account=operation.account,
            agent=self._context.actor,
            mode=DraftMode(payload["mode"]),
            to=_addresses(payload["to"]),
            cc=_addresses(payload["cc"]),
            bcc=_addresses(payload["bcc"]),
            subject=payload["subject"],
            body=payload["body"],
            attachments=tuple(f["path"] for f in payload["files"]),
            actions=tuple((verb, value) for verb, value in payload["actions"]),
            base_message_id=operation.base_message_id,
            created_at=now,
            updated_at=now,
            discarded_at=None,
        )
        with self._store.write() as connection:
            existing = drafts.find(connection, draft.ticket_id, draft.agent, draft.mode) if draft.ticket_id else None
            if existing is not None:
                drafts.discard(connection, existing.id, now)
            drafts.save(connection, draft)
        return draft


def take_back(context: Context, operation: Operation) -> Operation:
    """Cancels a text that has not left: its message disappears, the ticket is as it was.

    Raises ``ConflictError`` TOO_LATE once it left.
    """
    waiting = operation.state in (
        OperationState.HELD,
        OperationState.READY,
        OperationState.CONFLICT,
        OperationState.FAILED,
    )
    local_note = (
        operation.verb is Verb.NOTE and operation.external_id is None and operation.state is OperationState.DONE
    )
    if not (waiting and can(operation.state, Signal.CANCEL)) and not local_note:
        raise ConflictError(
            f"operation {operation.id} is {operation.state}: it cannot be taken back any more",
            code="TOO_LATE",
            help="carecli outbox show ID tells where it stands.",
        )
    now = context.now()
    with context.store.write() as connection:
        operations.set_state(connection, operation.id, OperationState.CANCELLED, now, inverse=None)
        for dependent in operations.dependents(connection, operation.id):
            operations.set_state(connection, dependent, OperationState.CANCELLED, now)
        messages.remove_of_operation(connection, operation.id)
        if operation.ticket_id is not None:
            if operation.verb is Verb.CREATE:
                tickets.tombstone(connection, operation.ticket_id, "cancelled", None)
            else:
                refollow(connection, operation.ticket_id)
                status = operation.inverse.get("status")
                if status:
                    tickets.update(connection, operation.ticket_id, {"status": status})
            events.add(
                connection,
                [
                    (now, accounts.key(connection, operation.account), operation.ticket_id, context.actor)
                    + (context.origin, "taken_back", None, None, None, operation.id)
                ],
            )
            tickets.mark_sync_state(connection, operation.ticket_id)
    return operations.get(context.store.connection, operation.id)


def _pairs(addresses: Sequence[Address]) -> list[list[str]]:
    return [[address.email, address.name] for address in addresses]


def _addresses(pairs: Sequence[Sequence[str]]) -> tuple[Address, ...]:
    return tuple(Address(email, name) for email, name in pairs)


def _without(addresses: Sequence[Address], own: frozenset[str], others: Sequence[Address]) -> list[Address]:
    """Addresses without our own ones, those in ``others`` and repeats."""
    seen = set(own) | {address.email.lower() for address in others}
    kept = []
    for address in addresses:
        if address.email.lower() not in seen:
            seen.add(address.email.lower())
            kept.append(address)
    return kept
