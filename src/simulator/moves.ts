import type Stripe from 'stripe';
import { authenticationUrl, pageUrl, type World } from './world.ts';

/** Pages that were open before a restart are found at the address of today. */
export function moveOpenPages(world: World): void {
  const { store } = world;
  for (const session of store.all('session')) {
    const url = pageUrl(world, session.id);
    if (session.status === 'open' && session.url !== url) store.put('session', { ...session, url });
  }
  for (const intent of store.all('intent')) {
    const moved = movedAction(world, intent);
    if (moved !== null) store.put('intent', { ...intent, ...moved });
  }
  for (const setup of store.all('setup')) {
    const moved = movedAction(world, setup);
    if (moved !== null) store.put('setup', { ...setup, ...moved });
  }
  for (const row of store.all('portalSession')) {
    const url = movedUrl(world, row.session.url);
    if (row.session.url !== url) store.put('portalSession', { ...row, session: { ...row.session, url } });
  }
  for (const invoice of store.all('invoice')) {
    if (typeof invoice.hosted_invoice_url !== 'string') continue;
    const url = movedUrl(world, invoice.hosted_invoice_url);
    if (invoice.hosted_invoice_url === url) continue;
    store.put('invoice', { ...invoice, hosted_invoice_url: url, invoice_pdf: `${url}/pdf` });
  }
}

function movedAction(world: World, { id, next_action: action }: Stripe.PaymentIntent | Stripe.SetupIntent) {
  const url = authenticationUrl(world, id);
  const asked = action?.redirect_to_url;
  if (asked === undefined || asked.url === url) return null;
  const redirect = { ...asked, url };
  return { next_action: { redirect_to_url: redirect, type: 'redirect_to_url' } };
}

function movedUrl(world: World, url: string): string {
  return world.baseUrl + new URL(url).pathname;
}
