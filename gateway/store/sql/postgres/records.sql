-- name: keep_newest
-- The highest id that was given, which stays when what has it is gone: name, id.
INSERT INTO setting (name, value) VALUES ('newest:' || $1, $2)
ON CONFLICT (name) DO UPDATE SET value = greatest(setting.value, excluded.value);
