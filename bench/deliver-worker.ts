/** A process of its own that delivers events as Stripe does and prints how that went: `deliver-worker.ts <Delivery as JSON>`. */
import { readFileSync } from 'node:fs';
import { sign } from '../src/simulator/webhooks.ts';
import { type LoadResult, load } from './load.ts';

export type Delivery = {
  port: number;
  secret: string;
  connections: number;
  /** Of a file with the events' bodies, as a JSON array. */
  bodiesFile: string;
};

export type Delivered = LoadResult & { startedAtMs: number };

const { port, secret, connections, bodiesFile }: Delivery = JSON.parse(process.argv[2]!);
const bodies: string[] = JSON.parse(readFileSync(bodiesFile, 'utf8'));
const startedAtSeconds = Math.floor(Date.now() / 1000);
// Signed beforehand: what Stripe takes for it is not measured.
const requests = bodies.map((body) => ({
  body,
  headers: `Stripe-Signature: ${sign(body, [secret], startedAtSeconds)}\r\n`,
}));

let sent = 0;
const startedAtMs = Date.now();
const result = await load({
  ...{ port, connections, headers: {}, path: '/webhooks/stripe' },
  ...{ seconds: Number.POSITIVE_INFINITY, warmupSeconds: 0 },
  next: () => requests[sent++] ?? null,
});
process.stdout.write(JSON.stringify({ ...result, startedAtMs } satisfies Delivered));
