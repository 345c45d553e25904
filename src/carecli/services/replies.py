"""Replies, notes, forwards and new tickets: from a draft to an operation, and back while there is time."""

from __future__ import annotations

import os
import re
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
from carecli.domain.errors import ForbiddenError, UsageError
from carecli.domain.operation import Operation, OperationState, Verb
from carecli.domain.redact import clean_line, clean_text
from carecli.domain.ticket import Channel, Ticket
from carecli.services.context import Context, require_account
from carecli.services.models import ReplyPlan
from carecli.services.reply_plans import VERB, ReplyPlans
from carecli.services.taking_back import take_back
from carecli.store import accounts, conversations, drafts, events, messages, operations, people, tickets
from carecli.sync.effects import log_status
from carecli.sync.facts import read_facts, write_facts
from carecli.sync.follow import Spoken, follow

_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.?[^@\s<>,;\"]*")


class Replies:
    """Plans and sends what a person writes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._plans = ReplyPlans(context)

    def plan(
        self, ticket_id: int | None, mode: DraftMode, *, everybody: bool = False, account: str | None = None
    ) -> ReplyPlan:
        """Who a text would reach, within which limits, and whether it can be sent at all."""
        return self._plans.plan(ticket_id, mode, everybody=everybody, account=account)

    def warnings(self, plan: ReplyPlan, body: str, attachments: Sequence[str]) -> list[tuple[str, str]]:
        """What to look at before sending: ("block", text) forbids it, ("warn", text) asks."""
        return self._plans.warnings(plan, body, attachments)

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
            verb=VERB[draft.mode],
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
            events.add(connection, [_event(operation, account_id)])
            drafts.delete(connection, draft.id)
            tickets.mark_sync_state(connection, operation.ticket_id)
        made = [operations.get(connection, operation.id)]
        if solve:
            made.append(self._solve_after(made[0]))
        return made

    def planned(self, draft: Draft) -> Operation:
        """The operation ``make`` would make, without an id and without making it; raises what ``make`` would raise."""
        ticket = conversations.ticket(self._store.connection, draft.ticket_id) if draft.ticket_id is not None else None
        account = ticket.account if ticket else draft.account or ""
        require_account(self._context.settings, account)
        self._check(draft, account, ticket)
        return Operation(
            id="",
            account=account,
            verb=VERB[draft.mode],
            ticket_id=draft.ticket_id,
            target=ticket.ref if ticket else None,
            payload={},
            state=OperationState.READY,
            attempts=0,
            not_before=0,
            created_at=self._context.now(),
        )

    def _solve_after(self, reply: Operation) -> Operation:
        from carecli.services.tickets import Tickets

        assert reply.ticket_id is not None  # noqa: S101  (a sent reply has its ticket)
        solved = Tickets(self._context).change([reply.ticket_id], Verb.STATUS, {"value": "solved"}, batch=reply.id)[0]
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
        if not paths:
            return []
        import hashlib
        import mimetypes
        import shutil

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
        before = read_facts(connection, operation.ticket_id)
        after = follow(before, [spoken])
        write_facts(connection, operation.ticket_id, after)
        if after.status != before.status:
            log_status(connection, operation, account_id, str(before.status), str(after.status))

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


def _pairs(addresses: Sequence[Address]) -> list[list[str]]:
    return [[address.email, address.name] for address in addresses]


def _addresses(pairs: Sequence[Sequence[str]]) -> tuple[Address, ...]:
    return tuple(Address(email, name) for email, name in pairs)


def _event(operation: Operation, account_id: int) -> tuple[object, ...]:
    where = (operation.created_at, account_id, operation.ticket_id)
    return (*where, operation.actor, operation.origin, str(operation.verb), None, None, None, operation.id)
