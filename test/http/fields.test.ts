import { describe, test } from 'node:test';
import { assertRefused } from './refusals.ts';
import { unharmedServer } from './unharmed.ts';

const target = unharmedServer();

/** JSON texts that are wrong for each kind of field. */
const WRONG: Record<string, readonly string[]> = {
  amount: [
    ...[
      '0',
      '-1',
      '-0',
      '0.0',
      '1e-7',
      '0.1234567',
      '1.0000001',
      '1e309',
      '-1e309',
      '1e10',
      '1000000000.000001',
    ],
    ...['9007199254740993', '"1"', '"NaN"', '""', 'null', 'true', '[]', '[1]', '{}', '{"valueOf": 1}'],
  ],
  whole: ['0', '-1', '1.5', '1e309', '1e10', '0.1', '"1"', 'null', 'true', '[]', '{}'],
  id: [
    ...[
      '""',
      '" "',
      '"a b"',
      '"a/b"',
      '"a%b"',
      '"ä"',
      '"工作"',
      '"🙂"',
      '"\\u0000"',
      '"a\\u0000"',
      '"\\ud800"',
    ],
    ...['"\\u202eabc"', '"a\\n"', `"${'a'.repeat(129)}"`, '1', 'null', 'true', '[]', '{}', '["a"]'],
  ],
  text: ['"a\\u0000b"', '"\\ud800"', '"\\udc00x"', `"${'長'.repeat(600)}"`, '1', 'true', '[]', '{}'],
  kind: ['""', '"promotion"', '"OPENING"', '"PURCHASE"', '"__proto__"', '1', 'null', '[]', '{}'],
  time: [
    ...[
      '""',
      '"now"',
      '"2026-01-01"',
      '"2026-13-01T00:00:00Z"',
      '"2026-01-01T00:00:00"',
      '"2099-02-30T00:00:00Z"',
      '"9999-12-31T23:59:59-23:59"', // in UTC it lies in 10000
    ],
    ...['"+275760-09-13T00:00:00Z"', '"2026-01-01T25:00:00Z"', '1', 'true', '[]', '{}', '1795438371000'],
  ],
};

type Endpoint = {
  method: string;
  path: () => string;
  /** What would be accepted, and what kind each field is of. */
  body: () => Record<string, unknown>;
  fields: Record<string, keyof typeof WRONG | readonly string[]>;
  /** Where the fields are: `items[0].` of a batch. */
  prefix?: string;
  wrap?: (body: string) => string;
};

