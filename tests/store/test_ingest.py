"""Pages on their way into the store: whole or not at all, the same page twice is one page, nothing hostile stays."""

from __future__ import annotations

from typing import Any

import pytest

from carecli.connectors.spi.records import (
    AgentRecord,
    ArticleRecord,
    AttachmentRecord,
    FlagsChanged,
    OrganisationRecord,
    PersonRecord,
    PlaceRecord,
    PlacesGone,
    RawRecord,
    Record,
    SetAside,
    TicketsJoined,
    Tombstone,
)
from carecli.domain.conversation import Address, AuthorKind, Delivery, MessageKind, Visibility
from carecli.domain.customer import IdentityKind
from carecli.domain.operation import Operation, OperationState, Signal, Verb
from carecli.domain.ticket import TicketStatus
from carecli.store import accounts, messages, operations, raws, thread_json, windows
from carecli.store.engine import Store
from carecli.store.lookup import StoreLookup
from carecli.sync.apply import PageWriter
from workbench import JO, MINUTE, T0, account, answer, dump, ingest, intact, key_of, message, note, page, ticket

HOSTILE = "a\x1b[2J\x07\x00b\u202ec\u2066d\x9be"
CLEAN = "a[2Jbcde"
FULL: tuple[Record, ...] = (
    OrganisationRecord(external_id="o1", name="Larkfield"),
    AgentRecord(external_id="a1", name="Sam Rivera", email="sam@desk.example", is_me=True),
    PersonRecord(external_id="p9", name="Ann", phones=("+49 30 1",), handles=((IdentityKind.X, "ann"),), vip=True),
    ArticleRecord(
        external_id="k1",
        source="help",
        title="Kettles",
        body_text="Fill it.",
        visibility=Visibility.PUBLIC,
        updated_at=T0,
    ),
    ticket("t1", number="101", tags=("a", "b"), organisation="o1", assignee="a1"),
    ticket("t2", number=None, status=None),
    message(
        "m1",
        to=(Address("desk@desk.example"),),
        unread=True,
        attachments=(AttachmentRecord(external_id="x1", filename="a.pdf", mime="application/pdf", bytes=3),),
        thread_keys=(("<m1@x>", True),),
    ),
    answer("r1", at=T0 + 5),
    note("n1", at=T0 + 6),
    message("m2", "t2", at=T0 + 7, thread_keys=(("<m2@x>", True), ("<m1@x>", False))),
    PlaceRecord(message="m1", folder="INBOX", uidvalidity=1, uid=7, flags=("\\Recent",)),
    RawRecord(kind="ticket", external_id="t1", body=b'{"id": 1}'),
    SetAside(kind="ticket", external_id="broken", reason="no subject"),
)


def rows(store: Store, sql: str) -> list[Any]:
    return store.connection.execute(sql).fetchall()


def test_a_page_is_stored_with_its_cursor(store: Store) -> None:
    key = account(store)
    tally = ingest(store, key, *FULL).tally
    assert accounts.cursor(store.connection, key, "tickets") == "c1"
    assert (len(tally.tickets), tally.messages, len(tally.customers), tally.articles, tally.set_aside) == (
        2,
        4,
        2,
        1,
        1,
    )
    assert rows(store, "SELECT number, status, message_count, unread FROM ticket ORDER BY id") == [
        ("101", "open", 3, 1),
        ("1", "open", 1, 0),
    ]
    assert rows(store, "SELECT vip FROM customer WHERE name = 'Ann'") == [(1,)]
    assert raws.read(store.connection, key, "ticket", "t1") == b'{"id": 1}'
    assert raws.list_set_aside(store.connection)[0][:4] == ("desk", "ticket", "broken", "no subject")
    assert intact(store)


def test_the_same_page_twice_changes_nothing(store: Store) -> None:
    key = account(store)
    ingest(store, key, *FULL)
    before = dump(store)
    tally = ingest(store, key, *FULL, now=T0 + MINUTE).tally
    after = dump(store)
    # Only when the cursor and the broken record were last seen may differ.
    for state in (before, after):
        state["sync_cursor"] = [row[:3] for row in state["sync_cursor"]]
        state["set_aside"] = [row[:-1] for row in state["set_aside"]]
    assert after == before
    assert (tally.tickets, tally.messages, tally.customers, tally.articles) == (set(), 0, set(), 0)


def test_pages_in_parts_build_the_same_store(store: Store, tmp_path: Any) -> None:
    other = Store(str(tmp_path / "other.db"))
    key, other_key = account(store), account(other)
    ingest(store, key, *FULL)
    for place, record in enumerate(FULL):
        ingest(other, other_key, record, cursor=f"c{place}")
    without = ("sync_cursor",)
    whole, parts = dump(store, without=without), dump(other, without=without)
    for state in (whole, parts):  # a status that was passed through leaves a counter of nought
        state["counter"] = [row for row in state["counter"] if row[-1]]
    assert parts == whole
    other.close()


