import { type Address, type Answer, type CallOptions, call, type Input } from './call.ts';
import { type Page, Rows } from './pages.ts';
import type { Line } from './send.ts';

type Verb<A extends Address> = (input: Input<A>, options?: CallOptions) => Promise<Answer<A>>;
type VerbById<A extends Address> = (id: string, options?: CallOptions) => Promise<Answer<A>>;
type RowOf<A extends Address> = Answer<A> extends { data: Array<infer Row> } ? Row : never;
type List<A extends Address> = (filters?: Input<A>, options?: CallOptions) => Rows<RowOf<A>>;

/** Every verb throws a Refusal where Tollgate says no, and Unreachable or TimedOut where it says nothing. */
export type Client = {
  /** What would the same use be answered now? Changes nothing. */
  check: Verb<'POST /v1/check'>;
  /** Uses a feature: allowance first, then credits; all of it or nothing of it. */
  use: Verb<'POST /v1/usage'>;
  /** Up to 1000 uses at once, answered in their order; a refusal of one never touches another. */
  useBatch: Verb<'POST /v1/usage/batch'>;
  /** Gives a use back to where it came from. */
  refundUse: Verb<'POST /v1/usage/{id}/refund'>;
  ai: {
    /** Charges AI work in points, or by what a model did: free points first, the rest from credits. */
    use: Verb<'POST /v1/ai/usage'>;
  };
  /** Reserves an amount before the work, and charges what it came to. */
  holds: {
    create: Verb<'POST /v1/holds'>;
    /** Says how much is used by now; the hold lives longer. */
    progress: Verb<'POST /v1/holds/{id}/progress'>;
    /** Charges what the work came to, less or more than was held; the rest goes back. */
    settle: Verb<'POST /v1/holds/{id}/settle'>;
    release: VerbById<'POST /v1/holds/{id}/release'>;
    get: VerbById<'GET /v1/holds/{id}'>;
    list: List<'GET /v1/holds'>;
  };
  workspaces: {
    put: Verb<'PUT /v1/workspaces/{id}'>;
    /** What a workspace may use and spend now. */
    get: VerbById<'GET /v1/workspaces/{id}'>;
  };
  /** Credits that nobody paid for. */
  grants: { create: Verb<'POST /v1/credits/grants'>; list: List<'GET /v1/credits/grants'> };
  /** Begins a purchase; the answer has the page to pay on. */
  checkout: {
    credits: Verb<'POST /v1/checkout/credits'>;
    subscription: Verb<'POST /v1/checkout/subscription'>;
    card: Verb<'POST /v1/checkout/card'>;
  };
  subscriptions: {
    /** What another plan or interval would cost and allow; changes nothing. */
    preview: Verb<'POST /v1/subscriptions/{workspaceId}/preview'>;
    /** More at once, less when the period ends. */
    change: Verb<'POST /v1/subscriptions/{workspaceId}/change'>;
    cancel: Verb<'POST /v1/subscriptions/{workspaceId}/cancel'>;
    resume: Verb<'POST /v1/subscriptions/{workspaceId}/resume'>;
    list: List<'GET /v1/subscriptions'>;
  };
  /** Stripe's page on which a payer manages cards, invoices and plans. */
  portal: { create: Verb<'POST /v1/portal'> };
  /** Keeps a wallet topped up: whenever a use leaves too little, a pack is paid by the saved card. */
  autoTopUps: {
    put: Verb<'PUT /v1/workspaces/{id}/auto-topup'>;
    get: VerbById<'GET /v1/workspaces/{id}/auto-topup'>;
    delete: VerbById<'DELETE /v1/workspaces/{id}/auto-topup'>;
    /** A page on which to pay what could not be paid by the saved card. */
    openPage: Verb<'POST /v1/workspaces/{id}/auto-topup/page'>;
  };
  payments: {
    /** Refunds a payment, or a part of it, and takes back the credits that it bought. */
    refund: Verb<'POST /v1/payments/{id}/refund'>;
    list: List<'GET /v1/payments'>;
  };
  reversals: { list: List<'GET /v1/reversals'> };
  users: { list: List<'GET /v1/users'> };
  paymentUsers: { list: List<'GET /v1/payment-users'> };
  featureUsages: { list: List<'GET /v1/feature-usages'> };
  aiUsages: { list: List<'GET /v1/ai-usages'> };
  creditRecords: { list: List<'GET /v1/credit-records'> };
  creditUsages: { list: List<'GET /v1/credit-usages'> };
  /** Why something was allowed or refused. */
  decisions: { get: VerbById<'GET /v1/decisions/{id}'>; list: List<'GET /v1/decisions'> };
  catalog: {
    get(input?: Input<'GET /v1/catalog'>, options?: CallOptions): Promise<Answer<'GET /v1/catalog'>>;
  };
  stripeEvents: {
    get: VerbById<'GET /v1/stripe-events/{id}'>;
    /** Applies an event again: what was booked is never booked twice. */
    replay: VerbById<'POST /v1/stripe-events/{id}/replay'>;
    list: List<'GET /v1/stripe-events'>;
  };
  /** Checks every invariant over all data. */
  audit(options?: CallOptions): Promise<Answer<'GET /v1/audit'>>;
  /** Moves time, in test mode only. */
  testClock: { move: Verb<'POST /v1/test/clock'> };
};

