import { Contradiction, commit } from '../change.ts';
import { isMissing } from '../client.ts';
import type { StripeServices } from '../services.ts';
import { customers } from './customers.ts';
import type { Drift, Pass, Run } from './drift.ts';
import { events } from './events.ts';
import { invoices } from './invoices.ts';
import { forEach, patiently } from './pages.ts';
import { payments, unknownPayments } from './payments.ts';
import { disputes, otherReversals, refunds } from './reversals.ts';
import { sessions } from './sessions.ts';
import { openSeen } from './store.ts';
import { endedSubscriptions, subscriptions } from './subscriptions.ts';

export type ReconcileOptions = {
  /** How far back objects are compared that do not change any more. */
  days: number;
  /** Only says what differs. */
  dryRun?: boolean;
  /** Told line by line what differs, and what was done. */
  say(line: string): void;
};

/** How many things were compared, differed, and still do. */
export type Reconciled = { compared: number; differed: number; stayed: number };

const DAY_MS = 86_400_000;

/**
 * Compares everything that Stripe has of ours with what is kept here, and mends what differs as its webhook would have:
 * the object is read again and its present state applied. As often as you like; cut off half-way, the next run does the rest.
 */
export async function reconcile(services: StripeServices, options: ReconcileOptions): Promise<Reconciled> {
  const begunAt = services.clock.now();
  const since = new Date(begunAt.getTime() - options.days * DAY_MS);
  const seen = await openSeen(services.pool);
  const sum: Reconciled = { compared: 0, differed: 0, stayed: 0 };
  const run = { services, since, begunAt, seen };
  const walk = <T>(pass: Pass<T>) => runPass(run, pass, options, sum);
  try {
    // What was paid comes before what is reversed of it, and all of it before its customer is forgotten.
    await walk(sessions);
    await walk(subscriptions);
    await walk(endedSubscriptions);
    await walk(invoices);
    await walk(payments);
    await walk(unknownPayments);
    await walk(refunds);
    await walk(disputes);
    await walk(otherReversals);
    await walk(customers);
    await walk(events);
  } finally {
    await seen.close();
  }
  return sum;
}

async function runPass<T>(
  run: Run,
  pass: Pass<T>,
  { dryRun = false, say }: ReconcileOptions,
  sum: Reconciled,
): Promise<void> {
  for await (const page of pass.pages(run)) {
    sum.compared += page.length;
    const found = await patiently(() => pass.compare(run, page));
    sum.differed += found.length;
    const whys = dryRun
      ? new Map<string, string>()
      : await mendAll(
          run,
          found.map(({ drift }) => drift),
        );
    for (const { object, drift } of found) {
      const left = dryRun ? drift : await leftOf(run, pass, object);
      if (left !== null) sum.stayed++;
      say(lineOf(drift, left, dryRun ? '' : (whys.get(keyOf(drift)) ?? '')));
    }
  }
}

/** How an object differs after all; null where it does not any more. It may have changed while it was looked at. */
async function leftOf<T>(run: Run, pass: Pass<T>, object: T): Promise<Drift | null> {
  return patiently(async () => {
    const now = await pass.again(run, object);
    if (now === null) return null;
    return (await pass.compare(run, [now]))[0]?.drift ?? null;
  });
}

function lineOf({ about, words }: Drift, left: Drift | null, why: string): string {
  if (left === null) return `${about} ${words}: mended.`;
  const what = left.words === words || words === '' ? words : `${words}; now ${left.words}`;
  const line = `${about} ${what}${why === '' || what.includes(why) ? '' : `: ${why}`}`;
  return line.endsWith('.') ? line : `${line}.`;
}

/** Reads again what differs, each thing once. Answers why where that was in vain. */
async function mendAll({ services }: Run, drifts: Drift[]): Promise<Map<string, string>> {
  const whys = new Map<string, string>();
  const mends = new Map(drifts.flatMap((drift) => (drift.mend === null ? [] : [[keyOf(drift), drift.mend]])));
  await forEach([...mends], async ([key, { read, id }]) => {
    try {
      const verdict = await patiently(async () => commit(services, await read(services, id)));
      if (verdict.status !== 'APPLIED') whys.set(key, verdict.error);
    } catch (error) {
      whys.set(key, (error as Error).message);
      // What nobody expects is a defect, and no drift.
      if (!isExpected(error)) services.report(`${id} could not be read again`, error);
    }
  });
  return whys;
}

function isExpected(error: unknown): boolean {
  return error instanceof Contradiction || isMissing(error);
}

function keyOf({ mend }: Drift): string {
  return mend === null ? '' : `${mend.read.name} ${mend.id}`;
}
