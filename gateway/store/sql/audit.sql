-- Who did what.

-- name: insert_audit
-- Somebody begins something: at_ms, who, origin, address, action, subject, outcome, why, boot.
INSERT INTO audit (at_ms, who, origin, address, action, subject, outcome, why, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING audit_id;

-- name: end_audit
-- And this came of it.
UPDATE audit SET outcome = ?2, why = ?3 WHERE audit_id = ?1;

-- name: purge_audit
-- Only the oldest are looked at: the table grows in the order of its times.
DELETE FROM audit WHERE audit_id IN (
    SELECT audit_id FROM (SELECT audit_id, at_ms FROM audit ORDER BY audit_id LIMIT 2000) oldest WHERE at_ms < ?);

-- name: erase_audit
-- Numbers stand there as logs show them (protocols.sms.addresses.mask), and so the erased one goes: ?1, and the
-- rows above ?2, up to ?3.
UPDATE audit SET subject = replace(subject, masked.it, 'erased'), why = replace(why, masked.it, 'erased')
FROM (SELECT CASE
    WHEN length(?1) >= 11 THEN substr(?1, 1, 4) || printf('%.*c', length(?1) - 8, '*') || substr(?1, -4)
    WHEN length(?1) >= 8 THEN substr(?1, 1, 4) || printf('%.*c', length(?1) - 6, '*') || substr(?1, -2)
    ELSE substr(?1, 1, 2) || printf('%.*c', length(?1) - 2, '*') END AS it) AS masked
WHERE audit_id > ?2 AND audit_id <= ?3 AND (instr(subject, masked.it) OR instr(why, masked.it));
