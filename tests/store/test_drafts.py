"""Drafts: one open for each ticket, agent and mode; nothing that was written is lost."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from carecli.connectors.spi.records import TicketsJoined, Tombstone
from carecli.domain.conversation import Address, Draft, DraftMode
from carecli.store import drafts
from carecli.store.driver import Error
from carecli.store.engine import Store
from workbench import T0, account, ingest, key_of, ticket


def draft(store: Store, draft_id: str = "D1", **more: object) -> Draft:
    made = Draft(
        id=draft_id,
        ticket_id=key_of(store),
        ticket_ref="desk:1",
        account="desk",
        agent="Sam",
        mode=DraftMode.REPLY,
        to=(Address("jo@example.com", "Jo"),),
        cc=(),
        bcc=(Address("b@example.com"),),
        subject="Re: S",
        body="Dear Jo",
        attachments=("/a b.txt",),
        actions=(("status", "solved"),),
        base_message_id=5,
        created_at=T0,
        updated_at=T0,
        discarded_at=None,
    )
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _two_tickets(store: Store) -> None:
    ingest(store, account(store), ticket("t1"), ticket("t2"))


def test_a_draft_comes_back_as_it_was(store: Store) -> None:
    made = draft(store)
    drafts.save(store.connection, made)
    assert drafts.get(store.connection, "d1") == made
    assert drafts.find(store.connection, made.ticket_id, "Sam", DraftMode.REPLY) == made
    drafts.save(store.connection, replace(made, body="Dear Jo,", updated_at=T0 + 1))
    assert [one.body for one in drafts.every(store.connection)] == ["Dear Jo,"]


def test_one_open_draft_for_each_ticket_agent_and_mode(store: Store) -> None:
    drafts.save(store.connection, draft(store))
    with pytest.raises(Error) as caught:
        drafts.save(store.connection, draft(store, "D2"))
    assert isinstance(caught.value, sqlite3.IntegrityError)
    drafts.save(store.connection, draft(store, "D3", mode=DraftMode.NOTE))
    drafts.save(store.connection, draft(store, "D4", agent="Ada"))
    drafts.save(store.connection, draft(store, "D5", ticket_id=key_of(store, "2")))
    drafts.save(store.connection, draft(store, "D6", ticket_id=None, mode=DraftMode.NEW))
    drafts.save(store.connection, draft(store, "D7", ticket_id=None, mode=DraftMode.NEW))
    drafts.discard(store.connection, "D1", T0)
    drafts.save(store.connection, draft(store, "D2"))
    assert len(drafts.every(store.connection)) == 6


def test_a_discarded_draft_is_kept_for_seven_days(store: Store) -> None:
    drafts.save(store.connection, draft(store))
    assert drafts.discard(store.connection, "D1", T0)
    assert not drafts.discard(store.connection, "D1", T0 + drafts.KEPT_MS)
    assert [one.id for one in drafts.every(store.connection, discarded=True)] == ["D1"]
    assert drafts.every(store.connection) == []
    drafts.discard(store.connection, "D9", T0 + drafts.KEPT_MS + 1)
    assert drafts.every(store.connection, discarded=True) == []


def test_a_draft_outlives_the_end_of_its_ticket(store: Store) -> None:
    drafts.save(store.connection, draft(store))
    ingest(store, account(store), Tombstone(external_id="t1", reason="deleted"), cursor="c2")
    assert [one.body for one in drafts.every(store.connection)] == ["Dear Jo"]


def test_both_texts_stay_when_two_tickets_become_one(store: Store) -> None:
    drafts.save(store.connection, draft(store))
    drafts.save(store.connection, draft(store, "D2", ticket_id=key_of(store, "2"), body="Dear you"))
    ingest(store, account(store), TicketsJoined(survivor="t1", absorbed="t2"), cursor="c2")
    found = {one.id: (one.ticket_id, one.body) for one in drafts.every(store.connection)}
    assert found == {"D1": (key_of(store), "Dear Jo"), "D2": (None, "Dear you")}


def test_a_sent_draft_is_gone(store: Store) -> None:
    drafts.save(store.connection, draft(store))
    drafts.delete(store.connection, "D1")
    assert drafts.get(store.connection, "D1") is None
