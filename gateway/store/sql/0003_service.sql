-- What else a receipt says: the fields of an HLR receipt.
ALTER TABLE parked_receipt ADD COLUMN info TEXT NOT NULL DEFAULT '';

-- Incoming SMS that a service has told us of, by its ids: it may tell of one again.
CREATE TABLE incoming_seen (
    connector TEXT NOT NULL,
    id INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    UNIQUE (connector, id)
);

-- How far something outside was read.
CREATE TABLE mark (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
