-- How a message came in: 0 over SMPP, 1 by mail.
ALTER TABLE message ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;

-- Mails that came in, as long as something may still be said to their senders.
CREATE TABLE mail (
    mail_id INTEGER PRIMARY KEY,
    key BLOB UNIQUE,
    account TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    sender TEXT NOT NULL,
    envid TEXT NOT NULL,
    header_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    returned BLOB NOT NULL,
    whole INTEGER NOT NULL
);

-- One row for each message of a mail.
CREATE TABLE mail_recipient (
    message_id INTEGER PRIMARY KEY,
    mail_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    orcpt TEXT NOT NULL,
    notify INTEGER NOT NULL,
    number TEXT NOT NULL,
    own_number TEXT NOT NULL
);
CREATE INDEX mail_recipient_mail ON mail_recipient (mail_id);
CREATE INDEX mail_recipient_number ON mail_recipient (number, message_id);
CREATE INDEX mail_recipient_delay ON mail_recipient (message_id) WHERE notify & 4;

-- Mails that we have to write: reports and delay notices (each once for a message), answers, incoming SMS.
CREATE TABLE letter (
    letter_id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    message_id INTEGER,
    state INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    done_ms INTEGER NOT NULL DEFAULT 0,
    number TEXT NOT NULL,
    own_number TEXT NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    mail_id INTEGER,
    claimed_boot INTEGER NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX letter_due ON letter (due_ms, letter_id);
CREATE INDEX letter_mail ON letter (mail_id) WHERE mail_id IS NOT NULL;
CREATE UNIQUE INDEX letter_message ON letter (message_id, kind) WHERE message_id IS NOT NULL;

-- Letters that nobody took, or that could not be sent in time.
CREATE TABLE dead_letter AS SELECT * FROM letter;
ALTER TABLE dead_letter ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letter ADD COLUMN died_ms INTEGER NOT NULL DEFAULT 0;

-- Parts of long incoming SMS that wait for the others (`joined` 0); from `account` on, what an account gets of
-- the part.  They are kept a while after they have gone on (1), and so are those that then came again (2).
CREATE TABLE incoming_part (
    connector TEXT NOT NULL,
    number TEXT NOT NULL,
    own_number TEXT NOT NULL,
    reference INTEGER NOT NULL,
    total INTEGER NOT NULL,
    part INTEGER NOT NULL,
    text TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    answers_since_ms INTEGER NOT NULL,
    addresses TEXT NOT NULL,
    account TEXT,
    message_id INTEGER,
    created_ms INTEGER,
    source_ton INTEGER,
    source_npi INTEGER,
    source TEXT,
    destination_ton INTEGER,
    destination_npi INTEGER,
    destination TEXT,
    esm_class INTEGER,
    protocol_id INTEGER,
    data_coding INTEGER,
    user_data BLOB,
    tlvs BLOB,
    state INTEGER,
    error TEXT,
    accepted_ms INTEGER,
    done_ms INTEGER,
    segments INTEGER,
    joined INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (connector, number, own_number, reference, total, part)
) WITHOUT ROWID;
CREATE INDEX incoming_part_age ON incoming_part (received_ms);
