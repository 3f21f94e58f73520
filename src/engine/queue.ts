import { claimsOf } from './batch.ts';
import type { Operation } from './operations.ts';

/** What waits for its turn. */
type Waiting = { operation: Operation };

/**
 * What waits, by workspace, in its order. A workspace is in one batch at a time, and so is each thing that only one
 * operation may claim: batches that are under way together have nothing to do with each other. Workspaces that somebody
 * else holds have lanes of their own, so that nobody waits behind them.
 */
export class Queue<T extends Waiting> {
  readonly #waiting = new Map<string, T[]>();
  #length = 0;
  readonly #taken = new Set<string>();
  readonly #claimed = new Set<string>();
  readonly #lanes = new Set<string>();

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** How many wait for one workspace. */
  lengthOf(workspaceId: string): number {
    return this.#waiting.get(workspaceId)?.length ?? 0;
  }

  push(item: T): void {
    const { workspaceId } = item.operation;
    const others = this.#waiting.get(workspaceId);
    if (others === undefined) this.#waiting.set(workspaceId, [item]);
    else others.push(item);
    this.#length++;
  }

  /** Ends a batch; what of it has to be decided again goes before what came later for its workspace. */
  putBack(batch: readonly T[], again: readonly T[]): void {
    for (const { operation } of batch) {
      this.#taken.delete(operation.workspaceId);
      for (const claim of claimsOf(operation)) this.#claimed.delete(claim);
    }
    for (const [workspaceId, items] of Map.groupBy(again, ({ operation }) => operation.workspaceId))
      this.#waiting.set(workspaceId, [...items, ...(this.#waiting.get(workspaceId) ?? [])]);
    this.#length += again.length;
  }

  /** The next batch of the main line: whole workspaces, up to about a limit. */
  take(limit: number): T[] {
    const batch: T[] = [];
    for (const workspaceId of this.#waiting.keys()) {
      if (batch.length >= limit) break;
      if (!this.#lanes.has(workspaceId)) this.#takeOf(workspaceId, limit, batch);
    }
    return batch;
  }

  /** The next batch of a lane. */
  takeLane(workspaceId: string, limit: number): T[] {
    const batch: T[] = [];
    this.#takeOf(workspaceId, limit, batch);
    return batch;
  }

  #takeOf(workspaceId: string, limit: number, batch: T[]): void {
    const waiting = this.#waiting.get(workspaceId);
    if (waiting === undefined || this.#taken.has(workspaceId)) return;
    const before = batch.length;
    const rest: T[] = [];
    for (const item of waiting) {
      if (batch.length < limit && this.#claim(item)) batch.push(item);
      else rest.push(item);
    }
    if (batch.length === before) return;
    this.#taken.add(workspaceId);
    this.#length -= batch.length - before;
    // What is left goes behind all others: a workspace that never runs dry would keep them waiting for ever.
    this.#waiting.delete(workspaceId);
    if (rest.length > 0) this.#waiting.set(workspaceId, rest);
  }

  #claim({ operation }: T): boolean {
    const claims = claimsOf(operation);
    if (claims.some((claim) => this.#claimed.has(claim))) return false;
    for (const claim of claims) this.#claimed.add(claim);
    return true;
  }

  /** Opens a lane for a workspace; false if it is open already, or the workspace in a batch. */
  openLane(workspaceId: string): boolean {
    if (this.#lanes.has(workspaceId) || this.#taken.has(workspaceId)) return false;
    this.#lanes.add(workspaceId);
    return true;
  }

  closeLane(workspaceId: string): void {
    this.#lanes.delete(workspaceId);
  }
}
