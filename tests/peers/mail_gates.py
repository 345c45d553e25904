"""Gates in front of a mail server: each connection gets a fault at random, and what it hit is counted.

``SmtpGate`` reads plain-text SMTP, so it can cut exactly at the end of a mail; ``ByteGate`` cuts anything after a random
number of bytes. Both serve from a thread of this process and let everything through while ``trouble`` is 0.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from faultproxy import Proxy

HOST = "127.0.0.1"
FREEZE_SECONDS = 4.0  # longer than the clients' network time limit in these tests
CONNECTION_FAULTS = {
    "refuse": 8,
    "reset": 8,  # after some answers, while signing in
    "slow drip": 6,
}
MAIL_FAULTS = {
    "before the request": 12,
    "mid-body": 12,
    "answer lost": 24,  # the server accepted the mail, its answer never comes
    "cut at the end": 6,  # the end of the mail passed, everything breaks at once
    "end lost": 3,  # the end of the mail never reaches the server: nobody on our side can tell it from "answer lost"
    "stall": 4,
}
BYTE_FAULTS = {"refuse": 8, "reset": 20, "stall": 5, "slow drip": 6}
_MESSAGE_ID = re.compile(rb"(?im)^Message-ID: (<[^>\r\n]+>)")
_END = b"\r\n.\r\n"


class _Cut(Exception):
    """The connection ends here."""


class Gate:
    """What the gates share: a port, a thread with an event loop, randomness and counts."""

    def __init__(self, target: int, seed: int) -> None:
        self.target = target
        self.trouble = 0.0
        self.counts: Counter[str] = Counter()
        self.chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), name="gate", daemon=True)
        self._thread.start()
        ready.wait(10)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._begin, HOST, 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        self._loop.run_until_complete(self._end_connections())
        self._loop.close()

    async def _end_connections(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports close in the loop's next turns

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self.client(reader, writer)
        finally:
            writer.close()

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raise NotImplementedError

    def pick(self, kinds: dict[str, int], share: float = 1.0) -> str:
        """A fault, or "" for none; ``share`` makes it rarer."""
        if self.chance.random() >= self.trouble * share:
            return ""
        return self.chance.choices([*kinds], weights=[*kinds.values()])[0]

    def stop(self) -> None:
        """Ends the gate and its connections."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class ByteGate(Gate):
    """A gate that knows nothing of what passes (TLS, IMAP)."""

    def __init__(self, target: int, seed: int, most: int = 6000) -> None:
        self._most = most
        self._proxy = _RandomProxy(target, self)
        super().__init__(target, seed)

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._proxy.client(reader, writer)

    def plan(self) -> tuple[str, dict[str, int]]:
        """Mode and faults of a new connection, in the proxy's words."""
        kind = self.pick(BYTE_FAULTS)
        faults = dict.fromkeys(self._proxy.faults, 0)
        if kind:
            self.counts[kind] += 1
        if kind == "reset":
            way = self.chance.choice(("cut_up", "cut_down"))
            faults[way] = int(self._most ** self.chance.uniform(0.5, 1.0))
        elif kind == "slow drip":
            faults["rate"] = self.chance.randrange(1500, 6000)
        return {"refuse": "refuse", "stall": "freeze"}.get(kind, "pass"), faults


class _RandomProxy(Proxy):
    def __init__(self, target: int, gate: ByteGate) -> None:
        super().__init__(target)
        self._gate = gate

    def plan(self) -> tuple[str, dict[str, int]]:
        mode, faults = self._gate.plan()
        if mode == "freeze":
            loop = asyncio.get_running_loop()
            loop.call_later(self._gate.chance.uniform(0.0, 0.4), faults.update, {"stall": 1})
            loop.call_later(FREEZE_SECONDS, faults.update, {"stall": 0, "cut_up": 1, "cut_down": 1})
            mode = "pass"
        return mode, faults


