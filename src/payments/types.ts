import type pg from 'pg';
import type { Catalog } from '../catalog/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { Micros } from '../lib/amounts.ts';
import type { Clock } from '../lib/clock.ts';

/** What the verbs of payments work with. */
export type PaymentServices = { pool: pg.Pool; engine: Engine; catalog: Catalog; clock: Clock };

/** Who pays. `customerId` is the provider's name for them, once they have one. */
export type Payer = { id: string; email: string; customerId: string | null };

/** One purchase of credits that was begun. Money in micro-units of the major unit. */
export type Checkout = {
  id: string;
  workspaceId: string;
  payer: Payer;
  status: 'OPEN' | 'COMPLETE' | 'EXPIRED' | 'FAILED';
  pack: string | null;
  amount: Micros;
  currency: string;
  credits: Micros;
  sessionId: string | null;
};
