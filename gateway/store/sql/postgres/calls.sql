-- Calls to the handlers and webhooks of accounts, among several nodes.

-- name: insert_call
-- rows: bigint text bigint bigint bigint text text text bigint text bigint bigint bigint bigint text bigint bigint bytea text bigint
-- Something to tell: the target, Call's fields from the account on, and when.
INSERT INTO call (target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms)
SELECT target, 0, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::bigint[],
    $17::bigint[], $18::bytea[], $19::text[], $20::bigint[])
    WITH ORDINALITY AS of (target, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms, n)
ORDER BY n;

-- name: list_due_calls
-- The next ones for an account's handler or webhook: account, target, now_ms, rows at the most; but not what another
-- node claims just now.
SELECT due_ms, call_id FROM call WHERE claimed_boot = 0 AND account = $1 AND target = $2 AND due_ms <= $3
ORDER BY due_ms, call_id LIMIT $4 FOR UPDATE SKIP LOCKED;

-- name: delete_call
-- rows: bigint
-- It was taken, or buried.
DELETE FROM call WHERE call_id = ANY ($1::bigint[]);

-- name: put_off_call
-- rows: bigint bigint text
-- Not now: call_id, due_ms, reason.
UPDATE call c SET tries = c.tries + 1, claimed_boot = 0, due_ms = of.due_ms, reason = of.reason
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS of (call_id, due_ms, reason) WHERE c.call_id = of.call_id;

-- name: bury_call
-- rows: bigint text bigint
-- Nobody will ever take it: call_id, reason, now_ms.
INSERT INTO dead_call
SELECT c.call_id, target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error, done_ms,
    sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, of.reason, of.now_ms
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS of (call_id, reason, now_ms) JOIN call c ON c.call_id = of.call_id
ON CONFLICT DO NOTHING;

-- name: replay_call
-- A dead call waits again, as a new one: call_id, account ("": any), now_ms; once, whoever asks.
WITH gone AS (DELETE FROM dead_call WHERE call_id = $1 AND $2 IN ('', account) RETURNING *)
INSERT INTO call (target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms)
SELECT target, 0, account, kind, $3, message_id, api_id, phone, own_number, state, error, done_ms, sms_type, parts,
    cost, comment, esm_class, data_coding, user_data, info, $3
FROM gone;

-- name: list_old_calls
-- Calls that have waited too long, and that nobody is making; only the oldest are looked at.
SELECT c.call_id FROM (SELECT call_id FROM call ORDER BY call_id LIMIT $2) oldest JOIN call c ON c.call_id = oldest.call_id
WHERE c.created_ms < $1 AND c.claimed_boot = 0 FOR UPDATE OF c SKIP LOCKED;