@dataclass(slots=True)
class _Talk:
    """One SMTP connection through the gate."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    reset_after: int  # answers; 0: never
    rate: int
    plain_data: bool  # hides CHUNKING, so that the client uses DATA
    fault: str = ""  # of the mail that is being sent
    stall_at: str = ""
    phase: str = "signing in"
    answers: int = 0
    message_id: str = ""
    cut_after_answer: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def due(self, fault: str, point: str) -> bool:
        """Whether this fault, or a stall at this point, strikes at the mail that is being sent."""
        return self.fault == fault or (self.fault == "stall" and self.stall_at == point)


class SmtpGate(Gate):
    """A gate that follows the dialogue. ``accepted`` counts the server's yes by Message-ID, whoever heard it.

    ``linger`` holds back some answers to the end of a mail for up to so many seconds, ``hold`` every one for so many;
    ``watchers`` are called from the gate's thread with the phase a connection enters; ``forbidden`` is text that may never
    pass.
    """

    def __init__(self, target: int, seed: int, forbidden: bytes = b"\0never") -> None:
        self.accepted: Counter[str] = Counter()
        self.linger = 0.0
        self.hold = 0.0
        self.watchers: list[Callable[[str], None]] = []
        self.seen_forbidden = 0
        self._forbidden = forbidden
        self._talks: set[int] = set()
        self._phases: dict[int, str] = {}
        super().__init__(target, seed)

    def phase(self) -> str:
        """How far the furthest open connection is ("" without one)."""
        order = ("ending", "body", "request", "signing in", "answered")
        phases = set(self._phases.values())
        return next((phase for phase in order if phase in phases), "")

    def _enter(self, talk: _Talk, phase: str) -> None:
        talk.phase = phase
        self._phases[id(talk)] = phase
        for watcher in list(self.watchers):
            watcher(phase)

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self.pick(CONNECTION_FAULTS, 0.4)
        if fault == "refuse":
            self.counts[fault] += 1
            _reset(writer)
            return
        far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        chance = self.chance
        talk = _Talk(
            near=writer,
            far=far_writer,
            reset_after=chance.randrange(1, 6) if fault == "reset" else 0,
            rate=chance.randrange(1500, 6000) if fault == "slow drip" else 0,
            plain_data=chance.random() < 0.3,
        )
        if fault == "slow drip":
            self.counts[fault] += 1
        self._enter(talk, "signing in")
        up = asyncio.ensure_future(self._up(talk, reader))
        down = asyncio.ensure_future(self._down(talk, far_reader))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            if talk.phase == "ending" and not down.done():  # the client is gone; what does the server say?
                with suppress(TimeoutError):
                    await asyncio.wait_for(talk.answered.wait(), 3)
        finally:
            self._phases.pop(id(talk), None)
            _reset(writer)
            far_writer.close()
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _strike(self, talk: _Talk) -> None:
        self.counts[talk.fault] += 1
        if talk.fault == "stall":
            await asyncio.sleep(FREEZE_SECONDS)
        raise _Cut

    async def _send(self, writer: asyncio.StreamWriter, data: bytes, rate: int = 0) -> None:
        size = 256 if rate else len(data) or 1
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()
            if rate:
                await asyncio.sleep(size / rate)

    async def _up(self, talk: _Talk, reader: asyncio.StreamReader) -> None:
        with suppress(_Cut, ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                word = line[:4].upper()
                if word == b"MAIL":
                    talk.fault = self.pick(MAIL_FAULTS, 0.4)
                    talk.stall_at = self.chance.choice(("request", "body", "ending", "ending"))
                    self._enter(talk, "request")
                    if talk.due("before the request", "request"):
                        await self._strike(talk)
                if word == b"BDAT":
                    await self._chunk(talk, reader, line)
                    continue
                await self._send(talk.far, line, talk.rate)
                if word == b"DATA":
                    await self._data(talk, reader)

    async def _chunk(self, talk: _Talk, reader: asyncio.StreamReader, line: bytes) -> None:
        size = int(line.split()[1])
        last = b"LAST" in line.upper()
        if last:
            body = await reader.readexactly(size)
            await self._end(talk, line + body)
            return
        self._enter(talk, "body")
        await self._body(talk, line, await reader.readexactly(size))

    async def _data(self, talk: _Talk, reader: asyncio.StreamReader) -> None:
        self._enter(talk, "body")
        body = b""
        while not body.endswith(_END):
            piece = await reader.read(65536)
            if not piece:
                raise _Cut
            body += piece
        await self._body(talk, b"", body[:-3])
        await self._end(talk, body[-3:])

    async def _body(self, talk: _Talk, before: bytes, body: bytes) -> None:
        found = _MESSAGE_ID.search(body[:4000])
        talk.message_id = found[1].decode() if found else ""
        self.seen_forbidden += self._forbidden in body
        if talk.due("mid-body", "body"):
            part = body[: int(len(body) * self.chance.random())]
            await self._send(talk.far, before + part)
            await self._strike(talk)
        await self._send(talk.far, before + body, talk.rate)

    async def _end(self, talk: _Talk, data: bytes) -> None:
        if talk.fault == "end lost":
            await self._strike(talk)
        talk.cut_after_answer = talk.due("answer lost", "ending")
        talk.answered.clear()
        self._enter(talk, "ending")
        await self._send(talk.far, data)
        if talk.fault == "cut at the end":
            await self._strike(talk)

    async def _down(self, talk: _Talk, far: asyncio.StreamReader) -> None:
        with suppress(_Cut, ConnectionError, asyncio.CancelledError):
            while data := await far.read(65536):
                if talk.phase == "ending":
                    await self._answer(talk, data)
                elif talk.reset_after and talk.answers >= talk.reset_after:
                    self.counts["reset"] += 1
                    raise _Cut
                if talk.plain_data:
                    data = data.replace(b"CHUNKING", b"XHUNKING")
                talk.answers += 1
                await self._send(talk.near, data, talk.rate)

    async def _answer(self, talk: _Talk, data: bytes) -> None:
        """The server's answer to the end of a mail."""
        if data.startswith(b"2"):
            self.accepted[talk.message_id] += 1
        talk.answered.set()
        if talk.cut_after_answer:
            await self._strike(talk)
        if self.hold:
            await asyncio.sleep(self.hold)
        elif self.linger and self.chance.random() < 0.5:
            await asyncio.sleep(self.chance.uniform(0, self.linger))
        self._enter(talk, "answered")


def _reset(writer: asyncio.StreamWriter) -> None:
    Proxy(0).drop(writer)
