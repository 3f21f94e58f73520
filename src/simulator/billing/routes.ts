import { listing } from '../api/lists.ts';
import { type Route, route } from '../api/route.ts';
import * as beginnings from './beginnings.ts';
import * as clocks from './clocks.ts';
import * as coupons from './coupons.ts';
import * as endings from './endings.ts';
import * as invoiceItems from './invoiceItems.ts';
import * as invoicePayments from './invoicePayments.ts';
import * as invoices from './invoiceVerbs.ts';
import * as items from './items.ts';
import * as itemVerbs from './itemVerbs.ts';
import * as pauses from './pauses.ts';
import * as preview from './preview.ts';
import * as schedules from './schedules.ts';
import * as subscriptions from './subscriptions.ts';
import { timed } from './timed.ts';
import * as updates from './updates.ts';

const nothing = {};

const ROUTES: Route[] = [
  route('POST', '/v1/subscriptions', beginnings.subscriptionFields, subscriptions.createSubscription),
  route('GET', '/v1/subscriptions', subscriptions.subscriptionListing, subscriptions.listSubscriptions),
  route('GET', '/v1/subscriptions/:id', nothing, subscriptions.retrieveSubscription),
  route('POST', '/v1/subscriptions/:id', updates.subscriptionChanges, updates.updateSubscription),
  route('DELETE', '/v1/subscriptions/:id', endings.cancelFields, endings.cancelSubscription),
  route('POST', '/v1/subscriptions/:id/pause', pauses.pauseFields, pauses.pauseSubscription),
  route('POST', '/v1/subscriptions/:id/resume', pauses.resumeFields, pauses.resumeSubscription),

  route('POST', '/v1/subscription_items', itemVerbs.newItemFields, itemVerbs.createItem),
  route('GET', '/v1/subscription_items', items.itemListing, items.listItems),
  route('GET', '/v1/subscription_items/:id', nothing, items.retrieveItem),
  route('POST', '/v1/subscription_items/:id', itemVerbs.itemChanges, itemVerbs.updateItem),
  route('DELETE', '/v1/subscription_items/:id', itemVerbs.itemRemoval, itemVerbs.deleteItem),

  route('POST', '/v1/subscription_schedules', schedules.scheduleFields, schedules.createSchedule),
  route('GET', '/v1/subscription_schedules', schedules.scheduleListing, schedules.listSchedules),
  route('GET', '/v1/subscription_schedules/:id', nothing, schedules.retrieveSchedule),
  route('POST', '/v1/subscription_schedules/:id', schedules.scheduleChanges, schedules.updateSchedule),
  route('POST', '/v1/subscription_schedules/:id/release', schedules.releaseFields, schedules.releaseSchedule),
  route('POST', '/v1/subscription_schedules/:id/cancel', schedules.cancelFields, schedules.cancelSchedule),

  route('POST', '/v1/coupons', coupons.couponFields, coupons.createCoupon),
  route('GET', '/v1/coupons', coupons.couponListing, coupons.listCoupons),
  route('GET', '/v1/coupons/:id', nothing, coupons.retrieveCoupon),
  route('POST', '/v1/coupons/:id', coupons.couponChanges, coupons.updateCoupon),
  route('DELETE', '/v1/coupons/:id', nothing, coupons.deleteCoupon),
  route('POST', '/v1/promotion_codes', coupons.codeFields, coupons.createCode),
  route('GET', '/v1/promotion_codes', coupons.codeListing, coupons.listCodes),
  route('GET', '/v1/promotion_codes/:id', nothing, coupons.retrieveCode),
  route('POST', '/v1/promotion_codes/:id', coupons.codeChanges, coupons.updateCode),

  route('POST', '/v1/test_helpers/test_clocks', clocks.clockFields, clocks.createClock),
  route('GET', '/v1/test_helpers/test_clocks', listing, clocks.listClocks),
  route('GET', '/v1/test_helpers/test_clocks/:id', nothing, clocks.retrieveClock),
  route('DELETE', '/v1/test_helpers/test_clocks/:id', nothing, clocks.deleteClock),
  route('POST', '/v1/test_helpers/test_clocks/:id/advance', clocks.advanceFields, clocks.advanceClock),

  route('POST', '/v1/invoices', invoices.invoiceFields, invoices.createInvoice),
  route('GET', '/v1/invoices', invoices.invoiceListing, invoices.listInvoices),
  route('POST', '/v1/invoices/create_preview', preview.previewFields, preview.previewInvoice),
  route('GET', '/v1/invoices/:id', nothing, invoices.retrieveInvoice),
  route('POST', '/v1/invoices/:id', invoices.invoiceChanges, invoices.updateInvoice),
  route('DELETE', '/v1/invoices/:id', nothing, invoices.deleteInvoice),
  route('GET', '/v1/invoices/:id/lines', listing, invoices.listInvoiceLines),
  route('POST', '/v1/invoices/:id/finalize', invoices.finalizeFields, invoices.finalizeByHand),
  route('POST', '/v1/invoices/:id/pay', invoices.payFields, invoices.payByHand),
  route('POST', '/v1/invoices/:id/void', nothing, invoices.voidByHand),
  route('POST', '/v1/invoices/:id/mark_uncollectible', nothing, invoices.giveUpByHand),

  route('POST', '/v1/invoiceitems', invoiceItems.invoiceItemFields, invoiceItems.createInvoiceItem),
  route('GET', '/v1/invoiceitems', invoiceItems.invoiceItemListing, invoiceItems.listInvoiceItems),
  route('GET', '/v1/invoiceitems/:id', nothing, invoiceItems.retrieveInvoiceItem),
  route('DELETE', '/v1/invoiceitems/:id', nothing, invoiceItems.deleteInvoiceItem),

  route('GET', '/v1/invoice_payments', invoicePayments.paymentListing, invoicePayments.listInvoicePayments),
  route('GET', '/v1/invoice_payments/:id', nothing, invoicePayments.retrieveInvoicePayment),
];

/** Everything of Billing, at the time of those whom it is about. */
export const BILLING_ROUTES = ROUTES.map(timed);
