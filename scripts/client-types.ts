/** The types of the client, from the OpenAPI document of our own endpoints: sdk/client/types.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCatalog } from '../src/catalog/load.ts';
import { openapi } from '../src/http/openapi.ts';
import { openTollgate } from '../src/tollgate.ts';
import { testDatabase } from '../test/database.ts';

const ROOT = join(import.meta.dirname, '..');

export const CLIENT_TYPES = join(ROOT, 'sdk', 'client', 'types.ts');

export async function writeClientTypes(): Promise<void> {
  writeFileSync(CLIENT_TYPES, printTypes(await readDocument()));
}

type Schema = {
  $ref?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  type?: string | string[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
};
type Content = { content: { 'application/json': { schema: Schema } } };
type Operation = {
  summary: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Schema }[];
  requestBody?: Content;
  responses: Record<string, Content>;
};
export type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

/** The document as a server with Stripe has it at /openapi.json: every endpoint there is. */
export async function readDocument(): Promise<Document> {
  const database = await testDatabase();
  const tollgate = await openTollgate({
    databaseUrl: database.url,
    catalog: await loadCatalog(join(ROOT, 'tollgate.config.ts')),
    stripe: async () => ({ secretKey: 'sk_test_unused', webhookSecrets: ['whsec_unused'] }),
  });
  const document = openapi(tollgate.endpoints, '');
  await tollgate.close();
  await database.drop();
  return document as unknown as Document;
}

/** What a client sends and gets, as TypeScript: each named schema, each code, and each operation by its address. */
export function printTypes({ paths, components }: Document): string {
  const { Error: error, ...schemas } = components.schemas;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const address = `'${method.toUpperCase()} ${path}'`;
      return `${comment(operation.summary, '  ')}  ${address}: ${printOperation(operation)};\n`;
    }),
  );
  return [
    '// Made by `npm run generate` from the OpenAPI document.\n',
    ...Object.entries(schemas).map(([name, schema]) => `export type ${name} = ${print(schema)};\n`),
    `/** Every code that Tollgate answers with. */\nexport type Code = ${print(codeOf(error!))};\n`,
    `/** What can be asked, by its address. */\nexport type Operations = {\n${operations.join('')}};\n`,
  ].join('\n');
}

function codeOf(error: Schema): Schema {
  return error.properties!.error!.properties!.code!;
}

/** What is asked, wherever it travels, is one object to the client. */
function printOperation({ parameters, requestBody, responses }: Operation): string {
  const placed = parameters.filter((parameter) => parameter.in !== 'header');
  const body = requestBody === undefined ? {} : schemaOf(requestBody);
  const twice = placed.find(({ name }) => body.properties?.[name] !== undefined);
  if (twice !== undefined) throw new Error(`${twice.name} is in the address and in the body.`);
  const input = {
    type: 'object',
    properties: {
      ...Object.fromEntries(placed.map(({ name, schema }) => [name, schema])),
      ...body.properties,
    },
    required: [
      ...placed.filter((parameter) => parameter.required).map(({ name }) => name),
      ...(body.required ?? []),
    ],
  };
  const answers = Object.entries(responses).filter(([status]) => Number(status) < 400);
  const answer = [...new Set(answers.map(([, response]) => print(schemaOf(response), '    ')))].join(' | ');
  return `{\n    input: ${print(input, '    ')};\n    answer: ${answer};\n  }`;
}

function schemaOf({ content }: Content): Schema {
  return content['application/json'].schema;
}

function print(schema: Schema, indent = ''): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/components/schemas/', '');
  if ('const' in schema) return literal(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf ?? alternatives(schema);
  if (choices !== undefined) return [...new Set(choices.map((each) => print(each, indent)))].join(' | ');
  switch (schema.type) {
    case 'integer':
      return 'number';
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'array':
      return `Array<${print(schema.items ?? {}, indent)}>`;
    case 'object':
      return printObject(schema, indent);
    case undefined:
      return 'unknown';
  }
  throw new Error(`There is no type for ${JSON.stringify(schema)}: teach scripts/client-types.ts.`);
}

/** One schema for each type of one that has several. */
function alternatives({ type, ...schema }: Schema): Schema[] | undefined {
  return Array.isArray(type) ? type.map((each) => ({ ...schema, type: each })) : undefined;
}

function printObject(
  { properties = {}, required = [], additionalProperties }: Schema,
  indent: string,
): string {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const inner = `${indent}  `;
    const key = /^\w+$/.test(name) ? name : `'${name}'`;
    const type = print(schema, inner);
    const field = required.includes(name) ? `${key}: ${type}` : `${key}?: ${type} | undefined`;
    return `${comment(schema.description, inner)}${inner}${field};\n`;
  });
  if (fields.length > 0) return `{\n${fields.join('')}${indent}}`;
  return typeof additionalProperties === 'object'
    ? `Record<string, ${print(additionalProperties, indent)}>`
    : additionalProperties === true
      ? 'Record<string, unknown>'
      : 'object';
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function comment(text: string | undefined, indent: string): string {
  return text === undefined ? '' : `${indent}/** ${text} */\n`;
}
