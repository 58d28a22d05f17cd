// The npm package smpp as an ESME that is told what to send.
//
// Usage: node session.js HOST PORT SYSTEM_ID PASSWORD BIND VERSION, such as … bind_transmitter 0x33
// A line {"send": command, field: value, …} on standard input is a request. Every PDU that comes is a line on
// standard output, {"command", "status", field: value, …}, the answer to the bind first. Ends with its input.
'use strict';

const readline = require('readline');
const smpp = require('smpp');

const HEADER = ['command', 'command_length', 'command_id', 'command_status', 'sequence_number'];
const TEXTS = ['short_message', 'message_payload'];

const [host, port, systemId, password, bind, version] = process.argv.slice(2);

const session = smpp.connect({ host, port: Number(port) });
session.on('error', (error) => fail(`connection: ${error.message}`));
session.on('close', () => fail('connection closed by the SMSC'));
session.on('pdu', (pdu) => {
  show(pdu);
  if (!pdu.isResponse()) {
    session.send(pdu.response());
  }
});
session.on('connect', () => {
  session[bind]({ system_id: systemId, password, interface_version: Number(version) }, listen);
});

function listen() {
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const { send, ...fields } = JSON.parse(line);
    for (const name of TEXTS.filter((text) => text in fields)) {
      fields[name] = Buffer.from(fields[name], 'latin1');
    }
    session[send]({ data_coding: 0, ...fields });
  }).on('close', () => {
    session.removeAllListeners('close');
    session.unbind(() => process.exit(0));
    setTimeout(() => fail('no answer to unbind'), 5000);
  });
}

function show(pdu) {
  const shown = { command: pdu.command, status: pdu.command_status };
  for (const [name, value] of Object.entries(pdu).filter(([key]) => !HEADER.includes(key))) {
    shown[name] = TEXTS.includes(name) ? String(value.message) : value;
  }
  console.log(JSON.stringify(shown));
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
