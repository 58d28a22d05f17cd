-- Every statement that changes or reads the queue, by name.  Temporary tables hold the rows of the batch
-- that is being applied, so that one statement serves the whole batch.

-- name: create_batch_tables
-- The rows of one batch; emptied by each use.
CREATE TEMP TABLE receipt (
    n INTEGER PRIMARY KEY, connector TEXT, upstream_id TEXT, key_same TEXT, key_second TEXT, key_third TEXT,
    peer TEXT, state INTEGER, final INTEGER, error TEXT, received_ms INTEGER, info TEXT,
    message_id INTEGER, segment INTEGER, replay INTEGER, how INTEGER);
CREATE TEMP TABLE touched (message_id INTEGER PRIMARY KEY, per_part INTEGER, done_ms INTEGER, info TEXT);
-- told: its sender has had a receipt for each segment.
CREATE TEMP TABLE ended (message_id INTEGER PRIMARY KEY, state INTEGER, error TEXT, done_ms INTEGER,
    info TEXT NOT NULL DEFAULT '', told INTEGER NOT NULL DEFAULT 0);

-- name: start_boot
-- A run of the gateway begins.
INSERT INTO boot (started_ms) VALUES (?) RETURNING boot_id;

-- name: write_boot_again
-- Changes nothing, and has to be written.
UPDATE boot SET started_ms = started_ms WHERE boot_id = ?;

-- name: stop_boot
-- A run ended in good order.
UPDATE boot SET stopped_ms = ? WHERE boot_id = ?;

-- name: newest_id
-- The highest message_id or mail_id that was ever given.
SELECT max(coalesce((SELECT max(message_id) FROM message), 0), coalesce((SELECT max(message_id) FROM history), 0),
    coalesce((SELECT max(mail_id) FROM mail), 0));

