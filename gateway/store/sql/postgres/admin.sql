-- name: end_held
-- A person decided: give it up.
INSERT INTO pg_temp.ended (message_id, state, error, done_ms)
SELECT m.message_id, 4, 'given up', $2 FROM message m WHERE m.message_id = $1 AND m.progress NOT IN (1, 4)
FOR UPDATE OF m
ON CONFLICT DO NOTHING;

-- name: replay_delivery
-- A dead delivery waits again, as a new one: delivery_id, account ("": any), now_ms; once, whoever asks.
WITH gone AS (DELETE FROM dead_delivery WHERE delivery_id = $1 AND $2 IN ('', account) RETURNING *)
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part)
SELECT account, message_id, $3, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state, error, accepted_ms, done_ms, segments, part
FROM gone;

-- name: replay_letter
-- A dead letter is to be sent again, unless one with the same to say waits already: letter_id, now_ms.
WITH gone AS (DELETE FROM dead_letter WHERE letter_id = $1 RETURNING *)
INSERT INTO letter (letter_id, kind, recipient, created_ms, due_ms, message_id, state, error, done_ms,
    number, own_number, text, mail_id)
SELECT letter_id, kind, recipient, $2, $2, message_id, state, error, done_ms, number, own_number, text, mail_id
FROM gone
ON CONFLICT DO NOTHING;

-- name: drop_pause
-- A connector's pause is over, or is written anew; between its name and who has paused it is a unit separator.
DELETE FROM setting WHERE name >= 'paused:' || $1 || chr(31) AND name < 'paused:' || $1 || chr(32);
