// The npm package smpp as an ESME: sends messages.json over one transceiver bind and waits for the receipts.
//
// Usage: node peer.js HOST PORT SYSTEM_ID PASSWORD
// Prints one JSON line per message; exit status 0 when every message has its receipts.
'use strict';

const fs = require('fs');
const path = require('path');
const smpp = require('smpp');

const SOURCE_ADDR = '12345';
const RECEIPT_WAIT_MS = 20000;
const ESM_CLASS_RECEIPT = 0x04;
const SHORT_MESSAGE_OCTETS = 254;

const [host, port, systemId, password] = process.argv.slice(2);
if (password === undefined) {
  fail('usage: peer.js HOST PORT SYSTEM_ID PASSWORD');
}
const messages = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'messages.json'), 'utf8'));
const receipts = [];
let finished = false;
const results = messages.map(({ name }) => ({ name, message_ids: [], receipts: [] }));

const session = smpp.connect({ host, port: Number(port) });
session.on('error', (error) => fail(`connection: ${error.message}`));
session.on('close', () => fail('connection closed by the SMSC'));
session.on('enquire_link', (pdu) => session.send(pdu.response()));
session.on('deliver_sm', takeReceipt);
session.on('connect', () => {
  session.bind_transceiver({ system_id: systemId, password }, (resp) => {
    if (resp.command_status !== 0) {
      fail(`bind_transceiver refused: ${resp.command_status}`);
    }
    messages.forEach(submit);
  });
});
setTimeout(() => finish(1), RECEIPT_WAIT_MS);

// The package does not split: what is longer than short_message can hold goes out as message_payload.
function submit({ to, text }, index) {
  const long = text.length > SHORT_MESSAGE_OCTETS;
  session.submit_sm({
    source_addr: SOURCE_ADDR,
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: to,
    registered_delivery: 1,
    [long ? 'message_payload' : 'short_message']: text,
  }, (resp) => {
    if (resp.command_status !== 0) {
      fail(`submit_sm refused: ${resp.command_status}`);
    }
    results[index].message_ids.push(resp.message_id);
    finishWhenComplete();
  });
}

// The receipt's TLV and its text have to name the same message.
function takeReceipt(pdu) {
  const text = String(pdu.short_message.message);
  const found = /^id:(\S+) .*?stat:(\S+)/s.exec(text);
  if (!found || !(pdu.esm_class & ESM_CLASS_RECEIPT)) {
    fail(`not a receipt: esm_class ${pdu.esm_class}, ${text}`);
  }
  if (pdu.receipted_message_id !== undefined && pdu.receipted_message_id !== found[1]) {
    fail(`receipted_message_id ${pdu.receipted_message_id} differs from the text's ${found[1]}`);
  }
  receipts.push({ id: found[1], stat: found[2] });
  session.send(pdu.response());
  finishWhenComplete();
}

function finishWhenComplete() {
  for (const result of results) {
    result.receipts = receipts.filter(({ id }) => result.message_ids.includes(id));
  }
  if (results.every((r) => r.message_ids.length === 1 && r.receipts.length >= 1)) {
    finish(0);
  }
}

function finish(status) {
  if (finished) {
    return;
  }
  finished = true;
  for (const result of results) {
    console.log(JSON.stringify(result));
  }
  session.removeAllListeners('close');
  session.unbind(() => process.exit(status));
  setTimeout(() => fail('no answer to unbind'), 5000);
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
