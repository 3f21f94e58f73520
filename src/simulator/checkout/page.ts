import type Stripe from 'stripe';
import { escapeHtml, layout } from '../layout.ts';
import { formatMoney } from './orders.ts';

type Shown = {
  session: Stripe.Checkout.Session;
  items: Stripe.LineItem[];
  /** Whether a bank has still to answer. */
  isWaiting: boolean;
  successUrl: string;
  problem: string | undefined;
  /** The address that was typed before the problem; nobody types it twice. */
  typedEmail: string | undefined;
};

/** The page of a session in the state that it is in. Plain HTML: no script, one form. */
export function renderSession({ session, items, isWaiting, successUrl, problem, typedEmail }: Shown): string {
  const body = [
    problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`,
    renderOrder(session, items),
    session.status === 'open'
      ? renderPayment(session, typedEmail)
      : renderOutcome(session, isWaiting, successUrl),
  ];
  return layout(session.status === 'open' ? 'Pay' : 'Payment', body.join('\n'));
}

function renderOrder(session: Stripe.Checkout.Session, items: Stripe.LineItem[]): string {
  if (session.mode === 'setup') return '<h1><small>Nothing is charged now</small>Save a card</h1>';
  const lines = items.map(
    (item) =>
      `<li><span>${escapeHtml(item.description ?? '')}${item.quantity === 1 ? '' : ` × ${item.quantity}`}</span>
        <span>${escapeHtml(formatMoney(item.currency, item.amount_total))}</span></li>`,
  );
  return `<section aria-labelledby="total">
    <h1 id="total"><small>${session.status === 'open' ? 'To pay' : 'Total'}</small>${totalOf(session)}</h1>
    <ul class="lines">${lines.join('')}</ul>
  </section>`;
}

const CARDS = [
  ['4242424242424242', 'Visa 4242', 'succeeds'],
  ['5555555555554444', 'Mastercard 4444', 'succeeds'],
  ['4000000000000002', 'Visa 0002', 'is declined'],
  ['4000000000009995', 'Visa 9995', 'has insufficient funds'],
  ['4000000000000069', 'Visa 0069', 'has expired'],
] as const;

function renderPayment(session: Stripe.Checkout.Session, typedEmail = ''): string {
  const known = session.customer_details?.email;
  const cards = session.payment_method_types.includes('card') ? CARDS : [];
  const hasDelayed = session.payment_method_types.some((type) => type !== 'card');
  const means = [
    ...cards,
    ...(hasDelayed ? [['bank_debit', 'Bank debit', 'is settled later'] as const] : []),
    ...(isFree(session) ? [['none', 'No card', 'is asked for later'] as const] : []),
  ];
  return `<form method="post">
    <label class="field">E-mail
      <input type="email" name="email" autocomplete="email" required value="${escapeHtml(known ?? typedEmail)}"${known ? ' readonly' : ''}>
    </label>
    ${renderMeans(means)}
    <button>${session.mode === 'setup' ? 'Save' : `Pay ${totalOf(session)}`}</button>
  </form>
  ${session.cancel_url === null ? '' : `<p class="back"><a href="${escapeHtml(session.cancel_url)}">Cancel and go back</a></p>`}`;
}

type Offer = readonly [value: string, name: string, outcome: string];

function renderMeans(means: readonly Offer[]): string {
  const options = means.map(
    ([value, name, outcome], index) =>
      `<label class="option"><input type="radio" name="pay_with" value="${value}"${index === 0 ? ' checked' : ''} required>
        <span>${name}</span><small>${outcome}</small></label>`,
  );
  return `<fieldset><legend>Pay with</legend>${options.join('')}</fieldset>`;
}

/** The test cards to choose from. */
export function renderCards(): string {
  return renderMeans(CARDS);
}

function isFree({ amount_total: amount, payment_method_collection: collection }: Stripe.Checkout.Session) {
  return amount === 0 && collection === 'if_required';
}

function renderOutcome(session: Stripe.Checkout.Session, isWaiting: boolean, successUrl: string): string {
  if (session.status === 'expired') {
    return `<p class="state">This checkout has expired. Nothing was charged.</p>${linkBack(session.cancel_url)}`;
  }
  if (!isWaiting) {
    return `<p class="state">${saidOf(session)}</p>${linkBack(successUrl)}`;
  }
  return `<p class="state">The bank has not answered yet. In this simulator, you are the bank:</p>
    <form method="post">
      <button name="settle" value="succeed">Let it succeed</button>
      <button class="quiet" name="settle" value="fail">Let it fail</button>
    </form>${linkBack(successUrl)}`;
}

function saidOf({ mode, payment_status: status }: Stripe.Checkout.Session): string {
  if (mode === 'setup') return 'This is saved. Thank you.';
  return status === 'unpaid' ? 'The bank did not pay.' : 'This is paid. Thank you.';
}

function linkBack(url: string | null): string {
  return url === null ? '' : `<p class="back"><a href="${escapeHtml(url)}">Go back to the shop</a></p>`;
}

function totalOf(session: Stripe.Checkout.Session): string {
  return escapeHtml(formatMoney(session.currency ?? 'usd', session.amount_total ?? 0));
}
