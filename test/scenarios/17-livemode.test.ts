import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { sign } from '../../src/simulator/webhooks.ts';
import { openInbox } from '../../src/stripe/inbox.ts';
import { booksOf, eventAbout, eventsOf, openShop, type Shop, WEBHOOK_SECRET } from '../shop.ts';

suite('17: events of the other mode', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ withoutWebhooks: true });
  });
  after(() => shop.close());

  for (const [livemode, mode] of [
    [true, 'live'],
    [false, 'test'],
  ] as const) {
    test(`an event of ${mode} mode has no effect on a key of the other, and says why`, async () => {
      const customer = await shop.customer();
      const { sessionId } = await shop.checkout(customer);
      shop.simulator.pay(sessionId);
      const event = eventAbout('checkout.session.completed', { id: sessionId }, { livemode });
      const rawBody = Buffer.from(JSON.stringify(event));
      const inbox = openInbox({ ...shop.services, livemode: !livemode }, [WEBHOOK_SECRET]);
      const seconds = Math.floor(shop.clock.now().getTime() / 1000);
      await inbox.receive({ rawBody, signature: sign(`${rawBody}`, [WEBHOOK_SECRET], seconds) });
      await shop.idle();
      const [kept] = await eventsOf(shop, sessionId);
      assert.equal(kept?.status, 'IGNORED');
      assert.match(kept?.error ?? '', new RegExp(`${mode} mode`));
      assert.equal((await booksOf(shop, customer.workspaceId)).balance, 0);
    });
  }
});
