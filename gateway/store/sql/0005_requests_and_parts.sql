-- Of a receipt for one segment alone: which; 0: it is of the whole message.
ALTER TABLE delivery ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_delivery ADD COLUMN part INTEGER NOT NULL DEFAULT 0;

-- The notices of a segment that went down, a bit for each kind and state, so that a repeated one is known.
ALTER TABLE submission ADD COLUMN noticed INTEGER NOT NULL DEFAULT 0;

-- Of a message that may be acknowledged after its end: type and plan of both numbers, an octet each, and how far it
-- is behind the first one of its submit_multi.
ALTER TABLE history ADD COLUMN numbering INTEGER;

-- A notice and a receipt may say the same state: both wait for the response.
CREATE TABLE parked (
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
    info TEXT NOT NULL DEFAULT '',
    UNIQUE (connector, upstream_id, state, final)
);
INSERT INTO parked SELECT parked_id, connector, upstream_id, key_same, key_second, key_third, peer, state, final,
    error, received_ms, info FROM parked_receipt;
DROP TABLE parked_receipt;
ALTER TABLE parked RENAME TO parked_receipt;
CREATE INDEX parked_same ON parked_receipt (key_same);
CREATE INDEX parked_second ON parked_receipt (key_second) WHERE key_second IS NOT NULL;
CREATE INDEX parked_third ON parked_receipt (key_third) WHERE key_third IS NOT NULL;

-- Segments that their senders made themselves: they wait for the others of their set, then go up with one of
-- them, the carrier (which has a row too).
CREATE TABLE gathered_part (
    message_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    reference INTEGER NOT NULL,
    total INTEGER NOT NULL,
    part INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    carrier INTEGER
);
CREATE UNIQUE INDEX gathered_set ON gathered_part (account, source, destination, reference, total, part)
    WHERE carrier IS NULL;
CREATE INDEX gathered_oldest ON gathered_part (account, message_id) WHERE carrier IS NULL;
CREATE INDEX gathered_age ON gathered_part (received_ms) WHERE carrier IS NULL;
CREATE INDEX gathered_carrier ON gathered_part (carrier) WHERE carrier IS NOT NULL;

-- The account gets a long incoming SMS in one piece.
ALTER TABLE incoming_part ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;
