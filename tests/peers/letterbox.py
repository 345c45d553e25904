"""A small connector over HTTP, the kind most vendors need; with flaws on request, so that the suite can be tested."""

from __future__ import annotations

import base64
import json
import logging
import queue
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from carecli.connectors.spi.capabilities import Capabilities
from carecli.connectors.spi.errors import (
    Ambiguous,
    AuthNeeded,
    Conflicting,
    Gone,
    Rejected,
    Retryable,
    Throttled,
    Unsupported,
)
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.options import Option, Options, Secret
from carecli.connectors.spi.protocols import Lookup, Secrets, Verdict
from carecli.connectors.spi.records import (
    AgentRecord,
    AttachmentRecord,
    FieldRequest,
    Health,
    MessageRecord,
    NoteRequest,
    Page,
    PersonRecord,
    PushResult,
    Record,
    ReplyRequest,
    TicketRecord,
    Tombstone,
)
from carecli.domain.conversation import AuthorKind, Direction, MessageKind, Visibility
from carecli.domain.ticket import Channel, Priority, TicketStatus

if TYPE_CHECKING:
    import httpx

MANIFEST = Manifest(
    kind="letterbox",
    title="Letterbox",
    summary="A small helpdesk over HTTP.",
    connector="letterbox:Letterbox",
    streams=("tickets",),
    capabilities=Capabilities(
        reply=True,
        note="remote",
        create=True,
        attachments=True,
        status_write="direct",
        priority_write="direct",
        assign_write="direct",
        tag_write="direct",
        snooze_native=True,
        preconditions=True,
        tombstones=True,
        verification="mark",
        max_chars={"email": 1_500_000},
    ),
    options=(Option("url", "Address of the letterbox", required=True),),
    secrets=(Secret("token", "Access token"),),
    tested_against=(("a scripted server", "documentation only"),),
)
_PAGE = 4
_FIELDS = {"status", "priority", "assignee", "tags_add", "tags_remove", "snoozed_until"}


