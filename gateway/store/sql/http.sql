-- Messages that came over HTTP, requests that come again, incoming SMS that are asked for, short links.

-- name: insert_request_key
-- A request that may come again, or one whose key is known: then no row changes. ?6: keys that came before this
-- are over.
INSERT INTO request_key (account, key, digest, at_ms, answer) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (account, key) DO UPDATE SET digest = excluded.digest, at_ms = excluded.at_ms, answer = excluded.answer
WHERE request_key.at_ms < ?6;

-- name: find_request_key
-- What was answered when it came first: account, key.
SELECT digest, answer FROM request_key WHERE account = ? AND key = ?;

-- name: purge_request_keys
-- Keys that are over, some at a time.
DELETE FROM request_key WHERE rowid IN (SELECT rowid FROM request_key WHERE at_ms < ? ORDER BY at_ms LIMIT 2000);

-- name: insert_api_message
-- What its client knows of a message that came over HTTP.
INSERT INTO api_message (message_id, account, api_id, phone, sender, kind, parts, cost, comment, flags)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: hide_message
-- Its sender wants to see nothing of it any more; 2 is HIDDEN.
UPDATE api_message SET flags = flags | 2 WHERE account = ? AND message_id = ?;

-- name: list_api_ended
-- What came over HTTP and ends now.
SELECT a.account, a.message_id, a.api_id, a.phone, e.state, e.error, e.done_ms
FROM temp.ended e CROSS JOIN message m USING (message_id) CROSS JOIN api_message a USING (message_id) ORDER BY e.message_id;

-- name: note_lookups
-- What is said of numbers that were looked up: 4 is the kind of HLR requests, 5 that of pings.
UPDATE api_message SET info = (SELECT info FROM temp.ended e WHERE e.message_id = api_message.message_id)
WHERE message_id IN (SELECT message_id FROM temp.ended WHERE info <> '') AND kind IN (4, 5);

-- name: register_message
-- A message that was refused, and that can be asked for.
INSERT INTO history (message_id, account, accepted_ms, source, destination, registered_delivery, segments, connector,
    state, error, done_ms, retries, doubts, origin, route, client_id)
VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, '', ?7, ?8, ?3, 0, 0, 2, ?9, ?10);

-- name: keep_text
-- Its text, where texts are kept.
INSERT INTO history_text (message_id, esm_class, data_coding, user_data) VALUES (?, ?, ?, ?);

-- name: count_registered
-- Counts those of a day that ended so: day, account, state, messages, segments.
INSERT INTO statistics (day, account, connector, state, messages, segments, amount) VALUES (?, ?, '', ?, ?, ?, 0)
ON CONFLICT (day, account, connector, state) DO UPDATE SET messages = statistics.messages + excluded.messages,
    segments = statistics.segments + excluded.segments;

-- name: purge_api_messages
-- Of what leaves the history with this sweep (purge_history): what still lives is not even looked at.
DELETE FROM api_message WHERE message_id IN (SELECT message_id FROM history WHERE message_id < ? ORDER BY message_id LIMIT 2000);

-- name: insert_inbox
-- An incoming SMS that its account asks for.
INSERT INTO inbox (account, phone, own_number, received_ms, esm_class, data_coding, user_data, answers, connector)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING inbox_id;

-- name: name_of_message
-- What its client calls a message, if it is one of this account to this number: account, phone, message_id.  One
-- without a name of its client's is called by its own id.
SELECT CASE api_id WHEN '' THEN CAST(message_id AS TEXT) ELSE api_id END FROM api_message
WHERE message_id = ?3 AND account = ?1 AND phone = ?2;

-- name: find_answered_message
-- The same of the newest one since an id, of which only so many are looked at: account, phone, since.
SELECT CASE api_id WHEN '' THEN CAST(message_id AS TEXT) ELSE api_id END FROM (
    SELECT message_id, api_id, phone FROM api_message INDEXED BY api_message_account
    WHERE account = ?1 AND message_id >= ?3 ORDER BY message_id DESC LIMIT 500) newest
WHERE phone = ?2 LIMIT 1;

-- name: list_newest_messages
-- Of all accounts, the newest last: rows at the most.
SELECT message_id, account, phone FROM api_message WHERE message_id > coalesce((
    SELECT message_id FROM api_message ORDER BY message_id DESC LIMIT 1 OFFSET ?), 0) ORDER BY message_id;

-- name: purge_inbox
-- Beyond history's days; only the oldest are looked at.
DELETE FROM inbox WHERE inbox_id IN (
    SELECT inbox_id FROM (SELECT inbox_id, received_ms FROM inbox ORDER BY inbox_id LIMIT 2000) oldest WHERE received_ms < ?);

-- name: insert_short_link
-- A short link: where it leads, and of which message it is.
INSERT OR IGNORE INTO short_link (link_id, account, url, created_ms, message_id) VALUES (?, ?, ?, ?, ?);

-- name: count_clicks
-- A link was opened so often; how often that is in all, and of which message it is: link_id, times.
UPDATE short_link SET clicks = clicks + ?2 WHERE link_id = ?1 RETURNING clicks, message_id;

-- name: count_clicks_of_day
-- The same by day: link_id, day, times.
INSERT INTO link_day (link_id, day, clicks) VALUES (?, ?, ?)
ON CONFLICT (link_id, day) DO UPDATE SET clicks = link_day.clicks + excluded.clicks;

-- name: mark_clicked
-- A link of a message is opened for the first time: message_id, at_ms; 4 is CLICKED, 3 the kind of the call.
UPDATE api_message SET flags = flags | 4 WHERE message_id = ?1 AND (flags & 4) = 0
RETURNING account, 3, ?2, message_id, api_id, phone, sender,
    coalesce((SELECT state FROM history h WHERE h.message_id = api_message.message_id), 1), '', ?2, kind, parts, cost,
    comment, 0, 0, x'', '';

-- name: list_old_links
-- Links that nobody opens any more, some at a time.
SELECT link_id FROM short_link WHERE created_ms < ? ORDER BY created_ms LIMIT ?;

-- name: delete_link
-- Nor does it lead anywhere.
DELETE FROM short_link WHERE link_id = ?;

-- name: delete_link_days
-- And how often it was opened.
DELETE FROM link_day WHERE link_id = ?;
