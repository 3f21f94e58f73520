import { ask, KEPT_FAILURE, statusOf } from './client.ts';

const KEYS_MAX = 3; // each of them would have to meet a failure of its own that Stripe keeps

/**
 * Makes something at Stripe under a key that follows from what is asked, so that whoever repeats it makes nothing twice.
 * Stripe keeps a 500 for its key, too, whether it came before the effect or after it: asking again is in vain until the
 * key is forgotten. So after a failure of Stripe's it is looked for; what is not there is asked for under the next key.
 */
export async function makeOnce<T>(
  key: string,
  make: (options: { idempotencyKey: string }) => Promise<T>,
  find: () => Promise<T | null>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await ask(() => make({ idempotencyKey: tried === 1 ? key : `${key}-${tried}` }));
    } catch (error) {
      const status = statusOf(error);
      if (status < 500) throw error;
      const made = await find();
      if (made !== null) return made;
      // Anything else is not kept: the same key does it once Stripe can.
      if (status !== KEPT_FAILURE || tried === KEYS_MAX) throw error;
    }
  }
}

/** For what has no further effect when it is done again: nothing has to be looked for. */
export const REPEATABLE = async (): Promise<null> => null;
