import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import about from '../../package.json' with { type: 'json' };
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { loadCatalog } from '../catalog/load.ts';
import { CODES, type Code } from '../lib/errors.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { openTollgate, type Tollgate } from '../tollgate.ts';
import { openapi } from './openapi.ts';
import { mountOperations } from './operations.ts';
import { createServer } from './server.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document is looked at from outside
type Json = Record<string, any>;

/** What OpenAPI 3.1 asks of the parts that the document has; nothing else may be in it. */
const STRUCTURE = {
  $id: 'structure',
  type: 'object',
  required: ['openapi', 'info', 'paths'],
  additionalProperties: false,
  properties: {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: {
      type: 'object',
      required: ['title', 'version'],
      additionalProperties: false,
      properties: { title: { type: 'string' }, version: { type: 'string' }, description: { type: 'string' } },
    },
    security: { type: 'array', items: { type: 'object', additionalProperties: { type: 'array' } } },
    paths: {
      type: 'object',
      patternProperties: {
        '^/': {
          type: 'object',
          additionalProperties: false,
          patternProperties: { '^(get|put|post|delete)$': { $ref: '#/$defs/operation' } },
        },
      },
      additionalProperties: false,
    },
    components: {
      type: 'object',
      additionalProperties: false,
      properties: {
        securitySchemes: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            required: ['type', 'scheme'],
            properties: { type: { const: 'http' }, scheme: { const: 'bearer' } },
          },
        },
        schemas: {
          type: 'object',
          propertyNames: { pattern: '^[\\w.-]+$' },
          additionalProperties: { $ref: '#/$defs/schema' },
        },
      },
    },
  },
  $defs: {
    schema: { $ref: 'https://json-schema.org/draft/2020-12/schema' },
    content: {
      type: 'object',
      additionalProperties: false,
      required: ['application/json'],
      properties: {
        'application/json': {
          type: 'object',
          required: ['schema'],
          additionalProperties: false,
          properties: { schema: { $ref: '#/$defs/schema' } },
        },
      },
    },
    operation: {
      type: 'object',
      required: ['operationId', 'summary', 'tags', 'responses'],
      additionalProperties: false,
      properties: {
        operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' },
        summary: { type: 'string' },
        tags: { type: 'array', items: { type: 'string' } },
        parameters: { type: 'array', items: { $ref: '#/$defs/parameter' } },
        requestBody: {
          type: 'object',
          required: ['content'],
          additionalProperties: false,
          properties: { required: { type: 'boolean' }, content: { $ref: '#/$defs/content' } },
        },
        responses: {
          type: 'object',
          minProperties: 1,
          additionalProperties: false,
          patternProperties: {
            '^[2-5]\\d\\d$': {
              type: 'object',
              required: ['description'],
              additionalProperties: false,
              properties: { description: { type: 'string' }, content: { $ref: '#/$defs/content' } },
            },
          },
        },
      },
    },
    parameter: {
      type: 'object',
      required: ['name', 'in', 'schema'],
      additionalProperties: false,
      properties: {
        name: { type: 'string' },
        in: { enum: ['path', 'query', 'header'] },
        required: { type: 'boolean' },
        description: { type: 'string' },
        schema: { $ref: '#/$defs/schema' },
      },
      if: { properties: { in: { const: 'path' } } },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
      then: { required: ['required'], properties: { required: { const: true } } },
    },
  },
};

let database: TestDatabase;
let tollgate: Tollgate;
let server: FastifyInstance;
let document: Json;

before(async () => {
  database = await testDatabase();
  tollgate = await openTollgate({
    databaseUrl: database.url,
    catalog: await loadCatalog('tollgate.config.ts'),
    stripe: async () => ({ secretKey: 'sk_test_unused', webhookSecrets: ['whsec_unused'] }),
  });
  server = createServer({ ...tollgate, keys: { accepts: async () => false }, report: () => {} });
  await mountOperations(server, {
    document: openapi(tollgate.endpoints, about.version),
    metrics: createMetrics(tollgate.engine),
    isReady: tollgate.isReady,
  });
  document = (await server.inject('/openapi.json')).json();
});

after(async () => {
  await server.close();
  await tollgate.close();
  await database.drop();
});

/** Every operation of the document, with its address. */
function operations(): { method: string; path: string; operation: Json }[] {
  return Object.entries(document.paths as Json).flatMap(([path, item]) =>
    Object.entries(item as Json).map(([method, operation]) => ({ method, path, operation })),
  );
}

describe('GET /openapi.json', () => {
  test('is a document of OpenAPI 3.1, and its schemas are JSON Schema', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const validate = ajv.compile(STRUCTURE);
    assert.equal(validate(document), true, ajv.errorsText(validate.errors));
    ajv.addSchema({ $id: 'document', ...document });
    for (const name of Object.keys(document.components.schemas)) {
      assert.ok(ajv.getSchema(`document#/components/schemas/${name}`), name);
    }
  });

  test('has everything that it refers to, and refers to everything that it has', () => {
    const refs = new Set<string>();
    JSON.stringify(document, (key, value) => {
      if (key === '$ref') refs.add(value);
      return value;
    });
    const named = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    assert.deepEqual([...refs].sort(), named.sort());
  });

  test('has each endpoint that is mounted, and none that is not', async () => {
    const mounted = tollgate.endpoints.map(({ method, path }) => `${method} ${path}`).sort();
    const documented = operations().map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    assert.deepEqual(documented.sort(), mounted);
  });

  test('gives each operation a name of its own', () => {
    const names = operations().map(({ operation }) => operation.operationId);
    assert.equal(new Set(names).size, names.length, names.sort().join(' '));
  });

  test('declares the parameters of each path, and each parameter once', () => {
    for (const { path, operation } of operations()) {
      const parameters = (operation.parameters ?? []) as Json[];
      const inPath = parameters.filter((each) => each.in === 'path').map((each) => each.name);
      assert.deepEqual(
        inPath,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
        path,
      );
      const all = parameters.map((each) => `${each.in} ${each.name}`);
      assert.equal(new Set(all).size, all.length, path);
    }
  });

  test('says of each refusal what it means, under its status', () => {
    for (const { method, path, refusals } of tollgate.endpoints) {
      const { responses } = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')][method.toLowerCase()];
      const common: Code[] = ['invalid_request', 'unauthorized', 'internal_error', 'unavailable'];
      for (const code of [...refusals, ...common]) {
        const { status, meaning } = CODES[code];
        assert.ok(responses[status]?.description.includes(`\`${code}\`: ${meaning}`), `${path} ${code}`);
      }
    }
    for (const code of Object.keys(CODES)) assert.ok(document.info.description.includes(`\`${code}\``));
  });
});

test('/docs is a page, with and without a slash, and its script and its document are there', async () => {
  for (const path of ['/docs', '/docs/']) {
    const page = await server.inject(path);
    assert.equal(page.statusCode, 200);
    assert.match(page.headers['content-type'] as string, /^text\/html/);
    const [, script] = /<script src="([^"]+)"/.exec(page.body)!;
    const [, source] = /"url": "([^"]+)"/.exec(page.body)!;
    for (const link of [script!, source!]) {
      const { pathname } = new URL(link, `http://tollgate.test${path}`);
      assert.equal((await server.inject(pathname)).statusCode, 200, pathname);
    }
  }
});
