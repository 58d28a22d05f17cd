-- name: links_of_url
-- The link of an account that was last made of a URL, and the clicks of all of them; of not more than are sent in
-- one go.
SELECT (array_agg(link_id ORDER BY created_ms DESC))[1] AS link_id, max(created_ms), sum(clicks) AS clicks FROM (
    SELECT link_id, created_ms, clicks FROM short_link WHERE account = $1 AND url = $2 ORDER BY created_ms DESC LIMIT 20000) found;
