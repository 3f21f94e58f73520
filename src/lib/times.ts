/** Epoch milliseconds as ISO 8601, in UTC. */
export function toIso(time: number): string {
  return new Date(time).toISOString();
}

/** The same; null: there is no such time. */
export function toIsoOrNull(time: number | null): string | null {
  return time === null ? null : toIso(time);
}
