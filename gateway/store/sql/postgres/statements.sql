-- What PostgreSQL says otherwise of the queue.  Rows of a batch come as arrays.  Whatever puts messages into
-- pg_temp.ended locks them before, in the order of their ids, so that no two nodes end the same one; one that is
-- gone after the wait is left out by PostgreSQL itself.

-- name: write_boot_again
-- Changes nothing, and has to be written.
UPDATE boot SET started_ms = started_ms WHERE boot_id = $1;

-- name: newest_id
-- The highest message_id or mail_id that was ever given.
SELECT greatest(coalesce((SELECT max(message_id) FROM message), 0), coalesce((SELECT max(message_id) FROM history), 0),
    coalesce((SELECT max(mail_id) FROM mail), 0));

-- name: insert_message
-- Takes responsibility for messages.
-- rows: bigint text bigint text bigint bigint text bigint bigint text bigint bigint bigint bigint bigint bytea bytea bigint text text bigint bigint bigint text bigint bigint bigint text text text bigint
INSERT INTO message (
    message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, origin, flags, route, client_id, sent_as, progress)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
    $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
    $15::bigint[], $16::bytea[], $17::bytea[], $18::bigint[], $19::text[], $20::text[], $21::bigint[],
    $22::bigint[], $23::bigint[], $24::text[], $25::bigint[], $26::bigint[], $27::bigint[], $28::text[],
    $29::text[], $30::text[], $31::bigint[]);

-- name: insert_intent
-- Says that segments are about to be sent; one whose attempt ended in doubt gets a new one.
-- rows: bigint bigint text bigint bigint
INSERT INTO submission (message_id, segment, connector, intent_ms, boot, attempt)
SELECT r.*, 0 FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[]) r
ON CONFLICT (message_id, segment) DO UPDATE SET
    connector = excluded.connector, intent_ms = excluded.intent_ms, boot = excluded.boot, attempt = 0,
    submitted_ms = NULL, upstream_id = NULL, upstream_key = NULL, state = NULL, error = '', noticed = 0;

-- name: insert_assigned
-- The same with the ids that we have given them, before they are sent.
-- rows: bigint bigint text bigint text text bigint
INSERT INTO submission (message_id, segment, connector, intent_ms, upstream_id, upstream_key, boot, attempt)
SELECT r.*, 0 FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[]) r
ON CONFLICT (message_id, segment) DO UPDATE SET
    connector = excluded.connector, intent_ms = excluded.intent_ms, boot = excluded.boot, attempt = 0,
    submitted_ms = NULL, upstream_id = excluded.upstream_id, upstream_key = excluded.upstream_key, state = NULL,
    error = '', noticed = 0;

-- name: record_submitted
-- The SMSC took segments and gave them ids; one whose message has ended meanwhile stays ended.
-- rows: bigint text text bigint bigint
UPDATE submission s SET attempt = CASE s.attempt WHEN 3 THEN 3 ELSE 1 END, submitted_ms = r.submitted_ms,
    upstream_id = r.upstream_id, upstream_key = r.upstream_key
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
    r (submitted_ms, upstream_id, upstream_key, message_id, segment)
WHERE s.message_id = r.message_id AND s.segment = r.segment;

-- name: drop_submission
-- The SMSC said no for now: the segments were not taken, so nothing of the attempt remains.
-- rows: bigint bigint
DELETE FROM submission s USING unnest($1::bigint[], $2::bigint[]) r (message_id, segment)
WHERE s.message_id = r.message_id AND s.segment = r.segment;

-- name: postpone_message
-- Back into a connector's queue; the first of several segments' times counts.  What is held, or held back, stays so.
-- rows: text bigint bigint bigint bigint
UPDATE message m SET connector = r.connector, retries = m.retries + r.answered,
    progress = CASE WHEN m.progress IN (2, 5) THEN m.progress ELSE 0 END,
    due_ms = CASE WHEN m.progress = 0 THEN least(m.due_ms, r.due_ms) ELSE r.due_ms END
FROM (SELECT message_id, min(connector) AS connector, sum(answered)::integer AS answered, min(due_ms) AS due_ms
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
        r (connector, answered, due_ms, due_ms_again, message_id) GROUP BY message_id) r
WHERE m.message_id = r.message_id;

-- name: insert_incident
-- Lines of messages' timelines.
-- rows: bigint bigint text
INSERT INTO incident (message_id, at_ms, text) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]);

