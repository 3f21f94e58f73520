import type { FastifyError } from 'fastify';
import { isConnectionLoss } from '../engine/failures.ts';
import { Refusal } from '../lib/errors.ts';

/** Whatever went wrong, as a refusal of the one table. What is not known is a defect, and says nothing of the inside. */
export function errorOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { code, statusCode, message } = error as FastifyError;
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Refusal('invalid_request', 'Send the body as application/json.', { param: 'Content-Type' });
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Refusal('payload_too_large', 'The body is over 1 MiB: send less at once.', {
        param: 'body',
      });
    case 'FST_ERR_BAD_URL':
      return new Refusal('invalid_request', 'The path is not a valid URL.', { param: 'path' });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Refusal('invalid_request', 'The path has an id that is longer than any.', { param: 'path' });
  }
  // Whatever else the framework refuses in a request, such as a body that is shorter than it says.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new Refusal('invalid_request', message, { param: 'body' });
  }
  if (isConnectionLoss(error)) {
    return new Refusal(
      'unavailable',
      'The database cannot be reached: repeat the request with the same Idempotency-Key.',
    );
  }
  return new Refusal(
    'internal_error',
    'Something went wrong inside Tollgate; it has been logged with this requestId.',
  );
}
