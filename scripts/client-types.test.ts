import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { CODES } from '../src/lib/errors.ts';
import { CLIENT_TYPES, type Document, printTypes, readDocument } from './client-types.ts';

describe('the client follows the OpenAPI document', () => {
  let document: Document;
  before(async () => {
    document = await readDocument();
  });

  test('its types are what the document says', () => {
    const written = readFileSync(CLIENT_TYPES, 'utf8');
    assert.equal(printTypes(document), written, 'run `npm run generate` and commit the result');
    for (const code of Object.keys(CODES)) assert.ok(written.includes(`'${code}'`), code);
  });

  test('it has a verb for every operation', () => {
    const client = readFileSync(join(CLIENT_TYPES, '..', 'verbs.ts'), 'utf8');
    const begun = client.slice(client.indexOf('export function verbsOn('));
    const offered = new Set([...begun.matchAll(/'((?:GET|POST|PUT|DELETE) \/[^']+)'/g)].map(([, at]) => at!));
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual([...offered].sort(), documented.sort());
  });
});

describe('a schema becomes a type', () => {
  const typeOf = (schema: object) =>
    printTypes({ paths: {}, components: { schemas: { Error: ERROR, It: schema } } }).split('\n\n')[1];
  const ERROR = { properties: { error: { properties: { code: { enum: ['one'] } } } } };

  for (const [schema, type] of [
    [{ type: 'integer' }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ anyOf: [{ const: true }, { $ref: '#/components/schemas/Other' }] }, 'true | Other'],
    [{ type: 'array', items: { enum: ['a', 1] } }, "Array<'a' | 1>"],
    [{ type: 'object', additionalProperties: { type: 'number' } }, 'Record<string, number>'],
    [{}, 'unknown'],
    [
      {
        type: 'object',
        properties: { a: { type: 'string', description: 'An a.' }, 'b.c': {} },
        required: ['a'],
      },
      "{\n  /** An a. */\n  a: string;\n  'b.c'?: unknown | undefined;\n}",
    ],
  ] as const) {
    test(JSON.stringify(schema), () => assert.equal(typeOf(schema), `export type It = ${type};`));
  }

  test('one that nobody has taught it is told', () => {
    assert.throws(() => typeOf({ type: 'date' }), /teach scripts\/client-types\.ts/);
  });
});
