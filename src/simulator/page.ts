import type Stripe from 'stripe';
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

export function renderMissing(): string {
  return layout('Not found', '<h1>Nothing here</h1><p>There is no checkout session at this address.</p>');
}

function renderOrder(session: Stripe.Checkout.Session, items: Stripe.LineItem[]): string {
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
    <button>Pay ${totalOf(session)}</button>
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
    const said = session.payment_status === 'unpaid' ? 'The bank did not pay.' : 'This is paid. Thank you.';
    return `<p class="state">${said}</p>${linkBack(successUrl)}`;
  }
  return `<p class="state">The bank has not answered yet. In this simulator, you are the bank:</p>
    <form method="post">
      <button name="settle" value="succeed">Let it succeed</button>
      <button class="quiet" name="settle" value="fail">Let it fail</button>
    </form>${linkBack(successUrl)}`;
}

function linkBack(url: string | null): string {
  return url === null ? '' : `<p class="back"><a href="${escapeHtml(url)}">Go back to the shop</a></p>`;
}

function totalOf(session: Stripe.Checkout.Session): string {
  return escapeHtml(formatMoney(session.currency ?? 'usd', session.amount_total ?? 0));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1a1f36, #e8eaf2); --soft: light-dark(#5b6178, #a3a9bf);
  --line: light-dark(#d9dce6, #3a3f55); --page: light-dark(#f5f6fa, #12141d); --card: light-dark(#fff, #1b1e2b);
  --accent: light-dark(#4f46e5, #8b85ff); --on-accent: light-dark(#fff, #12141d); --bad: light-dark(#b3261e, #ff9d94); }
* { box-sizing: border-box; margin: 0; }
body { background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; padding: 1rem; }
main { background: var(--card); border: 1px solid var(--line); border-radius: 14px; margin: 4vh auto 0; max-width: 27rem;
  padding: 1.5rem; display: grid; gap: 1.25rem; }
.badge { background: light-dark(#fff3d6, #4a3a12); border-radius: 99px; color: light-dark(#6b4a00, #ffdf94);
  font-size: .8125rem; justify-self: start; padding: .125rem .75rem; }
h1 { font-size: 2rem; line-height: 1.2; } h1 small { color: var(--soft); display: block; font-size: .9375rem; font-weight: 400; }
.lines { border-top: 1px solid var(--line); list-style: none; margin-top: 1rem; padding: 0; }
.lines li { border-bottom: 1px solid var(--line); display: flex; gap: 1rem; justify-content: space-between; padding: .625rem 0; }
.lines span { overflow-wrap: anywhere; } .lines span + span { white-space: nowrap; }
form { display: grid; gap: 1rem; } fieldset { border: 0; padding: 0; min-width: 0; }
legend, .field { font-weight: 600; } legend { margin-bottom: .25rem; padding: 0; }
input[type=email] { background: transparent; border: 1px solid var(--line); border-radius: 8px; color: inherit; display: block;
  font: inherit; font-weight: 400; margin-top: .25rem; min-height: 2.75rem; padding: 0 .75rem; width: 100%; }
.option { align-items: center; border: 1px solid var(--line); cursor: pointer; display: flex; gap: .75rem; margin-top: -1px;
  min-height: 2.75rem; padding: 0 .75rem; }
.option:first-of-type { border-radius: 8px 8px 0 0; } .option:last-of-type { border-radius: 0 0 8px 8px; }
.option small { color: var(--soft); margin-left: auto; text-align: right; }
input[type=radio] { accent-color: var(--accent); height: 1.125rem; width: 1.125rem; }
button { background: var(--accent); border: 1px solid var(--accent); border-radius: 8px; color: var(--on-accent); cursor: pointer;
  font: inherit; font-weight: 600; min-height: 2.875rem; width: 100%; }
button.quiet { background: transparent; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { border: 1px solid var(--bad); border-radius: 8px; color: var(--bad); padding: .625rem .75rem; }
.back { text-align: center; } a { color: var(--accent); }`;

/** A page of the simulator around its body. */
export function layout(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Stripe simulator</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="badge">Stripe simulator · no real money</p>
${body}
</main>
</body>
</html>
`;
}
