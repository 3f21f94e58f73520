import type pg from 'pg';
import type { Catalog, Interval, Plan } from '../catalog/types.ts';
import type { PaymentStatus } from '../db/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { Micros } from '../lib/amounts.ts';
import type { Clock } from '../lib/clock.ts';

/** What the verbs of payments work with. */
export type PaymentServices = { pool: pg.Pool; engine: Engine; catalog: Catalog; clock: Clock };

/** Who pays. `customerId` is the provider's name for them, once they have one. */
export type Payer = { id: string; email: string; customerId: string | null };

/** One purchase that was begun. Money in micro-units of the major unit; of a plan, what each interval costs. */
export type Checkout<B extends Buys = Buys> = {
  id: string;
  workspaceId: string;
  payer: Payer;
  kind: CheckoutKind;
  status: 'OPEN' | 'COMPLETE' | 'EXPIRED' | 'FAILED';
  buys: B;
  amount: Micros;
  currency: string;
  sessionId: string | null;
};

/** Whether somebody came to buy, or a wallet is kept topped up. */
export type CheckoutKind = 'PURCHASE' | 'TOP_UP';

/** What a checkout is for: credits, or a plan that is billed from then on. */
export type Buys = BuysCredits | BuysPlan;
export type BuysCredits = { type: 'credits'; pack: string | null; credits: Micros };
export type BuysPlan = { type: 'plan'; plan: Plan; interval: Interval; trialDays: number | null };

/** How an invoice of a subscription stands. Money in micro-units of the major unit. */
export type InvoicePayment = {
  /** The provider's names of the invoice and of its payment. */
  invoiceId: string;
  paymentId: string;
  status: PaymentStatus;
  amount: Micros;
  currency: string;
  workspaceId: string;
  paymentUserId: string;
};
