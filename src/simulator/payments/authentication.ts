import type Stripe from 'stripe';
import { StripeError } from '../api/errors.ts';
import type { Form } from '../api/form.ts';
import { oneOf, readParams, required } from '../api/params.ts';
import { sessionOfIntent } from '../billing/checkout.ts';
import { formatMoney } from '../checkout/orders.ts';
import { escapeHtml, layout, type PageAnswer, renderMissing } from '../layout.ts';
import { pageUrl, type World } from '../world.ts';
import { authenticateIntent, authenticateSetup } from './outcomes.ts';

type Intent = Stripe.PaymentIntent | Stripe.SetupIntent;
type Outcome = 'succeed' | 'fail';

const formFields = { answer: required(oneOf('succeed', 'fail')) };

/** `/c/3ds/{intent}`: asks a card's holder to confirm a payment, or the card itself; with a form, hears the answer. */
export function answerAuthentication(world: World, id: string, form: Form | undefined): PageAnswer {
  const intent = find(world, id);
  if (intent === undefined) return { status: 404, html: renderMissing() };
  if (form === undefined) return { status: 200, html: render(intent) };
  try {
    const { answer } = readParams(formFields, form);
    const answered = world.store.write(() => authenticate(world, id, answer));
    const location = leadTo(world, intent, answered, answer);
    return location === null ? { status: 200, html: render(answered) } : { status: 303, html: '', location };
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    return { status: error.status, html: render(intent, error.message) };
  }
}

function find(world: World, id: string): Intent | undefined {
  return world.store.get('intent', id) ?? world.store.get('setup', id);
}

function authenticate(world: World, id: string, answer: Outcome): Intent {
  return id.startsWith('seti_')
    ? authenticateSetup(world, id, answer)
    : authenticateIntent(world, id, answer);
}

/** Back to the shop, which is told what came of it; or to the session's page, to try another card. */
function leadTo(world: World, before: Intent, after: Intent, answer: Outcome): string | null {
  const back = before.next_action?.redirect_to_url?.return_url ?? null;
  const session = sessionOf(world, after);
  if (session !== undefined) return after.status.startsWith('requires_') ? pageUrl(world, session.id) : back;
  if (back === null) return null;
  const url = new URL(back);
  url.searchParams.set(after.object, after.id);
  url.searchParams.set(`${after.object}_client_secret`, after.client_secret ?? '');
  url.searchParams.set('redirect_status', answer === 'succeed' ? 'succeeded' : 'failed');
  return url.href;
}

function sessionOf(world: World, { id }: Intent): Stripe.Checkout.Session | undefined {
  for (const session of world.store.all('session')) {
    if (session.payment_intent === id || session.setup_intent === id) return session;
  }
  return sessionOfIntent(world, id);
}

function render(intent: Intent, problem?: string): string {
  const alert = problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`;
  const what =
    intent.object === 'payment_intent'
      ? `this payment of ${formatMoney(intent.currency, intent.amount)}`
      : 'that this card may be charged later';
  const question = `<h1><small>3D Secure</small>Is it you?</h1>
    <p class="state">Your bank asks you to confirm ${escapeHtml(what)}. In this simulator, you decide:</p>
    <form method="post">
      <button name="answer" value="succeed">Confirm</button>
      <button class="quiet" name="answer" value="fail">Refuse</button>
    </form>`;
  const done = `<h1><small>3D Secure</small>Answered</h1>
    <p class="state">Your bank has your answer. You can close this page.</p>`;
  return layout('3D Secure', alert + (intent.status === 'requires_action' ? question : done));
}
