/**
 * The usual way to charge, as a server of its own: a Fastify route with begin, select for update, update, insert,
 * commit. `usual.ts <database url> <key>` prints its port.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import pg from 'pg';

const [url, key] = process.argv.slice(2) as [string, string];
const pool = new pg.Pool({ connectionString: url, max: 16 });
const server = Fastify();

type Use = { workspaceId: string; featureCode: string; amount: number };

server.post<{ Body: Use }>('/v1/usage', async (request, reply) => {
  if (request.headers.authorization !== `Bearer ${key}`) return reply.code(401).send();
  const { workspaceId, featureCode, amount } = request.body;
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query('select balance from "Credit" where "workspaceId" = $1 for update', [
      workspaceId,
    ]);
    if (Number(rows[0].balance) < amount) {
      await client.query('rollback');
      return reply.code(402).send({ error: 'insufficient_credits' });
    }
    await client.query(
      'update "Credit" set balance = balance - $2, "totalUsage" = "totalUsage" + $2, "updatedAt" = now() where "workspaceId" = $1',
      [workspaceId, amount],
    );
    const id = randomUUID();
    await client.query(
      `insert into "CreditUsage" (id, "workspaceId", "featureCode", amount, description, status)
       values ($1, $2, $3, $4, $3, 'SUCCEEDED')`,
      [id, workspaceId, featureCode, amount],
    );
    await client.query('commit');
    return { id, amount };
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
});

await server.listen({ port: 0 });
process.stdout.write(`${(server.server.address() as AddressInfo).port}\n`);
