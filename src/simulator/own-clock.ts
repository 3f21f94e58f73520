import { MovableClock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import type { Store } from './store.ts';

/** The time of a simulator that was given none: the machine's, moved forward at will, and kept with the rest. */
export class OwnClock extends MovableClock {
  #store: Store | undefined;

  /** Goes on from where an earlier run was. */
  keepIn(store: Store): void {
    this.#store = store;
    this.offsetMs = store.get('clock', ID)?.offsetMs ?? 0;
  }

  /** Only forward: what has happened stays in the past. */
  moveTo(ms: number): void {
    const now = this.now().getTime();
    if (ms < now) {
      throw new Refusal(
        'invalid_request',
        `The clock only goes forward: it is ${new Date(now).toISOString()}.`,
      );
    }
    this.offsetMs += ms - now;
    this.#store?.put('clock', { id: ID, offsetMs: this.offsetMs });
  }
}

const ID = 'clock'; // the only row of its table
