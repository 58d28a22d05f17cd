-- What pages_store.py fills a store with.  temp.m has a row for each message: i (from 1), its id, the moment in ms,
-- account, connector and number.

-- Half of them have ended.
INSERT INTO history (message_id, account, accepted_ms, source, destination, registered_delivery, segments,
    connector, submitted_ms, upstream_id, state, error, done_ms, retries, doubts, route, client_id)
SELECT id, account, ms, 'Example', number, 1, 1 + i % 3, connector, ms + 5, 'up-' || i, CASE i % 40 WHEN 0 THEN
    5 WHEN 2 THEN 3 ELSE 2 END, '000', ms + 4000, 0, 0, 'main', CASE i % 4 WHEN 0 THEN 'order-' || i ELSE '' END
FROM m WHERE i % 2 = 0;

-- The others wait (one in ten for its time), are at their SMSC, are in doubt, or are held back.
INSERT INTO message (message_id, account, accepted_ms, service_type, source_ton, source_npi, source,
    destination_ton, destination_npi, destination, esm_class, protocol_id, priority, registered_delivery,
    data_coding, user_data, tlvs, segments, connector, alternatives, on_ambiguous, due_ms, expires_ms,
    validity_period, retries, progress, route, client_id)
SELECT id, account, ms, '', 5, 0, 'Example', 1, 1, number, 0, 0, 0, 1, 0, CAST('Your code is ' || i AS BLOB),
    x'', 1, connector, '', 2, CASE i % 10 WHEN 5 THEN ms + 7200000 ELSE 0 END, ms + 432000000, '', i % 3, CASE
    WHEN i % 10 = 7 THEN 1 WHEN i % 100 = 9 THEN 2 WHEN i % 100 = 19 THEN 5 ELSE 0 END, 'main', CASE i % 4 WHEN
    1 THEN 'order-' || i ELSE '' END
FROM m WHERE i % 2 = 1;

INSERT INTO submission (message_id, segment, connector, boot, attempt, intent_ms, submitted_ms, upstream_id,
    upstream_key)
SELECT id, 1, connector, 1, CASE i % 10 WHEN 7 THEN 1 ELSE 2 END, ms + 2, ms + 5, 'up-' || i, CASE i % 10 WHEN 7
    THEN 'up-' || i END
FROM m WHERE i % 10 = 7 OR i % 100 = 9;

INSERT INTO ambiguous (message_id, segment, connector, since_ms, evidence, action, link, sent_ms, boot)
SELECT id, 1, connector, ms + 9, 'no response within 30 s', 'hold', '127.0.0.1:2776', ms + 2, 1
FROM m WHERE i % 100 = 9;

INSERT INTO incident (message_id, at_ms, text)
SELECT id, ms + 3, connector || ': ESME_RTHROTTLED, again in 5 s'
FROM m WHERE i % 20 = 0;

INSERT INTO charge (message_id, payer, amount, refund)
SELECT id, account, 12500, 0
FROM m WHERE i % 20 = 0;

-- One receipt in ten waits for its account; some of what waits is an incoming SMS.
INSERT INTO delivery (account, message_id, created_ms, source_ton, source_npi, source, destination_ton,
    destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs, state, error,
    accepted_ms, done_ms, segments)
SELECT account, CASE i % 100 WHEN 0 THEN 0 ELSE id END, ms + 4000, 1, 1, number, 5, 0, 'Example', CASE i % 100
    WHEN 0 THEN 0 ELSE 4 END, 0, 0, x'68656c6c6f', x'', CASE i % 100 WHEN 0 THEN -1 ELSE 2 END, '000', ms, ms +
    4000, 1
FROM m WHERE i % 10 = 0;

INSERT INTO dead_delivery (delivery_id, account, message_id, created_ms, source, destination, esm_class,
    data_coding, user_data, tlvs, state, error, accepted_ms, done_ms, segments, reason, died_ms, source_ton,
    source_npi, destination_ton, destination_npi, protocol_id)
SELECT i, account, id, ms + 4000, number, 'Example', 4, 0, x'68656c6c6f', x'', 2, '000', ms, ms + 4000, 1, 'not
    fetched in time', ms + 9000, 1, 1, 5, 0, 0
FROM m WHERE i % 20 = 0;

INSERT INTO parked_receipt (connector, upstream_id, key_same, peer, state, final, error, received_ms)
SELECT connector, 'none-' || i, 'none-' || i, number, 2, 1, '000', ms
FROM m WHERE i % 20 = 1;

INSERT INTO inbox (account, phone, own_number, received_ms, esm_class, data_coding, user_data, answers,
    connector)
SELECT account, number, '1234', ms, 0, 0, x'68656c6c6f', '', connector
FROM m WHERE i % 20 = 2;

INSERT INTO incoming_part (connector, number, own_number, reference, total, part, text, received_ms,
    answers_since_ms, addresses, account, joined)
SELECT connector, number, '1234', i % 256, 3, 1 + i % 2, 'help', ms, 0, 'ops@example.org', NULL, 0
FROM m WHERE i % 200 = 3;

INSERT INTO dead_letter (letter_id, kind, recipient, created_ms, due_ms, tries, state, error, done_ms, number,
    own_number, text, claimed_boot, last_error, reason, died_ms)
SELECT i, 4, 'ops@example.org', ms, ms, 3, 0, '', 0, number, '1234', 'help', 0, '451 later', 'not sent in time',
    ms + 9000
FROM m WHERE i % 200 = 4;

INSERT INTO audit (at_ms, who, origin, address, action, subject, outcome, why, boot)
SELECT ms, 'olga', 'page', '127.0.0.1', 'decide', 'hold ' || id, 'done', '', 1
FROM m WHERE i % 20 = 5;

INSERT INTO statistics (day, account, connector, state, messages, segments, amount)
SELECT ms / 86400000, account, connector, 2, count(*), count(*), 0
FROM m WHERE i % 2 = 0 GROUP BY 1, 2, 3;
