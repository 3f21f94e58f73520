// Made by `npm run generate` from the OpenAPI document.

export type Workspace = {
  id: string;
  name: string;
  createdAt: string;
};

export type WorkspaceState = {
  id: string;
  name: string;
  createdAt: string;
  plan: string;
  subscription: Subscription | null;
  credit: {
    balance: number;
    held: number;
    available: number;
    total: number;
    totalUsage: number;
    /** Owed of purchases that were reversed after they were spent; no part of the balance. */
    debt: number;
  };
  features: Array<{
    featureCode: string;
    type: 'switch' | 'metered';
    /** Of a switch: whether the plan has it. */
    enabled?: boolean | undefined;
    /** The allowance of the present period; null: unlimited. */
    limit: number | null;
    used: number;
    held: number;
    remaining: number | null;
    overage: 'block' | 'credits' | null;
    creditsPerUnit?: number | undefined;
    resetsAt: string | null;
  }>;
};

export type Subscription = {
  id: string;
  paymentPlatform: 'STRIPE';
  subscriptionId: string;
  status: 'ACTIVE' | 'CANCELED' | 'PAST_DUE' | 'UNPAID' | 'TRIAL';
  workspaceId: string;
  plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
  interval: 'month' | 'year' | null;
  currency: string | null;
  paymentUserId: string | null;
  startDate: string;
  /** The end of the present billing period; of one that ended, when it did. */
  endDate: string;
  trialEnd: string | null;
  /** When it ends, unless it is resumed. */
  cancelAt: string | null;
  /** Past due, it keeps its plan until then. */
  graceUntil: string | null;
  /** What ended it, in Stripe's words. */
  endReason: string | null;
  /** What it becomes when its billing period ends. */
  pending: {
    plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
    interval: 'month' | 'year';
    at: string;
  } | null;
  createdAt: string;
  updatedAt: string;
};

export type Check = {
  allowed: boolean;
  /** Null, or the code that the same use would be refused with. */
  code: string | null;
  featureCode: string;
  amount: number;
  plan: string;
  fromAllowance: number;
  fromCredits: number;
  creditCost: number;
  /** The largest amount that would pass now. */
  affordable: number;
  /** Of tokens: the most `output` for the others as asked. Null: not even those others can be paid for. */
  affordableOutputTokens?: number | null | undefined;
  /** Of images: the most of this size and quality. */
  affordableImages?: number | undefined;
  limit: number | null;
  used: number;
  remaining: number | null;
  resetsAt: string | null;
  credit: {
    balance: number;
    held: number;
    available: number;
  };
};

export type Usage = {
  id: string;
  status: 'SUCCEEDED' | 'REFUNDED';
  workspaceId: string;
  featureCode: string;
  amount: number;
  fromAllowance: number;
  fromCredits: number;
  creditCost: number;
  creditUsageId: string | null;
  /** Allowance used in the present period. */
  used: number;
  /** Allowance left; null: unlimited. */
  remaining: number | null;
  credit: {
    balance: number;
    held: number;
    available: number;
  };
  createdAt: string;
};

export type FeatureUsage = {
  id: string;
  workspaceId: string;
  featureCode: string;
  /** One row for each period of the allowance. */
  periodStart: string;
  /** Null: the period never ends, or was counted before ends were kept. */
  periodEnd: string | null;
  /** The allowance that was used in the period, without what credits paid. */
  used: number;
  createdAt: string;
  updatedAt: string;
};

export type AIUsageAnswer = {
  id: string;
  workspaceId: string;
  type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
  points: number;
  freePoints: number;
  paidPoints: number;
  pageId: string;
  description: string | null;
  createdAt: string;
  updatedAt: string;
  creditUsageId: string | null;
  creditCost: number;
  credit: {
    balance: number;
    held: number;
    available: number;
  };
  /** What a model did, and its price, if it was named. */
  work?: PricedWork | undefined;
};

export type PricedWork = {
  model: string;
  tokens?: {
    /** Read, and in none of the other pools: without what came from a cache or went into it. */
    input?: number | undefined;
    /** Read from the provider's cache. No `input`. */
    cachedInput?: number | undefined;
    /** Written to the provider's cache. No `input`. */
    cacheWrite?: number | undefined;
    /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
    cacheWrite1h?: number | undefined;
    /** Audio that was read, from a cache or not. No `input`. */
    audioInput?: number | undefined;
    /** Images that were read, where they have a price of their own. No `input`. */
    imageInput?: number | undefined;
    /** Written, and in none of the other pools: without reasoning. */
    output?: number | undefined;
    /** Thought before the answer. No `output`. */
    reasoning?: number | undefined;
    /** Audio that was made. No `output`. */
    audioOutput?: number | undefined;
    /** Images that were made, where they are counted in tokens. No `output`. */
    imageOutput?: number | undefined;
  } | undefined;
  images?: {
    count: number;
    size?: string | undefined;
    quality?: string | undefined;
  } | undefined;
  price: AIPrice;
  /** The provider's cost in dollars, rounded up at the twelfth decimal, before the markup; null, where only an amount was said. */
  costUsd: number | null;
};

export type AIPrice = {
  /** The price list, the catalog's own table, or its price for unknown models. */
  source: 'GENAI_PRICES' | 'CATALOG' | 'FALLBACK';
  /** Of the price list. */
  version?: string | undefined;
  provider?: string | undefined;
  /** As the source names it. */
  model?: string | undefined;
  /** Since when it counts. */
  from?: string | undefined;
  /** The hours in which it counts, in UTC. */
  daily?: {
    from: string;
    until: string;
  } | undefined;
  /** For a million tokens; with tiers, by how many are read in all. */
  tokens?: {
    /** Read, and in none of the other pools: without what came from a cache or went into it. */
    input?: PoolPrice | undefined;
    /** Read from the provider's cache. No `input`. */
    cachedInput?: PoolPrice | undefined;
    /** Written to the provider's cache. No `input`. */
    cacheWrite?: PoolPrice | undefined;
    /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
    cacheWrite1h?: PoolPrice | undefined;
    /** Audio that was read, from a cache or not. No `input`. */
    audioInput?: PoolPrice | undefined;
    /** Images that were read, where they have a price of their own. No `input`. */
    imageInput?: PoolPrice | undefined;
    /** Written, and in none of the other pools: without reasoning. */
    output?: PoolPrice | undefined;
    /** Thought before the answer. No `output`. */
    reasoning?: PoolPrice | undefined;
    /** Audio that was made. No `output`. */
    audioOutput?: PoolPrice | undefined;
    /** Images that were made, where they are counted in tokens. No `output`. */
    imageOutput?: PoolPrice | undefined;
  } | undefined;
  perThousandRequests?: number | undefined;
  images?: Array<{
    size?: string | undefined;
    quality?: string | undefined;
    price: number;
  }> | undefined;
  markup: number;
  /** Dollars that one point pays for. */
  pointUsd: number;
};

