import type Stripe from 'stripe';
import { StripeError } from '../api/errors.ts';
import type { Form } from '../api/form.ts';
import { readParams } from '../api/params.ts';
import { escapeHtml, layout, type PageAnswer, renderMissing } from '../layout.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { idOf } from '../references.ts';
import type { PortalSession } from '../store.ts';
import type { World } from '../world.ts';
import { act, actFields } from './acts.ts';
import { findConfiguration } from './configurations.ts';
import { renderCard, renderDetails, renderInvoices } from './customer.ts';
import { findPortalSession } from './sessions.ts';
import { renderSubscriptions } from './subscriptions.ts';

type Flow = Stripe.BillingPortal.Session.Flow;

/** `/p/session/{session}`: what a customer pays for; with a form, what they want changed. */
export function answerPortal(world: World, id: string, form: Form | undefined): PageAnswer {
  const row = findPortalSession(world, id);
  if (row === undefined) return { status: 404, html: renderMissing() };
  if (form === undefined) return { status: 200, html: render(world, row) };
  try {
    const sent = readParams(actFields, form);
    const { actionUrl, problem } = world.store.write(() => act(world, row, sent));
    if (problem !== undefined) return { status: 402, html: render(world, row, problem) };
    if (actionUrl !== undefined) return { status: 303, html: '', location: actionUrl };
    return complete(row.session);
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    return { status: error.status, html: render(world, row, error.message) };
  }
}

/** Where a customer is led once it is done; without a flow, back to the page. */
function complete({ flow, return_url: back, url }: Stripe.BillingPortal.Session): PageAnswer {
  const { hosted_confirmation: said, redirect, type } = flow?.after_completion ?? {};
  if (redirect !== undefined && redirect !== null) {
    return { status: 303, html: '', location: redirect.return_url };
  }
  if (type !== 'hosted_confirmation') return { status: 303, html: '', location: url };
  const message = said?.custom_message ?? 'Your change is made.';
  return {
    status: 200,
    html: layout('Done', `<h1>Done</h1><p class="state">${escapeHtml(message)}</p>${renderBack(back)}`),
  };
}

function render(world: World, { session }: PortalSession, problem?: string): string {
  const { business_profile: profile, features } = findConfiguration(world, idOf(session.configuration) ?? '');
  const customer = liveCustomer(world, session.customer);
  const { flow } = session;
  const isShown = (...types: Flow['type'][]) => flow === null || types.includes(flow.type);
  const body = [
    problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`,
    `<h1><small>${escapeHtml(profile.headline ?? 'Your billing')}</small>${escapeHtml(customer.name ?? customer.email ?? 'Customer')}</h1>`,
    isShown('subscription_cancel', 'subscription_update', 'subscription_update_confirm')
      ? renderSubscriptions(world, customer.id, features, flow)
      : '',
    isShown('payment_method_update') ? renderCard(world, customer, features) : '',
    isShown() ? renderDetails(customer, features) : '',
    isShown() ? renderInvoices(world, customer.id, features) : '',
    renderBack(session.return_url),
  ];
  return layout('Billing', body.join('\n'));
}

function renderBack(url: string | null): string {
  return url === null ? '' : `<p class="back"><a href="${escapeHtml(url)}">Go back to the shop</a></p>`;
}
