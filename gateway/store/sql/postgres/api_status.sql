-- name: api_statuses
-- The newest message of each name and recipient: account, pairs of them as a JSON array.
SELECT j.n - 1 AS place, a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.comment, a.flags, a.info,
    coalesce(m.accepted_ms, h.accepted_ms) AS accepted_ms, c.given_back, m.progress, h.state, h.error, h.done_ms, h.connector,
    coalesce(m.esm_class, t.esm_class, 0) AS esm_class, coalesce(m.data_coding, t.data_coding, 0) AS data_coding,
    coalesce(m.user_data, t.user_data, ''::bytea) AS user_data
FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS j (value, n)
JOIN LATERAL (
    SELECT * FROM api_message WHERE account = $1 AND api_id = j.value ->> 0 AND phone = j.value ->> 1 AND api_id <> ''
    ORDER BY message_id DESC LIMIT 1) a ON (a.flags & 2) = 0
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN history_text t ON t.message_id = a.message_id LEFT JOIN charge c ON c.message_id = a.message_id
ORDER BY j.n;
