-- What the JSON API reads.

-- name: v1_request_key
-- What was answered to a request: account, key, and since when keys are kept.
SELECT digest, answer FROM request_key WHERE account = ? AND key = ? AND at_ms >= ?;

-- name: v1_newest_ids
-- Messages of an account from a message_id to below another, the newest first.
SELECT message_id FROM api_message WHERE account = ?1 AND message_id >= ?2 AND message_id < ?3 AND (flags & 2) = 0
ORDER BY message_id DESC LIMIT ?4;

-- name: v1_ids_to
-- The same of those to a number; all that stand between the ids are looked at (api_history_step).
SELECT message_id FROM api_message INDEXED BY api_message_account
WHERE account = ?1 AND message_id >= ?2 AND message_id < ?3 AND phone = ?5 AND (flags & 2) = 0
ORDER BY message_id DESC LIMIT ?4;

-- name: v1_ids_named
-- The same of those that their sender gave this name.
SELECT message_id FROM api_message INDEXED BY api_message_reference
WHERE account = ?1 AND api_id = ?5 AND api_id <> '' AND flags & 8 AND message_id >= ?2 AND message_id < ?3 AND (flags & 2) = 0
ORDER BY message_id DESC LIMIT ?4;

-- name: v1_messages
-- What is known of these messages (a JSON array of ids), the newest first.
SELECT a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.flags, coalesce(m.accepted_ms, h.accepted_ms, 0) AS accepted_ms,
    m.progress, m.due_ms, m.retries, m.expires_ms, h.state, h.error, h.done_ms, c.given_back
FROM json_each(?2) j CROSS JOIN api_message a ON a.message_id = j.value
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN charge c ON c.message_id = a.message_id
WHERE a.account = ?1 AND (a.flags & 2) = 0 ORDER BY a.message_id DESC;

-- name: v1_text
-- The text of a message, where it is kept.
SELECT esm_class, data_coding, user_data FROM message WHERE message_id = ?1
UNION ALL SELECT esm_class, data_coding, user_data FROM history_text WHERE message_id = ?1;

-- name: v1_incoming
-- Incoming SMS of an account behind one of them, in the order in which they came.
SELECT inbox_id, phone, own_number, received_ms, esm_class, data_coding, user_data, answers FROM inbox
WHERE account = ? AND inbox_id > ? ORDER BY inbox_id LIMIT ?;

-- name: v1_usage
-- What an account's messages of some days came to, by how they ended.
SELECT state, sum(messages) AS messages, sum(segments) AS parts, sum(amount) AS cost FROM statistics
WHERE day >= ? AND day <= ? AND account = ? GROUP BY state;
