import type { ColumnType } from "kysely";
export type Generated<T> = T extends ColumnType<infer S, infer I, infer U>
  ? ColumnType<S, I | undefined, U>
  : ColumnType<T, T | undefined, T>;
export type Timestamp = ColumnType<Date, Date | string, Date | string>;

export const PaymentStatus = {
    PENDING: "PENDING",
    SUCCEEDED: "SUCCEEDED",
    FAILED: "FAILED"
} as const;
export type PaymentStatus = (typeof PaymentStatus)[keyof typeof PaymentStatus];
export const ReversalKind = {
    REFUND: "REFUND",
    DISPUTE: "DISPUTE"
} as const;
export type ReversalKind = (typeof ReversalKind)[keyof typeof ReversalKind];
export const ReversalStatus = {
    PENDING: "PENDING",
    SUCCEEDED: "SUCCEEDED",
    FAILED: "FAILED",
    INQUIRY: "INQUIRY",
    OPEN: "OPEN",
    WON: "WON",
    LOST: "LOST"
} as const;
export type ReversalStatus = (typeof ReversalStatus)[keyof typeof ReversalStatus];
export const SubscriptionStatus = {
    ACTIVE: "ACTIVE",
    CANCELED: "CANCELED",
    PAST_DUE: "PAST_DUE",
    UNPAID: "UNPAID",
    TRIAL: "TRIAL"
} as const;
export type SubscriptionStatus = (typeof SubscriptionStatus)[keyof typeof SubscriptionStatus];
export const PlanType = {
    FREE: "FREE",
    BASIC: "BASIC",
    PRO: "PRO",
    ENTERPRISE: "ENTERPRISE"
} as const;
export type PlanType = (typeof PlanType)[keyof typeof PlanType];
export const PaymentPlatform = {
    STRIPE: "STRIPE"
} as const;
export type PaymentPlatform = (typeof PaymentPlatform)[keyof typeof PaymentPlatform];
export const UsageStatus = {
    SUCCEEDED: "SUCCEEDED",
    FAILED: "FAILED",
    REFUNDED: "REFUNDED"
} as const;
export type UsageStatus = (typeof UsageStatus)[keyof typeof UsageStatus];
export const CreditType = {
    PURCHASE: "PURCHASE"
} as const;
export type CreditType = (typeof CreditType)[keyof typeof CreditType];
export const AIUsageType = {
    TEXT_CHAT: "TEXT_CHAT",
    IMAGE_GENERATION: "IMAGE_GENERATION"
} as const;
export type AIUsageType = (typeof AIUsageType)[keyof typeof AIUsageType];
export const GrantType = {
    PURCHASE: "PURCHASE",
    PROMOTION: "PROMOTION",
    ADJUSTMENT: "ADJUSTMENT",
    PLAN: "PLAN",
    OPENING: "OPENING"
} as const;
export type GrantType = (typeof GrantType)[keyof typeof GrantType];
export const OperationType = {
    OPENING: "OPENING",
    USE: "USE",
    GRANT: "GRANT",
    REFUND: "REFUND",
    EXPIRE: "EXPIRE",
    CLAW_BACK: "CLAW_BACK",
    HOLD: "HOLD",
    PROGRESS: "PROGRESS",
    SETTLE: "SETTLE",
    RELEASE: "RELEASE"
} as const;
export type OperationType = (typeof OperationType)[keyof typeof OperationType];
export const HoldStatus = {
    HELD: "HELD",
    SETTLED: "SETTLED",
    RELEASED: "RELEASED"
} as const;
export type HoldStatus = (typeof HoldStatus)[keyof typeof HoldStatus];
export const CheckoutKind = {
    PURCHASE: "PURCHASE",
    TOP_UP: "TOP_UP"
} as const;
export type CheckoutKind = (typeof CheckoutKind)[keyof typeof CheckoutKind];
export const AutoTopUpStatus = {
    READY: "READY",
    PENDING: "PENDING",
    ACTION_REQUIRED: "ACTION_REQUIRED",
    BACKING_OFF: "BACKING_OFF",
    STOPPED: "STOPPED",
    DISABLED: "DISABLED"
} as const;
export type AutoTopUpStatus = (typeof AutoTopUpStatus)[keyof typeof AutoTopUpStatus];
export const CheckoutStatus = {
    OPEN: "OPEN",
    COMPLETE: "COMPLETE",
    EXPIRED: "EXPIRED",
    FAILED: "FAILED"
} as const;
export type CheckoutStatus = (typeof CheckoutStatus)[keyof typeof CheckoutStatus];
export const StripeEventStatus = {
    RECEIVED: "RECEIVED",
    APPLIED: "APPLIED",
    IGNORED: "IGNORED",
    FAILED: "FAILED"
} as const;
export type StripeEventStatus = (typeof StripeEventStatus)[keyof typeof StripeEventStatus];
export type AIUsage = {
    id: string;
    workspaceId: string;
    type: AIUsageType;
    points: number;
    freePoints: number;
    paidPoints: number;
    pageId: string;
    description: string | null;
    status: Generated<UsageStatus>;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type ApiKey = {
    id: string;
    hash: string;
    createdAt: Generated<Timestamp>;
    revokedAt: Timestamp | null;
};
export type AutoTopUp = {
    workspaceId: string;
    paymentUserId: string;
    threshold: string;
    pack: string;
    currency: string;
    monthlyMax: string;
    status: AutoTopUpStatus;
    why: string | null;
    nextTryAt: Timestamp | null;
    declines: Generated<number>;
    checkoutId: string | null;
    cardId: string | null;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type CatalogVersion = {
    version: string;
    content: unknown;
    servedFrom: Generated<Timestamp>;
};
export type Checkout = {
    id: string;
    workspaceId: string;
    paymentUserId: string;
    kind: Generated<CheckoutKind>;
    status: CheckoutStatus;
    pack: string | null;
    amount: string;
    currency: string;
    credits: string | null;
    plan: PlanType | null;
    interval: string | null;
    trialDays: number | null;
    sessionId: string | null;
    url: string | null;
    expiresAt: Timestamp | null;
    rereadAt: Timestamp | null;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type Credit = {
    id: string;
    workspaceId: string;
    balance: Generated<string>;
    total: Generated<string>;
    totalUsage: Generated<string>;
    expired: Generated<string>;
    clawedBack: Generated<string>;
    debt: Generated<string>;
    held: Generated<string>;
    topUpBelow: string | null;
    version: Generated<string>;
    paymentUserId: string | null;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type CreditGrant = {
    id: string;
    workspaceId: string;
    type: GrantType;
    amount: string;
    remaining: string;
    expired: Generated<string>;
    clawedBack: Generated<string>;
    reversed: Generated<string>;
    debt: Generated<string>;
    priority: Generated<number>;
    expiresAt: Timestamp | null;
    description: string;
    creditRecordId: string | null;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type CreditRecord = {
    id: string;
    amount: string;
    type: CreditType;
    workspaceId: string;
    paymentUserId: string;
    paymentId: string | null;
    description: string | null;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type CreditUsage = {
    id: string;
    workspaceId: string;
    featureCode: string;
    amount: string;
    description: string;
    status: UsageStatus;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type DebtPayment = {
    debtorId: string;
    payerId: string;
    workspaceId: string;
    amount: string;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type Decision = {
    id: string;
    workspaceId: string;
    operation: OperationType;
    featureCode: string | null;
    amount: string;
    code: string | null;
    fromAllowance: Generated<string>;
    fromCredits: Generated<string>;
    creditCost: Generated<string>;
    periodStart: Timestamp | null;
    refundOf: string | null;
    plan: PlanType;
    catalogVersion: string;
    idempotencyKey: string | null;
    fingerprint: string | null;
    reasons: unknown;
    createdAt: Generated<Timestamp>;
};
export type FeatureUsage = {
    id: string;
    workspaceId: string;
    featureCode: string;
    periodStart: Timestamp;
    periodEnd: Timestamp | null;
    used: string;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type Hold = {
    id: string;
    workspaceId: string;
    featureCode: string;
    amount: string;
    fromAllowance: string;
    fromCredits: string;
    creditCost: string;
    sources: unknown;
    creditsPerUnit: string | null;
    periodStart: Timestamp | null;
    periodEnd: Timestamp | null;
    aiType: AIUsageType | null;
    pageId: string | null;
    work: unknown | null;
    status: Generated<HoldStatus>;
    progressAmount: Generated<string>;
    settledAmount: string | null;
    endedBy: string | null;
    ttlSeconds: number;
    expiresAt: Timestamp;
    onExpire: string;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type IdempotentRequest = {
    key: string;
    fingerprint: string;
    status: number | null;
    body: unknown | null;
    createdAt: Generated<Timestamp>;
};
export type PaidPeriod = {
    id: string;
    workspaceId: string;
    subscriptionId: string;
    invoiceId: string;
    paymentId: string | null;
    plan: PlanType;
    startDate: Timestamp;
    endDate: Timestamp;
    createdAt: Generated<Timestamp>;
};
export type Payment = {
    id: string;
    amount: string;
    currency: string;
    status: PaymentStatus;
    paymentPlatform: PaymentPlatform;
    paymentId: string;
    paymentUserId: string;
    workspaceId: string | null;
    credits: string | null;
    checkoutId: string | null;
    invoiceId: string | null;
    refunded: Generated<string>;
    disputed: Generated<string>;
    readingsBegun: Generated<number>;
    readingApplied: Generated<number>;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type PaymentUser = {
    id: string;
    userId: string;
    email: string;
    paymentPlatform: PaymentPlatform;
    customerId: string | null;
    readingsBegun: Generated<number>;
    readingApplied: Generated<number>;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type PlanCredit = {
    workspaceId: string;
    subscriptionId: string;
    month: Timestamp;
    plan: PlanType;
    amount: string;
    grantId: string;
    paymentId: string | null;
    createdAt: Generated<Timestamp>;
};
export type RefundRequest = {
    id: string;
    paymentId: string;
    amount: string;
    asked: string | null;
    requestKey: string | null;
    createdAt: Generated<Timestamp>;
};
export type Reversal = {
    id: string;
    paymentId: string;
    workspaceId: string | null;
    kind: ReversalKind;
    amount: string;
    currency: string;
    status: ReversalStatus;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type Simulator = {
    id: Generated<number>;
    journal: string;
    url: string | null;
};
export type StripeEvent = {
    id: string;
    type: string;
    objectId: string | null;
    livemode: boolean;
    payload: unknown;
    status: Generated<StripeEventStatus>;
    attempts: Generated<number>;
    error: string | null;
    receivedAt: Generated<Timestamp>;
    appliedAt: Timestamp | null;
};
export type Subscription = {
    id: string;
    paymentPlatform: PaymentPlatform;
    subscriptionId: string;
    status: SubscriptionStatus;
    workspaceId: string;
    plan: PlanType;
    startDate: Timestamp;
    endDate: Timestamp;
    allowanceAnchor: Timestamp | null;
    trialEnd: Timestamp | null;
    graceUntil: Timestamp | null;
    cancelAt: Timestamp | null;
    endReason: string | null;
    interval: string | null;
    currency: string | null;
    paymentUserId: string | null;
    pendingPlan: PlanType | null;
    pendingInterval: string | null;
    pendingAt: Timestamp | null;
    createdAt: Generated<Timestamp>;
    updatedAt: Generated<Timestamp>;
};
export type TestClock = {
    id: Generated<number>;
    offsetMs: Generated<string>;
};
export type User = {
    id: string;
    createdAt: Generated<Timestamp>;
};
export type Workspace = {
    id: string;
    name: string;
    createdAt: Generated<Timestamp>;
};
export type DB = {
    AIUsage: AIUsage;
    ApiKey: ApiKey;
    AutoTopUp: AutoTopUp;
    CatalogVersion: CatalogVersion;
    Checkout: Checkout;
    Credit: Credit;
    CreditGrant: CreditGrant;
    CreditRecord: CreditRecord;
    CreditUsage: CreditUsage;
    DebtPayment: DebtPayment;
    Decision: Decision;
    FeatureUsage: FeatureUsage;
    Hold: Hold;
    IdempotentRequest: IdempotentRequest;
    PaidPeriod: PaidPeriod;
    Payment: Payment;
    PaymentUser: PaymentUser;
    PlanCredit: PlanCredit;
    RefundRequest: RefundRequest;
    Reversal: Reversal;
    Simulator: Simulator;
    StripeEvent: StripeEvent;
    Subscription: Subscription;
    TestClock: TestClock;
    User: User;
    Workspace: Workspace;
};
