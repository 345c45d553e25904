"""Tickets: read one, change its fields, take changes back. Every change is an operation first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from carecli.domain.errors import ForbiddenError, NotFoundError, UsageError
from carecli.domain.operation import Operation, OperationState, Verb
from carecli.domain.ticket import Priority, Ticket, TicketStatus
from carecli.services.context import Context
from carecli.store import accounts, conversations, messages, operations, people, thread_json, tickets, windows
from carecli.sync import effects
from carecli.sync.merge import inverse

if TYPE_CHECKING:
    from carecli.services.models import Conversation
    from carecli.services.undo import Undo

_CAPABILITY = {
    Verb.STATUS: ("status_write", "set a status"),
    Verb.PRIORITY: ("priority_write", "set a priority"),
    Verb.ASSIGN: ("assign_write", "assign tickets"),
    Verb.TAG: ("tag_write", "tag tickets"),
}


class Tickets:
    """Reads and changes tickets. Writing methods return operations, one per ticket, in the order asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def find(self, ref: str, account: str | None = None) -> int:
        """Key of the ticket a reference names. Raises ``NotFoundError`` and ``UsageError``."""
        return self._context.find(ref, account)

    def get(self, ticket_id: int) -> Ticket:
        """One ticket. Raises ``NotFoundError``."""
        found = conversations.ticket(self._store.connection, ticket_id)
        if found is None:
            raise NotFoundError(f"there is no ticket with key {ticket_id}", code="TICKET_NOT_FOUND")
        return found

    def conversation(self, ticket_id: int) -> Conversation:
        """A ticket with its messages and events, oldest first."""
        from carecli.services.models import Conversation

        ticket = self.get(ticket_id)
        return Conversation(
            ticket,
            conversations.messages(self._store.connection, ticket_id),
            conversations.ticket_events(self._store.connection, ticket_id),
            ticket.requester.id,
        )

    def capability(self, ticket_id: int, action: str) -> str | None:
        """Why an action (reply, note, forward, status, priority, assign, tag, merge) is refused; ``None``: it is not."""
        account = self.get(ticket_id).account
        try:
            manifest = self._context.manifest(account)
        except NotFoundError as error:
            return error.message
        can_do = manifest.capabilities
        allowed = {
            "reply": can_do.reply,
            "forward": can_do.forward,
            "note": can_do.note != "none",
            "status": can_do.status_write != "none",
            "priority": can_do.priority_write != "none",
            "assign": can_do.assign_write != "none",
            "tag": can_do.tag_write != "none",
            "merge": can_do.merge != "none",
        }[action]
        return None if allowed else f"the {manifest.kind} connector cannot {action}"

    def set_status(self, ids: Sequence[int], status: str) -> list[Operation]:
        """Sets the status. Raises ``UsageError`` for an unknown one, ``ForbiddenError`` where it is not possible."""
        return self.change(ids, Verb.STATUS, _sensible(Verb.STATUS, {"value": status}))

    def set_priority(self, ids: Sequence[int], priority: str) -> list[Operation]:
        """Sets the priority. Raises as ``set_status``."""
        return self.change(ids, Verb.PRIORITY, _sensible(Verb.PRIORITY, {"value": priority}))

    def assign(self, ids: Sequence[int], who: str | None) -> list[Operation]:
        """Assigns to ``me``, an agent's name or address, or nobody (``None``). Raises ``NotFoundError`` for strangers."""
        batch = self._context.new_id() if len(ids) > 1 else None
        return [self._assign(ticket_id, who, batch) for ticket_id in ids]

    def _assign(self, ticket_id: int, who: str | None, batch: str | None) -> Operation:
        if who == "me":
            account_id = accounts.key(self._store.connection, self.get(ticket_id).account)
            self._context.me(account_id)
            name: str | None = people.me_name(self._store.connection, account_id) or self._context.actor
        else:
            name = self._agent(ticket_id, who)
        return self.change([ticket_id], Verb.ASSIGN, {"value": name}, batch=batch)[0]

    def _agent(self, ticket_id: int, who: str | None) -> str | None:
        """The name of an agent by name or address. Raises ``NotFoundError`` for one the vendor does not know."""
        if who is None:
            return None
        connection = self._store.connection
        account = self.get(ticket_id).account
        key = people.agent_named(connection, accounts.key(connection, account), who)
        if key is not None:
            return people.agent_name(connection, key)
        if self._context.capabilities(account).assign_write == "local":
            return who
        known = ", ".join(people.agent_names(connection, account)) or "nobody yet"
        raise NotFoundError(
            f"{account} has no agent '{who}'", code="AGENT_NOT_FOUND", help=f"Agents: {known}; or me, none."
        )

    def tag(self, ids: Sequence[int], add: Sequence[str], remove: Sequence[str]) -> list[Operation]:
        """Adds and removes tags; others stay as they are."""
        return self.change(ids, Verb.TAG, _sensible(Verb.TAG, {"add": list(add), "remove": list(remove)}))

    def snooze(self, ids: Sequence[int], until: int | None) -> list[Operation]:
        """Hides tickets until an instant (``None``: wakes them). Kept locally."""
        return self.change(ids, Verb.SNOOZE, {"value": until})

    def mark_read(self, ids: Sequence[int], *, read: bool = True) -> None:
        """Marks tickets read or unread. Kept locally, so it is no operation."""
        with self._store.write() as connection:
            for ticket_id in ids:
                tickets.mark_read(connection, ticket_id, read=read)

    def plan(self, ids: Sequence[int], verb: Verb, payload: Mapping[str, object]) -> list[Operation]:
        """The operations a change would make, without making them. Raises as the change would."""
        _sensible(verb, payload)
        if verb is Verb.ASSIGN and payload["value"] != "me":
            for ticket_id in ids:
                self._agent(ticket_id, str(payload["value"]) if payload["value"] else None)
        return [self._operation(ticket_id, verb, payload, planned=True) for ticket_id in ids]

    def change(
        self, ids: Sequence[int], verb: Verb, payload: Mapping[str, object], *, batch: str | None = None
    ) -> list[Operation]:
        """Makes one change of fields to tickets. What one command changes is one ``batch``, which undo takes back whole."""
        made: list[Operation] = []
        # One transaction per ticket: a bulk change of thousands must not keep the sync waiting.
        for ticket_id in ids:
            operation = self._operation(ticket_id, verb, payload)
            if batch is None and len(ids) > 1:
                batch = operation.id
            account_id = accounts.key(self._store.connection, operation.account)
            with self._store.write() as connection:
                before = effects.shown(connection, ticket_id, verb)
                notes = ({"batch": batch} if batch else {}) | ({} if verb is Verb.TAG else {"base": before})
                operation = replace(operation, payload=dict(operation.payload) | notes)
                changed = effects.apply(connection, ticket_id, verb, payload, operation.created_at)
                operations.add(connection, _with_inverse(operation, before, verb, payload, changed), account_id)
                if changed:
                    effects.log(connection, operation, account_id, before, effects.shown(connection, ticket_id, verb))
                tickets.mark_sync_state(connection, ticket_id)
            made.append(operations.get(self._store.connection, operation.id))
        return made

    def _operation(
        self, ticket_id: int, verb: Verb, payload: Mapping[str, object], *, planned: bool = False
    ) -> Operation:
        ticket = self.get(ticket_id)
        local = verb is Verb.SNOOZE
        if verb in _CAPABILITY:
            field, words = _CAPABILITY[verb]
            mode = getattr(self._context.capabilities(ticket.account), field)
            if mode == "none":
                raise ForbiddenError(
                    f"{ticket.account} cannot {words}: its connector has no such function",
                    code="UNSUPPORTED",
                    help=f"See 'carecli connector show {self._context.manifest(ticket.account).kind}'.",
                )
            local = mode == "local"
        return Operation(
            id="" if planned else self._context.new_id(),
            account=ticket.account,
            verb=verb,
            ticket_id=ticket_id,
            target=ticket.ref,
            payload=dict(payload),
            state=OperationState.DONE if local else OperationState.READY,
            attempts=0,
            not_before=0,
            created_at=self._context.now(),
            actor=self._context.actor,
            origin=self._context.origin,
        )

    def as_one(self, made: Sequence[Operation]) -> None:
        """Makes operations that one command made a batch, which undo takes back whole."""
        if len(made) > 1:
            with self._store.write() as connection:
                operations.set_batch(connection, [operation.id for operation in made], made[0].id)

    def undo(self, operation_id: str | None = None) -> list[Operation]:
        """As ``Undo.undo``."""
        return self._undo().undo(operation_id)

    def redo(self) -> list[Operation]:
        """As ``Undo.redo``."""
        return self._undo().redo()

    def undoes(self, operation_id: str | None = None, *, redo: bool = False) -> list[Operation]:
        """As ``Undo.undoes``."""
        return self._undo().undoes(operation_id, redo=redo)

    def _undo(self) -> Undo:
        from carecli.services.undo import Undo

        return Undo(self._context, self)

    def history_json(self, ticket_id: int) -> list[str]:
        """Events of a ticket as JSON texts, oldest first."""
        return thread_json.events_json(self._store.connection, ticket_id)

    def agents(self, account: str | None = None) -> list[str]:
        """Names tickets can be assigned to."""
        return people.agent_names(self._store.connection, account)

    def tags(self) -> list[str]:
        """Tags in use, most used first."""
        return tickets.all_tags(self._store.connection)

    def next_best(self) -> int | None:
        """Key of the ticket to work on next: mine or nobody's, by deadline risk, then the longest wait."""
        from carecli.domain.query import parse

        now = self._context.now()
        for text in (
            "sla:risk (is:mine or is:unassigned) -is:snoozed",
            "is:open (is:mine or is:unassigned) -is:snoozed",
        ):
            page = windows.page_ids(self._store.connection, parse(text), "wait", now, after=None, limit=1)
            if page:
                return page[0][1]
        return None

    def attachment(self, attachment_id: int) -> tuple[str, str, str, str, str | None, str]:
        """Where an attachment is: (account, message, attachment, file name, local path, MIME type).

        Raises ``NotFoundError``.
        """
        found = conversations.attachment(self._store.connection, attachment_id)
        if found is None:
            raise NotFoundError(f"there is no attachment {attachment_id}", code="ATTACHMENT_NOT_FOUND")
        return found

    def newest_message(self, ticket_id: int) -> int | None:
        """Key of the newest message of a ticket: the base of the send guard."""
        return conversations.newest_message(self._store.connection, ticket_id)

    def answers(self, ticket_id: int) -> int | None:
        """Key of the message a reply answers: the newest public one from outside, else the newest public one."""
        return messages.to_answer(self._store.connection, ticket_id)


