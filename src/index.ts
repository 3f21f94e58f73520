/**
 * Tollgate as a library: the same verbs as the HTTP API, with the same names and shapes, in the host's own process.
 *
 *     const tollgate = await createTollgate({ databaseUrl, catalog });
 *     await tollgate.use({ workspaceId: 'acme', featureCode: 'api.calls', amount: 3 }, { idempotencyKey });
 */
import type { z } from 'zod';
import type { AIUsage } from './ai/ai.ts';
import { useAI } from './ai/ai.ts';
import { aiUseSchema } from './ai/routes.ts';
import { audit, type Report } from './audit/audit.ts';
import type { CatalogConfig } from './catalog/config.ts';
import { loadCatalog } from './catalog/load.ts';
import { parseCatalog } from './catalog/parse.ts';
import { type Grant, grantCredits } from './credits/credits.ts';
import { grantInputSchema } from './credits/routes.ts';
import type { CallOptions } from './engine/call.ts';
import type { Usage } from './entitlements/answers.ts';
import {
  type BatchResult,
  type Check,
  check,
  refundUse,
  use,
  useBatch,
} from './entitlements/entitlements.ts';
import { batchSchema, checkSchema, refundSchema, useIdSchema, useSchema } from './entitlements/routes.ts';
import {
  getHold,
  type Hold,
  type HoldState,
  hold,
  progress,
  release,
  type SettledHold,
  settle,
} from './holds/holds.ts';
import { holdIdSchema, holdInputSchema, progressSchema, settleSchema } from './holds/routes.ts';
import { once } from './idempotency/idempotency.ts';
import { fingerprintOf } from './lib/fingerprints.ts';
import { parse, parseKey } from './lib/schemas.ts';
import type { PaymentAnswer } from './payments/lists.ts';
import { type CreatedCheckout, createCheckout } from './stripe/checkout.ts';
import { refundPayment } from './stripe/refunds.ts';
import { paymentIdSchema, paymentRefundSchema, purchaseSchema } from './stripe/routes.ts';
import type { StripeServices } from './stripe/services.ts';
import { cancelSubscription, changeSubscription, resumeSubscription } from './stripe/subscriptions/change.ts';
import { type CreatedPlanCheckout, createPlanCheckout } from './stripe/subscriptions/checkout.ts';
import { createPortal } from './stripe/subscriptions/portal.ts';
import { type Preview, previewChange } from './stripe/subscriptions/preview.ts';
import {
  cancelSchema,
  changeSchema,
  planCheckoutSchema,
  portalSchema,
  subscriptionParams,
} from './stripe/subscriptions/routes.ts';
import { type CardPage, createCardPage } from './stripe/topups/card.ts';
import { openTopUpPage } from './stripe/topups/page.ts';
import { cardPageSchema, topUpInputSchema, topUpPageSchema } from './stripe/topups/routes.ts';
import type { Subscription } from './subscriptions/subscriptions.ts';
import { openTollgate, type StripeConfig, type Tollgate } from './tollgate.ts';
import { dropTopUp, getTopUp, putTopUp, type TopUpAnswer } from './topups/topups.ts';
import { workspaceInputSchema, workspaceParamsSchema } from './workspaces/routes.ts';
import { getWorkspace, putWorkspace, type Workspace, type WorkspaceState } from './workspaces/workspaces.ts';

