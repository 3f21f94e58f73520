import type Stripe from 'stripe';
import { StripeError } from './api/errors.ts';
import type { Form } from './api/form.ts';
import { email, oneOf, type Params, readParams, text } from './api/params.ts';
import { intentOfSession } from './billing/checkout.ts';
import { answerInvoice } from './billing/page.ts';
import { findSession } from './checkout/checkout.ts';
import { confirmSession, settleSession, successUrl } from './checkout/confirm.ts';
import { renderSession } from './checkout/page.ts';
import { type PageAnswer, renderMissing } from './layout.ts';
import { answerAuthentication } from './payments/authentication.ts';
import { cardMeans } from './payments/cards.ts';
import type { Means } from './payments/means.ts';
import { delayedMeans } from './payments/methods.ts';
import { answerPortal } from './portal/page.ts';
import type { World } from './world.ts';

const formFields = {
  email: email(),
  pay_with: text(),
  settle: oneOf('succeed', 'fail'),
};

const PAGES: [RegExp, (world: World, id: string, form: Form | undefined) => PageAnswer][] = [
  [/^\/c\/pay\/(\w+)$/, answerSession],
  [/^\/c\/3ds\/(\w+)$/, answerAuthentication],
  [/^\/i\/(\w+)$/, answerInvoice],
  [/^\/p\/session\/(\w+)$/, answerPortal],
];

/** What a person sees at an address; with a form, once it is sent. */
export function answerPage(world: World, path: string, form: Form | undefined): PageAnswer {
  for (const [pattern, answer] of PAGES) {
    const id = pattern.exec(path)?.[1];
    if (id !== undefined) return answer(world, id, form);
  }
  return { status: 404, html: renderMissing() };
}

/** `/c/pay/{session}`: shows the session; with a form, pays it or lets the bank answer. */
function answerSession(world: World, id: string, form: Form | undefined): PageAnswer {
  try {
    if (form !== undefined) return act(world, id, readParams(formFields, form));
    return { status: 200, html: show(world, id, find(world, id)) };
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    if (world.store.get('session', id) === undefined) return { status: 404, html: renderMissing() };
    return { status: error.status, html: show(world, id, find(world, id), error.message) };
  }
}

/** In one write, because a session whose time is over expires as it is read. */
function find(world: World, id: string): Stripe.Checkout.Session {
  return world.store.write(() => findSession(world, id));
}

function act(
  world: World,
  id: string,
  { email: payer, pay_with: payWith, settle }: Params<typeof formFields>,
) {
  if (settle !== undefined) {
    const session = world.store.write(() => settleSession(world, id, settle));
    return { status: 200, html: show(world, id, session) };
  }
  const { session, decline, actionUrl } = world.store.write(() => {
    const open = findSession(world, id);
    const means = meansOf(open, payWith ?? '');
    return confirmSession(world, id, means, payer);
  });
  if (decline !== null) return { status: 402, html: show(world, id, session, decline.message, payer) };
  return { status: 303, html: '', location: actionUrl ?? successUrl(session) };
}

/** `none` is for a session that asks for no card, such as a trial's. */
function meansOf(session: Stripe.Checkout.Session, payWith: string): Means | null {
  if (payWith === 'none') return null;
  return payWith === 'bank_debit' ? delayedMeans(session) : cardMeans(payWith);
}

function show(
  world: World,
  id: string,
  session: Stripe.Checkout.Session,
  problem?: string,
  typedEmail?: string,
): string {
  const intent = intentOfSession(world, session);
  return renderSession({
    session,
    items: world.store.get('order', id)?.items ?? [],
    isWaiting: intent?.status === 'processing',
    successUrl: successUrl(session),
    problem,
    typedEmail,
  });
}
