// The npm package node-smsc, which asks in JSON by GET, and by a multipart POST when it has files.
//
// Usage: node smsc_http.js URL LOGIN PASSWORD
// Each line of standard input is {"call": name, "query": {…}, "files": [{"field", "name", "content"}]}; its
// answer is a line {"answer": …} or {"raised": type, "text": …, "response": …}.
'use strict';

const readline = require('readline');
const smsc = require('node-smsc');

const [url, login, password] = process.argv.slice(2);
const client = smsc({ login, password, request: `${url}/sys/` });

async function answerLines() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await said(JSON.parse(line))));
  }
}

async function said({ call, query, files }) {
  const options = files === undefined ? {} : { files: files.map(part) };
  try {
    return { answer: await client[call](query, options) };
  } catch (error) {
    return { raised: error.name, text: error.message, response: error.response };
  }
}

function part({ field, name, content }) {
  return { field, value: Buffer.from(content), options: { filename: name } };
}

answerLines();
