-- Texts of ended messages, what is counted of them, and what is erased.

-- name: read_setting
-- What an earlier run was told.
SELECT value FROM setting WHERE name = ?;

-- name: write_setting
-- What the next run begins with.
INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: write_texts
-- Texts of messages that end; an empty one is none.
INSERT OR IGNORE INTO history_text (message_id, esm_class, data_coding, user_data)
SELECT m.message_id, m.esm_class, m.data_coding, m.user_data FROM temp.ended e CROSS JOIN message m USING (message_id)
WHERE m.user_data <> x'';

-- name: purge_texts
-- Texts beyond their days, the oldest first and some at a time, so each is looked at once.
DELETE FROM history_text WHERE message_id IN (
    SELECT message_id FROM history_text WHERE message_id < ? ORDER BY message_id LIMIT 2000);

-- name: write_statistics
-- Counts the messages that end.
INSERT INTO statistics (day, account, connector, state, messages, segments, amount)
SELECT m.accepted_ms / 86400000 AS day, m.account, m.connector, e.state, count(*), sum(m.segments), 0
FROM temp.ended e CROSS JOIN message m USING (message_id) WHERE true GROUP BY day, m.account, m.connector, e.state
ON CONFLICT (day, account, connector, state) DO UPDATE SET messages = statistics.messages + excluded.messages,
    segments = statistics.segments + excluded.segments;

-- name: write_odd_statistics
-- The same where some of them cost something, or went up with another one: those are of its connector, and their
-- segments are in its own.
INSERT INTO statistics (day, account, connector, state, messages, segments, amount)
SELECT m.accepted_ms / 86400000 AS day, m.account, coalesce(c.connector, m.connector) AS by, e.state, count(*),
    sum(CASE m.progress WHEN 4 THEN 0 ELSE m.segments END), coalesce(sum(CASE p.given_back WHEN 1 THEN 0 ELSE p.amount END), 0)
FROM temp.ended e CROSS JOIN message m USING (message_id) LEFT JOIN charge p ON p.message_id = m.message_id
LEFT JOIN gathered_part g ON m.progress = 4 AND g.message_id = m.message_id LEFT JOIN message c ON c.message_id = g.carrier
WHERE true GROUP BY day, m.account, by, e.state
ON CONFLICT (day, account, connector, state) DO UPDATE SET messages = statistics.messages + excluded.messages,
    segments = statistics.segments + excluded.segments,
    amount = statistics.amount + excluded.amount;

-- name: purge_statistics
-- Days that nobody counts any more.
DELETE FROM statistics WHERE day < ?;

-- name: count_live_of_number
-- ?1 is the number that is erased, here and below; ?2 and ?3: rows above the one, up to the other.  Addresses are
-- kept as they came: some have a + or 00 before the number.
SELECT count(*) FROM message WHERE message_id > ?2 AND message_id <= ?3 AND (source IN (?1, '+' || ?1, '00' || ?1)
    OR destination IN (?1, '+' || ?1, '00' || ?1));

-- name: erase_letters
-- Mails to write that are about the number; a delay notice goes with its message.
DELETE FROM letter WHERE letter_id > ?2 AND letter_id <= ?3 AND ?1 IN (number, own_number)
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.message_id = letter.message_id);

-- name: erase_dead_letters
-- Those that nobody took.
DELETE FROM dead_letter WHERE rowid > ?2 AND rowid <= ?3 AND ?1 IN (number, own_number);

-- name: erase_mails
-- What mails said whose messages to the number have ended: subject, text, ids of their senders.
UPDATE mail SET subject = '', returned = x'', whole = 0, envid = '', client_id = ''
WHERE mail_id > ?2 AND mail_id <= ?3 AND mail_id IN (
    SELECT r.mail_id FROM mail_recipient r WHERE r.mail_id > ?2 AND r.mail_id <= ?3 AND ?1 IN (r.number, r.own_number)
    AND NOT EXISTS (SELECT 1 FROM message m WHERE m.message_id = r.message_id));

-- name: erase_mail_recipients
-- And whom those were to.
UPDATE mail_recipient SET address = 'erased', orcpt = '', number = CASE WHEN number = ?1 THEN 'erased' ELSE number END,
    own_number = CASE WHEN own_number = ?1 THEN 'erased' ELSE own_number END
WHERE message_id > ?2 AND message_id <= ?3 AND ?1 IN (number, own_number)
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.message_id = mail_recipient.message_id);

-- name: erase_history_texts
-- Kept texts, before the next one makes them nobody's.
DELETE FROM history_text WHERE message_id > ?2 AND message_id <= ?3 AND message_id IN (
    SELECT message_id FROM history WHERE message_id > ?2 AND message_id <= ?3 AND (source IN (?1, '+' || ?1, '00' || ?1)
    OR destination IN (?1, '+' || ?1, '00' || ?1)));

-- name: erase_history
-- Ended messages stay, for what they are counted for.
UPDATE history SET source = CASE WHEN source IN (?1, '+' || ?1, '00' || ?1) THEN 'erased' ELSE source END,
    destination = CASE WHEN destination IN (?1, '+' || ?1, '00' || ?1) THEN 'erased' ELSE destination END,
    client_id = ''
WHERE message_id > ?2 AND message_id <= ?3 AND (source IN (?1, '+' || ?1, '00' || ?1)
    OR destination IN (?1, '+' || ?1, '00' || ?1));

-- name: erase_incoming
-- Incoming SMS that wait for an account.
DELETE FROM delivery WHERE delivery_id > ?2 AND delivery_id <= ?3 AND state = -1 AND (source IN (?1, '+' || ?1, '00' || ?1)
    OR destination IN (?1, '+' || ?1, '00' || ?1));

