import assert from 'node:assert/strict';
import { test } from 'node:test';
import { order, useSimulator } from '../testing.ts';

const THREE_D_SECURE = '4000002760003184';

const submit = (url: string, fields: Record<string, string>) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });

test('a session leads to the bank, and from there to the shop or back to the cards', async (t) => {
  const { stripe } = await useSimulator(t);
  const session = await stripe.checkout.sessions.create(order());
  const pay = () => submit(session.url ?? '', { pay_with: THREE_D_SECURE, email: 'ada@example.com' });
  const bank = (await pay()).headers.get('location') ?? '';
  assert.match(bank, /\/c\/3ds\/pi_/);
  assert.match(await (await fetch(bank)).text(), /confirm this payment of \$10\.00/);
  const refused = await submit(bank, { answer: 'fail' });
  assert.deepEqual([refused.status, refused.headers.get('location')], [303, session.url]);
  await pay();
  const confirmed = await submit(bank, { answer: 'succeed' });
  assert.equal(confirmed.headers.get('location'), `http://shop.test/thanks?session=${session.id}`);
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).payment_status, 'paid');
  assert.match(await (await fetch(bank)).text(), /has your answer/);
  assert.equal((await submit(bank, { answer: 'succeed' })).status, 400);
});

for (const [answer, told] of [
  ['succeed', 'succeeded'],
  ['fail', 'failed'],
] as const) {
  test(`an intent of one's own leads back to its return_url: ${told}`, async (t) => {
    const { stripe } = await useSimulator(t);
    const intent = await stripe.paymentIntents.create({
      amount: 1000,
      currency: 'usd',
      payment_method: 'pm_card_authenticationRequired',
      confirm: true,
      return_url: 'http://shop.test/back?a=1',
    });
    const response = await submit(intent.next_action?.redirect_to_url?.url ?? '', { answer });
    const back = new URL(response.headers.get('location') ?? '');
    assert.deepEqual(Object.fromEntries(back.searchParams), {
      a: '1',
      payment_intent: intent.id,
      payment_intent_client_secret: intent.client_secret,
      redirect_status: told,
    });
  });
}

test('a card is set up on the same page; without an address to go back to, the page says so', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const made = await stripe.setupIntents.create({
    payment_method: 'pm_card_authenticationRequired',
    confirm: true,
  });
  const url = made.next_action?.redirect_to_url?.url ?? '';
  assert.match(await (await fetch(url)).text(), /may be charged later/);
  assert.equal((await submit(url, { answer: 'perhaps' })).status, 400);
  assert.match(await (await submit(url, { answer: 'succeed' })).text(), /has your answer/);
  assert.equal((await stripe.setupIntents.retrieve(made.id)).status, 'succeeded');
  assert.equal((await fetch(`${simulator.url}/c/3ds/pi_none`)).status, 404);
});
