-- What several nodes spend, count and number together.  Locks are taken in one order: balances, counts of the
-- day, what was sent a moment ago; and each of these by its key.

-- name: lock_balances
-- rows: text
-- What is left of these accounts' money, which nobody else changes now; 1: some more waits to be added to it.
SELECT b.account, b.amount, EXISTS (SELECT FROM refund r WHERE r.payer = b.account)::integer
FROM balance b WHERE b.account = ANY ($1::text[]) ORDER BY b.account FOR UPDATE OF b;

-- name: open_balances
-- rows: text
INSERT INTO balance (account, amount) SELECT account, 0 FROM unnest($1::text[]) AS of (account) ORDER BY account
ON CONFLICT DO NOTHING;

-- name: fold_refunds
-- rows: text
-- What came back to balances that are locked.
WITH gone AS (DELETE FROM refund WHERE payer = ANY ($1::text[]) RETURNING payer, amount),
    sums AS (SELECT payer, sum(amount)::bigint AS amount FROM gone GROUP BY payer)
UPDATE balance b SET amount = b.amount + sums.amount, xid = pg_current_xact_id()
FROM sums WHERE b.account = sums.payer RETURNING b.account, b.amount;

-- name: fold_free_refunds
-- The same of all balances that nobody has locked.
WITH free AS (
        SELECT account FROM balance WHERE account IN (SELECT payer FROM refund)
        ORDER BY account FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM refund USING free WHERE refund.payer = free.account RETURNING refund.payer, refund.amount),
    sums AS (SELECT payer, sum(amount)::bigint AS amount FROM gone GROUP BY payer)
UPDATE balance b SET amount = b.amount + sums.amount, xid = pg_current_xact_id()
FROM sums WHERE b.account = sums.payer;

-- name: add_to_balance
-- Money comes, or goes (below 0).
INSERT INTO balance AS b (account, amount) VALUES ($1, $2)
ON CONFLICT (account) DO UPDATE SET amount = b.amount + excluded.amount, xid = pg_current_xact_id();

-- name: return_to_balance
-- Money comes back, with whatever ends: it waits for nobody's lock, and nobody for it.
INSERT INTO refund (payer, amount) VALUES ($1, $2);

-- name: list_balances
-- What is left of everybody's money.
SELECT b.account, (b.amount + coalesce((SELECT sum(r.amount) FROM refund r WHERE r.payer = b.account), 0))::bigint
FROM balance b;

-- name: balances_of
-- rows: text
-- The same of these accounts.
SELECT b.account, (b.amount + coalesce((SELECT sum(r.amount) FROM refund r WHERE r.payer = b.account), 0))::bigint
FROM balance b WHERE b.account = ANY ($1::text[]);

-- name: balances_since
-- The same of those that a transaction has changed that was not over when the oldest open one was this.
SELECT b.account, (b.amount + coalesce((SELECT sum(r.amount) FROM refund r WHERE r.payer = b.account), 0))::bigint
FROM balance b WHERE b.xid >= $1::bigint::text::xid8;

-- name: oldest_open
-- The oldest transaction that is not over: all before it are seen.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- name: count_all
-- rows: text bigint bigint bytea bigint
-- What limits per day count: account, day, kind, key, times; how often that is then.
INSERT INTO day_count (account, day, kind, key, times)
SELECT account, day, kind, key, times
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[]) AS of (account, day, kind, key, times)
ORDER BY day, account, kind, key
ON CONFLICT (day, account, kind, key) DO UPDATE SET times = day_count.times + excluded.times
RETURNING account, day, kind, key, times;

-- name: lock_recent
-- rows: text bytea
-- How often, and when last, something was sent that nobody else sends now.
INSERT INTO recent (account, key, times, at_ms)
SELECT account, key, 0, 0 FROM unnest($1::text[], $2::bytea[]) AS of (account, key) ORDER BY account, key
ON CONFLICT (account, key) DO UPDATE SET times = recent.times
RETURNING account, key, times, at_ms;