-- name: insert_retry_incident
-- The same for a "not now" of the SMSC: the first twenty; `retries` counts the rest.
-- rows: bigint bigint text
INSERT INTO incident (message_id, at_ms, text) SELECT r.message_id, r.at_ms, r.text
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) r (message_id, at_ms, text)
JOIN message m ON m.message_id = r.message_id WHERE m.retries <= 20;

-- name: settle_by_end
-- The message has its end, so nothing about it is left to decide.
UPDATE ambiguous a SET settled_ms = e.done_ms,
    settled_by = CASE WHEN a.action = 'fail' THEN 'policy' WHEN e.state = 3 THEN 'end of validity'
        WHEN e.error = 'given up' THEN 'person: drop' ELSE 'end of the message' END
FROM pg_temp.ended e WHERE a.settled_ms IS NULL AND a.message_id = e.message_id
AND EXISTS (SELECT 1 FROM ambiguous WHERE settled_ms IS NULL);

-- name: requeue_unassigned
-- Claimed without intents by a run that is over, so nothing of it was sent, or nothing of what an earlier connector
-- left.
UPDATE message m SET progress = 0, claimed_boot = 0 WHERE m.claimed_boot = $1 AND m.claimed_boot <> 0 AND m.progress = 1
AND m.segments > (SELECT count(*) FROM submission s WHERE s.message_id = m.message_id);

-- name: list_open_intents
-- Segments that a run which is over was about to send, or sent, when it ended; of those whose id we gave, the
-- connector asks what became of them.
SELECT message_id, segment, intent_ms FROM submission WHERE attempt = 0 AND boot = $1 AND upstream_id IS NULL
ORDER BY message_id, segment;

-- name: list_open_sends
-- What a run that is over sent, or was about to send, with an id of ours.  Counted, for NOT EXISTS is not asked again
-- after the wait for a node that adopts the same just now.
SELECT m.message_id, m.account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, m.connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, origin, flags, route, client_id, sent_as, s.segment, s.intent_ms, s.upstream_id
FROM submission s JOIN message m USING (message_id)
WHERE s.attempt = 0 AND s.connector = $1 AND s.upstream_id IS NOT NULL AND s.boot <> $2
AND (SELECT count(*) FROM boot b WHERE b.boot_id = s.boot AND b.fenced = 0 AND b.stopped_ms IS NULL) = 0
ORDER BY s.message_id, s.segment FOR UPDATE OF s;

-- name: adopt_open_sends
-- This run knows of them now, and no other is told of them.
UPDATE submission s SET boot = $2
WHERE s.attempt = 0 AND s.connector = $1 AND s.upstream_id IS NOT NULL AND s.boot <> $2
AND NOT EXISTS (SELECT 1 FROM boot b WHERE b.boot_id = s.boot AND b.fenced = 0 AND b.stopped_ms IS NULL);

-- name: claim_messages
-- The next messages of a connector's queue that no other node is claiming, and which of their segments are under way
-- or taken.
SELECT message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, origin, flags, route, client_id, sent_as,
    (SELECT string_agg(segment::text, ',') FROM submission s WHERE s.message_id = m.message_id AND attempt <> 2)
FROM message m WHERE connector = $1 AND progress = 0 AND due_ms <= $2 ORDER BY due_ms, message_id LIMIT $3
FOR UPDATE SKIP LOCKED;

-- name: mark_sent
-- Claimed messages are on their way.
-- rows: bigint
UPDATE message m SET progress = 1, claimed_boot = 0 FROM unnest($1::bigint[]) r (message_id)
WHERE m.message_id = r.message_id;

-- name: mark_sent_without
-- Claimed messages whose intents follow are this run's.
-- rows: bigint
UPDATE message m SET progress = 1, claimed_boot = (SELECT boot FROM pg_temp.me) FROM unnest($1::bigint[]) r (message_id)
WHERE m.message_id = r.message_id;

-- name: set_mark
-- How far something was read.
INSERT INTO mark (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: insert_receipt_row
-- The receipts of this batch; those whose id is the id of a response as it stands have their segment at once.
-- rows: bigint text text text text text text bigint bigint text bigint text
INSERT INTO pg_temp.receipt (n, connector, upstream_id, key_same, key_second, key_third, peer, state, final, error,
    received_ms, info, message_id, segment, replay, how)
SELECT r.*, s.message_id, s.segment, CASE WHEN s.segment > 0 THEN 0 END, CASE WHEN s.segment > 0 THEN 1 END
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
    $9::bigint[], $10::text[], $11::bigint[], $12::text[])
    r (n, connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms, info)
