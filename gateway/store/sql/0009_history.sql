-- Texts of ended messages, as long as queue.text_days keeps them.
CREATE TABLE history_text (
    message_id INTEGER PRIMARY KEY,
    esm_class INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    user_data BLOB NOT NULL
);

-- How many messages of a day ended how: the day (since 1970, UTC) is that on which they were accepted; the amount
-- is what was charged for them and not given back.
CREATE TABLE statistics (
    day INTEGER NOT NULL,
    account TEXT NOT NULL,
    connector TEXT NOT NULL,
    state INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (day, account, connector, state)
) WITHOUT ROWID;

-- What the gateway has told its store, so that it holds from the first moment of the next run.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