export type { AIUsage } from './ai/ai.ts';
export type { Report } from './audit/audit.ts';
export type { CatalogConfig } from './catalog/config.ts';
export type { Grant } from './credits/credits.ts';
export type { CallOptions } from './engine/call.ts';
export type { Queryable } from './engine/store.ts';
export type { Usage } from './entitlements/answers.ts';
export type { BatchResult, Check } from './entitlements/entitlements.ts';
export type { Hold, HoldState, SettledHold } from './holds/holds.ts';
export { CODES, type Code, Refusal } from './lib/errors.ts';
export type { PaymentAnswer } from './payments/lists.ts';
export type { CreatedCheckout } from './stripe/checkout.ts';
export type { CreatedPlanCheckout } from './stripe/subscriptions/checkout.ts';
export type { Preview } from './stripe/subscriptions/preview.ts';
export type { CardPage } from './stripe/topups/card.ts';
export type { Subscription } from './subscriptions/subscriptions.ts';
export type { StripeConfig } from './tollgate.ts';
export type { TopUpAnswer } from './topups/topups.ts';
export type { Workspace, WorkspaceState } from './workspaces/workspaces.ts';

export type CreateOptions = {
  /** A Postgres to use; Tollgate brings it to its own shape and leaves other tables alone. */
  databaseUrl: string;
  /** The catalog, or the path of its file. */
  catalog: CatalogConfig | string;
  /** Your Stripe account; without it, credits cannot be bought here. With it, webhooks are worked off in this process. */
  stripe?: StripeConfig;
  /** Lets the clock be moved, for tests. */
  testClock?: boolean;
  /** Told of what an operator should see; on standard error if nothing is said. */
  report?(message: string, error: unknown): void;
};

type Input<S extends z.ZodType> = z.input<S>;

/** What is asked of Stripe lies between transactions: it takes a key, and no transaction of the host's. */
type KeyOption = Pick<CallOptions, 'idempotencyKey'>;

type OfWorkspace = Input<typeof subscriptionParams>;

/** Every verb throws a Refusal, with a code of the one table, where the API would answer with an error. */
export type TollgateLibrary = {
  putWorkspace(input: { id: string } & Input<typeof workspaceInputSchema>): Promise<Workspace>;
  getWorkspace(id: string): Promise<WorkspaceState>;
  check(input: Input<typeof checkSchema>): Promise<Check>;
  use(input: Input<typeof useSchema>, options?: CallOptions): Promise<Usage>;
  useBatch(input: Input<typeof batchSchema>): Promise<BatchResult[]>;
  refundUse(input: { id: string } & Input<typeof refundSchema>, options?: CallOptions): Promise<Usage>;
  useAI(input: Input<typeof aiUseSchema>, options?: CallOptions): Promise<AIUsage>;
  /** Reserves an amount before the work, as a use would take it. */
  hold(input: Input<typeof holdInputSchema>, options?: CallOptions): Promise<Hold>;
  /** Says how much of a hold is used by now; it lives longer. */
  progress(input: { id: string } & Input<typeof progressSchema>, options?: CallOptions): Promise<Hold>;
  /** Charges what the work came to, less or more than was held; the rest goes back. */
  settle(input: { id: string } & Input<typeof settleSchema>, options?: CallOptions): Promise<SettledHold>;
  release(input: { id: string }, options?: CallOptions): Promise<Hold>;
  getHold(id: string): Promise<HoldState>;
  grantCredits(input: Input<typeof grantInputSchema>, options?: CallOptions): Promise<Grant>;
  /** Begins a purchase of credits; the answer has the page to pay on. */
  checkoutCredits(input: Input<typeof purchaseSchema>, options?: KeyOption): Promise<CreatedCheckout>;
  /** Begins a subscription; the answer has the page to subscribe on. */
  checkoutSubscription(
    input: Input<typeof planCheckoutSchema>,
    options?: KeyOption,
  ): Promise<CreatedPlanCheckout>;
  /** What another plan or interval would cost and allow; changes nothing. */
  previewSubscription(input: OfWorkspace & Input<typeof changeSchema>): Promise<Preview>;
  /** More at once, less when the period ends. */
  changeSubscription(
    input: OfWorkspace & Input<typeof changeSchema>,
    options?: KeyOption,
  ): Promise<Subscription>;
  cancelSubscription(
    input: OfWorkspace & Input<typeof cancelSchema>,
    options?: KeyOption,
  ): Promise<Subscription>;
  resumeSubscription(input: OfWorkspace, options?: KeyOption): Promise<Subscription>;
  /** Stripe's page on which a payer manages cards, invoices and plans. */
  createPortal(input: Input<typeof portalSchema>, options?: KeyOption): Promise<{ url: string }>;
  /** Keeps a wallet topped up: whenever a use leaves too little, a pack is paid by the saved card. */
  putAutoTopUp(input: OfWorkspace & Input<typeof topUpInputSchema>): Promise<TopUpAnswer>;
  getAutoTopUp(input: OfWorkspace): Promise<TopUpAnswer>;
  deleteAutoTopUp(input: OfWorkspace): Promise<void>;
  /** A page on which to pay what could not be paid by the saved card, and to save another one. */
  openAutoTopUpPage(input: OfWorkspace & Input<typeof topUpPageSchema>): Promise<TopUpAnswer>;
  /** A page on which to save a card, without buying anything. */
  checkoutCard(input: Input<typeof cardPageSchema>, options?: KeyOption): Promise<CardPage>;
  /** Refunds a payment, or a part of it, and takes back the credits that it bought. */
  refundPayment(
    input: { id: string } & Input<typeof paymentRefundSchema>,
    options?: KeyOption,
  ): Promise<PaymentAnswer>;
  /** What the host's own webhook route hands on: the body as it came. Resolves once the event is kept. */
  receiveStripeWebhook(delivery: { rawBody: Buffer; signature: string | undefined }): Promise<void>;
  /** Checks every invariant over all data. */
  audit(): Promise<Report>;
  /** Finishes what was asked, then lets go of the database. */
  close(): Promise<void>;
};

