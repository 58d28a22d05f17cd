-- Every statement that changes or reads the queue, by name.  Temporary tables hold the rows of the batch
-- that is being applied, so that one statement serves the whole batch.

-- name: create_batch_tables
-- The rows of one batch; emptied by each use.
CREATE TEMP TABLE receipt (
    n INTEGER PRIMARY KEY, connector TEXT, upstream_id TEXT, key_same TEXT, key_second TEXT, key_third TEXT,
    peer TEXT, state INTEGER, final INTEGER, error TEXT, received_ms INTEGER,
    message_id INTEGER, segment INTEGER, replay INTEGER, how INTEGER);
CREATE TEMP TABLE touched (message_id INTEGER PRIMARY KEY);
CREATE TEMP TABLE ended (message_id INTEGER PRIMARY KEY, state INTEGER, error TEXT, done_ms INTEGER);

-- name: start_boot
-- A run of the gateway begins.
INSERT INTO boot (started_ms) VALUES (?);

-- name: stop_boot
-- A run ended in good order.
UPDATE boot SET stopped_ms = ? WHERE boot_id = ?;

-- name: newest_id
-- The highest message_id that was ever given.
SELECT max(coalesce((SELECT max(message_id) FROM message), 0), coalesce((SELECT max(message_id) FROM history), 0));

