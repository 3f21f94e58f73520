/** Epoch milliseconds as ISO 8601, in UTC. */
export function toIso(time: number): string {
  return new Date(time).toISOString();
}

/** The same; null: there is no such time. */
export function toIsoOrNull(time: number | null): string | null {
  return time === null ? null : toIso(time);
}

/** Where `now` comes from. Decisions get it as an argument; nothing below the edge asks the machine. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };

/** A clock that can be moved forward, for tests: the machine's time plus an offset. */
export class MovableClock implements Clock {
  offsetMs: number;

  constructor(offsetMs = 0) {
    this.offsetMs = offsetMs;
  }

  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }
}
