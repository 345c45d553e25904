"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mail_peer import MailPeer, PeerUnavailableError


@pytest.fixture(scope="session")
def mail_peer() -> Iterator[MailPeer]:
    """A real Dovecot and Postfix, one for each test process; skips with the reason where that cannot be."""
    try:
        peer = MailPeer()
    except PeerUnavailableError as reason:
        pytest.skip(f"no mail server: {reason}")
    yield peer
    peer.stop()
