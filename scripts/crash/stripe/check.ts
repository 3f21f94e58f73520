import type Stripe from 'stripe';
import { reconcile } from '../../../src/stripe/reconcile/reconcile.ts';
import type { StripeServices } from '../../../src/stripe/services.ts';
import { giveDueCredits } from '../../../src/subscriptions/plancredits.ts';
import { assertBooksBalance } from '../../../test/books.ts';
import { compareWorkspace } from '../../months/compare.ts';
import { doubledOf } from '../../months/doubled.ts';
import { readTruth, type Truth } from '../../months/truth.ts';
import type { Asking } from './asking.ts';
import type { Site } from './site.ts';

export type Found = {
  /** What there is at Stripe in the end. */
  payments: number;
  subscriptions: number;
  reversals: number;
  topUps: number;
  /** What one run of reconcile had to mend. */
  mended: number;
  /** Promises that were broken, in words. */
  broken: string[];
};

const DAYS = 3650; // all of it

/** Reconciles once; then every row must be what the simulator has, and nothing may be there twice. */
export async function checkRound({ services, doors, simulator }: Site, asking: Asking): Promise<Found> {
  const mended = await reconcileOnce(services);
  await giveDueCredits(services); // as its job does every minute
  const truth = await readTruth(services.stripe);
  const broken = [...mended.broken, ...(await compare(services, truth)), ...doubledOf(truth)];
  broken.push(...(await unknownRefunds(services, truth)), ...twiceByOneRequest(simulator.events()));
  const [{ client }] = doors as [Site['doors'][number]];
  await asking.askAgain(client!);
  const { body } = await client!.get('/v1/audit');
  if (!body.ok) broken.push(`the audit is not clean: ${JSON.stringify(body.checks)}`);
  await assertBooksBalance(services.pool).catch((error: Error) => broken.push(error.message));
  return { ...countsOf(truth), mended: mended.count, broken };
}

async function reconcileOnce(services: StripeServices): Promise<{ count: number; broken: string[] }> {
  const broken: string[] = [];
  const { differed, stayed } = await reconcile(services, {
    days: DAYS,
    say: (line) => {
      if (!line.endsWith(': mended.')) broken.push(`left after reconciling: ${line}`);
    },
  });
  const again = await reconcile(services, { days: DAYS, say: () => {} });
  if (again.differed !== stayed) broken.push(`a second run finds ${again.differed} more`);
  return { count: differed - stayed, broken };
}

async function compare(services: StripeServices, truth: Truth): Promise<string[]> {
  const { rows } = await services.pool.query('select id from "Workspace" order by id');
  const books = { database: services, clock: services.clock };
  const problems = await Promise.all(rows.map(({ id }) => compareWorkspace(books, truth, id)));
  return problems.flat();
}

/** A refund that was asked for is kept before it is made: of one that nobody keeps, another may be made. */
async function unknownRefunds({ pool }: StripeServices, { refunds }: Truth): Promise<string[]> {
  const { rows } = await pool.query('select id from "RefundRequest"');
  const known = new Set(rows.map(({ id }) => id));
  return refunds
    .filter(({ metadata }) => metadata?.refundRequestId && !known.has(metadata.refundRequestId))
    .map(({ id }) => `the refund ${id} was made, and who asked for it is forgotten`);
}

/** What moves money, or begins to: one request makes one of each. */
const EFFECTS = [
  'payment_intent.succeeded',
  'refund.created',
  'customer.subscription.created',
  'invoice.created',
];

/** What one request made twice, though it was asked again under another key after a failure that Stripe keeps. */
function twiceByOneRequest(events: Stripe.Event[]): string[] {
  const made = new Map<string, Set<string>>();
  for (const { type, request, data } of events) {
    const key = request?.idempotency_key;
    if (!key || !EFFECTS.includes(type)) continue;
    const name = `${type} by ${key.replace(/-\d$/, '')}`;
    made.set(name, (made.get(name) ?? new Set()).add((data.object as { id: string }).id));
  }
  return [...made]
    .filter(([, ids]) => ids.size > 1)
    .map(([name, ids]) => `twice: ${name}: ${[...ids].join(', ')}`);
}

function countsOf({ intents, subscriptions, refunds, disputes }: Truth) {
  const succeeded = [...intents.values()].filter(({ status }) => status === 'succeeded');
  return {
    payments: succeeded.length,
    subscriptions: subscriptions.length,
    reversals: refunds.length + disputes.length,
    topUps: succeeded.filter(({ metadata }) => metadata.topUp === 'auto').length,
  };
}
