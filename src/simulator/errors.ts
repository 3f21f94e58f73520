/** A refusal in Stripe's words: its HTTP status and the `error` object of the answer. */
export class StripeError extends Error {
  override name = 'StripeError';
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Record<string, string>;

  constructor(status: number, body: ErrorBody, headers: Record<string, string> = {}) {
    super(body.message);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export type ErrorBody = {
  type: 'invalid_request_error' | 'idempotency_error' | 'card_error' | 'api_error';
  code?: string;
  decline_code?: string;
  doc_url?: string;
  message: string;
  param?: string;
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