export type PoolPrice = number | {
  base: number;
  tiers: Array<{
    above: number;
    price: number;
  }>;
};

export type AIUsage = {
  /** The id of the use, and of the decision that says why. */
  id: string;
  workspaceId: string;
  type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
  points: number;
  freePoints: number;
  paidPoints: number;
  pageId: string;
  description: string | null;
  status: 'SUCCEEDED' | 'FAILED' | 'REFUNDED';
  /** Credits that the paid points took; null for rows that are older than Tollgate. */
  creditCost: number | null;
  /** What a model did, and its price; null: it was charged in points. */
  work: PricedWork | null;
  createdAt: string;
  updatedAt: string;
};

export type HoldAnswer = {
  id: string;
  status: 'HELD' | 'SETTLED' | 'RELEASED';
  workspaceId: string;
  featureCode: string;
  amount: number;
  fromAllowance: number;
  fromCredits: number;
  /** Credits that are held, or were. */
  creditCost: number;
  /** What was charged in the end. */
  settledAmount: number | null;
  /** What was reported as used while it was open. */
  progressAmount: number;
  expiresAt: string;
  onExpire: 'release' | 'settle';
  ai: {
    type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
    pageId: string;
    /** Of a model: what it is to do, or has done as last said, at the price that is kept. */
    work?: PricedWork | undefined;
  } | null;
  createdAt: string;
  credit: {
    balance: number;
    held: number;
    available: number;
  };
};

export type SettledHold = {
  id: string;
  status: 'HELD' | 'SETTLED' | 'RELEASED';
  workspaceId: string;
  featureCode: string;
  amount: number;
  fromAllowance: number;
  fromCredits: number;
  /** Credits that are held, or were. */
  creditCost: number;
  /** What was charged in the end. */
  settledAmount: number | null;
  /** What was reported as used while it was open. */
  progressAmount: number;
  expiresAt: string;
  onExpire: 'release' | 'settle';
  ai: {
    type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
    pageId: string;
    /** Of a model: what it is to do, or has done as last said, at the price that is kept. */
    work?: PricedWork | undefined;
  } | null;
  createdAt: string;
  credit: {
    balance: number;
    held: number;
    available: number;
  };
  /** What was used, to be refunded by its id like any use; null if it was nothing. */
  usage: Usage | AIUsageAnswer | null;
  /** What was used beyond the hold and could not be paid. */
  shortfall: number;
};

export type Hold = {
  id: string;
  status: 'HELD' | 'SETTLED' | 'RELEASED';
  workspaceId: string;
  featureCode: string;
  amount: number;
  fromAllowance: number;
  fromCredits: number;
  /** Credits that are held, or were. */
  creditCost: number;
  /** What was charged in the end. */
  settledAmount: number | null;
  /** What was reported as used while it was open. */
  progressAmount: number;
  expiresAt: string;
  onExpire: 'release' | 'settle';
  ai: {
    type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
    pageId: string;
    /** Of a model: what it is to do, or has done as last said, at the price that is kept. */
    work?: PricedWork | undefined;
  } | null;
  createdAt: string;
  /** The price that it was held at. */
  creditsPerUnit: number | null;
  /** The decision that settled or released it, and the id of its usage. */
  endedBy: string | null;
  updatedAt: string;
};

export type CreditGrantAnswer = {
  id: string;
  workspaceId: string;
  type: 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'PLAN' | 'OPENING';
  amount: number;
  remaining: number;
  priority: number;
  expiresAt: string | null;
  description: string;
  createdAt: string;
};

export type CreditGrant = {
  id: string;
  workspaceId: string;
  type: 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'PLAN' | 'OPENING';
  amount: number;
  /** What is left of it now; once it has expired, only what is still held. */
  remaining: number;
  /** What open holds keep of that. */
  held: number;
  spent: number;
  expired: number;
  clawedBack: number;
  /** How much of it is to be taken back in all, as its payment was reversed. */
  reversed: number;
  /** What of that had been spent, and is still owed. */
  debt: number;
  /** Spending order: lower priority number, sooner expiry, older. */
  priority: number;
  expiresAt: string | null;
  description: string;
  /** The purchase that it came from. */
  creditRecordId: string | null;
  createdAt: string;
  updatedAt: string;
};

export type CreditRecord = {
  id: string;
  /** Credits. */
  amount: number;
  type: 'PURCHASE';
  workspaceId: string;
  paymentUserId: string;
  paymentId: string | null;
  description: string | null;
  createdAt: string;
  updatedAt: string;
};

export type CreditUsage = {
  /** The id of the use, and of the decision that says why. */
  id: string;
  workspaceId: string;
  featureCode: string;
  /** Credits: what was paid or, where FAILED, what could not be. */
  amount: number;
  description: string;
  status: 'SUCCEEDED' | 'FAILED' | 'REFUNDED';
  createdAt: string;
  updatedAt: string;
};

export type User = {
  id: string;
  createdAt: string;
};

export type PaymentUser = {
  id: string;
  userId: string;
  email: string;
  paymentPlatform: 'STRIPE';
  customerId: string | null;
  createdAt: string;
  updatedAt: string;
};

