-- name: drop_refused
-- The SMSC refused a segment for good: nothing of the attempt remains.  What has ended meanwhile stays as it is.
DELETE FROM submission WHERE message_id = ? AND segment = ? AND connector = ? AND attempt = 0;

-- name: others_under_way
-- Whether other segments of a message wait for this connector's answer.
SELECT EXISTS (SELECT 1 FROM submission WHERE message_id = ? AND connector = ? AND attempt = 0);

-- name: reroute_message
-- It goes on to another connector, unless another segment has taken it there before, and never back to this one.
-- What is held stays held.
UPDATE message SET connector = CASE connector WHEN ?2 THEN ?3 ELSE connector END,
    alternatives = trim(replace(' ' || alternatives || ' ', ' ' || ?2 || ' ', ' ')),
    progress = CASE progress WHEN 2 THEN 2 ELSE 0 END,
    due_ms = CASE progress WHEN 0 THEN CASE WHEN due_ms < ?4 THEN due_ms ELSE ?4 END ELSE ?4 END
WHERE message_id = ?1 RETURNING connector, segments, due_ms;

-- name: look_at_queue
-- What waits for a connector, in the order of its queue from a place on (due_ms, message_id), some at a time.
-- Two searches: one for both columns would walk all of the same due_ms, which may be the whole queue.
SELECT * FROM (
    SELECT due_ms, message_id, alternatives, flags FROM message
    WHERE connector = ?1 AND progress = 0 AND due_ms = ?2 AND message_id > ?3 ORDER BY message_id LIMIT ?4) same
UNION ALL SELECT * FROM (
    SELECT due_ms, message_id, alternatives, flags FROM message
    WHERE connector = ?1 AND progress = 0 AND due_ms > ?2 ORDER BY due_ms, message_id LIMIT ?4) later
LIMIT ?4;

-- name: move_message
-- It goes by another connector.
UPDATE message SET connector = ? WHERE message_id = ?;