/** Opens Tollgate on a database. `options.transaction` of a verb is the host's own open transaction. */
export async function createTollgate(options: CreateOptions): Promise<TollgateLibrary> {
  const catalog =
    typeof options.catalog === 'string' ? await loadCatalog(options.catalog) : parseCatalog(options.catalog);
  const { stripe, ...others } = options;
  const services = await openTollgate({
    report: reportOnStandardError,
    ...others,
    catalog,
    ...(stripe === undefined ? {} : { stripe: async () => stripe }),
  });

  /** Asks Stripe for something; with a key, a repeat gets the first answer. */
  async function sell<Asked, Answer>(
    verb: string,
    asked: Asked,
    { idempotencyKey: key = null }: KeyOption = {},
    ask: (selling: StripeServices, asked: Asked) => Promise<Answer>,
  ): Promise<Answer> {
    const { services: selling } = sellingOf(services);
    if (key === null) return ask(selling, asked);
    const run = async () => ({ body: await ask(selling, asked) });
    const repeatable = { key: parseKey(key, 'idempotencyKey'), fingerprint: fingerprintOf(verb, asked) };
    return (await once(services, repeatable, run)).body as Answer;
  }

  return {
    async putWorkspace({ id, ...input }) {
      const { workspace } = await putWorkspace(services, {
        ...parse(workspaceParamsSchema, { id }),
        ...parse(workspaceInputSchema, input),
      });
      return workspace;
    },
    getWorkspace: async (id) => getWorkspace(services, parse(workspaceParamsSchema, { id }).id),
    check: async (input) => check(services, parse(checkSchema, input)),
    use: async (input, call) => (await use(services, parse(useSchema, input), call)).value,
    useBatch: async (input) => useBatch(services, parse(batchSchema, input).items),
    async refundUse({ id, ...input }, call) {
      const refund = { ...parse(useIdSchema, { id }), ...parse(refundSchema, input) };
      return (await refundUse(services, refund, call)).value;
    },
    useAI: async (input, call) => (await useAI(services, parse(aiUseSchema, input), call)).value,
    hold: async (input, call) => (await hold(services, parse(holdInputSchema, input), call)).value,
    async progress({ id, ...input }, call) {
      const report = { ...parse(holdIdSchema, { id }), ...parse(progressSchema, input) };
      return (await progress(services, report, call)).value;
    },
    async settle({ id, ...input }, call) {
      const end = { ...parse(holdIdSchema, { id }), ...parse(settleSchema, input) };
      return (await settle(services, end, call)).value;
    },
    release: async (input, call) => (await release(services, parse(holdIdSchema, input), call)).value,
    getHold: async (id) => getHold(services, parse(holdIdSchema, { id }).id),
    grantCredits: async (input, call) =>
      (await grantCredits(services, parse(grantInputSchema, input), call)).value,
    checkoutCredits: (input, call) =>
      sell('checkoutCredits', parse(purchaseSchema, input), call, createCheckout),
    checkoutSubscription: (input, call) =>
      sell('checkoutSubscription', parse(planCheckoutSchema, input), call, createPlanCheckout),
    async previewSubscription({ workspaceId, ...input }) {
      const { services: selling } = sellingOf(services);
      const { workspaceId: id } = parse(subscriptionParams, { workspaceId });
      return previewChange(selling, id, parse(changeSchema, input));
    },
    async changeSubscription({ workspaceId, ...input }, call) {
      const asked = { ...parse(subscriptionParams, { workspaceId }), ...parse(changeSchema, input) };
      return sell('changeSubscription', asked, call, (selling, { workspaceId, ...to }) =>
        changeSubscription(selling, workspaceId, to, call?.idempotencyKey ?? undefined),
      );
    },
    async cancelSubscription({ workspaceId, ...input }, call) {
      const asked = { ...parse(subscriptionParams, { workspaceId }), ...parse(cancelSchema, input) };
      return sell('cancelSubscription', asked, call, (selling, { workspaceId, at }) =>
        cancelSubscription(selling, workspaceId, at, call?.idempotencyKey ?? undefined),
      );
    },
    resumeSubscription: (input, call) =>
      sell('resumeSubscription', parse(subscriptionParams, input), call, (selling, { workspaceId }) =>
        resumeSubscription(selling, workspaceId, call?.idempotencyKey ?? undefined),
      ),
    createPortal: (input, call) => sell('createPortal', parse(portalSchema, input), call, createPortal),
    async putAutoTopUp({ workspaceId, ...input }) {
      const asked = { ...parse(subscriptionParams, { workspaceId }), ...parse(topUpInputSchema, input) };
      return putTopUp(sellingOf(services).services, asked);
    },
    getAutoTopUp: async (input) =>
      getTopUp(sellingOf(services).services, parse(subscriptionParams, input).workspaceId),
    deleteAutoTopUp: async (input) =>
      dropTopUp(sellingOf(services).services, parse(subscriptionParams, input).workspaceId),
    async openAutoTopUpPage({ workspaceId, ...input }) {
      const asked = { ...parse(subscriptionParams, { workspaceId }), ...parse(topUpPageSchema, input) };
      return openTopUpPage(sellingOf(services).services, asked);
    },
    checkoutCard: (input, call) => sell('checkoutCard', parse(cardPageSchema, input), call, createCardPage),
    async refundPayment({ id, ...input }, call) {
      const refund = { ...parse(paymentIdSchema, { id }), ...parse(paymentRefundSchema, input) };
      return sell('refundPayment', refund, call, (selling, asked) =>
        refundPayment(selling, { ...asked, idempotencyKey: call?.idempotencyKey }),
      );
    },
    receiveStripeWebhook: async (delivery) => sellingOf(services).inbox.receive(delivery),
    audit: () => audit(services.db, { now: services.clock.now() }),
    close: services.close,
  };
}

function sellingOf({ selling }: Tollgate): NonNullable<Tollgate['selling']> {
  if (selling !== null) return selling;
  throw new Error('Nothing can be bought here: give createTollgate the option `stripe`.');
}

function reportOnStandardError(message: string, error: unknown): void {
  console.error(`tollgate: ${message}`, error);
}
