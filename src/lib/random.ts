/** Numbers that look random and follow from their seed. */
export type Random = {
  /** A whole number from 0 up to, but without, this one. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  /** True with this probability; always at 1, never at 0. */
  chance(probability: number): boolean;
};

export function makeRandom(seed: string): Random {
  let state = [...seed].reduce((sum, char) => Math.imul(sum ^ char.charCodeAt(0), 0x01000193), 0x811c9dc5);
  // Mulberry32: small, and good enough to choose operations.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    chance: (probability) => next() < probability,
  };
}