LEFT JOIN LATERAL (SELECT message_id, segment FROM submission s
    WHERE s.upstream_key = r.key_same AND s.connector = r.connector AND s.attempt <> 3 LIMIT 1) s ON true;

-- name: match_same
-- So many have it already.
SELECT 1 FROM pg_temp.receipt WHERE message_id IS NOT NULL;

-- name: match_replay
-- The same of segments that have ended; later, because some SMSCs give the same ids again.  Each of these looks for a
-- receipt's segment by its id, whatever PostgreSQL believes of the sizes: receipts that came to another node than the
-- one that sent are many, and they may come before their responses.
UPDATE pg_temp.receipt r SET message_id = f.message_id, segment = f.segment, replay = 1, how = 1
FROM (SELECT t.ctid AS place, s.message_id, s.segment FROM pg_temp.receipt t CROSS JOIN LATERAL
        (SELECT message_id, segment FROM submission s
         WHERE s.upstream_key = t.key_same AND s.connector = t.connector AND s.attempt = 3 OFFSET 0) s
      WHERE t.message_id IS NULL) f
WHERE r.ctid = f.place;

-- name: match_second
-- Receipts whose id fits in a converted form; the number it came from must be the one the message went to.
UPDATE pg_temp.receipt r SET message_id = f.message_id, segment = f.segment, replay = (f.attempt = 3)::integer, how = 2
FROM (SELECT t.ctid AS place, s.message_id, s.segment, s.attempt
      FROM pg_temp.receipt t CROSS JOIN LATERAL
        (SELECT message_id, segment, attempt FROM submission s
         WHERE s.upstream_key = t.key_second AND s.connector = t.connector OFFSET 0) s
      LEFT JOIN message m ON m.message_id = s.message_id LEFT JOIN history h ON h.message_id = s.message_id
      WHERE t.message_id IS NULL
      AND right(coalesce(nullif(m.sent_as, ''), m.destination, h.destination), 7) = right(t.peer, 7)) f
WHERE r.ctid = f.place;

-- name: match_third
-- The same with the other conversion.
UPDATE pg_temp.receipt r SET message_id = f.message_id, segment = f.segment, replay = (f.attempt = 3)::integer, how = 3
FROM (SELECT t.ctid AS place, s.message_id, s.segment, s.attempt
      FROM pg_temp.receipt t CROSS JOIN LATERAL
        (SELECT message_id, segment, attempt FROM submission s
         WHERE s.upstream_key = t.key_third AND s.connector = t.connector OFFSET 0) s
      LEFT JOIN message m ON m.message_id = s.message_id LEFT JOIN history h ON h.message_id = s.message_id
      WHERE t.message_id IS NULL
      AND right(coalesce(nullif(m.sent_as, ''), m.destination, h.destination), 7) = right(t.peer, 7)) f
WHERE r.ctid = f.place;

-- name: unpark
-- Receipts that came before the responses with these ids, and the id of each.  They are looked up by their keys,
-- whatever PostgreSQL believes of how many there are; those that another node is taking at this moment are its own.
-- rows: text text
WITH found AS MATERIALIZED (
    SELECT DISTINCT ON (p.parked_id) p.*, r.key
    FROM (SELECT DISTINCT key, connector FROM unnest($1::text[], $2::text[]) r (key, connector)) r CROSS JOIN LATERAL (
        SELECT * FROM (SELECT * FROM parked_receipt WHERE key_same = r.key FOR UPDATE SKIP LOCKED) same UNION ALL
        SELECT * FROM (SELECT * FROM parked_receipt WHERE key_second = r.key FOR UPDATE SKIP LOCKED) second UNION ALL
        SELECT * FROM (SELECT * FROM parked_receipt WHERE key_third = r.key FOR UPDATE SKIP LOCKED) third OFFSET 0) p
    WHERE EXISTS (SELECT 1 FROM parked_receipt) AND p.connector = r.connector),
gone AS (
    DELETE FROM parked_receipt WHERE parked_id = ANY (ARRAY(SELECT parked_id FROM found)))
SELECT connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms, info, key
FROM found;

-- name: record_final
-- The first final receipt of a segment counts; it also settles a doubt.
UPDATE submission s SET attempt = 3, state = r.state, error = r.error
FROM (SELECT DISTINCT ON (message_id, segment) message_id, segment, state, error FROM pg_temp.receipt
      WHERE final = 1 AND replay = 0 ORDER BY message_id, segment, n) r
