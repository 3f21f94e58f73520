/** The id of what may be an id or, expanded, the object itself. */
export function idOf(reference: string | { id: string }): string;
export function idOf(reference: string | { id: string } | null | undefined): string | null;
export function idOf(reference: string | { id: string } | null | undefined): string | null {
  return typeof reference === 'object' ? (reference?.id ?? null) : (reference ?? null);
}

/** The object itself, where it was expanded. */
export function expanded<T extends { id: string }>(reference: string | T | null | undefined): T | null {
  return typeof reference === 'object' ? reference : null;
}

/** A moment that Stripe tells in seconds. */
export function dateOf(seconds: number): Date {
  return new Date(seconds * 1000);
}
