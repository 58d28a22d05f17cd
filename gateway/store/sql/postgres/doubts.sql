-- What nobody knows of segments that were sent, for all of them at once: a node that takes over from a lost one has all
-- that this had under way in doubt, in one transaction.

-- name: lock_in_doubt
-- Before it is decided about their messages: what the next statement sees of them is what they are.
-- rows: bigint
SELECT 1 FROM (SELECT DISTINCT message_id FROM unnest($1::bigint[]) r (message_id) ORDER BY message_id) r CROSS JOIN LATERAL
    (SELECT 1 FROM message WHERE message_id = r.message_id FOR UPDATE) m;

-- name: doubt
-- Marks the segments that have no answer, and does what the statements of the queue do for one after the other
-- (mark_doubt and those behind it).  The first segment of a message decides for all: those after it find the message
-- held, or queued with another segment in doubt, and only get their lines.  Given: n, message_id, segment, now_ms,
-- evidence, link, sent_ms.  Gives how many segments are in doubt now, and the connectors of messages that are queued
-- again: connector or NULL, rows.
-- rows: bigint bigint bigint bigint text text bigint
WITH marked AS (
    UPDATE submission s SET attempt = 2
    FROM (SELECT DISTINCT ON (message_id, segment) * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],
            $5::text[], $6::text[], $7::bigint[]) r (n, message_id, segment, now_ms, evidence, link, sent_ms)
        ORDER BY message_id, segment, n) r
    WHERE s.message_id = r.message_id AND s.segment = r.segment AND s.attempt = 0
    RETURNING r.*, s.connector, s.boot),
found AS MATERIALIZED (
    SELECT k.*, m.message_id IS NOT NULL AS live, m.connector AS queue, m.on_ambiguous, m.progress,
        row_number() OVER (PARTITION BY k.message_id ORDER BY k.n) = 1 AS decides,
        CASE WHEN m.on_ambiguous = 3 OR m.progress = 2 THEN NULL WHEN m.on_ambiguous = 2 THEN 2
            WHEN m.progress <> 1 AND EXISTS (SELECT FROM submission o WHERE o.message_id = k.message_id AND o.attempt = 2)
            THEN NULL WHEN m.on_ambiguous = 0 AND m.doubts > 0 THEN 2 ELSE 0 END AS becomes
    FROM marked k LEFT JOIN LATERAL (SELECT * FROM message WHERE message_id = k.message_id OFFSET 0) m ON true),
told AS (
    INSERT INTO incident (message_id, at_ms, text)
    SELECT message_id, now_ms, 'in doubt: ' || evidence FROM found ORDER BY n),
failed AS (
    INSERT INTO pg_temp.ended (message_id, state, error, done_ms)
    SELECT message_id, 7, 'ambiguous', now_ms FROM found WHERE decides AND on_ambiguous = 3 ON CONFLICT DO NOTHING),
changed AS (
    UPDATE message m SET progress = f.becomes, doubts = m.doubts + 1,
        due_ms = CASE WHEN f.becomes = 2 OR f.progress = 0 THEN m.due_ms ELSE 0 END
    FROM found f WHERE f.decides AND f.becomes IS NOT NULL AND m.message_id = f.message_id),
listed AS (
    INSERT INTO ambiguous (message_id, segment, connector, boot, since_ms, evidence, link, sent_ms, action)
    SELECT message_id, segment, connector, boot, now_ms, evidence, link, sent_ms,
        CASE WHEN on_ambiguous = 3 THEN 'fail' WHEN coalesce(becomes, progress) = 2 THEN 'hold' ELSE 'resend' END
    FROM found WHERE live ORDER BY n)
SELECT CASE WHEN decides AND becomes = 0 THEN queue END AS queue, count(*) FROM found GROUP BY 1;