WHERE s.message_id = r.message_id AND s.segment = r.segment AND s.attempt <> 3;

-- name: touch_receipts
-- Messages of several segments that a receipt of this batch may have ended; `info` is of the last one.  They are
-- locked before their segments are counted, for two nodes may have a receipt for one message each.
INSERT INTO pg_temp.touched
SELECT m.message_id, m.flags & 1, r.received_ms, r.info
FROM (SELECT DISTINCT ON (message_id) message_id, received_ms, info FROM pg_temp.receipt
      WHERE final = 1 AND replay = 0 ORDER BY message_id, received_ms DESC, n) r CROSS JOIN LATERAL
    (SELECT message_id, flags FROM message WHERE message_id = r.message_id AND segments > 1 FOR UPDATE) m;

-- name: touched_per_part
-- Whether a sender wants a receipt for each of the segments.
SELECT 1 FROM pg_temp.touched WHERE per_part <> 0 LIMIT 1;

-- name: end_single
-- A message of one segment ends with its receipt.  The inner query begins with the receipts, whatever PostgreSQL
-- believes of the sizes: a queue may be long.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms, info)
SELECT m.message_id, r.state, r.error, r.received_ms, r.info
FROM (SELECT * FROM pg_temp.receipt WHERE final = 1 AND replay = 0 ORDER BY message_id, n) r CROSS JOIN LATERAL
    (SELECT message_id FROM message WHERE message_id = r.message_id AND segments = 1 FOR UPDATE) m
ON CONFLICT DO NOTHING;

-- name: end_folded
-- A message of several segments ends when all are final, or with the first failure, unless its sender wants a
-- receipt for each.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms, info, told)
SELECT m.message_id, coalesce(min(CASE WHEN s.state <> 2 THEN s.state END), 2),
    coalesce(min(CASE WHEN s.state <> 2 THEN s.error END), min(s.error)), t.done_ms, t.info, t.per_part
FROM pg_temp.touched t JOIN message m USING (message_id) JOIN submission s USING (message_id)
WHERE s.attempt = 3 GROUP BY m.message_id, t.message_id
HAVING count(*) = m.segments OR (bool_or(s.state <> 2) AND t.per_part = 0) ON CONFLICT DO NOTHING;

-- name: end_message
-- Messages end without a receipt: refused for good, given up, or expired.
-- rows: bigint bigint text bigint
INSERT INTO pg_temp.ended (message_id, state, error, done_ms)
SELECT r.* FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
        r (message_id, state, error, done_ms) ORDER BY message_id) r CROSS JOIN LATERAL
    (SELECT 1 FROM message WHERE message_id = r.message_id FOR UPDATE) m ON CONFLICT DO NOTHING;

-- name: settle_by_receipt
-- A receipt shows that the SMSC took the segment.
UPDATE ambiguous a SET settled_ms = r.received_ms, settled_by = 'receipt'
FROM (SELECT message_id, segment, min(received_ms) AS received_ms FROM pg_temp.receipt GROUP BY message_id, segment) r
WHERE a.settled_ms IS NULL AND a.message_id = r.message_id AND a.segment = r.segment
AND EXISTS (SELECT 1 FROM ambiguous WHERE settled_ms IS NULL);

-- name: lock_messages
-- Before the segments of a message are counted that another node may be counting too.
-- rows: bigint
SELECT 1 FROM (SELECT * FROM unnest($1::bigint[]) r (message_id) ORDER BY message_id) r CROSS JOIN LATERAL
    (SELECT 1 FROM message WHERE message_id = r.message_id AND segments > 1 FOR UPDATE) m;

-- name: end_handed_over
-- No receipt was asked for: messages end when the SMSC took their last segment.
-- rows: bigint bigint
INSERT INTO pg_temp.ended (message_id, state, error, done_ms, info)
SELECT r.message_id, 6, '', r.now_ms, ''
FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) r (message_id, now_ms) ORDER BY message_id) r CROSS JOIN LATERAL
    (SELECT 1 FROM message m WHERE message_id = r.message_id
    AND segments = (SELECT count(*) FROM submission s WHERE s.message_id = m.message_id AND attempt IN (1, 3)) FOR UPDATE) m
ON CONFLICT DO NOTHING;