const ENDPOINTS: Endpoint[] = [
  {
    ...{
      method: 'POST',
      path: () => '/v1/usage',
      fields: { workspaceId: 'id', featureCode: 'text', amount: 'amount' },
    },
    body: () => ({ workspaceId: target.workspaceId, featureCode: 'blocked', amount: 1 }),
  },
  {
    ...{
      method: 'POST',
      path: () => '/v1/check',
      fields: { workspaceId: 'id', featureCode: 'text', amount: 'amount' },
    },
    body: () => ({ workspaceId: target.workspaceId, featureCode: 'blocked', amount: 1 }),
  },
  {
    ...{
      method: 'POST',
      path: () => '/v1/usage/batch',
      prefix: 'items[0].',
      wrap: (body) => `{"items": [${body}]}`,
    },
    fields: {
      workspaceId: 'id',
      featureCode: 'text',
      amount: 'amount',
      idempotencyKey: 'text',
      description: 'text',
    },
    body: () => ({
      workspaceId: target.workspaceId,
      featureCode: 'blocked',
      amount: 1,
      idempotencyKey: 'k',
      description: 'd',
    }),
  },
  {
    ...{ method: 'POST', path: () => '/v1/ai/usage' },
    fields: { workspaceId: 'id', type: 'kind', pageId: 'text', points: 'whole', description: 'text' },
    body: () => ({
      workspaceId: target.workspaceId,
      type: 'TEXT_CHAT',
      pageId: 'p',
      points: 1,
      description: 'd',
    }),
  },
  {
    ...{ method: 'POST', path: () => '/v1/credits/grants' },
    fields: {
      ...{ workspaceId: 'id', amount: 'amount', type: 'kind', description: 'text', expiresAt: 'time' },
      priority: ['-1', '1.5', '1e309', '1001', '"50"', 'null', '[]'],
    },
    body: () => ({
      workspaceId: target.workspaceId,
      amount: 1,
      type: 'PROMOTION',
      description: 'd',
      expiresAt: null,
      priority: 1,
    }),
  },
  {
    ...{ method: 'POST', path: () => `/v1/usage/${target.useId}/refund`, fields: { reason: 'text' } },
    body: () => ({ reason: 'r' }),
  },
  {
    ...{ method: 'PUT', path: () => '/v1/workspaces/never-made', fields: { name: ['""', 'null'] } },
    body: () => ({ name: 'n' }),
  },
  {
    method: 'PUT',
    path: () => '/v1/workspaces/never-made',
    fields: { name: 'text' },
    body: () => ({ name: 'n' }),
  },
  {
    ...{ method: 'POST', path: () => '/v1/test/clock', fields: { advanceSeconds: 'whole' } },
    body: () => ({ advanceSeconds: 1 }),
  },
  {
    method: 'POST',
    path: () => '/v1/test/clock',
    fields: { now: 'time' },
    body: () => ({ now: '2100-01-01T00:00:00Z' }),
  },
];