@pytest.mark.parametrize("broken", ["save_cursor", "raws", "followed"])
def test_a_page_that_dies_leaves_neither_records_nor_cursor(
    store: Store, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    key = account(store)
    before = dump(store)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    names = {
        "save_cursor": "carecli.store.accounts.save_cursor",
        "raws": "carecli.store.raws.save",
        "followed": "carecli.sync.apply.columns_of",
    }
    writer = PageWriter(store.connection, key)
    with monkeypatch.context() as patched:
        patched.setattr(names[broken], die)
        with pytest.raises(KeyboardInterrupt):
            writer.write(page(*FULL), "tickets", T0)
    assert dump(store) == before
    assert (writer.tally.messages, writer.tally.tickets) == (0, set())
    writer.write(page(*FULL), "tickets", T0)
    assert writer.tally.messages == 4
    assert intact(store)


def test_a_message_of_an_unknown_ticket_is_set_aside(store: Store) -> None:
    key = account(store)
    tally = ingest(store, key, ticket(), message("m1"), message("lost", "t404")).tally
    assert (tally.messages, tally.set_aside) == (1, 1)
    assert raws.list_set_aside(store.connection)[0][1:4] == ("message", "lost", "its ticket t404 is not known")


def test_one_broken_record_does_not_stop_the_page(store: Store) -> None:
    key = account(store)
    broken = ticket("t3", number="1")  # the number of another ticket
    odd = ticket("t4", subject=None)
    tally = ingest(store, key, ticket("t1"), broken, odd, ticket("t2"), message("m1")).tally
    assert (len(tally.tickets), tally.messages, tally.set_aside) == (2, 1, 2)
    reasons = {row[2]: row[3] for row in raws.list_set_aside(store.connection)}
    assert "UNIQUE" in reasons["t3"]
    assert set(reasons) == {"t3", "t4"}


def test_hostile_characters_stop_at_the_boundary(store: Store) -> None:
    key = account(store)
    bad = PersonRecord(
        name=HOSTILE, emails=(f"{HOSTILE}@x.example",), tags=(HOSTILE,), notes=HOSTILE, custom={"x": HOSTILE}
    )
    records: tuple[Record, ...] = (
        OrganisationRecord(external_id="o1", name=HOSTILE),
        AgentRecord(external_id="a1", name=HOSTILE),
        ArticleRecord(
            external_id="k1",
            source=HOSTILE,
            title=HOSTILE,
            body_text=HOSTILE,
            visibility=Visibility.PUBLIC,
            updated_at=T0,
        ),
        ticket(
            subject=HOSTILE,
            custom={HOSTILE: [HOSTILE, {"x": HOSTILE}, 5]},
            url=HOSTILE,
            tags=(HOSTILE,),
            team=HOSTILE,
            status_label=HOSTILE,
            requester=bad,
        ),
        message(
            author=bad,
            subject=HOSTILE,
            body_text=HOSTILE,
            failure=HOSTILE,
            to=(Address(f"{HOSTILE}@x.example", HOSTILE),),
            quoted_from=3,
            attachments=(AttachmentRecord(external_id="x", filename=HOSTILE, mime="text/plain", bytes=1),),
        ),
        SetAside(kind="ticket", external_id="b", reason=HOSTILE),
    )
    ingest(store, key, *records)
    assert rows(store, "SELECT subject, team, status_label, tags FROM ticket") == [
        (CLEAN, CLEAN, CLEAN, f'["{CLEAN}"]')
    ]
    assert rows(store, "SELECT body_text, subject, author_name, failure, quoted_from FROM message") == [
        (CLEAN, CLEAN, CLEAN, CLEAN, None)
    ]
    assert rows(store, "SELECT filename FROM attachment") == [(CLEAN,)]
    assert rows(store, "SELECT name FROM organisation") == rows(store, "SELECT name FROM agent") == [(CLEAN,)]
    assert rows(store, "SELECT title, body_text, source FROM article") == [(CLEAN, CLEAN, CLEAN)]
    assert rows(store, "SELECT custom FROM ticket") == [(f'{{"{CLEAN}": ["{CLEAN}", {{"x": "{CLEAN}"}}, 5]}}',)]
    kept = dump(store, without=("raw_record",))
    for name, table in kept.items():
        text = "".join(str(value) for row in table for value in row)
        assert not set("\x1b\x07\x00\x9b\u202e\u2066") & set(text), name
        assert "\\u00" not in text, name
    shown = thread_json.thread_json(store.connection, key_of(store), T0)
    assert "\\u001b" not in shown
    assert "\\u0000" not in shown


def test_offsets_into_a_clean_text_stay(store: Store) -> None:
    ingest(store, account(store), ticket(), message(body_text="Hi\n> old", quoted_from=3, signature_from=2))
    assert rows(store, "SELECT quoted_from, signature_from FROM message") == [(3, 2)]


def test_two_threads_become_one(store: Store) -> None:
    key = account(store)
    ingest(
        store,
        key,
        ticket("t1", status=None),
        ticket("t2", status=None),
        message("m1", "t1", at=T0),
        message("m2", "t2", at=T0 + 5, unread=True, thread_keys=(("<m2@x>", True),)),
    )
    one, two = key_of(store, "1"), key_of(store, "2")
    ingest(store, key, TicketsJoined(survivor="t1", absorbed="t2"), cursor="c2")
    assert rows(store, "SELECT DISTINCT ticket_id FROM message") == [(one,)]
    assert rows(store, f"SELECT message_count, unread, hidden FROM ticket WHERE id = {one}") == [(2, 1, 0)]
    assert rows(store, f"SELECT merged_into_id, hidden, resolution FROM ticket WHERE id = {two}") == [
        (one, 1, "merged")
    ]
    assert windows.find_ticket(store.connection, "desk", "2") == one
    assert StoreLookup(store.connection, key).threads_of(["<m2@x>"]) == {"<m2@x>": ("t1", True)}
    ingest(store, key, message("m3", "t2", at=T0 + 9), cursor="c3")
    assert rows(store, f"SELECT count(*) FROM message WHERE ticket_id = {one}") == [(3,)]
    before = dump(store, without=("sync_cursor",))
    ingest(store, key, TicketsJoined(survivor="t1", absorbed="t2"), cursor="c4")
    assert dump(store, without=("sync_cursor",)) == before
    assert intact(store)


def test_what_is_removed_leaves_the_lists_but_not_the_store(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket("t1"), ticket("t2"), message("m1"))
    ingest(store, key, Tombstone(external_id="t1", reason="deleted"), Tombstone(external_id="t404", reason="x"))
    assert rows(store, "SELECT sync_state, hidden, status_raw FROM ticket WHERE number = '1'") == [
        ("tombstone", 1, "deleted")
    ]
    assert windows.ticket_refs(store.connection, None, "updated", 0, T0) == ["desk:2"]
    assert rows(store, "SELECT count(*) FROM message") == [(1,)]
    assert "removed" in {row[0] for row in rows(store, "SELECT verb FROM event")}


def test_merged_away_leads_to_the_survivor(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket("t1"), ticket("t2"))
    ingest(store, key, Tombstone(external_id="t1", reason="merged", merged_into="t2"), cursor="c2")
    assert windows.find_ticket(store.connection, None, "1") == key_of(store, "2")


def test_a_local_change_survives_a_pull_until_it_is_done(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket(), message())
    operation = Operation(
        "OP1",
        "desk",
        Verb.STATUS,
        key_of(store),
        "desk:1",
        {"value": "solved", "base": "open"},
        OperationState.READY,
        0,
        0,
        T0,
    )
    with store.write() as connection:
        operations.add(connection, operation, key)
    ingest(store, key, ticket(subject="New words", updated_at=T0 + 5), cursor="c2")
    assert rows(store, "SELECT subject, status FROM ticket") == [("New words", "solved")]
    with store.write() as connection:
        operations.move(connection, "OP1", Signal.START, T0)
        operations.move(connection, "OP1", Signal.ACCEPTED, T0)
    ingest(store, key, ticket(subject="Newer words", updated_at=T0 + 6), cursor="c3")
    assert rows(store, "SELECT subject, status FROM ticket") == [("Newer words", "open")]


def test_remote_changes_become_events(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket(tags=("a",)))
    ingest(store, key, ticket(tags=("a", "b"), status=TicketStatus.PENDING), cursor="c2", now=T0 + 1)
    found = rows(store, "SELECT verb, field, old, new, origin FROM event ORDER BY seq")
    assert found == [
        ("created", None, None, None, "remote"),
        ("changed", "status", "open", "pending", "remote"),
        ("changed", "tags", "a", "a, b", "remote"),
    ]


def test_events_are_append_only(store: Store) -> None:
    ingest(store, account(store), ticket())
    with pytest.raises(Exception, match="append-only"):
        store.connection.execute("UPDATE event SET actor = 'nobody'")


def test_our_own_send_that_comes_back_is_the_same_message(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket(), message())
    operation = Operation("OP1", "desk", Verb.REPLY, key_of(store), "desk:1", {}, OperationState.UNKNOWN, 1, 0, T0)
    with store.write() as connection:
        operations.add(connection, operation, key)
        row = dict.fromkeys(messages.COLUMNS.replace(" ", "").split(","))
        row |= {"id": (T0 + 9) << 12, "ticket_id": key_of(store), "account_id": key, "external_id": "op:OP1"}
        row |= {"kind": "agent", "direction": "out", "visibility": "public", "channel": "email", "sent_at": T0 + 9}
        row |= {"author_kind": "agent", "recipients": "{}", "body_text": "Dear Jo", "delivery": "sending"}
        row |= {"automatic": 0, "unread": 0, "operation_id": "OP1"}
        messages.insert(connection, [tuple(row.values())])
    ingest(store, key, answer("r1", at=T0 + 9, mark="OP1", message_id="<r1@x>"), cursor="c2")
    assert rows(store, "SELECT external_id, delivery, message_id FROM message WHERE direction = 'out'") == [
        ("r1", "sent", "<r1@x>")
    ]
    assert operations.get(store.connection, "OP1").state is OperationState.DONE
    assert rows(store, "SELECT sync_state FROM ticket") == [("clean",)]


def test_a_bounce_marks_the_message_it_is_about(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket(status=None), message(), answer("r1", at=T0 + 5, message_id="<r1@x>"))
    report = message(
        "b1",
        at=T0 + 9,
        kind=MessageKind.SYSTEM,
        author_kind=AuthorKind.SYSTEM,
        automatic=True,
        bounce_of="<r1@x>",
        failure="no such\x07 user",
    )
    ingest(store, key, report, cursor="c2")
    assert rows(store, "SELECT delivery, failure FROM message WHERE external_id = 'r1'") == [("failed", "no such user")]
    assert rows(store, "SELECT status FROM ticket") == [("open",)]


def test_flags_and_places_follow_the_mailbox(store: Store) -> None:
    key = account(store)
    place = PlaceRecord(message="m1", folder="INBOX", uidvalidity=1, uid=7)
    ingest(store, key, ticket(), message(unread=True), place)
    assert rows(store, "SELECT unread FROM ticket") == [(1,)]
    seen = FlagsChanged(folder="INBOX", uidvalidity=1, uid=7, flags=("\\Seen", "\\Answered"))
    ingest(store, key, seen, FlagsChanged(folder="INBOX", uidvalidity=1, uid=8, flags=()), cursor="c2")
    assert rows(store, "SELECT unread FROM ticket") == [(0,)]
    lookup = StoreLookup(store.connection, key)
    assert lookup.places("INBOX", 1) == {7: ("\\Seen", "\\Answered")}
    ingest(store, key, PlacesGone(folder="INBOX", uidvalidity=1, uids=(7,)), cursor="c3")
    assert lookup.places("INBOX", 1) == {}
    ingest(store, key, place, cursor="c4")
    ingest(store, key, PlacesGone(folder="INBOX", uidvalidity=1), cursor="c5")
    assert lookup.places("INBOX", 1) == {}
    assert rows(store, "SELECT count(*) FROM message") == [(1,)]


def test_what_a_connector_may_ask(store: Store) -> None:
    key = account(store)
    ingest(
        store,
        key,
        ticket(),
        message(to=(Address("Desk@desk.example"),)),
        RawRecord(kind="m", external_id="1", body=b"x"),
    )
    lookup = StoreLookup(store.connection, key)
    assert lookup.participants("t1") == {"jo@example.com", "desk@desk.example"}
    assert (lookup.subject_of("t1"), lookup.subject_of("t2")) == ("Subject of t1", None)
    assert lookup.known_messages(["m1", "m2"]) == {"m1"}
    assert (lookup.raw("m", "1"), lookup.raw("m", "2")) == (b"x", None)
    assert lookup.threads_of([]) == {}


def test_a_message_is_brought_up_to_date(store: Store) -> None:
    key = account(store)
    ingest(store, key, ticket(), answer("r1", delivery=Delivery.SENT))
    tally = ingest(store, key, answer("r1", delivery=Delivery.DELIVERED, body_text="edited words"), cursor="c2").tally
    assert tally.messages == 1
    assert rows(store, "SELECT delivery, body_text FROM message") == [("delivered", "edited words")]
    assert rows(store, "SELECT count(*) FROM fts_message WHERE fts_message MATCH 'edited'") == [(1,)]
    assert intact(store)


def test_the_same_person_is_one_customer(store: Store) -> None:
    key = account(store)
    other = PersonRecord(external_id="p1", name="J. Doe", emails=("jo@example.COM",), phones=("+1",))
    ingest(
        store, key, ticket("t1", requester=JO), ticket("t2", requester=other), ticket("t3", requester=PersonRecord())
    )
    assert rows(store, "SELECT name FROM customer") == [("Jo Doe",)]
    assert rows(store, "SELECT kind, value FROM identity ORDER BY kind") == [
        ("email", "jo@example.com"),
        ("phone", "+1"),
        ("vendor_user", "p1"),
    ]
    assert rows(store, "SELECT count(*) FROM ticket WHERE requester_id IS NULL") == [(1,)]