class Letterbox:
    """Implements ``TicketSource``; ``flaws`` are the things it does wrong."""

    manifest: ClassVar[Manifest] = MANIFEST
    flaws: frozenset[str] = frozenset()

    def __init__(self, account: str, options: Options, secrets: Secrets) -> None:
        self._url = str(options["url"])
        self._secrets = secrets
        self._http: httpx.Client | None = None

    def check(self) -> Health:
        return Health(identity=self._read("/me")["name"])

    def close(self) -> None:
        if self._http is not None:
            self._http.close()

    def pull(self, stream: str, cursor: str | None, lookup: Lookup, stop: threading.Event) -> Iterator[Page]:
        if stream != "tickets":
            raise Unsupported(f"there is no stream '{stream}'")
        after = int(cursor or 0)
        while True:
            answer = self._stoppable(f"/tickets?after={after}&limit={_PAGE}", stop)
            if answer is None:
                return
            records: list[Record] = [AgentRecord(external_id="a1", name="Sam")] if not after else []
            for ticket in answer["tickets"]:
                records += self._records(ticket)
                after = ticket["seq"]
            if "skips ahead" in self.flaws and answer["more"]:
                yield Page(records=tuple(records), cursor=str(after + 2), more=True)
                continue
            more = answer["more"] or "never ends" in self.flaws
            yield Page(records=tuple(records), cursor=str(after), more=more)
            if not more or (stop.is_set() and "ignores stop" not in self.flaws):
                return

    def _records(self, ticket: dict[str, Any]) -> Iterator[Record]:
        if ticket["deleted"]:
            if "hides deletions" not in self.flaws:
                yield Tombstone(external_id=ticket["id"], reason="deleted")
            return
        made = self._ticket(ticket)
        messages = [self._message(ticket, message) for message in ticket["messages"]]
        if "messages first" in self.flaws:
            yield from messages
        yield made
        yield from messages

    def _ticket(self, ticket: dict[str, Any]) -> TicketRecord:
        word = ticket["status"]
        known = word in set(TicketStatus) or "fails on new words" in self.flaws
        return TicketRecord(
            external_id=ticket["id"],
            number=ticket["id"].removeprefix("t"),
            subject=ticket["subject"],
            channel=Channel.EMAIL,
            created_at=ticket["at"],
            updated_at=ticket["at"],
            status=TicketStatus(word) if known else TicketStatus.OPEN,
            status_raw=None if "drops words" in self.flaws else word,
            priority=Priority(ticket["priority"]),
            assignee=ticket["assignee"],
            tags=tuple(ticket["tags"]),
            snoozed_until=ticket["snoozed_until"],
            requester=PersonRecord(emails=(ticket["from"],)),
            remote_version=str(ticket["version"]),
        )

    def _message(self, ticket: dict[str, Any], message: dict[str, Any]) -> MessageRecord:
        kind = message["kind"]
        inside, ours = kind == "note", kind != "customer"
        text = message["text"]
        if message["html"] and "shows markup" not in self.flaws:
            text = re.sub(r"<[^>]+>", "", re.sub(r"(?s)<(style|script).*?</\1>", "", text)).replace("&amp;", "&")
        return MessageRecord(
            external_id=message["id"],
            ticket=ticket["id"],
            kind=MessageKind.NOTE if inside else MessageKind.AGENT if ours else MessageKind.CUSTOMER,
            direction=Direction.INTERNAL if inside else Direction.OUT if ours else Direction.IN,
            visibility=Visibility.INTERNAL if inside else Visibility.PUBLIC,
            channel=Channel.EMAIL,
            author_kind=AuthorKind.AGENT if ours else AuthorKind.PERSON,
            author=PersonRecord(emails=("desk@letterbox.example" if ours else ticket["from"],)),
            sent_at=message["at"],
            body_text=text,
            mark=message["op"],
            attachments=tuple(
                AttachmentRecord(external_id=file["id"], filename=file["name"], mime="a/b", bytes=file["bytes"])
                for file in message["files"]
            ),
        )

    def send_reply(self, request: ReplyRequest) -> PushResult:
        limit = MANIFEST.capabilities.max_chars["email"]
        text = request.body_text[:1000] if "cuts texts" in self.flaws else request.body_text
        if len(text) > limit:
            raise Rejected(f"a message has at most {limit} characters; it was not sent")
        to = getattr(request, "to", ()) if "takes notes for replies" in self.flaws else request.to
        body = {
            "text": text,
            "to": [each.email for each in to],
            "files": [
                {"name": file.filename, "content": base64.b64encode(file.content).decode()} for file in request.files
            ],
        }
        if request.ticket.external_id is None:
            return self._write("POST", "/tickets", request.operation_id, body | {"subject": request.subject})
        return self._write("POST", f"/tickets/{request.ticket.external_id}/replies", request.operation_id, body)

    def add_note(self, request: NoteRequest) -> PushResult:
        if not isinstance(request, NoteRequest):
            raise TypeError(type(request))
        where = "replies" if "publishes notes" in self.flaws else "notes"
        body = {"text": request.body_text, "to": [], "files": []}
        return self._write("POST", f"/tickets/{request.ticket.external_id}/{where}", request.operation_id, body)

    def update_ticket(self, request: FieldRequest) -> PushResult:
        if unknown := request.changes.keys() - _FIELDS:
            raise Unsupported(f"cannot change {unknown}")
        changes = dict(request.changes)
        if "claims too much" in self.flaws:
            changes.pop("priority", None)
        base = None if "ignores versions" in self.flaws else request.base_version
        body = {"changes": changes, "base": base}
        return self._write("PATCH", f"/tickets/{request.ticket.external_id}", request.operation_id, body)

    def verify(self, operation_id: str, request: ReplyRequest | NoteRequest | FieldRequest) -> Verdict:
        if "finds everything" in self.flaws:
            return PushResult()
        try:
            return PushResult(external_id=self._read(f"/operations/{operation_id}")["id"])
        except Gone:
            return "absent"

    def fetch_attachment(self, message: str, attachment: str, lookup: Lookup) -> bytes:
        return base64.b64decode(self._read(f"/files/{attachment}")["content"])

    def _write(self, method: str, path: str, operation: str, body: dict[str, Any]) -> PushResult:
        mark = None if "forgets its mark" in self.flaws else operation
        answer = self._call(method, path, {**body, "op": mark})
        return PushResult(external_id=answer["id"], remote_version=str(answer["version"]))

    def _stoppable(self, path: str, stop: threading.Event) -> Any:
        """A read in a thread of its own; ``None`` when it was stopped first."""
        if "ignores stop" in self.flaws:
            return self._read(path)
        if stop.is_set():
            return None
        done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

        def read() -> None:
            try:
                done.put((self._read(path), None))
            except Exception as error:
                done.put((None, error))

        threading.Thread(target=read, daemon=True).start()
        while not stop.is_set():
            try:
                answer, error = done.get(timeout=0.05)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            return answer
        return None

    def _read(self, path: str) -> Any:
        return self._call("GET", path, None)

    def _call(self, method: str, path: str, body: object) -> Any:
        import httpx

        if self._http is None:
            self._http = httpx.Client(base_url=self._url, timeout=10)
        token = self._secrets.get("token")
        if "logs its token" in self.flaws:
            logging.getLogger("letterbox").debug("signing in with %s", token)
        lost = Retryable if method == "GET" or "forgets doubts" in self.flaws else Ambiguous
        try:
            answer = self._http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.ConnectError as error:
            raise Retryable("the letterbox cannot be reached") from error
        except httpx.HTTPError as error:
            raise lost("the letterbox did not answer") from error
        self._judge(answer, token)
        try:
            return answer.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            if "trusts answers" in self.flaws:
                raise
            raise lost("the letterbox makes no sense") from error

    def _judge(self, answer: httpx.Response, token: str) -> None:
        if answer.status_code < 300:
            return
        words = "refused" if "keeps words to itself" in self.flaws else answer.json()["error"]
        if "quotes its token" in self.flaws:
            words += f" ({token})"
        match answer.status_code:
            case 401 if "forgets to sign in" not in self.flaws:
                raise AuthNeeded(words, help="Run 'carecli account login'.")
            case 404:
                raise Gone(words)
            case 409:
                raise Conflicting(words)
            case 429:
                seconds = None if "waits for nothing" in self.flaws else int(answer.headers["Retry-After"])
                raise Throttled(words, retry_after=seconds)
            case status if status >= 500 or status == 401:
                raise Retryable(words)
        raise Rejected(words)
