// npm run triggers: Stripe's own command line plays its flows, `stripe trigger <event>`, against the simulator of a
// real Tollgate, which gets the webhooks; shows which ran to their end, and what Tollgate made of the event. Arguments:
// the events to play, instead of those below; --all for every one that the command line knows, of which some are of
// parts of Stripe that the simulator does not have. Ends with 1 if one of those below failed.
import { makeDataDir, startServer, type TestServer } from '../test/server.ts';
import { until } from '../test/shop.ts';
import { openStripeCli, type StripeCli, type Triggered } from './triggers/cli.ts';

const EVENTS = [
  ...['checkout.session.completed', 'checkout.session.expired'],
  ...['checkout.session.async_payment_succeeded', 'checkout.session.async_payment_failed'],
  ...['payment_intent.created', 'payment_intent.succeeded', 'payment_intent.payment_failed'],
  ...['payment_intent.canceled', 'payment_intent.processing', 'payment_intent.requires_action'],
  'payment_intent.amount_capturable_updated',
  ...['charge.succeeded', 'charge.failed', 'charge.captured', 'charge.refunded', 'charge.refund.updated'],
  ...['charge.dispute.created', 'charge.dispute.updated', 'charge.dispute.closed'],
  ...['customer.created', 'customer.updated', 'customer.deleted'],
  ...['customer.subscription.created', 'customer.subscription.updated', 'customer.subscription.deleted'],
  ...[
    'customer.subscription.trial_will_end',
    'subscription.payment_succeeded',
    'subscription.payment_failed',
  ],
  ...['invoice.created', 'invoice.updated', 'invoice.deleted', 'invoice.finalized', 'invoice.paid'],
  ...['invoice.payment_succeeded', 'invoice.payment_failed', 'invoice.payment_action_required'],
  ...['invoice.marked_uncollectible', 'invoice.voided', 'invoiceitem.created', 'invoiceitem.deleted'],
  ...['payment_method.attached', 'payment_method.detached'],
  ...['product.created', 'product.updated', 'product.deleted', 'price.created', 'price.updated'],
];

/** What a flow came to: whether it ran, and the event as Tollgate keeps it, if it got it. */
type Row = { event: string; triggered: Triggered; kept: Kept | undefined };
type Kept = { id: string; status: string; error: string | null };

/** Flows that the command line calls by another name than the event that they end with. */
const CALLED: Record<string, string> = {
  'subscription.payment_succeeded': 'invoice.payment_succeeded',
  'subscription.payment_failed': 'invoice.payment_failed',
};

async function play(event: string, { cli, server }: { cli: StripeCli; server: TestServer }): Promise<Row> {
  const type = CALLED[event] ?? event;
  const newest = async (): Promise<Kept | undefined> =>
    (await server.get(`/v1/stripe-events?type=${type}&limit=1`)).body.data[0];
  const before = await newest();
  const simulatorUrl = /simulated at (http:\S+);/.exec(server.output())![1]!;
  const triggered = await cli.trigger(event, simulatorUrl);
  let kept: Kept | undefined;
  if (triggered.passed) {
    await until(async () => {
      const found = await newest();
      if (found?.id !== before?.id && found?.status !== 'RECEIVED') kept = found;
      return kept !== undefined;
    }).catch(() => {}); // then it never came, which the table shows
  }
  return { event, triggered, kept };
}

function isGood({ kept }: Row): boolean {
  return kept?.status === 'APPLIED' || kept?.status === 'IGNORED';
}

function lineOf({ event, triggered, kept }: Row): string {
  if (!triggered.passed) return `${event.padEnd(NAME_LENGTH)}failed  ${triggered.why}`;
  const outcome = kept === undefined ? 'but no such event came' : `${kept.status}  ${kept.error ?? ''}`;
  return `${event.padEnd(NAME_LENGTH)}passed  ${outcome}`.trimEnd();
}

const NAME_LENGTH = 54; // of the longest, and a gap

const asked = process.argv.slice(2);
const cli = await openStripeCli();
const dataDir = makeDataDir();
const server = await startServer({ dataDir: dataDir.path });
try {
  const events = asked.includes('--all') ? await cli.events() : asked.length > 0 ? asked : EVENTS;
  const rows: Row[] = [];
  for (const event of events) {
    rows.push(await play(event, { cli, server }));
    console.log(lineOf(rows.at(-1)!));
  }
  console.log(
    `${rows.filter(isGood).length} of ${rows.length} came to their end, and Tollgate took the event`,
  );
  const { body } = await server.get('/v1/audit');
  if (!body.ok) console.error('The audit found something: see GET /v1/audit.');
  const missed = rows.filter(
    (row) => !isGood(row) && (!asked.includes('--all') || EVENTS.includes(row.event)),
  );
  if (missed.length > 0 || !body.ok) process.exitCode = 1;
} finally {
  await server.stop();
  dataDir.remove();
}