-- name: insert_message
-- Takes responsibility for a message.
INSERT INTO message (
    message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, origin, flags, route, client_id, sent_as, progress
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_intent
-- Says that a segment is about to be sent; a segment whose attempt ended in doubt gets a new one.
INSERT INTO submission (message_id, segment, connector, intent_ms, boot, attempt) VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT (message_id, segment) DO UPDATE SET
    connector = excluded.connector, intent_ms = excluded.intent_ms, boot = excluded.boot, attempt = 0,
    submitted_ms = NULL, upstream_id = NULL, upstream_key = NULL, state = NULL, error = '', noticed = 0;

-- name: insert_assigned
-- The same with the id that we have given it, before it is sent.
INSERT INTO submission (message_id, segment, connector, intent_ms, upstream_id, upstream_key, boot, attempt)
VALUES (?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (message_id, segment) DO UPDATE SET
    connector = excluded.connector, intent_ms = excluded.intent_ms, boot = excluded.boot, attempt = 0,
    submitted_ms = NULL, upstream_id = excluded.upstream_id, upstream_key = excluded.upstream_key, state = NULL,
    error = '', noticed = 0;

-- name: record_submitted
-- The SMSC took a segment and gave it an id; a segment whose message has ended meanwhile stays ended.
UPDATE submission SET attempt = CASE attempt WHEN 3 THEN 3 ELSE 1 END, submitted_ms = ?, upstream_id = ?, upstream_key = ?
WHERE message_id = ? AND segment = ?;

-- name: record_late
-- A response that came after we gave up waiting; it counts only while the segment is in doubt.  That may have
-- been in doubt at another connector since.
UPDATE submission SET attempt = 1, submitted_ms = ?1, upstream_id = ?2, upstream_key = ?3, connector = ?6
WHERE message_id = ?4 AND segment = ?5 AND attempt = 2;

-- name: resume_after_late
-- A message whose last doubt is settled waits for its receipts again.
UPDATE message SET progress = 1 WHERE message_id = ?1
AND segments = (SELECT count(*) FROM submission WHERE message_id = ?1 AND attempt IN (1, 3));

-- name: settle
-- The doubt about a segment is over.
UPDATE ambiguous SET settled_ms = ?, settled_by = ? WHERE message_id = ? AND segment = ? AND settled_ms IS NULL;

-- name: settle_by_person
-- Somebody has decided about the whole message.
UPDATE ambiguous SET settled_ms = ?, settled_by = ? WHERE message_id = ? AND settled_ms IS NULL;

-- name: settle_by_end
-- The message has its end, so nothing about it is left to decide.
UPDATE ambiguous SET
    settled_ms = (SELECT done_ms FROM temp.ended e WHERE e.message_id = ambiguous.message_id),
    settled_by = (SELECT CASE WHEN action = 'fail' THEN 'policy' WHEN e.state = 3 THEN 'end of validity'
        WHEN e.error = 'given up' THEN 'person: drop' ELSE 'end of the message' END
        FROM temp.ended e WHERE e.message_id = ambiguous.message_id)
WHERE settled_ms IS NULL AND message_id IN (SELECT message_id FROM temp.ended);

-- name: drop_submission
-- The SMSC said no for now: the segment was not taken, so nothing of the attempt remains.
DELETE FROM submission WHERE message_id = ? AND segment = ?;

-- name: postpone_message
-- Back into a connector's queue; the first of several segments' times counts.  What is held, or held back, stays so.
UPDATE message SET connector = ?, retries = retries + ?, progress = CASE WHEN progress IN (2, 5) THEN progress ELSE 0 END,
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
INSERT INTO ambiguous (message_id, segment, connector, boot, since_ms, evidence, link, sent_ms, action)
SELECT s.message_id, s.segment, s.connector, s.boot, ?, ?, ?, ?,
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
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms) SELECT message_id, 7, 'ambiguous', ? FROM message
WHERE message_id = ? AND on_ambiguous = 3;

-- name: list_open_intents
-- Segments that an earlier run was about to send, or sent, when it ended; of those whose id we gave, the
-- connector asks what became of them.
SELECT message_id, segment, intent_ms FROM submission WHERE attempt = 0 AND boot <> ? AND upstream_id IS NULL;

-- name: requeue_unassigned
-- Claimed without intents, so nothing of it was sent, or nothing of what an earlier connector left.
UPDATE message SET progress = 0 WHERE progress = 1
AND segments > (SELECT count(*) FROM submission s WHERE s.message_id = message.message_id);

-- name: list_open_sends
-- What an earlier run sent, or was about to send, with an id of ours.
SELECT message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, m.connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, origin, flags, route, client_id, sent_as, s.segment, s.intent_ms, s.upstream_id
FROM submission s JOIN message m USING (message_id)
WHERE s.attempt = 0 AND s.connector = ? AND s.upstream_id IS NOT NULL AND s.boot <> ? ORDER BY s.message_id, s.segment;

-- name: adopt_open_sends
-- This run knows of them now, and is told of them no second time.
UPDATE submission SET boot = ?2
WHERE attempt = 0 AND connector = ?1 AND upstream_id IS NOT NULL AND boot <> ?2;

-- name: make_whole
-- A connector that takes texts whole has no use for segments, unless another one has some of them.
UPDATE message SET segments = 1 WHERE message_id = ?1
AND NOT EXISTS (SELECT 1 FROM submission WHERE message_id = ?1);

-- name: list_unfinished
-- Segments that a connector's SMSC took and told no end of; only so many rows are looked at.
SELECT message_id, upstream_id, submitted_ms FROM (
    SELECT message_id, connector, attempt, upstream_id, submitted_ms FROM submission
    WHERE message_id > ?2 ORDER BY message_id LIMIT ?4) looked
WHERE connector = ?1 AND attempt = 1 AND upstream_id <> '' LIMIT ?3;

-- name: last_looked_at
-- Where the next look begins; nothing: there are no more.
SELECT CASE WHEN count(*) = ?2 THEN max(message_id) END FROM (
    SELECT message_id FROM submission WHERE message_id > ?1 ORDER BY message_id LIMIT ?2) looked;

-- name: insert_seen
-- An incoming SMS comes for the first time, or is known.
INSERT OR IGNORE INTO incoming_seen (connector, id, seen_ms) VALUES (?, ?, ?);

-- name: purge_seen
-- So old that nobody tells of them again; some at a time.
DELETE FROM incoming_seen WHERE rowid IN (
    SELECT rowid FROM (SELECT rowid, seen_ms FROM incoming_seen ORDER BY rowid LIMIT 2000) oldest WHERE seen_ms < ?);

-- name: set_mark
-- How far something was read.
INSERT INTO mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: list_marks
-- How far everything was read.
SELECT name, value FROM mark;


-- name: claim_messages
-- The next messages of a connector's queue, and which of their segments are under way or taken, so need not be sent.
SELECT message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, origin, flags, route, client_id, sent_as,
    (SELECT group_concat(segment) FROM submission s WHERE s.message_id = message.message_id AND attempt <> 2)
FROM message WHERE connector = ? AND progress = 0 AND due_ms <= ? ORDER BY due_ms, message_id LIMIT ?;

-- name: mark_sent
-- A claimed message is on its way.
UPDATE message SET progress = 1 WHERE message_id = ?;

-- name: next_due
-- When a connector's queue has something to do again, behind a place in it: due_ms, message_id.  What was claimed up
-- to there need not be passed over.
SELECT due_ms FROM message WHERE connector = ? AND progress = 0 AND (due_ms, message_id) > (?, ?)
ORDER BY due_ms, message_id LIMIT 1;

-- name: insert_receipt_row
-- A receipt of this batch.
INSERT INTO temp.receipt (n, connector, upstream_id, key_same, key_second, key_third, peer, state, final, error,
    received_ms, info) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

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
AND substr(coalesce(nullif(m.sent_as, ''), m.destination, h.destination), -7) = substr(receipt.peer, -7);

-- name: match_third
-- The same with the other conversion.
UPDATE temp.receipt SET (message_id, segment, replay, how) = (s.message_id, s.segment, s.attempt = 3, 3)
FROM submission s LEFT JOIN message m ON m.message_id = s.message_id
    LEFT JOIN history h ON h.message_id = s.message_id
WHERE receipt.message_id IS NULL AND s.upstream_key = receipt.key_third AND s.connector = receipt.connector
AND substr(coalesce(nullif(m.sent_as, ''), m.destination, h.destination), -7) = substr(receipt.peer, -7);

-- name: park_unmatched
-- Receipts that match nothing yet wait for their response.
INSERT OR IGNORE INTO parked_receipt (connector, upstream_id, key_same, key_second, key_third, peer, state, final,
    error, received_ms, info)
SELECT connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms, info
FROM temp.receipt WHERE message_id IS NULL;

-- name: unpark
-- Receipts that came before the response with this id.
DELETE FROM parked_receipt WHERE connector = ?2 AND (key_same = ?1 OR key_second = ?1 OR key_third = ?1)
RETURNING connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms, info;

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
-- Messages of several segments that a receipt of this batch may have ended; `info` is of the last one.
INSERT INTO temp.touched
SELECT r.message_id, m.flags & 1, max(r.received_ms), r.info FROM temp.receipt r CROSS JOIN message m USING (message_id)
WHERE r.final = 1 AND r.replay = 0 AND m.segments > 1 GROUP BY r.message_id;

-- name: touched_per_part
-- Whether a sender wants a receipt for each of the segments.
SELECT 1 FROM temp.touched WHERE per_part LIMIT 1;

-- name: end_single
-- A message of one segment ends with its receipt.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms, info)
SELECT r.message_id, r.state, r.error, r.received_ms, r.info FROM temp.receipt r CROSS JOIN message m USING (message_id)
WHERE r.final = 1 AND r.replay = 0 AND m.segments = 1 ORDER BY r.n;

