import { z } from 'zod';
import type { Endpoint } from '../lib/endpoint.ts';
import { CODES, type Code } from '../lib/errors.ts';

/** Refusals that any endpoint may answer. */
const COMMON: readonly Code[] = [
  'invalid_request',
  'unauthorized',
  'payload_too_large',
  'rate_limited',
  'internal_error',
  'unavailable',
];

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the endpoints, from the schemas that they check and answer with. */
export function openapi(endpoints: readonly Endpoint[], version: string): Json {
  const paths: Record<string, Json> = {};
  const components: Json = { Error: errorComponent() };
  for (const endpoint of endpoints) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint, components) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version,
      description: `Charge for AI products: plans, allowances, AI points and prepaid credits.\n\n${codeTable()}`,
    },
    security: [{ secretKey: [] }],
    paths,
    components: {
      securitySchemes: { secretKey: { type: 'http', scheme: 'bearer', description: 'A secret API key.' } },
      schemas: components,
    },
  };
}

function operationOf(endpoint: Endpoint, components: Json): Json {
  const responses: Json = {};
  for (const [status, schema] of Object.entries(endpoint.answers)) {
    responses[status] = { description: 'Done', content: json(schemaOf(schema, 'output', components)) };
  }
  for (const [status, codes] of refusalsByStatus(endpoint)) {
    const description = codes.map((code) => `\`${code}\`: ${CODES[code].meaning}`).join(' ');
    responses[status] = { description, content: json({ $ref: '#/components/schemas/Error' }) };
  }
  return {
    tags: [endpoint.tag],
    summary: endpoint.summary,
    operationId: operationId(endpoint),
    parameters: [
      ...parametersOf(endpoint.params, 'path', components),
      ...parametersOf(endpoint.query, 'query', components),
      ...(endpoint.repeats === undefined ? [] : [KEY_PARAMETER]),
    ],
    ...(endpoint.body === undefined
      ? {}
      : { requestBody: { required: true, content: json(schemaOf(endpoint.body, 'input', components)) } }),
    responses,
  };
}

const KEY_PARAMETER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Same key and same request: the first answer again, with the header `Idempotency-Replayed: true`.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

/** POST /v1/usage/:id/refund is `postUsageRefund`; GET /v1/workspaces/:id is `getWorkspacesById`. */
function operationId({ method, path }: Endpoint): string {
  const words = path
    .replace('/v1/', '')
    .replace(/\/:(\w+)$/, '/by/$1')
    .replaceAll(/:\w+\//g, '')
    .split(/[^A-Za-z]+/);
  return method.toLowerCase() + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
}

function refusalsByStatus(endpoint: Endpoint): [string, Code[]][] {
  const codes = [...new Set([...endpoint.refusals, ...COMMON])];
  return Object.entries(Object.groupBy(codes, (code) => String(CODES[code].status))) as [string, Code[]][];
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query', components: Json): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input', components) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }));
}

/** A schema as JSON Schema; what is named, in it or itself, goes to the components, once. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Json): Json {
  const made = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  const { $schema: _, $defs = {}, ...own } = JSON.parse(JSON.stringify(made), pointToComponents);
  Object.assign(components, $defs);
  return own;
}

function pointToComponents(key: string, value: unknown): unknown {
  return key === '$ref' ? String(value).replace('#/$defs/', '#/components/schemas/') : value;
}

function errorComponent(): Json {
  const text = { type: 'string' };
  return {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['type', 'code', 'message', 'requestId'],
        properties: {
          type: { enum: ['invalid_request_error', 'authentication_error', 'refusal', 'api_error'] },
          code: { enum: Object.keys(CODES) },
          message: { ...text, description: 'What to do.' },
          param: { ...text, description: 'The field that is wrong.' },
          details: { type: 'object', additionalProperties: true },
          requestId: text,
        },
      },
    },
  };
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}

function codeTable(): string {
  const rows = Object.entries(CODES).map(
    ([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`,
  );
  return ['| code | status | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
