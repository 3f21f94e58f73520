/** Serves the route without Next.js, by node:http: `npm run example next-route`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createClient } from 'tollgate/client';
import { POST } from './route.ts';

const client = createClient({
  url: process.env.TOLLGATE_URL!,
  secretKey: process.env.TOLLGATE_SECRET_KEY!,
});
await client.workspaces.put({ id: 'acme', name: 'Acme' });

const server = createServer(getRequestListener(POST)).listen(Number(process.env.PORT ?? 8080), '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`The route answers useChat at http://127.0.0.1:${port}`);
