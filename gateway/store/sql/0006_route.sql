-- The name of the route that a message took, and what its sender calls it.
ALTER TABLE message ADD COLUMN route TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN client_id TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN route TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN client_id TEXT NOT NULL DEFAULT '';