export type Payment = {
  id: string;
  /** In major units of the currency: 10.5 is ten and a half dollars. */
  amount: number;
  currency: string;
  status: 'PENDING' | 'SUCCEEDED' | 'FAILED';
  paymentPlatform: 'STRIPE';
  paymentId: string;
  paymentUserId: string;
  workspaceId: string | null;
  /** What it buys; null where it buys no credits. */
  credits: number | null;
  checkoutId: string | null;
  /** Stripe's invoice, of a subscription. */
  invoiceId: string | null;
  /** Refunds that have not failed. */
  refunded: number;
  /** Disputes that are open or lost. */
  disputed: number;
  createdAt: string;
  updatedAt: string;
};

export type Reversal = {
  /** The provider's refund or dispute. */
  id: string;
  /** The id of the Payment. */
  paymentId: string;
  workspaceId: string | null;
  kind: 'REFUND' | 'DISPUTE';
  /** In major units of the currency. */
  amount: number;
  currency: string;
  /** PENDING and SUCCEEDED refunds, OPEN and LOST disputes take credits back; an INQUIRY does not. */
  status: 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'INQUIRY' | 'OPEN' | 'WON' | 'LOST';
  createdAt: string;
  updatedAt: string;
};

export type Decision = {
  id: string;
  workspaceId: string;
  operation: 'OPENING' | 'USE' | 'GRANT' | 'REFUND' | 'EXPIRE' | 'CLAW_BACK' | 'HOLD' | 'PROGRESS' | 'SETTLE' | 'RELEASE';
  allowed: boolean;
  /** Null, or why it was refused. */
  code: 'invalid_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'workspace_not_found' | 'feature_unknown' | 'model_unknown' | 'feature_not_in_plan' | 'limit_reached' | 'insufficient_credits' | 'idempotency_conflict' | 'hold_not_open' | 'subscription_exists' | 'no_subscription' | 'payment_required' | 'already_refunded' | 'not_refundable' | 'not_replayable' | 'nothing_to_pay' | 'payload_too_large' | 'rate_limited' | 'internal_error' | 'provider_error' | 'unavailable' | 'provider_unavailable' | null;
  featureCode: string | null;
  amount: number;
  fromAllowance: number;
  /** Units of the feature that credits paid for. */
  fromCredits: number;
  /** Credits. */
  creditCost: number;
  /** The period that fromAllowance was counted in. */
  periodStart: string | null;
  refundOf: string | null;
  plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
  /** GET /v1/catalog?version= shows what was in it. */
  catalogVersion: string;
  idempotencyKey: string | null;
  createdAt: string;
};

export type ExplainedDecision = {
  id: string;
  workspaceId: string;
  operation: 'OPENING' | 'USE' | 'GRANT' | 'REFUND' | 'EXPIRE' | 'CLAW_BACK' | 'HOLD' | 'PROGRESS' | 'SETTLE' | 'RELEASE';
  allowed: boolean;
  /** Null, or why it was refused. */
  code: 'invalid_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'workspace_not_found' | 'feature_unknown' | 'model_unknown' | 'feature_not_in_plan' | 'limit_reached' | 'insufficient_credits' | 'idempotency_conflict' | 'hold_not_open' | 'subscription_exists' | 'no_subscription' | 'payment_required' | 'already_refunded' | 'not_refundable' | 'not_replayable' | 'nothing_to_pay' | 'payload_too_large' | 'rate_limited' | 'internal_error' | 'provider_error' | 'unavailable' | 'provider_unavailable' | null;
  featureCode: string | null;
  amount: number;
  fromAllowance: number;
  /** Units of the feature that credits paid for. */
  fromCredits: number;
  /** Credits. */
  creditCost: number;
  /** The period that fromAllowance was counted in. */
  periodStart: string | null;
  refundOf: string | null;
  plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
  /** GET /v1/catalog?version= shows what was in it. */
  catalogVersion: string;
  idempotencyKey: string | null;
  createdAt: string;
  /** The reasons in a sentence. */
  why: string;
  description: string | null;
  /** The allowance after the decision; a null limit: unlimited, or not counted. */
  allowance: {
    limit: number | null;
    used: number;
    held: number;
    remaining: number | null;
    resetsAt: string | null;
  } | null;
  credits: {
    /** Credits of the workspace after the decision. */
    balance: number;
    /** What open holds keep of them. */
    held: number;
    /** The price beyond the allowance. */
    creditsPerUnit: number | null;
    /** Grants that paid, are held, expired or got back, in spending order. */
    sources: Array<{
      grantId: string;
      amount: number;
      /** Of a refund: given back to a grant that was over by then. */
      expired: boolean;
      type: 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'PLAN' | 'OPENING' | null;
      description: string | null;
      priority: number | null;
      expiresAt: string | null;
    }>;
    /** What a hold gave back to grants that were over by then. */
    lapsed: Array<{
      grantId: string;
      amount: number;
    }>;
    /** What was taken back because payments were reversed. */
    clawedBack: Array<{
      grantId: string;
      /** Taken from the grant; below zero, it went back. */
      amount: number;
      /** The grant whose purchase owed it, if another. */
      for: string | null;
      /** The grant was over: no balance has changed. */
      expired: boolean;
    }>;
    /** What is owed of reversed purchases, more or less than before. */
    debts: Array<{
      grantId: string;
      amount: number;
    }>;
  };
  ai: {
    type: string;
    pageId: string;
    /** What a model did, and all that its points are made of. */
    work: PricedWork | null;
  } | null;
  /** The hold that was taken, reported on, settled or released. */
  hold: {
    id: string;
    amount: number;
    fromAllowance: number;
    fromCredits: number;
    creditCost: number;
    progressAmount: number;
    expiresAt: string;
    onExpire: 'release' | 'settle';
    /** It ended by itself. */
    expired: boolean;
    /** What was used beyond it and could not be paid. */
    shortfall: number;
  } | null;
  /** Of a claw back: the purchase, and what was reversed of it before. */
  reversal: {
    creditRecordId: string | null;
    grantId: string;
    before: number;
  } | null;
  grant: {
    type: 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'PLAN' | 'OPENING';
    priority: number;
    expiresAt: string | null;
    creditRecordId: string | null;
  } | null;
  refusal: {
    code: 'invalid_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'workspace_not_found' | 'feature_unknown' | 'model_unknown' | 'feature_not_in_plan' | 'limit_reached' | 'insufficient_credits' | 'idempotency_conflict' | 'hold_not_open' | 'subscription_exists' | 'no_subscription' | 'payment_required' | 'already_refunded' | 'not_refundable' | 'not_replayable' | 'nothing_to_pay' | 'payload_too_large' | 'rate_limited' | 'internal_error' | 'provider_error' | 'unavailable' | 'provider_unavailable';
    message: string;
    details: Record<string, unknown>;
  } | null;
  /** The refund that gave it back. */
  refundedBy: string | null;
  /** The figures of a wallet that is older than Tollgate, to the last digit. */
  opening: {
    balance: string;
    total: string;
    totalUsage: string;
  } | null;
};

