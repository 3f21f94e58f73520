/**
 * Supabase's Stripe Sync Engine as a server of its own: it verifies each event and upserts its object into tables that
 * look like Stripe's. `mirror.ts <database url> <address of the simulator> <webhook secret>` prints its port.
 */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createStripe } from '../src/stripe/client.ts';

// As CommonJS: its ES modules do not find their own migrations.
const load = createRequire(import.meta.url);
const { runMigrations, StripeSync } = load(
  '@supabase/stripe-sync-engine',
) as typeof import('@supabase/stripe-sync-engine');

const [databaseUrl, apiBase, secret] = process.argv.slice(2) as [string, string, string];
const secretKey = 'sk_test_bench';
const fail = (error: Error) => {
  throw error; // it would only be logged
};
await runMigrations({ databaseUrl, schema: 'stripe', logger: { info: () => {}, error: fail } as never });
const sync = new StripeSync({
  poolConfig: { connectionString: databaseUrl, max: 16 },
  stripeSecretKey: secretKey,
  stripeWebhookSecret: secret,
});
// It asks Stripe for the lines of each session, and has no setting for another address.
Object.assign(sync, { stripe: createStripe({ secretKey, apiBase }) });

const server = createServer(async (request, response) => {
  const body = await buffer(request);
  const status = await sync.processWebhook(body, request.headers['stripe-signature'] as string).then(
    () => 200,
    (error) => {
      if (error.message === 'Unhandled webhook event') return 200;
      console.error(error);
      return 500;
    },
  );
  const answer = JSON.stringify({ received: status === 200 });
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': answer.length });
  response.end(answer);
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
