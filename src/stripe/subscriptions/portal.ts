import type Stripe from 'stripe';
import { currenciesOf } from '../../catalog/describe.ts';
import { fingerprintOf } from '../../lib/fingerprints.ts';
import { openPayer, type PurchaseInput } from '../../payments/payments.ts';
import { readSubscription } from '../../subscriptions/subscriptions.ts';
import { oddAnswer } from '../catalog/found.ts';
import { wantedOf } from '../catalog/wanted.ts';
import { ask, askForAll } from '../client.ts';
import { customerOf } from '../customers.ts';
import { makeOnce } from '../once.ts';
import type { StripeServices } from '../services.ts';

export type PortalInput = Pick<PurchaseInput, 'workspaceId' | 'user'> & { returnUrl: string };

/** Stripe's page on which a payer manages cards, invoices and plans. What is changed there arrives as webhooks. */
export async function createPortal(
  services: StripeServices,
  { returnUrl, ...input }: PortalInput,
): Promise<{ url: string }> {
  const payer = await openPayer(services, input);
  const customer = await customerOf(services, payer);
  const configuration = await configurationOf(services, await currencyOf(services, input.workspaceId));
  const session = await ask(() =>
    services.stripe.billingPortal.sessions.create({ customer, configuration, return_url: returnUrl }),
  );
  if (session.object !== 'billing_portal.session' || typeof session.url !== 'string') {
    throw oddAnswer('the portal');
  }
  return { url: session.url };
}

/** Which configuration is ours, and which content it was made for. */
const MARK = 'tollgate';

/** A subscription keeps its currency, and the portal offers prices of one. */
async function currencyOf({ pool, catalog }: StripeServices, workspaceId: string): Promise<string> {
  const subscription = await readSubscription(pool, workspaceId);
  return subscription?.currency ?? currenciesOf(catalog)[0]!;
}

const CONFIGURATIONS_MAX = 1000; // one for each catalog and currency there ever was

/** What the portal offers, made once for each catalog and currency and kept at Stripe. */
async function configurationOf(services: StripeServices, currency: string): Promise<string> {
  const { stripe } = services;
  const features = await featuresOf(services, currency);
  const mark = fingerprintOf('portal', features);
  const find = () => findConfiguration(services, mark);
  const params = { name: 'Tollgate', features, metadata: { [MARK]: mark } };
  const { id } =
    (await find()) ??
    (await makeOnce<{ id: string }>(
      `portal-${mark}`,
      (options) => stripe.billingPortal.configurations.create(params, options),
      find,
    ));
  return id;
}

async function findConfiguration({ stripe }: StripeServices, mark: string): Promise<{ id: string } | null> {
  const known = await askForAll(
    (page) => stripe.billingPortal.configurations.list({ active: true, ...page }),
    CONFIGURATIONS_MAX,
  );
  return known.find(({ metadata }) => metadata?.[MARK] === mark) ?? null;
}

async function featuresOf(
  services: StripeServices,
  currency: string,
): Promise<Stripe.BillingPortal.ConfigurationCreateParams.Features> {
  const products = await productsOf(services, currency);
  return {
    customer_update: { enabled: true, allowed_updates: ['name', 'address', 'tax_id'] },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true, mode: 'at_period_end' },
    ...(products.length === 0
      ? {}
      : {
          subscription_update: {
            enabled: true,
            default_allowed_updates: ['price'],
            proration_behavior: 'always_invoice',
            // As here: more is at once, less is when the period ends.
            schedule_at_period_end: {
              conditions: [{ type: 'decreasing_item_amount' }, { type: 'shortening_interval' }],
            },
            products,
          },
        }),
  };
}

/** The plans that are on sale at Stripe now. A product may be offered at one price for each interval. */
async function productsOf(
  { stripe, catalog }: StripeServices,
  currency: string,
): Promise<{ product: string; prices: string[] }[]> {
  const wanted = wantedOf(catalog).prices.filter(
    (price) => price.every !== 'once' && price.currency === currency,
  );
  const products = new Map<string, string[]>();
  for (const product of new Set(wanted.map((price) => price.product))) {
    const { data } = await ask(() => stripe.prices.list({ product, active: true, limit: 100 }));
    const keys = new Set(wanted.map(({ key }) => key));
    const prices = data.filter(({ lookup_key: key }) => key !== null && keys.has(key)).map(({ id }) => id);
    if (prices.length > 0) products.set(product, prices.sort());
  }
  return [...products].map(([product, prices]) => ({ product, prices }));
}
