-- Calls to the handlers and webhooks of accounts.

-- name: list_uses
-- How accounts want to hear of things.
SELECT account, uses FROM api_account;

-- name: set_use
-- From now on: account, ApiUse.
INSERT INTO api_account (account, uses) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET uses = excluded.uses;

-- name: drop_use
-- By no HTTP at all.
DELETE FROM api_account WHERE account = ?;

-- name: unclaim_calls
-- An earlier run had them: nobody knows whether they were taken.
UPDATE call SET claimed_boot = 0 WHERE claimed_boot <> 0;

-- name: insert_call
-- Something to tell: the target, Call's fields from the account on, and when.
INSERT INTO call (target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms)
VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_end_calls
-- The ends of messages with the flag CALLED (bit 33), to one target whose bit the account has: target, bit.  Those
-- of a submit_multi bear the id of its first message (see Wish.behind).
INSERT INTO call (target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms)
SELECT ?1, 0, m.account, 1, e.done_ms, m.message_id - (m.flags >> 16 & 65535), coalesce(a.api_id, ''),
    coalesce(a.phone, ltrim(m.destination, '+')), coalesce(a.sender, m.source), e.state, e.error, e.done_ms, coalesce(a.kind, 0),
    coalesce(a.parts, m.segments), coalesce(a.cost, p.amount, 0), coalesce(a.comment, ''), 0, 0, x'', e.info, e.done_ms
FROM temp.ended e CROSS JOIN message m USING (message_id)
CROSS JOIN api_account u ON u.account = m.account AND (u.uses & ?2) <> 0
LEFT JOIN api_message a ON a.message_id = m.message_id LEFT JOIN charge p ON p.message_id = m.message_id
WHERE (m.flags >> 33 & 1) = 1 ORDER BY e.message_id;

-- name: list_lanes
-- For which accounts calls wait that nobody has claimed, and when the first one for the handler and for the webhook is
-- due: three steps in the index for each.
WITH RECURSIVE waiting (account) AS (
    SELECT min(account) FROM call WHERE claimed_boot = 0
    UNION ALL SELECT (SELECT min(account) FROM call WHERE claimed_boot = 0 AND account > waiting.account)
    FROM waiting WHERE waiting.account IS NOT NULL)
SELECT account,
    (SELECT min(due_ms) FROM call c WHERE claimed_boot = 0 AND c.account = w.account AND c.target = 0),
    (SELECT min(due_ms) FROM call c WHERE claimed_boot = 0 AND c.account = w.account AND c.target = 1)
FROM waiting w WHERE account IS NOT NULL;

-- name: list_due_calls
-- The next ones for an account's handler or webhook: account, target, now_ms, rows at the most.
SELECT due_ms, call_id FROM call WHERE claimed_boot = 0 AND account = ? AND target = ? AND due_ms <= ?
ORDER BY due_ms, call_id LIMIT ?;

-- name: claim_call
-- Somebody makes it now: boot, call_id.
UPDATE call SET claimed_boot = ? WHERE call_id = ?
RETURNING call_id, target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info;

-- name: next_call
-- When the next one for an account's handler or webhook is due: account, target.
SELECT due_ms FROM call WHERE claimed_boot = 0 AND account = ? AND target = ? ORDER BY due_ms LIMIT 1;

-- name: delete_call
-- It was taken, or buried.
DELETE FROM call WHERE call_id = ?;

-- name: put_off_call
-- Not now: call_id, due_ms, reason.
UPDATE call SET tries = tries + 1, claimed_boot = 0, due_ms = ?2, reason = ?3 WHERE call_id = ?1;

-- name: bury_call
-- Nobody will ever take it: call_id, reason, now_ms.
INSERT OR IGNORE INTO dead_call
SELECT call_id, target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error, done_ms,
    sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, ?2, ?3
FROM call WHERE call_id = ?1;

-- name: list_dead_calls
-- Dead calls of an account, the oldest first: account, rows at the most.
SELECT call_id FROM dead_call WHERE account = ? ORDER BY call_id LIMIT ?;

-- name: replay_call
-- A dead call waits again, as a new one: call_id, account ("": any), now_ms.
INSERT INTO call (target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state, error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms)
SELECT target, 0, account, kind, ?3, message_id, api_id, phone, own_number, state, error, done_ms, sms_type, parts,
    cost, comment, esm_class, data_coding, user_data, info, ?3
FROM dead_call WHERE call_id = ?1 AND ?2 IN ('', account);

-- name: drop_dead_call
-- It is no longer dead.
DELETE FROM dead_call WHERE call_id = ?;

-- name: list_old_calls
-- Calls that have waited too long, and that nobody is making; only the oldest are looked at.
SELECT call_id FROM (SELECT call_id, created_ms, claimed_boot FROM call ORDER BY call_id LIMIT ?2) oldest
WHERE created_ms < ?1 AND claimed_boot = 0;

-- name: purge_dead_calls
-- Dead calls beyond history's days, some at a time.
DELETE FROM dead_call WHERE call_id IN (SELECT call_id FROM dead_call WHERE died_ms < ? ORDER BY died_ms LIMIT 2000);