-- name: end_expired
-- Validity is over and the message still waits here; some hundreds at a time.  What goes up with another ends
-- with that one; what is being claimed just now is looked at another time.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms, info)
SELECT message_id, 3, '', $1, '' FROM message WHERE progress <> 1 AND progress <> 4 AND expires_ms <= $1
ORDER BY expires_ms LIMIT 1000 FOR UPDATE SKIP LOCKED ON CONFLICT DO NOTHING;

-- name: end_without_receipt
-- Its receipt never came: long after the end of its validity a message ends as unknown.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms, info)
SELECT message_id, 7, 'no receipt', $1, '' FROM message
WHERE message_id > $2 AND message_id <= $3 AND progress = 1 AND expires_ms <= $4 ORDER BY message_id LIMIT $5
FOR UPDATE ON CONFLICT DO NOTHING;

-- name: count_ended
-- How many open messages each account has less; whether some came by mail, are (with) segments of their sender's,
-- were charged for, or came over HTTP or are to be called for (CALLED, bit 33).
SELECT m.account, count(*), bool_or(m.origin = 1), bool_or(m.progress > 2 OR m.flags & 4 <> 0), bool_or(m.flags & 16 <> 0),
    bool_or(m.origin = 2 OR m.flags >> 33 & 1 <> 0)
FROM pg_temp.ended JOIN message m USING (message_id) GROUP BY m.account;

-- name: write_history
-- Ended messages, without their text.
INSERT INTO history
SELECT m.message_id, m.account, m.accepted_ms, m.source, m.destination, m.registered_delivery, m.segments,
    m.connector, s.submitted_ms, s.upstream_id, e.state, e.error, e.done_ms, m.retries, m.doubts, m.origin,
    CASE WHEN m.registered_delivery & 12 <> 0
    THEN (m.flags >> 16 & 65535) << 32 | (m.source_ton::bigint << 24) | (m.source_npi::bigint << 16)
        | (m.destination_ton::bigint << 8) | m.destination_npi END,
    m.route, m.client_id
FROM pg_temp.ended e JOIN message m USING (message_id)
LEFT JOIN submission s ON s.message_id = m.message_id AND s.segment = 1
ON CONFLICT DO NOTHING;

-- name: write_deliveries
-- Receipts for whoever asked for one; source and destination change places.  Those of a submit_multi bear the id of
-- its first message (see Wish.behind).
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, claimed_boot)
SELECT m.account, m.message_id - (m.flags >> 16 & 65535), e.done_ms, m.destination_ton, m.destination_npi, m.destination,
    m.source_ton, m.source_npi, m.source, 4, 0, m.data_coding,
    CASE WHEN m.esm_class & 64 <> 0 OR m.data_coding NOT IN (0, 1, 3) THEN ''::bytea ELSE substr(m.user_data, 1, 20) END,
    convert_to(e.info, 'UTF8'), e.state, e.error, m.accepted_ms, e.done_ms, m.segments,
    CASE WHEN EXISTS (SELECT 1 FROM pg_temp.receiver r WHERE r.account = m.account) THEN me.boot ELSE 0 END
FROM pg_temp.me me, pg_temp.ended e JOIN message m USING (message_id)
WHERE m.origin = 0 AND e.told = 0 AND ((m.registered_delivery & 3) = 1
    OR ((m.registered_delivery & 3) = 2 AND e.state NOT IN (2, 6))
    OR ((m.registered_delivery & 3) = 3 AND e.state = 2))
ORDER BY e.message_id;

-- name: write_part_receipts
-- The same for segments that are final, for whoever wants to hear of each.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part)
SELECT m.account, m.message_id - (m.flags >> 16 & 65535), r.received_ms, m.destination_ton, m.destination_npi, m.destination,
    m.source_ton, m.source_npi, m.source, 4, 0, m.data_coding,
    CASE WHEN m.esm_class & 64 <> 0 OR m.data_coding NOT IN (0, 1, 3) THEN ''::bytea ELSE substr(m.user_data, 1, 20) END,
    convert_to(r.info, 'UTF8'), r.state, r.error, m.accepted_ms, r.received_ms, 1, r.segment
FROM (SELECT DISTINCT ON (message_id, segment) message_id, segment, state, error, received_ms, info, n FROM pg_temp.receipt
      WHERE final = 1 AND replay = 0 ORDER BY message_id, segment, n) r
JOIN pg_temp.touched t USING (message_id) JOIN message m USING (message_id)
WHERE t.per_part <> 0 AND m.origin = 0 AND ((m.registered_delivery & 3) = 1
    OR ((m.registered_delivery & 3) = 2 AND r.state NOT IN (2, 6))
    OR ((m.registered_delivery & 3) = 3 AND r.state = 2))
