import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Answer } from '../client.ts';
import { SECRET_KEY } from '../server.ts';
import { assertRefused } from './refusals.ts';
import { unharmedServer } from './unharmed.ts';

const target = unharmedServer();

const MIB = 1024 * 1024;

describe('a body that is none', () => {
  const bodies: [name: string, body: string | Uint8Array][] = [
    ['of no JSON', 'hello'],
    ['cut off', '{"workspaceId": "a'],
    ['with a comma too many', '{"a": 1,}'],
    ['with NaN', '{"amount": NaN}'],
    ['with Infinity', '{"amount": Infinity}'],
    ['with single quotes', "{'a': 1}"],
    ['with a comment', '{} // nothing'],
    ['with a byte order mark', '\ufeff{}'],
    ['with a control character in a text', '{"workspaceId": "a\u0001"}'],
    ['of two values', '{}{}'],
    ['as null', 'null'],
    ['as a list', '[]'],
    ['as a text', '"x"'],
    ['as a number', '1e309'],
    ['as true', 'true'],
    ['nested a million deep and never closed', '['.repeat(MIB)],
    ['nested half a million deep', '['.repeat(MIB / 2) + ']'.repeat(MIB / 2)],
    ['with objects nested deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    [
      'with half a character',
      new Uint8Array([...Buffer.from('{"workspaceId": "a'), 0xc3, ...Buffer.from('"}')]),
    ],
    ['in UTF-16', Buffer.from('{"workspaceId": "a"}', 'utf16le')],
    ['with very many digits', `{"amount": ${'9'.repeat(100_000)}}`],
    ['with very many fields', `{${Array.from({ length: 50_000 }, (_, i) => `"f${i}": 1`).join(',')}}`],
  ];
  for (const [name, body] of bodies) {
    test(name, async () => {
      for (const path of ['/v1/usage', '/v1/usage/batch']) {
        assertRefused(await postRaw(path, body), 'invalid_request');
      }
    });
  }

  test('empty', async () => {
    for (const path of ['/v1/usage', '/v1/usage/batch', '/v1/credits/grants', '/v1/check']) {
      assertRefused(
        await target.server.call('POST', path, '', { 'content-type': 'application/json' }),
        'invalid_request',
      );
      assertRefused(await target.server.call('POST', path), 'invalid_request');
    }
  });

  test('over 1 MiB, or of 1001 items', async () => {
    for (const path of ['/v1/usage', '/v1/usage/batch', '/v1/check']) {
      assertRefused(await postRaw(path, `{"a": "${'x'.repeat(MIB)}"}`), 'payload_too_large');
    }
    const items = Array.from({ length: 1001 }, (_, i) => ({
      ...{ workspaceId: 'no-such', featureCode: 'blocked', amount: 1, idempotencyKey: `many ${i}` },
    }));
    assertRefused(await target.server.post('/v1/usage/batch', { items }), 'payload_too_large', 'items');
    // A thousand are right, though each is refused for itself.
    const { status, body } = await target.server.post('/v1/usage/batch', { items: items.slice(1) });
    assert.equal(status, 200);
    assert.deepEqual(
      new Set(body.results.map(({ error }: Answer['body']) => error.code)),
      new Set(['workspace_not_found']),
    );
  });

  test('of a wrong content type, or of none', async () => {
    const valid = JSON.stringify({ workspaceId: target.workspaceId, featureCode: 'blocked' });
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/xml',
      'x',
      '',
      'multipart/form-data; boundary=x',
    ]) {
      assertRefused(
        await target.server.call('POST', '/v1/usage', valid, { 'content-type': type }),
        'invalid_request',
        'Content-Type',
      );
    }
  });

  test('with bytes that are no text', async () => {
    const body = JSON.stringify({
      workspaceId: target.workspaceId,
      featureCode: 'blocked',
      description: '§',
    });
    assertRefused(await postRaw('/v1/usage', Buffer.from(body, 'latin1')), 'invalid_request', 'body');
  });

  test('with a field twice: the last one counts, and is checked', async () => {
    const body = `{"workspaceId": "${target.workspaceId}", "featureCode": "blocked", "amount": 1, "amount": -1}`;
    assertRefused(await postRaw('/v1/usage', body), 'invalid_request', 'amount');
  });

  test('whatever it is', async () => {
    const anything = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.string(),
      fc.json().map((json) => `{"items": ${json}}`),
    );
    const field = fc.constantFrom(
      'workspaceId',
      'featureCode',
      'amount',
      'items',
      'type',
      'points',
      'description',
    );
    const nearly = fc
      .tuple(field, fc.jsonValue())
      .map(([name, value]) =>
        JSON.stringify({ workspaceId: 'no-such', featureCode: 'blocked', amount: 0, [name]: value }),
      );
    const path = fc.constantFrom(
      '/v1/usage',
      '/v1/check',
      '/v1/usage/batch',
      '/v1/ai/usage',
      '/v1/credits/grants',
    );
    const property = fc.asyncProperty(path, fc.oneof(anything, nearly), async (where, body) => {
      const answer = await postRaw(where, body);
      assert.ok([400, 404].includes(answer.status), `${answer.status} ${answer.text}`);
      assertRefused(answer, answer.body.error.code);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  async function postRaw(path: string, body: string | Uint8Array): Promise<Answer> {
    const answer = await fetch(target.server.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/json' },
      body: body as string,
    });
    const text = await answer.text();
    return { status: answer.status, text, body: JSON.parse(text), headers: answer.headers };
  }
});
