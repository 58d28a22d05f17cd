-- Statements about what accounts may send: counts of the day, blacklists.

-- name: count_times
-- What limits per day have counted of an account; below 0: taken back.
INSERT INTO day_count (day, account, kind, key, times) VALUES (?2, ?1, ?3, ?4, ?5)
ON CONFLICT (day, account, kind, key) DO UPDATE SET times = times + excluded.times

-- name: list_day_counts
SELECT account, day, key, times FROM day_count WHERE day >= ? AND times > 0

-- name: purge_day_counts
DELETE FROM day_count WHERE (day, account, kind, key) IN (
    SELECT day, account, kind, key FROM day_count WHERE day < ?1 LIMIT ?2
)

-- name: insert_blacklisted
INSERT OR IGNORE INTO blacklist (account, number, at_ms, why) VALUES (?, ?, ?, ?)

-- name: delete_blacklisted
DELETE FROM blacklist WHERE account = ? AND number = ?

-- name: account_of_mail
SELECT account FROM mail WHERE mail_id = ?

-- name: list_blacklist
SELECT account, CAST('1' || number AS INTEGER) FROM blacklist
