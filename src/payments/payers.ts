import type { Queryable } from '../engine/store.ts';
import { Refusal } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { findPayer, forgetCustomer, insertPayer, lockUser, replaceCustomer, updateEmail } from './store.ts';
import type { Payer, PaymentServices } from './types.ts';

/**
 * The payer that a user is: one, however many checkouts begin at once. A new e-mail replaces the old one; an e-mail
 * that is somebody else's is refused. E-mails come trimmed and in lower case.
 */
export async function findOrMakePayer(
  tx: Queryable,
  { userId, email }: { userId: string; email: string },
  now: Date,
): Promise<Payer> {
  await lockUser(tx, userId, now);
  const found = await findPayer(tx, userId, email);
  if (found?.email === email) return found;
  const payer: Payer = { id: found?.id ?? newId('pu'), email, customerId: found?.customerId ?? null };
  try {
    if (found === undefined) await insertPayer(tx, payer, userId, now);
    else await updateEmail(tx, payer.id, email, now);
  } catch (error) {
    throw isTaken(error) ? emailTaken() : error;
  }
  return payer;
}

/** Keeps the customer that was made for a payer. Of two made at once, the first stays and is the answer. */
export async function linkCustomer(
  { pool, clock }: PaymentServices,
  payer: Payer,
  customerId: string,
): Promise<string> {
  return replaceCustomer(pool, payer, customerId, clock.now());
}

/** Forgets a customer that the provider has no more. */
export async function unlinkCustomer(
  { clock }: Pick<PaymentServices, 'clock'>,
  tx: Queryable,
  customerId: string,
): Promise<void> {
  await forgetCustomer(tx, customerId, clock.now());
}

const UNIQUE_VIOLATION = '23505';

function isTaken(error: unknown): boolean {
  return (error as { code?: string }).code === UNIQUE_VIOLATION;
}

function emailTaken(): Refusal {
  return new Refusal(
    'invalid_request',
    'user.email belongs to another user: send that userId, or another e-mail.',
    { param: 'user.email' },
  );
}
