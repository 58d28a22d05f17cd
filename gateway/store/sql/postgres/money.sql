-- name: insert_charge
-- rows: bigint text bigint bigint
-- What an accepted message costs.
INSERT INTO charge (message_id, payer, amount, refund)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]);

-- name: take_all_again
-- rows: bigint
-- The SMSC took a part of these messages after all, or may have.
UPDATE charge SET given_back = 0 WHERE message_id = ANY ($1::bigint[]) AND given_back = 1 AND refund = 1
RETURNING message_id, payer, amount;

-- name: count_again
-- And so it has cost something, which this node counts: message_id, amount.
INSERT INTO statistics (day, account, connector, state, messages, segments, amount, node)
SELECT accepted_ms / 86400000, account, connector, state, 0, 0, $2, coalesce((SELECT node FROM pg_temp.me), 0)
FROM history WHERE message_id = $1
ON CONFLICT (day, account, connector, state, node) DO UPDATE SET amount = statistics.amount + excluded.amount;
