-- Mailing lists: what stands in their records is JSON.

-- name: jobs_due
-- Those of which something is to be done, and when (ms).
SELECT account, record_id, (data::json ->> 'next_ms')::bigint AS next_ms FROM record
WHERE kind = 'job' AND (data::json ->> 'next_ms')::bigint > 0;

-- name: jobs_made
-- Of an account, the newest first: account, 1 for those of mails (else 0), made from a moment on and before another
-- (ms), rows at the most.
SELECT record_id, name, data FROM record
WHERE account = $1 AND kind = 'job' AND (data::json ->> 'is_mail')::bigint = $2
    AND (data::json ->> 'created_ms')::bigint >= $3 AND (data::json ->> 'created_ms')::bigint < $4
ORDER BY record_id DESC LIMIT $5;

-- name: jobs_over
-- The oldest lists of an account of which nothing is to be done any more: account, rows at the most.
SELECT record_id FROM record WHERE account = $1 AND kind = 'job' AND (data::json ->> 'next_ms')::bigint = 0
ORDER BY record_id LIMIT $2;

-- name: job_delivered
-- How many messages with ids from and to these were delivered: account, a JSON array of pairs, MessageState.
SELECT coalesce(sum(found.times), 0) AS count
FROM jsonb_array_elements($2::jsonb) AS j (value) CROSS JOIN LATERAL (
    SELECT count(*) AS times FROM api_message a JOIN history h ON h.message_id = a.message_id
    WHERE a.account = $1 AND h.state = $3
        AND a.message_id BETWEEN (j.value ->> 0)::bigint AND (j.value ->> 1)::bigint) found;
