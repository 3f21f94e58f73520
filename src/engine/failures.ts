/** Postgres' codes for "somebody else was there": nothing was written, and the same may be tried again. */
const CONTENTION = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
]);

/** The connection is gone, or never was: whether the statement took effect is not known. */
const LOSS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT', // the embedded Postgres' socket, while it starts again
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
]);

export function isContention(error: unknown): boolean {
  return CONTENTION.has(codeOf(error));
}

export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  if (LOSS.has(code) || code.startsWith('08')) return true;
  // node-postgres has no code for a connection that ended under a query, or that could not be had in time.
  return (
    error instanceof Error &&
    code === '' &&
    /connection (terminated|timeout)|timeout exceeded|not queryable|Client was closed/i.test(error.message)
  );
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
