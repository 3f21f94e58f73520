import type Stripe from 'stripe';
import { applyEvent } from '../apply.ts';
import type { Reading } from '../change.ts';
import { FOLLOWED_TYPES, objectIdOf } from '../events.ts';
import { keptOf } from '../inbox.ts';
import { keepEvents } from '../store.ts';
import { type Pass, type Run, secondsOf } from './drift.ts';
import { pagesOf } from './pages.ts';
import { findKeptEvents } from './store.ts';

const TYPES_MAX = 20; // Stripe's, for one list
const LIFETIME_MS = 30 * 86_400_000; // Stripe forgets older ones

/**
 * Events that something follows from and that never came, whether Stripe could not deliver them or thinks that it has.
 * What they told of is compared before: they are kept for whoever asks later what happened.
 */
export const events: Pass<Stripe.Event> = {
  async *pages({ services, since, begunAt }: Run) {
    const oldest = Math.max(since.getTime(), begunAt.getTime() - LIFETIME_MS);
    const created = { gte: secondsOf(new Date(oldest)) };
    for (let from = 0; from < FOLLOWED_TYPES.length; from += TYPES_MAX) {
      const types = FOLLOWED_TYPES.slice(from, from + TYPES_MAX);
      yield* pagesOf((at) => services.stripe.events.list({ created, types, ...at }));
    }
  },

  async compare({ services }, page) {
    const kept = await findKeptEvents(
      services.pool,
      page.map(({ id }) => id),
    );
    const missed = page.filter(
      (event) => !kept.has(event.id) && keptOf(event, services.livemode).status === 'RECEIVED',
    );
    return missed.map((object) => ({
      object,
      drift: {
        about: `event ${object.id} (${object.type})`,
        words: 'never came',
        mend: { read: receive(missed), id: objectIdOf(object) ?? object.id },
      },
    }));
  },

  again: async (_run, object) => object,
};

/** Keeps what was missed about an object as if it had come, and works it off together. */
function receive(missed: Stripe.Event[]): Reading {
  return async (services, id) => {
    const about = missed.filter((event) => (objectIdOf(event) ?? event.id) === id);
    const kept = about.map((event) => keptOf(event, services.livemode));
    await keepEvents(services.pool, kept, services.clock.now());
    for (const event of about) await applyEvent(services, event.id); // the first closes the others
    return async () => ({ status: 'APPLIED' });
  };
}
