import type { z } from 'zod';

export type Path = readonly string[];

/** The mistakes of a configuration, each with its path. Parts are read one by one, so that none hides another. */
export class Problems {
  readonly #lines: string[] = [];

  get found(): boolean {
    return this.#lines.length > 0;
  }

  add(path: Path, message: string): void {
    this.#lines.push(path.length === 0 ? `the catalog ${message}` : `${showPath(path)}: ${message}`);
  }

  /** What the schema makes of the value; undefined if it has mistakes. */
  read<T>(schema: z.ZodType<T>, value: unknown, path: Path): T | undefined {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const at = [...path, ...issue.path.map(String)];
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
      for (const key of keys) this.add([...at, key], issue.message);
      if (keys.length === 0) this.add(at, issue.message);
    }
    return undefined;
  }

  /** The object's entries; undefined if it is none. With `known`, other keys are mistakes. */
  readObject(value: unknown, path: Path, known?: readonly string[]): Map<string, unknown> | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.add(path, `must be an object${known === undefined ? '' : ` with ${known.join(', ')}`}`);
      return undefined;
    }
    const entries = new Map<string, unknown>(Object.entries(value));
    for (const key of entries.keys()) {
      if (known?.includes(key) === false) this.add([...path, key], unknownKey(known));
    }
    return entries;
  }

  /** One line for one mistake; several are listed below each other. */
  toString(): string {
    if (this.#lines.length === 1) return this.#lines[0]!;
    return [`${this.#lines.length} mistakes`, ...this.#lines.map((line) => `  ${line}`)].join('\n');
  }
}

export function unknownKey(known: readonly string[]): string {
  return `is unknown here; known are ${known.join(', ')}`;
}

/** As one would write it in code: plans.FREE.features.'api.calls'.allowance */
function showPath(path: Path): string {
  return path.map((key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`)).join('.');
}
