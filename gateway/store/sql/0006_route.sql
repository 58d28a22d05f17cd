-- The name of the route that a message took, and what its sender calls it.
ALTER TABLE message ADD COLUMN route TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN client_id TEXT NOT NULL DEFAULT '';
-- The addresses that its route gives it for the way up; empty: those that it came with.
ALTER TABLE message ADD COLUMN sent_as TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN route TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN client_id TEXT NOT NULL DEFAULT '';
