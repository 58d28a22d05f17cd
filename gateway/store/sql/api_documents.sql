-- Invoices (documents.php).

-- name: newest_invoice
-- The number that was given last, 0: none.
SELECT coalesce(max(record_id), 0) AS number FROM record WHERE kind = 'invoice';
