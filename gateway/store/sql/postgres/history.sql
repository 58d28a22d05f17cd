-- What has ended.  Each node counts in rows of its own, so that none waits for the commits of the others; whether
-- texts are kept is told by whichever node sweeps.

-- name: write_statistics
-- Counts the messages that end, and keeps their texts, where texts are kept; an empty one is none.
WITH texts AS (
    INSERT INTO history_text (message_id, esm_class, data_coding, user_data)
    SELECT m.message_id, m.esm_class, m.data_coding, m.user_data
    FROM pg_temp.ended e CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.message_id = e.message_id OFFSET 0) m
    WHERE m.user_data <> ''::bytea AND EXISTS (SELECT FROM setting WHERE name = 'keeps_texts' AND value = 1)
    ON CONFLICT DO NOTHING)
INSERT INTO statistics (day, account, connector, state, messages, segments, amount, node)
SELECT m.accepted_ms / 86400000 AS day, m.account, m.connector, e.state, count(*), sum(m.segments), 0,
    coalesce((SELECT node FROM pg_temp.me), 0)
FROM pg_temp.ended e CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.message_id = e.message_id OFFSET 0) m GROUP BY day, m.account, m.connector, e.state
ON CONFLICT (day, account, connector, state, node) DO UPDATE SET messages = statistics.messages + excluded.messages,
    segments = statistics.segments + excluded.segments;

-- name: write_odd_statistics
-- The same where some of them cost something, or went up with another one: those are of its connector, and their
-- segments are in its own.
WITH texts AS (
    INSERT INTO history_text (message_id, esm_class, data_coding, user_data)
    SELECT m.message_id, m.esm_class, m.data_coding, m.user_data
    FROM pg_temp.ended e CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.message_id = e.message_id OFFSET 0) m
    WHERE m.user_data <> ''::bytea AND EXISTS (SELECT FROM setting WHERE name = 'keeps_texts' AND value = 1)
    ON CONFLICT DO NOTHING)
INSERT INTO statistics (day, account, connector, state, messages, segments, amount, node)
SELECT m.accepted_ms / 86400000 AS day, m.account, coalesce(c.connector, m.connector) AS by, e.state, count(*),
    sum(CASE m.progress WHEN 4 THEN 0 ELSE m.segments END),
    coalesce(sum(CASE p.given_back WHEN 1 THEN 0 ELSE p.amount END), 0), coalesce((SELECT node FROM pg_temp.me), 0)
FROM pg_temp.ended e CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.message_id = e.message_id OFFSET 0) m LEFT JOIN charge p ON p.message_id = m.message_id
LEFT JOIN gathered_part g ON m.progress = 4 AND g.message_id = m.message_id LEFT JOIN message c ON c.message_id = g.carrier
GROUP BY day, m.account, by, e.state
ON CONFLICT (day, account, connector, state, node) DO UPDATE SET messages = statistics.messages + excluded.messages,
    segments = statistics.segments + excluded.segments, amount = statistics.amount + excluded.amount;

-- name: erase_answers
-- What was answered to requests that may come again: the answer is given again without the number.
UPDATE request_key SET answer = decode(replace(encode(answer, 'escape'), $1, 'erased'), 'escape')
WHERE rowid > $2 AND rowid <= $3 AND position(convert_to($1, 'UTF8') IN answer) > 0;
