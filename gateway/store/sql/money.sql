-- Balances, what messages cost, and what comes back.

-- name: list_balances
-- What is left of everybody's money.
SELECT account, amount FROM balance;

-- name: add_to_balance
-- Money comes, or goes (below 0).
INSERT INTO balance (account, amount) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET amount = balance.amount + excluded.amount;

-- name: return_to_balance
-- The same of what comes back by itself, because of what became of messages.
INSERT INTO balance (account, amount) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET amount = amount + excluded.amount;

-- name: insert_charge
-- What an accepted message costs.
INSERT INTO charge (message_id, payer, amount, refund) VALUES (?, ?, ?, ?);

-- name: insert_balance_change
-- A person has changed a balance: account, amount, at_ms, who, note.
INSERT INTO balance_change (account, amount, balance, at_ms, who, note)
SELECT ?1, ?2, amount, ?3, ?4, ?5 FROM balance WHERE account = ?1;

-- name: give_back
-- What messages cost that end now and are not paid for: 1, the SMSC took nothing of them, and there was never a
-- doubt about that; 2, they were not delivered.  What goes up with another message went as that one did.
UPDATE charge SET given_back = 1 WHERE given_back = 0 AND message_id IN (
    SELECT e.message_id FROM temp.ended e CROSS JOIN message m ON m.message_id = e.message_id AND (m.flags & 16) <> 0
        CROSS JOIN charge p ON p.message_id = e.message_id
        LEFT JOIN gathered_part g ON g.message_id = e.message_id
        CROSS JOIN message c ON c.message_id = coalesce(g.carrier, e.message_id)
    WHERE CASE p.refund
        WHEN 1 THEN c.doubts = 0 AND NOT EXISTS (
            SELECT 1 FROM submission s WHERE s.message_id = c.message_id AND s.attempt <> 0)
        WHEN 2 THEN e.state NOT IN (2, 6, 7) END)
RETURNING payer, amount;

-- name: list_early
-- Of those whose money comes back because the SMSC took nothing: what else of them it has not answered yet.  The one
-- that went up, and the one that was charged for.
SELECT c.message_id, e.message_id FROM temp.ended e CROSS JOIN charge p ON p.message_id = e.message_id
    LEFT JOIN gathered_part g ON g.message_id = e.message_id
    CROSS JOIN message c ON c.message_id = coalesce(g.carrier, e.message_id)
WHERE p.given_back = 1 AND p.refund = 1
AND (SELECT count(*) FROM submission s WHERE s.message_id = c.message_id) > 1;

-- name: take_again
-- It took a part of the message after all, or may have.
UPDATE charge SET given_back = 0 WHERE message_id = ? AND given_back = 1 AND refund = 1 RETURNING payer, amount;

-- name: count_again
-- And so it has cost something: message_id, amount.
UPDATE statistics SET amount = amount + ?2 WHERE (day, account, connector, state) IN (
    SELECT accepted_ms / 86400000, account, connector, state FROM history WHERE message_id = ?1);

-- name: find_charge
-- What a live message costs, and whom.
SELECT payer, amount FROM charge WHERE message_id = ? AND given_back = 0;

-- name: change_charge
-- It got another text, and costs something else.
UPDATE charge SET payer = ?2, amount = ?3 WHERE message_id = ?1;

-- name: purge_charges
-- What leaves the history with this sweep (purge_history) and what it cost.
DELETE FROM charge WHERE message_id IN (SELECT message_id FROM history WHERE message_id < ? ORDER BY message_id LIMIT 2000);
