-- What nodes on one store know of each other: runs, leases, and what a run that is over has left behind.

-- name: lock_nodes
-- One at a time becomes a node.
SELECT pg_advisory_xact_lock(hashtextextended('node', 0));

-- name: find_node
-- The number of the node with this name.
SELECT node FROM node WHERE name = $1;

-- name: insert_node
-- It is new: it gets the first free number; 0 means a store without nodes.
INSERT INTO node (node, name) SELECT n, $1 FROM generate_series(1, 63) n
WHERE NOT EXISTS (SELECT 1 FROM node WHERE node.node = n) ORDER BY n LIMIT 1 RETURNING node;

-- name: start_run
-- A run of the gateway begins; the others leave it alone while it opens.
INSERT INTO boot (started_ms, node, lease_until) VALUES ($1, $2, clock_timestamp() + interval '60 s') RETURNING boot_id;

-- name: opened_run
-- It is ready: its lease begins.
UPDATE boot SET lease_until = clock_timestamp() + interval '15 s' WHERE boot_id = $1 AND fenced = 0;

-- name: set_me
-- Who applies the batches of this connection.
UPDATE pg_temp.me SET boot = $1, node = $2;

-- name: show_alive
-- As long as a run is connected it has a lock of its own: the number of all such, and its own.
SELECT pg_try_advisory_lock_shared(1397576515, $1::integer);

-- name: next_batch
-- A batch begins: boot, its number; an error, so that nothing of it is done, where it must not.
SELECT next_batch($1, $2);

-- name: find_run
-- The number of the last batch that was committed, and whether another node has ended the run.
SELECT batch_no, fenced FROM boot WHERE boot_id = $1;

-- name: beat
-- What the run is and has; 1: its lease is renewed.
UPDATE boot SET state = $2::text::jsonb,
    lease_until = CASE WHEN $3 = 1 THEN clock_timestamp() + interval '15 s' ELSE lease_until END WHERE boot_id = $1;

-- name: end_older_runs
-- Earlier runs of a node: its name belongs to the newest one.  Of one that still holds its lease, and is connected (see
-- show_alive): how long ago it has renewed that (ms); one that was killed a moment ago is not.
UPDATE boot b SET fenced = 1 FROM node n WHERE b.node = $1 AND b.boot_id <> $2 AND b.fenced = 0 AND b.stopped_ms IS NULL
AND n.node = b.node RETURNING b.boot_id, n.name, CASE WHEN b.lease_until > clock_timestamp() AND EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = 1397576515
        AND l.objid::bigint = b.boot_id
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    THEN greatest(0, extract(epoch FROM clock_timestamp() - b.lease_until + interval '15 s') * 1000)::bigint END;

-- name: end_lease
-- A run ends, and has left something under way: whoever looks next takes it over.
UPDATE boot SET lease_until = clock_timestamp() WHERE boot_id = $1;

-- name: end_lost_runs
-- Runs whose leases are over.  One that commits just now is alive, and is looked at another time.
UPDATE boot b SET fenced = 1 FROM node n WHERE n.node = b.node AND b.boot_id IN (
    SELECT boot_id FROM boot WHERE fenced = 0 AND stopped_ms IS NULL AND lease_until < clock_timestamp() AND boot_id <> $1
    ORDER BY boot_id FOR UPDATE SKIP LOCKED)
RETURNING b.boot_id, n.name;

-- name: free_deliveries
-- What the run had in memory is anybody's.
UPDATE delivery SET claimed_boot = 0 WHERE claimed_boot = $1;

-- name: free_letters
-- So are the mails that it was handing over …
UPDATE letter SET claimed_boot = 0 WHERE claimed_boot = $1;

-- name: free_calls
-- … and the calls that it was making: nobody knows whether they were taken.
UPDATE call SET claimed_boot = 0 WHERE claimed_boot = $1;

-- name: free_leases
-- And what only it could do.
DELETE FROM lease WHERE boot = $1;

-- name: leave_leases
-- What this run wants no longer: boot, the names that it wants.
DELETE FROM lease WHERE boot = $1 AND name <> ALL (SELECT jsonb_array_elements_text($2::text::jsonb));

