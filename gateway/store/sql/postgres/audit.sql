-- name: erase_audit
-- Numbers stand there as logs show them (protocols.sms.addresses.mask), and so the erased one goes: $1, and the
-- rows above $2, up to $3.
UPDATE audit SET subject = replace(subject, masked.it, 'erased'), why = replace(why, masked.it, 'erased')
FROM (SELECT CASE
    WHEN length($1::text) >= 11 THEN left($1, 4) || repeat('*', length($1) - 8) || right($1, 4)
    WHEN length($1) >= 8 THEN left($1, 4) || repeat('*', length($1) - 6) || right($1, 2)
    ELSE left($1, 2) || repeat('*', length($1) - 2) END AS it) AS masked
WHERE audit_id > $2 AND audit_id <= $3 AND (strpos(subject, masked.it) > 0 OR strpos(why, masked.it) > 0);
