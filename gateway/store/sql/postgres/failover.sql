-- name: move_message
-- rows: text bigint
-- It goes by another connector, unless it is on its way meanwhile.
UPDATE message SET connector = moved.connector FROM (
    SELECT m.message_id, of.connector
    FROM unnest($1::text[], $2::bigint[]) AS of (connector, message_id) JOIN message m ON m.message_id = of.message_id
    WHERE m.progress = 0 ORDER BY m.message_id FOR UPDATE OF m SKIP LOCKED) moved
WHERE message.message_id = moved.message_id;
