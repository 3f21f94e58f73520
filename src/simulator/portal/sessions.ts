import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { group, integer, listOf, oneOf, type Params, required, text, webAddress } from '../api/params.ts';
import { findItem } from '../billing/items.ts';
import { findSubscription } from '../billing/state.ts';
import { emit } from '../events.ts';
import { makeId } from '../ids.ts';
import { liveCustomer } from '../livingCustomers.ts';
import { findPrice } from '../prices.ts';
import type { PortalSession } from '../store.ts';
import { nowSeconds, type World } from '../world.ts';
import { defaultConfiguration, findConfiguration } from './configurations.ts';

const LIFETIME_SECONDS = 60 * 60; // Stripe's pages end an hour after they were last used

const ofSubscription = group({ subscription: required(text()) });
const FLOWS = [
  'payment_method_update',
  'subscription_cancel',
  'subscription_update',
  'subscription_update_confirm',
] as const;

export const portalSessionFields = {
  configuration: text(),
  customer: required(text()),
  flow_data: group({
    after_completion: group({
      hosted_confirmation: group({ custom_message: text(500) }),
      redirect: group({ return_url: required(webAddress()) }),
      type: required(oneOf('hosted_confirmation', 'portal_homepage', 'redirect')),
    }),
    subscription_cancel: ofSubscription,
    subscription_update: ofSubscription,
    subscription_update_confirm: group({
      items: required(listOf(group({ id: required(text()), price: text(), quantity: integer() }))),
      subscription: required(text()),
    }),
    type: required(oneOf(...FLOWS)),
  }),
  locale: text(10),
  return_url: webAddress(),
};
type Asked = Params<typeof portalSessionFields>;
type FlowData = NonNullable<Asked['flow_data']>;

/** A page where one customer looks after what they pay for. */
export function createPortalSession(world: World, params: Asked): Stripe.BillingPortal.Session {
  const customer = liveCustomer(world, params.customer, 'customer');
  const configuration =
    params.configuration === undefined
      ? defaultConfiguration(world)
      : findConfiguration(world, params.configuration, 'configuration');
  if (!configuration.active) {
    throw invalid(`The configuration ${configuration.id} is not active.`, { param: 'configuration' });
  }
  const id = makeId('portalSession');
  const session: Stripe.BillingPortal.Session = {
    id,
    object: 'billing_portal.session',
    configuration: configuration.id,
    created: nowSeconds(world),
    customer: customer.id,
    customer_account: null,
    flow: params.flow_data === undefined ? null : flowOf(world, customer, configuration, params.flow_data),
    livemode: false,
    locale: params.locale ?? null,
    on_behalf_of: null,
    return_url: params.return_url ?? configuration.default_return_url,
    url: portalUrl(world, id),
  };
  world.store.put('portalSession', { id, session, setup: null });
  emit(world, { type: 'billing_portal.session.created', data: { object: session } });
  return session;
}

function portalUrl(world: Pick<World, 'baseUrl'>, id: string): string {
  return `${world.baseUrl}/p/session/${id}`;
}

const FEATURE_OF_FLOW = {
  payment_method_update: 'payment_method_update',
  subscription_cancel: 'subscription_cancel',
  subscription_update: 'subscription_update',
  subscription_update_confirm: 'subscription_update',
} as const;

/** The one thing that the customer is led to. */
function flowOf(
  world: World,
  customer: Stripe.Customer,
  { features }: Stripe.BillingPortal.Configuration,
  asked: FlowData,
): Stripe.BillingPortal.Session.Flow {
  const { after_completion: end, type } = asked;
  const feature = FEATURE_OF_FLOW[type];
  if (!features[feature].enabled) {
    throw invalid(
      `This session cannot lead to \`${type}\`: the configuration's \`${feature}\` is disabled.`,
      {
        param: 'flow_data[type]',
      },
    );
  }
  for (const other of FLOWS) {
    if (other === type || other === 'payment_method_update' || asked[other] === undefined) continue;
    throw invalid(`\`${other}\` does not belong to a flow of type \`${type}\`.`, {
      param: `flow_data[${other}]`,
    });
  }
  const about = (name: Exclude<(typeof FLOWS)[number], 'payment_method_update'>) =>
    type === name ? ownSubscription(world, customer, asked[name]?.subscription, name) : null;
  const [cancel, update] = [about('subscription_cancel'), about('subscription_update')];
  const confirm = about('subscription_update_confirm');
  return {
    after_completion: {
      hosted_confirmation:
        end?.type === 'hosted_confirmation'
          ? { custom_message: end.hosted_confirmation?.custom_message ?? null }
          : null,
      redirect: end?.type === 'redirect' ? redirectOf(end.redirect) : null,
      type: end?.type ?? 'portal_homepage',
    },
    customer_update: null,
    subscription_cancel: cancel === null ? null : { retention: null, subscription: cancel },
    subscription_pause: null,
    subscription_update: update === null ? null : { subscription: update },
    subscription_update_confirm:
      confirm === null
        ? null
        : { discounts: null, items: itemsOf(world, confirm, asked), subscription: confirm },
    type,
  };
}

function redirectOf(sent: { return_url: string } | undefined) {
  if (sent !== undefined) return sent;
  const param = 'flow_data[after_completion][redirect]';
  throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
}

function ownSubscription(
  world: World,
  customer: Stripe.Customer,
  id: string | undefined,
  flow: string,
): string {
  const param = `flow_data[${flow}][subscription]`;
  if (id === undefined)
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  const subscription = findSubscription(world, id, param);
  if (subscription.customer !== customer.id) throw noSuch('subscription', id, param);
  return id;
}

function itemsOf(world: World, subscription: string, { subscription_update_confirm: asked }: FlowData) {
  const param = 'flow_data[subscription_update_confirm][items]';
  return (asked?.items ?? []).map(({ id, price, quantity }) => {
    if (findItem(world, id).subscription.id !== subscription) throw noSuch('subscription item', id, param);
    if (price !== undefined) findPrice(world, price, param);
    return { id, price: price ?? null, ...(quantity === undefined ? {} : { quantity }) };
  });
}

/** The session of a page, as long as it is good. */
export function findPortalSession(world: World, id: string): PortalSession | undefined {
  const row = world.store.get('portalSession', id);
  return row !== undefined && row.session.created + LIFETIME_SECONDS > nowSeconds(world) ? row : undefined;
}