-- name: take_leases
-- What nobody has of what it wants.
INSERT INTO lease (name, boot) SELECT w.name, $1 FROM jsonb_array_elements_text($2::text::jsonb) w (name)
WHERE NOT EXISTS (SELECT 1 FROM lease l WHERE l.name = w.name) ORDER BY w.name ON CONFLICT DO NOTHING;

-- name: list_nodes
-- The runs that live: boot, node, name, state, 1 if somebody wants it drained, since when (ms), since when its lease was
-- renewed (ms ago), its leases.
SELECT b.boot_id, b.node, n.name, b.state::text, b.draining, b.started_ms,
    (extract(epoch FROM clock_timestamp() - b.lease_until + interval '15 s') * 1000)::bigint,
    ARRAY(SELECT l.name FROM lease l WHERE l.boot = b.boot_id ORDER BY l.name)
FROM boot b JOIN node n ON n.node = b.node WHERE b.fenced = 0 AND b.stopped_ms IS NULL ORDER BY b.boot_id;

-- name: set_draining
-- Somebody wants a node drained, or not any more: name, 1 or 0.
UPDATE boot b SET draining = $2 FROM node n WHERE n.name = $1 AND b.node = n.node AND b.fenced = 0 AND b.stopped_ms IS NULL;

-- name: add_receiver
-- An account has sessions here that receive.
INSERT INTO pg_temp.receiver VALUES ($1) ON CONFLICT DO NOTHING;

-- name: drop_receiver
-- It has none any more …
DELETE FROM pg_temp.receiver WHERE account = $1;

-- name: free_deliveries_of
-- … and what is in memory here of its deliveries is anybody's.
UPDATE delivery SET claimed_boot = 0 WHERE account = $1 AND claimed_boot = $2;

-- name: unclaim_deliveries
-- Deliveries that this run does not keep in memory.
-- rows: bigint
UPDATE delivery d SET claimed_boot = 0 FROM unnest($1::bigint[]) r (delivery_id), pg_temp.me me
WHERE d.delivery_id = r.delivery_id AND d.claimed_boot = me.boot;

-- name: list_waiting_accounts
-- Accounts that receive here, and for which something waits that no node has in memory.
SELECT account FROM pg_temp.receiver r
WHERE EXISTS (SELECT 1 FROM delivery d WHERE d.account = r.account AND d.claimed_boot = 0);

-- name: list_new_waiting
-- Accounts that receive elsewhere, or nowhere, and got something by this batch.
SELECT DISTINCT account FROM delivery WHERE delivery_id > $1 AND xmin = pg_current_xact_id()::xid AND claimed_boot = 0;

-- name: list_due
-- When the queues of these connectors have something to do; they come as a JSON list.
SELECT c.name, (SELECT min(due_ms) FROM message m WHERE m.connector = c.name AND m.progress = 0)
FROM jsonb_array_elements_text($1::text::jsonb) c (name);

-- name: unpark_late
-- Receipts of the last minute whose response was committed by another node at the same moment: neither saw the other.
DELETE FROM parked_receipt WHERE parked_id IN (
    SELECT parked_id FROM (SELECT * FROM parked_receipt ORDER BY parked_id DESC LIMIT 1000) p
    WHERE p.received_ms > $1 - 60000 AND EXISTS (SELECT 1 FROM submission s WHERE s.connector = p.connector
        AND s.upstream_key IN (p.key_same, p.key_second, p.key_third)))
RETURNING connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms, info;

-- name: make_history_days
-- Tables for the history of these days (since 1970), the first and the last one.
SELECT make_history_days($1, $2);

-- name: drop_history_days
-- Days of which every message_id is below this are forgotten as a whole.
SELECT drop_history_days($1);

-- name: purge_history
-- What belongs to no day, some at a time; the days themselves go as a whole.
DELETE FROM history_default WHERE message_id IN (
    SELECT message_id FROM history_default WHERE message_id < $1 ORDER BY message_id LIMIT 2000);
