-- What came over HTTP.

-- name: insert_api_message
-- rows: bigint text text text text bigint bigint bigint text bigint
-- What its client knows of a message that came over HTTP.
INSERT INTO api_message (message_id, account, api_id, phone, sender, kind, parts, cost, comment, flags)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::text[], $10::bigint[]);

-- name: hide_message
-- rows: text bigint
-- Its sender wants to see nothing of it any more; 2 is HIDDEN.
UPDATE api_message a SET flags = a.flags | 2
FROM unnest($1::text[], $2::bigint[]) AS of (account, message_id)
WHERE a.account = of.account AND a.message_id = of.message_id;

-- name: register_message
-- rows: bigint text bigint text text bigint bigint text text text
-- A message that was refused, and that can be asked for.
INSERT INTO history (message_id, account, accepted_ms, source, destination, registered_delivery, segments, connector,
    state, error, done_ms, retries, doubts, origin, route, client_id)
SELECT message_id, account, at_ms, source, destination, 0, segments, '', state, error, at_ms, 0, 0, 2, route, client_id
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
    $9::text[], $10::text[])
    AS of (message_id, account, at_ms, source, destination, segments, state, error, route, client_id);

-- name: keep_text
-- rows: bigint bigint bigint bytea
-- Its text, where texts are kept.
INSERT INTO history_text (message_id, esm_class, data_coding, user_data)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
WHERE EXISTS (SELECT FROM setting WHERE name = 'keeps_texts' AND value = 1);

-- name: count_registered
-- rows: bigint text bigint bigint bigint
-- Counts those of a day that ended so: day, account, state, messages, segments.
INSERT INTO statistics (day, account, connector, state, messages, segments, amount, node)
SELECT day, account, '', state, messages, segments, 0, coalesce((SELECT node FROM pg_temp.me), 0)
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS of (day, account, state, messages, segments)
ON CONFLICT (day, account, connector, state, node) DO UPDATE SET messages = statistics.messages + excluded.messages,
    segments = statistics.segments + excluded.segments;

-- name: find_answered_message
-- What its client calls the newest message to a number since an id: account, phone, since.
SELECT CASE api_id WHEN '' THEN message_id::text ELSE api_id END FROM api_message
WHERE account = $1 AND phone = $2 AND message_id >= $3 ORDER BY message_id DESC LIMIT 1;

-- name: insert_short_link
-- rows: bigint text text bigint bigint
-- A short link: where it leads, and of which message it is.
INSERT INTO short_link (link_id, account, url, created_ms, message_id)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT DO NOTHING;

-- name: count_clicks_of_day
-- rows: bigint bigint bigint
-- The same by day: link_id, day, times.
INSERT INTO link_day (link_id, day, clicks)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS of (link_id, day, times) ORDER BY of.link_id, of.day
ON CONFLICT (link_id, day) DO UPDATE SET clicks = link_day.clicks + excluded.clicks;

-- name: delete_link
-- rows: bigint
-- Nor does it lead anywhere.
DELETE FROM short_link WHERE link_id = ANY ($1::bigint[]);

-- name: delete_link_days
-- rows: bigint
-- And how often it was opened.
DELETE FROM link_day WHERE link_id = ANY ($1::bigint[]);
