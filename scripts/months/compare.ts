import type pg from 'pg';
import type { Clock } from '../../src/lib/clock.ts';
import { type Expected, expectedOf, PLAN_CREDITS, type Truth } from './truth.ts';

export type Books = { database: { pool: pg.Pool }; clock: Clock };

/** In what a workspace's rows differ from what Stripe has; none where all is equal. */
export async function compareWorkspace(books: Books, truth: Truth, workspaceId: string): Promise<string[]> {
  const expected = expectedOf(truth, workspaceId, books.clock.now());
  const here = await readRows(books, workspaceId);
  const problems: string[] = [];
  const same = (what: string, wanted: unknown, found: unknown) => {
    const [a, b] = [JSON.stringify(wanted), JSON.stringify(found)];
    if (a !== b) problems.push(`${workspaceId}: ${what} is ${b}, and must be ${a}`);
  };
  const succeeded = here.payments.filter(({ status }) => status === 'SUCCEEDED');
  same(
    'what was paid',
    expected.paid,
    succeeded.map((one) => `${one.paymentId} ${one.amount} ${one.currency}`).sort(),
  );
  for (const [invoice, status] of expected.unpaid) {
    const found = here.payments.find(({ invoiceId }) => invoiceId === invoice)?.status;
    if (status !== null) same(`the invoice ${invoice}`, status, found);
    else if (found === 'SUCCEEDED') same(`the invoice ${invoice}`, 'not paid', found);
  }
  same(
    'what was reversed',
    expected.reversals,
    here.reversals.map((one) => `${one.id} ${one.kind} ${one.status} ${one.amount}`).sort(),
  );
  if (expected.live < 2) same('the subscription', expected.subscription, here.subscription);
  compareBought(expected, here, same);
  comparePlanCredits(expected, here, same);
  return problems;
}

type Same = (what: string, wanted: unknown, found: unknown) => void;

/** What was bought is granted once, and taken back in proportion, rounded down to the sixth decimal. */
function compareBought({ bought }: Expected, { purchases, months }: Rows, same: Same): void {
  const wanted = [...bought].filter(([, { credits }]) => credits > 0);
  same('how often credits were granted', wanted.length, purchases.length);
  for (const [intent, { credits, reversed }] of wanted) {
    const of = purchases.filter(({ paymentId }) => paymentId === intent);
    same(
      `what ${intent} bought`,
      [credits],
      of.map(({ amount }) => amount),
    );
    same(
      `what is taken back of ${intent}`,
      [partOf(credits, reversed)],
      of.map((one) => one.reversed),
    );
  }
  for (const { paymentId, amount, reversed } of months) {
    if (paymentId === null) continue;
    same(
      `what is taken back of the month of ${paymentId}`,
      partOf(amount, bought.get(paymentId)?.reversed ?? 0),
      reversed,
    );
  }
}

const partOf = (credits: number, part: number): number => Math.floor(credits * part * 1e6 + 1e-4) / 1e6;

/** In a month, as many as the best plan of it has; now, at least what the plan has that is paid for. */
function comparePlanCredits({ month, live }: Expected, { months }: Rows, same: Same): void {
  const sums = new Map<string, { sum: number; best: number }>();
  for (const { month: start, plan, amount, subscriptionId } of months) {
    const key = `${subscriptionId} ${start}`;
    const { sum, best } = sums.get(key) ?? { sum: 0, best: 0 };
    sums.set(key, { sum: sum + amount, best: Math.max(best, PLAN_CREDITS[plan]!) });
  }
  for (const [key, { sum, best }] of sums) same(`the credits of the month ${key}`, best, sum);
  if (month === null || live > 1) return;
  const now = months.filter(({ isNow }) => isNow).reduce((sum, { amount }) => sum + amount, 0);
  same(`that ${month.plan} has its credits now`, true, now >= month.credits);
}

type Rows = Awaited<ReturnType<typeof readRows>>;

async function readRows({ database, clock }: Books, workspaceId: string) {
  const rows = async <T>(text: string): Promise<T[]> =>
    (await database.pool.query(text, text.includes('$2') ? [workspaceId, clock.now()] : [workspaceId])).rows;
  const subscriptions = await rows<Record<string, string | Date | null>>(`
    select "subscriptionId", status::text, plan::text, interval, currency, "endDate", "cancelAt"
    from "Subscription" where "workspaceId" = $1`);
  const [subscription] = subscriptions.map((row) =>
    Object.values(row)
      .map((value) => (value instanceof Date ? value.toISOString() : (value ?? '-')))
      .join(' '),
  );
  return {
    subscription: subscription ?? null,
    payments: await rows<{
      paymentId: string;
      invoiceId: string | null;
      status: string;
      amount: number;
      currency: string;
    }>(
      `select "paymentId", "invoiceId", status::text, amount::float, currency from "Payment" where "workspaceId" = $1`,
    ),
    reversals: await rows<{ id: string; kind: string; status: string; amount: number }>(`
      select id, kind::text, status::text, amount::float from "Reversal" where "workspaceId" = $1`),
    purchases: await rows<{ paymentId: string; amount: number; reversed: number }>(`
      select p."paymentId", g.amount::float, g.reversed::float
      from "CreditGrant" g
      join "CreditRecord" r on r.id = g."creditRecordId"
      join "Payment" p on p.id = r."paymentId"
      where g."workspaceId" = $1 and g.type = 'PURCHASE'`),
    months: await rows<{
      subscriptionId: string;
      month: string;
      plan: string;
      amount: number;
      reversed: number;
      paymentId: string | null;
      isNow: boolean;
    }>(`
      select c."subscriptionId", c.month::text, c.plan::text, c.amount::float, g.reversed::float, p."paymentId",
        c.month <= $2 and coalesce(g."expiresAt", 'infinity') > $2 as "isNow"
      from "PlanCredit" c
      join "CreditGrant" g on g.id = c."grantId" and g."workspaceId" = c."workspaceId"
      left join "Payment" p on p.id = c."paymentId"
      where c."workspaceId" = $1`),
  };
}
