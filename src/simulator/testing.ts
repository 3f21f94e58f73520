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

/** A clock that stands still until it is set. */
class SetClock {
  #at: Date;

  constructor(at: string) {
    this.#at = new Date(at);
  }

  now(): Date {
    return this.#at;
  }

  set(at: string | number): void {
    this.#at = new Date(typeof at === 'number' ? at * 1000 : at);
  }
}

/** A shop with plans, at a time that the test sets. */
export async function useShop(t: TestContext, at: string, options: SimulatorOptions = {}) {
  const clock = new SetClock(at);
  const { simulator, stripe } = await useSimulator(t, { ...options, clock });
  const plan = async (name: string, unit_amount: number, interval: 'month' | 'year' = 'month') => {
    const product_data = { name };
    const price = { currency: 'usd', product_data, recurring: { interval }, unit_amount };
    return (await stripe.prices.create(price)).id;
  };
  const prices = {
    basic: await plan('Basic', 1000),
    pro: await plan('Pro', 3000),
    yearly: await plan('Pro yearly', 30_000, 'year'),
  };
  /** Sets the clock, and does what is due until then. */
  const moveTo = (to: string | number) => {
    clock.set(to);
    simulator.tick();
  };
  return { clock, moveTo, prices, simulator, stripe };
}

/** A customer whose invoices are paid by a test card. */
export async function payer(stripe: Stripe, card = 'pm_card_visa'): Promise<string> {
  const { id } = await stripe.customers.create({ email: 'ada@example.com' });
  const method = await stripe.paymentMethods.attach(card, { customer: id });
  await stripe.customers.update(id, { invoice_settings: { default_payment_method: method.id } });
  return id;
}

/** The types of the events since one, oldest first. */
export function eventsSince(simulator: Simulator, count: number): string[] {
  return simulator
    .events()
    .slice(count)
    .map(({ type }) => type);
}