/** The verbs, each with its address. */
export function verbsOn(line: Line): Client {
  const verb =
    <A extends Address>(address: A): Verb<A> =>
    (input, options) =>
      call(line, address, input, options);
  const byId =
    <A extends Address>(address: A): VerbById<A> =>
    (id, options) =>
      call(line, address, { id } as Input<A>, options);
  const list =
    <A extends Address>(address: A): List<A> =>
    (filters, options) => {
      const { cursor, ...others } = (filters ?? {}) as { cursor?: string };
      const ask = (cursor: string | undefined) =>
        call(line, address, { ...others, cursor } as Input<A>, options) as Promise<Page<RowOf<A>>>;
      return new Rows(ask, cursor);
    };

  return {
    check: verb('POST /v1/check'),
    use: verb('POST /v1/usage'),
    useBatch: verb('POST /v1/usage/batch'),
    refundUse: verb('POST /v1/usage/{id}/refund'),
    ai: { use: verb('POST /v1/ai/usage') },
    holds: {
      create: verb('POST /v1/holds'),
      progress: verb('POST /v1/holds/{id}/progress'),
      settle: verb('POST /v1/holds/{id}/settle'),
      release: byId('POST /v1/holds/{id}/release'),
      get: byId('GET /v1/holds/{id}'),
      list: list('GET /v1/holds'),
    },
    workspaces: { put: verb('PUT /v1/workspaces/{id}'), get: byId('GET /v1/workspaces/{id}') },
    grants: { create: verb('POST /v1/credits/grants'), list: list('GET /v1/credits/grants') },
    checkout: {
      credits: verb('POST /v1/checkout/credits'),
      subscription: verb('POST /v1/checkout/subscription'),
      card: verb('POST /v1/checkout/card'),
    },
    subscriptions: {
      preview: verb('POST /v1/subscriptions/{workspaceId}/preview'),
      change: verb('POST /v1/subscriptions/{workspaceId}/change'),
      cancel: verb('POST /v1/subscriptions/{workspaceId}/cancel'),
      resume: verb('POST /v1/subscriptions/{workspaceId}/resume'),
      list: list('GET /v1/subscriptions'),
    },
    portal: { create: verb('POST /v1/portal') },
    autoTopUps: {
      put: verb('PUT /v1/workspaces/{id}/auto-topup'),
      get: byId('GET /v1/workspaces/{id}/auto-topup'),
      delete: byId('DELETE /v1/workspaces/{id}/auto-topup'),
      openPage: verb('POST /v1/workspaces/{id}/auto-topup/page'),
    },
    payments: { refund: verb('POST /v1/payments/{id}/refund'), list: list('GET /v1/payments') },
    reversals: { list: list('GET /v1/reversals') },
    users: { list: list('GET /v1/users') },
    paymentUsers: { list: list('GET /v1/payment-users') },
    featureUsages: { list: list('GET /v1/feature-usages') },
    aiUsages: { list: list('GET /v1/ai-usages') },
    creditRecords: { list: list('GET /v1/credit-records') },
    creditUsages: { list: list('GET /v1/credit-usages') },
    decisions: { get: byId('GET /v1/decisions/{id}'), list: list('GET /v1/decisions') },
    catalog: { get: (input = {}, options) => call(line, 'GET /v1/catalog', input, options) },
    stripeEvents: {
      get: byId('GET /v1/stripe-events/{id}'),
      replay: byId('POST /v1/stripe-events/{id}/replay'),
      list: list('GET /v1/stripe-events'),
    },
    audit: (options) => call(line, 'GET /v1/audit', {}, options),
    testClock: { move: verb('POST /v1/test/clock') },
  };
}
