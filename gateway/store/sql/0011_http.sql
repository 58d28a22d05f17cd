-- Messages that came over HTTP, live and ended, accepted and registered: the fields of ApiMessage
-- (gateway/core/api.py), and what was found out of a number that was looked up (gateway.translate.hlr).  The index of
-- the account gives its messages in the order of their ids.
CREATE TABLE api_message (
    message_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    api_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    sender TEXT NOT NULL,
    kind INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    comment TEXT NOT NULL,
    flags INTEGER NOT NULL,
    info TEXT NOT NULL DEFAULT ''
);
-- Of what has a name of its client's, or a number of ours, which grow: so what comes together stands together.
CREATE INDEX api_message_name ON api_message (account, api_id, phone) WHERE api_id <> '';
CREATE INDEX api_message_account ON api_message (account);
-- Only of messages by /v1 that their sender has given a name.
CREATE INDEX api_message_reference ON api_message (account, api_id) WHERE api_id <> '' AND flags & 8;

-- How accounts want to hear of things over HTTP: ApiUse.
CREATE TABLE api_account (
    account TEXT PRIMARY KEY,
    uses INTEGER NOT NULL
) WITHOUT ROWID;

-- Requests that may come again, and what was answered to them.
CREATE TABLE request_key (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    answer BLOB NOT NULL,
    UNIQUE (account, key)
);
CREATE INDEX request_key_age ON request_key (at_ms);

-- Incoming SMS that accounts ask for; `answers` is the api_id of the message that one answers.
CREATE TABLE inbox (
    inbox_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    phone TEXT NOT NULL,
    own_number TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    esm_class INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    user_data BLOB NOT NULL,
    answers TEXT NOT NULL,
    connector TEXT NOT NULL
);
CREATE INDEX inbox_account ON inbox (account);

-- What handlers and webhooks are to be told: the fields of Call, and when.  One that is claimed belongs to the
-- run that has; the next one begins with none claimed.
CREATE TABLE call (
    call_id INTEGER PRIMARY KEY AUTOINCREMENT,
    target INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    account TEXT NOT NULL,
    kind INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    api_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    own_number TEXT NOT NULL,
    state INTEGER NOT NULL,
    error TEXT NOT NULL,
    done_ms INTEGER NOT NULL,
    sms_type INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    comment TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    user_data BLOB NOT NULL,
    info TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    claimed_boot INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
-- With all that a claim looks at, so that it reads no rows: there may be thousands of accounts.
CREATE INDEX call_due ON call (account, target, due_ms, call_id, claimed_boot) WHERE claimed_boot = 0;
CREATE INDEX call_claimed ON call (claimed_boot) WHERE claimed_boot <> 0;

-- Calls that nobody took in time, or ever will.
CREATE TABLE dead_call (
    call_id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    account TEXT NOT NULL,
    kind INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    api_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    own_number TEXT NOT NULL,
    state INTEGER NOT NULL,
    error TEXT NOT NULL,
    done_ms INTEGER NOT NULL,
    sms_type INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    comment TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    user_data BLOB NOT NULL,
    info TEXT NOT NULL,
    reason TEXT NOT NULL,
    died_ms INTEGER NOT NULL
);
CREATE INDEX dead_call_account ON dead_call (account);
CREATE INDEX dead_call_age ON dead_call (died_ms);

-- Small things of accounts, by kind: templates, mailing lists …; their data is JSON.
CREATE TABLE record (
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (account, kind, record_id)
);
CREATE INDEX record_name ON record (kind, account, name, record_id);

-- Address books: the fields of Contact, and its numbers and groups (records of the kinds group and mail_group)
-- one by one.
CREATE TABLE contact (
    contact_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    is_mail INTEGER NOT NULL,
    numbers TEXT NOT NULL,
    groups TEXT NOT NULL,
    name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    first_name TEXT NOT NULL,
    middle_name TEXT NOT NULL,
    birthday TEXT NOT NULL,
    own_id TEXT NOT NULL,
    comment TEXT NOT NULL,
    tags TEXT NOT NULL,
    others TEXT NOT NULL
);
CREATE INDEX contact_account ON contact (account, is_mail);
CREATE TABLE contact_number (
    account TEXT NOT NULL,
    is_mail INTEGER NOT NULL,
    number TEXT NOT NULL,
    contact_id INTEGER NOT NULL,
    PRIMARY KEY (account, is_mail, number, contact_id)
) WITHOUT ROWID;
CREATE INDEX contact_number_contact ON contact_number (contact_id);
CREATE TABLE contact_group_member (
    group_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    PRIMARY KEY (group_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX contact_group_member_contact ON contact_group_member (contact_id);

-- Short links, and how often they were opened: in all, and by the day of their account's time zone.
CREATE TABLE short_link (
    link_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    clicks INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX short_link_url ON short_link (account, url, created_ms);
CREATE INDEX short_link_age ON short_link (created_ms);
CREATE TABLE link_day (
    link_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (link_id, day)
) WITHOUT ROWID;
