-- What is told of messages (status.php and get.php), and what their deletion has to know.

-- name: api_statuses
-- The newest message of each name and recipient: account, pairs of them as a JSON array.
SELECT j.key AS place, a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.comment, a.flags, a.info,
    coalesce(m.accepted_ms, h.accepted_ms) AS accepted_ms, c.given_back, m.progress, h.state, h.error, h.done_ms, h.connector,
    coalesce(m.esm_class, t.esm_class, 0) AS esm_class, coalesce(m.data_coding, t.data_coding, 0) AS data_coding,
    coalesce(m.user_data, t.user_data, x'') AS user_data
FROM json_each(?2) j CROSS JOIN api_message a ON a.message_id = (
    SELECT message_id FROM api_message INDEXED BY api_message_name
    WHERE account = ?1 AND api_id = j.value ->> 0 AND phone = j.value ->> 1 AND api_id <> '' ORDER BY message_id DESC LIMIT 1)
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN history_text t ON t.message_id = a.message_id LEFT JOIN charge c ON c.message_id = a.message_id
WHERE (a.flags & 2) = 0 ORDER BY j.key;

-- name: api_history
-- Messages of an account from a message_id to below another, the newest first: account, low, high, 1 for mails (else
-- 0), rows at the most.  Those of the other kind that stand between them are passed, up to a number.
SELECT a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.comment, a.flags, a.info,
    coalesce(m.accepted_ms, h.accepted_ms) AS accepted_ms, c.given_back, m.progress, h.state, h.error, h.done_ms,
    coalesce(m.esm_class, t.esm_class, 0) AS esm_class, coalesce(m.data_coding, t.data_coding, 0) AS data_coding,
    coalesce(m.user_data, t.user_data, x'') AS user_data
FROM (SELECT * FROM (
        SELECT * FROM api_message INDEXED BY api_message_account
        WHERE account = ?1 AND message_id >= ?2 AND message_id < ?3 ORDER BY message_id DESC LIMIT 100000) looked_at
    WHERE (flags & 2) = 0 AND CASE kind WHEN 8 THEN 1 ELSE 0 END = ?4 LIMIT ?5) a
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN history_text t ON t.message_id = a.message_id LEFT JOIN charge c ON c.message_id = a.message_id ORDER BY a.message_id DESC;

-- name: api_history_step
-- The lowest of an account's next ids, of which so many are looked at in one go, if there are any: account, low, high,
-- how many.
SELECT low FROM (SELECT min(message_id) AS low FROM (
    SELECT message_id FROM api_message INDEXED BY api_message_account
    WHERE account = ? AND message_id >= ? AND message_id < ? ORDER BY message_id DESC LIMIT ?) next) found WHERE low IS NOT NULL;

-- name: api_history_to
-- The same of those to some recipients, a JSON array; all that stand between the ids are looked at.
SELECT a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.comment, a.flags, a.info,
    coalesce(m.accepted_ms, h.accepted_ms) AS accepted_ms, c.given_back, m.progress, h.state, h.error, h.done_ms,
    coalesce(m.esm_class, t.esm_class, 0) AS esm_class, coalesce(m.data_coding, t.data_coding, 0) AS data_coding,
    coalesce(m.user_data, t.user_data, x'') AS user_data
FROM (SELECT * FROM api_message INDEXED BY api_message_account
    WHERE account = ?1 AND message_id >= ?2 AND message_id < ?3 AND (flags & 2) = 0 AND CASE kind WHEN 8 THEN 1 ELSE 0 END = ?4
        AND phone IN (SELECT value FROM json_each(?6))
    ORDER BY message_id DESC LIMIT ?5) a
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN history_text t ON t.message_id = a.message_id LEFT JOIN charge c ON c.message_id = a.message_id ORDER BY a.message_id DESC;

-- name: api_answers_after
-- Incoming SMS behind one of them and up to another, oldest first: account, inbox_id, since when (ms), own number ("":
-- any), rows at the most, the last inbox_id.
SELECT inbox_id, phone, own_number, received_ms, esm_class, data_coding, user_data FROM inbox
WHERE account = ?1 AND inbox_id > ?2 AND inbox_id <= ?6 AND received_ms >= ?3 AND ?4 IN ('', own_number)
ORDER BY inbox_id LIMIT ?5;

-- name: api_answers_step
-- The highest of the next ids behind one, of which so many are looked at in one go: account, inbox_id, how many.
SELECT max(inbox_id) AS high FROM (SELECT inbox_id FROM inbox WHERE account = ? AND inbox_id > ? ORDER BY inbox_id LIMIT ?) next;

-- name: api_answers_newest
-- The newest ones, of which so many are looked at: account, since when (ms), own number ("": any), rows at the most.
SELECT * FROM (
    SELECT inbox_id, phone, own_number, received_ms, esm_class, data_coding, user_data FROM inbox
    WHERE account = ?1 ORDER BY inbox_id DESC LIMIT 50000) newest
WHERE received_ms >= ?2 AND ?3 IN ('', own_number) LIMIT ?4;

-- name: api_sent
-- Segments of ended messages of an account and what they cost: account, from this day, to this day (since 1970). What
-- was refused and only registered has no connector.
SELECT coalesce(sum(segments), 0) AS segments, coalesce(sum(amount), 0) AS amount FROM statistics
WHERE day BETWEEN ?2 AND ?3 AND account = ?1 AND connector <> '';
