-- Statements about what accounts may send: counts of the day, blacklists.

-- name: count_times
-- What limits per day have counted of an account; below 0: taken back.
INSERT INTO day_count (day, account, kind, key, times) VALUES (?2, ?1, ?3, ?4, ?5)
ON CONFLICT (day, account, kind, key) DO UPDATE SET times = day_count.times + excluded.times

-- name: list_day_counts
-- What was counted since a day, for the start.
SELECT account, day, key, times FROM day_count WHERE day >= ? AND times > 0

-- name: purge_day_counts
-- Counts of days that are over, some at a time.
DELETE FROM day_count WHERE (day, account, kind, key) IN (
    SELECT day, account, kind, key FROM day_count WHERE day < ?1 LIMIT ?2
)

-- name: insert_blacklisted
-- A number on an account's blacklist, or on everybody's (""). Why it came there first is kept; but the word of a
-- subscriber or an admin counts for more than that of the account, which can take its own back (phones.php).
INSERT INTO blacklist (account, number, at_ms, why) VALUES (?, ?, ?, ?)
ON CONFLICT (account, number) DO UPDATE SET at_ms = excluded.at_ms, why = excluded.why
WHERE blacklist.why = 'phones.php' AND excluded.why <> 'phones.php'

-- name: delete_blacklisted
-- And off it again.
DELETE FROM blacklist WHERE account = ? AND number = ?

-- name: account_of_mail
-- Whose mail it is that an incoming SMS answers.
SELECT account FROM mail WHERE mail_id = ?

-- name: list_blacklist
-- All blacklists, for the start.
SELECT account, CAST('1' || number AS BIGINT) FROM blacklist
