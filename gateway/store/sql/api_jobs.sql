-- Mailing lists (jobs.php): records of the kind "job".

-- name: jobs_due
-- Those of which something is to be done, and when (ms).
SELECT account, record_id, data ->> '$.next_ms' AS next_ms FROM record WHERE kind = 'job' AND data ->> '$.next_ms' > 0;

-- name: jobs_made
-- Of an account, the newest first: account, 1 for those of mails (else 0), made from a moment on and before another
-- (ms), rows at the most.
SELECT record_id, name, data FROM record
WHERE account = ?1 AND kind = 'job' AND data ->> '$.is_mail' = ?2
    AND data ->> '$.created_ms' >= ?3 AND data ->> '$.created_ms' < ?4 ORDER BY record_id DESC LIMIT ?5;

-- name: jobs_size
-- How many an account has, and the characters of them.
SELECT count(*) AS count, coalesce(sum(length(data)), 0) AS size FROM record WHERE account = ? AND kind = 'job';

-- name: jobs_over
-- The oldest lists of an account of which nothing is to be done any more: account, rows at the most.
SELECT record_id FROM record WHERE account = ? AND kind = 'job' AND data ->> '$.next_ms' = 0 ORDER BY record_id LIMIT ?;

-- name: job_delivered
-- How many messages with ids from and to these were delivered: account, a JSON array of pairs, MessageState.
SELECT count(*) AS count
FROM json_each(?2) j CROSS JOIN api_message a ON a.message_id BETWEEN j.value ->> 0 AND j.value ->> 1
CROSS JOIN history h ON h.message_id = a.message_id WHERE a.account = ?1 AND h.state = ?3;

-- name: job_messages
-- The messages with ids from and to these, and how they have ended: account, the first id, the last one.
SELECT a.message_id, a.phone, h.state FROM api_message a LEFT JOIN history h ON h.message_id = a.message_id
WHERE a.message_id BETWEEN ?2 AND ?3 AND a.account = ?1 ORDER BY a.message_id;
