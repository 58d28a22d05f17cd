-- name: contacts_of_numbers
-- The contacts of many numbers or addresses: account, is_mail, a JSON array of numbers.
SELECT n.number, c.contact_id, c.account, c.is_mail, c.numbers, c.groups, c.name, c.last_name, c.first_name,
    c.middle_name, c.birthday, c.own_id, c.comment, c.tags, c.others
FROM jsonb_array_elements_text($3::jsonb) AS j (value)
JOIN contact_number n ON n.account = $1 AND n.is_mail = $2 AND n.number = j.value
JOIN contact c ON c.contact_id = n.contact_id;

-- name: black_kept
-- Entries of all accounts that are behind one of them: account, name, record_id, rows at the most.
SELECT account, name, record_id, (data::json ->> 'type')::bigint AS type FROM record
WHERE kind = 'black' AND (account, name, record_id) > ($1, $2, $3) ORDER BY account, name, record_id LIMIT $4;
