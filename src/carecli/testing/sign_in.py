"""Checks of the card and the sign-in: what a connector says of itself, credentials, and where secrets may appear."""

from __future__ import annotations

import base64
import importlib
import logging
import os
import subprocess
import sys
import threading
import traceback
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress

import pytest

from carecli.connectors.spi.errors import AuthNeeded, Unsupported
from carecli.connectors.spi.manifest import Manifest
from carecli.connectors.spi.protocols import KnowledgeSource, LiveSource, Source, TicketSource
from carecli.connectors.spi.records import NoteRequest, PushResult, ReplyRequest
from carecli.domain.errors import CareError
from carecli.sync.requests import Request
from carecli.testing.bench import Bench, lookup_nothing, within
from carecli.testing.desk import Fault, HookMissingError, Side

_NETWORK = "httpx imapclient imaplib smtplib requests urllib3 aiohttp websockets http.client"


class SignInChecks:
    """The card and the sign-in."""

    def test_the_card_is_complete(self, bench: Bench) -> None:
        """The manifest names the class, the streams, options with a line of help each, and what it was tested against."""
        manifest = bench.desk.manifest
        assert isinstance(manifest, Manifest)
        assert manifest.kind
        assert manifest.kind == manifest.kind.lower()
        assert manifest.title
        assert manifest.summary
        assert manifest.tested_against, "say what the connector was tested against, if only the documentation"
        assert manifest.streams
        assert len(set(manifest.streams)) == len(manifest.streams)
        declared = [(each.name, each.doc) for each in manifest.options]
        declared += [(each.name, each.doc) for each in manifest.secrets]
        names = [name for name, _ in declared]
        assert len(set(names)) == len(names)
        assert all(doc and "\n" not in doc for _, doc in declared)
        for option in manifest.options:
            assert option.type != "choice" or option.choices, f"option {option.name} has no choices"
        module, _, name = manifest.connector.partition(":")
        assert getattr(importlib.import_module(module), name).manifest is manifest

    def test_the_card_imports_no_network_code(self, bench: Bench) -> None:
        """Reading the manifest loads no network library: every front end does it at its start."""
        where = getattr(bench.desk, "manifest_at", "")
        if not where:
            raise HookMissingError("set manifest_at = 'module:NAME' on the desk, as in your package's entry point")
        module, _, name = where.partition(":")
        assert getattr(importlib.import_module(module), name) is bench.desk.manifest
        script = f"import sys, {module}; print(*sorted(set({_NETWORK.split()!r}) & set(sys.modules)))"
        done = subprocess.run(  # noqa: S603  (our own interpreter and text)
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env=_environment(),
        )
        assert done.stdout.split() == []

    def test_the_protocols_fit_the_capabilities(self, bench: Bench) -> None:
        """What the capabilities claim has the methods for it, and what has methods is claimed."""
        source = bench.source()
        can = bench.can
        assert isinstance(source, Source)
        writes = can.reply or can.create or can.note != "none" or bench.claims("status_write")
        assert isinstance(source, TicketSource) or not writes, "it claims writes; implement TicketSource"
        assert isinstance(source, LiveSource) == can.live_events
        assert isinstance(source, KnowledgeSource) or not can.knowledge
        assert can.verification == "none" or writes

    def test_good_credentials_sign_in(self, bench: Bench) -> None:
        """``check`` tells who is signed in."""
        health = bench.source().check()
        assert health.identity.strip()
        assert all(note.strip() for note in health.notes)

    def test_bad_credentials_are_told(self, bench: Bench) -> None:
        """Wrong credentials end ``check``, a pull and a send with ``AuthNeeded`` and a way to mend it."""
        _needs_credentials(bench)
        source = bench.source(good=False)
        with pytest.raises(AuthNeeded) as caught:
            source.check()
        assert caught.value.message
        assert caught.value.help, "say in help how to sign in again"
        with pytest.raises(AuthNeeded):
            bench.local.pull(bench.source(good=False))
        writer = bench.source(good=False)
        if isinstance(writer, TicketSource) and bench.can.create:
            request = bench.request("create", None, "This must not leave.")
            assert isinstance(request, ReplyRequest)
            with pytest.raises(AuthNeeded):
                writer.send_reply(request)
            assert bench.count_public("This must not leave.") == 0

    @pytest.mark.parametrize("on", ["pull", "push"])
    def test_a_sign_in_that_ends_is_told(self, bench: Bench, on: Side) -> None:
        """Credentials that are revoked in the middle are ``AuthNeeded``; what was stored and queued stays."""
        ticket = bench.conversation() if on == "push" else None
        if on == "push":
            bench.needs("reply")
        bench.script(Fault.AUTH, on)
        if ticket is None:
            with pytest.raises(AuthNeeded):
                bench.local.pull(bench.source())
            return
        operation = bench.reply(ticket, "Kept until the sign-in works again.")
        assert isinstance(bench.local.push(bench.writer()).error, AuthNeeded)
        assert bench.local.operation(operation).state == "ready"
        assert bench.count_public("Kept until the sign-in works again.") == 0
        bench.desk.heal()
        bench.now += 600_000
        assert bench.settle(operation).state == "done"

    def test_secrets_appear_nowhere(
        self, bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No secret, plain or encoded, in any log of any level, on the screen, in an error or in a ``repr``."""
        _needs_credentials(bench)
        caplog.set_level(logging.DEBUG)
        said: list[str] = []
        for good in (True, False):
            source = bench.source(good=good)
            said.append(repr(source))
            try:
                source.check()
                bench.local.pull(source)
                if isinstance(source, TicketSource) and bench.can.create:
                    request = bench.request("create", None, "Nothing secret in here.")
                    assert isinstance(request, ReplyRequest)
                    source.send_reply(request)
            except CareError as error:
                said += [error.message, error.help, *traceback.format_exception(error)]
        out, err = capfd.readouterr()
        said += [out, err, caplog.text, *(str(record.args) for record in caplog.records)]
        for secret in bench.desk.secret_values:
            for form in _forms(secret):
                assert not any(form in text for text in said), "a secret was logged, printed or put into an error"

    def test_an_unknown_stream_is_unsupported(self, bench: Bench) -> None:
        """A stream that the manifest does not name raises ``Unsupported``."""
        with pytest.raises(Unsupported):
            list(bench.source().pull("no such stream", None, lookup_nothing(), threading.Event()))

    def test_it_closes_at_any_time(self, bench: Bench) -> None:
        """``close`` works on a connector that was never used, and after an error, and at once."""
        within(5, bench.desk.connector().close)
        source = bench.desk.connector(good=not bench.desk.manifest.secrets)
        with suppress(CareError):
            source.check()
        within(5, source.close)

    def test_writes_that_are_not_claimed_are_refused(self, bench: Bench) -> None:
        """Replies, first messages and notes that the capabilities do not claim raise ``Unsupported``; nothing leaves."""
        writer = bench.writer()
        missing = [kind for kind in ("reply", "create", "note") if not bench.claims(kind)]
        if not missing:
            pytest.skip("replies, first messages and notes are all claimed")
        ticket = bench.conversation()
        for kind in missing:
            request = bench.request(kind, ticket, f"An unclaimed {kind}.")
            with pytest.raises(Unsupported):
                _send(writer, request)
            assert bench.count_public(f"An unclaimed {kind}.") == 0


def _send(writer: TicketSource, request: Request) -> PushResult:
    if isinstance(request, NoteRequest):
        return writer.add_note(request)
    assert isinstance(request, ReplyRequest)
    return writer.send_reply(request)


def _needs_credentials(bench: Bench) -> None:
    if not bench.desk.manifest.secrets:
        pytest.skip("the manifest declares no secrets")
    if not bench.desk.secret_values:
        raise HookMissingError("set secret_values on the desk: every secret it uses, good and bad")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def _forms(secret: str) -> Iterator[str]:
    """A secret as it may be written: plain, quoted for a URL, and inside base64 at any of the three alignments."""
    yield secret
    yield urllib.parse.quote(secret, safe="")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        inner = encoded[(before * 8 + 5) // 6 : -1]  # the characters that no neighbour can change
        if len(inner) >= 8:
            yield inner
