import type { Code } from './types.ts';

/** What a refusal says beside its code, for the codes that a client acts on. */
export type DetailsByCode = {
  feature_not_in_plan: { plansWithFeature: string[] };
  limit_reached: { limit: number; used: number; resetsAt: string | null; affordable: number };
  insufficient_credits: {
    required: number;
    available: number;
    /** The largest amount that would pass now. */
    affordable: number;
    creditUsageId: string;
  };
  payment_required: { url: string };
  /** What has become of the hold: expired, it is RELEASED or SETTLED by its `onExpire`. */
  hold_not_open: { status: 'SETTLED' | 'RELEASED' };
  model_unknown: { model: string; kind: 'tokens' | 'images' };
};

export type DetailsOf<C extends Code> = C extends keyof DetailsByCode
  ? DetailsByCode[C]
  : Record<string, unknown> | undefined;

/** Whatever a call may throw, but for the reason of your own AbortSignal. */
export abstract class TollgateError extends Error {
  /** What the call was made with: where it is not known whether it was done, repeat it with the same key. */
  readonly idempotencyKey: string | undefined;

  constructor(message: string, more: { cause?: unknown; idempotencyKey?: string | undefined } = {}) {
    super(message, 'cause' in more ? { cause: more.cause } : undefined);
    this.idempotencyKey = more.idempotencyKey;
  }
}

/** The error object of an answer. */
export type ErrorBody = {
  type: string;
  code: Code;
  message: string;
  param?: string;
  details?: Record<string, unknown>;
  requestId: string;
};

/** Tollgate answered with an error: a code of the one table, and what to do. */
export class Refusal<C extends Code = Code> extends TollgateError {
  override readonly name = 'Refusal';
  readonly code: C;
  readonly status: number;
  /** The field that is wrong. */
  readonly param: string | undefined;
  readonly details: DetailsOf<C>;
  readonly requestId: string;

  constructor(status: number, body: ErrorBody, idempotencyKey?: string) {
    super(body.message, { idempotencyKey });
    this.code = body.code as C;
    this.status = status;
    this.param = body.param;
    this.details = body.details as DetailsOf<C>;
    this.requestId = body.requestId;
  }
}

/** No answer of Tollgate's came: no connection, a lost answer, or an error of something in between. */
export class Unreachable extends TollgateError {
  override readonly name: string = 'Unreachable';
}

/** No answer came in time. Whether it was done is not known. */
export class TimedOut extends Unreachable {
  override readonly name = 'TimedOut';
}

/** What answers there is not Tollgate, such as a proxy that knows no such page: see `url`. */
export class ForeignAnswer extends TollgateError {
  override readonly name = 'ForeignAnswer';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** A refusal that is told apart by its `code`: each has the details of its own. */
export type RefusalOf<C extends Code = Code> = { [K in C]: Refusal<K> }[C];

/**
 * Whether it is a refusal, with one of these codes if any are given:
 *
 *     if (isRefusal(error, 'limit_reached', 'insufficient_credits')) return clampTo(error.details.affordable);
 */
export function isRefusal<C extends Code = Code>(error: unknown, ...codes: C[]): error is RefusalOf<C> {
  return error instanceof Refusal && (codes.length === 0 || codes.includes(error.code as C));
}
