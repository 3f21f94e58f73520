import type { State } from './state.ts';

/**
 * The states that the engine has seen. Two generations: what is asked for moves to the young one; when that is full, it
 * becomes the old one, and what nobody asked for meanwhile is forgotten. Nothing has to be sorted or taken out.
 */
export class States {
  readonly #limit: number;
  #young = new Map<string, State>();
  #old = new Map<string, State>();

  /** `limit`: how many are kept at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(workspaceId: string): State | undefined {
    const young = this.#young.get(workspaceId);
    if (young !== undefined) return young;
    const old = this.#old.get(workspaceId);
    if (old !== undefined) this.keep(old);
    return old;
  }

  keep(state: State): void {
    this.#young.set(state.workspaceId, state);
    if (this.#young.size < this.#limit / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  forget(workspaceId: string): void {
    this.#young.delete(workspaceId);
    this.#old.delete(workspaceId);
  }
}
