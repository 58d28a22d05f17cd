-- Small things that accounts keep, and their address books.

-- name: put_record
-- New, or changed: kind, account, record_id, name, data.
INSERT INTO record (kind, account, record_id, name, data) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, account, record_id) DO UPDATE SET name = excluded.name, data = excluded.data;

-- name: drop_record
-- Kind, account, record_id.
DELETE FROM record WHERE kind = ? AND account = ? AND record_id = ?;

-- name: change_record
-- Name, data, kind, account, record_id.
UPDATE record SET name = ?, data = ? WHERE kind = ? AND account = ? AND record_id = ?;

-- name: keep_newest
-- The highest id that was given, which stays when what has it is gone: name, id.
INSERT INTO setting (name, value) VALUES ('newest:' || ?, ?)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);

-- name: list_newest
-- All of them.
SELECT substr(name, 8), value FROM setting WHERE name >= 'newest:' AND name < 'newest;';

-- name: put_contact
-- New, or changed as a whole: Contact's fields.
INSERT OR IGNORE INTO contact (contact_id, account, is_mail, numbers, groups, name, last_name, first_name, middle_name, birthday,
    own_id, comment, tags, others)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_contact_number
-- One of its numbers: account, is_mail, number, contact_id.
INSERT OR IGNORE INTO contact_number (account, is_mail, number, contact_id) VALUES (?, ?, ?, ?);

-- name: insert_group_member
-- One of its groups: group_id, contact_id.
INSERT OR IGNORE INTO contact_group_member (group_id, contact_id) VALUES (?, ?);

-- name: delete_contact
-- Account, contact_id.
DELETE FROM contact WHERE account = ? AND contact_id = ?;

-- name: delete_contact_numbers
-- Of one that is gone, or is written anew.
DELETE FROM contact_number WHERE account = ? AND contact_id = ?;

-- name: delete_group_members
-- The same of its groups, as long as it is there.
DELETE FROM contact_group_member
WHERE contact_id IN (SELECT contact_id FROM contact WHERE account = ? AND contact_id = ?);