export type Catalog = {
  version: string;
  /** The default currency first. */
  currencies: Array<string>;
  features: Array<{
    featureCode: string;
    name: string;
    type: 'switch' | 'metered';
    /** Of a metered feature: counted in whole units. */
    whole?: boolean | undefined;
  }>;
  plans: Array<{
    plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
    name: string;
    contact: string | null;
    price: {
      month: Record<string, number> | null;
      year: Record<string, number> | null;
    };
    /** Versions of old do not say. */
    trialDays?: number | null | undefined;
    /** That come with each month that is paid for. Versions of old do not say. */
    credits?: number | undefined;
    features: Array<{
      featureCode: string;
      type: 'switch';
      enabled: true;
    } | {
      featureCode: string;
      type: 'metered';
      /** The allowance; null: unlimited. */
      limit: number | null;
      per: 'day' | 'week' | 'month' | 'forever';
      overage: 'block' | 'credits';
      creditsPerUnit?: number | undefined;
    }>;
  }>;
  /** How long a plan is kept while its payment is past due. Versions of old do not say. */
  subscriptions?: {
    graceDays: number;
  } | undefined;
  credits: {
    expireAfterDays: number | null;
    /** Who pays what is owed of reversed purchases. Versions of old do not say. */
    debt?: 'next_purchase' | 'keep' | undefined;
    packs: Array<{
      id: string;
      name: string;
      credits: number;
      /** In major units, per currency. */
      price: Record<string, number>;
    }>;
    custom: Record<string, {
      min: number;
      max: number;
      creditsPerUnit: number;
    }>;
  };
  /** How AI work is priced by its model; null: it is not. Versions of old do not say. */
  ai?: {
    /** Dollars that one point pays for. */
    pointUsd: number;
    markup: number;
    list: {
      name: 'genai-prices';
      version: string;
    } | null;
    /** The latest price first. */
    models: Record<string, Array<{
      from: string | null;
      /** For a million tokens; with tiers, by how many are read in all. */
      tokens?: {
        /** Read, and in none of the other pools: without what came from a cache or went into it. */
        input?: PoolPrice | undefined;
        /** Read from the provider's cache. No `input`. */
        cachedInput?: PoolPrice | undefined;
        /** Written to the provider's cache. No `input`. */
        cacheWrite?: PoolPrice | undefined;
        /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
        cacheWrite1h?: PoolPrice | undefined;
        /** Audio that was read, from a cache or not. No `input`. */
        audioInput?: PoolPrice | undefined;
        /** Images that were read, where they have a price of their own. No `input`. */
        imageInput?: PoolPrice | undefined;
        /** Written, and in none of the other pools: without reasoning. */
        output?: PoolPrice | undefined;
        /** Thought before the answer. No `output`. */
        reasoning?: PoolPrice | undefined;
        /** Audio that was made. No `output`. */
        audioOutput?: PoolPrice | undefined;
        /** Images that were made, where they are counted in tokens. No `output`. */
        imageOutput?: PoolPrice | undefined;
      } | undefined;
      perThousandRequests?: number | undefined;
      images?: Array<{
        size?: string | undefined;
        quality?: string | undefined;
        price: number;
      }> | undefined;
    }>>;
    fallback: {
      /** For a million tokens; with tiers, by how many are read in all. */
      tokens?: {
        /** Read, and in none of the other pools: without what came from a cache or went into it. */
        input?: PoolPrice | undefined;
        /** Read from the provider's cache. No `input`. */
        cachedInput?: PoolPrice | undefined;
        /** Written to the provider's cache. No `input`. */
        cacheWrite?: PoolPrice | undefined;
        /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
        cacheWrite1h?: PoolPrice | undefined;
        /** Audio that was read, from a cache or not. No `input`. */
        audioInput?: PoolPrice | undefined;
        /** Images that were read, where they have a price of their own. No `input`. */
        imageInput?: PoolPrice | undefined;
        /** Written, and in none of the other pools: without reasoning. */
        output?: PoolPrice | undefined;
        /** Thought before the answer. No `output`. */
        reasoning?: PoolPrice | undefined;
        /** Audio that was made. No `output`. */
        audioOutput?: PoolPrice | undefined;
        /** Images that were made, where they are counted in tokens. No `output`. */
        imageOutput?: PoolPrice | undefined;
      } | undefined;
      perThousandRequests?: number | undefined;
      images?: Array<{
        size?: string | undefined;
        quality?: string | undefined;
        price: number;
      }> | undefined;
    } | null;
  } | null | undefined;
};

export type CreatedCheckout = {
  id: string;
  /** The page to pay on: send the payer there. */
  url: string;
  status: 'OPEN';
  workspaceId: string;
  paymentUserId: string;
  sessionId: string;
  pack: string | null;
  /** In major units of the currency. */
  amount: number;
  currency: string;
  /** What is granted once it is paid. */
  credits: number;
  expiresAt: string;
};

