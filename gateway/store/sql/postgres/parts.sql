-- Segments that their senders made themselves, and what senders ask for afterwards, among several nodes.

-- name: lock_sets
-- rows: text
-- Whoever looks at these sets of segments is the only one until its batch is over.
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS of (name) ORDER BY 1) sets;

-- name: try_set
-- The same of one, unless somebody looks at it already.
SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 0));

-- name: list_set
-- The messages of a set, in the order of their numbers; what ends on another node is none of them.
SELECT g.part, m.user_data, m.esm_class, m.data_coding, m.message_id, m.tlvs, m.connector, m.due_ms, m.flags,
    m.registered_delivery
FROM gathered_part g JOIN message m ON m.message_id = g.message_id
WHERE g.account = $1 AND g.source = $2 AND g.destination = $3 AND g.reference = $4 AND g.total = $5
    AND g.carrier IS NULL
ORDER BY g.part FOR UPDATE OF m;

-- name: carry
-- rows: bigint
-- The others go up with it.
UPDATE message SET progress = 4 WHERE message_id = ANY ($1::bigint[]);

-- name: end_carried
-- What goes up with a message ends as it does.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms, info)
SELECT m.message_id, e.state, e.error, e.done_ms, e.info
FROM pg_temp.ended e
CROSS JOIN LATERAL (SELECT * FROM gathered_part g WHERE g.carrier = e.message_id OFFSET 0) g
CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.message_id = g.message_id OFFSET 0 FOR UPDATE) m
WHERE g.message_id <> e.message_id ORDER BY m.message_id
ON CONFLICT DO NOTHING;

-- name: index_waiting
-- It is always there: nobody could make it while others write.
SELECT 1;

-- name: drop_waiting_index
-- Others may ask.
SELECT 1;

-- name: end_cancelled
-- A message ends of which nothing was sent or is about to be.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms)
SELECT m.message_id, 4, '', $2 FROM message m WHERE m.message_id = $1 AND m.progress NOT IN (1, 4)
AND NOT EXISTS (SELECT FROM submission s WHERE s.message_id = $1) FOR UPDATE OF m
ON CONFLICT DO NOTHING;

-- name: end_replaced
-- The same of those whose place another one takes: message_id, account, source, destination, service_type, now_ms.
-- Segments of the same set replace each other not.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms)
SELECT m.message_id, 4, 'replaced', $6 FROM message m LEFT JOIN gathered_part g ON g.message_id = m.message_id
WHERE m.destination = $4 AND m.progress <> 1 AND m.progress <> 4 AND m.account = $2 AND m.source = $3
AND m.service_type = $5 AND m.message_id < $1 AND EXISTS (SELECT FROM message n WHERE n.message_id = $1)
AND NOT EXISTS (SELECT FROM submission s WHERE s.message_id = m.message_id)
AND NOT EXISTS (SELECT FROM gathered_part own WHERE own.message_id = $1 AND own.account = g.account
    AND own.source = g.source AND own.destination = g.destination AND own.reference = g.reference
    AND own.total = g.total AND own.carrier IS NOT DISTINCT FROM g.carrier)
ORDER BY m.message_id LIMIT 1000 FOR UPDATE OF m
ON CONFLICT DO NOTHING;
