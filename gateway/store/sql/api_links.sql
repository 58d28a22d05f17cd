-- Short links: where they lead, and how often they were opened.

-- name: link_by_id
-- Whose link it is, where it leads, and how often it was opened.
SELECT account, url, clicks FROM short_link WHERE link_id = ?;

-- name: link_days
-- When it was opened: days since 1970, from one on.
SELECT day, clicks FROM link_day WHERE link_id = ? AND day >= ?;

-- name: links_of_url
-- The link of an account that was last made of a URL, and the clicks of all of them; of not more than are sent in
-- one go.
SELECT link_id, max(created_ms), sum(clicks) AS clicks FROM (
    SELECT link_id, created_ms, clicks FROM short_link WHERE account = ? AND url = ? ORDER BY created_ms DESC LIMIT 20000) found;

-- name: url_days
-- When these were opened: account, URL, from this day on.
SELECT day, sum(clicks) AS clicks FROM link_day WHERE day >= ?3 AND link_id IN (
    SELECT link_id FROM short_link WHERE account = ?1 AND url = ?2 ORDER BY created_ms DESC LIMIT 20000) GROUP BY day;
