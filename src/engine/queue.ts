import { claimsOf } from './batch.ts';
import type { Operation } from './operations.ts';

/** What waits for its turn. */
type Waiting = { operation: Operation };

/** Operations decided and written together: beyond this, one statement would keep the others waiting for too long. */
const BATCH_MAX = 1000;

/**
 * What waits, in its order. Workspaces that somebody else holds have lanes of their own, so that nobody waits behind
 * them: what is for such a workspace goes to its lane for as long as the lane is open.
 */
export class Queue<T extends Waiting> {
  #main: T[] = [];
  readonly #lanes = new Map<string, T[]>();

  /** Whether the main line has anything. */
  get isEmpty(): boolean {
    return this.#main.length === 0;
  }

  push(item: T): void {
    (this.#lanes.get(item.operation.workspaceId) ?? this.#main).push(item);
  }

  /** Puts back what has to be decided again, before all that came later. */
  pushFirst(items: readonly T[]): void {
    const later = this.#main;
    this.#main = [];
    for (const item of items) this.push(item);
    this.#main.push(...later);
  }

  /** The next batch: all that waits, but for what has to see what becomes of something else in it. */
  takeBatch(lane?: string): T[] {
    const waiting = lane === undefined ? this.#main : (this.#lanes.get(lane) ?? []);
    const batch: T[] = [];
    const rest: T[] = [];
    const claimed = new Set<string>();
    for (const item of waiting) {
      const claims = claimsOf(item.operation);
      if (batch.length === BATCH_MAX || claims.some((claim) => claimed.has(claim))) rest.push(item);
      else {
        for (const claim of claims) claimed.add(claim);
        batch.push(item);
      }
    }
    if (lane === undefined) this.#main = rest;
    else this.#lanes.set(lane, rest);
    return batch;
  }

  /** Opens a lane, and moves there what waits for the workspace; false if it is open already. */
  openLane(workspaceId: string): boolean {
    if (this.#lanes.has(workspaceId)) return false;
    const isFor = (item: T) => item.operation.workspaceId === workspaceId;
    this.#lanes.set(workspaceId, this.#main.filter(isFor));
    this.#main = this.#main.filter((item) => !isFor(item));
    return true;
  }

  /** Closes an empty lane. */
  closeLane(workspaceId: string): void {
    this.#lanes.delete(workspaceId);
  }
}