-- name: set_recent
-- rows: text bytea bigint bigint bigint
UPDATE recent r SET times = of.times, at_ms = of.at_ms, until_ms = of.until_ms
FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[]) AS of (account, key, times, at_ms, until_ms)
WHERE r.account = of.account AND r.key = of.key;

-- name: purge_recent
-- What may be sent again, some at a time.
DELETE FROM recent WHERE (account, key) IN (
    SELECT account, key FROM recent WHERE until_ms < $1 ORDER BY until_ms LIMIT 5000 FOR UPDATE SKIP LOCKED);

-- name: known_keys
-- rows: text text bigint
-- Requests that came before: account, key, since when (ms).
SELECT of.account, of.key FROM unnest($1::text[], $2::text[], $3::bigint[]) AS of (account, key, since_ms)
JOIN request_key r ON r.account = of.account AND r.key = of.key AND r.at_ms >= of.since_ms;

-- name: known_mails
-- rows: bigint bytea bigint
-- Mails that came before: mail_id, key, since when (ms).
SELECT of.mail_id FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) AS of (mail_id, key, since_ms)
JOIN mail m ON m.key = of.key AND m.received_ms >= of.since_ms;

-- name: reserve_ids
-- Numbers that nobody else gives: name, how many; the last of them. A mark is where a single node had come to.
INSERT INTO setting AS s (name, value) VALUES ($1, $2 + coalesce((SELECT value FROM mark WHERE name = $1), 0))
ON CONFLICT (name) DO UPDATE SET value = s.value + $2 RETURNING value;

-- name: add_open
-- rows: text bigint bigint
-- Messages that a run has taken less those that it saw end: account, boot, how many.
INSERT INTO open_count (account, boot, n)
SELECT account, boot, n FROM unnest($1::text[], $2::bigint[], $3::bigint[]) r (account, boot, n)
ON CONFLICT (account, boot) DO UPDATE SET n = open_count.n + excluded.n;

-- name: list_open
-- How many messages of each account have not ended.
SELECT account, sum(n)::bigint FROM open_count GROUP BY account;

-- name: fold_open
-- A run is over: what it counted is nobody's from now on.
WITH gone AS (DELETE FROM open_count WHERE boot = $1 AND boot <> 0 RETURNING account, n)
INSERT INTO open_count (account, boot, n) SELECT account, 0, n FROM gone ORDER BY account
ON CONFLICT (account, boot) DO UPDATE SET n = open_count.n + excluded.n;

-- name: lock_open
-- One at a time counts them anew.
SELECT pg_advisory_xact_lock(hashtextextended('open_count', 0));

-- name: recount_open
-- What the counts have missed, of a store that was moved here for example.
INSERT INTO open_count (account, boot, n)
SELECT account, 0, sum(n)::bigint FROM (
    SELECT account, count(*) AS n FROM message GROUP BY account
    UNION ALL SELECT account, -sum(n) FROM open_count GROUP BY account) both_of
GROUP BY account HAVING sum(n) <> 0 ORDER BY account
ON CONFLICT (account, boot) DO UPDATE SET n = open_count.n + excluded.n;

-- name: insert_change
-- rows: bigint text bytea
-- What other nodes must hear of: boot, kind, rows.
INSERT INTO change (boot, kind, row) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[]);

-- name: changes_since
-- What others have changed in transactions that were not over when the oldest open one was this: boot, xid.
SELECT n, xid::text::bigint, kind, row FROM change WHERE xid >= $2::bigint::text::xid8 AND boot <> $1 ORDER BY n;

-- name: purge_changes
-- Every node that lives has heard of these.
DELETE FROM change WHERE n IN (
    SELECT n FROM (SELECT n, at FROM change ORDER BY n LIMIT 2000) oldest
    WHERE at < clock_timestamp() - interval '1 hour');
