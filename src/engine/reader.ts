import type { Clock } from '../lib/clock.ts';
import { loadStates, readVersions } from './load.ts';
import type { State } from './state.ts';
import type { States } from './states.ts';
import type { Queryable } from './store.ts';

type Waiting = { resolve(state: State | null): void; reject(error: unknown): void };

/**
 * Reads present states: while one read is in flight, questions wait, and everything that waits is the next read.
 * A kept state is used only if its version is still the one in the database at the time of asking.
 */
export class Reader {
  readonly #clock: Clock;
  readonly #db: Queryable;
  readonly #states: States;
  #waiting = new Map<string, Waiting[]>();
  #isReading = false;

  constructor(db: Queryable, states: States, clock: Clock) {
    this.#clock = clock;
    this.#db = db;
    this.#states = states;
  }

  /** The present state, or null if there is no such workspace. */
  read(workspaceId: string): Promise<State | null> {
    return new Promise((resolve, reject) => {
      const others = this.#waiting.get(workspaceId);
      if (others === undefined) this.#waiting.set(workspaceId, [{ resolve, reject }]);
      else others.push({ resolve, reject });
      if (this.#isReading) return;
      this.#isReading = true;
      // After the requests that arrived together have all been parsed.
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const asked = this.#waiting;
      this.#waiting = new Map();
      try {
        const states = await this.#present([...asked.keys()]);
        for (const [id, waiting] of asked) for (const { resolve } of waiting) resolve(states.get(id) ?? null);
      } catch (error) {
        for (const waiting of asked.values()) for (const { reject } of waiting) reject(error);
      }
    }
    this.#isReading = false;
  }

  async #present(ids: string[]): Promise<Map<string, State>> {
    const kept = new Map<string, State>();
    for (const id of ids) {
      const state = this.#states.get(id);
      if (state !== undefined) kept.set(id, state);
    }
    const versions =
      kept.size === 0 ? new Map<string, number>() : await readVersions(this.#db, [...kept.keys()]);
    const present = new Map<string, State>();
    for (const [id, state] of kept) if (versions.get(id) === state.version) present.set(id, state);
    const stale = ids.filter((id) => !present.has(id));
    if (stale.length === 0) return present;
    for (const [id, state] of await loadStates(this.#db, stale, this.#clock.now().getTime())) {
      this.#states.keep(state);
      present.set(id, state);
    }
    return present;
  }
}