-- name: end_folded
-- A message of several segments ends when all are final, or with the first failure, unless its sender wants a
-- receipt for each.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms, info, told)
SELECT m.message_id, coalesce(min(CASE WHEN s.state <> 2 THEN s.state END), 2),
    coalesce(min(CASE WHEN s.state <> 2 THEN s.error END), min(s.error)), t.done_ms, t.info, t.per_part
FROM temp.touched t CROSS JOIN message m USING (message_id) CROSS JOIN submission s USING (message_id)
WHERE s.attempt = 3
GROUP BY m.message_id HAVING count(*) = m.segments OR (max(s.state <> 2) = 1 AND NOT t.per_part);

-- name: end_message
-- A message ends without a receipt: refused for good, given up, or expired.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms) VALUES (?, ?, ?, ?);

-- name: forget_touched
-- They are done.
DELETE FROM temp.touched;

-- name: forget_receipts
-- So are they.
DELETE FROM temp.receipt;

-- name: list_ended
-- What ends with this batch.
SELECT message_id, state FROM temp.ended;

-- name: forget_ended
-- It has ended.
DELETE FROM temp.ended;

-- name: count_parked
-- How many receipts match nothing.
SELECT count(*) FROM parked_receipt;

-- name: count_in_doubt
-- How many segments are in doubt.
SELECT count(*) FROM ambiguous WHERE settled_ms IS NULL;

-- name: last_delivery
-- The highest delivery_id that was ever given.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'delivery'), 0);

-- name: settle_by_receipt
-- A receipt shows that the SMSC took the segment.
UPDATE ambiguous SET settled_ms = r.received_ms, settled_by = 'receipt'
FROM (SELECT message_id, segment, min(received_ms) AS received_ms FROM temp.receipt
      WHERE message_id IS NOT NULL GROUP BY message_id, segment) r
WHERE ambiguous.settled_ms IS NULL AND ambiguous.message_id = r.message_id AND ambiguous.segment = r.segment;

-- name: end_handed_over
-- No receipt was asked for: the message ends when the SMSC took its last segment.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms, info)
SELECT message_id, 6, '', ?2, '' FROM message WHERE message_id = ?1
AND segments = (SELECT count(*) FROM submission WHERE message_id = ?1 AND attempt IN (1, 3));

-- name: end_expired
-- Validity is over and the message still waits here; some hundreds at a time.  What goes up with another ends
-- with that one.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms, info)
SELECT message_id, 3, '', ?1, '' FROM message WHERE progress <> 1 AND progress <> 4 AND expires_ms <= ?1 LIMIT 1000;

-- name: look_for_old
-- The next messages in the order of their ids: how many they are, and the last one.
SELECT count(*), max(message_id) FROM (
    SELECT message_id FROM message WHERE message_id > ? AND message_id < ? ORDER BY message_id LIMIT ?) looked;

-- name: end_without_receipt
-- Its receipt never came: long after the end of its validity a message ends as unknown.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms, info)
SELECT message_id, 7, 'no receipt', ?1, '' FROM message
WHERE message_id > ?2 AND message_id <= ?3 AND progress = 1 AND expires_ms <= ?4 ORDER BY message_id LIMIT ?5;

-- name: count_ended
-- How many open messages each account has less; whether some came by mail, are (with) segments of their sender's,
-- were charged for, or came over HTTP or are to be called for (CALLED, bit 33).
SELECT m.account, count(*), max(m.origin = 1), max(m.progress > 2 OR m.flags & 4), max(m.flags & 16),
    max(m.origin = 2 OR m.flags >> 33 & 1) FROM temp.ended CROSS JOIN message m USING (message_id) GROUP BY m.account;

-- name: write_history
-- Ended messages, without their text.
INSERT OR IGNORE INTO history
SELECT m.message_id, m.account, m.accepted_ms, m.source, m.destination, m.registered_delivery, m.segments,
    m.connector, s.submitted_ms, s.upstream_id, e.state, e.error, e.done_ms, m.retries, m.doubts, m.origin,
    CASE WHEN m.registered_delivery & 12
    THEN (m.flags >> 16 & 65535) << 32 | (m.source_ton << 24) | (m.source_npi << 16) | (m.destination_ton << 8) | m.destination_npi END,
    m.route, m.client_id
FROM temp.ended e CROSS JOIN message m USING (message_id)
LEFT JOIN submission s ON s.message_id = m.message_id AND s.segment = 1;

