"""The first schema: accounts, people, tickets, messages, operations, drafts, events, full text and counters."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, connector TEXT NOT NULL, base_url TEXT,
    state TEXT NOT NULL DEFAULT 'never', error TEXT, last_sync_at INTEGER, next_number INTEGER NOT NULL DEFAULT 1,
    blocked_until INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, removed_at INTEGER);
CREATE TABLE agent (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account(id), external_id TEXT NOT NULL,
    name TEXT NOT NULL, email TEXT, is_me INTEGER NOT NULL DEFAULT 0, UNIQUE (account_id, external_id));
CREATE TABLE organisation (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account(id), external_id TEXT NOT NULL,
    name TEXT NOT NULL, domains TEXT NOT NULL DEFAULT '[]', tier TEXT, UNIQUE (account_id, external_id));
CREATE TABLE customer (
    id INTEGER PRIMARY KEY, name TEXT, organisation_id INTEGER REFERENCES organisation(id), language TEXT,
    timezone TEXT, tier TEXT, vip INTEGER NOT NULL DEFAULT 0, notes TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '[]', custom TEXT NOT NULL DEFAULT '{}', last_contact_at INTEGER,
    created_at INTEGER NOT NULL, merged_into_id INTEGER REFERENCES customer(id));
CREATE TABLE identity (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),
    account_id INTEGER NOT NULL REFERENCES account(id), kind TEXT NOT NULL, value TEXT NOT NULL, raw TEXT NOT NULL,
    verified INTEGER NOT NULL DEFAULT 0, shared INTEGER NOT NULL DEFAULT 0, UNIQUE (account_id, kind, value));
CREATE INDEX ix_identity_customer ON identity (customer_id);
CREATE INDEX ix_identity_value ON identity (value);
CREATE TABLE ticket (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account(id), external_id TEXT NOT NULL,
    number TEXT NOT NULL, subject TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL,
    status_category TEXT NOT NULL, status_label TEXT, status_raw TEXT, hold_reason TEXT NOT NULL DEFAULT 'none',
    resolution TEXT NOT NULL DEFAULT 'none', priority TEXT NOT NULL, priority_raw TEXT, channel TEXT NOT NULL,
    requester_id INTEGER REFERENCES customer(id), organisation_id INTEGER REFERENCES organisation(id),
    assignee_id INTEGER REFERENCES agent(id), team TEXT, tags TEXT NOT NULL DEFAULT '[]',
    custom TEXT NOT NULL DEFAULT '{}', created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, solved_at INTEGER,
    closed_at INTEGER, waiting_since INTEGER, first_response_at INTEGER, last_customer_at INTEGER,
    last_agent_at INTEGER, snoozed_until INTEGER, due_at INTEGER, unread INTEGER NOT NULL DEFAULT 0,
    message_count INTEGER NOT NULL DEFAULT 0, customer_message_count INTEGER NOT NULL DEFAULT 0,
    agent_reply_count INTEGER NOT NULL DEFAULT 0, reopen_count INTEGER NOT NULL DEFAULT 0, language TEXT, url TEXT,
    escalation_level INTEGER NOT NULL DEFAULT 0, merged_into_id INTEGER REFERENCES ticket(id), remote_version TEXT,
    local_status INTEGER NOT NULL DEFAULT 0, synced_at INTEGER, sync_state TEXT NOT NULL DEFAULT 'clean',
    hidden INTEGER NOT NULL DEFAULT 0,
    wait_key INTEGER GENERATED ALWAYS AS (
        CASE WHEN waiting_since IS NULL THEN 9000000000000000 - updated_at ELSE waiting_since END) VIRTUAL,
    UNIQUE (account_id, external_id), UNIQUE (account_id, number));
CREATE INDEX ix_ticket_updated ON ticket (hidden, updated_at, id);
CREATE INDEX ix_ticket_wait ON ticket (hidden, wait_key, id);
CREATE INDEX ix_ticket_status_updated ON ticket (hidden, status, updated_at, id);
CREATE INDEX ix_ticket_category_wait ON ticket (hidden, status_category, wait_key, id);
CREATE INDEX ix_ticket_assignee_wait ON ticket (hidden, assignee_id, status_category, wait_key, id);
CREATE INDEX ix_ticket_unread_wait ON ticket (wait_key, id) WHERE unread = 1 AND hidden = 0;
CREATE INDEX ix_ticket_due ON ticket (due_at, id) WHERE due_at IS NOT NULL AND hidden = 0 AND status_category <> 'done';
CREATE INDEX ix_ticket_snoozed ON ticket (updated_at, id) WHERE snoozed_until IS NOT NULL AND hidden = 0;
CREATE INDEX ix_ticket_requester ON ticket (requester_id, updated_at);
CREATE INDEX ix_ticket_merged ON ticket (merged_into_id) WHERE merged_into_id IS NOT NULL;
CREATE TABLE ticket_tag (
    tag TEXT NOT NULL, ticket_id INTEGER NOT NULL REFERENCES ticket(id) ON DELETE CASCADE,
    PRIMARY KEY (tag, ticket_id)) WITHOUT ROWID;
CREATE INDEX ix_ticket_tag_ticket ON ticket_tag (ticket_id);
CREATE TABLE message (
    id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES ticket(id),
    account_id INTEGER NOT NULL REFERENCES account(id), external_id TEXT NOT NULL, kind TEXT NOT NULL,
    direction TEXT NOT NULL, visibility TEXT NOT NULL CHECK (visibility IN ('public', 'internal')),
    channel TEXT NOT NULL, author_kind TEXT NOT NULL, author_name TEXT, author_email TEXT,
    author_customer_id INTEGER REFERENCES customer(id), recipients TEXT NOT NULL DEFAULT '{}', subject TEXT,
    sent_at INTEGER NOT NULL, body_text TEXT NOT NULL, quoted_from INTEGER, signature_from INTEGER, message_id TEXT,
    in_reply_to TEXT, refs TEXT, delivery TEXT NOT NULL, failure TEXT, automatic INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0, language TEXT, operation_id TEXT,
    CHECK (kind <> 'note' OR visibility = 'internal'),
    UNIQUE (account_id, external_id));
CREATE INDEX ix_message_ticket ON message (ticket_id, id);
CREATE INDEX ix_message_message_id ON message (account_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX ix_message_operation ON message (operation_id) WHERE operation_id IS NOT NULL;
CREATE INDEX ix_message_customer ON message (author_customer_id) WHERE author_customer_id IS NOT NULL;
CREATE TABLE message_location (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account(id),
    message_id INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE, folder TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL, uid INTEGER NOT NULL, flags TEXT NOT NULL DEFAULT '',
    UNIQUE (account_id, folder, uidvalidity, uid));
CREATE INDEX ix_message_location_message ON message_location (message_id);
CREATE TABLE thread_key (
    account_id INTEGER NOT NULL REFERENCES account(id), key TEXT NOT NULL,
    ticket_id INTEGER NOT NULL REFERENCES ticket(id), owned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, key)) WITHOUT ROWID;
CREATE INDEX ix_thread_key_ticket ON thread_key (ticket_id);
CREATE TABLE attachment (
    id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,
    external_id TEXT NOT NULL, filename TEXT NOT NULL, mime TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT,
    content_id TEXT, local_path TEXT, fetch TEXT NOT NULL DEFAULT 'none', UNIQUE (message_id, external_id));
CREATE TABLE sync_cursor (
    account_id INTEGER NOT NULL REFERENCES account(id), stream TEXT NOT NULL, value TEXT NOT NULL,
    updated_at INTEGER NOT NULL, PRIMARY KEY (account_id, stream)) WITHOUT ROWID;
CREATE TABLE raw_record (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account(id), kind TEXT NOT NULL,
    external_id TEXT NOT NULL, encoding TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (account_id, kind, external_id));
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account(id), kind TEXT NOT NULL,
    external_id TEXT NOT NULL, reason TEXT NOT NULL, raw BLOB, at INTEGER NOT NULL,
    UNIQUE (account_id, kind, external_id));
CREATE TABLE operation (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account_id INTEGER NOT NULL REFERENCES account(id),
    verb TEXT NOT NULL, ticket_id INTEGER REFERENCES ticket(id), payload TEXT NOT NULL, base_message_id INTEGER,
    base_version TEXT, not_before INTEGER NOT NULL DEFAULT 0, depends_on TEXT, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT, error_code TEXT, external_id TEXT, inverse TEXT,
    actor TEXT NOT NULL, origin TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE INDEX ix_operation_open ON operation (account_id, seq) WHERE state NOT IN ('done', 'cancelled');
CREATE INDEX ix_operation_ticket ON operation (ticket_id, seq);
CREATE TABLE draft (
    id TEXT PRIMARY KEY, ticket_id INTEGER, ticket_ref TEXT, account TEXT, agent TEXT NOT NULL, mode TEXT NOT NULL,
    recipients TEXT NOT NULL DEFAULT '{}', subject TEXT, body TEXT NOT NULL, attachments TEXT NOT NULL DEFAULT '[]',
    actions TEXT NOT NULL DEFAULT '[]', base_message_id INTEGER, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, discarded_at INTEGER);
CREATE UNIQUE INDEX ux_draft_open ON draft (ticket_id, agent, mode) WHERE discarded_at IS NULL AND ticket_id IS NOT NULL;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, account_id INTEGER, ticket_id INTEGER,
    customer_id INTEGER, actor TEXT NOT NULL, origin TEXT NOT NULL, verb TEXT NOT NULL, field TEXT, old TEXT,
    new TEXT, operation_id TEXT);
CREATE INDEX ix_event_ticket ON event (ticket_id, seq) WHERE ticket_id IS NOT NULL;
CREATE INDEX ix_event_at ON event (at);
CREATE TABLE lease (
    account_id INTEGER PRIMARY KEY REFERENCES account(id), holder TEXT NOT NULL, heartbeat_at INTEGER NOT NULL);
CREATE TABLE article (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account(id), external_id TEXT NOT NULL,
    source TEXT NOT NULL, title TEXT NOT NULL, body_text TEXT NOT NULL, url TEXT, language TEXT,
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'internal')), verified INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL, hidden INTEGER NOT NULL DEFAULT 0, UNIQUE (account_id, external_id));
CREATE TABLE counter (
    account_id INTEGER NOT NULL, assignee_id INTEGER NOT NULL, status TEXT NOT NULL, unread INTEGER NOT NULL,
    number INTEGER NOT NULL, PRIMARY KEY (account_id, assignee_id, status, unread)) WITHOUT ROWID;
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

FULL_TEXT = """
CREATE VIRTUAL TABLE fts_message USING fts5 (
    body_text, subject, content='message', content_rowid='id', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE fts_ticket USING fts5 (
    subject, number, content='ticket', content_rowid='id', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE fts_article USING fts5 (
    title, body_text, content='article', content_rowid='id', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE fts_customer USING fts5 (text, tokenize="trigram");
"""

TRIGGERS = (
    """CREATE TRIGGER message_fts_insert AFTER INSERT ON message BEGIN
    INSERT INTO fts_message (rowid, body_text, subject) VALUES (new.id, new.body_text, new.subject); END""",
    """CREATE TRIGGER message_fts_delete AFTER DELETE ON message BEGIN
    INSERT INTO fts_message (fts_message, rowid, body_text, subject)
    VALUES ('delete', old.id, old.body_text, old.subject); END""",
    """CREATE TRIGGER message_fts_update AFTER UPDATE OF body_text, subject ON message BEGIN
    INSERT INTO fts_message (fts_message, rowid, body_text, subject)
    VALUES ('delete', old.id, old.body_text, old.subject);
    INSERT INTO fts_message (rowid, body_text, subject) VALUES (new.id, new.body_text, new.subject); END""",
    """CREATE TRIGGER ticket_fts_insert AFTER INSERT ON ticket BEGIN
    INSERT INTO fts_ticket (rowid, subject, number) VALUES (new.id, new.subject, new.number); END""",
    """CREATE TRIGGER ticket_fts_delete AFTER DELETE ON ticket BEGIN
    INSERT INTO fts_ticket (fts_ticket, rowid, subject, number)
    VALUES ('delete', old.id, old.subject, old.number); END""",
    """CREATE TRIGGER ticket_fts_update AFTER UPDATE OF subject, number ON ticket
    WHEN old.subject IS NOT new.subject OR old.number IS NOT new.number BEGIN
    INSERT INTO fts_ticket (fts_ticket, rowid, subject, number)
    VALUES ('delete', old.id, old.subject, old.number);
    INSERT INTO fts_ticket (rowid, subject, number) VALUES (new.id, new.subject, new.number); END""",
    """CREATE TRIGGER article_fts_insert AFTER INSERT ON article BEGIN
    INSERT INTO fts_article (rowid, title, body_text) VALUES (new.id, new.title, new.body_text); END""",
    """CREATE TRIGGER article_fts_delete AFTER DELETE ON article BEGIN
    INSERT INTO fts_article (fts_article, rowid, title, body_text)
    VALUES ('delete', old.id, old.title, old.body_text); END""",
    """CREATE TRIGGER article_fts_update AFTER UPDATE OF title, body_text ON article BEGIN
    INSERT INTO fts_article (fts_article, rowid, title, body_text)
    VALUES ('delete', old.id, old.title, old.body_text);
    INSERT INTO fts_article (rowid, title, body_text) VALUES (new.id, new.title, new.body_text); END""",
    """CREATE TRIGGER ticket_count_insert AFTER INSERT ON ticket WHEN new.hidden = 0 BEGIN
    INSERT INTO counter VALUES (new.account_id, ifnull(new.assignee_id, 0), new.status, new.unread, 1)
    ON CONFLICT DO UPDATE SET number = number + 1; END""",
    """CREATE TRIGGER ticket_count_delete AFTER DELETE ON ticket WHEN old.hidden = 0 BEGIN
    UPDATE counter SET number = number - 1 WHERE account_id = old.account_id
    AND assignee_id = ifnull(old.assignee_id, 0) AND status = old.status AND unread = old.unread; END""",
    """CREATE TRIGGER ticket_count_update AFTER UPDATE OF account_id, assignee_id, status, unread, hidden ON ticket
    WHEN old.status IS NOT new.status OR old.assignee_id IS NOT new.assignee_id OR old.unread IS NOT new.unread
    OR old.hidden IS NOT new.hidden BEGIN
    UPDATE counter SET number = number - (old.hidden = 0) WHERE account_id = old.account_id
    AND assignee_id = ifnull(old.assignee_id, 0) AND status = old.status AND unread = old.unread;
    INSERT INTO counter
    VALUES (new.account_id, ifnull(new.assignee_id, 0), new.status, new.unread, new.hidden = 0)
    ON CONFLICT DO UPDATE SET number = number + (new.hidden = 0); END""",
    """CREATE TRIGGER event_append_only_update BEFORE UPDATE ON event BEGIN
    SELECT raise(ABORT, 'the event log is append-only'); END""",
)


def upgrade() -> None:
    """Creates everything."""
    for script in (TABLES, FULL_TEXT):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement)
    for trigger in TRIGGERS:
        op.execute(trigger)
    # 16 MB instead of 1 MB of pending terms halves the cost of indexing in large batches; it is kept in the file.
    op.execute("INSERT INTO fts_message (fts_message, rank) VALUES ('hashsize', 16777216)")
