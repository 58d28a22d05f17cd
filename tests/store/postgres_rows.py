"""A store on PostgreSQL with many rows, made by the server itself."""

from __future__ import annotations

import psycopg
from gateway_fakes import NOW_MS

from gateway.core.message_ids import lowest_id_at

# The n-th message, and everything about it; of each table as many rows.
_FILL = """
INSERT INTO message (message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, progress)
SELECT {id}, 'a' || n % 3, {ms}, '', 1, 1, 'Bank', 1, 1, (79160000000 + n)::text, 0, 0, 0, 1, 0,
    'text'::bytea,
    ''::bytea, 1, 'c' || n % 4, '', 0, n % 7, {ms} + 86400000, '', 0, CASE WHEN n % 2 = 0 THEN 0 ELSE 1 END
FROM generate_series({count} + 1, 2 * {count}) n;
INSERT INTO submission (message_id, segment, connector, boot, attempt, intent_ms, submitted_ms, upstream_id,
    upstream_key)
SELECT {id}, 1, 'c' || n % 4, 1, 1, {ms}, {ms}, 'U' || n, 'U' || n FROM generate_series(1, 2 * {count}) n;
INSERT INTO history (message_id, account, accepted_ms, source, destination, registered_delivery, segments,
    connector, submitted_ms, upstream_id, state, error, done_ms, retries, doubts, client_id)
SELECT {id}, 'a' || n % 3, {ms}, 'Bank', (79160000000 + n)::text, 1, 1, 'c' || n % 4, {ms}, 'U' || n, 2,
    '000',
    {ms} + 5000, 0, 0, CASE WHEN n % 3 = 0 THEN 'R' || n ELSE '' END
FROM generate_series(1, {count}) n;
INSERT INTO history_text (message_id, esm_class, data_coding, user_data)
SELECT {id}, 0, 0, 'text'::bytea FROM generate_series(1, {count}) n;
INSERT INTO charge (message_id, payer, amount, refund, given_back)
SELECT {id}, 'a' || n % 3, 1000, 0, 0 FROM generate_series(1, 2 * {count}) n;
INSERT INTO api_message (message_id, account, api_id, phone, sender, kind, parts, cost, comment, flags)
SELECT {id}, 'a' || n % 3, 'R' || n, (79160000000 + n)::text, 'Bank', 0, 1, 1000, '', 8
FROM generate_series(1, 2 * {count}) n;
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source, destination_ton,
    destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs, state, error,
    accepted_ms, done_ms, segments)
SELECT 'a' || n % 3, {id}, {ms}, 1, 1, 'Bank', 1, 1, (79160000000 + n)::text, 4, 0, 0, ''::bytea,
    ''::bytea, 2,
    '000', {ms}, {ms}, 1
FROM generate_series(1, {count}) n;
INSERT INTO dead_delivery (delivery_id, account, message_id, created_ms, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs,
    state,
    error, accepted_ms, done_ms, segments, reason, died_ms)
SELECT n, 'a' || n % 3, {id}, {ms}, 1, 1, 'Bank', 1, 1, (79160000000 + n)::text, 4, 0, 0, ''::bytea,
    ''::bytea, 2,
    '000', {ms}, {ms}, 1, 'too old', {ms}
FROM generate_series(1, {count}) n;
INSERT INTO dead_letter (letter_id, kind, recipient, created_ms, due_ms, tries, message_id, number,
    own_number,
    text, last_error, reason, died_ms)
SELECT n, 1, 'ops@example.org', {ms}, {ms}, 3, {id}, '7916', '1234', '', 'refused', 'too old', {ms}
FROM generate_series(1, {count}) n;
INSERT INTO ambiguous (message_id, segment, connector, since_ms, evidence, action)
SELECT {id}, 1, 'c1', {ms}, 'no response', 'resend' FROM generate_series(1, {count}) n;
INSERT INTO parked_receipt (connector, upstream_id, key_same, peer, state, final, error, received_ms)
SELECT 'c1', 'X' || n, 'X' || n, '7916', 2, 1, '000', {ms} FROM generate_series(1, {count}) n;
INSERT INTO mail (mail_id, account, received_ms, sender, envid, header_id, subject, client_id, returned,
    whole)
SELECT {id}, 'a1', {ms}, 'ops@example.org', '', '<' || n || '@example.org>', '', '', ''::bytea, 0
FROM generate_series(1, {count}) n;
INSERT INTO mail_recipient (message_id, mail_id, address, orcpt, notify, number, own_number)
SELECT {id}, {id}, '7916@sms.example.org', '', 1, (79160000000 + n)::text, '' FROM generate_series(1,
    {count}) n;
INSERT INTO letter (kind, recipient, created_ms, due_ms, number, own_number, message_id)
SELECT 1, 'ops@example.org', {ms}, {ms}, '7916', '1234', {id} FROM generate_series(1, {count}) n;
INSERT INTO call (target, tries, account, kind, created_ms, message_id, api_id, phone, own_number, state,
    error,
    done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, due_ms)
SELECT 0, 0, 'a' || n % 3, 1, {ms}, {id}, '', '7916', '', 2, '', {ms}, 0, 1, 0, '', 0, 0, ''::bytea, '', {ms}
FROM generate_series(1, {count}) n;
INSERT INTO dead_call (call_id, target, tries, account, kind, created_ms, message_id, api_id, phone,
    own_number,
    state, error, done_ms, sms_type, parts, cost, comment, esm_class, data_coding, user_data, info, reason,
    died_ms)
SELECT n, 0, 0, 'a' || n % 3, 1, {ms}, {id}, '', '7916', '', 2, '', {ms}, 0, 1, 0, '', 0, 0, ''::bytea,
    '', 'old',
    {ms}
FROM generate_series(1, {count}) n;
INSERT INTO inbox (account, phone, own_number, received_ms, esm_class, data_coding, user_data, answers,
    connector)
SELECT 'a' || n % 3, '7916', '1234', {ms}, 0, 0, ''::bytea, '', 'c1' FROM generate_series(1, {count}) n;
INSERT INTO incoming_part (connector, number, own_number, reference, total, part, text, received_ms,
    answers_since_ms, addresses)
SELECT 'c1', '7916', '1234', n, 3, 1, 'text', {ms}, 0, '' FROM generate_series(1, {count}) n;
INSERT INTO audit (at_ms, who, origin, address, action, subject, outcome, why, boot)
SELECT {ms}, 'root', 'command', 'uid 0', 'decide', 'x', 'done', '', 1 FROM generate_series(1, {count}) n;
INSERT INTO blacklist (account, number, at_ms, why)
SELECT 'a' || n % 3, n::text, {ms}, '' FROM generate_series(1, {count}) n;
INSERT INTO balance_change (account, amount, balance, at_ms, who, note)
SELECT 'a' || n % 3, 1, n, {ms}, 'root', '' FROM generate_series(1, {count}) n;
INSERT INTO incident (message_id, at_ms, text) SELECT {id}, {ms}, 'x' FROM generate_series(1, {count}) n;
INSERT INTO record (kind, account, record_id, name, data)
SELECT 'black', 'a' || n % 3, n, n::text, '{{"type": "1"}}' FROM generate_series(1, {count}) n;
INSERT INTO contact (contact_id, account, is_mail, numbers, groups, name, last_name, first_name, middle_name,
    birthday, own_id, comment, tags, others)
SELECT n, 'a' || n % 3, 0, '[]', '[]', '', '', '', '', '', '', '', '', '' FROM generate_series(1, {count}) n;
INSERT INTO contact_number (account, is_mail, number, contact_id)
SELECT 'a' || n % 3, 0, n::text, n FROM generate_series(1, {count}) n;
INSERT INTO contact_group_member (group_id, contact_id) SELECT n % 100, n FROM generate_series(1, {count}) n;
INSERT INTO short_link (link_id, account, url, created_ms, message_id)
SELECT n, 'a' || n % 3, 'https://example.org/' || n, {ms}, {id} FROM generate_series(1, {count}) n;
INSERT INTO link_day (link_id, day, clicks) SELECT n, 20000, 1 FROM generate_series(1, {count}) n;
INSERT INTO request_key (account, key, digest, at_ms, answer)
SELECT 'a' || n % 3, 'k' || n, ''::bytea, {ms}, ''::bytea FROM generate_series(1, {count}) n;
"""
FIRST_ID = lowest_id_at(NOW_MS)


def id_of(n: int) -> int:
    """The id of the n-th message, from 1: those up to `count` have ended, as many more live."""
    return FIRST_ID + n * 4_194_304


def fill(connection: psycopg.Connection, count: int) -> None:
    """So many rows in each table, and what the planner knows of them."""
    sql = _FILL.format(id=f"{FIRST_ID} + n::bigint * 4194304", ms=f"{NOW_MS} + n", count=count)
    connection.execute(sql.encode())
    connection.execute("VACUUM ANALYZE")
