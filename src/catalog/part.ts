import type { z } from 'zod';

/** A part of a configuration, by its path. Parts are read one by one into one list, so that no mistake hides another. */
export class Part {
  readonly value: unknown;
  readonly #path: readonly string[];
  readonly #mistakes: string[];

  constructor(value: unknown, path: readonly string[], mistakes: string[]) {
    this.value = value;
    this.#path = path;
    this.#mistakes = mistakes;
  }

  /** The part under this key; its value is undefined if there is none. */
  at(key: string): Part {
    const value = this.#isObject() && Object.hasOwn(this.value, key) ? this.value[key] : undefined;
    return new Part(value, [...this.#path, key], this.#mistakes);
  }

  /** Whether it is an object. Other keys than these are mistakes. */
  hasKeys(known: readonly string[]): boolean {
    if (!this.#isObject()) {
      this.refuse(`must be an object with ${known.join(', ')}`);
      return false;
    }
    for (const key of Object.keys(this.value))
      if (!known.includes(key)) this.at(key).refuse(unknownKey(known));
    return true;
  }

  /** Its parts by key; undefined if it is no object. */
  entries(): [string, Part][] | undefined {
    if (this.#isObject()) return Object.keys(this.value).map((key) => [key, this.at(key)]);
    this.refuse('must be an object');
    return undefined;
  }

  /** Its parts in order; none if it is no list. */
  items(): Part[] {
    if (!Array.isArray(this.value)) return [];
    return this.value.map((item, index) => new Part(item, [...this.#path, String(index)], this.#mistakes));
  }

  /** What the schema makes of it; undefined if it has mistakes. */
  read<T>(schema: z.ZodType<T>): T | undefined {
    const result = schema.safeParse(this.value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const part = issue.path.reduce<Part>((part, key) => part.at(String(key)), this);
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
      for (const key of keys) part.at(key).refuse(issue.message);
      if (keys.length === 0) part.refuse(issue.message);
    }
    return undefined;
  }

  /** Notes a mistake: its message begins with `must` or `is`. */
  refuse(message: string): void {
    const name = this.#path.length === 0 ? 'the catalog' : `${showPath(this.#path)}:`;
    this.#mistakes.push(`${name} ${message}`);
  }

  #isObject(): this is { value: Record<string, unknown> } {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }
}

export function unknownKey(known: readonly string[]): string {
  return `is unknown here; known are ${known.join(', ')}`;
}

/** As one would write it in code: plans.FREE.features.'api.calls'.allowance */
function showPath(path: readonly string[]): string {
  return path.map((key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`)).join('.');
}
