import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Answer, type Bought, type Customer, openShop, type Shop } from '../../test/shop.ts';
import { paymentSchema } from '../payments/lists.ts';

let shop: Shop;
before(async () => {
  shop = await openShop({ timeoutMs: 1_000 });
});
after(() => shop.close());

const pathOf = ({ id }: Pick<Bought, 'id'>) => `/v1/payments/${id}/refund`;
const keyed = (key: string) => ({ 'idempotency-key': key });

async function creditOf({ workspaceId }: Customer, of: Shop) {
  const { rows } = await of.database.pool.query(
    'select balance::float, debt::float from "Credit" where "workspaceId" = $1',
    [workspaceId],
  );
  return rows[0] as { balance: number; debt: number };
}

/** What has really been refunded at Stripe. */
async function refundsOf({ charge }: Bought, of: Shop): Promise<number[]> {
  const { data } = await of.services.stripe.refunds.list({ charge, limit: 100 });
  return data.map(({ amount }) => amount);
}

/** In a shop of its own, after a purchase: from here on, events are kept and nobody works them off. */
async function unheard(
  work: (shop: Shop, customer: Customer, bought: Bought) => Promise<void>,
): Promise<void> {
  const quiet = await openShop();
  try {
    const customer = await quiet.customer();
    const bought = await quiet.buy(customer);
    await quiet.jobs!.stop();
    quiet.jobs = undefined;
    await work(quiet, customer, bought);
  } finally {
    await quiet.close();
  }
}

function assertRefused({ status, body }: Answer, expected: [status: number, code: string, param?: string]) {
  const { code, param } = body.error;
  assert.deepEqual([status, code, ...(param === undefined ? [] : [param])], expected);
}

suite('a refund that is asked for here', () => {
  test('gives a part back, then the rest, and takes the credits in proportion', async () => {
    const customer = await shop.customer();
    const bought = await shop.buy(customer);
    await shop.spend(customer, 900);
    const first = await shop.post(pathOf(bought), { amount: 2.5 });
    assert.equal(first.status, 200);
    assert.deepEqual(paymentSchema.parse(first.body), first.body);
    const { refunded, disputed, status, amount } = first.body;
    assert.deepEqual([refunded, disputed, status, amount], [2.5, 0, 'SUCCEEDED', 10]);
    // It is booked by the time it is answered, whether or not any webhook has come.
    assert.deepEqual(await creditOf(customer, shop), { balance: 0, debt: 150 });
    const rest = await shop.post(pathOf(bought), {});
    assert.equal(rest.body.refunded, 10);
    await shop.idle();
    assert.deepEqual(await creditOf(customer, shop), { balance: 0, debt: 900 });
    assert.deepEqual(await refundsOf(bought, shop), [750, 250]);
    assertRefused(await shop.post(pathOf(bought), {}), [409, 'already_refunded']);
  });

  test('is no more than is left, in money that there is', async () => {
    const bought = await shop.buy(await shop.customer());
    for (const amount of [10.01, 1.001, 0, -1, '5', 1e10]) {
      assertRefused(await shop.post(pathOf(bought), { amount }), [400, 'invalid_request', 'amount']);
    }
    assertRefused(await shop.post(pathOf(bought), { reason: 'x' }), [400, 'invalid_request', 'reason']);
    assert.deepEqual(await refundsOf(bought, shop), []);
  });

  test('is of a payment that is there, and that was paid', async () => {
    assertRefused(await shop.post(pathOf({ id: 'pay_none' }), {}), [404, 'not_found', 'id']);
    const customer = await shop.customer();
    await shop.checkout(customer);
    const { rows } = await shop.database.pool.query('select id from "Payment" where "workspaceId" = $1', [
      customer.workspaceId,
    ]);
    assertRefused(await shop.post(pathOf(rows[0]), {}), [409, 'not_refundable']);
  });

  test('of what is disputed is refused', async () => {
    const bought = await shop.buy(await shop.customer(), undefined, '4000000000000259');
    const answer = await shop.post(pathOf(bought), {});
    assertRefused(answer, [409, 'not_refundable']);
    assert.equal(answer.body.error.details.disputed, 10);
  });

  test('of an invoice that was paid outside Stripe is refused, and nothing is asked of Stripe', async () => {
    const customer = await shop.customer();
    const { id, default_payment_method: card, items } = await shop.subscribe(customer, { plan: 'BASIC' });
    const { stripe } = shop.services;
    shop.simulator.setCard(String(card), 'insufficient_funds');
    await shop.advanceTo(new Date(items.data[0]!.current_period_end * 1000 + 3_700_000));
    const { latest_invoice: invoice } = await stripe.subscriptions.retrieve(id);
    await stripe.invoices.pay(String(invoice), { paid_out_of_band: true });
    await shop.idle();
    const { rows } = await shop.database.pool.query(
      'select id, status, "paymentId" from "Payment" where "invoiceId" = $1',
      [invoice],
    );
    const [{ id: paymentId, ...payment }] = rows;
    assert.deepEqual(payment, { status: 'SUCCEEDED', paymentId: invoice });
    const calls = shop.wire.calls.length;
    const answer = await shop.post(pathOf({ id: paymentId }), {});
    assertRefused(answer, [409, 'not_refundable']);
    assert.match(answer.body.error.message, /paid outside Stripe/);
    assert.equal(shop.wire.calls.length, calls);
  });

  test('under the same key is one, and changed it is refused', async () => {
    const customer = await shop.customer();
    const bought = await shop.buy(customer);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => shop.post(pathOf(bought), { amount: 4 }, keyed(`once ${bought.id}`))),
    );
    for (const { status, body } of answers) assert.deepEqual([status, body], [200, answers[0]!.body]);
    assert.deepEqual(await refundsOf(bought, shop), [400]);
    const changed = await shop.post(pathOf(bought), { amount: 5 }, keyed(`once ${bought.id}`));
    assertRefused(changed, [409, 'idempotency_conflict']);
    await shop.idle();
    assert.equal((await creditOf(customer, shop)).balance, 600);
  });

  test('fifty times at once adds up exactly', async () => {
    const customer = await shop.customer();
    const bought = await shop.buy(customer);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => shop.post(pathOf(bought), { amount: 0.3 })),
    );
    const made = answers.filter(({ status }) => status === 200).length;
    assert.equal(made, 33);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      assertRefused(answer, [400, 'invalid_request', 'amount']);
    }
    assert.deepEqual(await refundsOf(bought, shop), Array(33).fill(30));
    await shop.idle();
    assert.equal((await creditOf(customer, shop)).balance, 10);
  });
});