-- name: write_deliveries
-- A receipt for whoever asked for one; source and destination change places.  substr() of no octets is NULL.
-- Those of a submit_multi bear the id of its first message (see Wish.behind).
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments)
SELECT m.account, m.message_id - (m.flags >> 16 & 65535), e.done_ms, m.destination_ton, m.destination_npi, m.destination,
    m.source_ton, m.source_npi, m.source, 4, 0, m.data_coding,
    CASE WHEN m.esm_class & 64 OR m.data_coding NOT IN (0, 1, 3) THEN x''
    ELSE coalesce(substr(m.user_data, 1, 20), x'') END, CAST(e.info AS BLOB),
    e.state, e.error, m.accepted_ms, e.done_ms, m.segments
FROM temp.ended e CROSS JOIN message m USING (message_id)
WHERE m.origin = 0 AND NOT e.told AND ((m.registered_delivery & 3) = 1
    OR ((m.registered_delivery & 3) = 2 AND e.state NOT IN (2, 6))
    OR ((m.registered_delivery & 3) = 3 AND e.state = 2))
ORDER BY e.message_id;

-- name: write_part_receipts
-- The same for a segment that is final, for whoever wants to hear of each.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part)
SELECT m.account, m.message_id - (m.flags >> 16 & 65535), r.received_ms, m.destination_ton, m.destination_npi, m.destination,
    m.source_ton, m.source_npi, m.source, 4, 0, m.data_coding,
    CASE WHEN m.esm_class & 64 OR m.data_coding NOT IN (0, 1, 3) THEN x''
    ELSE coalesce(substr(m.user_data, 1, 20), x'') END, CAST(r.info AS BLOB),
    r.state, r.error, m.accepted_ms, r.received_ms, 1, r.segment
FROM (SELECT message_id, segment, state, error, received_ms, info, min(n) AS n FROM temp.receipt
      WHERE final = 1 AND replay = 0 GROUP BY message_id, segment) r
CROSS JOIN temp.touched t USING (message_id) CROSS JOIN message m USING (message_id)
WHERE t.per_part AND m.origin = 0 AND ((m.registered_delivery & 3) = 1
    OR ((m.registered_delivery & 3) = 2 AND r.state NOT IN (2, 6))
    OR ((m.registered_delivery & 3) = 3 AND r.state = 2))
ORDER BY r.n;

-- name: list_notices
-- What receipts of this batch say beside an end, for whoever asked; what says it will not help after the end.
SELECT r.message_id, r.segment, CASE WHEN r.final > 1 THEN r.final ELSE 32 END, r.state, r.error, r.received_ms,
    r.info, m.message_id IS NOT NULL, coalesce(m.segments > 1 AND m.flags & 1, 0)
FROM temp.receipt r LEFT JOIN message m ON m.message_id = r.message_id
    LEFT JOIN history h ON m.message_id IS NULL AND h.message_id = r.message_id
WHERE r.message_id IS NOT NULL AND (r.final > 1 OR (r.final = 0 AND r.state IN (1, 6)))
AND coalesce(m.origin, h.origin) = 0
AND coalesce(m.registered_delivery, h.registered_delivery) & CASE r.final WHEN 8 THEN 4 WHEN 16 THEN 8 ELSE 16 END
AND (r.final IN (8, 16) OR (r.replay = 0 AND m.message_id IS NOT NULL)) ORDER BY r.n;

-- name: mark_noticed
-- A notice that has not gone down yet; of a message's segments one says it for all, unless each is told of.
UPDATE submission SET noticed = noticed | ?3 WHERE message_id = ?1 AND segment = ?2 AND NOT noticed & ?3
AND (?4 OR NOT EXISTS (SELECT 1 FROM submission o WHERE o.message_id = ?1 AND o.noticed & ?3));

-- name: write_notice
-- It goes down: message_id, esm_class, state, error, received_ms, TLVs, part, and of an acknowledgement its text.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part)
SELECT account, message_id - (flags >> 16 & 65535), ?5, destination_ton, destination_npi, destination, source_ton, source_npi, source,
    ?2, 0, data_coding, CASE WHEN ?8 IS NOT NULL THEN ?8
    WHEN esm_class & 64 OR data_coding NOT IN (0, 1, 3) THEN x'' ELSE coalesce(substr(user_data, 1, 20), x'') END,
    ?6, ?3, ?4, accepted_ms, ?5, CASE WHEN ?7 THEN 1 ELSE segments END, ?7
FROM message WHERE message_id = ?1;

-- name: write_late_notice
-- The same of a message that has ended.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part)
SELECT account, message_id - (numbering >> 32), ?5, numbering >> 8 & 255, numbering & 255, destination, numbering >> 24 & 255,
    numbering >> 16 & 255, source, ?2, 0, 0, coalesce(?8, x''), ?6, ?3, ?4, accepted_ms, ?5, segments, ?7
FROM history WHERE message_id = ?1 AND numbering IS NOT NULL;

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

-- name: delete_deliveries
-- The account has them: all from the one to the other.
DELETE FROM delivery WHERE delivery_id BETWEEN ? AND ?;

-- name: delete_delivery
-- The account has it.
DELETE FROM delivery WHERE delivery_id = ?;

-- name: bury_delivery
-- The account refused it for good.
INSERT INTO dead_delivery SELECT delivery_id, account, message_id, created_ms, source_ton, source_npi, source, destination_ton,
    destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs, state, error,
    accepted_ms, done_ms, segments, ?2, ?3, part
