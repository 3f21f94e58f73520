import type Stripe from 'stripe';

/** A refusal in Stripe's words: its HTTP status and the `error` object of the answer. */
export class StripeError extends Error {
  override name = 'StripeError';
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Record<string, string>;
  /** Whether what was done until then stays done; a refusal undoes it. */
  readonly stays: boolean;

  constructor(
    status: number,
    body: ErrorBody,
    { headers = {}, stays = false }: { headers?: Record<string, string>; stays?: boolean } = {},
  ) {
    super(body.message);
    this.status = status;
    this.body = body;
    this.headers = headers;
    this.stays = stays;
  }
}

export type ErrorBody = {
  type: 'invalid_request_error' | 'idempotency_error' | 'card_error' | 'api_error';
  advice_code?: string;
  charge?: string;
  code?: string;
  decline_code?: string;
  doc_url?: string;
  message: string;
  param?: string;
  payment_intent?: Stripe.PaymentIntent;
  payment_method?: Stripe.PaymentMethod;
  setup_intent?: Stripe.SetupIntent;
};

/** The commonest refusal: 400 `invalid_request_error`. */
export function invalid(message: string, more: { code?: string; param?: string } = {}): StripeError {
  return new StripeError(400, { type: 'invalid_request_error', message, ...withDocUrl(more) });
}

/** What Stripe answers for an object that does not exist: 404 when the path names it, 400 when a parameter does. */
export function noSuch(thing: string, id: string, param = 'id'): StripeError {
  return new StripeError(param === 'id' ? 404 : 400, {
    type: 'invalid_request_error',
    message: `No such ${thing}: '${id}'`,
    ...withDocUrl({ code: 'resource_missing', param }),
  });
}

/** Why a payment did not go through, in Stripe's words. `code` only, where no bank was asked. */
export type Decline = {
  code: string;
  declineCode: string | null;
  adviceCode: string | null;
  message: string;
};

/** 402: the request was right, and the bank said no. The intent that is told along is kept as it is told. */
export function cardError(
  { code, declineCode, adviceCode, message }: Decline,
  more: Pick<ErrorBody, 'charge' | 'payment_intent' | 'payment_method' | 'setup_intent'> = {},
): StripeError {
  const body: ErrorBody = {
    type: 'card_error',
    ...(adviceCode === null ? {} : { advice_code: adviceCode }),
    ...(declineCode === null ? {} : { decline_code: declineCode }),
    message,
    ...more,
    ...withDocUrl({ code }),
  };
  const stays = more.payment_intent !== undefined || more.setup_intent !== undefined;
  return new StripeError(402, body, { stays });
}

export function withDocUrl<T extends { code?: string }>(more: T): T & { doc_url?: string } {
  if (more.code === undefined) return more;
  return { ...more, doc_url: `https://stripe.com/docs/error-codes/${more.code.replaceAll('_', '-')}` };
}

/** Another request holds the idempotency key. */
export function keyInUse(key: string): StripeError {
  return new StripeError(409, {
    type: 'idempotency_error',
    message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    ...withDocUrl({ code: 'idempotency_key_in_use' }),
  });
}
