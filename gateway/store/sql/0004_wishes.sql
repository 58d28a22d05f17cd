-- What else a sender wants, see Wish in gateway/core/model.py.
ALTER TABLE message ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