FROM delivery WHERE delivery_id = ?1;

-- name: bury_old_deliveries
-- Nobody fetched it for too long.  Only the oldest are looked at: a million may wait.
INSERT INTO dead_delivery SELECT delivery_id, account, message_id, created_ms, source_ton, source_npi, source, destination_ton,
    destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs, state, error,
    accepted_ms, done_ms, segments, 'not fetched in time', ?2, part
FROM (SELECT * FROM delivery ORDER BY delivery_id LIMIT 1000) oldest WHERE created_ms < ?1;

-- name: bury_excess_deliveries
-- An account that fetches nothing may not fill the disk.
INSERT INTO dead_delivery SELECT delivery_id, account, message_id, created_ms, source_ton, source_npi, source, destination_ton,
    destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs, state, error,
    accepted_ms, done_ms, segments, 'too many waiting', ?3, part
FROM delivery WHERE account = ?1
ORDER BY delivery_id LIMIT ?2;

-- name: drop_dead
-- What was buried just now no longer waits; 10,000 at the most are buried at once.
DELETE FROM delivery WHERE delivery_id IN (SELECT delivery_id FROM
    (SELECT delivery_id, died_ms FROM dead_delivery ORDER BY rowid DESC LIMIT 10000) newest WHERE died_ms = ?);

-- name: count_deliveries
-- How many deliveries wait for each account.
SELECT account, count(*) FROM delivery GROUP BY account;

-- name: list_accounts
-- The account of each open message, to be counted: grouping would sort all of them in memory.
SELECT account FROM message NOT INDEXED;

-- name: count_queued
-- What waits for each connector.
SELECT connector, count(*), min(due_ms) FROM message WHERE progress = 0 GROUP BY connector;

-- name: purge_history
-- History beyond its days, some at a time.
DELETE FROM history WHERE message_id IN (SELECT message_id FROM history WHERE message_id < ? ORDER BY message_id LIMIT 2000);

-- name: purge_incidents
-- Only the oldest are looked at, here and below: these tables grow in the order of their times.
DELETE FROM incident WHERE incident_id IN (
    SELECT incident_id FROM (SELECT incident_id, at_ms FROM incident ORDER BY incident_id LIMIT 2000) oldest WHERE at_ms < ?);

-- name: purge_ambiguous
-- Doubts beyond history's days, some at a time.
DELETE FROM ambiguous WHERE ambiguous_id IN (
    SELECT ambiguous_id FROM (SELECT ambiguous_id, since_ms FROM ambiguous ORDER BY ambiguous_id LIMIT 2000) oldest
    WHERE since_ms < ?);

-- name: purge_parked
-- Receipts that matched nothing in all that time.
DELETE FROM parked_receipt WHERE parked_id IN (
    SELECT parked_id FROM (SELECT parked_id, received_ms FROM parked_receipt ORDER BY parked_id LIMIT 2000) oldest
    WHERE received_ms < ?);

-- name: purge_dead
-- Dead letters beyond history's days.
DELETE FROM dead_delivery WHERE rowid IN (
    SELECT rowid FROM (SELECT rowid, died_ms FROM dead_delivery ORDER BY rowid LIMIT 2000) oldest WHERE died_ms < ?);

-- name: count_sets
-- How many sets of segments each account has open.
SELECT account, count(*) FROM (SELECT DISTINCT account, source, destination, reference, total FROM gathered_part
WHERE carrier IS NULL) open GROUP BY account;

-- name: look_at_set
-- How many segments of a set are there, and whether this one is.
SELECT count(*), coalesce(sum(CASE part WHEN ?6 THEN 1 ELSE 0 END), 0) FROM gathered_part WHERE account = ?1 AND source = ?2 AND destination = ?3
AND reference = ?4 AND total = ?5 AND carrier IS NULL;

-- name: oldest_set
-- The set of an account that was opened first.
SELECT account, source, destination, reference, total FROM gathered_part
WHERE account = ? AND carrier IS NULL ORDER BY message_id LIMIT 1;

-- name: list_old_sets
-- Sets whose missing segments are not waited for any more, some at a time.
SELECT DISTINCT account, source, destination, reference, total FROM (
    SELECT * FROM gathered_part WHERE received_ms < ? AND carrier IS NULL ORDER BY received_ms LIMIT ?) oldest;

-- name: gather_part
-- A segment waits for the others of its set.
INSERT INTO gathered_part (message_id, account, source, destination, reference, total, part, received_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: list_set
-- The messages of a set, in the order of their numbers.
SELECT g.part, m.user_data, m.esm_class, m.data_coding, m.message_id, m.tlvs, m.connector, m.due_ms, m.flags,
    m.registered_delivery
FROM gathered_part g CROSS JOIN message m USING (message_id)
WHERE g.account = ? AND g.source = ? AND g.destination = ? AND g.reference = ? AND g.total = ? AND g.carrier IS NULL
ORDER BY g.part;

-- name: make_carrier
-- One of them carries the text of all; 4 is WHOLE, 1 PER_PART.
UPDATE message SET user_data = ?, esm_class = ?, tlvs = ?, segments = ?, progress = 0, flags = flags & ~1 | 4
WHERE message_id = ?;

-- name: carry
-- The others go up with it.
UPDATE message SET progress = 4 WHERE message_id = ?;

-- name: close_set
-- Its set is complete.
UPDATE gathered_part SET carrier = ? WHERE account = ? AND source = ? AND destination = ? AND reference = ? AND total = ? AND carrier IS NULL;

-- name: drop_set
-- Its segments wait for each other no more.
DELETE FROM gathered_part WHERE account = ? AND source = ? AND destination = ? AND reference = ? AND total = ? AND carrier IS NULL;

-- name: send_alone
-- A segment goes up as it came.
UPDATE message SET progress = 0 WHERE message_id = ? AND progress = 3 RETURNING connector, due_ms;

-- name: end_carried
-- What goes up with a message ends as it does.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms, info)
SELECT g.message_id, e.state, e.error, e.done_ms, e.info
FROM temp.ended e CROSS JOIN gathered_part g ON g.carrier = e.message_id
WHERE g.message_id <> e.message_id;

