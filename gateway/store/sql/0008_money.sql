-- What is left of an account's money, in millionths of its currency; below zero: it uses its credit.
CREATE TABLE balance (
    account TEXT PRIMARY KEY,
    amount INTEGER NOT NULL
) WITHOUT ROWID;

-- What an accepted message cost, and whom; kept for as long as the message is known.
CREATE TABLE charge (
    message_id INTEGER PRIMARY KEY,
    payer TEXT NOT NULL,
    amount INTEGER NOT NULL,
    refund INTEGER NOT NULL,
    given_back INTEGER NOT NULL DEFAULT 0
);

-- What people have put in and taken out (amount below 0), never deleted; `balance` is what was there after it.
CREATE TABLE balance_change (
    change_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    amount INTEGER NOT NULL,
    balance INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX balance_change_account ON balance_change (account, change_id);
