-- What most receipts are: the only one of a message of one segment that nobody has doubts about, paid for, sent by
-- mail or over HTTP, or waits to be called for.

-- name: end_plain
-- Ends the messages of these receipts, as the statements of the queue do it for all others: looks the segment up, locks
-- the message, closes the segment, keeps history, text and count, writes what goes down, deletes the message.  Gives
-- n, account, message_id of each receipt that it has dealt with, and then the deliveries for sessions here, n being
-- NULL.  The flags are WHOLE, CHARGED, CALLED and a place in a submit_multi (see Wish).
-- rows: bigint text text bigint text bigint text
WITH found AS MATERIALIZED (
    SELECT DISTINCT ON (s.message_id) r.n, r.state, r.error, r.received_ms, r.info, s.message_id, s.submitted_ms,
        s.upstream_id
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
        r (n, connector, key_same, state, error, received_ms, info)
    CROSS JOIN LATERAL (SELECT message_id, submitted_ms, upstream_id FROM submission s
        WHERE s.upstream_key = r.key_same AND s.connector = r.connector AND s.attempt <> 3 LIMIT 1) s
    ORDER BY s.message_id, r.n),
ended AS MATERIALIZED (
    SELECT f.n, f.state, f.error, f.received_ms AS done_ms, f.info, f.submitted_ms, f.upstream_id, m.*
    FROM found f CROSS JOIN LATERAL (
        SELECT message_id, account, accepted_ms, source_ton, source_npi, source, destination_ton, destination_npi,
            destination, esm_class, registered_delivery, data_coding, user_data, connector, retries, doubts, route,
            client_id
        FROM message WHERE message_id = f.message_id AND segments = 1 AND origin = 0 AND progress = 1
        AND flags & 12884836372 = 0 FOR UPDATE) m
    WHERE NOT EXISTS (SELECT 1 FROM ambiguous a WHERE a.message_id = f.message_id AND a.settled_ms IS NULL)),
closed AS (
    UPDATE submission s SET attempt = 3, state = e.state, error = e.error FROM ended e
    WHERE s.message_id = e.message_id AND s.segment = 1),
gone AS (
    DELETE FROM message m USING ended e WHERE m.message_id = e.message_id),
kept AS (
    INSERT INTO history
    SELECT message_id, account, accepted_ms, source, destination, registered_delivery, 1, connector, submitted_ms,
        upstream_id, state, error, done_ms, retries, doubts, 0,
        CASE WHEN registered_delivery & 12 <> 0 THEN (source_ton::bigint << 24) | (source_npi::bigint << 16)
            | (destination_ton::bigint << 8) | destination_npi END,
        route, client_id
    FROM ended ON CONFLICT DO NOTHING),
texts AS (
    INSERT INTO history_text (message_id, esm_class, data_coding, user_data)
    SELECT message_id, esm_class, data_coding, user_data FROM ended
    WHERE user_data <> ''::bytea AND EXISTS (SELECT FROM setting WHERE name = 'keeps_texts' AND value = 1)
    ON CONFLICT DO NOTHING),
counted AS (
    INSERT INTO statistics (day, account, connector, state, messages, segments, amount, node)
    SELECT accepted_ms / 86400000 AS day, account, connector, state, count(*), count(*), 0,
        coalesce((SELECT node FROM pg_temp.me), 0)
    FROM ended GROUP BY day, account, connector, state
    ON CONFLICT (day, account, connector, state, node) DO UPDATE SET
        messages = statistics.messages + excluded.messages, segments = statistics.segments + excluded.segments),
down AS (
    INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
        destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
        state, error, accepted_ms, done_ms, segments, claimed_boot)
    SELECT e.account, e.message_id, e.done_ms, e.destination_ton, e.destination_npi, e.destination,
        e.source_ton, e.source_npi, e.source, 4, 0, e.data_coding,
        CASE WHEN e.esm_class & 64 <> 0 OR e.data_coding NOT IN (0, 1, 3) THEN ''::bytea
            ELSE substr(e.user_data, 1, 20) END,
        convert_to(e.info, 'UTF8'), e.state, e.error, e.accepted_ms, e.done_ms, 1,
        CASE WHEN EXISTS (SELECT 1 FROM pg_temp.receiver r WHERE r.account = e.account) THEN me.boot ELSE 0 END
    FROM pg_temp.me me, ended e
    WHERE (e.registered_delivery & 3) = 1 OR ((e.registered_delivery & 3) = 2 AND e.state NOT IN (2, 6))
        OR ((e.registered_delivery & 3) = 3 AND e.state = 2)
    RETURNING *)
SELECT n, account, message_id, 0 AS created_ms, 0 AS source_ton, 0 AS source_npi, '' AS source,
    0 AS destination_ton, 0 AS destination_npi, '' AS destination, 0 AS esm_class, 0 AS protocol_id, 0 AS data_coding,
    ''::bytea AS user_data, ''::bytea AS tlvs, 0 AS state, '' AS error, 0 AS accepted_ms, 0 AS done_ms, 0 AS segments,
    0 AS part, 0 AS delivery_id
FROM ended
UNION ALL
SELECT NULL, account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding,
    user_data, tlvs, state, error, accepted_ms, done_ms, segments,
    part, delivery_id
FROM down WHERE claimed_boot <> 0;
