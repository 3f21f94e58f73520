import type Stripe from 'stripe';
import type { Metadata } from './api/metadata.ts';
import { openJournal } from './journal.ts';
import type { Means } from './payments/means.ts';

/** Everything that the simulator knows, by kind. Rows are never changed in place: a change is another row. */
export type Tables = {
  customer: Stripe.Customer | Stripe.DeletedCustomer;
  product: Stripe.Product;
  price: Stripe.Price;
  session: Stripe.Checkout.Session;
  /** What a session sells, and what its payment intent will be told; its id is the session's. */
  order: Order;
  intent: Stripe.PaymentIntent;
  setup: Stripe.SetupIntent;
  charge: Stripe.Charge;
  refund: Stripe.Refund;
  dispute: Stripe.Dispute;
  paymentMethod: Stripe.PaymentMethod;
  /** How a payment method is charged, which Stripe tells nobody; its id is the method's. */
  key: Key;
  subscription: Stripe.Subscription;
  /** What has been told of a subscription before it came; its id is the subscription's. */
  reminder: Reminder;
  /** The change of a subscription that waits for its invoice; its id is the subscription's. */
  waitingChange: WaitingChange;
  schedule: Stripe.SubscriptionSchedule;
  coupon: Stripe.Coupon;
  promotionCode: Stripe.PromotionCode;
  discount: Stripe.Discount;
  /** A coupon as it was when a discount was given; its id is the discount's. */
  grantedCoupon: Stripe.Coupon;
  testClock: Stripe.TestHelpers.TestClock;
  invoice: Stripe.Invoice;
  invoiceItem: Stripe.InvoiceItem;
  invoicePayment: Stripe.InvoicePayment;
  portalConfiguration: Stripe.BillingPortal.Configuration;
  portalSession: PortalSession;
  event: Stripe.Event;
  endpoint: Endpoint;
  /** What is still to be delivered; written with its event, gone when delivered or given up. */
  delivery: Delivery;
  /** The answers kept for idempotency keys; their id is the key. */
  answer: Answer;
  /** How far the simulator's own time was moved: one row. */
  clock: { id: string; offsetMs: number };
};

export type Order = {
  id: string;
  items: Stripe.LineItem[];
  intent: {
    description: string | null;
    metadata: Metadata;
    receiptEmail: string | null;
    setupFutureUsage: 'off_session' | 'on_session' | null;
    shipping: Stripe.PaymentIntent.Shipping | null;
    statementDescriptor: string | null;
    statementDescriptorSuffix: string | null;
  };
  /** Only of a session that sells a subscription. */
  subscription?: SubscriptionOrder;
};
/** `id` is the subscription's, once it has begun. */
export type SubscriptionOrder = {
  id: string | null;
  description: string | null;
  metadata: Metadata;
  /** What Stripe's `discounts` asks for. */
  discounts?: { coupon?: string; promotion_code?: string }[];
  missingMethod: 'cancel' | 'create_invoice' | 'pause';
  trialDays: number | null;
  trialEnd: number | null;
};
/** `isSetUp`: for payments without the customer. `isSpent`: charged or detached once, so of use to its customer only. */
export type Key = { id: string; means: Means; isSetUp: boolean; isSpent: boolean };
/** The end of a trial, and the renewal, that were announced last. */
export type Reminder = { id: string; trialEnd: number | null; renewal: number | null };
export type WaitingChange = { id: string; invoice: string; change: Partial<Stripe.Subscription> };
/** `setup` is the intent of a card that is being saved through it. */
export type PortalSession = { id: string; session: Stripe.BillingPortal.Session; setup: string | null };
/** `configured` endpoints come from code at every start; the others were created through the API. */
export type Endpoint = {
  id: string;
  endpoint: Stripe.WebhookEndpoint;
  secrets: string[];
  configured: boolean;
};
export type Delivery = { id: string; event: string; endpoint: string; attempts: number };
export type Answer = {
  id: string;
  requestId: string;
  path: string;
  fingerprint: string;
  status: number;
  body: string;
  at: number;
};

