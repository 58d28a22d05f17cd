-- Who did what by the pages or the command line: a row is here no later than what it did.
CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,  -- '' while it is under way; of an earlier boot: nobody knows
    why TEXT NOT NULL,
    boot INTEGER NOT NULL
);
