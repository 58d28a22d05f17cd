-- What a person decides about messages and dead letters.

-- name: release_held
-- A person decided: send it again.
UPDATE message SET progress = 0, due_ms = 0 WHERE message_id = ? AND progress = 2 RETURNING connector, due_ms;

-- name: end_held
-- A person decided: give it up.
INSERT OR IGNORE INTO temp.ended (message_id, state, error, done_ms)
SELECT message_id, 4, 'given up', ?2 FROM message WHERE message_id = ?1 AND progress NOT IN (1, 4);

-- name: pause_message
-- A person keeps what waits from being sent; of a message that is partly sent nothing can be kept.
UPDATE message SET progress = 5 WHERE message_id = ?1 AND progress = 0
AND NOT EXISTS (SELECT 1 FROM submission WHERE message_id = ?1) RETURNING connector, due_ms;

-- name: unpause_message
-- It goes on, when it would have gone on.
UPDATE message SET progress = 0 WHERE message_id = ? AND progress = 5 RETURNING connector, due_ms;

-- name: hurry_message
-- What waits for its time waits no longer.
UPDATE message SET due_ms = 0 WHERE message_id = ? AND progress = 0 AND due_ms > ? RETURNING connector, due_ms;

-- name: list_dead_deliveries
-- Dead deliveries of an account, the oldest first, some at a time.
SELECT delivery_id FROM dead_delivery WHERE account = ? ORDER BY delivery_id LIMIT ?;

-- name: replay_delivery
-- A dead delivery waits again, as a new one: delivery_id, account ("": any), now_ms.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part)
SELECT account, message_id, ?3, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part
FROM dead_delivery WHERE delivery_id = ?1 AND ?2 IN ('', account);

-- name: drop_dead_delivery
-- It is no longer dead.
DELETE FROM dead_delivery WHERE delivery_id = ?;

-- name: list_dead_letters
-- Dead letters, the oldest first, some at a time.
SELECT letter_id FROM dead_letter ORDER BY rowid LIMIT ?;

-- name: replay_letter
-- A dead letter is to be sent again, unless one with the same to say waits already: letter_id, now_ms.
INSERT OR IGNORE INTO letter (letter_id, kind, recipient, created_ms, due_ms, message_id, state, error, done_ms,
    number, own_number, text, mail_id)
SELECT letter_id, kind, recipient, ?2, ?2, message_id, state, error, done_ms, number, own_number, text, mail_id
FROM dead_letter WHERE letter_id = ?1;

-- name: drop_dead_letter
-- It waits again, or another one says the same.
DELETE FROM dead_letter WHERE letter_id = ?;

-- name: drop_pause
-- A connector's pause is over, or is written anew; between its name and who has paused it is a unit separator.
DELETE FROM setting WHERE name >= 'paused:' || ?1 || char(31) AND name < 'paused:' || ?1 || char(32);

-- name: keep_pause
-- A person lets nothing go up by a connector: the name and who, since_ms.
INSERT INTO setting (name, value) VALUES ('paused:' || ?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: list_pauses
-- All of them.
SELECT substr(name, 8), value FROM setting WHERE name >= 'paused:' AND name < 'paused;';