export type CreatedPlanCheckout = {
  id: string;
  /** The page to subscribe on: send the payer there. */
  url: string;
  status: 'OPEN';
  workspaceId: string;
  paymentUserId: string;
  sessionId: string;
  plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
  interval: 'month' | 'year';
  /** What each interval costs, in major units of the currency. */
  amount: number;
  currency: string;
  trialDays: number | null;
  expiresAt: string;
};

export type SubscriptionPreview = {
  workspaceId: string;
  change: 'upgrade' | 'downgrade' | 'none';
  /** When it would be made: now, or when the period ends. */
  at: string;
  from: {
    plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
    interval: 'month' | 'year';
  };
  to: {
    plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
    interval: 'month' | 'year';
  };
  money: {
    currency: string;
    /** In major units; what is charged at once. */
    dueNow: number;
    lines: Array<{
      description: string;
      amount: number;
    }>;
    /** The next invoice. */
    next: {
      amount: number;
      at: string;
    };
  };
  features: Array<AllowanceChange>;
  /** That come with a month of the plan. */
  credits: {
    before: number;
    after: number;
  };
};

export type AllowanceChange = {
  featureCode: string;
  /** Null: the plan lacks the feature. */
  before: {
    limit: number | null;
    remaining: number | null;
  } | null;
  after: {
    limit: number | null;
    remaining: number | null;
  } | null;
};

export type Portal = {
  url: string;
};

export type AutoTopUp = {
  workspaceId: string;
  paymentUserId: string;
  enabled: boolean;
  threshold: number;
  pack: string;
  currency: string;
  monthlyMax: number;
  spentThisMonth: number;
  /** PENDING: a payment is under way. BACKING_OFF: it goes on by itself at `nextTryAt`. ACTION_REQUIRED and STOPPED: it waits for another card, other settings, or a payment on its page. */
  status: 'READY' | 'PENDING' | 'ACTION_REQUIRED' | 'BACKING_OFF' | 'STOPPED' | 'DISABLED';
  /** Why it does not go on: the bank's reason, `no_card`, `monthly_max_reached`, `disputed`, … */
  why: string | null;
  nextTryAt: string | null;
  /** The page to pay on, where one is open. */
  link: {
    url: string;
    expiresAt: string;
  } | null;
};

export type CardPage = {
  url: string;
  expiresAt: string;
};

export type StripeEvent = {
  id: string;
  type: string;
  /** What it is about; read again to apply it. */
  objectId: string | null;
  livemode: boolean;
  status: 'RECEIVED' | 'APPLIED' | 'IGNORED' | 'FAILED';
  /** How often it was tried to apply it. */
  attempts: number;
  /** Why it FAILED or was IGNORED. */
  error: string | null;
  receivedAt: string;
  appliedAt: string | null;
};

export type ShownStripeEvent = {
  id: string;
  type: string;
  /** What it is about; read again to apply it. */
  objectId: string | null;
  livemode: boolean;
  status: 'RECEIVED' | 'APPLIED' | 'IGNORED' | 'FAILED';
  /** How often it was tried to apply it. */
  attempts: number;
  /** Why it FAILED or was IGNORED. */
  error: string | null;
  receivedAt: string;
  appliedAt: string | null;
  /** What Stripe sent. */
  payload: Record<string, unknown>;
};

export type AuditReport = {
  /** Every invariant holds for every row. */
  ok: boolean;
  checkedAt: string;
  checks: Array<{
    /** What holds. */
    name: string;
    ok: boolean;
    /** Rows that it looked at. */
    checked: number;
    /** The first 100 rows that break it, with the numbers that disagree. */
    failures: Array<Record<string, unknown>>;
  }>;
};

/** Every code that Tollgate answers with. */
export type Code = 'invalid_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'workspace_not_found' | 'feature_unknown' | 'model_unknown' | 'feature_not_in_plan' | 'limit_reached' | 'insufficient_credits' | 'idempotency_conflict' | 'hold_not_open' | 'subscription_exists' | 'no_subscription' | 'payment_required' | 'already_refunded' | 'not_refundable' | 'not_replayable' | 'nothing_to_pay' | 'payload_too_large' | 'rate_limited' | 'internal_error' | 'provider_error' | 'unavailable' | 'provider_unavailable';

