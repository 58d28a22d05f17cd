-- Mails, letters and incoming SMS, among several nodes.

-- name: insert_mail
-- rows: bigint bytea text bigint text text text text text bytea bigint
-- A mail that came in; one whose key is known is a repeated one and leaves no row.
INSERT INTO mail (mail_id, key, account, received_ms, sender, envid, header_id, subject, client_id, returned, whole)
SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::bytea[], $11::bigint[])
    AS of (mail_id, key, account, received_ms, sender, envid, header_id, subject, client_id, returned, whole)
ORDER BY of.key, of.mail_id
ON CONFLICT (key) DO NOTHING;

-- name: insert_mail_recipient
-- rows: bigint bigint text text bigint text text
-- Whom a mail's message goes to, and what its sender wants to hear of it.
INSERT INTO mail_recipient (message_id, mail_id, address, orcpt, notify, number, own_number)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[]);

-- name: insert_letter
-- rows: bigint text bigint bigint text text text
-- An incoming SMS for a mailbox.
INSERT INTO letter (kind, recipient, mail_id, created_ms, due_ms, number, own_number, text)
SELECT kind, recipient, mail_id, at_ms, at_ms, number, own_number, text
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
    WITH ORDINALITY AS of (kind, recipient, mail_id, at_ms, number, own_number, text, n)
ORDER BY n;

-- name: claim_letters
-- The next letters to send that no node has, with the mail and the recipient that they are about.
SELECT t.letter_id, t.kind, t.recipient, t.created_ms, t.tries, coalesce(t.message_id, 0), t.state, t.error,
    t.done_ms, t.number, t.own_number, t.text, coalesce(t.mail_id, 0), coalesce(l.received_ms, 0), coalesce(l.envid, ''),
    coalesce(l.header_id, ''), coalesce(l.subject, ''), coalesce(l.returned, ''::bytea), coalesce(l.whole, 0),
    coalesce(r.address, ''), coalesce(r.orcpt, ''), coalesce(h.connector, '')
FROM letter t LEFT JOIN mail l ON l.mail_id = t.mail_id LEFT JOIN mail_recipient r ON r.message_id = t.message_id
LEFT JOIN history h ON h.message_id = t.message_id
WHERE t.due_ms <= $1 AND t.claimed_boot = 0 AND t.claimed_boot <> $2 ORDER BY t.due_ms, t.letter_id LIMIT $3
FOR UPDATE OF t SKIP LOCKED;

-- name: mark_claimed
-- rows: bigint bigint
-- Somebody sends it now.
UPDATE letter t SET claimed_boot = of.boot
FROM unnest($1::bigint[], $2::bigint[]) AS of (boot, letter_id) WHERE t.letter_id = of.letter_id;

-- name: next_letter
-- When there is another one to send.
SELECT due_ms FROM letter WHERE claimed_boot = 0 AND claimed_boot <> $1 ORDER BY due_ms, letter_id LIMIT 1;

-- name: put_off_letter
-- rows: bigint bigint text
-- Nobody took it for now.
UPDATE letter t SET tries = tries + 1, claimed_boot = 0, due_ms = of.due_ms, last_error = of.why
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS of (letter_id, due_ms, why) WHERE t.letter_id = of.letter_id;

-- name: bury_letter
-- rows: bigint text bigint
-- Nobody will ever take it; who buries it first.
WITH gone AS (
    DELETE FROM letter t USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS of (letter_id, why, now_ms)
    WHERE t.letter_id = of.letter_id RETURNING t.*, of.why, of.now_ms)
INSERT INTO dead_letter (letter_id, kind, recipient, created_ms, due_ms, tries, message_id, state, error, done_ms,
    number, own_number, text, mail_id, claimed_boot, last_error, reason, died_ms)
SELECT letter_id, kind, recipient, created_ms, due_ms, tries, message_id, state, error, done_ms,
    number, own_number, text, mail_id, claimed_boot, last_error, why, now_ms
FROM gone ORDER BY letter_id;

-- name: delete_letter
-- rows: bigint
-- It was sent, or buried.
DELETE FROM letter WHERE letter_id = ANY ($1::bigint[]);

-- name: list_old_letters
-- Letters that have waited too long, and that nobody is sending; only the oldest are looked at.
SELECT t.letter_id FROM (SELECT letter_id FROM letter ORDER BY letter_id LIMIT $3) oldest
JOIN letter t ON t.letter_id = oldest.letter_id
WHERE t.created_ms < $1 AND t.claimed_boot = 0 AND t.claimed_boot <> $2 FOR UPDATE OF t SKIP LOCKED;

-- name: delete_mail
-- rows: bigint
-- Nothing more will be said of it.
DELETE FROM mail WHERE mail_id = ANY ($1::bigint[]);

-- name: delete_mail_recipients
-- rows: bigint
-- Nor of its messages.
DELETE FROM mail_recipient WHERE mail_id = ANY ($1::bigint[]);

-- name: take_late
-- Messages whose delay their sender wants to hear of, once, some at a time; 4 is DELAY.  Those that have ended
-- are taken too, so that nobody looks at them again; those that are held wait.
WITH late AS MATERIALIZED (
    SELECT r.message_id FROM mail_recipient r WHERE (r.notify & 4) <> 0 AND r.message_id < $1
    AND NOT EXISTS (SELECT FROM message m WHERE m.message_id = r.message_id AND m.progress = 2)
    ORDER BY r.message_id LIMIT $2 FOR UPDATE OF r SKIP LOCKED)
UPDATE mail_recipient r SET notify = r.notify & 3 FROM late WHERE r.message_id = late.message_id
RETURNING r.message_id;

-- name: write_delay
-- rows: bigint bigint
-- A notice to the mail's sender that a message still waits; done_ms: it is given up then.
INSERT INTO letter (kind, recipient, created_ms, due_ms, message_id, done_ms, number, own_number, mail_id)
SELECT 2, l.sender, of.now_ms, of.now_ms, m.message_id, m.expires_ms, r.number, r.own_number, r.mail_id
FROM unnest($1::bigint[], $2::bigint[]) AS of (message_id, now_ms) JOIN message m ON m.message_id = of.message_id
JOIN mail_recipient r ON r.message_id = m.message_id JOIN mail l ON l.mail_id = r.mail_id
WHERE m.origin = 1 AND l.sender <> '' ORDER BY m.message_id
ON CONFLICT DO NOTHING;
