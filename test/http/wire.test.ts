import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SECRET_KEY } from '../server.ts';
import { assertRefused } from './refusals.ts';
import { unharmedServer } from './unharmed.ts';
import { exchange, HANGS_MS, request } from './wire.ts';

const target = unharmedServer();

const raw = (bytes: string, options: { leave?: boolean | number } = {}) =>
  exchange(target.server.url, bytes, options);

describe('what is hardly HTTP', () => {
  const post = `POST /v1/usage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SECRET_KEY}\r\nContent-Type: application/json\r\n`;
  const broken: [name: string, bytes: string][] = [
    ['no request line', 'hello\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['another protocol', 'GET /healthz FTP/1.1\r\n\r\n'],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown method', 'BREW /v1/usage HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a space in a header name', `${post}Bad Name: 1\r\n\r\n`],
    ['a NUL in a header', `${post}X-A: a\0b\r\n\r\n`],
    ['a negative length', `${post}Content-Length: -1\r\n\r\n`],
    ['a length that is no number', `${post}Content-Length: x\r\n\r\n`],
    ['two lengths', `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['a length and chunks', `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a chunk of no size', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
    ['headers of 20 KiB', `${post}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['a path of 20 KiB', `GET /v1/workspaces/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['2000 headers', `${post}${'X-Many: 1\r\n'.repeat(2000)}\r\n`],
  ];
  for (const [name, bytes] of broken) {
    test(`${name} is refused with a body, and the connection closed`, async () => {
      const { answer, closed } = await raw(bytes);
      assert.ok(answer !== undefined, 'it was answered');
      assertRefused(answer, 'invalid_request');
      assert.ok(closed);
    });
  }

  test('a request to no host is refused', async () => {
    const { answer } = await raw('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n');
    assertRefused(answer!, 'invalid_request', 'Host');
  });

  test('a body in chunks is read whole, and refused like any other', async () => {
    const { answer } = await raw(
      `${post}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"amo\r\n9\r\nunt": 0}\n\r\n0\r\n\r\n`,
    );
    assertRefused(answer!, 'invalid_request', 'workspaceId');
  });

  test('chunks without end are cut off at 1 MiB', async () => {
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const { answer } = await raw(`${post}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`);
    assertRefused(answer!, 'payload_too_large');
  });

  test('a length over 1 MiB is refused before the body comes', async () => {
    const { answer } = await raw(`${post}Content-Length: 99999999999\r\n\r\n{`);
    assertRefused(answer!, 'payload_too_large');
  });

  test('a client that asks before it sends is told to go on', async () => {
    const body = '{"amount": 0}';
    const { text } = await raw(
      `${post}Connection: close\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
  });

  test('a client that expects something else is answered as if it did not', async () => {
    const { answer } = await raw(
      `${post}Connection: close\r\nExpect: a-miracle\r\nContent-Length: 2\r\n\r\n{}`,
    );
    assertRefused(answer!, 'invalid_request', 'workspaceId');
  });

  test('requests sent one behind the other are answered in their order', async () => {
    const bad = (amount: string) => {
      const body = `{"workspaceId": "${target.workspaceId}", "featureCode": "blocked", "amount": ${amount}}`;
      return `${post}Content-Length: ${body.length}\r\n\r\n${body}`;
    };
    const { text } = await raw(bad('0') + bad('"x"') + request('GET', '/healthz'));
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 400', 'HTTP/1.1 400', 'HTTP/1.1 200']);
  });

  test('a client that goes away half-way changes nothing, however far it came', async () => {
    const whole = request('POST', '/v1/usage', {
      body: JSON.stringify({ workspaceId: target.workspaceId, featureCode: 'blocked' }),
    });
    const body = whole.indexOf('{');
    for (const sent of [1, 20, whole.indexOf('\r\n\r\n'), body, body + 1, whole.length - 1]) {
      await raw(whole.slice(0, sent), { leave: true });
    }
  });

  test('a client that says it sends more than it does gets nothing done', async () => {
    const body = JSON.stringify({ workspaceId: target.workspaceId, featureCode: 'blocked' });
    await raw(`${post}Content-Length: ${body.length + 1}\r\n\r\n${body}`, { leave: true });
  });

  test('a client that says it sends less than it does gets what it said refused', async () => {
    const body = JSON.stringify({ workspaceId: target.workspaceId, featureCode: 'blocked' });
    const { text } = await raw(`${post}Content-Length: ${body.length - 1}\r\n\r\n${body}`);
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g)?.[0], 'HTTP/1.1 400');
  });

  test('a hundred clients that send half a request hold nobody up', async () => {
    const halves = Array.from({ length: 100 }, () =>
      raw(`${post}Content-Length: 9\r\n\r\n{`, { leave: HANGS_MS }),
    );
    assert.equal((await target.server.get('/readyz')).status, 200);
    assertRefused(await target.server.use(target.workspaceId, 'blocked', 0), 'invalid_request', 'amount');
    await Promise.all(halves);
  });
});
