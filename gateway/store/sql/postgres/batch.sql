-- The rows of the batch that is being applied, and who applies it.

-- name: create_batch_tables
-- Emptied by whoever has filled them: ON COMMIT DELETE ROWS would cost each commit 2 ms.  They are looked at while they
-- have one row, or PostgreSQL would take them for large ones.
CREATE TEMP TABLE IF NOT EXISTS receipt (
    n bigint, connector text, upstream_id text, key_same text, key_second text, key_third text,
    peer text, state integer, final integer, error text, received_ms bigint, info text,
    message_id bigint, segment integer, replay integer, how integer);
CREATE TEMP TABLE IF NOT EXISTS touched (message_id bigint PRIMARY KEY, per_part integer, done_ms bigint, info text);
CREATE TEMP TABLE IF NOT EXISTS ended (message_id bigint PRIMARY KEY, state integer, error text, done_ms bigint,
    info text NOT NULL DEFAULT '', told integer NOT NULL DEFAULT 0);
-- This run.
CREATE TEMP TABLE IF NOT EXISTS me (boot bigint, node smallint);
-- Accounts that have sessions here which receive.
CREATE TEMP TABLE IF NOT EXISTS receiver (account text COLLATE "C" PRIMARY KEY);
DELETE FROM pg_temp.me;
INSERT INTO pg_temp.me VALUES (0, 0);
BEGIN;
INSERT INTO pg_temp.receipt (n) VALUES (1);
INSERT INTO pg_temp.touched (message_id) VALUES (1);
INSERT INTO pg_temp.ended (message_id) VALUES (1);
ANALYZE pg_temp.receipt;
ANALYZE pg_temp.touched;
ANALYZE pg_temp.ended;
ANALYZE pg_temp.me;
DELETE FROM pg_temp.receipt;
DELETE FROM pg_temp.touched;
DELETE FROM pg_temp.ended;
COMMIT;

-- name: vacuum_batch_tables
-- Rows of batches that are over.
VACUUM pg_temp.receipt, pg_temp.touched, pg_temp.ended;

-- name: last_delivery
-- The highest delivery_id that was ever given.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM delivery_delivery_id_seq;
