"""The demo connector passes the conformance suite: it is the worked example for others."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from carecli.connectors.demo import connector, people
from carecli.connectors.demo.connector import DemoConnector
from carecli.connectors.demo.journal import Entry, Journal
from carecli.connectors.demo.manifest import MANIFEST
from carecli.domain.ticket import TicketStatus
from carecli.testing import ConnectorContract, Desk, Fault, FixedSecrets, Scripted, Side, options_of

FIRST = "t1001"
DONE = {TicketStatus.SOLVED, TicketStatus.CLOSED}
WORDS = {
    Fault.AUTH: "auth",
    Fault.THROTTLE: "throttle",
    Fault.DOWN: "drop",
    Fault.REJECT: "reject",
    Fault.LOST: "lose",
}


class DemoDesk(Desk):
    manifest = MANIFEST
    manifest_at = "carecli.connectors.demo.manifest:MANIFEST"
    colleague = people.ME
    impossible: ClassVar[Mapping[str, str]] = {
        "delete": "nothing is ever deleted at the demo desk",
        "say_html": "the demo desk speaks plain text",
        "news": "the demo's news come by its own clock, every 20 to 40 seconds",
        "silent": "the demo has no network that could keep silent",
        "garbage": "the demo reads records it made itself",
    }

    def __init__(self, file: Path) -> None:
        self._file = file
        self._now = int(time.time())
        self._tickets = 40
        self._words: list[str] = []
        self._said = 0

    def connector(self, *, good: bool = True) -> DemoConnector:
        assert good
        options = options_of(
            MANIFEST, state_file=str(self._file), tickets=self._tickets, now=self._now, fail=tuple(self._words)
        )
        return DemoConnector("kit", options, FixedSecrets())

    def _journal(self) -> Journal:
        return Journal(str(self._file), self._now * 1000)

    def say(self, text: str) -> None:
        journal = self._journal()
        server = self.connector()._server
        cases = [server.desk(journal.now).case(index) for index in range(self._tickets)]
        open_mail = [case for case in cases if case.channel == "email" and case.status not in DONE]
        ticket = server.mapper.external_id(open_mail[self._said].place)
        self._said += 1
        journal.append(Entry(kind="news", at=journal.now + self._said * 1000, ticket=ticket, text=text))

    def fill(self) -> None:
        self._tickets = 60

    def strange(self) -> str:
        self.change_elsewhere(FIRST, status="parked")
        return "parked"

    def change_elsewhere(self, ticket: str, **changes: object) -> None:
        encoded = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in changes.items()}
        journal = self._journal()
        journal.append(Entry(kind="fields", at=journal.now, ticket=ticket, changes=encoded))

    def public(self) -> Sequence[str]:
        return [entry.text for entry in self._journal().entries if entry.kind in {"reply", "create"}]

    def notes(self) -> Sequence[str]:
        return [entry.text for entry in self._journal().entries if entry.kind == "note"]

    def script(self, fault: Fault, on: Side) -> Scripted:
        # A word is used up by one request; a pull of the first stream and one of the second are two.
        self._words += [f"pull-{WORDS[fault]}" if on == "pull" else WORDS[fault]] * 4
        return Scripted(words="the demo refused this write" if fault is Fault.REJECT else "", retry_after=2)

    def heal(self) -> None:
        journal = self._journal()
        used = {entry.word for entry in journal.entries}
        for place in range(len(self._words)):
            if place not in used:
                journal.append(Entry(kind="failed", word=place))


class TestDemo(ConnectorContract):
    @pytest.fixture
    def desk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
        monkeypatch.setattr(connector, "PAGE", 20)
        return DemoDesk(tmp_path / "demo.jsonl")