/** What can be asked, by its address. */
export type Operations = {
  /** Create a workspace under your own id, or rename it */
  'PUT /v1/workspaces/{id}': {
    input: {
      id: string;
      name: string;
    };
    answer: Workspace;
  };
  /** What a workspace may use and spend now */
  'GET /v1/workspaces/{id}': {
    input: {
      id: string;
    };
    answer: WorkspaceState;
  };
  /** What would the same use be answered now? */
  'POST /v1/check': {
    input: {
      workspaceId: string;
      featureCode: string;
      /** 1 if nothing is said. */
      amount?: number | undefined;
      /** Of `ai.points`: the amount is what its work comes to. */
      model?: string | undefined;
      tokens?: {
        /** Read, and in none of the other pools: without what came from a cache or went into it. */
        input: number;
        /** Read from the provider's cache. No `input`. */
        cachedInput?: number | undefined;
        /** Written to the provider's cache. No `input`. */
        cacheWrite?: number | undefined;
        /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
        cacheWrite1h?: number | undefined;
        /** Audio that was read, from a cache or not. No `input`. */
        audioInput?: number | undefined;
        /** Images that were read, where they have a price of their own. No `input`. */
        imageInput?: number | undefined;
        /** Written, and in none of the other pools: without reasoning. */
        output?: number | undefined;
        /** Thought before the answer. No `output`. */
        reasoning?: number | undefined;
        /** Audio that was made. No `output`. */
        audioOutput?: number | undefined;
        /** Images that were made, where they are counted in tokens. No `output`. */
        imageOutput?: number | undefined;
      } | undefined;
      images?: {
        count: number;
        size?: string | undefined;
        quality?: string | undefined;
      } | undefined;
    };
    answer: Check;
  };
  /** Use a feature: allowance first, then credits; all of it or nothing of it */
  'POST /v1/usage': {
    input: {
      workspaceId: string;
      featureCode: string;
      /** Above 0 and up to 1,000,000,000, with at most six decimals. */
      amount?: number | undefined;
      description?: string | undefined;
    };
    answer: Usage;
  };
  /** Up to 1000 uses at once; a refusal of one never touches another */
  'POST /v1/usage/batch': {
    input: {
      items: Array<{
        workspaceId: string;
        featureCode: string;
        /** Above 0 and up to 1,000,000,000, with at most six decimals. */
        amount: number;
        description?: string | undefined;
        /** must be 1 to 255 characters */
        idempotencyKey: string;
      }>;
    };
    answer: {
      results: Array<{
        ok: true;
        usage: Usage;
      } | {
        ok: false;
        error: {
          type: string;
          code: string;
          message: string;
          param?: string | undefined;
          details?: Record<string, unknown> | undefined;
        };
      }>;
    };
  };
  /** Give a use back to where it came from */
  'POST /v1/usage/{id}/refund': {
    input: {
      id: string;
      reason?: string | undefined;
    };
    answer: Usage;
  };
  /** Allowances that were used, by feature and period */
  'GET /v1/feature-usages': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      featureCode?: string | undefined;
    };
    answer: {
      data: Array<FeatureUsage>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Charge AI work in points, or by what a model did: free points first, the rest from credits */
  'POST /v1/ai/usage': {
    input: {
      workspaceId: string;
      type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
      pageId: string;
      /** Left out where a model is named. */
      points?: number | undefined;
      /** As its provider names it, such as `gpt-5`, or with the provider that serves it, such as `groq:openai/gpt-oss-120b`. */
      model?: string | undefined;
      /** What the model read and wrote; or images. */
      tokens?: {
        /** Read, and in none of the other pools: without what came from a cache or went into it. */
        input: number;
        /** Read from the provider's cache. No `input`. */
        cachedInput?: number | undefined;
        /** Written to the provider's cache. No `input`. */
        cacheWrite?: number | undefined;
        /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
        cacheWrite1h?: number | undefined;
        /** Audio that was read, from a cache or not. No `input`. */
        audioInput?: number | undefined;
        /** Images that were read, where they have a price of their own. No `input`. */
        imageInput?: number | undefined;
        /** Written, and in none of the other pools: without reasoning. */
        output: number;
        /** Thought before the answer. No `output`. */
        reasoning?: number | undefined;
        /** Audio that was made. No `output`. */
        audioOutput?: number | undefined;
        /** Images that were made, where they are counted in tokens. No `output`. */
        imageOutput?: number | undefined;
      } | undefined;
      /** What the model made; or tokens. */
      images?: {
        count: number;
        size?: string | undefined;
        quality?: string | undefined;
      } | undefined;
      description?: string | undefined;
    };
    answer: AIUsageAnswer;
  };
  /** AI work, in free and paid points */
  'GET /v1/ai-usages': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      type?: 'TEXT_CHAT' | 'IMAGE_GENERATION' | undefined;
      status?: 'SUCCEEDED' | 'FAILED' | 'REFUNDED' | undefined;
    };
    answer: {
      data: Array<AIUsage>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Reserve an amount before the work: allowance first, then credits; all of it or nothing of it */
  'POST /v1/holds': {
    input: {
      workspaceId: string;
      featureCode: string;
      /** Left out where a model is named: what its work comes to is held. */
      amount?: number | undefined;
      ttlSeconds?: number | undefined;
      onExpire?: 'release' | 'settle' | undefined;
      /** What AI work it is for; with a model, what that is to do at most. */
      ai?: {
        type: 'TEXT_CHAT' | 'IMAGE_GENERATION';
        pageId: string;
        /** As its provider names it, such as `gpt-5`, or with the provider that serves it, such as `groq:openai/gpt-oss-120b`. */
        model?: string | undefined;
        /** What the model read and wrote; or images. */
        tokens?: {
          /** Read, and in none of the other pools: without what came from a cache or went into it. */
          input: number;
          /** Read from the provider's cache. No `input`. */
          cachedInput?: number | undefined;
          /** Written to the provider's cache. No `input`. */
          cacheWrite?: number | undefined;
          /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
          cacheWrite1h?: number | undefined;
          /** Audio that was read, from a cache or not. No `input`. */
          audioInput?: number | undefined;
          /** Images that were read, where they have a price of their own. No `input`. */
          imageInput?: number | undefined;
          /** Written, and in none of the other pools: without reasoning. */
          output: number;
          /** Thought before the answer. No `output`. */
          reasoning?: number | undefined;
          /** Audio that was made. No `output`. */
          audioOutput?: number | undefined;
          /** Images that were made, where they are counted in tokens. No `output`. */
          imageOutput?: number | undefined;
        } | undefined;
        /** What the model made; or tokens. */
        images?: {
          count: number;
          size?: string | undefined;
          quality?: string | undefined;
        } | undefined;
      } | undefined;
    };
    answer: HoldAnswer;
  };
  /** What was reserved before the work, and what became of it */
  'GET /v1/holds': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      status?: 'HELD' | 'SETTLED' | 'RELEASED' | undefined;
      featureCode?: string | undefined;
    };
    answer: {
      data: Array<Hold>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Say how much is used by now; the hold lives longer */
  'POST /v1/holds/{id}/progress': {
    input: {
      id: string;
      /** Left out where tokens or images are said. */
      amount?: number | undefined;
      /** What the model read and wrote; or images. */
      tokens?: {
        /** Read, and in none of the other pools: without what came from a cache or went into it. */
        input: number;
        /** Read from the provider's cache. No `input`. */
        cachedInput?: number | undefined;
        /** Written to the provider's cache. No `input`. */
        cacheWrite?: number | undefined;
        /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
        cacheWrite1h?: number | undefined;
        /** Audio that was read, from a cache or not. No `input`. */
        audioInput?: number | undefined;
        /** Images that were read, where they have a price of their own. No `input`. */
        imageInput?: number | undefined;
        /** Written, and in none of the other pools: without reasoning. */
        output: number;
        /** Thought before the answer. No `output`. */
        reasoning?: number | undefined;
        /** Audio that was made. No `output`. */
        audioOutput?: number | undefined;
        /** Images that were made, where they are counted in tokens. No `output`. */
        imageOutput?: number | undefined;
      } | undefined;
      /** What the model made; or tokens. */
      images?: {
        count: number;
        size?: string | undefined;
        quality?: string | undefined;
      } | undefined;
      /** It lives at least so long from now; unless said, as long as when it was taken. */
      ttlSeconds?: number | undefined;
    };
    answer: HoldAnswer;
  };
  /** Charge what the work came to, less or more than was held; the rest goes back */
  'POST /v1/holds/{id}/settle': {
    input: {
      id: string;
      /** Left out where tokens or images are said. */
      amount?: number | undefined;
      /** What the model read and wrote; or images. */
      tokens?: {
        /** Read, and in none of the other pools: without what came from a cache or went into it. */
        input: number;
        /** Read from the provider's cache. No `input`. */
        cachedInput?: number | undefined;
        /** Written to the provider's cache. No `input`. */
        cacheWrite?: number | undefined;
        /** Written to a cache that lasts an hour, where that costs more. No `cacheWrite`. */
        cacheWrite1h?: number | undefined;
        /** Audio that was read, from a cache or not. No `input`. */
        audioInput?: number | undefined;
        /** Images that were read, where they have a price of their own. No `input`. */
        imageInput?: number | undefined;
        /** Written, and in none of the other pools: without reasoning. */
        output: number;
        /** Thought before the answer. No `output`. */
        reasoning?: number | undefined;
        /** Audio that was made. No `output`. */
        audioOutput?: number | undefined;
        /** Images that were made, where they are counted in tokens. No `output`. */
        imageOutput?: number | undefined;
      } | undefined;
      /** What the model made; or tokens. */
      images?: {
        count: number;
        size?: string | undefined;
        quality?: string | undefined;
      } | undefined;
    };
    answer: SettledHold;
  };
  /** Give all of a hold back: nothing was used */
  'POST /v1/holds/{id}/release': {
    input: {
      id: string;
    };
    answer: HoldAnswer;
  };
  /** A hold as it is now */
  'GET /v1/holds/{id}': {
    input: {
      id: string;
    };
    answer: Hold;
  };
  /** Give credits that nobody paid for */
  'POST /v1/credits/grants': {
    input: {
      workspaceId: string;
      /** Above 0 and up to 1,000,000,000, with at most six decimals. */
      amount: number;
      type: 'PROMOTION' | 'ADJUSTMENT';
      description: string;
      expiresAt?: string | null | undefined;
      priority?: number | undefined;
    };
    answer: CreditGrantAnswer;
  };
  /** Lots of credits: what each was, and what is left of it now */
  'GET /v1/credits/grants': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      type?: 'PURCHASE' | 'PROMOTION' | 'ADJUSTMENT' | 'PLAN' | 'OPENING' | undefined;
    };
    answer: {
      data: Array<CreditGrant>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Credits that were bought */
  'GET /v1/credit-records': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      type?: 'PURCHASE' | undefined;
    };
    answer: {
      data: Array<CreditRecord>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** What credits paid for, and what they did not suffice for */
  'GET /v1/credit-usages': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      status?: 'SUCCEEDED' | 'FAILED' | 'REFUNDED' | undefined;
      featureCode?: string | undefined;
    };
    answer: {
      data: Array<CreditUsage>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Users who pay; with a workspace, those who paid for it or tried to */
  'GET /v1/users': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
    };
    answer: {
      data: Array<User>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Users as payers; with a workspace, those who paid for it or tried to */
  'GET /v1/payment-users': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      userId?: string | undefined;
      email?: string | undefined;
      paymentPlatform?: 'STRIPE' | undefined;
    };
    answer: {
      data: Array<PaymentUser>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Money that was paid, or is to be */
  'GET /v1/payments': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      status?: 'PENDING' | 'SUCCEEDED' | 'FAILED' | undefined;
      paymentPlatform?: 'STRIPE' | undefined;
      currency?: string | undefined;
      paymentUserId?: string | undefined;
    };
    answer: {
      data: Array<Payment>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Refunds and disputes of payments, as they stand */
  'GET /v1/reversals': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      kind?: 'REFUND' | 'DISPUTE' | undefined;
      status?: 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'INQUIRY' | 'OPEN' | 'WON' | 'LOST' | undefined;
      paymentId?: string | undefined;
    };
    answer: {
      data: Array<Reversal>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Subscriptions of workspaces */
  'GET /v1/subscriptions': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      status?: 'ACTIVE' | 'CANCELED' | 'PAST_DUE' | 'UNPAID' | 'TRIAL' | undefined;
      plan?: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE' | undefined;
      paymentPlatform?: 'STRIPE' | undefined;
    };
    answer: {
      data: Array<Subscription>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** The engine's answers, refusals included */
  'GET /v1/decisions': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      workspaceId?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      operation?: 'OPENING' | 'USE' | 'GRANT' | 'REFUND' | 'EXPIRE' | 'CLAW_BACK' | 'HOLD' | 'PROGRESS' | 'SETTLE' | 'RELEASE' | undefined;
      featureCode?: string | undefined;
      plan?: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE' | undefined;
      code?: 'invalid_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'workspace_not_found' | 'feature_unknown' | 'model_unknown' | 'feature_not_in_plan' | 'limit_reached' | 'insufficient_credits' | 'idempotency_conflict' | 'hold_not_open' | 'subscription_exists' | 'no_subscription' | 'payment_required' | 'already_refunded' | 'not_refundable' | 'not_replayable' | 'nothing_to_pay' | 'payload_too_large' | 'rate_limited' | 'internal_error' | 'provider_error' | 'unavailable' | 'provider_unavailable' | undefined;
      allowed?: 'true' | 'false' | undefined;
    };
    answer: {
      data: Array<Decision>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** Why: the allowance, credits, price and catalog that a decision was made of */
  'GET /v1/decisions/{id}': {
    input: {
      id: string;
    };
    answer: ExplainedDecision;
  };
  /** What is sold: features, plans, packs and prices; or what was sold in a version of before */
  'GET /v1/catalog': {
    input: {
      /** A version that a decision names; without it, the one that serves. */
      version?: string | undefined;
    };
    answer: Catalog;
  };
  /** Buy credits: a page to pay on; they are granted once Stripe says that it is paid */
  'POST /v1/checkout/credits': {
    input: {
      workspaceId: string;
      user: {
        userId: string;
        email: string;
      };
      pack?: string | undefined;
      /** In major units of the currency. */
      amount?: number | undefined;
      /** Of the amount; of a pack, the catalog's default where it is left out. */
      currency?: string | undefined;
      /** Save the card, so that it can pay for auto top-ups. */
      saveCard?: boolean | undefined;
      successUrl: string;
      cancelUrl: string;
    };
    answer: CreatedCheckout;
  };
  /** Refund a payment or a part of it; the credits that it bought are taken back in proportion */
  'POST /v1/payments/{id}/refund': {
    input: {
      id: string;
      /** In major units of the currency; all that is left where it is left out. */
      amount?: number | undefined;
    };
    answer: Payment;
  };
  /** Subscribe to a plan: a page to pay on; the workspace is on the plan once its first payment is made */
  'POST /v1/checkout/subscription': {
    input: {
      workspaceId: string;
      user: {
        userId: string;
        email: string;
      };
      plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
      interval: 'month' | 'year';
      /** The catalog's default where it is left out. */
      currency?: string | undefined;
      /** The catalog's where it is left out; a workspace has one trial. */
      trialDays?: number | undefined;
      successUrl: string;
      cancelUrl: string;
    };
    answer: CreatedPlanCheckout;
  };
  /** What another plan or interval would cost and allow; changes nothing */
  'POST /v1/subscriptions/{workspaceId}/preview': {
    input: {
      workspaceId: string;
      plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
      interval: 'month' | 'year';
    };
    answer: SubscriptionPreview;
  };
  /** Another plan or interval: more at once, less when the period ends; the present one gives that up */
  'POST /v1/subscriptions/{workspaceId}/change': {
    input: {
      workspaceId: string;
      plan: 'FREE' | 'BASIC' | 'PRO' | 'ENTERPRISE';
      interval: 'month' | 'year';
    };
    answer: Subscription;
  };
  /** End a subscription, when its period ends or now */
  'POST /v1/subscriptions/{workspaceId}/cancel': {
    input: {
      workspaceId: string;
      at: 'period_end' | 'now';
    };
    answer: Subscription;
  };
  /** Give up an end that was asked for */
  'POST /v1/subscriptions/{workspaceId}/resume': {
    input: {
      workspaceId: string;
    };
    answer: Subscription;
  };
  /** Stripe's page on which a payer manages cards, invoices and plans */
  'POST /v1/portal': {
    input: {
      workspaceId: string;
      user: {
        userId: string;
        email: string;
      };
      returnUrl: string;
    };
    answer: Portal;
  };
  /** Keep a wallet topped up: whenever a use leaves too little, a pack is paid by the saved card */
  'PUT /v1/workspaces/{id}/auto-topup': {
    input: {
      id: string;
      user: {
        userId: string;
        email: string;
      };
      /** Credits: a use that leaves fewer asks for a top-up. */
      threshold: number;
      pack: string;
      /** The catalog's default where it is left out. */
      currency?: string | undefined;
      /** In major units of the currency: what all top-ups of a calendar month, in UTC, may cost together. */
      monthlyMax: number;
      enabled?: boolean | undefined;
    };
    answer: AutoTopUp;
  };
  /** How a wallet is kept topped up, and how the last payment went */
  'GET /v1/workspaces/{id}/auto-topup': {
    input: {
      id: string;
    };
    answer: AutoTopUp;
  };
  /** Keep a wallet topped up no longer */
  'DELETE /v1/workspaces/{id}/auto-topup': {
    input: {
      id: string;
    };
    answer: {
      workspaceId: string;
      deleted: true;
    };
  };
  /** A page on which to pay what could not be paid by the saved card, and to save another one */
  'POST /v1/workspaces/{id}/auto-topup/page': {
    input: {
      id: string;
      successUrl: string;
      cancelUrl: string;
    };
    answer: AutoTopUp;
  };
  /** Save a card without buying anything: a page to enter it on; it can pay for auto top-ups then */
  'POST /v1/checkout/card': {
    input: {
      workspaceId: string;
      user: {
        userId: string;
        email: string;
      };
      successUrl: string;
      cancelUrl: string;
    };
    answer: CardPage;
  };
  /** Stripe's webhook events, and what became of them */
  'GET /v1/stripe-events': {
    input: {
      limit?: number | undefined;
      /** The `nextCursor` of the page before. */
      cursor?: string | undefined;
      /** Created at this time or later. */
      createdAfter?: string | undefined;
      /** Created before this time. */
      createdBefore?: string | undefined;
      status?: 'RECEIVED' | 'APPLIED' | 'IGNORED' | 'FAILED' | undefined;
      type?: string | undefined;
      objectId?: string | undefined;
    };
    answer: {
      data: Array<StripeEvent>;
      hasMore: boolean;
      /** Send it as `cursor` to get the next page; null at the end. */
      nextCursor: string | null;
    };
  };
  /** One webhook event, with what Stripe sent */
  'GET /v1/stripe-events/{id}': {
    input: {
      id: string;
    };
    answer: ShownStripeEvent;
  };
  /** Apply a webhook event again: its object is read anew, and nothing is booked twice */
  'POST /v1/stripe-events/{id}/replay': {
    input: {
      id: string;
    };
    answer: StripeEvent;
  };
  /** Every invariant, over all data */
  'GET /v1/audit': {
    input: object;
    answer: AuditReport;
  };
  /** Move Tollgate's and the simulator's time forward (test mode only) */
  'POST /v1/test/clock': {
    input: {
      now?: string | undefined;
      advanceSeconds?: number | undefined;
    };
    answer: {
      now: string;
    };
  };
};
