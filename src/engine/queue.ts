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
  #waiting = new Map<string, T[]>();
  #length = 0;
  readonly #taken = new Set<string>();
  readonly #claimed = new Set<string>();
  readonly #lanes = new Set<string>();

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    const { workspaceId } = item.operation;
    const others = this.#waiting.get(workspaceId);
    if (others === undefined) this.#waiting.set(workspaceId, [item]);
    else others.push(item);
    this.#length++;
  }

  /** Ends a batch; what of it has to be decided again goes before all that came later. */
  putBack(batch: readonly T[], again: readonly T[]): void {
    for (const { operation } of batch) {
      this.#taken.delete(operation.workspaceId);
      for (const claim of claimsOf(operation)) this.#claimed.delete(claim);
    }
    if (again.length === 0) return;
    const first = Map.groupBy(again, ({ operation }) => operation.workspaceId);
    for (const [workspaceId, later] of this.#waiting)
      first.set(workspaceId, [...(first.get(workspaceId) ?? []), ...later]);
    this.#waiting = first;
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
    if (rest.length === 0) this.#waiting.delete(workspaceId);
    else this.#waiting.set(workspaceId, rest);
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
