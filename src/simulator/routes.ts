import { listing } from './api/lists.ts';
import { type Route, route } from './api/route.ts';
import { BILLING_ROUTES } from './billing/routes.ts';
import * as checkout from './checkout/checkout.ts';
import { sessionFields } from './checkout/newSession.ts';
import * as pages from './checkout/payment-pages.ts';
import * as customers from './customers.ts';
import * as endpoints from './endpoints.ts';
import * as events from './events.ts';
import * as charges from './payments/charges.ts';
import * as disputes from './payments/disputes.ts';
import * as intents from './payments/intents.ts';
import * as refunds from './payments/refunds.ts';
import * as setups from './payments/setups.ts';
import * as wallet from './payments/wallet.ts';
import { PORTAL_ROUTES } from './portal/routes.ts';
import * as prices from './prices.ts';
import * as products from './products.ts';

const nothing = {};

/** Everything that the simulator answers: method, path, the parameters it takes, and what is done. */
const ROUTES: Route[] = [
  route('POST', '/v1/customers', customers.newCustomerFields, customers.createCustomer),
  route('GET', '/v1/customers', customers.customerListing, customers.listCustomers),
  route('GET', '/v1/customers/:id', nothing, customers.retrieveCustomer),
  route('POST', '/v1/customers/:id', customers.customerFields, customers.updateCustomer),
  route('DELETE', '/v1/customers/:id', nothing, customers.deleteCustomer),
  route('GET', '/v1/customers/:id/payment_methods', wallet.customerMethodListing, wallet.listCustomerMethods),
  route('GET', '/v1/customers/:id/payment_methods/:method', nothing, wallet.retrieveCustomerMethod),

  route('POST', '/v1/products', products.productFields, products.createProduct),
  route('GET', '/v1/products', products.productListing, products.listProducts),
  route('GET', '/v1/products/:id', nothing, products.retrieveProduct),
  route('POST', '/v1/products/:id', products.productChanges, products.updateProduct),
  route('DELETE', '/v1/products/:id', nothing, products.deleteProduct),

  route('POST', '/v1/prices', prices.priceFields, prices.createPrice),
  route('GET', '/v1/prices', prices.priceListing, prices.listPrices),
  route('GET', '/v1/prices/:id', nothing, prices.retrievePrice),
  route('POST', '/v1/prices/:id', prices.priceChanges, prices.updatePrice),

  route('POST', '/v1/checkout/sessions', sessionFields, checkout.createSession),
  route('GET', '/v1/checkout/sessions', checkout.sessionListing, checkout.listSessions),
  route('GET', '/v1/checkout/sessions/:id', nothing, checkout.retrieveSession),
  route('POST', '/v1/checkout/sessions/:id/expire', nothing, checkout.expireSession),
  route('GET', '/v1/checkout/sessions/:id/line_items', listing, checkout.listLineItems),

  route('GET', '/v1/payment_pages/:id', nothing, pages.retrievePage),
  route('POST', '/v1/payment_pages/:id/confirm', pages.pageConfirmation, pages.confirmPage),

  route('POST', '/v1/payment_intents', intents.intentFields, intents.createIntent),
  route('GET', '/v1/payment_intents', intents.intentListing, intents.listIntents),
  route('GET', '/v1/payment_intents/:id', nothing, intents.retrieveIntent),
  route('POST', '/v1/payment_intents/:id', intents.intentChanges, intents.updateIntent),
  route('POST', '/v1/payment_intents/:id/confirm', intents.confirmation, intents.confirmIntent),
  route('POST', '/v1/payment_intents/:id/capture', intents.captureFields, intents.captureIntent),
  route('POST', '/v1/payment_intents/:id/cancel', intents.cancelFields, intents.cancelIntent),
  route('POST', '/v1/setup_intents', setups.setupFields, setups.createSetup),
  route('GET', '/v1/setup_intents', setups.setupListing, setups.listSetups),
  route('GET', '/v1/setup_intents/:id', nothing, setups.retrieveSetup),
  route('POST', '/v1/setup_intents/:id', setups.setupChanges, setups.updateSetup),
  route('POST', '/v1/setup_intents/:id/confirm', setups.setupConfirmation, setups.confirmSetup),
  route('POST', '/v1/setup_intents/:id/cancel', setups.setupCancelFields, setups.cancelSetup),
  route('GET', '/v1/charges', charges.chargeListing, charges.listCharges),
  route('GET', '/v1/charges/:id', nothing, charges.retrieveCharge),
  route('POST', '/v1/refunds', refunds.refundFields, refunds.createRefund),
  route('GET', '/v1/refunds', refunds.refundListing, refunds.listRefunds),
  route('GET', '/v1/refunds/:id', nothing, refunds.retrieveRefund),
  route('POST', '/v1/refunds/:id', refunds.refundChanges, refunds.updateRefund),
  route('GET', '/v1/disputes', refunds.refundListing, disputes.listDisputes),
  route('GET', '/v1/disputes/:id', nothing, disputes.retrieveDispute),
  route('POST', '/v1/disputes/:id', disputes.disputeChanges, disputes.updateDispute),
  route('POST', '/v1/disputes/:id/close', nothing, disputes.closeDispute),

  route('POST', '/v1/payment_methods', wallet.methodFields, wallet.createMethod),
  route('GET', '/v1/payment_methods', wallet.methodListing, wallet.listMethods),
  route('GET', '/v1/payment_methods/:id', nothing, wallet.retrieveMethod),
  route('POST', '/v1/payment_methods/:id', wallet.methodChanges, wallet.updateMethod),
  route('POST', '/v1/payment_methods/:id/attach', wallet.attachFields, wallet.attachMethod),
  route('POST', '/v1/payment_methods/:id/detach', nothing, wallet.detachMethod),

  ...BILLING_ROUTES,

  ...PORTAL_ROUTES,

  route('GET', '/v1/events', events.eventListing, events.listEvents),
  route('GET', '/v1/events/:id', nothing, events.retrieveEvent),

  route('POST', '/v1/webhook_endpoints', endpoints.endpointFields, endpoints.createEndpoint),
  route('GET', '/v1/webhook_endpoints', listing, endpoints.listEndpoints),
  route('GET', '/v1/webhook_endpoints/:id', nothing, endpoints.retrieveEndpoint),
  route('POST', '/v1/webhook_endpoints/:id', endpoints.endpointChanges, endpoints.updateEndpoint),
  route('DELETE', '/v1/webhook_endpoints/:id', nothing, endpoints.deleteEndpoint),
];

const PATTERNS = ROUTES.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/:\w+/g, '([^/]+)')}$`),
}));

/** The route of a request, and the ids that its path names. */
export function findRoute(method: string, path: string): { route: Route; ids: string[] } | undefined {
  for (const { route, pattern } of PATTERNS) {
    const match = route.method === method ? pattern.exec(path) : null;
    if (match !== null) return { route, ids: match.slice(1).map(decode) };
  }
  return undefined;
}

/** Percent signs that encode nothing are left as they are: no object has such an id. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
