import type { State } from './state.ts';

/** The states that the engine has seen, the least recently used forgotten first. */
export class States {
  readonly #limit: number;
  readonly #kept = new Map<string, State>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(workspaceId: string): State | undefined {
    const state = this.#kept.get(workspaceId);
    if (state !== undefined) this.keep(state);
    return state;
  }

  keep(state: State): void {
    // A map keeps the order of insertion: what is put in anew is the most recent.
    this.#kept.delete(state.workspaceId);
    this.#kept.set(state.workspaceId, state);
    if (this.#kept.size > this.#limit) this.#kept.delete(this.#kept.keys().next().value!);
  }

  forget(workspaceId: string): void {
    this.#kept.delete(workspaceId);
  }
}
