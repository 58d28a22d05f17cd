-- Address books and blacklists (phones.php and mails.php).

-- name: contacts_page
-- Contacts behind one of them, oldest first: account, is_mail, contact_id, rows at the most.
SELECT contact_id, account, is_mail, numbers, groups, name, last_name, first_name, middle_name, birthday, own_id,
    comment, tags, others
FROM contact INDEXED BY contact_account WHERE account = ? AND is_mail = ? AND contact_id > ?
ORDER BY contact_id LIMIT ?;

-- name: contacts_of_group
-- The same of those in a group: group_id, account, is_mail, contact_id, rows at the most.
SELECT c.contact_id, c.account, c.is_mail, c.numbers, c.groups, c.name, c.last_name, c.first_name, c.middle_name,
    c.birthday, c.own_id, c.comment, c.tags, c.others
FROM contact_group_member m CROSS JOIN contact c ON c.contact_id = m.contact_id
WHERE m.group_id = ?1 AND m.contact_id > ?4 AND c.account = ?2 AND c.is_mail = ?3 ORDER BY m.contact_id LIMIT ?5;

-- name: contact_of_number
-- Whose a number or an address is: account, is_mail, number.
SELECT c.contact_id, c.account, c.is_mail, c.numbers, c.groups, c.name, c.last_name, c.first_name, c.middle_name,
    c.birthday, c.own_id, c.comment, c.tags, c.others
FROM contact_number n CROSS JOIN contact c ON c.contact_id = n.contact_id
WHERE n.account = ? AND n.is_mail = ? AND n.number = ?;

-- name: contacts_of_numbers
-- The same of many: account, is_mail, a JSON array of numbers.
SELECT n.number, c.contact_id, c.account, c.is_mail, c.numbers, c.groups, c.name, c.last_name, c.first_name,
    c.middle_name, c.birthday, c.own_id, c.comment, c.tags, c.others
FROM json_each(?3) j CROSS JOIN contact_number n ON n.account = ?1 AND n.is_mail = ?2 AND n.number = j.value
CROSS JOIN contact c ON c.contact_id = n.contact_id;

-- name: count_contacts
-- How many of a kind an account has: account, is_mail.
SELECT count(*) AS found FROM contact WHERE account = ? AND is_mail = ?;

-- name: group_sizes
-- How many contacts are in the groups of an account.
SELECT r.record_id AS group_id, count(*) AS size
FROM record r CROSS JOIN contact_group_member m ON m.group_id = r.record_id
WHERE r.account = ? AND r.kind = 'group' GROUP BY r.record_id;

-- name: black_entries
-- Entries of a blacklist that were added before one, the newest first: account, is_mail, record_id, rows at the most.
SELECT record_id, name, data FROM record
WHERE account = ?1 AND kind = 'black' AND record_id < ?3 AND CASE WHEN name LIKE '%@%' THEN 1 ELSE 0 END = ?2
ORDER BY record_id DESC LIMIT ?4;

-- name: black_kept
-- Entries of all accounts that are behind one of them: account, name, record_id, rows at the most.
SELECT account, name, record_id, data ->> '$.type' AS type FROM record
WHERE kind = 'black' AND (account, name, record_id) > (?1, ?2, ?3) ORDER BY account, name, record_id LIMIT ?4;

-- name: black_why
-- Why a number is on an account's blacklist: account, number.
SELECT why FROM blacklist WHERE account = ? AND number = ?;

-- name: count_records
-- How many of a kind an account has: account, kind.
SELECT count(*) AS count FROM record WHERE account = ? AND kind = ?;
