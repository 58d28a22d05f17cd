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
    due_ms = CASE progress WHEN 0 THEN min(due_ms, ?4) ELSE ?4 END
WHERE message_id = ?1 RETURNING connector, segments, due_ms;
