import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import Stripe from 'stripe';
import { type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts';

/** A simulator for one test, and the real client on it; both are gone when the test ends. */
export async function useSimulator(
  t: TestContext,
  options: SimulatorOptions = {},
): Promise<{ simulator: Simulator; stripe: Stripe }> {
  const simulator = await startSimulator(options);
  t.after(() => simulator.stop());
  return { simulator, stripe: connect(simulator.url) };
}

export function connect(url: string, key = 'sk_test_simulator', config: Stripe.StripeConfig = {}): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe(key, { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, ...config });
}

/** One ten-dollar order, whatever else is asked for. */
export function order(
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Stripe.Checkout.SessionCreateParams {
  return {
    mode: 'payment',
    success_url: 'http://shop.test/thanks?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://shop.test/cart',
    line_items: [
      {
        quantity: 1,
        price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: '1,000 credits' } },
      },
    ],
    ...more,
  };
}

export type Received = { body: Buffer; signature: string };

/** A server that receives webhooks. `answer` gives the status for each; 200 if nothing is said. */
export async function useReceiver(t: TestContext, answer: (index: number) => number = () => 200) {
  const received: Received[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    received.push({ body: Buffer.concat(chunks), signature: String(req.headers['stripe-signature']) });
    res.writeHead(answer(received.length - 1)).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks` };
}

/** What the client throws, for its fields to be looked at. */
export async function refusalOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