-- name: erase_receipts
-- A receipt that waits still says what became of its message; 5 is alphanumeric.
UPDATE delivery SET user_data = x'', tlvs = x'',
    source_ton = CASE WHEN source IN (?1, '+' || ?1, '00' || ?1) THEN 5 ELSE source_ton END, source_npi = CASE WHEN source IN (?1, '+' || ?1, '00' || ?1) THEN 0 ELSE source_npi END,
    source = CASE WHEN source IN (?1, '+' || ?1, '00' || ?1) THEN 'erased' ELSE source END,
    destination_ton = CASE WHEN destination IN (?1, '+' || ?1, '00' || ?1) THEN 5 ELSE destination_ton END, destination_npi = CASE WHEN destination IN (?1, '+' || ?1, '00' || ?1) THEN 0 ELSE destination_npi END,
    destination = CASE WHEN destination IN (?1, '+' || ?1, '00' || ?1) THEN 'erased' ELSE destination END
WHERE delivery_id > ?2 AND delivery_id <= ?3 AND (source IN (?1, '+' || ?1, '00' || ?1)
    OR destination IN (?1, '+' || ?1, '00' || ?1));

-- name: erase_dead_deliveries
-- What no account wanted.
DELETE FROM dead_delivery WHERE rowid > ?2 AND rowid <= ?3 AND (source IN (?1, '+' || ?1, '00' || ?1)
    OR destination IN (?1, '+' || ?1, '00' || ?1));

-- name: erase_parked
-- Receipts that match nothing.
DELETE FROM parked_receipt WHERE parked_id > ?2 AND parked_id <= ?3 AND peer = ?1;

-- name: erase_incidents
-- Lines of timelines that name it.
UPDATE incident SET text = replace(text, ?1, 'erased')
WHERE incident_id > ?2 AND incident_id <= ?3 AND text LIKE '%' || ?1 || '%';

-- name: erase_ambiguous
-- And evidence of doubts.
UPDATE ambiguous SET evidence = replace(evidence, ?1, 'erased')
WHERE ambiguous_id > ?2 AND ambiguous_id <= ?3 AND evidence LIKE '%' || ?1 || '%';

-- name: erase_parts
-- Parts of long incoming SMS; there are few.
DELETE FROM incoming_part WHERE ?1 IN (number, own_number, source, destination);

-- name: erase_api_messages
-- What clients over HTTP know of messages that have ended.
UPDATE api_message SET phone = CASE WHEN phone = ?1 THEN 'erased' ELSE phone END, comment = '', info = '', api_id = '',
    sender = CASE WHEN sender IN (?1, '+' || ?1, '00' || ?1) THEN 'erased' ELSE sender END
WHERE message_id > ?2 AND message_id <= ?3 AND (phone = ?1 OR sender IN (?1, '+' || ?1, '00' || ?1))
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.message_id = api_message.message_id);

-- name: erase_inbox
-- Incoming SMS that are kept to be asked for.
DELETE FROM inbox WHERE inbox_id > ?2 AND inbox_id <= ?3 AND ?1 IN (phone, own_number);

-- name: erase_incoming_calls
-- Incoming SMS that are to be told of; 2 is INCOMING.
DELETE FROM call WHERE call_id > ?2 AND call_id <= ?3 AND kind = 2 AND ?1 IN (phone, own_number);

-- name: erase_calls
-- Other calls still say what became of their messages.
UPDATE call SET phone = CASE WHEN phone IN (?1, '+' || ?1, '00' || ?1) THEN 'erased' ELSE phone END, comment = '', info = '', reason = '',
    api_id = CASE WHEN api_id LIKE '%' || ?1 || '%' THEN '' ELSE api_id END,
    own_number = CASE WHEN own_number IN (?1, '+' || ?1, '00' || ?1) THEN 'erased' ELSE own_number END
WHERE call_id > ?2 AND call_id <= ?3 AND (phone IN (?1, '+' || ?1, '00' || ?1) OR own_number IN (?1, '+' || ?1, '00' || ?1));

-- name: erase_dead_calls
-- Those that nobody took.
DELETE FROM dead_call WHERE call_id > ?2 AND call_id <= ?3 AND (phone IN (?1, '+' || ?1, '00' || ?1)
    OR own_number IN (?1, '+' || ?1, '00' || ?1));

-- name: erase_answers
-- What was answered to requests that may come again: the answer is given again without the number.
UPDATE request_key SET answer = CAST(replace(CAST(answer AS TEXT), ?1, 'erased') AS BLOB)
WHERE rowid > ?2 AND rowid <= ?3 AND instr(CAST(answer AS TEXT), ?1);

-- name: erase_link_days
-- Clicks of the links that the next one deletes.
DELETE FROM link_day WHERE link_id IN (
    SELECT link_id FROM short_link WHERE link_id > ?2 AND link_id <= ?3 AND url LIKE '%' || ?1 || '%');

-- name: erase_links
-- Short links with the number in where they lead: they lead nowhere any more.
DELETE FROM short_link WHERE link_id > ?2 AND link_id <= ?3 AND url LIKE '%' || ?1 || '%';

-- name: count_blacklisted_number
-- Entries of blacklists: they are kept, or it would be written to again.
SELECT count(*) FROM blacklist WHERE number = ?1;

-- name: count_contacts_of_number
-- Entries of address books are their owner's: they are kept.
SELECT count(*) FROM contact WHERE contact_id > ?2 AND contact_id <= ?3
AND instr(' ' || numbers || ' ' || others || ' ', ' ' || ?1 || ' ') > 0;

-- name: count_records_of_number
-- So are templates, jobs, and whatever else accounts have written down.
SELECT count(*) FROM record WHERE rowid > ?2 AND rowid <= ?3 AND data LIKE '%' || ?1 || '%';
