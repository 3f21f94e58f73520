import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { planCatalog } from '../../../test/fixtures/catalog.ts';
import { type Customer, openShop, type Shop } from '../../../test/shop.ts';
import { changeOf } from '../../subscriptions/change.ts';
import type { Terms } from '../../subscriptions/types.ts';
import { changeSubscription } from './change.ts';
import { previewChange } from './preview.ts';

const terms = (name: string) => {
  const [plan, interval] = name.split(' ');
  return { plan, interval } as Terms;
};

for (const [from, to, change] of [
  ['BASIC month', 'PRO month', 'upgrade'],
  ['BASIC month', 'BASIC year', 'upgrade'],
  ['BASIC month', 'PRO year', 'upgrade'],
  ['BASIC year', 'PRO month', 'upgrade'],
  ['BASIC month', 'BASIC month', 'none'],
  ['PRO year', 'PRO year', 'none'],
  ['PRO year', 'PRO month', 'downgrade'],
  ['PRO month', 'BASIC month', 'downgrade'],
  ['PRO month', 'BASIC year', 'downgrade'],
] as const) {
  test(`from ${from} to ${to}: ${change}`, () => assert.equal(changeOf(terms(from), terms(to)), change));
}

suite('a change of plan', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ catalog: planCatalog() });
  });
  after(() => shop.close());

  const ask = ({ workspaceId }: Customer, verb: string, body: object, headers?: Record<string, string>) =>
    shop.post(`/v1/subscriptions/${workspaceId}/${verb}`, body, headers);

  /** What was really charged, oldest first. */
  async function chargedTo(customer: Customer): Promise<number[]> {
    const { rows } = await shop.database.pool.query(
      `select amount::float from "Payment" where "workspaceId" = $1 and status = 'SUCCEEDED' order by "createdAt", id`,
      [customer.workspaceId],
    );
    return rows.map(({ amount }) => amount);
  }

  const standing = async (customer: Customer) => {
    const { plan, subscription, credit } = await shop.workspace(customer);
    return [plan, subscription!.interval, credit.balance];
  };

  for (const [from, to, after] of [
    ['BASIC month', 'PRO month', ['PRO', 'month', 500]],
    ['BASIC month', 'BASIC year', ['BASIC', 'year', 100]],
    ['BASIC month', 'PRO year', ['PRO', 'year', 500]],
    ['BASIC year', 'PRO month', ['PRO', 'month', 500]],
  ] as const) {
    test(`from ${from} to ${to} is at once, and costs to the cent what the preview said`, async () => {
      const customer = await shop.customer();
      await shop.subscribe(customer, terms(from));
      await shop.advance(10);
      const before = await standing(customer);
      const { body: preview } = await ask(customer, 'preview', terms(to));
      assert.equal(preview.change, 'upgrade');
      assert.deepEqual(await standing(customer), before);
      const { status, body } = await ask(customer, 'change', terms(to));
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(await standing(customer), after);
      const [, charged = 0] = await chargedTo(customer);
      // So that a second may make the last cent another one.
      assert.ok(Math.abs(charged - preview.money.dueNow) < 0.015, `${charged}, not ${preview.money.dueNow}`);
      const sum = preview.money.lines.reduce((sum: number, line: { amount: number }) => sum + line.amount, 0);
      assert.ok(Math.abs(Math.max(0, sum) - preview.money.dueNow) < 0.005);
      // A new period begins when the change is made, a moment after it was asked for.
      assert.ok(Math.abs(Date.parse(body.endDate) - Date.parse(preview.money.next.at)) < 30_000);
      await shop.idle();
      assert.deepEqual(await standing(customer), after);
    });
  }

  for (const [from, to, atEnd] of [
    ['PRO month', 'BASIC month', ['BASIC', 'month', 100]],
    ['PRO month', 'BASIC year', ['BASIC', 'year', 100]],
    ['PRO year', 'PRO month', ['PRO', 'month', 500]],
    ['PRO year', 'BASIC month', ['BASIC', 'month', 100]],
  ] as const) {
    test(`from ${from} to ${to} is when the period ends, and costs nothing until then`, async () => {
      const customer = await shop.customer();
      const { items } = await shop.subscribe(customer, terms(from));
      const before = await standing(customer);
      const { body: preview } = await ask(customer, 'preview', terms(to));
      assert.deepEqual([preview.change, preview.money.dueNow, preview.money.lines], ['downgrade', 0, []]);
      const { body } = await ask(customer, 'change', terms(to));
      assert.deepEqual(
        [body.pending.plan, body.pending.interval, body.pending.at],
        [...Object.values(terms(to)), preview.at],
      );
      assert.equal(body.pending.at, body.endDate);
      assert.deepEqual(await standing(customer), before);
      await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + 3_700_000));
      assert.deepEqual(await standing(customer), atEnd);
      assert.equal((await shop.workspace(customer)).subscription!.pending, null);
      assert.equal((await chargedTo(customer)).at(-1), preview.money.next.amount);
      assert.equal((await chargedTo(customer)).length, 2);
    });
  }

  test('to what it is gives up what is pending, and changes no price', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    await ask(customer, 'change', terms('BASIC month'));
    const { body } = await ask(customer, 'change', terms('PRO month'));
    assert.equal(body.pending, null);
    await shop.advanceTo(body.endDate);
    await shop.advance(0.1);
    assert.deepEqual(await standing(customer), ['PRO', 'month', 500]);
    assert.deepEqual(await chargedTo(customer), [20, 20]);
  });

  test('to what it is keeps the price that it was sold at, whatever the catalog says since', async () => {
    const customer = await shop.customer();
    const { items } = await shop.subscribe(customer);
    const dearer = planCatalog(({ plans }) => {
      plans.PRO!.price!.month!.usd = 30;
    });
    const services = { ...shop.services, catalog: dearer };
    const preview = await previewChange(services, customer.workspaceId, terms('PRO month'));
    assert.deepEqual([preview.change, preview.money.dueNow, preview.money.next.amount], ['none', 0, 20]);
    await changeSubscription(services, customer.workspaceId, terms('PRO month'));
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + 3_700_000));
    assert.deepEqual(await chargedTo(customer), [20, 20]);
  });

  test('within a trial is at once, both ways, and costs nothing until it is over', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, { ...terms('BASIC month'), trialDays: 10 });
    for (const to of ['PRO month', 'BASIC month', 'PRO year', 'PRO month']) {
      const { body: preview } = await ask(customer, 'preview', terms(to));
      assert.equal(preview.money.dueNow, 0);
      const { body } = await ask(customer, 'change', terms(to));
      assert.deepEqual([body.status, body.plan, body.interval], ['TRIAL', ...Object.values(terms(to))]);
    }
    await shop.advance(10);
    await shop.advance(0.1);
    assert.deepEqual(await standing(customer), ['PRO', 'month', 500]);
    assert.deepEqual(await chargedTo(customer), [20]);
  });

  test('up and down and up again within a month gives no more than the better plan', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, terms('BASIC month'));
    for (const to of ['PRO month', 'BASIC month', 'PRO month', 'BASIC month', 'PRO month']) {
      assert.equal((await ask(customer, 'change', terms(to))).status, 200);
    }
    await shop.idle();
    assert.deepEqual(await standing(customer), ['PRO', 'month', 500]);
    assert.equal((await chargedTo(customer)).length, 2);
  });

  for (const [to, charges] of [
    ['PRO month', 2],
    ['BASIC year', 2],
  ] as const) {
    test(`to ${to}, asked fifty times at once, is one change and one charge`, async () => {
      const customer = await shop.customer();
      await shop.subscribe(customer, terms('BASIC month'));
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(customer, 'change', terms(to))));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      await shop.idle();
      assert.deepEqual((await standing(customer)).slice(0, 2), Object.values(terms(to)));
      assert.equal((await chargedTo(customer)).length, charges);
    });
  }

  test('to less, asked ten times at once, is pending once; so is an end', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer);
    const tenTimes = (verb: string, body: object) =>
      Promise.all(Array.from({ length: 10 }, () => ask(customer, verb, body)));
    for (const [verb, body] of [
      ['change', terms('BASIC month')],
      ['cancel', { at: 'period_end' }],
      ['resume', {}],
      ['cancel', { at: 'now' }],
    ] as const) {
      const answers = await tenTimes(verb, body);
      const problems = answers.filter(
        ({ status, body }) => status !== 200 && body.error.code !== 'no_subscription',
      );
      assert.deepEqual(
        problems.map(({ body }) => body),
        [],
        verb,
      );
    }
    assert.equal((await shop.workspace(customer)).plan, 'FREE');
  });

  test('again under the same key is answered as the first time; another one under it is refused', async () => {
    const customer = await shop.customer();
    await shop.subscribe(customer, terms('BASIC month'));
    const key = { 'idempotency-key': `up-${customer.workspaceId}` };
    const first = await ask(customer, 'change', terms('PRO month'), key);
    await ask(customer, 'change', terms('BASIC month'));
    const again = await ask(customer, 'change', terms('PRO month'), key);
    assert.deepEqual([again.status, again.body], [first.status, first.body]);
    const other = await ask(customer, 'change', terms('PRO year'), key);
    assert.deepEqual([other.status, other.body.error.code], [409, 'idempotency_conflict']);
    assert.equal((await chargedTo(customer)).length, 2);
  });

  test('whose payment fails leaves the plan, and says where to pay; once paid there, it is had', async () => {
    const customer = await shop.customer();
    const { customer: payer } = await shop.subscribe(customer, terms('BASIC month'));
    const [card] = (await shop.services.stripe.paymentMethods.list({ customer: String(payer) })).data;
    shop.simulator.setCard(card!.id, 'insufficient_funds');
    const key = { 'idempotency-key': `unpaid-${customer.workspaceId}` };
    const { status, body } = await ask(customer, 'change', terms('PRO month'), key);
    assert.deepEqual([status, body.error.code], [402, 'payment_required']);
    assert.ok(body.error.details.expiresAt);
    const again = await ask(customer, 'change', terms('PRO month'), key);
    assert.deepEqual([again.status, again.body], [status, body]); // names the request that was refused first, too
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual(await standing(customer), ['BASIC', 'month', 100]);
    const repeated = await ask(customer, 'change', terms('PRO month'));
    assert.deepEqual([repeated.status, repeated.body.error.details.url], [402, body.error.details.url]);
    await fetch(body.error.details.url, {
      method: 'POST',
      body: new URLSearchParams({ pay_with: '4242424242424242' }),
      redirect: 'manual',
    });
    await shop.idle();
    assert.deepEqual(await standing(customer), ['PRO', 'month', 500]);
    assert.equal((await chargedTo(customer)).length, 2);
  });

  for (const [what, fault] of [
    ['is cut off', { lose: 'cut' }],
    ['is lost behind a server error', { status: 500 }],
  ] as const) {
    test(`whose answer ${what} is asked for again, and charged once`, async () => {
      const customer = await shop.customer();
      await shop.subscribe(customer, terms('BASIC month'));
      shop.wire.fail(/POST \/v1\/subscriptions\/sub_/, fault);
      const { status } = await ask(customer, 'change', terms('PRO month'));
      assert.equal(status, 200);
      await shop.idle();
      assert.deepEqual(await standing(customer), ['PRO', 'month', 500]);
      assert.equal((await chargedTo(customer)).length, 2);
    });
  }

  for (const days of [0, 2]) {
    test(`cut off between Stripe’s answer and our commit, and repeated ${days} days later, is charged once`, async () => {
      const customer = await shop.customer();
      await shop.subscribe(customer, terms('BASIC month'));
      const { pool } = shop.database;
      const key = { 'idempotency-key': `crash-${days}-${customer.workspaceId}` };
      await pool.query(`
        create function crash() returns trigger language plpgsql as $$
        begin
          perform pg_terminate_backend(pg_backend_pid());
          perform pg_sleep(1);
          return new;
        end $$;
        create trigger crash before update on "Subscription" for each row execute function crash()`);
      const cut = await ask(customer, 'change', terms('PRO month'), key);
      assert.ok(cut.status >= 500);
      await pool.query('drop trigger crash on "Subscription"; drop function crash');
      shop.clock.offsetMs += days * 86_400_000;
      const again = await ask(customer, 'change', terms('PRO month'), key);
      assert.equal(again.status, 200, JSON.stringify(again.body));
      await shop.idle();
      assert.deepEqual(await standing(customer), ['PRO', 'month', 500]);
      assert.equal((await chargedTo(customer)).length, 2);
    });
  }
});