-- name: fill_carried_history
-- How it went is what is known of its carrier.
UPDATE history SET (connector, submitted_ms, upstream_id, retries, doubts)
    = (c.connector, c.submitted_ms, c.upstream_id, c.retries, c.doubts)
FROM temp.ended e CROSS JOIN gathered_part g ON g.message_id = e.message_id
    CROSS JOIN history c ON c.message_id = g.carrier
WHERE history.message_id = e.message_id AND g.carrier <> g.message_id;

-- name: forget_gathered
-- Ended segments wait for nothing.
DELETE FROM gathered_part WHERE message_id IN (SELECT message_id FROM temp.ended) RETURNING carrier;

-- name: count_ending
-- How many messages end.
SELECT count(*) FROM temp.ended;

-- name: find_live
-- A message of an account that has not ended, or the one that carries it.
SELECT c.message_id, m.progress, c.connector, m.source, m.destination, m.esm_class, m.data_coding, m.segments,
    m.service_type, CASE WHEN c.retries = 0 AND c.progress = 0 THEN CASE WHEN c.due_ms > 0 THEN c.due_ms ELSE 0 END ELSE 0 END, c.sent_as
FROM message m LEFT JOIN gathered_part g ON g.message_id = m.message_id AND m.progress = 4
CROSS JOIN message c ON c.message_id = coalesce(g.carrier, m.message_id)
WHERE m.message_id = ? AND m.account = ?;

-- name: find_ended
-- One that has.
SELECT state, done_ms, error, source, destination, connector, upstream_id, segments
FROM history WHERE message_id = ? AND account = ?;

-- name: connector_of
-- By which connector a live message goes, and with which addresses.
SELECT connector, sent_as FROM message WHERE message_id = ?;

-- name: list_upstream_ids
-- What its SMSC calls the segments that it took, and whether their end is known.  Segments that another one took
-- before it have ids that mean something else here.
SELECT upstream_id, attempt = 3 FROM submission WHERE message_id = ?1 AND attempt IN (1, 3) AND upstream_id <> ''
AND connector = coalesce((SELECT connector FROM message WHERE message_id = ?1),
    (SELECT connector FROM history WHERE message_id = ?1)) ORDER BY segment;

-- name: index_waiting
-- What waits, by its number: made when somebody asks for the first time in a run, because it costs a deep queue
-- half of its speed.
CREATE INDEX IF NOT EXISTS message_waiting ON message (destination) WHERE progress <> 1;

-- name: drop_waiting_index
-- Perhaps nobody asks in this run.
DROP INDEX IF EXISTS message_waiting;

-- name: find_waiting_to
-- What waits for a number, some at a time.
SELECT message_id FROM message WHERE destination = ?3 AND progress <> 1 AND progress <> 4 AND account = ?1
AND source = ?2 AND ?4 IN ('', service_type) ORDER BY message_id LIMIT ?5;

-- name: end_cancelled
-- A message ends of which nothing was sent or is about to be.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms)
SELECT message_id, 4, '', ?2 FROM message WHERE message_id = ?1 AND progress NOT IN (1, 4)
AND NOT EXISTS (SELECT 1 FROM submission WHERE message_id = ?1);

-- name: is_ending
-- Whether a message ends with this batch.
SELECT 1 FROM temp.ended WHERE message_id = ?;

-- name: end_replaced
-- The same of those whose place another one takes: message_id, account, source, destination, service_type, now_ms.
-- Segments of the same set replace each other not.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms)
SELECT m.message_id, 4, 'replaced', ?6 FROM message m LEFT JOIN gathered_part g ON g.message_id = m.message_id
WHERE m.destination = ?4 AND m.progress <> 1 AND m.progress <> 4 AND m.account = ?2 AND m.source = ?3
AND m.service_type = ?5 AND m.message_id < ?1 AND EXISTS (SELECT 1 FROM message WHERE message_id = ?1)
AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.message_id = m.message_id)
AND NOT EXISTS (SELECT 1 FROM gathered_part own WHERE own.message_id = ?1 AND own.account = g.account
    AND own.source = g.source AND own.destination = g.destination AND own.reference = g.reference
    AND own.total = g.total AND own.carrier IS g.carrier)
LIMIT 1000;

-- name: replace_text
-- A message of which nothing was sent gets another text; see Batch.replacements.  4 is WHOLE.
UPDATE message SET user_data = ?3, segments = ?4, esm_class = ?5, data_coding = ?6,
    due_ms = CASE WHEN ?7 < 0 THEN due_ms ELSE ?7 END,
    validity_period = CASE WHEN ?8 > 0 THEN ?9 ELSE validity_period END,
    expires_ms = CASE WHEN ?8 > 0 THEN ?8 ELSE expires_ms END, registered_delivery = ?10
