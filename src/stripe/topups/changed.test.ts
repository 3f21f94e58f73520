import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { booksOf, type Customer, eventAbout, openShop, type Shop, until } from '../../../test/shop.ts';
import { topUpsOf } from '../../../test/topups.ts';
import { chargeTopUp } from './charge.ts';

let shop: Shop;
let topUps: ReturnType<typeof topUpsOf>;
before(async () => {
  shop = await openShop();
  topUps = topUpsOf(shop);
});
beforeEach(() => {
  shop.reports.length = 0;
});
after(() => shop.close());

const PAY = /POST \/v1\/payment_intents$/;

/** Lets a use ask for a payment, of which nothing is heard until it is let go: Stripe has made it, or its bank has said no. */
async function holdPayment(customer: Customer): Promise<() => void> {
  let letGo = (): void => {};
  const late = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  shop.wire.fail(PAY, { change: (answer) => late.then(() => answer) });
  shop.simulator.setFaults({ webhooks: { drop: 1 } });
  const before = (await topUps.intents(customer)).length;
  await shop.spend(customer, 200);
  await until(async () => (await topUps.intents(customer)).length === before + 1);
  return () => {
    shop.simulator.setFaults();
    letGo();
  };
}

suite('settings that change while a payment is under way', () => {
  test('dropped, and wanted again: it is still one payment', async () => {
    const customer = await topUps.begin();
    const letGo = await holdPayment(customer);
    await topUps.drop(customer);
    assert.equal((await topUps.put(customer)).body.status, 'PENDING');
    await chargeTopUp(shop.services, customer.workspaceId);
    assert.equal((await topUps.intents(customer)).length, 1);
    letGo();
    await topUps.has(customer, 1800);
    await topUps.reaches(customer, 'READY');
    assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
    assert.equal((await topUps.read(customer)).spentThisMonth, 10);
  });

  test('dropped, wanted again, and declined: it is asked for once more, by the new settings', async () => {
    const customer = await topUps.begin();
    await topUps.setCard(customer, 'lost_card');
    const letGo = await holdPayment(customer);
    await topUps.drop(customer);
    await topUps.put(customer, { threshold: 850 });
    letGo();
    await topUps.reaches(customer, 'STOPPED');
    assert.deepEqual(await topUps.payments(customer), ['FAILED', 'FAILED']);
  });

  test('another payer meanwhile: that the card of the first is declined stops nothing', async () => {
    const customer = await topUps.begin();
    await topUps.setCard(customer, 'lost_card');
    const letGo = await holdPayment(customer);
    const second = await shop.customer();
    shop.simulator.setFaults();
    await shop.buy(second, { pack: 'small', saveCard: true });
    await topUps.put({ ...customer, user: second.user });
    letGo();
    await topUps.has(customer, 1800);
    await topUps.reaches(customer, 'READY');
    assert.deepEqual(await topUps.payments(customer), ['FAILED', 'SUCCEEDED']);
    assert.equal((await topUps.intents(second)).length, 1);
  });

  test('a month that costs no more than one pack is not overdrawn by dropping it and wanting it again', async () => {
    const customer = await topUps.begin({ monthlyMax: 10 });
    const letGo = await holdPayment(customer);
    await topUps.drop(customer);
    await topUps.put(customer, { threshold: 5000, monthlyMax: 10 });
    letGo();
    await topUps.reaches(customer, 'BACKING_OFF');
    assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
  });
});

suite('a payer who disputes a payment', () => {
  const disputeLast = async (customer: Customer, options: object = {}) => {
    const [intent] = await topUps.intents(customer);
    const dispute = shop.simulator.dispute(String(intent!.latest_charge), options);
    await shop.idle();
    return { dispute, intent: intent! };
  };

  /** A wallet that was topped up once. */
  async function toppedUp(): Promise<Customer> {
    const customer = await topUps.begin();
    await shop.spend(customer, 200);
    await topUps.has(customer, 1800);
    await topUps.reaches(customer, 'READY');
    return customer;
  }

  test('is charged no more, and the operator is told once', async () => {
    const customer = await toppedUp();
    await disputeLast(customer);
    await topUps.reaches(customer, 'STOPPED');
    const { why, nextTryAt } = await topUps.read(customer);
    assert.deepEqual([why, nextTryAt], ['disputed', null]);
    await shop.spend(customer, 100);
    await topUps.addCard(customer); // another card is not what it waits for
    await shop.idle();
    assert.equal((await topUps.put(customer)).body.status, 'STOPPED'); // the same settings again
    assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED']);
    assert.deepEqual(
      shop.reports.filter((report) => report.includes(customer.workspaceId)),
      [`the auto top-up of ${customer.workspaceId} has stopped: disputed`],
    );
  });

  test('pays on a page, and is charged again from then on; the old dispute, told again, stops nothing', async () => {
    const customer = await toppedUp();
    const { dispute } = await disputeLast(customer);
    const { body } = await topUps.page(customer);
    shop.simulator.pay(body.link.url.split('/').at(-1)!);
    await topUps.reaches(customer, 'READY');
    const lost = shop.simulator.moveDispute(dispute.id, 'lost');
    await shop.deliver(eventAbout('charge.dispute.closed', lost));
    await shop.idle();
    assert.equal((await topUps.read(customer)).status, 'READY');
    await shop.spend(customer, 1000);
    await topUps.has(customer, 1800);
  });

  test('is switched off and on by the host, and is charged again', async () => {
    const customer = await toppedUp();
    await disputeLast(customer);
    await topUps.put(customer, { enabled: false });
    await topUps.put(customer);
    await topUps.has(customer, 1800);
  });

  test('while another charge is under way: that one is booked, and it stays stopped', async () => {
    const customer = await toppedUp();
    const [first] = await topUps.intents(customer);
    const letGo = await holdPayment(await withLess(customer));
    shop.simulator.setFaults();
    shop.simulator.dispute(String(first!.latest_charge));
    await topUps.reaches(customer, 'STOPPED');
    letGo();
    // Of what is disputed 800 are taken, and the 200 that were spent are owed.
    await topUps.has(customer, 800);
    await shop.idle();
    assert.equal((await topUps.read(customer)).why, 'disputed');
    await shop.spend(customer, 500);
    await shop.idle();
    assert.deepEqual(await topUps.payments(customer), ['SUCCEEDED', 'SUCCEEDED']);
  });

  test('by an inquiry is charged as before; so is who has not disputed it', async () => {
    const customer = await toppedUp();
    await disputeLast(customer, { status: 'warning_needs_response' });
    assert.equal((await topUps.read(customer)).status, 'READY');
    const other = { ...customer, user: (await shop.customer()).user };
    const { charge } = await shop.buy(other);
    shop.simulator.dispute(charge);
    await shop.idle();
    assert.equal((await topUps.read(customer)).status, 'READY');
    const { charge: own } = await shop.buy(customer); // no top-up, and the same payer
    shop.simulator.dispute(own);
    await topUps.reaches(customer, 'STOPPED');
  });

  /** Uses so much up that the next 200 ask for a top-up. */
  async function withLess(customer: Customer): Promise<Customer> {
    const { balance } = await booksOf(shop, customer.workspaceId);
    await shop.spend(customer, balance - 1000);
    return customer;
  }
});
