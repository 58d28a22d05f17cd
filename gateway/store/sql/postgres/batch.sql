-- The rows of the batch that is being applied.

-- name: create_batch_tables
-- Emptied by each commit.
CREATE TEMP TABLE IF NOT EXISTS receipt (
    n bigint, connector text, upstream_id text, key_same text, key_second text, key_third text,
    peer text, state integer, final integer, error text, received_ms bigint, info text,
    message_id bigint, segment integer, replay integer, how integer) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS touched (message_id bigint PRIMARY KEY, per_part integer, done_ms bigint, info text)
    ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS ended (message_id bigint PRIMARY KEY, state integer, error text, done_ms bigint,
    info text NOT NULL DEFAULT '', told integer NOT NULL DEFAULT 0, rowid bigint GENERATED ALWAYS AS IDENTITY)
    ON COMMIT DELETE ROWS;

-- name: last_delivery
-- The highest delivery_id that was ever given.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM delivery_delivery_id_seq;
