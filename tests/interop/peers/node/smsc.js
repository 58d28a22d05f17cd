// The npm package smpp as an SMSC that takes texts, tells what becomes of them, and has SMS of its own to bring.
//
// Usage: node smsc.js HOST PORT SYSTEM_ID PASSWORD
// Events go to standard output, one JSON line each: listening, bound, submit_sm (its text as the package reads
// it), query_sm, cancel_sm, replace_sm, deliver_sm and enquire_link_resp (the answers to ours), enquire_link,
// unbind, unbound. On standard input a line {"from", "to", "text"} is an SMS for whoever is bound,
// {"call": "enquire_link"} and {"call": "unbind"} are sent as they are. What becomes of a message depends on the
// last digit of its number, see STATES.
'use strict';

const readline = require('readline');
const smpp = require('smpp');

const STATES = { 1: ['UNDELIV', 5], 2: ['EXPIRED', 3], 3: ['REJECTD', 8], 4: ['DELETED', 4] };
const DELIVERED = ['DELIVRD', 2];
const REFUSED = '9'; // with ESME_RINVDSTADR
const KEPT = '0'; // without a receipt
const ACCEPTED = 6;
const ESM_CLASS_RECEIPT = 0x04;
const BINDS = { bind_transceiver: true, bind_receiver: true, bind_transmitter: false };

const [host, port, systemId, password] = process.argv.slice(2);
let receiver;
let count = 0;

smpp.createServer({}, (session) => {
  for (const [command, receives] of Object.entries(BINDS)) {
    session.on(command, (pdu) => bind(session, pdu, receives));
  }
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('query_sm', (pdu) => {
    say('query_sm', { id: pdu.message_id });
    session.send(pdu.response({ message_id: pdu.message_id, message_state: ACCEPTED }));
  });
  session.on('cancel_sm', (pdu) => {
    say('cancel_sm', { id: pdu.message_id, to: pdu.destination_addr });
    session.send(pdu.response());
  });
  session.on('replace_sm', (pdu) => {
    say('replace_sm', { id: pdu.message_id, text: String(pdu.short_message) });
    session.send(pdu.response());
  });
  session.on('enquire_link', (pdu) => {
    session.send(pdu.response());
    say('enquire_link');
  });
  session.on('unbind', (pdu) => {
    say('unbind');
    session.send(pdu.response(), () => session.close());
  });
  session.on('error', (error) => say('error', { text: error.message }));
  session.on('close', () => say('unbound'));
}).listen(Number(port), host, () => say('listening'));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { call, from, to, text } = JSON.parse(line);
  if (call) {
    receiver[call]((resp) => {
      say(resp.command, { status: resp.command_status });
      if (call === 'unbind') {
        receiver.close();
      }
    });
  } else {
    deliver({ source_addr: from, destination_addr: to, short_message: text });
  }
}).on('close', () => process.exit(0));

function say(event, fields) {
  console.log(JSON.stringify({ event, ...fields }));
}

function bind(session, pdu, receives) {
  if (pdu.system_id !== systemId || pdu.password !== password) {
    session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }), () => session.close());
    return;
  }
  if (receives) {
    receiver = session;
  }
  session.send(pdu.response({ system_id: 'node-smpp' }));
  say('bound', { system_id: pdu.system_id, receives, version: pdu.interface_version });
}

function submit(session, pdu) {
  const to = pdu.destination_addr;
  const id = (++count + 0xa0).toString(16);
  const udh = Buffer.concat(pdu.short_message.udh || []).toString('hex');
  say('submit_sm', { id, to, text: pdu.short_message.message, udh });
  if (to.endsWith(REFUSED)) {
    session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    return;
  }
  session.send(pdu.response({ message_id: id }));
  if (pdu.registered_delivery & 1 && !to.endsWith(KEPT)) {
    receipt(id, pdu);
  }
}

function receipt(id, pdu) {
  const [state, number] = STATES[pdu.destination_addr.slice(-1)] || DELIVERED;
  const delivered = state === 'DELIVRD';
  deliver({
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: ESM_CLASS_RECEIPT,
    short_message: `id:${id} sub:001 dlvrd:00${delivered ? 1 : 0} submit date:2601020304 `
      + `done date:2601020305 stat:${state} err:${delivered ? '000' : '027'} text:`,
    receipted_message_id: id,
    message_state: number,
  });
}

function deliver(fields) {
  receiver.deliver_sm(fields, (resp) => say('deliver_sm', { status: resp.command_status }));
}
