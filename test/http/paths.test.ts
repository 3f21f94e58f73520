import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../client.ts';
import { SECRET_KEY } from '../server.ts';
import { assertRefused } from './refusals.ts';
import { unharmedServer } from './unharmed.ts';
import { exchange, request } from './wire.ts';

const target = unharmedServer();

const raw = (bytes: string) => exchange(target.server.url, bytes);

describe('a key that is none', () => {
  const given = [
    ...[
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Basic dGc6dGc=',
      `Basic ${SECRET_KEY}`,
      SECRET_KEY,
      `Token ${SECRET_KEY}`,
    ],
    ...[
      `Bearer ${SECRET_KEY}x`,
      `Bearer ${SECRET_KEY.slice(1)}`,
      `Bearer x ${SECRET_KEY}`,
      `Bearer ${SECRET_KEY} x`,
    ],
    ...[
      `Bearer${SECRET_KEY}`,
      `Bearer ${SECRET_KEY.toUpperCase()}`,
      `Bearer ${'x'.repeat(5000)}`,
      'Bearer é',
      'Bearer null',
    ],
  ];
  for (const authorization of given) {
    test(`${authorization === undefined ? 'no header' : JSON.stringify(authorization.slice(0, 60))}`, async () => {
      for (const [method, path] of [
        ['GET', `/v1/workspaces/${target.workspaceId}`],
        ['POST', '/v1/usage'],
        ['PUT', '/v1/workspaces/never-made'],
        ['GET', '/v1/audit'],
        ['GET', '/v1/no-such-thing'],
      ] as const) {
        const headers = authorization === undefined ? [] : [`Authorization: ${authorization}`];
        const { answer } = await raw(
          request(method, path, { headers, key: null, body: method === 'GET' ? '' : '{}' }),
        );
        assertRefused(answer!, 'unauthorized');
      }
    });
  }

  test('in the query, in a cookie, or in a header of another name', async () => {
    for (const [path, header] of [
      [`/v1/audit?key=${SECRET_KEY}`, 'X: y'],
      ['/v1/audit', `Cookie: authorization=Bearer ${SECRET_KEY}`],
      ['/v1/audit', `X-Api-Key: ${SECRET_KEY}`],
    ] as const) {
      const { answer } = await raw(request('GET', path, { headers: [header], key: null }));
      assertRefused(answer!, 'unauthorized');
    }
  });
});

test('an Idempotency-Key that is empty or too long', async () => {
  for (const [path, body] of [
    ['/v1/usage', { workspaceId: target.workspaceId, featureCode: 'blocked' }],
    [
      '/v1/usage/batch',
      {
        items: [{ workspaceId: target.workspaceId, featureCode: 'blocked', amount: 1, idempotencyKey: 'x' }],
      },
    ],
    ['/v1/ai/usage', { workspaceId: target.workspaceId, type: 'TEXT_CHAT', pageId: 'p', points: 1 }],
    [
      '/v1/credits/grants',
      { workspaceId: target.workspaceId, amount: 1, type: 'PROMOTION', description: 'd' },
    ],
    [`/v1/usage/${target.useId}/refund`, {}],
  ] as const) {
    for (const key of ['', ' ', 'k'.repeat(256)]) {
      assertRefused(await target.server.post(path, body, key), 'invalid_request', 'Idempotency-Key');
    }
  }
});

describe('a path or a method that is none', () => {
  const cases: [
    method: string,
    path: string,
    code: 'not_found' | 'invalid_request' | 'workspace_not_found',
  ][] = [
    ['GET', '/', 'not_found'],
    ['GET', '/v1', 'not_found'],
    ['GET', '/v1/', 'not_found'],
    ['GET', '/v2/workspaces/a', 'not_found'],
    ['GET', '//v1//usage', 'not_found'],
    ['POST', '//v1//usage', 'not_found'],
    ['POST', '/v1/usage/', 'not_found'],
    ['POST', '/v1/Usage', 'not_found'],
    ['POST', '/V1/usage', 'not_found'],
    ['GET', '/v1/usage', 'not_found'],
    ['PUT', '/v1/usage', 'not_found'],
    ['DELETE', '/v1/workspaces/a', 'not_found'],
    ['PATCH', '/v1/workspaces/a', 'not_found'],
    ['OPTIONS', '/v1/usage', 'not_found'],
    ['GET', '/v1/../v1/audit', 'not_found'],
    ['GET', '/v1/%2e%2e/healthz', 'not_found'],
    ['GET', '/v1/workspaces/%', 'invalid_request'],
    ['GET', '/v1/workspaces/%zz', 'invalid_request'],
    ['GET', '/v1/workspaces/%ff', 'invalid_request'],
    ['GET', '/v1/workspaces/%00', 'invalid_request'],
    ['GET', '/v1/workspaces/a%00b', 'invalid_request'],
    ['GET', '/v1/workspaces/a%2fb', 'invalid_request'],
    ['GET', '/v1/workspaces/%F0%9F%99%82', 'invalid_request'],
    ['GET', `/v1/workspaces/${'a'.repeat(128)}`, 'workspace_not_found'],
    ['GET', `/v1/workspaces/${'a'.repeat(129)}`, 'invalid_request'],
    ['GET', `/v1/workspaces/${'a'.repeat(5000)}`, 'invalid_request'],
    ['PUT', `/v1/workspaces/${'a'.repeat(129)}`, 'invalid_request'],
    ['PUT', '/v1/workspaces/a%20b', 'invalid_request'],
    ['GET', '/v1/workspaces/__proto__', 'workspace_not_found'],
    ['GET', '/v1/workspaces/..', 'workspace_not_found'],
    ['POST', '/v1/usage/%00/refund', 'invalid_request'],
    ['POST', `/v1/usage/${'x'.repeat(300)}/refund`, 'invalid_request'],
    ['POST', '/v1/usage/op_none/refund', 'not_found'],
    ['POST', "/v1/usage/'; drop table x; --/refund", 'not_found'],
    ['GET', '/v1/decisions/%00', 'invalid_request'],
    ['GET', '/v1/decisions/op_none', 'not_found'],
    ['GET', '/healthz/', 'not_found'],
    ['POST', '/healthz', 'not_found'],
  ];
  for (const [method, path, code] of cases) {
    test(`${method} ${path.slice(0, 60)}`, async () => {
      const hasBody = method === 'POST' || method === 'PUT';
      const { answer } = await raw(
        request(method, path.replaceAll(' ', '%20'), { body: hasBody ? '{"name": "x"}' : '' }),
      );
      if (path.endsWith('/refund')) assertRefusedAs(answer!, code);
      else assertRefused(answer!, code);
    });
  }

  test('an id that is longer than any is named as the path, and not given back', async () => {
    const { answer } = await raw(request('GET', `/v1/holds/${'a'.repeat(5000)}`));
    assertRefused(answer!, 'invalid_request', 'path');
    assert.ok(answer!.text.length < 500, answer!.text);
  });

  /** A refund takes no name: with it, the body is refused first or the path is. */
  function assertRefusedAs(answer: Answer, code: string): void {
    assert.ok([code, 'invalid_request'].includes(answer.body.error.code), answer.text);
  }
});
