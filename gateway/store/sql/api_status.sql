-- What is told of messages (status.php and get.php), and what their deletion has to know.

-- name: api_statuses
-- The newest message of each name and recipient: account, pairs of them as a JSON array.
SELECT j.key AS place, a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.comment, a.flags, a.info,
    coalesce(m.accepted_ms, h.accepted_ms) AS accepted_ms, m.progress, h.state, h.error, h.done_ms, h.connector,
    coalesce(m.esm_class, t.esm_class, 0) AS esm_class, coalesce(m.data_coding, t.data_coding, 0) AS data_coding,
    coalesce(m.user_data, t.user_data, x'') AS user_data
FROM json_each(?2) j CROSS JOIN api_message a ON a.message_id = (
    SELECT message_id FROM api_message INDEXED BY api_message_phone
    WHERE account = ?1 AND phone = j.value ->> 1 AND api_id = j.value ->> 0 ORDER BY message_id DESC LIMIT 1)
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN history_text t ON t.message_id = a.message_id
WHERE NOT a.flags & 2 ORDER BY j.key;
