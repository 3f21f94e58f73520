/**
 * Every code that Tollgate answers with: its HTTP status, and what it means to a client.
 * Statuses, the OpenAPI document, types and docs come from this table.
 */
export const CODES = {
  invalid_request: { status: 400, meaning: 'The request is malformed; `param` names the field.' },
  unauthorized: { status: 401, meaning: 'The API key is missing or unknown.' },
  forbidden: { status: 403, meaning: 'This key may not do this.' },
  not_found: { status: 404, meaning: 'There is no object with that id.' },
  workspace_not_found: { status: 404, meaning: 'There is no such workspace; create it first.' },
  feature_unknown: { status: 404, meaning: 'The catalog has no such `featureCode`.' },
  model_unknown: {
    status: 404,
    meaning: 'The catalog has no price for the model; `details.model`, `details.kind`. Nothing was charged.',
  },
  feature_not_in_plan: {
    status: 403,
    meaning: 'The plan lacks the feature; `details.plansWithFeature` lists those that have it.',
  },
  limit_reached: {
    status: 402,
    meaning:
      'More than is left of the allowance, and nothing may be bought beyond it; `details.resetsAt`, `details.affordable`.',
  },
  insufficient_credits: {
    status: 402,
    meaning:
      'Credits cannot pay what the allowance does not cover; `details.required`, `details.available`, `details.affordable`.',
  },
  idempotency_conflict: { status: 409, meaning: 'The idempotency key was used for another request.' },
  hold_not_open: {
    status: 409,
    meaning: 'The hold was settled or released, or has expired; `details.status` says which.',
  },
  subscription_exists: { status: 409, meaning: 'The workspace has a subscription; change that one.' },
  no_subscription: { status: 409, meaning: 'The workspace has no subscription that goes on.' },
  payment_required: {
    status: 402,
    meaning: 'A payment has to be made first: the payer does so at `details.url`.',
  },
  already_refunded: { status: 409, meaning: 'It was refunded before.' },
  not_refundable: {
    status: 409,
    meaning: 'It did not succeed, is disputed, or was paid outside Stripe: there is nothing to refund.',
  },
  not_replayable: {
    status: 409,
    meaning: 'Nothing would follow from the event if it were applied again; the message says why.',
  },
  nothing_to_pay: { status: 409, meaning: 'No payment waits for its payer; the message says why.' },
  payload_too_large: { status: 413, meaning: 'The body is over 1 MiB, or has over 1000 items.' },
  rate_limited: { status: 429, meaning: 'Too much at once; try again after `Retry-After` seconds.' },
  internal_error: { status: 500, meaning: 'A defect of Tollgate; report it with the `requestId`.' },
  provider_error: { status: 502, meaning: 'Stripe refused the call; nothing was booked.' },
  unavailable: { status: 503, meaning: 'The database cannot be reached; repeat with the same key.' },
  provider_unavailable: { status: 503, meaning: 'Stripe could not be reached; nothing was booked.' },
} as const satisfies Record<string, { status: number; meaning: string }>;

export type Code = keyof typeof CODES;

/** Whether the same request may well be answered otherwise in a moment. */
export function isTransient(code: Code): boolean {
  return CODES[code].status >= 429;
}

export type RefusalBody = {
  type: 'invalid_request_error' | 'authentication_error' | 'refusal' | 'api_error';
  code: Code;
  message: string;
  param?: string;
  details?: Record<string, unknown>;
};

/** An expected no. The message says what to do; the code is one of the table's. */
export class Refusal extends Error {
  readonly code: Code;
  readonly param: string | undefined;
  readonly details: Record<string, unknown> | undefined;
  /** It is an earlier answer that is given again. */
  readonly replayed: boolean;
  /** Of an earlier answer: the request that it was given to first. */
  readonly requestId: string | undefined;

  constructor(
    code: Code,
    message: string,
    more: {
      param?: string;
      details?: Record<string, unknown>;
      replayed?: boolean;
      requestId?: string | undefined;
    } = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.param = more.param;
    this.details = more.details;
    this.replayed = more.replayed ?? false;
    this.requestId = more.requestId;
  }

  get status(): number {
    return CODES[this.code].status;
  }

  /** The same for a request that has the field inside another one. */
  inside(field: string): Refusal {
    const { code, message, details, replayed, requestId } = this;
    const isNamed = message.startsWith(`${this.param}: `);
    return new Refusal(code, isNamed ? `${field}.${message}` : message, {
      param: this.param === undefined ? field : `${field}.${this.param}`,
      ...(details === undefined ? {} : { details }),
      ...{ replayed, requestId },
    });
  }

  /** The `error` object of the answer, without its `requestId`. */
  toBody(): RefusalBody {
    return {
      type: typeOf(this.code),
      code: this.code,
      message: this.message,
      ...(this.param === undefined ? {} : { param: this.param }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

function typeOf(code: Code): RefusalBody['type'] {
  const { status } = CODES[code];
  if (code === 'unauthorized' || code === 'forbidden') return 'authentication_error';
  if (status >= 500) return 'api_error';
  return status === 402 || status === 403 || status === 409 ? 'refusal' : 'invalid_request_error';
}