-- name: insert_message
-- Takes responsibility for a message.
INSERT INTO message (
    message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, progress
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_intent
-- Says that a segment is about to be sent; a segment whose attempt ended in doubt gets a new one.
INSERT INTO submission (message_id, segment, connector, intent_ms, boot, attempt) VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT (message_id, segment) DO UPDATE SET
    connector = excluded.connector, intent_ms = excluded.intent_ms, boot = excluded.boot, attempt = 0,
    submitted_ms = NULL, upstream_id = NULL, upstream_key = NULL, state = NULL, error = '';

-- name: record_submitted
-- The SMSC took a segment and gave it an id; a segment whose message has ended meanwhile stays ended.
UPDATE submission SET attempt = CASE attempt WHEN 3 THEN 3 ELSE 1 END, submitted_ms = ?, upstream_id = ?, upstream_key = ?
WHERE message_id = ? AND segment = ?;

-- name: record_late
-- A response that came after we gave up waiting; it counts only while the segment is in doubt.
UPDATE submission SET attempt = 1, submitted_ms = ?, upstream_id = ?, upstream_key = ?
WHERE message_id = ? AND segment = ? AND attempt = 2;

-- name: resume_after_late
-- A message whose last doubt is settled waits for its receipts again.
UPDATE message SET progress = 1 WHERE message_id = ?1
AND segments = (SELECT count(*) FROM submission WHERE message_id = ?1 AND attempt IN (1, 3));

-- name: settle
-- The doubt about a segment is over.
UPDATE ambiguous SET settled_ms = ?, settled_by = ? WHERE message_id = ? AND segment = ? AND settled_ms IS NULL;

-- name: drop_submission
-- The SMSC said no for now: the segment was not taken, so nothing of the attempt remains.
DELETE FROM submission WHERE message_id = ? AND segment = ?;

-- name: postpone_message
-- Back into a connector's queue; the first of several segments' times counts.  What is held stays held.
UPDATE message SET connector = ?, retries = retries + ?, progress = CASE progress WHEN 2 THEN 2 ELSE 0 END,
    due_ms = CASE WHEN progress = 0 THEN min(due_ms, ?) ELSE ? END
WHERE message_id = ?;

-- name: insert_incident
-- A line of a message's timeline.
INSERT INTO incident (message_id, at_ms, text) VALUES (?, ?, ?);

-- name: insert_retry_incident
-- The same for a "not now" of the SMSC: the first twenty; `retries` counts the rest.
INSERT INTO incident (message_id, at_ms, text) SELECT ?1, ?2, ?3 FROM message WHERE message_id = ?1 AND retries <= 20;

-- name: mark_doubt
-- A segment was sent and nobody knows whether it was taken.
UPDATE submission SET attempt = 2 WHERE message_id = ? AND segment = ? AND attempt = 0;

-- name: insert_ambiguous
-- Lists a possible duplicate with its evidence and with what the route's policy has done about it.
INSERT INTO ambiguous (message_id, segment, connector, since_ms, evidence, action)
SELECT s.message_id, s.segment, s.connector, ?, ?,
    CASE WHEN m.on_ambiguous = 3 THEN 'fail' WHEN m.progress = 2 THEN 'hold' ELSE 'resend' END
FROM submission s JOIN message m USING (message_id) WHERE s.message_id = ? AND s.segment = ?;

-- name: requeue_in_doubt
-- Policies resend, and resend_once for the first time: back into the queue.  Several segments that were lost
-- together are one doubt: those after the first find the message queued and another segment in doubt.
UPDATE message SET progress = 0, due_ms = CASE progress WHEN 0 THEN due_ms ELSE 0 END, doubts = doubts + 1
WHERE message_id = ?1 AND progress <> 2 AND (on_ambiguous = 1 OR (on_ambiguous = 0 AND doubts = 0))
AND (progress = 1 OR (SELECT count(*) FROM submission WHERE message_id = ?1 AND attempt = 2) = 1);

-- name: hold_in_doubt
-- Policies hold, and resend_once for the second time: a person decides.
UPDATE message SET progress = 2, doubts = doubts + 1
WHERE message_id = ?1 AND progress <> 2 AND (on_ambiguous = 2 OR (on_ambiguous = 0 AND doubts > 0
AND (progress = 1 OR (SELECT count(*) FROM submission WHERE message_id = ?1 AND attempt = 2) = 1)));

-- name: end_in_doubt
-- Policy fail: the message ends with a state that says so.
INSERT OR IGNORE INTO temp.ended SELECT message_id, 7, 'ambiguous', ? FROM message
WHERE message_id = ? AND on_ambiguous = 3;

-- name: list_open_intents
-- Segments that an earlier run was about to send, or sent, when it ended.
SELECT message_id, segment FROM submission WHERE attempt = 0 AND boot <> ?;

-- name: claim_messages
-- The next messages of a connector's queue.
SELECT message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries
FROM message WHERE connector = ? AND progress = 0 AND due_ms <= ? ORDER BY due_ms, message_id LIMIT ?;

-- name: segments_taken
-- Segments of a message that are under way or taken, and so need not be sent again.
SELECT segment FROM submission WHERE message_id = ? AND attempt <> 2;

-- name: mark_sent
-- A claimed message is on its way.
UPDATE message SET progress = 1 WHERE message_id = ?;

-- name: next_due
-- When a connector's queue has something to do again.
SELECT min(due_ms) FROM message WHERE connector = ? AND progress = 0;

-- name: move_queue
-- Failover: what waits for one connector, and may go by another, goes by the other; some at a time.
UPDATE message SET connector = ?2 WHERE message_id IN (
    SELECT message_id FROM message WHERE connector = ?1 AND progress = 0
    AND instr(' ' || alternatives || ' ', ' ' || ?2 || ' ') > 0 ORDER BY due_ms, message_id LIMIT ?3);

-- name: insert_receipt_row
-- A receipt of this batch.
INSERT INTO temp.receipt (n, connector, upstream_id, key_same, key_second, key_third, peer, state, final, error,
    received_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: match_same
-- Receipts whose id is the id of a response as it stands.
UPDATE temp.receipt SET (message_id, segment, replay, how) = (s.message_id, s.segment, 0, 1)
FROM submission s WHERE s.upstream_key = receipt.key_same AND s.connector = receipt.connector AND s.attempt <> 3;

-- name: match_replay
-- The same of segments that have ended; later, because some SMSCs give the same ids again.
UPDATE temp.receipt SET (message_id, segment, replay, how) = (s.message_id, s.segment, 1, 1)
FROM submission s WHERE receipt.message_id IS NULL AND s.upstream_key = receipt.key_same
AND s.connector = receipt.connector AND s.attempt = 3;

-- name: match_second
-- Receipts whose id fits in a converted form; the number it came from must be the one the message went to.
UPDATE temp.receipt SET (message_id, segment, replay, how) = (s.message_id, s.segment, s.attempt = 3, 2)
FROM submission s LEFT JOIN message m ON m.message_id = s.message_id
    LEFT JOIN history h ON h.message_id = s.message_id
WHERE receipt.message_id IS NULL AND s.upstream_key = receipt.key_second AND s.connector = receipt.connector
AND substr(coalesce(m.destination, h.destination), -7) = substr(receipt.peer, -7);

-- name: match_third
-- The same with the other conversion.
UPDATE temp.receipt SET (message_id, segment, replay, how) = (s.message_id, s.segment, s.attempt = 3, 3)
FROM submission s LEFT JOIN message m ON m.message_id = s.message_id
    LEFT JOIN history h ON h.message_id = s.message_id
WHERE receipt.message_id IS NULL AND s.upstream_key = receipt.key_third AND s.connector = receipt.connector
AND substr(coalesce(m.destination, h.destination), -7) = substr(receipt.peer, -7);

-- name: park_unmatched
-- Receipts that match nothing yet wait for their response.
INSERT OR IGNORE INTO parked_receipt (connector, upstream_id, key_same, key_second, key_third, peer, state, final,
    error, received_ms)
SELECT connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms
FROM temp.receipt WHERE message_id IS NULL;

-- name: unpark
-- Receipts that came before the response with this id.
DELETE FROM parked_receipt WHERE connector = ?2 AND (key_same = ?1 OR key_second = ?1 OR key_third = ?1)
RETURNING connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms;

-- name: receipt_results
-- What became of each receipt of the batch, in order.
SELECT how, message_id, replay FROM temp.receipt ORDER BY n;

-- name: record_final
-- The first final receipt of a segment counts; it also settles a doubt.
UPDATE submission SET attempt = 3, state = r.state, error = r.error
FROM (SELECT message_id, segment, state, error, min(n) FROM temp.receipt
      WHERE final = 1 AND replay = 0 GROUP BY message_id, segment) r
WHERE submission.message_id = r.message_id AND submission.segment = r.segment;

-- name: touch_receipts
-- Messages of several segments that a receipt of this batch may have ended.
INSERT OR IGNORE INTO temp.touched
SELECT r.message_id FROM temp.receipt r CROSS JOIN message m USING (message_id)
WHERE r.final = 1 AND r.replay = 0 AND m.segments > 1;

-- name: end_single
-- A message of one segment ends with its receipt.
INSERT OR IGNORE INTO temp.ended
SELECT r.message_id, r.state, r.error, r.received_ms FROM temp.receipt r CROSS JOIN message m USING (message_id)
WHERE r.final = 1 AND r.replay = 0 AND m.segments = 1 ORDER BY r.n;

-- name: end_folded
-- A message of several segments ends when all are final, or with the first failure.
INSERT OR IGNORE INTO temp.ended
SELECT m.message_id, coalesce(min(CASE WHEN s.state <> 2 THEN s.state END), 2),
    coalesce(min(CASE WHEN s.state <> 2 THEN s.error END), min(s.error)),
    (SELECT max(received_ms) FROM temp.receipt r WHERE r.message_id = m.message_id)
FROM temp.touched t CROSS JOIN message m USING (message_id) CROSS JOIN submission s USING (message_id)
WHERE s.attempt = 3
GROUP BY m.message_id HAVING count(*) = m.segments OR max(s.state <> 2) = 1;

-- name: end_message
-- A message ends without a receipt: refused for good, given up, or expired.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms) VALUES (?, ?, ?, ?);

-- name: settle_by_receipt
-- A receipt shows that the SMSC took the segment.
UPDATE ambiguous SET settled_ms = ?, settled_by = 'receipt'
WHERE settled_ms IS NULL AND message_id IN (SELECT message_id FROM temp.receipt)
AND EXISTS (SELECT 1 FROM temp.receipt r WHERE r.message_id = ambiguous.message_id AND r.segment = ambiguous.segment);

-- name: end_handed_over
-- No receipt was asked for: the message ends when the SMSC took its last segment.
INSERT OR IGNORE INTO temp.ended
SELECT message_id, 6, '', ?2 FROM message WHERE message_id = ?1
AND segments = (SELECT count(*) FROM submission WHERE message_id = ?1 AND attempt IN (1, 3));

-- name: end_expired
-- Validity is over and the message still waits here; some hundreds at a time.
INSERT OR IGNORE INTO temp.ended
SELECT message_id, 3, '', ?1 FROM message WHERE progress <> 1 AND expires_ms <= ?1 LIMIT 1000;

-- name: end_without_receipt
-- Its receipt never came: long after the end of its validity a message ends as unknown.
INSERT OR IGNORE INTO temp.ended
SELECT message_id, 7, 'no receipt', ?1 FROM message
WHERE message_id < ?2 AND progress = 1 AND expires_ms <= ?3 LIMIT 1000;

-- name: count_ended
-- How many open messages each account has less.
SELECT m.account, count(*) FROM temp.ended CROSS JOIN message m USING (message_id) GROUP BY m.account;

-- name: write_history
-- Ended messages, without their text.
INSERT OR IGNORE INTO history
SELECT m.message_id, m.account, m.accepted_ms, m.source, m.destination, m.registered_delivery, m.segments,
    m.connector, s.submitted_ms, s.upstream_id, e.state, e.error, e.done_ms, m.retries, m.doubts
FROM temp.ended e CROSS JOIN message m USING (message_id)
LEFT JOIN submission s ON s.message_id = m.message_id AND s.segment = 1;

-- name: write_deliveries
-- A receipt for whoever asked for one; source and destination change places.  substr() of no octets is NULL.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments)
SELECT m.account, m.message_id, e.done_ms, m.destination_ton, m.destination_npi, m.destination,
    m.source_ton, m.source_npi, m.source, 4, 0, m.data_coding,
    CASE WHEN m.esm_class & 64 OR m.data_coding NOT IN (0, 1, 3) THEN x''
    ELSE coalesce(substr(m.user_data, 1, 20), x'') END, x'',
    e.state, e.error, m.accepted_ms, e.done_ms, m.segments
