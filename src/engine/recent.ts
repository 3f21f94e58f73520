/**
 * What was asked for lately, by its key. Two generations: what is asked for moves to the young one; when that is full, it
 * becomes the old one, and what nobody asked for meanwhile is forgotten. Nothing has to be sorted or taken out.
 */
export class Recent<T> {
  readonly #limit: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  /** `limit`: how many are kept at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: T): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#limit / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
