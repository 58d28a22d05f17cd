-- name: v1_ids_named
-- Messages of an account that their sender gave a name, from a message_id to below another, the newest first.
SELECT message_id FROM api_message
WHERE account = $1 AND api_id = $5 AND api_id <> '' AND (flags & 8) <> 0 AND message_id >= $2 AND message_id < $3
    AND (flags & 2) = 0
ORDER BY message_id DESC LIMIT $4;

-- name: v1_messages
-- What is known of these messages (a JSON array of ids), the newest first.
SELECT a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.flags, coalesce(m.accepted_ms, h.accepted_ms, 0) AS accepted_ms,
    m.progress, m.due_ms, m.retries, m.expires_ms, h.state, h.error, h.done_ms, c.given_back
FROM api_message a
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN charge c ON c.message_id = a.message_id
WHERE a.message_id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)::bigint))
    AND a.account = $1 AND (a.flags & 2) = 0 ORDER BY a.message_id DESC;
