import type { Micros } from '../lib/amounts.ts';
import type { Payer } from '../payments/payments.ts';

/** How a wallet is kept topped up. Credits and money in micro-units, money of the major unit. */
export type TopUp = Settings & {
  workspaceId: string;
  payer: Payer;
  status: Status;
  why: string | null;
  nextTryAt: Date | null;
  declines: number;
  checkoutId: string | null;
  cardId: string | null;
};

/** A balance below the threshold is topped up by the pack; all of a calendar month, in UTC, costs no more than that. */
export type Settings = { threshold: Micros; pack: string; currency: string; monthlyMax: Micros };

export type Status = 'READY' | 'PENDING' | 'ACTION_REQUIRED' | 'BACKING_OFF' | 'STOPPED' | 'DISABLED';

/** Where a top-up does not go on: why, and when it will by itself. */
export type Pause = {
  status: 'ACTION_REQUIRED' | 'BACKING_OFF' | 'STOPPED';
  why: string;
  nextTryAt: Date | null;
};

/** What an operator is told, once. */
export type Notice = string | null;
