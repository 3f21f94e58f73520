import { Recent } from './recent.ts';
import type { State } from './state.ts';

/** The states that the engine has seen. */
export class States {
  readonly #recent: Recent<State>;

  /** `limit`: how many are kept at most. */
  constructor(limit: number) {
    this.#recent = new Recent(limit);
  }

  get(workspaceId: string): State | undefined {
    return this.#recent.get(workspaceId);
  }

  keep(state: State): void {
    this.#recent.set(state.workspaceId, state);
  }

  forget(workspaceId: string): void {
    this.#recent.delete(workspaceId);
  }
}
