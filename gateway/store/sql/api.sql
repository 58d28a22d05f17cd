-- What the HTTP front reads of the small things that accounts keep (Records in gateway/front/desk.py).

-- name: get_record
-- One of an account: kind, account, record_id.
SELECT record_id, name, data FROM record WHERE kind = ? AND account = ? AND record_id = ?;

-- name: named_record
-- The newest of this name: kind, account, name.
SELECT record_id, name, data FROM record WHERE kind = ? AND account = ? AND name = ? ORDER BY record_id DESC LIMIT 1;

-- name: list_records
-- Of an account, oldest first: kind, account, rows at the most.
SELECT record_id, name, data FROM record WHERE kind = ? AND account = ? ORDER BY record_id LIMIT ?;

-- name: list_kind
-- Of all accounts.
SELECT account, record_id, name, data FROM record WHERE kind = ? ORDER BY account, record_id;