WHERE message_id = ?2 AND account = ?1 AND progress IN (0, 2, 5) AND (flags & 4) = 0 AND expires_ms > ?11
AND NOT EXISTS (SELECT 1 FROM submission WHERE message_id = ?2)
RETURNING connector, due_ms, progress;

-- name: insert_mail
-- A mail that came in; one whose key is known is a repeated one and leaves no row.
INSERT INTO mail (mail_id, key, account, received_ms, sender, envid, header_id, subject, client_id, returned, whole)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING;

-- name: find_mail
-- The mail that came first with this key, and when.
SELECT mail_id, received_ms FROM mail WHERE key = ?;

-- name: forget_key
-- It came too long ago to be the same.
UPDATE mail SET key = NULL WHERE mail_id = ?;

-- name: insert_mail_recipient
-- Whom a mail's message goes to, and what its sender wants to hear of it.
INSERT INTO mail_recipient (message_id, mail_id, address, orcpt, notify, number, own_number)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: write_reports
-- A report to a mail's sender who asked for one: 1 is SUCCESS, 2 FAILURE.
INSERT OR IGNORE INTO letter (kind, recipient, created_ms, due_ms, message_id, state, error, done_ms,
    number, own_number, text, mail_id)
SELECT 1, l.sender, e.done_ms, e.done_ms, e.message_id, e.state, e.error, e.done_ms,
    r.number, r.own_number, CASE WHEN substr(e.info, 1, 4) = 'tlv:' THEN '' ELSE e.info END, r.mail_id
FROM temp.ended e CROSS JOIN mail_recipient r USING (message_id) CROSS JOIN mail l USING (mail_id)
WHERE l.sender <> '' AND (r.notify & CASE WHEN e.state IN (2, 6) THEN 1 ELSE 2 END) <> 0
ORDER BY e.message_id;

-- name: drop_delay_notices
-- It is over: nobody needs to hear any more that it takes long.
DELETE FROM letter WHERE kind = 2 AND message_id IN (SELECT message_id FROM temp.ended);

-- name: find_answered
-- The mail that an incoming SMS answers: the newest one to that number, from ours, that has a sender.
SELECT l.sender, l.mail_id FROM (
    SELECT message_id, mail_id FROM mail_recipient WHERE number = ?1 AND own_number IN ('', ?2)
    ORDER BY message_id DESC LIMIT 100) newest CROSS JOIN mail l USING (mail_id)
WHERE l.sender <> '' AND l.received_ms >= ?3 ORDER BY newest.message_id DESC LIMIT 1;

-- name: insert_letter
-- An incoming SMS for a mailbox.
INSERT INTO letter (kind, recipient, mail_id, created_ms, due_ms, number, own_number, text)
VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7);

