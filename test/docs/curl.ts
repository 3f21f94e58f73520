// Stands in for curl, which a machine that runs the tests need not have: the options that the pages use, and no others.
// Prints the body, then the status on a line of its own.
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    request: { type: 'string', short: 'X' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    data: { type: 'string', short: 'd', multiple: true, default: [] },
  },
});
const body = values.data.length === 0 ? null : values.data.join('&');
const headers = new Headers(body === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' });
for (const header of values.header) {
  const colon = header.indexOf(':');
  headers.set(header.slice(0, colon), header.slice(colon + 1).trim());
}
const method = values.request ?? (body === null ? 'GET' : 'POST');
const answer = await fetch(positionals[0]!, { method, headers, body, redirect: 'manual' });
process.stdout.write(`${await answer.text()}\n${answer.status}\n`);
