-- Where and when what is in doubt was sent: the link ('' where the gateway was killed: nobody knows), the moment
-- (that of the intent where the gateway was killed), and the start of the gateway that sent it.
ALTER TABLE ambiguous ADD COLUMN link TEXT NOT NULL DEFAULT '';
ALTER TABLE ambiguous ADD COLUMN sent_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ambiguous ADD COLUMN boot INTEGER NOT NULL DEFAULT 0;
