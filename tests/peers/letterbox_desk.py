"""The scripted vendor behind the letterbox connector, as a desk for the conformance suite."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from carecli.testing import (
    Answer,
    Desk,
    Fault,
    FixedSecrets,
    Request,
    Scripted,
    ScriptedVendor,
    Side,
    Trouble,
    options_of,
)
from letterbox import MANIFEST, Letterbox

AT = 1_795_000_000_000
GOOD, BAD = "letterbox-token-1", "letterbox-token-0"


class Vendor(ScriptedVendor):
    """Tickets with their messages, in the order of their last change."""

    def __init__(self) -> None:
        super().__init__()
        self.token = GOOD
        self.tickets: dict[str, dict[str, Any]] = {}
        self.operations: dict[str, dict[str, Any]] = {}
        self.files: dict[str, str] = {}
        self._seq = 0
        self.on("GET", "/me", lambda _: Answer({"name": "Sam"}))
        self.on("GET", "/tickets", self.changed)
        self.on("POST", "/tickets", self.opened)
        self.on("POST", "/tickets/{ticket}/replies", lambda request, ticket: self.added(request, ticket, "reply"))
        self.on("POST", "/tickets/{ticket}/notes", lambda request, ticket: self.added(request, ticket, "note"))
        self.on("PATCH", "/tickets/{ticket}", self.patched)
        self.on("GET", "/operations/{operation}", self.operation)
        self.on("GET", "/files/{file}", self.file)

    def open(self, subject: str, sender: str) -> dict[str, Any]:
        name = f"t{len(self.tickets) + 1}"
        self.tickets[name] = {
            "id": name,
            "subject": subject,
            "status": "open",
            "priority": "normal",
            "assignee": None,
            "tags": [],
            "snoozed_until": None,
            "from": sender,
            "version": 0,
            "at": AT + len(self.tickets),
            "deleted": False,
            "messages": [],
        }
        return self.tickets[name]

    def touch(self, ticket: dict[str, Any]) -> None:
        self._seq += 2
        ticket["seq"] = self._seq
        ticket["version"] += 1
        self.tickets[ticket["id"]] = self.tickets.pop(ticket["id"])

    def say(self, ticket: dict[str, Any], kind: str, text: str, **more: Any) -> dict[str, Any]:
        name = f"{ticket['id']}-{len(ticket['messages']) + 1}"
        at = ticket["at"] + len(ticket["messages"])
        message = {"id": name, "kind": kind, "text": text, "html": False, "op": None, "at": at, "files": [], **more}
        ticket["messages"].append(message)
        self.touch(ticket)
        return message

    def changed(self, request: Request) -> Answer:
        after, limit = int(request.query["after"]), int(request.query["limit"])
        found = [ticket for ticket in self.tickets.values() if ticket["seq"] > after]
        return Answer({"tickets": found[:limit], "more": len(found) > limit})

    def opened(self, request: Request) -> Answer:
        body = request.json()
        return self._kept(self.open(body["subject"] or "", body["to"][0]), "reply", body)

    def added(self, request: Request, ticket: str, kind: str) -> Answer:
        found = self.tickets.get(ticket)
        if found is None:
            return Answer({"error": f"there is no ticket {ticket}"}, 404)
        return self._kept(found, kind, request.json())

    def _kept(self, ticket: dict[str, Any], kind: str, body: dict[str, Any]) -> Answer:
        message = self.say(ticket, kind, body["text"], op=body["op"])
        for number, file in enumerate(body["files"]):
            name = f"{message['id']}-f{number}"
            self.files[name] = file["content"]
            size = len(base64.b64decode(file["content"]))
            message["files"].append({"id": name, "name": file["name"], "bytes": size})
        answer = {"id": message["id"], "version": ticket["version"]}
        self.operations[body["op"]] = answer
        return Answer(answer, 201)

    def patched(self, request: Request, ticket: str) -> Answer:
        found, body = self.tickets.get(ticket), request.json()
        if found is None:
            return Answer({"error": f"there is no ticket {ticket}"}, 404)
        if body["base"] is not None and body["base"] != str(found["version"]):
            return Answer({"error": "somebody was faster"}, 409)
        changes = body["changes"]
        found["tags"] = [tag for tag in found["tags"] if tag not in changes.pop("tags_remove", ())]
        found["tags"] += changes.pop("tags_add", [])
        found.update(changes)
        self.touch(found)
        self.operations[body["op"]] = {"id": ticket, "version": found["version"]}
        return Answer(self.operations[body["op"]])

    def operation(self, request: Request, operation: str) -> Answer:
        found = self.operations.get(operation)
        return Answer(found) if found else Answer({"error": "no such operation"}, 404)

    def file(self, request: Request, file: str) -> Answer:
        return Answer({"content": self.files[file]}) if file in self.files else Answer({"error": "no file"}, 404)


class LetterboxDesk(Desk):
    manifest = MANIFEST
    manifest_at = "letterbox:MANIFEST"
    secret_values = (GOOD, BAD)
    colleague = "Sam"

    def __init__(self, vendor: Vendor, *flaws: str) -> None:
        self.vendor = vendor
        self.flaws = frozenset(flaws)

    def connector(self, *, good: bool = True) -> Letterbox:
        made = Letterbox("kit", options_of(MANIFEST, url=self.vendor.url), FixedSecrets(token=GOOD if good else BAD))
        made.flaws = self.flaws
        return made

    def say(self, text: str) -> None:
        self.vendor.say(self.vendor.open("A matter", self.customer.email), "customer", text)

    def say_html(self, html: str) -> None:
        self.vendor.say(self.vendor.open("A matter", self.customer.email), "customer", html, html=True)

    def fill(self) -> None:
        for number in range(10):
            self.say(f"Matter {number}")

    def delete(self, ticket: str) -> None:
        found = self.vendor.tickets[ticket]
        found["deleted"] = True
        self.vendor.touch(found)

    def strange(self) -> str:
        found = next(iter(self.vendor.tickets.values()))
        found["status"] = "parked"
        self.vendor.touch(found)
        return "parked"

    def change_elsewhere(self, ticket: str) -> None:
        self.vendor.touch(self.vendor.tickets[ticket])

    def _said(self, kind: str) -> list[str]:
        tickets = self.vendor.tickets.values()
        return [each["text"] for ticket in tickets for each in ticket["messages"] if each["kind"] == kind]

    def public(self) -> Sequence[str]:
        return self._said("reply")

    def notes(self) -> Sequence[str]:
        return self._said("note")

    def script(self, fault: Fault, on: Side) -> Scripted:
        words = "the subject line is too long"
        made = {
            Fault.AUTH: Trouble.refuse,
            Fault.THROTTLE: lambda **more: Trouble.throttle(90, **more),
            Fault.DOWN: Trouble.error,
            Fault.REJECT: lambda **more: Trouble.error(422, words, **more),
            Fault.LOST: Trouble.lose,
            Fault.SILENT: Trouble.silent,
            Fault.GARBAGE: Trouble.garbage,
        }[fault](only=lambda request: request.writes == (on == "push"))
        self.vendor.script(made)
        return Scripted(words=words, retry_after=90)

    def heal(self) -> None:
        self.vendor.heal()
