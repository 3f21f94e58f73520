import assert from 'node:assert/strict';
import { test } from 'node:test';
import { order, useSimulator } from './testing.ts';

const submit = (url: string, fields: Record<string, string>) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });

test('the page says what is bought, and leads to the shop once it is paid', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  const session = await stripe.checkout.sessions.create(order({ customer_email: 'ada@example.com' }));
  const url = session.url ?? '';
  const page = await fetch(url);
  const html = await page.text();
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  for (const part of [
    '1,000 credits',
    '$10.00',
    'ada@example.com',
    'http://shop.test/cart',
    'lang="en"',
    'viewport',
  ]) {
    assert.ok(html.includes(part), part);
  }
  const paid = await submit(url, { pay_with: '4242424242424242', email: 'ada@example.com' });
  assert.deepEqual(
    [paid.status, paid.headers.get('location')],
    [303, `http://shop.test/thanks?session=${session.id}`],
  );
  assert.match(await (await fetch(url)).text(), /This is paid/);
  const again = await submit(url, { pay_with: '4242424242424242' });
  assert.deepEqual(
    [again.status, simulator.events().filter(({ type }) => type === 'charge.succeeded').length],
    [400, 1],
  );
});

test('a declined card is told, and another can be tried', async (t) => {
  const { stripe } = await useSimulator(t);
  const session = await stripe.checkout.sessions.create(order());
  const declined = await submit(session.url ?? '', { pay_with: '4000000000009995', email: 'a@example.com' });
  const html = await declined.text();
  assert.equal(declined.status, 402);
  assert.match(html, /role="alert">Your card has insufficient funds\./);
  assert.match(html, /value="a@example\.com"/);
  assert.match(html, /<button>Pay \$10\.00<\/button>/);
  assert.equal((await submit(session.url ?? '', { pay_with: '5555555555554444' })).status, 303);
});

test('a bank debit is settled on the page, by hand', async (t) => {
  const { stripe } = await useSimulator(t);
  const session = await stripe.checkout.sessions.create(order());
  const url = session.url ?? '';
  assert.equal((await submit(url, { pay_with: 'bank_debit' })).status, 303);
  assert.match(await (await fetch(url)).text(), /you are the bank/);
  assert.match(await (await submit(url, { settle: 'succeed' })).text(), /This is paid/);
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).payment_status, 'paid');
});

test('nothing that a shop wrote becomes markup', async (t) => {
  const { stripe } = await useSimulator(t);
  const price_data = { currency: 'usd', unit_amount: 1000, product_data: { name: '<script>"\'&' } };
  const session = await stripe.checkout.sessions.create(
    order({ line_items: [{ quantity: 1, price_data }], cancel_url: 'http://shop.test/?"><script>' }),
  );
  const html = await (await fetch(session.url ?? '')).text();
  assert.ok(!html.includes('<script>'));
  assert.ok(html.includes('&lt;script&gt;&quot;&#39;&amp;'));
});

test('a page that is none, a form that is none and a session that has expired are told', async (t) => {
  const { simulator, stripe } = await useSimulator(t);
  assert.equal((await fetch(`${simulator.url}/c/pay/cs_test_none`)).status, 404);
  assert.equal((await fetch(`${simulator.url}/c/other`)).status, 404);
  const session = await stripe.checkout.sessions.create(order());
  assert.equal((await submit(session.url ?? '', { colour: 'red' })).status, 400);
  assert.equal((await submit(session.url ?? '', { pay_with: '' })).status, 400);
  assert.equal((await submit(session.url ?? '', { settle: 'succeed' })).status, 400);
  await stripe.checkout.sessions.expire(session.id);
  assert.match(await (await fetch(session.url ?? '')).text(), /has expired/);
});