FROM temp.ended e CROSS JOIN message m USING (message_id)
WHERE (m.registered_delivery & 3) = 1
    OR ((m.registered_delivery & 3) = 2 AND e.state NOT IN (2, 6))
    OR ((m.registered_delivery & 3) = 3 AND e.state = 2)
ORDER BY e.rowid;

-- name: close_submissions
-- Nothing more is expected for the segments of ended messages.
UPDATE submission SET attempt = 3 WHERE attempt <> 3 AND message_id IN (SELECT message_id FROM temp.ended);

-- name: delete_ended
-- Ended messages leave the live table.
DELETE FROM message WHERE message_id IN (SELECT message_id FROM temp.ended);

-- name: forget_submission
-- A repeated receipt for this message would no longer be known.
DELETE FROM submission WHERE message_id = ? AND attempt = 3;

-- name: list_done
-- Ended segments that are still remembered, the oldest first.
SELECT DISTINCT message_id FROM submission s WHERE attempt = 3
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.message_id = s.message_id) ORDER BY message_id;

-- name: insert_incoming
-- An incoming SMS for an account.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: new_deliveries
-- What this batch added for the accounts.
SELECT * FROM delivery WHERE delivery_id > ? ORDER BY delivery_id;

-- name: fetch_deliveries
-- The next deliveries of an account.
SELECT * FROM delivery WHERE account = ? AND delivery_id > ? ORDER BY delivery_id LIMIT ?;

