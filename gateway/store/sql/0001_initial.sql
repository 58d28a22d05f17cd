-- Live messages: small, because a final one moves to history.
CREATE TABLE message (
    message_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    service_type TEXT NOT NULL,
    source_ton INTEGER NOT NULL,
    source_npi INTEGER NOT NULL,
    source TEXT NOT NULL,
    destination_ton INTEGER NOT NULL,
    destination_npi INTEGER NOT NULL,
    destination TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    protocol_id INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    registered_delivery INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    user_data BLOB NOT NULL,
    tlvs BLOB NOT NULL,
    segments INTEGER NOT NULL,
    connector TEXT NOT NULL,
    alternatives TEXT NOT NULL,
    on_ambiguous INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    validity_period TEXT NOT NULL,
    retries INTEGER NOT NULL,
    progress INTEGER NOT NULL,
    doubts INTEGER NOT NULL DEFAULT 0
);
-- Only what waits is indexed: a message that goes straight up costs these two nothing.
CREATE INDEX message_queued ON message (connector, due_ms, message_id) WHERE progress = 0;
CREATE INDEX message_expiry ON message (expires_ms) WHERE progress <> 1;

-- One row for each segment that was, or is about to be, sent to a connector.
CREATE TABLE submission (
    message_id INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    connector TEXT NOT NULL,
    boot INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    intent_ms INTEGER NOT NULL,
    submitted_ms INTEGER,
    upstream_id TEXT,
    upstream_key TEXT,
    state INTEGER,
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, segment)
) WITHOUT ROWID;
CREATE INDEX submission_upstream ON submission (upstream_key, connector) WHERE upstream_key IS NOT NULL;

-- Final messages, appended in the order in which they ended; no text is kept.
CREATE TABLE history (
    message_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    registered_delivery INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    connector TEXT NOT NULL,
    submitted_ms INTEGER,
    upstream_id TEXT,
    state INTEGER NOT NULL,
    error TEXT NOT NULL,
    done_ms INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    doubts INTEGER NOT NULL
);

-- What waits to be brought down to an account.
CREATE TABLE delivery (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    source_ton INTEGER NOT NULL,
    source_npi INTEGER NOT NULL,
    source TEXT NOT NULL,
    destination_ton INTEGER NOT NULL,
    destination_npi INTEGER NOT NULL,
    destination TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    protocol_id INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    user_data BLOB NOT NULL,
    tlvs BLOB NOT NULL,
    state INTEGER NOT NULL,
    error TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    done_ms INTEGER NOT NULL,
    segments INTEGER NOT NULL
);
CREATE INDEX delivery_account ON delivery (account, delivery_id);

-- Deliveries that their account refused for good, or never fetched.
CREATE TABLE dead_delivery AS SELECT * FROM delivery;
ALTER TABLE dead_delivery ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_delivery ADD COLUMN died_ms INTEGER NOT NULL DEFAULT 0;

-- Receipts that match nothing yet: they came before the response, or name an id we never got.
CREATE TABLE parked_receipt (
    parked_id INTEGER PRIMARY KEY,
    connector TEXT NOT NULL,
    upstream_id TEXT NOT NULL,
    key_same TEXT NOT NULL,
    key_second TEXT,
    key_third TEXT,
    peer TEXT NOT NULL,
    state INTEGER NOT NULL,
    final INTEGER NOT NULL,
    error TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    UNIQUE (connector, upstream_id, state)
);
CREATE INDEX parked_same ON parked_receipt (key_same);
CREATE INDEX parked_second ON parked_receipt (key_second) WHERE key_second IS NOT NULL;
CREATE INDEX parked_third ON parked_receipt (key_third) WHERE key_third IS NOT NULL;

-- What may have been sent twice, with the evidence.
CREATE TABLE ambiguous (
    ambiguous_id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    connector TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    action TEXT NOT NULL,
    settled_ms INTEGER,
    settled_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX ambiguous_message ON ambiguous (message_id);

-- What a message met on its way that is out of the ordinary: retries, failover, late answers.
CREATE TABLE incident (
    incident_id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX incident_message ON incident (message_id);

CREATE TABLE boot (
    boot_id INTEGER PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    stopped_ms INTEGER
);
