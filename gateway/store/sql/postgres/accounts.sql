-- name: count_times
-- rows: text bigint bigint bytea bigint
-- What limits per day have counted of an account; below 0: taken back.  In one order, so that nodes wait for each
-- other and not in a circle.
INSERT INTO day_count (account, day, kind, key, times)
SELECT account, day, kind, key, times
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[]) AS of (account, day, kind, key, times)
ORDER BY day, account, kind, key
ON CONFLICT (day, account, kind, key) DO UPDATE SET times = day_count.times + excluded.times;
