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


-- name: api_history_to
-- Those to some recipients, by whom they went to: account, low, high, 1 for mails (else 0), rows at the most, a JSON
-- array.
SELECT a.message_id, a.api_id, a.phone, a.sender, a.kind, a.parts, a.cost, a.comment, a.flags, a.info,
    coalesce(m.accepted_ms, h.accepted_ms) AS accepted_ms, c.given_back, m.progress, h.state, h.error, h.done_ms,
    coalesce(m.esm_class, t.esm_class, 0) AS esm_class, coalesce(m.data_coding, t.data_coding, 0) AS data_coding,
    coalesce(m.user_data, t.user_data, ''::bytea) AS user_data
FROM (
    SELECT one.* FROM (SELECT DISTINCT jsonb_array_elements_text($6::jsonb) AS phone) asked CROSS JOIN LATERAL (
        SELECT * FROM api_message WHERE account = $1 AND phone = asked.phone AND message_id >= $2 AND message_id < $3
            AND (flags & 2) = 0 AND CASE kind WHEN 8 THEN 1 ELSE 0 END = $4
        ORDER BY message_id DESC LIMIT $5) one
    ORDER BY one.message_id DESC LIMIT $5) a
LEFT JOIN message m ON m.message_id = a.message_id LEFT JOIN history h ON h.message_id = a.message_id
LEFT JOIN history_text t ON t.message_id = a.message_id LEFT JOIN charge c ON c.message_id = a.message_id
ORDER BY a.message_id DESC;
