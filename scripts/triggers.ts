// npm run triggers: Stripe's own command line plays its flows, `stripe trigger <event>`, against a simulator, whose
// webhooks a real Tollgate gets; shows which ran to their end, and what Tollgate made of the event. Arguments: the
// events to play, instead of those below. Ends with 1 if one failed, or if Tollgate could not take it.
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
  ...['payment_method.attached', 'payment_method.updated', 'payment_method.detached'],
  ...['product.created', 'product.updated', 'product.deleted', 'price.created', 'price.updated'],
];

/** What a flow came to: whether it ran, and the event as Tollgate keeps it, if it got it. */
type Row = {
  event: string;
  triggered: Triggered;
  kept: { status: string; error: string | null } | undefined;
};

async function play(event: string, { cli, server }: { cli: StripeCli; server: TestServer }): Promise<Row> {
  const newest = async () => {
    const { body } = await server.get(`/v1/stripe-events?type=${event}&limit=1`);
    return body.data[0] as { id: string; status: string; error: string | null } | undefined;
  };
  const before = await newest();
  const simulatorUrl = /simulated at (http:\S+);/.exec(server.output())![1]!;
  const triggered = await cli.trigger(event, simulatorUrl);
  if (!triggered.passed) return { event, triggered, kept: undefined };
  let kept: typeof before;
  await until(async () => {
    kept = await newest();
    return kept !== undefined && kept.id !== before?.id && kept.status !== 'RECEIVED';
  }).catch(() => {}); // then it never came, which the table shows
  return { event, triggered, kept: kept?.id === before?.id ? undefined : kept };
}

function isGood({ triggered, kept }: Row): boolean {
  return triggered.passed && (kept?.status === 'APPLIED' || kept?.status === 'IGNORED');
}

function lineOf(row: Row): string {
  const { event, triggered, kept } = row;
  const parts = [event.padEnd(42), triggered.passed ? 'passed' : 'failed'];
  if (!triggered.passed) parts.push(triggered.why);
  else if (kept === undefined) parts.push('no such event came');
  else parts.push(kept.status, kept.error ?? '');
  return parts.join('  ').trimEnd();
}

const dataDir = makeDataDir();
const cli = await openStripeCli();
const server = await startServer({ dataDir: dataDir.path });
const rows: Row[] = [];
try {
  const asked = process.argv.slice(2);
  for (const event of asked.length > 0 ? asked : EVENTS) {
    const row = await play(event, { cli, server });
    rows.push(row);
    console.log(lineOf(row));
  }
  const good = rows.filter(isGood).length;
  console.log(`${good} of ${rows.length} were played to their end and taken by Tollgate`);
  const { body } = await server.get('/v1/audit');
  if (!body.ok) console.error('The audit found something.');
  if (good < rows.length || !body.ok) process.exitCode = 1;
} finally {
  await server.stop();
  dataDir.remove();
}
