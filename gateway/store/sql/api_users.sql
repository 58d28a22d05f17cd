-- What is told of sub-clients (users.php).

-- name: account_traces
-- Whether anything is kept of an account of this name, that a new one of it must not get.
WITH RECURSIVE days (day) AS (
    SELECT min(day) FROM statistics
    UNION ALL SELECT (SELECT min(day) FROM statistics WHERE day > days.day) FROM days WHERE days.day IS NOT NULL)
SELECT EXISTS (SELECT 1 FROM balance WHERE account = ?1) OR EXISTS (SELECT 1 FROM api_message WHERE account = ?1)
    OR EXISTS (SELECT 1 FROM delivery WHERE account = ?1) OR EXISTS (SELECT 1 FROM dead_delivery WHERE account = ?1)
    OR EXISTS (SELECT 1 FROM inbox WHERE account = ?1) OR EXISTS (SELECT 1 FROM contact WHERE account = ?1)
    OR EXISTS (SELECT 1 FROM short_link WHERE account = ?1) OR EXISTS (SELECT 1 FROM record WHERE account = ?1)
    OR EXISTS (SELECT 1 FROM call WHERE account = ?1 AND claimed_boot = 0) OR EXISTS (SELECT 1 FROM dead_call WHERE account = ?1)
    OR EXISTS (SELECT 1 FROM days CROSS JOIN statistics s ON s.day = days.day AND s.account = ?1)
    OR EXISTS (SELECT 1 FROM message WHERE account = ?1)
    OR EXISTS (SELECT 1 FROM blacklist WHERE account = ?1) AS found;

-- name: sent_by_accounts
-- Segments of ended messages and what they cost: from this day, to this day (since 1970), names as a JSON array.
SELECT account, sum(segments) AS segments, sum(amount) AS amount FROM statistics
WHERE day BETWEEN ? AND ? AND account IN (SELECT value FROM json_each(?)) GROUP BY account;

-- name: paid_by_accounts
-- What came into balances and what was taken out: from this moment, before this moment (ms), names as a JSON array.
SELECT account, sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS came,
    sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS went FROM balance_change
WHERE at_ms >= ? AND at_ms < ? AND account IN (SELECT value FROM json_each(?)) GROUP BY account;