-- name: delete_delivery
-- The account has it.
DELETE FROM delivery WHERE delivery_id = ?;

-- name: bury_delivery
-- The account refused it for good.
INSERT INTO dead_delivery SELECT *, ?2, ?3 FROM delivery WHERE delivery_id = ?1;

-- name: bury_old_deliveries
-- Nobody fetched it for too long.  Only the oldest are looked at: a million may wait.
INSERT INTO dead_delivery SELECT *, 'not fetched in time', ?2
FROM (SELECT * FROM delivery ORDER BY delivery_id LIMIT 1000) WHERE created_ms < ?1;

-- name: bury_excess_deliveries
-- An account that fetches nothing may not fill the disk.
INSERT INTO dead_delivery SELECT *, 'too many waiting', ?3 FROM delivery WHERE account = ?1
ORDER BY delivery_id LIMIT ?2;

-- name: drop_dead
-- What was buried just now no longer waits; 10,000 at the most are buried at once.
DELETE FROM delivery WHERE delivery_id IN (SELECT delivery_id FROM
    (SELECT delivery_id, died_ms FROM dead_delivery ORDER BY rowid DESC LIMIT 10000) WHERE died_ms = ?);

-- name: count_deliveries
-- How many deliveries wait for each account.
SELECT account, count(*) FROM delivery GROUP BY account;

-- name: count_messages
-- Open messages of each account, for the limits.
SELECT account, count(*) FROM message GROUP BY account;

-- name: count_queued
-- What waits for each connector.
SELECT connector, count(*), min(due_ms) FROM message WHERE progress = 0 GROUP BY connector;

-- name: purge_history
-- History beyond its days, some at a time.
DELETE FROM history WHERE message_id IN (SELECT message_id FROM history WHERE message_id < ? ORDER BY message_id LIMIT 2000);

-- name: purge_incidents
-- Only the oldest are looked at, here and below: these tables grow in the order of their times.
DELETE FROM incident WHERE incident_id IN (
    SELECT incident_id FROM (SELECT incident_id, at_ms FROM incident ORDER BY incident_id LIMIT 2000) WHERE at_ms < ?);

-- name: purge_ambiguous
-- Doubts beyond history's days, some at a time.
DELETE FROM ambiguous WHERE ambiguous_id IN (
    SELECT ambiguous_id FROM (SELECT ambiguous_id, since_ms FROM ambiguous ORDER BY ambiguous_id LIMIT 2000)
    WHERE since_ms < ?);

-- name: purge_parked
-- Receipts that matched nothing in all that time.
DELETE FROM parked_receipt WHERE parked_id IN (
    SELECT parked_id FROM (SELECT parked_id, received_ms FROM parked_receipt ORDER BY parked_id LIMIT 2000)
    WHERE received_ms < ?);

-- name: purge_dead
-- Dead letters beyond history's days.
DELETE FROM dead_delivery WHERE rowid IN (
    SELECT rowid FROM (SELECT rowid, died_ms FROM dead_delivery ORDER BY rowid LIMIT 2000) WHERE died_ms < ?);

-- name: release_held
-- A person decided: send it again.
UPDATE message SET progress = 0, due_ms = 0 WHERE message_id = ? AND progress = 2;

-- name: end_held
-- A person decided: give it up.
INSERT OR IGNORE INTO temp.ended SELECT message_id, 4, 'given up', ?2 FROM message WHERE message_id = ?1 AND progress <> 1;
