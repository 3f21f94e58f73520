import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import Fastify from 'fastify';
import { webhookRoutes } from '../../src/http/webhooks.ts';
import { newId } from '../../src/lib/ids.ts';
import { sign } from '../../src/simulator/webhooks.ts';
import { openInbox } from '../../src/stripe/inbox.ts';
import { eventAbout, openShop, type Shop } from '../shop.ts';

suite('15: a secret that takes the place of another', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop.close());

  for (const [what, accepted, signedWith, status] of [
    ['both sign, we know the old one', ['whsec_old'], ['whsec_old', 'whsec_new'], 200],
    ['both sign, we know the new one', ['whsec_new'], ['whsec_old', 'whsec_new'], 200],
    ['the old one signs, we know both', ['whsec_new', 'whsec_old'], ['whsec_old'], 200],
    ['the old one signs, and has expired', ['whsec_new'], ['whsec_old'], 400],
  ] as const) {
    test(`${what}: ${status}`, async (t) => {
      const server = Fastify();
      t.after(() => server.close());
      server.setErrorHandler((error: { status?: number }, _request, reply) =>
        reply.code(error.status ?? 500).send(),
      );
      server.register(webhookRoutes(openInbox(shop.services, accepted)));
      const url = await server.listen({ host: '127.0.0.1', port: 0 });
      const body = JSON.stringify(eventAbout('payment_intent.created', { id: newId('pi') }));
      const signature = sign(body, [...signedWith], Math.floor(shop.clock.now().getTime() / 1000));
      const headers = { 'stripe-signature': signature };
      const response = await fetch(`${url}/webhooks/stripe`, { method: 'POST', headers, body });
      assert.equal(response.status, status);
    });
  }
});