/** The body with one field set to a JSON text, or left out. */
function spoil(endpoint: Endpoint, field: string, json: string | undefined): string {
  const { [field]: _, ...rest } = endpoint.body();
  const parts = Object.entries(rest).map(
    ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  if (json !== undefined) parts.push(`${JSON.stringify(field)}: ${json}`);
  return (endpoint.wrap ?? ((body) => body))(`{${parts.join(', ')}}`);
}

const ask = (endpoint: Endpoint, body: string) => target.server.call(endpoint.method, endpoint.path(), body);

describe('a field that is wrong is named, and nothing is done', () => {
  for (const endpoint of ENDPOINTS) {
    for (const [field, kind] of Object.entries(endpoint.fields)) {
      test(`${endpoint.method} ${endpoint.path.toString().slice(6)}: ${field}`, async () => {
        const wrong = typeof kind === 'string' ? WRONG[kind]! : kind;
        for (const json of wrong) {
          assertRefused(
            await ask(endpoint, spoil(endpoint, field, json)),
            'invalid_request',
            (endpoint.prefix ?? '') + field,
          );
        }
      });
    }
  }

  test('a field that is missing', async () => {
    const required = ['workspaceId', 'featureCode', 'type', 'pageId', 'points', 'name', 'idempotencyKey'];
    for (const endpoint of ENDPOINTS) {
      for (const field of Object.keys(endpoint.fields).filter((each) => required.includes(each))) {
        const answer = await ask(endpoint, spoil(endpoint, field, undefined));
        assertRefused(answer, 'invalid_request', (endpoint.prefix ?? '') + field);
      }
    }
    assertRefused(await target.server.post('/v1/usage/batch', {}), 'invalid_request', 'items');
    for (const items of [null, {}, 'x', []]) {
      assertRefused(await target.server.post('/v1/usage/batch', { items }), 'invalid_request', 'items');
    }
    assertRefused(
      await target.server.post('/v1/usage/batch', { items: [null] }),
      'invalid_request',
      'items[0]',
    );
    assertRefused(await target.server.post('/v1/test/clock', {}), 'invalid_request');
  });

  test('a field that is not one, at the top and below it', async () => {
    for (const endpoint of ENDPOINTS) {
      for (const field of ['amont', 'AMOUNT', 'constructor', '__proto__', 'toString', 'id', 'held', '']) {
        const answer = await ask(endpoint, spoil(endpoint, field, '{"amount": 1}'));
        assertRefused(answer, 'invalid_request', (endpoint.prefix ?? '') + field);
      }
    }
  });
});

const SOME = '{"input": 1, "output": 1}';

/** What is said of a model's work, which field is wrong, and whether it is wrong to ask about, too. */
const WORK: readonly [work: string, param: string, ofUse?: 'of a use only'][] = [
  ['"points": 1, "amount": 1, "model": "writer", "tokens": {"input": 1, "output": 1}', 'points|amount'],
  [`"tokens": ${SOME}`, 'model'],
  ['"images": {"count": 1}', 'model'],
  [`"model": "", "tokens": ${SOME}`, 'model'],
  [`"model": "a\\u0000", "tokens": ${SOME}`, 'model'],
  [`"model": 1, "tokens": ${SOME}`, 'model'],
  ['"model": "writer"', 'tokens'],
  [`"model": "writer", "tokens": ${SOME}, "images": {"count": 1}`, 'images'],
  ['"model": "writer", "tokens": {}', 'tokens.input'],
  ['"model": "writer", "tokens": {"input": 1}', 'tokens.output', 'of a use only'],
  ['"model": "writer", "tokens": {"input": 0, "output": 0}', 'tokens'],
  ['"model": "writer", "tokens": []', 'tokens'],
  ['"model": "writer", "tokens": null', 'tokens'],
  ['"model": "writer", "tokens": {"input": 1, "output": 1, "total": 2}', 'tokens.total'],
  ...['-1', '1.5', '1e10', '1e309', '"1"', 'null', '[]'].flatMap((count): [string, string][] => [
    [`"model": "writer", "tokens": {"input": ${count}, "output": 1}`, 'tokens.input'],
    [`"model": "writer", "tokens": {"input": 1, "output": 1, "reasoning": ${count}}`, 'tokens.reasoning'],
    [`"model": "painter", "images": {"count": ${count}}`, 'images.count'],
  ]),
  ['"model": "painter", "images": {"count": 0}', 'images.count'],
  ['"model": "painter", "images": {"count": 10001}', 'images.count'],
  ['"model": "painter", "images": {"count": 1, "size": 5}', 'images.size'],
  ['"model": "painter", "images": {"count": 1, "style": "bold"}', 'images.style'],
  // What the price says nothing of is no mistake of the schema's.
  ['"model": "writer", "tokens": {"input": 1, "output": 1, "audioInput": 1}', 'tokens.audioInput'],
];

test("a model's work that is wrong or contradicts itself is named, and nothing is done", async () => {
  const { server, workspaceId } = target;
  const common = `"workspaceId": "${workspaceId}"`;
  for (const [work, params, ofUse] of WORK) {
    const [ofPoints, ofAmount = ofPoints] = params.split('|') as [string, string?];
    const use = `{${common}, "type": "TEXT_CHAT", "pageId": "p", ${work.replace('"amount": 1, ', '')}}`;
    assertRefused(await server.call('POST', '/v1/ai/usage', use), 'invalid_request', ofPoints);
    if (ofUse !== undefined) continue;
    const check = `{${common}, "featureCode": "ai.points", ${work.replace('"points": 1, ', '')}}`;
    assertRefused(await server.call('POST', '/v1/check', check), 'invalid_request', ofAmount);
  }
  const elsewhere = { workspaceId, featureCode: 'blocked', model: 'writer', tokens: { input: 1 } };
  assertRefused(await server.post('/v1/check', elsewhere), 'invalid_request', 'featureCode');
  const unknown = { workspaceId, model: 'nobody-knows', tokens: { input: 1, output: 1 } };
  assertRefused(
    await server.post('/v1/check', { ...unknown, featureCode: 'ai.points' }),
    'model_unknown',
    'model',
  );
  const asked = { ...unknown, type: 'TEXT_CHAT', pageId: 'p' };
  assertRefused(await server.post('/v1/ai/usage', asked), 'model_unknown', 'model');
});