export type Name = keyof Tables;
export type Change = ['put', Name, Tables[Name]] | ['drop', Name, string];
type Maps = { [N in Name]: Map<string, Tables[N]> };

/** The rows in memory and, with a file, in a journal that survives a restart and kill -9. */
export class Store {
  /** Called after a write has been kept, with what it changed. */
  onCommit: (changes: Change[]) => void = () => {};
  readonly #maps: Maps = {
    customer: new Map(),
    product: new Map(),
    price: new Map(),
    session: new Map(),
    order: new Map(),
    intent: new Map(),
    setup: new Map(),
    charge: new Map(),
    refund: new Map(),
    dispute: new Map(),
    paymentMethod: new Map(),
    key: new Map(),
    subscription: new Map(),
    reminder: new Map(),
    waitingChange: new Map(),
    schedule: new Map(),
    coupon: new Map(),
    promotionCode: new Map(),
    discount: new Map(),
    grantedCoupon: new Map(),
    testClock: new Map(),
    invoice: new Map(),
    invoiceItem: new Map(),
    invoicePayment: new Map(),
    portalConfiguration: new Map(),
    portalSession: new Map(),
    event: new Map(),
    endpoint: new Map(),
    delivery: new Map(),
    answer: new Map(),
    clock: new Map(),
  };
  readonly #journal: ReturnType<typeof openJournal<Change>> | undefined;
  #writing: { changes: Change[]; undo: (() => void)[] } | undefined;

  constructor(dataFile?: string) {
    if (dataFile === undefined) return;
    this.#journal = openJournal(
      dataFile,
      (change) => this.#apply(change),
      () => this.#everything(),
    );
  }

  get<N extends Name>(name: N, id: string): Tables[N] | undefined {
    return this.#maps[name].get(id);
  }

  /** Oldest first. */
  all<N extends Name>(name: N): Iterable<Tables[N]> {
    return this.#maps[name].values();
  }

  size(name: Name): number {
    return this.#maps[name].size;
  }

  put<N extends Name>(name: N, row: Tables[N]): void {
    const map = this.#maps[name];
    const before = map.get(row.id);
    this.#change(['put', name, row], () => {
      if (before === undefined) map.delete(row.id);
      else map.set(row.id, before);
    });
  }

  drop(name: Name, id: string): void {
    const before = this.#maps[name].get(id);
    if (before === undefined) return;
    this.#change(['drop', name, id], () => this.#apply(['put', name, before]));
  }

  /** Everything that `work` changes is kept together, or nothing of it when it throws. */
  write<T>(work: () => T): T {
    if (this.#writing !== undefined) return work();
    const writing = { changes: [] as Change[], undo: [] as (() => void)[] };
    this.#writing = writing;
    let result: T;
    try {
      result = work();
      if (writing.changes.length > 0) this.#journal?.append(writing.changes);
    } catch (error) {
      for (const undo of writing.undo.reverse()) undo();
      throw error;
    } finally {
      this.#writing = undefined;
    }
    this.onCommit(writing.changes);
    return result;
  }

  /** What `work` would give: all that it changes is undone again. */
  rehearse<T>(work: () => T): T {
    return this.write(() => {
      const { changes, undo } = this.#writing!;
      const [kept, done] = [changes.length, undo.length];
      try {
        return work();
      } finally {
        for (const back of undo.splice(done).reverse()) back();
        changes.length = kept;
      }
    });
  }

  close(): void {
    this.#journal?.close();
  }

  #change(change: Change, undo: () => void): void {
    this.write(() => {
      this.#writing!.changes.push(change);
      this.#writing!.undo.push(undo);
      this.#apply(change);
    });
  }

  #apply(change: Change): void {
    // A change carries a row of its own map; the compiler sees the union of all rows.
    const map = this.#maps[change[1]] as Map<string, Tables[Name]>;
    if (change[0] === 'drop') map.delete(change[2]);
    else map.set(change[2].id, change[2]);
  }

  *#everything(): Iterable<Change> {
    for (const name of Object.keys(this.#maps) as Name[]) {
      for (const row of this.#maps[name].values()) yield ['put', name, row];
    }
  }
}