suite('what goes wrong on the way', () => {
  const REFUNDS = /POST \/v1\/refunds/;

  test('Stripe refuses or cannot be reached: nothing is booked, and it may be asked again', async () => {
    const customer = await shop.customer();
    const bought = await shop.buy(customer);
    const refusal = { error: { type: 'invalid_request_error', message: 'Your balance is too low.' } };
    shop.wire.fail(REFUNDS, { status: 400, body: JSON.stringify(refusal) });
    const refused = await shop.post(pathOf(bought), {}, keyed(`again ${bought.id}`));
    assertRefused(refused, [502, 'provider_error']);
    assert.match(refused.body.error.message, /Your balance is too low/);
    shop.wire.fail(REFUNDS, ...Array(3).fill({ status: 503 }));
    const down = await shop.post(pathOf(bought), {}, keyed(`again ${bought.id}`));
    assertRefused(down, [503, 'provider_unavailable']);
    assert.equal((await creditOf(customer, shop)).balance, 1000);
    const done = await shop.post(pathOf(bought), {}, keyed(`again ${bought.id}`));
    assert.deepEqual([done.status, done.body.refunded], [200, 10]);
    assert.deepEqual(await refundsOf(bought, shop), [1000]);
  });

  test('the answer is lost: it is asked for again, and is one refund', async () => {
    const bought = await shop.buy(await shop.customer());
    shop.wire.fail(REFUNDS, { lose: 'cut' }, { lose: 'hang' });
    const { status, body } = await shop.post(pathOf(bought), { amount: 3 });
    assert.deepEqual([status, body.refunded], [200, 3]);
    assert.deepEqual(await refundsOf(bought, shop), [300]);
  });

  test('somebody has refunded it in the dashboard, and it has not been heard of', () =>
    unheard(async (quiet, customer, bought) => {
      await quiet.services.stripe.refunds.create({ charge: bought.charge });
      assert.equal((await creditOf(customer, quiet)).balance, 1000);
      assertRefused(await quiet.post(pathOf(bought), {}), [409, 'already_refunded']);
      assert.equal((await creditOf(customer, quiet)).balance, 0);
    }));

  for (const [name, days] of [
    ['', 0],
    [', even after Stripe has forgotten its key', 2],
  ] as const) {
    test(`the process dies between Stripe's answer and our commit: a repeat is no second refund${name}`, () =>
      unheard(async (dying, customer, bought) => {
        const { pool } = dying.database;
        await pool.query(`
          create function crash() returns trigger language plpgsql as $$
          begin
            perform pg_terminate_backend(pg_backend_pid());
            perform pg_sleep(1);
            return new;
          end $$;
          create trigger crash before insert on "Reversal" for each row execute function crash()`);
        const cut = await dying.post(pathOf(bought), { amount: 4 }, keyed('cut off'));
        assert.ok(cut.status >= 500);
        await pool.query('drop trigger crash on "Reversal"; drop function crash');
        assert.deepEqual(await refundsOf(bought, dying), [400]);
        assert.equal((await creditOf(customer, dying)).balance, 1000);
        dying.clock.offsetMs += days * 86_400_000;
        const again = await dying.post(pathOf(bought), { amount: 4 }, keyed('cut off'));
        assert.deepEqual([again.status, again.body.refunded], [200, 4]);
        assert.deepEqual(await refundsOf(bought, dying), [400]);
        assert.equal((await creditOf(customer, dying)).balance, 600);
        const other = await dying.post(pathOf(bought), { amount: 6 }, keyed('cut off'));
        assertRefused(other, [409, 'idempotency_conflict']);
        // What was told meanwhile is worked off later, and changes nothing.
        await dying.startJobs();
        await dying.idle();
        assert.equal((await creditOf(customer, dying)).balance, 600);
      }));
  }

  test('Stripe cannot be read after the refund was made: a repeat books it', () =>
    unheard(async (quiet, customer, bought) => {
      quiet.wire.fail(/GET \/v1\/refunds/, ...Array(3).fill({ status: 503 }));
      const cut = await quiet.post(pathOf(bought), {}, keyed('list'));
      assertRefused(cut, [503, 'provider_unavailable']);
      const again = await quiet.post(pathOf(bought), {}, keyed('list'));
      assert.deepEqual([again.status, again.body.refunded], [200, 10]);
      assert.deepEqual(await refundsOf(bought, quiet), [1000]);
      assert.equal((await creditOf(customer, quiet)).balance, 0);
    }));
});