-- name: insert_part
-- A part of a long incoming SMS waits for the others, or has come again.
INSERT INTO incoming_part (connector, number, own_number, reference, total, part, text, received_ms,
    answers_since_ms, addresses, joined, whole, account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (connector, number, own_number, reference, total, part) DO UPDATE SET
    text = excluded.text, received_ms = excluded.received_ms, answers_since_ms = excluded.answers_since_ms,
    addresses = excluded.addresses, joined = excluded.joined, whole = excluded.whole, account = excluded.account,
    message_id = excluded.message_id, created_ms = excluded.created_ms, source_ton = excluded.source_ton,
    source_npi = excluded.source_npi, source = excluded.source, destination_ton = excluded.destination_ton,
    destination_npi = excluded.destination_npi, destination = excluded.destination,
    esm_class = excluded.esm_class, protocol_id = excluded.protocol_id, data_coding = excluded.data_coding,
    user_data = excluded.user_data, tlvs = excluded.tlvs, state = excluded.state, error = excluded.error,
    accepted_ms = excluded.accepted_ms, done_ms = excluded.done_ms, segments = excluded.segments;

-- name: part_text
-- What a part says that came before, and whether it has gone on.
SELECT text, joined FROM incoming_part
WHERE connector = ? AND number = ? AND own_number = ? AND reference = ? AND total = ? AND part = ?;

-- name: list_parts
-- The parts of a long incoming SMS that are there and have not gone on (0), or that came again (2), in order.
SELECT part, text, received_ms, answers_since_ms, addresses, account, whole FROM incoming_part
WHERE connector = ? AND number = ? AND own_number = ? AND reference = ? AND total = ?
AND joined = ? ORDER BY part;

-- name: list_part_deliveries
-- What an account would get of each part.
SELECT part, account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments
FROM incoming_part WHERE connector = ?1 AND number = ?2 AND own_number = ?3 AND reference = ?4 AND total = ?5
AND account IS NOT NULL AND joined = 0 ORDER BY part;

-- name: delete_parts
-- What there was of it has gone on.
DELETE FROM incoming_part WHERE connector = ? AND number = ? AND own_number = ? AND reference = ? AND total = ?
AND joined = 0;

-- name: keep_parts
-- It has gone on with all its parts: one that comes again will be known.
UPDATE incoming_part SET joined = 1, received_ms = ? WHERE connector = ? AND number = ? AND own_number = ? AND reference = ? AND total = ?;

-- name: forget_parts
-- Another one has its reference now; what came again before this part may be the beginning of it.
DELETE FROM incoming_part WHERE connector = ? AND number = ? AND own_number = ? AND reference = ? AND total = ?
AND (joined = 1 OR (joined = 2 AND part >= ?));

-- name: wait_again
-- What came again is another one, or the beginning of it.
UPDATE incoming_part SET joined = 0 WHERE connector = ? AND number = ? AND own_number = ? AND reference = ? AND total = ?
AND joined = 2;

-- name: purge_parts
-- They went on, or came again, so long ago that nothing follows any more; some at a time.
DELETE FROM incoming_part WHERE (connector, number, own_number, reference, total, part) IN (
    SELECT connector, number, own_number, reference, total, part FROM incoming_part
    WHERE received_ms < ? AND joined > 0 ORDER BY received_ms LIMIT ?);

-- name: list_old_parts
-- Long incoming SMS whose missing parts are not waited for any more, some at a time.
SELECT DISTINCT connector, number, own_number, reference, total FROM (
    SELECT * FROM incoming_part WHERE received_ms < ? AND joined = 0 ORDER BY received_ms LIMIT ?) oldest;

-- name: count_parts
-- How many parts wait, by the connector that they came by.
SELECT connector, count(*) FROM incoming_part WHERE joined = 0 GROUP BY connector;

-- name: claim_letters
-- The next letters to send, each once in a run, with the mail and the recipient that they are about.
SELECT t.letter_id, t.kind, t.recipient, t.created_ms, t.tries, coalesce(t.message_id, 0), t.state, t.error,
    t.done_ms, t.number, t.own_number, t.text, coalesce(t.mail_id, 0), coalesce(l.received_ms, 0), coalesce(l.envid, ''),
    coalesce(l.header_id, ''), coalesce(l.subject, ''), coalesce(l.returned, x''), coalesce(l.whole, 0),
    coalesce(r.address, ''), coalesce(r.orcpt, ''), coalesce(h.connector, '')
FROM letter t LEFT JOIN mail l ON l.mail_id = t.mail_id LEFT JOIN mail_recipient r ON r.message_id = t.message_id
LEFT JOIN history h ON h.message_id = t.message_id
WHERE t.due_ms <= ? AND t.claimed_boot <> ? ORDER BY t.due_ms, t.letter_id LIMIT ?;

-- name: mark_claimed
-- Somebody sends it now.
UPDATE letter SET claimed_boot = ? WHERE letter_id = ?;

-- name: next_letter
-- When there is another one to send.
SELECT due_ms FROM letter WHERE claimed_boot <> ? ORDER BY due_ms, letter_id LIMIT 1;

-- name: put_off_letter
-- Nobody took it for now.
UPDATE letter SET tries = tries + 1, claimed_boot = 0, due_ms = ?2, last_error = ?3 WHERE letter_id = ?1;

-- name: bury_letter
-- Nobody will ever take it.
INSERT INTO dead_letter SELECT *, ?2, ?3 FROM letter WHERE letter_id = ?1;

-- name: delete_letter
-- It was sent, or buried.
DELETE FROM letter WHERE letter_id = ?;

-- name: list_old_letters
-- Letters that have waited too long, and that nobody is sending; only the oldest are looked at.
SELECT letter_id FROM (SELECT letter_id, created_ms, claimed_boot FROM letter ORDER BY letter_id LIMIT ?3) oldest
WHERE created_ms < ?1 AND claimed_boot <> ?2;

-- name: purge_dead_letters
-- Dead letters beyond history's days.
DELETE FROM dead_letter WHERE rowid IN (
    SELECT rowid FROM (SELECT rowid, died_ms FROM dead_letter ORDER BY rowid LIMIT 2000) oldest WHERE died_ms < ?);

-- name: list_old_mails
-- Old mails, some at a time, how large they are, and whether something may still be said to their senders.
SELECT mail_id, length(returned), EXISTS (SELECT 1 FROM letter t WHERE t.mail_id = l.mail_id)
    OR EXISTS (SELECT 1 FROM mail_recipient r JOIN message USING (message_id) WHERE r.mail_id = l.mail_id)
FROM mail l WHERE mail_id > ? AND mail_id < ? ORDER BY mail_id LIMIT ?;

-- name: delete_mail
-- Nothing more will be said of it.
DELETE FROM mail WHERE mail_id = ?;

-- name: delete_mail_recipients
-- Nor of its messages.
DELETE FROM mail_recipient WHERE mail_id = ?;

-- name: take_late
-- Messages whose delay their sender wants to hear of, once, some at a time; 4 is DELAY.  Those that have ended
-- are taken too, so that nobody looks at them again; those that are held wait.
UPDATE mail_recipient SET notify = notify & 3 WHERE message_id IN (
    SELECT message_id FROM mail_recipient r WHERE notify & 4 AND message_id < ?
    AND NOT EXISTS (SELECT 1 FROM message m WHERE m.message_id = r.message_id AND m.progress = 2)
    ORDER BY message_id LIMIT ?)
RETURNING message_id;

-- name: write_delay
-- A notice to the mail's sender that a message still waits; done_ms: it is given up then.
INSERT OR IGNORE INTO letter (kind, recipient, created_ms, due_ms, message_id, done_ms, number, own_number, mail_id)
SELECT 2, l.sender, ?2, ?2, m.message_id, m.expires_ms, r.number, r.own_number, r.mail_id
FROM message m CROSS JOIN mail_recipient r USING (message_id) CROSS JOIN mail l USING (mail_id)
WHERE m.message_id = ?1 AND m.origin = 1 AND l.sender <> '';
