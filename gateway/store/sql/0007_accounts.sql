-- What limits per day have counted, by the day of the account's time zone; see gateway/core/day_counts.py.
CREATE TABLE day_count (
    day INTEGER NOT NULL,
    account TEXT NOT NULL,
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (day, account, kind, key)
) WITHOUT ROWID;

-- Numbers that an account (empty: nobody) does not write to.
CREATE TABLE blacklist (
    account TEXT NOT NULL,
    number TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