def _with_inverse(
    operation: Operation, before: object, verb: Verb, payload: Mapping[str, object], changed: bool
) -> Operation:
    # A change that changed nothing is done at once: there is nothing to tell the vendor and nothing to take back.
    if not changed:
        return replace(operation, state=OperationState.DONE)
    return replace(operation, inverse=inverse(before, verb, payload))


def _sensible(verb: Verb, payload: Mapping[str, object]) -> Mapping[str, object]:
    """The payload, when its values are ones the verb knows; raises ``UsageError``."""
    closed: dict[Verb, Sequence[str]] = {Verb.STATUS: tuple(TicketStatus), Verb.PRIORITY: tuple(Priority)}
    if verb in closed and payload["value"] not in closed[verb]:
        code, known = f"BAD_{verb.upper()}", ", ".join(closed[verb])
        raise UsageError(f"'{payload['value']}' is no {verb}", code=code, help=f"One of: {known}.")
    if verb is Verb.TAG and not payload["add"] and not payload["remove"]:
        raise UsageError("no tags given", code="NO_TAGS", help="Use --add TAG or --remove TAG.")
    return payload


def as_json(operation: Operation) -> str:
    """A planned operation in the contract's shape (made ones are printed by the store)."""
    return json.dumps(
        {
            "id": None,
            "account": operation.account,
            "verb": str(operation.verb),
            "target": operation.target,
            "state": "planned",
            "attempts": 0,
            "not_before": None,
            "created_at": None,
            "last_error": None,
            "external_id": None,
            "undo": None,
        },
        ensure_ascii=False,
    )