ORDER BY r.n;

-- name: list_notices
-- What receipts of this batch say beside an end, for whoever asked; what says it will not help after the end.
SELECT r.message_id, r.segment, CASE WHEN r.final > 1 THEN r.final ELSE 32 END, r.state, r.error, r.received_ms,
    r.info, m.message_id IS NOT NULL, coalesce(m.segments > 1 AND m.flags & 1 <> 0, false)
FROM pg_temp.receipt r LEFT JOIN message m ON m.message_id = r.message_id
    LEFT JOIN history h ON m.message_id IS NULL AND h.message_id = r.message_id
WHERE r.message_id IS NOT NULL AND (r.final > 1 OR (r.final = 0 AND r.state IN (1, 6)))
AND coalesce(m.origin, h.origin) = 0
AND coalesce(m.registered_delivery, h.registered_delivery) & CASE r.final WHEN 8 THEN 4 WHEN 16 THEN 8 ELSE 16 END <> 0
AND (r.final IN (8, 16) OR (r.replay = 0 AND m.message_id IS NOT NULL)) ORDER BY r.n;

-- name: mark_noticed
-- A notice that has not gone down yet; of a message's segments one says it for all, unless each is told of.
UPDATE submission SET noticed = noticed | $3::integer WHERE message_id = $1 AND segment = $2 AND noticed & $3::integer = 0
AND ($4 <> 0 OR NOT EXISTS (SELECT 1 FROM submission o WHERE o.message_id = $1 AND o.noticed & $3::integer <> 0));

-- name: write_notice
-- It goes down: message_id, esm_class, state, error, received_ms, TLVs, part, and of an acknowledgement its text.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part)
SELECT account, message_id - (flags >> 16 & 65535), $5, destination_ton, destination_npi, destination, source_ton, source_npi, source,
    $2, 0, data_coding, CASE WHEN $8::bytea IS NOT NULL THEN $8
    WHEN esm_class & 64 <> 0 OR data_coding NOT IN (0, 1, 3) THEN ''::bytea ELSE substr(user_data, 1, 20) END,
    $6, $3, $4, accepted_ms, $5, CASE WHEN $7 <> 0 THEN 1 ELSE segments END, $7
FROM message WHERE message_id = $1;

-- name: close_submissions
-- Nothing more is expected for the segments of ended messages.
UPDATE submission s SET attempt = 3 FROM pg_temp.ended e WHERE s.attempt <> 3 AND s.message_id = e.message_id;

-- name: delete_ended
-- Ended messages leave the live table.
DELETE FROM message m USING pg_temp.ended e WHERE m.message_id = e.message_id;

-- name: forget_submission
-- Repeated receipts for these messages would no longer be known.
-- rows: bigint
DELETE FROM submission s USING unnest($1::bigint[]) r (message_id) WHERE s.message_id = r.message_id AND s.attempt = 3;

-- name: new_deliveries
-- What this transaction added for the accounts that have sessions here; other nodes add some meanwhile.
SELECT delivery_id, account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part
FROM delivery WHERE delivery_id > $1 AND xmin = pg_current_xact_id()::xid AND claimed_boot <> 0 ORDER BY delivery_id;

-- name: keep_deliveries
-- Of what else it added, this run has in memory what its sessions receive.
UPDATE delivery d SET claimed_boot = me.boot FROM pg_temp.me me, pg_temp.receiver r
WHERE d.delivery_id > $1 AND d.xmin = pg_current_xact_id()::xid AND d.claimed_boot = 0 AND r.account = d.account;

-- name: fetch_deliveries
-- The next deliveries of an account that no node has in memory; they are this one's now.  An array, for a subquery in
-- a join may be asked again and again, and lock as many more each time.
UPDATE delivery d SET claimed_boot = me.boot FROM pg_temp.me me
WHERE d.delivery_id = ANY (ARRAY(
    SELECT delivery_id FROM delivery WHERE account = $1 AND claimed_boot = 0 AND delivery_id > $2
    ORDER BY delivery_id LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING d.delivery_id, account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part;

-- name: delete_deliveries
-- The accounts have them.
-- rows: bigint bigint
DELETE FROM delivery d USING unnest($1::bigint[], $2::bigint[]) r (first, last)
WHERE d.delivery_id BETWEEN r.first AND r.last;

-- name: list_accounts
-- The account of each open message, to be counted.
SELECT account FROM message;
