/**
 * An authenticated route that answers without a database, through the same server, keys and schemas as every other:
 * `plain.ts <key>` prints its port.
 */
import { hash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { checkSchema } from '../src/entitlements/routes.ts';
import { createServer } from '../src/http/server.ts';
import { endpoint } from '../src/lib/endpoint.ts';

const accepted = new Set([hash('sha256', process.argv[2]!, 'hex')]);
const server = createServer({
  keys: { accepts: (key) => accepted.has(hash('sha256', key, 'hex')) },
  endpoints: [
    endpoint({
      method: 'POST',
      path: '/v1/plain',
      tag: 'Bench',
      summary: 'Answers without a database',
      body: checkSchema,
      answers: { 200: z.object({ allowed: z.boolean() }) },
      refusals: [],
      handle: async ({ body }) => ({ body: { allowed: true, featureCode: body.featureCode } }),
    }),
  ],
  // Nothing here asks for them.
  db: undefined as never,
  locks: undefined as never,
  report: (message, error) => console.error(message, error),
});

await server.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${(server.server.address() as AddressInfo).port}\n`);
